//! Error answers, in the form of the published service.

use crate::account::{Audience, Error};
use crate::model::error::Kind;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The JSON object of an error.
#[derive(Serialize)]
struct ErrorObject<'a> {
    error_key: &'static str,
    error_message: &'a str,
}

/// The `error_key` of a status.
fn key(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "contacts.api.validation.error",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "request_timeout",
        StatusCode::CONFLICT => "contacts.api.conflict",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::MISDIRECTED_REQUEST => "misdirected_request",
        StatusCode::SERVICE_UNAVAILABLE => "service_unavailable",
        _ => "internal_error",
    }
}

/// Most characters of a message, which may quote the client.
const MESSAGE_MAX: usize = 1000;

/// An array of one error.
pub fn error(status: StatusCode, message: impl AsRef<str>) -> Response {
    errors(status, &[message.as_ref()])
}

/// An array of errors.
fn errors(status: StatusCode, messages: &[&str]) -> Response {
    let object = |message: &&'_ str| {
        let end = message.char_indices().nth(MESSAGE_MAX).map_or(message.len(), |(end, _)| end);
        (key(status), message[..end].to_owned())
    };
    let texts: Vec<(&'static str, String)> = messages.iter().map(object).collect();
    let objects: Vec<ErrorObject<'_>> =
        texts.iter().map(|(error_key, text)| ErrorObject { error_key, error_message: text }).collect();
    let mut response = (status, Json(objects)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The limit that a request exceeds.
#[derive(Debug, Clone, Copy)]
pub enum TooMany {
    /// Requests per second.
    Throttled,
    /// Requests per day.
    Quota,
    /// Waiting activities. The key of the published service is unknown.
    QueueFull,
}

/// Too many requests: one object and no `Retry-After`, as in the published service.
pub fn too_many(why: TooMany, message: &str) -> Response {
    let error_key = match why {
        TooMany::Throttled => "throttled",
        TooMany::Quota => "quota_exceeded",
        TooMany::QueueFull => "queue_full",
    };
    (StatusCode::TOO_MANY_REQUESTS, Json(ErrorObject { error_key, error_message: message })).into_response()
}

/// A missing or wrong token: one object, as in the published service.
pub fn unauthorized() -> Response {
    let status = StatusCode::UNAUTHORIZED;
    let object =
        ErrorObject { error_key: key(status), error_message: "no valid bearer token in the Authorization header" };
    let mut response = (status, Json(object)).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Closes the connection after this answer.
pub fn close(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The status and the message for an error of the account.
pub fn status_of(error: &Error) -> (StatusCode, String) {
    let status = match error {
        // A bug in presort is not the client's error.
        Error::Body(body) if matches!(body.kind(), Kind::Bug { .. } | Kind::Counts { .. } | Kind::Io { .. }) => {
            tracing::error!(%error, "the body");
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Error::Invalid(_) | Error::Body(_) => StatusCode::BAD_REQUEST,
        Error::Refused(texts) => return (StatusCode::BAD_REQUEST, texts.join("; ")),
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Halted(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Full => StatusCode::TOO_MANY_REQUESTS,
        Error::NotAnAccount(_) | Error::Database { .. } | Error::Io { .. } => {
            tracing::error!(%error, "the account");
            let status =
                if error.is_busy() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
            // Only the log has the details.
            return (status, "the account cannot be read or written now".to_owned());
        }
    };
    (status, error.for_audience(Audience::Http))
}

/// The answer to an error of the account.
pub fn account_error(error: &Error) -> Response {
    match error {
        Error::Refused(texts) => {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            errors(StatusCode::BAD_REQUEST, &texts)
        }
        Error::Full => too_many(TooMany::QueueFull, &error.to_string()),
        _ => {
            let (status, text) = status_of(error);
            self::error(status, text)
        }
    }
}
