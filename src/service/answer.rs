//! What is answered when something is wrong, in the service's own shape.

use crate::account::Error;
use crate::error::Kind;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// One error.
#[derive(Serialize)]
struct Fault<'a> {
    error_key: &'static str,
    error_message: &'a str,
}

/// The key of a status.
fn key(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "contacts.api.validation.error",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "request_timeout",
        StatusCode::CONFLICT => "contacts.api.conflict",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
        StatusCode::SERVICE_UNAVAILABLE => "service_unavailable",
        _ => "internal_error",
    }
}

/// An array of one error.
pub fn error(status: StatusCode, message: impl AsRef<str>) -> Response {
    let fault = Fault { error_key: key(status), error_message: message.as_ref() };
    let mut response = (status, Json([fault])).into_response();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// No good token: one object, as the published service has it.
pub fn unauthorized() -> Response {
    let status = StatusCode::UNAUTHORIZED;
    let fault = Fault { error_key: key(status), error_message: "no good bearer token in the Authorization header" };
    let mut response = (status, Json(fault)).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The same answer, and the connection is closed behind it.
pub fn close(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// What the account would not do.
pub fn account_error(error: &Error) -> Response {
    let status = match error {
        // A bug of ours is not the client's fault.
        Error::Body(body) if matches!(body.kind(), Kind::Bug { .. } | Kind::Counts { .. } | Kind::Io { .. }) => {
            tracing::error!(%error, "the body");
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Error::Invalid(_) | Error::Body(_) => StatusCode::BAD_REQUEST,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Full => StatusCode::TOO_MANY_REQUESTS,
        Error::Halted(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::NotAnAccount(_) | Error::Database { .. } | Error::Io { .. } => {
            tracing::error!(%error, "the account");
            let status =
                if error.is_busy() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
            // What it is in detail is for the log.
            return self::error(status, "the account cannot be read or written now");
        }
    };
    self::error(status, error.to_string())
}
