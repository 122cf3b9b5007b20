//! The export: every contact as a line that `presort clean` reads.

use super::{ADDRESSES, PHONES};
use crate::account::{Account, Result};
use crate::json::write::json_string;
use rusqlite::Transaction;

impl Account {
    /// Writes every contact as one line of JSON with the members of an import, which `presort clean` reads.
    ///
    /// # Errors
    /// They cannot be read, or `write` fails.
    pub fn export(&self, mut write: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut line = Vec::new();
        self.read(|transaction| {
            let mut contacts = transaction.prepare(
                "SELECT id, email, first_name, last_name, job_title, company_name, birthday_month, birthday_day,
                 anniversary, sms_number, sms_consent_date FROM contacts WHERE deleted_at IS NULL ORDER BY id",
            )?;
            let mut rows = contacts.query([])?;
            while let Some(row) = rows.next()? {
                line.clear();
                line.push(b'{');
                for (i, name) in ["email", "first_name", "last_name", "job_title", "company_name"].iter().enumerate() {
                    string_member(name, row.get_ref(i + 1)?.as_str_or_null()?, &mut line);
                }
                for (i, name) in ["birthday_month", "birthday_day"].iter().enumerate() {
                    if let Some(number) = row.get::<_, Option<u8>>(i + 6)? {
                        member_name(name, &mut line);
                        line.extend_from_slice(number.to_string().as_bytes());
                    }
                }
                string_member("anniversary", row.get_ref(8)?.as_str_or_null()?, &mut line);
                append_parts(transaction, row.get(0)?, &mut line)?;
                if let Some(number) = row.get_ref(9)?.as_str_or_null()? {
                    string_member("sms_number", Some(&dashed(number)), &mut line);
                }
                string_member("sms_consent_date", row.get_ref(10)?.as_str_or_null()?, &mut line);
                line.extend_from_slice(b"}\n");
                write(&line)?;
            }
            Ok(())
        })
    }
}

/// Appends phones, addresses and custom fields.
fn append_parts(transaction: &Transaction<'_>, contact: i64, line: &mut Vec<u8>) -> rusqlite::Result<()> {
    let mut phones =
        transaction.prepare_cached("SELECT kind, phone_number FROM phones WHERE contact = ?1 ORDER BY kind")?;
    let mut rows = phones.query([contact])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        if let Some((_, name)) = PHONES.iter().find(|(known, _)| *known == kind) {
            string_member(name, row.get_ref(1)?.as_str_or_null()?, line);
        }
    }
    let mut addresses = transaction.prepare_cached(
        "SELECT kind, street, street2, city, state, postal_code, country FROM addresses WHERE contact = ?1 ORDER BY kind",
    )?;
    let mut rows = addresses.query([contact])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        if let Some((_, prefix)) = ADDRESSES.iter().find(|(known, _)| *known == kind) {
            for (i, name) in ["street", "street2", "city", "state", "zip", "country"].iter().enumerate() {
                string_member(&format!("{prefix}{name}"), row.get_ref(i + 1)?.as_str_or_null()?, line);
            }
        }
    }
    let mut custom = transaction.prepare_cached(
        "SELECT name, value FROM custom_values JOIN custom_fields ON custom_fields.id = field
         WHERE contact = ?1 ORDER BY field",
    )?;
    let mut rows = custom.query([contact])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        string_member(&format!("cf:{name}"), row.get_ref(1)?.as_str_or_null()?, line);
    }
    Ok(())
}

fn member_name(name: &str, line: &mut Vec<u8>) {
    if line.len() > 1 {
        line.push(b',');
    }
    json_string(name, line);
    line.push(b':');
}

fn string_member(name: &str, value: Option<&str>, line: &mut Vec<u8>) {
    if let Some(value) = value {
        member_name(name, line);
        json_string(value, line);
    }
}

/// A number of ten digits in the form in which presort writes numbers.
fn dashed(number: &str) -> String {
    match (number.get(..3), number.get(3..6), number.get(6..)) {
        (Some(area), Some(exchange), Some(line)) => format!("{area}-{exchange}-{line}"),
        _ => number.to_owned(),
    }
}
