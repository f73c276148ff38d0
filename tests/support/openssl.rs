//! The `openssl` command, which nobody here wrote, in a folder of its own.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use private_ca::Passphrase;

/// How long a peer may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The first line of `passphrase.txt` in every bench.
pub const PASSPHRASE: &[u8] = b"correct horse";

pub fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE)
}

/// A folder that `openssl` works in.
pub struct Bench {
    folder: tempfile::TempDir,
    runs: AtomicU32,
}

impl Bench {
    /// `None` where there is no OpenSSL 3, which is an error on a build server.
    pub fn new() -> Option<Self> {
        let version = Command::new("openssl").arg("version").output();
        let version = version.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        );
        let major = version.strip_prefix("OpenSSL ").and_then(|rest| rest.split('.').next());
        if major.and_then(|major| major.parse().ok()).is_none_or(|major: u32| major < 3) {
            assert!(
                std::env::var_os("CI").is_none_or(|value| value.is_empty()),
                "no OpenSSL 3.0 or later: {version}"
            );
            println!("skipped: no OpenSSL 3.0 or later: {version}");
            return None;
        }
        let bench = Self { folder: tempfile::tempdir().unwrap(), runs: AtomicU32::new(0) };
        bench.write("passphrase.txt", [PASSPHRASE, b"\n"].concat());
        Some(bench)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn start(&self, arguments: &str) -> Running {
        let log = self.path(&format!("log-{}.txt", self.runs.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&log).unwrap();
        let child = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Running { child, log, arguments: arguments.to_owned() }
    }

    /// What `openssl` says when it succeeds.
    pub fn openssl(&self, arguments: &str) -> String {
        let (success, text) = self.start(arguments).end();
        assert!(success, "openssl {arguments}\n{text}");
        text
    }

    /// What `openssl` says when it fails.
    pub fn refuses(&self, arguments: &str) -> String {
        let (success, text) = self.start(arguments).end();
        assert!(!success, "openssl {arguments}\n{text}");
        text
    }

    /// The public key of a key file, by `openssl`; options that it takes to read the file may follow the name.
    pub fn public_key(&self, key: &str) -> Vec<u8> {
        self.openssl(&format!("pkey -in {key} -pubout -outform DER -out public.der"));
        self.read("public.der")
    }
}

/// A running `openssl`, ended when it is dropped.
pub struct Running {
    child: Child,
    log: PathBuf,
    arguments: String,
}

impl Running {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Whether it succeeded, and what it said.
    pub fn end(mut self) -> (bool, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.success(), self.text());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "still running: openssl {}\n{}",
                self.arguments,
                self.text()
            );
            // Most are done in five times that.
            sleep(Duration::from_millis(2));
        }
    }

    /// Waits until it says so: an alert is on its way before the log is written.
    pub fn says(&self, part: &str) {
        let start = Instant::now();
        while !self.text().contains(part) {
            assert!(start.elapsed() < PATIENCE, "no {part:?}: {}", self.text());
            sleep(Duration::from_millis(5));
        }
    }

    /// The port that an `s_server` listens on, once it does.
    pub fn port(&mut self) -> u16 {
        let start = Instant::now();
        loop {
            let text = self.text();
            let line = text.lines().find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:"));
            // A line that is not finished yet could be a part of the port.
            if let Some(port) = line.filter(|_| text.ends_with('\n')) {
                return port.trim().parse().unwrap();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < PATIENCE,
                "not listening: openssl {}\n{text}",
                self.arguments
            );
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
