//! An identity: a certificate, those above it, and the private key that fits.
//!
//! It is what a TLS stack or the Temporal SDK is configured with, so what they would only find
//! out at the first connection is found out here: a key of another certificate, a reversed chain,
//! an expired leaf.

use std::path::{Path, PathBuf};

use crate::certificate::{
    Certificate, CertificateChain, CertificateError, DistinguishedName, Timestamp,
};
use crate::file::{self, Existing, FileError, Secrecy};
use crate::key::encrypted::EncryptedKeyError;
use crate::key::{EncryptedPrivateKey, KeyAlgorithm, KeyError, Passphrase, PrivateKey};
use crate::managed::{CERTIFICATE_CHAIN_FILE, CERTIFICATE_FILE, ExportedCertificate};

/// The file of the certificate and its intermediates, written where there are intermediates.
pub const CERTIFICATE_WITH_INTERMEDIATES_FILE: &str = "certificate_with_intermediates.txt";
/// The file of the plain key.
pub const PLAIN_KEY_FILE: &str = "private_key_nopass.txt";

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
        "the certificate {subject} is not in the chain of {leaf}: nothing there was issued by it"
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
    /// The certificates above it, for those who are to trust them.
    pub certificate_chain: PathBuf,
    /// The plain key.
    pub private_key: PathBuf,
}

impl Identity {
    /// An identity of these certificates, in any order, and the key of one of them, valid now.
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
        while let Some(position) =
            rest.iter().position(|issuer| issuer.subject_der() == last.issuer_der())
        {
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
        let intermediates = self.above.iter().filter(|above| !above.is_self_issued());
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

    /// Writes the identity's files into a folder, which is created (mode 0700) if it is not there:
    /// the certificate, the chain above it if there is one, and the plain key (mode 0600).
    ///
    /// # Errors
    /// [`FileError`]; with [`Existing::Keep`], the first file that is there already.
    pub fn write_to(
        &self,
        folder: impl AsRef<Path>,
        existing: Existing,
    ) -> Result<IdentityFiles, FileError> {
        let folder = folder.as_ref();
        file::create_secret_folder(folder)?;
        let write = |name: &str, text: &str, secrecy| {
            let path = folder.join(name);
            file::write(&path, text, secrecy, existing).map(|()| path)
        };
        let pem = |certificates: &mut dyn Iterator<Item = &Certificate>| -> String {
            certificates.map(Certificate::to_pem).collect()
        };
        let certificate = write(CERTIFICATE_FILE, &self.leaf.to_pem(), Secrecy::Public)?;
        let chain = pem(&mut self.above.iter());
        let certificate_chain = write(CERTIFICATE_CHAIN_FILE, &chain, Secrecy::Public)?;
        let presented = if self.presented().nth(1).is_some() {
            let presented = pem(&mut self.presented());
            write(CERTIFICATE_WITH_INTERMEDIATES_FILE, &presented, Secrecy::Public)?
        } else {
            certificate.clone()
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
        let mut roots = rustls::RootCertStore::empty();
        for anchor in server_anchors {
            roots.add(anchor.as_der().to_vec().into())?;
        }
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let (certificates, key) = self.for_rustls();
        Ok(rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates, key)?)
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
