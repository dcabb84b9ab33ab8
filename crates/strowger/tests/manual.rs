//! The README and the manual, held against the program: each command line in them parses, each example that says so runs and
//! prints what the page shows, each script and configuration is read, each link leads somewhere.
//!
//! Fences: ` ```sh test ` is run with a time limit, a ` ```text test ` directly behind it is its output; ` ```script ` is a
//! script of the software gateway, ` ```toml ` a configuration, ` ```text ladder ` what [`messages`] look like.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use strowger_capture::{Fate, Ladder, Protocol, TextOptions};
use strowger_sansio::Time;
use strowger_softgateway::{Parser, Step};

/// How long an example of the manual may take.
const PATIENCE: Duration = Duration::from_secs(120);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn in_folder(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|is| is == extension))
        .collect();
    found.sort();
    found
}

/// The pages whose command lines are promises.
fn pages() -> Vec<PathBuf> {
    let mut pages = in_folder(&root().join("docs/manual"), "md");
    assert!(pages.len() >= 6, "the manual is looked for in the wrong place");
    pages.push(root().join("README.md"));
    pages
}

/// A fenced block of a page.
struct Block {
    place: String,
    info: String,
    text: String,
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            open = !open;
            if open {
                let place = format!("{}:{}", shown(page), number + 1);
                blocks.push(Block { place, info: info.trim().to_owned(), text: String::new() });
            }
        } else if open {
            let block = blocks.last_mut().unwrap();
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    assert!(!open, "{}: a fence is not closed", shown(page));
    blocks
}

fn all_blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks(page)).collect()
}

/// What stands between backquotes in running text.
fn code_spans(page: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(page).unwrap();
    let mut fenced = false;
    let mut spans = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let place = format!("{}:{}", shown(page), number + 1);
            spans.extend(line.split('`').skip(1).step_by(2).map(|span| (place.clone(), span.to_owned())));
        }
    }
    spans
}

/// The words of a command line as a shell parts them, up to a redirection, a pipe or a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut inside, mut quote) = (false, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => word.push(c),
            (None, '\'' | '"') => (inside, quote) = (true, Some(c)),
            (None, '|' | '<' | '>' | '&' | ';') => {
                // The digit of `2>` belongs to the redirection.
                if word == "2" {
                    word.clear();
                }
                break;
            }
            (None, '#') if word.is_empty() => break,
            (None, c) if c.is_whitespace() => {
                if inside || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            (None, c) => word.push(c),
        }
    }
    if inside || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The command lines of the program in a block: `strowger …`, also behind a pipe or a variable.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().flat_map(|line| {
        let line = line.trim().replace("cargo run --release -- ", "strowger ");
        let mut starts: Vec<_> = line.match_indices("strowger ").map(|(at, _)| at).collect();
        starts.retain(|at| {
            let before = line.get(..*at).unwrap_or_default().trim_end();
            before.is_empty() || before.ends_with(['|', '&', ';', '/'])
        });
        starts.into_iter().map(|at| words(line.get(at..).unwrap_or_default())).collect::<Vec<_>>()
    });
    lines.map(|line| line.into_iter().skip(1).collect()).collect()
}

/// Runs the program until it ends, at most for [`PATIENCE`].
fn run(mut command: Command) -> (Option<i32>, String, String) {
    command.env_remove("STROWGER_LOG").env("NO_COLOR", "1").stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (sender, ended) = mpsc::channel();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::spawn(move || {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        let mut complaints = String::new();
        let _ = err.read_to_string(&mut complaints);
        let _ = sender.send((text, complaints));
    });
    let Ok((text, complaints)) = ended.recv_timeout(PATIENCE) else {
        child.kill().unwrap();
        panic!("{command:?} did not end within {PATIENCE:?}");
    };
    (child.wait().unwrap().code(), text, complaints)
}

/// Whether the program takes these arguments: with `--help` behind them it parses each one before it, and does nothing.
fn parses(arguments: &[String]) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
    command.args(arguments).arg("--help");
    let (code, _, complaints) = run(command);
    if code == Some(0) { Ok(()) } else { Err(complaints) }
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn each_command_line_of_readme_and_manual_parses() {
    let mut lines = Vec::new();
    for page in pages() {
        for block in
            blocks(&page).into_iter().filter(|block| block.info.is_empty() || block.info.starts_with("sh"))
        {
            lines.extend(command_lines(&block.text).into_iter().map(|line| (block.place.clone(), line)));
        }
        for (place, span) in code_spans(&page) {
            // A word in capitals stands for something: `strowger COMMAND --help`.
            let template = |word: &String| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
            let found = command_lines(&span).into_iter().filter(|line| !line.iter().any(template));
            lines.extend(found.map(|line| (place.clone(), line)));
        }
    }
    assert!(lines.len() > 20, "the command lines were not found: {}", lines.len());
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for (place, line) in lines {
        if known.insert(line.clone())
            && let Err(why) = parses(&line)
        {
            faults.push(format!("{place}: strowger {}: {why}", line.join(" ")));
        }
    }
    none(&faults);
}

#[test]
fn a_command_line_that_is_wrong_is_noticed() {
    let line = |text: &str| command_lines(text).into_iter().next().unwrap();
    assert_eq!(
        line("printf 'x|y' | strowger decode - --proto sdp 2> log # why"),
        ["decode", "-", "--proto", "sdp"]
    );
    assert_eq!(line("strowger sim \\\n  --seed 7"), ["sim", "--seed", "7"]);
    assert_eq!(line("cargo run --release -- sim --seed 7"), ["sim", "--seed", "7"]);
    assert!(command_lines("the strowger binary").is_empty());
    for (text, good) in [
        ("strowger sim --seed 7", true),
        ("strowger sim --sed 7", false),
        ("strowger sim --seed seven", false),
        ("strowger simulate", false),
        ("strowger gateway mgcp --listen 127.0.0.9", false),
        ("strowger decode - --proto h323", false),
    ] {
        assert_eq!(parses(&line(text)).is_ok(), good, "{text}");
    }
}

#[test]
fn each_example_that_says_so_runs_and_prints_what_the_page_shows() {
    let folder = tempfile::tempdir().unwrap();
    // The examples are run where a reader runs them, at the root of the repository, but write nothing there.
    fs::create_dir(folder.path().join("examples")).unwrap();
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, folder.path().join("examples").join(from.file_name().unwrap())).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_strowger")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let mut faults = Vec::new();
    let (mut count, mut compared) = (0, 0);
    for page in pages() {
        let blocks = blocks(&page);
        for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.info == "sh test") {
            let mut command = Command::new("sh");
            command.args(["-e", "-c", &block.text]).current_dir(folder.path()).env("PATH", &path);
            let (code, output, complaints) = run(command);
            count += 1;
            if code != Some(0) {
                faults.push(format!("{}: ended with {code:?}\n{output}{complaints}", block.place));
            }
            if let Some(expected) = blocks.get(index + 1).filter(|next| next.info == "text test") {
                compared += 1;
                let plain = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
                if plain(&output) != plain(&expected.text) {
                    faults.push(format!("{}: the output is\n{output}", expected.place));
                }
            }
        }
        let outputs = blocks.iter().filter(|block| block.info == "text test").count();
        let after = blocks.windows(2).filter(|pair| pair[0].info == "sh test" && pair[1].info == "text test");
        assert_eq!(outputs, after.count(), "{}: an output stands behind no command", shown(&page));
    }
    none(&faults);
    assert!(count >= 4 && compared >= 3, "{count} examples, {compared} outputs");
}

#[test]
fn each_script_is_read_and_told_of_in_the_manual() {
    let mut faults = Vec::new();
    let mut read = 0;
    let mut check = |place: &str, text: &str| {
        read += 1;
        match Parser::script(text) {
            Ok(steps) if steps.is_empty() => faults.push(format!("{place}: has no command")),
            Ok(_) => {}
            Err(why) => faults.push(format!("{place}: {why}")),
        }
    };
    for path in in_folder(&root().join("examples"), "script") {
        check(&shown(&path), &fs::read_to_string(&path).unwrap());
    }
    for block in all_blocks().iter().filter(|block| block.info == "script") {
        check(&block.place, &block.text);
    }
    assert!(read >= 4, "{read} scripts");
    none(&faults);
    for path in in_folder(&root().join("examples"), "script") {
        let name = format!("examples/{}", path.file_name().unwrap().to_string_lossy());
        let used = pages().iter().any(|page| fs::read_to_string(page).unwrap().contains(&name));
        assert!(used, "the manual does not say what {name} is for");
    }
}

/// The words that a parser says it expects, out of one refusal.
fn vocabulary(line: &str) -> Vec<String> {
    let expected = Parser::new().line(line).unwrap_err().expected;
    let words = expected
        .split([',', ' '])
        .filter(|word| !word.is_empty() && !["or", "a", "file", "WAV"].contains(word));
    words.filter(|word| word.chars().next().is_some_and(char::is_lowercase)).map(str::to_owned).collect()
}

#[test]
fn the_manual_describes_the_whole_language() {
    let page = root().join("docs/manual/software-gateway.md");
    let described: BTreeSet<String> = code_spans(&page)
        .into_iter()
        .map(|(_, span)| span.split([' ', ':']).next().unwrap_or_default().to_owned())
        .collect();
    let mut all = vocabulary("aaln/1 jump");
    all.extend(vocabulary("aaln/1 expect music"));
    all.push("wait".to_owned());
    assert!(all.len() >= 18, "{all:?}");
    for word in all {
        let word = word.split(':').next().unwrap();
        assert!(described.contains(word), "{} does not describe `{word}`", shown(&page));
    }
}

#[test]
fn the_manual_describes_every_option_of_the_software_gateway() {
    let text = fs::read_to_string(root().join("docs/manual/software-gateway.md")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
    command.args(["gateway", "mgcp", "--help"]);
    let (_, help, _) = run(command);
    let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    let options: Vec<_> = options.filter_map(|rest| rest.split([' ', ',']).next()).collect();
    assert!(options.len() >= 12, "{options:?}");
    for option in options {
        assert!(text.contains(&format!("`--{option}")), "--{option} is not described");
    }
}

#[test]
fn the_timers_of_the_manual_are_those_of_the_program() {
    let page = fs::read_to_string(root().join("docs/manual/configuration.md")).unwrap();
    let section = page.split("## `[timers]`").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| {
        let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
        (cells.next().unwrap().to_owned(), cells.next().unwrap().parse::<u64>().unwrap())
    });
    let timers = strowger_exchange::CallTimers::default();
    let own = [
        ("first_digit", timers.first_digit),
        ("dialling", timers.dialling),
        ("setup", timers.setup),
        ("ringing", timers.ringing),
        ("transfer", timers.transfer),
        ("returning", timers.returning),
        ("busy_tone", timers.busy_tone),
        ("failure_tone", timers.failure_tone),
        ("howler", timers.howler),
        ("record", timers.record),
        ("retry", timers.retry),
        ("probe", timers.probe),
    ];
    let own = own.map(|(name, time)| (name.to_owned(), time.as_secs()));
    assert_eq!(rows.collect::<Vec<_>>(), own);
}

#[test]
fn each_configuration_in_the_manual_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let mut faults = Vec::new();
    let mut count = 0;
    // The certificates that the manual names.
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["town".to_owned()]).unwrap().self_signed(&key).unwrap();
    for (name, text) in
        [("town.pem", own.pem()), ("town.key", key.serialize_pem()), ("carrier-ca.pem", own.pem())]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for block in all_blocks().iter().filter(|block| block.info == "toml") {
        count += 1;
        let mut text = block.text.clone();
        if !text.contains("[listen]") {
            text = format!("[listen]\nmgcp = \"127.0.0.1:2727\"\n{text}");
        }
        let path = folder.path().join("part.toml");
        fs::write(&path, &text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
        command.args(["check", "-c"]).arg(&path).current_dir(folder.path());
        let (code, _, complaints) = run(command);
        if code != Some(0) || !complaints.is_empty() {
            faults.push(format!("{}: {complaints}", block.place));
        }
    }
    assert!(count >= 2, "{count} configurations");
    none(&faults);
}

/// The sources of the crates, without their tests.
fn sources() -> String {
    let mut text = String::new();
    let mut folders: Vec<_> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path().join("src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

#[test]
fn numbers_and_log_lines_that_the_manual_speaks_of_exist() {
    let sources = sources();
    let mut faults = Vec::new();
    let (mut numbers, mut lines) = (0, 0);
    for page in pages() {
        for (place, span) in code_spans(&page) {
            if let Some((name, rest)) =
                span.strip_prefix("strowger_").map(|rest| rest.split_once('{').unwrap_or((rest, "")))
            {
                numbers += 1;
                let label = rest.split('"').nth(1).unwrap_or_default();
                // A label's value is a word of the sources: a literal, or a field that a macro makes one of.
                if !sources.contains(&format!("\"strowger_{name}\"")) || !sources.contains(label) {
                    faults.push(format!("{place}: there is no number {span}"));
                }
            }
        }
        for (number, line) in fs::read_to_string(&page).unwrap().lines().enumerate() {
            let Some((_, quoted)) = line.split_once("Log: `") else { continue };
            lines += 1;
            let quoted = quoted.split('`').next().unwrap_or_default();
            if !sources.contains(&format!("\"{quoted}\"")) {
                faults.push(format!("{}:{}: nothing logs {quoted}", shown(&page), number + 1));
            }
        }
    }
    assert!(numbers >= 5 && lines >= 2, "{numbers} numbers, {lines} log lines");
    none(&faults);
}

#[test]
fn the_manual_describes_every_event_of_the_software_gateway() {
    let source = fs::read_to_string(root().join("crates/strowger/src/command/gateway/report.rs")).unwrap();
    let parts = source.split("Self::new(").skip(1).filter_map(|rest| rest.split(')').next());
    let mut events: Vec<_> = parts.filter_map(|arguments| arguments.split('"').nth(1)).collect();
    events.extend(["listening", "error"]);
    assert!(events.len() >= 15, "{events:?}");
    let page = root().join("docs/manual/software-gateway.md");
    let described: BTreeSet<String> = code_spans(&page).into_iter().map(|(_, span)| span).collect();
    for event in events {
        assert!(described.contains(event), "{} does not describe the event `{event}`", shown(&page));
    }
}

/// What a ladder in the manual shows: a call with a lost command, an answer that came twice, and a refusal.
fn messages() -> Ladder {
    let (agent, gw1) = ("127.0.0.1:2727".parse().unwrap(), "127.0.0.9:2427".parse().unwrap());
    let gw2 = "127.0.0.10:2427".parse().unwrap();
    let mut ladder = Ladder::default();
    for (address, name) in [(gw1, "gw1"), (agent, "town"), (gw2, "gw2")] {
        ladder.name_address(address, name);
    }
    let notify = "NTFY 2001 aaln/1@gw1.town MGCP 1.0\r\nX: 12ab\r\nO: L/hd\r\n";
    let create = "CRCX 5001 aaln/1@gw1.town MGCP 1.0\r\nC: 7f\r\nM: recvonly\r\nL: p:20, a:PCMU\r\n";
    let created = "200 5001 OK\r\nI: 3c\r\n\r\nv=0\r\nc=IN IP4 127.0.0.9\r\nm=audio 4000 RTP/AVP 0\r\n";
    let ring = "RQNT 5002 aaln/1@gw2.town MGCP 1.0\r\nX: 12ac\r\nR: L/hd(N)\r\nS: L/rg\r\n";
    let steps: [(u64, _, _, &str); 9] = [
        (0, gw1, agent, notify),
        (1, agent, gw1, "200 2001 OK\r\n"),
        (2, agent, gw1, create),
        (205, agent, gw1, create),
        (207, gw1, agent, created),
        (209, agent, gw2, ring),
        (211, gw2, agent, "401 5002 Phone off hook\r\n"),
        (212, gw1, agent, created),
        (300, agent, gw2, "RQNT 5003 aaln/9@gw2.town MGCP 1.0\r\nX: 12ad\r\n"),
    ];
    for (at, from, to, text) in steps {
        let at = Time::from_millis(at);
        if at == Time::from_millis(2) {
            ladder.observe_fate(at, from, to, Protocol::Mgcp, text.as_bytes(), Fate::Lost);
        } else {
            ladder.observe(at, from, to, Protocol::Mgcp, text.as_bytes());
        }
    }
    ladder
}

#[test]
fn the_ladders_of_the_manual_are_what_is_drawn() {
    let ladder = messages();
    let drawn =
        [("text ladder", ladder.to_text(&TextOptions::default())), ("text list", ladder.to_list(100))];
    let blocks = blocks(&root().join("docs/manual/ladder.md"));
    for (info, expected) in drawn {
        let block = blocks.iter().find(|block| block.info == info);
        let text = block.map(|block| block.text.as_str()).unwrap_or_default();
        assert_eq!(text, expected, "\n{expected}");
    }
}

/// The anchors of a page: its headings as GitHub writes them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap();
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings
        .map(|heading| {
            let kept = heading.to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn each_link_leads_somewhere() {
    let mut all = pages();
    for folder in ["docs/conformance", "docs/design"] {
        all.extend(in_folder(&root().join(folder), "md"));
    }
    all.push(root().join("CHANGELOG.md"));
    let crates =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path().join("README.md"));
    all.extend(crates.filter(|path| path.is_file()));
    let mut faults = Vec::new();
    let mut count = 0;
    for page in all {
        let text = fs::read_to_string(&page).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text.get(at + 2..).unwrap_or_default().split(')').next().unwrap_or_default();
            // Between backticks it is no link: a digit map with an action looks like one.
            let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
            let is_code = line.matches('`').count() % 2 == 1;
            if is_code || target.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if !path.exists() {
                faults.push(format!("{}: {target} does not exist", shown(&page)));
            } else if !anchor.is_empty() && !anchors(&path).contains(anchor) {
                faults.push(format!("{}: {target} has no such heading", shown(&page)));
            }
        }
    }
    assert!(count > 10, "{count} links");
    none(&faults);
}

#[test]
fn the_scripts_of_a_call_between_gateways_fit_together() {
    let steps = |name: &str| {
        let text = fs::read_to_string(root().join("examples").join(name)).unwrap();
        Parser::script(&text).unwrap().into_iter().map(|(_, step)| step).collect::<Vec<_>>()
    };
    let (caller, called) = (steps("caller.script"), steps("called.script"));
    let said = |steps: &[Step]| {
        let words: Vec<_> = steps.iter().map(|step| format!("{step:?}")).collect();
        let tones = |verb: &str| {
            let found = words.iter().filter(|step| step.contains(verb) && step.contains("Tone("));
            found
                .filter_map(|step| step.split("Tone(").nth(1)?.split(')').next().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        (tones("Play"), tones("Expect"))
    };
    let ((says, hears), (answers, listens)) = (said(&caller), said(&called));
    assert_eq!((says.as_slice(), answers.as_slice()), (listens.as_slice(), hears.as_slice()));
    assert_eq!((says.len(), answers.len()), (1, 1));
}
