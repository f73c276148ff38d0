//! Which certificates a list is about (RFC 5280 sections 5.2.4, 5.2.5 and 6.3.3 (b) to (d)).

use super::super::budget::Account;
use super::super::error::ListError;
use super::NotConsulted;
use super::list::{RevocationList, Scope};
use crate::certificate::distribution_points::{DistributionPoint, PointName, Reasons};
use crate::certificate::general_name::{GeneralName, GeneralNames};
use crate::certificate::{CanonicalName, Certificate};

/// Section 6.3.3 (b) (1): whether a list is the one of a distribution point's issuer. Without a
/// distribution point it is the certificate's issuer's.
pub(super) fn is_of_issuer(
    list: &RevocationList,
    point: Option<&DistributionPoint<'_>>,
    issuer: &CanonicalName,
) -> bool {
    match point.and_then(|point| point.crl_issuer.clone()) {
        Some(mut issuers) => {
            issuers.any(|name| is_directory(name, list.issuer_name())) && list.scope().is_indirect
        }
        None => list.issuer_name() == issuer,
    }
}

fn is_directory(name: GeneralName<'_>, wanted: &CanonicalName) -> bool {
    matches!(name, GeneralName::Directory(der) if CanonicalName::of(der) == *wanted)
}

/// Section 6.3.3 (b) (2).
pub(super) fn check(
    list: &RevocationList,
    point: Option<&DistributionPoint<'_>>,
    certificate: &Certificate,
    issuer: &CanonicalName,
    account: &mut Account,
) -> Result<(), NotConsulted> {
    let scope = list.scope();
    // Every name of one point is compared with every name of the other.
    let of_list = scope.point.as_ref().map_or(0, count);
    let of_point = point.map_or(1, |point| {
        let issuers = point.crl_issuer.clone().map_or(0, Iterator::count);
        point.name.as_ref().map_or(0, count) + issuers
    });
    let octets = list.scope_der().map_or(0, <[u8]>::len);
    account
        .spend_comparisons(octets / 256 + of_list.saturating_mul(of_point))
        .map_err(NotConsulted::Fatal)?;
    let rule = if scope.only_attribute_certificates {
        "it is about attribute certificates alone"
    } else if scope.only_user_certificates && certificate.is_ca() {
        "it is about certificates of end entities alone"
    } else if scope.only_ca_certificates && !certificate.is_ca() {
        "it is about certificates of certificate authorities alone"
    } else if !is_at_point(list, &scope, point, issuer) {
        "its distribution point is none of the certificate's"
    } else {
        return Ok(());
    };
    Err(ListError::Scope { rule }.into())
}

fn count(point: &PointName<'_>) -> usize {
    match point {
        PointName::Full(names) => names.clone().count(),
        PointName::Relative(_) => 1,
    }
}

/// Section 6.3.3 (b) (2) (i).
fn is_at_point(
    list: &RevocationList,
    scope: &Scope<'_>,
    point: Option<&DistributionPoint<'_>>,
    issuer: &CanonicalName,
) -> bool {
    let Some(of_list) = &scope.point else {
        return true;
    };
    let of_list = Names::of(of_list, list.issuer_name());
    let Some(point) = point else {
        return of_list.contains_directory(issuer);
    };
    match (&point.name, point.crl_issuer.clone()) {
        (Some(name), crl_issuer) => {
            let named = crl_issuer.and_then(|mut names| names.next());
            let base = match named {
                Some(GeneralName::Directory(der)) => CanonicalName::of(der),
                _ => issuer.clone(),
            };
            of_list.intersects(&Names::of(name, &base))
        }
        (None, Some(crl_issuer)) => of_list.intersects(&Names::Full(crl_issuer)),
        (None, None) => false,
    }
}

/// The names of a distribution point.
enum Names<'a> {
    Full(GeneralNames<'a>),
    /// That of a point which is named relative to an issuer.
    One(CanonicalName),
}

impl<'a> Names<'a> {
    fn of(point: &PointName<'a>, issuer: &CanonicalName) -> Self {
        match point {
            PointName::Full(names) => Self::Full(names.clone()),
            PointName::Relative(part) => Self::One(issuer.with_part(part)),
        }
    }

    fn contains_directory(&self, wanted: &CanonicalName) -> bool {
        match self {
            Self::Full(names) => names.clone().any(|name| is_directory(name, wanted)),
            Self::One(name) => name == wanted,
        }
    }

    fn intersects(&self, other: &Names<'_>) -> bool {
        match other {
            Names::One(name) => self.contains_directory(name),
            Names::Full(names) => names.clone().any(|name| match (name, self) {
                (GeneralName::Directory(der), _) => {
                    self.contains_directory(&CanonicalName::of(der))
                }
                (name, Self::Full(own)) => own.clone().any(|own| own == name),
                (_, Self::One(_)) => false,
            }),
        }
    }
}

/// Section 6.3.3 (d): for which reasons the list, reached by this point, speaks.
pub(super) fn reasons(list: &RevocationList, point: Option<&DistributionPoint<'_>>) -> Reasons {
    let of_point = point.and_then(|point| point.reasons).unwrap_or(Reasons::ALL);
    of_point.and(list.scope().reasons.unwrap_or(Reasons::ALL))
}

/// Sections 5.2.4 and 6.3.3 (c): whether a delta list brings a complete one up to date. It may have
/// been made for an older complete list, not for a newer one.
pub(super) fn updates(delta: &RevocationList, complete: &RevocationList) -> bool {
    let (Some(base), Some(of_delta), Some(of_complete)) =
        (delta.base_number(), delta.number(), complete.number())
    else {
        return false;
    };
    let order = |number: &[u8], other: &[u8]| {
        number.len().cmp(&other.len()).then_with(|| number.cmp(other))
    };
    delta.issuer_name() == complete.issuer_name()
        && delta.scope_der() == complete.scope_der()
        && delta.authority_key_identifier() == complete.authority_key_identifier()
        && order(base, of_complete).is_le()
        && order(of_complete, of_delta).is_lt()
}
