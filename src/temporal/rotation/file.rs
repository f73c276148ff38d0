//! The plan in a file: JSON, with certificates in PEM and no secret.

use std::path::Path;

use serde_json::json;

use super::{PlanFault, RotatedWorker, Rotation};
use crate::certificate::{Certificate, CertificateChain, CertificateError, Timestamp};
use crate::file::{self, Existing, FileError, Secrecy};
use crate::temporal::bundle::CaBundle;
use crate::temporal::json::{Json, JsonError, repeated};

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
    Json(#[source] JsonError),
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
    /// A name is there twice, and which of them counts, no reader has to say.
    #[error("{path} has \"{name}\" twice: leave one of them")]
    NameTwice {
        /// Where in the file: `workers[2]`.
        path: String,
        /// The name.
        name: String,
    },
    /// It says what no rotation comes to.
    #[error("the plan cannot be carried out: {0}")]
    Fault(#[from] PlanFault),
}

impl Rotation {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`RotationFileError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RotationFileError> {
        Self::from_json(&file::read(path)?)
    }

    /// Writes the plan whole or not at all. Where the path is a link, the file that it leads to is replaced, and
    /// the link stays.
    ///
    /// # Errors
    /// [`FileError`]; with [`Existing::Keep`] also if the file is there.
    pub fn save(&self, path: impl AsRef<Path>, existing: Existing) -> Result<(), FileError> {
        let path = path.as_ref();
        let target = match existing {
            Existing::Replace => path.canonicalize().unwrap_or_else(|_| path.to_owned()),
            Existing::Keep => path.to_owned(),
        };
        file::write(&target, self.to_json(), Secrecy::Public, existing)
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
        let Json::Object(plan) = Json::read(json).map_err(RotationFileError::Json)? else {
            return Err(RotationFileError::Form);
        };
        let Some(Json::Number(Some(FORM))) = get(&plan, "form") else {
            return Err(RotationFileError::Form);
        };
        once("the plan", &plan)?;
        let bundle = |name: &str| {
            certificates(name, get(&plan, name)).map(|certificates| CaBundle::of(&certificates))
        };
        let Some(Json::List(workers)) = get(&plan, "workers") else {
            return Err(RotationFileError::Part { path: "workers".to_owned() });
        };
        let rotation = Self {
            old: bundle("old")?,
            new: bundle("new")?,
            workers: workers
                .iter()
                .enumerate()
                .map(|(place, value)| worker(&format!("workers[{place}]"), value))
                .collect::<Result<_, _>>()?,
        };
        rotation.check()?;
        Ok(rotation)
    }
}

/// The value of a name in an object.
fn get<'a>(object: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    object.iter().find_map(|(known, value)| (known == name).then_some(value))
}

/// Refuses a name that an object has twice.
fn once(path: &str, object: &[(String, Json)]) -> Result<(), RotationFileError> {
    match repeated(object, |one, other| one == other) {
        Some(name) => {
            Err(RotationFileError::NameTwice { path: path.to_owned(), name: name.to_owned() })
        }
        None => Ok(()),
    }
}

fn pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

fn worker(path: &str, value: &Json) -> Result<RotatedWorker, RotationFileError> {
    let at = |name: &str| format!("{path}.{name}");
    let Json::Object(value) = value else {
        return Err(RotationFileError::Part { path: path.to_owned() });
    };
    once(path, value)?;
    let moment = |name: &str| match get(value, name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => text.parse::<Timestamp>().map(Some).map_err(|_| at(name)),
        Some(_) => Err(at(name)),
    };
    let moment = |name| moment(name).map_err(|path| RotationFileError::Part { path });
    let Some(Json::Text(name)) = get(value, "name") else {
        return Err(RotationFileError::Part { path: at("name") });
    };
    let new = match get(value, "new") {
        None | Some(Json::Null) => None,
        new => Some(certificates(&at("new"), new)?),
    };
    Ok(RotatedWorker {
        name: name.clone(),
        old: certificates(&at("old"), get(value, "old"))?,
        new,
        confirmed: moment("confirmed")?,
        retired: moment("retired")?,
    })
}

/// Certificates in PEM, at least one.
fn certificates(path: &str, value: Option<&Json>) -> Result<Vec<Certificate>, RotationFileError> {
    let path = path.to_owned();
    match value {
        Some(Json::Text(pem)) => CertificateChain::from_pem_or_der(pem.as_bytes())
            .map(|chain| chain.certificates().to_vec())
            .map_err(|source| RotationFileError::Certificate { path, source }),
        _ => Err(RotationFileError::Part { path }),
    }
}
