//! The extensions about certificate policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and
//! 4.2.1.14), decoded.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Reader, Tag, TagMode, TagNumber};

use super::reader::DerReader;

/// How far below a certificate a limit takes effect, in certificates; `None` if it never does.
pub(crate) type SkipCerts = Option<u32>;

/// `PolicyConstraints`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyConstraints {
    pub(crate) require_explicit_policy: SkipCerts,
    pub(crate) inhibit_policy_mapping: SkipCerts,
}

/// The identifiers of a DER `CertificatePolicies`: at least one, and none twice. Qualifiers are
/// texts for people, and do not matter.
pub(crate) fn certificate_policies(der: &[u8]) -> der::Result<Vec<ObjectIdentifier>> {
    let mut reader = DerReader::new(der)?;
    let policies = reader.sequence(|policies| {
        let mut found = Vec::new();
        while !policies.is_finished() {
            found.push(policies.sequence(|information| {
                let policy = ObjectIdentifier::decode(information)?;
                if !information.is_finished() {
                    AnyRef::decode(information)?.sequence(|qualifiers| {
                        while !qualifiers.is_finished() {
                            qualifiers.tlv_bytes()?;
                        }
                        Ok::<_, der::Error>(())
                    })?;
                }
                Ok::<_, der::Error>(policy)
            })?);
        }
        Ok::<_, der::Error>(found)
    })?;
    reader.finish()?;
    let distinct: BTreeSet<_> = policies.iter().collect();
    if policies.is_empty() || distinct.len() != policies.len() {
        return Err(Tag::Sequence.value_error().into());
    }
    Ok(policies)
}

/// The pairs of a DER `PolicyMappings`, issuer's policy before subject's: at least one.
pub(crate) fn policy_mappings(
    der: &[u8],
) -> der::Result<Vec<(ObjectIdentifier, ObjectIdentifier)>> {
    let mut reader = DerReader::new(der)?;
    let mappings = reader.sequence(|mappings| {
        let mut found = Vec::new();
        while !mappings.is_finished() {
            found.push(mappings.sequence(|pair| {
                Ok::<_, der::Error>((
                    ObjectIdentifier::decode(pair)?,
                    ObjectIdentifier::decode(pair)?,
                ))
            })?);
        }
        Ok::<_, der::Error>(found)
    })?;
    reader.finish()?;
    if mappings.is_empty() {
        return Err(Tag::Sequence.value_error().into());
    }
    Ok(mappings)
}

/// A DER `PolicyConstraints`, which has at least one of its two fields.
pub(crate) fn policy_constraints(der: &[u8]) -> der::Result<PolicyConstraints> {
    let mut reader = DerReader::new(der)?;
    let constraints = reader.sequence(|fields| {
        let mut field = |number| {
            let count = fields.context_specific::<u64>(TagNumber(number), TagMode::Implicit)?;
            Ok::<_, der::Error>(count.map(saturated))
        };
        let constraints = PolicyConstraints {
            require_explicit_policy: field(0)?,
            inhibit_policy_mapping: field(1)?,
        };
        if constraints.require_explicit_policy.is_none()
            && constraints.inhibit_policy_mapping.is_none()
        {
            return Err(Tag::Sequence.length_error().into());
        }
        Ok::<_, der::Error>(constraints)
    })?;
    reader.finish()?;
    Ok(constraints)
}

/// A DER `InhibitAnyPolicy`.
pub(crate) fn inhibit_any_policy(der: &[u8]) -> der::Result<u32> {
    u64::from_der(der).map(saturated)
}

/// No path has so many certificates that it would make a difference.
fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
