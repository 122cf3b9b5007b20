//! `presort account` and `presort import`.

use super::args::{EnvelopeArgs, When};
use super::bodies::{BodyFile, BodyFiles, body_files};
use super::paint::Paint;
use super::summary::count;
use super::{colours, progress};
use crate::account::activities::{Activity, ActivityState};
use crate::account::contacts::{ContactQuery, Include};
use crate::account::fields::NewField;
use crate::account::import::Body;
use crate::account::lists::{ListQuery, MembershipCount, NewList};
use crate::account::page::PageRequest;
use crate::account::runner::Runner;
use crate::account::{self, Account, Audience};
use crate::model::error::{Error, Kind, Result};
use crate::model::finding::Code;
use crate::model::printable::printable;
use crate::output::file::Output;
use crate::rules::rule;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Codes that a summary lists with their messages.
const CAUSES: usize = 5;
/// Rows per page when reading from an account.
const PAGE: u64 = 1000;

#[derive(Args)]
pub struct AccountArgs {
    /// The local account's file [default: the value of PRESORT_ACCOUNT]
    #[arg(short, long, value_name = "FILE", global = true)]
    account: Option<PathBuf>,
    #[command(subcommand)]
    verb: AccountVerb,
}

#[derive(Subcommand)]
enum AccountVerb {
    /// Create an empty local account in a file
    Init {
        /// The file
        file: Option<PathBuf>,
    },
    /// Contact lists
    Lists {
        #[command(subcommand)]
        verb: ListsVerb,
    },
    /// Custom fields
    Fields {
        #[command(subcommand)]
        verb: FieldsVerb,
    },
    /// Print contacts with all their data, one JSON object per line
    Contacts {
        /// Only the contact of this address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Only contacts in this list (repeatable)
        #[arg(short, long = "list-id", value_name = "UUID")]
        list_ids: Vec<String>,
        /// The maximum number of contacts
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
    },
    /// Write every contact as one line of JSON that `presort clean` reads
    Export {
        /// The output file, or - for standard output
        #[arg(short, long, value_name = "PATH", default_value = "-")]
        output: PathBuf,
        /// Overwrite existing files
        #[arg(long)]
        force: bool,
    },
    /// Print the activities of the last ten days, the newest first, one JSON object per line
    Activities {
        /// Only activities in this state: initialized, processing, completed, cancelled, failed, timed_out
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Option<ActivityState>,
        /// Cancel this activity, which must still wait
        #[arg(long, value_name = "UUID", conflicts_with = "state")]
        cancel: Option<String>,
    },
    /// Mark the contacts of these addresses as unsubscribed: imports no longer add them to lists
    Unsubscribe {
        /// The addresses
        #[arg(required = true)]
        emails: Vec<String>,
    },
    /// Check the integrity of the file
    Check,
}

#[derive(Subcommand)]
enum ListsVerb {
    /// Create a list, and print it as JSON
    Add {
        /// Its name
        name: String,
        /// Its description
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Show it before other lists
        #[arg(long)]
        favorite: bool,
    },
    /// Print all lists, one JSON object per line
    List,
}

#[derive(Subcommand)]
enum FieldsVerb {
    /// Create a custom field, and print it as JSON
    Add {
        /// Its label; its name is the label with underscores for blanks
        label: String,
        /// Its type: string, date, number ...
        #[arg(long = "type", value_name = "TYPE", default_value = "string")]
        kind: String,
    },
    /// Print all custom fields, one JSON object per line
    List,
}

#[derive(Args)]
pub struct ImportArgs {
    /// The local account's file [default: the value of PRESORT_ACCOUNT]
    #[arg(short, long, value_name = "FILE")]
    account: Option<PathBuf>,
    /// Request bodies: files, directories with payload-00001.json and so on, or - for standard input
    #[arg(required = true)]
    bodies: Vec<PathBuf>,
    /// Import the bodies of directories without checking them against receipt.json
    #[arg(long)]
    no_receipt: bool,
    #[command(flatten)]
    envelope: EnvelopeArgs,
    /// Print only errors
    #[arg(short, long)]
    quiet: bool,
    /// Show progress: on a terminal (auto), always, or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    progress: When,
    /// Use colours: on a terminal (auto), always, or never; auto respects NO_COLOR
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

fn state(text: &str) -> std::result::Result<ActivityState, String> {
    ActivityState::parse(text)
        .ok_or_else(|| format!("it is one of {}", ActivityState::ALL.map(ActivityState::as_str).join(", ")))
}

fn from_environment() -> Option<PathBuf> {
    std::env::var_os("PRESORT_ACCOUNT").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Opens the given account, or that of the environment.
pub fn open(named: Option<&PathBuf>) -> Result<Account> {
    let path = named.cloned().or_else(from_environment);
    let path =
        path.ok_or_else(|| Error::usage("no local account is given: use --account FILE, or set PRESORT_ACCOUNT"))?;
    Ok(Account::open(&path)?)
}

/// Writes a line of JSON.
fn print(output: &mut Output, json: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(json).map_err(|error| Error::usage(error.to_string()))?;
    line.push(b'\n');
    output.write(&line)
}

impl AccountArgs {
    pub fn run(&self) -> Result<ExitCode> {
        if let AccountVerb::Init { file } = &self.verb {
            let file = match (file, &self.account) {
                (Some(_), Some(_)) => return Err(Error::usage("the local account is given twice")),
                (file, account) => file.clone().or_else(|| account.clone()).or_else(from_environment),
            };
            let file = file.ok_or_else(|| Error::usage("no file is given: presort account init FILE"))?;
            Account::create(&file)?;
            return Ok(ExitCode::SUCCESS);
        }
        let account = open(self.account.as_ref())?;
        let mut out = Output::create(Path::new("-"), false)?;
        match &self.verb {
            AccountVerb::Init { .. } => {}
            AccountVerb::Lists { verb: ListsVerb::Add { name, description, favorite } } => {
                let new = NewList { name: name.clone(), description: description.clone(), favorite: Some(*favorite) };
                print(&mut out, &account.add_list(&new)?)?;
            }
            AccountVerb::Lists { verb: ListsVerb::List } => {
                let query = ListQuery { members: Some(MembershipCount::All), page: PageRequest::all(), name: None };
                account.lists(&query)?.items.iter().try_for_each(|list| print(&mut out, list))?;
            }
            AccountVerb::Fields { verb: FieldsVerb::Add { label, kind } } => {
                let new = NewField { label: label.clone(), kind: kind.clone(), ..NewField::default() };
                print(&mut out, &account.add_field(&new)?)?;
            }
            AccountVerb::Fields { verb: FieldsVerb::List } => {
                account.fields(PageRequest::all())?.items.iter().try_for_each(|field| print(&mut out, field))?;
            }
            AccountVerb::Contacts { email, list_ids, limit } => {
                let mut left = limit.unwrap_or(u64::MAX);
                let mut query = ContactQuery {
                    email: email.clone(),
                    lists: list_ids.clone(),
                    include: Include::all(),
                    ..ContactQuery::default()
                };
                while left > 0 {
                    query.page.limit = left.min(PAGE);
                    let page = account.contacts(&query)?;
                    left -= page.items.len() as u64;
                    page.items.iter().try_for_each(|contact| print(&mut out, contact))?;
                    query.page.after = page.next;
                    if page.next.is_none() {
                        break;
                    }
                }
            }
            AccountVerb::Export { output, force } => {
                let mut file = Output::create(output, *force)?;
                account.export(|line| Ok(file.write(line)?))?;
                file.finish()?;
            }
            AccountVerb::Activities { cancel: Some(id), .. } => print(&mut out, &account.cancel(id)?)?,
            AccountVerb::Activities { state, cancel: None } => {
                let mut request = PageRequest { limit: PAGE, ..PageRequest::default() };
                loop {
                    let page = account.activities(*state, request)?;
                    page.items.iter().try_for_each(|activity| print(&mut out, activity))?;
                    request.after = page.next;
                    if page.next.is_none() {
                        break;
                    }
                }
            }
            AccountVerb::Unsubscribe { emails } => {
                account.unsubscribe(emails)?;
            }
            AccountVerb::Check => {
                let faults = account.check()?;
                if !faults.is_empty() {
                    let path = account.path().display();
                    return Err(Error::usage(format!("{path} is not sound: {}", faults.join("; "))));
                }
            }
        }
        out.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The totals of a run of `import`.
#[derive(Default)]
struct Totals {
    bodies: u64,
    contacts: u64,
    imported: u64,
    errors: BTreeMap<String, u64>,
    unsubscribed: u64,
    /// Bodies that could not be imported at all.
    failed: u64,
    /// Bodies that were not reached.
    left: u64,
    unclean: bool,
    /// The error that kept an activity from being printed. The import goes on.
    unprinted: Option<Error>,
}

impl ImportArgs {
    pub fn run(&self) -> Result<ExitCode> {
        let account = open(self.account.as_ref())?;
        let BodyFiles { all: files, notes } = body_files(&self.bodies, self.no_receipt)?;
        for note in notes.iter().filter(|_| !self.quiet) {
            let _ = writeln!(io::stderr(), "presort: note: {note}");
        }
        let waiting = account.waiting()?;
        if waiting > 0 && !self.quiet {
            let many = if waiting == 1 { "activity waits" } else { "activities wait" };
            let _ = writeln!(
                io::stderr(),
                "presort: note: {waiting} {many} in the local account from before; these are imported first"
            );
        }
        let mut totals = Totals { left: files.len() as u64, ..Totals::default() };
        let mut out = Output::create(Path::new("-"), false)?;
        let result = self.import_all(&account, &files, &mut out, &mut totals);
        if !self.quiet {
            let _ = io::stderr().write_all(summary(&totals, colours(self.color)).as_bytes());
        }
        result?;
        match totals.unprinted {
            // The reader of the pipe has seen enough.
            Some(error) if !matches!(error.kind(), Kind::ClosedPipe) => return Err(error),
            _ => {}
        }
        Ok(match (totals.failed, totals.unclean) {
            (1.., _) => ExitCode::from(2),
            (0, true) => ExitCode::from(1),
            (0, false) => ExitCode::SUCCESS,
        })
    }

    fn import_all(&self, account: &Account, files: &[BodyFile], out: &mut Output, totals: &mut Totals) -> Result<()> {
        let overrides = self.envelope.overrides();
        let bar = progress::Steps::new(
            match self.progress {
                When::Always => true,
                When::Never => false,
                When::Auto => io::stderr().is_terminal() && !self.quiet,
            },
            files.len() as u64,
        );
        // Each text is one line with its line break.
        let say = |text: &str| {
            let line = format!("{}\n", printable(text.trim_end_matches('\n')));
            let write = || drop(io::stderr().write_all(line.as_bytes()));
            match &bar {
                Some(bar) => bar.suspend(write),
                None => write(),
            }
        };
        for file in files {
            if let Some(bar) = &bar {
                bar.begin(&file.name);
            }
            let body = match file.read(&overrides) {
                Ok(body) => body,
                // The other bodies may be valid.
                Err(error) if error.is_broken_input() => {
                    totals.fail();
                    say(&format!("presort: error: {error}\n"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let accepted = match accept(account, &body, &file.name, &say) {
                Ok(accepted) => accepted,
                Err(error @ account::Error::Body(_)) => {
                    totals.fail();
                    let error = error.for_audience(Audience::Import).replacen("the body", &file.name, 1);
                    say(&format!("presort: error: {error}\n"));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let activity = run_until_over(account, &accepted, &say)?;
            let printed = print(out, &activity).and_then(|()| out.flush());
            if let Err(error) = printed {
                totals.unprinted.get_or_insert(error);
            }
            totals.add(&activity);
            let why = activity.activity_errors.first().map_or("", String::as_str);
            if activity.state != ActivityState::Completed {
                say(&format!("presort: error: {}: {}: {why}\n", file.name, activity.state));
            } else if why.starts_with("the body is over") {
                say(&format!(
                    "presort: warning: {}: {why}; to import all of it, split it into several bodies\n",
                    file.name
                ));
            }
        }
        Ok(())
    }
}

impl Totals {
    /// A body could not be imported at all.
    fn fail(&mut self) {
        self.failed += 1;
        self.bodies += 1;
        self.left -= 1;
    }

    fn add(&mut self, activity: &Activity) {
        let status = &activity.status;
        self.bodies += 1;
        self.left -= 1;
        self.contacts += status.items_total_count;
        self.imported += status.items_completed_count;
        for (code, count) in &status.errors_by_code {
            *self.errors.entry(code.clone()).or_default() += count;
        }
        self.unsubscribed += status.cannot_add_to_list_count;
        self.failed += u64::from(activity.state != ActivityState::Completed);
        self.unclean |= !activity.is_clean();
    }
}

/// Waits for another process that works on the account: each time twice as long as before, up to a second. SQLite itself does
/// not always wait.
struct Patience<'s> {
    pause: Duration,
    say: &'s dyn Fn(&str),
    has_said: bool,
}

impl<'s> Patience<'s> {
    fn new(say: &'s dyn Fn(&str)) -> Self {
        Patience { pause: Duration::from_millis(20), say, has_said: false }
    }

    fn wait(&mut self) {
        let longest = Duration::from_secs(1);
        if self.pause == longest && !self.has_said {
            (self.say)("presort: note: another program works on the local account; waiting for it\n");
            self.has_said = true;
        }
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(longest);
    }
}

/// Puts a body into the account; if the queue is full, runs waiting activities first.
fn accept(account: &Account, body: &Body, name: &str, say: &dyn Fn(&str)) -> account::Result<Activity> {
    let stop = AtomicBool::new(false);
    let mut patience = Patience::new(say);
    loop {
        // A body that still waits from an interrupted import is reused.
        match account.accept_once(body, name) {
            Err(account::Error::Full) => match account.run_next(&Runner::unlimited(&stop)) {
                Err(error) if error.is_busy() => patience.wait(),
                Err(error) => return Err(error),
                Ok(_) => {}
            },
            Err(error) if error.is_busy() => patience.wait(),
            other => return other,
        }
    }
}

/// Runs the waiting activities, up to and including this one.
fn run_until_over(account: &Account, accepted: &Activity, say: &dyn Fn(&str)) -> Result<Activity> {
    let stop = AtomicBool::new(false);
    let runner = Runner::unlimited(&stop);
    let mut patience = Patience::new(say);
    loop {
        let error = match account.activity(&accepted.activity_id) {
            Ok(activity) if activity.completed_at.is_some() => return Ok(activity),
            Ok(_) => match account.run_next(&runner) {
                Ok(_) => continue,
                Err(error) => error,
            },
            Err(error) => error,
        };
        // Another process imports.
        if error.is_busy() {
            patience.wait();
            continue;
        }
        return match account.activity(&accepted.activity_id) {
            // It is over, and only failed to leave the queue.
            Ok(activity) if activity.completed_at.is_some() => Ok(activity),
            _ => Err(Error::usage(format!(
                "{error}. The body waits in the local account: the next import or serve imports it, once"
            ))),
        };
    }
}

/// The summary of an import, for a person.
fn summary(totals: &Totals, colours: bool) -> String {
    let plural = |n: u64, one: &str, many: &str| format!("{} {}", count(n), if n == 1 { one } else { many });
    let Totals { bodies, contacts, imported, errors, unsubscribed, failed, left, .. } = totals;
    let of =
        format!("{} of {} imported into the local account", count(*imported), plural(*contacts, "contact", "contacts"));
    let mut text = format!("presort: {} from {}\n", Paint(colours).bold(&of), plural(*bodies, "body", "bodies"));
    let mut errors: Vec<(&String, &u64)> = errors.iter().collect();
    errors.sort_by_key(|(code, n)| (Reverse(**n), (*code).clone()));
    for (code, n) in errors.iter().take(CAUSES) {
        let message = Code::parse(code).map_or("", |code| rule(code).message);
        text += &format!("  {} x {} {message}\n", count(**n), printable(code));
    }
    if errors.len() > CAUSES {
        let codes: Vec<&str> = errors[CAUSES..].iter().map(|(code, _)| code.as_str()).take(9).collect();
        text += &format!("  and {}\n", codes.join(" "));
    }
    if *unsubscribed > 0 {
        text += &format!(
            "  {} unsubscribed before, so they were added to no list\n",
            plural(*unsubscribed, "contact", "contacts")
        );
    }
    if *failed > 0 {
        text += &format!("  {} could not be imported\n", plural(*failed, "body", "bodies"));
    }
    if *left > 0 {
        text += &format!("  {} not reached\n", plural(*left, "body", "bodies"));
    }
    if !errors.is_empty() {
        text += "next: activity_errors of each activity lists the contacts; presort explain CODE explains a code\n";
    }
    text
}
