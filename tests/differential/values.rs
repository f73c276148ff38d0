//! Values of extensions, mostly sound.

use super::chains::tlv;
use super::draft::{Extension, Name, oid, sequence};
use super::random::Random;

pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
pub(super) const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
pub(super) const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 35];
pub(super) const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 14];
pub(super) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
pub(super) const POLICIES: &[u8] = &[0x55, 0x1d, 32];
pub(super) const MAPPINGS: &[u8] = &[0x55, 0x1d, 33];
pub(super) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
pub(super) const INHIBIT_ANY: &[u8] = &[0x55, 0x1d, 54];
pub(super) const DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
pub(super) const FRESHEST: &[u8] = &[0x55, 0x1d, 46];
pub(super) const INFORMATION_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
pub(super) const ISSUER_ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 18];
/// Netscape's certificate type, which OpenSSL reads.
pub(super) const NETSCAPE_TYPE: &[u8] = &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1];
/// OCSP must-staple (RFC 7633).
pub(super) const TLS_FEATURE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 24];
/// Of nobody.
pub(super) const UNKNOWN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x83, 0x99, 0x19, 1];

pub(super) const ALL: [&[u8]; 18] = [
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    ALTERNATIVE_NAMES,
    AUTHORITY_KEY,
    SUBJECT_KEY,
    NAME_CONSTRAINTS,
    POLICIES,
    MAPPINGS,
    POLICY_CONSTRAINTS,
    INHIBIT_ANY,
    DISTRIBUTION_POINTS,
    FRESHEST,
    INFORMATION_ACCESS,
    ISSUER_ALTERNATIVE_NAMES,
    NETSCAPE_TYPE,
    TLS_FEATURE,
    UNKNOWN,
];

pub(super) const ANY_POLICY: &[u8] = &[0x55, 0x1d, 32, 0];

pub(super) fn purpose(number: u8) -> Vec<u8> {
    oid(&[0x2b, 6, 1, 5, 5, 7, 3, number])
}

pub(super) const SERVER: u8 = 1;
pub(super) const CLIENT: u8 = 2;

pub(super) fn any_purpose() -> Vec<u8> {
    oid(&[0x55, 0x1d, 37, 0])
}

pub(super) fn basic_constraints(is_ca: bool, path_length: Option<u8>) -> Vec<u8> {
    let mut fields = Vec::new();
    if is_ca {
        fields.push(tlv(1, &[0xff]));
    }
    fields.extend(path_length.map(|length| tlv(2, &[length])));
    sequence(&fields)
}

/// Bits from the left: digitalSignature is 0, keyCertSign 5, cRLSign 6.
pub(super) fn key_usage(bits: &[u8]) -> Vec<u8> {
    let octet = bits.iter().fold(0u8, |octet, bit| octet | 0x80 >> bit);
    match octet {
        0 => tlv(3, &[0]),
        _ => tlv(3, &[octet.trailing_zeros() as u8, octet]),
    }
}

pub(super) fn policy(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 => oid(ANY_POLICY),
        1 | 2 => oid(&[0x2b, 6, 1, 4, 1, 0x83, 0x99, 0x19, 2, 2]),
        3 => oid(&[0x67, 0x81, 0x0c, 1, 2, 1]),
        _ => oid(&[0x2b, 6, 1, 4, 1, 0x83, 0x99, 0x19, 2, 1]),
    }
}

pub(super) fn policies(random: &mut Random) -> Vec<u8> {
    let mut policies: Vec<Vec<u8>> = Vec::new();
    for _ in 0..1 + random.below(3) {
        let policy = policy(random);
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    }
    let parts: Vec<_> = policies
        .into_iter()
        .map(|policy| match random.below(8) {
            0 => {
                let uri = tlv(0x16, b"https://acme.example/cps");
                let practice = sequence(&[oid(&[0x2b, 6, 1, 5, 5, 7, 2, 1]), uri]);
                sequence(&[policy, sequence(&[practice])])
            }
            1 => {
                let notice = sequence(&[tlv(0x0c, b"notice")]);
                let notice = sequence(&[oid(&[0x2b, 6, 1, 5, 5, 7, 2, 2]), notice]);
                sequence(&[policy, sequence(&[notice])])
            }
            _ => sequence(&[policy]),
        })
        .collect();
    sequence(&parts)
}

pub(super) fn mappings(random: &mut Random) -> Vec<u8> {
    let parts: Vec<_> =
        (0..1 + random.below(2)).map(|_| sequence(&[policy(random), policy(random)])).collect();
    sequence(&parts)
}

pub(super) fn policy_constraints(random: &mut Random) -> Vec<u8> {
    let fields = random.below(3);
    let mut parts = Vec::new();
    if fields != 0 {
        parts.push(tlv(0x80, &[random.below(4) as u8]));
    }
    if fields != 1 {
        parts.push(tlv(0x81, &[random.below(4) as u8]));
    }
    sequence(&parts)
}

pub(super) fn distribution_points() -> Vec<u8> {
    let name = tlv(0x86, b"http://acme.example/ca.crl");
    sequence(&[sequence(&[tlv(0xa0, &tlv(0xa0, &name))])])
}

pub(super) fn information_access() -> Vec<u8> {
    let ocsp = oid(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1]);
    sequence(&[sequence(&[ocsp, tlv(0x86, b"http://ocsp.acme.example")])])
}

/// As it may stand in a leaf.
pub(super) fn general_name(random: &mut Random) -> Vec<u8> {
    match random.below(20) {
        0..=7 => {
            let names = [
                "worker.acme.internal",
                "a.b.acme.internal",
                "*.acme.internal",
                "acme.internal",
                "worker.other.example",
                "*.other.example",
                "WORKER.Acme.Internal",
                "xn--bcher-kva.acme.internal",
                "_srv.acme.internal",
                "localhost",
            ];
            tlv(0x82, random.pick(&names).as_bytes())
        }
        8..=10 => {
            let addresses =
                [vec![10, 1, 2, 3], vec![192, 168, 0, 1], [&[0xfd], &[7; 15][..]].concat()];
            tlv(0x87, random.pick(&addresses).as_slice())
        }
        11..=13 => {
            let addresses = ["ann@acme.example", "ann@mail.acme.example", "Bob@other.example"];
            tlv(0x81, random.pick(&addresses).as_bytes())
        }
        14..=17 => {
            let uris = [
                "spiffe://acme.example/ns/a",
                "spiffe://sub.acme.example/ns/a",
                "https://other.example:8443/x?y#z",
                "https://user@acme.example/",
                "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            ];
            tlv(0x86, random.pick(&uris).as_bytes())
        }
        18 => {
            let names = ["worker", "other"];
            let name = Name::default().with(super::draft::COMMON_NAME, 0x0c, random.pick(&names));
            tlv(0xa4, &name.der())
        }
        _ => {
            let others = [
                // otherName: a user principal name.
                tlv(
                    0xa0,
                    &[
                        oid(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 3]),
                        tlv(0xa0, &tlv(0x0c, b"ann@acme")),
                    ]
                    .concat(),
                ),
                // registeredID.
                tlv(0x88, &[0x2a, 3, 4]),
            ];
            random.pick(&others).clone()
        }
    }
}

/// As no encoder should write it.
pub(super) fn strange_name(random: &mut Random) -> Vec<u8> {
    let names: [(u8, &[u8]); 40] = [
        (0x82, b""),
        (0x82, b"."),
        (0x82, b"*"),
        (0x82, b"*."),
        (0x82, b"*.*.acme.internal"),
        (0x82, b"w*.acme.internal"),
        (0x82, b"a.*.acme.internal"),
        (0x82, b".acme.internal"),
        (0x82, b"acme.internal."),
        (0x82, b"acme..internal"),
        (0x82, b"ac me.internal"),
        (0x82, b"10.1.2.3"),
        (0x82, b"a\0.acme.internal"),
        (0x82, b"\xc3\xa4.acme.internal"),
        (0x82, b"-a.acme.internal"),
        (0x82, b"a!b.acme.internal"),
        (0xa2, b"acme.internal"),
        (0x81, b""),
        (0x81, b"ann"),
        (0x81, b"@acme.example"),
        (0x81, b"ann@"),
        (0x81, b"\"a b\"@acme.example"),
        (0x81, b"a b@acme.example"),
        (0x81, b"a@b@acme.example"),
        (0x81, b"ann@[10.1.2.3]"),
        (0x81, b"ann@acme.example."),
        (0x81, b"ann@.acme.example"),
        (0x81, b"\xc3\xa4nn@acme.example"),
        (0x86, b""),
        (0x86, b"foo"),
        (0x86, b"https:///path"),
        (0x86, b"https://10.1.2.3/"),
        (0x86, b"https://[fd07::1]:1/"),
        (0x86, b"https://acme.example./"),
        (0x86, b"https://acme.example:port/"),
        (0x86, b"https://a b.example/%zz"),
        (0x87, &[10, 1, 2]),
        (0x87, b""),
        (0x87, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3]),
        (0x89, b"a"),
    ];
    let (tag, contents) = *random.pick(&names);
    tlv(tag, contents)
}

fn constraint(random: &mut Random) -> Vec<u8> {
    match random.below(20) {
        0..=7 => {
            let names = [
                "acme.internal",
                "internal",
                "acme.internal",
                "worker.acme.internal",
                ".acme.internal",
                "other.example",
                "",
                "example",
            ];
            tlv(0x82, random.pick(&names).as_bytes())
        }
        8..=10 => {
            let networks: [&[u8]; 4] = [
                &[10, 0, 0, 0, 255, 0, 0, 0],
                &[10, 1, 2, 3, 255, 255, 255, 255],
                &[0; 8],
                &[0; 32],
            ];
            tlv(0x87, random.pick::<&[u8]>(&networks))
        }
        11..=13 => {
            let addresses =
                ["acme.example", ".acme.example", "ann@acme.example", "other.example", "example"];
            tlv(0x81, random.pick(&addresses).as_bytes())
        }
        14..=17 => {
            let hosts = ["acme.example", ".acme.example", "other.example", ".example", "example"];
            tlv(0x86, random.pick(&hosts).as_bytes())
        }
        18 => {
            let name = match random.below(3) {
                0 => Name::default(),
                1 => Name::default().with(super::draft::COMMON_NAME, 0x0c, "worker"),
                _ => Name::default().with(super::draft::ORGANIZATION, 0x0c, "Acme"),
            };
            tlv(0xa4, &name.der())
        }
        _ => tlv(0x88, &[0x2a, 3, 4]),
    }
}

pub(super) fn strange_constraint(random: &mut Random) -> Vec<u8> {
    let names: [(u8, &[u8]); 22] = [
        (0x82, b"."),
        (0x82, b"*.acme.internal"),
        (0x82, b"acme.internal."),
        (0x82, b"acme..internal"),
        (0x82, b"ac me.internal"),
        (0x82, b"..acme.internal"),
        (0x82, b"10.1.2.3"),
        (0x82, b"_a.internal"),
        (0x81, b""),
        (0x81, b"."),
        (0x81, b"@acme.example"),
        (0x81, b"ann@"),
        (0x81, b"ann@.acme.example"),
        (0x81, b"\xc3\xa4.example"),
        (0x86, b""),
        (0x86, b"."),
        (0x86, b"https://acme.example"),
        (0x86, b"10.1.2.3"),
        (0x86, b"acme.example."),
        (0x87, &[10, 0, 0, 0]),
        (0x87, &[10, 0, 0, 0, 255, 0, 255, 0]),
        (0x89, b"a"),
    ];
    let (tag, contents) = *random.pick(&names);
    tlv(tag, contents)
}

fn subtrees(tag: u8, random: &mut Random, strange: bool) -> Vec<u8> {
    let count = *random.pick(&[1, 1, 1, 2, 3]);
    let bases: Vec<_> = (0..count)
        .map(|_| {
            let base = match strange && random.one_in(2) {
                true => strange_constraint(random),
                false => constraint(random),
            };
            let mut parts = vec![base];
            if strange && random.one_in(6) {
                parts.push(tlv(0x80 + random.below(2) as u8, &[random.below(2) as u8]));
            }
            sequence(&parts)
        })
        .collect();
    tlv(tag, &bases.concat())
}

/// Names that chains of this test have are within, as often as not.
pub(super) fn name_constraints(random: &mut Random, strange: bool) -> Vec<u8> {
    let which = random.below(5);
    let mut parts = Vec::new();
    if which > 1 {
        parts.push(subtrees(0xa0, random, strange));
    }
    if which < 3 {
        parts.push(subtrees(0xa1, random, strange));
    }
    sequence(&parts)
}

/// An extension of any kind, sound by itself.
pub(super) fn extension(id: &[u8], random: &mut Random) -> Extension {
    let critical = random.one_in(2);
    let value = match id {
        BASIC_CONSTRAINTS => {
            let length = random.one_in(2).then(|| random.below(3) as u8);
            basic_constraints(random.one_in(2), length)
        }
        KEY_USAGE => {
            let bits: Vec<_> = (0..8).filter(|_| random.one_in(3)).collect();
            key_usage(&bits)
        }
        EXTENDED_KEY_USAGE => {
            let purposes = [
                vec![purpose(CLIENT)],
                vec![purpose(SERVER)],
                vec![any_purpose()],
                vec![purpose(3)],
                vec![any_purpose(), purpose(CLIENT)],
                // Microsoft's and Netscape's server gated cryptography.
                vec![oid(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3])],
                vec![oid(&[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1])],
            ];
            sequence(random.pick(&purposes).as_slice())
        }
        ALTERNATIVE_NAMES | ISSUER_ALTERNATIVE_NAMES => {
            sequence(&(0..1 + random.below(3)).map(|_| general_name(random)).collect::<Vec<_>>())
        }
        AUTHORITY_KEY => {
            let mut parts = Vec::new();
            if random.one_in(2) {
                parts.push(tlv(0x80, &random.octets(20)));
            }
            if random.one_in(2) {
                let name = Name::default().with(super::draft::COMMON_NAME, 0x0c, "Elsewhere");
                parts.push(tlv(0xa1, &tlv(0xa4, &name.der())));
                parts.push(tlv(0x82, &[7]));
            }
            sequence(&parts)
        }
        SUBJECT_KEY => {
            let length = random.below(21);
            tlv(4, &random.octets(length))
        }
        NAME_CONSTRAINTS => name_constraints(random, false),
        POLICIES => policies(random),
        MAPPINGS => mappings(random),
        POLICY_CONSTRAINTS => policy_constraints(random),
        INHIBIT_ANY => tlv(2, &[random.below(3) as u8]),
        DISTRIBUTION_POINTS | FRESHEST => distribution_points(),
        INFORMATION_ACCESS => information_access(),
        NETSCAPE_TYPE => {
            let bits = 1 << random.below(8);
            tlv(3, &[0, bits])
        }
        TLS_FEATURE => sequence(&[tlv(2, &[5])]),
        _ => random.octets(3),
    };
    Extension::new(id, critical, value)
}
