//! The arguments of the command line, and the parsers of their values.

use crate::document::envelope::{EnvelopeOverrides, SmsPermission};
use crate::document::table::InputFormat;
use crate::facade::CleanerBuilder;
use crate::json::pointer::Pointer;
use crate::model::limits::{MAX_BYTES, MAX_CONTACTS};
use crate::rules::date::{self, Date, DateOrder};
use crate::source::Encoding;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit status:
  0  success: every contact was accepted; values were normalised at most
  1  finished, but something was rejected, held back, or dropped at a limit (--fail-on, --max-rejected)
  2  failure: usage, input or output, broken JSON";

/// The formats of inputs.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum FromFormat {
    // Comments and not docs: with these, the help of all options would be spread over more lines.
    Json,
    Csv,
    /// vCards
    Vcard,
    /// XLSX, XLSB, XLS or ODS
    Spreadsheet,
}

impl FromFormat {
    pub(super) fn format(self) -> InputFormat {
        match self {
            FromFormat::Json => InputFormat::Json,
            FromFormat::Csv => InputFormat::Csv,
            FromFormat::Vcard => InputFormat::Vcard,
            FromFormat::Spreadsheet => InputFormat::Spreadsheet,
        }
    }
}

/// Cleans, checks and splits large contact exports into request bodies for the Constant Contact V3 import endpoint.
#[derive(Parser)]
#[command(name = "presort", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// Options of every subcommand, before it or behind. A subcommand with an option of the same name gets the value as well.
#[derive(Args)]
pub(super) struct Global {
    /// Print only errors
    #[arg(short, long, global = true, display_order = 900)]
    pub(super) quiet: bool,
    /// Use colours: on a terminal (auto), always, or never; auto respects NO_COLOR
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto, global = true, display_order = 901)]
    pub(super) color: When,
    /// Read options from this file, or from none [default: the value of PRESORT_CONFIG, or else presort.toml, or else that of the user]
    #[arg(long, value_name = "FILE", global = true, display_order = 902)]
    pub(super) config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Clean an export: to one body (default), many bodies (--split), or one contact per line (--format ndjson)
    #[command(after_help = CLEAN_HELP)]
    Clean(Box<Clean>),
    /// Check an export as `clean` would, without writing anything
    #[command(after_help = CHECK_HELP)]
    Check(Box<Check>),
    /// Show what the names of an export become: a map file to edit, for --map
    #[command(
        after_help = "Examples:\n  presort map export.csv\n  presort map export.csv -o map.toml\n  presort clean export.csv \
                      --map map.toml --split -o bodies/ --list-id UUID"
    )]
    Map(Box<super::map::Map>),
    /// Explain a rule: what it requires, why the service does, and what presort does
    #[command(after_help = "Examples:\n  presort explain\n  presort explain PHN001\n  presort explain --format json")]
    Explain(Explain),
    /// Measure throughput on your own file, stage by stage, compared with a plain copy
    #[command(
        after_help = "Examples:\n  presort bench export.json\n  presort bench export.json --runs 9 --format json"
    )]
    Bench(Bench),
    /// Write a synthetic export for tests; the same options give the same bytes
    #[command(
        after_help = "Examples:\n  presort sample --contacts 1000 > sample.json\n  presort sample --contacts 3000000 --format ndjson --seed 7 \
                      --mess 20 -o big.ndjson\n  presort sample --contacts 1000 --format csv --delimiter semicolon --bom > excel.csv"
    )]
    Sample(super::sample::SampleArgs),
    /// Show what sending the bodies of a directory would do, without sending any
    #[cfg(feature = "send")]
    #[command(after_help = super::send::PLAN_HELP)]
    Plan(super::send::PlanArgs),
    /// Send the bodies of a directory to the service, and write down what became of each contact
    #[cfg(feature = "send")]
    #[command(after_help = super::send::SEND_HELP)]
    Send(super::send::SendArgs),
    /// Deliver an export to the service: clean, split, ask, send, and write down what became of each contact
    #[cfg(feature = "send")]
    #[command(after_help = super::deliver::DELIVER_HELP, mut_arg("list_ids", |list_ids| list_ids.hide(true)))]
    Deliver(Box<super::deliver::DeliverArgs>),
    /// Log in to the service, to send bodies
    #[cfg(feature = "send")]
    #[command(after_help = super::login::LOGIN_HELP)]
    Login(super::login::LoginArgs),
    /// Remove the tokens of a login from this machine
    #[cfg(feature = "send")]
    Logout(super::login::LogoutArgs),
    /// Show which account at the service a login is for, what it allows, when it ends, and the lists of the account
    #[cfg(feature = "send")]
    Whoami(super::login::WhoamiArgs),
    /// Create a local account in a file, and inspect it
    #[cfg(feature = "account")]
    #[command(after_help = ACCOUNT_HELP)]
    Account(super::account::AccountArgs),
    /// Import bodies into a local account, each as one activity
    #[cfg(feature = "account")]
    #[command(after_help = IMPORT_HELP)]
    Import(super::account::ImportArgs),
    /// Serve a local account over HTTP, as the published endpoint does
    #[cfg(feature = "serve")]
    #[command(after_help = SERVE_HELP)]
    Serve(super::serve::ServeArgs),
    /// Tell which contact of which input a contact of a body was
    #[command(
        after_help = "Examples:\n  presort where bodies/payload-00007.json 123\n  presort where body.json 0 --receipt receipt.json \
                      --format json"
    )]
    Where(super::origin::Where),
    /// Make one receipt of those of all parts of a job, or compare bodies with their receipts
    #[command(
        after_help = "Examples:\n  presort receipt merge bodies/ -o bodies/receipt.json\n  presort receipt verify bodies/"
    )]
    Receipt(super::receipt::ReceiptArgs),
    /// Show the options in force, and where each value comes from
    #[command(after_help = "Examples:\n  presort config\n  presort config clean\n  presort config --format json")]
    Config(super::config::Show),
    /// Print the script that completes commands and options in a shell
    #[command(
        after_help = "Examples:\n  presort completions bash > ~/.local/share/bash-completion/completions/presort\n  presort completions zsh > \
                      ~/.zfunc/_presort"
    )]
    Completions(super::shell::Completions),
    /// Write the manual pages into a directory
    #[command(after_help = "Examples:\n  presort man ~/.local/share/man/man1\n  man presort-clean")]
    Man(super::shell::Man),
}

#[cfg(feature = "account")]
const ACCOUNT_HELP: &str = "\
Examples:
  presort account init my.account
  presort account lists add 'Newsletter' --account my.account
  presort account fields add 'Favourite colour' --account my.account
  presort account contacts --email joe@example.com --account my.account
  presort account export --account my.account | presort check";

#[cfg(feature = "account")]
const IMPORT_HELP: &str = "\
Examples:
  presort import --account my.account bodies/
  presort import --account my.account body.json > activities.ndjson
  presort import --account my.account --no-receipt some-of-the-bodies/

Exit status:
  0  success: every contact was imported completely
  1  finished, but some contact, value or list membership was not imported
  2  failure, or some body could not be imported at all";

#[cfg(feature = "serve")]
const SERVE_HELP: &str = "\
Examples:
  presort serve --account my.account
  presort serve --account my.account --listen 0.0.0.0:8080 --token-file token --host crm.example --log json
  curl -H 'Content-Type: application/json' -d @body.json http://127.0.0.1:8080/v3/activities/contacts_json_import";

const CLEAN_HELP: &str = "\
Examples:
  presort clean body.json -o cleaned.json --report findings.ndjson
      one request body below the limit of 4 MB
  presort clean export.csv --split -o bodies/ --list-id 04fe9a97-a579-43c5-bb1a-58ed29bf0a6a
      an export of any size, to as many bodies as needed, and receipt.json
  cat export.csv.gz | presort clean --format ndjson --rejects rejects.csv > cleaned.ndjson
      a pipe, one cleaned contact per line

Exit status:
  0  success: every contact was accepted; values were normalised at most
  1  finished, but something was rejected, held back, or dropped at a limit (--fail-on, --max-rejected)
  2  failure: usage, input or output, broken JSON, no header";

const CHECK_HELP: &str = "\
Examples:
  presort check export.csv
  presort check export.csv --format ndjson > findings.ndjson
  presort check export.csv --max-rejected 1% && presort clean export.csv --split -o bodies/ --list-id UUID

Exit status: as for clean";

#[derive(Args)]
pub(super) struct Clean {
    /// Files to read, in this order, as one run; a directory stands for its files; standard input if absent or -
    pub(super) inputs: Vec<PathBuf>,
    /// The output: a file, - for standard output (default), or a directory with --split
    #[arg(short, long, value_name = "PATH")]
    pub(super) output: Option<PathBuf>,
    /// Write as many bodies as needed into the directory given by --output, and receipt.json
    #[arg(short, long, requires = "output")]
    pub(super) split: bool,
    /// What to write: a request body, or one contact per line
    #[arg(short, long, value_enum, default_value_t = Format::Payload)]
    pub(super) format: Format,
    /// Write the change ledger to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(super) changes: Option<PathBuf>,
    /// Write rejected contacts to this file, to fix and clean again: one per line, or a table if all inputs are tables with one header
    #[arg(long, value_name = "FILE")]
    pub(super) rejects: Option<PathBuf>,
    /// Write rejected contacts without the member `presort` (in a table, the columns presort_...), which says where each came from
    /// and why it was rejected
    #[arg(long, requires = "rejects")]
    pub(super) bare_rejects: bool,
    /// The size that a body stays below when written, and up to which it is read: 4000000, 4MB, 4MiB
    #[arg(long, value_name = "SIZE", value_parser = size, default_value_t = MAX_BYTES)]
    pub(super) max_bytes: u64,
    /// The maximum number of contacts in a body
    #[arg(long, value_name = "N", default_value_t = MAX_CONTACTS, value_parser = number::<u64>(1, u64::MAX))]
    pub(super) max_contacts: u64,
    /// Overwrite existing files; a directory with bodies takes --replace or --append instead
    #[arg(long)]
    pub(super) force: bool,
    /// Remove the bodies of an earlier run from the directory
    #[arg(long, requires = "split", conflicts_with = "append")]
    pub(super) replace: bool,
    /// Add to the bodies of an earlier run in the directory, and to its receipt
    #[arg(long, requires = "split")]
    pub(super) append: bool,
    #[command(flatten)]
    pub(super) part: super::worker::PartArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Args)]
pub(super) struct Check {
    /// Files to read, in this order, as one run; a directory stands for its files; standard input if absent or -
    pub(super) inputs: Vec<PathBuf>,
    /// What to print on standard output: the first findings for a person (text), all of them and the receipt as one JSON document
    /// (json), one finding per line (ndjson), or the page of --html (html) [default: text]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) format: Option<CheckFormat>,
    /// Print a table of fields as well: how many are filled, distinct values, lengths, shapes, frequent values
    #[arg(long)]
    pub(super) profile: bool,
    /// Overwrite existing files
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

/// The options that clean and check share.
#[derive(Args)]
pub(super) struct Common {
    /// Write findings (errors and warnings) to this file, one JSON object per line
    #[arg(short, long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Write a page for the person who is shown the result: what to fix first, charts, fields, findings. One file that loads nothing
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write the receipt to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) receipt: Option<PathBuf>,
    /// Replace values in report and ledger by a keyed hash, so that they can be shared; the key is random, or the value of
    /// PRESORT_REDACT_KEY (at least 16 bytes)
    #[arg(long)]
    pub(super) redact: bool,
    #[command(flatten)]
    pub(super) fail: super::exit::FailArgs,
    #[command(flatten)]
    pub(super) envelope: EnvelopeArgs,
    /// The format of the inputs: json of any shape, csv with commas, semicolons, tabs or pipes, vcard, or spreadsheet (xlsx, xlsb,
    /// xls, ods) [default: what their first bytes show]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(super) from: Option<FromFormat>,
    /// The array that holds the contacts in JSON with something around them, like /results or /data/items [default: the only
    /// array of objects at the top]
    #[arg(long, value_name = "POINTER", value_parser = Pointer::parse)]
    pub(super) records: Option<Pointer>,
    /// The object in each record that is the contact, like /properties or /fields [default: the record]
    #[arg(long, value_name = "POINTER", value_parser = Pointer::parse)]
    pub(super) contact: Option<Pointer>,
    /// The sheet of a spreadsheet [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// The encoding of inputs that are not UTF-8, like windows-1252; UTF-16 and UTF-32 are recognised
    #[arg(long, value_name = "LABEL", value_parser = Encoding::of_label)]
    pub(super) encoding: Option<Encoding>,
    #[command(flatten)]
    pub(super) map: super::map::MapArgs,
    #[command(flatten)]
    pub(super) opt_out: super::map::OptOutArgs,
    /// The account's custom fields: one name per line, or the JSON answer of GET /contact_custom_fields
    #[arg(long, value_name = "FILE")]
    pub(super) custom_fields: Option<PathBuf>,
    /// The maximum length of an email address, in characters
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = number::<u16>(1, 320))]
    pub(super) email_max: u16,
    /// What to do with an optional value that breaks its rule: hold it back, or reject the contact
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = BadFieldChoice::Hold)]
    pub(super) bad_field: BadFieldChoice,
    /// Truncate text at its limit instead of holding it back
    #[arg(long)]
    pub(super) truncate: bool,
    /// Check area codes and exchanges against the North American Numbering Plan
    #[arg(long)]
    pub(super) nanp: bool,
    /// The format of phone numbers
    #[arg(long, value_enum, value_name = "HOW", default_value_t = PhoneFormatChoice::Dashed)]
    pub(super) phone_format: PhoneFormatChoice,
    #[command(flatten)]
    pub(super) damage: DamageArgs,
    /// What to do with duplicate contacts: keep all, or only the first
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = DuplicatesChoice::Keep)]
    pub(super) duplicates: DuplicatesChoice,
    /// The day to use as today for dates of consent [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(super) as_of: Option<Date>,
    /// The number of worker threads [default: the value of PRESORT_THREADS, or else the number of processors]
    #[arg(short, long, value_name = "N", value_parser = number::<u16>(1, 1024))]
    pub(super) threads: Option<u16>,
    /// Print only errors
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Show progress: on a terminal (auto), always, or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub(super) progress: When,
    /// Use colours: on a terminal (auto), always, or never; auto respects NO_COLOR
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub(super) color: When,
}

/// Options for values that software has changed, or that people write in several ways.
#[derive(Args)]
pub(super) struct DamageArgs {
    /// The order of the parts of dates whose year is last; with ymd, the year must be first
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = DateOrderChoice::Mdy)]
    pub(super) date_order: DateOrderChoice,
    /// Restore the leading zeros of US ZIP codes of three or four digits, unless country or state are others
    #[arg(long)]
    pub(super) fix_zip: bool,
    /// A text that stands for no value, like NULL: members with it are left out; case matters (repeatable)
    #[arg(long = "null-text", value_name = "TEXT", value_parser = null_text)]
    pub(super) null_texts: Vec<String>,
}

impl DamageArgs {
    pub(super) fn apply(&self, cleaner: CleanerBuilder) -> CleanerBuilder {
        let order = match self.date_order {
            DateOrderChoice::Mdy => DateOrder::MonthFirst,
            DateOrderChoice::Dmy => DateOrder::DayFirst,
            DateOrderChoice::Ymd => DateOrder::YearFirst,
        };
        let cleaner = cleaner.date_order(order).fix_zip(self.fix_zip);
        self.null_texts.iter().fold(cleaner, |cleaner, text| cleaner.null_text(text.as_str()))
    }
}

/// Options that override members of an envelope.
#[derive(Args)]
pub(super) struct EnvelopeArgs {
    /// A list to import the contacts into, instead of the body's list_ids (repeatable); clean and check also read PRESORT_LIST_ID
    #[arg(short, long = "list-id", value_name = "UUID")]
    pub(super) list_ids: Vec<String>,
    /// Whether the contacts agreed to text messages, instead of the body's sms_permission_to_send
    #[arg(long, value_enum, value_name = "PERMISSION")]
    pub(super) sms_permission: Option<PermissionChoice>,
}

impl EnvelopeArgs {
    pub(super) fn overrides(&self) -> EnvelopeOverrides {
        EnvelopeOverrides {
            list_ids: self.list_ids.clone(),
            sms_permission: self.sms_permission.map(|permission| match permission {
                PermissionChoice::Explicit => SmsPermission::Explicit,
                PermissionChoice::NotSet => SmsPermission::NotSet,
            }),
        }
    }
}

#[derive(Args)]
pub(super) struct Explain {
    /// The code of a rule; all rules if absent
    pub(super) code: Option<String>,
    /// The output format: text or JSON
    #[arg(short, long, value_enum, default_value_t = TextFormat::Text)]
    pub(super) format: TextFormat,
}

#[derive(Args)]
pub(super) struct Bench {
    /// The file to measure; a synthetic export if absent
    pub(super) input: Option<PathBuf>,
    /// The number of runs of each stage; the result is their median
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = number::<u16>(1, 100))]
    pub(super) runs: u16,
    /// The number of worker threads of the parallel runs [default: the value of PRESORT_THREADS, or else the number of processors]
    #[arg(short, long, value_name = "N", value_parser = number::<u16>(1, 1024))]
    pub(super) threads: Option<u16>,
    /// The output format: a table or JSON
    #[arg(short, long, value_enum, default_value_t = TextFormat::Text)]
    pub(super) format: TextFormat,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum Format {
    Payload,
    Ndjson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    Text,
    Json,
    Ndjson,
    Html,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum PermissionChoice {
    Explicit,
    #[value(name = "not_set", alias = "not-set")]
    NotSet,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum BadFieldChoice {
    Hold,
    Reject,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum PhoneFormatChoice {
    Dashed,
    Digits,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum DateOrderChoice {
    Mdy,
    Dmy,
    Ymd,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum DuplicatesChoice {
    Keep,
    First,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum TextFormat {
    #[value(alias = "table")]
    Text,
    Json,
}

/// A size in bytes: digits, and a unit or none.
fn size(text: &str) -> std::result::Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        // The smaller meaning of a bare letter is the safe one.
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        unit => return Err(format!("{unit} is not a unit: B, kB, MB, GB (thousands) or KiB, MiB, GiB (1024s)")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| "write it like 4000000, 4MB or 4MiB".to_owned())?;
    match number.checked_mul(unit) {
        Some(0) => Err("nothing fits in it: write a size like 4000000, 4MB or 4MiB".to_owned()),
        Some(size) => Ok(size),
        None => Err("it is more than a file can have".to_owned()),
    }
}

/// A parser of whole numbers in a range, which says what to write.
pub(super) fn number<N: TryFrom<u64>>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> std::result::Result<N, String> + Clone + Send + Sync + 'static {
    move |text| {
        let range = match most {
            u64::MAX => format!("{least} or more"),
            most => format!("from {least} to {most}"),
        };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| format!("write a whole number, {range}"))
    }
}

fn day(text: &str) -> std::result::Result<Date, String> {
    match date::parse(text) {
        date::DateResult::Day(day, true) => Ok(day),
        _ => Err("write a day of the calendar as YYYY-MM-DD".to_owned()),
    }
}

fn null_text(text: &str) -> std::result::Result<String, String> {
    match text.trim() {
        "" => Err("empty values are left out without it".to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("4000000", 4_000_000), ("4MB", 4_000_000), ("4MiB", 4_194_304), ("1kB", 1000), ("2 KiB", 2048)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "4X", "MB", "0", "-1", "4.5MB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
