//! Files under temporary names, beside their final path.
//!
//! A process that is killed leaves them behind. Each is locked for as long as its process lives, so the next run of the same output
//! knows which of them no process holds any more, and removes those.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const SUFFIX: &str = ".tmp";
/// Characters that make a name unique.
const UNIQUE: usize = 6;
/// Bytes of a file's name up to which it is part of the temporary name: most systems allow 255 in all.
const NAME_MAX: usize = 180;

/// How temporary names for a file of this name begin.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".presort-");
    if name.len() <= NAME_MAX {
        prefix.push(name);
    } else {
        prefix.push(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(name.as_encoded_bytes())));
    }
    prefix.push("-");
    prefix
}

/// Creates a file beside `place`, readable and writable by its owner alone, and locks it.
///
/// # Errors
/// It cannot be created.
pub(super) fn create(place: &Path) -> io::Result<NamedTempFile> {
    let prefix = prefix(place.file_name().unwrap_or_default());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(UNIQUE);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o600));
    }
    loop {
        let file = builder.tempfile_in(parent(place))?;
        // Where the file system has no locks, nothing is removed either.
        let _ = file.as_file().lock();
        // Another run may have removed it between its creation and the lock.
        if file.path().exists() {
            return Ok(file);
        }
    }
}

/// The directory that `place` is in.
pub(super) fn parent(place: &Path) -> &Path {
    place.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes temporary files for `place` that no process holds. Errors are ignored.
pub(super) fn remove_left_behind(place: &Path) {
    let prefix = prefix(place.file_name().unwrap_or_default());
    remove_in(parent(place), |name| {
        let unique = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        unique.is_some_and(|rest| rest.len() == UNIQUE + SUFFIX.len() && rest.ends_with(SUFFIX.as_bytes()))
    });
}

/// Removes temporary files in `dir` that are for a file whose name begins with `start`, and that no process holds.
pub(crate) fn remove_all_left_behind(dir: &Path, start: &str) {
    let prefix = format!(".presort-{start}");
    remove_in(dir, |name| {
        let name = name.as_encoded_bytes();
        name.starts_with(prefix.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
    });
}

fn remove_in(dir: &Path, is_ours: impl Fn(&OsStr) -> bool) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.filter_map(Result::ok).filter(|entry| is_ours(&entry.file_name())) {
        remove_unless_held(entry.path());
    }
}

fn remove_unless_held(path: PathBuf) {
    // A link or a device of such a name is not ours.
    if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
        return;
    }
    let Ok(file) = File::options().write(true).open(&path) else { return };
    if file.try_lock().is_ok() {
        let _ = fs::remove_file(&path);
    }
}

/// Sets the final permissions of a file that is about to be renamed: those of the file that it replaces, or those of a new file.
#[cfg(unix)]
pub(super) fn set_mode(file: &File, place: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match fs::metadata(place) {
        Ok(meta) => meta.permissions().mode() & 0o777,
        Err(_) => 0o666 & !umask(),
    };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn set_mode(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// The permissions that new files do not get. The only way to read the mask is to set another one, so this is done once.
#[cfg(unix)]
fn umask() -> u32 {
    static UMASK: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *UMASK.get_or_init(|| {
        use rustix::fs::Mode;
        // A file that another thread creates meanwhile gets fewer permissions, not more.
        let mask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
        rustix::process::umask(mask);
        mask.as_raw_mode()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_holds_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("out.json");
        let held = create(&place).unwrap();
        let left =
            [".presort-out.json-abcdef.tmp", ".presort-payload-00001.json-abcdef.tmp", ".presort-out-abcdef.tmp"];
        for name in left {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let exists = |i: usize| dir.path().join(left[i]).exists();
        remove_left_behind(&place);
        assert_eq!([exists(0), exists(1), exists(2)], [false, true, true]);
        remove_all_left_behind(dir.path(), "payload-");
        assert_eq!([exists(1), exists(2)], [false, true]);
        assert!(held.path().exists());
        let path = held.into_temp_path();
        drop(path);
    }

    #[test]
    fn long_names_have_short_temporary_ones() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("x".repeat(250));
        let file = create(&place).unwrap();
        let path = file.path().to_path_buf();
        // As a killed process leaves it.
        let (file, temporary) = file.keep().unwrap();
        assert_eq!(temporary, path);
        drop(file);
        remove_left_behind(&place);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn modes_are_kept_or_follow_the_umask() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let plain = dir.path().join("plain");
        fs::write(&plain, "").unwrap();
        let place = dir.path().join("out");
        let file = create(&place).unwrap();
        assert_eq!(mode(file.path()), 0o600);
        set_mode(file.as_file(), &place).unwrap();
        assert_eq!(mode(file.path()), mode(&plain));
        fs::write(&place, "").unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o640)).unwrap();
        set_mode(file.as_file(), &place).unwrap();
        assert_eq!(mode(file.path()), 0o640);
    }
}
