//! Custom fields.

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

/// Types of custom fields that the service knows.
pub const TYPES: &[&str] =
    &["string", "date", "datetime", "number", "currency", "boolean", "text_area", "single_select", "multi_select"];

/// A custom field that is to be made.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewField {
    /// What people read: 1 to 50 characters. Its name is the label with underscores for blanks.
    #[serde(default)]
    pub label: String,
    /// What it holds: one of [`TYPES`].
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its identifier, a UUID.
    pub custom_field_id: String,
    /// What people read.
    pub label: String,
    /// What contacts have it under, behind `cf:`.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was made, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

impl Account {
    /// Makes a custom field. Values of all types are kept as text: an import brings nothing else.
    ///
    /// # Errors
    /// Its label or type is not good, another field has its name, or there are as many as may be.
    pub fn add_field(&self, new: &NewField) -> Result<Field> {
        let label = page::name("the label of a custom field", &new.label, LABEL_MAX)?;
        let kind = if new.kind.is_empty() { "string" } else { new.kind.as_str() };
        if !TYPES.contains(&kind) {
            let types = TYPES.join(", ");
            let kind: String = kind.chars().take(TYPE_MAX).collect();
            return Err(Error::Invalid(format!("{kind} is no type of a custom field: it is one of {types}")));
        }
        let name: String = label.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        let (id, now) = (Id::new(), Time::now());
        self.write(|transaction| {
            let there: u64 = transaction.query_row("SELECT count(*) FROM custom_fields", [], |row| row.get(0))?;
            if there >= FIELDS_MAX {
                return Err(Error::Conflict(format!(
                    "the account has {FIELDS_MAX} custom fields already, as many as it may"
                )));
            }
            let made = transaction.execute(
                "INSERT INTO custom_fields (custom_field_id, label, name, type, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (name) DO NOTHING",
                params![id, label, name, kind, now],
            )?;
            if made == 0 {
                return Err(Error::Conflict(format!("there is a custom field of the name {name} already")));
            }
            Ok(())
        })?;
        Ok(Field {
            custom_field_id: id.to_string(),
            label,
            name,
            kind: kind.to_owned(),
            created_at: now.to_string(),
            updated_at: now.to_string(),
        })
    }

    /// Custom fields, in the order in which they were made.
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

/// The rows of all custom fields by their names, and by their labels where no field has that name: exports have what people read.
pub(super) fn rows(transaction: &Transaction<'_>) -> rusqlite::Result<HashMap<String, i64>> {
    transaction
        .prepare_cached("SELECT label, id FROM custom_fields UNION ALL SELECT name, id FROM custom_fields")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
