//! Cells to text.

/// Appends a cell. It is in quotes where it has to be.
pub fn cell(text: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    let is_special = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    let has_edge = text.first() == Some(&b' ') || text.last() == Some(&b' ');
    if !has_edge && !text.iter().any(is_special) {
        return out.extend_from_slice(text);
    }
    quoted(text, out);
}

/// Appends a cell in quotes.
pub fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::cells::Cells;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(texts in prop::collection::vec("[ab,;\" \r\n\té]{0,6}", 1..6), delimiter in prop::sample::select(b",;\t|".to_vec())) {
            let mut row = Vec::new();
            for (i, text) in texts.iter().enumerate() {
                if i > 0 {
                    row.push(delimiter);
                }
                cell(text.as_bytes(), delimiter, &mut row);
            }
            let mut cells = Cells::default();
            cells.read(&row, delimiter);
            let read: Vec<String> = (0..cells.len()).map(|i| cells.text(&row, i)).collect();
            prop_assert_eq!(read, texts);
        }
    }
}
