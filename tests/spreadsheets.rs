//! Spreadsheets from outside: from a file and from a pipe, what their cells become, and what is wrong with them.

#![cfg(all(feature = "cli", feature = "spreadsheets"))]

mod common;

use common::zip::{How, zip};
use common::{Dir, Ran};
use serde_json::{Value, json};

const TYPES: &str =
    r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
const RELS: &str = r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
/// Style 1 is a date, 2 a date with its time, 3 a duration.
const STYLES: &str = r#"<styleSheet><numFmts count="1"><numFmt numFmtId="165" formatCode="[h]:mm:ss"/></numFmts><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="165"/></cellXfs></styleSheet>"#;

/// A workbook that is written as XLSX.
#[derive(Clone, Default)]
struct Book {
    /// Names, and what stands in the worksheet.
    sheets: Vec<(&'static str, String)>,
    shared: Vec<&'static str>,
    is_1904: bool,
    how: How,
}

impl Book {
    fn new(sheets: &[(&'static str, &str)]) -> Book {
        let sheet = |(name, rows): &(&'static str, &str)| {
            let is_whole = rows.starts_with("<worksheet") || rows.starts_with("<chartsheet");
            (
                *name,
                if is_whole {
                    (*rows).to_owned()
                } else {
                    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
                },
            )
        };
        Book { sheets: sheets.iter().map(sheet).collect(), ..Book::default() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut sheets = String::new();
        let mut rels = String::new();
        for (i, (name, xml)) in self.sheets.iter().enumerate() {
            let state = if name.starts_with("hidden") { " state=\"hidden\"" } else { "" };
            sheets += &format!("<sheet name=\"{name}\" sheetId=\"{i}\"{state} r:id=\"rId{i}\"/>");
            let kind = if xml.starts_with("<chartsheet") { "chartsheet" } else { "worksheet" };
            rels += &format!(
                "<Relationship Id=\"rId{i}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" \
                 Target=\"{kind}s/sheet{i}.xml\"/>"
            );
        }
        let date = if self.is_1904 { "<workbookPr date1904=\"1\"/>" } else { "" };
        let workbook = format!("<workbook>{date}<sheets>{sheets}</sheets></workbook>");
        let rels = format!("<Relationships>{rels}</Relationships>");
        let texts: String =
            self.shared.iter().map(|text| format!("<si><t xml:space=\"preserve\">{text}</t></si>")).collect();
        let shared = format!("<sst uniqueCount=\"{}\">{texts}</sst>", self.shared.len());
        let names: Vec<String> = (0..self.sheets.len())
            .map(|i| {
                let kind = if self.sheets[i].1.starts_with("<chartsheet") { "chartsheet" } else { "worksheet" };
                format!("xl/{kind}s/sheet{i}.xml")
            })
            .collect();
        let mut members: Vec<(&str, &[u8])> = vec![
            ("[Content_Types].xml", TYPES.as_bytes()),
            ("_rels/.rels", RELS.as_bytes()),
            ("xl/workbook.xml", workbook.as_bytes()),
            ("xl/_rels/workbook.xml.rels", rels.as_bytes()),
            ("xl/styles.xml", STYLES.as_bytes()),
            ("xl/sharedStrings.xml", shared.as_bytes()),
        ];
        members.extend(names.iter().zip(&self.sheets).map(|(name, (_, xml))| (name.as_str(), xml.as_bytes())));
        zip(&members, self.how)
    }
}

/// A row of cells with texts; the first is in column A.
fn row(number: usize, texts: &[&str]) -> String {
    let cell = |(i, text): (usize, &&str)| {
        let place = format!("{}{number}", char::from(b'A' + i as u8));
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
    };
    let cells: String = texts.iter().enumerate().map(cell).collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

/// A table of contacts under a header in row 1.
fn contacts(emails: &[&str]) -> String {
    let rows = emails.iter().enumerate().map(|(i, email)| row(i + 2, &[email, "Ann"]));
    row(1, &["Email", "First Name"]) + &rows.collect::<String>()
}

/// From a file, from a pipe, and with other numbers of threads: all give the same.
#[track_caller]
fn clean_with(dir: &Dir, book: &[u8], more: &[&str]) -> Ran {
    dir.write("in.xlsx", book);
    let args = ["clean", "--format", "ndjson", "-o", "out", "--force", "--report", "report", "--rejects", "rejects"];
    let args = [&args[..], &["--receipt", "receipt", "--changes", "changes"], more].concat();
    let pipe = dir.feed(&args, book);
    let read = |name: &str| std::fs::read(dir.path(name)).unwrap_or_default();
    let (out, report) = (read("out"), read("report"));
    let one = dir.run(&[&args[..], &["--threads", "1", "in.xlsx"]].concat());
    assert_eq!((pipe.code(), &out, &report), (one.code(), &read("out"), &read("report")), "{}\n{}", pipe.err, one.err);
    let file = dir.run(&[&args[..], &["--threads", "3", "in.xlsx"]].concat());
    assert_eq!(
        (pipe.code(), &out, &report),
        (file.code(), &read("out"), &read("report")),
        "{}\n{}",
        pipe.err,
        file.err
    );
    file
}

#[track_caller]
fn clean(dir: &Dir, book: &[u8]) -> Ran {
    clean_with(dir, book, &[])
}

#[test]
fn cells_become_values() {
    let dir = Dir::new();
    let header =
        row(1, &["email", "first_name", "anniversary", "mobile_phone", "zip", "cf:Score", "cf:Member", "last_name"]);
    let cells = "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c r=\"B2\" t=\"s\"><v>1</v></c><c r=\"C2\" s=\"1\"><v>37017</v></c>\
        <c r=\"D2\"><v>6175550101</v></c><c r=\"E2\"><v>94103</v></c><c r=\"F2\"><f>1/8</f><v>0.125</v></c>\
        <c r=\"G2\" t=\"b\"><v>1</v></c><c r=\"H2\" t=\"e\"><f>NA()</f><v>#N/A</v></c></row>\
        <row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t>bob@example.com</t></is></c><c r=\"C3\" s=\"2\"><v>37017.5</v></c>\
        <c r=\"F3\"><v>123456789012345</v></c><c r=\"G3\" s=\"3\"><v>1.5</v></c>\
        <c r=\"H3\" t=\"str\"><f>\"x\"</f><v>Smith &amp; Co</v></c></row>";
    let mut book = Book::new(&[("Contacts", &(header + cells))]);
    book.shared = vec!["ann@example.com", "Ann, \"A\""];
    clean(&dir, &book.bytes()).exits(1).says(&["in.xlsx:Contacts (xlsx)", "2 accepted", "TAB005"]);
    let out = dir.lines("out");
    let ann = json!({"email": "ann@example.com", "first_name": "Ann, \"A\"", "anniversary": out[0]["anniversary"],
        "mobile_phone": out[0]["mobile_phone"], "zip": "94103", "cf:Score": "0.125", "cf:Member": "true"});
    assert_eq!(out[0], ann);
    assert!(out[0]["anniversary"].as_str().is_some_and(|day| day.contains("2001")), "{}", out[0]);
    assert!(out[0]["mobile_phone"].as_str().is_some_and(|phone| phone.contains("0101")), "{}", out[0]);
    let report = dir.lines("report");
    let error = report.iter().find(|finding| finding["code"] == "TAB005").unwrap();
    assert_eq!(
        (&error["line"], &error["column"], &error["value"], &error["offset"], &error["severity"]),
        (&json!(2), &json!("last_name"), &json!("#N/A"), &Value::Null, &json!("warning"))
    );
    let noon = report.iter().find(|finding| finding["contact"] == 1).unwrap();
    assert_eq!(
        (&noon["value"], &noon["line"], &noon["column"]),
        (&json!("2001-05-06T12:00:00"), &json!(3), &json!("anniversary"))
    );
    // The system of dates that begins in 1904.
    let cells = row(1, &["email", "anniversary"])
        + "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>a@example.com</t></is></c><c r=\"B2\" s=\"1\"><v>35555</v></c></row>";
    let book = Book { is_1904: true, ..Book::new(&[("S", &cells)]) };
    clean(&dir, &book.bytes()).exits(0);
    assert_eq!(dir.lines("out")[0]["anniversary"], ann["anniversary"]);
}

#[test]
fn errors_of_formulas_are_no_permission() {
    let dir = Dir::new();
    let error = |r: usize| format!("<c r=\"B{r}\" t=\"e\"><v>#REF!</v></c></row>");
    let open = |r: usize| row(r, &[&format!("a{r}@example.com")]).replace("</row>", "");
    let rows = row(1, &["email", "Unsubscribed"]) + &open(2) + &error(2) + &row(3, &["b@example.com", "no"]);
    clean(&dir, &Book::new(&[("S", &rows)]).bytes()).exits(1).says(&["OPT002"]);
    assert_eq!(common::emails(&dir.lines("out")), ["b@example.com"]);
    // Without an address there is no contact.
    let rows = row(1, &["first_name", "email"]) + &row(2, &["Ann"]).replace("</row>", "") + &error(2);
    clean(&dir, &Book::new(&[("S", &rows)]).bytes()).exits(1).says(&["1 rejected"]);
}

#[test]
fn a_line_is_a_row_of_the_sheet() {
    let dir = Dir::new();
    let rows = row(3, &["Our\ncontacts, \"all\""])
        + &row(5, &["Email", "First\nName", "City"])
        + &row(7, &["a@example", "A\nB\r\nC", "x, \"y\""])
        + "<row r=\"8\"/><row r=\"9\"><c r=\"A9\"/></row>"
        + &row(12, &["b@example.com", "Bob"])
        + &row(1_048_576, &["c@example", "last"]);
    clean(&dir, &Book::new(&[("My Contacts", &rows)]).bytes()).exits(1).says(&["header in row 5", "3 contacts seen"]);
    let report = dir.lines("report");
    let rejected: Vec<_> = report.iter().filter(|finding| finding["outcome"] == "rejected").collect();
    assert_eq!(rejected.iter().map(|finding| &finding["line"]).collect::<Vec<_>>(), [7, 1_048_576]);
    assert!(report.iter().all(|finding| finding["offset"].is_null() && finding["sheet"] == "My Contacts"));
    assert_eq!(rejected[0]["column"], "Email");
    // Rejects are a table, and go in again.
    let rejects = dir.read("rejects");
    let head = "presort_input,presort_line,presort_code,presort_field,presort_message,Email,\"First\nName\",City\n";
    assert!(rejects.starts_with(head), "{rejects}");
    assert!(rejects.contains("in.xlsx:My Contacts,7,EML") && rejects.contains(",a@example,\"A\nB"), "{rejects}");
    assert!(rejects.contains(",\"x, \"\"y\"\"\"\n") && rejects.contains(",1048576,EML"), "{rejects}");
    dir.write("again.csv", rejects.replace("@example,", "@example.org,"));
    dir.run(&["clean", "--format", "ndjson", "-o", "again", "again.csv"]).exits(0).says(&["2 accepted"]);
    // Beside other inputs, findings name the sheet.
    dir.write("other.csv", "email\nx@example.com\nbad\n");
    let args = ["clean", "--format", "ndjson", "-o", "out", "--force", "--report", "report", "--rejects", "rejects"];
    dir.run(&[&args[..], &["other.csv", "in.xlsx"]].concat()).exits(1).says(&["2 inputs"]);
    assert_eq!(dir.lines("report").last().unwrap()["input"], "in.xlsx:My Contacts");
    assert_eq!(dir.lines("rejects")[1]["presort"]["line"], 7);
    dir.run(&["check", "in.xlsx"]).exits(1).says(&["row 7, contact 0: email"]);
}

#[test]
fn sheets_are_chosen_and_the_others_named() {
    let dir = Dir::new();
    let (first, second) = (contacts(&["a@example.com"]), contacts(&["b@example.com"]));
    let book = Book::new(&[("hidden", &second), ("Cover &amp; more", &first), ("Old", &second)]).bytes();
    clean(&dir, &book).exits(0).says(&["in.xlsx:Cover & more (xlsx)", "the sheets hidden, Old not read: --sheet NAME"]);
    assert_eq!(common::emails(&dir.lines("out")), ["a@example.com"]);
    let sheet = &dir.json("receipt")["input"][0]["sheet"];
    assert_eq!(*sheet, json!({"format": "xlsx", "name": "Cover & more", "not_read": ["hidden", "Old"]}));
    clean_with(&dir, &book, &["--sheet", "OLD"]).exits(0).says(&["in.xlsx:Old"]);
    assert_eq!(common::emails(&dir.lines("out")), ["b@example.com"]);
    clean_with(&dir, &book, &["--sheet", "New"]).exits(2).says(&["no sheet \"New\"", "hidden, Cover & more, Old"]);
    dir.run(&["check", "--sheet", "Old", "in.xlsx", "in.xlsx"]).exits(0).says(&["2 inputs", "DUP001"]);
    dir.write("a.csv", "email\na@example.com\n");
    dir.run(&["check", "--sheet", "Old", "a.csv"]).exits(2).says(&["--sheet", "no input is one"]);
    let map = dir.run(&["map", "--sheet", "old", "in.xlsx"]).exits(0);
    assert!(map.text().contains("\"Email\" = \"email\""), "{}", map.text());
    // Nothing where contacts were expected.
    let book = Book::new(&[("Cover", ""), ("People", &first)]).bytes();
    clean(&dir, &book).exits(2).says(&["\"Cover\" is empty", "--sheet NAME reads another one: \"People\""]);
    let book = Book::new(&[("Cover", &row(1, &["Hello"])), ("People", &first)]).bytes();
    clean(&dir, &book).exits(2).says(&["the sheet \"Cover\"", "Hello", "\"People\""]);
    clean(&dir, &Book::new(&[("Cover", "")]).bytes()).exits(2).says(&["is empty, and the only one"]);
    clean(&dir, &Book::new(&[("S", &row(1, &["email", "x"]))]).bytes()).exits(0).says(&["0 contacts seen"]);
    clean(&dir, &Book::new(&[]).bytes()).exits(2).says(&["no sheets"]);
    let chart = "<chartsheet><drawing/></chartsheet>";
    clean(&dir, &Book::new(&[("Chart", chart)]).bytes()).exits(2).says(&["charts only"]);
    clean(&dir, &Book::new(&[("Chart", chart), ("S", &first)]).bytes()).exits(0).says(&["in.xlsx:S (xlsx)"]);
}

#[test]
fn what_a_person_sees_otherwise_is_told() {
    let dir = Dir::new();
    let rows = contacts(&["a@example.com", "b@example.com"]).replace("<row r=\"3\">", "<row r=\"3\" hidden=\"1\">");
    let sheet = format!(
        "<worksheet><cols><col min=\"2\" max=\"3\" hidden=\"1\"/></cols><sheetData>{rows}</sheetData>\
         <mergeCells count=\"1\"><mergeCell ref=\"A4:B4\"/></mergeCells></worksheet>"
    );
    clean(&dir, &Book::new(&[("S", &sheet)]).bytes()).exits(0).says(&[
        "2 accepted",
        "1 hidden row and 2 hidden columns taken as well",
        "1 merged area has",
    ]);
    let sheet = &dir.json("receipt")["input"][0]["sheet"];
    assert_eq!(
        (&sheet["hidden_rows"], &sheet["hidden_columns"], &sheet["merged_areas"]),
        (&json!(1), &json!(2), &json!(1))
    );
}

#[test]
fn old_workbooks_are_read() {
    let dir = Dir::new();
    let book = std::fs::read("testdata/sheets/contacts.xls").unwrap();
    clean(&dir, &book).exits(1).says(&["xls, header in row 3", "the sheet Notes not read", "1 merged area"]);
    let out = dir.lines("out");
    assert_eq!(common::emails(&out), ["ann@example.com", "cid@example.com"]);
    assert!(out[0]["mobile_phone"].as_str().is_some_and(|phone| phone.contains("0101")), "{}", out[0]);
    let report = dir.lines("report");
    let of = |code: &str| report.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("{report:?}"));
    assert_eq!((&of("TAB005")["line"], &of("TAB005")["column"]), (&json!(4), &json!("Last Name")));
    assert!(report.iter().any(|finding| finding["line"] == 6 && finding["outcome"] == "rejected"));
    // Cut off and broken ones end the run, and hang or crash nothing.
    for at in (0..book.len()).step_by(37) {
        let mut broken = book.clone();
        broken[at] ^= 0x55;
        dir.write("b.xls", &broken);
        assert!((0..=2).contains(&dir.run(&["check", "-q", "b.xls"]).code()), "{at}");
    }
    for len in (8..book.len()).step_by(501) {
        dir.write("b.xls", &book[..len]);
        assert!((0..=2).contains(&dir.run(&["check", "-q", "b.xls"]).code()), "{len}");
    }
}

/// An OpenDocument spreadsheet with this content of its body.
fn ods(tables: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    );
    let members: [(&str, &[u8]); 3] = [
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
        ("content.xml", content.as_bytes()),
    ];
    zip(&members, How::default())
}

fn ods_row(cells: &[&str]) -> String {
    let cell = |text: &&str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
    };
    format!("<table:table-row>{}</table:table-row>", cells.iter().map(cell).collect::<String>())
}

#[test]
fn opendocument_is_read() {
    let dir = Dir::new();
    let header = ods_row(&["Email", "First Name", "anniversary", "mobile phone", "cf:Score", "cf:Yes", "Last Name"]);
    let row = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>ann@exam<text:span>ple.com</text:span></text:p>\
        <office:annotation><text:p>a comment</text:p></office:annotation></table:table-cell>\
        <table:table-cell office:value-type=\"string\" table:number-columns-spanned=\"2\"><text:p>A<text:s text:c=\"1\"/>&amp;<text:tab/>B</text:p></table:table-cell>\
        <table:table-cell office:value-type=\"date\" office:date-value=\"2001-05-06\"><text:p>05/06/01</text:p></table:table-cell>\
        <table:table-cell office:value-type=\"float\" office:value=\"6175550101\"><text:p>6.18E+09</text:p></table:table-cell>\
        <table:table-cell office:value-type=\"percentage\" office:value=\"0.125\"><text:p>13%</text:p></table:table-cell>\
        <table:table-cell office:value-type=\"boolean\" office:boolean-value=\"true\"><text:p>TRUE</text:p></table:table-cell>\
        <table:table-cell office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\"><text:p>#N/A</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated=\"16377\"/></table:table-row>";
    let same = ods_row(&["same@example.com"])
        .replace("<table:table-row>", "<table:table-row table:number-rows-repeated=\"2\">");
    let table = format!(
        "<table:table table:name=\"Our &amp; Contacts\"><table:table-column table:visibility=\"collapse\"/>\
         <table:table-row table:number-rows-repeated=\"2\"><table:table-cell/></table:table-row>{header}{row}\
         <table:table-row table:number-rows-repeated=\"10\" table:visibility=\"filter\"><table:table-cell/></table:table-row>\
         {same}{}<table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
         </table:table><table:table table:name=\"Other\">{}{}</table:table>",
        ods_row(&["bad", "x"]),
        ods_row(&["email"]),
        ods_row(&["other@example.com"]),
    );
    let book = ods(&table);
    clean(&dir, &book).exits(1).says(&[
        "in.xlsx:Our & Contacts (ods)",
        "the sheet Other not read",
        "10 hidden rows and 1 hidden column taken as well",
        "1 merged area",
        "TAB005",
    ]);
    let out = dir.lines("out");
    assert_eq!(common::emails(&out), ["ann@example.com", "same@example.com", "same@example.com"]);
    assert_eq!(
        (&out[0]["first_name"], &out[0]["cf:Score"], &out[0]["cf:Yes"]),
        (&json!("A & B"), &json!("0.125"), &json!("true"))
    );
    assert!(out[0]["mobile_phone"].as_str().is_some_and(|phone| phone.contains("0101")), "{}", out[0]);
    let report = dir.lines("report");
    let rejected = report.iter().find(|finding| finding["outcome"] == "rejected").unwrap();
    assert_eq!((&rejected["line"], &rejected["value"]), (&json!(17), &json!("bad")));
    clean_with(&dir, &book, &["--sheet", "other"]).exits(0);
    assert_eq!(common::emails(&dir.lines("out")), ["other@example.com"]);
    // Repeated cells and rows take no memory, and have the limits of a sheet.
    let wide = ods_row(&["a@example.com"])
        .replace("<table:table-cell", "<table:table-cell table:number-columns-repeated=\"99999\"");
    let table = format!("<table:table table:name=\"S\">{}{wide}</table:table>", ods_row(&["email"]));
    clean(&dir, &ods(&table)).exits(2).says(&["row 2 has more than 16384 columns"]);
    let many =
        ods_row(&["a@example.com"]).replace("<table:table-row", "<table:table-row table:number-rows-repeated=\"10\"");
    let empty = "<table:table-row table:number-rows-repeated=\"1048570\"/>";
    let table = format!("<table:table table:name=\"S\">{}{empty}{many}</table:table>", ods_row(&["email"]));
    dir.write("many.ods", ods(&table));
    dir.run(&["check", "many.ods"]).exits(2).says(&["1048576 at most"]);
    // Others of the family.
    let text: [(&str, &[u8]); 2] = [("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>")];
    clean(&dir, &zip(&text, How::default())).exits(2).says(&["no spreadsheet"]);
    let secret: [(&str, &[u8]); 3] = [
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", b"<manifest:encryption-data/>"),
        ("content.xml", b"\x01\x02"),
    ];
    clean(&dir, &zip(&secret, How::default())).exits(2).says(&["password"]);
}

#[test]
fn broken_ones_end_the_run_with_what_was_complete() {
    let dir = Dir::new();
    let many: Vec<String> = (0..3000).map(|i| format!("c{i}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let rows = contacts(&many);
    let cut = format!("<worksheet><sheetData>{}", &rows[..rows.len() - 40]);
    clean(&dir, &Book::new(&[("S", &cut)]).bytes()).exits(2).says(&["in.xlsx:S", "damaged behind row 3000"]);
    assert_eq!(dir.lines("out").len(), 2999);
    let crc = Book { how: How { wrong_crc: true, ..How::default() }, ..Book::new(&[("S", &rows)]) };
    clean(&dir, &crc.bytes()).exits(2).says(&["damaged"]);
    let back = contacts(&["a@example.com"]) + &row(1, &["b@example.com"]);
    clean(&dir, &Book::new(&[("S", &back)]).bytes()).exits(2).says(&["row 1 stands behind row 2"]);
    let whole = Book::new(&[("S", &rows)]).bytes();
    clean(&dir, &whole[..whole.len() - 100]).exits(2).says(&["zip archive", "incomplete"]);
    let zip64 = Book { how: How { is_zip64: true, ..How::default() }, ..Book::new(&[("S", &rows)]) };
    clean(&dir, &zip64.bytes()).exits(0).says(&["3,000 accepted"]);
    // Bits that are flipped anywhere.
    let book = Book::new(&[("S", &contacts(&["a@example.com"]))]).bytes();
    for at in (0..book.len()).step_by(13) {
        let mut broken = book.clone();
        broken[at] ^= 0x55;
        dir.write("b.xlsx", &broken);
        assert!((0..=2).contains(&dir.run(&["check", "-q", "b.xlsx"]).code()), "{at}");
    }
}

#[test]
fn passwords_and_other_documents_are_told() {
    let dir = Dir::new();
    let utf16 = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    ole.resize(512, 0);
    clean(&dir, &[&ole[..], &utf16("EncryptedPackage")].concat()).exits(2).says(&["password"]);
    clean(&dir, &[&ole[..], &utf16("WordDocument")].concat()).exits(2).says(&["no spreadsheet"]);
    clean(&dir, &[&ole[..], &utf16("Workbook")].concat()).exits(2).says(&["damaged"]);
    clean(&dir, &ole[..8]).exits(2);
    let numbers: [(&str, &[u8]); 1] = [("Index/Document.iwa", b"")];
    clean(&dir, &zip(&numbers, How::default())).exits(2).says(&["Numbers", "CSV"]);
    let book = Book::new(&[("S", &contacts(&["a@example.com"]))]).bytes();
    clean_with(&dir, &book, &["--from", "spreadsheet"]).exits(0);
    clean_with(&dir, &book, &["--from", "csv"]).exits(2).says(&["this is a spreadsheet"]);
    dir.write("a.csv", "email\na@example.com\n");
    dir.run(&["check", "--from", "spreadsheet", "a.csv"]).exits(2).says(&["no spreadsheet"]);
}

#[test]
fn bombs_take_no_memory() {
    let dir = Dir::new();
    // The directory says how much comes, or says less than that.
    let row = contacts(&["a@example.com"]);
    let text: &str = " ".repeat(520 << 20).leak();
    for says_len in [None, Some(1000)] {
        let mut book = Book::new(&[("S", &row)]);
        book.shared = vec![text];
        book.how.says_len = says_len;
        let bytes = book.bytes();
        dir.write("bomb.xlsx", &bytes);
        let word = if says_len.is_some() { "damaged" } else { "more than 512 MiB" };
        dir.run(&["check", "bomb.xlsx"]).exits(2).says(&[word]);
    }
    // A row is complete when the next one begins.
    let rows = contacts(&["a@example.com", "b@example.com"]);
    let text = "x".repeat(200 << 20);
    let wide = format!("{rows}<row r=\"4\"><c r=\"A4\" t=\"inlineStr\"><is><t>{text}</t></is></c></row>");
    dir.write("bomb.xlsx", Book::new(&[("S", &wide)]).bytes());
    dir.run(&["clean", "--format", "ndjson", "-o", "out", "bomb.xlsx"]).exits(2).says(&["128 MiB of the sheet"]);
    assert_eq!(common::emails(&dir.lines("out")), ["a@example.com"]);
    let mut bytes = Book { how: How { is_stored: true, ..How::default() }, ..Book::new(&[("S", &row)]) }.bytes();
    let at = bytes.windows(15).position(|window| window == b"uniqueCount=\"0\"").unwrap();
    bytes[at + 13] = b'9';
    dir.write("bomb.xlsx", &bytes);
    dir.run(&["check", "bomb.xlsx"]).exits(2).says(&["9 shared texts"]);
    // A million rows without a value.
    let empty: String = (3..1_000_000).map(|n| format!("<row r=\"{n}\" spans=\"1:2\" ht=\"15\"/>")).collect();
    dir.write("empty.xlsx", Book::new(&[("S", &(row + &empty))]).bytes());
    dir.run(&["check", "empty.xlsx"]).exits(0).says(&["1 good"]);
}

#[test]
fn beside_other_inputs_and_in_archives() {
    let dir = Dir::new();
    let book = |email: &str| Book::new(&[("S", &contacts(&[email]))]).bytes();
    let xls = std::fs::read("testdata/sheets/errors.xls").unwrap();
    let word = [("word/document.xml", &b""[..]), ("[Content_Types].xml", b"")];
    let inner = zip(&word, How::default());
    let members: [(&str, &[u8]); 4] = [
        ("a.csv", b"email\nc@example.com\n"),
        ("b.xlsx", &book("d@example.com")),
        ("c.xls", &xls),
        ("d.txt", b"hello"),
    ];
    std::fs::create_dir(dir.path("in")).unwrap();
    dir.write("in/1.xlsx", book("x@example.com"));
    dir.write("in/2.json", "{\"email\":\"y@example.com\"}\n");
    dir.write("in/3.zip", zip(&members, How::default()));
    dir.write("in/4.docx", &inner);
    let args = ["clean", "--format", "ndjson", "-o", "out", "--force", "--receipt", "receipt"];
    dir.run(&[&args[..], &["in"]].concat()).exits(0).says(&["5 inputs", "in/4.docx was left out"]);
    let all = ["x@example.com", "y@example.com", "c@example.com", "d@example.com", "a@example.com", "b@example.com"];
    assert_eq!(common::emails(&dir.lines("out")), all);
    let receipt = dir.json("receipt");
    let names: Vec<&str> =
        receipt["input"].as_array().unwrap().iter().filter_map(|input| input["name"].as_str()).collect();
    assert_eq!(names, ["in/1.xlsx:S", "in/2.json", "in/3.zip:a.csv", "in/3.zip:b.xlsx:S", "in/3.zip:c.xls:Sheet1"]);
    // The bench has no stages for these.
    for container in ["in", "in/1.xlsx", "in/3.zip"] {
        dir.run(&["bench", container]).exits(2).says(&["--format ndjson -o contacts.ndjson"]);
    }
    // A list of those who are left out.
    dir.write("gone.xlsx", book("Y@example.com"));
    dir.run(&[&args[..], &["--suppress", "gone.xlsx", "in"]].concat()).exits(1).says(&["OPT004", "1 opted out"]);
}
