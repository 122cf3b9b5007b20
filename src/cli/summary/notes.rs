//! What else a person should know of a run: what may be wrong with its output, and what became of names.

use super::super::Plan;
use super::line::Line;
use super::{bytes, count, shortened};
use crate::document::format::Shape;
use crate::model::printable::printable;
use crate::output::body::Earlier;
use crate::output::receipt::Receipt;
use crate::run::job::Summary;
use std::fmt::Write as _;

/// What else a person should know: what may be wrong with the output, what became of names, and the rest.
pub(super) fn notes(plan: &Plan, summary: &Summary) -> (Vec<Line>, Option<Line>, Vec<Line>) {
    let receipt = &summary.receipt;
    let mut warnings = Vec::new();
    for input in &receipt.input {
        if let Some(size) = input.grown_to {
            let read = input.bytes_total.unwrap_or(input.bytes_read);
            warnings.push(format!(
                "  warning: {} grew while it was read: {} are not in this run, from byte {} on",
                printable(&shortened(&input.name, 30)),
                bytes(size.saturating_sub(read)),
                count(read)
            ));
        }
    }
    warnings.extend(dates(receipt).into_iter().chain(sheets(receipt)));
    let mut notes = Vec::new();
    if let Some(input) = receipt.input.iter().find(|input| input.spooled && input.shape != Shape::Body) {
        let spare = input
            .records
            .as_ref()
            .map_or(String::new(), |records| format!("; --records {} spares it", printable(&shortened(records, 40))));
        notes.push(format!("  the pipe went through a temporary file, to look at the whole object first{spare}"));
    }
    if receipt.input.iter().any(|input| input.spooled && input.shape == Shape::Body) {
        let why = "the envelope stands behind the contacts";
        notes.push(format!("  the pipe went through a temporary file: {why}; --list-id and --sms-permission"));
        notes.push("  spare it".to_owned());
    }
    if summary.removed_bodies > 0 {
        let n = summary.removed_bodies as u64;
        let run = if plan.earlier == Earlier::Append { "a run that did not finish" } else { "an earlier run" };
        notes.push(format!("  {} {} of {run} removed", count(n), if n == 1 { "body" } else { "bodies" }));
    }
    warnings.truncate(3);
    notes.truncate(3);
    let lines = |texts: Vec<String>| texts.into_iter().map(Line::new).collect();
    (lines(warnings), names(receipt).map(Line::new), lines(notes))
}

/// Characters of a list of names in the summary.
const NAMES_MAX: usize = 36;

/// Names with commas, as many as there is room for.
pub(super) fn listed_names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let (all, mut shown, mut text) = (names.len(), 0, String::new());
    for name in names {
        let name = shortened(name, 30);
        if shown > 0 && text.chars().count() + name.chars().count() > NAMES_MAX {
            break;
        }
        let _ = write!(text, "{}{}", if shown > 0 { ", " } else { "" }, printable(&name));
        shown += 1;
    }
    if shown < all {
        let _ = write!(text, " and {} more", count((all - shown) as u64));
    }
    text
}

/// What of the first spreadsheet that has more than its rows show was not read, or is not seen in it.
fn sheets(receipt: &Receipt) -> Vec<String> {
    let mut lines = receipt.input.iter().filter_map(|input| input.sheet.as_ref()).map(|sheet| {
        let mut lines = Vec::new();
        if !sheet.not_read.is_empty() {
            let more = if sheet.not_read.len() == 1 { "the sheet" } else { "the sheets" };
            let names = listed_names(sheet.not_read.iter().map(String::as_str));
            lines.push(format!("  {more} {names} not read: --sheet NAME"));
        }
        let mut parts = Vec::new();
        let (rows, columns) = (sheet.hidden_rows, sheet.hidden_columns);
        let hidden: Vec<String> = [(rows, "row"), (columns, "column")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{} hidden {word}{}", count(n), if n == 1 { "" } else { "s" }))
            .collect();
        if !hidden.is_empty() {
            parts.push(format!("{} taken as well", hidden.join(" and ")));
        }
        if sheet.merged_areas > 0 {
            let (s, has) = if sheet.merged_areas == 1 { ("", "has its value") } else { ("s", "have their value") };
            parts.push(format!("{} merged area{s} {has} in the first cell alone", count(sheet.merged_areas)));
        }
        if !parts.is_empty() {
            lines.push(format!("  warning: {}", parts.join("; ")));
        }
        lines
    });
    let mut first = lines.by_ref().find(|lines| !lines.is_empty()).unwrap_or_default();
    let more = lines.filter(|lines| !lines.is_empty()).count();
    if let (Some(last), 1..) = (first.last_mut(), more) {
        *last += &format!(" (and more in {} other inputs: --receipt FILE)", count(more as u64));
    }
    first
}

/// Kinds of inputs, by what became of their names, that the summary lists.
const KINDS: usize = 3;

/// What the names of the mapped inputs became.
fn names(receipt: &Receipt) -> Option<String> {
    let (mut kinds, mut left): (Vec<String>, Vec<&str>) = Default::default();
    for mapping in receipt.input.iter().filter_map(|input| input.mapping.as_ref()) {
        let system = mapping.system.map_or(String::new(), |system| format!("{system}: "));
        let kind = format!("{system}{} of {} mapped", mapping.mapped, mapping.names);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
        let late = mapping.late.iter().map(|late| late.column.as_str());
        for name in mapping.unmapped.iter().map(|column| column.column.as_str()).chain(late) {
            if !left.contains(&name) {
                left.push(name);
            }
        }
    }
    let mut line = format!("  names: {}", kinds.first()?);
    kinds.iter().take(KINDS).skip(1).for_each(|kind| line += &format!(", {kind}"));
    if kinds.len() > KINDS {
        let _ = write!(line, " and {} more kinds", count((kinds.len() - KINDS) as u64));
    }
    if !left.is_empty() {
        let _ = write!(line, "; not in the output: {}", listed_names(left.into_iter()));
    }
    Some(line)
}

/// What dates prove about their order, where it is not the one they were read in.
fn dates(receipt: &Receipt) -> Option<String> {
    let dates = receipt.dates?;
    let (day_first, month_first) = ((dates.day_first, "day-first", "dmy"), (dates.month_first, "month-first", "mdy"));
    let ((proofs, order, option), (others, read_as, _)) = match receipt.options.date_order {
        "mdy" => (day_first, month_first),
        "dmy" => (month_first, day_first),
        _ => {
            let with = if dates.month_first > dates.day_first { "mdy" } else { "dmy" };
            return Some(format!("  dates whose year is last were held back: run again with --date-order {with}"));
        }
    };
    // Fewer than prove the order in which they were read are mistakes of their own.
    if proofs <= others {
        return None;
    }
    let proves = if proofs == 1 { "date proves" } else { "dates prove" };
    let were = if dates.ambiguous == 1 { "was" } else { "were" };
    let mut line = format!(
        "  {} {proves} {order} order; {} {were} ambiguous and read {read_as}: ",
        count(proofs),
        count(dates.ambiguous)
    );
    let _ = match others {
        0 => write!(line, "run again with --date-order {option}"),
        1 => write!(line, "run again with --date-order {option}, but 1 proves {read_as} order"),
        n => write!(line, "run again with --date-order {option}, but {} prove {read_as} order", count(n)),
    };
    Some(line)
}
