//! Files that are written whole or not at all.
//!
//! A file is written under a temporary name in its own folder, flushed to the disk, and renamed
//! into place, so a full disk or a killed process leaves the old file or the new one, never half.
//!
//! On Unix a [`Secrecy::Secret`] file has mode 0600 from the moment it exists, and a
//! [`Secrecy::Public`] one 0644. Elsewhere files inherit the access control of their folder and
//! nothing more is promised: keep keys in a folder that only their user can read.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// Its owner only: mode 0600.
    Secret,
    /// Everyone: mode 0644.
    Public,
}

/// What happens when the file exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// The write fails with [`io::ErrorKind::AlreadyExists`] and the file stays as it is.
    Keep,
    /// The new contents take its place in one step.
    Replace,
}

/// A file or folder could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
#[non_exhaustive]
pub struct FileError {
    /// What was tried: "read", "write", "create", "lock".
    pub action: &'static str,
    /// The file or folder it was tried on.
    pub path: PathBuf,
    /// What the operating system answered.
    pub source: io::Error,
}

impl FileError {
    pub(crate) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }
}

/// The names of files that are being written: a killed process leaves one behind.
pub(crate) const TEMPORARY_PREFIX: &str = ".private-ca-";
pub(crate) const TEMPORARY_SUFFIX: &str = ".tmp";

/// Whether a file of this name was left behind by a process that was killed while it wrote.
#[cfg(feature = "local")]
pub(crate) fn is_temporary(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX)
}

/// Writes `contents` to `path`, whole or not at all.
///
/// # Errors
/// [`FileError`] with the operating system's reason; the temporary file is gone and `path` is as
/// it was before.
pub fn write(
    path: impl AsRef<Path>,
    contents: impl AsRef<[u8]>,
    secrecy: Secrecy,
    existing: Existing,
) -> Result<(), FileError> {
    let path = path.as_ref();
    write_inner(path, contents.as_ref(), secrecy, existing)
        .map_err(|source| FileError::new("write", path, source))
}

fn write_inner(
    path: &Path,
    contents: &[u8],
    secrecy: Secrecy,
    existing: Existing,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = match secrecy {
            Secrecy::Secret => 0o600,
            Secrecy::Public => 0o644,
        };
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = secrecy;
    // Opened before anything is in place, so that what fails here fails with nothing changed.
    let folder_entry = open_folder(folder)?;
    // The random name says nothing to whoever reads the error.
    let mut file = builder.tempfile_in(folder).map_err(|error| error.kind())?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    match existing {
        Existing::Replace => file.persist(path),
        Existing::Keep => file.persist_noclobber(path),
    }
    .map_err(|failed| failed.error)?;
    // The rename is done; that it would not survive a power cut is nothing to undo it for.
    let _ = folder_entry.map(|folder| folder.sync_all());
    Ok(())
}

/// A rename is durable when the folder's own entry has reached the disk, which Unix alone can be
/// asked for.
pub(crate) fn open_folder(folder: &Path) -> io::Result<Option<File>> {
    cfg!(unix).then(|| File::open(folder)).transpose()
}

/// Creates a folder for secrets (mode 0700 on Unix) with its parents; one that exists is left as it is.
///
/// # Errors
/// [`FileError`] with the operating system's reason.
pub fn create_secret_folder(path: impl AsRef<Path>) -> Result<(), FileError> {
    let path = path.as_ref();
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|source| FileError::new("create", path, source))
}

/// Reads a file whole, into memory that is wiped when dropped.
///
/// # Errors
/// [`FileError`] with the operating system's reason; a file above 16 MiB is refused, because
/// nothing this crate reads is that large.
pub fn read(path: impl AsRef<Path>) -> Result<zeroize::Zeroizing<Vec<u8>>, FileError> {
    let path = path.as_ref();
    read_inner(path).map_err(|source| FileError::new("read", path, source))
}

const READ_LIMIT: u64 = 16 << 20;

fn read_inner(path: &Path) -> io::Result<zeroize::Zeroizing<Vec<u8>>> {
    use std::io::Read as _;
    let file = File::open(path)?;
    let length = file.metadata()?.len().min(READ_LIMIT);
    // One byte of room beyond the length, so that read_to_end sees the end without growing.
    let capacity = usize::try_from(length).unwrap_or(0) + 1;
    let mut contents = zeroize::Zeroizing::new(Vec::with_capacity(capacity.max(4096)));
    file.take(READ_LIMIT + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > READ_LIMIT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_kept_or_replaced_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, "old", Secrecy::Public, Existing::Keep).unwrap();
        let refused = write(&path, "new", Secrecy::Public, Existing::Keep).unwrap_err();
        assert_eq!(refused.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&path).unwrap().as_slice(), b"old");
        write(&path, "new", Secrecy::Public, Existing::Replace).unwrap();
        assert_eq!(read(&path).unwrap().as_slice(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let secret_folder = folder.path().join("a/b");
        create_secret_folder(&secret_folder).unwrap();
        assert_eq!(mode(&secret_folder), 0o700);
        let path = secret_folder.join("key");
        write(&path, "public", Secrecy::Public, Existing::Keep).unwrap();
        write(&path, "secret", Secrecy::Secret, Existing::Replace).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_write_that_fails_leaves_no_temporary_file() {
        // A folder is in the way, which no file can replace.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("occupied");
        std::fs::create_dir(&path).unwrap();
        write(&path, "x", Secrecy::Secret, Existing::Replace).unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
