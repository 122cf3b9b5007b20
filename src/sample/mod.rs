//! Generates a synthetic export: the generator behind `presort sample`.
//!
//! A sample is a test corpus that need not be stored: the arguments determine the bytes. Contact `i` depends only on the seed,
//! the mess and `i`. So a longer sample begins with the contacts of a shorter one, and a test or a bug report can name
//! "contact 4711 of seed 1".
//!
//! There are two kinds of contacts. *Clean* ones already have the form of a cleaned body, so cleaning changes nothing in
//! them. *Messy* ones carry one `Mistake`, sometimes two. Every contact is complete JSON, whatever its mistake: broken syntax
//! ends a run, and the fixtures cover it.
//!
//! The consent rules for SMS numbers apply under `explicit` permission. The payload form has it in its envelope; for the
//! NDJSON form, an option gives it.
//!
//! How one contact is made: a `Plan` draws its mistakes, a `Person` is drawn, a `Draft` collects the members, the mistakes
//! are made in the draft, and the draft is written out.

mod apis;
mod draft;
mod flat;
mod google;
mod mistakes;
mod people;
mod plan;
mod random;
mod record;
mod rows;
mod systems;
#[rustfmt::skip]
mod tables;

use draft::Draft;
use mistakes::*;
use people::{Person, fill_members};
use plan::*;
use random::{Purpose, Rng};
use rows::{Columns, Rows};
use std::io::{self, Write};

pub use rows::CsvDialect;
pub use systems::SampleSystem;

/// What to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// How many contacts.
    pub contacts: u64,
    /// Selects a sample; the same seed always gives the same one.
    pub seed: u64,
    /// How many contacts carry a mistake, in percent, 0 to 100.
    pub mess: f64,
    /// The shape of the document.
    pub format: SampleFormat,
}

/// The shape of the document a sample is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// One request body on one line, envelope first. It may be far over the limits of a request.
    Payload,
    /// One contact a line.
    Ndjson,
    /// A header, and one contact a row: the contacts of the other formats, as far as cells can say it. Where JSON says what no
    /// cell can, the row is one that cleaning treats alike: a value of a wrong type is an empty cell, and a contact with a member
    /// twice is a row with too many cells.
    Csv(CsvDialect),
}

/// The buffer is written once it holds this many bytes: large enough that the cost of a system call is negligible, small
/// enough to stay in the second-level cache.
const PIECE: usize = 128 * 1024;

/// Extra capacity above [`PIECE`] for the contact that crosses it; the largest is about 2 KB.
const LARGEST_CONTACT: usize = 8 * 1024;

/// The envelope up to the first contact.
const ENVELOPE: &str =
    r#"{"list_ids":["3f0c9b52-7d1e-4c68-9a40-5be2d7f61c83"],"sms_permission_to_send":"explicit","import_data":["#;

/// What stands around the contacts of a document.
#[derive(Default)]
struct Frame {
    before: Vec<u8>,
    between: &'static str,
    /// After each contact.
    end: &'static str,
    after: String,
}

impl Frame {
    /// That of a format of JSON, where a payload has `open` and `close` around its contacts.
    fn json(format: SampleFormat, open: &str, close: &str) -> Frame {
        match format {
            SampleFormat::Payload => {
                Frame { before: open.into(), between: ",", after: format!("{close}\n"), ..Frame::default() }
            }
            _ => Frame { end: "\n", ..Frame::default() },
        }
    }
}

/// Writes the sample to `out` in pieces of at least 128 KiB, except for the last.
///
/// # Errors
/// Any error of `out`. A closed pipe is one of them; the caller decides what it means.
pub fn write(sample: &Sample, out: &mut dyn Write) -> io::Result<()> {
    let mut maker = Maker::new(sample.seed, sample.mess);
    let SampleFormat::Csv(dialect) = sample.format else {
        let frame = Frame::json(sample.format, ENVELOPE, "]}");
        return write_all(sample.contacts, &frame, &mut |index, out| maker.write_contact(index, out), out);
    };
    let rows = Rows::new(Columns::of_contract(), dialect);
    write_rows(
        sample.contacts,
        &mut maker,
        rows,
        &mut |maker, person, oddities, rows, out| {
            rows.write_draft(&maker.draft, person, oddities, out);
        },
        out,
    )
}

/// Writes the sample to `out` as an export of another system: the same people with that system's names, and some of them opted
/// out where the system knows that. Who opted out depends only on the seed and the contact, so it is the same for every system.
///
/// CSV has the columns that the system exports to CSV, which an answer of its interface may not have.
///
/// # Errors
/// Any error of `out`. A closed pipe is one of them; the caller decides what it means.
pub fn write_system(sample: &Sample, system: &SampleSystem, out: &mut dyn Write) -> io::Result<()> {
    let mut maker = Maker::new(sample.seed, sample.mess);
    let SampleFormat::Csv(dialect) = sample.format else {
        let [open, close] = system.envelope(sample.contacts);
        let frame = Frame::json(sample.format, &open, &close);
        let mut write = |index, out: &mut Vec<u8>| {
            if let Some(person) = maker.make(index, out) {
                system.write_contact(&maker.draft, &person, maker.seed, out);
            }
        };
        return write_all(sample.contacts, &frame, &mut write, out);
    };
    let (system, columns) = system.table();
    let rows = Rows::new(columns, dialect);
    let mut record = Vec::new();
    write_rows(
        sample.contacts,
        &mut maker,
        rows,
        &mut |maker, person, oddities, rows, out| {
            record.clear();
            system.write_contact(&maker.draft, person, maker.seed, &mut record);
            rows.write_record(&record, person, oddities, out);
        },
        out,
    )
}

/// Writes the row of the contact that is in the draft.
type WriteRow<'a> = dyn FnMut(&Maker, &Person, Option<&mut Rng>, &mut Rows, &mut Vec<u8>) + 'a;

/// Writes a header, and the rows that `write` makes.
fn write_rows(
    contacts: u64,
    maker: &mut Maker,
    mut rows: Rows,
    write: &mut WriteRow,
    out: &mut dyn Write,
) -> io::Result<()> {
    let frame = Frame { before: rows.header(), ..Frame::default() };
    let mut other = Vec::new();
    let mut row = |index, out: &mut Vec<u8>| {
        other.clear();
        let mut oddities = maker.is_messy(index).then(|| rows::oddities(maker.seed, index));
        match maker.make(index, &mut other) {
            Some(person) => write(maker, &person, oddities.as_mut(), &mut rows, out),
            None => rows.write_no_contact(&other, &Person::draw(maker.seed, index), out),
        }
    };
    write_all(contacts, &frame, &mut row, out)
}

/// Writes the contacts that `contact` makes in their frame.
fn write_all(
    contacts: u64,
    frame: &Frame,
    contact: &mut dyn FnMut(u64, &mut Vec<u8>),
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(PIECE + LARGEST_CONTACT);
    buffer.extend_from_slice(&frame.before);
    for index in 0..contacts {
        if index > 0 {
            buffer.extend_from_slice(frame.between.as_bytes());
        }
        contact(index, &mut buffer);
        buffer.extend_from_slice(frame.end.as_bytes());
        if buffer.len() >= PIECE {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(frame.after.as_bytes());
    out.write_all(&buffer)?;
    out.flush()
}

/// Makes contacts, in order or by index.
struct Maker {
    seed: u64,
    /// A contact is messy when its draw of 53 bits is below this. More mess thus adds messy contacts and keeps the others.
    messy_below: u64,
    draft: Draft,
}

impl Maker {
    fn new(seed: u64, mess: f64) -> Self {
        // The cast saturates, and turns NaN into 0.
        let messy_below = (mess / 100.0 * (1u64 << 53) as f64) as u64;
        Maker { seed, messy_below, draft: Draft::default() }
    }

    fn is_messy(&self, index: u64) -> bool {
        self.plan(index).first.is_some()
    }

    fn plan(&self, index: u64) -> Plan {
        let mut rng = Rng::new(self.seed, index, Purpose::Plan);
        if rng.draw() >> 11 >= self.messy_below {
            return Plan { first: None, second: None };
        }
        let mut first = Mistake::draw(&mut rng);
        // The format of a document is detected from its first contact, so that one is an object. It also has no earlier
        // contact to repeat.
        if index == 0
            && matches!(
                first,
                Mistake::Shape(_) | Mistake::Email(EmailMistake::Duplicate | EmailMistake::DuplicateOtherCase)
            )
        {
            first = FALLBACK;
        }
        let mut second = None;
        if rng.per_mille(SECOND_MISTAKE) {
            let kind = Mistake::draw(&mut rng);
            let apart = !kind.same_group(first)
                && !matches!(first, Mistake::Shape(_))
                && !matches!(kind, Mistake::Shape(_) | Mistake::Email(_));
            second = apart.then_some(kind);
        }
        Plan { first: Some(first), second }
    }

    /// Appends contact `index` to `out` as compact JSON.
    fn write_contact(&mut self, index: u64, out: &mut Vec<u8>) {
        if self.make(index, out).is_some() {
            self.draft.write(out);
        }
    }

    /// Makes contact `index` in the draft, and returns its person. None where it is no object: then it is in `out`.
    fn make(&mut self, index: u64, out: &mut Vec<u8>) -> Option<Person> {
        let plan = self.plan(index);
        let person = Person::draw(self.seed, index);
        self.draft.clear();
        fill_members(&mut self.draft, &person, &mut Rng::new(self.seed, index, Purpose::Members));
        let mut rng = Rng::new(self.seed, index, Purpose::Mistakes);
        for kind in [plan.first, plan.second].into_iter().flatten() {
            match kind {
                Mistake::Phone(kind) => phone_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Email(kind) => {
                    let earlier = match kind {
                        EmailMistake::Duplicate | EmailMistake::DuplicateOtherCase => {
                            self.earlier_person(index, &mut rng)
                        }
                        _ => None,
                    };
                    email_mistake(kind, &mut self.draft, &mut rng, &person, earlier.as_ref());
                }
                Mistake::Date(kind) => date_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Birthday(kind) => birthday_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Blank(kind) => blank_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Type(kind) => type_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Text(kind) => text_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Name(kind) => name_mistake(kind, &mut self.draft, &mut rng, &person),
                Mistake::Address(kind) => address_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Custom(kind) => custom_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Sms(kind) => sms_mistake(kind, &mut self.draft, &mut rng),
                Mistake::Shape(ShapeMistake::NoIdentity) => no_identity(&mut self.draft, &mut rng),
                Mistake::Shape(kind) => {
                    no_contact(kind, &mut rng, &person, out);
                    return None;
                }
            }
        }
        Some(person)
    }

    /// A person before `index` whose contact is accepted under the person's own address. `None` when there are too few
    /// before it.
    fn earlier_person(&self, index: u64, rng: &mut Rng) -> Option<Person> {
        const TRIES: usize = 32;
        if index == 0 {
            return None;
        }
        (0..TRIES)
            .map(|_| rng.draw() % index)
            .find(|&earlier| {
                let plan = self.plan(earlier);
                [plan.first, plan.second].into_iter().flatten().all(Mistake::keeps_email)
            })
            .map(|earlier| Person::draw(self.seed, earlier))
    }
}

#[cfg(test)]
mod tests;
