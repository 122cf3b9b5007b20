//! vCards, of versions 2.1, 3.0 and 4.0, as address books and phones write them.
//!
//! | file | what it does |
//! | --- | --- |
//! | `split.rs` | bytes to cards, in blocks of any size |
//! | `read.rs` | a card to a JSON object with stable names: `EMAIL`, `TEL;HOME`, `ADR;WORK;CITY` |
//! | `lines.rs` | the lines of a card: folds, soft line breaks, parameters |
//! | `text.rs` | values to text: quoted-printable, base64, character sets, escapes |
//!
//! A card is read as the JSON object that it would be in an export of JSON: what maps names, checks values and writes rejects
//! needs nothing else.

mod lines;
mod read;
pub mod split;
mod text;

pub use read::{CardReader, NotText};
pub use split::CardSplitter;
