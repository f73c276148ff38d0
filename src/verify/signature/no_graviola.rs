//! In place of graviola where it is left out or does not compile: nothing is there.

use super::scheme::Hash;

/// There is none.
pub(super) enum RsaKey {}

impl RsaKey {
    pub(super) fn new(_: &[u8]) -> Option<Self> {
        None
    }

    pub(super) fn verify_pkcs1(&self, _: Hash, _: &[u8], _: &[u8]) -> bool {
        match *self {}
    }

    pub(super) fn verify_pss(&self, _: Hash, _: &[u8], _: &[u8]) -> bool {
        match *self {}
    }
}
