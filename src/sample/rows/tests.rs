use super::super::people::fill_members;
use super::super::*;
use super::*;
use crate::mapping::{MapOptions, Profile, decide};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

const CSV: SampleFormat = SampleFormat::Csv(CsvDialect { delimiter: b',', crlf: false, bom: false, quote_all: false });

fn bytes(contacts: u64, seed: u64, mess: f64, format: SampleFormat, system: Option<&str>) -> Vec<u8> {
    let sample = Sample { contacts, seed, mess, format };
    let mut out = Vec::new();
    let done = match system {
        Some(name) => write_system(&sample, &SampleSystem::named(name).unwrap(), &mut out),
        None => write(&sample, &mut out),
    };
    done.expect("writing to memory cannot fail");
    out
}

/// The header and the rows, as the usual crate reads them. White space around quotes is taken off, which it leaves.
fn read(bytes: &[u8], delimiter: u8) -> (Vec<String>, Vec<Vec<String>>) {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(bytes);
    let header = reader.headers().expect("there is a header").iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.expect("a row").iter().map(unspaced).collect()).collect();
    (header, rows)
}

/// A cell without the quotes that have a space before or behind them.
fn unspaced(cell: &str) -> String {
    let inner = cell.strip_prefix(" \"").and_then(|cell| cell.trim_end_matches(' ').strip_suffix('"'));
    inner.unwrap_or(cell).to_owned()
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap())
}

/// What a cell can say of a JSON value.
fn cell(name: &str, value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        None | Some(Value::Null) => String::new(),
        Some(other) if name == "email" => other.to_string(),
        Some(_) => String::new(),
    }
}

#[test]
fn same_contacts_as_the_lines() {
    const COUNT: u64 = 30_000;
    let (header, rows) = read(&bytes(COUNT, 4, 60.0, CSV, None), b',');
    let json = bytes(COUNT, 4, 60.0, SampleFormat::Ndjson, None);
    assert_eq!(rows.len() as u64, COUNT);
    let (mut short, mut long, mut nobody) = (0, 0, 0);
    for (line, (contact, row)) in std::str::from_utf8(&json).unwrap().lines().zip(lines(&json).zip(&rows)) {
        let Some(members) = contact.as_object() else {
            nobody += 1;
            assert!(row[0].is_empty() && !row[1].is_empty(), "{line}: {row:?}");
            assert_eq!(row.len() > header.len(), contact.is_array(), "{line}: {row:?}");
            continue;
        };
        short += u32::from(row.len() < header.len());
        if row.len() > header.len() {
            long += 1;
            // Only a name that is there twice makes a row too long, and its last cell says something.
            let names = members_of(line);
            assert!(names.len() > names.iter().collect::<HashSet<_>>().len(), "{line}: {row:?}");
            assert!(!row[header.len()].is_empty());
            continue;
        }
        let is_blank = header.iter().all(|name| cell(name, members.get(name)).trim().is_empty());
        if is_blank {
            // A row has a value.
            assert!(row.iter().filter(|cell| !cell.trim().is_empty()).count() == 1, "{line}");
            continue;
        }
        for (at, name) in header.iter().enumerate() {
            let value = members.get(name).or_else(|| members.get("home country").filter(|_| name == "home_country"));
            let found = row.get(at).map_or("", String::as_str);
            // The text of numbers is the generator's: `17.0` and `1e3` are not what this reader of JSON prints.
            if value.is_some_and(|value| value.as_f64().is_some()) {
                assert_eq!(found.trim_end_matches(' ').parse::<f64>().ok(), value.and_then(Value::as_f64), "{line}");
            } else {
                // This reader of CSV takes a space behind a quote to the cell.
                let expected = cell(name, value);
                let found = found.strip_suffix(' ').filter(|found| *found == expected).unwrap_or(found);
                assert_eq!(found, expected, "{name}: {line}");
            }
        }
    }
    assert!(short > 100 && long > 50 && nobody > 100, "{short} {long} {nobody}");
}

/// The names of a line, unescaped, as often as they are there.
fn members_of(line: &str) -> Vec<Vec<u8>> {
    let unescaped = |name: &[u8]| {
        let mut out = Vec::new();
        unescape(name, &mut out);
        out
    };
    members(line.as_bytes()).map(|(name, _)| unescaped(name)).collect()
}

#[test]
fn header_is_the_contract_and_all_of_it_is_used() {
    let (header, rows) = read(&bytes(50_000, 1, 50.0, CSV, None), b',');
    let known: Vec<&str> = KNOWN.iter().map(|id| id.info().name).collect();
    let own: Vec<&str> = header.iter().map(String::as_str).filter(|name| !name.starts_with("cf:")).collect();
    assert_eq!(own, known.iter().copied().filter(|name| own.contains(name)).collect::<Vec<_>>());
    assert_eq!(header.iter().collect::<HashSet<_>>().len(), header.len());
    let used = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
    let unused: Vec<&String> = header.iter().enumerate().filter(|(at, _)| !used(*at)).map(|(_, name)| name).collect();
    assert!(unused.is_empty(), "{unused:?}");
    // No contact has a member without a column.
    for contact in lines(&bytes(50_000, 1, 50.0, SampleFormat::Ndjson, None)) {
        for name in contact.as_object().into_iter().flatten().map(|(name, _)| name.as_str()) {
            assert!(own.contains(&name) || !known.contains(&name), "{name}");
        }
    }
    let custom = header.len() - own.len();
    assert!(custom <= crate::rules::custom::MAX, "{custom}");
}

#[test]
fn every_dialect_has_the_same_cells() {
    for system in [None, Some("google"), Some("salesforce")] {
        let expected = read(&bytes(3000, 2, 40.0, CSV, system), b',');
        for delimiter in [b',', b';', b'\t', b'|'] {
            for options in 0..8 {
                let [crlf, bom, quote_all] = [1, 2, 4].map(|bit| options & bit != 0);
                let format = SampleFormat::Csv(CsvDialect { delimiter, crlf, bom, quote_all });
                let text = bytes(3000, 2, 40.0, format, system);
                assert_eq!(text.starts_with("\u{feff}".as_bytes()), bom);
                assert_eq!(text.ends_with(b"\r\n"), crlf);
                let (header, rows) = read(&text, delimiter);
                assert_eq!(header, expected.0);
                for (row, expected) in rows.iter().zip(&expected.1) {
                    assert_eq!(row, expected, "{system:?} {delimiter} {options}");
                }
                assert_eq!(rows.len(), 3000);
            }
        }
    }
}

#[test]
fn a_longer_table_begins_with_the_shorter() {
    for system in [None, Some("mailchimp")] {
        let long = bytes(1500, 5, 30.0, CSV, system);
        assert!(long.starts_with(&bytes(500, 5, 30.0, CSV, system)));
        assert_ne!(long, bytes(1500, 6, 30.0, CSV, system));
    }
    let (header, rows) = read(&bytes(0, 1, 5.0, CSV, None), b',');
    assert!(header.len() > 30 && rows.is_empty());
}

/// Rows of a table without a mess are written in one way: quotes only where a cell needs them.
#[test]
fn clean_tables_are_plain() {
    let text = bytes(20_000, 3, 0.0, CSV, None);
    let (header, rows) = read(&text, b',');
    assert!(rows.iter().all(|row| row.len() == header.len()));
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    rows.iter().for_each(|row| writer.write_record(row).unwrap());
    assert!(writer.into_inner().unwrap() == text);
}

#[test]
fn messy_tables_are_odd_now_and_then() {
    const COUNT: u64 = 20_000;
    let text = String::from_utf8(bytes(COUNT, 1, 100.0, CSV, None)).unwrap();
    let count = |has: &dyn Fn(&str) -> bool| text.lines().filter(|line| has(line)).count();
    let odd = [
        ("an empty line", count(&|line| line.is_empty())),
        ("all cells quoted", count(&|line| line.starts_with('"') && line.ends_with("\"\""))),
        ("a space before a quote", count(&|line| line.contains(", \""))),
        ("a space behind a quote", count(&|line| line.contains("\" ,"))),
        (
            "a quote in a cell without quotes",
            count(&|line| {
                line.split(',').any(|cell| {
                    cell.starts_with(char::is_alphabetic)
                        && cell.contains('"')
                        && !cell.ends_with("\"\"")
                        && cell.contains(" \"")
                })
            }),
        ),
        ("a doubled quote", count(&|line| line.contains("\"\"") && line.contains(",\""))),
        ("a line that ends in a cell", text.lines().count() - COUNT as usize),
    ];
    for (what, found) in odd {
        assert!((20..2000).contains(&found), "{what}: {found}");
    }
}

#[test]
fn every_system_is_recognised_by_its_header() {
    for name in SampleSystem::names() {
        let (header, rows) = read(&bytes(200, 1, 0.0, CSV, Some(name)), b',');
        assert_eq!(rows.len(), 200, "{name}");
        assert_eq!(header.iter().collect::<HashSet<_>>().len(), header.len(), "{name}");
        let expected = SampleSystem::named(name).unwrap().csv_name();
        // By its header alone, and with its first rows.
        for rows in [&rows[..0], &rows[..]] {
            let mut profile = Profile::default();
            header.iter().for_each(|column| profile.cell(column, ""));
            profile.end_record();
            for row in rows {
                assert_eq!(row.len(), header.len(), "{name}");
                header.iter().zip(row).for_each(|(column, cell)| profile.cell(column, cell));
                profile.end_record();
            }
            let mapping = decide(&profile, &MapOptions { auto: true, ..MapOptions::default() }).unwrap();
            assert_eq!(mapping.system.map(|system| system.name), Some(expected), "{name}: {header:?}");
            let email = |column: &&crate::mapping::Column| column.target == Target::Member(MemberId::Email);
            let columns: Vec<_> = mapping.columns.iter().filter(email).collect();
            // A column named `Value` is an address by its values alone.
            let is_email = rows.is_empty() && header.iter().any(|column| column == "Value");
            assert!(is_email || columns.iter().any(|column| !column.fallback), "{name}");
        }
    }
}

/// What the columns of a table are named is what its records have.
#[test]
fn records_have_the_columns_of_their_table() {
    for name in SampleSystem::names() {
        let (system, columns) = SampleSystem::named(name).unwrap().table();
        let mut maker = Maker::new(1, 0.0);
        let mut seen: BTreeMap<&str, bool> = columns.columns.iter().map(|c| (c.member.as_str(), false)).collect();
        for index in 0..500 {
            let mut out = Vec::new();
            let person = maker.make(index, &mut out).unwrap();
            system.write_contact(&maker.draft, &person, 1, &mut out);
            let record: Value = serde_json::from_slice(&out).unwrap();
            let values = columns.inside.map_or(&record, |inside| &record[inside]);
            values.as_object().unwrap().keys().for_each(|member| {
                seen.get_mut(member.as_str()).into_iter().for_each(|seen| *seen = true);
            });
        }
        let never: Vec<_> = seen.iter().filter(|(_, seen)| !**seen).collect();
        assert!(never.is_empty(), "{name}: {never:?}");
    }
}

#[test]
fn values_of_json_become_text() {
    let object =
        br#"{"a\u0062":"x\"\\\/\n\r\t\b\f\u00e9\ud83c\udf89z","n":-1.5e3,"t":true,"l":["]",{"}":1}],"o":{},"":null}"#;
    let found: Vec<_> = members(object).map(|(name, value)| (text(name), text(value))).collect();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [r"a\u0062", "n", "t", "l", "o", ""]);
    assert_eq!(found[3].1, r#"["]",{"}":1}]"#);
    let mut out = Vec::new();
    unescape(&members(object).next().unwrap().1[1..], &mut out);
    assert_eq!(text(&out), "x\"\\/\n\r\t\u{8}\u{c}é🎉z\"");
    for broken in [&b"\\"[..], b"\\u", b"\\u12", b"\\ud800", b"\\udc00"] {
        unescape(broken, &mut Vec::new());
    }
    for broken in [&b""[..], b"{", b"{\"a\"", b"{\"a\":", b"[]", b"{}"] {
        assert_eq!(members(broken).filter(|(name, _)| name.is_empty()).count(), 0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn draft_and_record_give_the_same_row() {
    for index in 0..200 {
        let person = Person::draw(1, index);
        let mut draft = Draft::default();
        fill_members(&mut draft, &person, &mut Rng::new(1, index, Purpose::Members));
        let mut rows = Rows::new(Columns::of_contract(), CsvDialect::default());
        let (mut record, mut one, mut other) = (Vec::new(), Vec::new(), Vec::new());
        draft.write(&mut record);
        rows.write_draft(&draft, &person, None, &mut one);
        rows.write_record(&record, &person, None, &mut other);
        assert_eq!(text(&one), text(&other));
    }
}

/// A row without any value would be a blank line, and the contacts behind it would have other numbers.
#[test]
fn a_contact_without_values_is_a_row_with_a_name() {
    let person = Person::draw(1, 5);
    for record in ["{}", "{\"email\":\"\"}", "{\"email\":null,\"city\":\" \"}", "{\"no column\":\"x\"}"] {
        let mut rows = Rows::new(Columns::of_contract(), CsvDialect::default());
        let mut out = Vec::new();
        rows.write_record(record.as_bytes(), &person, None, &mut out);
        assert!(text(&out).contains(person.first), "{record}");
    }
}
