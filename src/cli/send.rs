//! `presort plan` and `presort send`.

use super::args::{TextFormat, When};
use super::paint::Paint;
use super::summary::count;
use super::{colours, print, read_fields, signals};
use crate::model::error::{Error, Result};
use crate::model::printable::{cut, printable};
use crate::rules::custom;
use crate::send::address::SERVICE;
use crate::send::bodies::Bodies;
use crate::send::inquiry::Account;
use crate::send::oauth::Stored;
use crate::send::outcome::{Answers, Outcome, REFUSED, RESULT, ShownAnswer};
use crate::send::plan::{Known, Plan, parse_lists};
use crate::send::remote::{Fixed, SystemClock, TOKEN_VARIABLE, Tokens};
use crate::send::run::{self, Settings, Watcher};
use crate::send::sender::{Limits, News};
use crate::send::store::Store;
use crate::send::{self, BaseUrl, state_dir};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Bodies of a run that did not come to its end.
const PARTIAL: &str = "the run that wrote these bodies stopped early: they hold only a part of its input";

pub(super) const SEND_HELP: &str = "\
Examples:
  presort send bodies/
  presort send bodies/ --base-url http://127.0.0.1:8080/v3
      a rehearsal with presort serve, which the real run afterwards does not mix with
  presort send bodies/ --retry-failed

It goes on where the last run ended, however that was. In the directory it writes send.journal, result.json and refused.ndjson.

Exit status:
  0  success: every contact of the bodies is imported
  1  finished, but some contacts were refused, or the service does not say what became of them
  2  failure: usage, bodies that are not those of their receipt, no valid token
  3  stopped for now: run the same command again, to go on";

pub(super) const PLAN_HELP: &str = "\
Examples:
  presort plan bodies/
  presort plan bodies/ --lists lists.json --custom-fields fields.json
  presort plan bodies/ --base-url http://127.0.0.1:8080/v3 --create-fields

Exit status:
  0  the bodies are those of their receipt
  2  failure: bodies that are missing, changed or unknown, or a token that the service does not accept";

/// Which service, and how fast.
#[derive(Args)]
pub struct ServiceArgs {
    /// The address of the service, with its version; http:// only for this machine; PRESORT_BASE_URL sets it as well
    #[arg(long, value_name = "URL", default_value = SERVICE)]
    base_url: String,
    /// The most requests a second, of all kinds; partner keys have 10
    #[arg(long, value_name = "N", default_value_t = 4.0, value_parser = rate)]
    rate: f64,
    /// The most requests a day of the service, which begins at 00:00 UTC; partner keys have 250000
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    quota: u64,
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.01..=1000.0).contains(&rate) => Ok(rate),
        _ => Err("write a number from 0.01 to 1000".to_owned()),
    }
}

#[derive(Args)]
pub struct PlanArgs {
    /// The directory that clean --split wrote
    dir: PathBuf,
    /// The lists of the account: the JSON answer of GET /contact_lists, or an identifier a line [default: ask the service, with a token]
    #[arg(long, value_name = "FILE")]
    lists: Option<PathBuf>,
    /// The custom fields of the account: the JSON answer of GET /contact_custom_fields, or a name a line [default: ask the service,
    /// with a token]
    #[arg(long, value_name = "FILE")]
    custom_fields: Option<PathBuf>,
    /// Show the requests that create custom fields that the account lacks
    #[arg(long)]
    create_fields: bool,
    #[command(flatten)]
    service: ServiceArgs,
    /// The output format: text or JSON
    #[arg(short, long, value_enum, default_value_t = TextFormat::Text)]
    format: TextFormat,
}

/// How to send.
#[derive(Args)]
pub struct SendOptions {
    /// Send bodies again whose activity failed or timed out, or that the service refused
    #[arg(long)]
    retry_failed: bool,
    /// Create custom fields that the account lacks, as text
    #[arg(long)]
    create_fields: bool,
    #[command(flatten)]
    service: ServiceArgs,
    /// The most activities that are not over
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=900))]
    in_flight: u16,
    /// The most further attempts of a request that got no answer, or an error of the service
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(..=100))]
    retries: u32,
    /// The time limit of one request
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// What a person sees of it.
pub(super) struct Shown {
    pub(super) quiet: bool,
    pub(super) progress: When,
    pub(super) color: When,
}

#[derive(Args)]
pub struct SendArgs {
    /// The directory that clean --split wrote
    dir: PathBuf,
    #[command(flatten)]
    options: SendOptions,
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

/// An error of the wing, printed, as the exit status.
pub(super) fn status_of(error: &send::Error) -> ExitCode {
    say(error);
    ExitCode::from(error.status())
}

/// Says what ended a command. That it goes on later is no error.
fn say(error: &send::Error) {
    match error.status() {
        3 => drop(writeln!(io::stderr(), "presort: stopped: {}", printable(&error.to_string()))),
        _ => super::say(&error.to_string()),
    }
}

/// Where tokens for a service come from: the environment, a login, or for this machine nowhere.
fn tokens<'f>(base: &BaseUrl, must_end: &'f AtomicBool) -> send::Result<Option<Box<dyn Tokens + 'f>>> {
    if let Some(fixed) = Fixed::of_environment()? {
        return Ok(Some(Box::new(fixed)));
    }
    // Without a home directory there is no login, which is no fault on this machine.
    let stored = match state_dir::state_dir() {
        Ok(dir) => Stored::open(Store::new(&dir, base), Box::new(SystemClock { must_end }))?,
        Err(_) if base.is_loopback() => None,
        Err(error) => return Err(error),
    };
    if let Some(stored) = stored {
        return Ok(Some(Box::new(stored)));
    }
    Ok(base.is_loopback().then(|| Box::new(Fixed::none()) as Box<dyn Tokens>))
}

/// The same, where there must be some.
pub(super) fn tokens_for<'f>(base: &BaseUrl, must_end: &'f AtomicBool) -> send::Result<Box<dyn Tokens + 'f>> {
    tokens(base, must_end)?.ok_or_else(|| {
        send::Error::Login(format!("there is no token for {base}: run presort login, or set {TOKEN_VARIABLE}"))
    })
}

impl ServiceArgs {
    fn settings(&self) -> send::Result<Settings> {
        Ok(Settings {
            base: BaseUrl::parse(&self.base_url)?,
            limits: Limits { rate: self.rate, quota: self.quota, ..Limits::default() },
            timeout: Duration::from_secs(120),
            retry_failed: false,
            create_fields: false,
        })
    }

    /// A plan for a person.
    fn text(&self, plan: &Plan, account: Option<&Account>) -> String {
        let ServiceArgs { base_url, rate, quota } = self;
        let of = account.and_then(Account::text).map(|account| format!(", account \"{account}\"")).unwrap_or_default();
        let mut text = format!(
            "{} with {} for {}{of}\n",
            plural(plan.bodies as u64, "body", "bodies"),
            plural(plan.contacts, "contact", "contacts"),
            printable(base_url)
        );
        text += &format!(
            "  about {}: {} at {rate} a second, {}\n",
            plural(plan.requests, "request", "requests"),
            if plan.minutes < 1.0 { "less than a minute".to_owned() } else { format!("{} minutes", plan.minutes) },
            match plan.days {
                0 | 1 => format!("within one day's quota of {}", count(*quota)),
                days => format!("{} at {} a day", plural(days, "day", "days"), count(*quota)),
            }
        );
        for (id, name) in &plan.lists {
            let name = if name.is_empty() { "(of a name that is not known)" } else { name };
            text += &format!("  to the list {} ({})\n", printable(name), printable(id));
        }
        if plan.lists_missing.as_ref().is_none_or(|missing| !missing.is_empty()) {
            text += &missing("lists", plan.lists_missing.as_ref(), "--lists FILE");
        }
        text += &missing("custom fields", plan.fields_missing.as_ref(), "--custom-fields FILE");
        for create in &plan.creates {
            text += &format!("  --create-fields sends {} {} {}\n", create.method, create.path, create.body);
        }
        text
    }
}

impl PlanArgs {
    pub fn run(&self) -> Result<ExitCode> {
        match self.plan() {
            Ok((plan, account)) => {
                let text = match self.format {
                    TextFormat::Json => {
                        let json = serde_json::to_string(&plan).map_err(|error| Error::usage(error.to_string()))?;
                        json + "\n"
                    }
                    TextFormat::Text => self.service.text(&plan, account.as_ref()),
                };
                print(&text)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Ok(status_of(&error)),
        }
    }

    fn plan(&self) -> send::Result<(Plan, Option<Account>)> {
        let settings = self.service.settings()?;
        let bodies = Bodies::verified(&self.dir)?;
        if bodies.is_partial {
            let _ = writeln!(io::stderr(), "presort: note: {PARTIAL}");
        }
        let needs = bodies.needs()?;
        let (mut known, mut account) = (Known::default(), None);
        let is_in_files = self.lists.is_some() && self.custom_fields.is_some();
        let must_end = AtomicBool::new(false);
        if !is_in_files && let Some(mut tokens) = tokens(&settings.base, &must_end)? {
            match run::ask(&settings, tokens.as_mut(), &must_end, !needs.fields.is_empty()) {
                Ok(asked) => (account, known) = (Some(asked.0), asked.1),
                // The bodies are sound, and most of the plan needs no service.
                Err(error) if error.status() == 3 => {
                    let _ =
                        writeln!(io::stderr(), "presort: note: nothing was checked: {}", printable(&error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        let read = |path: &PathBuf| {
            let name = path.display().to_string();
            let bytes = read_fields(path).map_err(|error| Error::io("read", &name, error))?;
            Ok::<_, send::Error>((name, bytes))
        };
        if let Some(path) = &self.lists {
            let (name, bytes) = read(path)?;
            known.lists = Some(parse_lists(&bytes).map_err(|what| Error::usage(format!("{name}: {what}")))?);
        }
        if let Some(path) = &self.custom_fields {
            let (name, bytes) = read(path)?;
            let fields = custom::parse_names(&bytes).map_err(|what| Error::usage(format!("{name}: {what}")))?;
            known.fields = Some(fields);
        }
        if needs.fields.is_empty() {
            // Bodies without custom fields lack none.
            known.fields.get_or_insert_default();
        }
        let id = account.as_ref().and_then(|account| account.id.as_deref());
        if run::is_sent(&bodies, settings.base.as_str(), id) {
            let _ =
                writeln!(io::stderr(), "presort: note: all of these bodies were sent: send sends none of them again");
        }
        Ok((Plan::new(&bodies, &needs, &known, &settings.limits, self.create_fields), account))
    }
}

fn missing(what: &str, names: Option<&BTreeSet<String>>, option: &str) -> String {
    match names {
        None => format!("  {what}: not checked (log in, or use {option})\n"),
        Some(names) if names.is_empty() => format!("  {what}: the account has all that are needed\n"),
        Some(names) => {
            let names: Vec<_> = names.iter().map(|name| printable(name)).collect();
            format!("  {what}: the account lacks {}\n", names.join(", "))
        }
    }
}

pub(super) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Shows a person how far it is.
struct Terminal {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Terminal {
    fn new(is_shown: bool, quiet: bool, bodies: &Bodies) -> Terminal {
        let bar = is_shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(bodies.contacts()), ProgressDrawTarget::stderr());
            let template = "{wide_bar} {human_pos} of {human_len} contacts, {msg}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message("0 bodies");
            bar
        });
        Terminal { bar, quiet }
    }
}

impl Watcher for Terminal {
    fn news(&mut self, news: News<'_>) {
        /// Shorter waits are not worth a line.
        const LONG: f64 = 2.0;
        match (news, &self.bar) {
            (News::Progress(progress), Some(bar)) => {
                bar.set_position(progress.contacts);
                bar.set_message(format!(
                    "{}, {} requests left today",
                    plural(progress.bodies as u64, "body", "bodies"),
                    count(progress.requests_left)
                ));
            }
            (News::Waits { seconds, why }, _) if seconds >= LONG => {
                self.note(&format!("waiting for the service, up to {} s: {why}", seconds.ceil()));
            }
            _ => {}
        }
    }

    fn note(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        let say = || {
            let _ = writeln!(io::stderr(), "presort: note: {}", printable(text));
        };
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl SendArgs {
    pub fn run(&self) -> Result<ExitCode> {
        let shown = Shown { quiet: self.quiet, progress: self.progress, color: self.color };
        let must_end = signals::flag();
        match self.options.send(&self.dir, &shown, &must_end) {
            Ok(status) => Ok(ExitCode::from(status)),
            Err(error) => Ok(status_of(&error)),
        }
    }
}

impl SendOptions {
    pub(super) fn settings(&self) -> send::Result<Settings> {
        let mut settings = self.service.settings()?;
        settings.limits.in_flight = usize::from(self.in_flight);
        settings.limits.retries = self.retries;
        settings.timeout = Duration::from_secs(self.timeout);
        settings.retry_failed = self.retry_failed;
        settings.create_fields = self.create_fields;
        Ok(settings)
    }

    /// What sending these bodies would do, for a person.
    pub(super) fn preview(&self, bodies: &Bodies, must_end: &AtomicBool) -> send::Result<String> {
        let settings = self.settings()?;
        let needs = bodies.needs()?;
        let mut tokens = tokens_for(&settings.base, must_end)?;
        let (account, mut known) = run::ask(&settings, tokens.as_mut(), must_end, !needs.fields.is_empty())?;
        known.fields.get_or_insert_default();
        let plan = Plan::new(bodies, &needs, &known, &settings.limits, settings.create_fields);
        Ok(self.service.text(&plan, Some(&account)))
    }

    /// Sends the bodies of a directory. Gives the exit status.
    pub(super) fn send(&self, dir: &Path, shown: &Shown, must_end: &AtomicBool) -> send::Result<u8> {
        let settings = self.settings()?;
        let bodies = Bodies::verified(dir)?;
        let mut tokens = tokens_for(&settings.base, must_end)?;
        let is_shown = match shown.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => io::stderr().is_terminal() && !shown.quiet,
        };
        let delivery = {
            let mut terminal = Terminal::new(is_shown, shown.quiet, &bodies);
            if bodies.is_partial {
                terminal.note(PARTIAL);
            }
            run::deliver(&bodies, &settings, tokens.as_mut(), must_end, &mut terminal)?
        };
        let mut has_result = true;
        if let Some(error) = &delivery.stopped {
            say(error);
            // What could not begin has none.
            has_result = error.status() == 3 || delivery.outcome.contacts.not_sent < delivery.outcome.contacts.accepted;
        }
        if !shown.quiet && has_result {
            let text = shown.summary(dir, &delivery.outcome, &delivery.answers, bodies.opted_out);
            let _ = io::stderr().write_all(text.as_bytes());
        }
        Ok(delivery.status())
    }
}

impl Shown {
    /// The result for a person.
    fn summary(&self, dir: &Path, outcome: &Outcome, answers: &Answers, opted_out: u64) -> String {
        let contacts = &outcome.contacts;
        let paint = Paint(colours(self.color));
        let bodies = plural(outcome.bodies.len() as u64, "body", "bodies");
        let of =
            format!("{} of {} imported", count(contacts.imported), plural(contacts.accepted, "contact", "contacts"));
        let mut text = format!("presort: {} from {bodies}, by {}\n", paint.bold(&of), printable(&outcome.base_url));
        let path = |name: &str| printable(&dir.join(name).display().to_string()).into_owned();
        let (refused, result) = (path(REFUSED), path(RESULT));
        if contacts.refused > 0 {
            let named = match answers.lines - answers.about_imported {
                0 => "the service does not say which".to_owned(),
                _ => format!("{refused} has what it says of each"),
            };
            text += &format!("  {} refused: {named}\n", count(contacts.refused));
            text += &shown(answers);
        }
        if contacts.unknown > 0 {
            let why = if outcome.is_over {
                "the service does not say what became of them"
            } else {
                "the service is not done"
            };
            text += &format!("  {} unknown: {why}\n", count(contacts.unknown));
        }
        if contacts.not_sent > 0 {
            text += &format!("  {} not sent\n", count(contacts.not_sent));
        }
        if answers.about_imported > 0 {
            text += &format!(
                "  {} about values of imported contacts: {refused} has them\n",
                plural(answers.about_imported, "error", "errors")
            );
        }
        if outcome.cannot_add_to_list > 0 {
            text += &format!(
                "  {} unsubscribed before, so they were added to no list\n",
                count(outcome.cannot_add_to_list)
            );
        }
        let twice = outcome.bodies.iter().filter(|body| body.sent > 1).count() as u64;
        if twice > 0 {
            text += &format!("  {} sent more than once, which changes nothing\n", plural(twice, "body", "bodies"));
        }
        let found = outcome.bodies.iter().filter(|body| body.found).count() as u64;
        if found > 0 {
            text += &format!(
                "  {} not answered, and found among the activities of the account: {result} has which\n",
                plural(found, "body", "bodies")
            );
        }
        if outcome.rejected_by_clean > 0 {
            let opted_out = match opted_out {
                0 => String::new(),
                opted_out => format!(" ({} opted out)", count(opted_out)),
            };
            text += &format!("  {} rejected by clean{opted_out}: not sent\n", count(outcome.rejected_by_clean));
        }
        text += &notes(&outcome.notes);
        text += &match outcome.status() {
            3 => "next: the same command goes on\n".to_owned(),
            1 if outcome.bodies.iter().any(|body| !matches!(body.state.as_str(), "completed")) => format!(
                "next: {result} has each body; the same command with --retry-failed sends those again that failed\n"
            ),
            _ => format!("next: {result} has each body\n"),
        };
        text
    }
}

/// The first answers about contacts, one a line.
fn shown(answers: &Answers) -> String {
    let mut text = String::new();
    for ShownAnswer { file, index, from, error } in &answers.first {
        let place = match (from, index) {
            (Some((input, Some(line))), _) => format!("{input}, line {line}"),
            (Some((input, None)), Some(index)) => format!("{input}, contact {index} of {file}"),
            (_, Some(index)) => format!("contact {index} of {file}"),
            (_, None) => file.clone(),
        };
        let error = error.as_deref().unwrap_or("the service gives no reason");
        text += &format!("    {}: {}\n", printable(&place), printable(cut(error, 200)));
    }
    let more = answers.lines - answers.about_imported - answers.first.len() as u64;
    if more > 0 {
        text += &format!("    and {} more\n", count(more));
    }
    text
}

/// What is not clear about the result.
fn notes(notes: &[String]) -> String {
    /// Notes that are shown.
    const SHOWN: usize = 3;
    let mut text: String = notes.iter().take(SHOWN).map(|note| format!("  note: {}\n", printable(note))).collect();
    if notes.len() > SHOWN {
        text += &format!("  and {} more notes in {RESULT}\n", notes.len() - SHOWN);
    }
    text
}
