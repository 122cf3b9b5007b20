//! Addresses: three kinds, where the unprefixed members and those with `home_` are the same kind.

use super::number::{self, Float};
use super::text::{self, TextResult};
use super::{Effect, Rule, Settings, ValueCheck, phone};
use crate::model::finding::{Code, Detail, Severity};
use crate::model::member::MemberId;

/// The family's codes.
pub static RULES: &[Rule] = &[
    Rule {
        code: Code::ADR001,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a second, different home address",
        help: "give it another kind: work_ or other_",
        why: "The unprefixed members and those with home_ are both the home address, and a contact has one. The unprefixed stay.",
        before: r#""street":"1 Elm St","home_street":"9 Oak Ave""#,
        after: "the home_ members are held back",
    },
    Rule {
        code: Code::ADR002,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the unprefixed members have the same home address; the repeat was left out",
        help: "nothing to do",
        why: "The unprefixed members and those with home_ are both the home address, so one of two equal ones is enough.",
        before: r#""city":"Boston","home_city":"Boston""#,
        after: r#""city":"Boston""#,
    },
    Rule {
        code: Code::ADR003,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "a second line without a first was moved up",
        help: "nothing to do",
        why: "The service appends street2 to street: alone, it would be lost.",
        before: r#""street2":"1 Elm St""#,
        after: r#""street":"1 Elm St""#,
    },
    Rule {
        code: Code::ADR004,
        severity: Severity::Error,
        effect: Effect::HoldsBack,
        message: "a second line whose first line was held back",
        help: "correct the first line; the two go together",
        why: "The service appends street2 to street: alone, an apartment would become the street.",
        before: r#""street":"(300 characters)","street2":"Apt 4""#,
        after: "both are held back: the contact goes on without them",
    },
    Rule {
        code: Code::ADR005,
        severity: Severity::Warning,
        effect: Effect::Keeps,
        message: "a US ZIP has five digits: leading zeros may be lost",
        help: "restore the zeros with --fix-zip, or export the column as text",
        why: "Spreadsheets and programs that take a ZIP for a number drop its zeros. Codes beside another country are not looked at.",
        before: r#""zip":"2139""#,
        after: "kept, with a warning",
    },
    Rule {
        code: Code::ADR006,
        severity: Severity::Change,
        effect: Effect::Changes,
        message: "the leading zeros of a ZIP were restored",
        help: "nothing to do",
        why: "Only with --fix-zip, and only where neither another country nor the state of one stands beside it: a US ZIP has five digits.",
        before: r#""zip":"2139"   (with --fix-zip)"#,
        after: r#""zip":"02139""#,
    },
];

/// True for a ZIP that has lost zeros: three or four digits, or four and the four of ZIP+4 behind them.
#[must_use]
pub fn is_short_zip(code: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match code.split_once('-') {
        // Japan's codes have three digits there.
        Some((code, more)) => code.len() == 4 && more.len() == 4 && is_digits(code) && is_digits(more),
        None => (3..=4).contains(&code.len()) && is_digits(code),
    }
}

/// Whether ZIP codes are those of this country: the US or one of its territories. No country counts as that.
#[must_use]
pub fn has_zips(country: &str) -> bool {
    let letters = || country.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase);
    let is_canada =
        ["ca", "can", "kanada"].iter().any(|name| letters().eq(name.chars())) || letters().take(5).eq("canad".chars());
    !is_canada && !phone::is_foreign(country)
}

/// Checks a part of an address. A postal code that was written as a float is a number with or without lost digits.
#[inline]
pub fn check(given: &str, id: MemberId, settings: &Settings, buffer: &mut String) -> ValueCheck {
    let normal = text::normalise(given, buffer);
    if id.is_zip() {
        let text = if normal == TextResult::Changed { buffer.as_str() } else { given };
        let mut whole = String::new();
        match number::read(text, &mut whole) {
            Float::Whole => {
                *buffer = whole;
                return ValueCheck::Changed(Code::VAL006);
            }
            Float::Shortened | Float::Infinite => return ValueCheck::Bad(Code::VAL004, Detail::None),
            Float::Fraction | Float::No => {}
        }
    }
    text::check_length(normal, given, id, settings, buffer)
}

/// Whether this names a state or territory of the US, by its code or name, or nothing. ZIP codes are not
/// restored beside any other text, like `NSW`, which may be the state of another country.
#[must_use]
pub fn is_us_state(state: &str) -> bool {
    const CODES: &str = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR \
                         PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR VI GU AS MP AA AE AP";
    const NAMES: &[&str] = &[
        "alabama",
        "alaska",
        "arizona",
        "arkansas",
        "california",
        "colorado",
        "connecticut",
        "delaware",
        "florida",
        "georgia",
        "hawaii",
        "idaho",
        "illinois",
        "indiana",
        "iowa",
        "kansas",
        "kentucky",
        "louisiana",
        "maine",
        "maryland",
        "massachusetts",
        "michigan",
        "minnesota",
        "mississippi",
        "missouri",
        "montana",
        "nebraska",
        "nevada",
        "newhampshire",
        "newjersey",
        "newmexico",
        "newyork",
        "northcarolina",
        "northdakota",
        "ohio",
        "oklahoma",
        "oregon",
        "pennsylvania",
        "rhodeisland",
        "southcarolina",
        "southdakota",
        "tennessee",
        "texas",
        "utah",
        "vermont",
        "virginia",
        "washington",
        "westvirginia",
        "wisconsin",
        "wyoming",
        "districtofcolumbia",
        "puertorico",
        "virginislands",
        "usvirginislands",
        "guam",
    ];
    let name: String = state.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).take(48).collect();
    name.is_empty() || CODES.split(' ').any(|code| code.eq_ignore_ascii_case(&name)) || NAMES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_zips() {
        for code in ["213", "2139", "2139-1234", "0000"] {
            assert!(is_short_zip(code), "{code}");
        }
        for code in
            ["", "21", "02139", "02139-1234", "2139-123", "2139-", "213A", "SW1A", "H2X", "21 39", "-213", "２１３"]
        {
            assert!(!is_short_zip(code), "{code}");
        }
    }

    #[test]
    fn states() {
        for state in ["MA", "ma", "N.J.", "New Hampshire", "Puerto Rico", "", "-"] {
            assert!(is_us_state(state), "{state}");
        }
        for state in ["NSW", "ZH", "Vic", "Oslo", "A", "東京都"] {
            assert!(!is_us_state(state), "{state}");
        }
    }

    #[test]
    fn countries_with_zips() {
        for country in ["", "US", "usa", "United States", "U.S.A.", "Puerto Rico", "EE.UU."] {
            assert!(has_zips(country), "{country}");
        }
        for country in ["CA", "Canada", "CANADÁ", "Australia", "Norway", "DE", "日本"] {
            assert!(!has_zips(country), "{country}");
        }
    }
}
