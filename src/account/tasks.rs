//! Activities that change contacts, lists and tags in bulk. They wait in the queue like imports, and each is one transaction.

mod requests;

pub use requests::{DeleteContacts, Exclude, Memberships, Source};

use super::activities::ActivityStatus;
use super::clock::Stamp;
use super::import::{LISTS_MAX, STEP, Watch, list_rows};
use super::runner::Halt;
use super::values::Id;
use super::{Error, Result};
use crate::model::finding::Code;
use crate::rules::rule;
use rusqlite::{OptionalExtension, Transaction, params, params_from_iter};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// What an activity does with its body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Imports the contacts of a JSON body.
    #[default]
    JsonImport,
    /// Imports the contacts of a CSV file.
    FileImport,
    /// Deletes contacts.
    ContactDelete,
    /// Adds contacts to lists.
    AddListMemberships,
    /// Removes contacts from lists.
    RemoveListMemberships,
    /// Deletes a list. The body is its identifier.
    ListDelete,
    /// Deletes a tag. The body is its identifier.
    TagDelete,
}

impl Work {
    /// True for the default.
    pub(super) fn is_json_import(&self) -> bool {
        *self == Work::JsonImport
    }

    /// True for an import of either kind.
    #[must_use]
    pub fn is_import(self) -> bool {
        matches!(self, Work::JsonImport | Work::FileImport)
    }
}

/// How the work of an activity ended.
pub(super) enum TaskEnd {
    /// It was done.
    Done(ActivityStatus, Vec<String>),
    /// It cannot be done, and nothing was written.
    Failed(ActivityStatus, String),
    /// The watch ended it: the transaction must be rolled back.
    Halted(Halt),
}

/// Checks whether the request of an activity can be worked on at all.
///
/// # Errors
/// It cannot.
pub(super) fn check(work: Work, body: &[u8]) -> Result<()> {
    Request::parse(work, body).map(drop)
}

/// A request whose shape is right.
enum Request {
    DeleteContacts(DeleteContacts),
    Memberships(Memberships),
    Id(Id),
}

impl Request {
    fn parse(work: Work, body: &[u8]) -> Result<Request> {
        let json = |error: serde_json::Error| Error::Invalid(format!("the request body: {error}"));
        Ok(match work {
            Work::ContactDelete => {
                let request: DeleteContacts = serde_json::from_slice(body).map_err(json)?;
                request.check()?;
                Request::DeleteContacts(request)
            }
            Work::AddListMemberships | Work::RemoveListMemberships => {
                let request: Memberships = serde_json::from_slice(body).map_err(json)?;
                request.check()?;
                Request::Memberships(request)
            }
            Work::ListDelete | Work::TagDelete | Work::JsonImport | Work::FileImport => {
                let id = std::str::from_utf8(body).ok().and_then(Id::parse);
                Request::Id(id.ok_or_else(|| Error::Invalid("the identifier is not a UUID".into()))?)
            }
        })
    }
}

/// Works on a request within the given transaction.
///
/// # Errors
/// The account cannot be written.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    work: Work,
    body: &[u8],
    stamp: Stamp,
    watch: &mut Watch<'_>,
) -> Result<TaskEnd> {
    match Request::parse(work, body)? {
        Request::DeleteContacts(request) => delete_contacts(transaction, request, stamp, watch),
        Request::Memberships(request) => memberships(transaction, work, request, stamp, watch),
        Request::Id(id) if work == Work::TagDelete => delete_tag(transaction, id),
        Request::Id(id) => delete_list(transaction, id),
    }
}

fn unknown_lists(lists: &[String]) -> TaskEnd {
    let rule = rule(Code::IMP001);
    let status = ActivityStatus {
        error_count: lists.len() as u64,
        errors_by_code: [(rule.code.to_string(), lists.len() as u64)].into(),
        ..ActivityStatus::default()
    };
    TaskEnd::Failed(status, format!("the body: {}, list_ids: {}: {}", rule.code, rule.message, lists.join(", ")))
}

/// The contacts that a request names, and a text for each that the account does not have.
#[derive(Default)]
struct Chosen {
    rows: Vec<i64>,
    errors: Vec<String>,
}

impl Chosen {
    fn by_id(transaction: &Transaction<'_>, ids: &[String]) -> Result<Chosen> {
        let mut chosen = Chosen::default();
        let mut find =
            transaction.prepare_cached("SELECT id FROM contacts WHERE contact_id = ?1 AND deleted_at IS NULL")?;
        let mut seen = HashSet::new();
        for text in ids {
            let row: Option<i64> = match Id::parse(text) {
                Some(id) if !seen.insert(id) => continue,
                Some(id) => find.query_row([id], |row| row.get(0)).optional()?,
                None => None,
            };
            match row {
                Some(row) => chosen.rows.push(row),
                None => chosen.errors.push(format!("contact {text}: the account has no such contact")),
            }
        }
        Ok(chosen)
    }

    fn by_sql(transaction: &Transaction<'_>, sql: &str, of: &[i64]) -> Result<Chosen> {
        let marks = vec!["?"; of.len()].join(",");
        let mut statement = transaction.prepare(&sql.replace("(?)", &format!("({marks})")))?;
        let rows = statement.query_map(params_from_iter(of), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(Chosen { rows, errors: Vec::new() })
    }

    fn of_lists(transaction: &Transaction<'_>, lists: &[i64]) -> Result<Chosen> {
        Chosen::by_sql(
            transaction,
            "SELECT DISTINCT contact FROM memberships WHERE list IN (?) ORDER BY contact",
            lists,
        )
    }

    fn of_source(transaction: &Transaction<'_>, source: &Source) -> Result<std::result::Result<Chosen, TaskEnd>> {
        if let Some(ids) = &source.contact_ids {
            return Chosen::by_id(transaction, ids).map(Ok);
        }
        if let Some(lists) = &source.list_ids {
            return Ok(match list_rows(transaction, lists.clone())? {
                Ok(rows) => Ok(Chosen::of_lists(transaction, &rows)?),
                Err(unknown) => Err(unknown_lists(&unknown)),
            });
        }
        if let Some(tags) = &source.tag_ids {
            let (mut rows, mut unknown) = (Vec::new(), Vec::new());
            for tag in tags {
                match super::tags::row_of(transaction, tag)? {
                    Some(row) => rows.push(row),
                    None => unknown.push(tag.clone()),
                }
            }
            if !unknown.is_empty() {
                let status = ActivityStatus { error_count: unknown.len() as u64, ..ActivityStatus::default() };
                let what = format!("tag_ids: the account has no such tag: {}", unknown.join(", "));
                return Ok(Err(TaskEnd::Failed(status, what)));
            }
            let sql = "SELECT DISTINCT contact FROM taggings JOIN contacts ON contacts.id = contact
                       WHERE tag IN (?) AND deleted_at IS NULL ORDER BY contact";
            return Chosen::by_sql(transaction, sql, &rows).map(Ok);
        }
        let sql =
            "SELECT id FROM contacts WHERE deleted_at IS NULL AND email_permission IS NOT 'unsubscribed' ORDER BY id";
        Chosen::by_sql(transaction, sql, &[]).map(Ok)
    }
}

fn delete_contacts(
    transaction: &Transaction<'_>,
    request: DeleteContacts,
    stamp: Stamp,
    watch: &mut Watch<'_>,
) -> Result<TaskEnd> {
    let mut list_count = 0;
    let chosen = match request.list_ids {
        Some(lists) => match list_rows(transaction, lists)? {
            Ok(rows) => {
                list_count = rows.len() as u64;
                Chosen::of_lists(transaction, &rows)?
            }
            Err(unknown) => return Ok(unknown_lists(&unknown)),
        },
        None => Chosen::by_id(transaction, &request.contact_ids.unwrap_or_default())?,
    };
    for (done, row) in (0..).zip(&chosen.rows) {
        if done % STEP == 0
            && let ControlFlow::Break(halt) = watch(done)
        {
            return Ok(TaskEnd::Halted(halt));
        }
        super::contacts::delete_row(transaction, *row, stamp)?;
    }
    let status = ActivityStatus {
        items_total_count: (chosen.rows.len() + chosen.errors.len()) as u64,
        items_completed_count: chosen.rows.len() as u64,
        person_count: (chosen.rows.len() + chosen.errors.len()) as u64,
        error_count: chosen.errors.len() as u64,
        list_count,
        ..ActivityStatus::default()
    };
    Ok(TaskEnd::Done(status, chosen.errors))
}

fn memberships(
    transaction: &Transaction<'_>,
    work: Work,
    request: Memberships,
    stamp: Stamp,
    watch: &mut Watch<'_>,
) -> Result<TaskEnd> {
    let lists = match list_rows(transaction, request.list_ids)? {
        Ok(rows) => rows,
        Err(unknown) => return Ok(unknown_lists(&unknown)),
    };
    let mut chosen = match Chosen::of_source(transaction, &request.source)? {
        Ok(chosen) => chosen,
        Err(end) => return Ok(end),
    };
    let excluded = Chosen::by_id(transaction, request.exclude.contact_ids.as_deref().unwrap_or(&[]))?;
    let excluded: HashSet<i64> = excluded.rows.into_iter().collect();
    chosen.rows.retain(|row| !excluded.contains(row));
    let mut status = ActivityStatus {
        items_total_count: (chosen.rows.len() + chosen.errors.len()) as u64,
        person_count: (chosen.rows.len() + chosen.errors.len()) as u64,
        list_count: lists.len() as u64,
        ..ActivityStatus::default()
    };
    for (done, row) in (0..).zip(&chosen.rows) {
        if done % STEP == 0
            && let ControlFlow::Break(halt) = watch(done)
        {
            return Ok(TaskEnd::Halted(halt));
        }
        note_change(transaction, *row, stamp)?;
        if work == Work::RemoveListMemberships {
            remove(transaction, *row, &lists)?;
            status.items_completed_count += 1;
        } else {
            add(transaction, *row, &lists, &mut status, &mut chosen.errors)?;
        }
    }
    status.error_count = chosen.errors.len() as u64;
    Ok(TaskEnd::Done(status, chosen.errors))
}

/// Notes which activity changed the lists of a contact.
fn note_change(transaction: &Transaction<'_>, contact: i64, stamp: Stamp) -> Result<()> {
    transaction
        .prepare_cached("UPDATE contacts SET activity = ?2 WHERE id = ?1")?
        .execute(params![contact, stamp.activity])?;
    Ok(())
}

fn remove(transaction: &Transaction<'_>, contact: i64, lists: &[i64]) -> Result<()> {
    let mut statement = transaction.prepare_cached("DELETE FROM memberships WHERE list = ?1 AND contact = ?2")?;
    for list in lists {
        statement.execute([*list, contact])?;
    }
    Ok(())
}

/// Adds a contact to lists, within the limits that an import has.
fn add(
    transaction: &Transaction<'_>,
    contact: i64,
    lists: &[i64],
    status: &mut ActivityStatus,
    errors: &mut Vec<String>,
) -> Result<()> {
    let (id, unsubscribed): (Id, bool) = transaction
        .prepare_cached("SELECT contact_id, email_permission IS 'unsubscribed' FROM contacts WHERE id = ?1")?
        .query_row([contact], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if unsubscribed {
        status.cannot_add_to_list_count += 1;
        return Ok(());
    }
    let mut present: HashSet<i64> = transaction
        .prepare_cached("SELECT list FROM memberships WHERE contact = ?1")?
        .query_map([contact], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut is_whole = true;
    for list in lists {
        if present.contains(list) {
            continue;
        }
        if present.len() >= LISTS_MAX {
            is_whole = false;
            let rule = rule(Code::IMP005);
            errors.push(format!("contact {id}: {}, list_ids: {}", rule.code, rule.message));
            *status.errors_by_code.entry(rule.code.to_string()).or_default() += 1;
            break;
        }
        present.insert(*list);
        transaction
            .prepare_cached("INSERT OR IGNORE INTO memberships (list, contact) VALUES (?1, ?2)")?
            .execute([*list, contact])?;
    }
    status.items_completed_count += u64::from(is_whole);
    Ok(())
}

fn delete_list(transaction: &Transaction<'_>, id: Id) -> Result<TaskEnd> {
    let mut status = ActivityStatus { items_total_count: 1, list_count: 1, ..ActivityStatus::default() };
    if let Some(row) = super::lists::row_of(transaction, id)? {
        transaction.execute("DELETE FROM memberships WHERE list = ?1", [row])?;
        transaction.execute("DELETE FROM lists WHERE id = ?1", params![row])?;
        status.items_completed_count = 1;
    }
    Ok(TaskEnd::Done(status, Vec::new()))
}

fn delete_tag(transaction: &Transaction<'_>, id: Id) -> Result<TaskEnd> {
    let mut status = ActivityStatus { items_total_count: 1, ..ActivityStatus::default() };
    if let Some(row) = super::tags::row_of(transaction, &id.to_string())? {
        transaction.execute("DELETE FROM taggings WHERE tag = ?1", [row])?;
        transaction.execute("DELETE FROM tags WHERE id = ?1", [row])?;
        status.items_completed_count = 1;
    }
    Ok(TaskEnd::Done(status, Vec::new()))
}
