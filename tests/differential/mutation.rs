//! Changes that a chain should not survive, or should.

use super::chain::Plan;
use super::chains::tlv;
use super::draft::{CRITICAL, Draft, Extension, KEYS, Name, Twist, oid, sequence};
use super::random::Random;
use super::values;

type Mutation = fn(&mut Plan, usize, &mut Random) -> String;

/// How often each is taken.
const MUTATIONS: &[(usize, Mutation)] = &[
    (2, version),
    (3, serial_number),
    (3, algorithms),
    (4, validity),
    (7, names),
    (5, public_key),
    (5, add_extension),
    (4, remove_extension),
    (2, duplicate_extension),
    (6, criticality),
    (14, known_value),
    (16, constrained_names),
    (9, damaged_value),
    (2, order),
    (3, signature),
    (7, bit_of_the_signed_part),
    (3, moment),
    (2, unique_identifiers),
    (3, roles),
    (3, trailing),
];

pub(super) fn mutate(plan: &mut Plan, random: &mut Random) {
    let total = MUTATIONS.iter().map(|(weight, _)| weight).sum();
    let mut lot = random.below(total);
    for (weight, mutation) in MUTATIONS {
        if lot < *weight {
            let place = match random.percent(92) {
                true => {
                    // The leaf more often than each of its issuers.
                    let depth = random.below(plan.path.len() + 1);
                    plan.path[depth.saturating_sub(1)]
                }
                false => random.below(plan.drafts.len()),
            };
            let who = match plan.path.iter().position(|&of_path| of_path == place) {
                Some(0) => "leaf".to_owned(),
                Some(depth) if depth + 1 == plan.path.len() => "root".to_owned(),
                Some(depth) => format!("issuer {depth}"),
                None => "other".to_owned(),
            };
            let what = mutation(plan, place, random);
            plan.note(format!("{who}: {what}"));
            return;
        }
        lot -= weight;
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn version(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let versions: [&[u8]; 7] = [
        &[],
        &[0xa0, 3, 2, 1, 0],
        &[0xa0, 3, 2, 1, 1],
        &[0xa0, 3, 2, 1, 3],
        &[0xa0, 3, 2, 1, 0xff],
        &[0xa0, 4, 2, 2, 0, 2],
        &[0xa0, 4, 2, 2, 1, 2],
    ];
    let draft = &mut plan.drafts[place];
    draft.version = random.pick(&versions).to_vec();
    let mut what = format!("version {}", hex(&draft.version));
    if random.one_in(2) {
        draft.extensions.clear();
        what += " without extensions";
    }
    what
}

fn serial_number(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let serials = [
        vec![0],
        vec![0x80],
        vec![0xff],
        vec![],
        vec![0, 1],
        vec![0xff, 0xff],
        vec![1; 20],
        vec![1; 21],
        [&[0], &[0xff; 20][..]].concat(),
        vec![1; 40],
    ];
    plan.drafts[place].serial = random.pick(&serials).clone();
    format!("serial number {}", hex(&plan.drafts[place].serial))
}

fn algorithms(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let draft = &mut plan.drafts[place];
    let own = KEYS[draft.signer].algorithm;
    let id = &own[2..2 + 2 + usize::from(own[3])];
    let with_null = sequence(&[id.to_vec(), vec![5, 0]]);
    let without = sequence(&[id.to_vec()]);
    let with_sequence = sequence(&[id.to_vec(), vec![0x30, 0]]);
    let choices = [with_null, without, with_sequence, KEYS[0].algorithm.to_vec(), vec![0x30, 0]];
    let chosen = random.pick(&choices).clone();
    let places = random.below(4);
    if places != 0 {
        draft.inside = Some(chosen.clone());
    }
    if places != 1 {
        draft.outside = Some(chosen.clone());
    }
    format!("algorithm {} for {}, in {places}", hex(&chosen), hex(own))
}

fn validity(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let times: [(u8, &[u8]); 24] = [
        (0x17, b"250101000000Z"),
        (0x17, b"270228235959Z"),
        (0x17, b"270302000000Z"),
        (0x17, b"2601010000Z"),
        (0x17, b"270101000000+0000"),
        (0x17, b"270101000000z"),
        (0x17, b"270230000000Z"),
        (0x17, b"261231235960Z"),
        (0x17, b"261231240000Z"),
        (0x17, b"500101000000Z"),
        (0x17, b"491231235959Z"),
        (0x17, b"990101000000Z"),
        (0x18, b"20280101000000Z"),
        (0x18, b"20260101000000Z"),
        (0x18, b"20280101000000.5Z"),
        (0x18, b"202801010000Z"),
        (0x18, b"20280101000000+0100"),
        (0x18, b"00000101000000Z"),
        (0x18, b"19490101000000Z"),
        (0x18, b"99991231235959Z"),
        (0x18, b"20490101000000Z"),
        (0x16, b"280101000000Z"),
        (0x17, b""),
        (0x17, b" 60101000000Z"),
    ];
    let (tag, text) = *random.pick(&times);
    let draft = &mut plan.drafts[place];
    let what = String::from_utf8_lossy(text).into_owned();
    if random.one_in(2) {
        draft.not_before = (tag, text.to_vec());
        format!("notBefore {tag:02x} {what}")
    } else {
        draft.not_after = (tag, text.to_vec());
        format!("notAfter {tag:02x} {what}")
    }
}

fn change(name: &mut Name, random: &mut Random) -> String {
    if random.one_in(14) || name.0.is_empty() {
        *name = Name::default();
        return "none".to_owned();
    }
    let place = random.below(name.0.len());
    let attribute = &mut name.0[place];
    match random.below(9) {
        0 => {
            attribute.value.make_ascii_uppercase();
            "in upper case".to_owned()
        }
        1 => {
            let tags = [0x0c, 0x13, 0x14, 0x16, 0x12, 0x1c, 0x1e, 0x19, 0x1a, 0x04, 0x02, 0x05];
            attribute.tag = *random.pick(&tags);
            format!("with a string of type {:02x}", attribute.tag)
        }
        2 => {
            let values: [(u8, &[u8]); 14] = [
                (0x13, b"a@b"),
                (0x13, b"a*b&"),
                (0x13, b"a_b"),
                (0x13, b""),
                (0x0c, b"\xff\xfe"),
                (0x0c, b""),
                (0x0c, b"a\0b"),
                (0x16, b"\xe4"),
                (0x12, b"1a"),
                (0x1e, b"\0a\0b"),
                (0x1e, b"\0"),
                (0x1e, b"\xd8\0\xdc\0"),
                (0x14, b"\xe4\xff"),
                (0x1c, b"\0\0\0a"),
            ];
            let (tag, value) = *random.pick(&values);
            (attribute.tag, attribute.value) = (tag, value.to_vec());
            format!("with {tag:02x} {}", hex(value))
        }
        3 => {
            attribute.value.insert(0, b' ');
            attribute.value.push(b' ');
            "with spaces".to_owned()
        }
        4 => {
            name.0.remove(place);
            "with a part less".to_owned()
        }
        5 => {
            let copy = attribute.clone();
            name.0.push(copy);
            "with a part twice".to_owned()
        }
        6 => {
            name.0.reverse();
            "backwards".to_owned()
        }
        7 => {
            attribute.kind = vec![0x2a, 3, 4];
            "with an unknown attribute".to_owned()
        }
        _ => {
            random.flip(&mut attribute.value);
            "with a bit flipped".to_owned()
        }
    }
}

fn names(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let old = plan.drafts[place].subject.clone();
    let mut new = old.clone();
    let what = change(&mut new, random);
    match random.below(4) {
        0 => {
            plan.drafts[place].subject = new;
            format!("subject {what}")
        }
        1 => {
            let what = change(&mut plan.drafts[place].issuer, random);
            format!("issuer {what}")
        }
        _ => {
            for draft in &mut plan.drafts {
                for name in [&mut draft.subject, &mut draft.issuer] {
                    if *name == old {
                        *name = new.clone();
                    }
                }
            }
            format!("subject {what}, everywhere")
        }
    }
}

fn rsa(bits: usize, exponent: &[u8], parameters: &[u8], random: &mut Random) -> Vec<u8> {
    let mut modulus = random.octets(bits / 8);
    modulus[0] |= 0x80;
    modulus[bits / 8 - 1] |= 1;
    let modulus = tlv(2, &[&[0], modulus.as_slice()].concat());
    let key = sequence(&[modulus, tlv(2, exponent)]);
    let id = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);
    let algorithm = sequence(&[id, parameters.to_vec()]);
    sequence(&[algorithm, tlv(3, &[&[0], key.as_slice()].concat())])
}

fn public_key(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let draft = &mut plan.drafts[place];
    let public = [1, 0, 1];
    let (spki, what) = match random.below(14) {
        0 => (rsa(1024, &public, &[5, 0], random), "RSA of 1024 bits"),
        1 => (rsa(2048, &public, &[5, 0], random), "RSA of 2048 bits"),
        2 => (rsa(4096, &public, &[5, 0], random), "RSA of 4096 bits"),
        3 => (rsa(8200, &public, &[5, 0], random), "RSA of 8200 bits"),
        4 => (rsa(2048, &public, &[], random), "RSA without parameters"),
        5 => (rsa(2048, &[1], &[5, 0], random), "RSA with the exponent 1"),
        6 => (rsa(2048, &[4], &[5, 0], random), "RSA with the exponent 4"),
        7 => (rsa(2048, &[0xff], &[5, 0], random), "RSA with a negative exponent"),
        8 => {
            // A point of P-256 with its second half left out.
            let mut spki = KEYS[0].spki.clone();
            spki.truncate(26 + 33);
            spki[26] = 2;
            spki[1] -= 32;
            spki[24] -= 32;
            (spki, "a compressed point")
        }
        9 => {
            let algorithm = sequence(&[oid(&[0x2a, 3, 4]), vec![5, 0]]);
            (sequence(&[algorithm, tlv(3, &[0, 1, 2, 3])]), "of an unknown kind")
        }
        10 => {
            let mut spki = KEYS[0].spki.clone();
            spki[22] ^= 1;
            (spki, "on another curve")
        }
        11 => {
            // A point of secp224r1 has the length, and these numbers are not on it.
            let id = oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
            let algorithm = sequence(&[id, oid(&[0x2b, 0x81, 4, 0, 0x21])]);
            let point = [&[0, 4], random.octets(56).as_slice()].concat();
            (sequence(&[algorithm, tlv(3, &point)]), "on P-224")
        }
        12 => {
            let mut spki = draft.spki.clone();
            random.flip(&mut spki);
            (spki, "with a bit flipped")
        }
        _ => {
            let other = random.below(KEYS.len());
            (KEYS[other].spki.clone(), "another one")
        }
    };
    draft.spki = spki;
    format!("public key {what}")
}

fn add_extension(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let id = *random.pick(&values::ALL);
    let extension = values::extension(id, random);
    let draft = &mut plan.drafts[place];
    let what = format!(
        "with {} {} {}",
        hex(id),
        if extension.critical.is_empty() { "not critical" } else { "critical" },
        hex(&extension.value)
    );
    draft.extensions.retain(|extension| extension.id != id);
    draft.extensions.push(extension);
    what
}

fn any_extension<'a>(draft: &'a mut Draft, random: &mut Random) -> Option<&'a mut Extension> {
    let count = draft.extensions.len();
    if count == 0 {
        return None;
    }
    draft.extensions.get_mut(random.below(count))
}

fn remove_extension(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let draft = &mut plan.drafts[place];
    if draft.extensions.is_empty() || random.one_in(8) {
        draft.extensions.clear();
        draft.explicit_extensions = random.one_in(2);
        return format!("no extensions, [3] is {}", draft.explicit_extensions);
    }
    let extension = draft.extensions.remove(random.below(draft.extensions.len()));
    format!("without {}", hex(&extension.id))
}

fn duplicate_extension(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let draft = &mut plan.drafts[place];
    let Some(extension) = any_extension(draft, random).cloned() else {
        return "nothing".to_owned();
    };
    let what = format!("{} twice", hex(&extension.id));
    draft.extensions.push(extension);
    what
}

fn criticality(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let Some(extension) = any_extension(&mut plan.drafts[place], random) else {
        return "nothing".to_owned();
    };
    extension.critical = match random.below(10) {
        0 => vec![1, 1, 0],
        1 => vec![1, 1, 1],
        _ if extension.critical.is_empty() => CRITICAL.to_vec(),
        _ => Vec::new(),
    };
    format!("{} with criticality {}", hex(&extension.id), hex(&extension.critical))
}

/// Values whose meaning verifiers could differ on.
fn known_value(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let draft = &mut plan.drafts[place];
    let ids = [
        values::BASIC_CONSTRAINTS,
        values::KEY_USAGE,
        values::EXTENDED_KEY_USAGE,
        values::ALTERNATIVE_NAMES,
        values::ALTERNATIVE_NAMES,
        values::AUTHORITY_KEY,
        values::SUBJECT_KEY,
        values::NAME_CONSTRAINTS,
        values::NAME_CONSTRAINTS,
        values::POLICIES,
        values::POLICY_CONSTRAINTS,
        values::INHIBIT_ANY,
        values::MAPPINGS,
    ];
    let id = *random.pick(&ids);
    let truth = [1, 1, 0xff];
    let value = match id {
        values::BASIC_CONSTRAINTS => random
            .pick(&[
                vec![0x30, 0],
                sequence(&[vec![1, 1, 0]]),
                sequence(&[vec![1, 1, 1]]),
                sequence(&[truth.to_vec(), tlv(2, &[0])]),
                sequence(&[truth.to_vec(), tlv(2, &[1])]),
                sequence(&[truth.to_vec(), tlv(2, &[0xff])]),
                sequence(&[truth.to_vec(), tlv(2, &[0, 0x80])]),
                sequence(&[truth.to_vec(), tlv(2, &[1, 0])]),
                sequence(&[truth.to_vec(), tlv(2, &[0, 1])]),
                sequence(&[truth.to_vec(), tlv(2, &[0x7f; 9])]),
                sequence(&[tlv(2, &[0])]),
                sequence(&[tlv(2, &[0]), truth.to_vec()]),
                sequence(&[truth.to_vec(), tlv(2, &[3]), tlv(5, &[])]),
            ])
            .clone(),
        values::KEY_USAGE => random
            .pick(&[
                vec![3, 1, 0],
                vec![3, 2, 0, 0],
                vec![3, 2, 7, 0],
                vec![3, 2, 7, 0x80],
                vec![3, 2, 0, 0x80],
                vec![3, 2, 6, 0x80],
                vec![3, 2, 7, 0xff],
                vec![3, 2, 2, 4],
                vec![3, 2, 1, 6],
                vec![3, 2, 3, 8],
                vec![3, 2, 5, 0x20],
                vec![3, 3, 7, 0x86, 0x80],
                vec![3, 3, 0, 0x86, 0],
                vec![3, 4, 0, 0x86, 0, 1],
                vec![3, 0],
                vec![3, 2, 8, 0x80],
            ])
            .clone(),
        values::EXTENDED_KEY_USAGE => {
            let purposes = [
                vec![],
                vec![values::any_purpose()],
                vec![values::purpose(3)],
                vec![values::purpose(values::CLIENT), values::purpose(values::CLIENT)],
                vec![values::purpose(values::CLIENT), tlv(6, &[0x80, 1])],
                vec![values::purpose(values::SERVER)],
                vec![oid(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3])],
                vec![oid(&[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1])],
                vec![values::purpose(9), values::purpose(values::CLIENT)],
            ];
            sequence(random.pick(&purposes).as_slice())
        }
        values::ALTERNATIVE_NAMES => {
            let count = random.below(3);
            let mut names: Vec<_> = (0..count).map(|_| values::general_name(random)).collect();
            if !random.one_in(6) {
                names.push(values::strange_name(random));
            }
            random.shuffle(&mut names);
            sequence(&names)
        }
        values::AUTHORITY_KEY => {
            let signer = &KEYS[draft.signer].spki;
            let right = tlv(0x80, &signer[signer.len() - 20..]);
            let name = tlv(0xa1, &tlv(0xa4, &draft.issuer.der()));
            let elsewhere = Name::default().with(super::draft::COMMON_NAME, 0x0c, "Elsewhere");
            let elsewhere = tlv(0xa1, &tlv(0xa4, &elsewhere.der()));
            random
                .pick(&[
                    sequence(&[]),
                    sequence(&[tlv(0x80, &[])]),
                    sequence(&[tlv(0x80, &[1; 20])]),
                    sequence(&[right.clone(), name.clone(), tlv(0x82, &[7])]),
                    sequence(&[right.clone(), elsewhere.clone(), tlv(0x82, &[7])]),
                    sequence(&[elsewhere, tlv(0x82, &[7])]),
                    sequence(&[name]),
                    sequence(&[tlv(0x82, &[7])]),
                    sequence(&[right.clone(), tlv(0x82, &[])]),
                    sequence(&[tlv(0x82, &[7]), right.clone()]),
                    sequence(&[right.clone(), right]),
                    sequence(&[tlv(0xa0, &tlv(4, &[1; 20]))]),
                ])
                .clone()
        }
        values::SUBJECT_KEY => {
            random.pick(&[tlv(4, &[]), tlv(4, &[1; 20]), tlv(4, &[1; 64]), tlv(3, &[0, 1])]).clone()
        }
        values::NAME_CONSTRAINTS => {
            if random.one_in(6) {
                random
                    .pick(&[
                        sequence(&[]),
                        sequence(&[tlv(0xa0, &[])]),
                        sequence(&[tlv(0xa1, &[])]),
                        sequence(&[tlv(0xa0, &sequence(&[]))]),
                        sequence(&[tlv(0xa2, &sequence(&[tlv(0x82, b"acme.internal")]))]),
                    ])
                    .clone()
            } else {
                values::name_constraints(random, true)
            }
        }
        values::POLICIES => {
            let one = sequence(&[oid(&[0x2a, 3, 4])]);
            random
                .pick(&[
                    sequence(&[]),
                    sequence(&[one.clone(), one.clone()]),
                    sequence(&[sequence(&[oid(&[0x2a, 3, 4]), sequence(&[])])]),
                    sequence(&[sequence(&[])]),
                    sequence(&[sequence(&[oid(&[0x80])])]),
                    sequence(&[one]),
                ])
                .clone()
        }
        values::POLICY_CONSTRAINTS => random
            .pick(&[
                sequence(&[]),
                sequence(&[tlv(0x80, &[0])]),
                sequence(&[tlv(0x81, &[0])]),
                sequence(&[tlv(0x80, &[0xff])]),
                sequence(&[tlv(0x80, &[0x7f; 9])]),
                sequence(&[tlv(0x80, &[])]),
                sequence(&[tlv(0x81, &[0]), tlv(0x80, &[0])]),
                sequence(&[tlv(0x82, &[0])]),
            ])
            .clone(),
        values::INHIBIT_ANY => random
            .pick(&[
                tlv(2, &[0]),
                tlv(2, &[0xff]),
                tlv(2, &[0x7f; 9]),
                tlv(2, &[0, 1]),
                tlv(2, &[]),
            ])
            .clone(),
        _ => {
            let (one, two) = (oid(&[0x2a, 3, 4]), oid(&[0x2a, 3, 5]));
            let any = oid(values::ANY_POLICY);
            random
                .pick(&[
                    sequence(&[]),
                    sequence(&[sequence(&[one.clone(), two.clone()])]),
                    sequence(&[sequence(&[any.clone(), two.clone()])]),
                    sequence(&[sequence(&[one.clone(), any])]),
                    sequence(&[sequence(std::slice::from_ref(&one))]),
                    sequence(&[sequence(&[one.clone(), two.clone(), one, two])]),
                ])
                .clone()
        }
    };
    let critical = random.one_in(3);
    let mut changed = Extension::new(id, critical, value);
    if let Some(old) = draft.extension(id) {
        changed.critical.clone_from(&old.critical);
        *old = changed.clone();
    } else {
        draft.extensions.push(changed.clone());
    }
    let critical = if changed.critical.is_empty() { "not critical" } else { "critical" };
    format!("{} {critical} {}", hex(id), hex(&changed.value))
}

/// Few names and few constraints, so that they meet.
fn constrained_names(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let strange = random.one_in(3);
    let name = |random: &mut Random| match strange && random.one_in(2) {
        true => values::strange_name(random),
        false => values::general_name(random),
    };
    let names = match random.one_in(3) {
        true => sequence(&[name(random), name(random)]),
        false => sequence(&[name(random)]),
    };
    let set = |draft: &mut Draft, id: &[u8], value: Vec<u8>, critical: bool| {
        draft.extensions.retain(|extension| extension.id != id);
        draft.extensions.push(Extension::new(id, critical, value));
    };
    let (leaf, path) = (plan.path[0], plan.path.clone());
    let issuer = if place == leaf { path[1] } else { place };
    for other in path {
        plan.drafts[other].extensions.retain(|extension| extension.id != values::NAME_CONSTRAINTS);
    }
    let strange = random.one_in(4);
    let constraints = values::name_constraints(random, strange);
    let what = format!("names {}, constraints {}", hex(&names), hex(&constraints));
    set(&mut plan.drafts[leaf], values::ALTERNATIVE_NAMES, names, random.one_in(4));
    set(&mut plan.drafts[issuer], values::NAME_CONSTRAINTS, constraints, random.one_in(2));
    what
}

fn damaged_value(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let Some(extension) = any_extension(&mut plan.drafts[place], random) else {
        return "nothing".to_owned();
    };
    let value = &mut extension.value;
    match random.below(8) {
        0 => value.clear(),
        1 => *value = vec![0x30, 0],
        2 => *value = vec![5, 0],
        3 => drop(value.pop()),
        4 => value.push(0),
        5 => value.extend([5, 0]),
        _ => random.flip(value),
    }
    format!("{} damaged to {}", hex(&extension.id), hex(value))
}

fn order(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    random.shuffle(&mut plan.drafts[place].extensions);
    random.shuffle(&mut plan.pool);
    random.shuffle(&mut plan.anchors);
    "extensions, pool and anchors in another order".to_owned()
}

fn signature(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let bit = random.below(1 << 16);
    let twist = match random.below(8) {
        0 => Twist::UnusedBits(1 + random.below(8) as u8),
        1 => Twist::LongerSignature,
        2 => Twist::ShorterSignature,
        3 => Twist::FlipInTbsAfterSigning(bit),
        _ => Twist::FlipInSignature(bit),
    };
    let what = format!("{twist:?}");
    plan.drafts[place].twists.push(twist);
    what
}

fn bit_of_the_signed_part(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let bit = random.below(1 << 16);
    plan.drafts[place].twists.push(Twist::FlipInTbs(bit));
    let length = plan.drafts[place].der().len() * 8;
    format!("bit {bit} before signing, of about {length}")
}

fn moment(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    // The ends that most certificates have.
    let (first, last) = (1_767_225_600, 1_830_297_600);
    plan.at = *random.pick(&[first - 1, first, first + 1, last - 1, last, last + 1]);
    let _ = place;
    format!("at {}", plan.at)
}

fn unique_identifiers(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let identifiers = [
        tlv(0x81, &[0, 1]),
        tlv(0x82, &[0, 1]),
        [tlv(0x81, &[0, 1]), tlv(0x82, &[4, 0x10])].concat(),
        [tlv(0x82, &[0, 1]), tlv(0x81, &[0, 1])].concat(),
        tlv(0xa1, &tlv(3, &[0, 1])),
        tlv(0x81, &[]),
        tlv(0x81, &[9, 1]),
        tlv(0x84, &[0, 1]),
    ];
    plan.drafts[place].unique_ids = random.pick(&identifiers).clone();
    format!("unique identifiers {}", hex(&plan.drafts[place].unique_ids))
}

/// Who is what.
fn roles(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    match random.below(6) {
        0 => {
            plan.leaf = place;
            "is the leaf".to_owned()
        }
        1 => {
            plan.anchors = vec![place];
            "is the only anchor".to_owned()
        }
        2 => {
            plan.anchors.push(place);
            "is an anchor too".to_owned()
        }
        3 => {
            plan.pool.retain(|&other| other != place);
            "is not in the pool".to_owned()
        }
        4 => {
            plan.pool.push(place);
            "is in the pool, too".to_owned()
        }
        _ => {
            // Now its issuer is no CA.
            plan.drafts[place].extensions.retain(|e| e.id != values::BASIC_CONSTRAINTS);
            let no = values::basic_constraints(false, None);
            let no = Extension::new(values::BASIC_CONSTRAINTS, true, no);
            plan.drafts[place].extensions.push(no);
            "is no CA".to_owned()
        }
    }
}

fn trailing(plan: &mut Plan, place: usize, random: &mut Random) -> String {
    let choices = [vec![0], vec![5, 0], tlv(0xa3, &sequence(&[])), tlv(0xa4, &[5, 0])];
    let more = random.pick(&choices);
    let twist = match random.one_in(3) {
        true => Twist::AfterCertificate(more.clone()),
        false => Twist::AfterExtensions(more.clone()),
    };
    let what = format!("{twist:?}");
    plan.drafts[place].twists.push(twist);
    what
}
