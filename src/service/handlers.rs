//! One function per route.

use super::query::Query;
use super::{Route, Service, answer, body};
use crate::account::activities::{Activity, ActivityState};
use crate::account::contacts::{Contact, ContactQuery, Include};
use crate::account::fields::{Field, NewField};
use crate::account::import::{Body as ImportBody, KEPT_MAX};
use crate::account::lists::{List, ListQuery, MembershipCount, NewList};
use crate::account::page::{Link, Page, PageRequest};
use crate::account::{Error, Result as AccountResult};
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{MatchedPath, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub type Answer = Result<Response, Response>;
pub type Shared = State<Arc<Service>>;

/// The links of a collection: empty without a next page.
#[derive(Serialize)]
pub struct Links {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Link>,
}

impl Links {
    pub fn of<T>(query: &Query, page: &Page<T>) -> Links {
        Links { next: page.next.map(|next| Link { href: query.next(next) }) }
    }
}

// The array comes first: a known client uses the first member that is not a link.

#[derive(Serialize)]
struct ActivitiesAnswer {
    activities: Vec<Activity>,
    _links: Links,
}

#[derive(Serialize)]
struct ContactsAnswer {
    contacts: Vec<Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts_count: Option<u64>,
    _links: Links,
}

#[derive(Serialize)]
struct ListsAnswer {
    lists: Vec<List>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lists_count: Option<u64>,
    _links: Links,
}

#[derive(Serialize)]
struct FieldsAnswer {
    custom_fields: Vec<Field>,
    _links: Links,
}

#[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
pub fn or_answer<T>(result: AccountResult<T>) -> Result<T, Response> {
    result.map_err(|error| answer::account_error(&error))
}

pub type PathId = Result<Path<String>, PathRejection>;

/// The identifier in the path, which must be UTF-8.
#[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
pub fn path_id(id: PathId) -> Result<String, Response> {
    id.map(|Path(id)| id).map_err(|_| answer::error(StatusCode::BAD_REQUEST, "the path is not UTF-8"))
}

pub async fn import(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    if let Err(answer) = body::is_json(&headers) {
        return Err(body::refuse(&service, &headers, body, answer).await);
    }
    let mut read = body::read(&service, &headers, body, KEPT_MAX).await?;
    let (bytes, cut) = (read.bytes.len() as u64, read.cut);
    let import =
        ImportBody { bytes: std::mem::take(&mut read.bytes), bytes_dropped: read.dropped, ..ImportBody::default() };
    if service.closing.load(Ordering::Relaxed) {
        return Err(answer::close(answer::error(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down")));
    }
    let activity = service.accept(import).await?;
    service.metrics.accepted(bytes);
    tracing::info!(activity = activity.activity_id, bytes, "accepted");
    let answer = body::json(&service, StatusCode::CREATED, &activity)?;
    Ok(if cut { answer::close(answer) } else { answer })
}

pub async fn activities(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let query = or_answer(Query::new("/v3/activities", query.as_deref(), &["limit", "state"]))?;
    let page = or_answer(query.page(500))?;
    let state = match query.get("state") {
        None => None,
        Some(text) => {
            let known = || ActivityState::ALL.map(ActivityState::as_str).join(", ");
            let state = ActivityState::parse(text);
            Some(or_answer(
                state.ok_or_else(|| Error::Invalid(format!("{text} is not a state: it is one of {}", known()))),
            )?)
        }
    };
    let mut page = service.block(move |account| account.activities_with(state, page, ERRORS_OF_MANY)).await?;
    page.items.iter_mut().for_each(|activity| service.reword(activity));
    let links = Links::of(&query, &page);
    body::json(&service, StatusCode::OK, &ActivitiesAnswer { activities: page.items, _links: links })
}

pub async fn activity(State(service): Shared, id: PathId) -> Answer {
    let id = path_id(id)?;
    let mut activity = service.block(move |account| account.activity(&id)).await?;
    service.reword(&mut activity);
    body::json(&service, StatusCode::OK, &activity)
}

/// Errors of each activity on a page: with all errors, a page could have fifty million bytes.
const ERRORS_OF_MANY: usize = 20;

/// Parameters of the published service that are not supported here.
const UNSUPPORTED: [&str; 4] = ["segment_id", "optout_after", "optout_before", "sms_status"];

pub async fn contacts(State(service): Shared, RawQuery(text): RawQuery) -> Answer {
    let known = [
        "email",
        "lists",
        "tags",
        "status",
        "include",
        "limit",
        "include_count",
        "created_after",
        "created_before",
        "updated_after",
        "updated_before",
    ];
    let query = or_answer(Query::new("/v3/contacts", text.as_deref(), &[&known[..], &UNSUPPORTED].concat()))?;
    let of = || -> AccountResult<ContactQuery> {
        if let Some(name) = UNSUPPORTED.iter().find(|name| query.get(name).is_some()) {
            return Err(Error::Invalid(format!("the parameter {name} is not supported here")));
        }
        Ok(ContactQuery {
            email: query.get("email").map(str::to_owned),
            lists: query.list("lists"),
            tags: query.list("tags"),
            statuses: query.list("status"),
            created_after: query.moment("created_after")?,
            created_before: query.moment("created_before")?,
            updated_after: query.moment("updated_after")?,
            updated_before: query.moment("updated_before")?,
            include: Include::parse(query.get("include").unwrap_or(""))?,
            page: PageRequest { count: query.flag("include_count")?, ..query.page(500)? },
        })
    };
    let contact_query = or_answer(of())?;
    let page = service.block(move |account| account.contacts(&contact_query)).await?;
    let links = Links::of(&query, &page);
    let contacts = ContactsAnswer { contacts_count: page.count, contacts: page.items, _links: links };
    body::json(&service, StatusCode::OK, &contacts)
}

pub async fn contact(State(service): Shared, id: PathId, RawQuery(query): RawQuery) -> Answer {
    let id = path_id(id)?;
    let query = or_answer(Query::new("/v3/contacts", query.as_deref(), &["include"]))?;
    let include = or_answer(Include::parse(query.get("include").unwrap_or("")))?;
    let contact = service.block(move |account| account.contact(&id, include)).await?;
    body::json(&service, StatusCode::OK, &contact)
}

/// Which contacts of a list to count.
pub fn membership_count(query: &Query) -> AccountResult<Option<MembershipCount>> {
    match query.get("include_membership_count") {
        None => Ok(None),
        Some("all") => Ok(Some(MembershipCount::All)),
        Some("active") => Ok(Some(MembershipCount::Active)),
        Some(other) => Err(Error::Invalid(format!("include_membership_count is all or active, not {other}"))),
    }
}

pub async fn lists(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let known = [
        "limit",
        "include_count",
        "include_membership_count",
        "name",
        "status",
        "channel_type",
        "include_sms_membership_count",
    ];
    let query = or_answer(Query::new("/v3/contact_lists", query.as_deref(), &known))?;
    let of = || -> AccountResult<Option<ListQuery>> {
        let members = membership_count(&query)?;
        let statuses = query.list("status");
        if let Some(other) = statuses.iter().find(|status| !matches!(status.as_str(), "all" | "active" | "deleted")) {
            return Err(Error::Invalid(format!("status is all, active or deleted, not {other}")));
        }
        let page = PageRequest { count: query.flag("include_count")?, ..query.page(1000)? };
        // Deleted lists are gone, and none is for text messages only.
        let none = (!statuses.is_empty() && statuses.iter().all(|status| status == "deleted"))
            || query.get("channel_type").is_some_and(|channel| channel == "sms");
        Ok((!none).then(|| ListQuery { name: query.get("name").map(str::to_owned), members, page }))
    };
    let page = match or_answer(of())? {
        Some(list_query) => service.block(move |account| account.lists(&list_query)).await?,
        None => Page { items: Vec::new(), next: None, count: or_answer(query.flag("include_count"))?.then_some(0) },
    };
    let links = Links::of(&query, &page);
    let lists = ListsAnswer { lists_count: page.count, lists: page.items, _links: links };
    body::json(&service, StatusCode::OK, &lists)
}

pub async fn add_list(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let new: NewList = body::small(&service, &headers, body).await?;
    let list = service.block_to_write(move |account| account.add_list(&new)).await?;
    body::json(&service, StatusCode::CREATED, &list)
}

pub async fn fields(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let query = or_answer(Query::new("/v3/contact_custom_fields", query.as_deref(), &["limit"]))?;
    let page = or_answer(query.page(100))?;
    let page = service.block(move |account| account.fields(page)).await?;
    let links = Links::of(&query, &page);
    body::json(&service, StatusCode::OK, &FieldsAnswer { custom_fields: page.items, _links: links })
}

pub async fn add_field(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let new: NewField = body::small(&service, &headers, body).await?;
    let field = service.block_to_write(move |account| account.add_field(&new)).await?;
    body::json(&service, StatusCode::CREATED, &field)
}

pub async fn healthz(State(service): Shared) -> Answer {
    let alive = service.block(|account| Ok(account.is_alive())).await?;
    if service.closing.load(Ordering::Relaxed) {
        return Err(answer::error(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down"));
    }
    match alive {
        true => Ok("ok\n".into_response()),
        false => Err(answer::error(StatusCode::SERVICE_UNAVAILABLE, "the account cannot be read")),
    }
}

/// What is implemented, as an OpenAPI document. `.ci/schema` holds the answers against it.
pub async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}

pub async fn metrics(State(service): Shared) -> Answer {
    let waiting = service.block(|account| account.waiting()).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], service.metrics.text(waiting)).into_response())
}

pub async fn wrong_method(
    State(service): Shared,
    path: Option<MatchedPath>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // Below a collection, only identifiers are possible paths.
    let names_one = path.is_some_and(|path| path.as_str().ends_with('}'));
    let last = uri.path().rsplit('/').next().unwrap_or("");
    if names_one && uuid::Uuid::try_parse(last).is_err() {
        return not_found(State(service), headers, body).await;
    }
    let answer = answer::error(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method");
    body::refuse(&service, &headers, body, answer).await
}

pub async fn not_found(State(service): Shared, headers: HeaderMap, body: Body) -> Response {
    let answer = answer::error(StatusCode::NOT_FOUND, "there is nothing at this path");
    let mut response = body::refuse(&service, &headers, body, answer).await;
    response.extensions_mut().insert(Route("none".into()));
    response
}
