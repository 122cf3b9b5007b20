//! Rows of a table are the same whatever the size of the blocks that the splitter is fed, with every backend, and their cells are
//! those that the csv crate reads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::csv::{Cells, RowSplitter};
use presort::json::split::{Span, SplitError};
use presort::simd::Choice;

/// The rows, where the next would begin, and the quote that is not closed.
type Found = (Vec<Span>, (u64, u64), Option<SplitError>);

fn split(bytes: &[u8], delimiter: u8, sizes: [usize; 2], choice: Choice) -> Found {
    let mut splitter = RowSplitter::with_backend(delimiter, 0, 1, 0, choice);
    let (mut spans, mut rest, mut turn) = (Vec::new(), bytes, 0);
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(sizes[turn % 2].min(rest.len()));
        splitter.feed(block, &mut spans).expect("a cell is longer than an input may be");
        (rest, turn) = (behind, turn + 1);
    }
    assert_eq!(splitter.offset(), bytes.len() as u64);
    let line = splitter.line();
    let error = splitter.finish(&mut spans).err();
    assert_eq!(splitter.spans(), spans.len() as u64);
    (spans, line, error)
}

fn is_break(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b'\n' || bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n')
}

/// The rows as the csv crate reads them, without those that have no value.
fn reference(bytes: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let rows = reader.byte_records().map(|row| row.expect("bytes are read").iter().map(<[u8]>::to_vec).collect());
    let has_value = |row: &Vec<Vec<u8>>| row.iter().flatten().any(|byte| !b" \"\r\n".contains(byte));
    rows.filter(has_value).collect()
}

fuzz_target!(|data: &[u8]| {
    let [how, first, second, bytes @ ..] = data else { return };
    let delimiter = b",;\t|"[usize::from(how % 4)];
    let expected = split(bytes, delimiter, [bytes.len().max(1); 2], Choice::Scalar);
    let sizes = [*first, *second].map(|size| usize::from(size) + 1);
    for choice in Choice::available() {
        for sizes in [sizes, [1; 2], [63, 65], [64; 2], [1 << 16; 2]] {
            assert_eq!(split(bytes, delimiter, sizes, choice), expected, "{choice:?} {sizes:?}");
        }
    }

    let (spans, _, error) = expected;
    let (mut end, mut cells, mut rows) = (0, Cells::default(), Vec::new());
    for span in &spans {
        let [from, to] = [span.start, span.end].map(|at| at as usize);
        assert!(end <= from && from < to && to <= bytes.len());
        assert_eq!(span.line, 1 + (0..from).filter(|at| is_break(bytes, *at)).count() as u64);
        let row = &bytes[from..to];
        cells.read(row, delimiter);
        // What a cell is in the row, joined again, is the row.
        let raw: Vec<&[u8]> = (0..cells.len()).map(|i| cells.raw(row, i)).collect();
        assert_eq!(raw.join(&delimiter), row);
        rows.push((0..cells.len()).map(|i| cells.bytes(row, i).to_vec()).collect::<Vec<_>>());
        end = to;
    }
    // To the csv crate, spaces around quotes are text, and a byte-order mark is nothing.
    let is_other = bytes.windows(2).any(|pair| pair == b" \"" || pair == b"\" ") || bytes.starts_with(b"\xef\xbb\xbf");
    if is_other {
        return;
    }
    let mut reference = reference(bytes, delimiter);
    if error.is_some() {
        // What is behind an open quote is one cell there.
        reference.truncate(rows.len());
    }
    assert_eq!(rows, reference);
});
