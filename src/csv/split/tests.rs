use super::*;
use crate::csv::cells::Cells;
use proptest::prelude::*;

/// The rows, each with its line, and the offset of a quote that is not closed.
fn split(bytes: &[u8], delimiter: u8, chunk: usize, choice: Choice) -> (Vec<Span>, Option<SplitError>) {
    let mut splitter = RowSplitter::with_backend(delimiter, 0, 1, 0, choice);
    let mut spans = Vec::new();
    for block in bytes.chunks(chunk.max(1)) {
        if let Err(error) = splitter.feed(block, &mut spans) {
            return (spans, Some(error));
        }
    }
    let error = splitter.finish(&mut spans).err();
    assert_eq!(splitter.spans(), spans.len() as u64);
    (spans, error)
}

/// The same by the rules alone.
fn by_bytes(bytes: &[u8], delimiter: u8) -> (Vec<Span>, Option<SplitError>) {
    let mut splitter = RowSplitter::new(delimiter, 0, 1, 0);
    let mut spans = Vec::new();
    if let Err(error) = splitter.step_by_bytes(bytes, &mut spans) {
        return (spans, Some(error));
    }
    let error = splitter.finish(&mut spans).err();
    (spans, error)
}

/// The rows as the csv crate reads them, without those that have no value.
fn reference(bytes: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let rows = reader.byte_records().map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
    let has_value = |row: &Vec<Vec<u8>>| row.iter().flatten().any(|byte| !matches!(byte, b' ' | b'"' | b'\n' | b'\r'));
    rows.filter(has_value).collect()
}

fn rows(bytes: &[u8], spans: &[Span], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut cells = Cells::default();
    let row = |span: &Span| {
        let row = &bytes[span.start as usize..span.end as usize];
        cells.read(row, delimiter);
        (0..cells.len()).map(|i| cells.bytes(row, i).to_vec()).collect()
    };
    spans.iter().map(row).collect()
}

/// Bytes of tables, well formed or not.
fn table(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let few = prop::collection::vec(prop::sample::select(alphabet.to_vec()), 0..200);
    let run = (prop::sample::select(b"a,\" \n".to_vec()), 1..150usize).prop_map(|(byte, count)| vec![byte; count]);
    let cells = prop_oneof![
        Just(b"abc".to_vec()),
        Just(b"\"x,\ny\"\"z\"".to_vec()),
        Just(b",".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\"\"".to_vec()),
        run,
    ];
    let good = prop::collection::vec(cells, 0..60).prop_map(|parts| parts.concat());
    let keep = move |bytes: Vec<u8>| bytes.into_iter().filter(|byte| alphabet.contains(byte)).collect();
    prop_oneof![few, good].prop_map(keep)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// With spaces, which the csv crate takes for text in front of quotes: against the rules alone.
    #[test]
    fn every_backend_and_every_chunk_gives_the_same_rows(bytes in table(b"ab,\" \n\r;\xe9"), chunk in 1..200usize) {
        let expected = by_bytes(&bytes, b',');
        for choice in Choice::available() {
            for chunk in [chunk, 1, 64, usize::MAX] {
                prop_assert_eq!(&split(&bytes, b',', chunk, choice), &expected, "{:?} {}", choice, chunk);
            }
        }
    }

    #[test]
    fn rows_are_those_of_the_csv_crate(bytes in table(b"ab,\"\n\r;\t\xe9"), delimiter in prop::sample::select(b",;\t".to_vec())) {
        let (spans, error) = split(&bytes, delimiter, usize::MAX, Choice::best());
        let (rows, mut expected) = (rows(&bytes, &spans, delimiter), reference(&bytes, delimiter));
        if error.is_some() {
            // What is behind an open quote is one cell there.
            expected.truncate(rows.len());
        }
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn lines_are_physical_ones(bytes in table(b"ab,\"\n\r")) {
        let (spans, _) = split(&bytes, b',', 7, Choice::best());
        for span in spans {
            let before = &bytes[..span.start as usize];
            let breaks = before.iter().enumerate().filter(|(i, byte)| {
                **byte == b'\n' || (**byte == b'\r' && bytes.get(i + 1) != Some(&b'\n'))
            });
            prop_assert_eq!(span.line, 1 + breaks.count() as u64);
        }
    }
}

#[test]
fn rows_without_a_value_are_blank_lines() {
    let text = b"\n\na,b\n,,\n  , \n\"\",\"\"\r\n\r\nc\r\r\n";
    let (spans, error) = split(text, b',', 5, Choice::best());
    let found: Vec<(&[u8], u64)> =
        spans.iter().map(|span| (&text[span.start as usize..span.end as usize], span.line)).collect();
    assert_eq!((found, error), (vec![(&b"a,b"[..], 3), (&b"c"[..], 8)], None));
}

#[test]
fn a_quote_that_nobody_closes() {
    let text = b"a,b\nc,\"d\ne,f\n";
    let (spans, error) = split(text, b',', 3, Choice::best());
    assert_eq!(spans.len(), 1);
    assert_eq!(error, Some(SplitError { at: 6, line: 2, fault: Fault::OpenQuote }));
}

#[test]
fn a_quoted_cell_has_a_limit_that_does_not_depend_on_chunks() {
    for more in 0..70 {
        for len in [QUOTED_MAX as usize - 1, QUOTED_MAX as usize, QUOTED_MAX as usize + 1] {
            let text = [&vec![b'x'; more][..], b"\ny,\"\"\"", &vec![b'z'; len - 2], b"\"\nend\n"].concat();
            let expected = by_bytes(&text, b',');
            assert_eq!(expected.1.is_some(), len >= QUOTED_MAX as usize, "{len}");
            if more % 23 == 0 {
                for chunk in [usize::MAX, 64 << 10, 1000] {
                    assert_eq!(split(&text, b',', chunk, Choice::best()), expected, "{more} {len} {chunk}");
                }
            }
        }
    }
}
