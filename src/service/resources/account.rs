//! `/account/summary`.

use super::{Answer, Query, Shared, or_answer};
use crate::service::{answer, body};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

pub async fn summary(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let query = or_answer(Query::new("/v3/account/summary", query.as_deref(), &["extra_fields"]))?;
    let extra = query.list("extra_fields");
    if let Some(other) = extra.iter().find(|name| !matches!(name.as_str(), "physical_address" | "company_logo")) {
        let what = format!("extra_fields has physical_address and company_logo, not {other}");
        return Err(answer::error(StatusCode::BAD_REQUEST, what));
    }
    let with_address = extra.iter().any(|name| name == "physical_address");
    let summary = service.block(move |account| account.summary(with_address)).await?;
    body::json(&service, StatusCode::OK, &summary)
}
