//! The rules, asked one after the other.

mod client;
mod names;

use super::report::{Finding, Report};
use super::{NOTICE_DAYS, Requirement as R};
use crate::certificate::{Certificate, CertificateChain, Elapsed, Timestamp};
use crate::key::PrivateKey;
use crate::temporal::bundle::{CaBundle, MAX_BYTES, MAX_CERTIFICATES, UnjudgedKey};
use crate::temporal::filters::{FilterProblem, FilterSet, Trial};
use crate::verify::{self, Verifier};

/// What is to be given to Temporal Cloud, and presented to it.
#[derive(Debug, Clone)]
pub struct Submission {
    bundle: CaBundle,
    presented: Vec<Certificate>,
    /// The DER of the private key's public half.
    key: Option<Vec<u8>>,
    filters: Option<FilterSet>,
    system_cas: Option<Vec<Certificate>>,
    at: Option<Timestamp>,
}

impl Submission {
    /// A bundle alone.
    #[must_use]
    pub fn new(bundle: CaBundle) -> Self {
        Self { bundle, presented: Vec::new(), key: None, filters: None, system_cas: None, at: None }
    }

    /// With the certificates that a client presents, as they stand in its file: its own first.
    #[must_use]
    pub fn presenting(mut self, chain: &CertificateChain) -> Self {
        self.presented = chain.certificates().to_vec();
        self
    }

    /// With the client's private key. Only its public half is kept.
    #[must_use]
    pub fn with_key(mut self, key: &PrivateKey) -> Self {
        self.key = Some(key.public_key_der().to_vec());
        self
    }

    /// With the namespace's filters.
    #[must_use]
    pub fn with_filters(mut self, filters: FilterSet) -> Self {
        self.filters = Some(filters);
        self
    }

    /// With the CAs that operating systems trust, so that one of them in the bundle is noticed.
    #[must_use]
    pub fn with_system_cas(mut self, certificates: Vec<Certificate>) -> Self {
        self.system_cas = Some(certificates);
        self
    }

    /// At another moment than now.
    #[must_use]
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.at = Some(moment);
        self
    }

    /// Asks every rule.
    #[must_use]
    pub fn examine(&self) -> Report {
        let at = self.at.unwrap_or_else(Timestamp::now);
        let mut examination =
            Examination { submission: self, at, findings: Vec::new(), unasked: Vec::new() };
        examination.bundle();
        let verified = examination.client();
        let trial = examination.filters();
        let Examination { mut findings, unasked, .. } = examination;
        findings.sort_by_key(|finding| finding.requirement);
        let (tls, until) = verified.map_or((None, None), |(tls, until)| (Some(tls), until));
        Report { at, findings, unasked, tls, trial, until }
    }
}

struct Examination<'a> {
    submission: &'a Submission,
    at: Timestamp,
    findings: Vec<Finding>,
    unasked: Vec<R>,
}

impl Examination<'_> {
    fn report(&mut self, requirement: R, found: String, mend: impl Into<String>) {
        let mend = mend.into();
        self.findings.push(Finding { requirement, certificate: None, found, mend });
    }

    fn report_of(
        &mut self,
        requirement: R,
        certificate: &Certificate,
        found: String,
        mend: impl Into<String>,
    ) {
        let (certificate, mend) = (Some(certificate.clone()), mend.into());
        self.findings.push(Finding { requirement, certificate, found, mend });
    }

    fn bundle(&mut self) {
        let bundle = &self.submission.bundle;
        let (count, bytes) = (bundle.certificates().len(), bundle.to_pem().len());
        if count == 0 {
            let mend = "put the certificate of the client's CA into it";
            self.report(R::BundleHasCa, "the bundle is empty".to_owned(), mend);
        }
        if count > MAX_CERTIFICATES {
            let mend = "remove CAs that ended or vouch for no client any more";
            self.report(R::BundleCount, format!("the bundle holds {count} certificates"), mend);
        }
        if bytes > MAX_BYTES {
            let mend = format!("bring it under {MAX_BYTES} bytes: remove CAs, or use shorter keys");
            self.report(R::BundleSize, format!("the bundle has {bytes} bytes of PEM"), mend);
        }
        if count > MAX_CERTIFICATES {
            // So many would have to be tried with each other, and the bundle is refused as it is.
            let of_ca = R::CaVersion..=R::CaEndsLater;
            self.unasked.extend(R::ALL.iter().filter(|&rule| of_ca.contains(rule)));
            return;
        }
        if self.submission.system_cas.is_none() && !self.has_filters() {
            self.unasked.push(R::PublicCaNeedsFilters);
        }
        for certificate in bundle.certificates() {
            self.ca(certificate);
        }
    }

    fn has_filters(&self) -> bool {
        self.submission.filters.as_ref().is_some_and(|filters| !filters.is_empty())
    }

    fn ca(&mut self, ca: &Certificate) {
        let who = format!("the CA certificate {}", ca.subject());
        if ca.version() != 3 {
            let mend = "have the CA issue itself a certificate of version 3";
            let found = format!("{who} is of version {}", ca.version());
            self.report_of(R::CaVersion, ca, found, mend);
        }
        if !ca.is_ca() {
            let mend =
                "put the certificate of its issuer into the bundle; the client presents its own";
            self.report_of(R::CaBasicConstraints, ca, format!("{who} is not a CA's"), mend);
        }
        if let Some(weakness) = verify::signature_weakness(ca) {
            let mend = "make the CA anew with RSA or ECDSA and SHA-256";
            self.report_of(R::CaSignatureAlgorithm, ca, format!("{who}: {weakness}"), mend);
        }
        if !self.submission.bundle.has_issuer_of(ca) {
            let (found, mend) = (
                format!("{who} is no root, and its issuer {} is not in the bundle", ca.issuer()),
                format!("put the certificate of {} into the bundle too", ca.issuer()),
            );
            self.report_of(R::CaIssuerInBundle, ca, found, mend);
        }
        let is_same = |other: &Certificate| {
            other.subject_der() == ca.subject_der() && other.public_key_der() == ca.public_key_der()
        };
        let is_public = self.submission.system_cas.iter().flatten().any(is_same);
        if is_public && !self.has_filters() {
            let mend = "add filters that fit only your own clients, or use a CA of your own";
            let found = format!("{who} is of a CA that operating systems trust");
            self.report_of(R::PublicCaNeedsFilters, ca, found, mend);
        }
        if let Some(key) = UnjudgedKey::of(ca) {
            let mend = "replace it by a CA with RSA 2048 or ECDSA P-256: such keys are on their way out, and what clients below this one meet cannot be told here";
            self.report_of(R::CaKeyJudged, ca, key.to_string(), mend);
        } else if let Err(error) = Verifier::new([ca.clone()]) {
            let mend = "replace it by a CA with another key";
            self.report_of(R::CaKeyUsable, ca, error.to_string(), mend);
        }
        self.validity(&who, ca, Some(R::CaIsValid), R::CaEndsLater);
    }

    /// Whether a certificate has ended, has not started, or ends soon.
    fn validity(
        &mut self,
        who: &str,
        certificate: &Certificate,
        is_valid: Option<R>,
        ends_later: R,
    ) {
        let validity = certificate.validity();
        if !validity.contains(self.at) {
            let found = match self.at > validity.not_after {
                true => format!("{who} ended at {}", validity.not_after),
                false => format!("{who} is not valid before {}", validity.not_before),
            };
            if let Some(requirement) = is_valid {
                self.report_of(requirement, certificate, found, "replace it");
            }
            return;
        }
        let left = validity.not_after.since(self.at);
        let notice = NOTICE_DAYS.into_iter().filter(|days| left.as_secs() <= days * 86_400).min();
        if let Some(days) = notice {
            let found = format!(
                "{who} ends at {}, in {}: the notice of {days} days",
                validity.not_after,
                Elapsed(left)
            );
            self.report_of(ends_later, certificate, found, "renew it now");
        }
    }

    fn filters(&mut self) -> Option<Trial> {
        let Some(filters) = &self.submission.filters else {
            self.unasked.extend(R::ALL.iter().filter(|&&rule| rule >= R::FilterCount));
            return None;
        };
        for problem in filters.problems() {
            let (requirement, mend) = match problem {
                FilterProblem::TooMany { .. } => {
                    (R::FilterCount, "merge filters by a * at the start or the end of a value")
                }
                FilterProblem::NoField { .. } => (R::FilterHasField, "remove it, or name a field"),
                FilterProblem::Wildcard { .. } => {
                    (R::FilterWildcard, "write *.example.com or Example*")
                }
                FilterProblem::Duplicate { .. } => (R::FilterDistinct, "remove one of them"),
            };
            self.report(requirement, problem.to_string(), mend);
        }
        let Some(leaf) = self.submission.presented.first() else {
            self.unasked.push(R::FilterAdmits);
            return None;
        };
        let trial = filters.try_on(leaf);
        if !trial.is_admitted() {
            let (found, mend) = miss(leaf, &trial);
            self.report_of(R::FilterAdmits, leaf, found, mend);
        }
        Some(trial)
    }
}

/// How near the filters came.
fn miss(leaf: &Certificate, trial: &Trial) -> (String, String) {
    let subject = leaf.subject();
    let nearest = trial.nearest().and_then(|place| Some((place, trial.filters.get(place)?)));
    let Some((place, filter)) = nearest else {
        // There is a filter, or the certificate would be admitted.
        return (format!("no filter fits {subject}"), String::new());
    };
    let misses: Vec<_> = filter
        .fields
        .iter()
        .filter(|field| field.matched.is_none())
        .map(|field| match field.found.as_slice() {
            [] => format!("{} is to be \"{}\" and is not there", field.field, field.wanted),
            found => {
                let (wanted, found) = (&field.wanted, found.join("\", \""));
                format!("{} is to be \"{wanted}\" and is \"{found}\"", field.field)
            }
        })
        .collect();
    let number = place + 1;
    let nearest = match misses.is_empty() {
        true => format!("filter {number} names no field"),
        false => format!("nearest is filter {number}: {}", misses.join("; ")),
    };
    (
        format!("no filter fits {subject}; {nearest}"),
        "add a filter for this certificate, or issue one that fits".to_owned(),
    )
}
