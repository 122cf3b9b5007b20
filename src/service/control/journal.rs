//! The journal: the last requests, for people who look at what their program sends.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Most requests that are kept.
pub const ENTRIES_MAX: usize = 1000;
/// Most bytes of a body that are kept.
pub const BODY_MAX: usize = 64 << 10;
/// Most bytes of a path and its query that are kept.
const PATH_MAX: usize = 2048;

/// A request.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number since the start of the server.
    pub id: u64,
    /// When it came, ISO 8601.
    pub at: String,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The status of its answer; none if the connection was closed by a fault.
    pub status: Option<u16>,
    /// The time that it took.
    pub milliseconds: u64,
    /// False where the endpoint has nothing for this path and method.
    pub matched: bool,
    /// The fault that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
    /// Bytes of the body that were read.
    pub body_bytes: u64,
    /// The body as text, up to its limit.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The body is longer than this.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub body_cut: bool,
}

/// The entries, the newest last.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Mutex<(u64, VecDeque<Arc<Entry>>)>,
}

impl Journal {
    /// Adds a request, which gets the next number. The oldest goes when there are too many.
    pub fn add(&self, mut entry: Entry) {
        let oldest;
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let (last, entries) = &mut *entries;
            *last += 1;
            entry.id = *last;
            oldest = if entries.len() >= ENTRIES_MAX { entries.pop_front() } else { None };
            entries.push_back(Arc::new(entry));
        }
        drop(oldest);
    }

    /// Entries, the newest first: those before one number and after another.
    pub fn newest(&self, before: u64, after: u64) -> Vec<Arc<Entry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.1.iter().rev().filter(|entry| entry.id < before && entry.id > after).cloned().collect()
    }

    /// The number of the last entry.
    pub fn last(&self) -> u64 {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The path of an entry.
pub fn path(uri: &axum::http::Uri) -> String {
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    String::from_utf8_lossy(&path.as_bytes()[..path.len().min(PATH_MAX)]).into_owned()
}

/// What was read of a body so far.
#[derive(Debug, Default)]
pub struct Copied {
    bytes: Vec<u8>,
    total: u64,
}

/// The copy of a body that is read elsewhere.
#[derive(Debug, Clone, Default)]
pub struct BodyCopy(Arc<Mutex<Copied>>);

impl BodyCopy {
    /// What was read of it: its size, its beginning as text, and whether there was more.
    pub fn take(&self) -> (u64, String, bool) {
        let mut copied = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        // It is kept for long.
        copied.bytes.shrink_to_fit();
        let cut = copied.total > copied.bytes.len() as u64;
        let text = match String::from_utf8(copied.bytes) {
            Ok(text) => text,
            // What is no text has replacements, which are longer.
            Err(error) => {
                let text = String::from_utf8_lossy(error.as_bytes());
                let end =
                    text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= BODY_MAX).last();
                text[..end.unwrap_or(0)].to_owned()
            }
        };
        (copied.total, text, cut)
    }

    fn add(&self, data: &Bytes) {
        let mut copied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        copied.total += data.len() as u64;
        let room = BODY_MAX - copied.bytes.len();
        copied.bytes.extend_from_slice(&data[..data.len().min(room)]);
    }
}

/// Copies the beginning of a body while it is read.
pub fn copied(body: Body) -> (Body, BodyCopy) {
    let copy = BodyCopy::default();
    let copying = Copying { body, copy: copy.clone() };
    (Body::new(copying), copy)
}

struct Copying {
    body: Body,
    copy: BodyCopy,
}

impl HttpBody for Copying {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.copy.add(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        Entry {
            id: 0,
            at: String::new(),
            method: "GET".into(),
            path: path.into(),
            status: Some(200),
            milliseconds: 0,
            matched: true,
            fault: None,
            body_bytes: 0,
            body: String::new(),
            body_cut: false,
        }
    }

    #[test]
    fn only_the_last_requests_are_kept() {
        let journal = Journal::default();
        (0..ENTRIES_MAX + 5).for_each(|i| journal.add(entry(&i.to_string())));
        let all = journal.newest(u64::MAX, 0);
        assert_eq!((all.len(), journal.last()), (ENTRIES_MAX, ENTRIES_MAX as u64 + 5));
        assert_eq!((all[0].path.as_str(), all[ENTRIES_MAX - 1].path.as_str()), ("1004", "5"));
        let some = journal.newest(1000, 990);
        assert_eq!((some.len(), some[0].id), (9, 999));
    }

    #[test]
    fn the_beginning_of_a_body_is_kept() {
        let copy = BodyCopy::default();
        copy.add(&Bytes::from_static(b"abc"));
        assert_eq!(copy.take(), (3, "abc".into(), false));
        let copy = BodyCopy::default();
        (0..3).for_each(|_| copy.add(&Bytes::from(vec![b'x'; BODY_MAX / 2])));
        let (total, text, cut) = copy.take();
        assert_eq!((total, text.len(), cut), (BODY_MAX as u64 / 2 * 3, BODY_MAX, true));
        let copy = BodyCopy::default();
        copy.add(&Bytes::from(vec![0xff; BODY_MAX * 2]));
        let (total, text, cut) = copy.take();
        assert!(total == BODY_MAX as u64 * 2 && text.len() <= BODY_MAX && text.starts_with('\u{fffd}') && cut);
    }
}
