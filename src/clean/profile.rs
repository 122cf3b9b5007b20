//! Statistics of members, domains and outcomes, for a person who has to look at an export. They are of the values as they came, under
//! the contract's names, and only gathered when a run asks for them.
//!
//! Workers count a batch, and the writer adds the batches in input order. Counts add up, sketches merge by maximum, and what has room
//! for some values only ([`Profile`]) takes them contact by contact: the result does not depend on threads or on where batches end.

mod sketch;
mod typos;
mod walk;

use crate::clean::batch::Batch;
use crate::clean::causes::Shape;
use crate::json::syntax::unescape;
use crate::model::finding::Outcome;
use crate::model::member::{KNOWN, MEMBERS, MemberId};
use crate::model::printable;
use sketch::Sketch;
use std::collections::HashMap;
use std::ops::Range;
use walk::{Content, Seen};
use xxhash_rust::xxh3::xxh3_64;

/// Samples, shapes and frequent values are of every contact whose index in its input is a multiple of this.
pub const EVERY: u64 = 64;

/// Different names beside the contract's that have statistics of their own.
const NAMES_MAX: usize = 100;

/// Bytes of such a name.
const NAME_MAX: usize = 64;

/// Different values and shapes of a member that are counted. Those that come later are not.
const VALUES_MAX: usize = 256;
const SHAPES_MAX: usize = 64;

/// Characters of a value.
const VALUE_MAX: usize = 40;

/// Different misspelt domains that are counted.
const TYPOS_MAX: usize = 200;

/// Segments of the strip.
const SEGMENTS: usize = 256;

/// Members of the contract.
const OWN: usize = MemberId::Custom as usize;

/// Counts of one member.
#[derive(Debug, Default, Clone)]
struct Counts {
    filled: u64,
    /// Characters of all values, of the shortest and of the longest.
    chars: u64,
    shortest: u32,
    longest: u32,
    /// Findings about it, by outcome: rejected, held back, changed, kept.
    findings: [u64; 4],
    distinct: Sketch,
}

impl Counts {
    fn value(&mut self, hash: u64, chars: u32) {
        self.shortest = if self.filled == 0 { chars } else { self.shortest.min(chars) };
        self.longest = self.longest.max(chars);
        self.filled += 1;
        self.chars += u64::from(chars);
        self.distinct.insert(hash);
    }

    fn add(&mut self, other: &Counts) {
        if other.filled > 0 {
            self.shortest = if self.filled == 0 { other.shortest } else { self.shortest.min(other.shortest) };
            self.longest = self.longest.max(other.longest);
            self.filled += other.filled;
            self.chars += other.chars;
            self.distinct.merge(&other.distinct);
        }
        for (mine, theirs) in self.findings.iter_mut().zip(other.findings) {
            *mine += theirs;
        }
    }

    fn clear(&mut self) {
        let mut distinct = std::mem::take(&mut self.distinct);
        distinct.clear();
        *self = Counts { distinct, ..Counts::default() };
    }
}

/// What a worker counts in a batch.
#[derive(Debug, Default)]
pub struct BatchProfile {
    /// The contract's members, and then the other names in the order in which they came.
    members: Vec<Counts>,
    names: Vec<String>,
    index: HashMap<String, usize>,
    /// Values of the contacts that are samples: the member, and where the text is.
    sampled: Vec<(u32, Range<usize>)>,
    text: String,
    samples: u64,
    typos: Vec<(String, &'static str)>,
    order: Order,
    domains: DomainMemo,
    contacts: u64,
    /// Contacts with findings: the index in the batch, and what became of them.
    outcomes: Vec<(u32, Segment)>,
}

/// Contacts of a part of the input by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment {
    /// All of them.
    pub seen: u64,
    /// Not in the output.
    pub rejected: u64,
    /// Of these, those who opted out.
    pub opted_out: u64,
    /// In the output, without some value.
    pub held_back: u64,
    /// In the output, complete, with some value changed.
    pub changed: u64,
}

impl Segment {
    fn combine(&mut self, other: Segment, by: fn(u64, u64) -> u64) {
        self.seen = by(self.seen, other.seen);
        self.rejected = by(self.rejected, other.rejected);
        self.opted_out = by(self.opted_out, other.opted_out);
        self.held_back = by(self.held_back, other.held_back);
        self.changed = by(self.changed, other.changed);
    }
}

impl BatchProfile {
    /// Counts the first `checked` contacts of a batch, which is under the contract's names. With `values`, their texts may be shown.
    pub fn batch(&mut self, batch: &Batch<'_>, checked: usize, values: bool) {
        if self.members.is_empty() {
            self.members.resize(OWN, Counts::default());
        }
        for (i, span) in batch.spans.iter().take(checked).enumerate() {
            self.contacts += 1;
            let is_sample = (batch.first + i as u64).is_multiple_of(EVERY);
            self.samples += u64::from(is_sample);
            self.order.next = 0;
            walk::members(batch.contact(span), |name, value| self.member(name, value, is_sample, values));
        }
    }

    fn member(&mut self, name: &[u8], value: Seen<'_>, is_sample: bool, values: bool) {
        let (bytes, content) = match value {
            Seen::Text(bytes, content) => (bytes, content),
            Seen::Other(bytes) => (bytes, Content { escaped: false, beyond_ascii: !bytes.is_ascii() }),
            Seen::Null => return,
        };
        if bytes.first().is_none_or(|first| *first == b' ') && bytes.iter().all(|b| *b == b' ') {
            return;
        }
        let at = match self.order.find(name) {
            Some(at) => at,
            None => {
                let own = std::str::from_utf8(name).map_or(MemberId::Unknown, MemberId::of);
                let at = if own < MemberId::Custom { own as usize } else { self.other(name) };
                self.order.insert(name, at);
                at
            }
        };
        let chars = match content {
            Content { escaped: true, .. } => unescape(bytes).chars().count(),
            Content { beyond_ascii: false, .. } => bytes.len(),
            // Bytes that begin a character.
            _ => bytes.iter().filter(|b| (**b as i8) >= -64).count(),
        };
        self.members[at].value(xxh3_64(bytes), chars as u32);
        if at == MemberId::Email as usize
            && values
            && let Some(separator) = bytes.iter().rposition(|byte| *byte == b'@')
            && let Some(meant) = self.domains.meant(&bytes[separator + 1..])
        {
            let domain = String::from_utf8_lossy(&bytes[separator + 1..]).to_ascii_lowercase();
            self.typos.push((domain, meant));
        }
        if is_sample {
            let start = self.text.len();
            let text = unescape(bytes);
            self.text.extend(text.chars().take(2 * VALUE_MAX));
            self.sampled.push((at as u32, start..self.text.len()));
        }
    }

    /// The place of a name that is not the contract's.
    fn other(&mut self, name: &[u8]) -> usize {
        let text = unescape(name);
        let name = printable::cut(&text, NAME_MAX);
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        let at = self.members.len();
        self.members.push(Counts::default());
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), at);
        at
    }

    /// Counts a finding about a member.
    pub fn finding(&mut self, field: &str, outcome: Outcome) {
        if self.members.is_empty() {
            self.members.resize(OWN, Counts::default());
        }
        let own = MemberId::of(field);
        let at = if own < MemberId::Custom { own as usize } else { self.other(field.as_bytes()) };
        let kind = match outcome {
            Outcome::Rejected => 0,
            Outcome::HeldBack => 1,
            Outcome::Changed => 2,
            Outcome::Kept => 3,
        };
        self.members[at].findings[kind] += 1;
    }

    /// Notes what became of contact `i` of the batch, unless it came through as it was.
    pub fn outcome(&mut self, i: usize, segment: Segment) {
        if segment != Segment::default() {
            self.outcomes.push((i as u32, segment));
        }
    }

    /// Forgets everything, and keeps most allocations.
    pub fn clear(&mut self) {
        if self.members.is_empty() && self.outcomes.is_empty() {
            return;
        }
        self.members.truncate(OWN);
        self.members.iter_mut().for_each(Counts::clear);
        self.names.clear();
        self.index.clear();
        self.sampled.clear();
        self.text.clear();
        self.typos.clear();
        self.order.names.clear();
        self.outcomes.clear();
        (self.samples, self.contacts) = (0, 0);
    }
}

/// The names of a contact and the places of their counts, in the order in which they came: the next contact mostly has the same.
#[derive(Debug, Default)]
struct Order {
    names: Vec<(Vec<u8>, usize)>,
    next: usize,
}

impl Order {
    /// Names that are kept.
    const MAX: usize = 64;

    /// Names that are passed over: those that this contact does not have.
    const AHEAD: usize = 8;

    #[inline]
    fn find(&mut self, name: &[u8]) -> Option<usize> {
        let ahead = self.names.get(self.next..)?.iter().take(Self::AHEAD);
        let passed = ahead.clone().position(|(known, _)| known == name)?;
        self.next += passed + 1;
        Some(self.names[self.next - 1].1)
    }

    fn insert(&mut self, name: &[u8], place: usize) {
        if self.names.len() < Self::MAX {
            let at = self.next.min(self.names.len());
            self.names.insert(at, (name.to_owned(), place));
            self.next = at + 1;
        }
    }
}

/// What the last domains are typos of: few domains have most addresses.
#[derive(Debug)]
struct DomainMemo([(u64, Option<&'static str>); DomainMemo::SLOTS]);

impl DomainMemo {
    const SLOTS: usize = 64;

    fn meant(&mut self, domain: &[u8]) -> Option<&'static str> {
        let hash = xxh3_64(domain);
        let slot = &mut self.0[hash as usize % Self::SLOTS];
        if slot.0 != hash {
            *slot = (hash, typos::meant(domain));
        }
        slot.1
    }
}

impl Default for DomainMemo {
    fn default() -> Self {
        // The empty domain is a typo of none.
        DomainMemo([(xxh3_64(b""), None); Self::SLOTS])
    }
}

/// Values that some of the contacts have, by their number, as far as there is room.
#[derive(Debug, Default)]
struct Frequent {
    /// The first of them.
    first: Vec<String>,
    values: HashMap<String, u64>,
    shapes: HashMap<String, u64>,
    sampled: u64,
}

impl Frequent {
    fn add(&mut self, text: &str, values: bool) {
        self.sampled += 1;
        let shape = Shape::of(text);
        count(&mut self.shapes, shape.as_str(), SHAPES_MAX);
        if values {
            let end = text.char_indices().nth(VALUE_MAX).map_or(text.len(), |(end, _)| end);
            let value = &text[..end];
            if self.first.len() < 3 && !self.values.contains_key(value) {
                self.first.push(value.to_owned());
            }
            count(&mut self.values, value, VALUES_MAX);
        }
    }
}

fn count(counts: &mut HashMap<String, u64>, key: &str, max: usize) {
    if let Some(count) = counts.get_mut(key) {
        *count += 1;
    } else if counts.len() < max {
        counts.insert(key.to_owned(), 1);
    }
}

/// The most frequent first; equals by name.
fn most(counts: &HashMap<String, u64>, max: usize) -> Vec<(String, u64)> {
    let mut most: Vec<(String, u64)> = counts.iter().map(|(key, count)| (key.clone(), *count)).collect();
    most.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    most.truncate(max);
    most
}

/// The statistics of a run so far.
#[derive(Debug)]
pub struct Profile {
    members: Vec<Counts>,
    frequent: Vec<Frequent>,
    names: Vec<String>,
    index: HashMap<String, usize>,
    /// Values under names that have no room.
    others: u64,
    typos: Vec<(String, &'static str, u64)>,
    contacts: u64,
    samples: u64,
    /// Contacts of each segment, and the segments.
    width: u64,
    strip: Vec<Segment>,
    values: bool,
}

impl Profile {
    /// Statistics of nothing. Without `values`, none is kept.
    #[must_use]
    pub fn new(values: bool) -> Self {
        Profile {
            members: vec![Counts::default(); OWN],
            frequent: (0..OWN).map(|_| Frequent::default()).collect(),
            names: Vec::new(),
            index: HashMap::new(),
            others: 0,
            typos: Vec::new(),
            contacts: 0,
            samples: 0,
            width: 1,
            strip: Vec::new(),
            values,
        }
    }

    /// Adds the next batch, whose first contact is number `first` of the run.
    pub fn add(&mut self, batch: &BatchProfile, first: u64) {
        self.contacts += batch.contacts;
        self.samples += batch.samples;
        let mut places: Vec<Option<usize>> = (0..batch.members.len().min(OWN)).map(Some).collect();
        for name in &batch.names {
            let known = self.index.get(name).copied();
            places.push(known.or_else(|| (self.names.len() < NAMES_MAX).then(|| self.name(name))));
        }
        for (counts, place) in batch.members.iter().zip(&places) {
            match place {
                Some(place) => self.members[*place].add(counts),
                None => self.others += counts.filled,
            }
        }
        for (member, text) in &batch.sampled {
            if let Some(place) = places[*member as usize] {
                self.frequent[place].add(&batch.text[text.clone()], self.values);
            }
        }
        for (domain, meant) in &batch.typos {
            if let Some((.., count)) = self.typos.iter_mut().find(|(known, ..)| known == domain) {
                *count += 1;
            } else if self.typos.len() < TYPOS_MAX {
                self.typos.push((domain.clone(), meant, 1));
            }
        }
        let mut at = first;
        let end = first + batch.contacts;
        while at < end {
            let within = self.width - at % self.width;
            let n = within.min(end - at);
            if self.segment(at, Segment { seen: n, ..Segment::default() }, u64::wrapping_add) {
                at += n;
            }
        }
        for (i, segment) in &batch.outcomes {
            while !self.segment(first + u64::from(*i), *segment, u64::wrapping_add) {}
        }
    }

    /// Adds a contact that no worker looked at.
    pub fn add_rejected(&mut self, index: u64) {
        self.contacts += 1;
        while !self.segment(index, Segment { seen: 1, rejected: 1, ..Segment::default() }, u64::wrapping_add) {}
    }

    /// Replaces what became of contact `index`.
    pub fn replace(&mut self, index: u64, before: &BatchProfile, now: &BatchProfile) {
        for (_, segment) in &before.outcomes {
            self.segment(index, *segment, u64::wrapping_sub);
        }
        for (_, segment) in &now.outcomes {
            self.segment(index, *segment, u64::wrapping_add);
        }
    }

    fn name(&mut self, name: &str) -> usize {
        let place = self.members.len();
        self.members.push(Counts::default());
        self.frequent.push(Frequent::default());
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), place);
        place
    }

    /// Counts in the segment of a contact. False if the segments had to become wider first.
    fn segment(&mut self, index: u64, segment: Segment, by: fn(u64, u64) -> u64) -> bool {
        let at = (index / self.width) as usize;
        if at >= SEGMENTS {
            self.width *= 2;
            let pairs = self.strip.chunks(2).map(|pair| {
                let mut both = pair[0];
                pair.iter().skip(1).for_each(|second| both.combine(*second, u64::wrapping_add));
                both
            });
            self.strip = pairs.collect();
            return false;
        }
        if self.strip.len() <= at {
            self.strip.resize(at + 1, Segment::default());
        }
        self.strip[at].combine(segment, by);
        true
    }

    /// The result.
    #[must_use]
    pub fn finish(self, starts: Vec<u64>) -> Statistics {
        let names = KNOWN.iter().map(|id| MEMBERS[*id as usize].name.to_owned()).chain(self.names);
        let all = names.zip(self.members.iter().zip(&self.frequent));
        let fields = all.filter(|(_, (counts, _))| counts.filled > 0 || counts.findings != [0; 4]);
        let fields = fields.map(|(name, (counts, frequent))| FieldStatistics {
            name,
            filled: counts.filled,
            // No more than there are values.
            distinct: counts.distinct.estimate().min(counts.filled),
            shortest: u64::from(counts.shortest),
            longest: u64::from(counts.longest),
            mean: if counts.filled > 0 { counts.chars as f64 / counts.filled as f64 } else { 0.0 },
            rejected: counts.findings[0],
            held_back: counts.findings[1],
            changed: counts.findings[2],
            sampled: frequent.sampled,
            shapes: most(&frequent.shapes, 3),
            values: most(&frequent.values, 5),
            samples: frequent.first.clone(),
        });
        let mut typos: Vec<DomainTypo> =
            self.typos.into_iter().map(|(domain, meant, contacts)| DomainTypo { domain, meant, contacts }).collect();
        typos.sort_by(|a, b| (b.contacts, &a.domain).cmp(&(a.contacts, &b.domain)));
        Statistics {
            contacts: self.contacts,
            sampled: self.samples,
            fields: fields.collect(),
            other_values: self.others,
            typos,
            segment: self.width,
            strip: self.strip,
            starts,
        }
    }
}

/// Statistics of a run: what its contacts have, as they came, and where things go wrong.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Contacts that were looked at.
    pub contacts: u64,
    /// Contacts whose values are samples: every 64th of an input.
    pub sampled: u64,
    /// The members that have values, in the order of the contract, and then other names as they came.
    pub fields: Vec<FieldStatistics>,
    /// Values under names beyond the first hundred that are not the contract's.
    pub other_values: u64,
    /// Domains of email addresses that look like typos, the most frequent first. None if values are replaced by hashes.
    pub typos: Vec<DomainTypo>,
    /// Contacts of each segment of the strip.
    pub segment: u64,
    /// The run from its first contact to its last, in at most 256 segments.
    pub strip: Vec<Segment>,
    /// Index in the run of the first contact of each input.
    pub starts: Vec<u64>,
}

/// Statistics of one member.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FieldStatistics {
    /// Its name.
    pub name: String,
    /// Contacts that have a value.
    pub filled: u64,
    /// Different values: an estimate, with a standard error of 1.6 %.
    pub distinct: u64,
    /// Characters of the shortest value.
    pub shortest: u64,
    /// Characters of the longest value.
    pub longest: u64,
    /// Characters of a value, on average.
    pub mean: f64,
    /// Findings about it in rejected contacts.
    pub rejected: u64,
    /// Values that were held back.
    pub held_back: u64,
    /// Values that were changed.
    pub changed: u64,
    /// Values that are samples.
    pub sampled: u64,
    /// The most frequent shapes among the samples.
    pub shapes: Vec<(String, u64)>,
    /// The most frequent values among the samples. None if values are replaced by hashes.
    pub values: Vec<(String, u64)>,
    /// The first samples. None if values are replaced by hashes.
    pub samples: Vec<String>,
}

/// A domain that looks like a typo.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DomainTypo {
    /// The domain, as addresses have it.
    pub domain: String,
    /// The domain that was probably meant.
    pub meant: &'static str,
    /// Contacts with it.
    pub contacts: u64,
}

#[cfg(test)]
mod tests;
