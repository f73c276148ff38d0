//! Chains that are valid, or would be but for name constraints and certificate policies, which are
//! drawn by lot.

use private_ca::Certificate;

use super::chains::{now, tlv};
use super::draft::{
    COMMON_NAME, COUNTRY, Draft, EMAIL_ADDRESS, Extension, KEYS, KINDS, Name, ORGANIZATION,
    PRINTABLE, UTF8, sequence,
};
use super::random::Random;
use super::values::{self, CLIENT, SERVER};

pub(super) const VERSION_3: &[u8] = &[0xa0, 3, 2, 1, 2];

/// Certificates by their places in `drafts`.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) drafts: Vec<Draft>,
    pub(super) anchors: Vec<usize>,
    pub(super) pool: Vec<usize>,
    pub(super) leaf: usize,
    /// From the leaf to the root.
    pub(super) path: Vec<usize>,
    /// Seconds since 1970.
    pub(super) at: i64,
    /// What is special.
    pub(super) notes: Vec<String>,
}

/// A plan carried out.
pub(super) struct Ders {
    pub(super) anchors: Vec<Vec<u8>>,
    pub(super) pool: Vec<Vec<u8>>,
    pub(super) leaf: Vec<u8>,
}

impl Ders {
    /// Of a path: from the leaf to the anchor.
    pub(super) fn certificates(&self) -> Vec<Certificate> {
        let all = [&self.leaf].into_iter().chain(&self.pool).chain(&self.anchors);
        all.map(|der| Certificate::from_der(der).unwrap()).collect()
    }
}

impl Plan {
    pub(super) fn ders(&self) -> Ders {
        // An ECDSA signature is another one each time, and a certificate has one.
        let ders: Vec<_> = self.drafts.iter().map(Draft::der).collect();
        let of = |places: &[usize]| places.iter().map(|&place| ders[place].clone()).collect();
        Ders { anchors: of(&self.anchors), pool: of(&self.pool), leaf: ders[self.leaf].clone() }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// Keys that are not used twice.
struct Keys(Vec<usize>);

impl Keys {
    fn new(random: &mut Random) -> Self {
        let mut order: Vec<usize> = (0..KEYS.len()).collect();
        random.shuffle(&mut order);
        Self(order)
    }

    fn take(&mut self, random: &mut Random) -> usize {
        let mut lot = random.below(100);
        let mut start = 0;
        for (count, share) in KINDS {
            if lot < share {
                let of_kind = |key: &usize| (start..start + count).contains(key);
                if let Some(place) = self.0.iter().position(of_kind) {
                    return self.0.remove(place);
                }
                break;
            }
            lot -= share;
            start += count;
        }
        self.0.pop().unwrap_or(0)
    }
}

fn key_identifier(key: usize) -> Vec<u8> {
    let spki = &KEYS[key].spki;
    spki[spki.len() - 20..].to_vec()
}

fn name(common_name: &str, random: &mut Random) -> Name {
    let tag = if random.one_in(3) { PRINTABLE } else { UTF8 };
    let mut name = Name::default();
    if random.one_in(5) {
        name = name.with(COUNTRY, PRINTABLE, "DE");
    }
    if random.one_in(2) {
        name = name.with(ORGANIZATION, UTF8, "Acme");
    }
    name.with(COMMON_NAME, tag, common_name)
}

fn draft(issuer: &Name, subject: Name, key: usize, signer: usize, random: &mut Random) -> Draft {
    let mut serial = match random.below(12) {
        0 => vec![1],
        1 => random.octets(20),
        2 => vec![0, 0x80 | random.next() as u8],
        _ => random.octets(8),
    };
    if serial.len() > 2 {
        serial[0] = serial[0] & 0x7f | 0x40;
    }
    Draft {
        version: VERSION_3.to_vec(),
        serial,
        inside: None,
        outside: None,
        issuer: issuer.clone(),
        not_before: (0x17, b"260101000000Z".to_vec()),
        not_after: match random.below(12) {
            0 => (0x18, b"20600101000000Z".to_vec()),
            1 => (0x18, b"99991231235959Z".to_vec()),
            _ => (0x17, b"280101000000Z".to_vec()),
        },
        subject,
        spki: KEYS[key].spki.clone(),
        unique_ids: Vec::new(),
        extensions: Vec::new(),
        explicit_extensions: false,
        key,
        signer,
        twists: Vec::new(),
    }
}

fn identify(draft: &mut Draft, is_ca: bool, random: &mut Random) {
    if random.percent(if is_ca { 75 } else { 50 }) {
        let identifier = tlv(4, &key_identifier(draft.key));
        draft.extensions.push(Extension::new(values::SUBJECT_KEY, false, identifier));
    }
    if random.percent(70) {
        let identifier = sequence(&[tlv(0x80, &key_identifier(draft.signer))]);
        draft.extensions.push(Extension::new(values::AUTHORITY_KEY, false, identifier));
    }
}

/// `below` intermediate certificates follow it.
fn ca(draft: &mut Draft, below: usize, policies: bool, random: &mut Random) {
    let length = random.percent(30).then(|| (below + random.below(2)) as u8);
    let critical = random.percent(85);
    let constraints = values::basic_constraints(true, length);
    draft.extensions.push(Extension::new(values::BASIC_CONSTRAINTS, critical, constraints));
    if random.percent(80) {
        let usages: [&[u8]; 3] = [&[5, 6], &[5], &[0, 5, 6]];
        let usage = values::key_usage(random.pick::<&[u8]>(&usages));
        draft.extensions.push(Extension::new(values::KEY_USAGE, random.percent(85), usage));
    }
    identify(draft, true, random);
    if random.percent(15) {
        let purposes = [
            vec![values::purpose(CLIENT), values::purpose(SERVER)],
            vec![values::purpose(CLIENT)],
            vec![values::any_purpose()],
            vec![values::any_purpose(), values::purpose(CLIENT)],
        ];
        let purposes = sequence(random.pick(&purposes).as_slice());
        draft.extensions.push(Extension::new(
            values::EXTENDED_KEY_USAGE,
            random.one_in(5),
            purposes,
        ));
    }
    if random.percent(18) {
        let constraints = values::name_constraints(random, false);
        let critical = random.percent(60);
        draft.extensions.push(Extension::new(values::NAME_CONSTRAINTS, critical, constraints));
    }
    if policies {
        certificate_policies(draft, random);
        if random.one_in(4) {
            let mappings = values::mappings(random);
            draft.extensions.push(Extension::new(values::MAPPINGS, random.one_in(6), mappings));
        }
        if random.one_in(3) {
            let constraints = values::policy_constraints(random);
            let critical = random.one_in(6);
            draft.extensions.push(Extension::new(
                values::POLICY_CONSTRAINTS,
                critical,
                constraints,
            ));
        }
        if random.one_in(4) {
            let skip = tlv(2, &[random.below(3) as u8]);
            draft.extensions.push(Extension::new(values::INHIBIT_ANY, random.one_in(6), skip));
        }
    }
    points(draft, random);
}

fn certificate_policies(draft: &mut Draft, random: &mut Random) {
    if random.percent(85) {
        let policies = values::policies(random);
        draft.extensions.push(Extension::new(values::POLICIES, random.one_in(8), policies));
    }
}

/// Where to ask about it, which nobody in this test does.
fn points(draft: &mut Draft, random: &mut Random) {
    if random.one_in(10) {
        let points = values::distribution_points();
        draft.extensions.push(Extension::new(
            values::DISTRIBUTION_POINTS,
            random.one_in(4),
            points,
        ));
    }
    if random.one_in(10) {
        let access = values::information_access();
        draft.extensions.push(Extension::new(values::INFORMATION_ACCESS, false, access));
    }
}

fn peer(draft: &mut Draft, policies: bool, random: &mut Random) {
    if random.percent(40) {
        let constraints = values::basic_constraints(false, None);
        let critical = random.one_in(2);
        draft.extensions.push(Extension::new(values::BASIC_CONSTRAINTS, critical, constraints));
    }
    if random.percent(80) {
        let usages: [&[u8]; 3] = [&[0], &[0, 2], &[0, 4]];
        let usage = values::key_usage(random.pick::<&[u8]>(&usages));
        draft.extensions.push(Extension::new(values::KEY_USAGE, random.percent(85), usage));
    }
    identify(draft, false, random);
    if random.percent(85) {
        let purposes = match random.below(10) {
            0 => vec![values::purpose(CLIENT)],
            1 => vec![values::purpose(SERVER)],
            2 => vec![values::any_purpose(), values::purpose(CLIENT), values::purpose(SERVER)],
            _ => vec![values::purpose(CLIENT), values::purpose(SERVER)],
        };
        let purposes = sequence(&purposes);
        let critical = random.one_in(8);
        draft.extensions.push(Extension::new(values::EXTENDED_KEY_USAGE, critical, purposes));
    }
    let has_no_name = draft.subject.0.is_empty();
    if has_no_name || random.percent(85) {
        let names: Vec<_> =
            (0..1 + random.below(3)).map(|_| values::general_name(random)).collect();
        let critical = has_no_name || random.one_in(8);
        draft.extensions.push(Extension::new(
            values::ALTERNATIVE_NAMES,
            critical,
            sequence(&names),
        ));
    }
    if policies {
        certificate_policies(draft, random);
    }
    points(draft, random);
}

pub(super) fn plan(random: &mut Random) -> Plan {
    let mut keys = Keys::new(random);
    let policies = random.percent(20);
    let count = *random.pick(&[0, 1, 1, 1, 1, 2, 2, 2, 3, 3]);
    let mut drafts: Vec<Draft> = Vec::new();
    let mut notes = Vec::new();

    let root_name = name("Root", random);
    let key = keys.take(random);
    let mut root = draft(&root_name, root_name.clone(), key, key, random);
    if random.one_in(14) {
        root.version = Vec::new();
        notes.push("root of version 1".to_owned());
    } else {
        ca(&mut root, count, policies && random.one_in(3), random);
    }
    drafts.push(root);
    let mut path = vec![0];
    for place in 0..count {
        let issuer = drafts[path[0]].clone();
        let key = keys.take(random);
        let subject = if random.one_in(8) {
            notes.push(format!("intermediate {place} is self-issued"));
            issuer.subject.clone()
        } else {
            name(["Upper", "Middle", "Lower"][place], random)
        };
        let mut intermediate = draft(&issuer.subject, subject, key, issuer.key, random);
        ca(&mut intermediate, count - place - 1, policies, random);
        path.insert(0, drafts.len());
        drafts.push(intermediate);
    }
    let issuer = drafts[path[0]].clone();
    let key = keys.take(random);
    let subject = match random.below(14) {
        0 => Name::default(),
        1 => name("worker", random).with(EMAIL_ADDRESS, 0x16, "ann@acme.example"),
        2 => name("worker.acme.internal", random),
        _ => name("worker", random),
    };
    let mut leaf = draft(&issuer.subject, subject, key, issuer.key, random);
    peer(&mut leaf, policies, random);
    let leaf_place = drafts.len();
    path.insert(0, leaf_place);
    drafts.push(leaf);

    let pool = path[1..path.len() - 1].to_vec();
    let mut plan = Plan {
        drafts,
        anchors: vec![0],
        pool,
        leaf: leaf_place,
        path,
        at: now().unix_seconds(),
        notes,
    };
    company(&mut plan, &mut keys, random);
    random.shuffle(&mut plan.pool);
    random.shuffle(&mut plan.anchors);
    plan
}

/// Certificates besides the path.
fn company(plan: &mut Plan, keys: &mut Keys, random: &mut Random) {
    if random.one_in(8) {
        plan.note("another anchor");
        let namesake = random.one_in(2);
        let subject = if namesake { plan.drafts[0].subject.clone() } else { name("Other", random) };
        let key = keys.take(random);
        let mut other = draft(&subject, subject.clone(), key, key, random);
        ca(&mut other, 3, false, random);
        plan.anchors.push(plan.drafts.len());
        plan.drafts.push(other);
    }
    if random.one_in(8) && plan.path.len() > 2 {
        let place = plan.path[1 + random.below(plan.path.len() - 2)];
        let mut twin = plan.drafts[place].clone();
        twin.serial = vec![0x31];
        match random.below(4) {
            0 => {
                plan.note("an expired twin of an issuer");
                twin.not_after = (0x17, b"270101000000Z".to_vec());
            }
            1 => {
                plan.note("a namesake of an issuer with another key");
                let key = keys.take(random);
                twin.key = key;
                twin.spki = KEYS[key].spki.clone();
            }
            2 => {
                plan.note("a cross-certificate by an unknown root");
                twin.issuer = name("Gone", random);
                twin.signer = keys.take(random);
            }
            _ => {
                plan.note("a cross-certificate by another anchor");
                let subject = name("Cross", random);
                let key = keys.take(random);
                let mut cross = draft(&subject, subject.clone(), key, key, random);
                ca(&mut cross, 3, false, random);
                plan.anchors.push(plan.drafts.len());
                plan.drafts.push(cross);
                twin.issuer = subject;
                twin.signer = key;
            }
        }
        plan.pool.push(plan.drafts.len());
        plan.drafts.push(twin);
    }
    if random.one_in(16) {
        plan.note("the root is in the pool");
        plan.pool.push(0);
    }
    if random.one_in(16) {
        plan.note("the leaf is in the pool");
        plan.pool.push(plan.leaf);
    }
    if random.one_in(24) {
        plan.note("the root is a cross-certificate too, by a new root");
        let key = keys.take(random);
        let subject = name("New Root", random);
        let mut new = draft(&subject, subject.clone(), key, key, random);
        ca(&mut new, 4, false, random);
        let mut cross = plan.drafts[0].clone();
        cross.issuer = subject;
        cross.signer = key;
        if random.one_in(2) {
            plan.anchors = vec![plan.drafts.len()];
        } else {
            plan.anchors.push(plan.drafts.len());
        }
        plan.drafts.push(new);
        plan.pool.push(plan.drafts.len());
        plan.drafts.push(cross);
    }
    if random.one_in(24) {
        plan.note("the leaf is an anchor too");
        plan.anchors.push(plan.leaf);
    }
    if random.one_in(30) {
        plan.note("the leaf is an anchor and self-signed");
        let leaf = &mut plan.drafts[plan.leaf];
        leaf.issuer = leaf.subject.clone();
        leaf.signer = leaf.key;
        if random.percent(80) {
            leaf.extensions.retain(|extension| extension.id != values::AUTHORITY_KEY);
        }
        plan.anchors.push(plan.leaf);
    }
    if random.one_in(40) && plan.path.len() > 2 {
        plan.note("an intermediate is an anchor, and the root is not");
        plan.anchors = vec![plan.path[1]];
    }
}
