//! Seeds: what an account has at first, and again after a reset.

use super::clock::{IdOf, Stamp};
use super::fields::{NewChoice, NewField};
use super::import::{self, Body, Extra};
use super::lists::NewList;
use super::runner::{Runner, Stopwatch};
use super::tasks::Work;
use super::values::Id;
use super::{Account, Error, Result, fields, lists};
use crate::document::envelope::{EnvelopeOverrides, SmsPermission};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

/// Most bytes of a seed.
pub const SEED_MAX: usize = 16 << 20;
/// Most bytes of all seeds that an account was given.
const SEEDS_MAX: usize = 64 << 20;
/// Errors that a message about a seed has.
const ERRORS_SHOWN: usize = 5;

/// A seed: lists, custom fields, and contacts with their lists by name.
#[derive(Debug, Clone)]
pub struct Seed {
    members: SeedMembers,
    /// The same seed has the same text, whatever its white space.
    text: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedMembers {
    #[serde(default)]
    lists: Vec<SeedList>,
    #[serde(default)]
    custom_fields: Vec<SeedField>,
    #[serde(default)]
    contacts: Vec<Map<String, Value>>,
    sms_permission_to_send: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedList {
    name: String,
    list_id: Option<String>,
    description: Option<String>,
    favorite: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedField {
    label: String,
    #[serde(rename = "type", default)]
    kind: String,
    custom_field_id: Option<String>,
    choices: Option<Vec<NewChoice>>,
}

/// What a seed has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Seeded {
    /// Lists.
    pub lists: usize,
    /// Custom fields.
    pub custom_fields: usize,
    /// Contacts.
    pub contacts: usize,
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::Invalid(format!("the seed: {what}"))
}

/// An identifier that a seed gives.
fn given(name: &str, id: Option<&String>) -> Result<Option<Id>> {
    let id = id.map(|text| Id::parse(text).ok_or_else(|| invalid(format_args!("{name} {text} is not a UUID"))));
    id.transpose()
}

impl Seed {
    /// Reads a seed from its JSON.
    ///
    /// # Errors
    /// It is not JSON, or not a seed.
    pub fn parse(json: &[u8]) -> Result<Seed> {
        if json.len() > SEED_MAX {
            return Err(invalid(format_args!("it has more than {SEED_MAX} bytes, which is the limit")));
        }
        // An object: serde also accepts an array of the values.
        let members: Map<String, Value> = serde_json::from_slice(json).map_err(invalid)?;
        let text = Value::Object(members.clone()).to_string();
        Ok(Seed { members: SeedMembers::deserialize(members).map_err(invalid)?, text })
    }

    /// Writes it into an account. What is there already by name stays, and contacts are updated as by an import.
    fn apply(&self, transaction: &Transaction<'_>, stamp: Stamp) -> Result<Seeded> {
        let mut list_rows = HashMap::new();
        for list in &self.members.lists {
            let row = apply_list(transaction, stamp, list)?;
            list_rows.insert(list.name.trim().to_lowercase(), row);
        }
        for field in &self.members.custom_fields {
            apply_field(transaction, stamp, field)?;
        }
        self.apply_contacts(transaction, stamp, &mut list_rows)?;
        Ok(Seeded {
            lists: self.members.lists.len(),
            custom_fields: self.members.custom_fields.len(),
            contacts: self.members.contacts.len(),
        })
    }

    fn apply_contacts(
        &self,
        transaction: &Transaction<'_>,
        stamp: Stamp,
        list_rows: &mut HashMap<String, i64>,
    ) -> Result<()> {
        if self.members.contacts.is_empty() {
            return Ok(());
        }
        let (mut contacts, mut extras) = (Vec::new(), Vec::new());
        for (index, contact) in self.members.contacts.iter().enumerate() {
            let mut contact = contact.clone();
            let unsubscribed = match contact.remove("unsubscribed") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(unsubscribed)) => unsubscribed,
                Some(_) => return Err(invalid(format_args!("contact {index}: unsubscribed is true or false"))),
            };
            let mut rows = Vec::new();
            for name in list_names(index, contact.remove("lists"))? {
                rows.push(list_row(transaction, list_rows, index, &name)?);
            }
            extras.push(Extra { lists: rows, unsubscribed });
            contacts.push(Value::Object(contact));
        }
        let permission = match self.members.sms_permission_to_send.as_deref() {
            None | Some("not_set") => SmsPermission::NotSet,
            Some("explicit") => SmsPermission::Explicit,
            Some(_) => return Err(invalid("sms_permission_to_send is explicit or not_set")),
        };
        let body = Body {
            bytes: serde_json::json!({ "import_data": contacts }).to_string().into_bytes(),
            bytes_dropped: 0,
            work: Work::JsonImport,
            // Each contact has its own lists.
            overrides: EnvelopeOverrides {
                list_ids: vec![IdOf::List.seeded(0).to_string()],
                sms_permission: Some(permission),
            },
        };
        let names = fields::known(transaction)?;
        let go = AtomicBool::new(false);
        let cleaned = import::clean_seed(body, names, stamp.today(), &Stopwatch::start(&Runner::unlimited(&go)))?;
        refuse(&cleaned.errors.texts)?;
        refuse(&import::apply_each(transaction, cleaned, stamp, &extras)?)
    }
}

/// Refuses a seed with errors: half a seed is none.
fn refuse(errors: &[String]) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let more = errors.len().saturating_sub(ERRORS_SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Err(invalid(format_args!("{}{more}; nothing was changed", errors[..errors.len().min(ERRORS_SHOWN)].join("; "))))
}

fn list_names(index: usize, lists: Option<Value>) -> Result<Vec<String>> {
    let bad = || invalid(format_args!("contact {index}: lists is an array of names of lists"));
    match lists {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(names)) => {
            names.into_iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(bad)).collect()
        }
        Some(_) => Err(bad()),
    }
}

/// The row of a list that a contact names: one of the seed, or one that the account has.
fn list_row(transaction: &Transaction<'_>, rows: &mut HashMap<String, i64>, index: usize, name: &str) -> Result<i64> {
    let key = name.trim().to_lowercase();
    if let Some(row) = rows.get(&key) {
        return Ok(*row);
    }
    let row: Option<i64> = transaction
        .prepare_cached("SELECT id FROM lists WHERE name = ?1")?
        .query_row([name.trim()], |row| row.get(0))
        .optional()?;
    let row = row.ok_or_else(|| invalid(format_args!("contact {index}: there is no list named {name}")))?;
    rows.insert(key, row);
    Ok(row)
}

fn apply_list(transaction: &Transaction<'_>, stamp: Stamp, list: &SeedList) -> Result<i64> {
    let id = given("list_id", list.list_id.as_ref())?;
    let found: Option<(i64, Id, bool)> = transaction
        .query_row(
            "SELECT id, list_id, name = ?1 FROM lists WHERE name = ?1 OR list_id = ?2",
            params![list.name.trim(), id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    match found {
        Some((row, known, true)) if id.is_none_or(|id| id == known) => Ok(row),
        Some((_, known, _)) => Err(Error::Conflict(format!(
            "the seed: the list {} has the name or the list_id of another list, {known}",
            list.name
        ))),
        None => {
            let new =
                NewList { name: list.name.clone(), description: list.description.clone(), favorite: list.favorite };
            let id = lists::insert(transaction, &new, id, stamp)?;
            let row = lists::row_of(transaction, id)?;
            row.ok_or_else(|| invalid("a list is missing"))
        }
    }
}

fn apply_field(transaction: &Transaction<'_>, stamp: Stamp, field: &SeedField) -> Result<()> {
    let id = given("custom_field_id", field.custom_field_id.as_ref())?;
    let found: Option<(Id, bool)> = transaction
        .query_row(
            "SELECT custom_field_id, label = ?1 OR name = ?1 FROM custom_fields
             WHERE label = ?1 OR name = ?1 OR custom_field_id = ?2",
            params![field.label.trim(), id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match found {
        Some((known, true)) if id.is_none_or(|id| id == known) => Ok(()),
        Some((known, _)) => Err(Error::Conflict(format!(
            "the seed: the custom field {} has the label or the custom_field_id of another field, {known}",
            field.label
        ))),
        None => {
            let new = NewField {
                label: field.label.clone(),
                kind: field.kind.clone(),
                choices: field.choices.clone(),
                ..NewField::default()
            };
            fields::insert(transaction, &new, id, stamp)?;
            Ok(())
        }
    }
}

/// The seeds that the account was given, in order.
pub(super) fn seeds(transaction: &Transaction<'_>) -> Result<Vec<String>> {
    let mut statement = transaction.prepare("SELECT value FROM settings WHERE name LIKE 'seed %' ORDER BY name")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Remembers a seed, with the seeds before it.
fn remember(transaction: &Transaction<'_>, seeds: &[String], text: &str) -> Result<()> {
    if seeds.iter().map(String::len).sum::<usize>() + text.len() > SEEDS_MAX {
        return Err(Error::Conflict(format!(
            "the seeds of this account have {SEEDS_MAX} bytes, which is the limit: reset it to an empty account first"
        )));
    }
    let name = format!("seed {:06}", seeds.len());
    transaction.execute("INSERT INTO settings (name, value) VALUES (?1, ?2)", params![name, text])?;
    Ok(())
}

/// Applies seeds to an empty account.
pub(super) fn apply_all(transaction: &Transaction<'_>, stamp: Stamp, texts: &[String]) -> Result<()> {
    for (number, text) in texts.iter().enumerate() {
        Seed::parse(text.as_bytes())?.apply(transaction, stamp)?;
        remember(transaction, &texts[..number], text)?;
    }
    Ok(())
}

impl Account {
    /// Adds a seed to what the account has. A reset applies it again.
    ///
    /// # Errors
    /// The seed has an error or is in conflict with the account, and nothing was changed.
    pub fn add_seed(&self, seed: &Seed) -> Result<Seeded> {
        self.write(|transaction| {
            let seeded = seed.apply(transaction, self.stamp())?;
            let seeds = seeds(transaction)?;
            if !seeds.contains(&seed.text) {
                remember(transaction, &seeds, &seed.text)?;
            }
            Ok(seeded)
        })
    }

    /// Makes an empty account from a seed. One that was made from the same seed stays as it is.
    ///
    /// # Errors
    /// The account is not empty, or the seed has an error; nothing was changed.
    pub fn start_from(&self, seed: &Seed) -> Result<()> {
        let waiting = self.waiting()?;
        self.write(|transaction| {
            let seeds = seeds(transaction)?;
            if seeds.contains(&seed.text) {
                return Ok(());
            }
            let has = |table: &str| transaction.prepare(&format!("SELECT 1 FROM {table}"))?.exists([]);
            let tables = ["contacts", "lists", "custom_fields", "tags", "activities"];
            if waiting > 0 || tables.into_iter().try_fold(false, |is, table| Ok::<_, Error>(is || has(table)?))? {
                return Err(Error::Conflict(format!(
                    "{} is not empty, and was not made from this seed: take a new account, or leave out the seed",
                    self.path().display()
                )));
            }
            seed.apply(transaction, self.stamp())?;
            remember(transaction, &seeds, &seed.text)
        })
    }
}
