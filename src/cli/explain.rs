//! `presort explain`: one rule, or the table of all.

use crate::model::error::{Error, Result};
use crate::model::finding::Code;
use crate::rules::{Rule, all, rule};
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Writes the explanation to standard output.
///
/// # Errors
/// The code is unknown, or the output cannot be written.
pub fn run(code: Option<&str>, as_json: bool) -> Result<ExitCode> {
    let one = match code {
        None => None,
        Some(text) => Some(
            Code::parse(text)
                .ok_or_else(|| Error::usage(format!("{text} is not a code: `presort explain` lists them all")))?,
        ),
    };
    let text = match (one, as_json) {
        (Some(code), false) => explanation(rule(code)),
        (None, false) => table(),
        (Some(code), true) => format!("{:#}\n", as_value(rule(code))),
        (None, true) => format!("{:#}\n", all().map(as_value).collect::<serde_json::Value>()),
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn explanation(rule: &Rule) -> String {
    let Rule { code, severity, effect, message, help, why, before, after } = rule;
    let effect = effect.as_str().replace('_', " ");
    format!(
        "{code}: {message}\n\n  {}, {effect}\n\n  Why     {why}\n  To do   {help}\n  Before  {before}\n  After   {after}\n",
        severity.as_str()
    )
}

fn table() -> String {
    let mut text = String::new();
    for Rule { code, severity, effect, message, .. } in all() {
        let effect = effect.as_str().replace('_', " ");
        let _ = writeln!(text, "{code}  {:<8} {effect:<10} {message}", severity.as_str());
    }
    text
}

fn as_value(rule: &Rule) -> serde_json::Value {
    json!({
        "code": rule.code.as_str(),
        "severity": rule.severity.as_str(),
        "outcome": rule.effect.as_str(),
        "message": rule.message,
        "help": rule.help,
        "why": rule.why,
        "before": rule.before,
        "after": rule.after,
    })
}
