//! The page at `/`, for the person whose program uses the endpoint: activities with their errors, contacts, lists and fields, requests,
//! and files to check. The server renders all of it, so that it works without scripts; the few scripts only keep it up to date, and
//! take files that are dropped. It loads nothing from elsewhere, and everything that it shows is escaped by its templates.
//!
//! It is there where the control endpoints are. Its actions are forms, which [`guard`](super::guard) refuses from foreign pages.

mod actions;
mod activities;
mod check;
mod contacts;
mod files;
mod layout;
mod requests;

pub use files::{Files, remove_left};

use super::handlers::Answer;
use super::{Service, answer, body};
use crate::account::Account;
use crate::model::printable::printable;
use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use layout::Layout;
use std::sync::Arc;

/// Where everything but the first view is.
pub const PREFIX: &str = "/_presort/page";

/// Rows of a table.
const ROWS: u64 = 50;
/// Most characters of a text in a table.
const TEXT_MAX: usize = 120;

/// The routes below [`PREFIX`].
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/activities", get(activities::all))
        .route("/activities/{activity_id}", get(activities::one))
        .route("/contacts", get(contacts::all))
        .route("/contacts/{contact_id}", get(contacts::one))
        .route("/lists", get(actions::lists).post(actions::add_list))
        .route("/lists/{list_id}/rename", post(actions::rename_list))
        .route("/lists/{list_id}/delete", post(actions::delete_list))
        .route("/fields", post(actions::add_field))
        .route("/fields/{custom_field_id}/rename", post(actions::rename_field))
        .route("/fields/{custom_field_id}/delete", post(actions::delete_field))
        .route("/requests", get(requests::all))
        .route("/requests/{id}", get(requests::one))
        .route("/files", get(files::all).post(files::upload))
        .route("/files/{id}", get(files::one))
        .route("/files/{id}/import", post(files::import))
        .route("/style.css", get(style))
        .route("/live.js", get(live))
        .route("/drop.js", get(drop_script))
}

/// The first view.
pub use activities::all as front;

/// What the browser may do: nothing but what the page itself has.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Headers of everything here.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Without a referrer, browsers would send forms from the origin null.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

fn with_headers(status: StatusCode, kind: &'static str, text: impl IntoResponse) -> Response {
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The answer with a page. A browser that has the same one already gets 304.
fn rendered(status: StatusCode, asked: Option<&HeaderMap>, page: &impl Template) -> Response {
    const HTML: &str = "text/html; charset=utf-8";
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            return answer::error(StatusCode::INTERNAL_SERVER_ERROR, "an internal error; please report it");
        }
    };
    let tag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
    let has = asked.and_then(|headers| headers.get(header::IF_NONE_MATCH)).is_some_and(|known| known == tag.as_str());
    let mut response =
        if has { with_headers(StatusCode::NOT_MODIFIED, HTML, ()) } else { with_headers(status, HTML, text) };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Goes on to another view, after something was done.
fn go_to(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    let mut response = with_headers(StatusCode::SEE_OTHER, "text/plain", ());
    response.headers_mut().insert(header::LOCATION, location);
    response
}

#[derive(Template)]
#[template(path = "sandbox/message.html")]
struct Message {
    layout: Layout,
    back: &'static str,
}

/// A page that says what was wrong.
async fn refused(service: &Arc<Service>, status: StatusCode, wrong: impl Into<String>, back: &'static str) -> Response {
    let wrong = wrong.into();
    match Layout::of(service, "", "This cannot be done").await {
        Ok(layout) => {
            let layout = Layout { live: false, wrong: Some(shown_to(&wrong, 1000)), ..layout };
            rendered(status, None, &Message { layout, back })
        }
        Err(answer) => answer,
    }
}

/// Reads from the account; an error becomes a page.
async fn read<T: Send + 'static>(
    service: &Arc<Service>,
    work: impl FnOnce(&Account) -> crate::account::Result<T> + Send + 'static,
) -> Result<T, Response> {
    match service.block(move |account| Ok(work(account))).await? {
        Ok(done) => Ok(done),
        Err(error) => Err(refused_by(service, &error).await),
    }
}

/// Writes to the account; an error becomes a page.
async fn write<T: Send + 'static>(
    service: &Arc<Service>,
    work: impl FnOnce(&Account) -> crate::account::Result<T> + Send + 'static,
) -> Result<T, Response> {
    match service.block_to_write(move |account| Ok(work(account))).await? {
        Ok(done) => Ok(done),
        Err(error) => Err(refused_by(service, &error).await),
    }
}

async fn refused_by(service: &Arc<Service>, error: &crate::account::Error) -> Response {
    let (status, text) = answer::status_of(error);
    refused(service, status, text, "/").await
}

/// The fields of a form.
struct Form(Vec<(String, String)>);

impl Form {
    async fn read(service: &Arc<Service>, headers: &HeaderMap, body: Body) -> Result<Form, Response> {
        let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
        if !kind.starts_with(b"application/x-www-form-urlencoded") {
            let what = "the request must be a form: application/x-www-form-urlencoded";
            let answer = answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, what);
            return Err(body::refuse(service, headers, body, answer).await);
        }
        let read = body::read(service, headers, body, body::SMALL_MAX).await?;
        if read.dropped > 0 {
            let what = format!("the form is larger than {} bytes", body::SMALL_MAX);
            return Err(answer::close(answer::error(StatusCode::BAD_REQUEST, what)));
        }
        Ok(Form(form_urlencoded::parse(&read.bytes).into_owned().collect()))
    }

    /// The value of a field; empty if there is none.
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// All values of a field.
    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).collect()
    }
}

/// The parameters of a view.
fn parameters(query: Option<&str>) -> Form {
    Form(form_urlencoded::parse(query.unwrap_or("").as_bytes()).into_owned().take(20).collect())
}

/// A path with parameters; empty ones are left out.
fn href(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    parameters.iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| {
        query.append_pair(name, value);
    });
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A text from outside, shortened, without characters that change how the text around them is shown.
fn shown(text: &str) -> String {
    shown_to(text, TEXT_MAX)
}

fn shown_to(text: &str, most: usize) -> String {
    let short: String = text.chars().take(most).collect();
    let end = if short.len() < text.len() { "..." } else { "" };
    format!("{}{end}", printable(&short))
}

/// A time without its fraction, in UTC.
fn at(time: &str) -> String {
    time.get(..19).map_or_else(|| time.to_owned(), |time| time.replace('T', " "))
}

/// A number with its thousands set apart.
fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

pub async fn style() -> Response {
    let css =
        concat!(include_str!("../../../templates/look.css"), include_str!("../../../templates/sandbox/sandbox.css"));
    with_headers(StatusCode::OK, "text/css; charset=utf-8", css)
}

pub async fn live() -> Response {
    script(include_str!("../../../templates/sandbox/live.js"))
}

pub async fn drop_script() -> Response {
    script(include_str!("../../../templates/sandbox/drop.js"))
}

fn script(text: &'static str) -> Response {
    with_headers(StatusCode::OK, "text/javascript; charset=utf-8", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_short_and_cannot_change_what_is_around_them() {
        assert_eq!(shown_to("abc", 2), "ab...");
        assert_eq!(shown("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(at("2026-01-31T12:00:00.123Z"), "2026-01-31 12:00:00");
        assert_eq!((count(1_234_567), counted(1, "list", "lists")), ("1,234,567".into(), "1 list".into()));
        assert_eq!(href("/x", &[("q", "a&b"), ("list", ""), ("p", "1")]), "/x?q=a%26b&p=1");
    }
}
