//! Signals that end the process: no half-written file is left.

/// Signals are waited for as long as this lives.
#[must_use = "signals are waited for as long as it lives"]
pub struct Installed {
    #[cfg(unix)]
    handle: Option<signal_hook::iterator::Handle>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(handle) = &self.handle {
            handle.close();
        }
    }
}

/// Starts the thread that waits for signals. `interrupted` is the message after Ctrl-C.
pub fn install(interrupted: &'static str) -> Installed {
    #[cfg(not(unix))]
    {
        let _ = interrupted;
        Installed {}
    }
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        // Without the handler the process still ends; only temporary files would stay.
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
            return Installed { handle: None };
        };
        let handle = Some(signals.handle());
        let waiting = std::thread::Builder::new().name("signals".into());
        let _ = waiting.spawn(move || {
            if let Some(signal) = signals.forever().next() {
                crate::output::file::remove_unfinished();
                if signal == SIGINT {
                    use std::io::Write;
                    let _ = writeln!(std::io::stderr(), "\npresort: interrupted: {interrupted}");
                }
                // Ends the process as the signal would have.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                std::process::exit(2);
            }
        });
        Installed { handle }
    }
}

/// A flag that Ctrl-C and SIGTERM set. The second one ends the process at once.
#[cfg(feature = "send")]
pub fn flag() -> std::sync::Arc<std::sync::atomic::AtomicBool> {
    let flag = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Without the handlers the process still ends, and the journal says where to go on.
            let _ = signal_hook::flag::register_conditional_default(signal, std::sync::Arc::clone(&flag));
            let _ = signal_hook::flag::register(signal, std::sync::Arc::clone(&flag));
        }
    }
    flag
}

/// Makes a write beyond the file size limit (`ulimit -f`) fail with an error. By default the signal ends the process, and leaves a
/// half-written file.
pub fn take_file_too_large_as_error() {
    #[cfg(unix)]
    // With any handler, the write fails with EFBIG. If this fails, only the message is lost.
    let _ = signal_hook::flag::register(libc::SIGXFSZ, std::sync::Arc::default());
}
