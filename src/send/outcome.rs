//! What became of each contact: `result.json`, and `refused.ndjson`.

use super::Result;
use super::activity::State as ActivityState;
use super::bodies::{Bodies, Body};
use super::journal::{Phase, Report, State};
use super::origins::{From, Origins};
use super::refused::{self, ContactsOfBody, Fate, Named};
use crate::output::file::Output;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The file of the counts.
pub const RESULT: &str = "result.json";
/// The file of the contacts that the service refused.
pub const REFUSED: &str = "refused.ndjson";

/// What became of contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Contacts {
    /// Contacts that cleaning accepted: all in the bodies.
    pub accepted: u64,
    /// The service says that it imported them.
    pub imported: u64,
    /// The service says that it did not.
    pub refused: u64,
    /// They were sent, and the service does not say.
    pub unknown: u64,
    /// They were not sent.
    pub not_sent: u64,
}

impl Contacts {
    fn add(&mut self, other: &Contacts) {
        self.accepted += other.accepted;
        self.imported += other.imported;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.not_sent += other.not_sent;
    }
}

/// What became of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BodyOutcome {
    /// Its file.
    pub file: String,
    /// `waiting`, `maybe_sent`, `refused`, or the state of its activity.
    pub state: String,
    /// Its activity.
    pub activity_id: Option<String>,
    /// How often it was sent: more than once only if the first time left no trace.
    pub sent: u32,
    /// The request had no answer, and the activity was found among those of the account.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// Its contacts.
    pub contacts: Contacts,
    /// Contacts that were added to no list, because they unsubscribed before.
    pub cannot_add_to_list: u64,
    /// Errors that the service gave.
    pub errors: u64,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The service.
    pub base_url: String,
    /// The account, if it is known.
    pub account: Option<String>,
    /// Everything went as far as it can.
    pub is_over: bool,
    /// All contacts.
    pub contacts: Contacts,
    /// Contacts that were added to no list, because they unsubscribed before.
    pub cannot_add_to_list: u64,
    /// Contacts that cleaning rejected, which are in no body.
    pub rejected_by_clean: u64,
    /// The bodies.
    pub bodies: Vec<BodyOutcome>,
    /// What does not add up, or was said by the service in another way than expected.
    pub notes: Vec<String>,
    /// For each body, which of its contacts the service names.
    #[serde(skip)]
    named: Vec<Named>,
}

/// Answers that a person is shown.
const SHOWN: usize = 10;

/// An answer about a contact, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownAnswer {
    /// The body.
    pub file: String,
    /// The contact's place in it, from 0, if the service names one.
    pub index: Option<usize>,
    /// The input that the contact came from, and its line.
    pub from: Option<(String, Option<u64>)>,
    /// The service's words; `None` if it gives no reason.
    pub error: Option<String>,
}

/// What `refused.ndjson` has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Its lines.
    pub lines: u64,
    /// Those about contacts that were imported.
    pub about_imported: u64,
    /// The first of the others.
    pub first: Vec<ShownAnswer>,
}

/// What the service says of a body whose contacts it did not take, or not all of them.
struct Said<'s> {
    errors: &'s [String],
    activity_id: Option<&'s str>,
    /// It is about all contacts of the body.
    is_whole: bool,
}

/// `None` if it says nothing.
fn said(phase: &Phase) -> Option<Said<'_>> {
    match phase {
        Phase::Refused { errors, .. } => Some(Said { errors, activity_id: None, is_whole: true }),
        Phase::Over(Report { activity_id, state, errors, .. }) => {
            let is_whole = matches!(state, ActivityState::Failed | ActivityState::Cancelled);
            (is_whole || !errors.is_empty()).then_some(Said { errors, activity_id: Some(activity_id), is_whole })
        }
        _ => None,
    }
}

impl Outcome {
    /// From what is known.
    ///
    /// # Errors
    /// A body cannot be read.
    pub fn new(bodies: &Bodies, state: &State, base_url: &str, account: Option<&str>) -> Result<Outcome> {
        let mut outcome = Outcome {
            base_url: base_url.to_owned(),
            account: account.map(str::to_owned),
            is_over: true,
            contacts: Contacts::default(),
            cannot_add_to_list: 0,
            rejected_by_clean: bodies.rejected,
            bodies: Vec::new(),
            notes: Vec::new(),
            named: Vec::new(),
        };
        for body in &bodies.all {
            let known = state.body(body);
            outcome.is_over &= matches!(known.phase, Phase::Over(_) | Phase::Refused { .. });
            let named = match said(&known.phase) {
                Some(said) if !said.errors.is_empty() => {
                    Named::new(&ContactsOfBody::new(&bodies.read(body)?), said.errors)
                }
                _ => Named::default(),
            };
            let mut of_body = of_body(body, &known.phase, known.sent, &named, &mut outcome.notes);
            of_body.found = known.found && of_body.activity_id.is_some();
            outcome.contacts.add(&of_body.contacts);
            outcome.cannot_add_to_list += of_body.cannot_add_to_list;
            outcome.bodies.push(of_body);
            outcome.named.push(named);
        }
        let Contacts { accepted, imported, refused, unknown, not_sent } = outcome.contacts;
        if accepted != imported + refused + unknown + not_sent {
            outcome.notes.push(format!(
                "{accepted} contacts were accepted by cleaning, and {} are accounted for",
                imported + refused + unknown + not_sent
            ));
        }
        Ok(outcome)
    }

    /// The exit status: 0 if everything accepted is imported, 1 if not, 3 if it is not over.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            outcome if !outcome.is_over => 3,
            outcome if outcome.contacts.imported == outcome.contacts.accepted => 0,
            _ => 1,
        }
    }

    /// Writes `result.json` and `refused.ndjson`.
    ///
    /// # Errors
    /// They cannot be written, or a body cannot be read.
    pub fn write(&self, bodies: &Bodies, state: &State, dir: &Path) -> Result<Answers> {
        let mut answers = Answers::default();
        let mut output = Output::create(&dir.join(REFUSED), true)?;
        let mut origins = Origins::of(&bodies.dir);
        for ((body, named), known) in bodies.all.iter().zip(&self.named).zip(&self.bodies) {
            if let Some(said) = said(&state.body(body).phase) {
                write_body(&mut output, &mut origins, bodies, body, named, &said, known.fate(named), &mut answers)?;
            }
        }
        output.finish()?;
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| super::Error::could(error.to_string()))?;
        json.push(b'\n');
        let mut output = Output::create(&dir.join(RESULT), true)?;
        output.write(&json)?;
        output.finish()?;
        Ok(answers)
    }
}

/// Writes the answers about one body.
#[expect(clippy::too_many_arguments, reason = "it is a part of the function above")]
fn write_body(
    output: &mut Output,
    origins: &mut Origins,
    bodies: &Bodies,
    body: &Body,
    named: &Named,
    said: &Said<'_>,
    fate: Fate,
    answers: &mut Answers,
) -> Result<()> {
    let bytes = bodies.read(body)?;
    let contacts = ContactsOfBody::new(&bytes);
    let all = match said.is_whole {
        true => refused::all(&contacts, named, said.errors),
        false => refused::some(&contacts, named, said.errors),
    };
    // In the order of the input, so that it is read once.
    let indices: BTreeSet<usize> = all.iter().filter_map(|answer| answer.found).map(|(index, _)| index).collect();
    let indices: Vec<usize> = indices.into_iter().collect();
    let places = origins.find(&body.file, &indices);
    for answer in &all {
        let index = answer.found.map(|(index, _)| index);
        let at = index.and_then(|index| indices.binary_search(&index).ok());
        let from = at.and_then(|at| places[at].as_ref());
        let mut line = answer.line(body, said.activity_id, fate, from);
        line.push(b'\n');
        output.write(&line)?;
        answers.lines += 1;
        let is_imported = fate == Fate::Imported;
        answers.about_imported += u64::from(is_imported);
        if !is_imported && answers.first.len() < SHOWN {
            answers.first.push(ShownAnswer {
                file: body.file.clone(),
                index,
                from: from.map(|From { input, line, .. }| (input.clone(), *line)),
                error: answer.error.map(str::to_owned),
            });
        }
    }
    Ok(())
}

impl BodyOutcome {
    /// What became of the contacts of this body that the service names.
    fn fate(&self, named: &Named) -> Fate {
        let Contacts { accepted, imported, refused, .. } = self.contacts;
        match self.state.as_str() {
            "timed_out" | "gone" => Fate::Unknown,
            "completed" if imported == accepted => Fate::Imported,
            "completed" if named.contacts() > refused => Fate::Unclear,
            "failed" | "cancelled" if imported > 0 => Fate::Unclear,
            _ => Fate::Refused,
        }
    }
}

fn of_body(body: &Body, phase: &Phase, sent: u32, named: &Named, notes: &mut Vec<String>) -> BodyOutcome {
    let all = body.contacts;
    let mut contacts = Contacts { accepted: all, ..Contacts::default() };
    let mut outcome = BodyOutcome {
        file: body.file.clone(),
        state: String::new(),
        activity_id: None,
        sent,
        found: false,
        contacts,
        cannot_add_to_list: 0,
        errors: 0,
    };
    match phase {
        Phase::Waiting => {
            contacts.not_sent = all;
            outcome.state = "waiting".into();
        }
        Phase::MaybeSent { .. } => {
            contacts.unknown = all;
            outcome.state = "maybe_sent".into();
        }
        Phase::Accepted { activity_id, state } => {
            contacts.unknown = all;
            outcome.state = state.as_str().into();
            outcome.activity_id = Some(activity_id.clone());
        }
        Phase::Refused { errors, .. } => {
            contacts.refused = all;
            outcome.state = "refused".into();
            outcome.errors = errors.len() as u64;
        }
        Phase::Over(report) => {
            outcome.state = report.state.as_str().into();
            outcome.activity_id = Some(report.activity_id.clone());
            outcome.errors = report.errors.len() as u64;
            let counts = report.counts.unwrap_or_default();
            outcome.cannot_add_to_list = counts.cannot_add_to_list_count;
            contacts.imported = counts.items_completed_count.min(all);
            if counts.items_completed_count > all {
                notes.push(format!(
                    "{}: the service says it imported {} of {all} contacts; it may count a header row",
                    body.file, counts.items_completed_count
                ));
            }
            let rest = all - contacts.imported;
            // Errors that are counted, and not in the list.
            let unlisted = counts.error_count.saturating_add(counts.correctable_count).saturating_sub(outcome.errors);
            let reported = (named.contacts() + named.errors_without()).saturating_add(unlisted);
            (contacts.refused, contacts.unknown) = match report.state {
                ActivityState::Failed | ActivityState::Cancelled => (rest, 0),
                ActivityState::Completed => (rest.min(reported), rest - rest.min(reported)),
                _ => (0, rest),
            };
            outcome.contacts = contacts;
            notes.extend(note(&outcome, &report.state, named));
        }
    }
    outcome.contacts = contacts;
    outcome
}

/// What is not clear about the answers to a body whose activity is over.
fn note(outcome: &BodyOutcome, state: &ActivityState, named: &Named) -> Option<String> {
    let Contacts { accepted, imported, refused, unknown, .. } = outcome.contacts;
    let file = &outcome.file;
    match state {
        ActivityState::Completed if unknown > 0 => {
            Some(format!("{file}: the service says nothing of {unknown} of {accepted} contacts"))
        }
        ActivityState::Completed if named.contacts() > refused && refused > 0 => Some(format!(
            "{file}: the service names {} contacts, and did not import {refused}: the others are imported, without a value perhaps, and \
             it does not say which they are",
            named.contacts()
        )),
        ActivityState::Failed | ActivityState::Cancelled if imported > 0 => Some(format!(
            "{file}: the activity ended as {}, and the service says that {imported} of {accepted} contacts were imported, not which",
            state.as_str()
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::activity::Counts;
    use crate::send::bodies::tests::directory;
    use crate::send::journal::{Entry, Event};

    fn state(bodies: &Bodies, events: Vec<(usize, Event)>) -> State {
        let mut state = State::default();
        for (index, event) in events {
            state.apply(&Entry {
                at: String::new(),
                base_url: String::new(),
                account: None,
                file: Some(bodies.all[index].file.clone()),
                sha256: Some(bodies.all[index].sha256.clone()),
                event,
            });
        }
        state
    }

    fn over(state: ActivityState, completed: u64, error_count: u64, errors: &[&str]) -> Event {
        let counts = Counts { items_completed_count: completed, error_count, ..Counts::default() };
        let errors = errors.iter().map(|error| (*error).to_owned()).collect();
        Event::Activity { activity_id: "x".into(), state, counts: Some(counts), errors }
    }

    #[test]
    fn counts_reconcile() {
        let dir = directory(&[4, 4, 4, 4, 4, 4, 4, 4]);
        let bodies = Bodies::verified(dir.path()).unwrap();
        let state = state(
            &bodies,
            vec![
                (0, over(ActivityState::Completed, 4, 0, &[])),
                (1, over(ActivityState::Completed, 2, 1, &["Line 3: bad address"])),
                (2, over(ActivityState::Failed, 0, 0, &["no such list"])),
                (3, over(ActivityState::TimedOut, 1, 0, &[])),
                (4, Event::Refused { status: 400, errors: vec!["no JSON".into()] }),
                (5, Event::Sending { server_time: 5 }),
                (6, over(ActivityState::Completed, 5, 0, &[])),
            ],
        );
        let outcome = Outcome::new(&bodies, &state, "b", None).unwrap();
        let expected = Contacts { accepted: 32, imported: 11, refused: 9, unknown: 8, not_sent: 4 };
        assert_eq!(outcome.contacts, expected);
        let each: Vec<(&str, u64)> = outcome.bodies.iter().map(|b| (b.state.as_str(), b.contacts.imported)).collect();
        assert_eq!(
            each,
            [
                ("completed", 4),
                ("completed", 2),
                ("failed", 0),
                ("timed_out", 1),
                ("refused", 0),
                ("maybe_sent", 0),
                ("completed", 4),
                ("waiting", 0)
            ]
        );
        assert_eq!((outcome.status(), outcome.notes.len()), (3, 2));
        // One line for the address, four each for the bodies that failed.
        assert_eq!(outcome.write(&bodies, &state, dir.path()).unwrap().lines, 9);
        let lines = std::fs::read_to_string(dir.path().join(REFUSED)).unwrap();
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((&first["index"], &first["contact"]["email"]), (&1.into(), &"c2-1@example.com".into()));
        let result: serde_json::Value =
            serde_json::from_slice(&std::fs::read(dir.path().join(RESULT)).unwrap()).unwrap();
        assert_eq!(result["contacts"]["imported"], 11);
    }
}
