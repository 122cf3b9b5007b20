//! What a run came to, for a person, in fifteen lines or fewer: what matters most comes first.

pub(super) mod causes;
mod line;
pub(super) mod next;
mod notes;

use super::paint::Paint;
use super::{Main, Plan};
use crate::csv::sniff::delimiter_name;
use crate::model::finding::{Code, Example, Severity};
use crate::model::printable::printable;
use crate::output::receipt::{InputReceipt, Receipt};
use crate::rules::rule;
use crate::run::job::Summary;
use crate::run::mapping::OtherNames;
use line::{COLUMNS, Ink, Line};
use next::{again, next};
use notes::{listed_names, notes};
use std::fmt::Write as _;

/// Lines of a summary, at most.
const LINES: usize = 15;

/// Lines of these for what was rejected and held back, whatever else there is to say.
const CAUSES: usize = 8;

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
pub(super) fn bytes(n: u64) -> String {
    match n {
        1 => "1 byte".to_owned(),
        0..10_000 => format!("{} bytes", count(n)),
        10_000..1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// A part of all, with one decimal: neither none nor all where it is not.
pub(super) fn percent(n: u64, of: u64) -> String {
    let percent = n as f64 * 100.0 / of.max(1) as f64;
    match (n, of) {
        (0, _) => "0 %".to_owned(),
        _ if n >= of => "100 %".to_owned(),
        _ if percent < 0.1 => "under 0.1 %".to_owned(),
        _ if percent > 99.9 => "over 99.9 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

/// The summary.
#[must_use]
pub(super) fn text(plan: &Plan, summary: &Summary, colours: bool) -> String {
    let paint = Paint(colours);
    let receipt = &summary.receipt;
    let mut lines: Vec<Line> = dropped(receipt).into_iter().collect();
    lines.extend(came_in(plan, receipt));
    if let Some(other) = &summary.other_names {
        lines.extend(other_names(other, receipt));
    } else {
        let (warnings, names, mut notes) = notes(plan, summary);
        let fixes = causes::fix_first(summary, 2);
        let mut written = written(plan, receipt, summary);
        let unchecked = "; names of custom fields were not checked: --custom-fields FILE";
        if summary.unchecked_custom_fields && written.chars().count() + unchecked.len() <= COLUMNS {
            written.push_str(unchecked);
        } else if summary.unchecked_custom_fields {
            notes.push(Line::new(format!("  {}", &unchecked[2..])));
        }
        let last = [Some(written), next(plan, receipt).map(|next| format!("next: {next}"))];
        let last: Vec<Line> = last.into_iter().flatten().map(Line::new).collect();
        let middle = [causes::changed(summary), causes::duplicates(plan, summary)];
        // A column that is not in the output may have cost every contact a value.
        let middle: Vec<Line> =
            warnings.into_iter().chain(names).chain(middle.into_iter().flatten()).chain(notes).collect();
        let room = LINES.saturating_sub(lines.len() + fixes.len() + last.len());
        // Examples of what cost people come before everything that cost none of them.
        let causes = causes::lines(plan, summary, room.saturating_sub(middle.len()).max(room.min(CAUSES)));
        let room = LINES.saturating_sub(lines.len() + causes.len() + last.len());
        lines.extend(causes);
        // Where every rejecting rule takes many lines, the others make room for them.
        lines.extend(fixes.into_iter().chain(middle).take(room));
        lines.extend(last);
    }
    lines.iter().map(|line| line.render(&paint) + "\n").collect()
}

/// What was left behind a limit, and the way out.
fn dropped(receipt: &Receipt) -> Option<Line> {
    let dropped = receipt.dropped.as_ref()?;
    let from = dropped.first_contact.map_or(String::new(), |c| format!(", from contact {} on", count(c)));
    let what = match (dropped.bytes, receipt.contacts.seen) {
        (Some(size), seen) if seen > 0 && dropped.at_byte > 0 => {
            let about = (size as f64 / dropped.at_byte as f64 * seen as f64).ceil() as u64;
            format!("about {}", contacts(about))
        }
        (Some(size), _) => bytes(size),
        (None, _) => "all the rest".to_owned(),
    };
    let line = Line::new("presort: ").with(Ink::Of(Severity::Error), "dropped at the limit");
    Some(line.plain(format!(": {what}{from}; --split takes all")))
}

/// What came in and what became of it; a second line for what the first has no room for: the form of the input, and then the
/// counts.
fn came_in(plan: &Plan, receipt: &Receipt) -> Vec<Line> {
    let what = match &receipt.input[..] {
        [one] => printable(&one.name).into_owned(),
        many => format!("{} inputs", many.len()),
    };
    let form = match &receipt.input[..] {
        [one] => format!(" ({})", shape(one)),
        _ => String::new(),
    };
    let c = &receipt.contacts;
    let verb = if matches!(plan.output, Main::Nothing) { "good" } else { "accepted" };
    let seen = format!(": {}, {} seen", bytes(receipt.bytes_read), contacts(c.seen));
    let (accepted, rejected) = (count(c.accepted), count(c.rejected - c.opted_out));
    let opted_out = if c.opted_out > 0 { format!(", {} opted out", count(c.opted_out)) } else { String::new() };
    let counts = |line: Line| {
        let line = line.with(Ink::Bold, accepted.clone()).plain(format!(" {verb}, "));
        line.with(Ink::Bold, rejected.clone()).plain(format!(" rejected{opted_out}"))
    };
    let width = |text: &str| text.chars().count();
    let fixed = width(&seen) + "presort: ".len();
    let all = fixed + ": ".len() + counts(Line::new("")).columns();
    let (len, least) = (width(&what), width(&what).min(30));
    // The end of a path says more than its start.
    let named = |room: usize| {
        let keep = room.saturating_sub(3).max(12);
        let end: String = what.chars().skip(len.saturating_sub(keep)).collect();
        if len > room && len > 15 { format!("...{end}") } else { what.clone() }
    };
    if least + width(&form) + all <= COLUMNS {
        let name = named(COLUMNS - all - width(&form));
        vec![counts(Line::new(format!("presort: {name}{form}{seen}: ")))]
    } else if least.min(15) + all <= COLUMNS {
        let name = named(COLUMNS - all);
        let form = form.trim_start_matches(" (").trim_end_matches(')');
        let form = (!form.is_empty()).then(|| Line::new(format!("  {form}")));
        [Some(counts(Line::new(format!("presort: {name}{seen}: ")))), form].into_iter().flatten().collect()
    } else {
        let has_form = least + width(&form) + fixed <= COLUMNS;
        let form = if has_form { form } else { String::new() };
        let name = named(COLUMNS.saturating_sub(fixed + width(&form)));
        vec![Line::new(format!("presort: {name}{form}{seen}")), counts(Line::new("  "))]
    }
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

/// The way out for an export under other names.
fn other_names(other: &OtherNames, receipt: &Receipt) -> Vec<Line> {
    let names = listed_names(other.names.iter().map(String::as_str));
    let n = receipt.findings.get(Code::CON002.as_str()).copied().unwrap_or_default();
    let seen = receipt.contacts.seen;
    let none = Line::new("  ").with(Ink::Bold, format!("{} of them ({})", count(n), percent(n, seen)));
    let have = if n == 1 { "has" } else { "have" };
    let none = none.plain(format!(" {have} no email address and no number under a name of the contract"));
    let (what, next) = match (other.system, other.known) {
        (_, 0) => (
            "these names are not the contract's".to_owned(),
            "presort map FILE shows what can become of them; --rename FROM=TO maps one".to_owned(),
        ),
        (Some(system), _) => {
            (format!("these names look like those of {system} (presort map shows how)"), again("--map auto"))
        }
        (None, known) => (format!("{known} of these names can be mapped (presort map shows how)"), again("--map auto")),
    };
    vec![none, Line::new(format!("  {what}: {names}")), Line::new(format!("next: {next}"))]
}

/// What people call a line of an input: a sheet has rows.
pub(super) fn line_word(inputs: &[InputReceipt], input: usize) -> &'static str {
    if inputs.get(input).is_some_and(|input| input.sheet.is_some()) { "row" } else { "line" }
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
    let line = line_word(inputs, example.input);
    match example.contact {
        Some(contact) => format!("{input}{line} {}, contact {}", count(example.line), count(contact)),
        None if matches!(example.code, Code::SYN004 | Code::SYN005 | Code::SYN006) => {
            format!("{input}line {}", count(example.line))
        }
        None => format!("{input}envelope"),
    }
}

/// A path as a person reads it.
fn path(path: &std::path::Path) -> String {
    printable(&path.display().to_string()).into_owned()
}

/// `line 18, contact 17: home_phone "12345"`, with a value of so many characters.
fn place(example: &Example, plan: &Plan, inputs: &[InputReceipt], value: usize) -> String {
    let mut text = contact(example, plan, inputs);
    if let Some(field) = &example.field {
        let _ = write!(text, ": {}", printable(&shortened(field, 40)));
    }
    // A mark cannot be seen, and a number of actions is no value.
    if matches!(example.code, Code::SYN004 | Code::SYN005 | Code::SYN006) {
        return text;
    }
    if !example.value.is_empty() {
        let value = format!("{:?}", shortened(&example.value, value));
        let _ = write!(text, "{} {}", if example.field.is_some() { "" } else { ":" }, printable(&value));
    }
    text
}

pub(super) fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn written(plan: &Plan, receipt: &Receipt, summary: &Summary) -> String {
    let removed = summary.removed_output;
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

/// The first findings in full, for `check`.
#[must_use]
pub(super) fn listed(plan: &Plan, summary: &Summary, colours: bool) -> String {
    let (paint, mut text) = (Paint(colours), String::new());
    for finding in &summary.listed {
        let name = paint.severity(finding.severity, &format!("{} {}", finding.severity.as_str(), finding.code));
        let _ = writeln!(
            text,
            "{name}: {}: {}",
            place(finding, plan, &summary.receipt.input, usize::MAX),
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
        let _ = writeln!(text, "... and {} more; --format ndjson or --report FILE has them all", count(more));
    }
    text
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
        for (n, of, text) in
            [(0, 9, "0 %"), (9, 9, "100 %"), (1, 2000, "under 0.1 %"), (1999, 2000, "over 99.9 %"), (1, 3, "33.3 %")]
        {
            assert_eq!(percent(n, of), text);
        }
    }
}
