//! What a test finds ready, and what it looks at afterwards, past the SDK: nothing here counts as a
//! call.

use base64ct::{Base64, Encoding};
use private_ca::{Certificate, SerialNumber};
use serde_json::{Value, json};

use super::StandIn;
use super::sharing::ACM;

impl StandIn {
    /// An ACTIVE root CA for so many years; its ARN. The key algorithm is AWS's name of it.
    pub fn add_root(&self, common_name: &str, key_algorithm: &str, years: u32) -> String {
        let signing_algorithm =
            if key_algorithm.starts_with("RSA") { "SHA256WITHRSA" } else { "SHA256WITHECDSA" };
        // On P-521, SHA-256 is too short for the ECDSA at hand.
        let signing_algorithm =
            if key_algorithm == "EC_secp521r1" { "SHA512WITHECDSA" } else { signing_algorithm };
        let partition = self.lock().partition.clone();
        let arn = self.ask(
            "CreateCertificateAuthority",
            json!({
                "CertificateAuthorityType": "ROOT",
                "CertificateAuthorityConfiguration": {
                    "KeyAlgorithm": key_algorithm,
                    "SigningAlgorithm": signing_algorithm,
                    "Subject": {"Organization": "Acme", "CommonName": common_name},
                },
            }),
        );
        let arn = arn["CertificateAuthorityArn"].clone();
        let about = |more: Value| {
            let mut body = json!({"CertificateAuthorityArn": arn});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let blob = |text: &Value| Base64::encode_string(text.as_str().unwrap().as_bytes());
        let csr = self.ask("GetCertificateAuthorityCsr", about(json!({})));
        let order = json!({
            "Csr": blob(&csr["Csr"]),
            "SigningAlgorithm": signing_algorithm,
            "TemplateArn": format!("arn:{partition}:acm-pca:::template/RootCACertificate/V1"),
            "Validity": {"Type": "YEARS", "Value": years},
        });
        let issued = self.ask("IssueCertificate", about(order));
        let got = self.ask("GetCertificate", about(issued));
        let own = json!({"Certificate": blob(&got["Certificate"])});
        self.ask("ImportCertificateAuthorityCertificate", about(own));
        arn.as_str().unwrap().to_owned()
    }

    /// Lets ACM issue from a CA.
    pub fn grant_acm(&self, authority_arn: &str) {
        let actions = ["IssueCertificate", "GetCertificate", "ListPermissions"];
        let grant = json!({
            "CertificateAuthorityArn": authority_arn,
            "Principal": ACM,
            "Actions": actions,
        });
        self.ask("CreatePermission", grant);
    }

    /// Everything that a CA issued, its own certificate included.
    pub fn issued_by(&self, authority_arn: &str) -> Vec<Certificate> {
        let mut state = self.lock();
        let authority = state.authority(authority_arn).unwrap();
        authority.issued.iter().map(|issued| issued.certificate.clone()).collect()
    }

    /// What a CA revoked, and the reasons as AWS calls them.
    pub fn revoked_by(&self, authority_arn: &str) -> Vec<(SerialNumber, String)> {
        let mut state = self.lock();
        let authority = state.authority(authority_arn).unwrap();
        let revoked = authority.issued.iter().filter_map(|issued| {
            Some((issued.certificate.serial_number(), issued.revoked_for.clone()?))
        });
        revoked.collect()
    }

    /// An operation of AWS Private CA that takes no time and does not count.
    fn ask(&self, operation: &str, body: Value) -> Value {
        let mut state = self.lock();
        let slow = std::mem::take(&mut state.behaviour);
        let answer = state.private_ca(operation, &body);
        state.behaviour = slow;
        answer.unwrap()
    }
}
