//! What `presort clean` would make of a file, and the bodies that it makes of it.

use super::{count, counted, shown, shown_to};
use crate::account::activities::Activity;
use crate::account::import::Body;
use crate::account::lists::NewList;
use crate::account::{Account, Error};
use crate::document::envelope::SmsPermission;
use crate::model::finding::{Example, Outcome};
use crate::rules::rule;
use crate::run::job::Summary;
use crate::run::reader::Progress;
use crate::{Cleaner, CleanerBuilder, Sink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Findings that are shown of each rule, and of all.
const FINDINGS_OF_RULE: usize = 50;
const FINDINGS: usize = 500;
/// Fixes that are shown.
const FIXES: usize = 10;
/// Columns that are shown.
const COLUMNS: usize = 200;

pub struct Fix {
    pub contacts: String,
    pub field: String,
    pub code: &'static str,
    pub message: &'static str,
    pub help: &'static str,
}

pub struct Finding {
    pub place: String,
    pub field: String,
    pub value: String,
    pub code: &'static str,
    pub message: String,
    pub outcome: &'static str,
}

impl Finding {
    fn of(example: &Example) -> Finding {
        Finding {
            place: match example.contact {
                Some(contact) => format!("line {}, contact {}", count(example.line), count(contact)),
                None => "around the contacts".to_owned(),
            },
            field: example.field.as_deref().map_or(String::new(), shown),
            value: shown(&example.value),
            code: example.code.as_str(),
            message: shown_to(&example.message, 200),
            outcome: match example.outcome {
                Outcome::HeldBack => "held back",
                outcome => outcome.as_str(),
            },
        }
    }
}

/// What would come of a file, as it is shown.
pub struct Checked {
    pub sentence: String,
    pub ready: u64,
    pub ready_text: String,
    pub stopped: Option<String>,
    pub counts: Vec<(&'static str, String)>,
    pub fixes: Vec<Fix>,
    pub findings: Vec<Finding>,
    pub findings_text: String,
    pub columns: Vec<(String, String)>,
}

/// Ends a run at the time limit of an activity, or when the process is about to end.
pub struct Deadline<'s> {
    stop: &'s AtomicBool,
    began: Instant,
    time: Duration,
}

impl<'s> Deadline<'s> {
    pub fn new(stop: &'s AtomicBool, time: Duration) -> Deadline<'s> {
        Deadline { stop, began: Instant::now(), time }
    }
}

impl Progress for Deadline<'_> {
    fn input(&self, _: &str, _: Option<u64>) {}
    fn bytes(&self, _: u64) {}
    fn done(&self) {}

    fn must_end(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.began.elapsed() > self.time
    }
}

/// The cleaner of a file: the rules as they are, with the account's fields and day.
fn cleaner(account: &Account) -> crate::account::Result<CleanerBuilder> {
    Ok(Cleaner::builder().custom_fields(account.known_fields()?).as_of(account.clock().today()))
}

/// The text of an error, without the path that the file has here.
fn text_of(error: &crate::Error, path: &Path, name: &str) -> String {
    error.to_string().replace(&*path.display().to_string(), name)
}

/// Checks a file.
pub fn check(account: &Account, path: &Path, name: &str, deadline: &Deadline<'_>) -> crate::account::Result<Checked> {
    let wrong = |error: crate::Error| Error::Invalid(text_of(&error, path, name));
    let sink = Sink::nothing().statistics(true).progress(deadline);
    let summary = cleaner(account)?.build().map_err(wrong)?.clean_files(&[path], sink).map_err(wrong)?;
    if deadline.must_end() {
        return Err(Error::Halted("the file could not be checked within the time limit of an activity".into()));
    }
    Ok(checked(&summary, path, name))
}

fn people(n: u64) -> String {
    counted(n, "person", "people")
}

fn checked(summary: &Summary, path: &Path, name: &str) -> Checked {
    let contacts = &summary.receipt.contacts;
    let ready = contacts.accepted;
    let not = contacts.seen - ready;
    let sentence = match (contacts.seen, not) {
        (0, _) => "There is no contact to import.".to_owned(),
        (seen, 0) => format!("All of {} can be imported.", people(seen)),
        (seen, not) => format!("{} of {} can be imported; {} cannot.", count(ready), people(seen), count(not)),
    };
    let counts = [
        ("Rejected", contacts.rejected - contacts.opted_out),
        ("Opted out", contacts.opted_out),
        ("Imported without some value", contacts.accepted_with_held_back),
        ("Imported with some value changed", contacts.changed),
        ("Came before in the file", contacts.duplicates),
    ];
    let fixes = summary.fixes.iter().take(FIXES).map(|fix| Fix {
        contacts: count(fix.contacts),
        field: fix.field.as_deref().map_or(String::new(), shown),
        code: fix.code.as_str(),
        message: rule(fix.code).message,
        help: rule(fix.code).help,
    });
    let mut findings: Vec<Finding> = Vec::new();
    let mut of_rule = std::collections::BTreeMap::new();
    for example in &summary.kept {
        let so_far: &mut usize = of_rule.entry(example.code.as_str()).or_default();
        *so_far += 1;
        if *so_far <= FINDINGS_OF_RULE && findings.len() < FINDINGS {
            findings.push(Finding::of(example));
        }
    }
    let all: u64 = summary.examples.iter().map(|example| summary.receipt.findings[example.code.as_str()]).sum();
    let mut columns = Vec::new();
    if let Some(mapping) = summary.receipt.input.first().and_then(|input| input.mapping.as_ref()) {
        columns.extend(mapping.columns.iter().map(|column| (shown(&column.column), shown(&column.to))));
        columns.extend(mapping.unmapped.iter().map(|column| (shown(&column.column), String::new())));
        columns.truncate(COLUMNS);
    }
    Checked {
        sentence,
        ready,
        ready_text: people(ready),
        stopped: summary.stop.as_ref().map(|stop| shown_to(&text_of(stop, path, name), 500)),
        counts: counts.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name, count(n))).collect(),
        fixes: fixes.collect(),
        findings_text: format!("{} of {}", count(findings.len() as u64), counted(all, "finding", "findings")),
        findings,
        columns,
    }
}

/// What to import a file with.
pub struct Wish {
    /// Identifiers of lists.
    pub lists: Vec<String>,
    /// The name of a list to create.
    pub new_list: String,
    /// Consent to text messages, if the file is not to say it.
    pub permission: Option<SmsPermission>,
}

/// Makes bodies of a file, and gives each to `accept`. Returns the activities.
pub fn import(
    account: &Account,
    path: &Path,
    name: &str,
    wish: Wish,
    deadline: &Deadline<'_>,
    mut accept: impl FnMut(Body) -> crate::account::Result<Activity>,
) -> crate::account::Result<Vec<Activity>> {
    let wrong = |error: crate::Error| Error::Invalid(text_of(&error, path, name));
    let mut lists = wish.lists;
    if !wish.new_list.is_empty() {
        lists.push(account.add_list(&NewList { name: wish.new_list, ..NewList::default() })?.list_id);
    }
    if lists.is_empty() {
        return Err(Error::Invalid("choose a list, or give the name of a new one".into()));
    }
    let mut cleaner = cleaner(account)?;
    if let Some(permission) = wish.permission {
        cleaner = cleaner.sms_permission(permission);
    }
    for list in lists {
        cleaner = cleaner.list_id(list);
    }
    let io = |source| Error::Io { file: "a temporary directory".into(), source };
    let dir = tempfile::Builder::new().prefix("presort-").tempdir().map_err(io)?;
    let sink = Sink::bodies(dir.path()).progress(deadline);
    let summary = cleaner.build().map_err(wrong)?.clean_files(&[path], sink).map_err(wrong)?;
    if deadline.must_end() {
        return Err(Error::Halted("the file could not be read within the time limit of an activity".into()));
    }
    let mut activities = Vec::new();
    for payload in &summary.receipt.payloads {
        let bytes = std::fs::read(dir.path().join(&payload.file)).map_err(io)?;
        match accept(Body { bytes, ..Body::default() }) {
            Ok(activity) => activities.push(activity),
            Err(error) if activities.is_empty() => return Err(error),
            Err(error) => {
                let (n, all) = (activities.len(), summary.receipt.payloads.len());
                return Err(Error::Conflict(format!("only {n} of {all} bodies were accepted, because {error}")));
            }
        }
    }
    Ok(activities)
}
