//! Options that come from the environment and from a configuration file.
//!
//! They become arguments behind those that the person wrote, before clap reads any of them. So they are checked as those are, and an
//! option works in a configuration file as soon as it is defined. What the person wrote takes precedence: a setting is left out if the
//! option, or one that conflicts with it, is among the arguments.

mod file;
mod show;

use super::args::Cli;
use crate::model::error::{Error, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use etcetera::BaseStrategy;
pub(super) use show::Show;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The file in the working directory.
const HERE: &str = "presort.toml";

/// The value of `--config` that stands for no file.
const NO_FILE: &str = "none";

/// Variables of the environment: the option that each sets, and of which subcommands; of all that have it if there is no list.
///
/// `import` has `--list-id` as well. There it replaces the lists that the bodies name, which must not happen unasked.
const VARIABLES: [(&str, &str, &[&str]); 5] = [
    ("PRESORT_LIST_ID", "list-id", &["clean", "check"]),
    ("PRESORT_ACCOUNT", "account", &[]),
    ("PRESORT_BASE_URL", "base-url", &[]),
    ("PRESORT_CLIENT_ID", "client-id", &[]),
    ("PRESORT_THREADS", "threads", &[]),
];

/// Variables with secrets. They set no option, so that none stands in a file or among the arguments of a process.
const SECRETS: [&str; 2] = ["PRESORT_ACCESS_TOKEN", "PRESORT_REDACT_KEY"];

/// Names the configuration file.
const CONFIG_VARIABLE: &str = "PRESORT_CONFIG";

/// Subcommands that a configuration does not concern, so that they work when it is broken.
const WITHOUT: [&str; 3] = ["completions", "man", "help"];

/// What a setting says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    /// An option without a value is on or off.
    Switch(bool),
    /// The values of an option.
    Values(Vec<String>),
}

/// Where a setting is from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Variable(&'static str),
    File { name: String, line: usize },
}

/// An option of a subcommand, as the environment or a file sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    subcommand: String,
    /// The long name of the option.
    option: String,
    given: Given,
    origin: Origin,
}

impl Setting {
    fn arguments(&self) -> Vec<OsString> {
        match &self.given {
            Given::Switch(false) => Vec::new(),
            Given::Switch(true) => vec![format!("--{}", self.option).into()],
            Given::Values(values) => values.iter().map(|value| format!("--{}={value}", self.option).into()).collect(),
        }
    }
}

/// The arguments of the process, and behind them those of the environment and of the configuration file.
///
/// # Errors
/// The file cannot be read, or it or a variable says what no option takes.
pub(super) fn arguments(args: Vec<OsString>) -> Result<Vec<OsString>> {
    let (mut args, off) = without_switches(args);
    if !may_have_settings(&args) {
        return Ok(args);
    }
    // Wrong arguments are reported later, with all arguments at hand.
    let Ok(matches) = Cli::command().ignore_errors(true).try_get_matches_from(&args) else { return Ok(args) };
    let Some((name, own)) = matches.subcommand().filter(|(name, _)| !WITHOUT.contains(name)) else { return Ok(args) };
    let command = built();
    let settings = settings(&command, own.get_one::<PathBuf>("config").map(PathBuf::as_path))?;
    let Some(subcommand) = command.find_subcommand(name) else { return Ok(args) };
    // `account init FILE` makes a new account.
    let is_init = own.subcommand_name() == Some("init");
    let concern = |setting: &Setting| setting.subcommand == name && !(is_init && setting.option == "account");
    let settings = unless_given(settings.into_iter().filter(concern), subcommand, own, &off);
    // Behind `--` there are only inputs.
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let behind = args.split_off(end);
    args.extend(applicable(&settings, &args, &behind));
    args.extend(behind);
    Ok(args)
}

/// The definition of all arguments, with the global ones in each subcommand.
fn built() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// True if there is anything that could set an option.
fn may_have_settings(args: &[OsString]) -> bool {
    let variables = VARIABLES.iter().map(|(variable, ..)| *variable).chain([CONFIG_VARIABLE]);
    args.iter().any(|arg| arg.as_encoded_bytes().starts_with(b"--config"))
        || variables.into_iter().any(|variable| from_environment(variable).is_some())
        || Path::new(HERE).exists()
        || of_user().is_some_and(|path| path.exists())
}

/// The value of a variable, unless it is empty.
fn from_environment(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// The configuration file of the user.
fn of_user() -> Option<PathBuf> {
    let directories = etcetera::choose_base_strategy().ok()?;
    Some(directories.config_dir().join("presort").join("config.toml"))
}

/// A configuration file, and whether it was found in the working directory without being named.
fn file_to_read(named: Option<&Path>) -> Option<(PathBuf, bool)> {
    let named = named.map(Path::to_path_buf).or_else(|| from_environment(CONFIG_VARIABLE).map(PathBuf::from));
    match named {
        Some(path) if path.as_os_str() == NO_FILE => None,
        Some(path) => Some((path, false)),
        None if Path::new(HERE).exists() => Some((HERE.into(), true)),
        None => of_user().filter(|path| path.exists()).map(|path| (path, false)),
    }
}

/// All settings, of all subcommands. Each option occurs once in a subcommand: the environment takes precedence over the file.
fn settings(command: &Command, named: Option<&Path>) -> Result<Vec<Setting>> {
    let mut all = of_environment(command)?;
    if let Some((path, is_found)) = file_to_read(named) {
        for setting in file::read(&path, is_found, command)? {
            if !all.iter().any(|other| (&other.subcommand, &other.option) == (&setting.subcommand, &setting.option)) {
                all.push(setting);
            }
        }
    }
    Ok(all)
}

fn of_environment(command: &Command) -> Result<Vec<Setting>> {
    let mut all = Vec::new();
    for (variable, option, only) in VARIABLES {
        let Some(value) = from_environment(variable) else { continue };
        let value = value.into_string().map_err(|_| Error::usage(format!("{variable} is not UTF-8")))?;
        for subcommand in command.get_subcommands() {
            let name = subcommand.get_name();
            let Some(arg) = options(subcommand).find(|arg| arg.get_long() == Some(option)) else { continue };
            if !(only.is_empty() || only.contains(&name)) || WITHOUT.contains(&name) {
                continue;
            }
            let values = match arg.get_action() {
                ArgAction::Append => {
                    value.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
                }
                _ => vec![value.clone()],
            };
            let given = Given::Values(values);
            check(arg, &given).map_err(|what| Error::usage(format!("{variable}: {what}")))?;
            all.push(Setting {
                subcommand: name.to_owned(),
                option: option.to_owned(),
                given,
                origin: Origin::Variable(variable),
            });
        }
    }
    Ok(all)
}

/// The subcommands that a configuration has sections for.
fn sections(command: &Command) -> impl Iterator<Item = &Command> {
    let has_one = |name| !WITHOUT.contains(&name) && name != "config";
    command.get_subcommands().filter(move |section| has_one(section.get_name()))
}

/// The options of a subcommand that can be set.
fn options(subcommand: &Command) -> impl Iterator<Item = &Arg> {
    let is_set = |arg: &&Arg| arg.get_long().is_some_and(|long| !["help", "version", "config"].contains(&long));
    subcommand.get_arguments().filter(is_set)
}

/// Whether an option takes what a setting says.
fn check(arg: &Arg, given: &Given) -> std::result::Result<(), String> {
    /// Clap's names are static, unlike those of a definition that is read.
    const NAME: &str = "the-option";
    // By itself, without the other options that it may require.
    let mut alone = Arg::new(NAME)
        .long(NAME)
        .action(arg.get_action().clone())
        .value_parser(arg.get_value_parser().clone())
        .value_names(arg.get_value_names().unwrap_or_default().to_vec());
    if let Some(number) = arg.get_num_args() {
        alone = alone.num_args(number);
    }
    let setting = Setting {
        subcommand: String::new(),
        option: NAME.to_owned(),
        given: given.clone(),
        origin: Origin::Variable(""),
    };
    let command = Command::new("presort").no_binary_name(true).disable_help_flag(true).arg(alone);
    match command.try_get_matches_from(setting.arguments()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string().replace(NAME, arg.get_long().unwrap_or_default());
            let lines = text.trim_start_matches("error: ").lines().map(str::trim);
            Err(lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
        }
    }
}

/// Takes out `--switch=false`, which turns off what a setting turns on, and reads `--switch=true` as `--switch`. Returns the names of
/// the switches that are off.
fn without_switches(args: Vec<OsString>) -> (Vec<OsString>, BTreeSet<String>) {
    let mut off = BTreeSet::new();
    let is_one = |arg: &OsString| arg.to_str().is_some_and(|arg| arg.ends_with("=false") || arg.ends_with("=true"));
    if !args.iter().any(is_one) {
        return (args, off);
    }
    let command = built();
    let is_switch = |name: &str| {
        let is_it = |arg: &Arg| arg.get_long() == Some(name) && matches!(arg.get_action(), ArgAction::SetTrue);
        command.get_subcommands().any(|subcommand| subcommand.get_arguments().any(is_it))
    };
    let mut kept = Vec::with_capacity(args.len());
    let mut is_behind = false;
    for arg in args {
        is_behind |= arg == "--";
        let text = arg.to_str().filter(|_| !is_behind).and_then(|arg| arg.strip_prefix("--")?.split_once('='));
        match text {
            Some((name, "false")) if is_switch(name) => drop(off.insert(name.to_owned())),
            Some((name, "true")) if is_switch(name) => kept.push(format!("--{name}").into()),
            _ => kept.push(arg),
        }
    }
    (kept, off)
}

/// The settings whose options the person did not write, nor any that conflicts.
fn unless_given(
    settings: impl Iterator<Item = Setting>,
    subcommand: &Command,
    matches: &ArgMatches,
    off: &BTreeSet<String>,
) -> Vec<Setting> {
    let is_given = |arg: &Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let given: Vec<&Arg> = options(subcommand).filter(|arg| is_given(arg)).collect();
    let conflicts =
        |a: &Arg, b: &Arg| subcommand.get_arg_conflicts_with(a).iter().any(|arg| arg.get_id() == b.get_id());
    settings
        .filter(|setting| {
            let Some(arg) = options(subcommand).find(|arg| arg.get_long() == Some(&setting.option)) else {
                return false;
            };
            let is_clear =
                |other: &&Arg| other.get_id() != arg.get_id() && !conflicts(arg, other) && !conflicts(other, arg);
            given.iter().all(is_clear) && !off.contains(&setting.option)
        })
        .collect()
}

/// The arguments of the settings that apply. One that requires an option that is not there is left out: `replace` is of no use to a
/// run without `--split`, and no mistake.
fn applicable(settings: &[Setting], args: &[OsString], behind: &[OsString]) -> Vec<OsString> {
    let lacks = |added: &[OsString]| {
        let all = args.iter().chain(added).chain(behind);
        let parsed = Cli::command().try_get_matches_from(all);
        parsed.is_err_and(|error| error.kind() == clap::error::ErrorKind::MissingRequiredArgument)
    };
    let all: Vec<OsString> = settings.iter().flat_map(Setting::arguments).collect();
    if !lacks(&all) {
        return all;
    }
    let (mut kept, mut left) = (Vec::new(), settings.iter().collect::<Vec<_>>());
    loop {
        let before = left.len();
        left.retain(|setting| {
            let with: Vec<OsString> = kept.iter().cloned().chain(setting.arguments()).collect();
            let is_lacking = lacks(&with);
            if !is_lacking {
                kept = with;
            }
            is_lacking
        });
        if left.len() == before {
            return kept;
        }
    }
}
