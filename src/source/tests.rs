//! Inputs as they come.

use super::*;
use std::io::Write;

/// Returns one byte, then two, then three ...
struct Trickle(Vec<u8>, usize, usize);
impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.2 += 1;
        let n = self.2.min(buffer.len()).min(self.0.len() - self.1);
        buffer[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
        self.1 += n;
        Ok(n)
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn read_all(source: &mut Source<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut first = source.current().cloned();
    while let Some(chunk) = first.take().or_else(|| source.next(all.len().saturating_sub(10) as u64).unwrap()) {
        assert!(chunk.base as usize <= all.len());
        let new = chunk.from(all.len() as u64);
        assert!(!new.is_empty() || source.total() == Some(0));
        all.extend_from_slice(new);
    }
    all
}

#[test]
fn files_and_pipes_give_the_same_bytes() {
    let bytes = bytes(2 * WINDOW + 12345);
    let file = file(&bytes);
    let mut source = Source::open(file.path()).unwrap();
    assert_eq!(source.total(), Some(bytes.len() as u64));
    assert!(read_all(&mut source) == bytes);
    let pipe = || Source::pipe("pipe".into(), Box::new(Trickle(bytes.clone(), 0, 0)));
    assert!(read_all(&mut pipe()) == bytes);
    for mut source in [Source::open(file.path()).unwrap(), pipe()] {
        source.next(0).unwrap();
        assert!(read_all(&mut source) == bytes);
    }
}

#[test]
fn limits_hold() {
    let bytes = bytes(1000);
    let file = file(&bytes);
    for (limit, more) in [(999, true), (1000, false), (1001, false)] {
        let pipe = Source::pipe("pipe".into(), Box::new(Trickle(bytes.clone(), 0, 0)));
        for mut source in [Source::open(file.path()).unwrap(), pipe] {
            source.set_limit(limit);
            assert_eq!(read_all(&mut source), bytes[..1000.min(limit as usize)]);
            // However often it is asked.
            for _ in 0..3 {
                assert_eq!(source.has_more_behind_limit().unwrap(), more, "{limit}");
            }
        }
    }
}

#[test]
fn pipes_are_spooled() {
    for (len, spooled) in [(0, false), (100, false), (BLOCK * 3, true)] {
        let bytes = bytes(len);
        let mut source = Source::pipe("pipe".into(), Box::new(Trickle(bytes.clone(), 0, 0)));
        source.next(0).unwrap();
        source.spool(BLOCK as u64).unwrap();
        assert_eq!((source.is_seekable(), source.is_spooled()), (true, spooled));
        assert_eq!(source.total(), Some(len as u64));
        assert!(read_all(&mut source) == bytes);
    }
}

#[test]
fn directories_and_missing_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Source::open(dir.path()).err().unwrap().to_string().contains("directory"));
    assert!(Source::open(&dir.path().join("none")).err().unwrap().to_string().starts_with("cannot open"));
}

#[cfg(unix)]
#[test]
fn a_file_that_shrinks_is_an_error_not_a_crash() {
    let file = file(&bytes(1 << 20));
    let mut source = Source::open(file.path()).unwrap();
    let chunk = source.next(0).unwrap().unwrap();
    assert!(!chunk.is_truncated());
    file.as_file().set_len(5000).unwrap();
    let sum: u64 = chunk.bytes().iter().map(|b| u64::from(*b)).sum();
    assert!(sum > 0 && chunk.is_truncated());
    assert!(source.check_unchanged().unwrap_err().to_string().contains("shorter"));
}

/// Layers of an input: compressed, in another encoding, or both.
#[cfg(feature = "compression")]
mod layers {
    use super::*;
    use crate::model::error::Kind;
    use crate::model::position::Position;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn text(len: usize) -> String {
        (0..len / 10).map(|i| format!("line {i:04}\n")).collect()
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn both(file: &tempfile::NamedTempFile, bytes: &[u8]) -> [Source<'static>; 2] {
        [Source::open(file.path()).unwrap(), Source::pipe("pipe".into(), Box::new(Trickle(bytes.to_vec(), 0, 0)))]
    }

    #[test]
    fn files_and_pipes_are_unpacked_and_decoded() {
        let text = text(3 * BLOCK);
        for (bytes, encoding) in [(gzip(text.as_bytes()), None), (gzip(&utf16(&text)), Some("UTF-16LE"))] {
            let file = file(&bytes);
            for mut source in both(&file, &bytes) {
                source.unpack().unwrap();
                source.decode(None).unwrap();
                assert_eq!(source.compression(), Some(Compression::Gzip));
                assert_eq!(source.encoding().map(Encoding::name), encoding);
                assert_eq!(source.total(), None);
                assert!(read_all(&mut source) == text.as_bytes());
                assert_eq!(source.encoded().unwrap().0, bytes.len() as u64);
                assert!(source.size().is_none_or(|size| size == bytes.len() as u64));
                assert_eq!(source.reached(5), bytes.len() as u64);
            }
        }
    }

    #[test]
    fn a_file_is_closed_and_opened_again_and_goes_back() {
        let text = text(3 * BLOCK);
        for bytes in [gzip(text.as_bytes()), utf16(&text), gzip(&utf16(&text))] {
            let file = file(&bytes);
            let mut source = Source::open(file.path()).unwrap();
            source.unpack().unwrap();
            source.decode(None).unwrap();
            assert!(source.is_seekable());
            source.next(0).unwrap();
            source.suspend();
            assert!(source.current().is_none());
            for offset in [0, 5, 2 * BLOCK as u64 + 1, text.len() as u64 - 1] {
                source.resume(offset).unwrap();
                let chunk = source.next(offset).unwrap().unwrap();
                assert_eq!(chunk.base, offset);
                assert!(text.as_bytes()[offset as usize..].starts_with(chunk.bytes()));
                source.suspend();
            }
            source.resume(0).unwrap();
            assert!(read_all(&mut source) == text.as_bytes());
            source.rewind(7);
            assert_eq!(source.next(7).unwrap().unwrap().bytes()[..10], text.as_bytes()[7..17]);
            source.check_unchanged().unwrap();
        }
    }

    #[test]
    fn an_encoding_is_named_after_a_look_at_the_head() {
        let line = "Jos\u{e9} \u{2014} M\u{fc}ller\n";
        let bytes = encoding_rs::WINDOWS_1252.encode(line).0.repeat(BLOCK / 8);
        let text = line.repeat(BLOCK / 8);
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let file = file(&bytes);
            let memory = Source::memory("memory".into(), bytes.clone());
            let is_packed = bytes.starts_with(b"\x1f");
            for mut source in both(&file, &bytes).into_iter().chain((!is_packed).then_some(memory)) {
                source.unpack().unwrap();
                source.decode(None).unwrap();
                while source.end() < 1000 {
                    source.next(0).unwrap();
                }
                source.decode_as(Encoding::of_label("windows-1252").unwrap()).unwrap();
                assert!(read_all(&mut source) == text.as_bytes());
                assert_eq!(source.encoded().unwrap().0, bytes.len() as u64);
            }
        }
    }

    #[test]
    fn limits_count_unpacked_bytes() {
        let bytes = gzip(&bytes(1000));
        let file = file(&bytes);
        for (limit, more) in [(999, true), (1000, false), (1001, false)] {
            for mut source in both(&file, &bytes) {
                source.set_limit(limit);
                source.unpack().unwrap();
                assert_eq!(read_all(&mut source).len() as u64, limit.min(1000));
                assert_eq!(source.has_more_behind_limit().unwrap(), more);
            }
        }
    }

    /// What came before the fault is handed out first, and the fault comes each time that its place is reached.
    #[test]
    fn faults_stay_where_they_are() {
        let text = text(3 * BLOCK);
        let whole = gzip(text.as_bytes());
        let bytes = &whole[..whole.len() / 2];
        let file = file(bytes);
        for mut source in both(&file, bytes) {
            source.unpack().unwrap();
            let read = |source: &mut Source<'_>, from: u64| {
                let mut end = from;
                loop {
                    match source.next(end) {
                        Ok(Some(chunk)) => end = chunk.end(),
                        Ok(None) => panic!("the fault is lost"),
                        Err(error) => {
                            assert!(matches!(error.kind(), Kind::Compressed { .. }), "{error}");
                            assert!(error.to_string().contains(&format!("after {end} unpacked")), "{error}");
                            return end;
                        }
                    }
                }
            };
            source.next(0).unwrap();
            source.spool(BLOCK as u64).unwrap();
            let from = source.end();
            let end = read(&mut source, from);
            assert!(end > text.len() as u64 / 3 && end < text.len() as u64);
            assert_eq!(read(&mut source, end), end);
            source.rewind(3);
            assert_eq!(read(&mut source, 3), end);
        }
    }

    #[test]
    fn a_read_error_is_not_lost_under_a_layer() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 {
                    1 => {
                        buffer[..5].copy_from_slice(b"Jos\xe9\n");
                        Ok(5)
                    }
                    2 => Err(io::Error::other("the cable was pulled")),
                    _ => Ok(0),
                }
            }
        }
        let mut source = Source::pipe("pipe".into(), Box::new(Broken(0)));
        assert_eq!(source.next(0).unwrap().unwrap().bytes(), b"Jos\xe9\n");
        assert!(source.next(0).err().unwrap().to_string().contains("cable"));
        source.decode_as(Encoding::of_label("windows-1252").unwrap()).unwrap();
        assert_eq!(source.next(0).unwrap().unwrap().bytes(), "Jos\u{e9}\n".as_bytes());
        assert_eq!(source.next(0).err().unwrap().to_string(), "cannot read pipe: the cable was pulled");
    }

    #[test]
    fn a_change_is_named_before_the_damage_that_it_did() {
        let whole = gzip(&bytes(1 << 20));
        let file = file(&whole);
        let mut source = Source::open(file.path()).unwrap();
        source.unpack().unwrap();
        file.as_file().set_len(whole.len() as u64 / 2).unwrap();
        let error = loop {
            match source.next(source.end()) {
                Ok(chunk) => assert!(chunk.is_some()),
                Err(error) => break error,
            }
        };
        assert!(matches!(error.kind(), Kind::Changed { .. }), "{error}");
    }

    #[test]
    fn compressed_data_without_contacts_ends() {
        let bytes = gzip(b"x");
        let mut source = Source::pipe("pipe".into(), Box::new(Trickle(bytes, 0, 0)));
        source.unpack().unwrap();
        let at = |mib: u64| Position { offset: mib << 20, line: 1, column: 0, contact: None };
        assert!(source.expect_contact(at(16), 0).is_ok());
        assert!(source.expect_contact(at(20), 1).is_ok());
        assert!(source.expect_contact(at(36), 1).is_ok());
        assert!(matches!(source.expect_contact(at(37), 1).unwrap_err().kind(), Kind::TooLarge { .. }));
        let mut plain = Source::memory("plain".into(), Vec::new());
        assert!(plain.expect_contact(at(1000), 0).is_ok());
    }
}
