//! A contact of a cleaned body, read for the import.

use crate::account::contacts::{ADDRESSES, PHONES};
use crate::model::member::{Family, MemberId};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A cleaned contact.
#[derive(Debug, Default)]
pub(in crate::account) struct Incoming<'a> {
    pub(in crate::account) email: Option<Cow<'a, str>>,
    pub(in crate::account) first_name: Option<Cow<'a, str>>,
    pub(in crate::account) last_name: Option<Cow<'a, str>>,
    pub(in crate::account) job_title: Option<Cow<'a, str>>,
    pub(in crate::account) company_name: Option<Cow<'a, str>>,
    pub(in crate::account) birthday_month: Option<u8>,
    pub(in crate::account) birthday_day: Option<u8>,
    pub(in crate::account) anniversary: Option<Cow<'a, str>>,
    /// In the order of [`PHONES`], each with the name of its member.
    pub(in crate::account) phones: [Option<(&'static str, Cow<'a, str>)>; PHONES.len()],
    /// In the order of [`ADDRESSES`]: street, street2, city, state, zip, country.
    pub(in crate::account) addresses: [Option<[Option<Cow<'a, str>>; 6]>; ADDRESSES.len()],
    pub(in crate::account) custom: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(in crate::account) sms_number: Option<Cow<'a, str>>,
    pub(in crate::account) sms_consent_date: Option<Cow<'a, str>>,
}

/// A text, borrowed unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Incoming<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Incoming<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cleaned contact")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Incoming<'de>, A::Error> {
                let mut contact = Incoming::default();
                while let Some(BorrowedText(name)) = map.next_key()? {
                    let id = MemberId::of(&name);
                    let text = match id {
                        MemberId::BirthdayMonth => {
                            contact.birthday_month = Some(map.next_value()?);
                            continue;
                        }
                        MemberId::BirthdayDay => {
                            contact.birthday_day = Some(map.next_value()?);
                            continue;
                        }
                        MemberId::Email => &mut contact.email,
                        MemberId::FirstName => &mut contact.first_name,
                        MemberId::LastName => &mut contact.last_name,
                        MemberId::JobTitle => &mut contact.job_title,
                        MemberId::CompanyName => &mut contact.company_name,
                        MemberId::Anniversary => &mut contact.anniversary,
                        MemberId::SmsNumber => &mut contact.sms_number,
                        MemberId::SmsConsentDate => &mut contact.sms_consent_date,
                        MemberId::Custom => {
                            let BorrowedText(value) = map.next_value()?;
                            let name = match name {
                                Cow::Borrowed(name) => Cow::Borrowed(&name[3..]),
                                Cow::Owned(name) => Cow::Owned(name[3..].to_owned()),
                            };
                            contact.custom.push((name, value));
                            continue;
                        }
                        _ => {
                            if let Some(kind) = phone(id) {
                                let BorrowedText(number) = map.next_value()?;
                                // Cleaning accepts two of one kind only if they are equal.
                                contact.phones[kind].get_or_insert((id.info().name, number));
                            } else if let Some((kind, part)) = address(id) {
                                let BorrowedText(text) = map.next_value()?;
                                contact.addresses[kind].get_or_insert_default()[part].get_or_insert(text);
                            } else {
                                map.next_value::<IgnoredAny>()?;
                            }
                            continue;
                        }
                    };
                    *text = Some(map.next_value::<BorrowedText<'de>>()?.0);
                }
                Ok(contact)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The kind of phone of a member, as an index into [`PHONES`].
fn phone(member: MemberId) -> Option<usize> {
    Some(match member {
        MemberId::Phone | MemberId::OtherPhone => 0,
        MemberId::HomePhone => 1,
        MemberId::WorkPhone => 2,
        MemberId::MobilePhone => 3,
        _ => return None,
    })
}

/// The kind of address of a member, as an index into [`ADDRESSES`], and the part of the address.
fn address(member: MemberId) -> Option<(usize, usize)> {
    /// Parts of an address. The members of one kind are consecutive in the table of members.
    const PARTS: usize = MemberId::HomeStreet as usize - MemberId::Street as usize;
    if member.info().family != Family::Address {
        return None;
    }
    let offset = member as usize - MemberId::Street as usize;
    // Without a prefix it is the home address.
    Some(((offset / PARTS).saturating_sub(1), offset % PARTS))
}
