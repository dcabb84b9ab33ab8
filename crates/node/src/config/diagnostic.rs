//! What is wrong with a configuration, and where: file, line, column, what was found, what is expected.
//!
//! A file's diagnostics are collected, not thrown: one run of `strowger check` shows all of them. The text form
//! starts each diagnostic with `file:line:column: error:`, which editors and scripts know, and points at the place in
//! the source; the serde form carries the same facts.

use std::cmp::Reverse;
use std::fmt::{self, Write as _};
use std::ops::Range;

use serde::Serialize;

/// The longest piece of a source line that is shown; of a longer line, the part around the place.
const SHOWN: usize = 120;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration runs, but perhaps not as its author thinks.
    Warning,
    /// The configuration does not run.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in the source, for people: both numbers start at 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column of its first character.
    pub column: usize,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The bytes of the source that it is about.
    pub span: Range<usize>,
    /// What was found.
    pub found: String,
    /// What is expected there, or what to do.
    pub expected: String,
    /// Another place that has to do with it, and why: where a name was given first.
    pub related: Option<(Range<usize>, String)>,
}

/// The diagnostics of one file, in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Report {
    file: String,
    source: String,
    items: Vec<Diagnostic>,
}

impl Report {
    /// An empty report on `source`, which is shown under the name `file`.
    #[must_use]
    pub fn new(file: &str, source: &str) -> Self {
        Self { file: file.to_owned(), source: source.to_owned(), items: Vec::new() }
    }

    /// Adds an error.
    pub fn error(&mut self, span: Range<usize>, found: impl Into<String>, expected: impl Into<String>) {
        self.push(Severity::Error, span, found.into(), expected.into(), None);
    }

    /// Adds an error that has a second place.
    pub fn error_with(
        &mut self,
        span: Range<usize>,
        found: impl Into<String>,
        expected: impl Into<String>,
        related: (Range<usize>, &str),
    ) {
        let related = Some((related.0, related.1.to_owned()));
        self.push(Severity::Error, span, found.into(), expected.into(), related);
    }

    /// Adds a warning.
    pub fn warning(&mut self, span: Range<usize>, found: impl Into<String>, expected: impl Into<String>) {
        self.push(Severity::Warning, span, found.into(), expected.into(), None);
    }

    fn push(
        &mut self,
        severity: Severity,
        span: Range<usize>,
        found: String,
        expected: String,
        related: Option<(Range<usize>, String)>,
    ) {
        let at = self.items.partition_point(|item| {
            (item.span.start, Reverse(item.severity)) <= (span.start, Reverse(severity))
        });
        self.items.insert(at, Diagnostic { severity, span, found, expected, related });
    }

    /// The diagnostics, in the order of their places.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.items
    }

    /// Whether something is said of a part of `span`.
    pub(super) fn has_within(&self, span: &Range<usize>) -> bool {
        self.items.iter().any(|item| span.start <= item.span.start && item.span.end <= span.end)
    }

    /// How many are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.items.iter().filter(|item| item.severity == Severity::Error).count()
    }

    /// How many are warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.items.len() - self.errors()
    }

    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where `offset` is.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        let (line, text, column) = self.line_of(offset);
        let _ = text;
        Place { line, column: column + 1 }
    }

    /// The number of the line that holds `offset`, its text, and the characters before `offset` in it.
    fn line_of(&self, offset: usize) -> (usize, &str, usize) {
        let mut offset = offset.min(self.source.len());
        while !self.source.is_char_boundary(offset) {
            offset -= 1;
        }
        let (before, after) = self.source.split_at(offset);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = offset + after.find('\n').unwrap_or(after.len());
        let number = before.matches('\n').count() + 1;
        let text = self.source.get(start..end).unwrap_or_default().trim_end_matches('\r');
        (number, text, self.source.get(start..offset).unwrap_or_default().chars().count())
    }

    /// The report as text for people; with terminal colours if asked.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let style = Style::new(colour);
        let mut out = String::new();
        for item in &self.items {
            self.render_item(item, &style, &mut out);
        }
        out
    }

    fn render_item(&self, item: &Diagnostic, style: &Style, out: &mut String) {
        let Place { line, column } = self.place(item.span.start);
        let mark = style.severity(item.severity);
        let (bold, blue, off) = (style.bold, style.blue, style.off);
        let width = item.related.as_ref().map_or(line, |(span, _)| line.max(self.place(span.start).line));
        let width = width.to_string().len();
        let _ = writeln!(
            out,
            "{bold}{}:{line}:{column}:{off} {mark}{}:{off} {bold}{}{off}",
            self.file, item.severity, item.found
        );
        let _ = writeln!(out, "{blue}{:width$} |{off}", "");
        self.render_source(&item.span, mark, &item.expected, width, style, out);
        if let Some((span, why)) = &item.related {
            self.render_source(span, blue, why, width, style, out);
        }
        out.push('\n');
    }

    /// One line of the source with carets under `span` and a note behind them.
    fn render_source(
        &self,
        span: &Range<usize>,
        mark: &str,
        note: &str,
        width: usize,
        style: &Style,
        out: &mut String,
    ) {
        let (line, text, column) = self.line_of(span.start);
        let chars: Vec<char> = text.chars().map(visible).collect();
        let marked = self.source.get(span.clone()).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default().chars().count();
        let skip = if chars.len() > SHOWN { column.saturating_sub(SHOWN / 3) } else { 0 };
        let shown: String = chars.iter().skip(skip).take(SHOWN).collect();
        let carets = marked.clamp(1, (SHOWN - (column - skip).min(SHOWN - 1)).max(1));
        let (blue, off) = (style.blue, style.off);
        let _ = writeln!(out, "{blue}{line:width$} |{off} {shown}");
        let _ = writeln!(
            out,
            "{blue}{:width$} |{off} {:indent$}{mark}{} {note}{off}",
            "",
            "",
            "^".repeat(carets),
            indent = column - skip,
        );
    }

    /// The report as data.
    #[must_use]
    pub fn to_rows(&self) -> Vec<Row> {
        self.items
            .iter()
            .map(|item| {
                let Place { line, column } = self.place(item.span.start);
                Row {
                    severity: item.severity,
                    file: self.file.clone(),
                    line,
                    column,
                    found: item.found.clone(),
                    expected: item.expected.clone(),
                    related: item
                        .related
                        .as_ref()
                        .map(|(span, why)| RelatedRow { place: self.place(span.start), why: why.clone() }),
                }
            })
            .collect()
    }
}

/// One diagnostic as `strowger check --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// How bad it is.
    pub severity: Severity,
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What was found.
    pub found: String,
    /// What is expected there.
    pub expected: String,
    /// Another place that has to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<RelatedRow>,
}

/// The second place of a diagnostic.
#[derive(Clone, Debug, Serialize)]
pub struct RelatedRow {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Why it matters.
    pub why: String,
}

/// The report is the error of a failed load.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// One column wide and harmless on a terminal, so that the carets stand under their place.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// The escape sequences in use, all empty without colour.
struct Style {
    bold: &'static str,
    blue: &'static str,
    red: &'static str,
    yellow: &'static str,
    off: &'static str,
}

impl Style {
    fn new(colour: bool) -> Self {
        if colour {
            let (bold, blue, off) = ("\x1b[1m", "\x1b[34m", "\x1b[0m");
            Self { bold, blue, red: "\x1b[1;31m", yellow: "\x1b[1;33m", off }
        } else {
            Self { bold: "", blue: "", red: "", yellow: "", off: "" }
        }
    }

    fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Warning => self.yellow,
            Severity::Error => self.red,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_points_at_its_place_and_at_the_other_one() {
        let source = "[[line]]\nnumber = \"2001\"\n\n[[line]]\nnumber = \"2001\"\n";
        let mut report = Report::new("town.toml", source);
        let second = source.rfind("\"2001\"").unwrap();
        report.error_with(
            second..second + 6,
            "number \"2001\" is given twice",
            "expected each number once",
            (18..24, "first given here"),
        );
        assert_eq!(
            report.render(false),
            "town.toml:5:10: error: number \"2001\" is given twice\n\
             \x20 |\n\
             5 | number = \"2001\"\n\
             \x20 |          ^^^^^^ expected each number once\n\
             2 | number = \"2001\"\n\
             \x20 |          ^^^^^^ first given here\n\n"
        );
        assert!(report.render(true).contains("\x1b[1;31merror:\x1b[0m"));
    }

    #[test]
    fn diagnostics_come_in_the_order_of_their_places_whatever_the_order_of_the_checks() {
        let mut report = Report::new("x", "a = 1\nb = 2\nc = 3\n");
        report.warning(12..13, "third", "");
        report.error(0..1, "first", "");
        report.error(6..7, "second", "");
        let found: Vec<_> = report.diagnostics().iter().map(|item| item.found.as_str()).collect();
        assert_eq!(found, ["first", "second", "third"]);
        assert_eq!((report.errors(), report.warnings()), (2, 1));
    }

    #[test]
    fn columns_count_characters_and_the_end_of_the_file_is_a_place() {
        let report = Report::new("x", "é = \"ü\" # ende");
        assert_eq!(report.place("é = ".len()), Place { line: 1, column: 5 });
        assert_eq!(report.place(999), Place { line: 1, column: 15 });
        assert_eq!(report.place(1), Place { line: 1, column: 1 }, "inside a character is at that character");
    }

    #[test]
    fn a_line_is_shown_without_control_characters_and_never_whole_when_it_is_endless() {
        let source = format!("name\t= \"\x1b[2J{}\"", "x".repeat(100_000));
        let mut report = Report::new("x", &source);
        report.error(5..source.len(), "too long", "expected less");
        let text = report.render(false);
        assert!(!text.contains('\x1b'));
        assert!(text.len() < 1000, "{}", text.len());
    }
}
