//! Where a local CA keeps what it must not forget: in memory, or in its folder.
//!
//! ```text
//! certificate.pem         the CA's own certificate
//! certificate_chain.pem   those above it; absent for a root
//! private_key.pem         encrypted if a passphrase was given
//! crl.pem                 the signed revocation list: the record of what is revoked
//! issued/SERIAL.pem       every certificate that was issued
//! managed/SERIAL.pem      certificate and key of managed certificates
//! requests/HASH.pem       what an idempotency key was answered with
//! lock                    held while the folder is changed
//! ```
//!
//! Every file is written whole or not at all, and none depends on a second one being written too:
//! a process that is killed between two files leaves a folder that opens and is right.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::authority::CaError;
use crate::file::{self, Existing, FileError, Secrecy};

pub(super) const CERTIFICATE: &str = "certificate.pem";
pub(super) const CHAIN: &str = "certificate_chain.pem";
pub(super) const KEY: &str = "private_key.pem";
pub(super) const CRL: &str = "crl.pem";
const ISSUED: &str = "issued";
const MANAGED: &str = "managed";
const REQUESTS: &str = "requests";
const LOCK: &str = "lock";

/// A kind of record, one file to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Record {
    /// An issued certificate, by serial number.
    Issued,
    /// A managed certificate and its key, by serial number.
    Managed,
    /// The answer to an idempotency key, by the hash of the key.
    Request,
    /// The revocation list; it has no name of its own.
    Crl,
}

type Memory = HashMap<(Record, String), Zeroizing<Vec<u8>>>;

#[derive(Debug)]
pub(super) enum Store {
    Memory(Mutex<Memory>),
    Folder(PathBuf),
}

/// Exclusive access to a store: between the threads of this process and, for a folder, between
/// processes.
pub(crate) enum Locked<'a> {
    Memory(MutexGuard<'a, Memory>),
    /// The lock file is unlocked when it is closed.
    Folder {
        path: &'a Path,
        _lock: File,
    },
}

impl Store {
    pub(super) fn in_memory() -> Self {
        Self::Memory(Mutex::default())
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Memory(_) => None,
            Self::Folder(path) => Some(path),
        }
    }

    /// Waits until nobody else changes the store.
    pub(super) fn lock(&self) -> Result<Locked<'_>, CaError> {
        Ok(match self {
            // A thread that panicked left whole records: each is inserted in one step.
            Self::Memory(memory) => {
                Locked::Memory(memory.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Self::Folder(path) => {
                let lock_path = path.join(LOCK);
                let mut options = File::options();
                options.write(true).create(true).truncate(false);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let lock = options
                    .open(&lock_path)
                    .and_then(|lock| lock.lock().map(|()| lock))
                    .map_err(|source| FileError::new("lock", &lock_path, source))?;
                Locked::Folder { path, _lock: lock }
            }
        })
    }
}

impl Locked<'_> {
    pub(crate) fn read(
        &self,
        record: Record,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, CaError> {
        match self {
            Self::Memory(memory) => Ok(memory.get(&(record, name.to_owned())).cloned()),
            Self::Folder { path, .. } => match file::read(file_of(path, record, name)) {
                Ok(contents) => Ok(Some(contents)),
                Err(error) if error.source.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }

    pub(crate) fn write(
        &mut self,
        record: Record,
        name: &str,
        contents: &[u8],
    ) -> Result<(), CaError> {
        match self {
            Self::Memory(memory) => {
                memory.insert((record, name.to_owned()), Zeroizing::new(contents.to_vec()));
            }
            Self::Folder { path, .. } => {
                let file = file_of(path, record, name);
                file::write(file, contents, Secrecy::Secret, Existing::Replace)?;
            }
        }
        Ok(())
    }

    /// Removes what a process left behind that was killed in the middle of a write. Nobody else
    /// writes while the lock is held.
    pub(super) fn sweep(&self) -> Result<(), CaError> {
        let Self::Folder { path, .. } = self else {
            return Ok(());
        };
        for folder in ["", ISSUED, MANAGED, REQUESTS] {
            let folder = path.join(folder);
            let failed = |source| FileError::new("read", &folder, source);
            for entry in std::fs::read_dir(&folder).map_err(failed)? {
                let name = entry.map_err(failed)?.file_name();
                if file::is_temporary(&name) {
                    let leftover = folder.join(name);
                    std::fs::remove_file(&leftover)
                        .map_err(|source| FileError::new("remove", &leftover, source))?;
                }
            }
        }
        Ok(())
    }

    /// The names of all records of a kind.
    pub(crate) fn names(&self, record: Record) -> Result<Vec<String>, CaError> {
        let mut names: Vec<String> = match self {
            Self::Memory(memory) => memory
                .keys()
                .filter(|(kind, _)| *kind == record)
                .map(|(_, name)| name.clone())
                .collect(),
            Self::Folder { path, .. } => {
                let folder = path.join(folder_of(record));
                let failed = |source| FileError::new("read", &folder, source);
                std::fs::read_dir(&folder)
                    .map_err(failed)?
                    .map(|entry| Ok(entry.map_err(failed)?.file_name()))
                    .collect::<Result<Vec<_>, FileError>>()?
                    .iter()
                    .filter_map(|name| name.to_str()?.strip_suffix(".pem").map(str::to_owned))
                    .filter(|name| !name.starts_with('.'))
                    .collect()
            }
        };
        names.sort_unstable();
        Ok(names)
    }
}

fn folder_of(record: Record) -> &'static str {
    match record {
        Record::Issued => ISSUED,
        Record::Managed => MANAGED,
        Record::Request => REQUESTS,
        Record::Crl => "",
    }
}

fn file_of(path: &Path, record: Record, name: &str) -> PathBuf {
    match record {
        Record::Crl => path.join(CRL),
        _ => path.join(folder_of(record)).join(format!("{name}.pem")),
    }
}

/// Whether a new CA can have this folder: it is not there, or it is an empty folder.
pub(super) fn check_free(path: &Path) -> Result<(), CaError> {
    match path.read_dir().map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CaError::Exists { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(CaError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(FileError::new("read", path, error).into()),
    }
}

/// Writes a new CA's folder in one step: everything under a temporary name beside it, then one
/// rename. Nothing is ever written over.
pub(super) fn create_folder(path: &Path, files: &[(&str, &[u8])]) -> Result<(), CaError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed = |source| FileError::new("create", path, source);
    std::fs::create_dir_all(parent).map_err(failed)?;
    check_free(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(file::TEMPORARY_PREFIX).suffix(file::TEMPORARY_SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let new = builder.tempdir_in(parent).map_err(failed)?;
    for folder in [ISSUED, MANAGED, REQUESTS] {
        file::create_secret_folder(new.path().join(folder))?;
    }
    for (name, contents) in files {
        file::write(new.path().join(name), contents, Secrecy::Secret, Existing::Keep)?;
    }
    // A rename replaces an empty folder on Unix; elsewhere it has to go first.
    if !cfg!(unix) && path.is_dir() {
        std::fs::remove_dir(path).map_err(failed)?;
    }
    let parent_entry = file::open_folder(parent).map_err(failed)?;
    let renamed = std::fs::rename(new.path(), path);
    match renamed {
        Ok(()) => {
            // The folder has its new name; the guard would look for the old one.
            let _ = new.keep();
            // The rename is done; that it would not survive a power cut is nothing to undo it for.
            let _ = parent_entry.map(|parent| parent.sync_all());
            Ok(())
        }
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::NotADirectory
            ) =>
        {
            Err(CaError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(failed(error).into()),
    }
}
