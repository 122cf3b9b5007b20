//! The command line: arguments to a job, and its result to an exit status.

#[cfg(feature = "account")]
mod account;
mod args;
mod bench;
#[cfg(feature = "account")]
mod bodies;
mod check;
mod config;
#[cfg(feature = "send")]
mod deliver;
mod exit;
mod explain;
mod html;
#[cfg(feature = "send")]
mod login;
mod map;
mod origin;
mod paint;
mod profile;
mod progress;
mod receipt;
mod sample;
#[cfg(feature = "send")]
mod send;
#[cfg(feature = "serve")]
mod serve;
mod shell;
mod signals;
mod summary;
mod worker;

use crate::document::envelope::EnvelopeOverrides;
use crate::facade::{Cleaner, CleanerBuilder, Sink};
use crate::model::error::{Error, Kind, Result};
use crate::model::fault::Fault;
use crate::model::limits::Limits;
use crate::model::printable::{is_unsafe, printable};
use crate::output::body::Earlier;
use crate::output::file::Output;
use crate::output::part::Part;
use crate::output::path::{check_stdout, is_stdout};
use crate::output::receipt::SkippedFile;
use crate::rules::{BadField, Duplicates, PhoneFormat, custom};
use args::{
    BadFieldChoice, Check, CheckFormat, Clean, Cli, Common, DuplicatesChoice, Format, PhoneFormatChoice, TextFormat,
    Verb, When,
};
use clap::Parser;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

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

/// A library that panics at a damaged spreadsheet ends the sheet with an error, which says all there is to say.
#[cfg(feature = "spreadsheets")]
fn ignore_panics_of_sheets() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(crate::source::sheet::THREAD) {
            report(panic);
        }
    }));
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(feature = "spreadsheets")]
    ignore_panics_of_sheets();
    let args = match config::arguments(std::env::args_os().collect()) {
        Ok(args) => args,
        Err(error) => {
            say_error(&error);
            return ExitCode::from(2);
        }
    };
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return say_usage(&error, &args),
    };
    signals::take_file_too_large_as_error();
    let _signals = match cli.verb {
        // The endpoint handles signals itself.
        #[cfg(feature = "serve")]
        Verb::Serve(_) => None,
        // A request under way is finished.
        #[cfg(feature = "send")]
        Verb::Send(_) | Verb::Login(_) | Verb::Deliver(_) => None,
        #[cfg(feature = "send")]
        Verb::Plan(_) | Verb::Whoami(_) | Verb::Logout(_) => Some(signals::install("nothing was sent")),
        #[cfg(feature = "account")]
        Verb::Import(_) => Some(signals::install(
            "imported contacts stay; an accepted body waits in the local account, and the next import or serve imports it",
        )),
        _ => Some(signals::install("no unfinished file is left, and no receipt; finished bodies stay")),
    };
    let done = match cli.verb {
        Verb::Clean(clean) => clean.run(),
        Verb::Check(check) => check.run(),
        Verb::Map(map) => map.run(),
        Verb::Explain(explain) => explain::run(explain.code.as_deref(), explain.format == TextFormat::Json),
        Verb::Bench(bench) => {
            let threads = bench.threads.map_or_else(processors, usize::from);
            bench::run(bench.input.as_deref(), usize::from(bench.runs), threads, bench.format == TextFormat::Json)
        }
        Verb::Sample(sample) => sample.run(),
        #[cfg(feature = "send")]
        Verb::Deliver(deliver) => deliver.run(),
        #[cfg(feature = "send")]
        Verb::Login(login) => login.run(),
        #[cfg(feature = "send")]
        Verb::Logout(logout) => logout.run(),
        #[cfg(feature = "send")]
        Verb::Whoami(whoami) => whoami.run(),
        #[cfg(feature = "send")]
        Verb::Plan(plan) => plan.run(),
        #[cfg(feature = "send")]
        Verb::Send(send) => send.run(),
        #[cfg(feature = "account")]
        Verb::Account(account) => account.run(),
        #[cfg(feature = "account")]
        Verb::Import(import) => import.run(),
        #[cfg(feature = "serve")]
        Verb::Serve(serve) => serve.run(&cli.global),
        Verb::Where(place) => place.run(),
        Verb::Receipt(receipt) => receipt.run(cli.global.quiet),
        Verb::Config(show) => show.run(cli.global.config.as_deref()),
        Verb::Completions(completions) => completions.run(),
        Verb::Man(man) => man.run(),
    };
    match done {
        Ok(status) => status,
        // The reader of the pipe has seen enough.
        Err(error) if matches!(error.kind(), Kind::ClosedPipe) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&error);
            ExitCode::from(2)
        }
    }
}

/// Prints help, or what is wrong with the arguments.
fn say_usage(error: &clap::Error, args: &[OsString]) -> ExitCode {
    if !error.use_stderr()
        && let Err(error) = check_stdout()
    {
        say_error(&error);
        return ExitCode::from(2);
    }
    // Arguments can be names of files, as a shell writes them for `*`.
    let is_safe = args.iter().all(|arg| !arg.to_string_lossy().chars().any(is_unsafe));
    let safe = || args.iter().map(|arg| printable(&arg.to_string_lossy()).into_owned());
    let shown = if is_safe { None } else { Cli::try_parse_from(safe()).err() };
    let printed = match shown {
        Some(shown) => shown.print(),
        None if !is_safe => {
            say(&error.render().to_string());
            Ok(())
        }
        None => error.print(),
    };
    // A closed pipe is not an error here: the reader of the help has seen enough.
    if let Err(fault) = printed.and_then(|()| io::stdout().flush())
        && fault.kind() != io::ErrorKind::BrokenPipe
        && !error.use_stderr()
    {
        say_error(&Error::io("write", "standard output", fault));
        return ExitCode::from(2);
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Reads a file of custom fields. One that does not end is refused.
fn read_fields(path: &Path) -> io::Result<Vec<u8>> {
    /// Far more than the fields of an account take.
    const MAX: u64 = 16 << 20;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 16 MiB, which no list of fields is",
        ));
    }
    Ok(bytes)
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
                BadFieldChoice::Hold => BadField::Hold,
                BadFieldChoice::Reject => BadField::Reject,
            })
            .truncate(self.truncate)
            .nanp(self.nanp)
            .phone_format(match self.phone_format {
                PhoneFormatChoice::Dashed => PhoneFormat::Dashed,
                PhoneFormatChoice::Digits => PhoneFormat::Digits,
            })
            .duplicates(self.duplicates())
            .mapping(self.map.options()?)
            .opted_out(self.opt_out.opted_out())
            .threads(self.threads.map_or_else(processors, usize::from));
        cleaner = self.damage.apply(cleaner);
        let EnvelopeOverrides { list_ids, sms_permission } = self.envelope.overrides();
        for id in list_ids {
            cleaner = cleaner.list_id(id);
        }
        if let Some(permission) = sms_permission {
            cleaner = cleaner.sms_permission(permission);
        }
        if let Some(from) = self.from {
            cleaner = cleaner.format(from.format());
        }
        if let Some(records) = &self.records {
            cleaner = cleaner.records(records.clone());
        }
        if let Some(contact) = &self.contact {
            cleaner = cleaner.contact(contact.clone());
        }
        if let Some(sheet) = &self.sheet {
            cleaner = cleaner.sheet(sheet);
        }
        if let Some(encoding) = self.encoding {
            cleaner = cleaner.encoding(encoding);
        }
        if let Some(day) = self.as_of {
            cleaner = cleaner.as_of(day);
        }
        if let Some(path) = &self.custom_fields {
            let name = path.display().to_string();
            let file = read_fields(path).map_err(|error| Error::io("read", &name, error))?;
            let fields = custom::parse_names(&file).map_err(|what| Error::usage(format!("{name}: {what}")))?;
            cleaner = cleaner.custom_fields(fields);
        }
        if let Some(list) = self.opt_out.suppressed(self.quiet)? {
            cleaner = cleaner.suppress(list);
        }
        if self.redact {
            cleaner = cleaner.redact_key(redact_key()?);
        }
        Ok(cleaner)
    }

    fn duplicates(&self) -> Duplicates {
        match self.duplicates {
            DuplicatesChoice::Keep => Duplicates::Keep,
            DuplicatesChoice::First => Duplicates::First,
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
            bare_rejects: false,
            receipt: self.receipt.clone(),
            force: false,
            earlier: Earlier::Refuse,
            part: None,
            key: None,
            limits: Limits::default(),
            duplicates: self.duplicates(),
            format: None,
            html: self.html.clone(),
            profile: false,
        }
    }

    /// Does a run, and says what came of it.
    fn run(&self, plan: &Plan) -> Result<ExitCode> {
        self.clean(plan).map(ExitCode::from)
    }

    /// Does a run, and says what came of it. Gives the exit status.
    fn clean(&self, plan: &Plan) -> Result<u8> {
        let mut cleaner = self.cleaner()?.limits(plan.limits);
        if let Some(name) = &plan.key {
            cleaner = cleaner.key(name);
        }
        let cleaner = cleaner.build()?;
        let bar = progress::Bar::new(match self.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => io::stderr().is_terminal() && !self.quiet,
        });
        let mut findings = check::Findings::of(plan);
        let mut sink = findings.sink(plan);
        if let Some(bar) = &bar {
            sink = sink.progress(bar);
        }
        // The run refuses these as well, but only after the notes.
        sink.refuse_clashes(&plan.inputs)?;
        self.notes(plan);
        // It exists before the run, so that a run of hours does not end without a place for it.
        let page = plan.html.as_deref().map(|path| Output::create(path, plan.force)).transpose()?;
        let summary = match cleaner.clean_files(&plan.inputs, sink) {
            Ok(summary) => summary,
            Err(error) => return Err(findings.error(error)),
        };
        self.warn_of_skipped(&summary.receipt.skipped);
        findings.finish(plan, &summary, self.color)?;
        if let Some(mut page) = page {
            page.write(html::page(plan, &summary)?.as_bytes())?;
            page.finish()?;
        }
        if matches!(&plan.output, Main::Body(output) if is_stdout(output)) && io::stdout().is_terminal() {
            // The body ends without a line break.
            let _ = writeln!(io::stderr());
        }
        if let Some(stop) = &summary.stop {
            say_error(stop);
            let is_utf8 = summary.receipt.input.iter().all(|input| input.encoding.is_none());
            if is_utf8 && matches!(stop.kind(), Kind::Syntax { fault: Fault::Utf8, .. }) {
                let _ = writeln!(
                    io::stderr(),
                    "presort: note: if the whole file has another encoding, name it: --encoding windows-1252 is the most common"
                );
            }
        }
        if !self.quiet {
            let text = summary::text(plan, &summary, colours(self.color));
            let _ = io::stderr().write_all(text.as_bytes());
        }
        Ok(match &summary.stop {
            Some(_) => 2,
            None if self.fail.fails(&summary.receipt) => 1,
            None => 0,
        })
    }

    fn warn_of_skipped(&self, skipped: &[SkippedFile]) {
        /// Files that are named.
        const NAMED: usize = 5;
        if self.quiet {
            return;
        }
        for SkippedFile { name, reason, .. } in skipped.iter().take(NAMED) {
            let _ = writeln!(io::stderr(), "presort: warning: {} was left out: {}", printable(name), printable(reason));
        }
        if skipped.len() > NAMED {
            let _ = writeln!(
                io::stderr(),
                "presort: warning: {} more files were left out; the receipt names them",
                skipped.len() - NAMED
            );
        }
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
    bare_rejects: bool,
    receipt: Option<PathBuf>,
    force: bool,
    earlier: Earlier,
    /// The part of a larger job that the run does.
    part: Option<Part>,
    /// A member that a worker added.
    key: Option<String>,
    limits: Limits,
    duplicates: Duplicates,
    /// What `check` prints on standard output.
    format: Option<CheckFormat>,
    /// The path of the page.
    html: Option<PathBuf>,
    /// Print the table of fields.
    profile: bool,
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
        if let Some(path) = &self.html {
            sink = sink.reserve(path);
        }
        sink = sink
            .bare_rejects(self.bare_rejects)
            .overwrite(self.force)
            .earlier(self.earlier)
            .statistics(self.html.is_some() || self.profile);
        match &self.part {
            Some(part) => sink.part(part.clone()),
            None => sink,
        }
    }
}

impl Clean {
    fn run(&self) -> Result<ExitCode> {
        if self.part.worker {
            return self.work();
        }
        self.part.refuse_without(self.split)?;
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
            bare_rejects: self.bare_rejects,
            force: self.force,
            earlier: match (self.replace, self.append) {
                (true, _) => Earlier::Replace,
                (_, true) => Earlier::Append,
                _ => Earlier::Refuse,
            },
            limits: Limits { max_bytes: self.max_bytes, max_contacts: self.max_contacts },
            part: self.part.part(),
            key: self.part.key.clone(),
            ..self.common.plan(&self.inputs)
        })
    }
}

impl Check {
    fn run(&self) -> Result<ExitCode> {
        let plan = Plan { force: self.force, ..self.common.plan(&self.inputs) };
        let beside = [&plan.report, &plan.receipt, &plan.html];
        let is_taken = beside.into_iter().flatten().any(|path| is_stdout(path));
        if is_taken && self.format.is_some() {
            return Err(Error::usage("two outputs go to standard output: leave --format out, or name a file"));
        }
        if self.profile && matches!(self.format, Some(CheckFormat::Ndjson | CheckFormat::Html)) {
            return Err(Error::usage("--profile prints a table: it goes with --format text or json"));
        }
        if self.format == Some(CheckFormat::Html) && plan.html.is_some() {
            return Err(Error::usage("--html and --format html would write the same page twice: leave one out"));
        }
        if plan.report.is_some() && matches!(self.format, Some(CheckFormat::Json | CheckFormat::Ndjson)) {
            return Err(Error::usage("--report and --format would write the same findings twice: leave one out"));
        }
        let format = match self.format {
            // What is there already is all of it.
            _ if is_taken => None,
            None if self.common.quiet && !self.profile => None,
            format => Some(format.unwrap_or(CheckFormat::Text)),
        };
        let html = if format == Some(CheckFormat::Html) { Some("-".into()) } else { plan.html };
        self.common.run(&Plan { format, html, profile: self.profile && format.is_some(), ..plan })
    }
}
