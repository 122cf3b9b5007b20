//! Requests, and what comes back. TLS is always verified, redirects are answers and are not followed, and everything has a time-out.

use super::{BaseUrl, Error, Result, Secret};
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Longest answer that is read, in bytes: a page of 500 activities with all their errors is far smaller.
const ANSWER_MAX: u64 = 64 << 20;
/// The time for a connection.
const CONNECT: Duration = Duration::from_secs(15);

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// `None` is GET.
    pub body: Option<Content<'r>>,
    /// The whole address.
    pub url: &'r str,
    /// The bearer token.
    pub token: Option<&'r Secret>,
}

/// What a POST carries.
#[derive(Debug, Clone, Copy)]
pub enum Content<'r> {
    /// JSON.
    Json(&'r [u8]),
    /// A form, already encoded.
    Form(&'r str),
}

/// An answer, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The server's clock, in seconds since 1970.
    pub date: Option<i64>,
    /// `Retry-After`, if it is a number of seconds.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// No answer: what was sent may have arrived, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer(pub String);

/// A client for one service.
pub struct Client {
    agent: ureq::Agent,
}

impl Client {
    /// A client for the server of `base`, which waits so long for each answer.
    ///
    /// # Errors
    /// `SSL_CERT_FILE` names a file that has no certificates.
    pub fn new(base: &BaseUrl, timeout: Duration) -> Result<Client> {
        let mut tls = TlsConfig::builder();
        if let Some(roots) = own_roots()? {
            tls = tls.root_certs(roots);
        }
        let mut config = ureq::Agent::config_builder()
            .user_agent(concat!("presort/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .http_status_as_error(false)
            .https_only(base.is_https())
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT.min(timeout)))
            .timeout_global(Some(timeout))
            .tls_config(tls.build());
        if base.is_loopback() {
            // What is for this machine does not go through a proxy, which would read the token.
            config = config.proxy(None);
        }
        Ok(Client { agent: config.build().into() })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// There was none, or not all of it.
    pub fn call(&self, request: Request<'_>) -> std::result::Result<Answer, NoAnswer> {
        let bearer = request.token.map(|token| format!("Bearer {}", token.reveal()));
        let sent = match request.body {
            None => {
                let mut call = self.agent.get(request.url);
                if let Some(bearer) = &bearer {
                    call = call.header("Authorization", bearer);
                }
                call.call()
            }
            Some(content) => {
                let mut call = self.agent.post(request.url);
                if let Some(bearer) = &bearer {
                    call = call.header("Authorization", bearer);
                }
                match content {
                    Content::Json(bytes) => call.header("Content-Type", "application/json").send(bytes),
                    Content::Form(form) => call.header("Content-Type", "application/x-www-form-urlencoded").send(form),
                }
            }
        };
        let mut response = sent.map_err(|error| NoAnswer(self.why(&error)))?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let mut answer = Answer {
            status: response.status().as_u16(),
            date: header("date").and_then(http_date),
            retry_after: header("retry-after").and_then(|text| text.trim().parse().ok()),
            body: Vec::new(),
        };
        answer.body =
            response.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().map_err(|error| NoAnswer(why(&error)))?;
        Ok(answer)
    }

    /// Why there was no answer, with what may stand in the way.
    fn why(&self, error: &ureq::Error) -> String {
        let why = why(error);
        if why.contains("invalid peer certificate") {
            return format!("{why}; if the network has certificates of its own, SSL_CERT_FILE names a file with them");
        }
        match self.agent.config().proxy() {
            Some(proxy) => format!("{why}, through the proxy {}:{} of the environment", proxy.host(), proxy.port()),
            None => why,
        }
    }
}

/// Certificates of `SSL_CERT_FILE`, for a proxy that looks into connections.
fn own_roots() -> Result<Option<RootCerts>> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else { return Ok(None) };
    let name = std::path::Path::new(&path).display().to_string();
    let pem =
        std::fs::read(&path).map_err(|error| Error::could(format!("cannot read SSL_CERT_FILE, {name}: {error}")))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(Error::could(format!("SSL_CERT_FILE, {name}, has no certificate in PEM form")));
    }
    Ok(Some(RootCerts::new_with_certs(&certificates)))
}

/// An error in words without the address, whose query can hold a code.
fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer within the time-out".to_owned(),
        ureq::Error::HostNotFound => "the host is not known".to_owned(),
        ureq::Error::ConnectionFailed => "the connection failed".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::BodyExceedsLimit(limit) => format!("the answer is longer than {limit} bytes"),
        ureq::Error::BadUri(_) => "the address cannot be used".to_owned(),
        error => error.to_string(),
    }
}

/// The seconds since 1970 of a `Date` header.
fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_headers() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("yesterday"), None);
    }
}
