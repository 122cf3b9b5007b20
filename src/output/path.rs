//! What a path names: standard output, or which file, however it is spelled.

use crate::model::error::{Error, Result};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// True for the paths that name standard output.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    matches!(path.to_str(), Some("-" | "/dev/stdout" | "/dev/fd/1"))
}

/// Checks that standard output was open when the process started.
///
/// # Errors
/// It was closed, so anything written to it would be lost.
pub fn check_stdout() -> Result<()> {
    if stdout::was_closed() {
        return Err(Error::io("write", "standard output", io::Error::new(io::ErrorKind::NotConnected, "it is closed")));
    }
    Ok(())
}

/// The runtime replaces a closed standard output by the null device before `main`, so the check runs earlier.
mod stdout {
    use std::sync::atomic::{AtomicBool, Ordering};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    pub(super) fn was_closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }

    #[cfg(unix)]
    // SAFETY: the section holds pointers to functions that the loader calls once, before `main`, while there is one thread. The
    // function needs nothing that is set up later: it makes one system call and stores to an atomic.
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

/// A spelling of `path` that is the same for every path to the same file: its directory with links resolved, and its name
/// there. `None` for standard output and devices, which several outputs may share.
#[must_use]
pub fn identity(path: &Path) -> Option<PathBuf> {
    if path.as_os_str() == "-" || path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        return None;
    }
    // A path that does not exist yet is resolved from its nearest existing ancestor.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for there in path.ancestors() {
        if let Ok(real) = fs::canonicalize(there) {
            let mut identity = real;
            for part in path.strip_prefix(there).into_iter().flat_map(Path::components) {
                match part {
                    // Nothing below a missing directory is a link.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_however_it_is_spelled() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name: &str| identity(&dir.path().join(name)).unwrap();
        // None of these exist yet.
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
}
