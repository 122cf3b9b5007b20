//! Files that appear whole or not at all: written beside their place, renamed when done.
//!
//! Nothing is synced to the disk: like `cp`, a run leaves that to the system, and the receipt's SHA-256 tells whether what is
//! there is what was written.

use super::temporary;
use crate::model::error::{Error, Kind, Result};
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// Files under their temporary names: what a signal handler's thread removes.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every file that is being written, for a process that is about to end. No file can be finished any more
/// afterwards: the caller must end the process.
pub fn remove_unfinished() {
    let paths = unfinished();
    for path in paths.iter() {
        let _ = fs::remove_file(path);
    }
    // A rename that waits for the lock must not put a file in its place now.
    std::mem::forget(paths);
}

enum Target {
    /// Under a temporary name beside its place.
    Temporary { file: NamedTempFile, place: PathBuf, force: bool },
    /// Standard output: its reader may leave when it has seen enough.
    Stdout(File),
    /// A device, a named pipe.
    Direct(File),
    /// Memory of whoever wants the bytes.
    Memory(Arc<Mutex<Vec<u8>>>),
}

/// A file that is being written.
pub struct Output {
    name: String,
    target: Option<Target>,
    /// What waits to be written, in order.
    queue: Vec<Piece>,
    /// Bytes that wait.
    queued: usize,
    /// Empty buffers, to be given for full ones.
    spare: Vec<Vec<u8>>,
    /// What was written is kept, in order, until the end.
    kept: Option<Vec<Piece>>,
    /// Bytes taken.
    written: u64,
    /// Bytes of them that the system has.
    sent: u64,
    /// Bytes that the file is likely to have in the end.
    expected: u64,
    /// Bytes of the file that have their place on the disk; all there can be where none is to be asked for.
    reserved: u64,
    /// Some of it was asked for.
    has_reserved: bool,
}

/// A buffer of an output: what counts in it goes from a place in it to its end.
#[derive(Debug)]
pub struct Piece {
    bytes: Vec<u8>,
    from: usize,
}

impl Piece {
    /// What counts.
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

/// What is left of an output that was finished.
#[derive(Debug, Default)]
pub struct Finished {
    /// All that was written, if it was to be kept.
    pub kept: Vec<Piece>,
    /// Empty buffers, for another file.
    pub spare: Vec<Vec<u8>>,
}

/// Bytes that are gathered before they are written to a pipe or a device: its reader waits for them.
const GATHERED: usize = 256 << 10;
/// Bytes that are gathered before they are written to a file: the system finds room for them in pieces as large as it is given
/// bytes at once, and a piece costs much the same whatever its size. Beyond this size large pieces are hard to find.
const GATHERED_FOR_FILE: usize = 1 << 20;
/// Bytes that are worth a call by themselves: gathering them would only copy them once more.
const LARGE: usize = 32 << 10;
/// Least and most bytes for which a place is asked ahead of need.
const RESERVED: std::ops::RangeInclusive<u64> = 4 << 20..=64 << 20;

impl Output {
    /// Opens a file for writing; `-` is standard output. What is there already is an error, unless `force`; devices and
    /// pipes are written to as they are.
    ///
    /// # Errors
    /// It is there, or cannot be written.
    pub fn create(path: &Path, force: bool) -> Result<Output> {
        match path.to_str() {
            _ if is_stdout(path) => return Output::stdout(),
            #[cfg(unix)]
            Some(name @ ("/dev/stderr" | "/dev/fd/2")) => {
                use std::os::fd::AsFd;
                let fd = io::stderr().as_fd().try_clone_to_owned().map_err(|error| Error::io("write", name, error))?;
                return Ok(Output::new(name.to_owned(), Target::Direct(File::from(fd))));
            }
            _ => {}
        }
        let name = path.display().to_string();
        let fail = |error| Error::io("create", &name, error);
        let mut place = path.to_path_buf();
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                return Err(fail(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")));
            }
            Ok(meta) if !meta.is_file() => {
                let file = File::options().write(true).open(path).map_err(fail)?;
                return Ok(Output::new(name, Target::Direct(file)));
            }
            Ok(_) if !force => return Err(Kind::Exists { file: name }.into()),
            // Through a link, so that the file it names is replaced and not the link.
            Ok(_) => place = fs::canonicalize(path).map_err(fail)?,
            Err(_) => {}
        }
        let dir = temporary::parent(&place);
        if !dir.is_dir() {
            let error = io::Error::new(io::ErrorKind::NotFound, format!("there is no directory {}", dir.display()));
            return Err(fail(error));
        }
        temporary::remove_left_behind(&place);
        Output::temporary(name, place, force)
    }

    /// Opens a file that is not there yet, in a directory that is. What an earlier run left beside it stays.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn create_new(path: &Path) -> Result<Output> {
        Output::temporary(path.display().to_string(), path.to_path_buf(), false)
    }

    fn temporary(name: String, place: PathBuf, force: bool) -> Result<Output> {
        // Under the lock, so that a signal finds the file in the list.
        let mut list = unfinished();
        let file = temporary::create(&place).map_err(|error| Error::io("create", &name, error))?;
        list.push(file.path().to_path_buf());
        drop(list);
        Ok(Output::new(name, Target::Temporary { file, place, force }))
    }

    /// Writes into memory, for a caller that wants no file.
    #[must_use]
    pub fn memory(name: &str, bytes: Arc<Mutex<Vec<u8>>>) -> Output {
        Output::new(name.to_owned(), Target::Memory(bytes))
    }

    fn stdout() -> Result<Output> {
        let name = "standard output".to_owned();
        check_stdout()?;
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            let fd = io::stdout().as_fd().try_clone_to_owned().map_err(|error| Error::io("write", &name, error))?;
            Ok(Output::new(name, Target::Stdout(File::from(fd))))
        }
        #[cfg(not(unix))]
        {
            use std::os::windows::io::AsHandle;
            let handle =
                io::stdout().as_handle().try_clone_to_owned().map_err(|error| Error::io("write", &name, error))?;
            Ok(Output::new(name, Target::Stdout(File::from(handle))))
        }
    }

    fn new(name: String, target: Target) -> Output {
        if let Target::Direct(file) | Target::Stdout(file) = &target {
            crate::source::widen_pipe(file);
        }
        let reserved = match &target {
            Target::Temporary { file, .. } if has_cheap_reservation(file.as_file()) => 0,
            _ => u64::MAX,
        };
        Output {
            name,
            target: Some(target),
            queue: Vec::new(),
            queued: 0,
            spare: Vec::new(),
            kept: None,
            written: 0,
            sent: 0,
            expected: 0,
            reserved,
            has_reserved: false,
        }
    }

    /// Empty buffers, of another file, that can be used again.
    pub fn reuse(&mut self, buffers: impl IntoIterator<Item = Vec<u8>>) {
        self.spare.extend(buffers);
    }

    /// Keeps what is written from now on, for [`Output::finish`] to give it back.
    pub fn keep(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// How many bytes there will be in the end, more or less: a hint, by which the file finds its place on the disk.
    pub fn expect(&mut self, bytes: u64) {
        self.expected = bytes;
    }

    fn file(&mut self) -> io::Result<&File> {
        match &self.target {
            Some(Target::Temporary { file, .. }) => Ok(file.as_file()),
            Some(Target::Direct(file) | Target::Stdout(file)) => Ok(file),
            Some(Target::Memory(_)) => Err(io::ErrorKind::Unsupported.into()),
            None => Err(io::Error::other("it is finished")),
        }
    }

    /// Writes `bytes`; large ones go straight to the system.
    ///
    /// # Errors
    /// The system would not.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        if self.kept.is_some() {
            if self.queued + bytes.len() > self.enough() {
                self.send(&[])?;
            }
        } else if bytes.len() >= LARGE || self.queued + bytes.len() > self.enough() {
            return self.send(bytes);
        }
        match self.queue.last_mut() {
            Some(last) if last.bytes.len() + bytes.len() <= last.bytes.capacity() => {
                last.bytes.extend_from_slice(bytes)
            }
            _ => {
                let mut buffer = self.spare.pop().unwrap_or_default();
                buffer.reserve(bytes.len().max(LARGE));
                buffer.extend_from_slice(bytes);
                self.queue.push(Piece { bytes: buffer, from: 0 });
            }
        }
        self.queued += bytes.len();
        Ok(())
    }

    /// Writes what is in `bytes` from `from` on, now or later, and leaves another buffer in its place, an empty one.
    ///
    /// # Errors
    /// The system would not.
    pub fn give(&mut self, bytes: &mut Vec<u8>, from: usize) -> Result<()> {
        if bytes.len() - from < LARGE {
            let done = self.write(&bytes[from..]);
            bytes.clear();
            return done;
        }
        let empty = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(bytes.capacity()));
        let full = std::mem::replace(bytes, empty);
        self.written += (full.len() - from) as u64;
        self.queued += full.len() - from;
        self.queue.push(Piece { bytes: full, from });
        match self.target {
            Some(Target::Temporary { .. }) if self.queued < self.enough() => Ok(()),
            _ => self.send(&[]),
        }
    }

    /// The same up to `end`; a buffer that goes on behind it stays.
    ///
    /// # Errors
    /// The system would not.
    pub fn give_up_to(&mut self, bytes: &mut Vec<u8>, from: usize, end: usize) -> Result<()> {
        if end == bytes.len() { self.give(bytes, from) } else { self.write(&bytes[from..end]) }
    }

    /// Bytes that are gathered before they are written.
    fn enough(&self) -> usize {
        match self.target {
            Some(Target::Temporary { .. }) => GATHERED_FOR_FILE,
            _ => GATHERED,
        }
    }

    /// Gives all that waits to the system, and these bytes behind it.
    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let len = self.queued + bytes.len();
        if len >= GATHERED_FOR_FILE / 2 && self.sent + len as u64 > self.reserved {
            self.reserve(len as u64);
        }
        let queue = std::mem::take(&mut self.queue);
        let pieces = queue.iter().map(Piece::bytes).chain([bytes]);
        let mut slices: Vec<IoSlice<'_>> = pieces.map(IoSlice::new).collect();
        let done = match &self.target {
            Some(Target::Memory(memory)) => {
                let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                slices.iter().for_each(|slice| memory.extend_from_slice(slice));
                Ok(())
            }
            _ => self.file().and_then(|file| write_all(file, &mut slices)),
        };
        self.queue = queue;
        self.queued = 0;
        self.sent += len as u64;
        match &mut self.kept {
            Some(kept) => kept.append(&mut self.queue),
            None => self.spare.extend(self.queue.drain(..).map(Piece::into_buffer)),
        }
        done.map_err(|error| match (&self.target, error.kind()) {
            (Some(Target::Stdout(_)), io::ErrorKind::BrokenPipe) => Kind::ClosedPipe.into(),
            _ => Error::io("write", &self.name, error),
        })
    }

    /// Asks for a place for the next `len` bytes and some behind them. That it is not to be had is no error: then the place is
    /// found when the bytes are written, or is not.
    #[cold]
    fn reserve(&mut self, len: u64) {
        let next = self.sent + len;
        let ahead = if self.expected > next {
            self.expected - next
        } else {
            self.sent.clamp(*RESERVED.start(), *RESERVED.end())
        };
        let from = self.reserved.max(self.sent);
        self.has_reserved = true;
        self.reserved = match self.file().and_then(|file| reserve(file, from, next + ahead - from)) {
            Ok(()) => next + ahead,
            // Whatever of it there is goes away at the end.
            Err(_) => u64::MAX,
        };
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Gives what was gathered to the system.
    ///
    /// # Errors
    /// The system would not.
    pub fn flush(&mut self) -> Result<()> {
        if self.queued > 0 { self.send(&[]) } else { Ok(()) }
    }

    /// Gives what was gathered to the system, if somebody can read it there before the end.
    ///
    /// # Errors
    /// The system would not.
    pub fn pass_on(&mut self) -> Result<()> {
        match self.target {
            Some(Target::Direct(_) | Target::Stdout(_)) => self.flush(),
            _ => Ok(()),
        }
    }

    /// Writes what is left and puts the file in its place. Gives what was kept, and its buffers.
    ///
    /// # Errors
    /// The system would not, or another file came to be there.
    pub fn finish(mut self) -> Result<Finished> {
        self.flush()?;
        if self.has_reserved && self.reserved > self.sent {
            let sent = self.sent;
            self.file().and_then(|file| file.set_len(sent)).map_err(|error| Error::io("write", &self.name, error))?;
        }
        if let Some(Target::Temporary { file, place, force }) = self.target.take() {
            temporary::set_mode(file.as_file(), &place).map_err(|error| Error::io("write", &self.name, error))?;
            let mut list = unfinished();
            let path = file.path().to_path_buf();
            let done = if force { file.persist(&place) } else { file.persist_noclobber(&place) };
            list.retain(|unfinished| *unfinished != path);
            done.map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => Kind::Exists { file: self.name.clone() }.into(),
                _ => Error::io("rename", &self.name, error.error),
            })?;
        }
        let kept = self.kept.take().unwrap_or_default();
        Ok(Finished { kept, spare: std::mem::take(&mut self.spare) })
    }
}

impl Output {
    /// Ends an output that is not wanted. With `remove_older`, a file in its place that it would have overwritten is removed; gives
    /// back whether one was.
    ///
    /// # Errors
    /// The older file cannot be removed.
    pub fn discard(mut self, remove_older: bool) -> Result<bool> {
        self.queue.clear();
        self.queued = 0;
        let place = match &self.target {
            Some(Target::Temporary { place, force: true, .. }) if remove_older && place.is_file() => place.clone(),
            _ => return Ok(false),
        };
        fs::remove_file(&place).map_err(|error| Error::io("remove", &self.name, error))?;
        Ok(true)
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Output::write(self, bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Output::flush(self).map_err(io::Error::other)
    }
}

/// True for the names of standard output.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    matches!(path.to_str(), Some("-" | "/dev/stdout" | "/dev/fd/1"))
}

/// Makes sure that standard output was open when the process began.
///
/// # Errors
/// It was closed: what is written to it would be lost.
pub fn check_stdout() -> Result<()> {
    if stdout::was_closed() {
        return Err(Error::io("write", "standard output", io::Error::new(io::ErrorKind::NotConnected, "it is closed")));
    }
    Ok(())
}

/// The runtime opens the null device in the place of a standard output that is closed, before `main`. So the process looks
/// earlier.
mod stdout {
    use std::sync::atomic::{AtomicBool, Ordering};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    pub(super) fn was_closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }

    #[cfg(unix)]
    // SAFETY: the section holds pointers to functions that are called once, with no thread beside, before `main`; the function
    // uses nothing that is not there by then: one system call and an atomic.
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[used]
    static LOOK: extern "C" fn() = {
        extern "C" fn look() {
            // SAFETY: F_GETFD takes no pointer and changes nothing.
            let flags = unsafe { libc::fcntl(1, libc::F_GETFD) };
            CLOSED.store(flags < 0, Ordering::Relaxed);
        }
        look
    };
}

/// Which file `path` is, however it is spelled: the directory it is in, followed through links, and its name there. None for
/// standard output and devices, which may be written to from several places.
#[must_use]
pub fn identity(path: &Path) -> Option<PathBuf> {
    if path.as_os_str() == "-" || path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        return None;
    }
    // What is not there yet hangs from the nearest directory that is.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for there in path.ancestors() {
        if let Ok(real) = fs::canonicalize(there) {
            let mut identity = real;
            for part in path.strip_prefix(there).into_iter().flat_map(Path::components) {
                match part {
                    // Of what is not there, nothing is a link.
                    Component::ParentDir => {
                        identity.pop();
                    }
                    Component::Normal(name) => identity.push(name),
                    _ => {}
                }
            }
            return Some(identity);
        }
    }
    Some(path)
}

impl Drop for Output {
    fn drop(&mut self) {
        // A file that was not finished goes away.
        if let Some(Target::Temporary { file, .. }) = self.target.take() {
            let mut list = unfinished();
            let path = file.path().to_path_buf();
            drop(file);
            list.retain(|unfinished| *unfinished != path);
        }
    }
}

/// Writes all of these slices, with as few calls as the system allows.
fn write_all(mut file: &File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => IoSlice::advance_slices(&mut slices, n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// True where a place on the disk that is asked for ahead makes writing cheaper. That was measured on ext4; elsewhere it may cost
/// something (btrfs does not compress what lies in such a place, and a server far away must be asked).
fn has_cheap_reservation(file: &File) -> bool {
    #[cfg(target_os = "linux")]
    {
        /// From `linux/magic.h`.
        const EXT4: u64 = 0xef53;
        rustix::fs::fstatfs(file).is_ok_and(|stat| stat.f_type as u64 == EXT4)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        false
    }
}

/// Asks for a place on the disk for bytes of a file; its length stays.
fn reserve(file: &File, from: u64, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, from, len)?);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, from, len);
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.json");
        let mut output = Output::create(&path, false).unwrap();
        let mut expected = Vec::new();
        for i in 0..2000u32 {
            let piece = vec![i as u8; (i * 37 % 900) as usize];
            output.write(&piece).unwrap();
            expected.extend_from_slice(&piece);
        }
        output.write(&vec![7; 1 << 20]).unwrap();
        expected.extend(vec![7; 1 << 20]);
        assert!(!path.exists());
        assert_eq!(output.written(), expected.len() as u64);
        output.finish().unwrap();
        assert!(fs::read(&path).unwrap() == expected);
        assert_eq!(names(dir.path()), ["out.json"]);
    }

    #[test]
    fn buffers_are_written_in_order_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        for expected in [0, 9 << 20] {
            let path = dir.path().join(expected.to_string());
            let mut output = Output::create(&path, false).unwrap();
            output.expect(expected);
            let mut all = Vec::new();
            let mut buffer = Vec::new();
            for i in 0..100usize {
                assert!(buffer.is_empty());
                buffer.resize(i * 4001 % 150_000, i as u8);
                let from = i.min(buffer.len());
                all.extend_from_slice(&buffer[from..]);
                output.give(&mut buffer, from).unwrap();
                if i % 3 == 0 {
                    let piece = vec![b'x'; i * 911];
                    all.extend_from_slice(&piece);
                    output.write(&piece).unwrap();
                }
                assert!(output.queued < GATHERED_FOR_FILE + 150_000);
            }
            assert_eq!(output.written(), all.len() as u64);
            let buffers = output.finish().unwrap().spare;
            assert!(buffers.iter().all(Vec::is_empty) && (1..64).contains(&buffers.len()), "{}", buffers.len());
            assert!(fs::read(&path).unwrap() == all);
            #[cfg(unix)]
            {
                // What was asked for ahead is not kept.
                use std::os::unix::fs::MetadataExt;
                let on_disk = fs::metadata(&path).unwrap().blocks() * 512;
                assert!(on_disk < all.len() as u64 + (1 << 20), "{on_disk}");
            }
        }
    }

    #[test]
    fn what_is_kept_is_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        let mut output = Output::create(&path, false).unwrap();
        output.keep();
        output.reuse([Vec::new(), Vec::with_capacity(100)]);
        for i in 0..60usize {
            let mut buffer = vec![i as u8; i * 2999];
            if i % 2 == 0 {
                let from = i.min(buffer.len());
                output.give(&mut buffer, from).unwrap();
            } else {
                output.write(&buffer).unwrap();
            }
        }
        let written = output.written();
        let kept: Vec<u8> = output.finish().unwrap().kept.iter().flat_map(|piece| piece.bytes().to_vec()).collect();
        assert_eq!(kept.len() as u64, written);
        assert!(fs::read(&path).unwrap() == kept);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_does_not_wait_for_more() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut output = Output::new("pipe".into(), Target::Direct(std::os::fd::OwnedFd::from(writer).into()));
        let mut buffer = vec![1; LARGE];
        output.write(b"x").unwrap();
        output.give(&mut buffer, 0).unwrap();
        let mut got = vec![0; 1 + LARGE];
        io::Read::read_exact(&mut reader, &mut got).unwrap();
        assert!(got[0] == b'x' && got[1..].iter().all(|byte| *byte == 1));
    }

    #[test]
    fn nothing_is_left_of_what_was_not_finished() {
        let dir = tempfile::tempdir().unwrap();
        let mut output = Output::create(&dir.path().join("a"), false).unwrap();
        output.write(b"x").unwrap();
        drop(output);
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }

    #[test]
    fn what_is_there_stays_unless_forced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let early = Output::create(&path, false).unwrap();
        fs::write(&path, "old").unwrap();
        assert!(matches!(Output::create(&path, false).err().unwrap().kind(), Kind::Exists { .. }));
        // Even when it came later.
        assert!(matches!(early.finish().unwrap_err().kind(), Kind::Exists { .. }));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let mut forced = Output::create(&path, true).unwrap();
        forced.write(b"new").unwrap();
        forced.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn a_file_is_one_however_it_is_spelled() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name: &str| identity(&dir.path().join(name)).unwrap();
        // Nothing of it is there yet.
        assert_eq!(of("new/a"), of("./new/./a"));
        assert_eq!(of("new/a"), of("new/../new/a"));
        assert_eq!(of("new/a").parent().unwrap(), of("new"));
        assert_ne!(of("new/a"), of("new/b"));
        fs::create_dir(dir.path().join("new")).unwrap();
        assert_eq!(of("new/a"), of("new/../new/a"));
        let here = identity(Path::new("fresh/a")).unwrap();
        assert_eq!(here.parent(), identity(Path::new("fresh")).as_deref());
        assert_eq!(identity(Path::new("-")), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let mut output = Output::create(Path::new("/dev/full"), false).unwrap();
        output.write(b"x").unwrap();
        let error = output.finish().unwrap_err();
        assert!(error.to_string().contains("write /dev/full"), "{error}");
        assert!(Output::create(Path::new("/"), true).is_err());
        assert!(Output::create(Path::new("/proc/none/x"), true).is_err());
    }
}
