//! `presort login`, `logout` and `whoami`.

use super::send::{status_of, tokens_for};
use super::{print, signals};
use crate::model::error::Result;
use crate::model::printable::printable;
use crate::send::address::SERVICE;
use crate::send::oauth::{AUTH, CLIENT_VARIABLE, Provider, SCOPES};
use crate::send::remote::{SystemClock, TOKEN_VARIABLE};
use crate::send::run::{self, Settings};
use crate::send::sender::{Limits, time_text};
use crate::send::store::Store;
use crate::send::{self, BaseUrl, Error, state_dir};
use clap::Args;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub(super) const LOGIN_HELP: &str = "\
Examples:
  presort login --client-id 4f6f2c5e-0f2d-4a4e-8a43-0e7b6d2f9f10
  presort login --browser

Tokens are kept for each address of a service, in a file that only you can read. Without a login, PRESORT_ACCESS_TOKEN is enough.";

#[derive(Args)]
pub struct BaseArgs {
    /// The address of the service, with its version; http:// only for this machine; PRESORT_BASE_URL sets it as well
    #[arg(long, value_name = "URL", default_value = SERVICE)]
    base_url: String,
}

#[derive(Args)]
pub struct LoginArgs {
    /// Log in with a browser on this machine that comes back to it (PKCE), instead of a code that any browser takes
    #[arg(long)]
    browser: bool,
    /// The port that the browser comes back to; http://127.0.0.1:PORT/callback must be registered
    #[arg(long, value_name = "PORT", default_value_t = 8765, requires = "browser")]
    port: u16,
    /// The identifier of your application at the service [default: the value of PRESORT_CLIENT_ID, or else that of the last login]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    #[command(flatten)]
    base: BaseArgs,
    /// The address that gives tokens for it [default: that of the published service, for its own address only]
    #[arg(long, value_name = "URL")]
    auth_url: Option<String>,
    /// What to ask for, with spaces between
    #[arg(long, value_name = "SCOPES", default_value = SCOPES)]
    scopes: String,
}

fn done(result: send::Result<()>) -> Result<ExitCode> {
    Ok(result.map_or_else(|error| status_of(&error), |()| ExitCode::SUCCESS))
}

impl BaseArgs {
    fn parse(&self) -> send::Result<(BaseUrl, Store)> {
        let base = BaseUrl::parse(&self.base_url)?;
        let store = Store::new(&state_dir::state_dir()?, &base);
        Ok((base, store))
    }
}

impl LoginArgs {
    pub fn run(&self) -> Result<ExitCode> {
        done(self.log_in())
    }

    fn log_in(&self) -> send::Result<()> {
        let (base, store) = self.base.parse()?;
        let client_id = match self.client_id.clone().filter(|id| !id.is_empty()) {
            Some(id) => id,
            None => store.load().ok().flatten().map(|login| login.client_id).ok_or_else(|| {
                Error::could(format!(
                    "there is no client identifier: register your application at the service, which is free, and name it with \
                     --client-id or {CLIENT_VARIABLE} (docs/send.md shows how)"
                ))
            })?,
        };
        let auth = match self.auth_url.as_deref() {
            Some(url) => url,
            None if base.as_str() == SERVICE => AUTH,
            // Its tokens would go to another server.
            None => return Err(Error::could(format!("--auth-url must name the address that gives tokens for {base}"))),
        };
        let provider = Provider { auth: BaseUrl::parse(auth)?, client_id, scopes: self.scopes.clone() };
        let must_end = signals::flag();
        let mut clock = SystemClock { must_end: &must_end };
        let mut say = |text: &str| {
            let _ = writeln!(io::stderr(), "presort: {text}");
        };
        let login = match self.browser {
            true => provider.browser(self.port, &mut clock, &mut say)?,
            false => provider.device(&mut clock, &mut say)?,
        };
        let _lock = store.lock()?;
        store.save(&login)?;
        say(&format!("logged in to {base}"));
        if login.refresh.is_none() {
            say("note: the service gave no token that lasts, so this login ends with its access token");
        }
        Ok(())
    }
}

#[derive(Args)]
pub struct LogoutArgs {
    #[command(flatten)]
    base: BaseArgs,
}

impl LogoutArgs {
    pub fn run(&self) -> Result<ExitCode> {
        done(self.log_out())
    }

    fn log_out(&self) -> send::Result<()> {
        let (base, store) = self.base.parse()?;
        let _lock = store.lock()?;
        let text = match store.remove()? {
            true => format!(
                "presort: the tokens for {base} are removed from this machine; the service may accept them until they end\n"
            ),
            false => format!("presort: there are no tokens for {base} on this machine\n"),
        };
        let _ = io::stderr().write_all(text.as_bytes());
        Ok(())
    }
}

/// Lists that `whoami` shows.
const LISTS: usize = 50;

#[derive(Args)]
pub struct WhoamiArgs {
    #[command(flatten)]
    base: BaseArgs,
}

impl WhoamiArgs {
    pub fn run(&self) -> Result<ExitCode> {
        done(self.who())
    }

    fn who(&self) -> send::Result<()> {
        let (base, store) = self.base.parse()?;
        let must_end = AtomicBool::new(false);
        let mut tokens = tokens_for(&base, &must_end)?;
        let settings = Settings {
            base: base.clone(),
            limits: Limits { retries: 2, ..Limits::default() },
            timeout: Duration::from_secs(30),
            retry_failed: false,
            create_fields: false,
        };
        // The lists show whether the token is good for contacts, even where the account is not known.
        let (account, known) = run::ask(&settings, tokens.as_mut(), &must_end, false)?;
        let account = match (account.name.as_deref().filter(|name| !name.is_empty()), account.id.as_deref()) {
            (Some(name), Some(id)) => format!("{} ({})", printable(name), printable(id)),
            (Some(name), None) | (None, Some(name)) => printable(name).into_owned(),
            (None, None) => "not known (a token with the scope account_read shows it)".to_owned(),
        };
        let mut text = format!("service: {base}\naccount: {account}\n");
        let is_fixed = std::env::var_os(TOKEN_VARIABLE).is_some_and(|token| !token.is_empty());
        match store.load()?.filter(|_| !is_fixed) {
            Some(login) => {
                text += &format!("scopes: {}\n", printable(login.scope.as_deref().unwrap_or("not known")));
                let ends = login.expires_at.map_or_else(|| "not known".to_owned(), |time| time_text(time as f64));
                let then = if login.refresh.is_some() { ", and is replaced then" } else { "" };
                text += &format!("token: ends {ends}{then}\n");
            }
            None if is_fixed => text += &format!("scopes: not known\ntoken: that of {TOKEN_VARIABLE}\n"),
            None => text += "scopes: not known\ntoken: none\n",
        }
        let lists = known.lists.unwrap_or_default();
        for (id, name) in lists.iter().take(LISTS) {
            text += &format!("list: {} ({})\n", printable(name), printable(id));
        }
        if lists.len() > LISTS {
            text += &format!("and {} more lists\n", lists.len() - LISTS);
        }
        Ok(print(&text)?)
    }
}
