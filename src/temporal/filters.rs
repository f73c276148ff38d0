//! Certificate filters of a Temporal Cloud namespace: read, checked, and tried against a certificate.
//!
//! A namespace with filters admits a client of its CAs only if one of them fits the client's
//! certificate (Temporal Cloud, "How to manage certificate filters"). The file format is tcld's:
//!
//! ```json
//! { "filters": [ { "commonName": "worker.acme.internal", "organization": "Acme*" } ] }
//! ```

mod file;
mod trial;

use std::collections::HashMap;
use std::fmt;

pub use file::FilterFileError;
pub use trial::{FieldTrial, FilterTrial, Trial};

/// How many filters a namespace may have (Temporal Cloud, "How to manage certificate filters").
pub const MAX_FILTERS: usize = 25;

/// A field of a certificate that a filter can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterField {
    /// The subject's CN.
    CommonName,
    /// The subject's O.
    Organization,
    /// The subject's OU.
    OrganizationalUnit,
    /// A subject alternative name.
    SubjectAlternativeName,
}

impl FilterField {
    /// All of them, in the order of the file format.
    pub const ALL: &[Self] = &[
        Self::CommonName,
        Self::Organization,
        Self::OrganizationalUnit,
        Self::SubjectAlternativeName,
    ];

    /// Its name in tcld's files: `commonName`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CommonName => "commonName",
            Self::Organization => "organization",
            Self::OrganizationalUnit => "organizationalUnit",
            Self::SubjectAlternativeName => "subjectAlternativeName",
        }
    }
}

impl fmt::Display for FilterField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One filter: every field that it names has to fit.
///
/// A value may have one `*`, as its first or last character, which stands for any text or none.
/// Upper and lower case are the same: each character is put into lower case by itself, as Go's
/// `strings.ToLower` does it. So "Ω" is "ω", and "Σ" is "σ" wherever it stands, but never "ς"; and "ß" is not "ss".
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CertificateFilter {
    /// The subject's common name; of several, the last.
    pub common_name: Option<String>,
    /// One of the subject's organizations.
    pub organization: Option<String>,
    /// One of the subject's organizational units.
    pub organizational_unit: Option<String>,
    /// One of the subject alternative names, without its kind: `worker.acme.internal`, `10.0.0.1`.
    pub subject_alternative_name: Option<String>,
}

impl CertificateFilter {
    /// The value for a field.
    #[must_use]
    pub fn get(&self, field: FilterField) -> Option<&str> {
        match field {
            FilterField::CommonName => &self.common_name,
            FilterField::Organization => &self.organization,
            FilterField::OrganizationalUnit => &self.organizational_unit,
            FilterField::SubjectAlternativeName => &self.subject_alternative_name,
        }
        .as_deref()
    }

    /// The same filter with a value for a field. A value of spaces alone is none, as tcld has it.
    #[must_use]
    pub fn with(mut self, field: FilterField, value: impl Into<String>) -> Self {
        let value = Some(value.into()).filter(|value| !value.trim().is_empty());
        *match field {
            FilterField::CommonName => &mut self.common_name,
            FilterField::Organization => &mut self.organization,
            FilterField::OrganizationalUnit => &mut self.organizational_unit,
            FilterField::SubjectAlternativeName => &mut self.subject_alternative_name,
        } = value;
        self
    }

    /// The fields that it names, with their values.
    pub fn fields(&self) -> impl Iterator<Item = (FilterField, &str)> {
        FilterField::ALL.iter().filter_map(|&field| Some((field, self.get(field)?)))
    }

    /// The same for every spelling that means the same.
    fn folded(&self) -> Vec<(FilterField, String)> {
        self.fields().map(|(field, value)| (field, lower(value))).collect()
    }
}

impl fmt::Display for CertificateFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = self.fields();
        let Some((field, value)) = fields.next() else {
            return f.write_str("no field");
        };
        write!(f, "{field} \"{value}\"")?;
        fields.try_for_each(|(field, value)| write!(f, " and {field} \"{value}\""))
    }
}

/// Why Temporal Cloud does not take filters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterProblem {
    /// There are more than a namespace may have.
    #[error("there are {count} filters, and a namespace has {MAX_FILTERS} at most")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A filter asks for nothing.
    #[error("filter {} names no field: it would say nothing about the certificate", place + 1)]
    NoField {
        /// Its place, from 0.
        place: usize,
    },
    /// A value's wildcard is not one that may be.
    #[error("filter {} has the value \"{value}\" for {field}: {rule}", place + 1)]
    Wildcard {
        /// The filter's place, from 0.
        place: usize,
        /// The field.
        field: FilterField,
        /// Its value.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Two filters are the same.
    #[error("filter {} repeats filter {}: {filter}", place + 1, first + 1)]
    Duplicate {
        /// The later one's place, from 0.
        place: usize,
        /// The earlier one's place, from 0.
        first: usize,
        /// The filter.
        filter: CertificateFilter,
    },
}

/// The filters of a namespace. With none, every client of its CAs is admitted.
///
/// ```
/// use private_ca::temporal::filters::FilterSet;
///
/// let filters = FilterSet::from_json(br#"{ "filters": [ { "commonName": "*.acme.internal" } ] }"#)?;
/// assert!(filters.problems().is_empty());
/// assert_eq!(FilterSet::from_json(filters.to_json().as_bytes())?, filters);
/// # Ok::<(), private_ca::temporal::filters::FilterFileError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterSet {
    filters: Vec<CertificateFilter>,
}

impl FilterSet {
    /// These filters, whether Temporal Cloud takes them or not: [`FilterSet::problems`] says.
    #[must_use]
    pub fn new(filters: Vec<CertificateFilter>) -> Self {
        Self { filters }
    }

    /// The filters in order.
    #[must_use]
    pub fn filters(&self) -> &[CertificateFilter] {
        &self.filters
    }

    /// Whether there is none, so that the CA alone decides.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Everything for which Temporal Cloud would not take them.
    #[must_use]
    pub fn problems(&self) -> Vec<FilterProblem> {
        let mut problems = Vec::new();
        if self.filters.len() > MAX_FILTERS {
            problems.push(FilterProblem::TooMany { count: self.filters.len() });
        }
        let mut seen = HashMap::new();
        for (place, filter) in self.filters.iter().enumerate() {
            if filter.fields().next().is_none() {
                problems.push(FilterProblem::NoField { place });
                continue;
            }
            for (field, value) in filter.fields() {
                if let Some(rule) = broken_rule(value) {
                    let value = value.to_owned();
                    problems.push(FilterProblem::Wildcard { place, field, value, rule });
                }
            }
            let first = *seen.entry(filter.folded()).or_insert(place);
            if first != place {
                let filter = filter.clone();
                problems.push(FilterProblem::Duplicate { place, first, filter });
            }
        }
        problems
    }
}

/// A text in lower case, character by character and whatever stands beside it: where the start of a word is
/// compared, it must not matter how the word ends.
fn lower(text: &str) -> String {
    // Of the one character that becomes two, U+0130, Go keeps the first.
    text.chars().map(|letter| letter.to_lowercase().next().unwrap_or(letter)).collect()
}

/// What is wrong with the wildcard of a value.
fn broken_rule(value: &str) -> Option<&'static str> {
    if value == "*" {
        return Some("a * may not stand alone");
    }
    match value.matches('*').count() {
        0 => None,
        1 if value.starts_with('*') || value.ends_with('*') => None,
        1 => Some("a * may only be the first or the last character"),
        _ => Some("there may be one * only"),
    }
}
