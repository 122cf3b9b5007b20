//! Which contacts of which inputs a body holds: ranges, so that a receipt stays small.

use crate::clean::cleaner::Accepted;
use crate::json::split::Span;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Contacts of one input that are in a body, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// Index of the input in the receipt, from 0.
    pub input: usize,
    /// Index in the input of the first of them, from 0.
    pub first_contact: u64,
    /// The line that it begins on, from 1.
    pub first_line: u64,
    /// Index in the input of the last of them.
    pub last_contact: u64,
    /// The line that it begins on.
    pub last_line: u64,
    /// The contacts in between that are not in the body, as numbers with a space between them: so many contacts are in the body, then
    /// one is not; `12x3` stands for 12 that are, and 3 that are not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub skipped: String,
    /// Contacts since the last that was skipped.
    #[serde(skip)]
    run: u64,
}

/// Where the contacts of a batch lie.
#[derive(Debug, Clone, Copy)]
pub struct Place<'b> {
    /// Index of the input.
    pub input: usize,
    /// Index of the first contact in its input.
    pub first: u64,
    /// The contacts.
    pub spans: &'b [Span],
}

impl Place<'_> {
    fn contact(&self, accepted: &Accepted) -> u64 {
        self.first + u64::from(accepted.contact)
    }

    fn line(&self, accepted: &Accepted) -> u64 {
        self.spans[accepted.contact as usize].line
    }
}

impl Origin {
    /// How many contacts of the input are in the body.
    #[must_use]
    pub fn contacts(&self) -> u64 {
        let skipped: u64 = self.gaps().map(|(_, skipped)| skipped).sum();
        self.last_contact.saturating_add(1).saturating_sub(self.first_contact).saturating_sub(skipped)
    }

    /// The index in the input of the contact with this index among those of the body.
    #[must_use]
    pub fn contact(&self, index: u64) -> Option<u64> {
        let (mut at, mut left) = (self.first_contact, index);
        for (taken, skipped) in self.gaps() {
            if left < taken {
                return Some(at + left);
            }
            left -= taken;
            at = at.checked_add(taken)?.checked_add(skipped)?;
        }
        at.checked_add(left).filter(|contact| *contact <= self.last_contact)
    }

    /// The indices in the input of all its contacts that are in the body, in their order.
    pub fn each(&self) -> impl Iterator<Item = u64> {
        let gaps = self.gaps().map(Some).chain(std::iter::once(None));
        let runs = gaps.scan(self.first_contact, |at, gap| {
            let from = *at;
            let Some((taken, skipped)) = gap else { return Some(from..self.last_contact.saturating_add(1)) };
            let end = from.checked_add(taken)?;
            *at = end.checked_add(skipped)?;
            Some(from..end)
        });
        runs.flatten()
    }

    /// The line of a contact of the input, if it is one that the receipt names.
    #[must_use]
    pub fn line(&self, contact: u64) -> Option<u64> {
        match contact {
            _ if contact == self.first_contact => Some(self.first_line),
            _ if contact == self.last_contact => Some(self.last_line),
            _ => None,
        }
    }

    /// Contacts in the body, and then contacts that are not.
    fn gaps(&self) -> impl Iterator<Item = (u64, u64)> {
        self.skipped.split(' ').filter_map(|gap| {
            let (taken, skipped) = gap.split_once('x').unwrap_or((gap, "1"));
            Some((taken.parse().ok()?, skipped.parse().ok()?))
        })
    }

    fn add(&mut self, contact: u64) {
        let skipped = contact - self.last_contact - 1;
        if skipped > 0 {
            let space = if self.skipped.is_empty() { "" } else { " " };
            // Memory takes everything.
            let _ = match skipped {
                1 => write!(self.skipped, "{space}{}", self.run),
                skipped => write!(self.skipped, "{space}{}x{skipped}", self.run),
            };
            self.run = 0;
        }
        self.run += 1;
        self.last_contact = contact;
    }
}

/// Adds contacts of a batch that go into the body.
pub fn add(origins: &mut Vec<Origin>, place: &Place<'_>, accepted: &[Accepted]) {
    let (Some(first), Some(last)) = (accepted.first(), accepted.last()) else { return };
    let mut rest = accepted;
    if origins.last().is_none_or(|origin| origin.input != place.input) {
        let (contact, line) = (place.contact(first), place.line(first));
        origins.push(Origin {
            input: place.input,
            first_contact: contact,
            first_line: line,
            last_contact: contact,
            last_line: line,
            skipped: String::new(),
            run: 1,
        });
        rest = &accepted[1..];
    }
    let Some(origin) = origins.last_mut() else { return };
    if let Some(first) = rest.first() {
        origin.add(place.contact(first));
        let others = rest.len() as u64 - 1;
        if u64::from(last.contact - first.contact) == others {
            // Nothing was skipped: mostly so.
            origin.run += others;
            origin.last_contact = place.contact(last);
        } else {
            rest[1..].iter().for_each(|accepted| origin.add(place.contact(accepted)));
        }
    }
    origin.last_line = place.line(last);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The origins of these contacts of one input, in batches of `size`.
    fn origins(contacts: &[u64], size: u64, pieces: usize) -> Vec<Origin> {
        let mut origins = Vec::new();
        let batches = contacts.chunk_by(|a, b| a / size == b / size);
        for batch in batches {
            let first = batch[0] / size * size;
            let spans: Vec<Span> =
                (0..size).map(|i| Span { start: 0, end: 0, line: first + i + 1, whole: true }).collect();
            let place = Place { input: 3, first, spans: &spans };
            let accepted: Vec<Accepted> = batch
                .iter()
                .map(|contact| Accepted { contact: (contact - first) as u32, end: 0, identity: 0 })
                .collect();
            accepted.chunks(pieces).for_each(|some| add(&mut origins, &place, some));
        }
        origins
    }

    #[test]
    fn written_as_ranges() {
        let all: Vec<u64> = (0..100).collect();
        let one = &origins(&all, 7, 100)[0];
        assert_eq!((one.first_contact, one.last_contact, one.skipped.as_str()), (0, 99, ""));
        assert_eq!((one.first_line, one.last_line, one.contacts()), (1, 100, 100));
        let some: Vec<u64> = (5..100).filter(|i| ![10, 50, 51, 52].contains(i)).collect();
        let one = &origins(&some, 7, 100)[0];
        assert_eq!((one.first_contact, one.last_contact, one.skipped.as_str()), (5, 99, "5 39x3"));
        assert_eq!((one.first_line, one.last_line, one.contacts()), (6, 100, 91));
    }

    proptest! {
        #[test]
        fn every_contact_is_found(kept in proptest::collection::vec(any::<bool>(), 1..300), size in 1u64..40, pieces in 1usize..20) {
            let contacts: Vec<u64> = (0..kept.len() as u64).filter(|i| kept[*i as usize]).collect();
            let found = origins(&contacts, size, pieces);
            prop_assert_eq!(found.len(), usize::from(!contacts.is_empty()));
            if let Some(found) = found.first() {
                prop_assert_eq!(found.contacts(), contacts.len() as u64);
                for (i, contact) in contacts.iter().enumerate() {
                    prop_assert_eq!(found.contact(i as u64), Some(*contact));
                }
                prop_assert_eq!(found.contact(contacts.len() as u64), None);
                prop_assert_eq!(found.each().collect::<Vec<_>>(), contacts);
            }
        }

        /// A receipt that someone edited is no reason to panic.
        #[test]
        fn broken_ranges_are_no_panic(skipped in "[0-9x ]{0,40}", first in any::<u64>(), last in 0..u64::MAX, index in any::<u64>()) {
            let json = serde_json::json!({"input": 0, "first_contact": first, "first_line": 1, "last_contact": last, "last_line": 2, "skipped": skipped});
            let origin: Origin = serde_json::from_value(json).unwrap();
            let _ = (origin.contacts(), origin.contact(index), origin.each().take(1000).count());
        }
    }
}
