//! An input as a reader, for what needs no chunks.

use super::{Chunk, Source};
use std::io::{self, Read};
use std::sync::Arc;

/// Reads a source from its first byte on. Its errors are those of the source, in an [`io::Error`].
pub struct SourceReader<'i> {
    source: Source<'i>,
    chunk: Option<Arc<Chunk>>,
    at: u64,
}

impl<'i> Source<'i> {
    /// A reader of an input of which nothing was used yet.
    #[must_use]
    pub fn into_reader(self) -> SourceReader<'i> {
        SourceReader { chunk: self.current.clone(), source: self, at: 0 }
    }
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(chunk) = &self.chunk {
                let rest = chunk.from(self.at);
                let len = rest.len().min(buffer.len());
                buffer[..len].copy_from_slice(&rest[..len]);
                if chunk.is_truncated() {
                    self.source.check_unchanged().map_err(io::Error::other)?;
                }
                if len > 0 || buffer.is_empty() {
                    self.at += len as u64;
                    return Ok(len);
                }
            }
            self.chunk = None;
            self.chunk = self.source.next(self.at).map_err(io::Error::other)?;
            if self.chunk.is_none() {
                return Ok(0);
            }
        }
    }
}
