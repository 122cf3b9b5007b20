//! The tables of the page, each with its limit.

use super::{TEXT_MAX, shown};
use crate::clean::profile::EVERY;
use crate::cli::summary::{count, line_word, percent, shortened};
use crate::model::finding::{Code, Example};
use crate::model::printable::printable;
use crate::output::receipt::Receipt;
use crate::rules::rule;
use crate::run::job::Summary;
use std::collections::BTreeMap;

/// Inputs whose columns are shown, columns of each, and of all.
const INPUTS: usize = 20;
const COLUMNS: usize = 200;
const ALL_COLUMNS: usize = 600;

/// Fields that are shown.
const FIELDS: usize = 120;

/// Domains that are shown.
const TYPOS: usize = 50;

/// Bytes of a row beside its texts.
const ROW: usize = 160;

pub(super) struct FieldView {
    pub(super) name: String,
    pub(super) filled: String,
    pub(super) distinct: String,
    pub(super) length: String,
    pub(super) shapes: String,
    pub(super) values: String,
    pub(super) changed: String,
    pub(super) held_back: String,
    pub(super) rejected: String,
}

/// What the table of fields is about.
pub(super) fn fields_text(summary: &Summary) -> String {
    let Some(statistics) = &summary.statistics else { return String::new() };
    format!(
        "The values as they came, of {} contacts. Distinct values are an estimate (1.6 % standard error). Shapes and frequent values are \
         of every {EVERY}th contact: {} of them. In a shape, 9 is a digit and a is letters.",
        count(statistics.contacts),
        count(statistics.sampled)
    )
}

pub(super) fn fields(summary: &Summary) -> (Vec<FieldView>, Option<String>) {
    let Some(statistics) = &summary.statistics else { return (Vec::new(), None) };
    let most = |items: &[(String, u64)]| {
        let items: Vec<String> = items.iter().map(|(text, n)| format!("{} ({})", shown(text), count(*n))).collect();
        items.join(", ")
    };
    let views = statistics.fields.iter().take(FIELDS).map(|field| FieldView {
        name: shown(&field.name),
        filled: percent(field.filled, statistics.contacts),
        distinct: count(field.distinct),
        length: match (field.shortest, field.longest) {
            (a, b) if a == b => count(a),
            (a, b) => format!("{} to {}", count(a), count(b)),
        },
        shapes: most(&field.shapes),
        values: most(&field.values[..field.values.len().min(3)]),
        changed: count(field.changed),
        held_back: count(field.held_back),
        rejected: count(field.rejected),
    });
    let more = statistics.fields.len().saturating_sub(FIELDS) as u64;
    let more = (more > 0 || statistics.other_values > 0).then(|| {
        format!(
            "Not shown: {} more fields, and {} values under further names.",
            count(more),
            count(statistics.other_values)
        )
    });
    (views.collect(), more)
}

pub(super) struct TypoView {
    pub(super) domain: String,
    pub(super) meant: &'static str,
    pub(super) count: String,
}

pub(super) fn typos(summary: &Summary) -> Vec<TypoView> {
    let typos = summary.statistics.iter().flat_map(|statistics| &statistics.typos).take(TYPOS);
    typos.map(|typo| TypoView { domain: shown(&typo.domain), meant: typo.meant, count: count(typo.contacts) }).collect()
}

pub(super) struct ColumnsView {
    pub(super) title: String,
    pub(super) rows: Vec<ColumnView>,
    pub(super) more: Option<String>,
}

#[derive(PartialEq)]
pub(super) struct ColumnView {
    pub(super) column: String,
    pub(super) to: String,
    pub(super) why: String,
    pub(super) sample: String,
}

/// A table for each header: inputs with the same one share it.
pub(super) fn columns(receipt: &Receipt) -> (Vec<ColumnsView>, Option<String>) {
    let mut views: Vec<ColumnsView> = Vec::new();
    let (mut left, mut not_shown) = (ALL_COLUMNS, 0u64);
    let mut headers: Vec<Vec<(&str, &str)>> = Vec::new();
    let mapped = receipt.input.iter().filter_map(|input| Some((input, input.mapping.as_ref()?)));
    for (input, mapping) in mapped {
        let used = mapping.columns.iter().map(|column| (column.column.as_str(), column.to.as_str()));
        let header: Vec<(&str, &str)> =
            used.chain(mapping.unmapped.iter().map(|column| (column.column.as_str(), ""))).collect();
        if let Some(same) = headers.iter().position(|known| *known == header) {
            if views[same].title.len() < 300 {
                views[same].title += &format!(", {}", shown(&input.name));
            }
            continue;
        }
        if views.len() == INPUTS || left == 0 {
            not_shown += 1;
            continue;
        }
        let used = mapping.columns.iter().map(|column| ColumnView {
            column: shown(&column.column),
            to: shown(&column.to),
            why: column.found.to_owned(),
            sample: String::new(),
        });
        let unused = mapping.unmapped.iter().map(|column| ColumnView {
            column: shown(&column.column),
            to: String::new(),
            why: match &column.suggestion {
                Some(suggestion) => format!("{} % filled; perhaps {}", column.filled, shown(suggestion)),
                None => format!("{} % filled", column.filled),
            },
            sample: column.sample.as_deref().map_or(String::new(), shown),
        });
        let late = mapping.late.iter().map(|late| ColumnView {
            column: shown(&late.column),
            to: String::new(),
            why: format!("{} values; the first records do not have it", count(late.values)),
            sample: String::new(),
        });
        let all = mapping.columns.len() + mapping.unmapped.len() + mapping.late.len();
        let rows: Vec<ColumnView> = used.chain(unused).chain(late).take(COLUMNS.min(left)).collect();
        left -= rows.len();
        let more = (all > rows.len())
            .then(|| format!("{} more columns are in the receipt.", count((all - rows.len()) as u64)));
        let system = mapping.system.map_or(String::new(), |system| format!(" (an export of {system})"));
        headers.push(header);
        views.push(ColumnsView { title: format!("{}{system}", shown(&input.name)), rows, more });
    }
    let more = (not_shown > 0).then(|| format!("{} more headers are in the receipt.", count(not_shown)));
    (views, more)
}

pub(super) struct FindingsView {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    pub(super) count: String,
    pub(super) rows: Vec<FindingView>,
}

pub(super) struct FindingView {
    pub(super) place: String,
    pub(super) field: String,
    pub(super) value: String,
    pub(super) message: String,
    pub(super) outcome: &'static str,
}

impl FindingView {
    fn of(example: &Example, summary: &Summary) -> FindingView {
        let inputs = &summary.receipt.input;
        let input = inputs.get(example.input).filter(|_| inputs.len() > 1);
        let input = input.map_or(String::new(), |input| format!("{}, ", shown(&input.name)));
        let place = match example.contact {
            Some(contact) => {
                let line = line_word(inputs, example.input);
                format!("{input}{line} {}, contact {}", count(example.line), count(contact))
            }
            None => format!("{input}envelope"),
        };
        FindingView {
            place,
            field: example.field.as_deref().map_or(String::new(), shown),
            value: shown(&example.value),
            message: printable(&shortened(&example.message, 2 * TEXT_MAX)).into_owned(),
            outcome: match example.outcome.as_str() {
                "held_back" => "held back",
                outcome => outcome,
            },
        }
    }

    /// Bytes of the row in the page.
    fn size(&self) -> usize {
        let texts = [&self.place, &self.field, &self.value, &self.message];
        let escaped = |b: u8| if matches!(b, b'<' | b'>' | b'&' | b'"' | b'\'') { 6 } else { 1 };
        ROW + texts.into_iter().flat_map(|text| text.bytes()).map(escaped).sum::<usize>()
    }
}

/// The first findings of each code, as many of each as have room in all.
pub(super) fn findings(summary: &Summary, budget: usize) -> Vec<FindingsView> {
    let mut groups: BTreeMap<Code, Vec<FindingView>> = BTreeMap::new();
    for example in &summary.kept {
        groups.entry(example.code).or_default().push(FindingView::of(example, summary));
    }
    let size =
        |max: usize| -> usize { groups.values().flat_map(|rows| rows.iter().take(max)).map(FindingView::size).sum() };
    let max = (1..=200).rev().find(|max| size(*max) <= budget).unwrap_or(0);
    let all = |code: Code| summary.receipt.findings.get(code.as_str()).copied().unwrap_or_default();
    let views = groups.into_iter().map(|(code, mut rows)| {
        rows.truncate(max);
        let (n, shown) = (all(code), rows.len() as u64);
        FindingsView {
            code: code.as_str(),
            message: rule(code).message,
            count: if n > shown { format!("{}, of which the first {}", count(n), count(shown)) } else { count(n) },
            rows,
        }
    });
    views.collect()
}
