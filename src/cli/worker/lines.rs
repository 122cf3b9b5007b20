//! The lines of a worker: contacts with a key, kinds beside values, and the end.

use super::compact;
use crate::json::syntax::{members, unescape};
use crate::json::write::json_string;
use crate::model::error::{Error, Result};
use crate::output::body::hexadecimal;
use crate::output::file::Output;
use crate::output::hash::Hash;
use crate::output::part::Part;
use crate::output::receipt::Receipt;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

/// Longest line that is held, to see whether it is an object. A reject that is longer is one contact too large to clean.
const HELD: usize = 32 << 20;

/// What a line of `--tagged` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Contact,
    Finding,
    Change,
    Reject,
}

impl Kind {
    fn begin(self) -> &'static [u8] {
        match self {
            Kind::Contact => br#"{"kind":"contact","value":"#,
            Kind::Finding => br#"{"kind":"finding","value":"#,
            Kind::Change => br#"{"kind":"change","value":"#,
            Kind::Reject => br#"{"kind":"reject","value":"#,
        }
    }
}

/// Standard output, hashed.
pub(super) struct Stdout {
    output: Output<'static>,
    hash: Hash,
}

impl Stdout {
    pub fn open() -> Result<Stdout> {
        Ok(Stdout { output: Output::create(Path::new("-"), true)?, hash: Hash::default() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.output.write(bytes)
    }

    /// Writes what is buffered, and fails if nothing can read it.
    pub fn check_reader(&mut self) -> Result<()> {
        self.output.flush()?;
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let stdout = io::stdout();
            let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            // The writing end of a pipe or a socket that nothing reads. A file has no reader to leave.
            let is_gone =
                poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP);
            if is_gone {
                return Err(Error::io("write", "standard output", io::ErrorKind::BrokenPipe.into()));
            }
        }
        Ok(())
    }

    /// The receipt as a line of its own.
    pub fn receipt(&mut self, receipt: &Receipt) -> Result<()> {
        let mut line = br#"{"kind":"receipt","value":"#.to_vec();
        line.extend(compact(receipt)?);
        line.extend_from_slice(b"}\n");
        self.write(&line)
    }

    /// The last line, with the hash of all before it.
    pub fn end(mut self, part: &Part, contacts: u64, is_tagged: bool) -> Result<()> {
        let sha256 = hexadecimal(self.hash.end());
        let id = part.id();
        let mut line = format!(r#"{{"kind":"end","part":"{id}","contacts":{contacts},"sha256":"{sha256}""#);
        if is_tagged {
            // For a reader that knows kind and value alone.
            line += &format!(r#","value":{}"#, json!({"part": id, "contacts": contacts, "sha256": sha256}));
        }
        line += "}\n";
        self.output.write(line.as_bytes())?;
        self.output.finish().map(drop)
    }
}

/// Takes cleaned contacts, and writes them as the worker's options ask.
pub(super) struct ContactLines<'s> {
    stdout: &'s mut Stdout,
    /// The name of the key, as JSON, between a comma and a colon.
    key: Option<Vec<u8>>,
    kind: Option<Kind>,
    /// The line that is not complete.
    partial: Vec<u8>,
    out: Vec<u8>,
}

impl<'s> ContactLines<'s> {
    pub fn new(stdout: &'s mut Stdout, key: Option<&str>, kind: Option<Kind>) -> Self {
        let key = key.map(|name| {
            let mut key = vec![b','];
            json_string(name, &mut key);
            key.push(b':');
            key
        });
        ContactLines { stdout, key, kind, partial: Vec::new(), out: Vec::new() }
    }

    /// A line without its end.
    fn line(&mut self, line: &[u8]) {
        if let Some(kind) = self.kind {
            self.out.extend_from_slice(kind.begin());
        }
        match &self.key {
            Some(key) => with_key(line, key, &mut self.out),
            None => self.out.extend_from_slice(line),
        }
        if self.kind.is_some() {
            self.out.push(b'}');
        }
        self.out.push(b'\n');
    }
}

/// A contact with its key as the last member.
fn with_key(contact: &[u8], key: &[u8], out: &mut Vec<u8>) {
    // Most contacts begin with their address, without escapes: the rest need not be parsed.
    const EMAIL: &[u8] = br#"{"email":""#;
    let first = contact.strip_prefix(EMAIL).and_then(|rest| {
        let end = memchr::memchr2(b'"', b'\\', rest)?;
        (rest[end] == b'"').then_some(&rest[..end])
    });
    if let Some(email) = first {
        out.extend_from_slice(contact.strip_suffix(b"}").unwrap_or(contact));
        out.extend_from_slice(key);
        out.push(b'"');
        let start = out.len();
        out.extend_from_slice(email);
        out[start..].make_ascii_lowercase();
        out.extend_from_slice(b"\"}");
        return;
    }
    let (mut email, mut number) = (None, None);
    let _ = members(contact, |name, value| {
        let text = || unescape(&contact[value.start + 1..value.end - 1]).into_owned();
        match &contact[name] {
            b"email" => email = Some(text().to_ascii_lowercase()),
            b"sms_number" => number = Some(text()),
            _ => {}
        }
    });
    out.extend_from_slice(contact.strip_suffix(b"}").unwrap_or(contact));
    out.extend_from_slice(key);
    // An accepted contact has one of them.
    json_string(&email.or(number).unwrap_or_default(), out);
    out.push(b'}');
}

impl Write for ContactLines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.key.is_none() && self.kind.is_none() {
            self.stdout.write(bytes).map_err(io::Error::other)?;
            return Ok(bytes.len());
        }
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.partial.is_empty() {
                self.line(&rest[..end]);
            } else {
                let mut line = std::mem::take(&mut self.partial);
                line.extend_from_slice(&rest[..end]);
                self.line(&line);
                line.clear();
                self.partial = line;
            }
            rest = &rest[end + 1..];
        }
        self.partial.extend_from_slice(rest);
        self.stdout.write(&self.out).map_err(io::Error::other)?;
        self.out.clear();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.output.pass_on().map_err(io::Error::other)
    }
}

/// Lines that wait in a file without a name. Nothing of it is left, however the process ends.
pub(super) struct Spool(BufWriter<File>);

impl Spool {
    pub fn new() -> Result<Spool> {
        let file = tempfile::tempfile().map_err(|error| Error::io("create", "a temporary file", error))?;
        Ok(Spool(BufWriter::new(file)))
    }

    /// Writes each line with its kind.
    pub fn write_as(self, kind: Kind, stdout: &mut Stdout) -> Result<()> {
        let fail = |error| Error::io("read", "a temporary file", error);
        let mut file = self.0.into_inner().map_err(|error| fail(error.into_error()))?;
        file.rewind().map_err(fail)?;
        let mut tagged = TaggedLines { kind, stdout, held: Vec::new(), undecoded: None };
        let mut reader = BufReader::with_capacity(256 << 10, file);
        let mut block = vec![0; 256 << 10];
        loop {
            match reader.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(n) => tagged.feed(&block[..n])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fail(error)),
            }
        }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Lines with their kind. One that is no object becomes a JSON string.
struct TaggedLines<'s> {
    kind: Kind,
    stdout: &'s mut Stdout,
    held: Vec<u8>,
    /// The line is too long to be held, and is written as a string: the bytes of a character whose rest is yet to come.
    undecoded: Option<Vec<u8>>,
}

impl TaggedLines<'_> {
    fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let (piece, is_end) = match piece.split_last() {
                Some((b'\n', line)) => (line, true),
                _ => (piece, false),
            };
            if self.undecoded.is_some() {
                self.long(piece, is_end)?;
            } else {
                self.held.extend_from_slice(piece);
                if is_end {
                    self.line()?;
                } else if self.held.len() > HELD {
                    self.stdout.write(self.kind.begin())?;
                    self.stdout.write(b"\"")?;
                    self.undecoded = Some(Vec::new());
                    let held = std::mem::take(&mut self.held);
                    self.long(&held, false)?;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self) -> Result<()> {
        let mut out = self.kind.begin().to_vec();
        if is_object(&self.held) {
            out.extend_from_slice(&self.held);
        } else {
            json_string(&String::from_utf8_lossy(&self.held), &mut out);
        }
        out.extend_from_slice(b"}\n");
        self.held.clear();
        self.stdout.write(&out)
    }

    /// More of a long line.
    fn long(&mut self, piece: &[u8], is_end: bool) -> Result<()> {
        let mut bytes = self.undecoded.take().unwrap_or_default();
        bytes.extend_from_slice(piece);
        let cut = if is_end { bytes.len() } else { whole_characters(&bytes) };
        let mut out = Vec::new();
        json_string(&String::from_utf8_lossy(&bytes[..cut]), &mut out);
        self.stdout.write(&out[1..out.len() - 1])?;
        if is_end {
            return self.stdout.write(b"\"}\n");
        }
        self.undecoded = Some(bytes[cut..].to_vec());
        Ok(())
    }
}

/// The length of `bytes` without a character at their end that is cut off.
fn whole_characters(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    match bytes[from..].iter().rposition(|b| *b & 0xc0 != 0x80) {
        Some(at) => match std::str::from_utf8(&bytes[from + at..]) {
            Err(error) if error.error_len().is_none() => from + at,
            _ => bytes.len(),
        },
        None => bytes.len(),
    }
}

/// Whether a line is a JSON object that every reader takes.
fn is_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && serde_json::from_slice::<serde_json::Value>(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let keyed = |contact: &str| {
            let mut out = Vec::new();
            with_key(contact.as_bytes(), br#","k":"#, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(keyed(r#"{"email":"Joe@Example.com"}"#), r#"{"email":"Joe@Example.com","k":"joe@example.com"}"#);
        assert_eq!(keyed(r#"{"email":"A\u0042\"@x.co"}"#), r#"{"email":"A\u0042\"@x.co","k":"ab\"@x.co"}"#);
        assert_eq!(
            keyed(r#"{"sms_number":"+16175550101","cf:email":"x","email":"A\u0042\"@x.co"}"#),
            r#"{"sms_number":"+16175550101","cf:email":"x","email":"A\u0042\"@x.co","k":"ab\"@x.co"}"#
        );
        assert_eq!(keyed(r#"{"sms_number":"1617"}"#), r#"{"sms_number":"1617","k":"1617"}"#);
    }

    #[test]
    fn characters_are_not_cut() {
        for text in ["", "a", "aé", "a\u{20ac}", "a\u{1f600}", "aaaa"] {
            let bytes = text.as_bytes();
            for cut in 0..=bytes.len() {
                let whole = whole_characters(&bytes[..cut]);
                assert!(std::str::from_utf8(&bytes[..whole]).is_ok() && cut - whole < 4, "{text} {cut}");
                assert!(text.is_char_boundary(cut) == (whole == cut), "{text} {cut}");
            }
        }
        // What is no text is not waited for.
        assert_eq!(whole_characters(&[0xff]), 1);
        assert_eq!(whole_characters(&[0x80, 0x80, 0x80, 0x80]), 4);
    }

    #[test]
    fn objects_stay_objects() {
        assert!(is_object(br#"{"a":1}"#));
        let deep = format!("{}{}", r#"{"a":"#.repeat(500), "}".repeat(500));
        for line in [&b"\"a\""[..], b"{\"a\":1", b"[1]", b"{\"a\":\"\xff\"}", b"", deep.as_bytes()] {
            assert!(!is_object(line));
        }
    }
}
