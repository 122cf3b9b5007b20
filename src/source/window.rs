//! A window of a file, mapped.
//!
//! When a mapped file is truncated, an access to the missing pages raises SIGBUS, which would end the process without a message. A
//! handler replaces the missing pages by zeros and marks the window as truncated. Users of the window check the mark before they use
//! what they read.

use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};

/// Windows that can be watched at the same time, far more than a run has.
const WATCHED: usize = 1024;

/// The address range of a window, for the handler. It is static, because a signal handler can only read memory that never moves.
///
/// The handler may read a range while another thread changes it. With a start and an end of two different windows, the handler would
/// replace memory of somebody else. A version number prevents that: it is odd during a change, and has another value afterwards.
struct Watch {
    version: AtomicUsize,
    /// 0: the slot is free. [`usize::MAX`]: it is taken, and has no range yet.
    start: AtomicUsize,
    end: AtomicUsize,
    truncated: AtomicBool,
}

impl Watch {
    const fn free() -> Watch {
        Watch {
            version: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            truncated: AtomicBool::new(false),
        }
    }

    /// Takes the slot, if it is free.
    fn claim(&self) -> bool {
        self.start.compare_exchange(0, usize::MAX, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Sets the range of the window. Only the owner of the slot may call this.
    fn publish(&self, start: usize, end: usize) {
        self.truncated.store(false, Ordering::Relaxed);
        self.change(|| {
            self.end.store(end, Ordering::Relaxed);
            self.start.store(start, Ordering::Relaxed);
        });
    }

    /// Frees the slot.
    fn release(&self) {
        self.change(|| self.end.store(0, Ordering::Relaxed));
        // From here on, another thread may take the slot.
        self.start.store(0, Ordering::Release);
    }

    fn change(&self, change: impl FnOnce()) {
        self.version.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::Release);
        change();
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The range, with a start and an end that belong together. None if there is no range, or if it is being changed; the range of a
    /// window that is in use does not change.
    fn range(&self) -> Option<(usize, usize)> {
        let version = self.version.load(Ordering::Acquire);
        let (start, end) = (self.start.load(Ordering::Relaxed), self.end.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let is_one = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        (is_one && start != 0 && start < end).then_some((start, end))
    }
}

static WATCHES: [Watch; WATCHED] = [const { Watch::free() }; WATCHED];

/// The previous handler of SIGBUS. Faults outside of our windows are passed to it.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

/// A range of a file in memory.
///
/// Another process that writes to the file changes the bytes of the window at any time, and no lock prevents that. Users of a window
/// therefore follow two rules. A check of the bytes holds only for a copy that was made before the check. And if the window
/// [is truncated](Window::is_truncated), everything that was read from it is discarded.
#[derive(Debug)]
pub(super) struct Window {
    map: Mmap,
    watch: usize,
}

impl Window {
    /// Maps `len` bytes of `file` from `offset` on, and asks the system to read them at once. See [`Window`] for the rules that users
    /// must follow.
    ///
    /// # Errors
    /// The system cannot map it.
    pub(super) fn map(file: &File, offset: u64, len: usize) -> io::Result<Window> {
        install();
        // SAFETY: the map is read-only and private to this process. If another process changes the file, other bytes are read, and all
        // code that uses them accepts any bytes (text is checked in a copy). The handler takes care of pages that are missing.
        let map = unsafe { MmapOptions::new().offset(offset).len(len).populate().map(file)? };
        let start = map.as_ptr() as usize;
        let Some(at) = WATCHES.iter().position(Watch::claim) else {
            return Err(io::Error::other("too many windows are mapped at once"));
        };
        WATCHES[at].publish(start, start + len);
        Ok(Window { map, watch: at })
    }

    /// True if part of it is missing: the file was truncated, and zeros were read.
    #[must_use]
    pub(super) fn is_truncated(&self) -> bool {
        WATCHES[self.watch].truncated.load(Ordering::Acquire)
    }
}

impl Deref for Window {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // Nobody reads the window any more. The map is dropped after this.
        WATCHES[self.watch].release();
    }
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_sigbus;
        // SAFETY: both structures are plain data for which all zeros is a value; the handler has the signature that
        // SA_SIGINFO asks for; the old action is leaked, so that the handler can read it at any time.
        unsafe {
            let before = Box::leak(Box::new(std::mem::zeroed::<libc::sigaction>()));
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut action.sa_mask);
            if libc::sigaction(libc::SIGBUS, std::ptr::null(), before) == 0 {
                BEFORE.store(before, Ordering::Release);
                libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut());
            }
        }
    });
}

/// Runs in a signal handler, where only atomics, `mmap` and `sigaction` are allowed.
extern "C" fn on_sigbus(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid siginfo_t to a handler that was set with SA_SIGINFO.
    let address = unsafe { (*info).si_addr() } as usize;
    for watch in &WATCHES {
        let Some((start, end)) = watch.range() else { continue };
        if address < start || address >= end {
            continue;
        }
        watch.truncated.store(true, Ordering::Release);
        // Zeros from the missing page to the end of the window: if one page is missing, all pages after it are.
        // SAFETY: sysconf is a plain query. The range lies in a map of ours, which is page-aligned at its end or reaches
        // into its last page; MAP_FIXED replaces pages of that map only, and unmapping the window later covers them.
        let done = unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
            let from = address / page * page;
            libc::mmap(
                from as *mut libc::c_void,
                end - from,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if done != libc::MAP_FAILED {
            return;
        }
    }
    // Not one of our windows: the previous handler gets the fault when the instruction is repeated.
    let before = BEFORE.load(Ordering::Acquire);
    // SAFETY: BEFORE is null or points to a leaked sigaction; restoring it is async-signal-safe.
    unsafe {
        if before.is_null() {
            libc::signal(libc::SIGBUS, libc::SIG_DFL);
        } else {
            libc::sigaction(libc::SIGBUS, before, std::ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However often the ranges change, a start and an end that are read together belong together.
    #[test]
    fn start_and_end_belong_together() {
        let watches = [Watch::free(), Watch::free()];
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for seed in [3, 5] {
                let (watches, over) = (&watches, &over);
                scope.spawn(move || {
                    for i in 1..200_000 {
                        let Some(watch) = watches.iter().find(|watch| watch.claim()) else { continue };
                        // The same start is used again with another length, as addresses are.
                        let start = i % 7 + 1;
                        watch.publish(start, start + 1_000 * start + (i * seed) % 3 * 100_000);
                        watch.release();
                    }
                    over.store(true, Ordering::Relaxed);
                });
            }
            let mut seen = 0;
            while !over.load(Ordering::Relaxed) || seen == 0 {
                for (start, end) in watches.iter().filter_map(Watch::range) {
                    assert_eq!((end - start) % 100_000, 1_000 * start, "{start} {end}");
                    seen += 1;
                }
                if seen == 0 && over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        assert!(watches.iter().all(|watch| watch.range().is_none() && watch.claim()));
    }

    #[test]
    fn a_slot_has_no_range_before_it_is_published() {
        let watch = Watch::free();
        assert!(watch.range().is_none());
        assert!(watch.claim() && !watch.claim());
        assert!(watch.range().is_none());
        watch.publish(4096, 8192);
        assert_eq!(watch.range(), Some((4096, 8192)));
        watch.release();
        assert!(watch.range().is_none());
    }
}
