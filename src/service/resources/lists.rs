//! `/contact_lists/{list_id}`.

use super::{Answer, PathId, Query, Shared, or_answer, path_id, tasks};
use crate::account::lists::NewList;
use crate::account::tasks::Work;
use crate::service::{body, handlers};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};

pub async fn get(State(service): Shared, id: PathId, RawQuery(query): RawQuery) -> Answer {
    let id = path_id(id)?;
    let known = ["include_membership_count", "include_sms_membership_count"];
    let query = or_answer(Query::new("/v3/contact_lists", query.as_deref(), &known))?;
    let members = or_answer(handlers::membership_count(&query))?;
    let list = service.block(move |account| account.list(&id, members)).await?;
    body::json(&service, StatusCode::OK, &list)
}

pub async fn put(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    let new: NewList = body::small(&service, &headers, body).await?;
    let list = service.block_to_write(move |account| account.update_list(&id, &new)).await?;
    body::json(&service, StatusCode::OK, &list)
}

/// Deletes it in the background.
pub async fn delete(State(service): Shared, id: PathId) -> Answer {
    let id = path_id(id)?;
    let list = service.block(move |account| account.list(&id, None)).await?;
    tasks::accept(&service, Work::ListDelete, list.list_id.into_bytes(), StatusCode::ACCEPTED).await
}
