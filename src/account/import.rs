//! What an import does to an account: the core's own cleaning says what is imported, and this says where it goes.

use super::contacts::{ADDRESSES, PHONES};
use super::runner::Halt;
use super::values::{Id, Time};
use super::{Result, fields, lists};
use crate::document::envelope::{EnvelopeOverrides, SmsPermission};
use crate::model::error::Kind;
use crate::model::finding::Code;
use crate::model::limits::{Limits, MAX_BYTES, MAX_CONTACTS};
use crate::model::member::{Family, MemberId};
use crate::rules::date::Date;
use crate::rules::{Effect, Settings, rule};
use crate::run::job::{InMemory, Job, Mode, Progress, run_in_memory};
use rusqlite::{CachedStatement, OptionalExtension, Row, Transaction, params};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

/// Most phones of a contact.
pub const PHONES_MAX: usize = 3;
/// Most custom fields of a contact.
pub const FIELDS_MAX: usize = crate::rules::custom::MAX;
/// Most lists that a contact is in.
pub const LISTS_MAX: usize = 50;
/// Most values of an activity that were not imported, and are told one by one; and as many contacts that the body has twice.
/// Contacts that were not imported are all told.
pub const VALUES_TOLD: usize = 1000;

/// A body that is to be imported.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// Its bytes; of one that is too large, those up to the limit, and at least one behind it.
    pub bytes: Vec<u8>,
    /// Bytes behind those, which nobody kept.
    pub bytes_dropped: u64,
    /// What options say about its envelope.
    pub asked: EnvelopeOverrides,
}

/// What the endpoint reads of a body.
const LIMITS: Limits = Limits { max_bytes: MAX_BYTES, max_contacts: MAX_CONTACTS };
/// Most bytes of a body that are of use: one behind the limit shows that there are more.
pub const KEPT_MAX: usize = MAX_BYTES as usize + 1;

/// What the errors of an import come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors {
    /// Texts: of every contact that was not imported, and of the first values.
    pub texts: Vec<String>,
    /// Values that are among the texts.
    pub values: usize,
    /// More values, of which there is no text.
    pub untold: u64,
    /// Contacts that another contact of the body comes after, and that are among the texts.
    pub repeats: usize,
    /// More such contacts, of which there is no text.
    pub untold_repeats: u64,
    /// How many there are of each code.
    pub codes: BTreeMap<String, u64>,
    /// Those that the service would let its users mend: bad addresses, birthdays and anniversaries, and contacts without
    /// identity.
    pub correctable: u64,
    /// The others.
    pub others: u64,
}

impl Errors {
    fn count(&mut self, code: &str) {
        match self.codes.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(self.codes.insert(code.to_owned(), 1)),
        }
    }

    /// A contact that the body has twice. It is no error: the account has what both of them said, the later over the earlier.
    fn repeat(&mut self, code: &str, text: impl FnOnce() -> String) {
        self.count(code);
        if self.repeats < VALUES_TOLD {
            self.repeats += 1;
            self.texts.push(text());
        } else {
            self.untold_repeats += 1;
        }
    }

    fn tell(&mut self, code: &str, is_contact: bool, text: impl FnOnce() -> String) {
        self.count(code);
        if is_contact {
            self.texts.push(text());
        } else if self.values < VALUES_TOLD {
            self.values += 1;
            self.texts.push(text());
        } else {
            self.untold += 1;
        }
    }

    /// An error of the import itself.
    fn add(&mut self, code: Code, contact: u64, field: &str, detail: &str) {
        self.others += 1;
        let rule = rule(code);
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        self.tell(code.as_str(), rule.effect == Effect::Rejects, || {
            format!("contact {contact}: {code}, {field}: {}{detail}", rule.message)
        });
    }

    /// The texts, with a last one that says how many more there are.
    #[must_use]
    pub fn into_texts(mut self) -> Vec<String> {
        if self.untold > 0 {
            self.texts.push(format!("{} more values were not imported, and are not listed here", self.untold));
        }
        if self.untold_repeats > 0 {
            let (code, n) = (Code::DUP001, self.untold_repeats);
            self.texts.push(format!("{code}: {n} more contacts were seen before in the body, and are not listed here"));
        }
        self.texts
    }
}

/// A line of the report.
#[derive(Deserialize)]
struct Line<'a> {
    contact: Option<u64>,
    #[serde(borrow)]
    code: Cow<'a, str>,
    field: Option<String>,
    severity: &'a str,
    outcome: &'a str,
    message: Cow<'a, str>,
}

/// True for what the service calls a correctable error.
fn is_correctable(code: Code, field: Option<&str>) -> bool {
    use Code::*;
    match code {
        EML001 | EML002 | EML003 | EML004 | EML007 | BDY001 | BDY002 | BDY003 | CON002 => true,
        _ => matches!(field, Some("email" | "birthday_month" | "birthday_day" | "anniversary")),
    }
}

/// A body that was cleaned, ready to be imported.
pub struct Cleaned {
    /// Identifiers of the lists.
    lists: Vec<String>,
    explicit: bool,
    /// The cleaned body.
    body: Vec<u8>,
    /// Contacts that were rejected.
    rejected: HashSet<u64>,
    /// Contacts of the body up to its limit.
    pub contacts: u64,
    /// Those of them that are in the cleaned body.
    pub accepted: u64,
    /// What was wrong.
    pub errors: Errors,
}

fn job<'p>(asked: &EnvelopeOverrides, fields: Option<HashSet<String>>, progress: &'p dyn Progress) -> Job<'p> {
    Job {
        progress: Some(progress),
        settings: Settings {
            as_of: Date::today(),
            custom_fields: fields.map(|names| names.into_iter().collect()),
            ..Settings::default()
        },
        asked: asked.clone(),
        // The limit is that of what came. What is written of it may be a little larger, and goes nowhere but here.
        limits: Limits { max_bytes: 4 * MAX_BYTES, max_contacts: MAX_CONTACTS },
        report: Some("report".into()),
        ..Job::new(vec!["the body".into()], Mode::Request, "cleaned".into())
    }
}

/// Whether a body can be imported at all: its JSON up to the limit, and its envelope. `progress` may end this early.
///
/// # Errors
/// It cannot.
pub fn look(body: &[u8], asked: &EnvelopeOverrides, progress: &dyn Progress) -> Result<()> {
    let job = Job { report: None, ..job(asked, None, progress) };
    match run_in_memory(&job, body.to_vec(), LIMITS)?.summary.stop {
        Some(stop) => Err(stop.into()),
        None => Ok(()),
    }
}

/// Cleans a body by the rules of the core; `fields` are the names of the account's custom fields. `progress` may end this early.
///
/// # Errors
/// It cannot be imported at all.
pub fn clean(body: Body, fields: HashSet<String>, progress: &dyn Progress) -> Result<Cleaned> {
    let job = job(&body.asked, Some(fields), progress);
    let InMemory { summary, body: cleaned, report } = run_in_memory(&job, body.bytes, LIMITS)?;
    if let Some(stop) = summary.stop {
        return Err(stop.into());
    }
    let receipt = summary.receipt;
    let mut errors = Errors::default();
    if let Some(dropped) = receipt.dropped {
        let bytes = dropped.bytes.unwrap_or(0) + body.bytes_dropped;
        let contacts = match dropped.first_contact {
            Some(contact) => format!("; contact {contact} and those behind it are not imported"),
            // Maybe nothing but the end of the body.
            None => String::new(),
        };
        let text = format!(
            "the body is over its limit of {MAX_BYTES} bytes or {MAX_CONTACTS} contacts: {bytes} bytes were dropped, from byte \
             {} on{contacts}",
            dropped.at_byte
        );
        errors.texts.push(text);
        errors.others += 1;
    }
    let mut rejected = HashSet::new();
    for line in report.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| {
            crate::model::error::Error::from(Kind::Counts { what: format!("a line of the report: {error}") })
        })?;
        let is_rejected = line.outcome == "rejected";
        if is_rejected {
            rejected.extend(line.contact);
        }
        let text = || {
            let contact = line.contact.map_or("the body".to_owned(), |contact| format!("contact {contact}"));
            let field = line.field.as_ref().map(|field| format!(", {field}")).unwrap_or_default();
            format!("{contact}: {}{field}: {}", line.code, line.message)
        };
        // The account merges the two without a word, and what the earlier one said may be gone.
        if line.code == Code::DUP001.as_str() && !is_rejected {
            errors.repeat(&line.code, text);
            continue;
        }
        // What was kept is in the account, and what is wrong with it is no matter of the import.
        if !(line.severity == "error" || is_rejected || line.outcome == "held_back") {
            continue;
        }
        match Code::parse(&line.code) {
            Some(code) if line.severity == "error" && is_correctable(code, line.field.as_deref()) => {
                errors.correctable += 1;
            }
            _ => errors.others += 1,
        }
        errors.tell(&line.code, is_rejected, text);
    }
    Ok(Cleaned {
        lists: receipt.options.list_ids,
        explicit: receipt.options.sms_permission_to_send == Some(SmsPermission::Explicit.as_str()),
        body: cleaned,
        rejected,
        contacts: receipt.contacts.seen,
        accepted: receipt.contacts.accepted,
        errors,
    })
}

/// A cleaned contact.
#[derive(Debug, Default)]
struct Incoming<'a> {
    email: Option<Cow<'a, str>>,
    first_name: Option<Cow<'a, str>>,
    last_name: Option<Cow<'a, str>>,
    job_title: Option<Cow<'a, str>>,
    company_name: Option<Cow<'a, str>>,
    birthday_month: Option<u8>,
    birthday_day: Option<u8>,
    anniversary: Option<Cow<'a, str>>,
    /// In the order of [`PHONES`], each with the member it came in.
    phones: [Option<(&'static str, Cow<'a, str>)>; 4],
    /// In the order of [`ADDRESSES`]: street, street2, city, state, zip, country.
    addresses: [Option<[Option<Cow<'a, str>>; 6]>; 3],
    custom: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    sms_number: Option<Cow<'a, str>>,
    sms_consent_date: Option<Cow<'a, str>>,
}

/// A text that is borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Incoming<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Incoming<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cleaned contact")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Incoming<'de>, A::Error> {
                let mut contact = Incoming::default();
                while let Some(Text(name)) = map.next_key()? {
                    let id = MemberId::of(&name);
                    let text = match id {
                        MemberId::BirthdayMonth => {
                            contact.birthday_month = Some(map.next_value()?);
                            continue;
                        }
                        MemberId::BirthdayDay => {
                            contact.birthday_day = Some(map.next_value()?);
                            continue;
                        }
                        MemberId::Email => &mut contact.email,
                        MemberId::FirstName => &mut contact.first_name,
                        MemberId::LastName => &mut contact.last_name,
                        MemberId::JobTitle => &mut contact.job_title,
                        MemberId::CompanyName => &mut contact.company_name,
                        MemberId::Anniversary => &mut contact.anniversary,
                        MemberId::SmsNumber => &mut contact.sms_number,
                        MemberId::SmsConsentDate => &mut contact.sms_consent_date,
                        MemberId::Custom => {
                            let Text(value) = map.next_value()?;
                            let name = match name {
                                Cow::Borrowed(name) => Cow::Borrowed(&name[3..]),
                                Cow::Owned(name) => Cow::Owned(name[3..].to_owned()),
                            };
                            contact.custom.push((name, value));
                            continue;
                        }
                        _ => {
                            if let Some(place) = phone(id) {
                                let Text(number) = map.next_value()?;
                                // The core lets two of one kind through only when they are the same.
                                contact.phones[place].get_or_insert((id.info().name, number));
                            } else if let Some((kind, part)) = address(id) {
                                let Text(text) = map.next_value()?;
                                contact.addresses[kind].get_or_insert_default()[part].get_or_insert(text);
                            } else {
                                map.next_value::<IgnoredAny>()?;
                            }
                            continue;
                        }
                    };
                    *text = Some(map.next_value::<Text<'de>>()?.0);
                }
                Ok(contact)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The kind of phone that a member brings, by its place in [`PHONES`].
fn phone(member: MemberId) -> Option<usize> {
    Some(match member {
        MemberId::Phone | MemberId::OtherPhone => 0,
        MemberId::HomePhone => 1,
        MemberId::WorkPhone => 2,
        MemberId::MobilePhone => 3,
        _ => return None,
    })
}

/// The kind of address that a member brings, by its place in [`ADDRESSES`], and which part of it.
fn address(member: MemberId) -> Option<(usize, usize)> {
    /// Parts of an address; the table of members has those of one kind behind each other.
    const PARTS: usize = MemberId::HomeStreet as usize - MemberId::Street as usize;
    if member.info().family != Family::Address {
        return None;
    }
    let place = member as usize - MemberId::Street as usize;
    // Without a prefix it is the address at home.
    Some(((place / PARTS).saturating_sub(1), place % PARTS))
}

/// How an import ended.
#[derive(Debug)]
pub enum Applied {
    /// It was done.
    Done {
        /// Contacts that were made or changed.
        imported: u64,
        /// Contacts that were not added to lists, since they unsubscribed.
        unsubscribed: u64,
        /// Lists.
        lists: u64,
        /// All that was wrong.
        errors: Errors,
    },
    /// The account does not have these lists; nothing was written.
    UnknownLists(Vec<String>),
    /// The watch ended it: the transaction must be rolled back.
    Halted(Halt),
}

/// Called with the number of contacts done so far; breaks to end the import.
pub type Watch<'w> = dyn FnMut(u64) -> ControlFlow<Halt> + 'w;

/// Contacts between two calls of the watch.
const STEP: u64 = 256;

/// Applies a cleaned body to the account, all of it in the transaction that is given.
///
/// # Errors
/// The account cannot be written, or the watch says no.
pub fn apply(transaction: &Transaction<'_>, cleaned: Cleaned, watch: &mut Watch<'_>) -> Result<Applied> {
    let Cleaned { lists: list_ids, explicit, body, rejected, mut errors, .. } = cleaned;
    let mut list_rows = Vec::new();
    let mut unknown = Vec::new();
    for list in list_ids {
        let row = match Id::parse(&list) {
            Some(id) => lists::row_of(transaction, id)?,
            None => None,
        };
        match row {
            Some(row) => list_rows.push(row),
            None => unknown.push(list),
        }
    }
    if !unknown.is_empty() {
        return Ok(Applied::UnknownLists(unknown));
    }
    let mut importer = Importer::new(transaction, explicit, list_rows)?;
    /// Nothing but the contacts is looked at.
    #[derive(Deserialize)]
    struct Contacts<'a> {
        #[serde(borrow)]
        import_data: Vec<Incoming<'a>>,
    }
    // Where no contact was accepted there is no body.
    let contacts = match &body[..] {
        [] => Contacts { import_data: Vec::new() },
        body => serde_json::from_slice(body).map_err(|error| {
            crate::model::error::Error::from(Kind::Counts { what: format!("the cleaned body: {error}") })
        })?,
    };
    let (mut imported, mut unsubscribed) = (0, 0);
    // The contacts that are left, by their index in the body that came.
    let indexes = (0..).filter(|index| !rejected.contains(index));
    for (done, (index, contact)) in (0..).zip(indexes.zip(&contacts.import_data)) {
        if done % STEP == 0
            && let ControlFlow::Break(halt) = watch(done)
        {
            return Ok(Applied::Halted(halt));
        }
        match importer.contact(index, contact, &mut errors)? {
            Outcome::Imported => imported += 1,
            Outcome::Unsubscribed => {
                imported += 1;
                unsubscribed += 1;
            }
            Outcome::Refused => {}
        }
    }
    Ok(Applied::Done { imported, unsubscribed, lists: importer.lists.len() as u64, errors })
}

/// What became of one contact.
enum Outcome {
    Imported,
    /// Imported, but into no list.
    Unsubscribed,
    Refused,
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

/// The statements of an import.
struct Importer<'t> {
    explicit: bool,
    lists: Vec<i64>,
    /// The account has more lists than a contact may be in.
    may_have_too_many_lists: bool,
    fields: HashMap<String, i64>,
    now: Time,
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
    fn new(transaction: &'t Transaction<'_>, explicit: bool, lists: Vec<i64>) -> Result<Self> {
        let find = |by: &str| {
            transaction.prepare_cached(&format!(
                "SELECT id, email, email_permission, sms_number, sms_permission FROM contacts WHERE {by} = ?1"
            ))
        };
        let prepare = |sql: &str| transaction.prepare_cached(sql);
        let there: usize = transaction.query_row("SELECT count(*) FROM lists", [], |row| row.get(0))?;
        Ok(Importer {
            explicit,
            lists,
            may_have_too_many_lists: there > LISTS_MAX,
            fields: fields::rows(transaction)?,
            now: Time::now(),
            by_email: find("email")?,
            by_sms: find("sms_number")?,
            insert: prepare(
                "INSERT INTO contacts (contact_id, email, email_permission, opt_in_source, email_created_at,
                 email_updated_at, first_name, last_name, job_title, company_name, birthday_month, birthday_day,
                 anniversary, sms_number, sms_permission, sms_consent_date, sms_created_at, sms_updated_at,
                 create_source, update_source, created_at, updated_at)
                 VALUES (?1, ?2, iif(?2 IS NULL, NULL, 'implicit'), iif(?2 IS NULL, NULL, 'Account'),
                 iif(?2 IS NULL, NULL, ?13), iif(?2 IS NULL, NULL, ?13), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                 iif(?10 IS NULL, NULL, ?13), iif(?10 IS NULL, NULL, ?13), 'Account', 'Account', ?13, ?13)",
            )?,
            update: prepare(
                "UPDATE contacts SET first_name = coalesce(?2, first_name), last_name = coalesce(?3, last_name),
                 job_title = coalesce(?4, job_title), company_name = coalesce(?5, company_name),
                 birthday_month = coalesce(?6, birthday_month), birthday_day = coalesce(?7, birthday_day),
                 anniversary = coalesce(?8, anniversary), update_source = 'Account', updated_at = ?9 WHERE id = ?1",
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

    fn contact(&mut self, index: u64, contact: &Incoming<'_>, errors: &mut Errors) -> Result<Outcome> {
        if let Some((first, again)) = self.same_field(contact) {
            let detail = format!("cf:{first} is the same custom field");
            errors.add(Code::CON003, index, &format!("cf:{again}"), &detail);
            return Ok(Outcome::Refused);
        }
        let email = contact.email.as_deref();
        // The account keeps the digits alone.
        let sms: Option<String> =
            contact.sms_number.as_deref().map(|n| n.chars().filter(char::is_ascii_digit).collect());
        let by_email = match email {
            Some(email) => self.by_email.query_row([email], known).optional()?,
            None => None,
        };
        let by_sms = match &sms {
            Some(number) if by_email.as_ref().is_none_or(|known| known.sms_number.as_ref() != Some(number)) => {
                self.by_sms.query_row([number], known).optional()?
            }
            _ => None,
        };
        let conflict = match (&by_email, &by_sms) {
            (Some(_), Some(_)) => Some("the number is that of another contact than the address"),
            // Who a contact is must not change by an import.
            (None, Some(known)) if email.is_some() && known.email.is_some() => {
                Some("the contact with this number has another address")
            }
            _ => None,
        };
        if let Some(detail) = conflict {
            errors.add(Code::IMP002, index, "sms_number", detail);
            return Ok(Outcome::Refused);
        }
        // The date is kept whatever it is good for; consent it is under `explicit` only, with a number.
        let consent = contact.sms_consent_date.as_deref();
        let has_consent = self.explicit && consent.is_some();
        let permission = if has_consent { "explicit" } else { "not_set" };
        let known = by_email.or(by_sms);
        let row = match &known {
            None => self.insert.insert(params![
                Id::new(),
                email,
                contact.first_name,
                contact.last_name,
                contact.job_title,
                contact.company_name,
                contact.birthday_month,
                contact.birthday_day,
                contact.anniversary,
                sms,
                sms.as_ref().map(|_| permission),
                consent,
                self.now,
            ])?,
            Some(known) => {
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
                ])?;
                if known.email.is_none() && email.is_some() {
                    self.update_email.execute(params![known.row, email, self.now])?;
                }
                // Another number comes with its own consent; that to the same one is given once, and never taken away.
                let is_new = known.sms_number != sms;
                if sms.is_some() && (is_new || (!known.sms_explicit && has_consent)) {
                    self.update_sms.execute(params![known.row, sms, permission, consent, self.now])?;
                } else if consent.is_some() && !known.sms_explicit {
                    self.update_consent_date.execute(params![known.row, consent])?;
                }
                known.row
            }
        };
        let is_known = known.is_some();
        self.parts(index, contact, row, is_known, errors)?;
        if known.is_some_and(|known| known.unsubscribed) {
            return Ok(Outcome::Unsubscribed);
        }
        // A body has at most 50 lists: only what a contact had before can make them too many, where the account has more.
        let mut there: Vec<i64> = match is_known && self.may_have_too_many_lists {
            true => self.lists_of.query_map([row], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?,
            false => Vec::new(),
        };
        for list in &self.lists {
            if there.contains(list) {
                continue;
            }
            if there.len() >= LISTS_MAX {
                errors.add(Code::IMP005, index, "list_ids", "");
                continue;
            }
            there.push(*list);
            self.member.execute([*list, row])?;
        }
        Ok(Outcome::Imported)
    }

    /// Two members of a contact that are one custom field, by its name and by its label: which of them is meant is not known.
    fn same_field<'c>(&self, contact: &'c Incoming<'_>) -> Option<(&'c str, &'c str)> {
        let mut seen: Vec<(i64, &str)> = Vec::new();
        for (name, _) in &contact.custom {
            let Some(field) = self.fields.get(&**name) else { continue };
            if let Some((_, first)) = seen.iter().find(|(there, _)| there == field) {
                return Some((first, name));
            }
            seen.push((*field, name));
        }
        None
    }

    /// Phones, addresses and custom fields.
    fn parts(
        &mut self,
        index: u64,
        contact: &Incoming<'_>,
        row: i64,
        is_known: bool,
        errors: &mut Errors,
    ) -> Result<()> {
        // Kinds that the contact has; looked at only when one comes that it has not.
        let mut kinds = None;
        for ((kind, _), phone) in PHONES.iter().zip(&contact.phones) {
            let Some((member, number)) = phone else { continue };
            if is_known && self.phone_again.execute(params![row, kind, number, self.now])? > 0 {
                continue;
            }
            let kinds = match &mut kinds {
                Some(kinds) => kinds,
                none if is_known => none.insert(self.kinds.query_row([row], |row| row.get::<_, usize>(0))?),
                none => none.insert(0),
            };
            if *kinds >= PHONES_MAX {
                errors.add(Code::IMP003, index, member, "");
                continue;
            }
            *kinds += 1;
            self.phone.execute(params![row, kind, number, self.now])?;
        }
        for ((kind, _), address) in ADDRESSES.iter().zip(&contact.addresses) {
            if let Some([street, street2, city, state, zip, country]) = address {
                self.address.execute(params![row, kind, street, street2, city, state, zip, country, self.now])?;
            }
        }
        if !contact.custom.is_empty() {
            // Only where the account has more fields than a contact may have, what it had before can make them too many.
            let mut there: Vec<i64> = match is_known && self.fields.len() > FIELDS_MAX {
                true => self.fields_of.query_map([row], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?,
                false => Vec::new(),
            };
            for (name, value) in &contact.custom {
                // The core was told the names when it cleaned; a field never goes away.
                let Some(field) = self.fields.get(&**name) else {
                    errors.add(Code::CUS003, index, &format!("cf:{name}"), "");
                    continue;
                };
                let is_there = there.contains(field);
                if !is_there && there.len() >= FIELDS_MAX {
                    errors.add(Code::IMP004, index, &format!("cf:{name}"), "");
                    continue;
                }
                if !is_there {
                    there.push(*field);
                }
                self.custom.execute(params![row, field, value])?;
            }
        }
        Ok(())
    }
}
