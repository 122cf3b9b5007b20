//! Compressed data, by its first bytes.

/// How an input is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// A member of a zip archive.
    Zip,
}

impl Compression {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Zip => "zip",
        }
    }

    /// By the first four bytes.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Compression> {
        [Compression::Gzip, Compression::Zstd].into_iter().find(|kind| kind.begins(bytes) == Some(true))
    }

    /// Whether `bytes` begin a member or frame of it; `None` if there are too few.
    pub(super) fn begins(self, bytes: &[u8]) -> Option<bool> {
        match (self, bytes) {
            (Compression::Gzip, [a, b, ..]) => Some([*a, *b] == [0x1f, 0x8b]),
            // A frame, or a skippable one.
            (Compression::Zstd, [a, b, c, d, ..]) => {
                Some(matches!([*a, *b, *c, *d], [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18]))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_by_its_first_bytes() {
        for (bytes, kind) in [
            (&b"\x1f\x8b\x08\0"[..], Some(Compression::Gzip)),
            (b"\x1f\x8b", Some(Compression::Gzip)),
            (b"\x28\xb5\x2f\xfd", Some(Compression::Zstd)),
            (b"\x50\x2a\x4d\x18\x04", Some(Compression::Zstd)),
            (b"\x28\xb5\x2f", None),
            (b"\x1f", None),
            (b"PK\x03\x04", None),
            (b"{\"em", None),
            (b"", None),
        ] {
            assert_eq!(Compression::sniff(bytes), kind, "{bytes:?}");
        }
    }
}
