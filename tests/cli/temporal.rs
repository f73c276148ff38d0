//! `temporal check` and `temporal bundle`.

use private_ca::temporal::bundle::Fingerprint;
use private_ca::temporal::requirements::Requirement;
use rcgen::{DnType, KeyUsagePurpose};
use serde_json::{Value, json};

use super::chains::{self, Authority, EXPIRED};
use super::verification::{AT, workshop};
use super::{Ran, Workshop};

fn ids(told: &Value) -> Vec<&str> {
    let findings = told["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

impl Workshop {
    /// A check that says no, and this in its text.
    fn refused_in_text(&self, line: &str, says: &str) {
        let ran = self.run(line);
        assert_eq!(ran.status, Some(1), "{ran}");
        ran.says(says);
    }

    /// A check, as text and as JSON, whose status says whether it is accepted.
    fn check(&self, line: &str) -> (Ran, Value) {
        let line = format!("temporal check {line} --at {AT}");
        let ran = self.run(&line);
        let told = self.run(&format!("{line} --json"));
        assert_eq!(ran.stderr, "", "{ran}");
        assert_eq!(ran.status, told.status, "{ran}");
        let told = told.json();
        assert_eq!(told["accepted"], ran.status == Some(0), "{ran}");
        assert_eq!(ran.stdout.lines().next().unwrap(), told["prediction"], "{ran}");
        (ran, told)
    }
}

#[test]
fn what_temporal_cloud_will_accept_is_accepted_until_its_end() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf_with(chains::no_ca);
    let workshop = workshop(&[
        ("bundle.pem", &[&root.certificate]),
        ("worker.pem", &[&leaf, &issuing.certificate]),
    ]);
    workshop.put("filters.json", r#"{"filters": [{"commonName": "WORK*"}]}"#);
    let (ran, told) =
        workshop.check("--bundle bundle.pem --cert worker.pem --filters filters.json");
    assert_eq!(ran.status, Some(0), "{ran}");
    let end = leaf.validity().not_after.to_string();
    assert_eq!(told["prediction"], format!("accepted until {end}"));
    assert_eq!(told["not_after"], end);
    assert_eq!(told["findings"], json!([]));
    assert_eq!(told["filters"]["matched"], 0);
    assert_eq!(told["not_asked"], json!(["key-fits"]));
    ran.says("commonName \"WORK*\" by \"worker\"");

    let (_, alone) = workshop.check("--bundle bundle.pem");
    assert_eq!((&alone["prediction"], &alone["not_after"]), (&json!("accepted"), &Value::Null));
}

#[test]
fn every_broken_rule_is_told_with_its_mend() {
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let old = root.intermediate_with("Old", EXPIRED);
    let leaf = other.leaf_with(|params| {
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
        params.distinguished_name.push(DnType::CommonName, "other");
    });
    let workshop = workshop(&[
        ("bundle.pem", &[&old.certificate]),
        ("worker.pem", &[&leaf]),
        ("roots.pem", &[&old.certificate, &other.certificate]),
    ]);
    workshop.put("key.pem", super::key_pem());
    workshop.put("filters.json", r#"{"filters": [{"commonName": "a*b"}]}"#);
    let line = "--bundle bundle.pem --cert worker.pem --key key.pem --filters filters.json --system-cas roots.pem";
    let (ran, told) = workshop.check(line);
    assert_eq!(ran.status, Some(1));
    assert_eq!(
        ids(&told),
        [
            "ca-issuer-in-bundle",
            "ca-is-valid",
            "leaf-basic-constraints",
            "leaf-digital-signature",
            "tls-accepts",
            "key-fits",
            "filter-wildcard",
            "filter-admits",
        ]
    );
    for finding in told["findings"].as_array().unwrap() {
        for field in ["found", "mend", "rule", "source", "severity", "id"] {
            let text = finding[field].as_str().unwrap();
            assert!(!text.is_empty(), "{field}: {finding}");
            ran.says(text);
        }
    }
    assert!(ran.stdout.starts_with("refused because the CA certificate"), "{ran}");
}

/// A root with an RSA key of 1024 bits, and a client of it, from 2020 to 2120, made by pyca cryptography.
const WEAK_ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIByjCCATOgAwIBAgIULvobVtDHgOONq4X4RG3lhidHQWEwDQYJKoZIhvcNAQEL
BQAwDjEMMAoGA1UEAwwDT2xkMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAw
MDAwWjAOMQwwCgYDVQQDDANPbGQwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGB
ALvuorVFqO1PsGfwVgs7lo9Es0DAUYuE3xajvMGkps2cNM5fyiVVFE7avyY7gylX
ANX9UdWNoI0nE3ldiZnKY1VQeeWuYObw5LFSCU6JYiHBudQ2r1Ryeqfz18SLr8SL
If6eVkI6DCwC5yTqHEagsuk+5/5Ws2N2aKwRtShJFs6/AgMBAAGjIzAhMA8GA1Ud
EwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMA0GCSqGSIb3DQEBCwUAA4GBAGyG
r1pswFv1pGnH2eX0PdRdnzfSH+hGfOf+ONmzLRFlXL/rVkuf+Nj3rkNe5GUokJ5o
XSGkr6W9xhlzbAWcCN/Z71lyyB9eswetwfviNievXZupZFI4EksZb/W1EVmP+IFu
wLahNn54VK6UsPI1P5HNLmH7SCYFRCjlQ5hmstG/
-----END CERTIFICATE-----
";
const WEAK_CLIENT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBlDCB/qADAgECAhRDpkV8i+0Nty2Z/DwFobYTG9hEuzANBgkqhkiG9w0BAQsF
ADAOMQwwCgYDVQQDDANPbGQwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAw
MDBaMBExDzANBgNVBAMMBndvcmtlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BBwjznT5D9yUBDY93UW0a/LPSYNdMgZ3B6eUtNCPRvcFEss3HTHYSejyd0hRwRG3
xlJoYnfBGAfKwjyQkucLLlmjMjAwMAkGA1UdEwQCMAAwDgYDVR0PAQH/BAQDAgeA
MBMGA1UdJQQMMAoGCCsGAQUFBwMCMA0GCSqGSIb3DQEBCwUAA4GBAFs6lbUWhBM8
D05xZbJ+UY2QGnmnfXwe0+Rm9ZlQb1AT7Ibz/3ShzwBYPmX+VqBGqO9/C2NUV/if
5bIq7nmiEuaY+AaOIg3EkFv8sonPrFgYqg8xNUN7LPrcoFNPE6tp1zY9lERxBxsl
eyOOuBUKcT2R8H8fUaWbhg9pB2rlXQI9
-----END CERTIFICATE-----
";

#[test]
fn what_depends_on_a_key_that_is_not_judged_here_is_neither_accepted_nor_refused() {
    let workshop = workshop(&[]);
    workshop.put("bundle.pem", WEAK_ROOT);
    workshop.put("worker.pem", WEAK_CLIENT);
    let line = format!("temporal check --bundle bundle.pem --cert worker.pem --at {AT}");
    let ran = workshop.run(&line);
    assert_eq!(ran.status, Some(2), "{ran}");
    ran.says("cannot be judged here because whether CN=worker is let in depends on this");
    ran.says("the RSA key has 1024 bits");
    let ran = workshop.run(&format!("{line} --json"));
    assert_eq!(ran.status, Some(2), "{ran}");
    let told = ran.json();
    assert_eq!(told["accepted"], Value::Null);
    assert!(ids(&told).contains(&"tls-judged") && ids(&told).contains(&"ca-key-judged"), "{told}");
    assert!(!ids(&told).contains(&"tls-accepts"), "{told}");

    // Without an answer there is none to a removal and to a rotation either, and that is what they say.
    workshop.put("new.pem", Authority::root("New").certificate.to_pem());
    workshop.run("temporal bundle add bundle.pem new.pem").yes();
    let says = "cannot be told: the certificate CN=Old has a key that a TLS server of Go's takes";
    let live = "temporal bundle remove bundle.pem new.pem --live worker.pem";
    workshop.refused(1, live, says);
    let plan = "temporal rotation plan --plan plan.json --bundle bundle.pem --old-ca bundle.pem --new-ca new.pem --worker mail=worker.pem";
    workshop.put("old.pem", WEAK_ROOT);
    let plan = plan.replace("--old-ca bundle.pem", "--old-ca old.pem");
    workshop.refused(1, &plan, "is let in cannot be told, and so not when the old CA can go");
    // What is wrong with the client itself is so below any CA.
    let late = "--bundle bundle.pem --cert worker.pem --at 2200-01-01T00:00:00Z";
    workshop.refused_in_text(&format!("temporal check {late}"), "expired");
}

#[test]
fn what_is_not_asked_and_what_is_found_are_every_rule_once() {
    let root = Authority::root("Root");
    let workshop = workshop(&[("bundle.pem", &[&root.certificate])]);
    workshop.put("roots.pem", Authority::root("Public").certificate.to_pem());
    let (_, told) = workshop.check("--bundle bundle.pem --system-cas roots.pem");
    let unasked = told["not_asked"].as_array().unwrap();
    let of_bundle =
        |rule: &&Requirement| rule.id().starts_with("bundle") || rule.id().starts_with("ca-");
    let asked = Requirement::ALL.iter().filter(of_bundle).count();
    // And the rule about public CAs.
    assert_eq!(unasked.len() + asked + 1, Requirement::ALL.len(), "{told}");
}

#[test]
fn files_that_are_something_else_are_told_apart() {
    let root = Authority::root("Root");
    let workshop = workshop(&[("bundle.pem", &[&root.certificate])]);
    workshop.put("key.pem", super::key_pem());
    workshop.put("list.json", "[]");
    workshop.put("typo.json", r#"{"filters": [{"cn": "worker"}]}"#);
    workshop.put("der.pem", root.certificate.as_der());
    workshop.put("empty.pem", "");
    let check = "temporal check --bundle";
    workshop.refused(1, &format!("{check} key.pem"), "begins a private key");
    workshop.refused(1, &format!("{check} der.pem"), "it is no text");
    workshop.refused(2, &format!("{check} absent.pem"), "absent.pem");
    workshop.refused(2, &format!("{check} bundle.pem --cert key.pem"), "begins a private key");
    workshop.refused(1, &format!("{check} bundle.pem --filters list.json"), "is a list");
    workshop.refused(1, &format!("{check} bundle.pem --filters typo.json"), "\"cn\"");
    workshop.refused(2, &format!("{check} bundle.pem --key key.pem"), "--cert");
    let (ran, _) = workshop.check("--bundle empty.pem");
    ran.says("refused because the bundle is empty");
}

#[test]
fn the_key_may_be_encrypted() {
    let workshop = Workshop::with_ca();
    workshop.run("export --ca ca --dns worker.acme.internal --passphrase-file passphrase.txt --out worker").yes();
    let line = "temporal check --bundle ca/certificate.pem --cert worker/certificate.txt --key worker/private_key.txt";
    workshop.run(&format!("{line} --passphrase-file passphrase.txt")).yes().says("accepted until");
    workshop.refused(2, line, "a passphrase is needed");
    workshop.put("wrong.txt", "not that one\n");
    workshop.refused(1, &format!("{line} --passphrase-file wrong.txt"), "passphrase");
}

#[test]
fn a_bundle_is_changed_by_certificates_and_not_by_their_spelling() {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let leaf = old.leaf();
    let workshop = workshop(&[
        ("old.pem", &[&old.certificate]),
        ("new.pem", &[&new.certificate]),
        ("worker.pem", &[&leaf]),
    ]);
    // What is not there yet is an empty bundle.
    workshop.run("temporal bundle add bundle.pem old.pem").yes().says("+ ");
    let shown = workshop.json("temporal bundle add bundle.pem new.pem --dry-run");
    assert_eq!(shown["added"].as_array().unwrap().len(), 1);
    assert_eq!(shown["written"], Value::Null);
    assert_eq!(workshop.text("bundle.pem"), old.certificate.to_pem());

    workshop.run("temporal bundle add bundle.pem new.pem").yes();
    let both = old.certificate.to_pem() + &new.certificate.to_pem();
    assert_eq!(workshop.text("bundle.pem"), both);
    let listed = workshop.json("temporal bundle list bundle.pem");
    let sha1 = Fingerprint::sha1_of(&old.certificate).to_string();
    assert_eq!(listed["certificates"][0]["sha1"], sha1);
    assert_eq!(listed["problem"], Value::Null);

    workshop.refused(1, "temporal bundle add bundle.pem old.pem", "is in the bundle already");
    workshop.refused(1, "temporal bundle add bundle.pem worker.pem", "not a CA's");
    workshop.refused(
        1,
        "temporal bundle remove bundle.pem worker.pem",
        "no certificate of the bundle",
    );
    workshop.refused(
        2,
        "temporal bundle remove bundle.pem --fingerprint 12:34",
        "40 hexadecimal digits",
    );

    let colons: Vec<_> =
        sha1.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two)).collect();
    let remove = format!(
        "temporal bundle remove bundle.pem --fingerprint {}",
        colons.join(":").to_uppercase()
    );
    let removed = workshop.json(&format!("{remove} --out fewer.pem"));
    assert_eq!(removed["removed"][0]["sha1"], sha1);
    assert_eq!(workshop.text("fewer.pem"), new.certificate.to_pem());
    assert_eq!(workshop.text("bundle.pem"), both);
}

#[test]
fn a_change_that_locks_a_client_out_has_to_be_forced() {
    let workshop = Workshop::with_ca();
    workshop.issue("worker");
    workshop.run("ca create --dir new --subject CN=New --key p256").yes();
    workshop.run("temporal bundle add bundle.pem ca/certificate.pem new/certificate.pem").yes();
    let remove = "temporal bundle remove bundle.pem ca/certificate.pem";
    workshop.refused(1, &format!("{remove} --live worker/certificate.txt"), "would be locked out");
    workshop.run(&format!("{remove} --live worker/certificate.txt --force --out forced.pem")).yes();
    workshop.run(&format!("{remove} --out without.pem")).yes();
    workshop.refused(1, "temporal bundle remove without.pem new/certificate.pem", "would be empty");
    workshop.run("temporal bundle remove without.pem new/certificate.pem --force").yes();
    assert_eq!(workshop.text("without.pem"), "");
}

#[test]
fn a_rotation_is_planned_shown_and_carried_out_step_by_step() {
    let workshop = Workshop::with_ca();
    workshop.issue("old-worker");
    workshop.run("ca create --dir new --subject CN=New --key p256").yes();
    workshop.run("temporal bundle add bundle.pem ca/certificate.pem").yes();
    let files = "--plan rotation.json --bundle bundle.pem";
    let plan = format!(
        "temporal rotation plan {files} --old-ca ca/certificate.pem --new-ca new/certificate.pem --worker mail=old-worker/certificate.txt"
    );
    workshop.refused(2, &format!("{plan} --worker mail"), "a worker is written like");
    workshop.run(&plan).yes().says("1. add the new CA to the bundle");
    workshop.refused(1, &plan, "exists");

    let show = || {
        let ran = workshop.run(&format!("temporal rotation show {files} --json"));
        let told = ran.json();
        assert_eq!(ran.status, Some(i32::from(told["complete"] == false)), "{ran}");
        let steps = told["steps"].as_array().unwrap().iter();
        steps.map(|step| step["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(show(), ["add-new-ca", "issue", "confirm", "await-old", "remove-old-ca"]);
    let add = format!("temporal rotation add-new-ca {files}");
    workshop.run(&format!("{add} --dry-run")).yes().says("nothing was written");
    workshop.run(&add).yes().says("+ ");
    // Again, as after a broken connection: no change.
    assert_eq!(workshop.json(&add)["added"], json!([]));
    assert_eq!(show(), ["issue", "confirm", "await-old", "remove-old-ca"]);

    let issued = "temporal rotation issued --plan rotation.json --worker mail --cert";
    workshop.refused(1, &format!("{issued} old-worker/certificate.txt"), "new CA alone");
    // Another certificate of the old CA, in the midst of it.
    let renewed = "temporal rotation renewed --plan rotation.json --worker mail --cert";
    workshop.run("issue --ca ca --subject CN=mail --key p256 --days 20 --out again").yes();
    workshop.run(&format!("{renewed} again/certificate.txt")).yes();
    workshop.run("issue --ca new --subject CN=mail --key p256 --out mail").yes();
    workshop.refused(
        1,
        &format!("{renewed} mail/certificate.txt"),
        "not let in by the CA that goes",
    );
    workshop.run(&format!("{issued} mail/certificate.txt")).yes();
    assert_eq!(show(), ["confirm", "await-old", "remove-old-ca"]);
    let remove = format!("temporal rotation remove-old-ca {files}");
    workshop.refused(1, &remove, "it is too early: first see that mail connects");
    workshop.refused(
        1,
        "temporal rotation retired --plan rotation.json --worker mail",
        "too early",
    );
    // An endpoint of Temporal Cloud that is asked without a namespace proves too little; nobody is asked.
    let confirm = "--plan rotation.json --worker mail --key mail/private_key_nopass.txt";
    let before = workshop.text("rotation.json");
    for address in [
        "hello.a1b2c.tmprl.cloud:7233",
        "HELLO.a1b2c.tmprl.cloud.:7233",
        "eu-central-1.aws.api.temporal.io",
        "127.0.0.1:1 --server-name hello.a1b2c.tmprl.cloud",
    ] {
        let line = format!("temporal rotation confirm {address} {confirm}");
        workshop.refused(2, &line, "the namespace is needed");
    }
    assert_eq!(workshop.text("rotation.json"), before);
    let twice =
        before.replacen("\"confirmed\": null", "\"confirmed\": null, \"confirmed\": null", 1);
    workshop.put("twice.json", twice);
    workshop.refused(
        2,
        "temporal rotation show --plan twice.json --bundle bundle.pem",
        "workers[0] has \"confirmed\" twice",
    );
    workshop.put("broken.json", "{}");
    workshop.refused(
        2,
        "temporal rotation show --plan broken.json --bundle bundle.pem",
        "no plan of a rotation",
    );
}
