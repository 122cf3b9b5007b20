//! Progress on standard error, on a terminal.

use crate::model::printable::printable;
use crate::run::job::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes, rate, and time left when the size is known.
pub struct Bar {
    bar: ProgressBar,
    /// Bytes of the current input at the last update of the bar.
    shown: AtomicU64,
    /// The number of inputs, and of those that have begun.
    inputs: AtomicU64,
    begun: AtomicU64,
}

/// Bytes between two updates: drawing more often costs time.
const STEP: u64 = 8 << 20;

impl Bar {
    /// A bar, or `None` without progress.
    #[must_use]
    pub fn new(is_shown: bool) -> Option<Bar> {
        is_shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            Bar { bar, shown: AtomicU64::new(0), inputs: AtomicU64::new(1), begun: AtomicU64::new(0) }
        })
    }
}

impl Progress for Bar {
    fn inputs(&self, count: usize) {
        self.inputs.store(count as u64, Ordering::Relaxed);
    }

    fn input(&self, name: &str, bytes: Option<u64>) {
        let template = match bytes {
            Some(_) => "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            None => "{msg} {spinner} {bytes}, {bytes_per_sec}",
        };
        self.bar.reset();
        match bytes {
            Some(bytes) => self.bar.set_length(bytes),
            None => self.bar.unset_length(),
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        let (begun, inputs) = (self.begun.fetch_add(1, Ordering::Relaxed) + 1, self.inputs.load(Ordering::Relaxed));
        let name = printable(name);
        self.bar.set_message(match inputs {
            0 | 1 => name.into_owned(),
            inputs => format!("input {begun} of {inputs}, {name}"),
        });
        self.shown.store(0, Ordering::Relaxed);
    }

    fn bytes(&self, bytes: u64) {
        if bytes >= self.shown.load(Ordering::Relaxed) + STEP {
            self.shown.store(bytes, Ordering::Relaxed);
            self.bar.set_position(bytes);
        }
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// A bar of named steps.
#[cfg(feature = "account")]
pub struct Steps(ProgressBar);

#[cfg(feature = "account")]
impl Steps {
    /// A bar of this many steps, or `None` without progress.
    #[must_use]
    pub fn new(is_shown: bool, steps: u64) -> Option<Steps> {
        is_shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} bodies, {eta} left") {
                bar.set_style(style);
            }
            Steps(bar)
        })
    }

    /// Begins the next step.
    pub fn begin(&self, name: &str) {
        if !self.0.message().is_empty() {
            self.0.inc(1);
        }
        self.0.set_message(printable(name).into_owned());
    }

    /// Hides the bar while `work` writes to the terminal.
    pub fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.suspend(work)
    }
}

#[cfg(feature = "account")]
impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
