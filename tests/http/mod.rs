//! A server for a test, and as much of HTTP/1.1 as is needed to talk to it.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What takes longer than this hangs.
pub const HANG: Duration = Duration::from_secs(60);

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.text()))
    }

    /// The JSON of an answer that must have this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }
}

/// One connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(HANG))?;
        stream.set_write_timeout(Some(HANG))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(stream) })
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// No more will be sent.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        line.ends_with('\n').then(|| line.trim_end().to_owned()).ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    /// Reads an answer; one that is cut off is an error.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            answer.headers.push((name.to_owned(), value.trim().to_owned()));
        }
        if let Some(length) = answer.header("content-length") {
            answer.body.resize(length.parse().map_err(|_| io::ErrorKind::InvalidData)?, 0);
            self.stream.read_exact(&mut answer.body)?;
        } else {
            assert_eq!(answer.header("transfer-encoding"), None, "the server knows how long its answers are");
        }
        Ok(answer)
    }

    pub fn request(&mut self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> io::Result<Answer> {
        self.send(head(method, path, headers, body.len()).as_bytes())?;
        self.send(body)?;
        self.answer()
    }

    /// True when the server closed the connection and sent nothing more.
    pub fn is_closed(&mut self) -> bool {
        // What the server did not read makes it a reset.
        match self.stream.fill_buf() {
            Ok(rest) => rest.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// The head of a request.
pub fn head(method: &str, path: &str, headers: &[&str], length: usize) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    if method != "GET" {
        head += &format!("Content-Length: {length}\r\n");
    }
    headers.iter().for_each(|header| head += &format!("{header}\r\n"));
    head + "\r\n"
}

pub const JSON: &str = "Content-Type: application/json";
pub const IMPORT: &str = "/v3/activities/contacts_json_import";

/// A request on a connection of its own.
pub fn request(address: SocketAddr, method: &str, path: &str, headers: &[&str], body: &[u8]) -> io::Result<Answer> {
    Connection::open(address)?.request(method, path, headers, body)
}

/// `presort serve`; dropped, it is killed.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(account: &Path, args: &[&str]) -> Server {
        let mut child = Server::spawn(account, args);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (tell, told) = mpsc::channel();
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    if let Some(rest) = line.strip_prefix("presort: listening on http://") {
                        let _ = tell.send(rest.split('/').next().unwrap().parse::<SocketAddr>().unwrap());
                    }
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        let address = told.recv_timeout(HANG).unwrap_or_else(|_| panic!("no server: {}", log.lock().unwrap()));
        Server { child, address, log, reader: Some(reader) }
    }

    /// Starts one, and does not wait until it listens.
    pub fn spawn(account: &Path, args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_presort"))
            .args(["serve", "--listen", "127.0.0.1:0", "--account"])
            .arg(account)
            .args(args)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn get(&self, path: &str) -> Answer {
        request(self.address, "GET", path, &[], b"").unwrap()
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        request(self.address, "POST", path, &[JSON], body.as_bytes()).unwrap()
    }

    /// Asks for an activity until it is over.
    pub fn finished(&self, activity_id: &str) -> Value {
        let began = Instant::now();
        loop {
            let activity = self.get(&format!("/v3/activities/{activity_id}")).expect(200);
            if activity["completed_at"].is_string() {
                return activity;
            }
            assert!(began.elapsed() < HANG, "{activity}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until no activity waits.
    pub fn drained(&self) {
        let began = Instant::now();
        let waits = |state: &str| {
            let page = self.get(&format!("/v3/activities?limit=1&state={state}")).expect(200);
            !page["activities"].as_array().unwrap().is_empty()
        };
        while waits("initialized") || waits("processing") {
            assert!(began.elapsed() < HANG * 10);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the log says something.
    pub fn says(&self, text: &str) {
        let began = Instant::now();
        while !self.log.lock().unwrap().contains(text) {
            assert!(began.elapsed() < HANG, "the log never says {text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its memory, in bytes.
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn tell_to_end(&self) {
        self.signal(libc::SIGTERM);
    }

    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: the child was not waited for yet, so that its number is still its own.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// Waits until it has ended by itself; gives what it wrote.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < HANG, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        self.reader.take().unwrap().join().unwrap();
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        (status, log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs presort to its end.
pub fn presort(account: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_presort")).args(args).env("PRESORT_ACCOUNT", account).output().unwrap()
}

/// The lines of JSON that presort prints; it must succeed.
pub fn lines(account: &Path, args: &[&str]) -> Vec<Value> {
    let output = presort(account, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
