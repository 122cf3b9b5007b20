//! The requests of a day.

use super::{Service, answer};
use axum::response::Response;
use std::sync::{Mutex, PoisonError};

/// Counts the requests since 00:00 UTC, by the clock of the account.
#[derive(Debug, Default)]
pub struct Quota(Mutex<Used>);

#[derive(Debug, Default, Clone, Copy)]
struct Used {
    day: i64,
    requests: u64,
}

impl Quota {
    /// Takes a request from the quota of a day; false when none is left.
    pub fn take(&self, limit: u64, day: i64) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.day != day {
            *used = Used { day, requests: 0 };
        }
        let left = used.requests < limit;
        used.requests += u64::from(left);
        left
    }

    /// The requests of this day so far.
    pub fn used(&self, day: i64) -> u64 {
        let used = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.day == day { used.requests } else { 0 }
    }
}

/// The answer when the quota is used up.
pub fn exceeded(service: &Service) -> Response {
    let what = match service.config.quota {
        Some(limit) => format!("all {limit} requests of this day are used up: more are accepted from 00:00 UTC on"),
        None => "the requests of this day are used up: more are accepted from 00:00 UTC on".to_owned(),
    };
    answer::too_many(answer::TooMany::Quota, &what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_has_a_new_quota() {
        let quota = Quota::default();
        assert_eq!([0; 4].map(|_| quota.take(3, 20_000)), [true, true, true, false]);
        assert_eq!(quota.used(20_000), 3);
        assert_eq!(quota.used(20_001), 0);
        assert!(quota.take(3, 20_001));
        assert_eq!(quota.used(20_001), 1);
    }
}
