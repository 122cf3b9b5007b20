//! `/contact_custom_fields/{custom_field_id}`.

use super::{Answer, PathId, Shared, path_id};
use crate::account::fields::FieldUpdate;
use crate::service::body;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

pub async fn get(State(service): Shared, id: PathId) -> Answer {
    let id = path_id(id)?;
    let field = service.block(move |account| account.field(&id)).await?;
    body::json(&service, StatusCode::OK, &field)
}

pub async fn put(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    let update: FieldUpdate = body::small(&service, &headers, body).await?;
    let field = service.block_to_write(move |account| account.update_field(&id, &update)).await?;
    body::json(&service, StatusCode::OK, &field)
}

pub async fn delete(State(service): Shared, id: PathId) -> Answer {
    let id = path_id(id)?;
    service.block_to_write(move |account| account.delete_field(&id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
