//! Names within a record: what the parts before the last one say about it.
//!
//! `properties/email` is the person's address, `owner/email` is somebody else's, and `company/name` is no person's name. A wrong
//! target is worse than an unmapped column, so a part that nobody knows speaks against its names, unless the whole person is in it.

use super::columns::AddressKind;
use super::names;
use super::permission;
use crate::model::member::MemberId;

/// What the parts before the last one are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Context {
    /// The person.
    Person,
    /// The person, as somebody who pays: names here count only if there are no better ones.
    Billing,
    /// Somebody or something else.
    Other,
    /// Something that is not known, by its path.
    Unknown(String),
    /// The person's company.
    Company,
    /// An address.
    Address(AddressKind),
    /// An email address; a further one of several.
    Email { further: bool },
    /// A phone number: its member, and whether that was said.
    Phone(MemberId),
    /// The person's name.
    Name,
    /// The person's birthday.
    Birthday,
}

const TRANSPARENT: &[&str] = &[
    "properties",
    "fields",
    "mergefields",
    "mergevars",
    "attributes",
    "contact",
    "contacts",
    "person",
    "people",
    "profile",
    "customer",
    "subscriber",
    "member",
    "record",
    "data",
    "node",
    "document",
    "doc",
    "values",
    "details",
    "personal",
    "personalinfo",
    "personalinformation",
    "contactinfo",
    "contactinformation",
    "contactdetails",
    "lead",
    "donor",
    "constituent",
    "patron",
    "traits",
    "item",
    "row",
    "entry",
    "custom",
    "defaultfields",
    "standardfields",
];

const OTHER_WORDS: &[&str] = &[
    "owner",
    "manager",
    "assistant",
    "spouse",
    "partner",
    "creator",
    "created",
    "updated",
    "modified",
    "by",
    "agent",
    "rep",
    "referrer",
    "referred",
    "referral",
    "parent",
    "parents",
    "child",
    "children",
    "emergency",
    "guardian",
    "sales",
    "staff",
    "employee",
    "author",
    "sender",
    "assigned",
    "assignee",
    "admin",
    "supervisor",
    "host",
    "organizer",
    "seller",
    "vendor",
    "relative",
    "relatives",
    "relationship",
    "team",
    "list",
    "lists",
    "campaign",
    "event",
    "events",
    "order",
    "orders",
    "product",
    "products",
    "store",
    "shop",
    "plan",
    "invoice",
    "payment",
    "tag",
    "tags",
    "group",
    "groups",
    "stats",
    "statistics",
    "meta",
    "metadata",
    "links",
    "paging",
    "referer",
    "gift",
    "gifts",
    "membership",
    "memberships",
    "shipping",
    "second",
    "secondary",
];

fn is_one(text: &str, list: &[&str]) -> bool {
    list.contains(&text)
}

/// Which kind of address a word says.
pub(super) fn address_kind(word: &str) -> Option<AddressKind> {
    Some(match word {
        "home" | "personal" | "private" | "residence" | "residential" => AddressKind::Home,
        "work" | "business" | "office" | "company" | "professional" => AddressKind::Work,
        "other" | "shipping" | "delivery" | "seasonal" | "vacation" | "alternate" => AddressKind::Other,
        "main" | "billing" | "mailing" | "default" | "primary" | "preferred" => AddressKind::Main,
        _ => return None,
    })
}

/// Which kind of phone number a label says; its words are looked at one by one, so that `Home Mobile` is a mobile number.
/// `Some(None)` for a number that is no phone's: a fax, a pager.
pub(super) fn phone_kind(label: &str) -> Option<Option<MemberId>> {
    let label = names::cut(label, 64);
    let words = names::words(label);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    Some(if has(&["fax", "pager", "telex", "workfax", "homefax", "otherfax"]) {
        None
    } else if has(&["mobile", "cell", "cellular", "iphone", "cellphone", "mobil", "handy"]) {
        Some(MemberId::MobilePhone)
    } else if has(&["work", "business", "office", "company", "workmobile"]) {
        Some(MemberId::WorkPhone)
    } else if has(&["home", "house", "personal", "residence"]) {
        Some(MemberId::HomePhone)
    } else if has(&["other"]) {
        Some(MemberId::OtherPhone)
    } else if has(&["main", "primary", "phone", "default"]) {
        Some(MemberId::Phone)
    } else {
        return None;
    })
}

fn is_address(folded: &str) -> bool {
    folded.ends_with("address") && !folded.ends_with("emailaddress") && !folded.ends_with("ipaddress")
        || folded.ends_with("addresses") && !folded.ends_with("emailaddresses") && !folded.ends_with("ipaddresses")
        || is_one(folded, &["addr", "postaladdresses", "billing", "shipping"])
}

/// What the parts before the last one are about. `wrapper` is the path of a part that is known to hold the person.
pub(super) fn context(parents: &[String], wrapper: Option<&str>) -> Context {
    let path = parents.join("/");
    if parents.is_empty() || Some(path.as_str()) == wrapper {
        return Context::Person;
    }
    let mut context = Context::Person;
    for (at, parent) in parents.iter().enumerate() {
        let folded = names::fold(parent);
        let words = names::words(parent);
        if wrapper.is_some_and(|wrapper| parents[..=at].join("/") == wrapper) {
            context = Context::Person;
            continue;
        }
        if folded.bytes().all(|b| b.is_ascii_digit()) {
            // The first of several counts; of phones, all do.
            match &mut context {
                Context::Email { further } => *further |= folded != "0",
                Context::Phone(_) => {}
                Context::Person | Context::Billing if folded == "0" => {}
                _ if folded == "0" => {}
                _ => return Context::Other,
            }
            continue;
        }
        context = match context {
            Context::Address(kind) => match address_kind(&folded) {
                Some(kind) => Context::Address(kind),
                None if is_one(&folded, &["address", "components", "value"]) => Context::Address(kind),
                None => return Context::Other,
            },
            Context::Phone(member) => match phone_kind(parent) {
                Some(Some(kind)) => Context::Phone(kind),
                Some(None) => return Context::Other,
                None => Context::Phone(member),
            },
            Context::Email { further } => Context::Email { further },
            Context::Birthday if folded == "date" => Context::Birthday,
            Context::Person | Context::Billing if permission::of_name(parent).is_some() => return Context::Other,
            Context::Person | Context::Billing => match begin(parent, &folded, &words) {
                Some(next) => next,
                None => return Context::Unknown(parents[..=at].join("/")),
            },
            _ => return Context::Other,
        };
        if context == Context::Other {
            return context;
        }
    }
    if let (Context::Address(AddressKind::Main), true) =
        (&context, names::fold(&parents[parents.len() - 1]) == "billing")
    {
        return Context::Billing;
    }
    context
}

/// What a part within the person is about.
fn begin(name: &str, folded: &str, words: &[String]) -> Option<Context> {
    if is_address(folded) {
        let kind = words.iter().find_map(|word| address_kind(word)).unwrap_or(AddressKind::Main);
        return Some(Context::Address(kind));
    }
    if words.iter().any(|word| is_one(word, OTHER_WORDS)) {
        return Some(Context::Other);
    }
    let ends = |list: &[&str]| words.last().is_some_and(|last| is_one(last, list)) || is_one(folded, list);
    if is_one(folded, TRANSPARENT) || name == "_source" {
        return Some(Context::Person);
    }
    if ends(&["email", "emails", "emailaddress", "emailaddresses", "primaryemail", "mail", "mails"]) {
        return Some(Context::Email { further: false });
    }
    if ends(&["phone", "phones", "phonenumbers", "phonenumber", "telephones", "telephone", "tel", "mobile"]) {
        let kind = phone_kind(&words.join(" ")).flatten();
        return Some(Context::Phone(kind.unwrap_or(MemberId::Phone)));
    }
    if is_one(
        folded,
        &[
            "company",
            "companies",
            "organization",
            "organizations",
            "organisation",
            "org",
            "orgid",
            "account",
            "accountname",
            "employer",
            "business",
        ],
    ) {
        return Some(Context::Company);
    }
    if is_one(folded, &["name", "names", "fullname"]) {
        return Some(Context::Name);
    }
    if is_one(folded, &["birthday", "birthdays", "birthdate", "dateofbirth", "dob"]) {
        return Some(Context::Birthday);
    }
    None
}

/// Which part of an address a name is.
pub(super) fn address_part(folded: &str) -> Option<usize> {
    Some(match folded {
        "street" | "street1" | "address" | "address1" | "addressline1" | "addr1" | "line1" | "streetaddress"
        | "streetline1" | "addressline" | "thoroughfare" => 0,
        "street2" | "address2" | "addressline2" | "addr2" | "line2" | "streetaddress2" | "streetline2"
        | "extendedaddress" | "apartment" | "suite" | "unit" => 1,
        "city" | "town" | "locality" => 2,
        "state" | "province" | "region" | "stateprovince" | "stateregion" | "statecode" | "provincecode"
        | "administrativearea" => 3,
        "zip" | "zipcode" | "postalcode" | "postcode" | "zippostalcode" => 4,
        "country" | "countryname" | "countryregion" => 5,
        _ => return None,
    })
}

/// Country and state by their codes, which count only where there are no names.
pub(super) fn address_code(folded: &str) -> Option<usize> {
    match folded {
        "countrycode" | "countrycodev2" => Some(5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Context {
        let parts = names::segments(path);
        context(&parts[..parts.len() - 1], None)
    }

    #[test]
    fn contexts() {
        use Context::{Address, Billing, Birthday, Company, Email, Name, Other, Person, Phone};
        for (path, context) in [
            ("email", Person),
            ("properties/email", Person),
            ("/merge_fields/FNAME", Person),
            ("attributes/phone_number", Person),
            ("data/attributes/email", Person),
            ("merge_fields/ADDRESS/addr1", Address(AddressKind::Main)),
            ("street_addresses/home/city", Address(AddressKind::Home)),
            ("shipping_address/city", Address(AddressKind::Other)),
            ("homeAddress/city", Address(AddressKind::Home)),
            ("shipping/first_name", Address(AddressKind::Other)),
            ("billing/email", Billing),
            ("email_address/address", Email { further: false }),
            ("emailAddresses/1/value", Email { further: true }),
            ("phone_numbers/phone_number", Phone(MemberId::Phone)),
            ("phone_numbers/mobile/phone_number", Phone(MemberId::MobilePhone)),
            ("phone_numbers/fax/phone_number", Other),
            ("company/name", Company),
            ("names/0/givenName", Name),
            ("birthdays/0/date/month", Birthday),
            ("owner/email", Other),
            ("owner_id/email", Other),
            ("created_by/email", Other),
            ("lastModifiedBy/name", Other),
            ("company/owner/email", Other),
            ("email_marketing_consent/state", Other),
            ("contacts/1/email", Other),
            ("tags/0/name", Other),
        ] {
            assert_eq!(of(path), context, "{path}");
        }
        assert_eq!(of("kontakt/email"), Context::Unknown("kontakt".to_owned()));
        let parts = names::segments("kontakt/address/city");
        assert_eq!(context(&parts[..2], Some("kontakt")), Address(AddressKind::Main));
    }

    #[test]
    fn phone_kinds() {
        for (label, kind) in [
            ("Mobile", Some(Some(MemberId::MobilePhone))),
            ("* Work", Some(Some(MemberId::WorkPhone))),
            ("Home Fax", Some(None)),
            ("Work Mobile", Some(Some(MemberId::MobilePhone))),
            ("home", Some(Some(MemberId::HomePhone))),
            ("Other", Some(Some(MemberId::OtherPhone))),
            ("Main", Some(Some(MemberId::Phone))),
            ("Grandma", None),
            ("", None),
        ] {
            assert_eq!(phone_kind(label), kind, "{label}");
        }
    }
}
