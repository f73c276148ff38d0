//! Making a CA: its key, and its certificate by itself or by another CA.

use super::issuer::{self, Signer, Template};
use super::options::LocalCaOptions;
use crate::authority::{CaError, CertificateAuthority, CertificatePurpose, IssueRequest};
use crate::certificate::{Certificate, Timestamp, Validity};
use crate::key::PrivateKey;
use crate::request::CertificateRequest;
use crate::verify::{Purpose, Verification, Verifier};

/// A root is bounded by no CA above it.
const UNBOUNDED: Validity = Validity { not_before: Timestamp::MIN, not_after: Timestamp::MAX };

/// The key and certificate of a new root.
pub(super) fn root(options: &LocalCaOptions) -> Result<(PrivateKey, Certificate), CaError> {
    let key = issuer::generate(options.key_algorithm)?;
    let purpose = CertificatePurpose::SubordinateCa { path_len: options.path_len };
    let certificate = Signer::of_new_root(options.subject.clone(), &key)?.sign(&Template {
        subject: &options.subject,
        subject_alternative_names: &[],
        public_key_der: key.public_key_der(),
        purpose,
        key_usage: purpose.key_usage(),
        validity: options.validity.within(UNBOUNDED, Timestamp::now())?,
    })?;
    Ok((key, certificate))
}

/// The key and certificate of a new CA below another one, and the certificates above it.
pub(super) async fn subordinate(
    parent: &dyn CertificateAuthority,
    options: &LocalCaOptions,
) -> Result<(PrivateKey, Certificate, Vec<Certificate>), CaError> {
    let key = issuer::generate(options.key_algorithm)?;
    let request = CertificateRequest::new(&key, options.subject.clone(), &[])?;
    let purpose = CertificatePurpose::SubordinateCa { path_len: options.path_len };
    let issued = parent.issue(IssueRequest::new(request, purpose, options.validity)).await?;
    let certificate = &issued.certificate;
    let wrong = if certificate.public_key_der() != key.public_key_der() {
        Some("the certificate it issued is for another key than the one that was asked")
    } else if certificate.subject_der() != options.subject.as_der() {
        Some("the certificate it issued is for another subject than the one that was asked")
    } else if !certificate.is_ca() {
        Some("the certificate it issued is no CA's (RFC 5280 section 4.2.1.9)")
    } else {
        let above = issued.chain.certificates();
        let verified = Verifier::new(above.last().cloned()).ok().and_then(|verifier| {
            verifier.verify(certificate, above, &Verification::new(Purpose::Any)).ok()
        });
        verified
            .is_none()
            .then_some("the certificate it issued does not verify under its own chain")
    };
    if let Some(reason) = wrong {
        return Err(CaError::NotAllowed { subject: certificate.issuer(), reason });
    }
    Ok((key, issued.certificate, issued.chain.certificates().to_vec()))
}
