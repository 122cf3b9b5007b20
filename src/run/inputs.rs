//! Directories among the inputs: each stands for the files in it that have contacts.

use crate::document::{ReadOptions, probe};
use crate::model::error::{Error, Result};
use crate::output::path::identity;
use crate::output::receipt::SkippedFile;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Reasons that an error names.
const REASONS: usize = 3;

/// The inputs of a run.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The files, in their order.
    pub files: Vec<PathBuf>,
    /// What is in the directories and no input.
    pub skipped: Vec<SkippedFile>,
}

/// Replaces each directory by the files in it that have a readable format, in the order of their names. Hidden files, directories in
/// it and `outputs` of the run are not among them, nor are receipts, reports and ledgers of earlier runs.
///
/// # Errors
/// A directory or a file in it cannot be read, or there is no file with contacts.
pub fn expand(paths: &[PathBuf], outputs: &[PathBuf], reading: &ReadOptions) -> Result<Inputs> {
    let mut inputs = Inputs::default();
    for path in paths {
        if path.as_os_str() != "-" && path.is_dir() {
            add_directory(path, outputs, reading, &mut inputs)?;
        } else {
            inputs.files.push(path.clone());
        }
    }
    Ok(inputs)
}

fn add_directory(dir: &Path, outputs: &[PathBuf], reading: &ReadOptions, inputs: &mut Inputs) -> Result<()> {
    let name = dir.display().to_string();
    let io = |error| Error::io("read", &name, error);
    let mut names: Vec<OsString> = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        names.push(entry.map_err(io)?.file_name());
    }
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    names.sort();
    let (files, skipped) = (inputs.files.len(), inputs.skipped.len());
    for file in names {
        let path = dir.join(&file);
        if identity(&path).is_some_and(|identity| outputs.contains(&identity)) {
            continue;
        }
        match reason_to_skip(&path, reading)? {
            None => inputs.files.push(path),
            Some(reason) => inputs.skipped.push(SkippedFile { name: path.display().to_string(), reason }),
        }
    }
    if inputs.files.len() > files {
        return Ok(());
    }
    let skipped = &inputs.skipped[skipped..];
    if skipped.is_empty() {
        return Err(Error::usage(format!("{name} is an empty directory: was the export written?")));
    }
    let more = if skipped.len() > REASONS { format!("; and {} more", skipped.len() - REASONS) } else { String::new() };
    let reasons: Vec<String> =
        skipped.iter().take(REASONS).map(|file| format!("{}: {}", file.name, file.reason)).collect();
    Err(Error::usage(format!("{name}: no file in this directory has contacts; {}{more}", reasons.join("; "))))
}

/// Why a file is no input; `None` if it is one. A file that is damaged is one: the run ends with its error.
fn reason_to_skip(path: &Path, reading: &ReadOptions) -> Result<Option<String>> {
    let meta = path.metadata().map_err(|error| Error::io("read", path.display().to_string(), error))?;
    if meta.is_dir() {
        return Ok(Some("it is a directory".to_owned()));
    }
    // A pipe could be read only once.
    if !meta.is_file() {
        return Ok(Some("it is no regular file".to_owned()));
    }
    probe(path, reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_contacts_in_the_order_of_their_names() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("in");
        std::fs::create_dir_all(dir.join("c")).unwrap();
        for (name, text) in [
            ("b.json", "[{\"email\":\"b@example.com\"}]"),
            ("a", "{\"email\":\"a@example.com\"}\n"),
            (".hidden", "{\"email\":\"h@example.com\"}\n"),
            ("d.txt", "\u{0}\u{1}\u{2}"),
            ("e", ""),
            ("out", "{\"email\":\"o@example.com\"}\n"),
        ] {
            std::fs::write(dir.join(name), text).unwrap();
        }
        let outputs = [identity(&dir.join("out")).unwrap()];
        let one = root.path().join("one");
        let inputs = expand(&[one.clone(), dir.clone(), "-".into()], &outputs, &ReadOptions::default()).unwrap();
        assert_eq!(inputs.files, [one, dir.join("a"), dir.join("b.json"), "-".into()]);
        let skipped: Vec<_> = inputs.skipped.iter().map(|file| file.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(skipped, ["c", "d.txt", "e"]);
    }

    #[test]
    fn a_directory_without_contacts_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let of = || expand(&[dir.path().to_path_buf()], &[], &ReadOptions::default()).unwrap_err().to_string();
        assert!(of().contains("is an empty directory"));
        for i in 0..5 {
            std::fs::write(dir.path().join(i.to_string()), "").unwrap();
        }
        let text = of();
        assert!(text.contains("0: the input is empty") && text.ends_with("; and 2 more"), "{text}");
    }
}
