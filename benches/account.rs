//! Imports into an account, beside the least that could do the same: a bare loop of prepared statements, in one transaction, that
//! writes the same rows into the same tables. What an import does more is to clean the body, to find each contact, and to keep
//! the account of what became of it.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use presort::account::Account;
use presort::account::activities::ActivityState;
use presort::account::import::Body;
use presort::account::lists::NewList;
use presort::account::runner::Runner;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tempfile::TempDir;

/// As many contacts as a body may have.
const CONTACTS: usize = 40_000;

/// A clean body; `salt` changes every value but the addresses.
fn body(list_id: &str, salt: usize) -> Vec<u8> {
    let mut body = format!(r#"{{"list_ids":["{list_id}"],"import_data":["#);
    for i in 0..CONTACTS {
        let comma = if i > 0 { "," } else { "" };
        let (name, number) = (i + salt, 2_000_000 + (i * 7 + salt) % 7_000_000);
        let _ = write!(
            body,
            r#"{comma}{{"email":"m{i}@example.com","first_name":"N{name}","last_name":"Jones","phone":"508-{}-{:04}"}}"#,
            number / 10_000,
            number % 10_000
        );
    }
    body += "]}";
    assert!(body.len() < 4_000_000);
    body.into_bytes()
}

struct Fixture {
    dir: TempDir,
    account: Account,
    list_id: String,
}

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let account = Account::create(&dir.path().join("a")).unwrap();
        let list_id = account.add_list(&NewList { name: "News".into(), ..NewList::default() }).unwrap().list_id;
        Fixture { dir, account, list_id }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("a")
    }

    fn accept(&self, salt: usize) {
        let bytes = body(&self.list_id, salt);
        self.account.accept(&Body { bytes, ..Body::default() }, None).unwrap();
    }

    fn import(&self) {
        let stop = AtomicBool::new(false);
        let activity = self.account.run_next(&Runner { stop: &stop, time: Duration::MAX }).unwrap().unwrap();
        assert_eq!(
            (activity.state, activity.status.items_completed_count),
            (ActivityState::Completed, CONTACTS as u64)
        );
        assert!(activity.activity_errors.is_empty(), "{:?}", activity.activity_errors);
    }

    fn with_contacts() -> Fixture {
        let fixture = Fixture::new();
        fixture.accept(0);
        fixture.import();
        fixture
    }
}

const TABLES: [&str; 3] = ["contacts", "phones", "memberships"];

/// All rows that an import wrote.
fn rows(path: &Path) -> Vec<Vec<Vec<Value>>> {
    let connection = Connection::open(path).unwrap();
    let rows = TABLES.map(|table| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        let rows: Vec<Vec<Value>> = statement.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), CONTACTS);
        rows
    });
    rows.into()
}

/// The connection of the bare loop, as durable as that of an account.
fn bare(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    connection.pragma_update(None, "cache_size", -32_768).unwrap();
    connection
}

fn insert(connection: &mut Connection, rows: &[Vec<Vec<Value>>]) {
    let transaction = connection.transaction().unwrap();
    let places = |columns| vec!["?"; columns].join(",");
    let mut tables = TABLES.iter().zip(rows);
    let mut statements = TABLES.map(|_| {
        let (table, rows) = tables.next().expect("the rows of each table");
        transaction.prepare(&format!("INSERT INTO {table} VALUES ({})", places(rows[0].len()))).unwrap()
    });
    for contact in 0..CONTACTS {
        for (statement, rows) in statements.iter_mut().zip(rows) {
            statement.execute(params_from_iter(&rows[contact])).unwrap();
        }
    }
    drop(statements);
    transaction.commit().unwrap();
}

fn update(connection: &mut Connection, rows: &[Vec<Vec<Value>>]) {
    let transaction = connection.transaction().unwrap();
    let mut contact = transaction
        .prepare("UPDATE contacts SET first_name = ?2, last_name = ?3, updated_at = ?4 WHERE email = ?1")
        .unwrap();
    let mut phone = transaction
        .prepare("UPDATE phones SET phone_number = ?3, updated_at = ?4 WHERE contact = ?1 AND kind = ?2")
        .unwrap();
    let mut member = transaction.prepare("INSERT OR IGNORE INTO memberships VALUES (?1, ?2)").unwrap();
    for ((contacts, phones), members) in rows[0].iter().zip(&rows[1]).zip(&rows[2]) {
        assert_eq!(
            contact.execute(params_from_iter([&contacts[2], &contacts[9], &contacts[10], &contacts[24]])).unwrap(),
            1
        );
        assert_eq!(phone.execute(params_from_iter([&phones[0], &phones[1], &phones[2], &phones[4]])).unwrap(), 1);
        member.execute(params_from_iter(members)).unwrap();
    }
    drop((contact, phone, member));
    transaction.commit().unwrap();
}

fn imports(c: &mut Criterion) {
    let mut group = c.benchmark_group("account");
    group.throughput(Throughput::Elements(CONTACTS as u64)).sample_size(10);
    let new = rows(&Fixture::with_contacts().path());
    group.bench_function("new contacts: import", |b| {
        let fixture = || {
            let fixture = Fixture::new();
            fixture.accept(0);
            fixture
        };
        b.iter_batched(fixture, |fixture| fixture.import(), BatchSize::PerIteration);
    });
    group.bench_function("new contacts: bare loop", |b| {
        let fixture = || {
            let fixture = Fixture::new();
            let connection = bare(&fixture.path());
            (fixture, connection)
        };
        b.iter_batched(fixture, |(_fixture, mut connection)| insert(&mut connection, &new), BatchSize::PerIteration);
    });
    let there = Fixture::with_contacts();
    let mut salt = 0;
    group.bench_function("updates: import", |b| {
        let accept = || {
            salt += 1;
            there.accept(salt);
        };
        b.iter_batched(accept, |()| there.import(), BatchSize::PerIteration);
    });
    // Other values than those that are there, turn by turn.
    let first = rows(&there.path());
    there.accept(salt + 1);
    there.import();
    let second = rows(&there.path());
    let mut connection = bare(&there.path());
    let mut turn = 0;
    group.bench_function("updates: bare loop", |b| {
        b.iter(|| {
            turn += 1;
            update(&mut connection, if turn % 2 == 0 { &second } else { &first });
        });
    });
    group.finish();
}

criterion_group!(benches, imports);
criterion_main!(benches);
