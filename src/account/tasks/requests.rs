//! The request bodies of bulk activities, and what must be right about them before they are accepted.

use crate::account::values::Id;
use crate::account::{Error, Result};
use serde::Deserialize;

/// Most contacts that a request names.
const CONTACTS_MAX: usize = 500;
/// Most lists or tags that a request names.
const LISTS_MAX: usize = 50;

/// Contacts to delete: these, or all members of these lists.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct DeleteContacts {
    pub contact_ids: Option<Vec<String>>,
    pub list_ids: Option<Vec<String>>,
}

/// Contacts to add to lists, or to remove from them.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct Memberships {
    #[serde(default)]
    pub source: Source,
    #[serde(default)]
    pub exclude: Exclude,
    #[serde(default)]
    pub list_ids: Vec<String>,
}

/// The contacts: exactly one member says which.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct Source {
    pub contact_ids: Option<Vec<String>>,
    pub list_ids: Option<Vec<String>>,
    pub tag_ids: Option<Vec<String>>,
    pub all_active_contacts: Option<bool>,
    pub engagement_level: Option<String>,
    pub segment_id: Option<i64>,
}

/// Contacts of the source to leave out.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)]
pub struct Exclude {
    pub contact_ids: Option<Vec<String>>,
}

fn invalid<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(what.into()))
}

/// Checks a list of identifiers.
fn ids(name: &str, ids: &[String], max: usize) -> Result<()> {
    if ids.is_empty() || ids.len() > max {
        return invalid(format!("{name} has {} identifiers: 1 to {max} are allowed", ids.len()));
    }
    match ids.iter().find(|id| Id::parse(id).is_none()) {
        Some(bad) => invalid(format!("{name}: {bad} is not an identifier, which is a UUID")),
        None => Ok(()),
    }
}

impl DeleteContacts {
    pub(super) fn check(&self) -> Result<()> {
        match (&self.contact_ids, &self.list_ids) {
            (Some(contacts), None) => ids("contact_ids", contacts, CONTACTS_MAX),
            (None, Some(lists)) => ids("list_ids", lists, LISTS_MAX),
            _ => invalid("give either contact_ids or list_ids"),
        }
    }
}

impl Memberships {
    pub(super) fn check(&self) -> Result<()> {
        ids("list_ids", &self.list_ids, LISTS_MAX)?;
        let Source { contact_ids, list_ids, tag_ids, all_active_contacts, engagement_level, segment_id } = &self.source;
        for (name, is_given) in [("engagement_level", engagement_level.is_some()), ("segment_id", segment_id.is_some())]
        {
            if is_given {
                return invalid(format!("source.{name} is not supported here"));
            }
        }
        let all = *all_active_contacts == Some(true);
        let given = [contact_ids.is_some(), list_ids.is_some(), tag_ids.is_some(), all];
        if given.into_iter().filter(|given| *given).count() != 1 {
            return invalid("source has exactly one of contact_ids, list_ids, tag_ids and all_active_contacts");
        }
        if let Some(contacts) = contact_ids {
            ids("source.contact_ids", contacts, CONTACTS_MAX)?;
        }
        if let Some(lists) = list_ids {
            ids("source.list_ids", lists, LISTS_MAX)?;
        }
        if let Some(tags) = tag_ids {
            ids("source.tag_ids", tags, LISTS_MAX)?;
        }
        match &self.exclude.contact_ids {
            Some(_) if contact_ids.is_some() => invalid("exclude cannot be used with source.contact_ids"),
            Some(excluded) if !excluded.is_empty() => ids("exclude.contact_ids", excluded, CONTACTS_MAX),
            _ => Ok(()),
        }
    }
}
