//! The command line: options to plain structs once, a job to its exit status.

#[cfg(feature = "account")]
mod account;
mod bench;
#[cfg(feature = "account")]
mod bodies;
mod explain;
mod progress;
#[cfg(feature = "serve")]
mod serve;
mod signals;
mod summary;

use crate::document::envelope::{EnvelopeOverrides, SmsPermission};
use crate::facade::{Cleaner, CleanerBuilder, Sink};
use crate::model::error::{Error, Kind, Result};
use crate::model::limits::{Limits, MAX_BYTES, MAX_CONTACTS};
use crate::model::printable::{is_unsafe, printable};
use crate::output::body::Earlier;
use crate::output::file::Output;
use crate::output::path::{check_stdout, is_stdout};
use crate::rules::date::{self, Date};
use crate::rules::{BadField, Duplicates, PhoneFormat, custom};
use crate::sample::{Sample, SampleFormat};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Exit status:
  0  everything came through, normalised at most
  1  done, but something was rejected, held back, or dropped at a limit
  2  could not be done: usage, input or output, broken JSON";

/// Cleans, checks and splits large contact exports into request bodies for the Constant Contact V3 import endpoint.
#[derive(Parser)]
#[command(name = "presort", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Clean an export: one body (default), many bodies (--split), or one contact a line (--format ndjson)
    #[command(after_help = CLEAN_HELP)]
    Clean(Box<Clean>),
    /// Look at an export as `clean` would, and write nothing
    #[command(after_help = CHECK_HELP)]
    Check(Box<Check>),
    /// Say what a rule is, why the service cares, and what presort does
    #[command(after_help = "Examples:\n  presort explain\n  presort explain PHN001\n  presort explain --format json")]
    Explain(Explain),
    /// Measure throughput on a file of yours, stage by stage, beside a plain copy
    #[command(
        after_help = "Examples:\n  presort bench export.json\n  presort bench export.json --runs 9 --format json"
    )]
    Bench(Bench),
    /// Write a made-up export to try things on, the same for the same options
    #[command(
        after_help = "Examples:\n  presort sample --contacts 1000 > sample.json\n  presort sample --contacts 3000000 --format ndjson --seed 7 \
                      --mess 20 -o big.ndjson"
    )]
    Sample(SampleArgs),
    /// Make an account in a file, and look at what is in it
    #[cfg(feature = "account")]
    #[command(after_help = ACCOUNT_HELP)]
    Account(account::AccountArgs),
    /// Import bodies into an account, each as an activity
    #[cfg(feature = "account")]
    #[command(after_help = IMPORT_HELP)]
    Import(account::ImportArgs),
    /// Serve an account over HTTP, as the published endpoint does
    #[cfg(feature = "serve")]
    #[command(after_help = SERVE_HELP)]
    Serve(serve::ServeArgs),
}

#[cfg(feature = "account")]
const ACCOUNT_HELP: &str = "\
Examples:
  presort account init my.account
  presort account lists add 'Newsletter' --account my.account
  presort account fields add 'Favourite colour' --account my.account
  presort account contacts --email joe@example.com --account my.account
  presort account export --account my.account | presort check";

#[cfg(feature = "account")]
const IMPORT_HELP: &str = "\
Examples:
  presort import --account my.account bodies/
  presort import --account my.account body.json > activities.ndjson
  presort import --account my.account --no-receipt some-of-the-bodies/

Exit status:
  0  every contact was imported as it came
  1  done, but some contact, value or list membership was not
  2  some body could not be imported at all";

#[cfg(feature = "serve")]
const SERVE_HELP: &str = "\
Examples:
  presort serve --account my.account
  presort serve --account my.account --listen 0.0.0.0:8080 --token-file token --host crm.example --log json
  curl -H 'Content-Type: application/json' -d @body.json http://127.0.0.1:8080/v3/activities/contacts_json_import";

const CLEAN_HELP: &str = "\
Examples:
  presort clean body.json -o cleaned.json --report findings.ndjson
      one request body, up to the 4 MB boundary
  presort clean export.json --split -o bodies/ --list-id 04fe9a97-a579-43c5-bb1a-58ed29bf0a6a
      an export of any size, as many bodies as it takes, and receipt.json
  zcat export.json.gz | presort clean --format ndjson --rejects rejects.ndjson > cleaned.ndjson
      a pipe, one cleaned contact a line

Exit status:
  0  everything came through, normalised at most
  1  done, but something was rejected, held back, or dropped at a limit
  2  could not be done: usage, input or output, broken JSON";

const CHECK_HELP: &str = "\
Examples:
  presort check export.json
  presort check export.json --report findings.ndjson --nanp

Exit status: as of clean";

#[derive(Args)]
struct Clean {
    /// Files to read, one after the other as one run; standard input when absent or -
    inputs: Vec<PathBuf>,
    /// Where to write: a file, - for standard output (default), a directory with --split
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Write as many bodies as it takes into the directory named by --output, and receipt.json
    #[arg(short, long, requires = "output")]
    split: bool,
    /// What to write: a request body, or one contact a line
    #[arg(short, long, value_enum, default_value_t = Format::Payload)]
    format: Format,
    /// Write the change ledger here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
    /// Write rejected contacts here, one a line: mend them and feed the file back in
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Size a body stays below, and up to which a body is read: 4000000, 4MB, 4MiB
    #[arg(long, value_name = "SIZE", value_parser = size, default_value_t = MAX_BYTES)]
    max_bytes: u64,
    /// Most contacts of a body
    #[arg(long, value_name = "N", default_value_t = MAX_CONTACTS, value_parser = clap::value_parser!(u64).range(1..))]
    max_contacts: u64,
    /// Overwrite files that are there; bodies in a directory stay
    #[arg(long)]
    force: bool,
    /// Remove the bodies that an earlier run wrote into the directory
    #[arg(long, requires = "split", conflicts_with = "append")]
    replace: bool,
    /// Add to the bodies that an earlier run wrote into the directory, and to its receipt
    #[arg(long, requires = "split")]
    append: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Check {
    /// Files to read, one after the other as one run; standard input when absent or -
    inputs: Vec<PathBuf>,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

/// What clean and check share.
#[derive(Args)]
struct Common {
    /// Write findings (errors and warnings) here, one JSON object a line
    #[arg(short, long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the receipt here, as JSON
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Replace values in report and ledger by a keyed hash, so that they can be shared; the key is random, or the value of
    /// PRESORT_REDACT_KEY, 16 bytes or more
    #[arg(long)]
    redact: bool,
    #[command(flatten)]
    envelope: EnvelopeArgs,
    /// The account's custom fields: a name a line, or the JSON answer of GET /contact_custom_fields
    #[arg(long, value_name = "FILE")]
    custom_fields: Option<PathBuf>,
    /// Longest email address, in characters
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=320))]
    email_max: u16,
    /// What to do with an optional value that breaks its rule: hold it back, or reject the contact
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Field::Hold)]
    bad_field: Field,
    /// Cut over-long text at its limit instead of holding it back
    #[arg(long)]
    truncate: bool,
    /// Check area codes and exchanges against the North American Numbering Plan
    #[arg(long)]
    nanp: bool,
    /// How phone numbers are written
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Phones::Dashed)]
    phone_format: Phones,
    /// What to do with contacts seen before in the run: keep them, or the first only
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Which::Keep)]
    duplicates: Which,
    /// The day that counts as today for dates of consent [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    as_of: Option<Date>,
    /// Worker threads [default: as many as there are processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
    /// Show progress: on a terminal (auto), always, never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    progress: When,
    /// Use colours: on a terminal (auto), always, never; NO_COLOR is honoured
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

/// What is said of an envelope in its place.
#[derive(Args)]
struct EnvelopeArgs {
    /// List the contacts are imported into, in place of the body's list_ids (repeatable)
    #[arg(short, long = "list-id", value_name = "UUID")]
    list_ids: Vec<String>,
    /// Whether the contacts agreed to get text messages, in place of the body's sms_permission_to_send
    #[arg(long, value_enum, value_name = "PERMISSION")]
    sms_permission: Option<Permission>,
}

impl EnvelopeArgs {
    fn asked(&self) -> EnvelopeOverrides {
        EnvelopeOverrides {
            list_ids: self.list_ids.clone(),
            sms_permission: self.sms_permission.map(|permission| match permission {
                Permission::Explicit => SmsPermission::Explicit,
                Permission::NotSet => SmsPermission::NotSet,
            }),
        }
    }
}

#[derive(Args)]
struct Explain {
    /// The code of a rule; all of them when absent
    code: Option<String>,
    /// Text for a person, or JSON
    #[arg(short, long, value_enum, default_value_t = Shown::Text)]
    format: Shown,
}

#[derive(Args)]
struct Bench {
    /// The file to measure on; a made-up export when absent
    input: Option<PathBuf>,
    /// Runs of each stage, of which the median is told
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    runs: u16,
    /// Worker threads of the runs with all [default: as many as there are processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// A table for a person, or JSON
    #[arg(short, long, value_enum, default_value_t = Shown::Text)]
    format: Shown,
}

#[derive(Args)]
struct SampleArgs {
    /// How many contacts
    #[arg(short, long, value_name = "N")]
    contacts: u64,
    /// Another number makes other contacts
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Percent of contacts with something wrong or unusual
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    mess: f64,
    /// A request body, or one contact a line
    #[arg(short, long, value_enum, default_value_t = Format::Payload)]
    format: Format,
    /// Where to write: a file, or - for standard output
    #[arg(short, long, value_name = "PATH", default_value = "-")]
    output: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Payload,
    Ndjson,
}

#[derive(Clone, Copy, ValueEnum)]
enum Permission {
    Explicit,
    #[value(name = "not_set", alias = "not-set")]
    NotSet,
}

#[derive(Clone, Copy, ValueEnum)]
enum Field {
    Hold,
    Reject,
}

#[derive(Clone, Copy, ValueEnum)]
enum Phones {
    Dashed,
    Digits,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    Keep,
    First,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Shown {
    #[value(alias = "table")]
    Text,
    Json,
}

/// A size in bytes: digits, and a unit or none.
fn size(text: &str) -> std::result::Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        // The smaller reading of a bare letter is the safe one.
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        unit => return Err(format!("{unit} is not a unit: B, kB, MB, GB (thousands) or KiB, MiB, GiB (1024s)")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| "write it like 4000000, 4MB or 4MiB".to_owned())?;
    number.checked_mul(unit).filter(|size| *size > 0).ok_or_else(|| "it is out of range".to_owned())
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}

fn day(text: &str) -> std::result::Result<Date, String> {
    match date::parse(text) {
        date::Parsed::Day(day, true) => Ok(day),
        _ => Err("write a day of the calendar as YYYY-MM-DD".to_owned()),
    }
}

/// Fewest bytes of a key for `--redact`.
const REDACT_KEY_MIN: usize = 16;

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether to write colours to standard error.
fn colours(when: When) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if !error.use_stderr()
                && let Err(error) = check_stdout()
            {
                say_error(&error);
                return ExitCode::from(2);
            }
            // Arguments can be names of files, as a shell writes them for `*`.
            let args = || std::env::args_os().map(|arg| printable(&arg.to_string_lossy()).into_owned());
            let is_safe = std::env::args_os().all(|arg| !arg.to_string_lossy().chars().any(is_unsafe));
            let shown = if is_safe { None } else { Cli::try_parse_from(args()).err() };
            match shown {
                Some(shown) => drop(shown.print()),
                None if !is_safe => say(&error.render().to_string()),
                // A reader of the help that has seen enough is no fault.
                None => drop(error.print()),
            }
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    signals::take_file_too_large_as_error();
    match cli.verb {
        // The endpoint ends in its own way.
        #[cfg(feature = "serve")]
        Verb::Serve(_) => {}
        #[cfg(feature = "account")]
        Verb::Import(_) => signals::install(
            "what was imported stays; a body that was accepted waits in the account, and the next import or serve takes it",
        ),
        _ => signals::install("no unfinished file is left, and no receipt; bodies finished before stay"),
    }
    let done = match cli.verb {
        Verb::Clean(clean) => clean.run(),
        Verb::Check(check) => check.run(),
        Verb::Explain(explain) => explain::run(explain.code.as_deref(), explain.format == Shown::Json),
        Verb::Bench(bench) => {
            let threads = bench.threads.map_or_else(processors, usize::from);
            bench::run(bench.input.as_deref(), usize::from(bench.runs), threads, bench.format == Shown::Json)
        }
        Verb::Sample(sample) => sample.run(),
        #[cfg(feature = "account")]
        Verb::Account(account) => account.run(),
        #[cfg(feature = "account")]
        Verb::Import(import) => import.run(),
        #[cfg(feature = "serve")]
        Verb::Serve(serve) => serve.run(),
    };
    match done {
        Ok(status) => status,
        // Whoever reads has enough.
        Err(error) if matches!(error.kind(), Kind::ClosedPipe) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&error);
            ExitCode::from(2)
        }
    }
}

/// Writes `text` to standard output.
fn print(text: &str) -> Result<()> {
    let mut output = Output::create(Path::new("-"), false)?;
    output.write(text.as_bytes())?;
    output.finish().map(drop)
}

fn say_error(error: &Error) {
    say(&error.to_string());
}

fn say(error: &str) {
    let _ = writeln!(io::stderr(), "presort: error: {}", printable(error));
}

impl Common {
    /// A cleaner with these options.
    fn cleaner(&self) -> Result<CleanerBuilder> {
        let mut cleaner = Cleaner::builder()
            .email_max(usize::from(self.email_max))
            .bad_field(match self.bad_field {
                Field::Hold => BadField::Hold,
                Field::Reject => BadField::Reject,
            })
            .truncate(self.truncate)
            .nanp(self.nanp)
            .phone_format(match self.phone_format {
                Phones::Dashed => PhoneFormat::Dashed,
                Phones::Digits => PhoneFormat::Digits,
            })
            .duplicates(self.duplicates())
            .threads(self.threads.map_or_else(processors, usize::from));
        let EnvelopeOverrides { list_ids, sms_permission } = self.envelope.asked();
        for id in list_ids {
            cleaner = cleaner.list_id(id);
        }
        if let Some(permission) = sms_permission {
            cleaner = cleaner.sms_permission(permission);
        }
        if let Some(day) = self.as_of {
            cleaner = cleaner.as_of(day);
        }
        if let Some(path) = &self.custom_fields {
            let name = path.display().to_string();
            let file = std::fs::read(path).map_err(|error| Error::io("read", &name, error))?;
            let fields = custom::parse_names(&file).map_err(|what| Error::usage(format!("{name}: {what}")))?;
            cleaner = cleaner.custom_fields(fields);
        }
        if self.redact {
            cleaner = cleaner.redact_key(redact_key()?);
        }
        Ok(cleaner)
    }

    fn duplicates(&self) -> Duplicates {
        match self.duplicates {
            Which::Keep => Duplicates::Keep,
            Which::First => Duplicates::First,
        }
    }

    /// A run of these options that writes no contacts.
    fn plan(&self, inputs: &[PathBuf]) -> Plan {
        Plan {
            inputs: if inputs.is_empty() { vec!["-".into()] } else { inputs.to_vec() },
            output: Main::Nothing,
            report: self.report.clone(),
            changes: None,
            rejects: None,
            receipt: self.receipt.clone(),
            force: false,
            earlier: Earlier::Refuse,
            limits: Limits::default(),
            duplicates: self.duplicates(),
        }
    }

    /// Does a run, and says what came of it.
    fn run(&self, plan: &Plan) -> Result<ExitCode> {
        let cleaner = self.cleaner()?.limits(plan.limits).build()?;
        let bar = progress::Bar::new(match self.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => io::stderr().is_terminal() && !self.quiet,
        });
        let mut sink = plan.sink();
        if let Some(bar) = &bar {
            sink = sink.progress(bar);
        }
        // The run refuses these as well, but only after the notes.
        sink.refuse_clashes(&plan.inputs)?;
        self.notes(plan);
        let summary = cleaner.clean_files(&plan.inputs, sink)?;
        if matches!(&plan.output, Main::Body(output) if is_stdout(output)) && io::stdout().is_terminal() {
            // The body ends without a line break.
            let _ = writeln!(io::stderr());
        }
        if let Some(stop) = &summary.stop {
            say_error(stop);
        }
        if !self.quiet {
            let text = summary::text(plan, &summary, colours(self.color));
            let _ = io::stderr().write_all(text.as_bytes());
        }
        Ok(match (&summary.stop, summary.is_clean()) {
            (Some(_), _) => ExitCode::from(2),
            (None, false) => ExitCode::from(1),
            (None, true) => ExitCode::SUCCESS,
        })
    }

    fn notes(&self, plan: &Plan) {
        if self.quiet {
            return;
        }
        if self.redact && plan.rejects.is_some() {
            let _ = writeln!(
                io::stderr(),
                "presort: note: --redact does not touch the rejects: they are the contacts themselves"
            );
        }
        if io::stdin().is_terminal() && plan.inputs.iter().any(|input| input.as_os_str() == "-") {
            let _ = writeln!(
                io::stderr(),
                "presort: reading contacts from the terminal; end with Ctrl-D (presort --help says more)"
            );
        }
    }
}

/// The key of `--redact`: that of the environment, or a random one.
fn redact_key() -> Result<Vec<u8>> {
    if let Some(key) = std::env::var_os("PRESORT_REDACT_KEY").filter(|key| !key.is_empty()) {
        let key = key.into_encoded_bytes();
        if key.len() < REDACT_KEY_MIN {
            return Err(Error::usage(format!(
                "PRESORT_REDACT_KEY has {} bytes: a key of fewer than {REDACT_KEY_MIN} can be guessed, and the values with it; \
                 write a longer one, or unset it for a random key",
                key.len()
            )));
        }
        return Ok(key);
    }
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(|error| Error::usage(format!("no random key for --redact: {error}")))?;
    Ok(key)
}

/// A run as the options describe it: its inputs and outputs, and the settings that the summary needs.
struct Plan {
    inputs: Vec<PathBuf>,
    output: Main,
    report: Option<PathBuf>,
    changes: Option<PathBuf>,
    rejects: Option<PathBuf>,
    receipt: Option<PathBuf>,
    force: bool,
    earlier: Earlier,
    limits: Limits,
    duplicates: Duplicates,
}

/// The output of the contacts.
enum Main {
    /// One body.
    Body(PathBuf),
    /// A directory of bodies.
    Bodies(PathBuf),
    /// One contact a line.
    Lines(PathBuf),
    /// None: `check`.
    Nothing,
}

impl Plan {
    fn sink(&self) -> Sink<'_> {
        let mut sink = match &self.output {
            Main::Body(path) => Sink::body(path),
            Main::Bodies(dir) => Sink::bodies(dir),
            Main::Lines(path) => Sink::lines(path),
            Main::Nothing => Sink::nothing(),
        };
        if let Some(path) = &self.report {
            sink = sink.findings(path);
        }
        if let Some(path) = &self.changes {
            sink = sink.ledger(path);
        }
        if let Some(path) = &self.rejects {
            sink = sink.rejects(path);
        }
        if let Some(path) = &self.receipt {
            sink = sink.receipt(path);
        }
        sink.overwrite(self.force).earlier(self.earlier)
    }
}

impl Clean {
    fn run(&self) -> Result<ExitCode> {
        let output = self.output.clone().unwrap_or_else(|| "-".into());
        let output = match (self.split, self.format) {
            (true, Format::Ndjson) => {
                return Err(Error::usage("--split writes bodies: leave --format ndjson or --split out"));
            }
            (true, Format::Payload) if output.as_os_str() == "-" => {
                return Err(Error::usage("--split writes many files: name a directory with --output"));
            }
            (true, Format::Payload) => Main::Bodies(output),
            (false, Format::Ndjson) => Main::Lines(output),
            (false, Format::Payload) => Main::Body(output),
        };
        if matches!(output, Main::Body(_)) && self.inputs.len() > 1 {
            return Err(Error::usage(
                "one request body has one input; with --split or --format ndjson several are read as one run",
            ));
        }
        self.common.run(&Plan {
            output,
            changes: self.changes.clone(),
            rejects: self.rejects.clone(),
            force: self.force,
            earlier: match (self.replace, self.append) {
                (true, _) => Earlier::Replace,
                (_, true) => Earlier::Append,
                _ => Earlier::Refuse,
            },
            limits: Limits { max_bytes: self.max_bytes, max_contacts: self.max_contacts },
            ..self.common.plan(&self.inputs)
        })
    }
}

impl Check {
    fn run(&self) -> Result<ExitCode> {
        self.common.run(&Plan { force: self.force, ..self.common.plan(&self.inputs) })
    }
}

impl SampleArgs {
    fn run(&self) -> Result<ExitCode> {
        let sample = Sample {
            contacts: self.contacts,
            seed: self.seed,
            mess: self.mess,
            format: match self.format {
                Format::Payload => SampleFormat::Payload,
                Format::Ndjson => SampleFormat::Ndjson,
            },
        };
        let name = if self.output.as_os_str() == "-" {
            "standard output".to_owned()
        } else {
            self.output.display().to_string()
        };
        let mut output = Output::create(&self.output, self.force)?;
        crate::sample::write(&sample, &mut output).map_err(|error| match error.downcast::<Error>() {
            Ok(error) => error,
            Err(error) => Error::io("write", name, error),
        })?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("4000000", 4_000_000), ("4MB", 4_000_000), ("4MiB", 4_194_304), ("1kB", 1000), ("2 KiB", 2048)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "4X", "MB", "0", "-1", "4.5MB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
