//! The endpoint over HTTP: `POST /v3/activities/contacts_json_import` and what is needed to see what became of it, as the
//! published service has them, on an account in a file.
//!
//! Requests run on tokio; everything that touches the account runs on threads that may block, and a few of them at a time.
//! Imports run one after the other on a thread of their own. No contact data is logged above the debug level, and no token at
//! all.

mod answer;
mod body;
mod handlers;
mod metrics;
mod query;
mod serve;

pub use serve::run;

use crate::account::Account;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
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

/// How the endpoint is to be served.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Port 0 takes one that is free.
    pub listen: SocketAddr,
    /// The bearer token that requests must have; without one, none is asked for.
    pub token: Option<String>,
    /// Most requests a second.
    pub rate_limit: Option<u32>,
    /// How long one activity may take.
    pub activity_time: Duration,
    /// How long a client may take between two pieces of a request.
    pub idle_time: Duration,
    /// How long a client may take for a whole request body.
    pub body_time: Duration,
    /// Connections at once; more wait until some are closed.
    pub connections: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token: None,
            rate_limit: None,
            activity_time: Duration::from_secs(600),
            idle_time: Duration::from_secs(15),
            body_time: Duration::from_secs(120),
            connections: 4096,
        }
    }
}

/// Memory of all request bodies that are being read, in bytes.
const BODIES: usize = 256 << 20;
/// Requests that work on the account at once.
const WORKERS: usize = 16;
/// Requests at once that change lists or custom fields.
const WRITERS: usize = 2;

/// What all requests see.
pub struct Service {
    account: Arc<Account>,
    config: Config,
    metrics: Metrics,
    /// The process is about to end: nothing is accepted any more.
    closing: AtomicBool,
    /// Permits for the memory of request bodies, of [`body::UNIT`] each.
    memory: Semaphore,
    workers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    /// Requests that may come now, and when that was so.
    rate: Mutex<(f64, Instant)>,
}

impl Service {
    /// A service of this account.
    #[must_use]
    pub fn new(account: Arc<Account>, config: Config) -> Arc<Service> {
        let rate = f64::from(config.rate_limit.unwrap_or(0));
        Arc::new(Service {
            account,
            config,
            metrics: Metrics::default(),
            closing: AtomicBool::new(false),
            memory: Semaphore::new(BODIES / body::UNIT),
            workers: Arc::new(Semaphore::new(WORKERS)),
            writers: Arc::new(Semaphore::new(WRITERS)),
            rate: Mutex::new((rate, Instant::now())),
        })
    }

    /// Whether one more request may come now.
    fn may_come(&self) -> bool {
        let Some(limit) = self.config.rate_limit else { return true };
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (left, then) = *rate;
        let limit = f64::from(limit);
        let left = (left + now.duration_since(then).as_secs_f64() * limit).min(limit);
        *rate = (if left >= 1.0 { left - 1.0 } else { left }, now);
        left >= 1.0
    }

    /// Does what blocks on a thread that may.
    async fn block<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Account) -> crate::account::Result<T> + Send + 'static,
    ) -> Result<T, Response> {
        self.block_by(&self.workers, work).await
    }

    /// The same for what waits for an import that runs: those who only read must not wait behind it.
    async fn block_to_write<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Account) -> crate::account::Result<T> + Send + 'static,
    ) -> Result<T, Response> {
        self.block_by(&self.writers, work).await
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
        .method_not_allowed_fallback(h::wrong_method)
        .fallback(h::not_found)
        .route_layer(middleware::from_fn(name_path))
        .layer(middleware::from_fn_with_state(Arc::clone(service), admit));
    Router::new()
        .nest("/v3", v3)
        // Not in the nest, which begins behind the slash.
        .route(
            "/v3/",
            axum::routing::any(h::not_found).layer(middleware::from_fn_with_state(Arc::clone(service), admit)),
        )
        .route("/healthz", get(h::healthz))
        .route("/metrics", get(h::metrics))
        .method_not_allowed_fallback(h::wrong_method)
        .fallback(h::not_found)
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request met a bug");
            answer::error(StatusCode::INTERNAL_SERVER_ERROR, "an internal error; please report it")
        }))
        .layer(middleware::from_fn_with_state(Arc::clone(service), observe))
        .with_state(Arc::clone(service))
}

/// The route that a request took, for logs and metrics: a path itself may name a contact.
#[derive(Clone)]
struct Route(String);

async fn name_path(path: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Route(path.as_str().to_owned()));
    response
}

/// Counts and logs each request.
async fn observe(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    let route = response.extensions().get::<Route>().map_or("other", |route| route.0.as_str());
    let (status, time) = (response.status(), began.elapsed());
    service.metrics.request(method.as_str(), route, status.as_u16(), time);
    tracing::info!(%method, route, status = status.as_u16(), milliseconds = time.as_millis() as u64, "request");
    response
}

/// Lets a request in, or says why not.
async fn admit(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let answer = if service.closing.load(Ordering::Relaxed) {
        let what = "the service is shutting down: try again later";
        answer::close(answer::error(StatusCode::SERVICE_UNAVAILABLE, what))
    } else if !has_token(request.headers(), service.config.token.as_deref()) {
        answer::unauthorized()
    } else if !service.may_come() {
        let limit = service.config.rate_limit.unwrap_or(0);
        let what = format!("more than {limit} requests a second: wait a little, and try again");
        answer::error(StatusCode::TOO_MANY_REQUESTS, what)
    } else {
        return next.run(request).await;
    };
    let (head, body) = request.into_parts();
    body::refuse(&service, &head.headers, body, answer).await
}

/// Whether a request has the token that is asked for. How long that takes says nothing about the token but its length.
fn has_token(headers: &HeaderMap, token: Option<&str>) -> bool {
    use subtle::ConstantTimeEq;
    let Some(token) = token else { return true };
    let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let Some((scheme, given)) = given.split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(given.trim_ascii().ct_eq(token.as_bytes()))
}
