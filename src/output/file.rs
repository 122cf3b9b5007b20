//! Files that appear whole or not at all: written under a temporary name beside their path, and renamed when done.
//!
//! Nothing is synced to the disk. Like `cp`, a run leaves that to the system; the SHA-256 in the receipt shows whether a file holds
//! what was written.

use super::path::{check_stdout, is_stdout};
pub use super::piece::{Finished, Piece};
use super::preallocate::{has_cheap_reservation, reserve};
use super::temporary;
use crate::model::error::{Error, Kind, Result};
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// Temporary files that are being written: the thread of the signal handler removes them.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every file that is being written, for a process that is about to end. No file can be finished after this: the caller
/// must end the process.
pub fn remove_unfinished() {
    let paths = unfinished();
    for path in paths.iter() {
        let _ = fs::remove_file(path);
    }
    // Keep the lock for good: a rename that waits for it must not happen now.
    std::mem::forget(paths);
}

enum Target<'o> {
    /// A temporary file beside its final path.
    Temporary { file: NamedTempFile, place: PathBuf, force: bool },
    /// Standard output: its reader may close it early.
    Stdout(File),
    /// A device or a named pipe.
    Direct(File),
    /// A writer of the caller.
    Writer(Box<dyn Write + Send + 'o>),
}

/// A file that is being written, or a writer of the caller.
pub struct Output<'o> {
    name: String,
    target: Option<Target<'o>>,
    /// Buffers that wait to be written, in order.
    queue: Vec<Piece>,
    /// Bytes in the queue.
    queued: usize,
    /// Empty buffers, to swap for full ones.
    spare: Vec<Vec<u8>>,
    /// The written buffers, in order, if they are to be kept until the end.
    kept: Option<Vec<Piece>>,
    /// Bytes accepted.
    written: u64,
    /// Bytes passed to the system.
    sent: u64,
    /// Expected size of the file, in bytes.
    expected: u64,
    /// Bytes of the file that are preallocated; `u64::MAX` to preallocate nothing.
    reserved: u64,
    /// Something was preallocated.
    has_reserved: bool,
}

/// Bytes that are buffered before they are written to a pipe or a device, whose reader waits for them.
const GATHERED: usize = 256 << 10;
/// Bytes that are buffered before they are written to a file: the file system allocates an extent per write, which costs much the
/// same whatever its size. Larger extents are hard to find.
const GATHERED_FOR_FILE: usize = 1 << 20;
/// Writes of this size go straight to the system: buffering them would only copy them once more.
const LARGE: usize = 32 << 10;
/// Least and most bytes to preallocate.
const RESERVED: std::ops::RangeInclusive<u64> = 4 << 20..=64 << 20;

impl<'o> Output<'o> {
    /// Opens a file for writing; `-` is standard output. An existing file is an error, unless `force` is set. Devices and pipes
    /// are opened as they are.
    ///
    /// # Errors
    /// The file exists, or cannot be written.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
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
            // Resolve links, so that the file is replaced and not the link to it.
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

    /// Creates a file that does not exist, in a directory that does. Temporary files of an earlier run stay.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn create_new(path: &Path) -> Result<Self> {
        Output::temporary(path.display().to_string(), path.to_path_buf(), false)
    }

    fn temporary(name: String, place: PathBuf, force: bool) -> Result<Self> {
        // Create it under the lock, so that the signal handler finds it in the list.
        let mut list = unfinished();
        let file = temporary::create(&place).map_err(|error| Error::io("create", &name, error))?;
        list.push(file.path().to_path_buf());
        drop(list);
        Ok(Output::new(name, Target::Temporary { file, place, force }))
    }

    /// Writes to a writer of the caller; `name` is its name in errors.
    #[must_use]
    pub fn writer(name: &str, writer: Box<dyn Write + Send + 'o>) -> Self {
        Output::new(name.to_owned(), Target::Writer(writer))
    }

    fn stdout() -> Result<Self> {
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

    fn new(name: String, target: Target<'o>) -> Self {
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

    /// Adds empty buffers of another output, to use again.
    pub fn reuse(&mut self, buffers: impl IntoIterator<Item = Vec<u8>>) {
        self.spare.extend(buffers);
    }

    /// Keeps everything that is written from now on, for [`Output::finish`] to return.
    pub fn keep(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// Sets the approximate size of the whole output: a hint for preallocation.
    pub fn expect(&mut self, bytes: u64) {
        self.expected = bytes;
    }

    fn file(&mut self) -> io::Result<&File> {
        match &self.target {
            Some(Target::Temporary { file, .. }) => Ok(file.as_file()),
            Some(Target::Direct(file) | Target::Stdout(file)) => Ok(file),
            Some(Target::Writer(_)) => Err(io::ErrorKind::Unsupported.into()),
            None => Err(io::Error::other("it is finished")),
        }
    }

    /// Writes `bytes`. Large writes go straight to the system.
    ///
    /// # Errors
    /// An I/O operation failed.
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

    /// Writes `bytes[from..]`, now or later, and replaces `bytes` by an empty buffer.
    ///
    /// # Errors
    /// An I/O operation failed.
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

    /// Writes `bytes[from..end]`. Replaces `bytes` by an empty buffer if that is all of it.
    ///
    /// # Errors
    /// An I/O operation failed.
    pub fn give_up_to(&mut self, bytes: &mut Vec<u8>, from: usize, end: usize) -> Result<()> {
        if end == bytes.len() { self.give(bytes, from) } else { self.write(&bytes[from..end]) }
    }

    /// Bytes to buffer before they are written.
    fn enough(&self) -> usize {
        match self.target {
            Some(Target::Temporary { .. }) => GATHERED_FOR_FILE,
            _ => GATHERED,
        }
    }

    /// Writes the queue, and `bytes` after it.
    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let len = self.queued + bytes.len();
        if len >= GATHERED_FOR_FILE / 2 && self.sent + len as u64 > self.reserved {
            self.reserve(len as u64);
        }
        let queue = std::mem::take(&mut self.queue);
        let pieces = queue.iter().map(Piece::bytes).chain([bytes]);
        let mut slices: Vec<IoSlice<'_>> = pieces.map(IoSlice::new).collect();
        let done = match &mut self.target {
            Some(Target::Writer(writer)) => slices.iter().try_for_each(|slice| writer.write_all(slice)),
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

    /// Preallocates the next `len` bytes and some after them. A failure is no error: the file system then allocates when the bytes
    /// are written, and reports what it cannot.
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
            // `finish` removes whatever part was preallocated.
            Err(_) => u64::MAX,
        };
    }

    /// Bytes written so far, buffered ones included.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes everything that is buffered.
    ///
    /// # Errors
    /// An I/O operation failed.
    pub fn flush(&mut self) -> Result<()> {
        if self.queued > 0 { self.send(&[]) } else { Ok(()) }
    }

    /// Writes everything that is buffered, if the output can be read before it is finished.
    ///
    /// # Errors
    /// An I/O operation failed.
    pub fn pass_on(&mut self) -> Result<()> {
        match self.target {
            Some(Target::Direct(_) | Target::Stdout(_)) => self.flush(),
            Some(Target::Writer(_)) => self.flush_writer(),
            Some(Target::Temporary { .. }) | None => Ok(()),
        }
    }

    /// Writes everything that is buffered, and flushes a writer of the caller.
    fn flush_writer(&mut self) -> Result<()> {
        self.flush()?;
        match &mut self.target {
            Some(Target::Writer(writer)) => writer.flush().map_err(|error| Error::io("write", &self.name, error)),
            _ => Ok(()),
        }
    }

    /// Writes what is left and renames the file to its final path. Returns its buffers.
    ///
    /// # Errors
    /// An I/O operation failed, or another file has appeared under that path.
    pub fn finish(mut self) -> Result<Finished> {
        self.flush_writer()?;
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

impl Output<'_> {
    /// Drops an output that is not needed. With `remove_older`, removes the file that it would have overwritten. Returns whether
    /// a file was removed.
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

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Output::write(self, bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Output::flush(self).map_err(io::Error::other)
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        // Remove a file that was not finished.
        if let Some(Target::Temporary { file, .. }) = self.target.take() {
            let mut list = unfinished();
            let path = file.path().to_path_buf();
            drop(file);
            list.retain(|unfinished| *unfinished != path);
        }
    }
}

/// Writes all slices, with as few system calls as possible.
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
                // Preallocated blocks are freed.
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
