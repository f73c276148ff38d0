//! What stands beside a configuration in a file that it is merged into, and decides with it.

use toml_edit::{DocumentMut, Item, TableLike};

use super::{ConfigurationProblem, environment_file};

/// What is wrong with the settings of a profile that [`WorkerConfiguration::merge_toml`] leaves as
/// they are: an API key, host verification switched off.
///
/// Empty for a text that is no TOML, which the merge refuses with the reason.
///
/// [`WorkerConfiguration::merge_toml`]: super::WorkerConfiguration::merge_toml
#[must_use]
pub fn beside_in_toml(existing: &str, profile: &str) -> Vec<ConfigurationProblem> {
    let mut problems = Vec::new();
    let Ok(document) = existing.parse::<DocumentMut>() else { return problems };
    let within = |table: &dyn TableLike, key: &str| table.get(key).is_some_and(is_set);
    let profiles = document.get("profile").and_then(Item::as_table_like);
    let Some(settings) = profiles.and_then(|it| it.get(profile)).and_then(Item::as_table_like)
    else {
        return problems;
    };
    if within(settings, "api_key") {
        let setting = format!("profile.{profile}.api_key");
        problems.push(ConfigurationProblem::ApiKey { setting });
    }
    let tls = settings.get("tls").and_then(Item::as_table_like);
    if tls.is_some_and(|tls| within(tls, "disable_host_verification")) {
        let setting = format!("profile.{profile}.tls.disable_host_verification");
        problems.push(ConfigurationProblem::HostVerification { setting });
    }
    problems
}

fn is_set(item: &Item) -> bool {
    match item.as_value() {
        Some(value) => value.as_bool() != Some(false) && value.as_str() != Some(""),
        None => false,
    }
}

/// Like [`beside_in_toml`], for the variables of an environment file that
/// [`WorkerConfiguration::merge_environment`](super::WorkerConfiguration::merge_environment) leaves.
#[must_use]
pub fn beside_in_environment(existing: &str) -> Vec<ConfigurationProblem> {
    let mut problems = Vec::new();
    let is_on = |variable: &str| {
        let mut lines =
            existing.lines().filter_map(|line| environment_file::value_of(line, variable));
        // The last one holds.
        lines.next_back().is_some_and(|value| !["", "false", "0"].contains(&value))
    };
    for (variable, is_key) in
        [("TEMPORAL_API_KEY", true), ("TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", false)]
    {
        if is_on(variable) {
            let setting = variable.to_owned();
            problems.push(if is_key {
                ConfigurationProblem::ApiKey { setting }
            } else {
                ConfigurationProblem::HostVerification { setting }
            });
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal::worker::Check;

    fn checks(problems: &[ConfigurationProblem]) -> Vec<Check> {
        let shown = format!("{problems:?}");
        assert!(!shown.contains("hush"), "{shown}");
        problems.iter().map(ConfigurationProblem::check).collect()
    }

    #[test]
    fn an_api_key_and_a_server_that_is_not_verified_are_named_in_every_spelling() {
        let both = [Check::NoApiKey, Check::HostVerified];
        for text in [
            "[profile.a]\napi_key = \"hush\"\n[profile.a.tls]\ndisable_host_verification = true\n",
            "profile.a = { api_key = 'hush', tls = { disable_host_verification = true } }\n",
            "profile.a.api_key = 'hush'\nprofile.a.tls.disable_host_verification = true\n",
        ] {
            assert_eq!(checks(&beside_in_toml(text, "a")), both, "{text}");
            assert_eq!(checks(&beside_in_toml(text, "b")), []);
        }
        let off = "[profile.a]\napi_key = ''\n[profile.a.tls]\ndisable_host_verification = false\n";
        assert_eq!(checks(&beside_in_toml(off, "a")), []);
        assert_eq!(checks(&beside_in_toml("[profile", "a")), []);
        let text =
            "export TEMPORAL_API_KEY=\"hush\"\n TEMPORAL_TLS_DISABLE_HOST_VERIFICATION=true\n";
        assert_eq!(checks(&beside_in_environment(text)), both);
        let tabbed = "\u{feff}export\tTEMPORAL_API_KEY=hush\n";
        assert_eq!(checks(&beside_in_environment(tabbed)), [Check::NoApiKey]);
        for text in [
            "#TEMPORAL_API_KEY=hush\n",
            "TEMPORAL_API_KEY=\n",
            "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION=\"false\"\n",
            "TEMPORAL_API_KEY=hush\nTEMPORAL_API_KEY=\n",
            "TEMPORAL_API_KEY_FILE=/x\n",
        ] {
            assert_eq!(checks(&beside_in_environment(text)), [], "{text}");
        }
    }
}
