//! Zip archives, written byte by byte so that they can be wrong.

use flate2::{Compression, Crc, write::DeflateEncoder};
use std::io::Write;

/// How a member is written.
#[derive(Clone, Copy, Default)]
pub struct How {
    pub is_stored: bool,
    pub is_encrypted: bool,
    pub is_zip64: bool,
    pub wrong_crc: bool,
    /// The directory says that each member has so many bytes.
    pub says_len: Option<usize>,
}

/// A zip archive of these members.
pub fn zip(members: &[(&str, &[u8])], how: How) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    let u16 = |n: usize| (n as u16).to_le_bytes();
    let u32 = |n: usize| (n as u32).to_le_bytes();
    for (name, bytes) in members {
        let len = how.says_len.unwrap_or(bytes.len());
        let mut crc = Crc::new();
        crc.update(bytes);
        let sum = crc.sum() ^ u32::from(how.wrong_crc);
        let packed = if how.is_stored {
            bytes.to_vec()
        } else {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let offset = out.len();
        let common = |out: &mut Vec<u8>| {
            out.extend(u16(usize::from(how.is_encrypted)));
            out.extend(u16(if how.is_stored { 0 } else { 8 }));
            out.extend([0; 4]);
            out.extend(sum.to_le_bytes());
            let sizes = if how.is_zip64 { [u32::MAX; 2] } else { [packed.len() as u32, len as u32] };
            sizes.iter().for_each(|size| out.extend(size.to_le_bytes()));
            out.extend(u16(name.len()));
        };
        out.extend(b"PK\x03\x04\x14\0");
        common(&mut out);
        out.extend(u16(0));
        out.extend(name.as_bytes());
        out.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\0\x14\0");
        common(&mut directory);
        directory.extend(u16(if how.is_zip64 { 28 } else { 0 }));
        directory.extend([0; 10]);
        directory.extend(if how.is_zip64 { [0xff; 4] } else { u32(offset) });
        directory.extend(name.as_bytes());
        if how.is_zip64 {
            directory.extend(b"\x01\0\x18\0");
            [len, packed.len(), offset].iter().for_each(|n| directory.extend((*n as u64).to_le_bytes()));
        }
    }
    let at = out.len();
    out.extend(&directory);
    let end = out.len();
    if how.is_zip64 {
        out.extend(b"PK\x06\x06");
        out.extend(44u64.to_le_bytes());
        out.extend([0; 12]);
        for n in [members.len(), members.len(), directory.len(), at] {
            out.extend((n as u64).to_le_bytes());
        }
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend((end as u64).to_le_bytes());
        out.extend([1, 0, 0, 0]);
    }
    out.extend(b"PK\x05\x06\0\0\0\0");
    let count = if how.is_zip64 { 0xffff } else { members.len() };
    out.extend([u16(count), u16(count)].concat());
    let sizes = if how.is_zip64 { [[0xff; 4]; 2] } else { [u32(directory.len()), u32(at)] };
    out.extend(sizes.concat());
    out.extend([0, 0]);
    out
}
