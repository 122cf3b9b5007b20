//! What is asked of the service beside the delivery itself.

use super::activity::{Fault, Field, List, Page};
use super::sender::Sender;
use super::{Error, Result};
use crate::model::printable::printable;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Pages that a collection may have.
const PAGES: usize = 100;

/// The account, as far as the service names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its identifier.
    #[serde(default, rename = "encoded_account_id")]
    pub id: Option<String>,
    /// Whose it is.
    #[serde(default, rename = "organization_name")]
    pub name: Option<String>,
}

impl Account {
    /// Its name for a person, or else its identifier; `None` if the service gives neither.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let text = self.name.as_deref().filter(|name| !name.is_empty()).or(self.id.as_deref())?;
        Some(printable(text).into_owned())
    }
}

impl Sender<'_> {
    /// The account that the token is for. The service needs the scope `account_read` for it; without that, nothing is known.
    ///
    /// # Errors
    /// The service does not answer, or not to this token.
    pub fn account_summary(&mut self) -> Result<Account> {
        let answer = self.get("/account/summary", &[403, 404])?;
        Ok(answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default())
    }

    /// The lists of the account.
    ///
    /// # Errors
    /// The service does not answer, or not to this token.
    pub fn lists(&mut self) -> Result<Vec<List>> {
        let mut lists = Vec::new();
        self.collect("/contact_lists?limit=500", |page| lists.extend(page.lists))?;
        Ok(lists)
    }

    /// The custom fields of the account.
    ///
    /// # Errors
    /// The service does not answer, or not to this token.
    pub fn fields(&mut self) -> Result<Vec<Field>> {
        let mut fields = Vec::new();
        self.collect("/contact_custom_fields?limit=100", |page| fields.extend(page.custom_fields))?;
        Ok(fields)
    }

    fn collect(&mut self, path: &str, mut take: impl FnMut(Page)) -> Result<()> {
        let mut path = path.to_owned();
        let mut seen = BTreeSet::new();
        for _ in 0..PAGES {
            let Some(answer) = self.get(&path, &[404])? else {
                return Err(self.no_path(&path));
            };
            let Some(page) = Page::parse(&answer.body) else {
                let what = Fault::parse(&answer.body).text();
                return Err(Error::could(format!(
                    "what the service answers for {path} is no page of it {what}; check --base-url"
                )));
            };
            let next = page.next().map(str::to_owned);
            take(page);
            match next {
                Some(next) if seen.insert(next.clone()) => path = next,
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}
