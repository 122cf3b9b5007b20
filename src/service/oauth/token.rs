//! The token endpoint.

use super::requests::{Parameters, oauth};
use super::scopes;
use super::store::{ACCESS, Refusal, Tokens};
use crate::service::handlers::{Answer, Shared};
use crate::service::{Service, body};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// Most bytes of a form.
const FORM_MAX: usize = 16 << 10;

/// An error, as the standard has it.
pub fn json_error(error: &str, text: &str) -> Response {
    let status = match error {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let object = json!({"error": error, "error_description": text});
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(object)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
    }
    response
}

/// The parameters of a form in the body.
pub async fn parameters(service: &Arc<Service>, headers: &HeaderMap, body: Body) -> Result<Parameters, Response> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let answer = json_error("invalid_request", "the body must be application/x-www-form-urlencoded");
        return Err(body::refuse(service, headers, body, answer).await);
    }
    let read = body::read(service, headers, body, FORM_MAX).await?;
    if read.dropped > 0 {
        return Err(json_error("invalid_request", "the body is too large"));
    }
    Parameters::parse(&read.bytes).map_err(|what| json_error("invalid_request", what))
}

/// The client that asks, from the header or from the body, and its secret.
fn credentials(headers: &HeaderMap, given: &Parameters) -> Result<(String, Option<String>), Refusal> {
    let refused = ("invalid_client", "the client is unknown, or its secret is not the one of --oauth-clients");
    let Some(basic) = headers.get(header::AUTHORIZATION) else {
        let id = given.get("client_id").ok_or(("invalid_client", "client_id is missing"))?;
        return Ok((id.to_owned(), given.get("client_secret").map(str::to_owned)));
    };
    if given.get("client_secret").is_some() {
        return Err(("invalid_request", "the secret comes in the header and in the body"));
    }
    let text = basic.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(refused)?;
    let decoded =
        Some(text).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")).and_then(|(_, text)| decode(text.trim()));
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(refused)?;
    let (id, secret) = decoded.split_once(':').ok_or(refused)?;
    // Each is encoded like a form.
    let decode = |text: &str| -> Option<String> {
        let text = text.replace('+', " ");
        Some(percent_encoding::percent_decode_str(&text).decode_utf8().ok()?.into_owned())
    };
    let (id, secret) = (decode(id).ok_or(refused)?, decode(secret).ok_or(refused)?);
    if given.get("client_id").is_some_and(|other| other != id) {
        return Err(("invalid_request", "client_id is not that of the header"));
    }
    Ok((id, Some(secret).filter(|secret| !secret.is_empty())))
}

/// Bytes of Base64.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        word = (word << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
        }
    }
    Some(bytes)
}

/// `POST token`.
pub async fn token(State(service): Shared, headers: HeaderMap, body: Body) -> Answer {
    let oauth = oauth(&service)?;
    let given = parameters(&service, &headers, body).await?;
    let now = service.account.clock().milliseconds();
    let grant = || -> Result<Tokens, Refusal> {
        let (client, secret) = credentials(&headers, &given)?;
        if !oauth.clients.is_authentic(&client, secret.as_deref()) {
            return Err(("invalid_client", "the client is unknown, or its secret is not the one of --oauth-clients"));
        }
        let required = |name: &'static str, missing: &'static str| given.get(name).ok_or(("invalid_request", missing));
        let mut store = oauth.store();
        match given.get("grant_type") {
            Some("authorization_code") => {
                let code = required("code", "code is missing")?;
                let uri = required("redirect_uri", "redirect_uri is missing")?;
                store.exchange(code, &client, uri, given.get("code_verifier"), now)
            }
            Some("refresh_token") => {
                let token = required("refresh_token", "refresh_token is missing")?;
                let fewer = match given.get("scope") {
                    None => None,
                    Some(text) => Some(scopes(text).ok_or(("invalid_scope", "scope names an unknown scope"))?),
                };
                store.refresh(token, &client, fewer, now)
            }
            Some("urn:ietf:params:oauth:grant-type:device_code") => {
                store.poll(required("device_code", "device_code is missing")?, &client, now)
            }
            Some(_) => {
                Err(("unsupported_grant_type", "grant_type is authorization_code, refresh_token or device_code"))
            }
            None => Err(("invalid_request", "grant_type is missing")),
        }
    };
    let tokens = grant().map_err(|(error, text)| json_error(error, text))?;
    let mut answer = json!({
        "token_type": "Bearer",
        "expires_in": ACCESS / 1000,
        "access_token": tokens.access,
        "scope": tokens.scopes.join(" "),
    });
    if let Some(refresh) = tokens.refresh {
        answer["refresh_token"] = refresh.into();
    }
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    Ok((headers, Json(answer)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        assert_eq!(decode("d2ViOnMzY3JldA==").unwrap(), b"web:s3cret");
        assert_eq!(decode("").unwrap(), b"");
        assert!(decode("d2V%").is_none());
    }
}
