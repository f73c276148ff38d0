//! Certificate templates of AWS Private CA.

use crate::authority::aws::Arn;
use crate::authority::{CaError, CertificatePurpose, IssueRequest};
use crate::certificate::DistinguishedName;

/// The template that a root CA's own certificate is issued with.
pub(super) const ROOT: &str = "RootCACertificate";

/// A certificate template, which decides a certificate's extensions on AWS Private CA (User Guide,
/// "AWS Private CA template definitions").
///
/// One is chosen from the request's purpose. To choose another, give its name or its ARN to
/// [`AcmPca::with_template`](super::AcmPca::with_template).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    name: String,
}

impl Template {
    /// The template with this name or ARN: `EndEntityCertificate`, `EndEntityCertificate/V1`,
    /// `arn:aws:acm-pca:::template/EndEntityCertificate/V1`.
    pub(super) fn named(text: &str) -> Result<Self, CaError> {
        let name = match text.split_once(":::template/") {
            Some((_, name)) => name,
            None => text,
        };
        let name = name.strip_suffix("/V1").unwrap_or(name);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(CaError::InvalidArn {
                arn: text.to_owned(),
                expected: "a certificate template",
                reason: "it has to be of the form arn:aws:acm-pca:::template/NAME/V1, or NAME alone",
            });
        }
        Ok(Self { name: name.to_owned() })
    }

    /// The template for a purpose. One that takes names and key usage from the request and not only
    /// from the signing request is chosen only where that is needed: other accounts' CAs do not
    /// allow it by default.
    pub(super) fn of_purpose(
        purpose: CertificatePurpose,
        overrides: Overrides,
        ca: &DistinguishedName,
    ) -> Result<Self, CaError> {
        let base = match purpose {
            // Only the blank template leaves the key usage to the request.
            CertificatePurpose::Client
            | CertificatePurpose::Server
            | CertificatePurpose::ClientAndServer
                if overrides.key_usage =>
            {
                "BlankEndEntityCertificate".to_owned()
            }
            CertificatePurpose::Client => "EndEntityClientAuthCertificate".to_owned(),
            CertificatePurpose::Server => "EndEntityServerAuthCertificate".to_owned(),
            CertificatePurpose::ClientAndServer => "EndEntityCertificate".to_owned(),
            CertificatePurpose::SubordinateCa { .. } if overrides.key_usage => {
                return Err(CaError::NotAllowed {
                    subject: ca.clone(),
                    reason: "AWS Private CA's templates for CAs fix the key usage: leave it out",
                });
            }
            CertificatePurpose::SubordinateCa { path_len: Some(length @ 0..=3) } => {
                format!("SubordinateCACertificate_PathLen{length}")
            }
            CertificatePurpose::SubordinateCa { .. } => {
                return Err(CaError::NotAllowed {
                    subject: ca.clone(),
                    reason: "AWS Private CA's templates for subordinate CAs have a path length of 0 to 3: ask for one of these",
                });
            }
        };
        let variety = if overrides.any() { "_APIPassthrough" } else { "" };
        Ok(Self { name: base + variety })
    }

    /// Whether what the request says beyond the signing request gets into the certificate. With any
    /// other template AWS ignores it without a word.
    pub(super) fn passes_the_request_through(&self) -> bool {
        self.name.contains("_APIPassthrough") || self.name.contains("_APICSRPassthrough")
    }

    /// Whether extended key usage is left to the request.
    pub(super) fn is_blank(&self) -> bool {
        self.name.starts_with("Blank")
    }

    /// The template's ARN, in the partition of the CA.
    pub(super) fn arn(&self, ca: &Arn) -> String {
        format!("arn:{}:acm-pca:::template/{}/V1", ca.partition(), self.name)
    }
}

/// What a request says beyond its signing request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overrides {
    pub(super) names: bool,
    pub(super) key_usage: bool,
}

impl Overrides {
    pub(super) fn of(request: &IssueRequest) -> Self {
        Self {
            names: request.subject.is_some() || request.subject_alternative_names.is_some(),
            key_usage: request.key_usage.is_some_and(|usage| usage != request.purpose.key_usage()),
        }
    }

    pub(super) fn any(self) -> bool {
        self.names || self.key_usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(purpose: CertificatePurpose, names: bool, key_usage: bool) -> Result<String, CaError> {
        let ca = "CN=Root".parse().unwrap();
        Ok(Template::of_purpose(purpose, Overrides { names, key_usage }, &ca)?.name)
    }

    #[test]
    fn the_purpose_chooses_the_template() {
        use CertificatePurpose::{Client, ClientAndServer, Server, SubordinateCa};
        assert_eq!(name(Client, false, false).unwrap(), "EndEntityClientAuthCertificate");
        assert_eq!(name(Server, false, false).unwrap(), "EndEntityServerAuthCertificate");
        assert_eq!(name(ClientAndServer, false, false).unwrap(), "EndEntityCertificate");
        assert_eq!(
            name(Client, true, false).unwrap(),
            "EndEntityClientAuthCertificate_APIPassthrough"
        );
        assert_eq!(name(Client, false, true).unwrap(), "BlankEndEntityCertificate_APIPassthrough");
        let ca = |path_len| SubordinateCa { path_len };
        assert_eq!(name(ca(Some(3)), false, false).unwrap(), "SubordinateCACertificate_PathLen3");
        for refused in [ca(None), ca(Some(4))] {
            assert!(matches!(name(refused, false, false), Err(CaError::NotAllowed { .. })));
        }
        assert!(name(ca(Some(0)), false, true).is_err());
    }

    #[test]
    fn a_template_s_arn_is_in_the_partition_of_the_ca() {
        let ca: Arn =
            "arn:aws-cn:acm-pca:cn-north-1:123456789012:certificate-authority/1".parse().unwrap();
        let arn = "arn:aws-cn:acm-pca:::template/EndEntityCertificate/V1";
        for text in ["EndEntityCertificate", "EndEntityCertificate/V1", arn] {
            assert_eq!(Template::named(text).unwrap().arn(&ca), arn);
        }
        for bad in ["", "a b", "arn:aws:acm-pca:::template/"] {
            assert!(matches!(Template::named(bad), Err(CaError::InvalidArn { .. })), "{bad}");
        }
    }
}
