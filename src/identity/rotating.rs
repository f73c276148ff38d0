//! An identity that changes under a running TLS client.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use sha2::{Digest as _, Sha256};

use super::{Identity, IdentityError};
use crate::certificate::{Certificate, CertificateChain, Timestamp};
use crate::file::{self, FileError};

/// The identity that a TLS client presents from its next handshake on.
///
/// Connections that stand keep the identity that they began with, which is TLS's own rule (a
/// certificate is shown once, RFC 8446 section 4.4.2). An [`Arc`] of it is what rustls takes as
/// `client_cert_resolver`, and temporalio-client's `TlsOptions` too.
///
/// ```no_run
/// # fn example(identity: private_ca::Identity, anchors: &private_ca::CertificateChain) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use private_ca::identity::{IdentityWatch, RotatingIdentity};
///
/// let rotating = Arc::new(RotatingIdentity::new(identity)?);
/// let config = rotating.client_config(anchors)?;
/// let mut watch = IdentityWatch::new(["certificate.txt"], "private_key_nopass.txt");
/// // From any timer: what the files say is taken, or the last good pair stays.
/// if let Err(error) = watch.poll(&rotating) {
///     eprintln!("{error}");
/// }
/// # Ok(()) }
/// ```
pub struct RotatingIdentity {
    current: RwLock<Arc<Current>>,
}

struct Current {
    identity: Identity,
    certified: Arc<CertifiedKey>,
}

impl Current {
    fn of(identity: Identity) -> Result<Arc<Self>, IdentityError> {
        let (certificates, key) = identity.for_rustls();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified = Arc::new(CertifiedKey::from_der(certificates, key, &provider)?);
        Ok(Arc::new(Self { identity, certified }))
    }
}

impl RotatingIdentity {
    /// One that presents this identity until another takes its place.
    ///
    /// # Errors
    /// [`IdentityError::Rustls`] if rustls does not take the key.
    pub fn new(identity: Identity) -> Result<Self, IdentityError> {
        Ok(Self { current: RwLock::new(Current::of(identity)?) })
    }

    /// Presents this identity from the next handshake on.
    ///
    /// # Errors
    /// [`IdentityError::Rustls`] if rustls does not take the key; the present identity stays.
    pub fn replace(&self, identity: Identity) -> Result<(), IdentityError> {
        // Everything that can fail or take time is done before the lock.
        let next = Current::of(identity)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let last = std::mem::replace(&mut *current, next);
        drop(current);
        // Wiping its key is not done under the lock either.
        drop(last);
        Ok(())
    }

    /// The identity that the next handshake presents.
    #[must_use]
    pub fn current(&self) -> Identity {
        self.get().identity.clone()
    }

    /// The certificate that the next handshake presents.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        self.get().identity.certificate().clone()
    }

    /// A rustls client configuration on aws-lc-rs that presents whichever identity is the present
    /// one, and trusts servers under the given anchors.
    ///
    /// It resumes no sessions: a resumed one would go on under the certificate that it began with.
    ///
    /// # Errors
    /// [`IdentityError::Rustls`] if rustls does not take an anchor.
    pub fn client_config(
        self: &Arc<Self>,
        server_anchors: &CertificateChain,
    ) -> Result<ClientConfig, IdentityError> {
        let resolver = Arc::<Self>::clone(self);
        let mut config = super::trusting(server_anchors)?.with_client_cert_resolver(resolver);
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }

    fn get(&self) -> Arc<Current> {
        // Nothing that can panic happens under the lock, and an Arc is never half written.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for RotatingIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RotatingIdentity").field("current", &self.get().identity).finish()
    }
}

impl ResolvesClientCert for RotatingIdentity {
    /// Always the one identity. The hints of the server are not consulted: they are optional, and
    /// a refusal by the server says more than a client that presents nothing.
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.get().certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Files from which a [`RotatingIdentity`] is renewed.
///
/// They are read whole at each [`IdentityWatch::poll`] and compared by their contents, so that no
/// replacement is missed: not one that keeps size and time, nor one by a link that moves, as
/// Kubernetes replaces secrets. Two files cannot be replaced in one step, so a certificate and a
/// key that do not fit are an error that the next poll may find mended.
#[derive(Debug)]
pub struct IdentityWatch {
    certificates: Vec<PathBuf>,
    key: PathBuf,
    /// SHA-256 of what was taken last.
    taken: Option<[u8; 32]>,
}

/// What a poll has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Polled {
    /// The files are as they were.
    Unchanged,
    /// They are others, and their identity is presented from now on.
    Replaced,
}

/// Why files do not take the place of the identity, which stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// A file cannot be read.
    #[error("the present identity stays: {0}")]
    File(#[source] FileError),
    /// What is in the files is no identity.
    #[error("the present identity stays, because {} holds no other: {source}", key.display())]
    Identity {
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: IdentityError,
    },
}

impl IdentityWatch {
    /// Watches files of certificates, in any order and number, and the file of a plain key.
    pub fn new<P: Into<PathBuf>>(
        certificates: impl IntoIterator<Item = P>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let certificates = certificates.into_iter().map(Into::into).collect();
        Self { certificates, key: key.into(), taken: None }
    }

    /// Reads the files, and has their identity presented if they are others than those taken last.
    ///
    /// # Errors
    /// [`WatchError`]; the present identity stays, and the next poll tries again.
    pub fn poll(&mut self, into: &RotatingIdentity) -> Result<Polled, WatchError> {
        self.poll_at(into, Timestamp::now())
    }

    /// Like [`IdentityWatch::poll`], at another moment than now.
    ///
    /// # Errors
    /// As [`IdentityWatch::poll`].
    pub fn poll_at(
        &mut self,
        into: &RotatingIdentity,
        moment: Timestamp,
    ) -> Result<Polled, WatchError> {
        let mut hash = Sha256::new();
        let mut certificates = Vec::new();
        for path in &self.certificates {
            let contents = read(path)?;
            // The length keeps what moves from one file to the next apart.
            hash.update((contents.len() as u64).to_be_bytes());
            hash.update(&*contents);
            certificates.push(contents);
        }
        let key = read(&self.key)?;
        hash.update(&*key);
        let found: [u8; 32] = hash.finalize().into();
        if self.taken == Some(found) {
            return Ok(Polled::Unchanged);
        }
        let identity = identity(&certificates, &key, moment);
        identity
            .and_then(|identity| into.replace(identity))
            .map_err(|source| WatchError::Identity { key: self.key.clone(), source })?;
        self.taken = Some(found);
        Ok(Polled::Replaced)
    }

    /// Polls for ever, and tells `report` of each replacement and of each error, an error that
    /// stays the same once. Dropping the future ends it.
    ///
    /// It runs on tokio with its timer. Files are read on the thread that polls this future, as
    /// they are a few kilobytes.
    #[cfg(feature = "connect")]
    pub async fn watch(
        mut self,
        into: Arc<RotatingIdentity>,
        every: std::time::Duration,
        mut report: impl FnMut(Result<(), WatchError>),
    ) {
        let mut reported = None;
        loop {
            match self.poll(&into) {
                Ok(Polled::Unchanged) => reported = None,
                Ok(Polled::Replaced) => {
                    reported = None;
                    report(Ok(()));
                }
                Err(error) => {
                    let sentence = error.to_string();
                    if reported.as_ref() != Some(&sentence) {
                        reported = Some(sentence);
                        report(Err(error));
                    }
                }
            }
            tokio::time::sleep(every).await;
        }
    }
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, WatchError> {
    let contents = file::read(path).map_err(WatchError::File)?;
    if contents.is_empty() {
        // A file that is being written in place; as an identity it would be a puzzling error.
        let empty = io::Error::new(io::ErrorKind::UnexpectedEof, "it is empty");
        return Err(WatchError::File(FileError::new("read", path, empty)));
    }
    Ok(contents)
}

fn identity(
    certificates: &[zeroize::Zeroizing<Vec<u8>>],
    key: &[u8],
    moment: Timestamp,
) -> Result<Identity, IdentityError> {
    let mut all = Vec::new();
    for contents in certificates {
        all.extend_from_slice(CertificateChain::from_pem_or_der(contents)?.certificates());
    }
    let key = crate::key::PrivateKey::from_pem_or_der(key)?;
    Identity::new_at(all, key, moment)
}
