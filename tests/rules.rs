//! Every rule from outside: the program reads each fixture in `testdata/rules` as a file and as a pipe, and the test compares all
//! of its output with what the fixture expects. `testdata/README.md` describes the format.

#![cfg(feature = "cli")]

use presort::model::finding::Code;
use presort::rules::{Effect, all, rule};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// JSON that keeps the order of members, repeated members, and the text of numbers.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    /// A number, `true`, `false` or `null`, as its text.
    Word(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn parse(text: &str) -> Json {
        Json::of(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    fn of(raw: &RawValue) -> Json {
        let text = raw.get();
        match text.as_bytes()[0] {
            b'"' => Json::Text(serde_json::from_str(text).unwrap()),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).unwrap();
                Json::List(items.into_iter().map(Json::of).collect())
            }
            b'{' => {
                let Members(members) = serde_json::from_str(text).unwrap();
                Json::Object(members.into_iter().map(|(name, value)| (name, Json::of(value))).collect())
            }
            _ => Json::Word(text.to_owned()),
        }
    }

    /// Expands `$repeat` and `$join`.
    fn expand(self) -> Json {
        match self {
            Json::Object(members) => match members.as_slice() {
                [(name, Json::List(parts))] if name == "$join" => {
                    Json::Text(parts.iter().map(|part| part.clone().expand().text().to_owned()).collect())
                }
                [(name, Json::List(parts))] if name == "$repeat" => match parts.as_slice() {
                    [Json::Text(text), Json::Word(times)] => Json::Text(text.repeat(times.parse().unwrap())),
                    other => panic!("$repeat takes a text and a number, not {other:?}"),
                },
                _ => Json::Object(members.into_iter().map(|(name, value)| (name, value.expand())).collect()),
            },
            Json::List(items) => Json::List(items.into_iter().map(Json::expand).collect()),
            other => other,
        }
    }

    fn get(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else { panic!("no object: {self:?}") };
        members.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    fn is_null(&self) -> bool {
        *self == Json::Word("null".into())
    }

    fn text(&self) -> &str {
        let Json::Text(text) = self else { panic!("no text: {self:?}") };
        text
    }

    fn list(&self) -> &[Json] {
        let Json::List(items) = self else { panic!("no array: {self:?}") };
        items
    }

    fn texts(&self) -> Vec<String> {
        self.list().iter().map(|item| item.text().to_owned()).collect()
    }

    /// Compact JSON, as the program writes it.
    fn compact(&self) -> String {
        let string = |text: &str| serde_json::to_string(text).unwrap();
        match self {
            Json::Word(word) => word.clone(),
            Json::Text(text) => string(text),
            Json::List(items) => format!("[{}]", items.iter().map(Json::compact).collect::<Vec<_>>().join(",")),
            Json::Object(members) => {
                let member = |(name, value): &(String, Json)| format!("{}:{}", string(name), value.compact());
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// The members of an object, in their order, repeated ones included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// One file of `testdata/rules`.
struct Fixture {
    code: Code,
    args: Vec<String>,
    files: Vec<(String, String)>,
    inputs: Vec<Vec<u8>>,
    mode: String,
    exit: i32,
    output: Json,
    findings: Vec<Json>,
    rejects: Vec<String>,
    error: Option<String>,
}

const MEMBERS: [&str; 11] =
    ["title", "args", "files", "input", "inputs", "mode", "exit", "output", "findings", "rejects", "error"];

impl Fixture {
    fn read(path: &Path) -> Fixture {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let code = Code::parse(name).unwrap_or_else(|| panic!("{name} is no code"));
        assert_eq!(code.as_str(), name);
        let fixture = Json::parse(&std::fs::read_to_string(path).unwrap()).expand();
        let Json::Object(members) = &fixture else { panic!("{code}: no object") };
        for (member, _) in members {
            assert!(MEMBERS.contains(&member.as_str()), "{code}: a fixture has no member {member}");
        }
        let get = |name: &str| fixture.get(name).unwrap_or_else(|| panic!("{code}: {name} is missing"));
        let title = get("title").text();
        assert!(title.len() > 3 && !title.contains('\n'), "{code}: {title:?} is no title");
        // A text is the input itself; a file of the test data is named; any other value is the document, written on one line.
        let input = |json: &Json| match json {
            Json::Text(text) => text.clone().into_bytes(),
            Json::Object(members) if members.len() == 1 && members[0].0 == "$file" => {
                std::fs::read(Path::new("testdata").join(members[0].1.text())).unwrap()
            }
            other => (other.compact() + "\n").into_bytes(),
        };
        let inputs = match fixture.get("inputs") {
            Some(inputs) => inputs.list().iter().map(input).collect(),
            None => vec![input(get("input"))],
        };
        let files = match fixture.get("files") {
            Some(Json::Object(files)) => files.iter().map(|(name, text)| (name.clone(), text.text().into())).collect(),
            _ => Vec::new(),
        };
        let Json::Word(exit) = get("exit") else { panic!("{code}: exit is a number") };
        Fixture {
            code,
            args: get("args").texts(),
            files,
            inputs,
            mode: get("mode").text().to_owned(),
            exit: exit.parse().unwrap(),
            output: get("output").clone(),
            findings: get("findings").list().to_vec(),
            rejects: get("rejects").texts(),
            error: fixture.get("error").map(|error| error.text().to_owned()),
        }
    }

    /// The expected content of the output file, or in split mode the bodies.
    fn expected(&self) -> Option<Vec<String>> {
        match (self.mode.as_str(), &self.output) {
            (_, output) if output.is_null() => None,
            ("request", body) => Some(vec![body.compact()]),
            ("ndjson", lines) => Some(vec![lines.list().iter().map(|line| line.compact() + "\n").collect()]),
            ("split", bodies) => Some(bodies.list().iter().map(Json::compact).collect()),
            (mode, _) => panic!("{}: mode {mode} writes nothing", self.code),
        }
    }

    /// Runs the program; the last input comes through standard input if `pipe`.
    fn run(&self, pipe: bool) -> Ran {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (name, text) in &self.files {
            std::fs::write(at(name), text).unwrap();
        }
        let check = self.mode == "check";
        let mut command = Command::new(env!("CARGO_BIN_EXE_presort"));
        command.current_dir(dir.path()).arg(if check { "check" } else { "clean" });
        for (i, input) in self.inputs.iter().enumerate() {
            if pipe && i + 1 == self.inputs.len() {
                command.arg("-");
            } else {
                let name = format!("input-{}", i + 1);
                std::fs::write(at(&name), input).unwrap();
                command.arg(name);
            }
        }
        command.args(["--quiet", "--report", "report", "--receipt", "receipt"]).args(&self.args);
        if !check {
            command.args(["--changes", "changes", "--rejects", "rejects", "--bare-rejects", "--output", "output"]);
        }
        match self.mode.as_str() {
            "ndjson" => drop(command.args(["--format", "ndjson"])),
            "split" => drop(command.arg("--split")),
            "request" | "check" => {}
            mode => panic!("{}: no mode is {mode}", self.code),
        }
        let input = self.inputs.last().filter(|_| pipe);
        let Output { status, stdout, stderr } = feed(command, input.map_or(&[][..], Vec::as_slice));
        assert_eq!(stdout, b"", "{}: something was written to standard output", self.code);
        let read = |path: &Path| match std::fs::read(path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => None,
        };
        let output = if self.mode == "split" {
            let bodies: Vec<String> =
                (1..).map_while(|number: u32| read(&at("output").join(format!("payload-{number:05}.json")))).collect();
            (!bodies.is_empty() || at("output").join("receipt.json").exists()).then_some(bodies)
        } else {
            read(&at("output")).map(|output| vec![output])
        };
        let last = format!("input-{}", self.inputs.len());
        Ran {
            exit: status.code().unwrap(),
            output,
            report: read(&at("report")),
            changes: read(&at("changes")),
            rejects: read(&at("rejects")),
            receipt: read(&at("receipt")),
            stderr: String::from_utf8(stderr).unwrap().replace(&last, "standard input"),
        }
    }
}

/// The output of a run.
#[derive(Debug)]
struct Ran {
    exit: i32,
    output: Option<Vec<String>>,
    report: Option<String>,
    changes: Option<String>,
    rejects: Option<String>,
    receipt: Option<String>,
    stderr: String,
}

/// Runs a command with these bytes on its standard input.
fn feed(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The program may close the pipe before it has read everything.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

/// The fixtures for this test; those of imports are for tests/account.rs.
fn cleaning_fixtures() -> Vec<PathBuf> {
    let is_import = |path: &PathBuf| std::fs::read_to_string(path).unwrap().contains(r#""mode": "import""#);
    fixtures().into_iter().filter(|path| !is_import(path)).collect()
}

fn fixtures() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/rules");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_code_has_a_fixture_and_every_fixture_a_code() {
    let names: BTreeSet<String> =
        fixtures().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.json")).collect();
    assert_eq!(names, codes);
}

#[test]
fn fixtures_come_out_as_they_say() {
    let mut faults = String::new();
    for path in cleaning_fixtures() {
        let fixture = Fixture::read(&path);
        let code = fixture.code;
        let ran = [fixture.run(false), fixture.run(true)];
        for (ran, by) in ran.iter().zip(["file", "pipe"]) {
            if let Err(fault) = compare(&fixture, ran) {
                let _ = writeln!(faults, "{code}, by {by}: {fault}");
            }
        }
        let [file, pipe] = &ran;
        let all = |ran: &Ran| {
            let Ran { exit, output, report, changes, rejects, receipt, stderr } = ran;
            // Receipts differ in the kind of input and the time.
            let receipt = receipt.is_some();
            format!("{exit:?} {output:?} {report:?} {changes:?} {rejects:?} {receipt:?} {stderr:?}")
        };
        if all(file) != all(pipe) {
            let _ = writeln!(faults, "{code}: file and pipe differ:\n  {}\n  {}", all(file), all(pipe));
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

fn compare(fixture: &Fixture, ran: &Ran) -> Result<(), String> {
    let same = |what: &str, is: &dyn std::fmt::Debug, should: &dyn std::fmt::Debug| {
        let (is, should) = (format!("{is:?}"), format!("{should:?}"));
        let short = |text: &str| text.chars().take(3000).collect::<String>();
        if is == should { Ok(()) } else { Err(format!("{what}\n  is     {}\n  not    {}", short(&is), short(&should))) }
    };
    same("exit status", &ran.exit, &fixture.exit)?;
    same("output", &ran.output, &fixture.expected())?;
    let lines = |file: &Option<String>| -> Vec<String> {
        file.as_deref().unwrap_or_default().split_terminator('\n').map(str::to_owned).collect()
    };
    let findings: Vec<Json> =
        lines(&ran.report).into_iter().chain(lines(&ran.changes)).map(|line| Json::parse(&line)).collect();
    let subset = |finding: &Json| -> Json {
        let names = ["contact", "code", "field", "severity", "outcome", "value", "to"];
        let member = |name: &str| finding.get(name).map(|value| (name.to_owned(), value.clone()));
        Json::Object(names.into_iter().filter_map(member).collect())
    };
    let compact = |findings: &[Json]| findings.iter().map(|finding| subset(finding).compact()).collect::<Vec<_>>();
    same("findings", &compact(&findings), &compact(&fixture.findings))?;
    same("rejects", &lines(&ran.rejects), &fixture.rejects)?;
    match &fixture.error {
        Some(error) if fixture.exit == 2 => {
            if !ran.stderr.contains(error) {
                return Err(format!("standard error does not contain {error:?}: {:?}", ran.stderr));
            }
        }
        None if fixture.exit != 2 => same("standard error", &ran.stderr, &"")?,
        _ => return Err("`error` stands where the exit status is 2, and only there".into()),
    }
    let receipt: serde_json::Value = match &ran.receipt {
        Some(receipt) => serde_json::from_str(receipt).map_err(|error| error.to_string())?,
        None if fixture.exit == 2 => return Ok(()),
        None => return Err("there is no receipt".into()),
    };
    let mut counts = std::collections::BTreeMap::new();
    for finding in &fixture.findings {
        *counts.entry(finding.get("code").unwrap().text()).or_insert(0) += 1;
    }
    same("findings by code", &receipt["findings"].to_string(), &serde_json::json!(counts).to_string())?;
    // Rejects of a table begin with its header.
    let head = fixture.rejects.iter().take(1).filter(|line| line.starts_with("email")).count();
    same("contacts rejected", &receipt["contacts"]["rejected"].as_u64(), &Some((fixture.rejects.len() - head) as u64))
}

#[test]
fn fixtures_show_their_rule() {
    for path in cleaning_fixtures() {
        let fixture = Fixture::read(&path);
        let (code, rule) = (fixture.code, rule(fixture.code));
        let own: Vec<&Json> =
            fixture.findings.iter().filter(|finding| finding.get("code").unwrap().text() == code.as_str()).collect();
        if rule.effect == Effect::Stops {
            assert_eq!((fixture.exit, own.len()), (2, 0), "{code}");
            assert!(fixture.output.is_null() && fixture.findings.is_empty() && fixture.rejects.is_empty(), "{code}");
            let error = fixture.error.as_deref().unwrap_or_default();
            assert!(error.contains(&format!("{code}: {}", rule.message)) && error.contains(rule.help), "{code}");
            continue;
        }
        assert!(!own.is_empty(), "{code} does not occur in its fixture");
        assert!(
            own.iter().any(|finding| finding.get("outcome").unwrap().text() == rule.effect.as_str()),
            "{code}: no finding shows {:?}",
            rule.effect
        );
        for finding in &own {
            assert_eq!(finding.get("severity").unwrap().text(), rule.severity.as_str(), "{code}");
        }
        for finding in &fixture.findings {
            let word = |name: &str| finding.get(name).unwrap().text();
            let rule = presort::rules::rule(Code::parse(word("code")).unwrap());
            assert_eq!(word("severity"), rule.severity.as_str(), "{code}");
            let (outcome, changes) = (word("outcome"), rule.effect == Effect::Changes);
            assert_eq!(outcome == "changed", changes, "{code}");
            assert_eq!(finding.get("to").is_some(), changes, "{code}");
            // What is held back or kept can still go with its contact; what rejects always does.
            assert!(outcome == rule.effect.as_str() || outcome == "rejected", "{code}");
        }
        // The exit status is 1 when something was rejected or held back, and only then.
        let lost = |finding: &Json| matches!(finding.get("outcome").unwrap().text(), "rejected" | "held_back");
        assert_eq!(fixture.exit, i32::from(fixture.findings.iter().any(lost)), "{code}");
    }
}

fn explain(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_presort"));
    command.arg("explain").args(args);
    let Output { status, stdout, stderr } = feed(command, b"");
    let stderr = String::from_utf8_lossy(&stderr);
    assert_eq!((status.code(), &*stderr), (Some(0), ""), "{args:?}");
    String::from_utf8(stdout).unwrap()
}

#[test]
fn every_code_is_explained() {
    for rule in all() {
        let code = rule.code.as_str();
        let text = explain(&[code]);
        for part in [code, rule.message, rule.help, rule.why, rule.before, rule.after, rule.severity.as_str()] {
            assert!(text.contains(part), "{code}: {part:?} is not in\n{text}");
        }
        assert_eq!(explain(&[&code.to_lowercase()]), text);
    }
}

#[test]
fn all_codes_are_listed() {
    let table = explain(&[]);
    let codes: Vec<&str> = table.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(codes, Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
    for (line, rule) in table.lines().zip(all()) {
        assert!(line.ends_with(rule.message) && line.contains(rule.severity.as_str()), "{line}");
    }
}

#[test]
fn the_table_is_there_as_json() {
    let json: serde_json::Value = serde_json::from_str(&explain(&["--format", "json"])).unwrap();
    let rules = json.as_array().unwrap();
    assert_eq!(rules.len(), Code::COUNT);
    for (json, rule) in rules.iter().zip(all()) {
        let one: serde_json::Value = serde_json::from_str(&explain(&[rule.code.as_str(), "--format", "json"])).unwrap();
        assert_eq!(*json, one);
        let expected = serde_json::json!({
            "code": rule.code.as_str(),
            "severity": rule.severity.as_str(),
            "outcome": rule.effect.as_str(),
            "message": rule.message,
            "help": rule.help,
            "why": rule.why,
            "before": rule.before,
            "after": rule.after,
        });
        assert_eq!(*json, expected);
    }
}

#[test]
fn an_unknown_code_is_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_presort"));
    command.args(["explain", "EML999"]);
    let Output { status, stdout, stderr } = feed(command, b"");
    assert_eq!((status.code(), stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&stderr).contains("EML999 is not a code"));
}
