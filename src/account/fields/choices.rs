//! The choices of a custom field.

use super::Field;
use crate::account::page;
use crate::account::values::{Id, Time};
use crate::account::{Error, Result};
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Most choices of a field.
pub const CHOICES_MAX: usize = 100;
/// Most characters of a choice's label.
const LABEL_MAX: usize = 255;

/// A choice, as the service has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The field.
    pub custom_field_id: String,
    /// Its number within the field.
    pub choice_id: i64,
    /// Its label, which is the value of a contact.
    pub choice_label: String,
    /// Its place among the choices.
    pub display_order: i64,
    /// When it was created, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// A choice to create or to change.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewChoice {
    /// The choice to change; none for a new one.
    pub choice_id: Option<i64>,
    /// Its label.
    #[serde(default)]
    pub choice_label: String,
    /// Its place; by default the one that it has in the request.
    pub display_order: Option<i64>,
}

/// True for a type that has choices.
pub(super) fn has_choices(kind: &str) -> bool {
    matches!(kind, "single_select" | "multi_select")
}

/// Checks the choices of a field of this type.
pub(super) fn check(kind: &str, choices: &[NewChoice]) -> Result<()> {
    if !choices.is_empty() && !has_choices(kind) {
        return Err(Error::Invalid(format!("a custom field of type {kind} has no choices")));
    }
    if choices.len() > CHOICES_MAX {
        return Err(Error::Invalid(format!("the field has {} choices: {CHOICES_MAX} are allowed", choices.len())));
    }
    let (mut labels, mut ids) = (HashSet::new(), HashSet::new());
    for choice in choices {
        let label = page::name("the label of a choice", &choice.choice_label, LABEL_MAX)?;
        if !labels.insert(label.to_lowercase()) {
            return Err(Error::Invalid(format!("two choices have the label {label}")));
        }
        if choice.choice_id.is_some_and(|id| !ids.insert(id)) {
            return Err(Error::Invalid("two choices have the same choice_id".into()));
        }
    }
    Ok(())
}

/// Makes these the choices of a field: those with an identifier are changed, the others are new, and all that are not among them
/// are removed.
pub(super) fn replace(transaction: &Transaction<'_>, field: i64, choices: &[NewChoice], now: Time) -> Result<()> {
    let last: i64 =
        transaction
            .query_row("SELECT coalesce(max(choice_id), 0) FROM choices WHERE field = ?1", [field], |row| row.get(0))?;
    let present: HashSet<i64> = transaction
        .prepare("SELECT choice_id FROM choices WHERE field = ?1")?
        .query_map([field], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let kept: HashSet<i64> = choices.iter().filter_map(|choice| choice.choice_id).collect();
    if let Some(unknown) = kept.difference(&present).next() {
        return Err(Error::Invalid(format!("the field has no choice with the choice_id {unknown}")));
    }
    for gone in present.difference(&kept) {
        transaction.execute("DELETE FROM choices WHERE field = ?1 AND choice_id = ?2", [field, *gone])?;
    }
    let mut next = last;
    for (place, choice) in (1..).zip(choices) {
        let label = page::name("the label of a choice", &choice.choice_label, LABEL_MAX)?;
        let order = choice.display_order.unwrap_or(place);
        let id = choice.choice_id.unwrap_or_else(|| {
            next += 1;
            next
        });
        transaction.execute(
            "INSERT INTO choices (field, choice_id, label, display_order, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)
             ON CONFLICT DO UPDATE SET label = excluded.label, display_order = excluded.display_order,
             updated_at = iif(label IS excluded.label AND display_order IS excluded.display_order, updated_at,
             excluded.updated_at)",
            params![field, id, label, order, now],
        )?;
    }
    Ok(())
}

/// Adds the choices to a field of a type that has them.
pub(super) fn include(transaction: &Transaction<'_>, row: i64, field: &mut Field) -> rusqlite::Result<()> {
    if !has_choices(&field.kind) {
        return Ok(());
    }
    let choices = transaction
        .prepare_cached(
            "SELECT choice_id, label, display_order, created_at, updated_at FROM choices WHERE field = ?1
             ORDER BY display_order, choice_id",
        )?
        .query_map([row], |row| {
            Ok(Choice {
                custom_field_id: field.custom_field_id.clone(),
                choice_id: row.get(0)?,
                choice_label: row.get(1)?,
                display_order: row.get(2)?,
                created_at: row.get::<_, Time>(3)?.to_string(),
                updated_at: row.get::<_, Time>(4)?.to_string(),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    field.choices = Some(choices);
    Ok(())
}

/// The labels of a field's choices.
pub(super) fn labels(transaction: &Transaction<'_>, field: i64) -> rusqlite::Result<Vec<String>> {
    transaction
        .prepare_cached("SELECT label FROM choices WHERE field = ?1 ORDER BY choice_id")?
        .query_map([field], |row| row.get(0))?
        .collect()
}

/// The label of a choice of a field.
pub(in crate::account) fn label_of(
    transaction: &Transaction<'_>,
    field: Id,
    choice: &str,
) -> rusqlite::Result<Option<String>> {
    use rusqlite::OptionalExtension;
    let Ok(choice) = choice.parse::<i64>() else { return Ok(None) };
    transaction
        .prepare_cached(
            "SELECT choices.label FROM choices JOIN custom_fields ON custom_fields.id = field
             WHERE custom_field_id = ?1 AND choice_id = ?2",
        )?
        .query_row(params![field, choice], |row| row.get(0))
        .optional()
}
