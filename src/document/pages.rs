//! Signs in the members around contacts that the file is one page of several: `paging.next`, `has_more`, a total that is larger.

use crate::document::envelope::{EnvelopeFinding, FindingValue};
use crate::model::finding::Code;
use crate::model::member::JsonKind;
use crate::model::position::Position;

/// Most signs that are reported.
const SIGNS_MAX: usize = 20;
/// Characters of a value that are kept.
const VALUE_MAX: usize = 200;

/// The signs of one input so far.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    signs: Vec<EnvelopeFinding>,
    /// Numbers of all contacts, or of all pages, as the input gives them.
    totals: Vec<(u64, Unit, EnvelopeFinding)>,
    documents: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Contacts,
    Pages,
}

/// A name in lower case, letters and digits alone: `@odata.nextLink` and `next-link` are written in many ways.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Names of where the next page is.
fn is_next(name: &str) -> bool {
    matches!(
        name,
        "next"
            | "nextpage"
            | "nextlink"
            | "nexturl"
            | "nexturi"
            | "nexthref"
            | "nextpageurl"
            | "nextpagelink"
            | "nextpagetoken"
            | "nextpageuri"
            | "nexttoken"
            | "nextcursor"
            | "nextoffset"
            | "nextrecordsurl"
            | "odatanextlink"
            | "continuationtoken"
    )
}

impl Pages {
    /// Another document begins in the same input: what the one before says of further pages is answered by this one.
    pub fn another_document(&mut self) {
        self.signs.clear();
        self.documents += 1;
    }

    /// Takes a member whose value is a string, a number or a word. `path` names the objects around it.
    pub fn scalar(&mut self, path: &[&str], name: &str, kind: JsonKind, text: &str, position: Position) {
        let plain = plain(name);
        let number = || text.parse::<f64>().unwrap_or(0.0);
        let is_true = || text == "true" || (kind != JsonKind::Bool && number() == 1.0);
        let is_something = || match kind {
            JsonKind::String => !text.trim().is_empty(),
            JsonKind::Number => number() > 0.0,
            _ => text == "true",
        };
        let is_sign = match plain.as_str() {
            "hasmore" | "hasnext" | "hasnextpage" | "hasmoreitems" | "hasmorepages" | "moreresults" | "morerecords"
            | "istruncated" | "truncated" => is_true(),
            "done" | "islast" | "islastpage" => text == "false",
            "offset" | "vidoffset" => is_something() && text != "0",
            name => is_next(name) && is_something(),
        };
        let unit = match plain.as_str() {
            "total" | "totalcount" | "totalsize" | "totalitems" | "totalresults" | "totalrecords" | "totalelements" => {
                Unit::Contacts
            }
            "totalpages" | "pagecount" | "lastpage" => Unit::Pages,
            _ if is_sign => return self.add(path, name, Some((kind, text)), position),
            _ => return,
        };
        if let (JsonKind::Number, Ok(total)) = (kind, text.parse())
            && self.totals.len() < SIGNS_MAX
        {
            self.totals.push((total, unit, finding(path, name, Some((kind, text)), position)));
        }
    }

    /// Takes an object that is not empty. Its own name is the last of `path`.
    pub fn object(&mut self, path: &[&str], position: Position) {
        if let [path @ .., name] = path
            && is_next(&plain(name))
        {
            self.add(path, name, None, position);
        }
    }

    fn add(&mut self, path: &[&str], name: &str, value: Option<(JsonKind, &str)>, position: Position) {
        if self.signs.len() < SIGNS_MAX {
            self.signs.push(finding(path, name, value, position));
        }
    }

    /// The signs, in input order, for an input that had this many contacts.
    #[must_use]
    pub fn findings(mut self, contacts: u64) -> Vec<EnvelopeFinding> {
        // Joined pages each name their number, and may have all contacts together.
        let is_single = self.documents == 0;
        let larger = self.totals.into_iter().filter(|(total, unit, _)| match unit {
            Unit::Contacts => *total > contacts,
            Unit::Pages => is_single && *total > 1,
        });
        self.signs.extend(larger.map(|(.., finding)| finding));
        self.signs.sort_by_key(|finding| finding.position.offset);
        self.signs
    }
}

fn finding(path: &[&str], name: &str, value: Option<(JsonKind, &str)>, position: Position) -> EnvelopeFinding {
    let names: Vec<String> = path.iter().chain([&name]).map(|name| name.chars().take(100).collect()).collect();
    let value = value.map(|(kind, text)| {
        let text = text.chars().take(VALUE_MAX).collect();
        if kind == JsonKind::String { FindingValue::Text(text) } else { FindingValue::Json(text) }
    });
    EnvelopeFinding { code: Code::ENV014, position, field: names.join("."), value, to: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(scalars: &[(&[&str], &str, JsonKind, &str)], contacts: u64) -> Vec<String> {
        let mut pages = Pages::default();
        for (path, name, kind, text) in scalars {
            pages.scalar(path, name, *kind, text, Position::default());
        }
        pages.findings(contacts).into_iter().map(|finding| finding.field).collect()
    }

    #[test]
    fn what_says_that_there_is_more() {
        use JsonKind::{Bool, Null, Number, String};
        for (path, name, kind, text) in [
            (&["paging"][..], "next", String, "/page/2"),
            (&[], "next_page", Number, "2"),
            (&[], "@odata.nextLink", String, "x"),
            (&[], "has_more", Bool, "true"),
            (&[], "has-more", Number, "1"),
            (&[], "done", Bool, "false"),
            (&[], "offset", String, "itr/rec2"),
            (&[], "offset", Number, "100"),
            (&[], "total_items", Number, "8"),
            (&["meta"], "totalPages", Number, "2"),
        ] {
            assert_eq!(fields(&[(path, name, kind, text)], 7).len(), 1, "{name} {text}");
        }
        for (name, kind, text) in [
            ("next", Null, "null"),
            ("next", String, " "),
            ("next_page", Number, "0"),
            ("has_more", Bool, "false"),
            ("has_more", Number, "0"),
            ("done", Bool, "true"),
            ("offset", Number, "0"),
            ("offset", Number, "1e999x"),
            ("total_items", Number, "7"),
            ("total_pages", Number, "1"),
            ("nextdoor", String, "x"),
            ("total", String, "many"),
        ] {
            assert_eq!(fields(&[(&[], name, kind, text)], 7), [""; 0], "{name} {text}");
        }
    }

    #[test]
    fn a_later_page_answers_the_sign() {
        let mut pages = Pages::default();
        pages.object(&["paging", "next"], Position::default());
        pages.scalar(&[], "total_pages", JsonKind::Number, "2", Position::default());
        pages.another_document();
        assert_eq!(pages.clone().findings(2), []);
        pages.object(&["_links", "next"], Position::default());
        assert_eq!(pages.findings(2)[0].field, "_links.next");
    }
}
