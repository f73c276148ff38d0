//! How ACM's certificates come to be and are renewed: whenever somebody looks, what is due is done.

use std::time::Duration;

use private_ca::{
    Certificate, CertificateRequest, DistinguishedName, KeyAlgorithm, LocalCa, PrivateKey,
    SubjectAlternativeName,
};

use super::acm::{Managed, Material, RENEWED_AHEAD, Renewal, Status, private_end};
use super::authorities::DAY;
use super::certificates::{
    AUTHORITY_KEY_IDENTIFIER, Draft, Extension, SUBJECT_KEY_IDENTIFIER, key_identifier,
    requested_extensions, tlv,
};
use super::issuing::Order;
use super::templates::{DEFAULT, Template};
use super::wire::AwsError;
use super::{Pending, Readiness, State};

/// What public certificates are under here, instead of Amazon's roots.
pub(super) struct PublicAuthority {
    key: PrivateKey,
    certificate: Certificate,
}

/// Public certificates last 198 days since February 2026 ("ACM certificate characteristics and
/// limitations").
const PUBLIC_DAYS: u32 = 198;

impl State {
    /// Issues and renews what is due.
    pub(super) fn settle_managed(&mut self, position: usize) {
        let now = self.now();
        let managed = &mut self.managed[position];
        if managed.status == Status::PendingValidation && managed.issuing.is_done(now) {
            if managed.authority_arn.is_none() && !self.is_validated(position) {
                let managed = &mut self.managed[position];
                if now > managed.created_at.plus(DAY * 3) {
                    managed.status = Status::TimedOut;
                }
                return;
            }
            let material = self.make(position);
            let managed = &mut self.managed[position];
            match material {
                Ok(material) => {
                    managed.material = Some(material);
                    managed.status = Status::Issued;
                    managed.issued_at = Some(now);
                }
                Err(reason) => managed.status = Status::Failed(reason),
            }
            return;
        }
        self.start_due_renewal(position);
        let managed = &mut self.managed[position];
        let Some(renewal) = &mut managed.renewal else { return };
        if renewal.pending.as_mut().is_some_and(|pending| pending.is_done(now)) {
            self.finish_renewal(position);
        }
    }

    /// "Managed certificate renewal in ACM": 60 days before the end, ACM renews by itself what is
    /// exported or in use.
    fn start_due_renewal(&mut self, position: usize) {
        let now = self.now();
        let readiness = self.behaviour.renewing;
        let managed = &mut self.managed[position];
        let Some(material) = &managed.material else { return };
        let is_due = now.plus(RENEWED_AHEAD) > material.certificate.validity().not_after;
        let is_under_way = managed
            .renewal
            .as_ref()
            .is_some_and(|renewal| renewal.pending.is_some() || renewal.status == "FAILED");
        if is_due && !is_under_way && managed.is_eligible_for_renewal() {
            managed.renewal = Some(Renewal {
                status: "PENDING_AUTO_RENEWAL",
                reason: None,
                updated_at: now,
                pending: Some(Pending::new(readiness, now)),
            });
        }
    }

    fn finish_renewal(&mut self, position: usize) {
        let now = self.now();
        let material = self.make(position);
        let stale_for = self.behaviour.describe_stale_after_renewal;
        let held_back = Pending::new(self.behaviour.export_after_renewal, now);
        let managed = &mut self.managed[position];
        let mut renewal =
            Renewal { status: "SUCCESS", reason: None, updated_at: now, pending: None };
        match material {
            Ok(material) => {
                let old = managed.material.replace(material);
                managed.stale = old.map(|old| (stale_for, old));
                managed.export_held_back = Some(held_back);
            }
            Err(reason) => {
                renewal.status = "FAILED";
                renewal.reason = Some(reason);
            }
        }
        managed.renewal = Some(renewal);
    }

    /// A key and its certificate. A renewal has a new key too: "To renew a certificate, ACM generates
    /// a new public-private key pair" (user guide, "Certificate pinning problems").
    fn make(&mut self, position: usize) -> Result<Material, &'static str> {
        let managed = &self.managed[position];
        let key = LocalCa::generate_key(managed.key_algorithm).unwrap();
        let request = signing_request(managed, &key);
        match managed.authority_arn.clone() {
            Some(arn) => self.make_private(&arn, key, &request),
            None => Ok(self.make_public(key, &request)),
        }
    }

    /// `FailureReason` of "CertificateDetail"; which error of AWS Private CA becomes which of them is
    /// in the user guide under "Handling exceptions".
    fn make_private(
        &mut self,
        authority_arn: &str,
        key: PrivateKey,
        request: &CertificateRequest,
    ) -> Result<Material, &'static str> {
        let now = self.now();
        let authority =
            self.authority(authority_arn).map_err(|error: AwsError| match error.code.as_str() {
                "InvalidArnException" => "PCA_INVALID_ARN",
                _ => "PCA_RESOURCE_NOT_FOUND",
            })?;
        if !authority.grants_acm() {
            return Err("PCA_ACCESS_DENIED");
        }
        if authority.status_at(now) != "ACTIVE" {
            return Err("PCA_INVALID_STATE");
        }
        // AWS Private CA user guide, "Understanding CA modes": ACM cannot issue from such a CA. With
        // which reason is not said; its 395 days are too long for it.
        if authority.usage_mode == "SHORT_LIVED_CERTIFICATE" {
            return Err("PCA_INVALID_DURATION");
        }
        let own = authority.certificate.as_ref().ok_or("PCA_INVALID_STATE")?;
        if own.validity().not_after < private_end(now) {
            return Err("PCA_INVALID_DURATION");
        }
        let template = Template::named(DEFAULT).unwrap();
        authority.check_sharing(&template).map_err(|_| "PCA_ACCESS_DENIED")?;
        let signing_algorithm =
            authority.configuration["SigningAlgorithm"].as_str().unwrap().to_owned();
        let order = Order {
            csr: request,
            template: &template,
            api_passthrough: None,
            signing_algorithm: &signing_algorithm,
            not_before: now.minus(Duration::from_secs(3600)),
            not_after: private_end(now),
        };
        let pending = Pending::new(Readiness::at_once(), now);
        let issued = authority.sign(&order, pending).map_err(|_| "PCA_REQUEST_FAILED")?;
        let certificate = issued.certificate.clone();
        Ok(Material { key, certificate, chain_pem: authority.chain_pem() })
    }

    fn make_public(&mut self, key: PrivateKey, request: &CertificateRequest) -> Material {
        let now = self.now();
        let start = now.minus(DAY);
        let authority = self.public_authority.get_or_insert_with(|| {
            let key = LocalCa::generate_key(KeyAlgorithm::EcdsaP256).unwrap();
            let subject: DistinguishedName = "C=US,O=Amazon,CN=Stand-in Root CA 1".parse().unwrap();
            let request = CertificateRequest::new(&key, subject, &[]).unwrap();
            let template = Template::named("RootCACertificate/V1").unwrap();
            let mut extensions = template.extensions(&[], None, true).unwrap();
            let key_id = tlv(0x04, &key_identifier(key.public_key_der()));
            extensions.push(Extension::new(SUBJECT_KEY_IDENTIFIER, false, key_id));
            let draft = Draft {
                issuer_der: request.subject().as_der(),
                subject_der: request.subject().as_der(),
                public_key_der: key.public_key_der(),
                not_before: start,
                not_after: start.plus_months(300),
                extensions,
            };
            let certificate = draft.sign(&key, "SHA256WITHECDSA").unwrap();
            PublicAuthority { key, certificate }
        });
        let template = Template::named("EndEntityServerAuthCertificate/V1").unwrap();
        let requested = requested_extensions(request);
        let mut extensions = template.extensions(&requested, None, true).unwrap();
        let own_id = tlv(0x04, &key_identifier(key.public_key_der()));
        extensions.push(Extension::new(SUBJECT_KEY_IDENTIFIER, false, own_id));
        let authority_id = authority.certificate.subject_key_identifier().unwrap();
        let authority_id = tlv(0x30, &tlv(0x80, authority_id));
        extensions.push(Extension::new(AUTHORITY_KEY_IDENTIFIER, false, authority_id));
        let draft = Draft {
            issuer_der: authority.certificate.subject_der(),
            subject_der: request.subject().as_der(),
            public_key_der: key.public_key_der(),
            not_before: start,
            not_after: start.plus(DAY * PUBLIC_DAYS),
            extensions,
        };
        let certificate = draft.sign(&authority.key, "SHA256WITHECDSA").unwrap();
        Material { key, certificate, chain_pem: authority.certificate.to_pem() }
    }

    /// "DNS validation": every name's record is there, with its value.
    fn is_validated(&self, position: usize) -> bool {
        self.managed[position].records.iter().all(|(name, value)| {
            let found = self.dns_record(name, "CNAME");
            found.is_some_and(|found| found.trim_end_matches('.') == value.trim_end_matches('.'))
        })
    }
}

/// The first domain name is the common name and all of them are alternative names.
fn signing_request(managed: &Managed, key: &PrivateKey) -> CertificateRequest {
    let subject = format!("CN={}", managed.domain_names[0]).parse().unwrap();
    let names: Vec<SubjectAlternativeName> =
        managed.domain_names.iter().cloned().map(SubjectAlternativeName::Dns).collect();
    CertificateRequest::new(key, subject, &names).unwrap()
}
