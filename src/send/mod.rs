//! To the service, and back with an answer for every contact: the bodies that `clean --split` wrote are sent to an account, at the
//! service's pace, and what became of each is written down.
//!
//! What decides is separate from what does: [`journal`] is the state of a delivery as a pure function of what was written down, and
//! the sender speaks to the service, the clock and the journal through traits. So tests can crash it at any point.

pub mod activity;
pub mod address;
pub mod bodies;
pub mod claims;
pub mod error;
pub mod http;
pub mod inquiry;
pub mod journal;
pub mod journal_file;
pub mod oauth;
pub mod origins;
pub mod outcome;
pub mod plan;
pub mod refused;
pub mod remote;
pub mod run;
pub mod secret;
pub mod sender;
pub mod state_dir;
pub mod store;

pub use address::BaseUrl;
pub use error::{Error, Result};
pub use secret::Secret;
