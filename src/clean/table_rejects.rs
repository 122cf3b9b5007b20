//! Rejects of tables. Where all inputs are one kind of table, they are a table of the same kind: each row as it is, with columns of
//! presort in front that say where it came from and why it was rejected. In front, so that a row with too few or too many cells does
//! not move them. Otherwise a row is an object, with the names of the columns.

use crate::clean::lines;
use crate::clean::note::{self, Origin};
use crate::csv::{self, Cells, Table};
use crate::json::write::{close_object, json_string};
use crate::mapping::OWN_COLUMNS;
use crate::model::finding::Finding;

/// Bytes of messages after which no more are added.
const NOTED_MAX: usize = 4 << 10;

/// What rejects of a table have.
#[derive(Debug, Clone)]
pub struct TableRejects {
    delimiter: u8,
    line_end: &'static [u8],
    has_separator_line: bool,
    header: Vec<u8>,
    /// Columns that an earlier run wrote: the index of each, by its place in [`OWN_COLUMNS`].
    own: [Option<usize>; OWN_COLUMNS.len()],
    /// The names of the inputs; none for rows without columns of presort.
    names: Option<Vec<String>>,
}

/// What the findings of a rejected row say, for the columns of presort.
#[derive(Debug, Default)]
pub struct Noted {
    codes: String,
    fields: String,
    messages: String,
}

/// Where the columns of presort are in a table, by their place in [`OWN_COLUMNS`].
#[must_use]
pub fn own_columns(table: &Table) -> [Option<usize>; OWN_COLUMNS.len()] {
    OWN_COLUMNS.map(|own| table.header.iter().position(|name| name == own))
}

impl Noted {
    /// Forgets the row.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.fields.clear();
        self.messages.clear();
    }

    /// Adds a finding.
    pub fn add(&mut self, finding: &Finding<'_>, column: Option<&str>) {
        if self.messages.len() > NOTED_MAX {
            return;
        }
        let field = column.or(finding.field).unwrap_or_default();
        let message = lines::message(finding);
        for (all, one) in [
            (&mut self.codes, finding.code.as_str()),
            (&mut self.fields, field),
            (&mut self.messages, message.as_str()),
        ] {
            if !all.is_empty() && !one.is_empty() {
                all.push_str("; ");
            }
            all.push_str(one);
        }
    }
}

impl TableRejects {
    /// For rows of this table. With `names`, rows get columns of presort.
    #[must_use]
    pub fn new(table: &Table, names: Option<Vec<String>>) -> Self {
        let mut rejects = TableRejects {
            delimiter: table.delimiter,
            line_end: if table.has_crlf { b"\r\n" } else { b"\n" },
            has_separator_line: table.has_separator_line,
            header: Vec::new(),
            own: own_columns(table),
            names,
        };
        let mut header = Vec::new();
        if rejects.names.is_some() {
            header.extend_from_slice(OWN_COLUMNS.join(&char::from(table.delimiter).to_string()).as_bytes());
            header.push(table.delimiter);
        }
        rejects.row(&table.header_row, &mut Cells::default(), &mut header);
        rejects.header = header;
        rejects
    }

    /// The lines that a file of rejects begins with.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        if self.has_separator_line {
            head.extend_from_slice(b"sep=");
            head.push(self.delimiter);
            head.extend_from_slice(self.line_end);
        }
        head.extend_from_slice(&self.header);
        head.extend_from_slice(self.line_end);
        head
    }

    /// The number of rows in what was written: line ends outside quotes. A row may have no value.
    #[must_use]
    pub fn count(&self, rejects: &[u8]) -> u64 {
        let (mut rows, mut at) = (0, 0);
        // Where each cell begins.
        while at < rejects.len() {
            let open = at + rejects[at..].iter().take_while(|byte| **byte == b' ').count();
            if rejects.get(open) == Some(&b'"') {
                at = open + 1;
                // Two quotes are one.
                loop {
                    let Some(quote) = memchr::memchr(b'"', &rejects[at..]) else { return rows };
                    at += quote + 1;
                    if rejects.get(at) != Some(&b'"') {
                        break;
                    }
                    at += 1;
                }
            }
            let Some(end) = memchr::memchr2(self.delimiter, b'\n', &rejects[at..]) else { break };
            rows += u64::from(rejects[at + end] == b'\n');
            at += end + 1;
        }
        rows
    }

    /// Appends a rejected row.
    pub fn reject(&self, row: &[u8], input: usize, line: u64, noted: &Noted, cells: &mut Cells, rejects: &mut Vec<u8>) {
        if self.own.iter().any(Option::is_some) {
            cells.read(row, self.delimiter);
        }
        self.own_cells(row, input, line, noted, cells, rejects);
        self.row(row, cells, rejects);
        rejects.extend_from_slice(self.line_end);
    }

    /// Appends the cells of presort, each with its delimiter. A row that was rejected before keeps its first origin.
    pub fn own_cells(&self, row: &[u8], input: usize, line: u64, noted: &Noted, cells: &Cells, rejects: &mut Vec<u8>) {
        let Some(names) = &self.names else { return };
        let line = line.to_string();
        let earlier = |own: usize| self.own[own].map(|at| cells.bytes(row, at)).filter(|text| !text.is_empty());
        let name = names.get(input).map_or("", String::as_str);
        let (name, line) = match (earlier(0), earlier(1)) {
            (Some(name), Some(line)) => (name, line),
            _ => (name.as_bytes(), line.as_bytes()),
        };
        let texts = [name, line, noted.codes.as_bytes(), noted.fields.as_bytes(), noted.messages.as_bytes()];
        for text in texts {
            csv::write::cell(text, self.delimiter, rejects);
            rejects.push(self.delimiter);
        }
    }

    /// The row without columns of an earlier run. `cells` are its cells, if it may have such columns.
    fn row(&self, row: &[u8], cells: &mut Cells, out: &mut Vec<u8>) {
        if self.own.iter().all(Option::is_none) {
            return out.extend_from_slice(row);
        }
        cells.read(row, self.delimiter);
        let mut is_first = true;
        for i in (0..cells.len()).filter(|i| !self.own.contains(&Some(*i))) {
            if !std::mem::take(&mut is_first) {
                out.push(self.delimiter);
            }
            out.extend_from_slice(cells.raw(row, i));
        }
    }
}

/// Appends a rejected row as an object on a line, with the names of its columns and, with `origin`, with a note.
pub fn reject_as_json(
    row: &[u8],
    table: &Table,
    origin: Option<Origin<'_>>,
    findings: &[u8],
    cells: &mut Cells,
    rejects: &mut Vec<u8>,
) {
    if std::str::from_utf8(row).is_err() {
        // It goes as it came.
        lines::reject_lines(row, rejects);
        return;
    }
    cells.read(row, table.delimiter);
    let mut json = Vec::new();
    for i in 0..cells.len() {
        let text = cells.text(row, i);
        let name = table.header.get(i);
        if name.is_some_and(|name| OWN_COLUMNS.contains(&name.as_str())) || name.is_none() && text.is_empty() {
            continue;
        }
        json.push(b',');
        let is_repeated = |name: &String| table.header[..i].contains(name);
        match name {
            Some(name) if !is_repeated(name) => json_string(name, &mut json),
            Some(name) => json_string(&format!("{name} (column {})", i + 1), &mut json),
            None => json_string(&format!("(column {})", i + 1), &mut json),
        }
        json.push(b':');
        json_string(&text, &mut json);
    }
    close_object(&mut json, 0);
    match origin {
        Some(origin) => note::reject(&json, origin, findings, rejects),
        None => lines::reject(&json, true, rejects),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(delimiter: u8, header: &str) -> Table {
        let mut cells = Cells::default();
        cells.read(header.as_bytes(), delimiter);
        Table {
            delimiter,
            header: (0..cells.len()).map(|i| cells.text(header.as_bytes(), i)).collect(),
            header_row: header.into(),
            header_line: 1,
            title_rows: 0,
            has_separator_line: false,
            has_crlf: true,
            is_sheet: false,
        }
    }

    fn noted() -> Noted {
        Noted { codes: "EML001; PHN001".into(), fields: "E-Mail".into(), messages: "a; \"b\"".into() }
    }

    #[test]
    fn rows_keep_their_cells_and_their_first_origin() {
        let names = || Some(vec!["a;b.csv".to_owned()]);
        let rejects = TableRejects::new(&table(b';', "\"E-Mail\";Name"), names());
        let mut out = rejects.head();
        let mut cells = Cells::default();
        let row = b"  \"=1+1\" ;x \"y\";more";
        rejects.reject(row, 0, 9, &noted(), &mut cells, &mut out);
        let head = "presort_input;presort_line;presort_code;presort_field;presort_message;\"E-Mail\";Name\r\n";
        let first = "\"a;b.csv\";9;\"EML001; PHN001\";E-Mail;\"a; \"\"b\"\"\";  \"=1+1\" ;x \"y\";more\r\n";
        assert_eq!(String::from_utf8(out.clone()).unwrap(), format!("{head}{first}"));
        // Fed back in, and rejected again.
        let again = TableRejects::new(&table(b';', head.trim_end()), Some(vec!["rejects.csv".to_owned()]));
        let mut twice = again.head();
        again.reject(first.trim_end().as_bytes(), 0, 2, &noted(), &mut cells, &mut twice);
        assert_eq!(twice, out);
        // Bare rows have their own columns alone.
        let bare = TableRejects::new(&table(b';', head.trim_end()), None);
        let mut out = bare.head();
        bare.reject(first.trim_end().as_bytes(), 0, 2, &noted(), &mut cells, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"E-Mail\";Name\r\n  \"=1+1\" ;x \"y\";more\r\n");
    }

    #[test]
    fn rows_are_counted_in_what_was_written() {
        let rejects = TableRejects::new(&table(b';', "a;b"), None);
        for (text, rows) in [
            ("", 0),
            ("x;y\r\n", 1),
            (";\n;\n", 2),
            ("\"x\ny\";\"\n\"\n", 1),
            ("5\" x; \"a\"\"\nb\" c;d\n\"\";\"\"\"\"\n", 2),
            ("\"x\"y\n\"z\n", 1),
        ] {
            assert_eq!(rejects.count(text.as_bytes()), rows, "{text:?}");
        }
    }

    #[test]
    fn rows_as_objects() {
        let table = table(b',', "Email,Phone,Phone,presort_line");
        let mut out = Vec::new();
        let mut cells = Cells::default();
        reject_as_json(b"\"a\"\"b\",1,2,7,,x", &table, None, b"", &mut cells, &mut out);
        reject_as_json(b"a,\xff\n", &table, None, b"", &mut cells, &mut out);
        let expected =
            b"{\"Email\":\"a\\\"b\",\"Phone\":\"1\",\"Phone (column 3)\":\"2\",\"(column 6)\":\"x\"}\na,\xff \n";
        assert_eq!(out, expected);
    }
}
