//! Ranges of an input: a mapped window, or a block in memory.

#[cfg(unix)]
use super::window;
use crossbeam_channel::Sender;

pub(super) enum Bytes {
    #[cfg(unix)]
    Window(window::Window),
    Block(Block),
}

/// The first `len` of these bytes. The buffer returns to the pool.
#[derive(Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) len: usize,
    pub(super) pool: Option<Sender<Vec<u8>>>,
}

/// A range of one input.
pub struct Chunk {
    pub(super) bytes: Bytes,
    /// Offset of its first byte in the input.
    pub base: u64,
}

impl Chunk {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.bytes {
            #[cfg(unix)]
            Bytes::Window(window) => window,
            Bytes::Block(block) => &block.bytes[..block.len],
        }
    }

    /// Offset behind its last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.base + self.bytes().len() as u64
    }

    /// Its bytes from `offset` of the input on.
    #[must_use]
    pub fn from(&self, offset: u64) -> &[u8] {
        &self.bytes()[(offset - self.base) as usize..]
    }

    /// True if the file was truncated under the window: its bytes read as zeros and must not be used.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        match &self.bytes {
            #[cfg(unix)]
            Bytes::Window(window) => window.is_truncated(),
            Bytes::Block(_) => false,
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Bytes::Block(Block { bytes, pool: Some(pool), .. }) = &mut self.bytes {
            // The source may be gone; then the buffer is freed.
            let _ = pool.try_send(std::mem::take(bytes));
        }
    }
}
