//! Values that are several members. Each function answers only where it is certain, because a name in the wrong member is worse
//! than one that is held back and reported.

use crate::rules::birthday;
use crate::rules::damaged::{self, Extended};
use crate::rules::date::{self, DateOrder, DateResult};
use crate::rules::text;

/// Titles before a name, folded.
const HONORIFICS: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "doctor",
    "rev",
    "reverend",
    "fr",
    "sr",
    "sir",
    "dame",
    "madam",
    "mme",
    "mlle",
    "herr",
    "frau",
    "hr",
    "fru",
    "sra",
    "srta",
    "señor",
    "señora",
    "sig",
    "signor",
    "signora",
    "dott",
    "ing",
    "hon",
    "pastor",
    "rabbi",
    "imam",
    "sister",
    "father",
    "capt",
    "captain",
    "col",
    "maj",
    "lt",
    "sgt",
    "gen",
    "mister",
    "mons",
    "dra",
    "messrs",
];
/// What follows a name, folded.
const SUFFIXES: &[&str] = &[
    "jr", "sr", "junior", "senior", "ii", "iii", "iv", "phd", "md", "dds", "dmd", "dvm", "esq", "esquire", "cpa", "rn",
    "mba", "jd", "msw", "lcsw", "edd", "dmin", "do", "od", "pe", "ret", "usn", "usa", "usmc", "usaf",
];
/// Suffixes that are a name of their own as well: they count only behind a comma.
const AMBIGUOUS: &[&str] = &["do", "od", "pe", "usa", "ret", "v"];
/// Words before a last name that belong to it, folded.
const PARTICLES: &[&str] = &[
    "van", "von", "vom", "vander", "vanden", "de", "del", "della", "delle", "dei", "degli", "di", "da", "das", "dos",
    "du", "des", "der", "den", "ter", "ten", "zu", "zum", "zur", "la", "le", "les", "lo", "el", "al", "bin", "ibn",
    "bint", "af", "av", "st", "saint", "san", "santa",
];
/// Particles in small letters only: with a capital they are names or initials.
const SMALL_PARTICLES: &[&str] = &["do", "y", "e", "i", "ben", "op", "t"];
/// Words that show that a name is not a person's, folded.
const NOT_A_PERSON: &[&str] = &[
    "inc",
    "llc",
    "ltd",
    "gmbh",
    "corp",
    "corporation",
    "company",
    "co",
    "plc",
    "foundation",
    "church",
    "university",
    "college",
    "school",
    "association",
    "society",
    "club",
    "trust",
    "bank",
    "group",
    "services",
    "solutions",
    "systems",
    "center",
    "centre",
    "department",
    "office",
    "team",
    "committee",
    "council",
    "ministries",
    "ministry",
    "family",
    "estate",
    "and",
    "und",
    "et",
    "or",
    "the",
    "of",
    "c/o",
    "care",
    "household",
    "institute",
    "hospital",
    "partners",
    "associates",
    "llp",
    "bv",
    "pty",
    "customer",
    "guest",
    "unknown",
    "test",
    "info",
    "sales",
    "support",
];

/// A word without points and case.
fn folded(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '.' | ',' | '\'' | '’')).flat_map(char::to_lowercase).collect()
}

/// No word of [`HONORIFICS`] has more bytes.
const WORD_MAX: usize = 16;

/// Whether a word is one of a list once it is [`folded`]. Every value of the first records is asked, so words of ASCII need no memory.
fn is_one_of(word: &str, list: &[&str]) -> bool {
    let mut buffer = [0; WORD_MAX];
    let mut len = 0;
    for byte in word.bytes().filter(|byte| !matches!(byte, b'.' | b',' | b'\'')) {
        if !byte.is_ascii() {
            return list.contains(&folded(word).as_str());
        }
        if len == buffer.len() {
            // Longer than any of the list.
            return false;
        }
        buffer[len] = byte.to_ascii_lowercase();
        len += 1;
    }
    let [first, ..] = buffer;
    list.iter().any(|other| {
        other.len() == len && other.as_bytes().first() == Some(&first) && *other.as_bytes() == buffer[..len]
    })
}

/// True for a title before a name and nothing else: `Mr`, `Dr.`, `Mr. and Mrs.`, `Prof. Dr.`.
#[must_use]
pub fn is_honorific(value: &str) -> bool {
    if value.len() > 40 {
        return false;
    }
    let mut any = false;
    let all = value.split(|c: char| c.is_whitespace() || matches!(c, '/' | '&')).filter(|word| !word.is_empty()).all(
        |word| {
            let is_title = is_one_of(word, HONORIFICS);
            any |= is_title;
            is_title || is_one_of(word, &["and", "und", "et"])
        },
    );
    all && any
}

/// Longest full name, in bytes.
const NAME_MAX: usize = 200;

/// Splits a full name into first and last name; either may be empty, and not both. `Last, First` and `First Last`; titles in front
/// are left out; suffixes (`Jr.`, `PhD`) and particles (`van der`, `de la`) stay with the last name. Middle names stay with the
/// first name. None where it is not certain: several people, a company, an address, names that are not written with spaces.
#[must_use]
pub fn full_name(value: &str) -> Option<(String, String)> {
    let value = text::trim(value);
    let is_strange = |c: char| {
        c.is_ascii_digit()
            || matches!(c, '@' | '&' | '/' | '\\' | '+' | ';' | ':' | '|' | '<' | '>' | '_' | '=')
            || c.is_control() && !c.is_whitespace()
    };
    if value.is_empty()
        || value.len() > NAME_MAX
        || value.contains(is_strange)
        || value.contains(['(', ')', '"', '[', ']', '{', '}'])
    {
        return None;
    }
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    let words = |part: &str| -> Vec<String> { part.split_whitespace().map(str::to_owned).collect() };
    let is_suffix = |word: &str| SUFFIXES.contains(&folded(word).as_str());
    let is_suffixes = |part: &&str| !part.is_empty() && words(part).iter().all(|word| is_suffix(word));
    if words(value).iter().any(|word| NOT_A_PERSON.contains(&folded(word).as_str())) {
        return None;
    }
    let (first, mut last, suffixes): (Vec<String>, Vec<String>, &[&str]) = match parts.as_slice() {
        [one] => {
            let (first, last) = split_words(words(one))?;
            (first, last, &[])
        }
        // `Martin Luther King, Jr.` and `Ann Li, MD, PhD`.
        [one, suffixes @ ..] if suffixes.iter().all(is_suffixes) => {
            let (first, last) = split_words(words(one))?;
            // The suffix of a name of one word belongs to nobody for sure.
            if last.is_empty() {
                return None;
            }
            (first, last, suffixes)
        }
        // `Li, Ann` and `King, Martin Luther, Jr.` (`King, Jr., Martin Luther` too).
        [last, suffix, first] if is_suffixes(suffix) && !is_suffixes(first) && !first.is_empty() => {
            (words(first), words(last), std::slice::from_ref(&parts[1]))
        }
        [last, first, suffixes @ ..] if !last.is_empty() && !first.is_empty() && suffixes.iter().all(is_suffixes) => {
            (words(first), words(last), suffixes)
        }
        _ => return None,
    };
    let mut first: Vec<String> =
        first.into_iter().skip_while(|word| HONORIFICS.contains(&folded(word).as_str())).collect();
    // `Smith, John Jr.`
    let given = first.iter().rposition(|word| !is_suffix(word)).map_or(first.len(), |at| at + 1);
    last.extend(first.drain(given..));
    for suffix in suffixes {
        last.push((*suffix).to_owned());
    }
    let (first, last) = (first.join(" "), last.join(" "));
    let has_letter = |name: &str| name.chars().any(char::is_alphabetic);
    (has_letter(&first) || has_letter(&last)).then_some((first, last))
}

/// `First Middle Last`, in words.
fn split_words(mut words: Vec<String>) -> Option<(Vec<String>, Vec<String>)> {
    let is = |list: &[&str], word: &str| list.contains(&folded(word).as_str());
    let titles = words.iter().take_while(|word| is(HONORIFICS, word)).count();
    // A title alone is no name; `Sr` in front is a title, behind a suffix.
    if titles == words.len() {
        return None;
    }
    words.drain(..titles);
    let mut suffixes = Vec::new();
    while words.len() > 1
        && words.last().is_some_and(|word| is(SUFFIXES, word) && (!is(AMBIGUOUS, word) || word.contains('.')))
    {
        suffixes.extend(words.pop());
    }
    suffixes.reverse();
    if words.len() == 1 {
        // With a title, one name is the last one.
        return match (titles > 0, suffixes.is_empty()) {
            (true, _) => Some((Vec::new(), words.into_iter().chain(suffixes).collect())),
            (false, true) => Some((words, Vec::new())),
            (false, false) => None,
        };
    }
    // Two last names, as in Spanish, and a middle name look alike from four words on, unless a particle tells.
    let is_particle = |word: &String| is(PARTICLES, word) || SMALL_PARTICLES.contains(&word.as_str());
    let particle = (1..words.len() - 1).find(|at| is_particle(&words[*at]));
    // A name that begins with one, `De La Cruz`, may be a last name alone.
    if is_particle(&words[0]) && words.len() > 2 && particle == Some(1) {
        return None;
    }
    let at = match particle {
        // `Ortega y Gasset` are one name, and where it begins is not certain.
        Some(at) if matches!(words[at].as_str(), "y" | "e" | "i") => return None,
        Some(at) => at,
        None if words.len() <= 3 => words.len() - 1,
        None => return None,
    };
    let mut last = words.split_off(at);
    last.extend(suffixes);
    Some((words, last))
}

/// What a birthday is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BirthdayResult {
    /// This month and day.
    Day(u8, u8),
    /// Nothing: a date that stands for none, such as `0/0/00`.
    Absent,
    /// It is not certain.
    Unclear,
}

/// Reads a birthday: `02/03`, `2/3`, `02-03`, `--02-03`, a whole date in any form of [`date::parse`] whatever its time of day, or a
/// date of none. Where the year is not first, the parts are in `order`; without a year, the month comes first unless that says day first.
/// Text guards of spreadsheets and the extended JSON of MongoDB are unwrapped.
#[must_use]
pub fn birthday(value: &str, order: DateOrder) -> BirthdayResult {
    let extended = match value.starts_with('{') {
        true => damaged::extended(value),
        false => None,
    };
    let value = match &extended {
        Some(Extended::Text(text) | Extended::Number(text)) => text,
        Some(Extended::Nothing) => return BirthdayResult::Absent,
        None => value,
    };
    let unguarded = damaged::unguarded(value);
    let value = text::trim(unguarded.as_deref().unwrap_or(value));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_zero =
        digits > 1 && value.bytes().all(|b| b == b'0' || b" /-:.TZ".contains(&b)) && value.contains(['/', '-']);
    if is_zero {
        return BirthdayResult::Absent;
    }
    match date::parse_in(value, order) {
        DateResult::Day(day, _) | DateResult::Midnight(day) => return BirthdayResult::Day(day.month, day.day),
        DateResult::Blank | DateResult::Zero => return BirthdayResult::Absent,
        DateResult::Time | DateResult::Bad(_) => {}
    }
    let parts = if let Some(rest) = value.strip_prefix("--") {
        match rest.split_once('-') {
            Some(parts) => Some(parts),
            // vCard's `--0203`.
            None if rest.len() == 4 && rest.is_ascii() => Some(rest.split_at(2)),
            None => None,
        }
    } else {
        value.split_once('/').or_else(|| value.split_once('-'))
    };
    let number = |text: &str| -> Option<u8> {
        let good = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| good)
    };
    let parts = match parts {
        Some((day, month)) if order == DateOrder::DayFirst && !value.starts_with("--") => Some((month, day)),
        parts => parts,
    };
    match parts.and_then(|(month, day)| Some((number(month.trim())?, number(day.trim())?))) {
        Some((month @ 1..=12, day @ 1..)) if birthday::exists(month, day) => BirthdayResult::Day(month, day),
        _ => BirthdayResult::Unclear,
    }
}

/// The parts of an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Street
    pub street: String,
    /// City
    pub city: String,
    /// State
    pub state: String,
    /// Postal code
    pub zip: String,
    /// Country; it may be empty.
    pub country: String,
}

/// US states, territories and Canadian provinces, by their code.
const STATES: &[&str] = &[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA",
    "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR",
    "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "PR", "GU", "VI", "AS", "MP", "AB",
    "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT", "AA", "AE", "AP",
];

/// True for a postal code of the US or Canada.
fn is_zip(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let us = text.len() == 5 && digits(text)
        || text.len() == 10
            && text.split_once('-').is_some_and(|(a, b)| a.len() == 5 && b.len() == 4 && digits(a) && digits(b));
    let bytes: Vec<u8> = text.bytes().filter(|b| *b != b' ').collect();
    let canada = bytes.len() == 6
        && bytes.iter().enumerate().all(|(i, b)| if i % 2 == 0 { b.is_ascii_alphabetic() } else { b.is_ascii_digit() });
    us || canada
}

/// Splits an address of the US or Canada in one value: its parts are separated by two or more spaces (as Mailchimp writes it), by
/// line breaks, or by commas: `1 Elm St  Rome  NY  13440  US`, `1 Elm St, Rome, NY 13440`. Second lines stay with the street. None
/// where it is not certain which part is which.
#[must_use]
pub fn address(value: &str) -> Option<Address> {
    let value = text::trim(value);
    if value.len() > 600 || value.contains('\0') {
        return None;
    }
    let is_spaced = value.contains("  ");
    let is_lined = value.contains(['\n', '\r']);
    let parts: Vec<&str> = if is_lined {
        value.split(['\n', '\r', ',']).collect()
    } else if is_spaced && !value.contains(',') {
        value.split("  ").collect()
    } else {
        value.split(',').collect()
    };
    let mut parts: Vec<&str> = parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    // From the end: perhaps a country, then the postal code, the state, the city.
    let mut found = Address::default();
    let has_code = |part: &str| is_zip(part) || state_and_zip(part).is_some();
    if !has_code(parts.last()?) {
        let country = parts.pop()?;
        let is_country = country.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.')) && country.len() <= 30;
        if !is_country {
            return None;
        }
        found.country = country.to_owned();
    }
    let last = parts.pop()?;
    if let Some((state, zip)) = state_and_zip(last) {
        (found.state, found.zip) = (state.to_owned(), zip.to_owned());
    } else if is_zip(last) {
        found.zip = last.to_owned();
        found.state = parts.pop().filter(|state| is_state(state))?.to_owned();
    } else {
        return None;
    }
    found.city = parts.pop().filter(|city| !city.bytes().any(|b| b.is_ascii_digit()))?.to_owned();
    if parts.is_empty() {
        return None;
    }
    found.street = parts.join(", ");
    Some(found)
}

/// Splits `Boston, MA`. None where it is not certain.
#[must_use]
pub fn city_state(value: &str) -> Option<(String, String)> {
    let (city, state) = value.rsplit_once(',')?;
    let (city, state) = (text::trim(city), text::trim(state));
    let good = !city.is_empty() && !city.contains(',') && !city.bytes().any(|b| b.is_ascii_digit()) && is_state(state);
    good.then(|| (city.to_owned(), state.to_owned()))
}

fn is_state(text: &str) -> bool {
    STATES.iter().any(|state| state.eq_ignore_ascii_case(text))
}

/// `NY 13440`
fn state_and_zip(part: &str) -> Option<(&str, &str)> {
    let (state, zip) = part.split_once(' ')?;
    let zip = zip.trim();
    (is_state(state) && is_zip(zip)).then_some((state, zip))
}

#[cfg(test)]
mod tests;
