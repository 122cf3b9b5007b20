//! Layers between the bytes of an input and what is handed out: compression, and on top of it an encoding.

#[cfg(feature = "compression")]
use super::archive::{Member, MemberReader};
use super::compression::Compression;
use super::decode::{Decoder, Encoding};
use super::pipe::Pipe;
#[cfg(feature = "spreadsheets")]
use super::sheet::{Sheet, SheetFault};
use super::sheet_info::SheetInfo;
#[cfg(feature = "compression")]
use super::unpack::{self, Unpacker};
use super::{Origin, Source};
use crate::model::error::{Error, Kind, Result};
use crate::model::position::Position;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of compressed data that may be unpacked without a contact among them.
const WITHOUT_CONTACT_MAX: u64 = 16 << 20;

/// Bytes that are unpacked to see whether they can be.
#[cfg(feature = "compression")]
const TRIAL: usize = 64 << 10;

/// The layers of one input.
#[derive(Default)]
pub(super) struct Layers {
    /// The member of an archive that the input is.
    #[cfg(feature = "compression")]
    member: Option<Member>,
    /// The sheet of a spreadsheet that the input is.
    #[cfg(feature = "spreadsheets")]
    sheet: Option<Sheet>,
    compression: Option<Compression>,
    encoding: Option<Encoding>,
    /// Bytes of the input that were used, before unpacking and decoding.
    read: Arc<AtomicU64>,
    /// The file below the layers; `None` if the input can be read only once.
    pub(super) stored: Option<Stored>,
    /// The offset of the last contact, and how many there were.
    last: (u64, u64),
}

/// A regular file below layers.
pub(super) struct Stored {
    /// None while it is closed.
    file: Option<Arc<File>>,
    len: u64,
    /// It has to be read again, from this decoded byte on.
    pub(super) restart: Option<u64>,
}

/// Fails each time it is read.
struct Failing(Fault);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(self.0.kind, self.0.text.clone()))
    }
}

/// A read error that comes again whenever the input is read up to its place.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// Offset behind the last byte before it.
    pub(super) at: u64,
    kind: io::ErrorKind,
    /// The message; for data that cannot be unpacked, the whole of it.
    text: String,
    is_packed: bool,
}

impl Layers {
    /// Makes the input a member of an archive, which is in this file.
    #[cfg(feature = "compression")]
    pub(super) fn of_member(&mut self, member: Member, file: Arc<File>) {
        self.stored = Some(Stored { file: Some(file), len: member.packed, restart: None });
        self.member = Some(member);
    }

    /// Makes the input a sheet of a spreadsheet, which is in this file.
    #[cfg(feature = "spreadsheets")]
    pub(super) fn of_sheet(&mut self, sheet: Sheet, file: Arc<File>) {
        self.stored = Some(Stored { file: Some(file), len: sheet.workbook.len, restart: None });
        self.read = Arc::clone(&sheet.read);
        self.sheet = Some(sheet);
    }

    /// The bytes below all layers.
    fn bottom<'i>(&self, file: &Arc<File>, len: u64) -> io::Result<Pipe<'i>> {
        #[cfg(feature = "compression")]
        if let Some(member) = &self.member {
            return Ok(Pipe::Member(Box::new(MemberReader::new(member, file, Arc::clone(&self.read))?)));
        }
        #[cfg(feature = "spreadsheets")]
        if let Some(sheet) = &self.sheet {
            return Ok(Pipe::Reader(Box::new(sheet.reader(file)?)));
        }
        let mut file = Arc::clone(file);
        file.seek(SeekFrom::Start(0))?;
        Ok(Pipe::Stored(file.take(len)))
    }

    /// What counts the bytes of a layer's input, if it is the one at the bottom.
    fn counter(&self) -> Arc<AtomicU64> {
        #[cfg(feature = "compression")]
        if self.member.is_some() {
            return Arc::default();
        }
        Arc::clone(&self.read)
    }

    /// How the input is compressed, by itself or in its archive.
    fn packed(&self) -> Option<Compression> {
        #[cfg(feature = "compression")]
        if self.member.is_some() {
            return self.compression.or(Some(Compression::Zip));
        }
        self.compression
    }

    fn any(&self) -> bool {
        #[cfg(feature = "spreadsheets")]
        if self.sheet.is_some() {
            return true;
        }
        self.packed().is_some() || self.encoding.is_some()
    }

    /// The layers on top of `input`, from its first byte on.
    fn stack<'i>(&self, input: Pipe<'i>) -> Pipe<'i> {
        let mut pipe = input;
        #[cfg(feature = "compression")]
        if let Some(compression) = self.compression {
            pipe = Pipe::Unpacked(Box::new(Unpacker::new(compression, pipe, self.counter())));
        }
        if let Some(encoding) = self.encoding {
            pipe = self.decoder(encoding, pipe);
        }
        pipe
    }

    /// Ends compressed input that would fill the disk: an error if these unpacked bytes are out of all proportion. No export comes near:
    /// the same contact again and again is packed to a four-hundredth.
    pub(super) fn refuse_filling(&self, name: &str, unpacked: u64) -> Result<()> {
        const FREE: u64 = 256 << 20;
        const RATIO: u64 = 900;
        if self.packed().is_none() || unpacked < FREE || unpacked / RATIO < self.read.load(Ordering::Relaxed) {
            return Ok(());
        }
        let position = Position { offset: unpacked, line: 1, column: 0, contact: None };
        let what = format!("the data unpacks to more than {RATIO} times its size, which no export does");
        Err(Kind::TooLarge { input: name.to_owned(), position, what }.into())
    }

    fn decoder<'i>(&self, encoding: Encoding, input: Pipe<'i>) -> Pipe<'i> {
        // The layer at the bottom counts the bytes of the input.
        let read = if self.compression.is_some() { Arc::default() } else { self.counter() };
        Pipe::Decoded(Box::new(Decoder::new(encoding, input, read)))
    }
}

impl<'i> Source<'i> {
    /// Unpacks an input of which nothing was used yet, if its first bytes are those of gzip or zstd. Offsets are those of the unpacked
    /// bytes from here on. Compressed data within compressed data, and an input in memory, stay as they are.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn unpack(&mut self) -> Result<()> {
        let compression = Compression::sniff(self.first_bytes()?);
        if !cfg!(feature = "compression")
            || self.layers.compression.is_some()
            || self.layers.encoding.is_some()
            || matches!(self.origin, Origin::Memory { .. })
        {
            return Ok(());
        }
        #[cfg(feature = "compression")]
        if let Some(compression) = compression {
            self.add_layer(|layers, pipe| {
                layers.compression = Some(compression);
                Pipe::Unpacked(Box::new(Unpacker::new(compression, pipe, layers.counter())))
            })?;
        }
        #[cfg(not(feature = "compression"))]
        let _ = compression;
        Ok(())
    }

    /// True if the first bytes are those of a zip archive.
    ///
    /// # Errors
    /// It cannot be read.
    #[cfg(feature = "compression")]
    pub fn is_archive(&mut self) -> Result<bool> {
        Ok(matches!(self.first_bytes()?, [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..]))
    }

    /// True if the first bytes are those of a document that may be a spreadsheet.
    ///
    /// # Errors
    /// It cannot be read.
    #[cfg(feature = "spreadsheets")]
    pub fn is_document(&mut self) -> Result<bool> {
        let head = self.first_bytes()?;
        Ok(super::sheet::is_compound_file(head) || self.is_archive()?)
    }

    /// True if the first bytes are those of compressed data, and not even the first of it can be unpacked: something else may begin
    /// like that.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_packed_in_name_only(&mut self) -> Result<bool> {
        let head = self.first_bytes()?;
        #[cfg(feature = "compression")]
        if let Some(compression) = Compression::sniff(head) {
            let head = io::Cursor::new(head[..head.len().min(TRIAL)].to_vec());
            let mut trial = Unpacker::new(compression, Pipe::Reader(Box::new(head)), Arc::default());
            return Ok(trial.read(&mut [0; 64]).is_err_and(|error| unpack::is_broken(&error)));
        }
        let _ = head;
        Ok(false)
    }

    /// Decodes an input of which nothing was used yet: from the encoding that its byte-order mark names, else from `asked`, else from
    /// the one that its first bytes show. Offsets are those of the decoded bytes from here on. Input that is UTF-8, or in memory,
    /// stays as it is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn decode(&mut self, asked: Option<Encoding>) -> Result<()> {
        let head = self.first_bytes()?;
        let encoding = Encoding::of_mark(head).or(asked).or_else(|| Encoding::sniff(head));
        let is_memory = matches!(self.origin, Origin::Memory { .. });
        match encoding.filter(|encoding| !encoding.is_utf8() && !is_memory) {
            Some(encoding) => self.decode_as(encoding),
            None => Ok(()),
        }
    }

    /// Decodes an input from this encoding, from its first byte on: all that was read of it must be in the current chunk. Offsets are
    /// those of the decoded bytes from here on. An input that is decoded already stays as it is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn decode_as(&mut self, encoding: Encoding) -> Result<()> {
        if encoding.is_utf8() || self.layers.encoding.is_some() {
            return Ok(());
        }
        self.add_layer(|layers, pipe| {
            layers.encoding = Some(encoding);
            layers.decoder(encoding, pipe)
        })
    }

    /// The first bytes, four at least where the input has them.
    fn first_bytes(&mut self) -> Result<&[u8]> {
        while self.current.as_ref().is_none_or(|chunk| chunk.bytes().len() < 4) && self.next(0)?.is_some() {}
        Ok(self.current.as_ref().map_or(&[][..], |chunk| chunk.bytes()))
    }

    /// Puts a layer on top of those that are there; the input begins again under it.
    fn add_layer(&mut self, layer: impl FnOnce(&mut Layers, Pipe<'i>) -> Pipe<'i>) -> Result<()> {
        let seen = self.current.take();
        debug_assert!(seen.as_ref().is_none_or(|chunk| chunk.base == 0), "all of the input is still there");
        let seen = || seen.as_ref().map_or(Vec::new(), |chunk| chunk.bytes().to_vec());
        let pool = crossbeam_channel::bounded(4);
        let empty = Origin::Pipe { reader: Pipe::empty(), pool: pool.clone() };
        let reader = match std::mem::replace(&mut self.origin, empty) {
            Origin::File { file, len } => {
                self.layers.stored = Some(Stored { file, len, restart: None });
                Pipe::empty()
            }
            // It is read again, through the layers below as well.
            Origin::Pipe { reader, .. } if self.layers.stored.is_some() => reader,
            Origin::Pipe { reader, .. } => {
                // What is behind the bytes that were seen may be an error.
                let behind = match self.fault.take() {
                    Some(fault) if !fault.is_packed => Pipe::Reader(Box::new(Failing(fault))),
                    _ => reader,
                };
                behind.behind(seen())
            }
            Origin::Memory { .. } => Pipe::empty().behind(seen()),
        };
        let reader = layer(&mut self.layers, reader);
        self.origin = Origin::Pipe { reader, pool };
        self.end = 0;
        if self.layers.stored.is_some() {
            return self.restart(0);
        }
        Ok(())
    }

    /// Reads a file below layers again, from this decoded byte on.
    pub(super) fn restart(&mut self, offset: u64) -> Result<()> {
        self.current = None;
        self.fault = None;
        let Some(Stored { file: Some(file), len, restart }) = &mut self.layers.stored else { return Ok(()) };
        *restart = None;
        let (file, len) = (Arc::clone(file), *len);
        let bottom = self.layers.bottom(&file, len).map_err(|error| self.read_error(error))?;
        let mut reader = self.layers.stack(bottom);
        let passed = io::copy(&mut reader.by_ref().take(offset), &mut io::sink());
        let pool = crossbeam_channel::bounded(4);
        self.origin = Origin::Pipe { reader, pool };
        self.end = offset;
        match passed {
            Ok(passed) if passed == offset => Ok(()),
            Ok(_) => {
                self.check_unchanged()?;
                Err(Error::io("read", &self.name, io::ErrorKind::UnexpectedEof.into()))
            }
            Err(error) => Err(self.read_error(error)),
        }
    }

    /// The sheet that the input is.
    #[must_use]
    pub fn sheet(&self) -> Option<&SheetInfo> {
        #[cfg(feature = "spreadsheets")]
        if let Some(sheet) = &self.layers.sheet {
            return Some(&sheet.info);
        }
        None
    }

    /// The encoding that the input is decoded from.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        self.layers.encoding
    }

    /// How the input is compressed.
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        self.layers.packed()
    }

    /// Of an input that is unpacked or decoded, the bytes before that: those that were used so far, and all, where that is known.
    #[must_use]
    pub fn encoded(&self) -> Option<(u64, Option<u64>)> {
        let total = self.layers.stored.as_ref().map(|stored| stored.len);
        self.layers.any().then(|| (self.layers.read.load(Ordering::Relaxed), total))
    }

    /// How long the input is in bytes of its own, before unpacking and decoding, where that is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.encoded().map_or_else(|| self.total(), |(_, total)| total)
    }

    /// How far the input was read in bytes of its own, when the reader is at `offset`.
    #[must_use]
    pub fn reached(&self, offset: u64) -> u64 {
        self.encoded().map_or(offset, |(read, _)| read)
    }

    /// Ends compressed input that unpacks to nothing but filling: an error if 16 MiB brought no contact. The reader is at `at` and has
    /// found `contacts` so far.
    ///
    /// # Errors
    /// There was none for too long.
    pub fn expect_contact(&mut self, at: Position, contacts: u64) -> Result<()> {
        let (offset, count) = self.layers.last;
        if count != contacts {
            self.layers.last = (at.offset, contacts);
        } else if self.layers.packed().is_some() && at.offset.saturating_sub(offset) > WITHOUT_CONTACT_MAX {
            let what = format!(
                "{WITHOUT_CONTACT_MAX} bytes were unpacked without a contact among them: this is no export, or one contact is far too long"
            );
            return Err(Kind::TooLarge { input: self.name.clone(), position: at, what }.into());
        }
        Ok(())
    }

    /// Closes a file that can be opened again, so that any number of inputs takes one open file at a time. Until
    /// [`Source::resume`], nothing can be read from it.
    pub fn suspend(&mut self) {
        #[cfg(feature = "spreadsheets")]
        if self.layers.sheet.is_some() && self.watch.is_none() {
            // The temporary file stays open, and what reads it goes.
            self.current = None;
            if let Origin::Pipe { reader, .. } = &mut self.origin {
                *reader = Pipe::empty();
            }
            return;
        }
        let is_file = matches!(self.origin, Origin::File { .. }) || self.layers.stored.is_some();
        if !is_file || !self.watch.as_ref().is_some_and(|watch| watch.close()) {
            return;
        }
        self.current = None;
        match (&mut self.origin, &mut self.layers.stored) {
            (Origin::File { file, .. }, _) => *file = None,
            (Origin::Pipe { reader, .. }, Some(stored)) => {
                stored.file = None;
                // Buffers and machines of the layers go as well.
                *reader = Pipe::empty();
            }
            _ => {}
        }
    }

    /// Opens a file that was closed, to be read from `offset` on. Does nothing for any other input.
    ///
    /// # Errors
    /// It cannot be opened, or changed meanwhile.
    pub fn resume(&mut self, offset: u64) -> Result<()> {
        #[cfg(feature = "spreadsheets")]
        if self.layers.sheet.is_some() && self.watch.is_none() && self.current.is_none() {
            return self.restart(offset);
        }
        let Some(watch) = &self.watch else { return Ok(()) };
        match (&mut self.origin, &mut self.layers.stored) {
            (Origin::File { file: file @ None, .. }, _) => {
                *file = Some(watch.reopen()?);
                self.end = offset;
                Ok(())
            }
            (_, Some(Stored { file: file @ None, .. })) => {
                *file = Some(watch.reopen()?);
                self.restart(offset)
            }
            _ => Ok(()),
        }
    }

    /// The error for a failed read of what comes behind the bytes that were handed out.
    pub(super) fn read_error(&self, error: io::Error) -> Error {
        let fault = self.fault(self.end, &error);
        if fault.is_packed { fault.error(&self.name) } else { Error::io("read", &self.name, error) }
    }

    /// The fault of a failed read behind byte `at`.
    pub(super) fn fault(&self, at: u64, error: &io::Error) -> Fault {
        #[cfg(feature = "spreadsheets")]
        if let Some(SheetFault(what)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Fault { at, kind: error.kind(), text: what.clone(), is_packed: true };
        }
        #[cfg(feature = "compression")]
        if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<unpack::Fault>()) {
            let text = format!("{fault}: at byte {}, after {at} unpacked ones; {}", fault.at, fault.help());
            return Fault { at, kind: error.kind(), text, is_packed: true };
        }
        Fault { at, kind: error.kind(), text: error.to_string(), is_packed: false }
    }
}

impl Fault {
    /// The error of an input with this name.
    pub(super) fn error(&self, name: &str) -> Error {
        match self.is_packed {
            true => Kind::Compressed { input: name.to_owned(), what: self.text.clone() }.into(),
            false => Error::io("read", name, io::Error::new(self.kind, self.text.clone())),
        }
    }
}
