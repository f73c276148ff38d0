//! Serial numbers.

use std::fmt;
use std::str::FromStr;

/// A serial number: the contents of its DER INTEGER, big-endian two's complement, at most 20
/// octets in conforming certificates (RFC 5280 section 4.1.2.2).
///
/// It is written in hexadecimal, and read with or without colons, in either case:
///
/// ```
/// use private_ca::SerialNumber;
///
/// let serial: SerialNumber = "1F:02:aa".parse()?;
/// assert_eq!(serial.to_string(), "1f02aa");
/// # Ok::<(), private_ca::certificate::SerialNumberError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber(Vec<u8>);

/// A text is no serial number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a serial number: 1 to 20 octets in hexadecimal, such as 1f02aa or 1F:02:AA"
)]
#[non_exhaustive]
pub struct SerialNumberError {
    /// The text that was given.
    pub text: String,
}

impl SerialNumber {
    /// The contents of a DER INTEGER.
    pub(crate) fn from_der_contents(contents: &[u8]) -> Self {
        Self(contents.to_vec())
    }

    /// The INTEGER's contents.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A positive number from its big-endian magnitude, leading zeros or not.
    #[must_use]
    pub fn from_magnitude(magnitude: &[u8]) -> Self {
        let first = magnitude.iter().position(|&byte| byte != 0).unwrap_or(magnitude.len());
        let digits = magnitude.split_at(first).1;
        let sign = digits.first().is_none_or(|&byte| byte >= 0x80).then_some(0);
        Self(sign.into_iter().chain(digits.iter().copied()).collect())
    }

    /// The magnitude of a positive number, without leading zeros.
    #[must_use]
    pub fn magnitude(&self) -> &[u8] {
        match self.0.as_slice() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        }
    }
}

impl FromStr for SerialNumber {
    type Err = SerialNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || SerialNumberError { text: text.to_owned() };
        let mut digits: String = text.trim().trim_start_matches("0x").replace(':', "");
        if digits.len() % 2 == 1 {
            digits.insert(0, '0');
        }
        let magnitude = base16ct::mixed::decode_vec(&digits).map_err(|_| error())?;
        let serial = Self::from_magnitude(&magnitude);
        let octets = serial.magnitude().len();
        ((1..=20).contains(&octets) && !digits.is_empty()).then_some(serial).ok_or_else(error)
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", base16ct::HexDisplay(self.magnitude()))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SerialNumber({self})")
    }
}
