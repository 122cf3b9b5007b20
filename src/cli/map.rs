//! `presort map`, and the options that map names.

use super::args::FromFormat;
use crate::document::envelope::EnvelopeOverrides;
use crate::document::table::InputFormat;
use crate::document::{Document, Opening, ReadOptions};
use crate::json::pointer::Pointer;
use crate::mapping::{MapFile, MapOptions, Unmapped, file};
use crate::model::error::{Error, Kind, Result};
use crate::model::printable::printable;
use crate::output::file::Output;
use crate::rules::OptedOut;
use crate::rules::suppress::SuppressionList;
use crate::run::inputs::{InputFile, expand};
use crate::run::mapping::{mapping_of, read_suppressed};
use crate::source::Encoding;
use clap::{Args, ValueEnum};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bytes of the longest map file.
const MAP_MAX: u64 = 16 << 20;

/// Options that map the names of an export to the members of the contract.
#[derive(Args)]
pub(super) struct MapArgs {
    /// Map names: auto, by the system that wrote the export and by common names; or a map file, as `presort map` writes it
    #[arg(long, value_name = "FILE|auto")]
    map: Option<PathBuf>,
    /// Read the column FROM as the member TO, like 'Cell=mobile_phone' or 'Tier=cf:Tier' (repeatable)
    #[arg(long, value_name = "FROM=TO", value_parser = pair)]
    rename: Vec<(String, String)>,
    /// Leave a column out (repeatable)
    #[arg(long, value_name = "NAME")]
    ignore: Vec<String>,
    /// What to do with columns that nothing knows: leave them out, make them custom fields, or end the run
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = UnmappedChoice::Leave)]
    unmapped: UnmappedChoice,
}

/// Options about people who must not be written to.
#[derive(Args)]
pub(super) struct OptOutArgs {
    /// What to do with people who opted out of email: reject them, or keep them with a warning
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OptedOutChoice::Reject)]
    opted_out: OptedOutChoice,
    /// Reject everyone in this file: an address per line, or an export (repeatable)
    #[arg(long, value_name = "FILE")]
    suppress: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum UnmappedChoice {
    Leave,
    Custom,
    Error,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum OptedOutChoice {
    Reject,
    Keep,
}

/// Reads `FROM=TO`, by the last equals sign: a column may have one in its name, and a member has none.
fn pair(text: &str) -> std::result::Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        _ => Err("write FROM=TO: the column, an equals sign, the member".to_owned()),
    }
}

impl MapArgs {
    pub(super) fn options(&self) -> Result<MapOptions> {
        let is_auto = self.map.as_ref().is_some_and(|map| map.as_os_str() == "auto");
        let file = match &self.map {
            Some(path) if !is_auto => Some(read_map(path)?),
            _ => None,
        };
        Ok(MapOptions {
            ignore: self.ignore.clone(),
            rename: self.rename.clone(),
            file,
            auto: is_auto,
            unmapped: match self.unmapped {
                UnmappedChoice::Leave => Unmapped::Leave,
                UnmappedChoice::Custom => Unmapped::Custom,
                UnmappedChoice::Error => Unmapped::Error,
            },
        })
    }
}

/// Reads a map file. One that does not end is refused.
fn read_map(path: &Path) -> Result<MapFile> {
    let name = path.display().to_string();
    let io = |error| Error::io("read", &name, error);
    let mut text = String::new();
    std::fs::File::open(path).map_err(io)?.take(MAP_MAX + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > MAP_MAX {
        return Err(Error::usage(format!("{}: it is larger than 16 MiB, which no map is", printable(&name))));
    }
    MapFile::parse(&text).map_err(|error| Error::usage(format!("{}: {error}", printable(&name))))
}

impl OptOutArgs {
    pub(super) fn opted_out(&self) -> OptedOut {
        match self.opted_out {
            OptedOutChoice::Reject => OptedOut::Reject,
            OptedOutChoice::Keep => OptedOut::Keep,
        }
    }

    /// The addresses of all suppression lists; none if there is no list.
    pub(super) fn suppressed(&self, quiet: bool) -> Result<Option<SuppressionList>> {
        if self.suppress.is_empty() {
            return Ok(None);
        }
        let mut list = SuppressionList::default();
        for path in &self.suppress {
            let before = (list.lines(), list.without_address());
            read_suppressed(path, &mut list)?;
            let (lines, without) = (list.lines() - before.0, list.without_address() - before.1);
            let name = path.display().to_string();
            let name = printable(&name);
            if lines == 0 {
                return Err(Error::usage(format!("{name}: the list is empty; was it written?")));
            }
            if lines == without {
                return Err(Error::usage(format!(
                    "{name}: there is no address in its {lines} lines; a list has one address per line"
                )));
            }
            if without > 0 && !quiet {
                let _ = writeln!(
                    io::stderr(),
                    "presort: note: {name}: {without} of {lines} lines or records have no address"
                );
            }
        }
        list.finish();
        Ok(Some(list))
    }
}

/// Arguments of `presort map`.
#[derive(Args)]
pub(super) struct Map {
    /// The file to look at; standard input if absent or -
    input: Option<PathBuf>,
    /// The format of the input [default: what its first bytes show]
    #[arg(long, value_name = "FORMAT", value_enum)]
    from: Option<FromFormat>,
    /// The array that holds the contacts in JSON with something around them, like /results
    #[arg(long, value_name = "POINTER", value_parser = Pointer::parse)]
    records: Option<Pointer>,
    /// The object in each record that is the contact, like /properties
    #[arg(long, value_name = "POINTER", value_parser = Pointer::parse)]
    contact: Option<Pointer>,
    /// The sheet of a spreadsheet [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// The encoding of inputs that are not UTF-8, like windows-1252
    #[arg(long, value_name = "LABEL", value_parser = Encoding::of_label)]
    encoding: Option<Encoding>,
    #[command(flatten)]
    map: MapArgs,
    /// The output format: a map file (TOML), or JSON
    #[arg(short, long, value_enum, default_value_t = MapFormat::Toml)]
    format: MapFormat,
    /// The output file, or - for standard output
    #[arg(short, long, value_name = "PATH", default_value = "-")]
    output: PathBuf,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum MapFormat {
    Toml,
    Json,
}

/// The file that a directory has contacts in. A map is of one export.
fn one_file(input: PathBuf, reading: &ReadOptions) -> Result<InputFile> {
    let mut files = expand(std::slice::from_ref(&input), &[], reading)?.files;
    match files.len() {
        1 => Ok(files.remove(0)),
        n => Err(Error::usage(format!(
            "{}: {n} files in this directory have contacts: name one of them, like {}",
            printable(&input.display().to_string()),
            printable(&files[0].name())
        ))),
    }
}

impl Map {
    pub(super) fn run(&self) -> Result<ExitCode> {
        // To show what could be: without another choice, everything that is known counts.
        let mut options = self.map.options()?;
        options.auto |= options.file.is_none();
        let reading = ReadOptions {
            records: self.records.clone(),
            contact: self.contact.clone(),
            encoding: self.encoding,
            format: self.from.map_or(InputFormat::Detect, FromFormat::format),
            identity_names: options.identity_names(),
            sheet: self.sheet.clone(),
        };
        let input = self.input.clone().unwrap_or_else(|| "-".into());
        let input = one_file(input, &reading)?;
        let overrides = EnvelopeOverrides::default();
        let mut document = Document::of(input.open()?, Opening::whole(&overrides, &reading))?;
        let mapping = mapping_of(&options, self.contact.as_ref(), &mut document)?;
        if mapping.columns.is_empty() {
            let what = "no record in its first part has a name; with --contact, check the pointer".to_owned();
            return Err(Kind::NotContacts { input: document.source.name().to_owned(), what }.into());
        }
        let text = match self.format {
            MapFormat::Toml => file::render(&mapping),
            MapFormat::Json => file::render_json(&mapping),
        };
        let mut output = Output::create(&self.output, self.force)?;
        output.write(text.as_bytes())?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}
