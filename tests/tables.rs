//! Tables of delimited text from outside: dialects, headers, what is wrong with rows, rejects that come back.

#![cfg(feature = "cli")]

mod common;

use common::{Dir, Ran};
use serde_json::{Value, json};
use std::fs;

const OUTPUTS: [&str; 5] = ["out", "report", "changes", "rejects", "receipt"];

/// Cleans a table to lines: from a file and from a pipe, in one thread and in two. All must give the same.
#[track_caller]
fn clean(dir: &Dir, input: impl AsRef<[u8]>, options: &[&str]) -> Ran {
    dir.write("in", input.as_ref());
    let mut runs = Vec::new();
    for (threads, is_pipe) in [("1", false), ("2", false), ("2", true)] {
        OUTPUTS.iter().for_each(|name| {
            let _ = fs::remove_file(dir.path(name));
        });
        let mut args = vec!["clean", "--format", "ndjson", "-o", "out", "--threads", threads];
        args.extend(["--report", "report", "--changes", "changes", "--rejects", "rejects", "--receipt", "receipt"]);
        args.extend(options);
        let ran = if is_pipe { dir.feed(&args, input.as_ref()) } else { dir.run(&[&args[..], &["in"]].concat()) };
        let read = |name: &&str| {
            let text = String::from_utf8_lossy(&fs::read(dir.path(name)).unwrap_or_default()).into_owned();
            text.replace("\"standard input\"", "\"in\"").replace("standard input", "in")
        };
        let files: Vec<String> = OUTPUTS[..4].iter().map(read).collect();
        runs.push((ran.code(), files, ran));
    }
    let (code, files, ran) = runs.remove(1);
    for (other_code, other_files, other) in &runs {
        assert_eq!((other_code, other_files), (&code, &files), "{}\n{}", ran.err, other.err);
    }
    // The files of the last run are those of the pipe; the receipt of a file has more.
    dir.run(
        &[&["clean", "--format", "ndjson", "-o", "out", "--force", "--receipt", "receipt", "in"], options].concat(),
    );
    ran
}

fn out(dir: &Dir) -> Vec<Value> {
    dir.lines("out")
}

fn text(dir: &Dir, name: &str) -> String {
    fs::read_to_string(dir.path(name)).unwrap()
}

#[test]
fn one_contact_in_every_dialect() {
    let dir = Dir::new();
    let contact = json!({"email": "ana@example.com", "first_name": "Ana, B", "city": "São Paulo"});
    for input in [
        "email,first_name,city\nana@example.com,\"Ana, B\",São Paulo\n",
        "email,first_name,city\nana@example.com,\"Ana, B\",São Paulo",
        "\u{feff}email;first_name;city\r\nana@example.com;Ana, B;São Paulo\r\n",
        "email\tfirst_name\tcity\rana@example.com\tAna, B\tSão Paulo\r",
        "Email|First Name|City\nana@example.com|Ana, B|São Paulo\n",
        "sep=;\r\nE-Mail;First Name;City\r\nana@example.com;\"Ana, B\";São Paulo\r\n",
        "Contacts of 2026, all\n\n,,\nEmail,First Name,City\nana@example.com,\"Ana, B\",São Paulo\n",
        "\"email\" , \"first_name\" , \"city\"\nana@example.com , \"Ana, B\" , \"São Paulo\"\n",
        "\n\nemail,first_name,city\n\n,,\nana@example.com,\"Ana, B\",São Paulo\n,,\n\n",
    ] {
        clean(&dir, input, &[]).exits(0);
        assert_eq!(out(&dir), std::slice::from_ref(&contact), "{input:?}");
        assert_eq!(dir.json("receipt")["input"][0]["shape"], "csv");
    }
    // Two bytes a character, as spreadsheets write Unicode text.
    let wide: Vec<u8> = "\u{feff}email\tfirst_name\tcity\r\nana@example.com\tAna, B\tSão Paulo\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    clean(&dir, wide, &[]).exits(0);
    assert_eq!(out(&dir), [contact]);
}

#[test]
fn cells_are_what_a_spreadsheet_shows() {
    let dir = Dir::new();
    let table = "email,company_name,street,zip,cf:Tier,birthday_month,birthday_day\n\
                 a@example.com,\"The \"\"Best\"\" Co\",\"1 Elm St\nApt 2\",\"=\"\"02139\"\"\",gold,2,3\n\
                 b@example.com,5\" Pipe \"Works\",C:\\x,'02139,,02,30\n";
    clean(&dir, table, &["--bad-field", "hold"]).exits(1);
    assert_eq!(
        out(&dir),
        [
            json!({"email": "a@example.com", "company_name": "The \"Best\" Co", "street": "1 Elm St Apt 2", "zip": "02139",
                   "cf:Tier": "gold", "birthday_month": 2, "birthday_day": 3}),
            json!({"email": "b@example.com", "company_name": "5\" Pipe \"Works\"", "street": "C:\\x", "zip": "02139"}),
        ]
    );
    // An empty cell is no value, and there is nothing to say about it.
    clean(&dir, "email,first_name,phone\na@example.com,,\nb@example.com, ,\"\"\n", &[]).exits(0);
    assert_eq!(out(&dir), [json!({"email": "a@example.com"}), json!({"email": "b@example.com"})]);
    assert_eq!((text(&dir, "report"), text(&dir, "changes")), (String::new(), String::new()));
}

#[test]
fn positions_are_those_of_the_file() {
    let dir = Dir::new();
    let table = "Title\r\n\r\nEmail,Note\r\n\"a@example.com\",\"x\r\ny\"\r\n\r\nbad,\r\n,only a note\r\n";
    clean(&dir, table, &[]).exits(1);
    let lines = dir.lines("report");
    let found: Vec<_> =
        lines.iter().map(|line| (&line["contact"], &line["line"], &line["offset"], &line["column"])).collect();
    assert_eq!(
        found,
        [
            (&json!(1), &json!(7), &json!(table.find("bad").unwrap()), &json!("Email")),
            (&json!(2), &json!(8), &json!(table.find(",only").unwrap()), &Value::Null)
        ]
    );
}

#[test]
fn short_and_long_rows() {
    let dir = Dir::new();
    let table = "email,first_name,last_name\na@example.com\nb@example.com,Bo\nc@example.com,Cy,Smith,,\n\
                 d@example.com,Di,Jones, MD\n";
    clean(&dir, table, &[]).exits(1).says(&["3 accepted, 1 rejected", "TAB001"]);
    assert_eq!(
        out(&dir),
        [
            json!({"email": "a@example.com"}),
            json!({"email": "b@example.com", "first_name": "Bo"}),
            json!({"email": "c@example.com", "first_name": "Cy", "last_name": "Smith"})
        ]
    );
    let wide = format!("email,x\na@example.com{}\nb@example.com,1\n", ",y".repeat(100_000));
    clean(&dir, wide, &[]).exits(1).says(&["TAB001", "line 2, contact 0"]);
    assert_eq!(out(&dir).len(), 1);
    let header = format!("email{}\na@example.com\n", ",y".repeat(100_000));
    clean(&dir, header, &[]).exits(2).says(&["100001 columns", "at most 10000"]);
}

#[test]
fn what_is_no_table_of_contacts() {
    let dir = Dir::new();
    clean(&dir, "email,name\n", &[]).exits(0).says(&["0 contacts"]);
    clean(&dir, "", &[]).exits(2).says(&["empty"]);
    clean(&dir, "x,y\n1,2\n", &[]).exits(2).says(&["none of the first 20 rows", "\"x,y\"", "--rename"]);
    clean(&dir, "joe@example.com,Joe\nann@example.com,Ann\n", &[]).exits(2).says(&["the first row is a contact"]);
    clean(&dir, "joe@example.com\nann@example.com\n", &[]).exits(2).says(&["the first row is a contact"]);
    let late = format!("{}email,x\na@example.com,1\n", "a,b\n".repeat(20));
    clean(&dir, late, &[]).exits(2).says(&["none of the first 20 rows"]);
    let binary: Vec<u8> = (0..5000u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
    clean(&dir, binary, &[]).exits(2);
    clean(&dir, "email,x\0y\na@example.com,1\n", &[]).exits(2);
    // Named by an option, a column is an identity.
    clean(&dir, "Adresse,x\na@example.com,1\n", &["--rename", "Adresse=email"]).exits(0);
    assert_eq!(out(&dir), [json!({"email": "a@example.com"})]);
    dir.write("map.toml", "[columns]\n\"Adresse\" = \"email\"\n\"x\" = \"cf:x\"\n");
    clean(&dir, "Adresse,x\na@example.com,1\n", &["--map", "map.toml"]).exits(0);
    assert_eq!(out(&dir), [json!({"email": "a@example.com", "cf:x": "1"})]);
    // A column that the map does not know ends the run before any output.
    let ran = clean(&dir, "Adresse,x,new\na@example.com,1,2\n", &["--map", "map.toml"]);
    ran.exits(2).says(&["new"]);
}

#[test]
fn headers_that_come_twice() {
    let dir = Dir::new();
    let table = "Email,Phone,Phone,Phone,Email\na@example.com,617-555-0101,617-555-0102,,other@example.com\n\
                 Email,Phone,Phone,Phone,Email\nb@example.com,,,617-555-0103,\n";
    clean(&dir, table, &[]).exits(0).says(&["2 accepted", "SYN006", "line 3"]);
    let contacts = out(&dir);
    assert_eq!(contacts[0]["email"], "a@example.com");
    let phones = |contact: &Value| {
        contact.as_object().unwrap().values().filter(|value| value.as_str().unwrap().starts_with("617")).count()
    };
    assert_eq!((phones(&contacts[0]), phones(&contacts[1])), (2, 1));
    assert_eq!(dir.json("receipt")["contacts"]["seen"], 2);
}

#[test]
fn a_quote_that_is_not_closed_ends_the_run_there() {
    let dir = Dir::new();
    let ran = clean(&dir, "email,x\na@example.com,1\nb@example.com,\"open\nc@example.com,2\n", &[]);
    ran.exits(2).says(&["line 3", "quote", "1 accepted"]);
    assert_eq!(out(&dir).len(), 1);
    // The limit is the same wherever a chunk ends, and memory does not grow with the rest.
    let rest = "d@example.com,2\n".repeat(200_000);
    let ran = clean(&dir, format!("email,x\na@example.com,1\nb@example.com,\"open\n{rest}"), &[]);
    ran.exits(2).says(&["line 3", "1 accepted"]);
}

#[test]
fn line_ends_and_encodings_may_be_mixed() {
    let dir = Dir::new();
    clean(&dir, "email,x\r\na@example.com,1\nb@example.com,2\rc@example.com,3\r\n\nd@example.com,4", &[]).exits(0);
    assert_eq!(out(&dir).len(), 4);
    let mut mixed = "email,first_name\na@example.com,José\nb@example.com,Zoë\n".as_bytes().to_vec();
    mixed.extend_from_slice(b"c@example.com,Jos\xe9\nd@example.com,Ann\n");
    clean(&dir, mixed, &[]).exits(1).says(&["3 accepted, 1 rejected", "TAB002", "--encoding"]);
}

#[test]
fn opt_outs_hold_for_tables() {
    let dir = Dir::new();
    let table = "Email,Email Opt Out,Status\na@example.com,0,active\nb@example.com,1,active\nc@example.com,,unsubscribed\n\
                 d@example.com,maybe,\ne@example.com,no,Active\n";
    clean(&dir, table, &[]).exits(1).says(&["2 accepted, 1 rejected, 2 opted out", "OPT001", "OPT002"]);
    let emails: Vec<Value> = out(&dir).iter().map(|contact| contact["email"].clone()).collect();
    assert_eq!(emails, ["a@example.com", "e@example.com"]);
    dir.write("no.csv", "Name;E-Mail\nA;A@example.com\n");
    clean(&dir, table, &["--suppress", "no.csv", "--opted-out", "keep"]).exits(1).says(&["OPT004"]);
    assert_eq!(out(&dir).len(), 4);
}

#[test]
fn rejects_are_a_table_and_come_back() {
    let dir = Dir::new();
    let table = "sep=;\r\nE-Mail;City;Zip\r\na@example.com;\"=1+1\";02139\r\nbad;\"B; C\";\r\nd@example.com;x;y;z\r\n";
    clean(&dir, table, &[]).exits(1);
    dir.run(&["clean", "--format", "ndjson", "-o", "out", "--rejects", "rejects", "--force", "in"]).exits(1);
    let rejects = text(&dir, "rejects");
    let lines: Vec<&str> = rejects.split("\r\n").collect();
    assert_eq!(lines[0], "sep=;");
    assert_eq!(lines[1], "presort_input;presort_line;presort_code;presort_field;presort_message;E-Mail;City;Zip");
    assert!(lines[2].starts_with("in;4;EML001;E-Mail;") && lines[2].ends_with(";bad;\"B; C\";"), "{rejects}");
    assert!(lines[3].starts_with("in;5;TAB001;;") && lines[3].ends_with(";d@example.com;x;y;z"), "{rejects}");
    // Corrected and fed back in, they are contacts, and nothing is said of the columns of presort.
    let fixed = rejects.replace(";bad;", ";b@example.com;").replace(";y;z", ";y");
    let ran = clean(&dir, &fixed, &[]);
    let ran = ran.exits(0).says(&["2 accepted, 0 rejected"]);
    assert!(!ran.err.contains("presort_"), "{}", ran.err);
    // Rejected again, they are as they were, with their first place.
    clean(&dir, &rejects, &[]).exits(1);
    dir.run(&["clean", "--format", "ndjson", "-o", "out", "--rejects", "again", "--force", "in"]).exits(1);
    let again = text(&dir, "again");
    let place =
        |text: &str| text.split("\r\n").map(|line| line.split(';').take(4).collect::<String>()).collect::<Vec<_>>();
    assert_eq!(place(&again), place(&rejects));
    dir.run(&["clean", "--format", "ndjson", "-o", "out", "--rejects", "bare", "--bare-rejects", "--force", "in"])
        .exits(1);
    assert_eq!(text(&dir, "bare"), "sep=;\r\nE-Mail;City;Zip\r\nbad;\"B; C\";\r\nd@example.com;x;y;z\r\n");
}

#[test]
fn rejected_rows_may_have_several_lines() {
    let dir = Dir::new();
    let table = "email,street\nbad,\"1 Elm St\nApt 2\"\na@example.com,\na@example.com,\"\nx\n\"\n,\"\n\"\",\n\"\n";
    for options in [&[][..], &["--bare-rejects"]] {
        let options = [&["--duplicates", "first"], options].concat();
        clean(&dir, table, &options).exits(1).says(&["1 accepted", "3 rejected"]);
    }
    // A row that has nothing but the cells of presort is one as well.
    let again =
        "presort_input,presort_line,presort_code,presort_field,presort_message,email,street\nin,4,EML001,email,x,,\n";
    clean(&dir, again, &["--bare-rejects"]).exits(1).says(&["0 accepted", "1 rejected"]);
}

/// The column of presort is the same whether the summary shows the finding or not, and whether there is a report.
#[test]
fn rejects_name_the_column_of_every_finding() {
    let dir = Dir::new();
    let rows: String = (0..5_000).map(|i| format!("bad{i};x\n")).collect();
    dir.write("in", format!("E-Mail;City\n{rows}"));
    for threads in ["1", "2"] {
        let args =
            ["clean", "--format", "ndjson", "-o", "out", "--rejects", "rejects", "--force", "--threads", threads];
        dir.run(&[&args[..], &["in"]].concat()).exits(1);
        let rejects = text(&dir, "rejects");
        assert_eq!(rejects.lines().filter(|line| line.contains(";EML001;E-Mail;")).count(), 5_000, "{threads}");
    }
}

#[test]
fn white_space_in_front_may_be_longer_than_the_table() {
    let dir = Dir::new();
    clean(&dir, format!("{}email\na@b.co\n", "\n".repeat(500)), &[]).exits(0);
    assert_eq!(out(&dir), [json!({"email": "a@b.co"})]);
    clean(&dir, format!("{}email\n", " \r\n".repeat(100)), &[]).exits(0);
}

#[test]
fn tables_and_json_in_one_run() {
    let dir = Dir::new();
    dir.write("a.csv", "Email,Name,Name\na@example.com,Ann,\nbad,Bob,\"x\"\"y\"\n");
    dir.write("b.json", "[{\"email\":\"b@example.com\"},{\"email\":\"worse\"}]");
    dir.write("c.csv", "email;zip\nc@example.com;02139\nA@example.com;\n");
    let args = ["clean", "--format", "ndjson", "-o", "out", "--rejects", "rejects", "--duplicates", "first", "--force"];
    dir.run(&[&args[..], &["a.csv", "b.json", "c.csv"]].concat()).exits(1).says(&["3 accepted, 3 rejected"]);
    let rejects = dir.lines("rejects");
    assert_eq!(rejects[0]["Email"], "bad");
    assert_eq!((&rejects[0]["Name"], &rejects[0]["Name (column 3)"]), (&json!("Bob"), &json!("x\"y")));
    assert_eq!(rejects[0]["presort"]["findings"][0]["code"], "EML001");
    assert_eq!(rejects[1]["email"], "worse");
    assert_eq!(
        (&rejects[2]["email"], &rejects[2]["presort"]["findings"][0]["code"]),
        (&json!("A@example.com"), &json!("DUP001"))
    );
}

#[test]
fn the_format_can_be_named() {
    let dir = Dir::new();
    clean(&dir, "{\"mail\":1},x\na@example.com,1\n", &["--from", "csv"]).exits(2).says(&["none of the first 20 rows"]);
    clean(&dir, "[x],email\n1,a@example.com\n", &["--from", "csv"]).exits(0);
    assert_eq!(out(&dir), [json!({"email": "a@example.com"})]);
    clean(&dir, "email,x\na@example.com,1\n", &["--from", "json"]).exits(2);
}

#[test]
fn a_map_of_a_table() {
    let dir = Dir::new();
    dir.write("in.csv", "Email;Vorname;Tier\na@example.com;Ann;gold\nb@example.com;;\n");
    let ran = dir.run(&["map", "in.csv", "-o", "map.toml"]);
    ran.exits(0);
    let map = text(&dir, "map.toml");
    assert!(map.contains("\"Email\" = \"email\"") && map.contains("\"Tier\" = \"-\""), "{map}");
    clean(&dir, text(&dir, "in.csv"), &["--map", "map.toml"]).exits(0);
    assert_eq!(out(&dir)[0]["email"], "a@example.com");
}

/// Braces of other things than JSON make no JSON of a table, and a header of one word no table of JSON.
#[test]
fn tables_and_json_are_told_apart() {
    let dir = Dir::new();
    let shape = |input: &str, code: i32| {
        clean(&dir, input, &[]).exits(code);
        (dir.json("receipt")["input"][0]["shape"].clone(), dir.json("receipt")["contacts"]["accepted"].clone())
    };
    for (input, accepted) in [
        ("email,note\na@example.com,\"hello\n{\"\"x\"\": 1}\n{name}\"\nb@example.com,\"x\n{\"\n", 2),
        ("email,note\na@example.com,\"x\n{\"\"a\"\":1}\"\n", 1),
        ("{id},email\n1,a@example.com\n", 1),
        ("[id],email\n{1},a@example.com\n", 1),
        ("[],email\n1,a@example.com\n", 1),
        ("\temail\n1\ta@example.com\n", 1),
        ("\t[id]\temail\n\t1\ta@example.com\n", 1),
    ] {
        assert_eq!(shape(input, 0), ("csv".into(), accepted.into()), "{input}");
    }
    for input in [
        "garbage\n{\"email\":\"a@example.com\"}\n",
        "email\n{\"email\":\"a@example.com\"}\n",
        "email,x\n { \"email\":\"a@example.com\"}\n",
        "{email}\n{\"email\":\"a@example.com\"}\n",
        // JSON that is indented by tabs, with tabs between its tokens: cells to a table.
        "\t{ \t\"first_name\" \t: \t\"x\" \t, \t\"email\" \t: \t\"a@example.com\" \t} \t\n \t\"x\" \t\n",
        " \t{\t\"email\"\t:\t\"a@example.com\"\t}\n\t1\t\n",
    ] {
        assert_eq!(shape(input, 1), ("ndjson".into(), 1.into()), "{input}");
    }
    // What is neither is not called the other.
    for input in
        ["{'email': 'a@example.com', 'x': 1}\n", "{email: 1, x: 2}", "[email, x]", "[x\",{\"email\":\"},x\",\"A\"]"]
    {
        let ran = clean(&dir, input, &[]);
        assert!(ran.code() == 2 && ran.err.contains("JSON") && !ran.err.contains("table"), "{input}: {}", ran.err);
    }
    clean(&dir, "<id>,email\n1,a@example.com\n", &[]).exits(2).says(&["--from csv"]);
    clean(&dir, "<id>,email\n1,a@example.com\n", &["--from", "csv"]).exits(0);
}

#[test]
fn what_is_wrong_with_a_start_is_named() {
    let dir = Dir::new();
    let rows = "a@example.com,1\n".repeat(100_000);
    clean(&dir, format!("x\nemail,\"name\n{rows}"), &[]).exits(2).says(&["quote in line 2", "not closed"]);
    clean(&dir, "sep=;\nemail,x\na@example.com,1\n", &[]).exits(0).says(&["1 accepted"]);
    clean(&dir, "sep=;\nx,y\na,1\n", &[]).exits(2).says(&["none of the first 20 rows"]);
    clean(&dir, "sep=;\n", &[]).exits(2).says(&["the table is empty"]);
    clean(&dir, "email,x\0y\na@example.com,1\n", &[]).exits(2).says(&["byte 7 is NUL", "--encoding", "--from csv"]);
    clean(&dir, "email,x\0y\na@example.com,1\n", &["--from", "csv"]).exits(0);
    let random = (0..40_000u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8);
    let random: Vec<u8> = b"ab".iter().copied().chain(random).chain(*b"\n{\n").chain(*b"\n{").collect();
    clean(&dir, &random, &[]).exits(2).says(&["binary data"]);
    // Nobody's address is in a message about a file without a header.
    let ran = clean(&dir, "ann@example.com,Ann\njoe@example.com,Joe\n", &[]);
    let ran = ran.exits(2).says(&["the first row is a contact", "email,first_name"]);
    assert!(!ran.err.contains("ann@"), "{}", ran.err);
    // A header may come late, but not behind any number of blank lines.
    clean(&dir, format!("{}email,x\na@example.com,1\n", "\n".repeat(1 << 20)), &[]).exits(0);
    let blank = format!("{}email,x\na@example.com,1\n", "\n".repeat((1 << 20) + 1));
    clean(&dir, &blank, &[]).exits(2);
    clean(&dir, &blank, &["--from", "csv"]).exits(2).says(&["white space"]);
    clean(&dir, format!("{}{{\"email\":\"a@example.com\"}}", " \n".repeat(1 << 20)), &[]).exits(0);
}

/// A row that is too large is rejected, whichever way it would have gone, and the rows behind it are read.
#[test]
fn rows_without_end() {
    let dir = Dir::new();
    for (value, len) in [("x", 1 << 20), ("\\", 1 << 20), ("x", 5 << 20), ("\t", 5 << 20), ("x", 20 << 20)] {
        let table = format!("email,x\na@example.com,1\nb@example.com,{}\nc@example.com,3\n", value.repeat(len));
        dir.write("in", &table);
        let args = "clean --format ndjson -o out --force --rejects rejects --report report in";
        let ran = dir.run(&args.split(' ').collect::<Vec<_>>());
        ran.exits(1).says(&["2 accepted, 1 rejected", "SYN002"]);
        let lines = dir.lines("report");
        assert_eq!((lines.len(), &lines[0]["contact"], &lines[0]["line"]), (1, &json!(1), &json!(3)));
        assert!(text(&dir, "rejects").contains(table.lines().nth(2).unwrap()), "{len}");
        assert_eq!(text(&dir, "rejects").lines().count(), 2);
    }
    // Cells without a value are a blank line, however many.
    for len in [1 << 20, 17 << 20] {
        let blank = ", ".repeat(len / 2);
        let table = format!("email,x\na@example.com,1\n{blank}\nb@example.com,2\nc@example.com,3\n{blank}");
        dir.write("in", &table);
        dir.run(&["clean", "--format", "ndjson", "-o", "out", "--force", "in"]).exits(0).says(&["3 accepted"]);
    }
}

#[test]
fn encodings_of_tables() {
    let dir = Dir::new();
    let latin: Vec<u8> = "email,first_name\na@example.com,José\nb@example.com,Zoë\n".chars().map(|c| c as u8).collect();
    clean(&dir, &latin, &[]).exits(0).says(&["windows-1252", "guess", "--encoding"]);
    assert_eq!(out(&dir)[0]["first_name"], "José");
    assert_eq!(dir.json("receipt")["input"][0]["encoding"], "windows-1252");
    // A character that ends behind the bytes that are looked at is UTF-8 all the same.
    let row = "a@example.com,x\n";
    let mut table = "email,first_name\n".to_owned();
    while table.len() < 1 << 20 {
        table.push_str(row);
    }
    table.truncate((1 << 20) - 1);
    table.push_str("é\nz@example.com,Zoë\n");
    let ran = clean(&dir, &table, &["--duplicates", "first"]);
    assert!(!ran.err.contains("guess"), "{}", ran.err);
    assert_eq!(out(&dir).last().unwrap()["first_name"], "Zoë");
    // A tab in a cell of a table with tabs.
    clean(&dir, "email\tcompany_name\na@example.com\t\"A\tB\"\n", &[]).exits(0);
    assert_eq!(out(&dir), [json!({"email": "a@example.com", "company_name": "A B"})]);
}

/// Bodies of a table are those of its lines: one up to the limit, all with `--split`, and more with `--append`.
#[test]
fn bodies_of_a_table() {
    let dir = Dir::new();
    let sample = |format: &str, out: &str| {
        let args = ["sample", "-c", "30000", "--mess", "0", "--format", format, "-o", out];
        dir.run(&args).exits(0);
    };
    sample("csv", "in.csv");
    sample("ndjson", "in.ndjson");
    let list = "9d3c2f3e-1111-4222-8333-0123456789ab";
    let one = |input: &str| {
        let args = ["clean", "-l", list, "-o", "body", "--force", "--receipt", "receipt", input];
        dir.run(&args).exits(1).says(&["dropped at the limit"]);
        let receipt = dir.json("receipt");
        let contacts = dir.json("body")["import_data"].as_array().unwrap().clone();
        assert_eq!(receipt["dropped"]["first_contact"], contacts.len());
        contacts
    };
    assert!(one("in.csv") == one("in.ndjson"));
    let all = |input: &str, more: &str, dir_name: &str| {
        let args = ["clean", "-l", list, "-o", dir_name, "--split", input];
        dir.run(&args).exits(0);
        let args = ["clean", "-l", list, "-o", dir_name, "--split", "--append", more];
        dir.run(&args).exits(0);
        let mut names: Vec<String> = common::names(&dir.path(dir_name));
        names.retain(|name| name.starts_with("payload"));
        let read = |name: &String| dir.json(&format!("{dir_name}/{name}"))["import_data"].as_array().unwrap().clone();
        names.iter().flat_map(read).collect::<Vec<Value>>()
    };
    dir.write("more.csv", "email,first_name\nlast@example.com,Lee\n");
    dir.write("more.ndjson", "{\"email\":\"last@example.com\",\"first_name\":\"Lee\"}\n");
    let (rows, lines) = (all("in.csv", "more.csv", "rows"), all("in.ndjson", "more.ndjson", "lines"));
    assert_eq!(rows.len(), 30_001);
    assert!(rows == lines);
}

#[test]
fn other_commands_read_tables() {
    let dir = Dir::new();
    dir.write(
        "in.csv",
        "email,first_name,tags\nsecret-one,Ann,Secret\na@example.com,Bob,Secret\nb@example.com,x,y,Secret\n",
    );
    dir.run(&["check", "in.csv"]).exits(1).says(&["1 good, 2 rejected"]);
    dir.run(&["bench", "in.csv"]).exits(0);
    let args = [
        "clean",
        "--format",
        "ndjson",
        "-o",
        "out",
        "--redact",
        "--report",
        "report",
        "--receipt",
        "receipt",
        "in.csv",
    ];
    dir.run(&args).exits(1);
    for file in ["report", "receipt"] {
        assert!(!text(&dir, file).to_lowercase().contains("secret"), "{file}");
    }
    dir.run(&["clean", "--unmapped", "error", "--format", "ndjson", "-o", "none", "in.csv"]).exits(2).says(&["tags"]);
    dir.run(&["clean", "--unmapped", "custom", "--format", "ndjson", "-o", "custom", "in.csv"]).exits(1);
    assert_eq!(dir.lines("custom")[0]["cf:tags"], "Secret");
    dir.write("fields", "Tier\n");
    let args =
        ["clean", "--unmapped", "custom", "--custom-fields", "fields", "--format", "ndjson", "-o", "none", "in.csv"];
    dir.run(&args).exits(1).says(&["CUS"]);
    // Many columns are no trouble; too many custom fields are named.
    let names: Vec<String> = (1..10_000).map(|i| format!("c{i}")).collect();
    let wide = format!("email,{}\na@example.com{}\n", names.join(","), ",x".repeat(9_999));
    clean(&dir, &wide, &[]).exits(0);
    clean(&dir, &wide, &["--unmapped", "custom"]).exits(2).says(&["9999 columns", "at most 25"]);
}
