//! The prediction against a TLS server of Go's, in both versions of TLS.

use private_ca::temporal::requirements::{Prediction, Requirement, Submission};
use private_ca::{Certificate, CertificateChain, PrivateKey, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose as Purpose, KeyPair, SignatureAlgorithm};

use super::bundle_of;
use super::chains::{self, Authority, EXPIRED, NOT_YET_VALID};
use super::client::{Client, connect};
use super::go::GoFrontend;
use super::openssl::Bench;

/// Compares our word with the server's.
struct Judge {
    frontend: GoFrontend,
    server: Client,
    refused: usize,
    admitted: usize,
}

impl Judge {
    fn start() -> Option<Self> {
        let server = Client::of(&Authority::root("Server"), |_| {});
        Some(Self { frontend: GoFrontend::start()?, server, refused: 0, admitted: 0 })
    }

    /// What the server says of a client.
    fn verdict(
        &mut self,
        anchors: &[Certificate],
        at: Timestamp,
        version: u8,
        connect: impl FnOnce(std::net::SocketAddr),
    ) -> Result<(), String> {
        let server_key = PrivateKey::from_pem_or_der(&self.server.key.serialize_der()).unwrap();
        let (certificate, server_key) =
            (self.server.certificate.to_pem(), server_key.to_pkcs8_pem());
        self.frontend.judge(anchors, (&certificate, &server_key), at, version, connect)
    }

    /// The same of one that presents these certificates.
    fn ask(
        &mut self,
        anchors: &[Certificate],
        key: &KeyPair,
        presented: &[Certificate],
        at: Timestamp,
        version: u8,
    ) -> Result<(), String> {
        self.verdict(anchors, at, version, |address| connect(address, key, presented))
    }

    /// Whether both let the client in.
    fn agree(
        &mut self,
        what: &str,
        bundle: &[&Certificate],
        key: &KeyPair,
        presented: &[&Certificate],
        at: Timestamp,
    ) -> bool {
        let bundle = bundle_of(bundle);
        let presented: Vec<_> = presented.iter().copied().cloned().collect();
        let chain = CertificateChain::new(presented.clone()).unwrap();
        let report = Submission::new(bundle.clone()).presenting(&chain).at(at).examine();
        let ours = match report.tls() {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("no CA of the bundle can be used".to_owned()),
        };
        for version in [12, 13] {
            let theirs = self.ask(bundle.certificates(), key, &presented, at, version);
            assert_eq!(
                ours.is_ok(),
                theirs.is_ok(),
                "{what}, TLS 1.{}: {ours:?} and Go {theirs:?}",
                version - 10
            );
        }
        *(if ours.is_ok() { &mut self.admitted } else { &mut self.refused }) += 1;
        ours.is_ok()
    }
}

fn of(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).unwrap()
}

#[test]
fn go_admits_whom_we_predict_and_refuses_the_others() {
    let Some(mut judge) = Judge::start() else { return };
    let now = chains::now();
    let (root, other, namesake) =
        (Authority::root("Root"), Authority::root("Other"), Authority::root("Root"));
    let issuing = root.intermediate("Issuing");
    let lowest = issuing.intermediate("Lowest");
    let leaf = Client::of(&root, |_| {});
    let below = Client::of(&issuing, |_| {});
    let deep = Client::of(&lowest, |_| {});
    let (root, other, namesake) = (root, other.certificate, namesake.certificate);
    let ca = &root.certificate;
    type Case<'a> = (&'a str, bool, Vec<&'a Certificate>, &'a Client, Vec<&'a Certificate>);
    let cases: Vec<Case<'_>> = vec![
        ("a leaf below a root", true, vec![ca], &leaf, vec![]),
        ("several roots", true, vec![&other, ca], &leaf, vec![]),
        ("another CA", false, vec![&other], &leaf, vec![]),
        ("another CA of the same name", false, vec![&namesake], &leaf, vec![]),
        ("both CAs of the same name", true, vec![&namesake, ca], &leaf, vec![]),
        ("the intermediate is presented", true, vec![ca], &below, vec![&issuing.certificate]),
        ("the intermediate is missing", false, vec![ca], &below, vec![]),
        ("the intermediate is in the bundle", true, vec![ca, &issuing.certificate], &below, vec![]),
        ("the intermediate alone is trusted", true, vec![&issuing.certificate], &below, vec![]),
        (
            "in the wrong order",
            true,
            vec![ca],
            &deep,
            vec![&issuing.certificate, &lowest.certificate],
        ),
        ("one of two is missing", false, vec![ca], &deep, vec![&lowest.certificate]),
        ("the root is presented too", true, vec![ca], &below, vec![&issuing.certificate, ca]),
        (
            "somebody else's are presented too",
            true,
            vec![ca],
            &below,
            vec![&other, &issuing.certificate, &issuing.certificate],
        ),
    ];
    for (what, expected, bundle, client, above) in cases {
        let presented = [vec![&client.certificate], above].concat();
        assert_eq!(judge.agree(what, &bundle, &client.key, &presented, now), expected, "{what}");
    }
    // The CA of the client first: it is taken for the client's own, and its key did not sign.
    assert!(!judge.agree("reversed", &[ca], &leaf.key, &[&other, &leaf.certificate], now));
}

#[test]
fn go_judges_what_is_in_certificates_as_we_do() {
    let Some(mut judge) = Judge::start() else { return };
    let now = chains::now();
    let root = Authority::root("Root");
    let none: fn(&mut CertificateParams) = |_| {};
    let changes: [Change; 11] = [
        ("sound", true, none),
        ("expired", false, EXPIRED),
        ("not yet valid", false, NOT_YET_VALID),
        ("for servers only", false, |p| p.extended_key_usages = vec![Purpose::ServerAuth]),
        ("for clients only", true, |p| p.extended_key_usages = vec![Purpose::ClientAuth]),
        ("for anything", true, |p| p.extended_key_usages = vec![Purpose::Any]),
        ("for nothing in particular", true, |p| p.extended_key_usages.clear()),
        ("a CA", true, |p| p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
        ("without key usage", true, |p| p.key_usages.clear()),
        ("no digital signatures", true, |p| {
            p.key_usages = vec![rcgen::KeyUsagePurpose::KeyEncipherment];
        }),
        ("an unknown critical extension", false, |p| {
            let mut unknown = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            unknown.set_criticality(true);
            p.custom_extensions.push(unknown);
        }),
    ];
    for (what, expected, change) in changes {
        let client = Client::of(&root, change);
        let presented = [&client.certificate];
        let bundle = [&root.certificate];
        assert_eq!(judge.agree(what, &bundle, &client.key, &presented, now), expected, "{what}");
    }
    let changes: [Change; 8] = [
        ("sound", true, none),
        ("expired", false, EXPIRED),
        ("not yet valid", false, NOT_YET_VALID),
        ("no CA", false, chains::no_ca),
        ("may not sign certificates", false, |p| {
            p.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        }),
        ("for servers only", false, |p| p.extended_key_usages = vec![Purpose::ServerAuth]),
        ("permits the name", true, |p| constrain(p, "acme.internal")),
        ("does not permit the name", false, |p| constrain(p, "example.com")),
    ];
    for (what, expected, change) in changes {
        let issuing = root.intermediate_with("Issuing", change);
        let client = Client::of(&issuing, |_| {});
        let what = format!("an intermediate: {what}");
        let presented = [&client.certificate, &issuing.certificate];
        let bundle = [&root.certificate];
        assert_eq!(judge.agree(&what, &bundle, &client.key, &presented, now), expected, "{what}");
        // The same as an anchor, below which the client is directly.
        let anchor = Authority::root_with("Anchor", change);
        let client = Client::of(&anchor, |_| {});
        judge.agree(
            &format!("as an anchor, {what}"),
            &[&anchor.certificate],
            &client.key,
            &[&client.certificate],
            now,
        );
    }
    let short = Authority::root_with("Short", chains::path_length(0));
    let issuing = short.intermediate("Issuing");
    let client = Client::of(&issuing, |_| {});
    let presented = [&client.certificate, &issuing.certificate];
    assert!(!judge.agree("path length", &[&short.certificate], &client.key, &presented, now));
}

/// What is changed, and whether the client is then let in.
type Change = (&'static str, bool, fn(&mut CertificateParams));

fn constrain(params: &mut CertificateParams, domain: &str) {
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName(domain.to_owned())],
        excluded_subtrees: Vec::new(),
    });
}

#[test]
fn go_takes_the_kinds_of_key_that_we_predict() {
    let Some(mut judge) = Judge::start() else { return };
    let now = chains::now();
    for (name, algorithm) in [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("P-521", &rcgen::PKCS_ECDSA_P521_SHA512),
        ("Ed25519", &rcgen::PKCS_ED25519),
        ("RSA", &rcgen::PKCS_RSA_SHA256),
        ("RSA with SHA-512", &rcgen::PKCS_RSA_SHA512),
    ] {
        let root = Authority::of_algorithm(algorithm, "Root");
        let client = Client::with_key(&root, of(algorithm), |_| {});
        let presented = [&client.certificate];
        assert!(judge.agree(name, &[&root.certificate], &client.key, &presented, now), "{name}");
    }
}

/// A CA of a key that rcgen does not make, and a client of it, made by OpenSSL, valid from today.
struct Weak {
    ca: Certificate,
    client: Certificate,
    key: KeyPair,
}

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";
const CLIENT: &str =
    "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n";

fn certificate_in(bench: &Bench, name: &str) -> Certificate {
    Certificate::from_pem_or_der(&bench.read(name)).unwrap()
}

/// Makes `NAME.key` and `NAME.pem`, issued by `ISSUER.pem`.
fn issue(bench: &Bench, name: &str, kind: &str, issuer: &str, extensions: &str) -> Certificate {
    bench.write("extensions.txt", extensions);
    bench.openssl(&format!("genpkey {kind} -out {name}.key"));
    bench.openssl(&format!("req -new -key {name}.key -subj /CN={name} -out {name}.csr"));
    bench.openssl(&format!(
        "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days 900 -sha256 -extfile extensions.txt -out {name}.pem"
    ));
    certificate_in(bench, &format!("{name}.pem"))
}

const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

impl Weak {
    fn below(bench: &Bench, ca: Certificate, issuer: &str) -> Self {
        let name = format!("{issuer}-client");
        let client = issue(bench, &name, P256, issuer, CLIENT);
        bench
            .openssl(&format!("pkcs8 -topk8 -nocrypt -in {name}.key -outform DER -out {name}.der"));
        let key = KeyPair::try_from(bench.read(&format!("{name}.der"))).unwrap();
        Self { ca, client, key }
    }

    fn root(bench: &Bench, name: &str, kind: &str) -> Self {
        bench.openssl(&format!("genpkey {kind} -out {name}.key"));
        bench.openssl(&format!(
            "req -x509 -new -key {name}.key -sha256 -subj /CN={name} -days 1000 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -out {name}.pem"
        ));
        Self::below(bench, certificate_in(bench, &format!("{name}.pem")), name)
    }

    fn intermediate(bench: &Bench, name: &str, kind: &str, root: &str) -> Self {
        Self::below(bench, issue(bench, name, kind, root, CA), name)
    }
}

/// What we do not judge, Go does; what we say of it in Go's name is what Go says.
#[test]
fn of_keys_that_are_not_judged_here_nothing_is_said_and_of_those_that_go_refuses_that() {
    let (Some(mut judge), Some(bench)) = (Judge::start(), Bench::new()) else { return };
    let strong = Weak::root(&bench, "strong", P256);
    for (name, kind, go_takes) in [
        ("rsa1024", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", true),
        ("rsa2047", "-algorithm RSA -pkeyopt rsa_keygen_bits:2047", true),
        ("rsa1016", "-algorithm RSA -pkeyopt rsa_keygen_bits:1016", false),
        ("p224", "-algorithm EC -pkeyopt ec_paramgen_curve:P-224", true),
    ] {
        let root = Weak::root(&bench, name, kind);
        let issuing = Weak::intermediate(&bench, &format!("{name}-issuing"), kind, "strong");
        for (bundle, presented, weak) in [
            (vec![&root.ca], vec![&root.client], &root),
            (vec![&strong.ca], vec![&issuing.client, &issuing.ca], &issuing),
            (vec![&strong.ca, &issuing.ca], vec![&issuing.client], &issuing),
        ] {
            let at = Timestamp::now();
            let chain = super::presented(&presented);
            let report = Submission::new(bundle_of(&bundle)).presenting(&chain).at(at).examine();
            let prediction = report.prediction();
            for version in [12, 13] {
                let theirs = judge.ask(
                    bundle_of(&bundle).certificates(),
                    &weak.key,
                    chain.certificates(),
                    at,
                    version,
                );
                assert_eq!(theirs.is_ok(), go_takes, "{name}: {theirs:?}");
            }
            let found: Vec<_> =
                report.findings().iter().map(|finding| finding.requirement).collect();
            let is_in_bundle = bundle.contains(&&weak.ca);
            if go_takes {
                let Prediction::Unjudged { reasons } = &prediction else {
                    panic!("{name}: {prediction}");
                };
                assert_eq!(reasons.len(), 1);
                assert!(
                    report.tls().is_none() && report.unasked().contains(&Requirement::TlsAccepts)
                );
                let told = prediction.to_string();
                assert!(told.starts_with("cannot be judged here because whether CN="), "{told}");
                assert!(told.contains("takes and that is not judged here"), "{told}");
                assert_eq!(found.contains(&Requirement::CaKeyJudged), is_in_bundle, "{found:?}");
                assert!(!found.contains(&Requirement::CaKeyUsable), "{found:?}");
            } else {
                assert!(matches!(prediction, Prediction::Refused { .. }), "{name}: {prediction}");
                assert!(found.contains(&Requirement::TlsAccepts), "{found:?}");
                assert_eq!(found.contains(&Requirement::CaKeyUsable), is_in_bundle, "{found:?}");
            }
        }
        // What is wrong with the client itself is so below any CA.
        let later = Timestamp::now().plus(std::time::Duration::from_secs(950 * 86_400));
        let chain = super::presented(&[&root.client]);
        let report = Submission::new(bundle_of(&[&root.ca])).presenting(&chain).at(later).examine();
        assert!(matches!(report.prediction(), Prediction::Refused { .. }), "{name}");
        // And a CA that has nothing to do with it changes nothing.
        let chain = super::presented(&[&strong.client]);
        let report =
            Submission::new(bundle_of(&[&strong.ca, &root.ca])).presenting(&chain).examine();
        assert!(report.prediction().is_accepted(), "{name}: {}", report.prediction());
        let chain = super::presented(&[&issuing.client]);
        let report = Submission::new(bundle_of(&[&root.ca])).presenting(&chain).examine();
        assert!(matches!(report.prediction(), Prediction::Refused { .. }), "{name}");
    }
}

#[test]
fn go_takes_the_short_rsa_keys_of_clients_that_we_predict() {
    let (Some(mut judge), Some(bench)) = (Judge::start(), Bench::new()) else { return };
    let strong = Weak::root(&bench, "strong", P256);
    for (bits, expected) in [(1024, true), (2047, true), (1016, false)] {
        let name = format!("rsa{bits}");
        let kind = format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}");
        let client = issue(&bench, &name, &kind, "strong", CLIENT);
        let chain = super::presented(&[&client]);
        let report = Submission::new(bundle_of(&[&strong.ca])).presenting(&chain).examine();
        // rustls does not sign with such a key; OpenSSL does.
        let connect = |address: std::net::SocketAddr| {
            let mut client = std::process::Command::new("openssl")
                .args(["s_client", "-quiet", "-cipher", "DEFAULT:@SECLEVEL=0", "-connect"])
                .arg(address.to_string())
                .arg("-cert")
                .arg(bench.path(&format!("{name}.pem")))
                .arg("-key")
                .arg(bench.path(&format!("{name}.key")))
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            // The server reads one byte, and closes.
            let _ = std::io::Write::write_all(client.stdin.as_mut().unwrap(), b"!");
            let _ = client.wait();
        };
        let theirs = judge.verdict(std::slice::from_ref(&strong.ca), Timestamp::now(), 13, connect);
        assert_eq!(theirs.is_ok(), expected, "{name}: {theirs:?}");
        let ours = report.prediction();
        assert_eq!(ours.is_accepted(), expected, "{name}: {ours}");
    }
}

/// Everything that a few authorities said of each other; what of it is trusted, presented, and when.
#[test]
fn go_agrees_on_generated_chains() {
    let Some(mut judge) = Judge::start() else { return };
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let (upper, lower) = (root.intermediate("Upper"), root.intermediate("Lower"));
    let mut pool = vec![
        root.certificate.clone(),
        other.certificate.clone(),
        Authority::root("Root").certificate,
        root.intermediate("Lower").certificate,
    ];
    for (issuer, subject) in [
        (&root, &upper),
        (&root, &lower),
        (&upper, &lower),
        (&lower, &upper),
        (&other, &root),
        (&other, &upper),
    ] {
        let changes: [fn(&mut CertificateParams); 4] = [
            |_| {},
            EXPIRED,
            |params| params.not_after = rcgen::date_time_ymd(2027, 3, 10),
            |params| params.extended_key_usages = vec![Purpose::ServerAuth],
        ];
        for change in changes {
            let mut params = subject.params.clone();
            change(&mut params);
            let signed = params.signed_by(&subject.key, &issuer.issuer()).unwrap();
            pool.push(Certificate::from_der(signed.der()).unwrap());
        }
    }
    let clients =
        [Client::of(&lower, |_| {}), Client::of(&upper, |_| {}), Client::of(&root, EXPIRED)];
    let case = (
        proptest::sample::subsequence(pool.clone(), 1..=4),
        proptest::sample::subsequence(pool, 0..=6).prop_shuffle(),
        0..clients.len(),
        0..30_i64,
    );
    // Which cases there are is always the same; the keys in them are not.
    let mut runner = TestRunner::deterministic();
    for number in 0..200 {
        let (bundle, above, client, days) = case.new_tree(&mut runner).unwrap().current();
        let client = &clients[client];
        let bundle: Vec<_> = bundle.iter().collect();
        let presented: Vec<_> = std::iter::once(&client.certificate).chain(&above).collect();
        let at = Timestamp::from_unix_seconds(chains::now().unix_seconds() + days * 86_400);
        judge.agree(&format!("case {number}"), &bundle, &client.key, &presented, at);
    }
    assert!(
        judge.admitted > 20 && judge.refused > 20,
        "{} admitted, {} refused",
        judge.admitted,
        judge.refused
    );
}
