//! Cleaned contacts to request bodies within both limits.
//!
//! Long because a fifth of it is unit tests, and a directory of bodies is one subject.

use crate::clean::cleaner::Accepted;
use crate::document::envelope::Envelope;
use crate::model::error::{Error, Kind, Result};
use crate::model::limits::Limits;
use crate::output::file::{Finished, Output, Piece};
use crate::output::hash::{Digest, Hash};
use crate::output::origins::{self, Origin, Place};
use crate::output::part::{Part, PartLock, body_name, id_of_receipt, is_body, number_of, receipt_name};
use crate::output::receipt::Payload;
use crate::output::temporary;
use crate::source::Watch;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A hash, as receipts write it.
#[must_use]
pub fn hexadecimal(digest: Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The end of a body.
#[derive(Debug)]
pub enum Ended {
    /// It was written.
    Body(Payload),
    /// It would have no contact, so it was not written.
    Nothing {
        /// A file of the same name was removed.
        removed: bool,
    },
}

/// One body, being written.
pub struct Body<'o> {
    output: Output<'o>,
    file: String,
    limits: Limits,
    /// `None` if the body is kept in memory, to be hashed when it is complete.
    hash: Option<Hash>,
    /// The body up to its first contact: it is written with that contact.
    prefix: Vec<u8>,
    bytes: u64,
    contacts: u64,
    /// Where the contacts came from.
    from: Vec<Origin>,
}

impl<'o> Body<'o> {
    /// Begins a body. Nothing is written before its first contact.
    #[must_use]
    pub fn begin(output: Output<'o>, file: String, limits: Limits, prefix: &[u8]) -> Self {
        let prefix = prefix.to_vec();
        let bytes = prefix.len() as u64;
        Body { output, file, limits, hash: Some(Hash::default()), bytes, prefix, contacts: 0, from: Vec::new() }
    }

    /// The same for a body that is kept in memory: [`Body::end_kept`] ends it.
    fn begin_kept(mut output: Output<'o>, file: String, limits: Limits, prefix: &[u8]) -> Self {
        output.keep();
        Body { hash: None, ..Body::begin(output, file, limits, prefix) }
    }

    /// Writes bytes around the contacts.
    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.output.write(bytes)
    }

    /// Contacts so far.
    #[must_use]
    pub fn contacts(&self) -> u64 {
        self.contacts
    }

    /// Takes as many of `accepted` as fit, and says how many. Each lies in `out` behind a comma, from where the one before
    /// ends (the first: from `start`) to its own end. When that takes the last of `out`, another buffer replaces it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn take(&mut self, out: &mut Vec<u8>, start: usize, accepted: &[Accepted], place: &Place<'_>) -> Result<usize> {
        let first = usize::from(self.contacts == 0);
        // The comma of a body's first contact is not written.
        let have = self.bytes + Envelope::SUFFIX.len() as u64;
        let fits = |a: &Accepted| have + u64::from(a.end) - ((start + first) as u64) < self.limits.max_bytes;
        let room = (self.limits.max_contacts - self.contacts).min(accepted.len() as u64) as usize;
        let taken = accepted[..room].partition_point(fits);
        if let Some(last) = accepted[..taken].last() {
            if self.contacts == 0 {
                let prefix = std::mem::take(&mut self.prefix);
                self.add(&prefix)?;
            }
            let (start, end) = (start + first, last.end as usize);
            if let Some(hash) = &mut self.hash {
                hash.update(&out[start..end]);
            }
            self.bytes += (end - start) as u64;
            self.contacts += taken as u64;
            origins::add(&mut self.from, place, &accepted[..taken]);
            self.output.give_up_to(out, start, end)?;
        }
        Ok(taken)
    }

    /// Ends the body and renames its file to the final name. A body without a contact is not written: then, with `remove_older`, a
    /// file that it would have overwritten is removed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(self, remove_older: bool) -> Result<Ended> {
        if self.contacts == 0 {
            return Ok(Ended::Nothing { removed: self.output.discard(remove_older)? });
        }
        Ok(Ended::Body(self.end_kept()?.0))
    }

    /// The same, without its hash if it is kept, and with the buffers of its file.
    fn end_kept(mut self) -> Result<(Payload, Finished)> {
        self.add(Envelope::SUFFIX)?;
        self.bytes += Envelope::SUFFIX.len() as u64;
        if self.bytes >= self.limits.max_bytes && self.contacts > 0 {
            let what = format!("a body of {} bytes, at most {} allowed", self.bytes, self.limits.max_bytes - 1);
            return Err(Kind::Counts { what }.into());
        }
        let finished = self.output.finish()?;
        let sha256 = self.hash.map(|hash| hexadecimal(hash.end())).unwrap_or_default();
        let Body { file, contacts, bytes, from, .. } = self;
        Ok((Payload { file, contacts, bytes, sha256, from }, finished))
    }
}

/// A body to hash, a matter of milliseconds that any thread can do.
#[must_use]
pub struct Unhashed {
    /// Its index among the finished bodies.
    index: usize,
    pieces: Vec<Piece>,
}

/// The hash of a body.
pub struct Hashed {
    index: usize,
    digest: Digest,
    buffers: Vec<Vec<u8>>,
}

impl Unhashed {
    /// Computes the hash.
    #[must_use]
    pub fn hash(self) -> Hashed {
        let mut hash = Hash::default();
        self.pieces.iter().for_each(|piece| hash.update(piece.bytes()));
        let buffers = self.pieces.into_iter().map(Piece::into_buffer).collect();
        Hashed { index: self.index, digest: hash.end(), buffers }
    }
}

/// What to do about bodies that an earlier run left in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Earlier {
    /// They are an error.
    #[default]
    Refuse,
    /// They are removed.
    Replace,
    /// They stay, and the new ones are numbered on from them.
    Append,
}

/// A directory of bodies: `payload-00001.json` and so on. It is locked while this lives.
pub struct Directory {
    dir: PathBuf,
    limits: Limits,
    prefix: Vec<u8>,
    /// Number of the last body that was there before.
    before: usize,
    /// The receipts of earlier runs, if this run adds to their bodies.
    earlier: Vec<serde_json::Value>,
    /// The receipt and the bodies of an earlier run, which go when this run ends well.
    replaced: Vec<String>,
    /// Bodies that were removed.
    removed: usize,
    /// The bodies of this run stay when it ends.
    stays: bool,
    body: Option<Body<'static>>,
    /// A finished body is kept in memory until it is hashed.
    keeps: bool,
    /// Buffers of finished files, while there is no body.
    buffers: Vec<Vec<u8>>,
    /// Finished bodies. The one in `unhashed` has no hash yet, nor has one that a worker took.
    done: Vec<Payload>,
    /// A body that is kept and not yet hashed.
    unhashed: Option<Unhashed>,
    /// The part of a job that the bodies are of.
    part: Option<Part>,
    lock: DirectoryLock,
}

/// What keeps other runs out.
#[derive(Debug, Default)]
enum DirectoryLock {
    /// The system locks no directories.
    #[default]
    None,
    /// The directory is locked.
    Whole { _file: fs::File },
    /// One part is. Runs of other parts write to the same directory.
    Part { _lock: PartLock },
}

/// Largest bodies that are kept in memory, to be hashed by an idle worker.
const KEPT_MAX: u64 = 8 << 20;

/// Name of the receipt beside the bodies.
pub const RECEIPT: &str = "receipt.json";

/// True for the names of bodies and of receipts, of whole runs and of parts.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    is_receipt(name) || is_body(name)
}

fn is_receipt(name: &str) -> bool {
    name == RECEIPT || id_of_receipt(name).is_some()
}

/// Names of the bodies and the receipts in a directory; with a part, of that part alone.
fn ours_in(dir: &Path, part: Option<&Part>) -> std::io::Result<Vec<String>> {
    let is_wanted = |name: &String| match part {
        Some(_) => number_of(part, name).is_some() || *name == receipt_name(part),
        None => is_ours(name),
    };
    let names = fs::read_dir(dir)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(is_wanted).collect())
}

/// Locks a directory while the file is open.
fn lock(dir: &Path, name: &str) -> Result<DirectoryLock> {
    // Some systems cannot open directories, some file systems cannot lock them.
    let Ok(file) = fs::File::open(dir) else { return Ok(DirectoryLock::None) };
    match file.try_lock() {
        Ok(()) => Ok(DirectoryLock::Whole { _file: file }),
        Err(fs::TryLockError::WouldBlock) => Err(Error::usage(format!(
            "another run of presort writes to {name}: wait for it, or name another directory"
        ))),
        Err(fs::TryLockError::Error(_)) => Ok(DirectoryLock::None),
    }
}

/// The runs in the receipt of a directory, the oldest first, and the bodies behind theirs, which no receipt names. All other bodies
/// must be those of the receipt.
fn earlier_runs(dir: &Path, bodies: &[String]) -> Result<(Vec<serde_json::Value>, Vec<String>)> {
    let path = dir.join(RECEIPT);
    let name = path.display().to_string();
    let unsound =
        |what: String| Error::usage(format!("{what}; --replace removes the bodies, or name another directory"));
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let dir = dir.display();
            return Err(unsound(format!(
                "{dir} holds bodies but no {RECEIPT}: the run that wrote them did not finish"
            )));
        }
        Err(error) => return Err(Error::io("read", name, error)),
    };
    let mut receipt: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| unsound(format!("{name} is not a receipt: {error}")))?;
    let Some(newest) = receipt.as_object_mut() else { return Err(unsound(format!("{name} is not a receipt"))) };
    let mut runs = match newest.remove("earlier_runs") {
        Some(serde_json::Value::Array(runs)) => runs,
        _ => Vec::new(),
    };
    runs.push(receipt);
    let mut known = HashMap::new();
    for payload in runs.iter().filter_map(|run| run["payloads"].as_array()).flatten() {
        let (Some(file), Some(bytes)) = (payload["file"].as_str(), payload["bytes"].as_u64()) else {
            return Err(unsound(format!("{name} names a body without its file or its size")));
        };
        known.insert(file, bytes);
    }
    // Behind the last body of the receipt are those of a run that did not finish: no receipt was written for them.
    let last = known.keys().filter_map(|name| number_of(None, name)).max();
    let mut uncommitted = Vec::new();
    for body in bodies {
        let path = dir.join(body);
        let found = fs::metadata(&path).map_err(|error| Error::io("read", path.display().to_string(), error))?.len();
        match known.remove(body.as_str()) {
            Some(bytes) if bytes == found => {}
            Some(bytes) => {
                return Err(unsound(format!("{} has {found} bytes, and {bytes} by its {RECEIPT}", path.display())));
            }
            None if number_of(None, body) > last => uncommitted.push(body.clone()),
            None => return Err(unsound(format!("{} is not in its {RECEIPT}", path.display()))),
        }
    }
    if let Some(missing) = known.keys().min() {
        return Err(unsound(format!("{} is missing, and its {RECEIPT} names it", dir.join(missing).display())));
    }
    Ok((runs, uncommitted))
}

impl Directory {
    /// Creates the directory if necessary, and locks it. `earlier` says what to do about bodies of another run; `force`
    /// allows a receipt without bodies to be overwritten.
    ///
    /// # Errors
    /// It holds bodies, another run writes to it, or it cannot be created.
    pub fn create(dir: &Path, limits: Limits, prefix: Vec<u8>, earlier: Earlier, force: bool) -> Result<Directory> {
        let name = dir.display().to_string();
        fs::create_dir_all(dir).map_err(|error| Error::io("create the directory", &name, error))?;
        let lock = lock(dir, &name)?;
        temporary::remove_all_left_behind(dir, "payload-");
        temporary::remove_all_left_behind(dir, RECEIPT);
        Directory::create_locked(dir, limits, prefix, earlier, force, None, lock)
    }

    /// The same for the bodies of one part of a job, beside those of others: what the part wrote before is replaced. A run that fails
    /// leaves none of its own. Waits while another run writes the same part.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create_for(part: &Part, dir: &Path, limits: Limits, prefix: Vec<u8>) -> Result<Directory> {
        let name = dir.display().to_string();
        fs::create_dir_all(dir).map_err(|error| Error::io("create the directory", &name, error))?;
        let lock = DirectoryLock::Part { _lock: part.lock(dir)? };
        temporary::remove_all_left_behind(dir, &format!("payload-{}-", part.id()));
        let part = Some(part.clone());
        let mut directory = Directory::create_locked(dir, limits, prefix, Earlier::Replace, true, part, lock)?;
        directory.stays = false;
        Ok(directory)
    }

    fn create_locked(
        dir: &Path,
        limits: Limits,
        prefix: Vec<u8>,
        earlier: Earlier,
        force: bool,
        part: Option<Part>,
        lock: DirectoryLock,
    ) -> Result<Directory> {
        let name = dir.display().to_string();
        let ours = ours_in(dir, part.as_ref()).map_err(|error| Error::io("read", &name, error))?;
        let (receipt, bodies): (Vec<String>, Vec<String>) = ours.into_iter().partition(|name| is_receipt(name));
        let mut directory = Directory {
            dir: dir.to_path_buf(),
            limits,
            prefix,
            before: 0,
            earlier: Vec::new(),
            replaced: Vec::new(),
            removed: 0,
            stays: true,
            body: None,
            keeps: limits.max_bytes <= KEPT_MAX,
            buffers: Vec::new(),
            done: Vec::new(),
            unhashed: None,
            part,
            lock,
        };
        let mut uncommitted = Vec::new();
        match earlier {
            Earlier::Refuse if !bodies.is_empty() => {
                let has_receipt = !receipt.is_empty();
                return Err(Kind::HoldsBodies { dir: name, bodies: bodies.len(), has_receipt }.into());
            }
            Earlier::Refuse if !receipt.is_empty() && !force => {
                return Err(Kind::Exists { file: dir.join(&receipt[0]).display().to_string() }.into());
            }
            Earlier::Append if !bodies.is_empty() || !receipt.is_empty() => {
                (directory.earlier, uncommitted) = earlier_runs(dir, &bodies)?;
                directory.removed = uncommitted.len();
                directory.remove(&uncommitted)?;
            }
            Earlier::Replace => directory.replaced = receipt.into_iter().chain(bodies.iter().cloned()).collect(),
            _ => directory.remove(&receipt)?,
        }
        // The bodies that are there stay until this run has ended well: its own are numbered on from them.
        let kept = bodies.iter().filter(|name| !uncommitted.contains(name));
        directory.before = kept.filter_map(|name| number_of(directory.part.as_ref(), name)).max().unwrap_or(0);
        directory.stays = bodies.is_empty();
        Ok(directory)
    }

    fn remove(&self, names: &[String]) -> Result<()> {
        for name in names {
            let path = self.dir.join(name);
            fs::remove_file(&path).map_err(|error| Error::io("remove", path.display().to_string(), error))?;
        }
        Ok(())
    }

    /// Removes the bodies that this run replaces, the receipt first: without it, a directory is known to be unfinished. Then the
    /// bodies of this run get the numbers from 1 on.
    fn replace(&mut self) -> Result<()> {
        if self.replaced.is_empty() {
            return Ok(());
        }
        let replaced = std::mem::take(&mut self.replaced);
        self.remove(&replaced)?;
        self.removed = replaced.iter().filter(|name| is_body(name)).count();
        if self.before > 0 {
            for (i, payload) in self.done.iter_mut().enumerate() {
                let file = body_name(self.part.as_ref(), i + 1);
                fs::rename(self.dir.join(&payload.file), self.dir.join(&file))
                    .map_err(|error| Error::io("rename", self.dir.join(&payload.file).display().to_string(), error))?;
                payload.file = file;
            }
        }
        Ok(())
    }

    /// The receipts of the runs whose bodies were there before, the oldest first.
    pub fn take_earlier(&mut self) -> Vec<serde_json::Value> {
        std::mem::take(&mut self.earlier)
    }

    /// Takes all of `accepted`, in as many bodies as they need. See [`Body::take`]. A body is finished only if the input has not
    /// changed according to `watch`.
    ///
    /// # Errors
    /// A body cannot be written, or the input changed.
    pub fn take(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        accepted: &[Accepted],
        place: &Place<'_>,
        watch: Option<&Watch>,
    ) -> Result<()> {
        let (mut start, mut rest) = (start, accepted);
        while !rest.is_empty() {
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let file = body_name(self.part.as_ref(), self.before + self.done.len() + 1);
                    let mut output = Output::create_new(&self.dir.join(&file))?;
                    output.reuse(std::mem::take(&mut self.buffers));
                    output.expect(self.limits.max_bytes);
                    let begin = if self.keeps { Body::begin_kept } else { Body::begin };
                    self.body.insert(begin(output, file, self.limits, &self.prefix))
                }
            };
            let taken = body.take(out, start, rest, place)?;
            if taken == 0 && body.contacts() == 0 {
                return Err(Kind::Counts { what: "a contact that no body can take".into() }.into());
            }
            if taken < rest.len() {
                watch.map_or(Ok(()), Watch::check)?;
                self.end_body()?;
            }
            if taken > 0 {
                start = rest[taken - 1].end as usize;
                rest = &rest[taken..];
            }
        }
        Ok(())
    }

    fn end_body(&mut self) -> Result<()> {
        if let Some(body) = self.body.take() {
            let (payload, finished) = body.end_kept()?;
            self.buffers = finished.spare;
            if self.keeps {
                // No worker took the last one.
                self.hash();
                self.unhashed = Some(Unhashed { index: self.done.len(), pieces: finished.kept });
            }
            self.done.push(payload);
        }
        Ok(())
    }

    /// A body to hash, if there is one. One that no worker takes is hashed here.
    pub fn unhashed(&mut self) -> Option<Unhashed> {
        self.unhashed.take()
    }

    /// Takes the hash of a body.
    pub fn hashed(&mut self, hashed: Hashed) {
        self.done[hashed.index].sha256 = hexadecimal(hashed.digest);
        match &mut self.body {
            Some(body) => body.output.reuse(hashed.buffers),
            None => self.buffers.extend(hashed.buffers),
        }
    }

    fn hash(&mut self) {
        if let Some(body) = self.unhashed.take() {
            self.hashed(body.hash());
        }
    }

    /// Ends the last body, and replaces the bodies of an earlier run where that was asked for. The directory stays locked for as
    /// long as the result lives.
    ///
    /// # Errors
    /// A body cannot be written, or an older one not be removed.
    pub fn end(mut self) -> Result<EndedDirectory> {
        self.end_body()?;
        self.hash();
        if let Some(body) = self.done.iter().find(|body| body.sha256.is_empty()) {
            return Err(Kind::Counts { what: format!("{} was not hashed", body.file) }.into());
        }
        self.replace()?;
        self.stays = true;
        let payloads = std::mem::take(&mut self.done);
        Ok(EndedDirectory { payloads, removed: self.removed, _lock: std::mem::take(&mut self.lock) })
    }
}

impl Drop for Directory {
    /// A run that fails leaves the bodies of an earlier run, and its receipt, as they were.
    fn drop(&mut self) {
        if !self.stays {
            self.body = None;
            for payload in &self.done {
                let _ = fs::remove_file(self.dir.join(&payload.file));
            }
        }
    }
}

/// A directory whose bodies are written. It is locked while this lives.
#[derive(Debug)]
pub struct EndedDirectory {
    /// The bodies.
    pub payloads: Vec<Payload>,
    /// Bodies of an earlier run that were removed.
    pub removed: usize,
    _lock: DirectoryLock,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::split::Span;
    use sha2::{Digest as _, Sha256};

    fn file_name(number: usize) -> String {
        body_name(None, number)
    }

    /// A batch of up to ten contacts.
    const PLACE: Place<'static> =
        Place { input: 0, first: 0, spans: &[Span { start: 0, end: 0, line: 1, whole: true }; 10] };

    /// Contacts `{...}` of these lengths, each behind a comma.
    fn contacts(lengths: &[usize]) -> (Vec<u8>, Vec<Accepted>) {
        let (mut out, mut accepted) = (Vec::new(), Vec::new());
        for (i, len) in lengths.iter().enumerate() {
            out.extend_from_slice(format!(",{{{:>1$}}}", "", len - 2).as_bytes());
            accepted.push(Accepted { contact: i as u32, end: out.len() as u32, identity: 0 });
        }
        (out, accepted)
    }

    fn run(limits: Limits, lengths: &[usize], at_once: usize) -> Vec<(u64, u64)> {
        let dir = tempfile::tempdir().unwrap();
        let prefix = Envelope::default().prefix();
        let mut directory = Directory::create(dir.path(), limits, prefix, Earlier::Refuse, false).unwrap();
        let (out, accepted) = contacts(lengths);
        let mut start = 0;
        for some in accepted.chunks(at_once) {
            directory.take(&mut out[..some.last().unwrap().end as usize].to_vec(), start, some, &PLACE, None).unwrap();
            start = some.last().unwrap().end as usize;
        }
        let payloads = directory.end().unwrap().payloads;
        for payload in &payloads {
            let bytes = fs::read(dir.path().join(&payload.file)).unwrap();
            assert_eq!(bytes.len() as u64, payload.bytes);
            let hex: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, payload.sha256);
            let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(body["import_data"].as_array().unwrap().len() as u64, payload.contacts);
        }
        payloads.into_iter().map(|p| (p.contacts, p.bytes)).collect()
    }

    #[test]
    fn bodies_are_strictly_smaller_than_the_limit() {
        // The envelope is 30 bytes, 32 with the end: two contacts of 10 make 53.
        assert_eq!(Envelope::default().prefix().len(), 30);
        for at_once in [1, 2, 5] {
            let limits = |max_bytes, max_contacts| Limits { max_bytes, max_contacts };
            assert_eq!(run(limits(54, 9), &[10; 5], at_once), [(2, 53), (2, 53), (1, 42)]);
            assert_eq!(run(limits(53, 9), &[10; 3], at_once), [(1, 42), (1, 42), (1, 42)]);
            assert_eq!(run(limits(1000, 2), &[10; 5], at_once), [(2, 53), (2, 53), (1, 42)]);
            assert_eq!(run(limits(59, 9), &[26, 5, 5, 5, 5, 5], at_once), [(1, 58), (4, 55), (1, 37)]);
            assert_eq!(run(limits(60, 9), &[], at_once), []);
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn bodies_of_another_run_are_not_mixed_in() {
        let dir = tempfile::tempdir().unwrap();
        let all = ["mine.json", "payload-00001.json", "payload-00007.json", "payload-1.json", "receipt.json"];
        for name in all {
            fs::write(dir.path().join(name), "old").unwrap();
        }
        let create = |earlier, force| {
            Directory::create(dir.path(), Limits::default(), Envelope::default().prefix(), earlier, force)
        };
        for force in [false, true] {
            let error = create(Earlier::Refuse, force).err().unwrap();
            assert!(matches!(error.kind(), Kind::HoldsBodies { bodies: 2, .. }), "{error}");
        }
        // Its receipt is none.
        assert!(create(Earlier::Append, true).err().unwrap().to_string().contains("not a receipt"));
        assert_eq!(names(dir.path()), all);
        let mut directory = create(Earlier::Replace, false).unwrap();
        let (mut out, accepted) = contacts(&[10]);
        directory.take(&mut out, 0, &accepted, &PLACE, None).unwrap();
        let ended = directory.end().unwrap();
        assert_eq!((ended.payloads.len(), ended.removed), (1, 2));
        assert_eq!(names(dir.path()), ["mine.json", "payload-00001.json", "payload-1.json"]);
    }

    #[test]
    fn bodies_are_added_to_those_of_a_receipt() {
        let dir = tempfile::tempdir().unwrap();
        let create = || {
            let prefix = Envelope::default().prefix();
            Directory::create(dir.path(), Limits::default(), prefix, Earlier::Append, false)
        };
        let receipt = |text: &str| fs::write(dir.path().join(RECEIPT), text).unwrap();
        fs::write(dir.path().join(file_name(1)), "12345").unwrap();
        fs::write(dir.path().join(file_name(4)), "123").unwrap();
        let refused = || create().err().unwrap().to_string();
        assert!(refused().contains("no receipt.json"));
        receipt(r#"{"payloads":[{"file":"payload-00004.json","bytes":3}]}"#);
        assert!(refused().contains("payload-00001.json is not in"));
        receipt(r#"{"payloads":[{"file":"payload-00001.json","bytes":5},{"file":"payload-00004.json","bytes":4}]}"#);
        assert!(refused().contains("has 3 bytes, and 4"));
        let four = r#"{"seconds":1,"payloads":[{"file":"payload-00004.json","bytes":3}]"#;
        receipt(&format!(
            r#"{four},"earlier_runs":[{{"payloads":[{{"file":"payload-00001.json","bytes":5}},{{"file":"payload-00002.json","bytes":5}}]}}]}}"#
        ));
        assert!(refused().contains("payload-00002.json is missing"));
        receipt(&format!(r#"{four},"earlier_runs":[{{"payloads":[{{"file":"payload-00001.json","bytes":5}}]}}]}}"#));
        let mut directory = create().unwrap();
        let (mut out, accepted) = contacts(&[10]);
        directory.take(&mut out, 0, &accepted, &PLACE, None).unwrap();
        assert_eq!(directory.take_earlier().len(), 2);
        assert_eq!(directory.end().unwrap().payloads[0].file, "payload-00005.json");
        assert_eq!(names(dir.path()).len(), 4);
    }

    /// What no receipt names, behind what it names, is of a run that did not finish.
    #[test]
    fn bodies_that_were_not_committed_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        for number in [1, 2, 3] {
            fs::write(dir.path().join(file_name(number)), "12345").unwrap();
        }
        fs::write(dir.path().join(RECEIPT), r#"{"payloads":[{"file":"payload-00001.json","bytes":5}]}"#).unwrap();
        let prefix = Envelope::default().prefix();
        let mut directory = Directory::create(dir.path(), Limits::default(), prefix, Earlier::Append, false).unwrap();
        let (mut out, accepted) = contacts(&[10]);
        directory.take(&mut out, 0, &accepted, &PLACE, None).unwrap();
        let ended = directory.end().unwrap();
        assert_eq!((ended.removed, ended.payloads[0].file.as_str()), (2, "payload-00002.json"));
    }

    /// A run that does not end leaves everything as it was.
    #[test]
    fn a_run_that_fails_replaces_nothing() {
        for earlier in [Earlier::Replace, Earlier::Append] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(file_name(1)), "12345").unwrap();
            let receipt = r#"{"payloads":[{"file":"payload-00001.json","bytes":5}]}"#;
            fs::write(dir.path().join(RECEIPT), receipt).unwrap();
            let limits = Limits { max_bytes: 54, max_contacts: 1 };
            let prefix = Envelope::default().prefix();
            let mut directory = Directory::create(dir.path(), limits, prefix, earlier, false).unwrap();
            let (mut out, accepted) = contacts(&[10, 10, 10]);
            directory.take(&mut out, 0, &accepted, &PLACE, None).unwrap();
            assert!(names(dir.path()).contains(&file_name(2)));
            drop(directory);
            assert_eq!(names(dir.path()), [file_name(1), RECEIPT.to_owned()]);
            assert_eq!(fs::read_to_string(dir.path().join(RECEIPT)).unwrap(), receipt);
        }
    }

    #[test]
    fn a_directory_is_written_by_one_run_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let create =
            || Directory::create(dir.path(), Limits::default(), Envelope::default().prefix(), Earlier::Refuse, false);
        let first = create().unwrap();
        assert!(create().err().unwrap().to_string().contains("another run"));
        let ended = first.end().unwrap();
        assert!(create().is_err());
        drop(ended);
        create().unwrap();
    }
}
