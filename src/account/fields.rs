//! Custom fields.

mod choices;
mod one;

pub(super) use choices::label_of as choice_label;
pub use choices::{CHOICES_MAX, Choice, NewChoice};

use super::clock::{IdOf, Stamp};
use super::page::{self, Page, PageRequest};
use super::values::{Id, Time};
use super::{Account, Error, Result};
use crate::rules::custom;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

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
    /// Further settings of its type.
    pub metadata: Option<Metadata>,
    /// The choices of a `single_select` or `multi_select`.
    pub choices: Option<Vec<NewChoice>>,
    /// The version of a date field.
    pub version: Option<i64>,
}

/// Further settings of a field, as the service has them. They are kept, and not checked against values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_negative: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal_places: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integer: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_format: Option<String>,
}

/// A change of a custom field. What is not given stays.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct FieldUpdate {
    /// Its new label. The name follows it.
    pub label: Option<String>,
    /// Its type, which must be the present one.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// All of its choices: those with a `choice_id` are kept or renamed, those without are new, all others are removed.
    pub choices: Option<Vec<NewChoice>>,
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
    /// Further settings of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The version of a date field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The choices of a `single_select` or `multi_select`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<Choice>>,
    /// When it was created, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

impl Account {
    /// The custom fields as the rules know them.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn known_fields(&self) -> Result<custom::Fields> {
        self.read(|transaction| Ok(known(transaction)?))
    }

    /// Creates a custom field. Values of all types are kept as text, as an import has them.
    ///
    /// # Errors
    /// Its label or type is invalid, another field has its name, or the account has as many fields as it may.
    pub fn add_field(&self, new: &NewField) -> Result<Field> {
        let stamp = self.stamp();
        self.write(|transaction| {
            let id = insert(transaction, new, None, stamp)?;
            one::read(transaction, id)?.ok_or_else(|| one::missing(&id.to_string()))
        })
    }

    /// Custom fields, in the order of their creation.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn fields(&self, page: PageRequest) -> Result<Page<Field>> {
        self.read(|transaction| {
            let mut statement = transaction
                .prepare_cached(&format!("SELECT {COLUMNS} FROM custom_fields WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
            let rows = statement.query_map(params![page.after.unwrap_or(0), page.limit_and_one()], field)?.map(|row| {
                let (row, mut field) = row?;
                choices::include(transaction, row, &mut field)?;
                Ok((row, field))
            });
            page.page(rows, None)
        })
    }
}

/// Inserts a custom field, under an identifier that is given or a new one.
pub(super) fn insert(transaction: &Transaction<'_>, new: &NewField, id: Option<Id>, stamp: Stamp) -> Result<Id> {
    let label = page::name("the label of a custom field", &new.label, LABEL_MAX)?;
    let kind = if new.kind.is_empty() { "string" } else { new.kind.as_str() };
    if !TYPES.contains(&kind) {
        let types = TYPES.join(", ");
        let kind: String = kind.chars().take(TYPE_MAX).collect();
        return Err(Error::Invalid(format!("{kind} is not a type of custom fields: it is one of {types}")));
    }
    let new_choices = new.choices.as_deref().unwrap_or(&[]);
    choices::check(kind, new_choices)?;
    let metadata = new.metadata.as_ref().map(metadata_json).transpose()?;
    let name = name_of(&label);
    let count: u64 = transaction.query_row("SELECT count(*) FROM custom_fields", [], |row| row.get(0))?;
    if count >= FIELDS_MAX {
        return Err(Error::Conflict(format!("the account already has {FIELDS_MAX} custom fields, which is the limit")));
    }
    let id = stamp.given_or_id(transaction, IdOf::Field, id)?;
    let row = transaction
        .query_row(
            "INSERT INTO custom_fields (custom_field_id, label, name, type, created_at, updated_at, metadata, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7) ON CONFLICT (name) DO NOTHING RETURNING id",
            params![id, label, name, kind, stamp.now, metadata, new.version],
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    let Some(row) = row else {
        return Err(Error::Conflict(format!("there already is a custom field named {name}")));
    };
    choices::replace(transaction, row, new_choices, stamp.now)?;
    Ok(id)
}

/// The columns that [`field`] reads.
const COLUMNS: &str = "id, custom_field_id, label, name, type, metadata, version, created_at, updated_at";

/// Reads a custom field without its choices from the [`COLUMNS`], with its row.
fn field(row: &Row<'_>) -> rusqlite::Result<(i64, Field)> {
    let field = Field {
        custom_field_id: row.get::<_, Id>(1)?.to_string(),
        label: row.get(2)?,
        name: row.get(3)?,
        kind: row.get(4)?,
        metadata: row.get_ref(5)?.as_str_or_null()?.and_then(|json| serde_json::from_str(json).ok()),
        version: row.get(6)?,
        choices: None,
        created_at: row.get::<_, Time>(7)?.to_string(),
        updated_at: row.get::<_, Time>(8)?.to_string(),
    };
    Ok((row.get(0)?, field))
}

/// The name of a field with this label.
fn name_of(label: &str) -> String {
    label.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect()
}

/// Most characters of a text in the settings of a field.
const METADATA_TEXT_MAX: usize = 50;

fn metadata_json(metadata: &Metadata) -> Result<String> {
    let texts = [
        ("display_type", &metadata.display_type),
        ("currency_code", &metadata.currency_code),
        ("display_format", &metadata.display_format),
    ];
    for (name, text) in texts {
        page::length(&format!("metadata.{name}"), text.as_deref().unwrap_or(""), METADATA_TEXT_MAX)?;
    }
    serde_json::to_string(metadata).map_err(|error| Error::Invalid(format!("metadata: {error}")))
}

/// The custom fields for the rules. A text that is one field's name and another's label is the name.
pub(super) fn known(transaction: &Transaction<'_>) -> rusqlite::Result<custom::Fields> {
    let mut statement = transaction.prepare_cached("SELECT id, name, label, type FROM custom_fields ORDER BY id")?;
    let all = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<Vec<(i64, String, String, String)>>>()?;
    let names: HashSet<&String> = all.iter().map(|(_, name, ..)| name).collect();
    let mut fields = custom::Fields::default();
    for (row, name, label, kind) in &all {
        let labels = if choices::has_choices(kind) { choices::labels(transaction, *row)? } else { Vec::new() };
        let label = Some(label.as_str()).filter(|_| !names.contains(label));
        fields.add_typed([name.as_str()].into_iter().chain(label), custom::FieldType::of(kind, labels));
    }
    Ok(fields)
}

/// The rows of all custom fields by their names, and by their labels where no field has that name: exports have labels.
pub(super) fn rows(transaction: &Transaction<'_>) -> rusqlite::Result<HashMap<String, i64>> {
    transaction
        .prepare_cached("SELECT label, id FROM custom_fields UNION ALL SELECT name, id FROM custom_fields")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
