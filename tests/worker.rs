//! A worker's configuration in files that belong to somebody else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[cfg(feature = "local")]
#[path = "support/go.rs"]
mod go;
#[cfg(feature = "local")]
#[path = "support/judges.rs"]
mod judges;
#[cfg(feature = "local")]
#[path = "support/openssl.rs"]
mod openssl;

use std::path::Path;
use std::process::Command;

use private_ca::temporal::worker::{MergeError, WorkerConfiguration};
use proptest::prelude::*;

fn configuration() -> WorkerConfiguration {
    WorkerConfiguration::new("hello.a1b2c.tmprl.cloud:7233", "hello.a1b2c", "/c.pem", "/k.pem")
}

/// What `temporal config get` says, without the environment of this machine.
fn temporal_reads(file: &Path, profile: &str, property: &str) -> String {
    let output = Command::new("temporal")
        .args(["config", "get", "--output", "json", "--disable-config-env", "--prop", property])
        .arg("--config-file")
        .arg(file)
        .args(["--profile", profile])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_temporal_command_reads_what_was_merged() {
    let ready = Command::new("temporal").arg("--version").output();
    if ready.is_err() {
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        assert!(!ci, "`temporal` is not on PATH");
        println!("skipped: `temporal` is not on PATH");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("temporal.toml");
    std::fs::write(
        &file,
        "[profile.other]\naddress = \"other:1\"\n[profile.prod.tls]\ndisabled = true\nclient_cert_data = \"x\"\n",
    )
    .unwrap();
    let mut configuration = configuration();
    configuration.client_key_path = "/a \"b\" \\c'/ключ.pem".into();
    configuration.server_ca_cert_path = Some("/ca.pem".into());
    configuration.server_name = Some("frontend".into());
    configuration.merge_toml_file(&file, "prod").unwrap();
    for (property, value) in [
        ("address", "hello.a1b2c.tmprl.cloud:7233"),
        ("namespace", "hello.a1b2c"),
        ("tls.client_cert_path", "/c.pem"),
        ("tls.client_key_path", "/a \"b\" \\c'/ключ.pem"),
        ("tls.server_ca_cert_path", "/ca.pem"),
        ("tls.server_name", "frontend"),
    ] {
        let said = temporal_reads(&file, "prod", property);
        let said: serde_json::Value = serde_json::from_str(&said).expect(&said);
        let shown = said.to_string();
        assert!(shown.contains(&serde_json::Value::from(value).to_string()), "{property}: {shown}");
    }
    assert!(temporal_reads(&file, "other", "address").contains("other:1"));
}

#[test]
fn a_file_that_cannot_be_merged_into_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("temporal.toml");
    for bytes in [&b"[profile\n"[..], b"profile = 1\n", b"a = 1\n\xff"] {
        std::fs::write(&file, bytes).unwrap();
        configuration().merge_toml_file(&file, "default").unwrap_err();
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
    }
    let error = configuration().merge_toml_file(folder.path(), "default").unwrap_err();
    assert!(matches!(error, MergeError::File(_)), "{error:?}");
}

#[cfg(unix)]
#[test]
fn a_file_has_no_more_readers_than_before_and_a_link_stays_a_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let file = folder.path().join("worker.env");
    configuration().merge_environment_file(&file).unwrap();
    assert_eq!(mode(&file), 0o600);
    for (before, after) in [(0o640, 0o600), (0o644, 0o644)] {
        std::fs::write(&file, "A=1\n").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(before)).unwrap();
        let link = folder.path().join(format!("link-{before}"));
        symlink(&file, &link).unwrap();
        configuration().merge_environment_file(&link).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(mode(&file), after);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("A=1\nTEMPORAL_ADDRESS="), "{text}");
    }
}

/// Files as people have them: settings of ours, of the SDKs and of nobody, in several spellings.
fn toml_text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "address = 'a:1' # where\n",
        "namespace = \"n\"\n",
        "api_key = \"k\"\n",
        "# a comment\n",
        "\n",
        "tls.server_name = \"s\"\n",
        "tls.client_cert_data = '''\nx\n'''\n",
        "tls.disabled = true\n",
        "grpc_meta = { a = \"b\" }\n",
    ]);
    let header = prop::sample::select(vec![
        "[profile.default]\n",
        "[profile.other]\n",
        "[profile.default.codec]\n",
        "[other]\n",
    ]);
    let section = (header, prop::collection::vec(line, 0..6))
        .prop_map(|(header, lines)| format!("{header}{}", lines.concat()));
    prop::collection::vec(section, 0..4).prop_map(|sections| sections.concat())
}

fn environment_text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "TEMPORAL_ADDRESS=a\n",
        "TEMPORAL_TLS_CLIENT_KEY_DATA=x\n",
        "export TEMPORAL_NAMESPACE=n\r\n",
        "TEMPORAL_API_KEY=k\n",
        "A='b c'\n",
        "B=\"b\nc\"\n",
        "# TEMPORAL_ADDRESS=a\n",
        "\n",
        "TEMPORAL_TLS",
    ]);
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn merging_twice_is_merging_once(toml in toml_text(), environment in environment_text()) {
        if let Ok(merged) = configuration().merge_toml(&toml, "default") {
            prop_assert_eq!(&configuration().merge_toml(&merged, "default").unwrap(), &merged);
        }
        if let Ok(merged) = configuration().merge_environment(&environment) {
            prop_assert_eq!(&configuration().merge_environment(&merged).unwrap(), &merged);
        }
    }

    #[test]
    fn foreign_settings_are_unchanged(toml in toml_text(), environment in environment_text()) {
        if let Ok(merged) = configuration().merge_toml(&toml, "default") {
            let mut before: toml_edit::DocumentMut = toml.parse().unwrap();
            let mut after: toml_edit::DocumentMut = merged.parse().unwrap();
            for document in [&mut before, &mut after] {
                let profiles = document.remove("profile").unwrap_or_default();
                document["other_profile"] =
                    profiles.get("other").cloned().unwrap_or_default();
                for key in ["api_key", "codec", "grpc_meta"] {
                    let default = profiles.get("default").and_then(|default| default.get(key));
                    document[key] = default.cloned().unwrap_or_default();
                }
            }
            prop_assert_eq!(before.to_string(), after.to_string());
            prop_assert_eq!(toml.matches("# a comment").count(), merged.matches("# a comment").count());
        }
        if let Ok(merged) = configuration().merge_environment(&environment) {
            let foreign = |text: &str| -> Vec<String> {
                let ours = ["TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_TLS"];
                let is_ours = |line: &&str| ours.iter().any(|our| line.trim_start_matches("export ").starts_with(our));
                text.lines().filter(|line| !is_ours(line)).map(str::to_owned).collect()
            };
            prop_assert_eq!(foreign(&environment), foreign(&merged));
        }
    }

    #[test]
    fn no_text_makes_the_merge_panic(text in ".*") {
        let _ = configuration().merge_toml(&text, "default");
        let _ = configuration().merge_environment(&text);
    }
}

#[cfg(feature = "local")]
mod checks {
    use super::*;
    use private_ca::file::{Existing, Secrecy};
    use private_ca::temporal::requirements::Severity;
    use private_ca::temporal::worker::{Check, ConfigurationProblem as Problem, KeyForm, Sdk};
    use private_ca::{
        CertificateAuthority, CertificatePurpose, CertificateRequest, EncryptedPrivateKey,
        EncryptionPreset, IssueRequest, KeyAlgorithm, LocalCa, LocalCaOptions, Passphrase,
        PrivateKey, RequestedValidity,
    };

    struct Files {
        folder: tempfile::TempDir,
        ca: String,
        leaf: String,
        key: PrivateKey,
    }

    impl Files {
        async fn new() -> Self {
            let options = LocalCaOptions::new("CN=Root".parse().unwrap())
                .with_key_algorithm(KeyAlgorithm::EcdsaP256);
            let ca = LocalCa::in_memory_root(options).unwrap();
            let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
            let request = CertificateRequest::new(&key, "CN=worker".parse().unwrap(), &[]).unwrap();
            let validity = RequestedValidity::days(30);
            let request = IssueRequest::new(request, CertificatePurpose::Client, validity);
            let issued = ca.issue(request).await.unwrap();
            let (ca, leaf) = (issued.chain.to_pem(), issued.certificate.to_pem());
            Self { folder: tempfile::tempdir().unwrap(), ca, leaf, key }
        }

        /// The problems of a configuration at Temporal Cloud with these contents.
        fn problems(
            &self,
            sdk: Sdk,
            certificate: &str,
            key: &str,
            change: impl FnOnce(&mut WorkerConfiguration),
        ) -> Vec<Problem> {
            let put = |name: &str, text: &str| {
                let path = self.folder.path().join(name);
                private_ca::file::write(&path, text, Secrecy::Secret, Existing::Replace).unwrap();
                path
            };
            put("ca.pem", &self.ca);
            let mut configuration = configuration();
            configuration.client_cert_path = put("c.pem", certificate);
            configuration.client_key_path = put("k.pem", key);
            change(&mut configuration);
            let problems = configuration.check(sdk);
            for problem in &problems {
                let said = format!("{problem} {problem:?}");
                let lines = key.lines().filter(|line| !line.starts_with("-----"));
                assert!(!lines.into_iter().any(|line| said.contains(line)), "{said}");
            }
            problems
        }
    }

    #[tokio::test]
    async fn what_is_right_has_no_problem_with_any_sdk() {
        let files = Files::new().await;
        let key = files.key.to_pkcs8_pem();
        for &sdk in Sdk::ALL {
            let problems = files.problems(sdk, &files.leaf, &key, |_| {});
            assert!(problems.is_empty(), "{problems:?}");
        }
    }

    #[tokio::test]
    async fn every_mistake_is_named() {
        let files = Files::new().await;
        let (leaf, key) = (&files.leaf, files.key.to_pkcs8_pem());
        let passphrase = Passphrase::new(*b"correct horse");
        let sealed = EncryptedPrivateKey::encrypt(&files.key, &passphrase, EncryptionPreset::Acm);
        let sealed = sealed.unwrap().to_pem();
        let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap().to_pkcs8_pem();
        let both = format!("{leaf}{}", *key);
        let reversed = format!("{}{leaf}", files.ca);
        for &sdk in Sdk::ALL {
            let at = |certificate: &str, key: &str| files.problems(sdk, certificate, key, |_| {});
            assert!(matches!(at(leaf, &sealed)[..], [Problem::EncryptedKey { .. }]));
            assert!(matches!(at(leaf, &other)[..], [Problem::Identity(_)]));
            assert!(matches!(at(&both, &key)[..], [Problem::KeyBesideCertificates { .. }]));
            assert!(matches!(at(&reversed, &key)[..], [Problem::Order { .. }]));
            assert!(matches!(at("\x30\x03\x02\x01\x00", &key)[..], [Problem::NotPem { .. }]));
            let [Problem::ClientIsCa { .. }, Problem::Identity(_)] = at(&files.ca, &key)[..] else {
                panic!("{:?}", at(&files.ca, &key));
            };
        }
        // What is inside PKCS#8 is PKCS#1.
        let rsa = PrivateKey::generate(KeyAlgorithm::RSA_2048).unwrap();
        let inside = pkcs8::PrivateKeyInfoRef::try_from(rsa.expose_pkcs8_der()).unwrap();
        let pkcs1 = pkcs8::der::pem::encode_string(
            "RSA PRIVATE KEY",
            pkcs8::LineEnding::LF,
            inside.private_key.as_bytes(),
        )
        .unwrap();
        for &sdk in Sdk::ALL {
            let problems = files.problems(sdk, leaf, &pkcs1, |_| {});
            match (sdk, &problems[..]) {
                (Sdk::Java, [Problem::KeyForm { form, .. }, Problem::Identity(_)]) => {
                    assert_eq!(*form, KeyForm::Pkcs1);
                }
                (Sdk::Java, _) => panic!("{problems:?}"),
                (_, [Problem::Identity(_)]) => {}
                _ => panic!("{problems:?}"),
            }
        }
        let changed = |change: &dyn Fn(&mut WorkerConfiguration)| {
            files.problems(Sdk::Go, leaf, &key, |configuration| change(configuration))
        };
        for address in ["hello.a1b2c.tmprl.cloud", "[::1]", "h:"] {
            let problems = changed(&|it| it.address = address.into());
            assert!(matches!(problems[..], [Problem::Port { .. }]), "{address}: {problems:?}");
        }
        for address in [
            "https://h:7233",
            ":7233",
            "::1:7233",
            "h:99999",
            "[::1:7233",
            "h:0",
            "h:+7233",
            "[zz]:7233",
            "user@h:7233",
            "a\tb:7233",
        ] {
            let problems = changed(&|it| it.address = address.into());
            assert!(matches!(problems[..], [Problem::Address { .. }]), "{address}: {problems:?}");
        }
        let problems = changed(&|it| it.namespace = "hello".into());
        assert!(matches!(problems[..], [Problem::ShortNamespace { .. }]));
        let problems = changed(&|it| it.namespace = "hello.other".into());
        assert!(matches!(problems[..], [Problem::OtherNamespace { .. }]));
        let ca = files.folder.path().join("ca.pem");
        let problems = changed(&|it| it.server_ca_cert_path = Some(ca.clone()));
        assert!(matches!(problems[..], [Problem::ServerCaIsClientCa { .. }]));
        let problems = changed(&|it| {
            it.server_ca_cert_path = Some(ca.clone());
            it.address = "[::1]:7233".into();
            it.namespace = "default".into();
        });
        assert!(problems.is_empty(), "{problems:?}");
    }

    /// What the checks say, in order.
    fn ids(problems: &[Problem]) -> Vec<&'static str> {
        for problem in problems {
            assert!(!problem.mend().is_empty(), "{problem}");
            assert_eq!(problem.severity(), problem.check().severity());
        }
        problems.iter().map(|problem| problem.check().id()).collect()
    }

    #[tokio::test]
    async fn an_endpoint_that_is_no_name_of_the_server_wants_a_server_name() {
        let files = Files::new().await;
        let (leaf, key) = (&files.leaf, files.key.to_pkcs8_pem());
        let at = |address: &str, name: Option<&str>, ca: bool| {
            let problems = files.problems(Sdk::Go, leaf, &key, |it| {
                it.address = address.into();
                it.server_name = name.map(str::to_owned);
                it.server_ca_cert_path = ca.then(|| files.folder.path().join("ca.pem"));
            });
            ids(&problems)
        };
        for address in [
            "us-east-1.aws.api.temporal.io:7233",
            "vpce-0123-abc.vpce-svc-0123.us-east-1.vpce.amazonaws.com:7233",
            "10.0.0.7:7233",
            "[fd00::7]:7233",
        ] {
            assert_eq!(at(address, None, false), ["server-name-set"], "{address}");
            assert_eq!(at(address, Some(""), false), ["server-name-set"], "{address}");
            let own = Some("hello.a1b2c.tmprl.cloud");
            assert!(at(address, own, false).is_empty(), "{address}");
            let other = Some("other.a1b2c.tmprl.cloud");
            assert_eq!(at(address, other, false), ["namespace-fits-address"], "{address}");
        }
        // One's own CA may vouch for an address.
        assert!(at("10.0.0.7:7233", None, true).is_empty());
        // Behind a private address it is Temporal Cloud all the same.
        let own = Some("hello.a1b2c.tmprl.cloud");
        assert_eq!(at("10.0.0.7:7233", own, true), ["server-ca-is-servers"]);
    }

    #[tokio::test]
    async fn a_certificate_that_ends_soon_is_a_warning_and_one_that_ended_an_error() {
        let files = Files::new().await;
        let mut configuration = configuration();
        let put = |name: &str, text: &str| {
            let path = files.folder.path().join(name);
            private_ca::file::write(&path, text, Secrecy::Secret, Existing::Replace).unwrap();
            path
        };
        configuration.client_cert_path = put("c.pem", &files.leaf);
        configuration.client_key_path = put("k.pem", &files.key.to_pkcs8_pem());
        let day = std::time::Duration::from_secs(86_400);
        let leaf = private_ca::Certificate::from_pem_or_der(files.leaf.as_bytes()).unwrap();
        let end = leaf.validity().not_after;
        let second = std::time::Duration::from_secs(1);
        for (moment, id, severity) in [
            (end.minus(16 * day), None, Severity::Warning),
            (end.minus(15 * day), Some("leaf-ends-later"), Severity::Warning),
            (end, Some("leaf-ends-later"), Severity::Warning),
            (end.plus(second), Some("leaf-is-valid"), Severity::Error),
            (leaf.validity().not_before.minus(second), Some("leaf-is-valid"), Severity::Error),
        ] {
            let problems = configuration.check_at(Sdk::Rust, moment);
            assert_eq!(ids(&problems), id.into_iter().collect::<Vec<_>>(), "{moment}");
            assert!(problems.iter().all(|problem| problem.severity() == severity), "{moment}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn paths_that_move_keys_that_all_can_read_and_missing_files_are_named() {
        use std::os::unix::fs::PermissionsExt;
        let files = Files::new().await;
        let (leaf, key) = (&files.leaf, files.key.to_pkcs8_pem());
        let with_mode = |mode: u32| {
            let problems = files.problems(Sdk::Go, leaf, &key, |it| {
                let permissions = PermissionsExt::from_mode(mode);
                std::fs::set_permissions(&it.client_key_path, permissions).unwrap();
            });
            ids(&problems)
        };
        assert_eq!(with_mode(0o644), ["key-private"]);
        assert_eq!(with_mode(0o604), ["key-private"]);
        assert!(with_mode(0o640).is_empty());
        let problems = files.problems(Sdk::Go, leaf, &key, |it| {
            it.client_cert_path = "no/such/certificate.pem".into();
            it.server_ca_cert_path = Some("/no/such/root.pem".into());
        });
        assert_eq!(ids(&problems), ["path-absolute", "file-readable", "file-readable"]);
        assert_eq!(problems[0].severity(), Severity::Warning);
        assert_eq!(problems[1].severity(), Severity::Error);
    }

    #[test]
    fn ids_are_told_apart_and_written_alike() {
        let mut seen = std::collections::BTreeSet::new();
        for check in Check::ALL {
            let id = check.id();
            assert!(seen.insert(id), "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
        }
    }

    mod forms {
        use super::*;
        use crate::openssl::Bench;
        use rustls_pki_types::PrivateKeyDer;
        use rustls_pki_types::pem::PemObject as _;

        /// A key of each form and kind with its certificate, as OpenSSL writes them.
        fn keys(bench: &Bench) -> Vec<(KeyForm, String, String)> {
            let run = |arguments: &str| {
                bench.openssl(arguments);
            };
            let text = |name: &str| String::from_utf8(bench.read(name)).unwrap();
            run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem");
            run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem");
            run("ecparam -name prime256v1 -out parameters.pem");
            let mut keys = Vec::new();
            for (kind, traditional) in [("rsa", KeyForm::Pkcs1), ("ec", KeyForm::Sec1)] {
                run(&format!(
                    "req -x509 -key {kind}.pem -subj /CN=worker -days 30 -out {kind}.crt"
                ));
                run(&format!("pkey -in {kind}.pem -traditional -out {kind}-old.pem"));
                run(&format!(
                    "pkcs8 -topk8 -in {kind}.pem -passout pass:hush -out {kind}-sealed.pem"
                ));
                run(&format!(
                    "pkey -in {kind}.pem -traditional -aes256 -passout pass:hush -out {kind}-old-sealed.pem"
                ));
                let certificate = text(&format!("{kind}.crt"));
                for (form, name) in [
                    (KeyForm::Pkcs8, format!("{kind}.pem")),
                    (traditional, format!("{kind}-old.pem")),
                    (KeyForm::EncryptedPkcs8, format!("{kind}-sealed.pem")),
                    (KeyForm::EncryptedTraditional, format!("{kind}-old-sealed.pem")),
                ] {
                    keys.push((form, text(&name), certificate.clone()));
                }
            }
            let with_parameters = format!("{}{}", text("parameters.pem"), text("ec-old.pem"));
            keys.push((KeyForm::Sec1, with_parameters, text("ec.crt")));
            keys
        }

        #[test]
        fn the_sdk_cores_reader_takes_the_forms_that_the_table_says() {
            let Some(bench) = Bench::new() else { return };
            for (form, key, _) in keys(&bench) {
                // As tonic's `Identity` is read, and then by rustls's provider.
                let read = PrivateKeyDer::from_pem_reader(std::io::Cursor::new(key.as_bytes()));
                let taken = read.is_ok_and(|key| loads(&key));
                for sdk in [Sdk::Rust, Sdk::Python, Sdk::TypeScript, Sdk::DotNet] {
                    assert_eq!(taken, sdk.reads(form), "{form} and {sdk}");
                }
            }
        }

        #[cfg(feature = "rustls")]
        fn loads(key: &PrivateKeyDer<'_>) -> bool {
            rustls::crypto::aws_lc_rs::sign::any_supported_type(key).is_ok()
        }

        #[cfg(not(feature = "rustls"))]
        fn loads(_: &PrivateKeyDer<'_>) -> bool {
            true
        }

        #[test]
        fn go_takes_the_forms_that_the_table_says() {
            let (Some(bench), Some(mut go)) = (Bench::new(), crate::go::GoKeyPair::start()) else {
                return;
            };
            for (form, key, certificate) in keys(&bench) {
                let taken = go.judge(&certificate, &key);
                for sdk in [Sdk::Go, Sdk::Cli] {
                    assert_eq!(taken.is_ok(), sdk.reads(form), "{form} and {sdk}: {taken:?}");
                }
            }
        }

        #[test]
        fn the_form_of_a_key_is_told_by_its_block() {
            let Some(bench) = Bench::new() else { return };
            for (form, key, certificate) in keys(&bench) {
                let blocks = private_ca::pem::blocks(key.as_bytes()).unwrap();
                let forms: Vec<_> = blocks.iter().filter_map(KeyForm::of_block).collect();
                assert_eq!(forms, [form]);
                let put = |name: &str, text: &str| {
                    let path = bench.path(name);
                    private_ca::file::write(&path, text, Secrecy::Secret, Existing::Replace)
                        .unwrap();
                    path
                };
                let mut configuration = configuration();
                configuration.client_cert_path = put("c.pem", &certificate);
                configuration.client_key_path = put("k.pem", &key);
                for &sdk in Sdk::ALL {
                    let problems = configuration.check(sdk);
                    let about_key = |problem: &&Problem| {
                        matches!(problem.check(), Check::KeyPlain | Check::KeyForm)
                    };
                    let named = problems.iter().find(about_key);
                    assert_eq!(named.is_none(), sdk.reads(form), "{form} and {sdk}: {problems:?}");
                }
            }
        }
    }
}
