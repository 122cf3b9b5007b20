//! The library as its users see it: the examples run, and the iterator over contacts agrees with a run.

use presort::model::finding::Code;
use presort::model::limits::Limits;
use presort::{Cleaner, Contact, Date, Duplicates, Sink, SmsPermission};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[allow(dead_code)]
#[path = "../examples/check.rs"]
mod check;
#[allow(dead_code)]
#[path = "../examples/clean.rs"]
mod clean;
#[allow(dead_code)]
#[path = "../examples/contacts.rs"]
mod contacts;
#[allow(dead_code)]
#[path = "../examples/split.rs"]
mod split;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample.json")
}

/// A made-up export with every second contact wrong or unusual.
fn messy(format: presort::sample::SampleFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let sample = presort::sample::Sample { contacts: 3000, seed: 11, mess: 50.0, format };
    presort::sample::write(&sample, &mut bytes).unwrap();
    bytes
}

fn builder() -> presort::CleanerBuilder {
    Cleaner::builder().as_of(Date::new(2026, 1, 31).unwrap())
}

#[test]
fn the_examples_run() {
    let (mut body, mut findings) = (Vec::new(), Vec::new());
    let summary = clean::clean(std::fs::File::open(sample()).unwrap(), &mut body, &mut findings).unwrap();
    let accepted = summary.receipt.contacts.accepted;
    let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(accepted > 0 && !findings.is_empty());
    assert_eq!(read["import_data"].as_array().unwrap().len() as u64, accepted);

    let domains = contacts::domains(std::fs::File::open(sample()).unwrap()).unwrap();
    assert_eq!(domains.values().sum::<u64>(), accepted);

    let text = check::check(&[sample().display().to_string()]).unwrap();
    assert!(text.contains(" x EML"), "{text}");

    let dir = tempfile::tempdir().unwrap();
    let receipt = split::split(&sample(), &dir.path().join("bodies")).unwrap();
    assert!(receipt.contacts.accepted <= accepted && receipt.payloads.len() == 1);
    assert!(
        dir.path().join("bodies/payload-00001.json").is_file() && dir.path().join("bodies.rejects.ndjson").is_file()
    );
    assert!(split::split(&sample(), &dir.path().join("bodies")).is_err(), "there are bodies already");
}

/// What the iterator gives, put together, is what a run writes: contacts, rejects, findings and changes.
#[test]
fn the_iterator_agrees_with_a_run() {
    use presort::sample::SampleFormat;
    for (format, duplicates) in [
        (SampleFormat::Payload, Duplicates::Keep),
        (SampleFormat::Ndjson, Duplicates::Keep),
        (SampleFormat::Ndjson, Duplicates::First),
    ] {
        let mut input = messy(format);
        if matches!(format, SampleFormat::Ndjson) {
            input.extend_from_slice(b"{\"email\":\"not closed\n\n[1]\n");
            input.extend_from_within(..40_000);
        }
        let cleaner = builder().duplicates(duplicates).sms_permission(SmsPermission::Explicit).build().unwrap();
        let (mut lines, mut rejects, mut findings, mut ledger) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let sink = Sink::lines(&mut lines)
            .rejects(&mut rejects)
            .bare_rejects(true)
            .findings(&mut findings)
            .ledger(&mut ledger);
        let summary = cleaner.clean(&input[..], sink).unwrap().into_result().unwrap();

        let (mut own_lines, mut own_rejects, mut own_findings) = (Vec::new(), Vec::new(), Vec::new());
        let mut contacts = cleaner.contacts(&input[..]);
        for (i, contact) in contacts.by_ref().enumerate() {
            let contact = contact.unwrap();
            assert_eq!(contact.index(), i as u64);
            let position = contact.position();
            own_findings.extend(
                contact
                    .findings()
                    .iter()
                    .map(|finding| (Some(position.contact.unwrap()), position.offset, position.line, finding.clone())),
            );
            match contact {
                Contact::Accepted { json, .. } => own_lines.extend([json.as_bytes(), b"\n"].concat()),
                Contact::Rejected { raw, is_truncated, offset, .. } => {
                    assert!(!is_truncated && input[offset as usize..].starts_with(&raw));
                    own_rejects.extend([&raw[..], b"\n"].concat());
                }
                _ => unreachable!(),
            }
        }
        assert!(own_lines == lines && own_rejects == rejects);
        assert!(summary.receipt.contacts.rejected > 0 && summary.receipt.contacts.duplicates > 0);

        let read = |lines: &[u8]| -> Vec<serde_json::Value> {
            serde_json::Deserializer::from_slice(lines).into_iter().map(Result::unwrap).collect()
        };
        let expected: Vec<serde_json::Value> =
            read(&findings).into_iter().chain(read(&ledger)).filter(|line| !line["contact"].is_null()).collect();
        assert_eq!(own_findings.len(), expected.len());
        for line in &expected {
            let is_it = |(contact, offset, row, finding): &(Option<u64>, u64, u64, presort::OwnedFinding)| {
                line["contact"].as_u64() == *contact
                    && line["offset"] == *offset
                    && line["line"] == *row
                    && line["code"] == finding.code.as_str()
                    && line["severity"] == finding.severity.as_str()
                    && line["outcome"] == finding.outcome.as_str()
                    && line["field"].as_str() == finding.field.as_deref()
                    && line["message"] == finding.message
                    && line["help"] == finding.help
            };
            assert!(own_findings.iter().any(is_it), "{line}");
        }
        for finding in contacts.envelope_findings() {
            assert!(summary.receipt.findings.contains_key(finding.code.as_str()));
        }
    }
}

/// Gives its bytes in pieces, and then fails or ends.
struct Pieces<'b>(&'b [u8], usize, bool);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() && self.2 {
            return Err(io::Error::other("the line is dead"));
        }
        let n = self.1.min(buffer.len()).min(self.0.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

#[test]
fn errors_of_a_reader_come_behind_the_contacts_before() {
    let lines = b"{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n";
    let cleaner = builder().build().unwrap();
    let mut contacts = cleaner.contacts(Pieces(lines, 7, false));
    assert!(contacts.by_ref().all(|contact| contact.unwrap().is_accepted()));
    assert!(contacts.next().is_none());

    let mut contacts = cleaner.contacts(Pieces(lines, 7, true));
    let error = contacts.find_map(Result::err).unwrap();
    assert!(error.to_string().contains("the line is dead"), "{error}");
    assert!(contacts.next().is_none() && contacts.next().is_none());

    let broken: Vec<_> = cleaner.contacts(&br#"[{"email":"a@example.com"},{"email":tru}]"#[..]).collect();
    assert!(broken[0].as_ref().unwrap().is_accepted());
    assert_eq!(broken[1].as_ref().unwrap_err().position().unwrap().contact, Some(1));
    assert_eq!(cleaner.contacts(&b""[..]).count(), 1, "no contacts at all is an error");
}

#[test]
fn a_long_contact_is_rejected_by_its_head() {
    let long = format!("{{\"email\":\"{}\"}}\n{{\"email\":\"b@example.com\"}}\n", "a".repeat(17 << 20));
    let contacts: Vec<Contact> =
        builder().build().unwrap().contacts(long.as_bytes()).collect::<Result<_, _>>().unwrap();
    let [Contact::Rejected { is_truncated: true, findings, .. }, Contact::Accepted { index: 1, .. }] = &contacts[..]
    else {
        panic!("{} contacts", contacts.len());
    };
    assert_eq!(findings[0].code, Code::SYN002);
}

#[test]
fn writers_get_what_files_get() {
    let input = messy(presort::sample::SampleFormat::Payload);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("in"), &input).unwrap();
    for threads in [1, 3] {
        let cleaner = builder().threads(threads).build().unwrap();
        let (mut body, mut findings, mut rejects, mut ledger, mut receipt) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let sink = Sink::body(&mut body)
            .findings(&mut findings)
            .rejects(&mut rejects)
            .bare_rejects(true)
            .ledger(&mut ledger)
            .receipt(&mut receipt);
        let summary = cleaner.clean(Pieces(&input, 10_007, false), sink).unwrap();
        let sink = Sink::body(path("body"))
            .findings(path("findings"))
            .rejects(path("rejects"))
            .bare_rejects(true)
            .ledger(path("ledger"))
            .overwrite(true);
        let from_files = cleaner.clean_files(&[path("in")], sink).unwrap();
        for (name, bytes) in [("body", &body), ("findings", &findings), ("rejects", &rejects), ("ledger", &ledger)] {
            assert!(std::fs::read(path(name)).unwrap() == *bytes, "{name}");
        }
        assert_eq!(summary.receipt.contacts, from_files.receipt.contacts);
        assert_eq!(summary.receipt.payloads[0].sha256, from_files.receipt.payloads[0].sha256);
        let receipt: serde_json::Value = serde_json::from_slice(&receipt).unwrap();
        assert_eq!(receipt["contacts"]["accepted"], summary.receipt.contacts.accepted);
    }
}

#[test]
fn outputs_that_clash_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("in"), "{}").unwrap();
    let cleaner = builder().build().unwrap();
    let refused = |inputs: &[PathBuf], sink: Sink<'_>| {
        let error = cleaner.clean_files(inputs, sink).unwrap_err();
        assert!(matches!(error.kind(), presort::model::error::Kind::Usage { .. }), "{error}");
    };
    let one = [path("in")];
    refused(&one, Sink::lines(path("out")).findings(path("out")));
    refused(&one, Sink::nothing().findings(path("in")).overwrite(true));
    refused(&one, Sink::bodies(path("bodies")).receipt(path("bodies/receipt.json")));
    refused(&[path("in"), path("in")], Sink::body(path("out")));
    refused(&[], Sink::nothing());
    refused(&["-".into(), "-".into()], Sink::nothing());
    assert!(cleaner.clean(&b"{}"[..], Sink::lines(path("in"))).is_err(), "a file that exists stays");
    assert_eq!(std::fs::read(path("in")).unwrap(), b"{}");
}

#[test]
fn a_writer_that_fails_fails_the_run() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error =
        builder().build().unwrap().clean(&b"{\"email\":\"a@example.com\"}"[..], Sink::lines(&mut Full)).unwrap_err();
    assert!(error.to_string().contains("cannot write the contacts"), "{error}");
}

#[test]
fn settings_out_of_range_are_refused() {
    for builder in [
        Cleaner::builder().email_max(0),
        Cleaner::builder().email_max(321),
        Cleaner::builder().threads(0),
        Cleaner::builder().limits(Limits { max_bytes: 0, max_contacts: 1 }),
        Cleaner::builder().limits(Limits { max_bytes: 1, max_contacts: 0 }),
        Cleaner::builder().redact_key("short"),
    ] {
        assert!(builder.clone().build().is_err(), "{builder:?}");
    }
    let secret = Cleaner::builder().redact_key("a key that nobody may see").build().unwrap();
    assert!(!format!("{secret:?}").contains("nobody"));
}

/// Rows of a table come one by one as the contacts of its lines do.
#[test]
fn the_iterator_reads_tables() {
    let table =
        "Email,First Name,x\na@example.com,Ann,1\nbad,Bob,\n\nc@example.com,\"C \"\"y\"\"\",,,9\nd@example.com,Di,\n";
    let cleaner = builder().build().unwrap();
    let mut contacts = cleaner.contacts(table.as_bytes());
    let found: Vec<(u64, Result<String, String>)> = contacts
        .by_ref()
        .map(|contact| {
            let contact = contact.unwrap();
            let line = contact.position().line;
            match contact {
                Contact::Accepted { json, .. } => (line, Ok(json)),
                Contact::Rejected { raw, .. } => (line, Err(String::from_utf8(raw.to_vec()).unwrap())),
                _ => unreachable!(),
            }
        })
        .collect();
    let expected = [
        (2, Ok("{\"email\":\"a@example.com\",\"first_name\":\"Ann\"}".to_owned())),
        (3, Err("bad,Bob,".to_owned())),
        (5, Err("c@example.com,\"C \"\"y\"\"\",,,9".to_owned())),
        (6, Ok("{\"email\":\"d@example.com\",\"first_name\":\"Di\"}".to_owned())),
    ];
    assert_eq!(found, expected);
}
