//! Certificate revocation lists (RFC 5280 section 5), parsed once.

mod parsing;

use std::fmt;
use std::sync::Arc;

use const_oid::ObjectIdentifier;

use crate::certificate::distribution_points::{PointName, Reasons};
use crate::certificate::{
    CanonicalName, Certificate, CertificateError, DerReader, DistinguishedName, InField,
    SerialNumber, Span, Timestamp, algorithm, octets,
};
use crate::pem;
use parsing::parse_tbs;

/// A certificate revocation list: complete or delta, of one issuer or indirect.
///
/// Parsing checks structure; whether it may be believed is for a verification. Cloning is cheap.
#[derive(Clone)]
pub struct RevocationList(Arc<Parsed>);

struct Parsed {
    der: Vec<u8>,
    tbs: Span,
    issuer: Span,
    issuer_name: CanonicalName,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    /// By issuer, then by serial number.
    entries: Vec<Entry>,
    /// Whose certificates are listed, each by one name or several.
    listed_issuers: Vec<Vec<CanonicalName>>,
    extensions: Extensions,
    inner_signature_algorithm: Span,
    signature_algorithm: Span,
    signature: Span,
}

#[derive(Default)]
struct Extensions {
    authority_key_identifier: Option<Span>,
    /// Contents of the INTEGER.
    number: Option<Span>,
    number_is_critical: bool,
    /// `BaseCRLNumber` of a delta CRL.
    base_number: Option<Span>,
    /// DER of the `IssuingDistributionPoint`.
    scope: Option<Span>,
    unknown_critical: Option<ObjectIdentifier>,
    entry_unknown_critical: Option<ObjectIdentifier>,
}

struct Entry {
    /// Place in the list of issuers.
    issuer: usize,
    /// Contents of the INTEGER.
    serial: Span,
    date: Timestamp,
    reason: Option<CrlReason>,
}

/// `IssuingDistributionPoint` (RFC 5280 section 5.2.5): which certificates a list is about.
#[derive(Default)]
pub(super) struct Scope<'a> {
    pub(super) point: Option<PointName<'a>>,
    pub(super) only_user_certificates: bool,
    pub(super) only_ca_certificates: bool,
    pub(super) reasons: Option<Reasons>,
    pub(super) is_indirect: bool,
    pub(super) only_attribute_certificates: bool,
}

/// Why and when a certificate was revoked, as a list says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) since: Timestamp,
    pub(super) reason: Option<CrlReason>,
}

/// The reason that a list gives (RFC 5280 section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CrlReason(u8);

impl CrlReason {
    /// Of a delta CRL: no longer revoked.
    pub(super) const REMOVE_FROM_CRL: Self = Self(8);

    /// The `CRLReason`'s number.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for CrlReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            code => return write!(f, "reason {code}"),
        })
    }
}

impl RevocationList {
    /// Reads one DER `CertificateList`.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] names the field that breaks RFC 5280 section 5.1.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let mut reader = DerReader::new(der)?;
        let mut parsed = reader.sequence(|list| {
            let start = list.place();
            let parsed = list.sequence(parse_tbs)?;
            let end = list.place();
            let signature_algorithm = algorithm(list).in_field("signatureAlgorithm")?;
            let signature = octets(list).in_field("signatureValue")?;
            Ok::<_, CertificateError>(Parsed {
                tbs: Span::new(start, end),
                signature_algorithm,
                signature,
                ..parsed
            })
        })?;
        reader.finish()?;
        parsed.der = der.to_vec();
        parsed.entries.sort_by(|a, b| {
            let key = |entry: &Entry| (entry.issuer, entry.serial.of(der));
            key(a).cmp(&key(b))
        });
        Ok(Self(Arc::new(parsed)))
    }

    /// Reads a file of revocation lists: any number of PEM blocks (`X509 CRL`), or one in DER.
    ///
    /// # Errors
    /// [`CertificateError`]; a block of another kind is an error too.
    pub fn all_from_pem_or_der(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        if !pem::is_pem(bytes) {
            return Self::from_der(bytes).map(|list| vec![list]);
        }
        pem::blocks(bytes)?
            .into_iter()
            .map(|block| match block.label.as_str() {
                "X509 CRL" => Self::from_der(&block.contents),
                label if block.is_private_key() => {
                    Err(CertificateError::PrivateKey { label: label.to_owned(), line: block.line })
                }
                label => Err(CertificateError::NotARevocationList {
                    label: label.to_owned(),
                    line: block.line,
                }),
            })
            .collect()
    }

    fn at(&self, span: Span) -> &[u8] {
        // Spans were measured on this very DER.
        span.of(&self.0.der)
    }

    /// The DER encoding, as it was read.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0.der
    }

    /// Who issued the list.
    #[must_use]
    pub fn issuer(&self) -> DistinguishedName {
        // Checked when the list was parsed.
        DistinguishedName::from_checked_der(self.at(self.0.issuer))
    }

    pub(super) fn issuer_name(&self) -> &CanonicalName {
        &self.0.issuer_name
    }

    /// When it was made.
    #[must_use]
    pub fn this_update(&self) -> Timestamp {
        self.0.this_update
    }

    /// When the next one will have been made, at the latest.
    #[must_use]
    pub fn next_update(&self) -> Option<Timestamp> {
        self.0.next_update
    }

    /// How many certificates it lists.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether it lists no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// Whether it lists only what changed since a complete list (RFC 5280 section 5.2.4).
    #[must_use]
    pub fn is_delta(&self) -> bool {
        self.0.extensions.base_number.is_some()
    }

    /// The `cRLNumber`, big-endian, without leading zeros.
    pub(super) fn number(&self) -> Option<&[u8]> {
        self.0.extensions.number.map(|span| magnitude(self.at(span)))
    }

    pub(super) fn number_is_critical(&self) -> bool {
        self.0.extensions.number_is_critical
    }

    /// The `BaseCRLNumber` of a delta CRL.
    pub(super) fn base_number(&self) -> Option<&[u8]> {
        self.0.extensions.base_number.map(|span| magnitude(self.at(span)))
    }

    /// The identifier of the key that signed it.
    pub(super) fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_identifier.map(|span| self.at(span))
    }

    /// The DER of the `IssuingDistributionPoint`.
    pub(super) fn scope_der(&self) -> Option<&[u8]> {
        self.0.extensions.scope.map(|span| self.at(span))
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        self.scope_der().and_then(|der| Scope::from_der(der).ok()).unwrap_or_default()
    }

    /// The first critical extension, of the list or of an entry, that is not processed.
    pub(super) fn unknown_critical(&self) -> Option<ObjectIdentifier> {
        let extensions = &self.0.extensions;
        extensions.unknown_critical.or(extensions.entry_unknown_critical)
    }

    /// Whether it is this very list, and not only one alike: there is nothing to compare.
    pub(super) fn is_the_one(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn tbs_der(&self) -> &[u8] {
        self.at(self.0.tbs)
    }

    pub(super) fn signature(&self) -> &[u8] {
        self.at(self.0.signature)
    }

    /// The `AlgorithmIdentifier` outside and inside the signed part.
    pub(super) fn signature_algorithms(&self) -> (&[u8], &[u8]) {
        (self.at(self.0.signature_algorithm), self.at(self.0.inner_signature_algorithm))
    }

    /// What the list says of a certificate whose issuer has the given name.
    pub(super) fn find(&self, issuer: &CanonicalName, certificate: &Certificate) -> Option<Listed> {
        let parsed = &self.0;
        let serial = certificate.serial_number_der();
        let of_issuer = |(_, names): &(usize, &Vec<CanonicalName>)| names.contains(issuer);
        let mut found: Option<Listed> = None;
        for (issuer, _) in parsed.listed_issuers.iter().enumerate().filter(of_issuer) {
            let wanted = (issuer, serial);
            let key = |entry: &Entry| (entry.issuer, entry.serial.of(&parsed.der));
            let start = parsed.entries.partition_point(|entry| key(entry) < wanted);
            let rest = parsed.entries.get(start..).unwrap_or_default();
            for entry in rest.iter().take_while(|entry| key(entry) == wanted) {
                // An entry that takes a revocation back takes back no other entry.
                if found.is_none_or(|found| found.reason == Some(CrlReason::REMOVE_FROM_CRL)) {
                    found = Some(Listed { since: entry.date, reason: entry.reason });
                }
            }
        }
        found
    }

    /// The serial numbers that are listed, in no particular order.
    pub fn serial_numbers(&self) -> impl Iterator<Item = SerialNumber> + '_ {
        let entries = self.0.entries.iter();
        entries.map(|entry| SerialNumber::from_der_contents(self.at(entry.serial)))
    }
}

impl PartialEq for RevocationList {
    fn eq(&self, other: &Self) -> bool {
        self.as_der() == other.as_der()
    }
}

impl Eq for RevocationList {}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("issuer", &self.issuer())
            .field("this_update", &self.this_update())
            .field("next_update", &self.next_update())
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

/// A number without the zeros before it, so that a longer one is greater.
fn magnitude(contents: &[u8]) -> &[u8] {
    let zeros = contents.iter().take_while(|&&octet| octet == 0).count();
    contents.get(zeros..).unwrap_or_default()
}
