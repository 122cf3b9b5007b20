//! Several runs that add to the bodies of one directory: whose inputs they had, and how many contacts they took in all.

use crate::output::body::RECEIPT;
use crate::output::receipt::Contacts;
use serde::Serialize;
use std::path::Path;

/// Counts over all runs of a directory, in which a contact that one run rejected and a later one took again counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InAll {
    /// Contacts judged: accepted and rejected.
    pub seen: u64,
    /// Contacts in the bodies.
    pub accepted: u64,
    /// Contacts that no run accepted.
    pub rejected: u64,
}

impl InAll {
    /// The counts of earlier runs, by their receipts, the oldest first, and of this one.
    #[must_use]
    pub fn of(earlier: &[serde_json::Value], contacts: &Contacts) -> InAll {
        let mut all = InAll::default();
        for run in earlier {
            let count = |name: &str| run["contacts"][name].as_u64().unwrap_or(0);
            all.add(count("accepted"), count("rejected"), count("returned"));
        }
        all.add(contacts.accepted, contacts.rejected, contacts.returned);
        all
    }

    fn add(&mut self, accepted: u64, rejected: u64, returned: u64) {
        // Rejects that are fed in twice come back once.
        let returned = returned.min(self.rejected);
        self.rejected = self.rejected - returned + rejected;
        self.accepted += accepted;
        self.seen = self.accepted + self.rejected;
    }
}

/// Names of the inputs of the earlier runs whose bodies are in a directory. Without a receipt that tells, there are none.
#[must_use]
pub fn earlier_inputs(dir: &Path) -> Vec<String> {
    let receipt = std::fs::read(dir.join(RECEIPT)).unwrap_or_default();
    let Ok(newest) = serde_json::from_slice::<serde_json::Value>(&receipt) else { return Vec::new() };
    let before = newest["earlier_runs"].as_array().map_or(&[][..], Vec::as_slice);
    let inputs = before.iter().chain([&newest]).filter_map(|run| run["input"].as_array()).flatten();
    let mut names: Vec<String> = inputs.filter_map(|input| Some(input["name"].as_str()?.to_owned())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_contact_that_comes_back_counts_once() {
        let run = |accepted: u64, rejected: u64, returned: u64| json!({"contacts": {"accepted": accepted, "rejected": rejected, "returned": returned}});
        let own = |accepted, rejected, returned| Contacts {
            seen: accepted + rejected,
            accepted,
            rejected,
            accepted_with_held_back: 0,
            changed: 0,
            duplicates: 0,
            not_written: 0,
            opted_out: 0,
            returned,
        };
        // Five of twenty are rejected. Three of them come back fixed, and then one of the other two.
        let all = InAll::of(&[run(15, 5, 0), run(3, 2, 5)], &own(1, 1, 2));
        assert_eq!((all.seen, all.accepted, all.rejected), (20, 19, 1));
        // Fed in twice, more come back than there were.
        let all = InAll::of(&[run(15, 5, 0), run(5, 0, 5)], &own(5, 0, 5));
        assert_eq!((all.seen, all.accepted, all.rejected), (25, 25, 0));
        // Receipts of older versions do not tell.
        let all = InAll::of(&[json!({"contacts": {"accepted": 1, "rejected": 1}}), json!({})], &own(0, 0, 0));
        assert_eq!((all.seen, all.accepted, all.rejected), (2, 1, 1));
    }

    #[test]
    fn inputs_of_earlier_runs_are_known_by_name() {
        let dir = tempfile::tempdir().unwrap();
        assert!(earlier_inputs(dir.path()).is_empty());
        let receipt =
            json!({"input": [{"name": "b"}, {"name": "a"}], "earlier_runs": [{"input": [{"name": "a"}]}, {}]});
        std::fs::write(dir.path().join(RECEIPT), receipt.to_string()).unwrap();
        assert_eq!(earlier_inputs(dir.path()), ["a", "b"]);
    }
}
