//! The way to AWS, and what is seen of it on a terminal.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use private_ca::authority::aws::{Arn, AwsConnection, AwsOptions};
use private_ca::{Acm, AcmPca, CertificateId};

use crate::access::Access;
use crate::arguments::AwsArguments;
use crate::{Failure, OrFail as _};

/// Connects to the region that is named, or to that of the ARN, or to the configured one.
pub(crate) async fn connect(
    arguments: &AwsArguments,
    arn: Option<&Arn>,
) -> Result<AwsConnection, Failure> {
    let mut options = AwsOptions::default();
    options.region = arguments.region.clone().or_else(|| arn.map(|arn| arn.region().to_owned()));
    options.profile.clone_from(&arguments.profile);
    options.endpoint_url.clone_from(&arguments.endpoint_url);
    let mut connection = AwsConnection::from_environment(options).await.or_no()?;
    if let Some(deadline) = arguments.deadline() {
        connection = connection.with_deadline(deadline);
    }
    Ok(match std::io::stderr().is_terminal() && !crate::is_json_asked() {
        true => {
            let waits = Waits::default();
            connection.with_wait_observer(move |what| waits.begin(what))
        }
        false => connection,
    })
}

/// The CA with this ARN.
pub(crate) async fn ca(arn: &Arn, access: &Access<'_>) -> Result<AcmPca, Failure> {
    access.passphrase.refuse("AWS keeps the key of a CA there")?;
    let connection = connect(access.aws, Some(arn)).await?;
    let ca = AcmPca::new(&connection, arn.clone()).or_no()?;
    match access.template {
        Some(template) => ca.with_template(template).or_no(),
        None => Ok(ca),
    }
}

pub(crate) async fn managed_of_ca(arn: &Arn, access: &Access<'_>) -> Result<Acm, Failure> {
    access.passphrase.refuse("AWS keeps the key of a CA there")?;
    let connection = connect(access.aws, Some(arn)).await?;
    Acm::of_ca(&connection, arn.clone()).or_no()
}

/// Where the ACM certificate with this ARN is; who issued it does not matter.
pub(crate) async fn managed(id: &CertificateId, access: &Access<'_>) -> Result<Acm, Failure> {
    access.passphrase.refuse("AWS keeps the key of a CA there")?;
    let arn: Arn = id.as_str().parse().or_no()?;
    let connection = connect(access.aws, Some(&arn)).await?;
    Ok(Acm::public(&connection, false))
}

pub(crate) async fn public(arguments: &AwsArguments, exportable: bool) -> Result<Acm, Failure> {
    let connection = connect(arguments, None).await?;
    Ok(Acm::public(&connection, exportable))
}

/// The wait that is shown. It goes when the connection does.
#[derive(Default)]
struct Waits {
    shown: Mutex<Option<ProgressBar>>,
}

impl Waits {
    fn begin(&self, what: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let line = shown.get_or_insert_with(|| {
            let line = ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear);
            // A template that cannot be read leaves indicatif's own.
            if let Ok(style) = ProgressStyle::with_template("{spinner} waiting {elapsed} for {msg}")
            {
                line.set_style(style);
            }
            line.enable_steady_tick(Duration::from_millis(120));
            line
        });
        line.set_message(what.to_owned());
        line.reset_elapsed();
    }
}
