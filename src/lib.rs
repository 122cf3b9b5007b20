//! **presort** gets large, messy contact exports into an email service without losing anybody: it validates and normalises
//! every contact, writes request bodies that the Constant Contact V3 endpoint `POST /activities/contacts_json_import` takes, and
//! says what was wrong with every contact and value it held back.
//!
//! # How the bytes flow
//!
//! ```text
//!   file -> mapped windows --+
//!                            +-> splitter -> batches of contacts -> parse, judge, write -> writer -> files
//!   pipe -> blocks ----------+   (reader)                                                   (in their order)
//!
//!   Every thread (rayon's workers and the calling one) takes a batch from the reader, cleans it, and writes what is ready.
//! ```
//!
//! The modules, in the order of that flow; each uses only those above it:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`model`] | what everything speaks of: positions, members, findings, errors |
//! | [`simd`] | 64 bytes to bit masks, by the best instructions the processor has |
//! | [`json`] | strict syntax; bytes to contact spans and spans to members, without I/O; text as JSON |
//! | [`rules`] | the registry of codes, one file a family |
//! | [`clean`] | a batch of contacts, cleaned: the fast path, the rules, findings to lines |
//! | [`source`] | where bytes come from |
//! | [`document`] | what an input is: its format, its envelope, where its contacts begin |
//! | [`output`] | files placed whole, bodies and their hashes, the receipt |
//! | [`run`] | a run; the only place with threads and channels |
//! | [`sample`] | made-up exports to try things on |
#![cfg_attr(feature = "account", doc = "| [`account`] | an account in one file, and imports into it |")]
#![cfg_attr(feature = "serve", doc = "| [`service`] | the endpoint over HTTP |")]
#![cfg_attr(feature = "cli", doc = "| [`cli`] | the command line |")]

#[cfg(feature = "account")]
pub mod account;
pub mod clean;
#[cfg(feature = "cli")]
pub mod cli;
pub mod document;
pub mod json;
pub mod model;
pub mod output;
pub mod rules;
pub mod run;
pub mod sample;
#[cfg(feature = "serve")]
pub mod service;
pub mod simd;
pub mod source;
