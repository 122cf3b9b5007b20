//! Zip archives: their members, each of which is an input of its own. Nothing is ever written under a member's name.
//!
//! The directory at the end of the archive is read here and not by the crate `zip`, which keeps one of two members of one name only.

use super::unpack::{Fault, FaultKind};
use super::{Compression, widen_pipe};
use crate::model::error::{Error, Kind, Result};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Members of one archive.
const MEMBERS_MAX: u64 = 100_000;
/// Bytes of compressed data that are read at once.
const BLOCK: usize = 128 << 10;
/// How the members of an archive, the end of its directory and that of an empty archive begin.
const LOCAL: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR: &[u8] = b"PK\x06\x07";
const ENTRY: &[u8] = b"PK\x01\x02";
/// How old documents of Office begin: XLS, and any that has a password.
pub(super) const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// What was taken of standard input before it was opened: its first bytes, or all of it in a temporary file.
static PEEKED: Mutex<(Vec<u8>, Option<File>)> = Mutex::new((Vec::new(), None));

/// Takes what was looked at of standard input.
pub(super) fn take_peeked() -> (Vec<u8>, Option<File>) {
    std::mem::take(&mut *PEEKED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Some bytes of a file, read without moving the place at which others read it.
#[derive(Debug, Clone)]
pub(super) struct FileRange {
    pub(super) file: Arc<File>,
    pub(super) at: u64,
    pub(super) end: u64,
}

impl Read for FileRange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = (self.end - self.at).min(buffer.len() as u64) as usize;
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, &mut buffer[..len], self.at)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&*self.file, &mut buffer[..len], self.at)?;
        #[cfg(not(any(unix, windows)))]
        let read = {
            use std::io::Seek;
            (&*self.file).seek(io::SeekFrom::Start(self.at))?;
            (&*self.file).read(&mut buffer[..len])?
        };
        self.at += read as u64;
        Ok(read)
    }
}

/// A member of an archive.
#[derive(Debug, Clone)]
pub struct Member {
    /// The archive's name and the member's, for people: `export.zip:contacts.csv`.
    pub name: String,
    /// The path of the archive; none for a temporary file.
    pub(super) path: Option<PathBuf>,
    /// The temporary file.
    pub(super) file: Option<Arc<File>>,
    is_deflated: bool,
    /// Offset of its own header.
    header: u64,
    /// Bytes that it takes in the archive, and unpacked.
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    pub(super) crc: u32,
}

/// What a zip archive is.
#[derive(Debug)]
pub enum Archive {
    /// Members to read, and those that are no files of the user.
    Members(Vec<Member>),
    /// A format that is kept in an archive: what it is, and what to do.
    Other(String),
    /// A spreadsheet, and the members of its archive.
    #[cfg(feature = "spreadsheets")]
    Workbook(super::sheet::Workbook),
}

/// One line of the directory.
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    member: Member,
}

#[cfg(feature = "spreadsheets")]
impl Entry {
    /// A part of a document, under its own name. None in it is encrypted or packed in another way.
    fn into_part(self) -> Member {
        let is_deflated = self.method == 8;
        let is_readable = self.flags & 1 == 0 && matches!(self.method, 0 | 8);
        // A reader finds no header there.
        let header = if is_readable { self.member.header } else { 1 << 62 };
        Member { name: self.name, is_deflated, header, ..self.member }
    }
}

/// The members of an archive; none if the file is none. `-` is standard input, which goes to a temporary file if it is an archive and a
/// pipe.
///
/// # Errors
/// It cannot be read, its directory is damaged, or a member is encrypted.
pub fn open(path: &Path) -> Result<Option<Archive>> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let read_error = |error| Error::io("read", &name, error);
    let (file, path) = if is_stdin {
        match stdin().map_err(read_error)? {
            Some(file) => (file, None),
            None => return Ok(None),
        }
    } else {
        // What is wrong with the file is told when it is opened as an input.
        let Ok(file) = File::open(path) else { return Ok(None) };
        (file, Some(path.to_path_buf()))
    };
    let meta = file.metadata().map_err(read_error)?;
    if !meta.is_file() {
        return Ok(None);
    }
    read(name, Arc::new(file), meta.len(), path)
}

/// Unpacks a member that begins as a spreadsheet or an archive does to a temporary file; none for any other member.
///
/// # Errors
/// It cannot be read, or the temporary file cannot be written.
#[cfg(feature = "spreadsheets")]
pub fn open_inner(member: &Member) -> Result<Option<Archive>> {
    let read_error = |error: io::Error| -> Error {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
            Some(fault) => {
                Kind::Compressed { input: member.name.clone(), what: format!("{fault}; {}", fault.help()) }.into()
            }
            None => Error::io("read", &member.name, error),
        }
    };
    let file = match (&member.file, &member.path) {
        (Some(file), _) => Arc::clone(file),
        (None, Some(path)) => Arc::new(File::open(path).map_err(read_error)?),
        (None, None) => return Ok(None),
    };
    let mut reader = MemberReader::new(member, &file, Arc::default()).map_err(read_error)?;
    let mut head = Vec::new();
    if reader.by_ref().take(8).read_to_end(&mut head).is_err()
        || !(begins(&head) || super::sheet::is_compound_file(&head))
    {
        return Ok(None);
    }
    let spool = |error| Error::io("write", "a temporary file (TMPDIR says where)", error);
    let mut spooled = tempfile::tempfile().map_err(spool)?;
    io::Write::write_all(&mut spooled, &head).map_err(spool)?;
    let mut block = vec![0; BLOCK];
    let mut len = head.len() as u64;
    loop {
        match reader.read(&mut block).map_err(read_error)? {
            0 => break,
            n => {
                io::Write::write_all(&mut spooled, &block[..n]).map_err(spool)?;
                len += n as u64;
            }
        }
        // Spreadsheets are packed themselves: data that unpacks so far is filling.
        if len > member.unpacked || len / 100 > member.packed.max(4 << 20) {
            let what = "this member unpacks to far more than its size: this is no spreadsheet".to_owned();
            return Err(Kind::Compressed { input: member.name.clone(), what }.into());
        }
    }
    read(member.name.clone(), Arc::new(spooled), len, None)
}

/// Whether a file begins as an archive does.
fn begins(head: &[u8]) -> bool {
    head.starts_with(LOCAL) || head.starts_with(END)
}

/// What a file is, by its first bytes and its directory.
fn read(name: String, file: Arc<File>, len: u64, path: Option<PathBuf>) -> Result<Option<Archive>> {
    let read_error = |error| Error::io("read", &name, error);
    let head = bytes_at(&file, 0, 8).map_err(read_error)?;
    #[cfg(feature = "spreadsheets")]
    if super::sheet::is_compound_file(&head) {
        return Ok(Some(Archive::Workbook(super::sheet::Workbook::xls(name, path, file, len))));
    }
    if !begins(&head) {
        return Ok(None);
    }
    let Some((at, size, count, base)) = directory(&file, len).map_err(read_error)? else { return Ok(None) };
    let damaged = |what: &str| Kind::Compressed { input: name.clone(), what: what.to_owned() };
    if count > MEMBERS_MAX {
        return Err(damaged("the zip archive has more than 100,000 members: unpack it first").into());
    }
    let mut entries = Vec::new();
    let mut reader = io::BufReader::new(FileRange { file: Arc::clone(&file), at, end: at.saturating_add(size) });
    for _ in 0..count {
        let entry = entry(&mut reader, base).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                damaged("the directory of the zip archive is damaged: get the file again").into()
            }
            _ => read_error(error),
        })?;
        entries.push(entry);
    }
    let other = other_format(&entries);
    #[cfg(feature = "spreadsheets")]
    if let Some(format) = super::sheet::SheetFormat::of_members(&|name| entries.iter().any(|entry| entry.name == name))
    {
        let members = entries.into_iter().map(Entry::into_part).collect();
        return Ok(Some(Archive::Workbook(super::sheet::Workbook { format, name, path, file, len, members })));
    }
    if let Some(what) = other {
        return Ok(Some(Archive::Other(what)));
    }
    let mut members = Vec::new();
    for entry in entries.into_iter().filter(|entry| !is_noise(&entry.name)) {
        let Entry { name: own, flags, method, mut member } = entry;
        member.name = format!("{name}:{own}");
        let refuse = |what: String| -> Error { Kind::Compressed { input: member.name.clone(), what }.into() };
        if flags & 1 != 0 {
            return Err(refuse("this member is encrypted: unpack the archive with its password first".to_owned()));
        }
        member.is_deflated = match method {
            0 => false,
            8 => true,
            other => {
                let what =
                    format!("this member is packed with method {other}, which is not read: unpack it first (unzip)");
                return Err(refuse(what));
            }
        };
        member.path.clone_from(&path);
        member.file = path.is_none().then(|| Arc::clone(&file));
        members.push(member);
    }
    Ok(Some(Archive::Members(members)))
}

/// Standard input as a file, if it begins as an archive.
fn stdin() -> io::Result<Option<File>> {
    #[cfg(unix)]
    {
        use std::io::{Seek, SeekFrom, Write};
        use std::os::fd::AsFd;
        let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if file.metadata()?.is_file() {
            return Ok((file.stream_position()? == 0).then_some(file));
        }
        widen_pipe(&file);
        let mut head = Vec::new();
        let starts: &[&[u8]] = if cfg!(feature = "spreadsheets") { &[LOCAL, END, COMPOUND] } else { &[LOCAL, END] };
        // One byte more at a time, so that nothing waits for a second one that does not come.
        while starts.iter().any(|start| start.len() > head.len() && start.starts_with(&head)) {
            if (&mut file).take(1).read_to_end(&mut head)? == 0 {
                break;
            }
        }
        if !starts.contains(&&head[..]) {
            PEEKED.lock().unwrap_or_else(PoisonError::into_inner).0 = head;
            return Ok(None);
        }
        let mut spooled = tempfile::tempfile()?;
        spooled.write_all(&head)?;
        io::copy(&mut file, &mut spooled)?;
        spooled.seek(SeekFrom::Start(0))?;
        // What begins so and is no archive is read as it is.
        let len = spooled.metadata()?.len();
        let spooled = Arc::new(spooled);
        if begins(&head) && directory(&spooled, len)?.is_none() {
            PEEKED.lock().unwrap_or_else(PoisonError::into_inner).1 = Arc::into_inner(spooled);
            return Ok(None);
        }
        Ok(Arc::into_inner(spooled))
    }
    #[cfg(not(unix))]
    Ok(None)
}

fn bytes_at(file: &Arc<File>, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    FileRange { file: Arc::clone(file), at, end: at.saturating_add(len as u64) }.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Where the directory is, its size, how many members it has, and how many bytes stand in front of the archive.
fn directory(file: &Arc<File>, len: u64) -> io::Result<Option<(u64, u64, u64, u64)>> {
    const END_LEN: usize = 22;
    let tail = len.min(END_LEN as u64 + u64::from(u16::MAX));
    let start = len - tail;
    let bytes = bytes_at(file, start, tail as usize)?;
    let mut before = bytes.len();
    let at = loop {
        let Some(at) = memchr::memmem::rfind(&bytes[..before], END) else { return Ok(None) };
        let is_end = bytes.len() - at >= END_LEN && at + END_LEN + usize::from(u16_at(&bytes, at + 20)) <= bytes.len();
        if is_end {
            break at;
        }
        before = at;
    };
    let mut end = start + at as u64;
    let record = &bytes[at..];
    let mut count = u64::from(u16_at(record, 10));
    let (mut size, mut offset) = (u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
    let locator = bytes_at(file, end.saturating_sub(20), 20)?;
    if locator.starts_with(LOCATOR) {
        let record = bytes_at(file, u64_at(&locator, 8), 56)?;
        if record.starts_with(END64) && record.len() == 56 {
            (count, size, offset) = (u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48));
            end = u64_at(&locator, 8);
        }
    }
    let at = end.saturating_sub(size);
    Ok(at.checked_sub(offset).map(|base| (at, size, count, base)))
}

/// Reads one line of the directory.
fn entry(reader: &mut impl Read, base: u64) -> io::Result<Entry> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let mut fixed = [0; 46];
    reader.read_exact(&mut fixed)?;
    if !fixed.starts_with(ENTRY) {
        return Err(bad());
    }
    let mut name = vec![0; usize::from(u16_at(&fixed, 28))];
    reader.read_exact(&mut name)?;
    let mut extra = vec![0; usize::from(u16_at(&fixed, 30))];
    reader.read_exact(&mut extra)?;
    io::copy(&mut reader.take(u64::from(u16_at(&fixed, 32))), &mut io::sink())?;
    let mut sizes = [u32_at(&fixed, 24), u32_at(&fixed, 20), u32_at(&fixed, 42)].map(u64::from);
    // zip64: those of the three that do not fit stand in a field of their own, in this order.
    let mut rest = &extra[..];
    while rest.len() >= 4 {
        let len = usize::from(u16_at(rest, 2)).min(rest.len() - 4);
        if u16_at(rest, 0) == 1 {
            let mut field = &rest[4..4 + len];
            for size in sizes.iter_mut().filter(|size| **size == u64::from(u32::MAX)) {
                *size = u64_at(field, 0);
                field = field.get(8..).unwrap_or_default();
            }
        }
        rest = &rest[4 + len..];
    }
    let [unpacked, packed, header] = sizes;
    let member = Member {
        name: String::new(),
        path: None,
        file: None,
        is_deflated: false,
        header: header.checked_add(base).ok_or_else(bad)?,
        packed,
        unpacked,
        crc: u32_at(&fixed, 16),
    };
    let name = String::from_utf8_lossy(&name).into_owned();
    Ok(Entry { name, flags: u16_at(&fixed, 8), method: u16_at(&fixed, 10), member })
}

/// Files that systems add, and directories.
fn is_noise(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    let last = parts.next_back().unwrap_or_default();
    let is_hidden = |part: &str| part.starts_with('.') && part != "." && part != "..";
    last.is_empty()
        || is_hidden(last)
        || parts.any(|part| part == "__MACOSX" || is_hidden(part))
        || ["thumbs.db", "desktop.ini"].contains(&last.to_ascii_lowercase().as_str())
}

/// What an archive is that is a document of some program.
fn other_format(entries: &[Entry]) -> Option<String> {
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    let any = |prefix: &str| entries.iter().any(|entry| entry.name.starts_with(prefix));
    let text = if has("[Content_Types].xml") && any("xl/") {
        "this is an Excel workbook that is not read: save its sheet as CSV (UTF-8)"
    } else if has("mimetype") && has("content.xml") {
        "this is an OpenDocument file that is not read: save its sheet as CSV"
    } else if has("[Content_Types].xml") {
        "this is an Office document, and no spreadsheet: save the contacts as CSV"
    } else if any("Index/") && entries.iter().any(|entry| entry.name.ends_with(".iwa")) || has("Index.zip") {
        "this is a Numbers document: export it as CSV or Excel (File, Export To)"
    } else {
        return None;
    };
    Some(text.to_owned())
}

/// Reads a member, unpacked, and checks it against its checksum at its end.
pub(super) struct MemberReader {
    input: FileRange,
    machine: Option<Box<Decompress>>,
    buffer: Vec<u8>,
    rest: std::ops::Range<usize>,
    crc: Crc,
    expected: (u32, u64),
    fault: Option<Fault>,
    is_over: bool,
    read: Arc<AtomicU64>,
}

impl MemberReader {
    /// A reader from the member's first byte on.
    ///
    /// # Errors
    /// The archive cannot be read there.
    pub(super) fn new(member: &Member, file: &Arc<File>, read: Arc<AtomicU64>) -> io::Result<MemberReader> {
        read.store(0, Ordering::Relaxed);
        let header = bytes_at(file, member.header, 30)?;
        let skip = 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let at = member.header.saturating_add(skip);
        let mut reader = MemberReader {
            input: FileRange { file: Arc::clone(file), at, end: at.saturating_add(member.packed) },
            machine: member.is_deflated.then(|| Box::new(Decompress::new(false))),
            buffer: if member.is_deflated { vec![0; BLOCK] } else { Vec::new() },
            rest: 0..0,
            crc: Crc::new(),
            expected: (member.crc, member.unpacked),
            fault: None,
            is_over: false,
            read,
        };
        if !header.starts_with(LOCAL) || header.len() < 30 {
            reader.fail(FaultKind::Broken("there is no member where its directory says".to_owned()));
        }
        Ok(reader)
    }

    fn fail(&mut self, kind: FaultKind) {
        self.fault = Some(Fault::new(Compression::Zip, self.read.load(Ordering::Relaxed), kind));
    }

    /// Reads some bytes, unpacked. None at the end.
    fn step(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(machine) = &mut self.machine else {
            let len = self.input.read(buffer)?;
            self.read.fetch_add(len as u64, Ordering::Relaxed);
            return Ok((len > 0).then_some(len));
        };
        loop {
            if self.rest.is_empty() {
                let len = self.input.read(&mut self.buffer)?;
                self.rest = 0..len;
            }
            let has_input = !self.rest.is_empty();
            let before = (machine.total_in(), machine.total_out());
            let status = machine.decompress(&self.buffer[self.rest.clone()], buffer, FlushDecompress::None);
            let used = (machine.total_in() - before.0) as usize;
            let written = (machine.total_out() - before.1) as usize;
            self.rest.start += used;
            self.read.fetch_add(used as u64, Ordering::Relaxed);
            match status {
                Ok(Status::StreamEnd) => {
                    self.is_over = true;
                    return Ok((written > 0).then_some(written));
                }
                Ok(_) if written > 0 => return Ok(Some(written)),
                Ok(_) if !has_input => {
                    self.fail(FaultKind::CutOff);
                    return Ok(None);
                }
                Ok(_) => {}
                Err(error) => {
                    let what = error.message().unwrap_or("this is no deflate data").to_owned();
                    self.fail(FaultKind::Broken(what));
                    return Ok((written > 0).then_some(written));
                }
            }
        }
    }
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.fault.is_none() && !self.is_over {
            if let Some(len) = self.step(buffer)? {
                self.crc.update(&buffer[..len]);
                return Ok(len);
            }
            self.is_over = true;
        }
        if self.fault.is_none()
            && (self.crc.sum(), u64::from(self.crc.amount())) != (self.expected.0, self.expected.1 & 0xffff_ffff)
        {
            self.fail(FaultKind::Broken("its checksum or its size is wrong".to_owned()));
        }
        match &self.fault {
            Some(fault) => Err(io::Error::new(io::ErrorKind::InvalidData, fault.clone())),
            None => Ok(0),
        }
    }
}
