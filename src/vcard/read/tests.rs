//! Cards of every version, and what is wrong with them.

use super::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn read(card: &str) -> Json {
    let mut out = Vec::new();
    CardReader::default().json(card.as_bytes(), &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_card_of_each_version() {
    let old = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;Dr.;\r\n\
        FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=\r\n M=C3=BCller\r\nTEL;CELL;PREF:617-555-0101\r\n\
        TEL;WORK;VOICE:617-555-0102\r\nTEL;HOME;FAX:617-555-0103\r\nEMAIL;INTERNET:j@example.com\r\n\
        ADR;HOME;ENCODING=QUOTED-PRINTABLE:;;1 Main St=0D=0ASuite 2;Boston;MA;02139;USA\r\n\
        PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQ\r\n AAQABAAD/2wBDAAYEBQYFBAYG\r\nBQYHBwYIChAKCgkJChQO\r\n\r\n\
        NOTE:one\r\n two\r\nEND:VCARD";
    assert_eq!(
        read(old),
        json!({"N;LAST": "Müller", "N;FIRST": "Jürgen", "N;PREFIX": "Dr.", "FN": "Jürgen Müller", "TEL;CELL": "617-555-0101",
            "TEL;WORK": "617-555-0102", "TEL;FAX": "617-555-0103", "EMAIL": "j@example.com",
            "ADR;HOME;STREET": "1 Main St\r\nSuite 2", "ADR;HOME;CITY": "Boston", "ADR;HOME;STATE": "MA", "ADR;HOME;ZIP": "02139",
            "ADR;HOME;COUNTRY": "USA", "NOTE": "one two"})
    );
    let three = "BEGIN:VCARD\nVERSION:3.0\nN:Li;Ana;;;\nFN:Ana\n  Li\nORG:Li\\, Wu & Co;Sales;East\nTITLE:CEO\n\
        item1.EMAIL;type=INTERNET;type=pref:b@example.com\nEMAIL;TYPE=HOME:a@example.com\nitem2.TEL:1\nitem2.X-ABLabel:_$!<Mobile>!$_\n\
        item3.ADR;type=\"work,pref\":;;2 B St;;;;\nitem3.X-ABADR:us\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-02-03\n\
        item4.X-ABDATE:2010-05-06\nitem4.X-ABLabel:_$!<Anniversary>!$_\nEMAIL:c@example.com\nREV:20200101T000000Z\nEND:VCARD\n";
    assert_eq!(
        read(three),
        json!({"N;LAST": "Li", "N;FIRST": "Ana", "FN": "Ana Li", "ORG": "Li, Wu & Co", "ORG;UNIT": "Sales, East", "TITLE": "CEO",
            "EMAIL": "b@example.com", "EMAIL;2": "a@example.com", "EMAIL;3": "c@example.com", "TEL;CELL": "1",
            "ADR;WORK;STREET": "2 B St", "BDAY": "1604-02-03", "ANNIVERSARY": "2010-05-06", "REV": "20200101T000000Z"})
    );
    let four = "BEGIN:VCARD\nVERSION:4.0\nFN:Ana\nTEL;VALUE=uri;PREF=2;TYPE=\"voice,home\":tel:+1-617-555-0101;ext=12\n\
        TEL;PREF=1;TYPE=home:2\nEMAIL;PREF=1:mailto:a@example.com\nBDAY:--0203\nANNIVERSARY:20100506T120000Z\nEND:VCARD";
    assert_eq!(
        read(four),
        json!({"FN": "Ana", "TEL;HOME": "2 ::: +1-617-555-0101 x12", "EMAIL": "a@example.com", "BDAY": "--0203",
            "ANNIVERSARY": "2010-05-06"})
    );
}

#[test]
fn addresses_go_to_free_kinds() {
    let card = "ADR;HOME:;;1;;;;\nADR;HOME;PREF:;;2;;;;\nADR:12;;;;;;\nADR:;Suite 4;;X;;;\nADR:;;5;;;;\n";
    assert_eq!(
        read(card),
        json!({"ADR;WORK;STREET": "1", "ADR;HOME;STREET": "2", "ADR;OTHER;STREET": "PO Box 12", "ADR;MORE;STREET": "Suite 4",
            "ADR;MORE;CITY": "X", "ADR;MORE;2;STREET": "5"})
    );
}

#[test]
fn companies_and_cards_within_cards() {
    assert_eq!(read("FN:Li Ltd\nN:;;;;\nORG:Li Ltd\n"), json!({"ORG": "Li Ltd"}));
    assert_eq!(read("FN:Li Ltd\nN:Li;;;;\nORG:Li Ltd\n"), json!({"FN": "Li Ltd", "N;LAST": "Li", "ORG": "Li Ltd"}));
    let nested =
        "BEGIN:VCARD\nFN:A\nAGENT:\nBEGIN:VCARD\nFN:B\nEMAIL:b@example.com\nEND:VCARD\nEMAIL:a@example.com\nEND:VCARD";
    assert_eq!(read(nested), json!({"FN": "A", "EMAIL": "a@example.com"}));
}

#[test]
fn lines_that_are_no_properties() {
    assert_eq!(read("NOTE:a\nb c\nFN:x\n"), json!({"NOTE": "a", "(TEXT)": "b c", "FN": "x"}));
    assert_eq!(read("EMA\n IL:a\n \n"), json!({"EMAIL": "a"}));
    let many: String = (0..30).map(|i| format!("URL:{i}\n")).collect();
    let object = read(&many);
    assert_eq!(object.as_object().unwrap().len(), 9);
    assert!(object["URL;9"].as_str().unwrap().ends_with("28 ::: 29"));
}

#[test]
fn bytes_that_are_no_text() {
    let mut out = Vec::new();
    let mut reader = CardReader::default();
    assert_eq!(reader.json(b"FN:J\xfcrgen\n", &mut out), Err(NotText));
    assert_eq!(reader.json(b"PHOTO;ENCODING=b:\xff\xfe\nFN;CHARSET=ISO-8859-1:J\xfcrgen\n", &mut out), Ok(()));
    assert_eq!(out, "{\"FN\":\"Jürgen\"}".as_bytes());
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_object_of_different_names(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "BEGIN:VCARD\n", "END:VCARD\n", "AGENT:\n", "N:", "FN:", "EMAIL", "TEL", "ADR", ";", ":", "=", "\n", " ", "\r\n", "\\", "é",
            "TYPE=", "HOME", "ENCODING=QUOTED-PRINTABLE", "ENCODING=b", "\"", "=C3", "CHARSET=utf-16", "item1.", "X-ABLabel", "PREF", ",",
        ]), 0..60),
    ) {
        let mut out = Vec::new();
        if CardReader::default().json(pieces.concat().as_bytes(), &mut out).is_ok() {
            let text = std::str::from_utf8(&out).unwrap();
            let object: serde_json::Map<String, Json> = serde_json::from_str(text).unwrap();
            let mut names = 0;
            let _ = crate::json::syntax::members(&out, |_, _| names += 1);
            prop_assert_eq!(object.len(), names);
        }
    }
}
