//! Contacts, as the endpoint returns them, and as an export that `presort clean` reads.

mod delete;
mod export;
pub mod input;
mod rows;
pub mod view;
pub mod write;

pub(super) use delete::delete_row;

use super::page::{Page, PageRequest};
use super::values::{Id, Time};
use super::{Account, Error, Result};
use rows::COLUMNS;
use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Transaction, params, params_from_iter};
use serde::Serialize;

/// Kinds of phones in the order of their members, and the member of each in an export.
pub const PHONES: [(&str, &str); 4] =
    [("other", "other_phone"), ("home", "home_phone"), ("work", "work_phone"), ("mobile", "mobile_phone")];
/// Kinds of addresses, and the prefix of their members in an export.
pub const ADDRESSES: [(&str, &str); 3] = [("home", "home_"), ("work", "work_"), ("other", "other_")];
/// Most lists of a query.
pub const QUERY_LISTS_MAX: usize = 25;
/// Most tags of a query.
pub const QUERY_TAGS_MAX: usize = 50;

/// A contact. Absent values are left out of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Its identifier, a UUID.
    pub contact_id: String,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<EmailAddress>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// Month of birth, 1 to 12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday_month: Option<u8>,
    /// Day of birth, 1 to 31.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday_day: Option<u8>,
    /// Anniversary, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anniversary: Option<String>,
    /// `Account` or `Contact`: who last changed it.
    pub update_source: String,
    /// `Account`: who created it.
    pub create_source: String,
    /// When it was created, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// The day on which it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
    /// Custom fields, if included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Vec<CustomField>>,
    /// Phones, if included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_numbers: Option<Vec<Phone>>,
    /// Addresses, if included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_addresses: Option<Vec<Address>>,
    /// Lists, if included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_memberships: Option<Vec<String>>,
    /// Identifiers of its tags, if included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taggings: Option<Vec<String>>,
    /// Notes, the newest first, if included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Vec<Note>>,
    /// The number for text messages, and consent to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_channel: Option<SmsChannel>,
}

/// An email address, and permission to send to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmailAddress {
    /// The address.
    pub address: String,
    /// `implicit`, or `unsubscribed`.
    pub permission_to_send: String,
    /// When it was added.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// `Account`.
    pub opt_in_source: String,
    /// When it was added.
    pub opt_in_date: String,
    /// Who unsubscribed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_source: Option<String>,
    /// When it was unsubscribed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_date: Option<String>,
    /// `off`: there is no confirmation.
    pub confirm_status: &'static str,
}

/// The value of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomField {
    /// The field.
    pub custom_field_id: String,
    /// The value.
    pub value: String,
    /// The choices of a `single_select` or `multi_select` that the value names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choice_ids: Vec<String>,
}

/// A note about a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its identifier.
    pub note_id: String,
    /// When it was made, ISO 8601.
    pub created_at: String,
    /// Its text.
    pub content: String,
}

/// A phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Phone {
    /// Its identifier.
    pub phone_number_id: String,
    /// The number.
    pub phone_number: String,
    /// `home`, `work`, `mobile` or `other`.
    pub kind: String,
    /// When it was added.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// `Account`.
    pub update_source: &'static str,
    /// `Account`.
    pub create_source: &'static str,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address {
    /// Its identifier.
    pub street_address_id: String,
    /// `home`, `work` or `other`.
    pub kind: String,
    /// Street, with its second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// The number for text messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmsChannel {
    /// Its identifier.
    pub sms_channel_id: String,
    /// The number, ten digits.
    pub sms_address: String,
    /// `1`.
    pub dial_code: &'static str,
    /// `US`.
    pub country_code: &'static str,
    /// `Account`.
    pub update_source: &'static str,
    /// `Account`.
    pub create_source: &'static str,
    /// Exactly one consent.
    pub sms_channel_consents: [SmsConsent; 1],
}

/// Consent to text messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmsConsent {
    /// `explicit` or `not_set`.
    pub sms_consent_permission: String,
    /// `promotional_sms`.
    pub consent_type: &'static str,
    /// The day of consent, as a timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_in_date: Option<String>,
    /// When the number was added.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// The sub-resources to include in contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Include {
    pub custom_fields: bool,
    pub list_memberships: bool,
    pub phone_numbers: bool,
    pub street_addresses: bool,
    pub taggings: bool,
    pub notes: bool,
}

impl Include {
    /// Everything that a contact can have.
    #[must_use]
    pub fn everything() -> Self {
        Include { taggings: true, notes: true, ..Include::all() }
    }

    /// Everything that an import can write.
    #[must_use]
    pub fn all() -> Self {
        Include {
            custom_fields: true,
            list_memberships: true,
            phone_numbers: true,
            street_addresses: true,
            ..Include::default()
        }
    }

    /// Parses names separated by commas.
    ///
    /// # Errors
    /// A name is unknown.
    pub fn parse(text: &str) -> Result<Self> {
        let mut include = Include::default();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            *match name {
                "custom_fields" => &mut include.custom_fields,
                "list_memberships" => &mut include.list_memberships,
                "phone_numbers" => &mut include.phone_numbers,
                "street_addresses" => &mut include.street_addresses,
                "taggings" => &mut include.taggings,
                "notes" => &mut include.notes,
                _ => {
                    return Err(Error::Invalid(format!(
                        "{name} cannot be included: it is one of custom_fields, list_memberships, phone_numbers, street_addresses, \
                         taggings, notes"
                    )));
                }
            } = true;
        }
        Ok(include)
    }
}

/// The statuses that a query can have.
pub const STATUSES: &[&str] =
    &["all", "active", "deleted", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"];

/// A query for contacts. Times are milliseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    /// The contact of this address, ignoring case.
    pub email: Option<String>,
    /// Contacts in one of these lists.
    pub lists: Vec<String>,
    /// Contacts with one of these tags.
    pub tags: Vec<String>,
    /// Contacts of one of these [`STATUSES`].
    pub statuses: Vec<String>,
    /// Created at this time or later.
    pub created_after: Option<i64>,
    /// Created at this time or earlier.
    pub created_before: Option<i64>,
    /// Changed at this time or later.
    pub updated_after: Option<i64>,
    /// Changed at this time or earlier.
    pub updated_before: Option<i64>,
    /// Sub-resources of each contact.
    pub include: Include,
    /// The page.
    pub page: PageRequest,
}

/// A condition on contacts in SQL, and the values of its parameters.
struct Filter {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Filter {
    fn of(query: &ContactQuery) -> Result<Filter> {
        let mut filter = Filter { sql: String::from("1"), values: Vec::new() };
        if let Some(email) = &query.email {
            filter.and(" AND email = ?", email.clone());
        }
        for (sql, moment) in [
            (" AND created_at >= ?", query.created_after),
            (" AND created_at <= ?", query.created_before),
            (" AND updated_at >= ?", query.updated_after),
            (" AND updated_at <= ?", query.updated_before),
        ] {
            if let Some(moment) = moment {
                filter.and(sql, moment);
            }
        }
        filter.lists(&query.lists)?;
        filter.tags(&query.tags)?;
        filter.statuses(&query.statuses)?;
        Ok(filter)
    }

    fn and(&mut self, sql: &str, value: impl ToSql + 'static) {
        let parameter = self.parameter(value);
        self.sql += &sql.replace('?', &parameter);
    }

    /// Adds a value, and returns its name in SQL.
    fn parameter(&mut self, value: impl ToSql + 'static) -> String {
        self.values.push(Box::new(value));
        format!("?{}", self.values.len())
    }

    fn lists(&mut self, lists: &[String]) -> Result<()> {
        if lists.is_empty() {
            return Ok(());
        }
        if lists.len() > QUERY_LISTS_MAX {
            return Err(Error::Invalid(format!(
                "the query has {} lists: at most {QUERY_LISTS_MAX} are allowed",
                lists.len()
            )));
        }
        let mut parameters = Vec::new();
        for list in lists {
            let id =
                Id::parse(list).ok_or_else(|| Error::Invalid(format!("{list} is not a list_id, which is a UUID")))?;
            parameters.push(self.parameter(id));
        }
        self.sql += &format!(
            " AND EXISTS (SELECT 1 FROM memberships JOIN lists ON lists.id = list
              WHERE contact = contacts.id AND list_id IN ({}))",
            parameters.join(",")
        );
        Ok(())
    }

    fn tags(&mut self, tags: &[String]) -> Result<()> {
        if tags.is_empty() {
            return Ok(());
        }
        if tags.len() > QUERY_TAGS_MAX {
            return Err(Error::Invalid(format!(
                "the query has {} tags: at most {QUERY_TAGS_MAX} are allowed",
                tags.len()
            )));
        }
        let mut parameters = Vec::new();
        for tag in tags {
            let id = Id::parse(tag).ok_or_else(|| Error::Invalid(format!("{tag} is not a tag_id, which is a UUID")))?;
            parameters.push(self.parameter(id));
        }
        self.sql += &format!(
            " AND EXISTS (SELECT 1 FROM taggings JOIN tags ON tags.id = tag
              WHERE contact = contacts.id AND tag_id IN ({}))",
            parameters.join(",")
        );
        Ok(())
    }

    fn statuses(&mut self, statuses: &[String]) -> Result<()> {
        let mut conditions = Vec::new();
        for status in statuses {
            conditions.push(match status.as_str() {
                "all" => "1",
                "active" => "deleted_at IS NULL AND email_permission IS NOT 'unsubscribed'",
                "unsubscribed" => "deleted_at IS NULL AND email_permission = 'unsubscribed'",
                // A contact without an address has no permission to send to one.
                "not_set" => "deleted_at IS NULL AND (email IS NULL OR email_permission = 'not_set')",
                "pending_confirmation" => "deleted_at IS NULL AND email_permission = 'pending_confirmation'",
                "temp_hold" => "deleted_at IS NULL AND email_permission = 'temp_hold'",
                "deleted" => "deleted_at IS NOT NULL",
                _ => {
                    let known = STATUSES.join(", ");
                    return Err(Error::Invalid(format!("{status} is not a status: it is one of {known}")));
                }
            });
        }
        if conditions.is_empty() {
            self.sql += " AND deleted_at IS NULL";
        } else {
            self.sql += &format!(" AND ({})", conditions.join(" OR "));
        }
        Ok(())
    }
}

impl Account {
    /// Contacts, in the order of their creation.
    ///
    /// # Errors
    /// The query is invalid, or the contacts cannot be read.
    pub fn contacts(&self, query: &ContactQuery) -> Result<Page<Contact>> {
        let Filter { sql: filter, mut values } = Filter::of(query)?;
        self.read(|transaction| {
            let count = match query.page.count {
                true => Some(transaction.query_row(
                    &format!("SELECT count(*) FROM contacts WHERE {filter}"),
                    params_from_iter(&values),
                    |row| row.get(0),
                )?),
                false => None,
            };
            values.push(Box::new(query.page.after.unwrap_or(0)));
            values.push(Box::new(query.page.limit_and_one()));
            let sql = format!(
                "SELECT {COLUMNS} FROM contacts WHERE {filter} AND id > ?{} ORDER BY id LIMIT ?{}",
                values.len() - 1,
                values.len()
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(&values), rows::contact)?.map(|row| {
                let (row, id, mut contact) = row?;
                rows::include(transaction, query.include, row, id, &mut contact)?;
                Ok((row, contact))
            });
            query.page.page(rows, count)
        })
    }

    /// One contact.
    ///
    /// # Errors
    /// There is no such contact, or it cannot be read.
    pub fn contact(&self, contact_id: &str, include: Include) -> Result<Contact> {
        let missing = || Error::NotFound(format!("there is no contact {contact_id}"));
        let id = Id::parse(contact_id).ok_or_else(missing)?;
        self.read(|transaction| {
            let found = transaction
                .prepare_cached(&format!("SELECT {COLUMNS} FROM contacts WHERE contact_id = ?1"))?
                .query_row([id], rows::contact)
                .optional()?;
            let (row, id, mut contact) = found.ok_or_else(missing)?;
            rows::include(transaction, include, row, id, &mut contact)?;
            Ok(contact)
        })
    }

    /// Marks the contacts of these addresses as unsubscribed: all of them, or none.
    ///
    /// # Errors
    /// No contact has one of the addresses.
    pub fn unsubscribe(&self, emails: &[String]) -> Result<()> {
        self.write(|transaction| {
            for email in emails {
                let found: Option<(i64, String)> = transaction
                    .query_row(
                        "SELECT id, email_permission FROM contacts WHERE email = ?1 AND deleted_at IS NULL",
                        [email],
                        |row| Ok((row.get(0)?, row.get(1)?)),
                    )
                    .optional()?;
                let Some((row, permission)) = found else {
                    return Err(Error::NotFound(format!("no contact has the address {email}; nothing was changed")));
                };
                if permission == "unsubscribed" {
                    continue;
                }
                unsubscribe_row(transaction, row, self.clock.now())?;
            }
            Ok(())
        })
    }
}

fn unsubscribe_row(transaction: &Transaction<'_>, row: i64, now: Time) -> Result<()> {
    transaction.execute(
        "UPDATE contacts SET email_permission = 'unsubscribed', opt_out_source = 'Contact', opt_out_at = ?2,
         email_updated_at = ?2, updated_at = ?2, update_source = 'Contact', activity = NULL WHERE id = ?1",
        params![row, now],
    )?;
    // As in the service: an unsubscribed contact is in no list.
    transaction.execute("DELETE FROM memberships WHERE contact = ?1", [row])?;
    Ok(())
}

/// Marks the contact of an address as unsubscribed, if the account has one.
pub(super) fn unsubscribe(transaction: &Transaction<'_>, email: &str, now: Time) -> Result<()> {
    let mut find = transaction.prepare_cached("SELECT id FROM contacts WHERE email = ?1")?;
    match find.query_row([email], |row| row.get(0)).optional()? {
        Some(row) => unsubscribe_row(transaction, row, now),
        None => Ok(()),
    }
}
