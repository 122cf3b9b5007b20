//! What makes the exit status of a run 1.

use crate::model::finding::{Code, Severity};
use crate::output::receipt::Receipt;
use crate::rules::rule;
use clap::{Args, ValueEnum};
use std::str::FromStr;

/// Options that choose the exit status.
#[derive(Debug, Args)]
pub(super) struct FailArgs {
    /// What makes the exit status 1; each includes those before it: never, dropped, rejected, held-back, any (warnings as well)
    /// [default: held-back]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(super) fail_on: Option<FailOn>,
    /// Exit with 1 only if more contacts than this are rejected, like 100 or 2%, or if any were dropped at a limit
    #[arg(long, value_name = "N|N%")]
    pub(super) max_rejected: Option<MaxRejected>,
    /// The same as --fail-on never
    #[arg(long, conflicts_with_all = ["fail_on", "max_rejected"])]
    pub(super) exit_zero: bool,
}

/// The least that makes the exit status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum FailOn {
    // Comments and not docs: with these, the help of all options would be spread over more lines.
    Never,
    Dropped,
    Rejected,
    HeldBack,
    Any,
}

/// Rejected contacts that are accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MaxRejected {
    Count(u64),
    /// Of the contacts seen.
    Percent(f64),
}

impl FromStr for MaxRejected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a number of contacts, like 100, or a percentage, like 2%".to_owned();
        match text.strip_suffix('%') {
            Some(percent) => match percent.trim_end().parse() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(MaxRejected::Percent(percent)),
                Ok(_) => Err("a percentage is between 0 and 100".to_owned()),
                Err(_) => Err(wrong()),
            },
            None => text.parse().map(MaxRejected::Count).map_err(|_| wrong()),
        }
    }
}

impl FailArgs {
    /// Whether a run that reached the end of its input ends with status 1.
    pub(super) fn fails(&self, receipt: &Receipt) -> bool {
        let level = match (self.exit_zero, self.fail_on, self.max_rejected) {
            (true, ..) => FailOn::Never,
            (_, Some(level), _) => level,
            // Alone, the limit is all that counts.
            (_, None, Some(_)) => FailOn::Rejected,
            (_, None, None) => FailOn::HeldBack,
        };
        // How many were dropped is not known, so they are more than any number.
        let dropped = receipt.dropped.is_some();
        let rejected = match self.max_rejected {
            None => receipt.contacts.rejected > 0,
            Some(MaxRejected::Count(max)) => receipt.contacts.rejected > max,
            Some(MaxRejected::Percent(max)) => {
                receipt.contacts.rejected as f64 * 100.0 > max * receipt.contacts.seen as f64
            }
        };
        let held_back =
            receipt.contacts.accepted_with_held_back > 0 || receipt.findings.contains_key(Code::ENV008.as_str());
        let is_warning = |code: &&str| Code::parse(code).is_some_and(|code| rule(code).severity == Severity::Warning);
        let any = receipt.findings.keys().any(is_warning);
        (level >= FailOn::Dropped && dropped)
            || (level >= FailOn::Rejected && rejected)
            || (level >= FailOn::HeldBack && held_back)
            || (level >= FailOn::Any && any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cleaner, Limits, Sink};

    fn receipt(input: &str, max_contacts: u64) -> Receipt {
        let limits = Limits { max_contacts, ..Limits::default() };
        let list = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";
        let cleaner = Cleaner::builder().list_id(list).limits(limits).build().unwrap();
        let mut body = Vec::new();
        cleaner.clean(input.as_bytes(), Sink::body(&mut body)).unwrap().receipt
    }

    #[test]
    fn each_level_includes_those_before_it() {
        let good = r#"{"email":"a@example.com"}"#;
        let inputs = [
            // Dropped, rejected, held back, a warning only, nothing.
            (receipt(&format!("[{good},{good}]"), 1), FailOn::Dropped),
            (receipt(&format!("[{good},{{}}]"), 9), FailOn::Rejected),
            (receipt(r#"[{"email":"a@example.com","phone":"1"}]"#, 9), FailOn::HeldBack),
            (receipt(&format!("[{good},{good}]"), 9), FailOn::Any),
        ];
        let levels = [FailOn::Never, FailOn::Dropped, FailOn::Rejected, FailOn::HeldBack, FailOn::Any];
        for (receipt, least) in &inputs {
            for level in levels {
                let args = FailArgs { fail_on: Some(level), max_rejected: None, exit_zero: false };
                assert_eq!(args.fails(receipt), level >= *least, "{level:?} {least:?}");
            }
            let usual = FailArgs { fail_on: None, max_rejected: None, exit_zero: false };
            assert_eq!(usual.fails(receipt), *least <= FailOn::HeldBack, "{least:?}");
            assert_eq!(usual.fails(receipt), !receipt.is_clean(), "{least:?}");
            assert!(!FailArgs { exit_zero: true, ..usual }.fails(receipt));
        }
        let clean = receipt(good, 9);
        assert!(!FailArgs { fail_on: Some(FailOn::Any), max_rejected: None, exit_zero: false }.fails(&clean));
    }

    #[test]
    fn some_may_be_rejected() {
        let two_of_five = "[{\"email\":\"a@example.com\",\"phone\":\"1\"},{},{},{\"email\":\"b@example.com\"},{\"email\":\"c@example.com\"}]";
        let receipt = receipt(two_of_five, 9);
        for (max, fails) in [("0", true), ("1", true), ("2", false), ("39.9%", true), ("40%", false), ("100 %", false)]
        {
            let max_rejected = Some(max.parse().unwrap());
            let args = FailArgs { fail_on: None, max_rejected, exit_zero: false };
            assert_eq!(args.fails(&receipt), fails, "{max}");
            // With a level, what that level adds still counts.
            assert!(FailArgs { fail_on: Some(FailOn::HeldBack), ..args }.fails(&receipt));
        }
        for wrong in ["", "%", "x", "-1", "101%", "1.5", "NaN%"] {
            assert!(wrong.parse::<MaxRejected>().is_err(), "{wrong}");
        }
    }
}
