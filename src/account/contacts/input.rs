//! Contacts as a request has them, and the members of an import that they become.

use super::{ADDRESSES, PHONES};
use crate::account::fields::choice_label;
use crate::account::import::{FIELDS_MAX, PHONES_MAX};
use crate::account::values::Id;
use crate::account::{Error, Result};
use crate::rules::date::Date;
use rusqlite::{OptionalExtension, Transaction};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What requests and imports have under the same names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct PersonInput {
    pub first_name: Option<Value>,
    pub last_name: Option<Value>,
    pub job_title: Option<Value>,
    pub company_name: Option<Value>,
    pub birthday_month: Option<Value>,
    pub birthday_day: Option<Value>,
    pub anniversary: Option<Value>,
}

/// A contact to create or to replace. Values are checked by the rules of an import.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct ContactInput {
    pub email_address: Option<EmailInput>,
    #[serde(flatten)]
    pub person: PersonInput,
    pub create_source: Option<String>,
    pub update_source: Option<String>,
    pub custom_fields: Option<Vec<ValueInput>>,
    pub phone_numbers: Option<Vec<PhoneInput>>,
    pub street_addresses: Option<Vec<AddressInput>>,
    pub list_memberships: Option<Vec<String>>,
    pub taggings: Option<Vec<String>>,
    pub notes: Option<Vec<NoteInput>>,
    pub sms_channel: Option<SmsInput>,
}

/// A contact who signs up.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct SignUp {
    pub email_address: Option<String>,
    #[serde(flatten)]
    pub person: PersonInput,
    pub phone_number: Option<String>,
    pub street_address: Option<AddressInput>,
    pub list_memberships: Option<Vec<String>>,
    pub custom_fields: Option<Vec<ValueInput>>,
    pub sms_channel: Option<SmsInput>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct EmailInput {
    pub address: Option<String>,
    pub permission_to_send: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct ValueInput {
    #[serde(default)]
    pub custom_field_id: String,
    pub value: Option<Value>,
    pub choice_ids: Option<Vec<Value>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct PhoneInput {
    pub phone_number: Option<String>,
    pub kind: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct AddressInput {
    pub kind: Option<String>,
    pub street: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct NoteInput {
    pub note_id: Option<String>,
    pub content: Option<String>,
}

/// A number for text messages: with its dial code, or without it as a contact is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct SmsInput {
    pub full_sms_address: Option<String>,
    pub sms_address: Option<String>,
    pub sms_channel_consents: Option<Vec<ConsentInput>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct ConsentInput {
    pub sms_consent_permission: Option<String>,
}

impl SmsInput {
    /// True if consent comes with it.
    pub(super) fn is_explicit(&self) -> bool {
        let explicit = |consent: &ConsentInput| consent.sms_consent_permission.as_deref() == Some("explicit");
        self.sms_channel_consents.iter().flatten().any(explicit)
    }

    /// The number without its dial code.
    fn number(&self) -> Option<String> {
        let number = self.full_sms_address.as_ref().or(self.sms_address.as_ref())?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        Some(match digits.strip_prefix('1') {
            Some(rest) if rest.len() == 10 => rest.to_owned(),
            // The rules say what is wrong with it.
            _ => number.clone(),
        })
    }
}

impl From<SignUp> for ContactInput {
    fn from(form: SignUp) -> Self {
        let phone = |number| vec![PhoneInput { phone_number: Some(number), kind: None }];
        ContactInput {
            email_address: form
                .email_address
                .map(|address| EmailInput { address: Some(address), permission_to_send: None }),
            person: form.person,
            phone_numbers: form.phone_number.map(phone),
            street_addresses: form.street_address.map(|address| vec![address]),
            list_memberships: form.list_memberships,
            custom_fields: form.custom_fields,
            sms_channel: form.sms_channel,
            ..ContactInput::default()
        }
    }
}

fn invalid<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(what.into()))
}

/// A text of a client, short enough for a message.
fn short(text: &str) -> String {
    text.chars().take(50).collect()
}

impl ContactInput {
    /// The members of an import that say the same. Consent without a day is of `today`.
    ///
    /// # Errors
    /// A kind, a custom field or a choice is unknown, or there are too many.
    pub(super) fn members(&self, transaction: &Transaction<'_>, today: Date) -> Result<Map<String, Value>> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Option<&Value>| {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                members.insert(name.to_owned(), value.clone());
            }
        };
        let person = &self.person;
        put("first_name", person.first_name.as_ref());
        put("last_name", person.last_name.as_ref());
        put("job_title", person.job_title.as_ref());
        put("company_name", person.company_name.as_ref());
        put("birthday_month", person.birthday_month.as_ref());
        put("birthday_day", person.birthday_day.as_ref());
        put("anniversary", person.anniversary.as_ref());
        if let Some(address) = self.email_address.as_ref().and_then(|email| email.address.as_ref()) {
            members.insert("email".into(), address.clone().into());
        }
        self.phones(&mut members)?;
        self.addresses(&mut members)?;
        self.values(transaction, &mut members)?;
        if let Some(sms) = &self.sms_channel {
            if let Some(number) = sms.number() {
                members.insert("sms_number".into(), number.into());
            }
            if sms.is_explicit() {
                members.insert("sms_consent_date".into(), today.to_string().into());
            }
        }
        Ok(members)
    }

    fn phones(&self, members: &mut Map<String, Value>) -> Result<()> {
        let phones = self.phone_numbers.as_deref().unwrap_or(&[]);
        if phones.len() > PHONES_MAX {
            return invalid(format!("phone_numbers has {} numbers: {PHONES_MAX} are allowed", phones.len()));
        }
        for phone in phones {
            let kind = phone.kind.as_deref().unwrap_or("other");
            let Some((_, member)) = PHONES.iter().find(|(known, _)| *known == kind) else {
                return invalid(format!("phone_numbers: kind is home, work, mobile or other, not {}", short(kind)));
            };
            let Some(number) = &phone.phone_number else {
                return invalid(format!("phone_numbers: the {kind} phone has no phone_number"));
            };
            if members.insert((*member).to_owned(), number.clone().into()).is_some() {
                return invalid(format!("phone_numbers: two are of the kind {kind}"));
            }
        }
        Ok(())
    }

    fn addresses(&self, members: &mut Map<String, Value>) -> Result<()> {
        let mut kinds = Vec::new();
        for address in self.street_addresses.as_deref().unwrap_or(&[]) {
            let kind = address.kind.as_deref().unwrap_or("");
            let Some((_, prefix)) = ADDRESSES.iter().find(|(known, _)| *known == kind) else {
                return invalid(format!("street_addresses: kind is home, work or other, not {}", short(kind)));
            };
            if kinds.contains(prefix) {
                return invalid(format!("street_addresses: two are of the kind {kind}"));
            }
            kinds.push(prefix);
            for (part, text) in [
                ("street", &address.street),
                ("city", &address.city),
                ("state", &address.state),
                ("zip", &address.postal_code),
                ("country", &address.country),
            ] {
                if let Some(text) = text {
                    members.insert(format!("{prefix}{part}"), text.clone().into());
                }
            }
        }
        Ok(())
    }

    fn values(&self, transaction: &Transaction<'_>, members: &mut Map<String, Value>) -> Result<()> {
        let values = self.custom_fields.as_deref().unwrap_or(&[]);
        if values.len() > FIELDS_MAX {
            return invalid(format!("custom_fields has {} values: {FIELDS_MAX} are allowed", values.len()));
        }
        for given in values {
            let id = &given.custom_field_id;
            let unknown = || Error::Invalid(format!("custom_fields: the account has no custom field {}", short(id)));
            let field = Id::parse(id).ok_or_else(unknown)?;
            let name: Option<String> = transaction
                .prepare_cached("SELECT name FROM custom_fields WHERE custom_field_id = ?1")?
                .query_row([field], |row| row.get(0))
                .optional()?;
            let name = name.ok_or_else(unknown)?;
            let value = match (&given.value, &given.choice_ids) {
                (_, Some(ids)) if !ids.is_empty() => Some(labels(transaction, field, ids)?.into()),
                (value, _) => value.clone().filter(|value| !value.is_null()),
            };
            if let Some(value) = value
                && members.insert(format!("cf:{name}"), value).is_some()
            {
                return invalid(format!("custom_fields: the field {id} is given twice"));
            }
        }
        Ok(())
    }
}

/// The labels of choices, as one value.
fn labels(transaction: &Transaction<'_>, field: Id, ids: &[Value]) -> Result<String> {
    let mut labels = Vec::new();
    for id in ids {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let label = choice_label(transaction, field, &id)?;
        let unknown = || Error::Invalid(format!("custom_fields: the field {field} has no choice {}", short(&id)));
        labels.push(label.ok_or_else(unknown)?);
    }
    Ok(labels.join("; "))
}
