//! The mistakes themselves: one function for each group.

use super::draft::*;
use super::people::*;
use super::plan::*;
use super::random::Rng;
use super::tables::*;

pub(super) const PHONES: &[&str] = &["mobile_phone", "phone", "work_phone", "home_phone"];

pub(super) fn phone_mistake(kind: PhoneMistake, draft: &mut Draft, rng: &mut Rng) {
    let name = PHONES.iter().find(|name| draft.find(name).is_some()).map_or("home_phone", |name| *name);
    let phone = PhoneNumber::draw(rng);
    let mut format = |pattern: &str| {
        draft.set(name, |text| quoted(text, |text| phone.format(pattern, text)));
    };
    match kind {
        PhoneMistake::Digits => format("AEL"),
        PhoneMistake::Parentheses => format(rng.pick(&["(A) E-L", "(A) E-L", "(A)E-L", "(A) E L", "(A) E.L"])),
        PhoneMistake::Dots => format(rng.pick(&["A.E.L", "A.E-L"])),
        PhoneMistake::Spaces => format(rng.pick(&["A E L", "A E-L", " A-E-L "])),
        PhoneMistake::Slash => format("A/E-L"),
        PhoneMistake::CountryCode => {
            format(rng.pick(&["+1 A E L", "+1AEL", "1-A-E-L", "+1 (A) E-L", "001 A E L", "1AEL", "+1.A.E.L"]))
        }
        PhoneMistake::UnicodePunctuation => format(rng.pick(&[
            "A\u{2011}E\u{2011}L",
            "A\u{2013}E\u{2013}L",
            "(A)\u{a0}E\u{2010}L",
            "A\u{a0}E\u{a0}L",
            "A\u{2212}E\u{2212}L",
        ])),
        PhoneMistake::Extension => format(rng.pick(&[
            "A-E-L ext. 12",
            "A-E-Lx345",
            "(A) E-L x7",
            "A-E-L #12",
            "A.E.L EXT 4410",
            "A-E-L ext 9",
        ])),
        PhoneMistake::JsonNumber => draft.set(name, |text| phone.format("AEL", text)),
        PhoneMistake::NotNanp => {
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
        PhoneMistake::TooShort => format(rng.pick(&["E-L", "EL", "A-E", "L", "A-E-"])),
        PhoneMistake::TooLong => format(rng.pick(&["A-E-L0", "AELA", "A-E-L / E-L", "2-A-E-L"])),
        PhoneMistake::International => draft.set(name, |text| string(text, rng.pick(FOREIGN_PHONES))),
        PhoneMistake::NoNumber => draft.set(name, |text| string(text, rng.pick(NO_PHONES))),
        PhoneMistake::WithOther => {
            add_phone(draft, "phone", rng);
            draft.set("other_phone", |text| quoted(text, |text| phone.dashed(text)));
        }
        PhoneMistake::WithEqualOther => {
            for name in ["phone", "other_phone"] {
                draft.set(name, |text| quoted(text, |text| phone.dashed(text)));
            }
        }
        PhoneMistake::FourKinds => {
            for &name in PHONES {
                add_phone(draft, name, rng);
            }
        }
    }
}

// Long because it is a table of made-up addresses.
pub(super) fn email_mistake(
    kind: EmailMistake,
    draft: &mut Draft,
    rng: &mut Rng,
    person: &Person,
    earlier: Option<&Person>,
) {
    // The first contacts may have no earlier one to repeat.
    let kind = match (kind, earlier) {
        (EmailMistake::Duplicate | EmailMistake::DuplicateOtherCase, None) => EmailMistake::UpperCaseDomain,
        _ => kind,
    };
    let put_email = |text: &mut Vec<u8>| match kind {
        EmailMistake::UpperCaseDomain => {
            let start = text.len();
            person.address(text);
            let domain = text.len() - person.domain.len();
            match rng.below(8) {
                0 => text[start..].make_ascii_uppercase(),
                1..=4 => text[domain..].make_ascii_uppercase(),
                _ => text[domain..=domain].make_ascii_uppercase(),
            }
        }
        EmailMistake::DisplayName => {
            put(text, person.first);
            text.push(b' ');
            put(text, person.last);
            put(text, " <");
            person.address(text);
            text.push(b'>');
        }
        EmailMistake::AngleBrackets => {
            text.push(b'<');
            person.address(text);
            text.push(b'>');
        }
        EmailMistake::MailTo => {
            put(text, rng.pick(&["mailto:", "mailto:", "MAILTO:"]));
            person.address(text);
        }
        EmailMistake::Padded => {
            let (before, after) = rng.pick(PADDINGS);
            put(text, before);
            person.address(text);
            put(text, after);
        }
        EmailMistake::InternationalDomain => {
            person.short_local_part(text);
            text.push(b'@');
            put(text, rng.pick(INTERNATIONAL_DOMAINS));
        }
        EmailMistake::NoAt => {
            person.local_part(text);
            put(text, rng.pick(&["", ".", " at ", "#"]));
            put(text, person.domain);
        }
        EmailMistake::TwoAt => {
            person.local_part(text);
            put(text, rng.pick(&["@@", "@mail@"]));
            put(text, person.domain);
        }
        EmailMistake::TwoAddresses => {
            person.address(text);
            put(text, rng.pick(&["; ", ", ", " ", "/"]));
            person.short_local_part(text);
            put(text, "@example.com");
        }
        EmailMistake::BadDomain => {
            person.local_part(text);
            put(text, rng.pick(BAD_DOMAINS));
        }
        EmailMistake::BadLocalPart => {
            let (before, after) = rng.pick(BAD_LOCAL_PARTS);
            put(text, before);
            person.local_part(text);
            put(text, after);
            text.push(b'@');
            put(text, person.domain);
        }
        EmailMistake::TooLong => {
            person.local_part(text);
            put(text, ".customer.newsletter.and.special.offers.list@");
            put(text, person.domain);
        }
        EmailMistake::WrongType => {}
        EmailMistake::Duplicate => earlier.unwrap_or(person).address(text),
        EmailMistake::DuplicateOtherCase => {
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
    if kind == EmailMistake::WrongType {
        let json = rng.pick(&["true", "12345", "[]", "[\"info@example.com\"]", "false"]);
        draft.set_json("email", json);
    } else {
        draft.set("email", |text| quoted(text, put_email));
    }
}

pub(super) fn date_mistake(kind: DateMistake, draft: &mut Draft, rng: &mut Rng) {
    let mut day = Day::draw(rng, 1950, 2024);
    draft.set("anniversary", |text| {
        quoted(text, |text| match kind {
            DateMistake::SlashYearLast => day.format(rng.pick(&["M/D/Y", "M/D/Y", "mm/dd/Y"]), text),
            DateMistake::SlashYearFirst => day.format(rng.pick(&["Y/M/D", "Y/mm/dd"]), text),
            DateMistake::DashYearFirst => {
                // Only a month of one digit always makes this differ from the canonical form.
                day.month = rng.between(1, 9);
                day.day = day.day.min(28);
                day.format("Y-M-D", text);
            }
            DateMistake::DashYearLast => day.format(rng.pick(&["M-D-Y", "mm-dd-Y"]), text),
            DateMistake::Impossible => put(text, rng.pick(IMPOSSIBLE_DATES)),
            DateMistake::YearOutOfRange => {
                day.year = rng.pick(&[1, 1066, 1800, 1899, 2101, 2915, 9999]);
                day.format(rng.pick(&["Y-mm-dd", "M/D/Y"]), text);
            }
            DateMistake::TwoDigitYear => {
                day.format(rng.pick(&["M/D/", "mm-dd-"]), text);
                digits(text, day.year % 100, 2);
            }
            DateMistake::Garbage => put(text, rng.pick(NO_DATES)),
        });
    });
}

pub(super) fn birthday_mistake(kind: BirthdayMistake, draft: &mut Draft, rng: &mut Rng) {
    let (month, day) = month_and_day(rng);
    let members = [("birthday_month", month), ("birthday_day", day)];
    match kind {
        BirthdayMistake::DigitString => {
            let pad = rng.pick(&[0, 2]);
            for (name, value) in members {
                draft.set(name, |text| quoted(text, |text| digits(text, value, pad)));
            }
        }
        BirthdayMistake::Decimal => {
            for (name, value) in members {
                draft.set(name, |text| {
                    digits(text, value, 0);
                    put(text, ".0");
                });
            }
        }
        BirthdayMistake::OutOfRange => {
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
        BirthdayMistake::NoSuchDay => {
            let (month, day) = rng.pick(&[("2", "30"), ("2", "31"), ("4", "31"), ("6", "31"), ("11", "31")]);
            draft.set_json("birthday_month", month);
            draft.set_json("birthday_day", day);
        }
        BirthdayMistake::HalfMissing => {
            let (kept, gone) = if rng.per_mille(700) { (0, 1) } else { (1, 0) };
            draft.set(members[kept].0, |text| digits(text, members[kept].1, 0));
            draft.remove(members[gone].0);
        }
        BirthdayMistake::Words => {
            let month = rng.pick(&["\"July\"", "\"dec\"", "true", "[7]", "\"7/14\"", "\"VII\""]);
            draft.set_json("birthday_month", month);
            draft.set("birthday_day", |text| digits(text, day, 0));
        }
    }
}

/// Members that exports have as columns and contacts often leave empty.
pub(super) const OFTEN_BLANK: &[&str] = &[
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

pub(super) fn blank_mistake(kind: BlankMistake, draft: &mut Draft, rng: &mut Rng) {
    const WHITE_SPACE: &[&str] = &["\" \"", "\"   \"", "\"\u{a0}\"", "\"\\t\"", "\"\\r\\n\"", "\"\u{3000} \""];
    match kind {
        BlankMistake::Null => draft.set_json(rng.pick(OFTEN_BLANK), "null"),
        BlankMistake::Empty => draft.set_json(rng.pick(OFTEN_BLANK), "\"\""),
        BlankMistake::WhiteSpace => draft.set_json(rng.pick(OFTEN_BLANK), rng.pick(WHITE_SPACE)),
        BlankMistake::Several => {
            let json = rng.pick(&["null", "\"\"", "\"\""]);
            for _ in 0..rng.between(3, 6) {
                draft.set_json(rng.pick(OFTEN_BLANK), json);
            }
        }
    }
}

pub(super) fn type_mistake(kind: TypeMistake, draft: &mut Draft, rng: &mut Rng) {
    const TARGETS: &[&str] = &["job_title", "company_name", "last_name", "cf:Source", "city", "work_phone"];
    match kind {
        TypeMistake::ZipNumber => {
            let fraction = rng.per_mille(50);
            draft.set("zip", |text| {
                number(text, u64::from(rng.between(10_001, 99_950)));
                if fraction {
                    put(text, ".0");
                }
            });
        }
        TypeMistake::CustomNumber => {
            let json = rng.pick(&["0", "17", "2500", "19.95", "-3", "1e3", "12345678901234567890123"]);
            draft.set_json("cf:Points", json);
        }
        TypeMistake::TrueFalse => draft.set_json(rng.pick(TARGETS), rng.pick(&["true", "false"])),
        TypeMistake::Array => draft.set_json(rng.pick(TARGETS), rng.pick(ARRAY_VALUES)),
        TypeMistake::Object => draft.set_json(rng.pick(TARGETS), rng.pick(OBJECT_VALUES)),
    }
}

pub(super) fn text_mistake(kind: TextMistake, draft: &mut Draft, rng: &mut Rng) {
    const TARGETS: &[&str] = &["first_name", "last_name", "company_name", "job_title", "city", "street"];
    if kind == TextMistake::Decomposed {
        let (name, value) = rng.pick(DECOMPOSED);
        return draft.set(name, |text| string(text, value));
    }
    if kind == TextMistake::StreetTooLong {
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
        // Another mistake removed the strings.
        None => {
            draft.set_json("job_title", "\"Owner\"");
            draft.members.len() - 1
        }
    };
    let (before, after) = match kind {
        TextMistake::Padded => rng.pick(&[("", " "), (" ", ""), ("  ", "  "), ("", "   "), ("\u{a0}", "")]),
        TextMistake::ZeroWidthEnds => {
            rng.pick(&[("\u{feff}", ""), ("\u{200b}", ""), ("", "\u{200b}"), ("", "\\u200d")])
        }
        TextMistake::DoubleSpace => {
            rng.pick(&[("", "  Jr."), ("The  ", ""), ("", "  \\ud83c\\udf89  Team"), ("", "   II")])
        }
        TextMistake::UnicodeSpace => {
            rng.pick(&[("", "\u{a0}Jr."), ("", "\u{2003}&\u{2003}Co"), ("", "\u{3000}様"), ("Dr.\u{202f}", "")])
        }
        TextMistake::Tab => rng.pick(&[("", "\\t"), ("", "\\tII"), ("\\t", "\\t")]),
        TextMistake::LineBreak => {
            rng.pick(&[("", "\\n"), ("", "\\r\\n(wholesale)"), ("c/o\\n", ""), ("", "\\u2028Jr.")])
        }
        TextMistake::Control => {
            rng.pick(&[("", "\\u0000"), ("\\u0007", ""), ("", "\\u001f Jr."), ("", "\\u0085II"), ("", "\\b")])
        }
        TextMistake::TooLong | TextMistake::Decomposed | TextMistake::StreetTooLong => rng.pick(LONG_TAILS),
    };
    draft.wrap(at, before, after);
    // A street may have 255 characters, so the tail that is too long for a name is not enough.
    if kind == TextMistake::TooLong && draft.members[at].name == "street" {
        draft.wrap(at, LONG_STREET, "");
    }
}

pub(super) fn name_mistake(kind: NameMistake, draft: &mut Draft, rng: &mut Rng, person: &Person) {
    match kind {
        NameMistake::CamelCase => {
            let (name, camel) = rng.pick(CAMEL_CASE);
            match draft.find(name) {
                Some(at) => draft.members[at].name = camel,
                None => draft.set(camel, |text| string(text, person.last)),
            }
        }
        NameMistake::CfUnderscore => draft.set(rng.pick(CF_UNDERSCORE), |text| string(text, "Trade Fair")),
        NameMistake::PhoneNumbers => {
            let phone = PhoneNumber::draw(rng);
            draft.set("phone_numbers", |text| {
                put(text, "[{\"phone_number\":\"");
                phone.dashed(text);
                put(text, "\",\"kind\":\"");
                put(text, rng.pick(&["home", "work", "mobile", "other"]));
                put(text, "\"}]");
            });
        }
        NameMistake::StreetAddresses => draft.set_json("street_addresses", rng.pick(STREET_ADDRESSES)),
        NameMistake::CustomFields => draft.set_json("custom_fields", rng.pick(CUSTOM_FIELD_LISTS)),
        NameMistake::ListMemberships => draft.set_json("list_memberships", rng.pick(LIST_MEMBERSHIPS)),
        NameMistake::EmailObject => draft.set("email", |text| {
            put(text, "{\"address\":\"");
            person.address(text);
            put(text, "\",\"permission_to_send\":\"implicit\"}");
        }),
        NameMistake::Unknown => {
            let (name, json) = rng.pick(UNKNOWN_MEMBERS);
            draft.set_json(name, json);
        }
        NameMistake::Twice => match rng.below(4) {
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

pub(super) fn address_mistake(kind: AddressMistake, draft: &mut Draft, rng: &mut Rng) {
    match kind {
        AddressMistake::HomeEqual => {
            add_address(draft, &PLAIN_ADDRESS, false, rng);
            for (plain, home) in PLAIN_ADDRESS.into_iter().zip(HOME_ADDRESS) {
                if let Some(at) = draft.find(plain) {
                    let Member { start, end, .. } = draft.members[at];
                    draft.set(home, |text| text.extend_from_within(start..end));
                }
            }
        }
        AddressMistake::HomeDifferent => {
            add_address(draft, &PLAIN_ADDRESS, false, rng);
            add_address(draft, &HOME_ADDRESS, rng.per_mille(200), rng);
        }
        AddressMistake::Street2Alone => {
            draft.remove("street");
            draft.set("street2", |text| unit(text, rng));
        }
        AddressMistake::HomeCountrySpelling => {
            for name in PLAIN_ADDRESS {
                draft.remove(name);
            }
            let mut names = HOME_ADDRESS;
            names[5] = "home country";
            add_address(draft, &names, false, rng);
        }
    }
}

pub(super) fn custom_mistake(kind: CustomMistake, draft: &mut Draft, rng: &mut Rng) {
    match kind {
        CustomMistake::TooMany => {
            let count = rng.between(26, SURVEY.len() as u32) as usize;
            for &name in &SURVEY[..count] {
                draft.set(name, |text| string(text, rng.pick(&["yes", "no", "sometimes", "très bien"])));
            }
        }
        CustomMistake::NameTooLong => draft.set(rng.pick(LONG_CUSTOM_NAMES), |text| string(text, "yes")),
        CustomMistake::NameEmpty => draft.set(rng.pick(&["cf:", "cf:", "cf: "]), |text| string(text, "Gold")),
        CustomMistake::ValueTooLong => draft.set("cf:Notes", |text| {
            quoted(text, |text| {
                for _ in 0..rng.between(6, 9) {
                    put(text, "Called twice, prefers the café on the corner. ");
                }
                put(text, "See file.");
            });
        }),
    }
}

pub(super) fn sms_mistake(kind: SmsMistake, draft: &mut Draft, rng: &mut Rng) {
    let phone = PhoneNumber::draw(rng);
    let set_number = |draft: &mut Draft, pattern: &str| {
        draft.set("sms_number", |text| quoted(text, |text| phone.format(pattern, text)));
    };
    match kind {
        SmsMistake::Punctuation => {
            set_number(draft, rng.pick(&["AEL", "(A) E-L", "A.E.L", "+1AEL", "1-A-E-L"]));
            set_consent(draft, rng);
        }
        SmsMistake::NoConsentDate => {
            set_number(draft, "A-E-L");
            if rng.per_mille(700) {
                draft.remove("sms_consent_date");
            } else {
                draft.set_json("sms_consent_date", rng.pick(&["null", "\"\""]));
            }
        }
        SmsMistake::FutureConsent => {
            set_number(draft, "A-E-L");
            draft.set_json("sms_consent_date", rng.pick(&["\"2099-12-31\"", "\"2099-01-01\"", "\"2098-06-15\""]));
        }
        SmsMistake::BadConsentDate => {
            set_number(draft, "A-E-L");
            let json = rng.pick(&["\"yes\"", "\"2023-02-30\"", "\"13/13/2023\"", "\"2023-05-04T10:00:00Z\"", "true"]);
            draft.set_json("sms_consent_date", json);
        }
        SmsMistake::ConsentForm => {
            set_number(draft, "A-E-L");
            let day = Day::draw(rng, 2019, 2024);
            let pattern = rng.pick(&["M/D/Y", "Y/M/D", "M-D-Y"]);
            draft.set("sms_consent_date", |text| quoted(text, |text| day.format(pattern, text)));
        }
        SmsMistake::ConsentAlone => {
            draft.remove("sms_number");
            set_consent(draft, rng);
        }
        SmsMistake::Extension => {
            set_number(draft, rng.pick(&["AELx12", "A-E-L x7", "A-E-L#12"]));
            set_consent(draft, rng);
        }
        SmsMistake::BadNumber => {
            set_number(draft, rng.pick(&["E-L", "AEL00", "+44 20 7946 0958", "none"]));
            set_consent(draft, rng);
        }
        SmsMistake::TooLong => {
            set_number(draft, rng.pick(&["+1 (A) E - L", "+1 (A)  E-L", "  +1 A - E - L"]));
            set_consent(draft, rng);
        }
        SmsMistake::OnlyWithoutConsent => {
            draft.remove("email");
            set_number(draft, "A-E-L");
            draft.remove("sms_consent_date");
        }
    }
}

/// Removes everything that identifies a contact.
pub(super) fn no_identity(draft: &mut Draft, rng: &mut Rng) {
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

/// Writes a value that is not an object instead of a contact.
pub(super) fn no_contact(kind: ShapeMistake, rng: &mut Rng, person: &Person, out: &mut Vec<u8>) {
    match kind {
        ShapeMistake::Null | ShapeMistake::NoIdentity => put(out, "null"),
        ShapeMistake::Number => put(out, rng.pick(&["0", "17", "-1", "3.5e2", "20240101"])),
        ShapeMistake::String => match rng.below(3) {
            0 => string(out, rng.pick(&["", "}{", "[", "\\\\", "\\\"},{\\\"", "end of file"])),
            _ => quoted(out, |out| person.address(out)),
        },
        ShapeMistake::Array => match rng.below(3) {
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
