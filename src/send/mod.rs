//! To the service, and back with an answer for every contact: the bodies that `clean --split` wrote are sent to an account, at the
//! service's pace, and what became of each is written down.
//!
//! What decides is separate from what does: [`journal`] is the state of a delivery as a pure function of what was written down, and
//! the sender speaks to the service, the clock and the journal through traits. So tests can crash it at any point.

pub mod activity;
pub mod address;
pub mod bodies;
pub mod error;
pub mod http;
pub mod journal;
pub mod secret;
pub mod state_dir;

pub use address::BaseUrl;
pub use error::{Error, Result};
pub use secret::Secret;
