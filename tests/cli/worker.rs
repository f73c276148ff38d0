//! `worker config`.

use serde_json::json;

use super::Workshop;

/// A CA and a worker's certificate with its key.
fn workshop() -> Workshop {
    let workshop = Workshop::with_ca();
    workshop.issue("worker");
    workshop
}

fn files(workshop: &Workshop) -> (String, String) {
    let folder = workshop.path("worker");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let key = names.iter().find(|name| name.contains("key")).unwrap();
    (format!("worker/{}", names[0]), format!("worker/{key}"))
}

#[test]
fn a_configuration_is_printed_and_merged_into_files_that_keep_the_rest() {
    let workshop = workshop();
    let (cert, key) = files(&workshop);
    let line = format!(
        "worker config --address hello.a1b2c.tmprl.cloud:7233 --namespace hello.a1b2c --cert {cert} --key {key}"
    );
    let whole = workshop.path(&cert).canonicalize().unwrap();
    let whole = whole.to_str().unwrap();
    let ran = workshop.run(&line).yes();
    ran.says("[profile.default.tls]").says(whole);
    let told = workshop.json(&line);
    assert_eq!(told["environment"]["TEMPORAL_NAMESPACE"], "hello.a1b2c");
    assert_eq!(told["environment"]["TEMPORAL_TLS_CLIENT_CERT_PATH"], whole);
    assert_eq!(told["problems"], json!([]));

    workshop.put("temporal.toml", "# ours\n[profile.other]\naddress = \"a:1\" # kept\n");
    workshop.run(&format!("{line} --toml temporal.toml --profile payments")).yes().says("wrote");
    let toml = workshop.text("temporal.toml");
    assert!(toml.starts_with("# ours\n[profile.other]\naddress = \"a:1\" # kept\n"), "{toml}");
    assert!(toml.contains("[profile.payments.tls]") && toml.contains(whole), "{toml}");
    workshop.run(&format!("{line} --toml temporal.toml --profile payments")).yes();
    assert_eq!(workshop.text("temporal.toml"), toml);

    workshop.put("worker.env", "LOG=debug\nTEMPORAL_NAMESPACE=old\n");
    workshop.run(&format!("{line} --env-file worker.env")).yes();
    let variables = workshop.text("worker.env");
    assert!(variables.starts_with("LOG=debug\nTEMPORAL_NAMESPACE=hello.a1b2c\n"), "{variables}");
    workshop.run(&format!("{line} --env-file new.env")).yes();
    assert_eq!(workshop.mode("new.env"), 0o600);

    workshop.put("broken.toml", "[profile\nsecret = 'hush'\n");
    workshop.refused(1, &format!("{line} --toml broken.toml"), "is no TOML");
    workshop.refused(2, &format!("{line} --toml a --env-file b"), "cannot be used with");
}

#[test]
fn what_would_not_connect_is_told_and_not_written() {
    let workshop = workshop();
    let (cert, key) = files(&workshop);
    workshop
        .run(&format!(
            "key encrypt {key} --preset acm --passphrase-file passphrase.txt --out sealed.txt"
        ))
        .yes();
    let line = format!(
        "worker config --address hello.a1b2c.tmprl.cloud:7233 --namespace hello --cert {cert} --key sealed.txt --server-ca ca/certificate.pem --toml temporal.toml"
    );
    let ran = workshop.run(&line);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{ran}");
    for says in ["nothing was written", "lacks its account", "encrypted", "publicly trusted"] {
        ran.says(says);
    }
    assert!(!workshop.path("temporal.toml").exists());
    let told = workshop.run(&format!("{line} --json")).json();
    assert_eq!(told["would_connect"], false);
    let problems = told["problems"].as_array().unwrap();
    let ids: Vec<_> = problems.iter().map(|problem| problem["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["namespace-has-account", "key-plain", "server-ca-is-servers"]);
    for problem in problems {
        assert_eq!(problem["severity"], "error", "{told}");
        for part in ["asks", "found", "mend"] {
            assert!(!problem[part].as_str().unwrap().is_empty(), "{told}");
        }
    }
    workshop.run(&line).says("error key-plain: the key");
    workshop.run(&format!("{line} --force")).yes().says("wrote");
    assert!(workshop.text("temporal.toml").contains("sealed.txt"));
}

#[test]
fn warnings_are_told_and_do_not_keep_from_writing() {
    use std::os::unix::fs::PermissionsExt;
    let workshop = workshop();
    let (cert, key) = files(&workshop);
    std::fs::set_permissions(workshop.path(&key), PermissionsExt::from_mode(0o644)).unwrap();
    workshop.put(
        "temporal.toml",
        "[profile.default]\napi_key = \"hush\"\n[profile.default.tls]\ndisable_host_verification = true\n",
    );
    let line = format!(
        "worker config --address hello.a1b2c.tmprl.cloud:7233 --namespace hello.a1b2c --cert {cert} --key {key}"
    );
    workshop.run(&line).yes().says("# warning key-private: ");
    let told = workshop.json(&format!("{line} --toml temporal.toml"));
    let problems = told["problems"].as_array().unwrap().iter();
    let ids: Vec<_> = problems.map(|problem| problem["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["key-private", "no-api-key", "host-verified"]);
    assert!(!told.to_string().contains("hush"), "{told}");
    assert!(workshop.text("temporal.toml").contains(&cert));
    workshop.put("worker.env", "TEMPORAL_API_KEY=hush\n");
    let ran = workshop.run(&format!("{line} --env-file worker.env")).yes();
    ran.says("wrote").says("warning no-api-key: `TEMPORAL_API_KEY` is set");
}
