//! One contact, checked by the rules of an import.

use super::incoming::Incoming;
use super::{Body, CleanedBody, clean};
use crate::account::runner::{Runner, Stopwatch};
use crate::account::{Error, Result};
use crate::model::error::Kind;
use crate::rules::custom::Fields;
use crate::rules::date::Date;
use serde_json::{Map, Value, json};
use std::sync::atomic::AtomicBool;

/// A contact that the rules let through, as JSON.
pub(in crate::account) struct CleanedContact(Vec<u8>);

/// The body needs a list; which one does not matter to the rules.
const ANY_LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

/// What stands before the text of an error about the only contact of a body.
const ONLY: &str = "contact 0: ";

/// Checks a contact in the members of an import; `fields` are the account's custom fields. Unlike an import, this
/// accepts a contact whole or not at all.
///
/// # Errors
/// [`Error::Refused`] with everything that an import would not take.
pub(in crate::account) fn clean_one(
    contact: &Map<String, Value>,
    explicit: bool,
    fields: Fields,
    today: Date,
) -> Result<CleanedContact> {
    let permission = if explicit { "explicit" } else { "not_set" };
    let body = json!({"list_ids": [ANY_LIST], "sms_permission_to_send": permission, "import_data": [contact]});
    let bytes = serde_json::to_vec(&body).map_err(|error| Error::Invalid(error.to_string()))?;
    let stop = AtomicBool::new(false);
    let runner = Runner::unlimited(&stop);
    let cleaned = clean(Body { bytes, ..Body::default() }, fields, today, &Stopwatch::start(&runner))?;
    if cleaned.errors.others + cleaned.errors.correctable > 0 {
        return Err(Error::Refused(texts(cleaned.errors.into_texts())));
    }
    Ok(CleanedContact(cleaned.body))
}

/// Texts of errors without the index of the only contact.
pub(in crate::account) fn texts(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().map(|text| text.strip_prefix(ONLY).map_or(text.clone(), str::to_owned)).collect()
}

impl CleanedContact {
    /// The members of the contact.
    pub(in crate::account) fn members(&self) -> Result<Incoming<'_>> {
        let what = |what: String| Error::Body(Kind::Counts { what }.into());
        let body: CleanedBody<'_> =
            serde_json::from_slice(&self.0).map_err(|error| what(format!("the cleaned contact: {error}")))?;
        body.import_data.into_iter().next().ok_or_else(|| what("the cleaned contact is missing".into()))
    }
}
