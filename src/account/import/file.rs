//! The import of a CSV file: read by the same engine as `presort clean`, within the limits of the service.

use crate::document::table::InputFormat;
use crate::model::error::{Kind, Result};
use crate::model::limits::{Limits, MAX_BYTES};
use crate::run::job::{InMemory, Job, run_table_in_memory};

/// Most rows of a file, without its header.
pub const ROWS_MAX: u64 = 39_999;

/// The first bytes of formats that hold compressed data.
const PACKED: [&[u8]; 3] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"];

/// Runs a job on the bytes of a file.
pub(super) fn run(mut job: Job<'_>, bytes: Vec<u8>) -> Result<InMemory> {
    job.inputs = vec![std::path::PathBuf::from("the file").into()];
    // What is unpacked has no limit.
    if PACKED.iter().any(|magic| bytes.starts_with(magic)) {
        let what = "it is compressed: send the CSV file itself".to_owned();
        return Err(Kind::NotContacts { input: "the file".to_owned(), what }.into());
    }
    job.reading.format = InputFormat::Csv;
    run_table_in_memory(&job, bytes, Limits { max_bytes: MAX_BYTES, max_contacts: ROWS_MAX })
}
