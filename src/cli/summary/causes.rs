//! What cost people and values, and what to fix first.

use super::super::Plan;
use super::line::{COLUMNS, Ink, Line, joined};
use super::{count, percent, place, shortened};
use crate::clean::causes::Fix;
use crate::model::finding::{Code, Example, Outcome, Severity};
use crate::model::printable::printable;
use crate::rules::{Duplicates, Effect, rule};
use crate::run::job::Summary;
use std::collections::BTreeMap;

/// Causes of one kind that have a line of their own.
const FIRST: usize = 5;

/// From so many lines on, every group has room for an example and the rest.
const ROOMY: usize = 10;

/// Fixes that are named.
const FIXES: usize = 6;

/// A group of causes: a heading, and the rules by what they cost.
struct Group {
    heading: Line,
    causes: Vec<(u64, Code)>,
    is_warnings: bool,
}

/// The groups, the most important first.
fn groups(summary: &Summary) -> Vec<Group> {
    let receipt = &summary.receipt;
    let c = &receipt.contacts;
    let mut groups = Vec::new();
    if c.rejected > 0 {
        let opted_out = match c.opted_out {
            0 => String::new(),
            all if all == c.rejected => ": opted out".to_owned(),
            some => format!(": {} rejected, {} opted out", count(c.rejected - some), count(some)),
        };
        let what = if c.rejected == 1 { "person is" } else { "people are" };
        let line = Line::new("  ").with(Ink::Bold, format!("{} {what} not in the output", count(c.rejected)));
        let line = line.plain(format!(" ({}){opted_out}", percent(c.rejected, c.seen)));
        groups.push(Group { heading: line, causes: by_cost(&summary.rejecting), is_warnings: false });
    }
    if c.accepted_with_held_back > 0 {
        let values: u64 = summary.holding.values().sum();
        let what = if values == 1 { "value is" } else { "values are" };
        let n = c.accepted_with_held_back;
        let of = if n == 1 { "person" } else { "people" };
        let line = Line::new("  ").with(Ink::Bold, format!("{} {what} held back", count(values)));
        let line = line.plain(format!(", of {} {of} ({})", count(n), percent(n, c.seen)));
        groups.push(Group { heading: line, causes: by_cost(&summary.holding), is_warnings: false });
    }
    // What is only worth a look, and what was held back of an envelope.
    let noticed = receipt.findings.iter().filter_map(|(code, n)| Some((Code::parse(code)?, *n)));
    let noticed: BTreeMap<Code, u64> = noticed
        .filter(|(code, _)| rule(*code).severity == Severity::Warning)
        .filter(|(code, _)| rule(*code).effect == Effect::Keeps || *code == Code::ENV008)
        .filter(|(code, _)| *code != Code::DUP001)
        .collect();
    if !noticed.is_empty() {
        let n: u64 = noticed.values().sum();
        let line = Line::new(format!("  {} {}", count(n), if n == 1 { "warning" } else { "warnings" }));
        groups.push(Group { heading: line, causes: by_cost(&noticed), is_warnings: true });
    }
    groups
}

fn by_cost(counts: &BTreeMap<Code, u64>) -> Vec<(u64, Code)> {
    let mut causes: Vec<(u64, Code)> = counts.iter().map(|(code, n)| (*n, *code)).collect();
    causes.sort_by_key(|(n, code)| (std::cmp::Reverse(*n), *code));
    causes
}

/// The lines of all groups, in at most `room` lines. Every rule that rejects is named, whatever the room.
pub(super) fn lines(plan: &Plan, summary: &Summary, room: usize) -> Vec<Line> {
    let groups = groups(summary);
    let mut lines = Vec::new();
    for (i, Group { heading, causes, is_warnings }) in groups.iter().enumerate() {
        // The groups behind have room for a heading and two lines, or one where there is little; warnings, which are the last, for
        // one.
        let least = if room < ROOMY { 2 } else { 3 };
        let behind: usize = groups[i + 1..].iter().map(|group| if group.is_warnings { 1 } else { least }).sum();
        let room = room.saturating_sub(lines.len() + behind + 1);
        let must_name_all = i == 0 && summary.receipt.contacts.rejected > 0;
        let shared = |own: usize| shared(&causes[own..], if must_name_all { usize::MAX } else { room - own });
        let own = (0..=causes.len().min(FIRST).min(room)).rev();
        let detail = |own: usize| causes[..own].iter().map(|(n, code)| detailed(*n, *code, 0, plan, summary).len());
        let fits = |own: &usize| detail(*own).sum::<usize>() + self::shared(&causes[*own..], usize::MAX).len() <= room;
        let own = own.clone().find(fits).unwrap_or(0);
        if *is_warnings && own < causes.len() {
            let items: Vec<String> = causes.iter().map(|(n, code)| format!("{code} {}", count(*n))).collect();
            lines.extend(joined(&format!("{}: ", heading.text()), &items, 1));
            continue;
        }
        lines.push(heading.clone());
        let width = causes.iter().take(own).map(|(n, _)| count(*n).len()).max().unwrap_or_default();
        lines.extend(causes[..own].iter().flat_map(|(n, code)| detailed(*n, *code, width, plan, summary)));
        lines.extend(shared(own));
    }
    lines
}

/// `CODE count` for each, on as few lines as possible.
fn shared(causes: &[(u64, Code)], max: usize) -> Vec<Line> {
    let items: Vec<String> = causes.iter().map(|(n, code)| format!("{code} {}", count(*n))).collect();
    joined("    ", &items, max)
}

/// One cause with its example. Where what to do is not in the rule, it is on a second line.
fn detailed(n: u64, code: Code, width: usize, plan: &Plan, summary: &Summary) -> Vec<Line> {
    let rule = rule(code);
    let severity = if rule.effect == Effect::Keeps { Severity::Warning } else { rule.severity };
    let line = |message: &str, example: &str| {
        let line = Line::new(format!("    {:>width$} x ", count(n))).with(Ink::Of(severity), code.as_str());
        line.plain(format!(" {message}{example}"))
    };
    let Some(example) = summary.examples.iter().find(|example| example.code == code) else {
        return vec![line(rule.message, "")];
    };
    let help = || Line::new(format!("      {}", printable(&example.help)));
    match &example.cause {
        // The cause says more than the bytes.
        Some(cause) if code == Code::SYN001 => {
            let place = super::contact(example, plan, &summary.receipt.input);
            return vec![line(&printable(cause), &format!(" ({place})")), help()];
        }
        None if matches!(code, Code::TAB001 | Code::TAB002 | Code::TAB003 | Code::TAB004) => {
            return vec![fitted(example, line, plan, summary), help()];
        }
        _ => {}
    }
    vec![fitted(example, line, plan, summary)]
}

/// The line of a cause, made by `line` of its message and its example.
fn fitted(example: &Example, line: impl Fn(&str, &str) -> Line, plan: &Plan, summary: &Summary) -> Line {
    let rule = rule(example.code);
    // The value is shortened first, and then the message.
    let fits = |value: &usize| {
        let line = line(rule.message, &located(example, plan, summary, *value));
        line.columns() <= COLUMNS
    };
    if let Some(value) = (8..=30).rev().find(fits) {
        return line(rule.message, &located(example, plan, summary, value));
    }
    let example = located(example, plan, summary, 8);
    let room = COLUMNS.saturating_sub(line("", &example).columns() + 3).max(20);
    line(&shortened(rule.message, room), &example)
}

/// Where the example of a cause is, and what it is.
fn located(example: &Example, plan: &Plan, summary: &Summary, value: usize) -> String {
    let place = place(example, plan, &summary.receipt.input, value);
    match &example.cause {
        Some(cause) => format!(" ({place}: {})", printable(cause)),
        None => format!(" ({place})"),
    }
}

/// The rules by which values were changed, on one line.
pub(super) fn changed(summary: &Summary) -> Option<Line> {
    let c = &summary.receipt.contacts;
    let codes = summary.receipt.findings.iter().filter_map(|(code, n)| Some((Code::parse(code)?, *n)));
    let codes: BTreeMap<Code, u64> =
        codes.filter(|(code, _)| rule(*code).effect == Effect::Changes && !code.as_str().starts_with("ENV")).collect();
    (c.changed > 0).then(|| {
        let what = if c.changed == 1 { "person has values" } else { "people have values" };
        let head = format!("  {} {what} changed ({}): ", count(c.changed), percent(c.changed, c.seen));
        let items: Vec<String> = by_cost(&codes).iter().map(|(n, code)| format!("{code} {}", count(*n))).collect();
        joined(&head, &items, 1).pop().unwrap_or_else(|| Line::new(head))
    })
}

/// Contacts seen before that are written all the same.
pub(super) fn duplicates(plan: &Plan, summary: &Summary) -> Option<Line> {
    let c = &summary.receipt.contacts;
    if c.duplicates == 0 || plan.duplicates == Duplicates::First {
        return None;
    }
    let what = if c.duplicates == 1 { "contact was" } else { "contacts were" };
    let example = summary.examples.iter().find(|example| example.code == Code::DUP001);
    let example = example
        .map_or(String::new(), |example| format!(" (DUP001, {})", place(example, plan, &summary.receipt.input, 30)));
    let head = format!("  {} {what} seen before ({}), and kept", count(c.duplicates), percent(c.duplicates, c.seen));
    Some(Line::new(head + &example))
}

/// The fixes to make first.
pub(in crate::cli) struct FixFirst<'s> {
    /// The fixes, the most valuable first.
    pub(in crate::cli) fixes: Vec<&'s Fix>,
    /// Contacts that they recover.
    pub(in crate::cli) recovered: u64,
    /// Contacts that could be recovered.
    pub(in crate::cli) of: u64,
}

impl<'s> FixFirst<'s> {
    /// The best fixes for people who are not in the output (`Rejected`), or for those without some value (`HeldBack`).
    pub(in crate::cli) fn of(summary: &'s Summary, outcome: Outcome) -> Option<FixFirst<'s>> {
        let c = &summary.receipt.contacts;
        let of = if outcome == Outcome::Rejected {
            // An opt-out and a repeated contact are no mistakes to fix.
            let repeated = summary.rejecting.get(&Code::DUP001).copied().unwrap_or_default();
            c.rejected.saturating_sub(c.opted_out + repeated)
        } else {
            c.accepted_with_held_back
        };
        let fixes: Vec<&Fix> = summary.fixes.iter().filter(|fix| fix.outcome == outcome).take(FIXES).collect();
        let recovered = fixes.iter().map(|fix| fix.contacts).sum();
        (!fixes.is_empty()).then_some(FixFirst { fixes, recovered, of })
    }
}

/// `PHN001 home_phone 999-9999`
pub(in crate::cli) fn named(fix: &Fix) -> String {
    let mut name = fix.code.to_string();
    for part in [&fix.field, &fix.shape].into_iter().flatten() {
        name.push(' ');
        name.push_str(&printable(&shortened(part, 30)));
    }
    name
}

/// The fixes that recover the most, in at most `max` lines.
pub(super) fn fix_first(summary: &Summary, max: usize) -> Vec<Line> {
    let rejected = FixFirst::of(summary, Outcome::Rejected).map(|first| (first, "recover", ""));
    let held = || FixFirst::of(summary, Outcome::HeldBack).map(|first| (first, "complete", " without some value"));
    let Some((first, verb, which)) = rejected.or_else(held) else { return Vec::new() };
    let n = first.fixes.len();
    let fixes = if n == 1 { "fix" } else { "fixes" };
    let verb = if n == 1 { format!("{verb}s") } else { verb.to_owned() };
    let people = if first.of == 1 { "person" } else { "people" };
    let heading = Line::new("  ").with(Ink::Bold, "fix first").plain(format!(
        ": {n} {fixes} {verb} {} of {} {people}{which}",
        percent(first.recovered, first.of),
        count(first.of)
    ));
    let items: Vec<String> = first.fixes.iter().map(|fix| format!("{} {}", named(fix), count(fix.contacts))).collect();
    let mut lines = vec![heading];
    lines.extend(joined("    ", &items, max.saturating_sub(1)));
    lines
}
