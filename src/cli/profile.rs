//! The table of fields of `--profile`.

use super::summary::{count, percent, shortened};
use crate::clean::profile::{EVERY, FieldStatistics, Statistics};
use crate::model::printable::printable;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// Characters of a cell.
const CELL: usize = 30;

/// Characters of a name.
const NAME: usize = 24;

fn most(items: &[(String, u64)], max: usize) -> String {
    let items: Vec<String> = items
        .iter()
        .take(max)
        .map(|(text, n)| format!("{} ({})", printable(&shortened(text, CELL)), count(*n)))
        .collect();
    items.join(", ")
}

fn row(field: &FieldStatistics, contacts: u64) -> [String; 7] {
    [
        printable(&shortened(&field.name, NAME)).into_owned(),
        percent(field.filled, contacts),
        count(field.distinct),
        match (field.shortest, field.longest) {
            (a, b) if a == b => count(a),
            (a, b) => format!("{}-{}", count(a), count(b)),
        },
        count(field.held_back + field.rejected),
        most(&field.shapes, 2),
        most(&field.values, 2),
    ]
}

/// The table, its columns aligned.
pub(super) fn table(statistics: &Statistics) -> String {
    let head = ["field", "filled", "distinct", "length", "bad", "shapes", "frequent values"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(statistics.fields.iter().map(|field| row(field, statistics.contacts)));
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.width());
            // Numbers stand to the right.
            let _ = if (1..=4).contains(&i) { write!(line, "{pad}{cell}  ") } else { write!(line, "{cell}{pad}  ") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(
        text,
        "{} contacts as they came; shapes and frequent values of every {EVERY}th ({}); 9 is a digit, a is letters",
        count(statistics.contacts),
        count(statistics.sampled)
    );
    if statistics.other_values > 0 {
        let _ = writeln!(text, "{} values under further names are not shown", count(statistics.other_values));
    }
    for typo in statistics.typos.iter().take(10) {
        let _ = writeln!(
            text,
            "{} of {} may be a typo of {}",
            if typo.contacts == 1 { "1 address".to_owned() } else { format!("{} addresses", count(typo.contacts)) },
            printable(&shortened(&typo.domain, CELL)),
            typo.meant
        );
    }
    text
}

/// The same as JSON.
pub(super) fn json(statistics: &Statistics) -> serde_json::Value {
    let counts = |items: &[(String, u64)]| -> Vec<serde_json::Value> {
        items.iter().map(|(text, n)| serde_json::json!({"is": text, "contacts": n})).collect()
    };
    let fields: Vec<serde_json::Value> = statistics
        .fields
        .iter()
        .map(|field| {
            serde_json::json!({
                "field": field.name, "filled": field.filled, "distinct": field.distinct, "shortest": field.shortest,
                "longest": field.longest, "mean": field.mean, "rejected": field.rejected, "held_back": field.held_back,
                "changed": field.changed, "sampled": field.sampled, "shapes": counts(&field.shapes),
                "values": counts(&field.values), "samples": field.samples,
            })
        })
        .collect();
    let typos: Vec<serde_json::Value> = statistics
        .typos
        .iter()
        .map(|typo| serde_json::json!({"domain": typo.domain, "meant": typo.meant, "contacts": typo.contacts}))
        .collect();
    serde_json::json!({
        "contacts": statistics.contacts, "sampled": statistics.sampled, "every": EVERY, "fields": fields,
        "domain_typos": typos,
    })
}
