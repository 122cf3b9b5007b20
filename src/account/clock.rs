//! The clock of an account, and the identifiers that it gives.
//!
//! Everything that asks for the time asks the one [`Clock`] of the account, so that a test can move it: statuses that end after ten
//! days, tokens that end after one, quotas that start anew at midnight.

use super::values::{Id, Time};
use super::{Account, Error, Result, runner};
use crate::rules::date::{self, Date, DateResult};
use rusqlite::{OptionalExtension, Transaction, params};
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Milliseconds of a day.
pub const DAY: i64 = 24 * 60 * 60 * 1000;
/// The furthest that a clock can be moved: two hundred years.
const ADVANCE_MAX: i64 = 200 * 365 * DAY;

/// A clock that runs as the system's does, ahead of it by as much as it was moved.
#[derive(Debug, Default)]
pub struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    /// The time, in milliseconds since 1970 in UTC.
    #[must_use]
    pub fn milliseconds(&self) -> i64 {
        Time::now().0 + self.ahead()
    }

    /// How far it is ahead of the system's clock, in milliseconds.
    #[must_use]
    pub fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// The day since 1970 in UTC.
    #[must_use]
    pub fn day(&self) -> i64 {
        self.milliseconds().div_euclid(DAY)
    }

    /// Moves it forward.
    ///
    /// # Errors
    /// It would be too far ahead.
    pub fn advance(&self, by: Duration) -> Result<()> {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let moved = |ahead: i64| ahead.checked_add(by).filter(|ahead| *ahead <= ADVANCE_MAX);
        match self.ahead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Invalid("the clock can be at most 200 years ahead: advance it by less".into())),
        }
    }

    /// The next midnight in UTC, ISO 8601.
    #[must_use]
    pub fn midnight(&self) -> String {
        Time((self.day() + 1) * DAY).to_string()
    }

    /// The day in UTC, for the rules.
    #[must_use]
    pub fn today(&self) -> Date {
        day(self.now())
    }

    pub(super) fn now(&self) -> Time {
        Time(self.milliseconds())
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.now().fmt(f)
    }
}

/// What an identifier is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdOf {
    List = 1,
    Field = 2,
    Contact = 3,
    Activity = 4,
    Tag = 5,
    Note = 6,
}

impl IdOf {
    /// The seeded identifier with this number: a valid UUID that can be read, and greater than those before it.
    pub(super) fn seeded(self, number: u64) -> Id {
        // The version and the variant of a UUID are in the middle.
        Id(uuid::Uuid::from_fields(self as u32, 0, 0x7000, &{
            let mut tail = number.to_be_bytes();
            (tail[0], tail[1]) = (0x80, 0);
            tail
        }))
    }

    /// The number of a seeded identifier.
    pub(super) fn number(self, id: Id) -> Option<u64> {
        let mut tail = [0; 8];
        tail[2..].copy_from_slice(&id.0.as_bytes()[10..]);
        let number = u64::from_be_bytes(tail);
        (self.seeded(number) == id).then_some(number)
    }
}

/// The time of a transaction, and the identifiers of what it creates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) now: Time,
    pub(super) seeded: bool,
    /// The activity that writes.
    pub(super) activity: Option<Id>,
}

/// The day of a time, as the rules have it.
fn day(time: Time) -> Date {
    match date::parse(&time.day()) {
        DateResult::Day(day, _) => day,
        _ => Date::today(),
    }
}

impl Stamp {
    /// The day in UTC.
    pub(super) fn today(&self) -> Date {
        day(self.now)
    }

    /// One identifier.
    pub(super) fn id(&self, transaction: &Transaction<'_>, of: IdOf) -> Result<Id> {
        let mut ids = self.ids(transaction, of)?;
        let id = ids.next();
        ids.save(transaction)?;
        Ok(id)
    }

    /// An identifier that was given, or a new one. A seeded identifier that was given is not given again.
    pub(super) fn given_or_id(&self, transaction: &Transaction<'_>, of: IdOf, given: Option<Id>) -> Result<Id> {
        let Some(given) = given else { return self.id(transaction, of) };
        if let Some(number) = of.number(given) {
            let last = setting(transaction, &counter(of))?.unwrap_or(0);
            set(transaction, &counter(of), last.max(i64::try_from(number).unwrap_or(last)))?;
        }
        Ok(given)
    }

    /// Identifiers of one kind. The caller saves them at the end.
    pub(super) fn ids(&self, transaction: &Transaction<'_>, of: IdOf) -> Result<Ids> {
        Ok(match self.seeded {
            false => Ids::Random,
            true => Ids::Seeded { of, last: setting(transaction, &counter(of))?.unwrap_or(0) },
        })
    }
}

/// New identifiers.
pub(super) enum Ids {
    /// No two runs give the same.
    Random,
    /// The same requests give the same: the numbers go up from 1, and are kept in the account.
    Seeded { of: IdOf, last: i64 },
}

impl Ids {
    pub(super) fn next(&mut self) -> Id {
        match self {
            Ids::Random => Id::new(),
            Ids::Seeded { of, last } => {
                *last += 1;
                of.seeded(last.unsigned_abs())
            }
        }
    }

    pub(super) fn save(&self, transaction: &Transaction<'_>) -> Result<()> {
        match self {
            Ids::Random => Ok(()),
            Ids::Seeded { of, last } => set(transaction, &counter(*of), *last),
        }
    }
}

fn counter(of: IdOf) -> String {
    format!("last id {}", of as u32)
}

/// A setting of the account that is a number.
pub(super) fn setting(transaction: &Transaction<'_>, name: &str) -> Result<Option<i64>> {
    let mut statement = transaction.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn set(transaction: &Transaction<'_>, name: &str, value: i64) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute(params![name, value])?;
    Ok(())
}

impl Account {
    /// The clock that the account goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// True when it gives repeatable identifiers.
    #[must_use]
    pub fn has_seeded_ids(&self) -> bool {
        self.seeded
    }

    /// Gives repeatable identifiers from now on: the same requests in the same order give the same.
    ///
    /// # Errors
    /// The account cannot be read.
    pub fn use_seeded_ids(&mut self) -> Result<()> {
        self.seeded = true;
        self.count_seeded_activities()
    }

    /// Finds the last number of the activities. Their identifiers are given by the queue, whose file is another.
    pub(super) fn count_seeded_activities(&self) -> Result<()> {
        if !self.seeded {
            return Ok(());
        }
        let (first, end) = (IdOf::Activity.seeded(0), IdOf::Activity.seeded((1 << 48) - 1));
        let last: Option<Id> = self.read(|transaction| {
            Ok(transaction.query_row(
                "SELECT max(activity_id) FROM (SELECT activity_id FROM activities UNION ALL
                 SELECT activity_id FROM queue.waiting) WHERE activity_id BETWEEN ?1 AND ?2",
                [first, end],
                |row| row.get(0),
            )?)
        })?;
        self.queue.seed(last.and_then(|id| IdOf::Activity.number(id)).unwrap_or(0));
        Ok(())
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp { now: self.clock.now(), seeded: self.seeded, activity: None }
    }

    /// The stamp of an activity.
    pub(super) fn stamp_of(&self, activity: Id) -> Stamp {
        Stamp { activity: Some(activity), ..self.stamp() }
    }

    /// Deletes the statuses that are older than the clock allows, as after it was moved.
    ///
    /// # Errors
    /// The account cannot be written.
    pub fn expire(&self) -> Result<()> {
        self.write(|transaction| Ok(runner::expire(transaction, self.clock.now())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_forward_only_so_far() {
        let clock = Clock::default();
        let before = clock.milliseconds();
        clock.advance(Duration::from_secs(25 * 3600)).unwrap();
        let moved = clock.milliseconds() - before;
        assert!((25 * 3_600_000..25 * 3_600_000 + 60_000).contains(&moved), "{moved}");
        let day = clock.day();
        clock.advance(Duration::from_secs(24 * 3600)).unwrap();
        assert_eq!(clock.day(), day + 1);
        let ahead = clock.ahead();
        assert!(clock.advance(Duration::MAX).is_err());
        assert!(clock.advance(Duration::from_secs(201 * 365 * 24 * 3600)).is_err());
        assert_eq!(clock.ahead(), ahead);
    }

    #[test]
    fn seeded_identifiers_are_numbers_in_order() {
        assert_eq!(IdOf::List.seeded(1).to_string(), "00000001-0000-7000-8000-000000000001");
        assert_eq!(IdOf::Contact.seeded(0xabc).to_string(), "00000003-0000-7000-8000-000000000abc");
        assert!(IdOf::Contact.seeded(255) < IdOf::Contact.seeded(256));
        for number in [0, 1, 77, (1 << 48) - 1] {
            assert_eq!(IdOf::Activity.number(IdOf::Activity.seeded(number)), Some(number));
            assert_eq!(IdOf::List.number(IdOf::Activity.seeded(number)), None);
        }
        assert_eq!(IdOf::Activity.number(Id::new()), None);
    }
}
