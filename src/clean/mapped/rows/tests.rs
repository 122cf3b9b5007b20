//! Rows in one pass against rows by their cells.

use super::*;
use crate::clean::mapped::Translator;
use crate::clean::mapped::tests::translated;
use crate::csv::{Cells, RowSplitter, Table};
use crate::json::split::Layout;
use crate::mapping::{MapOptions, Profile, Unmapped, decide};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

/// The mapping of a table that has no line break behind its header.
fn input_of(header: &[&str], rows: &[Vec<u8>], delimiter: u8, unmapped: Unmapped) -> InputMapping {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let (mut profile, mut cells) = (Profile::of_columns(&header), Cells::default());
    for row in rows {
        cells.read(row, delimiter);
        (0..cells.len().min(header.len())).for_each(|i| profile.cell_at(i, &cells.text(row, i)));
        profile.end_record();
    }
    let options = MapOptions { auto: true, unmapped, ..MapOptions::default() };
    let table = Table {
        delimiter,
        header_row: header.join(&char::from(delimiter).to_string()).into_bytes(),
        header,
        header_line: 1,
        title_rows: 0,
        has_separator_line: false,
        has_crlf: false,
        is_sheet: false,
    };
    InputMapping {
        mapping: decide(&profile, &options).unwrap(),
        contact: None,
        is_cards: false,
        table: Some(Arc::new(table)),
    }
}

/// Each row as it is rewritten, with its notes and its place, and what of names is counted. `behind` follows the last row.
fn rewritten(choice: Option<Choice>, text: &[u8], behind: &[u8], input: &InputMapping) -> Vec<(Vec<u8>, String)> {
    const BASE: u64 = 77;
    let mut spans = Vec::new();
    let mut splitter = RowSplitter::new(input.table.as_ref().unwrap().delimiter, BASE, 1, BASE);
    let (fed, finished) = (splitter.feed(text, &mut spans), splitter.finish(&mut spans));
    assert!(fed.is_ok() && finished.is_ok(), "{}", String::from_utf8_lossy(text));
    let bytes = [text, behind].concat();
    let batch = Batch { base: BASE, line_start: BASE, mapping: Some(input), ..Batch::of(&bytes, &spans, Layout::Rows) };
    let mut translator = Translator::with_backend(choice);
    let records = translated(&mut translator, &batch, input);
    assert!(translator.late_names().is_empty());
    records
}

fn header() -> impl Strategy<Value = Vec<&'static str>> {
    let name = select(vec![
        "Email",
        "E-mail",
        "First Name",
        "Last Name",
        "Full Name",
        "Phone",
        "Mobile Phone",
        "Phone 1 - Value",
        "City",
        "Zip",
        "Company",
        "Title",
        "Birthday",
        "birthday_month",
        "birthday_day",
        "anniversary",
        "Unsubscribed",
        "Status",
        "Accepts Marketing",
        "permission_to_send",
        "cf:Tier",
        "cf:A name that is longer than thirty-two bytes",
        "cf:\u{dc}\"ber\\",
        "Stra\u{df}e",
        "Address",
        "Favourite colour",
        "(column 7)",
        "presort_input",
        "presort_line",
    ]);
    prop::collection::vec(name, 1..9).prop_map(|mut names| {
        names[0] = "Email";
        names
    })
}

/// A cell as it stands in a table with this delimiter.
fn cell(delimiter: u8) -> impl Strategy<Value = Vec<u8>> {
    let plain = select(vec![
        "",
        "",
        "",
        "",
        " ",
        "   ",
        "\u{a0}",
        "\u{2003}x",
        "a@x.example",
        "Ana",
        "Ana Li",
        "J\u{fc}rgen",
        " x ",
        "0",
        "1",
        "02",
        "12",
        "31",
        "02/03",
        "2001-05-06",
        "yes",
        "no",
        "perhaps",
        "unsubscribed",
        "subscribed",
        "true",
        "FALSE",
        "617-555-0101",
        "617-555-0101 ::: 617-555-0102",
        "a:::b",
        "x::y",
        "::",
        "back\\slash",
        "nul\0",
        "\x1f",
        "\x7f",
        "=\"\"02139\"\"",
        "\u{1f600}",
        "<b>",
        "'02139",
        "7",
        "in.csv",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    let odd = select(vec![
        &b"\xff"[..],
        b"a\"b",
        b"\"a\"b",
        b"5\" x 6\"",
        b"\"\"",
        b"\"a,b;c|d\te\"",
        b"\"a\tb\"",
        b"\"\t\"",
        b"\"a;b\"",
        b"\"a\nb\"",
        b"\"a\"\"b\"",
        b" \"a\"",
        b"\"a\" ",
        b"\" \"",
        b"\"\xc3\xa9\"",
        b"\"\xc3\"",
        b"\"\"\"\"",
        b"\t",
        b"\"a\"\"\"",
    ])
    .prop_map(<[u8]>::to_vec);
    let long =
        (select(vec!["a", "\u{e9}", " ", ":", "1"]), 25..140usize, any::<bool>()).prop_map(|(part, len, quoted)| {
            let text = part.repeat(len);
            if quoted { format!("\"{text}\"") } else { text }.into_bytes()
        });
    // Mostly what goes the fast way, so that rows do.
    prop_oneof![12 => plain, 2 => odd, 3 => long].prop_map(move |text| {
        let is_quoted = text.first() == Some(&b'"');
        let has_special = |byte: &u8| *byte == delimiter || matches!(byte, b'\n' | b'\r');
        if !is_quoted && text.iter().any(has_special) { b"x".to_vec() } else { text }
    })
}

/// Rows of up to a few more cells than columns.
fn table() -> impl Strategy<Value = (u8, Vec<Vec<u8>>)> {
    select(b",;\t|".to_vec()).prop_flat_map(|delimiter| {
        let row = prop::collection::vec(cell(delimiter), 1..11)
            .prop_map(move |cells| cells.join(&delimiter))
            // Rows without a value are blank lines, and quotes that stay open have their own tests.
            .prop_filter("a row", move |row| {
                let mut splitter = RowSplitter::new(delimiter, 0, 1, 0);
                let mut spans = Vec::new();
                let line = [row, &b"\n"[..]].concat();
                splitter.feed(&line, &mut spans).is_ok() && splitter.finish(&mut spans).is_ok() && spans.len() == 1
            });
        (Just(delimiter), prop::collection::vec(row, 1..9))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_global_rejects: 50_000, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_agree(header in header(), (delimiter, rows) in table(), custom in any::<bool>(), has_end in any::<bool>()) {
        let unmapped = if custom { Unmapped::Custom } else { Unmapped::Leave };
        let input = input_of(&header, &rows, delimiter, unmapped);
        let mut text = rows.join(&b'\n');
        if has_end {
            text.push(b'\n');
        }
        let thorough = rewritten(None, &text, b"", &input);
        // Behind the last row there may be nothing, too little, or what looks like more of it.
        for behind in [&b""[..], &[b'"'; 40], &[b':'; 200], &[delimiter; 97], &[b'9'; 130]] {
            for choice in Choice::available() {
                let direct = rewritten(Some(choice), &text, behind, &input);
                for ((row, direct), thorough) in rows.iter().zip(&direct).zip(&thorough) {
                    let shown = String::from_utf8_lossy(row);
                    let both = [&direct.0, &thorough.0].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                    prop_assert_eq!(direct, thorough, "{:?} {:?} {:?} {:?}", choice, header, shown, both);
                }
            }
        }
    }
}

/// What becomes of a row the fast way, if it takes that.
fn fast_row(input: &InputMapping, row: &[u8], choice: Choice) -> Option<Vec<u8>> {
    let span = Span { start: 0, end: row.len() as u64, line: 1, whole: true };
    let spans = [span];
    let batch = Batch::of(row, &spans, Layout::Rows);
    let mut out = Vec::new();
    let count = Rows::new(input, input.table.as_ref().unwrap(), choice).write(&batch, 0, &mut out, &mut Vec::new());
    (count == 1).then_some(out)
}

/// The usual row takes the fast way, and so does each of these, or not.
#[test]
fn usual_rows_are_fast() {
    let header = ["Email", "First Name", "birthday_month", "Unsubscribed", "cf:Tier", "Notes"];
    let usual: Vec<u8> = "a@x.example,\"Zo\u{eb}\",12,no,gold,\"x, y\"".into();
    let input = input_of(&header, &vec![usual.clone(); 5], b',', Unmapped::Leave);
    let fast = |row: &[u8], choice: Choice| fast_row(&input, row, choice);
    for choice in Choice::available() {
        let out = fast(&usual, choice).map(|out| String::from_utf8(out).unwrap());
        let expected =
            "{\"email\":\"a@x.example\",\"first_name\":\"Zo\u{eb}\",\"birthday_month\":12,\"cf:Tier\":\"gold\"}\n";
        assert_eq!(out.as_deref(), Some(expected), "{choice:?}");
        for refused in [
            "a@x.example,Al,1,yes,,",
            "a@x.example,\"A\"\"l\",1,no,,",
            "a@x.example,A\tl,1,no,,",
            "a@x.example,A\\l,1,no,,",
            "a@x.example,Al,1,no,,,7",
            "a@x.example, \"Al\",1,no,,",
        ] {
            assert_eq!(fast(refused.as_bytes(), choice), None, "{refused}");
        }
        assert_eq!(fast(b"a@x.example,\xff", choice), None);
        // A tab between cells is no character of JSON, and one inside quotes is.
        let row = b"a@x.example\t\"a\tb\"";
        let input = input_of(&header, &[row.to_vec()], b'\t', Unmapped::Leave);
        assert_eq!(fast_row(&input, row, choice), None);
        assert!(fast_row(&input, b"a@x.example\tab", choice).is_some());
    }
}
