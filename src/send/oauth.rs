//! Logging in: the device flow, and PKCE with a redirect to this machine. Neither needs a secret of the program.

use super::http::{Answer, Client, Content, NoAnswer, Request};
use super::remote::Tokens;
use super::sender::Clock;
use super::store::{Login, Store};
use super::{BaseUrl, Error, Result, Secret};
use crate::model::printable::printable;
use crate::output::hash::Hash;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// Where the published service gives tokens.
pub const AUTH: &str = "https://authz.constantcontact.com/oauth2/default/v1";
/// What presort asks for: contacts, the name of the account, and a token that lasts.
pub const SCOPES: &str = "contact_data account_read offline_access";
/// The variable with the client's identifier.
pub const CLIENT_VARIABLE: &str = "PRESORT_CLIENT_ID";

/// The time for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Seconds for which a code of a redirect is waited for.
const REDIRECT: f64 = 300.0;
/// Attempts to get a token, where the service does not answer.
const ATTEMPTS: u32 = 3;

/// Where and for what to log in.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Where tokens come from.
    pub auth: BaseUrl,
    /// The program, as it is registered.
    pub client_id: String,
    /// What to ask for, with spaces.
    pub scopes: String,
}

/// An answer with tokens.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
    #[serde(default)]
    scope: Option<String>,
}

/// Why there is no token.
#[derive(Debug, Default, Deserialize)]
struct Denial {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Denial {
    fn of(answer: &Answer) -> Denial {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn text(&self, status: u16) -> String {
        let text = match (self.error.as_str(), self.error_description.as_str()) {
            ("", _) => format!("status {status}"),
            (error, "") => error.to_owned(),
            (error, description) => format!("{error}: {description}"),
        };
        printable(&text).into_owned()
    }
}

/// What the device flow begins with.
#[derive(Deserialize)]
struct Device {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    #[serde(default)]
    expires_in: Option<f64>,
    #[serde(default)]
    interval: Option<f64>,
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Provider {
    fn client(&self) -> Result<Client> {
        Client::new(&self.auth, TIMEOUT)
    }

    fn post(&self, client: &Client, path: &str, pairs: &[(&str, &str)]) -> std::result::Result<Answer, NoAnswer> {
        let url = self.auth.join(path);
        client.call(Request { body: Some(Content::Form(&form(pairs))), url: &url, token: None })
    }

    /// The tokens of an answer. The old refresh token stays if there is no new one.
    fn login(&self, answer: &Answer, now: f64, before: Option<&Secret>) -> Result<Login> {
        let tokens: TokenAnswer = serde_json::from_slice(&answer.body)
            .map_err(|_| Error::could(format!("the answer of {} has no token in it; check --auth-url", self.auth)))?;
        let access = Secret::new(&tokens.access_token);
        if !access.is_token() {
            return Err(Error::could(format!("the token of {} cannot stand in a request", self.auth)));
        }
        Ok(Login {
            auth_url: self.auth.as_str().to_owned(),
            client_id: self.client_id.clone(),
            access,
            refresh: tokens.refresh_token.as_deref().map(Secret::new).or_else(|| before.cloned()),
            expires_at: tokens.expires_in.map(|seconds| now as i64 + seconds),
            scope: tokens.scope.or_else(|| Some(self.scopes.clone()).filter(|scopes| !scopes.is_empty())),
        })
    }

    /// The device flow. `say` shows the address and the code.
    ///
    /// # Errors
    /// The user did not allow it, or not in time, or the service does not answer.
    pub fn device(&self, clock: &mut dyn Clock, say: &mut dyn FnMut(&str)) -> Result<Login> {
        let client = self.client()?;
        let pairs = [("client_id", self.client_id.as_str()), ("scope", self.scopes.as_str())];
        let answer = self.post(&client, "/device/authorize", &pairs).map_err(|error| self.silent(&error))?;
        if answer.status != 200 {
            let what = Denial::of(&answer).text(answer.status);
            return Err(Error::could(format!(
                "{} does not begin a login: {what}; check --client-id and --auth-url",
                self.auth
            )));
        }
        let device: Device = serde_json::from_slice(&answer.body).map_err(|_| {
            Error::could(format!("the answer of {} is none of a device flow; check --auth-url", self.auth))
        })?;
        say(&format!(
            "open {} in any browser, and enter the code {}",
            printable(&device.verification_uri),
            printable(&device.user_code)
        ));
        if let Some(complete) = &device.verification_uri_complete {
            say(&format!("or open {}, which has the code in it", printable(complete)));
        }
        say("waiting until that is done (Ctrl-C ends it)");
        let end = clock.now() + device.expires_in.unwrap_or(600.0).clamp(1.0, 3600.0);
        let mut interval = device.interval.unwrap_or(5.0).clamp(1.0, 60.0);
        loop {
            clock.sleep(interval);
            if clock.must_end() {
                return Err(Error::later("interrupted; run presort login again"));
            }
            if clock.now() >= end {
                return Err(Error::Login("the code has expired: run presort login again".to_owned()));
            }
            let pairs = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", device.device_code.as_str()),
                ("client_id", self.client_id.as_str()),
            ];
            // Without an answer, it asks again.
            let Ok(answer) = self.post(&client, "/token", &pairs) else { continue };
            if answer.status == 200 {
                return self.login(&answer, clock.now(), None);
            }
            let denial = Denial::of(&answer);
            match denial.error.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval += 5.0,
                _ if answer.status == 429 || answer.status >= 500 => interval += 1.0,
                _ => return Err(self.denied(&denial, answer.status)),
            }
        }
    }

    /// PKCE: the browser comes back to this machine with a code. `say` shows the address.
    ///
    /// # Errors
    /// The user did not allow it, or not in time, or the service does not answer.
    pub fn browser(&self, port: u16, clock: &mut dyn Clock, say: &mut dyn FnMut(&str)) -> Result<Login> {
        let fail = |error| crate::model::error::Error::io("listen on", format!("127.0.0.1:{port}"), error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(fail)?;
        let port = listener.local_addr().map_err(fail)?.port();
        listener.set_nonblocking(true).map_err(fail)?;
        let redirect = format!("http://127.0.0.1:{port}/callback");
        let (verifier, state) = (random_text()?, random_text()?);
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &redirect),
            ("scope", &self.scopes),
            ("state", &state),
            ("code_challenge", &challenge(&verifier)),
            ("code_challenge_method", "S256"),
        ]);
        say(&format!("open {}?{query} in a browser on this machine", self.auth.join("/authorize")));
        say("waiting until it comes back (Ctrl-C ends it)");
        let code = await_code(&listener, &state, clock)?;
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code.reveal()),
            ("redirect_uri", redirect.as_str()),
            ("client_id", self.client_id.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let answer = self.post(&self.client()?, "/token", &pairs).map_err(|error| self.silent(&error))?;
        match answer.status {
            200 => self.login(&answer, clock.now(), None),
            status => Err(self.denied(&Denial::of(&answer), status)),
        }
    }

    fn silent(&self, NoAnswer(why): &NoAnswer) -> Error {
        Error::later(format!("{} does not answer: {why}", self.auth))
    }

    fn denied(&self, denial: &Denial, status: u16) -> Error {
        Error::Login(format!("{} gives no token: {}", self.auth, denial.text(status)))
    }

    /// Another access token for a refresh token.
    fn refresh(&self, refresh: &Secret, clock: &mut dyn Clock) -> Result<Login> {
        let client = self.client()?;
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.reveal()),
            ("client_id", self.client_id.as_str()),
        ];
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                // The service takes one such request a second.
                clock.sleep(1.5);
            }
            match self.post(&client, "/token", &pairs) {
                Ok(answer) if answer.status == 200 => return self.login(&answer, clock.now(), Some(refresh)),
                Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                    last = format!("status {}", answer.status)
                }
                Ok(answer) => {
                    let what = Denial::of(&answer).text(answer.status);
                    return Err(Error::Login(format!(
                        "the access token has expired, and {} gives no other ({what}); log in again: presort login",
                        self.auth
                    )));
                }
                Err(NoAnswer(why)) => last = why,
            }
        }
        Err(Error::later(format!("{} does not answer ({last}); run the same command again later", self.auth)))
    }
}

/// 256 random bits as text that needs no escapes.
fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::could(format!("the system gives no random bytes: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn challenge(verifier: &str) -> String {
    let mut hash = Hash::default();
    hash.update(verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.end())
}

/// Waits for the browser.
fn await_code(listener: &TcpListener, state: &str, clock: &mut dyn Clock) -> Result<Secret> {
    let end = clock.now() + REDIRECT;
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                if let Some(code) = answer_browser(&mut stream, state) {
                    return code;
                }
            }
            Err(_) => clock.sleep(0.1),
        }
        if clock.must_end() {
            return Err(Error::later("interrupted; run presort login again"));
        }
        if clock.now() >= end {
            return Err(Error::Login("no browser came back within five minutes: run presort login again".to_owned()));
        }
    }
}

/// Reads a request. `None` if it is not the one that is waited for.
fn answer_browser(stream: &mut TcpStream, state: &str) -> Option<Result<Secret>> {
    const WAIT: Option<Duration> = Some(Duration::from_secs(3));
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(WAIT).ok()?;
    stream.set_write_timeout(WAIT).ok()?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < 16 << 10 {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let code = code_of(&head, state);
    let (status, text) = match &code {
        None => ("404 Not Found", "This is not the address that presort waits for."),
        Some(Ok(_)) => ("200 OK", "presort has what it needs. You can close this page."),
        Some(Err(_)) => ("200 OK", "The service did not allow it. presort says more."),
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    code
}

/// The code in a request, or why there is none. `None` if the request is another's.
fn code_of(head: &str, state: &str) -> Option<Result<Secret>> {
    let target = head.strip_prefix("GET ")?.split(' ').next()?;
    let query = target.strip_prefix("/callback?")?;
    let find =
        |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
    // Another page may send a browser here as well, but does not know the state.
    if find("state")? != state {
        return None;
    }
    if let Some(code) = find("code") {
        return Some(Ok(Secret::new(&code)));
    }
    let why = find("error_description").or_else(|| find("error")).unwrap_or_default();
    Some(Err(Error::Login(format!("the service gives no code: {}", printable(&why)))))
}

/// The tokens of a login. They are replaced by one process at a time, and stored before they are used.
pub struct Stored<'c> {
    store: Store,
    login: Login,
    clock: Box<dyn Clock + 'c>,
}

impl<'c> Stored<'c> {
    /// The tokens that are stored; `None` without a login.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(store: Store, clock: Box<dyn Clock + 'c>) -> Result<Option<Stored<'c>>> {
        Ok(store.load()?.map(|login| Stored { store, login, clock }))
    }
}

impl Tokens for Stored<'_> {
    fn current(&self) -> Option<&Secret> {
        Some(&self.login.access)
    }

    fn refresh(&mut self) -> Result<()> {
        let _lock = self.store.lock()?;
        let again = || Error::Login("the access token has expired; log in again: presort login".to_owned());
        let now = self.store.load()?.ok_or_else(again)?;
        if now.access != self.login.access {
            // Another process was faster.
            self.login = now;
            return Ok(());
        }
        let refresh = now.refresh.as_ref().ok_or_else(again)?;
        let provider = Provider {
            auth: BaseUrl::parse(&now.auth_url)?,
            client_id: now.client_id.clone(),
            scopes: now.scope.clone().unwrap_or_default(),
        };
        let login = provider.refresh(refresh, self.clock.as_mut())?;
        // The old refresh token may be worth nothing by now, so the new one is on the disk before anything is done with it.
        self.store.save(&login)?;
        self.login = login;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        // RFC 7636, appendix B.
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        let (one, other) = (random_text().unwrap(), random_text().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
    }

    #[test]
    fn scopes_are_joined_by_a_plus() {
        assert_eq!(form(&[("scope", "contact_data offline_access")]), "scope=contact_data+offline_access");
    }

    #[test]
    fn codes_of_redirects() {
        let code = |head: &str| {
            code_of(head, "s").map(|code| code.map(|code| code.reveal().to_owned()).map_err(|e| e.to_string()))
        };
        assert_eq!(code("GET /callback?code=a%2Bb&state=s HTTP/1.1\r\n"), Some(Ok("a+b".into())));
        assert_eq!(
            code("GET /callback?error=access_denied&state=s HTTP/1.1"),
            Some(Err("the service gives no code: access_denied".into()))
        );
        for other in [
            "GET /callback?code=a&state=t HTTP/1.1",
            "GET /callback?code=a",
            "GET /favicon.ico HTTP/1.1",
            "POST /callback?state=s",
            "",
        ] {
            assert_eq!(code(other), None, "{other}");
        }
    }
}
