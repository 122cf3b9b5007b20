//! Creates and changes single contacts. Their values go through the rules of an import, and are written as by an import.

use super::input::{ContactInput, SignUp};
use super::rows::{self, COLUMNS};
use super::{ADDRESSES, Contact, Include, PHONES};
use crate::account::clock::{IdOf, Stamp};
use crate::account::import::{
    CleanedContact, ImportErrors, Importer, Incoming, LISTS_MAX, Target, clean_one, list_rows, texts,
};
use crate::account::tags::{self, TAGGINGS_MAX};
use crate::account::values::{Id, Time};
use crate::account::{Account, Error, Result, fields, page};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::{Map, Value};

/// Most notes of a contact, and most characters of one.
const NOTES_MAX: usize = 150;
const NOTE_MAX: usize = 2000;

/// What permission an address can have.
const PERMISSIONS: [&str; 6] = ["explicit", "implicit", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"];

/// What became of a contact who signed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedUp {
    /// The contact.
    pub contact_id: String,
    /// `created` or `updated`.
    pub action: &'static str,
}

/// A source of a change: `Account` or `Contact`.
fn source<'s>(name: &str, source: Option<&'s str>) -> Result<&'s str> {
    match source {
        Some(source @ ("Account" | "Contact")) => Ok(source),
        Some(_) | None => Err(Error::Invalid(format!("{name} is required, and is Account or Contact"))),
    }
}

fn permission(input: &ContactInput) -> Result<Option<&str>> {
    let given = input.email_address.as_ref().and_then(|email| email.permission_to_send.as_deref());
    match given {
        Some(given) if !PERMISSIONS.contains(&given) => {
            let known = PERMISSIONS.join(", ");
            Err(Error::Invalid(format!("email_address.permission_to_send is one of {known}")))
        }
        given => Ok(given),
    }
}

fn lists(transaction: &Transaction<'_>, ids: Option<&[String]>) -> Result<Vec<i64>> {
    let ids = ids.unwrap_or(&[]);
    if ids.len() > LISTS_MAX {
        return Err(Error::Invalid(format!("list_memberships has {} lists: {LISTS_MAX} are allowed", ids.len())));
    }
    list_rows(transaction, ids.to_vec())?.map_err(|unknown| {
        let unknown: String = unknown.join(", ").chars().take(200).collect();
        Error::Invalid(format!("list_memberships: the account has no such list: {unknown}"))
    })
}

/// What a contact is known by.
struct Identity {
    row: i64,
    email: Option<String>,
    sms_number: Option<String>,
    permission: Option<String>,
}

fn identity(transaction: &Transaction<'_>, contact_id: &str) -> Result<Identity> {
    let missing = || Error::NotFound(format!("there is no contact {contact_id}"));
    let id = Id::parse(contact_id).ok_or_else(missing)?;
    transaction
        .prepare_cached("SELECT id, email, sms_number, email_permission FROM contacts WHERE contact_id = ?1")?
        .query_row([id], |row| {
            Ok(Identity { row: row.get(0)?, email: row.get(1)?, sms_number: row.get(2)?, permission: row.get(3)? })
        })
        .optional()?
        .ok_or_else(missing)
}

/// The digits of a cleaned number.
fn digits(incoming: &Incoming<'_>) -> Option<String> {
    incoming.sms_number.as_deref().map(|number| number.chars().filter(char::is_ascii_digit).collect())
}

/// Refuses the address or number of another contact than the one in `row`.
fn refuse_taken(transaction: &Transaction<'_>, incoming: &Incoming<'_>, row: Option<i64>) -> Result<()> {
    let of = |by: &str, value: Option<&str>| -> Result<Option<(Id, bool)>> {
        let sql = format!("SELECT contact_id, deleted_at IS NOT NULL FROM contacts WHERE {by} = ?1 AND id IS NOT ?2");
        Ok(transaction
            .prepare_cached(&sql)?
            .query_row(params![value, row], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    };
    let sms = digits(incoming);
    for (what, by, value) in
        [("email address", "email", incoming.email.as_deref()), ("SMS number", "sms_number", sms.as_deref())]
    {
        if let Some((id, is_deleted)) = of(by, value)? {
            let deleted = if is_deleted { ", which is deleted: PUT it to bring it back" } else { "" };
            return Err(Error::Conflict(format!("the {what} is that of contact {id}{deleted}")));
        }
    }
    Ok(())
}

fn read(transaction: &Transaction<'_>, row: i64) -> Result<Contact> {
    let sql = format!("SELECT {COLUMNS} FROM contacts WHERE id = ?1");
    let (row, id, mut contact) = transaction.prepare_cached(&sql)?.query_row([row], rows::contact)?;
    rows::include(transaction, Include::everything(), row, id, &mut contact)?;
    Ok(contact)
}

impl Account {
    /// Checks the values of a contact. What a change leaves out of its identity comes from `known`.
    fn checked(&self, input: &ContactInput, known: Option<&str>) -> Result<CleanedContact> {
        let explicit = input.sms_channel.as_ref().is_some_and(super::input::SmsInput::is_explicit);
        let (members, names) = self.read(|transaction| {
            let mut members = input.members(transaction, self.clock.today())?;
            if let Some(contact_id) = known {
                let Identity { email, sms_number, .. } = identity(transaction, contact_id)?;
                add_missing(&mut members, "email", email);
                add_missing(&mut members, "sms_number", sms_number);
            }
            Ok((members, fields::known(transaction)?))
        })?;
        clean_one(&members, explicit, names, self.clock.today())
    }

    /// Creates a contact.
    ///
    /// # Errors
    /// A value is one that an import would not take, or another contact has the address or the number.
    pub fn create_contact(&self, input: &ContactInput) -> Result<Contact> {
        let create_source = source("create_source", input.create_source.as_deref())?;
        let permission = permission(input)?.unwrap_or("implicit");
        let cleaned = self.checked(input, None)?;
        let (incoming, stamp) = (cleaned.members()?, self.stamp());
        self.write(|transaction| {
            refuse_taken(transaction, &incoming, None)?;
            let row = import(transaction, input, &incoming, permission != "unsubscribed", stamp)?;
            transaction.execute(
                "UPDATE contacts SET create_source = ?2, update_source = ?2,
                 email_permission = iif(email IS NULL, NULL, ?3), opt_in_source = iif(email IS NULL, NULL, ?2),
                 opt_out_source = iif(?3 = 'unsubscribed', ?2, NULL), opt_out_at = iif(?3 = 'unsubscribed', ?4, NULL)
                 WHERE id = ?1",
                params![row, create_source, permission, stamp.now],
            )?;
            taggings(transaction, row, input)?;
            notes(transaction, row, input, stamp)?;
            read(transaction, row)
        })
    }

    /// Creates the contact of a form, or adds to it what the form has. The contact gives permission with it.
    ///
    /// # Errors
    /// A value is one that an import would not take, or address and number are those of two contacts.
    pub fn sign_up(&self, form: SignUp) -> Result<SignedUp> {
        let input = ContactInput::from(form);
        if input.list_memberships.as_ref().is_none_or(Vec::is_empty) {
            return Err(Error::Invalid("list_memberships is required, with 1 to 50 lists".into()));
        }
        let cleaned = self.checked(&input, None)?;
        let (incoming, stamp) = (cleaned.members()?, self.stamp());
        self.write(|transaction| {
            let known = row_of(transaction, &incoming)?;
            if let Some(row) = known {
                // A sign-up ends an opt-out.
                transaction.execute(
                    "UPDATE contacts SET email_permission = iif(email IS NULL, NULL, 'explicit') WHERE id = ?1",
                    [row],
                )?;
            }
            let row = import(transaction, &input, &incoming, true, stamp)?;
            transaction.execute(
                "UPDATE contacts SET create_source = iif(?2, 'Contact', create_source), update_source = 'Contact',
                 email_permission = iif(email IS NULL, NULL, 'explicit'),
                 opt_in_source = iif(email IS NULL, NULL, 'Contact'), opt_out_source = NULL, opt_out_at = NULL
                 WHERE id = ?1",
                params![row, known.is_none()],
            )?;
            let id: Id =
                transaction.query_row("SELECT contact_id FROM contacts WHERE id = ?1", [row], |row| row.get(0))?;
            let action = if known.is_some() { "updated" } else { "created" };
            Ok(SignedUp { contact_id: id.to_string(), action })
        })
    }

    /// Replaces the values of a contact. Texts and dates that do not come are removed; of the sub-resources only those that come
    /// are replaced. A deleted contact comes back.
    ///
    /// # Errors
    /// There is no such contact, a value is one that an import would not take, or another contact has the address or number.
    pub fn update_contact(&self, contact_id: &str, input: &ContactInput) -> Result<Contact> {
        let update_source = source("update_source", input.update_source.as_deref())?;
        let permission = permission(input)?;
        let cleaned = self.checked(input, Some(contact_id))?;
        let (incoming, stamp) = (cleaned.members()?, self.stamp());
        self.write(|transaction| {
            let known = identity(transaction, contact_id)?;
            refuse_taken(transaction, &incoming, Some(known.row))?;
            let now = stamp.now;
            transaction.execute(
                "UPDATE contacts SET first_name = ?2, last_name = ?3, job_title = ?4, company_name = ?5,
                 birthday_month = ?6, birthday_day = ?7, anniversary = ?8, update_source = ?9, updated_at = ?10,
                 activity = NULL, deleted_at = NULL WHERE id = ?1",
                params![
                    known.row,
                    incoming.first_name,
                    incoming.last_name,
                    incoming.job_title,
                    incoming.company_name,
                    incoming.birthday_month,
                    incoming.birthday_day,
                    incoming.anniversary,
                    update_source,
                    now,
                ],
            )?;
            if input.email_address.is_some() {
                address(transaction, &known, &incoming, permission, update_source, now)?;
            }
            if let Some(sms) = &input.sms_channel {
                let permission = if sms.is_explicit() { "explicit" } else { "not_set" };
                transaction.execute(
                    "UPDATE contacts SET sms_created_at = iif(sms_number IS ?2, sms_created_at, ?5), sms_number = ?2,
                     sms_permission = ?3, sms_consent_date = ?4, sms_updated_at = ?5 WHERE id = ?1",
                    params![known.row, digits(&incoming), permission, incoming.sms_consent_date, now],
                )?;
            }
            replace_parts(transaction, known.row, input, &incoming, stamp)?;
            taggings(transaction, known.row, input)?;
            notes(transaction, known.row, input, stamp)?;
            read(transaction, known.row)
        })
    }
}

fn add_missing(members: &mut Map<String, Value>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        members.entry(name).or_insert(Value::String(value));
    }
}

/// The row of the contact that has the address, else the number.
fn row_of(transaction: &Transaction<'_>, incoming: &Incoming<'_>) -> Result<Option<i64>> {
    let find = |by: &str, value: Option<&str>| -> rusqlite::Result<Option<i64>> {
        let sql = format!("SELECT id FROM contacts WHERE {by} = ?1");
        transaction.prepare_cached(&sql)?.query_row([value], |row| row.get(0)).optional()
    };
    Ok(match find("email", incoming.email.as_deref())? {
        Some(row) => Some(row),
        None => find("sms_number", digits(incoming).as_deref())?,
    })
}

/// Writes a contact as an import does, but whole or not at all.
fn import(
    transaction: &Transaction<'_>,
    input: &ContactInput,
    incoming: &Incoming<'_>,
    with_lists: bool,
    stamp: Stamp,
) -> Result<i64> {
    let lists = lists(transaction, input.list_memberships.as_deref())?;
    let explicit = input.sms_channel.as_ref().is_some_and(super::input::SmsInput::is_explicit);
    let mut errors = ImportErrors::default();
    let lists = if with_lists { lists } else { Vec::new() };
    let mut importer = Importer::new(transaction, explicit, lists, stamp)?;
    importer.contact(0, incoming, &mut errors)?;
    importer.ids.save(transaction)?;
    whole(errors)?;
    row_of(transaction, incoming)?.ok_or_else(|| Error::Conflict("the contact was not written".into()))
}

/// Refuses what an import would have left out.
fn whole(errors: ImportErrors) -> Result<()> {
    if errors.others == 0 {
        return Ok(());
    }
    let is_conflict = errors.codes.contains_key(crate::model::finding::Code::IMP002.as_str());
    let texts = texts(errors.into_texts());
    Err(if is_conflict { Error::Conflict(texts.join("; ")) } else { Error::Refused(texts) })
}

/// Changes the address of a contact and the permission to send to it.
fn address(
    transaction: &Transaction<'_>,
    known: &Identity,
    incoming: &Incoming<'_>,
    permission: Option<&str>,
    update_source: &str,
    now: Time,
) -> Result<()> {
    let before = known.permission.as_deref();
    let permission = permission.or(before).unwrap_or("implicit");
    let is_out = permission == "unsubscribed";
    let changes = before != Some(permission);
    transaction.execute(
        "UPDATE contacts SET email = ?2, email_permission = ?3, email_created_at = coalesce(email_created_at, ?4),
         email_updated_at = ?4, opt_in_source = iif(opt_in_source IS NULL OR (?5 AND NOT ?6), ?7, opt_in_source),
         opt_out_source = iif(?6, iif(?5, ?7, opt_out_source), NULL), opt_out_at = iif(?6, iif(?5, ?4, opt_out_at), NULL)
         WHERE id = ?1",
        params![known.row, incoming.email, permission, now, changes, is_out, update_source],
    )?;
    if is_out {
        // As in the service: an unsubscribed contact is in no list.
        transaction.execute("DELETE FROM memberships WHERE contact = ?1", [known.row])?;
    }
    Ok(())
}

/// Replaces the phones, addresses, custom fields and lists of a contact, each if it comes.
fn replace_parts(
    transaction: &Transaction<'_>,
    row: i64,
    input: &ContactInput,
    incoming: &Incoming<'_>,
    stamp: Stamp,
) -> Result<()> {
    let list_rows = lists(transaction, input.list_memberships.as_deref())?;
    if input.list_memberships.is_some() {
        transaction.execute("DELETE FROM memberships WHERE contact = ?1", [row])?;
    }
    if input.phone_numbers.is_some() {
        for ((kind, _), phone) in PHONES.iter().zip(&incoming.phones) {
            if phone.is_none() {
                transaction.execute("DELETE FROM phones WHERE contact = ?1 AND kind = ?2", params![row, kind])?;
            }
        }
    }
    if input.street_addresses.is_some() {
        for ((kind, _), address) in ADDRESSES.iter().zip(&incoming.addresses) {
            if address.is_none() {
                transaction.execute("DELETE FROM addresses WHERE contact = ?1 AND kind = ?2", params![row, kind])?;
            }
        }
    }
    if input.custom_fields.is_some() {
        transaction.execute("DELETE FROM custom_values WHERE contact = ?1", [row])?;
    }
    let is_out: bool = transaction.query_row(
        "SELECT email_permission IS 'unsubscribed' FROM contacts WHERE id = ?1",
        [row],
        |row| row.get(0),
    )?;
    let mut errors = ImportErrors::default();
    let mut importer = Importer::new(transaction, false, list_rows, stamp)?;
    let target = Target { index: 0, row, is_known: true };
    importer.phones(target, incoming, &mut errors)?;
    importer.addresses(target, incoming)?;
    importer.custom_fields(target, incoming, &mut errors)?;
    if !is_out {
        importer.memberships(target, &mut errors)?;
    }
    whole(errors)
}

fn taggings(transaction: &Transaction<'_>, row: i64, input: &ContactInput) -> Result<()> {
    let Some(ids) = &input.taggings else { return Ok(()) };
    if ids.len() > TAGGINGS_MAX {
        return Err(Error::Invalid(format!("taggings has {} tags: {TAGGINGS_MAX} are allowed", ids.len())));
    }
    transaction.execute("DELETE FROM taggings WHERE contact = ?1", [row])?;
    for id in ids {
        let Some(tag) = tags::row_of(transaction, id)? else {
            let id: String = id.chars().take(50).collect();
            return Err(Error::Invalid(format!("taggings: the account has no tag {id}")));
        };
        transaction.execute("INSERT OR IGNORE INTO taggings (tag, contact) VALUES (?1, ?2)", [tag, row])?;
    }
    Ok(())
}

/// Replaces the notes. Those with the identifier of a note of the contact are kept.
fn notes(transaction: &Transaction<'_>, row: i64, input: &ContactInput, stamp: Stamp) -> Result<()> {
    let Some(notes) = &input.notes else { return Ok(()) };
    if notes.len() > NOTES_MAX {
        return Err(Error::Invalid(format!("notes has {} notes: {NOTES_MAX} are allowed", notes.len())));
    }
    let mut kept: Vec<(Id, Time)> = Vec::new();
    let mut find = transaction.prepare("SELECT note_id, created_at FROM notes WHERE contact = ?1")?;
    for note in find.query_map([row], |row| Ok((row.get(0)?, row.get(1)?)))? {
        kept.push(note?);
    }
    transaction.execute("DELETE FROM notes WHERE contact = ?1", [row])?;
    // The newest comes first, and is written last.
    for note in notes.iter().rev() {
        let content = note.content.as_deref().unwrap_or("").trim();
        if content.is_empty() {
            return Err(Error::Invalid("notes: a note has no content".into()));
        }
        page::length("the content of a note", content, NOTE_MAX)?;
        let given = note.note_id.as_deref().and_then(Id::parse);
        let at = kept.iter().position(|(id, _)| Some(*id) == given);
        let (id, created_at) = match at {
            Some(at) => kept.swap_remove(at),
            None => (stamp.id(transaction, IdOf::Note)?, stamp.now),
        };
        transaction.execute(
            "INSERT INTO notes (note_id, contact, content, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![id, row, content, created_at],
        )?;
    }
    Ok(())
}
