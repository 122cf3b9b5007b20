//! Control over the endpoint, for tests: what was requested, the clock, faults, and the state of the account.
//!
//! It is on when the endpoint listens on a loopback address, or when asked for. Everything here is kept in memory, and forgotten when
//! the process ends; only snapshots and seeds are on the disk.

pub mod faults;
pub mod handlers;
pub mod journal;

use super::{Route, Service, answer, body, has_token, oauth, quota};
use crate::account::runner::Fate;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use faults::{Fault, Rules};
use journal::{BodyCopy, Entry, Journal};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Where the control endpoints are.
pub const PREFIX: &str = "/_presort";

/// The state of the control endpoints.
#[derive(Debug, Default)]
pub struct Control {
    pub journal: Journal,
    rules: Mutex<Rules>,
    /// There are rules: a request without any must not wait for the lock.
    has_rules: AtomicBool,
    fates: Mutex<HashMap<String, Fate>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control {
    /// Replaces all rules.
    fn set_rules(&self, rules: Rules) {
        self.has_rules.store(!rules.is_empty(), Ordering::Relaxed);
        *lock(&self.rules) = rules;
    }

    /// The number of rules.
    pub fn rules_in_force(&self) -> usize {
        lock(&self.rules).len()
    }

    fn fault(&self, request: &Request) -> Option<Fault> {
        let path = request.uri().path();
        if !self.has_rules.load(Ordering::Relaxed) || is_control(path) || path == "/" {
            return None;
        }
        lock(&self.rules).pick(request.method(), path)
    }

    /// Accepts an activity, and notes how it is to end before it can run.
    pub fn accept<T>(&self, fate: Option<Fate>, accept: impl FnOnce() -> T, id: impl FnOnce(&T) -> Option<&str>) -> T {
        let Some(fate) = fate else { return accept() };
        let mut fates = lock(&self.fates);
        let accepted = accept();
        if let Some(id) = id(&accepted) {
            fates.insert(id.to_owned(), fate);
        }
        accepted
    }

    /// How an activity is to end.
    pub fn fate(&self, activity_id: &str) -> Option<Fate> {
        lock(&self.fates).get(activity_id).copied()
    }

    /// Forgets an activity that is over.
    pub fn forget(&self, activity_id: &str) {
        lock(&self.fates).remove(activity_id);
    }
}

tokio::task_local! {
    /// How the activity is to end that this request starts.
    static FATE: Fate;
}

/// How the activity is to end that the present request starts.
pub fn fate() -> Option<Fate> {
    FATE.try_with(|fate| *fate).ok()
}

/// An answer that is not sent: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
pub struct Closed;

/// A fault that was asked for, in an answer.
#[derive(Debug, Clone, Copy)]
struct Injected(&'static str);

fn is_control(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Lets a request go wrong where a rule says so.
pub async fn inject(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let Some(fault) = service.control.fault(&request) else { return next.run(request).await };
    let what = "a fault that was asked for";
    let (name, refused) = match fault {
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            return injected("delay", next.run(request).await);
        }
        Fault::Activity(fate) => {
            let name = match fate {
                Fate::Fail => "activity_failed",
                Fate::TimeOut => "activity_timed_out",
                Fate::Wait(_) => "activity_slow",
            };
            return injected(name, FATE.scope(fate, next.run(request)).await);
        }
        Fault::Close => return injected("close", closed(StatusCode::NO_CONTENT.into_response())),
        Fault::CloseAfter => return injected("close_after", closed(next.run(request).await)),
        Fault::Throttled => {
            ("throttled", answer::too_many(answer::TooMany::Throttled, "too many requests a second: wait a little"))
        }
        Fault::Quota => ("quota", quota::exceeded(&service)),
        Fault::QueueFull => {
            let full = crate::account::Error::Full.to_string();
            ("queue_full", answer::too_many(answer::TooMany::QueueFull, &full))
        }
        Fault::ExpiredToken => ("expired_token", answer::unauthorized()),
        Fault::Status(code) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            ("status", answer::error(status, what))
        }
    };
    let (head, body) = request.into_parts();
    injected(name, body::refuse(&service, &head.headers, body, refused).await)
}

fn injected(name: &'static str, mut response: Response) -> Response {
    response.extensions_mut().insert(Injected(name));
    response
}

fn closed(mut response: Response) -> Response {
    response.extensions_mut().insert(Closed);
    response
}

/// A request that the journal will have.
pub struct Recording {
    entry: Entry,
    copy: BodyCopy,
}

/// Begins to record a request, unless it only looks at the page, the journal or the state.
pub fn record(service: &Service, request: Request) -> (Request, Option<Recording>) {
    let path = request.uri().path();
    let looks = || match request.method() {
        &Method::GET | &Method::HEAD => is_control(path) || path == "/",
        // A file that is only checked.
        _ => path == "/_presort/page/files",
    };
    if !service.has_control() || looks() {
        return (request, None);
    }
    let entry = Entry {
        id: 0,
        at: service.account.clock().to_string(),
        method: request.method().as_str().chars().take(32).collect(),
        path: journal::path(request.uri()),
        status: None,
        milliseconds: 0,
        matched: true,
        fault: None,
        body_bytes: 0,
        body: String::new(),
        body_cut: false,
    };
    // A request for a token has secrets, and codes that become tokens.
    if is_secret(request.uri().path()) {
        let path = request.uri().path().chars().take(256).collect();
        return (request, Some(Recording { entry: Entry { path, ..entry }, copy: BodyCopy::default() }));
    }
    let (head, body) = request.into_parts();
    let (body, copy) = journal::copied(body);
    (Request::from_parts(head, body), Some(Recording { entry, copy }))
}

/// True for the paths of OAuth: the journal has neither their bodies nor their queries.
fn is_secret(path: &str) -> bool {
    path.starts_with("/oauth2") || path.starts_with("/activate")
}

impl Recording {
    /// Adds the request to the journal.
    pub fn finish(self, service: &Service, response: &Response, time: Duration) {
        let Recording { entry, copy } = self;
        let (body_bytes, body, body_cut) = copy.take();
        let is_closed = response.extensions().get::<Closed>().is_some();
        let is_unknown = response.extensions().get::<Route>().is_some_and(|route| route.0 == "none");
        let fault = response.extensions().get::<Injected>().map(|injected| injected.0);
        service.control.journal.add(Entry {
            status: (!is_closed).then(|| response.status().as_u16()),
            milliseconds: time.as_millis() as u64,
            matched: !is_unknown && (response.status() != StatusCode::METHOD_NOT_ALLOWED || fault.is_some()),
            fault,
            body_bytes,
            body,
            body_cut,
            ..entry
        });
    }
}

/// Dates an answer by a clock that was moved; the date is that of the system otherwise.
pub fn date(service: &Service, response: &mut Response) {
    let clock = service.account.clock();
    if clock.ahead() != 0
        && let Ok(now) = jiff::Timestamp::from_millisecond(clock.milliseconds())
        && let Ok(date) = HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    {
        response.headers_mut().insert(header::DATE, date);
    }
}

/// Whether a request has the token as the password of a user, as browsers send it.
fn has_password(headers: &HeaderMap, token: Option<&str>) -> bool {
    let Some(token) = token else { return true };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, given)) = given.and_then(|value| value.split_once(' ')) else { return false };
    let Some(given) = scheme.eq_ignore_ascii_case("basic").then(|| oauth::decode(given.trim())).flatten() else {
        return false;
    };
    let Some(colon) = given.iter().position(|byte| *byte == b':') else { return false };
    bool::from(given[colon + 1..].ct_eq(token.as_bytes()))
}

/// Admits a request for control. It needs the token, and does not count for the limits.
pub async fn admit(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let token = service.config.token.as_deref();
    if has_token(request.headers(), token) || has_password(request.headers(), token) {
        return next.run(request).await;
    }
    // The router has taken the prefix of control from the path.
    let is_page = request.uri().path() == "/" || request.uri().path().starts_with("/page");
    let (head, body) = request.into_parts();
    let mut refused = answer::unauthorized();
    if is_page {
        // A browser asks its user.
        let basic = HeaderValue::from_static("Basic realm=\"presort: any name, the token as the password\"");
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    body::refuse(&service, &head.headers, body, refused).await
}
