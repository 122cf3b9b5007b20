//! Buffers of an output.

/// A buffer of an output: its bytes from an offset to its end.
#[derive(Debug)]
pub struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) from: usize,
}

impl Piece {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.from..]
    }

    /// The buffer, emptied.
    #[must_use]
    pub fn into_buffer(mut self) -> Vec<u8> {
        self.bytes.clear();
        self.bytes
    }
}

/// The buffers of a finished output.
#[derive(Debug, Default)]
pub struct Finished {
    /// Everything that was written, if [`Output::keep`](super::file::Output::keep) was called.
    pub kept: Vec<Piece>,
    /// Empty buffers, for another output.
    pub spare: Vec<Vec<u8>>,
}
