//! JSON: strict syntax, bytes to contact spans, spans to members, pointers, and writing strings. No I/O.

pub mod parse;
pub mod pointer;
pub mod split;
pub mod syntax;
pub mod write;
