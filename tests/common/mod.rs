//! What the tests of the program from outside share.

#![allow(dead_code)]

pub mod zip;

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A list that contacts can be imported into.
pub const LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

/// How long a run may take before it counts as one that hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The program, with nothing in its environment that changes what it does.
pub fn presort() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_presort"));
    let names = ["REDACT_KEY", "CONFIG", "LIST_ID", "THREADS", "BASE_URL", "CLIENT_ID", "ACCESS_TOKEN"];
    for name in names {
        command.env_remove(format!("PRESORT_{name}"));
    }
    command.env_remove("NO_COLOR");
    // The user may have a configuration.
    command.env("XDG_CONFIG_HOME", "/nowhere");
    command
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ran {
    /// The exit status; a run that a signal ended has none, and fails the test.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {:?}\n{}", self.status, self.err))
    }

    /// Makes sure of the exit status.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "stderr: {}", self.err);
        self
    }

    /// Makes sure that standard error has all of these in it.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in stderr: {}", self.err);
        }
        self
    }

    /// Standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("output is UTF-8")
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.out)))
    }
}

/// Waits for a child, which is killed and fails the test when it takes too long.
#[track_caller]
pub fn wait(child: Child) -> Ran {
    let pid = child.id();
    let (send, receive) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let _ = send.send(child.wait_with_output());
    });
    let done = match receive.recv_timeout(PATIENCE) {
        Ok(done) => done.expect("its output can be read"),
        Err(_) => {
            kill(pid, libc::SIGKILL);
            let _ = waiting.join();
            panic!("the run did not end within {PATIENCE:?}");
        }
    };
    ran(done)
}

fn ran(output: Output) -> Ran {
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!err.contains("panicked"), "a panic: {err}");
    Ran { status: output.status, out: output.stdout, err }
}

/// Sends a signal to a child of the test.
pub fn kill(pid: u32, signal: i32) {
    let pid = i32::try_from(pid).expect("a process id");
    // SAFETY: kill takes no pointers; the process is a child that was not waited for.
    unsafe { libc::kill(pid, signal) };
}

/// A directory of its own for each test.
pub struct Dir(tempfile::TempDir);

impl Dir {
    pub fn new() -> Dir {
        Dir(tempfile::tempdir().expect("a temporary directory"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file of the test can be written");
        path
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))).expect("UTF-8")
    }

    #[track_caller]
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|e| panic!("{name}: {e}: {}", self.read(name)))
    }

    /// The JSON objects of a file, one a line.
    #[track_caller]
    pub fn lines(&self, name: &str) -> Vec<Value> {
        let text = self.read(name);
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// The codes in a report, in order.
    #[track_caller]
    pub fn codes(&self, name: &str) -> Vec<String> {
        self.lines(name).iter().map(|line| line["code"].as_str().expect("a code").to_owned()).collect()
    }

    /// Everything in the directory, hidden or not.
    pub fn names(&self) -> Vec<String> {
        names(self.root())
    }

    /// Runs the program here, with these arguments and nothing on standard input.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Ran {
        self.feed(args, b"")
    }

    /// Runs it with a pipe as standard input.
    #[track_caller]
    pub fn feed<A: AsRef<OsStr>>(&self, args: &[A], stdin: &[u8]) -> Ran {
        self.feed_with(presort().args(args), stdin)
    }

    /// Runs a command that was made by [`presort`].
    #[track_caller]
    pub fn feed_with(&self, command: &mut Command, stdin: &[u8]) -> Ran {
        let mut child = self.spawn(command);
        let mut pipe = child.stdin.take().expect("a pipe");
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // The program may have had enough.
                let _ = pipe.write_all(stdin);
            });
            wait(child)
        })
    }

    /// Starts a command with pipes all round.
    pub fn spawn(&self, command: &mut Command) -> Child {
        command.current_dir(self.root()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }
}

/// The names in a directory, sorted.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A body of these contacts with an envelope before them.
pub fn body(contacts: &str) -> String {
    format!(r#"{{"list_ids":["{LIST}"],"sms_permission_to_send":"not_set","import_data":[{contacts}]}}"#)
}

/// `count` contacts, one a line, with a line break behind each.
pub fn many(count: usize) -> String {
    let mut text = String::new();
    for i in 0..count {
        text.push_str(&format!(
            "{{\"email\":\"person{i:07}@example.com\",\"first_name\":\"Alexandra\",\"last_name\":\"Nightingale\",\
             \"street\":\"{i} Long Street Name Avenue\",\"city\":\"Springfield\",\"job_title\":\"Keeper of the lights\"}}\n"
        ));
    }
    text
}

/// The emails of cleaned contacts, in order.
pub fn emails(contacts: &[Value]) -> Vec<&str> {
    contacts.iter().map(|contact| contact["email"].as_str().unwrap_or("-")).collect()
}

/// The contacts of a body.
#[track_caller]
pub fn contacts(body: &Value) -> &[Value] {
    body["import_data"].as_array().expect("a body has contacts")
}
