//! Activities as a person looks at them: rows without their errors, which may be long, and the errors page by page, each with the
//! contact that it is about.

use super::{ActivityState, ActivityStatus};
use crate::account::page::{Page, PageRequest};
use crate::account::queue::work_of;
use crate::account::runner::Running;
use crate::account::tasks::Work;
use crate::account::values::{Id, Time};
use crate::account::{Account, Error, Result};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An activity without its errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityRow {
    /// Its identifier, a UUID.
    pub activity_id: String,
    /// Its state.
    pub state: ActivityState,
    /// What it does.
    pub work: Work,
    /// The file that the body came from.
    pub source_file_name: Option<String>,
    /// When it was accepted, ISO 8601.
    pub created_at: String,
    /// When it ended.
    pub completed_at: Option<String>,
    /// Progress in percent.
    pub percent_done: u8,
    /// Counts.
    pub status: ActivityStatus,
}

/// An error of an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRow {
    /// The text.
    pub text: String,
    /// The index of the contact that it is about, and the contact as it came, shortened.
    pub contact: Option<(u64, Option<String>)>,
    /// The contact of the account, if it has it.
    pub contact_id: Option<String>,
}

/// An activity and a page of its errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityView {
    /// The activity.
    pub activity: ActivityRow,
    /// Its errors from an index on.
    pub errors: Vec<ErrorRow>,
    /// All its errors.
    pub error_count: u64,
}

/// The status as it is recorded.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Recorded {
    #[serde(flatten)]
    status: ActivityStatus,
    work: Work,
}

/// The columns of an activity that is over.
const OVER: &str = "seq, activity_id, state, source_file_name, created_at, completed_at, percent_done, status";

fn over(row: &Row<'_>) -> rusqlite::Result<(i64, ActivityRow)> {
    let Recorded { status, work } = serde_json::from_str(row.get_ref(7)?.as_str()?).unwrap_or_default();
    let activity = ActivityRow {
        activity_id: row.get::<_, Id>(1)?.to_string(),
        state: ActivityState::parse(row.get_ref(2)?.as_str()?).unwrap_or(ActivityState::Failed),
        work,
        source_file_name: row.get(3)?,
        created_at: row.get::<_, Time>(4)?.to_string(),
        completed_at: row.get::<_, Option<Time>>(5)?.map(|time| time.to_string()),
        percent_done: row.get(6)?,
        status,
    };
    Ok((row.get(0)?, activity))
}

/// The columns of an activity that waits, and the condition that it is not over.
const WAITING: &str = "seq, activity_id, source_file_name, created_at, asked FROM queue.waiting AS waiting
     WHERE NOT EXISTS (SELECT 1 FROM activities WHERE activities.activity_id = waiting.activity_id)";

fn waiting(row: &Row<'_>, running: Option<Running>) -> rusqlite::Result<(i64, ActivityRow)> {
    let id: Id = row.get(1)?;
    let mut activity = ActivityRow {
        activity_id: id.to_string(),
        state: ActivityState::Initialized,
        work: work_of(row.get_ref(4)?.as_str()?),
        source_file_name: row.get(2)?,
        created_at: row.get::<_, Time>(3)?.to_string(),
        completed_at: None,
        percent_done: 0,
        status: ActivityStatus::default(),
    };
    if let Some(running) = running.filter(|running| running.id == id) {
        activity.state = ActivityState::Processing;
        activity.percent_done = running.percent();
        activity.status.items_total_count = running.total;
        activity.status.items_completed_count = running.done;
    }
    Ok((row.get(0)?, activity))
}

/// The index in `contact 7: ...`.
fn index_of(text: &str) -> Option<u64> {
    text.strip_prefix("contact ")?.split_once(": ")?.0.parse().ok()
}

/// The email address in the text of a contact, which is JSON or a row of a table.
fn email_in(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Identity {
        email: String,
    }
    if let Ok(Identity { email }) = serde_json::from_str(text) {
        return Some(email.trim().to_owned());
    }
    let is_around = |c: char| c.is_whitespace() || matches!(c, '"' | ',' | ';' | '|' | '<' | '>');
    text.split(is_around).find(|word| word.contains('@')).map(str::to_owned)
}

impl Account {
    /// Activities without their errors, the newest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn activity_rows(&self, state: Option<ActivityState>, page: PageRequest) -> Result<Page<ActivityRow>> {
        use ActivityState::{Initialized, Processing};
        let before = page.after.unwrap_or(i64::MAX);
        let mut rows = self.read_activities(|transaction, running| {
            let mut rows = Vec::new();
            if state.is_none_or(|state| matches!(state, Initialized | Processing)) {
                let sql = format!("SELECT {WAITING} AND seq < ?1 ORDER BY seq DESC LIMIT ?2");
                let mut statement = transaction.prepare_cached(&sql)?;
                // The running activity may be the last of all that wait.
                let limit = if state.is_none() { page.limit_and_one() } else { -1 };
                for row in statement.query_map(params![before, limit], |row| waiting(row, running))? {
                    rows.push(row?);
                }
                rows.retain(|(_, activity)| state.is_none_or(|state| state == activity.state));
            }
            if !state.is_some_and(|state| matches!(state, Initialized | Processing)) {
                let sql = format!(
                    "SELECT {OVER} FROM activities WHERE seq < ?1 AND (?2 IS NULL OR state = ?2)
                     ORDER BY seq DESC LIMIT ?3"
                );
                let mut statement = transaction.prepare_cached(&sql)?;
                let values = params![before, state.map(ActivityState::as_str), page.limit_and_one()];
                for row in statement.query_map(values, over)? {
                    rows.push(row?);
                }
            }
            Ok(rows)
        })?;
        rows.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        page.page(rows.into_iter().map(Ok), None)
    }

    /// The number of activities in each state that some activity is in.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn activity_counts(&self) -> Result<Vec<(ActivityState, u64)>> {
        let (mut counts, running) = self.read_activities(|transaction, running| {
            let mut counts = BTreeMap::<String, u64>::new();
            let waiting: u64 =
                transaction.query_row(&format!("SELECT count(*) FROM (SELECT {WAITING})"), [], |row| row.get(0))?;
            counts.insert("initialized".into(), waiting);
            let mut statement = transaction.prepare_cached("SELECT state, count(*) FROM activities GROUP BY state")?;
            for row in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
                let (state, count): (String, u64) = row?;
                counts.insert(state, count);
            }
            Ok((counts, running))
        })?;
        if running.is_some()
            && let Some(waiting @ 1..) = counts.get_mut("initialized")
        {
            *waiting -= 1;
            counts.insert("processing".into(), 1);
        }
        let all = ActivityState::ALL.into_iter().map(|state| (state, counts.get(state.as_str()).copied().unwrap_or(0)));
        Ok(all.filter(|(_, count)| *count > 0).collect())
    }

    /// An activity, with at most `limit` of its errors from index `from` on.
    ///
    /// # Errors
    /// There is no such activity, or it cannot be read.
    pub fn activity_view(&self, activity_id: &str, from: u64, limit: u64) -> Result<ActivityView> {
        let missing = || Error::NotFound(format!("there is no activity {activity_id}"));
        let id = Id::parse(activity_id).ok_or_else(missing)?;
        self.read_activities(|transaction, running| {
            let sql = format!("SELECT {OVER} FROM activities WHERE activity_id = ?1");
            if let Some((_, activity)) = transaction.prepare_cached(&sql)?.query_row([id], over).optional()? {
                let (errors, error_count) = errors(transaction, id, from, limit)?;
                return Ok(ActivityView { activity, errors, error_count });
            }
            let sql = format!("SELECT {WAITING} AND activity_id = ?1");
            let found = transaction.prepare_cached(&sql)?.query_row([id], |row| waiting(row, running)).optional()?;
            let (_, activity) = found.ok_or_else(missing)?;
            Ok(ActivityView { activity, errors: Vec::new(), error_count: 0 })
        })
    }
}

/// Errors of an activity that is over, and their number.
fn errors(transaction: &Transaction<'_>, id: Id, from: u64, limit: u64) -> Result<(Vec<ErrorRow>, u64)> {
    let (count, contacts): (u64, String) = transaction
        .prepare_cached("SELECT json_array_length(errors), contacts FROM activities WHERE activity_id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let contacts: BTreeMap<u64, String> = serde_json::from_str(&contacts).unwrap_or_default();
    let clamped = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let texts = transaction
        .prepare_cached(
            "SELECT value FROM activities, json_each(errors) WHERE activity_id = ?1 ORDER BY key LIMIT ?2 OFFSET ?3",
        )?
        .query_map(params![id, clamped(limit), clamped(from)], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let mut by_email = transaction.prepare_cached("SELECT contact_id FROM contacts WHERE email = ?1")?;
    let mut by_id = transaction.prepare_cached("SELECT contact_id FROM contacts WHERE contact_id = ?1")?;
    let mut rows = Vec::new();
    for text in texts {
        let contact = index_of(&text).map(|index| (index, contacts.get(&index).cloned()));
        let email = contact.as_ref().and_then(|(_, source)| email_in(source.as_deref()?));
        let named = text.strip_prefix("contact ").and_then(|rest| Id::parse(rest.split_once(": ")?.0));
        let known: Option<Id> = match (email, named) {
            (Some(email), _) => by_email.query_row([email], |row| row.get(0)).optional()?,
            (None, Some(id)) => by_id.query_row([id], |row| row.get(0)).optional()?,
            (None, None) => None,
        };
        rows.push(ErrorRow { text, contact, contact_id: known.map(|id| id.to_string()) });
    }
    Ok((rows, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::import::Body;
    use crate::account::runner::tests::{FOREVER, account, body, run};

    #[test]
    fn contacts_are_recognised_in_texts() {
        assert_eq!(
            (index_of("contact 12: EML001: x"), index_of("contact us: x"), index_of("x")),
            (Some(12), None, None)
        );
        assert_eq!(email_in(r#"{"email":" a@b.co ","x":1}"#).as_deref(), Some("a@b.co"));
        assert_eq!(email_in("\"Ann; B\";a@b.co;x").as_deref(), Some("a@b.co"));
        assert_eq!(email_in(r#"{"first_name":"Ann"}"#), None);
    }

    #[test]
    fn rows_come_page_by_page_with_errors_beside_their_contacts() {
        let (_dir, account, list) = account();
        let bad = format!(
            r#"{{"list_ids":["{list}"],"import_data":[{{"email":"ann@example.com","phone":"1"}},{{"email":"joe@"}},{{"email":"x"}}]}}"#
        );
        let done = account.accept(&Body { bytes: bad.into(), ..Body::default() }, Some("bad.json")).unwrap();
        run(&account, FOREVER, false);
        for _ in 0..3 {
            account.accept(&body(&list, "a", 1), None).unwrap();
        }
        let page = |state, after| {
            let page = PageRequest { limit: 2, after, ..PageRequest::default() };
            let page = account.activity_rows(state, page).unwrap();
            (page.items.iter().map(|row| row.state.as_str()).collect::<Vec<_>>(), page.next)
        };
        let (first, next) = page(None, None);
        assert_eq!(first, ["initialized", "initialized"]);
        assert_eq!(page(None, next), (vec!["initialized", "completed"], None));
        assert_eq!(page(Some(ActivityState::Completed), None), (vec!["completed"], None));
        assert_eq!(page(Some(ActivityState::Initialized), None).0.len(), 2);
        assert_eq!(page(Some(ActivityState::Processing), None).0.len(), 0);
        assert_eq!(
            account.activity_counts().unwrap(),
            [(ActivityState::Initialized, 3), (ActivityState::Completed, 1)]
        );
        let view = account.activity_view(&done.activity_id, 0, 2).unwrap();
        assert_eq!((view.error_count, view.errors.len()), (3, 2));
        assert_eq!(view.activity.source_file_name.as_deref(), Some("bad.json"));
        let ErrorRow { text, contact, contact_id } = &view.errors[0];
        assert!(text.starts_with("contact 0: PHN001, phone"), "{text}");
        assert_eq!(*contact, Some((0, Some(r#"{"email":"ann@example.com","phone":"1"}"#.into()))));
        assert!(contact_id.is_some());
        assert_eq!(view.errors[1].contact_id, None);
        let rest = account.activity_view(&done.activity_id, 2, 2).unwrap();
        assert!(rest.errors.len() == 1 && rest.errors[0].text.starts_with("contact 2: EML001"));
        assert!(matches!(account.activity_view("x", 0, 1), Err(Error::NotFound(_))));
    }
}
