//! One function per control endpoint.

use super::faults::{RuleState, Rules};
use super::journal::Entry;
use crate::account::Error;
use crate::account::clock::Clock;
use crate::account::page::Link;
use crate::account::seed::{SEED_MAX, Seed};
use crate::service::query::Query;
use crate::service::{Service, answer, body};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

type Answer = Result<Response, Response>;
type Shared = State<Arc<Service>>;

/// Bytes of the bodies on a page of the journal.
const PAGE: usize = 1 << 20;

#[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
fn or_answer<T>(result: crate::account::Result<T>) -> Result<T, Response> {
    result.map_err(|error| answer::account_error(&error))
}

/// The JSON of a request. Its content type does not matter: a foreign web page is refused before.
async fn value(service: &Service, headers: &HeaderMap, body: Body, most: usize) -> Result<Value, Response> {
    let read = body::read(service, headers, body, most).await?;
    if read.dropped > 0 {
        let what = format!("the request body is larger than {most} bytes");
        return Err(answer::close(answer::error(StatusCode::BAD_REQUEST, what)));
    }
    if read.bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&read.bytes)
        .map_err(|error| answer::error(StatusCode::BAD_REQUEST, format!("the request body: {error}")))
}

#[derive(Serialize)]
struct Faults {
    faults: Vec<RuleState>,
}

/// Replaces the rules for faults.
pub async fn faults(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let list = value(&service, &headers, body, body::SMALL_MAX).await?;
    let rules = Rules::parse(&list).map_err(|what| answer::error(StatusCode::BAD_REQUEST, what))?;
    let faults = Faults { faults: rules.state() };
    service.control.set_rules(rules);
    body::json(&service, StatusCode::OK, &faults)
}

/// Adds a seed to the account.
pub async fn seed(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let mut read = body::read(&service, &headers, body, SEED_MAX).await?;
    if read.dropped > 0 {
        let what = format!("the seed is larger than {SEED_MAX} bytes");
        return Err(answer::close(answer::error(StatusCode::BAD_REQUEST, what)));
    }
    let bytes = std::mem::take(&mut read.bytes);
    let seeded = service.block_to_write(move |account| account.add_seed(&Seed::parse(&bytes)?)).await?;
    body::json(&service, StatusCode::OK, &seeded)
}

/// Makes the account what it was after its seeds, or empty.
pub async fn reset(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let body = value(&service, &headers, body, body::SMALL_MAX).await?;
    let empty = match (&body, body.get("empty")) {
        (Value::Null | Value::Object(_), None) => false,
        (_, Some(Value::Bool(empty))) => *empty,
        _ => return Err(answer::error(StatusCode::BAD_REQUEST, "send no body, or {\"empty\": true}")),
    };
    let counts = service.block_to_write(move |account| account.reset(empty)).await?;
    body::json(&service, StatusCode::OK, &counts)
}

/// The name of a snapshot.
async fn name(service: &Service, headers: &HeaderMap, body: Body) -> Result<String, Response> {
    let body = value(service, headers, body, body::SMALL_MAX).await?;
    let name = body.get("name").and_then(Value::as_str).map(str::to_owned);
    name.ok_or_else(|| answer::error(StatusCode::BAD_REQUEST, "send {\"name\": \"...\"}: the name of a snapshot"))
}

/// Writes a snapshot.
pub async fn snapshot(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let name = name(&service, &headers, body).await?;
    let done = json!({ "name": name });
    service.block_to_write(move |account| account.snapshot(&name)).await?;
    body::json(&service, StatusCode::OK, &done)
}

/// Goes back to a snapshot.
pub async fn restore(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let name = name(&service, &headers, body).await?;
    let counts = service.block_to_write(move |account| account.restore(&name)).await?;
    body::json(&service, StatusCode::OK, &counts)
}

/// The clock, in an answer.
#[derive(Serialize)]
struct ClockState {
    now: String,
    ahead_seconds: i64,
}

impl ClockState {
    fn of(clock: &Clock) -> ClockState {
        ClockState { now: clock.to_string(), ahead_seconds: clock.ahead() / 1000 }
    }
}

/// Reads how far to move the clock.
fn duration(body: &Value) -> crate::account::Result<Duration> {
    let invalid = || Error::Invalid("send {\"advance\": \"25h\"}: a time in d, h, m or s, such as 10d or 1h30m".into());
    let span: jiff::Span =
        body.get("advance").and_then(Value::as_str).and_then(|t| t.parse().ok()).ok_or_else(invalid)?;
    let by = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid())?;
    Duration::try_from(by).map_err(|_| Error::Invalid("the clock goes forward only: advance is not negative".into()))
}

/// Moves the clock forward.
pub async fn clock(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let body = value(&service, &headers, body, body::SMALL_MAX).await?;
    let by = or_answer(duration(&body))?;
    or_answer(service.account.clock().advance(by))?;
    // Statuses that are too old now are gone at once.
    service.block_to_write(|account| account.expire()).await?;
    body::json(&service, StatusCode::OK, &ClockState::of(service.account.clock()))
}

#[derive(Serialize)]
struct JournalAnswer<'j> {
    requests: Vec<&'j Entry>,
    _links: Value,
}

/// The last requests, the newest first.
pub async fn journal(State(service): Shared, RawQuery(text): RawQuery) -> Answer {
    let query = or_answer(Query::new("/_presort/journal", text.as_deref(), &["limit", "before", "after"]))?;
    let number = |name: &str| match query.get(name).map(str::parse) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(Error::Invalid(format!("{name} is the id of a request in the journal"))),
    };
    let limit = or_answer(query.page(super::journal::ENTRIES_MAX as u64))?.limit as usize;
    let (before, after) = (or_answer(number("before"))?.unwrap_or(u64::MAX), or_answer(number("after"))?.unwrap_or(0));
    let found = service.control.journal.newest(before, after);
    let (mut requests, mut bytes) = (Vec::new(), 0);
    let all = found.len();
    for entry in &found {
        bytes += entry.body.len();
        if requests.len() >= limit || (bytes > PAGE && !requests.is_empty()) {
            break;
        }
        requests.push(&**entry);
    }
    let next = requests.last().filter(|_| requests.len() < all).map(|entry| entry.id);
    let href = |id| format!("/_presort/journal?limit={limit}&before={id}&after={after}");
    let links = next.map_or(json!({}), |id| json!({"next": Link { href: href(id) }}));
    body::json(&service, StatusCode::OK, &JournalAnswer { requests, _links: links })
}

#[derive(Serialize)]
struct StateAnswer {
    version: &'static str,
    clock: ClockState,
    ids: &'static str,
    #[serde(flatten)]
    counts: crate::account::overview::Overview,
    snapshots: Vec<String>,
    last_request: u64,
    quota: Value,
    rate_limit: Option<u32>,
    faults: Vec<RuleState>,
}

/// The state of the account and of the endpoint.
pub async fn state(State(service): Shared) -> Answer {
    let (counts, snapshots) = service.block(|account| Ok((account.overview()?, account.snapshots()?))).await?;
    let clock = service.account.clock();
    let config = &service.config;
    let quota = match config.quota {
        None => Value::Null,
        Some(limit) => json!({"limit": limit, "used": service.quota.used(clock.day()), "resets_at": clock.midnight()}),
    };
    let state = StateAnswer {
        version: env!("CARGO_PKG_VERSION"),
        clock: ClockState::of(clock),
        ids: if service.account.has_seeded_ids() { "seeded" } else { "random" },
        counts,
        snapshots,
        last_request: service.control.journal.last(),
        quota,
        rate_limit: config.rate_limit,
        faults: super::lock(&service.control.rules).state(),
    };
    body::json(&service, StatusCode::OK, &state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_advance() {
        let of = |text: &str| duration(&json!({"advance": text}));
        for (text, seconds) in
            [("25h", 90_000), ("10d", 864_000), ("1h30m", 5400), ("90s", 90), ("0s", 0), ("PT2H", 7200)]
        {
            assert_eq!(of(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for bad in ["", "25", "-1h", "soon", "1 year"] {
            assert!(of(bad).is_err(), "{bad}");
        }
        for bad in [json!({}), json!({"advance": 3}), json!([]), Value::Null] {
            assert!(duration(&bad).is_err(), "{bad}");
        }
    }
}
