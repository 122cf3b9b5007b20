//! The parts of a document for calamine: a zip archive in which every part is stored unpacked, made as it is read. So the unpacking is
//! that of all other archives, sizes that the directory gives are those that come, and what calamine holds in memory has a bound.

use super::reader::Work;
use super::rows::Stop;
use super::scan::{Scan, Window};
use crate::source::archive::{FileRange, Member, MemberReader};
use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most bytes of the parts that are held in memory: shared texts, styles, names.
const HELD_MAX: u64 = 512 << 20;
/// Most bytes of a sheet without a cell. A million empty rows with all their attributes have 100 MB.
const WITHOUT_CELL_MAX: u64 = 128 << 20;
/// Bytes of a header before the name.
const HEADER: u64 = 30;

/// A part, and where it is in the archive that is made.
#[derive(Debug)]
struct Part {
    member: Member,
    header: u64,
    data: u64,
}

/// What is open.
struct Open {
    part: usize,
    at: u64,
    reader: MemberReader,
    /// Bytes of the document that it used.
    used: Arc<AtomicU64>,
}

struct State {
    range: FileRange,
    parts: Vec<Part>,
    directory: Vec<u8>,
    /// Where the directory begins.
    end: u64,
    open: Option<Open>,
    scan: Option<Scan>,
    /// Of the shared texts, what passed last.
    window: Window,
    stop: Option<Stop>,
    read: Arc<AtomicU64>,
    /// Bytes of the document that closed parts used.
    closed: u64,
}

/// The archive that is made. Clones read the same parts, from places of their own.
#[derive(Clone)]
pub(super) struct Parts {
    state: Rc<RefCell<State>>,
    /// Bytes that were read since the last cell.
    passed: Rc<Cell<u64>>,
    at: u64,
}

impl Parts {
    pub(super) fn new(work: &Work<'_>) -> Parts {
        let mut parts = Vec::new();
        let mut at = 0;
        for member in &work.workbook.members {
            let data = at + HEADER + member.name.len() as u64;
            parts.push(Part { member: member.clone(), header: at, data });
            at = data.saturating_add(member.unpacked);
        }
        let range = FileRange { file: Arc::clone(work.file), at: 0, end: work.workbook.len };
        let state = State {
            range,
            directory: directory(&parts, at),
            parts,
            end: at,
            open: None,
            scan: None,
            window: Window::default(),
            stop: None,
            read: Arc::clone(&work.read),
            closed: 0,
        };
        Parts { state: Rc::new(RefCell::new(state)), passed: Rc::default(), at: 0 }
    }

    /// The next part that is read is the sheet.
    pub(super) fn begin_sheet(&self) {
        self.state.borrow_mut().scan = Some(Scan::default());
        self.passed.set(0);
    }

    /// A cell was read.
    #[inline]
    pub(super) fn progress(&self) {
        self.passed.set(0);
    }

    /// Why reading failed: what stopped the parts, else this error.
    pub(super) fn stop(&self, error: &dyn std::fmt::Display) -> Stop {
        self.state.borrow_mut().stop.take().unwrap_or_else(|| Stop::Fault(error.to_string()))
    }

    /// Reads the part that is open to its end. Returns what was seen in the sheet.
    pub(super) fn finish(&self) -> Result<Scan, Stop> {
        let mut state = self.state.borrow_mut();
        let mut scan = state.scan.take().unwrap_or_default();
        let Some(mut open) = state.open.take() else { return Ok(scan) };
        let mut block = vec![0; 64 << 10];
        loop {
            match open.reader.read(&mut block) {
                Ok(0) => return Ok(scan),
                Ok(n) => scan.push(&block[..n]),
                Err(error) => return Err(Stop::Fault(error.to_string())),
            }
        }
    }
}

/// The directory of the archive that is made, and its end.
fn directory(parts: &[Part], at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for Part { member, header, .. } in parts {
        out.extend(b"PK\x01\x02\x2d\0\x2d\0\0\x08\0\0\0\0\x21\0");
        out.extend(member.crc.to_le_bytes());
        out.extend([0xff; 8]);
        out.extend((member.name.len() as u16).to_le_bytes());
        out.extend([28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        out.extend(member.name.as_bytes());
        out.extend([1, 0, 24, 0]);
        [member.unpacked, member.unpacked, *header].iter().for_each(|n| out.extend(n.to_le_bytes()));
    }
    let (size, count) = (out.len() as u64, parts.len() as u64);
    out.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    [count, count, size, at].iter().for_each(|n| out.extend(n.to_le_bytes()));
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend(at.saturating_add(size).to_le_bytes());
    out.extend([1, 0, 0, 0]);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([0xff; 12]);
    out.extend([0, 0]);
    out
}

impl State {
    /// The header of a part.
    fn header(&self, part: usize) -> Vec<u8> {
        let member = &self.parts[part].member;
        let mut out = b"PK\x03\x04\x2d\0\0\x08\0\0\0\0\x21\0".to_vec();
        out.extend(member.crc.to_le_bytes());
        out.extend([0xff; 8]);
        out.extend((member.name.len() as u16).to_le_bytes());
        out.extend([0, 0]);
        out.extend(member.name.as_bytes());
        out
    }

    /// Reads a part from its byte `at` on.
    fn read_part(&mut self, part: usize, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if self.open.as_ref().is_none_or(|open| (open.part, open.at) != (part, at)) {
            if let Some(open) = self.open.take() {
                self.closed += open.used.load(Ordering::Relaxed);
            }
            self.window.clear();
            let used = Arc::default();
            let mut reader = MemberReader::new(&self.parts[part].member, &self.range.file, Arc::clone(&used))?;
            // A part is seldom read again from its middle, so skipping is cheap enough.
            io::copy(&mut reader.by_ref().take(at), &mut io::sink())?;
            self.open = Some(Open { part, at, reader, used });
        }
        let Some(open) = &mut self.open else { return Ok(0) };
        let room = (self.parts[part].member.unpacked - at).min(buffer.len() as u64) as usize;
        let len = open.reader.read(&mut buffer[..room])?;
        if len == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a part is shorter than the directory says"));
        }
        open.at += len as u64;
        self.read.store(self.closed + open.used.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(len)
    }

    /// Looks at bytes of a part that were read.
    fn look(&mut self, part: usize, block: &[u8]) -> Result<(), Stop> {
        if let Some(scan) = &mut self.scan {
            scan.push(block);
            return Ok(());
        }
        let member = &self.parts[part].member;
        if member.name.to_ascii_lowercase().ends_with("sharedstrings.xml") {
            self.window.push(block);
            // Room for as many is made at once.
            let count = self.window.shared_texts();
            if count > member.unpacked / 4 {
                return Err(Stop::Fault(format!("it says that it has {count} shared texts, which take more room")));
            }
        }
        Ok(())
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let copy = |from: &[u8], at: u64, buffer: &mut [u8]| {
            let from = from.get(at as usize..).unwrap_or_default();
            let len = from.len().min(buffer.len());
            buffer[..len].copy_from_slice(&from[..len]);
            len
        };
        let len = if self.at >= state.end {
            copy(&state.directory, self.at - state.end, buffer)
        } else {
            let part = state.parts.partition_point(|part| part.header <= self.at) - 1;
            let Part { header, data, .. } = state.parts[part];
            if self.at < data {
                copy(&state.header(part), self.at - header, buffer)
            } else if buffer.is_empty() {
                0
            } else {
                let looked = state.read_part(part, self.at - data, buffer).map_err(|error| {
                    let text = error.to_string();
                    (error, Stop::Fault(text))
                });
                let looked = looked.and_then(|len| match state.look(part, &buffer[..len]) {
                    Ok(()) => Ok(len),
                    Err(stop) => Err((io::ErrorKind::InvalidData.into(), stop)),
                });
                match looked {
                    Ok(len) => len,
                    Err((error, stop)) => {
                        state.stop.get_or_insert(stop);
                        return Err(error);
                    }
                }
            }
        };
        self.at += len as u64;
        self.passed.set(self.passed.get() + len as u64);
        let (max, what) = match state.scan {
            None => (
                HELD_MAX,
                "the shared texts and styles of the spreadsheet take more than 512 MiB: save the sheet as CSV",
            ),
            Some(_) => (WITHOUT_CELL_MAX, "128 MiB of the sheet have no cell, which no sheet has: save it as CSV"),
        };
        if self.passed.get() > max {
            state.stop.get_or_insert(Stop::Limit(what.to_owned()));
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(len)
    }
}

impl Seek for Parts {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let state = self.state.borrow();
        let end = state.end + state.directory.len() as u64;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
