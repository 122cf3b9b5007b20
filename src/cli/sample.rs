//! `presort sample`.

use crate::csv::sniff::delimiter_of;
use crate::model::error::{Error, Result};
use crate::output::file::Output;
use crate::sample::{CsvDialect, Sample, SampleFormat, SampleSystem};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct SampleArgs {
    /// The number of contacts
    #[arg(short, long, value_name = "N")]
    contacts: u64,
    /// The seed of the random contacts
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Percentage of contacts with a mistake
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    mess: f64,
    /// The format: a request body, one contact per line, or a table
    #[arg(short, long, value_enum, default_value_t = SampleChoice::Payload)]
    format: SampleChoice,
    /// Write what this system exports: its names, its quirks, and people who opted out; hubspot, mailchimp, salesforce, google,
    /// constantcontact and some thirty more, which an unknown name lists
    #[arg(long, value_name = "NAME", value_parser = sample_system)]
    system: Option<SampleSystem>,
    /// CSV: what is between two cells: comma, semicolon, tab, pipe, or a punctuation mark
    #[arg(long, value_name = "NAME", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// CSV: end lines with CRLF
    #[arg(long)]
    crlf: bool,
    /// CSV: begin with a byte order mark
    #[arg(long)]
    bom: bool,
    /// CSV: quote every cell
    #[arg(long)]
    quote_all: bool,
    /// The output file, or - for standard output
    #[arg(short, long, value_name = "PATH", default_value = "-")]
    output: PathBuf,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum SampleChoice {
    Payload,
    Ndjson,
    Csv,
}

impl SampleArgs {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let format = self.sample_format()?;
        let sample = Sample { contacts: self.contacts, seed: self.seed, mess: self.mess, format };
        let name = if self.output.as_os_str() == "-" {
            "standard output".to_owned()
        } else {
            self.output.display().to_string()
        };
        let mut output = Output::create(&self.output, self.force)?;
        let written = match &self.system {
            Some(system) => crate::sample::write_system(&sample, system, &mut output),
            None => crate::sample::write(&sample, &mut output),
        };
        written.map_err(|error| match error.downcast::<Error>() {
            Ok(error) => error,
            Err(error) => Error::io("write", name, error),
        })?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }

    fn sample_format(&self) -> Result<SampleFormat> {
        let usual = CsvDialect::default();
        let dialect = CsvDialect {
            delimiter: self.delimiter.unwrap_or(usual.delimiter),
            crlf: self.crlf,
            bom: self.bom,
            quote_all: self.quote_all,
        };
        match self.format {
            SampleChoice::Csv => Ok(SampleFormat::Csv(dialect)),
            _ if self.delimiter.is_some() || dialect != usual => {
                Err(Error::usage("--delimiter, --crlf, --bom and --quote-all are about CSV: add --format csv"))
            }
            SampleChoice::Payload => Ok(SampleFormat::Payload),
            SampleChoice::Ndjson => Ok(SampleFormat::Ndjson),
        }
    }
}

/// A system that samples can be written as, by its name. (As possible values, the names would be read from the table at every start of
/// the program, whatever it does.)
fn sample_system(name: &str) -> std::result::Result<SampleSystem, String> {
    SampleSystem::named(name).ok_or_else(|| format!("the systems are {}", SampleSystem::names().join(", ")))
}

/// A delimiter of CSV, by its name or as it is.
fn delimiter(text: &str) -> std::result::Result<u8, String> {
    delimiter_of(text).ok_or_else(|| {
        "write comma, semicolon, tab, pipe, or one punctuation mark of ASCII that is no quote".to_owned()
    })
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}
