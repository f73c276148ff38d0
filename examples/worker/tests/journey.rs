//! The documents, played: the five commands of README, and the pages of the manual that show what
//! the commands print.
//!
//! Both AWS and the Cloud Ops API are stand-ins; the frontend is nginx before a real Temporal server.
//! Needs `temporal` and `nginx` on `PATH`, and `private-ca` with all features beside the tests. Where
//! one is missing the tests fail under `CI` and are skipped elsewhere.
//!
//! `MANUAL=write` writes what the commands print into the pages, instead of holding it against them.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says so when it is skipped"
)]

#[path = "support/console.rs"]
mod console;
#[path = "support/servers.rs"]
mod servers;

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use console::{Console, Page};
use private_ca::{
    CertificateAuthority, CertificatePurpose, CertificateRequest, IssueRequest, KeyAlgorithm,
    LocalCa, LocalCaOptions, RequestedValidity, SubjectAlternativeName,
};
use private_ca_cloud_ops_stand_in::{
    StandIn as CloudOps,
    protos::temporal::api::cloud::namespace::v1::{ApiKeyAuthSpec, MtlsAuthSpec, NamespaceSpec},
};
use servers::{AwsStandIn, Servers};
use tempfile::TempDir;

const NAMESPACE: &str = "hello.a1b2c";
const API_KEY: &str = "stand-in";
/// What the pages show.
const PAGES_FRONTEND: &str = "127.0.0.1:7233";
const PAGES_FOLDER: &str = "/home/you/acme";
const PAGES_SERVER_NAME: &str = "frontend.acme.internal";

/// In the order of the journey: each takes up what those before it have left.
const PAGES: [&str; 7] =
    ["authority", "certificate", "key", "chain", "namespace", "worker", "doctor"];

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_shows_what_the_commands_print() {
    let Some(desk) = Desk::new().await else {
        return;
    };
    let mut console = desk.console();
    console.shown_as.push((desk.path("").display().to_string(), PAGES_FOLDER.to_owned()));
    let mut servers = None;
    for name in PAGES {
        // The namespace's bundle is the CA of the first page.
        if name == "worker" {
            fs::copy(desk.path("ca/certificate.pem"), desk.path("client_ca.pem")).expect("a CA");
            let Some(started) = desk.frontend(PAGES_SERVER_NAME).await else {
                return;
            };
            console.shown_as.push((started.address.to_string(), PAGES_FRONTEND.to_owned()));
            servers = Some(started);
        }
        let path = root().join("src/manual/journey").join(name).with_extension("md");
        console = tokio::task::spawn_blocking(move || {
            Page::read(&path).play(&mut console);
            console
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    }
    drop(servers);
}

/// The commands are those of README, but for where the namespace's endpoint and the two services are.
#[tokio::test(flavor = "multi_thread")]
async fn the_five_commands_of_the_readme_lead_from_nothing_to_a_running_worker() {
    let Some(desk) = Desk::new().await else {
        return;
    };
    let readme = fs::read_to_string(root().join("README.md")).expect("README");
    let commands = five_commands(&readme);
    assert_eq!(commands.len(), 5, "{commands:?}");
    let mut console = desk.console();
    let mut servers: Option<Servers> = None;
    let mut last = String::new();
    for command in commands {
        let mut command = command
            .replace("cargo run -p private-ca-worker -- ", "private-ca-worker ")
            // The ARN is what the first command has printed.
            .replace("ARN", last_arn(&last).as_deref().unwrap_or("ARN"));
        if command.contains("worker config") {
            // The upload decides whom nginx lets in.
            let bundle = desk.cloud_ops.namespace(NAMESPACE).expect("the namespace");
            let mtls = bundle.mtls_auth.expect("its mTLS");
            assert!(mtls.enabled, "the worker could not use its certificate");
            fs::write(desk.path("client_ca.pem"), mtls.accepted_client_ca).expect("a file");
            let Some(started) = desk.frontend("hello.a1b2c.tmprl.cloud").await else {
                return;
            };
            let here = format!(
                " --address {} --server-name hello.a1b2c.tmprl.cloud --server-ca server-ca.pem",
                started.address
            );
            command.push_str(&here);
            servers = Some(started);
        }
        (console, last) = tokio::task::spawn_blocking(move || {
            let (status, output) = console.run(&command);
            assert_eq!(status, Some(0), "$ {command}\n{output}");
            if !command.contains("ca create") {
                return (console, output);
            }
            let arn = last_arn(&output).expect("an ARN");
            (console, arn)
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(last.contains("Hello, Temporal!"), "{last}");
    drop(servers);
}

/// The commands of the block under the heading that promises five.
fn five_commands(readme: &str) -> Vec<String> {
    let (_, rest) =
        readme.split_once("\n## From nothing to a worker on Temporal Cloud\n").expect("it");
    let (_, rest) = rest.split_once("```sh\n").expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    console::commands(block)
}

fn last_arn(output: &str) -> Option<String> {
    let (_, arn) = output.rsplit_once("arn:aws:acm-pca:")?;
    let arn = arn.split_whitespace().next()?;
    Some(format!("arn:aws:acm-pca:{arn}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An empty folder, the programs on its path, and the services that they talk to.
struct Desk {
    cloud_ops: CloudOps,
    aws: AwsStandIn,
    folder: TempDir,
    programs: TempDir,
}

impl Desk {
    async fn new() -> Option<Self> {
        let own = env::current_exe().expect("a path");
        let built = own.parent().and_then(Path::parent).expect("a target folder");
        let private_ca =
            env::var_os("PRIVATE_CA").map_or_else(|| built.join("private-ca"), PathBuf::from);
        if !private_ca.is_file() {
            return servers::skipped(
                "the command is not built: cargo build --all-features --bin private-ca",
            );
        }
        let aws = AwsStandIn::start().await?;
        let cloud_ops = CloudOps::start(API_KEY).await.expect("a stand-in");
        let spec = NamespaceSpec {
            name: "hello".to_owned(),
            mtls_auth: Some(MtlsAuthSpec::default()),
            api_key_auth: Some(ApiKeyAuthSpec { enabled: true }),
            ..NamespaceSpec::default()
        };
        cloud_ops.add_namespace(NAMESPACE, &spec);

        let programs = tempfile::tempdir().expect("a folder");
        let script = programs.path().join("private-ca");
        let text = format!(
            "#!/bin/sh\n\
             # Where the Cloud Ops API is, which the documents do not say.\n\
             case \"$1 $2\" in 'temporal namespace') set -- \"$@\" --plaintext --address {} ;; esac\n\
             exec '{}' \"$@\"\n",
            cloud_ops.address(),
            private_ca.display()
        );
        fs::write(&script, text).expect("a file");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("its mode");
        let worker = env!("CARGO_BIN_EXE_private-ca-worker");
        symlink(worker, programs.path().join("private-ca-worker")).expect("a link");
        Some(Self { cloud_ops, aws, folder: tempfile::tempdir().expect("a folder"), programs })
    }

    fn path(&self, name: &str) -> PathBuf {
        // Without a separator at the end.
        if name.is_empty() { self.folder.path().to_owned() } else { self.folder.path().join(name) }
    }

    fn console(&self) -> Console {
        let path = env::var("PATH").expect("a path");
        let set = [
            ("PATH", format!("{}:{path}", self.programs.path().display())),
            ("HOME", self.path("").display().to_string()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("AWS_ACCESS_KEY_ID", "stand-in".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "stand-in".to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ENDPOINT_URL", self.aws.endpoint_url.clone()),
            ("TEMPORAL_CLOUD_API_KEY", API_KEY.to_owned()),
        ];
        let environment = set.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Console::new(self.path(""), environment)
    }

    /// nginx with a certificate for this name, of a CA of its own.
    async fn frontend(&self, name: &str) -> Option<Servers> {
        let subject = "CN=Frontend Root".parse().expect("a name");
        let ca = LocalCa::in_memory_root(LocalCaOptions::new(subject)).expect("a CA");
        let key = LocalCa::generate_key(KeyAlgorithm::EcdsaP256).expect("a key");
        let names = [SubjectAlternativeName::dns(name).expect("a DNS name")];
        let subject = "CN=frontend".parse().expect("a name");
        let request = CertificateRequest::new(&key, subject, &names).expect("a request");
        let validity = RequestedValidity::days(30);
        let request = IssueRequest::new(request, CertificatePurpose::Server, validity);
        let issued = ca.issue(request).await.expect("a certificate");
        fs::write(self.path("server.pem"), issued.certificate.to_pem()).expect("a file");
        fs::write(self.path("server.key"), key.to_pkcs8_pem().as_bytes()).expect("a file");
        fs::write(self.path("server-ca.pem"), ca.chain().to_pem()).expect("a file");
        Servers::start(self.folder.path(), name, NAMESPACE).await
    }
}
