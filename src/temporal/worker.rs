//! A worker's configuration: environment variables and `temporal.toml`.
//!
//! Names and rules are those of the SDKs' common environment configuration (Temporal's
//! documentation, "Environment configuration"): a setting given both as a path and as data is an
//! error, and relative paths are opened against the working directory, so paths here are best
//! absolute.
//!
//! Existing files are merged into: [`WorkerConfiguration::merge_toml_file`] and
//! [`WorkerConfiguration::merge_environment_file`] replace the settings that a
//! [`WorkerConfiguration`] describes and leave every other line as it is, comments included.
//!
//! [`WorkerConfiguration::check`] finds what an SDK would only find out at the first connection,
//! and [`beside_in_toml`] and [`beside_in_environment`] what else in a file decides with it:
//!
//! | id | severity | what is asked | where it fails |
//! | --- | --- | --- | --- |
//! | `address-is-host-port` | error | the address is HOST:PORT without a scheme | write it as in hello.a1b2c.tmprl.cloud:7233 |
//! | `address-has-port` | error | the address has a port | add the port, which is 7233 at Temporal Cloud |
//! | `server-name-set` | error | a regional or private endpoint, or an IP address without a server's CA, comes with a server name | set the namespace's own endpoint, NAME.ACCOUNT.tmprl.cloud, as server name |
//! | `namespace-has-account` | error | a namespace of Temporal Cloud has its account | write the namespace as NAME.ACCOUNT |
//! | `namespace-fits-address` | error | the endpoint is the namespace's own | correct the address, the server name or the namespace |
//! | `file-readable` | error | every file is there and can be read | correct the path, or let the worker's user read the file |
//! | `path-absolute` | warning | a path is absolute | write the path whole |
//! | `key-private` | warning | not every user of the machine can read the key | give the key mode 0600 |
//! | `file-is-pem` | error | key and certificates are PEM | convert the file with openssl x509 or openssl pkey |
//! | `key-plain` | error | the key is under no passphrase | take the passphrase off with private-ca key decrypt |
//! | `key-form` | error | the key has a form that the SDK reads | convert it with openssl pkcs8 -topk8 -nocrypt |
//! | `key-parses` | error | the key can be parsed | name the file of the worker's private key |
//! | `certificates-parse` | error | the certificates can be parsed | name the file of the worker's certificate |
//! | `key-apart` | warning | no private key lies beside certificates | keep the key in its own file |
//! | `key-fits` | error | the key is the certificate's | name the key that the certificate was requested with |
//! | `chain-complete` | warning | the certificates are one chain | leave out certificates that issued nothing in it |
//! | `leaf-first` | error | the worker's own certificate comes first | put the worker's own certificate first |
//! | `leaf-not-ca` | error | the worker's certificate is not a CA's | have a CA issue one to the worker |
//! | `leaf-is-valid` | error | the worker's certificate is within its validity | renew it, or set the clock right |
//! | `leaf-ends-later` | warning | the worker's certificate ends in more than 15 days | renew it, and see that the worker reads the new one |
//! | `server-ca-is-servers` | error | the server's CA at Temporal Cloud is not the worker's | leave the server's CA out at Temporal Cloud |
//! | `no-api-key` | warning | no API key is beside the certificate | remove the API key, unless the namespace is to tell the worker by it |
//! | `host-verified` | warning | the server's certificate is verified | remove disable_host_verification, and give the server's CA and name instead |

mod beside;
mod check;
#[cfg(feature = "temporal-client")]
mod connection;
mod environment_file;
mod merge;
mod problem;
mod profile;
mod sdk;

use std::path::{Path, PathBuf};

pub use beside::{beside_in_environment, beside_in_toml};
#[cfg(feature = "temporal-client")]
pub use connection::{ConnectionOptionsError, present_rotating};
pub use merge::MergeError;
pub use problem::{Check, ConfigurationProblem};
pub use sdk::{KeyForm, Sdk};

/// What a worker needs to know to connect over mTLS.
///
/// ```
/// use private_ca::temporal::worker::WorkerConfiguration;
///
/// let configuration = WorkerConfiguration::new(
///     "hello.a1b2c.tmprl.cloud:7233",
///     "hello.a1b2c",
///     "/etc/worker/certificate.txt",
///     "/etc/worker/private_key_nopass.txt",
/// );
/// assert!(configuration.temporal_toml("default").contains("[profile.default.tls]"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerConfiguration {
    /// Host and port of the namespace's endpoint.
    pub address: String,
    /// The namespace, with the account on Temporal Cloud: `hello.a1b2c`.
    pub namespace: String,
    /// PEM file of the certificate and its intermediates.
    pub client_cert_path: PathBuf,
    /// PEM file of the plain private key: the SDKs take no passphrase.
    pub client_key_path: PathBuf,
    /// PEM file of the server's CA, for a frontend that is not publicly trusted.
    pub server_ca_cert_path: Option<PathBuf>,
    /// The name to expect in the server's certificate, where it is not the address's host.
    pub server_name: Option<String>,
}

impl WorkerConfiguration {
    /// A configuration for a publicly trusted frontend, such as Temporal Cloud's.
    #[must_use]
    pub fn new(
        address: impl Into<String>,
        namespace: impl Into<String>,
        client_cert_path: impl Into<PathBuf>,
        client_key_path: impl Into<PathBuf>,
    ) -> Self {
        Self {
            address: address.into(),
            namespace: namespace.into(),
            client_cert_path: client_cert_path.into(),
            client_key_path: client_key_path.into(),
            server_ca_cert_path: None,
            server_name: None,
        }
    }

    /// The SDKs' own variables.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |path: &PathBuf| path.display().to_string();
        let mut variables = vec![
            ("TEMPORAL_ADDRESS", self.address.clone()),
            ("TEMPORAL_NAMESPACE", self.namespace.clone()),
            ("TEMPORAL_TLS_CLIENT_CERT_PATH", path(&self.client_cert_path)),
            ("TEMPORAL_TLS_CLIENT_KEY_PATH", path(&self.client_key_path)),
        ];
        variables.extend(
            self.server_ca_cert_path
                .iter()
                .map(|ca| ("TEMPORAL_TLS_SERVER_CA_CERT_PATH", path(ca))),
        );
        variables
            .extend(self.server_name.iter().map(|name| ("TEMPORAL_TLS_SERVER_NAME", name.clone())));
        variables
    }

    /// The variables that Temporal's samples read.
    #[must_use]
    pub fn samples_environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TEMPORAL_MTLS_TLS_CERT", self.client_cert_path.display().to_string()),
            ("TEMPORAL_MTLS_TLS_KEY", self.client_key_path.display().to_string()),
        ]
    }

    /// A profile of `temporal.toml`, as a file of its own.
    ///
    /// A path that is not Unicode is written with replacement characters, because TOML has no
    /// other bytes; [`WorkerConfiguration::merge_toml`] refuses one.
    #[must_use]
    pub fn temporal_toml(&self, profile: &str) -> String {
        profile::alone(self, profile)
    }

    /// The text of a `temporal.toml` with this configuration as one of its profiles.
    ///
    /// Everything else in the text stays as it is, comments and order included. In the profile
    /// the address, the namespace and, under `tls`, the paths and the server's name are this
    /// configuration's: those that it does not have are removed, like the `_data` spelling of a
    /// setting, which beside a path is an error in the SDKs, and like `disabled = true`, under
    /// which they would present no certificate. A comment above such a line moves to the first of
    /// ours under `tls`; one behind it goes with it.
    ///
    /// # Errors
    /// [`MergeError::Toml`] if the text is no TOML, [`MergeError::NotATable`] if it has something
    /// else where a table must be, [`MergeError::NotUnicode`] if a path cannot be written.
    pub fn merge_toml(&self, existing: &str, profile: &str) -> Result<String, MergeError> {
        profile::merge(self, existing, profile)
    }

    /// The text of an environment file with this configuration's variables in it.
    ///
    /// Every other line stays as it is. A variable that is there already is replaced where it
    /// stands, its repetitions are removed, and so are its `_DATA` spelling, `TEMPORAL_TLS`, and
    /// the server's variables where this configuration has none. What is missing comes last.
    ///
    /// The lines are `KEY=value` without quotes, which `docker run --env-file` (that takes quotes
    /// literally), Compose, systemd's `EnvironmentFile=` and a POSIX shell read alike by their documentation.
    ///
    /// # Errors
    /// [`MergeError::Value`] for a value that those would read differently, such as a path with a
    /// blank; [`MergeError::Continued`] if a variable to replace is part of a value of several
    /// lines; [`MergeError::NotUnicode`] if a path cannot be written.
    pub fn merge_environment(&self, existing: &str) -> Result<String, MergeError> {
        environment_file::merge(self, existing)
    }

    /// Merges this configuration into a `temporal.toml`, which is created if it is not there.
    ///
    /// The file is replaced whole or not at all, and a link to it stays a link. It is readable
    /// for everyone (mode 0644) only if it was before, otherwise for its owner alone (0600),
    /// because profiles may hold API keys.
    ///
    /// # Errors
    /// As [`WorkerConfiguration::merge_toml`], and [`MergeError::File`]; the file is as it was.
    pub fn merge_toml_file(&self, path: impl AsRef<Path>, profile: &str) -> Result<(), MergeError> {
        merge::in_file(path.as_ref(), |existing| self.merge_toml(existing, profile))
    }

    /// Merges this configuration into an environment file, which is created if it is not there.
    ///
    /// Written as [`WorkerConfiguration::merge_toml_file`] writes.
    ///
    /// # Errors
    /// As [`WorkerConfiguration::merge_environment`], and [`MergeError::File`]; the file is as it
    /// was.
    pub fn merge_environment_file(&self, path: impl AsRef<Path>) -> Result<(), MergeError> {
        merge::in_file(path.as_ref(), |existing| self.merge_environment(existing))
    }

    /// Refuses a path that neither format can hold.
    fn check_unicode(&self) -> Result<(), MergeError> {
        let paths = [&self.client_cert_path, &self.client_key_path];
        match paths
            .into_iter()
            .chain(&self.server_ca_cert_path)
            .find(|path| path.to_str().is_none())
        {
            Some(path) => Err(MergeError::NotUnicode { path: path.clone() }),
            None => Ok(()),
        }
    }
}
