//! **presort** gets large, messy contact exports into an email service without losing a contact. It validates and normalises each
//! contact, writes request bodies for the Constant Contact V3 endpoint `POST /activities/contacts_json_import`, and reports what
//! was wrong with each contact and value that it held back.
//!
//! ```
//! use presort::{Cleaner, Sink};
//!
//! fn main() -> Result<(), presort::Error> {
//!     // An array of contacts; a request body, one contact a line, or a table (CSV) work as well.
//!     let export = br#"[
//!         {"email": "joe@example.com", "home_phone": "(508) 123-1235", "anniversary": "7/4/2015"},
//!         {"email": "ann@example.com", "home_phone": "12345"},
//!         {"email": "nobody"}
//!     ]"#;
//!     let cleaner = Cleaner::builder().list_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a").build()?;
//!     let (mut body, mut findings, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
//!     let sink = Sink::body(&mut body).findings(&mut findings).rejects(&mut rejects).bare_rejects(true);
//!     let summary = cleaner.clean(&export[..], sink)?;
//!
//!     // Two contacts go out, one of them without its phone number.
//!     assert_eq!(
//!         String::from_utf8_lossy(&body),
//!         concat!(
//!             r#"{"list_ids":["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"],"import_data":["#,
//!             r#"{"email":"joe@example.com","home_phone":"508-123-1235","anniversary":"2015-07-04"},"#,
//!             r#"{"email":"ann@example.com"}]}"#
//!         )
//!     );
//!     let contacts = &summary.receipt.contacts;
//!     assert_eq!((contacts.accepted, contacts.accepted_with_held_back, contacts.rejected), (2, 1, 1));
//!     // Each finding is a line of JSON; each rejected contact is a line of its own.
//!     assert_eq!(findings.iter().filter(|byte| **byte == b'\n').count(), 2);
//!     assert_eq!(rejects, b"{\"email\": \"nobody\"}\n");
//!     Ok(())
//! }
//! ```
//!
//! # What to use
//!
//! | to | use |
//! | --- | --- |
//! | clean a reader | [`Cleaner::clean`] |
//! | clean files, mapped into memory | [`Cleaner::clean_files`] |
//! | look at each contact | [`Cleaner::contacts`] |
//! | say where the outputs go | [`Sink`] |
//! | see what a run did | [`Summary`], [`Receipt`] |
//! | read about a rule | [`rules::rule`] |
//!
//! ```
//! use presort::{Cleaner, Contact};
//!
//! let lines = b"{\"email\":\"joe@example.com\",\"zip\":2134}\n{\"email\":\"nobody\"}\n";
//! for contact in Cleaner::builder().build()?.contacts(&lines[..]) {
//!     match contact? {
//!         Contact::Accepted { json, .. } => println!("{json}"),
//!         Contact::Rejected { index, findings, .. } => eprintln!("contact {index}: {}", findings[0].message),
//!         _ => unreachable!("a contact is accepted or rejected"),
//!     }
//! }
//! # Ok::<(), presort::Error>(())
//! ```
//!
//! A table (CSV, TSV, and the like) is recognised by its header, and its columns become members of the contract by their names:
//!
//! ```
//! use presort::{Cleaner, Sink};
//!
//! let export = "E-Mail;First Name;Mobile Phone;Subscribed\n\
//!               ana@example.com;Ana;(617) 555-0101;yes\n\
//!               joe@example.com;\"Joe; B\";;no\n";
//! let (mut lines, mut rejects) = (Vec::new(), Vec::new());
//! let summary = Cleaner::builder().build()?.clean(export.as_bytes(), Sink::lines(&mut lines).rejects(&mut rejects))?;
//!
//! let expected = "{\"email\":\"ana@example.com\",\"first_name\":\"Ana\",\"mobile_phone\":\"617-555-0101\"}\n";
//! assert_eq!(String::from_utf8_lossy(&lines), expected);
//! // Who opted out is rejected. Rejects are a table as well, with the reason in front of each row.
//! let rejects = String::from_utf8_lossy(&rejects);
//! assert!(rejects.lines().nth(1).unwrap().ends_with(";joe@example.com;\"Joe; B\";;no"));
//! let input = &summary.receipt.input[0];
//! assert_eq!(input.table.as_ref().unwrap().delimiter, ";");
//! # Ok::<(), presort::Error>(())
//! ```
//!
//! # How the bytes flow
//!
//! ```text
//!   file -> mapped windows --+
//!                            +-> splitter -> batches of contacts -> parse, validate, write -> writer -> outputs
//!   pipe -> blocks ----------+   (reader)                                                     (in input order)
//!
//!   Every thread (rayon's workers and the calling one) takes a batch from the reader, cleans it, and writes what is ready.
//! ```
//!
//! Memory is bounded: a run holds a few batches per thread, whatever the size of the input, and up to 24 bytes per contact to find
//! duplicates.
//!
//! # Features
//!
//! | feature | default | what it adds | dependencies |
//! | --- | --- | --- | --- |
//! | `cli` | yes | the program `presort` | clap, indicatif, signal-hook, getrandom |
//! | `account` | yes | `presort::account`: an account in one SQLite file, and imports into it | rusqlite, uuid |
//! | `compression` | yes | input that is compressed with gzip or zstd | flate2, zstd |
//! | `spreadsheets` | yes | sheets of XLSX, XLSB, XLS and ODS files; implies `compression` and `tables` | calamine, quick-xml |
//! | `tables` | yes | a guess at the encoding of tables that are not UTF-8; tables themselves are always read | chardetng |
//! | `send` | yes | `presort::send`: bodies to the service, and what became of each contact | ureq, rustls, etcetera, getrandom |
//! | `serve` | yes | `presort::service`: the endpoint over HTTP; implies `account` | tokio, axum, hyper, tracing |
//!
//! A program that uses the library alone turns all of them off:
//!
//! ```toml
//! presort = { version = "0.1", default-features = false }
//! ```

#[cfg(feature = "account")]
pub mod account;
#[doc(hidden)]
pub mod clean;
#[cfg(feature = "cli")]
#[doc(hidden)]
// clap shows these comments as they are.
#[allow(rustdoc::bare_urls)]
pub mod cli;
#[doc(hidden)]
pub mod csv;
#[doc(hidden)]
pub mod document;
mod facade;
#[doc(hidden)]
pub mod json;
#[doc(hidden)]
pub mod mapping;
pub mod model;
#[doc(hidden)]
pub mod output;
pub mod rules;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod sample;
#[cfg(feature = "send")]
pub mod send;
#[cfg(feature = "serve")]
pub mod service;
#[doc(hidden)]
pub mod simd;
pub(crate) mod source;
#[doc(hidden)]
pub mod vcard;

#[cfg(feature = "tables")]
#[doc(inline)]
pub use crate::source::Guess;
#[doc(inline)]
pub use crate::{
    clean::causes::{Fix, FixExample},
    clean::owned::{FoundValue, NewValue, OwnedFinding},
    clean::profile::{DomainTypo, FieldStatistics, Segment, Statistics},
    document::envelope::SmsPermission,
    document::format::Shape,
    document::table::InputFormat,
    facade::{Cleaner, CleanerBuilder, Contact, Contacts, Sink},
    json::pointer::Pointer,
    mapping::{MapFile, MapOptions, Unmapped},
    model::error::{Error, Result},
    model::limits::Limits,
    output::body::Earlier,
    output::destination::Destination,
    output::receipt::{self, Receipt},
    rules::OptedOut,
    rules::custom::Fields as CustomFields,
    rules::date::{Date, DateOrder},
    rules::suppress::SuppressionList,
    rules::{BadField, Duplicates, PhoneFormat},
    run::job::Summary,
    run::reader::Progress,
    source::Encoding,
};
