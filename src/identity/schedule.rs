//! When an identity is renewed: arithmetic alone, without a clock.

use std::time::Duration;

use crate::certificate::{Timestamp, Validity};

/// No two attempts are nearer to each other than this, whatever is configured.
const LEAST: i64 = 1;

/// When to ask for the next identity.
///
/// By default that is at 2/3 of the present one's validity, when a third is left in which to mend what
/// may be wrong (Let's Encrypt's integration guide asks for the same; RFC 9773 has the CA say it where
/// the CA speaks ACME). Each asks up to a tenth of that time earlier, at random, so that a fleet that
/// was issued for at once does not ask at once. After a failure it asks again after a minute, and
/// after each further failure in twice the time, up to an hour or a 24th of the validity, whichever
/// is less; half of each such wait is random.
///
/// It knows no clock: what it is told is all that it goes by.
///
/// ```
/// use private_ca::identity::{LastAttempt, RenewalSchedule};
/// use private_ca::{Timestamp, Validity};
///
/// let not_before: Timestamp = "2027-01-01T00:00:00Z".parse()?;
/// let validity = Validity { not_before, not_after: "2027-01-31T00:00:00Z".parse()? };
/// let next = RenewalSchedule::new().next(
///     not_before,
///     validity,
///     LastAttempt::None { at: not_before },
///     0, // or any other number, at random
/// );
/// assert_eq!(next, "2027-01-21T00:00:00Z".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalSchedule {
    due: (u32, u32),
    spread_percent: u32,
    first_retry: i64,
    longest_retry: i64,
    longest_poll: i64,
}

/// What the last attempt to renew came to, and when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LastAttempt {
    /// There was none for this identity since it was looked at first.
    None {
        /// When it was looked at first.
        at: Timestamp,
    },
    /// The present identity came of it.
    Replaced {
        /// When.
        at: Timestamp,
    },
    /// There is no other identity yet.
    Unchanged {
        /// When that was said.
        at: Timestamp,
    },
    /// It failed, like those before it.
    Failed {
        /// When.
        at: Timestamp,
        /// How many have failed since one last did not, this one included.
        failures: u32,
    },
}

impl RenewalSchedule {
    /// The default.
    #[must_use]
    pub fn new() -> Self {
        Self {
            due: (2, 3),
            spread_percent: 10,
            first_retry: 60,
            longest_retry: 3600,
            longest_poll: 12 * 3600,
        }
    }

    /// Due after this fraction of the validity: 2 of 3, 1 of 2. More than the whole counts as the
    /// whole, and a fraction of nothing as nothing, which is due at once.
    #[must_use]
    pub fn with_due_after(mut self, numerator: u32, denominator: u32) -> Self {
        self.due = (numerator.min(denominator), denominator.max(1));
        self
    }

    /// Asks up to so many percent of the time until then earlier, at random. More than 100 counts as
    /// 100, and 0 is to the second.
    #[must_use]
    pub fn with_spread_percent(mut self, percent: u32) -> Self {
        self.spread_percent = percent.min(100);
        self
    }

    /// Asks again after a failure in `first`, and then in twice the time each time, up to `longest`.
    /// Both are whole seconds, and no less than one.
    #[must_use]
    pub fn with_retries(mut self, first: Duration, longest: Duration) -> Self {
        self.first_retry = seconds(first);
        self.longest_retry = seconds(longest).max(self.first_retry);
        self
    }

    /// Where a CA renews by itself, asks for the outcome at least this often once it is due. The
    /// default is twelve hours, and less for a certificate that is valid for less than fifty days.
    #[must_use]
    pub fn with_longest_poll(mut self, longest: Duration) -> Self {
        self.longest_poll = seconds(longest);
        self
    }

    /// The moment of the next attempt, given that it is `now`, what the present identity's validity
    /// is, and what came of the last attempt. `random` is any number, evenly distributed; whoever asks
    /// again before that moment has come gives the same one.
    ///
    /// It is never nearer to the last attempt than a second. A last attempt in the future, as when a
    /// clock was set back, counts as now.
    #[must_use]
    pub fn next(
        &self,
        now: Timestamp,
        validity: Validity,
        last: LastAttempt,
        random: u32,
    ) -> Timestamp {
        let length = length(validity.not_before, validity.not_after);
        match last {
            LastAttempt::None { at } => {
                let at = at.min(now);
                match self.due(validity.not_before, validity.not_after, random) {
                    due if due > at => due,
                    // Overdue from the start: a fleet that is started at once does not ask at once.
                    _ => later(at, share(self.first_retry, random)),
                }
            }
            // Certificates begin before they are issued, for slow clocks; that time is not theirs.
            LastAttempt::Replaced { at } => {
                let at = at.min(now);
                let due = self.due(validity.not_before.max(at), validity.not_after, random);
                due.max(later(at, self.first_retry))
            }
            LastAttempt::Unchanged { at } => {
                let longest = self.longest_poll.max(LEAST);
                let wait = (length / 100).max(self.first_retry).min(longest);
                later(at.min(now), half_random(wait, random))
            }
            LastAttempt::Failed { at, failures } => {
                let longest = (length / 24).clamp(self.first_retry, self.longest_retry);
                let doublings = failures.saturating_sub(1).min(32);
                let wait = self.first_retry.saturating_mul(1 << doublings).min(longest);
                later(at.min(now), half_random(wait, random))
            }
        }
    }

    fn due(&self, start: Timestamp, end: Timestamp, random: u32) -> Timestamp {
        let (numerator, denominator) = self.due;
        let elapsed =
            i128::from(length(start, end)) * i128::from(numerator) / i128::from(denominator.max(1));
        let elapsed = i64::try_from(elapsed).unwrap_or(i64::MAX);
        let spread = i128::from(elapsed) * i128::from(self.spread_percent) / 100;
        let spread = i64::try_from(spread).unwrap_or(i64::MAX);
        later(start, elapsed - share(spread, random))
    }
}

impl Default for RenewalSchedule {
    fn default() -> Self {
        Self::new()
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX).max(LEAST)
}

/// Zero if the end is not later.
fn length(start: Timestamp, end: Timestamp) -> i64 {
    end.unix_seconds().saturating_sub(start.unix_seconds()).max(0)
}

fn later(moment: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(moment.unix_seconds().saturating_add(seconds))
}

/// From nothing to all of it, by the random number.
fn share(seconds: i64, random: u32) -> i64 {
    i64::try_from((i128::from(seconds) * i128::from(random)) >> 32).unwrap_or(seconds)
}

/// From half of it to all of it, and at least [`LEAST`].
fn half_random(seconds: i64, random: u32) -> i64 {
    let random_part = seconds / 2;
    (seconds - random_part + share(random_part.saturating_add(1), random)).max(LEAST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;

    fn moment(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000 + seconds)
    }

    fn of(seconds: i64) -> Validity {
        Validity { not_before: moment(0), not_after: moment(seconds) }
    }

    fn next(validity: Validity, last: LastAttempt, random: u32) -> i64 {
        let now = moment(1000 * DAY);
        let next = RenewalSchedule::new().next(now, validity, last, random);
        next.unix_seconds() - moment(0).unix_seconds()
    }

    #[test]
    fn it_is_due_at_two_thirds_or_up_to_a_tenth_of_that_earlier() {
        let none = LastAttempt::None { at: moment(0) };
        assert_eq!(next(of(90 * DAY), none, 0), 60 * DAY);
        let earliest = next(of(90 * DAY), none, u32::MAX);
        assert!((54 * DAY..=54 * DAY + 1).contains(&earliest), "{earliest}");
        let half = RenewalSchedule::new().with_due_after(1, 2).with_spread_percent(0);
        assert_eq!(half.next(moment(0), of(90 * DAY), none, 77), moment(45 * DAY));
    }

    #[test]
    fn what_is_overdue_at_the_start_is_spread_over_a_minute() {
        let late = LastAttempt::None { at: moment(80 * DAY) };
        assert_eq!(next(of(90 * DAY), late, 0), 80 * DAY);
        assert_eq!(next(of(90 * DAY), late, u32::MAX), 80 * DAY + 59);
    }

    #[test]
    fn failures_are_retried_in_twice_the_time_up_to_an_hour() {
        let wait = |failures, random| {
            let at = moment(60 * DAY);
            next(of(90 * DAY), LastAttempt::Failed { at, failures }, random) - 60 * DAY
        };
        let most: Vec<_> = (1..=8).map(|failures| wait(failures, u32::MAX)).collect();
        assert_eq!(most, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        let least: Vec<_> = (1..=8).map(|failures| wait(failures, 0)).collect();
        assert_eq!(least, [30, 60, 120, 240, 480, 960, 1800, 1800]);
        assert_eq!(wait(u32::MAX, u32::MAX), 3600);
    }

    #[test]
    fn a_short_life_is_retried_sooner() {
        let failed = LastAttempt::Failed { at: moment(0), failures: 20 };
        assert_eq!(next(of(12 * 3600), failed, u32::MAX), 1800);
        assert_eq!(next(of(600), failed, u32::MAX), 60);
    }

    #[test]
    fn the_time_before_a_certificate_was_issued_is_not_its_own() {
        let issued = LastAttempt::Replaced { at: moment(3600) };
        assert_eq!(next(of(7200), issued, 0), 3600 + 2400);
        // One that is cut ever shorter is not asked for without end.
        assert_eq!(next(of(3600), issued, 0), 3660);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_put_off_the_next_attempt() {
        let last = LastAttempt::Failed { at: moment(10_000 * DAY), failures: 1 };
        assert_eq!(next(of(90 * DAY), last, u32::MAX), 1000 * DAY + 60);
    }

    fn any_moment() -> impl Strategy<Value = Timestamp> {
        any::<i64>().prop_map(Timestamp::from_unix_seconds)
    }

    fn any_schedule() -> impl Strategy<Value = RenewalSchedule> {
        let duration = || any::<u64>().prop_map(Duration::from_secs);
        (any::<(u32, u32, u32)>(), duration(), duration(), duration()).prop_map(
            |((numerator, denominator, percent), first, longest, poll)| {
                RenewalSchedule::new()
                    .with_due_after(numerator, denominator)
                    .with_spread_percent(percent)
                    .with_retries(first, longest)
                    .with_longest_poll(poll)
            },
        )
    }

    proptest! {
        #[test]
        fn there_is_always_a_second_between_attempts(
            schedule in any_schedule(), now in any_moment(), at in any_moment(),
            (start, end) in (any_moment(), any_moment()), failures: u32, random: u32,
        ) {
            let validity = Validity { not_before: start, not_after: end };
            for last in [
                LastAttempt::Replaced { at },
                LastAttempt::Unchanged { at },
                LastAttempt::Failed { at, failures },
            ] {
                let next = schedule.next(now, validity, last, random);
                prop_assert!(next > at.min(now) || next == Timestamp::MAX, "{last:?}: {next}");
            }
            let first = schedule.next(now, validity, LastAttempt::None { at }, random);
            prop_assert!(first >= at.min(now));
        }

        #[test]
        fn retries_lie_between_half_the_longest_and_the_longest(
            life in 1..4000 * DAY, failures in 1u32.., random: u32,
        ) {
            let wait = |failures| next(of(life), LastAttempt::Failed { at: moment(0), failures }, random);
            let this = wait(failures);
            prop_assert!((30..=3600).contains(&this), "{this}");
            prop_assert!(wait(failures.saturating_add(1)) >= this);
        }

        #[test]
        fn the_default_is_due_between_six_and_seven_tenths(life in 100..4000 * DAY, random: u32) {
            let due = next(of(life), LastAttempt::None { at: moment(0) }, random);
            prop_assert!(due * 10 >= life * 6 - 10 && due * 3 <= life * 2, "{due} of {life}");
        }
    }
}
