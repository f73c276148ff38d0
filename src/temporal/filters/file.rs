//! tcld's file format for filters.

use serde_json::Value;

use super::{CertificateFilter, FilterField, FilterSet};
use crate::temporal::json::{Json, JsonError, repeated};

/// Why a file is none of certificate filters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilterFileError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(#[source] JsonError),
    /// It is JSON of another form.
    #[error(
        "{path} is {found}, and a file of filters looks like {{\"filters\": [{{\"commonName\": \"worker\"}}]}}"
    )]
    Form {
        /// Where in the file: `filters[2].commonName`.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// A name is none of the format: left out, it would make the filter wider than it was meant.
    #[error(
        "{path} has the field \"{name}\", and a filter has commonName, organization, organizationalUnit and subjectAlternativeName"
    )]
    UnknownField {
        /// Where in the file.
        path: String,
        /// The name.
        name: String,
    },
    /// A field is named twice, in the same case or another: which of them counts, no reader has to say.
    #[error("{path} has the field {field} twice: leave one of them")]
    FieldTwice {
        /// Where in the file.
        path: String,
        /// The field.
        field: FilterField,
    },
    /// The list of filters is there twice.
    #[error("the file has \"{name}\" twice: put all filters into one list")]
    ListTwice {
        /// The name, as the second one is spelled.
        name: String,
    },
}

impl FilterSet {
    /// Reads tcld's JSON. An empty file is no filter, as in tcld; names are read in any case.
    ///
    /// # Errors
    /// [`FilterFileError`]; also for a field that no filter has, which tcld passes over.
    pub fn from_json(json: &[u8]) -> Result<Self, FilterFileError> {
        if json.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let value = Json::read(json).map_err(FilterFileError::Json)?;
        let form = |path: &str, value: &Json| FilterFileError::Form {
            path: path.to_owned(),
            found: value.kind(),
        };
        let Json::Object(file) = &value else {
            return Err(form("the file", &value));
        };
        let mut filters = Vec::new();
        for (name, value) in file {
            if !name.eq_ignore_ascii_case("filters") {
                let (path, name) = ("the file".to_owned(), name.clone());
                return Err(FilterFileError::UnknownField { path, name });
            }
            match value {
                Json::Null => {}
                Json::List(all) => {
                    for (place, value) in all.iter().enumerate() {
                        let path = format!("filters[{place}]");
                        let Json::Object(fields) = value else {
                            return Err(form(&path, value));
                        };
                        filters.push(filter(&path, fields)?);
                    }
                }
                other => return Err(form("filters", other)),
            }
        }
        match repeated(file, str::eq_ignore_ascii_case) {
            Some(name) => Err(FilterFileError::ListTwice { name: name.to_owned() }),
            None => Ok(Self { filters }),
        }
    }

    /// tcld's JSON, with the fields that have a value.
    #[must_use]
    pub fn to_json(&self) -> String {
        let filters = self.filters.iter().map(|filter| {
            let fields = filter.fields();
            Value::Object(
                fields.map(|(field, value)| (field.name().into(), value.into())).collect(),
            )
        });
        let file = serde_json::json!({ "filters": filters.collect::<Vec<_>>() });
        format!("{file:#}\n")
    }
}

fn filter(path: &str, fields: &[(String, Json)]) -> Result<CertificateFilter, FilterFileError> {
    let mut filter = CertificateFilter::default();
    let mut seen = Vec::new();
    for (name, value) in fields {
        let same = |field: &&FilterField| name.eq_ignore_ascii_case(field.name());
        let Some(&field) = FilterField::ALL.iter().find(same) else {
            let (path, name) = (path.to_owned(), name.clone());
            return Err(FilterFileError::UnknownField { path, name });
        };
        if seen.contains(&field) {
            return Err(FilterFileError::FieldTwice { path: path.to_owned(), field });
        }
        seen.push(field);
        filter = match value {
            Json::Null => filter,
            Json::Text(text) => filter.with(field, text),
            other => {
                let path = format!("{path}.{field}");
                return Err(FilterFileError::Form { path, found: other.kind() });
            }
        };
    }
    Ok(filter)
}
