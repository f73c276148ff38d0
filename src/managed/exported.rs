//! What an export gives, as files and as what a TLS stack presents.

use std::path::Path;

use super::ManagedError;
use crate::certificate::{Certificate, CertificateChain};
use crate::file::{self, Existing, FileError, Secrecy};
use crate::key::{EncryptedPrivateKey, Passphrase};
use crate::verify;

/// The file of the certificate, as ACM's console names it.
pub const CERTIFICATE_FILE: &str = "certificate.txt";
/// The file of the certificates above it, as ACM's console names it.
pub const CERTIFICATE_CHAIN_FILE: &str = "certificate_chain.txt";
/// The file of the encrypted key, as ACM's console names it.
pub const PRIVATE_KEY_FILE: &str = "private_key.txt";
/// The file of the certificate and its intermediates, which is what a TLS stack presents. It is
/// written where there are intermediates.
pub const CERTIFICATE_WITH_INTERMEDIATES_FILE: &str = "certificate_with_intermediates.txt";
/// The file of the plain key.
pub const PLAIN_KEY_FILE: &str = "private_key_nopass.txt";

/// Makes a folder ready for the files of one certificate: either none of them is there, or they
/// are to be replaced, and then none of an earlier certificate is to stay.
pub(crate) fn prepare_folder(folder: &Path, existing: Existing) -> Result<(), FileError> {
    file::create_secret_folder(folder)?;
    for name in [
        CERTIFICATE_FILE,
        CERTIFICATE_CHAIN_FILE,
        CERTIFICATE_WITH_INTERMEDIATES_FILE,
        PRIVATE_KEY_FILE,
        PLAIN_KEY_FILE,
    ] {
        let path = folder.join(name);
        match (path.symlink_metadata(), existing) {
            (Err(_), _) => {}
            (Ok(_), Existing::Keep) => {
                return Err(FileError::new(
                    "write",
                    &path,
                    std::io::ErrorKind::AlreadyExists.into(),
                ));
            }
            // What is written anew is replaced in one step; the rest would belong to nobody.
            (Ok(_), Existing::Replace) if name == CERTIFICATE_FILE => {}
            (Ok(_), Existing::Replace) => std::fs::remove_file(&path)
                .map_err(|source| FileError::new("remove", &path, source))?,
        }
    }
    Ok(())
}

/// What a TLS stack presents, if that is more than the certificate: a root is left out, because the
/// other side has to have it anyway.
pub(crate) fn with_intermediates(leaf: &Certificate, above: &[Certificate]) -> Option<String> {
    let intermediates: String = above
        .iter()
        .filter(|above| !verify::issued(above, above))
        .map(Certificate::to_pem)
        .collect();
    (!intermediates.is_empty()).then(|| leaf.to_pem() + &intermediates)
}

/// What an export gives: ACM's three files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExportedCertificate {
    /// The certificate itself.
    pub certificate: Certificate,
    /// Those above it, the issuer first; the certificate itself is not among them.
    pub chain: CertificateChain,
    /// Its private key under the export's passphrase.
    pub private_key: EncryptedPrivateKey,
}

impl ExportedCertificate {
    /// An export of these parts.
    #[must_use]
    pub fn new(
        certificate: Certificate,
        chain: CertificateChain,
        private_key: EncryptedPrivateKey,
    ) -> Self {
        Self { certificate, chain, private_key }
    }

    /// Writes `certificate.txt`, `certificate_chain.txt` and `private_key.txt` into a folder,
    /// which is created (mode 0700) if it is not there, and `certificate_with_intermediates.txt`
    /// if there are intermediates. The key (mode 0600) is written last.
    ///
    /// With [`Existing::Replace`] each file is replaced in one step, and the files of an earlier
    /// export or identity that are not written anew are removed first: a plain key of an earlier
    /// certificate, for example.
    ///
    /// # Errors
    /// [`FileError`]; with [`Existing::Keep`], the first file that is there already, before
    /// anything is written.
    pub fn write_to(&self, folder: impl AsRef<Path>, existing: Existing) -> Result<(), FileError> {
        let folder = folder.as_ref();
        prepare_folder(folder, existing)?;
        let write = |name: &str, text: &str, secrecy| {
            file::write(folder.join(name), text, secrecy, existing)
        };
        write(CERTIFICATE_FILE, &self.certificate.to_pem(), Secrecy::Public)?;
        write(CERTIFICATE_CHAIN_FILE, &self.chain.to_pem(), Secrecy::Public)?;
        if let Some(pem) = with_intermediates(&self.certificate, self.chain.certificates()) {
            write(CERTIFICATE_WITH_INTERMEDIATES_FILE, &pem, Secrecy::Public)?;
        }
        write(PRIVATE_KEY_FILE, &self.private_key.to_pem(), Secrecy::Secret)
    }
}

/// Checks a passphrase against ACM's rules for an export (ACM API, `ExportCertificate`): 4 to 128
/// ASCII characters, none of them `#`, `$` or `%`.
///
/// # Errors
/// [`ManagedError::ExportPassphrase`] with the rule that is broken.
pub fn check_export_passphrase(passphrase: &Passphrase) -> Result<(), ManagedError> {
    let octets = passphrase.expose();
    let broken = |rule| Err(ManagedError::ExportPassphrase { rule });
    if octets.ends_with(b"\n") {
        return broken("it ends in a newline, as a passphrase taken from a file often does");
    }
    if !(4..=128).contains(&octets.len()) {
        return broken("it has to have 4 to 128 characters");
    }
    if !octets.iter().all(u8::is_ascii) || octets.iter().any(u8::is_ascii_control) {
        return broken("it has to be ASCII without control characters");
    }
    if octets.iter().any(|octet| b"#$%".contains(octet)) {
        return broken("it must not contain #, $ or %");
    }
    Ok(())
}
