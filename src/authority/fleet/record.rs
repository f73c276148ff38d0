//! What was asked for a fleet, so that nothing is asked for twice.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::authority::CertificateId;
use crate::file::{self, FileError};

/// The first line, followed by the record's own id.
const HEADING: &str = "private-ca fleet 1 ";

/// Why a fleet cannot be begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// Two members have one name.
    #[error("two members of the fleet have the name \"{name}\": give each its own")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A name cannot be written into a line of the record.
    #[error("the name {name:?} of a member is empty, or has control characters in it")]
    Name {
        /// The name.
        name: String,
    },
    /// The file is no record of a fleet, or was changed.
    #[error("line {line} of {} is not one of a fleet's record: move the file away to begin anew, which asks for every certificate again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// Another process issues for the same fleet.
    #[error("{} is in use by another process that issues for this fleet: wait until it ends", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers: {0}")]
    Random(#[source] getrandom::Error),
}

/// What was asked for a fleet: which certificate's id belongs to which member.
///
/// In a file, each line is on the disk before its certificate is waited for, and the file is locked
/// while it is open. It holds names and ids, and no secret.
#[derive(Debug)]
pub struct FleetRecord {
    id: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Fingerprint and id by name.
    submitted: HashMap<String, (String, CertificateId)>,
    file: Option<(PathBuf, File)>,
}

impl FleetRecord {
    /// A record that is lost with the process: for tests, and where nothing is to be resumed.
    ///
    /// # Errors
    /// [`FleetError::Random`].
    pub fn in_memory() -> Result<Self, FleetError> {
        Ok(Self { id: new_id()?, state: Mutex::default() })
    }

    /// The record in this file, which is created if it is not there.
    ///
    /// A line that was being written when the process or the machine stopped is dropped: what it
    /// stood for is asked for again, under the same idempotency key.
    ///
    /// # Errors
    /// [`FleetError::Busy`], [`FleetError::Damaged`], [`FleetError::File`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FleetError> {
        let path = path.as_ref();
        let failed = |action| move |source| FileError::new(action, path, source);
        let damaged = |line| FleetError::Damaged { path: path.to_owned(), line };
        // A link or a pipe that somebody put there is neither followed nor waited for.
        if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
            return Err(damaged(1));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(path).map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FleetError::Busy { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source).into()),
        }
        let mut contents = Vec::new();
        file.read_to_end(&mut contents).map_err(failed("read"))?;
        // Whatever follows the last newline was never finished, perhaps not even its last letter.
        let whole = contents.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (text, torn) = contents.split_at(whole);
        let text = std::str::from_utf8(text).map_err(|error| {
            let before = text.get(..error.valid_up_to()).unwrap_or_default();
            damaged(before.iter().filter(|byte| **byte == b'\n').count() + 1)
        })?;
        let torn = String::from_utf8_lossy(torn);
        let mut lines = text.lines();
        let id = match lines.next() {
            Some(heading) => heading.strip_prefix(HEADING).ok_or_else(|| damaged(1))?.to_owned(),
            // A file that is not empty and has no line of ours is somebody else's.
            None if !torn.is_empty()
                && !HEADING.starts_with(&*torn)
                && !torn.starts_with(HEADING) =>
            {
                return Err(damaged(1));
            }
            None => {
                let id = new_id()?;
                let heading = format!("{HEADING}{id}\n");
                replace_from(&mut file, 0, &heading).map_err(failed("write"))?;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                // That the new name would not survive a power cut is nothing to stop for.
                if let Ok(Some(folder)) = file::open_folder(folder.unwrap_or(Path::new("."))) {
                    let _ = folder.sync_all();
                }
                return Ok(Self::in_file(id, HashMap::new(), path, file));
            }
        };
        let mut submitted = HashMap::new();
        for (index, line) in lines.enumerate() {
            let mut parts = line.splitn(3, ' ');
            let (Some(fingerprint), Some(certificate), Some(name)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return Err(damaged(index + 2));
            };
            let entry = (fingerprint.to_owned(), CertificateId::new(certificate));
            submitted.insert(name.to_owned(), entry);
        }
        let end = u64::try_from(whole).unwrap_or(u64::MAX);
        replace_from(&mut file, end, "").map_err(failed("write"))?;
        Ok(Self::in_file(id, submitted, path, file))
    }

    fn in_file(
        id: String,
        submitted: HashMap<String, (String, CertificateId)>,
        path: &Path,
        file: File,
    ) -> Self {
        let state = State { submitted, file: Some((path.to_owned(), file)) };
        Self { id, state: Mutex::new(state) }
    }

    /// How many members were asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().submitted.len()
    }

    /// Whether nothing was asked for yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn submitted(&self, name: &str) -> Option<(String, CertificateId)> {
        self.state().submitted.get(name).cloned()
    }

    /// The same for one member of one record, and for no other.
    pub(super) fn idempotency_key(&self, name: &str) -> String {
        format!("fleet {} {name}", self.id)
    }

    pub(super) fn write(
        &self,
        name: &str,
        fingerprint: &str,
        id: &CertificateId,
    ) -> Result<(), FileError> {
        let mut state = self.state();
        if let Some((path, file)) = &mut state.file {
            let failed = |source| FileError::new("write", path, source);
            // A blank ends the id in its line, and a control character the line.
            let breaks = |letter: char| letter == ' ' || letter.is_control();
            if id.as_str().is_empty() || id.as_str().contains(breaks) {
                return Err(failed(std::io::ErrorKind::InvalidData.into()));
            }
            let line = format!("{fingerprint} {id} {name}\n");
            let end = file.stream_position().map_err(failed)?;
            if let Err(source) = file.write_all(line.as_bytes()).and_then(|()| file.sync_data()) {
                // The next line is not to begin within this one.
                let _ = replace_from(file, end, "");
                return Err(failed(source));
            }
        }
        state.submitted.insert(name.to_owned(), (fingerprint.to_owned(), id.clone()));
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts `text` at `position`, ends the file there, and leaves the position at its end.
fn replace_from(file: &mut File, position: u64, text: &str) -> std::io::Result<()> {
    file.set_len(position)?;
    file.seek(SeekFrom::Start(position))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn new_id() -> Result<String, FleetError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(FleetError::Random)?;
    Ok(base16ct::lower::encode_string(&random))
}

pub(super) fn check_name(name: &str) -> Result<(), FleetError> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(FleetError::Name { name: name.to_owned() });
    }
    Ok(())
}
