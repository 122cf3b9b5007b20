//! The service over HTTP, and the clock of the machine.

use super::bodies::{Bodies, Body};
use super::http::{Answer, Client, Content, NoAnswer, Request};
use super::sender::{Clock, Service};
use super::{BaseUrl, Error, Result, Secret};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// The variable with a token that is used as it is.
pub const TOKEN_VARIABLE: &str = "PRESORT_ACCESS_TOKEN";

/// Where access tokens come from.
pub trait Tokens {
    /// The token to use now, if there is one.
    fn current(&self) -> Option<&Secret>;
    /// Replaces it, after the service did not accept it.
    ///
    /// # Errors
    /// It cannot be replaced: someone must log in.
    fn refresh(&mut self) -> Result<()>;
}

/// One token, or none, which nothing can replace.
#[derive(Debug)]
pub struct Fixed(Option<Secret>);

impl Fixed {
    /// No token: for a service on this machine.
    #[must_use]
    pub fn none() -> Fixed {
        Fixed(None)
    }

    /// The token of `PRESORT_ACCESS_TOKEN`; `None` if it is not set.
    ///
    /// # Errors
    /// It cannot be a token.
    pub fn of_environment() -> Result<Option<Fixed>> {
        let Some(text) = std::env::var_os(TOKEN_VARIABLE).filter(|text| !text.is_empty()) else { return Ok(None) };
        let token = Secret::new(&text.to_string_lossy());
        if !token.is_token() {
            return Err(Error::could(format!("{TOKEN_VARIABLE} must be one token: printable ASCII without spaces")));
        }
        Ok(Some(Fixed(Some(token))))
    }
}

impl Tokens for Fixed {
    fn current(&self) -> Option<&Secret> {
        self.0.as_ref()
    }

    fn refresh(&mut self) -> Result<()> {
        Err(Error::Login(match self.0 {
            Some(_) => {
                format!("the service does not accept the token of {TOKEN_VARIABLE}: set one that has not expired")
            }
            None => format!("the service wants a token: run presort login, or set {TOKEN_VARIABLE}"),
        }))
    }
}

/// The service over HTTP.
pub struct Remote<'r> {
    client: Client,
    base: &'r BaseUrl,
    tokens: &'r mut dyn Tokens,
    /// Where bodies are read from; `None` if none are sent.
    bodies: Option<&'r Bodies>,
}

impl<'r> Remote<'r> {
    /// The service at `base`, which gets so long for each answer.
    ///
    /// # Errors
    /// There can be no client.
    pub fn new(
        base: &'r BaseUrl,
        timeout: Duration,
        tokens: &'r mut dyn Tokens,
        bodies: Option<&'r Bodies>,
    ) -> Result<Self> {
        Ok(Remote { client: Client::new(base, timeout)?, base, tokens, bodies })
    }

    /// Posts JSON to a path below the base address.
    ///
    /// # Errors
    /// There was no answer.
    pub fn post(&self, path: &str, json: &[u8]) -> std::result::Result<Answer, NoAnswer> {
        let url = self.base.join(path);
        self.client.call(Request { body: Some(Content::Json(json)), url: &url, token: self.tokens.current() })
    }
}

impl Service for Remote<'_> {
    fn import(&mut self, body: &Body) -> Result<std::result::Result<Answer, NoAnswer>> {
        let Some(bodies) = self.bodies else { return Err(Error::could("there is no body to send")) };
        let bytes = bodies.read(body)?;
        Ok(self.post("/activities/contacts_json_import", &bytes))
    }

    fn get(&mut self, path: &str) -> Result<std::result::Result<Answer, NoAnswer>> {
        // Links begin at the host, and the paths that presort asks for below the base address.
        let version = self.base.path();
        let is_link = path.contains("://") || (!version.is_empty() && path.starts_with(&format!("{version}/")));
        let url = if is_link { self.base.link(path)? } else { self.base.join(path) };
        Ok(self.client.call(Request { body: None, url: &url, token: self.tokens.current() }))
    }

    fn create(&mut self, path: &str, json: &[u8]) -> std::result::Result<Answer, NoAnswer> {
        self.post(path, json)
    }

    fn refresh(&mut self) -> Result<()> {
        self.tokens.refresh()
    }
}

/// The clock of the machine. `must_end` is set by a signal.
pub struct SystemClock<'f> {
    /// Set when the user wants it to end.
    pub must_end: &'f AtomicBool,
}

/// Seconds between two looks at the user's wish.
const SLICE: f64 = 0.1;

impl Clock for SystemClock<'_> {
    fn now(&self) -> f64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
    }

    fn sleep(&mut self, seconds: f64) {
        let mut left = seconds;
        while left > 0.0 && !self.must_end() {
            std::thread::sleep(Duration::from_secs_f64(left.min(SLICE)));
            left -= SLICE;
        }
    }

    fn must_end(&self) -> bool {
        self.must_end.load(Ordering::Relaxed)
    }

    fn random(&mut self) -> f64 {
        // Without randomness, all wait the longest.
        getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX))
    }
}
