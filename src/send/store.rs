//! Tokens on the disk: one file for each service, for its user alone, written whole.

use super::{BaseUrl, Error, Result, Secret};
use crate::model::error;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a login gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Where tokens come from.
    pub auth_url: String,
    /// The program, as it is registered.
    pub client_id: String,
    /// For requests.
    pub access: Secret,
    /// For another access token.
    pub refresh: Option<Secret>,
    /// When the access token ends, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// What the token allows.
    pub scope: Option<String>,
}

/// The same in the file.
#[derive(Serialize, Deserialize)]
struct Saved {
    base_url: String,
    auth_url: String,
    client_id: String,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// The place of one service's tokens.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    name: String,
    base_url: String,
}

impl Store {
    /// The place in a state directory for this service.
    #[must_use]
    pub fn new(state_dir: &Path, base: &BaseUrl) -> Store {
        Store { dir: state_dir.join("tokens"), name: base.file_name(), base_url: base.as_str().to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(format!("{}.json", self.name))
    }

    /// What is stored, if anything is.
    ///
    /// # Errors
    /// The file cannot be read, or is not one of this service.
    pub fn load(&self) -> Result<Option<Login>> {
        let path = self.path();
        let name = path.display().to_string();
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error::Error::io("read", name, error).into()),
        };
        // An error of serde_json can quote what it read.
        let saved: Saved = serde_json::from_slice(&json)
            .map_err(|_| Error::Login(format!("{name} has no tokens of presort; log in again: presort login")))?;
        if saved.base_url != self.base_url {
            return Err(Error::Login(format!("{name} has the tokens of another service; log in again: presort login")));
        }
        Ok(Some(Login {
            auth_url: saved.auth_url,
            client_id: saved.client_id,
            access: Secret::new(&saved.access_token),
            refresh: saved.refresh_token.as_deref().map(Secret::new),
            expires_at: saved.expires_at,
            scope: saved.scope,
        }))
    }

    /// Stores a login. When this returns, it is on the disk.
    ///
    /// # Errors
    /// It is not.
    pub fn save(&self, login: &Login) -> Result<()> {
        let saved = Saved {
            base_url: self.base_url.clone(),
            auth_url: login.auth_url.clone(),
            client_id: login.client_id.clone(),
            access_token: login.access.reveal().to_owned(),
            refresh_token: login.refresh.as_ref().map(|token| token.reveal().to_owned()),
            expires_at: login.expires_at,
            scope: login.scope.clone(),
        };
        let json =
            serde_json::to_vec_pretty(&saved).map_err(|_| Error::could("the tokens cannot be written as JSON"))?;
        self.make_dir()?;
        let path = self.path();
        let fail = |error| Error::from(error::Error::io("write", path.display().to_string(), error));
        // tempfile makes files that only their user can read.
        let mut file = tempfile::NamedTempFile::new_in(&self.dir).map_err(fail)?;
        file.write_all(&json).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
        file.persist(&path).map_err(|error| fail(error.error))?;
        // Some systems cannot open directories.
        if let Ok(dir) = File::open(&self.dir) {
            dir.sync_all().map_err(fail)?;
        }
        Ok(())
    }

    /// Forgets the tokens. False if there were none.
    ///
    /// # Errors
    /// They cannot be removed.
    pub fn remove(&self) -> Result<bool> {
        let path = self.path();
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error::Error::io("remove", path.display().to_string(), error).into()),
        }
    }

    /// Waits until no other process replaces these tokens. None does while the file is open.
    ///
    /// # Errors
    /// The lock's file cannot be made.
    pub fn lock(&self) -> Result<File> {
        self.make_dir()?;
        let path = self.dir.join(format!("{}.lock", self.name));
        let fail = |error| Error::from(error::Error::io("lock", path.display().to_string(), error));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        match file.lock() {
            // Where the file system has no locks, there is none.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            locked => locked.map_err(fail)?,
        }
        Ok(file)
    }

    fn make_dir(&self) -> Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        let fail = |error| error::Error::io("create", self.dir.display().to_string(), error).into();
        builder.create(&self.dir).map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn login(access: &str) -> Login {
        Login {
            auth_url: "https://a.example/v1".into(),
            client_id: "client".into(),
            access: Secret::new(access),
            refresh: Some(Secret::new("refresh-1")),
            expires_at: Some(5),
            scope: None,
        }
    }

    #[test]
    fn tokens_belong_to_one_service_and_one_user() {
        let dir = tempfile::tempdir().unwrap();
        let store = |url: &str| Store::new(dir.path(), &BaseUrl::parse(url).unwrap());
        let (one, other) = (store("https://one.example/v3"), store("https://other.example/v3"));
        assert!(one.load().unwrap().is_none() && !one.remove().unwrap());
        one.save(&login("access-1")).unwrap();
        one.save(&login("access-2")).unwrap();
        assert_eq!(one.load().unwrap().unwrap(), login("access-2"));
        assert!(other.load().unwrap().is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&one.path()), mode(&one.dir)), (0o600, 0o700));
        }
        // A file that was copied to another service's name is not used.
        fs::copy(one.path(), other.path()).unwrap();
        let error = other.load().unwrap_err().to_string();
        assert!(error.contains("another service") && !error.contains("access"), "{error}");
        fs::write(one.path(), r#"{"access_token":"access-3"}"#).unwrap();
        let error = one.load().unwrap_err().to_string();
        assert!(!error.contains("access-3"), "{error}");
        assert!(one.remove().unwrap());
    }
}
