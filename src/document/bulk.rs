//! Bulk requests of Elasticsearch and OpenSearch: lines of which each second one is an action, not a contact.

use crate::json::syntax::{self, unescape};

/// Longest line that can be an action, in bytes.
pub const LINE_MAX: u64 = 4 << 10;

/// What an action line says of the line behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is the document.
    Document,
    /// It is another action: this one deletes.
    Delete,
}

/// The action of a line, if it is one: an object with the one member `index`, `create`, `update` or `delete`, whose value is an object
/// that has nothing but members like `_index` and `_id`, if any.
#[must_use]
pub fn action(line: &[u8]) -> Option<Action> {
    if line.len() as u64 > LINE_MAX {
        return None;
    }
    let mut found = None;
    let mut others = 0;
    let is_object = syntax::members(line, |name, value| {
        let action = match &*unescape(&line[name]) {
            "index" | "create" | "update" => Action::Document,
            "delete" => Action::Delete,
            _ => return others += 1,
        };
        let value = &line[value];
        let is_meta = syntax::members(value, |name, _| others += usize::from(!is_meta(&unescape(&value[name]))));
        if is_meta && found.is_none() { found = Some(action) } else { others += 1 }
    });
    found.filter(|_| is_object && others == 0)
}

/// Names of the members of an action. Older versions write some without the underscore, or with one.
fn is_meta(name: &str) -> bool {
    matches!(
        name.strip_prefix('_').unwrap_or(name),
        "index"
            | "id"
            | "type"
            | "routing"
            | "parent"
            | "version"
            | "version_type"
            | "op_type"
            | "if_seq_no"
            | "if_primary_term"
            | "retry_on_conflict"
            | "require_alias"
            | "require_data_stream"
            | "pipeline"
            | "dynamic_templates"
            | "list_executed_pipelines"
    )
}

/// What the lines of one input are, one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines {
    /// The next line is a document, whatever is in it.
    expects_document: bool,
    /// Actions so far.
    pub actions: u64,
}

impl Lines {
    /// Takes the next line, and returns whether it is an action.
    pub fn take(&mut self, line: &[u8]) -> bool {
        let action = if self.expects_document { None } else { action(line) };
        self.expects_document = action == Some(Action::Document);
        self.actions += u64::from(action.is_some());
        action.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_and_documents() {
        for (line, is) in [
            (r#"{"index":{"_index":"c","_id":"1"}}"#, Some(Action::Document)),
            (r#" { "create" : { } } "#, Some(Action::Document)),
            (r#"{"update":{"_id":"1","retry_on_conflict":3}}"#, Some(Action::Document)),
            (r#"{"delete":{"_index":"c","_id":"1"}}"#, Some(Action::Delete)),
            (r#"{"index":1}"#, None),
            (r#"{"index":{"email":"a@b.co"}}"#, None),
            (r#"{"index":{},"email":"a@b.co"}"#, None),
            (r#"{"index":{},"index":{}}"#, None),
            (r#"{"email":"a@b.co"}"#, None),
            ("{}", None),
            ("[]", None),
            (r#"{"index":{}"#, None),
        ] {
            assert_eq!(action(line.as_bytes()), is, "{line}");
        }
        assert_eq!(action(format!(r#"{{"index":{{"_id":"{}"}}}}"#, "x".repeat(5_000)).as_bytes()), None);
        let mut lines = Lines::default();
        let is_action = [r#"{"index":{}}"#, r#"{"index":{}}"#, r#"{"delete":{}}"#, r#"{"create":{}}"#, "{}", "{}"]
            .map(|line| lines.take(line.as_bytes()));
        // What follows an action is its document, even if it looks like another.
        assert_eq!((is_action, lines.actions), ([true, false, true, true, false, false], 3));
    }
}
