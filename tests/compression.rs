//! Input that is compressed, and directories as inputs, from outside.

#![cfg(all(feature = "cli", feature = "compression"))]

mod common;

use common::{Dir, LIST, Ran, body, many, presort};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::Stdio;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn clean(dir: &Dir, args: &[&str], stdin: Option<&[u8]>) -> Ran {
    let args = [&["clean", "--format", "ndjson", "--as-of", "2026-01-01"][..], args].concat();
    dir.feed(&args, stdin.unwrap_or_default())
}

/// The documents of an export in every shape.
fn shapes() -> Vec<(&'static str, String)> {
    let lines = many(3000);
    let list: Vec<&str> = lines.lines().collect();
    let array = format!("[{}]", list.join(",\n"));
    vec![
        ("body", body(&list.join(","))),
        ("late", format!("{{\"import_data\":{array},\"list_ids\":[\"{LIST}\"]}}")),
        ("wrapped", format!("{{\"results\":{array},\"total\":3000}}")),
        ("array", array),
        ("ndjson", lines + "not json\n{\"email\":\"last@example.com\"}"),
    ]
}

#[test]
fn every_shape_from_file_and_pipe_is_as_the_plain_file() {
    let dir = Dir::new();
    for (shape, text) in shapes() {
        dir.write("plain", &text);
        let plain = clean(&dir, &["plain", "--rejects", "plain.rejects", "--force"], None);
        let (middle, bytes) = (text.len() / 2, text.as_bytes());
        let members = [gzip(&bytes[..middle]), gzip(b""), gzip(&bytes[middle..]), vec![0; 512]].concat();
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
        let frames = [&skipped[..], &zstd(&bytes[..middle]), skipped, &zstd(&bytes[middle..])].concat();
        for (kind, packed) in [
            ("gzip", gzip(bytes)),
            ("zstd", zstd(bytes)),
            ("gzip", members),
            ("zstd", frames),
            ("gzip", gzip(&utf16(&text))),
            ("zstd", zstd(&utf16(&text))),
        ] {
            dir.write("packed", &packed);
            for threads in ["1", "2"] {
                let args = ["-t", threads, "--force", "--rejects", "rejects", "--receipt", "receipt"];
                let file = clean(&dir, &[&["packed"][..], &args].concat(), None);
                assert_eq!((file.code(), &file.out), (plain.code(), &plain.out), "{shape} {kind}: {}", file.err);
                let note = |name: &str| dir.read(name).replace("\"packed\"", "\"plain\"");
                assert_eq!(note("rejects"), note("plain.rejects"), "{shape}");
                let receipt = dir.json("receipt");
                let input = &receipt["input"][0];
                assert_eq!((&input["compression"], &input["spooled"]), (&kind.into(), &false.into()), "{shape}");
                assert_eq!((&input["bytes_read"], &input["bytes_total"]), (&packed.len().into(), &packed.len().into()));
                assert_eq!(
                    (&input["bytes_decoded"], &receipt["bytes_decoded"]),
                    (&text.len().into(), &text.len().into())
                );

                let pipe = clean(&dir, &args, Some(&packed));
                assert_eq!(
                    (pipe.code(), &pipe.out),
                    (plain.code(), &plain.out),
                    "{shape} {kind}, a pipe: {}",
                    pipe.err
                );
            }
            let mut command = presort();
            command.args(["clean", "--format", "ndjson", "--as-of", "2026-01-01"]).current_dir(dir.root());
            command.stdin(fs::File::open(dir.path("packed")).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let redirected = common::wait(command.spawn().unwrap());
            assert_eq!((redirected.code(), &redirected.out), (plain.code(), &plain.out), "{shape} {kind}, redirected");
        }
    }
}

#[test]
fn mixed_inputs_are_one_run() {
    let dir = Dir::new();
    let line = |name: &str| format!("{{\"email\":\"{name}@example.com\"}}\n");
    dir.write("a", line("a"));
    dir.write("b", gzip(line("b").as_bytes()));
    dir.write("c", zstd(format!("[{}]", line("c")).as_bytes()));
    dir.write("d", gzip(&utf16(&line("d"))));
    dir.write("e", gzip(b""));
    let ran = clean(&dir, &["a", "b", "-", "c", "e", "d", "--receipt", "receipt"], Some(&gzip(line("p").as_bytes())));
    let ran = ran.exits(0);
    let emails: Vec<String> = ran
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["email"].as_str().unwrap()[..1].to_owned())
        .collect();
    assert_eq!(emails, ["a", "b", "p", "c", "d"]);
    let receipt = dir.json("receipt");
    let kinds: Vec<Option<&str>> =
        receipt["input"].as_array().unwrap().iter().map(|input| input["compression"].as_str()).collect();
    assert_eq!(kinds, [None, Some("gzip"), Some("gzip"), Some("zstd"), Some("gzip"), Some("gzip")]);
    let read: u64 =
        receipt["input"].as_array().unwrap().iter().map(|input| input["bytes_read"].as_u64().unwrap()).sum();
    assert_eq!(receipt["bytes_read"], read);
    assert!(receipt["bytes_decoded"].as_u64() != Some(read));
}

#[test]
fn a_summary_says_what_it_was() {
    let dir = Dir::new();
    dir.write("export.json.gz", gzip(many(3).as_bytes()));
    clean(&dir, &["export.json.gz"], None).exits(0).says(&["export.json.gz (ndjson, gzip)"]);
}

/// What was complete in a file that is cut off anywhere is written, and the run fails.
#[test]
fn a_file_that_is_cut_off_anywhere() {
    let dir = Dir::new();
    let text = (0..40).map(|i| format!("{{\"email\":\"p{}@example.com\"}}\n", i * 7919 % 1000)).collect::<String>();
    let whole = clean(&dir, &[], Some(text.as_bytes())).exits(0).out;
    for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let mut most = 0;
        // Every tenth prefix, the first ones and the last ones.
        let some = |len: &usize| len.is_multiple_of(10) || *len < 14 || packed.len() - len < 14;
        for len in (0..packed.len()).filter(some) {
            dir.write("in", &packed[..len]);
            let file = clean(&dir, &["in", "-t", "2", "--receipt", "receipt", "--force"], None);
            assert_eq!(file.code(), 2, "{len}: {}", file.err);
            assert!(whole.starts_with(&file.out) && file.out.last().is_none_or(|byte| *byte == b'\n'), "{len}");
            // Nothing is lost that could be unpacked.
            let mut there = Vec::new();
            let _ = std::io::copy(&mut decoder(&packed[..len]), &mut there);
            let complete = there.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(file.out.iter().filter(|byte| **byte == b'\n').count(), complete, "{len}: {}", file.err);
            if complete > 0 {
                assert!(file.err.contains("data is cut off: at byte"), "{}", file.err);
                let receipt = dir.json("receipt");
                assert_eq!(receipt["contacts"]["accepted"], complete);
                assert!(receipt["stopped"]["message"].as_str().unwrap().contains("cut off"), "{receipt}");
            }
            let pipe = clean(&dir, &[], Some(&packed[..len])).exits(2);
            assert_eq!(pipe.out, file.out, "{len}");
            most = most.max(complete);
        }
        assert_eq!(most, 40, "the checksum alone is missing at the end");
    }
}

fn decoder(packed: &[u8]) -> Box<dyn std::io::Read + '_> {
    match packed.first() {
        Some(0x1f) => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        _ => Box::new(zstd::stream::read::Decoder::new(packed).unwrap()),
    }
}

/// A cut-off array or body ends as a cut-off plain one: what was complete before stands.
#[test]
fn other_shapes_that_are_cut_off() {
    let dir = Dir::new();
    for (shape, text) in shapes() {
        for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
            let packed = &packed[..packed.len() * 9 / 10];
            dir.write("in", packed);
            let file = clean(&dir, &["in"], None).exits(2).says(&["data is cut off"]);
            let pipe = clean(&dir, &[], Some(packed)).exits(2).says(&["data is cut off"]);
            assert_eq!(file.out, pipe.out, "{shape}");
            let lines = file.text().lines().count();
            assert!(lines > 1000 && lines < 3000, "{shape}: {lines}");
        }
    }
}

#[test]
fn damage_is_named() {
    let dir = Dir::new();
    let line = b"{\"email\":\"a@example.com\"}\n";
    let mut sum = gzip(line);
    let at = sum.len() - 6;
    sum[at] ^= 1;
    let mut frame = zstd(line);
    let at = frame.len() - 2;
    frame[at] ^= 1;
    for (packed, says) in [
        (sum, "the gzip data is broken ("),
        (frame, "the zstd data is broken ("),
        ([gzip(line), b"\0\0\0x".to_vec()].concat(), "other data follows the gzip data"),
        ([zstd(line), b"{\"email\":\"b@example.com\"}".to_vec()].concat(), "other data follows the zstd data"),
        ([gzip(line), gzip(line)[..9].to_vec()].concat(), "the gzip data is cut off"),
    ] {
        dir.write("in", &packed);
        let ran = clean(&dir, &["in"], None).exits(2).says(&["in: ", says]);
        assert_eq!(ran.out, b"{\"email\":\"a@example.com\"}\n", "{says}");
    }
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(line).unwrap();
    dir.write("in", encoder.finish().unwrap());
    clean(&dir, &["in"], None).exits(2).says(&["more than 128 MiB of memory", "zstd -d --long=31"]);
}

#[test]
fn what_is_not_unpacked_is_named() {
    let dir = Dir::new();
    dir.write("twice", gzip(&gzip(b"{\"email\":\"a@example.com\"}\n")));
    clean(&dir, &["twice"], None).exits(2).says(&["twice: this is compressed with gzip: unpack it first"]);
    dir.write("zip", gzip(b"PK\x03\x04\x14\0\0\0\0\0\0\0"));
    clean(&dir, &["zip"], None).exits(2).says(&["zip archive"]);
    dir.write("plain", gzip(b"hello"));
    clean(&dir, &["plain"], None).exits(2).says(&["expected a request body"]);
    dir.write("empty", gzip(b""));
    clean(&dir, &["empty"], None).exits(2).says(&["the input is empty"]);
    dir.write("spooled", zstd(b"\n\n"));
    clean(&dir, &["spooled"], None).exits(2).says(&["nothing but white space"]);
}

/// Memory of the largest run of this test, in KiB.
#[cfg(target_os = "linux")]
fn peak(command: &mut std::process::Command) -> (Ran, i64) {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ran = common::wait(child);
    // SAFETY: an all-zero rusage is a value, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    (ran, usage.ru_maxrss)
}

/// A gigabyte that holds nothing ends early, in little memory.
#[cfg(target_os = "linux")]
#[test]
fn bombs_end_early() {
    let dir = Dir::new();
    let filled = |byte: u8, before: &[u8]| {
        let block = vec![byte; 1 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(before).unwrap();
        (0..1024).for_each(|_| gzip.write_all(&block).unwrap());
        gzip.finish().unwrap()
    };
    let contact = b"{\"email\":\"a@example.com\"}\n";
    for (bomb, code, says) in [
        (filled(0, b""), 2, "binary data"),
        (filled(b' ', b""), 2, "16777216 bytes were unpacked without a contact"),
        (filled(b'\n', contact), 2, "16777216 bytes were unpacked without a contact"),
        (filled(b'x', contact), 2, "16777216 bytes were unpacked without a contact"),
        (filled(b' ', b"[{\"email\":\"a@example.com\"},"), 2, "16777216 bytes were unpacked without a contact"),
        (filled(b'x', b"[{\"email\":\"a@example.com\"},\""), 2, "16777216 bytes"),
    ] {
        dir.write("bomb", &bomb);
        let mut command = presort();
        command.current_dir(dir.root()).args([
            "clean",
            "--format",
            "ndjson",
            "-t",
            "2",
            "bomb",
            "--rejects",
            "-",
            "-o",
            "out",
            "--force",
        ]);
        let (ran, peak) = peak(&mut command);
        let ran = ran.exits(code).says(&[says]);
        assert!(ran.out.len() < 1 << 20, "{}", ran.out.len());
        assert!(peak < 150 << 10, "{peak} KiB");
    }
}

#[test]
fn a_compressed_file_that_grows_is_a_change() {
    let table: String = (0..200_000).map(|i| format!("c{i}@example.com\n")).collect();
    for (text, more) in [(many(200_000), "{}\n"), (format!("email\n{table}"), "x@example.com\n")] {
        let dir = Dir::new();
        dir.write("in", gzip(text.as_bytes()));
        let mut command = presort();
        command.args(["clean", "--format", "ndjson", "in", "-", "-o", "out"]);
        let mut child = dir.spawn(&mut command);
        // The run holds the file open, and waits for the pipe.
        let mut pipe = child.stdin.take().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        fs::File::options().append(true).open(dir.path("in")).unwrap().write_all(&gzip(more.as_bytes())).unwrap();
        pipe.write_all(b"{\"email\":\"a@example.com\"}\n").unwrap();
        drop(pipe);
        common::wait(child).exits(2).says(&["the file changed while it was read"]);
        assert!(!dir.path("out").exists());
    }
}

#[test]
fn the_rejects_and_lists_beside_it() {
    let dir = Dir::new();
    dir.write("list.gz", gzip(b"a@example.com\n"));
    dir.write("list.json.zst", zstd(b"[{\"email\":\"b@example.com\"}]"));
    let input = b"{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n{\"email\":\"c@example.com\"}\n";
    let ran = clean(&dir, &["--suppress", "list.gz", "--suppress", "list.json.zst"], Some(input)).exits(1);
    assert_eq!(ran.text(), "{\"email\":\"c@example.com\"}\n");
}

#[test]
fn map_and_check_and_one_body_unpack_as_well() {
    let dir = Dir::new();
    dir.write("in", gzip(b"{\"E-mail\":\"a@example.com\",\"Given name\":\"Ann\"}\n"));
    assert!(dir.run(&["map", "in"]).exits(0).text().contains("\"E-mail\" = \"email\""));
    dir.write("body", zstd(body("{\"email\":\"a@example.com\"}").as_bytes()));
    dir.run(&["check", "body"]).exits(0);
    let one = dir.run(&["clean", "body"]).exits(0);
    assert_eq!(one.json()["import_data"][0]["email"], "a@example.com");
    // A body ends at its limit in unpacked bytes.
    let big = body(&many(60_000).lines().collect::<Vec<_>>().join(","));
    dir.write("big", gzip(big.as_bytes()));
    dir.write("plain", &big);
    let (big, plain) = (dir.run(&["clean", "big"]).exits(1), dir.run(&["clean", "plain"]).exits(1));
    assert_eq!(big.out, plain.out);
}

#[cfg(feature = "account")]
#[test]
fn import_takes_what_the_service_takes() {
    let dir = Dir::new();
    dir.write("body.json.gz", gzip(body("{\"email\":\"a@example.com\"}").as_bytes()));
    dir.run(&["account", "init", "account.db"]).exits(0);
    let import = dir.run(&["import", "body.json.gz", "--account", "account.db"]);
    import.says(&["compressed with gzip: unpack it first"]);
}

/// Directories stand for the files in them.
mod directories {
    use super::*;

    fn line(name: &str) -> String {
        format!("{{\"email\":\"{name}@example.com\"}}\n")
    }

    fn directory() -> Dir {
        let dir = Dir::new();
        fs::create_dir(dir.path("in")).unwrap();
        dir.write("in/b.json", format!("[{}]", line("b")));
        dir.write("in/a.ndjson.gz", gzip(line("a").as_bytes()));
        dir.write("in/c", zstd(line("c").as_bytes()));
        dir.write("in/.hidden", line("hidden"));
        dir
    }

    #[test]
    fn files_in_the_order_of_their_names() {
        let dir = directory();
        let ran = clean(&dir, &["in"], None).exits(0);
        assert_eq!(ran.text(), line("a") + &line("b") + &line("c"));
        assert!(!ran.err.contains("warning"), "{}", ran.err);
        dir.write("z", line("z"));
        let ran = clean(&dir, &["z", "in/"], None).exits(0);
        assert_eq!(ran.text(), line("z") + &line("a") + &line("b") + &line("c"));
        dir.run(&["check", "in"]).exits(0).says(&["3 inputs", "3 contacts seen"]);
        dir.run(&["clean", "in"]).exits(2).says(&["one request body has one input"]);
        dir.run(&["map", "in"]).exits(2).says(&["3 files in this directory", "like in/a.ndjson.gz"]);
    }

    #[test]
    fn other_files_are_named() {
        let dir = directory();
        dir.write("in/logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        dir.write("in/empty", "");
        dir.write("in/all.tar.xz", b"\xfd7zXZ\0\0\x04\0\0\0\0");
        fs::create_dir(dir.path("in/old")).unwrap();
        dir.write("in/old/d", line("d"));
        let says = [
            "presort: warning: in/all.tar.xz was left out: this is compressed with xz",
            "in/empty was left out: the input is empty",
            "in/logo.png was left out: ",
            "in/old was left out: it is a directory",
        ];
        let ran = clean(&dir, &["in", "--receipt", "receipt"], None).exits(0).says(&says);
        assert_eq!(ran.text(), line("a") + &line("b") + &line("c"));
        let receipt = dir.json("receipt");
        let names: Vec<&str> =
            receipt["skipped"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["in/all.tar.xz", "in/empty", "in/logo.png", "in/old"]);
        assert!(receipt["skipped"][1]["reason"].as_str().unwrap().contains("empty"));
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        let dir = Dir::new();
        fs::create_dir(dir.path("in")).unwrap();
        clean(&dir, &["in"], None).exits(2).says(&["in is an empty directory"]);
        dir.write("in/.hidden", line("a"));
        clean(&dir, &["in"], None).exits(2).says(&["in is an empty directory"]);
        dir.write("in/notes.txt", "hello");
        clean(&dir, &["in"], None).exits(2).says(&["no file in this directory has contacts; in/notes.txt: "]);
        // A damaged file is not passed over.
        dir.write("in/a.gz", &gzip(line("a").as_bytes())[..20]);
        clean(&dir, &["in"], None).exits(2).says(&["the gzip data is cut off"]);
    }

    #[test]
    fn what_presort_wrote_there_is_no_contact() {
        let dir = directory();
        dir.write("in/d", "{\"email\":\"d@example.com\",\"phone\":\"12345\"}\n{\"first_name\":\"Nobody\"}\n");
        let beside = [
            "--report",
            "in/r1",
            "--changes",
            "in/r2",
            "--receipt",
            "in/r3.json",
            "--rejects",
            "rejects",
            "-o",
            "in/out",
        ];
        let first = clean(&dir, &[&["in"][..], &beside].concat(), None).exits(1);
        let cleaned = dir.read("in/out");
        // Its own outputs are none of its inputs, even when they are there.
        let again = clean(&dir, &[&["in", "--force"][..], &beside].concat(), None).exits(1);
        assert_eq!(dir.read("in/out"), cleaned);
        assert!(!again.err.contains("left out") && !first.err.contains("left out"), "{}", again.err);
        // To another run they are files like any other: what has no contacts is left out.
        fs::remove_file(dir.path("in/out")).unwrap();
        let other = clean(&dir, &["in"], None).exits(1);
        other.says(&["in/r1 was left out: it is a report or ledger", "in/r3.json was left out: it is a receipt"]);
    }

    #[test]
    fn bodies_do_not_go_where_they_come_from() {
        let dir = directory();
        let split = ["clean", "--split", "--list-id", LIST, "-o"];
        dir.run(&[&split[..], &["in", "in"]].concat()).exits(2).says(&["in is an input, and would get the bodies"]);
        dir.run(&[&split[..], &["./in/", "in", "--replace"]].concat()).exits(2).says(&["is an input"]);
        dir.run(&[&split[..], &["in/bodies", "in"]].concat()).exits(0);
        // Bodies are contacts, and their receipt is not.
        let again = clean(&dir, &["in/bodies"], None).exits(0).says(&["in/bodies/receipt.json was left out"]);
        assert_eq!(again.text(), line("a") + &line("b") + &line("c"));
    }
}
