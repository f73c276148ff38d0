//! Certificate templates: AWS Private CA User Guide, "AWS Private CA template definitions",
//! "template varieties" and "template order of operations".

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::certificates::{
    BASIC_CONSTRAINTS, CERTIFICATE_POLICIES, EXTENDED_KEY_USAGE, Extension, KEY_USAGE,
    SUBJECT_ALTERNATIVE_NAMES, key_usage, oid, tlv,
};
use super::names;
use super::wire::{AwsError, optional_text, refuse, text};

const DIGITAL_SIGNATURE: u8 = 0;
const KEY_ENCIPHERMENT: u8 = 2;
const KEY_CERT_SIGN: u8 = 5;
const CRL_SIGN: u8 = 6;

const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";

pub const DEFAULT: &str = "EndEntityCertificate/V1";

/// One row of the definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// `EndEntityCertificate_APIPassthrough/V1`.
    pub name: String,
    pub kind: Kind,
    basic_constraints_are_critical: bool,
    key_usage: &'static [u8],
    extended_key_usage: &'static [&'static str],
    pub takes_from_api: bool,
    pub takes_from_csr: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Root,
    SubordinateCa { path_len: u8 },
    EndEntity,
}

impl Template {
    /// The template of an ARN, which has to be of the CA's partition.
    pub fn of_arn(arn: &str, partition: &str) -> Result<Self, AwsError> {
        let unknown = || {
            AwsError::new(400, "InvalidArgsException", format!("The template {arn} is not valid"))
        };
        let name = arn
            .strip_prefix(&format!("arn:{partition}:acm-pca:::template/"))
            .ok_or_else(unknown)?;
        Self::named(name).ok_or_else(unknown)
    }

    /// The template of a name like `EndEntityCertificate/V1`.
    pub fn named(name: &str) -> Option<Self> {
        let versionless = name.strip_suffix("/V1")?;
        let varieties = [
            ("_APICSRPassthrough", true, true),
            ("_APIPassthrough", true, false),
            ("_CSRPassthrough", false, true),
        ];
        let variety = varieties.iter().find_map(|(suffix, api, csr)| {
            versionless.strip_suffix(suffix).map(|base| (base, *api, *csr))
        });
        let (base, takes_from_api, takes_from_csr) = variety.unwrap_or((versionless, false, false));
        let ca = &[DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN];
        // "EndEntityClientAuthCertificate differs from the EndEntityCertificate only in the Extended
        // key usage value": all of them have keyEncipherment, whatever the key is.
        let leaf = &[DIGITAL_SIGNATURE, KEY_ENCIPHERMENT];
        let (kind, key_usage, extended_key_usage): (_, &[u8], &[&str]) = match base {
            "RootCACertificate" => (Kind::Root, ca, &[]),
            "SubordinateCACertificate_PathLen0" => (Kind::SubordinateCa { path_len: 0 }, ca, &[]),
            "SubordinateCACertificate_PathLen1" => (Kind::SubordinateCa { path_len: 1 }, ca, &[]),
            "SubordinateCACertificate_PathLen2" => (Kind::SubordinateCa { path_len: 2 }, ca, &[]),
            "SubordinateCACertificate_PathLen3" => (Kind::SubordinateCa { path_len: 3 }, ca, &[]),
            "EndEntityCertificate" => (Kind::EndEntity, leaf, &[SERVER_AUTH, CLIENT_AUTH]),
            "EndEntityClientAuthCertificate" => (Kind::EndEntity, leaf, &[CLIENT_AUTH]),
            "EndEntityServerAuthCertificate" => (Kind::EndEntity, leaf, &[SERVER_AUTH]),
            "CodeSigningCertificate" => (Kind::EndEntity, &[DIGITAL_SIGNATURE], &[CODE_SIGNING]),
            // Blank ones exist only as passthrough templates.
            "BlankEndEntityCertificate" | "BlankEndEntityCertificate_CriticalBasicConstraints"
                if takes_from_api || takes_from_csr =>
            {
                (Kind::EndEntity, &[], &[])
            }
            _ => return None,
        };
        Some(Self {
            name: name.to_owned(),
            kind,
            basic_constraints_are_critical: kind != Kind::EndEntity
                || base.ends_with("CriticalBasicConstraints"),
            key_usage,
            extended_key_usage,
            takes_from_api,
            takes_from_csr,
        })
    }

    /// The subject: from the API where the template allows it, else from the CSR.
    pub fn subject(&self, csr_subject: &[u8], api: Option<&Value>) -> Result<Vec<u8>, AwsError> {
        match api.filter(|_| self.takes_from_api).and_then(|api| api.get("Subject")) {
            Some(subject) => names::subject(subject),
            None => Ok(csr_subject.to_vec()),
        }
    }

    /// The extensions but for those that name keys and CRLs. Order of operations: what the template
    /// says counts before what the API says, and that before the CSR.
    pub fn extensions(
        &self,
        csr: &[Extension],
        api: Option<&Value>,
        has_subject: bool,
    ) -> Result<Vec<Extension>, AwsError> {
        let mut extensions = self.own_extensions()?;
        let mut add = |extension: Extension| {
            if extensions.iter().all(|known| known.id != extension.id) {
                extensions.push(extension);
            }
        };
        let from_api = api.filter(|_| self.takes_from_api).and_then(|api| api.get("Extensions"));
        if let Some(api) = from_api {
            api_extensions(api, has_subject)?.into_iter().for_each(&mut add);
        }
        // Every template passes the alternative names on, whatever its variety.
        csr.iter()
            .filter(|extension| self.takes_from_csr || extension.id == SUBJECT_ALTERNATIVE_NAMES)
            .cloned()
            .for_each(&mut add);
        Ok(extensions)
    }

    fn own_extensions(&self) -> Result<Vec<Extension>, AwsError> {
        let constraints = match self.kind {
            Kind::Root => tlv(0x30, &[0x01, 0x01, 0xff]),
            Kind::SubordinateCa { path_len } => {
                tlv(0x30, &[0x01, 0x01, 0xff, 0x02, 0x01, path_len])
            }
            Kind::EndEntity => tlv(0x30, &[]),
        };
        let mut extensions = vec![Extension::new(
            BASIC_CONSTRAINTS,
            self.basic_constraints_are_critical,
            constraints,
        )];
        if !self.key_usage.is_empty() {
            extensions.push(key_usage(self.key_usage));
        }
        if !self.extended_key_usage.is_empty() {
            extensions.push(purposes(self.extended_key_usage)?);
        }
        Ok(extensions)
    }
}

fn purposes(ids: &[&str]) -> Result<Extension, AwsError> {
    let ids: Result<Vec<_>, _> = ids.iter().map(|id| oid(id)).collect();
    Ok(Extension::new(EXTENDED_KEY_USAGE, false, tlv(0x30, &ids?.concat())))
}

/// API reference, "Extensions".
fn api_extensions(api: &Value, has_subject: bool) -> Result<Vec<Extension>, AwsError> {
    let list = |field: &str| api.get(field).and_then(Value::as_array);
    let mut extensions = Vec::new();
    if let Some(names) = list("SubjectAlternativeNames") {
        let names = names::general_names(names)?;
        extensions.push(Extension::new(SUBJECT_ALTERNATIVE_NAMES, !has_subject, names));
    }
    if let Some(usage) = api.get("KeyUsage") {
        const BITS: [&str; 9] = [
            "DigitalSignature",
            "NonRepudiation",
            "KeyEncipherment",
            "DataEncipherment",
            "KeyAgreement",
            "KeyCertSign",
            "CRLSign",
            "EncipherOnly",
            "DecipherOnly",
        ];
        let bits = (0..).zip(BITS).filter(|(_, name)| usage[*name] == true);
        extensions.push(key_usage(&bits.map(|(bit, _)| bit).collect::<Vec<_>>()));
    }
    if let Some(usages) = list("ExtendedKeyUsage") {
        let ids: Result<Vec<_>, _> = usages.iter().map(purpose).collect();
        extensions.push(purposes(&ids?)?);
    }
    if let Some(policies) = list("CertificatePolicies") {
        let policies: Result<Vec<_>, AwsError> = policies
            .iter()
            .map(|policy| Ok(tlv(0x30, &oid(text(policy, "CertPolicyId")?)?)))
            .collect();
        extensions.push(Extension::new(
            CERTIFICATE_POLICIES,
            false,
            tlv(0x30, &policies?.concat()),
        ));
    }
    for custom in list("CustomExtensions").into_iter().flatten() {
        let id = text(custom, "ObjectIdentifier")?;
        // What the structure has a field for has to come in that field.
        if [KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALTERNATIVE_NAMES, BASIC_CONSTRAINTS]
            .contains(&id)
        {
            return refuse("InvalidArgsException", format!("{id} cannot be a custom extension"));
        }
        let Ok(contents) = Base64::decode_vec(text(custom, "Value")?) else {
            return refuse("InvalidArgsException", "A custom extension's value is no base64");
        };
        extensions.push(Extension::new(id, custom["Critical"] == true, contents));
    }
    Ok(extensions)
}

/// API reference, "ExtendedKeyUsage": a type or an object identifier.
fn purpose(usage: &Value) -> Result<&str, AwsError> {
    if let Some(id) = optional_text(usage, "ExtendedKeyUsageObjectIdentifier") {
        return Ok(id);
    }
    Ok(match text(usage, "ExtendedKeyUsageType")? {
        "SERVER_AUTH" => SERVER_AUTH,
        "CLIENT_AUTH" => CLIENT_AUTH,
        "CODE_SIGNING" => CODE_SIGNING,
        "EMAIL_PROTECTION" => "1.3.6.1.5.5.7.3.4",
        "TIME_STAMPING" => "1.3.6.1.5.5.7.3.8",
        "OCSP_SIGNING" => "1.3.6.1.5.5.7.3.9",
        "SMART_CARD_LOGIN" => "1.3.6.1.4.1.311.20.2.2",
        "DOCUMENT_SIGNING" => "1.3.6.1.5.5.7.3.36",
        "CERTIFICATE_TRANSPARENCY" => "1.3.6.1.4.1.11129.2.4.4",
        other => {
            return refuse("InvalidArgsException", format!("{other} is no extended key usage"));
        }
    })
}
