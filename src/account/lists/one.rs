//! One contact list, by its identifier.

use super::{DESCRIPTION_MAX, List, MembershipCount, NAME_MAX, NewList, columns, list};
use crate::account::page;
use crate::account::values::Id;
use crate::account::{Account, Error, Result};
use rusqlite::{OptionalExtension, Transaction, params};

fn missing(list_id: &str) -> Error {
    Error::NotFound(format!("there is no list {list_id}"))
}

fn read(transaction: &Transaction<'_>, list_id: &str, members: Option<MembershipCount>) -> Result<List> {
    let id = Id::parse(list_id).ok_or_else(|| missing(list_id))?;
    let sql = format!("SELECT {} FROM lists WHERE list_id = ?1", columns(members));
    let found = transaction.prepare_cached(&sql)?.query_row([id], list).optional()?;
    found.map(|(_, list)| list).ok_or_else(|| missing(list_id))
}

impl Account {
    /// One list.
    ///
    /// # Errors
    /// There is no such list, or it cannot be read.
    pub fn list(&self, list_id: &str, members: Option<MembershipCount>) -> Result<List> {
        self.read(|transaction| read(transaction, list_id, members))
    }

    /// Replaces name, description and mark of a list; what is not given is removed.
    ///
    /// # Errors
    /// There is no such list, another list has the name, or name or description is invalid.
    pub fn update_list(&self, list_id: &str, new: &NewList) -> Result<List> {
        let name = page::name("the name of a list", &new.name, NAME_MAX)?;
        page::length("the description of a list", new.description.as_deref().unwrap_or(""), DESCRIPTION_MAX)?;
        self.write(|transaction| {
            read(transaction, list_id, None)?;
            let id = Id::parse(list_id);
            if transaction
                .prepare("SELECT 1 FROM lists WHERE name = ?1 AND list_id IS NOT ?2")?
                .exists(params![name, id])?
            {
                return Err(Error::Conflict(format!("there already is a list named {name}")));
            }
            transaction.execute(
                "UPDATE lists SET name = ?2, description = ?3, favorite = ?4, updated_at = ?5 WHERE list_id = ?1",
                params![id, name, new.description, new.favorite.unwrap_or(false), self.clock.now()],
            )?;
            read(transaction, list_id, None)
        })
    }
}
