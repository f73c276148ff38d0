//! What the worker is given.

use rustls::pki_types::ServerName;

use super::{Cause, Course, Doctor, Finding, needs_server_name};
use crate::certificate::CertificateChain;
use crate::identity::{Identity, IdentityError};
use crate::key::KeyError;
use crate::temporal::bundle::CaBundle;
use crate::temporal::is_cloud_host;
use crate::temporal::requirements::{Requirement, Submission};

pub(super) fn examine(course: &mut Course<'_>, finding: &mut Finding) -> Result<(), Cause> {
    let doctor = course.doctor;
    finding.saw("address", format!("{}:{}", doctor.host, doctor.port));
    if ServerName::try_from(doctor.host.as_str()).is_err() {
        return Err(Cause::HostInvalid { host: doctor.host.clone() });
    }
    namespace(doctor, finding);
    if needs_server_name(&doctor.host) && doctor.server_name.is_none() {
        finding.warnings.push(Cause::ServerNameNeeded { host: doctor.host.clone() });
    }
    let Some(client) = &doctor.client else {
        return Ok(());
    };
    let identity =
        Identity::from_pem(&client.certificates, &client.key, client.passphrase.as_ref())
            .map_err(of_identity)?;
    let leaf = identity.certificate();
    finding.saw("certificate", format!("{}, until {}", leaf.subject(), leaf.validity().not_after));
    for above in identity.presented().skip(1) {
        finding.saw("intermediate", above.subject());
    }
    if leaf.is_ca() {
        return Err(Cause::ClientIsCa { subject: leaf.subject() });
    }
    if client.passphrase.is_some() {
        finding.saw("key", "decrypted here; the worker needs it decrypted too");
    }
    if identity.was_reordered() {
        finding.warnings.push(Cause::ChainReversed);
    }
    // A frontend of one's own may well be of the same CA as its clients.
    let is_cloud = is_cloud_host(doctor.server_name.as_ref().unwrap_or(&doctor.host));
    if let Some(ours) = own_ca(doctor, &identity).filter(|_| is_cloud) {
        finding.warnings.push(ours);
    }
    requirements(&identity, finding);
    course.identity = Some(identity);
    Ok(())
}

/// What Temporal Cloud asks of the client's certificate, whatever the bundle is.
fn requirements(identity: &Identity, finding: &mut Finding) {
    let presented: Vec<_> = identity.presented().cloned().collect();
    let Ok(presented) = CertificateChain::new(presented) else {
        return;
    };
    let report = Submission::new(CaBundle::default()).presenting(&presented).examine();
    for broken in report.findings() {
        if (Requirement::LeafVersion..=Requirement::LeafEndsLater).contains(&broken.requirement) {
            let broken = Box::new(broken.clone());
            finding.warnings.push(Cause::Requirement { broken });
        }
    }
}

fn namespace(doctor: &Doctor, finding: &mut Finding) {
    let Some(namespace) = &doctor.namespace else {
        return;
    };
    finding.saw("namespace", namespace);
    if let Some(cause) = short_name(doctor) {
        finding.warnings.push(cause);
    }
    let host = doctor.server_name.as_ref().unwrap_or(&doctor.host);
    let of_endpoint = host.strip_suffix(".tmprl.cloud").filter(|name| name.contains('.'));
    if let Some(of_endpoint) = of_endpoint
        && !of_endpoint.eq_ignore_ascii_case(namespace)
        && namespace.contains('.')
    {
        let (namespace, of_endpoint) = (namespace.clone(), of_endpoint.to_owned());
        finding.warnings.push(Cause::NamespaceOfAnotherEndpoint { namespace, of_endpoint });
    }
}

/// Whether the namespace lacks the account that Temporal Cloud wants.
pub(super) fn short_name(doctor: &Doctor) -> Option<Cause> {
    let namespace = doctor.namespace.as_ref()?;
    let is_short = is_cloud_host(&doctor.host) && !namespace.contains('.');
    is_short.then(|| Cause::NamespaceWithoutAccount { namespace: namespace.clone() })
}

/// Whether the CA that is to vouch for the server is one of the client's chain.
pub(super) fn own_ca(doctor: &Doctor, identity: &Identity) -> Option<Cause> {
    let issuer = identity.above().last().unwrap_or(identity.certificate()).issuer();
    let given = doctor.server_cas.as_ref()?.certificates();
    let ours = given
        .iter()
        .find(|ca| identity.above().contains(ca) || ca.subject_der() == issuer.as_der())?;
    Some(Cause::ServerCaIsClientCa { subject: ours.subject() })
}

fn of_identity(error: IdentityError) -> Cause {
    match error {
        IdentityError::Key(KeyError::Encrypted) => Cause::KeyEncrypted,
        IdentityError::KeyMismatch { .. } => Cause::KeyMismatch { source: Box::new(error) },
        IdentityError::Expired { subject, not_after } => {
            Cause::ClientExpired { subject, not_after }
        }
        IdentityError::NotYetValid { subject, not_before } => {
            Cause::ClientNotYetValid { subject, not_before }
        }
        other => Cause::Identity { source: Box::new(other) },
    }
}
