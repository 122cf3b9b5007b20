//! Directories among the inputs: each stands for the files in it that have contacts.

#[cfg(feature = "spreadsheets")]
use crate::document::table::InputFormat;
use crate::document::{ReadOptions, probe};
use crate::model::error::{Error, Kind, Result};
use crate::output::path::identity;
use crate::output::receipt::SkippedFile;
use crate::source::Source;
#[cfg(feature = "compression")]
use crate::source::archive::{self, Archive};
#[cfg(feature = "spreadsheets")]
use crate::source::sheet::{Sheet, Workbook};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Reasons that an error names.
const REASONS: usize = 3;

/// One input of a run.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// Its path, or that of the archive that it is in; `-` is standard input.
    pub path: PathBuf,
    /// The member of the archive.
    #[cfg(feature = "compression")]
    pub member: Option<archive::Member>,
    /// The sheet of the spreadsheet.
    #[cfg(feature = "spreadsheets")]
    pub sheet: Option<Sheet>,
}

impl From<PathBuf> for InputFile {
    fn from(path: PathBuf) -> InputFile {
        InputFile {
            path,
            #[cfg(feature = "compression")]
            member: None,
            #[cfg(feature = "spreadsheets")]
            sheet: None,
        }
    }
}

impl InputFile {
    /// Opens it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&self) -> Result<Source<'static>> {
        #[cfg(feature = "spreadsheets")]
        if let Some(sheet) = &self.sheet {
            return Source::open_sheet(sheet);
        }
        #[cfg(feature = "compression")]
        if let Some(member) = &self.member {
            return Source::open_member(member);
        }
        Source::open(&self.path)
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> String {
        #[cfg(feature = "spreadsheets")]
        if let Some(sheet) = &self.sheet {
            return sheet.name.clone();
        }
        #[cfg(feature = "compression")]
        if let Some(member) = &self.member {
            return member.name.clone();
        }
        self.path.display().to_string()
    }
}

/// The inputs of a run.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The files, in their order.
    pub files: Vec<InputFile>,
    /// What is in the directories and no input.
    pub skipped: Vec<SkippedFile>,
}

/// Replaces each zip archive by its members, each spreadsheet by its sheet, and each directory by the files in it that have a readable
/// format, in the order of their names. Hidden files, directories in
/// it and `outputs` of the run are not among them, nor are receipts, reports and ledgers of earlier runs.
///
/// # Errors
/// A directory or a file in it cannot be read, or there is no file with contacts.
pub fn expand(paths: &[PathBuf], outputs: &[PathBuf], reading: &ReadOptions) -> Result<Inputs> {
    let mut inputs = Inputs::default();
    for path in paths {
        if path.as_os_str() != "-" && path.is_dir() {
            add_directory(path, outputs, reading, &mut inputs)?;
        // Beside other inputs, standard input is read in its turn: nothing waits for it before.
        } else if path.as_os_str() == "-" && paths.len() > 1 || !add_archive(path, reading, &mut inputs)? {
            inputs.files.push(path.clone().into());
        }
    }
    finish_sheets(&inputs, reading)?;
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
        let is_archive = match path.is_file().then(|| add_archive(&path, reading, inputs)).transpose() {
            Ok(is_archive) => is_archive.unwrap_or_default(),
            Err(error) => match error.kind() {
                Kind::NotContacts { what, .. } => {
                    inputs.skipped.push(SkippedFile { name: path.display().to_string(), reason: what.clone() });
                    true
                }
                _ => return Err(error),
            },
        };
        if is_archive {
            continue;
        }
        match reason_to_skip(&path, reading)? {
            None => inputs.files.push(path.into()),
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

/// Adds the members of a zip archive that have contacts. False for any other file.
#[cfg(feature = "compression")]
fn add_archive(path: &Path, reading: &ReadOptions, inputs: &mut Inputs) -> Result<bool> {
    let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
    let refuse = |what: String| -> Error { Kind::NotContacts { input: name.clone(), what }.into() };
    let members = match archive::open(path)? {
        None => return Ok(false),
        Some(Archive::Other(what)) => return Err(refuse(what)),
        #[cfg(feature = "spreadsheets")]
        Some(Archive::Workbook(workbook)) => {
            let sheet = sheet_of(workbook, reading)?;
            inputs.files.push(InputFile { sheet: Some(sheet), ..path.to_path_buf().into() });
            return Ok(true);
        }
        Some(Archive::Members(members)) => members,
    };
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for member in members {
        let mut source = Source::open_member(&member)?;
        #[cfg(feature = "spreadsheets")]
        if source.is_document()?
            && let Some(Archive::Workbook(workbook)) = archive::open_inner(&member)?
        {
            match sheet_of(workbook, reading) {
                Ok(sheet) => {
                    sheet.close();
                    files.push(InputFile { sheet: Some(sheet), ..path.to_path_buf().into() });
                }
                Err(error) => match error.kind() {
                    Kind::NotContacts { what, .. } => {
                        skipped.push(SkippedFile { name: member.name, reason: what.clone() })
                    }
                    _ => return Err(error),
                },
            }
            continue;
        }
        if source.is_archive()? {
            let what = "this is an archive in an archive, which is not read: unpack the outer one first";
            return Err(Kind::NotContacts { input: member.name, what: what.to_owned() }.into());
        }
        match probe(source, reading)? {
            None => files.push(InputFile { member: Some(member), ..path.to_path_buf().into() }),
            Some(reason) => skipped.push(SkippedFile { name: member.name, reason }),
        }
    }
    if files.is_empty() {
        let reasons: Vec<String> =
            skipped.iter().take(REASONS).map(|file| format!("{}: {}", file.name, file.reason)).collect();
        let what = if reasons.is_empty() { "there are no files in it".to_owned() } else { reasons.join("; ") };
        return Err(refuse(format!("nothing in this zip archive has contacts; {what}")));
    }
    inputs.files.append(&mut files);
    inputs.skipped.append(&mut skipped);
    Ok(true)
}

/// Opens the first sheet of a spreadsheet; none for any other file.
///
/// # Errors
/// The spreadsheet cannot be read.
#[cfg(feature = "spreadsheets")]
pub fn open_spreadsheet(path: &Path) -> Result<Option<Source<'static>>> {
    if path.as_os_str() == "-" || !path.is_file() {
        return Ok(None);
    }
    match archive::open(path)? {
        Some(Archive::Workbook(workbook)) => Source::open_sheet(&workbook.sheet(None)?).map(Some),
        _ => Ok(None),
    }
}

/// Of several spreadsheets, each is opened again in its turn. An option for sheets needs one.
#[cfg(feature = "spreadsheets")]
fn finish_sheets(inputs: &Inputs, reading: &ReadOptions) -> Result<()> {
    let mut sheets = inputs.files.iter().filter_map(|file| file.sheet.as_ref()).peekable();
    if sheets.peek().is_none() && reading.sheet.is_some() {
        return Err(Error::usage("--sheet names a sheet of a spreadsheet, and no input is one: leave it out"));
    }
    if inputs.files.len() > 1 {
        sheets.for_each(Sheet::close);
    }
    Ok(())
}

#[cfg(not(feature = "spreadsheets"))]
fn finish_sheets(_: &Inputs, _: &ReadOptions) -> Result<()> {
    Ok(())
}

/// The sheet of a spreadsheet that is read.
#[cfg(feature = "spreadsheets")]
fn sheet_of(workbook: Workbook, reading: &ReadOptions) -> Result<Sheet> {
    if !matches!(reading.format, InputFormat::Detect | InputFormat::Spreadsheet) {
        let what = "this is a spreadsheet: leave out --from, or give --from spreadsheet".to_owned();
        return Err(Kind::NotContacts { input: workbook.name, what }.into());
    }
    workbook.sheet(reading.sheet.as_deref())
}

#[cfg(not(feature = "compression"))]
fn add_archive(_: &Path, _: &ReadOptions, _: &mut Inputs) -> Result<bool> {
    Ok(false)
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
    probe(Source::open(path)?, reading)
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
        let files: Vec<PathBuf> = inputs.files.into_iter().map(|file| file.path).collect();
        assert_eq!(files, [one, dir.join("a"), dir.join("b.json"), "-".into()]);
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
