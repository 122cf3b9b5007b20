//! Cleaned contacts to request bodies within both limits.

use crate::clean::Accepted;
use crate::envelope::Envelope;
use crate::error::{Error, Kind, Result};
use crate::hash::{self, Digest, Hash};
use crate::output::{Finished, Output, Piece};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Most bytes of one body: the safe reading of "4 megabytes".
pub const MAX_BYTES: u64 = 4_000_000;
/// Most contacts of one body.
pub const MAX_CONTACTS: u64 = 40_000;

/// How much a body may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A body is strictly smaller than this, in bytes.
    pub max_bytes: u64,
    /// Contacts.
    pub max_contacts: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_bytes: MAX_BYTES, max_contacts: MAX_CONTACTS }
    }
}

/// A body that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payload {
    /// Its file, without the directory.
    pub file: String,
    /// Contacts in it.
    pub contacts: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

fn hexadecimal(digest: Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One body, being written.
pub struct Body {
    output: Output,
    file: String,
    limits: Limits,
    /// None where the body is kept, to be hashed when it is whole.
    hash: Option<Hash>,
    bytes: u64,
    contacts: u64,
}

impl Body {
    /// Begins a body with its envelope.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(output: Output, file: String, limits: Limits, prefix: &[u8]) -> Result<Body> {
        Body::begin_with(output, file, limits, prefix, Some(Hash::default()))
    }

    /// The same for one that is kept: [`Body::end_kept`] ends it.
    fn begin_kept(mut output: Output, file: String, limits: Limits, prefix: &[u8]) -> Result<Body> {
        output.keep();
        Body::begin_with(output, file, limits, prefix, None)
    }

    fn begin_with(output: Output, file: String, limits: Limits, prefix: &[u8], hash: Option<Hash>) -> Result<Body> {
        let mut body = Body { output, file, limits, hash, bytes: 0, contacts: 0 };
        body.add(prefix)?;
        Ok(body)
    }

    /// Writes what stands around the contacts.
    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.bytes += bytes.len() as u64;
        self.output.write(bytes)
    }

    /// Contacts so far.
    #[must_use]
    pub fn contacts(&self) -> u64 {
        self.contacts
    }

    /// Takes as many of `accepted` as fit, and says how many. Each lies in `out` behind a comma, from where the one before
    /// ends (the first: from `start`) to its own end. When that takes the last of `out`, another buffer is put in its place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn take(&mut self, out: &mut Vec<u8>, start: usize, accepted: &[Accepted]) -> Result<usize> {
        let first = usize::from(self.contacts == 0);
        // The comma of a body's first contact is not written.
        let have = self.bytes + Envelope::SUFFIX.len() as u64;
        let fits = |a: &Accepted| have + u64::from(a.end) - ((start + first) as u64) < self.limits.max_bytes;
        let room = (self.limits.max_contacts - self.contacts).min(accepted.len() as u64) as usize;
        let taken = accepted[..room].partition_point(fits);
        if let Some(last) = accepted[..taken].last() {
            let (start, end) = (start + first, last.end as usize);
            if let Some(hash) = &mut self.hash {
                hash.update(&out[start..end]);
            }
            self.bytes += (end - start) as u64;
            self.contacts += taken as u64;
            self.output.give_up_to(out, start, end)?;
        }
        Ok(taken)
    }

    /// Ends the body and puts it in its place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(self) -> Result<Payload> {
        Ok(self.end_kept()?.0)
    }

    /// The same, without its hash if it is kept, and what is left of its file.
    fn end_kept(mut self) -> Result<(Payload, Finished)> {
        self.add(Envelope::SUFFIX)?;
        if self.bytes >= self.limits.max_bytes && self.contacts > 0 {
            let what = format!("a body of {} bytes, at most {} allowed", self.bytes, self.limits.max_bytes - 1);
            return Err(Kind::Counts { what }.into());
        }
        let finished = self.output.finish()?;
        let sha256 = self.hash.map(|hash| hexadecimal(hash.end())).unwrap_or_default();
        Ok((Payload { file: self.file, contacts: self.contacts, bytes: self.bytes, sha256 }, finished))
    }
}

/// Bodies whose hashes are still to be made, a matter of milliseconds that can be left to any thread.
#[must_use]
pub struct Unhashed(Vec<(usize, Vec<Piece>)>);

/// Bodies whose hashes were made.
pub struct Hashed {
    digests: Vec<(usize, Digest)>,
    buffers: Vec<Vec<u8>>,
}

impl Unhashed {
    /// Makes the hashes.
    #[must_use]
    pub fn hash(self) -> Hashed {
        let bytes = |at: usize| self.0.get(at).map_or(&[][..], |(_, pieces)| pieces).iter().map(Piece::bytes);
        let digests = hash::two([bytes(0), bytes(1)]);
        Hashed {
            digests: self.0.iter().map(|(number, _)| *number).zip(digests).collect(),
            buffers: self.0.into_iter().flat_map(|(_, pieces)| pieces).map(Piece::into_buffer).collect(),
        }
    }
}

/// A directory of bodies: `payload-00001.json` and so on.
pub struct Directory {
    dir: PathBuf,
    limits: Limits,
    prefix: Vec<u8>,
    force: bool,
    body: Option<Body>,
    /// Bodies are kept until there are two to be hashed.
    keeps: bool,
    /// The buffers of files that are done, while there is no body.
    buffers: Vec<Vec<u8>>,
    /// Those whose hash is not known yet have none.
    done: Vec<Payload>,
    /// The bodies that were kept and are not yet with whoever hashes them: two at most.
    unhashed: Vec<(usize, Vec<Piece>)>,
}

/// Largest bodies that are kept in memory to be hashed two at a time.
const KEPT_MAX: u64 = 8 << 20;

/// Name of the receipt beside the bodies.
pub const RECEIPT: &str = "receipt.json";

/// Name of body `number`, from 1.
#[must_use]
pub fn file_name(number: usize) -> String {
    format!("payload-{number:05}.json")
}

/// True for the names of bodies and of the receipt.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    name == RECEIPT || number_of(name).is_some()
}

/// The number in the name of a body.
fn number_of(name: &str) -> Option<usize> {
    let number = name.strip_prefix("payload-")?.strip_suffix(".json")?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// Names of the bodies and the receipt in a directory.
fn ours_in(dir: &Path) -> std::io::Result<Vec<String>> {
    let names = fs::read_dir(dir)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| is_ours(name)).collect())
}

impl Directory {
    /// Makes the directory, if it is not there. One that holds bodies of another run is an error, unless `force`: then its
    /// receipt is removed now, and the bodies as they are replaced.
    ///
    /// # Errors
    /// It holds bodies, or cannot be made.
    pub fn create(dir: &Path, limits: Limits, prefix: Vec<u8>, force: bool) -> Result<Directory> {
        let name = dir.display().to_string();
        fs::create_dir_all(dir).map_err(|error| Error::io("create the directory", &name, error))?;
        let ours = ours_in(dir).map_err(|error| Error::io("read", &name, error))?;
        if let Some(there) = ours.iter().min()
            && !force
        {
            return Err(Kind::Exists { file: dir.join(there).display().to_string() }.into());
        }
        if ours.iter().any(|name| name == RECEIPT) {
            let receipt = dir.join(RECEIPT);
            fs::remove_file(&receipt).map_err(|error| Error::io("remove", receipt.display().to_string(), error))?;
        }
        Ok(Directory {
            dir: dir.to_path_buf(),
            limits,
            prefix,
            force,
            body: None,
            keeps: limits.max_bytes <= KEPT_MAX,
            buffers: Vec::new(),
            done: Vec::new(),
            unhashed: Vec::new(),
        })
    }

    /// Takes all of `accepted`, in as many bodies as they need. See [`Body::take`].
    ///
    /// # Errors
    /// A body cannot be written.
    pub fn take(&mut self, out: &mut Vec<u8>, start: usize, accepted: &[Accepted]) -> Result<()> {
        let (mut start, mut rest) = (start, accepted);
        while !rest.is_empty() {
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let file = file_name(self.done.len() + 1);
                    let mut output = Output::create(&self.dir.join(&file), self.force)?;
                    output.reuse(std::mem::take(&mut self.buffers));
                    output.expect(self.limits.max_bytes);
                    let begin = if self.keeps { Body::begin_kept } else { Body::begin };
                    self.body.insert(begin(output, file, self.limits, &self.prefix)?)
                }
            };
            let taken = body.take(out, start, rest)?;
            if taken == 0 && body.contacts() == 0 {
                return Err(Kind::Counts { what: "a contact that no body can take".into() }.into());
            }
            if taken < rest.len() {
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
                // Nobody took the last two.
                if self.unhashed.len() == 2 {
                    self.hash();
                }
                self.unhashed.push((self.done.len(), finished.kept));
            }
            self.done.push(payload);
        }
        Ok(())
    }

    /// Two bodies, if there are two, that somebody is to hash. Whatever nobody takes is hashed here in the end.
    pub fn unhashed(&mut self) -> Option<Unhashed> {
        (self.unhashed.len() == 2).then(|| Unhashed(std::mem::take(&mut self.unhashed)))
    }

    /// Takes back what somebody hashed.
    pub fn hashed(&mut self, hashed: Hashed) {
        for (number, digest) in hashed.digests {
            self.done[number].sha256 = hexadecimal(digest);
        }
        match &mut self.body {
            Some(body) => body.output.reuse(hashed.buffers),
            None => self.buffers.extend(hashed.buffers),
        }
    }

    fn hash(&mut self) {
        let hashed = Unhashed(std::mem::take(&mut self.unhashed)).hash();
        self.hashed(hashed);
    }

    /// Ends the last body, and removes bodies of an earlier run that none of this one replaced.
    ///
    /// # Errors
    /// The system would not.
    pub fn end(mut self) -> Result<Vec<Payload>> {
        self.end_body()?;
        self.hash();
        if let Some(body) = self.done.iter().find(|body| body.sha256.is_empty()) {
            return Err(Kind::Counts { what: format!("{} was not hashed", body.file) }.into());
        }
        let name = self.dir.display().to_string();
        for ours in ours_in(&self.dir).map_err(|error| Error::io("read", &name, error))? {
            if number_of(&ours).is_some_and(|number| number > self.done.len() || number == 0) {
                let stale = self.dir.join(&ours);
                fs::remove_file(&stale).map_err(|error| Error::io("remove", stale.display().to_string(), error))?;
            }
        }
        Ok(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

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
        let mut directory = Directory::create(dir.path(), limits, prefix, false).unwrap();
        let (out, accepted) = contacts(lengths);
        let mut start = 0;
        for some in accepted.chunks(at_once) {
            directory.take(&mut out[..some.last().unwrap().end as usize].to_vec(), start, some).unwrap();
            start = some.last().unwrap().end as usize;
        }
        let payloads = directory.end().unwrap();
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

    #[test]
    fn bodies_of_another_run_are_not_mixed_in() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["payload-00001.json", "payload-00007.json", "receipt.json", "payload-1.json", "mine.json"] {
            fs::write(dir.path().join(name), "old").unwrap();
        }
        let create = |force| Directory::create(dir.path(), Limits::default(), Envelope::default().prefix(), force);
        assert!(matches!(create(false).err().unwrap().kind(), Kind::Exists { .. }));
        let mut directory = create(true).unwrap();
        let (mut out, accepted) = contacts(&[10]);
        directory.take(&mut out, 0, &accepted).unwrap();
        assert_eq!(directory.end().unwrap().len(), 1);
        let mut names: Vec<String> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["mine.json", "payload-00001.json", "payload-1.json"]);
    }
}
