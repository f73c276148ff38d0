//! What is asked of each certificate in a path, one section of RFC 5280 a function.

use super::{Purpose, Terms, VerifyError, names};
use crate::certificate::{Certificate, KeyUsage, oid};
use crate::oid::NamedOid;

/// What a certificate is in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The certificate that is verified.
    Leaf,
    /// The issuer of another; `below` intermediate certificates, self-issued ones not counted,
    /// follow it.
    Issuer {
        /// Whether it is trusted as it is.
        is_anchor: bool,
        below: usize,
    },
}

impl Role {
    fn is_anchor(self) -> bool {
        matches!(self, Self::Issuer { is_anchor: true, .. })
    }
}

/// Everything that can be said of a certificate without its issuer.
pub(super) fn check(
    certificate: &Certificate,
    role: Role,
    terms: &Terms<'_>,
) -> Result<(), VerifyError> {
    version(certificate, role)?;
    signature_algorithms(certificate, role)?;
    critical_extensions(certificate)?;
    basic_constraints(certificate, role, terms.purpose)?;
    key_usage(certificate, role, terms.purpose)?;
    extended_key_usage(certificate, terms.purpose)?;
    validity(certificate, terms)?;
    match role {
        Role::Leaf => name(certificate, terms),
        Role::Issuer { .. } => Ok(()),
    }
}

/// Section 4.1.2.1. Only version 3 can say that it is a CA's or what it is for.
fn version(certificate: &Certificate, role: Role) -> Result<(), VerifyError> {
    match certificate.version() {
        3 => Ok(()),
        _ if role.is_anchor() => Ok(()),
        version => Err(VerifyError::Version { subject: certificate.subject(), version }),
    }
}

/// Section 4.1.1.2. What is outside the signed part can be changed by anybody.
fn signature_algorithms(certificate: &Certificate, role: Role) -> Result<(), VerifyError> {
    let (outside, inside) = certificate.signature_algorithms();
    if outside == inside || role.is_anchor() {
        return Ok(());
    }
    Err(VerifyError::SignatureAlgorithmsDiffer { subject: certificate.subject() })
}

/// Section 4.2, and section 4.2.1.10 for name constraints: those are refused without the critical
/// flag too, because their issuer asked for a limit either way.
fn critical_extensions(certificate: &Certificate) -> Result<(), VerifyError> {
    if let Some(extension) = certificate.unknown_critical_extension() {
        let subject = certificate.subject();
        return Err(VerifyError::CriticalExtension { subject, extension: NamedOid(extension) });
    }
    if certificate.has_name_constraints() {
        return Err(VerifyError::NameConstraints { subject: certificate.subject() });
    }
    Ok(())
}

/// Section 4.2.1.9. An anchor of version 1 or 2 has no way to say that it is a CA's, so the
/// decision to trust it says so.
fn basic_constraints(
    certificate: &Certificate,
    role: Role,
    purpose: Purpose,
) -> Result<(), VerifyError> {
    let subject = || certificate.subject();
    match role {
        Role::Leaf => {
            if certificate.is_ca() && purpose != Purpose::Any {
                return Err(VerifyError::CaAsPeer { subject: subject(), purpose });
            }
        }
        Role::Issuer { is_anchor, below } => {
            let is_trusted_without_extensions = is_anchor && certificate.version() < 3;
            if !(certificate.is_ca() || is_trusted_without_extensions) {
                return Err(VerifyError::NotACa { subject: subject() });
            }
            let allowed = certificate.basic_constraints().and_then(|limits| limits.path_len);
            if let Some(allowed) = allowed.filter(|&allowed| below > usize::from(allowed)) {
                return Err(VerifyError::PathLength { subject: subject(), allowed, below });
            }
        }
    }
    Ok(())
}

/// Section 4.2.1.3. A TLS peer proves with a signature that it has the key.
fn key_usage(certificate: &Certificate, role: Role, purpose: Purpose) -> Result<(), VerifyError> {
    let needed = match role {
        Role::Issuer { .. } => KeyUsage::KEY_CERT_SIGN,
        Role::Leaf if purpose == Purpose::Any => return Ok(()),
        Role::Leaf => KeyUsage::DIGITAL_SIGNATURE,
    };
    match certificate.key_usage() {
        Some(found) if !found.contains(needed) => {
            Err(VerifyError::KeyUsage { subject: certificate.subject(), found, needed })
        }
        _ => Ok(()),
    }
}

/// Section 4.2.1.12. On an issuer it limits what it issues, as every TLS stack has it; on an
/// anchor too, as OpenSSL has it. `anyExtendedKeyUsage` does not stand for a purpose:
/// the section allows to refuse it, and rustls and OpenSSL do.
fn extended_key_usage(certificate: &Certificate, purpose: Purpose) -> Result<(), VerifyError> {
    let needed = match purpose {
        Purpose::Any => return Ok(()),
        Purpose::Client => oid::ID_KP_CLIENT_AUTH,
        Purpose::Server => oid::ID_KP_SERVER_AUTH,
    };
    match certificate.extended_key_usage() {
        Some(found) if !found.contains(&needed) => Err(VerifyError::ExtendedKeyUsage {
            subject: certificate.subject(),
            purpose,
            found: found.into_iter().map(NamedOid).collect(),
        }),
        _ => Ok(()),
    }
}

/// Section 4.1.2.5. Both ends are included.
fn validity(certificate: &Certificate, terms: &Terms<'_>) -> Result<(), VerifyError> {
    let (validity, at) = (certificate.validity(), terms.at);
    let subject = || certificate.subject();
    if at < validity.not_before {
        let not_before = validity.not_before;
        return Err(VerifyError::NotYetValid { subject: subject(), not_before, at });
    }
    if at > validity.not_after {
        let not_after = validity.not_after;
        return Err(VerifyError::Expired { subject: subject(), not_after, at });
    }
    Ok(())
}

/// Section 4.2.1.6.
fn name(certificate: &Certificate, terms: &Terms<'_>) -> Result<(), VerifyError> {
    let Some(name) = terms.name else {
        return Ok(());
    };
    let found = certificate.subject_alternative_names();
    if names::any_matches(&found, name) {
        return Ok(());
    }
    Err(VerifyError::Name { subject: certificate.subject(), name: name.clone(), found })
}
