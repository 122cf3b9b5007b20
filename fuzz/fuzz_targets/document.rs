//! Whole documents in memory, of any shape and in any mode: what is counted adds up, what is written is valid, what serde_json
//! reads is read, and neither threads nor a second run make a difference.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presort::document::envelope::{EnvelopeOverrides, SmsPermission};
use presort::model::error::Kind;
use presort::model::limits::Limits;
use presort::rules::{Duplicates, Settings};
use presort::run::job::{InMemory, Job, Mode, run_in_memory};
use presort_fuzz::settings;
use serde_json::Value;

const LIST: &str = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a";

fn run(bytes: &[u8], mode: &Mode, how: u8, bits: u8, threads: usize) -> Option<InMemory> {
    let is = |bit: u8| how >> bit & 1 == 1;
    let mut job = Job::new(vec!["input".into()], mode.clone(), "output".into());
    job.threads = threads;
    job.report = Some("report".into());
    job.settings = Settings { duplicates: if is(2) { Duplicates::First } else { Duplicates::Keep }, ..settings(bits) };
    job.asked = EnvelopeOverrides {
        list_ids: if is(3) { vec![LIST.into()] } else { Vec::new() },
        sms_permission: is(4).then_some(SmsPermission::Explicit),
        ..EnvelopeOverrides::default()
    };
    if is(5) {
        job.limits = Limits { max_bytes: 700, max_contacts: 3 };
    }
    run_in_memory(&job, bytes.to_vec(), Limits::default()).ok()
}

/// The contacts of a document that is a body or an array, where serde_json reads all of it.
fn contacts(document: &Value) -> Option<&Vec<Value>> {
    match document {
        Value::Array(contacts) => Some(contacts),
        document => document["import_data"].as_array(),
    }
}

fuzz_target!(|data: &[u8]| {
    let [how, bits, bytes @ ..] = data else { return };
    let mode = [Mode::Stream, Mode::Request, Mode::Check, Mode::Request][usize::from(how & 3)].clone();
    let Some(done) = run(bytes, &mode, *how, *bits, 1) else { return };
    let receipt = &done.summary.receipt;
    let counts = &receipt.contacts;
    assert_eq!(counts.seen, counts.accepted + counts.rejected);
    for line in done.report.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        assert!(serde_json::from_slice::<Value>(line).is_ok(), "a finding is not JSON");
    }
    match mode {
        Mode::Stream => {
            let lines: Vec<&[u8]> = done.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
            assert_eq!(lines.len() as u64, counts.accepted);
            assert!(lines.iter().all(|line| serde_json::from_slice::<Value>(line).is_ok_and(|line| line.is_object())));
        }
        Mode::Request if !done.body.is_empty() => {
            let body: Value = serde_json::from_slice(&done.body).expect("a body is JSON");
            assert_eq!(contacts(&body).map_or(0, Vec::len) as u64, counts.accepted);
            assert!(
                (done.body.len() as u64) < receipt.limits.max_bytes && counts.accepted <= receipt.limits.max_contacts
            );
        }
        _ => assert!(done.body.is_empty()),
    }

    // An array or a body is what serde_json takes it for, but for what has limits of its own here or there.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_array = receipt.input.first().is_some_and(|input| ["array", "body", "wrapped"].contains(&input.shape.as_str()));
    let whole = receipt.dropped.is_none() && receipt.contacts.seen > 0 || done.summary.stop.is_some();
    if is_array && whole {
        match (serde_json::from_slice::<Value>(text), &done.summary.stop) {
            (Ok(document), None) => {
                // Where a member is there twice, serde_json has the last.
                if document.is_array() {
                    assert_eq!(contacts(&document).map(|contacts| contacts.len() as u64), Some(counts.seen));
                }
            }
            (Err(error), None) => {
                let what = error.to_string();
                let known = ["out of range", "recursion limit", "trailing characters"];
                assert!(known.iter().any(|known| what.contains(known)), "{what}");
            }
            (Ok(_), Some(stop)) => match stop.kind() {
                Kind::Syntax { fault, .. } => assert!(format!("{fault:?}").contains("Depth"), "{stop}"),
                Kind::Bug { .. } => panic!("{stop}"),
                _ => {}
            },
            (Err(_), Some(stop)) => assert!(!matches!(stop.kind(), Kind::Bug { .. }), "{stop}"),
        }
    }

    // Starting threads takes longer than all of the rest.
    if how & 0x40 != 0 && bytes.len() % 32 == 0 {
        let other = run(bytes, &mode, *how, *bits, 3).expect("it ran with one thread");
        assert_eq!((&other.body, &other.report), (&done.body, &done.report));
        assert_eq!(other.summary.receipt.findings, receipt.findings);
    }
    if !done.body.is_empty() && counts.accepted > 0 {
        let again = run(&done.body, &mode, *how, *bits, 1).expect("what was cleaned can be read");
        assert_eq!(String::from_utf8_lossy(&again.body), String::from_utf8_lossy(&done.body));
        let counts = again.summary.receipt.contacts;
        assert_eq!((counts.rejected, counts.changed, counts.accepted_with_held_back), (0, 0, 0));
    }
});
