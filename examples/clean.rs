//! Cleans the contacts on standard input to one request body on standard output, and writes the findings to standard error.
//!
//! ```sh
//! cargo run --example clean < testdata/sample.json > body.json
//! ```

use presort::{Cleaner, Result, Sink, Summary};
use std::io::{self, Read, Write};

fn main() -> Result<()> {
    let summary = clean(io::stdin(), &mut io::stdout(), &mut io::stderr())?;
    eprintln!("{} contacts accepted", summary.receipt.contacts.accepted);
    Ok(())
}

/// Any reader and any writer will do: files, sockets, decoders, memory.
pub fn clean(
    input: impl Read + Send,
    body: &mut (impl Write + Send),
    findings: &mut (impl Write + Send),
) -> Result<Summary> {
    let cleaner = Cleaner::builder().list_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a").threads(2).build()?;
    // Broken JSON in the middle ends the run: here that is an error like any other.
    cleaner.clean(input, Sink::body(body).findings(findings))?.into_result()
}
