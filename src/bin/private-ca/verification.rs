//! Commands that judge and describe what is in files.

use private_ca::verify::{Purpose, Verification, Verifier};
use private_ca::{Timestamp, file};

use crate::arguments::{InspectArguments, VerifyArguments, VerifyPurpose};
use crate::files::{certificates, in_file};
use crate::output::{self, Answer};
use crate::{Failure, OrFail as _};

pub(crate) fn verify(arguments: &VerifyArguments) -> Result<Answer, Failure> {
    let anchors = certificates(&arguments.anchors)?;
    let mut pool = certificates(&arguments.leaf)?.certificates().to_vec();
    // A chain has at least one certificate.
    let leaf = pool.remove(0);
    for path in &arguments.intermediates {
        pool.extend_from_slice(certificates(path)?.certificates());
    }
    let verifier = Verifier::new(anchors.certificates().iter().cloned())
        .map_err(|error| in_file(&arguments.anchors, error))
        .or_unasked()?;
    let at = arguments.at.unwrap_or_else(Timestamp::now);
    let mut verification = Verification::new(match arguments.purpose {
        VerifyPurpose::Client => Purpose::Client,
        VerifyPurpose::Server => Purpose::Server,
        VerifyPurpose::Any => Purpose::Any,
    })
    .at(at);
    if let Some(name) = &arguments.name {
        verification = verification.name(name.clone());
    }
    let verified = verifier.verify(&leaf, &pool, &verification).or_no()?;
    Ok(output::verified(&verified, at))
}

pub(crate) fn inspect(arguments: &InspectArguments) -> Result<Answer, Failure> {
    let contents = file::read(&arguments.file).or_unasked()?;
    output::inspected(&contents).map_err(|error| in_file(&arguments.file, error)).or_no()
}
