//! Tags of contacts.

use super::clock::IdOf;
use super::page::{self, Page, PageRequest};
use super::values::{Id, Time};
use super::{Account, Error, Result};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

/// Most characters of a tag's name.
pub const NAME_MAX: usize = 255;
/// Most tags of an account.
pub const TAGS_MAX: u64 = 1000;
/// Most tags of a contact.
pub const TAGGINGS_MAX: usize = 50;

/// A tag to create, or the new name of one.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewTag {
    /// Its name: 1 to 255 characters, unique ignoring case.
    #[serde(default)]
    pub name: String,
    /// `Contact` or `Account`. It cannot be changed.
    pub tag_source: Option<String>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// Its identifier, a UUID.
    pub tag_id: String,
    /// Its name.
    pub name: String,
    /// Contacts with it, if counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts_count: Option<u64>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_source: Option<String>,
    /// When it was created, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

fn columns(with_count: bool) -> String {
    let count = match with_count {
        true => {
            "(SELECT count(*) FROM taggings JOIN contacts ON contacts.id = contact
                  WHERE tag = tags.id AND deleted_at IS NULL)"
        }
        false => "NULL",
    };
    format!("id, tag_id, name, tag_source, created_at, updated_at, {count}")
}

fn tag(row: &Row<'_>) -> rusqlite::Result<(i64, Tag)> {
    let tag = Tag {
        tag_id: row.get::<_, Id>(1)?.to_string(),
        name: row.get(2)?,
        tag_source: row.get(3)?,
        created_at: row.get::<_, Time>(4)?.to_string(),
        updated_at: row.get::<_, Time>(5)?.to_string(),
        contacts_count: row.get(6)?,
    };
    Ok((row.get(0)?, tag))
}

fn missing(tag_id: &str) -> Error {
    Error::NotFound(format!("there is no tag {tag_id}"))
}

fn read(transaction: &Transaction<'_>, tag_id: &str, with_count: bool) -> Result<Tag> {
    let id = Id::parse(tag_id).ok_or_else(|| missing(tag_id))?;
    let sql = format!("SELECT {} FROM tags WHERE tag_id = ?1", columns(with_count));
    let found = transaction.prepare_cached(&sql)?.query_row([id], tag).optional()?;
    found.map(|(_, tag)| tag).ok_or_else(|| missing(tag_id))
}

/// The row of a tag.
pub(super) fn row_of(transaction: &Transaction<'_>, tag_id: &str) -> rusqlite::Result<Option<i64>> {
    let Some(id) = Id::parse(tag_id) else { return Ok(None) };
    transaction.prepare_cached("SELECT id FROM tags WHERE tag_id = ?1")?.query_row([id], |row| row.get(0)).optional()
}

impl Account {
    /// Creates a tag.
    ///
    /// # Errors
    /// Its name or source is invalid, another tag has the name, or the account has as many tags as it may.
    pub fn add_tag(&self, new: &NewTag) -> Result<Tag> {
        let name = page::name("the name of a tag", &new.name, NAME_MAX)?;
        if let Some(source) = new.tag_source.as_deref().filter(|source| !matches!(*source, "Contact" | "Account")) {
            let source: String = source.chars().take(20).collect();
            return Err(Error::Invalid(format!("tag_source is Contact or Account, not {source}")));
        }
        let stamp = self.stamp();
        self.write(|transaction| {
            let count: u64 = transaction.query_row("SELECT count(*) FROM tags", [], |row| row.get(0))?;
            if count >= TAGS_MAX {
                return Err(Error::Conflict(format!("the account already has {TAGS_MAX} tags, which is the limit")));
            }
            let id = stamp.id(transaction, IdOf::Tag)?;
            let inserted = transaction.execute(
                "INSERT INTO tags (tag_id, name, tag_source, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)
                 ON CONFLICT (name) DO NOTHING",
                params![id, name, new.tag_source, stamp.now],
            )?;
            if inserted == 0 {
                return Err(Error::Conflict(format!("there already is a tag named {name}")));
            }
            read(transaction, &id.to_string(), false)
        })
    }

    /// One tag.
    ///
    /// # Errors
    /// There is no such tag, or it cannot be read.
    pub fn tag(&self, tag_id: &str, with_count: bool) -> Result<Tag> {
        self.read(|transaction| read(transaction, tag_id, with_count))
    }

    /// Gives a tag another name.
    ///
    /// # Errors
    /// There is no such tag, another tag has the name, or the name is invalid.
    pub fn rename_tag(&self, tag_id: &str, new: &NewTag) -> Result<Tag> {
        let name = page::name("the name of a tag", &new.name, NAME_MAX)?;
        self.write(|transaction| {
            read(transaction, tag_id, false)?;
            let id = Id::parse(tag_id);
            if transaction
                .prepare("SELECT 1 FROM tags WHERE name = ?1 AND tag_id IS NOT ?2")?
                .exists(params![name, id])?
            {
                return Err(Error::Conflict(format!("there already is a tag named {name}")));
            }
            let change = "UPDATE tags SET name = ?2, updated_at = ?3 WHERE tag_id = ?1";
            transaction.execute(change, params![id, name, self.clock.now()])?;
            read(transaction, tag_id, false)
        })
    }

    /// Tags, in the order of their creation.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn tags(&self, page: PageRequest, with_count: bool) -> Result<Page<Tag>> {
        let sql = format!("SELECT {} FROM tags WHERE id > ?1 ORDER BY id LIMIT ?2", columns(with_count));
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement.query_map(params![page.after.unwrap_or(0), page.limit_and_one()], tag)?;
            page.page(rows.map(|row| Ok(row?)), None)
        })
    }
}
