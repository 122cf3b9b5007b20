//! The order of things: which body goes out when, what an answer means, and what is asked next. The service, the clock and the
//! journal are traits, so that tests can make each of them fail at any point.

use super::activity::{Activity, Fault, Page, State as ActivityState};
use super::bodies::Body;
use super::claims::Candidate;
use super::http::{Answer, NoAnswer};
use super::journal::{Entry, Event, Phase, State};
use super::{Error, Result};
use std::collections::BTreeMap;

mod requests;

/// The service.
pub trait Service {
    /// Sends a body for import.
    ///
    /// # Errors
    /// The outer one: the body cannot be read any more. The inner one: there was no answer.
    fn import(&mut self, body: &Body) -> Result<std::result::Result<Answer, NoAnswer>>;
    /// Gets what is at a path below the base address, or behind a link of an earlier answer.
    ///
    /// # Errors
    /// The outer one: the link leads elsewhere. The inner one: there was no answer.
    fn get(&mut self, path: &str) -> Result<std::result::Result<Answer, NoAnswer>>;
    /// Posts JSON to a path below the base address.
    ///
    /// # Errors
    /// There was no answer.
    fn create(&mut self, path: &str, json: &[u8]) -> std::result::Result<Answer, NoAnswer>;
    /// Gets another access token, after the service did not accept the last one.
    ///
    /// # Errors
    /// There is none to get: someone must log in.
    fn refresh(&mut self) -> Result<()>;
}

/// The clock of this machine, and the wish of its user.
pub trait Clock {
    /// Seconds since 1970.
    fn now(&self) -> f64;
    /// Waits, unless the user wants it to end.
    fn sleep(&mut self, seconds: f64);
    /// Whether the user wants it to end.
    fn must_end(&self) -> bool;
    /// A number from 0 to 1.
    fn random(&mut self) -> f64;
}

/// Where events are written down.
pub trait Log {
    /// Appends an event. It is on the disk when this returns.
    ///
    /// # Errors
    /// It is not.
    fn append(&mut self, entry: &Entry) -> Result<()>;
    /// Shares an event of a body with the other deliveries of this machine, before it is appended.
    ///
    /// # Errors
    /// It cannot be written.
    fn share(&mut self, _body: &Body, _event: &Event) -> Result<()> {
        Ok(())
    }
    /// Claims the one activity that can be of this body alone. `None` if there is none, or more than one.
    ///
    /// # Errors
    /// It cannot be written.
    fn claim(&mut self, _body: &Body, candidates: &[Candidate]) -> Result<Option<String>> {
        Ok(match candidates {
            [one] => Some(one.activity_id.clone()),
            _ => None,
        })
    }
}

/// Limits of a delivery.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most requests a second.
    pub rate: f64,
    /// Most requests a day of the server.
    pub quota: u64,
    /// Most activities that are not over.
    pub in_flight: usize,
    /// Most attempts after the first, of one request.
    pub retries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rate: 4.0, quota: 10_000, in_flight: 50, retries: 8 }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bodies that are settled.
    pub bodies: usize,
    /// Contacts in these.
    pub contacts: u64,
    /// Requests that are left today.
    pub requests_left: u64,
}

/// What is reported during a delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum News<'n> {
    /// How far it is.
    Progress(Progress),
    /// It waits.
    Waits {
        /// For so long at most.
        seconds: f64,
        /// Why.
        why: &'n str,
    },
}

/// Seconds between two looks at the activities, if there is nothing else to do: the first, and the longest.
const POLL: (f64, f64) = (1.0, 15.0);
/// The same while bodies go out: each look takes the place of a body.
pub const POLL_WHILE_SENDING: f64 = 10.0;
/// Seconds to wait after the n-th failure: the first, and the longest.
const WAIT: (f64, f64) = (1.0, 60.0);
/// Longest wait that a server may ask for.
const RETRY_AFTER_MAX: f64 = 3600.0;
/// Waits for a service that throttles, one after the other, before it is left alone for now.
const THROTTLED_MAX: u32 = 30;
/// Seconds after which a full queue is tried again if none of our activities ended.
const QUEUE: f64 = 30.0;
/// Pages of activities that are read in one look.
const PAGES: usize = 20;
/// Seconds by which an activity may be older than the request that made it: `Date` has no fractions.
const SLACK: i64 = 1;
/// Seconds for which an activity that may be ours, but has no counts yet, is waited for.
const UNDECIDED: f64 = 600.0;

/// A delivery under way.
pub struct Sender<'s> {
    /// The service.
    pub service: &'s mut dyn Service,
    /// The clock.
    pub clock: &'s mut dyn Clock,
    /// The journal.
    pub log: &'s mut dyn Log,
    /// Called when something changed.
    pub tell: &'s mut dyn FnMut(News<'_>),
    /// The bodies, in their order.
    pub bodies: &'s [Body],
    /// Limits.
    pub limits: Limits,
    /// The service's address, for the journal.
    pub base_url: &'s str,
    /// The account, for the journal.
    pub account: Option<&'s str>,
    /// What is known.
    pub state: &'s mut State,
    /// The server's clock minus this one's, in seconds.
    pub skew: f64,
    pace: Pace,
}

/// When what may happen.
#[derive(Debug, Default)]
struct Pace {
    /// Before this, no request goes out.
    next_request: f64,
    last_poll: f64,
    poll_interval: f64,
    /// The queue of the service is full: no body before this.
    queue_full_until: f64,
    /// Failures of the current body, one after the other.
    failures: u32,
    /// Answers that the service throttles, one after the other.
    throttled: u32,
    /// The token was refreshed, and has not been accepted since.
    has_refreshed: bool,
}

impl<'s> Sender<'s> {
    /// A delivery of these bodies.
    #[expect(clippy::too_many_arguments, reason = "its parts are what it is made of")]
    pub fn new(
        service: &'s mut dyn Service,
        clock: &'s mut dyn Clock,
        log: &'s mut dyn Log,
        tell: &'s mut dyn FnMut(News<'_>),
        bodies: &'s [Body],
        limits: Limits,
        base_url: &'s str,
        account: Option<&'s str>,
        state: &'s mut State,
        skew: f64,
    ) -> Self {
        Sender { service, clock, log, tell, bodies, limits, base_url, account, state, skew, pace: Pace::default() }
    }

    /// Sends what is left, and waits until all of it is over.
    ///
    /// # Errors
    /// It stopped for now, or cannot go on. The state says how far it came.
    pub fn run(&mut self) -> Result<()> {
        self.pace.poll_interval = POLL.0;
        loop {
            if self.clock.must_end() {
                return Err(Error::later("interrupted; run the same command again to go on"));
            }
            self.report();
            let phases = || self.bodies.iter().map(|body| &self.state.body(body).phase);
            let unclear = phases().position(|phase| matches!(phase, Phase::MaybeSent { .. }));
            let open = phases().filter(|phase| matches!(phase, Phase::Accepted { .. })).count();
            let waiting = phases().position(|phase| *phase == Phase::Waiting);
            if let Some(unclear) = unclear {
                self.look_for(unclear)?;
                continue;
            }
            if waiting.is_none() && open == 0 {
                return Ok(());
            }
            let now = self.clock.now();
            let has_room = waiting.is_some() && open < self.limits.in_flight;
            let may_send = has_room && now >= self.pace.queue_full_until;
            let interval = if may_send { POLL_WHILE_SENDING } else { self.pace.poll_interval };
            let next_poll = if open > 0 { self.pace.last_poll + interval } else { f64::INFINITY };
            if now >= next_poll {
                self.poll()?;
                continue;
            }
            match waiting {
                Some(body) if may_send => self.send(body)?,
                _ => {
                    let until = if has_room { next_poll.min(self.pace.queue_full_until) } else { next_poll };
                    self.clock.sleep((until - now).max(0.01));
                }
            }
        }
    }

    fn report(&mut self) {
        let mut progress = Progress { bodies: 0, contacts: 0, requests_left: 0 };
        for body in self.bodies {
            if matches!(self.state.body(body).phase, Phase::Over(_) | Phase::Refused { .. }) {
                progress.bodies += 1;
                progress.contacts += body.contacts;
            }
        }
        progress.requests_left = self.limits.quota.saturating_sub(self.state.requests_on(self.server_time()));
        (self.tell)(News::Progress(progress));
    }

    /// The server's time, as far as it is known.
    fn server_time(&self) -> i64 {
        (self.clock.now() + self.skew).floor() as i64
    }

    /// Writes an event down, and takes it in.
    fn note(&mut self, body: Option<usize>, event: Event) -> Result<()> {
        let body = body.map(|index| &self.bodies[index]);
        if let Some(body) = body {
            self.log.share(body, &event)?;
        }
        let now = self.clock.now();
        let entry = Entry {
            at: time_text(now),
            base_url: self.base_url.to_owned(),
            account: self.account.map(str::to_owned),
            file: body.map(|body| body.file.clone()),
            sha256: body.map(|body| body.sha256.clone()),
            event,
        };
        self.log.append(&entry)?;
        self.state.apply(&entry);
        Ok(())
    }

    /// Sends a body.
    fn send(&mut self, index: usize) -> Result<()> {
        if self.pace.failures > self.limits.retries {
            return Err(Error::later(format!(
                "the service did not take {} in {} attempts; run the same command again later",
                self.bodies[index].file, self.pace.failures
            )));
        }
        self.wait_turn()?;
        let server_time = self.server_time();
        self.note(Some(index), Event::Sending { server_time })?;
        let answer = match self.service.import(&self.bodies[index]) {
            Ok(answer) => answer,
            Err(error) => {
                // Nothing was sent.
                self.note(Some(index), Event::TurnedAway { status: 0, error_key: None })?;
                return Err(error);
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(NoAnswer(reason)) => return self.unclear(index, reason),
        };
        self.heard(&answer);
        match answer.status {
            200..=299 => match Activity::parse(&answer.body) {
                Some(activity) => {
                    self.pace.failures = 0;
                    if !self.has_open() {
                        self.pace.last_poll = self.clock.now();
                    }
                    self.note(Some(index), Event::Accepted { activity_id: activity.activity_id, found: false })
                }
                None => self.unclear(index, format!("it answers {}, and names no activity", answer.status)),
            },
            400 | 413 | 422 => {
                self.pace.failures = 0;
                let fault = Fault::parse(&answer.body);
                let errors = if fault.messages.is_empty() { vec![fault.text()] } else { fault.messages };
                self.note(Some(index), Event::Refused { status: answer.status, errors })
            }
            500..=599 | 408 => self.unclear(index, format!("it answers {}", answer.status)),
            status => {
                let error_key = Fault::parse(&answer.body).key;
                self.note(Some(index), Event::TurnedAway { status, error_key })?;
                self.turned_away(&answer)
            }
        }
    }

    /// Whether an activity is not over.
    fn has_open(&self) -> bool {
        self.bodies.iter().any(|body| matches!(self.state.body(body).phase, Phase::Accepted { .. }))
    }

    fn unclear(&mut self, index: usize, reason: String) -> Result<()> {
        self.pace.failures += 1;
        self.back_off(self.pace.failures, &reason);
        self.note(Some(index), Event::Unclear { reason })?;
        Ok(())
    }

    /// The activities of the account, newest first as the service gives them, until `is_enough`.
    fn activities(&mut self, mut is_enough: impl FnMut(&Activity) -> bool) -> Result<()> {
        let mut path = "/activities?limit=500".to_owned();
        for _ in 0..PAGES {
            let page = match self.get(&path, &[404])? {
                Some(answer) => Page::parse(&answer.body),
                None => return Err(self.no_path(&path)),
            };
            let Some(page) = page else {
                return Err(Error::could(
                    "what the service answers for /activities is no page of activities; check --base-url",
                ));
            };
            let mut enough = false;
            for activity in &page.activities {
                enough |= is_enough(activity);
            }
            match page.next() {
                Some(next) if !enough => next.clone_into(&mut path),
                _ => break,
            }
        }
        Ok(())
    }

    /// Looks for a body that was sent without a clear answer among the imports that are newer than the request. To take another's for
    /// its own would lose contacts, and to send it again does no harm: if there is a doubt, it is not there.
    fn look_for(&mut self, index: usize) -> Result<()> {
        let Phase::MaybeSent { since } = self.state.body(&self.bodies[index]).phase else { return Ok(()) };
        let body = &self.bodies[index];
        let oldest = since.saturating_sub(SLACK);
        let give_up = self.clock.now() + UNDECIDED;
        loop {
            let mut found: Vec<Activity> = Vec::new();
            self.activities(|activity| {
                if !activity.is_of_file() && activity.created().is_some_and(|created| created >= oldest) {
                    found.push(activity.clone());
                }
                false
            })?;
            found.retain(|activity| !self.state.knows(&activity.activity_id));
            let is_ours = |activity: &Activity| activity.status.is_some_and(|counts| counts.are_of(body.contacts));
            let is_undecided = found.iter().any(|activity| {
                let can_become = activity.status.is_none_or(|counts| counts.can_become(body.contacts));
                !activity.state.is_over() && !is_ours(activity) && can_become
            });
            if is_undecided && self.clock.now() < give_up {
                self.clock.sleep(POLL.0 * 3.0);
                continue;
            }
            let candidate = |activity: &Activity| {
                let created = activity.created()?;
                is_ours(activity).then(|| Candidate { activity_id: activity.activity_id.clone(), created })
            };
            let candidates: Vec<Candidate> = found.iter().filter_map(candidate).collect();
            // The claims are read after the activities: what started one of these is in them.
            let event = match self.log.claim(body, &candidates)? {
                Some(activity_id) => {
                    self.pace.failures = 0;
                    Event::Accepted { activity_id, found: true }
                }
                None => Event::NotThere,
            };
            return self.note(Some(index), event);
        }
    }

    /// Asks once for all activities that are not over.
    fn poll(&mut self) -> Result<()> {
        let mut open: BTreeMap<String, usize> = BTreeMap::new();
        for (index, body) in self.bodies.iter().enumerate() {
            if let Phase::Accepted { activity_id, .. } = &self.state.body(body).phase {
                open.insert(activity_id.clone(), index);
            }
        }
        let mut news: Vec<(usize, Activity)> = Vec::new();
        let mut missing = open.clone();
        self.activities(|activity| {
            if let Some(index) = missing.remove(&activity.activity_id) {
                news.push((index, activity.clone()));
            }
            missing.is_empty()
        })?;
        let mut changed = false;
        for (index, activity) in news {
            // A collection may have fewer errors than the activity itself.
            let has_more = activity.state.is_over() && !activity.is_whole(self.bodies[index].contacts);
            let activity = if has_more { self.activity(&activity.activity_id)?.unwrap_or(activity) } else { activity };
            changed |= self.news(index, &activity)?;
        }
        for (activity_id, index) in missing {
            changed |= match self.activity(&activity_id)? {
                Some(activity) => self.news(index, &activity)?,
                None => {
                    let state = ActivityState::Gone;
                    self.note(Some(index), Event::Activity { activity_id, state, counts: None, errors: Vec::new() })?;
                    true
                }
            };
        }
        self.pace.poll_interval = if changed { POLL.0 } else { (self.pace.poll_interval * 1.5).min(POLL.1) };
        self.pace.last_poll = self.clock.now();
        Ok(())
    }

    fn activity(&mut self, id: &str) -> Result<Option<Activity>> {
        let answer = self.get(&format!("/activities/{id}"), &[404])?;
        Ok(answer.and_then(|answer| Activity::parse(&answer.body)))
    }

    /// Takes in what is new of an activity. True if something is.
    fn news(&mut self, index: usize, activity: &Activity) -> Result<bool> {
        let Phase::Accepted { activity_id, state } = &self.state.body(&self.bodies[index]).phase else {
            return Ok(false);
        };
        let activity_id = activity_id.clone();
        if *state == activity.state {
            return Ok(false);
        }
        let is_over = activity.state.is_over();
        if is_over {
            self.pace.queue_full_until = 0.0;
        }
        let event = Event::Activity {
            activity_id,
            state: activity.state.clone(),
            counts: activity.status,
            errors: if is_over { activity.errors() } else { Vec::new() },
        };
        self.note(Some(index), event)?;
        Ok(true)
    }
}

/// Marks the bodies that failed to be sent again.
///
/// # Errors
/// It cannot be written down.
pub fn retry_failed(sender: &mut Sender<'_>) -> Result<()> {
    for index in 0..sender.bodies.len() {
        if sender.state.body(&sender.bodies[index]).phase.has_failed() {
            sender.note(Some(index), Event::Again)?;
        }
    }
    Ok(())
}

/// A time in UTC, to the second.
#[must_use]
pub fn time_text(seconds: f64) -> String {
    jiff::Timestamp::from_second(seconds as i64).map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests;
