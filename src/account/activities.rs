//! Activities: imports that were accepted, wait, run, and are done.

use super::import::{self, Applied, Body, Cleaned, KEPT_MAX, Options};
use super::page::{Link, Page, Wanted};
use super::values::{Id, Time};
use super::{Account, Error, KEPT_DAYS, QUEUED_MAX, Result, fields, lock};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What has become of an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits.
    Initialized,
    /// It runs.
    Processing,
    /// It is done.
    Completed,
    /// It was taken back before it ran.
    Cancelled,
    /// It could not be done, and changed nothing.
    Failed,
    /// It took too long, and changed nothing.
    TimedOut,
}

impl State {
    /// All of them.
    pub const ALL: [State; 6] =
        [State::Initialized, State::Processing, State::Completed, State::Cancelled, State::Failed, State::TimedOut];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Initialized => "initialized",
            State::Processing => "processing",
            State::Completed => "completed",
            State::Cancelled => "cancelled",
            State::Failed => "failed",
            State::TimedOut => "timed_out",
        }
    }

    /// The one that is written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Counts of an activity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Contacts in the body, up to its limit.
    pub items_total_count: u64,
    /// Contacts that were made or changed.
    pub items_completed_count: u64,
    /// Contacts in the body, up to its limit.
    pub person_count: u64,
    /// Errors that are not correctable.
    pub error_count: u64,
    /// Bad addresses, birthdays and anniversaries, and contacts without identity.
    pub correctable_count: u64,
    /// Contacts that unsubscribed, and so were added to no list.
    pub cannot_add_to_list_count: u64,
    /// Lists that the contacts were added to.
    pub list_count: u64,
}

/// An activity, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Its identifier, a UUID.
    pub activity_id: String,
    /// What has become of it.
    pub state: State,
    /// The file that the body came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_file_name: Option<String>,
    /// When it was accepted, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// When it began to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// How far it is.
    pub percent_done: u8,
    /// What was wrong, a text each: index of the contact, code, member.
    pub activity_errors: Vec<String>,
    /// Counts.
    pub status: Status,
    /// Where to ask for it again.
    #[serde(rename = "_links")]
    pub links: Links,
}

/// Where to ask for an activity again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Links {
    /// This activity.
    #[serde(rename = "self")]
    pub this: Link,
}

impl Activity {
    /// True when everything in the body was imported.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.state == State::Completed && self.activity_errors.is_empty() && self.status.cannot_add_to_list_count == 0
    }
}

/// The activity that runs in this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    row: i64,
    started_at: Time,
    total: u64,
    done: u64,
}

/// What ended the work on an activity before it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    /// The process is about to end.
    Stop,
    /// It took too long.
    Time,
}

/// How [`Account::run_next`] does its work.
#[derive(Debug)]
pub struct Runner<'r> {
    /// Set when the process is about to end: what runs is taken back, and runs again on the next start.
    pub stop: &'r AtomicBool,
    /// How long one activity may take.
    pub time: Duration,
}

const COLUMNS: &str = "id, activity_id, state, source_file_name, created_at, updated_at, started_at, completed_at, \
     percent_done, status, errors";

impl Account {
    /// Accepts a body: from then on it is on the disk, and so is what is to be done with it. Whether it can be imported at
    /// all is looked at first.
    ///
    /// # Errors
    /// It cannot be imported, or as many activities wait as may.
    pub fn accept(&self, body: &Body, source_file_name: Option<&str>) -> Result<Activity> {
        import::look(&body.bytes, &body.options)?;
        let kept = &body.bytes[..body.bytes.len().min(KEPT_MAX)];
        let dropped = body.bytes_dropped + (body.bytes.len() - kept.len()) as u64;
        let options = serde_json::to_string(&body.options).unwrap_or_default();
        let (id, now) = (Id::new(), Time::now());
        self.write(|transaction| {
            let waiting: u64 = transaction
                .prepare_cached("SELECT count(*) FROM activities WHERE state IN ('initialized', 'processing')")?
                .query_row([], |row| row.get(0))?;
            if waiting >= QUEUED_MAX {
                return Err(Error::Full);
            }
            expire(transaction, now)?;
            let row = transaction
                .prepare_cached(
                    "INSERT INTO activities (activity_id, state, source_file_name, created_at, updated_at, percent_done,
                     status, errors) VALUES (?1, 'initialized', ?2, ?3, ?3, 0, '{}', '[]')",
                )?
                .insert(params![id, source_file_name, now])?;
            transaction
                .prepare_cached("INSERT INTO bodies (activity, body, bytes_dropped, options) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![row, kept, dropped as i64, options])?;
            Ok(())
        })?;
        *lock(&self.accepted) += 1;
        self.more.notify_all();
        Ok(Activity {
            activity_id: id.to_string(),
            state: State::Initialized,
            source_file_name: source_file_name.map(str::to_owned),
            created_at: now.to_string(),
            updated_at: now.to_string(),
            started_at: None,
            completed_at: None,
            percent_done: 0,
            activity_errors: Vec::new(),
            status: Status::default(),
            links: links(id),
        })
    }

    /// One activity.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn activity(&self, activity_id: &str) -> Result<Activity> {
        let missing = || Error::NotFound(format!("there is no activity {activity_id}"));
        let id = Id::parse(activity_id).ok_or_else(missing)?;
        let found = self.read(|transaction| {
            let running = *lock(&self.running);
            let mut statement =
                transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM activities WHERE activity_id = ?1"))?;
            Ok(statement.query_row([id], |row| activity(row, running)).optional()?)
        })?;
        found.map(|(_, activity)| activity).ok_or_else(missing)
    }

    /// Activities, the last first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn activities(&self, state: Option<State>, page: Wanted) -> Result<Page<Activity>> {
        self.read(|transaction| {
            let running = *lock(&self.running);
            let mut statement = transaction.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM activities WHERE id < ?1
                 AND (?2 IS NULL OR ?2 = iif(id IS ?3 AND state = 'initialized', 'processing', state))
                 ORDER BY id DESC LIMIT ?4"
            ))?;
            let rows = statement
                .query_map(
                    params![
                        page.after.unwrap_or(i64::MAX),
                        state.map(State::as_str),
                        running.map(|running| running.row),
                        page.limit_and_one()
                    ],
                    |row| activity(row, running),
                )?
                .collect::<rusqlite::Result<_>>()?;
            Ok(page.page(rows, None))
        })
    }

    /// Activities that wait or run.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn waiting(&self) -> Result<u64> {
        self.read(|transaction| {
            Ok(transaction
                .prepare_cached("SELECT count(*) FROM activities WHERE state IN ('initialized', 'processing')")?
                .query_row([], |row| row.get(0))?)
        })
    }

    /// Takes back an activity that waits.
    ///
    /// # Errors
    /// There is none, or it does not wait any more.
    pub fn cancel(&self, activity_id: &str) -> Result<Activity> {
        let missing = || Error::NotFound(format!("there is no activity {activity_id}"));
        let id = Id::parse(activity_id).ok_or_else(missing)?;
        self.write(|transaction| {
            let row: Option<(i64, String)> = transaction
                .query_row("SELECT id, state FROM activities WHERE activity_id = ?1", [id], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let (row, state) = row.ok_or_else(missing)?;
            if !matches!(state.as_str(), "initialized" | "processing") {
                return Err(Error::Conflict(format!(
                    "activity {activity_id} is {state}: only one that waits can be cancelled"
                )));
            }
            end(transaction, row, State::Cancelled, None, &Status::default(), &[])?;
            Ok(())
        })?;
        self.activity(activity_id)
    }

    /// Does the activity that has waited longest, if one waits. What ends the process meanwhile, or `runner.stop`, leaves it
    /// as it was. Two processes may do this at once: an activity is applied by one of them.
    ///
    /// # Errors
    /// The account cannot be read or written; the activity waits on.
    pub fn run_next(&self, runner: &Runner<'_>) -> Result<Option<Activity>> {
        let next: Option<(i64, Id)> = self.read(|transaction| {
            Ok(transaction
                .prepare_cached(
                    "SELECT id, activity_id FROM activities WHERE state IN ('initialized', 'processing') ORDER BY id LIMIT 1",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?)
        })?;
        let Some((row, id)) = next else { return Ok(None) };
        let began = Instant::now();
        let started_at = Time::now();
        *lock(&self.running) = Some(Running { row, started_at, total: 0, done: 0 });
        let done = catch_unwind(AssertUnwindSafe(|| self.run(row, runner, began, started_at)));
        let done = match done {
            Ok(done) => done,
            // It would do so again and again, and keep all others waiting.
            Err(panic) => {
                let what = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
                let what = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                let error = format!("an internal error: {what}; please report this");
                self.write(|transaction| {
                    end(transaction, row, State::Failed, Some(started_at), &Status::default(), &[error])
                })
            }
        };
        *lock(&self.running) = None;
        done?;
        self.activity(&id.to_string()).map(Some)
    }

    fn run(&self, row: i64, runner: &Runner<'_>, began: Instant, started_at: Time) -> Result<()> {
        let failed = |error: String| {
            self.write(|transaction| {
                end(transaction, row, State::Failed, Some(started_at), &Status::default(), &[error])
            })
        };
        let (body, names) = self.read(|transaction| {
            let body = transaction
                .prepare_cached("SELECT body, bytes_dropped, options FROM bodies WHERE activity = ?1")?
                .query_row([row], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)))
                .optional()?;
            Ok((body, fields::rows(transaction)?))
        })?;
        let Some((bytes, dropped, options)) = body else { return failed("its body is gone".into()) };
        let options: Options = match serde_json::from_str(&options) {
            Ok(options) => options,
            Err(error) => return failed(format!("its options cannot be read: {error}")),
        };
        let body = Body { bytes, bytes_dropped: dropped.unsigned_abs(), options };
        let cleaned = match import::clean(body, names.into_keys().collect()) {
            Ok(cleaned) => cleaned,
            Err(Error::Body(error)) => return failed(error.to_string()),
            Err(error) => return Err(error),
        };
        let Cleaned { contacts, accepted, .. } = cleaned;
        if let Some(running) = &mut *lock(&self.running) {
            running.total = accepted;
        }
        let mut halt = None;
        let applied = self.write_long(|transaction| {
            // Another process may have done it meanwhile, or somebody took it back.
            let state: String =
                transaction.query_row("SELECT state FROM activities WHERE id = ?1", [row], |row| row.get(0))?;
            if !matches!(state.as_str(), "initialized" | "processing") {
                return Ok(());
            }
            let watch = &mut |done| {
                if let Some(running) = &mut *lock(&self.running) {
                    running.done = done;
                }
                halt = match () {
                    () if runner.stop.load(Ordering::Relaxed) => Some(Halt::Stop),
                    () if began.elapsed() > runner.time => Some(Halt::Time),
                    () => return Ok(()),
                };
                Err(Error::Full)
            };
            match import::apply(transaction, cleaned, watch)? {
                Applied::Done { imported, unsubscribed, lists, errors } => {
                    let status = Status {
                        items_total_count: contacts,
                        items_completed_count: imported,
                        person_count: contacts,
                        error_count: errors.others,
                        correctable_count: errors.correctable,
                        cannot_add_to_list_count: unsubscribed,
                        list_count: lists,
                    };
                    end(transaction, row, State::Completed, Some(started_at), &status, &errors.into_texts())
                }
                Applied::UnknownLists(lists) => {
                    let rule = crate::rules::rule(crate::finding::Code::IMP001);
                    let error = format!("the body: {}, list_ids: {}: {}", rule.code, rule.message, lists.join(", "));
                    let status = Status { items_total_count: contacts, person_count: contacts, ..Status::default() };
                    end(transaction, row, State::Failed, Some(started_at), &status, &[error])
                }
            }
        });
        match (applied, halt) {
            (Ok(()), _) => Ok(()),
            // The transaction is taken back, and it waits on.
            (Err(_), Some(Halt::Stop)) => Ok(()),
            (Err(_), Some(Halt::Time)) => self.write(|transaction| {
                let error =
                    format!("it took longer than {} seconds, and nothing of it was imported", runner.time.as_secs());
                end(transaction, row, State::TimedOut, Some(started_at), &Status::default(), &[error])
            }),
            (Err(Error::Body(error)), None) => failed(error.to_string()),
            (Err(error), None) => Err(error),
        }
    }

    /// Waits until more is accepted, or for so long.
    pub fn wait_for_more(&self, time: Duration) {
        let mut accepted = lock(&self.accepted);
        if *accepted == 0 {
            accepted = match self.more.wait_timeout(accepted, time) {
                Ok((accepted, _)) => accepted,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        *accepted = 0;
    }

    /// Wakes whoever waits for more.
    pub fn wake(&self) {
        *lock(&self.accepted) += 1;
        self.more.notify_all();
    }
}

/// An activity is over: its body goes.
fn end(
    transaction: &Transaction<'_>,
    row: i64,
    state: State,
    started_at: Option<Time>,
    status: &Status,
    errors: &[String],
) -> Result<()> {
    let now = Time::now();
    transaction
        .prepare_cached(
            "UPDATE activities SET state = ?2, started_at = ?3, completed_at = ?4, updated_at = ?4, percent_done = ?5,
             status = ?6, errors = ?7 WHERE id = ?1",
        )?
        .execute(params![
            row,
            state.as_str(),
            started_at,
            now,
            if state == State::Completed { 100 } else { 0 },
            serde_json::to_string(status).unwrap_or_default(),
            serde_json::to_string(errors).unwrap_or_default(),
        ])?;
    transaction.prepare_cached("DELETE FROM bodies WHERE activity = ?1")?.execute([row])?;
    Ok(())
}

/// Statuses that were kept long enough go.
fn expire(transaction: &Transaction<'_>, now: Time) -> rusqlite::Result<()> {
    let before = now.0 - KEPT_DAYS * 24 * 60 * 60 * 1000;
    transaction.prepare_cached("DELETE FROM activities WHERE completed_at < ?1")?.execute([before])?;
    Ok(())
}

fn links(id: Id) -> Links {
    Links { this: Link { href: format!("/v3/activities/{id}") } }
}

fn activity(row: &Row<'_>, running: Option<Running>) -> rusqlite::Result<(i64, Activity)> {
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<Time>>(column)?.map(|time| time.to_string()));
    let (number, id): (i64, Id) = (row.get(0)?, row.get(1)?);
    let mut activity = Activity {
        activity_id: id.to_string(),
        state: State::parse(row.get_ref(2)?.as_str()?).unwrap_or(State::Failed),
        source_file_name: row.get(3)?,
        created_at: time(4)?.unwrap_or_default(),
        updated_at: time(5)?.unwrap_or_default(),
        started_at: time(6)?,
        completed_at: time(7)?,
        percent_done: row.get(8)?,
        activity_errors: serde_json::from_str(row.get_ref(10)?.as_str()?).unwrap_or_default(),
        status: serde_json::from_str(row.get_ref(9)?.as_str()?).unwrap_or_default(),
        links: links(id),
    };
    // How far it is stands in memory: on the disk it is either not done or done.
    if let Some(running) = running.filter(|running| running.row == number && activity.state == State::Initialized) {
        activity.state = State::Processing;
        activity.started_at = Some(running.started_at.to_string());
        activity.updated_at = Time::now().to_string();
        activity.percent_done = (running.done * 100 / running.total.max(1)).min(99) as u8;
        activity.status.items_total_count = running.total;
        activity.status.items_completed_count = running.done;
    }
    Ok((number, activity))
}
