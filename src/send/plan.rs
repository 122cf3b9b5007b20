//! What a delivery would do.

use super::bodies::{Bodies, Needs};
use super::sender::{Limits, POLL_WHILE_SENDING};
use super::{Error, Result};
use crate::rules::custom::Fields;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a delivery would do.
#[derive(Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Bodies.
    pub bodies: usize,
    /// Contacts in them.
    pub contacts: u64,
    /// Requests: one for each body, and about as many others as it will take.
    pub requests: u64,
    /// Minutes at the rate, if the service keeps up.
    pub minutes: f64,
    /// Days at the quota.
    pub days: u64,
    /// Lists that the account has, and that the contacts go to: identifiers and names.
    pub lists: BTreeMap<String, String>,
    /// Lists that the account lacks, by identifier; `None` if that was not checked.
    pub lists_missing: Option<BTreeSet<String>>,
    /// Custom fields that the account lacks, without `cf:`; `None` if that was not checked.
    pub fields_missing: Option<BTreeSet<String>>,
    /// Requests that would create what is missing.
    pub creates: Vec<Create>,
}

/// A request that creates something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Create {
    /// `POST`.
    pub method: &'static str,
    /// Below the base address.
    pub path: &'static str,
    /// What it carries.
    pub body: serde_json::Value,
}

/// What an account has.
#[derive(Debug, Default)]
pub struct Known {
    /// The names of its lists, by identifier in lower case; `None` if that is not known.
    pub lists: Option<BTreeMap<String, String>>,
    /// Its custom fields; `None` if that is not known.
    pub fields: Option<Fields>,
}

impl Known {
    /// The lists that it lacks.
    #[must_use]
    pub fn lists_missing(&self, needs: &Needs) -> Option<BTreeSet<String>> {
        let lists = self.lists.as_ref()?;
        Some(needs.lists.iter().filter(|list| !lists.contains_key(&list.to_ascii_lowercase())).cloned().collect())
    }

    /// The custom fields that it lacks.
    #[must_use]
    pub fn fields_missing(&self, needs: &Needs) -> Option<BTreeSet<String>> {
        let fields = self.fields.as_ref()?;
        Some(needs.fields.iter().filter(|name| fields.find(name).is_none()).cloned().collect())
    }
}

/// The request that creates a custom field.
#[must_use]
pub fn create_field(name: &str) -> Create {
    let body = serde_json::json!({"label": name, "type": "string"});
    Create { method: "POST", path: "/contact_custom_fields", body }
}

/// The request that creates a list.
#[must_use]
pub fn create_list(name: &str) -> Create {
    Create { method: "POST", path: "/contact_lists", body: serde_json::json!({"name": name}) }
}

impl Plan {
    /// The plan for these bodies. With `create_fields`, it has the requests that would create what is missing.
    #[must_use]
    pub fn new(bodies: &Bodies, needs: &Needs, known: &Known, limits: &Limits, create_fields: bool) -> Plan {
        let posts = bodies.all.len() as u64;
        let fields_missing = known.fields_missing(needs);
        let creates: Vec<Create> = match &fields_missing {
            Some(missing) if create_fields => missing.iter().map(|name| create_field(name)).collect(),
            _ => Vec::new(),
        };
        let requests = requests(posts, limits) + creates.len() as u64;
        Plan {
            bodies: bodies.all.len(),
            contacts: bodies.contacts(),
            requests,
            minutes: (seconds(requests, limits) / 60.0 * 10.0).ceil() / 10.0,
            days: requests.div_ceil(limits.quota.max(1)),
            lists: needs
                .lists
                .iter()
                .filter_map(|id| Some((id.clone(), known.lists.as_ref()?.get(&id.to_ascii_lowercase())?.clone())))
                .collect(),
            lists_missing: known.lists_missing(needs),
            fields_missing,
            creates,
        }
    }
}

/// Requests of so many bodies, if all goes well.
#[must_use]
pub fn requests(bodies: u64, limits: &Limits) -> u64 {
    // The account, its lists and fields, and a look at the end.
    let others = 4;
    bodies + others + (bodies as f64 / limits.rate / POLL_WHILE_SENDING).ceil() as u64
}

/// Seconds of so many requests, if the service keeps up.
#[must_use]
pub fn seconds(requests: u64, limits: &Limits) -> f64 {
    requests as f64 / limits.rate
}

/// Reads a `--lists` file: the JSON answer of `GET /contact_lists`, or several of them, one behind the other; or an identifier a
/// line. Gives names by identifiers in lower case; a name is empty if the file has none.
///
/// # Errors
/// It is something else; the text says what.
pub fn parse_lists(file: &[u8]) -> std::result::Result<BTreeMap<String, String>, String> {
    let text = std::str::from_utf8(file).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    let mut lists = BTreeMap::new();
    if text.trim_start().starts_with('{') {
        let mut has_next = false;
        for page in serde_json::Deserializer::from_str(text).into_iter::<super::activity::Page>() {
            let page = page.map_err(|error| format!("it is no answer of GET /contact_lists: {error}"))?;
            has_next = page.next().is_some();
            lists.extend(page.lists.into_iter().map(|list| (list.list_id.to_ascii_lowercase(), list.name)));
        }
        if has_next {
            return Err("it is one page of several: put the next ones behind it, or ask with limit=1000".to_owned());
        }
    } else {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.len() != 36 || !line.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
                return Err(format!("{line:?} is no identifier of a list (a UUID)"));
            }
            lists.insert(line.to_ascii_lowercase(), String::new());
        }
    }
    if lists.is_empty() {
        return Err("it has no list".to_owned());
    }
    Ok(lists)
}

/// Refuses to send to lists that the account lacks: each of those bodies would fail.
///
/// # Errors
/// Some list is not there.
pub fn refuse_missing_lists(known: &Known, needs: &Needs) -> Result<()> {
    match known.lists_missing(needs) {
        Some(missing) if !missing.is_empty() => Err(Error::could(format!(
            "the account has no list {}: every body would fail. Create the list at the service, which gives it an identifier, and \
             clean again with --list-id",
            missing.iter().map(|list| crate::model::printable::printable(list)).collect::<Vec<_>>().join(", ")
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::bodies::tests::directory;

    const LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

    #[test]
    fn a_plan_counts() {
        let dir = directory(&[3, 2]);
        let bodies = Bodies::verified(dir.path()).unwrap();
        let needs = bodies.needs().unwrap();
        let limits = Limits { quota: 4, ..Limits::default() };
        let plan = Plan::new(&bodies, &needs, &Known::default(), &limits, true);
        assert_eq!((plan.bodies, plan.contacts, plan.requests, plan.days), (2, 5, 7, 2));
        assert_eq!((&plan.lists_missing, &plan.fields_missing, plan.creates.len()), (&None, &None, 0));
        let known = Known {
            lists: Some([(LIST.to_owned(), "News".to_owned())].into()),
            fields: Some(Fields::from_iter(["Other"])),
        };
        let plan = Plan::new(&bodies, &needs, &known, &limits, true);
        assert_eq!(plan.lists_missing, Some(BTreeSet::new()));
        assert_eq!(plan.lists, [(LIST.to_owned(), "News".to_owned())].into());
        assert_eq!(plan.fields_missing, Some(["Tier".to_owned()].into()));
        assert_eq!(plan.creates, [create_field("Tier")]);
        refuse_missing_lists(&known, &needs).unwrap();
        let known = Known { lists: Some(BTreeMap::new()), fields: None };
        let error = refuse_missing_lists(&known, &needs).unwrap_err();
        assert!(error.to_string().contains(LIST), "{error}");
    }

    #[test]
    fn files_of_lists() {
        let json = format!(r#"{{"lists":[{{"list_id":"{}","name":"News"}}],"_links":{{}}}}"#, LIST.to_uppercase());
        for good in [json.clone(), format!("{LIST}\r\n\r\n"), json.clone() + "\n" + &json] {
            let lists = parse_lists(good.as_bytes()).unwrap();
            assert_eq!(lists.keys().collect::<Vec<_>>(), [LIST], "{good}");
        }
        let paged = r#"{"lists":[],"_links":{"next":{"href":"/v3/contact_lists?cursor=x"}}}"#;
        for bad in ["", "{}", "[]", "News", paged, "\u{feff}{"] {
            assert!(parse_lists(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
