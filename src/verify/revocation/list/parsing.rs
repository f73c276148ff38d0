//! Reads the `TBSCertList` of a list (RFC 5280 section 5.1.2) and its extensions.

use std::collections::{BTreeMap, BTreeSet};

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Reader, Tag, TagMode, TagNumber, Tagged};

use super::{CrlReason, Entry, Extensions, Parsed, Scope};
use crate::certificate::distribution_points::{PointName, Reasons};
use crate::certificate::general_name::{GeneralName, GeneralNames};
use crate::certificate::{
    AuthorityKeyIdentifier, CanonicalName, CertificateError, DerReader, DistinguishedName, InField,
    Span, algorithm, contents, element, integer, time,
};

pub(super) fn parse_tbs(tbs: &mut DerReader<'_>) -> Result<Parsed, CertificateError> {
    let has_version = !tbs.is_finished() && Tag::peek(tbs)? == Tag::Integer;
    if has_version && u8::decode(tbs).in_field("version")? != 1 {
        return Err(der::Error::from(Tag::Integer.value_error())).in_field("version");
    }
    let inner_signature_algorithm = algorithm(tbs).in_field("signature")?;
    let issuer_start = tbs.clone();
    let issuer = element(tbs, Tag::Sequence).in_field("issuer")?;
    let issuer_der = issuer_start.clone().tlv_bytes().in_field("issuer")?;
    DistinguishedName::check_der(issuer_der).in_field("issuer")?;
    let issuer_name = CanonicalName::of(issuer_der);
    let this_update = time(tbs).in_field("thisUpdate")?;
    let next_update = match tbs.is_finished() || !is_time(Tag::peek(tbs)?) {
        true => None,
        false => Some(time(tbs).in_field("nextUpdate")?),
    };
    let mut extensions = Extensions::default();
    let mut issuers = BTreeMap::from([(vec![issuer_name.clone()], 0)]);
    let mut entries = Vec::new();
    if !tbs.is_finished() && Tag::peek(tbs)? == Tag::Sequence {
        let mut issuer = 0;
        tbs.sequence(|revoked| {
            while !revoked.is_finished() {
                let entry = revoked.sequence(|entry| {
                    parse_entry(entry, has_version, &mut issuer, &mut issuers, &mut extensions)
                })?;
                entries.push(entry);
            }
            Ok::<_, der::Error>(())
        })
        .in_field("revokedCertificates")?;
    }
    if has_version && !tbs.is_finished() {
        let explicit = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
        let header = der::Header::decode(tbs).in_field("crlExtensions")?;
        header.tag().assert_eq(explicit).in_field("crlExtensions")?;
        tbs.read_nested(header.length(), |explicit| extensions.parse(explicit))?;
    }
    let mut listed_issuers = vec![Vec::new(); issuers.len()];
    for (names, place) in issuers {
        if let Some(slot) = listed_issuers.get_mut(place) {
            *slot = names;
        }
    }
    Ok(Parsed {
        der: Vec::new(),
        tbs: Span::NONE,
        issuer,
        issuer_name,
        this_update,
        next_update,
        entries,
        listed_issuers,
        extensions,
        inner_signature_algorithm,
        signature_algorithm: Span::NONE,
        signature: Span::NONE,
    })
}

fn is_time(tag: Tag) -> bool {
    matches!(tag, Tag::UtcTime | Tag::GeneralizedTime)
}

/// One `revokedCertificates` entry. `issuer` is the one of the entry before, which holds until an
/// entry names another (RFC 5280 section 5.3.3).
fn parse_entry(
    reader: &mut DerReader<'_>,
    may_have_extensions: bool,
    issuer: &mut usize,
    issuers: &mut BTreeMap<Vec<CanonicalName>, usize>,
    extensions: &mut Extensions,
) -> der::Result<Entry> {
    let serial = integer(reader)?;
    let date = time(reader)?;
    let mut reason = None;
    if may_have_extensions && !reader.is_finished() {
        each_extension(reader, |id, critical, contents, _| {
            match id {
                rfc5280::ID_CE_CRL_REASONS => {
                    let code = AnyRef::from_der(contents)?;
                    code.tag().assert_eq(Tag::Enumerated)?;
                    match code.value() {
                        [code] => reason = Some(CrlReason(*code)),
                        _ => return Err(Tag::Enumerated.value_error().into()),
                    }
                }
                rfc5280::ID_CE_CERTIFICATE_ISSUER => {
                    let names = GeneralNames::from_der(contents)?;
                    let names: Vec<_> = names
                        .filter_map(|name| match name {
                            GeneralName::Directory(der) => Some(CanonicalName::of(der)),
                            _ => None,
                        })
                        .collect();
                    if names.is_empty() {
                        return Err(Tag::Sequence.value_error().into());
                    }
                    let next = issuers.len();
                    *issuer = *issuers.entry(names).or_insert(next);
                }
                rfc5280::ID_CE_INVALIDITY_DATE | rfc5280::ID_CE_HOLD_INSTRUCTION_CODE => {}
                unknown if critical => {
                    extensions.entry_unknown_critical.get_or_insert(unknown);
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    Ok(Entry { issuer: *issuer, serial, date, reason })
}

/// Reads `Extensions`; each one's identifier, criticality, contents and where they lie.
fn each_extension<'a>(
    reader: &mut DerReader<'a>,
    mut each: impl FnMut(ObjectIdentifier, bool, &'a [u8], Span) -> der::Result<()>,
) -> der::Result<()> {
    reader.sequence(|extensions| {
        let mut seen = BTreeSet::new();
        while !extensions.is_finished() {
            extensions.sequence(|extension| {
                let id = ObjectIdentifier::decode(extension)?;
                if !seen.insert(id) {
                    return Err(der::Error::from(Tag::Sequence.value_error()));
                }
                let critical = Option::<bool>::decode(extension)?.unwrap_or(false);
                let (span, value) = contents(extension, Tag::OctetString)?;
                each(id, critical, value, span)
            })?;
        }
        Ok(())
    })
}

impl Extensions {
    fn parse(&mut self, reader: &mut DerReader<'_>) -> Result<(), CertificateError> {
        let number = |value: &[u8], span: Span| {
            let mut reader = DerReader::new(value)?;
            let place = integer(&mut reader)?;
            reader.finish()?;
            if place.of(value).first().is_none_or(|&octet| octet > 0x7f) {
                return Err(der::Error::from(Tag::Integer.value_error()));
            }
            Ok(place.within(span))
        };
        each_extension(reader, |id, critical, contents, span| {
            match id {
                rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                    self.authority_key_identifier =
                        AuthorityKeyIdentifier::from_der::<der::Error>(contents, span)?.key;
                }
                rfc5280::ID_CE_CRL_NUMBER => {
                    self.number = Some(number(contents, span)?);
                    self.number_is_critical = critical;
                }
                rfc5280::ID_CE_DELTA_CRL_INDICATOR => {
                    self.base_number = Some(number(contents, span)?);
                }
                rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT => {
                    Scope::from_der(contents)?;
                    self.scope = Some(span);
                }
                // Where more lists are; here those at hand have to do.
                rfc5280::ID_CE_FRESHEST_CRL
                | rfc5280::ID_CE_ISSUER_ALT_NAME
                | rfc5280::ID_PE_AUTHORITY_INFO_ACCESS => {}
                unknown if critical => {
                    self.unknown_critical.get_or_insert(unknown);
                }
                _ => {}
            }
            Ok(())
        })
        .in_field("crlExtensions")
    }
}

impl<'a> Scope<'a> {
    pub(super) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = DerReader::new(der)?;
        let scope = reader.sequence(|fields| {
            let point = PointName::decode(fields, 0)?;
            let only_user_certificates = flag(fields, 1)?;
            let only_ca_certificates = flag(fields, 2)?;
            let reasons = fields
                .context_specific::<BitStringRef<'_>>(TagNumber(3), TagMode::Implicit)?
                .map(|bits| Reasons::of_bits(&bits))
                .transpose()?;
            Ok::<_, der::Error>(Self {
                point,
                only_user_certificates,
                only_ca_certificates,
                reasons,
                is_indirect: flag(fields, 4)?,
                only_attribute_certificates: flag(fields, 5)?,
            })
        })?;
        reader.finish()?;
        Ok(scope)
    }
}

fn flag(reader: &mut DerReader<'_>, number: u32) -> der::Result<bool> {
    let flag = reader.context_specific::<bool>(TagNumber(number), TagMode::Implicit)?;
    Ok(flag.unwrap_or(false))
}
