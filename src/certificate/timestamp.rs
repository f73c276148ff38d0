//! Moments as certificates have them: whole seconds, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

const DAY: i64 = 86_400;

/// A moment in UTC, to the second, from year 0 to 9999: what RFC 5280's `Time` can express.
///
/// It is read and written in RFC 3339:
///
/// ```
/// use private_ca::Timestamp;
///
/// let end: Timestamp = "2027-03-01T12:00:00+02:00".parse()?;
/// assert_eq!(end.to_string(), "2027-03-01T10:00:00Z");
/// # Ok::<(), private_ca::certificate::TimestampError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text is not an RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a date and time as RFC 3339 writes it, such as 2027-03-01T10:00:00Z")]
#[non_exhaustive]
pub struct TimestampError {
    /// The text that was given.
    pub text: String,
}

impl Timestamp {
    /// The last second that X.509 can express, which RFC 5280 section 4.1.2.5 uses for
    /// certificates without a well-defined end.
    pub const MAX: Self = Self(253_402_300_799);
    pub(crate) const MIN: Self = Self(-62_167_219_200);

    /// The present, rounded down to the second.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted; values beyond the years 0 to
    /// 9999 become the nearest end of that range.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0
    }

    /// This moment moved later; it stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix_seconds(self.0.saturating_add(seconds))
    }

    /// This moment moved earlier; it stops at year 0.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix_seconds(self.0.saturating_sub(seconds))
    }

    /// The same day of the month and time of day, so many months later; a day that the month
    /// lacks becomes its last (31 January plus one month is 28 or 29 February).
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        let months = u64::from(year) * 12 + u64::from(month - 1) + u64::from(months);
        let year = match u32::try_from(months / 12) {
            Ok(year @ ..=9999) => year,
            _ => return Self::MAX,
        };
        let month = (months % 12) as u32 + 1;
        let day = day.min(days_in_month(year, month));
        Self(days_from_civil(year, month, day) * DAY + self.0.rem_euclid(DAY))
    }

    /// How long it is from `earlier` to this moment; zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The contents of a `UTCTime` in RFC 5280's form, `YYMMDDHHMMSSZ` (section 4.1.2.5.1).
    pub(crate) fn from_utc_time(contents: &[u8]) -> Option<Self> {
        let (digits, b"Z") = contents.split_first_chunk::<12>()? else {
            return None;
        };
        let [year, rest @ ..] = two_digit_fields::<6>(digits)?;
        Self::from_fields(if year >= 50 { 1900 + year } else { 2000 + year }, rest)
    }

    /// The contents of a `GeneralizedTime` in RFC 5280's form, `YYYYMMDDHHMMSSZ` (section 4.1.2.5.2).
    pub(crate) fn from_generalized_time(contents: &[u8]) -> Option<Self> {
        let (digits, b"Z") = contents.split_first_chunk::<14>()? else {
            return None;
        };
        let [century, year, rest @ ..] = two_digit_fields::<7>(digits)?;
        Self::from_fields(century * 100 + year, rest)
    }

    /// Of a year up to 9999, and month, day, hour, minute and second.
    fn from_fields(year: u32, [month, day, hour, minute, second]: [u32; 5]) -> Option<Self> {
        let valid = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let seconds = hour * 3600 + minute * 60 + second;
        valid.then(|| Self(days_from_civil(year, month, day) * DAY + i64::from(seconds)))
    }
}

/// Numbers of two digits each, of which both are looked at together.
#[inline]
fn two_digit_fields<const N: usize>(digits: &[u8]) -> Option<[u32; N]> {
    let (mut fields, mut seen) = ([0; N], 0);
    for (field, pair) in fields.iter_mut().zip(digits.as_chunks().0) {
        let pair = u16::from_le_bytes(*pair) ^ u16::from_le_bytes(*b"00");
        // What is above 9 gets its octet's highest bit from 118; a carry comes only of what has it already.
        seen |= pair | pair.wrapping_add(u16::from_le_bytes([118; 2]));
        *field = u32::from(pair & 0xff) * 10 + u32::from(pair >> 8);
    }
    (seen & 0x8080 == 0).then_some(fields)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 1970-01-01, in days since 1 March of the year -400: the calendar repeats itself after 400 years, and from
/// there on nothing is negative.
const EPOCH: i64 = 719_468 + 146_097;

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so
/// that the leap day is the last of its year.
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let (year, month) = if month > 2 { (year + 400, month - 3) } else { (year + 399, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    i64::from(365 * year + leap_days + day_of_year) - EPOCH
}

/// Year, month and day of a day from year 0 to 9999.
fn civil_from_days(days: i64) -> (u32, u32, u32) {
    let days = u32::try_from(days + EPOCH).unwrap_or_default();
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year.saturating_sub(400), month, day)
}

/// A duration in the largest unit that says something: days from two days on, then hours, minutes.
pub(crate) struct Elapsed(pub(crate) Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (count, unit) = match seconds {
            172_800.. => (seconds / 86_400, "day"),
            7_200.. => (seconds / 3_600, "hour"),
            120.. => (seconds / 60, "minute"),
            _ => (seconds, "second"),
        };
        Count(count, unit).fmt(f)
    }
}

/// A number of things.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(0).plus(since),
            Err(before) => {
                let before = before.duration();
                let whole_seconds_up = u64::from(before.subsec_nanos() > 0);
                Self(0).minus(before).minus(Duration::from_secs(whole_seconds_up))
            }
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 with any offset; a fraction of a second is dropped, because certificates
    /// count whole seconds.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_rfc3339(text.trim().as_bytes())
            .ok_or_else(|| TimestampError { text: text.to_owned() })
    }
}

fn parse_rfc3339(text: &[u8]) -> Option<Timestamp> {
    let (date_time, zone) = text.split_at_checked(19)?;
    let digits: Vec<u8> = date_time
        .iter()
        .enumerate()
        .filter_map(|(index, &byte)| match (index, byte) {
            (4 | 7, b'-') | (10, b'T' | b't' | b' ') | (13 | 16, b':') => None,
            (_, byte) => Some(byte),
        })
        .collect();
    let [century, year, rest @ ..] =
        (digits.len() == 14).then(|| two_digit_fields::<7>(&digits))??;
    let moment = Timestamp::from_fields(century * 100 + year, rest)?;
    let zone = match zone.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (digits > 0).then(|| fraction.split_at(digits).1)?
        }
        None => zone,
    };
    let offset = match zone {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), hours @ .., b':', m1, m2] if hours.len() == 2 => {
            let [hours] = two_digit_fields::<1>(hours)?;
            let [minutes] = two_digit_fields::<1>(&[*m1, *m2])?;
            let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
            let seconds = i64::from(seconds);
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = moment.0 - offset;
    (Timestamp::MIN.0..=Timestamp::MAX.0).contains(&seconds).then_some(Timestamp(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments_are_written_as_rfc_3339_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (Timestamp::MAX.0, "9999-12-31T23:59:59Z"),
            (Timestamp::MIN.0, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(seconds)));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "now",
            "2027-03-01",
            "2027-02-29T00:00:00Z",
            "2027-03-01T10:00:00",
            "2027-03-01T24:00:00Z",
            "2027-03-01T10:00:00+2:00",
            "2027-03-01T10:00:00.Z",
            "2027-03-01X10:00:00Z",
            "-027-03-01T10:00:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn both_time_forms_of_x509_are_read_and_others_are_not() {
        let moment: Timestamp = "1999-12-31T23:59:59Z".parse().unwrap();
        assert_eq!(Timestamp::from_utc_time(b"991231235959Z"), Some(moment));
        assert_eq!(Timestamp::from_generalized_time(b"19991231235959Z"), Some(moment));
        assert_eq!(
            Timestamp::from_utc_time(b"491231235959Z").unwrap().to_string(),
            "2049-12-31T23:59:59Z"
        );
        for contents in
            [&b"9912312359Z"[..], b"991231235959+0000", b"991331235959Z", b"", b"99123123595aZ"]
        {
            assert_eq!(Timestamp::from_utc_time(contents), None);
        }
        assert_eq!(Timestamp::from_generalized_time(b"19991231235959.5Z"), None);
    }

    #[test]
    fn months_end_on_the_last_day_that_there_is() {
        let moment: Timestamp = "2027-01-31T01:02:03Z".parse().unwrap();
        assert_eq!(moment.plus_months(1).to_string(), "2027-02-28T01:02:03Z");
        assert_eq!(moment.plus_months(13).to_string(), "2028-02-29T01:02:03Z");
        assert_eq!(moment.plus_months(12 * 10_000), Timestamp::MAX);
    }

    proptest! {
        #[test]
        fn agrees_with_another_calendar(seconds in 0..=Timestamp::MAX.0) {
            let theirs = der::DateTime::from_unix_duration(Duration::from_secs(seconds as u64)).unwrap();
            prop_assert_eq!(Timestamp(seconds).to_string(), theirs.to_string());
        }

        #[test]
        fn what_is_written_is_read_back(seconds in Timestamp::MIN.0..=Timestamp::MAX.0) {
            prop_assert_eq!(Timestamp(seconds).to_string().parse(), Ok(Timestamp(seconds)));
        }
    }
}
