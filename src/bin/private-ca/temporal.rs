//! Commands of Temporal Cloud that need no connection.

use std::path::{Path, PathBuf};

use private_ca::connect::system_roots;
use private_ca::file::{self, Existing, Secrecy};
use private_ca::key::KeyError;
use private_ca::temporal::bundle::{CaBundle, Fingerprint};
use private_ca::temporal::filters::FilterSet;
use private_ca::temporal::requirements::Submission;
use private_ca::{Certificate, EncryptedPrivateKey, PrivateKey, Timestamp};

use crate::arguments::{
    BundleAddArguments, BundleCommand, BundleListArguments, BundleRemoveArguments, ChangeArguments,
    CheckArguments, PassphraseSource,
};
use crate::files::{certificates, in_file};
use crate::output::{self, Answer};
use crate::{Failure, OrFail as _};

pub(crate) fn check(arguments: &CheckArguments) -> Result<Answer, Failure> {
    let mut submission = Submission::new(bundle(&arguments.bundle)?);
    if let Some(path) = &arguments.cert {
        submission = submission.presenting(&certificates(path)?);
    }
    if let Some(path) = &arguments.key {
        submission = submission.with_key(&key(path, &arguments.passphrase)?);
    }
    if let Some(path) = &arguments.filters {
        let filters = FilterSet::from_json(&file::read(path).or_unasked()?);
        submission =
            submission.with_filters(filters.map_err(|error| in_file(path, error)).or_no()?);
    }
    let system_cas = match &arguments.system_cas {
        Some(path) => Some(certificates(path)?),
        // A machine without any cannot say; the rule is then not asked.
        None => system_roots().ok(),
    };
    if let Some(cas) = system_cas {
        submission = submission.with_system_cas(cas.certificates().to_vec());
    }
    if let Some(at) = arguments.at {
        submission = submission.at(at);
    }
    Ok(output::checked(&submission.examine()))
}

/// A key, decrypted if it has to be.
fn key(path: &Path, passphrase: &PassphraseSource) -> Result<PrivateKey, Failure> {
    let contents = file::read(path).or_unasked()?;
    match PrivateKey::from_pem_or_der(&contents) {
        Err(KeyError::Encrypted) => {
            let encrypted = EncryptedPrivateKey::from_pem_or_der(&contents)
                .map_err(|error| in_file(path, error))
                .or_no()?;
            let passphrase = passphrase.needed(&path.display().to_string())?;
            encrypted.decrypt(&passphrase).map_err(|error| in_file(path, error)).or_no()
        }
        key => key.map_err(|error| in_file(path, error)).or_no(),
    }
}

/// A file that holds no bundle, but a private key perhaps, is one that Temporal Cloud refuses.
pub(crate) fn bundle(path: &Path) -> Result<CaBundle, Failure> {
    CaBundle::from_pem(&file::read(path).or_unasked()?)
        .map_err(|error| in_file(path, error))
        .or_no()
}

pub(crate) fn change(command: &BundleCommand) -> Result<Answer, Failure> {
    match command {
        BundleCommand::List(BundleListArguments { bundle: path }) => {
            Ok(output::bundle(&bundle(path)?, Timestamp::now()))
        }
        BundleCommand::Add(arguments) => add(arguments),
        BundleCommand::Remove(arguments) => remove(arguments),
    }
}

fn add(arguments: &BundleAddArguments) -> Result<Answer, Failure> {
    let before = match arguments.bundle.try_exists() {
        Ok(false) => CaBundle::default(),
        _ => bundle(&arguments.bundle)?,
    };
    let after = before.add(&all_certificates(&arguments.certificates)?).or_no()?;
    deliver(&before, &after, target(&arguments.bundle, &arguments.change), arguments.change.dry_run)
}

fn remove(arguments: &BundleRemoveArguments) -> Result<Answer, Failure> {
    let before = bundle(&arguments.bundle)?;
    let files = all_certificates(&arguments.certificates)?;
    let of_files = files.iter().map(Fingerprint::sha256_of);
    let fingerprints: Vec<_> = arguments.fingerprint.iter().copied().chain(of_files).collect();
    let after = before.remove(&fingerprints).or_no()?;
    if !arguments.force {
        let now = Timestamp::now();
        for path in &arguments.live {
            let live = certificates(path)?;
            let Some((leaf, above)) = live.certificates().split_first() else { continue };
            after
                .check_admits_still(&before, leaf, above, now)
                .or_no()
                .map_err(|failure| failure.advise("to do it all the same, add --force"))?;
        }
        if after.is_empty() {
            return Err("the bundle would be empty, and no client of any CA admitted")
                .or_no()
                .map_err(|failure| failure.advise("to do it all the same, add --force"));
        }
    }
    deliver(&before, &after, target(&arguments.bundle, &arguments.change), arguments.change.dry_run)
}

pub(crate) fn all_certificates(paths: &[PathBuf]) -> Result<Vec<Certificate>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        all.extend_from_slice(certificates(path)?.certificates());
    }
    Ok(all)
}

fn target<'a>(bundle: &'a Path, change: &'a ChangeArguments) -> &'a Path {
    change.out.as_deref().unwrap_or(bundle)
}

/// Writes a changed bundle, unless it is only to be shown.
pub(crate) fn deliver(
    before: &CaBundle,
    after: &CaBundle,
    target: &Path,
    dry_run: bool,
) -> Result<Answer, Failure> {
    if !dry_run {
        file::write(target, after.to_pem(), Secrecy::Public, Existing::Replace).or_unasked()?;
    }
    let written = (!dry_run).then_some(target);
    Ok(output::bundle_change(&before.difference(after), after, written))
}
