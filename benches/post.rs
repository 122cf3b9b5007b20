//! How long a POST takes while imports run: 8 clients post bodies one after the other, each on a connection of its own, to a server
//! whose queue is full of the largest bodies there can be. Tells the median and the 99th percentile, which a client waits for
//! in one of a hundred requests, and their ratio.

use presort::account::Account;
use presort::account::import::Body;
use presort::account::lists::NewList;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;

fn body(list_id: &str, name: &str, contacts: usize) -> String {
    let mut body = format!(r#"{{"list_ids":["{list_id}"],"import_data":["#);
    for i in 0..contacts {
        let comma = if i > 0 { "," } else { "" };
        let _ =
            write!(body, r#"{comma}{{"email":"{name}{i}@example.com","first_name":"{name}","phone":"508-123-1235"}}"#);
    }
    body + "]}"
}

/// Posts a body; gives how long it took.
fn post(stream: &mut BufReader<TcpStream>, body: &str) -> Duration {
    let began = Instant::now();
    let head = format!(
        "POST /v3/activities/contacts_json_import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    stream.get_mut().write_all(body.as_bytes()).unwrap();
    let mut length = 0;
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 201"), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let lower = line.trim().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).unwrap();
    began.elapsed()
}

fn main() {
    // As a test, only whether it runs is asked.
    let is_test = !std::env::args().any(|arg| arg == "--bench") || std::env::args().any(|arg| arg == "--test");
    let (large, posts, contacts) = if is_test { (1, 4, 2_000) } else { (40, 110, 40_000) };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let account = Account::create(&path).unwrap();
    let list_id = account.add_list(&NewList { name: "News".into(), ..NewList::default() }).unwrap().list_id;
    for i in 0..large {
        let bytes = body(&list_id, &format!("large{i}x"), contacts).into_bytes();
        account.accept(&Body { bytes, ..Body::default() }, None).unwrap();
    }
    let mut server = Command::new(env!("CARGO_BIN_EXE_presort"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "none", "--account"])
        .arg(&path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, list_id) = (&address, &list_id);
                scope.spawn(move || {
                    let stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut stream = BufReader::new(stream);
                    let body = body(list_id, &format!("client{client}x"), 1_000);
                    (0..posts).map(|_| post(&mut stream, &body)).collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let waiting = account.waiting().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    times.sort_unstable();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!(
        "{} posts by {CLIENTS} clients, {waiting} activities still waiting: median {median:?}, p99 {p99:?}, ratio {:.1}",
        times.len(),
        p99.as_secs_f64() / median.as_secs_f64()
    );
}
