//! Who reads the configuration, and which keys it takes.

use std::fmt;

use crate::pem;

/// Who reads the configuration.
///
/// None of them can be given a passphrase in it, so all want a plain key, of which they differ in
/// the forms:
///
/// | | Rust | Go | Python | TypeScript | Java | .NET | `temporal` |
/// | --- | --- | --- | --- | --- | --- | --- | --- |
/// | PKCS#8 | yes | yes | yes | yes | yes | yes | yes |
/// | PKCS#1 | yes | yes | yes | yes | no | yes | yes |
/// | SEC1 | yes | yes | yes | yes | no | yes | yes |
/// | encrypted PKCS#8 | no | no | no | no | no | no | no |
/// | encrypted traditional PEM | no | no | no | no | no | no | no |
///
/// How each column is known, with RSA 2048 and P-256 keys that OpenSSL wrote, SEC1 with and
/// without `EC PARAMETERS` before it:
///
/// - Rust: its client gives the key to tonic's `Identity`, which reads it with rustls-pki-types
///   (read in temporalio-client 1.1.1 and tonic 0.14.9). That reader and rustls on aws-lc-rs
///   judge all forms in this crate's tests.
/// - Go: `crypto/tls`, `X509KeyPair`, judges all forms in this crate's tests.
/// - Python: tried with temporalio 1.35.0, all forms, up to an answer of a Temporal server behind
///   nginx that asks for a certificate. It is built on the Rust SDK's core.
/// - TypeScript: the client was tried like Python, and reads keys by Node's OpenSSL. A worker's
///   connection is native, on the Rust SDK's core, and is concluded from that, not tried.
/// - Java: the plain reader of Netty's `SslContextBuilder` was tried, of Netty 4.1.48, and Netty's
///   page "SslContextBuilder and Private Key" says the same; the SDK's `SimpleSslContextBuilder`
///   (read) hands the key to it. Later versions of Netty read more where Bouncy Castle is on the
///   class path, on which a configuration cannot count. A program can set a passphrase in its code.
/// - .NET: concluded from the Rust SDK's core, on which it is built; not tried.
/// - `temporal`: tried like Python.
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

/// A form of private key in a PEM file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyForm {
    /// `PRIVATE KEY` (RFC 5958).
    Pkcs8,
    /// `RSA PRIVATE KEY` (RFC 8017, appendix A.1.2).
    Pkcs1,
    /// `EC PRIVATE KEY` (RFC 5915).
    Sec1,
    /// `ENCRYPTED PRIVATE KEY` (RFC 5958 section 3).
    EncryptedPkcs8,
    /// `RSA PRIVATE KEY` or `EC PRIVATE KEY` under `Proc-Type: 4,ENCRYPTED`, as old OpenSSL wrote it.
    EncryptedTraditional,
}

impl Sdk {
    /// All of them, in the order of the table above.
    pub const ALL: &[Self] = &[
        Self::Rust,
        Self::Go,
        Self::Python,
        Self::TypeScript,
        Self::Java,
        Self::DotNet,
        Self::Cli,
    ];

    /// Whether it takes a key of this form, by the table above.
    #[must_use]
    pub fn reads(self, form: KeyForm) -> bool {
        match form {
            KeyForm::Pkcs8 => true,
            KeyForm::Pkcs1 | KeyForm::Sec1 => self != Self::Java,
            KeyForm::EncryptedPkcs8 | KeyForm::EncryptedTraditional => false,
        }
    }
}

impl KeyForm {
    /// All of them, in the order of [`Sdk`]'s table.
    pub const ALL: &[Self] =
        &[Self::Pkcs8, Self::Pkcs1, Self::Sec1, Self::EncryptedPkcs8, Self::EncryptedTraditional];

    /// The form of a PEM block, if it is one of these.
    #[must_use]
    pub fn of_block(block: &pem::Block) -> Option<Self> {
        match block.label() {
            pem::ENCRYPTED_PRIVATE_KEY => Some(Self::EncryptedPkcs8),
            _ if block.is_private_key() && block.is_encrypted() => Some(Self::EncryptedTraditional),
            pem::PRIVATE_KEY => Some(Self::Pkcs8),
            "RSA PRIVATE KEY" => Some(Self::Pkcs1),
            "EC PRIVATE KEY" => Some(Self::Sec1),
            _ => None,
        }
    }
}

impl fmt::Display for KeyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs8 => "PKCS#8",
            Self::Pkcs1 => "PKCS#1",
            Self::Sec1 => "SEC1",
            Self::EncryptedPkcs8 => "encrypted PKCS#8",
            Self::EncryptedTraditional => "encrypted traditional PEM",
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_of_every_form_what_the_code_does() {
        let said: Vec<_> = include_str!("sdk.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("/// | "))
            .skip(2)
            .collect();
        let expected: Vec<_> = KeyForm::ALL
            .iter()
            .map(|form| {
                let cells = Sdk::ALL.iter().map(|sdk| if sdk.reads(*form) { "yes" } else { "no" });
                format!("{form} | {} |", cells.collect::<Vec<_>>().join(" | "))
            })
            .collect();
        assert_eq!(said, expected);
    }
}
