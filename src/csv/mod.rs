//! Tables of delimited text: CSV, TSV, and files with `;` or `|` between cells, as RFC 4180 has them and as they occur.
//!
//! | file | what it does |
//! | --- | --- |
//! | `split.rs` | bytes to rows, by masks of 64 bytes, in blocks of any size |
//! | `cells.rs` | a row to cells |
//! | `sniff.rs` | the dialect and the header of a table, from its first bytes |
//! | `sheet.rs` | the same for rows of a spreadsheet, whose lines are the rows of the sheet |
//! | `write.rs` | cells to text |
//!
//! A cell is quoted if its first character, spaces aside, is a quote; a quote anywhere else is text. Within a quoted cell, two quotes
//! are one. A row ends with a line feed, a carriage return, or both, outside quotes. A row without any value is a blank line,
//! and is not counted.

pub mod cells;
pub mod sheet;
pub mod sniff;
pub mod split;
pub mod write;

pub use cells::{Cells, Piece};
pub use sheet::SheetSplitter;
pub use sniff::{NoTable, Sniffed, Table};
pub use split::RowSplitter;
