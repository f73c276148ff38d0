//! `private-ca doctor`, and a worker of a rotation that is seen to connect.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use private_ca::file::Existing;
use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::rotation::Rotation;
use private_ca::{CertificateChain, Timestamp};
use rustls::DEFAULT_VERSIONS;
use serde_json::Value;

use super::pki::{self, Pair, Pki, issue};
use super::stand_in::{MARKS, Service, StandIn, tls};

const KEY_PASSPHRASE: &str = "correct-horse-battery-staple";

/// The tool, in a folder with everybody's files, beside a frontend.
struct Desk {
    folder: tempfile::TempDir,
    frontend: StandIn,
}

impl Desk {
    async fn new(pki: &Pki, service: Service) -> Self {
        let config = tls(&pki.server(), Some(&pki.client_cas()), DEFAULT_VERSIONS);
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            frontend: StandIn::start(config, service).await,
        };
        desk.put("server-ca.pem", &pki.servers.certificate.to_pem());
        desk.put("passphrase.txt", KEY_PASSPHRASE);
        desk.pair("worker", &pki.client());
        desk
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn pair(&self, name: &str, pair: &Pair) {
        self.put(&format!("{name}.pem"), &pair.pem);
        self.put(&format!("{name}.key"), &pair.key);
    }

    /// Runs it with `ADDRESS` for the frontend's.
    async fn run(&self, line: &str) -> Output {
        let line = line.replace("ADDRESS", &self.frontend.address.to_string());
        let folder: &Path = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_private-ca"));
        command.args(line.split(' ')).current_dir(folder).stdin(Stdio::null());
        // The frontend has to go on meanwhile.
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        for said in [text(&output.stdout), text(&output.stderr)] {
            assert!(!said.contains(KEY_PASSPHRASE) && !said.contains("BEGIN"), "{said}");
        }
        output
    }

    async fn json(&self, status: i32, line: &str) -> Value {
        let output = self.run(&format!("{line} --json")).await;
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

const DOCTOR: &str = "doctor ADDRESS --server-ca server-ca.pem --cert worker.pem --key worker.key";

#[tokio::test]
async fn the_first_line_and_the_status_say_whether_it_connects() {
    let pki = Pki::new();
    let desk =
        Desk::new(&pki, Service::Statuses(&[("DescribeNamespace", 5, "no%1B[31m such%0Athing")]))
            .await;
    let output = desk.run(DOCTOR).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), text.lines().next()), (Some(0), Some("connects")), "{text}");
    for stage in ["configuration: good", "DNS: good", "TCP: good", "TLS: good", "gRPC: good"] {
        assert!(text.contains(stage), "{text}");
    }
    let told = desk.json(0, DOCTOR).await;
    assert_eq!((&told["connects"], &told["cause"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(told["findings"].as_array().unwrap().len(), 5);

    // What a server says moves no cursor and begins no line.
    let absent = format!("{DOCTOR} --namespace absent");
    let output = desk.run(&absent).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("does not connect: gRPC: there is no namespace absent"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("\nthing"), "{text}");
    assert!(text.lines().nth(1).unwrap().starts_with("to mend it: "), "{text}");
    let told = desk.json(1, &absent).await;
    assert_eq!(told["stage"], "grpc");
    assert_eq!(told["cause"]["id"], "namespace-not-found");
    assert_eq!(told["diagnosis"], text.lines().next().unwrap());
}

/// What is printed, without any mark that a terminal acts on or nobody sees.
#[track_caller]
fn unmarked(output: Output) -> String {
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(|letter| MARKS.contains(letter)), "{text:?}");
    text
}

#[tokio::test]
async fn what_a_server_says_does_not_turn_or_hide_what_is_shown() {
    let pki = Pki::new();
    let message: String = MARKS.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let statuses = Box::leak(Box::new([("GetSystemInfo", 16, &*message.leak())]));
    let desk = Desk::new(&pki, Service::Statuses(statuses)).await;
    let text = unmarked(desk.run(DOCTOR).await);
    assert!(text.lines().next().unwrap().contains(r"\u{202e}\u{2066}"), "{text}");
    let told: Value =
        serde_json::from_str(&unmarked(desk.run(&format!("{DOCTOR} --json")).await)).unwrap();
    assert_eq!(told["diagnosis"], text.lines().next().unwrap());
    assert!(told["cause"]["sentence"].as_str().unwrap().contains(r"\u{202e}"), "{told}");

    // The same of what is printed besides the doctor; JSON says what was there.
    let name = format!("ma{}il", MARKS.replace(|mark: char| mark.is_control(), ""));
    let bundle = CaBundle::of(std::slice::from_ref(&pki.servers.certificate));
    let worker = CertificateChain::from_pem_or_der(issue(&pki.servers, &[], |_| {}).pem.as_bytes());
    let rotation = Rotation::plan(
        &bundle,
        bundle.certificates(),
        std::slice::from_ref(&pki.clients.certificate),
    )
    .unwrap()
    .with_worker(&name, &worker.unwrap(), Timestamp::now())
    .unwrap();
    rotation.save(desk.folder.path().join("rotation.json"), Existing::Keep).unwrap();
    let output =
        desk.run("temporal rotation show --plan rotation.json --bundle server-ca.pem").await;
    assert!(!output.stdout.is_empty(), "{output:?}");
    let text = unmarked(output);
    assert!(text.contains(r"worker ma\u{202e}\u{2066}\u{61c}"), "{text}");
    let told = unmarked(
        desk.run("temporal rotation show --plan rotation.json --bundle server-ca.pem --json").await,
    );
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["workers"][0]["name"], name);
}

#[tokio::test]
async fn a_rule_that_a_certificate_breaks_is_told_with_its_own_mend() {
    let pki = Pki::new();
    let desk = Desk::new(&pki, Service::Statuses(&[])).await;
    desk.pair("worker", &issue(&pki.clients, &[], |params| params.key_usages.clear()));
    let text = unmarked(desk.run(DOCTOR).await);
    let mend = "nothing, if it connects: tcld issues such certificates too";
    assert!(text.contains(&format!("\n    to mend it: {mend}\n")), "{text}");
    let told = desk.json(0, DOCTOR).await;
    let warning = &told["findings"][0]["warnings"][0];
    assert_eq!((&warning["id"], &warning["mend"]), (&"requirement".into(), &mend.into()));
}

#[tokio::test]
async fn mistakes_of_whoever_asks_are_told_apart_from_a_worker_that_cannot_connect() {
    let pki = Pki::new();
    let desk = Desk::new(&pki, Service::Statuses(&[])).await;
    let stranger = issue(&pki::authority("Strangers"), &[], |_| {});
    desk.pair("stranger", &stranger);
    let told = desk
        .json(1, "doctor ADDRESS --server-ca server-ca.pem --cert stranger.pem --key stranger.key")
        .await;
    assert_eq!(
        (&told["stage"], &told["cause"]["id"]),
        (&"tls".into(), &"client-ca-unknown".into())
    );
    let told = desk
        .json(1, "doctor ADDRESS --server-ca server-ca.pem --cert worker.pem --key stranger.key")
        .await;
    assert_eq!(told["cause"]["id"], "key-mismatch");
    for wrong in [
        "doctor ADDRESS --server-ca absent.pem",
        "doctor ADDRESS --server-ca worker.key",
        "doctor ADDRESS --cert absent.pem --key worker.key",
        "doctor ADDRESS --cert worker.pem",
        "doctor https://ADDRESS",
        "doctor ADDRESS:1:2x",
        "doctor [::1:7233",
        "doctor :7233",
        "doctor",
    ] {
        let output = desk.run(wrong).await;
        assert_eq!(output.status.code(), Some(2), "{wrong}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{wrong}: {output:?}");
    }
    // A key under a passphrase.
    let seal =
        "key encrypt worker.key --preset acm --passphrase-file passphrase.txt --out sealed.key";
    assert!(desk.run(seal).await.status.success());
    let sealed = DOCTOR.replace("worker.key", "sealed.key");
    assert_eq!(desk.json(1, &sealed).await["cause"]["id"], "key-encrypted");
    assert_eq!(
        desk.json(0, &format!("{sealed} --passphrase-file passphrase.txt")).await["connects"],
        true
    );
}

#[tokio::test]
async fn a_worker_of_a_rotation_is_confirmed_by_connecting() {
    let pki = Pki::new();
    let desk = Desk::new(&pki, Service::Statuses(&[])).await;
    let old = pki::authority("Old");
    let chain = |pair: &Pair| CertificateChain::from_pem_or_der(pair.pem.as_bytes()).unwrap();
    let bundle = CaBundle::of(std::slice::from_ref(&old.certificate));
    let mut rotation = Rotation::plan(
        &bundle,
        bundle.certificates(),
        std::slice::from_ref(&pki.clients.certificate),
    )
    .unwrap()
    .with_worker("mail", &chain(&issue(&old, &[], |_| {})), Timestamp::now())
    .unwrap();
    let plan = desk.folder.path().join("rotation.json");
    rotation.save(&plan, Existing::Keep).unwrap();
    let confirm = "temporal rotation confirm ADDRESS --plan rotation.json --worker mail --server-ca server-ca.pem";
    let good = format!("{confirm} --key worker.key");
    let told = desk.json(1, &good).await;
    assert!(
        told["error"].as_str().unwrap().contains("first issue a certificate of the new CA"),
        "{told}"
    );

    let worker = std::fs::read(desk.folder.path().join("worker.pem")).unwrap();
    let worker = CertificateChain::from_pem_or_der(&worker).unwrap();
    rotation.issued("mail", &worker, Timestamp::now()).unwrap();
    rotation.save(&plan, Existing::Replace).unwrap();
    desk.pair("other", &pki.client());
    let told = desk.json(1, &format!("{confirm} --key other.key")).await;
    assert_eq!(told["cause"]["id"], "key-mismatch");
    assert!(Rotation::load(&plan).unwrap().workers()[0].confirmed.is_none());
    // Who asks nobody for a certificate lets everybody in.
    let anybody = tls(&pki.server(), None, DEFAULT_VERSIONS);
    let anybody = StandIn::start(anybody, Service::Statuses(&[])).await;
    let told = desk.json(1, &good.replace("ADDRESS", &anybody.address.to_string())).await;
    assert!(told["error"].as_str().unwrap().contains("asks for no certificate"), "{told}");
    assert!(Rotation::load(&plan).unwrap().workers()[0].confirmed.is_none());

    assert_eq!(desk.json(0, &good).await["connects"], true);
    assert!(Rotation::load(&plan).unwrap().workers()[0].confirmed.is_some());
}
