//! A window of a file, mapped.
//!
//! When a file is cut off while it is mapped, touching what is gone raises SIGBUS, which would end the process with nothing
//! said. A handler puts a page of zeros there instead and marks the window as truncated; whoever worked on it looks at the mark
//! before anything of it is used.

use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};

/// Windows that can be watched at once; far more than a run has.
const WATCHED: usize = 1024;

/// Where a window is, for the handler, which can only look at memory that never moves.
///
/// The handler may look while another thread changes the place of a window that has nothing to do with the fault. A start and an
/// end that do not belong together would have it replace memory that is not a window's, so a version goes with them: it is odd
/// while they change, and different afterwards.
struct Watch {
    version: AtomicUsize,
    /// 0: the place is free. [`usize::MAX`]: it is taken, and says nothing yet.
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

    /// Takes the place, if it is free.
    fn claim(&self) -> bool {
        self.start.compare_exchange(0, usize::MAX, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Says where the window is. Only for who has the place.
    fn publish(&self, start: usize, end: usize) {
        self.truncated.store(false, Ordering::Relaxed);
        self.change(|| {
            self.end.store(end, Ordering::Relaxed);
            self.start.store(start, Ordering::Relaxed);
        });
    }

    /// Gives the place back.
    fn release(&self) {
        self.change(|| self.end.store(0, Ordering::Relaxed));
        // Another may have it from here on.
        self.start.store(0, Ordering::Release);
    }

    fn change(&self, change: impl FnOnce()) {
        self.version.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::Release);
        change();
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Start and end of the window, which belong together. None: there is none, or it changes just now, which no window does
    /// that somebody is reading.
    fn range(&self) -> Option<(usize, usize)> {
        let version = self.version.load(Ordering::Acquire);
        let (start, end) = (self.start.load(Ordering::Relaxed), self.end.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let is_one = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        (is_one && start != 0 && start < end).then_some((start, end))
    }
}

static WATCHES: [Watch; WATCHED] = [const { Watch::free() }; WATCHED];

/// What handled SIGBUS before, to which everything that is not ours is left.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

/// A stretch of a file in memory.
///
/// Its bytes are those of the file at the moment they are read: another process that writes to the file changes them under the
/// reader, which no lock prevents. So a window stays within this module, whose users keep to two conditions: what was checked
/// of its bytes is not taken to hold for them afterwards unless they were copied first, and what was read is thrown away when
/// the window [is truncated](Window::is_truncated).
#[derive(Debug)]
pub(super) struct Window {
    map: Mmap,
    watch: usize,
}

impl Window {
    /// Maps `len` bytes of `file` from `offset` on, and asks for them to be read at once. See [`Window`] for what its users must
    /// keep to.
    ///
    /// # Errors
    /// The system will not map it.
    pub(super) fn map(file: &File, offset: u64, len: usize) -> io::Result<Window> {
        install();
        // SAFETY: the map is read only and private to this process. Another process may change the file under it: what is
        // read then is other bytes, and every use of them takes any bytes (text is checked in a copy). Pages that vanish are
        // what the handler is for.
        let map = unsafe { MmapOptions::new().offset(offset).len(len).populate().map(file)? };
        let start = map.as_ptr() as usize;
        let Some(at) = WATCHES.iter().position(Watch::claim) else {
            return Err(io::Error::other("too many windows are mapped at once"));
        };
        WATCHES[at].publish(start, start + len);
        Ok(Window { map, watch: at })
    }

    /// True when some of it is gone: the file was cut off, and zeros were read.
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
        // Nobody reads the window any more; the map itself goes after this.
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

/// Runs in a signal handler: atomics, `mmap` and `sigaction` are all it may use, and all it does.
extern "C" fn on_sigbus(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid siginfo_t to a handler that was set with SA_SIGINFO.
    let address = unsafe { (*info).si_addr() } as usize;
    for watch in &WATCHES {
        let Some((start, end)) = watch.range() else { continue };
        if address < start || address >= end {
            continue;
        }
        watch.truncated.store(true, Ordering::Release);
        // Zeros from the page that is gone to the end of the window, all of which is gone with it.
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
    // Not ours: what was there before handles it when the instruction is tried again.
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

    /// However the places change, the start that is seen is the one of the end that is seen.
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
                        // Places come again with another length, as addresses do.
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
    fn a_place_says_nothing_until_it_is_known() {
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
