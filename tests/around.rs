//! What surrounds a run: completions, manual pages, configuration, global options.

#![cfg(all(feature = "cli", feature = "account", feature = "send", feature = "serve"))]

mod common;

use common::{Dir, LIST, presort, wait};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The program in a directory, without a configuration of the user.
fn program(dir: &Dir) -> Command {
    let mut command = presort();
    command
        .env_remove("PRESORT_ACCOUNT")
        .current_dir(dir.root())
        .env("XDG_CONFIG_HOME", dir.path("user-config"))
        .env("COLUMNS", "100");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn run(dir: &Dir, args: &[&str]) -> common::Ran {
    wait(program(dir).args(args).spawn().unwrap())
}

/// The subcommands of a help text.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).filter(|name| name != "help").collect()
}

/// The long options of a help text.
fn options(help: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in help.lines().map(str::trim_start) {
        let line = if line.starts_with("--") { line } else { line.split_once(", ").map_or("", |(_, long)| long) };
        if let Some(rest) = line.strip_prefix("--") {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            found.insert(format!("--{}", &rest[..end]));
        }
    }
    found
}

/// Every subcommand, as its words, with its long options.
fn all_options(dir: &Dir) -> BTreeMap<Vec<String>, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    let mut left = vec![Vec::new()];
    while let Some(words) = left.pop() {
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        args.push("--help");
        let ran = run(dir, &args).exits(0);
        left.extend(subcommands(ran.text()).into_iter().map(|name| [words.clone(), vec![name]].concat()));
        all.insert(words, options(ran.text()));
    }
    all
}

#[test]
fn every_option_is_in_help_pages_and_completions() {
    let dir = Dir::new();
    let all = all_options(&dir);
    assert!(all.len() > 20 && all.values().map(BTreeSet::len).sum::<usize>() > 150, "{all:?}");
    run(&dir, &["man", "man1"]).exits(0);
    for (words, options) in &all {
        let page = [&["presort".to_owned()], &words[..]].concat().join("-");
        let text = fs::read_to_string(dir.path("man1").join(format!("{page}.1"))).unwrap().replace('\\', "");
        for option in options {
            assert!(text.contains(option.as_str()), "{page} has no {option}");
        }
    }
    assert_eq!(fs::read_dir(dir.path("man1")).unwrap().count(), all.len());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&dir, &["completions", shell]).exits(0);
        for (words, option) in all.iter().flat_map(|(words, options)| options.iter().map(move |option| (words, option)))
        {
            // The script for fish does not go deeper than `account fields`.
            if shell == "fish" && words.len() > 2 {
                continue;
            }
            let name = if shell == "fish" { format!("-l {}", &option[2..]) } else { option.clone() };
            assert!(script.text().contains(&name), "{shell} has no {option}");
        }
    }
}

#[test]
fn pages_are_not_overwritten_unasked() {
    let dir = Dir::new();
    run(&dir, &["man", "man1"]).exits(0);
    run(&dir, &["man", "man1"]).exits(2).says(&["presort.1", "--force"]);
    run(&dir, &["man", "man1", "--force"]).exits(0);
    run(&dir, &["completions", "tcsh"]).exits(2).says(&["bash"]);
}

/// One contact, with a phone number.
const CONTACT: &str = "{\"email\":\"joe@example.com\",\"first_name\":\"Joe\",\"home_phone\":\"(555) 123-4567\"}\n";

/// The phone number of the only contact of a body.
fn phone(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["import_data"][0]["home_phone"].as_str().unwrap().to_owned()
}

#[test]
fn an_option_takes_precedence_over_the_environment_and_that_over_a_file() {
    let dir = Dir::new();
    dir.write("in", CONTACT);
    let other = "9b4e1c1a-3f0a-4f6e-8d7b-1f2e3d4c5b6a";
    dir.write(
        "presort.toml",
        format!("[clean]\nphone-format = \"digits\"\nlist-id = [\"{LIST}\", \"{other}\"]\nquiet = true\n"),
    );
    let lists = |ran: &common::Ran| ran.json()["list_ids"].as_array().unwrap().clone();
    let ran = run(&dir, &["clean", "in"]).exits(0);
    assert_eq!((phone(&ran.out).as_str(), ran.err.as_str()), ("5551234567", ""));
    assert_eq!(lists(&ran), [LIST, other]);
    // Lists are replaced, not joined.
    let ran = run(&dir, &["clean", "in", "--list-id", other, "--phone-format=dashed"]).exits(0);
    assert_eq!((phone(&ran.out).as_str(), lists(&ran)), ("555-123-4567", vec![other.into()]));
    let ran = wait(program(&dir).args(["clean", "in"]).env("PRESORT_LIST_ID", other).spawn().unwrap()).exits(0);
    assert_eq!(lists(&ran), [other]);
    let both = format!("{other},{LIST}");
    let ran = wait(program(&dir).args(["clean", "in"]).env("PRESORT_LIST_ID", both).spawn().unwrap()).exits(0);
    assert_eq!(lists(&ran), [other, LIST]);
    let ran =
        wait(program(&dir).args(["clean", "in", "-l", LIST]).env("PRESORT_LIST_ID", other).spawn().unwrap()).exits(0);
    assert_eq!(lists(&ran), [LIST]);
    // A switch of the file is turned off.
    let ran = run(&dir, &["clean", "in", "--quiet=false"]).exits(0);
    assert!(ran.err.contains("1 "), "{}", ran.err);
    // Names behind -- are inputs.
    run(&dir, &["clean", "--", "in"]).exits(0);
    run(&dir, &["clean", "--", "--config"]).exits(2).says(&["--config"]);
}

#[test]
fn the_file_is_the_one_named_or_the_one_here_or_that_of_the_user() {
    let dir = Dir::new();
    dir.write("in", CONTACT);
    let config = |name: &str, list: &str| {
        dir.write(name, format!("[clean]\nlist-id = \"{list}\"\n"));
    };
    let lists = |args: &[&str], variable: Option<&str>| {
        let mut command = program(&dir);
        command.args(["clean", "in", "-q"]).args(args);
        variable.map(|name| command.env("PRESORT_CONFIG", name));
        let ran = wait(command.spawn().unwrap());
        match ran.code() {
            0 => ran.json()["list_ids"][0].as_str().unwrap().to_owned(),
            _ => ran.err,
        }
    };
    let id = |n: u32| format!("9b4e1c1a-3f0a-4f6e-8d7b-00000000000{n}");
    assert!(lists(&[], None).contains("list"));
    fs::create_dir_all(dir.path("user-config/presort")).unwrap();
    config("user-config/presort/config.toml", &id(1));
    assert_eq!(lists(&[], None), id(1));
    config("presort.toml", &id(2));
    assert_eq!(lists(&[], None), id(2));
    config("by-variable", &id(3));
    assert_eq!(lists(&[], Some("by-variable")), id(3));
    config("by-option", &id(4));
    assert_eq!(lists(&["--config", "by-option"], Some("by-variable")), id(4));
    assert!(lists(&["--config", "none"], Some("by-variable")).contains("list"));
    assert!(lists(&["--config", "missing"], None).contains("missing"));
    assert!(lists(&["--config", "user-config"], None).contains("no regular file"));
    // The option stands anywhere.
    let ran = run(&dir, &["--config", "by-option", "clean", "in"]).exits(0);
    assert_eq!(ran.json()["list_ids"][0], id(4).as_str());
}

#[test]
fn a_file_here_may_not_redirect_contacts() {
    let dir = Dir::new();
    dir.write("in", CONTACT);
    for (section, line, key) in [
        ("clean", "output = \"elsewhere\"", "output"),
        ("clean", "rejects = \"elsewhere\"", "rejects"),
        ("clean", "report = \"elsewhere\"", "report"),
        ("clean", "receipt = \"elsewhere\"", "receipt"),
        ("clean", "changes = \"elsewhere\"", "changes"),
        ("clean", "force = true", "force"),
        ("clean", "replace = true", "replace"),
        ("sample", "output = \"elsewhere\"", "output"),
        ("import", "account = \"elsewhere\"", "account"),
        ("send", "base-url = \"http://127.0.0.1:1/v3\"", "base-url"),
        ("deliver", "list = \"Theirs\"", "list"),
        ("deliver", "yes = true", "yes"),
        ("login", "client-id = \"theirs\"", "client-id"),
        ("login", "auth-url = \"http://127.0.0.1:1\"", "auth-url"),
        ("serve", "listen = \"0.0.0.0:80\"", "listen"),
        ("serve", "cors = \"https://example.com\"", "cors"),
        ("serve", "token-file = \"token\"", "token-file"),
    ] {
        dir.write("presort.toml", format!("# x\n[{section}]\n{line}\n"));
        let ran = run(&dir, &["check", "in"]).exits(2);
        ran.says(&["presort.toml, line 3", &format!("\"{key}\""), &format!("--{key}"), "--config presort.toml"]);
    }
    // It may be named.
    dir.write("presort.toml", "[clean]\noutput = \"out\"\nforce = true\n");
    run(&dir, &["clean", "in", "-l", LIST, "--config", "presort.toml"]).exits(0);
    assert!(dir.path("out").exists());
}

#[test]
fn mistakes_in_a_file_have_a_place_and_a_way_out() {
    let dir = Dir::new();
    dir.write("in", CONTACT);
    for (text, says) in [
        ("[clena]\n", &["line 1", "[clena]", "did you mean \"clean\""][..]),
        ("[xxxxxxxxx]\n", &["line 1", "the sections are", "clean", "serve"]),
        ("[clean]\nphone_format = \"digits\"\n", &["line 2", "did you mean \"phone-format\""]),
        ("[clean]\n\nfone-format = \"digits\"\n", &["line 3", "\"fone-format\"", "did you mean \"phone-format\""]),
        ("[clean]\nnothing-like-it = 1\n", &["line 2", "presort clean --help"]),
        ("[clean]\nphone-format = \"dots\"\n", &["line 2", "dots", "--phone-format", "dashed, digits"]),
        ("[clean]\nphone-format = true\n", &["line 2", "must be a text or a number"]),
        ("[clean]\nnanp = \"yes\"\n", &["line 2", "\"nanp\" must be true or false"]),
        ("[clean]\nlist-id = [[1]]\n", &["line 2", "must be a list of texts"]),
        ("[clean]\nmax-contacts = 0\n", &["line 2", "a whole number, 1 or more"]),
        ("[check]\nemail-max = 4000\n", &["line 2", "from 1 to 320"]),
        ("nanp = true\n", &["line 1", "\"nanp\" stands outside of a section"]),
        ("[clean]\nnanp = true\nnanp = true\n", &["line 3", "no TOML"]),
        ("[clean\n", &["line 1", "no TOML"]),
        ("[clean]\nconfig = \"x\"\n", &["line 2", "\"config\""]),
        ("[send]\naccess_token = \"hush\"\n", &["line 2", "a token does not belong", "PRESORT_ACCESS_TOKEN"]),
        ("[man]\nforce = true\n", &["line 1", "no section [man]"]),
    ] {
        dir.write("presort.toml", text);
        let ran = run(&dir, &["check", "in"]).exits(2).says(&["presort.toml"]).says(says);
        assert!(!ran.err.contains("hush"), "{}", ran.err);
    }
    // What has no settings works all the same.
    run(&dir, &["completions", "bash"]).exits(0);
    run(&dir, &["check", "--help"]).exits(0);
    run(&dir, &["check", "in", "--config", "none"]).exits(0);
    let ran =
        wait(program(&dir).args(["check", "in", "--config=none"]).env("PRESORT_THREADS", "many").spawn().unwrap());
    ran.exits(2).says(&["PRESORT_THREADS", "a whole number, from 1 to 1024"]);
}

/// What a setting requires may be absent, and what conflicts with an option gives way.
#[test]
fn settings_that_do_not_apply_are_left_out() {
    let dir = Dir::new();
    dir.write("in", CONTACT);
    dir.write("config", format!("[clean]\nlist-id = \"{LIST}\"\nreplace = true\nbare-rejects = true\n"));
    let with = |args: &[&str]| run(&dir, &[&["clean", "in", "--config", "config"], args].concat());
    with(&[]).exits(0);
    with(&["--split", "-o", "bodies"]).exits(0);
    with(&["--split", "-o", "bodies"]).exits(0).says(&["removed"]);
    with(&["--split", "-o", "bodies", "--append"]).exits(0);
    assert!(dir.path("bodies/payload-00002.json").exists());
    // The option that others require may come from the file as well.
    dir.write("config", format!("[clean]\nreplace = true\nlist-id = \"{LIST}\"\nsplit = true\noutput = \"bodies\"\n"));
    with(&[]).exits(0);
    assert!(!dir.path("bodies/payload-00002.json").exists());
}

#[test]
fn what_is_in_force_is_shown() {
    let dir = Dir::new();
    dir.write("presort.toml", format!("[clean]\nnanp = true\n\nlist-id = \"{LIST}\"\nphone-format = \"digits\"\n"));
    let show = |args: &[&str]| {
        let mut command = program(&dir);
        command.arg("config").args(args).env("PRESORT_THREADS", "3");
        wait(command.spawn().unwrap()).exits(0)
    };
    let ran = show(&["clean"]);
    let line = |name: &str| ran.text().lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap().to_owned();
    assert!(ran.text().starts_with("# configuration file: presort.toml\n"));
    assert!(line("nanp").starts_with("nanp = true ") && line("nanp").ends_with("# presort.toml, line 2"));
    assert!(line("list-id").contains(&format!("[\"{LIST}\"]")) && line("list-id").ends_with("line 4"));
    assert!(line("threads").starts_with("threads = 3 ") && line("threads").ends_with("# PRESORT_THREADS"));
    assert!(line("email-max").starts_with("email-max = 50 ") && line("email-max").ends_with("# default"));
    assert!(!ran.text().contains("[check]"));
    // It is a configuration itself.
    fs::write(dir.path("shown.toml"), &show(&[]).out).unwrap();
    let again = run(&dir, &["config", "--config", "shown.toml"]).exits(0);
    assert!(again.text().contains("[serve]") && again.text().contains("# shown.toml, line "));
    let json = show(&["--format", "json"]).json();
    assert_eq!(json["file"], "presort.toml");
    let clean = &json["options"]["clean"];
    assert_eq!(
        clean["phone-format"],
        serde_json::json!({"value": "digits", "from": "file", "file": "presort.toml", "line": 5})
    );
    assert_eq!(clean["threads"]["variable"], "PRESORT_THREADS");
    assert_eq!(json["options"]["check"]["phone-format"], serde_json::json!({"value": "dashed", "from": "default"}));
    run(&dir, &["config", "clena"]).exits(2).says(&["clena"]);
}

#[test]
fn secrets_are_not_shown_and_the_service_can_be_set() {
    let dir = Dir::new();
    dir.write(
        "config",
        "[send]\nbase-url = \"http://127.0.0.1:9/v3\"\nrate = 2.5\n[login]\nclient-id = \"of-the-file\"\n",
    );
    let show = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = program(&dir);
        command.args(["config", "--config", "config"]).args(args).envs(variables.iter().copied());
        wait(command.spawn().unwrap()).exits(0)
    };
    let json = show(&["--format", "json"], &[]).json();
    let options = &json["options"];
    assert_eq!(
        (&options["send"]["base-url"]["value"], &options["send"]["base-url"]["line"]),
        (&"http://127.0.0.1:9/v3".into(), &2.into())
    );
    assert_eq!(
        (&options["send"]["rate"]["value"], &options["login"]["client-id"]["value"]),
        (&"2.5".into(), &"of-the-file".into())
    );
    assert_eq!(json["secrets"], serde_json::json!([]));
    let variables = [
        ("PRESORT_ACCESS_TOKEN", "hush-hush-token"),
        ("PRESORT_REDACT_KEY", "hush-hush-key-of-16"),
        ("PRESORT_CLIENT_ID", "of-the-environment"),
        ("PRESORT_BASE_URL", "http://127.0.0.1:8/v3"),
    ];
    let ran = show(&["--format", "json"], &variables);
    let json = ran.json();
    let (send, login) = (&json["options"]["send"], &json["options"]["login"]);
    assert_eq!(
        (&send["base-url"]["value"], &send["base-url"]["variable"]),
        (&"http://127.0.0.1:8/v3".into(), &"PRESORT_BASE_URL".into())
    );
    assert_eq!(login["client-id"]["value"], "of-the-environment");
    assert_eq!(json["secrets"], serde_json::json!(["PRESORT_ACCESS_TOKEN", "PRESORT_REDACT_KEY"]));
    let text = show(&[], &variables);
    assert!(text.text().contains("# PRESORT_ACCESS_TOKEN is set; its value is not shown\n"), "{}", text.text());
    assert!(!text.text().contains("hush") && !ran.text().contains("hush"));
    // They take effect: nothing answers at this address.
    let mut plan = program(&dir);
    plan.args(["whoami"]).env("PRESORT_BASE_URL", "https://anyone@example.com/v3");
    wait(plan.spawn().unwrap()).exits(2).says(&["leave out the name"]);
}

#[test]
fn quiet_and_color_work_anywhere() {
    let dir = Dir::new();
    dir.write("in", CONTACT);
    for args in [["-q", "check", "in"], ["check", "-q", "in"], ["check", "in", "--quiet"]] {
        assert_eq!(run(&dir, &args).exits(0).err, "", "{args:?}");
    }
    for args in [["--color", "always", "check", "in"], ["check", "--color", "always", "in"]] {
        assert!(run(&dir, &args).exits(0).err.contains('\u{1b}'), "{args:?}");
    }
    for words in all_options(&dir).into_keys() {
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        args.extend(["-q", "--color", "never", "--config", "none", "--help"]);
        run(&dir, &args).exits(0);
    }
}

#[test]
fn numbers_out_of_range_are_told_plainly() {
    let dir = Dir::new();
    for (args, says) in [
        (&["clean", "--max-contacts", "0"][..], "write a whole number, 1 or more"),
        (&["clean", "--threads", "0"], "write a whole number, from 1 to 1024"),
        (&["clean", "--email-max", "0"], "write a whole number, from 1 to 320"),
        (&["clean", "--max-bytes", "0"], "write a size like"),
        (&["bench", "--runs", "0"], "write a whole number, from 1 to 100"),
        (&["serve", "--rate-limit", "0"], "write a whole number, from 1 to"),
        (&["serve", "--activity-timeout", "0"], "write a whole number, 1 or more"),
    ] {
        let ran = run(&dir, args).exits(2).says(&[says]);
        assert!(!ran.err.contains("18446744073709551615"), "{}", ran.err);
    }
}

#[test]
fn progress_counts_the_inputs() {
    let dir = Dir::new();
    let names: Vec<String> = (0..3).map(|i| format!("in-{i}")).collect();
    names.iter().for_each(|name| drop(dir.write(name, CONTACT)));
    // Progress is drawn on terminals alone.
    let script = format!(
        "script -qec '{} check --progress always in-0 in-1 in-2' /dev/null",
        Path::new(env!("CARGO_BIN_EXE_presort")).display()
    );
    let Ok(output) = Command::new("sh").args(["-c", &script]).current_dir(dir.root()).output() else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        assert!(text.contains("input 2 of 3"), "{text}");
    }
}
