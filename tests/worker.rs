//! A worker's configuration in files that belong to somebody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

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
