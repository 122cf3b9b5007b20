//! Custom fields.

use super::clock::{IdOf, Stamp};
use super::page::{self, Page, PageRequest};
use super::values::{Id, Time};
use super::{Account, Error, Result};
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Most characters of a label.
pub const LABEL_MAX: usize = 50;
/// Most characters of a type.
pub const TYPE_MAX: usize = 20;
/// Most custom fields of an account.
pub const FIELDS_MAX: u64 = 100;

/// Types of custom fields in the service.
pub const TYPES: &[&str] =
    &["string", "date", "datetime", "number", "currency", "boolean", "text_area", "single_select", "multi_select"];

/// A custom field to create.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewField {
    /// Its label for people: 1 to 50 characters. Its name is the label with underscores for blanks.
    #[serde(default)]
    pub label: String,
    /// Its type, one of [`TYPES`].
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its identifier, a UUID.
    pub custom_field_id: String,
    /// Its label for people.
    pub label: String,
    /// Its name in contacts, after `cf:`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was created, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

impl Account {
    /// Creates a custom field. Values of all types are kept as text, as an import has them.
    ///
    /// # Errors
    /// Its label or type is invalid, another field has its name, or the account has as many fields as it may.
    pub fn add_field(&self, new: &NewField) -> Result<Field> {
        let (label, name, kind) = checked(new)?;
        let stamp = self.stamp();
        let now = stamp.now;
        let id = self.write(|transaction| insert(transaction, new, None, stamp))?;
        Ok(Field {
            custom_field_id: id.to_string(),
            label,
            name,
            kind: kind.to_owned(),
            created_at: now.to_string(),
            updated_at: now.to_string(),
        })
    }

    /// Custom fields, in the order of their creation.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn fields(&self, page: PageRequest) -> Result<Page<Field>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT id, custom_field_id, label, name, type, created_at, updated_at FROM custom_fields
                 WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let rows = statement.query_map(params![page.after.unwrap_or(0), page.limit_and_one()], |row| {
                let field = Field {
                    custom_field_id: row.get::<_, Id>(1)?.to_string(),
                    label: row.get(2)?,
                    name: row.get(3)?,
                    kind: row.get(4)?,
                    created_at: row.get::<_, Time>(5)?.to_string(),
                    updated_at: row.get::<_, Time>(6)?.to_string(),
                };
                Ok((row.get(0)?, field))
            })?;
            page.page(rows.map(|row| Ok(row?)), None)
        })
    }
}

/// The label, the name and the type of a field, if they are valid.
fn checked(new: &NewField) -> Result<(String, String, &str)> {
    let label = page::name("the label of a custom field", &new.label, LABEL_MAX)?;
    let kind = if new.kind.is_empty() { "string" } else { new.kind.as_str() };
    if !TYPES.contains(&kind) {
        let types = TYPES.join(", ");
        let kind: String = kind.chars().take(TYPE_MAX).collect();
        return Err(Error::Invalid(format!("{kind} is not a type of custom fields: it is one of {types}")));
    }
    let name: String = label.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
    Ok((label, name, kind))
}

/// Inserts a custom field, under an identifier that is given or a new one.
pub(super) fn insert(transaction: &Transaction<'_>, new: &NewField, id: Option<Id>, stamp: Stamp) -> Result<Id> {
    let (label, name, kind) = checked(new)?;
    let count: u64 = transaction.query_row("SELECT count(*) FROM custom_fields", [], |row| row.get(0))?;
    if count >= FIELDS_MAX {
        return Err(Error::Conflict(format!("the account already has {FIELDS_MAX} custom fields, which is the limit")));
    }
    let id = stamp.given_or_id(transaction, IdOf::Field, id)?;
    let inserted = transaction.execute(
        "INSERT INTO custom_fields (custom_field_id, label, name, type, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (name) DO NOTHING",
        params![id, label, name, kind, stamp.now],
    )?;
    if inserted == 0 {
        return Err(Error::Conflict(format!("there already is a custom field named {name}")));
    }
    Ok(id)
}

/// The rows of all custom fields by their names, and by their labels where no field has that name: exports have labels.
pub(super) fn rows(transaction: &Transaction<'_>) -> rusqlite::Result<HashMap<String, i64>> {
    transaction
        .prepare_cached("SELECT label, id FROM custom_fields UNION ALL SELECT name, id FROM custom_fields")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
