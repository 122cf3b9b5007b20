//! Where bytes come from. A regular file is mapped, window after window, and a window is unmapped when its last user drops it;
//! everything else is read in blocks. Either way the reader sees [`Chunk`]s.

mod chunk;
mod decode;
pub mod watch;
#[cfg(unix)]
mod window;

use crate::model::error::{Error, Result};
pub use chunk::Chunk;
use chunk::{Block, Bytes};
use crossbeam_channel::{Receiver, Sender};
use decode::Decoder;
pub use decode::Encoding;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// An input that can be read only once.
enum Pipe<'i> {
    /// A pipe, a terminal, a socket, a device.
    File(File),
    /// Anything else.
    Reader(Box<dyn Read + Send + 'i>),
    /// Text that is decoded.
    Decoded(Box<Decoder<'i>>),
}

/// What is known of an input that is decoded.
struct Decoded {
    encoding: Encoding,
    /// Bytes of the input that were decoded.
    read: Arc<AtomicU64>,
    /// How long the input is in bytes, where that is known.
    total: Option<u64>,
    /// The file is closed until [`Source::resume`].
    is_suspended: bool,
}

impl Pipe<'_> {
    /// Whether bytes arrive within this time. An input that cannot be polled counts as ready.
    fn is_ready(&self, within: Duration) -> bool {
        if let Pipe::Decoded(decoder) = self {
            return decoder.awaited().is_none_or(|input| input.is_ready(within));
        }
        #[cfg(unix)]
        if let Pipe::File(file) = self {
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
        let _ = within;
        true
    }
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Pipe::File(file) => file.read(buffer),
            Pipe::Reader(reader) => reader.read(buffer),
            Pipe::Decoded(decoder) => decoder.read(buffer),
        }
    }
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
    decoded: Option<Decoded>,
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
            // A file redirected to standard input is mapped like any other, if nothing has been read from it yet.
            let at_start = file.stream_position().is_ok_and(|at| at == 0);
            Source::of_file(name, file, None, at_start)
        }
        #[cfg(not(unix))]
        Ok(Source::pipe(name, Box::new(io::stdin())))
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
            decoded: None,
        }
    }

    /// Detects changes of the file; `None` for an input that is no file of the user.
    #[must_use]
    pub fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }

    /// Decodes an input of which nothing was used yet: from the encoding that its byte-order mark names, else from `asked`, else from
    /// the one that its first bytes show. Offsets are those of the decoded bytes from here on. Input that is UTF-8, or in memory,
    /// stays as it is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn decode(&mut self, asked: Option<Encoding>) -> Result<()> {
        while self.current.as_ref().is_none_or(|chunk| chunk.bytes().len() < 4) && self.next(0)?.is_some() {}
        let head = self.current.as_ref().map_or(&[][..], |chunk| chunk.bytes());
        let encoding = Encoding::of_mark(head).or(asked).or_else(|| Encoding::sniff(head));
        let Some(encoding) = encoding.filter(|encoding| !encoding.is_utf8()) else { return Ok(()) };
        let (total, before) = match &self.origin {
            Origin::Memory { .. } => return Ok(()),
            Origin::File { len, .. } => (Some(*len), Vec::new()),
            Origin::Pipe { .. } => (None, head.to_vec()),
        };
        let pool = crossbeam_channel::bounded(4);
        let read = Arc::new(AtomicU64::new(0));
        let empty = Origin::Pipe { reader: Pipe::Reader(Box::new(io::empty())), pool: pool.clone() };
        let input = match std::mem::replace(&mut self.origin, empty) {
            Origin::File { file: Some(file), .. } => {
                // The second handle shares the offset, from which nothing was read: the file was mapped.
                Pipe::File(file.try_clone().map_err(|error| Error::io("read", &self.name, error))?)
            }
            Origin::Pipe { reader, .. } => reader,
            Origin::File { file: None, .. } | Origin::Memory { .. } => Pipe::Reader(Box::new(io::empty())),
        };
        let reader = Pipe::Decoded(Box::new(Decoder::new(encoding, before, input, Arc::clone(&read))));
        self.origin = Origin::Pipe { reader, pool };
        self.decoded = Some(Decoded { encoding, read, total, is_suspended: false });
        self.current = None;
        self.end = 0;
        Ok(())
    }

    /// The encoding that the input is decoded from.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        self.decoded.as_ref().map(|decoded| decoded.encoding)
    }

    /// Of an input that is decoded, the bytes before decoding: those that were decoded so far, and all, where that is known.
    #[must_use]
    pub fn encoded(&self) -> Option<(u64, Option<u64>)> {
        self.decoded.as_ref().map(|decoded| (decoded.read.load(Ordering::Relaxed), decoded.total))
    }

    /// Closes a file that can be opened again, so that any number of inputs takes one open file at a time. Until
    /// [`Source::resume`], nothing can be read from it.
    pub fn suspend(&mut self) {
        if let Origin::File { file, .. } = &mut self.origin
            && self.watch.as_ref().is_some_and(|watch| watch.close())
        {
            *file = None;
            self.current = None;
        }
        if let (Some(decoded), Origin::Pipe { reader, .. }) = (&mut self.decoded, &mut self.origin)
            && decoded.total.is_some()
            && self.watch.as_ref().is_some_and(|watch| watch.close())
        {
            *reader = Pipe::Reader(Box::new(io::empty()));
            decoded.is_suspended = true;
            self.current = None;
        }
    }

    /// Opens a file that was closed, to be read from `offset` on. Does nothing for any other input.
    ///
    /// # Errors
    /// It cannot be opened, or changed meanwhile.
    pub fn resume(&mut self, offset: u64) -> Result<()> {
        if let (Origin::File { file: file @ None, .. }, Some(watch)) = (&mut self.origin, &self.watch) {
            *file = Some(watch.reopen()?);
            self.end = offset;
        }
        if let (Some(decoded), Some(watch), Origin::Pipe { reader, .. }) =
            (&mut self.decoded, &self.watch, &mut self.origin)
            && std::mem::take(&mut decoded.is_suspended)
        {
            let io = |error| Error::io("read", &self.name, error);
            let file = watch.reopen()?.try_clone().map_err(io)?;
            let mut decoder = Decoder::new(decoded.encoding, Vec::new(), Pipe::File(file), Arc::clone(&decoded.read));
            io::copy(&mut decoder.by_ref().take(offset), &mut io::sink()).map_err(io)?;
            *reader = Pipe::Decoded(Box::new(decoder));
            self.end = offset;
        }
        Ok(())
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
        !matches!(self.origin, Origin::Pipe { .. })
    }

    /// True when it was a pipe and went to a temporary file.
    #[must_use]
    pub fn is_spooled(&self) -> bool {
        self.spooled
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
        let chunk = match &mut self.origin {
            Origin::Memory { .. } => return Ok(None),
            #[cfg(unix)]
            Origin::File { file, len } => {
                let end = (*len).min(self.limit).min(self.end + room_beside((self.end - keep) as usize, WINDOW) as u64);
                if end <= self.end {
                    return Ok(None);
                }
                // Unmap the previous window first, unless a worker still uses it.
                self.current = None;
                let closed = || io::Error::other("the file is closed");
                let file = file.as_ref().ok_or_else(closed);
                match file.and_then(|file| window::Window::map(file, keep, (end - keep) as usize)) {
                    Ok(window) => Chunk { bytes: Bytes::Window(window), base: keep },
                    // Some file systems map nothing (sysfs, some that lie on a network).
                    Err(_) if self.end == 0 && self.read_instead() => return self.next(keep),
                    Err(error) => return Err(Error::io("read", &self.name, error)),
                }
            }
            #[cfg(not(unix))]
            Origin::File { .. } => unreachable!("files are read in blocks here"),
            Origin::Pipe { reader, pool } => {
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
                        Err(error) => return Err(Error::io("read", &self.name, error)),
                    }
                }
                if read == kept {
                    return Ok(None);
                }
                let pool = Some(pool.0.clone());
                Chunk { bytes: Bytes::Block(Block { bytes: block, len: read, pool }), base: keep }
            }
        };
        self.end = chunk.end();
        let chunk = Arc::new(chunk);
        self.current = Some(Arc::clone(&chunk));
        Ok(Some(chunk))
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
                    Err(error) => return Err(Error::io("read", &self.name, error)),
                }
            },
        }
    }

    /// Makes a pipe, of which everything so far is in the current chunk, one that can be read again: in memory when it ends
    /// within `memory` bytes (or its limit is there), in a temporary file otherwise.
    ///
    /// # Errors
    /// It cannot be read, or the temporary file not be written.
    pub fn spool(&mut self, memory: u64) -> Result<()> {
        if self.is_seekable() {
            return Ok(());
        }
        // Bytes that were not kept are not needed again; all offsets stay as they are.
        let base = self.current.as_ref().map_or(self.end, |chunk| chunk.base);
        while self.end < memory.min(self.limit) {
            if self.next(base)?.is_none() {
                break;
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
        loop {
            match reader.read(&mut block) {
                Ok(0) => break,
                Ok(n) => {
                    file.write_all(&block[..n]).map_err(spool)?;
                    len += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.name, error)),
            }
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
