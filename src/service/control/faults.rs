//! Faults on demand: rules that say which requests go wrong, and how.

use crate::account::runner::Fate;
use axum::http::Method;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// Most rules at once.
const RULES_MAX: usize = 100;
/// The longest delay, in milliseconds.
const DELAY_MAX: u64 = 600_000;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429, more requests than allowed.
    Throttled,
    /// 429, the requests of the day are used up.
    Quota,
    /// 429, too many activities wait.
    QueueFull,
    /// Another status.
    Status(u16),
    /// The answer comes late.
    Delay(Duration),
    /// The connection is closed before anything is done.
    Close,
    /// The request is worked on, and the connection closed without an answer.
    CloseAfter,
    /// 401, as with a token that has expired.
    ExpiredToken,
    /// The activity that the request starts ends otherwise.
    Activity(Fate),
}

/// Which of the matching requests go wrong.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// The first N.
    Times(u64),
    /// The Nth.
    Nth(u64),
    /// Each with this probability; the same seed picks the same ones again.
    Probability(f64, u64),
}

impl Pick {
    /// Whether the request with this number, from 1, is picked.
    fn picks(self, number: u64) -> bool {
        match self {
            Pick::Times(times) => number <= times,
            Pick::Nth(nth) => number == nth,
            Pick::Probability(probability, seed) => unit(seed, number) < probability,
        }
    }
}

/// A number from 0 to 1, below 1: splitmix64 of the seed and the position.
fn unit(seed: u64, position: u64) -> f64 {
    let mut z = seed.wrapping_add(position.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

/// One rule.
#[derive(Debug)]
struct Rule {
    path: String,
    method: Option<Method>,
    fault: Fault,
    pick: Pick,
    /// Requests that matched and that no earlier rule took.
    seen: u64,
    /// Those of them that went wrong.
    fired: u64,
    /// The rule as it was given.
    given: Value,
}

/// A rule and what it did so far.
#[derive(Serialize)]
pub struct RuleState {
    rule: Value,
    seen: u64,
    fired: u64,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Reads a list of rules. The error names the rule and the member.
    pub fn parse(list: &Value) -> Result<Rules, String> {
        let Some(list) = list.as_array() else {
            return Err("the request body must be an array of rules; [] ends all faults".to_owned());
        };
        if list.len() > RULES_MAX {
            return Err(format!("the list has {} rules: at most {RULES_MAX} are allowed", list.len()));
        }
        let rules = list.iter().enumerate().map(|(index, rule)| {
            Rule::parse(rule).map_err(|(member, what)| match member {
                "" => format!("rule {index}: {what}"),
                member => format!("rule {index}, {member}: {what}"),
            })
        });
        rules.collect::<Result<_, _>>().map(Rules)
    }

    /// What goes wrong with this request. The first rule that picks it wins; later rules do not count it.
    pub fn pick(&mut self, method: &Method, path: &str) -> Option<Fault> {
        for rule in &mut self.0 {
            if !rule.matches(method, path) {
                continue;
            }
            rule.seen += 1;
            if rule.pick.picks(rule.seen) {
                rule.fired += 1;
                return Some(rule.fault);
            }
        }
        None
    }

    /// The rules, and what they did so far.
    pub fn state(&self) -> Vec<RuleState> {
        let state = |rule: &Rule| RuleState { rule: rule.given.clone(), seen: rule.seen, fired: rule.fired };
        self.0.iter().map(state).collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

type Bad = (&'static str, String);

/// Kinds of faults, for messages.
const KINDS: &str = "throttled, quota, queue_full, status, delay, close, close_after, expired_token, activity_failed, \
     activity_timed_out, activity_slow";

impl Rule {
    fn parse(rule: &Value) -> Result<Rule, Bad> {
        let Some(members) = rule.as_object() else { return Err(("", "it must be an object".into())) };
        let path = match members.get("path") {
            Some(Value::String(path)) if path.starts_with('/') => path.clone(),
            Some(_) => return Err(("path", "it must be a text that begins with /".into())),
            None => return Err(("path", "it is missing: the beginning of the paths that the rule is for".into())),
        };
        let method = match members.get("method") {
            None | Some(Value::Null) => None,
            Some(Value::String(method)) => Some(
                Method::from_bytes(method.to_ascii_uppercase().as_bytes())
                    .map_err(|_| ("method", "it must be a method such as GET".to_owned()))?,
            ),
            Some(_) => return Err(("method", "it must be a text, such as \"GET\"".into())),
        };
        Ok(Rule { path, method, fault: fault(members)?, pick: pick(members)?, seen: 0, fired: 0, given: rule.clone() })
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        let starts_activity = || match *method {
            Method::POST => path.starts_with("/v3/activities/"),
            // Lists and tags are deleted in the background.
            Method::DELETE => path.starts_with("/v3/contact_lists/") || path.starts_with("/v3/contact_tags/"),
            _ => false,
        };
        path.starts_with(&self.path)
            && self.method.as_ref().is_none_or(|known| known == method)
            && (!matches!(self.fault, Fault::Activity(_)) || starts_activity())
    }
}

fn fault(members: &Map<String, Value>) -> Result<Fault, Bad> {
    let kind = match members.get("kind") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => return Err(("kind", format!("it must be one of {KINDS}"))),
        None => return Err(("kind", format!("it is missing: one of {KINDS}"))),
    };
    let milliseconds = || number(members, "ms", 0, DELAY_MAX).map(Duration::from_millis);
    Ok(match kind {
        "throttled" => Fault::Throttled,
        "quota" => Fault::Quota,
        "queue_full" => Fault::QueueFull,
        "status" => Fault::Status(number(members, "code", 200, 599)? as u16),
        "delay" => Fault::Delay(milliseconds()?),
        "close" => Fault::Close,
        "close_after" => Fault::CloseAfter,
        "expired_token" => Fault::ExpiredToken,
        "activity_failed" => Fault::Activity(Fate::Fail),
        "activity_timed_out" => Fault::Activity(Fate::TimeOut),
        "activity_slow" => Fault::Activity(Fate::Wait(milliseconds()?)),
        other => {
            let other: String = other.chars().take(40).collect();
            return Err(("kind", format!("{other} is not a kind of fault: it is one of {KINDS}")));
        }
    })
}

fn pick(members: &Map<String, Value>) -> Result<Pick, Bad> {
    const PICKS: [&str; 3] = ["times", "nth", "probability"];
    let mut given = PICKS.into_iter().filter(|name| members.contains_key(*name));
    let (Some(name), None) = (given.next(), given.next()) else {
        let what = match members.keys().any(|name| PICKS.contains(&name.as_str())) {
            true => "give only one of times, nth and probability",
            false => "one of times, nth and probability is missing",
        };
        return Err(("times", what.into()));
    };
    Ok(match name {
        "times" => Pick::Times(number(members, name, 1, u64::MAX)?),
        "nth" => Pick::Nth(number(members, name, 1, u64::MAX)?),
        _ => {
            let probability = members.get(name).and_then(Value::as_f64).filter(|p| (0.0..=1.0).contains(p));
            let probability = probability.ok_or((name, "it must be a number from 0 to 1".to_owned()))?;
            Pick::Probability(probability, number(members, "seed", 0, u64::MAX)?)
        }
    })
}

fn number(members: &Map<String, Value>, name: &'static str, from: u64, to: u64) -> Result<u64, Bad> {
    let range = match to {
        u64::MAX => format!("a whole number from {from} on"),
        to => format!("a whole number from {from} to {to}"),
    };
    match members.get(name) {
        None => Err((name, format!("it is missing: {range}"))),
        Some(value) => {
            let number = value.as_u64().filter(|number| (from..=to).contains(number));
            number.ok_or_else(|| (name, format!("it must be {range}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(list: Value) -> Rules {
        Rules::parse(&list).unwrap()
    }

    fn sequence(rules: &mut Rules, requests: usize) -> Vec<bool> {
        (0..requests).map(|_| rules.pick(&Method::GET, "/v3/contacts").is_some()).collect()
    }

    #[test]
    fn rules_pick_by_path_method_and_number() {
        let mut some = rules(json!([
            {"path": "/v3/contacts", "method": "get", "kind": "throttled", "times": 2},
            {"path": "/v3", "kind": "status", "code": 503, "nth": 2},
        ]));
        let mut ask = |method: Method, path: &str| some.pick(&method, path);
        assert_eq!(ask(Method::POST, "/v3/contacts"), None);
        assert_eq!(ask(Method::GET, "/v3/contact_lists"), Some(Fault::Status(503)));
        assert_eq!(ask(Method::GET, "/v3/contacts/x"), Some(Fault::Throttled));
        assert_eq!(ask(Method::GET, "/v3/contacts"), Some(Fault::Throttled));
        assert_eq!(ask(Method::GET, "/v3/contacts"), None);
        assert_eq!(ask(Method::GET, "/healthz"), None);
        let state = serde_json::to_value(some.state()).unwrap();
        assert_eq!((&state[0]["seen"], &state[0]["fired"]), (&json!(3), &json!(2)));
        assert_eq!((&state[1]["seen"], &state[1]["fired"]), (&json!(3), &json!(1)));
    }

    #[test]
    fn the_same_seed_picks_the_same_requests_again() {
        let rule = |seed: u64| json!([{"path": "/v3", "kind": "close", "probability": 0.3, "seed": seed}]);
        let one = sequence(&mut rules(rule(7)), 2000);
        assert_eq!(one, sequence(&mut rules(rule(7)), 2000));
        assert_ne!(one, sequence(&mut rules(rule(8)), 2000));
        let fired = one.iter().filter(|fired| **fired).count();
        assert!((500..700).contains(&fired), "{fired}");
        let always = |p: u32| json!([{"path": "/", "kind": "close", "probability": p, "seed": 0}]);
        assert!(sequence(&mut rules(always(1)), 100).iter().all(|fired| *fired));
        assert!(!sequence(&mut rules(always(0)), 100).iter().any(|fired| *fired));
    }

    #[test]
    fn activities_go_wrong_only_where_they_begin() {
        let mut slow = rules(json!([{"path": "/v3", "kind": "activity_slow", "ms": 5, "times": 1}]));
        assert_eq!(slow.pick(&Method::GET, "/v3/activities"), None);
        let fault = slow.pick(&Method::POST, "/v3/activities/contacts_json_import");
        assert_eq!(fault, Some(Fault::Activity(Fate::Wait(Duration::from_millis(5)))));
    }

    #[test]
    fn a_bad_rule_is_named_with_its_member() {
        let good = json!({"path": "/v3", "kind": "close", "times": 1, "code": "unused", "ms": -1});
        assert!(Rules::parse(&json!([good])).is_ok());
        for (member, bad) in [
            ("path", json!({"kind": "close", "times": 1})),
            ("path", json!({"path": "v3", "kind": "close", "times": 1})),
            ("path", json!({"path": 3, "kind": "close", "times": 1})),
            ("method", json!({"path": "/", "method": 1, "kind": "close", "times": 1})),
            ("method", json!({"path": "/", "method": "a b", "kind": "close", "times": 1})),
            ("kind", json!({"path": "/", "times": 1})),
            ("kind", json!({"path": "/", "kind": "explode", "times": 1})),
            ("code", json!({"path": "/", "kind": "status", "times": 1})),
            ("code", json!({"path": "/", "kind": "status", "code": 99, "times": 1})),
            ("code", json!({"path": "/", "kind": "status", "code": "503", "times": 1})),
            ("ms", json!({"path": "/", "kind": "delay", "times": 1})),
            ("ms", json!({"path": "/", "kind": "activity_slow", "ms": 1e9, "times": 1})),
            ("times", json!({"path": "/", "kind": "close"})),
            ("times", json!({"path": "/", "kind": "close", "times": 0})),
            ("times", json!({"path": "/", "kind": "close", "times": 1.5})),
            ("times", json!({"path": "/", "kind": "close", "times": 1, "nth": 1})),
            ("nth", json!({"path": "/", "kind": "close", "nth": -1})),
            ("probability", json!({"path": "/", "kind": "close", "probability": 1.1, "seed": 1})),
            ("seed", json!({"path": "/", "kind": "close", "probability": 0.5})),
        ] {
            let error = Rules::parse(&json!([good, bad])).err().unwrap_or_else(|| panic!("{bad}"));
            assert!(error.starts_with(&format!("rule 1, {member}: ")), "{bad}: {error}");
        }
        assert!(Rules::parse(&json!([3])).is_err_and(|error| error.starts_with("rule 0: ")));
        assert!(Rules::parse(&json!({})).is_err());
        assert!(Rules::parse(&Value::from(vec![good; 101])).is_err());
        assert!(rules(json!([])).is_empty());
    }
}
