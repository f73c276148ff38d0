//! What an SDK would only find out at the first connection, or never say so.

use std::fmt;
use std::path::{Path, PathBuf};

use super::WorkerConfiguration;
use crate::certificate::{Certificate, CertificateChain, CertificateError, Timestamp};
use crate::file::{self, FileError};
use crate::identity::{Identity, IdentityError};
use crate::key::{KeyError, PrivateKey};
use crate::temporal::is_cloud_host;
use crate::{pem, verify};

/// Who reads the configuration.
///
/// None of them takes a passphrase. They differ in the forms of a plain key: Rust, Python,
/// TypeScript and .NET share the SDK core, whose rustls reads PKCS#8, PKCS#1 and SEC1; Go and the
/// `temporal` command read the same three (`crypto/tls`, `X509KeyPair`); Java reads PKCS#8 alone
/// (Netty, `SslContextBuilder.keyManager`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sdk {
    /// The Rust SDK.
    Rust,
    /// The Go SDK.
    Go,
    /// The Python SDK.
    Python,
    /// The TypeScript SDK.
    TypeScript,
    /// The Java SDK.
    Java,
    /// The .NET SDK.
    DotNet,
    /// The `temporal` command.
    Cli,
}

impl fmt::Display for Sdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "the Rust SDK",
            Self::Go => "the Go SDK",
            Self::Python => "the Python SDK",
            Self::TypeScript => "the TypeScript SDK",
            Self::Java => "the Java SDK",
            Self::DotNet => "the .NET SDK",
            Self::Cli => "the temporal command",
        })
    }
}

/// Why a worker with this configuration would not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationProblem {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The address has a scheme, no host or no port.
    #[error("the address {address:?} is not HOST:PORT, as in hello.a1b2c.tmprl.cloud:7233")]
    Address {
        /// The address.
        address: String,
    },
    /// A namespace of Temporal Cloud without its account.
    #[error(
        "the namespace {namespace:?} lacks its account: Temporal Cloud knows it as NAME.ACCOUNT, as in hello.a1b2c"
    )]
    ShortNamespace {
        /// The namespace.
        namespace: String,
    },
    /// The endpoint is another namespace's.
    #[error(
        "the address is the endpoint of the namespace {endpoint}, and the worker's is {namespace}: one of them is wrong"
    )]
    OtherNamespace {
        /// The namespace of the endpoint.
        endpoint: String,
        /// The worker's.
        namespace: String,
    },
    /// The key is under a passphrase.
    #[error("the key {} is encrypted, and {sdk} takes no passphrase: take it off with `private-ca key decrypt`", path.display())]
    EncryptedKey {
        /// The key's file.
        path: PathBuf,
        /// Who would read it.
        sdk: Sdk,
    },
    /// The key is not in a form that the SDK reads.
    #[error("the key {} is in the form {form:?}, and {sdk} reads PKCS#8 alone: convert it with `openssl pkcs8 -topk8 -nocrypt`", path.display())]
    KeyForm {
        /// The key's file.
        path: PathBuf,
        /// The PEM label.
        form: String,
        /// Who would read it.
        sdk: Sdk,
    },
    /// The key or a certificate is not PEM, and no SDK takes DER from a file.
    #[error("{} is not PEM, and {sdk} reads nothing else", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// Who would read it.
        sdk: Sdk,
    },
    /// The key cannot be read.
    #[error("the key {} cannot be read: {source}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// Certificates cannot be read.
    #[error("the certificates in {} cannot be read: {source}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CertificateError,
    },
    /// A private key lies in a file of certificates.
    #[error("{} holds a private key beside its certificates: keep the key in its own file", path.display())]
    KeyBesideCertificates {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key are no identity.
    #[error("the worker has no identity: {0}")]
    Identity(#[from] IdentityError),
    /// The first certificate is not the worker's.
    #[error("the certificates in {} are in the wrong order: the worker's own comes first", path.display())]
    Order {
        /// The file.
        path: PathBuf,
    },
    /// The worker's certificate is a CA's.
    #[error("the certificate in {} is a CA's: a worker presents one that a CA issued to it", path.display())]
    ClientIsCa {
        /// The file.
        path: PathBuf,
    },
    /// What issued the worker's certificate is given as the server's root.
    #[error("{} is the CA of the worker's own certificate, and the setting is for the server's: Temporal Cloud's certificate is publicly trusted, so leave it out there", path.display())]
    ServerCaIsClientCa {
        /// The file.
        path: PathBuf,
    },
}

impl WorkerConfiguration {
    /// Reads the files and names everything for which a worker of this SDK would not connect.
    /// Empty if nothing is known to be in the way.
    ///
    /// A frontend of one's own may be issued by the CA of its workers; so a server's CA that is
    /// also the client's is a problem at Temporal Cloud's addresses only.
    #[must_use]
    pub fn check(&self, sdk: Sdk) -> Vec<ConfigurationProblem> {
        self.check_at(sdk, Timestamp::now())
    }

    /// Like [`WorkerConfiguration::check`], at another moment than now.
    #[must_use]
    pub fn check_at(&self, sdk: Sdk, moment: Timestamp) -> Vec<ConfigurationProblem> {
        let mut problems = Vec::new();
        self.check_names(&mut problems);
        let certificates = certificates(&self.client_cert_path, sdk, &mut problems);
        let key = self.key(sdk, &mut problems);
        if let Some(leaf) = certificates.first()
            && leaf.is_ca()
            && certificates.len() == 1
        {
            problems.push(ConfigurationProblem::ClientIsCa { path: self.client_cert_path.clone() });
        }
        if let (Some(key), Some(first)) = (key, certificates.first()) {
            let leads = first.public_key_der() == key.public_key_der();
            match Identity::new_at(certificates.clone(), key, moment) {
                Ok(_) if leads => {}
                Ok(_) => problems
                    .push(ConfigurationProblem::Order { path: self.client_cert_path.clone() }),
                Err(error) => problems.push(error.into()),
            }
        }
        if let Some(path) = &self.server_ca_cert_path {
            let anchors = self::certificates(path, sdk, &mut problems);
            let issued_ours = |ca: &Certificate| {
                certificates.iter().any(|ours| ca == ours || verify::issued(ca, ours))
            };
            if self.is_cloud() && anchors.iter().any(issued_ours) {
                problems.push(ConfigurationProblem::ServerCaIsClientCa { path: path.clone() });
            }
        }
        problems
    }

    fn check_names(&self, problems: &mut Vec<ConfigurationProblem>) {
        let (host, port) = self.address.rsplit_once(':').unwrap_or((&self.address, ""));
        let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        let is_host = !host.is_empty() && !bare_ipv6 && !host.contains(['/', ' ']);
        if !is_host || port.parse::<u16>().is_err() {
            problems.push(ConfigurationProblem::Address { address: self.address.clone() });
            return;
        }
        if !self.is_cloud() {
            return;
        }
        if !self.namespace.contains('.') {
            let namespace = self.namespace.clone();
            problems.push(ConfigurationProblem::ShortNamespace { namespace });
        } else if let Some(endpoint) = host.to_ascii_lowercase().strip_suffix(".tmprl.cloud")
            // The Cloud Ops API and endpoints of another make have no account.
            && endpoint.split('.').count() == 2
            && endpoint != self.namespace.to_ascii_lowercase()
        {
            problems.push(ConfigurationProblem::OtherNamespace {
                endpoint: endpoint.to_owned(),
                namespace: self.namespace.clone(),
            });
        }
    }

    fn is_cloud(&self) -> bool {
        let host = self.address.rsplit_once(':').map_or(&*self.address, |(host, _)| host);
        is_cloud_host(host)
    }

    fn key(&self, sdk: Sdk, problems: &mut Vec<ConfigurationProblem>) -> Option<PrivateKey> {
        let path = self.client_key_path.clone();
        let contents = match file::read(&path) {
            Ok(contents) => contents,
            Err(error) => {
                problems.push(error.into());
                return None;
            }
        };
        if !pem::is_pem(&contents) {
            problems.push(ConfigurationProblem::NotPem { path, sdk });
            return None;
        }
        match PrivateKey::from_pem_or_der(&contents) {
            Ok(key) => {
                let blocks = pem::blocks(&contents).unwrap_or_default();
                let other = blocks
                    .iter()
                    .find(|block| block.is_private_key() && block.label() != "PRIVATE KEY");
                if let (Sdk::Java, Some(block)) = (sdk, other) {
                    let form = block.label().to_owned();
                    problems.push(ConfigurationProblem::KeyForm { path, form, sdk });
                }
                Some(key)
            }
            Err(KeyError::Encrypted) => {
                problems.push(ConfigurationProblem::EncryptedKey { path, sdk });
                None
            }
            Err(source) => {
                problems.push(ConfigurationProblem::Key { path, source });
                None
            }
        }
    }
}

fn certificates(
    path: &Path,
    sdk: Sdk,
    problems: &mut Vec<ConfigurationProblem>,
) -> Vec<Certificate> {
    let contents = match file::read(path) {
        Ok(contents) => contents,
        Err(error) => {
            problems.push(error.into());
            return Vec::new();
        }
    };
    let path = path.to_owned();
    if !pem::is_pem(&contents) {
        problems.push(ConfigurationProblem::NotPem { path, sdk });
        return Vec::new();
    }
    if pem::blocks(&contents).is_ok_and(|blocks| blocks.iter().any(pem::Block::is_private_key)) {
        problems.push(ConfigurationProblem::KeyBesideCertificates { path });
        return Vec::new();
    }
    match CertificateChain::from_pem_or_der(&contents) {
        Ok(chain) => chain.certificates().to_vec(),
        Err(source) => {
            problems.push(ConfigurationProblem::Certificates { path, source });
            Vec::new()
        }
    }
}
