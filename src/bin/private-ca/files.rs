//! Inputs that several commands read.

use std::path::Path;

use private_ca::certificate::CertificateError;
use private_ca::file::Existing;
use private_ca::verify::RevocationList;
use private_ca::{CertificateChain, file};

use crate::{Failure, OrFail as _};

/// Reads a file of certificates.
pub(crate) fn certificates(path: &Path) -> Result<CertificateChain, Failure> {
    let contents = file::read(path).or_unasked()?;
    CertificateChain::from_pem_or_der(&contents).map_err(|error| in_file(path, error)).or_unasked()
}

/// Reads a file of revocation lists.
pub(crate) fn revocation_lists(path: &Path) -> Result<Vec<RevocationList>, Failure> {
    let contents = file::read(path).or_unasked()?;
    RevocationList::all_from_pem_or_der(&contents)
        .map_err(|error| match error {
            // It would speak of a certificate.
            CertificateError::Malformed { field, source } => {
                in_file(path, format!("this is no revocation list: its {field}: {source}"))
            }
            error => in_file(path, error),
        })
        .or_unasked()
}

/// Says in which file an error was met.
pub(crate) fn in_file(path: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// What `--overwrite` means.
pub(crate) fn existing(overwrite: bool) -> Existing {
    if overwrite { Existing::Replace } else { Existing::Keep }
}

/// Whether a folder can take these files, asked before anything is issued for it: what is issued
/// is on the CA's record, and a key that then finds no place is lost.
pub(crate) fn check_free(folder: &Path, names: &[&str], overwrite: bool) -> Result<(), Failure> {
    if folder.exists() && !folder.is_dir() {
        return Err(in_file(folder, "this is not a folder")).or_unasked();
    }
    let taken = |name: &&str| folder.join(name).symlink_metadata().is_ok();
    match names.iter().copied().find(taken) {
        Some(name) if !overwrite => {
            let path = folder.join(name);
            let message =
                "this exists already: choose another folder, or write over it with --overwrite";
            Err(in_file(&path, message)).or_no()
        }
        _ => Ok(()),
    }
}
