use super::*;
use crate::mapping::decide::tests::{auto, profile};
use crate::mapping::{MapError, MapOptions, decide};
use proptest::prelude::*;

#[test]
fn the_example_is_read() {
    let file = MapFile::parse(
        "# HubSpot (12 of 14 headers)\n[columns]\n\"Email\" = \"email\"  # system\n\"Create Date\" = \"-\"\nTier = \"cf:Tier\"\n\
         \"Full name\" = [\"first_name\", \"last_name\"]\n'Mail 2' = \"email?\"\n\"a/b\" = \"work_phone\"\n",
    )
    .unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), ["Email", "Create Date", "Tier", "Full name", "Mail 2", "a/b"]);
    assert_eq!(file.get("Email").unwrap().names(), ["email"]);
    assert_eq!(file.get("Create Date").unwrap().target, Target::None);
    assert_eq!(file.get("Tier").unwrap().target, Target::Custom("cf:Tier".to_owned()));
    assert_eq!(file.get("Full name").unwrap().target, Target::FullName);
    assert_eq!(file.get("Mail 2").unwrap().names(), ["email?"]);
    assert_eq!(file.get("/a/b").unwrap().names(), ["work_phone"]);
    assert!(file.get("nothing").is_none());
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (text, place, message, help) in [
        ("[columns]\n\"Email\" = \"emial\"\n", (2, 11), "no member \"emial\"", "\"email\""),
        ("[columns]\na = \"email\"\nb = \"phone\"\na = \"city\"\n", (4, 1), "twice", "leave out"),
        ("[columns]\na = \"email\"\nb = \"email\"\n", (3, 5), "both \"a\" and \"b\" are email", "email?"),
        (
            "[columns]\na = [\"first_name\", \"last_name\"]\nb = \"last_name\"\n",
            (3, 5),
            "both \"a\" and \"b\"",
            "last_name?",
        ),
        ("[columns]\n\"a = \"email\"\n", (2, 7), "no TOML", "double quotes"),
        ("[columns]\na = 5\n", (2, 5), "text in quotes", "custom field"),
        ("[columns]\na = [\"email\", 5]\n", (2, 15), "text in quotes", "custom field"),
        ("[columns]\na.b = \"email\"\n", (2, 1), "is a table", "in quotes"),
        ("[columns]\na = [\"last_name\", \"first_name\"]\n", (2, 5), "no value is split", "first_name"),
        ("[columns]\na = []\n", (2, 5), "no value is split", "first_name"),
        ("[columns]\na = \"cf:\"\n", (2, 5), "no member", "cf:NAME"),
        ("[columns]\na = \"-?\"\n", (2, 5), "no member", "cf:NAME"),
        ("[colums]\na = \"email\"\n", (1, 2), "no table [colums]", "[columns]"),
        ("a = \"email\"\n", (1, 1), "outside", "[columns]"),
        ("", (1, 1), "no table [columns]", "[columns]"),
        ("[columns]\n\"é\" = \"é\"", (2, 7), "no member", "cf:NAME"),
        ("[columns]\n/a = \"email\"", (2, 1), "no TOML", "quotes"),
    ] {
        let error = MapFile::parse(text).unwrap_err();
        assert!(error.message.contains(message), "{text:?}: {error}");
        assert!(error.help.contains(help), "{text:?}: {error}");
        assert_eq!((error.line, error.column), place, "{text:?}: {error}");
    }
    // With a slash in front or without, a path is one column.
    let error = MapFile::parse("[columns]\n\"a/b\" = \"email\"\n\"/a/b\" = \"city\"\n").unwrap_err();
    assert!(error.message.contains("twice"), "{error}");
    assert!(MapFile::parse("\u{feff}[columns]\nx = \"email\"\n").is_ok());
    assert_eq!(MapFile::parse("\u{feff}[columns]\r\nx = \"emial\"\r\n").unwrap_err().line, 2);
    let long = format!("[columns]\n\"{}\" = \"bogus\"\n", "n".repeat(100_000));
    assert!(MapFile::parse(&long).unwrap_err().to_string().len() < 500);
    let deep = format!("[columns]\na = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(MapFile::parse(&deep).is_err());
}

fn with(file: &str) -> MapOptions {
    MapOptions { file: Some(MapFile::parse(file).unwrap()), ..MapOptions::default() }
}

#[test]
fn a_file_says_what_columns_are() {
    let record: &[(&str, &str)] =
        &[("Email", "a@x.example"), ("First Name", "Ana"), ("status", "unsubscribed"), ("presort", "{}")];
    let options = with("[columns]\nEmail = \"-\"\n\"First Name\" = \"last_name\"\nstatus = \"-\"\nother = \"email\"\n");
    let mapping = decide(&profile(&[record]), &options).unwrap();
    assert_eq!(mapping.columns[1].target, Target::Member(crate::model::member::MemberId::LastName));
    assert_eq!((&mapping.columns[0].target, mapping.columns[0].found), (&Target::None, How::File));
    assert!(mapping.columns[2].permission.is_some());
    assert_eq!(mapping.unused, ["other"]);
    // What it does not mention ends the run; met later too.
    let error = decide(&profile(&[record]), &with("[columns]\nEmail = \"email\"\n")).unwrap_err();
    assert_eq!(error, MapError::Unmentioned(vec!["First Name".to_owned(), "status".to_owned()]));
    assert_eq!(mapping.late("new").found, How::Unmentioned);
    assert_eq!(mapping.late("other").target.members(), ["email"]);
    let rename = vec![("x".to_owned(), "email".to_owned())];
    let record: &[(&str, &str)] = &[("x", "a@x.example"), ("y", "b@x.example")];
    let error = decide(&profile(&[record]), &MapOptions { rename, ..with("[columns]\ny = \"email\"\n") }).unwrap_err();
    assert!(matches!(error, MapError::TwoColumns { .. }), "{error:?}");
}

/// A mapping written as a map file and read back is the same.
fn again(records: &[&[(&str, &str)]]) {
    let profile = profile(records);
    let mapping = decide(&profile, &auto()).unwrap();
    let text = render(&mapping);
    let file = MapFile::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let back = decide(&profile, &MapOptions { file: Some(file), ..MapOptions::default() })
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    for (column, back) in mapping.columns.iter().zip(&back.columns) {
        assert_eq!(
            (&column.name, &column.target, column.fallback, column.permission, column.label),
            (&back.name, &back.target, back.fallback, back.permission, back.label),
            "{text}"
        );
    }
    let json: serde_json::Value = serde_json::from_str(&render_json(&mapping)).unwrap();
    assert_eq!(json["columns"].as_array().unwrap().len(), mapping.columns.len());
}

#[test]
fn every_system_is_read_back() {
    for system in crate::mapping::systems().iter() {
        let record: Vec<(&str, &str)> =
            system.headers.iter().filter(|header| header.name != "cf:NAME").map(|header| (header.name, "x")).collect();
        again(&[&record]);
    }
}

#[test]
fn comments_say_what_was_seen() {
    let mapping = decide(
        &profile(&[
            &[("Email", "ana@x.example"), ("Emial 2", ""), ("opt_out", "no\u{1b}[31m")],
            &[("Email", "bo@x.example"), ("Emial 2", "x"), ("opt_out", "no")],
        ]),
        &auto(),
    )
    .unwrap();
    let text = render(&mapping);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "[columns]");
    assert!(lines[1].starts_with("\"Email\" = \"email\""), "{text}");
    assert!(lines[1].ends_with("# synonym; 100 %; ana@x.example, bo@x.example"), "{text}");
    assert!(lines[2].contains("# unmapped; 50 %; x"), "{text}");
    assert!(lines[3].contains("opt-out: says who must not be written to") && !text.contains('\u{1b}'), "{text}");
}

proptest! {
    #[test]
    fn any_mapping_is_read_back(
        records in proptest::collection::vec(proptest::collection::vec((
            prop_oneof![
                proptest::sample::select(vec![
                    "email", "Email", "E-mail Address", "Name", "First Name", "Phone", "Telephone", "Mobile", "status", "unsubscribed",
                    "Phone 1 - Value", "Phone 1 - Label", "Address 1 - Street", "Address 2 - Street", "Address 1 - Type", "title",
                    "properties/email", "phones/0/value", "phones/0/kind", "cf:Tier", "presort_line", "Birthday", "CC", "Country",
                    "E-mail 1 - Value", "Last Name",
                ]).prop_map(str::to_owned),
                "[a/\"\\\\\u{7f}\u{1}é\n .=#]{0,5}",
            ],
            "[a@x\n\"#]{0,5}",
        ), 0..7), 1..5),
    ) {
        let records: Vec<Vec<(&str, &str)>> =
            records.iter().map(|record| record.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()).collect();
        // A path with a slash in front is the same column as one without.
        let starts = records.iter().flatten().any(|(name, _)| name.starts_with('/'));
        prop_assume!(!starts);
        again(&records.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}", toml in "(\\[columns\\]\n)?([a-c\"]{1,3} = [\"\\[a-z,\\]]{0,12}\n){0,3}") {
        for text in [text, toml] {
            if let Err(error) = MapFile::parse(&text) {
                prop_assert!(error.line > 0 && error.column > 0 && !error.help.is_empty());
            }
        }
    }

    #[test]
    fn strings_are_toml(text in "[\\x00-\\x{ff}\u{202e}\u{e0041}\u{1f600}]{0,12}") {
        let line = format!("{} = \"email\"", toml_string(&text));
        let file = MapFile::parse(&format!("[columns]\n{line}\n")).unwrap();
        prop_assert!(file.get(&text).is_some());
    }
}
