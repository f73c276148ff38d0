//! A plan in its file: read back as it was written, and refused if no rotation comes to it.

use private_ca::CertificateChain;
use private_ca::file::Existing;
use private_ca::temporal::rotation::{PlanFault, Rotation, RotationFileError};

use super::{Stage, chains, presented};

#[test]
fn a_plan_is_read_back_from_its_file() {
    let mut stage = Stage::new();
    let now = chains::now();
    stage.rotation.issued("mail", &stage.leaves[0], now).unwrap();
    stage.rotation.confirmed("mail", now).unwrap();
    stage.rotation.retired("mail", now).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rotation.json");
    stage.rotation.save(&path, Existing::Keep).unwrap();
    assert_eq!(Rotation::load(&path).unwrap(), stage.rotation);
    assert!(stage.rotation.save(&path, Existing::Keep).is_err());
    stage.rotation.save(&path, Existing::Replace).unwrap();

    let text = stage.rotation.to_json();
    for (from, to, says) in [
        ("\"form\": 1", "\"form\": 2", "\"form\" is not 1"),
        ("\"workers\"", "\"worker\"", "workers is missing"),
        ("\"name\": \"mail\"", "\"name\": 7", "workers[0].name is missing"),
        ("\"retired\": \"2027", "\"retired\": \"soon", "workers[0].retired is missing"),
        ("\"confirmed\": null", "\"confirmed\": true", "workers[1].confirmed is missing"),
        ("\"old\": \"-----BEGIN CERT", "\"old\": \"-----BEGIN CARD", "old cannot be read"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Rotation::from_json(changed.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = Rotation::from_json(b"{").unwrap_err();
    assert!(matches!(error, RotationFileError::Json(_)), "{error}");
    let error = Rotation::load(folder.path().join("absent")).unwrap_err();
    assert!(matches!(error, RotationFileError::File(_)), "{error}");
}

#[cfg(unix)]
#[test]
fn a_plan_behind_a_link_is_one_plan() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("rotation.json"), folder.path().join("link.json"));
    stage.rotation.save(&path, Existing::Keep).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut rotation = Rotation::load(&link).unwrap();
    rotation.issued("mail", &stage.leaves[0], chains::now()).unwrap();
    rotation.save(&link, Existing::Replace).unwrap();
    assert!(link.is_symlink());
    assert_eq!(Rotation::load(&path).unwrap(), rotation);
}

/// A plan's file with its JSON changed.
fn changed(rotation: &Rotation, change: impl FnOnce(&mut serde_json::Value)) -> RotationFileError {
    let mut plan = serde_json::from_str(&rotation.to_json()).unwrap();
    change(&mut plan);
    Rotation::from_json(plan.to_string().as_bytes()).unwrap_err()
}

#[test]
fn a_plan_that_no_rotation_comes_to_is_refused_and_the_worker_named() {
    let mut stage = Stage::new();
    let now = chains::now();
    stage.rotation.issued("payments", &stage.leaves[1], now).unwrap();
    stage.rotation.confirmed("payments", now).unwrap();
    stage.rotation.retired("payments", now).unwrap();
    let fault = |change: &dyn Fn(&mut serde_json::Value)| {
        let error = changed(&stage.rotation, change);
        let RotationFileError::Fault(fault) = error else { panic!("{error}") };
        fault
    };
    let pem = |chain: &CertificateChain| serde_json::Value::from(chain.to_pem());
    let mail = "mail".to_owned();
    let twice = fault(&|plan| plan["workers"][1]["name"] = "mail".into());
    assert_eq!(twice, PlanFault::WorkerTwice { name: mail.clone() });
    assert_eq!(twice.to_string(), "two workers are called mail");
    let nameless = fault(&|plan| plan["workers"][1]["name"] = "".into());
    assert_eq!(nameless, PlanFault::NoName { place: 1 });
    let time = serde_json::Value::from(now.to_string());
    let confirmed = fault(&|plan| plan["workers"][0]["confirmed"] = time.clone());
    assert_eq!(confirmed, PlanFault::ConfirmedWithoutCertificate { worker: mail.clone() });
    assert!(confirmed.to_string().contains("worker mail"), "{confirmed}");
    let retired = fault(&|plan| plan["workers"][0]["retired"] = time.clone());
    assert_eq!(retired, PlanFault::RetiredWithoutConfirmation { worker: mail.clone() });
    assert!(retired.to_string().contains("worker mail"), "{retired}");
    let retired = fault(&|plan| plan["workers"][1]["confirmed"] = serde_json::Value::Null);
    assert_eq!(retired, PlanFault::RetiredWithoutConfirmation { worker: "payments".to_owned() });
    let both = fault(&|plan| {
        let more = [stage.old.certificate.to_pem(), stage.new.certificate.to_pem()].concat();
        plan["new"] = more.into();
    });
    assert_eq!(both, PlanFault::Both { subject: stage.old.certificate.subject() });
    let no_ca = fault(&|plan| plan["new"] = pem(&stage.leaves[0]));
    assert!(matches!(no_ca, PlanFault::NotCa { .. }), "{no_ca}");
    let stranger = fault(&|plan| plan["workers"][0]["old"] = pem(&stage.leaves[0]));
    assert!(matches!(&stranger, PlanFault::NotOfOldCa { worker, .. } if *worker == mail));
    let stranger = fault(&|plan| plan["workers"][0]["new"] = pem(&stage.before[0].chain));
    assert!(matches!(&stranger, PlanFault::NotOfNewCa { worker, .. } if *worker == mail));
    // More CAs than any bundle has would cost hours.
    let many = fault(&|plan| {
        let more: String =
            (0..17).map(|_| chains::Authority::root("Another").certificate.to_pem()).collect();
        plan["old"] = more.into();
    });
    assert!(matches!(many, PlanFault::TooMany { count: 17, .. }), "{many}");
    // The intermediate that the second worker presents is lost.
    let alone = presented(&[&stage.leaves[1].certificates()[0]]);
    let lost = fault(&|plan| plan["workers"][1]["new"] = pem(&alone));
    assert!(matches!(&lost, PlanFault::NotOfNewCa { worker, .. } if worker == "payments"));

    // A certificate that has ended since is no fault: the plan only says what was.
    let ended = stage.old.leaf_with(chains::EXPIRED);
    let mut plan: serde_json::Value = serde_json::from_str(&stage.rotation.to_json()).unwrap();
    plan["workers"][0]["old"] = pem(&presented(&[&ended]));
    Rotation::from_json(plan.to_string().as_bytes()).unwrap();

    // And a name that is there twice has no meaning.
    let text = stage.rotation.to_json();
    for (from, to, path, name) in [
        (
            "\"confirmed\": null",
            "\"confirmed\": null, \"confirmed\": null",
            "workers[0]",
            "confirmed",
        ),
        ("\"workers\": [", "\"workers\": [], \"workers\": [", "the plan", "workers"),
        ("\"form\": 1", "\"form\": 1, \"form\": 2", "the plan", "form"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Rotation::from_json(changed.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("{path} has \"{name}\" twice: leave one of them"));
    }
}
