//! A worker's variables in an environment file.

use super::{MergeError, WorkerConfiguration};

/// Variables that decide with those of a configuration: a configuration that does not set one
/// removes it.
const OWNED: [&str; 10] = [
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "TEMPORAL_TLS",
    "TEMPORAL_TLS_CLIENT_CERT_PATH",
    "TEMPORAL_TLS_CLIENT_CERT_DATA",
    "TEMPORAL_TLS_CLIENT_KEY_PATH",
    "TEMPORAL_TLS_CLIENT_KEY_DATA",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
    "TEMPORAL_TLS_SERVER_CA_CERT_DATA",
    "TEMPORAL_TLS_SERVER_NAME",
];

pub(super) fn merge(
    configuration: &WorkerConfiguration,
    existing: &str,
) -> Result<String, MergeError> {
    configuration.check_unicode()?;
    let mut missing = configuration.environment();
    for (variable, value) in &missing {
        check_value(variable, value)?;
    }
    let mut merged = String::with_capacity(existing.len() + 512);
    let mut inside = Inside::Nothing;
    for (index, line) in existing.split_inclusive('\n').enumerate() {
        let before = inside;
        inside = inside.after(line);
        let Some(owned) = assigned(line) else {
            merged.push_str(line);
            continue;
        };
        if before != Inside::Nothing || inside != Inside::Nothing {
            return Err(MergeError::Continued { line: index + 1, variable: owned });
        }
        if let Some(position) = missing.iter().position(|(variable, _)| *variable == owned) {
            let (variable, value) = missing.remove(position);
            push(&mut merged, variable, &value);
        }
    }
    for (variable, value) in missing {
        if !merged.is_empty() && !merged.ends_with('\n') {
            merged.push('\n');
        }
        push(&mut merged, variable, &value);
    }
    Ok(merged)
}

fn push(text: &mut String, variable: &str, value: &str) {
    text.extend([variable, "=", value, "\n"]);
}

/// A line without the shell's word before it, and without the mark with which some editors begin a file.
fn without_export(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}').trim();
    match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    }
}

/// Which of our variables a line sets, or takes over from the environment as Docker has it where
/// there is no `=`.
fn assigned(line: &str) -> Option<&'static str> {
    let line = without_export(line);
    let key = line.split_once('=').map_or(line, |(key, _)| key).trim();
    OWNED.into_iter().find(|owned| *owned == key)
}

/// What a line sets this variable to, without the quotes around it.
pub(super) fn value_of<'a>(line: &'a str, variable: &str) -> Option<&'a str> {
    let (key, value) = without_export(line).split_once('=')?;
    let value = value.trim();
    let bare = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote)));
    (key.trim() == variable).then(|| bare.unwrap_or(value))
}

/// The value that goes on over the end of a line, as systemd and shells read it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// The line ended with a backslash.
    Continuation,
    /// This quote is open.
    Quote(char),
}

impl Inside {
    fn after(self, line: &str) -> Self {
        let line = line.trim_end_matches(['\n', '\r']);
        let mut quote = match self {
            Self::Quote(quote) => Some(quote),
            _ => None,
        };
        let mut rest = line;
        if self == Self::Nothing {
            if line.trim_start().starts_with(['#', ';']) {
                return Self::Nothing;
            }
            let Some((_, value)) = line.split_once('=') else {
                return Self::Nothing;
            };
            rest = value.trim_start();
            // Docker takes every quote literally, and only one at the beginning means the other
            // reading: a value like `it's` is whole.
            if !rest.starts_with(['"', '\'']) {
                return if rest.ends_with('\\') { Self::Continuation } else { Self::Nothing };
            }
        }
        let mut escaped = false;
        for character in rest.chars() {
            match (quote, character) {
                _ if escaped => escaped = false,
                (None | Some('"'), '\\') => escaped = true,
                (Some(open), close) if open == close => quote = None,
                (None, open @ ('"' | '\'')) => quote = Some(open),
                _ => {}
            }
        }
        match quote {
            Some(quote) => Self::Quote(quote),
            None if escaped => Self::Continuation,
            None => Self::Nothing,
        }
    }
}

/// Refuses what would have to be quoted, because Docker takes quotes literally.
fn check_value(variable: &'static str, value: &str) -> Result<(), MergeError> {
    if value.is_empty() {
        return Err(MergeError::Empty { variable });
    }
    let plain = |character: char| {
        character.is_alphanumeric() || (character.is_ascii() && "-_./:@%+,=[]".contains(character))
    };
    match value.chars().find(|character| !plain(*character)) {
        Some(character) => Err(MergeError::Value { variable, value: value.to_owned(), character }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration() -> WorkerConfiguration {
        WorkerConfiguration::new("hello.a1b2c.tmprl.cloud:7233", "hello.a1b2c", "/c.pem", "/k.pem")
    }

    #[test]
    fn ours_are_replaced_where_they_stand_and_the_rest_stays() {
        let existing = "# the worker\nLOG='a b' # c\n  export TEMPORAL_ADDRESS=\"old:1\"\nTEMPORAL_TLS_CLIENT_CERT_DATA=x\nTEMPORAL_TLS=false\nTEMPORAL_ADDRESS=again\n#TEMPORAL_NAMESPACE=off\nTEMPORAL_NAMESPACE\nTEMPORAL_TLS_SERVER_NAME=s\nTEMPORAL_API_KEY=it's\nLAST=1";
        let merged = configuration().merge_environment(existing).unwrap();
        assert_eq!(
            merged,
            "# the worker\nLOG='a b' # c\nTEMPORAL_ADDRESS=hello.a1b2c.tmprl.cloud:7233\n#TEMPORAL_NAMESPACE=off\nTEMPORAL_NAMESPACE=hello.a1b2c\nTEMPORAL_API_KEY=it's\nLAST=1\nTEMPORAL_TLS_CLIENT_CERT_PATH=/c.pem\nTEMPORAL_TLS_CLIENT_KEY_PATH=/k.pem\n"
        );
        assert_eq!(configuration().merge_environment(&merged).unwrap(), merged);
    }

    #[test]
    fn values_that_programs_read_differently_are_refused() {
        for path in ["/a b", "/a\nB=1", "/a\"", "/a'", "/a\\b", "/$HOME", "/a#b", "~/a", "/a;b"] {
            let mut it = configuration();
            it.client_key_path = path.into();
            let error = it.merge_environment("").unwrap_err();
            assert!(matches!(error, MergeError::Value { .. }), "{error:?}");
        }
        let mut it = configuration();
        it.namespace.clear();
        let error = it.merge_environment("").unwrap_err();
        assert!(matches!(error, MergeError::Empty { variable: "TEMPORAL_NAMESPACE" }));
    }

    #[test]
    fn a_value_of_several_lines_is_not_torn() {
        for (line, existing) in [
            (1, "TEMPORAL_TLS_CLIENT_KEY_DATA=\"-----BEGIN\nhush\n-----END\"\n"),
            (2, "A=\"x\nTEMPORAL_ADDRESS=y\n\"\n"),
            (2, "A=x \\\nTEMPORAL_ADDRESS=y\n"),
            (1, "TEMPORAL_ADDRESS=x\\\ny\n"),
        ] {
            let error = configuration().merge_environment(existing).unwrap_err();
            let MergeError::Continued { line: named, .. } = error else { panic!("{error:?}") };
            assert_eq!(named, line, "{existing}");
        }
        let whole = "A=\"x\ny\"\nTEMPORAL_ADDRESS=y\n";
        let merged = configuration().merge_environment(whole).unwrap();
        assert!(merged.starts_with("A=\"x\ny\"\nTEMPORAL_ADDRESS=hello."), "{merged}");
    }
}
