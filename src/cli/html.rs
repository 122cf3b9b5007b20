//! The page of `--html`: one file that loads nothing, for the person who is shown the result. The template is
//! `templates/report.html`; everything that it shows is escaped there.

mod charts;
mod tables;

use super::summary::causes::FixFirst;
use super::summary::next::arguments;
use super::summary::{bytes, count, line_word, percent, shortened};
use super::{Main, Plan};
use crate::model::error::{Error, Result};
use crate::model::finding::{Code, Outcome, Severity};
use crate::model::printable::printable;
use crate::output::receipt::Receipt;
use crate::rules::{Duplicates, rule};
use crate::run::job::Summary;
use askama::Template;
use charts::{Chart, Share, Strip};
use std::io;
use tables::{ColumnsView, FieldView, FindingsView, TypoView};

/// Bytes that a page stays below.
const PAGE_MAX: usize = 2_000_000;

/// Bytes for the rows of findings.
const FINDINGS_MAX: usize = 1_100_000;

/// Bytes of the receipt in the page.
const RECEIPT_MAX: usize = 100_000;

/// Characters of a text in a table.
pub(super) const TEXT_MAX: usize = 80;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'s> {
    version: &'static str,
    title: String,
    what: String,
    sentence: String,
    came_in: String,
    went_out: String,
    stopped: Option<String>,
    redacted: bool,
    fixes: Vec<FixGroup<'s>>,
    outcomes: Vec<Share>,
    outcomes_text: String,
    strip: Option<Strip>,
    bars: Vec<Chart>,
    fields: Vec<FieldView>,
    fields_text: String,
    more_fields: Option<String>,
    typos: Vec<TypoView>,
    typos_none: &'static str,
    duplicates: String,
    inputs: Vec<ColumnsView>,
    more_inputs: Option<String>,
    findings: Vec<FindingsView>,
    rules: Vec<RuleView>,
    command: String,
    receipt: String,
}

/// Fixes for one outcome.
struct FixGroup<'s> {
    title: String,
    fixes: Vec<FixView<'s>>,
}

struct FixView<'s> {
    code: &'static str,
    worth: String,
    message: &'static str,
    help: &'static str,
    field: Option<String>,
    shape: Option<&'s str>,
    after: &'static str,
    examples: Vec<FixExampleView>,
}

struct FixExampleView {
    place: String,
    value: String,
}

struct RuleView {
    code: &'static str,
    message: &'static str,
    why: &'static str,
    help: &'static str,
    before: &'static str,
    after: &'static str,
    count: String,
}

/// The page of a run.
///
/// # Errors
/// The template cannot be filled, which is a mistake of the program.
pub(super) fn page(plan: &Plan, summary: &Summary) -> Result<String> {
    let mut budget = FINDINGS_MAX;
    loop {
        let page = page_with(plan, summary, budget);
        let text = page.render().map_err(|error| Error::io("make", "the page of --html", io::Error::other(error)))?;
        if text.len() < PAGE_MAX || budget == 0 {
            return Ok(text);
        }
        // Everything else is bounded by its own limits.
        budget = budget.saturating_sub(text.len() - PAGE_MAX + 10_000);
    }
}

fn page_with<'s>(plan: &Plan, summary: &'s Summary, budget: usize) -> Page<'s> {
    let receipt = &summary.receipt;
    let names: Vec<_> = receipt.input.iter().map(|input| shown(&input.name)).collect();
    let what = match &names[..] {
        [] => "no input".to_owned(),
        [one] => one.clone(),
        [first, ..] => format!("{first} and {} more", count(names.len() as u64 - 1)),
    };
    let (inputs, more_inputs) = tables::columns(receipt);
    let (fields, more_fields) = tables::fields(summary);
    let outcomes = charts::outcomes(receipt);
    let outcomes_text = charts::in_words(&outcomes);
    let redacted = receipt.options.redacted;
    Page {
        version: env!("CARGO_PKG_VERSION"),
        title: format!("presort: {what}"),
        what,
        sentence: sentence(summary),
        came_in: came_in(receipt),
        went_out: went_out(plan, receipt),
        stopped: receipt.stopped.as_ref().map(|stopped| shown(&shortened(&stopped.message, 400))),
        redacted,
        fixes: fixes(summary),
        outcomes,
        outcomes_text,
        strip: summary.statistics.as_ref().and_then(charts::strip),
        bars: charts::bars(summary),
        fields,
        fields_text: tables::fields_text(summary),
        more_fields,
        typos: tables::typos(summary),
        typos_none: if redacted { "They are not shown with --redact." } else { "There are none." },
        duplicates: duplicates(plan, receipt),
        inputs,
        more_inputs,
        findings: tables::findings(summary, budget),
        rules: rules(receipt),
        command: command(),
        receipt: short_receipt(receipt),
    }
}

/// A text of the input or of the system as a person reads it.
pub(super) fn shown(text: &str) -> String {
    printable(&shortened(text, TEXT_MAX)).into_owned()
}

fn is_are(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

fn people(n: u64) -> String {
    format!("{} {}", count(n), if n == 1 { "person" } else { "people" })
}

/// A small number in letters.
fn in_words(n: usize) -> String {
    const WORDS: [&str; 7] = ["no", "one", "two", "three", "four", "five", "six"];
    WORDS.get(n).map_or_else(|| count(n as u64), |word| (*word).to_owned())
}

/// The one sentence that a manager needs.
fn sentence(summary: &Summary) -> String {
    let c = &summary.receipt.contacts;
    if c.seen == 0 {
        return "There was nobody to import.".to_owned();
    }
    let ready = c.accepted - c.not_written.min(c.accepted);
    let mut text = format!("{} of {} {} ready to import", count(ready), people(c.seen), is_are(ready));
    let not = c.seen - ready;
    if not > 0 {
        text += &format!("; {} {} not", count(not), is_are(not));
    }
    if c.opted_out > 0 {
        text += &format!(", of whom {} opted out", count(c.opted_out));
    }
    if let Some(first) = FixFirst::of(summary, Outcome::Rejected) {
        let fixes = if first.fixes.len() == 1 { "fix" } else { "fixes" };
        let verb = format!("; {} {fixes} would recover", in_words(first.fixes.len()));
        text += &format!("{verb} {} of them", count(first.recovered));
    }
    if summary.receipt.dropped.is_some() {
        text += "; the rest of the input lies beyond the limit of one body and was dropped";
    }
    text + "."
}

fn came_in(receipt: &Receipt) -> String {
    let n = receipt.input.len() as u64;
    let inputs = if n == 1 { "one input".to_owned() } else { format!("{} inputs", count(n)) };
    let skipped = match receipt.skipped.len() {
        0 => String::new(),
        n => format!("; {} more {} left out", count(n as u64), if n == 1 { "file was" } else { "files were" }),
    };
    let contacts = if receipt.contacts.seen == 1 { "contact" } else { "contacts" };
    format!("In: {inputs}, {}, {} {contacts}{skipped}.", bytes(receipt.bytes_read), count(receipt.contacts.seen))
}

fn went_out(plan: &Plan, receipt: &Receipt) -> String {
    let c = &receipt.contacts;
    let size: u64 = receipt.payloads.iter().map(|payload| payload.bytes).sum();
    let bodies = receipt.payloads.len() as u64;
    let to = match &plan.output {
        Main::Nothing => "nothing was written: this was a check".to_owned(),
        Main::Lines(_) => format!("{} contacts, one per line", count(c.accepted)),
        Main::Body(_) | Main::Bodies(_) if bodies == 0 => "no body was written".to_owned(),
        Main::Body(_) | Main::Bodies(_) => {
            let unit = if bodies == 1 { "body" } else { "bodies" };
            format!("{} {unit}, {}", count(bodies), bytes(size))
        }
    };
    let mut parts = Vec::new();
    if c.accepted_with_held_back > 0 {
        parts.push(format!("{} go without some value", people(c.accepted_with_held_back)));
    }
    if c.changed > 0 {
        parts.push(format!("values of {} were put into the usual form", people(c.changed)));
    }
    let more = if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", and ")) };
    format!("Out: {to}{more}.")
}

fn fixes(summary: &Summary) -> Vec<FixGroup<'_>> {
    let several = summary.receipt.input.len() > 1;
    let group = |outcome: Outcome| {
        let first = FixFirst::of(summary, outcome)?;
        let n = first.fixes.len();
        let fixes_of = format!("{} {}", in_words(n), if n == 1 { "fix" } else { "fixes" });
        let part = percent(first.recovered, first.of);
        let title = match outcome {
            Outcome::Rejected => {
                format!("People who are not in the import: {fixes_of} for {part} of {}", people(first.of))
            }
            _ => format!("People who go without some value: {fixes_of} for {part} of {}", people(first.of)),
        };
        let after = match outcome {
            Outcome::Rejected => "the person is not imported",
            _ => "the person is imported without it",
        };
        let fixes = first.fixes.into_iter().map(|fix| FixView {
            code: fix.code.as_str(),
            worth: count(fix.contacts),
            message: rule(fix.code).message,
            help: rule(fix.code).help,
            field: fix.field.as_deref().map(shown),
            shape: fix.shape.as_deref(),
            after,
            examples: fix
                .examples
                .iter()
                .map(|example| {
                    let name = summary.receipt.input.get(example.input).filter(|_| several);
                    let name = name.map_or(String::new(), |input| format!("{}, ", shown(&input.name)));
                    let value = match example.value.as_str() {
                        "" if summary.receipt.options.redacted => "(left out)".to_owned(),
                        "" => "(the contact as a whole)".to_owned(),
                        value => shown(value),
                    };
                    let line = line_word(&summary.receipt.input, example.input);
                    let place = format!("{name}{line} {}, contact {}", count(example.line), count(example.contact));
                    FixExampleView { place, value }
                })
                .collect(),
        });
        Some(FixGroup { title, fixes: fixes.collect() })
    };
    [Outcome::Rejected, Outcome::HeldBack].into_iter().filter_map(group).collect()
}

fn duplicates(plan: &Plan, receipt: &Receipt) -> String {
    let n = receipt.contacts.duplicates;
    if n == 0 {
        return "No contact came twice.".to_owned();
    }
    let what = if n == 1 { "contact came" } else { "contacts came" };
    let part = percent(n, receipt.contacts.seen);
    let then = match plan.duplicates {
        Duplicates::Keep => "They were kept: the service merges them in order.",
        Duplicates::First => "Only the first of each is in the output.",
    };
    format!("{} {what} a second time, with the same address or number ({part}). {then}", count(n))
}

fn rules(receipt: &Receipt) -> Vec<RuleView> {
    let codes = receipt.findings.iter().filter_map(|(code, n)| Some((Code::parse(code)?, *n)));
    codes
        .map(|(code, n)| {
            let rule = rule(code);
            RuleView {
                code: code.as_str(),
                message: rule.message,
                why: rule.why,
                help: rule.help,
                before: rule.before,
                after: rule.after,
                count: match rule.severity {
                    Severity::Change => format!("{} changed", count(n)),
                    _ => format!("{} found", count(n)),
                },
            }
        })
        .collect()
}

/// The command of this run.
fn command() -> String {
    printable(&shortened(&format!("presort {}", arguments().join(" ")), 1000)).into_owned()
}

/// The receipt as JSON, without the rest of long lists.
fn short_receipt(receipt: &Receipt) -> String {
    let mut json = serde_json::to_value(receipt).unwrap_or_default();
    for max in [50, 10, 2] {
        shorten(&mut json, max);
        let text = serde_json::to_string_pretty(&json).unwrap_or_default();
        if text.len() <= RECEIPT_MAX {
            return text;
        }
    }
    "The receipt is too long for this page: --receipt FILE writes it.".to_owned()
}

fn shorten(json: &mut serde_json::Value, max: usize) {
    match json {
        serde_json::Value::Array(items) => {
            let more = items.len().saturating_sub(max);
            items.truncate(max);
            items.iter_mut().for_each(|item| shorten(item, max));
            if more > 0 {
                items.push(format!("... and {} more", count(more as u64)).into());
            }
        }
        serde_json::Value::Object(members) => members.values_mut().for_each(|value| shorten(value, max)),
        serde_json::Value::String(text) if text.chars().count() > 200 => *text = shortened(text, 200),
        _ => {}
    }
}
