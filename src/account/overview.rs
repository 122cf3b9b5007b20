//! What an account has, in numbers.

use super::{Account, Result};
use serde::Serialize;

/// What an account has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Contacts that are not deleted.
    pub contacts: u64,
    /// Contact lists.
    pub lists: u64,
    /// Custom fields.
    pub custom_fields: u64,
    /// Activities that are over.
    pub activities: u64,
    /// Activities that wait or run.
    pub activities_waiting: u64,
}

impl Account {
    /// Counts what it has.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn overview(&self) -> Result<Overview> {
        self.read_activities(|transaction, _| {
            let count =
                |of: &str| transaction.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get::<_, u64>(0));
            Ok(Overview {
                // Both are counted in an index; contacts that are not deleted would be counted row by row.
                contacts: count("contacts")? - count("contacts WHERE deleted_at IS NOT NULL")?,
                lists: count("lists")?,
                custom_fields: count("custom_fields")?,
                activities: count("activities")?,
                // One that is in both was applied, and is about to leave the queue.
                activities_waiting: count(
                    "queue.waiting AS waiting WHERE NOT EXISTS
                     (SELECT 1 FROM activities WHERE activities.activity_id = waiting.activity_id)",
                )?,
            })
        })
    }
}
