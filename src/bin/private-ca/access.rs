//! With what a CA is opened.

use crate::arguments::{AwsArguments, PassphraseSource};

/// With what a CA is opened.
pub(crate) struct Access<'a> {
    /// The passphrase of its key, if it is a local one.
    pub(crate) passphrase: PassphraseSource,
    /// How AWS is reached, if it is there.
    pub(crate) aws: &'a AwsArguments,
    /// The template that it issues with, if it is there.
    #[cfg(feature = "aws")]
    pub(crate) template: Option<&'a str>,
}

impl<'a> Access<'a> {
    pub(crate) fn new(passphrase: impl Into<PassphraseSource>, aws: &'a AwsArguments) -> Self {
        Self {
            passphrase: passphrase.into(),
            aws,
            #[cfg(feature = "aws")]
            template: None,
        }
    }
}
