//! What a run does to the files around it: bodies of earlier runs, outputs that cannot be written, modes, what a killed run left;
//! and inputs that change while they are read.

#![cfg(unix)]

mod common;

use common::{Dir, LIST, body, contacts, emails, kill, many, names, presort, wait};
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const GOOD: &str = "{\"email\":\"a@example.com\"}\n";
const BAD: &str = "{\"email\":\"nobody\"}\n";

fn split<'a>(input: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["clean", input, "--split", "-o", "bodies", "--list-id", LIST], more].concat()
}

/// The program under a shell, for what only a shell can ask for.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("PRESORT", env!("CARGO_BIN_EXE_presort")).env("LIST", LIST);
    command
}

/// Runs until it must wait for more input: it holds its locks and its temporary files by then.
fn waiting(dir: &Dir, args: &[&str]) -> Child {
    let mut child = dir.spawn(presort().args(args));
    child.stdin.as_mut().unwrap().write_all(many(10_000).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    child
}

fn set_old(path: &Path) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
}

#[test]
fn bodies_of_an_earlier_run_stay_unless_they_are_to_be_replaced() {
    let dir = Dir::new();
    dir.write("in", many(5));
    dir.write("rejects", GOOD);
    dir.run(&split("in", &["--max-contacts", "2"])).exits(0);
    let all = ["payload-00001.json", "payload-00002.json", "payload-00003.json", "receipt.json"];
    for more in [&[][..], &["--force"]] {
        dir.run(&split("rejects", more)).exits(2).says(&["holds 3 bodies", "--append", "--replace"]);
        assert_eq!(names(&dir.path("bodies")), all);
    }
    dir.run(&split("rejects", &["--replace"])).exits(0).says(&["3 bodies of an earlier run removed"]);
    assert_eq!(names(&dir.path("bodies")), ["payload-00001.json", "receipt.json"]);
    // Both at once, or without a directory, is a mistake.
    dir.run(&split("rejects", &["--replace", "--append"])).exits(2);
    dir.run(&["clean", "in", "--replace", "-o", "out", "--list-id", LIST]).exits(2);
}

#[test]
fn bodies_are_added_and_each_run_adds_up() {
    let dir = Dir::new();
    dir.write("in", many(5) + BAD);
    dir.write("more", GOOD);
    dir.run(&split("in", &["--append", "--max-contacts", "2"])).exits(1);
    let first = dir.json("bodies/receipt.json");
    assert!(first.get("earlier_runs").is_none());
    let body = dir.read("bodies/payload-00001.json");
    dir.run(&split("more", &["--append"])).exits(0);
    dir.run(&split("more", &["--append"])).exits(0);
    let receipt = dir.json("bodies/receipt.json");
    assert_eq!(receipt["payloads"][0]["file"], "payload-00005.json");
    let earlier = receipt["earlier_runs"].as_array().unwrap();
    assert_eq!(earlier.len(), 2);
    assert_eq!(earlier[0], first);
    assert_eq!(earlier[1]["payloads"][0]["file"], "payload-00004.json");
    for run in [&earlier[0], &earlier[1], &receipt] {
        let contacts = &run["contacts"];
        let in_bodies: u64 = run["payloads"].as_array().unwrap().iter().map(|p| p["contacts"].as_u64().unwrap()).sum();
        assert_eq!(contacts["accepted"], in_bodies);
        assert_eq!(
            contacts["seen"].as_u64().unwrap(),
            contacts["accepted"].as_u64().unwrap() + contacts["rejected"].as_u64().unwrap()
        );
    }
    assert_eq!(dir.read("bodies/payload-00001.json"), body);
    // Bodies behind those of the receipt were left by a run that did not finish.
    dir.write("bodies/payload-00006.json", "{}");
    dir.run(&split("more", &["--append"])).exits(0).says(&["1 body of a run that did not finish removed"]);
    assert_eq!(dir.json("bodies/receipt.json")["payloads"][0]["file"], "payload-00006.json");
    // Others are not.
    fs::copy(dir.path("bodies/payload-00001.json"), dir.path("bodies/payload-00000.json")).unwrap();
    dir.run(&split("more", &["--append"])).exits(2).says(&["payload-00000.json is not in"]);
}

/// What is whole is replaced at the end, by what is whole.
#[test]
fn a_run_that_fails_replaces_no_body() {
    let dir = Dir::new();
    dir.write("in", many(5));
    dir.write("broken", "[{\"email\":\"a@example.com\"} x]");
    dir.run(&split("in", &["--max-contacts", "2"])).exits(0);
    let receipt = dir.read("bodies/receipt.json");
    let all = names(&dir.path("bodies"));
    for (input, more) in [
        ("in", &["--rejects", "nosuch/rejects"][..]),
        ("in", &["--report", "/dev/full"]),
        ("broken", &[]),
        ("none", &[]),
        ("bodies/payload-00001.json", &[]),
        ("bodies/../bodies/payload-00002.json", &[]),
    ] {
        let is_report = more.first() == Some(&"--report");
        if is_report {
            dir.write("in", many(5) + BAD);
        }
        dir.run(&split(input, &[&["--replace"], more].concat())).exits(2);
        assert_eq!(names(&dir.path("bodies")), all, "{input} {more:?}");
        assert_eq!(dir.read("bodies/receipt.json"), receipt);
    }
}

/// An older output goes only for a run that came to its end.
#[test]
fn a_run_that_is_broken_removes_no_older_output() {
    let dir = Dir::new();
    dir.write("in", "[x");
    dir.write("out", "older");
    dir.run(&["clean", "in", "-o", "out", "--force", "--list-id", LIST]).exits(2);
    assert_eq!(dir.read("out"), "older");
}

#[test]
fn a_directory_that_is_being_written_is_locked() {
    let dir = Dir::new();
    dir.write("in", many(5));
    let mut first = waiting(&dir, &split("-", &[]));
    for more in [&[][..], &["--replace"], &["--append"], &["--force"]] {
        dir.run(&split("in", more)).exits(2).says(&["another run"]);
    }
    drop(first.stdin.take());
    wait(first).exits(0);
    assert_eq!(dir.json("bodies/receipt.json")["contacts"]["accepted"], 10_000);
    // One body of 10,000 contacts, and its receipt.
    assert_eq!(names(&dir.path("bodies")), ["payload-00001.json", "receipt.json"]);
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let dir = Dir::new();
    dir.write("in", GOOD);
    let stream = ["clean", "--format", "ndjson", "-o", "out", "--report", "report", "--rejects", "rejects"];
    for (args, place) in [(split("-", &[]), "bodies"), (stream.to_vec(), ".")] {
        let child = waiting(&dir, &args);
        kill(child.id(), libc::SIGKILL);
        wait_killed(child);
        let left = |place: &str| names(&dir.path(place)).iter().filter(|name| name.ends_with(".tmp")).count();
        assert!(left(place) > 0, "{:?}", names(&dir.path(place)));
        for name in names(&dir.path(place)).iter().filter(|name| name.ends_with(".tmp")) {
            let mode = fs::metadata(dir.path(place).join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        // One that is held stays.
        let held = (place == ".").then(|| waiting(&dir, &["clean", "--format", "ndjson", "-o", "out"]));
        let again: Vec<&str> = args.iter().map(|arg| if *arg == "-" { "in" } else { arg }).collect();
        dir.feed(&again, GOOD.as_bytes()).exits(0);
        assert_eq!(left(place), usize::from(held.is_some()));
        if let Some(mut held) = held {
            drop(held.stdin.take());
            // The other run has written the file meanwhile.
            wait(held).exits(2).says(&["out is there already"]);
        }
        assert_eq!(left(place), 0);
    }
}

fn wait_killed(mut child: Child) {
    use std::os::unix::process::ExitStatusExt;
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() {
    let dir = Dir::new();
    dir.write("in", many(2) + BAD);
    let mode = |name: &str| fs::metadata(dir.path(name)).unwrap().permissions().mode() & 0o777;
    for name in ["out", "report", "rejects", "receipt"] {
        let path = dir.write(name, "old");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let args = [
        "clean",
        "in",
        "--format",
        "ndjson",
        "-o",
        "out",
        "--report",
        "report",
        "--rejects",
        "rejects",
        "--receipt",
        "receipt",
        "--changes",
        "changes",
        "--force",
    ];
    let mut command = presort();
    command.args(args);
    // SAFETY: umask is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::umask(0o027);
            Ok(())
        })
    };
    dir.feed_with(&mut command, b"").exits(1);
    assert_eq!(["out", "report", "rejects", "receipt", "changes"].map(mode), [0o600, 0o600, 0o600, 0o600, 0o640]);
}

#[test]
fn nothing_accepted_is_no_body() {
    let dir = Dir::new();
    dir.write("in", BAD.repeat(3));
    dir.run(&["clean", "in", "-o", "out", "--list-id", LIST]).exits(1).says(&["no body was written"]);
    assert!(!dir.path("out").exists());
    let piped = dir.run(&["clean", "in", "--list-id", LIST]).exits(1);
    assert!(piped.out.is_empty());
    dir.write("out", "an older body");
    dir.run(&["clean", "in", "-o", "out", "--list-id", LIST]).exits(2);
    assert_eq!(dir.read("out"), "an older body");
    dir.run(&["clean", "in", "-o", "out", "--list-id", LIST, "--force", "--receipt", "receipt"])
        .exits(1)
        .says(&["no body was written", "the older out is removed"]);
    assert!(!dir.path("out").exists());
    // An input is never removed.
    dir.run(&["clean", "in", "-o", "./in", "--list-id", LIST, "--force"]).exits(1);
    assert_eq!(dir.read("in"), BAD.repeat(3));
    assert_eq!(dir.json("receipt")["payloads"].as_array().unwrap().len(), 0);
    dir.run(&split("in", &[])).exits(1).says(&["no body was written"]);
    assert_eq!(names(&dir.path("bodies")), ["receipt.json"]);
    // A receipt alone is a file like any other.
    dir.run(&split("in", &[])).exits(2).says(&["receipt.json is there already"]);
    dir.run(&split("in", &["--force"])).exits(1);
}

/// The limit of a body counts what is written, unless the input is a body.
#[test]
fn lines_and_arrays_fill_a_body() {
    let bad = format!("{{\"email\":\"nobody\",\"cf:x\":\"{}\"}}", "x".repeat(2000));
    let good = |i: usize| format!("{{\"email\":\"c{i}@example.com\"}}");
    // Each kilobyte of bad contacts is in front of the good ones.
    let all: Vec<String> = (0..100).map(|_| bad.clone()).chain((0..50).map(good)).collect();
    let dir = Dir::new();
    dir.write("lines", all.join("\n"));
    dir.write("array", format!("[{}]", all.join(",")));
    dir.write("body", body(&all.join(",")));
    for input in ["lines", "array"] {
        for pipe in [false, true] {
            let args = ["clean", input, "--list-id", LIST, "--max-bytes", "100000", "--receipt", "receipt", "--force"];
            let ran = match pipe {
                false => dir.run(&args),
                true => {
                    let args: Vec<&str> = args.iter().map(|arg| if *arg == input { "-" } else { arg }).collect();
                    dir.feed(&args, dir.read(input).as_bytes())
                }
            };
            let ran = ran.exits(1);
            assert_eq!(contacts(&ran.json()).len(), 50, "{input} {pipe}");
            assert_eq!(dir.json("receipt")["contacts"]["seen"], 150);
            assert!(dir.json("receipt")["dropped"].is_null());
        }
    }
    // A body is cut where the endpoint would cut it.
    let ran = dir.run(&["clean", "body", "--max-bytes", "100000"]).exits(1).says(&["dropped"]);
    assert!(ran.out.is_empty());
    // What does not fit is dropped.
    let ran = dir.run(&["clean", "lines", "--list-id", LIST, "--max-bytes", "1000"]).exits(1).says(&["dropped"]);
    assert!(ran.out.len() < 1000 && contacts(&ran.json()).len() > 20);
}

fn fifo(dir: &Dir, name: &str) {
    let path = CString::new(dir.path(name).as_os_str().as_bytes()).unwrap();
    // SAFETY: the path is a string with an end.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

#[test]
fn an_output_whose_reader_leaves_is_an_error() {
    let dir = Dir::new();
    let changed = "{\"email\":\" B@Example.com \",\"phone\":\"12345\"}\n";
    dir.write("in", many(60_000) + BAD + changed);
    fifo(&dir, "pipe");
    for output in ["-o", "--report", "--rejects", "--changes", "--receipt"] {
        let main: &[&str] = if output == "-o" { &[] } else { &["-o", "out", "--force"] };
        let args = [&["clean", "in", "--format", "ndjson", output, "pipe"][..], main].concat();
        let child = dir.spawn(presort().args(&args));
        let mut first = [0; 10];
        let mut reader = File::open(dir.path("pipe")).unwrap();
        if output == "-o" {
            reader.read_exact(&mut first).unwrap();
        }
        drop(reader);
        wait(child).exits(2).says(&["pipe"]);
        assert!(!dir.path("out").exists() || output == "--receipt", "{output}");
    }
}

#[test]
fn a_reader_of_standard_output_may_leave() {
    let dir = Dir::new();
    dir.write("in", many(60_000));
    let mut child = dir.spawn(presort().args(["clean", "in", "--format", "ndjson"]));
    let mut first = [0; 10];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    assert_eq!(wait(child).exits(0).err, "");
}

#[test]
fn a_standard_output_that_is_closed_is_an_error() {
    let dir = Dir::new();
    dir.write("in", GOOD);
    for command in [
        "clean in --format ndjson",
        "clean in --list-id $LIST",
        "clean in --format ndjson -o out --report -",
        "explain PHN001",
        "sample --contacts 3",
        "config",
        "completions bash",
        "--help",
        "--version",
    ] {
        dir.feed_with(&mut shell(&format!("\"$PRESORT\" {command} >&-")), b"").exits(2).says(&["standard output"]);
    }
    // What does not write to it does not need it.
    dir.feed_with(&mut shell("\"$PRESORT\" clean in --format ndjson -o out >&-"), b"").exits(0);
    dir.feed_with(&mut shell("\"$PRESORT\" clean in --format ndjson >/dev/null"), b"").exits(0);
}

#[test]
fn a_file_that_may_not_grow_is_an_ordinary_error() {
    let dir = Dir::new();
    dir.write("in", many(5_000));
    let ran = dir.feed_with(&mut shell("ulimit -f 10; \"$PRESORT\" clean in --format ndjson -o out"), b"");
    ran.exits(2).says(&["cannot write out", "ulimit -f"]);
    assert_eq!(dir.names(), ["in"]);
}

/// Starts a run on the file `in` that has read some of it, and must wait for its output to be read before it goes on.
fn reading(dir: &Dir, args: &[&str]) -> (Child, File) {
    fifo(dir, "report");
    let child = dir.spawn(presort().args(["clean", "in", "--threads", "2", "--report", "report"]).args(args));
    let mut report = File::open(dir.path("report")).unwrap();
    report.read_exact(&mut [0; 10]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    (child, report)
}

/// Reads what is left, so that the run can go on.
fn let_go_on(child: Child, mut report: File) -> common::Ran {
    let reading = std::thread::spawn(move || report.read_to_end(&mut Vec::new()));
    let ran = wait(child);
    reading.join().unwrap().unwrap();
    ran
}

/// Large, with many findings: a report that is not read stops the run in the middle of it.
fn messy(array: bool) -> String {
    let contact = |i: usize| format!("{{\"email\":\"person{i:07}@example.com\",\"phone\":\"12345\",\"cf:x\":\"{i}\"}}");
    let all: Vec<String> = (0..120_000).map(contact).collect();
    if array { format!("[{}]", all.join(",\n")) } else { all.join("\n") + "\n" }
}

#[test]
fn an_input_that_changes_is_an_error_and_no_body_of_it_is_placed() {
    type Change = fn(&Path);
    let rewrite: Change = |path| {
        let mut file = File::options().write(true).open(path).unwrap();
        file.write_all(b"[{\"email\":\"someone-else@example.com\"},").unwrap();
    };
    let grow: Change = |path| File::options().append(true).open(path).unwrap().write_all(b" ").unwrap();
    let replace: Change = |path| {
        fs::write(path.with_extension("new"), messy(true)).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    };
    let shrink: Change = |path| File::options().write(true).open(path).unwrap().set_len(100).unwrap();
    for change in [rewrite, grow, replace, shrink] {
        for args in [&["--split", "-o", "bodies", "--list-id", LIST][..], &["--format", "ndjson", "-o", "out"]] {
            let dir = Dir::new();
            let path = dir.write("in", messy(true));
            set_old(&path);
            let (child, report) = reading(&dir, args);
            let placed = |dir: &Dir| names(&dir.path("bodies")).iter().filter(|n| n.starts_with("payload")).count();
            let before = if args[0] == "--split" { placed(&dir) } else { 0 };
            change(&path);
            let_go_on(child, report).exits(2).says(&["changed while it was read"]);
            assert!(!dir.path("out").exists());
            assert!(!dir.path("bodies/receipt.json").exists());
            if args[0] == "--split" {
                assert_eq!(placed(&dir), before);
            }
        }
    }
}

#[test]
fn lines_that_are_added_are_told() {
    let dir = Dir::new();
    let path = dir.write("in", messy(false));
    let (child, report) = reading(&dir, &["--format", "ndjson", "-o", "out", "--receipt", "receipt"]);
    File::options().append(true).open(&path).unwrap().write_all(GOOD.as_bytes()).unwrap();
    let_go_on(child, report).exits(1).says(&["warning", "in grew while it was read", "are not in this run, from byte"]);
    let receipt = dir.json("receipt");
    let size = messy(false).len() as u64;
    assert_eq!(receipt["contacts"]["seen"], 120_000);
    assert_eq!(receipt["input"][0]["bytes_read"], size);
    assert_eq!(receipt["input"][0]["grown_to"], size + GOOD.len() as u64);
}

/// A file that is cut off while standard output is written: the receipt says how far the run came.
#[test]
fn a_shrunk_input_has_bytes_beside_its_contacts() {
    let dir = Dir::new();
    let path = dir.write("in", messy(false));
    let mut child = dir.spawn(presort().args(["clean", "in", "--format", "ndjson", "--receipt", "receipt"]));
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 10]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    File::options().write(true).open(path).unwrap().set_len(5_000_000).unwrap();
    let reading = std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
    wait(child).exits(2).says(&["shorter"]);
    reading.join().unwrap().unwrap();
    let receipt = dir.json("receipt");
    let seen = receipt["contacts"]["seen"].as_u64().unwrap();
    assert!(seen > 1000);
    assert!(receipt["bytes_read"].as_u64().unwrap() > seen * 60, "{receipt}");
}

#[test]
fn more_inputs_than_a_process_can_open() {
    let dir = Dir::new();
    let mut all = Vec::new();
    for i in 0..1200 {
        dir.write(&format!("in-{i:04}"), format!("[{{\"email\":\"c{i}@example.com\"}}]"));
        all.push(format!("c{i}@example.com"));
    }
    let script = "ulimit -n 30; \"$PRESORT\" clean in-* --format ndjson --receipt receipt";
    let ran = dir.feed_with(&mut shell(script), b"").exits(0);
    let out: Vec<serde_json::Value> = ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(emails(&out), all);
    assert_eq!(dir.json("receipt")["input"].as_array().unwrap().len(), 1200);
}

/// An input is known by its place among the inputs, whatever its name.
#[test]
fn a_file_with_the_name_of_standard_input() {
    let dir = Dir::new();
    dir.write("standard input", "[{\"email\":\"a@example.com\"},{\"email\":\"b@example.com\"}]");
    let args = ["clean", "--format", "ndjson", "standard input", "-", "--receipt", "receipt"];
    dir.feed(&args, b"[{\"email\":\"c@example.com\"} x]").exits(2);
    let receipt = dir.json("receipt");
    let contacts: Vec<u64> =
        receipt["input"].as_array().unwrap().iter().map(|input| input["contacts"].as_u64().unwrap()).collect();
    assert_eq!(contacts, [2, 1]);
    assert_eq!(receipt["input"][0]["bytes_read"], 53);
    // The same file twice: the second is the one that is broken as a whole.
    dir.write("twice", "[{\"email\":\"c@example.com\"} x]");
    dir.run(&["clean", "--format", "ndjson", "standard input", "twice", "twice", "--receipt", "receipt", "--force"])
        .exits(2);
    assert_eq!(dir.json("receipt")["input"].as_array().unwrap().len(), 2);
}

/// Files that cannot be mapped are read. Files of sysfs say that they have a page, cannot be mapped, and have less.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_mapped_is_read() {
    let dir = Dir::new();
    let Ok(text) = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled") else { return };
    dir.run(&["check", "/sys/kernel/mm/transparent_hugepage/enabled"])
        .exits(2)
        .says(&["/sys/kernel/mm/transparent_hugepage/enabled"]);
    assert!(!text.is_empty());
}

/// A run whose input and output are pipes: one contact goes in at a time.
struct Conversation {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Conversation {
    fn start(dir: &Dir, args: &[&str]) -> Conversation {
        let mut child = dir.spawn(presort().args(["clean", "--format", "ndjson", "-q"]).args(args));
        let (tx, lines) = mpsc::channel();
        let out = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| tx.send(line))
        });
        Conversation { stdin: child.stdin.take(), child, lines }
    }

    fn say(&mut self, text: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(text).unwrap();
    }

    /// The next contact, and how long it took. One that is held back until more comes does not arrive.
    fn hear(&self) -> (String, Duration) {
        let began = Instant::now();
        let line = self.lines.recv_timeout(Duration::from_secs(20)).expect("the contact is held back");
        (line, began.elapsed())
    }

    fn end(mut self) {
        self.stdin = None;
        wait(self.child).exits(0);
    }
}

/// A line that comes alone goes out before the next one comes.
#[test]
fn lines_that_come_slowly_go_out_as_they_come() {
    let dir = Dir::new();
    for threads in ["1", "2", "5"] {
        let mut pipe = Conversation::start(&dir, &["--threads", threads]);
        let mut times = Vec::new();
        for i in 0..8 {
            pipe.say(format!("{{\"email\":\"a{i}@example.com\"}}\n").as_bytes());
            let (line, time) = pipe.hear();
            assert!(line.contains(&format!("a{i}@")), "{line}");
            times.push(time);
            std::thread::sleep(Duration::from_millis(60));
        }
        // A busy machine may take longer for some.
        let least = times.iter().min().unwrap();
        assert!(*least < Duration::from_millis(150), "{threads}: {times:?}");
        pipe.end();
    }
}

/// The first MiB of a table tells its encoding and its mapping; behind it, rows go out as they come.
#[test]
fn rows_that_come_slowly_go_out_as_they_come() {
    let dir = Dir::new();
    let mut pipe = Conversation::start(&dir, &[]);
    const COUNT: usize = 45_000;
    let many: String = (0..COUNT).map(|i| format!("m{i:07}@example.com,Ann\n")).collect();
    assert!(many.len() > 1 << 20);
    pipe.say(format!("Email,First Name\n{many}").as_bytes());
    (0..COUNT).for_each(|_| drop(pipe.hear()));
    for i in 0..5 {
        pipe.say(format!("a{i}@example.com,Ann\n").as_bytes());
        assert!(pipe.hear().0.contains(&format!("a{i}@")));
    }
    pipe.end();
}
