//! What a run asks of the cleaner, by its job and its inputs.

use super::job::{Job, Mode, Outputs};
use crate::clean::cleaner::OutputSelection;
use crate::clean::lines::Redactor;
use crate::clean::table_rejects::TableRejects;
use crate::csv::Table;
use crate::document::Document;
use crate::source::Encoding;
use std::sync::atomic::AtomicBool;

/// What a job asks of the cleaner.
pub(super) fn selection_of(job: &Job<'_>, outputs: &Outputs<'_>, documents: &[Document<'_>]) -> OutputSelection {
    let names = || documents.iter().map(|document| document.source.name().to_owned()).collect();
    let encodings = documents.iter().map(|document| document.source.encoding().map(Encoding::name)).collect();
    let sheets = documents.iter().map(|document| document.source.sheet().is_some()).collect();
    OutputSelection {
        report: outputs.report.is_some(),
        changes: outputs.changes.is_some(),
        rejects: outputs.rejects.is_some(),
        encodings,
        sheets,
        notes: (outputs.rejects.is_some() && !job.bare_rejects).then(names),
        table: outputs.rejects.as_ref().filter(|_| !is_worker(job)).and_then(|_| table_of(job, documents)),
        redactor: job.redact.as_deref().map(Redactor::new),
        statistics: job.statistics,
        listed: AtomicBool::new(job.mode == Mode::Check),
        ..OutputSelection::default()
    }
}

/// The rejects of all workers are one format, whatever each part is.
fn is_worker(job: &Job<'_>) -> bool {
    job.part.is_some() && job.mode == Mode::Stream
}

/// What the rejects have, if all inputs are tables with one header.
fn table_of(job: &Job<'_>, documents: &[Document<'_>]) -> Option<TableRejects> {
    let first = documents.first()?.table.as_ref()?;
    let form = |table: &Table| (table.delimiter, table.header_row.clone());
    let is_same = |document: &Document<'_>| document.table.as_ref().is_some_and(|table| form(table) == form(first));
    let names = || documents.iter().map(|document| document.source.name().to_owned()).collect();
    documents.iter().all(is_same).then(|| TableRejects::new(first, (!job.bare_rejects).then(names)))
}
