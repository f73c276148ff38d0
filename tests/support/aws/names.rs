//! Names as AWS's API has them, in DER.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use serde_json::Value;

use super::certificates::{oid, tlv};
use super::wire::{AwsError, refuse, text};

const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;

/// The fields of `ASN1Subject`, in the order in which AWS Private CA writes them into a certificate
/// (the examples of its user guide have C, O, OU, ST, CN, L), with their attribute types and, where
/// RFC 5280 appendix A asks for it, another string type than UTF-8.
const FIELDS: [(&str, &str, u8, usize); 14] = [
    ("Country", "2.5.4.6", PRINTABLE_STRING, 2),
    ("Organization", "2.5.4.10", UTF8_STRING, 64),
    ("OrganizationalUnit", "2.5.4.11", UTF8_STRING, 64),
    ("DistinguishedNameQualifier", "2.5.4.46", PRINTABLE_STRING, 64),
    ("State", "2.5.4.8", UTF8_STRING, 128),
    ("CommonName", "2.5.4.3", UTF8_STRING, 64),
    ("SerialNumber", "2.5.4.5", PRINTABLE_STRING, 64),
    ("Locality", "2.5.4.7", UTF8_STRING, 128),
    ("Title", "2.5.4.12", UTF8_STRING, 64),
    ("Surname", "2.5.4.4", UTF8_STRING, 40),
    ("GivenName", "2.5.4.42", UTF8_STRING, 16),
    ("Initials", "2.5.4.43", UTF8_STRING, 5),
    ("Pseudonym", "2.5.4.65", UTF8_STRING, 128),
    ("GenerationQualifier", "2.5.4.44", UTF8_STRING, 3),
];

fn rdn(attribute_type: &[u8], string_type: u8, value: &str) -> Vec<u8> {
    let attribute = [attribute_type, &tlv(string_type, value.as_bytes())].concat();
    tlv(0x31, &tlv(0x30, &attribute))
}

/// DER of an `ASN1Subject`. API reference, "ASN1Subject": custom attributes cannot be combined with
/// the standard ones; the lengths are those of the API's model.
pub fn subject(subject: &Value) -> Result<Vec<u8>, AwsError> {
    let mut rdns = Vec::new();
    for (field, attribute_type, string_type, longest) in FIELDS {
        let Some(value) = subject.get(field).and_then(Value::as_str) else { continue };
        if value.is_empty() || value.chars().count() > longest {
            return refuse(
                "ValidationException",
                format!("{field} of the subject must have 1 to {longest} characters"),
            );
        }
        rdns.push(rdn(&known_oid(attribute_type), string_type, value));
    }
    if let Some(custom) = subject.get("CustomAttributes").and_then(Value::as_array) {
        if !rdns.is_empty() {
            return refuse(
                "InvalidArgsException",
                "Custom attributes cannot be used in combination with standard attributes",
            );
        }
        for attribute in custom {
            let attribute_type = text(attribute, "ObjectIdentifier")?;
            let known = FIELDS.iter().find(|(_, known, ..)| *known == attribute_type);
            let string_type = known.map_or(UTF8_STRING, |field| field.2);
            rdns.push(rdn(&oid(attribute_type)?, string_type, text(attribute, "Value")?));
        }
    }
    Ok(tlv(0x30, &rdns.concat()))
}

/// DER of `GeneralNames`, as far as the stand-in knows them.
pub fn general_names(names: &[Value]) -> Result<Vec<u8>, AwsError> {
    let mut encoded = Vec::new();
    for name in names {
        let of = |field: &str| name.get(field).and_then(Value::as_str);
        encoded.extend(if let Some(name) = of("Rfc822Name") {
            tlv(0x81, name.as_bytes())
        } else if let Some(name) = of("DnsName") {
            tlv(0x82, name.as_bytes())
        } else if let Some(name) = of("UniformResourceIdentifier") {
            tlv(0x86, name.as_bytes())
        } else if let Some(address) = of("IpAddress") {
            match address.parse() {
                Ok(IpAddr::V4(address)) => tlv(0x87, &address.octets()),
                Ok(IpAddr::V6(address)) => tlv(0x87, &address.octets()),
                Err(_) => return refuse("InvalidArgsException", "The IP address is not valid"),
            }
        } else if let Some(id) = of("RegisteredId") {
            let mut id = oid(id)?;
            id[0] = 0x88;
            id
        } else if let Some(directory) = name.get("DirectoryName") {
            tlv(0xa4, &subject(directory)?)
        } else {
            return refuse("InvalidArgsException", "The stand-in knows no such general name");
        });
    }
    Ok(tlv(0x30, &encoded))
}

fn known_oid(dotted: &str) -> Vec<u8> {
    tlv(0x06, ObjectIdentifier::new_unwrap(dotted).as_bytes())
}
