//! Bulk activities: accepted at once, done by the queue.

use super::{Answer, Shared};
use crate::account::import::Body as TaskBody;
use crate::account::tasks::Work;
use crate::service::{Service, answer, body};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub async fn contact_delete(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    json(&service, Work::ContactDelete, &headers, body).await
}

pub async fn add_list_memberships(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    json(&service, Work::AddListMemberships, &headers, body).await
}

pub async fn remove_list_memberships(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    json(&service, Work::RemoveListMemberships, &headers, body).await
}

async fn json(service: &Arc<Service>, work: Work, headers: &HeaderMap, body: Body) -> Answer {
    // An object; its members are checked when it is accepted.
    let members: serde_json::Map<String, serde_json::Value> = body::small(service, headers, body).await?;
    let bytes = serde_json::to_vec(&members).unwrap_or_default();
    accept(service, work, bytes, StatusCode::CREATED).await
}

/// Puts an activity into the queue.
pub async fn accept(
    service: &Arc<Service>,
    work: Work,
    bytes: Vec<u8>,
    status: StatusCode,
) -> Result<Response, Response> {
    if service.closing.load(Ordering::Relaxed) {
        return Err(answer::close(answer::error(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down")));
    }
    let activity = service.accept(TaskBody { bytes, work, ..TaskBody::default() }).await?;
    tracing::info!(activity = activity.activity_id, ?work, "accepted");
    body::json(service, status, &activity)
}
