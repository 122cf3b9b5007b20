//! Checks files and prints how often each rule is broken, with its explanation and its first finding.
//!
//! ```sh
//! cargo run --example check -- testdata/sample.json
//! ```

use presort::{Cleaner, Result, Sink, rules};
use std::env;
use std::fmt::Write;

fn main() -> Result<()> {
    let paths: Vec<String> = env::args().skip(1).collect();
    print!("{}", check(&paths)?);
    Ok(())
}

/// Files are mapped into memory. Nothing is written.
pub fn check(paths: &[String]) -> Result<String> {
    let summary = Cleaner::builder().build()?.clean_files(paths, Sink::nothing())?;
    let mut text = String::new();
    for example in &summary.examples {
        let count = summary.receipt.findings[example.code.as_str()];
        let rule = rules::rule(example.code);
        let _ = writeln!(text, "{count} x {}: {} ({})", rule.code, rule.message, rule.help);
        let _ = writeln!(text, "    line {}: {}", example.line, example.message);
    }
    Ok(text)
}
