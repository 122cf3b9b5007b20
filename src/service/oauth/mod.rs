//! OAuth for tests (`--oauth`): the flows of the published service, strictly checked, with a page that approves.
//!
//! Everything is in memory and ends with the process. Tokens, codes and secrets are kept as SHA-256 and found by it, so the time of
//! a comparison says nothing about them; no message and no log has them.

mod clients;
mod page;
mod redirect;
mod requests;
mod secret;
mod store;
mod token;

pub use clients::{Client, parse_clients};
pub use token::decode;

use super::{Service, answer};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use clients::Clients;
use secret::hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Store;

/// The scopes of the published service.
const SCOPES: [&str; 6] =
    ["contact_data", "campaign_data", "account_read", "account_update", "billing_data", "offline_access"];
/// The scope that comes with a refresh token.
const OFFLINE: &str = "offline_access";

/// What `--oauth` keeps.
pub struct OAuth {
    clients: Clients,
    store: Mutex<Store>,
}

impl OAuth {
    /// Without clients, every client is taken for a public one.
    pub fn new(clients: Vec<Client>) -> Self {
        OAuth { clients: Clients::new(clients), store: Mutex::default() }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the access token of a request for a path under `/v3`, at a time in milliseconds; the error is the answer.
    #[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
    pub fn check(&self, headers: &HeaderMap, path: &str, now: i64) -> Result<(), Response> {
        let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let token = match given.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
            _ => return Err(answer::unauthorized()),
        };
        let needed = scope_of(path);
        match self.store().scopes_of(&hash(token), now) {
            None => Err(answer::unauthorized()),
            Some(scopes) if scopes.iter().any(|scope| scope == needed) => Ok(()),
            Some(_) => Err(answer::error(StatusCode::FORBIDDEN, format!("the access token has no scope {needed}"))),
        }
    }
}

/// The scope that a path needs.
fn scope_of(path: &str) -> &'static str {
    let path = path.strip_prefix("/v3").unwrap_or(path);
    if path.starts_with("/account/") { "account_read" } else { "contact_data" }
}

/// The scopes in a parameter, or `None` if one is unknown, or there is none.
fn scopes(text: &str) -> Option<Vec<String>> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        if !SCOPES.contains(&scope) {
            return None;
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    (!scopes.is_empty()).then_some(scopes)
}

/// The routes. They answer 404 without `--oauth`.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/oauth2/default/v1/authorize", get(requests::authorize).post(requests::decide))
        .route("/oauth2/default/v1/token", post(token::token))
        .route("/oauth2/default/v1/device/authorize", post(requests::device_authorize))
        .route("/activate", get(requests::activate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_known_and_joined_by_spaces() {
        assert_eq!(scopes("contact_data offline_access"), Some(vec!["contact_data".into(), "offline_access".into()]));
        assert_eq!(scopes("contact_data  contact_data"), Some(vec!["contact_data".into()]));
        for bad in ["", " ", "contact_data+offline_access", "contacts", "contact_data,offline_access"] {
            assert_eq!(scopes(bad), None, "{bad}");
        }
        assert_eq!((scope_of("/v3/account/summary"), scope_of("/contacts")), ("account_read", "contact_data"));
    }
}
