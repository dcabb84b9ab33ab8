//! The conformance tables under docs/conformance name a test for each requirement. This test reads the tables and
//! the sources, so that a table cannot outlive the test that it names.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The names of all functions marked `#[test]`, and of the tests that a `proptest!` block makes, in the repository.
fn tests(dir: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                tests(&path, names);
            }
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                marked = true;
            } else if marked && line.contains("fn ") {
                let name = line.split("fn ").nth(1).unwrap().split('(').next().unwrap();
                names.insert(name.to_owned());
                marked = false;
            }
        }
    }
}

/// Rows are `| clause | requirement | test, test |`; a last column whose first word is "not" or "later" gives a reason.
fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let cells: Vec<_> =
            line.trim().trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
        if line.starts_with('|') && !line.starts_with("|--") && !line.starts_with("| Clause") {
            rows.push((number + 1, cells));
        }
    }
    rows
}

#[test]
fn every_row_of_a_conformance_table_names_tests_that_exist_or_says_why_not() {
    let mut names = BTreeSet::new();
    tests(&root(), &mut names);
    assert!(names.len() > 50, "the sources were not read: {} tests", names.len());

    let mut wrong = Vec::new();
    let mut counted = 0;
    let folder = root().join("docs/conformance");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name != "README.md" && !index.contains(&format!("]({name})")) {
            wrong.push(format!("docs/conformance/README.md does not name {name}"));
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, cells) in rows(&text) {
            counted += 1;
            let at = format!("{}:{number}", path.display());
            let [_clause, requirement, evidence] = cells.as_slice() else {
                wrong.push(format!("{at}: {} cells instead of 3", cells.len()));
                continue;
            };
            if requirement.is_empty() {
                wrong.push(format!("{at}: no requirement"));
            }
            let first = evidence.split([' ', ':', ',']).next().unwrap();
            if matches!(first, "not" | "later") {
                if evidence.split_whitespace().count() < 3 {
                    wrong.push(format!("{at}: a reason is more than `{evidence}`"));
                }
                // A reason may lean on tests too: names of three words and more are theirs.
                let quoted = evidence.split('`').skip(1).step_by(2);
                for test in quoted.filter(|word| word.matches('_').count() >= 3 && !names.contains(*word)) {
                    wrong.push(format!("{at}: no test is called `{test}`"));
                }
                continue;
            }
            for test in evidence.split(',').map(|test| test.trim().trim_matches('`')) {
                if !names.contains(test) {
                    wrong.push(format!("{at}: no test is called `{test}`"));
                }
            }
        }
    }
    assert!(counted > 20, "the tables were not read: {counted} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How many sentences of each section of RFC 3435 hold MUST, MUST NOT, SHALL, SHALL NOT or REQUIRED, counted in its
/// text. The page says what counts as a sentence.
const REQUIREMENTS: [(&str, usize); 53] = [
    ("2.1.2", 3),
    ("2.1.3.2", 1),
    ("2.1.4", 5),
    ("2.1.5", 2),
    ("2.1.6", 3),
    ("2.1.7", 11),
    ("2.3.2", 3),
    ("2.3.3", 22),
    ("2.3.4", 5),
    ("2.3.5", 17),
    ("2.3.6", 5),
    ("2.3.7", 4),
    ("2.3.8", 2),
    ("2.3.9", 4),
    ("2.3.10", 7),
    ("2.3.11", 1),
    ("2.3.12", 6),
    ("2.6", 4),
    ("3.1", 2),
    ("3.2", 1),
    ("3.2.1", 1),
    ("3.2.1.1", 2),
    ("3.2.1.2", 3),
    ("3.2.1.3", 1),
    ("3.2.1.4", 1),
    ("3.2.2", 5),
    ("3.2.2.1", 1),
    ("3.2.2.4", 1),
    ("3.2.2.7", 1),
    ("3.2.2.10", 4),
    ("3.2.2.16", 2),
    ("3.3", 5),
    ("3.3.8", 1),
    ("3.4", 3),
    ("3.5", 1),
    ("3.5.1", 3),
    ("3.5.2", 7),
    ("3.5.3", 1),
    ("3.5.4", 1),
    ("3.5.5", 6),
    ("3.5.6", 10),
    ("4.1", 3),
    ("4.2", 1),
    ("4.3", 9),
    ("4.4.1", 7),
    ("4.4.2", 5),
    ("4.4.3", 1),
    ("4.4.4", 7),
    ("4.4.5", 2),
    ("4.4.6", 12),
    ("4.4.7", 11),
    ("4.4.8", 2),
    ("D", 2),
];

/// The same of RFC 3525, sections 6 to 11 and Annexes B to E.
const MEGACO: [(&str, usize); 19] = [
    ("6", 1),
    ("6.2.3", 1),
    ("7.1.7", 7),
    ("7.1.8", 4),
    ("7.1.9", 4),
    ("7.1.11", 2),
    ("7.1.14.3", 1),
    ("7.1.18", 1),
    ("7.2.1", 2),
    ("7.2.4", 1),
    ("7.2.9", 1),
    ("10.1", 2),
    ("10.2", 5),
    ("B.2", 12),
    ("D.1.3", 1),
    ("D.1.4", 1),
    ("D.2", 1),
    ("E.3.3", 1),
    ("E.9.5", 1),
];

/// The same, of sentences with *shall* or *must* in small letters and none of those words.
const MEGACO_SHALL: [(&str, usize); 56] = [
    ("6.1.1", 1),
    ("6.2.2", 1),
    ("6.2.3", 2),
    ("6.2.5", 2),
    ("7.1.1", 1),
    ("7.1.4", 1),
    ("7.1.5", 3),
    ("7.1.7", 3),
    ("7.1.8", 6),
    ("7.1.9", 5),
    ("7.1.11", 9),
    ("7.1.14.1", 3),
    ("7.1.14.2", 2),
    ("7.1.14.3", 2),
    ("7.1.14.4", 1),
    ("7.1.14.5", 1),
    ("7.1.14.6", 1),
    ("7.1.14.8", 1),
    ("7.1.18", 1),
    ("7.1.19", 2),
    ("7.2.1", 1),
    ("7.2.3", 1),
    ("7.2.4", 2),
    ("7.2.7", 3),
    ("7.2.8", 14),
    ("8", 1),
    ("8.1.1", 1),
    ("8.1.2", 2),
    ("8.2.1", 2),
    ("8.2.2", 3),
    ("8.2.3", 1),
    ("8.3", 1),
    ("9", 3),
    ("9.1", 2),
    ("10.3", 2),
    ("11.1", 3),
    ("11.2", 2),
    ("11.3", 5),
    ("11.4", 1),
    ("11.5", 9),
    ("B.1", 1),
    ("B.2", 8),
    ("C", 4),
    ("C.9", 1),
    ("D.1", 1),
    ("D.1.1", 2),
    ("D.1.2.1", 1),
    ("D.1.2.2", 2),
    ("D.1.4", 3),
    ("D.1.5", 1),
    ("D.2.3", 1),
    ("D.2.4", 2),
    ("E.1.2", 1),
    ("E.9.2", 2),
    ("E.10.5", 4),
    ("E.12.2", 1),
];

#[test]
fn the_pages_of_requirements_have_each_sentence_of_their_rfc_once_and_in_order() {
    for (page, requirements) in [
        ("mgcp.md", &REQUIREMENTS[..]),
        ("megaco-requirements.md", &MEGACO[..]),
        ("megaco-shall.md", &MEGACO_SHALL[..]),
    ] {
        let text = std::fs::read_to_string(root().join("docs/conformance").join(page)).unwrap();
        let found: Vec<_> = rows(&text).into_iter().map(|(_, cells)| cells[0].clone()).collect();
        let expected: Vec<_> = requirements
            .iter()
            .flat_map(|(section, number)| (1..=*number).map(move |ordinal| format!("{section}-{ordinal}")))
            .collect();
        let told = format!("There are {} sentences", expected.len());
        assert!(text.contains(&told), "{page} tells their number");
        let missing: Vec<_> = expected.iter().filter(|id| !found.contains(id)).collect();
        let surplus: Vec<_> = found.iter().filter(|id| !expected.contains(id)).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "{page}: missing {missing:?}, surplus {surplus:?}");
        assert_eq!(found, expected, "{page}: in the order of the text, and none twice");
    }
}
