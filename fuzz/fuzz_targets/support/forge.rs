//! Certificates and revocation lists from a fuzzer's bytes, signed with real keys.
//!
//! Few names and few keys, so that they meet: most of what is forged fits something else in the
//! pool. A byte decides one thing, so that a mutation of the input is one of the pool.

use std::sync::OnceLock;

use private_ca::verify::{RevocationList, TrustAnchor};
use private_ca::{Certificate, DistinguishedName, Timestamp};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// What is left of the input; zeros when nothing is.
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                *byte
            }
            None => 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn choose<T: Copy>(&mut self, among: &[T]) -> T {
        among[usize::from(self.byte()) % among.len()]
    }

    /// Up to so many octets, as they are.
    fn octets(&mut self, at_most: usize) -> &'a [u8] {
        let count = usize::from(self.byte()) % (at_most + 1);
        let (octets, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        octets
    }
}

pub fn now() -> Timestamp {
    "2027-03-01T10:00:00Z".parse().unwrap()
}

fn keys() -> &'static [Ed25519KeyPair] {
    static KEYS: OnceLock<Vec<Ed25519KeyPair>> = OnceLock::new();
    KEYS.get_or_init(|| {
        (0..6).map(|seed| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()).collect()
    })
}

pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut der = vec![tag];
    match length {
        0..0x80 => der.push(length as u8),
        0x80..0x100 => der.extend([0x81, length as u8]),
        _ => der.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    der.extend_from_slice(contents);
    der
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// `Ed25519`.
const ALGORITHM: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];

/// Names: two of them equal but for case, one in two parts, one empty.
fn name(choice: u8) -> Vec<u8> {
    let part = |tag: u8, text: &[u8]| tlv(0x31, &sequence(&[&[6, 3, 0x55, 4, 3], &tlv(tag, text)]));
    match choice % 8 {
        0 | 1 => sequence(&[&part(0x0c, b"Root")]),
        2 => sequence(&[&part(0x0c, b"Issuing")]),
        3 => sequence(&[&part(0x13, b"ISSUING ")]),
        4 => sequence(&[&part(0x0c, b"Root"), &part(0x0c, b"Lower")]),
        5 => sequence(&[&part(0x0c, b"Worker")]),
        6 => sequence(&[&part(0x13, b"a@b")]),
        _ => sequence(&[]),
    }
}

fn public_key(choice: u8) -> Vec<u8> {
    let key = keys()[usize::from(choice) % keys().len()].public_key().as_ref();
    sequence(&[ALGORITHM, &tlv(3, &[&[0], key].concat())])
}

fn key_identifier(choice: u8) -> [u8; 1] {
    [choice % keys().len() as u8]
}

fn time(source: &mut Source<'_>, among: &[&str]) -> Vec<u8> {
    let text = source.choose(among);
    tlv(if text.len() == 13 { 0x17 } else { 0x18 }, text.as_bytes())
}

/// A name for a certificate, or with a constraint's form of it.
fn general_name(source: &mut Source<'_>, is_constraint: bool) -> Vec<u8> {
    const HOSTS: &[&[u8]] = &[
        b"a.example",
        b"b.a.example",
        b"example",
        b".a.example",
        b"*.a.example",
        b"",
        b"x_y.example",
    ];
    match source.byte() % 10 {
        0..=2 => tlv(0x82, source.choose(HOSTS)),
        3 => tlv(
            0x81,
            source.choose(&[&b"u@a.example"[..], b"a.example", b".example", b"u@b.a.example"]),
        ),
        4 if is_constraint => tlv(0x86, source.choose(HOSTS)),
        4 => tlv(
            0x86,
            source.choose(&[
                &b"x://a.example/p"[..],
                b"x://b.a.example",
                b"urn:a",
                b"x://10.0.0.1",
            ]),
        ),
        5 if is_constraint => {
            tlv(0x87, source.choose(&[&[10, 0, 0, 0, 255, 0, 0, 0][..], &[0; 8], &[0; 32]]))
        }
        5 => tlv(0x87, source.choose(&[&[10, 1, 2, 3][..], &[11, 1, 2, 3], &[0; 16]])),
        6 | 7 => tlv(0xa4, &name(source.byte())),
        8 => tlv(0x88, &[42, 3]),
        _ => tlv(source.byte(), source.octets(8)),
    }
}

fn general_names(source: &mut Source<'_>) -> Vec<u8> {
    (0..source.byte() % 4).flat_map(|_| general_name(source, false)).collect()
}

fn subtrees(source: &mut Source<'_>, tag: u8) -> Vec<u8> {
    let count = source.byte() % 4;
    if count == 0 {
        return Vec::new();
    }
    let subtrees: Vec<u8> =
        (0..count).flat_map(|_| sequence(&[&general_name(source, true)])).collect();
    tlv(tag, &subtrees)
}

/// One of four policies, or anyPolicy.
fn policy(choice: u8) -> Vec<u8> {
    match choice % 6 {
        0 => vec![6, 4, 0x55, 0x1d, 0x20, 0],
        number => vec![6, 3, 42, 3, number],
    }
}

fn policies(source: &mut Source<'_>) -> Vec<u8> {
    let policies = (0..source.byte() % 4).flat_map(|_| sequence(&[&policy(source.byte())]));
    tlv(0x30, &policies.collect::<Vec<u8>>())
}

fn mappings(source: &mut Source<'_>) -> Vec<u8> {
    let pairs = (0..1 + source.byte() % 3)
        .flat_map(|_| sequence(&[&policy(source.byte()), &policy(source.byte())]));
    tlv(0x30, &pairs.collect::<Vec<u8>>())
}

fn point_name(source: &mut Source<'_>) -> Vec<u8> {
    let inner = match source.byte() % 4 {
        0 => tlv(0xa0, &tlv(0x86, b"http://a.example/1.crl")),
        1 => tlv(0xa0, &tlv(0x86, b"http://a.example/2.crl")),
        2 => tlv(0xa0, &tlv(0xa4, &name(source.byte()))),
        _ => tlv(0xa1, &sequence(&[&[6, 3, 0x55, 4, 3], &tlv(0x0c, b"Lower")])),
    };
    tlv(0xa0, &inner)
}

fn distribution_points(source: &mut Source<'_>) -> Vec<u8> {
    let points = (0..1 + source.byte() % 2).flat_map(|_| {
        let fields = source.byte();
        let mut point = Vec::new();
        if fields & 1 != 0 {
            point.extend(point_name(source));
        }
        if fields & 2 != 0 {
            point.extend(tlv(0x81, &[0, source.byte()]));
        }
        if fields & 4 != 0 {
            point.extend(tlv(0xa2, &tlv(0xa4, &name(source.byte()))));
        }
        tlv(0x30, &point)
    });
    tlv(0x30, &points.collect::<Vec<u8>>())
}

fn extension(oid: &[u8], critical: bool, contents: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&tlv(6, oid), critical, &tlv(4, contents)])
}

/// One extension more, of any kind.
fn odd_extension(source: &mut Source<'_>) -> Vec<u8> {
    let kind = source.byte();
    let critical = kind & 0x80 != 0;
    let ce = |number: u8| [0x55, 0x1d, number];
    let (oid, contents) = match kind % 12 {
        0 => (ce(0x11).to_vec(), tlv(0x30, &general_names(source))),
        1 => {
            let constraints = [subtrees(source, 0xa0), subtrees(source, 0xa1)].concat();
            (ce(0x1e).to_vec(), tlv(0x30, &constraints))
        }
        2 => (ce(0x20).to_vec(), policies(source)),
        3 => (ce(0x21).to_vec(), mappings(source)),
        4 => {
            let fields = source.byte();
            let field = |tag: u8, bit: u8, skip: u8| match fields & bit != 0 {
                true => tlv(tag, &[skip & 3]),
                false => Vec::new(),
            };
            let constraints = [field(0x80, 1, fields >> 2), field(0x81, 2, fields >> 4)].concat();
            (ce(0x24).to_vec(), tlv(0x30, &constraints))
        }
        5 => (ce(0x36).to_vec(), tlv(2, &[source.byte() & 3])),
        6 => (ce(0x1f).to_vec(), distribution_points(source)),
        7 => {
            const PURPOSES: &[&[u8]] = &[
                &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2],
                &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1],
                &[6, 4, 0x55, 0x1d, 0x25, 0],
            ];
            let purposes = (0..source.byte() % 3).flat_map(|_| source.choose(PURPOSES).to_vec());
            (ce(0x25).to_vec(), tlv(0x30, &purposes.collect::<Vec<u8>>()))
        }
        8 => (ce(0x0f).to_vec(), tlv(3, &[source.byte() & 7, source.byte()])),
        9 => (vec![42, 3, 4], vec![5, 0]),
        10 => (ce(0x2e).to_vec(), distribution_points(source)),
        _ => (ce(source.byte()).to_vec(), source.octets(16).to_vec()),
    };
    extension(&oid, critical, &contents)
}

/// `[3] EXPLICIT Extensions`.
fn extensions(source: &mut Source<'_>, shape: &Shape) -> Vec<u8> {
    let choice = source.byte();
    let mut list = Vec::new();
    if shape.is_ca != (choice & 1 != 0) {
        let length = source.byte();
        let length = if length < 0xc0 { Vec::new() } else { tlv(2, &[length & 3]) };
        let contents = sequence(&[&[1, 1, 0xff], &length]);
        list.push(extension(&[0x55, 0x1d, 0x13], choice & 2 == 0, &contents));
    }
    if choice & 4 == 0 {
        list.push(extension(&[0x55, 0x1d, 0x0e], false, &tlv(4, &key_identifier(shape.key))));
    }
    if choice & 8 == 0 {
        let identifier = sequence(&[&tlv(0x80, &key_identifier(shape.signer))]);
        list.push(extension(&[0x55, 0x1d, 0x23], choice & 0x10 != 0, &identifier));
    }
    for _ in 0..choice >> 5 & 3 {
        list.push(odd_extension(source));
    }
    tlv(0xa3, &tlv(0x30, &list.concat()))
}

struct Shape {
    is_ca: bool,
    key: u8,
    signer: u8,
}

fn signed(tbs: &[u8], signer: u8, is_broken: bool) -> Vec<u8> {
    let signature = keys()[usize::from(signer) % keys().len()].sign(tbs);
    let mut signature = [&[0], signature.as_ref()].concat();
    if is_broken {
        signature[20] ^= 1;
    }
    sequence(&[tbs, ALGORITHM, &tlv(3, &signature)])
}

fn certificate(source: &mut Source<'_>, is_ca: bool) -> Vec<u8> {
    let (issuer, subject) = (source.byte(), source.byte());
    let keys = source.byte();
    let shape = Shape { is_ca, key: keys & 15, signer: keys >> 4 };
    let odd = source.byte();
    let serial: &[u8] = match odd & 0x18 {
        0x08 => &[0x80],
        0x10 => &[0],
        0x18 => &[1; 21],
        _ => &[[1], [2], [3], [4]][usize::from(odd >> 6)],
    };
    let version: &[u8] = match odd & 7 {
        1 => &[0xa0, 3, 2, 1, 1],
        2 => &[],
        _ => &[0xa0, 3, 2, 1, 2],
    };
    let not_before =
        time(source, &["260101000000Z", "270301100000Z", "270301100001Z", "20260101000000Z"]);
    let not_after =
        time(source, &["280101000000Z", "270301100000Z", "270301095959Z", "20280101000000Z"]);
    let has_extensions = odd & 7 != 2 && odd & 7 != 1;
    let extensions = match has_extensions {
        true => extensions(source, &shape),
        false => Vec::new(),
    };
    let tbs = sequence(&[
        version,
        &tlv(2, serial),
        ALGORITHM,
        &name(issuer),
        &sequence(&[&not_before, &not_after]),
        &name(subject),
        &public_key(shape.key),
        &extensions,
    ]);
    signed(&tbs, shape.signer, odd == 0xff)
}

fn list(source: &mut Source<'_>) -> Vec<u8> {
    let (issuer, signer, choice) = (source.byte(), source.byte(), source.byte());
    let this_update = time(source, &["270201000000Z", "270301100000Z", "270301100001Z"]);
    let next_update =
        time(source, &["270401000000Z", "270301100000Z", "270301095959Z", "270501000000Z"]);
    let entries: Vec<u8> = (0..source.byte() % 3)
        .flat_map(|_| {
            let kind = source.byte();
            let mut extensions = Vec::new();
            if kind & 4 != 0 {
                extensions.extend(extension(&[0x55, 0x1d, 0x15], false, &tlv(10, &[kind >> 4])));
            }
            if kind & 8 != 0 {
                let issuer = tlv(0x30, &tlv(0xa4, &name(source.byte())));
                extensions.extend(extension(&[0x55, 0x1d, 0x1d], true, &issuer));
            }
            let extensions =
                if extensions.is_empty() { extensions } else { tlv(0x30, &extensions) };
            sequence(&[&tlv(2, &[1 + (kind & 3)]), &tlv(0x17, b"270101000000Z"), &extensions])
        })
        .collect();
    let entries = if entries.is_empty() { entries } else { tlv(0x30, &entries) };
    let mut extensions = Vec::new();
    extensions.extend(extension(&[0x55, 0x1d, 0x14], false, &tlv(2, &[choice & 7])));
    if choice & 8 != 0 {
        extensions.extend(extension(&[0x55, 0x1d, 0x1b], true, &tlv(2, &[source.byte() & 7])));
    }
    if choice & 0x10 != 0 {
        let fields = source.byte();
        let mut scope = Vec::new();
        if fields & 1 != 0 {
            scope.extend(point_name(source));
        }
        for (bit, tag) in [(2, 0x81), (4, 0x82)] {
            if fields & bit != 0 {
                scope.extend(tlv(tag, &[0xff]));
            }
        }
        if fields & 8 != 0 {
            scope.extend(tlv(0x83, &[0, source.byte()]));
        }
        if fields & 16 != 0 {
            scope.extend(tlv(0x84, &[0xff]));
        }
        extensions.extend(extension(&[0x55, 0x1d, 0x1c], true, &tlv(0x30, &scope)));
    }
    if choice & 0x20 != 0 {
        let identifier = sequence(&[&tlv(0x80, &key_identifier(signer))]);
        extensions.extend(extension(&[0x55, 0x1d, 0x23], false, &identifier));
    }
    if choice & 0xc0 == 0xc0 {
        extensions.extend(extension(&[42, 3, 4], choice & 1 != 0, &[5, 0]));
    }
    let tbs = sequence(&[
        &[2, 1, 1],
        ALGORITHM,
        &name(issuer),
        &this_update,
        &next_update,
        &entries,
        &tlv(0xa0, &tlv(0x30, &extensions)),
    ]);
    signed(&tbs, signer, choice == 0xff)
}

/// Everything that a verification is about.
pub struct Pool {
    pub anchors: Vec<TrustAnchor>,
    pub intermediates: Vec<Certificate>,
    pub leaf: Option<Certificate>,
    pub lists: Vec<RevocationList>,
}

impl Pool {
    pub fn forge(source: &mut Source<'_>) -> Self {
        let shape = source.byte();
        let leaf = Certificate::from_der(&certificate(source, false)).ok();
        let mut anchors = Vec::new();
        for index in 0..1 + shape % 3 {
            if shape & 0x40 != 0 && index == 1 {
                let subject = DistinguishedName::from_der(&name(source.byte())).unwrap();
                let key = public_key(source.byte());
                anchors.push(TrustAnchor::from_subject_and_key(subject, key));
                continue;
            }
            anchors
                .extend(Certificate::from_der(&certificate(source, true)).map(TrustAnchor::from));
        }
        let mut lists = Vec::new();
        for _ in 0..shape >> 3 & 3 {
            lists.extend(RevocationList::from_der(&list(source)));
        }
        let mut intermediates = Vec::new();
        while !source.is_empty() && intermediates.len() < 24 {
            intermediates.extend(Certificate::from_der(&certificate(source, true)));
        }
        Self { anchors, intermediates, leaf, lists }
    }
}
