//! Where the outputs of a run go.

use crate::model::error::{Error, Result};
use crate::output::body::{Earlier, is_ours};
use crate::output::destination::Destination;
use crate::output::part::Part;
use crate::output::path::{identity, is_stdout};
use crate::run::job::{Mode, Outputs};
use crate::run::reader::Progress;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the outputs of a run go: the cleaned contacts, and beside them findings, rejects, the ledger of changes and the receipt.
///
/// Each output goes to a [`Destination`]: a `&mut` writer, or a path.
///
/// ```
/// use presort::{Cleaner, Sink};
///
/// let (mut lines, mut rejects) = (Vec::new(), Vec::new());
/// let sink = Sink::lines(&mut lines).rejects(&mut rejects).bare_rejects(true);
/// Cleaner::builder().build()?.clean(&br#"[{"email":"a@example.com"},{"email":"x"}]"#[..], sink)?;
/// assert_eq!(lines, b"{\"email\":\"a@example.com\"}\n");
/// assert_eq!(rejects, b"{\"email\":\"x\"}\n");
/// # Ok::<(), presort::Error>(())
/// ```
#[must_use = "a sink does nothing before a cleaner writes to it"]
pub struct Sink<'o> {
    pub(super) mode: Mode,
    pub(super) outputs: Outputs<'o>,
    pub(super) bare_rejects: bool,
    pub(super) overwrite: bool,
    pub(super) earlier: Earlier,
    pub(super) part: Option<Part>,
    pub(super) progress: Option<&'o dyn Progress>,
    pub(super) statistics: bool,
    pub(super) reserved: Option<PathBuf>,
}

impl<'o> Sink<'o> {
    fn new(mode: Mode, contacts: Option<Destination<'o>>) -> Self {
        let outputs = Outputs { contacts, ..Outputs::default() };
        Sink {
            mode,
            outputs,
            bare_rejects: false,
            overwrite: false,
            earlier: Earlier::Refuse,
            part: None,
            progress: None,
            statistics: false,
            reserved: None,
        }
    }

    /// One request body. Contacts behind its limits are dropped, and the receipt says from where on. Nothing is written if no
    /// contact is accepted.
    pub fn body(body: impl Into<Destination<'o>>) -> Self {
        Sink::new(Mode::Request, Some(body.into()))
    }

    /// As many request bodies as the contacts need, as `payload-00001.json` and so on in a directory, and `receipt.json` beside
    /// them. The directory is created if necessary.
    ///
    /// ```
    /// # use presort::{Cleaner, Limits, Sink};
    /// # let temporary = tempfile::tempdir().unwrap();
    /// # let dir = temporary.path().join("bodies");
    /// let cleaner = Cleaner::builder()
    ///     .list_id("04fe9a97-a579-43c5-bb1a-58ed29bf0a6a")
    ///     .limits(Limits { max_bytes: 1_000_000, max_contacts: 1 })
    ///     .build()?;
    /// let lines = b"{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n";
    /// let summary = cleaner.clean(&lines[..], Sink::bodies(&dir))?;
    /// assert_eq!(summary.receipt.payloads.len(), 2);
    /// assert!(dir.join("payload-00002.json").exists() && dir.join("receipt.json").exists());
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn bodies(dir: impl Into<PathBuf>) -> Self {
        Sink::new(Mode::Split(dir.into()), None)
    }

    /// One cleaned contact a line (NDJSON).
    pub fn lines(lines: impl Into<Destination<'o>>) -> Self {
        Sink::new(Mode::Stream, Some(lines.into()))
    }

    /// The contacts are checked, as a body that they go to would require, and not written.
    ///
    /// ```
    /// # use presort::{Cleaner, Sink};
    /// let mut findings = Vec::new();
    /// let sink = Sink::nothing().findings(&mut findings);
    /// let summary = Cleaner::builder().build()?.clean(&br#"[{"email":"x"}]"#[..], sink)?;
    /// assert!(!summary.is_clean());
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn nothing() -> Self {
        Sink::new(Mode::Check, None)
    }

    /// Errors and warnings, one JSON object a line.
    pub fn findings(mut self, findings: impl Into<Destination<'o>>) -> Self {
        self.outputs.report = Some(findings.into());
        self
    }

    /// Rejected contacts as they were, one a line. The last member of each, `presort`, says where it came from and why it was
    /// rejected; a run that reads it again leaves that member out.
    pub fn rejects(mut self, rejects: impl Into<Destination<'o>>) -> Self {
        self.outputs.rejects = Some(rejects.into());
        self
    }

    /// Whether rejected contacts are written without the member `presort`. Default: false.
    pub fn bare_rejects(mut self, bare: bool) -> Self {
        self.bare_rejects = bare;
        self
    }

    /// Changes of values, one JSON object a line.
    ///
    /// ```
    /// # use presort::{Cleaner, Sink};
    /// let mut ledger = Vec::new();
    /// let sink = Sink::nothing().ledger(&mut ledger);
    /// Cleaner::builder().build()?.clean(&br#"[{"email":"a@example.com","phone":"508 123 1235"}]"#[..], sink)?;
    /// assert!(String::from_utf8_lossy(&ledger).contains(r#""to":"508-123-1235""#));
    /// # Ok::<(), presort::Error>(())
    /// ```
    pub fn ledger(mut self, ledger: impl Into<Destination<'o>>) -> Self {
        self.outputs.changes = Some(ledger.into());
        self
    }

    /// The receipt, as JSON. It is the last output that is written.
    pub fn receipt(mut self, receipt: impl Into<Destination<'o>>) -> Self {
        self.outputs.receipt = Some(receipt.into());
        self
    }

    /// Overwrite files that exist. Default: an existing file is an error. Bodies in a directory are never overwritten; see
    /// [`Sink::earlier`].
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// What to do about bodies of an earlier run in the directory of [`Sink::bodies`]. Default: [`Earlier::Refuse`].
    pub fn earlier(mut self, earlier: Earlier) -> Self {
        self.earlier = earlier;
        self
    }

    /// The run does one part of a larger job. Its input may be empty, rejects beside lines are JSON, and bodies have the id of the part in their
    /// names, `payload-ID-00001.json`, as their receipt has, `receipt-ID.json`. Files that the part wrote before are replaced, and runs of
    /// other parts may write to the same directory.
    #[cfg(feature = "cli")]
    pub(crate) fn part(mut self, part: Part) -> Self {
        self.part = Some(part);
        self.earlier = Earlier::Replace;
        self.overwrite = true;
        self
    }

    /// Whether the run gathers statistics: [`Summary::statistics`](crate::Summary::statistics), the first findings of each code, and
    /// examples of fixes. Default: false. They cost up to half of the run's time.
    pub fn statistics(mut self, statistics: bool) -> Self {
        self.statistics = statistics;
        self
    }

    /// A file that the caller writes, and that is none of the others.
    #[cfg(feature = "cli")]
    pub(crate) fn reserve(mut self, path: impl Into<PathBuf>) -> Self {
        self.reserved = Some(path.into());
        self
    }

    /// Observes the run, and can end it.
    pub fn progress(mut self, progress: &'o dyn Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// The paths of its files, spelled as [`identity`] does; of bodies, their directory.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let Outputs { contacts, report, changes, rejects, receipt } = &self.outputs;
        let files = [contacts, report, changes, rejects, receipt].into_iter().flatten().filter_map(Destination::path);
        let directory = match &self.mode {
            Mode::Split(dir) => Some(dir.as_path()),
            _ => None,
        };
        files.chain(directory).chain(self.reserved.as_deref()).filter_map(identity).collect()
    }

    /// Fails if two outputs are one file, or if an output beside the main one is an input: one would destroy the other.
    pub(crate) fn refuse_clashes(&self, inputs: &[PathBuf]) -> Result<()> {
        let Outputs { contacts, report, changes, rejects, receipt } = &self.outputs;
        let main = match &self.mode {
            Mode::Split(dir) => Some(dir.as_path()),
            _ => contacts.as_ref().and_then(Destination::path),
        };
        let beside = [report, changes, rejects, receipt].map(|output| output.as_ref().and_then(Destination::path));
        let reserved = [self.reserved.as_deref()];
        let outputs: Vec<&Path> = [main].into_iter().chain(beside).chain(reserved).flatten().collect();
        if outputs.iter().filter(|path| is_stdout(path)).count() > 1 {
            return Err(Error::usage("two outputs go to standard output: give each its own file"));
        }
        let inputs: Vec<PathBuf> = inputs.iter().filter_map(|path| identity(path)).collect();
        if let (Mode::Split(dir), Earlier::Replace) = (&self.mode, self.earlier)
            && let Some(dir) = identity(dir)
            && let Some(input) = inputs.iter().find(|input| input.parent() == Some(&dir))
            && input.file_name().and_then(|name| name.to_str()).is_some_and(is_ours)
        {
            let name = input.display();
            return Err(Error::usage(format!(
                "{name} is an input, and --replace would remove it: name another directory"
            )));
        }
        if let Mode::Split(dir) = &self.mode
            && identity(dir).is_some_and(|dir| inputs.contains(&dir))
        {
            let name = dir.display();
            return Err(Error::usage(format!(
                "{name} is an input, and would get the bodies: name another directory with --output"
            )));
        }
        let mut taken: Vec<PathBuf> = Vec::new();
        for (i, path) in outputs.into_iter().enumerate() {
            let Some(identity) = identity(path) else { continue };
            let name = path.display();
            if taken.contains(&identity) {
                return Err(Error::usage(format!("two outputs go to {name}: give each its own file")));
            }
            let in_bodies =
                matches!(self.mode, Mode::Split(_)) && taken.first().is_some_and(|dir| identity.parent() == Some(dir));
            if in_bodies && identity.file_name().and_then(|name| name.to_str()).is_some_and(is_ours) {
                return Err(Error::usage(format!("{name} is the path of a body or its receipt: give another name")));
            }
            if (i > 0 || main.is_none()) && inputs.contains(&identity) {
                return Err(Error::usage(format!("{name} is an input: write to another file")));
            }
            taken.push(identity);
        }
        Ok(())
    }
}

impl fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("mode", &self.mode)
            .field("outputs", &self.outputs)
            .field("overwrite", &self.overwrite)
            .field("earlier", &self.earlier)
            .finish_non_exhaustive()
    }
}
