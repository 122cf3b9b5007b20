//! A sheet of XLSX cleaned to lines, beside calamine reading its cells and nothing else.
//!
//! `cargo bench --bench sheets -- --calamine FILE` reads one file with calamine alone, for a look at its processor time.

#![allow(missing_docs, reason = "the harness makes public functions")]

mod corpus;
#[path = "../tests/common/zip.rs"]
#[allow(dead_code)]
mod zip;

use calamine::{DataRef, Reader, Xlsx};
use corpus::sample;
use criterion::{Criterion, Throughput};
use presort::csv::Cells;
use presort::sample::{CsvDialect, SampleFormat};
use presort::{Cleaner, Sink};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

const CONTACTS: u64 = 10_000;

/// A workbook of a made-up export, with shared texts as Excel writes them.
fn workbook() -> Vec<u8> {
    let csv = String::from_utf8(sample(CONTACTS, 5.0, SampleFormat::Csv(CsvDialect::default()))).expect("UTF-8");
    let (mut rows, mut texts, mut count) = (String::new(), String::new(), 0);
    let mut cells = Cells::default();
    for (i, line) in csv.lines().enumerate() {
        let _ = write!(rows, "<row r=\"{}\">", i + 1);
        cells.read(line.as_bytes(), b',');
        for column in 0..cells.len() {
            let text = cells.text(line.as_bytes(), column);
            if !text.is_empty() {
                let letter = |n: usize| char::from(b'A' + n as u8);
                let name = match column {
                    0..26 => letter(column).to_string(),
                    _ => format!("{}{}", letter(column / 26 - 1), letter(column % 26)),
                };
                let _ = write!(rows, "<c r=\"{name}{}\" t=\"s\"><v>{count}</v></c>", i + 1);
                let text = text.replace('&', "&amp;").replace('<', "&lt;");
                let _ = write!(texts, "<si><t>{text}</t></si>");
                count += 1;
            }
        }
        rows += "</row>";
    }
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let shared = format!("<sst uniqueCount=\"{count}\">{texts}</sst>");
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"rId1\" Type=\"{office}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let (package, book) =
        (relation("officeDocument", "xl/workbook.xml"), relation("worksheet", "worksheets/sheet1.xml"));
    let members: [(&str, &[u8]); 6] = [
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", book.as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    zip::zip(&members, zip::How::default())
}

/// Reads the cells of the first sheet; gives the bytes of their texts.
fn calamine_alone(path: &Path) -> usize {
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("a file"));
    let mut book = Xlsx::new(file).expect("a workbook");
    let name = book.sheet_names()[0].clone();
    let mut cells = book.worksheet_cells_reader(&name).expect("a sheet");
    let mut bytes = 0;
    while let Some(cell) = cells.next_cell().expect("a cell") {
        bytes += match cell.get_value() {
            DataRef::SharedString(text) => text.len(),
            DataRef::String(text) => text.len(),
            _ => 1,
        };
    }
    bytes
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, path, ..] = &args[..]
        && flag == "--calamine"
    {
        println!("{} bytes of text", calamine_alone(Path::new(path)));
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("contacts.xlsx");
    std::fs::write(&path, workbook()).expect("a file can be written");
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(5)).configure_from_args();
    let mut group = criterion.benchmark_group("sheets");
    group.throughput(Throughput::Elements(CONTACTS));
    group.bench_function("calamine alone", |b| b.iter(|| calamine_alone(&path)));
    let cleaner = Cleaner::builder().threads(1).build().expect("the settings are usual");
    group.bench_function("to lines", |b| {
        b.iter(|| {
            let mut lines = Vec::new();
            cleaner.clean_files(&[&path], Sink::lines(&mut lines)).expect("a sample can be cleaned")
        });
    });
    group.finish();
    criterion.final_summary();
}
