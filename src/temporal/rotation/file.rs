//! The plan in a file: JSON, with certificates in PEM and no secret.

use std::path::Path;

use serde_json::{Value, json};

use super::{RotatedWorker, Rotation};
use crate::certificate::{Certificate, CertificateChain, CertificateError, Timestamp};
use crate::file::{self, Existing, FileError, Secrecy};
use crate::temporal::bundle::CaBundle;

/// The form that this version writes and reads.
const FORM: u64 = 1;

/// Why a file holds no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotationFileError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// A later version wrote it, or something else did.
    #[error(
        "it is no plan of a rotation, or one that another version wrote: its \"form\" is not {FORM}"
    )]
    Form,
    /// A part is missing or of another kind.
    #[error("it is no plan of a rotation: {path} is missing or not what it has to be")]
    Part {
        /// Where in the file: `workers[2].old`.
        path: String,
    },
    /// A certificate in it cannot be read.
    #[error("{path} cannot be read: {source}")]
    Certificate {
        /// Where in the file.
        path: String,
        /// What is wrong with it.
        source: CertificateError,
    },
}

impl Rotation {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`RotationFileError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RotationFileError> {
        Self::from_json(&file::read(path)?)
    }

    /// Writes the plan whole or not at all.
    ///
    /// # Errors
    /// [`FileError`]; with [`Existing::Keep`] also if the file is there.
    pub fn save(&self, path: impl AsRef<Path>, existing: Existing) -> Result<(), FileError> {
        file::write(path.as_ref(), self.to_json(), Secrecy::Public, existing)
    }

    /// The plan as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let workers = self.workers.iter().map(|worker| {
            json!({
                "name": worker.name,
                "old": pem(&worker.old),
                "new": worker.new.as_deref().map(pem),
                "confirmed": worker.confirmed.map(|time| time.to_string()),
                "retired": worker.retired.map(|time| time.to_string()),
            })
        });
        let plan = json!({
            "form": FORM,
            "old": self.old.to_pem(),
            "new": self.new.to_pem(),
            "workers": workers.collect::<Vec<_>>(),
        });
        format!("{plan:#}\n")
    }

    /// Reads the JSON.
    ///
    /// # Errors
    /// [`RotationFileError`].
    pub fn from_json(json: &[u8]) -> Result<Self, RotationFileError> {
        let plan: Value = serde_json::from_slice(json).map_err(RotationFileError::Json)?;
        if plan.get("form").and_then(Value::as_u64) != Some(FORM) {
            return Err(RotationFileError::Form);
        }
        let bundle = |name: &str| {
            certificates(name, plan.get(name)).map(|certificates| CaBundle::of(&certificates))
        };
        let part = |path: &str| RotationFileError::Part { path: path.to_owned() };
        let workers =
            plan.get("workers").and_then(Value::as_array).ok_or_else(|| part("workers"))?;
        Ok(Self {
            old: bundle("old")?,
            new: bundle("new")?,
            workers: workers
                .iter()
                .enumerate()
                .map(|(place, value)| worker(&format!("workers[{place}]"), value))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

fn worker(path: &str, value: &Value) -> Result<RotatedWorker, RotationFileError> {
    let at = |name: &str| format!("{path}.{name}");
    let name = value.get("name").and_then(Value::as_str);
    let moment = |name: &str| match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse::<Timestamp>().map(Some).map_err(|_| at(name)),
        Some(_) => Err(at(name)),
    };
    let moment = |name| moment(name).map_err(|path| RotationFileError::Part { path });
    let new = match value.get("new") {
        None | Some(Value::Null) => None,
        new => Some(certificates(&at("new"), new)?),
    };
    Ok(RotatedWorker {
        name: name.ok_or_else(|| RotationFileError::Part { path: at("name") })?.to_owned(),
        old: certificates(&at("old"), value.get("old"))?,
        new,
        confirmed: moment("confirmed")?,
        retired: moment("retired")?,
    })
}

/// Certificates in PEM, at least one.
fn certificates(path: &str, value: Option<&Value>) -> Result<Vec<Certificate>, RotationFileError> {
    let path = path.to_owned();
    match value.and_then(Value::as_str) {
        None => Err(RotationFileError::Part { path }),
        Some(pem) => CertificateChain::from_pem_or_der(pem.as_bytes())
            .map(|chain| chain.certificates().to_vec())
            .map_err(|source| RotationFileError::Certificate { path, source }),
    }
}
