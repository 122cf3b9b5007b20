//! What can be wrong with a contact, and how often.

use super::random::Rng;

/// A mistake, by its group. Two mistakes in one contact are always of
/// different groups, so that the second does not undo the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Mistake {
    Phone(PhoneMistake),
    Email(EmailMistake),
    Date(DateMistake),
    Birthday(BirthdayMistake),
    Blank(BlankMistake),
    Type(TypeMistake),
    Text(TextMistake),
    Name(NameMistake),
    Address(AddressMistake),
    Custom(CustomMistake),
    Sms(SmsMistake),
    Shape(ShapeMistake),
}

/// Telephone numbers, alone and in combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PhoneMistake {
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
pub(super) enum EmailMistake {
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
pub(super) enum DateMistake {
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
pub(super) enum BirthdayMistake {
    DigitString,
    Decimal,
    OutOfRange,
    NoSuchDay,
    HalfMissing,
    Words,
}

/// Members without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum BlankMistake {
    Null,
    Empty,
    WhiteSpace,
    Several,
}

/// JSON values of another type than the expected text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TypeMistake {
    ZipNumber,
    CustomNumber,
    TrueFalse,
    Array,
    Object,
}

/// The characters and the length of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TextMistake {
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

/// Unknown names of members, and names given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NameMistake {
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
pub(super) enum AddressMistake {
    HomeEqual,
    HomeDifferent,
    Street2Alone,
    HomeCountrySpelling,
}

/// Custom fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CustomMistake {
    TooMany,
    NameTooLong,
    NameEmpty,
    ValueTooLong,
}

/// Text-message numbers and the consent to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SmsMistake {
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

/// Values that are not contacts. Never combined with another mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ShapeMistake {
    NoIdentity,
    Null,
    Number,
    String,
    Array,
}

/// Every mistake with its weight. The common ones weigh most, and none weighs less than about four in a thousand, so that a
/// sample of some tens of thousands of contacts shows every rule.
pub(super) const MISTAKES: &[(Mistake, u32)] = &[
    (Mistake::Phone(PhoneMistake::Digits), 50),
    (Mistake::Phone(PhoneMistake::Parentheses), 80),
    (Mistake::Phone(PhoneMistake::Dots), 35),
    (Mistake::Phone(PhoneMistake::Spaces), 20),
    (Mistake::Phone(PhoneMistake::Slash), 6),
    (Mistake::Phone(PhoneMistake::CountryCode), 35),
    (Mistake::Phone(PhoneMistake::UnicodePunctuation), 8),
    (Mistake::Phone(PhoneMistake::Extension), 15),
    (Mistake::Phone(PhoneMistake::JsonNumber), 8),
    (Mistake::Phone(PhoneMistake::NotNanp), 6),
    (Mistake::Phone(PhoneMistake::TooShort), 20),
    (Mistake::Phone(PhoneMistake::TooLong), 8),
    (Mistake::Phone(PhoneMistake::International), 12),
    (Mistake::Phone(PhoneMistake::NoNumber), 8),
    (Mistake::Phone(PhoneMistake::WithOther), 7),
    (Mistake::Phone(PhoneMistake::WithEqualOther), 5),
    (Mistake::Phone(PhoneMistake::FourKinds), 6),
    (Mistake::Email(EmailMistake::UpperCaseDomain), 30),
    (Mistake::Email(EmailMistake::DisplayName), 12),
    (Mistake::Email(EmailMistake::AngleBrackets), 6),
    (Mistake::Email(EmailMistake::MailTo), 8),
    (Mistake::Email(EmailMistake::Padded), 25),
    (Mistake::Email(EmailMistake::InternationalDomain), 6),
    (Mistake::Email(EmailMistake::NoAt), 12),
    (Mistake::Email(EmailMistake::TwoAt), 6),
    (Mistake::Email(EmailMistake::TwoAddresses), 6),
    (Mistake::Email(EmailMistake::BadDomain), 14),
    (Mistake::Email(EmailMistake::BadLocalPart), 12),
    (Mistake::Email(EmailMistake::TooLong), 8),
    (Mistake::Email(EmailMistake::WrongType), 6),
    (Mistake::Email(EmailMistake::Duplicate), 25),
    (Mistake::Email(EmailMistake::DuplicateOtherCase), 12),
    (Mistake::Date(DateMistake::SlashYearLast), 40),
    (Mistake::Date(DateMistake::SlashYearFirst), 8),
    (Mistake::Date(DateMistake::DashYearFirst), 12),
    (Mistake::Date(DateMistake::DashYearLast), 12),
    (Mistake::Date(DateMistake::Impossible), 10),
    (Mistake::Date(DateMistake::YearOutOfRange), 5),
    (Mistake::Date(DateMistake::TwoDigitYear), 10),
    (Mistake::Date(DateMistake::Garbage), 8),
    (Mistake::Birthday(BirthdayMistake::DigitString), 20),
    (Mistake::Birthday(BirthdayMistake::Decimal), 10),
    (Mistake::Birthday(BirthdayMistake::OutOfRange), 8),
    (Mistake::Birthday(BirthdayMistake::NoSuchDay), 6),
    (Mistake::Birthday(BirthdayMistake::HalfMissing), 8),
    (Mistake::Birthday(BirthdayMistake::Words), 5),
    (Mistake::Blank(BlankMistake::Null), 50),
    (Mistake::Blank(BlankMistake::Empty), 80),
    (Mistake::Blank(BlankMistake::WhiteSpace), 15),
    (Mistake::Blank(BlankMistake::Several), 40),
    (Mistake::Type(TypeMistake::ZipNumber), 30),
    (Mistake::Type(TypeMistake::CustomNumber), 10),
    (Mistake::Type(TypeMistake::TrueFalse), 6),
    (Mistake::Type(TypeMistake::Array), 5),
    (Mistake::Type(TypeMistake::Object), 5),
    (Mistake::Text(TextMistake::Padded), 40),
    (Mistake::Text(TextMistake::ZeroWidthEnds), 6),
    (Mistake::Text(TextMistake::DoubleSpace), 25),
    (Mistake::Text(TextMistake::UnicodeSpace), 8),
    (Mistake::Text(TextMistake::Tab), 8),
    (Mistake::Text(TextMistake::LineBreak), 12),
    (Mistake::Text(TextMistake::Control), 5),
    (Mistake::Text(TextMistake::Decomposed), 12),
    (Mistake::Text(TextMistake::TooLong), 12),
    (Mistake::Text(TextMistake::StreetTooLong), 5),
    (Mistake::Name(NameMistake::CamelCase), 10),
    (Mistake::Name(NameMistake::CfUnderscore), 6),
    (Mistake::Name(NameMistake::PhoneNumbers), 6),
    (Mistake::Name(NameMistake::StreetAddresses), 6),
    (Mistake::Name(NameMistake::CustomFields), 6),
    (Mistake::Name(NameMistake::ListMemberships), 6),
    (Mistake::Name(NameMistake::EmailObject), 6),
    (Mistake::Name(NameMistake::Unknown), 12),
    (Mistake::Name(NameMistake::Twice), 6),
    (Mistake::Address(AddressMistake::HomeEqual), 8),
    (Mistake::Address(AddressMistake::HomeDifferent), 8),
    (Mistake::Address(AddressMistake::Street2Alone), 8),
    (Mistake::Address(AddressMistake::HomeCountrySpelling), 6),
    (Mistake::Custom(CustomMistake::TooMany), 6),
    (Mistake::Custom(CustomMistake::NameTooLong), 5),
    (Mistake::Custom(CustomMistake::NameEmpty), 5),
    (Mistake::Custom(CustomMistake::ValueTooLong), 6),
    (Mistake::Sms(SmsMistake::Punctuation), 15),
    (Mistake::Sms(SmsMistake::NoConsentDate), 12),
    (Mistake::Sms(SmsMistake::FutureConsent), 6),
    (Mistake::Sms(SmsMistake::BadConsentDate), 6),
    (Mistake::Sms(SmsMistake::ConsentForm), 8),
    (Mistake::Sms(SmsMistake::ConsentAlone), 6),
    (Mistake::Sms(SmsMistake::Extension), 5),
    (Mistake::Sms(SmsMistake::BadNumber), 6),
    (Mistake::Sms(SmsMistake::TooLong), 5),
    (Mistake::Sms(SmsMistake::OnlyWithoutConsent), 5),
    (Mistake::Shape(ShapeMistake::NoIdentity), 12),
    (Mistake::Shape(ShapeMistake::Null), 5),
    (Mistake::Shape(ShapeMistake::Number), 5),
    (Mistake::Shape(ShapeMistake::String), 5),
    (Mistake::Shape(ShapeMistake::Array), 5),
];

/// The sum of all weights.
pub(super) const WEIGHTS: u32 = {
    let mut sum = 0;
    let mut i = 0;
    while i < MISTAKES.len() {
        sum += MISTAKES[i].1;
        i += 1;
    }
    sum
};

/// Messy contacts of 1,000 that have a second mistake.
pub(super) const SECOND_MISTAKE: u32 = 150;

/// The mistake of a contact that cannot have the drawn one.
pub(super) const FALLBACK: Mistake = Mistake::Blank(BlankMistake::Empty);

impl Mistake {
    pub(super) fn draw(rng: &mut Rng) -> Mistake {
        let mut left = rng.below(WEIGHTS);
        for &(kind, weight) in MISTAKES {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        FALLBACK
    }

    pub(super) fn same_group(self, other: Mistake) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// Whether a contact with this mistake is still accepted under its own address, so that a later contact can be its
    /// duplicate.
    pub(super) fn keeps_email(self) -> bool {
        !matches!(
            self,
            Mistake::Email(_)
                | Mistake::Shape(_)
                | Mistake::Sms(SmsMistake::OnlyWithoutConsent)
                | Mistake::Name(NameMistake::EmailObject | NameMistake::Twice)
        )
    }
}

/// What will be wrong with a contact: nothing, one mistake, or two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    pub(super) first: Option<Mistake>,
    pub(super) second: Option<Mistake>,
}
