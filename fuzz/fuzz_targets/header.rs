//! The form of a table from its first bytes: no panic, and what is found lies within them. A table is then cleaned: each contact that
//! comes out is JSON, from whatever rows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::csv::sniff::{HEADER_WITHIN, sniff};
use presort::csv::{Cells, RowSplitter};
use presort::mapping::is_identity;
use presort::model::position::Position;
use presort::{Cleaner, Contact, InputFormat};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let [how, bytes @ ..] = data else { return };
    let start = Position { offset: 0, line: 1, column: 1, contact: None };
    let is_whole = how & 1 == 1;
    let Ok(found) = sniff(bytes, is_whole, start, &is_identity) else { return };
    let table = &found.table;
    let end = usize::try_from(found.start.offset).expect("it is an offset of these bytes");
    assert!(bytes[..end].ends_with(&table.header_row));
    assert!(table.title_rows < HEADER_WITHIN && table.header_line <= found.start.line);
    assert!(table.header.iter().any(|name| is_identity(name)), "{:?}", table.header);
    assert!(!presort::csv::sniff::delimiter_name(table.delimiter).is_empty());
    let mut cells = Cells::default();
    cells.read(&table.header_row, table.delimiter);
    assert_eq!(cells.len(), table.header.len());

    // The rows begin behind the header, and never with a rest of it.
    let mut rows = Vec::new();
    let mut splitter = RowSplitter::new(table.delimiter, found.start.offset, found.start.line, 0);
    let _ = splitter.feed(&bytes[end..], &mut rows).and_then(|()| splitter.finish(&mut rows));
    let first = bytes.get(end);
    assert!(matches!(first, None | Some(b'\n' | b'\r')), "{first:?} behind the header");

    if is_whole && how & 2 == 2 {
        let cleaner = Cleaner::builder().format(InputFormat::Csv).build().expect("the settings are usual");
        for contact in cleaner.contacts(bytes).map_while(Result::ok) {
            if let Contact::Accepted { json, .. } = contact {
                assert!(serde_json::from_str::<Value>(&json).is_ok_and(|json| json.is_object()), "{json}");
            }
        }
    }
});
