use super::*;
use proptest::prelude::*;

const START: Position = Position { offset: 0, line: 1, column: 1, contact: None };

fn is_identity(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "email" | "e-mail")
}

fn of(text: &str) -> Result<Sniffed, NoTable> {
    sniff(text.as_bytes(), true, START, &is_identity)
}

#[test]
fn dialects() {
    for (text, delimiter, header) in [
        ("Email,Name\na@b.co,Ann\n", b',', &["Email", "Name"][..]),
        ("Name;Email\r\nAnn, B.;a@b.co\r\n", b';', &["Name", "Email"]),
        ("Email\tName\n", b'\t', &["Email", "Name"]),
        ("id|E-Mail|x\n1|a@b.co|\n", b'|', &["id", "E-Mail", "x"]),
        ("email\na@b.co\n", b',', &["email"]),
        ("email", b',', &["email"]),
        ("sep=;\r\nEmail;A,B\r\n", b';', &["Email", "A,B"]),
        ("\"sep=^\"\nEmail^A\n", b'^', &["Email", "A"]),
        ("sep=\t\nEmail\tA\n", b'\t', &["Email", "A"]),
        ("Email,\"First\nName\",,x\n", b',', &["Email", "First\nName", "(column 3)", "x"]),
        // The line names another delimiter than the cells have.
        ("sep=;\nEmail,A\nx@y.co,1\n", b',', &["Email", "A"]),
        // A title with commas, and cells with another delimiter.
        ("Contacts, all, of 2026\n\nEmail;Name;Tags\na@b.co;Ann;a,b,c\n", b';', &["Email", "Name", "Tags"]),
    ] {
        let found = of(text).unwrap();
        assert_eq!(
            (found.table.delimiter, &found.table.header[..]),
            (delimiter, &header.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()[..]),
            "{text}"
        );
        assert_eq!(found.table.has_crlf, text.contains("\r\n"));
    }
}

#[test]
fn positions() {
    let text = "Title\r\n\r\n\"Email\",\"a\nb\"\r\nx@y.co,1\r\n";
    let Sniffed { table, start } = of(text).unwrap();
    assert_eq!((table.header_line, table.title_rows, table.header_row), (3, 1, b"\"Email\",\"a\nb\"".to_vec()));
    assert_eq!((start.offset, start.line, start.column), (22, 4, 3));
    assert!(text[start.offset as usize..].starts_with("\r\nx@y"));
}

#[test]
fn what_has_no_header() {
    assert_eq!(of(""), Err(NoTable::Empty));
    assert_eq!(of(" \n,,\n"), Err(NoTable::Empty));
    let no = |text: &str| match of(text) {
        Err(NoTable::NoHeader { delimiter, has_address, .. }) => (delimiter, has_address),
        other => panic!("{other:?}"),
    };
    assert_eq!(no("a@b.co;Ann\nc@d.co;Bob\n"), (Some(b';'), true));
    assert_eq!(no("just text\n"), (None, false));
    // Contacts above what looks like a header are not left out as titles are.
    assert_eq!(no("b@example.com\nEmail\n?\n"), (None, true));
    assert_eq!(no("x,b@example.com\nName,Email\n"), (Some(b','), true));
    assert!(of("List of me@example.com, all\nEmail,Name\n").is_ok());
    let late = format!("{}Email,Name\n", "x,y\n".repeat(20));
    assert_eq!(no(&late), (Some(b','), false));
    let wide = format!("Email{}\n", ",x".repeat(COLUMNS_MAX));
    assert_eq!(of(&wide), Err(NoTable::TooManyColumns(COLUMNS_MAX + 1)));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"Email,;\t|\"\n\r sep=\xff@".to_vec()), 0..300), is_whole: bool) {
        if let Ok(found) = sniff(&bytes, is_whole, START, &is_identity) {
            prop_assert!(found.start.offset as usize <= bytes.len());
            prop_assert!(found.table.header.iter().any(|name| is_identity(name)));
        }
    }
}

/// The quote of a header that is not closed: the rows would be part of a name.
#[test]
fn a_header_that_does_not_end() {
    assert_eq!(of("Email,\"Name\na@b.co,Ann\n"), Err(NoTable::OpenQuote { line: 1 }));
    assert_eq!(of("Title\n\nA;Email;\"Name\r\n1;a@b.co;Ann\r\n"), Err(NoTable::OpenQuote { line: 3 }));
    let no_header = of("some \"text\",\"open\nEmail,Name\n");
    assert!(matches!(no_header, Err(NoTable::NoHeader { .. } | NoTable::Empty)), "{no_header:?}");
}
