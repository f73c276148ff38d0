//! `private-ca temporal namespace` against the stand-in. The command is built by its own package.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "cli/terminal.rs"]
mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use private_ca::file::Existing;
use private_ca::temporal::bundle::Fingerprint;
use private_ca::temporal::rotation::Rotation;
use private_ca::{
    Certificate, CertificateAuthority as _, CertificateChain, CertificatePurpose,
    CertificateRequest, IssueRequest, KeyAlgorithm, LocalCa, PrivateKey, RequestedValidity,
    Timestamp,
};
use private_ca_cloud_ops_stand_in::protos::temporal::api::cloud::namespace::v1::{
    ApiKeyAuthSpec, MtlsAuthSpec, NamespaceSpec,
};
use private_ca_cloud_ops_stand_in::{Ending, Faults, StandIn};

const KEY: &str = "tmprl_secret_4f1c09ab";
const NAME: &str = "hello.a1b2c";

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // Cargo within a test run takes minutes to find out that there is nothing to do.
        if let Some(built) = std::env::var_os("PRIVATE_CA") {
            return built.into();
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let built = Command::new(env!("CARGO"))
            .current_dir(root)
            .args(["build", "--package", "private-ca", "--bin", "private-ca"])
            // As everything else is built for the tests.
            .arg("--all-features")
            .args(["--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(built.status.success());
        let messages = String::from_utf8(built.stdout).unwrap();
        let executable = messages.lines().find_map(|line| {
            let (_, rest) = line.split_once(r#""executable":""#)?;
            Some(rest.split_once('"')?.0.to_owned())
        });
        executable.unwrap().into()
    })
}

struct Setting {
    stand_in: StandIn,
    folder: tempfile::TempDir,
}

impl Setting {
    async fn new() -> Self {
        let stand_in = StandIn::start(KEY).await.unwrap();
        stand_in.add_namespace(
            NAME,
            &NamespaceSpec {
                name: "hello".to_owned(),
                mtls_auth: Some(MtlsAuthSpec::default()),
                api_key_auth: Some(ApiKeyAuthSpec { enabled: true }),
                ..NamespaceSpec::default()
            },
        );
        Self { stand_in, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, contents: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn ca(&self, name: &str) -> (Certificate, String) {
        let ca = LocalCa::in_memory().unwrap().chain().certificates()[0].clone();
        let path = self.file(name, &ca.to_pem());
        (ca, path)
    }

    async fn run_with(&self, key: Option<&str>, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        command.args(["temporal", "namespace"]).args(arguments);
        command.args(["--plaintext", "--address", &self.stand_in.address().to_string()]);
        command.stdin(Stdio::null()).env_remove("TEMPORAL_CLOUD_API_KEY");
        if let Some(key) = key {
            command.env("TEMPORAL_CLOUD_API_KEY", key);
        }
        // The stand-in answers on this runtime.
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        for text in [&output.stdout, &output.stderr] {
            assert!(!String::from_utf8_lossy(text).contains(KEY));
        }
        output
    }

    async fn run(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run_with(Some(KEY), arguments).await;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        text
    }

    fn updates(&self) -> usize {
        self.stand_in.calls("UpdateNamespace")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_lets_nobody_in_because_mtls_is_disabled_is_warned_of() {
    let setting = Setting::new().await;
    let (_, first) = setting.ca("first.pem");
    let (_, second) = setting.ca("second.pem");
    let text = setting.run(0, &["bundle", "add", NAME, &first, "--yes"]).await;
    assert!(
        text.contains("warning: mTLS is disabled") && text.contains("auth-method set"),
        "{text}"
    );
    assert!(!setting.stand_in.namespace(NAME).unwrap().mtls_auth.unwrap().enabled);
    let text = setting.run(0, &["bundle", "add", NAME, &second, "--enable-mtls", "--yes"]).await;
    assert!(text.contains("+ mTLS") && !text.contains("warning"), "{text}");
    assert!(setting.stand_in.namespace(NAME).unwrap().mtls_auth.unwrap().enabled);
    let again = ["bundle", "add", NAME, &second, "--enable-mtls", "--yes", "--idempotent"];
    let text = setting.run(0, &again).await;
    assert!(text.contains("is so already") && setting.updates() == 2, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_of_filters_opens_no_namespace() {
    let setting = Setting::new().await;
    let filters = setting.file("f.json", r#"{"filters": [{"commonName": "worker"}]}"#);
    setting.run(0, &["filters", "import", NAME, &filters, "--yes"]).await;
    let empty = setting.file("empty.json", "\n");
    let text = setting.run(1, &["filters", "import", NAME, &empty, "--yes"]).await;
    assert!(text.contains("the file is empty") && setting.updates() == 1, "{text}");
    let none = setting.file("none.json", r#"{"filters": []}"#);
    setting.run(0, &["filters", "import", NAME, &none, "--yes"]).await;
    assert_eq!(setting.updates(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_client_is_let_in_by_the_filters_too() {
    let setting = Setting::new().await;
    let ca = LocalCa::in_memory().unwrap();
    let path = setting.file("ca.pem", &ca.chain().to_pem());
    let live = setting.file("worker.pem", &leaf(&ca).await);
    setting.run(0, &["bundle", "add", NAME, &path, "--enable-mtls", "--yes"]).await;
    let others = setting.file("f.json", r#"{"filters": [{"commonName": "somebody-else"}]}"#);
    let import = ["filters", "import", NAME, &others, "--yes"];
    let text = setting.run(1, &[&import[..], &["--live", &live]].concat()).await;
    assert!(text.contains("locked out by the namespace's certificate filters"), "{text}");
    setting.run(0, &import).await;
    let alone = ["auth-method", "set", NAME, "mtls", "--live", &live, "--yes"];
    let text = setting.run(1, &alone).await;
    assert!(text.contains("filters do not let in the client certificate"), "{text}");
    assert_eq!(setting.updates(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_begins_no_line_of_its_own_in_what_is_confirmed() {
    let setting = Setting::new().await;
    let forged = r#"{"filters": [{"commonName": "x\n+ mTLS"}]}"#;
    let filters = setting.file("f.json", forged);
    let text = setting.run(0, &["filters", "import", NAME, &filters, "--dry-run"]).await;
    assert!(!text.contains("\n+ mTLS"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_without_yes_where_there_is_no_terminal() {
    let setting = Setting::new().await;
    let (ca, path) = setting.ca("ca.pem");
    let fingerprint = Fingerprint::sha1_of(&ca).to_string();
    let add = ["bundle", "add", NAME, &path];
    let text = setting.run(1, &add).await;
    assert!(text.contains(&format!("+ {fingerprint}")) && text.contains("--yes"), "{text}");
    let text = setting.run(0, &[&add[..], &["--dry-run", "--yes"]].concat()).await;
    assert!(
        text.contains(&format!("+ {fingerprint}")) && text.contains("nothing was sent"),
        "{text}"
    );
    assert_eq!(setting.updates(), 0);
    let text = setting.run(0, &[&add[..], &["--yes"]].concat()).await;
    assert!(text.contains("fulfilled"), "{text}");
    assert_eq!(setting.updates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_changed_and_a_repetition_is_a_mistake_unless_it_is_allowed_for() {
    let setting = Setting::new().await;
    let ((one, one_path), (two, two_path)) = (setting.ca("one.pem"), setting.ca("two.pem"));
    let [sha1, sha256] = [Fingerprint::sha1_of(&one), Fingerprint::sha256_of(&two)];
    let (sha1, sha256) = (sha1.to_string(), sha256.to_string());
    setting.run(0, &["bundle", "add", NAME, &one_path, "--yes"]).await;
    let text = setting.run(1, &["bundle", "add", NAME, &one_path, "--yes"]).await;
    assert!(text.contains("in the bundle already"), "{text}");
    setting.run(0, &["bundle", "add", NAME, &one_path, "--yes", "--idempotent"]).await;
    setting.run(0, &["bundle", "replace", NAME, &two_path, "--yes"]).await;
    setting.run(1, &["bundle", "replace", NAME, &two_path, "--yes"]).await;
    setting.run(0, &["bundle", "replace", NAME, &two_path, "--yes", "--idempotent"]).await;
    assert_eq!(setting.updates(), 2);
    let text = setting.run(0, &["bundle", "list", NAME]).await;
    assert!(text.contains(&Fingerprint::sha1_of(&two).to_string()) && !text.contains(&sha1));
    let remove = ["bundle", "remove", NAME, "--fingerprint"];
    let text = setting.run(1, &[&remove[..], &[&sha1, "--yes"]].concat()).await;
    assert!(text.contains(&sha1), "{text}");
    setting.run(0, &[&remove[..], &[&sha256, "--yes"]].concat()).await;
    assert_eq!(setting.updates(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_go_out_and_come_back_in_tclds_json() {
    let setting = Setting::new().await;
    let json = r#"{ "filters": [ { "commonName": "*.acme.internal", "organization": "Acme" } ] }"#;
    let path = setting.file("filters.json", json);
    let text = setting.run(0, &["filters", "import", NAME, &path, "--yes"]).await;
    assert!(
        text.contains(r#"+ filter: commonName "*.acme.internal" and organization "Acme""#),
        "{text}"
    );
    for flags in [&[][..], &["--json"]] {
        let text = setting.run(0, &[&["filters", "export", NAME][..], flags].concat()).await;
        let path = setting.file("exported.json", &text);
        setting.run(0, &["filters", "import", NAME, &path, "--yes", "--idempotent"]).await;
    }
    assert_eq!(setting.updates(), 1);
    let text = setting.run(0, &["show", NAME]).await;
    assert!(text.contains("mTLS: disabled") && text.contains("API keys: enabled, at "), "{text}");
    assert!(text.contains("*.acme.internal"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_resumed_by_the_id_that_async_prints() {
    let setting = Setting::new().await;
    let (_, path) = setting.ca("ca.pem");
    setting.stand_in.set_faults(Faults { ending: Ending::Never, ..Faults::default() });
    let text = setting.run(0, &["bundle", "add", NAME, &path, "--yes", "--async", "--json"]).await;
    let (_, rest) = text.split_once(r#""id": ""#).unwrap();
    let id = rest.split_once('"').unwrap().0;
    let text = setting.run(2, &["operation", "resume", id, "--wait", "0"]).await;
    assert!(text.contains(&format!("operation resume {id}")), "{text}");
    let text = setting.run(2, &["operation", "resume", "another"]).await;
    assert!(text.contains("knows no operation"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_key_comes_from_a_file_or_the_environment_and_is_asked_for() {
    let setting = Setting::new().await;
    let output = setting.run_with(None, &["show", NAME]).await;
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("TEMPORAL_CLOUD_API_KEY"), "{text}");
    let path = setting.file("key", &format!("{KEY}\n"));
    let output = setting.run_with(None, &["show", NAME, "--api-key-file", &path]).await;
    assert_eq!(output.status.code(), Some(0));
    let output = setting.run_with(Some("wrong"), &["show", NAME]).await;
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_changes_the_namespaces_bundle_when_it_is_time_and_any_step_can_be_repeated() {
    let setting = Setting::new().await;
    let (old, new) = (LocalCa::in_memory().unwrap(), LocalCa::in_memory().unwrap());
    let file = |name: &str, ca: &LocalCa| setting.file(name, &ca.chain().to_pem());
    let (old_path, new_path) = (file("old.pem", &old), file("new.pem", &new));
    let worker = setting.file("worker.pem", &leaf(&old).await);
    let anew = setting.file("anew.pem", &leaf(&new).await);
    setting.run(0, &["bundle", "add", NAME, &old_path, "--yes"]).await;

    let plan = setting.folder.path().join("plan.json").to_str().unwrap().to_owned();
    let worker = format!("mail={worker}");
    let planned = ["--plan", &plan];
    let text = setting
        .run(
            0,
            &[
                &["rotation", "plan", NAME, "--old-ca", &old_path, "--new-ca", &new_path],
                &["--worker", &worker][..],
                &planned,
            ]
            .concat(),
        )
        .await;
    assert!(text.contains("1. add the new CA to the bundle"), "{text}");
    let step = |step| [&["rotation", step, NAME][..], &planned, &["--yes"]].concat();
    let text = setting.run(1, &step("remove-old-ca")).await;
    assert!(text.contains("it is too early: first add the new CA"), "{text}");
    setting.run(0, &step("add-new-ca")).await;
    setting.run(0, &step("add-new-ca")).await;
    assert_eq!(setting.updates(), 2);
    let show = [&["rotation", "show", NAME][..], &planned].concat();
    let text = setting.run(1, &show).await;
    assert!(text.contains("1. issue a certificate of the new CA for mail"), "{text}");

    // What a person and the doctor do between.
    let mut rotation = Rotation::load(&plan).unwrap();
    let chain = CertificateChain::from_pem_or_der(&std::fs::read(&anew).unwrap()).unwrap();
    let now = Timestamp::now();
    rotation.issued("mail", &chain, now).unwrap();
    rotation.confirmed("mail", now).unwrap();
    rotation.retired("mail", now).unwrap();
    rotation.save(&plan, Existing::Replace).unwrap();
    let text = setting.run(0, &step("remove-old-ca")).await;
    let gone = Fingerprint::sha1_of(&old.chain().certificates()[0]).to_string();
    assert!(text.contains(&format!("- {gone}")), "{text}");
    setting.run(0, &step("remove-old-ca")).await;
    assert_eq!(setting.updates(), 3);
    let text = setting.run(0, &show).await;
    assert!(text.contains("the rotation is complete"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_would_lock_a_live_client_out_is_not_sent() {
    let setting = Setting::new().await;
    let (old, new) = (LocalCa::in_memory().unwrap(), LocalCa::in_memory().unwrap());
    let old_path = setting.file("old.pem", &old.chain().to_pem());
    let new_path = setting.file("new.pem", &new.chain().to_pem());
    let worker = setting.file("worker.pem", &leaf(&old).await);
    let stranger = setting.file("stranger.pem", &leaf(&LocalCa::in_memory().unwrap()).await);
    setting.run(0, &["bundle", "add", NAME, &old_path, "--yes"]).await;
    // What comes locks nobody out.
    setting.run(0, &["bundle", "add", NAME, &new_path, "--live", &worker, "--yes"]).await;
    assert_eq!(setting.updates(), 2);
    let remove = |path| ["bundle", "remove", NAME, path, "--yes", "--live"];
    let replace = ["bundle", "replace", NAME, &new_path, "--yes", "--live"];
    for (change, live, says) in [
        (remove(&old_path), &worker, "CN=mail would be locked out"),
        (replace, &worker, "CN=mail would be locked out"),
        (remove(&old_path), &stranger, "CN=mail is not admitted now either"),
        (remove(&new_path), &stranger, "CN=mail is not admitted now either"),
    ] {
        for dry_run in [&[][..], &["--dry-run"]] {
            let text = setting.run(1, &[&change[..], &[live.as_str()], dry_run].concat()).await;
            assert!(text.contains(says), "{text}");
        }
    }
    // Of several live clients each has to stay.
    let newer = setting.file("newer.pem", &leaf(&new).await);
    let both = [&remove(&old_path)[..], &[&newer, "--live", &worker]].concat();
    setting.run(1, &both).await;
    assert_eq!(setting.updates(), 2);
    let gone = setting.run(0, &[&remove(&new_path)[..], &[&worker]].concat()).await;
    assert!(gone.contains("- ") && gone.contains("fulfilled"), "{gone}");
    assert_eq!(setting.updates(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_clients_sign_in_is_shown_and_changed_and_never_to_not_at_all() {
    let setting = Setting::new().await;
    let ca = LocalCa::in_memory().unwrap();
    let path = setting.file("ca.pem", &ca.chain().to_pem());
    let worker = setting.file("worker.pem", &leaf(&ca).await);
    let show = ["auth-method", "show", NAME];
    assert_eq!(setting.run(0, &show).await, "api_key\n");
    let json = setting.run(0, &[&show[..], &["--json"]].concat()).await;
    assert!(json.contains(r#""auth_method": "api_key""#), "{json}");
    let set = |method| ["auth-method", "set", NAME, method, "--yes"];
    // There is no CA yet that mTLS could trust.
    for dry_run in [&[][..], &["--dry-run"]] {
        for method in ["mtls", "api_key_or_mtls"] {
            let text = setting.run(1, &[&set(method)[..], dry_run].concat()).await;
            assert!(text.contains("with an empty bundle"), "{text}");
        }
        let text = setting.run(1, &[&set("restricted")[..], dry_run].concat()).await;
        assert!(text.contains("no client would be let in any more"), "{text}");
    }
    setting.run(2, &set("password")).await;
    assert_eq!(setting.updates(), 0);

    setting.run(0, &["bundle", "add", NAME, &path, "--yes"]).await;
    let text = setting.run(1, &["auth-method", "set", NAME, "mtls"]).await;
    assert!(text.contains("+ mTLS\n- API keys\n") && text.contains("--yes"), "{text}");
    let text = setting.run(0, &[&set("mtls")[..], &["--dry-run"]].concat()).await;
    assert!(text.contains("+ mTLS\n- API keys\nnothing was sent"), "{text}");
    assert_eq!(setting.updates(), 1);
    let text = setting.run(0, &set("api_key_or_mtls")).await;
    assert!(text.starts_with("+ mTLS\n") && !text.contains("API keys"), "{text}");
    let text = setting.run(0, &["show", NAME]).await;
    assert!(
        text.contains("mTLS: enabled, at ") && text.contains("API keys: enabled, at "),
        "{text}"
    );
    setting.run(1, &set("api_key_or_mtls")).await;
    setting.run(0, &[&set("api_key_or_mtls")[..], &["--idempotent"]].concat()).await;
    assert_eq!(setting.updates(), 2);

    // Whoever comes with a certificate stays with mTLS and goes without it.
    let stranger = setting.file("stranger.pem", &leaf(&LocalCa::in_memory().unwrap()).await);
    let text = setting.run(1, &[&set("api_key")[..], &["--live", &worker]].concat()).await;
    assert!(text.contains("mTLS would be disabled"), "{text}");
    let text = setting.run(1, &[&set("mtls")[..], &["--live", &stranger]].concat()).await;
    assert!(text.contains("is not admitted"), "{text}");
    assert_eq!(setting.updates(), 2);
    let json = setting.run(0, &[&set("mtls")[..], &["--live", &worker, "--json"]].concat()).await;
    assert!(json.contains(r#""api_key_enabled": false"#), "{json}");
    assert!(json.contains(r#""mtls_enabled": null"#), "{json}");
    assert_eq!(setting.run(0, &show).await, "mtls\n");
    setting.run(1, &set("restricted")).await;
    assert_eq!(setting.updates(), 3);
}

async fn leaf(ca: &LocalCa) -> String {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let request = CertificateRequest::new(&key, "CN=mail".parse().unwrap(), &[]).unwrap();
    let validity = RequestedValidity::days(1);
    let request = IssueRequest::new(request, CertificatePurpose::Client, validity);
    ca.issue(request).await.unwrap().certificate.to_pem()
}
