//! Writes the contacts of a cleaned body into the account.

use super::incoming::Incoming;
use super::{FIELDS_MAX, ImportErrors, LISTS_MAX, PHONES_MAX};
use crate::account::clock::{IdOf, Ids, Stamp};
use crate::account::contacts::{ADDRESSES, PHONES};
use crate::account::values::{Id, Time};
use crate::account::{Result, fields};
use crate::model::finding::Code;
use rusqlite::{CachedStatement, OptionalExtension, Row, Transaction, params};
use std::collections::HashMap;

/// What became of one contact.
pub(in crate::account) enum ContactOutcome {
    Imported,
    /// Imported, but into no list.
    Unsubscribed,
    Refused,
}

/// What the account has for the address and the number of a contact.
enum Match {
    New,
    Known(Known),
    Conflict(&'static str),
}

/// The contact that is written.
#[derive(Clone, Copy)]
pub(in crate::account) struct Target {
    /// Its index in the body, for errors.
    pub(in crate::account) index: u64,
    pub(in crate::account) row: i64,
    /// The account had it before.
    pub(in crate::account) is_known: bool,
}

/// A contact of the account.
struct Known {
    row: i64,
    email: Option<String>,
    unsubscribed: bool,
    sms_number: Option<String>,
    sms_explicit: bool,
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        row: row.get(0)?,
        email: row.get(1)?,
        unsubscribed: row.get_ref(2)?.as_str_or_null()? == Some("unsubscribed"),
        sms_number: row.get(3)?,
        sms_explicit: row.get_ref(4)?.as_str_or_null()? == Some("explicit"),
    })
}

/// The prepared statements of an import, and what they need.
pub(in crate::account) struct Importer<'t> {
    explicit: bool,
    pub(super) lists: Vec<i64>,
    /// The account has more lists than a contact may be in.
    may_have_too_many_lists: bool,
    fields: HashMap<String, i64>,
    now: Time,
    activity: Option<Id>,
    pub(in crate::account) ids: Ids,
    by_email: CachedStatement<'t>,
    by_sms: CachedStatement<'t>,
    insert: CachedStatement<'t>,
    update: CachedStatement<'t>,
    update_email: CachedStatement<'t>,
    update_sms: CachedStatement<'t>,
    update_consent_date: CachedStatement<'t>,
    kinds: CachedStatement<'t>,
    phone_again: CachedStatement<'t>,
    phone: CachedStatement<'t>,
    address: CachedStatement<'t>,
    fields_of: CachedStatement<'t>,
    custom: CachedStatement<'t>,
    lists_of: CachedStatement<'t>,
    member: CachedStatement<'t>,
}

impl<'t> Importer<'t> {
    pub(in crate::account) fn new(
        transaction: &'t Transaction<'_>,
        explicit: bool,
        lists: Vec<i64>,
        stamp: Stamp,
    ) -> Result<Self> {
        let find = |by: &str| {
            transaction.prepare_cached(&format!(
                "SELECT id, email, email_permission, sms_number, sms_permission FROM contacts WHERE {by} = ?1"
            ))
        };
        let prepare = |sql: &str| transaction.prepare_cached(sql);
        let count: usize = transaction.query_row("SELECT count(*) FROM lists", [], |row| row.get(0))?;
        Ok(Importer {
            explicit,
            lists,
            may_have_too_many_lists: count > LISTS_MAX,
            fields: fields::rows(transaction)?,
            now: stamp.now,
            activity: stamp.activity,
            ids: stamp.ids(transaction, IdOf::Contact)?,
            by_email: find("email")?,
            by_sms: find("sms_number")?,
            insert: prepare(
                "INSERT INTO contacts (contact_id, email, email_permission, opt_in_source, email_created_at,
                 email_updated_at, first_name, last_name, job_title, company_name, birthday_month, birthday_day,
                 anniversary, sms_number, sms_permission, sms_consent_date, sms_created_at, sms_updated_at,
                 create_source, update_source, created_at, updated_at, activity)
                 VALUES (?1, ?2, iif(?2 IS NULL, NULL, 'implicit'), iif(?2 IS NULL, NULL, 'Account'),
                 iif(?2 IS NULL, NULL, ?13), iif(?2 IS NULL, NULL, ?13), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                 iif(?10 IS NULL, NULL, ?13), iif(?10 IS NULL, NULL, ?13), 'Account', 'Account', ?13, ?13, ?14)",
            )?,
            update: prepare(
                "UPDATE contacts SET first_name = coalesce(?2, first_name), last_name = coalesce(?3, last_name),
                 job_title = coalesce(?4, job_title), company_name = coalesce(?5, company_name),
                 birthday_month = coalesce(?6, birthday_month), birthday_day = coalesce(?7, birthday_day),
                 anniversary = coalesce(?8, anniversary), update_source = 'Account', updated_at = ?9,
                 activity = ?10, deleted_at = NULL WHERE id = ?1",
            )?,
            update_email: prepare(
                "UPDATE contacts SET email = ?2, email_permission = 'implicit', opt_in_source = 'Account',
                 email_created_at = ?3, email_updated_at = ?3 WHERE id = ?1",
            )?,
            update_sms: prepare(
                "UPDATE contacts SET sms_number = ?2, sms_permission = ?3, sms_consent_date = ?4,
                 sms_created_at = iif(sms_number IS ?2, sms_created_at, ?5), sms_updated_at = ?5 WHERE id = ?1",
            )?,
            update_consent_date: prepare("UPDATE contacts SET sms_consent_date = ?2 WHERE id = ?1")?,
            kinds: prepare("SELECT count(*) FROM phones WHERE contact = ?1")?,
            phone_again: prepare(
                "UPDATE phones SET phone_number = ?3, updated_at = ?4 WHERE contact = ?1 AND kind = ?2",
            )?,
            phone: prepare(
                "INSERT INTO phones (contact, kind, phone_number, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
            )?,
            address: prepare(
                "INSERT INTO addresses (contact, kind, street, street2, city, state, postal_code, country, created_at,
                 updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
                 ON CONFLICT DO UPDATE SET street = excluded.street, street2 = excluded.street2, city = excluded.city,
                 state = excluded.state, postal_code = excluded.postal_code, country = excluded.country,
                 updated_at = excluded.updated_at",
            )?,
            fields_of: prepare("SELECT field FROM custom_values WHERE contact = ?1")?,
            custom: prepare(
                "INSERT INTO custom_values (contact, field, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?,
            lists_of: prepare("SELECT list FROM memberships WHERE contact = ?1")?,
            member: prepare("INSERT OR IGNORE INTO memberships (list, contact) VALUES (?1, ?2)")?,
        })
    }

    /// Imports one contact: creates it, or updates the contact that the account has.
    pub(in crate::account) fn contact(
        &mut self,
        index: u64,
        contact: &Incoming<'_>,
        errors: &mut ImportErrors,
    ) -> Result<ContactOutcome> {
        if let Some((first, again)) = self.same_field(contact) {
            let detail = format!("cf:{first} is the same custom field");
            errors.add(Code::CON003, index, &format!("cf:{again}"), &detail);
            return Ok(ContactOutcome::Refused);
        }
        // The account keeps only the digits.
        let sms: Option<String> =
            contact.sms_number.as_deref().map(|number| number.chars().filter(char::is_ascii_digit).collect());
        let known = match self.find(contact.email.as_deref(), sms.as_ref())? {
            Match::New => None,
            Match::Known(known) => Some(known),
            Match::Conflict(detail) => {
                errors.add(Code::IMP002, index, "sms_number", detail);
                return Ok(ContactOutcome::Refused);
            }
        };
        let row = match &known {
            None => self.create(contact, sms.as_ref())?,
            Some(known) => self.update(known, contact, sms.as_ref())?,
        };
        let target = Target { index, row, is_known: known.is_some() };
        self.phones(target, contact, errors)?;
        self.addresses(target, contact)?;
        self.custom_fields(target, contact, errors)?;
        if known.is_some_and(|known| known.unsubscribed) {
            return Ok(ContactOutcome::Unsubscribed);
        }
        self.memberships(target, errors)?;
        Ok(ContactOutcome::Imported)
    }

    /// Finds the contact of an address or a number in the account.
    fn find(&mut self, email: Option<&str>, sms: Option<&String>) -> Result<Match> {
        let by_email = match email {
            Some(email) => self.by_email.query_row([email], known).optional()?,
            None => None,
        };
        let by_sms = match sms {
            Some(number) if by_email.as_ref().is_none_or(|known| known.sms_number.as_ref() != Some(number)) => {
                self.by_sms.query_row([number], known).optional()?
            }
            _ => None,
        };
        Ok(match (by_email, by_sms) {
            (Some(_), Some(_)) => Match::Conflict("the number is that of another contact than the address"),
            // An import must not change the identity of a contact.
            (None, Some(known)) if email.is_some() && known.email.is_some() => {
                Match::Conflict("the contact with this number has another address")
            }
            (Some(known), None) | (None, Some(known)) => Match::Known(known),
            (None, None) => Match::New,
        })
    }

    /// Whether a date of consent is consent: under `explicit` only. The date itself is always kept.
    fn has_consent(&self, contact: &Incoming<'_>) -> bool {
        self.explicit && contact.sms_consent_date.is_some()
    }

    fn sms_permission(&self, contact: &Incoming<'_>) -> &'static str {
        if self.has_consent(contact) { "explicit" } else { "not_set" }
    }

    fn create(&mut self, contact: &Incoming<'_>, sms: Option<&String>) -> Result<i64> {
        let permission = sms.map(|_| self.sms_permission(contact));
        Ok(self.insert.insert(params![
            self.ids.next(),
            contact.email,
            contact.first_name,
            contact.last_name,
            contact.job_title,
            contact.company_name,
            contact.birthday_month,
            contact.birthday_day,
            contact.anniversary,
            sms,
            permission,
            contact.sms_consent_date,
            self.now,
            self.activity,
        ])?)
    }

    fn update(&mut self, known: &Known, contact: &Incoming<'_>, sms: Option<&String>) -> Result<i64> {
        self.update.execute(params![
            known.row,
            contact.first_name,
            contact.last_name,
            contact.job_title,
            contact.company_name,
            contact.birthday_month,
            contact.birthday_day,
            contact.anniversary,
            self.now,
            self.activity,
        ])?;
        if known.email.is_none() && contact.email.is_some() {
            self.update_email.execute(params![known.row, contact.email, self.now])?;
        }
        let (consent, has_consent) = (&contact.sms_consent_date, self.has_consent(contact));
        // A new number comes with its own consent. Consent to the same number is given once, and never withdrawn here.
        let is_new = known.sms_number.as_ref() != sms;
        if sms.is_some() && (is_new || (!known.sms_explicit && has_consent)) {
            let permission = self.sms_permission(contact);
            self.update_sms.execute(params![known.row, sms, permission, consent, self.now])?;
        } else if consent.is_some() && !known.sms_explicit {
            self.update_consent_date.execute(params![known.row, consent])?;
        }
        Ok(known.row)
    }

    /// Two members of a contact that name the same custom field, by its name and by its label: which of them is meant is
    /// unknown.
    fn same_field<'c>(&self, contact: &'c Incoming<'_>) -> Option<(&'c str, &'c str)> {
        let mut found: Vec<(i64, &str)> = Vec::new();
        for (name, _) in &contact.custom {
            let Some(field) = self.fields.get(&**name) else { continue };
            if let Some((_, first)) = found.iter().find(|(earlier, _)| earlier == field) {
                return Some((first, name));
            }
            found.push((*field, name));
        }
        None
    }

    pub(in crate::account) fn phones(
        &mut self,
        target: Target,
        contact: &Incoming<'_>,
        errors: &mut ImportErrors,
    ) -> Result<()> {
        // The number of kinds that the contact has; read only when a new kind comes.
        let mut kinds = None;
        for ((kind, _), phone) in PHONES.iter().zip(&contact.phones) {
            let Some((member, number)) = phone else { continue };
            if target.is_known && self.phone_again.execute(params![target.row, kind, number, self.now])? > 0 {
                continue;
            }
            let kinds = match &mut kinds {
                Some(kinds) => kinds,
                none if target.is_known => {
                    none.insert(self.kinds.query_row([target.row], |row| row.get::<_, usize>(0))?)
                }
                none => none.insert(0),
            };
            if *kinds >= PHONES_MAX {
                errors.add(Code::IMP003, target.index, member, "");
                continue;
            }
            *kinds += 1;
            self.phone.execute(params![target.row, kind, number, self.now])?;
        }
        Ok(())
    }

    pub(in crate::account) fn addresses(&mut self, target: Target, contact: &Incoming<'_>) -> Result<()> {
        for ((kind, _), address) in ADDRESSES.iter().zip(&contact.addresses) {
            if let Some([street, street2, city, state, zip, country]) = address {
                let row = params![target.row, kind, street, street2, city, state, zip, country, self.now];
                self.address.execute(row)?;
            }
        }
        Ok(())
    }

    pub(in crate::account) fn custom_fields(
        &mut self,
        target: Target,
        contact: &Incoming<'_>,
        errors: &mut ImportErrors,
    ) -> Result<()> {
        if contact.custom.is_empty() {
            return Ok(());
        }
        // The earlier fields matter only where the account has more fields than a contact may have.
        let mut present: Vec<i64> = match target.is_known && self.fields.len() > FIELDS_MAX {
            true => self.fields_of.query_map([target.row], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?,
            false => Vec::new(),
        };
        for (name, value) in &contact.custom {
            // Cleaning knew the names; a field may have been deleted since.
            let Some(field) = self.fields.get(&**name) else {
                errors.add(Code::CUS003, target.index, &format!("cf:{name}"), "");
                continue;
            };
            let is_present = present.contains(field);
            if !is_present && present.len() >= FIELDS_MAX {
                errors.add(Code::IMP004, target.index, &format!("cf:{name}"), "");
                continue;
            }
            if !is_present {
                present.push(*field);
            }
            self.custom.execute(params![target.row, field, value])?;
        }
        Ok(())
    }

    /// Adds the contact to the lists of the body.
    pub(in crate::account) fn memberships(&mut self, target: Target, errors: &mut ImportErrors) -> Result<()> {
        // A body has at most 50 lists. The earlier lists matter only where the account has more than that.
        let mut present: Vec<i64> = match target.is_known && self.may_have_too_many_lists {
            true => self.lists_of.query_map([target.row], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?,
            false => Vec::new(),
        };
        for list in &self.lists {
            if present.contains(list) {
                continue;
            }
            if present.len() >= LISTS_MAX {
                errors.add(Code::IMP005, target.index, "list_ids", "");
                continue;
            }
            present.push(*list);
            self.member.execute([*list, target.row])?;
        }
        Ok(())
    }
}
