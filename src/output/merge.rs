//! The receipts of all parts of a job, as one.

use crate::output::part::is_body;
use crate::output::receipt::{Contacts, DatesReceipt, LimitsReceipt, Payload};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Parts that a message names.
const NAMED: usize = 5;

/// The receipt of one part.
#[derive(Debug, Clone, Deserialize)]
pub struct PartReceipt {
    version: String,
    input: Vec<Value>,
    #[serde(default)]
    skipped: Vec<Value>,
    mode: String,
    part: Option<String>,
    parts: Option<u64>,
    options: BTreeMap<String, Value>,
    limits: LimitsReceipt,
    bytes_read: u64,
    bytes_decoded: Option<u64>,
    bytes_total: Option<u64>,
    contacts: Contacts,
    findings: BTreeMap<String, u64>,
    dates: Option<DatesReceipt>,
    dropped: Option<Value>,
    stopped: Option<Value>,
    custom_field_names_checked: bool,
    payloads: Vec<Payload>,
    /// The file that it was read from.
    #[serde(skip)]
    file: String,
}

/// The receipt of a job, in which those of its parts add up.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct MergedReceipt {
    /// Version of presort.
    pub version: String,
    /// The inputs of all parts, each with its part.
    pub input: Vec<Value>,
    /// `stream` or `split`.
    pub mode: String,
    /// The parts, in their order.
    pub merged: Vec<String>,
    /// What was in directories among the inputs and could not be read as contacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Value>,
    /// The options of all parts.
    pub options: BTreeMap<String, Value>,
    /// Limits of a body.
    pub limits: LimitsReceipt,
    /// Bytes of all inputs that were used.
    pub bytes_read: u64,
    /// The same in bytes of UTF-8, unpacked; `None` if no input was compressed or had another encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_decoded: Option<u64>,
    /// Bytes of all inputs, where that is known.
    pub bytes_total: Option<u64>,
    /// Counts of contacts.
    pub contacts: Contacts,
    /// Of the duplicates, those that the job removed between its two steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates_between_parts: Option<u64>,
    /// Findings by code.
    pub findings: BTreeMap<String, u64>,
    /// What dates tell about the order of their parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DatesReceipt>,
    /// Nothing: bodies of parts drop no contact.
    pub dropped: Option<Value>,
    /// Nothing: a part that stopped early has no receipt.
    pub stopped: Option<Value>,
    /// False if the custom fields of the account were not given.
    pub custom_field_names_checked: bool,
    /// The bodies of all parts, in their order.
    pub payloads: Vec<Payload>,
}

/// Parses the receipt of a part.
///
/// # Errors
/// It is none, or of a run that stopped early. The text says what to do.
pub fn parse(file: &str, json: &[u8]) -> Result<PartReceipt, String> {
    let mut receipt: PartReceipt =
        serde_json::from_slice(json).map_err(|error| format!("{file} is not a receipt of presort: {error}"))?;
    file.clone_into(&mut receipt.file);
    if receipt.part.is_none() {
        return Err(format!("{file} is not the receipt of a part: run each part with --part ID"));
    }
    if receipt.stopped.is_some() || receipt.dropped.is_some() {
        return Err(format!("{file} is of a run that stopped early: run this part again"));
    }
    let Contacts { seen, accepted, rejected, .. } = receipt.contacts;
    let in_bodies: u64 = receipt.payloads.iter().map(|payload| payload.contacts).sum();
    if Some(seen) != accepted.checked_add(rejected) || receipt.mode == "split" && in_bodies != accepted {
        return Err(format!("{file} does not add up: it was changed; run this part again"));
    }
    Ok(receipt)
}

impl PartReceipt {
    fn id(&self) -> &str {
        self.part.as_deref().unwrap_or_default()
    }
}

/// Numbers in their order, other ids in that of the alphabet.
fn by_id(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(x), Ok(y)) => x.cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        _ => a.cmp(b),
    }
}

/// Checks that receipts are those of all parts of one job, and brings them into the order of the parts.
///
/// # Errors
/// An id occurs twice, a part is missing, or the parts were cleaned with other options. The text says what to do.
pub fn complete(receipts: &mut [PartReceipt]) -> Result<(), String> {
    receipts.sort_by(|a, b| by_id(a.id(), b.id()));
    if let Some(twice) = receipts.windows(2).find(|pair| pair[0].id() == pair[1].id()) {
        let [a, b] = [0, 1].map(|i| &twice[i].file);
        return Err(format!("{a} and {b} are both of part {}: name one of them", twice[0].id()));
    }
    let Some((first, others)) = receipts.split_first() else { return Ok(()) };
    for other in others {
        if let Some(what) = difference(first, other) {
            return Err(format!("{what}: run all parts with the same options"));
        }
    }
    missing(receipts)
}

/// The first option that two parts do not share.
fn difference(first: &PartReceipt, other: &PartReceipt) -> Option<String> {
    let differ = |name: &str, a: &Value, b: &Value| {
        (a != b).then(|| format!("{name} is {b} in {}, and {a} in {}", other.file, first.file))
    };
    let names: BTreeSet<&String> = first.options.keys().chain(other.options.keys()).collect();
    let option = |receipt: &PartReceipt, name: &str| receipt.options.get(name).cloned().unwrap_or_default();
    let of_both = [
        ("version", json!(first.version), json!(other.version)),
        ("mode", json!(first.mode), json!(other.mode)),
        ("parts", json!(first.parts), json!(other.parts)),
        ("limits.max_bytes", json!(first.limits.max_bytes), json!(other.limits.max_bytes)),
        ("limits.max_contacts", json!(first.limits.max_contacts), json!(other.limits.max_contacts)),
        (
            "custom_field_names_checked",
            json!(first.custom_field_names_checked),
            json!(other.custom_field_names_checked),
        ),
    ];
    let outer = of_both.into_iter().find_map(|(name, a, b)| differ(name, &a, &b));
    outer.or_else(|| {
        names
            .into_iter()
            .find_map(|name| differ(&format!("options.{name}"), &option(first, name), &option(other, name)))
    })
}

/// Fails if the parts know how many they are, and are not so many.
fn missing(receipts: &[PartReceipt]) -> Result<(), String> {
    let Some(parts) = receipts.first().and_then(|receipt| receipt.parts) else { return Ok(()) };
    let found = receipts.len() as u64;
    if found == parts {
        return Ok(());
    }
    if found > parts {
        return Err(format!("there are {found} receipts of {parts} parts: take out those of another job"));
    }
    // Ids are numbers from 0 or 1, or else there is no telling which are missing.
    let ids: Option<BTreeSet<u64>> = receipts.iter().map(|receipt| receipt.id().parse().ok()).collect();
    let ids = ids.unwrap_or_default();
    let start = u64::from(!ids.contains(&0));
    let absent: Vec<String> = (start..start + parts)
        .filter(|id| !ids.is_empty() && ids.last() < Some(&(start + parts)) && !ids.contains(id))
        .take(NAMED + 1)
        .map(|id| id.to_string())
        .collect();
    let which = match absent.len() {
        0 => String::new(),
        n if n > NAMED => format!(": part {} and more", absent[..NAMED].join(", ")),
        _ => format!(": part {}", absent.join(", ")),
    };
    Err(format!("{} of {parts} parts have no receipt{which}; run them again", parts - found))
}

/// Makes one receipt of those of all parts.
///
/// A job may have two steps: workers that clean (`stream`), and runs that write bodies of the lines that the workers wrote (`split`),
/// `between` fewer contacts: the duplicates that the job has removed in between. Then contacts and findings are those of the first step,
/// and bodies those of the second.
///
/// # Errors
/// See [`complete`]; or the two steps do not add up.
pub fn merge(receipts: Vec<PartReceipt>, between: Option<u64>) -> Result<MergedReceipt, String> {
    let (mut split, mut stream): (Vec<_>, Vec<_>) = receipts.into_iter().partition(|receipt| receipt.mode == "split");
    complete(&mut stream)?;
    complete(&mut split)?;
    match (stream.is_empty(), split.is_empty()) {
        (true, true) => Err("there is no receipt of a part".to_owned()),
        (false, false) => two_steps(&stream, &split, between.unwrap_or(0)),
        _ if between.is_some() => {
            Err("--duplicates counts contacts between two steps: name the receipts of both".to_owned())
        }
        (true, false) => Ok(add_up(&split)),
        (false, true) => Ok(add_up(&stream)),
    }
}

fn two_steps(stream: &[PartReceipt], split: &[PartReceipt], between: u64) -> Result<MergedReceipt, String> {
    let (first, second) = (add_up(stream), add_up(split));
    for part in split {
        let Contacts { rejected, accepted_with_held_back, changed, .. } = part.contacts;
        if rejected + accepted_with_held_back + changed > 0 {
            return Err(format!(
                "{}: the second step rejected or changed contacts that the first had cleaned: give both the same options",
                part.file
            ));
        }
    }
    if Some(first.contacts.accepted) != second.contacts.seen.checked_add(between) {
        return Err(format!(
            "the first step accepted {} contacts, and the second got {} of them: --duplicates says how many the job removed in between, \
             here {between}",
            first.contacts.accepted, second.contacts.seen
        ));
    }
    let inputs = first.input.len();
    let mut payloads = second.payloads;
    payloads.iter_mut().flat_map(|payload| &mut payload.from).for_each(|origin| origin.input += inputs);
    let mut findings = first.findings;
    if between > 0 {
        *findings.entry("DUP001".to_owned()).or_default() += between;
    }
    Ok(MergedReceipt {
        input: first.input.into_iter().chain(second.input).collect(),
        mode: second.mode,
        options: second.options,
        limits: second.limits,
        contacts: Contacts {
            accepted: first.contacts.accepted - between,
            rejected: first.contacts.rejected + between,
            duplicates: first.contacts.duplicates + between,
            ..first.contacts
        },
        duplicates_between_parts: Some(between),
        findings,
        payloads,
        ..first
    })
}

/// Adds up the parts of one step.
fn add_up(receipts: &[PartReceipt]) -> MergedReceipt {
    let sum = |count: fn(&PartReceipt) -> u64| receipts.iter().map(count).sum::<u64>();
    let of_contacts =
        |count: fn(&Contacts) -> u64| receipts.iter().map(|receipt| count(&receipt.contacts)).sum::<u64>();
    let first = &receipts[0];
    let mut merged = MergedReceipt {
        version: first.version.clone(),
        input: Vec::new(),
        mode: first.mode.clone(),
        merged: receipts.iter().map(|receipt| receipt.id().to_owned()).collect(),
        skipped: receipts.iter().flat_map(|receipt| receipt.skipped.clone()).collect(),
        options: first.options.clone(),
        limits: first.limits.clone(),
        bytes_read: sum(|receipt| receipt.bytes_read),
        bytes_decoded: receipts
            .iter()
            .any(|receipt| receipt.bytes_decoded.is_some())
            .then(|| sum(|receipt| receipt.bytes_decoded.unwrap_or(receipt.bytes_read))),
        bytes_total: receipts.iter().map(|receipt| receipt.bytes_total).sum(),
        contacts: Contacts {
            seen: of_contacts(|contacts| contacts.seen),
            accepted: of_contacts(|contacts| contacts.accepted),
            rejected: of_contacts(|contacts| contacts.rejected),
            accepted_with_held_back: of_contacts(|contacts| contacts.accepted_with_held_back),
            changed: of_contacts(|contacts| contacts.changed),
            duplicates: of_contacts(|contacts| contacts.duplicates),
            not_written: of_contacts(|contacts| contacts.not_written),
            opted_out: of_contacts(|contacts| contacts.opted_out),
            returned: of_contacts(|contacts| contacts.returned),
        },
        duplicates_between_parts: None,
        findings: BTreeMap::new(),
        dates: None,
        dropped: None,
        stopped: None,
        custom_field_names_checked: first.custom_field_names_checked,
        payloads: Vec::new(),
    };
    for receipt in receipts {
        let inputs = merged.input.len();
        merged.input.extend(receipt.input.iter().cloned().map(|mut input| {
            if let Some(input) = input.as_object_mut() {
                input.insert("part".to_owned(), json!(receipt.id()));
            }
            input
        }));
        for (code, count) in &receipt.findings {
            *merged.findings.entry(code.clone()).or_default() += count;
        }
        if let Some(dates) = &receipt.dates {
            merged.dates = Some(merged.dates.map_or(*dates, |sum| sum.plus(dates)));
        }
        merged.payloads.extend(receipt.payloads.iter().cloned().map(|mut payload| {
            payload.from.iter_mut().for_each(|origin| origin.input += inputs);
            payload
        }));
    }
    merged
}

/// A body, as a receipt has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The receipt.
    pub receipt: String,
    /// The body.
    pub payload: Payload,
    /// The limits that it was written under.
    pub max_bytes: u64,
    /// Most contacts.
    pub max_contacts: u64,
}

#[derive(Deserialize)]
struct Bodies {
    limits: LimitsReceipt,
    payloads: Vec<Payload>,
    #[serde(default)]
    earlier_runs: Vec<Bodies>,
}

/// The bodies that a receipt lists, those of earlier runs included.
///
/// # Errors
/// It is no receipt.
pub fn listed(file: &str, json: &[u8]) -> Result<Vec<Listed>, String> {
    fn add(bodies: Bodies, file: &str, all: &mut Vec<Listed>) {
        bodies.earlier_runs.into_iter().for_each(|run| add(run, file, all));
        let LimitsReceipt { max_bytes, max_contacts } = bodies.limits;
        all.extend(bodies.payloads.into_iter().map(|payload| Listed {
            receipt: file.to_owned(),
            payload,
            max_bytes,
            max_contacts,
        }));
    }
    let bodies =
        serde_json::from_slice(json).map_err(|error| format!("{file} is not a receipt of presort: {error}"))?;
    let mut all = Vec::new();
    add(bodies, file, &mut all);
    match all.iter().find(|listed| !is_body(&listed.payload.file)) {
        Some(other) => Err(format!("{file} lists {:?}, which is no name of a body", other.payload.file)),
        None => Ok(all),
    }
}
