//! The clients that may ask for tokens.

use super::redirect::{is_redirect, is_safe};
use super::secret::{Hash, hash, is_same};
use serde::Deserialize;

/// A client, as in the file of `--oauth-clients`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its identifier.
    pub client_id: String,
    /// Its secret; a public client has none, and needs PKCE.
    client_secret: Option<String>,
    /// Where its users may be sent back to.
    redirect_uris: Vec<String>,
}

/// Reads the file of `--oauth-clients`.
///
/// # Errors
/// The text says what is wrong with it.
pub fn parse_clients(json: &str) -> Result<Vec<Client>, String> {
    let clients: Vec<Client> =
        serde_json::from_str(json).map_err(|error| format!("it is no array of clients: {error}"))?;
    if clients.is_empty() {
        return Err("it has no client: leave the option out to let every client in".to_owned());
    }
    for client in &clients {
        let id = &client.client_id;
        if !is_client_id(id) {
            return Err(format!(
                "{id:?} is no client_id: write 1 to 128 letters, digits, dots, dashes and underscores"
            ));
        }
        if let Some(uri) = client.redirect_uris.iter().find(|uri| !is_redirect(uri)) {
            return Err(format!("{uri:?} is no redirect URI of {id}: write an absolute one, without a fragment"));
        }
    }
    Ok(clients)
}

fn is_client_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// A client that is known.
struct Known {
    id: String,
    secret: Option<Hash>,
    redirects: Vec<String>,
}

/// All clients; none of them known means that any may come, without a secret.
pub struct Clients(Vec<Known>);

impl Clients {
    pub fn new(clients: Vec<Client>) -> Self {
        let known = |client: Client| Known {
            id: client.client_id,
            secret: client.client_secret.map(|secret| hash(secret.as_bytes())),
            redirects: client.redirect_uris,
        };
        Clients(clients.into_iter().map(known).collect())
    }

    fn find(&self, id: &str) -> Option<&Known> {
        self.0.iter().find(|client| client.id == id)
    }

    /// True if the client may ask at all.
    pub fn has(&self, id: &str) -> bool {
        if self.0.is_empty() { is_client_id(id) } else { self.find(id).is_some() }
    }

    /// True if the client has no secret, so that it needs PKCE.
    pub fn is_public(&self, id: &str) -> bool {
        self.find(id).is_none_or(|client| client.secret.is_none())
    }

    /// True if the client may be sent back to this address.
    pub fn may_redirect(&self, id: &str, uri: &str) -> bool {
        match self.find(id) {
            Some(client) => client.redirects.iter().any(|known| known == uri),
            None => self.0.is_empty() && is_safe(uri),
        }
    }

    /// True if the client is who it says. A public client must not send a secret: nothing could check it.
    pub fn is_authentic(&self, id: &str, secret: Option<&str>) -> bool {
        if !self.has(id) {
            return false;
        }
        match (self.find(id).and_then(|client| client.secret.as_ref()), secret) {
            (None, None) => true,
            (Some(known), Some(given)) => is_same(known, &hash(given.as_bytes())),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_clients() {
        let file = r#"[{"client_id":"web","client_secret":"s3cret","redirect_uris":["https://app.example/cb"]},
            {"client_id":"app","redirect_uris":["com.example.app:/cb"]}]"#;
        let clients = Clients::new(parse_clients(file).unwrap());
        assert!(clients.has("web") && clients.has("app") && !clients.has("other"));
        assert!(clients.is_public("app") && !clients.is_public("web"));
        assert!(
            clients.may_redirect("app", "com.example.app:/cb")
                && !clients.may_redirect("app", "https://app.example/cb")
        );
        assert!(clients.is_authentic("web", Some("s3cret")) && clients.is_authentic("app", None));
        for (id, secret) in
            [("web", None), ("web", Some("s3cres")), ("web", Some("")), ("app", Some("x")), ("other", None)]
        {
            assert!(!clients.is_authentic(id, secret), "{id} {secret:?}");
        }
        for bad in [
            "",
            "{}",
            "[]",
            r#"[{"client_id":"","redirect_uris":[]}]"#,
            r#"[{"client_id":"a"}]"#,
            r#"[{"client_id":"a","redirect_uris":["/cb"]}]"#,
            r#"[{"client_id":"a","redirect_uris":["https://a/#b"]}]"#,
            r#"[{"client_id":"a","redirect_uris":["javascript:alert(1)"]}]"#,
            r#"[{"client_id":"a","secret":"x","redirect_uris":[]}]"#,
        ] {
            assert!(parse_clients(bad).is_err(), "{bad}");
        }
    }
}
