//! A worker's configuration: environment variables and `temporal.toml`.
//!
//! Names and rules are those of the SDKs' common environment configuration (Temporal's
//! documentation, "Environment configuration"): a setting given both as a path and as data is an
//! error, and relative paths are opened against the working directory, so paths here are best
//! absolute.

use std::fmt::Write as _;
use std::path::PathBuf;

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

    /// A profile of `temporal.toml`.
    #[must_use]
    pub fn temporal_toml(&self, profile: &str) -> String {
        let path = |path: &PathBuf| toml_string(&path.display().to_string());
        let profile = toml_key(profile);
        let mut toml = format!(
            "[profile.{profile}]\naddress = {}\nnamespace = {}\n\n[profile.{profile}.tls]\nclient_cert_path = {}\nclient_key_path = {}\n",
            toml_string(&self.address),
            toml_string(&self.namespace),
            path(&self.client_cert_path),
            path(&self.client_key_path),
        );
        // Writing to a String cannot fail.
        if let Some(ca) = &self.server_ca_cert_path {
            let _ = writeln!(toml, "server_ca_cert_path = {}", path(ca));
        }
        if let Some(name) = &self.server_name {
            let _ = writeln!(toml, "server_name = {}", toml_string(name));
        }
        toml
    }
}

fn toml_key(key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if bare { key.to_owned() } else { toml_string(key) }
}

/// A basic string of TOML 1.0.
fn toml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_reads_as_temporal_toml_has_it() {
        let mut configuration =
            WorkerConfiguration::new("127.0.0.1:7233", "default", "C:\\a \"b\"", "/key");
        configuration.server_ca_cert_path = Some("/ca".into());
        configuration.server_name = Some("frontend".into());
        assert_eq!(
            configuration.temporal_toml("default"),
            "[profile.default]\naddress = \"127.0.0.1:7233\"\nnamespace = \"default\"\n\n[profile.default.tls]\nclient_cert_path = \"C:\\\\a \\\"b\\\"\"\nclient_key_path = \"/key\"\nserver_ca_cert_path = \"/ca\"\nserver_name = \"frontend\"\n"
        );
        assert!(configuration.temporal_toml("a b").starts_with("[profile.\"a b\"]"));
    }
}
