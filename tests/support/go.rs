//! Go's crypto/x509 and crypto/tls, which nobody here wrote: the one judges chains as a TLS server in Go
//! judges its clients', and the other is such a server.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use private_ca::verify::Purpose;
use private_ca::{Certificate, SubjectAlternativeName, Timestamp};

use crate::judges::{Case, DerCase};

/// A program of `tests/go`, which answers lines with lines; ended when this is dropped.
struct Program {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    /// `None` where there is no Go 1.27, which is an error on a build server.
    fn start(package: &'static str) -> Option<Self> {
        // The first Go that knows ML-DSA.
        if let Err(reason) = at_least(1, 27) {
            assert!(std::env::var_os("CI").is_none(), "Go 1.27 or later is needed: {reason}");
            println!("skipped: no Go 1.27 or later: {reason}");
            return None;
        }
        static PROGRAMS: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
        let program = {
            let mut programs = PROGRAMS.lock().unwrap();
            programs.entry(package).or_insert_with(|| build(package)).clone()
        };
        let mut child =
            undisturbed(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, questions, answers })
    }

    fn ask(&mut self, question: &serde_json::Value) {
        self.questions.write_all(format!("{question}\n").as_bytes()).unwrap();
    }

    fn answer(&mut self) -> String {
        // Reasons quote certificates, which may hold anything.
        let mut answer = Vec::new();
        self.answers.read_until(b'\n', &mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        answer.strip_suffix('\n').unwrap_or_else(|| panic!("cut off: {answer:?}")).to_owned()
    }

    fn verdict(&mut self) -> Result<(), String> {
        let answer = self.answer();
        if answer == "ok" {
            return Ok(());
        }
        let reason = answer.strip_prefix("refused: ");
        Err(reason.unwrap_or_else(|| panic!("no verdict: {answer:?}")).to_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// crypto/x509: it is given a chain and says what crypto/tls would say of it.
pub struct Go(Program);

impl Go {
    /// `None` where there is no Go 1.27, which is an error on a build server.
    pub fn start() -> Option<Self> {
        Program::start(".").map(Self)
    }

    /// Whether Go accepts it, or its reason.
    pub fn judge(&mut self, case: &Case<'_>) -> Result<(), String> {
        self.judge_on(&case.into())
    }

    pub fn judge_on(&mut self, case: &DerCase<'_>) -> Result<(), String> {
        let base64 = |der: &&[u8]| Base64::encode_string(der);
        let question = serde_json::json!({
            "anchors": case.anchors.iter().map(base64).collect::<Vec<_>>(),
            "intermediates": case.intermediates.iter().map(base64).collect::<Vec<_>>(),
            "leaf": base64(&case.leaf),
            "purpose": match case.purpose {
                Purpose::Client => "client",
                Purpose::Server => "server",
                _ => "any",
            },
            "at": case.at.unix_seconds(),
            // Go compares certificates with no names of other kinds.
            "name": match case.name {
                Some(SubjectAlternativeName::Dns(name)) => Some(name.clone()),
                Some(SubjectAlternativeName::Ip(address)) => Some(address.to_string()),
                _ => None,
            },
        });
        self.0.ask(&question);
        self.0.verdict()
    }
}

/// crypto/tls: a server that asks every client for a certificate.
pub struct GoFrontend(Program);

impl GoFrontend {
    /// `None` where there is no Go 1.27, which is an error on a build server.
    pub fn start() -> Option<Self> {
        Program::start("./frontend").map(Self)
    }

    /// Waits for one client, which `connect` is to be at the given address, and says whether it was let
    /// in, or why not. `server` is a certificate and a key in PEM, `version` 12 or 13.
    pub fn judge(
        &mut self,
        anchors: &[Certificate],
        server: (&str, &str),
        at: Timestamp,
        version: u8,
        connect: impl FnOnce(SocketAddr),
    ) -> Result<(), String> {
        self.0.ask(&question(anchors, server, at, version, false));
        connect(self.0.answer().parse().unwrap());
        self.0.verdict()
    }

    /// Serves any number of clients at the given address, today.
    pub fn serve(
        &mut self,
        anchors: &[Certificate],
        server: (&str, &str),
        version: u8,
        connect: impl FnOnce(SocketAddr),
    ) {
        self.0.ask(&question(anchors, server, Timestamp::now(), version, true));
        connect(self.0.answer().parse().unwrap());
        self.0.ask(&serde_json::json!({}));
        self.0.verdict().unwrap();
    }
}

/// crypto/tls: it reads a certificate and its key from PEM, as the Go SDK does.
pub struct GoKeyPair(Program);

impl GoKeyPair {
    /// `None` where there is no Go 1.27, which is an error on a build server.
    pub fn start() -> Option<Self> {
        Program::start("./keypair").map(Self)
    }

    /// Whether Go takes them, or its reason.
    pub fn judge(&mut self, certificate: &str, key: &str) -> Result<(), String> {
        self.0.ask(&serde_json::json!({ "certificate": certificate, "key": key }));
        self.0.verdict()
    }
}

fn question(
    anchors: &[Certificate],
    server: (&str, &str),
    at: Timestamp,
    version: u8,
    many: bool,
) -> serde_json::Value {
    let base64 = |anchor: &Certificate| Base64::encode_string(anchor.as_der());
    serde_json::json!({
        "anchors": anchors.iter().map(base64).collect::<Vec<_>>(),
        "certificate": server.0,
        "key": server.1,
        "at": at.unix_seconds(),
        "version": version,
        "many": many,
    })
}

/// A command that what is set for Go's developers does not change: with `GODEBUG`, for one, crypto/x509
/// accepts more.
fn undisturbed(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GO") {
            command.env_remove(name);
        }
    }
    command
}

/// `go`, which fetches nothing, and writes nothing outside the target folder.
fn go(folder: &Path) -> Command {
    let mut command = undisturbed("go");
    command
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GOENV", "off")
        // Off, it passes over `go.mod` and with it to the habits of Go 1.20.
        .env("GO111MODULE", "on")
        .env("GOWORK", "off")
        .env("GOPATH", folder.join("path"))
        .env("GOCACHE", folder.join("cache"))
        .env("GOTMPDIR", folder)
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("CGO_ENABLED", "0");
    command
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whether `go` is of this version or later, or what it is instead.
fn at_least(major: u32, minor: u32) -> Result<(), String> {
    let output = go(&folder())
        .args(["env", "GOVERSION"])
        .output()
        .map_err(|error| format!("the go command does not start: {error}"))?;
    let version = String::from_utf8_lossy(&output.stdout);
    // `go1.27.3`, `go1.27rc1`, or `devel go1.28-` and more.
    let mut numbers = version
        .split_once("go")
        .map_or("", |(_, rest)| rest)
        .split(|character: char| !character.is_ascii_digit())
        .map_while(|number| number.parse().ok());
    if (numbers.next(), numbers.next()) < (Some(major), Some(minor)) {
        return Err(format!("{version}{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(())
}

/// Every test is a process of its own, and many build at once.
fn build(package: &str) -> PathBuf {
    let folder = folder();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let name = Path::new(package).file_name().unwrap_or(OsStr::new("verify"));
    let program = folder.join(name);
    let output = go(&folder)
        // What the sources' repository says of them is of no use, and asks for git.
        .args(["build", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(package)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "go build: {text}");
    program
}
