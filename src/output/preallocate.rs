//! Preallocation: the file system allocates large extents before the bytes are written.

use std::fs::File;
use std::io;

/// True where preallocation makes writing cheaper. Measured on ext4 only. Elsewhere it may have a cost: btrfs does not compress
/// preallocated extents, and a network file system needs a round trip.
pub(super) fn has_cheap_reservation(file: &File) -> bool {
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

/// Preallocates a range of a file, without a change of its length.
pub(super) fn reserve(file: &File, from: u64, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, from, len)?);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, from, len);
        Err(io::ErrorKind::Unsupported.into())
    }
}
