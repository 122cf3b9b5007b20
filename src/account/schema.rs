//! The tables, and the migration of accounts of earlier versions.

use rusqlite::{Connection, TransactionBehavior};

/// Identifies an account among SQLite files (`PRAGMA application_id`): "prst".
pub const APPLICATION_ID: i32 = 0x7072_7374;

/// One step per version; `PRAGMA user_version` is the number of applied steps. A released step never changes.
pub const MIGRATIONS: &[&str] = &[
    // Identifiers are the 16 bytes of a UUID, times are milliseconds since 1970 in UTC, days are YYYY-MM-DD.
    "
    CREATE TABLE contacts (
        id INTEGER PRIMARY KEY,
        contact_id BLOB NOT NULL UNIQUE,
        email TEXT COLLATE NOCASE UNIQUE,
        email_permission TEXT,
        opt_in_source TEXT,
        opt_out_source TEXT,
        opt_out_at INTEGER,
        email_created_at INTEGER,
        email_updated_at INTEGER,
        first_name TEXT,
        last_name TEXT,
        job_title TEXT,
        company_name TEXT,
        birthday_month INTEGER,
        birthday_day INTEGER,
        anniversary TEXT,
        sms_number TEXT UNIQUE,
        sms_permission TEXT,
        sms_consent_date TEXT,
        sms_created_at INTEGER,
        sms_updated_at INTEGER,
        create_source TEXT NOT NULL,
        update_source TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        CHECK (email IS NOT NULL OR sms_number IS NOT NULL)
    ) STRICT;

    CREATE TABLE phones (
        contact INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        phone_number TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (contact, kind)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE addresses (
        contact INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        street TEXT,
        street2 TEXT,
        city TEXT,
        state TEXT,
        postal_code TEXT,
        country TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (contact, kind)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE custom_fields (
        id INTEGER PRIMARY KEY,
        custom_field_id BLOB NOT NULL UNIQUE,
        label TEXT NOT NULL,
        name TEXT NOT NULL COLLATE NOCASE UNIQUE,
        type TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE custom_values (
        contact INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
        field INTEGER NOT NULL REFERENCES custom_fields (id),
        value TEXT NOT NULL,
        PRIMARY KEY (contact, field)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE lists (
        id INTEGER PRIMARY KEY,
        list_id BLOB NOT NULL UNIQUE,
        name TEXT NOT NULL COLLATE NOCASE UNIQUE,
        description TEXT,
        favorite INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE memberships (
        list INTEGER NOT NULL REFERENCES lists (id),
        contact INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
        PRIMARY KEY (list, contact)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX memberships_by_contact ON memberships (contact);

    -- Those that are over. What waits is in the queue's file, in the same order.
    CREATE TABLE activities (
        seq INTEGER NOT NULL,
        activity_id BLOB NOT NULL PRIMARY KEY,
        state TEXT NOT NULL,
        source_file_name TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        started_at INTEGER,
        completed_at INTEGER NOT NULL,
        percent_done INTEGER NOT NULL,
        status TEXT NOT NULL,
        errors TEXT NOT NULL
    ) STRICT;
    CREATE INDEX activities_by_seq ON activities (seq);
    CREATE INDEX activities_by_completed_at ON activities (completed_at);
    ",
    // What the account is to remember about itself.
    "
    CREATE TABLE settings (
        name TEXT NOT NULL PRIMARY KEY,
        value ANY NOT NULL
    ) STRICT, WITHOUT ROWID;
    ",
    include_str!("schema/resources.sql"),
    // What a person looks at.
    "
    -- The activity that changed a contact last; none where a request for this contact alone came later.
    ALTER TABLE contacts ADD COLUMN activity BLOB;
    CREATE INDEX contacts_by_deleted_at ON contacts (deleted_at) WHERE deleted_at IS NOT NULL;
    -- The contacts of the body that the errors name: a JSON object of their texts by index.
    ALTER TABLE activities ADD COLUMN contacts TEXT NOT NULL DEFAULT '{}';
    ",
];

/// Migrates the tables to this version, one transaction per step. Returns the version as an error if it is a later one.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<Result<(), usize>> {
    // Without this check, opening a current account would wait for its writer.
    let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == MIGRATIONS.len() {
        return Ok(Ok(()));
    }
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > MIGRATIONS.len() {
            return Ok(Err(version));
        }
        let Some(step) = MIGRATIONS.get(version) else { return Ok(Ok(())) };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.commit()?;
    }
}
