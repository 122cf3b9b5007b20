//! The pages that ask a user. They load nothing and work without scripts; everything from a request is escaped.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A text for HTML, in an element or an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// A page. Its forms may go to this server, and from there to `target`.
fn page(status: StatusCode, title: &str, body: &str, target: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{0} - presort</title>\n</head>\n<body>\n<main>\n\
         <h1>{0}</h1>\n{body}</main>\n</body>\n</html>\n",
        escaped(title)
    );
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'self'{}{target}; frame-ancestors 'none'",
        if target.is_empty() { "" } else { " " }
    );
    // The target is an origin in printable ASCII.
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // Without a referrer, browsers would send the form from the origin null.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    (status, headers, html).into_response()
}

/// A page that only tells something.
pub fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, title, &format!("<p>{}</p>\n", escaped(text)), "")
}

/// Asks whether a client may have these scopes.
pub fn question(client: &str, scopes: &[String], request: &str, target: &str) -> Response {
    let scopes: String = scopes.iter().map(|scope| format!("<li><code>{}</code></li>\n", escaped(scope))).collect();
    let body = format!(
        "<p>The client <strong>{}</strong> asks for access to this test account:</p>\n<ul>\n{scopes}</ul>\n\
         <form method=\"post\" action=\"/oauth2/default/v1/authorize\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{}\">\n\
         <button name=\"decision\" value=\"approve\">Allow</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>\n",
        escaped(client),
        escaped(request)
    );
    page(StatusCode::OK, "Allow access?", &body, target)
}

/// Asks for the code that a device shows.
pub fn code(status: StatusCode, wrong: Option<&str>) -> Response {
    let wrong = wrong.map_or(String::new(), |what| format!("<p role=\"alert\">{}</p>\n", escaped(what)));
    let body = format!(
        "{wrong}<form method=\"get\" action=\"/activate\">\n\
         <label for=\"user_code\">The code that your device shows</label>\n\
         <input id=\"user_code\" name=\"user_code\" required autocomplete=\"off\" maxlength=\"20\">\n\
         <button>Continue</button>\n</form>\n"
    );
    page(status, "Connect a device", &body, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped(r#"<a href="x">'&"#), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    }
}
