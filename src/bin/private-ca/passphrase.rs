//! Passphrases: from a file, an environment variable, or a prompt; never from an argument.

use std::io::IsTerminal as _;

use private_ca::{Passphrase, file};
use zeroize::Zeroizing;

use crate::arguments::PassphraseSource;
use crate::{Failure, OrFail as _};

impl PassphraseSource {
    /// The passphrase, if a source was named.
    pub(crate) fn named(&self) -> Result<Option<Passphrase>, Failure> {
        if let Some(path) = &self.passphrase_file {
            let contents = file::read(path).or_unasked()?;
            let passphrase = Passphrase::from_first_line(&contents);
            return some_unless_empty(passphrase, &path.display().to_string());
        }
        let Some(name) = &self.passphrase_env else {
            return Ok(None);
        };
        let value = std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| format!("the environment variable {name} for the passphrase is not set"));
        some_unless_empty(Passphrase::new(value.or_unasked()?.as_bytes()), name)
    }

    /// The passphrase of something that exists; it is asked for if no source was named.
    pub(crate) fn needed(&self, of: &str) -> Result<Passphrase, Failure> {
        match self.named()? {
            Some(passphrase) => Ok(passphrase),
            None => prompt(&format!("Passphrase of {of}: ")),
        }
    }

    /// A new passphrase; if it is asked for, it is asked for twice.
    pub(crate) fn chosen(&self, of: &str) -> Result<Passphrase, Failure> {
        if let Some(passphrase) = self.named()? {
            return Ok(passphrase);
        }
        let first = prompt(&format!("New passphrase of {of}: "))?;
        let second = prompt("The same again: ")?;
        if first.expose() == second.expose() {
            Ok(first)
        } else {
            Err("the two passphrases differ").or_unasked()
        }
    }
}

/// An empty passphrase is a file that was forgotten, not one that somebody chose.
fn some_unless_empty(passphrase: Passphrase, source: &str) -> Result<Option<Passphrase>, Failure> {
    if passphrase.expose().is_empty() {
        return Err(format!("the passphrase in {source} is empty")).or_unasked();
    }
    Ok(Some(passphrase))
}

fn prompt(question: &str) -> Result<Passphrase, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(
            "a passphrase is needed: name its file with --passphrase-file or its environment variable with --passphrase-env (for a CA's key --ca-passphrase-file or --ca-passphrase-env), or run this in a terminal to be asked",
        )
        .or_unasked();
    }
    let typed = Zeroizing::new(rpassword::prompt_password(question).or_unasked()?);
    Ok(Passphrase::new(typed.as_bytes()))
}
