//! Filters tried against a certificate, as Temporal Cloud will.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519 as x520;

use super::{FilterField, FilterSet};
use crate::certificate::{Certificate, SubjectAlternativeName};

/// How a certificate fares with the filters of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trial {
    /// Each filter, in order.
    pub filters: Vec<FilterTrial>,
}

/// How a certificate fares with one filter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilterTrial {
    /// Each field that the filter names.
    pub fields: Vec<FieldTrial>,
}

/// How a certificate fares with one field of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldTrial {
    /// The field.
    pub field: FilterField,
    /// The value that the filter asks for.
    pub wanted: String,
    /// What the certificate has there.
    pub found: Vec<String>,
    /// The first of these that fits.
    pub matched: Option<String>,
}

impl Trial {
    /// Whether the certificate is admitted: one filter fits, or there is none.
    #[must_use]
    pub fn is_admitted(&self) -> bool {
        self.filters.is_empty() || self.filters.iter().any(FilterTrial::fits)
    }

    /// The place of the first filter that fits, from 0.
    #[must_use]
    pub fn matched(&self) -> Option<usize> {
        self.filters.iter().position(FilterTrial::fits)
    }

    /// The place of the filter that came nearest, from 0: the one with the fewest fields that do not
    /// fit; of several, the one with the most that do.
    #[must_use]
    pub fn nearest(&self) -> Option<usize> {
        let misses = |trial: &FilterTrial| {
            let fit = trial.fields.iter().filter(|field| field.matched.is_some()).count();
            (trial.fields.len() - fit, std::cmp::Reverse(fit))
        };
        let (place, _) = self.filters.iter().enumerate().min_by_key(|(_, trial)| misses(trial))?;
        Some(place)
    }
}

impl FilterTrial {
    /// Whether every field fits. A filter without any fits nothing.
    #[must_use]
    pub fn fits(&self) -> bool {
        !self.fields.is_empty() && self.fields.iter().all(|field| field.matched.is_some())
    }
}

impl FilterSet {
    /// Tries every filter against a certificate.
    ///
    /// Several values of O, of OU and of subject alternative names are each tried; of several common
    /// names the last counts, because Temporal Cloud's frontend reads certificates with Go's
    /// crypto/x509, which keeps that one.
    #[must_use]
    pub fn try_on(&self, certificate: &Certificate) -> Trial {
        let try_field = |(field, wanted): (FilterField, &str)| {
            let found = values(certificate, field);
            let matched = found.iter().find(|value| fits(wanted, value)).cloned();
            FieldTrial { field, wanted: wanted.to_owned(), found, matched }
        };
        let filters = self
            .filters
            .iter()
            .map(|filter| FilterTrial { fields: filter.fields().map(try_field).collect() })
            .collect();
        Trial { filters }
    }
}

/// What a certificate has in a field, in its order.
fn values(certificate: &Certificate, field: FilterField) -> Vec<String> {
    let attributes = |wanted: ObjectIdentifier| {
        let attributes = certificate.subject().attributes();
        attributes.filter_map(move |(id, value)| (id == wanted).then_some(value))
    };
    match field {
        FilterField::CommonName => certificate.subject().common_name().into_iter().collect(),
        FilterField::Organization => attributes(x520::O).collect(),
        FilterField::OrganizationalUnit => attributes(x520::OU).collect(),
        FilterField::SubjectAlternativeName => {
            let names = certificate.subject_alternative_names();
            names.iter().filter_map(text).collect()
        }
    }
}

/// A name as a filter can ask for it.
fn text(name: &SubjectAlternativeName) -> Option<String> {
    match name {
        SubjectAlternativeName::Dns(text)
        | SubjectAlternativeName::Email(text)
        | SubjectAlternativeName::Uri(text) => Some(text.clone()),
        SubjectAlternativeName::Ip(address) => Some(address.to_string()),
        SubjectAlternativeName::Other { .. } => None,
    }
}

/// Whether a filter's value fits a certificate's. A value with a forbidden wildcard fits nothing.
fn fits(wanted: &str, found: &str) -> bool {
    if super::broken_rule(wanted).is_some() {
        return false;
    }
    let (wanted, found) = (super::lower(wanted), super::lower(found));
    match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
        (Some(end), _) => found.ends_with(end),
        (_, Some(start)) => found.starts_with(start),
        _ => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_wildcard_stands_for_any_text_or_none_at_one_end() {
        for (wanted, found, expected) in [
            ("*.example.com", "code.example.com", true),
            ("*.example.com", "a.b.EXAMPLE.com", true),
            ("*.example.com", "example.com", false),
            ("Example Code*", "Example Code", true),
            ("Example Code*", "example code inc", true),
            ("Example Code*", "An Example Code", false),
            ("code.example.com", "code.example.com.", false),
            ("code.*.com", "code.example.com", false),
            ("code.*.com", "code.*.com", false),
            ("*", "anything", false),
            ("**", "anything", false),
            ("STRASSE*", "straße", false),
            // A capital sigma is the same at the end of a word and within one.
            ("ΟΔΟΣ*", "ΟΔΟΣΑ", true),
            ("*ΟΔΟΣ", "ΑΟΔΟΣ", true),
            ("*ΣΑ", "ΟΔΟΣΑ", true),
            ("ΟΔΟΣ", "οδοσ", true),
            ("ΟΔΟΣ", "οδος", false),
            ("İSTANBUL", "istanbul", true),
        ] {
            assert_eq!(fits(wanted, found), expected, "{wanted} {found}");
        }
    }
}
