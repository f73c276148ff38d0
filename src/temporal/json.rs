//! JSON in which nothing is lost: of a name that is there twice both are kept, so that a reader can refuse it.
//!
//! RFC 8259 section 4 leaves open what such a name means, and serde_json's own value keeps the last.

use std::error::Error;
use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Bytes that are no JSON.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
#[non_exhaustive]
pub struct JsonError {
    /// The line where it shows, from 1.
    pub line: usize,
    /// The column in that line, in bytes, from 1; 0 is the end of the line before.
    pub column: usize,
    /// The reader's own error.
    source: Box<dyn Error + Send + Sync>,
}

/// A value. Numbers are whole or not told apart, because no file here has others.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool,
    /// `None` if it is negative, too large, or no whole number.
    Number(Option<u64>),
    Text(String),
    List(Vec<Json>),
    /// In the order of the file.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn read(json: &[u8]) -> Result<Self, JsonError> {
        serde_json::from_slice(json).map_err(|error| JsonError {
            line: error.line(),
            column: error.column(),
            source: Box::new(error),
        })
    }

    /// What it is, for a sentence.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// The first name that is in an object twice, if `same` says so of two names.
pub(super) fn repeated(
    object: &[(String, Json)],
    same: impl Fn(&str, &str) -> bool,
) -> Option<&str> {
    object.iter().enumerate().find_map(|(place, (name, _))| {
        let mut before = object.iter().take(place);
        before.any(|(earlier, _)| same(earlier, name)).then_some(name.as_str())
    })
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde_core::de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: serde_core::de::Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Bool)
    }

    fn visit_u64<E: serde_core::de::Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(Some(number)))
    }

    fn visit_i64<E: serde_core::de::Error>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number(None))
    }

    fn visit_f64<E: serde_core::de::Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number(None))
    }

    fn visit_str<E: serde_core::de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element()? {
            all.push(value);
        }
        Ok(Json::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = object.next_entry()? {
            // A name's own place is looked for among those before it.
            if all.len() >= MOST_NAMES {
                return Err(A::Error::custom(format_args!(
                    "an object has more than {MOST_NAMES} names"
                )));
            }
            all.push(entry);
        }
        Ok(Json::Object(all))
    }
}

/// How many names an object may have; those of the files here have six.
const MOST_NAMES: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_value_is_read_and_a_name_that_is_there_twice_is_kept_twice() {
        let read =
            Json::read(br#"{"a": [null, true, 7, -7, 1.5, "x\n"], "b": {}, "a": 1}"#).unwrap();
        let Json::Object(entries) = &read else { unreachable!("{read:?}") };
        assert_eq!(entries.len(), 3);
        let list = [
            Json::Null,
            Json::Bool,
            Json::Number(Some(7)),
            Json::Number(None),
            Json::Number(None),
            Json::Text("x\n".to_owned()),
        ];
        assert_eq!(entries[0], ("a".to_owned(), Json::List(list.to_vec())));
        assert_eq!(repeated(entries, str::eq), Some("a"));
        assert_eq!(repeated(&entries[..2], str::eq), None);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let error = Json::read(b"{\n  \"a\": ]\n}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(error.source().is_some());
        let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
        assert!(Json::read(&deep).is_err());
        let names: Vec<_> = (0..2000).map(|name| format!("\"{name}\": 1")).collect();
        assert!(Json::read(format!("{{{}}}", names.join(",")).as_bytes()).is_err());
    }
}
