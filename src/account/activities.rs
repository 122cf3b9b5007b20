//! Activities: imports that were accepted, wait, run, and are done.

use super::import::{self, Applied, Body, Cleaned};
use super::page::{Link, Page, PageRequest};
use super::queue::Waiting;
use super::values::{Id, Time};
use super::{Account, Error, KEPT_DAYS, Reader, Result, fields, lock};
use crate::model::error::{Kind, panic_text};
use crate::run::reader::Progress;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// How many errors there are of each code (ours).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors_by_code: BTreeMap<String, u64>,
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
    /// True when everything in the body was imported. A contact that the body has twice leaves it true, as a warning.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let Status { error_count, correctable_count, cannot_add_to_list_count, .. } = self.status;
        self.state == State::Completed && error_count + correctable_count + cannot_add_to_list_count == 0
    }
}

/// The activity that runs in this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    id: Id,
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

/// How [`Account::run_next`] and [`Account::accept_within`] do their work.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'r> {
    /// Set when the process is about to end: what runs is taken back, and runs again on the next start.
    pub stop: &'r AtomicBool,
    /// How long one activity may take.
    pub time: Duration,
}

/// Work on one activity, and when it must end.
struct Clock<'r> {
    runner: &'r Runner<'r>,
    began: Instant,
}

impl<'r> Clock<'r> {
    fn start(runner: &'r Runner<'r>) -> Clock<'r> {
        Clock { runner, began: Instant::now() }
    }

    /// What ends the work now, if anything does.
    fn halt(&self) -> Option<Halt> {
        if self.runner.stop.load(Ordering::Relaxed) {
            Some(Halt::Stop)
        } else if self.began.elapsed() > self.runner.time {
            Some(Halt::Time)
        } else {
            None
        }
    }
}

/// The core cleans under the same clock as the import that follows.
impl Progress for Clock<'_> {
    fn input(&self, _: &str, _: Option<u64>) {}
    fn bytes(&self, _: u64) {}
    fn done(&self) {}

    fn must_end(&self) -> bool {
        self.halt().is_some()
    }
}

fn is_halted(error: &Error) -> bool {
    matches!(error, Error::Body(body) if matches!(body.kind(), Kind::Halted))
}

/// Every activity: those that are over, and those that wait. One that is in both is over.
const ALL: &str = "SELECT seq, activity_id, state, source_file_name, created_at, updated_at, started_at, completed_at, percent_done, \
     status, errors FROM activities UNION ALL \
     SELECT seq, activity_id, 'initialized', source_file_name, created_at, created_at, NULL, NULL, 0, '{}', '[]' \
     FROM queue.waiting AS waiting \
     WHERE NOT EXISTS (SELECT 1 FROM activities WHERE activities.activity_id = waiting.activity_id)";

impl Account {
    /// Accepts a body: from then on it is on the disk, and so is what is to be done with it. Whether it can be imported at
    /// all is looked at first.
    ///
    /// # Errors
    /// It cannot be imported, or as many activities wait as may.
    pub fn accept(&self, body: &Body, source_file_name: Option<&str>) -> Result<Activity> {
        let runner = Runner { stop: &AtomicBool::new(false), time: Duration::MAX };
        self.accept_within(body, source_file_name, &runner)
    }

    /// The same within the time of an activity, and only until the process is about to end.
    ///
    /// # Errors
    /// As [`Account::accept`], and [`Error::Halted`]: then nothing was accepted.
    pub fn accept_within(&self, body: &Body, source_file_name: Option<&str>, runner: &Runner<'_>) -> Result<Activity> {
        self.look(body, runner)?;
        let waiting = self.queue.push(body, source_file_name)?;
        self.wake();
        Ok(initialized(waiting))
    }

    /// The same for a body that may wait already, from an attempt that did not come to its end: one of the same file with the
    /// same bytes is not put into the queue once more.
    ///
    /// # Errors
    /// As [`Account::accept`].
    pub fn accept_once(&self, body: &Body, source_file_name: &str) -> Result<Activity> {
        self.look(body, &Runner { stop: &AtomicBool::new(false), time: Duration::MAX })?;
        let waiting = self.queue.push_once(body, source_file_name)?;
        self.wake();
        Ok(initialized(waiting))
    }

    /// Whether a body can be imported at all.
    fn look(&self, body: &Body, runner: &Runner<'_>) -> Result<()> {
        let clock = Clock::start(runner);
        import::look(&body.bytes, &body.asked, &clock).map_err(|error| match clock.halt() {
            Some(Halt::Time) if is_halted(&error) => {
                Error::Halted("the body could not be looked at in the time that an activity may take".into())
            }
            _ if is_halted(&error) => Error::Halted("the account is being closed".into()),
            _ => error,
        })
    }

    /// Reads activities. What waits is looked at first: what leaves the queue meanwhile is in the account by then.
    fn read_activities<T>(&self, work: impl FnOnce(&Transaction<'_>, Option<Running>) -> Result<T>) -> Result<T> {
        self.read(|transaction| {
            transaction.prepare_cached("SELECT 1 FROM queue.waiting LIMIT 1")?.query_row([], |_| Ok(())).optional()?;
            let running = *lock(&self.running);
            work(transaction, running)
        })
    }

    /// One activity.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn activity(&self, activity_id: &str) -> Result<Activity> {
        let missing = || Error::NotFound(format!("there is no activity {activity_id}"));
        let id = Id::parse(activity_id).ok_or_else(missing)?;
        let found = self.read_activities(|transaction, running| {
            let mut statement =
                transaction.prepare_cached(&format!("SELECT * FROM ({ALL}) WHERE activity_id = ?1 LIMIT 1"))?;
            Ok(statement.query_row([id], |row| activity(row, running)).optional()?)
        })?;
        found.map(|(_, activity)| activity).ok_or_else(missing)
    }

    /// Activities, the last first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn activities(&self, state: Option<State>, page: PageRequest) -> Result<Page<Activity>> {
        self.activities_with(state, page, usize::MAX)
    }

    /// The same, each with so many of its errors, and a last text that says how many more there are.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn activities_with(&self, state: Option<State>, page: PageRequest, errors: usize) -> Result<Page<Activity>> {
        self.read_activities(|transaction, running| {
            let mut statement = transaction.prepare_cached(&format!(
                "SELECT * FROM ({ALL}) WHERE seq < ?1
                 AND (?2 IS NULL OR ?2 = iif(activity_id IS ?3 AND state = 'initialized', 'processing', state))
                 ORDER BY seq DESC LIMIT ?4"
            ))?;
            let rows = statement.query_map(
                params![
                    page.after.unwrap_or(i64::MAX),
                    state.map(State::as_str),
                    running.map(|running| running.id),
                    page.limit_and_one()
                ],
                |row| activity(row, running),
            )?;
            let short = |row: rusqlite::Result<(i64, Activity)>| {
                let (key, mut activity) = row?;
                let more = activity.activity_errors.len().saturating_sub(errors);
                if more > 0 {
                    activity.activity_errors.truncate(errors);
                    activity.activity_errors.shrink_to_fit();
                    let href = &activity.links.this.href;
                    activity.activity_errors.push(format!("{more} more: GET {href} has them"));
                }
                Ok((key, activity))
            };
            page.page(rows.map(short), None)
        })
    }

    /// How many activities wait or run.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn waiting(&self) -> Result<u64> {
        self.queue.count()
    }

    /// Takes back an activity that waits.
    ///
    /// # Errors
    /// There is none, or it does not wait any more.
    pub fn cancel(&self, activity_id: &str) -> Result<Activity> {
        let missing = || Error::NotFound(format!("there is no activity {activity_id}"));
        let id = Id::parse(activity_id).ok_or_else(missing)?;
        if let Some(waiting) = self.queue.find(id)? {
            let end = End { state: State::Cancelled, started_at: None, status: Status::default(), errors: &[] };
            self.write(|transaction| Ok(end.write(transaction, &waiting)?))?;
            self.queue.remove(id)?;
        }
        let activity = self.activity(activity_id)?;
        if activity.state != State::Cancelled {
            let state = activity.state;
            return Err(Error::Conflict(format!(
                "activity {activity_id} is {state}: only one that waits can be cancelled"
            )));
        }
        Ok(activity)
    }

    /// Does the activity that has waited longest, if one waits. What ends the process meanwhile, or `runner.stop`, leaves it
    /// as it was. Two processes may do this at once: an activity is applied by one of them.
    ///
    /// # Errors
    /// The account cannot be read or written; the activity waits on.
    pub fn run_next(&self, runner: &Runner<'_>) -> Result<Option<Activity>> {
        let Some((waiting, body)) = self.queue.first()? else { return Ok(None) };
        let clock = Clock::start(runner);
        let started_at = Time::now();
        *lock(&self.running) = Some(Running { id: waiting.id, started_at, total: 0, done: 0 });
        let done = catch_unwind(AssertUnwindSafe(|| self.run(&waiting, body, &clock, started_at)));
        let done = match done {
            Ok(done) => done,
            // It would do so again and again, and keep all others waiting.
            Err(panic) => {
                let error = format!("an internal error: {}; please report this", panic_text(&*panic));
                self.fail(&waiting, State::Failed, started_at, error).map(|()| true)
            }
        };
        let done = done.and_then(|over| if over { self.queue.remove(waiting.id) } else { Ok(()) });
        *lock(&self.running) = None;
        done?;
        self.activity(&waiting.id.to_string()).map(Some)
    }

    /// An activity ends with nothing done, and one error.
    fn fail(&self, waiting: &Waiting, state: State, started_at: Time, error: String) -> Result<()> {
        let status = Status { error_count: 1, ..Status::default() };
        let end = End { state, started_at: Some(started_at), status, errors: &[error] };
        self.write(|transaction| Ok(end.write(transaction, waiting)?))
    }

    /// Gives whether the activity is over.
    fn run(&self, waiting: &Waiting, body: Option<Body>, clock: &Clock<'_>, started_at: Time) -> Result<bool> {
        let runner = clock.runner;
        let failed = |error| self.fail(waiting, State::Failed, started_at, error).map(|()| true);
        let halted = |halt| match halt {
            // It waits on.
            Halt::Stop => Ok(false),
            Halt::Time => {
                let error =
                    format!("it took longer than {} seconds, and nothing of it was imported", runner.time.as_secs());
                self.fail(waiting, State::TimedOut, started_at, error).map(|()| true)
            }
        };
        let Some(body) = body else { return failed("what was asked for it cannot be read".into()) };
        let names = self.read(|transaction| {
            // It may be over, and only have to leave the queue.
            let is_over = is_over(transaction, waiting.id)?;
            Ok(if is_over { None } else { Some(fields::rows(transaction)?) })
        })?;
        let Some(names) = names else { return Ok(true) };
        let cleaned = match import::clean(body, names.into_keys().collect(), clock) {
            Ok(cleaned) => cleaned,
            Err(error) if is_halted(&error) => return halted(clock.halt().unwrap_or(Halt::Time)),
            Err(error @ Error::Body(_)) => return failed(error.for_reader(Reader::Http)),
            Err(error) => return Err(error),
        };
        let Cleaned { contacts, accepted, .. } = cleaned;
        if let Some(running) = &mut *lock(&self.running) {
            running.total = accepted;
        }
        let mut halt = None;
        let applied = self.write(|transaction| {
            // Another process may have done it meanwhile, or somebody took it back.
            if is_over(transaction, waiting.id)? {
                return Ok(());
            }
            let watch = &mut |done| {
                if let Some(running) = &mut *lock(&self.running) {
                    running.done = done;
                }
                halt = clock.halt();
                // What the error is does not matter: the transaction is taken back.
                if halt.is_some() { Err(Error::Full) } else { Ok(()) }
            };
            let (state, status, errors) = match import::apply(transaction, cleaned, watch)? {
                Applied::Done { imported, unsubscribed, lists, errors } => {
                    let status = Status {
                        items_total_count: contacts,
                        items_completed_count: imported,
                        person_count: contacts,
                        error_count: errors.others,
                        correctable_count: errors.correctable,
                        cannot_add_to_list_count: unsubscribed,
                        list_count: lists,
                        errors_by_code: errors.codes.clone(),
                    };
                    (State::Completed, status, errors.into_texts())
                }
                Applied::UnknownLists(lists) => {
                    let rule = crate::rules::rule(crate::model::finding::Code::IMP001);
                    let error = format!("the body: {}, list_ids: {}: {}", rule.code, rule.message, lists.join(", "));
                    let status = Status {
                        items_total_count: contacts,
                        person_count: contacts,
                        error_count: lists.len() as u64,
                        errors_by_code: [(rule.code.to_string(), lists.len() as u64)].into(),
                        ..Status::default()
                    };
                    (State::Failed, status, vec![error])
                }
            };
            let end = End { state, started_at: Some(started_at), status, errors: &errors };
            Ok(end.write(transaction, waiting)?)
        });
        match (applied, halt) {
            (Ok(()), _) => Ok(true),
            (Err(_), Some(halt)) => halted(halt),
            (Err(error @ Error::Body(_)), None) => failed(error.for_reader(Reader::Http)),
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

/// How an activity ended.
struct End<'e> {
    state: State,
    started_at: Option<Time>,
    status: Status,
    errors: &'e [String],
}

impl End<'_> {
    /// Writes it into the account; from then on the activity is over. One that is over already stays as it is.
    fn write(&self, transaction: &Transaction<'_>, waiting: &Waiting) -> rusqlite::Result<()> {
        let now = Time::now();
        expire(transaction, now)?;
        transaction
            .prepare_cached(
                "INSERT INTO activities (seq, activity_id, state, source_file_name, created_at, updated_at, started_at,
                 completed_at, percent_done, status, errors) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?8, ?9, ?10)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                waiting.seq,
                waiting.id,
                self.state.as_str(),
                waiting.source_file_name,
                waiting.created_at,
                now,
                self.started_at,
                if self.state == State::Completed { 100 } else { 0 },
                serde_json::to_string(&self.status).unwrap_or_default(),
                serde_json::to_string(&self.errors).unwrap_or_default(),
            ])?;
        Ok(())
    }
}

fn is_over(transaction: &Transaction<'_>, id: Id) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM activities WHERE activity_id = ?1")?.exists([id])
}

/// Statuses that were kept long enough go.
fn expire(transaction: &Transaction<'_>, now: Time) -> rusqlite::Result<()> {
    let before = now.0 - KEPT_DAYS * 24 * 60 * 60 * 1000;
    transaction.prepare_cached("DELETE FROM activities WHERE completed_at < ?1")?.execute([before])?;
    Ok(())
}

/// An activity that was just accepted.
fn initialized(waiting: Waiting) -> Activity {
    Activity {
        activity_id: waiting.id.to_string(),
        state: State::Initialized,
        source_file_name: waiting.source_file_name,
        created_at: waiting.created_at.to_string(),
        updated_at: waiting.created_at.to_string(),
        started_at: None,
        completed_at: None,
        percent_done: 0,
        activity_errors: Vec::new(),
        status: Status::default(),
        links: links(waiting.id),
    }
}

fn links(id: Id) -> Links {
    Links { this: Link { href: format!("/v3/activities/{id}") } }
}

fn activity(row: &Row<'_>, running: Option<Running>) -> rusqlite::Result<(i64, Activity)> {
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<Time>>(column)?.map(|time| time.to_string()));
    let (seq, id): (i64, Id) = (row.get(0)?, row.get(1)?);
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
    if let Some(running) = running.filter(|running| running.id == id && activity.state == State::Initialized) {
        activity.state = State::Processing;
        activity.started_at = Some(running.started_at.to_string());
        activity.updated_at = Time::now().to_string();
        activity.percent_done = (running.done * 100 / running.total.max(1)).min(99) as u8;
        activity.status.items_total_count = running.total;
        activity.status.items_completed_count = running.done;
    }
    Ok((seq, activity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::contacts::ContactQuery;
    use crate::account::lists::NewList;
    use rusqlite::Connection;
    use tempfile::TempDir;

    const FOREVER: Duration = Duration::MAX;

    fn account() -> (TempDir, Account, String) {
        let dir = tempfile::tempdir().unwrap();
        let account = Account::create(&dir.path().join("a")).unwrap();
        let list = account.add_list(&NewList { name: "News".into(), ..NewList::default() }).unwrap().list_id;
        (dir, account, list)
    }

    fn body(list: &str, name: &str, contacts: usize) -> Body {
        let contacts: Vec<String> =
            (0..contacts).map(|i| format!(r#"{{"email":"{name}{i}@example.com","first_name":"{name}"}}"#)).collect();
        let bytes = format!(r#"{{"list_ids":["{list}"],"import_data":[{}]}}"#, contacts.join(",")).into_bytes();
        Body { bytes, ..Body::default() }
    }

    fn run(account: &Account, time: Duration, stop: bool) -> Activity {
        account.run_next(&Runner { stop: &AtomicBool::new(stop), time }).unwrap().unwrap()
    }

    fn contacts(account: &Account) -> usize {
        let page = PageRequest { limit: 100_000, ..PageRequest::default() };
        account.contacts(&ContactQuery { page, ..ContactQuery::default() }).unwrap().items.len()
    }

    #[test]
    fn what_is_stopped_waits_on_and_is_done_later() {
        let (_dir, account, list) = account();
        let accepted = account.accept(&body(&list, "a", 1000), Some("a.json")).unwrap();
        assert_eq!(accepted.state, State::Initialized);
        let stopped = run(&account, FOREVER, true);
        assert_eq!((stopped.state, contacts(&account)), (State::Initialized, 0));
        assert_eq!(account.waiting().unwrap(), 1);
        let done = run(&account, FOREVER, false);
        assert_eq!((done.state, done.percent_done, contacts(&account)), (State::Completed, 100, 1000));
        assert_eq!((done.activity_id, done.created_at), (accepted.activity_id, accepted.created_at));
        assert_eq!(done.source_file_name.as_deref(), Some("a.json"));
        assert_eq!(account.waiting().unwrap(), 0);
        assert!(account.run_next(&Runner { stop: &AtomicBool::new(false), time: FOREVER }).unwrap().is_none());
    }

    #[test]
    fn what_takes_too_long_changes_nothing() {
        let (_dir, account, list) = account();
        account.accept(&body(&list, "a", 1000), None).unwrap();
        let done = run(&account, Duration::ZERO, false);
        assert_eq!((done.state, contacts(&account), account.waiting().unwrap()), (State::TimedOut, 0, 0));
        assert!(done.activity_errors[0].contains("longer than 0 seconds"), "{:?}", done.activity_errors);
    }

    /// A body can take long to clean alone: that has the same end.
    #[test]
    fn cleaning_ends_with_the_time_and_at_the_stop() {
        let (_dir, account, list) = account();
        let body = body(&list, "a", 1000);
        let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
        for runner in [Runner { stop: &go, time: Duration::ZERO }, Runner { stop: &stop, time: FOREVER }] {
            assert!(matches!(account.accept_within(&body, None, &runner), Err(Error::Halted(_))));
            assert_eq!(account.waiting().unwrap(), 0);
            let clock = Clock::start(&runner);
            assert!(import::clean(body.clone(), Default::default(), &clock).is_err_and(|error| is_halted(&error)));
        }
        account.accept_within(&body, None, &Runner { stop: &go, time: FOREVER }).unwrap();
        assert_eq!(account.waiting().unwrap(), 1);
    }

    #[test]
    fn what_waits_can_be_taken_back() {
        let (_dir, account, list) = account();
        let one = account.accept(&body(&list, "a", 3), None).unwrap();
        let two = account.accept(&body(&list, "b", 3), None).unwrap();
        assert_eq!(account.cancel(&one.activity_id).unwrap().state, State::Cancelled);
        assert_eq!(run(&account, FOREVER, false).activity_id, two.activity_id);
        assert_eq!(contacts(&account), 3);
        assert!(matches!(account.cancel(&two.activity_id), Err(Error::Conflict(_))));
        let states: Vec<State> =
            account.activities(None, PageRequest::all()).unwrap().items.iter().map(|activity| activity.state).collect();
        assert_eq!(states, [State::Completed, State::Cancelled]);
    }

    /// What was done but did not leave the queue, as when the power goes between the two.
    #[test]
    fn what_is_in_both_files_was_done() {
        let (_dir, account, list) = account();
        let accepted = account.accept(&body(&list, "a", 3), None).unwrap();
        let (waiting, kept) = account.queue.first().unwrap().unwrap();
        run(&account, FOREVER, false);
        let updated = account.contacts(&ContactQuery::default()).unwrap();
        account.queue.put_back(&waiting, &kept.unwrap()).unwrap();
        assert_eq!(account.waiting().unwrap(), 1);
        assert_eq!(account.activity(&accepted.activity_id).unwrap().state, State::Completed);
        assert_eq!(account.activities(None, PageRequest::all()).unwrap().items.len(), 1);
        assert_eq!(run(&account, FOREVER, false).state, State::Completed);
        assert_eq!(account.waiting().unwrap(), 0);
        assert_eq!(account.contacts(&ContactQuery::default()).unwrap(), updated);
    }

    /// One account, two that work on it, as two processes would.
    #[test]
    fn two_may_work_at_once() {
        let (_dir, account, list) = account();
        let other = Account::open(account.path()).unwrap();
        for i in 0..30 {
            account.accept(&body(&list, &format!("n{i}x"), 20), None).unwrap();
        }
        std::thread::scope(|scope| {
            for account in [&account, &other] {
                scope.spawn(move || {
                    let stop = AtomicBool::new(false);
                    while account.run_next(&Runner { stop: &stop, time: FOREVER }).unwrap().is_some() {}
                });
            }
        });
        let activities = account.activities(Some(State::Completed), PageRequest::all()).unwrap().items;
        let short = account.activities_with(None, PageRequest { bytes: 1, ..PageRequest::all() }, 0).unwrap();
        assert!(short.items.len() == 1 && short.next.is_some());
        assert_eq!((activities.len(), contacts(&account)), (30, 600));
        let page = PageRequest { limit: 1000, ..PageRequest::default() };
        for contact in account.contacts(&ContactQuery { page, ..ContactQuery::default() }).unwrap().items {
            assert_eq!(contact.created_at, contact.updated_at, "applied twice");
        }
    }

    #[test]
    fn an_activity_that_runs_tells_how_far_it_is() {
        let (_dir, account, list) = account();
        let accepted = account.accept(&body(&list, "a", 10), None).unwrap();
        let id = Id::parse(&accepted.activity_id).unwrap();
        *lock(&account.running) = Some(Running { id, started_at: Time::now(), total: 10, done: 4 });
        let running = account.activity(&accepted.activity_id).unwrap();
        assert_eq!((running.state, running.percent_done), (State::Processing, 40));
        assert!(running.started_at.is_some() && running.completed_at.is_none());
        let of = |state| account.activities(Some(state), PageRequest::all()).unwrap().items.len();
        assert_eq!((of(State::Processing), of(State::Initialized)), (1, 0));
    }

    #[test]
    fn statuses_are_kept_for_ten_days() {
        let (dir, account, list) = account();
        let old = account.accept(&body(&list, "a", 1), None).unwrap();
        run(&account, FOREVER, false);
        let kept = account.accept(&body(&list, "b", 1), None).unwrap();
        run(&account, FOREVER, false);
        let age = |id: &str, days: i64| {
            let connection = Connection::open(dir.path().join("a")).unwrap();
            let then = Time(Time::now().0 - days * 24 * 60 * 60 * 1000 - 1000);
            let sql = "UPDATE activities SET completed_at = ?2 WHERE activity_id = ?1";
            assert_eq!(connection.execute(sql, params![Id::parse(id).unwrap(), then]).unwrap(), 1);
        };
        age(&old.activity_id, 10);
        age(&kept.activity_id, 9);
        account.accept(&body(&list, "c", 1), None).unwrap();
        run(&account, FOREVER, false);
        assert!(matches!(account.activity(&old.activity_id), Err(Error::NotFound(_))));
        assert_eq!(account.activity(&kept.activity_id).unwrap().state, State::Completed);
        assert_eq!(contacts(&account), 3);
    }

    #[test]
    fn what_cannot_be_imported_is_not_accepted() {
        let (_dir, account, list) = account();
        for bytes in
            ["", "[", "{}", r#"{"list_ids":["x"],"import_data":[]}"#, r#"{"import_data":[{"email":"a@b.co"}]}"#]
        {
            let body = Body { bytes: bytes.into(), ..Body::default() };
            assert!(matches!(account.accept(&body, None), Err(Error::Body(_))), "{bytes}");
        }
        let broken = format!(r#"{{"list_ids":["{list}"],"import_data":[{{"email":"a@b.co"}},{{"email":]}}"#);
        assert!(account.accept(&Body { bytes: broken.into(), ..Body::default() }, None).is_err());
        assert_eq!(account.waiting().unwrap(), 0);
    }

    #[test]
    fn an_account_of_a_later_version_is_left_alone() {
        let (dir, account, _) = account();
        let path = account.path().to_path_buf();
        drop(account);
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 1000).unwrap();
        drop(connection);
        let error = Account::open(&path).unwrap_err();
        assert!(error.to_string().contains("version 1000"), "{error}");
        drop(dir);
    }
}
