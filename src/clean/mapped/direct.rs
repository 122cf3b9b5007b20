//! Records that need no more than other names, as nearly all do: flat, with at most a space behind a colon or comma, every value for
//! a member of its own or for none. They are rewritten in one pass over masks of 64 bytes, with no list of cells. Every other record
//! is refused, and read as in the module above; a test compares both ways.

mod names;
mod record;

use super::{InputMapping, append_line, padded_record};
use crate::clean::batch::Batch;
use crate::json::split::Span;
use crate::rules::whole::CONTACT_BYTES_MAX;
use crate::simd::{Backend, Choice, with_backend};
use names::{Names, Plan, place};
use record::{FIRST, Record, Scan, Spaces};
use std::ops::Range;

/// Bytes that are compared and copied at once.
const WIDE: usize = 32;
/// Most bytes of a member's name with its punctuation. A longer one takes the other way.
const PREFIX: usize = 64;

/// Rewrites records in one pass. See the [module](self).
#[derive(Debug)]
pub(super) struct Direct {
    choice: Choice,
    plans: Vec<Plan>,
    names: Names,
    /// The number of the current record.
    number: u64,
    /// Values that say nothing, which come behind the others.
    blank: Vec<(usize, Range<usize>)>,
    spaces: Spaces,
    /// The record that is being written, with room for all its columns.
    line: Vec<u8>,
    /// A record behind which there are no more bytes.
    padded: Vec<u8>,
}

impl Direct {
    /// For the records of an input of JSON; none where the contact is an object within the record.
    pub(super) fn new(input: &InputMapping, choice: Choice) -> Option<Self> {
        let columns = &input.mapping.columns;
        if input.contact.is_some() || columns.is_empty() {
            return None;
        }
        let plans: Vec<Plan> = columns.iter().map(|column| Plan::new(column, columns)).collect();
        Some(Direct {
            choice,
            names: Names::new(&plans),
            plans,
            number: 0,
            spaces: Spaces::default(),
            blank: Vec::new(),
            line: Vec::new(),
            padded: Vec::new(),
        })
    }

    /// Appends the records from `first` on to `out`, a line each, up to the first that needs another look. Returns how many it wrote.
    pub(super) fn write(&mut self, batch: &Batch<'_>, first: usize, out: &mut Vec<u8>, spans: &mut Vec<Span>) -> usize {
        let choice = self.choice;
        with_backend!(choice, write_records, (
            direct: &mut Direct = self,
            batch: &Batch<'_> = batch,
            rest: &[Span] = &batch.spans[first..],
            out: &mut Vec<u8> = out,
            spans: &mut Vec<Span> = spans,
        ) -> usize)
    }
}

#[inline(always)]
fn write_records<B: Backend>(
    backend: B,
    direct: &mut Direct,
    batch: &Batch<'_>,
    rest: &[Span],
    out: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> usize {
    let mut padded = std::mem::take(&mut direct.padded);
    let mut done = 0;
    for span in rest {
        let len = (span.end - span.start) as usize;
        if !span.whole || len as u64 > CONTACT_BYTES_MAX {
            break;
        }
        let bytes = padded_record(batch, span, &mut padded);
        // As many ways to put spaces there are.
        let mut used = None;
        for _ in 0..4 {
            let spaces = direct.spaces;
            used = direct.write_record(backend, bytes, len);
            if used.is_some() || direct.spaces == spaces {
                break;
            }
        }
        let Some(used) = used else { break };
        append_line(&direct.line[..used], span, out, spans);
        done += 1;
    }
    direct.padded = padded;
    done
}

impl Direct {
    /// Writes the record that is the first `len` of these bytes, behind which there are [`PADDING`] more, as a line. Returns its length
    /// with its line break, or nothing if the record needs another look.
    #[inline(always)]
    fn write_record<B: Backend>(&mut self, backend: B, bytes: &[u8], len: usize) -> Option<usize> {
        let Direct { plans, names, number, blank, line, spaces, .. } = self;
        let room = len + (plans.len() + 1) * (PREFIX + WIDE);
        if line.len() < room {
            line.resize(room * 2, 0);
        }
        *number += 1;
        blank.clear();
        let mut line = Line { bytes: line, used: 0 };
        let record = Record::new(bytes, len)?;
        let mut scan = Scan { record, spaces: *spaces, special: 0, non_ascii: 0 };
        if bytes.first() != Some(&b'{') {
            return None;
        }
        let mut at = 1;
        loop {
            let window = record.load(at)?;
            let Some(member) = scan.member(backend, window, at) else {
                *spaces = scan.spaces;
                return None;
            };
            let mut index = names.first[place(window, member.close, &names.factors)] as usize;
            if !plans[index].is(backend, window) {
                index = names.find(bytes.get(at + 1..at + member.close + 2)?, plans)?;
            }
            if plans[index].rivals.iter().any(|rival| plans[*rival as usize].met == *number) {
                return None;
            }
            let plan = &mut plans[index];
            if plan.met >= *number {
                return None;
            }
            plan.met = *number;
            let (value, end) = (member.value, member.end);
            if FIRST[usize::from(member.first)] && member.is_blank(bytes) {
                if plan.is_known {
                    blank.push((index, value..end));
                }
            } else {
                if plan.is_checked {
                    plan.gate.check(member.text(bytes)?)?;
                    if plan.is_joined
                        && member.has_colons
                        && memchr::memmem::find(member.text(bytes)?, b":::").is_some()
                    {
                        return None;
                    }
                }
                if plan.prefix_len != 0 {
                    line.append(&plan.prefix, plan.prefix_len, record, value..end)?;
                }
            }
            match record.load::<1>(end)? {
                b"," => at = end + 1 + scan.spaces.behind_comma,
                b"}" if end + 1 == len => break,
                _ => return None,
            }
        }
        if scan.special != 0 || scan.non_ascii != 0 && std::str::from_utf8(bytes.get(..len)?).is_err() {
            return None;
        }
        for (index, value) in blank.iter() {
            let plan = &plans[*index];
            line.append(&plan.prefix, plan.prefix_len, record, value.clone())?;
        }
        line.close()
    }
}

/// A line that is being written.
struct Line<'l> {
    bytes: &'l mut [u8],
    /// Bytes that are written.
    used: usize,
}

impl Line<'_> {
    /// Appends a prefix and a value. It copies whole blocks: what is not to be there is overwritten by what follows. None if there is no
    /// room for them.
    #[inline(always)]
    fn append(
        &mut self,
        prefix: &[u8; PREFIX],
        prefix_len: usize,
        from: Record<'_>,
        value: Range<usize>,
    ) -> Option<()> {
        let len = value.end.checked_sub(value.start)?;
        let room = self.used + PREFIX + WIDE + len;
        if room > self.bytes.len() || prefix_len > PREFIX {
            return None;
        }
        // SAFETY: the prefix needs `PREFIX` bytes at most. Behind it, blocks of `WIDE` bytes begin before `len`, or at 0. There is room
        // for all of that behind `used`, as was checked, and the line is not the record.
        unsafe {
            let to = self.bytes.as_mut_ptr().add(self.used);
            to.cast::<[u8; WIDE]>().write_unaligned(*prefix.first_chunk()?);
            if prefix_len > WIDE {
                to.cast::<[u8; PREFIX]>().write_unaligned(*prefix);
            }
            let to = to.add(prefix_len);
            to.cast::<[u8; WIDE]>().write_unaligned(*from.load(value.start)?);
            let mut at = WIDE;
            while at < len {
                to.add(at).cast::<[u8; WIDE]>().write_unaligned(*from.load(value.start + at)?);
                at += WIDE;
            }
        }
        self.used += prefix_len + len;
        Some(())
    }

    /// Makes an object and a line of it: the first comma becomes the brace. Returns the length.
    #[inline(always)]
    fn close(self) -> Option<usize> {
        // A record of which nothing is taken.
        let used = self.used.max(1);
        *self.bytes.first_mut()? = b'{';
        self.bytes.get_mut(used..used + 2)?.copy_from_slice(b"}\n");
        Some(used + 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::fast_path::PADDING;

    #[test]
    fn a_line_has_room_or_is_left_alone() {
        let bytes = [b'v'; 100 + PADDING];
        let record = Record::new(&bytes, 100).unwrap();
        for len in [0, 1, 31, 32, 33, 64, 65, 100] {
            for prefix_len in [1, 31, 32, 33, PREFIX] {
                let room = PREFIX + WIDE + len;
                let mut line = vec![b'-'; room + 1];
                let (bytes, guard) = line.split_at_mut(room);
                let mut line = Line { bytes, used: 0 };
                line.append(&[b'p'; PREFIX], prefix_len, record, 100 - len..100).unwrap();
                assert_eq!(line.used, prefix_len + len);
                assert!(line.bytes[..prefix_len].iter().all(|byte| *byte == b'p'));
                assert!(line.bytes[prefix_len..line.used].iter().all(|byte| *byte == b'v'));
                assert_eq!(guard, b"-");
                assert!(line.append(&[b'p'; PREFIX], prefix_len, record, 100 - len..100).is_none());
            }
        }
        let mut line = Line { bytes: &mut [0; 500], used: 0 };
        assert!(line.append(&[0; PREFIX], PREFIX + 1, record, 0..1).is_none());
        #[allow(clippy::reversed_empty_ranges)]
        let reversed = 2..1;
        assert!(line.append(&[0; PREFIX], 1, record, reversed).is_none());
        assert!(line.append(&[0; PREFIX], 1, record, 101..102).is_none());
    }
}
