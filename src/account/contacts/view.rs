//! Contacts as a person looks at them: found by what is typed, and one contact with the names of its lists and fields.

use super::rows::{self, COLUMNS};
use super::{Contact, Include};
use crate::account::page::{Page, PageRequest};
use crate::account::values::{Id, Time};
use crate::account::{Account, Error, Result};
use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Row, Transaction, params_from_iter};
use serde::Serialize;

/// Most characters of a search.
pub const SEARCH_MAX: usize = 100;

/// A contact among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactRow {
    /// Its identifier, a UUID.
    pub contact_id: String,
    /// Its address.
    pub email: Option<String>,
    /// Its number for text messages, ten digits.
    pub sms_number: Option<String>,
    /// First and last name.
    pub name: String,
    /// Company.
    pub company: Option<String>,
    /// The permission to send to the address.
    pub permission: Option<String>,
    /// The contact is deleted.
    pub is_deleted: bool,
    /// When it was last changed, ISO 8601.
    pub updated_at: String,
}

/// Which contacts to look at.
#[derive(Debug, Clone, Default)]
pub struct ContactSearch {
    /// A part of the address, the number, the name or the company; ignoring the case of ASCII letters.
    pub text: String,
    /// Contacts of this list only.
    pub list: Option<String>,
    /// Deleted contacts instead of the others.
    pub deleted: bool,
    /// The page.
    pub page: PageRequest,
}

/// A contact with the names of what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactView {
    /// The contact, with everything.
    pub contact: Contact,
    /// Identifiers and names of its lists.
    pub lists: Vec<(String, String)>,
    /// Labels and values of its custom fields.
    pub fields: Vec<(String, String)>,
    /// Names of its tags.
    pub tags: Vec<String>,
    /// The activity that changed it last, unless a request for this contact alone came later.
    pub activity: Option<String>,
    /// The account still has the status of that activity.
    pub has_activity: bool,
}

fn contact_row(row: &Row<'_>) -> rusqlite::Result<(i64, ContactRow)> {
    let name = [row.get::<_, Option<String>>(4)?, row.get::<_, Option<String>>(5)?];
    let contact = ContactRow {
        contact_id: row.get::<_, Id>(1)?.to_string(),
        email: row.get(2)?,
        sms_number: row.get(3)?,
        name: name.into_iter().flatten().collect::<Vec<String>>().join(" "),
        company: row.get(6)?,
        permission: row.get(7)?,
        is_deleted: row.get(8)?,
        updated_at: row.get::<_, Time>(9)?.to_string(),
    };
    Ok((row.get(0)?, contact))
}

/// A pattern of LIKE for texts that contain this one.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars().take(SEARCH_MAX) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "%"
}

impl Account {
    /// Contacts that match, the newest first.
    ///
    /// # Errors
    /// The list is unknown, or they cannot be read.
    pub fn contact_rows(&self, search: &ContactSearch) -> Result<Page<ContactRow>> {
        let mut sql = String::from(
            "SELECT id, contact_id, email, sms_number, first_name, last_name, company_name, email_permission,
             deleted_at IS NOT NULL, updated_at FROM contacts WHERE id < ?1",
        );
        sql += if search.deleted { " AND deleted_at IS NOT NULL" } else { " AND deleted_at IS NULL" };
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(search.page.after.unwrap_or(i64::MAX))];
        values.push(Box::new(search.page.limit_and_one()));
        if let Some(list) = &search.list {
            let id = Id::parse(list).ok_or_else(|| Error::NotFound(format!("there is no list {list}")))?;
            values.push(Box::new(id));
            // The list is looked up once, and its members are in an index.
            sql += &format!(
                " AND EXISTS (SELECT 1 FROM memberships WHERE list = (SELECT id FROM lists WHERE list_id = ?{})
                 AND contact = contacts.id)",
                values.len()
            );
        }
        let text = search.text.trim();
        if !text.is_empty() {
            values.push(Box::new(containing(text)));
            let like = format!("LIKE ?{} ESCAPE '\\'", values.len());
            sql += &format!(
                " AND (email {like} OR sms_number {like} OR first_name {like} OR last_name {like}
                 OR first_name || ' ' || last_name {like} OR company_name {like})"
            );
        }
        sql += " ORDER BY id DESC LIMIT ?2";
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(&values), contact_row)?;
            search.page.page(rows.map(|row| Ok(row?)), None)
        })
    }

    /// One contact, with everything.
    ///
    /// # Errors
    /// There is no such contact, or it cannot be read.
    pub fn contact_view(&self, contact_id: &str) -> Result<ContactView> {
        let missing = || Error::NotFound(format!("there is no contact {contact_id}"));
        let id = Id::parse(contact_id).ok_or_else(missing)?;
        self.read(|transaction| {
            let sql = format!("SELECT {COLUMNS}, activity FROM contacts WHERE contact_id = ?1");
            let found = transaction
                .prepare_cached(&sql)?
                .query_row([id], |row| Ok((rows::contact(row)?, row.get::<_, Option<Id>>("activity")?)))
                .optional()?;
            let ((row, id, mut contact), activity) = found.ok_or_else(missing)?;
            rows::include(transaction, Include::everything(), row, id, &mut contact)?;
            let is_there = |id: Id| {
                transaction.prepare_cached("SELECT 1 FROM activities WHERE activity_id = ?1")?.exists([id])
            };
            Ok(ContactView {
                contact,
                lists: pairs(
                    transaction,
                    "SELECT list_id, name FROM memberships JOIN lists ON lists.id = list WHERE contact = ?1 ORDER BY list",
                    row,
                    |row| Ok((row.get::<_, Id>(0)?.to_string(), row.get(1)?)),
                )?,
                fields: pairs(
                    transaction,
                    "SELECT label, value FROM custom_values JOIN custom_fields ON custom_fields.id = field
                     WHERE contact = ?1 ORDER BY field",
                    row,
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?,
                tags: pairs(
                    transaction,
                    "SELECT name FROM taggings JOIN tags ON tags.id = tag WHERE contact = ?1 ORDER BY tag",
                    row,
                    |row| row.get(0),
                )?,
                activity: activity.map(|id| id.to_string()),
                has_activity: activity.map(is_there).transpose()?.unwrap_or(false),
            })
        })
    }
}

fn pairs<T>(
    transaction: &Transaction<'_>,
    sql: &str,
    contact: i64,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    transaction.prepare_cached(sql)?.query_map([contact], read)?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::runner::tests::{FOREVER, account, body, run};

    #[test]
    fn contacts_are_found_by_a_part_of_what_they_have() {
        assert_eq!(containing(r"50%_\"), r"%50\%\_\\%");
        let (_dir, account, list) = account();
        let accepted = account.accept(&body(&list, "ann", 5), None).unwrap();
        run(&account, FOREVER, false);
        let rows = |text: &str, limit: u64, after: Option<i64>| {
            let page = PageRequest { limit, after, ..PageRequest::default() };
            let search = ContactSearch { text: text.into(), page, ..ContactSearch::default() };
            account.contact_rows(&search).unwrap()
        };
        let all = rows("", 3, None);
        assert_eq!((all.items.len(), rows("", 3, all.next).items.len()), (3, 2));
        assert_eq!((rows("ANN", 50, None).items.len(), rows("a%n", 50, None).items.len()), (5, 0));
        let of_list =
            |list: &str| account.contact_rows(&ContactSearch { list: Some(list.into()), ..ContactSearch::default() });
        assert_eq!(of_list(&list).unwrap().items.len(), 5);
        assert!(of_list("x").is_err());
        let view = account.contact_view(&all.items[0].contact_id).unwrap();
        assert_eq!(view.lists[0].0, list);
        assert_eq!((view.activity.as_ref(), view.has_activity), (Some(&accepted.activity_id), true));
        account.delete_contact(&all.items[0].contact_id).unwrap();
        assert_eq!(rows("", 50, None).items.len(), 4);
        let deleted = account.contact_rows(&ContactSearch { deleted: true, ..ContactSearch::default() }).unwrap();
        assert_eq!(deleted.items.len(), 1);
        assert_eq!(account.contact_view(&all.items[0].contact_id).unwrap().activity, None);
    }
}
