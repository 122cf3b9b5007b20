//! Splits an export into as many request bodies as it needs, in a directory of their own, with a receipt beside them.
//!
//! ```sh
//! cargo run --example split -- testdata/sample.json bodies
//! ```

use presort::{Cleaner, Duplicates, Receipt, Result, Sink};
use std::env;
use std::path::Path;
use std::thread;

fn main() -> Result<()> {
    let paths: Vec<String> = env::args().skip(1).collect();
    let [export, dir] = &paths[..] else { panic!("name an export and a directory") };
    for body in split(export.as_ref(), dir.as_ref())?.payloads {
        println!("{}: {} contacts, {} bytes, SHA-256 {}", body.file, body.contacts, body.bytes, body.sha256);
    }
    Ok(())
}

/// Bodies that the directory holds already are an error.
pub fn split(export: &Path, dir: &Path) -> Result<Receipt> {
    let cleaner = Cleaner::builder()
        .list_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a")
        .duplicates(Duplicates::First)
        .threads(thread::available_parallelism().map_or(1, usize::from))
        .build()?;
    let rejects = dir.with_extension("rejects.ndjson");
    let summary = cleaner.clean_files(&[export], Sink::bodies(dir).rejects(rejects))?;
    Ok(summary.into_result()?.receipt)
}
