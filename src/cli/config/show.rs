//! `presort config`: what is in force, and where it comes from.

use super::{Given, Origin, SECRETS, Setting, built, file_to_read, from_environment, options, sections, settings};
use crate::cli::args::TextFormat;
use crate::model::error::{Error, Result};
use crate::model::printable::printable;
use crate::output::file::Output;
use clap::{Arg, ArgAction, Args, Command};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

/// Arguments of `presort config`.
#[derive(Args)]
pub(crate) struct Show {
    /// The subcommand to show; all of them if absent
    subcommand: Option<String>,
    /// The output format: a configuration file with comments, or JSON
    #[arg(short, long, value_enum, default_value_t = TextFormat::Text)]
    format: TextFormat,
}

/// An option that has a value.
struct Row {
    option: String,
    value: Value,
    origin: Option<Origin>,
}

impl Show {
    pub(crate) fn run(&self, named: Option<&Path>) -> Result<ExitCode> {
        let command = built();
        let settings = settings(&command, named)?;
        let sections: Vec<&Command> = sections(&command)
            .filter(|section| self.subcommand.as_deref().is_none_or(|name| section.get_name() == name))
            .collect();
        if let (true, Some(name)) = (sections.is_empty(), &self.subcommand) {
            return Err(Error::usage(format!("there is no subcommand {name} with options that can be set")));
        }
        let file = file_to_read(named).map(|(path, _)| path.display().to_string());
        let text = match self.format {
            TextFormat::Text => text(file.as_deref(), &sections, &settings),
            TextFormat::Json => json_of(file.as_deref(), &sections, &settings)?,
        };
        let mut output = Output::create(Path::new("-"), false)?;
        output.write(text.as_bytes())?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The options of a subcommand that have a value.
fn rows(section: &Command, settings: &[Setting]) -> Vec<Row> {
    let own = |arg: &Arg| {
        let option = arg.get_long()?;
        let is_it = |setting: &&Setting| setting.subcommand == section.get_name() && setting.option == option;
        let (value, origin) = match settings.iter().find(is_it) {
            Some(setting) => (value_of(arg, &setting.given), Some(setting.origin.clone())),
            None => (default_of(arg)?, None),
        };
        Some(Row { option: option.to_owned(), value, origin })
    };
    options(section).filter_map(own).collect()
}

fn value_of(arg: &Arg, given: &Given) -> Value {
    match (given, arg.get_action()) {
        (Given::Switch(on), _) => json!(on),
        (Given::Values(values), ArgAction::Append) => json!(values),
        (Given::Values(values), _) => values.first().map_or(Value::Null, |value| number_or_text(value)),
    }
}

fn default_of(arg: &Arg) -> Option<Value> {
    match arg.get_action() {
        ArgAction::SetTrue => Some(json!(false)),
        _ => Some(number_or_text(arg.get_default_values().first()?.to_str()?)),
    }
}

fn number_or_text(value: &str) -> Value {
    value.parse::<u64>().map_or_else(|_| json!(value), |number| json!(number))
}

/// The variables with secrets that are set.
fn secrets() -> Vec<&'static str> {
    SECRETS.into_iter().filter(|secret| from_environment(secret).is_some()).collect()
}

/// A configuration file that says what is in force.
fn text(file: Option<&str>, sections: &[&Command], settings: &[Setting]) -> String {
    let mut text = match file {
        Some(file) => format!("# configuration file: {}\n", printable(file)),
        None => "# there is no configuration file\n".to_owned(),
    };
    for secret in secrets() {
        let _ = writeln!(text, "# {secret} is set; its value is not shown");
    }
    for section in sections {
        let rows = rows(section, settings);
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n[{}]", section.get_name());
        for Row { option, value, origin } in rows {
            // JSON writes texts, numbers, lists and switches as TOML does.
            let line = printable(&format!("{option} = {value}")).into_owned();
            let origin = match origin {
                None => "default".to_owned(),
                Some(Origin::Variable(variable)) => variable.to_owned(),
                Some(Origin::File { name, line }) => format!("{}, line {line}", printable(&name)),
            };
            let _ = writeln!(text, "{line:<40} # {origin}");
        }
    }
    text
}

fn json_of(file: Option<&str>, sections: &[&Command], settings: &[Setting]) -> Result<String> {
    let mut all = serde_json::Map::new();
    for section in sections {
        let mut own = serde_json::Map::new();
        for Row { option, value, origin } in rows(section, settings) {
            let from = match origin {
                None => json!({"from": "default"}),
                Some(Origin::Variable(variable)) => json!({"from": "environment", "variable": variable}),
                Some(Origin::File { name, line }) => json!({"from": "file", "file": name, "line": line}),
            };
            let mut row = json!({"value": value});
            if let (Value::Object(row), Value::Object(from)) = (&mut row, from) {
                row.extend(from);
            }
            own.insert(option, row);
        }
        all.insert(section.get_name().to_owned(), Value::Object(own));
    }
    let json = json!({"file": file, "options": all, "secrets": secrets()});
    let text = serde_json::to_string_pretty(&json).map_err(|error| Error::usage(error.to_string()))?;
    Ok(text + "\n")
}
