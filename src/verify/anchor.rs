//! Trust anchors.

use crate::certificate::subtrees::NameConstraints;
use crate::certificate::{CanonicalName, Certificate, DistinguishedName};

use super::by_name::{ByName, Named};
use super::error::AnchorError;
use super::signature::{PublicKey, VerifyingKey};

/// An authority that you decided to trust: its certificate, or no more than its name and key
/// (RFC 5280 section 6.1.1 (d)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchor {
    kind: Kind,
    /// DER of a `NameConstraints`, besides those of a certificate.
    name_constraints: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Certificate(Certificate),
    Key { subject: DistinguishedName, public_key_der: Vec<u8> },
}

impl From<Certificate> for TrustAnchor {
    fn from(certificate: Certificate) -> Self {
        Self { kind: Kind::Certificate(certificate), name_constraints: None }
    }
}

impl TrustAnchor {
    /// An authority of which no more is known than its name and the DER of its
    /// `SubjectPublicKeyInfo`. Its certificate, if it has one, does not matter: neither its end nor
    /// its path length.
    #[must_use]
    pub fn from_subject_and_key(subject: DistinguishedName, public_key_der: Vec<u8>) -> Self {
        Self { kind: Kind::Key { subject, public_key_der }, name_constraints: None }
    }

    /// With limits to the names that it may vouch for, as the DER of a `NameConstraints` (RFC 5280
    /// section 6.1.1 (h) and (i)). Where its certificate has name constraints, both hold.
    ///
    /// # Errors
    /// [`AnchorError::NameConstraints`] if it is anything else.
    pub fn name_constraints(self, der: &[u8]) -> Result<Self, AnchorError> {
        NameConstraints::from_der(der).map_err(AnchorError::NameConstraints)?;
        Ok(Self { name_constraints: Some(der.to_vec()), ..self })
    }

    /// The authority's name.
    #[must_use]
    pub fn subject(&self) -> DistinguishedName {
        match &self.kind {
            Kind::Certificate(certificate) => certificate.subject(),
            Kind::Key { subject, .. } => subject.clone(),
        }
    }

    /// The DER of the authority's name.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        match &self.kind {
            Kind::Certificate(certificate) => certificate.subject_der(),
            Kind::Key { subject, .. } => subject.as_der(),
        }
    }

    /// The DER of its `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        match &self.kind {
            Kind::Certificate(certificate) => certificate.public_key_der(),
            Kind::Key { public_key_der, .. } => public_key_der,
        }
    }

    /// Its certificate, if it was given as one.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        match &self.kind {
            Kind::Certificate(certificate) => Some(certificate),
            Kind::Key { .. } => None,
        }
    }

    /// Those that it was given, besides those of its certificate.
    pub(super) fn own_constraints(&self) -> Option<NameConstraints<'_>> {
        self.name_constraints.as_deref().and_then(|der| NameConstraints::from_der(der).ok())
    }

    /// By name; of one name, those that last longest first.
    fn order(&self) -> impl Ord + use<'_> {
        let certificate = self.certificate();
        (
            self.subject_der(),
            std::cmp::Reverse(certificate.map(|certificate| certificate.validity().not_after)),
            certificate.map_or(self.public_key_der(), Certificate::as_der),
            self.name_constraints.as_deref(),
        )
    }
}

/// A trust anchor with its key decoded and its name made comparable.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) trusted: TrustAnchor,
    pub(super) name: CanonicalName,
    pub(super) key: VerifyingKey,
}

impl Anchor {
    pub(super) fn new(trusted: TrustAnchor) -> Result<Self, AnchorError> {
        let key =
            PublicKey::from_spki_der(trusted.public_key_der()).map(|key| VerifyingKey::new(&key));
        match key {
            Ok(key) => Ok(Self { name: CanonicalName::of(trusted.subject_der()), trusted, key }),
            Err(source) => Err(AnchorError::Key { subject: trusted.subject(), source }),
        }
    }
}

impl Named for Anchor {
    fn subject_der(&self) -> &[u8] {
        self.trusted.subject_der()
    }

    fn canonical_name(&self) -> &CanonicalName {
        &self.name
    }

    fn order(&self) -> impl Ord + use<'_> {
        self.trusted.order()
    }
}

/// Trust anchors.
pub(super) type Anchors = ByName<Anchor>;
