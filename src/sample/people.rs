//! The people of a sample, and the clean contacts they have.

use super::draft::*;
use super::random::{Purpose, Rng};
use super::tables::*;

/// A person whose address is unique in the sample.
pub(super) struct Person {
    pub(super) index: u64,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    /// The names in ASCII, for the e-mail address.
    pub(super) first_ascii: &'static str,
    pub(super) last_ascii: &'static str,
    pub(super) domain: &'static str,
    pub(super) style: u32,
}

/// The longest address that an import accepts, in characters.
pub(super) const EMAIL_MAX: usize = 50;

impl Person {
    pub(super) fn draw(seed: u64, index: u64) -> Person {
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
    pub(super) fn local_part(&self, out: &mut Vec<u8>) {
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
    pub(super) fn short_local_part(&self, out: &mut Vec<u8>) {
        lower(out, &self.first_ascii[..1]);
        number(out, self.index);
    }

    pub(super) fn address(&self, out: &mut Vec<u8>) {
        self.local_part(out);
        out.push(b'@');
        out.extend_from_slice(self.domain.as_bytes());
    }
}

/// A part of a contact apart from e-mail and names: one member, or several that belong together.
#[derive(Clone, Copy)]
pub(super) enum Part {
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

/// The columns that exports have. With the e-mail and the two names each gives 9 to 12 members; the average contact has about
/// 260 bytes.
pub(super) const LAYOUTS: &[&[Part]] = {
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

/// Fills the draft with a clean contact: cleaning changes no byte of it.
pub(super) fn fill_members(draft: &mut Draft, person: &Person, rng: &mut Rng) {
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

pub(super) fn add_phone(draft: &mut Draft, name: &'static str, rng: &mut Rng) {
    let number = PhoneNumber::draw(rng);
    draft.set(name, |text| quoted(text, |text| number.dashed(text)));
}

pub(super) fn set_consent(draft: &mut Draft, rng: &mut Rng) {
    let day = Day::draw(rng, 2019, 2024);
    draft.set("sms_consent_date", |text| quoted(text, |text| day.canonical(text)));
}

/// The six members of an address, in this order: street, street2, city, state, zip, country.
pub(super) type AddressNames = [&'static str; 6];

pub(super) const PLAIN_ADDRESS: AddressNames = ["street", "street2", "city", "state", "zip", "country"];
pub(super) const HOME_ADDRESS: AddressNames =
    ["home_street", "home_street2", "home_city", "home_state", "home_zip", "home_country"];
pub(super) const WORK_ADDRESS: AddressNames =
    ["work_street", "work_street2", "work_city", "work_state", "work_zip", "work_country"];
/// Only a place of other systems: no person has one.
pub(super) const OTHER_ADDRESS: AddressNames =
    ["other_street", "other_street2", "other_city", "other_state", "other_zip", "other_country"];

pub(super) fn add_address(draft: &mut Draft, names: &AddressNames, street2: bool, rng: &mut Rng) {
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
            // With a foreign country, the phone numbers of the contact would not be clean.
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
pub(super) fn unit(text: &mut Vec<u8>, rng: &mut Rng) {
    quoted(text, |text| {
        put(text, rng.pick(&["Apt ", "Unit ", "Suite ", "Floor "]));
        number(text, u64::from(rng.between(1, 40)));
    });
}

pub(super) fn company(text: &mut Vec<u8>, person: &Person, rng: &mut Rng) {
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

/// Adds `count` custom fields. They are neighbours in the table, so their names differ.
pub(super) fn add_custom(draft: &mut Draft, count: usize, rng: &mut Rng) {
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

/// A telephone number of the North American plan that could be in use: neither area code nor
/// exchange begins with 0 or 1, and neither is an N11 code.
#[derive(Clone, Copy)]
pub(super) struct PhoneNumber {
    area: u32,
    exchange: u32,
    line: u32,
}

impl PhoneNumber {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let exchange = rng.between(200, 998);
        PhoneNumber {
            area: rng.pick(AREA_CODES),
            exchange: exchange + u32::from(exchange % 100 == 11),
            line: rng.below(10_000),
        }
    }

    /// Writes the canonical form, `ddd-ddd-dddd`.
    pub(super) fn dashed(self, out: &mut Vec<u8>) {
        digits(out, self.area, 3);
        out.push(b'-');
        digits(out, self.exchange, 3);
        out.push(b'-');
        digits(out, self.line, 4);
    }

    /// Writes `pattern` with area code, exchange and line in place of `A`, `E` and `L`. In `EXT`
    /// the `E` is itself, since no exchange stands before an `X`.
    pub(super) fn format(self, pattern: &str, out: &mut Vec<u8>) {
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
pub(super) struct Day {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
}

impl Day {
    pub(super) fn draw(rng: &mut Rng, first_year: u32, last_year: u32) -> Self {
        let year = rng.between(first_year, last_year);
        let (month, mut day) = month_and_day(rng);
        // Between 1901 and 2099, every fourth year is a leap year; no other years are drawn.
        if month == 2 && day == 29 && !year.is_multiple_of(4) {
            day = 28;
        }
        Day { year, month, day }
    }

    /// Writes `YYYY-MM-DD`.
    pub(super) fn canonical(self, out: &mut Vec<u8>) {
        digits(out, self.year, 4);
        out.push(b'-');
        digits(out, self.month, 2);
        out.push(b'-');
        digits(out, self.day, 2);
    }

    /// Writes `pattern` with `Y` for the year in four digits, `M` and `D` for month and day in as
    /// many as they need, `mm` and `dd` for both in two.
    pub(super) fn format(self, pattern: &str, out: &mut Vec<u8>) {
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

/// A month and a valid day of it; 29 February is possible.
pub(super) fn month_and_day(rng: &mut Rng) -> (u32, u32) {
    const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = rng.between(1, 12);
    (month, rng.between(1, DAYS[month as usize - 1]))
}
