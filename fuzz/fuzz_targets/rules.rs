//! The rules' functions: no panic, what is normal stays as it is, and lengths have bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::model::member::Value;
use presort::rules::birthday::{self, Half};
use presort::rules::date::{self, Date};
use presort::rules::email::{self, EmailResult};
use presort::rules::phone::{self, Extension, PhoneResult};
use presort::rules::text::{self, TextResult};
use presort::rules::{PhoneFormat, custom};
use presort_fuzz::settings;

fn check_email(given: &str, max: usize) {
    let mut buffer = String::from("left over");
    let normal = match email::normalise(given, max, &mut buffer) {
        EmailResult::Same => given.to_owned(),
        EmailResult::Changed(_) => {
            assert_ne!(buffer, given);
            buffer.clone()
        }
        _ => return,
    };
    assert!(normal.len() <= max && normal.is_ascii());
    let (local, domain) = normal.split_once('@').expect("an address has a sign");
    assert!((1..=64).contains(&local.len()) && (3..=253).contains(&domain.len()), "{normal}");
    assert!(!domain.contains('@') && domain.contains('.') && !domain.bytes().any(|b| b.is_ascii_uppercase()));
    assert!(normal.bytes().all(|b| b.is_ascii_graphic()), "{normal:?}");
    assert_eq!(email::normalise(&normal, max, &mut buffer), EmailResult::Same, "{normal}");
}

fn check_phone(given: &str, bits: u8) {
    let settings = settings(bits);
    for extension in [Extension::Kept, Extension::Refused] {
        let mut buffer = String::from("left over");
        let normal = match phone::normalise(given, extension, &settings, &mut buffer) {
            PhoneResult::Same => given.to_owned(),
            PhoneResult::Changed => buffer.clone(),
            _ => continue,
        };
        assert!(normal.len() <= 50 && normal.is_ascii(), "{normal}");
        let (number, rest) = normal.split_once(' ').unwrap_or((&normal, ""));
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let len = if settings.phone_format == PhoneFormat::Digits { 10 } else { 12 };
        assert_eq!((digits, number.len()), (10, len), "{normal}");
        if !rest.is_empty() {
            assert_eq!(extension, Extension::Kept);
            let digits = rest.strip_prefix('x').expect("an extension begins with x");
            assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()), "{normal}");
        }
        // Every digit of the number was given.
        let given: Vec<u8> = given.bytes().filter(u8::is_ascii_digit).collect();
        let kept: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
        assert!(given.windows(kept.len()).any(|some| some == kept), "{normal}");
        assert_eq!(phone::normalise(&normal, extension, &settings, &mut buffer), PhoneResult::Same, "{normal}");
    }
}

fn check_text(given: &str, limit: usize) {
    let mut buffer = String::from("left over");
    let normal = match text::normalise(given, &mut buffer) {
        TextResult::Same => given.to_owned(),
        TextResult::Changed => {
            assert_ne!(buffer, given);
            buffer.clone()
        }
        TextResult::Blank => {
            assert!(!given.chars().any(char::is_alphanumeric));
            return;
        }
    };
    assert_eq!(text::normalise(&normal, &mut buffer), TextResult::Same, "{normal:?}");
    assert!(!normal.chars().any(char::is_control) && !normal.contains("  ") && text::trim(&normal) == normal);
    let cut = text::truncate(&normal, limit);
    assert!(normal.starts_with(cut) && text::chars(cut) <= limit && text::chars(cut) == cut.chars().count());
    if !cut.is_empty() {
        assert_eq!(text::normalise(cut, &mut buffer), TextResult::Same, "{cut:?}");
    }
}

fn check_date(given: &str) {
    let (day, same) = match date::parse(given) {
        date::DateResult::Day(day, same) => (day, same),
        date::DateResult::Midnight(day) => (day, false),
        _ => return,
    };
    let normal = day.to_string();
    assert_eq!(normal.len(), 10);
    let part = |from: usize, to: usize| normal[from..to].parse::<u16>().expect("a part of a day is a number");
    assert_eq!(Date::new(part(0, 4), part(5, 7) as u8, part(8, 10) as u8), Some(day));
    assert!((1900..=2100).contains(&part(0, 4)));
    assert_eq!(same, normal == given, "{given:?}");
    assert!(matches!(date::parse(&normal), date::DateResult::Day(again, true) if again == day));
}

fn check_birthday(given: &str, max: u8) {
    for value in [Value::String(given), Value::Number(given), Value::Nested(given)] {
        if let Half::Number(number, same) = birthday::parse(&value, max) {
            assert!((1..=max).contains(&number) && !same, "{given:?}");
            assert_eq!(birthday::parse(&Value::Integer(number.into()), max), Half::Number(number, true));
        }
    }
    if let Ok(number) = given.parse::<u64>() {
        let good = (1..=u64::from(max)).contains(&number);
        assert_eq!(birthday::parse(&Value::Integer(number), max) != Half::Bad, good);
    }
}

fuzz_target!(|data: &[u8]| {
    let [bits, limit, bytes @ ..] = data else { return };
    let given = String::from_utf8_lossy(bytes);
    check_email(&given, if bits & 1 == 1 { 80 } else { 50 });
    check_phone(&given, *bits);
    check_text(&given, usize::from(*limit));
    check_date(&given);
    check_birthday(&given, 12);
    check_birthday(&given, 31);
    let _ = custom::is_name(&given);
    let _ = custom::parse_names(bytes);
});
