use super::*;
use proptest::prelude::*;

fn found(value: &str) -> Vec<Code> {
    let mut codes = Vec::new();
    damages(value, |code| codes.push(code));
    codes
}

#[test]
fn guards() {
    for (value, inner) in [
        ("'02139", "02139"),
        (" '02139 ", "02139"),
        ("'+1 617-555-0101", "+1 617-555-0101"),
        ("'(617) 555-0101", "(617) 555-0101"),
        ("'617-555-0101 x12", "617-555-0101 x12"),
        ("'2001-05-06", "2001-05-06"),
        ("'2001-05-06T00:00:00Z", "2001-05-06T00:00:00Z"),
        ("'5/6/2001 0:00", "5/6/2001 0:00"),
        ("'=A1", "=A1"),
        ("=\"02139\"", "02139"),
        ("\"=\"\"02139\"\"\"", "02139"),
        ("=\"a \"\"b\"\" c\"", "a \"b\" c"),
        ("=\"\"", ""),
        ("=\"joe@example.com\"", "joe@example.com"),
    ] {
        assert_eq!(unguarded(value).as_deref(), Some(inner), "{value}");
    }
    for value in [
        "O'Neil",
        "'t Hooft",
        "'Round the Clock",
        "'90s Kids",
        "'",
        "''",
        "'02139'",
        "'-",
        "=",
        "=\"",
        "=1+1",
        "=A1&\"x\"",
        "=\"a\"&\"b\"",
        "\"02139\"",
        "02139",
        "",
        "'joe@example.com",
        "'12 Elm Street",
    ] {
        assert_eq!(unguarded(value), None, "{value}");
    }
}

#[test]
fn placeholders() {
    for value in [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#DIV/0!",
        "#NULL!",
        "#NUM!",
        "undefined",
        "NaN",
        "[object Object]",
        " #N/A ",
        "[object Object],[object Object]",
        "########",
    ] {
        assert!(placeholder(value).is_some(), "{value}");
    }
    for value in ["NaN Inc", "Nan", "Undefined", "#1 Cleaners", "#", "##", "[object Object] x", "[x]", "", "#N/A!"] {
        assert!(placeholder(value).is_none(), "{value}");
    }
}

#[test]
fn words_for_no_value() {
    for value in ["NULL", "null", "Null", "None", "nan", "N/A", "n/a", "-", "--", "(null)", "<NULL>", "\\N", " - "] {
        assert!(is_null_word(value), "{value}");
    }
    for value in [
        "",
        "none",
        "NONE",
        "nil",
        "Nullo",
        "None of it",
        "A-B",
        "-5",
        "N",
        "Nancy",
        "NaN Inc",
        "-----",
        "- a",
        "N/A-7",
    ] {
        assert!(!is_null_word(value), "{value}");
    }
}

#[test]
fn damaged_texts() {
    for (value, code) in [
        ("MÃ¼ller", Code::VAL011),
        ("JosÃ©", Code::VAL011),
        ("MÃƒÂ¼ller", Code::VAL011),
        ("Itâ€™s", Code::VAL011),
        ("Ã\u{81}lvaro", Code::VAL011),
        ("voilÃ\u{a0}", Code::VAL011),
        ("Å\u{81}ukasz", Code::VAL011),
        ("æ—¥æœ¬", Code::VAL011),
        ("K\u{fffd}ln", Code::VAL012),
        ("O&#039;Brien", Code::VAL013),
        ("O&#x27;Brien", Code::VAL013),
        ("Tom &amp; Co", Code::VAL013),
        ("Caf&eacute;", Code::VAL013),
        ("a&b & c &lt;", Code::VAL013),
        ("D=C3=BCmmy", Code::VAL014),
        ("=E6=97=A5=E6=9C=AC", Code::VAL014),
        ("D=FCmmy", Code::VAL014),
        ("a=b=C3=BC", Code::VAL014),
        ("O\\'Neil", Code::VAL015),
        ("the \\\"best\\\"", Code::VAL015),
    ] {
        assert!(found(value).contains(&code), "{value}: {:?}", found(value));
        let is_misread = matches!(code, Code::VAL011 | Code::VAL012);
        assert!(!is_misread || may_be_misread(value), "{value}");
    }
    for value in [
        "São Paulo",
        "SÃO PAULO",
        "Ã",
        "Ã ",
        "MAÇÃ",
        "Åse",
        "Île",
        "Âme",
        "Zoë",
        "naïve",
        "Müller",
        "Ñandú",
        "“MAÇÔ",
        "Đặng",
        "Ægir",
        "Turner & Associates",
        "A&M",
        "AT&T; Verizon",
        "R&D;",
        "&;",
        "&#;",
        "&#x;",
        "&bogus;",
        "a=b",
        "x=20",
        "A=FC",
        "=C3",
        "=c3=bc",
        "1=FF1",
        "C:\\temp",
        "日本",
        "«Â»",
        "½ Ã",
        "Straße",
        "Łukasz",
        "O'Neil",
        "",
    ] {
        assert_eq!(found(value), [], "{value}");
    }
}

#[test]
fn several_values() {
    assert_eq!(joined("a ::: b"), Some(("a", " b")));
    assert_eq!(joined(" a ::: b ::: c"), Some(("a", " b ::: c")));
    assert_eq!(joined(" ::: a ::: b"), Some(("a", " b")));
    assert_eq!(joined("::: a"), Some(("a", "")));
    assert_eq!(joined("a :::"), Some(("a", "")));
    assert_eq!(joined(":::"), Some(("", "")));
    for value in ["a", "a :: b", "a:::b", "std:::x", "", "a : b"] {
        assert_eq!(joined(value), None, "{value}");
    }
    assert_eq!(others(" b :::  ::: c ").collect::<Vec<_>>(), ["b", "c"]);
}

#[test]
fn extended_json() {
    let text = |text: &str| Some(Extended::Text(text.into()));
    let number = |text: &str| Some(Extended::Number(text.into()));
    for (json, value) in [
        (r#"{"$numberLong":"6175550101"}"#, number("6175550101")),
        (r#"{"$numberInt":"5"}"#, number("5")),
        (r#"{ "$numberDouble" : "2139.0" }"#, number("2139.0")),
        (r#"{"$numberDouble":2.5}"#, number("2.5")),
        (r#"{"$numberDecimal":"1.50"}"#, number("1.50")),
        (r#"{"$oid":"60f6d845caa1861dcf1631ae"}"#, text("60f6d845caa1861dcf1631ae")),
        (r#"{"$date":"2001-05-06T00:00:00Z"}"#, text("2001-05-06T00:00:00Z")),
        (r#"{"$date":{"$numberLong":"989107200000"}}"#, text("2001-05-06T00:00:00Z")),
        (r#"{"$date":989107200000}"#, text("2001-05-06T00:00:00Z")),
        (r#"{"$date":{"$numberLong":"-86400000"}}"#, text("1969-12-31T00:00:00Z")),
        (r#"{"$undefined":true}"#, Some(Extended::Nothing)),
        (r#"{"$date":{"$numberLong":"99999999999999999"}}"#, None),
        (r#"{"$date":{"$numberLong":"x"}}"#, None),
        (r#"{"$date":[]}"#, None),
        (r#"{"$numberInt":"5","x":1}"#, None),
        (r#"{"$other":"5"}"#, None),
        (r#"{"x":"$5"}"#, None),
        (r#"["$oid"]"#, None),
        ("{}", None),
    ] {
        assert_eq!(extended(json), value, "{json}");
    }
}

proptest! {
    /// Text that is read wrongly is seen, and ordinary text is not.
    #[test]
    fn mojibake_is_seen(text in "[A-Za-zäöüßéèñçøåÄÖÜÉ ]{1,12}") {
        prop_assert!(!is_mojibake(&text));
        let read: String = text.bytes().map(|b| (0..=0x2122u32).filter_map(char::from_u32).find(|c| windows_1252(*c) == Some(b)).unwrap()).collect();
        prop_assert_eq!(is_mojibake(&read), !text.is_ascii());
        prop_assert!(may_be_misread(&read) || !is_mojibake(&read));
    }

    #[test]
    fn nothing_panics(text in "[&#;=:'\"\\\\A-F0-9ÃÂ¼â€\u{fffd}a ]{0,16}|\\PC{0,12}") {
        let codes = found(&text);
        prop_assert!(may_be_misread(&text) || !codes.iter().any(|code| matches!(code, Code::VAL011 | Code::VAL012)));
        let _ = (is_value(&text), unguarded(&text), placeholder(&text), is_null_word(&text), extended(&text));
        if let Some((first, rest)) = joined(&text) {
            prop_assert!(!first.contains(":::") || joined(first).is_none());
            let _ = others(rest).count();
        }
    }
}
