//! Single contacts: create, replace, delete, sign up; and counts of all.

use super::{Answer, PathId, Query, Shared, or_answer, path_id};
use crate::account::contacts::input::{ContactInput, SignUp};
use crate::service::body;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

/// Most bytes of a contact: its notes alone can have 300,000 characters.
const CONTACT_MAX: usize = 2 << 20;

pub async fn post(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let input: ContactInput = body::object(&service, &headers, body, CONTACT_MAX).await?;
    let contact = service.block_to_write(move |account| account.create_contact(&input)).await?;
    body::json(&service, StatusCode::CREATED, &contact)
}

pub async fn put(State(service): Shared, id: PathId, headers: HeaderMap, body: Body) -> Answer {
    let id = path_id(id)?;
    let input: ContactInput = body::object(&service, &headers, body, CONTACT_MAX).await?;
    let contact = service.block_to_write(move |account| account.update_contact(&id, &input)).await?;
    body::json(&service, StatusCode::OK, &contact)
}

pub async fn delete(State(service): Shared, id: PathId) -> Answer {
    let id = path_id(id)?;
    service.block_to_write(move |account| account.delete_contact(&id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn sign_up(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let form: SignUp = body::small(&service, &headers, body).await?;
    let done = service.block_to_write(move |account| account.sign_up(form)).await?;
    let status = if done.action == "created" { StatusCode::CREATED } else { StatusCode::OK };
    body::json(&service, status, &done)
}

pub async fn counts(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let query = or_answer(Query::new("/v3/contacts/counts", query.as_deref(), &["include"]))?;
    let with_new = match query.get("include") {
        None => false,
        Some("new_subscribers") => true,
        Some(other) => {
            let what = format!("{other} cannot be included: it is new_subscribers");
            return Err(crate::service::answer::error(StatusCode::BAD_REQUEST, what));
        }
    };
    let counts = service.block(move |account| account.contact_counts(with_new)).await?;
    body::json(&service, StatusCode::OK, &counts)
}
