//! What happened so far, one JSON object a line, and the state that follows from it. Nothing here does I/O: a state is a function of
//! the lines, so that a delivery that was killed anywhere goes on from what was written down.

use super::activity::{Counts, State as ActivityState};
use super::bodies::Body;
use crate::model::printable::printable;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by this machine's clock.
    pub at: String,
    /// The service.
    pub base_url: String,
    /// The account, if it is known.
    pub account: Option<String>,
    /// The body, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The SHA-256 of that body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request that sends no body is about to go out.
    Request {
        /// What it asks for.
        path: String,
        /// The server's time, in seconds since 1970.
        server_time: i64,
    },
    /// Its answer came.
    Answer {
        /// The status; 0 if there was none.
        status: u16,
    },
    /// A body is about to go out.
    Sending {
        /// The server's time, in seconds since 1970.
        server_time: i64,
    },
    /// The service has it.
    Accepted {
        /// The activity.
        activity_id: String,
        /// There was no answer to the request, and the activity was found among those of the account.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        found: bool,
    },
    /// The service turned the request away, and not for anything in the body: too many, or the token has expired.
    TurnedAway {
        /// The status.
        status: u16,
        /// Which of the reasons for 429.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error_key: Option<String>,
    },
    /// No answer, or one that does not say whether the body was taken.
    Unclear {
        /// Why.
        reason: String,
    },
    /// A body without a clear answer was looked for, and is not there.
    NotThere,
    /// The service refused the body.
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        errors: Vec<String>,
    },
    /// News of an activity.
    Activity {
        /// The activity.
        activity_id: String,
        /// Its state.
        state: ActivityState,
        /// Its counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counts: Option<Counts>,
        /// What the service says was wrong, in its words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        errors: Vec<String>,
    },
    /// The body failed, and is to be sent again.
    Again,
}

/// Where a body is.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// It is to be sent.
    Waiting,
    /// It was sent, and whether it arrived is not known.
    MaybeSent {
        /// The server's time of the request.
        since: i64,
    },
    /// The service has it.
    Accepted {
        /// The activity.
        activity_id: String,
        /// Its last known state.
        state: ActivityState,
    },
    /// Its activity is over.
    Over(Report),
    /// The service refused it.
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        errors: Vec<String>,
    },
}

impl Phase {
    /// Whether the service refused the body, or its activity ended without success.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        match self {
            Phase::Refused { .. } => true,
            Phase::Over(report) => report.state != ActivityState::Completed,
            _ => false,
        }
    }
}

/// The end of an activity.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The activity.
    pub activity_id: String,
    /// How it ended.
    pub state: ActivityState,
    /// Its counts, if the service gave any.
    pub counts: Option<Counts>,
    /// What the service says was wrong.
    pub errors: Vec<String>,
}

/// All that is known of one body.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyState {
    /// Where it is.
    pub phase: Phase,
    /// How often it may have reached the service.
    pub sent: u32,
    /// It was sent without an answer, and found among the activities of the account.
    pub found: bool,
}

impl Default for BodyState {
    fn default() -> Self {
        BodyState { phase: Phase::Waiting, sent: 0, found: false }
    }
}

/// All that is known of a delivery.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// By file, and by SHA-256.
    bodies: HashMap<String, HashMap<String, BodyState>>,
    /// Activities that are known to be of this delivery.
    activities: HashSet<String>,
    /// Requests by the server's day.
    requests: HashMap<i64, u64>,
}

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// The lines of a journal that are complete.
fn entries(journal: &[u8]) -> impl Iterator<Item = Result<Entry, String>> {
    let complete = journal.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let lines = journal[..complete].split(|byte| *byte == b'\n').zip(1u64..).filter(|(line, _)| !line.is_empty());
    lines.map(|(line, number)| {
        serde_json::from_slice(line).map_err(|error| format!("line {number} is no event of a delivery: {error}"))
    })
}

/// The account that a delivery goes on with, where the service names `now`, or none. If it was named in one run and not in another,
/// it is the same account, as long as bodies were sent to no other one.
///
/// # Errors
/// A line is not one of a journal, or there are several accounts that it can be.
pub fn account_of(journal: &[u8], base_url: &str, now: Option<&str>) -> Result<Option<String>, String> {
    let mut known = BTreeSet::new();
    let mut has_unknown = false;
    for entry in entries(journal) {
        let entry = entry?;
        if entry.base_url == base_url && entry.file.is_some() {
            match entry.account {
                Some(account) => _ = known.insert(account),
                None => has_unknown = true,
            }
        }
    }
    let several = |what: &str| {
        let names: Vec<_> = known.iter().map(|name| printable(name)).collect();
        Err(format!(
            "{what}, and bodies were sent to {}; use a login that may read the account (scope account_read), or write the bodies \
             to another directory to send all of them",
            names.join(" and ")
        ))
    };
    match now {
        Some(now) if has_unknown && known.iter().any(|account| account != now) => {
            several("some bodies were sent to an account that was not known")
        }
        Some(now) => Ok(Some(now.to_owned())),
        None if known.len() > 1 => several("the service does not say which account this is"),
        None => Ok(known.pop_first()),
    }
}

impl State {
    /// The state after these lines, of which those of other services and accounts do not count; an account that was not known is no
    /// other one. An incomplete last line is not there.
    ///
    /// # Errors
    /// A line is not one of a journal; the text names it.
    pub fn replay(journal: &[u8], base_url: &str, account: Option<&str>) -> Result<State, String> {
        let mut state = State::default();
        for entry in entries(journal) {
            let entry = entry?;
            if entry.base_url == base_url && (entry.account.is_none() || entry.account.as_deref() == account) {
                state.apply(&entry);
            }
        }
        Ok(state)
    }

    /// Takes one more event in.
    pub fn apply(&mut self, entry: &Entry) {
        if let Event::Request { server_time, .. } | Event::Sending { server_time } = entry.event {
            *self.requests.entry(server_time.div_euclid(DAY)).or_default() += 1;
        }
        let (Some(file), Some(sha256)) = (&entry.file, &entry.sha256) else { return };
        let body = self.bodies.entry(file.clone()).or_default().entry(sha256.clone()).or_default();
        match &entry.event {
            Event::Sending { server_time } => {
                body.sent += 1;
                body.phase = Phase::MaybeSent { since: *server_time };
            }
            Event::Accepted { activity_id, found } => {
                body.found = *found;
                self.activities.insert(activity_id.clone());
                body.phase = Phase::Accepted { activity_id: activity_id.clone(), state: ActivityState::Initialized };
            }
            Event::TurnedAway { .. } => {
                body.sent = body.sent.saturating_sub(1);
                body.phase = Phase::Waiting;
            }
            Event::NotThere | Event::Again => body.phase = Phase::Waiting,
            Event::Refused { status, errors } => {
                body.phase = Phase::Refused { status: *status, errors: errors.clone() };
            }
            Event::Activity { activity_id, state, counts, errors } => {
                body.phase = if state.is_over() {
                    Phase::Over(Report {
                        activity_id: activity_id.clone(),
                        state: state.clone(),
                        counts: *counts,
                        errors: errors.clone(),
                    })
                } else {
                    Phase::Accepted { activity_id: activity_id.clone(), state: state.clone() }
                };
            }
            // It may be there: the phase says so already.
            Event::Unclear { .. } | Event::Request { .. } | Event::Answer { .. } => {}
        }
    }

    /// What is known of a body.
    #[must_use]
    pub fn body(&self, body: &Body) -> &BodyState {
        static NEW: BodyState = BodyState { phase: Phase::Waiting, sent: 0, found: false };
        self.bodies.get(&body.file).and_then(|all| all.get(&body.sha256)).unwrap_or(&NEW)
    }

    /// Whether an activity is one of this delivery.
    #[must_use]
    pub fn knows(&self, activity_id: &str) -> bool {
        self.activities.contains(activity_id)
    }

    /// Requests on the day of this time of the server.
    #[must_use]
    pub fn requests_on(&self, server_time: i64) -> u64 {
        self.requests.get(&server_time.div_euclid(DAY)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: Event) -> Entry {
        Entry {
            at: "2026-01-31T10:00:00Z".into(),
            base_url: "https://api.cc.email/v3".into(),
            account: Some("a1".into()),
            file: Some("payload-00001.json".into()),
            sha256: Some("ab".into()),
            event,
        }
    }

    fn body() -> Body {
        Body::new("payload-00001.json", "ab", 3)
    }

    fn lines(entries: &[Entry]) -> Vec<u8> {
        entries.iter().flat_map(|entry| serde_json::to_vec(entry).unwrap().into_iter().chain(*b"\n")).collect()
    }

    #[test]
    fn lines_come_back() {
        let counts = Counts { items_total_count: 3, items_completed_count: 2, ..Counts::default() };
        for event in [
            Event::Request { path: "/activities".into(), server_time: 5 },
            Event::Answer { status: 200 },
            Event::Sending { server_time: 5 },
            Event::Accepted { activity_id: "x".into(), found: true },
            Event::TurnedAway { status: 429, error_key: Some("throttled".into()) },
            Event::Unclear { reason: "no answer".into() },
            Event::NotThere,
            Event::Refused { status: 400, errors: vec!["bad".into()] },
            Event::Activity {
                activity_id: "x".into(),
                state: ActivityState::Other("odd".into()),
                counts: Some(counts),
                errors: vec!["Line 2".into()],
            },
            Event::Again,
        ] {
            let entry = entry(event);
            let line = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry, "{line}");
        }
    }

    #[test]
    fn an_account_that_is_not_named_is_no_other() {
        let base = "https://api.cc.email/v3";
        let of = |account: Option<&str>| Entry { account: account.map(str::to_owned), ..entry(Event::NotThere) };
        let find = |accounts: &[Option<&str>], now| {
            let entries: Vec<Entry> = accounts.iter().map(|account| of(*account)).collect();
            account_of(&lines(&entries), base, now).map_err(|_| ())
        };
        let (a, b) = (Some("a"), Some("b"));
        let some = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!((find(&[], None), find(&[None], None), find(&[], a)), (Ok(None), Ok(None), some("a")));
        assert_eq!((find(&[a, None], None), find(&[None, a], a), find(&[b], a)), (some("a"), some("a"), some("a")));
        assert_eq!((find(&[a, b], None), find(&[None, b], a)), (Err(()), Err(())));
        let state = State::replay(&lines(&[of(None)]), base, a).unwrap();
        assert_eq!(state.body(&body()).phase, Phase::Waiting);
        assert_ne!(state, State::default());
        let error = account_of(&lines(&[of(a), of(b)]), base, None).unwrap_err();
        assert!(error.contains("a and b") && error.contains("account_read"), "{error}");
    }

    #[test]
    fn phases() {
        let (base, account) = ("https://api.cc.email/v3", Some("a1"));
        let events = [
            entry(Event::Sending { server_time: 100 }),
            entry(Event::TurnedAway { status: 429, error_key: None }),
            entry(Event::Sending { server_time: 200 }),
            entry(Event::Unclear { reason: "no answer".into() }),
            entry(Event::NotThere),
            entry(Event::Sending { server_time: 300 }),
            entry(Event::Accepted { activity_id: "x".into(), found: false }),
        ];
        let journal = lines(&events);
        let state = State::replay(&journal, base, account).unwrap();
        assert_eq!(state.body(&body()).sent, 2);
        assert!(matches!(state.body(&body()).phase, Phase::Accepted { ref activity_id, .. } if activity_id == "x"));
        assert!(state.knows("x") && !state.knows("y"));
        assert_eq!((state.requests_on(86_399), state.requests_on(86_400)), (3, 0));
        // Without the end of the last line, it has not happened.
        let state = State::replay(&journal[..journal.len() - 1], base, account).unwrap();
        assert_eq!(state.body(&body()).phase, Phase::MaybeSent { since: 300 });
        // Other services, accounts and bodies are others.
        for (base, account) in [("http://127.0.0.1/v3", account), (base, Some("a2")), (base, None)] {
            assert_eq!(State::replay(&journal, base, account).unwrap(), State::default());
        }
        assert_eq!(*state.body(&Body::new("payload-00001.json", "cd", 3)), BodyState::default());
        let error = State::replay(b"{}\n", base, account).unwrap_err();
        assert!(error.starts_with("line 1 is no event"), "{error}");
    }
}
