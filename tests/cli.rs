//! The command-line tool as it is used: the real binary, in folders of its own.
#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/chains.rs"]
mod chains;
#[path = "cli/temporal.rs"]
mod temporal;
#[path = "cli/verification.rs"]
mod verification;
#[path = "cli/worker.rs"]
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use private_ca::{
    Certificate, CertificateRequest, KeyAlgorithm, PrivateKey, SubjectAlternativeName,
};
use serde_json::Value;

const PRIVATE_CA: &str = env!("CARGO_BIN_EXE_private-ca");
/// No run of the tool may ever show it.
const PASSPHRASE: &str = "correct-horse-battery-staple";

// --- A folder to work in, and the tool run in it. -------------------------------------------------

struct Workshop {
    folder: tempfile::TempDir,
}

struct Ran {
    line: String,
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// The words of a command, with double quotes around those that hold blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

impl Workshop {
    /// An empty folder but for the passphrase's file.
    fn new() -> Self {
        let workshop = Self { folder: tempfile::tempdir().unwrap() };
        workshop.put("passphrase.txt", format!("{PASSPHRASE}\n"));
        workshop
    }

    /// With a CA on P-256, which is quick to make.
    fn with_ca() -> Self {
        let workshop = Self::new();
        workshop.run("ca create --dir ca --subject O=Acme,CN=Root --key p256 --days 1000").yes();
        workshop
    }

    /// Puts the key of the CA `ca` under the passphrase, with few iterations, which are quick.
    fn seal_ca(&self) {
        self.run("key encrypt ca/private_key.pem --preset acm --passphrase-file passphrase.txt --out ca/private_key.pem --overwrite").yes();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        self.path(name).metadata().unwrap().permissions().mode() & 0o777
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(PRIVATE_CA);
        command.args(words(line)).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("EXPORT_PASSPHRASE", PASSPHRASE).env_remove("NO_SUCH_PASSPHRASE");
        // Nobody's account: no credentials, no region, no metadata service.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.folder.path()).env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    fn run(&self, line: &str) -> Ran {
        Ran::of(line, &self.command(line).output().unwrap())
    }

    /// What the tool says as JSON; the exit status is 0.
    fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).yes().json()
    }

    /// The tool ends with this status and says this, as text and as JSON, and no file changes.
    fn refused(&self, status: i32, line: &str, says: &str) {
        let before = contents(self.folder.path());
        let ran = self.run(line);
        assert_eq!(ran.status, Some(status), "{ran}");
        assert_eq!(ran.stdout, "", "{ran}");
        let message =
            ran.stderr.strip_prefix("private-ca: ").or(ran.stderr.strip_prefix("error: "));
        let message = message.unwrap_or_else(|| panic!("{ran}"));
        assert!(message.contains(says), "not \"{says}\": {ran}");
        let ran = self.run(&format!("{line} --json"));
        assert_eq!(ran.status, Some(status), "{ran}");
        assert_eq!(ran.stderr, "", "{ran}");
        let error = ran.json()["error"].as_str().unwrap_or_else(|| panic!("{ran}")).to_owned();
        assert!(error.contains(says), "not \"{says}\": {ran}");
        assert_unchanged(&before, self.folder.path());
    }

    /// The serial number of a newly issued certificate.
    fn issue(&self, out: &str) -> String {
        let line = format!("issue --ca ca --subject CN={out} --key p256 --out {out}");
        serial_in(&self.json(&line)["certificate"])
    }

    fn issued(&self) -> BTreeSet<String> {
        issued_in(&self.json("ca show --dir ca"))
    }

    fn revoked(&self) -> BTreeSet<String> {
        let shown = self.json("ca show --dir ca");
        let issued = shown["issued"].as_array().unwrap().iter();
        let revoked = issued.filter(|one| !one["revoked"].is_null());
        revoked.map(|one| serial_in(&one["certificate"])).collect()
    }

    /// Runs where no file can grow beyond so many blocks of 512 bytes: writing fails, as on a full
    /// disk.
    fn run_on_full_disk(&self, blocks: u32, line: &str) -> Ran {
        let limited = r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#;
        let mut shell = Command::new("sh");
        shell.args(["-c", limited, &blocks.to_string(), PRIVATE_CA]).args(words(line));
        shell.current_dir(self.folder.path()).stdin(Stdio::null());
        Ran::of(line, &shell.output().unwrap())
    }
}

impl Ran {
    fn of(line: &str, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ran = Self {
            line: line.to_owned(),
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        };
        assert!(!ran.stdout.contains(PASSPHRASE) && !ran.stderr.contains(PASSPHRASE), "{ran}");
        assert!(!ran.stderr.contains("panicked"), "{ran}");
        ran
    }

    fn yes(self) -> Self {
        assert_eq!(self.status, Some(0), "{self}");
        assert_eq!(self.stderr, "", "{self}");
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    fn says(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "not \"{text}\": {self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, status, stdout, stderr } = self;
        write!(f, "private-ca {line}\nstatus {status:?}\nstdout: {stdout}\nstderr: {stderr}")
    }
}

fn serial_in(certificate: &Value) -> String {
    certificate["serial_number"].as_str().unwrap().to_owned()
}

/// The serial numbers of everything that a CA shows as issued.
fn issued_in(shown: &Value) -> BTreeSet<String> {
    let issued = shown["issued"].as_array().unwrap().iter();
    issued.map(|one| serial_in(&one["certificate"])).collect()
}

/// Every file below a folder, but for locks, which hold nothing.
fn contents(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "lock"
                && path.extension().is_none_or(|end| end != "lock")
            {
                files.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    files
}

fn assert_unchanged(before: &BTreeMap<PathBuf, Vec<u8>>, path: &Path) {
    let after = contents(path);
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed: Vec<_> =
        paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).collect();
    assert!(changed.is_empty(), "files changed: {changed:?}");
}

fn key_pem() -> String {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap().to_pkcs8_pem().to_string()
}

// --- The walkthrough. -----------------------------------------------------------------------------

const WALKTHROUGH_FILES: [&str; 7] = [
    "ca",
    "certificate.txt",
    "certificate_chain.txt",
    "passphrase.txt",
    "private_key.txt",
    "private_key_nopass.txt",
    "temporal.toml",
];

#[test]
fn the_walkthrough_shows_the_whole_journey_and_leaves_its_files() {
    let workshop = Workshop::new();
    let start = Instant::now();
    let ran = workshop.run("walkthrough --dir first").yes();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    for step in 1..=7 {
        assert!(ran.stdout.lines().any(|line| line.starts_with(&format!("{step}. "))), "{ran}");
    }
    for said in [
        "CN=worker.acme.internal",
        "trust anchor",
        "TLS 1.2: let in",
        "TLS 1.3: let in",
        "accepted until ",
        "a stranger of the same name, to the doctor: does not connect: TLS: the server does not trust",
        "to mend it: put the CA into the namespace's bundle",
        "no certificate: the server refuses with the TLS alert",
        "export TEMPORAL_MTLS_TLS_CERT=",
        "export TEMPORAL_MTLS_TLS_KEY=",
        "export TEMPORAL_TLS_CLIENT_CERT_PATH=",
        "export TEMPORAL_TLS_CLIENT_KEY_PATH=",
        "temporal.toml",
    ] {
        ran.says(said);
    }
    assert!(ran.stdout.lines().count() <= 60, "more than a screen: {ran}");

    let mut files: Vec<_> = std::fs::read_dir(workshop.path("first"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, WALKTHROUGH_FILES);
    assert_eq!(workshop.mode("first"), 0o700);
    for secret in ["passphrase.txt", "private_key.txt", "private_key_nopass.txt"] {
        assert_eq!(workshop.mode(&format!("first/{secret}")), 0o600, "{secret}");
    }
    let passphrase = workshop.text("first/passphrase.txt");
    assert!(passphrase.trim_end().len() >= 32);
    assert!(!ran.stdout.contains(passphrase.trim_end()));
    assert!(!workshop.text("first/temporal.toml").contains(passphrase.trim_end()));

    workshop.refused(1, "walkthrough --dir first", "is not empty");
}

#[test]
fn the_walkthrough_as_json_is_one_value() {
    let workshop = Workshop::new();
    let told = workshop.json("walkthrough --dir first");
    assert_eq!(told["steps"].as_array().unwrap().len(), 7);
    let passphrase = workshop.text("first/passphrase.txt");
    assert!(!told.to_string().contains(passphrase.trim_end()));
}

#[test]
fn every_command_that_the_walkthrough_shows_does_its_step_alone() {
    let workshop = Workshop::new();
    // A folder that a shell would take for two words.
    let ran = workshop.run("walkthrough --dir \"first steps\"").yes();
    let commands: Vec<_> =
        ran.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("$ ")).collect();
    assert_eq!(commands.len(), 5, "{ran}");

    // The same commands, as they are, where nothing is yet but the passphrase.
    let elsewhere = Workshop::new();
    std::fs::create_dir(elsewhere.path("first steps")).unwrap();
    elsewhere.put("first steps/passphrase.txt", workshop.text("first steps/passphrase.txt"));
    let tools = Path::new(PRIVATE_CA).parent().unwrap().to_str().unwrap();
    let path = format!("{tools}:{}", std::env::var("PATH").unwrap());
    for line in commands {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PATH", &path).current_dir(elsewhere.folder.path());
        Ran::of(line, &shell.stdin(Stdio::null()).output().unwrap()).yes();
    }
    for file in WALKTHROUGH_FILES.iter().filter(|file| **file != "temporal.toml") {
        assert!(elsewhere.path("first steps").join(file).exists(), "{file}");
    }
}

/// Whether there is an `openssl` to ask. Where tests have to be complete, there must be.
fn openssl_is_here() -> bool {
    let asked = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
    if asked.is_ok_and(|status| status.success()) {
        return true;
    }
    let must = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    assert!(!must, "there is no openssl command, and CI is set");
    #[allow(clippy::print_stdout)]
    {
        println!("skipped: there is no openssl command");
    }
    false
}

fn openssl(folder: &Path, line: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(words(line)).current_dir(folder).stdin(Stdio::null());
    command
}

fn openssl_accepts(folder: &Path, line: &str) -> String {
    let output = openssl(folder, line).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {line}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Ends a process whatever happens to the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn openssl_accepts_the_files_of_the_walkthrough_as_they_are() {
    if !openssl_is_here() {
        return;
    }
    let workshop = Workshop::new();
    workshop.run("walkthrough --dir first").yes();
    let folder = workshop.path("first");
    let key = openssl_accepts(&folder, "pkcs8 -in private_key.txt -passin file:passphrase.txt");
    assert_eq!(key, workshop.text("first/private_key_nopass.txt"));
    for purpose in ["sslclient", "sslserver"] {
        let line = format!(
            "verify -x509_strict -purpose {purpose} -CAfile certificate_chain.txt certificate.txt"
        );
        assert_eq!(openssl_accepts(&folder, &line), "certificate.txt: OK\n");
    }
}

#[test]
fn openssl_connects_to_openssl_with_the_files_of_the_walkthrough() {
    if !openssl_is_here() {
        return;
    }
    let workshop = Workshop::new();
    workshop.run("walkthrough --dir first").yes();
    let folder = workshop.path("first");
    let with_key = "-cert certificate.txt -key private_key.txt -pass file:passphrase.txt";
    for version in ["-tls1_2", "-tls1_3"] {
        // It sends every line back reversed, so an answer means that data went both ways.
        let line = format!(
            "s_server -accept 127.0.0.1:0 -rev -Verify 1 -verify_return_error -CAfile certificate_chain.txt {with_key} {version}"
        );
        let mut server = openssl(&folder, &line);
        let mut server =
            Running(server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut said = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let port = said
            .find_map(|line| {
                Some(line.unwrap().strip_prefix("ACCEPT ")?.rsplit_once(':')?.1.to_owned())
            })
            .unwrap();
        let connect = format!(
            "s_client -connect 127.0.0.1:{port} -quiet -verify_return_error -verify_hostname worker.acme.internal -CAfile certificate_chain.txt {version}"
        );
        let mut client = openssl(&folder, &format!("{connect} {with_key}"));
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut client = Running(client.spawn().unwrap());
        client.0.stdin.as_mut().unwrap().write_all(b"krow\n").unwrap();
        let mut answer = String::new();
        BufReader::new(client.0.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        assert_eq!(answer, "work\n", "{version}");
        drop(client);

        // Nobody gets in without the certificate.
        let mut nobody = openssl(&folder, &connect);
        nobody.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut nobody = Running(nobody.spawn().unwrap());
        let _ = nobody.0.stdin.as_mut().unwrap().write_all(b"krow\n");
        let mut answer = String::new();
        let _ = BufReader::new(nobody.0.stdout.take().unwrap()).read_line(&mut answer);
        assert_eq!(answer, "", "{version}");
    }
}

// --- What every verb has in common. ---------------------------------------------------------------

/// The verbs that need the feature `aws`.
const AWS_VERBS: [&str; 9] = [
    "ca list",
    "ca install",
    "ca grant-acm",
    "ca enable",
    "ca disable",
    "ca delete",
    "ca restore",
    "ca audit-report",
    "ca policy",
];

const VERBS: [&str; 30] = [
    "walkthrough",
    "ca create",
    "ca show",
    "ca crl",
    "issue",
    "export",
    "request",
    "status",
    "renew",
    "revoke",
    "key decrypt",
    "key encrypt",
    "key inspect",
    "verify",
    "inspect",
    "temporal check",
    "temporal bundle list",
    "temporal bundle add",
    "temporal bundle remove",
    "temporal rotation plan",
    "temporal rotation show",
    "temporal rotation add-new-ca",
    "temporal rotation issued",
    "temporal rotation renewed",
    "temporal rotation confirm",
    "temporal rotation retired",
    "temporal rotation remove-old-ca",
    "worker config",
    "doctor",
    "",
];

const CLOUD_VERBS: [&str; 14] = [
    "temporal namespace rotation plan",
    "temporal namespace rotation show",
    "temporal namespace rotation add-new-ca",
    "temporal namespace rotation remove-old-ca",
    "temporal namespace show",
    "temporal namespace auth-method show",
    "temporal namespace auth-method set",
    "temporal namespace bundle list",
    "temporal namespace bundle add",
    "temporal namespace bundle remove",
    "temporal namespace bundle replace",
    "temporal namespace filters export",
    "temporal namespace filters import",
    "temporal namespace operation resume",
];

#[test]
fn every_verb_has_help_with_examples_and_takes_no_passphrase_as_an_argument() {
    let workshop = Workshop::new();
    let aws_verbs = if cfg!(feature = "aws") { &AWS_VERBS[..] } else { &[] };
    let cloud_verbs = if cfg!(feature = "temporal-cloud") { &CLOUD_VERBS[..] } else { &[] };
    for verb in VERBS.iter().chain(aws_verbs).chain(cloud_verbs) {
        let ran = workshop.run(&format!("{verb} --help")).yes();
        ran.says("Examples:\n  private-ca ");
        ran.says("--json");
        for word in ran.stdout.split_whitespace() {
            let word =
                word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
            let secret = word.starts_with("--") && word.contains("pass");
            let by_name = word.ends_with("passphrase-file") || word.ends_with("passphrase-env");
            assert!(!secret || by_name, "{word}: {ran}");
        }
        // And no verb knows such an option without saying so.
        for option in ["--passphrase", "--password", "--pass", "--ca-passphrase"] {
            let ran = workshop.run(&format!("{verb} {option} secret"));
            assert_eq!(ran.status, Some(2), "{ran}");
        }
    }
    // Everything in the list of verbs is in the list above.
    let namespace = usize::from(cfg!(feature = "temporal-cloud"));
    for (group, count) in [
        ("", 14),
        ("ca", 3 + aws_verbs.len()),
        ("key", 3),
        ("temporal", 3 + namespace),
        ("temporal bundle", 3),
        ("temporal rotation", 8),
        ("worker", 1),
    ] {
        let ran = workshop.run(&format!("{group} --help")).yes();
        let listed = ran.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
        let listed = listed.take_while(|line| !line.is_empty());
        let listed = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        assert_eq!(listed.filter(|line| !line.starts_with("  help ")).count(), count, "{ran}");
    }
}

#[test]
fn every_verb_answers_in_json_when_asked_to() {
    let workshop = Workshop::new();
    let created = workshop.json("ca create --dir ca --subject O=Acme,CN=Root --key p256");
    assert_eq!(created["certificate"]["subject"], "O=Acme,CN=Root");
    let issued = workshop.json("issue --ca ca --subject CN=w --key p256 --out w");
    assert_eq!(issued["certificate"]["is_ca"], false);
    assert!(workshop.path(issued["private_key_file"].as_str().unwrap()).exists());
    let exported = workshop
        .json("export --ca ca --dns w.example --key p256 --passphrase-file passphrase.txt --out x");
    assert_eq!(exported["certificate"]["subject"], "CN=w.example");
    let serial = serial_in(&issued["certificate"]);
    let line = format!("revoke --ca ca {serial}");
    assert_eq!(workshop.json(&line)["revoked"], serial);
    let shown = workshop.json("ca show --dir ca");
    assert_eq!(shown["issued"].as_array().unwrap().len(), 2);
    let crl = workshop.json("ca crl --dir ca");
    assert!(crl["revocation_list"].as_str().unwrap().starts_with("-----BEGIN X509 CRL-----"));
    let line = "key decrypt x/private_key.txt --passphrase-file passphrase.txt";
    assert!(workshop.json(line)["private_key"].is_string());
    let written = workshop.json(&format!("{line} --out plain.txt"));
    assert_eq!(written["written"], "plain.txt");
    let line = "key encrypt plain.txt --passphrase-file passphrase.txt";
    assert!(workshop.json(line)["private_key"].as_str().unwrap().contains("ENCRYPTED"));
    assert_eq!(workshop.json("key inspect x/private_key.txt")["iterations"], 2048);
    assert_eq!(workshop.json("key inspect plain.txt")["encrypted"], false);
    let verified = workshop.json("verify --anchors ca/certificate.pem x/certificate.txt");
    assert_eq!(verified["valid"], true);
    assert_eq!(verified["path"].as_array().unwrap().len(), 2);
    let found = workshop.json("inspect x/certificate_chain.txt");
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[test]
fn the_exit_status_tells_no_from_what_could_not_be_asked() {
    let workshop = Workshop::with_ca();
    workshop.seal_ca();
    std::fs::rename(workshop.path("ca"), workshop.path("sealed")).unwrap();
    workshop.run("ca create --dir ca --subject O=Acme,CN=Root --key p256").yes();
    let serial = workshop.issue("w");
    workshop
        .run("export --ca ca --dns w.example --key p256 --passphrase-env EXPORT_PASSPHRASE --out x")
        .yes();
    workshop.run("ca create --dir other --subject CN=Other --key p256").yes();
    workshop.put("wrong.txt", "not this one\n");
    workshop.put("garbage", "\u{0}garbage\n");
    let no = [
        ("ca create --dir ca --subject CN=Root --key p256", "is not empty"),
        ("ca create --dir garbage --subject CN=Root --key p256", "is not empty"),
        ("ca create --dir new --subject CN=Root --key ed25519", "does not take"),
        ("ca show --dir sealed --passphrase-file wrong.txt", "passphrase is wrong"),
        ("ca crl --dir sealed --passphrase-file wrong.txt", "passphrase is wrong"),
        (
            "issue --ca sealed --ca-passphrase-file wrong.txt --subject CN=w --out n",
            "passphrase is wrong",
        ),
        ("issue --ca ca --csr garbage --out n", "garbage"),
        (
            "export --ca sealed --ca-passphrase-file wrong.txt --dns w.example --passphrase-file passphrase.txt --out n",
            "passphrase is wrong",
        ),
        (
            "export --ca ca --certificate 1f02aa --passphrase-file passphrase.txt --out n",
            "has issued no certificate 1f02aa",
        ),
        ("revoke --ca ca 1f02aa", "has issued no certificate 1f02aa"),
        ("revoke --ca sealed --ca-passphrase-file wrong.txt 1f02aa", "passphrase is wrong"),
        ("key decrypt x/private_key.txt --passphrase-file wrong.txt", "passphrase is wrong"),
        ("key decrypt w/private_key_nopass.txt --passphrase-file wrong.txt", "not encrypted"),
        ("key encrypt x/private_key.txt --passphrase-file passphrase.txt", "encrypted already"),
        ("key inspect garbage", "garbage"),
        ("verify --anchors other/certificate.pem x/certificate.txt", "CN=w.example"),
        (
            "verify --anchors ca/certificate.pem --name other.example x/certificate.txt",
            "is not for DNS:other.example",
        ),
        ("verify --anchors ca/certificate.pem --purpose server w/certificate.txt", "CN=w"),
        ("verify --anchors ca/certificate.pem --at 2020-01-01T00:00:00Z w/certificate.txt", "CN=w"),
        ("inspect garbage", "garbage"),
    ];
    for (line, says) in no {
        workshop.refused(1, line, says);
    }
    let unasked = [
        (
            "ca create --dir new --subject CN=Root --key p256 --passphrase-file none.txt",
            "cannot read none.txt",
        ),
        ("ca create --dir new --subject CN=Root --key p256 --parent none", "none holds no CA"),
        (
            "ca create --dir new --subject CN=Root --key p256 --parent sealed",
            "a passphrase is needed",
        ),
        ("ca create --dir new --subject CN=Root --key rsa1024", "rsa1024"),
        ("ca create --subject CN=Root", "--dir"),
        ("ca show --dir none", "none holds no CA"),
        ("ca show --dir sealed", "a passphrase is needed"),
        ("ca show --dir sealed --passphrase-env NO_SUCH_PASSPHRASE", "NO_SUCH_PASSPHRASE"),
        ("ca crl --dir none", "none holds no CA"),
        ("ca crl --dir sealed", "a passphrase is needed"),
        ("issue --ca none --subject CN=w --out n", "none holds no CA"),
        ("issue --ca sealed --subject CN=w --out n", "a passphrase is needed"),
        ("issue --ca ca --csr none.csr --out n", "cannot read none.csr"),
        ("issue --ca ca --out n", "--subject"),
        ("issue --ca ca --subject CN=w --dns \"a b\" --out n", "a b"),
        ("issue --ca ca --subject CN=w --san IP:x --out n", "IP"),
        ("issue --ca ca --subject CN=w --purpose spy --out n", "spy"),
        ("export --ca ca --dns w.example --out n", "a passphrase is needed"),
        (
            "export --ca ca --dns w.example --passphrase-env NO_SUCH_PASSPHRASE --out n",
            "NO_SUCH_PASSPHRASE",
        ),
        ("export --ca ca --passphrase-file passphrase.txt --out n", "--dns"),
        (
            "export --ca none --dns w.example --passphrase-file passphrase.txt --out n",
            "none holds no CA",
        ),
        ("revoke --ca none 1f02aa", "none holds no CA"),
        ("revoke --ca ca not-a-serial", "not-a-serial"),
        ("revoke --ca ca 1f02aa --reason boredom", "boredom"),
        ("key decrypt none.txt --passphrase-file passphrase.txt", "cannot read none.txt"),
        ("key decrypt x/private_key.txt --passphrase-file none.txt", "cannot read none.txt"),
        ("key decrypt x/private_key.txt --passphrase-env NO_SUCH_PASSPHRASE", "NO_SUCH_PASSPHRASE"),
        ("key decrypt x/private_key.txt", "a passphrase is needed"),
        (
            "key decrypt x/private_key.txt --passphrase-env A --passphrase-file B",
            "--passphrase-file",
        ),
        (
            "key decrypt x/private_key.txt --passphrase-env EXPORT_PASSPHRASE --out none/key.txt",
            "none/key.txt",
        ),
        ("key encrypt none.txt --passphrase-file passphrase.txt", "cannot read none.txt"),
        ("key encrypt w/private_key_nopass.txt", "a passphrase is needed"),
        ("key inspect none.txt", "cannot read none.txt"),
        ("verify --anchors none.pem x/certificate.txt", "cannot read none.pem"),
        ("verify --anchors garbage x/certificate.txt", "garbage"),
        ("verify --anchors ca/certificate.pem none.pem", "cannot read none.pem"),
        ("verify --anchors ca/certificate.pem garbage", "garbage"),
        (
            "verify --anchors ca/certificate.pem --intermediates none.pem x/certificate.txt",
            "cannot read none.pem",
        ),
        ("verify --anchors ca/certificate.pem --at yesterday x/certificate.txt", "RFC 3339"),
        ("inspect none.txt", "cannot read none.txt"),
        ("inspect ca", "cannot read ca"),
        ("fly", "fly"),
    ];
    for (line, says) in unasked {
        workshop.refused(2, line, says);
    }
    // The second time it is revoked already, which is an answer.
    workshop.run(&format!("revoke --ca ca {serial}")).yes();
    workshop.refused(1, &format!("revoke --ca ca {serial}"), "is revoked already");
    assert_eq!(
        workshop.run("--version").yes().stdout,
        format!("private-ca {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_subject_that_cannot_be_encoded_is_a_question_that_cannot_be_asked() {
    let workshop = Workshop::with_ca();
    let long = format!("CN={}", "x".repeat(65));
    for subject in ["Acme", "C=Germany", "XY=1", &long, "", "CN="] {
        for verb in ["ca create --dir new", "issue --ca ca --out new"] {
            let line = format!("{verb} --subject \"{subject}\"");
            workshop.refused(2, &line, if subject.is_empty() { "--subject" } else { subject });
        }
        assert!(!workshop.path("new").exists());
    }
    // Twice the same attribute is a name, but not one that a local CA writes.
    workshop.refused(1, "issue --ca ca --subject OU=a,OU=b --key p256 --out new", "OU=a,OU=b");
}

// --- Passphrases and keys. ------------------------------------------------------------------------

#[test]
fn a_passphrase_is_the_first_line_of_a_file_or_an_environment_variable() {
    let workshop = Workshop::with_ca();
    workshop.put("plain.txt", key_pem());
    let encrypt = "key encrypt plain.txt --preset acm --passphrase-env EXPORT_PASSPHRASE";
    workshop.run(&format!("{encrypt} --out sealed.txt")).yes();
    for end in ["", "\n", "\r\n", "\nand a second line\n"] {
        workshop.put("first-line.txt", format!("{PASSPHRASE}{end}"));
        let ran = workshop.run("key decrypt sealed.txt --passphrase-file first-line.txt").yes();
        assert_eq!(ran.stdout, workshop.text("plain.txt"), "{end:?}");
    }
    let ran = workshop.run("key decrypt sealed.txt --passphrase-env EXPORT_PASSPHRASE").yes();
    assert_eq!(ran.stdout, workshop.text("plain.txt"));
    // Blanks belong to the passphrase.
    workshop.put("blank.txt", format!("{PASSPHRASE} \n"));
    workshop.refused(
        1,
        "key decrypt sealed.txt --passphrase-file blank.txt",
        "passphrase is wrong",
    );

    // A passphrase that ACM refuses, before anything is issued.
    for (passphrase, rule) in [("abc", "4 to 128"), ("with a #", "must not contain")] {
        workshop.put("bad.txt", passphrase);
        let line = "export --ca ca --dns w.example --key p256 --passphrase-file bad.txt --out n";
        workshop.refused(1, line, rule);
    }
    // An empty one is a file that was forgotten.
    workshop.put("empty.txt", "\n");
    for line in [
        "ca create --dir new --subject CN=New --key p256 --passphrase-file empty.txt",
        "export --ca ca --dns w.example --key p256 --passphrase-file empty.txt --out n",
        "key encrypt plain.txt --passphrase-file empty.txt",
    ] {
        workshop.refused(2, line, "empty.txt is empty");
    }
    assert!(workshop.issued().is_empty());
}

#[test]
fn a_wrong_passphrase_is_not_repeated_in_the_error() {
    // `Ran::of` searches every output for the passphrase, so here the right one is the other.
    let workshop = Workshop::new();
    workshop.put("plain.txt", key_pem());
    workshop.put("other.txt", "quite another one");
    let line = "key encrypt plain.txt --preset acm --passphrase-file other.txt --out sealed.txt";
    workshop.run(line).yes();
    for source in ["--passphrase-file passphrase.txt", "--passphrase-env EXPORT_PASSPHRASE"] {
        workshop.refused(1, &format!("key decrypt sealed.txt {source}"), "passphrase is wrong");
    }
}

#[test]
fn a_decrypted_key_is_for_its_owner_only_and_written_over_nothing() {
    let workshop = Workshop::new();
    workshop.put("plain.txt", key_pem());
    for (preset, iterations) in [("acm", 2048), ("modern", 600_000)] {
        let sealed = format!("{preset}.txt");
        let line = format!(
            "key encrypt plain.txt --preset {preset} --passphrase-file passphrase.txt --out {sealed}"
        );
        workshop.run(&line).yes();
        assert_eq!(workshop.mode(&sealed), 0o600);
        if preset == "acm" {
            workshop.refused(1, &line, "to write over it, add --overwrite");
        }
        let said = workshop.json(&format!("key inspect {sealed}"));
        assert_eq!((&said["encrypted"], &said["iterations"]), (&true.into(), &iterations.into()));

        let out = format!("{preset}-plain.txt");
        let line = format!("key decrypt {sealed} --passphrase-file passphrase.txt --out {out}");
        workshop.run(&line).yes();
        assert_eq!(workshop.mode(&out), 0o600);
        assert_eq!(workshop.text(&out), workshop.text("plain.txt"));
        if preset == "acm" {
            workshop.put(&out, "something else");
            workshop.refused(1, &line, "exists");
            assert_eq!(workshop.text(&out), "something else");
            let everyone = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(workshop.path(&out), everyone).unwrap();
            workshop.run(&format!("{line} --overwrite")).yes();
            assert_eq!(workshop.text(&out), workshop.text("plain.txt"));
            assert_eq!(workshop.mode(&out), 0o600);
        }
    }
    workshop.run("key inspect plain.txt").yes().says("not encrypted: ");
    workshop.run("key inspect acm.txt").yes().says("encrypted private key, PKCS#8");
}

#[test]
fn inspect_says_how_a_key_is_encrypted_what_that_is_worth_and_who_writes_such_files() {
    let workshop = Workshop::new();
    workshop.put("plain.txt", key_pem());
    for (preset, says, written_by, weaknesses) in [
        (
            "modern",
            "PBKDF2 with HMAC-SHA-256, 600000 iterations, 16-byte salt; AES-256-CBC",
            "private-ca",
            0,
        ),
        (
            "acm",
            "PBKDF2 with HMAC-SHA-1, 2048 iterations, 20-byte salt; AES-256-CBC",
            "AWS Certificate Manager",
            1,
        ),
        (
            "scrypt",
            "scrypt with N = 16384, r = 8, p = 5 (16384 KiB of memory), 16-byte salt; AES-256-CBC",
            "private-ca",
            0,
        ),
    ] {
        let sealed = format!("{preset}.txt");
        let line = format!(
            "key encrypt plain.txt --preset {preset} --passphrase-file passphrase.txt --out {sealed}"
        );
        workshop.run(&line).yes();
        let ran = workshop.run(&format!("key inspect {sealed}")).yes();
        ran.says(says).says(written_by);
        assert_eq!(ran.stdout.matches("weak today").count(), weaknesses, "{ran}");
        // The same, of whatever is in a file.
        workshop.run(&format!("inspect {sealed}")).yes().says(says);
        let json = workshop.json(&format!("key inspect {sealed}"));
        assert_eq!(json["weaknesses"].as_array().unwrap().len(), weaknesses);
        assert_eq!((&json["cipher"], &json["legacy"]), (&"AES-256-CBC".into(), &false.into()));
        let decrypt = format!("key decrypt {sealed} --passphrase-file passphrase.txt");
        assert_eq!(workshop.run(&decrypt).yes().stdout, workshop.text("plain.txt"));
    }
    let json = workshop.json("key inspect scrypt.txt");
    for (name, value) in [("n", 16_384), ("r", 8), ("p", 5), ("memory", 16 * 1024 * 1024)] {
        assert_eq!(json[name], value);
    }
    // A broken scheme is told with its name too, though nothing of it is deciphered for that.
    let traditional = format!(
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0011223344556677\n\n{}\n-----END EC PRIVATE KEY-----\n",
        "QUJD".repeat(16)
    );
    workshop.put("traditional.pem", &traditional);
    for line in ["key inspect traditional.pem", "inspect traditional.pem"] {
        workshop
            .run(line)
            .yes()
            .says("OpenSSL's traditional PEM")
            .says("one MD5 of passphrase and salt")
            .says("3DES-CBC")
            .says("weak today");
    }
    assert_eq!(workshop.json("key inspect traditional.pem")["legacy"], true);
    let decrypt = "key decrypt traditional.pem --passphrase-file passphrase.txt";
    let refusal = match cfg!(feature = "insecure-legacy-encryption") {
        true => "the passphrase is wrong",
        false => "openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW_FILE",
    };
    workshop.refused(1, decrypt, refusal);
    workshop.put("no-vector.pem", traditional.replace(",0011223344556677", ""));
    workshop.refused(1, "key inspect no-vector.pem", "no initialisation vector after the cipher");
    workshop.put("hostile.pem", traditional.replace("DES-EDE3-CBC", "\u{1b}[2J"));
    workshop.refused(1, "key inspect hostile.pem", "names no cipher");
}

#[test]
fn a_passphrase_with_a_newline_that_does_not_belong_to_it_is_told_so() {
    let workshop = Workshop::new();
    workshop.put("plain.txt", key_pem());
    let line =
        "key encrypt plain.txt --preset acm --passphrase-file passphrase.txt --out sealed.txt";
    workshop.run(line).yes();
    let line = "key decrypt sealed.txt --passphrase-env WITH_NEWLINE";
    let mut command = workshop.command(line);
    command.env("WITH_NEWLINE", format!("{PASSPHRASE}\n"));
    let ran = Ran::of(line, &command.output().unwrap());
    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stderr.contains("it ends in a newline, and opens the key without it"), "{ran}");
}

#[test]
fn a_key_is_found_in_a_file_with_more_in_it() {
    let workshop = Workshop::with_ca();
    let (plain, certificate) = (key_pem(), workshop.text("ca/certificate.pem"));
    workshop.put("plain.txt", &plain);
    let line =
        "key encrypt plain.txt --preset acm --passphrase-file passphrase.txt --out sealed.txt";
    workshop.run(line).yes();
    let sealed = workshop.text("sealed.txt");
    let inputs = [
        ("a certificate before it", format!("{certificate}{sealed}")),
        ("a certificate after it", format!("{sealed}{certificate}")),
        ("CRLF", format!("{certificate}{sealed}").replace('\n', "\r\n")),
        ("text around it", format!("Bag Attributes\n  friendlyName: w\n{sealed}\nand so on\n")),
        ("no newline at its end", sealed.trim_end().to_owned()),
    ];
    for (what, input) in inputs {
        workshop.put("input.txt", &input);
        let ran = workshop.run("key decrypt input.txt --passphrase-file passphrase.txt").yes();
        assert_eq!(ran.stdout, plain, "{what}");
        workshop.run("key inspect input.txt").yes().says("encrypted private key");
        workshop.put("input.txt", input.replace(&sealed, &plain));
        let line = "key encrypt input.txt --preset acm --passphrase-file passphrase.txt";
        if what != "CRLF" && what != "no newline at its end" {
            workshop.run(line).yes().says("BEGIN ENCRYPTED PRIVATE KEY");
        }
    }
}

#[test]
fn what_is_not_the_one_key_or_certificate_that_is_meant_is_named() {
    let workshop = Workshop::with_ca();
    let (plain, certificate) = (key_pem(), workshop.text("ca/certificate.pem"));
    workshop.put("plain.txt", &plain);
    let encrypt = "key encrypt plain.txt --preset acm --passphrase-file passphrase.txt";
    workshop.run(&format!("{encrypt} --out sealed.txt")).yes();
    let sealed = workshop.text("sealed.txt");
    workshop.put("certificate.txt", &certificate);
    workshop.put("two.txt", format!("{sealed}{sealed}"));
    workshop.put("cut.txt", &sealed[..sealed.len() / 2]);
    workshop.put("changed.txt", sealed.replacen("\nM", "\nN", 1));
    workshop.put("letter.txt", "Dear key,\nwhere are you?\n");
    workshop.put("empty.txt", "");
    workshop.put("mixed.txt", format!("{certificate}{plain}"));
    for (file, says) in [
        ("two.txt", "there are 2 private keys in it"),
        ("certificate.txt", "no private key in it, only CERTIFICATE"),
        ("cut.txt", "cut.txt"),
        ("changed.txt", "changed.txt"),
        ("letter.txt", "letter.txt"),
        ("empty.txt", "empty.txt"),
    ] {
        workshop.refused(1, &format!("key decrypt {file} --passphrase-file passphrase.txt"), says);
        workshop.refused(1, &format!("key encrypt {file} --passphrase-file passphrase.txt"), says);
        workshop.refused(1, &format!("key inspect {file}"), says);
    }
    // What a certificate belongs to, or not.
    for (file, says) in [
        ("plain.txt", "(\"PRIVATE KEY\") where only certificates belong"),
        ("sealed.txt", "(\"ENCRYPTED PRIVATE KEY\") where only certificates belong"),
        ("mixed.txt", "(\"PRIVATE KEY\") where only certificates belong"),
        ("letter.txt", "letter.txt"),
        ("empty.txt", "empty.txt"),
        ("cut.txt", "cut.txt"),
    ] {
        workshop.refused(2, &format!("verify --anchors {file} certificate.txt"), says);
        workshop.refused(2, &format!("verify --anchors certificate.txt {file}"), says);
        workshop.refused(
            2,
            &format!("verify --anchors {file} --intermediates {file} certificate.txt"),
            says,
        );
    }
    for file in ["plain.txt", "certificate.txt", "letter.txt"] {
        workshop.refused(1, &format!("issue --ca ca --csr {file} --out n"), file);
    }
    workshop.run("inspect mixed.txt").yes().says("private key, not encrypted");
}

// --- The CA. --------------------------------------------------------------------------------------

#[test]
fn a_subordinate_of_a_ca_with_a_passphrase_issues_for_every_purpose() {
    let workshop = Workshop::with_ca();
    workshop.seal_ca();
    let line = "ca create --dir workers --subject O=Acme,CN=Workers --key p384 --parent ca --path-len 0 --days 365";
    workshop.refused(2, line, "--ca-passphrase-file");
    workshop
        .run(&format!("{line} --ca-passphrase-file passphrase.txt"))
        .yes()
        .says("O=Acme,CN=Root");
    for (out, arguments) in [
        ("client", "--dns a.example --dns b.example"),
        ("server", "--dns localhost --san IP:127.0.0.1 --purpose server --key ed25519"),
        ("both", "--san URI:spiffe://acme/worker --san email:a@example.com --purpose both"),
    ] {
        let key = if arguments.contains("--key") { "" } else { "--key p256" };
        let line =
            format!("issue --ca workers --subject O=Acme,CN=w {arguments} {key} --out {out}");
        workshop.run(&line).yes();
        assert_eq!(workshop.mode(&format!("{out}/private_key_nopass.txt")), 0o600);
        for purpose in ["client", "server"] {
            let line = format!(
                "verify --anchors ca/certificate.pem --purpose {purpose} --intermediates {out}/certificate_chain.txt {out}/certificate.txt"
            );
            let status = i32::from(out != "both" && out != purpose);
            let ran = workshop.run(&line);
            assert_eq!(ran.status, Some(status), "{ran}");
        }
    }
    let said = workshop.json("inspect server/certificate.txt");
    assert_eq!(
        said[0]["subject_alternative_names"],
        serde_json::json!(["DNS:localhost", "IP:127.0.0.1"])
    );
    assert_eq!(workshop.json("inspect both/certificate_chain.txt").as_array().unwrap().len(), 2);
    // Nothing may follow below a CA of path length 0, and nothing may end after it.
    let line = "ca create --dir below --subject CN=Below --key p256 --parent workers --days 30";
    workshop.refused(1, line, "cannot issue this");
    let line = "issue --ca workers --subject CN=w --key p256 --days 400 --out late";
    workshop.refused(1, line, "35 days after its CA");
    assert!(!workshop.path("late").exists());
}

#[test]
fn a_signing_request_is_answered_without_its_key() {
    let workshop = Workshop::with_ca();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let names: [SubjectAlternativeName; 1] = ["w.acme.internal".parse().unwrap()];
    let request =
        CertificateRequest::new(&key, "CN=from request".parse().unwrap(), &names).unwrap();
    workshop.put("w.csr", request.to_pem());
    workshop.put("w.der", request.as_der());
    workshop.run("inspect w.csr").yes().says("CN=from request");
    for (input, arguments, subject, name) in [
        ("w.csr", "", "CN=from request", "DNS:w.acme.internal"),
        ("w.der", "--subject CN=other --dns o.example", "CN=other", "DNS:o.example"),
    ] {
        let said =
            workshop.json(&format!("issue --ca ca --csr {input} {arguments} --out {input}.d"));
        assert_eq!(said["certificate"]["subject"], subject);
        assert_eq!(said["certificate"]["subject_alternative_names"][0], name);
        let pem = std::fs::read(workshop.path(&format!("{input}.d/certificate.txt"))).unwrap();
        let certificate = Certificate::from_pem_or_der(&pem).unwrap();
        assert_eq!(certificate.public_key_der(), key.public_key_der());
        let files = std::fs::read_dir(workshop.path(&format!("{input}.d"))).unwrap().count();
        assert_eq!(files, 2, "certificate and chain");
    }
    let line = "issue --ca ca --csr w.csr --idempotency-key once --overwrite --out again";
    assert_eq!(workshop.json(line), workshop.json(line));
    workshop.refused(1, &line.replace("w.csr", "w.csr --days 7"), "used for another request");
    workshop.refused(2, "issue --ca ca --csr w.csr --key p256 --out n", "--key");

    let mut changed = request.as_der().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    workshop.put("changed.der", changed);
    workshop.refused(1, "issue --ca ca --csr changed.der --out n", "changed.der");
}

#[test]
fn what_is_revoked_is_shown_and_on_the_signed_list() {
    let workshop = Workshop::with_ca();
    let (first, second) = (workshop.issue("first"), workshop.issue("second"));
    workshop.run(&format!("revoke --ca ca {first} --reason keyCompromise")).yes().says(&first);
    let shown = workshop.json("ca show --dir ca");
    for one in shown["issued"].as_array().unwrap() {
        if serial_in(&one["certificate"]) == first {
            assert_eq!(one["revoked"]["reason"], "keyCompromise");
        } else {
            assert_eq!(
                (serial_in(&one["certificate"]), &one["revoked"]),
                (second.clone(), &Value::Null)
            );
        }
    }
    workshop.run("ca show --dir ca").yes().says("keyCompromise");
    let crl = workshop.run("ca crl --dir ca").yes().stdout;
    assert_eq!(crl, workshop.text("ca/crl.pem"));
    workshop.put("crl.pem", crl);
    workshop.run("inspect crl.pem").yes().says("certificate revocation list");
    if openssl_is_here() {
        let folder = workshop.folder.path();
        let text =
            openssl_accepts(folder, "crl -in crl.pem -noout -text -CAfile ca/certificate.pem");
        assert!(text.to_lowercase().contains(&first), "{text}");
        assert!(!text.to_lowercase().contains(&second), "{text}");
    }
}

#[test]
fn a_managed_certificate_is_exported_again_by_its_serial_number() {
    let workshop = Workshop::with_ca();
    let with = "--ca ca --passphrase-env EXPORT_PASSPHRASE";
    let line = format!("export {with} --dns w.example --dns v.example --key p256 --out one");
    let exported = workshop.json(&line);
    let serial = serial_in(&exported["certificate"]);
    for (file, mode) in
        [("certificate.txt", 0o644), ("certificate_chain.txt", 0o644), ("private_key.txt", 0o600)]
    {
        assert_eq!(workshop.mode(&format!("one/{file}")), mode, "{file}");
    }
    workshop.refused(1, &format!("export {with} --certificate {serial} --out one"), "exists");
    workshop.run(&format!("export {with} --certificate {serial} --out two")).yes();
    workshop.run(&format!("export {with} --certificate {serial} --out one --overwrite")).yes();
    assert_eq!(workshop.text("one/certificate.txt"), workshop.text("two/certificate.txt"));
    let key = |folder| {
        let line =
            format!("key decrypt {folder}/private_key.txt --passphrase-env EXPORT_PASSPHRASE");
        workshop.run(&line).yes().stdout
    };
    assert_eq!(key("one"), key("two"));
    let plain = workshop.issue("plain");
    workshop.refused(
        1,
        &format!("export {with} --certificate {plain} --out n"),
        "has issued no certificate",
    );
    workshop.run(&format!("revoke --ca ca {serial}")).yes();
    workshop.refused(1, &format!("export {with} --certificate {serial} --out n"), "revoked");
    // The same again is no second certificate.
    let line =
        format!("export {with} --dns x.example --key p256 --idempotency-key k --overwrite --out x");
    assert_eq!(workshop.json(&line), workshop.json(&line));
    assert_eq!(workshop.issued().len(), 3);
}

#[test]
fn a_folder_that_is_taken_is_noticed_before_anything_is_issued() {
    let workshop = Workshop::with_ca();
    workshop.issue("taken");
    workshop.run("issue --ca ca --subject CN=w --key p256 --out taken --overwrite").yes();
    let before = workshop.issued();
    workshop.refused(1, "issue --ca ca --subject CN=w --key p256 --out taken", "exists");
    workshop.refused(
        1,
        "export --ca ca --dns w.example --key p256 --passphrase-file passphrase.txt --out taken",
        "exists",
    );
    workshop.refused(
        2,
        "issue --ca ca --subject CN=w --key p256 --out passphrase.txt",
        "passphrase.txt",
    );
    assert_eq!(workshop.issued(), before);
}

// --- Accidents. -----------------------------------------------------------------------------------

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let workshop = Workshop::with_ca();
    let serial = workshop.issue("w");
    let line = "export --ca ca --dns w.example --key p256 --passphrase-file passphrase.txt --out x";
    workshop.run(line).yes();
    workshop.put("old.txt", "the old contents");
    let before = contents(workshop.folder.path());
    let revoke = format!("revoke --ca ca {serial}");
    let lines = [
        "walkthrough --dir first",
        "ca create --dir new --subject CN=New --key p256",
        "ca create --dir deeper/new --subject CN=New --key p256",
        "ca create --dir below --subject CN=Below --key p256 --parent ca --days 30",
        "issue --ca ca --subject CN=v --key p256 --out v",
        "issue --ca ca --subject CN=v --key p256 --out w --overwrite",
        "export --ca ca --dns v.example --key p256 --passphrase-file passphrase.txt --out u",
        &revoke,
        "key decrypt x/private_key.txt --passphrase-file passphrase.txt --out plain.txt",
        "key decrypt x/private_key.txt --passphrase-file passphrase.txt --out old.txt --overwrite",
        "key encrypt w/private_key_nopass.txt --preset acm --passphrase-file passphrase.txt --out sealed.txt",
    ];
    for line in lines {
        let ran = workshop.run_on_full_disk(0, line);
        assert_eq!(ran.status, Some(2), "{ran}");
        assert!(ran.stderr.starts_with("private-ca: cannot "), "{ran}");
        assert!(ran.stderr.contains("File too large"), "{ran}");
        let ran = workshop.run_on_full_disk(0, &format!("{line} --json"));
        assert!(ran.json()["error"].is_string(), "{ran}");
        // A temporary file would be a new one.
        assert_unchanged(&before, workshop.folder.path());
        assert!(!workshop.path("new").exists() && !workshop.path("deeper/new").exists());
    }
    // Reading needs no room.
    workshop.run_on_full_disk(0, "ca show --dir ca").yes().says("issued: 2");
    // And with room again, all of it works.
    for line in lines {
        workshop.run(line).yes();
    }
}

#[test]
fn a_disk_that_fills_up_after_issuing_leaves_a_certificate_that_is_named() {
    let workshop = Workshop::with_ca();
    let line = "ca create --dir below --subject O=Acme,CN=Below --key p256 --parent ca --days 500";
    workshop.run(line).yes();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let request = CertificateRequest::new(&key, "CN=v".parse().unwrap(), &[]).unwrap();
    workshop.put("v.csr", request.to_pem());
    let export = "export --ca below --passphrase-file passphrase.txt --out x";
    // The certificate fits into 1024 bytes, the chain of two does not.
    for (line, advice) in [
        ("issue --ca below --subject CN=v --key p256 --out v", "issue --ca below --certificate"),
        ("issue --ca below --csr v.csr --out c", "issue --ca below --certificate"),
        (&format!("{export} --dns v.example --key p256"), "export --ca below --certificate"),
    ] {
        let before = workshop.json("ca show --dir below")["issued"].as_array().unwrap().len();
        let ran = workshop.run_on_full_disk(2, line);
        assert_eq!(ran.status, Some(2), "{ran}");
        let shown = workshop.json("ca show --dir below");
        let issued = issued_in(&shown);
        assert_eq!(issued.len(), before + 1, "{ran}");
        let named = issued.iter().find(|serial| ran.stderr.contains(*serial));
        let named = named.unwrap_or_else(|| panic!("{ran}"));
        assert!(ran.stderr.contains(advice), "{ran}");
        // The command that it names, as it is.
        let (_, command) = ran.stderr.split_once("with: private-ca ").unwrap();
        let command = command.lines().next().unwrap();
        assert!(command.contains(named), "{ran}");
        let passphrase =
            if line.starts_with("export") { "--passphrase-file passphrase.txt" } else { "" };
        workshop.run(&format!("{command} {passphrase}")).yes();
        assert!(!workshop.path("v/private_key_pending.txt").exists());
    }
    assert_sound(workshop.folder.path());
}

/// Every PEM file below a folder is whole. What a killed process was writing has a name of its own.
fn assert_sound(folder: &Path) {
    for (path, contents) in contents(folder) {
        let unfinished = path.components().any(|part| {
            let name = part.as_os_str().to_str().unwrap();
            name.starts_with(".private-ca-") && name.ends_with(".tmp")
        });
        if unfinished || path.ends_with("passphrase.txt") {
            continue;
        }
        let blocks = private_ca::pem::blocks(&contents)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!blocks.is_empty(), "{}", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.parent().unwrap().ends_with("issued") || name.starts_with("certificate") {
            private_ca::CertificateChain::from_pem_or_der(&contents).unwrap();
        } else if path.parent().unwrap().ends_with("managed") {
            PrivateKey::from_pem_or_der(&contents).unwrap();
        }
    }
}

#[test]
fn a_killed_process_leaves_a_folder_that_opens_and_has_lost_nothing() {
    const ROUNDS: u32 = 32;
    let workshop = Workshop::with_ca();
    let mut to_revoke: Vec<_> = (0..ROUNDS / 4).map(|n| workshop.issue(&format!("r{n}"))).collect();
    // From before the first instruction to after the last one.
    let start = Instant::now();
    workshop.issue("w");
    let whole = start.elapsed();
    let mut killed = 0;
    let (mut issued, mut revoked) = (workshop.issued(), workshop.revoked());
    for round in 0..ROUNDS {
        let out = format!("out{round}");
        let mut revoking = None;
        let line = match round % 4 {
            0 => format!("issue --ca ca --subject CN={out} --key p256 --out {out}"),
            1 => format!(
                "export --ca ca --dns w.example --key p256 --passphrase-file passphrase.txt --out {out}"
            ),
            2 => {
                let serial = revoking.insert(to_revoke.pop().unwrap());
                format!("revoke --ca ca {serial}")
            }
            _ => format!("ca create --dir {out} --subject CN={out} --key p256"),
        };
        let mut command = workshop.command(&line);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * round / ROUNDS);
        child.kill().unwrap();
        let finished = child.wait().unwrap().success();
        killed += u32::from(!finished);

        assert_sound(workshop.folder.path());
        let (issued_now, revoked_now) = (workshop.issued(), workshop.revoked());
        assert!(issued_now.is_superset(&issued), "{line}");
        assert!(revoked_now.is_superset(&revoked), "{line}");
        if let Some(serial) = revoking {
            assert!(revoked_now.contains(&serial) || !finished, "{line}");
            // It can be done now, unless it was done already.
            let again = workshop.run(&line);
            assert_eq!(again.status, Some(i32::from(revoked_now.contains(&serial))), "{again}");
        }
        if let Ok(pem) = std::fs::read(workshop.path(&out).join("certificate.txt")) {
            let certificate = Certificate::from_pem_or_der(&pem).unwrap();
            assert!(issued_now.contains(&certificate.serial_number().to_string()), "{line}");
        }
        if round % 4 == 3 {
            if workshop.path(&out).exists() {
                workshop.run(&format!("ca show --dir {out}")).yes().says("issued: 0");
            } else {
                assert!(!finished);
                workshop.run(&line).yes();
            }
        } else if round % 4 < 2 {
            // The same command can be given again.
            workshop.run(&format!("{line} --overwrite")).yes();
        }
        (issued, revoked) = (workshop.issued(), workshop.revoked());
    }
    assert!(killed > 0, "every process was done before it was killed");
    assert_eq!(revoked.len() as u32, ROUNDS / 4);
    workshop.run("ca crl --dir ca").yes().says("BEGIN X509 CRL");
}

#[test]
fn eight_processes_at_once_on_one_ca_lose_nothing() {
    let workshop = Workshop::with_ca();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let request = CertificateRequest::new(&key, "CN=once".parse().unwrap(), &[]).unwrap();
    workshop.put("once.csr", request.to_pem());
    let work = |process: usize| {
        let revoked = workshop.issue(&format!("a{process}"));
        workshop.run(&format!("revoke --ca ca {revoked}")).yes();
        let kept = workshop.issue(&format!("b{process}"));
        let with = "--key p256 --passphrase-file passphrase.txt";
        let line = format!("export --ca ca --dns w{process}.example {with} --out c{process}");
        let exported = serial_in(&workshop.json(&line)["certificate"]);
        let line = format!("issue --ca ca --csr once.csr --idempotency-key once --out d{process}");
        let once = serial_in(&workshop.json(&line)["certificate"]);
        let created = workshop.run("ca create --dir one --subject CN=One --key p256");
        (revoked, [kept, exported], once, created.status)
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..8).map(|process| scope.spawn(move || work(process))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let revoked: BTreeSet<_> = done.iter().map(|one| one.0.clone()).collect();
    let once: BTreeSet<_> = done.iter().map(|one| one.2.clone()).collect();
    let kept = done.iter().flat_map(|one| one.1.clone());
    let all: BTreeSet<_> = revoked.iter().cloned().chain(kept).chain(once.clone()).collect();
    assert_eq!((once.len(), all.len()), (1, 25));
    assert_eq!(workshop.issued(), all);
    assert_eq!(workshop.revoked(), revoked);
    assert_eq!(done.iter().filter(|one| one.3 == Some(0)).count(), 1, "one creates it");
    assert_eq!(done.iter().filter(|one| one.3 == Some(1)).count(), 7, "the others are refused");
    workshop.run("ca show --dir one").yes().says("issued: 0");
}

// --- Asked for, given out again, renewed. ---------------------------------------------------------

#[test]
fn show_and_crl_take_the_ca_by_either_name() {
    let workshop = Workshop::with_ca();
    workshop.issue("w");
    for verb in ["show", "crl"] {
        let ran = workshop.run(&format!("ca {verb} --ca ca")).yes();
        assert_eq!(ran.stdout, workshop.run(&format!("ca {verb} --dir ca")).yes().stdout);
        workshop.refused(
            2,
            &format!("ca {verb} --dir ca --ca ca"),
            "cannot be used multiple times",
        );
        workshop.refused(2, &format!("ca {verb}"), "--ca");
    }
}

#[test]
fn a_certificate_is_given_out_again_beside_its_key() {
    let workshop = Workshop::with_ca();
    workshop
        .run("ca create --dir below --subject CN=Below --key p256 --parent ca --days 500")
        .yes();
    let line = "issue --ca below --subject CN=w --key p256 --out w";
    let issued = workshop.json(line);
    let id = issued["id"].as_str().unwrap().to_owned();
    let whole = contents(&workshop.path("w"));
    let again = format!("issue --ca below --certificate {id} --out w");
    workshop.refused(1, &again, "exists");
    workshop.run(&format!("{again} --overwrite")).yes();
    assert_eq!(contents(&workshop.path("w")), whole);

    // Only the key is left, under the name that it has before its certificate is there or after.
    let plain = workshop.text("w/private_key_nopass.txt");
    for key in ["private_key_pending.txt", "private_key_nopass.txt"] {
        std::fs::remove_dir_all(workshop.path("w")).unwrap();
        std::fs::create_dir(workshop.path("w")).unwrap();
        workshop.put(&format!("w/{key}"), &plain);
        let said = workshop.json(&again);
        assert_eq!(said["certificate"], issued["certificate"]);
        assert_eq!(said["certificate_file"], "w/certificate_with_intermediates.txt");
        assert_eq!(said["private_key_file"], "w/private_key_nopass.txt");
        assert_eq!(contents(&workshop.path("w")), whole, "{key}");
    }
    // Nothing is left, and whoever asked has the key elsewhere.
    let said = workshop.json(&again.replace("--out w", "--out elsewhere"));
    assert_eq!(said["private_key_file"], Value::Null);
    assert_eq!(said["certificate"], issued["certificate"]);

    // A key of another certificate is neither joined nor written over.
    std::fs::create_dir(workshop.path("v")).unwrap();
    workshop.put("v/private_key_nopass.txt", key_pem());
    for overwrite in ["", " --overwrite"] {
        let line = again.replace("--out w", "--out v") + overwrite;
        workshop.refused(1, &line, "the key of another certificate");
    }
    workshop.put("v/private_key_nopass.txt", "garbage");
    workshop.refused(2, &again.replace("--out w", "--out v"), "v/private_key_nopass.txt");

    workshop.refused(
        1,
        "issue --ca below --certificate 1f02aa --out n",
        "has issued no certificate",
    );
    workshop.refused(2, "issue --ca below --certificate seven --out n", "not a serial number");
    for other in ["--subject CN=w", "--dns w.example", "--csr w.csr", "--days 3", "--key p256"] {
        let line = format!("issue --ca below --certificate {id} --out n {other}");
        workshop.refused(2, &line, "cannot be used with");
    }
}

#[test]
fn a_key_that_waits_for_its_certificate_is_written_over_only_when_asked() {
    let workshop = Workshop::with_ca();
    std::fs::create_dir(workshop.path("w")).unwrap();
    workshop.put("w/private_key_pending.txt", key_pem());
    let line = "issue --ca ca --subject CN=w --key p256 --out w";
    workshop.refused(1, line, "did not arrive");
    workshop.run(&format!("{line} --overwrite")).yes();
    assert!(!workshop.path("w/private_key_pending.txt").exists());
    // A CA that refuses leaves the identity of before as it was.
    workshop.refused(1, &format!("{line} --overwrite --days 2000"), "after its CA");
    let verify = "verify --anchors ca/certificate.pem w/certificate.txt";
    workshop.run(verify).yes();
}

#[test]
fn a_managed_certificate_is_requested_described_renewed_and_exported_anew() {
    let workshop = Workshop::with_ca();
    let id = workshop.json("request --ca ca --dns w.example --dns v.example --key p256")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let with = "--ca ca --passphrase-file passphrase.txt";
    let export = format!("export {with} --certificate {id} --out w");
    let exported = workshop.json(&export);
    assert_eq!((exported["id"].as_str(), &exported["replaced"]), (Some(&*id), &Value::Null));

    let status = format!("status {id} --ca ca");
    let said = workshop.json(&status);
    assert_eq!((&said["status"], &said["domain_name"]), (&"ISSUED".into(), &"w.example".into()));
    assert_eq!(serial_in(&said), id);
    let copy = format!("{status} --exported w/certificate.txt");
    workshop.run(&copy).yes().says("w/certificate.txt is current");
    assert_eq!(workshop.json(&copy)["exported_is_outdated"], false);

    let renewed = serial_in(&workshop.json(&format!("renew {id} --ca ca")));
    assert_ne!(renewed, id);
    let ran = workshop.run(&copy);
    assert_eq!(ran.status, Some(1), "{ran}");
    ran.says("w/certificate.txt is older");
    ran.says(&format!("private-ca export --ca ca --certificate {id}"));
    let ran = workshop.run(&format!("{copy} --json"));
    assert_eq!((ran.status, &ran.json()["exported_is_outdated"]), (Some(1), &true.into()));

    let ran = workshop.run(&format!("{export} --overwrite")).yes();
    ran.says(&format!("{renewed} replaces {id}"));
    workshop.run(&copy).yes();
    assert_eq!(workshop.json(&format!("{export} --overwrite"))["replaced"], Value::Null);
    let ran = workshop.run(&format!("renew {id} --ca ca")).yes();
    ran.says(&format!("private-ca export --ca ca --certificate {id}"));

    // The same request with its idempotency key is no second certificate.
    let line = "request --ca ca --dns x.example --key p256 --idempotency-key once";
    assert_eq!(workshop.json(line), workshop.json(line));
    workshop.refused(1, &line.replace("x.example", "y.example"), "used for another request");

    workshop.issue("other");
    for (status, line, says) in [
        (1, "status 1f02aa --ca ca".to_owned(), "has issued no certificate"),
        (1, "renew 1f02aa --ca ca".to_owned(), "has issued no certificate"),
        (2, format!("status {id}"), "name the CA's folder with --ca"),
        (2, format!("renew {id}"), "name the CA's folder with --ca"),
        (2, format!("export --certificate {id} --passphrase-file passphrase.txt --out n"), "--ca"),
        (2, "status seven --ca ca".to_owned(), "not a serial number"),
        (2, format!("status {id} --ca none"), "none holds no CA"),
        (2, "request --ca none --dns w.example".to_owned(), "none holds no CA"),
        (2, "request --ca ca".to_owned(), "--dns"),
        (2, "request --dns w.example".to_owned(), "--ca"),
        (1, "request --ca ca --dns \"a b\"".to_owned(), "a b"),
        (1, "request --ca ca --dns w.example --key p521".to_owned(), "does not take"),
        (2, format!("status {id} --ca ca --exported none.txt"), "cannot read none.txt"),
        (2, format!("status {id} --ca ca --exported passphrase.txt"), "passphrase.txt"),
        (1, format!("status {id} --ca ca --exported other/certificate.txt"), "is no copy of"),
    ] {
        workshop.refused(status, &line, says);
    }
    workshop.run(&format!("revoke --ca ca {}", serial_in(&workshop.json(&status)))).yes();
    assert_eq!(workshop.json(&status)["status"], "REVOKED");
    workshop.refused(1, &format!("renew {id} --ca ca"), "revoked");
}

// --- AWS, as far as it can be asked without being reached. ----------------------------------------

#[cfg(not(feature = "aws"))]
#[test]
fn without_aws_an_arn_says_how_to_build_with_it() {
    let workshop = Workshop::new();
    let ca = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02";
    for line in [
        format!("ca show --ca {ca}"),
        format!("issue --ca {ca} --subject CN=w --out n"),
        format!("ca create --dir n --subject CN=w --parent {ca}"),
        "ca create --backend aws --subject CN=w".to_owned(),
        "status arn:aws:acm:eu-central-1:123456789012:certificate/77".to_owned(),
    ] {
        workshop.refused(2, &line, "--features cli,aws");
    }
}

#[cfg(feature = "aws")]
mod aws {
    use super::*;

    const CA: &str = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02";
    const CERTIFICATE: &str = "arn:aws:acm:eu-central-1:123456789012:certificate/77";

    /// Every command that asks AWS.
    fn calls() -> Vec<String> {
        vec![
            format!("ca show --ca {CA}"),
            "ca list --region eu-central-1".to_owned(),
            "ca create --backend aws --region eu-central-1 --subject CN=R".to_owned(),
            format!(
                "ca create --dir n --key p256 --subject CN=w --path-len 0 --days 9 --parent {CA}"
            ),
            format!("ca install --ca {CA}"),
            format!("ca grant-acm --ca {CA}"),
            format!("ca enable --ca {CA}"),
            format!("ca disable --ca {CA}"),
            format!("ca restore --ca {CA}"),
            format!("ca delete --ca {CA} --yes"),
            format!("ca audit-report --ca {CA} --bucket b"),
            format!("ca policy --ca {CA}"),
            format!("ca policy --ca {CA} --put passphrase.txt"),
            format!("issue --ca {CA} --subject CN=w --key p256 --out n"),
            format!("issue --ca {CA} --certificate {CA}/certificate/1 --out n"),
            format!("export --ca {CA} --dns w.example --passphrase-file passphrase.txt --out n"),
            format!("export --certificate {CERTIFICATE} --passphrase-file passphrase.txt --out n"),
            format!("request --ca {CA} --dns w.example"),
            "request --public --dns w.example --region eu-central-1".to_owned(),
            format!("status {CERTIFICATE}"),
            format!("renew {CERTIFICATE}"),
            format!("revoke --ca {CA} 1f02aa"),
        ]
    }

    #[test]
    fn without_credentials_nothing_is_asked_and_nothing_is_left_behind() {
        let workshop = Workshop::with_ca();
        for line in calls() {
            workshop.refused(
                2,
                &format!("{line} --endpoint-url http://127.0.0.1:9"),
                "there are no credentials",
            );
            assert!(!workshop.path("n").exists(), "{line}");
        }
    }

    #[test]
    fn an_endpoint_that_does_not_answer_is_a_question_that_could_not_be_asked() {
        let workshop = Workshop::with_ca();
        // Retries take their time, so all of them at once.
        std::thread::scope(|scope| {
            for line in calls() {
                let mut command =
                    workshop.command(&format!("{line} --endpoint-url http://127.0.0.1:9"));
                command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "x");
                scope.spawn(move || {
                    let ran = Ran::of(&line, &command.output().unwrap());
                    assert_eq!(ran.status, Some(2), "{ran}");
                    assert!(ran.stderr.contains("got no answer from AWS"), "{ran}");
                    assert!(!ran.stderr.contains("waiting"), "stderr is no terminal: {ran}");
                });
            }
        });
        assert!(!workshop.path("n").exists());
    }

    #[test]
    fn the_region_is_the_arn_s_own_and_another_is_a_mistake() {
        let workshop = Workshop::new();
        for line in [
            format!("ca show --ca {CA} --region us-east-1"),
            format!("issue --ca {CA} --subject CN=w --key p256 --out n --region us-east-1"),
            format!(
                "export --ca {CA} --dns w.example --passphrase-file passphrase.txt --out n --region us-east-1"
            ),
        ] {
            workshop.refused(2, &line, "use its own, eu-central-1");
        }
        workshop.refused(2, "ca list", "no AWS region is configured");
        workshop.refused(2, "request --public --dns w.example", "no AWS region is configured");
        workshop.refused(
            2,
            "ca create --backend aws --subject CN=R",
            "no AWS region is configured",
        );
        let mut command = workshop.command(&format!("ca show --ca {CA}"));
        let ran = Ran::of("", &command.env("AWS_REGION", "us-east-1").output().unwrap());
        assert!(ran.stderr.contains("there are no credentials"), "the region is the ARN's: {ran}");
    }

    #[test]
    fn what_is_not_an_arn_of_what_is_needed_is_named() {
        let workshop = Workshop::with_ca();
        for (line, says) in [
            (format!("ca show --ca {CERTIFICATE}"), "is not the ARN of a private CA"),
            (
                format!("issue --ca {CA}/certificate/1 --subject CN=w --out n"),
                "is not the ARN of a private CA",
            ),
            ("ca show --ca arn:aws".to_owned(), "six parts"),
            ("ca enable --ca ca".to_owned(), "does not start with arn:"),
            (
                "ca delete --ca arn:aws:acm-pca:eu-central-1:1:certificate-authority/1 --yes"
                    .to_owned(),
                "twelve digits",
            ),
            (format!("status {CA}"), "is not the ARN of a certificate in ACM"),
            (format!("renew {CA}"), "is not the ARN of a certificate in ACM"),
            ("status arn:x".to_owned(), "six parts"),
            (
                format!("issue --ca {CA} --subject CN=w --key p256 --out n --template \"a b\""),
                "certificate template",
            ),
            (format!("ca show --ca {CA} --region \"eu central\""), "eu-central-1"),
            (format!("ca show --ca {CA} --endpoint-url localhost"), "https://HOST"),
            (format!("ca show --ca {CA} --deadline 0"), "--deadline"),
            (format!("ca show --ca {CA} --deadline 99999999999999999999"), "--deadline"),
        ] {
            workshop.refused(2, &line, says);
        }
        // A CA that is a folder knows no certificate by an ARN.
        workshop.refused(1, &format!("status {CERTIFICATE} --ca ca"), "has issued no certificate");
    }

    #[test]
    fn options_of_the_other_backend_are_refused() {
        let workshop = Workshop::with_ca();
        let local = "ca create --dir n --key p256 --subject CN=N";
        for option in [
            "--key-storage ccpc-level-1",
            "--usage-mode short-lived",
            "--tag a=b",
            "--crl-bucket b",
            "--ocsp",
            "--idempotency-key k",
            "--region eu-central-1",
            "--profile p",
            "--endpoint-url http://127.0.0.1:9",
            "--deadline 5",
        ] {
            let name = option.split(' ').next().unwrap();
            workshop.refused(
                2,
                &format!("{local} {option}"),
                &format!("{name} means nothing here"),
            );
        }
        workshop.refused(
            2,
            &format!("{local} --parent ca --region eu-central-1"),
            "--region means nothing here",
        );
        let aws = "ca create --backend aws --region eu-central-1 --subject CN=N";
        for (option, says) in [
            ("--dir n", "--dir means nothing here"),
            ("--encrypt", "--encrypt means nothing here"),
            ("--passphrase-file passphrase.txt", "a passphrase of the CA's key means nothing here"),
            (
                "--ca-passphrase-file passphrase.txt",
                "a passphrase of the CA's key means nothing here",
            ),
            ("--path-len 0", "no path length into a root"),
            ("--path-len 4 --parent ca", "0 to 3"),
            ("--tag novalue", "KEY=VALUE"),
            ("--crl-days 7", "--crl-bucket"),
            ("--ocsp-cname a.example", "--ocsp"),
            ("--key-storage fips-140-1", "fips-140-1"),
        ] {
            workshop.refused(2, &format!("{aws} {option}"), says);
        }
        for line in [
            "issue --ca ca --subject CN=w --key p256 --out n --template EndEntityCertificate"
                .to_owned(),
            "issue --ca ca --subject CN=w --key p256 --out n --profile p".to_owned(),
            "request --ca ca --dns w.example --region eu-central-1".to_owned(),
            "revoke --ca ca 1f02aa --deadline 4".to_owned(),
            format!("issue --ca {CA} --ca-passphrase-file passphrase.txt --subject CN=w --out n"),
            format!("ca show --ca {CA} --passphrase-env EXPORT_PASSPHRASE"),
            format!("status {CERTIFICATE} --ca-passphrase-env EXPORT_PASSPHRASE"),
        ] {
            workshop.refused(2, &line, "means nothing here");
        }
        for (line, says) in [
            ("request --ca ca --public --dns w.example", "cannot be used with '--public'"),
            ("request --ca ca --exportable --dns w.example", "'--exportable'"),
        ] {
            workshop.refused(2, line, says);
        }
        workshop.refused(1, &format!("ca crl --ca {CA}"), "S3 bucket");
    }

    #[test]
    fn a_ca_is_deleted_only_by_somebody_who_says_so() {
        let workshop = Workshop::new();
        workshop.refused(2, &format!("ca delete --ca {CA}"), "--yes");
        for days in ["6", "31", "x"] {
            let line = format!("ca delete --ca {CA} --yes --restore-days {days}");
            workshop.refused(2, &line, "--restore-days");
        }
        workshop.refused(
            2,
            &format!("ca policy --ca {CA} --put none.json"),
            "cannot read none.json",
        );
        let line = format!("ca policy --ca {CA} --put p.json --delete");
        workshop.refused(2, &line, "cannot be used with");
        workshop.refused(2, &format!("ca audit-report --ca {CA}"), "--bucket");
        workshop.refused(2, &format!("ca install --ca {CA} --path-len 1"), "--parent");
    }
}
