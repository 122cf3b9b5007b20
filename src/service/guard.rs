//! Admits only requests that are addressed to this server and do not come from a foreign web page.
//!
//! Any web page can make a browser send requests to 127.0.0.1. With DNS rebinding it can even read the answers: its own name
//! resolves to 127.0.0.1 for a while, so the browser takes page and server for one site. The name is still in the `Host`
//! header, which a page cannot set. A request that changes something does harm even if the page cannot read the answer;
//! browsers send the origin of the page in `Origin` and `Sec-Fetch-Site`. Other programs send neither.

use super::{Config, Service, answer, body};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The local address of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Local(pub SocketAddr);

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A host, by name or address.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Name(String),
    Address(IpAddr),
}

/// Parses `HOST`, `HOST:PORT` or `[ADDRESS]:PORT` into host and port; `None` for anything else.
fn parse(text: &str) -> Option<(Host, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (Host::Address(IpAddr::from(address.parse::<Ipv6Addr>().ok()?).to_canonical()), port)
        }
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let name = name.strip_suffix('.').unwrap_or(name);
            let is_good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
            if name.is_empty() || !name.bytes().all(is_good) {
                return None;
            }
            let host = name.parse().map_or_else(|_| Host::Name(name.to_ascii_lowercase()), Host::Address);
            (host, port)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
        _ => return None,
    };
    Some((host, port))
}

/// True for a host, with or without a port.
pub(super) fn is_host(text: &str) -> bool {
    parse(text).is_some()
}

/// True for a host that is this machine.
pub(super) fn is_loopback(text: &str) -> bool {
    match parse(text) {
        Some((Host::Name(name), _)) => name == "localhost",
        Some((Host::Address(address), _)) => address.is_loopback(),
        None => false,
    }
}

/// A name for `--host`: without a port, in lower case.
pub fn host_name(text: &str) -> Option<String> {
    // An IPv6 address may come without its brackets.
    let bare = text.parse::<Ipv6Addr>().map(|address| format!("[{address}]"));
    let text = bare.as_deref().unwrap_or(text);
    matches!(parse(text), Some((_, None)) if !text.ends_with(':')).then(|| text.to_ascii_lowercase())
}

/// An origin for `--cors`, as browsers write it.
pub fn origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    (is_scheme && parse(rest).is_some()).then_some(text)
}

/// True when this host is this server.
fn is_ours(host: &Host, config: &Config, local: Option<Local>) -> bool {
    let named = || config.hosts.iter().filter_map(|name| parse(name)).any(|(name, _)| name == *host);
    match host {
        Host::Name(name) => name == "localhost" || named(),
        Host::Address(address) => {
            let address = address.to_canonical();
            let at = |own: IpAddr| own.to_canonical() == address;
            address.is_loopback() || at(config.listen.ip()) || local.is_some_and(|local| at(local.0.ip())) || named()
        }
    }
}

/// The only value of a header; `None` if it is missing or repeated.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}

/// The host and port that a request is addressed to.
fn addressed(request: &Request, config: &Config) -> Result<(Host, Option<u16>), (StatusCode, &'static str)> {
    let bad = |what| (StatusCode::BAD_REQUEST, what);
    let text = match request.headers().get_all(header::HOST).iter().count() {
        0 => return Err(bad("the request has no Host header")),
        1 => only(request.headers(), &header::HOST).filter(|text| !text.is_empty()),
        _ => return Err(bad("the request has more than one Host header")),
    };
    let host = text.and_then(parse).ok_or(bad("the Host header is not a host"))?;
    // The host of an absolute target must be this server, too.
    let target = match request.uri().authority() {
        Some(target) => Some(parse(target.as_str()).ok_or(bad("the request's target has no valid host"))?),
        None => None,
    };
    let local = request.extensions().get::<Local>().copied();
    if [Some(&host), target.as_ref()].into_iter().flatten().any(|(host, _)| !is_ours(host, config, local)) {
        let what = "this server does not serve that host: presort serve --host NAME allows it";
        return Err((StatusCode::MISDIRECTED_REQUEST, what));
    }
    Ok(host)
}

/// True when an origin is the server itself, as addressed by the request.
fn is_same(origin: &str, host: &(Host, Option<u16>)) -> bool {
    let (default, rest) = match origin.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (80, rest),
        // A proxy in front of the server may terminate TLS.
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (443, rest),
        _ => return false,
    };
    let with_port = |(host, port): &(Host, Option<u16>)| (host.clone(), port.unwrap_or(default));
    parse(rest).is_some_and(|origin| with_port(&origin) == with_port(host))
}

/// The origin of a request, if it is allowed.
fn allowed<'h>(headers: &'h HeaderMap, config: &Config) -> Option<&'h str> {
    let origin = only(headers, &header::ORIGIN)?;
    config.origins.iter().any(|allowed| origin.eq_ignore_ascii_case(allowed)).then_some(origin)
}

/// Checks whether to admit a request; the error is the answer.
fn check(request: &Request, config: &Config) -> Result<(), (StatusCode, &'static str)> {
    let host = addressed(request, config)?;
    let headers = request.headers();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    if changes && allowed(headers, config).is_none() {
        let is_foreign = headers.contains_key(header::ORIGIN)
            && !only(headers, &header::ORIGIN).is_some_and(|origin| is_same(origin, &host));
        let is_cross_site = headers
            .get_all(SEC_FETCH_SITE)
            .iter()
            .any(|site| site.as_bytes().trim_ascii().eq_ignore_ascii_case(b"cross-site"));
        if is_foreign || is_cross_site {
            let what =
                "a web page of another origin may not change anything here: presort serve --cors ORIGIN allows it";
            return Err((StatusCode::FORBIDDEN, what));
        }
    }
    Ok(())
}

/// The answer to a preflight request of a browser.
fn preflight(request: &Request) -> Option<Response> {
    let asks =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    asks.then(|| (StatusCode::NO_CONTENT, headers).into_response())
}

/// Admits a request, or refuses it.
pub async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let config = &service.config;
    if let Err((status, what)) = check(&request, config) {
        let (head, body) = request.into_parts();
        return body::refuse(&service, &head.headers, body, answer::error(status, what)).await;
    }
    if config.origins.is_empty() {
        return next.run(request).await;
    }
    let origin = allowed(request.headers(), config).and_then(|origin| HeaderValue::from_str(origin).ok());
    let mut response = match origin.as_ref().and_then(|_| preflight(&request)) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
        let mut builder = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Body::empty()).unwrap()
    }

    fn status(config: &Config, method: &str, headers: &[(&str, &str)]) -> u16 {
        check(&request(method, "/", headers), config).map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn only_hosts_of_this_server_are_served() {
        let config = Config { hosts: vec!["crm.example".into(), "[2001:db8::1]".into()], ..Config::default() };
        for good in [
            "localhost",
            "LocalHost:8080",
            "localhost.",
            "127.0.0.1",
            "127.0.0.1:1",
            "127.8.9.1:80",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
            "crm.example",
            "CRM.example:443",
            "crm.example.:443",
            "[2001:db8::1]:9",
            "localhost:",
        ] {
            assert_eq!(status(&config, "GET", &[("host", good)]), 200, "{good}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io:8080",
            "192.168.1.7",
            "0.0.0.0",
            "[::2]",
            "x.crm.example",
            "crm.exampl",
        ] {
            assert_eq!(status(&config, "GET", &[("host", foreign)]), 421, "{foreign}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "localhost:x",
            "localhost:99999",
            "[::1",
            "::1",
            "user@localhost",
            "localhost/",
            "a,b",
            ":80",
        ] {
            assert_eq!(status(&config, "GET", &[("host", bad)]), 400, "{bad:?}");
        }
        assert_eq!(status(&config, "GET", &[]), 400);
        assert_eq!(status(&config, "GET", &[("host", "localhost"), ("host", "localhost")]), 400);
        let target = |target: &str| {
            let request = request("GET", target, &[("host", "localhost")]);
            check(&request, &config).map_or_else(|(status, _)| status.as_u16(), |()| 200)
        };
        assert_eq!((target("http://127.0.0.1:8080/v3"), target("http://evil.example/v3")), (200, 421));
        let open = Config { listen: ([0, 0, 0, 0], 8080).into(), ..Config::default() };
        let mut request = request("GET", "/", &[("host", "192.168.1.7:8080")]);
        assert!(check(&request, &open).is_err());
        request.extensions_mut().insert(Local(([192, 168, 1, 7], 8080).into()));
        assert!(check(&request, &open).is_ok());
    }

    #[test]
    fn foreign_pages_change_nothing() {
        let config = Config { origins: vec!["https://app.example".into()], ..Config::default() };
        type Headers<'h> = &'h [(&'h str, &'h str)];
        let cases: &[(u16, &str, Headers<'_>)] = &[
            (200, "POST", &[]),
            (200, "POST", &[("origin", "http://localhost:8080")]),
            (200, "POST", &[("origin", "HTTP://LOCALHOST:8080"), ("sec-fetch-site", "same-origin")]),
            (200, "POST", &[("sec-fetch-site", "none")]),
            (200, "POST", &[("origin", "https://app.example"), ("sec-fetch-site", "cross-site")]),
            (200, "GET", &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]),
            (403, "POST", &[("origin", "https://evil.example")]),
            (403, "POST", &[("origin", "null")]),
            (403, "POST", &[("origin", "")]),
            (403, "POST", &[("origin", "http://localhost")]),
            (403, "POST", &[("origin", "http://localhost:3000")]),
            (403, "POST", &[("origin", "http://127.0.0.1:8080")]),
            (403, "POST", &[("origin", "http://localhost:8080"), ("origin", "http://localhost:8080")]),
            (403, "POST", &[("origin", "https://app.example.evil.example")]),
            (403, "POST", &[("origin", "http://app.example")]),
            (403, "POST", &[("sec-fetch-site", "cross-site")]),
            (403, "POST", &[("sec-fetch-site", "Cross-Site")]),
            (403, "POST", &[("origin", "http://localhost:8080"), ("sec-fetch-site", "cross-site")]),
            (403, "PUT", &[("origin", "https://evil.example")]),
            (403, "DELETE", &[("origin", "https://evil.example")]),
        ];
        for (expected, method, headers) in cases {
            let headers = [&[("host", "localhost:8080")], *headers].concat();
            assert_eq!(status(&config, method, &headers), *expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn names_and_origins_of_options() {
        assert_eq!(host_name("CRM.example").as_deref(), Some("crm.example"));
        assert_eq!(host_name("2001:db8::1").as_deref(), Some("[2001:db8::1]"));
        for bad in ["", "*", "a:80", "http://a", "a/b", "a b", "a:"] {
            assert_eq!(host_name(bad), None, "{bad}");
        }
        assert_eq!(origin("https://App.example:8443").as_deref(), Some("https://app.example:8443"));
        for bad in ["", "*", "null", "app.example", "https://", "https://app.example/", "https://a b"] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
