//! Pipes that have to be read a second time.

use super::chunk::{Block, Bytes};
use super::{BLOCK, Chunk, Origin, Source};
use crate::model::error::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

impl Source<'_> {
    /// Makes a pipe, of which everything so far is in the current chunk, one that can be read again: in memory when it ends
    /// within `memory` bytes (or its limit is there), in a temporary file otherwise. Where reading fails, it does so again each time.
    ///
    /// # Errors
    /// The temporary file cannot be written, or compressed data would fill the disk.
    pub fn spool(&mut self, memory: u64) -> Result<()> {
        if self.is_seekable() {
            return Ok(());
        }
        // Bytes that were not kept are not needed again; all offsets stay as they are.
        let base = self.current.as_ref().map_or(self.end, |chunk| chunk.base);
        while self.end < memory.min(self.limit) {
            match self.next(base) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) if self.fault.is_some() => break,
                Err(error) => return Err(error),
            }
        }
        let start = self.current.as_ref().map_or(&[][..], |chunk| chunk.bytes()).to_vec();
        if self.end >= self.limit {
            let more = self.has_more_behind_limit()?;
            self.origin = Origin::Memory { more, total: (!more).then_some(self.end) };
            return Ok(());
        }
        let Origin::Pipe { reader, .. } = &mut self.origin else { return Ok(()) };
        let spool = |error| Error::io("write", "a temporary file (TMPDIR says where)", error);
        let mut file = tempfile::tempfile().map_err(spool)?;
        file.seek(SeekFrom::Start(base)).map_err(spool)?;
        file.write_all(&start).map_err(spool)?;
        let mut block = vec![0; BLOCK];
        let mut len = base + start.len() as u64;
        let mut failed = None;
        while self.fault.is_none() && failed.is_none() {
            match reader.read(&mut block) {
                Ok(0) => break,
                Ok(n) => {
                    file.write_all(&block[..n]).map_err(spool)?;
                    len += n as u64;
                    self.layers.refuse_filling(&self.name, len)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            self.fault = Some(self.fault(len, &error));
        }
        if len == self.end || cfg!(not(unix)) {
            let mut bytes = start;
            if cfg!(not(unix)) {
                file.seek(SeekFrom::Start(self.end)).map_err(spool)?;
                file.read_to_end(&mut bytes).map_err(spool)?;
            }
            let block = Block { len: bytes.len(), bytes, pool: None };
            self.current = Some(Arc::new(Chunk { bytes: Bytes::Block(block), base }));
            self.end = len;
            self.origin = Origin::Memory { more: false, total: Some(len) };
        } else {
            self.origin = Origin::File { file: Some(Arc::new(file)), len };
            self.spooled = true;
            self.rewind(0);
        }
        Ok(())
    }
}
