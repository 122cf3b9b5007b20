//! The views of activities.

use super::layout::Layout;
use super::{Answer, PREFIX, ROWS, at, count, href, parameters, read, rendered, shown, shown_to};
use crate::account::activities::view::{ActivityRow, ErrorRow};
use crate::account::activities::{ActivityState, ActivityStatus};
use crate::account::page::PageRequest;
use crate::account::tasks::Work;
use crate::service::handlers::{PathId, Shared, path_id};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};

/// Errors on a page.
const ERRORS: u64 = 100;

struct Filter {
    href: String,
    name: &'static str,
    is_current: bool,
}

/// An activity as it is shown.
struct Row {
    id: String,
    what: &'static str,
    file: Option<String>,
    state: &'static str,
    class: &'static str,
    is_running: bool,
    percent: u8,
    items: String,
    done: String,
    errors: String,
    at: String,
}

#[derive(Template)]
#[template(path = "sandbox/activities.html")]
struct Activities {
    layout: Layout,
    counts: String,
    filters: Vec<Filter>,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

struct ErrorView {
    contact: String,
    contact_id: Option<String>,
    code: Option<String>,
    text: String,
    source: String,
}

#[derive(Template)]
#[template(path = "sandbox/activity.html")]
struct One {
    layout: Layout,
    row: Row,
    ended: Option<String>,
    counts: Vec<(&'static str, String)>,
    errors: Vec<ErrorView>,
    range: String,
    none: &'static str,
    first: Option<String>,
    next: Option<String>,
}

fn name_of(work: Work) -> &'static str {
    match work {
        Work::JsonImport => "Import of JSON",
        Work::FileImport => "Import of a CSV file",
        Work::ContactDelete => "Deletion of contacts",
        Work::AddListMemberships => "Addition to lists",
        Work::RemoveListMemberships => "Removal from lists",
        Work::ListDelete => "Deletion of a list",
        Work::TagDelete => "Deletion of a tag",
    }
}

fn name_of_state(state: ActivityState) -> &'static str {
    match state {
        ActivityState::Initialized => "waiting",
        ActivityState::Processing => "running",
        ActivityState::Completed => "completed",
        ActivityState::Cancelled => "cancelled",
        ActivityState::Failed => "failed",
        ActivityState::TimedOut => "timed out",
    }
}

/// Errors of all kinds.
fn errors_of(status: &ActivityStatus) -> u64 {
    status.error_count + status.correctable_count
}

impl Row {
    fn of(activity: ActivityRow) -> Row {
        let status = &activity.status;
        let class = match activity.state {
            ActivityState::Initialized | ActivityState::Cancelled => "",
            ActivityState::Processing => "busy",
            ActivityState::Completed if errors_of(status) > 0 => "warn",
            ActivityState::Completed => "good",
            ActivityState::Failed | ActivityState::TimedOut => "bad",
        };
        Row {
            what: name_of(activity.work),
            file: activity.source_file_name.as_deref().map(shown),
            state: name_of_state(activity.state),
            class,
            is_running: activity.state == ActivityState::Processing,
            percent: activity.percent_done,
            items: count(status.items_total_count),
            done: count(status.items_completed_count),
            errors: count(errors_of(status)),
            at: at(&activity.created_at),
            id: activity.activity_id,
        }
    }
}

/// All activities, the newest first.
pub async fn all(State(service): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let given = parameters(query.as_deref());
    let state = ActivityState::parse(given.get("state"));
    let after = given.get("before").parse().ok();
    let page = PageRequest { limit: ROWS, after, ..PageRequest::default() };
    let (page, counts) =
        read(&service, move |account| Ok((account.activity_rows(state, page)?, account.activity_counts()?))).await?;
    let counts: Vec<String> =
        counts.iter().map(|(state, n)| format!("{} {}", count(*n), name_of_state(*state))).collect();
    let counts = if counts.is_empty() { String::new() } else { format!("{}.", counts.join(", ")) };
    let name = state.map_or("", ActivityState::as_str);
    let filter = |of: Option<ActivityState>| Filter {
        href: href("/", &[("state", of.map_or("", ActivityState::as_str))]),
        name: of.map_or("all", name_of_state),
        is_current: of == state,
    };
    let layout = Layout::of(&service, "activities", "Activities").await?;
    let view = Activities {
        layout: Layout { news: counts.clone(), ..layout },
        counts,
        filters: [None].into_iter().chain(ActivityState::ALL.map(Some)).map(filter).collect(),
        first: after.map(|_: i64| href("/", &[("state", name)])),
        next: page.next.map(|next| href("/", &[("state", name), ("before", &next.to_string())])),
        rows: page.items.into_iter().map(Row::of).collect(),
    };
    Ok(rendered(StatusCode::OK, Some(&headers), &view))
}

/// An error, taken apart: whom it is about, the code, the text.
fn error_view(error: ErrorRow) -> ErrorView {
    let about = error.text.split_once(": ").filter(|(who, _)| who.starts_with("contact ") || *who == "the body");
    let (who, rest) = about.unwrap_or(("", error.text.as_str()));
    let is_code = |text: &str| {
        let (letters, digits) = text.as_bytes().split_at(3);
        letters.iter().all(u8::is_ascii_uppercase) && digits.iter().all(u8::is_ascii_digit)
    };
    let code = rest.get(..6).filter(|code| is_code(code));
    let text = code.map_or(rest, |_| rest[6..].trim_start_matches([',', ':', ' ']));
    ErrorView {
        contact: shown(if who.is_empty() { "the activity" } else { who }),
        contact_id: error.contact_id,
        code: code.map(str::to_owned),
        text: shown_to(text, 1000),
        source: error.contact.and_then(|(_, source)| source).map_or(String::new(), |source| shown_to(&source, 510)),
    }
}

/// One activity, with a page of its errors.
pub async fn one(State(service): Shared, id: PathId, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let id = path_id(id)?;
    let from = parameters(query.as_deref()).get("from").parse().unwrap_or(0);
    let view = read(&service, move |account| account.activity_view(&id, from, ERRORS)).await?;
    let status = view.activity.status.clone();
    let ended = view.activity.completed_at.as_deref().map(at);
    let counts = [
        ("Items", status.items_total_count),
        ("Done", status.items_completed_count),
        ("Correctable errors", status.correctable_count),
        ("Other errors", status.error_count),
        ("Not added to lists, because they unsubscribed", status.cannot_add_to_list_count),
        ("Lists", status.list_count),
    ];
    let row = Row::of(view.activity);
    let path = format!("{PREFIX}/activities/{}", row.id);
    let behind = from.saturating_add(view.errors.len() as u64);
    let layout = Layout::of(&service, "activities", row.what).await?;
    let news = format!("{} {}, {} of {} done, {} errors", row.what, row.state, row.done, row.items, row.errors);
    let page = One {
        layout: Layout { news, ..layout },
        ended,
        // What there is none of is left out, but for the items.
        counts: counts
            .into_iter()
            .filter(|(name, n)| *n > 0 || *name == "Items" || *name == "Done")
            .map(|(name, n)| (name, count(n)))
            .collect(),
        range: format!("{} to {} of {}", count(from + 1), count(behind), count(view.error_count)),
        none: match row.state {
            "waiting" | "running" => "The activity is not over yet.",
            _ => "There are none.",
        },
        first: (from > 0).then(|| path.clone()),
        next: (behind < view.error_count).then(|| href(&path, &[("from", &behind.to_string())])),
        errors: view.errors.into_iter().map(error_view).collect(),
        row,
    };
    Ok(rendered(StatusCode::OK, Some(&headers), &page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_taken_apart() {
        let of = |text: &str| {
            let view = error_view(ErrorRow { text: text.into(), contact: None, contact_id: None });
            (view.contact, view.code.unwrap_or_default(), view.text)
        };
        let parts = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(of("contact 7: EML001, email: no @"), parts("contact 7", "EML001", "email: no @"));
        assert_eq!(of("contact 7: CON002: none"), parts("contact 7", "CON002", "none"));
        assert_eq!(of("the body: IMP001, list_ids: x"), parts("the body", "IMP001", "list_ids: x"));
        assert_eq!(of("DUP001: 7 more"), parts("the activity", "DUP001", "7 more"));
        assert_eq!(of("it took longer: é"), parts("the activity", "", "it took longer: é"));
        assert_eq!(of("contact 1: ééé"), parts("contact 1", "", "ééé"));
    }
}
