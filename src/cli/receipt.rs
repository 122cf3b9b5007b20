//! `presort receipt`: the receipts of parts as one, and bodies compared with their receipts.

use super::args::TextFormat;
use super::print;
use super::summary::count;
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::output::body::{RECEIPT, hexadecimal};
use crate::output::file::Output;
use crate::output::hash;
use crate::output::merge::{self, Listed, PartReceipt};
use crate::output::part::{id_of_receipt, is_body};
use clap::{Args, Subcommand};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bytes of the largest receipt.
const RECEIPT_MAX: u64 = 1 << 30;

/// Arguments of `presort receipt`.
#[derive(Args)]
pub(super) struct ReceiptArgs {
    #[command(subcommand)]
    verb: ReceiptVerb,
}

#[derive(Subcommand)]
enum ReceiptVerb {
    /// Make one receipt of those of all parts of a job (`clean --part`)
    #[command(
        after_help = "Receipts of different options, two of one part, and missing parts are refused.\n\nExamples:\n  presort receipt merge \
                      side/ -o receipt.json\n  presort receipt merge bodies/ -o bodies/receipt.json\n  presort receipt merge side/ bodies/ \
                      --duplicates 12 -o bodies/receipt.json"
    )]
    Merge(Merge),
    /// Compare the bodies in a directory with their receipts: that each is there, its size, its SHA-256, and the limits
    #[command(
        after_help = "Exit status:\n  0  the bodies are those of the receipts\n  1  some body is missing, changed, too large, or in no \
                      receipt\n  2  failure: no receipt, or one that cannot be read\n\nExamples:\n  presort receipt verify bodies/"
    )]
    Verify(Verify),
}

#[derive(Args)]
struct Merge {
    /// Receipts of parts; a directory stands for the receipt-ID.json in it
    #[arg(required = true)]
    receipts: Vec<PathBuf>,
    /// The output file, or - for standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// With receipts of workers and of the bodies that were made of their lines: how many duplicates the job removed in between
    #[arg(long, value_name = "N")]
    duplicates: Option<u64>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
struct Verify {
    /// The directory
    dir: PathBuf,
    /// The output format: text or JSON
    #[arg(short, long, value_enum, default_value_t = TextFormat::Text)]
    format: TextFormat,
}

impl ReceiptArgs {
    pub(super) fn run(&self, quiet: bool) -> Result<ExitCode> {
        match &self.verb {
            ReceiptVerb::Merge(merge) => merge.run(quiet),
            ReceiptVerb::Verify(verify) => verify.run(quiet),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let name = path.display().to_string();
    let mut json = Vec::new();
    let read = File::open(path).and_then(|file| file.take(RECEIPT_MAX + 1).read_to_end(&mut json));
    read.map_err(|error| Error::io("read", &name, error))?;
    if json.len() as u64 > RECEIPT_MAX {
        return Err(Error::usage(format!("{name} is larger than 1 GiB, which no receipt is")));
    }
    Ok(json)
}

fn several(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Names in a directory, sorted.
fn names(dir: &Path) -> Result<Vec<String>> {
    let name = dir.display().to_string();
    let io = |error| Error::io("read", &name, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        names.extend(entry.map_err(io)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

fn read_part(path: &Path) -> Result<PartReceipt> {
    merge::parse(&path.display().to_string(), &read(path)?).map_err(Error::usage)
}

impl Merge {
    fn run(&self, quiet: bool) -> Result<ExitCode> {
        let mut receipts = Vec::new();
        for path in &self.receipts {
            if !path.is_dir() {
                receipts.push(read_part(path)?);
                continue;
            }
            let before = receipts.len();
            for name in names(path)?.iter().filter(|name| id_of_receipt(name).is_some()) {
                receipts.push(read_part(&path.join(name))?);
            }
            if receipts.len() == before {
                let name = path.display();
                return Err(Error::usage(format!("{name} has no receipt-ID.json: run each part with --part ID")));
            }
        }
        let merged = merge::merge(receipts, self.duplicates).map_err(Error::usage)?;
        let mut json = serde_json::to_vec_pretty(&merged).map_err(|error| Error::usage(error.to_string()))?;
        json.push(b'\n');
        let mut output = Output::create(&self.output, self.force)?;
        output.write(&json)?;
        output.finish()?;
        if !quiet {
            let contacts = &merged.contacts;
            let _ = writeln!(
                io::stderr(),
                "presort: {}: {} seen: {} accepted, {} rejected; {}",
                several(merged.merged.len() as u64, "part", "parts"),
                several(contacts.seen, "contact", "contacts"),
                count(contacts.accepted),
                count(contacts.rejected),
                several(merged.payloads.len() as u64, "body", "bodies")
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is wrong with a file.
struct Wrong {
    file: String,
    what: String,
}

impl Verify {
    fn run(&self, quiet: bool) -> Result<ExitCode> {
        let names = names(&self.dir)?;
        let mut wrong = Vec::new();
        let (receipts, bodies) = self.listed(&names, &mut wrong)?;
        for listed in bodies.values() {
            if let Some(what) = self.compare(listed)? {
                wrong.push(Wrong { file: listed.payload.file.clone(), what });
            }
        }
        for name in names.iter().filter(|name| is_body(name) && !bodies.contains_key(*name)) {
            let what = "no receipt names it: the run that wrote it did not finish, or is another".to_owned();
            wrong.push(Wrong { file: name.clone(), what });
        }
        let contacts: u64 = bodies.values().map(|listed| listed.payload.contacts).sum();
        let mut text = String::new();
        if self.format == TextFormat::Json {
            let wrong: Vec<_> = wrong.iter().map(|Wrong { file, what }| json!({"file": file, "what": what})).collect();
            let found = json!({"receipts": receipts, "bodies": bodies.len(), "contacts": contacts, "wrong": wrong});
            let _ = writeln!(text, "{found}");
        } else {
            for Wrong { file, what } in &wrong {
                let _ = writeln!(text, "{}: {}", printable(&self.dir.join(file).to_string_lossy()), printable(what));
            }
            if wrong.is_empty() && !quiet {
                let bodies = several(bodies.len() as u64, "body", "bodies");
                let contacts = several(contacts, "contact", "contacts");
                let _ = writeln!(text, "{bodies} with {contacts}: as the receipt says");
            }
        }
        print(&text)?;
        Ok(ExitCode::from(u8::from(!wrong.is_empty())))
    }

    /// How many receipts there are, and the bodies that they list, by their names.
    fn listed(&self, names: &[String], wrong: &mut Vec<Wrong>) -> Result<(usize, BTreeMap<String, Listed>)> {
        let receipts: Vec<&String> =
            names.iter().filter(|name| *name == RECEIPT || id_of_receipt(name).is_some()).collect();
        if receipts.is_empty() {
            let name = self.dir.display();
            return Err(Error::usage(format!(
                "{name} has no {RECEIPT}, which is written last: the run did not finish, or this is another directory"
            )));
        }
        let (mut bodies, mut parts) = (BTreeMap::<String, Listed>::new(), Vec::new());
        for name in &receipts {
            let json = read(&self.dir.join(name))?;
            for listed in merge::listed(name, &json).map_err(Error::usage)? {
                let payload = &listed.payload;
                match bodies.get(&payload.file) {
                    // The receipt of all parts and that of one list the same body.
                    Some(other) if (other.payload.bytes, &other.payload.sha256) != (payload.bytes, &payload.sha256) => {
                        let what = format!("{} and {} differ about it", other.receipt, listed.receipt);
                        wrong.push(Wrong { file: payload.file.clone(), what });
                    }
                    Some(_) => {}
                    None => drop(bodies.insert(payload.file.clone(), listed)),
                }
            }
            if *name != RECEIPT {
                parts.push(merge::parse(name, &json).map_err(Error::usage)?);
            }
        }
        // The receipt of all parts was made only if none was missing.
        if !receipts.iter().any(|name| *name == RECEIPT)
            && let Err(what) = merge::complete(&mut parts)
        {
            wrong.push(Wrong { file: String::new(), what });
        }
        Ok((receipts.len(), bodies))
    }

    /// How a body differs from what its receipt says.
    fn compare(&self, listed: &Listed) -> Result<Option<String>> {
        let payload = &listed.payload;
        let path = self.dir.join(&payload.file);
        let (bytes, digest) = match hash::of_file(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some("it is missing".to_owned())),
            Err(error) => return Err(Error::io("read", path.display().to_string(), error)),
        };
        Ok(if bytes != payload.bytes {
            Some(format!("it has {bytes} bytes, and {} by {}", payload.bytes, listed.receipt))
        } else if !hexadecimal(digest).eq_ignore_ascii_case(&payload.sha256) {
            Some(format!("its SHA-256 is not the one of {}: it was changed", listed.receipt))
        } else if bytes >= listed.max_bytes {
            Some(format!("it has {bytes} bytes: a body is smaller than {}", listed.max_bytes))
        } else if payload.contacts > listed.max_contacts {
            Some(format!("it has {} contacts, at most {} are allowed", payload.contacts, listed.max_contacts))
        } else {
            None
        })
    }
}
