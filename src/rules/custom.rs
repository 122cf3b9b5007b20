//! Custom fields: `cf:NAME`.

mod types;

pub use types::FieldType;

use super::text::{self, TextResult};
use super::{Effect, Rule, Settings, ValueCheck};
use crate::model::finding::{Code, Detail, Severity};
use crate::model::member::MemberId;
use std::collections::{HashMap, HashSet};
use unicode_normalization::UnicodeNormalization;

/// Most custom fields of one contact.
pub const MAX: usize = 25;
/// Longest name behind `cf:`, in characters.
pub const NAME_MAX: usize = 50;

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::CUS001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the name of a custom field has 1 to 50 characters behind cf:",
        help: "use the field's name in the account",
        why: "The account can have no field of such a name.",
        before: r#""cf:":"gold""#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::CUS002,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "more than 25 custom fields",
        help: "keep the 25 that matter; the first 25 as given stay",
        why: "A contact can have at most 25 custom fields.",
        before: r#""cf:f1":"1", ... ,"cf:f26":"26""#,
        after: "cf:f26 is held back",
    },
    Rule {
        code: Code::CUS003,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "the account has no custom field of this name",
        help: "create the field in the account first, or correct the name; case matters",
        why: "A custom field must exist in the account before contacts are imported with it.",
        before: r#""cf:Teir":"gold"   (with --custom-fields, where the field is Tier)"#,
        after: "held back: the contact goes on without it",
    },
    Rule {
        code: Code::CUS004,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "the value does not fit the type of its custom field",
        help: "correct the value, or the type or choices of the field",
        why: "Fields have types and choices. What an import does with a value that does not fit is not documented.",
        before: r#""cf:Birthdate":"soon"   (with --custom-fields, where the field is of type date)"#,
        after: "kept",
    },
];

/// True when `name`, without `cf:`, is of a good length.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && (name.len() <= NAME_MAX || super::text::chars(name) <= NAME_MAX)
}

/// Checks the name and the value of a custom field. `name` is without `cf:`.
#[inline]
pub fn check(name: &str, given: &str, settings: &Settings, buffer: &mut String) -> ValueCheck {
    let normal = text::normalise(given, buffer);
    if normal == TextResult::Blank {
        return ValueCheck::Blank;
    }
    if !is_name(name) {
        return ValueCheck::Bad(Code::CUS001, Detail::None);
    }
    if settings.custom_fields.as_ref().is_some_and(|known| known.find(name).is_none()) {
        return ValueCheck::Bad(Code::CUS003, Detail::None);
    }
    text::check_length(normal, given, MemberId::Custom, settings, buffer)
}

/// The labels in the value of a field with several choices: separated by semicolons, or by commas where there are none.
#[must_use]
pub fn chosen(value: &str) -> Vec<&str> {
    let separator = if value.contains(';') { ';' } else { ',' };
    value.split(separator).map(str::trim).filter(|label| !label.is_empty()).collect()
}

/// The custom fields of an account. A field can be named by its name or its label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Which field each name and label is.
    fields: HashMap<String, u32>,
    /// A name or label of each field, by letters and digits alone.
    similar: HashMap<String, String>,
    /// The types of fields that do not take any text.
    types: HashMap<u32, FieldType>,
}

impl Fields {
    /// Adds a field with all of these names. A name of an earlier field stays with that field.
    pub fn add<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.add_typed(names, None);
    }

    /// The same for a field of this type.
    pub fn add_typed<'n>(&mut self, names: impl IntoIterator<Item = &'n str>, kind: Option<FieldType>) {
        let field = self.fields.len() as u32;
        for name in names {
            self.fields.entry(name.to_owned()).or_insert(field);
            self.similar.entry(similar(name)).or_insert_with(|| name.to_owned());
        }
        // A field without a name of its own is none.
        if let Some(kind) = kind.filter(|_| self.fields.len() as u32 > field) {
            self.types.insert(field, kind);
        }
    }

    /// The field of this name, without `cf:`.
    #[must_use]
    #[inline]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.fields.get(name).copied()
    }

    /// True if some field has a type.
    #[must_use]
    pub fn has_types(&self) -> bool {
        !self.types.is_empty()
    }

    /// The type of a field, if it does not take any text.
    #[must_use]
    pub fn type_of(&self, field: u32) -> Option<&FieldType> {
        self.types.get(&field)
    }

    /// The name of a field from which this one, which is that of none, differs by case, punctuation or `cf:` only.
    #[must_use]
    pub fn similar(&self, name: &str) -> Option<&str> {
        // What has neither letters nor digits is like nothing.
        let key = similar(name);
        if key.is_empty() { None } else { self.similar.get(&key).map(String::as_str) }
    }
}

/// Each name is a field of its own.
impl<S: AsRef<str>> FromIterator<S> for Fields {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut fields = Fields::default();
        for name in names {
            fields.add([name.as_ref()]);
        }
        fields
    }
}

/// The letters and digits of a name in lower case, without a `cf` in front that belongs to no name.
fn similar(name: &str) -> String {
    let mut rest = name.trim_start();
    while let Some(behind) = rest.get(..3).filter(|start| {
        let bytes = start.as_bytes();
        bytes[..2].eq_ignore_ascii_case(b"cf") && matches!(bytes[2], b':' | b'_' | b'-' | b'.' | b' ')
    }) {
        rest = rest[behind.len()..].trim_start();
    }
    rest.nfc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Reads a `--custom-fields` file: the JSON answer of `GET /contact_custom_fields`, or several of them, one behind the other; or
/// a name a line, with or without `cf:`, blank lines skipped.
///
/// # Errors
/// The text says what is wrong, and what to do: another encoding, CSV, JSON of another shape, one page of several, no name.
pub fn parse_names(file: &[u8]) -> Result<Fields, String> {
    let file = text_of(file)?;
    let fields = match file.trim_start().starts_with(['{', '[']) {
        true => parse_json(file)?,
        false => parse_lines(file)?,
    };
    if fields.fields.is_empty() {
        return Err("it names no custom field: leave the option out if the names are not to be checked".to_owned());
    }
    Ok(fields)
}

fn text_of(file: &[u8]) -> Result<&str, String> {
    let encoding = match file {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [_, 0, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0, _, ..] => Some("UTF-32BE"),
        [_, 0, ..] => Some("UTF-16LE"),
        [0, _, ..] => Some("UTF-16BE"),
        _ => None,
    };
    if let Some(encoding) = encoding {
        return Err(format!("it is {encoding}: convert it to UTF-8 (iconv -f {encoding} -t UTF-8)"));
    }
    let text = std::str::from_utf8(file).map_err(|error| {
        let at = error.valid_up_to();
        format!("it is not UTF-8 (byte {at}): convert it, for example with iconv -f WINDOWS-1252 -t UTF-8")
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

fn parse_lines(file: &str) -> Result<Fields, String> {
    let mut fields = Fields::default();
    for (i, line) in file.lines().enumerate() {
        let name = line.trim();
        let name = name.strip_prefix("cf:").unwrap_or(name).trim_start();
        if name.starts_with('"') {
            return Err(format!(
                "line {} is in quotes, as CSV is: write one name a line, without quotes and without other columns",
                i + 1
            ));
        }
        if name.chars().any(char::is_control) {
            return Err(format!("line {} has a control character or a tab in it: write one name a line", i + 1));
        }
        if !name.is_empty() {
            fields.add([name]);
        }
    }
    Ok(fields)
}

fn parse_json(file: &str) -> Result<Fields, String> {
    use serde_json::Value;
    // One document, several pages, or one field a line, as `presort account fields list` prints them.
    let json: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(file).into_iter().collect();
    let mut json = json.map_err(|error| format!("it is not JSON: {error}"))?;
    let is_page = |json: &Value| json.get("custom_fields").is_some();
    if let [Value::Array(inside)] = &mut json[..] {
        json = std::mem::take(inside);
    }
    // A page with a `next` link must be followed by another page.
    let next = |page: &Value| page.pointer("/_links/next").is_some_and(|next| !next.is_null());
    if json.last().is_some_and(next) {
        return Err(
            "it is one page of several (_links.next): get the pages behind it as well, and put them one behind the \
                    other in the file"
                .to_owned(),
        );
    }
    let mut all = Vec::new();
    for json in json {
        if is_page(&json) {
            let Value::Array(fields) = &json["custom_fields"] else {
                return Err("its custom_fields is no array".to_owned());
            };
            all.extend(fields.iter().cloned());
        } else {
            all.push(json);
        }
    }
    let mut fields = Fields::default();
    let names = |field: &Value| -> Vec<String> {
        // An import names a field by its `name`; its `label` is what people see, and is often the same.
        let given = [Some(field), field.get("name"), field.get("label")].into_iter().flatten();
        given.filter_map(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let types: Vec<Option<FieldType>> = all.iter().map(type_in).collect();
    let all: Vec<Vec<String>> = all.iter().map(names).collect();
    if let Some(i) = all.iter().position(Vec::is_empty) {
        return Err(format!(
            "element {i} is no custom field: it has no array `custom_fields`, no `name` and no `label`"
        ));
    }
    // A text that is one field's name and another's label is the name.
    let by_name: HashSet<&String> = all.iter().map(|names| &names[0]).collect();
    for (names, kind) in all.iter().zip(types) {
        let names = names.iter().enumerate().filter(|(i, name)| *i == 0 || !by_name.contains(name));
        fields.add_typed(names.map(|(_, name)| name.as_str()), kind);
    }
    Ok(fields)
}

/// The type in the JSON of a field.
fn type_in(field: &serde_json::Value) -> Option<FieldType> {
    let label =
        |choice: &serde_json::Value| choice.get("choice_label").and_then(|label| label.as_str()).map(str::to_owned);
    let choices = field.get("choices").and_then(|choices| choices.as_array());
    let labels = choices.map(|choices| choices.iter().filter_map(label).collect()).unwrap_or_default();
    FieldType::of(field.get("type")?.as_str()?, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(is_name("Tier") && is_name(&"é".repeat(50)) && !is_name("") && !is_name(&"x".repeat(51)));
    }

    fn is_same(fields: &Fields, a: &str, b: &str) -> bool {
        fields.find(a).is_some() && fields.find(a) == fields.find(b)
    }

    #[test]
    fn files() {
        let sorted = |text: &str| {
            let mut names: Vec<String> = parse_names(text.as_bytes()).unwrap().fields.into_keys().collect();
            names.sort();
            names
        };
        assert_eq!(sorted("Tier\n\n cf:Source \r\n"), ["Source", "Tier"]);
        assert_eq!(
            sorted(r#"{"custom_fields":[{"custom_field_id":"1","label":"My Tier","name":"tier"}],"_links":{}}"#),
            ["My Tier", "tier"]
        );
        assert_eq!(sorted(r#"["a","b"]"#), ["a", "b"]);
        assert_eq!(sorted("{\"name\":\"a\"}\n{\"label\":\"b\"}"), ["a", "b"]);
        let pages = r#"{"custom_fields":[{"name":"a"}],"_links":{"next":{"href":"/v3/x"}}} {"custom_fields":[{"name":"b"}],"_links":{"next":null}}"#;
        assert_eq!(sorted(pages), ["a", "b"]);
        assert_eq!(sorted(&format!("[{}]", pages.replace("}}} {", "}}},{"))), ["a", "b"]);
    }

    #[test]
    fn files_that_are_refused() {
        for (file, says) in [
            (&b"{"[..], "not JSON"),
            (br#"{"x":1}"#, "custom_fields"),
            (br#"[{"id":1}]"#, "custom_fields"),
            (br#"{"custom_fields":{}}"#, "no array"),
            (br#"{"custom_fields":[{"name":""}]}"#, "element 0"),
            (br#"{"custom_fields":[{"name":"a"}],"_links":{"next":{"href":"/v3/x"}}}"#, "one page of several"),
            (br#"{"custom_fields":[]}"#, "names no custom field"),
            (b"[]", "names no custom field"),
            (b"", "names no custom field"),
            (b"\xef\xbb\xbf \n cf:\n", "names no custom field"),
            (b"Tier\n\"Shirt Size\"\n", "line 2 is in quotes"),
            (b"\"label\",\"name\"\n", "line 1 is in quotes"),
            (b"cf:\"Tier\"\n", "line 1 is in quotes"),
            (b"Tier\tstring\n", "line 1 has a control character"),
            (b"\xff\xfeT\0", "iconv -f UTF-16 "),
            (b"\xfe\xff\0T", "iconv -f UTF-16 "),
            (b"T\0i\0", "iconv -f UTF-16LE "),
            (b"\0T\0i", "iconv -f UTF-16BE "),
            (b"\xff\xfe\0\0T\0\0\0", "iconv -f UTF-32 "),
            (b"T\0\0\0", "iconv -f UTF-32LE "),
            (b"\0\0\0T", "iconv -f UTF-32BE "),
            (b"Gr\xf6\xdfe", "not UTF-8 (byte 2)"),
        ] {
            let error = parse_names(file).unwrap_err();
            assert!(error.contains(says), "{:?}: {error}", String::from_utf8_lossy(file));
        }
    }

    #[test]
    fn a_field_goes_by_its_name_and_its_label() {
        let json = br#"[{"label":"Shirt Size","name":"Shirt_Size"},{"label":"Tier","name":"Tier"},{"label":"Shirt_Size","name":"x"}]"#;
        let fields = parse_names(json).unwrap();
        assert!(is_same(&fields, "Shirt Size", "Shirt_Size"));
        assert!(!is_same(&fields, "Shirt Size", "Tier") && !is_same(&fields, "Shirt_Size", "x"));
        assert_eq!(fields.find("shirt size"), None);
        let fields: Fields = ["a", "b"].into_iter().collect();
        assert!(fields.find("a") != fields.find("b") && fields.find("b").is_some());
    }

    #[test]
    fn names_that_are_nearly_known() {
        let fields: Fields = ["Shirt Size", "Größe", "cf"].into_iter().collect();
        for name in ["shirt size", "ShirtSize", "SHIRT-SIZE", "cf:Shirt Size", " Shirt_Size ", "CF_shirt size"] {
            assert_eq!(fields.similar(name), Some("Shirt Size"), "{name}");
        }
        assert_eq!(fields.similar("GR\u{d6}\u{df}e"), Some("Größe"));
        assert_eq!(fields.similar("gro\u{308}\u{df}e"), Some("Größe"));
        for name in ["Shirt", "Shirts Size", "", "-", "cf:"] {
            assert_eq!(fields.similar(name), None, "{name}");
        }
    }
}
