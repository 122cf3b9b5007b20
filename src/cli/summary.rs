//! What a run came to, for a person, in ten lines or fewer.

use super::paint::Paint;
use super::{Main, Plan};
use crate::csv::sniff::delimiter_name;
use crate::document::format::Shape;
use crate::model::finding::{Code, Example, Severity};
use crate::model::printable::printable;
use crate::output::body::Earlier;
use crate::output::receipt::{InputReceipt, Receipt};
use crate::rules::{Duplicates, Effect, rule};
use crate::run::job::Summary;
use crate::run::mapping::OtherNames;
use std::fmt::Write as _;

/// Lines of a summary, at most.
const LINES: usize = 10;

/// Codes that share the last line of the causes.
const SHARED: usize = 6;

/// A number with its thousands set apart.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn contacts(n: u64) -> String {
    format!("{} {}", count(n), if n == 1 { "contact" } else { "contacts" })
}

/// Bytes in the decimal units that limits are given in.
fn bytes(n: u64) -> String {
    match n {
        1 => "1 byte".to_owned(),
        0..10_000 => format!("{} bytes", count(n)),
        10_000..1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// The summary, and for `check` the first findings before it.
#[must_use]
pub(super) fn text(plan: &Plan, summary: &Summary, colours: bool) -> String {
    let paint = Paint(colours);
    let receipt = &summary.receipt;
    let mut text = String::new();
    if matches!(plan.output, Main::Nothing) {
        listed(&mut text, plan, summary, &paint);
    }
    let mut lines = vec![came_in(receipt), went_out(plan, receipt, &paint)];
    lines.extend(sheets(receipt, &paint));
    lines.extend(names(receipt));
    lines.extend(dates(receipt));
    let mut last = Vec::new();
    if let Some(dropped) = &receipt.dropped {
        let what = dropped.bytes.map_or("the rest".to_owned(), bytes);
        let from = dropped.first_contact.map_or(String::new(), |c| format!(", from contact {} on", count(c)));
        let line = format!(
            "{}: {what} behind byte {}{from}; --split takes all of it",
            paint.bold("dropped at the limit"),
            count(dropped.at_byte)
        );
        last.push(line);
    }
    if let Some(input) = receipt.input.iter().find(|input| input.spooled && input.shape != Shape::Body) {
        let spare = input
            .records
            .as_ref()
            .map_or(String::new(), |records| format!("; --records {} spares it", printable(&shortened(records, 40))));
        last.push(format!("the whole object had to be looked at first: the pipe went through a temporary file{spare}"));
    }
    if receipt.input.iter().any(|input| input.spooled && input.shape == Shape::Body) {
        last.push("the envelope stands behind the contacts: the pipe went through a temporary file; --list-id and --sms-permission spare it".into());
    }
    for input in &receipt.input {
        if let Some(size) = input.grown_to {
            let read = input.bytes_total.unwrap_or(input.bytes_read);
            last.push(format!(
                "{}: {} grew while it was read: {} at its end are not in this run, from byte {} on",
                paint.bold("warning"),
                printable(&input.name),
                bytes(size.saturating_sub(read)),
                count(read)
            ));
        }
    }
    last.truncate(if lines.len() > 4 { 2 } else { 3 });
    if summary.removed_bodies > 0 {
        let n = summary.removed_bodies as u64;
        let run = if plan.earlier == Earlier::Append { "a run that did not finish" } else { "an earlier run" };
        last.push(format!("  {} {} of {run} removed", count(n), if n == 1 { "body" } else { "bodies" }));
    }
    let mut written = written(plan, receipt, summary.removed_output);
    if summary.unchecked_custom_fields {
        written.push_str("; names of custom fields were not checked: --custom-fields FILE");
    }
    last.push(written);
    last.extend(match &summary.other_names {
        Some(other) => Some(other_names(other)),
        None => next(plan, receipt),
    });
    let room = LINES.saturating_sub(lines.len() + last.len());
    lines.extend(causes(plan, summary, room, &paint));
    lines.extend(last);
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn came_in(receipt: &Receipt) -> String {
    let what = match &receipt.input[..] {
        [one] => format!("{} ({})", printable(&one.name), shape(one)),
        many => format!("{} inputs", many.len()),
    };
    format!("presort: {what}: {}, {} seen", bytes(receipt.bytes_read), contacts(receipt.contacts.seen))
}

/// `wrapped, /results` or `ndjson, windows-1252`.
fn shape(input: &InputReceipt) -> String {
    let mut text = input.sheet.as_ref().map_or(input.shape.as_str(), |sheet| sheet.format).to_owned();
    if let Some(records) = &input.records {
        let _ = write!(text, ": the contacts are in {}", printable(&shortened(records, 40)));
    }
    if let Some(table) = input.table.as_ref().filter(|table| table.delimiter != ",") {
        let _ = write!(text, " with {}", delimiter_name(table.delimiter.as_bytes()[0]));
    }
    if let Some(table) = input.table.as_ref().filter(|table| table.title_rows > 0) {
        let line = if input.sheet.is_some() { "row" } else { "line" };
        let _ = write!(text, ", header in {line} {}", count(table.header_line));
    }
    if let Some(compression) = input.compression {
        let _ = write!(text, ", {compression}");
    }
    if let Some(encoding) = input.encoding {
        let guess = if input.encoding_guessed { ", a guess: --encoding LABEL names another" } else { "" };
        let _ = write!(text, ", read as {encoding}{guess}");
    }
    text
}

fn went_out(plan: &Plan, receipt: &Receipt, paint: &Paint) -> String {
    let c = &receipt.contacts;
    let verb = if matches!(plan.output, Main::Nothing) { "good" } else { "accepted" };
    let mut line = format!("  {} {verb}", paint.bold(&count(c.accepted)));
    let mut more = Vec::new();
    if c.accepted_with_held_back > 0 {
        more.push(format!("{} without some value", count(c.accepted_with_held_back)));
    }
    if c.changed > 0 {
        more.push(format!("{} normalised", count(c.changed)));
    }
    if c.duplicates > 0 && plan.duplicates == Duplicates::Keep {
        more.push(format!("{} seen before", count(c.duplicates)));
    }
    if !more.is_empty() {
        let _ = write!(line, " ({})", more.join(", "));
    }
    let _ = write!(line, ", {} rejected", paint.bold(&count(c.rejected)));
    if c.opted_out > 0 {
        let _ = write!(line, " ({} of them opted out)", count(c.opted_out));
    }
    line
}

/// Characters of a list of names in the summary.
const NAMES_MAX: usize = 70;

/// Names with commas, as many as there is room for.
fn listed_names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
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
fn sheets(receipt: &Receipt, paint: &Paint) -> Option<String> {
    let mut texts = receipt.input.iter().filter_map(|input| {
        let sheet = input.sheet.as_ref()?;
        let mut parts = Vec::new();
        if !sheet.not_read.is_empty() {
            let more = if sheet.not_read.len() == 1 { "the sheet" } else { "the sheets" };
            parts.push(format!(
                "{more} {} not read: --sheet NAME",
                listed_names(sheet.not_read.iter().map(String::as_str))
            ));
        }
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
        let warning = if parts.len() > usize::from(!sheet.not_read.is_empty()) {
            paint.bold("warning")
        } else {
            "note".to_owned()
        };
        (!parts.is_empty()).then(|| format!("  {warning}: {}", parts.join("; ")))
    });
    let first = texts.next()?;
    let more = texts.count();
    Some(if more > 0 {
        format!("{first} (and more in {} other inputs: --receipt FILE)", count(more as u64))
    } else {
        first
    })
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

/// The way out for an export under other names.
fn other_names(other: &OtherNames) -> String {
    let names = listed_names(other.names.iter().map(String::as_str));
    match (other.system, other.known) {
        (_, 0) => format!(
            "next: these names are not the contract's ({names}); presort map FILE shows them, --rename maps them"
        ),
        (Some(system), _) => {
            format!(
                "next: these names look like those of {system} ({names}): run again with --map auto, or see presort map FILE"
            )
        }
        (None, known) => format!(
            "next: {known} of these names can be mapped ({names}): run again with --map auto, or see presort map FILE"
        ),
    }
}

/// The errors and warnings that came most, with an example each.
fn causes(plan: &Plan, summary: &Summary, room: usize, paint: &Paint) -> Vec<String> {
    let counted = |code: &Code| summary.receipt.findings.get(code.as_str()).copied().unwrap_or(0);
    let mut causes: Vec<(u64, Code)> = Code::ALL
        .iter()
        .filter(|code| rule(**code).severity != Severity::Change && counted(code) > 0)
        .map(|code| (counted(code), *code))
        .collect();
    // What cost contacts comes first, then what cost values.
    let rank = |code: Code| match rule(code).effect {
        Effect::Stops | Effect::Rejects => 0,
        Effect::HoldsBack => 1,
        Effect::Keeps | Effect::Changes => 2,
    };
    causes.sort_by_key(|(n, code)| (rank(*code), std::cmp::Reverse(*n), *code));
    let inputs = &summary.receipt.input[..];
    let width = causes.iter().map(|(n, _)| count(*n).len()).max().unwrap_or_default();
    let shown = if causes.len() > room { room.saturating_sub(1) } else { room };
    let mut lines: Vec<String> = causes
        .iter()
        .take(shown)
        .map(|(n, code)| {
            let example = summary.examples.iter().find(|example| example.code == *code);
            let rule = rule(*code);
            let name = paint.severity(rule.severity, code.as_str());
            let example = example.map_or(String::new(), |example| match &example.cause {
                // The cause says more than the bytes, and has its own help.
                Some(cause) if *code == Code::SYN001 => {
                    format!(" ({}: {}; {})", contact(example, plan, inputs), printable(cause), printable(&example.help))
                }
                Some(cause) => format!(" ({}: {})", place(example, plan, inputs, true), printable(cause)),
                // What a person does about rows that are no contacts is not in the row.
                None if matches!(*code, Code::TAB001 | Code::TAB002 | Code::TAB003 | Code::TAB004) => {
                    format!(" ({}; {})", place(example, plan, inputs, true), printable(&example.help))
                }
                None => format!(" ({})", place(example, plan, inputs, true)),
            });
            format!("  {:>width$} x {name} {}{example}", count(*n), rule.message)
        })
        .collect();
    if causes.len() > shown && room > 0 {
        let codes: Vec<String> =
            causes[shown..].iter().map(|(n, code)| format!("{code} {}", count(*n))).take(SHARED).collect();
        let more = if causes.len() - shown > SHARED { " ..." } else { "" };
        lines.push(format!("  and {}{more}", codes.join(", ")));
    }
    lines
}

/// `export.json: contact 17`
fn contact(example: &Example, plan: &Plan, inputs: &[InputReceipt]) -> String {
    let is_one = plan.inputs.len() == 1 && inputs.len() <= 1;
    let input = match inputs.get(example.input) {
        _ if is_one => String::new(),
        Some(input) => format!("{}: ", printable(&input.name)),
        // The run did not get there.
        None => plan.inputs.get(example.input).map_or(String::new(), |input| format!("{}: ", path(input))),
    };
    match example.contact {
        Some(contact) => format!("{input}contact {contact}"),
        None => format!("{input}envelope"),
    }
}

/// A path as a person reads it.
fn path(path: &std::path::Path) -> String {
    printable(&path.display().to_string()).into_owned()
}

/// `contact 17: home_phone "12345"`
fn place(example: &Example, plan: &Plan, inputs: &[InputReceipt], short: bool) -> String {
    let mut text = contact(example, plan, inputs);
    if let Some(field) = &example.field {
        let _ = write!(text, ": {}", printable(&shortened(field, 40)));
    }
    // A mark cannot be seen, and a number of actions is no value.
    if matches!(example.code, Code::SYN004 | Code::SYN005 | Code::SYN006) {
        let _ = write!(text, ": line {}", count(example.line));
        return text;
    }
    if !example.value.is_empty() {
        let value = if short { shortened(&example.value, 30) } else { example.value.clone() };
        let value = format!("{value:?}");
        let _ = write!(text, "{} {}", if example.field.is_some() { "" } else { ":" }, printable(&value));
    }
    text
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn written(plan: &Plan, receipt: &Receipt, removed: bool) -> String {
    let speed = format!("{:.1} s, {}/s", receipt.seconds, bytes(receipt.bytes_per_second));
    let size: u64 = receipt.payloads.iter().map(|payload| payload.bytes).sum();
    let to = |output: &std::path::Path| match output.as_os_str() {
        name if name == "-" => "standard output".to_owned(),
        _ => path(output),
    };
    match &plan.output {
        Main::Nothing => format!("  nothing was written ({speed})"),
        // Broken before the lists were known.
        Main::Body(_) | Main::Bodies(_) if receipt.stopped.is_some() && receipt.payloads.is_empty() => {
            format!("  no body was written ({speed})")
        }
        Main::Lines(output) => format!("  to {} ({speed})", to(output)),
        Main::Body(output) | Main::Bodies(output) if receipt.payloads.is_empty() => {
            let older = if removed { format!(", and the older {} is removed", to(output)) } else { String::new() };
            format!("  no body was written: no contact was accepted{older} ({speed})")
        }
        Main::Body(output) => format!("  one body of {} to {} ({speed})", bytes(size), to(output)),
        Main::Bodies(dir) => {
            let n = receipt.payloads.len() as u64;
            format!(
                "  {} {}, {} in all, to {} ({speed})",
                count(n),
                if n == 1 { "body" } else { "bodies" },
                bytes(size),
                path(dir)
            )
        }
    }
}

/// What to do next.
fn next(plan: &Plan, receipt: &Receipt) -> Option<String> {
    let c = &receipt.contacts;
    let file =
        |file: &Option<std::path::PathBuf>| file.as_ref().filter(|file| file.as_os_str() != "-").map(|file| path(file));
    if receipt.stopped.is_some() {
        let rest = receipt.bytes_not_read.filter(|rest| *rest > 0);
        let rest = rest.map_or(String::new(), |rest| format!(" {} not read;", bytes(rest)));
        let nothing = matches!(plan.output, Main::Nothing)
            || (!matches!(plan.output, Main::Lines(_)) && receipt.payloads.is_empty());
        let written = if nothing { "" } else { " (what is written is whole up to it)" };
        return Some(format!("next:{rest} fix the input there and run again{written}"));
    }
    if c.rejected > 0 {
        // Rejects have no envelope of their own.
        let explicit = receipt.options.sms_permission_to_send == Some("explicit");
        let again = match (&plan.output, explicit) {
            (Main::Body(_) | Main::Bodies(_), true) => " with --list-id UUID --sms-permission explicit",
            (Main::Body(_) | Main::Bodies(_), false) => " with --list-id UUID",
            (_, true) => " with --sms-permission explicit",
            (_, false) => "",
        };
        return Some(match (file(&plan.rejects), file(&plan.report)) {
            (Some(rejects), Some(report)) => {
                format!("next: {report} says why; fix {rejects} and feed it back in{again}")
            }
            (Some(rejects), None) => format!("next: fix {rejects} and feed it back in{again}; --report FILE says why"),
            (None, _) if matches!(plan.output, Main::Nothing) => {
                "next: presort clean --rejects FILE --report FILE sets them apart and says why".to_owned()
            }
            (None, _) => {
                "next: --rejects FILE keeps the rejected contacts, --report FILE says why; presort explain CODE"
                    .to_owned()
            }
        });
    }
    if c.accepted_with_held_back > 0 {
        return Some(match file(&plan.report) {
            Some(report) => format!("next: {report} names every value that was held back; presort explain CODE"),
            None => {
                "next: --report FILE names every value that was held back; presort explain CODE says more".to_owned()
            }
        });
    }
    match &plan.output {
        _ if c.seen == 0 && receipt.dropped.is_none() => {
            Some("next: there was nothing to import; is this the right export?".to_owned())
        }
        Main::Nothing => {
            let body = receipt.input.iter().any(|input| input.shape == Shape::Body);
            let large = receipt.bytes_read >= plan.limits.max_bytes || c.accepted > plan.limits.max_contacts;
            (body && large)
                .then(|| "next: this is more than one body may hold: presort clean --split -o DIR".to_owned())
        }
        _ => None,
    }
}

/// The first findings in full.
fn listed(text: &mut String, plan: &Plan, summary: &Summary, paint: &Paint) {
    for finding in &summary.listed {
        let name = paint.severity(finding.severity, &format!("{} {}", finding.severity.as_str(), finding.code));
        let _ = writeln!(
            text,
            "{name}: line {}, {}: {}",
            finding.line,
            place(finding, plan, &summary.receipt.input, false),
            printable(&finding.message)
        );
    }
    let all: u64 = summary
        .receipt
        .findings
        .iter()
        .filter_map(|(code, n)| {
            let code = Code::parse(code)?;
            (rule(code).severity != Severity::Change).then_some(*n)
        })
        .sum();
    let more = all.saturating_sub(summary.listed.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "... and {} more; --report FILE has them all", count(more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(bytes(9_999), "9,999 bytes");
        assert_eq!(bytes(4_000_000), "4.0 MB");
        assert_eq!(contacts(1), "1 contact");
    }
}
