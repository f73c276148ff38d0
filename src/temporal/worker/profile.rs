//! A profile in `temporal.toml`.

use toml_edit::{DocumentMut, Item, RawString, Table, TableLike, Value};

use super::{MergeError, WorkerConfiguration};

/// A file with this profile alone.
pub(super) fn alone(configuration: &WorkerConfiguration, profile: &str) -> String {
    let mut document = DocumentMut::new();
    // In an empty document nothing is in the way.
    let _ = put(configuration, &mut document, profile);
    document.to_string()
}

pub(super) fn merge(
    configuration: &WorkerConfiguration,
    existing: &str,
    profile: &str,
) -> Result<String, MergeError> {
    configuration.check_unicode()?;
    // The error's own text quotes the line, which may hold a key.
    let mut document: DocumentMut = existing.parse().map_err(|error: toml_edit::TomlError| {
        let before = existing.get(..error.span().map_or(0, |span| span.start));
        MergeError::Toml {
            line: before.unwrap_or_default().matches('\n').count() + 1,
            reason: error.message().to_owned(),
        }
    })?;
    put(configuration, &mut document, profile)?;
    Ok(document.to_string())
}

fn put(
    configuration: &WorkerConfiguration,
    document: &mut DocumentMut,
    profile: &str,
) -> Result<(), MergeError> {
    let path = |path: &std::path::PathBuf| path.display().to_string();
    let mut name = "profile".to_owned();
    let profiles = table(document.as_table_mut(), "profile", &name, true)?;
    name = format!("{name}.{profile}");
    let settings = table(profiles, profile, &name, false)?;
    set(settings, "address", Some(configuration.address.clone()));
    set(settings, "namespace", Some(configuration.namespace.clone()));
    let tls = table(settings, "tls", &format!("{name}.tls"), false)?;
    let mut comments = String::new();
    for (key, data, value) in [
        ("client_cert_path", "client_cert_data", Some(path(&configuration.client_cert_path))),
        ("client_key_path", "client_key_data", Some(path(&configuration.client_key_path))),
        (
            "server_ca_cert_path",
            "server_ca_cert_data",
            configuration.server_ca_cert_path.as_ref().map(path),
        ),
    ] {
        comments.push_str(&remove(tls, data));
        comments.push_str(&set(tls, key, value));
    }
    comments.push_str(&set(tls, "server_name", configuration.server_name.clone()));
    if tls.get("disabled").is_some_and(|disabled| disabled.as_bool() != Some(false)) {
        comments.push_str(&remove(tls, "disabled"));
    }
    // Somebody wrote them, and they may be of more than the line that went.
    if !comments.is_empty()
        && let Some(mut key) = tls.key_mut("client_cert_path")
    {
        let own = key.leaf_decor().prefix().and_then(RawString::as_str).unwrap_or_default();
        let prefix = format!("{comments}{own}");
        key.leaf_decor_mut().set_prefix(prefix);
    }
    Ok(())
}

/// The table of this key, made if it is not there, in whichever spelling the file has.
fn table<'a>(
    parent: &'a mut dyn TableLike,
    key: &str,
    name: &str,
    implicit: bool,
) -> Result<&'a mut dyn TableLike, MergeError> {
    if parent.get(key).is_none_or(Item::is_none) {
        let mut table = Table::new();
        table.set_implicit(implicit);
        parent.insert(key, Item::Table(table));
    }
    parent
        .get_mut(key)
        .and_then(Item::as_table_like_mut)
        .ok_or_else(|| MergeError::NotATable { key: name.to_owned() })
}

/// Removes a setting, and gives the comments that stood above it.
fn remove(table: &mut dyn TableLike, key: &str) -> String {
    let above = table.key(key).and_then(|key| key.leaf_decor().prefix());
    let above = above.and_then(RawString::as_str).filter(|above| above.contains('#'));
    let above = above.unwrap_or_default().to_owned();
    table.remove(key);
    above
}

/// Sets or removes a value. What stands around it, and how it is quoted if it says the same, stays;
/// the comments above a value that goes are given back.
fn set(table: &mut dyn TableLike, key: &str, text: Option<String>) -> String {
    let Some(text) = text else {
        return remove(table, key);
    };
    match table.get_mut(key) {
        Some(Item::Value(old)) if old.as_str() == Some(&text) => {}
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = Value::from(text);
            *old.decor_mut() = decor;
        }
        _ => {
            table.insert(key, Item::Value(Value::from(text)));
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration() -> WorkerConfiguration {
        let mut it = WorkerConfiguration::new("127.0.0.1:7233", "default", "C:\\a \"b\"", "/key");
        it.server_ca_cert_path = Some("/ca".into());
        it.server_name = Some("frontend".into());
        it
    }

    #[test]
    fn a_profile_reads_as_temporal_toml_has_it() {
        assert_eq!(
            configuration().temporal_toml("default"),
            "[profile.default]\naddress = \"127.0.0.1:7233\"\nnamespace = \"default\"\n\n[profile.default.tls]\nclient_cert_path = 'C:\\a \"b\"'\nclient_key_path = \"/key\"\nserver_ca_cert_path = \"/ca\"\nserver_name = \"frontend\"\n"
        );
        assert!(configuration().temporal_toml("a b").starts_with("[profile.\"a b\"]"));
    }

    #[test]
    fn what_is_not_ours_stays_and_the_other_spelling_goes() {
        let existing = "# mine\n[profile.other]\napi_key = 'k' # secret\n\n[profile.default]\n# where\naddress = \"old:1\" # was\napi_key = \"x\"\n[profile.default.tls]\ndisabled = true\nclient_cert_data = \"pem\"\ndisable_host_verification = false\n[profile.default.grpc_meta]\na = \"b\"\n";
        let merged = configuration().merge_toml(existing, "default").unwrap();
        assert_eq!(
            merged,
            "# mine\n[profile.other]\napi_key = 'k' # secret\n\n[profile.default]\n# where\naddress = \"127.0.0.1:7233\" # was\napi_key = \"x\"\nnamespace = \"default\"\n[profile.default.tls]\ndisable_host_verification = false\nclient_cert_path = 'C:\\a \"b\"'\nclient_key_path = \"/key\"\nserver_ca_cert_path = \"/ca\"\nserver_name = \"frontend\"\n[profile.default.grpc_meta]\na = \"b\"\n"
        );
        assert_eq!(configuration().merge_toml(&merged, "default").unwrap(), merged);
    }

    #[test]
    fn every_spelling_of_a_table_is_merged_into() {
        for existing in [
            "profile = { default = { address = \"a:1\", tls = { server_name = \"s\" } } }\n",
            "profile = { other = { address = \"a:1\" } }\n",
            "[profile]\ndefault.tls.client_cert_data = \"x\"\nother.address = \"a:1\"\n",
            "profile.default.namespace = \"n\"\n",
            "[profile.default.tls]\nclient_key_data = \"x\"\n",
            "\u{feff}# mark\n",
            "a = 1\r\n[profile.default]\r\naddress = 'x'\r\n",
        ] {
            let merged = configuration().merge_toml(existing, "default").unwrap();
            let read: DocumentMut = merged.parse().expect(&merged);
            let profile = &read["profile"]["default"];
            assert_eq!(profile["address"].as_str(), Some("127.0.0.1:7233"), "{merged}");
            assert_eq!(profile["namespace"].as_str(), Some("default"), "{merged}");
            let tls = profile["tls"].as_table_like().expect(&merged);
            assert_eq!(tls.len(), 4, "{merged}");
            assert_eq!(tls.get("client_key_path").unwrap().as_str(), Some("/key"), "{merged}");
            assert_eq!(configuration().merge_toml(&merged, "default").unwrap(), merged);
        }
    }

    #[test]
    fn what_is_in_the_way_is_named_and_no_value_is_shown() {
        let refused = |text: &str| configuration().merge_toml(text, "default").unwrap_err();
        let error = refused("a = 1\nclient_key_data = \"hush\" hush\n");
        assert!(matches!(error, MergeError::Toml { line: 2, .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        for (text, wanted) in [
            ("profile = 1", "profile"),
            ("[profile]\ndefault = true", "profile.default"),
            ("[profile.default]\ntls = true", "profile.default.tls"),
            ("[[profile]]\na = 1", "profile"),
        ] {
            let error = refused(text);
            assert!(matches!(&error, MergeError::NotATable { key } if key == wanted), "{error:?}");
        }
    }
}
