//! The API key, kept out of everything that is shown.

use std::fmt;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use super::CloudOpsError;
use crate::file;

/// Where an API key is looked for in the environment, as by Temporal's own tools.
pub const API_KEY_VARIABLE: &str = "TEMPORAL_CLOUD_API_KEY";

/// An API key of Temporal Cloud. It is wiped when it is dropped, and absent from `Debug`.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// A key. Spaces and newlines around it are left out.
    ///
    /// # Errors
    /// [`CloudOpsError::InvalidApiKey`] if it is empty, or has what no header can carry.
    pub fn new(key: impl Into<Box<str>>) -> Result<Self, CloudOpsError> {
        let key = SecretString::new(key.into());
        let trimmed = key.expose_secret().trim();
        if trimmed.is_empty() || !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CloudOpsError::InvalidApiKey);
        }
        Ok(Self(SecretString::from(trimmed)))
    }

    /// The key in `TEMPORAL_CLOUD_API_KEY`.
    ///
    /// # Errors
    /// [`CloudOpsError::NoApiKey`], [`CloudOpsError::InvalidApiKey`].
    pub fn from_environment() -> Result<Self, CloudOpsError> {
        match std::env::var(API_KEY_VARIABLE) {
            Ok(key) => Self::new(key),
            Err(std::env::VarError::NotPresent) => Err(CloudOpsError::NoApiKey),
            Err(std::env::VarError::NotUnicode(_)) => Err(CloudOpsError::InvalidApiKey),
        }
    }

    /// The key in a file.
    ///
    /// # Errors
    /// [`CloudOpsError::File`], [`CloudOpsError::InvalidApiKey`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CloudOpsError> {
        let contents = file::read(path)?;
        let text = std::str::from_utf8(&contents).map_err(|_| CloudOpsError::InvalidApiKey)?;
        Self::new(text)
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A text of somebody else's without the key, should it be in there.
    pub(super) fn strike_from(&self, text: &str) -> String {
        text.replace(self.expose(), "[the API key]")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}
