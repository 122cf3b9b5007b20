//! Text that is not UTF-8, decoded as it is read.

use super::pipe::Pipe;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are decoded at once.
const BLOCK: usize = 64 << 10;
/// Stands for a sequence that the encoding does not have. It occurs in no UTF-8, so the contact that has it is rejected; a
/// replacement character would hide it.
const UNDECODABLE: u8 = 0xff;
/// Stands for a character that the input ends in: the first byte of one of two bytes.
const CUT_OFF: u8 = 0xc3;

/// A character encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Known(&'static encoding_rs::Encoding),
    /// UTF-32, which the encodings of the web leave out.
    Utf32 {
        big: bool,
    },
}

impl Encoding {
    /// The encoding with this label: the labels of the web (`windows-1252`, `latin1`, `shift_jis` ...), and `utf-32`.
    ///
    /// # Errors
    /// There is none; the text names some.
    ///
    /// ```
    /// use presort::Encoding;
    ///
    /// assert_eq!(Encoding::of_label("latin1").unwrap().name(), "windows-1252");
    /// assert!(Encoding::of_label("klingon").is_err());
    /// ```
    pub fn of_label(label: &str) -> Result<Encoding, String> {
        let known = match label.trim().to_ascii_lowercase().as_str() {
            "utf-32" | "utf32" | "utf-32le" | "utf32le" => Some(Kind::Utf32 { big: false }),
            "utf-32be" | "utf32be" => Some(Kind::Utf32 { big: true }),
            label => encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()).map(Kind::Known),
        };
        known.map(Encoding).ok_or_else(|| {
            "no encoding has this label: some that exist are windows-1252, iso-8859-2, macintosh, windows-1251, shift_jis, gbk, \
             utf-16le and utf-8"
                .to_owned()
        })
    }

    /// One of the encodings of the web.
    #[cfg(feature = "tables")]
    pub(super) fn known(encoding: &'static encoding_rs::Encoding) -> Encoding {
        Encoding(Kind::Known(encoding))
    }

    /// The encoding that a byte-order mark names.
    #[must_use]
    pub fn of_mark(bytes: &[u8]) -> Option<Encoding> {
        Some(Encoding(match bytes {
            [0xff, 0xfe, 0, 0, ..] => Kind::Utf32 { big: false },
            [0, 0, 0xfe, 0xff, ..] => Kind::Utf32 { big: true },
            [0xff, 0xfe, ..] => Kind::Known(encoding_rs::UTF_16LE),
            [0xfe, 0xff, ..] => Kind::Known(encoding_rs::UTF_16BE),
            [0xef, 0xbb, 0xbf, ..] => Kind::Known(encoding_rs::UTF_8),
            _ => return None,
        }))
    }

    /// UTF-16 or UTF-32, by a byte-order mark or by the zero bytes of a first ASCII character, among the first four bytes.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Encoding> {
        let by_zeros = || match bytes {
            [1..=0x7f, 0, 0, 0, ..] => Some(Kind::Utf32 { big: false }),
            [0, 0, 0, 1..=0x7f, ..] => Some(Kind::Utf32 { big: true }),
            [1..=0x7f, 0, ..] => Some(Kind::Known(encoding_rs::UTF_16LE)),
            [0, 1..=0x7f, ..] => Some(Kind::Known(encoding_rs::UTF_16BE)),
            _ => None,
        };
        Encoding::of_mark(bytes).or_else(|| by_zeros().map(Encoding)).filter(|encoding| !encoding.is_utf8())
    }

    /// True if nothing has to be decoded.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        self.0 == Kind::Known(encoding_rs::UTF_8)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            // Labels and names of the web are in upper and lower case.
            Kind::Known(encoding) => encoding.name(),
            Kind::Utf32 { big: false } => "UTF-32LE",
            Kind::Utf32 { big: true } => "UTF-32BE",
        }
    }

    /// Its name without the byte order.
    #[must_use]
    pub fn family(self) -> &'static str {
        let name = self.name();
        name.strip_suffix("LE").or_else(|| name.strip_suffix("BE")).unwrap_or(name)
    }
}

/// Decodes what it reads to UTF-8, in constant memory.
pub(super) struct Decoder<'i> {
    input: Pipe<'i>,
    machine: Machine,
    raw: Vec<u8>,
    out: Vec<u8>,
    /// Bytes of `out` that were handed out.
    taken: usize,
    is_over: bool,
    /// Bytes of the input that were decoded.
    read: Arc<AtomicU64>,
}

enum Machine {
    Known(Box<encoding_rs::Decoder>),
    Utf32 { big: bool, unit: Vec<u8> },
}

impl<'i> Decoder<'i> {
    pub(super) fn new(encoding: Encoding, input: Pipe<'i>, read: Arc<AtomicU64>) -> Self {
        read.store(0, Ordering::Relaxed);
        let machine = match encoding.0 {
            Kind::Known(encoding) => Machine::Known(Box::new(encoding.new_decoder_without_bom_handling())),
            Kind::Utf32 { big } => Machine::Utf32 { big, unit: Vec::with_capacity(4) },
        };
        let (raw, out) = (vec![0; BLOCK], Vec::new());
        Decoder { input, machine, raw, out, taken: 0, is_over: false, read }
    }

    /// The input, to see whether it has bytes; none while there is something to hand out.
    pub(super) fn awaited(&self) -> Option<&Pipe<'i>> {
        (self.taken == self.out.len() && !self.is_over).then_some(&self.input)
    }

    /// Decodes the next block.
    fn fill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.taken = 0;
        let len = self.input.read(&mut self.raw)?;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        self.is_over = len == 0;
        self.machine.decode(&self.raw[..len], self.is_over, &mut self.out);
        Ok(())
    }
}

impl Machine {
    /// Appends these bytes in UTF-8; `last` says that the input ends behind them.
    fn decode(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        match self {
            Machine::Known(decoder) => {
                let mut rest = bytes;
                loop {
                    let done = out.len();
                    let room = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(4 * BLOCK);
                    out.resize(done + room, 0);
                    let (result, read, written) =
                        decoder.decode_to_utf8_without_replacement(rest, &mut out[done..], last);
                    out.truncate(done + written);
                    rest = &rest[read..];
                    match result {
                        encoding_rs::DecoderResult::InputEmpty => return,
                        encoding_rs::DecoderResult::OutputFull => {}
                        encoding_rs::DecoderResult::Malformed(..) => {
                            out.push(if last && rest.is_empty() { CUT_OFF } else { UNDECODABLE });
                        }
                    }
                }
            }
            Machine::Utf32 { big, unit } => {
                for byte in bytes {
                    unit.push(*byte);
                    let Ok(four) = <[u8; 4]>::try_from(&unit[..]) else { continue };
                    unit.clear();
                    match char::from_u32(if *big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }) {
                        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                        None => out.push(UNDECODABLE),
                    }
                }
                if last && !unit.is_empty() {
                    unit.clear();
                    out.push(CUT_OFF);
                }
            }
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.out.len() {
            if self.is_over {
                return Ok(0);
            }
            self.fill()?;
        }
        let len = buffer.len().min(self.out.len() - self.taken);
        buffer[..len].copy_from_slice(&self.out[self.taken..self.taken + len]);
        self.taken += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hands out a few bytes at a time.
    struct Pieces(Vec<u8>, usize);
    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(buffer.len()).min(self.0.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0.drain(..len);
            Ok(len)
        }
    }

    fn decoded(label: &str, bytes: &[u8], before: usize, piece: usize) -> Vec<u8> {
        let input = Pipe::Reader(Box::new(Pieces(bytes[before..].to_vec(), piece))).behind(bytes[..before].to_vec());
        let read = Arc::new(AtomicU64::new(7));
        let encoding = Encoding::of_label(label).unwrap();
        let mut out = Vec::new();
        Decoder::new(encoding, input, Arc::clone(&read)).read_to_end(&mut out).unwrap();
        assert_eq!(read.load(Ordering::Relaxed), bytes.len() as u64);
        out
    }

    fn encoded(label: &str, text: &str) -> Vec<u8> {
        let units = text.encode_utf16();
        let chars = text.chars().map(u32::from);
        match label {
            "utf-16le" => units.flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => units.flat_map(u16::to_be_bytes).collect(),
            "utf-32le" => chars.flat_map(u32::to_le_bytes).collect(),
            "utf-32be" => chars.flat_map(u32::to_be_bytes).collect(),
            _ => unreachable!(),
        }
    }

    proptest! {
        #[test]
        fn any_text_is_decoded_however_it_comes(text in "\\PC{0,40}|[\u{0}-\u{7f}]{0,9}", before in 0usize..9, piece in 1usize..9) {
            for label in ["utf-16le", "utf-16be", "utf-32le", "utf-32be"] {
                let bytes = encoded(label, &text);
                prop_assert_eq!(&decoded(label, &bytes, before.min(bytes.len()), piece), text.as_bytes());
            }
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_no_utf8() {
        for piece in [1, 2, 3, 100] {
            // A lone high surrogate, a lone low one, and a high one at the end.
            assert_eq!(decoded("utf-16le", b"a\0\0\xd8b\0\0\xdcc\0", 0, piece), b"a\xffb\xffc");
            assert_eq!(decoded("utf-16be", b"\0a\xd8\0", 0, piece), b"a\xc3");
            assert_eq!(decoded("utf-16le", b"a\0b", 0, piece), b"a\xc3");
            assert_eq!(decoded("utf-32le", b"a\0\0\0\0\xd8\0\0\0\0\x11\0b\0\0", 0, piece), b"a\xff\xff\xc3");
            assert_eq!(
                decoded("shift_jis", b"\x83\x65a\x83", 0, piece),
                "テa".bytes().chain([0xc3]).collect::<Vec<_>>()
            );
            assert_eq!(decoded("shift_jis", b"\x80\xa0", 0, piece), "\u{80}".bytes().chain([0xff]).collect::<Vec<_>>());
            assert_eq!(decoded("utf-16le", b"", 0, piece), b"");
        }
        assert_eq!(decoded("windows-1252", b"Jos\xe9 \x80", 0, 1), "José €".as_bytes());
    }

    #[test]
    fn encodings_by_their_first_bytes() {
        for (bytes, name) in [
            (&b"\xff\xfe\0\0"[..], Some("UTF-32LE")),
            (b"\0\0\xfe\xff", Some("UTF-32BE")),
            (b"\xff\xfe{\0", Some("UTF-16LE")),
            (b"\xff\xfe", Some("UTF-16LE")),
            (b"\xfe\xff\0{", Some("UTF-16BE")),
            (b"{\0\"\0", Some("UTF-16LE")),
            (b"\n\0{\0", Some("UTF-16LE")),
            (b"\0[\0{", Some("UTF-16BE")),
            (b"{\0\0\0", Some("UTF-32LE")),
            (b"\0\0\0[", Some("UTF-32BE")),
            (b"\xef\xbb\xbf{", None),
            (b"{\"em", None),
            (b"\0\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(Encoding::sniff(bytes).map(Encoding::name), name, "{bytes:?}");
        }
        assert!(Encoding::of_mark(b"\xef\xbb\xbf").is_some_and(Encoding::is_utf8));
        assert_eq!(Encoding::of_label("UTF-32BE").unwrap().family(), "UTF-32");
        assert!(Encoding::of_label("iso-2022-kr").unwrap_err().contains("windows-1252"));
    }
}
