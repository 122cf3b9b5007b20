//! Inputs that were made to be slow, through the whole program: bytes a second of each beside the usual rate, contacts and findings
//! a second beside theirs, and peak memory. No shape may be slower than a twentieth by both; one that is shows what is not linear.
//! (By one of them many are: small contacts take few bytes, and each of them may be told of; large ones are few.)
//!
//! `cargo bench --bench shapes -- [--mb 64] [PART OF A NAME]`. With `PRESORT=FILE` another program is measured. A run that
//! takes far longer than it may is ended. The status is 1 when a shape is too slow.

#![allow(missing_docs, reason = "it is a program")]

use presort::sample::{Sample, SampleFormat};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How much slower than usual a shape may be.
const SLOWEST: f64 = 20.0;
/// Just below the largest contact there may be.
const LARGE: usize = (1 << 20) - 100;
const LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";
const GOOD: &str = r#"{"email":"ann@example.com","first_name":"Ann","last_name":"Lee","city":"Boston"}"#;

type Make = Box<dyn Fn(usize) -> Vec<u8>>;

/// How the program is run.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// `--format ndjson`, with report, ledger and rejects.
    Lines,
    /// The same from a pipe.
    Pipe,
    /// With these options beside.
    With(&'static [&'static str]),
    /// `check`.
    Check,
    /// `--split`.
    Split,
}

struct Shape {
    name: &'static str,
    how: How,
    make: Make,
}

fn shape(name: &'static str, make: impl Fn(usize) -> Vec<u8> + 'static) -> Shape {
    Shape { name, how: How::Lines, make: Box::new(make) }
}

impl Shape {
    fn by(self, how: How) -> Shape {
        Shape { how, ..self }
    }
}

/// What `each` writes for 0, 1, 2 and so on, to this size.
fn repeated(size: usize, mut each: impl FnMut(usize, &mut String)) -> Vec<u8> {
    let mut text = String::with_capacity(size + (2 << 20));
    for i in 0.. {
        if text.len() >= size {
            break;
        }
        each(i, &mut text);
    }
    text.into_bytes()
}

/// The same line again and again, behind one that shows what the input is.
fn lines(name: &'static str, line: impl Into<Vec<u8>>) -> Shape {
    let mut line = line.into();
    line.push(b'\n');
    shape(name, move |size| [GOOD.as_bytes(), b"\n", &line.repeat(size.div_ceil(line.len()))].concat())
}

/// Contacts with an address of their own and this member.
fn member(name: &'static str, member: impl Into<String>) -> Shape {
    let member = member.into();
    shape(name, move |size| {
        repeated(size, |i, text| {
            let _ = writeln!(text, "{{\"email\":\"c{i}@example.com\",{member}}}");
        })
    })
}

/// Contacts with this address.
fn address(name: &'static str, address: impl Into<String>) -> Shape {
    let address = address.into();
    shape(name, move |size| {
        repeated(size, |_, text| {
            let _ = writeln!(text, "{{\"email\":\"{address}\",\"first_name\":\"Ann\"}}");
        })
    })
}

/// Contacts of nearly 1 MiB, filled with what `each` writes.
fn large(name: &'static str, each: impl Fn(usize, &mut String) + 'static) -> Shape {
    shape(name, move |size| {
        repeated(size, |_, text| {
            let end = text.len() + LARGE.min(size.max(1000));
            text.push_str("{\"email\":\"ann@example.com\"");
            for i in 0.. {
                if text.len() + 100 > end {
                    break;
                }
                each(i, text);
            }
            text.push_str("}\n");
        })
    })
}

/// A body with this before and behind its contacts.
fn body(
    name: &'static str,
    before: impl Fn(usize, &mut String) + 'static,
    behind: impl Fn(usize, &mut String) + 'static,
) -> Shape {
    shape(name, move |size| {
        let mut text = String::from("{");
        before(size, &mut text);
        let _ = write!(text, "\"import_data\":[{GOOD}]");
        behind(size, &mut text);
        text.push('}');
        text.into_bytes()
    })
}

/// An array of nothing but this.
fn array(name: &'static str, element: &'static str) -> Shape {
    shape(name, move |size| {
        let mut text = format!("[{GOOD}").into_bytes();
        let element = format!(",{element}").into_bytes();
        text.extend(element.repeat(size / element.len()));
        text.push(b']');
        text
    })
}

fn sample(size: usize, mess: f64, format: SampleFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let sample = Sample { contacts: (size / 260).max(10) as u64, seed: 7, mess, format };
    presort::sample::write(&sample, &mut bytes).expect("memory takes it");
    bytes
}

/// A sample's lines, each made anew.
fn changed(size: usize, mess: f64, mut change: impl FnMut(usize, &str) -> String) -> Vec<u8> {
    let text = String::from_utf8(sample(size, mess, SampleFormat::Ndjson)).expect("a sample is text");
    text.lines().enumerate().map(|(i, line)| change(i, line)).collect::<String>().into_bytes()
}

fn between(text: &mut String, separator: &str, what: std::fmt::Arguments<'_>) {
    if !text.ends_with(['{', '[']) {
        text.push_str(separator);
    }
    let _ = text.write_fmt(what);
}

fn unknown_members(size: usize, text: &mut String) {
    for i in 0.. {
        if text.len() > size {
            break;
        }
        let _ = write!(text, "\"x{i}\":1,");
    }
}

fn list_ids(count: usize, text: &mut String) {
    text.push_str("\"list_ids\":[");
    for i in 0..count {
        between(text, ",", format_args!("\"04fe9a97-a579-43c5-bb1a-{i:012x}\""));
    }
    text.push_str("],");
}

/// Addresses of which the hash without a key begins with the same six bits.
fn colliding(size: usize) -> Vec<u8> {
    let mut next = 0u64;
    repeated(size, |_, text| {
        loop {
            let address = format!("{next:x}@a.example.com");
            next += 1;
            if xxhash_rust::xxh3::xxh3_64(address.as_bytes()) >> 58 == 0 {
                let _ = writeln!(text, "{{\"email\":\"{address}\"}}");
                break;
            }
        }
    })
}

fn documents() -> Vec<Shape> {
    vec![
        shape("clean", |size| sample(size, 0.0, SampleFormat::Ndjson)),
        shape("every contact messy", |size| sample(size, 100.0, SampleFormat::Ndjson)),
        shape("a body", |size| sample(size, 5.0, SampleFormat::Payload)),
        shape("a body, split", |size| sample(size, 5.0, SampleFormat::Payload)).by(How::Split),
        shape("from a pipe", |size| sample(size, 5.0, SampleFormat::Ndjson)).by(How::Pipe),
        shape("every contact messy, checked", |size| sample(size, 100.0, SampleFormat::Ndjson)).by(How::Check),
        shape("envelope behind the contacts", |size| {
            let mut text = b"{\"import_data\":[".to_vec();
            text.extend(changed(size, 5.0, |i, line| format!("{}{line}", if i > 0 { "," } else { "" })));
            text.extend(format!("],\"list_ids\":[\"{LIST}\"]}}").bytes());
            text
        })
        .by(How::Pipe),
        shape("pretty print", |size| {
            let contacts = changed(size / 2, 5.0, |_, line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
                format!(",\n{}", serde_json::to_string_pretty(&value).expect("it can be written"))
            });
            [&b"["[..], &contacts[1..], b"\n]"].concat()
        }),
        shape("CRLF", |size| changed(size, 5.0, |_, line| format!("{line}\r\n"))),
        shape("ten blank lines behind each", |size| {
            changed(size, 5.0, |_, line| format!("{line}\n\n\n\n\n\n\n\n\n\n\n"))
        }),
        shape("blank lines behind the first object", |size| [GOOD.as_bytes(), &b"\n".repeat(size)].concat()),
        shape("CRLF behind the first object", |size| [GOOD.as_bytes(), &b"\r\n".repeat(size / 2)].concat()),
        shape("spaces behind the first object", |size| [GOOD.as_bytes(), &b" ".repeat(size), b"\n"].concat()),
        shape("blank lines before the first object", |size| {
            [&b"\n".repeat(size.min(15 << 20))[..], GOOD.as_bytes()].concat()
        }),
        shape("white space in an array", |size| [b"[", &b" \n".repeat(size / 2)[..], GOOD.as_bytes(), b"]"].concat()),
        shape("white space behind a body", |size| {
            let body = format!("{{\"list_ids\":[\"{LIST}\"],\"import_data\":[{GOOD}]}}");
            [body.as_bytes(), &b"\n".repeat(size)].concat()
        }),
        shape("clean and messy in turn", |size| {
            changed(size, 0.0, |i, line| match i % 2 {
                0 => format!("{line}\n"),
                _ => format!("{}\n", line.replace("\":\"", "\":\" ")),
            })
        }),
        shape("contacts and rubbish in turn", |size| changed(size, 0.0, |_, line| format!("{line}\n{{\n"))),
        shape("small and large in turn", |size| {
            repeated(size, |_, text| {
                let long = "x".repeat(200_000.min(size));
                let _ = writeln!(text, "{GOOD}\n{{\"email\":\"ann@example.com\",\"cf:Notes\":\"{long}\"}}");
            })
        }),
        shape("byte order marks", |size| changed(size, 0.0, |_, line| format!("\u{feff}{line}\n"))),
        shape("nothing but byte order marks", |size| {
            [GOOD.as_bytes(), b"\n", &"\u{feff}".repeat(size / 3).into_bytes()].concat()
        }),
        shape("many objects on a line", |size| [GOOD; 10].concat().repeat(size / GOOD.len() / 10).into_bytes()),
        lines("ten objects on each line", [GOOD; 10].concat()),
    ]
}

fn lines_of_one_kind() -> Vec<Shape> {
    vec![
        lines("no members", "{}"),
        lines("null", "null"),
        lines("numbers", "1"),
        lines("rubbish", "x"),
        lines("braces", "{"),
        lines("closing braces", "}"),
        lines("quotes", "\""),
        lines("backslashes", "\\".repeat(100)),
        lines("single quotes", "{'email':'ann@example.com'}"),
        lines("trailing commas", "{\"email\":\"ann@example.com\",}"),
        lines("not a number", "{\"email\":\"ann@example.com\",\"zip\":NaN}"),
        lines("lone surrogates", "{\"email\":\"ann@example.com\",\"city\":\"\\ud800\"}"),
        lines("not UTF-8", b"{\"email\":\"ann@example.com\",\"city\":\"\xff\xfe\"}".to_vec()),
        lines("control characters", b"{\"email\":\"ann@example.com\",\"city\":\"\x01\x02\"}".to_vec()),
        lines("null bytes", vec![0; 100]),
        lines("deep nesting", format!("{{\"x\":{}{}}}", "[".repeat(60), "]".repeat(60))),
        lines("too deep nesting", format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000))),
        lines("brackets that stay open", format!("{{\"x\":{}", "[".repeat(1000))),
        shape("one line of brackets", |size| [b"{\"x\":", &b"[".repeat(size)[..]].concat()),
        shape("one long line", |size| {
            format!("{{\"email\":\"ann@example.com\",\"city\":\"{}\"}}\n", "x".repeat(size)).into_bytes()
        }),
        shape("one long line without an end", |size| {
            format!("{GOOD}\n{{\"email\":\"{}", "x".repeat(size)).into_bytes()
        }),
        shape("a line of over 16 MiB among others", |size| {
            let long = format!("{{\"email\":\"{}\"}}\n", "x".repeat(17 << 20).get(..size.min(17 << 20)).unwrap_or(""));
            [changed(size / 2, 0.0, |_, line| format!("{line}\n")), long.into_bytes(), GOOD.into()].concat()
        }),
        array("an array of numbers", "1"),
        array("an array of nulls", "null"),
        array("an array of strings", "\"\""),
        array("an array of arrays", "[]"),
        array("an array of objects without members", "{}"),
        shape("an array of one long string", |size| format!("[{GOOD},\"{}\"]", "x".repeat(size)).into_bytes()),
    ]
}

fn large_and_envelopes() -> Vec<Shape> {
    vec![
        shape("1 MiB contacts, one value", |size| {
            let words = "lorem ".repeat(LARGE.min(size) / 6 - 30);
            let line = format!("{{\"email\":\"ann@example.com\",\"cf:Notes\":\"{words}\"}}\n");
            line.repeat(size.div_ceil(line.len())).into_bytes()
        }),
        large("1 MiB contacts, unknown members", |i, text| {
            let _ = write!(text, ",\"x{i}\":\"y\"");
        }),
        large("1 MiB contacts, custom fields", |i, text| {
            let _ = write!(text, ",\"cf:x{i}\":\"y\"");
        }),
        large("1 MiB contacts, one member again and again", |_, text| text.push_str(",\"city\":\"x\"")),
        large("1 MiB contacts, one custom field again and again", |_, text| text.push_str(",\"cf:a\":\"x\"")),
        large("1 MiB contacts, empty names", |_, text| text.push_str(",\"\":\"\"")),
        large("1 MiB contacts, escaped names", |i, text| {
            let _ = write!(text, ",\"\\u0063f:{i}\":\"\\u0078\"");
        }),
        large("1 MiB contacts, nested values", |i, text| {
            let _ = write!(text, ",\"x{i}\":{{\"a\":[[{{}}]]}}");
        }),
        body("unknown members before the contacts", |size, text| unknown_members(size.min(15 << 20), text), |_, _| {}),
        body(
            "unknown members behind the contacts",
            |_, _| {},
            |size, text| {
                text.push(',');
                unknown_members(size.min(15 << 20), text);
                text.pop();
            },
        ),
        body(
            "one unknown member before the contacts",
            |size, text| {
                let _ = write!(text, "\"x\":\"{}\",", "y".repeat(size.min(15 << 20)));
            },
            |_, _| {},
        ),
        body("80,000 list ids", |size, text| list_ids(80_000.min(size / 40), text), |_, _| {}),
        body("as many list ids as there may be bytes", |size, text| list_ids(size.min(15 << 20) / 40, text), |_, _| {}),
        body(
            "one list id again and again",
            |size, text| {
                text.push_str("\"list_ids\":[");
                (0..size.min(15 << 20) / 40).for_each(|_| between(text, ",", format_args!("\"{LIST}\"")));
                text.push_str("],");
            },
            |_, _| {},
        ),
    ]
}

fn values() -> Vec<Shape> {
    let long = |text: &str, times| text.repeat(times);
    vec![
        member("every character escaped", format!("\"city\":\"{}\"", long("\\u0061", 50))),
        member("escaped quotes", format!("\"cf:Notes\":\"{}\"", long("\\\"", 120))),
        member("letters of Europe", format!("\"city\":\"{}\"", long("\u{e9}", 50))),
        member("letters of Asia", format!("\"city\":\"{}\"", long("\u{6771}", 50))),
        member("decomposed letters", format!("\"city\":\"{}\"", long("e\u{301}", 25))),
        member("many marks on a letter", format!("\"cf:Notes\":\"e{}\"", long("\u{301}\u{327}", 100))),
        member("too many marks on a letter", format!("\"cf:Notes\":\"e{}\"", long("\u{301}\u{327}", 50_000))),
        member("marks of no width", format!("\"city\":\"{}\"", long("\u{200b}\u{feff}", 60))),
        member("spaces", format!("\"city\":\"{}x\"", long(" ", 200))),
        member("tabs and line breaks", format!("\"city\":\"{}\"", long("a\\t\\n", 60))),
        member("too long", format!("\"city\":\"{}\"", long("x", 300))),
        member("too long, cut", format!("\"city\":\"{}\"", long("\u{e9} ", 3000))).by(How::With(&["--truncate"])),
        member("long numbers", format!("\"zip\":{}", long("1234567890", 50))),
        member("exponents", "\"zip\":1e5,\"city\":-0.1E-77"),
        member("phones as floats", "\"phone\":6175550101.0,\"home_phone\":6.175550101E+09"),
        member("bad phones", "\"phone\":\"+44 20 7946 0958\",\"home_phone\":\"12345\",\"work_phone\":\"call me\""),
        member("phones of punctuation", format!("\"phone\":\"{}\"", long("(-.) /", 40))),
        member("long phones", format!("\"phone\":\"{}\"", long("5081231235 x", 5000))),
        member("bad dates", "\"anniversary\":\"July 4, 2015\",\"sms_consent_date\":\"2/30/2015\""),
        member("long dates", format!("\"anniversary\":\"{}\"", long("1/", 5000))),
        member("bad birthdays", "\"birthday_month\":\"13\",\"birthday_day\":\"x\""),
        member("numbers without consent", "\"sms_number\":\"508-123-1235\"")
            .by(How::With(&["--sms-permission", "explicit"])),
        member("two home addresses", "\"street2\":\"1\",\"city\":\"a\",\"home_street\":\"2\",\"home_city\":\"b\""),
        member("names that are nearly right", "\"firstName\":\"a\",\"cf_tier\":\"b\",\"Last Name\":\"c\""),
        member("values of the wrong type", "\"city\":{\"a\":[1]},\"state\":[],\"zip\":true,\"country\":null"),
        address("no address", "nobody"),
        address("wrapped addresses", "Ann Lee <mailto:Ann@Example.COM>"),
        address("international addresses", "info@b\u{fc}cher.example"),
        address("addresses that only look encoded", "info@xn--a.example"),
        address("long addresses", format!("{}@{}.com", long("a", 64), long("b.", 90))),
        address("addresses of signs", long("@", 5000)),
        address("addresses of brackets", long("<a@b.co>", 700)),
        address("international labels without an end", format!("a@{}com", long("\u{fc}.", 3000))),
        address("one address", "ann@example.com"),
        address("one address, rejected", "ann@example.com").by(How::With(&["--duplicates", "first"])),
        shape("all addresses different", |size| {
            repeated(size, |i, text| {
                let _ = writeln!(text, "{{\"email\":\"{i}@a.bc\"}}");
            })
        }),
        shape("all addresses a second time", |size| {
            let half = repeated(size / 2, |i, text| {
                let _ = writeln!(text, "{{\"email\":\"{i}@example.com\"}}");
            });
            half.repeat(2)
        }),
        shape("addresses of one hash, without a key", colliding),
        shape("rejected contacts between addresses", |size| {
            repeated(size, |i, text| {
                let _ = writeln!(text, "{{\"email\":\"{i}@example.com\"}}\n{}", "{}\n".repeat(20));
            })
        }),
    ]
}

/// What a run came to.
struct Ran {
    seconds: f64,
    /// Peak memory in MiB.
    memory: f64,
    /// It came to an end by itself, with this status.
    status: Option<i32>,
    /// Contacts and findings, where there is a receipt.
    items: f64,
}

/// The most memory that a process had, in MiB, where the system tells.
fn peak_memory(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// Waits for a child, at most so long.
fn wait(mut child: Child, began: Instant, most: f64) -> Ran {
    let (mut memory, mut ended) = (0.0, true);
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        memory = peak_memory(child.id()).unwrap_or(memory);
        if ended && began.elapsed().as_secs_f64() > most {
            ended = false;
            child.kill().expect("it can be ended");
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let seconds = began.elapsed().as_secs_f64();
    assert!(!ended || matches!(status.code(), Some(0..=2)), "the program failed: {status}");
    Ran { seconds, memory, status: status.code().filter(|_| ended), items: 0.0 }
}

fn run(program: &OsString, shape: &Shape, input: &Path, bytes: &[u8], directory: &Path, most: f64) -> Ran {
    let mut command = Command::new(program);
    let verb = if shape.how == How::Check { "check" } else { "clean" };
    command.arg(verb).args(["--threads", "1", "--report", "/dev/null", "--receipt", "receipt"]).current_dir(directory);
    command.arg(if shape.how == How::Pipe { Path::new("-") } else { input });
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let to_nothing = ["--changes", "/dev/null", "--rejects", "/dev/null"];
    match shape.how {
        How::Check => {}
        How::Split => {
            command.args(["--split", "--list-id", LIST, "-o", "bodies"]).args(to_nothing);
        }
        how => {
            command.args(["--format", "ndjson", "-o", "/dev/null"]).args(to_nothing);
            if let How::With(options) = how {
                command.args(options);
            }
        }
    }
    command.stdin(if shape.how == How::Pipe { Stdio::piped() } else { Stdio::null() });
    let began = Instant::now();
    let mut child = command.spawn().expect("the program can be started");
    let stdin = child.stdin.take();
    let mut ran = std::thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            // It may end before it has read everything.
            scope.spawn(move || drop(stdin.write_all(bytes)));
        }
        wait(child, began, most)
    });
    let receipt = std::fs::read(directory.join("receipt")).unwrap_or_default();
    if let Ok(receipt) = serde_json::from_slice::<serde_json::Value>(&receipt) {
        let findings = receipt["findings"].as_object().into_iter().flat_map(|findings| findings.values());
        ran.items = findings.chain([&receipt["contacts"]["seen"]]).filter_map(serde_json::Value::as_f64).sum();
    }
    let _ = std::fs::remove_file(directory.join("receipt"));
    let _ = std::fs::remove_dir_all(directory.join("bodies"));
    ran
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let test = args.iter().any(|arg| arg == "--test");
    let mut size = if test { 64 << 10 } else { 64 << 20 };
    let mut part = String::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--mb" => {
                let mb = rest.next().and_then(|mb| mb.parse::<f64>().ok()).expect("--mb takes a number");
                size = (mb * f64::from(1 << 20)) as usize;
            }
            arg if arg.starts_with('-') => {}
            arg => arg.clone_into(&mut part),
        }
    }
    let program = std::env::var_os("PRESORT").unwrap_or_else(|| env!("CARGO_BIN_EXE_presort").into());
    let directory = tempfile::tempdir().expect("a directory can be made");
    let input = directory.path().join("input");
    let measure = |shape: &Shape, size: usize, most: f64| {
        let bytes = (shape.make)(size);
        File::create(&input).and_then(|mut file| file.write_all(&bytes)).expect("the input can be written");
        (bytes.len() as f64 / 1e6, run(&program, shape, &input, &bytes, directory.path(), most))
    };
    // What starting the program takes is not the input's.
    let (_, ran) = measure(&shape("start", |_| GOOD.into()), 0, f64::MAX);
    let start = ran.seconds * 0.9;
    let usual = shape("usual: 5 % messy", |size| sample(size, 5.0, SampleFormat::Ndjson));
    // The first run finds nothing in the caches.
    measure(&usual, size, f64::MAX);
    let (bytes, ran) = measure(&usual, size, f64::MAX);
    let usual_seconds = (ran.seconds - start).max(0.001);
    let (usual_bytes, usual_items) = (bytes / usual_seconds, ran.items / usual_seconds / 1e6);
    println!("{:>8} {:>7} {:>8} {:>7} {:>6} {:>6}  shape", "MB/s", "usual", "M items", "usual", "MiB", "status");
    println!("{usual_bytes:>8.0} {:>7} {usual_items:>8.2} {:>7} {:>6.0} {:>6}  {}", "", "", ran.memory, 1, usual.name);
    let shapes = [documents(), lines_of_one_kind(), large_and_envelopes(), values()].into_iter().flatten();
    let (mut slow, mut count) = (Vec::new(), 0);
    for shape in shapes.filter(|shape| shape.name.contains(&part)) {
        count += 1;
        // Twice what it may take by bytes, or by items if each takes two.
        let most =
            if test { 120.0 } else { (usual_seconds * SLOWEST).max(size as f64 / 2e6 / usual_items) * 2.0 + 1.0 };
        let (bytes, ran) = measure(&shape, size, most);
        let seconds = (ran.seconds - start).max(0.001);
        let (bytes, items) = (bytes / seconds, ran.items / seconds / 1e6);
        let (of_bytes, of_items) = (bytes / usual_bytes, items / usual_items);
        let too_slow = !test && of_bytes.max(of_items) * SLOWEST < 1.0 || ran.status.is_none();
        let mark = if too_slow { "  <-- too slow" } else { "" };
        let status = ran.status.map_or("ended".into(), |status| status.to_string());
        println!(
            "{bytes:>8.0} {of_bytes:>7.2} {items:>8.2} {of_items:>7.2} {:>6.0} {status:>6}  {}{mark}",
            ran.memory, shape.name
        );
        if too_slow {
            slow.push(shape.name);
        }
    }
    println!("{count} shapes of {:.0} MB; {} slower than 1/{SLOWEST} of the usual rate", size as f64 / 1e6, slow.len());
    if slow.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
