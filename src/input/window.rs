//! A window of a file, mapped.
//!
//! When a file is cut off while it is mapped, touching what is gone raises SIGBUS, which would end the process with nothing
//! said. A handler puts a page of zeros there instead and marks the window as torn; whoever worked on it looks at the mark
//! before anything of it is used.

use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// Windows that can be watched at once; far more than a run has.
const WATCHED: usize = 1024;

/// Where a window is, for the handler, which can only look at memory that never moves.
struct Watch {
    start: AtomicUsize,
    end: AtomicUsize,
    torn: AtomicBool,
}

static WATCHES: [Watch; WATCHED] =
    [const { Watch { start: AtomicUsize::new(0), end: AtomicUsize::new(0), torn: AtomicBool::new(false) } }; WATCHED];

/// What handled SIGBUS before, to which everything that is not ours is left.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

/// A stretch of a file in memory.
#[derive(Debug)]
pub struct Window {
    map: Mmap,
    watch: usize,
}

impl Window {
    /// Maps `len` bytes of `file` from `offset` on, and asks for them to be read at once.
    ///
    /// # Errors
    /// The system will not map it.
    pub fn map(file: &File, offset: u64, len: usize) -> io::Result<Window> {
        install();
        // SAFETY: the map is read only and private to this process. Another process may change the file under it: what is
        // read then is other bytes, and every use of them takes any bytes (text is checked in a copy). Pages that vanish are
        // what the handler is for.
        let map = unsafe { MmapOptions::new().offset(offset).len(len).populate().map(file)? };
        let start = map.as_ptr() as usize;
        let free = WATCHES
            .iter()
            .position(|watch| watch.start.compare_exchange(0, usize::MAX, Ordering::AcqRel, Ordering::Relaxed).is_ok());
        let Some(at) = free else { return Err(io::Error::other("too many windows are mapped at once")) };
        WATCHES[at].torn.store(false, Ordering::Relaxed);
        WATCHES[at].end.store(start + len, Ordering::Relaxed);
        WATCHES[at].start.store(start, Ordering::Release);
        Ok(Window { map, watch: at })
    }

    /// True when some of it is gone: the file was cut off, and zeros were read.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        WATCHES[self.watch].torn.load(Ordering::Acquire)
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
        WATCHES[self.watch].start.store(0, Ordering::Release);
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
        let start = watch.start.load(Ordering::Acquire);
        let end = watch.end.load(Ordering::Relaxed);
        if start == 0 || start == usize::MAX || address < start || address >= end {
            continue;
        }
        watch.torn.store(true, Ordering::Release);
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
