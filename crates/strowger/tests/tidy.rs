//! The house rules that a compiler does not know: layers without input and output, files that say what they are, rooms
//! that stay small, licences that fit.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates whose engines have no sockets, clocks, threads or randomness of their own.
const SANS_IO: &[&str] = &[
    "strowger-capture",
    "strowger-exchange",
    "strowger-load",
    "strowger-media",
    "strowger-megaco",
    "strowger-mgcp",
    "strowger-mms",
    "strowger-sansio",
    "strowger-sdp",
    "strowger-sim",
    "strowger-sip",
    "strowger-softgateway",
];
/// What would give them some.
const INPUT_OUTPUT: &[&str] =
    &["async-std", "getrandom", "mio", "quinn-udp", "rand", "rustix", "smol", "socket2", "tokio"];
/// The most lines of a file: past it, it is two rooms.
const LINES: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The files of the repository, without what is built or kept by tools.
fn files() -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() || matches!(name.as_str(), ".git" | "target" | "artifacts" | "coverage") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                out.push(path);
            }
        }
    }
    assert!(out.len() > 50, "the repository is looked for in the wrong place");
    out.sort();
    out
}

fn sources() -> Vec<(String, String)> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| (shown(&path), fs::read_to_string(&path).unwrap())).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_engines_depend_on_nothing_that_does_input_or_output() {
    let mut faults = Vec::new();
    for engine in SANS_IO {
        let tree = cargo(&["tree", "--package", engine, "--edges", "normal,build", "--prefix", "none"]);
        assert!(tree.starts_with(engine), "{tree}");
        let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        for name in INPUT_OUTPUT.iter().filter(|name| names.contains(**name)) {
            faults.push(format!("{engine} depends on {name}"));
        }
    }
    none(&faults);
}

#[test]
fn every_crate_is_either_an_engine_or_known_to_do_input_and_output() {
    let known =
        ["strowger", "strowger-benches", "strowger-fuzz-checks", "strowger-messaging", "strowger-node"];
    let tree = cargo(&["tree", "--workspace", "--depth", "0", "--prefix", "none"]);
    let crates: BTreeSet<_> =
        tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect();
    let listed: BTreeSet<_> = SANS_IO.iter().chain(&known).copied().collect();
    assert_eq!(crates, listed, "a new crate belongs into one of the lists");
}

/// What decides in the crate that does messaging's input and output, and does none itself.
const MESSAGING_ENGINES: &[&str] = &[
    "http/multipart.rs",
    "mm7/codes.rs",
    "mm7/message.rs",
    "mm7/read.rs",
    "mm7/soap.rs",
    "mm7/write.rs",
    "pap/codes.rs",
    "pap/message.rs",
    "pap/version.rs",
    "queue/lanes.rs",
    "queue/message.rs",
    "smpp/centre.rs",
    "smpp/client.rs",
    "smpp/frame.rs",
    "smpp/pace.rs",
    "smpp/pdu/command.rs",
    "smpp/pdu/decode.rs",
    "smpp/pdu/encode.rs",
    "smpp/pdu/mod.rs",
    "smpp/pdu/operation.rs",
    "smpp/receipt.rs",
    "smpp/status.rs",
    "smpp/tlv.rs",
    "smpp/window.rs",
    "xml.rs",
];

#[test]
fn the_engines_of_messaging_have_neither_socket_nor_clock() {
    let banned =
        ["tokio::", "std::thread", "Instant", "SystemTime", "TcpStream", "UdpSocket", "HashMap", "Clock"];
    let mut faults = Vec::new();
    for name in MESSAGING_ENGINES {
        let path = root().join("crates/messaging/src").join(name);
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code.filter(|line| banned.iter().any(|word| line.contains(word))) {
            faults.push(format!("{name}: {}", line.trim()));
        }
    }
    none(&faults);
}

#[test]
fn each_source_file_says_what_it_is() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        // A fuzz target must begin with an attribute.
        let first = text.lines().find(|line| !line.starts_with("#![") && !line.trim().is_empty());
        let words =
            first.and_then(|line| line.strip_prefix("//!")).map_or(0, |line| line.split_whitespace().count());
        if words < 2 {
            faults.push(format!("{path}: does not open with //! and what it is"));
        }
    }
    none(&faults);
}

#[test]
fn rooms_are_small() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES {
            faults.push(format!("{path}: {lines} lines, at most {LINES}: split it by noun"));
        }
    }
    none(&faults);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let macros = [["unimpl", "emented!"].concat(), ["to", "do!"].concat()];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            let words = || comment.split(|c: char| !c.is_alphanumeric());
            let marked = marks.iter().any(|mark| words().any(|word| word == mark));
            if marked || macros.iter().any(|name| line.contains(name.as_str())) {
                faults.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(&faults);
}

#[test]
fn each_library_names_its_rooms() {
    let mut faults = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| path.ends_with("src/lib.rs")) {
        let map: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let mut test_only = false;
        for line in text.lines() {
            let declared = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ");
            if let Some(name) = declared.and_then(|rest| rest.strip_suffix(';'))
                && !test_only
                && ![format!("`{name}`"), format!("`mod@{name}`")].iter().any(|form| map.contains(form))
            {
                faults.push(format!("{path}: the map at its top does not name `{name}`"));
            }
            test_only = line.trim() == "#[cfg(test)]";
        }
    }
    none(&faults);
}

#[test]
fn the_licences_are_there_and_each_crate_inherits_them() {
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root().join(file).is_file(), "{file} is missing");
    }
    let mut faults = Vec::new();
    for path in files().iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = fs::read_to_string(path).unwrap();
        let workspace = text.contains("[workspace.package]");
        let inherits = text.contains("license.workspace = true") || text.contains("publish = false");
        if !workspace && !inherits {
            faults.push(format!("{}: has no licence", shown(path)));
        }
    }
    none(&faults);
}

#[test]
fn nothing_names_the_machine_that_it_was_written_on() {
    let places: Vec<String> = ["work", "root", "home"].iter().map(|name| format!("/{name}/")).collect();
    let mut faults = Vec::new();
    for path in files() {
        // Binary files (a fuzz corpus, sound) are no text that a person wrote.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            for place in places.iter().filter(|place| names_place(line, place)) {
                faults.push(format!("{}:{}: {place}", shown(&path), number + 1));
            }
        }
    }
    none(&faults);
}

/// Whether `place` stands in `line` as the beginning of a path.
fn names_place(line: &str, place: &str) -> bool {
    let mut from = 0;
    while let Some(at) = line[from..].find(place) {
        let before = line[..from + at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '}')) {
            return true;
        }
        from += at + 1;
    }
    false
}

#[test]
fn dependencies_have_licences_that_fit() {
    let allowed = allowed_licences();
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ]);
    let mut faults = BTreeMap::new();
    for line in tree.lines() {
        let Some((package, licence)) = line.split_once('|') else { continue };
        let licence = licence.trim_end_matches(" (*)");
        if !fits(licence, &allowed) {
            faults.insert(package.to_owned(), format!("{package}: \"{licence}\""));
        }
    }
    none(&faults.into_values().collect::<Vec<_>>());
}

fn allowed_licences() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let (_, list) = text.split_once("\nallow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let allowed: BTreeSet<String> = list.split('"').skip(1).step_by(2).map(ToOwned::to_owned).collect();
    assert!(allowed.contains("MIT"), "{allowed:?}");
    allowed
}

/// Whether an SPDX expression can be met with the allowed licences. `AND` binds closer than `OR`; `/` is an old `OR`.
fn fits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&tokens, &mut at, allowed);
    met && at == tokens.len()
}

fn either(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = both(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(tokens, at, allowed);
    }
    met
}

fn both(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = term(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        met &= term(tokens, at, allowed);
    }
    met
}

fn term(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let Some(token) = tokens.get(*at) else { return false };
    *at += 1;
    if *token == "(" {
        let met = either(tokens, at, allowed);
        *at += 1;
        return met;
    }
    // An exception only adds rights.
    if tokens.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    allowed.contains(*token)
}

#[test]
fn licence_expressions_are_understood() {
    let allowed: BTreeSet<String> = ["MIT", "Unicode-3.0"].map(ToOwned::to_owned).into();
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
    ] {
        assert!(fits(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND GPL-3.0", "MIT)"] {
        assert!(!fits(bad, &allowed), "{bad}");
    }
}
