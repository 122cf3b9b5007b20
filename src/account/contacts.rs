//! Contacts, as the endpoint tells them, and as an export that `presort clean` takes back.

use super::page::{Page, PageRequest};
use super::values::{Id, Time};
use super::{Account, Error, Result};
use crate::json::write::json_string;
use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};
use serde::Serialize;

/// Kinds of phones, in the order of the members they come from, and the member an export has each under.
pub const PHONES: [(&str, &str); 4] =
    [("other", "other_phone"), ("home", "home_phone"), ("work", "work_phone"), ("mobile", "mobile_phone")];
/// Kinds of addresses, and what an export puts before their members.
pub const ADDRESSES: [(&str, &str); 3] = [("home", "home_"), ("work", "work_"), ("other", "other_")];
/// Most lists that contacts can be asked for by.
pub const LISTS_ASKED_MAX: usize = 25;

/// Most characters of a street and of a phone, as the published schema has them: a client refuses the answer if one is longer. The
/// two lines of a street may be longer together, and so may a number with its extension; the account keeps all of them, and
/// an export has them.
const STREET_SHOWN: usize = 255;
const PHONE_SHOWN: usize = 25;

fn cut(mut text: String, chars: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
    text
}

/// A contact. What it has not is left out.
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
    /// `Account`: who last changed it.
    pub update_source: String,
    /// `Account`: who made it.
    pub create_source: String,
    /// When it was made, ISO 8601.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// Custom fields, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Vec<CustomField>>,
    /// Phones, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_numbers: Option<Vec<Phone>>,
    /// Addresses, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_addresses: Option<Vec<Address>>,
    /// Lists, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_memberships: Option<Vec<String>>,
    /// Tags: an import brings none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taggings: Option<[(); 0]>,
    /// Notes: an import brings none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<[(); 0]>,
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
    /// When it came.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// `Account`.
    pub opt_in_source: String,
    /// When it came.
    pub opt_in_date: String,
    /// Who unsubscribed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_source: Option<String>,
    /// When it was unsubscribed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_date: Option<String>,
    /// `off`: nobody is asked to confirm.
    pub confirm_status: &'static str,
}

/// The value of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomField {
    /// The field.
    pub custom_field_id: String,
    /// The value.
    pub value: String,
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
    /// When it came.
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
    /// Street, its second line behind it.
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
    /// When it came.
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
    /// One consent.
    pub sms_channel_consents: [SmsConsent; 1],
}

/// Consent to text messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmsConsent {
    /// `explicit` or `not_set`.
    pub sms_consent_permission: String,
    /// `promotional_sms`.
    pub consent_type: &'static str,
    /// The day of consent, as a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_in_date: Option<String>,
    /// When the number came.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// Which sub-resources are wanted of contacts.
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
    /// Everything an import can bring.
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

    /// Of names with commas between them.
    ///
    /// # Errors
    /// One is none of them.
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
                        "include knows no {name}: custom_fields, list_memberships, phone_numbers, street_addresses, \
                         taggings, notes"
                    )));
                }
            } = true;
        }
        Ok(include)
    }
}

/// The states by which contacts can be asked for.
pub const STATUSES: &[&str] =
    &["all", "active", "deleted", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"];

/// Which contacts are wanted. Moments are milliseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    /// The one of this address, in any case.
    pub email: Option<String>,
    /// Those in one of these lists.
    pub lists: Vec<String>,
    /// Those in one of these states, of [`STATUSES`].
    pub statuses: Vec<String>,
    /// Made at this moment or later.
    pub created_after: Option<i64>,
    /// Made at this moment or before.
    pub created_before: Option<i64>,
    /// Changed at this moment or later.
    pub updated_after: Option<i64>,
    /// Changed at this moment or before.
    pub updated_before: Option<i64>,
    /// What is wanted of each.
    pub include: Include,
    /// Which page.
    pub page: PageRequest,
}

const COLUMNS: &str = "id, contact_id, email, email_permission, opt_in_source, opt_out_source, opt_out_at, \
     email_created_at, email_updated_at, first_name, last_name, job_title, company_name, birthday_month, birthday_day, \
     anniversary, sms_number, sms_permission, sms_consent_date, sms_created_at, sms_updated_at, create_source, \
     update_source, created_at, updated_at";

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(row.get::<_, Option<Time>>(column)?.unwrap_or(Time(0)).to_string())
}

fn contact(row: &Row<'_>) -> rusqlite::Result<(i64, Id, Contact)> {
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
                // Without consent the date says nothing.
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

/// Reads the sub-resources that are wanted.
fn include(
    transaction: &Transaction<'_>,
    wanted: Include,
    row: i64,
    id: Id,
    contact: &mut Contact,
) -> rusqlite::Result<()> {
    if wanted.custom_fields {
        contact.custom_fields = Some(
            transaction
                .prepare_cached(
                    "SELECT custom_field_id, value FROM custom_values JOIN custom_fields ON custom_fields.id = field
                     WHERE contact = ?1 ORDER BY field",
                )?
                .query_map([row], |row| {
                    Ok(CustomField { custom_field_id: row.get::<_, Id>(0)?.to_string(), value: row.get(1)? })
                })?
                .collect::<rusqlite::Result<_>>()?,
        );
    }
    if wanted.phone_numbers {
        contact.phone_numbers = Some(
            transaction
                .prepare_cached(
                    "SELECT kind, phone_number, created_at, updated_at FROM phones WHERE contact = ?1 ORDER BY kind",
                )?
                .query_map([row], |row| {
                    let kind: String = row.get(0)?;
                    Ok(Phone {
                        phone_number_id: id.part(&format!("phone {kind}")).to_string(),
                        phone_number: cut(row.get(1)?, PHONE_SHOWN),
                        kind,
                        created_at: row.get::<_, Time>(2)?.to_string(),
                        updated_at: row.get::<_, Time>(3)?.to_string(),
                        update_source: "Account",
                        create_source: "Account",
                    })
                })?
                .collect::<rusqlite::Result<_>>()?,
        );
    }
    if wanted.street_addresses {
        contact.street_addresses = Some(
            transaction
                .prepare_cached(
                    "SELECT kind, street, street2, city, state, postal_code, country, created_at, updated_at
                     FROM addresses WHERE contact = ?1 ORDER BY kind",
                )?
                .query_map([row], |row| {
                    let kind: String = row.get(0)?;
                    // The service appends the second line to the first.
                    let street = match (row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?) {
                        (Some(first), Some(second)) => Some(cut(format!("{first} {second}"), STREET_SHOWN)),
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
                .collect::<rusqlite::Result<_>>()?,
        );
    }
    if wanted.list_memberships {
        contact.list_memberships = Some(
            transaction
                .prepare_cached(
                    "SELECT list_id FROM memberships JOIN lists ON lists.id = list WHERE contact = ?1 ORDER BY list",
                )?
                .query_map([row], |row| Ok(row.get::<_, Id>(0)?.to_string()))?
                .collect::<rusqlite::Result<_>>()?,
        );
    }
    contact.taggings = wanted.taggings.then_some([]);
    contact.notes = wanted.notes.then_some([]);
    Ok(())
}

impl Account {
    /// Contacts, in the order in which they were made.
    ///
    /// # Errors
    /// What is asked for cannot be, or they cannot be read.
    pub fn contacts(&self, query: &ContactQuery) -> Result<Page<Contact>> {
        let mut filter = String::from("1");
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut and = |sql: &str, value: Box<dyn ToSql>| {
            values.push(value);
            filter += &sql.replace('?', &format!("?{}", values.len()));
        };
        if let Some(email) = &query.email {
            and(" AND email = ?", Box::new(email.clone()));
        }
        for (sql, moment) in [
            (" AND created_at >= ?", query.created_after),
            (" AND created_at <= ?", query.created_before),
            (" AND updated_at >= ?", query.updated_after),
            (" AND updated_at <= ?", query.updated_before),
        ] {
            if let Some(moment) = moment {
                and(sql, Box::new(moment));
            }
        }
        if query.lists.len() > LISTS_ASKED_MAX {
            return Err(Error::Invalid(format!(
                "{} lists are asked for: at most {LISTS_ASKED_MAX} at once",
                query.lists.len()
            )));
        }
        let mut places = Vec::new();
        for list in &query.lists {
            let id = Id::parse(list).ok_or_else(|| Error::Invalid(format!("{list} is no list_id: it is a UUID")))?;
            values.push(Box::new(id));
            places.push(format!("?{}", values.len()));
        }
        if !places.is_empty() {
            filter += &format!(
                " AND EXISTS (SELECT 1 FROM memberships JOIN lists ON lists.id = list
                  WHERE contact = contacts.id AND list_id IN ({}))",
                places.join(",")
            );
        }
        let mut states = Vec::new();
        for status in &query.statuses {
            states.push(match status.as_str() {
                "all" => "1",
                "active" => "email_permission IS NOT 'unsubscribed'",
                "unsubscribed" => "email_permission = 'unsubscribed'",
                // Nobody said anything of an address that is not there.
                "not_set" => "email IS NULL",
                "deleted" | "pending_confirmation" | "temp_hold" => "0",
                _ => {
                    let statuses = STATUSES.join(", ");
                    return Err(Error::Invalid(format!("status knows no {status}: {statuses}")));
                }
            });
        }
        if !states.is_empty() {
            filter += &format!(" AND ({})", states.join(" OR "));
        }
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
            let rows = statement.query_map(params_from_iter(&values), contact)?.map(|row| {
                let (row, id, mut contact) = row?;
                include(transaction, query.include, row, id, &mut contact)?;
                Ok((row, contact))
            });
            query.page.page(rows, count)
        })
    }

    /// One contact.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn contact(&self, contact_id: &str, wanted: Include) -> Result<Contact> {
        let missing = || Error::NotFound(format!("there is no contact {contact_id}"));
        let id = Id::parse(contact_id).ok_or_else(missing)?;
        self.read(|transaction| {
            let found = transaction
                .prepare_cached(&format!("SELECT {COLUMNS} FROM contacts WHERE contact_id = ?1"))?
                .query_row([id], contact)
                .optional()?;
            let (row, id, mut contact) = found.ok_or_else(missing)?;
            include(transaction, wanted, row, id, &mut contact)?;
            Ok(contact)
        })
    }

    /// Notes that the people at these addresses unsubscribed: all of them, or none.
    ///
    /// # Errors
    /// No contact has one of the addresses.
    pub fn unsubscribe(&self, emails: &[String]) -> Result<()> {
        self.write(|transaction| {
            for email in emails {
                let found: Option<(i64, String)> = transaction
                    .query_row("SELECT id, email_permission FROM contacts WHERE email = ?1", [email], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()?;
                let Some((row, permission)) = found else {
                    return Err(Error::NotFound(format!("no contact has the address {email}; nothing was changed")));
                };
                if permission == "unsubscribed" {
                    continue;
                }
                transaction.execute(
                    "UPDATE contacts SET email_permission = 'unsubscribed', opt_out_source = 'Contact', opt_out_at = ?2,
                     email_updated_at = ?2, updated_at = ?2, update_source = 'Contact' WHERE id = ?1",
                    params![row, Time::now()],
                )?;
                // As in the service: who unsubscribed is in no list.
                transaction.execute("DELETE FROM memberships WHERE contact = ?1", [row])?;
            }
            Ok(())
        })
    }

    /// Writes every contact as one line of JSON, in the members of an import: what `presort clean` takes back.
    ///
    /// # Errors
    /// They cannot be read, or `write` said so.
    pub fn export(&self, mut write: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut line = Vec::new();
        self.read(|transaction| {
            let mut contacts = transaction.prepare(
                "SELECT id, email, first_name, last_name, job_title, company_name, birthday_month, birthday_day,
                 anniversary, sms_number, sms_consent_date FROM contacts ORDER BY id",
            )?;
            let mut rows = contacts.query([])?;
            while let Some(row) = rows.next()? {
                line.clear();
                line.push(b'{');
                for (i, name) in ["email", "first_name", "last_name", "job_title", "company_name"].iter().enumerate() {
                    text(name, row.get_ref(i + 1)?.as_str_or_null()?, &mut line);
                }
                for (i, name) in ["birthday_month", "birthday_day"].iter().enumerate() {
                    if let Some(number) = row.get::<_, Option<u8>>(i + 6)? {
                        member(name, &mut line);
                        line.extend_from_slice(number.to_string().as_bytes());
                    }
                }
                text("anniversary", row.get_ref(8)?.as_str_or_null()?, &mut line);
                parts(transaction, row.get(0)?, &mut line)?;
                if let Some(number) = row.get_ref(9)?.as_str_or_null()? {
                    text("sms_number", Some(&dashed(number)), &mut line);
                }
                text("sms_consent_date", row.get_ref(10)?.as_str_or_null()?, &mut line);
                line.extend_from_slice(b"}\n");
                write(&line)?;
            }
            Ok(())
        })
    }
}

/// Phones, addresses and custom fields of an export's line.
fn parts(transaction: &Transaction<'_>, contact: i64, line: &mut Vec<u8>) -> rusqlite::Result<()> {
    let mut phones =
        transaction.prepare_cached("SELECT kind, phone_number FROM phones WHERE contact = ?1 ORDER BY kind")?;
    let mut rows = phones.query([contact])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        if let Some((_, name)) = PHONES.iter().find(|(known, _)| *known == kind) {
            text(name, row.get_ref(1)?.as_str_or_null()?, line);
        }
    }
    let mut addresses = transaction.prepare_cached(
        "SELECT kind, street, street2, city, state, postal_code, country FROM addresses WHERE contact = ?1 ORDER BY kind",
    )?;
    let mut rows = addresses.query([contact])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        if let Some((_, prefix)) = ADDRESSES.iter().find(|(known, _)| *known == kind) {
            for (i, name) in ["street", "street2", "city", "state", "zip", "country"].iter().enumerate() {
                text(&format!("{prefix}{name}"), row.get_ref(i + 1)?.as_str_or_null()?, line);
            }
        }
    }
    let mut custom = transaction.prepare_cached(
        "SELECT name, value FROM custom_values JOIN custom_fields ON custom_fields.id = field
         WHERE contact = ?1 ORDER BY field",
    )?;
    let mut rows = custom.query([contact])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        text(&format!("cf:{name}"), row.get_ref(1)?.as_str_or_null()?, line);
    }
    Ok(())
}

fn member(name: &str, line: &mut Vec<u8>) {
    if line.len() > 1 {
        line.push(b',');
    }
    json_string(name, line);
    line.push(b':');
}

fn text(name: &str, value: Option<&str>, line: &mut Vec<u8>) {
    if let Some(value) = value {
        member(name, line);
        json_string(value, line);
    }
}

/// A number of ten digits, as presort writes numbers.
fn dashed(number: &str) -> String {
    match (number.get(..3), number.get(3..6), number.get(6..)) {
        (Some(area), Some(exchange), Some(line)) => format!("{area}-{exchange}-{line}"),
        _ => number.to_owned(),
    }
}
