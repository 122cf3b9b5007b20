//! A whole delivery against a simulated service, which fails in every way that is known, with a crash at any point.

use super::*;
use crate::send::plan;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

const BASE: &str = "https://service.example/v3";
const START: f64 = 1_767_225_600.0;

/// What goes wrong, by chance: each of these in 100 requests.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    lost_before: u64,
    lost_after: u64,
    error_before: u64,
    error_after: u64,
    throttled: u64,
    queue_full: u64,
    expired: u64,
    no_date: bool,
    /// Counts of an activity are there only when it is over.
    late_counts: bool,
    /// The service counts a header as well.
    header: bool,
}

#[derive(Debug)]
struct World {
    now: f64,
    random: u64,
    faults: Faults,
    /// Activities: identifier, when it was made, contacts, file.
    activities: Vec<(String, f64, u64, String)>,
    /// How often each body was imported.
    imported: HashMap<String, u32>,
    requests: u64,
    token_is_good: bool,
    /// The token is new: it does not expire at once.
    is_fresh: bool,
    /// Activities of a page: three, to see that pages are followed.
    page: usize,
}

impl World {
    fn new(faults: Faults, seed: u64) -> Rc<RefCell<World>> {
        Rc::new(RefCell::new(World {
            now: START,
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            faults,
            activities: Vec::new(),
            imported: HashMap::new(),
            requests: 0,
            token_is_good: true,
            is_fresh: true,
            page: 3,
        }))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn happens(&mut self, in_hundred: u64) -> bool {
        in_hundred > 0 && self.below(100) < in_hundred
    }

    fn answer(&self, status: u16, body: &Value) -> Answer {
        let date = (!self.faults.no_date).then_some(self.now as i64);
        Answer { status, date, retry_after: None, body: body.to_string().into_bytes() }
    }

    fn activity(&self, (id, created, contacts, _): &(String, f64, u64, String)) -> Value {
        let age = self.now - created;
        let state = match age {
            ..2.0 => "initialized",
            2.0..4.0 => "processing",
            _ => "completed",
        };
        let total = contacts + u64::from(self.faults.header);
        let mut activity = json!({"activity_id": id, "state": state, "created_at": time_text(*created)});
        if state == "completed" || !self.faults.late_counts {
            activity["status"] =
                json!({"items_total_count": total, "person_count": contacts, "items_completed_count": contacts});
        }
        activity
    }

    /// What happens to any request before it is looked at.
    fn before(&mut self) -> Option<std::result::Result<Answer, NoAnswer>> {
        self.requests += 1;
        self.now += 0.05;
        let faults = self.faults;
        if self.happens(faults.lost_before) {
            self.now += 60.0;
            return Some(Err(NoAnswer("lost".into())));
        }
        if self.happens(faults.error_before) {
            return Some(Ok(self.answer(503, &json!({"message": "later"}))));
        }
        if self.happens(faults.throttled) {
            return Some(Ok(self.answer(429, &json!({"error_key": "throttled", "error_message": "slower"}))));
        }
        if self.happens(faults.expired) && !std::mem::take(&mut self.is_fresh) {
            self.token_is_good = false;
        }
        (!self.token_is_good).then(|| Ok(self.answer(401, &json!({"error_key": "unauthorized"}))))
    }
}

struct Simulated(Rc<RefCell<World>>);

impl Service for Simulated {
    fn import(&mut self, body: &Body) -> Result<std::result::Result<Answer, NoAnswer>> {
        let mut world = self.0.borrow_mut();
        if let Some(answer) = world.before() {
            return Ok(answer);
        }
        let faults = world.faults;
        if world.happens(faults.queue_full) {
            let full = json!([{"error_key": "contacts.api.too_many", "error_message": "1,000 are queued"}]);
            return Ok(Ok(world.answer(429, &full)));
        }
        let id = format!("activity-{}", world.activities.len());
        let now = world.now;
        world.activities.push((id.clone(), now, body.contacts, body.file.clone()));
        *world.imported.entry(body.file.clone()).or_default() += 1;
        if world.happens(faults.lost_after) {
            return Ok(Err(NoAnswer("lost".into())));
        }
        if world.happens(faults.error_after) {
            return Ok(Ok(world.answer(500, &Value::Null)));
        }
        Ok(Ok(world.answer(201, &json!({"activity_id": id, "state": "initialized"}))))
    }

    fn get(&mut self, path: &str) -> Result<std::result::Result<Answer, NoAnswer>> {
        let mut world = self.0.borrow_mut();
        if let Some(answer) = world.before() {
            return Ok(answer);
        }
        let from: usize = path.split("from=").nth(1).map_or(0, |from| from.parse().unwrap());
        assert!(path.starts_with("/activities?") || path.starts_with("/v3/activities?"), "{path}");
        let newest: Vec<Value> =
            world.activities.iter().rev().skip(from).take(world.page).map(|a| world.activity(a)).collect();
        let links = if from + world.page < world.activities.len() {
            json!({"next": {"href": format!("/v3/activities?from={}", from + world.page)}})
        } else {
            json!({})
        };
        Ok(Ok(world.answer(200, &json!({"activities": newest, "_links": links}))))
    }

    fn create(&mut self, _: &str, _: &[u8]) -> std::result::Result<Answer, NoAnswer> {
        Err(NoAnswer("nothing is created".into()))
    }

    fn refresh(&mut self) -> Result<()> {
        let mut world = self.0.borrow_mut();
        (world.token_is_good, world.is_fresh) = (true, true);
        Ok(())
    }
}

struct SimulatedClock(Rc<RefCell<World>>);

impl Clock for SimulatedClock {
    fn now(&self) -> f64 {
        self.0.borrow().now
    }

    fn sleep(&mut self, seconds: f64) {
        assert!(seconds > 0.0 && seconds < 4000.0, "{seconds}");
        self.0.borrow_mut().now += seconds;
    }

    fn must_end(&self) -> bool {
        false
    }

    fn random(&mut self) -> f64 {
        self.0.borrow_mut().below(1000) as f64 / 1000.0
    }
}

/// A journal in memory whose process is killed when it has so many events.
struct Memory {
    lines: Vec<u8>,
    events: usize,
    crash_at: usize,
}

impl Log for Memory {
    fn append(&mut self, entry: &Entry) -> Result<()> {
        if self.events == self.crash_at {
            // Half of the line reached the disk.
            let line = serde_json::to_vec(entry).unwrap();
            self.lines.extend_from_slice(&line[..line.len() / 2]);
            return Err(Error::could("killed"));
        }
        self.events += 1;
        self.lines.extend(serde_json::to_vec(entry).unwrap());
        self.lines.push(b'\n');
        Ok(())
    }
}

fn bodies(count: u64) -> Vec<Body> {
    // Two sizes, so that counts do not tell all bodies apart.
    (1..=count).map(|n| Body::new(&format!("payload-{n:05}.json"), &format!("{n:064x}"), 10 + n % 2)).collect()
}

/// One process: goes on from a journal. Gives its end, and the journal.
fn run(
    world: &Rc<RefCell<World>>,
    bodies: &[Body],
    mut lines: Vec<u8>,
    crash_at: usize,
    limits: &Limits,
) -> (Result<()>, Vec<u8>, State) {
    let mut state = State::replay(&lines, BASE, Some("a")).unwrap();
    lines.truncate(lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    let events = lines.iter().filter(|byte| **byte == b'\n').count();
    let mut log = Memory { lines, events, crash_at };
    let mut service = Simulated(Rc::clone(world));
    let mut clock = SimulatedClock(Rc::clone(world));
    let mut tell = |_: News<'_>| {};
    let limits = limits.clone();
    let end =
        Sender::new(&mut service, &mut clock, &mut log, &mut tell, bodies, limits, BASE, Some("a"), &mut state, 0.0)
            .run();
    // The state that was kept is the state that the journal tells.
    assert_eq!(state, State::replay(&log.lines, BASE, Some("a")).unwrap());
    (end, log.lines, state)
}

fn assert_all_landed(world: &Rc<RefCell<World>>, bodies: &[Body], state: &State, most: u32) {
    for body in bodies {
        let known = state.body(body);
        let Phase::Over(report) = &known.phase else { panic!("{body:?}: {known:?}") };
        assert_eq!(report.counts.unwrap().items_completed_count, body.contacts);
        let imported = world.borrow().imported[&body.file];
        assert!((1..=most).contains(&imported), "{body:?} was imported {imported} times");
        assert!(imported <= known.sent, "{body:?} was imported {imported} times, recorded {}", known.sent);
        let world = world.borrow();
        let activity = world.activities.iter().find(|activity| activity.0 == report.activity_id).unwrap();
        assert_eq!(activity.2, body.contacts);
    }
}

#[test]
fn every_prefix_of_a_journal_comes_to_the_same_end() {
    let bodies = bodies(7);
    let limits = Limits { in_flight: 3, ..Limits::default() };
    let (end, journal, state) = run(&World::new(Faults::default(), 1), &bodies, Vec::new(), usize::MAX, &limits);
    end.unwrap();
    assert!(bodies.iter().all(|body| state.body(body).sent == 1));
    let events = journal.iter().filter(|byte| **byte == b'\n').count();
    assert!(events > 30);
    for crash_at in 0..events {
        let world = World::new(Faults::default(), 1);
        let (end, lines, _) = run(&world, &bodies, Vec::new(), crash_at, &limits);
        assert_eq!(end.unwrap_err().to_string(), "killed");
        // The next process starts a minute later.
        world.borrow_mut().now += 60.0;
        let (end, _, state) = run(&world, &bodies, lines, usize::MAX, &limits);
        end.unwrap();
        assert_all_landed(&world, &bodies, &state, 1);
    }
}

#[test]
fn the_rate_holds_with_polls_included() {
    let world = World::new(Faults::default(), 3);
    let bodies = bodies(100);
    let (end, _, state) = run(&world, &bodies, Vec::new(), usize::MAX, &Limits::default());
    end.unwrap();
    assert_all_landed(&world, &bodies, &state, 1);
    let world = world.borrow();
    let seconds = world.now - START;
    assert!(world.requests as f64 / seconds <= 4.05, "{} requests in {seconds} s", world.requests);
    // One look serves all: far fewer looks than bodies.
    assert!(world.requests < 100 + 300, "{}", world.requests);
}

#[test]
fn it_takes_as_long_as_the_plan_says() {
    for (count, rate) in [(200, 4.0), (200, 10.0), (500, 4.0)] {
        let world = World::new(Faults::default(), 7);
        world.borrow_mut().page = 500;
        let (bodies, limits) = (bodies(count), Limits { rate, ..Limits::default() });
        let (end, _, state) = run(&world, &bodies, Vec::new(), usize::MAX, &limits);
        end.unwrap();
        assert_all_landed(&world, &bodies, &state, 1);
        let world = world.borrow();
        let (took, requests) = (world.now - START, world.requests as f64);
        let expected = plan::requests(count, &limits);
        // An activity of this world takes four seconds, and so does the last one.
        let seconds = plan::seconds(expected, &limits) + 4.0;
        assert!((took / seconds - 1.0).abs() < 0.1, "{count}: {took} s, planned {seconds} s");
        assert!((requests / expected as f64 - 1.0).abs() < 0.1, "{count}: {requests}, planned {expected}");
    }
}

#[test]
fn the_quota_stops_it_until_the_next_day() {
    let world = World::new(Faults::default(), 3);
    let bodies = bodies(30);
    let limits = Limits { quota: 20, ..Limits::default() };
    let (mut days, mut lines) = (0, Vec::new());
    let state = loop {
        let (end, more, state) = run(&world, &bodies, lines, usize::MAX, &limits);
        lines = more;
        match end {
            Ok(()) => break state,
            Err(error) => {
                assert_eq!(error.status(), 3);
                assert!(error.to_string().contains("T00:00:00Z"), "{error}");
                // Once more on the same day: no request.
                let before = world.borrow().requests;
                let (end, more, _) = run(&world, &bodies, lines, usize::MAX, &limits);
                assert_eq!((end.unwrap_err().status(), world.borrow().requests), (3, before));
                lines = more;
                days += 1;
                assert!(days < 10);
                world.borrow_mut().now = START + f64::from(days) * 86_400.0 + 5.0;
            }
        }
    };
    assert!(days >= 2);
    assert_all_landed(&world, &bodies, &state, 1);
}

#[test]
fn a_service_that_does_not_answer_is_left_alone_for_now() {
    for faults in [
        Faults { lost_before: 100, ..Faults::default() },
        Faults { error_before: 100, ..Faults::default() },
        Faults { throttled: 100, ..Faults::default() },
    ] {
        let world = World::new(faults, 5);
        let (end, lines, state) =
            run(&world, &bodies(2), Vec::new(), usize::MAX, &Limits { retries: 3, ..Limits::default() });
        assert_eq!(end.unwrap_err().status(), 3, "{faults:?}");
        assert!(world.borrow().requests < 40);
        drop(state);
        world.borrow_mut().faults = Faults::default();
        let (end, _, state) = run(&world, &bodies(2), lines, usize::MAX, &Limits::default());
        end.unwrap();
        assert_all_landed(&world, &bodies(2), &state, 1);
    }
}

#[test]
fn what_was_accepted_without_an_answer_is_found() {
    for (late_counts, header) in [(false, false), (true, false), (false, true), (true, true)] {
        let faults = Faults { lost_after: 100, late_counts, header, ..Faults::default() };
        let world = World::new(faults, 5);
        let (end, _, state) = run(&world, &bodies(5), Vec::new(), usize::MAX, &Limits::default());
        end.unwrap();
        assert_all_landed(&world, &bodies(5), &state, 1);
        assert!(bodies(5).iter().all(|body| state.body(body).sent == 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_all_of_it_lands(
        seed in 0u64..1_000_000,
        lost in (0u64..15, 0u64..15),
        errors in (0u64..15, 0u64..15),
        turned in (0u64..15, 0u64..15, 0u64..10),
        kinds in (any::<bool>(), any::<bool>(), any::<bool>()),
        crashes in prop::collection::vec(1usize..25, 0..12),
    ) {
        let faults = Faults {
            lost_before: lost.0, lost_after: lost.1, error_before: errors.0, error_after: errors.1,
            throttled: turned.0, queue_full: turned.1, expired: turned.2,
            no_date: kinds.0, late_counts: kinds.1, header: kinds.2,
        };
        let world = World::new(faults, seed);
        let bodies = bodies(6);
        let limits = Limits { in_flight: 2, retries: 20, ..Limits::default() };
        let mut lines = Vec::new();
        let mut crashes = crashes.into_iter();
        let state = loop {
            let events = lines.iter().filter(|byte| **byte == b'\n').count();
            let crash_at = crashes.next().map_or(usize::MAX, |after| events + after);
            let (end, more, state) = run(&world, &bodies, lines, crash_at, &limits);
            lines = more;
            match end {
                Ok(()) => break state,
                Err(error) => prop_assert_eq!(error.to_string(), "killed"),
            }
            world.borrow_mut().now += 10.0;
        };
        // What was accepted is found: nothing is imported twice.
        assert_all_landed(&world, &bodies, &state, 1);
    }
}
