//! The address of a service.

use super::{Error, Result};
use std::fmt;
use std::net::IpAddr;

/// Where the published service is.
pub const SERVICE: &str = "https://api.cc.email/v3";

/// The address of a service, with the version in its path and without a slash at its end. It is `https`, or `http` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    /// Bytes of scheme, host and port.
    origin: usize,
    is_loopback: bool,
}

impl BaseUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// It is no address of a service, or a token sent to it could be read on the way.
    pub fn parse(text: &str) -> Result<BaseUrl> {
        let bad = |what: &str| Err(Error::could(format!("{text:?} is not the address of a service: {what}")));
        let trimmed = text.trim().trim_end_matches('/');
        let (scheme, rest) = match trimmed.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => return bad("it must begin with https://"),
        };
        if trimmed
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`'))
        {
            return bad("it has characters that no address has");
        }
        if rest.contains(['?', '#']) {
            return bad("leave out what begins with ? or #");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return bad("leave out the name and password in front of the host");
        }
        let host = host(authority);
        if host.is_empty() {
            return bad("it has no host");
        }
        let authority = authority.to_ascii_lowercase();
        let is_loopback = is_loopback(&host.to_ascii_lowercase());
        match scheme.as_str() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => {
                return bad(
                    "over http:// anyone on the way can read the token; only this machine (127.0.0.1) may be reached by it",
                );
            }
            _ => return bad("it must begin with https://"),
        }
        let origin = scheme.len() + "://".len() + authority.len();
        Ok(BaseUrl { text: format!("{scheme}://{authority}{path}"), origin, is_loopback })
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is behind the host: `/v3`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[self.origin..]
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// The address of a path below this one: `/activities`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// The address of a link in an answer, which begins at the host (`/v3/activities?cursor=...`) or is whole.
    ///
    /// # Errors
    /// It leads to another server, which must not get the token.
    pub fn link(&self, href: &str) -> Result<String> {
        let origin = &self.text[..self.origin];
        if href.starts_with('/') && !href.starts_with("//") {
            return Ok(format!("{origin}{href}"));
        }
        match href.strip_prefix(origin) {
            Some(path) if path.starts_with('/') => Ok(href.to_owned()),
            _ => Err(Error::could(format!("the service links to another server ({href:?}), which is not followed"))),
        }
    }

    /// A name for a file that belongs to this address and to no other.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut hash = crate::output::hash::Hash::default();
        hash.update(self.text.as_bytes());
        let digest = crate::output::body::hexadecimal(hash.end());
        let host = host(&self.text[self.text.find("://").map_or(0, |at| at + 3)..self.origin]);
        let host: String =
            host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).take(60).collect();
        format!("{host}-{}", &digest[..16])
    }
}

/// The host of `host:port` or `[::1]:port`.
fn host(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Names below `localhost` are left out: what they resolve to is up to the resolver.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let service = BaseUrl::parse("HTTPS://Api.cc.Email/v3/").unwrap();
        assert_eq!(service.as_str(), SERVICE);
        assert!(service.is_https() && !service.is_loopback());
        assert_eq!(service.join("/activities"), "https://api.cc.email/v3/activities");
        for local in ["http://127.0.0.1:8080/v3", "http://localhost/v3", "http://[::1]:9/v3", "http://127.9.9.9"] {
            assert!(BaseUrl::parse(local).unwrap().is_loopback(), "{local}");
        }
        for bad in [
            "",
            "api.cc.email",
            "http://api.cc.email/v3",
            "http://127.0.0.1.example.com/v3",
            "http://localhost.example.com",
            "http://127.0.0.1@example.com/v3",
            "ftp://127.0.0.1/",
            "https:///v3",
            "https://api.cc.email/v3?x=1",
            "https://api cc.email/v3",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn links_stay_on_the_server() {
        let service = BaseUrl::parse(SERVICE).unwrap();
        let next = "https://api.cc.email/v3/activities?cursor=x";
        assert_eq!(service.link("/v3/activities?cursor=x").unwrap(), next);
        assert_eq!(service.link(next).unwrap(), next);
        for bad in [
            "//example.com/v3",
            "https://example.com/v3",
            "https://api.cc.email.example.com/",
            "v3/x",
            "http://api.cc.email/v3",
        ] {
            assert!(service.link(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_address_has_a_file_of_its_own() {
        let name = |text: &str| BaseUrl::parse(text).unwrap().file_name();
        assert_eq!(name(SERVICE), name("https://API.cc.email/v3/"));
        assert!(name(SERVICE).starts_with("api.cc.email-"));
        assert_ne!(name("http://127.0.0.1:1/v3"), name("http://127.0.0.1:2/v3"));
        assert!(name("http://[::1]:1/v3").starts_with("--1-"));
    }
}
