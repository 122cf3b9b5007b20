use super::*;
use crate::mapping::decide::tests::{auto, profile};
use crate::mapping::{Late, MapOptions, Profile, decide};
use proptest::prelude::*;

/// What came of a record: its members, and what was held back.
fn run(mapping: &Mapping, record: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let mut late = Late::default();
    let cells: Vec<(usize, &str)> = record.iter().map(|(name, text)| (late.find(mapping, name), *text)).collect();
    let mut out = MappedRecord::default();
    mapping.record(late.columns(), &cells, &mut out);
    check(mapping, late.columns(), &cells, &out);
    let members = out.members.iter().map(|member| {
        let name = match (&mapping.column(late.columns(), member.column).unwrap().target, member.id) {
            (Target::Custom(name), MemberId::Custom) => name.clone(),
            (_, id) => id.info().name.to_owned(),
        };
        format!("{name}={}", out.text(&cells, member))
    });
    let held = out.held.iter().map(|held| format!("{:?} {}", held.reason, &cells[held.cell].1[held.part.clone()]));
    (members.collect(), held.collect())
}

/// What holds for every record.
fn check(mapping: &Mapping, late: &[Column], cells: &[(usize, &str)], out: &MappedRecord) {
    let mut columns: Vec<(MemberId, usize)> = Vec::new();
    for member in &out.members {
        assert_eq!(cells[member.cell].0, member.column);
        assert!(mapping.column(late, member.column).is_some());
        let _ = out.text(cells, member);
        if member.id != MemberId::Custom {
            columns.push((member.id, member.cell));
        }
    }
    // A member comes of one cell, unless a column occurs twice.
    for (id, cell) in &columns {
        let same = columns.iter().filter(|(other, _)| other == id);
        for (_, other) in same {
            assert!(other == cell || cells[*other].0 == cells[*cell].0, "{id:?} comes of two columns");
        }
    }
    for split in &out.splits {
        assert!(split.members.iter().all(|at| out.members[*at].cell == split.cell));
    }
    for held in &out.held {
        let _ = &cells[held.cell].1[held.part.clone()];
    }
}

fn mapping(records: &[&[(&str, &str)]]) -> Mapping {
    decide(&profile(records), &auto()).unwrap()
}

fn members(record: &[(&str, &str)]) -> Vec<String> {
    run(&mapping(&[record]), record).0
}

#[test]
fn plain_values_are_passed_on() {
    let record = [("Email", "a@x.example"), ("First Name", " Ana "), ("City", " "), ("Tier", "gold")];
    let mapping = mapping(&[&record]);
    let cells: Vec<(usize, &str)> = record.iter().enumerate().map(|(i, (_, text))| (i, *text)).collect();
    let mut out = MappedRecord::default();
    mapping.record(&[], &cells, &mut out);
    let all: Vec<(MemberId, Piece)> = out.members.iter().map(|member| (member.id, member.piece.clone())).collect();
    assert_eq!(all, [(MemberId::Email, Piece::Whole), (MemberId::FirstName, Piece::Whole)]);
    assert!(out.splits.is_empty() && out.held.is_empty() && out.permissions.is_empty() && out.made.is_empty());
    // A column that nobody has is ignored.
    mapping.record(&[], &[(99, "x")], &mut out);
    assert!(out.members.is_empty());
}

#[test]
fn splits() {
    let record = [("Email", "a@x.example"), ("Full Name", "Li, Ana"), ("Birthday", "1980-02-03"), ("x", "")];
    assert_eq!(
        members(&record),
        ["email=a@x.example", "first_name=Ana", "last_name=Li", "birthday_month=2", "birthday_day=3"]
    );
    let mapping = mapping(&[&record]);
    let (found, held) = run(&mapping, &[("Email", "a@x.example"), ("Full Name", "Ana & Bo Li"), ("Birthday", "13/05")]);
    assert_eq!(found, ["email=a@x.example"]);
    assert_eq!(held, ["UnclearName Ana & Bo Li", "UnclearBirthday 13/05"]);
    let (found, held) = run(&mapping, &[("Full Name", "Ana"), ("Birthday", "0/0/00")]);
    assert_eq!((found, held.len()), (vec!["first_name=Ana".to_owned()], 0));
}

#[test]
fn addresses_of_mailchimp() {
    let record = [
        ("Email Address", "a@x.example"),
        ("First Name", "Ana"),
        ("Address", "1 Elm St  Rome  NY  13440  US"),
        ("MEMBER_RATING", "2"),
        ("LEID", "1"),
    ];
    let found = members(&record);
    assert_eq!(found[2..], ["street=1 Elm St", "city=Rome", "state=NY", "zip=13440", "country=US"]);
    let mapping = mapping(&[&record]);
    assert_eq!(run(&mapping, &[("Address", "somewhere")]).1, ["UnclearAddress somewhere"]);
}

#[test]
fn joined_values() {
    let record = [
        ("First Name", "Ana"),
        ("Last Name", "Li"),
        ("E-mail 1 - Value", "ana@x.example ::: li@x.example"),
        ("E-mail 1 - Label", "* Home"),
        ("Phone 1 - Value", "617-555-0101 ::: 617-555-0102 ::: 617-555-0103 ::: 617-555-0104"),
        ("Birthday", "1980-02-03"),
        ("Labels", "* myContacts ::: Friends"),
    ];
    let (found, held) = run(&mapping(&[&record]), &record);
    assert_eq!(
        found,
        [
            "first_name=Ana",
            "last_name=Li",
            "email=ana@x.example",
            "phone=617-555-0101",
            "birthday_month=2",
            "birthday_day=3",
            "home_phone=617-555-0102",
            "work_phone=617-555-0103",
        ]
    );
    assert_eq!(held, ["NoRoom li@x.example", "NoRoom 617-555-0104"]);
}

#[test]
fn labels_decide_kinds() {
    let record = [
        ("First Name", "Ana"),
        ("E-mail 1 - Value", "a@x.example"),
        ("Phone 1 - Label", "Mobile"),
        ("Phone 1 - Value", "617-555-0101"),
        ("Phone 2 - Label", "Work"),
        ("Phone 2 - Value", "617-555-0102"),
        ("Phone 3 - Label", "Work Fax"),
        ("Phone 3 - Value", "617-555-0103"),
        ("Address 1 - Label", "Work"),
        ("Address 1 - Street", "1 Elm"),
        ("Address 1 - City", "Rome"),
        ("Event 1 - Label", "Anniversary"),
        ("Event 1 - Value", "2010-05-06"),
    ];
    let mapping = mapping(&[&record]);
    let (found, held) = run(&mapping, &record);
    assert_eq!(
        found[2..],
        [
            "mobile_phone=617-555-0101",
            "work_phone=617-555-0102",
            "work_street=1 Elm",
            "work_city=Rome",
            "anniversary=2010-05-06"
        ]
    );
    assert_eq!(held, ["NoTelephone 617-555-0103"]);
    // Two of one kind, labels behind their values, and no label at all.
    let (found, held) = run(
        &mapping,
        &[
            ("Phone 1 - Value", "617-555-0101"),
            ("Phone 1 - Label", "Work"),
            ("Phone 2 - Value", "617-555-0102"),
            ("Phone 2 - Label", "Work"),
            ("Phone 3 - Value", "617-555-0103"),
            ("Event 1 - Label", "Birthday of the dog"),
            ("Event 1 - Value", "2010-05-06"),
            ("Address 1 - Street", "1 Elm"),
        ],
    );
    assert_eq!(found, ["work_phone=617-555-0101", "phone=617-555-0102", "home_phone=617-555-0103", "street=1 Elm"]);
    assert!(held.is_empty(), "{held:?}");
}

#[test]
fn kinds_of_json_parts() {
    let record = [
        ("email", "a@x.example"),
        ("phone_numbers/kind", "mobile"),
        ("phone_numbers/phone_number", "617-555-0101"),
        ("street_addresses/kind", "work"),
        ("street_addresses/street", "1 Elm"),
        ("street_addresses/city", "Rome"),
    ];
    assert_eq!(members(&record)[1..], ["mobile_phone=617-555-0101", "work_street=1 Elm", "work_city=Rome"]);
}

#[test]
fn organisations() {
    let record = [
        ("AccountNumber", "1"),
        ("Type", "Organization"),
        ("FullName", "Acme Widgets Inc"),
        ("TypeName", "Work"),
        ("Value", "a@x.example"),
    ];
    let mapping = mapping(&[&record]);
    assert_eq!(run(&mapping, &record).0, ["email=a@x.example", "company_name=Acme Widgets Inc"]);
    assert_eq!(run(&mapping, &[("Type", "Individual"), ("FullName", "Ana Li")]).0, ["first_name=Ana", "last_name=Li"]);
}

#[test]
fn markers_and_fallbacks() {
    let record = [
        ("id", "1"),
        ("created_time", "x"),
        ("full_name", "Ana Li"),
        ("email", "a@x.example"),
        ("phone_number", "p:+16175550101"),
    ];
    assert_eq!(members(&record), ["email=a@x.example", "first_name=Ana", "last_name=Li", "phone=+16175550101"]);
    let record = [
        ("Email address", ""),
        ("Email address - home", ""),
        ("Email address - work", "w@x.example"),
        ("First name", "Ana"),
        ("Last name", "Li"),
    ];
    let mapping = mapping(&[&record]);
    assert_eq!(run(&mapping, &record).0[2], "email=w@x.example");
    // The first that is filled; another address is not lost without a word.
    let (found, held) = run(
        &mapping,
        &[
            ("Email address - work", "w@x.example"),
            ("Email address - home", "h@x.example"),
            ("Email address", "a@x.example"),
        ],
    );
    assert_eq!(found, ["email=a@x.example"]);
    assert_eq!(held, ["Taken w@x.example", "Taken h@x.example"]);
    let (found, held) = run(&mapping, &[("Email address", "a@x.example"), ("Email address - work", "a@x.example ")]);
    assert_eq!((found.len(), held.len()), (1, 0));
}

#[test]
fn permissions() {
    let record = [
        ("email", "a@x.example"),
        ("permission_to_send", "implicit"),
        ("status", "unsubscribed"),
        ("opt_out", "maybe"),
    ];
    let mapping = decide(&profile(&[&record]), &MapOptions::default()).unwrap();
    let cells: Vec<(usize, &str)> = record.iter().enumerate().map(|(i, (_, text))| (i, *text)).collect();
    let mut out = MappedRecord::default();
    mapping.record(&[], &cells, &mut out);
    let said: Vec<(usize, Meaning)> = out.permissions.iter().map(|found| (found.column, found.meaning)).collect();
    assert_eq!(said, [(2, Meaning::OptedOut), (3, Meaning::Unclear)]);
    assert!(out.permissions[1].permission.unclear_rejects());
    assert_eq!(out.members.len(), 1);
}

#[test]
fn a_name_that_is_given_twice_is_passed_on_twice() {
    let record = [("email", "a@x.example"), ("email", "b@x.example")];
    assert_eq!(members(&record), ["email=a@x.example", "email=b@x.example"]);
}

#[test]
fn many_cells_take_linear_time() {
    let mut many = Profile::default();
    let names: Vec<String> =
        (0..5000).flat_map(|i| [format!("phones/{i}/kind"), format!("phones/{i}/value")]).collect();
    for name in &names {
        many.cell(name, "x");
    }
    many.end_record();
    let mapping = decide(&many, &auto()).unwrap();
    let joined = "617-555-0101 ::: ".repeat(20_000);
    let mut cells: Vec<(usize, &str)> = (0..names.len()).map(|i| (i, "mobile")).collect();
    cells.push((1, &joined));
    let mut out = MappedRecord::default();
    let start = std::time::Instant::now();
    for _ in 0..20 {
        mapping.record(&[], &cells, &mut out);
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn no_record_breaks_it(
        names in proptest::collection::vec(prop_oneof![
            proptest::sample::select(vec![
                "email", "E-mail 1 - Value", "Phone 1 - Value", "Phone 1 - Label", "Phone", "Phone 2 - Value", "Name", "Full Name",
                "First Name", "Birthday", "Address", "Address 1 - Street", "Address 1 - Label", "Address 2 - City", "status",
                "phones/0/value", "phones/0/type", "Preferred City_ State", "Title", "Event 1 - Value",
            ]).prop_map(str::to_owned),
            ".{0,6}",
        ], 1..12),
        known in 0usize..12,
        values in proptest::collection::vec(prop_oneof![
            "[a-c]{0,2}( ::: |:::| )[a-c]{0,2}( ::: )?[é]{0,2}", ".{0,12}", "Mobile|Work|Home|yes|no|02/03|Ana Li|p:1",
        ], 12),
    ) {
        let record: Vec<(&str, &str)> = names.iter().zip(&values).map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mapping = mapping(&[&record[..known.min(record.len())]]);
        let once = run(&mapping, &record);
        prop_assert_eq!(&once, &run(&mapping, &record));
    }
}
