//! Parts of the sentences in which errors are told.

use std::fmt;

use super::{RejectedIssuer, RejectedList};
use crate::certificate::{DistinguishedName, KeyUsage, SubjectAlternativeName};
use crate::verify::revocation::CrlReason;

/// A subject in a sentence after "the certificate".
pub(super) struct Who<'a>(pub(super) &'a DistinguishedName);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("without a subject's name");
        }
        self.0.fmt(f)
    }
}

/// How many items of a list a sentence holds.
const LISTED: usize = 5;

pub(super) struct List<'a, T>(pub(super) &'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().take(LISTED).enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

pub(super) struct Names<'a>(pub(super) &'a [SubjectAlternativeName]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(
                "it has no subject alternative names, and a common name does not count",
            );
        }
        write!(f, "it is for {}", List(self.0))
    }
}

pub(super) struct Tried<'a> {
    pub(super) subject: &'a DistinguishedName,
    pub(super) candidates: &'a [RejectedIssuer],
}

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.candidates {
            return only.error.fmt(f);
        }
        write!(
            f,
            "no path leads from the certificate {} to a trust anchor; {} certificates have its issuer's name",
            Who(self.subject),
            self.candidates.len()
        )?;
        for (candidate, separator) in self
            .candidates
            .iter()
            .take(LISTED)
            .zip(std::iter::once(": ").chain(std::iter::repeat("; ")))
        {
            write!(f, "{separator}{}: {}", candidate.issuer, candidate.error.cause())?;
        }
        match self.candidates.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

pub(super) struct Only(pub(super) KeyUsage);

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_string().as_str() {
            "" => f.write_str("nothing at all"),
            found => write!(f, "{found} only"),
        }
    }
}

pub(super) struct Because(pub(super) Option<CrlReason>);

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

pub(super) struct Lists<'a>(pub(super) &'a [RejectedList]);

impl fmt::Display for Lists<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("there is no revocation list of its issuer that covers it");
        }
        for (index, rejected) in self.0.iter().take(LISTED).enumerate() {
            let made = rejected.list.this_update();
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}the list of {made} does not count, because {}", rejected.error)?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
