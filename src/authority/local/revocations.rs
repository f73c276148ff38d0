//! What a local CA has revoked. The signed revocation list is the record itself: one file, and
//! nobody but the CA can have written it.

use std::error::Error;
use std::time::Duration;

use const_oid::AssociatedOid;
use der::Decode;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::{CrlNumber, CrlReason};

use crate::authority::{CaError, Revocation, RevocationReason};
use crate::certificate::{Certificate, SerialNumber, Timestamp};
use crate::pem;
use crate::request::signed_parts;
use crate::verify::signature::PublicKey;

/// How long a revocation list is good for. It is written anew with every revocation, and by
/// [`LocalCa::revocation_list`] when it has run out.
pub(super) const CRL_LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// A revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// Its serial number.
    pub serial_number: SerialNumber,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// The revocation list as it is stored.
#[derive(Default)]
pub(super) struct Revocations {
    pub(super) number: u64,
    pub(super) next_update: Option<Timestamp>,
    pub(super) revoked: Vec<Revoked>,
}

impl Revocations {
    /// Reads a revocation list that this issuer signed.
    pub(super) fn from_pem(file: &[u8], issuer: &Certificate) -> Result<Self, Box<dyn Error>> {
        let blocks = pem::blocks(file)?;
        let der = blocks.first().map(pem::Block::contents).unwrap_or_default();
        let (signed, algorithm, signature) = signed_parts(der)?;
        PublicKey::from_spki_der(issuer.public_key_der())?.verify(algorithm, signed, signature)?;
        Ok(Self::from_list(&CertificateList::from_der(der)?)?)
    }

    /// Puts a certificate on the list.
    pub(super) fn add(&mut self, revocation: Revocation, now: Timestamp) -> Result<(), CaError> {
        let Revocation { serial_number, reason } = revocation;
        let same = |entry: &&Revoked| entry.serial_number == serial_number;
        if let Some(earlier) = self.revoked.iter().find(same) {
            return Err(CaError::AlreadyRevoked { serial_number, since: Some(earlier.since) });
        }
        self.revoked.push(Revoked { serial_number, since: now, reason });
        Ok(())
    }

    fn from_list(crl: &CertificateList) -> der::Result<Self> {
        let tbs = &crl.tbs_cert_list;
        let mut number = 0;
        for extension in tbs.crl_extensions.iter().flatten() {
            if extension.extn_id == CrlNumber::OID {
                let value = CrlNumber::from_der(extension.extn_value.as_bytes())?;
                number =
                    value.0.as_bytes().iter().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
            }
        }
        let mut revoked = Vec::new();
        for entry in tbs.revoked_certificates.iter().flatten() {
            let mut reason = RevocationReason::Unspecified;
            for extension in entry.crl_entry_extensions.iter().flatten() {
                if extension.extn_id == CrlReason::OID {
                    let code = CrlReason::from_der(extension.extn_value.as_bytes())?;
                    reason = RevocationReason::from_code(code as u8);
                }
            }
            revoked.push(Revoked {
                serial_number: SerialNumber::from_magnitude(entry.serial_number.as_bytes()),
                since: entry.revocation_date.to_system_time().into(),
                reason,
            });
        }
        let next_update = tbs.next_update.map(|time| time.to_system_time().into());
        Ok(Revocations { number, next_update, revoked })
    }
}
