//! Activities: accepted imports that wait, run, or are over.

pub mod view;

use super::import::{self, Body, NamedContacts};
use super::page::{Link, Page, PageRequest};
use super::queue::Waiting;
use super::runner::{End, Halt, Runner, Running, Stopwatch, is_halted};
use super::values::{Id, Time};
use super::{Account, Error, Result, lock, tasks};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicBool;

/// The state of an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityState {
    /// It waits.
    Initialized,
    /// It runs.
    Processing,
    /// It completed.
    Completed,
    /// It was cancelled before it ran.
    Cancelled,
    /// It failed, and changed nothing.
    Failed,
    /// It exceeded its time limit, and changed nothing.
    TimedOut,
}

impl ActivityState {
    /// All states.
    pub const ALL: [ActivityState; 6] = [
        ActivityState::Initialized,
        ActivityState::Processing,
        ActivityState::Completed,
        ActivityState::Cancelled,
        ActivityState::Failed,
        ActivityState::TimedOut,
    ];

    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ActivityState::Initialized => "initialized",
            ActivityState::Processing => "processing",
            ActivityState::Completed => "completed",
            ActivityState::Cancelled => "cancelled",
            ActivityState::Failed => "failed",
            ActivityState::TimedOut => "timed_out",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<ActivityState> {
        ActivityState::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for ActivityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Counts of an activity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActivityStatus {
    /// Contacts in the body, up to its limit.
    pub items_total_count: u64,
    /// Contacts that were created or changed.
    pub items_completed_count: u64,
    /// Contacts in the body, up to its limit.
    pub person_count: u64,
    /// Errors that the service does not call correctable.
    pub error_count: u64,
    /// Bad addresses, birthdays and anniversaries, and contacts without identity.
    pub correctable_count: u64,
    /// Contacts that were added to no list, because they unsubscribed.
    pub cannot_add_to_list_count: u64,
    /// Lists that the contacts were added to.
    pub list_count: u64,
    /// Errors of each code (an extension of presort).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors_by_code: BTreeMap<String, u64>,
}

/// An activity, as the endpoint reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Its identifier, a UUID.
    pub activity_id: String,
    /// Its state.
    pub state: ActivityState,
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
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Progress in percent.
    pub percent_done: u8,
    /// What was wrong, one text each: index of the contact, code, member.
    pub activity_errors: Vec<String>,
    /// Counts.
    pub status: ActivityStatus,
    /// Where to get it again.
    #[serde(rename = "_links")]
    pub links: Links,
}

/// Where to get an activity again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Links {
    /// This activity.
    #[serde(rename = "self")]
    pub this: Link,
}

impl Activity {
    /// True when everything in the body was imported. A duplicate contact in the body is only a warning.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let ActivityStatus { error_count, correctable_count, cannot_add_to_list_count, .. } = self.status;
        self.state == ActivityState::Completed && error_count + correctable_count + cannot_add_to_list_count == 0
    }
}

/// All activities: those that are over, and those that wait. One that is in both tables is over.
const ALL: &str = "SELECT seq, activity_id, state, source_file_name, created_at, updated_at, started_at, completed_at, percent_done, \
     status, errors FROM activities UNION ALL \
     SELECT seq, activity_id, 'initialized', source_file_name, created_at, created_at, NULL, NULL, 0, '{}', '[]' \
     FROM queue.waiting AS waiting \
     WHERE NOT EXISTS (SELECT 1 FROM activities WHERE activities.activity_id = waiting.activity_id)";

impl Account {
    /// Accepts a body, after checking that it can be imported at all. Once this returns, the body and its options are on the
    /// disk.
    ///
    /// # Errors
    /// The body cannot be imported, or the queue is full.
    pub fn accept(&self, body: &Body, source_file_name: Option<&str>) -> Result<Activity> {
        let stop = AtomicBool::new(false);
        let runner = Runner::unlimited(&stop);
        self.accept_within(body, source_file_name, &runner)
    }

    /// Like [`Account::accept`], within the time limit of an activity and until the process is about to end.
    ///
    /// # Errors
    /// As [`Account::accept`], and [`Error::Halted`], with which nothing was accepted.
    pub fn accept_within(&self, body: &Body, source_file_name: Option<&str>, runner: &Runner<'_>) -> Result<Activity> {
        self.check_body(body, runner)?;
        let waiting = self.queue.push(body, source_file_name, self.stamp())?;
        self.wake();
        Ok(initialized(waiting))
    }

    /// Like [`Account::accept`], for a body that may already wait because an earlier attempt was interrupted: the same bytes
    /// of the same file are not queued twice.
    ///
    /// # Errors
    /// As [`Account::accept`].
    pub fn accept_once(&self, body: &Body, source_file_name: &str) -> Result<Activity> {
        self.check_body(body, &Runner::unlimited(&AtomicBool::new(false)))?;
        let waiting = self.queue.push_once(body, source_file_name, self.stamp())?;
        self.wake();
        Ok(initialized(waiting))
    }

    /// Checks whether a body can be imported at all.
    fn check_body(&self, body: &Body, runner: &Runner<'_>) -> Result<()> {
        if !body.work.is_import() {
            return tasks::check(body.work, &body.bytes);
        }
        let clock = Stopwatch::start(runner);
        import::check(body, &clock).map_err(|error| match clock.halt() {
            Some(Halt::Time) if is_halted(&error) => {
                Error::Halted("the body could not be checked within the time limit of an activity".into())
            }
            _ if is_halted(&error) => Error::Halted("the account is being closed".into()),
            _ => error,
        })
    }

    /// Reads activities. The snapshot of the queue is taken first: an activity that leaves it meanwhile is in the account by then.
    pub(super) fn read_activities<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>, Option<Running>) -> Result<T>,
    ) -> Result<T> {
        self.read(|transaction| {
            transaction.prepare_cached("SELECT 1 FROM queue.waiting LIMIT 1")?.query_row([], |_| Ok(())).optional()?;
            let mut running = *lock(&self.running);
            if let Some(running) = &mut running {
                running.now = self.clock.now();
            }
            work(transaction, running)
        })
    }

    /// One activity.
    ///
    /// # Errors
    /// There is no such activity, or it cannot be read.
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

    /// Activities, the newest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn activities(&self, state: Option<ActivityState>, page: PageRequest) -> Result<Page<Activity>> {
        self.activities_with(state, page, usize::MAX)
    }

    /// Like [`Account::activities`], each with at most `errors` of its errors and a last text with the number of the others.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn activities_with(
        &self,
        state: Option<ActivityState>,
        page: PageRequest,
        errors: usize,
    ) -> Result<Page<Activity>> {
        self.read_activities(|transaction, running| {
            let mut statement = transaction.prepare_cached(&format!(
                "SELECT * FROM ({ALL}) WHERE seq < ?1
                 AND (?2 IS NULL OR ?2 = iif(activity_id IS ?3 AND state = 'initialized', 'processing', state))
                 ORDER BY seq DESC LIMIT ?4"
            ))?;
            let rows = statement.query_map(
                params![
                    page.after.unwrap_or(i64::MAX),
                    state.map(ActivityState::as_str),
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

    /// The number of activities that wait or run.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn waiting(&self) -> Result<u64> {
        self.queue.count()
    }

    /// Cancels an activity that waits.
    ///
    /// # Errors
    /// There is no such activity, or it no longer waits.
    pub fn cancel(&self, activity_id: &str) -> Result<Activity> {
        let missing = || Error::NotFound(format!("there is no activity {activity_id}"));
        let id = Id::parse(activity_id).ok_or_else(missing)?;
        if let Some(waiting) = self.queue.find(id)? {
            let end = End {
                state: ActivityState::Cancelled,
                started_at: None,
                status: ActivityStatus::default(),
                errors: &[],
                named: NamedContacts::default(),
            };
            self.write(|transaction| end.write(transaction, &waiting, self.clock.now()))?;
            self.queue.remove(id)?;
        }
        let activity = self.activity(activity_id)?;
        if activity.state != ActivityState::Cancelled {
            let state = activity.state;
            return Err(Error::Conflict(format!(
                "activity {activity_id} is {state}: only one that waits can be cancelled"
            )));
        }
        Ok(activity)
    }
}

/// An activity that was just accepted.
fn initialized(waiting: Waiting) -> Activity {
    Activity {
        activity_id: waiting.id.to_string(),
        state: ActivityState::Initialized,
        source_file_name: waiting.source_file_name,
        created_at: waiting.created_at.to_string(),
        updated_at: waiting.created_at.to_string(),
        started_at: None,
        completed_at: None,
        percent_done: 0,
        activity_errors: Vec::new(),
        status: ActivityStatus::default(),
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
        state: ActivityState::parse(row.get_ref(2)?.as_str()?).unwrap_or(ActivityState::Failed),
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
    // Progress is in memory only: on the disk an activity is either over or not.
    if let Some(running) = running.filter(|running| running.id == id && activity.state == ActivityState::Initialized) {
        activity.state = ActivityState::Processing;
        activity.started_at = Some(running.started_at.to_string());
        activity.updated_at = running.now.to_string();
        activity.percent_done = running.percent();
        activity.status.items_total_count = running.total;
        activity.status.items_completed_count = running.done;
    }
    Ok((seq, activity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::runner::tests::{FOREVER, account, body, contacts, run};
    use rusqlite::Connection;

    #[test]
    fn what_waits_can_be_taken_back() {
        let (_dir, account, list) = account();
        let one = account.accept(&body(&list, "a", 3), None).unwrap();
        let two = account.accept(&body(&list, "b", 3), None).unwrap();
        assert_eq!(account.cancel(&one.activity_id).unwrap().state, ActivityState::Cancelled);
        assert_eq!(run(&account, FOREVER, false).activity_id, two.activity_id);
        assert_eq!(contacts(&account), 3);
        assert!(matches!(account.cancel(&two.activity_id), Err(Error::Conflict(_))));
        let states: Vec<ActivityState> =
            account.activities(None, PageRequest::all()).unwrap().items.iter().map(|activity| activity.state).collect();
        assert_eq!(states, [ActivityState::Completed, ActivityState::Cancelled]);
    }

    #[test]
    fn an_activity_that_runs_tells_how_far_it_is() {
        let (_dir, account, list) = account();
        let accepted = account.accept(&body(&list, "a", 10), None).unwrap();
        let id = Id::parse(&accepted.activity_id).unwrap();
        *lock(&account.running) = Some(Running { id, started_at: Time::now(), now: Time::now(), total: 10, done: 4 });
        let running = account.activity(&accepted.activity_id).unwrap();
        assert_eq!((running.state, running.percent_done), (ActivityState::Processing, 40));
        assert!(running.started_at.is_some() && running.completed_at.is_none());
        let of = |state| account.activities(Some(state), PageRequest::all()).unwrap().items.len();
        assert_eq!((of(ActivityState::Processing), of(ActivityState::Initialized)), (1, 0));
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
        assert_eq!(account.activity(&kept.activity_id).unwrap().state, ActivityState::Completed);
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
