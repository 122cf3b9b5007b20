//! Activities and errors, as the service words them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The state of an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Initialized,
    /// It runs.
    Processing,
    /// It is done: how much of it landed, the counts say.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// It failed.
    Failed,
    /// It exceeded a time limit.
    TimedOut,
    /// The service does not know it any more (no word of the service).
    Gone,
    /// One that is not known.
    Other(String),
}

impl State {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            State::Initialized => "initialized",
            State::Processing => "processing",
            State::Completed => "completed",
            State::Cancelled => "cancelled",
            State::Failed => "failed",
            State::TimedOut => "timed_out",
            State::Gone => "gone",
            State::Other(name) => name,
        }
    }

    fn named(name: &str) -> State {
        match name {
            "initialized" => State::Initialized,
            "processing" => State::Processing,
            "completed" => State::Completed,
            "cancelled" => State::Cancelled,
            "failed" => State::Failed,
            "timed_out" => State::TimedOut,
            "gone" => State::Gone,
            other => State::Other(other.to_owned()),
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, State::Initialized | State::Processing | State::Other(_))
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<State, D::Error> {
        Ok(State::named(&String::deserialize(deserializer)?))
    }
}

/// The counts of an activity that say what became of its contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Contacts, or one more where the service counts a header.
    pub items_total_count: u64,
    /// Contacts that were imported.
    pub items_completed_count: u64,
    /// Contacts.
    pub person_count: u64,
    /// Errors.
    pub error_count: u64,
    /// Errors that can be corrected at the service.
    pub correctable_count: u64,
    /// Contacts that were added to no list, because they unsubscribed.
    pub cannot_add_to_list_count: u64,
}

impl Counts {
    /// Whether these are the counts of an import of so many contacts. Only imports count persons, and these without a header.
    #[must_use]
    pub fn are_of(&self, contacts: u64) -> bool {
        self.person_count == contacts && self.can_become(contacts)
    }

    /// Whether these can be the counts of such an import that is under way: persons may be counted late.
    #[must_use]
    pub fn can_become(&self, contacts: u64) -> bool {
        let total = self.items_total_count;
        let is_total = total == 0 || total == contacts || total == contacts.saturating_add(1);
        is_total && (self.person_count == 0 || self.person_count == contacts)
    }
}

/// An activity.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Activity {
    /// Its identifier.
    pub activity_id: String,
    /// Its state.
    #[serde(default = "initialized")]
    pub state: State,
    /// When it was made, ISO 8601.
    #[serde(default)]
    pub created_at: Option<String>,
    /// Its counts.
    #[serde(default)]
    pub status: Option<Counts>,
    /// The file that was uploaded, if it is one of a file: bodies are not.
    #[serde(default)]
    source_file_name: Option<serde_json::Value>,
    /// What was wrong.
    #[serde(default)]
    activity_errors: Option<Vec<serde_json::Value>>,
}

fn initialized() -> State {
    State::Initialized
}

impl Activity {
    /// One of a single answer.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Activity> {
        serde_json::from_slice(body).ok().filter(|activity: &Activity| !activity.activity_id.is_empty())
    }

    /// Whether it is of a file that was uploaded.
    #[must_use]
    pub fn is_of_file(&self) -> bool {
        let name = self.source_file_name.as_ref().and_then(serde_json::Value::as_str);
        name.is_some_and(|name| !name.is_empty())
    }

    /// What was wrong, in the service's words.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        self.activity_errors
            .iter()
            .flatten()
            .map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned))
            .collect()
    }

    /// Whether it took all of so many contacts, and has nothing to say about any.
    #[must_use]
    pub fn is_whole(&self, contacts: u64) -> bool {
        let is_imported = self.status.is_some_and(|counts| counts.items_completed_count >= contacts);
        self.state == State::Completed && is_imported && self.activity_errors.as_ref().is_none_or(Vec::is_empty)
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.created_at.as_deref()?.parse::<jiff::Timestamp>().ok().map(|time| time.as_second())
    }
}

/// A page of a collection.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Activities.
    #[serde(default)]
    pub activities: Vec<Activity>,
    /// Lists.
    #[serde(default)]
    pub lists: Vec<List>,
    /// Custom fields.
    #[serde(default)]
    pub custom_fields: Vec<Field>,
    /// The next page.
    #[serde(default, rename = "_links")]
    links: Links,
}

#[derive(Debug, Default, Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    href: String,
}

impl Page {
    /// One of an answer.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Page> {
        serde_json::from_slice(body).ok()
    }

    /// Where the next page is.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.links.next.as_ref().map(|link| link.href.as_str())
    }
}

/// A list of the account.
#[derive(Debug, Clone, Deserialize)]
pub struct List {
    /// Its identifier.
    pub list_id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// A custom field of the account.
#[derive(Debug, Clone, Deserialize)]
pub struct Field {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its label.
    #[serde(default)]
    pub label: String,
}

/// What the service says is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// `error_key`, if it has one.
    pub key: Option<String>,
    /// Its words.
    pub messages: Vec<String>,
}

impl Fault {
    /// Reads an answer: an array of errors, one error, or a message. Of anything else the status is all there is.
    #[must_use]
    pub fn parse(body: &[u8]) -> Fault {
        let mut fault = Fault::default();
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(serde_json::Value::Array(errors)) => errors.iter().for_each(|error| fault.add(error)),
            Ok(error) => fault.add(&error),
            Err(_) => {}
        }
        fault
    }

    fn add(&mut self, error: &serde_json::Value) {
        let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
        if self.key.is_none() {
            self.key = text("error_key").or_else(|| text("error")).map(str::to_owned);
        }
        let message = text("error_message").or_else(|| text("message")).or_else(|| text("error_description"));
        self.messages.extend(message.or_else(|| text("error_key")).map(str::to_owned));
    }

    /// The reason for 429, without what stands before it (`contacts.api.throttled`).
    #[must_use]
    pub fn reason(&self) -> &str {
        self.key.as_deref().map_or("", |key| key.rsplit('.').next().unwrap_or(key))
    }

    /// All of it for a person, on one line.
    #[must_use]
    pub fn text(&self) -> String {
        /// Characters that are shown.
        const MAX: usize = 300;
        let text = match self.messages.is_empty() {
            true => self.key.clone().unwrap_or_default(),
            false => self.messages.join("; "),
        };
        crate::model::printable::printable(&text).chars().take(MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_three_shapes() {
        let array = Fault::parse(
            br#"[{"error_key":"contacts.api.validation.error","error_message":"bad"},{"error_message":"worse"}]"#,
        );
        assert_eq!((array.reason(), array.text().as_str()), ("error", "bad; worse"));
        let one = Fault::parse(br#"{"error_key":"throttled","error_message":"slower"}"#);
        assert_eq!((one.reason(), one.text().as_str()), ("throttled", "slower"));
        assert_eq!(Fault::parse(br#"{"message":"Too Many Requests"}"#).text(), "Too Many Requests");
        for nothing in [&b""[..], b"<html>", b"5", b"[[]]", b"{\"error_key\":7}"] {
            assert_eq!(Fault::parse(nothing), Fault::default());
        }
    }

    #[test]
    fn activities() {
        let page = Page::parse(
            br#"{"activities":[{"activity_id":"x","state":"timed_out","created_at":"2016-03-03T10:56:29-05:00",
                "activity_errors":["Line 2: bad",{"code":1}],"status":{"person_count":2}},{"activity_id":"y","state":"odd"}],
                "_links":{"next":{"href":"/v3/activities?cursor=c"}}}"#,
        )
        .unwrap();
        assert_eq!(page.next(), Some("/v3/activities?cursor=c"));
        let [x, y] = &page.activities[..] else { panic!() };
        assert_eq!((x.created(), x.errors().len(), x.state.is_over()), (Some(1_457_020_589), 2, true));
        assert_eq!(x.status.unwrap().person_count, 2);
        assert!(!x.is_whole(2) && !y.is_whole(0));
        let whole = Activity::parse(br#"{"activity_id":"z","state":"completed","status":{"items_completed_count":2}}"#);
        assert!(whole.unwrap().is_whole(2));
        assert!(!y.state.is_over() && y.created().is_none() && y.status.is_none());
        assert!(Page::parse(br#"{"activities":[],"_links":{}}"#).unwrap().next().is_none());
        assert!(Activity::parse(b"{}").is_none() && Activity::parse(b"").is_none());
    }

    #[test]
    fn counts_of_an_import() {
        let counts = |items_total_count, person_count| Counts { items_total_count, person_count, ..Counts::default() };
        assert!(counts(3, 3).are_of(3) && counts(4, 3).are_of(3) && counts(0, 3).are_of(3));
        for other in [counts(3, 0), counts(4, 4), counts(4, 0), counts(9, 3), counts(2, 2), counts(0, 0)] {
            assert!(!other.are_of(3), "{other:?}");
        }
        assert!(counts(0, 0).can_become(3) && counts(4, 0).can_become(3) && !counts(4, 4).can_become(3));
    }
}
