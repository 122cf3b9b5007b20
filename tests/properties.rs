//! What must hold of every run, whatever the contacts are: nobody is lost, what is clean stays clean, what is rejected stays
//! rejected, and how the bytes come in makes no difference. Contacts are made to be as messy as exports are; each carries a
//! mark by which it is found again.

#![cfg(unix)]

use presort::document::envelope::{EnvelopeOverrides, SmsPermission};
use presort::model::finding::Code;
use presort::model::limits::Limits;
use presort::model::member::{Family, KNOWN};
use presort::output::body::RECEIPT;
use presort::rules::date::{Date, DateOrder};
use presort::rules::{BadField, Duplicates, PhoneFormat, Settings};
use presort::run::job::{Job, Mode, run};
use presort::sample::{Sample, SampleFormat};
use proptest::collection::SizeRange;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

// ---------------------------------------------------------------------------------------------
// Messy contacts
// ---------------------------------------------------------------------------------------------

/// Stands where the mark of a contact is to be.
const MARK: &str = "MARK";

/// The mark of contact `i`.
fn mark(i: usize) -> String {
    format!("mark{i:06}")
}

/// The mark in a cleaned or rejected contact, as its number.
fn marked(text: &str) -> usize {
    let digits = |at: usize| text.get(at + 4..at + 10).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let found = text.match_indices("mark").find_map(|(at, _)| digits(at));
    found.unwrap_or_else(|| panic!("no mark: {text}")).parse().unwrap()
}

/// A string as JSON; `escaped` writes everything beyond ASCII as `\u`.
fn quoted(text: &str, escaped: bool) -> String {
    let json = serde_json::to_string(text).unwrap();
    if !escaped {
        return json;
    }
    let mut units = [0; 2];
    let unit = |unit: &mut u16| format!("\\u{unit:04X}");
    json.chars().fold(String::new(), |json, c| match c.is_ascii() {
        true => json + &c.to_string(),
        false => json + &c.encode_utf16(&mut units).iter_mut().map(unit).collect::<String>(),
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Z][a-z]{1,9}( [A-Z][a-z]{1,9})?",
        2 => "[ -~]{0,30}",
        2 => "[a \u{0}\t\n\r\u{85}\u{a0}\u{200b}\u{200d}\u{feff}\u{2028}e\u{301}é\u{1100}\u{1161}\u{212b}👩]{0,12}",
        1 => "\\PC{0,20}",
        1 => (select(vec!["x", "é", "日", "👩\u{200d}", "a ", "e\u{301}"]), 20..300usize).prop_map(|(c, n)| c.repeat(n)),
        1 => select(vec!["", " ", "\u{200b}\u{feff}", "\"", "\\", "</script>", "null", "=1+1"]).prop_map(str::to_owned),
        2 => damaged(),
    ]
}

/// Text that software has damaged, and text that is like it.
fn damaged() -> impl Strategy<Value = String> {
    let whole = select(vec![
        "'02139",
        "=\"02139\"",
        "\"=\"\"02139\"\"\"",
        "'t Hooft",
        "'=A1",
        "#N/A",
        "#REF!",
        "####",
        "#1 Elm",
        "[object Object]",
        "undefined",
        "NaN",
        "NaN Inc",
        "NULL",
        "Null",
        "null",
        "None",
        "none",
        "nan",
        "N/A",
        "n.a.",
        "(null)",
        "<NA>",
        "\\N",
        "-",
        "--",
        "Nan",
        "No",
        "Ned",
        "Uma",
        "usa",
        "(x)",
        "M\u{c3}\u{bc}ller",
        "\u{c5}\u{81}ukasz",
        "Jos\u{c3}\u{a9}",
        "It\u{e2}\u{20ac}\u{2122}s",
        "S\u{e3}o",
        "\u{c3}",
        "\u{160}\u{ed}ma",
        "K\u{fffd}ln",
        "O&#039;Brien",
        "Tom &amp; Co",
        "A&M",
        "R&D;",
        "&bogus;",
        "D=C3=BCmmy",
        "D=FCmmy",
        "x=20",
        "O\\'Neil",
        "a ::: b",
        "a:::b",
        ":::",
        "a :: b",
        "unknown",
        "0000-00-00",
        "2139",
        "601",
        "213",
        "2139-0001",
    ]);
    let part = select(vec![
        "Joe ", "x", "&amp;", "&", "#", "=C3", "=BC", ":", "::", " ::: ", "'", "\u{c3}", "\u{bc}", "\u{c5}",
        "\u{2018}", "\u{fffd}", "N", "null", "-",
    ]);
    prop_oneof![3 => whole.prop_map(str::to_owned), 1 => prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat())]
}

fn email() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z]{1,8}[0-9]{0,3}@(example\\.com|Example\\.ORG|mail\\.example\\.co\\.uk)",
        2 => "(Ann|bob|JOE)@example\\.com",
        1 => "(mailto:|<| |Joe Smith <|\u{200b})[a-z]{1,8}@[a-zA-Z]{1,8}\\.com(>| |)",
        1 => "[a-z.]{0,10}@{0,2}[a-z0-9.-]{0,14}",
        1 => "[a-z]{1,5}@(bücher|日本|STRASSE|straße|xn--bcher-kva|faß|i❤)\\.(example|de|com)",
        1 => "[a-z]{20,70}@[a-z]{1,30}\\.com",
        1 => "[\u{0}\u{1b}\u{7f}<>]?[a-z]{1,5}@[a-z]{1,5}\\.com[\u{0}\u{1b}\u{7f}<>]",
        1 => text(),
    ]
}

fn phone() -> impl Strategy<Value = String> {
    let digits = prop_oneof![
        2 => "508123123[0-9]",
        2 => "[2-9][02-9][0-9][2-9][02-9][0-9]{5}",
        1 => "[0-9]{10}",
        1 => "0[0-9]{9}",
    ];
    prop_oneof![
        8 => (digits, 0..26usize).prop_map(|(d, how)| {
            let (a, b, c) = (&d[..3], &d[3..6], &d[6..]);
            match how {
                0 => format!("({a}) {b}-{c}"),
                1 => format!("+1 {a} {b} {c}"),
                2 => format!("1-{a}-{b}-{c}"),
                3 => format!("{a}.{b}.{c} x12"),
                4 => format!("001{a}{b}{c} ext. 7"),
                5 => format!("{a}\u{2013}{b}\u{a0}{c}"),
                6 => format!(" {a}/{b}/{c}#99 "),
                7 => format!("\u{202a}{a}-{b}-{c}\u{202c}"),
                8 => d.clone(),
                9 => format!("{d}.0"),
                10 => format!("{}.{}E+09", &d[..1], &d[1..]),
                11 => format!("tel:+1-{a}-{b}-{c},,12"),
                12 => format!("{a}-{b}-{c} (ext #12)"),
                13 => format!("{a}-{b}-{c}\u{0}"),
                14 => format!("{a}-{b}-{c}, {a}-{b}-{c}"),
                15 => format!("{a}-{b}-{c} ::: 508-123-1235 ::: 617{c}617"),
                16 => format!("'{d}"),
                17 => format!("=\"{a}-{b}-{c}\""),
                _ => format!("{a}-{b}-{c}"),
            }
        }),
        1 => "\\+[0-9 ]{3,16}",
        1 => floats(),
        1 => "[0-9() .+x-]{0,22}",
        1 => text(),
    ]
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (1890..2110u32, 0..14u32, 0..33u32, 0..16usize).prop_map(|(y, m, d, how)| match how {
            0 => format!("{m}/{d}/{y}"),
            1 => format!("{m:02}/{d:02}/{y}"),
            2 => format!("{y}/{m}/{d}"),
            3 => format!("{m}-{d}-{y}"),
            4 => format!(" {y}-{m}-{d} "),
            5 => format!("{y}-{m:02}-{d:02}T00:00:00Z"),
            6 => format!("{m}/{d}/{y} {m}:{d:02}"),
            7 => format!("{y}-{m:02}-{d:02}\u{0}"),
            8 => format!("/Date({})/", i64::from(y * m) * 86_400_000),
            9 => format!("{d}/{m}/{y}"),
            10 => format!("'{y}-{m:02}-{d:02}"),
            11 => "0000-00-00".to_owned(),
            _ => format!("{y:04}-{m:02}-{d:02}"),
        }),
        1 => "[0-9/-]{0,20}",
        1 => text(),
    ]
}

/// Numbers as spreadsheets and programs write them.
fn floats() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[1-9][0-9]{2,4}\\.0{1,2}",
        2 => "[1-9]\\.[0-9]{1,4}E\\+?0?[0-9]",
        1 => select(vec!["2139.0", "2.139E3", "1e3", "6.18E+09", "1e400", "9.5", "-0.0", "6175550101.0"])
            .prop_map(str::to_owned),
    ]
}

fn zip() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[0-9]{5}(-[0-9]{4})?", 1 => "[0-9]{3,4}(-[0-9]{4})?", 1 => "[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]", 2 => floats(), 1 => text()]
}

fn country() -> impl Strategy<Value = String> {
    let names =
        vec!["US", "USA", "United States", "Canada", "Uganda", "Germany", "UK", "\u{65e5}\u{672c}", "-", "u.s.a."];
    prop_oneof![8 => select(names).prop_map(str::to_owned), 1 => text()]
}

fn string(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (text, any::<bool>()).prop_map(|(text, escaped)| quoted(&text, escaped))
}

/// Values that are not strings.
fn odd() -> impl Strategy<Value = String> {
    select(vec![
        "null",
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[\"Joe\"]",
        "{\"address\":\"joe@example.com\"}",
        "[1,{\"a\":[null]}]",
        "0",
        "-0",
        "7",
        "12",
        "31",
        "2.0",
        "7.50",
        "1e5",
        "-3",
        "60609",
        "5081231235",
        "15081231235",
        "2024",
        "18446744073709551615",
        "18446744073709551616",
        "12345678901234567890123",
        "0.1e-7",
        "1E+2",
        "2139.0",
        "2.139E3",
        "6175550101.0",
        "6.175550101E+09",
        "6.18E+09",
        "1e400",
        "2139",
        "{\"$numberInt\":\"7\"}",
        "{\"$numberDouble\":\"2139.0\"}",
        "{\"$numberLong\":\"6175550101\"}",
        "{\"$date\":\"2001-05-06T00:00:00Z\"}",
        "{\"$date\":{\"$numberLong\":\"989107200000\"}}",
        "{\"$oid\":\"60f6d845caa1861dcf1631ae\"}",
        "{\"$undefined\":true}",
    ])
    .prop_map(str::to_owned)
}

fn names(wanted: &'static [Family]) -> impl Strategy<Value = String> {
    let names: Vec<&str> =
        KNOWN.iter().map(|id| id.info()).filter(|m| wanted.contains(&m.family)).map(|m| m.name).collect();
    select(names).prop_map(str::to_owned)
}

/// A member: its name, and its value as JSON.
fn member() -> impl Strategy<Value = (String, String)> {
    let value = |good| prop_oneof![9 => good, 1 => odd().boxed(), 1 => string(text()).boxed()];
    let custom =
        prop_oneof![9 => "cf:[a-z]{1,6}", 1 => "cf:\\PC{0,5}", 1 => "cf:[a-z]{49,52}", 1 => Just("cf:".to_owned())];
    let unknown = prop_oneof![
        1 => select(vec!["firstName", "phone_numbers", "custom_fields", "cf_tier", "", "Email", "email ", "notes", "CF:x"])
            .prop_map(str::to_owned),
        1 => "[a-z]{1,9}\u{e9}",
    ];
    let birthday = prop_oneof![
        4 => (0..34u32).prop_map(|n| n.to_string()),
        1 => (0..34u32).prop_map(|n| format!("{n}.0")),
        1 => (0..34u32).prop_map(|n| format!("\"{n:02}\"")),
    ];
    prop_oneof![
        4 => (names(&[Family::Text]), value(string(text()).boxed())),
        4 => (names(&[Family::Address]), value(string(text()).boxed())),
        3 => (select(vec!["zip", "home_zip", "work_zip", "other_zip"]).prop_map(str::to_owned), value(string(zip()).boxed())),
        3 => (
            select(vec!["country", "home_country", "work_country", "other_country"]).prop_map(str::to_owned),
            value(string(country()).boxed()),
        ),
        1 => (Just("home country".to_owned()), value(string(country()).boxed())),
        4 => (names(&[Family::Phone]), value(string(phone()).boxed())),
        2 => (names(&[Family::Date]), value(string(date()).boxed())),
        2 => (names(&[Family::Consent]), value(string(date()).boxed())),
        3 => (names(&[Family::Sms]), value(string(phone()).boxed())),
        3 => (names(&[Family::Birthday]), value(birthday.boxed())),
        4 => (custom, value(string(text()).boxed())),
        1 => (unknown, value(string(text()).boxed())),
        1 => (
            select(vec!["unsubscribed", "opt_out", "email_consent", "status", "permission_to_send"]).prop_map(str::to_owned),
            select(vec!["\"yes\"", "\"no\"", "true", "0", "\"\"", "null", "\"unsubscribed\"", "\"perhaps\"", "{\"opted_out\":1}"])
                .prop_map(str::to_owned),
        ),
    ]
}

/// Members that are something only together: mostly none.
fn check_cross_field() -> impl Strategy<Value = Vec<(String, String)>> {
    let pair = |a: &str, b: &str, value: String| vec![(a.to_owned(), value.clone()), (b.to_owned(), value)];
    let fields = || (24..30usize).prop_map(|n| (0..n).map(|i| (format!("cf:field {i}"), format!("\"{i}\""))).collect());
    prop_oneof![
        16 => Just(Vec::new()),
        1 => string(phone()).prop_map(move |value| pair("phone", "other_phone", value)),
        1 => string(text()).prop_map(move |value| pair("city", "home_city", value)),
        1 => string(text()).prop_map(move |value| pair("street2", "home_street", value)),
        1 => odd().prop_map(move |value| {
            vec![("work_street".to_owned(), value), ("work_street2".to_owned(), "\"Apt 4\"".to_owned())]
        }),
        1 => (1..13u32, prop_oneof![1..32u32, 29..32u32]).prop_map(|(m, d)| {
            vec![("birthday_month".to_owned(), m.to_string()), ("birthday_day".to_owned(), d.to_string())]
        }),
        1 => fields(),
    ]
}

/// A contact as compact JSON, with [`MARK`] in it.
fn contact() -> impl Strategy<Value = String> {
    let email = prop_oneof![
        12 => string(email()).prop_map(Some),
        1 => odd().prop_map(Some),
        2 => Just(None),
    ];
    let members =
        prop_oneof![9 => prop::collection::vec(member(), 0..12), 1 => prop::collection::vec(member(), 20..60)];
    let object = (email, members, check_cross_field(), 0..20u32, any::<prop::sample::Index>(), any::<bool>());
    let object = object.prop_map(|(email, mut members, together, twice, at, escaped)| {
        // In front, so that of members given twice these stay.
        members.splice(0..0, together);
        if let Some(email) = email {
            members.insert(at.index(members.len() + 1), ("email".to_owned(), email));
        }
        if twice > 0 {
            let mut seen = std::collections::HashSet::new();
            members.retain(|(name, _)| {
                seen.insert(if name == "home country" { "home_country".into() } else { name.clone() })
            });
        }
        members.retain(|(name, _)| name != "cf:id");
        members.insert(0, ("cf:id".to_owned(), format!("\"{MARK}\"")));
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("{}:{value}", quoted(name, escaped))).collect();
        format!("{{{}}}", members.join(","))
    });
    let other = select(vec![r#""MARK""#, r#"["MARK",1]"#, r#"[{"email":"MARK@example.com"}]"#, r#""\u0000MARK""#]);
    prop_oneof![40 => object, 1 => other.prop_map(str::to_owned)]
}

/// A line that is not JSON.
fn broken() -> impl Strategy<Value = String> {
    let mut lines: Vec<String> = [
        r#"{"cf:id":"MARK",}"#,
        r#"{"cf:id":"MARK""#,
        r#"{"cf:id":"MARK"#,
        "{'cf:id':'MARK'}",
        r#"{"cf:id":"MARK"} x"#,
        r#"{"cf:id":"MARK"} x {"email":"a@example.com"}"#,
        "not JSON MARK",
        r#"{"cf:id":"MARK","x":NaN}"#,
        r#"{"cf:id":"MARK","x":"\ud800"}"#,
        r#"{"cf:id":"MARK","x":01}"#,
        "{\"cf:id\":\"MARK\",\"x\":\"\t\"}",
        r#"{"cf:id":"MARK","x":[1}]"#,
        "// MARK",
        r#"{"cf:id":"MARK"}]"#,
        r#"{"cf:id":"MARK","x":"\x"}"#,
        r#"]"MARK""#,
    ]
    .map(str::to_owned)
    .into();
    lines.push(format!("{{\"cf:id\":\"MARK\",\"x\":{}1{}}}", "[".repeat(64), "]".repeat(64)));
    select(lines)
}

/// Contacts of a made-up export, with a mark.
fn sample(contacts: u64, seed: u64) -> Vec<String> {
    let mut lines = Vec::new();
    presort::sample::write(&Sample { contacts, seed, mess: 40.0, format: SampleFormat::Ndjson }, &mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    // Some are no objects, and have no room for a mark.
    let mark = |line: &str| match line.strip_prefix('{')? {
        "}" => Some(format!("{{\"cf:id\":\"{MARK}\"}}")),
        rest => Some(format!("{{\"cf:id\":\"{MARK}\",{rest}")),
    };
    lines.lines().filter_map(mark).collect()
}

/// Contacts, `count` or a few more, the first one good, and each marked with its place.
fn contacts(count: impl Into<SizeRange>, lines: bool) -> impl Strategy<Value = Vec<String>> {
    let one = if lines { prop_oneof![12 => contact(), 1 => broken()].boxed() } else { contact().boxed() };
    (prop::collection::vec(one, count), 0..9u64, any::<u64>(), any::<u64>()).prop_map(|(mut made, n, seed, mix)| {
        for (i, contact) in sample(n, seed).into_iter().enumerate() {
            made.insert((mix as usize).wrapping_mul(i + 1) % (made.len() + 1), contact);
        }
        made.insert(0, format!("{{\"cf:id\":\"{MARK}\",\"email\":\"first@example.com\"}}"));
        number(made)
    })
}

fn number(made: Vec<String>) -> Vec<String> {
    made.into_iter().enumerate().map(|(i, contact)| contact.replacen(MARK, &mark(i), 1)).collect()
}

// ---------------------------------------------------------------------------------------------
// Documents
// ---------------------------------------------------------------------------------------------

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Lines,
    Array,
    EnvelopeFirst,
    DataFirst,
}

const SHAPES: [Shape; 4] = [Shape::Lines, Shape::Array, Shape::EnvelopeFirst, Shape::DataFirst];

/// White space between tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    Compact,
    Spaced,
    Pretty,
    Windows,
}

const STYLES: [Style; 4] = [Style::Compact, Style::Spaced, Style::Pretty, Style::Windows];

impl Style {
    fn gap(self, shape: Shape) -> &'static str {
        match self {
            Style::Compact => "",
            Style::Spaced => " \t",
            _ if shape == Shape::Lines => "  ",
            Style::Pretty => "\n    ",
            Style::Windows => "\r\n\t",
        }
    }
}

/// Puts `gap` around the tokens of JSON. Text that is not JSON comes out as something that is not JSON, too.
fn spread(json: &str, gap: &str) -> String {
    let (mut out, mut string, mut escape) = (String::new(), false, false);
    for c in json.chars() {
        let token = !string && "{}[],:".contains(c);
        if token && !"{[".contains(c) {
            out.push_str(gap);
        }
        out.push(c);
        if token && !"}]".contains(c) {
            out.push_str(gap);
        }
        string ^= c == '"' && !escape;
        escape = c == '\\' && !escape;
    }
    out
}

/// JSON without white space between tokens.
fn compact(json: &str) -> String {
    let (mut out, mut string, mut escape) = (String::new(), false, false);
    for c in json.chars() {
        if string || !" \t\r\n".contains(c) {
            out.push(c);
        }
        string ^= c == '"' && !escape;
        escape = c == '\\' && !escape;
    }
    out
}

/// A document, and each of its contacts: offset, line, text.
struct Document {
    bytes: Vec<u8>,
    contacts: Vec<(usize, usize, String)>,
}

fn document(contacts: &[String], shape: Shape, style: Style, permission: SmsPermission) -> Document {
    let gap = style.gap(shape);
    let end = if style == Style::Windows { "\r\n" } else { "\n" };
    let envelope = format!(r#""list_ids":["{LIST}"],"sms_permission_to_send":"{}""#, permission.as_str());
    let (before, between, behind) = match shape {
        Shape::Lines => (String::new(), end.to_owned(), end.to_owned()),
        Shape::Array => ("[".to_owned(), ",".to_owned(), "]\n".to_owned()),
        Shape::EnvelopeFirst => (spread(&format!(r#"{{{envelope},"import_data":["#), gap), ",".into(), "]}".into()),
        Shape::DataFirst => {
            (spread(r#"{"import_data":["#, gap), ",".into(), spread(&format!("],{envelope}}}"), gap) + "\n\n")
        }
    };
    let mut text = if style == Style::Pretty { format!("\u{feff}{before}") } else { before };
    let (mut places, mut line, mut counted) = (Vec::new(), 1, 0);
    for (i, contact) in contacts.iter().enumerate() {
        if i > 0 {
            text.push_str(&between);
            if shape == Shape::Lines && i % 5 == 0 && style != Style::Compact {
                text.push_str(&format!(" {end}{end}"));
            }
        }
        text.push_str(gap);
        let contact = spread(contact, gap);
        let contact = contact.trim_matches(['\n', '\r', ' ', '\t']);
        line += text[counted..].matches('\n').count();
        counted = text.len();
        places.push((text.len(), line, contact.to_owned()));
        text.push_str(contact);
        text.push_str(gap);
    }
    text.push_str(&behind);
    Document { bytes: text.into_bytes(), contacts: places }
}

// ---------------------------------------------------------------------------------------------
// Runs
// ---------------------------------------------------------------------------------------------

/// A directory in memory, where there is one: every output is synced to disk otherwise.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// What a run is asked for.
#[derive(Debug, Clone)]
struct Asks {
    settings: Settings,
    permission: SmsPermission,
    mode: Mode,
    limits: Limits,
    threads: usize,
    /// Lists and permission are given by option, whatever the document says.
    named: bool,
}

impl Asks {
    fn new(mode: Mode, permission: SmsPermission) -> Asks {
        let as_of = Date { year: 2025, month: 1, day: 15 };
        let settings = Settings { as_of, ..Settings::default() };
        Asks { settings, permission, mode, limits: Limits::default(), threads: 2, named: false }
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
struct Done {
    output: String,
    report: String,
    changes: String,
    rejects: String,
    clean: bool,
    receipt: Value,
}

impl Done {
    /// Everything that must not depend on how the bytes came in.
    fn files(&self) -> [&str; 4] {
        [&self.output, &self.report, &self.changes, &self.rejects]
    }

    /// The files without what depends on where contacts lie, and on white space between their tokens.
    fn essence(&self) -> [String; 4] {
        let placeless = |lines: &str| -> String {
            let line = |line: &str| {
                let (start, rest) = line.split_once(",\"offset\":").unwrap();
                let (_, rest) = rest.split_once(",\"severity\":").unwrap();
                // White space in a nested value goes; that in texts is the same everywhere.
                format!("{}\n", compact(&format!("{start},\"severity\":{rest}")))
            };
            lines.lines().map(line).collect()
        };
        let rejects: String = self.rejects.lines().map(|line| compact(line) + "\n").collect();
        [self.output.clone(), placeless(&self.report), placeless(&self.changes), rejects]
    }
}

fn job(dir: &Path, input: PathBuf, asks: &Asks, is_body: bool) -> Job<'static> {
    Job {
        bare_rejects: true,
        statistics: false,
        reading: Default::default(),
        mapping: Default::default(),
        inputs: vec![input.into()],
        skipped: Vec::new(),
        mode: asks.mode.clone(),
        limits: asks.limits,
        settings: asks.settings.clone(),
        asked: match is_body && !asks.named {
            true => EnvelopeOverrides::default(),
            false => EnvelopeOverrides { list_ids: vec![LIST.into()], sms_permission: Some(asks.permission) },
        },
        output: dir.join("output"),
        report: Some(dir.join("report")),
        changes: Some(dir.join("changes")),
        rejects: Some(dir.join("rejects")),
        receipt: None,
        force: true,
        earlier: Default::default(),
        threads: asks.threads,
        redact: None,
        progress: None,
    }
}

fn go(dir: &Path, input: PathBuf, asks: &Asks, is_body: bool) -> Done {
    let summary = run(&job(dir, input, asks, is_body)).unwrap();
    assert!(summary.stop.is_none(), "{:?}", summary.stop);
    let read = |name: &str| String::from_utf8(fs::read(dir.join(name)).unwrap_or_default()).unwrap();
    Done {
        output: read("output"),
        report: read("report"),
        changes: read("changes"),
        rejects: read("rejects"),
        clean: summary.receipt.is_clean(),
        receipt: serde_json::to_value(&summary.receipt).unwrap(),
    }
}

/// A run on a file of these bytes.
fn from_file(bytes: &[u8], asks: &Asks) -> Done {
    let dir = directory();
    let input = dir.path().join("input");
    fs::write(&input, bytes).unwrap();
    // What says nothing of lists is given them.
    let is_body = is_body(bytes);
    go(dir.path(), input, asks, is_body)
}

fn is_body(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
    start.contains("\"list_ids\"") || start.contains("\"import_data\"")
}

/// A run on a pipe into which these bytes are written in pieces of odd sizes.
fn from_pipe(bytes: &[u8], asks: &Asks, mut seed: u64, largest: usize) -> Done {
    let dir = directory();
    let input = dir.path().join("input");
    let path = std::ffi::CString::new(input.to_str().unwrap()).unwrap();
    // SAFETY: the path is a string that ends in a zero byte and lives through the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut pipe = fs::OpenOptions::new().write(true).open(&input).unwrap();
            let mut rest = bytes;
            while !rest.is_empty() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (piece, behind) = rest.split_at((1 + (seed >> 33) as usize % largest).min(rest.len()));
                // A run that has seen enough closes the pipe.
                if pipe.write_all(piece).is_err() {
                    break;
                }
                rest = behind;
            }
        });
        go(dir.path(), input.clone(), asks, is_body(bytes))
    })
}

/// The cleaned contacts of an output, one a text.
fn cleaned(output: &str) -> Vec<String> {
    if output.starts_with("{\"list_ids\":") {
        let (_, contacts) = output.split_once("\"import_data\":[").unwrap();
        let contacts = contacts.strip_suffix("]}").unwrap();
        // Each begins with its mark, and nothing else looks like that.
        let mut starts: Vec<usize> = contacts.match_indices("{\"cf:id\":\"mark").map(|(at, _)| at).collect();
        starts.push(contacts.len() + 1);
        return starts.windows(2).map(|pair| contacts[pair[0]..pair[1] - 1].to_owned()).collect();
    }
    output.lines().map(str::to_owned).collect()
}

fn keys(json: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Holds the lines of a report or ledger against the manual and the document.
fn check_lines(lines: &str, is_ledger: bool, document: &Document) {
    let mut last = 0;
    for line in lines.split_terminator('\n') {
        let json: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let mut expected = vec!["code", "contact", "field", "help", "line", "message", "offset", "outcome", "severity"];
        if is_ledger {
            expected.push("to");
        }
        expected.push("value");
        let cut = json["value"].as_str().is_some_and(|value| value.chars().count() == 1000);
        if cut && json.get("value_chars").is_some() {
            expected.push("value_chars");
        }
        assert_eq!(keys(&json), expected, "{line}");
        let Value::Object(members) = &json else { unreachable!() };
        let [contact, offset, at_line] = ["contact", "offset", "line"].map(|name| members[name].as_u64().unwrap());
        let [severity, code, outcome] = ["severity", "code", "outcome"].map(|name| members[name].as_str().unwrap());
        let start = format!(
            "{{\"contact\":{contact},\"offset\":{offset},\"line\":{at_line},\"severity\":\"{severity}\",\"code\":\"{code}\",\"field\":"
        );
        assert!(line.starts_with(&start), "the order of the manual: {line}");
        let order: Vec<usize> =
            ["\"message\":\"", "\"help\":\"", "\"outcome\":\""].iter().map(|key| line.rfind(key).unwrap()).collect();
        assert!(order.is_sorted() && line.ends_with(&format!(",\"outcome\":\"{outcome}\"}}")), "{line}");
        assert_eq!(severity == "change", is_ledger, "{line}");
        assert_eq!(outcome == "changed", is_ledger, "{line}");
        assert!(["error", "warning", "change"].contains(&severity), "{line}");
        assert!(["rejected", "held_back", "kept", "changed"].contains(&outcome), "{line}");
        assert!(Code::ALL.iter().any(|known| known.as_str() == code), "{line}");
        assert!(contact >= last, "not in input order: {line}");
        last = contact;
        let (should, line_no, text) = &document.contacts[contact as usize];
        assert_eq!((offset as usize, at_line as usize), (*should, *line_no), "{line}");
        assert!(document.bytes[offset as usize..].starts_with(text.as_bytes()), "{line}");
    }
}

/// Holds a run against the contacts that came in: nobody is lost, nobody is there twice, all in order, and the receipt says so.
fn check_account(done: &Done, document: &Document) {
    let [accepted, rejected]: [Vec<usize>; 2] = [
        cleaned(&done.output).iter().map(|contact| marked(contact)).collect(),
        done.rejects.lines().map(marked).collect(),
    ];
    assert!(accepted.is_sorted() && rejected.is_sorted(), "out of order: {accepted:?} {rejected:?}");
    let mut all: Vec<usize> = accepted.iter().chain(&rejected).copied().collect();
    all.sort_unstable();
    let expected: Vec<usize> = (0..document.contacts.len()).collect();
    assert_eq!(all, expected, "lost or doubled");
    let counts = &done.receipt["contacts"];
    let count = |name: &str| counts[name].as_u64().unwrap() as usize;
    assert_eq!((count("seen"), count("accepted"), count("rejected")), (all.len(), accepted.len(), rejected.len()));
    assert_eq!(done.receipt["bytes_read"], document.bytes.len());
    check_lines(&done.report, false, document);
    check_lines(&done.changes, true, document);
    // What the receipt counts is what the reports say.
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let mut by_outcome: BTreeMap<String, std::collections::BTreeSet<u64>> = BTreeMap::new();
    for line in done.report.lines().chain(done.changes.lines()) {
        let json: Value = serde_json::from_str(line).unwrap();
        *codes.entry(json["code"].as_str().unwrap().to_owned()).or_default() += 1;
        by_outcome
            .entry(json["outcome"].as_str().unwrap().to_owned())
            .or_default()
            .insert(json["contact"].as_u64().unwrap());
    }
    assert_eq!(done.receipt["findings"], serde_json::to_value(&codes).unwrap());
    let told = |outcome: &str| by_outcome.get(outcome).map_or(0, |contacts| contacts.len());
    assert_eq!((told("rejected"), told("held_back")), (count("rejected"), count("accepted_with_held_back")));
    assert_eq!(told("changed"), count("changed"));
    assert_eq!(done.clean, told("rejected") + told("held_back") == 0);
    // A rejected contact is as it came; a line that is not JSON, with the white space at its end.
    for reject in done.rejects.lines() {
        let (_, _, text) = &document.contacts[marked(reject)];
        assert_eq!(reject.trim_end(), text.replace(['\n', '\r'], ""));
    }
}

fn permission() -> impl Strategy<Value = SmsPermission> {
    select(vec![SmsPermission::Explicit, SmsPermission::NotSet])
}

/// The settings that change what comes out.
fn settings() -> Vec<Settings> {
    let default = Asks::new(Mode::Check, SmsPermission::NotSet).settings;
    vec![
        default.clone(),
        Settings { truncate: true, ..default.clone() },
        Settings { phone_format: PhoneFormat::Digits, ..default.clone() },
        Settings { nanp: true, ..default.clone() },
        Settings { nanp: true, truncate: true, phone_format: PhoneFormat::Digits, email_max: 80, ..default.clone() },
        Settings { bad_field: BadField::Reject, ..default.clone() },
        Settings { date_order: DateOrder::DayFirst, fix_zip: true, ..default.clone() },
        Settings {
            null_texts: ["NULL", "unknown", "-", "S\u{e3}o", "US"].map(str::to_owned).into(),
            date_order: DateOrder::YearFirst,
            ..default
        },
    ]
}

/// Those, and to keep the first of equal contacts only.
fn more_settings() -> Vec<Settings> {
    let mut settings = settings();
    settings.push(Settings { duplicates: Duplicates::First, ..settings[0].clone() });
    settings
}

/// So many cases, which keeps this file quick; PROPTEST_CASES asks for more.
fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = asked.unwrap_or(cases);
    ProptestConfig { cases, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(96))]

    /// Every contact is in the output or in the rejects, once, in order; reports point at it; the receipt adds up.
    #[test]
    fn nobody_is_lost(
        // What is not JSON is a rejected line, but ends any other document.
        (shape, contacts) in select(SHAPES.to_vec()).prop_flat_map(|s| (Just(s), contacts(1..24, s == Shape::Lines))),
        style in 0..4usize, permission in permission(), settings in select(more_settings()), request in any::<bool>(),
    ) {
        let mode = if request { Mode::Request } else { Mode::Stream };
        let asks = Asks { settings, ..Asks::new(mode, permission) };
        let document = document(&contacts, shape, STYLES[style], permission);
        check_account(&from_file(&document.bytes, &asks), &document);
    }
}

proptest! {
    #![proptest_config(cases(48))]

    /// What was cleaned once is clean: a second run changes nothing, holds nothing back, and ends well.
    #[test]
    fn clean_stays_clean(contacts in contacts(1..30, false), permission in permission(), request in any::<bool>()) {
        let document = document(&contacts, Shape::Lines, Style::Compact, permission);
        for settings in more_settings() {
            let mode = if request { Mode::Request } else { Mode::Stream };
            let asks = Asks { settings, ..Asks::new(mode, permission) };
            let first = from_file(&document.bytes, &asks);
            let second = from_file(first.output.as_bytes(), &asks);
            prop_assert_eq!(&second.output, &first.output);
            prop_assert_eq!(&second.changes, "");
            prop_assert_eq!(&second.rejects, "");
            prop_assert!(second.clean, "{}", second.report);
            prop_assert!(!second.report.contains("\"outcome\":\"held_back\"}"), "{}", second.report);
        }
    }

    /// Rejects that are fed back as they are come back, all of them, for the same reasons.
    #[test]
    fn rejected_stays_rejected(contacts in contacts(1..30, true), permission in permission(), settings in select(settings())) {
        let asks = Asks { settings, ..Asks::new(Mode::Stream, permission) };
        let document = document(&contacts, Shape::Lines, Style::Compact, permission);
        let first = from_file(&document.bytes, &asks);
        // So that the document shows what it is, whatever was rejected first.
        let lead = "{\"email\":\"-\",\"cf:id\":\"mark999999\"}\n";
        let second = from_file(format!("{lead}{}", first.rejects).as_bytes(), &asks);
        prop_assert_eq!(&second.output, "");
        prop_assert_eq!(&second.rejects, &format!("{lead}{}", first.rejects));
        let reasons = |report: &str, skip: bool| -> Vec<Vec<String>> {
            let mut contacts: BTreeMap<u64, Vec<String>> = BTreeMap::new();
            for line in report.lines() {
                let json: Value = serde_json::from_str(line).unwrap();
                let contact = json["contact"].as_u64().unwrap();
                if json["outcome"] == "rejected" && !(skip && contact == 0) {
                    let (_, reason) = line.split_once(",\"severity\":").unwrap();
                    contacts.entry(contact).or_default().push(reason.to_owned());
                }
            }
            contacts.into_values().collect()
        };
        prop_assert_eq!(reasons(&second.report, true), reasons(&first.report, false));
    }
}

proptest! {
    #![proptest_config(cases(20))]

    /// Threads, pipes and their pieces, the shape of the document and its white space: none of it makes a difference.
    #[test]
    fn how_the_bytes_come_in_makes_no_difference(
        contacts in contacts(1..40, false), style in 0..4usize, permission in permission(), settings in select(more_settings()),
        request in any::<bool>(), seed in any::<u64>(), largest in 1..200usize,
    ) {
        let mode = if request { Mode::Request } else { Mode::Stream };
        let asks = Asks { settings, ..Asks::new(mode, permission) };
        same_every_way(&contacts, &asks, STYLES[style], seed, largest);
    }

    /// Bodies hold what stream mode writes, in order, within the limits; the receipt tells of each.
    #[test]
    fn bodies_hold_all(
        contacts in contacts(1..60, false), permission in permission(), max_bytes in 300..4000u64, max_contacts in 1..30u64,
        threads in select(vec![1, 2, 7]), shape in 0..4usize,
    ) {
        let document = document(&contacts, SHAPES[shape], Style::Compact, permission);
        let stream = from_file(&document.bytes, &Asks::new(Mode::Stream, permission));
        let dir = directory();
        let bodies = dir.path().join("bodies");
        let mut asks = Asks { threads, ..Asks::new(Mode::Split(bodies.clone()), permission) };
        asks.limits = Limits { max_bytes, max_contacts };
        let split = from_file(&document.bytes, &asks);

        let receipt: Value = serde_json::from_slice(&fs::read(bodies.join(RECEIPT)).unwrap()).unwrap();
        let mut all = Vec::new();
        let mut files: Vec<String> =
            fs::read_dir(&bodies).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        prop_assert_eq!(files.pop(), Some(RECEIPT.to_owned()));
        let payloads = receipt["payloads"].as_array().unwrap();
        prop_assert_eq!(payloads.len(), files.len());
        for (payload, file) in payloads.iter().zip(&files) {
            prop_assert_eq!(payload["file"].as_str(), Some(file.as_str()));
            let bytes = fs::read(bodies.join(file)).unwrap();
            prop_assert!((bytes.len() as u64) < max_bytes);
            prop_assert_eq!(payload["bytes"].as_u64(), Some(bytes.len() as u64));
            let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(payload["sha256"].as_str(), Some(sha256.as_str()));
            let text = String::from_utf8(bytes).unwrap();
            let prefix =
                format!(r#"{{"list_ids":["{LIST}"],"sms_permission_to_send":"{}","import_data":["#, permission.as_str());
            prop_assert!(text.starts_with(&prefix));
            let body: Value = serde_json::from_str(&text).unwrap();
            let contacts = cleaned(&text);
            prop_assert_eq!(body["import_data"].as_array().unwrap().len(), contacts.len());
            prop_assert_eq!(payload["contacts"].as_u64(), Some(contacts.len() as u64));
            prop_assert!(!contacts.is_empty() && contacts.len() as u64 <= max_contacts);
            all.extend(contacts);
        }
        // A contact that no body has room for is rejected here, and only here.
        let rejected: Vec<usize> = split.rejects.lines().map(marked).collect();
        let too_large = receipt["findings"]["CON005"].as_u64().unwrap_or(0) as usize;
        let streamed = cleaned(&stream.output);
        let expected: Vec<String> =
            streamed.iter().filter(|contact| !rejected.contains(&marked(contact))).cloned().collect();
        prop_assert_eq!(&all, &expected);
        prop_assert_eq!(streamed.len(), all.len() + too_large);
        if too_large == 0 {
            prop_assert_eq!(&split.files()[1..], &stream.files()[1..]);
        }
        let counts = &receipt["contacts"];
        let count = |name: &str| counts[name].as_u64().unwrap() as usize;
        prop_assert_eq!(count("seen"), document.contacts.len());
        prop_assert_eq!((count("accepted"), count("rejected")), (all.len(), rejected.len()));
        // A new body is begun only where the next contact does not fit in the one before.
        for (i, pair) in payloads.windows(2).enumerate() {
            let before = pair[0]["contacts"].as_u64().unwrap();
            let up_to: u64 = payloads[..=i].iter().map(|payload| payload["contacts"].as_u64().unwrap()).sum();
            let next = all[up_to as usize].len() as u64;
            let full = pair[0]["bytes"].as_u64().unwrap() + 1 + next >= max_bytes;
            prop_assert!(full || before == max_contacts);
        }
    }
}

proptest! {
    #![proptest_config(cases(64))]

    /// A limit of request mode cuts between two contacts: those before it are accounted for, and what is dropped is told.
    #[test]
    fn what_is_dropped_is_told(
        contacts in contacts(1..30, false), shape in 0..4usize, style in 0..4usize, permission in permission(),
        share in 0..110u64, max_contacts in select(vec![1, 5, 40_000]), seed in any::<u64>(),
        settings in select(more_settings()),
    ) {
        let document = document(&contacts, SHAPES[shape], STYLES[style], permission);
        let max_bytes = 200 + document.bytes.len() as u64 * share / 100;
        let mut asks = Asks { settings, named: true, ..Asks::new(Mode::Request, permission) };
        asks.limits = Limits { max_bytes, max_contacts };
        let file = from_file(&document.bytes, &asks);
        let pipe = from_pipe(&document.bytes, &Asks { threads: 7, ..asks }, seed, 99);
        prop_assert_eq!(file.files(), pipe.files());
        prop_assert_eq!(&file.receipt["contacts"], &pipe.receipt["contacts"]);
        prop_assert!((file.output.len() as u64) < max_bytes);

        let accepted: Vec<usize> = cleaned(&file.output).iter().map(|contact| marked(contact)).collect();
        let rejected: Vec<usize> = file.rejects.lines().map(marked).collect();
        prop_assert!(accepted.is_sorted() && rejected.is_sorted() && accepted.len() as u64 <= max_contacts);
        let mut all: Vec<usize> = accepted.iter().chain(&rejected).copied().collect();
        all.sort_unstable();
        let seen = all.len();
        prop_assert_eq!(&all, &(0..seen).collect::<Vec<usize>>());
        prop_assert_eq!(file.receipt["contacts"]["seen"].as_u64(), Some(seen as u64));
        check_lines(&file.report, false, &document);
        check_lines(&file.changes, true, &document);
        let total = document.bytes.len() as u64;
        // Only a body is cut where the endpoint would cut it. Of other documents, what is written counts.
        let limit = if is_body(&document.bytes) { max_bytes } else { u64::MAX };
        let dropped = &file.receipt["dropped"];
        if dropped.is_null() {
            // All of it, or all but white space that lies behind the limit.
            let read = file.receipt["bytes_read"].as_u64().unwrap();
            prop_assert_eq!((seen, read), (contacts.len(), total.min(limit)));
            prop_assert!(document.bytes[read as usize..].trim_ascii().is_empty());
            return Ok(());
        }
        prop_assert!(!file.clean);
        let at = dropped["at_byte"].as_u64().unwrap();
        prop_assert_eq!(file.receipt["bytes_read"].as_u64(), Some(at));
        prop_assert_eq!(dropped["bytes"].as_u64(), Some(total - at));
        prop_assert_eq!(&pipe.receipt["dropped"]["at_byte"], &dropped["at_byte"]);
        prop_assert_eq!(&pipe.receipt["dropped"]["first_contact"], &dropped["first_contact"]);
        match dropped["first_contact"].as_u64() {
            Some(first) => prop_assert_eq!(first, seen as u64),
            // Nothing of a further contact had begun, and nobody looked behind the limit; or the contacts end before it, and
            // what stands behind them does not.
            None => prop_assert!(at == limit || (at < limit && seen == contacts.len())),
        }
        // It begins there, or the limit lies in the white space before it.
        if seen < contacts.len() {
            prop_assert!(at == document.contacts[seen].0 as u64 || at == limit);
        }
    }
}

/// Rejects can be fed back in whatever stands on their first line, and come back, all of them. (But for an array of objects,
/// which is a document of contacts by itself; and lines of which none is an object are no contacts at all.)
#[test]
fn rejects_can_be_fed_back_whatever_comes_first() {
    let asks = Asks::new(Mode::Stream, SmsPermission::NotSet);
    for first in ["null", "42", "\"x\"", "[]", "[1, [2]]", "{}", "{\"foo\":1}", "{\"list_ids\":[],\"email\":\"-\"}"] {
        let input = format!("[{{\"email\":\"a@example.com\"}},{first},{{\"email\":\"-\"}}]");
        let rejects = from_file(input.as_bytes(), &asks).rejects;
        assert_eq!(rejects, format!("{first}\n{{\"email\":\"-\"}}\n"));
        let alone = first.starts_with('{').then(|| format!("{first}\n")).filter(|_| first != "{}");
        for rejects in [Some(rejects), alone].into_iter().flatten() {
            let again = from_file(rejects.as_bytes(), &asks);
            assert_eq!((again.output.as_str(), &again.rejects), ("", &rejects));
        }
    }
}

/// Runs the same contacts in every shape, by file and by pipe, with different threads, and holds the outputs against each other.
fn same_every_way(contacts: &[String], asks: &Asks, style: Style, seed: u64, largest: usize) {
    let mut first: Option<[String; 4]> = None;
    for shape in SHAPES {
        for style in [Style::Compact, style] {
            let document = document(contacts, shape, style, asks.permission);
            let mut ways = vec![from_pipe(&document.bytes, asks, seed, largest)];
            for threads in [1, 2, 7] {
                ways.push(from_file(&document.bytes, &Asks { threads, ..asks.clone() }));
            }
            for way in &ways[1..] {
                assert_eq!(way.files(), ways[0].files(), "{shape:?} {style:?}");
                assert_eq!(way.clean, ways[0].clean);
                assert_eq!(way.receipt["contacts"], ways[0].receipt["contacts"]);
                assert_eq!(way.receipt["findings"], ways[0].receipt["findings"]);
            }
            check_account(&ways[1], &document);
            let essence = ways[0].essence();
            match &first {
                None => first = Some(essence),
                Some(first) => assert_eq!(*first, essence, "{shape:?} {style:?}"),
            }
        }
    }
}

/// The same with contacts enough for many batches, blocks and windows.
#[test]
fn size_makes_no_difference() {
    for (contacts, mode, permission) in
        [(1_500, Mode::Stream, SmsPermission::Explicit), (800, Mode::Request, SmsPermission::NotSet)]
    {
        let contacts = sample(contacts, 11);
        let first = format!("{{\"cf:id\":\"{MARK}\",\"email\":\"first@example.com\"}}");
        let contacts = number([first].into_iter().chain(contacts).collect());
        same_every_way(&contacts, &Asks::new(mode, permission), Style::Pretty, 5, 70_001);
    }
}

/// The properties say something only about what the contacts made here come to: nearly every code there is.
#[test]
fn contacts_are_messy_enough() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let made = contacts(2_000, true).new_tree(&mut runner).unwrap().current();
    let mut codes = std::collections::BTreeSet::new();
    for permission in [SmsPermission::Explicit, SmsPermission::NotSet] {
        let document = document(&made, Shape::Lines, Style::Spaced, permission);
        for settings in more_settings() {
            let done = from_file(&document.bytes, &Asks { settings, ..Asks::new(Mode::Stream, permission) });
            codes.extend(keys(&done.receipt["findings"]).into_iter().map(str::to_owned));
        }
    }
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        // What stands around the contacts, what only a mapping, a table or an account finds, is no matter of the contacts.
        .filter(|code| {
            !codes.contains(*code) && !["ENV", "MAP", "IMP", "TAB"].iter().any(|family| code.starts_with(family))
        })
        .collect();
    // These take a contact or a limit of their own: 1 MiB, a small body, a list of names or of types.
    // A mark stands between contacts, where files were joined, and an action before one.
    assert_eq!(
        missing,
        ["SYN002", "SYN004", "SYN005", "SYN006", "CON005", "CUS003", "CUS004", "OPT004"],
        "of {} contacts",
        made.len()
    );
}
