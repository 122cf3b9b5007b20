//! The cleaner: one path from inputs to outputs, for the library and the command line.

use super::builder::CleanerBuilder;
use super::contacts::Contacts;
use super::sink::Sink;
use crate::document::ReadOptions;
use crate::model::error::{Error, Result};
use crate::rules::Settings;
use crate::rules::date::Date;
use crate::run::inputs::{Inputs, expand};
use crate::run::job::{Job, Mode, Summary, run_files, run_reader};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Name of a reader in errors and receipts.
pub(super) const READER: &str = "the input";

/// Validates and normalises contacts. Cheap to clone; one cleaner can do any number of runs, on several threads at once.
///
/// ```
/// use presort::{Cleaner, Sink};
///
/// let export = br#"[{"email":"JOE@Example.com ","home_phone":"(508) 123-1235"},{"email":"nobody"}]"#;
/// let cleaner = Cleaner::builder().list_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a").build()?;
/// let (mut body, mut findings) = (Vec::new(), Vec::new());
/// let summary = cleaner.clean(&export[..], Sink::body(&mut body).findings(&mut findings))?;
/// assert_eq!((summary.receipt.contacts.accepted, summary.receipt.contacts.rejected), (1, 1));
/// assert!(String::from_utf8_lossy(&body).contains(r#""home_phone":"508-123-1235""#));
///
/// // A table of another system needs no option.
/// let summary = cleaner.clean(&b"Email Address,Home Phone\njoe@example.com,(508) 123-1235\n"[..], Sink::nothing())?;
/// assert_eq!(summary.receipt.contacts.accepted, 1);
/// # Ok::<(), presort::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cleaner {
    pub(super) options: CleanerBuilder,
}

impl Cleaner {
    /// A builder with the default settings.
    pub fn builder() -> CleanerBuilder {
        CleanerBuilder::default()
    }

    /// Cleans everything that `reader` gives: a request body, an array, lines of JSON, objects one after the other, or a table of
    /// delimited text (CSV) with a header. [`CleanerBuilder::format`] names one of them, and tables have their columns mapped.
    ///
    /// The reader may borrow. It is read in blocks of 256 KiB, so it needs no buffer of its own. For files, prefer
    /// [`Cleaner::clean_files`], which maps them into memory.
    ///
    /// # Errors
    /// The input cannot be read or holds no contacts, the envelope breaks a rule, or an output cannot be written. JSON that is
    /// broken behind the first contact, or a quote of a table that is never closed, is no error but [`Summary::stop`], because everything before it is written;
    /// [`Summary::into_result`] makes it one.
    ///
    /// ```
    /// # use presort::{Cleaner, Sink};
    /// let cleaner = Cleaner::builder().build()?;
    /// let broken = br#"[{"email":"a@example.com"}, oops"#;
    /// let mut lines = Vec::new();
    /// let summary = cleaner.clean(&broken[..], Sink::lines(&mut lines))?;
    /// assert_eq!(lines, b"{\"email\":\"a@example.com\"}\n");
    /// let error = summary.into_result().unwrap_err();
    /// assert_eq!(error.position().unwrap().offset, 28);
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn clean<'a>(&self, reader: impl Read + Send + 'a, sink: Sink<'a>) -> Result<Summary> {
        sink.refuse_clashes(&[])?;
        let job = self.job(vec![READER.into()], &sink);
        let summary = run_reader(&job, Box::new(reader), sink.outputs);
        self.redacted(summary)
    }

    /// Cleans files, one after the other as one run; the path `-` is standard input. Regular files are mapped into memory.
    ///
    /// [`Sink::body`] takes one file, the other sinks any number. A directory stands for the files in it that have a readable format, in
    /// the order of their names; [`Receipt::skipped`](crate::Receipt::skipped) names the others. Hidden files are left out.
    ///
    /// # Errors
    /// As [`Cleaner::clean`]. Also: there is no path, a path names an input and an output, or two outputs are one file.
    ///
    /// ```
    /// # use presort::{Cleaner, Sink};
    /// # std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    /// let cleaner = Cleaner::builder().build()?;
    /// let summary = cleaner.clean_files(&["testdata/sample.json"], Sink::nothing())?;
    /// println!("{} contacts are good", summary.receipt.contacts.accepted);
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn clean_files<'a>(&self, paths: &[impl AsRef<Path>], sink: Sink<'a>) -> Result<Summary> {
        let inputs: Vec<PathBuf> = paths.iter().map(|path| path.as_ref().to_path_buf()).collect();
        sink.refuse_clashes(&inputs)?;
        let paths_of_stdin = inputs.iter().filter(|input| input.as_os_str() == "-").count();
        let Inputs { files: inputs, skipped } = expand(&inputs, &sink.files(), &self.options.reading)?;
        if inputs.is_empty() {
            return Err(Error::usage("there is no input: name one file or more"));
        }
        if sink.mode == Mode::Request && inputs.len() > 1 {
            return Err(Error::usage("one request body has one input: write bodies or lines for several"));
        }
        if paths_of_stdin > 1 {
            return Err(Error::usage("standard input can be read only once: name - once"));
        }
        let job = Job { inputs, skipped, ..self.job(Vec::new(), &sink) };
        let summary = run_files(&job, sink.outputs);
        self.redacted(summary)
    }

    /// The contacts of `reader` one by one, in input order: each as it would be written, or as it was with the reason why not.
    ///
    /// The iterator reads and cleans a batch at a time in the calling thread. It ends behind the first error.
    ///
    /// ```
    /// use presort::{Cleaner, Contact};
    ///
    /// let lines = b"{\"email\":\"A@example.com\"}\n{\"email\":\"nobody\"}\n";
    /// let cleaner = Cleaner::builder().build()?;
    /// for contact in cleaner.contacts(&lines[..]) {
    ///     match contact? {
    ///         Contact::Accepted { json, .. } => println!("{json}"),
    ///         Contact::Rejected { line, findings, .. } => println!("line {line}: {}", findings[0].message),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), presort::Error>(())
    /// ```
    #[must_use = "an iterator does nothing unless it is consumed"]
    pub fn contacts<'a>(&self, reader: impl Read + Send + 'a) -> Contacts<'a> {
        let options = &self.options;
        Contacts::new(
            self.settings(),
            options.overrides.clone(),
            self.reading(),
            options.mapping.clone(),
            Box::new(reader),
        )
    }

    fn reading(&self) -> ReadOptions {
        ReadOptions { identity_names: self.options.mapping.identity_names(), ..self.options.reading.clone() }
    }

    fn settings(&self) -> Settings {
        let as_of = self.options.as_of.unwrap_or_else(Date::today);
        Settings { as_of, ..self.options.settings.clone() }
    }

    fn job<'a>(&self, inputs: Vec<PathBuf>, sink: &Sink<'a>) -> Job<'a> {
        let options = &self.options;
        Job {
            limits: options.limits,
            settings: self.settings(),
            asked: options.overrides.clone(),
            reading: self.reading(),
            mapping: options.mapping.clone(),
            bare_rejects: sink.bare_rejects,
            force: sink.overwrite,
            earlier: sink.earlier,
            part: sink.part.clone(),
            threads: options.threads.unwrap_or(1),
            redact: options.redact.clone(),
            progress: sink.progress,
            statistics: sink.statistics,
            ..Job::new(inputs, sink.mode.clone(), PathBuf::new())
        }
    }

    /// An error has no value of the input either, if reports have none.
    fn redacted(&self, summary: Result<Summary>) -> Result<Summary> {
        summary.map_err(|error| if self.options.redact.is_some() { error.without_value() } else { error })
    }
}
