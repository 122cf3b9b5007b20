//! The systems that a sample may be written as.

use super::apis;
use super::draft::Draft;
use super::flat::Flat;
use super::google;
use super::people::Person;
use super::record::Record;
use super::rows::Columns;
use crate::mapping::systems::{System, systems};

/// A system that a sample may be written as.
#[derive(Debug, Clone)]
pub struct SampleSystem {
    shape: Shape,
    /// The system of the table whose columns its CSV has.
    table: &'static System,
}

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

/// Systems whose records are no mere rows of a table, and the table that each exports to CSV. The first five are what people call
/// them.
const SHAPES: &[(&str, Shape, &str)] = &[
    ("hubspot", Shape::HubSpot, "hubspot"),
    ("mailchimp", Shape::Mailchimp, "mailchimp"),
    ("salesforce", Shape::Salesforce, "salesforce-contact-api"),
    ("google", Shape::GoogleNew, "google-contacts-new"),
    ("constantcontact", Shape::ConstantContact, "constantcontact-ui-export"),
    ("mailchimp-api", Shape::Mailchimp, "mailchimp"),
    ("salesforce-contact-api", Shape::Salesforce, "salesforce-contact-api"),
    ("google-contacts-new", Shape::GoogleNew, "google-contacts-new"),
    ("google-contacts-old", Shape::GoogleOld, "google-contacts-old"),
    ("constantcontact-v3-api", Shape::ConstantContact, "constantcontact-v3-export"),
];

/// Headers of Mailchimp that are other names of a column, or columns of other exports than that of an audience.
const NOT_OF_AN_AUDIENCE: &[&str] = &["Name", "Full Address", "ZIP code", "Country", "UNSUB", "BOUNCE", "SOURCE"];

/// The systems of the table that have no shape of their own.
fn tables() -> impl Iterator<Item = &'static System> {
    systems().iter().filter(|system| system.is_table() && SHAPES.iter().all(|(name, ..)| *name != system.name))
}

impl SampleSystem {
    /// The names of all systems, each once.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        SHAPES.iter().map(|(name, ..)| *name).chain(tables().map(|system| system.name)).collect()
    }

    /// The system of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<SampleSystem> {
        if let Some((_, shape, table)) = SHAPES.iter().find(|(found, ..)| *found == name) {
            let table = systems().iter().find(|system| system.name == *table)?;
            return Some(SampleSystem { shape: shape.clone(), table });
        }
        let table = tables().find(|system| system.name == name)?;
        Some(SampleSystem { shape: Shape::Flat(Flat::new(table)), table })
    }

    /// The name, in the table of systems, of the one whose columns its CSV has.
    #[must_use]
    pub fn csv_name(&self) -> &'static str {
        self.table.name
    }

    /// The system as it exports CSV, and the columns of that.
    pub(super) fn table(&self) -> (SampleSystem, Columns) {
        let table = self.table;
        let (shape, columns) = match &self.shape {
            Shape::HubSpot => {
                let mut columns = Columns::of_system(table, apis::hubspot_columns());
                columns.inside = Some("properties");
                (Shape::HubSpot, columns)
            }
            Shape::Salesforce => (Shape::Salesforce, Columns::of_system(table, apis::salesforce_columns())),
            Shape::GoogleNew => (Shape::GoogleNew, Columns::of_google(table, &google::NEW)),
            Shape::GoogleOld => (Shape::GoogleOld, Columns::of_google(table, &google::OLD)),
            Shape::Mailchimp | Shape::ConstantContact | Shape::Flat(_) => {
                let flat = Flat::with(table, |name| table.name != "mailchimp" || !NOT_OF_AN_AUDIENCE.contains(&name));
                let columns = Columns::of_system(table, flat.columns().map(|name| (name.clone(), name)));
                (Shape::Flat(flat), columns)
            }
        };
        (SampleSystem { shape, table }, columns)
    }

    /// Whether an export of this system says who opted out.
    #[must_use]
    pub fn has_opt_outs(&self) -> bool {
        match &self.shape {
            Shape::GoogleNew | Shape::GoogleOld => false,
            Shape::Flat(flat) => flat.has_opt_outs(),
            _ => true,
        }
    }

    /// What a payload has before and after the records.
    pub(super) fn envelope(&self, contacts: u64) -> [String; 2] {
        let [open, close] = match &self.shape {
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
        match &self.shape {
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
