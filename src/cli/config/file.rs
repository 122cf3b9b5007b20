//! Reads a configuration file: a table for each subcommand, with the long names of its options.

use super::{Given, HERE, Origin, Setting, check, options, sections};
use crate::mapping::names::distance;
use crate::model::error::{Error, Result};
use crate::model::printable::{cut, printable};
use clap::{Arg, ArgAction, Command};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Most bytes of a configuration file.
const MAX: u64 = 1 << 20;

/// Options that a file in the working directory may not set, beside all that name files to write: what a run overwrites and whom it
/// talks to is not for a folder to decide that someone else may have made.
const NOT_HERE: [&str; 11] =
    ["force", "replace", "append", "client-id", "scopes", "list", "create-lists", "yes", "listen", "host", "cors"];

/// Names that a person may expect to set a token with.
const TOKENS: [&str; 3] = ["access-token", "refresh-token", "token"];

/// Options that name files to read.
const READ: [&str; 3] = ["map", "suppress", "custom-fields"];

/// The settings of a file. With `is_found`, it lies in the working directory and no option names it.
pub(super) fn read(path: &Path, is_found: bool, command: &Command) -> Result<Vec<Setting>> {
    let name = path.display().to_string();
    let text = text(path).map_err(|error| Error::io("read", &name, error))?;
    let file = File { name, text: text.strip_prefix('\u{feff}').unwrap_or(&text), is_found };
    file.settings(command)
}

fn text(path: &Path) -> io::Result<String> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() && path != Path::new("/dev/null") {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB, which no configuration is"));
    }
    Ok(text)
}

struct File<'t> {
    name: String,
    text: &'t str,
    is_found: bool,
}

impl File<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn error(&self, at: usize, what: &str) -> Error {
        Error::usage(format!("{}, line {}: {what}", self.name, self.line(at)))
    }

    fn settings(&self, command: &Command) -> Result<Vec<Setting>> {
        let document = DeTable::parse(self.text).map_err(|found| {
            let at = found.span().map_or(self.text.len(), |span| span.start);
            self.error(at, &format!("this is no TOML: {}", printable(found.message())))
        })?;
        let sections: Vec<&Command> = sections(command).collect();
        let mut settings = Vec::new();
        for (name, value) in document.into_inner() {
            let (at, name) = (name.span().start, name.into_inner());
            let DeValue::Table(table) = value.get_ref() else {
                let what =
                    format!("{} stands outside of a section; write it below [clean] or another one", quoted(&name));
                return Err(self.error(at, &what));
            };
            let Some(section) = sections.iter().find(|section| section.get_name() == name) else {
                let known = sections.iter().map(|section| section.get_name());
                let what = format!("there is no section [{}]; {}", shown(&name), way_out(&name, known, "sections"));
                return Err(self.error(at, &what));
            };
            for (key, value) in table {
                settings.push((key.span().start, self.setting(section, key, value)?));
            }
        }
        settings.sort_by_key(|(at, _)| *at);
        Ok(settings.into_iter().map(|(_, setting)| setting).collect())
    }

    fn setting(
        &self,
        section: &Command,
        key: &toml::Spanned<std::borrow::Cow<'_, str>>,
        value: &toml::Spanned<DeValue<'_>>,
    ) -> Result<Setting> {
        let (at, key) = (key.span().start, key.get_ref());
        let Some(arg) = options(section).find(|arg| arg.get_long() == Some(key)) else {
            if TOKENS.contains(&key.replace('_', "-").as_str()) {
                let what = "a token does not belong into a configuration file: log in (presort login), or set PRESORT_ACCESS_TOKEN";
                return Err(self.error(at, what));
            }
            let known = options(section).filter_map(Arg::get_long);
            let what = format!(
                "{} has no option {}; {}",
                section.get_name(),
                quoted(key),
                way_out(key, known, &format!("options are those of `presort {} --help`", section.get_name()))
            );
            return Err(self.error(at, &what));
        };
        if self.is_found && !may_be_here(arg) {
            return Err(self.error(
                at,
                &format!(
                    "a {HERE} that is found in the working directory may not set {}, because the directory may come from someone \
                     else; write --{key} on the command line, or name the file: --config {HERE}",
                    quoted(key)
                ),
            ));
        }
        let given = given(arg, value.get_ref())
            .map_err(|wanted| self.error(value.span().start, &format!("{} must be {wanted}", quoted(key))))?;
        check(arg, &given).map_err(|what| self.error(value.span().start, &printable(&what)))?;
        Ok(Setting {
            subcommand: section.get_name().to_owned(),
            option: key.to_string(),
            given,
            origin: Origin::File { name: self.name.clone(), line: self.line(at) },
        })
    }
}

/// Whether a file in the working directory may set an option. Options with a path are refused until they are known to be harmless.
fn may_be_here(arg: &Arg) -> bool {
    let name = arg.get_long().unwrap_or_default();
    let is_path = arg.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>();
    !(NOT_HERE.contains(&name) || name.contains("url") || is_path && !READ.contains(&name))
}

/// What a value says about an option; or else what it must be.
fn given(arg: &Arg, value: &DeValue<'_>) -> std::result::Result<Given, &'static str> {
    let may_be_alone = arg.get_num_args().is_some_and(|number| number.min_values() == 0);
    match (arg.get_action(), value) {
        (ArgAction::SetTrue, DeValue::Boolean(on)) => Ok(Given::Switch(*on)),
        (ArgAction::SetTrue, _) => Err("true or false"),
        (_, DeValue::Boolean(on)) if may_be_alone => Ok(Given::Switch(*on)),
        (ArgAction::Append, DeValue::Array(values)) => {
            let values: Option<Vec<String>> = values.iter().map(|value| scalar(value.get_ref())).collect();
            values.map(Given::Values).ok_or("a list of texts")
        }
        (ArgAction::Append, value) => {
            scalar(value).map(|value| Given::Values(vec![value])).ok_or("a text, or a list of texts")
        }
        (_, value) => scalar(value).map(|value| Given::Values(vec![value])).ok_or("a text or a number"),
    }
}

/// A value as an argument would have it.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Datetime(day) => day.to_string(),
        DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}

fn shown(name: &str) -> String {
    printable(cut(name, 80)).into_owned()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", shown(name))
}

/// The nearest known name, or else all of them.
fn way_out<'k>(name: &str, known: impl Iterator<Item = &'k str>, all: &str) -> String {
    let (wanted, mut names) = (name.replace('_', "-"), known.collect::<Vec<_>>());
    let near = names.iter().filter_map(|known| Some((distance(&wanted, known, 3)?, known)));
    match near.min_by_key(|(distance, _)| *distance) {
        Some((_, near)) => format!("did you mean {}?", quoted(near)),
        None if all == "sections" => {
            names.sort_unstable();
            format!("the sections are {}", names.join(", "))
        }
        None => format!("its {all}"),
    }
}
