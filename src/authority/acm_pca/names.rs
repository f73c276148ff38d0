//! Names in AWS Private CA's form.

use aws_sdk_acmpca::types::{Asn1Subject, CustomAttribute, GeneralName, KeyUsage as AwsKeyUsage};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519 as x520;

use crate::authority::CaError;
use crate::certificate::{DistinguishedName, KeyUsage, SubjectAlternativeName};

/// The attributes that AWS has a field for, each of which it holds once (API reference,
/// `ASN1Subject`).
type Setter = fn(&mut Asn1Subject, String);

const FIELDS: [(ObjectIdentifier, Setter); 12] = [
    (x520::C, |subject, value| subject.country = Some(value)),
    (x520::O, |subject, value| subject.organization = Some(value)),
    (x520::OU, |subject, value| subject.organizational_unit = Some(value)),
    (x520::DN_QUALIFIER, |subject, value| subject.distinguished_name_qualifier = Some(value)),
    (x520::ST, |subject, value| subject.state = Some(value)),
    (x520::CN, |subject, value| subject.common_name = Some(value)),
    (x520::SERIAL_NUMBER, |subject, value| subject.serial_number = Some(value)),
    (x520::L, |subject, value| subject.locality = Some(value)),
    (x520::TITLE, |subject, value| subject.title = Some(value)),
    (x520::SN, |subject, value| subject.surname = Some(value)),
    (x520::GIVEN_NAME, |subject, value| subject.given_name = Some(value)),
    (x520::INITIALS, |subject, value| subject.initials = Some(value)),
];

/// A name in AWS's form. A name of attributes that AWS has fields for, each once, goes into those
/// fields; every other goes into `CustomAttributes`, which keep order and repetition and cannot be
/// mixed with the fields.
///
/// # Errors
/// [`CaError::Name`] for parts with several attributes and values that are no text.
pub(super) fn subject(name: &DistinguishedName) -> Result<Asn1Subject, CaError> {
    let refuse = |reason| CaError::Name { name: name.clone(), reason };
    if name.rdns().iter().any(|rdn| rdn.len() != 1) {
        return Err(refuse(
            "AWS Private CA writes one attribute in each part, and one of its parts has several (A=x+B=y)",
        ));
    }
    let attributes: Vec<_> = name.attributes().collect();
    if attributes.len() != name.rdns().len() {
        return Err(refuse("it has a value that is no text"));
    }
    let mut fields = Asn1Subject::builder().build();
    let mut seen = Vec::new();
    for (oid, value) in &attributes {
        let Some((_, set)) = FIELDS.iter().find(|(known, _)| known == oid) else { break };
        if seen.contains(oid) {
            break;
        }
        seen.push(*oid);
        set(&mut fields, value.clone());
    }
    if seen.len() == attributes.len() {
        return Ok(fields);
    }
    let custom = attributes
        .into_iter()
        .map(|(oid, value)| {
            CustomAttribute::builder()
                .object_identifier(oid.to_string())
                .value(value)
                .build()
                .map_err(|error| CaError::Backend {
                    operation: "writing a name for AWS",
                    source: Box::new(error),
                })
        })
        .collect::<Result<_, _>>()?;
    Ok(Asn1Subject::builder().set_custom_attributes(Some(custom)).build())
}

/// A subject alternative name in AWS's form.
///
/// # Errors
/// [`CaError::SubjectAlternativeName`] for a name that no certificate should carry;
/// [`CaError::UnsupportedName`] for a form that is not supported.
pub(super) fn general_name(name: &SubjectAlternativeName) -> Result<GeneralName, CaError> {
    name.check().map_err(|source| CaError::SubjectAlternativeName { source })?;
    let builder = GeneralName::builder();
    Ok(match name {
        SubjectAlternativeName::Dns(name) => builder.dns_name(name),
        SubjectAlternativeName::Ip(address) => builder.ip_address(address.to_string()),
        SubjectAlternativeName::Email(address) => builder.rfc822_name(address),
        SubjectAlternativeName::Uri(uri) => builder.uniform_resource_identifier(uri),
        // `check` has refused it.
        SubjectAlternativeName::Other { .. } => builder,
    }
    .build())
}

/// A key usage in AWS's form.
pub(super) fn key_usage(usage: KeyUsage) -> AwsKeyUsage {
    let has = |bit| usage.contains(bit);
    AwsKeyUsage::builder()
        .digital_signature(has(KeyUsage::DIGITAL_SIGNATURE))
        .non_repudiation(has(KeyUsage::CONTENT_COMMITMENT))
        .key_encipherment(has(KeyUsage::KEY_ENCIPHERMENT))
        .data_encipherment(has(KeyUsage::DATA_ENCIPHERMENT))
        .key_agreement(has(KeyUsage::KEY_AGREEMENT))
        .key_cert_sign(has(KeyUsage::KEY_CERT_SIGN))
        .crl_sign(has(KeyUsage::CRL_SIGN))
        .encipher_only(has(KeyUsage::ENCIPHER_ONLY))
        .decipher_only(has(KeyUsage::DECIPHER_ONLY))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(name: &str) -> Result<Asn1Subject, CaError> {
        subject(&name.parse().unwrap())
    }

    #[test]
    fn a_plain_name_goes_into_fields_and_every_other_keeps_order_and_repetition() {
        let plain = aws("C=DE,O=Acme,OU=Workers,CN=Acme Root").unwrap();
        assert_eq!(plain.country(), Some("DE"));
        assert_eq!(plain.common_name(), Some("Acme Root"));
        assert!(plain.custom_attributes().is_empty());
        for name in ["OU=a,OU=b,CN=w", "DC=example,DC=com", "CN=w,UID=7"] {
            let custom = aws(name).unwrap();
            assert_eq!(custom.common_name(), None, "{name}");
            assert_eq!(custom.custom_attributes().len(), name.split(',').count());
        }
        let first = &aws("OU=a,OU=b").unwrap().custom_attributes.unwrap()[0];
        assert_eq!((first.object_identifier(), first.value()), ("2.5.4.11", "a"));
        assert!(matches!(aws("CN=a+OU=b"), Err(CaError::Name { .. })));
    }

    #[test]
    fn names_keep_their_kind() {
        let name = |text: &str| general_name(&text.parse().unwrap()).unwrap();
        assert_eq!(name("worker.acme.internal").dns_name(), Some("worker.acme.internal"));
        assert_eq!(name("IP:10.0.0.1").ip_address(), Some("10.0.0.1"));
        assert_eq!(name("email:a@example.com").rfc822_name(), Some("a@example.com"));
        let uri = name("URI:spiffe://acme/worker");
        assert_eq!(uri.uniform_resource_identifier(), Some("spiffe://acme/worker"));
        let bad = SubjectAlternativeName::Dns("a b".into());
        assert!(matches!(general_name(&bad), Err(CaError::SubjectAlternativeName { .. })));
    }
}
