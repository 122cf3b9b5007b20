//! What a receipt says about the names of an input.

use crate::clean::mapped::LateName;
use crate::mapping::{How, Mapping, Target};
use serde::Serialize;

/// How the names of an input became those of the contract.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct MappingReceipt {
    /// The system that wrote it, if it was recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<&'static str>,
    /// Names of the first records that became members.
    pub mapped: usize,
    /// Names of the first records.
    pub names: usize,
    /// What became of each name that is in the output, or that says who opted out.
    pub columns: Vec<ColumnReceipt>,
    /// Names that are not in the output.
    pub unmapped: Vec<UnmappedReceipt>,
    /// Names that the first records do not have, and that are not in the output, with the number of their values. An empty name
    /// stands for all beyond the first thousand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<LateReceipt>,
}

/// One name and what it became.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ColumnReceipt {
    /// The name, or the path within the record.
    pub column: String,
    /// The members, or `opt-out` for a column that says who opted out.
    pub to: String,
    /// How that was decided.
    pub found: &'static str,
}

/// A name that is not in the output.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct UnmappedReceipt {
    /// The name, or the path within the record.
    pub column: String,
    /// Percent of the first records that have a value.
    pub filled: u32,
    /// One of its values; `None` with `--redact`, or if there is none.
    pub sample: Option<String>,
    /// What it may be, by a name that differs little.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// A name that the first records do not have.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LateReceipt {
    /// The name, or the path within the record.
    pub column: String,
    /// Values that are not in the output.
    pub values: u64,
}

impl MappingReceipt {
    /// Of a mapping, and of the names that came later. With `redact`, no value is in it.
    #[must_use]
    pub fn new(mapping: &Mapping, late: &[LateName], redact: bool) -> Self {
        let is_used = |target: &Target| *target != Target::None;
        let columns = mapping.columns.iter().filter(|column| is_used(&column.target) || column.permission.is_some());
        MappingReceipt {
            system: mapping.system.map(|system| system.name),
            mapped: mapping.columns.iter().filter(|column| is_used(&column.target)).count(),
            names: mapping.columns.iter().filter(|column| column.found != How::Own).count(),
            columns: columns
                .map(|column| ColumnReceipt {
                    column: column.name.clone(),
                    to: if is_used(&column.target) { column.target.members().join(",") } else { "opt-out".to_owned() },
                    found: column.found.as_str(),
                })
                .collect(),
            unmapped: mapping
                .unmapped()
                .map(|column| UnmappedReceipt {
                    column: column.name.clone(),
                    filled: column.filled_percent(mapping.records),
                    sample: column.samples.first().filter(|_| !redact).cloned(),
                    suggestion: column.suggestion.clone(),
                })
                .collect(),
            late: late.iter().map(|(column, values)| LateReceipt { column: column.clone(), values: *values }).collect(),
        }
    }
}
