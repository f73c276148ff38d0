//! What can be wrong with a configuration: every check, and what breaks it.

use std::fmt;
use std::path::PathBuf;

use super::{KeyForm, Sdk};
use crate::certificate::{CertificateError, Timestamp};
use crate::file::FileError;
use crate::identity::IdentityError;
use crate::key::KeyError;
use crate::temporal::requirements::Severity;

macro_rules! checks {
    ($($name:ident = $id:literal, $severity:ident, $sentence:literal, $mend:literal;)*) => {
        /// A check of a worker's configuration; the table of them is in the [module's documentation](super).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Check {
            $(
                #[doc = concat!("`", $id, "`: ", $sentence, ".")]
                $name,
            )*
        }

        impl Check {
            /// All of them: those of names, of files, of the identity, and of what is beside them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// A name for reports and scripts, in lower case with hyphens.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Whether a worker that fails it does not connect ([`Severity::Error`]), or had better
            /// be changed.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What it asks.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }

            /// What to do where it fails, in the imperative.
            #[must_use]
            pub fn mend(self) -> &'static str {
                match self { $(Self::$name => $mend,)* }
            }
        }
    };
}

checks! {
    AddressIsHostPort = "address-is-host-port", Error,
        "the address is HOST:PORT without a scheme", "write it as in hello.a1b2c.tmprl.cloud:7233";
    AddressHasPort = "address-has-port", Error,
        "the address has a port", "add the port, which is 7233 at Temporal Cloud";
    ServerNameSet = "server-name-set", Error,
        "a regional or private endpoint, or an IP address without a server's CA, comes with a server name", "set the namespace's own endpoint, NAME.ACCOUNT.tmprl.cloud, as server name";
    NamespaceHasAccount = "namespace-has-account", Error,
        "a namespace of Temporal Cloud has its account", "write the namespace as NAME.ACCOUNT";
    NamespaceFitsAddress = "namespace-fits-address", Error,
        "the endpoint is the namespace's own", "correct the address, the server name or the namespace";
    FileReadable = "file-readable", Error,
        "every file is there and can be read", "correct the path, or let the worker's user read the file";
    PathAbsolute = "path-absolute", Warning,
        "a path is absolute", "write the path whole";
    KeyPrivate = "key-private", Warning,
        "not every user of the machine can read the key", "give the key mode 0600";
    FileIsPem = "file-is-pem", Error,
        "key and certificates are PEM", "convert the file with openssl x509 or openssl pkey";
    KeyPlain = "key-plain", Error,
        "the key is under no passphrase", "take the passphrase off with private-ca key decrypt";
    KeyForm = "key-form", Error,
        "the key has a form that the SDK reads", "convert it with openssl pkcs8 -topk8 -nocrypt";
    KeyParses = "key-parses", Error,
        "the key can be parsed", "name the file of the worker's private key";
    CertificatesParse = "certificates-parse", Error,
        "the certificates can be parsed", "name the file of the worker's certificate";
    KeyApart = "key-apart", Warning,
        "no private key lies beside certificates", "keep the key in its own file";
    KeyFits = "key-fits", Error,
        "the key is the certificate's", "name the key that the certificate was requested with";
    ChainComplete = "chain-complete", Warning,
        "the certificates are one chain", "leave out certificates that issued nothing in it";
    LeafFirst = "leaf-first", Error,
        "the worker's own certificate comes first", "put the worker's own certificate first";
    LeafNotCa = "leaf-not-ca", Error,
        "the worker's certificate is not a CA's", "have a CA issue one to the worker";
    LeafIsValid = "leaf-is-valid", Error,
        "the worker's certificate is within its validity", "renew it, or set the clock right";
    LeafEndsLater = "leaf-ends-later", Warning,
        "the worker's certificate ends in more than 15 days", "renew it, and see that the worker reads the new one";
    ServerCaIsServers = "server-ca-is-servers", Error,
        "the server's CA at Temporal Cloud is not the worker's", "leave the server's CA out at Temporal Cloud";
    NoApiKey = "no-api-key", Warning,
        "no API key is beside the certificate", "remove the API key, unless the namespace is to tell the worker by it";
    HostVerified = "host-verified", Warning,
        "the server's certificate is verified", "remove disable_host_verification, and give the server's CA and name instead";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// What is wrong with a configuration: which [`Check`] it fails, with the evidence.
///
/// It shows as what is wrong and what to do, and [`ConfigurationProblem::mend`] is the latter alone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationProblem {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The address has a scheme, no host, or a port that is none.
    #[error("the address {address:?} is not HOST:PORT, as in hello.a1b2c.tmprl.cloud:7233")]
    Address {
        /// The address.
        address: String,
    },
    /// The address has no port.
    #[error(
        "the address {address:?} has no port: Temporal's is 7233, as in hello.a1b2c.tmprl.cloud:7233"
    )]
    Port {
        /// The address.
        address: String,
    },
    /// The server's certificate does not have the name that is dialled.
    #[error(
        "the address {address:?} is not a name in the server's certificate, and no server name is set: set the namespace's own endpoint as server name, as in {example}"
    )]
    ServerName {
        /// The address.
        address: String,
        /// The server name of this namespace, or of one.
        example: String,
    },
    /// A path depends on the folder in which the worker starts.
    #[error("the path {} is relative, and {sdk} opens it from the folder in which it is started: write it whole", path.display())]
    RelativePath {
        /// The path.
        path: PathBuf,
        /// Who would open it.
        sdk: Sdk,
    },
    /// Everyone on the machine can read the key.
    #[error("the key {} has mode {mode:04o}, so every user of the machine can read it: `chmod 600` it", path.display())]
    KeyReadable {
        /// The key's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The worker's certificate ends soon.
    #[error("the certificate in {} ends at {not_after}: renew it, and see that the worker reads the new one", path.display())]
    EndsSoon {
        /// The file.
        path: PathBuf,
        /// Its last second.
        not_after: Timestamp,
    },
    /// An API key is in the profile or the environment file too.
    #[error(
        "`{setting}` is set beside the certificate, and is sent with every call: remove it, unless the namespace is to tell the worker by it"
    )]
    ApiKey {
        /// The setting, not its value.
        setting: String,
    },
    /// The server's certificate is not looked at.
    #[error(
        "`{setting}` is on: whoever answers at the address would be taken for the server, so remove it and give the server's CA and name instead"
    )]
    HostVerification {
        /// The setting.
        setting: String,
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
    #[error("the key {} is {form}, and {sdk} reads PKCS#8 alone: convert it with `openssl pkcs8 -topk8 -nocrypt`", path.display())]
    KeyForm {
        /// The key's file.
        path: PathBuf,
        /// Its form.
        form: KeyForm,
        /// Who would read it.
        sdk: Sdk,
    },
    /// The key or a certificate is not PEM, and no SDK takes DER from a file.
    #[error("{} is not PEM, and {sdk} reads nothing else: convert it with `openssl x509` or `openssl pkey`", path.display())]
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

impl ConfigurationProblem {
    /// The check that fails.
    #[must_use]
    pub fn check(&self) -> Check {
        match self {
            Self::File(_) => Check::FileReadable,
            Self::Address { .. } => Check::AddressIsHostPort,
            Self::Port { .. } => Check::AddressHasPort,
            Self::ServerName { .. } => Check::ServerNameSet,
            Self::RelativePath { .. } => Check::PathAbsolute,
            Self::KeyReadable { .. } => Check::KeyPrivate,
            Self::EndsSoon { .. } => Check::LeafEndsLater,
            Self::ApiKey { .. } => Check::NoApiKey,
            Self::HostVerification { .. } => Check::HostVerified,
            Self::ShortNamespace { .. } => Check::NamespaceHasAccount,
            Self::OtherNamespace { .. } => Check::NamespaceFitsAddress,
            Self::EncryptedKey { .. } => Check::KeyPlain,
            Self::KeyForm { .. } => Check::KeyForm,
            Self::NotPem { .. } => Check::FileIsPem,
            Self::Key { .. } => Check::KeyParses,
            Self::Certificates { .. } => Check::CertificatesParse,
            Self::KeyBesideCertificates { .. } => Check::KeyApart,
            Self::Identity(IdentityError::KeyMismatch { .. }) => Check::KeyFits,
            Self::Identity(IdentityError::Expired { .. } | IdentityError::NotYetValid { .. }) => {
                Check::LeafIsValid
            }
            Self::Identity(_) => Check::ChainComplete,
            Self::Order { .. } => Check::LeafFirst,
            Self::ClientIsCa { .. } => Check::LeafNotCa,
            Self::ServerCaIsClientCa { .. } => Check::ServerCaIsServers,
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.check().severity()
    }

    /// What to do about it, in the imperative.
    #[must_use]
    pub fn mend(&self) -> &'static str {
        self.check().mend()
    }
}

#[cfg(test)]
mod tests {
    use super::Check;

    #[test]
    fn the_documentation_says_of_every_check_what_the_code_does() {
        let rows: Vec<_> = include_str!("../worker.rs")
            .lines()
            .filter(|line| line.starts_with("//! | `"))
            .collect();
        let expected: Vec<_> = Check::ALL
            .iter()
            .map(|check| {
                let (severity, sentence) = (check.severity(), check.sentence());
                format!("//! | `{}` | {severity} | {sentence} | {} |", check.id(), check.mend())
            })
            .collect();
        assert_eq!(rows, expected);
    }
}
