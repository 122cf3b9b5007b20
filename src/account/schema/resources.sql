-- Contacts are deleted only in name: an import or a change brings them back.
ALTER TABLE contacts ADD COLUMN deleted_at INTEGER;

-- Metadata is the JSON of the service.
ALTER TABLE custom_fields ADD COLUMN metadata TEXT;
ALTER TABLE custom_fields ADD COLUMN version INTEGER;

CREATE TABLE choices (
    field INTEGER NOT NULL REFERENCES custom_fields (id) ON DELETE CASCADE,
    choice_id INTEGER NOT NULL,
    label TEXT NOT NULL,
    display_order INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (field, choice_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    id INTEGER PRIMARY KEY,
    tag_id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    tag_source TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE taggings (
    tag INTEGER NOT NULL REFERENCES tags (id),
    contact INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, contact)
) STRICT, WITHOUT ROWID;
CREATE INDEX taggings_by_contact ON taggings (contact);

CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    note_id BLOB NOT NULL UNIQUE,
    contact INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notes_by_contact ON notes (contact);

-- What an account is known by, in one row.
CREATE TABLE identity (account_id BLOB NOT NULL) STRICT;
INSERT INTO identity (account_id) VALUES (randomblob(16));
