//! What a client and its user ask for: authorisations with a redirect, and those of devices.

use super::redirect::{origin, with};
use super::secret::is_challenge;
use super::store::{DEVICE, INTERVAL, Question, Wish};
use super::token::{json_error, parameters};
use super::{OAuth, page, scopes};
use crate::service::handlers::{Answer, Shared};
use crate::service::{Service, answer};
use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// Most characters of a state.
const STATE_MAX: usize = 2000;

/// What `--oauth` keeps; without it there is nothing here.
#[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
pub fn oauth(service: &Arc<Service>) -> Result<&OAuth, Response> {
    service.oauth.as_ref().ok_or_else(|| {
        answer::error(StatusCode::NOT_FOUND, "there is nothing at this path: presort serve --oauth has it")
    })
}

/// The parameters of a request, of which none may come twice.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn parse(text: &[u8]) -> Result<Parameters, &'static str> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text).into_owned().collect();
        let is_twice =
            pairs.iter().enumerate().any(|(i, (name, _))| pairs[..i].iter().any(|(before, _)| before == name));
        if is_twice || pairs.len() > 50 {
            return Err("a parameter comes twice, or there are too many");
        }
        Ok(Parameters(pairs))
    }

    /// The value of a parameter; an empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

fn bad(text: &str) -> Response {
    page::message(StatusCode::BAD_REQUEST, "This request cannot be answered", text)
}

fn see_other(uri: &str) -> Response {
    let location = HeaderValue::from_str(uri).unwrap_or(HeaderValue::from_static("/"));
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Sends the user back with an error.
fn send_back(uri: &str, state: Option<&str>, error: &str, text: &str) -> Response {
    let mut parameters = vec![("error", error), ("error_description", text)];
    parameters.extend(state.map(|state| ("state", state)));
    see_other(&with(uri, &parameters))
}

/// `GET authorize`: asks the user.
pub async fn authorize(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let oauth = oauth(&service)?;
    let given = Parameters::parse(query.as_deref().unwrap_or("").as_bytes()).map_err(bad)?;
    // No redirect until client and address are known to belong together.
    let client = given.get("client_id").filter(|id| oauth.clients.has(id));
    let client = client.ok_or_else(|| bad("client_id is missing, or names no client of this server."))?;
    let Some(uri) = given.get("redirect_uri").filter(|uri| oauth.clients.may_redirect(client, uri)) else {
        return Err(bad(
            "redirect_uri is missing, or is not one of this client. Without --oauth-clients it must begin with https:// or with \
             http:// and the name of this machine, and have no fragment.",
        ));
    };
    let state = given.get("state");
    let refuse = |error: &str, text: &str| send_back(uri, state, error, text);
    if state.is_some_and(|state| state.len() > STATE_MAX) {
        return Err(bad("state is too long."));
    }
    if given.get("response_type") != Some("code") {
        return Err(refuse("unsupported_response_type", "response_type must be code"));
    }
    let Some(scopes) = given.get("scope").and_then(scopes) else {
        return Err(refuse("invalid_scope", "scope must name known scopes, joined by a plus that is not encoded"));
    };
    let challenge = match (given.get("code_challenge"), given.get("code_challenge_method")) {
        (Some(challenge), Some("S256")) if is_challenge(challenge) => Some(challenge.to_owned()),
        (None, None) if !oauth.clients.is_public(client) => None,
        (None, None) => return Err(refuse("invalid_request", "a client without a secret needs code_challenge (PKCE)")),
        _ => {
            return Err(refuse(
                "invalid_request",
                "code_challenge must be one of S256, and code_challenge_method S256",
            ));
        }
    };
    let question = Question::Redirect { redirect_uri: uri.to_owned(), state: state.map(str::to_owned), challenge };
    let wish = Wish { client_id: client.to_owned(), scopes };
    let asked = oauth.store().ask(wish.clone(), question, service.account.clock().milliseconds());
    let request = asked.ok_or_else(|| refuse("server_error", "the system gave no random bytes"))?;
    Ok(page::question(client, &wish.scopes, &request, &origin(uri)))
}

/// `POST authorize`: what the user decided on the page.
pub async fn decide(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let oauth = oauth(&service)?;
    let given = parameters(&service, &headers, body).await?;
    let approved = match given.get("decision") {
        Some("approve") => true,
        Some("deny") => false,
        _ => return Err(bad("decision must be approve or deny.")),
    };
    let now = service.account.clock().milliseconds();
    let answered = given.get("request").and_then(|request| oauth.store().answered(request, now));
    let Some((wish, question)) = answered else {
        return Err(bad("This page was answered before, or was open for too long. Start again from the client."));
    };
    match question {
        Question::Device(device) => {
            oauth.store().decide(&device, approved, now);
            let text = if approved { "The device is connected." } else { "The device gets no access." };
            Ok(page::message(StatusCode::OK, "Done", &format!("{text} You can close this page.")))
        }
        Question::Redirect { redirect_uri, state, .. } if !approved => {
            Ok(send_back(&redirect_uri, state.as_deref(), "access_denied", "the user said no"))
        }
        Question::Redirect { redirect_uri, state, challenge } => {
            let Some(code) = oauth.store().code(wish, redirect_uri.clone(), challenge, now) else {
                return Ok(send_back(&redirect_uri, state.as_deref(), "server_error", "no random bytes"));
            };
            let mut parameters = vec![("code", code.as_str())];
            parameters.extend(state.as_deref().map(|state| ("state", state)));
            Ok(see_other(&with(&redirect_uri, &parameters)))
        }
    }
}

/// `POST device/authorize`: a device wants to be connected.
pub async fn device_authorize(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let oauth = oauth(&service)?;
    let given = parameters(&service, &headers, body).await?;
    let Some(client) = given.get("client_id").filter(|id| oauth.clients.has(id)) else {
        return Err(json_error("invalid_client", "client_id is missing, or names no client of this server"));
    };
    let Some(scopes) = given.get("scope").and_then(scopes) else {
        return Err(json_error("invalid_scope", "scope must name known scopes, separated by spaces"));
    };
    let wish = Wish { client_id: client.to_owned(), scopes };
    let device = oauth.store().device(wish, service.account.clock().milliseconds());
    let (device_code, user_code) =
        device.ok_or_else(|| json_error("server_error", "the system gave no random bytes"))?;
    // The host was checked before.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let uri = format!("http://{host}/activate");
    let answer = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": uri,
        "verification_uri_complete": format!("{uri}?user_code={user_code}"),
        "expires_in": DEVICE / 1000,
        "interval": INTERVAL / 1000,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// `GET /activate`: the user types the code of a device.
pub async fn activate(State(service): Shared, RawQuery(query): RawQuery) -> Answer {
    let oauth = oauth(&service)?;
    let given = Parameters::parse(query.as_deref().unwrap_or("").as_bytes()).map_err(bad)?;
    let Some(code) = given.get("user_code") else { return Ok(page::code(StatusCode::OK, None)) };
    let now = service.account.clock().milliseconds();
    let mut store = oauth.store();
    let Some((device, wish)) = store.device_of(code, now) else {
        drop(store);
        return Ok(page::code(
            StatusCode::BAD_REQUEST,
            Some("No device waits with this code. Check it, and try again."),
        ));
    };
    let asked = store.ask(wish.clone(), Question::Device(device), now);
    drop(store);
    let request = asked.ok_or_else(|| bad("The system gave no random bytes."))?;
    Ok(page::question(&wish.client_id, &wish.scopes, &request, ""))
}
