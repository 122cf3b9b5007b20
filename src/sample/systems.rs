//! The systems that a sample may be written as.

use super::apis;
use super::draft::Draft;
use super::flat::Flat;
use super::google;
use super::people::Person;
use super::record::Record;
use crate::mapping::systems::{System, systems};

/// A system that a sample may be written as.
#[derive(Debug, Clone)]
pub struct SampleSystem(Shape);

/// How its records look.
#[derive(Debug, Clone)]
enum Shape {
    HubSpot,
    Mailchimp,
    Salesforce,
    GoogleNew,
    GoogleOld,
    ConstantContact,
    /// Objects with the headers of its table.
    Flat(Flat),
}

/// Systems whose records are no mere rows of a table. The first five are what people call them.
const SHAPES: &[(&str, Shape)] = &[
    ("hubspot", Shape::HubSpot),
    ("mailchimp", Shape::Mailchimp),
    ("salesforce", Shape::Salesforce),
    ("google", Shape::GoogleNew),
    ("constantcontact", Shape::ConstantContact),
    ("mailchimp-api", Shape::Mailchimp),
    ("salesforce-contact-api", Shape::Salesforce),
    ("google-contacts-new", Shape::GoogleNew),
    ("google-contacts-old", Shape::GoogleOld),
    ("constantcontact-v3-api", Shape::ConstantContact),
];

/// The systems of the table that have no shape of their own.
fn tables() -> impl Iterator<Item = &'static System> {
    systems().iter().filter(|system| system.is_table() && SHAPES.iter().all(|(name, _)| *name != system.name))
}

impl SampleSystem {
    /// The names of all systems, each once.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        SHAPES.iter().map(|(name, _)| *name).chain(tables().map(|system| system.name)).collect()
    }

    /// The system of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<SampleSystem> {
        let shape = SHAPES.iter().find(|(found, _)| *found == name).map(|(_, shape)| shape.clone());
        let shape = shape.or_else(|| Some(Shape::Flat(Flat::new(tables().find(|system| system.name == name)?))))?;
        Some(SampleSystem(shape))
    }

    /// Whether an export of this system says who opted out.
    #[must_use]
    pub fn has_opt_outs(&self) -> bool {
        match &self.0 {
            Shape::GoogleNew | Shape::GoogleOld => false,
            Shape::Flat(flat) => flat.has_opt_outs(),
            _ => true,
        }
    }

    /// What a payload has before and after the records.
    pub(super) fn envelope(&self, contacts: u64) -> [String; 2] {
        let [open, close] = match &self.0 {
            Shape::HubSpot => ["{\"results\":[", "],\"paging\":{\"next\":{\"after\":\"AFTER\"}}}"],
            Shape::Mailchimp => ["{\"members\":[", "],\"list_id\":\"a1b2c3d4e5\",\"total_items\":COUNT}"],
            Shape::Salesforce => ["{\"totalSize\":COUNT,\"done\":true,\"records\":[", "]}"],
            Shape::ConstantContact => ["{\"contacts\":[", "],\"contacts_count\":COUNT}"],
            Shape::GoogleNew | Shape::GoogleOld | Shape::Flat(_) => ["[", "]"],
        };
        let after = 501u64.saturating_add(contacts).to_string();
        [open, close].map(|text| text.replace("COUNT", &contacts.to_string()).replace("AFTER", &after))
    }

    /// Appends the draft as a record of this system.
    pub(super) fn write_contact(&self, draft: &Draft, person: &Person, seed: u64, out: &mut Vec<u8>) {
        let mut record = Record::new(draft, person, seed);
        match &self.0 {
            Shape::HubSpot => apis::hubspot(&mut record, out),
            Shape::Mailchimp => apis::mailchimp(&mut record, out),
            Shape::Salesforce => apis::salesforce(&mut record, out),
            Shape::ConstantContact => apis::constant_contact(&mut record, out),
            Shape::GoogleNew => google::google(&mut record, &google::NEW, out),
            Shape::GoogleOld => google::google(&mut record, &google::OLD, out),
            Shape::Flat(flat) => flat.write(&mut record, out),
        }
    }
}
