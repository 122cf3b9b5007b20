//! The numbers of the charts.

use super::shown;
use crate::clean::profile::{Segment, Statistics};
use crate::cli::summary::{count, percent};
use crate::model::finding::{Code, Severity};
use crate::output::receipt::Receipt;
use crate::rules::{Effect, rule};
use crate::run::job::Summary;

/// Bars of a chart.
const BARS: usize = 12;

/// Marks between inputs.
const MARKS: usize = 60;

/// A part of a bar that is all.
pub(super) struct Share {
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    pub(super) count: String,
    pub(super) percent: String,
    pub(super) x: String,
    pub(super) width: String,
}

/// What became of the people.
pub(super) fn outcomes(receipt: &Receipt) -> Vec<Share> {
    let c = &receipt.contacts;
    let held = c.accepted_with_held_back.min(c.accepted);
    let parts = [
        ("good", "ready, complete", c.accepted - held),
        ("held", "ready, without some value", held),
        ("rejected", "rejected", c.rejected - c.opted_out),
        ("out", "opted out", c.opted_out),
    ];
    let mut x = 0.0;
    let all = c.seen.max(1);
    let shares = parts.into_iter().filter(|(.., n)| *n > 0).map(|(class, label, n)| {
        let width = n as f64 * 1000.0 / all as f64;
        let share = Share {
            class,
            label,
            count: count(n),
            percent: percent(n, all),
            x: format!("{x:.2}"),
            width: format!("{width:.2}"),
        };
        x += width;
        share
    });
    shares.collect()
}

/// The same in words.
pub(super) fn in_words(shares: &[Share]) -> String {
    let parts: Vec<String> =
        shares.iter().map(|share| format!("{} {} ({})", share.count, share.label, share.percent)).collect();
    if parts.is_empty() { "No contacts.".to_owned() } else { parts.join(", ") }
}

/// Where in the input things go wrong.
pub(super) struct Strip {
    pub(super) columns: Vec<Column>,
    /// Where inputs begin.
    pub(super) marks: Vec<String>,
    pub(super) segment: String,
    pub(super) text: String,
}

pub(super) struct Column {
    pub(super) x: usize,
    pub(super) parts: Vec<Part>,
}

pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) y: String,
    pub(super) height: String,
}

/// The strip of a run; none without contacts.
pub(super) fn strip(statistics: &Statistics) -> Option<Strip> {
    let bad = |segment: &Segment| segment.rejected + segment.held_back;
    let worst = statistics.strip.iter().enumerate().filter(|(_, segment)| segment.seen > 0);
    let rate = |segment: &Segment| bad(segment) as f64 / segment.seen.max(1) as f64;
    let (at, worst) = worst.max_by(|a, b| rate(a.1).total_cmp(&rate(b.1)).then(b.0.cmp(&a.0)))?;
    let from = at as u64 * statistics.segment;
    let text = match bad(worst) {
        0 => "Nothing was rejected or held back anywhere.".to_owned(),
        n => format!(
            "The most is among contacts {} to {}: {} of {}.",
            count(from),
            count(from + statistics.segment - 1),
            count(n),
            count(worst.seen)
        ),
    };
    let columns = statistics.strip.iter().enumerate().map(|(x, segment)| {
        let mut y = 100.0;
        let parts = [
            ("rejected", segment.rejected.saturating_sub(segment.opted_out)),
            ("out", segment.opted_out),
            ("held", segment.held_back),
        ];
        let parts = parts.into_iter().filter(|(_, n)| *n > 0 && segment.seen > 0).map(|(class, n)| {
            let height = n as f64 * 100.0 / segment.seen as f64;
            y -= height;
            Part { class, y: format!("{:.1}", y.max(0.0)), height: format!("{height:.1}") }
        });
        Column { x, parts: parts.collect() }
    });
    let starts = statistics.starts.iter().skip(1).take(MARKS);
    let unit = if statistics.segment == 1 { "contact" } else { "contacts" };
    Some(Strip {
        columns: columns.collect(),
        marks: starts.map(|start| format!("{:.2}", *start as f64 / statistics.segment as f64)).collect(),
        segment: format!("{} {unit}", count(statistics.segment)),
        text,
    })
}

/// A chart of bars, each with its number.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) head: &'static str,
    pub(super) unit: &'static str,
    pub(super) none: &'static str,
    pub(super) bars: Vec<Bar>,
}

pub(super) struct Bar {
    pub(super) code: Option<&'static str>,
    pub(super) label: String,
    pub(super) count: String,
    pub(super) width: String,
    pub(super) class: &'static str,
}

fn chart(
    title: &'static str,
    [head, unit, none]: [&'static str; 3],
    mut rows: Vec<(Option<Code>, String, u64, &'static str)>,
) -> Chart {
    rows.sort_by(|a, b| (b.2, &a.1).cmp(&(a.2, &b.1)));
    rows.truncate(BARS);
    let most = rows.first().map_or(1, |row| row.2).max(1);
    let bars = rows.into_iter().map(|(code, label, n, class)| Bar {
        code: code.map(Code::as_str),
        label,
        count: count(n),
        width: format!("{:.2}", n as f64 * 100.0 / most as f64),
        class,
    });
    Chart { title, head, unit, none, bars: bars.collect() }
}

fn class_of(code: Code) -> &'static str {
    match rule(code).effect {
        Effect::Rejects | Effect::Stops => "rejected",
        Effect::HoldsBack | Effect::Keeps => "held",
        Effect::Changes => "changed",
    }
}

/// The charts beside outcomes and strip.
pub(super) fn bars(summary: &Summary) -> Vec<Chart> {
    let receipt = &summary.receipt;
    let codes: Vec<(Code, u64)> =
        receipt.findings.iter().filter_map(|(code, n)| Some((Code::parse(code)?, *n))).collect();
    let row = |code: Code, n: u64| (Some(code), rule(code).message.to_owned(), n, class_of(code));
    let faults = codes.iter().filter(|(code, _)| rule(*code).severity != Severity::Change);
    let changes = codes.iter().filter(|(code, _)| rule(*code).severity == Severity::Change);
    let fields = summary.statistics.iter().flat_map(|statistics| &statistics.fields);
    let fields = fields.filter(|field| field.rejected + field.held_back > 0);
    let consent = codes.iter().filter(|(code, _)| code.as_str().starts_with("OPT") || code.as_str().starts_with("SMS"));
    vec![
        chart(
            "Findings by rule",
            ["Rule", "Findings", "There are none."],
            faults.map(|(code, n)| row(*code, *n)).collect(),
        ),
        chart(
            "Findings by field",
            ["Field", "Rejected or held back", "There are none."],
            fields.map(|field| (None, shown(&field.name), field.rejected + field.held_back, "held")).collect(),
        ),
        chart(
            "What was changed",
            ["Rule", "Values", "Nothing was changed."],
            changes.map(|(code, n)| row(*code, *n)).collect(),
        ),
        chart(
            "Consent and opt-outs",
            ["Rule", "Findings", "No one opted out, and nothing is wrong with consent to text messages."],
            consent.map(|(code, n)| (Some(*code), rule(*code).message.to_owned(), *n, "out")).collect(),
        ),
    ]
}
