//! The views of contacts.

use super::layout::Layout;
use super::{Answer, PREFIX, ROWS, at, href, parameters, read, rendered, shown, shown_to};
use crate::account::contacts::view::{ContactRow, ContactSearch, ContactView, SEARCH_MAX};
use crate::account::contacts::{Address, Contact};
use crate::account::lists::{LISTS_MAX, List, ListQuery};
use crate::account::page::PageRequest;
use crate::service::handlers::{PathId, Shared, path_id};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};

/// A list to choose.
pub struct Choice {
    pub id: String,
    pub name: String,
    pub is_chosen: bool,
}

impl Choice {
    pub fn of(list: List, chosen: &str) -> Choice {
        Choice { is_chosen: list.list_id == chosen, name: shown(&list.name), id: list.list_id }
    }
}

/// All lists of the account.
pub fn all_lists() -> ListQuery {
    ListQuery { page: PageRequest { limit: LISTS_MAX, ..PageRequest::default() }, ..ListQuery::default() }
}

struct Row {
    id: String,
    identity: String,
    name: String,
    company: String,
    permission: String,
    at: String,
}

impl Row {
    fn of(contact: ContactRow) -> Row {
        Row {
            identity: shown(contact.email.or(contact.sms_number).as_deref().unwrap_or("")),
            name: shown(&contact.name),
            company: contact.company.as_deref().map_or(String::new(), shown),
            permission: match contact.is_deleted {
                true => "deleted".to_owned(),
                false => contact.permission.unwrap_or_default(),
            },
            at: at(&contact.updated_at),
            id: contact.contact_id,
        }
    }
}

#[derive(Template)]
#[template(path = "sandbox/contacts.html")]
struct Contacts {
    layout: Layout,
    text: String,
    lists: Vec<Choice>,
    deleted: bool,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

struct Fact {
    name: String,
    value: String,
    href: Option<String>,
}

struct Group {
    title: &'static str,
    facts: Vec<Fact>,
    none: &'static str,
}

#[derive(Template)]
#[template(path = "sandbox/contact.html")]
struct One {
    layout: Layout,
    groups: Vec<Group>,
}

/// Contacts that match, the newest first.
pub async fn all(State(service): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer {
    let given = parameters(query.as_deref());
    let text: String = given.get("q").chars().take(SEARCH_MAX).collect();
    let (list, deleted, before) =
        (given.get("list").to_owned(), given.get("deleted") == "1", given.get("before").parse());
    let search = ContactSearch {
        text: text.clone(),
        list: Some(list.clone()).filter(|list| !list.is_empty()),
        deleted,
        page: PageRequest { limit: ROWS, after: before.clone().ok(), ..PageRequest::default() },
    };
    let (page, lists) =
        read(&service, move |account| Ok((account.contact_rows(&search)?, account.lists(&all_lists())?))).await?;
    let path = format!("{PREFIX}/contacts");
    let same = [("q", text.as_str()), ("list", &list), ("deleted", if deleted { "1" } else { "" })];
    let view = Contacts {
        layout: Layout::of(&service, "contacts", "Contacts").await?,
        lists: lists.items.into_iter().map(|known| Choice::of(known, &list)).collect(),
        deleted,
        first: before.map(|_: i64| href(&path, &same)).ok(),
        next: page.next.map(|next| href(&path, &[&same[..], &[("before", &next.to_string())]].concat())),
        rows: page.items.into_iter().map(Row::of).collect(),
        text,
    };
    Ok(rendered(StatusCode::OK, Some(&headers), &view))
}

fn fact(name: &str, value: impl AsRef<str>) -> Fact {
    Fact { name: name.to_owned(), value: shown_to(value.as_ref(), 2000), href: None }
}

fn linked(name: &str, value: impl AsRef<str>, href: String) -> Fact {
    Fact { href: Some(href), ..fact(name, value) }
}

/// What is known of the contact itself.
fn contact_facts(view: &ContactView) -> Vec<Fact> {
    let contact = &view.contact;
    let mut facts = Vec::new();
    let texts = [
        ("First name", &contact.first_name),
        ("Last name", &contact.last_name),
        ("Job title", &contact.job_title),
        ("Company", &contact.company_name),
        ("Anniversary", &contact.anniversary),
    ];
    facts.extend(texts.into_iter().filter_map(|(name, text)| text.as_ref().map(|text| fact(name, text))));
    if let (Some(month), Some(day)) = (contact.birthday_month, contact.birthday_day) {
        facts.push(fact("Birthday (month/day)", format!("{month}/{day}")));
    }
    facts.push(fact("Identifier", &contact.contact_id));
    facts.push(fact("Created (UTC)", at(&contact.created_at)));
    facts.push(fact("Changed (UTC)", at(&contact.updated_at)));
    if let Some(day) = &contact.deleted_at {
        facts.push(fact("Deleted", day));
    }
    facts.push(match &view.activity {
        Some(id) if view.has_activity => {
            linked("Last changed by the activity", id, format!("{PREFIX}/activities/{id}"))
        }
        Some(id) => fact("Last changed by the activity", format!("{id} (its status is no longer kept)")),
        None => fact("Last changed by", "a request for this contact, or a seed"),
    });
    facts
}

/// Permissions and consent.
fn consent_facts(contact: &Contact) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(email) = &contact.email_address {
        facts.push(fact("Email address", &email.address));
        facts.push(fact("Permission to send", &email.permission_to_send));
        facts.push(fact("Opted in", format!("{} (by {})", at(&email.opt_in_date), email.opt_in_source)));
        if let Some(date) = &email.opt_out_date {
            let by = email.opt_out_source.as_deref().unwrap_or("unknown");
            facts.push(fact("Opted out", format!("{} (by {by})", at(date))));
        }
    }
    if let Some(sms) = &contact.sms_channel {
        let [consent] = &sms.sms_channel_consents;
        facts.push(fact("Number for text messages", format!("+{} {}", sms.dial_code, sms.sms_address)));
        facts.push(fact("Consent to text messages", &consent.sms_consent_permission));
        if let Some(date) = &consent.opt_in_date {
            facts.push(fact("Date of consent", date.get(..10).unwrap_or(date)));
        }
    }
    facts
}

fn address_text(address: &Address) -> String {
    let parts = [&address.street, &address.city, &address.state, &address.postal_code, &address.country];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<&str>>().join(", ")
}

/// One contact.
pub async fn one(State(service): Shared, id: PathId, headers: HeaderMap) -> Answer {
    let id = path_id(id)?;
    let view = read(&service, move |account| account.contact_view(&id)).await?;
    let contact = &view.contact;
    let identity = contact.email_address.as_ref().map(|email| email.address.as_str());
    let identity = identity.or(contact.sms_channel.as_ref().map(|sms| sms.sms_address.as_str()));
    let title = shown(identity.unwrap_or("Contact"));
    let list =
        |(id, name): &(String, String)| linked("List", name, href(&format!("{PREFIX}/contacts"), &[("list", id)]));
    let phones = contact.phone_numbers.iter().flatten().map(|phone| fact(&phone.kind, &phone.phone_number));
    let addresses = contact.street_addresses.iter().flatten().map(|address| fact(&address.kind, address_text(address)));
    let notes = contact.notes.iter().flatten().map(|note| fact(&at(&note.created_at), &note.content));
    let groups = vec![
        Group { title: "Contact", facts: contact_facts(&view), none: "" },
        Group { title: "Permission and consent", facts: consent_facts(contact), none: "" },
        Group { title: "Lists", facts: view.lists.iter().map(list).collect(), none: "It is in no list." },
        Group { title: "Phones", facts: phones.collect(), none: "It has none." },
        Group { title: "Addresses", facts: addresses.collect(), none: "It has none." },
        Group {
            title: "Custom fields",
            facts: view.fields.iter().map(|(label, value)| fact(&shown(label), value)).collect(),
            none: "It has no values.",
        },
        Group { title: "Tags", facts: view.tags.iter().map(|tag| fact("Tag", tag)).collect(), none: "It has none." },
        Group { title: "Notes", facts: notes.collect(), none: "It has none." },
    ];
    let page = One { layout: Layout::of(&service, "contacts", title).await?, groups };
    Ok(rendered(StatusCode::OK, Some(&headers), &page))
}
