//! Where bytes come from. A regular file is mapped, window after window, and a window is unmapped when its last user drops it;
//! everything else is read in blocks. Either way the reader sees [`Chunk`]s.

#[cfg(feature = "compression")]
pub mod archive;
mod chunk;
mod compression;
mod decode;
#[cfg(feature = "tables")]
mod guess;
mod layers;
mod pipe;
#[cfg(feature = "spreadsheets")]
pub mod sheet;
pub mod sheet_info;
#[cfg_attr(not(feature = "cli"), allow(dead_code))]
mod spool;
#[cfg(feature = "compression")]
mod unpack;
pub mod watch;
#[cfg(unix)]
mod window;

use crate::model::error::{Error, Result};
pub use chunk::Chunk;
use chunk::{Block, Bytes};
pub use compression::Compression;
use crossbeam_channel::{Receiver, Sender};
pub use decode::Encoding;
#[cfg(feature = "tables")]
pub use guess::Guess;
use layers::{Fault, Layers};
use pipe::Pipe;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
pub use watch::Watch;

/// New bytes of a file that one window maps.
pub const WINDOW: usize = 1 << 20;
/// New bytes that one block of a pipe holds.
pub const BLOCK: usize = 256 << 10;
/// Longest time for which a block of a pipe collects bytes before it is passed on.
pub const GATHERING: Duration = Duration::from_millis(50);

/// New bytes to read at once, beside the kept ones: more where many are kept, because each new chunk copies them.
fn room_beside(kept: usize, least: usize) -> usize {
    least.max(kept / 4)
}

enum Origin<'i> {
    /// A file; none while it is closed.
    File {
        file: Option<Arc<File>>,
        len: u64,
    },
    /// Everything is in memory; `more`: except for the bytes behind the limit.
    Memory {
        more: bool,
        total: Option<u64>,
    },
    Pipe {
        reader: Pipe<'i>,
        pool: (Sender<Vec<u8>>, Receiver<Vec<u8>>),
    },
}

/// One input, read from front to back.
pub struct Source<'i> {
    name: String,
    origin: Origin<'i>,
    /// Bytes handed out so far.
    end: u64,
    /// Bytes that may be handed out.
    limit: u64,
    current: Option<Arc<Chunk>>,
    spooled: bool,
    /// Whether there are bytes behind the limit, once a pipe was read to find out: that takes a byte.
    more: Option<bool>,
    /// Detects changes of the file; `None` for an input that is no file of the user.
    watch: Option<Arc<Watch>>,
    layers: Layers,
    /// What failed behind the last bytes that could be read.
    fault: Option<Fault>,
}

impl<'i> Source<'i> {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be opened, or is a directory.
    pub fn open(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Source::stdin();
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| Error::io("open", &name, error))?;
        Source::of_file(name, file, Some(path.to_path_buf()), true)
    }

    fn stdin() -> Result<Self> {
        let name = "standard input".to_owned();
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            let fd = io::stdin().as_fd().try_clone_to_owned().map_err(|error| Error::io("read", &name, error))?;
            let mut file = File::from(fd);
            #[cfg(feature = "compression")]
            match archive::take_peeked() {
                (_, Some(file)) => return Ok(Source::of_pipe(name, Pipe::File(file))),
                (peeked, None) if !peeked.is_empty() => {
                    widen_pipe(&file);
                    return Ok(Source::of_pipe(name, Pipe::File(file).behind(peeked)));
                }
                (_, None) => {}
            }
            // A file redirected to standard input is mapped like any other, if nothing has been read from it yet.
            let at_start = file.stream_position().is_ok_and(|at| at == 0);
            Source::of_file(name, file, None, at_start)
        }
        #[cfg(not(unix))]
        Ok(Source::pipe(name, Box::new(io::stdin())))
    }

    /// Opens a member of a zip archive.
    ///
    /// # Errors
    /// The archive cannot be opened.
    #[cfg(feature = "compression")]
    pub fn open_member(member: &archive::Member) -> Result<Self> {
        let io = |error| Error::io("open", &member.name, error);
        let file = match (&member.file, &member.path) {
            (Some(file), _) => Arc::clone(file),
            (None, Some(path)) => Arc::new(File::open(path).map_err(io)?),
            (None, None) => return Err(io(io::ErrorKind::NotFound.into())),
        };
        let mut source = Source::of_pipe(member.name.clone(), Pipe::empty());
        if member.path.is_some() {
            let meta = file.metadata().map_err(io)?;
            source.watch = Some(Arc::new(Watch::new(&member.name, member.path.clone(), &file, &meta)));
        }
        source.layers.of_member(member.clone(), file);
        source.restart(0)?;
        Ok(source)
    }

    /// Opens a sheet of a spreadsheet.
    ///
    /// # Errors
    /// The spreadsheet cannot be opened.
    #[cfg(feature = "spreadsheets")]
    pub fn open_sheet(sheet: &sheet::Sheet) -> Result<Self> {
        let io = |error| Error::io("open", &sheet.name, error);
        let file = Arc::clone(&sheet.workbook.file);
        let mut source = Source::of_pipe(sheet.name.clone(), Pipe::empty());
        if let Some(path) = &sheet.workbook.path {
            let meta = file.metadata().map_err(io)?;
            source.watch = Some(Arc::new(Watch::new(&sheet.name, Some(path.clone()), &file, &meta)));
        }
        source.layers.of_sheet(sheet.clone(), file);
        source.restart(0)?;
        Ok(source)
    }

    fn of_file(name: String, file: File, path: Option<PathBuf>, at_start: bool) -> Result<Self> {
        let meta = file.metadata().map_err(|error| Error::io("read", &name, error))?;
        if meta.is_dir() {
            return Err(Error::usage(format!("{name} is a directory: name the files in it")));
        }
        // Files of /proc say that they are empty, and are not.
        if cfg!(unix) && meta.is_file() && meta.len() > 0 && at_start {
            let file = Arc::new(file);
            let watch = Watch::new(&name, path, &file, &meta);
            let mut source = Source::new(name, Origin::File { file: Some(file), len: meta.len() });
            source.watch = Some(Arc::new(watch));
            return Ok(source);
        }
        widen_pipe(&file);
        Ok(Source::of_pipe(name, Pipe::File(file)))
    }

    /// An input that can only be read once.
    #[must_use]
    pub fn pipe(name: String, reader: Box<dyn Read + Send + 'i>) -> Self {
        Source::of_pipe(name, Pipe::Reader(reader))
    }

    fn of_pipe(name: String, reader: Pipe<'i>) -> Self {
        Source::new(name, Origin::Pipe { reader, pool: crossbeam_channel::bounded(4) })
    }

    /// An input in memory.
    #[must_use]
    pub fn memory(name: String, bytes: Vec<u8>) -> Self {
        let end = bytes.len() as u64;
        let current =
            Some(Arc::new(Chunk { bytes: Bytes::Block(Block { len: bytes.len(), bytes, pool: None }), base: 0 }));
        Source { end, current, ..Source::new(name, Origin::Memory { more: false, total: Some(end) }) }
    }

    fn new(name: String, origin: Origin<'i>) -> Self {
        Source {
            name,
            origin,
            end: 0,
            limit: u64::MAX,
            current: None,
            spooled: false,
            more: None,
            watch: None,
            layers: Layers::default(),
            fault: None,
        }
    }

    /// Detects changes of the file; `None` for an input that is no file of the user.
    #[must_use]
    pub fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands out nothing from `limit` on: bytes behind it are not touched.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
        // An input in memory was handed out as a whole.
        if let (Origin::Memory { more, .. }, Some(chunk)) = (&mut self.origin, &mut self.current)
            && let Some(Chunk { bytes: Bytes::Block(block), base: 0 }) = Arc::get_mut(chunk)
            && block.len as u64 > limit
        {
            block.len = limit as usize;
            self.end = limit;
            *more = true;
        }
    }

    /// Offset behind the last byte that was handed out.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How long it is in bytes, where that is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        match &self.origin {
            Origin::File { len, .. } => Some(*len),
            Origin::Memory { total, .. } => *total,
            Origin::Pipe { .. } => None,
        }
    }

    /// True for one that can be read a second time.
    #[must_use]
    pub fn is_seekable(&self) -> bool {
        !matches!(self.origin, Origin::Pipe { .. }) || self.layers.stored.is_some()
    }

    /// True when it was a pipe and went to a temporary file.
    #[must_use]
    pub fn is_spooled(&self) -> bool {
        self.spooled
    }

    /// True if reading failed behind the last bytes that could be read.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.fault.is_some()
    }

    /// The chunk that was handed out last.
    #[must_use]
    pub fn current(&self) -> Option<&Arc<Chunk>> {
        self.current.as_ref()
    }

    /// Goes back to the first byte, or to `offset`.
    ///
    /// # Panics
    /// For a pipe.
    pub fn rewind(&mut self, offset: u64) {
        assert!(self.is_seekable(), "a pipe is read once");
        if let Origin::File { .. } = self.origin {
            self.end = offset;
            self.current = None;
        }
        if let Some(stored) = &mut self.layers.stored {
            stored.restart = Some(offset);
            self.end = offset;
            self.current = None;
        }
    }

    /// True when no bytes come within this time, and the next chunk has to wait for some longer.
    #[must_use]
    pub fn would_wait(&self, within: Duration) -> bool {
        match &self.origin {
            Origin::Pipe { reader, .. } => self.end < self.limit && !reader.is_ready(within),
            _ => false,
        }
    }

    /// The next chunk: all bytes from `keep` (not behind what was handed out) on, and some new ones. None where the input,
    /// or its limit, ends.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next(&mut self, keep: u64) -> Result<Option<Arc<Chunk>>> {
        debug_assert!(keep <= self.end);
        if let Some(offset) = self.layers.stored.as_ref().and_then(|stored| stored.restart) {
            self.restart(offset)?;
        }
        let chunk = match &mut self.origin {
            Origin::Memory { .. } => None,
            #[cfg(unix)]
            Origin::File { file, len } => {
                let end = (*len).min(self.limit).min(self.end + room_beside((self.end - keep) as usize, WINDOW) as u64);
                if end <= self.end {
                    None
                } else {
                    // Unmap the previous window first, unless a worker still uses it.
                    self.current = None;
                    let closed = || io::Error::other("the file is closed");
                    let file = file.as_ref().ok_or_else(closed);
                    match file.and_then(|file| window::Window::map(file, keep, (end - keep) as usize)) {
                        Ok(window) => Some(Chunk { bytes: Bytes::Window(window), base: keep }),
                        // Some file systems map nothing (sysfs, some that lie on a network).
                        Err(_) if self.end == 0 && self.read_instead() => return self.next(keep),
                        Err(error) => return Err(Error::io("read", &self.name, error)),
                    }
                }
            }
            #[cfg(not(unix))]
            Origin::File { .. } => unreachable!("files are read in blocks here"),
            Origin::Pipe { .. } => self.next_block(keep)?,
        };
        let Some(chunk) = chunk else {
            // The fault is what ends the input here.
            return match &self.fault {
                Some(fault) if fault.at == self.end && self.end < self.limit => {
                    self.check_unchanged()?;
                    Err(fault.error(&self.name))
                }
                _ => Ok(None),
            };
        };
        self.end = chunk.end();
        let chunk = Arc::new(chunk);
        self.current = Some(Arc::clone(&chunk));
        Ok(Some(chunk))
    }

    /// The next chunk of an input that is read in blocks. None where it ends, or fails: then there is a fault.
    fn next_block(&mut self, keep: u64) -> Result<Option<Chunk>> {
        let Origin::Pipe { reader, pool } = &mut self.origin else { return Ok(None) };
        if self.fault.as_ref().is_some_and(|fault| fault.at == self.end) {
            return Ok(None);
        }
        let mut block = pool.1.try_recv().unwrap_or_default();
        let kept = self.current.as_ref().map_or(&[][..], |current| current.from(keep));
        let room = self.limit.saturating_sub(self.end).min(room_beside(kept.len(), BLOCK) as u64) as usize;
        // Old bytes are overwritten, so the buffer keeps its length: filling it with zeros each time would cost as much
        // as reading.
        if block.len() < kept.len() + room {
            block.resize(kept.len() + room, 0);
        }
        block[..kept.len()].copy_from_slice(kept);
        let kept = kept.len();
        let mut read = kept;
        let mut began = None;
        let mut failed = None;
        while read < kept + room {
            match reader.read(&mut block[read..kept + room]) {
                Ok(0) => break,
                Ok(n) => {
                    read += n;
                    // The pipe is or was empty: do not hold these bytes back for long.
                    if read < kept + room {
                        let waited = began.get_or_insert_with(Instant::now).elapsed();
                        let rest = GATHERING.checked_sub(waited).filter(|rest| !rest.is_zero());
                        if !rest.is_some_and(|rest| reader.is_ready(rest)) {
                            break;
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let pool = Some(pool.0.clone());
        if let Some(error) = failed {
            // What came before it is handed out first.
            self.fault = Some(self.fault(keep + read as u64, &error));
        }
        let chunk = || Chunk { bytes: Bytes::Block(Block { bytes: block, len: read, pool }), base: keep };
        Ok((read > kept).then(chunk))
    }

    /// Turns a file that cannot be mapped, and of which nothing was read, into an input that is read once. Returns whether it did.
    #[cfg(unix)]
    fn read_instead(&mut self) -> bool {
        let Origin::File { file: Some(file), .. } = &self.origin else { return false };
        // A second handle shares the file offset.
        let Ok(file) = file.try_clone() else { return false };
        self.watch = None;
        self.origin = Origin::Pipe { reader: Pipe::File(file), pool: crossbeam_channel::bounded(4) };
        true
    }

    /// True when the limit, and not the end of the input, is what ends it here: there is at least one more byte.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn has_more_behind_limit(&mut self) -> Result<bool> {
        if self.end < self.limit {
            return Ok(false);
        }
        match &mut self.origin {
            Origin::File { len, .. } => Ok(*len > self.limit),
            Origin::Memory { more, .. } => Ok(*more),
            Origin::Pipe { .. } if self.more.is_some() => Ok(self.more == Some(true)),
            Origin::Pipe { reader, .. } => loop {
                match reader.read(&mut [0]) {
                    Ok(n) => {
                        self.more = Some(n > 0);
                        return Ok(n > 0);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.read_error(error)),
                }
            },
        }
    }

    /// Checks that the file has not changed since it was opened.
    ///
    /// # Errors
    /// It changed, or cannot be looked at.
    pub fn check_unchanged(&self) -> Result<()> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch.check())
    }
}

/// Enlarges the buffer of a pipe, where the system allows it: with a small one, its two ends wait for each other more often. Does
/// nothing to other files.
pub fn widen_pipe(file: &File) {
    #[cfg(target_os = "linux")]
    // The default maximum for an unprivileged process.
    let _ = rustix::pipe::fcntl_setpipe_size(file, 1 << 20);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

#[cfg(test)]
mod tests;
