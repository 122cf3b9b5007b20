//! Makes up an export to try things on: the generator behind `presort sample`.
//!
//! A sample is a test corpus that nobody has to store. Whoever has the arguments has the bytes:
//! contact `i` depends on the seed, the mess and `i` alone, so a longer sample begins with the contacts of
//! a shorter one, and a test or a bug report can name "contact 4711 of seed 1".
//!
//! Contacts come in two sorts. *Clean* ones are already in the form a cleaned body has, so cleaning
//! changes nothing in them. *Messy* ones carry one mistake, sometimes two, of a `Kind`. Every
//! contact is whole JSON, whatever its mistake: broken syntax ends a run, and is for the fixtures to show.
//!
//! The consent rules for SMS numbers apply under `explicit` permission. The payload form says so in
//! its envelope; with the NDJSON form the permission is the reader's to give.
//!
//! How one contact is made: a `Plan` says what will be wrong with it, a `Person` is drawn, a
//! `Draft` collects the members, the mistakes are made in the draft, and the draft is written out.

use std::io::{self, Write};

use tables::*;

/// What to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// How many contacts.
    pub contacts: u64,
    /// Chooses among samples; the same seed always gives the same one.
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
}

/// The buffer is handed on once it holds this many bytes: large enough that the cost of a system
/// call vanishes, small enough to stay in the second-level cache.
const PIECE: usize = 128 * 1024;

/// Room kept above [`PIECE`] for the contact that crosses it; the largest is about 2 KB.
const LARGEST_CONTACT: usize = 8 * 1024;

/// The envelope up to the first contact.
const ENVELOPE: &str =
    r#"{"list_ids":["3f0c9b52-7d1e-4c68-9a40-5be2d7f61c83"],"sms_permission_to_send":"explicit","import_data":["#;

/// Writes the sample to `out`, in pieces of at least 64 KiB but for the last.
///
/// # Errors
/// Whatever `out` answers; a closed pipe is among them and is the caller's to judge.
pub fn write(sample: &Sample, out: &mut dyn Write) -> io::Result<()> {
    let mut maker = Maker::new(sample.seed, sample.mess);
    let mut buffer = Vec::with_capacity(PIECE + LARGEST_CONTACT);
    let payload = sample.format == SampleFormat::Payload;
    if payload {
        buffer.extend_from_slice(ENVELOPE.as_bytes());
    }
    for index in 0..sample.contacts {
        if payload && index > 0 {
            buffer.push(b',');
        }
        maker.write_contact(index, &mut buffer);
        if !payload {
            buffer.push(b'\n');
        }
        if buffer.len() >= PIECE {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    if payload {
        buffer.extend_from_slice(b"]}\n");
    }
    out.write_all(&buffer)?;
    out.flush()
}

// ---------------------------------------------------------------------------------------------
// Chance
// ---------------------------------------------------------------------------------------------

/// SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA
/// 2014), with the constants of Vigna's public-domain `splitmix64.c`. Written out here, since
/// samples must stay the same for ever and a library may change its generator.
struct Rng(u64);

/// The step of SplitMix64: 2^64 over the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: a bijection that spreads every bit over all others.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a stream of draws is for. Each purpose has its own stream, so that a person can be drawn
/// again without the rest of the contact, and stays the same whatever is wrong with it.
#[derive(Clone, Copy)]
enum Purpose {
    Plan = 1,
    Person = 2,
    Members = 3,
    Mistakes = 4,
}

impl Rng {
    fn new(seed: u64, index: u64, purpose: Purpose) -> Self {
        let start = mix(seed.wrapping_add(GOLDEN.wrapping_mul(purpose as u64)));
        Rng(mix(start ^ mix(index.wrapping_add(GOLDEN))))
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number from 0 up to, not including, `end`. The bias, under `end` in 2^32, does not matter here.
    fn below(&mut self, end: u32) -> u32 {
        (((self.draw() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// A number from `first` to `last`, both included.
    fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    /// True in `n` of 1,000 draws.
    fn per_mille(&mut self, n: u32) -> bool {
        self.below(1000) < n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}

// ---------------------------------------------------------------------------------------------
// What can be wrong
// ---------------------------------------------------------------------------------------------

/// One kind of mistake, by the group that makes it. Two mistakes in one contact are always of
/// different groups, so that the second does not undo the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Phone(Phone),
    Email(Email),
    Date(Date),
    Birthday(Birthday),
    Blank(Blank),
    Type(Type),
    Text(Text),
    Name(Name),
    Address(Address),
    Custom(Custom),
    Sms(Sms),
    Shape(Shape),
}

/// Telephone numbers, one at a time and together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phone {
    Digits,
    Parentheses,
    Dots,
    Spaces,
    Slash,
    CountryCode,
    UnicodePunctuation,
    Extension,
    JsonNumber,
    NotNanp,
    TooShort,
    TooLong,
    International,
    NoNumber,
    WithOther,
    WithEqualOther,
    FourKinds,
}

/// E-mail addresses, and the same address again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Email {
    UpperCaseDomain,
    DisplayName,
    AngleBrackets,
    MailTo,
    Padded,
    InternationalDomain,
    NoAt,
    TwoAt,
    TwoAddresses,
    BadDomain,
    BadLocalPart,
    TooLong,
    WrongType,
    Duplicate,
    DuplicateOtherCase,
}

/// The anniversary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Date {
    SlashYearLast,
    SlashYearFirst,
    DashYearFirst,
    DashYearLast,
    Impossible,
    YearOutOfRange,
    TwoDigitYear,
    Garbage,
}

/// The birthday, which is two members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Birthday {
    DigitString,
    Decimal,
    OutOfRange,
    NoSuchDay,
    HalfMissing,
    Words,
}

/// Members that say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Blank {
    Null,
    Empty,
    WhiteSpace,
    Several,
}

/// JSON values of another type than text, where text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Type {
    ZipNumber,
    CustomNumber,
    TrueFalse,
    Array,
    Object,
}

/// What text is made of, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Text {
    Padded,
    ZeroWidthEnds,
    DoubleSpace,
    UnicodeSpace,
    Tab,
    LineBreak,
    Control,
    Decomposed,
    TooLong,
    StreetTooLong,
}

/// Names that are no member, and names given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    CamelCase,
    CfUnderscore,
    PhoneNumbers,
    StreetAddresses,
    CustomFields,
    ListMemberships,
    EmailObject,
    Unknown,
    Twice,
}

/// The parts of an address, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Address {
    HomeEqual,
    HomeDifferent,
    Street2Alone,
    HomeCountrySpelling,
}

/// Custom fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Custom {
    TooMany,
    NameTooLong,
    NameEmpty,
    ValueTooLong,
}

/// Text-message numbers and the consent to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sms {
    Punctuation,
    NoConsentDate,
    FutureConsent,
    BadConsentDate,
    ConsentForm,
    ConsentAlone,
    Extension,
    BadNumber,
    TooLong,
    OnlyWithoutConsent,
}

/// Contacts that are none. Never joined with another mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    NoIdentity,
    Null,
    Number,
    String,
    Array,
}

/// Every kind with its weight: what exports are full of weighs most, and nothing weighs less than
/// about four in a thousand, so that a sample of some tens of thousands shows every rule.
const KINDS: &[(Kind, u32)] = &[
    (Kind::Phone(Phone::Digits), 50),
    (Kind::Phone(Phone::Parentheses), 80),
    (Kind::Phone(Phone::Dots), 35),
    (Kind::Phone(Phone::Spaces), 20),
    (Kind::Phone(Phone::Slash), 6),
    (Kind::Phone(Phone::CountryCode), 35),
    (Kind::Phone(Phone::UnicodePunctuation), 8),
    (Kind::Phone(Phone::Extension), 15),
    (Kind::Phone(Phone::JsonNumber), 8),
    (Kind::Phone(Phone::NotNanp), 6),
    (Kind::Phone(Phone::TooShort), 20),
    (Kind::Phone(Phone::TooLong), 8),
    (Kind::Phone(Phone::International), 12),
    (Kind::Phone(Phone::NoNumber), 8),
    (Kind::Phone(Phone::WithOther), 7),
    (Kind::Phone(Phone::WithEqualOther), 5),
    (Kind::Phone(Phone::FourKinds), 6),
    (Kind::Email(Email::UpperCaseDomain), 30),
    (Kind::Email(Email::DisplayName), 12),
    (Kind::Email(Email::AngleBrackets), 6),
    (Kind::Email(Email::MailTo), 8),
    (Kind::Email(Email::Padded), 25),
    (Kind::Email(Email::InternationalDomain), 6),
    (Kind::Email(Email::NoAt), 12),
    (Kind::Email(Email::TwoAt), 6),
    (Kind::Email(Email::TwoAddresses), 6),
    (Kind::Email(Email::BadDomain), 14),
    (Kind::Email(Email::BadLocalPart), 12),
    (Kind::Email(Email::TooLong), 8),
    (Kind::Email(Email::WrongType), 6),
    (Kind::Email(Email::Duplicate), 25),
    (Kind::Email(Email::DuplicateOtherCase), 12),
    (Kind::Date(Date::SlashYearLast), 40),
    (Kind::Date(Date::SlashYearFirst), 8),
    (Kind::Date(Date::DashYearFirst), 12),
    (Kind::Date(Date::DashYearLast), 12),
    (Kind::Date(Date::Impossible), 10),
    (Kind::Date(Date::YearOutOfRange), 5),
    (Kind::Date(Date::TwoDigitYear), 10),
    (Kind::Date(Date::Garbage), 8),
    (Kind::Birthday(Birthday::DigitString), 20),
    (Kind::Birthday(Birthday::Decimal), 10),
    (Kind::Birthday(Birthday::OutOfRange), 8),
    (Kind::Birthday(Birthday::NoSuchDay), 6),
    (Kind::Birthday(Birthday::HalfMissing), 8),
    (Kind::Birthday(Birthday::Words), 5),
    (Kind::Blank(Blank::Null), 50),
    (Kind::Blank(Blank::Empty), 80),
    (Kind::Blank(Blank::WhiteSpace), 15),
    (Kind::Blank(Blank::Several), 40),
    (Kind::Type(Type::ZipNumber), 30),
    (Kind::Type(Type::CustomNumber), 10),
    (Kind::Type(Type::TrueFalse), 6),
    (Kind::Type(Type::Array), 5),
    (Kind::Type(Type::Object), 5),
    (Kind::Text(Text::Padded), 40),
    (Kind::Text(Text::ZeroWidthEnds), 6),
    (Kind::Text(Text::DoubleSpace), 25),
    (Kind::Text(Text::UnicodeSpace), 8),
    (Kind::Text(Text::Tab), 8),
    (Kind::Text(Text::LineBreak), 12),
    (Kind::Text(Text::Control), 5),
    (Kind::Text(Text::Decomposed), 12),
    (Kind::Text(Text::TooLong), 12),
    (Kind::Text(Text::StreetTooLong), 5),
    (Kind::Name(Name::CamelCase), 10),
    (Kind::Name(Name::CfUnderscore), 6),
    (Kind::Name(Name::PhoneNumbers), 6),
    (Kind::Name(Name::StreetAddresses), 6),
    (Kind::Name(Name::CustomFields), 6),
    (Kind::Name(Name::ListMemberships), 6),
    (Kind::Name(Name::EmailObject), 6),
    (Kind::Name(Name::Unknown), 12),
    (Kind::Name(Name::Twice), 6),
    (Kind::Address(Address::HomeEqual), 8),
    (Kind::Address(Address::HomeDifferent), 8),
    (Kind::Address(Address::Street2Alone), 8),
    (Kind::Address(Address::HomeCountrySpelling), 6),
    (Kind::Custom(Custom::TooMany), 6),
    (Kind::Custom(Custom::NameTooLong), 5),
    (Kind::Custom(Custom::NameEmpty), 5),
    (Kind::Custom(Custom::ValueTooLong), 6),
    (Kind::Sms(Sms::Punctuation), 15),
    (Kind::Sms(Sms::NoConsentDate), 12),
    (Kind::Sms(Sms::FutureConsent), 6),
    (Kind::Sms(Sms::BadConsentDate), 6),
    (Kind::Sms(Sms::ConsentForm), 8),
    (Kind::Sms(Sms::ConsentAlone), 6),
    (Kind::Sms(Sms::Extension), 5),
    (Kind::Sms(Sms::BadNumber), 6),
    (Kind::Sms(Sms::TooLong), 5),
    (Kind::Sms(Sms::OnlyWithoutConsent), 5),
    (Kind::Shape(Shape::NoIdentity), 12),
    (Kind::Shape(Shape::Null), 5),
    (Kind::Shape(Shape::Number), 5),
    (Kind::Shape(Shape::String), 5),
    (Kind::Shape(Shape::Array), 5),
];

/// The sum of all weights.
const WEIGHTS: u32 = {
    let mut sum = 0;
    let mut i = 0;
    while i < KINDS.len() {
        sum += KINDS[i].1;
        i += 1;
    }
    sum
};

/// How many messy contacts, of 1,000, have a second mistake.
const SECOND_MISTAKE: u32 = 150;

/// The mistake of a contact that cannot have the one that was drawn.
const INSTEAD: Kind = Kind::Blank(Blank::Empty);

impl Kind {
    fn draw(rng: &mut Rng) -> Kind {
        let mut left = rng.below(WEIGHTS);
        for &(kind, weight) in KINDS {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        INSTEAD
    }

    fn same_group(self, other: Kind) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// Whether a contact with this mistake still goes through under its own address, so that a
    /// later contact can be its duplicate.
    fn keeps_email(self) -> bool {
        !matches!(
            self,
            Kind::Email(_)
                | Kind::Shape(_)
                | Kind::Sms(Sms::OnlyWithoutConsent)
                | Kind::Name(Name::EmailObject | Name::Twice)
        )
    }
}

/// What will be wrong with a contact: nothing, one mistake, or two.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plan {
    first: Option<Kind>,
    second: Option<Kind>,
}

// ---------------------------------------------------------------------------------------------
// One contact
// ---------------------------------------------------------------------------------------------

/// Makes contacts, one after the other or any one of them.
struct Maker {
    seed: u64,
    /// A contact is messy when its draw of 53 bits is below this. More mess thus adds messy
    /// contacts and keeps those of less mess.
    messy_below: u64,
    draft: Draft,
}

impl Maker {
    fn new(seed: u64, mess: f64) -> Self {
        // The cast saturates, and takes NaN for 0.
        let messy_below = (mess / 100.0 * (1u64 << 53) as f64) as u64;
        Maker { seed, messy_below, draft: Draft::default() }
    }

    fn plan(&self, index: u64) -> Plan {
        let mut rng = Rng::new(self.seed, index, Purpose::Plan);
        if rng.draw() >> 11 >= self.messy_below {
            return Plan { first: None, second: None };
        }
        let mut first = Kind::draw(&mut rng);
        // The first contact tells a reader which shape the document has, so it is an object; and
        // there is nothing before it that it could repeat.
        if index == 0 && matches!(first, Kind::Shape(_) | Kind::Email(Email::Duplicate | Email::DuplicateOtherCase)) {
            first = INSTEAD;
        }
        let mut second = None;
        if rng.per_mille(SECOND_MISTAKE) {
            let kind = Kind::draw(&mut rng);
            let apart = !kind.same_group(first)
                && !matches!(first, Kind::Shape(_))
                && !matches!(kind, Kind::Shape(_) | Kind::Email(_));
            second = apart.then_some(kind);
        }
        Plan { first: Some(first), second }
    }

    /// Appends contact `index` to `out` as compact JSON.
    fn write_contact(&mut self, index: u64, out: &mut Vec<u8>) {
        let plan = self.plan(index);
        let person = Person::draw(self.seed, index);
        self.draft.clear();
        fill_members(&mut self.draft, &person, &mut Rng::new(self.seed, index, Purpose::Members));
        let mut rng = Rng::new(self.seed, index, Purpose::Mistakes);
        for kind in [plan.first, plan.second].into_iter().flatten() {
            match kind {
                Kind::Phone(kind) => phone_mistake(kind, &mut self.draft, &mut rng),
                Kind::Email(kind) => {
                    let earlier = match kind {
                        Email::Duplicate | Email::DuplicateOtherCase => self.earlier_person(index, &mut rng),
                        _ => None,
                    };
                    email_mistake(kind, &mut self.draft, &mut rng, &person, earlier.as_ref());
                }
                Kind::Date(kind) => date_mistake(kind, &mut self.draft, &mut rng),
                Kind::Birthday(kind) => birthday_mistake(kind, &mut self.draft, &mut rng),
                Kind::Blank(kind) => blank_mistake(kind, &mut self.draft, &mut rng),
                Kind::Type(kind) => type_mistake(kind, &mut self.draft, &mut rng),
                Kind::Text(kind) => text_mistake(kind, &mut self.draft, &mut rng),
                Kind::Name(kind) => name_mistake(kind, &mut self.draft, &mut rng, &person),
                Kind::Address(kind) => address_mistake(kind, &mut self.draft, &mut rng),
                Kind::Custom(kind) => custom_mistake(kind, &mut self.draft, &mut rng),
                Kind::Sms(kind) => sms_mistake(kind, &mut self.draft, &mut rng),
                Kind::Shape(Shape::NoIdentity) => no_identity(&mut self.draft, &mut rng),
                Kind::Shape(kind) => return no_contact(kind, &mut rng, &person, out),
            }
        }
        self.draft.write(out);
    }

    /// A person before `index` whose contact goes through under the person's own address. None is
    /// found when there are hardly any before it.
    fn earlier_person(&self, index: u64, rng: &mut Rng) -> Option<Person> {
        const TRIES: usize = 32;
        if index == 0 {
            return None;
        }
        (0..TRIES)
            .map(|_| rng.draw() % index)
            .find(|&earlier| {
                let plan = self.plan(earlier);
                [plan.first, plan.second].into_iter().flatten().all(Kind::keeps_email)
            })
            .map(|earlier| Person::draw(self.seed, earlier))
    }
}

/// The members of one contact while it is being made. The values lie one after the other in one
/// buffer that is used again for the next contact; a value that is replaced stays there unused.
#[derive(Default)]
struct Draft {
    text: Vec<u8>,
    members: Vec<Member>,
}

/// A member's name, as it stands between quotes in JSON, and where its JSON value lies in the draft.
#[derive(Clone, Copy)]
struct Member {
    name: &'static str,
    start: usize,
    end: usize,
}

impl Draft {
    fn clear(&mut self) {
        self.text.clear();
        self.members.clear();
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name)
    }

    /// Appends a member whose JSON value `fill` writes, even if there is one of that name.
    fn add(&mut self, name: &'static str, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        fill(&mut self.text);
        let end = self.text.len();
        self.members.push(Member { name, start, end });
    }

    /// Gives a member the JSON value that `fill` writes, in its place, or at the end if it is new.
    fn set(&mut self, name: &'static str, fill: impl FnOnce(&mut Vec<u8>)) {
        let at = self.find(name);
        self.add(name, fill);
        if let Some(at) = at {
            self.members.swap_remove(at);
        }
    }

    /// Like [`Draft::set`], with the JSON value written out.
    fn set_json(&mut self, name: &'static str, json: &str) {
        self.set(name, |text| text.extend_from_slice(json.as_bytes()));
    }

    fn remove(&mut self, name: &str) {
        self.members.retain(|member| member.name != name);
    }

    /// Puts `before` and `after` inside the quotes of member `at`, which must be a string.
    fn wrap(&mut self, at: usize, before: &str, after: &str) {
        let Member { start, end, .. } = self.members[at];
        let wrapped = self.text.len();
        self.text.push(b'"');
        self.text.extend_from_slice(before.as_bytes());
        self.text.extend_from_within(start + 1..end - 1);
        self.text.extend_from_slice(after.as_bytes());
        self.text.push(b'"');
        self.members[at].start = wrapped;
        self.members[at].end = self.text.len();
    }

    fn is_string(&self, at: usize) -> bool {
        self.text[self.members[at].start] == b'"'
    }

    /// A member out of `names` that this contact has as a string, beginning the search anywhere.
    fn any_string(&self, names: &[&str], rng: &mut Rng) -> Option<usize> {
        let first = rng.below(names.len() as u32) as usize;
        (0..names.len()).filter_map(|i| self.find(names[(first + i) % names.len()])).find(|&at| self.is_string(at))
    }

    /// Appends the contact as a compact JSON object.
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (i, member) in self.members.iter().enumerate() {
            out.extend_from_slice(if i == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(member.name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(&self.text[member.start..member.end]);
        }
        out.push(b'}');
    }
}

/// Somebody with a name and an address nobody else in the sample has.
struct Person {
    index: u64,
    first: &'static str,
    last: &'static str,
    /// The names in ASCII, as an e-mail address has them.
    first_ascii: &'static str,
    last_ascii: &'static str,
    domain: &'static str,
    style: u32,
}

/// The longest address an import takes, in characters.
const EMAIL_MAX: usize = 50;

impl Person {
    fn draw(seed: u64, index: u64) -> Person {
        let mut rng = Rng::new(seed, index, Purpose::Person);
        let (first, last, first_ascii, last_ascii) = if rng.per_mille(55) {
            rng.pick(ACCENTED_PEOPLE)
        } else {
            let (first, last) = (rng.pick(FIRST_NAMES), rng.pick(LAST_NAMES));
            (first, last, first, last)
        };
        Person { index, first, last, first_ascii, last_ascii, domain: rng.pick(DOMAINS), style: rng.below(8) }
    }

    /// Writes the part before the `@`. Its only digits are the index, which keeps it unique.
    fn local_part(&self, out: &mut Vec<u8>) {
        let start = out.len();
        match self.style {
            0..=3 => {
                lower(out, self.first_ascii);
                out.push(b'.');
                lower(out, self.last_ascii);
            }
            4 => {
                lower(out, &self.first_ascii[..1]);
                lower(out, self.last_ascii);
            }
            5 => {
                lower(out, self.last_ascii);
                out.push(b'_');
                lower(out, self.first_ascii);
            }
            6 => {
                lower(out, self.first_ascii);
                out.push(b'+');
            }
            _ => lower(out, self.first_ascii),
        }
        number(out, self.index);
        if out.len() - start + 1 + self.domain.len() > EMAIL_MAX {
            out.truncate(start);
            self.short_local_part(out);
        }
    }

    /// Writes a local part that leaves room for a long domain.
    fn short_local_part(&self, out: &mut Vec<u8>) {
        lower(out, &self.first_ascii[..1]);
        number(out, self.index);
    }

    fn address(&self, out: &mut Vec<u8>) {
        self.local_part(out);
        out.push(b'@');
        out.extend_from_slice(self.domain.as_bytes());
    }
}

// ---------------------------------------------------------------------------------------------
// Clean members
// ---------------------------------------------------------------------------------------------

/// A part of a contact beside e-mail and names: one member or several that belong together.
#[derive(Clone, Copy)]
enum Part {
    Company,
    JobTitle,
    Phone,
    HomePhone,
    MobilePhone,
    WorkPhone,
    Birthday,
    Anniversary,
    Address,
    AddressWithStreet2,
    WorkAddress,
    Custom,
    TwoCustom,
    Sms,
}

/// The columns that exports have. With the e-mail and the two names each gives 9 to 12 members,
/// and all together about 260 bytes a contact.
const LAYOUTS: &[&[Part]] = {
    use Part::*;
    &[
        &[Address, Phone, Company, JobTitle],
        &[Address, MobilePhone, Company, Custom],
        &[Phone, Address, Birthday, Custom],
        &[MobilePhone, Birthday, Address, Custom],
        &[Company, JobTitle, WorkPhone, Address],
        &[Company, JobTitle, Phone, MobilePhone, Birthday, Anniversary],
        &[JobTitle, Company, WorkPhone, MobilePhone, TwoCustom, Anniversary],
        &[Address, Phone, TwoCustom],
        &[AddressWithStreet2, Phone, Custom],
        &[AddressWithStreet2, HomePhone, MobilePhone],
        &[Birthday, Anniversary, HomePhone, MobilePhone, TwoCustom],
        &[Address, Sms, Custom],
        &[Phone, Sms, Birthday, TwoCustom],
        &[Address, Phone, Anniversary, Company],
        &[Company, JobTitle, WorkPhone, WorkAddress],
        &[Company, JobTitle, WorkPhone, Birthday, TwoCustom],
    ]
};

/// Fills the draft with a clean contact: a cleaner leaves every byte of it as it is.
fn fill_members(draft: &mut Draft, person: &Person, rng: &mut Rng) {
    draft.add("email", |text| quoted(text, |text| person.address(text)));
    if rng.per_mille(8) {
        let nickname = rng.pick(NICKNAMES);
        draft.add("first_name", |text| {
            quoted(text, |text| {
                put(text, person.first);
                put(text, " \\\"");
                put(text, nickname);
                put(text, "\\\"");
            });
        });
    } else {
        draft.add("first_name", |text| string(text, person.first));
    }
    draft.add("last_name", |text| string(text, person.last));
    for &part in rng.pick(LAYOUTS) {
        match part {
            Part::Company => draft.add("company_name", |text| company(text, person, rng)),
            Part::JobTitle => {
                let title = if rng.per_mille(15) { rng.pick(UNUSUAL_JOB_TITLES) } else { rng.pick(JOB_TITLES) };
                draft.add("job_title", |text| string(text, title));
            }
            Part::Phone => add_phone(draft, "phone", rng),
            Part::HomePhone => add_phone(draft, "home_phone", rng),
            Part::MobilePhone => add_phone(draft, "mobile_phone", rng),
            Part::WorkPhone => add_phone(draft, "work_phone", rng),
            Part::Birthday => {
                let (month, day) = month_and_day(rng);
                draft.add("birthday_month", |text| number(text, u64::from(month)));
                draft.add("birthday_day", |text| number(text, u64::from(day)));
            }
            Part::Anniversary => {
                let day = Day::draw(rng, 1950, 2024);
                draft.add("anniversary", |text| quoted(text, |text| day.canonical(text)));
            }
            Part::Address => add_address(draft, &PLAIN_ADDRESS, false, rng),
            Part::AddressWithStreet2 => add_address(draft, &PLAIN_ADDRESS, true, rng),
            Part::WorkAddress => add_address(draft, &WORK_ADDRESS, false, rng),
            Part::Custom => add_custom(draft, 1, rng),
            Part::TwoCustom => add_custom(draft, 2, rng),
            Part::Sms => {
                add_phone(draft, "sms_number", rng);
                set_consent(draft, rng);
            }
        }
    }
}

fn add_phone(draft: &mut Draft, name: &'static str, rng: &mut Rng) {
    let number = PhoneNumber::draw(rng);
    draft.set(name, |text| quoted(text, |text| number.dashed(text)));
}

fn set_consent(draft: &mut Draft, rng: &mut Rng) {
    let day = Day::draw(rng, 2019, 2024);
    draft.set("sms_consent_date", |text| quoted(text, |text| day.canonical(text)));
}

/// The six members of an address, in this order: street, street2, city, state, zip, country.
type AddressNames = [&'static str; 6];

const PLAIN_ADDRESS: AddressNames = ["street", "street2", "city", "state", "zip", "country"];
const HOME_ADDRESS: AddressNames =
    ["home_street", "home_street2", "home_city", "home_state", "home_zip", "home_country"];
const WORK_ADDRESS: AddressNames =
    ["work_street", "work_street2", "work_city", "work_state", "work_zip", "work_country"];

fn add_address(draft: &mut Draft, names: &AddressNames, street2: bool, rng: &mut Rng) {
    draft.set(names[0], |text| {
        quoted(text, |text| {
            number(text, u64::from(rng.between(1, 9899)));
            text.push(b' ');
            put(text, rng.pick(STREETS));
            text.push(b' ');
            put(text, rng.pick(STREET_KINDS));
        });
    });
    if street2 {
        draft.set(names[1], |text| unit(text, rng));
    }
    if rng.per_mille(40) {
        let (city, state, zip, country) = rng.pick(ACCENTED_CITIES);
        for (name, value) in names[2..].iter().zip([city, state, zip, country]) {
            // Beside a foreign country, the numbers of a contact would not be clean.
            if name.ends_with("country") && !matches!(value, "US" | "Canada") {
                continue;
            }
            draft.set(name, |text| string(text, value));
        }
        return;
    }
    let (city, state, zip) = rng.pick(CITIES);
    draft.set(names[2], |text| string(text, city));
    draft.set(names[3], |text| string(text, state));
    draft.set(names[4], |text| {
        quoted(text, |text| {
            put(text, zip);
            digits(text, rng.below(100), 2);
        });
    });
    let country = rng.pick(COUNTRY_NAMES);
    draft.set(names[5], |text| string(text, country));
}

/// A second address line: `"Apt 12"`.
fn unit(text: &mut Vec<u8>, rng: &mut Rng) {
    quoted(text, |text| {
        put(text, rng.pick(&["Apt ", "Unit ", "Suite ", "Floor "]));
        number(text, u64::from(rng.between(1, 40)));
    });
}

fn company(text: &mut Vec<u8>, person: &Person, rng: &mut Rng) {
    match rng.below(1000) {
        0..=14 => string(text, rng.pick(UNUSUAL_COMPANIES)),
        15..=250 => quoted(text, |text| {
            put(text, person.last);
            put(text, rng.pick(FAMILY_COMPANIES));
        }),
        _ => quoted(text, |text| {
            put(text, rng.pick(COMPANY_NAMES));
            text.push(b' ');
            put(text, rng.pick(COMPANY_TRADES));
        }),
    }
}

/// Adds `count` custom fields, neighbours in the table and so of different names.
fn add_custom(draft: &mut Draft, count: usize, rng: &mut Rng) {
    let first = rng.below(CUSTOM_FIELDS.len() as u32) as usize;
    for i in 0..count {
        let (name, values) = CUSTOM_FIELDS[(first + i) % CUSTOM_FIELDS.len()];
        draft.set(name, |text| match values {
            Values::Words(words) => string(text, rng.pick(words)),
            Values::Count => quoted(text, |text| number(text, u64::from(rng.below(5000)))),
            Values::Day => {
                let day = Day::draw(rng, 2021, 2024);
                quoted(text, |text| day.canonical(text));
            }
        });
    }
}

// ---------------------------------------------------------------------------------------------
// Mistakes, a function a group
// ---------------------------------------------------------------------------------------------

const PHONES: &[&str] = &["mobile_phone", "phone", "work_phone", "home_phone"];

fn phone_mistake(kind: Phone, draft: &mut Draft, rng: &mut Rng) {
    let name = PHONES.iter().find(|name| draft.find(name).is_some()).map_or("home_phone", |name| *name);
    let phone = PhoneNumber::draw(rng);
    let mut format = |pattern: &str| {
        draft.set(name, |text| quoted(text, |text| phone.format(pattern, text)));
    };
    match kind {
        Phone::Digits => format("AEL"),
        Phone::Parentheses => format(rng.pick(&["(A) E-L", "(A) E-L", "(A)E-L", "(A) E L", "(A) E.L"])),
        Phone::Dots => format(rng.pick(&["A.E.L", "A.E-L"])),
        Phone::Spaces => format(rng.pick(&["A E L", "A E-L", " A-E-L "])),
        Phone::Slash => format("A/E-L"),
        Phone::CountryCode => {
            format(rng.pick(&["+1 A E L", "+1AEL", "1-A-E-L", "+1 (A) E-L", "001 A E L", "1AEL", "+1.A.E.L"]))
        }
        Phone::UnicodePunctuation => format(rng.pick(&[
            "A\u{2011}E\u{2011}L",
            "A\u{2013}E\u{2013}L",
            "(A)\u{a0}E\u{2010}L",
            "A\u{a0}E\u{a0}L",
            "A\u{2212}E\u{2212}L",
        ])),
        Phone::Extension => format(rng.pick(&[
            "A-E-L ext. 12",
            "A-E-Lx345",
            "(A) E-L x7",
            "A-E-L #12",
            "A.E.L EXT 4410",
            "A-E-L ext 9",
        ])),
        Phone::JsonNumber => draft.set(name, |text| phone.format("AEL", text)),
        Phone::NotNanp => {
            let (area, exchange) = rng.pick(&[("123", "123"), ("911", "555"), ("555", "011"), ("212", "411")]);
            draft.set(name, |text| {
                quoted(text, |text| {
                    text.push(b'(');
                    put(text, area);
                    put(text, ") ");
                    put(text, exchange);
                    phone.format("-L", text);
                });
            });
        }
        Phone::TooShort => format(rng.pick(&["E-L", "EL", "A-E", "L", "A-E-"])),
        Phone::TooLong => format(rng.pick(&["A-E-L0", "AELA", "A-E-L / E-L", "2-A-E-L"])),
        Phone::International => draft.set(name, |text| string(text, rng.pick(FOREIGN_PHONES))),
        Phone::NoNumber => draft.set(name, |text| string(text, rng.pick(NO_PHONES))),
        Phone::WithOther => {
            add_phone(draft, "phone", rng);
            draft.set("other_phone", |text| quoted(text, |text| phone.dashed(text)));
        }
        Phone::WithEqualOther => {
            for name in ["phone", "other_phone"] {
                draft.set(name, |text| quoted(text, |text| phone.dashed(text)));
            }
        }
        Phone::FourKinds => {
            for &name in PHONES {
                add_phone(draft, name, rng);
            }
        }
    }
}

fn email_mistake(kind: Email, draft: &mut Draft, rng: &mut Rng, person: &Person, earlier: Option<&Person>) {
    // With hardly any contact before this one there may be nothing to repeat.
    let kind = match (kind, earlier) {
        (Email::Duplicate | Email::DuplicateOtherCase, None) => Email::UpperCaseDomain,
        _ => kind,
    };
    let put_email = |text: &mut Vec<u8>| match kind {
        Email::UpperCaseDomain => {
            let start = text.len();
            person.address(text);
            let domain = text.len() - person.domain.len();
            match rng.below(8) {
                0 => text[start..].make_ascii_uppercase(),
                1..=4 => text[domain..].make_ascii_uppercase(),
                _ => text[domain..=domain].make_ascii_uppercase(),
            }
        }
        Email::DisplayName => {
            put(text, person.first);
            text.push(b' ');
            put(text, person.last);
            put(text, " <");
            person.address(text);
            text.push(b'>');
        }
        Email::AngleBrackets => {
            text.push(b'<');
            person.address(text);
            text.push(b'>');
        }
        Email::MailTo => {
            put(text, rng.pick(&["mailto:", "mailto:", "MAILTO:"]));
            person.address(text);
        }
        Email::Padded => {
            let (before, after) = rng.pick(PADDINGS);
            put(text, before);
            person.address(text);
            put(text, after);
        }
        Email::InternationalDomain => {
            person.short_local_part(text);
            text.push(b'@');
            put(text, rng.pick(INTERNATIONAL_DOMAINS));
        }
        Email::NoAt => {
            person.local_part(text);
            put(text, rng.pick(&["", ".", " at ", "#"]));
            put(text, person.domain);
        }
        Email::TwoAt => {
            person.local_part(text);
            put(text, rng.pick(&["@@", "@mail@"]));
            put(text, person.domain);
        }
        Email::TwoAddresses => {
            person.address(text);
            put(text, rng.pick(&["; ", ", ", " ", "/"]));
            person.short_local_part(text);
            put(text, "@example.com");
        }
        Email::BadDomain => {
            person.local_part(text);
            put(text, rng.pick(BAD_DOMAINS));
        }
        Email::BadLocalPart => {
            let (before, after) = rng.pick(BAD_LOCAL_PARTS);
            put(text, before);
            person.local_part(text);
            put(text, after);
            text.push(b'@');
            put(text, person.domain);
        }
        Email::TooLong => {
            person.local_part(text);
            put(text, ".customer.newsletter.and.special.offers.list@");
            put(text, person.domain);
        }
        Email::WrongType => {}
        Email::Duplicate => earlier.unwrap_or(person).address(text),
        Email::DuplicateOtherCase => {
            let start = text.len();
            let earlier = earlier.unwrap_or(person);
            earlier.address(text);
            let local = text.len() - earlier.domain.len() - 1;
            if rng.per_mille(500) {
                text[start..local].make_ascii_uppercase();
            } else {
                text[start..=start].make_ascii_uppercase();
            }
        }
    };
    if kind == Email::WrongType {
        let json = rng.pick(&["true", "12345", "[]", "[\"info@example.com\"]", "false"]);
        draft.set_json("email", json);
    } else {
        draft.set("email", |text| quoted(text, put_email));
    }
}

fn date_mistake(kind: Date, draft: &mut Draft, rng: &mut Rng) {
    let mut day = Day::draw(rng, 1950, 2024);
    draft.set("anniversary", |text| {
        quoted(text, |text| match kind {
            Date::SlashYearLast => day.format(rng.pick(&["M/D/Y", "M/D/Y", "mm/dd/Y"]), text),
            Date::SlashYearFirst => day.format(rng.pick(&["Y/M/D", "Y/mm/dd"]), text),
            Date::DashYearFirst => {
                // Only a month of one digit makes this differ from the canonical form for sure.
                day.month = rng.between(1, 9);
                day.day = day.day.min(28);
                day.format("Y-M-D", text);
            }
            Date::DashYearLast => day.format(rng.pick(&["M-D-Y", "mm-dd-Y"]), text),
            Date::Impossible => put(text, rng.pick(IMPOSSIBLE_DATES)),
            Date::YearOutOfRange => {
                day.year = rng.pick(&[1, 1066, 1800, 1899, 2101, 2915, 9999]);
                day.format(rng.pick(&["Y-mm-dd", "M/D/Y"]), text);
            }
            Date::TwoDigitYear => {
                day.format(rng.pick(&["M/D/", "mm-dd-"]), text);
                digits(text, day.year % 100, 2);
            }
            Date::Garbage => put(text, rng.pick(NO_DATES)),
        });
    });
}

fn birthday_mistake(kind: Birthday, draft: &mut Draft, rng: &mut Rng) {
    let (month, day) = month_and_day(rng);
    let members = [("birthday_month", month), ("birthday_day", day)];
    match kind {
        Birthday::DigitString => {
            let pad = rng.pick(&[0, 2]);
            for (name, value) in members {
                draft.set(name, |text| quoted(text, |text| digits(text, value, pad)));
            }
        }
        Birthday::Decimal => {
            for (name, value) in members {
                draft.set(name, |text| {
                    digits(text, value, 0);
                    put(text, ".0");
                });
            }
        }
        Birthday::OutOfRange => {
            let (month, day) = rng.pick(&[
                ("13", "1"),
                ("0", "0"),
                ("7", "32"),
                ("-1", "4"),
                ("24", "12"),
                ("7.5", "3"),
                ("\"19\"", "\"5\""),
                ("6", "1e9"),
                ("99999999999999999999", "1"),
            ]);
            draft.set_json("birthday_month", month);
            draft.set_json("birthday_day", day);
        }
        Birthday::NoSuchDay => {
            let (month, day) = rng.pick(&[("2", "30"), ("2", "31"), ("4", "31"), ("6", "31"), ("11", "31")]);
            draft.set_json("birthday_month", month);
            draft.set_json("birthday_day", day);
        }
        Birthday::HalfMissing => {
            let (kept, gone) = if rng.per_mille(700) { (0, 1) } else { (1, 0) };
            draft.set(members[kept].0, |text| digits(text, members[kept].1, 0));
            draft.remove(members[gone].0);
        }
        Birthday::Words => {
            let month = rng.pick(&["\"July\"", "\"dec\"", "true", "[7]", "\"7/14\"", "\"VII\""]);
            draft.set_json("birthday_month", month);
            draft.set("birthday_day", |text| digits(text, day, 0));
        }
    }
}

/// Members that an export has as a column and a contact often leaves empty.
const OFTEN_BLANK: &[&str] = &[
    "first_name",
    "last_name",
    "job_title",
    "company_name",
    "anniversary",
    "phone",
    "home_phone",
    "work_phone",
    "street2",
    "city",
    "state",
    "zip",
    "country",
    "work_street",
    "work_city",
    "cf:Source",
];

fn blank_mistake(kind: Blank, draft: &mut Draft, rng: &mut Rng) {
    const WHITE_SPACE: &[&str] = &["\" \"", "\"   \"", "\"\u{a0}\"", "\"\\t\"", "\"\\r\\n\"", "\"\u{3000} \""];
    match kind {
        Blank::Null => draft.set_json(rng.pick(OFTEN_BLANK), "null"),
        Blank::Empty => draft.set_json(rng.pick(OFTEN_BLANK), "\"\""),
        Blank::WhiteSpace => draft.set_json(rng.pick(OFTEN_BLANK), rng.pick(WHITE_SPACE)),
        Blank::Several => {
            let json = rng.pick(&["null", "\"\"", "\"\""]);
            for _ in 0..rng.between(3, 6) {
                draft.set_json(rng.pick(OFTEN_BLANK), json);
            }
        }
    }
}

fn type_mistake(kind: Type, draft: &mut Draft, rng: &mut Rng) {
    const TARGETS: &[&str] = &["job_title", "company_name", "last_name", "cf:Source", "city", "work_phone"];
    match kind {
        Type::ZipNumber => {
            let fraction = rng.per_mille(50);
            draft.set("zip", |text| {
                number(text, u64::from(rng.between(10_001, 99_950)));
                if fraction {
                    put(text, ".0");
                }
            });
        }
        Type::CustomNumber => {
            let json = rng.pick(&["0", "17", "2500", "19.95", "-3", "1e3", "12345678901234567890123"]);
            draft.set_json("cf:Points", json);
        }
        Type::TrueFalse => draft.set_json(rng.pick(TARGETS), rng.pick(&["true", "false"])),
        Type::Array => draft.set_json(rng.pick(TARGETS), rng.pick(ARRAY_VALUES)),
        Type::Object => draft.set_json(rng.pick(TARGETS), rng.pick(OBJECT_VALUES)),
    }
}

fn text_mistake(kind: Text, draft: &mut Draft, rng: &mut Rng) {
    const TARGETS: &[&str] = &["first_name", "last_name", "company_name", "job_title", "city", "street"];
    if kind == Text::Decomposed {
        let (name, value) = rng.pick(DECOMPOSED);
        return draft.set(name, |text| string(text, value));
    }
    if kind == Text::StreetTooLong {
        return draft.set("street", |text| {
            quoted(text, |text| {
                for _ in 0..rng.between(6, 10) {
                    put(text, "Rear building, second courtyard, ring twice; ");
                }
                put(text, "Gärtnerei");
            });
        });
    }
    let at = match draft.any_string(TARGETS, rng) {
        Some(at) => at,
        // Another mistake took the strings away.
        None => {
            draft.set_json("job_title", "\"Owner\"");
            draft.members.len() - 1
        }
    };
    let (before, after) = match kind {
        Text::Padded => rng.pick(&[("", " "), (" ", ""), ("  ", "  "), ("", "   "), ("\u{a0}", "")]),
        Text::ZeroWidthEnds => rng.pick(&[("\u{feff}", ""), ("\u{200b}", ""), ("", "\u{200b}"), ("", "\\u200d")]),
        Text::DoubleSpace => rng.pick(&[("", "  Jr."), ("The  ", ""), ("", "  \\ud83c\\udf89  Team"), ("", "   II")]),
        Text::UnicodeSpace => {
            rng.pick(&[("", "\u{a0}Jr."), ("", "\u{2003}&\u{2003}Co"), ("", "\u{3000}様"), ("Dr.\u{202f}", "")])
        }
        Text::Tab => rng.pick(&[("", "\\t"), ("", "\\tII"), ("\\t", "\\t")]),
        Text::LineBreak => rng.pick(&[("", "\\n"), ("", "\\r\\n(wholesale)"), ("c/o\\n", ""), ("", "\\u2028Jr.")]),
        Text::Control => {
            rng.pick(&[("", "\\u0000"), ("\\u0007", ""), ("", "\\u001f Jr."), ("", "\\u0085II"), ("", "\\b")])
        }
        Text::TooLong | Text::Decomposed | Text::StreetTooLong => rng.pick(LONG_TAILS),
    };
    draft.wrap(at, before, after);
    // A street takes 255 characters: what is too long for a name is not too long for it.
    if kind == Text::TooLong && draft.members[at].name == "street" {
        draft.wrap(at, LONG_STREET, "");
    }
}

fn name_mistake(kind: Name, draft: &mut Draft, rng: &mut Rng, person: &Person) {
    match kind {
        Name::CamelCase => {
            let (name, camel) = rng.pick(CAMEL_CASE);
            match draft.find(name) {
                Some(at) => draft.members[at].name = camel,
                None => draft.set(camel, |text| string(text, person.last)),
            }
        }
        Name::CfUnderscore => draft.set(rng.pick(CF_UNDERSCORE), |text| string(text, "Trade Fair")),
        Name::PhoneNumbers => {
            let phone = PhoneNumber::draw(rng);
            draft.set("phone_numbers", |text| {
                put(text, "[{\"phone_number\":\"");
                phone.dashed(text);
                put(text, "\",\"kind\":\"");
                put(text, rng.pick(&["home", "work", "mobile", "other"]));
                put(text, "\"}]");
            });
        }
        Name::StreetAddresses => draft.set_json("street_addresses", rng.pick(STREET_ADDRESSES)),
        Name::CustomFields => draft.set_json("custom_fields", rng.pick(CUSTOM_FIELD_LISTS)),
        Name::ListMemberships => draft.set_json("list_memberships", rng.pick(LIST_MEMBERSHIPS)),
        Name::EmailObject => draft.set("email", |text| {
            put(text, "{\"address\":\"");
            person.address(text);
            put(text, "\",\"permission_to_send\":\"implicit\"}");
        }),
        Name::Unknown => {
            let (name, json) = rng.pick(UNKNOWN_MEMBERS);
            draft.set_json(name, json);
        }
        Name::Twice => match rng.below(4) {
            0 => draft.add("email", |text| quoted(text, |text| person.address(text))),
            1 => {
                draft.set("last_name", |text| string(text, person.last));
                draft.add("last_name", |text| string(text, "Doe"));
            }
            2 => {
                add_phone(draft, "phone", rng);
                draft.add("phone", |text| text.extend_from_slice(b"null"));
            }
            // The same name, spelled with an escape.
            _ => {
                draft.set("first_name", |text| string(text, person.first));
                draft.add("first\\u005fname", |text| string(text, person.first));
            }
        },
    }
}

fn address_mistake(kind: Address, draft: &mut Draft, rng: &mut Rng) {
    match kind {
        Address::HomeEqual => {
            add_address(draft, &PLAIN_ADDRESS, false, rng);
            for (plain, home) in PLAIN_ADDRESS.into_iter().zip(HOME_ADDRESS) {
                if let Some(at) = draft.find(plain) {
                    let Member { start, end, .. } = draft.members[at];
                    draft.set(home, |text| text.extend_from_within(start..end));
                }
            }
        }
        Address::HomeDifferent => {
            add_address(draft, &PLAIN_ADDRESS, false, rng);
            add_address(draft, &HOME_ADDRESS, rng.per_mille(200), rng);
        }
        Address::Street2Alone => {
            draft.remove("street");
            draft.set("street2", |text| unit(text, rng));
        }
        Address::HomeCountrySpelling => {
            for name in PLAIN_ADDRESS {
                draft.remove(name);
            }
            let mut names = HOME_ADDRESS;
            names[5] = "home country";
            add_address(draft, &names, false, rng);
        }
    }
}

fn custom_mistake(kind: Custom, draft: &mut Draft, rng: &mut Rng) {
    match kind {
        Custom::TooMany => {
            let count = rng.between(26, SURVEY.len() as u32) as usize;
            for &name in &SURVEY[..count] {
                draft.set(name, |text| string(text, rng.pick(&["yes", "no", "sometimes", "très bien"])));
            }
        }
        Custom::NameTooLong => draft.set(rng.pick(LONG_CUSTOM_NAMES), |text| string(text, "yes")),
        Custom::NameEmpty => draft.set(rng.pick(&["cf:", "cf:", "cf: "]), |text| string(text, "Gold")),
        Custom::ValueTooLong => draft.set("cf:Notes", |text| {
            quoted(text, |text| {
                for _ in 0..rng.between(6, 9) {
                    put(text, "Called twice, prefers the café on the corner. ");
                }
                put(text, "See file.");
            });
        }),
    }
}

fn sms_mistake(kind: Sms, draft: &mut Draft, rng: &mut Rng) {
    let phone = PhoneNumber::draw(rng);
    let set_number = |draft: &mut Draft, pattern: &str| {
        draft.set("sms_number", |text| quoted(text, |text| phone.format(pattern, text)));
    };
    match kind {
        Sms::Punctuation => {
            set_number(draft, rng.pick(&["AEL", "(A) E-L", "A.E.L", "+1AEL", "1-A-E-L"]));
            set_consent(draft, rng);
        }
        Sms::NoConsentDate => {
            set_number(draft, "A-E-L");
            if rng.per_mille(700) {
                draft.remove("sms_consent_date");
            } else {
                draft.set_json("sms_consent_date", rng.pick(&["null", "\"\""]));
            }
        }
        Sms::FutureConsent => {
            set_number(draft, "A-E-L");
            draft.set_json("sms_consent_date", rng.pick(&["\"2099-12-31\"", "\"2099-01-01\"", "\"2098-06-15\""]));
        }
        Sms::BadConsentDate => {
            set_number(draft, "A-E-L");
            let json = rng.pick(&["\"yes\"", "\"2023-02-30\"", "\"13/13/2023\"", "\"2023-05-04T10:00:00Z\"", "true"]);
            draft.set_json("sms_consent_date", json);
        }
        Sms::ConsentForm => {
            set_number(draft, "A-E-L");
            let day = Day::draw(rng, 2019, 2024);
            let pattern = rng.pick(&["M/D/Y", "Y/M/D", "M-D-Y"]);
            draft.set("sms_consent_date", |text| quoted(text, |text| day.format(pattern, text)));
        }
        Sms::ConsentAlone => {
            draft.remove("sms_number");
            set_consent(draft, rng);
        }
        Sms::Extension => {
            set_number(draft, rng.pick(&["AELx12", "A-E-L x7", "A-E-L#12"]));
            set_consent(draft, rng);
        }
        Sms::BadNumber => {
            set_number(draft, rng.pick(&["E-L", "AEL00", "+44 20 7946 0958", "none"]));
            set_consent(draft, rng);
        }
        Sms::TooLong => {
            set_number(draft, rng.pick(&["+1 (A) E - L", "+1 (A)  E-L", "  +1 A - E - L"]));
            set_consent(draft, rng);
        }
        Sms::OnlyWithoutConsent => {
            draft.remove("email");
            set_number(draft, "A-E-L");
            draft.remove("sms_consent_date");
        }
    }
}

/// Takes away what a contact is known by.
fn no_identity(draft: &mut Draft, rng: &mut Rng) {
    draft.remove("sms_number");
    draft.remove("sms_consent_date");
    match rng.below(8) {
        0 => draft.clear(),
        1..=3 => draft.remove("email"),
        4 | 5 => draft.set_json("email", "\"\""),
        6 => draft.set_json("email", "null"),
        _ => draft.set_json("email", "\"  \""),
    }
}

/// Writes something that is no object in place of a contact.
fn no_contact(kind: Shape, rng: &mut Rng, person: &Person, out: &mut Vec<u8>) {
    match kind {
        Shape::Null | Shape::NoIdentity => put(out, "null"),
        Shape::Number => put(out, rng.pick(&["0", "17", "-1", "3.5e2", "20240101"])),
        Shape::String => match rng.below(3) {
            0 => string(out, rng.pick(&["", "}{", "[", "\\\\", "\\\"},{\\\"", "end of file"])),
            _ => quoted(out, |out| person.address(out)),
        },
        Shape::Array => match rng.below(3) {
            0 => put(out, rng.pick(&["[]", "[[],[{}]]", "[\"]\",\"}\"]"])),
            _ => {
                put(out, "[\"");
                person.address(out);
                put(out, "\",");
                string(out, person.first);
                out.push(b',');
                string(out, person.last);
                out.push(b']');
            }
        },
    }
}

// ---------------------------------------------------------------------------------------------
// Writing values
// ---------------------------------------------------------------------------------------------

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Writes quotes and what `fill` puts between them, which must be escaped where JSON wants it.
fn quoted(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    fill(out);
    out.push(b'"');
}

/// Writes `text` between quotes. The tables hold their text escaped.
fn string(out: &mut Vec<u8>, text: &str) {
    quoted(out, |out| put(out, text));
}

/// Writes the letters of `name` in lower case, and drops all else: `O'Brien` gives `obrien`.
fn lower(out: &mut Vec<u8>, name: &str) {
    out.extend(name.bytes().filter(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_lowercase()));
}

/// Writes `value` in decimal.
fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut reversed = [0u8; 20];
    let mut at = reversed.len();
    loop {
        at -= 1;
        reversed[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&reversed[at..]);
}

/// Writes `value` in decimal with at least `width` digits, at most four.
fn digits(out: &mut Vec<u8>, value: u32, width: usize) {
    let four = [
        b'0' + (value / 1000 % 10) as u8,
        b'0' + (value / 100 % 10) as u8,
        b'0' + (value / 10 % 10) as u8,
        b'0' + (value % 10) as u8,
    ];
    let needed = match value {
        0..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        _ => 4,
    };
    out.extend_from_slice(&four[4 - needed.max(width)..]);
}

/// A telephone number of the North American plan that could be in use: neither area code nor
/// exchange begins with 0 or 1, and neither is an N11 code.
#[derive(Clone, Copy)]
struct PhoneNumber {
    area: u32,
    exchange: u32,
    line: u32,
}

impl PhoneNumber {
    fn draw(rng: &mut Rng) -> Self {
        let exchange = rng.between(200, 998);
        PhoneNumber {
            area: rng.pick(AREA_CODES),
            exchange: exchange + u32::from(exchange % 100 == 11),
            line: rng.below(10_000),
        }
    }

    /// Writes the canonical form, `ddd-ddd-dddd`.
    fn dashed(self, out: &mut Vec<u8>) {
        digits(out, self.area, 3);
        out.push(b'-');
        digits(out, self.exchange, 3);
        out.push(b'-');
        digits(out, self.line, 4);
    }

    /// Writes `pattern` with area code, exchange and line in place of `A`, `E` and `L`. In `EXT`
    /// the `E` is itself, since no exchange stands before an `X`.
    fn format(self, pattern: &str, out: &mut Vec<u8>) {
        let bytes = pattern.as_bytes();
        for (i, &byte) in bytes.iter().enumerate() {
            match byte {
                b'A' => digits(out, self.area, 3),
                b'E' if bytes.get(i + 1) != Some(&b'X') => digits(out, self.exchange, 3),
                b'L' => digits(out, self.line, 4),
                _ => out.push(byte),
            }
        }
    }
}

/// A calendar day.
#[derive(Clone, Copy)]
struct Day {
    year: u32,
    month: u32,
    day: u32,
}

impl Day {
    fn draw(rng: &mut Rng, first_year: u32, last_year: u32) -> Self {
        let year = rng.between(first_year, last_year);
        let (month, mut day) = month_and_day(rng);
        // Every fourth year is a leap year between 1901 and 2099, and no more is asked for.
        if month == 2 && day == 29 && !year.is_multiple_of(4) {
            day = 28;
        }
        Day { year, month, day }
    }

    /// Writes `YYYY-MM-DD`.
    fn canonical(self, out: &mut Vec<u8>) {
        digits(out, self.year, 4);
        out.push(b'-');
        digits(out, self.month, 2);
        out.push(b'-');
        digits(out, self.day, 2);
    }

    /// Writes `pattern` with `Y` for the year in four digits, `M` and `D` for month and day in as
    /// many as they need, `mm` and `dd` for both in two.
    fn format(self, pattern: &str, out: &mut Vec<u8>) {
        let mut bytes = pattern.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'Y' => digits(out, self.year, 4),
                b'M' => digits(out, self.month, 0),
                b'D' => digits(out, self.day, 0),
                b'm' | b'd' => {
                    digits(out, if byte == b'm' { self.month } else { self.day }, 2);
                    bytes.next();
                }
                _ => out.push(byte),
            }
        }
    }
}

/// A month and a day it can have, 29 February among them.
fn month_and_day(rng: &mut Rng) -> (u32, u32) {
    const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = rng.between(1, 12);
    (month, rng.between(1, DAYS[month as usize - 1]))
}

/// What contacts are made of. Changing a table changes every sample ever named by its seed. Text
/// is written as it stands between quotes in JSON, escapes and all.
#[rustfmt::skip]
mod tables {
    pub(super) const FIRST_NAMES: &[&str] = &[
        "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David",
        "Elizabeth", "William", "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas",
        "Karen", "Christopher", "Sarah", "Charles", "Lisa", "Daniel", "Nancy", "Matthew", "Sandra",
        "Anthony", "Betty", "Mark", "Ashley", "Donald", "Emily", "Steven", "Kimberly", "Andrew",
        "Margaret", "Paul", "Donna", "Joshua", "Michelle", "Kenneth", "Carol", "Kevin", "Amanda",
        "Brian", "Melissa", "George", "Deborah", "Timothy", "Stephanie", "Ronald", "Rebecca",
        "Jason", "Sharon", "Edward", "Laura", "Jeffrey", "Cynthia", "Ryan", "Dorothy", "Jacob",
        "Amy", "Gary", "Kathleen", "Nicholas", "Angela", "Eric", "Shirley", "Jonathan", "Emma",
        "Maria", "Carlos", "Juan", "Ana", "Luis", "Rosa", "Diego", "Priya", "Arjun", "Wei", "Mei",
        "Omar", "Fatima", "Aisha", "Dmitri", "Olga", "Kwame", "Nia", "Mary Ann", "Jean-Luc",
    ];

    pub(super) const LAST_NAMES: &[&str] = &[
        "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez",
        "Martinez", "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor",
        "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson", "White", "Harris", "Sanchez",
        "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright",
        "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall",
        "Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "Gomez", "Phillips", "Evans",
        "Turner", "Diaz", "Parker", "Cruz", "Edwards", "Collins", "Reyes", "Stewart", "Morris",
        "Morales", "Murphy", "Cook", "Rogers", "Gutierrez", "Ortiz", "Morgan", "Cooper", "Peterson",
        "Bailey", "Reed", "Kelly", "Howard", "Ramos", "Kim", "Cox", "Ward", "Patel", "O'Brien",
        "O'Connor", "McDonald", "Van Dyke", "De Luca", "Smith-Jones", "Singh", "Khan", "Chen",
        "Kowalski",
    ];

    /// First and last name, and both in ASCII. All in NFC.
    pub(super) const ACCENTED_PEOPLE: &[(&str, &str, &str, &str)] = &[
        ("José", "Hernández", "Jose", "Hernandez"),
        ("Zoë", "Müller", "Zoe", "Mueller"),
        ("Łukasz", "Wójcik", "Lukasz", "Wojcik"),
        ("Thảo", "Nguyễn", "Thao", "Nguyen"),
        ("太郎", "山田", "Taro", "Yamada"),
        ("花子", "佐藤", "Hanako", "Sato"),
        ("伟", "王", "Wei", "Wang"),
        ("민준", "김", "Minjun", "Kim"),
        ("Ирина", "Соколова", "Irina", "Sokolova"),
        ("Γιώργος", "Παππάς", "Giorgos", "Pappas"),
        ("محمد", "حسن", "Mohamed", "Hassan"),
        ("עדי", "כהן", "Adi", "Cohen"),
        ("प्रिया", "शर्मा", "Priya", "Sharma"),
        ("Renée", "Lefèvre", "Renee", "Lefevre"),
        ("François", "Côté", "Francois", "Cote"),
        ("María", "Núñez", "Maria", "Nunez"),
        ("Søren", "Østergård", "Soren", "Ostergard"),
        ("Åsa", "Öberg", "Asa", "Oberg"),
        ("Jürgen", "Groß", "Juergen", "Gross"),
        ("Jiří", "Dvořák", "Jiri", "Dvorak"),
        ("Siân", "Llŷr", "Sian", "Llyr"),
        ("Şule", "Çelik", "Sule", "Celik"),
        ("João", "Conceição", "Joao", "Conceicao"),
        ("Björk", "Guðmundsdóttir", "Bjork", "Gudmunds"),
        ("Seán", "Ó Briain", "Sean", "OBriain"),
        ("Dušan", "Živković", "Dusan", "Zivkovic"),
        ("Ágnes", "Szőke", "Agnes", "Szoke"),
        ("Ștefan", "Ionuț", "Stefan", "Ionut"),
        ("Nuria", "Peña", "Nuria", "Pena"),
        ("Đorđe", "Đặng", "Djordje", "Dang"),
    ];

    pub(super) const NICKNAMES: &[&str] = &["Bob", "Bud", "Skip", "Ace", "Red", "Tex", "Kit", "J.R."];

    /// None of these can receive mail: names reserved for examples and tests (RFC 2606), some made to
    /// look like those people have.
    pub(super) const DOMAINS: &[&str] = &[
        "example.com", "example.com", "example.org", "example.net", "mail.example",
        "gmail.example.com", "outlook.example", "yahoo.example", "aol.example", "icloud.example",
        "comcast.example.net", "inbox.test", "post.test", "office.test", "acme.example",
        "globex.example.com", "initech.example", "school.example.org", "city.example.org",
        "my-shop.example", "q4.example.net", "uni.example",
    ];

    pub(super) const INTERNATIONAL_DOMAINS: &[&str] = &[
        "bücher.example", "münchen.example", "café.example.com", "señor.example", "пример.example",
        "例え.example",
    ];

    /// From the `@` on.
    pub(super) const BAD_DOMAINS: &[&str] = &[
        "@gmail", "@example..com", "@.example.com", "@example.com.", "@-example.com",
        "@example-.com", "@exa_mple.com", "@exam ple.com", "@192.168.0.1", "@[10.0.0.1]", "@",
        "@example,com", "@example.123", "@localhost",
    ];

    /// What goes before and after a local part to spoil it.
    pub(super) const BAD_LOCAL_PARTS: &[(&str, &str)] = &[
        ("", "."), (".", ""), ("x..", ""), ("\\\"", "\\\""), ("the ", ""), ("né.", ""), ("a,", ""),
        ("(x)", ""), ("x;", ""),
    ];

    /// What stands around an address copied from somewhere.
    pub(super) const PADDINGS: &[(&str, &str)] = &[
        ("", " "), (" ", ""), (" ", " "), ("\u{a0}", ""), ("", "\u{a0}"), ("\u{200b}", ""),
        ("", "\u{200b}"), ("\u{feff}", ""), ("", "\\r\\n"), ("\\t", ""),
    ];

    pub(super) const AREA_CODES: &[u32] = &[
        201, 202, 203, 206, 207, 208, 212, 213, 214, 215, 216, 301, 303, 305, 312, 313, 314, 404,
        405, 408, 410, 412, 415, 502, 503, 504, 505, 508, 512, 602, 603, 608, 612, 614, 617, 702,
        703, 704, 713, 716, 718, 773, 801, 804, 808, 816, 901, 907, 916, 919,
    ];

    pub(super) const FOREIGN_PHONES: &[&str] = &[
        "+44 20 7946 0958", "+49 30 901820", "+33 1 70 18 99 00", "+52 55 5091 0000",
        "+81 3-1234-5678", "+91 98765 43210", "+61 2 5550 1234", "011 44 20 7946 0958",
        "+353 1 555 0123", "0044 131 496 0123",
    ];

    pub(super) const NO_PHONES: &[&str] = &[
        "n/a", "ask reception", "none", "555-CALL-NOW", "-", "unlisted", "see notes", "☎",
    ];

    /// City, state and the first three digits of its ZIP codes.
    pub(super) const CITIES: &[(&str, &str, &str)] = &[
        ("Chicago", "IL", "606"), ("Boston", "MA", "021"), ("Waltham", "MA", "024"),
        ("New York", "NY", "100"), ("Brooklyn", "NY", "112"), ("Buffalo", "NY", "142"),
        ("Los Angeles", "CA", "900"), ("San Diego", "CA", "921"), ("San Francisco", "CA", "941"),
        ("Sacramento", "CA", "958"), ("Houston", "TX", "770"), ("Austin", "TX", "787"),
        ("Dallas", "TX", "752"), ("San Antonio", "TX", "782"), ("El Paso", "TX", "799"),
        ("Phoenix", "AZ", "850"), ("Tucson", "AZ", "857"), ("Denver", "CO", "802"),
        ("Boulder", "CO", "803"), ("Loveland", "CO", "805"), ("Seattle", "WA", "981"),
        ("Spokane", "WA", "992"), ("Portland", "OR", "972"), ("Eugene", "OR", "974"),
        ("Miami", "FL", "331"), ("Tampa", "FL", "336"), ("Orlando", "FL", "328"),
        ("Atlanta", "GA", "303"), ("Savannah", "GA", "314"), ("Charlotte", "NC", "282"),
        ("Raleigh", "NC", "276"), ("Nashville", "TN", "372"), ("Memphis", "TN", "381"),
        ("Columbus", "OH", "432"), ("Cleveland", "OH", "441"), ("Detroit", "MI", "482"),
        ("Ann Arbor", "MI", "481"), ("Minneapolis", "MN", "554"), ("St. Paul", "MN", "551"),
        ("Milwaukee", "WI", "532"), ("Madison", "WI", "537"), ("St. Louis", "MO", "631"),
        ("Kansas City", "MO", "641"), ("Omaha", "NE", "681"), ("Salt Lake City", "UT", "841"),
        ("Las Vegas", "NV", "891"), ("Albuquerque", "NM", "871"), ("Boise", "ID", "837"),
        ("New Orleans", "LA", "701"), ("Philadelphia", "PA", "191"), ("Pittsburgh", "PA", "152"),
        ("Newark", "NJ", "071"), ("Baltimore", "MD", "212"), ("Richmond", "VA", "232"),
        ("Providence", "RI", "029"), ("Hartford", "CT", "061"), ("Burlington", "VT", "054"),
        ("Portland", "ME", "041"), ("Honolulu", "HI", "968"), ("Anchorage", "AK", "995"),
    ];

    /// City, state or province, postal code, country. All in NFC.
    pub(super) const ACCENTED_CITIES: &[(&str, &str, &str, &str)] = &[
        ("Cañon City", "CO", "81212", "US"),
        ("Española", "NM", "87532", "US"),
        ("Mayagüez", "PR", "00680", "US"),
        ("Montréal", "QC", "H2X 1Y4", "Canada"),
        ("Trois-Rivières", "QC", "G9A 5B3", "Canada"),
        ("México", "CDMX", "06000", "México"),
        ("São Paulo", "SP", "01310-100", "Brasil"),
        ("Zürich", "ZH", "8001", "Switzerland"),
        ("Łódź", "Łódzkie", "90-001", "Polska"),
        ("東京", "東京都", "100-0001", "日本"),
        ("Đà Nẵng", "Đà Nẵng", "550000", "Việt Nam"),
        ("København", "Hovedstaden", "1050", "Danmark"),
    ];

    pub(super) const COUNTRY_NAMES: &[&str] = &["US", "US", "USA", "United States"];

    pub(super) const STREETS: &[&str] = &[
        "Maple", "Oak", "Cedar", "Pine", "Elm", "Main", "Washington", "Lake", "Hill", "Walnut",
        "Spring", "North", "Ridge", "Church", "Willow", "Mill", "Sunset", "Railroad", "Jefferson",
        "Center", "W Highland", "Forest", "Jackson", "River", "Meadow", "Broad", "Chestnut",
        "E 42nd", "N Clark", "S Halsted", "Martin Luther King", "Park", "Lincoln", "Franklin",
        "2nd", "5th",
    ];

    pub(super) const STREET_KINDS: &[&str] = &[
        "St", "St", "St", "Ave", "Ave", "Rd", "Dr", "Ln", "Blvd", "Ct", "Way", "Pl",
    ];

    pub(super) const COMPANY_NAMES: &[&str] = &[
        "Blue Heron", "Summit", "Lakeside", "Red Door", "Evergreen", "Northwind", "Harbor",
        "Golden Gate", "Prairie", "Copper Kettle", "Silver Birch", "Main Street", "Riverbend",
        "Cornerstone", "Bright", "Old Mill", "Three Oaks", "Sunrise", "Granite", "Beacon",
    ];

    pub(super) const COMPANY_TRADES: &[&str] = &[
        "Bakery", "Dental", "Realty", "Yoga", "Plumbing & Heating", "Coffee Roasters", "Books",
        "Consulting", "Hardware", "Animal Clinic", "Landscaping", "Law Group", "Fitness",
        "Florists", "Insurance", "Auto Body", "Brewing Co.", "Design", "Travel", "Music School",
    ];

    /// What follows a family name.
    pub(super) const FAMILY_COMPANIES: &[&str] = &[" & Sons", " & Associates", " LLC", " Inc.", " Farms", " Bros."];

    /// Clean, though a careless cleaner would change them: quotes, an emoji, one with joiners inside.
    pub(super) const UNUSUAL_COMPANIES: &[&str] = &[
        "\\\"The\\\" Pie Shop", "Café Olé", "Petals 🌸 & Co", "👩\u{200d}🍳 Home Kitchen",
        "Crème de la Crème", "Straße 7 Studio", "back\\\\slash Labs",
    ];

    pub(super) const JOB_TITLES: &[&str] = &[
        "Owner", "Manager", "Director", "Teacher", "Nurse", "Engineer", "Accountant",
        "Sales Associate", "President", "Realtor", "Consultant", "Office Manager", "Volunteer",
        "Attorney", "Chef", "Marketing Lead", "Student", "CEO", "Project Manager", "Designer",
    ];

    pub(super) const UNUSUAL_JOB_TITLES: &[&str] = &[
        "\\\"Chief\\\" of Staff", "Florist 🌸", "Maître d'hôtel", "Façade Engineer",
        "Director \\\"at large\\\"",
    ];

    /// What the values of a custom field are.
    #[derive(Clone, Copy)]
    pub(super) enum Values {
        Words(&'static [&'static str]),
        /// A count, as text.
        Count,
        Day,
    }

    pub(super) const CUSTOM_FIELDS: &[(&str, Values)] = &[
        ("cf:Loyalty Tier", Values::Words(&["Gold", "Silver", "Bronze", "Platinum"])),
        ("cf:Source", Values::Words(&["Website", "Trade Fair", "In Store", "Referral", "Facebook", "Point of Sale"])),
        ("cf:Last Order", Values::Day),
        ("cf:Points", Values::Count),
        ("cf:Preferred Store", Values::Words(&["Downtown", "Airport", "Mall", "Old Town", "Online"])),
        ("cf:Shirt Size", Values::Words(&["S", "M", "L", "XL"])),
        ("cf:Allergies", Values::Words(&["none", "peanuts", "gluten", "shellfish"])),
    ];

    pub(super) const IMPOSSIBLE_DATES: &[&str] = &[
        "2/30/2015", "2019-02-29", "13/1/2012", "2001/4/31", "6-31-1998", "2010-00-10",
        "31/12/2009", "1900-02-29", "0000-00-00", "2016-11-00",
    ];

    pub(super) const NO_DATES: &[&str] = &[
        "June 2014", "tbd", "2014-06-14T00:00:00Z", "20140614", "14.06.2014", "Sat Jun 14 2014",
        "2014", "41804", "1/2", "n/a", "6/14/2014 12:00",
    ];

    pub(super) const ARRAY_VALUES: &[&str] = &["[]", "[\"Chicago\"]", "[\"a\",\"b\",[\"]\"]]", "[null]", "[1,2,3]"];

    pub(super) const OBJECT_VALUES: &[&str] = &[
        "{}", "{\"value\":\"Gold\"}", "{\"id\":7,\"name\":{\"en\":\"}\\\"\",\"fr\":[]}}",
        "{\"email\":\"inner@example.com\"}",
    ];

    /// A member and a value whose accents are written as combining marks (NFD).
    pub(super) const DECOMPOSED: &[(&str, &str)] = &[
        ("first_name", "Jose\u{301}"),
        ("first_name", "Zoe\u{308}"),
        ("last_name", "Mu\u{308}ller"),
        ("last_name", "Nguye\u{302}\u{303}n"),
        ("last_name", "Nun\u{303}ez"),
        ("city", "Montre\u{301}al"),
        ("company_name", "Cafe\\u0301 Noir"),
        ("job_title", "Chef pa\u{302}tissie\u{300}re"),
        ("last_name", "\u{1100}\u{1175}\u{11b7}"),
    ];

    /// What makes any name longer than 50 characters. In some the limit falls among letters of more
    /// than one byte.
    pub(super) const LONG_TAILS: &[(&str, &str)] = &[
        ("", " formerly of the Greater Northeastern Regional Association"),
        ("", " und Königlich-Bayerische Würstchenbraterei-Gäßchen Söhne"),
        ("Her Excellency the Right Honourable Lady President ", " the Third"),
        ("", " 株式会社東京特許許可局国際事業本部第三営業部顧客管理課長補佐代理心得見習い兼広報担当広報担当者様御中株式会社"),
    ];

    /// With a tail of [`LONG_TAILS`] longer than the 255 characters a street may have.
    pub(super) const LONG_STREET: &str = "c/o the caretaker of the building behind the old railway \
        station, entrance on the left side of the yard, past the bicycle racks, up the green stairs, \
        second door; please do not ring before nine in the morning or after six at night, thank you \
        kindly, ";

    pub(super) const CAMEL_CASE: &[(&str, &str)] = &[
        ("first_name", "firstName"),
        ("last_name", "lastName"),
        ("company_name", "companyName"),
        ("job_title", "jobTitle"),
        ("birthday_month", "birthdayMonth"),
        ("mobile_phone", "mobilePhone"),
        ("work_phone", "workPhone"),
        ("last_name", "LastName"),
    ];

    pub(super) const CF_UNDERSCORE: &[&str] = &["cf_source", "cf_Loyalty Tier", "cf_last_order", "CF:Source"];

    pub(super) const STREET_ADDRESSES: &[&str] = &[
        r#"[{"kind":"home","street":"12 Oak St","city":"Boston","state":"MA","postal_code":"02110","country":"US"}]"#,
        r#"[{"kind":"work","street":"700 Main St [rear]","city":"Austin","state":"TX"},{"kind":"other"}]"#,
        "[]",
    ];

    pub(super) const CUSTOM_FIELD_LISTS: &[&str] = &[
        r#"[{"custom_field_id":"9d1e5a3c-2f64-11ee-8c2b-fa163e123456","value":"Gold"}]"#,
        r#"{"Loyalty Tier":"Gold","Source":"Website"}"#,
        r#"[{"name":"Quote","value":"She said \"}]\" and left"}]"#,
    ];

    pub(super) const LIST_MEMBERSHIPS: &[&str] = &[r#"["3f0c9b52-7d1e-4c68-9a40-5be2d7f61c83"]"#, "[]"];

    pub(super) const UNKNOWN_MEMBERS: &[(&str, &str)] = &[
        ("notes", "\"met at the fair\""),
        ("id", "90210"),
        ("fax", "\"312-555-0100\""),
        ("middle_name", "\"Lee\""),
        ("created_at", "\"2023-04-05T06:07:08Z\""),
        ("opt_in", "true"),
        ("email_address", "\"second@example.com\""),
        ("Phone", "\"312-555-0100\""),
        ("tags", "[\"vip\",\"{\"]"),
        ("", "\"no heading\""),
        ("prénom", "\"Zoë\""),
        ("score", "null"),
    ];

    pub(super) const LONG_CUSTOM_NAMES: &[&str] = &[
        "cf:How did you first hear about our spring and summer events",
        "cf:Would you recommend us to a friend, neighbour or colleague",
        "cf:Préférence déclarée à l'été dernier pour la newsletter été",
    ];

    /// More custom fields than a contact may have.
    pub(super) const SURVEY: &[&str] = &[
        "cf:Survey Q01", "cf:Survey Q02", "cf:Survey Q03", "cf:Survey Q04", "cf:Survey Q05",
        "cf:Survey Q06", "cf:Survey Q07", "cf:Survey Q08", "cf:Survey Q09", "cf:Survey Q10",
        "cf:Survey Q11", "cf:Survey Q12", "cf:Survey Q13", "cf:Survey Q14", "cf:Survey Q15",
        "cf:Survey Q16", "cf:Survey Q17", "cf:Survey Q18", "cf:Survey Q19", "cf:Survey Q20",
        "cf:Survey Q21", "cf:Survey Q22", "cf:Survey Q23", "cf:Survey Q24", "cf:Survey Q25",
        "cf:Survey Q26", "cf:Survey Q27", "cf:Survey Q28", "cf:Survey Q29",
    ];
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde_json::Value;
    use unicode_normalization::is_nfc;

    use super::*;

    fn sample(contacts: u64, seed: u64, mess: f64, format: SampleFormat) -> Vec<u8> {
        let mut out = Vec::new();
        let sample = Sample { contacts, seed, mess, format };
        write(&sample, &mut out).expect("writing to memory cannot fail");
        out
    }

    fn contacts(contacts: u64, seed: u64, mess: f64) -> Vec<Value> {
        let bytes = sample(contacts, seed, mess, SampleFormat::Ndjson);
        let text = std::str::from_utf8(&bytes).expect("a sample is UTF-8");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// FNV-1a, 64 bits.
    fn fingerprint(bytes: &[u8]) -> u64 {
        bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// The contacts of a sample that have one mistake only, of the kinds `wanted` takes.
    fn with_only(wanted: impl Fn(Kind) -> bool) -> Vec<(Kind, Value)> {
        let maker = Maker::new(3, 100.0);
        let all = contacts(20_000, 3, 100.0);
        let found: Vec<_> = (0..)
            .zip(all)
            .filter_map(|(index, contact)| match maker.plan(index) {
                Plan { first: Some(kind), second: None } if wanted(kind) => Some((kind, contact)),
                _ => None,
            })
            .collect();
        assert!(!found.is_empty());
        found
    }

    fn characters(value: &Value) -> usize {
        value.as_str().map_or(0, |text| text.chars().count())
    }

    #[test]
    fn same_arguments_same_bytes() {
        for format in [SampleFormat::Payload, SampleFormat::Ndjson] {
            assert_eq!(sample(3000, 7, 20.0, format), sample(3000, 7, 20.0, format));
            assert_ne!(sample(10, 7, 20.0, format), sample(10, 8, 20.0, format));
        }
    }

    /// Samples are named by their arguments in tests and reports. When this fails, the change that made
    /// it fail has to go, or every such name means something else from now on.
    #[test]
    fn bytes_never_change() {
        let clean = sample(2000, 1, 0.0, SampleFormat::Payload);
        let messy = sample(20_000, 1, 100.0, SampleFormat::Ndjson);
        assert_eq!((fingerprint(&clean), fingerprint(&messy)), (0xd252_2f27_73f3_5e6d, 0x9de1_a03b_5aae_ad6b));
    }

    #[test]
    fn longer_sample_begins_with_the_shorter() {
        let short = sample(500, 5, 30.0, SampleFormat::Ndjson);
        let long = sample(1500, 5, 30.0, SampleFormat::Ndjson);
        assert!(long.starts_with(&short));

        let short = sample(500, 5, 30.0, SampleFormat::Payload);
        let long = sample(1500, 5, 30.0, SampleFormat::Payload);
        assert!(long.starts_with(&short[..short.len() - "]}\n".len()]));
    }

    #[test]
    fn both_formats_hold_the_same_contacts() {
        let payload = sample(800, 2, 40.0, SampleFormat::Payload);
        assert_eq!(payload.iter().filter(|&&byte| byte == b'\n').count(), 1);
        let body: Value = serde_json::from_slice(&payload).expect("a payload is JSON");
        assert_eq!(body["sms_permission_to_send"], "explicit");
        assert_eq!(body["list_ids"].as_array().map(Vec::len), Some(1));
        assert_eq!(body["import_data"], Value::from(contacts(800, 2, 40.0)));
    }

    #[test]
    fn no_contacts_is_a_sample_too() {
        assert!(sample(0, 1, 5.0, SampleFormat::Ndjson).is_empty());
        assert!(sample(0, 1, 5.0, SampleFormat::Payload).ends_with(b"\"import_data\":[]}\n"));
    }

    #[test]
    fn average_size() {
        for mess in [0.0, 5.0] {
            let bytes = sample(100_000, 1, mess, SampleFormat::Ndjson).len();
            assert!((255..=270).contains(&(bytes / 100_000)), "{bytes}");
        }
    }

    #[test]
    fn pieces_are_large() {
        struct Pieces(Vec<usize>);
        impl Write for Pieces {
            fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
                self.0.push(piece.len());
                Ok(piece.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut pieces = Pieces(Vec::new());
        let sample = Sample { contacts: 5000, seed: 1, mess: 100.0, format: SampleFormat::Payload };
        write(&sample, &mut pieces).expect("this writer takes all");
        let (_, full) = pieces.0.split_last().expect("there is output");
        assert!(!full.is_empty());
        assert!(full.iter().all(|&length| (PIECE..PIECE + LARGEST_CONTACT).contains(&length)));
    }

    #[test]
    fn clean_contacts_are_canonical() {
        let mut emails = HashSet::new();
        let mut accented = 0;
        let mut escaped = 0;
        for contact in contacts(30_000, 9, 0.0) {
            let members = contact.as_object().expect("a clean contact is an object");
            assert!((9..=12).contains(&members.len()), "{contact}");
            let email = contact["email"].as_str().expect("a clean contact has an address");
            assert!(email.len() <= EMAIL_MAX && email.is_ascii(), "{email}");
            assert_eq!(email, email.to_lowercase());
            assert!(emails.insert(email.to_owned()), "{email}");
            let mut plain = true;
            for (name, value) in members {
                if name.starts_with("birthday") {
                    assert!(value.is_u64());
                    continue;
                }
                let text = value.as_str().expect("all but birthdays is text");
                assert!((1..=EMAIL_MAX).contains(&text.chars().count()), "{text}");
                assert!(is_nfc(text), "{text}");
                assert_eq!(text, text.split_whitespace().collect::<Vec<_>>().join(" "));
                plain &= text.is_ascii();
                escaped += u32::from(text.contains(['"', '\\']));
                let shape: String = text.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect();
                if name.ends_with("phone") || name == "sms_number" {
                    assert_eq!(shape, "ddd-ddd-dddd");
                    for start in [0, 4] {
                        assert!(text.as_bytes()[start] >= b'2' && &text[start + 1..start + 3] != "11", "{text}");
                    }
                }
                if name == "anniversary" || name == "sms_consent_date" {
                    assert_eq!(shape, "dddd-dd-dd");
                }
            }
            assert_eq!(members.contains_key("sms_number"), members.contains_key("sms_consent_date"));
            if let (Some(month), Some(day)) = (contact["birthday_month"].as_u64(), contact["birthday_day"].as_u64()) {
                assert!((1..=12).contains(&month) && (1..=31).contains(&day));
                assert!(!(month == 2 && day > 29));
            }
            accented += u32::from(!plain);
        }
        assert!((1800..3300).contains(&accented), "{accented} of 30,000");
        assert!((150..600).contains(&escaped), "{escaped} of 30,000");
    }

    #[test]
    fn clean_sample_has_no_null() {
        let bytes = sample(20_000, 4, 0.0, SampleFormat::Ndjson);
        let text = std::str::from_utf8(&bytes).expect("a sample is UTF-8");
        for never in ["null", "true", "false", ":\"\"", "\\u", "  ", "{}", "[]"] {
            assert!(!text.contains(never), "{never}");
        }
    }

    #[test]
    fn large_indices_keep_addresses_short_and_apart() {
        let mut emails = HashSet::new();
        for index in (0..2000).map(|i| u64::MAX - i).chain((0..2000).map(|i| 99_999_000 + i)) {
            let mut email = Vec::new();
            Person::draw(1, index).address(&mut email);
            assert!(email.len() <= EMAIL_MAX);
            assert!(emails.insert(email));
        }
    }

    #[test]
    fn mess_is_the_share_of_messy_contacts() {
        for (mess, from, to) in [(0.0, 0, 0), (5.0, 4700, 5300), (50.0, 49_000, 51_000), (100.0, 100_000, 100_000)] {
            let maker = Maker::new(1, mess);
            let messy = (0..100_000).filter(|&index| maker.plan(index).first.is_some()).count();
            assert!((from..=to).contains(&messy), "{mess}: {messy}");
        }
    }

    #[test]
    fn contacts_out_of_the_mess_stay_clean() {
        let maker = Maker::new(6, 25.0);
        for (index, (clean, mixed)) in contacts(2000, 6, 0.0).into_iter().zip(contacts(2000, 6, 25.0)).enumerate() {
            if maker.plan(index as u64).first.is_none() {
                assert_eq!(clean, mixed);
            }
        }
    }

    #[test]
    fn every_kind_occurs() {
        const MESSY: u64 = 50_000;
        let maker = Maker::new(1, 100.0);
        let mut counts: HashMap<Kind, u64> = HashMap::new();
        for index in 0..MESSY {
            let plan = maker.plan(index);
            for kind in [plan.first, plan.second].into_iter().flatten() {
                *counts.entry(kind).or_default() += 1;
            }
        }
        for (kind, weight) in KINDS {
            assert!(weight * 1000 >= 3 * WEIGHTS, "{kind:?} is too rare");
            let count = counts.get(kind).copied().unwrap_or(0);
            assert!(count * 1000 >= 3 * MESSY, "{kind:?}: {count}");
        }
        assert_eq!(counts.len(), KINDS.len(), "a kind stands twice in the table");
    }

    #[test]
    fn every_mistake_shows() {
        let clean = contacts(20_000, 3, 0.0);
        let messy = contacts(20_000, 3, 100.0);
        let maker = Maker::new(3, 100.0);
        for (index, (clean, messy)) in (0..).zip(clean.iter().zip(&messy)) {
            // A member given twice can be lost on the way through this reader.
            if maker.plan(index).first != Some(Kind::Name(Name::Twice)) {
                assert_ne!(clean, messy, "{index}: {:?}", maker.plan(index));
            }
        }
    }

    #[test]
    fn first_contact_is_always_an_object_of_its_own() {
        for seed in 0..2000 {
            let first = &contacts(1, seed, 100.0)[0];
            assert!(first.is_object(), "{first}");
        }
    }

    #[test]
    fn duplicates_repeat_an_earlier_address() {
        let maker = Maker::new(3, 100.0);
        let mut seen = HashSet::new();
        let mut repeated = 0;
        for (index, contact) in (0..).zip(contacts(20_000, 3, 100.0)) {
            let email = contact["email"].as_str().unwrap_or_default().to_ascii_lowercase();
            let plan = maker.plan(index);
            if let (Some(Kind::Email(Email::Duplicate | Email::DuplicateOtherCase)), None) = (plan.first, plan.second) {
                repeated += u32::from(seen.contains(&email));
                assert!(seen.contains(&email) || index < 10, "{index}: {email}");
            }
            seen.insert(email);
        }
        assert!(repeated > 100);
    }

    #[test]
    fn what_is_too_long_is_too_long() {
        for (kind, contact) in with_only(|kind| {
            matches!(
                kind,
                Kind::Text(Text::TooLong | Text::StreetTooLong)
                    | Kind::Custom(Custom::ValueTooLong | Custom::NameTooLong | Custom::TooMany)
                    | Kind::Email(Email::TooLong)
                    | Kind::Sms(Sms::TooLong)
            )
        }) {
            let members = contact.as_object().expect("these are objects");
            let shows = match kind {
                Kind::Text(Text::StreetTooLong) => characters(&contact["street"]) > 255,
                Kind::Text(_) => members.iter().any(|(name, value)| {
                    !name.starts_with("cf:") && characters(value) > if name == "street" { 255 } else { 50 }
                }),
                Kind::Custom(Custom::ValueTooLong) => characters(&contact["cf:Notes"]) > 255,
                Kind::Custom(Custom::NameTooLong) => members.keys().any(|name| name.chars().count() > 3 + 50),
                Kind::Custom(_) => members.keys().filter(|name| name.starts_with("cf:")).count() > 25,
                Kind::Email(_) => characters(&contact["email"]) > EMAIL_MAX,
                _ => characters(&contact["sms_number"]) > 16,
            };
            assert!(shows, "{kind:?}: {contact}");
        }
    }

    #[test]
    fn decomposed_text_is_decomposed() {
        for (_, contact) in with_only(|kind| kind == Kind::Text(Text::Decomposed)) {
            let members = contact.as_object().expect("these are objects");
            assert!(members.values().any(|value| value.as_str().is_some_and(|text| !is_nfc(text))));
        }
    }
}
