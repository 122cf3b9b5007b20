//! Inputs that are read from front to back, and the layers on top of them.

#[cfg(feature = "compression")]
use super::archive::MemberReader;
use super::decode::Decoder;
#[cfg(feature = "compression")]
use super::unpack::Unpacker;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

/// An input that is read in blocks.
pub(super) enum Pipe<'i> {
    /// A pipe, a terminal, a socket, a device.
    File(File),
    /// A regular file, up to the size that it had when it was opened.
    Stored(io::Take<Arc<File>>),
    /// Anything else.
    Reader(Box<dyn Read + Send + 'i>),
    /// Bytes that were looked at already, and the input behind them.
    Ahead(io::Cursor<Vec<u8>>, Box<Pipe<'i>>),
    /// Data that is unpacked.
    #[cfg(feature = "compression")]
    Unpacked(Box<Unpacker<'i>>),
    /// A member of a zip archive.
    #[cfg(feature = "compression")]
    Member(Box<MemberReader>),
    /// Text that is decoded.
    Decoded(Box<Decoder<'i>>),
}

impl<'i> Pipe<'i> {
    /// An input that has nothing.
    pub(super) fn empty() -> Self {
        Pipe::Reader(Box::new(io::empty()))
    }

    /// This input, with bytes of it that were looked at already.
    pub(super) fn behind(self, bytes: Vec<u8>) -> Self {
        if bytes.is_empty() { self } else { Pipe::Ahead(io::Cursor::new(bytes), Box::new(self)) }
    }

    /// Whether bytes arrive within this time. An input that cannot be polled counts as ready.
    pub(super) fn is_ready(&self, within: Duration) -> bool {
        let file = match self {
            Pipe::File(file) => file,
            Pipe::Stored(_) | Pipe::Reader(_) => return true,
            #[cfg(feature = "compression")]
            Pipe::Member(_) => return true,
            Pipe::Ahead(bytes, input) => return !is_read(bytes) || input.is_ready(within),
            #[cfg(feature = "compression")]
            Pipe::Unpacked(unpacker) => return unpacker.awaited().is_none_or(|input| input.is_ready(within)),
            Pipe::Decoded(decoder) => return decoder.awaited().is_none_or(|input| input.is_ready(within)),
        };
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let Ok(within) = Timespec::try_from(within) else { return true };
            loop {
                return match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&within)) {
                    Ok(ready) => ready > 0,
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => true,
                };
            }
        }
        #[cfg(not(unix))]
        {
            let _ = (within, file);
            true
        }
    }
}

fn is_read(bytes: &io::Cursor<Vec<u8>>) -> bool {
    bytes.position() >= bytes.get_ref().len() as u64
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Pipe::File(file) => file.read(buffer),
            Pipe::Stored(file) => file.read(buffer),
            Pipe::Reader(reader) => reader.read(buffer),
            Pipe::Ahead(bytes, _) if !is_read(bytes) => bytes.read(buffer),
            Pipe::Ahead(_, input) => input.read(buffer),
            #[cfg(feature = "compression")]
            Pipe::Unpacked(unpacker) => unpacker.read(buffer),
            #[cfg(feature = "compression")]
            Pipe::Member(member) => member.read(buffer),
            Pipe::Decoded(decoder) => decoder.read(buffer),
        }
    }
}
