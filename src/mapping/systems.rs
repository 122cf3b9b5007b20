//! The systems whose names are known: `headers.tsv`, compiled in as it is and parsed once.
//!
//! The table stays a file of its own, because it is data that people who know a system read and extend; a table in Rust would
//! say the same with more signs. Reading it takes well below a millisecond, once for a run that maps.

use super::columns::{AddressKind, Target};
use super::languages;
use super::names;
use crate::model::member::MemberId;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The table.
const TABLE: &str = include_str!("headers.tsv");
/// The name in the table under which synonyms are.
const SYNONYMS: &str = "generic-synonyms";

/// Synonyms beyond those of the table, folded: each has one meaning in any export.
const MORE_SYNONYMS: &[(&str, &str)] = &[
    ("emailadress", "email"),
    ("emailid", "email"),
    ("primaryemailaddress", "email"),
    ("mobilenumber", "mobile_phone"),
    ("mobilephonenumber", "mobile_phone"),
    ("mobilephone1", "mobile_phone"),
    ("cell", "mobile_phone"),
    ("cellnumber", "mobile_phone"),
    ("cellphonenumber", "mobile_phone"),
    ("cellular", "mobile_phone"),
    ("homephonenumber", "home_phone"),
    ("phonehome", "home_phone"),
    ("workphonenumber", "work_phone"),
    ("businessphone", "work_phone"),
    ("phonework", "work_phone"),
    ("phonemobile", "mobile_phone"),
    ("telephonenumber", "phone"),
    ("companyname", "company_name"),
    ("organisation", "company_name"),
    ("organizationname", "company_name"),
    ("organisationname", "company_name"),
    ("street", "street"),
    ("streetaddress1", "street"),
    ("streetline1", "street"),
    ("address1", "street"),
    ("addressline1", "street"),
    ("addr1", "street"),
    ("street1", "street"),
    ("streetaddress2", "street2"),
    ("address2", "street2"),
    ("addressline2", "street2"),
    ("addr2", "street2"),
    ("stateprovince", "state"),
    ("stateregion", "state"),
    ("countryregion", "country"),
    ("postcode", "zip"),
    ("zippostalcode", "zip"),
    ("zippostcode", "zip"),
    ("birthdate", "birthday_month,birthday_day"),
    ("wholename", "first_name,last_name"),
    ("displayname", "first_name,last_name"),
    ("anniversary", "anniversary"),
    ("anniversarydate", "anniversary"),
];

/// A header of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// What it is: a member, several with commas, `cf`, or `-`.
    pub member: &'static str,
    /// What is special about it.
    pub note: &'static str,
}

impl Header {
    /// What a column of this name becomes. `cf`, which is a custom field if the user wants it, becomes nothing.
    #[must_use]
    pub fn target(&self) -> Target {
        target_of(self.member).unwrap_or(Target::None)
    }

    /// Whether the note says that the header counts only where no other gives the member.
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        ["fallback", "multi", "lowest priority"].iter().any(|word| self.note.contains(word))
            && self.target() != Target::None
            // The first of Google's addresses is "multi" because its value may be.
            && !self.note.contains(":::")
    }
}

/// A system.
#[derive(Debug)]
pub struct System {
    /// Its name.
    pub name: &'static str,
    /// Its headers.
    pub headers: Vec<Header>,
}

impl System {
    /// Whether its headers are names of columns or members. Those of a vCard are properties, for its own reader.
    #[must_use]
    pub fn is_table(&self) -> bool {
        !self.name.starts_with("vcard")
    }
}

/// Every system, in the order of the table.
#[must_use]
pub fn systems() -> &'static [System] {
    &table().systems
}

/// The system of this name, or of a name that begins so: `google` is the first that does.
#[must_use]
pub fn system(name: &str) -> Option<&'static System> {
    let systems = systems();
    let name = name.to_ascii_lowercase();
    systems.iter().find(|system| system.name == name).or_else(|| {
        let begins = |system: &&System| !name.is_empty() && system.name.starts_with(name.as_str());
        systems.iter().find(begins)
    })
}

/// What several members with commas, or one, are as a target. None for what is no target.
#[must_use]
pub fn target_of(members: &str) -> Option<Target> {
    if members == "-" {
        return Some(Target::None);
    }
    if members.starts_with("cf:") {
        return Some(Target::Custom(members.to_owned()));
    }
    let ids: Vec<MemberId> = members.split(',').map(|name| MemberId::of(name.trim())).collect();
    let kind = ids.first().and_then(|id| AddressKind::of(*id)).map(|(kind, _)| kind);
    let address = |parts: &[usize]| {
        kind.filter(|kind| ids.len() == parts.len() && ids.iter().zip(parts).all(|(id, part)| *id == kind.part(*part)))
    };
    match ids.as_slice() {
        [MemberId::Custom | MemberId::Unknown] => None,
        [id] => Some(Target::Member(*id)),
        [MemberId::FirstName, MemberId::LastName] => Some(Target::FullName),
        [MemberId::BirthdayMonth, MemberId::BirthdayDay] => Some(Target::Birthday),
        _ => match (address(&[0, 2, 3, 4, 5]), address(&[2, 3])) {
            (Some(kind), _) => Some(Target::WholeAddress(kind)),
            (_, Some(kind)) => Some(Target::CityState(kind)),
            _ => None,
        },
    }
}

impl Target {
    /// The members that it gives, as the table names them. `-` for none.
    #[must_use]
    pub fn members(&self) -> Vec<&str> {
        let names =
            |kind: &AddressKind, parts: &[usize]| parts.iter().map(|part| kind.part(*part).info().name).collect();
        match self {
            Target::Member(id) => vec![id.info().name],
            Target::Custom(name) => vec![name],
            Target::FullName => vec!["first_name", "last_name"],
            Target::Birthday => vec!["birthday_month", "birthday_day"],
            Target::WholeAddress(kind) => names(kind, &[0, 2, 3, 4, 5]),
            Target::CityState(kind) => names(kind, &[2, 3]),
            Target::None => vec!["-"],
        }
    }
}

/// A header that a name may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// The index of the system.
    pub system: usize,
    /// The header.
    pub header: Header,
}

/// The table, parsed.
pub(super) struct Table {
    systems: Vec<System>,
    /// The headers by their folded name.
    by_name: HashMap<String, Vec<Hit>>,
    /// The synonyms by their folded name.
    synonyms: HashMap<String, Header>,
}

/// The table.
pub(super) fn table() -> &'static Table {
    static PARSED: OnceLock<Table> = OnceLock::new();
    PARSED.get_or_init(|| {
        let mut table = Table { systems: Vec::new(), by_name: HashMap::new(), synonyms: HashMap::new() };
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (Some(system), Some(name), Some(member)) = (cells.next(), cells.next(), cells.next()) else { continue };
            let header = Header { name, member, note: cells.next().unwrap_or_default() };
            if system == SYNONYMS {
                table.synonyms.insert(names::fold(name), header);
                continue;
            }
            if table.systems.last().is_none_or(|last| last.name != system) {
                table.systems.push(System { name: system, headers: Vec::new() });
            }
            let index = table.systems.len() - 1;
            table.systems[index].headers.push(header);
            if table.systems[index].is_table() {
                table.by_name.entry(names::fold(name)).or_default().push(Hit { system: index, header });
            }
        }
        for (name, member) in MORE_SYNONYMS.iter().chain(languages::NAMES) {
            table.synonyms.entry((*name).to_owned()).or_insert(Header { name, member, note: "" });
        }
        table
    })
}

/// Whether a name, in any file, is that of an email address or of a number for text messages.
#[must_use]
pub fn is_identity(name: &str) -> bool {
    let is_one = |target: &Target| {
        matches!(
            target,
            Target::Member(crate::model::member::MemberId::Email | crate::model::member::MemberId::SmsNumber)
        )
    };
    let name = name.trim();
    if name.len() > 200 {
        return false;
    }
    let own = crate::model::member::MemberId::of(name);
    is_one(&Target::Member(own))
        || table().hits(name).iter().any(|hit| is_one(&hit.header.target()))
        || table().synonym(&names::fold(name)).is_some_and(|header| is_one(&header.target()))
}

impl Table {
    /// The headers that a name may be: of each system the one that is spelled so, else the first that folds so.
    pub fn hits(&self, name: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for hit in self.by_name.get(&names::fold(name)).into_iter().flatten() {
            match hits.last_mut() {
                Some(last) if last.system == hit.system => {
                    if hit.header.name == name {
                        *last = *hit;
                    }
                }
                _ => hits.push(*hit),
            }
        }
        hits
    }

    /// The synonym that a folded name is.
    pub fn synonym(&self, folded: &str) -> Option<Header> {
        self.synonyms.get(folded).copied()
    }

    /// The synonym that a folded name differs least from, in one letter, or in two where it is long.
    pub fn similar(&self, folded: &str) -> Option<Header> {
        let length = folded.chars().count();
        if !(4..=40).contains(&length) {
            return None;
        }
        let most = if length >= 8 { 2 } else { 1 };
        let near = |(name, header): (&String, &Header)| {
            let distance = names::distance(folded, name, most)?;
            // A short name is everything with two letters changed.
            (header.target() != Target::None && name.len() > 3).then(|| (distance, name.clone(), *header))
        };
        let best = self.synonyms.iter().filter_map(near).min_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        best.map(|(_, _, header)| header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        assert_eq!(systems().len(), 35);
        let headers: usize = systems().iter().map(|system| system.headers.len()).sum();
        let rows = TABLE.lines().filter(|line| !line.starts_with('#') && !line.starts_with(SYNONYMS)).count();
        assert_eq!(headers, rows);
        for system in systems() {
            let same = systems().iter().filter(|other| other.name == system.name).count();
            assert_eq!(same, 1, "{} is in two places of the table", system.name);
            for header in &system.headers {
                let known = header.member == "cf" || header.member.contains(';') || target_of(header.member).is_some();
                assert!(known, "{}: {header:?}", system.name);
            }
        }
        for header in table().synonyms.values() {
            assert!(header.member == "cf" || target_of(header.member).is_some(), "{header:?}");
        }
    }

    #[test]
    fn names_that_fold_alike_mean_the_same_in_a_system() {
        for system in systems() {
            for a in &system.headers {
                for b in &system.headers {
                    let alike = names::fold(a.name) == names::fold(b.name);
                    assert!(!alike || a.member == b.member, "{}: {a:?} {b:?}", system.name);
                }
            }
        }
    }

    #[test]
    fn targets_are_their_members() {
        for members in [
            "email",
            "cf:Tier",
            "-",
            "first_name,last_name",
            "birthday_month,birthday_day",
            "street,city,state,zip,country",
            "work_street,work_city,work_state,work_zip,work_country",
            "other_city,other_state",
        ] {
            assert_eq!(target_of(members).unwrap().members().join(","), members);
        }
        for members in ["", "Email", "last_name,first_name", "email,phone", "home_city,state", "email,", "cf", ","] {
            assert_eq!(target_of(members), None, "{members}");
        }
    }

    #[test]
    fn systems_have_short_names_too() {
        for name in ["hubspot", "mailchimp", "salesforce", "google", "HubSpot", "outlook"] {
            assert!(system(name).unwrap().name.starts_with(&name.to_ascii_lowercase()));
        }
        assert!(system("").is_none() && system("nobody").is_none());
    }

    #[test]
    fn similar_names() {
        let similar = |name| table().similar(name).map(|header| header.member);
        assert_eq!(similar("emial"), Some("email"));
        assert_eq!(similar("frstname"), Some("first_name"));
        assert_eq!(similar("adress"), Some("street"));
        for name in ["tier", "zap", "x", "", "favouritecolour"] {
            assert_eq!(similar(name), None, "{name}");
        }
    }
}
