//! `presort serve`.

use super::account::open;
use super::args::{Global, When, number};
use super::colours;
use crate::account::seed::{SEED_MAX, Seed};
use crate::model::error::{Error, Result};
use crate::service::{self, Config};
use clap::{Args, ValueEnum};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Args)]
pub struct ServeArgs {
    /// The local account's file [default: the value of PRESORT_ACCOUNT]
    #[arg(short, long, value_name = "FILE")]
    account: Option<PathBuf>,
    /// The address to listen on; port 0 picks a free port and prints it
    #[arg(short, long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A file with the bearer token that requests must have; required unless the address is a loopback address
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Require access tokens, and issue them by the OAuth flows of the service; for loopback addresses only
    #[arg(long, conflicts_with = "token_file")]
    oauth: bool,
    /// The clients that may ask for access tokens, with their secrets and redirect URIs, as a JSON array [default: any, without a secret]
    #[arg(long, value_name = "FILE", requires = "oauth")]
    oauth_clients: Option<PathBuf>,
    /// Answer at most N requests per second, as the published service does
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "4", value_parser = number::<u32>(1, 1_000_000))]
    rate_limit: Option<u32>,
    /// Answer at most N requests per day, from 00:00 UTC on, as the published service does
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10000", value_parser = number::<u64>(0, u64::MAX))]
    quota: Option<u64>,
    /// How the errors of an activity are worded
    #[arg(long, value_enum, value_name = "WORDING", default_value_t = Wording::Presort)]
    activity_errors: Wording,
    /// Which identifiers new contacts, lists, fields and activities get
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Ids::Random)]
    ids: Ids,
    /// A file of lists, custom fields and contacts (JSON) that an empty account begins with
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Have the control endpoints under /_presort even if other machines can reach them
    #[arg(long)]
    control: bool,
    /// A further host name or address that clients may use for this server (repeatable)
    #[arg(long = "host", value_name = "NAME", value_parser = host)]
    hosts: Vec<String>,
    /// An origin whose web pages may use the endpoint, such as https://app.example (repeatable)
    #[arg(long = "cors", value_name = "ORIGIN", value_parser = origin)]
    origins: Vec<String>,
    /// The time limit of one import
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = number::<u64>(1, u64::MAX))]
    activity_timeout: u64,
    /// The format of the log on standard error; RUST_LOG sets its level (info by default)
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Log::Text)]
    log: Log,
}

#[derive(Clone, Copy, ValueEnum)]
enum Wording {
    /// The index of the contact, the code and the member
    Presort,
    /// `Line N`, as the published service is known to
    Published,
}

#[derive(Clone, Copy, ValueEnum)]
enum Ids {
    /// No two runs give the same
    Random,
    /// The same requests in the same order give the same
    Seeded,
}

#[derive(Clone, Copy, ValueEnum)]
enum Log {
    /// Text
    Text,
    /// One JSON object per line
    Json,
    /// No log
    None,
}

fn host(text: &str) -> std::result::Result<String, String> {
    service::host_name(text).ok_or_else(|| "write a name or an address, without a port".to_owned())
}

fn origin(text: &str) -> std::result::Result<String, String> {
    service::origin(text)
        .ok_or_else(|| "write a scheme, a host and optionally a port, as in https://app.example".to_owned())
}

/// The warning about a file with a secret that other users of the machine can read.
#[cfg(unix)]
fn readers(path: &std::path::Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(path).ok()?;
    let mode = meta.permissions().mode() & 0o7777;
    let name = path.display();
    (meta.is_file() && mode & 0o077 != 0).then(|| {
        format!("other users can read or write the secrets in {name} (its mode is {mode:04o}): chmod 600 {name}")
    })
}

#[cfg(not(unix))]
fn readers(_: &std::path::Path) -> Option<String> {
    None
}

/// Reads the file of a seed, up to a byte more than it may have.
fn read_seed(path: &Path) -> Result<Vec<u8>> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(SEED_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Error::io("read", name, error))?;
    Ok(bytes)
}

impl ServeArgs {
    pub fn run(&self, global: &Global) -> Result<ExitCode> {
        let token = match &self.token_file {
            None => None,
            Some(path) => {
                let name = path.display().to_string();
                let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", &name, error))?;
                let token = text.trim().to_owned();
                if token.is_empty() || token.chars().any(|c| !c.is_ascii_graphic()) {
                    return Err(Error::usage(format!("{name} must hold one token: printable ASCII without spaces")));
                }
                Some(token)
            }
        };
        if token.is_none() && !self.listen.ip().is_loopback() {
            return Err(Error::usage(format!(
                "{} can be reached from other machines: use --token-file FILE, or listen on 127.0.0.1",
                self.listen
            )));
        }
        let oauth = self.oauth()?;
        self.log(global.color);
        if let Some(warning) = self.token_file.as_deref().or(self.oauth_clients.as_deref()).and_then(readers) {
            match self.log {
                // Its readers are programs.
                Log::Json => tracing::warn!("{warning}"),
                Log::Text | Log::None => drop(writeln!(io::stderr(), "presort: warning: {warning}")),
            }
        }
        let mut account = open(self.account.as_ref())?;
        if matches!(self.ids, Ids::Seeded) {
            account.use_seeded_ids()?;
        }
        if let Some(path) = &self.seed {
            account.start_from(&Seed::parse(&read_seed(path)?)?)?;
        }
        let config = Config {
            listen: self.listen,
            token,
            oauth,
            rate_limit: self.rate_limit,
            quota: self.quota,
            published_errors: matches!(self.activity_errors, Wording::Published),
            control: self.control,
            activity_time: Duration::from_secs(self.activity_timeout),
            hosts: self.hosts.clone(),
            origins: self.origins.clone(),
            ..Config::default()
        };
        service::run(account, config, |address| {
            if !global.quiet {
                let page = if self.control || self.listen.ip().is_loopback() {
                    format!(", with a page at http://{address}/")
                } else {
                    String::new()
                };
                let _ = writeln!(io::stderr(), "presort: listening on http://{address}/v3{page} (Ctrl-C ends it)");
            }
        })
        .map_err(|error| Error::io("listen on", self.listen.to_string(), error))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The clients of `--oauth`.
    fn oauth(&self) -> Result<Option<Vec<service::Client>>> {
        let Some(path) = &self.oauth_clients else { return Ok(self.oauth.then(Vec::new)) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", &name, error))?;
        service::parse_clients(&text).map(Some).map_err(|error| Error::usage(format!("{name}: {error}")))
    }

    fn log(&self, color: When) {
        // `debug`, or `info,presort=debug`; what is neither counts as absent.
        let asked = std::env::var("RUST_LOG").ok().and_then(|asked| asked.parse::<Targets>().ok());
        let targets = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
        let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let log = match self.log {
            Log::Text => log.with_ansi(colours(color)).boxed(),
            Log::Json => log.json().boxed(),
            Log::None => return,
        };
        // A logger that is set already stays.
        let _ = tracing_subscriber::registry().with(log.with_filter(targets)).try_init();
    }
}
