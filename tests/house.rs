//! The layout of the source tree, held as facts: folders use only those above them, files and functions stay small.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `src/`, each of which uses only those before it. Those from `account` on are behind features.
const ORDER: [&str; 17] = [
    "model", "simd", "json", "csv", "vcard", "rules", "mapping", "clean", "source", "document", "output", "run",
    "facade", "sample", "account", "service", "send",
];
/// The command line stands on all of them.
const LAST: &str = "cli";

/// Lines of a file and of a function, beyond which a comment gives the reason: `Long because ...`.
const FILE_MAX: usize = 600;
const FUNCTION_MAX: usize = 80;
const REASON: &str = "Long because";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    files(dir)
}

/// A file's code without its unit tests and comments.
fn code(path: &Path) -> String {
    // Unit tests have a file of their own, or stand at the end of one.
    if path.ends_with("tests.rs") {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"].map(|tests| text.find(tests));
    let code = &text[..tests.into_iter().flatten().min().unwrap_or(text.len())];
    code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The folders that a piece of code names behind `crate::`.
fn used(code: &str) -> BTreeSet<&str> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| {
            let rest = rest.strip_prefix('{').map_or(rest, |group| group.split('}').next().unwrap_or(group));
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
        })
        .filter(|name| ORDER.contains(name) || *name == LAST)
        .collect()
}

#[test]
fn folders_use_only_those_above_them() {
    let source = source();
    let place = |folder: &str| ORDER.iter().position(|name| *name == folder).unwrap_or(ORDER.len());
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in files(&source) {
        let path = file.strip_prefix(&source).unwrap();
        let Some(folder) = path.components().next().and_then(|part| part.as_os_str().to_str()) else { continue };
        if path.components().count() == 1 {
            continue;
        }
        found.insert(folder.to_owned());
        for target in used(&code(&file)) {
            if place(target) > place(folder) {
                wrong.push(format!("{} uses {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "these arrows run back up:\n{}", wrong.join("\n"));
    let expected: BTreeSet<String> = ORDER.iter().chain([&LAST]).map(|name| (*name).to_owned()).collect();
    assert_eq!(found, expected, "ORDER does not name the folders that are there");
}

/// The functions of a file that are longer than they should be, with no reason given inside or right before them.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut long = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let head = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "unsafe fn ",
            "const fn ",
            "async fn ",
            "pub const fn ",
            "pub async fn ",
            "pub unsafe fn ",
        ]
        .iter()
        .any(|kind| head.starts_with(kind));
        if !is_function {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let Some(length) = lines[start..].iter().position(|line| *line == close) else { continue };
        let before = lines[..start].iter().rev().take_while(|line| {
            let line = line.trim_start();
            line.starts_with("//") || line.starts_with("#[")
        });
        let has_reason = before.chain(&lines[start..start + length]).any(|line| line.contains(REASON));
        if length > FUNCTION_MAX && !has_reason {
            long.push(format!("{} ({length} lines)", head.trim_end_matches([' ', '{'])));
        }
    }
    long
}

#[test]
fn files_and_functions_are_small_or_say_why() {
    let mut long = Vec::new();
    for file in files(&source()) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(source()).unwrap().display().to_string();
        let lines = text.lines().count();
        if lines > FILE_MAX && !text.lines().take(40).any(|line| line.contains(REASON)) {
            long.push(format!("{name}: {lines} lines"));
        }
        long.extend(long_functions(&text).into_iter().map(|function| format!("{name}: {function}")));
    }
    assert!(long.is_empty(), "these are long, and no comment says why ({REASON} ...):\n{}", long.join("\n"));
}

#[test]
fn the_checks_can_fail() {
    assert_eq!(
        used("use crate::{run::job, x};\nuse crate::clean::Batch;\nfn f() { crate::cli::main() }"),
        ["clean", "cli", "run"].into()
    );
    let long = format!("/// Does it.\nfn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_MAX + 1));
    assert_eq!(long_functions(&long).len(), 1);
    assert!(long_functions(&long.replace("Does it.", "Long because it is a table.")).is_empty());
}
