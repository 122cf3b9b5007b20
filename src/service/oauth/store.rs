//! What is waiting for an answer, and what was granted.

use super::OFFLINE;
use super::secret::{self, Hash, hash};
use std::collections::HashMap;

const SECOND: i64 = 1000;
/// How long a page may be left open.
const PENDING: i64 = 15 * 60 * SECOND;
/// How long a code can be exchanged.
const CODE: i64 = 5 * 60 * SECOND;
/// How long a device may ask.
pub const DEVICE: i64 = 15 * 60 * SECOND;
/// How long an access token lives.
pub const ACCESS: i64 = 24 * 60 * 60 * SECOND;
/// How long a refresh token lives after its last use.
const REFRESH: i64 = 180 * 24 * 60 * 60 * SECOND;
/// How often a device may ask, and how much longer it must wait each time it asks too early.
pub const INTERVAL: i64 = 5 * SECOND;
/// Most entries of a kind.
const MOST: usize = 10_000;

/// What a user is asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// An authorisation with a redirect.
    Redirect { redirect_uri: String, state: Option<String>, challenge: Option<String> },
    /// A device's.
    Device(Hash),
}

/// Who wants what.
#[derive(Debug, Clone)]
pub struct Wish {
    pub client_id: String,
    pub scopes: Vec<String>,
}

struct Timed<T> {
    value: T,
    until: i64,
}

/// A map whose entries end, and which has a most.
struct Timeds<T>(HashMap<Hash, Timed<T>>);

impl<T> Default for Timeds<T> {
    fn default() -> Self {
        Timeds(HashMap::new())
    }
}

impl<T> Timeds<T> {
    fn put(&mut self, key: Hash, value: T, now: i64, time: i64) {
        if self.0.len() >= MOST {
            self.0.retain(|_, timed| timed.until > now);
        }
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, timed)| timed.until).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(key, Timed { value, until: now + time });
    }

    fn get(&mut self, key: &Hash, now: i64) -> Option<&mut T> {
        self.0.get_mut(key).filter(|timed| timed.until > now).map(|timed| &mut timed.value)
    }

    fn take(&mut self, key: &Hash, now: i64) -> Option<T> {
        self.0.remove(key).filter(|timed| timed.until > now).map(|timed| timed.value)
    }
}

/// A code, before and after its exchange.
struct Code {
    wish: Wish,
    redirect_uri: String,
    challenge: Option<String>,
    /// The grant that it was exchanged for.
    grant: Option<u64>,
}

/// What a device was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Open,
    Approved,
    Denied,
}

struct Device {
    wish: Wish,
    user_code: String,
    decision: Decision,
    interval: i64,
    asked: Option<i64>,
}

struct Access {
    scopes: Vec<String>,
    grant: u64,
}

struct Refresh {
    wish: Wish,
    grant: u64,
}

/// New tokens.
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub scopes: Vec<String>,
}

/// Why there are no tokens: an error of the standard, and a text.
pub type Refusal = (&'static str, &'static str);

const NO_RANDOM: Refusal = ("server_error", "the system gave no random bytes");
const BAD_CODE: Refusal = ("invalid_grant", "the code is unknown, used, expired or another client's: log in again");
const BAD_REFRESH: Refusal =
    ("invalid_grant", "the refresh token is unknown, used, expired or another client's: log in again");

/// What was asked for and granted.
#[derive(Default)]
pub struct Store {
    pending: Timeds<(Wish, Question)>,
    codes: Timeds<Code>,
    devices: Timeds<Device>,
    access: Timeds<Access>,
    refresh: Timeds<Refresh>,
    grants: u64,
}

impl Store {
    /// Asks the user; gives what the page sends back.
    pub fn ask(&mut self, wish: Wish, question: Question, now: i64) -> Option<String> {
        let request = secret::draw().ok()?;
        self.pending.put(hash(request.as_bytes()), (wish, question), now, PENDING);
        Some(request)
    }

    /// The question that a page answers, once.
    pub fn answered(&mut self, request: &str, now: i64) -> Option<(Wish, Question)> {
        self.pending.take(&hash(request.as_bytes()), now)
    }

    /// A code for what the user approved.
    pub fn code(&mut self, wish: Wish, redirect_uri: String, challenge: Option<String>, now: i64) -> Option<String> {
        let code = secret::draw().ok()?;
        self.codes.put(hash(code.as_bytes()), Code { wish, redirect_uri, challenge, grant: None }, now, CODE);
        Some(code)
    }

    /// A device that wants to be approved: its code, and that of the user.
    pub fn device(&mut self, wish: Wish, now: i64) -> Option<(String, String)> {
        let (code, user_code) = (secret::draw().ok()?, secret::user_code().ok()?);
        let device =
            Device { wish, user_code: user_code.clone(), decision: Decision::Open, interval: INTERVAL, asked: None };
        self.devices.put(hash(code.as_bytes()), device, now, DEVICE);
        Some((code, user_code))
    }

    /// The undecided device with the code that a user typed.
    pub fn device_of(&self, user_code: &str, now: i64) -> Option<(Hash, Wish)> {
        let letters = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect()
        };
        let typed = hash(letters(user_code).as_bytes());
        let is_it = |device: &Device| {
            device.decision == Decision::Open && secret::is_same(&hash(letters(&device.user_code).as_bytes()), &typed)
        };
        self.devices
            .0
            .iter()
            .find(|(_, timed)| timed.until > now && is_it(&timed.value))
            .map(|(key, timed)| (*key, timed.value.wish.clone()))
    }

    /// Records what the user decided about a device.
    pub fn decide(&mut self, device: &Hash, approved: bool, now: i64) {
        if let Some(device) = self.devices.get(device, now) {
            device.decision = if approved { Decision::Approved } else { Decision::Denied };
        }
    }

    /// Exchanges a code. A second use revokes the tokens of the first: the code was stolen.
    pub fn exchange(
        &mut self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        now: i64,
    ) -> Result<Tokens, Refusal> {
        let found = self.codes.get(&hash(code.as_bytes()), now).ok_or(BAD_CODE)?;
        if let Some(grant) = found.grant {
            self.end(grant);
            return Err(BAD_CODE);
        }
        if found.wish.client_id != client_id {
            return Err(BAD_CODE);
        }
        if found.redirect_uri != redirect_uri {
            return Err(("invalid_grant", "redirect_uri is not the one of the authorisation"));
        }
        let is_proven = match (&found.challenge, verifier) {
            (Some(challenge), Some(verifier)) => secret::is_challenge_of(challenge, verifier),
            (None, None) => true,
            _ => false,
        };
        if !is_proven {
            return Err(("invalid_grant", "code_verifier does not fit the code_challenge of the authorisation"));
        }
        self.grants += 1;
        let (grant, wish) = (self.grants, found.wish.clone());
        found.grant = Some(grant);
        self.issue(wish, grant, now)
    }

    /// Answers a device that asks whether it was approved.
    pub fn poll(&mut self, code: &str, client_id: &str, now: i64) -> Result<Tokens, Refusal> {
        let key = hash(code.as_bytes());
        let unknown = ("invalid_grant", "the device code is unknown, used, or another client's");
        if self.devices.0.get(&key).is_some_and(|timed| timed.until <= now) {
            return Err(("expired_token", "the device code has expired: ask for another"));
        }
        let device = self.devices.get(&key, now).filter(|device| device.wish.client_id == client_id).ok_or(unknown)?;
        let too_early = device.asked.is_some_and(|asked| now - asked < device.interval);
        device.asked = Some(now);
        if too_early {
            device.interval += INTERVAL;
            return Err(("slow_down", "wait five seconds longer between two requests"));
        }
        match device.decision {
            Decision::Open => Err(("authorization_pending", "the user has not decided yet")),
            Decision::Denied => Err(("access_denied", "the user said no")),
            Decision::Approved => {
                let device = self.devices.take(&key, now).ok_or(unknown)?;
                self.grants += 1;
                let grant = self.grants;
                self.issue(device.wish, grant, now)
            }
        }
    }

    /// Exchanges a refresh token, which can be used once, for new tokens; earlier access tokens live on. `scopes` can only be fewer
    /// than before.
    pub fn refresh(
        &mut self,
        token: &str,
        client_id: &str,
        scopes: Option<Vec<String>>,
        now: i64,
    ) -> Result<Tokens, Refusal> {
        let key = hash(token.as_bytes());
        let found = self.refresh.get(&key, now).filter(|found| found.wish.client_id == client_id).ok_or(BAD_REFRESH)?;
        let mut wish = found.wish.clone();
        if let Some(scopes) = scopes {
            if scopes.iter().any(|scope| !wish.scopes.contains(scope)) {
                return Err(("invalid_scope", "a scope was not granted before"));
            }
            wish.scopes = scopes;
        }
        let found = self.refresh.take(&key, now).ok_or(BAD_REFRESH)?;
        self.issue_keeping(wish, found.wish, found.grant, now)
    }

    fn issue(&mut self, wish: Wish, grant: u64, now: i64) -> Result<Tokens, Refusal> {
        self.issue_keeping(wish.clone(), wish, grant, now)
    }

    /// Issues tokens for `wish`; the next refresh token is good for all of `granted`.
    fn issue_keeping(&mut self, wish: Wish, granted: Wish, grant: u64, now: i64) -> Result<Tokens, Refusal> {
        let access = secret::draw().map_err(|_| NO_RANDOM)?;
        let scopes = wish.scopes;
        self.access.put(hash(access.as_bytes()), Access { scopes: scopes.clone(), grant }, now, ACCESS);
        let mut refresh = None;
        if granted.scopes.iter().any(|scope| scope == OFFLINE) {
            let token = secret::draw().map_err(|_| NO_RANDOM)?;
            self.refresh.put(hash(token.as_bytes()), Refresh { wish: granted, grant }, now, REFRESH);
            refresh = Some(token);
        }
        Ok(Tokens { access, refresh, scopes })
    }

    /// Ends all tokens of a grant.
    fn end(&mut self, grant: u64) {
        self.access.0.retain(|_, timed| timed.value.grant != grant);
        self.refresh.0.retain(|_, timed| timed.value.grant != grant);
    }

    /// The scopes of a live access token.
    pub fn scopes_of(&mut self, access: &Hash, now: i64) -> Option<&[String]> {
        self.access.get(access, now).map(|access| &access.scopes[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(scopes: &str) -> Wish {
        Wish { client_id: "app".into(), scopes: scopes.split(' ').map(str::to_owned).collect() }
    }

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn codes_are_exchanged_once() {
        let mut store = Store::default();
        let code = store
            .code(wish("contact_data offline_access"), "http://localhost/".into(), Some(CHALLENGE.into()), 0)
            .unwrap();
        for (client, uri, verifier) in [
            ("other", "http://localhost/", Some(VERIFIER)),
            ("app", "http://localhost", Some(VERIFIER)),
            ("app", "http://localhost/", Some(CHALLENGE)),
            ("app", "http://localhost/", None),
        ] {
            assert!(store.exchange(&code, client, uri, verifier, 1).is_err_and(|(error, _)| error == "invalid_grant"));
        }
        let tokens = store.exchange(&code, "app", "http://localhost/", Some(VERIFIER), 1).unwrap();
        let access = hash(tokens.access.as_bytes());
        assert_eq!(store.scopes_of(&access, ACCESS).map(<[String]>::len), Some(2));
        assert!(store.scopes_of(&access, ACCESS + 1).is_none());
        // Used again, it ends what it gave.
        assert!(store.exchange(&code, "app", "http://localhost/", Some(VERIFIER), 2).is_err());
        assert!(store.scopes_of(&access, 2).is_none());
        assert!(store.refresh(&tokens.refresh.unwrap(), "app", None, 2).is_err());
        let code = store.code(wish("contact_data"), "http://localhost/".into(), None, 0).unwrap();
        assert!(store.exchange(&code, "app", "http://localhost/", None, CODE).is_err());
    }

    #[test]
    fn refresh_tokens_are_used_once() {
        let mut store = Store::default();
        let first = store.issue(wish("contact_data account_read offline_access"), 1, 0).unwrap();
        let token = first.refresh.unwrap();
        assert!(store.refresh(&token, "other", None, 1).is_err());
        let more = Some(vec!["billing_data".to_owned()]);
        assert!(store.refresh(&token, "app", more, 1).is_err_and(|(error, _)| error == "invalid_scope"));
        let fewer = store.refresh(&token, "app", Some(vec!["contact_data".to_owned()]), 1).unwrap();
        assert_eq!(fewer.scopes, ["contact_data"]);
        assert!(store.refresh(&token, "app", None, 1).is_err());
        let all = store.refresh(&fewer.refresh.unwrap(), "app", None, REFRESH).unwrap();
        assert_eq!(all.scopes.len(), 3);
        assert!(store.refresh(&all.refresh.unwrap(), "app", None, REFRESH * 2 + 1).is_err());
        assert!(store.issue(wish("contact_data"), 2, 0).unwrap().refresh.is_none());
    }

    #[test]
    fn devices_wait_for_their_user() {
        let mut store = Store::default();
        let (code, user) = store.device(wish("contact_data"), 0).unwrap();
        let error = |store: &mut Store, now| store.poll(&code, "app", now).err().map_or("", |(error, _)| error);
        assert_eq!(error(&mut store, 0), "authorization_pending");
        assert_eq!(error(&mut store, 4000), "slow_down");
        // Now it is ten seconds.
        assert_eq!(error(&mut store, 10_000), "slow_down");
        assert_eq!(error(&mut store, 25_000), "authorization_pending");
        let (device, _) = store.device_of(&user.to_lowercase().replace('-', " "), 26_000).unwrap();
        assert!(store.device_of("BBBBBBBB", 26_000).is_none());
        store.decide(&device, true, 26_000);
        assert!(store.device_of(&user, 26_000).is_none());
        assert!(store.poll(&code, "other", 50_000).is_err());
        assert!(store.poll(&code, "app", 50_000).is_ok());
        assert!(store.poll(&code, "app", 90_000).is_err_and(|(error, _)| error == "invalid_grant"));
        let (code, user) = store.device(wish("contact_data"), 0).unwrap();
        let (device, _) = store.device_of(&user, 1).unwrap();
        store.decide(&device, false, 1);
        assert!(store.poll(&code, "app", 1).is_err_and(|(error, _)| error == "access_denied"));
        let (code, _) = store.device(wish("contact_data"), 0).unwrap();
        assert!(store.poll(&code, "app", DEVICE).is_err_and(|(error, _)| error == "expired_token"));
    }

    #[test]
    fn what_is_kept_has_a_most() {
        let mut timeds = Timeds::default();
        for i in 0..MOST + 10 {
            timeds.put(hash(&i.to_ne_bytes()), i, i as i64, 1_000_000);
        }
        assert_eq!(timeds.0.len(), MOST);
        assert!(timeds.get(&hash(&0_usize.to_ne_bytes()), 20_000).is_none());
        assert!(timeds.get(&hash(&(MOST + 9).to_ne_bytes()), 20_000).is_some());
    }
}
