//! Inputs that several commands read.

use std::path::Path;

use private_ca::file::Existing;
use private_ca::{CertificateChain, file};

use crate::{Failure, OrFail as _};

/// Reads a file of certificates.
pub(crate) fn certificates(path: &Path) -> Result<CertificateChain, Failure> {
    let contents = file::read(path).or_unasked()?;
    CertificateChain::from_pem_or_der(&contents).map_err(|error| in_file(path, error)).or_unasked()
}

/// Says in which file an error was met.
pub(crate) fn in_file(path: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// What `--overwrite` means.
pub(crate) fn existing(overwrite: bool) -> Existing {
    if overwrite { Existing::Replace } else { Existing::Keep }
}
