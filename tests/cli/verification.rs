//! `verify` and `inspect`: what a refusal shows, policies, revocation lists, and mistakes.

use std::time::Duration;

use private_ca::pem;
use private_ca::verify::{RevocationList, Rule};
use private_ca::{Certificate, Timestamp};
use serde_json::{Value, json};

use super::chains::{self, Authority, EXPIRED};
use super::{Ran, Workshop};

/// The time of verification, in the middle of the validity of what [`chains`] makes.
pub(super) const AT: &str = "2027-03-01T10:00:00Z";

/// A workshop with certificates in files, one a file.
pub(super) fn workshop(files: &[(&str, &[&Certificate])]) -> Workshop {
    let workshop = Workshop::new();
    for (name, certificates) in files {
        let pem: String = certificates.iter().map(|certificate| certificate.to_pem()).collect();
        workshop.put(name, pem);
    }
    workshop
}

impl Workshop {
    /// The refusal of a chain as text, and as JSON, which goes to standard output.
    fn not_verified(&self, line: &str) -> (String, Value) {
        let ran = self.run(line);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{ran}");
        let told = self.run(&format!("{line} --json"));
        assert_eq!((told.status, told.stderr.as_str()), (Some(1), ""), "{told}");
        let told = told.json();
        let first = ran.stderr.lines().next().unwrap();
        assert_eq!(told["error"], first.strip_prefix("private-ca: ").unwrap());
        assert_eq!(told["valid"], false);
        assert!(told["causes"].is_array() && told["at"].is_string(), "{told}");
        (ran.stderr, told)
    }
}

/// The innermost reason of a refusal: that of the issuer that came closest, and so on.
fn cause(told: &Value) -> &Value {
    let mut reason = &told["reason"];
    while reason["kind"] == "no-path" {
        reason = &reason["candidates"][0]["reason"];
    }
    reason
}

/// The words for a certificate in a tree.
fn named(certificate: &Certificate) -> String {
    format!(
        "{}, serial number {}, until {}",
        certificate.subject(),
        certificate.serial_number(),
        certificate.validity().not_after
    )
}

// --- What a refusal shows. ------------------------------------------------------------------------

#[test]
fn an_expired_intermediate_is_shown_where_it_stands() {
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("Issuing", EXPIRED);
    let leaf = issuing.leaf();
    let workshop = workshop(&[
        ("root.pem", &[&root.certificate]),
        ("issuing.pem", &[&issuing.certificate]),
        ("leaf.pem", &[&leaf]),
    ]);
    let line = format!("verify --anchors root.pem --intermediates issuing.pem --at {AT} leaf.pem");
    let sentence = "the certificate CN=Issuing expired at 2027-02-26T00:00:00Z, 3 days before the time of verification, 2027-03-01T10:00:00Z";
    let (text, told) = workshop.not_verified(&line);
    assert_eq!(
        text,
        format!(
            "private-ca: {sentence}\n  certificate {}\n  └─ intermediate {}\n     rejected: {sentence}\n",
            named(&leaf),
            named(&issuing.certificate)
        )
    );
    assert_eq!(
        told,
        json!({
            "valid": false,
            "at": AT,
            "error": sentence,
            "causes": [],
            "reason": {
                "kind": "no-path",
                "sentence": sentence,
                "subject": "CN=worker",
                "candidates": [{
                    "kind": "intermediate",
                    "subject": "CN=Issuing",
                    "certificate": {
                        "subject": "CN=Issuing",
                        "issuer": "CN=Root",
                        "serial_number": issuing.certificate.serial_number().to_string(),
                        "not_before": "2026-01-01T00:00:00Z",
                        "not_after": "2027-02-26T00:00:00Z",
                        "subject_alternative_names": [],
                        "key": "EC P-256",
                        "is_ca": true,
                        "policies": null,
                        "sha256": told["reason"]["candidates"][0]["certificate"]["sha256"],
                    },
                    "reason": {
                        "kind": "expired",
                        "sentence": sentence,
                        "subject": "CN=Issuing",
                        "not_after": "2027-02-26T00:00:00Z",
                        "at": AT,
                    },
                }],
            },
        })
    );
}

#[test]
fn of_two_namesakes_each_is_shown_with_its_own_reason() {
    let root = Authority::root("Root");
    let expired = root.intermediate_with("Issuing", EXPIRED);
    let namesake = root.intermediate("Issuing");
    let leaf = expired.leaf();
    let workshop = workshop(&[
        ("root.pem", &[&root.certificate]),
        // In either order the answer is the same.
        ("pool.pem", &[&namesake.certificate, &expired.certificate]),
        ("leaf.pem", &[&leaf]),
    ]);
    let line = format!("verify --anchors root.pem --intermediates pool.pem --at {AT} leaf.pem");
    let (text, told) = workshop.not_verified(&line);
    let ended = "the certificate CN=Issuing expired at 2027-02-26T00:00:00Z, 3 days before the time of verification, 2027-03-01T10:00:00Z";
    let serial = expired.certificate.serial_number();
    let mismatch = told["reason"]["candidates"][1]["reason"]["sentence"].as_str().unwrap();
    assert!(mismatch.contains("the certificate CN=worker is not vouched for by CN=Issuing"));
    assert_eq!(
        text,
        format!(
            "private-ca: no path leads from the certificate CN=worker to a trust anchor: 2 certificates have its issuer's name, and the intermediate {serial} came closest, but {ended}\n  certificate {}\n  ├─ intermediate {}\n  │  rejected: {ended}\n  └─ intermediate {}\n     rejected: {mismatch}\n",
            named(&leaf),
            named(&expired.certificate),
            named(&namesake.certificate),
        )
    );
    let reason = &told["reason"];
    assert_eq!((&reason["kind"], &reason["subject"]), (&json!("no-path"), &json!("CN=worker")));
    let candidates = reason["candidates"].as_array().unwrap();
    let kinds: Vec<_> =
        candidates.iter().map(|one| (&one["kind"], &one["reason"]["kind"])).collect();
    let intermediate = json!("intermediate");
    assert_eq!(kinds, [(&intermediate, &json!("expired")), (&intermediate, &json!("signature"))]);
    assert_eq!(candidates[0]["certificate"]["serial_number"], serial.to_string());
    assert_eq!(candidates[0]["reason"]["not_after"], "2027-02-26T00:00:00Z");
    assert_eq!(candidates[1]["reason"]["issuer"], "CN=Issuing");
}

#[test]
fn reasons_are_nested_as_the_search_was() {
    let (root, other) = (Authority::root("Root"), Authority::root("Root"));
    let issuing = root.intermediate_with("Issuing", EXPIRED);
    let namesake = other.intermediate("Issuing");
    let below = issuing.intermediate("Below");
    let leaf = below.leaf();
    // Nobody's: it is not in the tree.
    let stranger = other.intermediate("Stranger");
    let workshop = workshop(&[
        ("root.pem", &[&root.certificate]),
        ("leaf.pem", &[&leaf, &below.certificate]),
        ("issuing.pem", &[&issuing.certificate]),
        ("namesake.pem", &[&namesake.certificate, &stranger.certificate]),
    ]);
    let line = format!(
        "verify --anchors root.pem --intermediates issuing.pem --intermediates namesake.pem --at {AT} leaf.pem"
    );
    let (text, told) = workshop.not_verified(&line);
    let tree: Vec<_> = text.lines().skip(1).filter(|line| !line.contains("rejected")).collect();
    assert_eq!(
        tree,
        [
            format!("  certificate {}", named(&leaf)),
            format!("  └─ intermediate {}", named(&below.certificate)),
            format!("     ├─ intermediate {}", named(&issuing.certificate)),
            format!("     └─ intermediate {}", named(&namesake.certificate)),
        ]
    );
    // The one candidate for the leaf has two of its own.
    assert_eq!(told["reason"]["subject"], "CN=worker");
    assert_eq!(told["reason"]["candidates"].as_array().unwrap().len(), 1);
    let below_that = &told["reason"]["candidates"][0]["reason"];
    assert_eq!(
        (&below_that["kind"], &below_that["subject"]),
        (&json!("no-path"), &json!("CN=Below"))
    );
    assert_eq!(below_that["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(told["reason"]["sentence"], below_that["sentence"]);
    assert!(!text.contains("Stranger"));

    // A root of the right name with another key, which is tried; and another, which is not.
    let line =
        format!("verify --anchors anchor.pem --intermediates issuing.pem --at {AT} leaf.pem");
    workshop.put("anchor.pem", other.certificate.to_pem());
    workshop.put("issuing.pem", root.cross_sign(&below).to_pem());
    let (text, told) = workshop.not_verified(&line);
    assert!(text.contains(&format!("trust anchor {}\n", named(&other.certificate))), "{text}");
    // Of the two certificates for `Below`, one leads to nobody and the other to a namesake.
    let kinds: Vec<_> = told["reason"]["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| cause(one)["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["unknown-issuer", "signature"]);
    workshop.put("anchor.pem", stranger.certificate.to_pem());
    let (text, told) = workshop.not_verified(&line);
    assert!(text.contains("CN=Root, is neither among the trust anchors nor"), "{text}");
    assert!(!text.contains("trust anchor CN="), "{text}");
    assert!(told.to_string().contains("\"kind\":\"unknown-issuer\""), "{told}");
}

#[test]
fn what_strangers_wrote_does_not_move_the_cursor_in_a_tree() {
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("a\u{1b}[2Jb\nprivate-ca: valid", EXPIRED);
    let leaf = issuing.leaf_with(|params| {
        params.subject_alt_names =
            vec![rcgen::SanType::Rfc822Name("a\u{1b}[2J@b".try_into().unwrap())];
    });
    let workshop = workshop(&[
        ("root.pem", &[&root.certificate]),
        ("leaf.pem", &[&leaf, &issuing.certificate]),
    ]);
    for more in ["", "--name other.example"] {
        let line = format!("verify --anchors root.pem --at {AT} {more} leaf.pem");
        let (text, _) = workshop.not_verified(&line);
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        assert_eq!(text.lines().filter(|line| line.starts_with("private-ca")).count(), 1);
    }
}

// --- Policies. ------------------------------------------------------------------------------------

#[test]
fn a_policy_is_chosen_changed_and_compared() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(|params| params.use_authority_key_identifier_extension = false);
    let workshop = workshop(&[("root.pem", &[&root.certificate]), ("leaf.pem", &[&leaf])]);
    let verify = |more: &str| format!("verify --anchors root.pem --at {AT} {more} leaf.pem");
    for policy in ["tls", "go"] {
        workshop.run(&verify(&format!("--policy {policy}"))).yes();
    }
    let rule = "authority-key-identifier-present";
    for policy in ["rfc5280", "web-pki"] {
        let line = verify(&format!("--policy {policy}"));
        workshop.refused(1, &line, rule);
        workshop.run(&format!("{line} --without {rule}")).yes();
    }
    let (text, told) = workshop.not_verified(&verify(&format!("--with {rule}")));
    assert_eq!(text.lines().count(), 3, "{text}");
    let reason = cause(&told);
    assert_eq!((&reason["kind"], &reason["rule"]), (&json!("rule"), &json!(rule)));
    assert_eq!(reason["source"], "RFC 5280 section 4.2.1.1");
    assert_eq!(reason["subject"], "CN=worker");

    let ran = workshop.run(&verify("--compare rfc5280")).yes();
    ran.says("the policy rfc5280 holds against this path\n  the certificate CN=worker breaks the rule authority-key-identifier-present of RFC 5280 section 4.2.1.1: ");
    let compared = &workshop.json(&verify("--compare rfc5280"))["compare"];
    assert_eq!(compared["policy"], "rfc5280");
    assert_eq!(compared["violations"].as_array().unwrap().len(), 1);
    assert_eq!(compared["violations"][0]["rule"], rule);
    assert!(compared["violations"][0]["sentence"].as_str().unwrap().contains("CN=worker"));
    workshop
        .run(&verify("--compare go"))
        .yes()
        .says("the policy go holds nothing against this path\n");
    let compared = &workshop.json(&verify("--compare go"))["compare"];
    assert_eq!(*compared, json!({ "policy": "go", "violations": [] }));
    assert!(workshop.json(&verify("")).get("compare").is_none());
    // It is the rules as they are asked for that decide.
    workshop.refused(1, &verify(&format!("--with {rule} --compare go")), rule);
}

#[test]
fn the_purpose_is_a_client_but_a_server_of_the_web() {
    let root = Authority::root("Root");
    let server = root.leaf_with(|params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let workshop = workshop(&[("root.pem", &[&root.certificate]), ("leaf.pem", &[&server])]);
    let verify = |more: &str| format!("verify --anchors root.pem --at {AT} {more} leaf.pem");
    workshop.run(&verify("--policy web-pki")).yes();
    for policy in ["tls", "go", "rfc5280"] {
        let line = verify(&format!("--policy {policy}"));
        let (text, told) = workshop.not_verified(&line);
        assert!(text.contains("not for a TLS client"), "{text}");
        assert_eq!(cause(&told)["kind"], "extended-key-usage");
        assert_eq!(cause(&told)["found"], json!(["1.3.6.1.5.5.7.3.1"]));
        workshop.run(&format!("{line} --purpose server")).yes();
        workshop.run(&format!("{line} --purpose any")).yes();
    }
    workshop.refused(1, &verify("--policy web-pki --purpose client"), "not for a TLS client");
}

#[test]
fn certificate_policies_are_required_accepted_and_shown() {
    // Two policies, 1.3.6.1.4.1.55555.1 and .2, on both certificates.
    let contents = [
        0x30, 28, 0x30, 12, 6, 10, 0x2b, 6, 1, 4, 1, 0x83, 0xb2, 3, 1, 0, 0x30, 12, 6, 10, 0x2b, 6,
        1, 4, 1, 0x83, 0xb2, 3, 2, 0,
    ];
    let (first, second) = ("1.3.6.1.4.1.55555.1.0", "1.3.6.1.4.1.55555.2.0");
    let root = Authority::root("Root");
    let issuing =
        root.intermediate_with("Issuing", chains::extension(&[2, 5, 29, 32], false, &contents));
    let leaf = issuing.leaf_with(chains::extension(&[2, 5, 29, 32], false, &contents));
    let plain = issuing.leaf();
    let workshop = workshop(&[
        ("root.pem", &[&root.certificate]),
        ("leaf.pem", &[&leaf, &issuing.certificate]),
        ("plain.pem", &[&plain, &issuing.certificate]),
    ]);
    let verify = |more: &str| format!("verify --anchors root.pem --at {AT} {more}");
    workshop
        .run(&verify("leaf.pem"))
        .yes()
        .says(&format!("it is valid for the certificate policies {first}, {second}\n"));
    let told = workshop.json(&verify("leaf.pem"));
    assert_eq!(told["policies"], json!([first, second]));
    assert_eq!(told["path"][0]["policies"], json!([first, second]));
    assert_eq!(told["path"][2]["policies"], Value::Null);
    let line = verify(&format!("--require-explicit-policy --accept-policy {second} leaf.pem"));
    assert_eq!(workshop.json(&line)["policies"], json!([second]));
    for line in [
        verify("--require-explicit-policy plain.pem"),
        verify("--require-explicit-policy --accept-policy 1.2.3 leaf.pem"),
    ] {
        let (text, told) = workshop.not_verified(&line);
        assert!(text.contains("fails for its certificate policies"), "{text}");
        // It is about the whole path, so the whole path is shown.
        assert!(text.contains(&format!("trust anchor {}", named(&root.certificate))), "{text}");
        assert_eq!(cause(&told)["kind"], "policy");
        assert_eq!(cause(&told)["fault"], "no-valid-policy");
    }
    let ran = workshop.run(&verify("plain.pem")).yes();
    assert!(!ran.stdout.contains("certificate policies"), "{ran}");
    workshop.run("inspect leaf.pem").yes().says(&format!("policies   {first}, {second}\n"));

    workshop.run(&verify("--max-intermediates 1 leaf.pem")).yes();
    let (_, told) = workshop.not_verified(&verify("--max-intermediates 0 leaf.pem"));
    assert_eq!(cause(&told)["kind"], "too-many-intermediates");
    assert_eq!((&cause(&told)["allowed"], &cause(&told)["below"]), (&json!(0), &json!(1)));
}

// --- Revocation. ----------------------------------------------------------------------------------

#[test]
fn what_a_ca_revoked_is_refused_with_its_list() {
    let workshop = Workshop::with_ca();
    let (revoked, _) = (workshop.issue("revoked"), workshop.issue("good"));
    workshop.run(&format!("revoke --ca ca {revoked} --reason keyCompromise")).yes();
    let verify = "verify --anchors ca/certificate.pem";
    // Without lists nobody asks.
    workshop.run(&format!("{verify} revoked/certificate.txt")).yes();

    let list = pem::blocks(&std::fs::read(workshop.path("ca/crl.pem")).unwrap()).unwrap();
    workshop.put("ca.crl", list[0].contents());
    let list = RevocationList::from_der(list[0].contents()).unwrap();
    let (made, next) = (list.this_update(), list.next_update().unwrap());
    for file in ["ca/crl.pem", "ca.crl"] {
        let ran = workshop.run(&format!("{verify} --crl {file} good/certificate.txt")).yes();
        ran.says(&format!(
            "not revoked, according to\n  O=Acme,CN=Root, made {made}, the next due {next}\n"
        ));
        ran.says(&format!(" to {next}\n"));
        let told = workshop.json(&format!("{verify} --crl {file} good/certificate.txt"));
        assert_eq!(
            told["revocation_lists"],
            json!([{
                "revocation_list": "O=Acme,CN=Root",
                "this_update": made.to_string(),
                "next_update": next.to_string(),
                "revoked": 1,
                "is_delta": false,
            }])
        );
        let line = format!("{verify} --crl {file} revoked/certificate.txt");
        let (text, told) = workshop.not_verified(&line);
        assert!(text.contains(&format!("CN=revoked, serial number {revoked}, was revoked by")));
        assert!(text.contains("(keyCompromise)") && text.contains("└─ trust anchor O=Acme"));
        assert!(text.contains("\n     path rejected: the certificate CN=revoked"), "{text}");
        let reason = cause(&told);
        assert_eq!(
            (&reason["kind"], &reason["serial_number"], &reason["reason"]),
            (&json!("revoked"), &json!(revoked), &json!("keyCompromise"))
        );
    }
    let told = workshop.json(&format!("{verify} good/certificate.txt"));
    assert_eq!(told["revocation_lists"], Value::Null);

    // The list in both forms is one list, and `inspect` knows it in both.
    for file in ["ca/crl.pem", "ca.crl"] {
        let ran = workshop.run(&format!("inspect {file}")).yes();
        for said in ["certificate revocation list\n", "O=Acme,CN=Root", &next.to_string(), "1\n"] {
            ran.says(said);
        }
        let told = &workshop.json(&format!("inspect {file}"))[0];
        assert_eq!(told["revocation_list"], "O=Acme,CN=Root");
        assert_eq!((&told["revoked"], &told["is_delta"]), (&json!(1), &json!(false)));
    }
}

#[test]
fn lists_that_do_not_count_are_shown_and_can_be_accepted() {
    let workshop = Workshop::with_ca();
    workshop
        .run("ca create --dir workers --subject CN=Workers --key p256 --days 300 --parent ca")
        .yes();
    workshop.run("ca create --dir other --subject CN=Other --key p256").yes();
    workshop.run("ca create --dir namesake --subject CN=Workers --key p256").yes();
    workshop.run("issue --ca workers --subject CN=w --key p256 --out w").yes();
    let verify = "verify --anchors ca/certificate.pem --intermediates w/certificate_chain.txt";
    let leaf = "w/certificate.txt";
    let both = "--crl ca/crl.pem --crl workers/crl.pem";
    workshop.run(&format!("{verify} {both} {leaf}")).yes();

    // Nothing is known of the intermediate.
    let only = "--crl workers/crl.pem";
    let (text, told) = workshop.not_verified(&format!("{verify} {only} {leaf}"));
    assert!(text.contains("whether the certificate CN=Workers is revoked cannot be told"));
    assert_eq!(
        (&cause(&told)["kind"], &cause(&told)["lists"]),
        (&json!("revocation-unknown"), &json!([]))
    );
    workshop.run(&format!("{verify} {only} --crl-leaf-only {leaf}")).yes();
    let ran = workshop.run(&format!("{verify} {only} --crl-accept-unknown {leaf}")).yes();
    ran.says("according to\n  CN=Workers, made");
    let ran = workshop.run(&format!("{verify} --crl other/crl.pem --crl-accept-unknown {leaf}"));
    ran.yes().says("no revocation list was of use\n");

    // A list of the right name and another key.
    let line = format!("{verify} --crl ca/crl.pem --crl namesake/crl.pem {leaf}");
    let (text, told) = workshop.not_verified(&line);
    assert!(text.contains("─ revocation list of CN=Workers, made "), "{text}");
    assert!(text.contains("does not count: "), "{text}");
    let list = &cause(&told)["lists"][0];
    assert_eq!(
        (&list["revocation_list"], &list["reason"]["kind"]),
        (&json!("CN=Workers"), &json!("signature"))
    );

    // All of them out of date.
    let later = Timestamp::now().plus(Duration::from_secs(20 * 86_400));
    let line = format!("{verify} {both} --at {later} {leaf}");
    let (text, told) = workshop.not_verified(&line);
    assert!(text.contains("does not count: the next one was due at"), "{text}");
    assert_eq!(cause(&told)["lists"][0]["reason"]["kind"], "expired");
    workshop.run(&format!("{line} --crl-accept-expired")).yes();
}

// --- Mistakes. ------------------------------------------------------------------------------------

#[test]
fn a_mistake_in_what_is_asked_is_named() {
    let workshop = Workshop::with_ca();
    workshop.issue("w");
    let pem = workshop.text("ca/certificate.pem");
    workshop.put("ca.der", pem::blocks(pem.as_bytes()).unwrap()[0].contents());
    workshop.put("empty", "");
    let verify = "verify --anchors ca/certificate.pem w/certificate.txt";
    for (more, says) in [
        ("--crl ca/certificate.pem", "where a revocation list (\"X509 CRL\") belongs"),
        ("--crl w/private_key_nopass.txt", "\"PRIVATE KEY\""),
        ("--crl ca.der", "ca.der: this is no revocation list"),
        ("--crl empty", "empty: "),
        ("--crl none.pem", "cannot read none.pem"),
        ("--crl-leaf-only", "--crl <FILE>"),
        ("--crl-accept-unknown", "--crl <FILE>"),
        ("--crl-accept-expired", "--crl <FILE>"),
        ("--policy x509", "rfc5280"),
        ("--compare webpki", "web-pki"),
        ("--with serial-number-lenght", "a similar value exists: 'serial-number-length'"),
        ("--without nothing", "nothing"),
        ("--with version-3 --without version-3", "version-3"),
        ("--accept-policy one", "1.3.6.1.4.1.55555.1"),
        ("--max-intermediates many", "many"),
        ("--max-intermediates -1", "-1"),
    ] {
        workshop.refused(2, &format!("{verify} {more}"), says);
    }
    workshop.refused(2, "verify --anchors ca/crl.pem w/certificate.txt", "ca/crl.pem: ");
    let ran: Ran = workshop.run(&format!("{verify} --with nothing"));
    for rule in Rule::ALL {
        assert!(ran.stderr.contains(rule.id()), "not {}: {ran}", rule.id());
    }
    // Every rule can be switched on and off.
    for rule in Rule::ALL {
        let line = format!("{verify} --policy rfc5280 --without {}", rule.id());
        assert_ne!(workshop.run(&line).status, Some(2), "{line}");
    }
}
