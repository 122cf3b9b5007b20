//! What to do next, as a command where there is one.

use super::super::{Main, Plan};
use super::line::COLUMNS;
use super::{bytes, path};
use crate::document::format::Shape;
use crate::output::receipt::{InputReceipt, Receipt};

/// The arguments of this run, as text.
pub(in crate::cli) fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// Options that another run on the same contacts needs as well, each with a value.
const OF_CONTACTS: &[&str] = &[
    "--map",
    "--rename",
    "--ignore",
    "--unmapped",
    "--custom-fields",
    "--date-order",
    "--null-text",
    "--suppress",
    "--opted-out",
];

/// Options of the file that they are in.
const OF_FILE: &[&str] = &["--records", "--contact", "--from", "--encoding", "--sheet"];

/// The options of this run that say what its contacts are and, with `file`, how to read their file: ` --map map.toml`.
fn kept_options(file: bool) -> String {
    options_in(&arguments(), file)
}

fn options_in(args: &[String], file: bool) -> String {
    let (mut kept, mut args) = (String::new(), args.iter());
    while let Some(arg) = args.next() {
        let name = arg.split('=').next().unwrap_or_default();
        if OF_CONTACTS.contains(&name) || file && OF_FILE.contains(&name) {
            let value = if arg.contains('=') { None } else { args.next() };
            for part in std::iter::once(arg).chain(value) {
                kept.push(' ');
                kept.push_str(&quoted(part.as_ref()));
            }
        }
    }
    kept
}

/// A name for the rejects that no input has: those of tables with one header are a table.
fn rejects_file(plan: &Plan, receipt: &Receipt) -> String {
    let header = |input: &InputReceipt| {
        let mapping = input.mapping.as_ref()?;
        let mut names: Vec<String> = mapping.columns.iter().map(|column| column.column.clone()).collect();
        names.extend(mapping.unmapped.iter().map(|column| column.column.clone()));
        names.sort_unstable();
        Some(names)
    };
    let is_table = receipt.input.iter().all(|input| input.table.is_some())
        && receipt.input.windows(2).all(|pair| header(&pair[0]) == header(&pair[1]));
    let extension = if is_table { "csv" } else { "ndjson" };
    let names =
        std::iter::once(format!("rejects.{extension}")).chain((2..).map(|n| format!("rejects-{n}.{extension}")));
    let is_free = |name: &String| !plan.inputs.iter().any(|input| input.file_name() == Some(name.as_ref()));
    names.into_iter().find(is_free).unwrap_or_default()
}

/// The command of this run with more options, or only these where it is long or its input cannot be read again.
pub(super) fn again(options: &str) -> String {
    let args = arguments();
    let command = args.iter().map(|arg| quoted(std::path::Path::new(arg))).collect::<Vec<_>>().join(" ");
    let command = format!("presort {command} {options}");
    let reads_a_file = args.get(1).is_some_and(|arg| !arg.starts_with('-'));
    if reads_a_file && command.len() + 6 <= COLUMNS { command } else { format!("run again with {options}") }
}

/// What to do next.
pub(super) fn next(plan: &Plan, receipt: &Receipt) -> Option<String> {
    let c = &receipt.contacts;
    let file =
        |file: &Option<std::path::PathBuf>| file.as_ref().filter(|file| file.as_os_str() != "-").map(|file| path(file));
    if receipt.stopped.is_some() {
        let rest = receipt.bytes_not_read.filter(|rest| *rest > 0);
        let rest = rest.map_or(String::new(), |rest| format!("{} not read; ", bytes(rest)));
        let nothing = matches!(plan.output, Main::Nothing)
            || (!matches!(plan.output, Main::Lines(_)) && receipt.payloads.is_empty());
        let written = if nothing { "" } else { " (what is written is whole up to it)" };
        return Some(format!("{rest}fix the input there and run again{written}"));
    }
    if receipt.dropped.is_some() {
        let list = if receipt.options.list_ids.is_empty() { " --list-id UUID" } else { "" };
        let input = plan.inputs.first().filter(|input| input.as_os_str() != "-");
        let input = input.map_or(String::new(), |input| format!("{} ", quoted(input)));
        return Some(format!("presort clean {input}--split -o bodies{list}"));
    }
    if c.rejected > c.opted_out {
        let rejects = rejects_file(plan, receipt);
        return Some(match (&plan.rejects, file(&plan.rejects), file(&plan.report)) {
            (_, Some(rejects), report) => {
                let why = report.map_or(String::new(), |report| format!("{report} says why; "));
                let then = feed_back(plan, receipt);
                let ways = [format!("{why}fix {rejects}, then {then}"), format!("fix {rejects}, then {then}")];
                let fits = |way: &String| way.chars().count() + "next: ".len() <= COLUMNS;
                let way = ways.into_iter().find(fits);
                way.unwrap_or_else(|| format!("{why}fix {rejects} and feed it back in, with --list-id UUID"))
            }
            _ if matches!(plan.output, Main::Nothing) => {
                let input: Vec<String> = plan.inputs.iter().map(|input| quoted(input)).collect();
                let list = if receipt.options.list_ids.is_empty() { " --list-id UUID" } else { "" };
                let (how, more) = (kept_options(true), format!("--split -o bodies --rejects {rejects}{list}"));
                let whole = format!("presort clean {}{how} {more}", input.join(" "));
                match how.as_str() {
                    _ if whole.chars().count() + 6 <= COLUMNS => whole,
                    "" => format!("presort clean FILE {more}"),
                    _ => format!("presort clean with the same options and {more}"),
                }
            }
            (Some(_), None, _) => "fix the rejects and feed them back in".to_owned(),
            (None, ..) => {
                let force = if plan.force || !has_output(plan) { "" } else { " --force" };
                again(&format!("--rejects {rejects}{force}"))
            }
        });
    }
    if c.accepted_with_held_back > 0 {
        return Some(match file(&plan.report) {
            Some(report) => format!("{report} names every value that was held back; presort explain CODE says more"),
            None => {
                let force = if plan.force || !has_output(plan) { "" } else { " --force" };
                again(&format!("--report findings.ndjson{force}"))
            }
        });
    }
    match &plan.output {
        _ if c.seen == 0 => Some("there was nothing to import; is this the right export?".to_owned()),
        Main::Nothing => {
            let body = receipt.input.iter().any(|input| input.shape == Shape::Body);
            let large = receipt.bytes_read >= plan.limits.max_bytes || c.accepted > plan.limits.max_contacts;
            (body && large).then(|| "this is more than one body may hold: presort clean --split -o DIR".to_owned())
        }
        _ => None,
    }
}

/// True if the run wrote a file that another run would not overwrite.
fn has_output(plan: &Plan) -> bool {
    match &plan.output {
        Main::Body(output) | Main::Lines(output) => output.as_os_str() != "-",
        Main::Bodies(_) | Main::Nothing => false,
    }
}

/// A path in a command.
fn quoted(path: &std::path::Path) -> String {
    let text = self::path(path);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The command that takes the rejects once they are fixed.
fn feed_back(plan: &Plan, receipt: &Receipt) -> String {
    let rejects = plan.rejects.as_deref().map_or(String::new(), quoted);
    // Rejects have no envelope of their own.
    let sms = match receipt.options.sms_permission_to_send {
        Some("explicit") => " --sms-permission explicit",
        _ => "",
    };
    let list = if matches!(plan.output, Main::Lines(_) | Main::Nothing) { "" } else { " -l UUID" };
    let output = match &plan.output {
        Main::Bodies(dir) => format!("-s --append -o {}", quoted(dir)),
        Main::Body(_) => "-o fixed.json".to_owned(),
        Main::Lines(_) => "--format ndjson -o fixed.ndjson".to_owned(),
        Main::Nothing => return format!("presort check {rejects}"),
    };
    format!("presort clean {rejects}{} {output}{list}{sms}", kept_options(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_another_run_needs() {
        let args =
            ["check", "in.csv", "--map", "my map.toml", "--sheet=S", "-q", "--format", "text", "--rename", "A=email"];
        let args = args.map(str::to_owned);
        assert_eq!(options_in(&args, true), " --map 'my map.toml' --sheet=S --rename A=email");
        assert_eq!(options_in(&args, false), " --map 'my map.toml' --rename A=email");
        assert_eq!(options_in(&args[..2], true), "");
    }
}
