//! Files that appear whole or not at all: written beside their place, renamed when done.
//!
//! Nothing is synced to the disk: like `cp`, a run leaves that to the system, and the receipt's SHA-256 tells whether what is
//! there is what was written.

use crate::error::{Error, Kind, Result};
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// Standard output, a device, a named pipe.
    Direct(File),
}

/// A file that is being written.
pub struct Output {
    name: String,
    target: Option<Target>,
    /// Small writes are gathered here.
    gathered: Vec<u8>,
    written: u64,
}

/// Bytes that are gathered before they are written.
const GATHERED: usize = 256 << 10;
/// Bytes that are worth a call by themselves: gathering them would only copy them once more.
const LARGE: usize = 32 << 10;

impl Output {
    /// Opens a file for writing; `-` is standard output. What is there already is an error, unless `force`; devices and
    /// pipes are written to as they are.
    ///
    /// # Errors
    /// It is there, or cannot be written.
    pub fn create(path: &Path, force: bool) -> Result<Output> {
        match path.to_str() {
            Some("-" | "/dev/stdout" | "/dev/fd/1") => return Output::stdout(),
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
        let dir = place.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !dir.is_dir() {
            let error = io::Error::new(io::ErrorKind::NotFound, format!("there is no directory {}", dir.display()));
            return Err(fail(error));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".presort-").suffix(".tmp");
        #[cfg(unix)]
        {
            // As any new file; the process's umask takes its part.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = {
            // Under the lock, so that a signal finds the file in the list.
            let mut list = unfinished();
            let file = builder.tempfile_in(dir).map_err(fail)?;
            list.push(file.path().to_path_buf());
            file
        };
        Ok(Output::new(name, Target::Temporary { file, place, force }))
    }

    fn stdout() -> Result<Output> {
        let name = "standard output".to_owned();
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            let fd = io::stdout().as_fd().try_clone_to_owned().map_err(|error| Error::io("write", &name, error))?;
            Ok(Output::new(name, Target::Direct(File::from(fd))))
        }
        #[cfg(not(unix))]
        {
            use std::os::windows::io::AsHandle;
            let handle =
                io::stdout().as_handle().try_clone_to_owned().map_err(|error| Error::io("write", &name, error))?;
            Ok(Output::new(name, Target::Direct(File::from(handle))))
        }
    }

    fn new(name: String, target: Target) -> Output {
        if let Target::Direct(file) = &target {
            crate::input::widen_pipe(file);
        }
        Output { name, target: Some(target), gathered: Vec::new(), written: 0 }
    }

    fn file(&mut self) -> io::Result<&File> {
        match &self.target {
            Some(Target::Temporary { file, .. }) => Ok(file.as_file()),
            Some(Target::Direct(file)) => Ok(file),
            None => Err(io::Error::other("it is finished")),
        }
    }

    /// Writes `bytes`; large ones go straight to the system.
    ///
    /// # Errors
    /// The system would not.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        if bytes.len() < LARGE && self.gathered.len() + bytes.len() <= GATHERED {
            self.gathered.extend_from_slice(bytes);
            return Ok(());
        }
        let gathered = std::mem::take(&mut self.gathered);
        let done = self.file().and_then(|file| write_both(file, &gathered, bytes));
        self.gathered = gathered;
        self.gathered.clear();
        done.map_err(|error| Error::io("write", &self.name, error))
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
        let gathered = std::mem::take(&mut self.gathered);
        self.file()
            .and_then(|mut file| file.write_all(&gathered))
            .map_err(|error| Error::io("write", &self.name, error))
    }

    /// Writes what is left and puts the file in its place.
    ///
    /// # Errors
    /// The system would not, or another file came to be there.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        if let Some(Target::Temporary { file, place, force }) = self.target.take() {
            let mut list = unfinished();
            let path = file.path().to_path_buf();
            let done = if force { file.persist(&place) } else { file.persist_noclobber(&place) };
            list.retain(|unfinished| *unfinished != path);
            done.map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => Kind::Exists { file: self.name.clone() }.into(),
                _ => Error::io("rename", &self.name, error.error),
            })?;
        }
        Ok(())
    }
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

/// Writes two slices with as few calls as the system allows.
fn write_both(mut file: &File, mut first: &[u8], mut second: &[u8]) -> io::Result<()> {
    while !first.is_empty() {
        let n = match file.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let of_first = n.min(first.len());
        first = &first[of_first..];
        second = &second[n - of_first..];
    }
    file.write_all(second)
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
