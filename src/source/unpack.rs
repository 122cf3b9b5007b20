//! Compressed data, unpacked as it is read. Sizes that the data declares are not used.

use super::compression::Compression;
use super::pipe::Pipe;
use machine::{Machine, Step};
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of compressed data that are read at once.
const BLOCK: usize = 128 << 10;

/// Compressed data that cannot be unpacked. It is the payload of an [`io::Error`].
#[derive(Debug, Clone)]
pub(super) struct Fault {
    compression: Compression,
    /// Bytes of compressed data that were used before it.
    pub(super) at: u64,
    pub(super) kind: FaultKind,
}

#[derive(Debug, Clone)]
pub(super) enum FaultKind {
    /// The data ends within a member or frame.
    CutOff,
    /// The library's words for what is wrong.
    Broken(String),
    /// Something else follows the last member or frame.
    Trailing,
    /// A frame refers further back than is allowed.
    Window,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.compression.as_str();
        match &self.kind {
            FaultKind::CutOff => write!(f, "the {name} data is cut off"),
            FaultKind::Broken(what) => write!(f, "the {name} data is broken ({what})"),
            FaultKind::Trailing => write!(f, "other data follows the {name} data"),
            FaultKind::Window => write!(f, "the {name} data needs more than 128 MiB of memory to be unpacked"),
        }
    }
}

impl Fault {
    pub(super) fn new(compression: Compression, at: u64, kind: FaultKind) -> Fault {
        Fault { compression, at, kind }
    }

    /// What to do about it.
    pub(super) fn help(&self) -> &'static str {
        match self.kind {
            FaultKind::CutOff => "the file is incomplete: get all of it",
            FaultKind::Broken(_) => "the file is damaged: get it again",
            FaultKind::Trailing => "take it out, or look for a part that is missing",
            FaultKind::Window => "unpack it first (zstd -d --long=31)",
        }
    }
}

impl std::error::Error for Fault {}

/// True for the error of data that is broken, and not only cut off.
pub(super) fn is_broken(error: &io::Error) -> bool {
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>());
    fault.is_some_and(|fault| matches!(fault.kind, FaultKind::Broken(_)))
}

/// Where an unpacker is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first member or frame, or behind one.
    Between,
    /// In a member or frame.
    Inside,
}

/// Unpacks what it reads, in constant memory.
pub(super) struct Unpacker<'i> {
    input: Pipe<'i>,
    compression: Compression,
    machine: Option<Machine>,
    state: State,
    buffer: Vec<u8>,
    /// The bytes of the buffer that are not used yet.
    rest: std::ops::Range<usize>,
    is_over: bool,
    /// The output was full: the machine may have more without more input.
    was_full: bool,
    /// It comes again each time.
    fault: Option<Fault>,
    /// Bytes of compressed data that were used.
    read: Arc<AtomicU64>,
}

impl<'i> Unpacker<'i> {
    pub(super) fn new(compression: Compression, input: Pipe<'i>, read: Arc<AtomicU64>) -> Self {
        read.store(0, Ordering::Relaxed);
        Unpacker {
            input,
            compression,
            machine: None,
            state: State::Between,
            buffer: vec![0; BLOCK],
            rest: 0..0,
            is_over: false,
            was_full: false,
            fault: None,
            read,
        }
    }

    /// The input, to see whether it has bytes; none while there may be something to hand out.
    pub(super) fn awaited(&self) -> Option<&Pipe<'i>> {
        let is_idle = self.rest.is_empty() && !self.was_full && !self.is_over && self.fault.is_none();
        is_idle.then_some(&self.input)
    }

    fn used(&mut self, len: usize) {
        self.rest.start += len;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
    }

    fn fail(&mut self, kind: FaultKind) -> io::Error {
        let fault = Fault { compression: self.compression, at: self.read.load(Ordering::Relaxed), kind };
        self.fault = Some(fault.clone());
        io::Error::new(io::ErrorKind::InvalidData, fault)
    }

    /// Reads more compressed data behind the rest.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.rest.clone(), 0);
        self.rest = 0..self.rest.len();
        let len = self.input.read(&mut self.buffer[self.rest.end..])?;
        self.is_over = len == 0;
        self.rest.end += len;
        Ok(())
    }

    /// Goes to the next member or frame. Returns false where the data ends.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            // Zeros fill the last block of a tape or a device.
            let is_first = self.read.load(Ordering::Relaxed) == 0;
            if !is_first {
                let zeros = self.buffer[self.rest.clone()].iter().take_while(|byte| **byte == 0).count();
                self.used(zeros);
            }
            match self.compression.begins(&self.buffer[self.rest.clone()]) {
                Some(true) => break,
                Some(false) => return Err(self.fail(FaultKind::Trailing)),
                None if !self.is_over => self.fill()?,
                None if self.rest.is_empty() => return Ok(false),
                None => return Err(self.fail(FaultKind::Trailing)),
            }
        }
        match &mut self.machine {
            Some(machine) => machine.again(),
            machine => *machine = Some(Machine::new(self.compression)?),
        }
        self.state = State::Inside;
        Ok(true)
    }
}

impl Read for Unpacker<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = &self.fault {
            return Err(io::Error::new(io::ErrorKind::InvalidData, fault.clone()));
        }
        let mut written = 0;
        while written < buffer.len() {
            // What was unpacked comes first, whatever follows.
            if self.state == State::Between && (written > 0 || !self.begin()?) {
                break;
            }
            let Some(machine) = &mut self.machine else { break };
            let Step { read, written: new, is_end, fault } =
                machine.step(&self.buffer[self.rest.clone()], &mut buffer[written..]);
            self.used(read);
            written += new;
            self.was_full = written == buffer.len();
            if let Some(kind) = fault {
                let error = self.fail(kind);
                return if written > 0 { Ok(written) } else { Err(error) };
            } else if is_end {
                self.state = State::Between;
            } else if read == 0 && new == 0 {
                if self.is_over {
                    let error = self.fail(FaultKind::CutOff);
                    return if written > 0 { Ok(written) } else { Err(error) };
                }
                if written > 0 {
                    break;
                }
                self.fill()?;
            }
        }
        Ok(written)
    }
}

mod machine {
    //! The libraries behind one call.

    use super::{Compression, FaultKind};
    use flate2::{Decompress, FlushDecompress, Status};
    use std::io;
    use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

    /// Base-2 logarithm of the largest window of a frame: what `zstd -d` allows without an option.
    const WINDOW_LOG_MAX: u32 = 27;

    pub(super) enum Machine {
        Gzip(Box<Decompress>),
        /// The decoder, and how many bytes it takes next: those of one block.
        Zstd(Box<Decoder<'static>>, usize),
    }

    /// Bytes that begin a frame: fewer than the shortest header, so that nothing behind it is read.
    const START: usize = 5;
    /// Bytes of the header of a block. The decoder asks for that of the next block beside each block.
    const BLOCK_HEADER: usize = 3;

    /// What one call did.
    pub(super) struct Step {
        pub(super) read: usize,
        pub(super) written: usize,
        /// The member or frame has ended.
        pub(super) is_end: bool,
        /// What went wrong behind what was written.
        pub(super) fault: Option<FaultKind>,
    }

    fn gzip() -> Machine {
        // zlib reads the header, and checks checksum and length.
        Machine::Gzip(Box::new(Decompress::new_gzip(15)))
    }

    impl Machine {
        pub(super) fn new(compression: Compression) -> io::Result<Machine> {
            match compression {
                // A member of a zip archive has a reader of its own.
                Compression::Gzip | Compression::Zip => Ok(gzip()),
                Compression::Zstd => {
                    let mut decoder = Decoder::new()?;
                    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
                    Ok(Machine::Zstd(Box::new(decoder), START))
                }
            }
        }

        /// Another member or frame begins.
        pub(super) fn again(&mut self) {
            // Resetting flate2's machine would make it one for zlib. A frame leaves zstd's ready for the next.
            if let Machine::Gzip(_) = self {
                *self = gzip();
            }
        }

        pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
            match self {
                Machine::Gzip(machine) => {
                    let before = (machine.total_in(), machine.total_out());
                    let status = machine.decompress(input, output, FlushDecompress::None);
                    Step {
                        read: (machine.total_in() - before.0) as usize,
                        written: (machine.total_out() - before.1) as usize,
                        is_end: matches!(status, Ok(Status::StreamEnd)),
                        fault: status.err().map(|error| {
                            FaultKind::Broken(error.message().unwrap_or("this is no deflate data").to_owned())
                        }),
                    }
                }
                Machine::Zstd(machine, next) => {
                    // A call that fails tells nothing of what it wrote, so each gets one block at most.
                    let take = if *next > BLOCK_HEADER { *next - BLOCK_HEADER } else { *next };
                    let mut input = InBuffer::around(&input[..input.len().min(take)]);
                    let mut output = OutBuffer::around(output);
                    match machine.run(&mut input, &mut output) {
                        Ok(hint) => {
                            *next = if hint == 0 { START } else { hint };
                            Step { read: input.pos(), written: output.pos(), is_end: hint == 0, fault: None }
                        }
                        Err(error) => {
                            let what = error.to_string();
                            let is_window = what.contains("too much memory");
                            let fault = if is_window { FaultKind::Window } else { FaultKind::Broken(what) };
                            Step { read: 0, written: 0, is_end: false, fault: Some(fault) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
