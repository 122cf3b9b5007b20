//! Counts of all contacts, and what is known of the account itself.

use super::clock::DAY;
use super::values::Id;
use super::{Account, Result};
use rusqlite::params;
use serde::Serialize;

/// Contacts by their permission. Deleted contacts do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactCounts {
    /// All contacts.
    pub total: u64,
    /// Contacts who gave permission themselves.
    pub explicit: u64,
    /// Contacts whose permission is assumed.
    pub implicit: u64,
    /// Contacts who have yet to confirm.
    pub pending: u64,
    /// Contacts who unsubscribed.
    pub unsubscribed: u64,
    /// Contacts of the last 30 days, if included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_subscriber: Option<u64>,
}

/// What is known of the account. Everything but its identifier is made up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct AccountSummary {
    pub encoded_account_id: String,
    pub organization_name: String,
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub contact_email: &'static str,
    pub country_code: &'static str,
    pub state_code: &'static str,
    pub time_zone_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_address: Option<PhysicalAddress>,
}

/// A made-up address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct PhysicalAddress {
    pub address_line1: &'static str,
    pub city: &'static str,
    pub state_code: &'static str,
    pub postal_code: &'static str,
    pub country_code: &'static str,
}

const NEW_DAYS: i64 = 30;

impl Account {
    /// Counts contacts by permission.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn contact_counts(&self, with_new: bool) -> Result<ContactCounts> {
        let since = self.clock.now().0 - NEW_DAYS * DAY;
        self.read(|transaction| {
            Ok(transaction.query_row(
                "SELECT count(*), count(*) FILTER (WHERE email_permission = 'explicit'),
                 count(*) FILTER (WHERE email_permission = 'implicit'),
                 count(*) FILTER (WHERE email_permission = 'pending_confirmation'),
                 count(*) FILTER (WHERE email_permission = 'unsubscribed'),
                 iif(?2, count(*) FILTER (WHERE created_at >= ?1 AND email_permission IS NOT 'unsubscribed'), NULL)
                 FROM contacts WHERE deleted_at IS NULL",
                params![since, with_new],
                |row| {
                    Ok(ContactCounts {
                        total: row.get(0)?,
                        explicit: row.get(1)?,
                        implicit: row.get(2)?,
                        pending: row.get(3)?,
                        unsubscribed: row.get(4)?,
                        new_subscriber: row.get(5)?,
                    })
                },
            )?)
        })
    }

    /// What is known of the account.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn summary(&self, with_address: bool) -> Result<AccountSummary> {
        let id: Id = self
            .read(|transaction| Ok(transaction.query_row("SELECT account_id FROM identity", [], |row| row.get(0))?))?;
        let name = self.path().file_stem().map(|name| name.to_string_lossy().into_owned());
        let address = PhysicalAddress {
            address_line1: "1 Example Street",
            city: "Waltham",
            state_code: "MA",
            postal_code: "02451",
            country_code: "US",
        };
        Ok(AccountSummary {
            encoded_account_id: id.0.simple().to_string().chars().take(12).collect(),
            organization_name: name.unwrap_or_default(),
            first_name: "Test",
            last_name: "Account",
            contact_email: "owner@example.com",
            country_code: "US",
            state_code: "MA",
            time_zone_id: "US/Eastern",
            physical_address: with_address.then_some(address),
        })
    }
}
