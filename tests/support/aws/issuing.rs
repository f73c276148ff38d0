//! Certificates from a CA: issued, fetched, revoked. The facts are those of the AWS Private CA API
//! reference, each under its operation's name, unless said otherwise.

use std::time::Duration;

use private_ca::{Certificate, CertificateRequest, SerialNumber, Timestamp};
use serde_json::{Value, json};

use super::authorities::{Authority, DAY, Status, TOKEN_LIFE, pem_of, wrong_state};
use super::certificates::{
    AUTHORITY_INFORMATION_ACCESS, AUTHORITY_KEY_IDENTIFIER, CRL_DISTRIBUTION_POINTS, Draft,
    Extension, SUBJECT_ALTERNATIVE_NAMES, SUBJECT_KEY_IDENTIFIER, fits, key_identifier, oid,
    requested_extensions, tlv,
};
use super::templates::{DEFAULT, Kind, Template};
use super::wire::{
    Answer, AwsError, blob, optional_text, outside_model, refuse, text, text_within,
};
use super::{Pending, REGION, State};

pub(super) struct Issued {
    pub arn: String,
    pub certificate: Certificate,
    pub revoked_for: Option<String>,
    pending: Pending,
}

/// What is asked of a CA.
pub(super) struct Order<'a> {
    pub csr: &'a CertificateRequest,
    pub template: &'a Template,
    pub api_passthrough: Option<&'a Value>,
    pub signing_algorithm: &'a str,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl Authority {
    /// Signs, and puts it on record.
    pub fn sign(&mut self, order: &Order<'_>, pending: Pending) -> Result<&Issued, AwsError> {
        let csr = order.csr;
        let requested = requested_extensions(csr);
        let subject = order.template.subject(csr.subject().as_der(), order.api_passthrough)?;
        let has_subject = subject.len() > 2;
        let mut extensions =
            order.template.extensions(&requested, order.api_passthrough, has_subject)?;
        let has_names = extensions.iter().any(|known| known.id == SUBJECT_ALTERNATIVE_NAMES);
        if !has_subject && !has_names {
            return refuse(
                "MalformedCsrException",
                "A CSR must provide either a subject name or a subject alternative name",
            );
        }
        // What names keys and CRLs is the CA's own, whatever was asked.
        let own = [SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER];
        extensions.retain(|extension| !own.contains(&extension.id.as_str()));
        let subject_key = key_identifier(csr.public_key_der());
        extensions.push(Extension::new(SUBJECT_KEY_IDENTIFIER, false, tlv(0x04, &subject_key)));
        if order.template.kind != Kind::Root {
            extensions.push(self.authority_key_identifier());
            extensions.extend(self.crl_distribution_points());
            extensions.extend(self.ocsp_responder());
        }
        let issuer = match &self.certificate {
            Some(certificate) if order.template.kind != Kind::Root => certificate.subject_der(),
            _ => self.csr.subject().as_der(),
        };
        let draft = Draft {
            issuer_der: issuer,
            subject_der: &subject,
            public_key_der: csr.public_key_der(),
            not_before: order.not_before,
            not_after: order.not_after,
            extensions,
        };
        let certificate = draft.sign(&self.key, order.signing_algorithm)?;
        let arn = format!("{}/certificate/{}", self.arn, certificate.serial_number());
        self.issued.push(Issued { arn, certificate, revoked_for: None, pending });
        Ok(self.issued.last().unwrap())
    }

    fn authority_key_identifier(&self) -> Extension {
        let own = self.certificate.as_ref().and_then(Certificate::subject_key_identifier);
        let own = own.map_or_else(|| key_identifier(self.csr.public_key_der()), <[u8]>::to_vec);
        Extension::new(AUTHORITY_KEY_IDENTIFIER, false, tlv(0x30, &tlv(0x80, &own)))
    }

    /// User guide, "Plan a certificate revocation list": one object for each CA, at the bucket or
    /// under its alias.
    fn crl_distribution_points(&self) -> Option<Extension> {
        let crl = &self.revocation["CrlConfiguration"];
        if crl["Enabled"] != true
            || crl["CrlDistributionPointExtensionConfiguration"]["OmitExtension"] == true
        {
            return None;
        }
        let bucket = optional_text(crl, "S3BucketName").unwrap_or_default();
        let host = optional_text(crl, "CustomCname")
            .map_or_else(|| format!("{bucket}.s3.{REGION}.amazonaws.com"), str::to_owned);
        let folder = optional_text(crl, "CustomPath").map(|path| format!("{path}/"));
        let url = format!("http://{host}/{}crl/{}.crl", folder.unwrap_or_default(), self.id());
        let point = tlv(0xa0, &tlv(0xa0, &tlv(0x86, url.as_bytes())));
        Some(Extension::new(CRL_DISTRIBUTION_POINTS, false, tlv(0x30, &tlv(0x30, &point))))
    }

    fn ocsp_responder(&self) -> Option<Extension> {
        let ocsp = &self.revocation["OcspConfiguration"];
        if ocsp["Enabled"] != true {
            return None;
        }
        let host = optional_text(ocsp, "OcspCustomCname")
            .map_or_else(|| format!("ocsp.acm-pca.{REGION}.amazonaws.com"), str::to_owned);
        let url = tlv(0x86, format!("http://{host}").as_bytes());
        let access = tlv(0x30, &[oid("1.3.6.1.5.5.7.48.1").ok()?, url].concat());
        Some(Extension::new(AUTHORITY_INFORMATION_ACCESS, false, tlv(0x30, &access)))
    }

    /// The CA's certificate and those above it.
    pub fn chain_pem(&self) -> String {
        pem_of(self.certificate.as_slice()) + &pem_of(&self.chain)
    }
}

impl State {
    pub(super) fn issue_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let partition = self.partition.clone();
        let issuing = Pending::new(self.behaviour.issuing, now);
        let token = text_within(body, "IdempotencyToken", 1..=36)?;
        let signing_algorithm = text(body, "SigningAlgorithm")?;
        let template = match optional_text(body, "TemplateArn") {
            Some(arn) => Template::of_arn(arn, &partition)?,
            None => Template::named(DEFAULT).unwrap(),
        };
        let csr = blob(body, "Csr")?;
        let authority = self.authority_of(body)?;
        if let Some(token) = token {
            authority.issue_tokens.retain(|(_, since, _)| now < since.plus(TOKEN_LIFE));
            if let Some((.., arn)) = authority.issue_tokens.iter().find(|row| row.0 == token) {
                return Ok(json!({"CertificateArn": arn}));
            }
        }
        // User guide, "Installing a root CA certificate": it has none yet, or gets a new one.
        let states: &[&str] = match template.kind {
            Kind::Root => &["PENDING_CERTIFICATE", "ACTIVE", "EXPIRED"],
            _ => &["ACTIVE"],
        };
        authority.must_be(states, now)?;
        authority.check_sharing(&template)?;
        let Ok(csr) = CertificateRequest::from_pem_or_der(&csr) else {
            return refuse("MalformedCsrException", "The certificate signing request is invalid");
        };
        if template.kind == Kind::Root
            && (!authority.is_root || csr.public_key_der() != authority.csr.public_key_der())
        {
            return refuse(
                "MalformedCsrException",
                "A root CA certificate is issued for the root CA's own CSR",
            );
        }
        if !fits(
            signing_algorithm,
            authority.configuration["KeyAlgorithm"].as_str().unwrap_or_default(),
        ) {
            return refuse(
                "InvalidArgsException",
                format!("The signing algorithm {signing_algorithm} does not fit the CA's key"),
            );
        }
        let not_after = end(&body["Validity"], now)?;
        let not_before = match body.get("ValidityNotBefore").filter(|start| !start.is_null()) {
            None => now.minus(Duration::from_secs(3600)),
            Some(start) if start["Type"] == "ABSOLUTE" => {
                Timestamp::from_unix_seconds(value(start)?)
            }
            Some(_) => {
                return refuse("InvalidArgsException", "ValidityNotBefore has to be ABSOLUTE");
            }
        };
        authority.check_limits(&template, not_before, not_after, now)?;
        let order = Order {
            csr: &csr,
            template: &template,
            api_passthrough: body.get("ApiPassthrough"),
            signing_algorithm,
            not_before,
            not_after,
        };
        let arn = authority.sign(&order, issuing)?.arn.clone();
        if let Some(token) = token {
            authority.issue_tokens.push((token.to_owned(), now, arn.clone()));
        }
        Ok(json!({"CertificateArn": arn}))
    }

    pub(super) fn issued_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let arn = text(body, "CertificateArn")?;
        let authority = self.authority_of(body)?;
        if matches!(authority.status, Status::Deleted | Status::Creating) {
            return wrong_state(authority, now);
        }
        let chain = authority.chain_pem();
        if !arn.starts_with(&authority.arn) {
            return refuse("InvalidArnException", format!("The ARN {arn} is not valid"));
        }
        let Some(issued) = authority.issued.iter_mut().find(|issued| issued.arn == arn) else {
            return refuse(
                "ResourceNotFoundException",
                format!("Could not find certificate with ARN {arn}"),
            );
        };
        if !issued.pending.is_done(now) {
            return refuse("RequestInProgressException", "The request is still in progress");
        }
        let mut answer = json!({"Certificate": issued.certificate.to_pem()});
        // A root's own certificate has no chain above it.
        if !issued.certificate.is_self_issued() {
            answer["CertificateChain"] = json!(chain);
        }
        Ok(answer)
    }

    pub(super) fn revoke_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let serial = text(body, "CertificateSerial")?;
        let reason = text(body, "RevocationReason")?;
        const REASONS: [&str; 8] = [
            "UNSPECIFIED",
            "KEY_COMPROMISE",
            "CERTIFICATE_AUTHORITY_COMPROMISE",
            "AFFILIATION_CHANGED",
            "SUPERSEDED",
            "CESSATION_OF_OPERATION",
            "PRIVILEGE_WITHDRAWN",
            "A_A_COMPROMISE",
        ];
        if !REASONS.contains(&reason) {
            return outside_model(reason, "revocationReason", "Member must satisfy enum value set");
        }
        let authority = self.authority_of(body)?;
        authority.must_be(&["ACTIVE", "DISABLED"], now)?;
        // In hexadecimal; the operation's example has it as openssl prints it, with colons.
        let Ok(serial) = serial.parse::<SerialNumber>() else {
            return refuse("InvalidRequestException", "The serial number is no hexadecimal number");
        };
        let Some(issued) =
            authority.issued.iter_mut().find(|issued| issued.certificate.serial_number() == serial)
        else {
            return refuse(
                "ResourceNotFoundException",
                format!("Could not find certificate with serial number {serial}"),
            );
        };
        if issued.certificate.is_self_issued() {
            return refuse(
                "InvalidRequestException",
                "A root CA's own certificate cannot be revoked",
            );
        }
        if issued.revoked_for.is_some() {
            return refuse(
                "RequestAlreadyProcessedException",
                format!("The certificate {serial} has already been revoked"),
            );
        }
        issued.revoked_for = Some(reason.to_owned());
        Ok(json!({}))
    }
}

impl Authority {
    fn check_limits(
        &self,
        template: &Template,
        not_before: Timestamp,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        // "The CA depth configured on a subordinate CA certificate must not exceed the limit set by its
        // parents"; with which error is not said.
        let room = self
            .certificate
            .as_ref()
            .and_then(Certificate::basic_constraints)
            .and_then(|constraints| constraints.path_len);
        if let (Kind::SubordinateCa { path_len }, Some(room)) = (template.kind, room)
            && path_len >= room
        {
            return refuse("InvalidArgsException", "The path length exceeds that of the CA");
        }
        if not_after <= not_before || not_after <= now {
            return refuse(
                "ValidationException",
                "The certificate's validity ends before it starts, or in the past",
            );
        }
        let ends_with_it = template.kind == Kind::Root;
        let ca_end = self.certificate.as_ref().map(|own| own.validity().not_after);
        if !ends_with_it && ca_end.is_some_and(|ca_end| not_after > ca_end) {
            // In these words people quote it from AWS.
            return refuse(
                "ValidationException",
                "The certificate validity specified exceeds the certificate authority validity",
            );
        }
        // User guide, "Understanding CA modes": seven days at most.
        let is_short_lived = self.usage_mode == "SHORT_LIVED_CERTIFICATE";
        if is_short_lived && template.kind == Kind::EndEntity && not_after > now.plus(DAY * 7) {
            return refuse(
                "ValidationException",
                "A CA for short-lived certificates issues for at most seven days",
            );
        }
        Ok(())
    }
}

fn value(validity: &Value) -> Result<i64, AwsError> {
    match validity["Value"].as_i64() {
        Some(value @ 1..) => Ok(value),
        Some(value) => outside_model(
            value,
            "validity.value",
            "Member must have value greater than or equal to 1",
        ),
        None => outside_model("null", "validity.value", "Member must not be null"),
    }
}

/// "Validity". Relative ends count from the moment of issuing, wherever the start is put
/// ("IssueCertificate", `Validity`).
fn end(validity: &Value, now: Timestamp) -> Result<Timestamp, AwsError> {
    let value = value(validity)?;
    let small = u32::try_from(value).unwrap_or(u32::MAX);
    Ok(match text(validity, "Type")? {
        "DAYS" => now.plus(DAY.saturating_mul(small)),
        "MONTHS" => now.plus_months(small),
        "YEARS" => now.plus_months(small.saturating_mul(12)),
        "ABSOLUTE" => Timestamp::from_unix_seconds(value),
        "END_DATE" => return end_date(value),
        other => {
            return outside_model(
                other,
                "validity.type",
                "Member must satisfy enum value set: [END_DATE, MONTHS, DAYS, ABSOLUTE, YEARS]",
            );
        }
    })
}

/// `YYMMDDHHMMSS` or `YYYYMMDDHHMMSS`, as a number; years from 50 on are of the last century.
fn end_date(value: i64) -> Result<Timestamp, AwsError> {
    let digits = match value {
        10_000_000_000_000.. => format!("{value}"),
        500_000_000_000.. => format!("19{value:012}"),
        _ => format!("20{value:012}"),
    };
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4),
        part(4..6),
        part(6..8),
        part(8..10),
        part(10..12),
        part(12..14)
    );
    text.parse()
        .map_err(|_| AwsError::new(400, "InvalidArgsException", format!("{value} is no end date")))
}
