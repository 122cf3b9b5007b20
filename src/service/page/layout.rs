//! What is around each view.

use super::{PREFIX, count, counted, shown};
use crate::service::Service;
use axum::response::Response;
use std::sync::Arc;

/// A view, in the navigation.
pub struct View {
    pub href: String,
    pub name: &'static str,
    pub count: Option<String>,
    pub is_current: bool,
}

/// What is around a view.
pub struct Layout {
    pub version: &'static str,
    /// The name of the account's file.
    pub account: String,
    pub title: String,
    pub views: Vec<View>,
    /// What makes the endpoint differ from its normal behaviour.
    pub notes: Vec<String>,
    /// The view is kept up to date.
    pub live: bool,
    /// What is read out when it changes.
    pub news: String,
    /// What went wrong.
    pub wrong: Option<String>,
    /// What was done.
    pub done: Option<&'static str>,
}

impl Layout {
    /// The layout of a view, which is one of those in the navigation or belongs to one.
    pub async fn of(service: &Arc<Service>, view: &str, title: impl Into<String>) -> Result<Layout, Response> {
        let counts = service.block(|account| account.overview()).await?;
        let activities = counts.activities + counts.activities_waiting;
        let views = [
            ("activities", "Activities", Some(activities)),
            ("contacts", "Contacts", Some(counts.contacts)),
            ("lists", "Lists and fields", Some(counts.lists + counts.custom_fields)),
            ("requests", "Requests", Some(service.control.journal.last())),
            ("files", "Check a file", None),
        ];
        let views = views.map(|(path, name, n)| View {
            // The first view is at the address that a person types.
            href: if path == "activities" { "/".to_owned() } else { format!("{PREFIX}/{path}") },
            name,
            count: n.map(count),
            is_current: path == view,
        });
        let path = service.account.path();
        Ok(Layout {
            version: env!("CARGO_PKG_VERSION"),
            account: shown(&path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())),
            title: title.into(),
            views: views.into(),
            notes: notes(service),
            live: true,
            news: String::new(),
            wrong: None,
            done: None,
        })
    }
}

fn notes(service: &Service) -> Vec<String> {
    let mut notes = Vec::new();
    let ahead = service.account.clock().ahead() / 1000;
    if ahead > 0 {
        let (days, hours, minutes) = (ahead / 86_400, ahead / 3600 % 24, ahead / 60 % 60);
        let parts = [(days, "day", "days"), (hours, "hour", "hours"), (minutes, "minute", "minutes")];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(n, ..)| *n > 0)
            .map(|(n, one, many)| counted(n.unsigned_abs(), one, many))
            .collect();
        let ahead =
            if parts.is_empty() { counted(ahead.unsigned_abs(), "second", "seconds") } else { parts.join(", ") };
        notes.push(format!("The clock is {ahead} ahead."));
    }
    let faults = service.control.rules_in_force() as u64;
    if faults > 0 {
        let (rules, are) = (counted(faults, "rule", "rules"), if faults == 1 { "is" } else { "are" });
        notes.push(format!("{rules} for faults {are} in force: requests may fail as asked for."));
    }
    if let Some(limit) = service.config.quota {
        let used = service.quota.used(service.account.clock().day());
        notes.push(format!("{} of {} requests of this day are used.", count(used), count(limit)));
    }
    notes
}
