//! Contact lists.

mod one;

use super::clock::{IdOf, Stamp};
use super::page::{self, Page, PageRequest};
use super::values::{Id, Time};
use super::{Account, Error, Result};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

/// Most characters of a list's name.
pub const NAME_MAX: usize = 255;
/// Most characters of a list's description. The published schema has no limit; this is the one that it has for a contact's note.
pub const DESCRIPTION_MAX: usize = 2000;
/// Most lists of an account, as in the published service.
pub const LISTS_MAX: u64 = 1000;

/// A list to create.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewList {
    /// Its name: 1 to 255 characters, unique ignoring case.
    #[serde(default)]
    pub name: String,
    /// Its description: at most 2,000 characters.
    pub description: Option<String>,
    /// Shown before other lists.
    pub favorite: Option<bool>,
}

/// A contact list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List {
    /// Its identifier, a UUID.
    pub list_id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Shown before other lists.
    pub favorite: bool,
    /// When it was created, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// Contacts in it, if counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_count: Option<u64>,
}

/// Which contacts of a list to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipCount {
    /// All contacts.
    All,
    /// Contacts that have not unsubscribed.
    Active,
}

/// A query for lists.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// The list of this name.
    pub name: Option<String>,
    /// Count the contacts of each.
    pub members: Option<MembershipCount>,
    /// The page.
    pub page: PageRequest,
}

impl Account {
    /// Creates a list.
    ///
    /// # Errors
    /// Its name or description is invalid, another list has the name, or the account has as many lists as it may.
    pub fn add_list(&self, new: &NewList) -> Result<List> {
        let name = page::name("the name of a list", &new.name, NAME_MAX)?;
        let stamp = self.stamp();
        let now = stamp.now;
        let id = self.write(|transaction| insert(transaction, new, None, stamp))?;
        Ok(List {
            list_id: id.to_string(),
            name,
            description: new.description.clone(),
            favorite: new.favorite.unwrap_or(false),
            created_at: now.to_string(),
            updated_at: now.to_string(),
            membership_count: None,
        })
    }

    /// Lists, in the order of their creation.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn lists(&self, query: &ListQuery) -> Result<Page<List>> {
        let columns = columns(query.members);
        let sql =
            format!("SELECT {columns} FROM lists WHERE id > ?1 AND (?2 IS NULL OR name = ?2) ORDER BY id LIMIT ?3");
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement
                .query_map(params![query.page.after.unwrap_or(0), query.name, query.page.limit_and_one()], list)?;
            let count = match query.page.count {
                true => Some(transaction.query_row(
                    "SELECT count(*) FROM lists WHERE ?1 IS NULL OR name = ?1",
                    [&query.name],
                    |row| row.get(0),
                )?),
                false => None,
            };
            query.page.page(rows.map(|row| Ok(row?)), count)
        })
    }
}

/// Inserts a list, under an identifier that is given or a new one.
pub(super) fn insert(transaction: &Transaction<'_>, new: &NewList, id: Option<Id>, stamp: Stamp) -> Result<Id> {
    let name = page::name("the name of a list", &new.name, NAME_MAX)?;
    page::length("the description of a list", new.description.as_deref().unwrap_or(""), DESCRIPTION_MAX)?;
    let count: u64 = transaction.query_row("SELECT count(*) FROM lists", [], |row| row.get(0))?;
    if count >= LISTS_MAX {
        return Err(Error::Conflict(format!("the account already has {LISTS_MAX} lists, which is the limit")));
    }
    let id = stamp.given_or_id(transaction, IdOf::List, id)?;
    let inserted = transaction.execute(
        "INSERT INTO lists (list_id, name, description, favorite, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (name) DO NOTHING",
        params![id, name, new.description, new.favorite.unwrap_or(false), stamp.now],
    )?;
    if inserted == 0 {
        return Err(Error::Conflict(format!("there already is a list named {name}")));
    }
    Ok(id)
}

/// The columns that [`list`] reads.
fn columns(members: Option<MembershipCount>) -> String {
    let members = match members {
        None => "NULL",
        Some(MembershipCount::All) => "(SELECT count(*) FROM memberships WHERE list = lists.id)",
        Some(MembershipCount::Active) => {
            "(SELECT count(*) FROM memberships JOIN contacts ON contacts.id = contact
              WHERE list = lists.id AND email_permission IS NOT 'unsubscribed')"
        }
    };
    format!("id, list_id, name, description, favorite, created_at, updated_at, {members}")
}

/// Reads a list from the [`columns`], with its row.
fn list(row: &Row<'_>) -> rusqlite::Result<(i64, List)> {
    let list = List {
        list_id: row.get::<_, Id>(1)?.to_string(),
        name: row.get(2)?,
        description: row.get(3)?,
        favorite: row.get(4)?,
        created_at: row.get::<_, Time>(5)?.to_string(),
        updated_at: row.get::<_, Time>(6)?.to_string(),
        membership_count: row.get(7)?,
    };
    Ok((row.get(0)?, list))
}

/// The row of a list.
pub(super) fn row_of(transaction: &Transaction<'_>, id: Id) -> rusqlite::Result<Option<i64>> {
    transaction.prepare_cached("SELECT id FROM lists WHERE list_id = ?1")?.query_row([id], |row| row.get(0)).optional()
}
