//! Where cleaned contacts go.

use crate::clean::batch::Batch;
use crate::clean::cleaner::{Accepted, Separator};
use crate::model::error::Result;
use crate::output::body::{Body, Directory, Hashed, Unhashed};
use crate::output::file::Output;
use crate::output::origins;
use crate::source::Watch;

/// Where cleaned contacts go.
pub enum ContactOutput<'o> {
    /// One body; contacts that do not fit are dropped.
    Request(Box<Body<'o>>),
    /// As many bodies as necessary.
    Split(Box<Directory>),
    /// One contact a line.
    Stream(Output<'o>),
    /// Nowhere.
    Check,
    /// Nowhere, although the run should make bodies: their lists are not known. The directory is the one of the bodies.
    NoBody(Option<Box<Directory>>),
}

impl ContactOutput<'_> {
    /// The bytes between contacts.
    #[must_use]
    pub fn separator(&self) -> Separator {
        match self {
            ContactOutput::Request(_) | ContactOutput::Split(_) => Separator::Comma,
            ContactOutput::Stream(_) | ContactOutput::Check | ContactOutput::NoBody(_) => Separator::Newline,
        }
    }

    /// Takes consecutive contacts of `out`, from `start` on, and returns how many fit. When that takes the last of `out`, another
    /// buffer replaces it. No body is finished once `watch` has seen a change.
    pub(super) fn take(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        accepted: &[Accepted],
        batch: &Batch<'_>,
        watch: Option<&Watch>,
    ) -> Result<usize> {
        let place = origins::Place { input: batch.input, first: batch.first, spans: batch.spans };
        match self {
            ContactOutput::Request(body) => return body.take(out, start, accepted, &place),
            ContactOutput::Split(directory) => directory.take(out, start, accepted, &place, watch)?,
            ContactOutput::Stream(output) => {
                if let Some(last) = accepted.last() {
                    output.give_up_to(out, start, last.end as usize)?;
                }
            }
            ContactOutput::Check | ContactOutput::NoBody(_) => {}
        }
        Ok(accepted.len())
    }

    /// Bodies to hash, on any thread.
    pub fn unhashed(&mut self) -> Option<Unhashed> {
        match self {
            ContactOutput::Split(directory) => directory.unhashed(),
            _ => None,
        }
    }

    /// Takes the hashes of bodies.
    pub fn hashed(&mut self, hashed: Hashed) {
        if let ContactOutput::Split(directory) = self {
            directory.hashed(hashed);
        }
    }
}
