//! Addresses that a browser is sent back to.

use crate::service::guard;

/// Longest redirect URI.
const LENGTH_MAX: usize = 2000;
/// Schemes that a browser would run or open, rather than send the user back.
const REFUSED: [&str; 7] = ["javascript", "data", "vbscript", "file", "blob", "about", "view-source"];

/// The scheme of an absolute address, and what is behind its colon.
fn scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    is_scheme.then_some((scheme, rest))
}

/// True for an address that a client can register.
pub fn is_redirect(uri: &str) -> bool {
    // None of these is in an address, and each would end a header's value or an attribute.
    let is_good =
        |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b';' | b',' | b'\\' | b'#' | b'`');
    if uri.len() > LENGTH_MAX || !uri.bytes().all(is_good) {
        return false;
    }
    match scheme(uri) {
        Some(("http" | "https", rest)) => rest.strip_prefix("//").is_some_and(|rest| guard::is_host(authority(rest))),
        Some((scheme, rest)) => !rest.is_empty() && !REFUSED.iter().any(|bad| scheme.eq_ignore_ascii_case(bad)),
        None => false,
    }
}

fn authority(rest: &str) -> &str {
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

/// True for an address that any client may use: HTTPS, or this machine.
pub fn is_safe(uri: &str) -> bool {
    is_redirect(uri)
        && match scheme(uri) {
            Some(("https", _)) => true,
            Some(("http", rest)) => guard::is_loopback(authority(&rest[2..])),
            _ => false,
        }
}

/// The origin of an address, as a Content-Security-Policy names it.
pub fn origin(uri: &str) -> String {
    match scheme(uri) {
        Some((scheme @ ("http" | "https"), rest)) => format!("{scheme}://{}", authority(rest.trim_start_matches('/'))),
        Some((scheme, _)) => format!("{scheme}:"),
        None => String::new(),
    }
}

/// The address with these parameters.
pub fn with(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let mark = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{mark}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["https://app.example/cb", "http://localhost:3000/cb?x=1", "http://127.0.0.1/", "http://[::1]:8/cb"]
        {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "http://app.example/cb",
            "https://",
            "https://a b/",
            "https://a/#x",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "https://a.example@evil.example/",
            "https:/a",
            "com.example:/cb",
            "https://a/\"x",
            "https://a/\r\nx",
            "http://localhost.evil.example/",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
        assert!(
            is_redirect("com.example.app:/cb")
                && !is_redirect("javascript:alert(1)")
                && is_redirect("http://app.example/")
        );
        assert_eq!(origin("http://localhost:3000/cb?x=1"), "http://localhost:3000");
        assert_eq!(with("https://a/cb?x=1", &[("state", "a&b")]), "https://a/cb?x=1&state=a%26b");
    }
}
