//! The settings of a cleaner.

use super::cleaner::Cleaner;
use crate::document::ReadOptions;
use crate::document::envelope::{EnvelopeOverrides, SmsPermission};
use crate::document::table::InputFormat;
use crate::json::pointer::Pointer;
use crate::mapping::MapOptions;
use crate::model::error::{Error, Result};
use crate::model::limits::Limits;
use crate::rules::custom::Fields;
use crate::rules::date::{Date, DateOrder};
use crate::rules::suppress::SuppressionList;
use crate::rules::{BadField, Duplicates, OptedOut, PhoneFormat, Settings};
#[cfg(feature = "cli")]
use crate::run::mapping::is_mapped;
use crate::source::Encoding;
use std::fmt;
use std::sync::Arc;

/// Longest address that may be set, in characters.
const EMAIL_MAX: usize = 320;
/// Most threads.
const THREADS_MAX: usize = 1024;
/// Fewest bytes of a key: values behind a shorter one can be guessed, key by key.
const REDACT_KEY_MIN: usize = 16;

/// Builds a [`Cleaner`]. Every setting has a default; none of them skips a check without a trace in the receipt.
///
/// ```
/// use presort::{BadField, Cleaner, Date, Duplicates, PhoneFormat, SmsPermission};
///
/// let cleaner = Cleaner::builder()
///     .list_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a")
///     .sms_permission(SmsPermission::NotSet)
///     .as_of(Date::new(2026, 1, 31).unwrap())
///     .bad_field(BadField::Reject)
///     .duplicates(Duplicates::First)
///     .phone_format(PhoneFormat::Digits)
///     .threads(4)
///     .build()?;
/// # Ok::<(), presort::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a builder does nothing before `build`"]
pub struct CleanerBuilder {
    pub(super) settings: Settings,
    pub(super) as_of: Option<Date>,
    pub(super) overrides: EnvelopeOverrides,
    pub(super) limits: Limits,
    pub(super) threads: Option<usize>,
    pub(super) redact: Option<Vec<u8>>,
    pub(super) reading: ReadOptions,
    pub(super) mapping: MapOptions,
}

impl CleanerBuilder {
    /// Adds a list that the contacts are imported into, a UUID. Lists that are set here replace the `list_ids` of the input.
    ///
    /// Default: the `list_ids` of the input. A body needs at least one list: a run that writes bodies fails without.
    pub fn list_id(mut self, id: impl Into<String>) -> Self {
        self.overrides.list_ids.push(id.into());
        self
    }

    /// Whether the contacts agreed to get text messages. Replaces the `sms_permission_to_send` of the input.
    ///
    /// Default: that of the input.
    pub fn sms_permission(mut self, permission: SmsPermission) -> Self {
        self.overrides.sms_permission = Some(permission);
        self
    }

    /// The day that counts as today: a date of consent after it is an error.
    ///
    /// Default: the day on which a run starts, by the clock and time zone of this machine.
    pub fn as_of(mut self, day: Date) -> Self {
        self.as_of = Some(day);
        self
    }

    /// The array that holds the contacts, in a document with something around them.
    ///
    /// Default: the only array of objects that is a member of the outermost object; of several, none is chosen, which is an error.
    ///
    /// ```
    /// # use presort::{Cleaner, Pointer};
    /// let page = br#"{"data":{"people":[{"email":"joe@example.com"}]},"links":[{"rel":"self"}]}"#;
    /// let cleaner = Cleaner::builder().records(Pointer::parse("/data/people").unwrap()).build()?;
    /// assert_eq!(cleaner.contacts(&page[..]).count(), 1);
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn records(mut self, records: Pointer) -> Self {
        self.reading.records = Some(records);
        self
    }

    /// The object in each record that is the contact. Default: the record itself.
    pub fn contact(mut self, contact: Pointer) -> Self {
        self.reading.contact = Some(contact);
        self
    }

    /// The format of the input. Default: [`InputFormat::Detect`], what its first bytes show.
    ///
    /// ```
    /// # use presort::{Cleaner, InputFormat, Sink};
    /// // The first bytes of this table look like JSON.
    /// let table = b"[x],email\n1,a@example.com\n";
    /// let mut lines = Vec::new();
    /// let cleaner = Cleaner::builder().format(InputFormat::Csv).build()?;
    /// cleaner.clean(&table[..], Sink::lines(&mut lines))?;
    /// assert_eq!(lines, b"{\"email\":\"a@example.com\"}\n");
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn format(mut self, format: InputFormat) -> Self {
        self.reading.format = format;
        self
    }

    /// The sheet of a spreadsheet among the files of [`Cleaner::clean_files`]. Default: the first that is visible.
    ///
    /// ```
    /// # use presort::{Cleaner, Sink};
    /// # std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    /// let cleaner = Cleaner::builder().sheet("Contacts").build()?;
    /// # #[cfg(feature = "spreadsheets")]
    /// cleaner.clean_files(&["testdata/sheets/contacts.xls"], Sink::nothing())?;
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn sheet(mut self, name: impl Into<String>) -> Self {
        self.reading.sheet = Some(name.into());
        self
    }

    /// The encoding of an input that has no byte-order mark. Default: UTF-8, or UTF-16 or UTF-32 where the first bytes show that.
    ///
    /// ```
    /// # use presort::{Cleaner, Contact, Encoding};
    /// let line = b"{\"email\":\"jose@example.com\",\"first_name\":\"Jos\xe9\"}";
    /// let cleaner = Cleaner::builder().encoding(Encoding::of_label("windows-1252").unwrap()).build()?;
    /// let Contact::Accepted { json, .. } = cleaner.contacts(&line[..]).next().unwrap()? else { panic!() };
    /// assert!(json.contains("José"));
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.reading.encoding = Some(encoding);
        self
    }

    /// Longest email address in characters, 1 to 320. Default: 50.
    pub fn email_max(mut self, characters: usize) -> Self {
        self.settings.email_max = characters;
        self
    }

    /// What to do with an optional value that breaks its rule. Default: [`BadField::Hold`].
    ///
    /// ```
    /// # use presort::{BadField, Cleaner};
    /// let line = br#"{"email":"joe@example.com","home_phone":"12345"}"#;
    /// let cleaner = Cleaner::builder().bad_field(BadField::Reject).build()?;
    /// assert!(!cleaner.contacts(&line[..]).next().unwrap()?.is_accepted());
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn bad_field(mut self, bad_field: BadField) -> Self {
        self.settings.bad_field = bad_field;
        self
    }

    /// Cut over-long text at its limit instead of holding it back. Default: false.
    pub fn truncate(mut self, truncate: bool) -> Self {
        self.settings.truncate = truncate;
        self
    }

    /// Check area codes and exchanges against the North American Numbering Plan. Default: false, only the number of digits counts.
    pub fn nanp(mut self, nanp: bool) -> Self {
        self.settings.nanp = nanp;
        self
    }

    /// How phone numbers are written. Default: [`PhoneFormat::Dashed`].
    pub fn phone_format(mut self, format: PhoneFormat) -> Self {
        self.settings.phone_format = format;
        self
    }

    /// The order of the parts of dates whose year is last. Default: [`DateOrder::MonthFirst`].
    ///
    /// ```
    /// # use presort::{Cleaner, DateOrder};
    /// let cleaner = Cleaner::builder().date_order(DateOrder::DayFirst).build()?;
    /// let line = br#"{"email":"joe@example.com","anniversary":"13/05/2001"}"#;
    /// let mut lines = Vec::new();
    /// cleaner.clean(&line[..], presort::Sink::lines(&mut lines))?;
    /// assert_eq!(lines, b"{\"email\":\"joe@example.com\",\"anniversary\":\"2001-05-13\"}\n");
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn date_order(mut self, order: DateOrder) -> Self {
        self.settings.date_order = order;
        self
    }

    /// Restore the leading zeros of US ZIP codes of three or four digits, unless another country or the state of one stands beside
    /// them. Default: false, such a code is kept with a warning.
    pub fn fix_zip(mut self, fix_zip: bool) -> Self {
        self.settings.fix_zip = fix_zip;
        self
    }

    /// Leave out values that are this text, such as `NULL`. White space around it does not matter, case does. Each call adds one;
    /// an empty text adds none. Default: none, words for no value are kept with a warning.
    pub fn null_text(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        let trimmed = crate::rules::text::trim(&text);
        if !trimmed.is_empty() {
            self.settings.null_texts.push(trimmed.to_owned());
        }
        self
    }

    /// What to do with a contact that came before in the same run. Default: [`Duplicates::Keep`].
    pub fn duplicates(mut self, duplicates: Duplicates) -> Self {
        self.settings.duplicates = duplicates;
        self
    }

    /// The custom fields of the account: a value for any other is an error.
    ///
    /// Default: names of custom fields cannot be checked, and receipts say so (`custom_field_names_checked`,
    /// [`Summary::unchecked_custom_fields`](crate::Summary::unchecked_custom_fields)).
    ///
    /// ```
    /// # use presort::{Cleaner, CustomFields};
    /// let fields = CustomFields::from_iter(["Shirt Size"]);
    /// let cleaner = Cleaner::builder().custom_fields(fields).build()?;
    /// let line = br#"{"email":"joe@example.com","cf:Shirt Sise":"S"}"#;
    /// let contact = cleaner.contacts(&line[..]).next().unwrap()?;
    /// assert_eq!(contact.findings()[0].code.as_str(), "CUS003");
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn custom_fields(mut self, fields: Fields) -> Self {
        self.settings.custom_fields = Some(fields);
        self
    }

    /// How the names of an export become members of the contract. Default: names are taken as they are.
    ///
    /// ```
    /// use presort::{Cleaner, MapOptions};
    ///
    /// let options = MapOptions { auto: true, ..MapOptions::default() };
    /// let cleaner = Cleaner::builder().mapping(options).build()?;
    /// let line = br#"{"E-mail Address":"joe@example.com","First Name":"Joe"}"#;
    /// let mut lines = Vec::new();
    /// cleaner.clean(&line[..], presort::Sink::lines(&mut lines))?;
    /// assert_eq!(lines, b"{\"email\":\"joe@example.com\",\"first_name\":\"Joe\"}\n");
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn mapping(mut self, options: MapOptions) -> Self {
        self.mapping = options;
        self
    }

    /// What to do with contacts who opted out of email. Default: [`OptedOut::Reject`].
    pub fn opted_out(mut self, opted_out: OptedOut) -> Self {
        self.settings.opted_out = opted_out;
        self
    }

    /// Reject the contacts whose address is in this list. Default: no list.
    ///
    /// ```
    /// use presort::{Cleaner, SuppressionList};
    ///
    /// let list = SuppressionList::of_lines(["Joe@example.com"]);
    /// let cleaner = Cleaner::builder().suppress(list).build()?;
    /// let line = br#"{"email":"joe@example.com"}"#;
    /// let contact = cleaner.contacts(&line[..]).next().unwrap()?;
    /// assert_eq!(contact.findings()[0].code.as_str(), "OPT004");
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn suppress(mut self, list: SuppressionList) -> Self {
        self.settings.suppressed = Some(Arc::new(list));
        self
    }

    /// Limits of a body, in bytes and contacts. Default: 4,000,000 bytes and 40,000 contacts, those of the endpoint.
    ///
    /// ```
    /// # use presort::{Cleaner, Limits, Sink};
    /// let cleaner = Cleaner::builder()
    ///     .list_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a")
    ///     .limits(Limits { max_bytes: 1_000_000, max_contacts: 1 })
    ///     .build()?;
    /// let lines = b"{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n";
    /// let mut body = Vec::new();
    /// let summary = cleaner.clean(&lines[..], Sink::body(&mut body))?;
    /// assert_eq!(summary.receipt.dropped.unwrap().first_contact, Some(1));
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Threads of a run, 1 to 1024, the calling one among them. Default: 1. The output is the same for any number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Replace values in findings and ledger by a hash with this key (HMAC-SHA-256), so that they can be shared. At least 16
    /// bytes. Rejects and [`Cleaner::contacts`] are not redacted: they are the contacts themselves.
    ///
    /// Default: values are written as they are.
    ///
    /// ```
    /// # use presort::{Cleaner, Sink};
    /// let cleaner = Cleaner::builder().redact_key(*b"sixteen bytes or more").build()?;
    /// let line = br#"{"email":"joe@example.com","home_phone":"12345"}"#;
    /// let mut findings = Vec::new();
    /// cleaner.clean(&line[..], Sink::nothing().findings(&mut findings))?;
    /// assert!(!String::from_utf8_lossy(&findings).contains("12345"));
    /// assert!(Cleaner::builder().redact_key(*b"short").build().is_err());
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn redact_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.redact = Some(key.into());
        self
    }

    /// A member that a worker added to each contact (`--key`): it is left out without a finding.
    #[cfg(feature = "cli")]
    pub(crate) fn key(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if is_mapped(&self.mapping) {
            self.mapping.ignore.push(name.clone());
        }
        self.settings.key = Some(name);
        self
    }

    /// The cleaner.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::model::error::Kind::Usage): a number is out of range, or the key is too short.
    pub fn build(self) -> Result<Cleaner> {
        let refuse = |what: String| Err(Error::usage(what));
        if !(1..=EMAIL_MAX).contains(&self.settings.email_max) {
            return refuse(format!("email_max is {}: it must be 1 to {EMAIL_MAX}", self.settings.email_max));
        }
        if let Some(threads) = self.threads.filter(|threads| !(1..=THREADS_MAX).contains(threads)) {
            return refuse(format!("threads is {threads}: it must be 1 to {THREADS_MAX}"));
        }
        if self.limits.max_contacts == 0 || self.limits.max_bytes == 0 {
            return refuse("limits are 1 or more".to_owned());
        }
        if let Some(key) = self.redact.as_ref().filter(|key| key.len() < REDACT_KEY_MIN) {
            return refuse(format!("the redact key has {} bytes: it must have {REDACT_KEY_MIN} or more", key.len()));
        }
        Ok(Cleaner { options: self })
    }
}

impl fmt::Debug for CleanerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a secret.
        f.debug_struct("CleanerBuilder")
            .field("overrides", &self.overrides)
            .field("as_of", &self.as_of)
            .field("limits", &self.limits)
            .field("threads", &self.threads)
            .field("redacted", &self.redact.is_some())
            .finish_non_exhaustive()
    }
}
