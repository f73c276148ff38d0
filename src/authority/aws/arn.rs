//! Amazon Resource Names.

use std::fmt;
use std::str::FromStr;

use crate::authority::CaError;

/// An Amazon Resource Name, `arn:partition:service:region:account:resource` (IAM User Guide,
/// "Identify AWS resources with Amazon Resource Names").
///
/// ```
/// use private_ca::authority::aws::Arn;
///
/// let arn: Arn = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02".parse()?;
/// assert_eq!((arn.service(), arn.region()), ("acm-pca", "eu-central-1"));
/// # Ok::<(), private_ca::CaError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    text: String,
    /// Where each of the first five colons is.
    colons: [usize; 5],
}

impl Arn {
    fn part(&self, index: usize) -> &str {
        let start = match index.checked_sub(1) {
            None => 0,
            Some(before) => self.colons.get(before).map_or(0, |colon| colon + 1),
        };
        let end = self.colons.get(index).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default()
    }

    /// The partition: `aws`, `aws-cn` or `aws-us-gov`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The service: `acm-pca` or `acm`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account's number, twelve digits.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// What it is in that account: `certificate-authority/...`, `certificate/...`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is a CA of AWS Private CA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.service() == "acm-pca"
            && self
                .resource()
                .strip_prefix("certificate-authority/")
                .is_some_and(|id| !id.is_empty() && !id.contains('/'))
    }

    /// Whether this is a certificate in ACM.
    #[must_use]
    pub fn is_acm_certificate(&self) -> bool {
        self.service() == "acm"
            && self
                .resource()
                .strip_prefix("certificate/")
                .is_some_and(|id| !id.is_empty() && !id.contains('/'))
    }

    /// Whether this is a certificate that the CA has issued directly.
    pub(crate) fn is_certificate_of(&self, ca: &Self) -> bool {
        self.text
            .strip_prefix(ca.as_str())
            .and_then(|rest| rest.strip_prefix("/certificate/"))
            .is_some_and(|id| !id.is_empty() && !id.contains('/'))
    }

    /// This name, if it is a CA's.
    pub(crate) fn expect_ca(self) -> Result<Self, CaError> {
        if self.is_ca() {
            return Ok(self);
        }
        Err(CaError::InvalidArn {
            arn: self.text,
            expected: "a private CA",
            reason: "it has to be of the form arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/ID",
        })
    }

    /// This name, if it is an ACM certificate's.
    pub(crate) fn expect_acm_certificate(self) -> Result<Self, CaError> {
        if self.is_acm_certificate() {
            return Ok(self);
        }
        Err(CaError::InvalidArn {
            arn: self.text,
            expected: "a certificate in ACM",
            reason: "it has to be of the form arn:aws:acm:REGION:ACCOUNT:certificate/ID",
        })
    }
}

impl FromStr for Arn {
    type Err = CaError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason| CaError::InvalidArn {
            arn: text.to_owned(),
            expected: "anything in AWS",
            reason,
        };
        if !text.starts_with("arn:") {
            return Err(invalid("it does not start with arn:"));
        }
        // AWS's own pattern, in which no shell sees anything.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+=/,.@_:-".contains(c);
        if text.len() > 2048 || !text.chars().all(is_allowed) {
            return Err(invalid(
                "it is longer than 2048 characters, or has others than letters, digits and +=/,.@_:-",
            ));
        }
        let mut colons = [0; 5];
        let mut found = text.match_indices(':').map(|(index, _)| index);
        for colon in &mut colons {
            *colon = found.next().ok_or_else(|| {
                invalid("it has to have six parts: arn:partition:service:region:account:resource")
            })?;
        }
        let arn = Self { text: text.to_owned(), colons };
        if (1..=5).any(|part| arn.part(part).is_empty()) {
            return Err(invalid("one of its parts is empty"));
        }
        let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if ![arn.partition(), arn.service(), arn.region()].into_iter().all(is_plain) {
            return Err(invalid("partition, service and region are letters, digits and hyphens"));
        }
        if arn.account().len() != 12 || !arn.account().bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("the account has to be twelve digits"));
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = "arn:aws-us-gov:acm-pca:us-gov-west-1:123456789012:certificate-authority/1f02";

    #[test]
    fn the_parts_of_a_ca_s_name() {
        let arn: Arn = CA.parse().unwrap();
        assert_eq!(arn.partition(), "aws-us-gov");
        assert_eq!(arn.account(), "123456789012");
        assert_eq!(arn.resource(), "certificate-authority/1f02");
        assert_eq!(arn.to_string(), CA);
        let issued: Arn = format!("{CA}/certificate/77").parse().unwrap();
        assert!(arn.is_ca() && !issued.is_ca() && issued.is_certificate_of(&arn));
        assert!(!arn.is_certificate_of(&arn) && !arn.is_acm_certificate());
        assert!(issued.expect_ca().is_err());
    }

    #[test]
    fn what_is_no_name_says_why() {
        for bad in [
            "",
            "ca",
            "arn:aws:acm-pca",
            "arn:aws:acm-pca:eu-central-1:123456789012:",
            "arn:aws:acm-pca::123456789012:certificate-authority/1",
            "arn:aws:acm-pca:eu-central-1:12345:certificate-authority/1",
            "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1\n",
            "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/$(x)",
            "arn:aws:acm-pca:eu/central:123456789012:certificate-authority/1",
        ] {
            assert!(matches!(bad.parse::<Arn>(), Err(CaError::InvalidArn { .. })), "{bad}");
        }
    }
}
