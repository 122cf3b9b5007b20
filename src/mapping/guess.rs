//! What one name may be, taken by itself.

use super::columns::{AddressKind, How, Target};
use super::context::{self, Context};
use super::names;
use super::permission::{self, PermissionColumn, PermissionKind};
use super::profile::Observed;
use super::systems::{self, Header, Hit};
use crate::model::member::{Family, MemberId};

/// The columns that presort adds to rejects of a table.
pub const OWN_COLUMNS: [&str; 5] =
    ["presort_input", "presort_line", "presort_code", "presort_field", "presort_message"];
/// The member that presort adds to rejects of JSON.
const OWN_MEMBER: &str = "presort";

/// How the note of a status begins that has the name of a state.
const NOT_A_STATE: &str = "NOT a state";

/// What decides names.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Systems and synonyms count.
    pub auto: bool,
    /// The recognised systems, by their index: several if they have the same names of this input.
    pub systems: Vec<usize>,
    /// The part of a record that holds the person.
    pub wrapper: Option<String>,
    /// The names are those that vCards get.
    pub cards: bool,
}

/// What a name may be.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    pub target: Target,
    pub how: How,
    pub fallback: bool,
    pub note: &'static str,
    pub permission: Option<PermissionColumn>,
    /// Names that are less direct have a higher rank.
    pub rank: u8,
    pub marked: bool,
    /// A value may be several.
    pub joined: bool,
}

impl Guess {
    fn new(target: Target, how: How) -> Guess {
        Guess { target, how, fallback: false, note: "", permission: None, rank: 0, marked: false, joined: false }
    }

    fn member(id: MemberId) -> Guess {
        Guess::new(Target::Member(id), How::Synonym)
    }
}

impl Known {
    /// What a name may be. What was seen of its values decides where the name alone does not.
    pub fn guess(&self, name: &str, seen: Option<&Observed>) -> Guess {
        let nothing = Guess::new(Target::None, How::Unmapped);
        if name.len() > super::profile::NAME_MAX {
            return nothing;
        }
        let parts = names::segments(name);
        let first = parts[0].as_str();
        if first == OWN_MEMBER || OWN_COLUMNS.contains(&first) {
            return Guess { how: How::Own, ..nothing };
        }
        let mut guess = if self.auto {
            self.by_name(name, &parts)
        } else if let Some(target) = contract_target(name) {
            Guess::new(target, How::Contract)
        } else {
            nothing
        };
        guess.permission = self.permission(name, &parts, &guess, seen);
        if self.cards {
            // The properties of vCards mean one thing each.
            guess.joined = matches!(&guess.target, Target::Member(id) if id.info().family == Family::Phone);
        } else {
            self.correct(&mut guess, &parts, seen);
        }
        guess
    }

    fn by_name(&self, name: &str, parts: &[String]) -> Guess {
        if self.cards {
            return card(name);
        }
        // A header may have slashes: `State/Region`.
        if parts.len() > 1
            && let Some(guess) = self.header(name)
        {
            return guess;
        }
        let nothing = Guess::new(Target::None, How::Unmapped);
        let last = parts[parts.len() - 1].as_str();
        let folded = names::fold(last);
        let context = context::context(&parts[..parts.len() - 1], self.wrapper.as_deref());
        let member = |id: MemberId, rank: u8, fallback: bool| Guess { rank, fallback, ..Guess::member(id) };
        match context {
            Context::Person => match person(&folded) {
                Some(guess) => guess,
                None => self.header(last).unwrap_or(nothing),
            },
            Context::Billing => match (context::address_part(&folded), self.header(last)) {
                (Some(part), _) => member(AddressKind::Main.part(part), 1, false),
                (None, Some(guess)) if guess.target != Target::None => Guess { rank: 1, fallback: true, ..guess },
                _ => nothing,
            },
            Context::Address(kind) => {
                if let Some(part) = context::address_part(&folded) {
                    member(kind.part(part), 1, false)
                } else if let Some(part) = context::address_code(&folded) {
                    member(kind.part(part), 2, true)
                } else if folded == "phone" {
                    member(MemberId::Phone, 3, true)
                } else {
                    nothing
                }
            }
            Context::Email { further } => {
                let is_address =
                    ["value", "address", "email", "emailaddress", "0", "1", "2", "home", "work", "other", "personal"];
                // Of a list of plain addresses, the first is the address.
                let further =
                    further || !matches!(folded.as_str(), "value" | "address" | "email" | "emailaddress" | "0");
                if is_address.contains(&folded.as_str()) { member(MemberId::Email, 1, further) } else { nothing }
            }
            Context::Phone(id) => match folded.as_str() {
                "value" | "number" | "phone" | "phonenumber" | "text" => member(id, 1, false),
                digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => member(id, 1, false),
                _ => match context::phone_kind(last) {
                    // `phone_number_id` and `mobile_country_code` are about a number, and are none.
                    Some(Some(kind)) if ends_as_number(last) => member(kind, 1, false),
                    _ => nothing,
                },
            },
            Context::Name => match folded.as_str() {
                "first" | "given" | "givenname" | "firstname" => member(MemberId::FirstName, 1, false),
                "last" | "family" | "familyname" | "lastname" | "surname" => member(MemberId::LastName, 1, false),
                "full" | "fullname" | "displayname" | "formatted" | "unstructuredname" => {
                    Guess { rank: 2, fallback: true, ..Guess::new(Target::FullName, How::Synonym) }
                }
                _ => nothing,
            },
            Context::Birthday => match folded.as_str() {
                "month" => member(MemberId::BirthdayMonth, 1, false),
                "day" => member(MemberId::BirthdayDay, 1, false),
                _ => nothing,
            },
            Context::Company => match folded.as_str() {
                "name" | "companyname" | "organizationname" | "displayname" => member(MemberId::CompanyName, 1, false),
                "title" | "jobtitle" => member(MemberId::JobTitle, 2, true),
                _ => nothing,
            },
            Context::Other | Context::Unknown(_) => nothing,
        }
    }

    /// What a header is: by the systems, the contract or the synonyms. None where nothing knows it.
    fn header(&self, name: &str) -> Option<Guess> {
        if let Some(header) = self.system_header(name) {
            let mut guess = Guess::new(header.target(), How::System);
            guess.fallback = header.is_fallback();
            guess.note = header.note;
            guess.permission = permission::of_header(&header);
            guess.marked = header.note.contains("prefixed p:");
            guess.joined = header.note.contains(":::");
            return Some(guess);
        }
        if let Some(target) = contract_target(name) {
            return Some(Guess::new(target, How::Contract));
        }
        let Some(header) = systems::table().synonym(&names::fold(name)) else {
            return with_kind(name).map(Guess::member);
        };
        let how = if header.target() == Target::None { How::Unmapped } else { How::Synonym };
        let mut guess = Guess::new(header.target(), how);
        guess.note = header.note;
        guess.permission = permission::of_header(&header);
        Some(guess)
    }

    /// The header of the recognised systems, if they agree about it.
    fn system_header(&self, name: &str) -> Option<Header> {
        let hits = systems::table().hits(name);
        let mut found = hits.iter().filter(|hit| self.systems.contains(&hit.system));
        let first: &Hit = found.next()?;
        let says = |hit: &Hit| (hit.header.member, permission::of_header(&hit.header));
        found.all(|hit| says(hit) == says(first)).then_some(first.header)
    }

    /// What a column says about permission, by the recognised system, by any part of its name, or by its values.
    fn permission(
        &self,
        name: &str,
        parts: &[String],
        guess: &Guess,
        seen: Option<&Observed>,
    ) -> Option<PermissionColumn> {
        let last = parts[parts.len() - 1].as_str();
        let folded = names::fold(last);
        let status = |is: bool| is.then_some(PermissionColumn { kind: PermissionKind::Status });
        if permission::is_other_channel(&parts[..parts.len() - 1]) {
            return None;
        }
        if permission::is_by_values(&folded) {
            let by_system =
                guess.permission.or_else(|| self.system_header(last).and_then(|header| permission::of_header(&header)));
            let only = |kind| Some(PermissionColumn { kind });
            return match seen {
                Some(seen) if !seen.is_status() => {
                    by_system.filter(|found| found.kind == PermissionKind::Caution).or(only(PermissionKind::Word))
                }
                // Without values: better a warning too many than a person who said no.
                _ => by_system.filter(|found| found.kind != PermissionKind::Caution || seen.is_none()).or(status(true)),
            };
        }
        // Kit's status has the name of a state. Another file with that name and values of a state was taken for Kit's.
        if guess.note.starts_with(NOT_A_STATE) && seen.is_some_and(|seen| !seen.is_status()) {
            return None;
        }
        if guess.permission.is_some() {
            return guess.permission;
        }
        if self.auto
            && folded == "state"
            && let Some(seen) = seen
            && seen.filled > 0
            && permission::of_name(name).is_none()
        {
            // A shop's customers are enabled or disabled, and most have no account.
            if seen.account_states * 2 >= seen.filled {
                return Some(PermissionColumn { kind: PermissionKind::Word });
            }
            if seen.status_words == seen.filled {
                return status(true);
            }
        }
        // A known header that is not about permission: `active_subscription` is a paid one.
        if self.auto && guess.how == How::System {
            return None;
        }
        by_words(name, parts)
    }

    /// What the values say against the name.
    fn correct(&self, guess: &mut Guess, parts: &[String], seen: Option<&Observed>) {
        let folded = names::fold(&parts[parts.len() - 1]);
        let is_member = |id: MemberId| guess.target == Target::Member(id);
        let wrong = if is_member(MemberId::JobTitle) && folded.starts_with("title") && guess.how != How::Contract {
            match seen {
                Some(seen) => seen.is_honorific().then_some("honorific"),
                None => Some("met late: it may be an honorific"),
            }
        } else if is_member(MemberId::State) && guess.permission.is_some() && self.auto {
            Some("a status, not a state")
        } else if is_member(MemberId::Email)
            && folded == "value"
            && parts.len() == 1
            && seen.is_none_or(|seen| seen.addresses * 2 < seen.filled.max(1))
        {
            Some("its values are no addresses")
        } else {
            None
        };
        if let Some(note) = wrong {
            guess.target = Target::None;
            guess.note = note;
            guess.how = if guess.how == How::System { How::System } else { How::Unmapped };
        }
        if guess.note.starts_with(NOT_A_STATE) && guess.permission.is_none() {
            (guess.target, guess.how, guess.note) = (Target::Member(MemberId::State), How::Synonym, "");
        }
        // A column about permission is no member, unless the table or the contract says so.
        if guess.permission.is_some() && guess.how == How::Synonym {
            guess.target = Target::None;
        }
        if let Target::Member(id) = guess.target
            && matches!(id.info().family, Family::Phone | Family::Email)
        {
            guess.joined = true;
        }
        // A column whose values are no addresses stands behind one that has some.
        if guess.target == Target::Member(MemberId::Email)
            && seen.is_some_and(|seen| seen.filled > 0 && seen.addresses == 0)
        {
            guess.rank = guess.rank.max(4);
        }
    }
}

/// What kind of statement a name makes by itself: what the table notes for any system, or its words.
fn by_words(name: &str, parts: &[String]) -> Option<PermissionColumn> {
    let last = parts[parts.len() - 1].as_str();
    let hits = systems::table().hits(last);
    // A name that the table has without a note is no statement in any file.
    let is_unnoted = hits.iter().all(|hit| hit.header.note.is_empty());
    if !hits.is_empty() && is_unnoted && hits.iter().all(|hit| permission::of_header(&hit.header).is_none()) {
        return None;
    }
    let noted = || {
        let mut kinds =
            hits.iter().filter(|hit| hit.header.name == last).filter_map(|hit| permission::of_header(&hit.header));
        kinds.find(|found| !matches!(found.kind, PermissionKind::Caution | PermissionKind::Status))
    };
    permission::of_path(name, parts).or_else(noted)
}

/// The target of a name of the contract.
pub(super) fn contract_target(name: &str) -> Option<Target> {
    match MemberId::of(name) {
        MemberId::Unknown => None,
        MemberId::Custom => Some(Target::Custom(name.to_owned())),
        id => Some(Target::Member(id)),
    }
}

/// Whether a name is that of an email address, in the contract or in common use.
#[must_use]
pub fn is_address_name(name: &str) -> bool {
    name.len() <= super::profile::NAME_MAX
        && (MemberId::of(name) == MemberId::Email
            || systems::table().synonym(&names::fold(name)).is_some_and(|header| header.member == "email"))
}

/// A part of an address or a phone number with its kind in front: `Work City`, `home_postal_code`, `Office phone number`.
fn with_kind(name: &str) -> Option<MemberId> {
    // A path says it with its parts; a header with a slash, `Home State/Province`, has spaces too.
    if name.contains('/') && !name.contains(' ') {
        return None;
    }
    let words = names::words(name);
    let (first, rest) = words.split_first().filter(|(_, rest)| (1..=4).contains(&rest.len()))?;
    let rest = rest.concat();
    if matches!(rest.as_str(), "phone" | "telephone" | "tel" | "phonenumber" | "telephonenumber") {
        return context::phone_kind(first).flatten();
    }
    let rest =
        rest.strip_prefix("address").filter(|rest| !rest.is_empty() && !rest.starts_with("line")).unwrap_or(&rest);
    Some(context::address_kind(first)?.part(context::address_part(rest)?))
}

/// Whether the last word of a name is that of a number: `home_number`, `mobile`, `work phone 2`.
fn ends_as_number(name: &str) -> bool {
    let words = names::words(name);
    let is_digits = |word: &&String| word.bytes().all(|b| b.is_ascii_digit());
    let Some(word) = words.iter().rfind(|word| !is_digits(word)) else { return false };
    matches!(word.as_str(), "number" | "numbers" | "no" | "nr" | "num" | "tel" | "telephone" | "value")
        || context::phone_kind(word).is_some()
}

/// A name that a vCard gets.
fn card(name: &str) -> Guess {
    let member = Guess::member;
    let target = |target| Guess::new(target, How::Synonym);
    let kinds =
        [("ADR;HOME;", AddressKind::Home), ("ADR;WORK;", AddressKind::Work), ("ADR;OTHER;", AddressKind::Other)];
    let kinds = kinds.into_iter().chain([("ADR;", AddressKind::Main)]);
    for (prefix, kind) in kinds {
        let part = name.strip_prefix(prefix).and_then(|part| {
            ["STREET", "STREET2", "CITY", "STATE", "ZIP", "COUNTRY"].iter().position(|known| *known == part)
        });
        if let Some(part) = part {
            return member(kind.part(part));
        }
    }
    match name {
        "EMAIL" => member(MemberId::Email),
        "N;FIRST" => member(MemberId::FirstName),
        "N;LAST" => member(MemberId::LastName),
        "FN" => Guess { fallback: true, note: "fallback", ..target(Target::FullName) },
        "ORG" => member(MemberId::CompanyName),
        "TITLE" => member(MemberId::JobTitle),
        "TEL" => member(MemberId::Phone),
        "TEL;HOME" => member(MemberId::HomePhone),
        "TEL;WORK" => member(MemberId::WorkPhone),
        "TEL;CELL" => member(MemberId::MobilePhone),
        "TEL;OTHER" => member(MemberId::OtherPhone),
        "BDAY" => target(Target::Birthday),
        "ANNIVERSARY" => member(MemberId::Anniversary),
        _ => Guess::new(Target::None, How::Unmapped),
    }
}

/// Lists right within the person, whose first value counts.
fn person(folded: &str) -> Option<Guess> {
    match folded {
        "emails" | "emailaddresses" => Some(Guess { rank: 1, ..Guess::member(MemberId::Email) }),
        "phones" | "phonenumbers" => Some(Guess { rank: 1, ..Guess::member(MemberId::Phone) }),
        _ => None,
    }
}
