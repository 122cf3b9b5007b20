//! Running activities: one after the other, within a time limit, until the process is about to end.

use super::activities::{Activity, ActivityState, ActivityStatus};
use super::clock::DAY;
use super::import::{self, Applied, Body, Cleaned, NamedContacts};
use super::queue::Waiting;
use super::snapshot;
use super::tasks::{self, TaskEnd, Work};
use super::values::{Id, Time};
use super::{Account, Audience, Error, KEPT_DAYS, Result, Transacted, fields, lock};
use crate::model::error::{Kind, panic_text};
use crate::model::finding::Code;
use crate::rules::{custom, rule};
use crate::run::reader::Progress;
use rusqlite::{Transaction, params};
use serde::Serialize;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The activity that runs in this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    pub(super) id: Id,
    pub(super) started_at: Time,
    /// The time when it was looked at.
    pub(super) now: Time,
    pub(super) total: u64,
    pub(super) done: u64,
}

impl Running {
    /// Progress in percent: less than all as long as it runs.
    pub(super) fn percent(&self) -> u8 {
        (self.done * 100 / self.total.max(1)).min(99) as u8
    }
}

/// How long an activity that is to be slow sleeps between two looks at whether it must end.
const SHORT: Duration = Duration::from_millis(10);

/// Why the work on an activity ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The process is about to end, or the account is reset.
    Stop,
    /// The time limit is over.
    Time,
}

/// How an activity ends that a test wants to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It fails.
    Fail,
    /// It takes longer than it may.
    TimeOut,
    /// It runs for so long before it does anything.
    Wait(Duration),
}

/// How [`Account::run_next`] and [`Account::accept_within`] do their work.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'r> {
    /// Set when the process is about to end: a running activity is rolled back, and runs again on the next start.
    pub stop: &'r AtomicBool,
    /// How long one activity may take.
    pub time: Duration,
}

impl Runner<'_> {
    /// A runner without a time limit.
    #[must_use]
    pub fn unlimited(stop: &AtomicBool) -> Runner<'_> {
        Runner { stop, time: Duration::MAX }
    }
}

/// The time that one activity takes.
pub(super) struct Stopwatch<'r> {
    runner: &'r Runner<'r>,
    began: Instant,
    /// Activities up to this one are being cancelled, and which this one is.
    cancelling: Option<(&'r AtomicI64, i64)>,
}

impl<'r> Stopwatch<'r> {
    pub(super) fn start(runner: &'r Runner<'r>) -> Stopwatch<'r> {
        Stopwatch { runner, began: Instant::now(), cancelling: None }
    }

    /// Why the work must end now, if it must.
    pub(super) fn halt(&self) -> Option<Halt> {
        let is_cancelled = self.cancelling.is_some_and(|(to, seq)| seq <= to.load(Ordering::Relaxed));
        if is_cancelled || self.runner.stop.load(Ordering::Relaxed) {
            Some(Halt::Stop)
        } else if self.began.elapsed() > self.runner.time {
            Some(Halt::Time)
        } else {
            None
        }
    }
}

/// Cleaning and the import that follows share one stopwatch.
impl Progress for Stopwatch<'_> {
    fn input(&self, _: &str, _: Option<u64>) {}
    fn bytes(&self, _: u64) {}
    fn done(&self) {}

    fn must_end(&self) -> bool {
        self.halt().is_some()
    }
}

pub(super) fn is_halted(error: &Error) -> bool {
    matches!(error, Error::Body(body) if matches!(body.kind(), Kind::Halted))
}

/// The final state of an activity, its counts and its errors.
type Ended = (ActivityState, ActivityStatus, Vec<String>, NamedContacts);

/// What became of an activity that ran.
enum RunOutcome {
    /// The account has its final state: this run imported it, or another process did, or it was cancelled.
    Recorded,
    /// It changed nothing, and the account is still to record why.
    Failed(ActivityState, String),
    /// It changed nothing, and waits: the process is about to end.
    Interrupted,
}

impl RunOutcome {
    fn halted(halt: Halt, runner: &Runner<'_>) -> RunOutcome {
        match halt {
            Halt::Stop => RunOutcome::Interrupted,
            Halt::Time => RunOutcome::Failed(
                ActivityState::TimedOut,
                format!("it took longer than {} seconds, and nothing was imported", runner.time.as_secs()),
            ),
        }
    }

    /// Lets an activity meet its fate. `None` if it is to run now.
    fn fated(fate: Fate, clock: &Stopwatch<'_>) -> Option<RunOutcome> {
        match fate {
            Fate::Fail => Some(RunOutcome::failed("the import failed, as a fault was asked for")),
            Fate::TimeOut => Some(RunOutcome::halted(Halt::Time, clock.runner)),
            Fate::Wait(time) => loop {
                if let Some(halt) = clock.halt() {
                    break Some(RunOutcome::halted(halt, clock.runner));
                }
                let Some(left) = time.checked_sub(clock.began.elapsed()).filter(|left| !left.is_zero()) else {
                    break None;
                };
                std::thread::sleep(left.min(SHORT));
            },
        }
    }

    fn failed(error: impl Into<String>) -> RunOutcome {
        RunOutcome::Failed(ActivityState::Failed, error.into())
    }
}

impl Account {
    /// Runs the activity that has waited longest, if one waits. If `runner.stop` is set or the process ends meanwhile, the
    /// activity waits as before. Two processes may call this at once: only one of them applies an activity.
    ///
    /// # Errors
    /// The account cannot be read or written; the activity still waits.
    pub fn run_next(&self, runner: &Runner<'_>) -> Result<Option<Activity>> {
        self.run_next_to(runner, |_| None)
    }

    /// Like [`Account::run_next`]; `fate` says how the activity with an identifier is to end.
    ///
    /// # Errors
    /// As [`Account::run_next`].
    pub fn run_next_to(&self, runner: &Runner<'_>, fate: impl Fn(&str) -> Option<Fate>) -> Result<Option<Activity>> {
        let Some((waiting, body)) = self.queue.first()? else { return Ok(None) };
        if self.is_cancelling(&waiting) {
            return Ok(None);
        }
        let clock = Stopwatch { cancelling: Some((&self.cancelling, waiting.seq)), ..Stopwatch::start(runner) };
        let started_at = self.clock.now();
        *lock(&self.running) = Some(Running { id: waiting.id, started_at, now: started_at, total: 0, done: 0 });
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            match fate(&waiting.id.to_string()).and_then(|fate| RunOutcome::fated(fate, &clock)) {
                Some(outcome) => Ok(outcome),
                None => self.run(&waiting, body, &clock, started_at),
            }
        }));
        // Retried, it would panic again, and keep all others waiting.
        let outcome = outcome.unwrap_or_else(|panic| {
            Ok(RunOutcome::failed(format!("an internal error: {}; please report this", panic_text(&*panic))))
        });
        let settled = outcome.and_then(|outcome| self.settle(&waiting, outcome, started_at));
        *lock(&self.running) = None;
        settled?;
        match self.activity(&waiting.id.to_string()) {
            // The account was reset.
            Err(Error::NotFound(_)) => Ok(None),
            activity => activity.map(Some),
        }
    }

    /// True when a reset is about to cancel an activity.
    fn is_cancelling(&self, waiting: &Waiting) -> bool {
        waiting.seq <= self.cancelling.load(Ordering::Relaxed)
    }

    /// Records a failure, and removes from the queue what is over.
    fn settle(&self, waiting: &Waiting, outcome: RunOutcome, started_at: Time) -> Result<()> {
        match outcome {
            RunOutcome::Interrupted => return Ok(()),
            RunOutcome::Recorded => {}
            RunOutcome::Failed(state, error) => {
                let status = ActivityStatus { error_count: 1, ..ActivityStatus::default() };
                let end = End {
                    state,
                    started_at: Some(started_at),
                    status,
                    errors: &[error],
                    named: NamedContacts::default(),
                };
                self.write(|transaction| end.write(transaction, waiting, self.clock.now()))?;
            }
        }
        self.queue.remove(waiting.id)
    }

    fn run(
        &self,
        waiting: &Waiting,
        body: Option<Body>,
        clock: &Stopwatch<'_>,
        started_at: Time,
    ) -> Result<RunOutcome> {
        let Some(body) = body else { return Ok(RunOutcome::failed("the options of the import cannot be read")) };
        if !body.work.is_import() {
            return self.run_task(waiting, &body, clock, started_at);
        }
        let Some(fields) = self.fields_unless_over(waiting)? else { return Ok(RunOutcome::Recorded) };
        let cleaned = match import::clean(body, fields, self.clock.today(), clock) {
            Ok(cleaned) => cleaned,
            Err(error) if is_halted(&error) => {
                return Ok(RunOutcome::halted(clock.halt().unwrap_or(Halt::Time), clock.runner));
            }
            Err(error @ Error::Body(_)) => return Ok(RunOutcome::failed(error.for_audience(Audience::Http))),
            Err(error) => return Err(error),
        };
        if let Some(running) = &mut *lock(&self.running) {
            running.total = cleaned.accepted;
        }
        match self.apply(waiting, cleaned, clock, started_at) {
            Err(error @ Error::Body(_)) => Ok(RunOutcome::failed(error.for_audience(Audience::Http))),
            outcome => outcome,
        }
    }

    /// The custom fields; `None` when the activity is over already, and only has to leave the queue.
    fn fields_unless_over(&self, waiting: &Waiting) -> Result<Option<custom::Fields>> {
        self.read(|transaction| match is_over(transaction, waiting)? {
            true => Ok(None),
            false => Ok(Some(fields::known(transaction)?)),
        })
    }

    /// Does the work of an activity that is no import.
    fn run_task(&self, waiting: &Waiting, body: &Body, clock: &Stopwatch<'_>, started_at: Time) -> Result<RunOutcome> {
        let done = self.in_one_transaction(waiting, clock, started_at, |transaction, watch| {
            Ok(match tasks::apply(transaction, body.work, &body.bytes, self.stamp_of(waiting.id), watch)? {
                TaskEnd::Halted(halt) => ControlFlow::Break(halt),
                TaskEnd::Done(status, errors) => {
                    ControlFlow::Continue((ActivityState::Completed, status, errors, NamedContacts::default()))
                }
                TaskEnd::Failed(status, error) => {
                    ControlFlow::Continue((ActivityState::Failed, status, vec![error], NamedContacts::default()))
                }
            })
        });
        match done {
            Err(error @ Error::Invalid(_)) => Ok(RunOutcome::failed(error.to_string())),
            done => done,
        }
    }

    /// Applies a cleaned body.
    fn apply(
        &self,
        waiting: &Waiting,
        cleaned: Cleaned,
        clock: &Stopwatch<'_>,
        started_at: Time,
    ) -> Result<RunOutcome> {
        self.in_one_transaction(waiting, clock, started_at, |transaction, watch| {
            let contacts = cleaned.contacts;
            Ok(ControlFlow::Continue(match import::apply(transaction, cleaned, self.stamp_of(waiting.id), watch)? {
                Applied::Halted(halt) => return Ok(ControlFlow::Break(halt)),
                Applied::Done { imported, unsubscribed, lists, errors } => {
                    let status = ActivityStatus {
                        items_total_count: contacts,
                        items_completed_count: imported,
                        person_count: contacts,
                        error_count: errors.others,
                        correctable_count: errors.correctable,
                        cannot_add_to_list_count: unsubscribed,
                        list_count: lists,
                        errors_by_code: errors.codes.clone(),
                    };
                    let named = errors.contacts.clone();
                    (ActivityState::Completed, status, errors.into_texts(), named)
                }
                Applied::UnknownLists(lists) => {
                    let rule = rule(Code::IMP001);
                    let error = format!("the body: {}, list_ids: {}: {}", rule.code, rule.message, lists.join(", "));
                    let status = ActivityStatus {
                        items_total_count: contacts,
                        person_count: contacts,
                        error_count: lists.len() as u64,
                        errors_by_code: [(rule.code.to_string(), lists.len() as u64)].into(),
                        ..ActivityStatus::default()
                    };
                    (ActivityState::Failed, status, vec![error], NamedContacts::default())
                }
            }))
        })
    }

    /// Does the work of an activity and records its end, in one transaction.
    fn in_one_transaction(
        &self,
        waiting: &Waiting,
        clock: &Stopwatch<'_>,
        started_at: Time,
        work: impl FnOnce(&Transaction<'_>, &mut import::Watch<'_>) -> Result<ControlFlow<Halt, Ended>>,
    ) -> Result<RunOutcome> {
        self.write_or_roll_back(|transaction| {
            // Another process may have run it meanwhile, or it was cancelled.
            if is_over(transaction, waiting)? {
                return Ok(Transacted::RollBack(RunOutcome::Recorded));
            }
            let watch = &mut |done| {
                if let Some(running) = &mut *lock(&self.running) {
                    running.done = done;
                }
                clock.halt().map_or(ControlFlow::Continue(()), ControlFlow::Break)
            };
            let (state, status, errors, named) = match work(transaction, watch)? {
                ControlFlow::Break(halt) => return Ok(Transacted::RollBack(RunOutcome::halted(halt, clock.runner))),
                ControlFlow::Continue(ended) => ended,
            };
            let end = End { state, started_at: Some(started_at), status, errors: &errors, named };
            end.write(transaction, waiting, self.clock.now())?;
            Ok(Transacted::Commit(RunOutcome::Recorded))
        })
    }

    /// Waits until an activity is accepted, at most for `time`.
    pub fn wait_for_more(&self, time: Duration) {
        let mut accepted = lock(&self.accepted);
        if *accepted == 0 {
            accepted = match self.more.wait_timeout(accepted, time) {
                Ok((accepted, _)) => accepted,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        *accepted = 0;
    }

    /// Wakes the threads in [`Account::wait_for_more`].
    pub fn wake(&self) {
        *lock(&self.accepted) += 1;
        self.more.notify_all();
    }
}

/// The status of an activity in the account: in the column before its errors, which may be long, is also what it did.
#[derive(Serialize)]
struct Recorded<'s> {
    #[serde(flatten)]
    status: &'s ActivityStatus,
    #[serde(skip_serializing_if = "Work::is_json_import")]
    work: Work,
}

/// How an activity ended.
pub(super) struct End<'e> {
    pub(super) state: ActivityState,
    pub(super) started_at: Option<Time>,
    pub(super) status: ActivityStatus,
    pub(super) errors: &'e [String],
    pub(super) named: NamedContacts,
}

impl End<'_> {
    /// Records it in the account; from then on the activity is over. An activity that is over already stays as it is.
    pub(super) fn write(&self, transaction: &Transaction<'_>, waiting: &Waiting, now: Time) -> Result<()> {
        if is_cancelled(transaction, waiting)? {
            return Ok(());
        }
        expire(transaction, now)?;
        transaction
            .prepare_cached(
                "INSERT INTO activities (seq, activity_id, state, source_file_name, created_at, updated_at, started_at,
                 completed_at, percent_done, status, errors, contacts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?8, ?9, ?10, ?11)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                waiting.seq,
                waiting.id,
                self.state.as_str(),
                waiting.source_file_name,
                waiting.created_at,
                now,
                self.started_at,
                if self.state == ActivityState::Completed { 100 } else { 0 },
                serde_json::to_string(&Recorded { status: &self.status, work: waiting.work }).unwrap_or_default(),
                serde_json::to_string(&self.errors).unwrap_or_default(),
                self.named.to_json(),
            ])?;
        Ok(())
    }
}

fn is_over(transaction: &Transaction<'_>, waiting: &Waiting) -> Result<bool> {
    let mut recorded = transaction.prepare_cached("SELECT 1 FROM activities WHERE activity_id = ?1")?;
    Ok(is_cancelled(transaction, waiting)? || recorded.exists([waiting.id])?)
}

/// Whether the account was reset since the activity was accepted: the account has no record of it.
fn is_cancelled(transaction: &Transaction<'_>, waiting: &Waiting) -> Result<bool> {
    Ok(waiting.seq <= snapshot::cancelled(transaction)?)
}

/// Deletes the statuses that were kept long enough.
pub(super) fn expire(transaction: &Transaction<'_>, now: Time) -> rusqlite::Result<()> {
    let before = now.0 - KEPT_DAYS * DAY;
    transaction.prepare_cached("DELETE FROM activities WHERE completed_at < ?1")?.execute([before])?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::account::contacts::ContactQuery;
    use crate::account::lists::NewList;
    use crate::account::page::PageRequest;
    use tempfile::TempDir;

    pub(in crate::account) const FOREVER: Duration = Duration::MAX;

    pub(in crate::account) fn account() -> (TempDir, Account, String) {
        let dir = tempfile::tempdir().unwrap();
        let account = Account::create(&dir.path().join("a")).unwrap();
        let list = account.add_list(&NewList { name: "News".into(), ..NewList::default() }).unwrap().list_id;
        (dir, account, list)
    }

    pub(in crate::account) fn body(list: &str, name: &str, contacts: usize) -> Body {
        let contacts: Vec<String> =
            (0..contacts).map(|i| format!(r#"{{"email":"{name}{i}@example.com","first_name":"{name}"}}"#)).collect();
        let bytes = format!(r#"{{"list_ids":["{list}"],"import_data":[{}]}}"#, contacts.join(",")).into_bytes();
        Body { bytes, ..Body::default() }
    }

    pub(in crate::account) fn run(account: &Account, time: Duration, stop: bool) -> Activity {
        account.run_next(&Runner { stop: &AtomicBool::new(stop), time }).unwrap().unwrap()
    }

    pub(in crate::account) fn contacts(account: &Account) -> usize {
        let page = PageRequest { limit: 100_000, ..PageRequest::default() };
        account.contacts(&ContactQuery { page, ..ContactQuery::default() }).unwrap().items.len()
    }

    #[test]
    fn what_is_stopped_waits_on_and_is_done_later() {
        let (_dir, account, list) = account();
        let accepted = account.accept(&body(&list, "a", 1000), Some("a.json")).unwrap();
        assert_eq!(accepted.state, ActivityState::Initialized);
        let stopped = run(&account, FOREVER, true);
        assert_eq!((stopped.state, contacts(&account)), (ActivityState::Initialized, 0));
        assert_eq!(account.waiting().unwrap(), 1);
        let done = run(&account, FOREVER, false);
        assert_eq!((done.state, done.percent_done, contacts(&account)), (ActivityState::Completed, 100, 1000));
        assert_eq!((done.activity_id, done.created_at), (accepted.activity_id, accepted.created_at));
        assert_eq!(done.source_file_name.as_deref(), Some("a.json"));
        assert_eq!(account.waiting().unwrap(), 0);
        assert!(account.run_next(&Runner { stop: &AtomicBool::new(false), time: FOREVER }).unwrap().is_none());
    }

    #[test]
    fn what_takes_too_long_changes_nothing() {
        let (_dir, account, list) = account();
        account.accept(&body(&list, "a", 1000), None).unwrap();
        let done = run(&account, Duration::ZERO, false);
        assert_eq!((done.state, contacts(&account), account.waiting().unwrap()), (ActivityState::TimedOut, 0, 0));
        assert!(done.activity_errors[0].contains("longer than 0 seconds"), "{:?}", done.activity_errors);
    }

    /// Cleaning alone can take long: the limit holds for it, too.
    #[test]
    fn cleaning_ends_with_the_time_and_at_the_stop() {
        let (_dir, account, list) = account();
        let body = body(&list, "a", 1000);
        let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
        for runner in [Runner { stop: &go, time: Duration::ZERO }, Runner { stop: &stop, time: FOREVER }] {
            assert!(matches!(account.accept_within(&body, None, &runner), Err(Error::Halted(_))));
            assert_eq!(account.waiting().unwrap(), 0);
            let clock = Stopwatch::start(&runner);
            let cleaned = import::clean(body.clone(), Default::default(), account.clock.today(), &clock);
            assert!(cleaned.is_err_and(|error| is_halted(&error)));
        }
        account.accept_within(&body, None, &Runner { stop: &go, time: FOREVER }).unwrap();
        assert_eq!(account.waiting().unwrap(), 1);
    }

    /// An activity that was applied but did not leave the queue, as after a power failure between the two.
    #[test]
    fn what_is_in_both_files_was_done() {
        let (_dir, account, list) = account();
        let accepted = account.accept(&body(&list, "a", 3), None).unwrap();
        let (waiting, kept) = account.queue.first().unwrap().unwrap();
        run(&account, FOREVER, false);
        let updated = account.contacts(&ContactQuery::default()).unwrap();
        account.queue.put_back(&waiting, &kept.unwrap()).unwrap();
        assert_eq!(account.waiting().unwrap(), 1);
        assert_eq!(account.activity(&accepted.activity_id).unwrap().state, ActivityState::Completed);
        assert_eq!(account.activities(None, PageRequest::all()).unwrap().items.len(), 1);
        assert_eq!(run(&account, FOREVER, false).state, ActivityState::Completed);
        assert_eq!(account.waiting().unwrap(), 0);
        assert_eq!(account.contacts(&ContactQuery::default()).unwrap(), updated);
    }

    /// Two handles on one account, as two processes would have them.
    #[test]
    fn two_may_work_at_once() {
        let (_dir, account, list) = account();
        let other = Account::open(account.path()).unwrap();
        for i in 0..30 {
            account.accept(&body(&list, &format!("n{i}x"), 20), None).unwrap();
        }
        std::thread::scope(|scope| {
            for account in [&account, &other] {
                scope.spawn(move || {
                    let stop = AtomicBool::new(false);
                    while account.run_next(&Runner { stop: &stop, time: FOREVER }).unwrap().is_some() {}
                });
            }
        });
        let activities = account.activities(Some(ActivityState::Completed), PageRequest::all()).unwrap().items;
        let short = account.activities_with(None, PageRequest { bytes: 1, ..PageRequest::all() }, 0).unwrap();
        assert!(short.items.len() == 1 && short.next.is_some());
        assert_eq!((activities.len(), contacts(&account)), (30, 600));
        let page = PageRequest { limit: 1000, ..PageRequest::default() };
        for contact in account.contacts(&ContactQuery { page, ..ContactQuery::default() }).unwrap().items {
            assert_eq!(contact.created_at, contact.updated_at, "applied twice");
        }
    }
}
