//! `/contact_tags`.

use super::{Answer, Links, PathId, Query, Shared, or_answer, path_id, tasks};
use crate::account::tags::{NewTag, Tag};
use crate::account::tasks::Work;
use crate::service::body;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;

#[derive(Serialize)]
struct TagsAnswer {
    tags: Vec<Tag>,
    _links: Links,
}

pub async fn all(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let query = or_answer(Query::new("/v3/contact_tags", query.as_deref(), &["limit", "include_count"]))?;
    let page = or_answer(query.page(500))?;
    let with_count = or_answer(query.flag("include_count"))?;
    let page = service.block(move |account| account.tags(page, with_count)).await?;
    let links = Links::of(&query, &page);
    body::json(&service, StatusCode::OK, &TagsAnswer { tags: page.items, _links: links })
}

pub async fn post(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let new: NewTag = body::small(&service, &headers, body).await?;
    let tag = service.block_to_write(move |account| account.add_tag(&new)).await?;
    body::json(&service, StatusCode::CREATED, &tag)
}

pub async fn get(State(service): Shared, id: PathId, RawQuery(query): RawQuery) -> Answer {
    let id = path_id(id)?;
    let query = or_answer(Query::new("/v3/contact_tags", query.as_deref(), &["include_count"]))?;
    let with_count = or_answer(query.flag("include_count"))?;
    let tag = service.block(move |account| account.tag(&id, with_count)).await?;
    body::json(&service, StatusCode::OK, &tag)
}

pub async fn put(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    let new: NewTag = body::small(&service, &headers, body).await?;
    let tag = service.block_to_write(move |account| account.rename_tag(&id, &new)).await?;
    body::json(&service, StatusCode::OK, &tag)
}

/// Deletes it in the background.
pub async fn delete(State(service): Shared, id: PathId) -> Answer {
    let id = path_id(id)?;
    let tag = service.block(move |account| account.tag(&id, false)).await?;
    tasks::accept(&service, Work::TagDelete, tag.tag_id.into_bytes(), StatusCode::ACCEPTED).await
}
