//! `presort deliver`: the whole way of one export.

use super::args::Common;
use super::send::{SendOptions, Shown, plural, status_of, tokens_for};
use super::summary::count;
use super::{Main, Plan, signals};
use crate::model::error::{Error, Result};
use crate::model::limits::Limits;
use crate::model::printable::printable;
use crate::output::body::{Earlier, RECEIPT, hexadecimal};
use crate::output::file::Output;
use crate::output::hash::Hash;
use crate::send;
use crate::send::bodies::Bodies;
use crate::send::journal_file;
use crate::send::run;
use clap::{Args, CommandFactory as _};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

pub(super) const DELIVER_HELP: &str = "\
Examples:
  presort deliver export.csv --list Newsletter
  presort deliver export.csv --list Newsletter --create-lists --yes --base-url http://127.0.0.1:8080/v3

It goes on where the last run ended. Everything is in EXPORT.presort/: bodies, receipt.json, rejects, findings, report.html,
send.journal, result.json and refused.ndjson.

Exit status: the worse of those of clean and send";

/// What a delivery is of, in its directory.
const DELIVERY: &str = "deliver.json";

#[derive(Args)]
pub struct DeliverArgs {
    /// The export to deliver: a file; everything that comes of it is in EXPORT.presort/
    export: PathBuf,
    /// The list at the service that the contacts go to: its name or its identifier
    #[arg(long, value_name = "NAME|UUID")]
    list: String,
    /// Create the list, before anything else, if the account has none of this name
    #[arg(long)]
    create_lists: bool,
    /// Send without asking; needed without a terminal
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    options: SendOptions,
    #[command(flatten)]
    common: Common,
}

/// What a delivery is of.
#[derive(Serialize, Deserialize)]
struct Delivery {
    /// The SHA-256 of the export.
    sha256: String,
    /// Where it goes.
    base_url: String,
    /// The list, as it was named.
    list: String,
    /// The list.
    list_id: String,
    /// Its name.
    list_name: String,
    /// Whose account it is, if the service names it.
    account: Option<String>,
    /// A hash of the options of cleaning, and of the files that they name.
    options: Option<String>,
    /// How cleaning ended.
    clean_status: Option<u8>,
}

impl DeliverArgs {
    pub fn run(mut self) -> Result<ExitCode> {
        match self.deliver() {
            Ok(status) => Ok(ExitCode::from(status)),
            Err(error) => Ok(status_of(&error)),
        }
    }

    fn deliver(&mut self) -> send::Result<u8> {
        let must_end = signals::flag();
        let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
        if !self.yes && !can_ask {
            return Err(send::Error::could("there is no terminal to ask at: --yes sends without asking"));
        }
        if !self.common.envelope.list_ids.is_empty() {
            return Err(send::Error::could("--list names the list: leave --list-id out"));
        }
        let sha256 = hash(&self.export)?;
        let mut name = self.export.as_os_str().to_owned();
        name.push(".presort");
        let dir = PathBuf::from(name);
        let options = options_hash()?;
        let begun = match read(&dir)? {
            Some(delivery) => self.same(delivery, &sha256, &options, &dir)?,
            None => {
                refuse_other_files(&dir)?;
                None
            }
        };
        let mut delivery = match begun {
            Some(delivery) => delivery,
            None => self.begin(sha256, options, &must_end)?,
        };
        std::fs::create_dir_all(&dir).map_err(|error| Error::io("create", dir.display().to_string(), error))?;
        write(&dir, &delivery)?;
        // A delivery that was begun was agreed to.
        let was_begun = dir.join(journal_file::NAME).exists() && delivery.clean_status.is_some();
        // Until the first body goes out, Ctrl-C ends it at once, as it ends clean.
        let signals = (!was_begun).then(|| {
            signals::install("no unfinished file is left, and nothing was sent; the same command begins again")
        });
        let status = match delivery.clean_status {
            Some(status) if status != 2 && dir.join(RECEIPT).exists() => {
                self.note(&format!(
                    "{} was cleaned before, and its bodies are sent as they are",
                    self.export.display()
                ));
                status
            }
            _ => self.clean(&dir, &mut delivery)?,
        };
        if status == 2 {
            return Ok(2);
        }
        if !was_begun && !self.confirm(&dir, &delivery, &must_end)? {
            let _ = writeln!(io::stderr(), "presort: nothing was sent; the same command asks again");
            return Ok(3);
        }
        drop(signals);
        let Common { quiet, progress, color, .. } = self.common;
        let sent = self.options.send(&dir, &Shown { quiet, progress, color }, &must_end)?;
        // From good to bad: 0, 1, 3, 2.
        let rank = |status: u8| [0, 1, 3, 2].iter().position(|known| *known == status);
        Ok(if rank(sent) >= rank(status) { sent } else { status })
    }

    /// Checks that a delivery that was begun is this one. `None` if it is not, and no body was sent: it can begin again.
    fn same(&self, delivery: Delivery, sha256: &str, options: &str, dir: &Path) -> send::Result<Option<Delivery>> {
        let base = self.options.settings()?.base;
        let is_export = delivery.sha256 == sha256;
        let is_target = delivery.base_url == base.as_str() && delivery.list == self.list;
        let are_options = delivery.options.as_deref().is_none_or(|known| known == options);
        if is_export && is_target && are_options {
            return Ok(Some(delivery));
        }
        if !was_sent(dir)? {
            return Ok(None);
        }
        let dir = dir.display();
        let export = self.export.display();
        if !is_export {
            return Err(send::Error::could(format!(
                "{export} changed since its delivery began: put the old export back to go on, or remove {dir} to begin again"
            )));
        }
        if !is_target {
            return Err(send::Error::could(format!(
                "the delivery of {export} that was begun goes to the list {} at {}: name these to go on, or remove {dir} to begin again",
                printable(&delivery.list),
                printable(&delivery.base_url)
            )));
        }
        Err(send::Error::could(format!(
            "the delivery of {export} began with other options of cleaning, or their files have changed since: use the old ones to go \
             on, or move {dir} away to clean and send all of it with the new ones"
        )))
    }

    /// Finds the list.
    fn begin(&self, sha256: String, options: String, must_end: &AtomicBool) -> send::Result<Delivery> {
        let settings = self.options.settings()?;
        let mut tokens = tokens_for(&settings.base, must_end)?;
        let (account, list) = run::find_list(&settings, tokens.as_mut(), must_end, &self.list, self.create_lists)?;
        Ok(Delivery {
            sha256,
            base_url: settings.base.as_str().to_owned(),
            list: self.list.clone(),
            list_id: list.list_id,
            list_name: list.name,
            account: account.text(),
            options: Some(options),
            clean_status: None,
        })
    }

    fn clean(&mut self, dir: &Path, delivery: &mut Delivery) -> send::Result<u8> {
        self.common.envelope.list_ids = vec![delivery.list_id.clone()];
        let rejects = if is_table(&self.export) { "rejects.csv" } else { "rejects.ndjson" };
        let inputs = vec![self.export.clone()];
        let status = self.common.clean(&Plan {
            output: Main::Bodies(dir.to_owned()),
            report: Some(self.common.report.clone().unwrap_or_else(|| dir.join("findings.ndjson"))),
            rejects: Some(dir.join(rejects)),
            html: Some(self.common.html.clone().unwrap_or_else(|| dir.join("report.html"))),
            force: true,
            earlier: Earlier::Replace,
            limits: Limits::default(),
            ..self.common.plan(&inputs)
        })?;
        delivery.clean_status = Some(status);
        write(dir, delivery)?;
        Ok(status)
    }

    fn note(&self, text: &str) {
        if !self.common.quiet {
            let _ = writeln!(io::stderr(), "presort: note: {}", printable(text));
        }
    }

    /// Shows the plan, and asks at the terminal unless the answer is given already.
    fn confirm(&self, dir: &Path, delivery: &Delivery, must_end: &AtomicBool) -> send::Result<bool> {
        let bodies = Bodies::verified(dir)?;
        if !self.common.quiet || !self.yes {
            let plan = self.options.preview(&bodies, must_end)?;
            let _ = write!(io::stderr(), "presort: {plan}");
        }
        if self.yes {
            return Ok(true);
        }
        let question = format!(
            "Send {} in {} to {} of {}? {} rejected, {} opted out. [y/N] ",
            plural(bodies.contacts(), "contact", "contacts"),
            plural(bodies.all.len() as u64, "body", "bodies"),
            printable(&delivery.list_name),
            printable(delivery.account.as_deref().unwrap_or(&delivery.base_url)),
            count(bodies.rejected),
            count(bodies.opted_out)
        );
        let _ = io::stderr().write_all(question.as_bytes());
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(|error| Error::io("read", "the terminal", error))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

/// Whether the name of an export is that of a table, whose rejects are one as well.
fn is_table(export: &Path) -> bool {
    const TABLES: [&str; 8] = ["csv", "tsv", "tab", "txt", "xlsx", "xlsb", "xls", "ods"];
    let name = export.to_string_lossy().to_ascii_lowercase();
    let name = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
    Path::new(name).extension().is_some_and(|known| TABLES.iter().any(|table| known == *table))
}

/// A hash of the options that change what comes of cleaning, with those of the configuration, and of the files that they name.
fn options_hash() -> send::Result<String> {
    /// What changes no contact.
    const OTHERS: [&str; 11] = [
        "report",
        "html",
        "receipt",
        "redact",
        "threads",
        "quiet",
        "progress",
        "color",
        "fail_on",
        "max_rejected",
        "exit_zero",
    ];
    let wrong = |error: &dyn std::fmt::Display| send::Error::could(error.to_string());
    let args = super::config::arguments(std::env::args_os().collect())?;
    let matches = super::Cli::command().try_get_matches_from(args).map_err(|error| wrong(&error))?;
    let Some((_, matches)) = matches.subcommand() else { return Ok(String::new()) };
    let mut hash = Hash::default();
    let mut add = |text: &[u8]| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    let known = Common::augment_args(clap::Command::new("options"));
    for id in known.get_arguments().map(|argument| argument.get_id().as_str()).filter(|id| !OTHERS.contains(id)) {
        add(id.as_bytes());
        for value in matches.try_get_raw(id).ok().flatten().into_iter().flatten() {
            let path = Path::new(value);
            // What can be read only once, like a pipe, is for cleaning.
            match id {
                "map" | "suppress" | "custom_fields" if path.is_file() => add(hash_of(path)?.as_bytes()),
                _ => add(value.as_encoded_bytes()),
            }
        }
    }
    Ok(hexadecimal(hash.end()))
}

/// Whether a body went out, or began to.
fn was_sent(dir: &Path) -> send::Result<bool> {
    let path = dir.join(journal_file::NAME);
    match std::fs::read(&path) {
        // A line that cannot be read can be one of a body.
        Ok(journal) => Ok(journal.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).any(|line| {
            serde_json::from_slice::<serde_json::Value>(line).map_or(true, |line| !line["file"].is_null())
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("read", path.display().to_string(), error).into()),
    }
}

/// Files that are not those of a delivery must not be replaced.
fn refuse_other_files(dir: &Path) -> send::Result<()> {
    let fail = |error| Error::io("read", dir.display().to_string(), error);
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fail(error).into()),
    };
    for entry in entries {
        // A process that was killed can leave an unfinished file, which is hidden.
        if !entry.map_err(fail)?.file_name().as_encoded_bytes().starts_with(b".") {
            return Err(send::Error::could(format!(
                "{} is not empty, and has no {DELIVERY}: its files are not those of a delivery; move it away first",
                dir.display()
            )));
        }
    }
    Ok(())
}

/// What was begun in a directory.
fn read(dir: &Path) -> send::Result<Option<Delivery>> {
    let path = dir.join(DELIVERY);
    let name = path.display().to_string();
    match std::fs::read(&path) {
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|error| {
            send::Error::could(format!(
                "{name} is not one of presort deliver: {error}; remove {} to begin again",
                dir.display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", name, error).into()),
    }
}

fn write(dir: &Path, delivery: &Delivery) -> send::Result<()> {
    let mut json = serde_json::to_vec_pretty(delivery).map_err(|error| send::Error::could(error.to_string()))?;
    json.push(b'\n');
    let mut output = Output::create(&dir.join(DELIVERY), true)?;
    output.write(&json)?;
    output.finish()?;
    Ok(())
}

/// The SHA-256 of a file.
fn hash(path: &Path) -> send::Result<String> {
    let fail = |error| Error::io("read", path.display().to_string(), error);
    if !std::fs::metadata(path).map_err(fail)?.is_file() {
        let what = "the export must be a file: a delivery reads it again when it goes on";
        return Err(send::Error::could(format!("{}: {what}", path.display())));
    }
    hash_of(path)
}

fn hash_of(path: &Path) -> send::Result<String> {
    let fail = |error| Error::io("read", path.display().to_string(), error);
    let mut file = File::open(path).map_err(fail)?;
    let (mut hash, mut buffer) = (Hash::default(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hexadecimal(hash.end())),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fail(error).into()),
        }
    }
}
