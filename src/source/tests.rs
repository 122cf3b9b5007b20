//! Inputs as they come.

use super::*;

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
    let mut source = Source::pipe("pipe".into(), Box::new(Trickle(bytes.clone(), 0, 0)));
    assert!(read_all(&mut source) == bytes);
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
