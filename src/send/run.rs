//! A delivery from its beginning to its end: the account, what it lacks, the bodies, the result.

use super::activity::{Fault, List};
use super::bodies::{Bodies, Body};
use super::claims::Claims;
use super::inquiry::Account;
use super::journal::{Entry, Phase, State, account_of};
use super::journal_file::JournalFile;
use super::outcome::{Answers, Outcome};
use super::plan::{Create, Known, create_field, create_list, refuse_missing_lists};
use super::remote::{Remote, SystemClock, Tokens};
use super::sender::{Limits, Log, News, Sender, retry_failed};
use super::state_dir::state_dir;
use super::{BaseUrl, Error, Result};
use crate::model::printable::printable;
use crate::rules::custom::Fields;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How to deliver.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The service.
    pub base: BaseUrl,
    /// Limits.
    pub limits: Limits,
    /// The time for one answer.
    pub timeout: Duration,
    /// Bodies that failed are sent again.
    pub retry_failed: bool,
    /// Custom fields that the account lacks are created.
    pub create_fields: bool,
}

/// What is reported during a delivery.
pub trait Watcher {
    /// How far it is, and what it waits for.
    fn news(&mut self, news: News<'_>);
    /// Something that a person should know.
    fn note(&mut self, text: &str);
}

/// Events before the account is known, and those of a plan, which has no journal.
#[derive(Default)]
struct Held(Vec<Entry>);

impl Log for Held {
    fn append(&mut self, entry: &Entry) -> Result<()> {
        self.0.push(entry.clone());
        Ok(())
    }
}

/// The end of a delivery: what became of each contact, and what stopped it.
pub struct Delivery {
    /// What became of each contact.
    pub outcome: Outcome,
    /// What stopped it, if something did.
    pub stopped: Option<Error>,
    /// What the service says of contacts that it did not import.
    pub answers: Answers,
}

impl Delivery {
    /// The exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.stopped.as_ref().map_or_else(|| self.outcome.status(), Error::status)
    }
}

/// Most further attempts of a question that someone waits for.
const RETRIES: u32 = 2;

/// Asks the service before, or without, a delivery. Gives the events as well.
fn asking<T>(
    settings: &Settings,
    tokens: &mut dyn Tokens,
    must_end: &AtomicBool,
    tell: &mut dyn FnMut(News<'_>),
    ask: impl FnOnce(&mut Sender<'_>) -> Result<T>,
) -> Result<(T, Vec<Entry>)> {
    let mut service = Remote::new(&settings.base, settings.timeout, tokens, None)?;
    let (mut held, mut state, mut clock) = (Held::default(), State::default(), SystemClock { must_end });
    let (base, limits) = (settings.base.as_str(), settings.limits.clone());
    let mut sender = Sender::new(&mut service, &mut clock, &mut held, tell, &[], limits, base, None, &mut state, 0.0);
    let answer = ask(&mut sender)?;
    Ok((answer, held.0))
}

/// The same for someone who waits, and gets the error soon.
fn quickly(settings: &Settings) -> Settings {
    let limits = Limits { retries: settings.limits.retries.min(RETRIES), ..settings.limits.clone() };
    Settings { limits, ..settings.clone() }
}

/// What the account has, by its own answer.
///
/// # Errors
/// The service does not answer, or not to this token.
pub fn ask(
    settings: &Settings,
    tokens: &mut dyn Tokens,
    must_end: &AtomicBool,
    with_fields: bool,
) -> Result<(Account, Known)> {
    let answer = asking(&quickly(settings), tokens, must_end, &mut |_| {}, |sender| {
        let account = sender.account_summary()?;
        Ok((account, known(sender, with_fields)?))
    })?;
    Ok(answer.0)
}

fn known(sender: &mut Sender<'_>, with_fields: bool) -> Result<Known> {
    let lists = sender.lists()?.into_iter().map(|list| (list.list_id.to_ascii_lowercase(), list.name)).collect();
    let mut known = Known { lists: Some(lists), fields: None };
    if with_fields {
        let mut fields = Fields::default();
        for field in sender.fields()? {
            fields.add([field.name.as_str(), field.label.as_str()].into_iter().filter(|name| !name.is_empty()));
        }
        known.fields = Some(fields);
    }
    Ok(known)
}

/// The account, and its list of this name or identifier. With `create`, a list of a name that is not there is created.
///
/// # Errors
/// There is none, or several of one name, or the service does not answer.
pub fn find_list(
    settings: &Settings,
    tokens: &mut dyn Tokens,
    must_end: &AtomicBool,
    wanted: &str,
    create: bool,
) -> Result<(Account, List)> {
    let found = asking(&quickly(settings), tokens, must_end, &mut |_| {}, |sender| {
        let account = sender.account_summary()?;
        for may_create in [create, false] {
            let lists = sender.lists()?;
            let by_id = lists.iter().find(|list| list.list_id.eq_ignore_ascii_case(wanted));
            let mut by_name: Vec<&List> = lists.iter().filter(|list| list.name == wanted).collect();
            if by_name.is_empty() && create {
                // The service has one list of a name, whatever the case of its letters.
                let is_same = |list: &&List| list.name.to_lowercase() == wanted.to_lowercase();
                by_name = lists.iter().filter(is_same).collect();
            }
            match (by_id, &by_name[..]) {
                (Some(list), _) => return Ok((account, list.clone())),
                (None, [list]) => return Ok((account, (*list).clone())),
                (None, []) if may_create => sender.create(&create_list(wanted))?,
                (None, []) => return Err(no_list(wanted, &lists)),
                (None, several) => {
                    return Err(Error::could(format!(
                        "the account has {} lists of the name {}: name one by its identifier",
                        several.len(),
                        printable(wanted)
                    )));
                }
            }
        }
        Err(Error::later("the service created the list, and does not show it; run the same command again"))
    })?;
    Ok(found.0)
}

/// There is no list of this name. Those that there are help.
fn no_list(wanted: &str, lists: &[List]) -> Error {
    /// Lists that are named.
    const NAMED: usize = 10;
    let names: Vec<_> = lists.iter().take(NAMED).map(|list| printable(&list.name)).collect();
    let has = match lists.len() {
        0 => "it has no lists".to_owned(),
        1..=NAMED => format!("it has {}", names.join(", ")),
        more => format!("it has {} and {} more", names.join(", "), more - NAMED),
    };
    Error::could(format!(
        "the account has no list {} ({has}); --create-lists creates one of this name",
        printable(wanted)
    ))
}

/// Delivers bodies, or goes on where the journal ends, and writes down what became of each contact.
///
/// # Errors
/// Nothing was sent. What stops it later is in the [`Delivery`].
pub fn deliver(
    bodies: &Bodies,
    settings: &Settings,
    tokens: &mut dyn Tokens,
    must_end: &AtomicBool,
    watcher: &mut dyn Watcher,
) -> Result<Delivery> {
    let mut journal = JournalFile::open(&bodies.dir)?;
    let base = settings.base.as_str();
    let ((account, skew), held) = asking(settings, tokens, must_end, &mut |news| watcher.news(news), |sender| {
        let account = sender.account_summary()?;
        Ok((account, sender.skew))
    })?;
    let wrong = |what| Error::could(format!("{}: {what}", bodies.dir.join(super::journal_file::NAME).display()));
    let id = account_of(&journal.before, base, account.id.as_deref()).map_err(wrong)?;
    let id = id.as_deref();
    let mut state = State::replay(&journal.before, base, id).map_err(wrong)?;
    for mut entry in held {
        entry.account = id.map(str::to_owned);
        journal.append(&entry)?;
        state.apply(&entry);
    }
    match state_dir().and_then(|dir| Claims::open(&dir, &settings.base, id, &bodies.dir)) {
        Ok(claims) => journal.claims = Some(claims),
        Err(error) => {
            watcher.note(&format!("a body that is not answered will be sent again, and not be looked for: {error}"))
        }
    }
    let mut service = Remote::new(&settings.base, settings.timeout, tokens, Some(bodies))?;
    let mut clock = SystemClock { must_end };
    let mut notes = Vec::new();
    let stopped = {
        let mut tell = |news: News<'_>| watcher.news(news);
        let limits = settings.limits.clone();
        let all: &[Body] = &bodies.all;
        let mut sender =
            Sender::new(&mut service, &mut clock, &mut journal, &mut tell, all, limits, base, id, &mut state, skew);
        let prepared = prepare(&mut sender, bodies, settings, &mut notes);
        prepared.and_then(|()| sender.run()).err()
    };
    notes.iter().for_each(|note| watcher.note(note));
    let outcome = Outcome::new(bodies, &state, base, id)?;
    let answers = outcome.write(bodies, &state, &bodies.dir)?;
    Ok(Delivery { outcome, stopped, answers })
}

/// Whether the journal of these bodies says that all of them were sent to a service. A journal that cannot be read says nothing.
#[must_use]
pub fn is_sent(bodies: &Bodies, base: &str, account: Option<&str>) -> bool {
    let Ok(journal) = std::fs::read(bodies.dir.join(super::journal_file::NAME)) else { return false };
    let state = account_of(&journal, base, account).and_then(|id| State::replay(&journal, base, id.as_deref()));
    let is_over = |phase: &Phase| matches!(phase, Phase::Over(_) | Phase::Refused { .. });
    state.is_ok_and(|state| bodies.all.iter().all(|body| is_over(&state.body(body).phase)))
}

/// What comes before the first body: failed ones are marked, and what the account lacks is found before bodies fail by it.
fn prepare(sender: &mut Sender<'_>, bodies: &Bodies, settings: &Settings, notes: &mut Vec<String>) -> Result<()> {
    let phases = || bodies.all.iter().map(|body| &sender.state.body(body).phase);
    let is_again = settings.retry_failed && phases().any(Phase::has_failed);
    if settings.retry_failed && !is_again {
        notes.push("no body has failed, so --retry-failed sends none again".to_owned());
    }
    if !is_again && !phases().any(|phase| matches!(phase, Phase::Waiting | Phase::MaybeSent { .. })) {
        return Ok(());
    }
    complete(sender, bodies, settings, notes)?;
    // What the service said of these bodies is kept until they can be sent.
    if is_again {
        retry_failed(sender)?;
    }
    Ok(())
}

/// Finds what the account lacks, and creates fields.
fn complete(sender: &mut Sender<'_>, bodies: &Bodies, settings: &Settings, notes: &mut Vec<String>) -> Result<()> {
    let needs = bodies.needs()?;
    let known = known(sender, !needs.fields.is_empty())?;
    refuse_missing_lists(&known, &needs)?;
    let missing = known.fields_missing(&needs).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    if settings.create_fields {
        return missing.iter().try_for_each(|name| sender.create(&create_field(name)));
    }
    let names: Vec<_> = missing.iter().map(|name| printable(name)).collect();
    notes.push(format!(
        "the account lacks custom fields: {}. Their values may be lost; --create-fields creates them first",
        names.join(", ")
    ));
    Ok(())
}

impl Sender<'_> {
    /// Creates something that the account lacks. That it is there already is fine.
    ///
    /// # Errors
    /// The service does not do it.
    pub fn create(&mut self, create: &Create) -> Result<()> {
        let json = serde_json::to_vec(&create.body).map_err(|error| Error::could(error.to_string()))?;
        for attempt in 0..=self.limits.retries {
            let answer = self.post(create.path, &json)?;
            match answer {
                Some(answer) if matches!(answer.status, 200..=299 | 409) => return Ok(()),
                Some(answer) if matches!(answer.status, 400 | 422) => {
                    let fault = Fault::parse(&answer.body).text();
                    let Create { method, path, body } = create;
                    return Err(Error::could(format!("the service does not take {method} {path} {body}: {fault}")));
                }
                Some(answer) if answer.status < 500 => self.turned_away(&answer)?,
                Some(answer) => self.back_off(attempt + 1, &format!("it answers {}", answer.status)),
                None => self.back_off(attempt + 1, "no answer"),
            }
        }
        Err(Error::later("the service does not answer as it should; run the same command again later"))
    }
}
