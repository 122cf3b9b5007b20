//! The README and `docs/`, held as facts: every command in them runs as it is written, one after the other, in a copy of the
//! files that a checkout has; tables and the picture of a run say what the program says.
//!
//! A command is a line of a `console` block that begins with `$ `. The commands of one file run in order in one bash, with this
//! build of the program in `PATH`. A status of 2 and above is a failure, unless the line ends in a comment that names it (`# status 2`).
//! `cargo` is a stub that checks what it is given: tests and benches run by themselves. A command whose tool is not installed is
//! skipped.

#![cfg(all(unix, feature = "cli", feature = "serve"))]

mod common;

use common::{presort, wait};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Most lines of the README.
const README_LINES: usize = 250;

/// Tools that documents use and a machine may lack.
const TOOLS: [&str; 6] = ["jq", "curl", "zstd", "gzip", "zcat", "docker"];

/// Programs of the tree that take minutes, or need more than a test has. Their commands must name a file that can be run.
const STUBBED: [&str; 8] = [
    ".ci/run",
    ".ci/clients/run",
    ".ci/page/run",
    ".ci/sandbox/run",
    ".ci/schema/run",
    "benches/peers/run.sh",
    "benches/peers/growth.sh",
    "fuzz/run",
];

/// Answers for cargo: the program itself for `cargo run`; for the rest, whether what it names is there.
const CARGO: &str = r#"#!/usr/bin/env bash
set -euo pipefail
verb=${1:-}; shift || true
case $verb in
run)
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        case $1 in
        --release) ;;
        --example) exec test -f "examples/$2.rs" ;;
        *) echo "cargo run $1: unknown to this test" >&2; exit 2 ;;
        esac
        shift
    done
    shift
    exec presort "$@"
    ;;
build | test | bench | doc | fmt | clippy | deny | fuzz) ;;
install) ;;
*) echo "cargo $verb: unknown to this test" >&2; exit 2 ;;
esac
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
    --test) test -f "tests/$2.rs" || { echo "no test $2" >&2; exit 2; }; shift ;;
    --bench) test -f "benches/$2.rs" || { echo "no bench $2" >&2; exit 2; }; shift ;;
    --example) test -f "examples/$2.rs" || { echo "no example $2" >&2; exit 2; }; shift ;;
    --path) test -f "$2/Cargo.toml" || { echo "no package in $2" >&2; exit 2; }; shift ;;
    esac
    shift
done
"#;

/// The program; a server listens at a port that is free, and this and `.curlrc` lead requests for the usual port there.
const PRESORT: &str = r#"#!/usr/bin/env bash
if [ "${1:-}" = serve ]; then
    exec "$PRESORT_BUILT" "$@" --listen "127.0.0.1:$DOCUMENTED_PORT"
fi
exec "$PRESORT_BUILT" "${@//127.0.0.1:8080/127.0.0.1:$DOCUMENTED_PORT}"
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README, CONTRIBUTING and `docs/*.md`, as paths from the root.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![PathBuf::from("README.md"), PathBuf::from("CONTRIBUTING.md")];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path.strip_prefix(root()).unwrap().to_owned());
        }
    }
    documents.sort();
    documents
}

/// The files that a fresh checkout has; without git, those of the package.
fn files() -> Vec<PathBuf> {
    let tracked: Vec<PathBuf> = git(root(), &["ls-files", "-z"])
        .map(|names| names.split_terminator('\0').map(PathBuf::from).collect())
        .unwrap_or_default();
    if !tracked.is_empty() {
        // A tracked file may have been removed from the work tree.
        return tracked.into_iter().filter(|file| root().join(file).is_file()).collect();
    }
    let mut files = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_owned();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else {
                files.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    files
}

/// Runs git in a folder; its standard output, if there is a git and it can do that.
fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    // A hook that runs the tests has these for its own repository.
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        git.env_remove(name);
    }
    let ran = git.args(args).current_dir(folder).output().ok().filter(|ran| ran.status.success())?;
    String::from_utf8(ran.stdout).ok()
}

/// A copy of the checkout, as a repository of its own where there is a git.
fn checkout(to: &Path) {
    for file in files() {
        let copy = to.join(&file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(root().join(&file), &copy).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }
    for file in STUBBED.iter().map(|file| to.join(file)).filter(|file| file.exists()) {
        let mode = fs::metadata(&file).unwrap().permissions();
        fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
        fs::set_permissions(&file, mode).unwrap();
    }
    let _ = git(to, &["init", "--quiet"]).and_then(|_| git(to, &["add", "--all", "--force"]));
}

/// A command of a document.
#[derive(Debug, PartialEq)]
struct Documented {
    line: usize,
    text: String,
    /// The status that its comment names.
    status: Option<i32>,
}

/// The commands of a document, in order. One that ends in a backslash, or has a here-document, goes on in the next line.
fn commands(document: &str) -> Vec<Documented> {
    let mut commands: Vec<Documented> = Vec::new();
    let mut in_console = false;
    let mut until: Option<String> = None;
    let mut continued = false;
    for (number, line) in document.lines().enumerate() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            in_console = fence.trim() == "console";
            continue;
        }
        if !in_console {
            continue;
        }
        if continued || until.is_some() {
            let text = &mut commands.last_mut().unwrap().text;
            let _ = write!(text, "\n{line}");
            if until.as_deref() == Some(line) {
                until = None;
            }
            continued = until.is_none() && line.ends_with('\\');
        } else if let Some(text) = line.trim_start().strip_prefix("$ ") {
            let status = text.split_once("# status ").map(|(_, status)| {
                let digits: String = status.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().unwrap_or_else(|_| panic!("line {}: no status in {text:?}", number + 1))
            });
            until = text.split_once("<<").map(|(_, word)| {
                word.trim_start_matches('\'').chars().take_while(char::is_ascii_alphanumeric).collect()
            });
            continued = text.ends_with('\\');
            commands.push(Documented { line: number + 1, text: text.to_owned(), status });
        }
    }
    assert!(until.is_none() && !continued, "a command has no end");
    commands
}

/// The tools of a command that are not installed.
fn missing(command: &str, path: &std::ffi::OsStr) -> Option<&'static str> {
    let words: Vec<&str> = command.split(|c: char| c.is_whitespace() || "|;&()".contains(c)).collect();
    let installed = |tool: &str| std::env::split_paths(path).any(|folder| folder.join(tool).is_file());
    TOOLS.into_iter().find(|tool| words.contains(tool) && !installed(tool))
}

/// Runs the commands of one document in a fresh copy of the checkout; what failed, in words.
fn failures(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let commands = commands(&text);
    if commands.is_empty() {
        return Vec::new();
    }
    let dir = tempfile::tempdir().unwrap();
    let (tree, bin, home) = (dir.path().join("tree"), dir.path().join("bin"), dir.path().join("home"));
    checkout(&tree);
    for folder in [&bin, &home] {
        fs::create_dir(folder).unwrap();
    }
    for (name, script) in [("cargo", CARGO), ("presort", PRESORT)] {
        fs::write(bin.join(name), script).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fs::write(home.join(".curlrc"), format!("connect-to = \"127.0.0.1:8080:127.0.0.1:{port}\"\nmax-time = 60\n"))
        .unwrap();
    let statuses = dir.path().join("statuses");

    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut script = String::from("set -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n");
    let mut run = Vec::new();
    for command in &commands {
        if let Some(tool) = missing(&command.text, &path) {
            eprintln!("{}:{}: skipped, {tool} is not installed", document.display(), command.line);
            continue;
        }
        let _ = write!(script, "{}\necho $? >>\"$STATUSES\"\n", command.text);
        if command.text.trim_end().ends_with('&') {
            // A reader takes longer to type the next command than a server takes to start.
            script += "for _ in {1..200}; do (: </dev/tcp/127.0.0.1/$DOCUMENTED_PORT) 2>/dev/null && break; sleep 0.05; done\n";
        }
        run.push(command);
    }
    let mut child = Command::new("bash");
    child.arg("-c").arg(&script).current_dir(&tree).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    child.env("HOME", &home).env("STATUSES", &statuses).env("DOCUMENTED_PORT", port.to_string());
    child.env("PRESORT_BUILT", env!("CARGO_BIN_EXE_presort")).env("TMPDIR", dir.path());
    for name in ["ACCOUNT", "REDACT_KEY", "CONFIG", "BASE_URL", "CLIENT_ID", "ACCESS_TOKEN"] {
        child.env_remove(format!("PRESORT_{name}"));
    }
    for name in ["RUST_LOG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "http_proxy", "https_proxy", "HTTP_PROXY"] {
        child.env_remove(name);
    }
    let folders = std::iter::once(bin).chain(std::env::split_paths(&path));
    child.env("PATH", std::env::join_paths(folders).unwrap());
    let ran = wait(child.spawn().expect("bash starts"));

    let statuses = fs::read_to_string(&statuses).unwrap_or_default();
    let statuses: Vec<i32> = statuses.lines().map(|status| status.parse().unwrap()).collect();
    assert_eq!(statuses.len(), run.len(), "{}: the shell stopped early: {}", document.display(), ran.err);
    let mut failures = Vec::new();
    for (command, status) in run.into_iter().zip(statuses) {
        // 1 is an answer of presort; of anything else it is an error. 141: whoever read the pipe had enough.
        let by_presort = ["presort", "cargo run"].iter().any(|name| command.text.contains(name));
        let good = match command.status {
            Some(documented) => status == documented,
            None => status == 0 || status == 141 || (status == 1 && by_presort),
        };
        if !good {
            failures.push(format!("{}:{}: status {status}: {}", document.display(), command.line, command.text));
        }
    }
    if !failures.is_empty() {
        failures.push(ran.err);
    }
    if let Some(new) = git(&tree, &["ls-files", "--others", "--exclude-standard"]).filter(|new| !new.is_empty()) {
        failures.push(format!("{} makes files that .gitignore does not name: {new}", document.display()));
    }
    failures
}

#[test]
fn commands_in_the_documents_run_as_they_are_written() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> =
            documents().into_iter().map(|document| scope.spawn(move || failures(&document))).collect();
        running.into_iter().flat_map(|failures| failures.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_readme_is_short() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme.lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines; facts belong into docs/");
    for command in
        ["cargo run --release -- clean testdata/sample.json -o cleaned.json --report findings.ndjson", "cargo test"]
    {
        assert!(commands(&readme).iter().any(|documented| documented.text == command), "{command} is not in README.md");
    }
}

/// Links of a document to files of the tree, without their anchors.
fn links(document: &str) -> Vec<&str> {
    let inline = document.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let pictures = document.split("src").skip(1).filter_map(|rest| {
        rest.strip_prefix("set=\"").or_else(|| rest.strip_prefix("=\"")).and_then(|rest| rest.split('"').next())
    });
    inline
        .chain(pictures)
        .filter(|link| !link.contains("://") && !link.starts_with('#'))
        .map(|link| link.split('#').next().unwrap())
        .collect()
}

#[test]
fn links_lead_to_files() {
    for document in documents() {
        let text = fs::read_to_string(root().join(&document)).unwrap();
        for link in links(&text) {
            let target = root().join(&document).parent().unwrap().join(link);
            assert!(target.exists(), "{}: there is no {link}", document.display());
        }
    }
}

/// The table of rules, as `docs/rules.md` has it.
fn table() -> String {
    let ran = presort().args(["explain", "--format", "json"]).output().unwrap();
    let rules: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let mut table = String::from("| code | severity | outcome | what is wrong |\n| --- | --- | --- | --- |\n");
    for rule in rules.as_array().unwrap() {
        let text = |name: &str| rule[name].as_str().unwrap().to_owned();
        let outcome = text("outcome").replace('_', " ");
        let _ = writeln!(table, "| {} | {} | {outcome} | {} |", text("code"), text("severity"), text("message"));
    }
    table
}

/// `PRESORT_BLESS=1 cargo test --test documentation` writes the table anew.
#[test]
fn the_table_of_rules_is_that_of_the_program() {
    let path = root().join("docs/rules.md");
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find("| code |").expect("docs/rules.md has a table");
    let end = start + text[start..].find("\n\n").expect("text behind the table") + 1;
    if std::env::var_os("PRESORT_BLESS").is_some() {
        fs::write(&path, format!("{}{}{}", &text[..start], table(), &text[end..])).unwrap();
        return;
    }
    assert!(text[start..end] == table(), "docs/rules.md is not what `presort explain` says; see PRESORT_BLESS here");
}

#[test]
fn quoted_output_is_that_of_the_program() {
    let formats = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    // The rejects name their input.
    let sample = "testdata/sample.json";
    fs::create_dir(dir.path().join("testdata")).unwrap();
    fs::copy(root().join(sample), dir.path().join(sample)).unwrap();
    let ran = presort()
        .args(["clean", "-q", "-o", "out", "--report", "report", "--changes", "changes", "--rejects", "rejects"])
        .arg(sample)
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let written =
        ["report", "changes", "rejects"].map(|file| fs::read_to_string(dir.path().join(file)).unwrap()).concat();
    let quoted: Vec<&str> =
        formats.lines().filter(|l| l.starts_with("{\"contact\":") || l.starts_with("{\"first_name\"")).collect();
    assert_eq!(quoted.len(), 3);
    for line in quoted {
        assert!(
            written.lines().any(|other| other == line),
            "docs/formats.md quotes what is not written any more: {line}"
        );
    }
    let explained = presort().args(["explain", "PHN001"]).output().unwrap().stdout;
    let rules = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    assert!(
        rules.contains(std::str::from_utf8(&explained).unwrap()),
        "docs/rules.md quotes another `presort explain PHN001`"
    );
}

/// The text of a picture, without its markup.
fn text_of(picture: &str) -> Vec<String> {
    let plain = |line: &str| {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, tag)) = rest.split_once('<') {
            text += before;
            rest = tag.split_once('>').map_or("", |(_, rest)| rest);
        }
        (text + rest).replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    picture.lines().filter(|line| line.starts_with("<text")).map(plain).collect()
}

#[test]
fn the_picture_is_of_a_run_of_the_program() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("testdata")).unwrap();
    fs::copy(root().join("testdata/sample.json"), dir.path().join("testdata/sample.json")).unwrap();
    let ran = presort()
        .args(["clean", "testdata/sample.json", "-o", "cleaned.json", "--report", "findings.ndjson"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let explained = presort().args(["explain", "CON002"]).output().unwrap();
    let output = String::from_utf8(ran.stderr).unwrap() + &String::from_utf8(explained.stdout).unwrap();
    // How long a run took, and the rate, differ from run to run.
    let untimed = |line: &str| match line.split_once("/s)") {
        Some((before, behind)) => format!("{}{behind}", before.rsplit_once(" (").unwrap().0),
        None => line.to_owned(),
    };
    let expected: Vec<String> = output.lines().filter(|line| !line.is_empty()).map(untimed).collect();
    for picture in ["docs/run-light.svg", "docs/run-dark.svg"] {
        let shown = text_of(&fs::read_to_string(root().join(picture)).unwrap());
        let shown: Vec<String> =
            shown.iter().filter(|line| !line.starts_with("$ ")).map(|line| untimed(line)).collect();
        assert_eq!(shown, expected, "{picture} is of another run; docs/picture makes it anew");
    }
}

#[test]
fn the_checks_can_fail() {
    let document =
        "```console\n$ one \\\n    two\nout\n$ three <<'END'\n$ in it\nEND\n$ four   # status 2: so it is\n```\n$ no\n";
    let found: Vec<(usize, String, Option<i32>)> =
        commands(document).into_iter().map(|command| (command.line, command.text, command.status)).collect();
    assert_eq!(
        found,
        [
            (2, "one \\\n    two".to_owned(), None),
            (5, "three <<'END'\n$ in it\nEND".to_owned(), None),
            (8, "four   # status 2: so it is".to_owned(), Some(2)),
        ]
    );
    assert_eq!(
        links("[a](docs/b.md#c) <img src=\"d.svg\"> <source srcset=\"e.svg\"> [x](https://y)"),
        ["docs/b.md", "d.svg", "e.svg"]
    );
    assert_eq!(missing("a | jq .", std::ffi::OsStr::new("/nonexistent")), Some("jq"));
    assert_eq!(text_of("<text y=\"1\">a <tspan>&lt;b</tspan></text>"), ["a <b"]);
}
