//! `presort where`: the contact of an input that a contact of a body was.

use super::args::TextFormat;
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::output::body::{RECEIPT, hexadecimal};
use crate::output::file::Output;
use crate::output::hash::Hash;
use crate::output::origins::Origin;
use crate::output::part::{part_of_body, receipt_name};
use crate::run::origin::{Found, OriginBody, OriginInput, OriginReceipt};
use clap::Args;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `presort where`.
#[derive(Args)]
pub(super) struct Where {
    /// The body
    body: PathBuf,
    /// The contact: its index in the body's import_data, from 0
    contact: u64,
    /// The receipt of the run that wrote the body [default: receipt.json beside it]
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// The output format: text or JSON
    #[arg(short, long, value_enum, default_value_t = TextFormat::Text)]
    format: TextFormat,
}

impl Where {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let file = self.body.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let receipt = self.receipt.clone().unwrap_or_else(|| self.receipt_beside(&file));
        let run = OriginReceipt::read(&receipt)?;
        let Some((run, body)) = run.body(&file) else {
            return Err(Error::usage(format!("{} names no body {file}", receipt.display())));
        };
        check_body(&self.body, body)?;
        if body.from.is_none() {
            return Err(Error::usage(format!(
                "{} is of an older version, which did not note where contacts came from: write the bodies again",
                receipt.display()
            )));
        }
        if self.contact >= body.contacts {
            return Err(Error::usage(format!(
                "{} has {} contacts, the first of which is 0: there is no contact {}",
                self.body.display(),
                body.contacts,
                self.contact
            )));
        }
        let place = body
            .place(self.contact)
            .and_then(|(origin, contact)| Some((origin, contact, run.input.get(origin.input)?)));
        let Some((origin, contact, input)) = place else {
            return Err(Error::usage(format!("{} contradicts itself about {file}", receipt.display())));
        };
        let found = input.find(contact).map_err(|why| (why, origin.line(contact)));
        let text = match self.format {
            TextFormat::Text => text(input, contact, &found),
            TextFormat::Json => json_of(origin, input, contact, &found),
        };
        let mut output = Output::create(Path::new("-"), false)?;
        output.write(text.as_bytes())?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Where {
    /// The receipt beside a body: that of its run or, without one, that of its part.
    fn receipt_beside(&self, file: &str) -> PathBuf {
        let of_run = self.body.with_file_name(RECEIPT);
        match part_of_body(file) {
            Some(part) if !of_run.exists() => self.body.with_file_name(receipt_name(Some(&part))),
            _ => of_run,
        }
    }
}

/// Checks that a body is the one of the receipt. One that is gone cannot be another.
fn check_body(path: &Path, body: &OriginBody) -> Result<()> {
    let name = path.display().to_string();
    let is_same = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(meta) if meta.len() != body.bytes => false,
        _ => {
            let mut hash = Hash::default();
            hash.update(&fs::read(path).map_err(|error| Error::io("read", &name, error))?);
            hexadecimal(hash.end()).eq_ignore_ascii_case(&body.sha256)
        }
    };
    if !is_same {
        return Err(Error::usage(format!(
            "{name} is not the body that its receipt names: it was changed, or is of another run"
        )));
    }
    Ok(())
}

fn text(input: &OriginInput, contact: u64, found: &std::result::Result<Found, (String, Option<u64>)>) -> String {
    let mut text = format!("input: {}\ncontact: {contact}\n", printable(&input.name));
    match found {
        Ok(found) => {
            text += &format!("line: {}\nbyte: {}\n", found.line, found.offset);
            if let Some(note) = &found.note {
                let part = |name: &str| match note.get(name)? {
                    Value::String(part) => Some(part.clone()),
                    part => Some(format!("{name} {part}")),
                };
                let before: Vec<String> = ["input", "contact", "line"].into_iter().filter_map(part).collect();
                let before = before.join(", ");
                text += &format!("rejected before: {}\n", printable(&before));
            }
        }
        Err((_, Some(line))) => text += &format!("line: {line}\n"),
        Err((why, None)) => text += &format!("line: unknown, because {}\n", printable(why)),
    }
    text
}

fn json_of(
    origin: &Origin,
    input: &OriginInput,
    contact: u64,
    found: &std::result::Result<Found, (String, Option<u64>)>,
) -> String {
    let (line, offset, note, why) = match found {
        Ok(found) => (Some(found.line), Some(found.offset), found.note.clone(), None),
        Err((why, line)) => (*line, None, None, Some(why.clone())),
    };
    let json = json!({
        "input": input.name,
        "input_index": origin.input,
        "contact": contact,
        "line": line,
        "offset": offset,
        "rejected_before": note,
        "not_looked_up": why,
    });
    format!("{json}\n")
}
