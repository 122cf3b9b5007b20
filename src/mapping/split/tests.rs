use super::*;
use proptest::prelude::*;

#[test]
fn full_names() {
    for (value, first, last) in [
        ("Ana Li", "Ana", "Li"),
        ("  Ana   Li ", "Ana", "Li"),
        ("Li, Ana", "Ana", "Li"),
        ("Ana Maria Li", "Ana Maria", "Li"),
        ("Ana", "Ana", ""),
        ("Mr. Li", "", "Li"),
        ("Dr. Ana Li", "Ana", "Li"),
        ("Prof. Dr. Ana Li", "Ana", "Li"),
        ("Ana Li PhD", "Ana", "Li PhD"),
        ("Martin Luther King, Jr.", "Martin Luther", "King Jr."),
        ("Martin Luther King Jr.", "Martin Luther", "King Jr."),
        ("King, Martin Luther, Jr.", "Martin Luther", "King Jr."),
        ("King, Jr., Martin Luther", "Martin Luther", "King Jr."),
        ("John Smith III", "John", "Smith III"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Jan van der Berg", "Jan", "van der Berg"),
        ("Van der Berg, Jan", "Jan", "Van der Berg"),
        ("Oscar de la Renta", "Oscar", "de la Renta"),
        ("Maria del Carmen", "Maria", "del Carmen"),
        ("Vincent Willem van Gogh", "Vincent Willem", "van Gogh"),
        ("de la Cruz, Ana", "Ana", "de la Cruz"),
        ("Ana Li, MD, PhD", "Ana", "Li MD PhD"),
        ("O'Neil, Seán", "Seán", "O'Neil"),
        ("Van Morrison", "Van", "Morrison"),
        ("Ana E Li", "Ana E", "Li"),
        ("Li, Dr. Ana", "Ana", "Li"),
        ("J. R. Tolkien", "J. R.", "Tolkien"),
    ] {
        assert_eq!(full_name(value), Some((first.to_owned(), last.to_owned())), "{value}");
    }
    for value in [
        "",
        " ",
        "Mr.",
        "Ana & Bo Li",
        "Ana and Bo Li",
        "Acme Inc",
        "First Baptist Church",
        "ana@x.example",
        "Order 1001",
        "#1001",
        "Li, Ana, Bo",
        ", Ana",
        "Li,",
        "Ana Maria Garcia Lopez",
        "de la Cruz",
        "King Jr., Martin & Ann",
        "The Smiths",
        "Ana (work)",
        "Ana, PhD",
        "José Ortega y Gasset",
        "---",
    ] {
        assert_eq!(full_name(value), None, "{value}");
    }
    assert_eq!(full_name(&"x ".repeat(100_000)), None);
}

#[test]
fn honorifics() {
    for value in ["Mr", "MRS.", "Dr", "Mr. and Mrs.", "Prof. Dr.", "Mr & Mrs", "Mr./Mrs."] {
        assert!(is_honorific(value), "{value}");
    }
    for value in ["", "Director", "Dr. Li", "and", "Managing Director", "Doctoral student"] {
        assert!(!is_honorific(value), "{value}");
    }
}

#[test]
fn birthdays() {
    use BirthdayResult::{Absent, Day, Unclear};
    for (value, day) in [
        ("02/03", Day(2, 3)),
        ("2/3", Day(2, 3)),
        ("02-03", Day(2, 3)),
        ("--02-03", Day(2, 3)),
        ("--0203", Day(2, 3)),
        ("2/29", Day(2, 29)),
        ("1980-02-03", Day(2, 3)),
        ("2/3/1980", Day(2, 3)),
        ("1980-02-03T00:00:00Z", Day(2, 3)),
        (" 12/31 ", Day(12, 31)),
        ("0/0/00", Absent),
        ("0000-00-00", Absent),
        ("0000-00-00 00:00:00", Absent),
        ("", Absent),
        ("2/30", Unclear),
        ("13/05", Unclear),
        ("2/3/80", Unclear),
        ("0/5", Unclear),
        ("1980-02-03T05:00:00Z", Unclear),
        ("February 3", Unclear),
        ("3. 2.", Unclear),
        ("0203", Unclear),
        ("2", Unclear),
        ("--é-1", Unclear),
        ("--aéa", Unclear),
    ] {
        assert_eq!(birthday(value, DateOrder::MonthFirst), day, "{value}");
    }
    for (value, day) in [
        ("13/05/2001", Day(5, 13)),
        ("04-03-2001", Day(3, 4)),
        ("13/05", Day(5, 13)),
        ("--02-03", Day(2, 3)),
        ("1980-02-03", Day(2, 3)),
        ("05/13/2001", Unclear),
        ("'13/05/2001", Day(5, 13)),
        ("=\"13/05\"", Day(5, 13)),
        (r#"{"$date":"2001-05-06T00:00:00Z"}"#, Day(5, 6)),
        (r#"{"$date":{"$numberLong":"989107200000"}}"#, Day(5, 6)),
        (r#"{"$undefined":true}"#, Absent),
        (r#"{"x":1}"#, Unclear),
    ] {
        assert_eq!(birthday(value, DateOrder::DayFirst), day, "{value}");
    }
}

#[test]
fn addresses() {
    let parts = |value: &str| address(value).map(|a| [a.street, a.city, a.state, a.zip, a.country].join("|"));
    for (value, expected) in [
        ("1 Elm St  Rome  NY  13440  US", "1 Elm St|Rome|NY|13440|US"),
        ("1 Elm St  Apt 4  Rome  NY  13440", "1 Elm St, Apt 4|Rome|NY|13440|"),
        ("1 Elm St, Rome, NY 13440", "1 Elm St|Rome|NY|13440|"),
        ("1 Elm St, Rome, NY, 13440-1234, USA", "1 Elm St|Rome|NY|13440-1234|USA"),
        ("1 Elm St\nRome, NY 13440\nUnited States", "1 Elm St|Rome|NY|13440|United States"),
        ("5 King St, Toronto, ON M5V 2T6, Canada", "5 King St|Toronto|ON|M5V 2T6|Canada"),
    ] {
        assert_eq!(parts(value).as_deref(), Some(expected), "{value}");
    }
    for value in
        ["", "1 Elm St", "1 Elm St Rome NY 13440", "Rome, NY 13440", "Hauptstr. 5, 10115 Berlin", ",,,", "NY 13440"]
    {
        assert_eq!(parts(value), None, "{value}");
    }
    assert_eq!(city_state("Boston, MA"), Some(("Boston".to_owned(), "MA".to_owned())));
    for value in ["Boston MA", "Boston", "a, Boston, MA", "Boston, Mass", ", MA"] {
        assert_eq!(city_state(value), None, "{value}");
    }
}

proptest! {
    #[test]
    fn any_text_is_split_or_refused(value in ".{0,60}") {
        let _ = (full_name(&value), birthday(&value, DateOrder::MonthFirst), address(&value), city_state(&value), is_honorific(&value));
    }

    /// Words are compared as [`folded`] has them.
    #[test]
    fn titles_are_found_in_any_spelling(
        word in prop_oneof![
            proptest::sample::select(HONORIFICS).prop_map(str::to_owned),
            "[A-Za-z.,'’é\u{212a}]{0,20}",
        ],
        mark in "[.,'’éÉ]?",
        at in 0usize..20,
        is_upper: bool,
    ) {
        let mut word = if is_upper { word.to_uppercase() } else { word };
        let at = (0..=at.min(word.len())).rev().find(|at| word.is_char_boundary(*at)).unwrap_or(0);
        word.insert_str(at, &mark);
        prop_assert_eq!(is_one_of(&word, HONORIFICS), HONORIFICS.contains(&folded(&word).as_str()), "{}", word);
    }

    /// No word is lost but titles.
    #[test]
    fn a_name_keeps_its_words(words in proptest::collection::vec("[A-Z][a-z]{2,8}", 1..4)) {
        let value = words.join(" ");
        if let Some((first, last)) = full_name(&value) {
            let all = format!("{first} {last}");
            for word in &words {
                let is_title = HONORIFICS.contains(&folded(word).as_str());
                prop_assert!(is_title || all.contains(word.as_str()), "{} in {}", word, all);
            }
        }
    }

    #[test]
    fn last_first_is_first_last(first in "[A-Z][a-z]{3,8}", last in "[A-Z][a-z]{3,8}") {
        prop_assert_eq!(full_name(&format!("{first} {last}")), full_name(&format!("{last}, {first}")));
    }

    #[test]
    fn every_day_of_a_year_is_that_day(month in 1u8..=12, day in 1u8..=31) {
        let expected = if birthday::exists(month, day) { BirthdayResult::Day(month, day) } else { BirthdayResult::Unclear };
        for text in [format!("{month}/{day}"), format!("{month:02}/{day:02}"), format!("--{month:02}-{day:02}")] {
            prop_assert_eq!(birthday(&text, DateOrder::MonthFirst), expected);
        }
    }
}

#[test]
fn no_title_is_too_long() {
    assert!(HONORIFICS.iter().all(|word| word.len() <= WORD_MAX && **word == folded(word)));
}
