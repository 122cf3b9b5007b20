//! The user's state directory.

use super::{Error, Result};
use etcetera::BaseStrategy as _;
use std::path::PathBuf;

/// Where tokens are kept: `presort` in `$XDG_STATE_HOME`, or in `~/.local/state`.
///
/// # Errors
/// The user has no home directory.
pub fn state_dir() -> Result<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy()
        .map_err(|error| Error::could(format!("there is no place to keep tokens in: {error}; set XDG_STATE_HOME")))?;
    // macOS has no directory for state.
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("presort"))
}
