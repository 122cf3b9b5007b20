//! Which delivery of this machine each activity belongs to, so that none takes the activity of another for its own. One file for each
//! service, in the user's state directory. Lines are only appended, under a lock.

use super::bodies::Body;
use super::journal::Event;
use super::{BaseUrl, Result};
use crate::model::error;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Seconds after a request within which its activity is made.
const LATEST: i64 = 3600;

/// An activity that may be the one of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The activity.
    pub activity_id: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
}

/// One line: what is new of a body.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    account: Option<String>,
    /// The directory.
    dir: String,
    /// The body in it.
    body: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum What {
    /// It goes out.
    Sending { contacts: u64, server_time: i64 },
    /// An activity is its own.
    Has { activity_id: String },
    /// It is not under way any more.
    Ended,
}

/// The claims of the bodies of one directory.
#[derive(Debug)]
pub struct Claims {
    file: File,
    name: String,
    account: Option<String>,
    dir: String,
}

impl Claims {
    /// Opens the file of a service in a state directory.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(state_dir: &Path, base: &BaseUrl, account: Option<&str>, bodies: &Path) -> Result<Claims> {
        let dir = state_dir.join("claims");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
            builder.mode(0o700);
            options.mode(0o600);
        }
        let path = dir.join(format!("{}.ndjson", base.file_name()));
        let name = path.display().to_string();
        let file = builder.create(&dir).and_then(|()| options.open(&path));
        let file = file.map_err(|error| error::Error::io("write", &name, error))?;
        let dir = fs::canonicalize(bodies).unwrap_or_else(|_| bodies.to_owned()).display().to_string();
        Ok(Claims { file, name, account: account.map(str::to_owned), dir })
    }

    fn line(&self, body: &Body, what: What) -> Line {
        let Claims { account, dir, .. } = self;
        Line { account: account.clone(), dir: dir.clone(), body: format!("{} {}", body.file, body.sha256), what }
    }

    /// Does something while no other process does.
    fn locked<T>(&mut self, act: impl FnOnce(&mut Claims) -> io::Result<T>) -> Result<T> {
        let locked = match self.file.lock() {
            // Where the file system has no locks, there is none.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            locked => locked,
        };
        let done = locked.and_then(|()| act(self));
        let _ = self.file.unlock();
        done.map_err(|error| error::Error::io("write", &self.name, error).into())
    }

    fn append(&mut self, body: &Body, what: What) -> io::Result<()> {
        let line = self.line(body, what);
        // A line that a crash cut off must not swallow this one.
        let mut json = b"\n".to_vec();
        json.extend(serde_json::to_vec(&line)?);
        json.push(b'\n');
        self.file.write_all(&json)?;
        self.file.sync_data()
    }

    /// Takes in an event of a body, before it is in the journal.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&mut self, body: &Body, event: &Event) -> Result<()> {
        let what = match event {
            Event::Sending { server_time } => What::Sending { contacts: body.contacts, server_time: *server_time },
            Event::Accepted { activity_id, .. } => What::Has { activity_id: activity_id.clone() },
            Event::TurnedAway { .. } | Event::Refused { .. } => What::Ended,
            // After `NotThere` the request may still arrive, and its activity is no other delivery's.
            _ => return Ok(()),
        };
        self.locked(|claims| claims.append(body, what))
    }

    /// Claims the one candidate that can be of this body alone. `None` if there is none, or more than one.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn claim(&mut self, body: &Body, candidates: &[Candidate]) -> Result<Option<String>> {
        self.locked(|claims| {
            let mut bytes = Vec::new();
            claims.file.seek(SeekFrom::Start(0))?;
            claims.file.read_to_end(&mut bytes)?;
            let chosen = choose(&bytes, &claims.line(body, What::Ended), body.contacts, candidates);
            if let Some(activity_id) = &chosen {
                claims.append(body, What::Has { activity_id: activity_id.clone() })?;
            }
            Ok(chosen)
        })
    }
}

/// The one candidate that no other body has, and that no other body under way can have started.
fn choose(lines: &[u8], own: &Line, contacts: u64, candidates: &[Candidate]) -> Option<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut under_way: HashMap<(String, String), Vec<(u64, i64)>> = HashMap::new();
    // A line that is cut off names nothing.
    for line in lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
        // An account that is not known can be this one.
        let is_own = line.dir == own.dir && line.body == own.body;
        if is_own || (line.account.is_some() && own.account.is_some() && line.account != own.account) {
            continue;
        }
        // A directory is sent in one order: none of its bodies is under way while it looks for another.
        let is_here = line.dir == own.dir;
        let requests = under_way.entry((line.dir, line.body)).or_default();
        match line.what {
            What::Sending { .. } if is_here => {}
            What::Sending { contacts, server_time } => requests.push((contacts, server_time)),
            What::Has { activity_id } => {
                // A body that was looked for has two such lines.
                if taken.insert(activity_id) {
                    requests.pop();
                }
            }
            What::Ended => {
                requests.pop();
            }
        }
    }
    let can_be_of_another = |candidate: &Candidate| {
        under_way.values().flatten().any(|(of, since)| {
            let after = candidate.created.saturating_sub(*since);
            *of == contacts && (-1..=LATEST).contains(&after)
        })
    };
    let mut free = candidates.iter().filter(|candidate| !taken.contains(&candidate.activity_id));
    match (free.next(), free.next()) {
        (Some(one), None) if !can_be_of_another(one) => Some(one.activity_id.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(of: &[(&str, i64)]) -> Vec<Candidate> {
        of.iter().map(|(id, created)| Candidate { activity_id: (*id).to_owned(), created: *created }).collect()
    }

    #[test]
    fn an_activity_has_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let base = BaseUrl::parse("http://127.0.0.1:1/v3").unwrap();
        let claims = |account: Option<&str>, of: &str| {
            Claims::open(&dir.path().join("state"), &base, account, &dir.path().join(of)).unwrap()
        };
        let body = Body::new("payload-00001.json", "ab", 3);
        let (mut one, mut two) = (claims(Some("a"), "one"), claims(Some("a"), "two"));
        let sending = Event::Sending { server_time: 100 };
        one.note(&body, &sending).unwrap();
        two.note(&body, &sending).unwrap();
        // The other request may have started it.
        assert_eq!(two.claim(&body, &candidates(&[("x", 101)])).unwrap(), None);
        one.note(&body, &Event::Accepted { activity_id: "x".into(), found: false }).unwrap();
        assert_eq!(two.claim(&body, &candidates(&[("x", 101)])).unwrap(), None);
        assert_eq!(two.claim(&body, &candidates(&[("x", 101), ("y", 101)])).unwrap().as_deref(), Some("y"));
        // Its own once more, after a crash before the journal has it; and two of which one is another program's.
        assert_eq!(two.claim(&body, &candidates(&[("y", 101)])).unwrap().as_deref(), Some("y"));
        assert_eq!(two.claim(&body, &candidates(&[("y", 101), ("z", 101)])).unwrap(), None);
        // Without the account, all of them count; another account has other activities.
        assert_eq!(claims(None, "three").claim(&body, &candidates(&[("y", 101)])).unwrap(), None);
        assert_eq!(claims(Some("b"), "four").claim(&body, &candidates(&[("y", 101)])).unwrap().as_deref(), Some("y"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(one.file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_line_that_is_cut_off_hides_no_other() {
        let line = |what: &str| format!("\n{{\"account\":null,\"dir\":\"d\",\"body\":\"b\",{what}}}\n");
        let own = Line { account: None, dir: "mine".into(), body: "b".into(), what: What::Ended };
        let has = line(r#""event":"has","activity_id":"x""#);
        let lines = format!("{{\"account\":null,\"dir{has}");
        assert_eq!(choose(lines.as_bytes(), &own, 3, &candidates(&[("x", 5)])), None);
        // A request of long ago is no reason to wait.
        let old = line(r#""event":"sending","contacts":3,"server_time":-9223372036854775808"#);
        assert_eq!(choose(old.as_bytes(), &own, 3, &candidates(&[("x", 5)])).as_deref(), Some("x"));
        let turned_away = line(r#""event":"sending","contacts":3,"server_time":5"#) + &line(r#""event":"ended""#);
        assert_eq!(choose(turned_away.as_bytes(), &own, 3, &candidates(&[("x", 5)])).as_deref(), Some("x"));
    }
}
