//! Which column is which member, for a whole input.

use super::columns::{AddressKind, Column, How, Mapping, SystemMatch, Target};
use super::context::{self, Context};
use super::file::{Entry, MapFile};
use super::guess::{Guess, Known, contract_target};
use super::profile::Profile;
use super::resolve::{Resolver, members_of};
use super::{labels, names, systems};
use crate::model::member::MemberId;
use crate::rules::custom;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// What becomes of columns that nothing knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unmapped {
    /// They are not in the output.
    #[default]
    Leave,
    /// They become custom fields.
    Custom,
    /// The run ends.
    Error,
}

/// What the user said about columns.
#[derive(Debug, Clone, Default)]
pub struct MapOptions {
    /// Columns to leave out. What one says about permission for email counts all the same.
    pub ignore: Vec<String>,
    /// Columns and what each becomes: a member, `cf:NAME`, `-`, or several members with commas.
    pub rename: Vec<(String, String)>,
    /// The map file.
    pub file: Option<MapFile>,
    /// Systems and synonyms count.
    pub auto: bool,
    /// What becomes of columns that nothing knows.
    pub unmapped: Unmapped,
}

/// Why no mapping can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapError {
    /// The map file does not mention these columns.
    Unmentioned(Vec<String>),
    /// These columns would be custom fields, and they are too many.
    TooManyCustom(Vec<String>),
    /// Nothing knows these columns, and that is an error.
    Unmapped(Vec<String>),
    /// This is no target, in a rename of this column.
    UnknownTarget {
        /// The column.
        from: String,
        /// What it should become.
        to: String,
        /// A member with a similar name.
        suggestion: Option<&'static str>,
    },
    /// Two columns were given one member.
    TwoColumns {
        /// The member.
        member: String,
        /// The columns.
        columns: [String; 2],
    },
}

/// Names of a list that a message shows.
const SHOWN: usize = 30;

/// Names for a message: quoted, escaped, and not too many.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{:?}", names::cut(name, 80))).collect();
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MapError::Unmentioned(names) => write!(
                f,
                "the map file does not mention {}; add a line for each (\"-\" leaves a column out)",
                listed(names)
            ),
            MapError::TooManyCustom(names) => write!(
                f,
                "{} columns would become custom fields, and a contact has at most {}: {}; leave some out with --ignore",
                names.len(),
                custom::MAX,
                listed(names)
            ),
            MapError::Unmapped(names) => write!(
                f,
                "nothing says what these columns are: {}; name each with --rename, or leave it out with --ignore",
                listed(names)
            ),
            MapError::UnknownTarget { from, to, suggestion } => {
                write!(f, "{from:?} cannot become {to:?}: there is no such member")?;
                match suggestion {
                    Some(name) => write!(f, "; did you mean `{name}`?"),
                    None => write!(f, "; a custom field is written `cf:NAME`, and `-` leaves a column out"),
                }
            }
            MapError::TwoColumns { member, columns: [first, second] } => write!(
                f,
                "both {first:?} and {second:?} would become `{member}`; leave one out with --ignore, or write `{member}?` for \
                 the one that counts only where the other is empty"
            ),
        }
    }
}

impl std::error::Error for MapError {}

/// What decides the names of an input, those that are met later among them.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub known: Known,
    ignore: HashSet<String>,
    rename: HashMap<String, Entry>,
    /// Names of these that a column has as a whole: they are no last part of others.
    whole: HashSet<String>,
    file: Option<MapFile>,
}

/// What the user said about a name.
enum Said<'a> {
    Ignored,
    Renamed(&'a Entry),
    File(&'a Entry),
    Unmentioned,
    Nothing,
}

impl Rules {
    fn new(profile: &Profile, options: &MapOptions) -> Result<Rules, MapError> {
        let mut rename = HashMap::new();
        for (from, to) in &options.rename {
            let entry = Entry::parse(to).ok_or_else(|| MapError::UnknownTarget {
                from: from.clone(),
                to: to.clone(),
                suggestion: similar_member(to),
            })?;
            rename.insert(plain(from).to_owned(), entry);
        }
        let known = Known { auto: options.auto || options.file.is_some(), ..Known::default() };
        let ignore: HashSet<String> = options.ignore.iter().map(|name| plain(name).to_owned()).collect();
        let columns = profile.columns.iter().map(|column| plain(&column.name));
        let whole =
            columns.filter(|name| ignore.contains(*name) || rename.contains_key(*name)).map(str::to_owned).collect();
        Ok(Rules { known, ignore, rename, whole, file: options.file.clone() })
    }

    /// What the user said, by the whole name, or else by its last part.
    fn said(&self, name: &str) -> Said<'_> {
        let parts = names::segments(name);
        let last = Some(parts[parts.len() - 1].as_str()).filter(|last| !self.whole.contains(*last));
        for name in [Some(plain(name)), last].into_iter().flatten() {
            if self.ignore.contains(name) {
                return Said::Ignored;
            }
        }
        for name in [Some(plain(name)), last].into_iter().flatten() {
            if let Some(entry) = self.rename.get(name) {
                return Said::Renamed(entry);
            }
        }
        match &self.file {
            Some(file) => file.get(name).map_or(Said::Unmentioned, Said::File),
            None => Said::Nothing,
        }
    }

    /// Names that the user gave and no column has.
    fn unused(&self, profile: &Profile) -> Vec<String> {
        let mut have: HashSet<String> = HashSet::new();
        for column in &profile.columns {
            have.extend(names::segments(&column.name).pop());
            have.insert(plain(&column.name).to_owned());
        }
        let options = self.ignore.iter().chain(self.rename.keys()).map(String::as_str);
        let file = self.file.iter().flat_map(MapFile::names).map(plain);
        let mut unused: Vec<String> =
            options.chain(file).filter(|name| !have.contains(*name)).map(str::to_owned).collect();
        unused.sort_unstable();
        unused
    }
}

/// A name without the slash that a JSON pointer begins with.
pub(super) fn plain(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// The member that a misspelled name is nearest to.
pub(super) fn similar_member(name: &str) -> Option<&'static str> {
    let folded = names::fold(names::cut(name, 60));
    let exact = crate::model::member::KNOWN.iter().map(|id| id.info().name).find(|known| names::fold(known) == folded);
    let near = || {
        let distances = crate::model::member::KNOWN.iter().filter_map(|id| {
            let known = id.info().name;
            names::distance(&folded, &names::fold(known), 2)
                .filter(|_| known.len() > 4)
                .map(|distance| (distance, known))
        });
        distances.min().map(|(_, known)| known)
    };
    exact
        .or_else(|| {
            systems::table()
                .synonym(&folded)
                .filter(|found| MemberId::of(found.member) != MemberId::Unknown)
                .map(|found| found.member)
        })
        .or_else(near)
}

/// How well a system's headers cover the names of an input.
#[derive(Debug, Clone, Copy, Default)]
struct Cover {
    /// Names that the system has.
    matched: usize,
    /// Those of them that are spelled as the system does.
    exact: usize,
    /// Those of them that few records have.
    rare: usize,
    /// Those of them that are spelled so, and that mean something else, or nothing, elsewhere.
    telling: usize,
    /// One of them is the address.
    has_email: bool,
}

/// Whether a name tells nothing about a system: `id`, or one that is the same member in every export, such as `Email` or `Name`. That
/// a system leaves such a name out is no sign of that system.
fn is_common(name: &str, target: &Target) -> bool {
    let folded = names::fold(name);
    let in_common = || systems::table().synonym(&folded).map(|header| header.target());
    let is_same = |known: Target| known == *target || *target == Target::None;
    folded == "id" || contract_target(name).or_else(in_common).is_some_and(is_same)
}

/// Finds the systems whose headers cover most of the input's, if they are at least three and 60 % of them, and email is among
/// them. Exact spellings decide between two. Names that few records have, such as misspelled ones, do not count against a system.
/// Names that mean the same everywhere tell nothing: if there are no others, the system must have all of the input's.
fn recognise(profile: &Profile, rules: &Rules) -> (Vec<usize>, Option<SystemMatch>) {
    let all = systems::systems();
    let mut covers = vec![Cover::default(); all.len()];
    let mut frequent = 0;
    for column in &profile.columns {
        if matches!(rules.said(&column.name), Said::Ignored | Said::Renamed(_))
            || rules.known.guess(&column.name, None).how == How::Own
        {
            continue;
        }
        let is_rare = column.is_rare(profile.records);
        frequent += usize::from(!is_rare);
        let parts = names::segments(&column.name);
        let last = &parts[parts.len() - 1];
        let mut hits = if parts.len() > 1 { systems::table().hits(&column.name) } else { Vec::new() };
        let is_person = matches!(
            context::context(&parts[..parts.len() - 1], rules.known.wrapper.as_deref()),
            Context::Person | Context::Billing
        );
        if hits.is_empty() && is_person {
            hits = systems::table().hits(last);
        }
        for hit in hits {
            let cover = &mut covers[hit.system];
            cover.matched += 1;
            let is_exact = hit.header.name == last || hit.header.name == column.name;
            cover.exact += usize::from(is_exact);
            cover.rare += usize::from(is_rare);
            cover.telling += usize::from(is_exact && !is_common(last, &hit.header.target()));
            cover.has_email |= hit.header.member == "email" && (column.filled == 0 || column.addresses > 0);
        }
    }
    let headers = |cover: &Cover| frequent + cover.rare;
    let good = |cover: &Cover| {
        let needed = if cover.telling == 0 { 10 } else { 6 };
        cover.has_email && cover.matched >= 3 && cover.matched * 10 >= headers(cover) * needed
    };
    let rank = |cover: &Cover| (cover.matched, cover.exact);
    let Some(best) = covers.iter().filter(|cover| good(cover)).map(rank).max() else {
        return (Vec::new(), None);
    };
    let found: Vec<usize> = (0..all.len()).filter(|i| good(&covers[*i]) && rank(&covers[*i]) == best).collect();
    let first = found[0];
    let headers = headers(&covers[first]);
    let system = SystemMatch { name: all[first].name, matched: best.0, headers, others: found.len() - 1 };
    (found, Some(system))
}

/// The part of a record that nobody knows and that holds the person: the only one with an address and a name or a number in it,
/// where the record itself has no address.
fn wrapper(profile: &Profile, rules: &Rules) -> Option<String> {
    let mut inside: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for column in &profile.columns {
        let parts = names::segments(&column.name);
        let guess = rules.known.guess(&column.name, None);
        if guess.target == Target::Member(MemberId::Email) && column.addresses > 0 {
            return None;
        }
        let Context::Unknown(path) = context::context(&parts[..parts.len() - 1], None) else { continue };
        // As if the part were the record.
        let within = Known { wrapper: Some(path.clone()), ..rules.known.clone() }.guess(&column.name, None);
        let (email, more) = inside.entry(path).or_default();
        match within.target {
            Target::Member(MemberId::Email) if column.addresses > 0 => *email = true,
            Target::None | Target::Custom(_) => {}
            _ => *more = true,
        }
    }
    let mut persons = inside.into_iter().filter(|(_, (email, more))| *email && *more).map(|(path, _)| path);
    persons.next().filter(|_| persons.next().is_none())
}

impl MapOptions {
    /// The names of columns that these options make the email address or the number for text messages.
    #[must_use]
    pub fn identity_names(&self) -> Vec<String> {
        let is_identity = |target: &Target| matches!(target, Target::Member(MemberId::Email | MemberId::SmsNumber));
        let renamed =
            self.rename.iter().filter(|(_, to)| Entry::parse(to).is_some_and(|entry| is_identity(&entry.target)));
        let mapped = self.file.iter().flat_map(|file| file.names_of(is_identity));
        renamed.map(|(name, _)| name.as_str()).chain(mapped).map(str::to_owned).collect()
    }
}

/// Decides what each column becomes.
///
/// # Errors
/// [`MapError`]: the options cannot be met.
pub fn decide(profile: &Profile, options: &MapOptions) -> Result<Mapping, MapError> {
    let mut rules = Rules::new(profile, options)?;
    let mut system = None;
    // Rejects of vCards have their names.
    let has = |name: &str| profile.columns.iter().any(|column| column.name == name);
    rules.known.cards = profile.is_cards || has("FN") && (has("N;LAST") || has("N;FIRST"));
    if rules.known.auto && !rules.known.cards {
        rules.known.wrapper = wrapper(profile, &rules);
        (rules.known.systems, system) = recognise(profile, &rules);
    }
    let mut resolver = Resolver::default();
    let mut unmentioned = Vec::new();
    let guesses: Vec<Guess> = profile.columns.iter().map(|seen| rules.known.guess(&seen.name, Some(seen))).collect();
    let mut columns: Vec<Column> = Vec::with_capacity(guesses.len());
    let mut wanted: Vec<Option<&Entry>> = Vec::with_capacity(guesses.len());
    for (seen, guess) in profile.columns.iter().zip(&guesses) {
        let mut column = column_of(&seen.name, guess);
        (column.filled, column.samples) = (seen.filled, seen.samples.clone());
        let entry = match rules.said(&seen.name) {
            Said::Ignored => {
                (column.target, column.found) = (Target::None, How::Ignored);
                None
            }
            Said::Renamed(entry) => {
                (column.target, column.found, column.fallback) = (entry.target.clone(), How::Renamed, entry.fallback);
                None
            }
            Said::File(entry) => Some(entry),
            Said::Unmentioned if guess.how == How::Own => None,
            Said::Unmentioned => {
                unmentioned.push(seen.name.clone());
                None
            }
            Said::Nothing => None,
        };
        wanted.push(entry);
        columns.push(column);
    }
    if !unmentioned.is_empty() {
        return Err(MapError::Unmentioned(unmentioned));
    }
    labels::pair(&guesses, &mut columns);
    resolver.resolve(profile, &guesses, &mut columns)?;
    if rules.file.is_some() {
        apply_file(&mut columns, &wanted);
        resolver.hold(&columns)?;
    }
    let mut mapping = Mapping {
        by_name: columns.iter().enumerate().map(|(i, column)| (column.name.as_str().into(), i as u32)).collect(),
        system,
        records: profile.records,
        unmapped: options.unmapped,
        unused: rules.unused(profile),
        holders: resolver.holders,
        has_labels: columns.iter().any(|column| column.decides),
        fixed_addresses: 0,
        columns,
        rules,
    };
    mapping.fixed_addresses = labels::fixed_addresses(&mapping.columns);
    finish(&mut mapping)?;
    Ok(mapping)
}

/// A column that nothing has been seen of.
fn column_of(name: &str, guess: &Guess) -> Column {
    Column {
        name: names::cut(name, super::profile::NAME_MAX).to_owned(),
        target: guess.target.clone(),
        fallback: false,
        permission: guess.permission,
        found: guess.how,
        note: guess.note,
        label: None,
        filled: 0,
        samples: Vec::new(),
        suggestion: None,
        decides: false,
        joined: guess.joined,
        marked: guess.marked,
    }
}

/// What a map file says holds. Where it says what would have been decided anyway, labels keep their say.
fn apply_file(columns: &mut [Column], wanted: &[Option<&Entry>]) {
    for (column, entry) in columns.iter_mut().zip(wanted) {
        let Some(entry) = entry else { continue };
        if column.target != entry.target {
            column.target = entry.target.clone();
            column.label = None;
            column.marked = false;
        }
        column.fallback = entry.fallback;
        column.found = How::File;
    }
}

/// What becomes of columns without target, and what they may be.
fn finish(mapping: &mut Mapping) -> Result<(), MapError> {
    /// Columns that are looked at for a suggestion.
    const SUGGESTED: usize = 500;
    let unknown = |column: &Column| column.is_unmapped();
    match mapping.unmapped {
        Unmapped::Leave => {}
        Unmapped::Error => {
            let names: Vec<String> =
                mapping.columns.iter().filter(|column| unknown(column)).map(|column| column.name.clone()).collect();
            if !names.is_empty() {
                return Err(MapError::Unmapped(names));
            }
        }
        Unmapped::Custom => {
            let given = mapping.columns.iter().filter_map(|column| match &column.target {
                Target::Custom(name) => Some(name.clone()),
                _ => None,
            });
            let mut taken: HashSet<String> = given.collect();
            let before = taken.len();
            let mut made = Vec::new();
            for column in mapping.columns.iter_mut().filter(|column| column.is_unmapped()) {
                let Some(name) = custom_names(&column.name).find(|name| !taken.contains(name)) else { continue };
                taken.insert(name.clone());
                made.push(column.name.clone());
                (column.target, column.found) = (Target::Custom(name), How::Custom);
            }
            if !made.is_empty() && before + made.len() > custom::MAX {
                return Err(MapError::TooManyCustom(made));
            }
        }
    }
    let Mapping { columns, holders, .. } = mapping;
    for column in
        columns.iter_mut().filter(|column| column.is_unmapped() && column.found == How::Unmapped).take(SUGGESTED)
    {
        let last = names::segments(&column.name).pop().unwrap_or_default();
        let similar = systems::table().similar(&names::fold(&last));
        column.suggestion = similar
            .filter(|header| members_of(&header.target()).iter().all(|member| !holders.contains_key(member)))
            .map(|header| header.member.to_owned())
            .filter(|member| member != "cf");
    }
    Ok(())
}

/// The custom fields that a column may become: by the last part of its name, or by all of it. None where the name is too long for
/// one.
fn custom_names(name: &str) -> impl Iterator<Item = String> {
    let last = names::segments(name).pop().unwrap_or_default();
    let good = |name: &str| {
        let name = crate::rules::text::trim(name);
        let bare = name.strip_prefix("cf:").unwrap_or(name);
        (custom::is_name(bare) && !name.chars().any(char::is_control)).then(|| format!("cf:{bare}"))
    };
    [good(&last), good(plain(name))].into_iter().flatten()
}

/// A name that did not occur at first.
pub(super) fn late(mapping: &Mapping, name: &str) -> Column {
    let rules = &mapping.rules;
    if name.len() > super::profile::NAME_MAX {
        // Nobody's column, and long names are not worth a look.
        return column_of(name, &rules.known.guess(name, None));
    }
    let guess = rules.known.guess(name, None);
    let mut column = column_of(name, &guess);
    let members = |column: &Column| members_of(&column.target);
    match rules.said(name) {
        Said::Ignored => (column.target, column.found) = (Target::None, How::Ignored),
        Said::Renamed(entry) => {
            (column.target, column.found, column.fallback) = (entry.target.clone(), How::Renamed, entry.fallback);
        }
        Said::File(entry) => {
            (column.target, column.found, column.fallback) = (entry.target.clone(), How::File, entry.fallback);
        }
        Said::Unmentioned if guess.how == How::Own => {}
        Said::Unmentioned => (column.target, column.found) = (Target::None, How::Unmentioned),
        Said::Nothing => {
            column.fallback = guess.fallback;
            let rival = members(&column).iter().find_map(|member| mapping.holders.get(member).copied());
            let is_address = matches!(column.target, Target::Member(id) if AddressKind::of(id).is_some());
            match rival {
                // Parts of two addresses must not be mixed.
                Some(rival) if is_address || guess.rank > 2 => {
                    (column.target, column.found) = (Target::None, How::Taken(rival));
                }
                // Another spelling of what another column has: it counts where that one is not there.
                Some(_) => column.fallback = true,
                None => {}
            }
        }
    }
    if mapping.unmapped == Unmapped::Custom && column.is_unmapped() && column.found != How::Unmentioned {
        let is_taken = |name: &str| {
            mapping.columns.iter().any(|column| matches!(&column.target, Target::Custom(taken) if taken == name))
        };
        // By the whole name, so that two of them are never one field.
        let made = custom_names(name).last().filter(|name| !is_taken(name));
        if let Some(name) = made {
            (column.target, column.found) = (Target::Custom(name), How::Custom);
        }
    }
    column
}

#[cfg(test)]
pub(in crate::mapping) mod tests;
