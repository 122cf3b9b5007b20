//! Phone numbers, one by one.

use super::*;
use proptest::prelude::*;

fn run(given: &str, extension: Extension, settings: &Settings) -> Result<String, PhoneResult> {
    let mut buffer = String::from("left over");
    match normalise(given, extension, settings, &mut buffer) {
        PhoneResult::Same => Ok(given.to_owned()),
        PhoneResult::Changed => Ok(buffer),
        other => Err(other),
    }
}

#[test]
fn voice() {
    let settings = Settings::default();
    for (from, to) in [
        ("508-123-1235", "508-123-1235"),
        ("5081231235", "508-123-1235"),
        ("(508) 123-1235", "508-123-1235"),
        ("508.123.1235", "508-123-1235"),
        ("508/123/1235", "508-123-1235"),
        ("+1 508 123 1235", "508-123-1235"),
        ("(+1) 508 123 1235", "508-123-1235"),
        ("1-508-123-1235", "508-123-1235"),
        ("001 508 123 1235", "508-123-1235"),
        ("508\u{a0}123\u{2011}1235", "508-123-1235"),
        ("508\u{2013}123\u{2014}1235", "508-123-1235"),
        ("\u{202d}(508) 123-1235\u{202c}", "508-123-1235"),
        (" 508-123-1235 ", "508-123-1235"),
        ("508-123-1235 x12", "508-123-1235 x12"),
        ("508-123-1235x12", "508-123-1235 x12"),
        ("508-123-1235 ext. 12", "508-123-1235 x12"),
        ("508-123-1235 Extension: 12", "508-123-1235 x12"),
        ("508-123-1235 #12", "508-123-1235 x12"),
        ("508-123-1235 ext #12", "508-123-1235 x12"),
        ("508-123-1235 ext-12", "508-123-1235 x12"),
        ("508-123-1235 EXT \u{2013} 12", "508-123-1235 x12"),
        ("508-123-1235, ext. 12", "508-123-1235 x12"),
        ("508-123-1235, x12", "508-123-1235 x12"),
        ("508-123-1235, 12", "508-123-1235 x12"),
        ("508-123-1235,,12", "508-123-1235 x12"),
        ("508-123-1235;12", "508-123-1235 x12"),
        ("508-123-1235,,,1234567#", "508-123-1235 x1234567"),
        ("508-123-1235 (12)", "508-123-1235 x12"),
        ("(508) 123-1235 (ext. 12)", "508-123-1235 x12"),
        ("+1 (508) 123-1235 (x12)", "508-123-1235 x12"),
        ("508-123-1235;,;", "508-123-1235"),
        ("508-123-1235, ", "508-123-1235"),
        ("tel:+1-508-123-1235", "508-123-1235"),
        ("TEL: 508-123-1235", "508-123-1235"),
        ("tel:+1-508-123-1235;ext=12", "508-123-1235 x12"),
        ("5081231235.0", "508-123-1235"),
        ("5.081231235E+09", "508-123-1235"),
        ("15081231235.0", "508-123-1235"),
        ("508.0000000", "508-000-0000"),
        ("508123.0000", "508-123-0000"),
        ("508.1231235", "508-123-1235"),
        ("030-0074321", "030-007-4321"),
        ("1231231234", "123-123-1234"),
    ] {
        assert_eq!(run(from, Extension::Kept, &settings).as_deref(), Ok(to), "{from}");
    }
}

#[test]
fn voice_faults() {
    let settings = Settings::default();
    for (from, fault) in [
        ("12345", PhoneFault::TooFew),
        ("555-5555", PhoneFault::TooFew),
        ("(275)76227382", PhoneFault::TooMany),
        ("11 555-555-5555", PhoneFault::TooMany),
        ("2(757)622-7382", PhoneFault::TooMany),
        ("508-123-1235 123", PhoneFault::TooMany),
        ("+1 508 123 12355", PhoneFault::TooMany),
        ("12345678901234567", PhoneFault::TooMany),
        ("508-123-1235 or 508-123-1236", PhoneFault::Two),
        ("508-123-1235 / 508-123-1236", PhoneFault::Two),
        ("508-123-1235, 508-123-1236", PhoneFault::Two),
        ("508-123-1235,,5081231236", PhoneFault::Two),
        ("508-123-1235, 123-1236", PhoneFault::Two),
        ("(508) 123-1235 (508) 123-1236", PhoneFault::Two),
        ("5081231235 15081231236", PhoneFault::Two),
        ("508-123-1235\n508-123-1236", PhoneFault::Two),
        ("h 508-123-1235 w 508-123-1236", PhoneFault::Two),
        ("508-123-1235 x", PhoneFault::Other),
        ("508-123-1235 x1a", PhoneFault::Other),
        ("508-123-1235 (cell)", PhoneFault::Other),
        ("1-508-123-123, 5", PhoneFault::Other),
        ("n/a", PhoneFault::Other),
        ("+", PhoneFault::Other),
        ("tel:", PhoneFault::Other),
        ("508-123-1235\0", PhoneFault::Other),
        ("\u{1b}508-123-1235", PhoneFault::Other),
        ("508-123-1235\u{7f}", PhoneFault::Other),
        ("+1 508 123 123", PhoneFault::TooFew),
        ("508123123.0", PhoneFault::TooFew),
        ("5.08E+09", PhoneFault::Shortened),
        ("5.08123123E9", PhoneFault::Shortened),
        ("1e400", PhoneFault::Shortened),
        ("0049 30 0074321", PhoneFault::Country),
        ("011 44 20 7946 0958", PhoneFault::Country),
        ("+44 20 7946 0958", PhoneFault::Country),
        ("+2(267)362-8910", PhoneFault::Country),
        ("+5081231235", PhoneFault::Country),
        ("+380 44 000 000 0000 0", PhoneFault::Country),
        ("٥٠٨-123-1235", PhoneFault::Other),
    ] {
        assert_eq!(run(from, Extension::Kept, &settings), Err(PhoneResult::Bad(fault)), "{from}");
    }
    assert_eq!(run(" \u{200b}", Extension::Kept, &settings), Err(PhoneResult::Blank));
}

#[test]
fn countries() {
    for country in
        ["US", "usa", "U.S.A.", "United States", "United States (US)", "Canada", "CA", "Puerto Rico", "-", "1"]
    {
        assert!(!is_foreign(country), "{country}");
    }
    for country in ["Germany", "DE", "UK", "Uganda", "United Kingdom", "M\u{e9}xico", "\u{65e5}\u{672c}", "AUS"] {
        assert!(is_foreign(country), "{country}");
    }
}

#[test]
fn options() {
    let refused = |s| run(s, Extension::Refused, &Settings::default());
    assert_eq!(refused("508-123-1235 x12"), Err(PhoneResult::Bad(PhoneFault::Extension)));
    let digits = Settings { phone_format: PhoneFormat::Digits, ..Settings::default() };
    assert_eq!(run("508-123-1235 x7", Extension::Kept, &digits).as_deref(), Ok("5081231235 x7"));
    assert_eq!(run("5081231235", Extension::Kept, &digits).as_deref(), Ok("5081231235"));
    let nanp = Settings { nanp: true, ..Settings::default() };
    for (from, good) in
        [("508-423-1235", true), ("508-123-1235", false), ("911-423-1235", false), ("508-411-1235", false)]
    {
        assert_eq!(run(from, Extension::Kept, &nanp).is_ok(), good, "{from}");
    }
}

proptest! {
    #[test]
    fn normal_numbers_stay(given in "[+1 ]{0,3}[(]?[0-9]{3}[) .-]{0,2}[0-9]{3}[ .\u{2011}-]?[0-9]{4}( ?(x|ext|#|ext #|ext-|, |,,|;|\\()[0-9]{1,3}[)#]?)?|[0-9+ x().,;:/-]{0,20}|(tel:)?[0-9]\\.?[0-9]{0,9}(\\.0|E\\+09)?") {
        for settings in [Settings::default(), Settings { phone_format: PhoneFormat::Digits, ..Settings::default() }] {
            if let Ok(once) = run(&given, Extension::Kept, &settings) {
                prop_assert_eq!(run(&once, Extension::Kept, &settings), Ok(once));
            }
        }
    }
}
