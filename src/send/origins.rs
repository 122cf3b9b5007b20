//! From a contact of a body to its line in the export, for many contacts in one pass.

use crate::output::body::RECEIPT;
use crate::output::origins::Origin;
use crate::run::origin::{Cursor, OriginReceipt};
use serde::Serialize;
use std::path::Path;

/// Where a contact came from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct From {
    /// The input, by its name in the receipt.
    pub input: String,
    /// Its index there, from 0.
    pub contact: u64,
    /// The line that it begins on, from 1; `None` if the input cannot be read as it was.
    pub line: Option<u64>,
    /// Where it was when an earlier run rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_before: Option<serde_json::Value>,
    /// Why its line is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_looked_up: Option<String>,
}

/// The inputs of a directory of bodies. One of them is open at a time.
pub struct Origins {
    receipt: Option<OriginReceipt>,
    /// The address of an input in the receipt, and the input.
    open: Option<(usize, Result<Cursor, String>)>,
}

impl Origins {
    /// Those of the receipt in a directory. Without one, nothing is found.
    #[must_use]
    pub fn of(dir: &Path) -> Origins {
        Origins { receipt: OriginReceipt::read(&dir.join(RECEIPT)).ok(), open: None }
    }

    /// Where these contacts of a body came from. They ascend, as do the bodies of one call after the other, or an input is read again
    /// from its beginning.
    pub fn find(&mut self, file: &str, indices: &[usize]) -> Vec<Option<From>> {
        let mut all = vec![None; indices.len()];
        let Origins { receipt, open } = self;
        let Some((run, body)) = receipt.as_ref().and_then(|receipt| receipt.body(file)) else { return all };
        let mut places = body.places().enumerate();
        for (found, index) in all.iter_mut().zip(indices) {
            let Some((_, (origin, contact))) = places.find(|(place, _)| place == index) else { return all };
            let Some(input) = run.input.get(origin.input) else { continue };
            let identity = std::ptr::from_ref(input).addr();
            if open.as_ref().is_none_or(|(open, _)| *open != identity) {
                *open = Some((identity, input.cursor()));
            }
            let Some((_, cursor)) = open else { continue };
            *found = Some(look_up(&input.name, origin, contact, cursor));
        }
        all
    }
}

fn look_up(input: &str, origin: &Origin, contact: u64, cursor: &mut Result<Cursor, String>) -> From {
    let mut from = From { input: input.to_owned(), contact, line: None, rejected_before: None, not_looked_up: None };
    // The receipt itself has some lines.
    let missing = |from: &mut From, why: &str| {
        from.line = origin.line(contact);
        from.not_looked_up = from.line.is_none().then(|| why.to_owned());
    };
    let found = match cursor {
        Ok(cursor) => cursor.find(contact),
        Err(why) => Err(why.clone()),
    };
    match found {
        Ok(Some(found)) => (from.line, from.rejected_before) = (Some(found.line), found.note),
        Ok(None) => missing(&mut from, "the input has no such contact when it is read without the options of that run"),
        Err(why) => missing(&mut from, &why),
    }
    from
}
