//! Parts of a larger job: each is cleaned by a worker of its own, and together they are what one run makes of the whole.

#![cfg(all(unix, feature = "cli"))]

mod common;

use common::{Dir, LIST, Ran, kill, many, names, presort, wait};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::OnceLock;

const DAY: &str = "2026-01-31";

/// Lines with some of every mistake, and lines that are no contacts at all.
fn lines() -> &'static Vec<Vec<u8>> {
    static LINES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    LINES.get_or_init(|| {
        let dir = Dir::new();
        let args = ["sample", "--contacts", "400", "--mess", "40", "--format", "ndjson", "--seed", "5"];
        let sample = dir.run(&args).exits(0).out;
        let mut lines: Vec<Vec<u8>> = sample.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        lines.insert(100, b"\"a string\"\n".to_vec());
        lines.insert(200, b"{\"email\":\"cut@example.com\n".to_vec());
        lines.insert(300, b"{\"email\":\"latin@example.com\",\"first_name\":\"Jos\xe9\"}\n".to_vec());
        lines
    })
}

fn worker(args: &[&str]) -> Vec<String> {
    let usual = ["clean", "--format", "ndjson", "--worker", "--as-of", DAY];
    usual.iter().chain(args).map(|arg| (*arg).to_owned()).collect()
}

/// The lines of a worker before its last, which must be its end, with the right hash.
#[track_caller]
fn checked<'r>(ran: &'r Ran, part: &str) -> (Vec<&'r str>, u64) {
    let text = ran.text();
    let last = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
    let end: Value = serde_json::from_str(&text[last..]).expect("the last line is JSON");
    let before = &text[..last];
    let hash: String = Sha256::digest(before).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&end["kind"], &end["part"], &end["sha256"]), (&json!("end"), &json!(part), &json!(hash)));
    (before.lines().collect(), end["contacts"].as_u64().expect("a count"))
}

/// Findings without what depends on where the part begins.
fn findings(text: &str) -> Vec<Value> {
    let without = |line: &str| {
        let mut finding: Value = serde_json::from_str(line).expect("a finding is JSON");
        for name in ["contact", "offset", "line"] {
            finding.as_object_mut().expect("an object").remove(name).expect(name);
        }
        finding
    };
    let all = text.lines().map(without);
    // A duplicate of another part is not known to be one.
    all.filter(|finding| finding["code"] != "DUP001").collect()
}

/// Rejects without the note on where they came from.
fn rejects(bytes: &[u8]) -> Vec<Vec<u8>> {
    let without = |line: &[u8]| match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(mut reject)) => {
            reject.remove("presort");
            reject.remove("presort").map_or(Value::Object(reject).to_string().into_bytes(), |_| unreachable!())
        }
        _ => line.to_vec(),
    };
    bytes.split_inclusive(|b| *b == b'\n').map(without).collect()
}

/// Counts that do not depend on the partitions.
fn counts(receipt: &Value) -> (Value, Value) {
    let (mut contacts, mut findings) = (receipt["contacts"].clone(), receipt["findings"].clone());
    contacts.as_object_mut().expect("counts").remove("duplicates");
    findings.as_object_mut().expect("counts").remove("DUP001");
    (contacts, findings)
}

/// What one run makes of all lines.
fn alone() -> &'static (Dir, Vec<u8>) {
    static ALONE: OnceLock<(Dir, Vec<u8>)> = OnceLock::new();
    ALONE.get_or_init(|| {
        let dir = Dir::new();
        let args = ["clean", "-q", "--format", "ndjson", "--as-of", DAY, "--report", "report", "--changes", "changes"];
        let args = [&args[..], &["--rejects", "rejects", "--receipt", "receipt"]].concat();
        let out = dir.feed(&args, &lines().concat()).exits(1).out;
        (dir, out)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// However an export is cut into parts, they are together what one run makes of it.
    #[test]
    fn parts_are_together_one_run(cuts in prop::collection::vec(0..=403usize, 0..5), threads in 1..4usize) {
        let (whole, out) = alone();
        let mut cuts = cuts;
        cuts.extend([0, lines().len()]);
        cuts.sort_unstable();
        let dir = Dir::new();
        let (mut contacts, mut accepted) = (String::new(), 0);
        let (mut reports, mut changes, mut rejected) = (String::new(), String::new(), Vec::new());
        let parts = (cuts.len() - 1).to_string();
        let threads = threads.to_string();
        for (i, cut) in cuts.windows(2).enumerate() {
            let id = i.to_string();
            let args = worker(&["--part", &id, "--parts", &parts, "--side", "side", "--threads", &threads]);
            let ran = dir.feed(&args, &lines()[cut[0]..cut[1]].concat()).exits(0);
            prop_assert_eq!(&ran.err, "");
            let (lines, count) = checked(&ran, &id);
            prop_assert_eq!(lines.len() as u64, count);
            accepted += count;
            lines.iter().for_each(|line| contacts += &format!("{line}\n"));
            reports += &dir.read(&format!("side/report-{id}.ndjson"));
            changes += &dir.read(&format!("side/changes-{id}.ndjson"));
            rejected.extend(fs::read(dir.path(&format!("side/rejects-{id}.ndjson"))).unwrap());
        }
        prop_assert_eq!(contacts.as_bytes(), &out[..]);
        prop_assert_eq!(findings(&reports), findings(&whole.read("report")));
        prop_assert_eq!(findings(&changes), findings(&whole.read("changes")));
        prop_assert_eq!(rejects(&rejected), rejects(&fs::read(whole.path("rejects")).unwrap()));
        let merged = dir.run(&["receipt", "merge", "side", "-o", "receipt.json"]).exits(0);
        prop_assert!(merged.err.contains("403 contacts seen"), "{}", merged.err);
        let (merged, one) = (dir.json("receipt.json"), whole.json("receipt"));
        prop_assert_eq!(counts(&merged), counts(&one));
        prop_assert_eq!(&merged["contacts"]["accepted"], &json!(accepted));
        prop_assert_eq!(&merged["dates"], &one["dates"]);
        prop_assert_eq!(&merged["bytes_read"], &one["bytes_read"]);
    }
}

#[test]
fn a_part_is_the_same_for_any_threads_and_however_often_it_runs() {
    let dir = Dir::new();
    let input = [lines().concat(), many(5000).into_bytes()].concat();
    for options in [&["--side", "side"][..], &["--tagged", "--key", "k"]] {
        let run = |threads: &str| {
            let ran = dir.feed(&worker(&[&["--part", "a", "--threads", threads], options].concat()), &input).exits(0);
            let files: Vec<Vec<u8>> = match dir.path("side").exists() {
                true => {
                    names(&dir.path("side")).iter().map(|name| fs::read(dir.path("side").join(name)).unwrap()).collect()
                }
                false => Vec::new(),
            };
            (ran.out, files)
        };
        let first = run("1");
        for threads in ["1", "2", "5"] {
            assert!(run(threads) == first, "{threads} threads");
        }
    }
    assert_eq!(names(&dir.path("side")), ["changes-a.ndjson", "receipt-a.json", "rejects-a.ndjson", "report-a.ndjson"]);
}

#[test]
fn an_empty_part_is_no_failure() {
    let dir = Dir::new();
    for (i, (input, options)) in [
        ("", &[][..]),
        (" \n\n", &[]),
        ("\u{feff}", &[]),
        ("", &["--map", "auto"]),
        ("", &["--from", "csv"]),
        ("", &["--from", "vcard"]),
        ("", &["--from", "json", "--records", "/a"]),
        ("email,first_name\n", &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let id = i.to_string();
        let ran = dir.feed(&worker(&[options, &["--part", &id, "--side", "side"]].concat()), input.as_bytes()).exits(0);
        assert_eq!(checked(&ran, &id), (vec![], 0), "{input:?}");
        assert_eq!((ran.err.as_str(), dir.read(&format!("side/rejects-{id}.ndjson")).as_str()), ("", ""));
    }
    // Without a part, an empty export is a failed one.
    dir.feed(&["clean", "--format", "ndjson"], b"").exits(2);
}

/// Every line is an object with kind and value, and they are the side files.
#[test]
fn tagged_lines_are_the_side_files() {
    let dir = Dir::new();
    let input = lines().concat();
    let beside = dir.feed(&worker(&["--part", "x", "--side", "side"]), &input).exits(0);
    let tagged = dir.feed(&worker(&["--part", "x", "--tagged"]), &input).exits(0);
    let (lines, count) = checked(&tagged, "x");
    let (mut kinds, mut files) = (Vec::new(), std::collections::BTreeMap::<String, Vec<Value>>::new());
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        let kind = line["kind"].as_str().unwrap().to_owned();
        if kinds.last() != Some(&kind) {
            kinds.push(kind.clone());
        }
        files.entry(kind).or_default().push(line["value"].clone());
    }
    assert_eq!(kinds, ["contact", "finding", "change", "reject", "receipt"]);
    let lines_of = |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let contacts: String = checked(&beside, "x").0.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(files["contact"], lines_of(&contacts));
    assert_eq!(files["contact"].len() as u64, count);
    assert_eq!(files["finding"], dir.lines("side/report-x.ndjson"));
    assert_eq!(files["change"], dir.lines("side/changes-x.ndjson"));
    assert_eq!(files["receipt"], [dir.json("side/receipt-x.json")]);
    // An object is itself, any other line a string.
    let rejects = fs::read(dir.path("side/rejects-x.ndjson")).unwrap();
    let rejects: Vec<Value> = rejects
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| match serde_json::from_slice(line) {
            Ok(object @ Value::Object(_)) => object,
            _ => json!(String::from_utf8_lossy(line)),
        })
        .collect();
    assert_eq!(files["reject"], rejects);
    for text in ["\"a string\"", "{\"email\":\"cut@example.com"] {
        assert!(rejects.contains(&json!(text)), "{text}");
    }
    // For readers that know these two members alone.
    let end: Value = serde_json::from_str(tagged.text().lines().last().unwrap()).unwrap();
    assert_eq!(end["value"]["sha256"], end["sha256"]);
}

/// A contact that is too large to be held is a string as well, whole.
#[test]
fn a_reject_of_any_length_is_one_tagged_line() {
    let dir = Dir::new();
    let long = format!("{{\"email\":\"a@example.com\",\"first_name\":\"{}\"}}\n", "é\u{1f600}\\n".repeat(6 << 20));
    let ran = dir.feed(&worker(&["--part", "x", "--tagged"]), long.as_bytes()).exits(0);
    let reject = ran.text().lines().find(|line| line.starts_with(r#"{"kind":"reject""#)).expect("a reject");
    let reject: Value = serde_json::from_str(reject).unwrap();
    assert!(reject["value"].as_str() == Some(long.trim_end()));
}

#[test]
fn a_key_is_added_and_taken_away() {
    let dir = Dir::new();
    let input =
        "{\"email\":\"Joe@Example.com\",\"sms_number\":\"+16175550101\"}\n{\"sms_number\":\"+1 617 555 0102\"}\n";
    let args = worker(&["--part", "0", "--side", "side", "--key", "dedupe \"key\""]);
    let ran = dir.feed(&args, input.as_bytes()).exits(0);
    let (keyed, _) = checked(&ran, "0");
    assert!(keyed[0].ends_with(r#","dedupe \"key\"":"joe@example.com"}"#), "{}", keyed[0]);
    assert!(keyed[1].starts_with("{\"sms_number\":\"") && keyed.len() == 2);
    let second: Value = serde_json::from_str(keyed[1]).unwrap();
    assert_eq!(second["dedupe \"key\""], second["sms_number"]);
    // Fed back in with the same option, it is gone without a finding, in each mode.
    let keyed = format!("{}\n", keyed.join("\n"));
    let plain = dir.feed(&["clean", "-q", "--format", "ndjson"], input.as_bytes()).exits(0).out;
    let back = ["clean", "-q", "--format", "ndjson", "--key", "dedupe \"key\"", "--report", "-", "-o", "lines"];
    assert_eq!(dir.feed(&back, keyed.as_bytes()).exits(0).text(), "");
    assert_eq!(fs::read(dir.path("lines")).unwrap(), plain);
    let again = dir.feed(&args, keyed.as_bytes()).exits(0);
    assert_eq!(again.out, ran.out);
    // Without the option it is a name that presort does not know, and it says so.
    let ran = dir.feed(&["clean", "-q", "--format", "ndjson", "--report", "-", "-o", "lines-2"], keyed.as_bytes());
    assert_eq!(ran.exits(1).text().matches("CON004").count(), 2);
}

#[test]
fn wrong_options_are_refused() {
    let dir = Dir::new();
    let refused = |args: &[&str], says: &str| {
        dir.run(args).exits(2).says(&[says]);
    };
    let base = ["clean", "--format", "ndjson", "--worker"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    for id in ["", "a b", "a/b", "../x", "a.b", "\u{e9}", &"x".repeat(65)] {
        let args = [&base[..], &["--side", "side", "--part", id]].concat();
        refused(&args, "1 to 64 letters");
    }
    refused(&base, "--part");
    refused(&with(&["--part", "0"]), "--side DIR, or --tagged");
    refused(&with(&["--part", "0", "--side", "s", "--tagged"]), "cannot be used with");
    refused(&["clean", "--worker", "--part", "0", "--side", "s"], "--format ndjson");
    refused(&with(&["--part", "0", "--parts", "0", "--side", "s"]), "1 or more");
    for key in ["email", "cf:x", "home country", "presort", ""] {
        refused(&[&base[..], &["--part", "0", "--side", "s", "--key", key]].concat(), "--key");
    }
    for other in
        [&["--split", "-o", "b"][..], &["-o", "x"], &["--report", "r"], &["--fail-on", "any"], &["--html", "h"]]
    {
        refused(&[&base[..], &["--part", "0", "--side", "s"], other].concat(), "cannot be used with");
    }
    refused(&["clean", "--format", "ndjson", "--part", "0"], "--worker or --split");
    refused(&["clean", "--split", "-o", "b", "--part", "0", "--append"], "cannot be used with");
    assert_eq!(dir.names(), Vec::<String>::new());
}

/// Each of these fails, and leaves no file that looks whole, and no end.
#[test]
fn what_is_not_whole_is_a_failure() {
    let dir = Dir::new();
    let end = |ran: &Ran| String::from_utf8_lossy(&ran.out).contains(r#""kind":"end""#);
    for (input, options) in [
        ("[{\"email\":\"a@example.com\"},{\"email\":", &[][..]),
        ("first,last\nAda,Byron\n", &[]),
        ("email,last\n\"ada@example.com\n", &[]),
        ("{\"email\":\"a@example.com\"}\n", &["--map", "nothere.toml"]),
        ("\u{0}\u{1}\u{2}", &[]),
    ] {
        for how in [&["--side", "side"][..], &["--tagged"]] {
            let ran = dir.feed(&worker(&[options, how, &["--part", "7"]].concat()), input.as_bytes()).exits(2);
            assert!(ran.err.starts_with("presort: error: part 7: ") && ran.err.lines().count() == 1, "{}", ran.err);
            assert!(!end(&ran), "{input}");
        }
    }
    assert_eq!(names(&dir.path("side")), Vec::<String>::new());
    // A disk that is full.
    if Path::new("/dev/full").exists() {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = presort();
        let input = fs::File::open(dir.write("input", many(1))).unwrap();
        command.current_dir(dir.root()).args(worker(&["--part", "7", "--side", "side"]));
        let ran = command.stdin(input).stdout(full).output().unwrap();
        assert_eq!(ran.status.code(), Some(2));
    }
    assert_eq!(names(&dir.path("side")), Vec::<String>::new());
}

/// The job has given this worker up: nothing reads its output any more, and its input ends early for the same reason.
#[test]
fn a_worker_that_nothing_reads_leaves_no_files() {
    let dir = Dir::new();
    for input in [many(10), many(20_000)] {
        let mut child = dir.spawn(presort().args(worker(&["--part", "0", "--side", "side"])));
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        wait(child).exits(2).says(&["part 0"]);
        assert_eq!(names(&dir.path("side")), Vec::<String>::new());
    }
}

#[test]
fn a_worker_that_is_killed_leaves_nothing_that_looks_whole() {
    let dir = Dir::new();
    let whole = dir.feed(&worker(&["--part", "0", "--side", "side"]), lines().concat().as_slice()).exits(0);
    let before: Vec<Vec<u8>> =
        names(&dir.path("side")).iter().map(|name| fs::read(dir.path("side").join(name)).unwrap()).collect();
    for signal in [libc::SIGKILL, libc::SIGTERM] {
        for part in ["0", "1"] {
            let mut child = dir.spawn(presort().args(worker(&["--part", part, "--side", "side"])));
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(&many(2000).into_bytes()).unwrap();
            // It has begun to write.
            let mut some = [0; 100];
            child.stdout.as_mut().unwrap().read_exact(&mut some).unwrap();
            kill(child.id(), signal);
            let done = child.wait_with_output().unwrap();
            assert!(!done.status.success() && !String::from_utf8_lossy(&done.stdout).contains(r#""kind":"end""#));
            drop(stdin);
        }
    }
    // What part 0 wrote before is still that.
    let visible: Vec<String> = names(&dir.path("side")).into_iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(visible, ["changes-0.ndjson", "receipt-0.json", "rejects-0.ndjson", "report-0.ndjson"]);
    let after: Vec<Vec<u8>> = visible.iter().map(|name| fs::read(dir.path("side").join(name)).unwrap()).collect();
    assert!(before == after);
    // It is run again, and takes away what the killed ones left.
    let again = dir.feed(&worker(&["--part", "0", "--side", "side"]), lines().concat().as_slice()).exits(0);
    dir.feed(&worker(&["--part", "1", "--side", "side"]), b"").exits(0);
    assert_eq!(whole.out, again.out);
    assert!(names(&dir.path("side")).iter().all(|name| !name.starts_with('.')), "{:?}", names(&dir.path("side")));
}

#[test]
fn a_part_that_runs_twice_at_once_leaves_one_copy() {
    let dir = Dir::new();
    let input = many(3000);
    let split = ["clean", "-q", "--split", "-o", "bodies", "--part", "p-1", "--list-id", LIST, "--max-contacts", "700"];
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| dir.feed(&worker(&["--part", "p-1", "--side", "side"]), input.as_bytes()).exits(0));
            scope.spawn(|| dir.feed(&split, input.as_bytes()).exits(0));
        }
        // Beside other parts.
        scope.spawn(|| dir.feed(&split.map(|arg| if arg == "p-1" { "p" } else { arg }), input.as_bytes()).exits(0));
    });
    assert_eq!(names(&dir.path("side")).len(), 4);
    let bodies = |id: &str| (1..=5).map(|n| format!("payload-{id}-{n:05}.json")).collect::<Vec<_>>();
    let mut expected = [bodies("p-1"), bodies("p"), vec!["receipt-p-1.json".into(), "receipt-p.json".into()]].concat();
    expected.sort();
    assert_eq!(names(&dir.path("bodies")), expected);
    dir.run(&["receipt", "verify", "bodies"]).exits(0);
}

/// Bodies of parts: named by their part, replaced when it runs again, not left when it fails.
#[test]
fn bodies_of_parts() {
    let dir = Dir::new();
    let split = |part: &str, input: &str, more: &[&str]| {
        let args = ["clean", "-q", "--split", "-o", "bodies", "--part", part, "--parts", "3", "--list-id", LIST];
        dir.feed(&[&args[..], &["--as-of", DAY, "--max-contacts", "10"], more].concat(), input.as_bytes())
    };
    split("0", &many(45), &[]).exits(0);
    split("1", "", &[]).exits(0);
    assert_eq!(names(&dir.path("bodies")).len(), 5 + 1 + 1);
    // Fewer, the second time.
    split("0", &many(25), &[]).exits(0);
    let expected =
        ["payload-0-00001.json", "payload-0-00002.json", "payload-0-00003.json", "receipt-0.json", "receipt-1.json"];
    assert_eq!(names(&dir.path("bodies")), expected);
    // One that fails leaves what was there.
    let broken = format!("[{},{{\"email\"", many(45).trim_end().replace('\n', ","));
    split("0", &broken, &[]).exits(2);
    split("2", &broken, &[]).exits(2);
    assert_eq!(names(&dir.path("bodies")), expected);
    dir.run(&["receipt", "merge", "bodies"]).exits(2).says(&["1 of 3 parts have no receipt: part 2"]);
    let ran = dir.run(&["receipt", "verify", "bodies"]).exits(1);
    assert!(ran.text().contains("part 2"), "{}", ran.text());
    split("2", &many(3), &[]).exits(0);
    dir.run(&["receipt", "merge", "bodies", "-o", "bodies/receipt.json"]).exits(0).says(&["28 accepted", "4 bodies"]);
    dir.run(&["receipt", "merge", "bodies", "-o", "bodies/receipt.json"]).exits(2).says(&["--force"]);
    let ran = dir.run(&["receipt", "verify", "bodies"]).exits(0);
    assert!(ran.text().starts_with("4 bodies with 28 contacts"), "{}", ran.text());
    let receipt = dir.json("bodies/receipt.json");
    assert_eq!(receipt["merged"], json!(["0", "1", "2"]));
    // A contact of the last part leads to the input of that part.
    let found = dir.run(&["where", "bodies/payload-2-00001.json", "2", "--format", "json"]).exits(0).json();
    assert_eq!(found["contact"], 2);
    assert_eq!(receipt["input"][receipt["payloads"][3]["from"][0]["input"].as_u64().unwrap() as usize]["part"], "2");
    // A run of the whole does not mix its bodies in.
    let whole = ["clean", "-q", "--split", "-o", "bodies", "--list-id", LIST];
    dir.feed(&whole, many(1).as_bytes()).exits(2).says(&["holds 4 bodies"]);
    dir.feed(&[&whole[..], &["--replace"]].concat(), many(1).as_bytes()).exits(0);
    assert_eq!(names(&dir.path("bodies")), ["payload-00001.json", "receipt.json"]);
}

#[cfg(feature = "account")]
#[test]
fn bodies_of_parts_are_imported_with_the_receipt_of_all() {
    let dir = two_steps();
    dir.run(&["account", "init", "my.account"]).exits(0);
    let import = ["import", "bodies", "--account", "my.account", "-q"];
    dir.run(&import).exits(2).says(&["presort receipt merge bodies -o bodies/receipt.json"]);
    dir.run(&["receipt", "merge", "bodies", "-o", "bodies/receipt.json"]).exits(0);
    // The list is none of this account.
    let list = dir.run(&["account", "lists", "add", "News", "--account", "my.account"]).exits(0);
    let id =
        list.text().split(['"', ' ', '\n']).find(|word| word.len() == LIST.len()).expect("the id of a list").to_owned();
    let activity = dir.run(&[&import[..], &["--list-id", &id]].concat()).exits(0);
    assert!(activity.text().contains("completed"), "{}", activity.text());
}

/// Three parts, as workers and as bodies, with one contact that two parts have.
fn two_steps() -> Dir {
    let dir = Dir::new();
    for (part, input) in [("0", many(5)), ("1", String::new()), ("2", many(1))] {
        let ran = dir.feed(&worker(&["--part", part, "--side", "side", "--key", "k"]), input.as_bytes()).exits(0);
        // The job drops the contact that part 0 has.
        let lines = if part == "2" { String::new() } else { checked(&ran, part).0.join("\n") };
        let split = ["clean", "-q", "--split", "-o", "bodies", "--part", part, "--list-id", LIST, "--key", "k"];
        dir.feed(&[&split[..], &["--as-of", DAY]].concat(), lines.as_bytes()).exits(0);
    }
    dir
}

#[test]
fn two_steps_add_up() {
    let dir = two_steps();
    dir.run(&["receipt", "merge", "bodies", "side"]).exits(2).says(&["accepted 6", "got 5", "--duplicates"]);
    dir.run(&["receipt", "merge", "side", "--duplicates", "1"]).exits(2).says(&["both"]);
    let merged = dir.run(&["receipt", "merge", "bodies", "side", "--duplicates", "1"]).exits(0).json();
    let contacts = &merged["contacts"];
    assert_eq!(
        [&contacts["seen"], &contacts["accepted"], &contacts["rejected"], &contacts["duplicates"]],
        [6, 5, 1, 1]
    );
    assert_eq!((&merged["findings"]["DUP001"], &merged["duplicates_between_parts"]), (&json!(1), &json!(1)));
    assert_eq!((&merged["options"]["list_ids"], merged["payloads"].as_array().unwrap().len()), (&json!([LIST]), 1));
    let input = merged["payloads"][0]["from"][0]["input"].as_u64().unwrap() as usize;
    assert_eq!((input, &merged["input"][input]["part"]), (3, &json!("0")));
}

#[test]
fn receipts_of_other_jobs_are_refused() {
    let dir = two_steps();
    let refused = |args: &[&str], says: &[&str]| {
        dir.run(&[&["receipt", "merge"], args].concat()).exits(2).says(says);
    };
    refused(&["side", "side/receipt-0.json"], &["both of part 0"]);
    refused(&["nothere"], &["nothere"]);
    refused(&["."], &["has no receipt-ID.json"]);
    dir.feed(&worker(&["--part", "9", "--side", "side", "--truncate"]), b"").exits(0);
    refused(&["side"], &["options.truncate is true in side/receipt-9.json", "false in side/receipt-0.json"]);
    dir.feed(&worker(&["--part", "9", "--side", "side", "--opted-out", "keep"]), b"").exits(0);
    refused(&["side"], &["options.opted_out is \"keep\" in side/receipt-9.json"]);
    dir.feed(&worker(&["--part", "9", "--side", "side", "--parts", "4"]), b"").exits(0);
    refused(&["side"], &["parts is 4", "null"]);
    dir.feed(&["clean", "-q", "--format", "ndjson", "--receipt", "whole.json"], many(1).as_bytes()).exits(0);
    refused(&["whole.json"], &["--part ID"]);
    dir.write("receipt-x.json", "[]");
    refused(&["receipt-x.json"], &["is not a receipt"]);
    let mut changed = dir.json("side/receipt-0.json");
    changed["contacts"]["accepted"] = json!(4);
    dir.write("receipt-x.json", changed.to_string());
    refused(&["receipt-x.json"], &["does not add up"]);
    // Too many, and ids that are no numbers.
    for (parts, ids, says) in
        [("2", &["a", "b", "c"][..], "3 receipts of 2"), ("4", &["a", "b"], "2 of 4 parts have no receipt;")]
    {
        let side = format!("side-{parts}");
        for id in ids {
            dir.feed(&worker(&["--part", id, "--side", &side, "--parts", parts]), b"").exits(0);
        }
        refused(&[&side], &[says]);
    }
}

#[test]
fn bodies_that_were_tampered_with_are_found() {
    let found = |change: &dyn Fn(&Dir), says: &str| {
        let dir = two_steps();
        let args = ["receipt", "merge", "bodies", "-o", "bodies/receipt.json"];
        dir.run(&args).exits(0);
        dir.run(&["receipt", "verify", "bodies"]).exits(0);
        change(&dir);
        let ran = dir.run(&["receipt", "verify", "bodies"]).exits(1);
        assert!(ran.text().contains(says) && ran.text().lines().count() == 1, "{says}: {}", ran.text());
        let json = dir.run(&["receipt", "verify", "bodies", "--format", "json"]).exits(1).json();
        assert!(json["wrong"][0]["what"].as_str().unwrap().contains(says));
    };
    const BODY: &str = "bodies/payload-0-00001.json";
    found(&|dir| fs::remove_file(dir.path(BODY)).unwrap(), "missing");
    found(&|dir| drop(dir.write(BODY, dir.read(BODY).replace("person0000001", "person1000001"))), "SHA-256");
    found(&|dir| drop(dir.write(BODY, dir.read(BODY) + " ")), "bytes");
    found(&|dir| drop(dir.write("bodies/payload-7-00001.json", "{}")), "no receipt names it");
    let limits = |dir: &Dir, name: &str, limit: u64| {
        for receipt in ["bodies/receipt-0.json", "bodies/receipt.json"] {
            let mut json = dir.json(receipt);
            json["limits"][name] = json!(limit);
            dir.write(receipt, json.to_string());
        }
    };
    found(&|dir| limits(dir, "max_bytes", 100), "smaller than 100");
    found(&|dir| limits(dir, "max_contacts", 4), "5 contacts");
    let dir = Dir::new();
    fs::create_dir(dir.path("empty")).unwrap();
    dir.run(&["receipt", "verify", "empty"]).exits(2).says(&["has no receipt.json"]);
    dir.run(&["receipt", "verify", "nothere"]).exits(2);
}

/// Rows of a table: a part with its header is read, one without is an error and not silence.
#[test]
fn parts_of_tables() {
    let dir = Dir::new();
    let table = "Email Address,First Name,Home Phone\nada@example.com,Ada,617-555-0101\nnobody,No,x\n";
    let ran = dir.feed(&worker(&["--part", "0", "--side", "side"]), table.as_bytes()).exits(0);
    assert_eq!(checked(&ran, "0").1, 1);
    // Rejects of all parts are one format.
    assert_eq!(dir.lines("side/rejects-0.ndjson")[0]["Email Address"], "nobody");
    let rows = "ada@example.com,Ada,617-555-0101\nbob@example.com,Bob,617-555-0102\n";
    dir.feed(&worker(&["--part", "1", "--side", "side"]), rows.as_bytes()).exits(2).says(&["names of the columns"]);
    // As Spark hands rows over.
    let rows = "{\"Email Address\":\"ada@example.com\",\"First Name\":\"Ada\",\"Home Phone\":null}\n";
    let ran = dir.feed(&worker(&["--part", "2", "--tagged", "--map", "auto"]), rows.as_bytes()).exits(0);
    assert!(ran.text().starts_with(r#"{"kind":"contact","value":{"email":"ada@example.com","first_name":"Ada"}}"#));
}
