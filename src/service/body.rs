//! Reading request bodies within limits of size and time, and writing answers.

use super::{Service, answer};
use crate::account::import::KEPT_MAX;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, SemaphorePermit};

/// Bytes beyond the limit of a body that are still read, so that a client that sends everything first gets its answer.
pub const DRAINED_MAX: u64 = 256 << 20;
/// Most bytes of any body but that of an import.
pub const SMALL_MAX: usize = 64 << 10;

/// Bytes of one permit of [`Service::memory`].
pub const UNIT: usize = 64 << 10;

/// A received body.
pub struct Read<'s> {
    /// Its bytes, up to the limit.
    pub bytes: Vec<u8>,
    /// Bytes after those, which were discarded.
    pub dropped: u64,
    /// The body was not read to its end.
    pub cut: bool,
    /// Its share of the memory limit: a client that stalls holds only as much as it sent.
    memory: Memory<'s>,
}

/// The share of a body in the memory limit of all bodies.
pub struct Memory<'s> {
    service: &'s Service,
    permits: Option<SemaphorePermit<'s>>,
}

impl<'s> Memory<'s> {
    pub fn new(service: &'s Service) -> Self {
        Memory { service, permits: None }
    }

    /// Takes what `bytes` in all need beyond the present share.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), Response> {
        let have = self.permits.as_ref().map_or(0, SemaphorePermit::num_permits);
        let need = bytes.div_ceil(UNIT);
        if need <= have {
            return Ok(());
        }
        let more = self.service.memory.acquire_many((need - have) as u32);
        let Ok(Ok(more)) = tokio::time::timeout(self.service.config.idle_time, more).await else {
            let what = "too many request bodies are being read: try again later";
            return Err(answer::close(answer::error(StatusCode::SERVICE_UNAVAILABLE, what)));
        };
        match &mut self.permits {
            Some(permits) => permits.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

/// Bytes that are read of the body of a refused request.
const REFUSED_MAX: u64 = 16 << 20;

/// The bytes of an answer and their share of the memory limit, until the last byte is sent.
struct Held {
    bytes: Vec<u8>,
    _memory: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// An answer in JSON. A client that does not read holds its memory, so the memory of all large answers is limited.
#[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
pub fn json(service: &Service, status: StatusCode, json: &impl Serialize) -> Result<Response, Response> {
    let mut bytes = serde_json::to_vec(json).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        answer::error(StatusCode::INTERNAL_SERVER_ERROR, "an internal error; please report it")
    })?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    if bytes.len() < UNIT {
        return Ok((status, kind, bytes).into_response());
    }
    bytes.shrink_to_fit();
    let permits = u32::try_from(bytes.len().div_ceil(UNIT)).unwrap_or(u32::MAX);
    match Arc::clone(&service.answers).try_acquire_many_owned(permits) {
        Ok(memory) => Ok((status, kind, Bytes::from_owner(Held { bytes, _memory: memory })).into_response()),
        Err(_) => {
            let what = "too many large answers wait to be read by their clients: try again later";
            Err(answer::error(StatusCode::SERVICE_UNAVAILABLE, what))
        }
    }
}

/// Refuses a request, after reading the rest of its body within limits: a client that writes to a closed connection never sees the
/// answer.
pub async fn refuse(service: &Service, headers: &HeaderMap, mut body: Body, answer: Response) -> Response {
    let waits =
        headers.get(header::EXPECT).is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if waits || body.is_end_stream() {
        return answer;
    }
    let began = Instant::now();
    let mut read = 0;
    while read < REFUSED_MAX {
        let Some(left) = service.config.idle_time.checked_sub(began.elapsed()) else { break };
        match tokio::time::timeout(left, body.frame()).await {
            Ok(Some(Ok(frame))) => read += frame.data_ref().map_or(0, |data| data.len() as u64),
            Ok(None) => return answer,
            Ok(Some(Err(_))) | Err(_) => break,
        }
    }
    answer::close(answer)
}

/// Requires JSON.
#[expect(clippy::result_large_err, reason = "an answer is what axum takes")]
pub fn is_json(headers: &HeaderMap) -> Result<(), Response> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if let Some(coding) =
        headers.get(header::CONTENT_ENCODING).filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let what = format!("the body is encoded ({}): send it as it is", String::from_utf8_lossy(coding.as_bytes()));
        return Err(answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
    }
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let what = match kind {
        "" => "the request has no Content-Type: it must be application/json".to_owned(),
        kind => format!("the Content-Type is {kind}: it must be application/json"),
    };
    Err(answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, what))
}

/// Reads a body, keeps its first `keep` bytes, and reads some of the rest to let the client finish.
pub async fn read<'s>(
    service: &'s Service,
    headers: &HeaderMap,
    mut body: Body,
    keep: usize,
) -> Result<Read<'s>, Response> {
    let length: Option<u64> = headers.get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse().ok());
    let began = Instant::now();
    let too_slow = || {
        let what = "the request body did not come in time";
        answer::close(answer::error(StatusCode::REQUEST_TIMEOUT, what))
    };
    let mut read = Read { bytes: Vec::new(), dropped: 0, cut: false, memory: Memory::new(service) };
    loop {
        let Some(left) = service.config.body_time.checked_sub(began.elapsed()) else { return Err(too_slow()) };
        let frame = match tokio::time::timeout(left.min(service.config.idle_time), body.frame()).await {
            Err(_) => return Err(too_slow()),
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "a request body broke off");
                let what = "the request body broke off";
                return Err(answer::close(answer::error(StatusCode::BAD_REQUEST, what)));
            }
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        let kept = data.len().min(keep - read.bytes.len());
        read.memory.grow(read.bytes.len() + kept).await?;
        read.bytes.extend_from_slice(&data[..kept]);
        read.dropped += (data.len() - kept) as u64;
        if read.dropped > DRAINED_MAX {
            read.cut = true;
            // The announced length counts as dropped.
            let announced = length.map_or(0, |length| length.saturating_sub(read.bytes.len() as u64));
            read.dropped = read.dropped.max(announced);
            break;
        }
    }
    Ok(read)
}

/// Reads a small body of JSON.
pub async fn small<T: serde::de::DeserializeOwned>(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Response> {
    object(service, headers, body, SMALL_MAX).await
}

/// Reads a body that is a JSON object of at most `max` bytes.
pub async fn object<T: serde::de::DeserializeOwned>(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    max: usize,
) -> Result<T, Response> {
    if let Err(answer) = is_json(headers) {
        return Err(refuse(service, headers, body, answer).await);
    }
    let read = read(service, headers, body, max).await?;
    if read.dropped > 0 {
        let what = format!("the request body is larger than {max} bytes");
        return Err(answer::close(answer::error(StatusCode::BAD_REQUEST, what)));
    }
    // Require an object: serde also accepts an array of its values.
    serde_json::from_slice(&read.bytes)
        .and_then(|members: serde_json::Map<String, serde_json::Value>| T::deserialize(members))
        .map_err(|error| answer::error(StatusCode::BAD_REQUEST, format!("the request body: {error}")))
}

const _: () = assert!(KEPT_MAX > SMALL_MAX);
