//! `presort bench`: throughput on the user's own file, stage by stage, compared with a plain copy of the same bytes.

use crate::document::envelope::EnvelopeOverrides;
use crate::document::{Document, Opening, ReadOptions, SLICE};
use crate::json::parse::Parser;
use crate::json::split::Status;
use crate::model::error::{Error, Result};
use crate::rules::Settings;
use crate::run::job::{Job, Mode, run as run_job};
use crate::sample::{Sample, SampleFormat};
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What is measured without an input.
const SAMPLE: Sample = Sample { contacts: 200_000, seed: 1, mess: 5.0, format: SampleFormat::Payload };

const LEGEND: &str = "\
copy: the bytes, to another file; read: every byte touched; split: contacts found; parse: split, and read by the parser;
whole: clean --format ndjson to a file
";

/// What is measured.
#[derive(Clone, Copy)]
enum Stage {
    Copy,
    Read,
    Split,
    Parse,
    Whole,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Copy => "copy",
            Stage::Read => "read",
            Stage::Split => "split",
            Stage::Parse => "parse",
            Stage::Whole => "whole",
        }
    }
}

/// A stage at a number of threads, and the time of each run in seconds.
struct Row {
    stage: Stage,
    threads: usize,
    seconds: Vec<f64>,
}

impl Row {
    fn new(stage: Stage, threads: usize) -> Row {
        Row { stage, threads, seconds: Vec::new() }
    }

    fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
    }
}

/// What was measured.
struct Measurement {
    input: String,
    bytes: u64,
    contacts: u64,
    runs: usize,
    rows: Vec<Row>,
}

/// Measures, and writes the table to standard output.
///
/// # Errors
/// The file cannot be read, or its copy cannot be written.
pub fn run(input: Option<&Path>, runs: usize, threads: usize, as_json: bool) -> Result<ExitCode> {
    let temporary = tempfile::tempdir().map_err(|error| Error::io("create", "a temporary directory", error))?;
    let path = input_file(input, temporary.path())?;
    let name = input.map_or("a made-up export".to_owned(), |path| path.display().to_string());
    let bytes = path.metadata().map_err(|error| Error::io("read", &name, error))?.len();
    let mut rows = rows(threads);
    let contacts = measure(&mut rows, runs, &path, &temporary.path().join("out"))?;
    let measurement = Measurement { input: name, bytes, contacts, runs, rows };
    super::print(&if as_json { measurement.json() } else { measurement.table() })?;
    Ok(ExitCode::SUCCESS)
}

/// The file to measure on: the named one, or a sample in `dir`.
fn input_file(input: Option<&Path>, dir: &Path) -> Result<PathBuf> {
    match input {
        Some(path) if path.as_os_str() != "-" => {
            refuse_container(path)?;
            Ok(path.to_path_buf())
        }
        Some(_) => Err(Error::usage("bench reads its file several times: name a file, not standard input")),
        None => {
            let path = dir.join("sample.json");
            let mut output = crate::output::file::Output::create(&path, false)?;
            crate::sample::write(&SAMPLE, &mut output).map_err(|error| Error::io("write", "a sample", error))?;
            output.finish()?;
            Ok(path)
        }
    }
}

/// Refuses spreadsheets and archives, whose stages are others, and directories.
fn refuse_container(path: &Path) -> Result<()> {
    let mut start = Vec::new();
    let is_directory = path.is_dir();
    if !is_directory {
        let file = File::open(path).map_err(|error| Error::io("read", path.display().to_string(), error))?;
        file.take(8).read_to_end(&mut start).map_err(|error| Error::io("read", path.display().to_string(), error))?;
    }
    if is_directory || start.starts_with(b"PK") || start.starts_with(b"\xd0\xcf\x11\xe0") {
        let name = path.display();
        return Err(Error::usage(format!(
            "bench measures one file of JSON, delimited text or vCards, and {name} is a directory, spreadsheet or archive: \
             write its contacts to a file with presort clean {name} --format ndjson -o contacts.ndjson, and name that"
        )));
    }
    Ok(())
}

fn rows(threads: usize) -> Vec<Row> {
    let mut rows: Vec<Row> =
        [Stage::Copy, Stage::Read, Stage::Split, Stage::Parse, Stage::Whole].map(|stage| Row::new(stage, 1)).into();
    if threads > 1 {
        rows.push(Row::new(Stage::Whole, threads));
    }
    rows
}

/// Measures every row `runs` times, and returns the number of contacts. The stages take turns, so that a machine that slows down
/// does so for all of them.
fn measure(rows: &mut [Row], runs: usize, path: &Path, out: &Path) -> Result<u64> {
    let mut contacts = 0;
    for counted in 0..=runs {
        for row in &mut *rows {
            let began = Instant::now();
            match row.stage {
                Stage::Copy => copy(path, out)?,
                Stage::Read => read(path)?,
                Stage::Split => contacts = split(path, false)?,
                Stage::Parse => contacts = split(path, true)?,
                Stage::Whole => whole(path, out, row.threads)?,
            }
            // The first round warms up, and does not count.
            if counted > 0 {
                row.seconds.push(began.elapsed().as_secs_f64());
            }
            let _ = std::fs::remove_file(out);
        }
    }
    Ok(contacts)
}

impl Measurement {
    /// The median of a plain copy.
    fn copied(&self) -> f64 {
        self.rows[0].median()
    }

    fn json(&self) -> String {
        let stage = |row: &Row| {
            let median = row.median();
            json!({
                "stage": row.stage.name(), "threads": row.threads, "median_seconds": median, "seconds": row.seconds,
                "bytes_per_second": self.bytes as f64 / median, "contacts_per_second": self.contacts as f64 / median,
                "times_of_copy": median / self.copied(),
            })
        };
        let stages: Vec<_> = self.rows.iter().map(stage).collect();
        let Measurement { input, bytes, contacts, runs, .. } = self;
        let json = json!({"input": input, "bytes": bytes, "contacts": contacts, "runs": runs, "stages": stages});
        format!("{json:#}\n")
    }

    fn table(&self) -> String {
        let Measurement { input, bytes, contacts, runs, rows } = self;
        let mut text = format!("{input}: {bytes} bytes, {contacts} contacts, medians of {runs} runs\n\n");
        let _ = writeln!(text, "stage      threads   seconds      MB/s   contacts/s   x copy");
        for row in rows {
            let median = row.median();
            let _ = writeln!(
                text,
                "{:<10} {:>7} {:>9.3} {:>9.0} {:>12.0} {:>8.2}",
                row.stage.name(),
                row.threads,
                median,
                *bytes as f64 / median / 1e6,
                *contacts as f64 / median,
                median / self.copied()
            );
        }
        text + "\n" + LEGEND
    }
}

fn copy(path: &Path, to: &Path) -> Result<()> {
    let fail = |error| Error::io("copy", path.display().to_string(), error);
    let mut from = File::open(path).map_err(fail)?;
    let mut to = File::create(to).map_err(fail)?;
    io::copy(&mut from, &mut to).map_err(fail)?;
    Ok(())
}

fn read(path: &Path) -> Result<()> {
    let mut source = crate::source::Source::open(path)?;
    let mut lines = 0;
    while let Some(chunk) = source.next(source.end())? {
        lines += memchr::memchr_iter(b'\n', chunk.bytes()).count();
    }
    std::hint::black_box(lines);
    Ok(())
}

/// Finds the contacts, and with `parse` parses them; returns their number.
fn split(path: &Path, parse: bool) -> Result<u64> {
    let overrides = EnvelopeOverrides {
        list_ids: Vec::new(),
        sms_permission: Some(crate::document::envelope::SmsPermission::NotSet),
    };
    let mut document = Document::open(path, Opening::whole(&overrides, &ReadOptions::default()))?;
    let mut splitter = document.splitter();
    let (mut spans, mut parser) = (Vec::new(), Parser::new());
    let mut chunk = document.source.current().cloned();
    loop {
        if let Some(chunk) = chunk.take() {
            for slice in chunk.from(splitter.offset()).chunks(SLICE) {
                spans.clear();
                let status = splitter.feed(slice, &mut spans);
                if parse {
                    for some in spans.chunks(128) {
                        let contacts = some.iter().map(|span| {
                            &chunk.bytes()[(span.start - chunk.base) as usize..(span.end - chunk.base) as usize]
                        });
                        parser.parse(contacts, |contacts| {
                            std::hint::black_box(contacts.count());
                        });
                    }
                }
                match status {
                    Ok(Status::More) => {}
                    Ok(Status::End(_)) | Err(_) => return Ok(splitter.spans()),
                }
            }
        }
        let keep = splitter.pending().map_or(splitter.offset(), |pending| pending.start);
        chunk = document.source.next(keep)?;
        if chunk.is_none() {
            splitter.finish_input(document.source.name(), &mut spans)?;
            return Ok(splitter.spans());
        }
    }
}

fn whole(path: &Path, out: &Path, threads: usize) -> Result<()> {
    let job = Job {
        settings: Settings { as_of: crate::rules::date::Date::today(), ..Settings::default() },
        threads,
        ..Job::new(vec![path.to_path_buf()], Mode::Stream, out.to_path_buf())
    };
    let summary = run_job(&job)?;
    match summary.stop {
        Some(stop) => Err(stop),
        None => Ok(()),
    }
}
