//! The validator on whole contacts.

use super::*;
use crate::rules::OptedOut;

struct Reported(Vec<String>);
impl Findings for Reported {
    fn take(&mut self, f: &Finding<'_>) {
        self.0.push(format!("{} {} {}", f.code, f.field.unwrap_or("-"), f.outcome.as_str()));
    }
}

fn check(settings: &Settings, members: &[(&str, Value<'_>)]) -> (String, Vec<String>, Verdict) {
    let mut out = Vec::new();
    let mut reported = Reported(Vec::new());
    let members = members.iter().map(|(name, value)| Member { name, value: *value, normal: None });
    let mut validator = Validator::new(settings, Buffers::default());
    let (verdict, _) = validator.contact(b"", members, None, &mut out, &mut reported);
    (String::from_utf8(out).unwrap(), reported.0, verdict)
}

use Value::{Integer, Null, String as Text};

#[test]
fn members_stay_in_their_order_and_change_as_reported() {
    let (out, reported, verdict) = check(
        &Settings::default(),
        &[
            ("zip", Integer(60609)),
            ("email", Text("Joe@EXAMPLE.com")),
            ("first_name", Text(" Joe ")),
            ("last_name", Text("O\"Neil")),
            ("birthday_month", Text("07")),
            ("birthday_day", Integer(14)),
            ("city", Null),
            ("street2", Text("1 Elm St")),
            ("home country", Text("USA")),
        ],
    );
    assert_eq!(
        out,
        r#"{"zip":"60609","email":"Joe@example.com","first_name":"Joe","last_name":"O\"Neil","birthday_month":7,"birthday_day":14,"street":"1 Elm St"}"#
    );
    let expected = [
        "ADR001 home country held_back",
        "VAL002 zip changed",
        "EML005 email changed",
        "TXT002 first_name changed",
        "BDY004 birthday_month changed",
        "VAL003 city changed",
        "ADR003 street2 changed",
    ];
    assert_eq!(reported, expected);
    assert!(verdict.accepted && verdict.held_back && verdict.changed);
}

#[test]
fn a_rejected_contact_reports_all_its_faults_and_changes_nothing() {
    let (out, reported, verdict) = check(
        &Settings::default(),
        &[("email", Text("joe")), ("phone", Text("12")), ("zip", Integer(1)), ("sms_number", Text("5081231235"))],
    );
    assert_eq!(out, "");
    assert_eq!(reported, ["EML001 email rejected", "PHN001 phone rejected"]);
    assert_eq!(verdict, Verdict::default());
}

#[test]
fn identity() {
    let s = Settings::default();
    assert_eq!(check(&s, &[]).1, ["CON002 - rejected"]);
    assert_eq!(check(&s, &[("email", Text(" "))]).1, ["CON002 - rejected"]);
    assert!(check(&s, &[("sms_number", Text("508-123-1235"))]).2.accepted);
    assert_eq!(check(&s, &[("sms_number", Text("12"))]).1, ["SMS001 sms_number rejected"]);
    let good = ("email", Text("a@example.com"));
    assert_eq!(check(&s, &[good, ("sms_number", Text("12"))]).1, ["SMS001 sms_number held_back"]);
    let explicit = Settings { sms_explicit: true, ..Settings::default() };
    assert_eq!(check(&explicit, &[("sms_number", Text("508-123-1235"))]).1, ["SMS004 sms_number rejected"]);
    assert_eq!(
        check(&explicit, &[good, ("sms_number", Text("508-123-1235")), ("sms_consent_date", Text("soon"))]).1,
        ["DAT001 sms_consent_date held_back", "SMS004 sms_number held_back"]
    );
}

#[test]
fn three_phones_one_of_a_kind() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    let (a, b) = (Text("508-123-1235"), Text("508-123-9999"));
    assert_eq!(check(&s, &[good, ("other_phone", a), ("phone", a)]).1, ["PHN005 other_phone changed"]);
    assert_eq!(check(&s, &[good, ("other_phone", b), ("phone", a)]).1, ["PHN006 other_phone held_back"]);
    let five = [good, ("other_phone", b), ("mobile_phone", b), ("work_phone", b), ("home_phone", b)];
    assert_eq!(check(&s, &five).1, ["PHN007 other_phone held_back"]);
}

#[test]
fn home_addresses() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    let reported = check(&s, &[good, ("street2", Text("x")), ("home_street", Text("x"))]).1;
    assert_eq!(reported, ["ADR003 street2 changed", "ADR002 home_street changed"]);
    let reported = check(&s, &[good, ("city", Text("x")), ("home_city", Text("y")), ("work_city", Text("z"))]).1;
    assert_eq!(reported, ["ADR001 home_city held_back"]);
}

#[test]
fn every_change_of_a_value_is_reported() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    let (out, reported, _) = check(&s, &[good, ("home country", Text(" USA "))]);
    assert!(out.ends_with(r#","home_country":"USA"}"#), "{out}");
    assert_eq!(reported, ["TXT002 home country changed", "CON006 home country changed"]);
    assert_eq!(check(&s, &[good, ("home country", Text(" "))]).1, ["VAL003 home country changed"]);
    assert_eq!(check(&s, &[good, ("home country", Value::Bool(true))]).1, ["VAL001 home country held_back"]);
    let reported = check(&s, &[good, ("work_street2", Integer(5))]).1;
    assert_eq!(reported, ["ADR003 work_street2 changed"]);
    let reported = check(&s, &[good, ("city", Text("x")), ("home_city", Text("x")), ("home country", Text("x"))]).1;
    assert_eq!(reported, ["ADR001 home_city held_back", "ADR001 home country held_back"]);
}

#[test]
fn a_second_line_does_not_become_a_street_that_was_held_back() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    for first in [Value::Nested("[]"), Value::Bool(true), Value::Number("1e400"), Text(&"x".repeat(256))] {
        let (out, reported, verdict) = check(&s, &[good, ("street", first), ("street2", Text("Apt 4"))]);
        assert_eq!(out, r#"{"email":"a@example.com"}"#);
        assert!(reported[1] == "ADR004 street2 held_back" && verdict.held_back, "{reported:?}");
    }
    for first in [Null, Text(" \u{200b}")] {
        let (out, _, _) = check(&s, &[good, ("street2", Text("Apt 4")), ("street", first)]);
        assert_eq!(out, r#"{"email":"a@example.com","street":"Apt 4"}"#);
    }
}

#[test]
fn whole_numbers_written_as_floats() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    let one = |name: &'static str, value: Value<'_>| {
        let (out, reported, _) = check(&s, &[good, (name, value)]);
        let out = out.trim_start_matches(r#"{"email":"a@example.com""#).trim_matches([',', '}']).to_owned();
        (out, reported.join(", "))
    };
    let number = Value::Number;
    for (name, value, out, reported) in [
        ("zip", number("2139.0"), r#""zip":"2139""#, "ADR005 zip kept, VAL006 zip changed"),
        ("zip", Text("2139.0"), r#""zip":"2139""#, "ADR005 zip kept, VAL006 zip changed"),
        ("work_zip", Text(" 2.139E3"), r#""work_zip":"2139""#, "ADR005 work_zip kept, VAL006 work_zip changed"),
        ("zip", number("6.18E+09"), "", "VAL004 zip held_back"),
        ("zip", Text("6.18E+09"), "", "VAL004 zip held_back"),
        ("zip", number("1e400"), "", "VAL004 zip held_back"),
        ("zip", Text("1E400"), "", "VAL004 zip held_back"),
        ("zip", number("9.5"), r#""zip":"9.5""#, "VAL002 zip changed"),
        ("zip", Text("9.5"), r#""zip":"9.5""#, ""),
        ("cf:n", number("2139.0"), r#""cf:n":"2139""#, "VAL006 cf:n changed"),
        ("cf:n", Text("2139.0"), r#""cf:n":"2139.0""#, ""),
        ("cf:n", number("1e3"), r#""cf:n":"1e3""#, "VAL005 cf:n kept, VAL002 cf:n changed"),
        ("cf:n", number("1e400"), "", "VAL004 cf:n held_back"),
        ("first_name", number("-1e400"), "", "VAL004 first_name held_back"),
        ("phone", number("6175550101.0"), r#""phone":"617-555-0101""#, "PHN004 phone changed"),
        ("phone", Text("6.175550101E+09"), r#""phone":"617-555-0101""#, "PHN004 phone changed"),
        ("phone", number("6.18E+09"), "", "PHN001 phone held_back"),
        ("phone", number("508.0000000"), "", "PHN001 phone held_back"),
        ("sms_number", number("6175550101.0"), r#""sms_number":"617-555-0101""#, "SMS008 sms_number changed"),
        ("sms_number", Text("6.18E+09"), "", "SMS001 sms_number held_back"),
        ("anniversary", number("1e400"), "", "DAT001 anniversary held_back"),
    ] {
        assert_eq!(one(name, value), (out.to_owned(), reported.to_owned()), "{name} {value:?}");
    }
}

#[test]
fn numbers_that_look_foreign_are_kept_with_a_warning() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    let (a, zero) = (Text("508-123-1235"), Text("030-0074321"));
    let reported = check(&s, &[good, ("phone", zero)]).1;
    assert_eq!(reported, ["PHN008 phone kept", "PHN004 phone changed"]);
    assert_eq!(check(&s, &[good, ("sms_number", Text("030-007-4321"))]).1, ["PHN008 sms_number kept"]);
    for (country, foreign) in [("Germany", true), ("US", false), ("Canada", false), ("-", false), ("Uganda", true)] {
        for name in ["country", "home country", "work_country", "other_country"] {
            let reported = check(&s, &[good, (name, Text(country)), ("mobile_phone", a)]).1;
            assert_eq!(reported.contains(&"PHN008 mobile_phone kept".to_owned()), foreign, "{country} {reported:?}");
        }
    }
    // The country of the number's own kind decides, and without one any that is home.
    let both = [good, ("country", Text("US")), ("work_country", Text("DE")), ("work_phone", a), ("mobile_phone", a)];
    assert_eq!(check(&s, &both).1, ["PHN008 work_phone kept"]);
    assert_eq!(check(&s, &[good, ("country", Text("DE")), ("phone", Text("12"))]).1, ["PHN001 phone held_back"]);
}

#[test]
fn one_custom_field_by_two_names() {
    let mut fields = custom::Fields::default();
    fields.add(["Shirt_Size", "Shirt Size"]);
    fields.add(["Tier"]);
    let s = Settings { custom_fields: Some(fields), ..Settings::default() };
    let good = ("email", Text("a@example.com"));
    let (size, label) = (("cf:Shirt_Size", Text("L")), ("cf:Shirt Size", Text("M")));
    assert_eq!(check(&s, &[good, size, label]).1, ["CON003 cf:Shirt Size rejected"]);
    assert_eq!(check(&s, &[good, label, ("cf:Tier", Null), size]).1[0], "CON003 cf:Shirt_Size rejected");
    assert!(check(&s, &[good, label, ("cf:Tier", Text("x"))]).2.accepted);
    assert!(check(&Settings::default(), &[good, size, label]).2.accepted);
    // However many there are.
    let names: Vec<String> = (0..100).map(|i| format!("cf:{i}")).collect();
    let mut many: Vec<(&str, Value<'_>)> = names.iter().map(|n| (n.as_str(), Text("x"))).collect();
    many.extend([size, good, label]);
    assert!(check(&s, &many).1.contains(&"CON003 cf:Shirt Size rejected".to_owned()));
}

#[test]
fn names_given_twice() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    assert_eq!(check(&s, &[good, good]).1, ["CON003 email rejected"]);
    assert_eq!(
        check(&s, &[good, ("home country", Text("x")), ("home_country", Null)]).1[0],
        "CON003 home_country rejected"
    );
    let names: Vec<String> = (0..10_000).map(|i| format!("cf:{i}")).collect();
    let mut many: Vec<(&str, Value<'_>)> = names.iter().map(|n| (n.as_str(), Text("x"))).collect();
    many.push(good);
    let (out, reported, verdict) = check(&s, &many);
    assert!(verdict.accepted && out.matches("cf:").count() == 25 && reported.len() == 10_000 - 25);
    many.push(("cf:9000", Text("y")));
    assert_eq!(check(&s, &many).1[0], "CON003 cf:9000 rejected");
}

#[test]
fn recycled_vectors_keep_their_room() {
    let used: Vec<Slot<'_>> = Vec::with_capacity(100);
    let (pointer, room) = (used.as_ptr() as usize, used.capacity());
    let again: Vec<Slot<'static>> = recycle(used);
    assert_eq!((again.as_ptr() as usize, again.capacity()), (pointer, room));
}

#[test]
fn strings_are_json() {
    for text in ["", "a\"b\\c", "\u{0}\u{1f}\n\r\t\u{7f}é😀"] {
        let mut out = Vec::new();
        crate::json::write::json_string(text, &mut out);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}

/// No name that says something about permission is passed over because it looks as if it said nothing.
#[test]
fn names_about_permission_are_looked_at() {
    use super::permission::may_be_about_permission;
    use crate::mapping::permission;
    let headers = crate::mapping::systems().iter().flat_map(|system| &system.headers).map(|header| header.name);
    let more = [
        "HasOptedOutOfEmail",
        "do not contact",
        "DON'T EMAIL",
        "no-email",
        "Blocklisted",
        "EMAIL_DISABLED",
        "accepts marketing",
    ];
    let mut count = 0;
    for name in headers.chain(more) {
        if permission::of_name(name).is_some() {
            count += 1;
            assert!(may_be_about_permission(name), "{name}");
        }
    }
    assert!(count > 20, "{count}");
}

/// The output behind the address, and the findings, for one member.
fn alone(s: &Settings, name: &str, value: Value<'_>) -> (String, String) {
    let (out, reported, _) = check(s, &[("email", Text("a@example.com")), (name, value)]);
    let out = out.trim_start_matches(r#"{"email":"a@example.com""#).trim_matches([',', '}']).to_owned();
    (out, reported.join(", "))
}

#[test]
fn damaged_values_are_repaired_or_reported() {
    let s = Settings { null_texts: vec!["NULL".into()], ..Settings::default() };
    let nested = Value::Nested;
    for (name, value, out, reported) in [
        ("zip", Text("'02139"), r#""zip":"02139""#, "VAL007 zip changed"),
        ("zip", Text("=\"2139.0\""), r#""zip":"2139""#, "ADR005 zip kept, VAL007 zip changed"),
        ("phone", Text("=\"6175550101\""), r#""phone":"617-555-0101""#, "VAL007 phone changed"),
        ("sms_number", Text("'+1 617 555 0101"), r#""sms_number":"617-555-0101""#, "VAL007 sms_number changed"),
        ("anniversary", Text("'2001-05-06"), r#""anniversary":"2001-05-06""#, "VAL007 anniversary changed"),
        ("last_name", Text("=\"\""), "", "VAL003 last_name changed"),
        ("last_name", Text("'t Hooft"), r#""last_name":"'t Hooft""#, ""),
        ("cf:n", Text("'007"), r#""cf:n":"007""#, "VAL007 cf:n changed"),
        ("city", Text("#N/A"), "", "VAL008 city held_back"),
        ("phone", Text("undefined"), "", "VAL008 phone held_back"),
        ("anniversary", Text("NaN"), "", "VAL008 anniversary held_back"),
        ("city", nested(r#"{"$numberDouble":"NaN"}"#), "", "VAL008 city held_back"),
        ("city", Text(" NULL "), "", "VAL010 city changed"),
        ("phone", Text("NULL"), "", "VAL010 phone changed"),
        ("last_name", Text("Null"), r#""last_name":"Null""#, "VAL009 last_name kept"),
        ("phone", Text("N/A"), "", "PHN001 phone held_back"),
        ("city", Text("a ::: b"), r#""city":"a""#, "VAL017 city held_back, VAL016 city changed"),
        ("city", Text("a ::: a"), r#""city":"a""#, "VAL016 city changed"),
        ("city", Text("a :::"), r#""city":"a""#, "VAL016 city changed"),
        ("city", Text(":::"), "", "VAL003 city changed"),
        ("zip", nested(r#"{"$numberInt":"60609"}"#), r#""zip":"60609""#, "VAL018 zip changed"),
        ("zip", nested(r#"{"$numberDouble":"60609.0"}"#), r#""zip":"60609""#, "VAL018 zip changed"),
        ("phone", nested(r#"{"$numberLong":"6175550101"}"#), r#""phone":"617-555-0101""#, "VAL018 phone changed"),
        ("cf:x", nested(r#"{"$undefined":true}"#), "", "VAL018 cf:x changed"),
        ("cf:x", nested(r#"{"$x":1}"#), "", "VAL001 cf:x held_back"),
        (
            "anniversary",
            nested(r#"{"$date":{"$numberLong":"989107200000"}}"#),
            r#""anniversary":"2001-05-06""#,
            "VAL018 anniversary changed",
        ),
        ("anniversary", nested(r#"{"$date":"2001-05-06T10:00:00Z"}"#), "", "DAT001 anniversary held_back"),
        ("anniversary", Text("0000-00-00"), "", "DAT006 anniversary changed"),
        ("anniversary", Text("13/05/2001"), "", "DAT005 anniversary held_back"),
    ] {
        assert_eq!(alone(&s, name, value), (out.to_owned(), reported.to_owned()), "{name} {value:?}");
    }
    // An address that is left out is none, so the contact has no identity.
    let nobody = check(&s, &[("email", Text("NULL")), ("city", Text("x"))]);
    assert_eq!((nobody.0.as_str(), nobody.1), ("", vec!["CON002 - rejected".to_owned()]));
    let undefined = check(&s, &[("email", nested(r#"{"$undefined":true}"#)), ("city", Text("x"))]);
    assert_eq!((undefined.0.as_str(), undefined.1), ("", vec!["CON002 - rejected".to_owned()]));
    let reject = Settings { bad_field: BadField::Reject, ..Settings::default() };
    assert!(!check(&reject, &[("email", Text("a@b.co ::: c@b.co"))]).2.accepted);
    let both = check(&s, &[("email", Text("a@b.co ::: c@b.co"))]);
    assert_eq!(both.0, r#"{"email":"a@b.co"}"#);
    assert_eq!(both.1, ["VAL017 email held_back", "VAL016 email changed"]);
}

#[test]
fn further_phones_go_to_free_kinds() {
    let s = Settings::default();
    let good = ("email", Text("a@example.com"));
    let four = Text("617-555-0101 ::: (617) 555-0102 ::: 617-555-0101 ::: 617-555-0103 ::: 617-555-0104 ::: 12");
    let (out, reported, verdict) = check(&s, &[good, ("phone", four)]);
    assert_eq!(
        out,
        r#"{"email":"a@example.com","phone":"617-555-0101","home_phone":"617-555-0102","work_phone":"617-555-0103"}"#
    );
    let held = ["VAL017 phone held_back"; 2];
    let changed = ["VAL016 phone changed"; 3];
    assert_eq!(reported, [&held[..], &changed[..]].concat());
    assert!(verdict.held_back && verdict.changed);
    // Kinds that are given stay as they are, before and behind.
    let given = [("mobile_phone", Text("617-555-0101 ::: 617-555-0102")), ("home_phone", Text("12")), good];
    assert_eq!(
        check(&s, &given).0,
        r#"{"mobile_phone":"617-555-0101","email":"a@example.com","work_phone":"617-555-0102"}"#
    );
    // So many that each is not looked at.
    let many = vec!["6175550101"; 10_000].join(" ::: ") + " ::: 617-555-0199";
    let (_, reported, _) = check(&s, &[good, ("phone", Text(&many))]);
    assert_eq!(reported, ["VAL017 phone held_back", "VAL016 phone changed"]);
}

#[test]
fn zeros_of_zips() {
    let fix = Settings { fix_zip: true, ..Settings::default() };
    let good = ("email", Text("a@example.com"));
    let text = |settings: &Settings, more: &[(&str, Value<'_>)]| {
        let (out, reported, _) = check(settings, &[&[good, ("zip", Text("2139"))], more].concat());
        (out.contains(r#""zip":"02139""#), reported.iter().any(|line| line == "ADR005 zip kept"))
    };
    assert_eq!(text(&Settings::default(), &[]), (false, true));
    for more in [&[][..], &[("country", Text("USA"))], &[("state", Text("MA"))], &[("work_country", Text("Norway"))]] {
        assert_eq!(text(&fix, more), (true, false), "{more:?}");
    }
    assert_eq!(text(&fix, &[("country", Text("Norway"))]), (false, false));
    assert_eq!(text(&fix, &[("state", Text("NSW"))]), (false, true));
    assert_eq!(alone(&fix, "work_zip", Value::Integer(601)).0, r#""work_zip":"00601""#);
    assert_eq!(alone(&fix, "zip", Text("2139-0001")), (r#""zip":"02139-0001""#.into(), "ADR006 zip changed".into()));
}

#[test]
fn dates_tell_their_order() {
    let s = Settings { sms_explicit: true, ..Settings::default() };
    let contact = [
        ("email", Text("a@example.com")),
        ("sms_number", Text("617-555-0101")),
        ("anniversary", Text("13/05/2001")),
        ("sms_consent_date", Text("04/03/2001")),
    ];
    let clues = check(&s, &contact).2.clues;
    assert_eq!(clues, DateClues { day_first: 1, month_first: 0, ambiguous: 1 });
    // The next contact begins anew.
    assert_eq!(check(&s, &contact[..2]).2.clues, DateClues::default());
}

#[test]
fn birthdays_are_repaired() {
    let s = Settings { null_texts: vec!["?".into()], ..Settings::default() };
    let good = ("email", Text("a@example.com"));
    let halves = |month, day| check(&s, &[good, ("birthday_month", month), ("birthday_day", day)]);
    let (out, reported, _) = halves(Value::Nested(r#"{"$numberInt":"2"}"#), Text("'3"));
    assert_eq!(out, r#"{"email":"a@example.com","birthday_month":2,"birthday_day":3}"#);
    assert_eq!(reported, ["VAL018 birthday_month changed", "VAL007 birthday_day changed"]);
    assert_eq!(halves(Text("?"), Text("?")).1, ["VAL010 birthday_month changed", "VAL010 birthday_day changed"]);
    assert_eq!(
        halves(Text("#N/A"), Text("NULL")).1,
        ["VAL008 birthday_month held_back", "BDY001 birthday_day held_back"]
    );
}

#[test]
fn custom_fields_say_who_opted_out() {
    let with = |name: &'static str, value: &'static str, opted_out: OptedOut| {
        let settings = Settings { opted_out, ..Settings::default() };
        let (_, reported, verdict) = check(&settings, &[("email", Text("a@b.co")), (name, Text(value))]);
        (reported, verdict.accepted)
    };
    let yes = with("cf:Unsubscribed", "yes", OptedOut::Reject);
    assert_eq!(yes, (vec!["OPT001 cf:Unsubscribed rejected".to_owned()], false));
    assert_eq!(with("cf:Unsubscribed", "no", OptedOut::Reject), (vec![], true));
    let kept = with("cf:Unsubscribed", "yes", OptedOut::Keep);
    assert_eq!(kept, (vec!["OPT001 cf:Unsubscribed kept".to_owned()], true));
    assert_eq!(with("cf:Unsubscribed", "yes", OptedOut::Ignore), (vec![], true));
}
