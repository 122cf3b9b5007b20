//! Map files: a mapping as TOML, to be edited and given back.
//!
//! Read with the crate `toml`, for its errors with places; a map is one table of strings, so writing needs no more than quotes.

use super::columns::{Column, How, Mapping, Target};
use super::{decide, names, systems};
use crate::model::printable::printable;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// What one column becomes, as the user says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it becomes.
    pub target: Target,
    /// It counts only where no other column gives the member: `email?`.
    pub fallback: bool,
}

impl Entry {
    /// Reads a member, `cf:NAME`, `-`, or several members with commas. A question mark behind it is a fallback. None where it is
    /// no target.
    #[must_use]
    pub fn parse(text: &str) -> Option<Entry> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("cf:") {
            let good = crate::rules::custom::is_name(name);
            return good.then(|| Entry { target: Target::Custom(text.to_owned()), fallback: false });
        }
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        Entry::of_parts(&parts)
    }

    fn of_parts(parts: &[&str]) -> Option<Entry> {
        if let [one] = parts
            && one.starts_with("cf:")
        {
            return Entry::parse(one);
        }
        let bare: Vec<&str> = parts.iter().map(|part| part.strip_suffix('?').unwrap_or(part)).collect();
        let fallback = bare.iter().zip(parts).any(|(bare, part)| bare.len() < part.len());
        // A question mark is behind all of them or none.
        let even = !fallback || bare.iter().zip(parts).all(|(bare, part)| bare.len() < part.len());
        let target = systems::target_of(&bare.join(","))?;
        let good = even && !(fallback && target == Target::None);
        good.then_some(Entry { target, fallback })
    }

    /// The names of its members, each with a question mark where it is a fallback.
    fn names(&self) -> Vec<String> {
        let mark = if self.fallback { "?" } else { "" };
        self.target.members().into_iter().map(|name| format!("{name}{mark}")).collect()
    }
}

/// A map file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MapFile {
    entries: Vec<(String, Entry)>,
    by_name: HashMap<String, usize>,
}

/// What is wrong with a map file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The column in that line, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}; {}", self.line, self.column, self.message, self.help)
    }
}

impl std::error::Error for FileError {}

/// Most bytes of a map file: more than 10,000 columns with long names take.
const FILE_MAX: usize = 16 << 20;

impl MapFile {
    /// Reads a map file.
    ///
    /// # Errors
    /// It is no TOML, or says something that is no mapping.
    pub fn parse(text: &str) -> Result<MapFile, FileError> {
        if text.len() > FILE_MAX {
            let help = "a map file has a line for each column; write one with `presort map`";
            return Err(error(text, 0, "this is too large for a map file".to_owned(), help));
        }
        let document =
            DeTable::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|found| bad_toml(text, &found))?;
        let shift = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
        let place = |span: Range<usize>| span.start + shift;
        let mut columns = None;
        for (name, value) in document.into_inner() {
            match value.get_ref() {
                DeValue::Table(_) if name.get_ref() == "columns" => columns = Some(value),
                DeValue::Table(_) => {
                    let message = format!("there is no table [{}] in a map file", shown(name.get_ref()));
                    return Err(error(text, place(name.span()), message, "its only table is [columns]"));
                }
                _ => {
                    let message = format!("{} stands outside of the table [columns]", quoted(name.get_ref()));
                    return Err(error(text, place(name.span()), message, "write [columns] on a line above it"));
                }
            }
        }
        let Some(columns) = columns else {
            let help = "write [columns], and below it a line for each column: \"Email Address\" = \"email\"";
            return Err(error(text, 0, "there is no table [columns]".to_owned(), help));
        };
        let DeValue::Table(columns) = columns.into_inner() else { return Ok(MapFile::default()) };
        let mut rows: Vec<_> = columns.into_iter().collect();
        rows.sort_by_key(|(name, _)| name.span().start);
        let mut file = MapFile::default();
        let mut holders: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in rows {
            let entry = entry(text, &place, name.get_ref(), &value)?;
            for member in entry.target.members().into_iter().filter(|member| *member != "-" && !entry.fallback) {
                if let Some(first) = holders.insert(member.to_owned(), name.get_ref().to_string()) {
                    let message = format!("both {} and {} are {member}", quoted(&first), quoted(name.get_ref()));
                    let help = format!(
                        "write \"-\" for one of them, or \"{member}?\" for the one that counts only where the other is empty"
                    );
                    return Err(error(text, place(value.span()), message, &help));
                }
            }
            let name = decide::plain(name.get_ref()).to_owned();
            if file.by_name.insert(name.clone(), file.entries.len()).is_some() {
                let message = format!("the column {} is there twice", quoted(&name));
                return Err(error(text, place(value.span()), message, "leave out one of the two lines"));
            }
            file.entries.push((name, entry));
        }
        Ok(file)
    }

    /// What a column becomes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(decide::plain(name)).map(|at| &self.entries[*at].1)
    }

    /// The names of columns with one of these targets.
    pub(super) fn names_of(&self, is_wanted: impl Fn(&Target) -> bool) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(move |(_, entry)| is_wanted(&entry.target)).map(|(name, _)| name.as_str())
    }

    /// The columns that it mentions, in its order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }
}

/// A name for a message.
fn quoted(name: &str) -> String {
    format!("\"{}\"", shown(name))
}

fn shown(name: &str) -> String {
    printable(names::cut(name, 80)).into_owned()
}

/// Reads the value of a column.
fn entry(
    text: &str,
    place: &impl Fn(Range<usize>) -> usize,
    name: &str,
    value: &toml::Spanned<DeValue<'_>>,
) -> Result<Entry, FileError> {
    const FORMS: &str =
        "write a member like \"email\", \"cf:NAME\" for a custom field, or \"-\" to leave the column out";
    let wrong_type = |span: Range<usize>| {
        let message = format!("what {} becomes must be text in quotes, or a list of them", quoted(name));
        error(text, place(span), message, FORMS)
    };
    let mut parts: Vec<&str> = Vec::new();
    match value.get_ref() {
        DeValue::String(member) => parts.push(member),
        DeValue::Array(members) => {
            for member in members.iter() {
                match member.get_ref() {
                    DeValue::String(member) => parts.push(member),
                    _ => return Err(wrong_type(member.span())),
                }
            }
        }
        DeValue::Table(_) => {
            let message = format!("{} is a table, not a member", quoted(name));
            return Err(error(
                text,
                place(value.span()),
                message,
                "put the column's name in quotes if it has a point in it",
            ));
        }
        _ => return Err(wrong_type(value.span())),
    }
    if let Some(entry) = Entry::of_parts(&parts) {
        return Ok(entry);
    }
    let is_known = |part: &str| Entry::of_parts(&[part]).is_some_and(|entry| entry.target != Target::None);
    match parts.iter().find(|part| !is_known(part)) {
        Some(unknown) if parts.len() == 1 || !unknown.is_empty() => {
            let help = match decide::similar_member(unknown) {
                Some(similar) => format!("did you mean \"{similar}\"?"),
                None => FORMS.to_owned(),
            };
            let message = format!("there is no member {} for {} to become", quoted(unknown), quoted(name));
            Err(error(text, place(value.span()), message, &help))
        }
        _ => {
            let message = format!("no value is split into {}", quoted(&parts.join(", ")));
            let help = "a column may be [\"first_name\", \"last_name\"], [\"birthday_month\", \"birthday_day\"], [\"street\", \
                        \"city\", \"state\", \"zip\", \"country\"] or [\"city\", \"state\"], in this order";
            Err(error(text, place(value.span()), message, help))
        }
    }
}

fn error(text: &str, at: usize, message: String, help: &str) -> FileError {
    let before = names::cut(text, at);
    let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
    FileError {
        line: before.matches('\n').count() + 1,
        column: line.trim_start_matches('\u{feff}').chars().count() + 1,
        message,
        help: help.to_owned(),
    }
}

/// What the parser says is wrong.
fn bad_toml(text: &str, found: &toml::de::Error) -> FileError {
    let shift = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let at = found.span().map_or(text.len(), |span| span.start + shift);
    let message = printable(found.message()).into_owned();
    if message.contains("duplicate key") {
        let message = "this column is there twice".to_owned();
        return error(text, at, message, "leave out one of the two lines");
    }
    let message = format!("this is no TOML: {message}");
    error(text, at, message, "a line is \"COLUMN\" = \"MEMBER\", both in double quotes")
}

/// Text as a TOML string.
fn toml_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // What would hide on a terminal is visible in the file.
            c if crate::model::printable::is_unsafe(c) => {
                let code = u32::from(c);
                let _ = if code > 0xffff { write!(out, "\\U{code:08X}") } else { write!(out, "\\u{code:04X}") };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// How a column was decided, in a word or two.
fn how(column: &Column, mapping: &Mapping) -> String {
    match column.found {
        How::Ignored => "ignored".to_owned(),
        How::Renamed => "renamed".to_owned(),
        How::File => "map file".to_owned(),
        How::Unmentioned => "not in the map file".to_owned(),
        How::System if column.target == Target::None && column.permission.is_none() && !column.decides => {
            "unmapped".to_owned()
        }
        How::System => "system".to_owned(),
        How::Contract => "the contract's name".to_owned(),
        How::Synonym => "synonym".to_owned(),
        How::Custom => "custom field".to_owned(),
        How::Unmapped => "unmapped".to_owned(),
        How::Taken(by) => match mapping.columns.get(by) {
            Some(other) => format!("unmapped, because {} has the member", quoted(&other.name)),
            None => "unmapped".to_owned(),
        },
        How::Own => "presort's own".to_owned(),
    }
}

/// What a column says about permission, in words.
fn permission(column: &Column) -> Option<&'static str> {
    use super::permission::PermissionKind as K;
    column.permission.and_then(|permission| {
        Some(match permission.kind {
            K::OptOut | K::OptOutTrace => "opt-out: says who must not be written to",
            K::Consent | K::ConsentTrace => "consent: says who may be written to",
            K::Status => "status: says who may be written to",
            K::Caution => "looked at: some values deserve a warning",
            K::Word => return None,
        })
    })
}

/// The system of a mapping, as a line says it.
fn system_line(mapping: &Mapping) -> Option<String> {
    let system = mapping.system?;
    let others = match system.others {
        0 => String::new(),
        n => format!("; {n} other systems have the same names"),
    };
    Some(format!("{} ({} of {} headers{others})", system.name, system.matched, system.headers))
}

/// The mapping as a map file, with comments.
#[must_use]
pub fn render(mapping: &Mapping) -> String {
    let mut out = String::new();
    if let Some(system) = system_line(mapping) {
        let _ = writeln!(out, "# {system}");
    }
    if mapping.columns.iter().any(|column| column.fallback) {
        let _ = writeln!(out, "# A member with a question mark counts only where no other column gives it.");
    }
    out.push_str("[columns]\n");
    let rows: Vec<(String, &Column)> = mapping
        .columns
        .iter()
        .filter(|column| column.found != How::Own)
        .map(|column| {
            let entry = Entry { target: column.target.clone(), fallback: column.fallback };
            let members: Vec<String> = entry.names().iter().map(|name| toml_string(name)).collect();
            let value = if let [one] = members.as_slice() { one.clone() } else { format!("[{}]", members.join(", ")) };
            (format!("{} = {value}", toml_string(&column.name)), column)
        })
        .collect();
    /// Comments begin in one column, as far as names are short.
    const WIDEST: usize = 48;
    let width = rows.iter().map(|(row, _)| row.chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for (row, column) in rows {
        let mut comment = how(column, mapping);
        for more in
            [permission(column), column.decides.then_some("says which kind another column is")].into_iter().flatten()
        {
            let _ = write!(comment, "; {more}");
        }
        if !column.note.is_empty() && column.target == Target::None && column.permission.is_none() {
            let _ = write!(comment, " ({})", column.note);
        }
        if let Some(suggestion) = &column.suggestion {
            let _ = write!(comment, "; perhaps {suggestion}");
        }
        let _ = write!(comment, "; {} %", column.filled_percent(mapping.records));
        if !column.samples.is_empty() {
            let _ = write!(comment, "; {}", column.samples.join(", "));
        }
        let _ = writeln!(out, "{row:<width$}  # {}", printable(&comment));
    }
    out
}

/// The mapping as JSON, for programs: `system`, `records`, and `columns` in their order, each with `name`, `members`, `fallback`,
/// `found`, `permission`, `filled`, `samples` and `suggestion`.
#[must_use]
pub fn render_json(mapping: &Mapping) -> String {
    use serde_json::json;
    let columns: Vec<serde_json::Value> = mapping
        .columns
        .iter()
        .map(|column| {
            let members = if column.target == Target::None { Vec::new() } else { column.target.members() };
            json!({
                "name": column.name,
                "members": members,
                "fallback": column.fallback,
                "found": column.found.as_str(),
                "permission": column.permission.map(|permission| permission.kind.as_str()),
                "note": column.note,
                "filled": column.filled,
                "samples": column.samples,
                "suggestion": column.suggestion,
            })
        })
        .collect();
    let system = mapping.system.map(|system| {
        json!({"name": system.name, "matched": system.matched, "headers": system.headers, "others": system.others})
    });
    json!({"system": system, "records": mapping.records, "columns": columns}).to_string()
}

#[cfg(test)]
mod tests;
