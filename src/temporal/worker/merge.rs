//! Files that belong to somebody else and take a configuration in.

use std::io;
use std::path::{Path, PathBuf};

use crate::file::{self, Existing, FileError, Secrecy};

/// Why a configuration cannot be merged into a file, which is left as it is.
///
/// None of these shows a value that the file holds: it may be a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not text.
    #[error("{} is not UTF-8 text from byte {valid_up_to} on: mend it or name another file", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// How many bytes are text.
        valid_up_to: usize,
    },
    /// The text is no TOML.
    #[error("line {line} is no TOML ({reason}): mend it first, nothing was changed")]
    Toml {
        /// The line, counted from 1.
        line: usize,
        /// What the parser says, without the line's text.
        reason: String,
    },
    /// Something else is where a table must be.
    #[error("`{key}` is not a table, so no profile can be in it: remove it or rename it first")]
    NotATable {
        /// The key, with those above it: `profile.default.tls`.
        key: String,
    },
    /// Readers of environment files would disagree about a value.
    #[error(
        "{variable} cannot be {value:?} in an environment file: Docker, systemd and shells read {character:?} differently, so choose a path or name without it"
    )]
    Value {
        /// The variable.
        variable: &'static str,
        /// The value.
        value: String,
        /// The first character that is read differently.
        character: char,
    },
    /// A variable has no value.
    #[error("{variable} is empty: name a value for it")]
    Empty {
        /// The variable.
        variable: &'static str,
    },
    /// A line of a variable to replace is part of a value of several lines.
    #[error(
        "line {line} ({variable}) is part of a value that goes over several lines, which only some programs read so: remove it by hand first"
    )]
    Continued {
        /// The line, counted from 1.
        line: usize,
        /// The variable.
        variable: &'static str,
    },
    /// A path is not Unicode.
    #[error("the path {} is not Unicode, and the SDKs' configuration has no other: rename it", path.display())]
    NotUnicode {
        /// The path.
        path: PathBuf,
    },
}

/// Reads a file, which may be missing, and writes what becomes of it, if that is anything new.
pub(super) fn in_file(
    path: &Path,
    merge: impl FnOnce(&str) -> Result<String, MergeError>,
) -> Result<(), MergeError> {
    let (target, existing) = match std::fs::canonicalize(path) {
        // Behind a link, so that the rename does not replace the link.
        Ok(target) => (target.clone(), Some(file::read(&target)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(FileError::new("read", path, error).into()),
    };
    let text =
        std::str::from_utf8(existing.as_ref().map_or(&[], |bytes| bytes.as_slice())).map_err(
            |error| MergeError::NotText { path: path.to_owned(), valid_up_to: error.valid_up_to() },
        )?;
    // It repeats what the file holds, keys of other profiles too.
    let merged = zeroize::Zeroizing::new(merge(text)?);
    if existing.is_some() && *merged == text {
        return Ok(());
    }
    file::write(&target, merged.as_bytes(), secrecy(&target), Existing::Replace)?;
    Ok(())
}

/// Never for more readers than before.
fn secrecy(path: &Path) -> Secrecy {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let everyone = |mode: u32| mode & 0o044 == 0o044;
        if path.metadata().is_ok_and(|metadata| everyone(metadata.permissions().mode())) {
            return Secrecy::Public;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Secrecy::Secret
}
