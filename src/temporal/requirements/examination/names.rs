//! Names along the paths from a client's certificate to a root.

use super::{Examination, R};
use crate::certificate::{CanonicalName, Certificate};
use crate::temporal::bundle::{CaBundle, MAX_CERTIFICATES};
use crate::verify;

/// How many attempts are made to extend a path by one certificate: 33 certificates can be arranged so that there
/// are more paths between them than anybody can follow.
const MOST_STEPS: u32 = 10_000;

/// How many paths are verified.
const MOST_PATHS: u32 = 64;

impl Examination<'_> {
    /// Names from the client's certificate to the root, of which each may be there once. Where several paths
    /// lead there, one of them without a repetition is enough.
    ///
    /// `is_verified` says whether a path has to be one that is verified; where the server refuses every
    /// path, any counts that the signatures make.
    pub(super) fn names(&mut self, leaf: &Certificate, above: &[Certificate], is_verified: bool) {
        let bundle = &self.submission.bundle;
        if above.len() > MAX_CERTIFICATES || bundle.certificates().len() > MAX_CERTIFICATES {
            self.unasked.push(R::DistinctNames);
            return;
        }
        let mut paths = Paths::new(leaf, above, bundle);
        let is_sound = |path: &[&Certificate]| !is_verified || self.is_verified(path);
        let found = match paths.first(true, &is_sound) {
            Ok(Some(_)) => return,
            Ok(None) => paths.first(false, &is_sound),
            Err(spent) => Err(spent),
        };
        let path = match found {
            Ok(Some(path)) => path,
            // No path at all; the TLS server's verdict says so.
            Ok(None) => return,
            Err(TooMany) => {
                self.unasked.push(R::DistinctNames);
                return;
            }
        };
        let subjects: Vec<_> = path.iter().map(|one| one.subject().to_string()).collect();
        let shown = subjects.join(" < ");
        for (place, certificate) in path.iter().enumerate().skip(1) {
            let name = CanonicalName::of(certificate.subject_der());
            let mut earlier = path.iter().take(place);
            let Some(first) = earlier.find(|below| CanonicalName::of(below.subject_der()) == name)
            else {
                continue;
            };
            let found = format!(
                "{} and {} above it have the same distinguished name on the path {shown}, and no path to a root is without such a repetition",
                first.subject(),
                certificate.subject(),
            );
            let mend = "issue the lower one with another common name";
            self.report_of(R::DistinctNames, certificate, found, mend);
        }
    }

    /// Whether the server takes a path, or a shorter one among its certificates, whose names are then no others.
    fn is_verified(&self, path: &[&Certificate]) -> bool {
        let Some(((leaf, root), between)) = path.split_first().and_then(|(leaf, above)| {
            above.split_last().map(|(root, between)| ((leaf, root), between))
        }) else {
            return false;
        };
        let between: Vec<_> = between.iter().copied().cloned().collect();
        // Whatever of the path is in the bundle is trusted, as the server trusts it.
        let is_trusted = |one: &&Certificate| self.submission.bundle.certificates().contains(one);
        let trusted: Vec<_> = between.iter().chain([*root]).filter(is_trusted).cloned().collect();
        CaBundle::of(&trusted).admits(leaf, &between, self.at).is_ok()
    }
}

/// There are more paths than are followed.
struct TooMany;

/// The paths that signatures make from a leaf to where nobody is above, each without a certificate twice.
struct Paths<'a> {
    leaf: &'a Certificate,
    pool: Vec<&'a Certificate>,
    /// For the leaf and then for each certificate of the pool, its name, and the places in the pool of its issuers.
    names: Vec<CanonicalName>,
    issuers: Vec<Vec<usize>>,
    steps: u32,
    verified: u32,
}

impl<'a> Paths<'a> {
    fn new(leaf: &'a Certificate, above: &'a [Certificate], bundle: &'a CaBundle) -> Self {
        let mut pool: Vec<&Certificate> = Vec::new();
        for certificate in above.iter().chain(bundle.certificates()) {
            if certificate != leaf && !pool.contains(&certificate) {
                pool.push(certificate);
            }
        }
        let of = |certificate: &Certificate| -> Vec<usize> {
            // A root is where a path ends.
            if verify::issued(certificate, certificate) {
                return Vec::new();
            }
            let places = pool.iter().enumerate();
            let issuers = places.filter(|(_, issuer)| verify::issued(issuer, certificate));
            issuers.map(|(place, _)| place).collect()
        };
        let all = || std::iter::once(leaf).chain(pool.iter().copied());
        let names = all().map(|one| CanonicalName::of(one.subject_der())).collect();
        let issuers = all().map(of).collect();
        Self { leaf, pool, names, issuers, steps: 0, verified: 0 }
    }

    /// The first path that is sound: with names that are all different, or with any.
    fn first(
        &mut self,
        is_distinct: bool,
        is_sound: &impl Fn(&[&Certificate]) -> bool,
    ) -> Result<Option<Vec<&'a Certificate>>, TooMany> {
        let mut path = vec![(self.leaf, 0)];
        let is_found = self.extend(&mut path, is_distinct, is_sound)?;
        Ok(is_found.then(|| path.into_iter().map(|(certificate, _)| certificate).collect()))
    }

    /// Extends a path, of certificates and their places in `issuers`, to its end. When there is none, the path
    /// is as it was.
    fn extend(
        &mut self,
        path: &mut Vec<(&'a Certificate, usize)>,
        is_distinct: bool,
        is_sound: &impl Fn(&[&Certificate]) -> bool,
    ) -> Result<bool, TooMany> {
        let Some(&(_, head)) = path.last() else { return Ok(false) };
        let issuers = self.issuers.get(head).cloned().unwrap_or_default();
        let mut is_end = true;
        for place in issuers {
            let Some(&issuer) = self.pool.get(place) else { continue };
            if path.iter().any(|(below, _)| *below == issuer) {
                continue;
            }
            is_end = false;
            let name = self.names.get(place + 1);
            if is_distinct && path.iter().any(|(_, below)| self.names.get(*below) == name) {
                continue;
            }
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(TooMany);
            }
            path.push((issuer, place + 1));
            if self.extend(path, is_distinct, is_sound)? {
                return Ok(true);
            }
            path.pop();
        }
        if !is_end || path.len() < 2 {
            return Ok(false);
        }
        self.verified += 1;
        if self.verified > MOST_PATHS {
            return Err(TooMany);
        }
        let certificates: Vec<_> = path.iter().map(|(certificate, _)| *certificate).collect();
        Ok(is_sound(&certificates))
    }
}
