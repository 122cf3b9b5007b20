//! The views of the journal.

use super::layout::Layout;
use super::{Answer, PREFIX, ROWS, at, count, href, parameters, refused, rendered, shown, shown_to};
use crate::model::printable::is_unsafe;
use crate::service::control::journal::Entry;
use crate::service::handlers::{PathId, Shared, path_id};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};

struct Row {
    id: u64,
    method: String,
    path: String,
    status: String,
    class: &'static str,
    note: String,
    milliseconds: String,
    bytes: String,
    at: String,
}

impl Row {
    fn of(entry: &Entry, path_max: usize) -> Row {
        let note = match (entry.matched, entry.fault) {
            (_, Some(fault)) => format!("fault: {fault}"),
            (false, None) if entry.status == Some(405) => "no such method".to_owned(),
            (false, None) => "no such path".to_owned(),
            (true, None) => String::new(),
        };
        Row {
            id: entry.id,
            method: shown(&entry.method),
            path: shown_to(&entry.path, path_max),
            status: entry.status.map_or_else(|| "closed".to_owned(), |status| status.to_string()),
            class: match entry.status {
                Some(200..=399) => "good",
                Some(400..=499) => "warn",
                _ => "bad",
            },
            note,
            milliseconds: count(entry.milliseconds),
            bytes: if entry.body_bytes == 0 { "none".to_owned() } else { format!("{} bytes", count(entry.body_bytes)) },
            at: at(&entry.at),
        }
    }
}

#[derive(Template)]
#[template(path = "sandbox/requests.html")]
struct Requests {
    layout: Layout,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "sandbox/request.html")]
struct One {
    layout: Layout,
    row: Row,
    body: String,
    cut: bool,
}

/// The last requests, the newest first.
pub async fn all(State(service): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let before = parameters(query.as_deref()).get("before").parse().ok();
    let found = service.control.journal.newest(before.unwrap_or(u64::MAX), 0);
    let rows: Vec<Row> = found.iter().take(ROWS as usize).map(|entry| Row::of(entry, 120)).collect();
    let path = format!("{PREFIX}/requests");
    let last = rows.last().filter(|_| found.len() > rows.len()).map(|row| row.id.to_string());
    let view = Requests {
        layout: Layout::of(&service, "requests", "Requests").await?,
        first: before.map(|_| path.clone()),
        next: last.map(|last| href(&path, &[("before", &last)])),
        rows,
    };
    Ok(rendered(StatusCode::OK, Some(&headers), &view))
}

/// A body with its line breaks, without other characters that change how text is shown.
fn body_text(text: &str) -> String {
    let is_bad = |c: char| is_unsafe(c) && !matches!(c, '\n' | '\r' | '\t');
    text.chars().map(|c| if is_bad(c) { '\u{fffd}' } else { c }).collect()
}

/// One request.
pub async fn one(State(service): Shared, id: PathId, headers: HeaderMap) -> Answer {
    let id: Option<u64> = path_id(id)?.parse().ok();
    let found = id.and_then(|id| service.control.journal.newest(id.saturating_add(1), id.saturating_sub(1)).pop());
    let Some(entry) = found else {
        return Err(refused(&service, StatusCode::NOT_FOUND, "The journal does not have this request.", "/").await);
    };
    let row = Row::of(&entry, 2048);
    let title = format!("{} {}", row.method, shown_to(&entry.path, 80));
    let layout = Layout { live: false, ..Layout::of(&service, "requests", title).await? };
    let page = One { layout, row, body: body_text(&entry.body), cut: entry.body_cut };
    Ok(rendered(StatusCode::OK, Some(&headers), &page))
}
