//! The HTTP endpoint: `POST /v3/activities/contacts_json_import` and the requests that show its results, as in the published
//! service, on an account in a file.
//!
//! Requests run on tokio. All work on the account runs on blocking threads, a few at a time. Imports run one after the other
//! on their own thread. Contact data is logged at the debug level at most, and tokens never.

mod answer;
mod body;
mod control;
mod guard;
mod handlers;
mod metrics;
mod oauth;
mod page;
mod query;
mod quota;
mod resources;
mod serve;
mod wording;

pub use guard::{host_name, origin};
pub use oauth::{Client, parse_clients};
pub use serve::run;

use crate::account::Account;
use crate::account::activities::Activity;
use crate::account::import::Body;
use crate::account::runner::{Fate, Runner};
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use metrics::Metrics;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

/// The configuration of the endpoint.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// The bearer token that requests must have; `None` requires no token.
    pub token: Option<String>,
    /// OAuth instead of one token, for these clients; an empty list is for any public client.
    pub oauth: Option<Vec<Client>>,
    /// Most requests per second.
    pub rate_limit: Option<u32>,
    /// Most requests per day, from 00:00 UTC on.
    pub quota: Option<u64>,
    /// Word the errors of activities as the published service is known to.
    pub published_errors: bool,
    /// Have the control endpoints even if the address is no loopback address.
    pub control: bool,
    /// How long one activity may take.
    pub activity_time: Duration,
    /// How long a client may take between two pieces of a request.
    pub idle_time: Duration,
    /// How long a client may take for a whole request body.
    pub body_time: Duration,
    /// Connections at once; more wait until some are closed.
    pub connections: usize,
    /// Further names and addresses that requests may be addressed to, besides those of this machine, in the form of [`host_name`].
    pub hosts: Vec<String>,
    /// Origins whose web pages may use the endpoint, in the form of [`origin`].
    pub origins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token: None,
            oauth: None,
            rate_limit: None,
            quota: None,
            published_errors: false,
            control: false,
            activity_time: Duration::from_secs(600),
            idle_time: Duration::from_secs(15),
            body_time: Duration::from_secs(120),
            connections: 4096,
            hosts: Vec::new(),
            origins: Vec::new(),
        }
    }
}

/// Memory limit of all request bodies that are being read, in bytes.
const BODIES: usize = 256 << 20;
/// Memory limit of all answers that clients have not read yet, in bytes; small ones do not count.
const ANSWERS: usize = 128 << 20;
/// Bytes of JSON of a page; further items are on the next page.
const PAGE: u64 = 1 << 20;
/// Requests that use the account at the same time.
const WORKERS: usize = 16;
/// Bodies that are checked at the same time before they are accepted. The check uses only the processor, and takes long for a
/// hostile body: requests that only read must not wait for it.
const CHECKERS: usize = 8;
/// Requests that change lists or custom fields at the same time.
const WRITERS: usize = 2;

/// The state that all requests share.
pub struct Service {
    account: Arc<Account>,
    config: Config,
    metrics: Metrics,
    oauth: Option<oauth::OAuth>,
    /// The process is about to end, and accepts nothing.
    closing: AtomicBool,
    /// Permits for the memory of request bodies, of [`body::UNIT`] each.
    memory: Semaphore,
    /// Permits for the memory of answers, of [`body::UNIT`] each.
    answers: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    checkers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    /// The token bucket of the rate limit: requests left, and the time of that count.
    rate: Mutex<(f64, Instant)>,
    quota: quota::Quota,
    control: control::Control,
    /// Files that were dropped on the page.
    files: page::Files,
}

impl Service {
    /// Creates a service of this account.
    #[must_use]
    pub fn new(account: Arc<Account>, config: Config) -> Arc<Service> {
        let rate = f64::from(config.rate_limit.unwrap_or(0));
        let oauth = config.oauth.clone().map(oauth::OAuth::new);
        Arc::new(Service {
            account,
            config,
            oauth,
            metrics: Metrics::default(),
            closing: AtomicBool::new(false),
            memory: Semaphore::new(BODIES / body::UNIT),
            answers: Arc::new(Semaphore::new(ANSWERS / body::UNIT)),
            workers: Arc::new(Semaphore::new(WORKERS)),
            checkers: Arc::new(Semaphore::new(CHECKERS)),
            writers: Arc::new(Semaphore::new(WRITERS)),
            rate: Mutex::new((rate, Instant::now())),
            quota: quota::Quota::default(),
            control: control::Control::default(),
            files: page::Files::default(),
        })
    }

    /// Takes a request from the rate limit; false when none is left.
    fn take_from_rate(&self) -> bool {
        let Some(limit) = self.config.rate_limit else { return true };
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (left, then) = *rate;
        let limit = f64::from(limit);
        let left = (left + now.duration_since(then).as_secs_f64() * limit).min(limit);
        *rate = (if left >= 1.0 { left - 1.0 } else { left }, now);
        left >= 1.0
    }

    /// Takes a request from the quota of the day; false when none is left.
    fn take_from_quota(&self) -> bool {
        self.config.quota.is_none_or(|limit| self.quota.take(limit, self.account.clock().day()))
    }

    /// True when the control endpoints are there.
    fn has_control(&self) -> bool {
        self.config.control || self.config.listen.ip().is_loopback()
    }

    /// Words the errors of an activity as asked for.
    fn reword(&self, activity: &mut Activity) {
        if self.config.published_errors {
            wording::reword(activity);
        }
    }

    /// Runs blocking work on the account.
    async fn block<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Account) -> crate::account::Result<T> + Send + 'static,
    ) -> Result<T, Response> {
        self.block_by(&self.workers, work).await
    }

    /// Like [`Service::block`], for work that waits for a running import: requests that only read must not wait for it.
    async fn block_to_write<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Account) -> crate::account::Result<T> + Send + 'static,
    ) -> Result<T, Response> {
        self.block_by(&self.writers, work).await
    }

    /// Accepts a body within the time limit of an activity, which includes the wait for a worker, and until the process is about
    /// to end.
    async fn accept(self: &Arc<Self>, body: Body) -> Result<Activity, Response> {
        self.accept_named(body, None).await
    }

    /// The same for a body that came as a file.
    async fn accept_named(self: &Arc<Self>, body: Body, file_name: Option<String>) -> Result<Activity, Response> {
        self.accepted(body, file_name).await?.map_err(|error| answer::account_error(&error))
    }

    /// The same, for a caller that words an error of the account itself.
    async fn accepted(
        self: &Arc<Self>,
        body: Body,
        file_name: Option<String>,
    ) -> Result<crate::account::Result<Activity>, Response> {
        let (service, began, time) = (Arc::clone(self), Instant::now(), self.config.activity_time);
        let fate = control::fate();
        self.block_by(&self.checkers, move |account| {
            let left = time.saturating_sub(began.elapsed());
            Ok(service.accept_now(account, &body, file_name.as_deref(), fate, left))
        })
        .await
    }

    /// Accepts a body, as blocking work.
    fn accept_now(
        &self,
        account: &Account,
        body: &Body,
        file_name: Option<&str>,
        fate: Option<Fate>,
        time: Duration,
    ) -> crate::account::Result<Activity> {
        let runner = Runner { stop: &self.closing, time };
        let accept = || account.accept_within(body, file_name, &runner);
        self.control.accept(fate, accept, |accepted| accepted.as_ref().ok().map(|a| a.activity_id.as_str()))
    }

    async fn block_by<T: Send + 'static>(
        self: &Arc<Self>,
        workers: &Arc<Semaphore>,
        work: impl FnOnce(&Account) -> crate::account::Result<T> + Send + 'static,
    ) -> Result<T, Response> {
        let permit = Arc::clone(workers).acquire_owned().await;
        let account = Arc::clone(&self.account);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&account)
        });
        match done.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(answer::account_error(&error)),
            Err(error) => {
                tracing::error!(%error, "a request could not be worked on");
                Err(answer::error(StatusCode::INTERNAL_SERVER_ERROR, "an internal error"))
            }
        }
    }
}

/// The routes of a service.
pub fn router(service: &Arc<Service>) -> Router {
    use handlers as h;
    let v3 = Router::new()
        .route("/activities", get(h::activities))
        .route("/activities/contacts_json_import", axum::routing::post(h::import))
        .route("/activities/{activity_id}", get(h::activity))
        .route("/contacts", get(h::contacts))
        .route("/contacts/{contact_id}", get(h::contact))
        .route("/contact_lists", get(h::lists).post(h::add_list))
        .route("/contact_custom_fields", get(h::fields).post(h::add_field))
        .merge(resources::routes())
        .method_not_allowed_fallback(h::wrong_method)
        .fallback(h::not_found)
        .route_layer(middleware::from_fn(name_path))
        .layer(middleware::from_fn_with_state(Arc::clone(service), admit));
    let mut all = Router::new();
    if service.has_control() {
        let admitted = middleware::from_fn_with_state(Arc::clone(service), control::admit);
        let front = get(page::front).layer(middleware::from_fn(name_path)).layer(admitted);
        all = all.route("/", front).nest(control::PREFIX, control_router(service));
    }
    let all = all
        .nest("/v3", v3)
        // The nest does not match the bare slash.
        .route(
            "/v3/",
            axum::routing::any(h::not_found).layer(middleware::from_fn_with_state(Arc::clone(service), admit)),
        )
        .merge(oauth::routes())
        .route("/healthz", get(h::healthz))
        .route("/metrics", get(h::metrics))
        .route("/openapi.json", get(h::openapi))
        .method_not_allowed_fallback(h::wrong_method)
        .fallback(h::not_found)
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request panicked");
            answer::error(StatusCode::INTERNAL_SERVER_ERROR, "an internal error; please report it")
        }))
        .with_state(Arc::clone(service));
    // A router of its own, so that these layers see the final answers: layers of a route run before the router adds to an answer.
    let mut outer = Router::new().fallback_service(all);
    if service.has_control() {
        outer = outer.layer(middleware::from_fn_with_state(Arc::clone(service), control::inject));
    }
    outer
        .layer(middleware::from_fn_with_state(Arc::clone(service), guard::guard))
        .layer(middleware::from_fn_with_state(Arc::clone(service), observe))
}

/// The routes for control.
fn control_router(service: &Arc<Service>) -> Router<Arc<Service>> {
    use axum::routing::post;
    use control::handlers as h;
    Router::new()
        .route("/state", get(h::state))
        .route("/journal", get(h::journal))
        .route("/faults", post(h::faults))
        .route("/clock", post(h::clock))
        .route("/seed", post(h::seed))
        .route("/reset", post(h::reset))
        .route("/snapshot", post(h::snapshot))
        .route("/restore", post(h::restore))
        .nest("/page", page::routes())
        .method_not_allowed_fallback(handlers::wrong_method)
        .fallback(handlers::not_found)
        .route_layer(middleware::from_fn(name_path))
        .layer(middleware::from_fn_with_state(Arc::clone(service), control::admit))
}

/// The route of a request, for logs and metrics: the path itself may identify a contact.
#[derive(Clone)]
struct Route(String);

async fn name_path(path: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Route(path.as_str().to_owned()));
    response
}

/// Counts and logs each request, even if the client disconnects before the answer: the request was still executed.
async fn observe(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = known_method(request.method());
    let (request, recording) = control::record(&service, request);
    let observed = tokio::spawn(async move {
        let mut response = next.run(request).await;
        let route = response.extensions().get::<Route>().map_or("other", |route| route.0.as_str());
        let (status, time) = (response.status(), began.elapsed());
        service.metrics.request(method, route, status.as_u16(), time);
        tracing::info!(method, route, status = status.as_u16(), milliseconds = time.as_millis() as u64, "request");
        if status == StatusCode::NOT_FOUND {
            // The router lists the methods of a path, though the path does not exist.
            response.headers_mut().remove(header::ALLOW);
        }
        if let Some(recording) = recording {
            recording.finish(&service, &response, time);
        }
        control::date(&service, &mut response);
        response
    });
    observed.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request was not worked on");
        answer::error(StatusCode::INTERNAL_SERVER_ERROR, "an internal error; please report it")
    })
}

/// The method for logs and metrics. A client may send any word of any length.
fn known_method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// Admits a request, or answers why not.
async fn admit(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let answer = if service.closing.load(Ordering::Relaxed) {
        let what = "the service is shutting down: try again later";
        answer::close(answer::error(StatusCode::SERVICE_UNAVAILABLE, what))
    } else if !has_token(request.headers(), service.config.token.as_deref()) {
        answer::unauthorized()
    } else if let Some(refused) = service.oauth.as_ref().and_then(|oauth| {
        let now = service.account.clock().milliseconds();
        oauth.check(request.headers(), request.uri().path(), now).err()
    }) {
        refused
    } else if !service.take_from_rate() {
        let limit = service.config.rate_limit.unwrap_or(0);
        let what = format!("more than {limit} requests a second: wait a little, and try again");
        answer::too_many(answer::TooMany::Throttled, &what)
    } else if !service.take_from_quota() {
        quota::exceeded(&service)
    } else {
        return next.run(request).await;
    };
    let (head, body) = request.into_parts();
    body::refuse(&service, &head.headers, body, answer).await
}

/// Whether a request has the required token. The time of the comparison reveals only the length of the token.
fn has_token(headers: &HeaderMap, token: Option<&str>) -> bool {
    use subtle::ConstantTimeEq;
    let Some(token) = token else { return true };
    let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let Some((scheme, given)) = given.split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(given.trim_ascii().ct_eq(token.as_bytes()))
}
