//! Streams the contacts on standard input and looks at each.
//!
//! ```sh
//! cargo run --example contacts < testdata/sample.json
//! ```

use presort::{Cleaner, Contact, Result};
use std::collections::BTreeMap;
use std::io::{self, Read};

fn main() -> Result<()> {
    for (domain, contacts) in domains(io::stdin())? {
        println!("{contacts:6} {domain}");
    }
    Ok(())
}

/// Counts the accepted contacts by the domain of their address, and says why the others are rejected.
pub fn domains(input: impl Read + Send) -> Result<BTreeMap<String, u64>> {
    let mut domains = BTreeMap::new();
    for contact in Cleaner::builder().build()?.contacts(input) {
        match contact? {
            Contact::Accepted { json, .. } => {
                let contact: serde_json::Value = serde_json::from_str(&json).expect("a cleaned contact is JSON");
                let domain = contact["email"].as_str().and_then(|email| email.split_once('@'));
                *domains.entry(domain.map_or("no address", |(_, domain)| domain).to_owned()).or_default() += 1;
            }
            Contact::Rejected { index, line, findings, .. } => {
                for finding in findings {
                    eprintln!("contact {index}, line {line}: {} {}", finding.code, finding.message);
                }
            }
            _ => {}
        }
    }
    Ok(domains)
}
