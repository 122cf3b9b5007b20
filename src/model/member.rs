//! One contact: its members, borrowed from the parser, and the table of known member names.

use super::name_lookup;

/// The kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool,
    /// A number
    Number,
    /// A string
    String,
    /// An array
    Array,
    /// An object
    Object,
}

impl JsonKind {
    /// The kind of the (valid) value that begins with `byte`.
    #[must_use]
    pub fn of(byte: u8) -> JsonKind {
        match byte {
            b'n' => JsonKind::Null,
            b't' | b'f' => JsonKind::Bool,
            b'"' => JsonKind::String,
            b'[' => JsonKind::Array,
            b'{' => JsonKind::Object,
            _ => JsonKind::Number,
        }
    }

    /// With its article, for a message.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            JsonKind::Null => "null",
            JsonKind::Bool => "true or false",
            JsonKind::Number => "a number",
            JsonKind::String => "a string",
            JsonKind::Array => "an array",
            JsonKind::Object => "an object",
        }
    }
}

/// A value as it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A positive whole number below 2^64, whose text is its digits.
    Integer(u64),
    /// Any other number, by its own text.
    Number(&'a str),
    /// A string, unescaped.
    String(&'a str),
    /// An array or object, by its own text.
    Nested(&'a str),
}

impl Value<'_> {
    /// What kind of JSON value this is.
    #[must_use]
    pub fn kind(&self) -> JsonKind {
        match self {
            Value::Null => JsonKind::Null,
            Value::Bool(_) => JsonKind::Bool,
            Value::Integer(_) | Value::Number(_) => JsonKind::Number,
            Value::String(_) => JsonKind::String,
            Value::Nested(text) => JsonKind::of(text.as_bytes().first().copied().unwrap_or(b'{')),
        }
    }
}

/// A name and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member<'a> {
    /// The name, unescaped.
    pub name: &'a str,
    /// The value.
    pub value: Value<'a>,
    /// Where the contact's bytes have the whole member as the rules would write it, if they do.
    pub normal: Option<(u32, u32)>,
}

/// The family of rules for a member's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `email`
    Email,
    /// Plain text.
    Text,
    /// `birthday_month`, `birthday_day`
    Birthday,
    /// `anniversary`
    Date,
    /// Voice numbers.
    Phone,
    /// Text that is part of an address.
    Address,
    /// `sms_number`
    Sms,
    /// `sms_consent_date`
    Consent,
    /// `cf:NAME`
    Custom,
    /// An unknown name.
    Unknown,
}

/// What is known of a member.
#[derive(Debug)]
pub struct MemberInfo {
    /// The name as it is written.
    pub name: &'static str,
    /// `"name":`
    pub key: &'static str,
    /// The longest value, in characters (Unicode scalar values) after normalisation; 0 where the rule has another measure.
    pub limit: u16,
    /// Its rules.
    pub family: Family,
    /// The hint for a misspelling of this name.
    pub hint: &'static str,
}

macro_rules! members {
    ($($id:ident $name:literal $limit:literal $family:ident;)*) => {
        /// A member of the contract, in the order of its table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum MemberId { $($id,)* Custom, Unknown }

        /// The table, indexed by [`MemberId`].
        pub static MEMBERS: &[MemberInfo] = &[
            $(MemberInfo {
                name: $name,
                key: concat!("\"", $name, "\":"),
                limit: $limit,
                family: Family::$family,
                hint: concat!("the member is spelled `", $name, "`"),
            },)*
            MemberInfo { name: "cf:", key: "", limit: 255, family: Family::Custom, hint: "" },
            MemberInfo { name: "", key: "", limit: 0, family: Family::Unknown, hint: "" },
        ];

        /// Every member but custom fields, in the order of the table.
        pub const KNOWN: &[MemberId] = &[$(MemberId::$id,)*];
    };
}

members! {
    Email "email" 50 Email;
    FirstName "first_name" 50 Text;
    LastName "last_name" 50 Text;
    JobTitle "job_title" 50 Text;
    CompanyName "company_name" 50 Text;
    BirthdayMonth "birthday_month" 0 Birthday;
    BirthdayDay "birthday_day" 0 Birthday;
    Anniversary "anniversary" 0 Date;
    Phone "phone" 50 Phone;
    HomePhone "home_phone" 50 Phone;
    WorkPhone "work_phone" 50 Phone;
    MobilePhone "mobile_phone" 50 Phone;
    OtherPhone "other_phone" 50 Phone;
    Street "street" 255 Address;
    Street2 "street2" 255 Address;
    City "city" 50 Address;
    State "state" 50 Address;
    Zip "zip" 50 Address;
    Country "country" 50 Address;
    HomeStreet "home_street" 255 Address;
    HomeStreet2 "home_street2" 255 Address;
    HomeCity "home_city" 50 Address;
    HomeState "home_state" 50 Address;
    HomeZip "home_zip" 50 Address;
    HomeCountry "home_country" 50 Address;
    WorkStreet "work_street" 255 Address;
    WorkStreet2 "work_street2" 255 Address;
    WorkCity "work_city" 50 Address;
    WorkState "work_state" 50 Address;
    WorkZip "work_zip" 50 Address;
    WorkCountry "work_country" 50 Address;
    OtherStreet "other_street" 255 Address;
    OtherStreet2 "other_street2" 255 Address;
    OtherCity "other_city" 50 Address;
    OtherState "other_state" 50 Address;
    OtherZip "other_zip" 50 Address;
    OtherCountry "other_country" 50 Address;
    SmsNumber "sms_number" 16 Sms;
    SmsConsentDate "sms_consent_date" 16 Consent;
}

/// The schema's own spelling of `home_country`.
pub const HOME_COUNTRY_SPACED: &str = "home country";

/// Sub-members of one address, in the order of the table: street, street2, city, state, zip, country.
pub const ADDRESS_PARTS: usize = 6;

impl MemberId {
    /// What is known of it.
    #[must_use]
    #[inline]
    pub fn info(self) -> &'static MemberInfo {
        &MEMBERS[self as usize]
    }

    /// Which member `name` is. `home country` is [`MemberId::HomeCountry`].
    #[must_use]
    #[inline]
    pub fn of(name: &str) -> MemberId {
        let bytes = name.as_bytes();
        if let Some(id) = name_lookup::find(bytes) {
            id
        } else if bytes.starts_with(b"cf:") {
            MemberId::Custom
        } else if name == HOME_COUNTRY_SPACED {
            MemberId::HomeCountry
        } else {
            MemberId::Unknown
        }
    }

    /// The bit of a known member in a set of them.
    #[must_use]
    #[inline]
    pub const fn bit(self) -> u64 {
        // There are fewer than 64, and a set of none for those that are not known.
        if (self as u32) < MemberId::Custom as u32 { 1 << self as u32 } else { 0 }
    }

    /// True for postal codes.
    #[must_use]
    #[inline]
    pub fn is_zip(self) -> bool {
        matches!(self, MemberId::Zip | MemberId::HomeZip | MemberId::WorkZip | MemberId::OtherZip)
    }
}

/// The hint for an unknown name, where the mistake is a known one.
#[must_use]
pub fn hint(name: &str) -> Option<&'static str> {
    const CUSTOM: &str = "custom fields are members of the contact itself, each named cf:NAME";
    let squashed: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(match squashed.as_str() {
        "emailaddress" | "mail" | "emailaddresses" => {
            "the address is a member of the contact itself, `email`, a string"
        }
        "phonenumbers" | "phones" => {
            "this is the shape of the /contacts endpoint: an import takes `home_phone`, `work_phone`, `mobile_phone`, \
             `other_phone`"
        }
        "streetaddresses" | "streetaddress" | "addresses" | "address" => {
            "this is the shape of the /contacts endpoint: an import takes `street`, `city`, `state`, `zip`, `country`, or \
             those with `home_`, `work_`, `other_`"
        }
        "customfields" | "customfield" => CUSTOM,
        "listmemberships" | "listids" | "lists" => {
            "lists are named once for all contacts, by `list_ids` beside `import_data`"
        }
        "smspermissiontosend" => {
            "permission is given once for all contacts, by `sms_permission_to_send` beside `import_data`"
        }
        "permissiontosend" | "emailpermission" => {
            "this is permission for email, which an import does not take: leave out contacts who have unsubscribed, and then \
             the member"
        }
        "smschannel" => {
            "this is the shape of the /contacts endpoint: an import takes `sms_number` and `sms_consent_date`"
        }
        "postalcode" | "postcode" | "zipcode" => MemberId::Zip.info().hint,
        "company" | "organization" | "organisation" => MemberId::CompanyName.info().hint,
        "firstname" | "givenname" | "fname" => MemberId::FirstName.info().hint,
        "lastname" | "surname" | "familyname" | "lname" => MemberId::LastName.info().hint,
        "mobile" | "cell" | "cellphone" => MemberId::MobilePhone.info().hint,
        "sms" | "smsphone" => MemberId::SmsNumber.info().hint,
        "street1" | "addressline1" | "address1" => MemberId::Street.info().hint,
        "addressline2" | "address2" => MemberId::Street2.info().hint,
        "title" => MemberId::JobTitle.info().hint,
        "birthday" | "birthdate" | "dateofbirth" | "dob" => {
            "a birthday is two members, `birthday_month` and `birthday_day`, whole numbers"
        }
        squashed => {
            let same = |id: &&MemberId| id.info().name.bytes().filter(|b| *b != b'_').eq(squashed.bytes());
            if let Some(id) = KNOWN.iter().find(same) {
                return Some(id.info().hint);
            }
            let lower = name.to_ascii_lowercase();
            if ["cf_", "cf-", "cf.", "cf "].iter().any(|prefix| lower.starts_with(prefix)) || lower.starts_with("cf:") {
                return Some("a custom field is written with a colon: cf:NAME");
            }
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_itself() {
        for id in KNOWN {
            assert_eq!(MemberId::of(id.info().name), *id);
            assert_eq!(id.info().key, format!("{:?}:", id.info().name));
        }
        assert_eq!(MEMBERS.len(), KNOWN.len() + 2);
        assert_eq!(KNOWN.iter().map(|id| id.bit()).sum::<u64>().count_ones() as usize, KNOWN.len());
        assert_eq!((MemberId::Custom.bit(), MemberId::Unknown.bit()), (0, 0));
        assert_eq!(MemberId::of("cf:x"), MemberId::Custom);
        assert_eq!(MemberId::of("home country"), MemberId::HomeCountry);
        for unknown in [
            "",
            "Email",
            "email\0",
            "sms_number\0",
            "sms_consent_date_",
            "emai",
            "email ",
            "firstName",
            "cf_x",
            "CF:x",
            "work country",
        ] {
            assert_eq!(MemberId::of(unknown), MemberId::Unknown, "{unknown}");
        }
    }

    #[test]
    fn known_mistakes_get_a_hint() {
        for name in [
            "firstName",
            "FirstName",
            "FIRST NAME",
            "phone_numbers",
            "street_addresses",
            "custom_fields",
            "list_memberships",
            "cf_x",
            "CF:x",
            "emailAddress",
            "homeCountry",
            "work country",
            "smsNumber",
            "street_2",
        ] {
            assert!(hint(name).is_some(), "{name}");
        }
        assert_eq!(hint("notes"), None);
        for name in ["permission_to_send", "permissionToSend", "PERMISSION TO SEND", "email_permission"] {
            assert!(!hint(name).unwrap().contains("sms"), "{name}");
        }
        assert!(hint("SmsPermissionToSend").unwrap().contains("sms_permission_to_send"));
        assert_eq!(hint("work country"), Some("the member is spelled `work_country`"));
    }
}
