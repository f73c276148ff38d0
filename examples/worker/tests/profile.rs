//! What `private-ca` writes, read back by the SDK's own reader of its configuration.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{collections::HashMap, fs, path::Path};

use private_ca::temporal::worker::WorkerConfiguration;
use tempfile::TempDir;
use temporalio_client::{
    ClientOptions, ConnectionOptions, TlsOptions,
    envconfig::{ClientConfigProfile, ConfigError, DataSource, LoadClientConfigProfileOptions},
};
use temporalio_common::envconfig::load_client_config_profile;

const ADDRESS: &str = "hello.a1b2c.tmprl.cloud:7233";
const NAMESPACE: &str = "hello.a1b2c";

/// Files whose contents are told apart, and a configuration of them.
struct Files {
    folder: TempDir,
    configuration: WorkerConfiguration,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // TOML has to quote these.
        let path = |name: &str| folder.path().join(format!("it's \"{name}\" \\ ключ.pem"));
        for name in ["certificate", "key", "root"] {
            fs::write(path(name), name).expect("a file");
        }
        let mut configuration =
            WorkerConfiguration::new(ADDRESS, NAMESPACE, path("certificate"), path("key"));
        configuration.server_ca_cert_path = Some(path("root"));
        configuration.server_name = Some("frontend.test".to_owned());
        Self { folder, configuration }
    }

    /// A `temporal.toml` that held this, after ours was merged into it.
    fn merged(&self, existing: &str, profile: &str) -> String {
        let file = self.folder.path().join("temporal.toml");
        fs::write(&file, existing).expect("a file");
        self.configuration.merge_toml_file(&file, profile).expect("it can be merged into");
        fs::read_to_string(&file).expect("a text")
    }
}

/// As the SDK reads it, with these variables for the process's own.
fn profile(
    toml: &str,
    profile: &str,
    strict: bool,
    variables: &[(&str, String)],
) -> Result<ClientConfigProfile, ConfigError> {
    let options = LoadClientConfigProfileOptions::builder()
        .config_source(DataSource::Data(toml.as_bytes().to_vec()))
        .config_file_profile(profile.to_owned())
        .config_file_strict(strict)
        .build();
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    load_client_config_profile(options, Some(&variables))
}

fn read(toml: &str, name: &str) -> ClientConfigProfile {
    // Strict: a key of ours that the SDK does not know would be an error.
    profile(toml, name, true, &[]).expect("the SDK reads what we wrote")
}

fn tls(profile: ClientConfigProfile) -> TlsOptions {
    let options = ConnectionOptions::try_from(profile).expect("options to connect with");
    options.tls_options.expect("TLS")
}

fn assert_ours(profile: &ClientConfigProfile) {
    assert_eq!(profile.address.as_deref(), Some(ADDRESS));
    assert_eq!(profile.namespace.as_deref(), Some(NAMESPACE));
    let tls = tls(profile.clone());
    let client = tls.client_tls_options.expect("a client certificate");
    assert_eq!(client.client_cert, b"certificate");
    assert_eq!(client.client_private_key, b"key");
    assert_eq!(tls.server_root_ca_cert.as_deref(), Some(&b"root"[..]));
    assert_eq!(tls.domain.as_deref(), Some("frontend.test"));
}

#[test]
fn every_setting_of_a_fresh_profile_arrives() {
    let files = Files::new();
    for name in ["default", "payments", "a b"] {
        assert_ours(&read(&files.configuration.temporal_toml(name), name));
    }
    // And by the way that a program takes, from a file.
    let file = files.folder.path().join("temporal.toml");
    files.configuration.merge_toml_file(&file, "default").expect("a file");
    let options = LoadClientConfigProfileOptions::builder()
        .config_source(DataSource::Path(file.to_str().expect("Unicode").to_owned()))
        .disable_env(true)
        .build();
    let (connection, client) = ClientOptions::load_from_config(options).expect("options");
    assert_eq!(connection.target.as_str(), format!("https://{ADDRESS}/"));
    assert_eq!(client.namespace, NAMESPACE);
}

#[test]
fn what_is_optional_is_left_out() {
    let mut files = Files::new();
    files.configuration.server_ca_cert_path = None;
    files.configuration.server_name = None;
    let tls = tls(read(&files.configuration.temporal_toml("default"), "default"));
    assert_eq!((tls.server_root_ca_cert, tls.domain), (None, None));
    assert!(tls.client_tls_options.is_some());
}

#[test]
fn data_gives_way_to_paths_which_beside_it_would_be_an_error() {
    let files = Files::new();
    let existing = "[profile.default.tls]\nclient_cert_data = \"old\"\nclient_key_data = \"old\"\nserver_ca_cert_data = \"old\"\n";
    assert_ours(&read(&files.merged(existing, "default"), "default"));
    let both =
        format!("{}client_cert_data = \"old\"\n", files.configuration.temporal_toml("default"));
    let Err(error) = profile(&both, "default", true, &[]) else {
        panic!("a path and data together were read");
    };
    assert!(error.to_string().contains("path"), "{error}");
}

#[test]
fn disabled_tls_is_enabled_for_the_certificate_to_be_presented() {
    let files = Files::new();
    let existing = "[profile.default.tls]\ndisabled = true\n";
    let before = ConnectionOptions::try_from(read(existing, "default")).expect("options");
    assert!(before.tls_options.is_none());
    assert_ours(&read(&files.merged(existing, "default"), "default"));
    assert_ours(&read(
        &files.merged("[profile.default.tls]\ndisabled = false\n", "default"),
        "default",
    ));
}

#[test]
fn an_api_key_and_metadata_of_the_profile_are_kept() {
    let files = Files::new();
    let existing = "[profile.default]\napi_key = \"theirs\"\n[profile.default.grpc_meta]\nx-one = \"1\"\nX_Two = \"2\"\n[profile.default.codec]\nendpoint = \"http://127.0.0.1:1\"\n";
    let read = read(&files.merged(existing, "default"), "default");
    assert_ours(&read);
    assert_eq!(read.api_key.as_deref(), Some("theirs"));
    assert_eq!(
        read.codec.clone().and_then(|codec| codec.endpoint).as_deref(),
        Some("http://127.0.0.1:1")
    );
    let headers = ConnectionOptions::try_from(read).expect("options").headers.expect("headers");
    let value = |name: &str| headers.get(name).map(String::as_str);
    assert_eq!((value("x-one"), value("x-two")), (Some("1"), Some("2")));
}

#[test]
fn a_profile_beside_others_leaves_them_as_they_were() {
    let files = Files::new();
    let existing = "[profile.default]\naddress = \"other:1\"\nnamespace = \"other\"\n[profile.default.tls]\nserver_name = \"theirs\"\n";
    let toml = files.merged(existing, "payments");
    assert_ours(&read(&toml, "payments"));
    assert_eq!(read(&toml, "default"), read(existing, "default"));
    let Err(error) = profile(&toml, "missing", true, &[]) else {
        panic!("a profile that is not there was read");
    };
    assert!(matches!(error, ConfigError::ProfileNotFound(_)), "{error}");
}

#[test]
fn keys_that_the_sdk_does_not_know_are_kept_and_passed_over_unless_it_is_strict() {
    let files = Files::new();
    let existing =
        "[profile.default]\nfuture = 1\n[profile.default.tls]\nfuture = \"x\"\n[other]\na = 1\n";
    let toml = files.merged(existing, "default");
    assert_eq!(toml.matches("future").count(), 2, "{toml}");
    assert!(toml.contains("[other]\na = 1\n"), "{toml}");
    assert_ours(&profile(&toml, "default", false, &[]).expect("the SDK passes over them"));
    profile(&toml, "default", true, &[]).expect_err("a strict reader refuses them");
}

#[test]
fn our_variables_say_what_our_profile_says_and_override_another() {
    let files = Files::new();
    let variables = files.configuration.environment();
    assert_ours(&profile("[profile.default]\n", "default", true, &variables).expect("variables"));
    let other = "[profile.default]\naddress = \"other:1\"\nnamespace = \"other\"\n[profile.default.tls]\nserver_name = \"theirs\"\nclient_cert_path = \"/theirs\"\nclient_key_path = \"/theirs\"\n";
    assert_ours(&profile(other, "default", true, &variables).expect("variables"));
}

#[test]
fn variables_override_our_profile_one_by_one() {
    let files = Files::new();
    let toml = files.configuration.temporal_toml("default");
    let with = |name: &'static str, value: &str| {
        profile(&toml, "default", true, &[(name, value.to_owned())]).expect("a variable")
    };
    assert_eq!(with("TEMPORAL_ADDRESS", "b:1").address.as_deref(), Some("b:1"));
    assert_eq!(with("TEMPORAL_NAMESPACE", "b").namespace.as_deref(), Some("b"));
    assert_eq!(with("TEMPORAL_API_KEY", "k").api_key.as_deref(), Some("k"));
    assert_eq!(tls(with("TEMPORAL_TLS_SERVER_NAME", "b")).domain.as_deref(), Some("b"));
    let key = files.configuration.client_cert_path.to_str().expect("Unicode");
    assert!(Path::new(key).exists());
    let other = tls(with("TEMPORAL_TLS_CLIENT_KEY_PATH", key));
    assert_eq!(other.client_tls_options.expect("a certificate").client_private_key, b"certificate");
    let off = ConnectionOptions::try_from(with("TEMPORAL_TLS", "false")).expect("options");
    assert!(off.tls_options.is_none(), "the certificate would be presented after all");
}
