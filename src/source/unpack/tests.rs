//! Compressed data in every piece size, whole and damaged.

use super::*;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::Write;

/// Hands out a few bytes at a time.
struct Pieces(Vec<u8>, usize, usize);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.1.min(buffer.len()).min(self.0.len() - self.2);
        buffer[..len].copy_from_slice(&self.0[self.2..self.2 + len]);
        self.2 += len;
        Ok(len)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn packed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Gzip => gzip(bytes),
        Compression::Zstd => zstd(bytes),
        Compression::Zip => unreachable!("members have a reader of their own"),
    }
}

const BOTH: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

/// What comes out of `packed`, read in pieces into blocks of `room` bytes; what went wrong; and how many bytes were used.
fn unpacked(compression: Compression, packed: &[u8], piece: usize, room: usize) -> (Vec<u8>, Option<String>, u64) {
    let read = Arc::new(AtomicU64::new(7));
    let input = Pipe::Reader(Box::new(Pieces(packed.to_vec(), piece, 0)));
    let mut unpacker = Unpacker::new(compression, input, Arc::clone(&read));
    let (mut out, mut block) = (Vec::new(), vec![0; room]);
    let fault = loop {
        match unpacker.read(&mut block) {
            Ok(0) => break None,
            Ok(len) => out.extend_from_slice(&block[..len]),
            Err(error) => break Some(error),
        }
    };
    if fault.is_some() {
        assert!(unpacker.read(&mut block).is_err(), "a fault comes again");
    }
    (out, fault.map(|fault| fault.to_string()), read.load(Ordering::Relaxed))
}

proptest! {
    #[test]
    fn any_bytes_come_back(
        parts in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..400), 1..4),
        piece in 1usize..50, room in 1usize..90, padding in 0usize..5,
    ) {
        for compression in BOTH {
            let mut all: Vec<u8> = parts.iter().flat_map(|part| packed(compression, part)).collect();
            all.resize(all.len() + padding, 0);
            let (out, fault, read) = unpacked(compression, &all, piece, room);
            prop_assert_eq!(&out, &parts.concat());
            prop_assert_eq!((fault, read), (None, all.len() as u64));
        }
    }

    #[test]
    fn damage_never_panics_and_never_adds_anything(at in 0usize..200, bit in 0u8..8, piece in 1usize..50) {
        let text = b"{\"email\":\"joe@example.com\",\"first_name\":\"Joe\"}\n".repeat(9);
        for compression in BOTH {
            let mut all = packed(compression, &text);
            let at = at % all.len();
            all[at] ^= 1 << bit;
            let (out, fault, _) = unpacked(compression, &all, piece, 64);
            // A flag or the time of a gzip header may change without harm.
            prop_assert!(fault.is_some() || out == text || (compression == Compression::Zstd && at < 8));
        }
    }
}

#[test]
fn every_prefix_gives_what_is_in_it() {
    let text = b"{\"email\":\"joe@example.com\"}\n{\"email\":\"ann@example.com\"}\n".repeat(3);
    for compression in BOTH {
        let all = packed(compression, &text);
        for len in 0..all.len() {
            for piece in [1, 7, 1000] {
                let (out, fault, _) = unpacked(compression, &all[..len], piece, 1000);
                assert!(text.starts_with(&out), "{len}");
                let least = if compression == Compression::Gzip { 2 } else { 4 };
                let expected = match len {
                    0 => None,
                    len if len < least => Some("other data follows"),
                    _ => Some("is cut off"),
                };
                assert_eq!(fault.is_some(), expected.is_some(), "{len}: {fault:?}");
                assert!(fault.is_none_or(|fault| fault.contains(expected.unwrap())), "{len}");
            }
        }
        // All of it is there but the checksum.
        assert_eq!(unpacked(compression, &all[..all.len() - 1], 9, 10).0, text);
    }
}

#[test]
fn what_follows_the_data() {
    for compression in BOTH {
        let one = packed(compression, b"one ");
        for (behind, fault) in
            [(&b"\0\0\0\0\0"[..], false), (b"x", true), (b"\0\0x", true), (b"\x1f", true), (b"garbage", true)]
        {
            for piece in [1, 3, 1000] {
                let (out, found, _) = unpacked(compression, &[&one[..], behind].concat(), piece, 3);
                assert_eq!(out, b"one ");
                assert_eq!(found.is_some_and(|found| found.contains("other data follows")), fault, "{behind:?}");
            }
        }
    }
    // Frames that hold nothing for us, before, between and behind the others.
    let skipped = [&b"\x5a\x2a\x4d\x18\x05\0\0\0"[..], b"hello"].concat();
    let all = [&skipped[..], &zstd(b"one "), &skipped, &zstd(b"two"), &skipped].concat();
    for piece in [1, 2, 1000] {
        assert_eq!(unpacked(Compression::Zstd, &all, piece, 2), (b"one two".to_vec(), None, all.len() as u64));
    }
}

#[test]
fn windows_and_checksums() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(b"small").unwrap();
    let (out, fault, _) = unpacked(Compression::Zstd, &encoder.finish().unwrap(), 1000, 10);
    assert!(out.is_empty() && fault.unwrap().contains("more than 128 MiB of memory"));
    for compression in BOTH {
        let mut all = packed(compression, b"all of this is right");
        let at = all.len() - if compression == Compression::Gzip { 6 } else { 2 };
        all[at] ^= 1;
        let (out, fault, _) = unpacked(compression, &all, 1000, 1000);
        assert_eq!(out, b"all of this is right");
        assert!(fault.is_some_and(|fault| fault.contains("is broken (")));
    }
}
