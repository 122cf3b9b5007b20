//! Reads contacts and their sub-resources from the tables.

use super::{Address, Contact, CustomField, EmailAddress, Include, Note, Phone, SmsChannel, SmsConsent};
use crate::account::values::{Id, Time};
use crate::rules::custom;
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// Most characters of a street and of a phone in the published schema: a client rejects an answer with longer ones. The two
/// lines of a street together may be longer, and so may a number with its extension. The account keeps all of it, and an export
/// has it.
const STREET_SHOWN: usize = 255;
const PHONE_SHOWN: usize = 25;

fn truncated(mut text: String, chars: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
    text
}

pub(super) const COLUMNS: &str = "id, contact_id, email, email_permission, opt_in_source, opt_out_source, opt_out_at, \
     email_created_at, email_updated_at, first_name, last_name, job_title, company_name, birthday_month, birthday_day, \
     anniversary, sms_number, sms_permission, sms_consent_date, sms_created_at, sms_updated_at, create_source, \
     update_source, created_at, updated_at, deleted_at";

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(row.get::<_, Option<Time>>(column)?.unwrap_or(Time(0)).to_string())
}

/// Reads a contact, without its sub-resources, from the [`COLUMNS`]. Also returns its row and its identifier.
pub(super) fn contact(row: &Row<'_>) -> rusqlite::Result<(i64, Id, Contact)> {
    let id: Id = row.get("contact_id")?;
    let email_address = match row.get::<_, Option<String>>("email")? {
        None => None,
        Some(address) => Some(EmailAddress {
            address,
            permission_to_send: row.get::<_, Option<String>>("email_permission")?.unwrap_or_default(),
            created_at: time(row, "email_created_at")?,
            updated_at: time(row, "email_updated_at")?,
            opt_in_source: row.get::<_, Option<String>>("opt_in_source")?.unwrap_or_default(),
            opt_in_date: time(row, "email_created_at")?,
            opt_out_source: row.get("opt_out_source")?,
            opt_out_date: row.get::<_, Option<Time>>("opt_out_at")?.map(|time| time.to_string()),
            confirm_status: "off",
        }),
    };
    let has_consent = row.get_ref("sms_permission")?.as_str_or_null()? == Some("explicit");
    let sms_channel = match row.get::<_, Option<String>>("sms_number")? {
        None => None,
        Some(sms_address) => Some(SmsChannel {
            sms_channel_id: id.part("sms channel").to_string(),
            sms_address,
            dial_code: "1",
            country_code: "US",
            update_source: "Account",
            create_source: "Account",
            sms_channel_consents: [SmsConsent {
                sms_consent_permission: row.get::<_, Option<String>>("sms_permission")?.unwrap_or_default(),
                consent_type: "promotional_sms",
                // Without consent the date has no meaning.
                opt_in_date: row
                    .get::<_, Option<String>>("sms_consent_date")?
                    .filter(|_| has_consent)
                    .map(|day| format!("{day}T00:00:00.000Z")),
                created_at: time(row, "sms_created_at")?,
                updated_at: time(row, "sms_updated_at")?,
            }],
        }),
    };
    let contact = Contact {
        contact_id: id.to_string(),
        email_address,
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        job_title: row.get("job_title")?,
        company_name: row.get("company_name")?,
        birthday_month: row.get("birthday_month")?,
        birthday_day: row.get("birthday_day")?,
        anniversary: row.get("anniversary")?,
        update_source: row.get("update_source")?,
        create_source: row.get("create_source")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        deleted_at: row.get::<_, Option<Time>>("deleted_at")?.map(|time| time.day()),
        custom_fields: None,
        phone_numbers: None,
        street_addresses: None,
        list_memberships: None,
        taggings: None,
        notes: None,
        sms_channel,
    };
    Ok((row.get("id")?, id, contact))
}

/// Adds the selected sub-resources.
pub(super) fn include(
    transaction: &Transaction<'_>,
    include: Include,
    row: i64,
    id: Id,
    contact: &mut Contact,
) -> rusqlite::Result<()> {
    if include.custom_fields {
        contact.custom_fields = Some(custom_fields(transaction, row)?);
    }
    if include.phone_numbers {
        contact.phone_numbers = Some(phone_numbers(transaction, row, id)?);
    }
    if include.street_addresses {
        contact.street_addresses = Some(street_addresses(transaction, row, id)?);
    }
    if include.list_memberships {
        contact.list_memberships = Some(list_memberships(transaction, row)?);
    }
    if include.taggings {
        contact.taggings = Some(taggings(transaction, row)?);
    }
    if include.notes {
        contact.notes = Some(notes(transaction, row)?);
    }
    Ok(())
}

fn custom_fields(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<Vec<CustomField>> {
    transaction
        .prepare_cached(
            "SELECT custom_field_id, value, type, field FROM custom_values JOIN custom_fields ON custom_fields.id = field
         WHERE contact = ?1 ORDER BY field",
        )?
        .query_map([row], |row| {
            let value: String = row.get(1)?;
            let choice_ids = match row.get_ref(2)?.as_str()? {
                "single_select" => chosen(transaction, row.get(3)?, &[&value])?,
                "multi_select" => chosen(transaction, row.get(3)?, &custom::chosen(&value))?,
                _ => Vec::new(),
            };
            Ok(CustomField { custom_field_id: row.get::<_, Id>(0)?.to_string(), value, choice_ids })
        })?
        .collect()
}

/// The identifiers of the choices with these labels, as texts.
fn chosen(transaction: &Transaction<'_>, field: i64, labels: &[&str]) -> rusqlite::Result<Vec<String>> {
    let mut find =
        transaction.prepare_cached("SELECT choice_id FROM choices WHERE field = ?1 AND label = ?2 COLLATE NOCASE")?;
    let mut ids = Vec::new();
    for label in labels {
        ids.extend(find.query_row(params![field, label], |row| row.get::<_, i64>(0)).optional()?);
    }
    Ok(ids.iter().map(i64::to_string).collect())
}

fn taggings(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<Vec<String>> {
    transaction
        .prepare_cached("SELECT tag_id FROM taggings JOIN tags ON tags.id = tag WHERE contact = ?1 ORDER BY tag")?
        .query_map([row], |row| Ok(row.get::<_, Id>(0)?.to_string()))?
        .collect()
}

fn notes(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<Vec<Note>> {
    transaction
        .prepare_cached("SELECT note_id, created_at, content FROM notes WHERE contact = ?1 ORDER BY id DESC")?
        .query_map([row], |row| {
            Ok(Note {
                note_id: row.get::<_, Id>(0)?.to_string(),
                created_at: row.get::<_, Time>(1)?.to_string(),
                content: row.get(2)?,
            })
        })?
        .collect()
}

fn phone_numbers(transaction: &Transaction<'_>, row: i64, id: Id) -> rusqlite::Result<Vec<Phone>> {
    transaction
        .prepare_cached(
            "SELECT kind, phone_number, created_at, updated_at FROM phones WHERE contact = ?1 ORDER BY kind",
        )?
        .query_map([row], |row| {
            let kind: String = row.get(0)?;
            Ok(Phone {
                phone_number_id: id.part(&format!("phone {kind}")).to_string(),
                phone_number: truncated(row.get(1)?, PHONE_SHOWN),
                kind,
                created_at: row.get::<_, Time>(2)?.to_string(),
                updated_at: row.get::<_, Time>(3)?.to_string(),
                update_source: "Account",
                create_source: "Account",
            })
        })?
        .collect()
}

fn street_addresses(transaction: &Transaction<'_>, row: i64, id: Id) -> rusqlite::Result<Vec<Address>> {
    transaction
        .prepare_cached(
            "SELECT kind, street, street2, city, state, postal_code, country, created_at, updated_at
         FROM addresses WHERE contact = ?1 ORDER BY kind",
        )?
        .query_map([row], |row| {
            let kind: String = row.get(0)?;
            // The service appends the second line to the first.
            let street = match (row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?) {
                (Some(first), Some(second)) => Some(truncated(format!("{first} {second}"), STREET_SHOWN)),
                (first, second) => first.or(second),
            };
            Ok(Address {
                street_address_id: id.part(&format!("address {kind}")).to_string(),
                kind,
                street,
                city: row.get(3)?,
                state: row.get(4)?,
                postal_code: row.get(5)?,
                country: row.get(6)?,
                created_at: row.get::<_, Time>(7)?.to_string(),
                updated_at: row.get::<_, Time>(8)?.to_string(),
            })
        })?
        .collect()
}

fn list_memberships(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<Vec<String>> {
    transaction
        .prepare_cached(
            "SELECT list_id FROM memberships JOIN lists ON lists.id = list WHERE contact = ?1 ORDER BY list",
        )?
        .query_map([row], |row| Ok(row.get::<_, Id>(0)?.to_string()))?
        .collect()
}
