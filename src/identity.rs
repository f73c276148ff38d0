//! An identity: a certificate, those above it, and the private key that fits.
//!
//! It is what a TLS stack or the Temporal SDK is configured with, so what they would only find
//! out at the first connection is found out here: a key of another certificate, a reversed chain,
//! an expired leaf.

#[cfg(feature = "connect")]
mod renewal;
#[cfg(feature = "rustls")]
mod rotating;
mod schedule;

use std::path::{Path, PathBuf};

#[cfg(feature = "connect")]
pub use renewal::{Renewal, RenewalError, RenewalReport};
#[cfg(feature = "rustls")]
pub use rotating::{IdentityWatch, Polled, RotatingIdentity, WatchError};
pub use schedule::{LastAttempt, RenewalSchedule};

use crate::certificate::{
    Certificate, CertificateChain, CertificateError, DistinguishedName, Timestamp,
};
use crate::file::{self, Existing, FileError, Secrecy};
use crate::key::EncryptedKeyError;
use crate::key::{
    EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, KeyError, Passphrase, PrivateKey,
};
use crate::managed::{
    self, CERTIFICATE_CHAIN_FILE, CERTIFICATE_FILE, CERTIFICATE_WITH_INTERMEDIATES_FILE,
    ExportedCertificate, PLAIN_KEY_FILE,
};
use crate::verify;

/// A certificate chain, leaf first, and the private key of its leaf.
///
/// ```no_run
/// use private_ca::{Identity, Passphrase};
///
/// let certificates = [std::fs::read("certificate.txt")?, std::fs::read("certificate_chain.txt")?];
/// let passphrase = Passphrase::from_first_line(&std::fs::read("passphrase.txt")?);
/// let identity = Identity::from_pem(
///     &certificates.concat(),
///     &std::fs::read("private_key.txt")?,
///     Some(&passphrase),
/// )?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Identity {
    leaf: Certificate,
    above: Vec<Certificate>,
    key: PrivateKey,
    reordered: bool,
}

/// Why certificates and a key are no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The certificates could not be read.
    #[error("the certificates cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The key could not be read.
    #[error("the private key cannot be read: {0}")]
    Key(#[from] KeyError),
    /// The key could not be decrypted.
    #[error(transparent)]
    EncryptedKey(#[from] EncryptedKeyError),
    /// The key belongs to none of the certificates.
    #[error(
        "the private key ({key}) is not the one that the certificate {subject} is for: certificate and key come from different requests"
    )]
    KeyMismatch {
        /// Subject of the first certificate.
        subject: DistinguishedName,
        /// The kind of key.
        key: KeyAlgorithm,
    },
    /// The leaf has ended.
    #[error("the certificate {subject} expired at {not_after}: issue a new one")]
    Expired {
        /// The leaf's subject.
        subject: DistinguishedName,
        /// Its end.
        not_after: Timestamp,
    },
    /// The leaf is not valid yet.
    #[error("the certificate {subject} is not valid before {not_before}: is the clock right?")]
    NotYetValid {
        /// The leaf's subject.
        subject: DistinguishedName,
        /// Its start.
        not_before: Timestamp,
    },
    /// A certificate has no place in the chain of the leaf.
    #[error(
        "the certificate {subject} is not in the chain of {leaf}: it issued nothing there, or only bears the name of who did"
    )]
    Unrelated {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The leaf's subject.
        leaf: DistinguishedName,
    },
    /// The TLS stack does not take it.
    #[cfg(feature = "rustls")]
    #[error("rustls does not take it: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Where the files of an identity are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityFiles {
    /// What a TLS stack presents: the certificate, with its intermediates if there are any.
    pub presented: PathBuf,
    /// The certificate alone.
    pub certificate: PathBuf,
    /// The certificates above it, if there are any, for those who are to trust them.
    pub certificate_chain: Option<PathBuf>,
    /// The plain key.
    pub private_key: PathBuf,
}

impl Identity {
    /// An identity of these certificates, in any order, and the key of one of them, valid now.
    ///
    /// Each issuer is told by its name and by the signature that its key made.
    ///
    /// A chain in the wrong order is mended: TLS wants the leaf first and each issuer after what
    /// it issued (RFC 8446 section 4.4.2). [`Identity::was_reordered`] tells that it was.
    ///
    /// # Errors
    /// [`IdentityError`] if the key fits no certificate, a certificate has no place in the chain,
    /// or the leaf is not valid now.
    pub fn new(certificates: Vec<Certificate>, key: PrivateKey) -> Result<Self, IdentityError> {
        Self::new_at(certificates, key, Timestamp::now())
    }

    /// Like [`Identity::new`], at another moment than now.
    ///
    /// # Errors
    /// As [`Identity::new`].
    pub fn new_at(
        certificates: Vec<Certificate>,
        key: PrivateKey,
        moment: Timestamp,
    ) -> Result<Self, IdentityError> {
        let given = CertificateChain::new(certificates)?;
        let mut rest = given.certificates().to_vec();
        let fits = |certificate: &Certificate| certificate.public_key_der() == key.public_key_der();
        let Some(position) = rest.iter().position(fits) else {
            let subject = given.certificates().first().map(Certificate::subject);
            return Err(match subject {
                Some(subject) => IdentityError::KeyMismatch { subject, key: key.algorithm() },
                None => CertificateError::NotOne { count: 0 }.into(),
            });
        };
        let leaf = rest.remove(position);
        let validity = leaf.validity();
        if moment > validity.not_after {
            let subject = leaf.subject();
            return Err(IdentityError::Expired { subject, not_after: validity.not_after });
        }
        if moment < validity.not_before {
            let subject = leaf.subject();
            return Err(IdentityError::NotYetValid { subject, not_before: validity.not_before });
        }
        let mut above = Vec::new();
        let mut last = &leaf;
        rest.retain(|certificate| *certificate != leaf);
        while let Some(position) = rest.iter().position(|issuer| verify::issued(issuer, last)) {
            let issuer = rest.remove(position);
            // The same certificate twice, as when leaf and chain files overlap, counts once.
            rest.retain(|other| *other != issuer);
            above.push(issuer);
            last = above.last().unwrap_or(&leaf);
        }
        if let Some(unrelated) = rest.first() {
            let (subject, leaf) = (unrelated.subject(), leaf.subject());
            return Err(IdentityError::Unrelated { subject, leaf });
        }
        let ordered = std::iter::once(&leaf).chain(&above);
        let mut distinct: Vec<&Certificate> = Vec::new();
        for certificate in &given {
            if !distinct.contains(&certificate) {
                distinct.push(certificate);
            }
        }
        let reordered = !ordered.eq(distinct);
        Ok(Self { leaf, above, key, reordered })
    }

    /// An identity from PEM: the certificates, and the key, which is decrypted if it has to be.
    ///
    /// # Errors
    /// As [`Identity::new`], and what is wrong with the files.
    pub fn from_pem(
        certificates: &[u8],
        key: &[u8],
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, IdentityError> {
        let chain = CertificateChain::from_pem_or_der(certificates)?;
        let key = match (PrivateKey::from_pem_or_der(key), passphrase) {
            (Err(KeyError::Encrypted), Some(passphrase)) => {
                EncryptedPrivateKey::from_pem_or_der(key)?.decrypt(passphrase)?
            }
            (key, _) => key?,
        };
        Self::new(chain.certificates().to_vec(), key)
    }

    /// An identity from an export: its key is decrypted.
    ///
    /// # Errors
    /// As [`Identity::new`]; [`IdentityError::EncryptedKey`] for a wrong passphrase.
    pub fn from_exported(
        exported: ExportedCertificate,
        passphrase: &Passphrase,
    ) -> Result<Self, IdentityError> {
        let key = exported.private_key.decrypt(passphrase)?;
        let mut certificates = vec![exported.certificate];
        certificates.extend_from_slice(exported.chain.certificates());
        Self::new(certificates, key)
    }

    /// The certificate that the key belongs to.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.leaf
    }

    /// The certificates above it, its issuer first.
    #[must_use]
    pub fn above(&self) -> &[Certificate] {
        &self.above
    }

    /// What a TLS stack presents: the certificate and its intermediates. A root is left out,
    /// because the other side has to have it anyway.
    pub fn presented(&self) -> impl Iterator<Item = &Certificate> {
        let intermediates = self.above.iter().filter(|above| !verify::issued(above, above));
        std::iter::once(&self.leaf).chain(intermediates)
    }

    /// The private key.
    #[must_use]
    pub fn private_key(&self) -> &PrivateKey {
        &self.key
    }

    /// Whether the certificates were given in another order than the one they have now.
    #[must_use]
    pub fn was_reordered(&self) -> bool {
        self.reordered
    }

    /// The identity as an export: its key under a passphrase, in ACM's exact form.
    ///
    /// # Errors
    /// [`IdentityError::Certificate`] if there is no certificate above the leaf's;
    /// [`IdentityError::EncryptedKey`] if the operating system gives no random numbers.
    pub fn to_exported(
        &self,
        passphrase: &Passphrase,
    ) -> Result<ExportedCertificate, IdentityError> {
        let chain = CertificateChain::new(self.above.clone())?;
        let key = EncryptedPrivateKey::encrypt(&self.key, passphrase, EncryptionPreset::Acm)?;
        Ok(ExportedCertificate::new(self.leaf.clone(), chain, key))
    }

    /// Writes the identity's files into a folder, which is created (mode 0700) if it is not there:
    /// the certificate, those above it if there are any, and the plain key (mode 0600), last.
    ///
    /// With [`Existing::Replace`] each file is replaced in one step, and the files of an earlier
    /// identity or export that are not written anew are removed first, so that none of them lies
    /// beside a certificate that it does not belong to.
    ///
    /// # Errors
    /// [`FileError`]; with [`Existing::Keep`], the first file that is there already, before
    /// anything is written.
    pub fn write_to(
        &self,
        folder: impl AsRef<Path>,
        existing: Existing,
    ) -> Result<IdentityFiles, FileError> {
        let folder = folder.as_ref();
        managed::prepare_folder(folder, existing)?;
        let write = |name: &str, text: &str, secrecy| {
            let path = folder.join(name);
            file::write(&path, text, secrecy, existing).map(|()| path)
        };
        let certificate = write(CERTIFICATE_FILE, &self.leaf.to_pem(), Secrecy::Public)?;
        let above: String = self.above.iter().map(Certificate::to_pem).collect();
        let certificate_chain = match self.above.is_empty() {
            true => None,
            false => Some(write(CERTIFICATE_CHAIN_FILE, &above, Secrecy::Public)?),
        };
        let presented = match managed::with_intermediates(&self.leaf, &self.above) {
            Some(pem) => write(CERTIFICATE_WITH_INTERMEDIATES_FILE, &pem, Secrecy::Public)?,
            None => certificate.clone(),
        };
        let private_key = write(PLAIN_KEY_FILE, &self.key.to_pkcs8_pem(), Secrecy::Secret)?;
        Ok(IdentityFiles { presented, certificate, certificate_chain, private_key })
    }

    /// A rustls client configuration on aws-lc-rs that presents this identity and trusts servers
    /// under the given anchors.
    ///
    /// # Errors
    /// [`IdentityError::Rustls`] if rustls does not take the key or an anchor.
    #[cfg(feature = "rustls")]
    pub fn client_config(
        &self,
        server_anchors: &CertificateChain,
    ) -> Result<rustls::ClientConfig, IdentityError> {
        let (certificates, key) = self.for_rustls();
        Ok(trusting(server_anchors)?.with_client_auth_cert(certificates, key)?)
    }

    /// The identity in rustls's own types. The key's copy is not wiped: rustls owns it.
    #[cfg(feature = "rustls")]
    pub(crate) fn for_rustls(
        &self,
    ) -> (Vec<rustls::pki_types::CertificateDer<'static>>, rustls::pki_types::PrivateKeyDer<'static>)
    {
        let certificates = self.presented().map(|one| one.as_der().to_vec().into()).collect();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(self.key.expose_pkcs8_der().to_vec());
        (certificates, key.into())
    }
}

/// A client on aws-lc-rs that trusts servers under these anchors.
#[cfg(feature = "rustls")]
fn trusting(
    anchors: &CertificateChain,
) -> Result<
    rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert>,
    IdentityError,
> {
    let mut roots = rustls::RootCertStore::empty();
    for anchor in anchors {
        roots.add(anchor.as_der().to_vec().into())?;
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    Ok(rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots))
}
