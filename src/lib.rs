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
//! | [`printable`], [`position`], [`error`], [`finding`] | text from outside made fit for a terminal; where something is; what stops a run; what is wrong with a contact |
//! | [`scan`] | 64 bytes to bit masks, by the best instructions the processor has |
//! | [`syntax`] | strict JSON: what is wrong, and at which byte |
//! | [`split`] | bytes to contact spans, without I/O, at any block size |
//! | [`contact`] | the members of the contract |
//! | [`identity`] | who a contact is, as a hash that is keyed for each run |
//! | [`parse`] | spans to members |
//! | [`rules`] | the registry of codes, one file a family |
//! | [`judge`] | the rules applied to one contact |
//! | [`canonical`] | contacts and members to which no rule has anything to say, told without parsing |
//! | [`report`], [`clean`] | findings to lines; a batch of contacts, cleaned |
//! | [`input`], [`envelope`], [`document`] | where bytes come from; what stands around the contacts |
//! | [`output`], [`hash`], [`payload`], [`duplicates`], [`receipt`], [`writer`] | where cleaned bytes go, and that they add up |
//! | [`reader`] | inputs to batches of contacts |
//! | [`pipeline`] | a run; the only place with threads and channels |
//! | [`sample`] | made-up exports to try things on |
#![cfg_attr(feature = "account", doc = "| [`account`] | an account in one file, and imports into it |")]
#![cfg_attr(feature = "serve", doc = "| [`service`] | the endpoint over HTTP |")]
#![cfg_attr(feature = "cli", doc = "| [`cli`] | the command line |")]

#[cfg(feature = "account")]
pub mod account;
pub mod batch;
pub mod canonical;
pub mod clean;
#[cfg(feature = "cli")]
pub mod cli;
pub mod contact;
pub mod document;
pub mod duplicates;
pub mod envelope;
pub mod error;
pub mod fault;
pub mod finding;
pub mod hash;
pub mod identity;
pub mod input;
pub mod json_text;
pub mod judge;
pub mod limits;
pub mod output;
pub mod parse;
pub mod payload;
pub mod pipeline;
pub mod position;
pub mod printable;
pub mod reader;
pub mod receipt;
pub mod report;
pub mod rules;
pub mod sample;
pub mod scan;
#[cfg(feature = "serve")]
pub mod service;
pub mod split;
pub mod syntax;
pub mod writer;
