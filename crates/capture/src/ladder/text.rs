//! The picture: one column a party, time running down, at most 100 characters wide.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use strowger_sansio::Time;

use super::Ladder;
use super::entry::{Entry, EntryKind, Fate, Verdict};
use super::outcome::Outcome;
use crate::escape::shortened;

/// How the picture is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// Characters of a line, from 60 up.
    pub width: usize,
    /// The characters of lanes and arrows.
    pub glyphs: Glyphs,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { width: 100, glyphs: Glyphs::Ascii }
    }
}

/// Characters to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Printable ASCII, which every terminal, mail and log takes.
    Ascii,
    /// Box-drawing characters.
    Unicode,
}

impl Glyphs {
    const fn lane(self) -> char {
        match self {
            Self::Ascii => '|',
            Self::Unicode => '│',
        }
    }

    const fn heads(self) -> (char, char) {
        match self {
            Self::Ascii => ('<', '>'),
            Self::Unicode => ('◄', '►'),
        }
    }

    /// What the shaft of an arrow is made of: repetitions are broken, streams are double.
    const fn shaft(self, entry: &Entry, column: usize) -> char {
        match (self, entry.kind, entry.repeats.is_some()) {
            (Self::Ascii, EntryKind::Stream, _) => '=',
            (Self::Unicode, EntryKind::Stream, _) => '═',
            (_, _, true) if column.is_multiple_of(2) => ' ',
            (Self::Ascii, ..) => '-',
            (Self::Unicode, ..) => '─',
        }
    }
}

/// The columns before the lanes: time and number.
const HEAD: usize = 15;
/// The least that a lane may be, and the most that is of use.
const LANE: std::ops::RangeInclusive<usize> = 7..=13;
/// Lines that one entry may take.
const LINES: usize = 3;

impl Ladder {
    /// The picture, with a heading and a line of totals.
    #[must_use]
    pub fn to_text(&self, options: &TextOptions) -> String {
        let picture = Picture::new(self, options);
        let mut out = String::new();
        picture.legend(&mut out);
        picture.heading(&mut out);
        for entry in self.entries() {
            picture.entry(&mut out, entry);
        }
        for line in wrapped(&self.totals(), options.width.max(60)) {
            out.push_str(&line);
            out.push('\n');
        }
        out
    }

    /// `9 messages in 4 transactions, 1 repeated, 0 lost; 2 streams of media`.
    fn totals(&self) -> String {
        let count = |keep: &dyn Fn(&Entry) -> bool| self.entries().filter(|entry| keep(entry)).count();
        let streams = count(&|entry| entry.kind == EntryKind::Stream);
        let remarks = count(&|entry| entry.kind == EntryKind::Remark);
        let messages = self.entries().len() - streams - remarks;
        let transactions = count(&|entry| entry.transaction == Some(entry.number));
        let repeated = count(&|entry| entry.repeats.is_some());
        let lost = count(&|entry| entry.fate == Fate::Lost);
        let malformed = count(&|entry| entry.verdict == Verdict::Malformed);
        let mut totals = format!(
            "{messages} messages, {transactions} transactions, {repeated} repeated, {lost} lost, {malformed} malformed; {streams} streams"
        );
        if self.forgotten() > 0 {
            let _ = write!(totals, "; {} older entries forgotten", self.forgotten());
        }
        totals
    }

    /// The suffixes of an entry: ` [again, #3]`, ` [lost]`, ` [no answer]`, ` [1 of 2]`.
    pub(super) fn marks(&self, entry: &Entry, outcomes: &BTreeMap<u64, Outcome>) -> String {
        let mut marks = String::new();
        if let Some(place) = entry.piggyback {
            let _ = write!(marks, " [{} of {} in datagram]", place.place, place.of);
        }
        if let Some(number) = entry.repeats {
            let _ = write!(marks, " [again #{number}]");
        }
        if entry.fate == Fate::Lost {
            marks.push_str(" [lost]");
        }
        if outcomes.get(&entry.number).is_some_and(|outcome| outcome.response.is_none()) {
            marks.push_str(" [no answer]");
        }
        marks
    }
}

struct Picture<'a> {
    ladder: &'a Ladder,
    /// The column of each party; none when it has no entry, or there is no room.
    columns: Vec<Option<usize>>,
    names: Vec<(usize, &'a str)>,
    lane: usize,
    label: usize,
    width: usize,
    glyphs: Glyphs,
    start: Time,
    outcomes: BTreeMap<u64, Outcome>,
}

impl<'a> Picture<'a> {
    fn new(ladder: &'a Ladder, options: &TextOptions) -> Self {
        let width = options.width.max(60);
        let mut used: Vec<_> = ladder.entries().flat_map(|entry| [entry.from, entry.to]).collect();
        used.sort_unstable();
        used.dedup();
        // At least a third of the line is for words.
        let room = width - HEAD - width / 3;
        let lanes = used.len().clamp(1, room / LANE.start());
        let lane = (room / lanes).clamp(*LANE.start(), *LANE.end());
        let mut columns = vec![None; ladder.parties().len()];
        let mut names = Vec::new();
        for (lane_number, party) in used.iter().enumerate() {
            // Parties beyond the last lane share it.
            let lane_number = lane_number.min(lanes - 1);
            let column = HEAD + lane_number * lane + lane / 2;
            if let (Some(slot), Some(party)) = (columns.get_mut(*party), ladder.parties().get(*party)) {
                *slot = Some(column);
                names.push((column, party.name.as_str()));
            }
        }
        let label = HEAD + lanes * lane + 1;
        let start = ladder.entries().map(|entry| entry.time).min().unwrap_or_default();
        Self {
            ladder,
            columns,
            names,
            lane,
            label,
            width,
            glyphs: options.glyphs,
            start,
            outcomes: ladder.outcomes(),
        }
    }

    /// `gw1: 127.0.0.9:2427, 127.0.0.9:16384`.
    fn legend(&self, out: &mut String) {
        for party in self.ladder.parties().iter().filter(|party| !party.addresses.is_empty()) {
            let shown: Vec<_> = party.addresses.iter().map(ToString::to_string).collect();
            if shown == [party.name.as_str()] {
                continue;
            }
            let _ =
                writeln!(out, "{}", shortened(&format!("{}: {}", party.name, shown.join(", ")), self.width));
        }
    }

    fn heading(&self, out: &mut String) {
        let mut line: Vec<char> = format!("{:>9}{:>5}", "seconds", "no.").chars().collect();
        let mut at = None;
        for (column, name) in &self.names {
            let shared = at == Some(*column);
            at = Some(*column);
            let name = if shared { "(others)".to_owned() } else { shortened(name, self.lane - 1) };
            let from = column.saturating_sub(name.chars().count() / 2).max(HEAD);
            put(&mut line, from, &name);
        }
        push_line(out, &line);
    }

    /// The lanes alone.
    fn lanes(&self) -> Vec<char> {
        let mut line = vec![' '; self.label];
        for (column, _) in &self.names {
            if let Some(slot) = line.get_mut(*column) {
                *slot = self.glyphs.lane();
            }
        }
        line
    }

    fn entry(&self, out: &mut String, entry: &Entry) {
        let mut first = self.lanes();
        let seconds = entry.time.since(self.start).as_secs_f64();
        put(&mut first, 0, &format!("{seconds:>9.3}{:>5}", entry.number));
        self.arrow(&mut first, entry);
        let marks = self.ladder.marks(entry, &self.outcomes);
        // A repetition says nothing new: what it begins with is enough to find what it repeats.
        let summary = match entry.repeats {
            Some(_) => {
                shortened(&entry.summary, (self.width - self.label).saturating_sub(marks.len()).max(12))
            }
            None => entry.summary.clone(),
        };
        let label = format!("{summary}{marks}");
        for (index, words) in wrapped(&label, self.width - self.label).iter().enumerate() {
            let mut line = if index == 0 { std::mem::take(&mut first) } else { self.lanes() };
            put(&mut line, self.label, words);
            push_line(out, &line);
        }
    }

    fn arrow(&self, line: &mut [char], entry: &Entry) {
        let column = |party: usize| self.columns.get(party).copied().flatten();
        let (Some(from), Some(to)) = (column(entry.from), column(entry.to)) else { return };
        if from == to {
            if let Some(slot) = line.get_mut(from) {
                *slot = '*';
            }
            return;
        }
        let (left, right) = (from.min(to), from.max(to));
        for (place, slot) in line.iter_mut().enumerate().take(right).skip(left + 1) {
            *slot = self.glyphs.shaft(entry, place);
        }
        let (to_left, to_right) = self.glyphs.heads();
        let (at, head) = match (entry.fate, from < to) {
            (Fate::Lost, _) => (left.midpoint(right), 'X'),
            (Fate::Delivered, true) => (right - 1, to_right),
            (Fate::Delivered, false) => (left + 1, to_left),
        };
        if let Some(slot) = line.get_mut(at) {
            *slot = head;
        }
        // What was lost does not reach the other side.
        if entry.fate == Fate::Lost {
            let gone = if from < to { at + 1..right } else { left + 1..at };
            for slot in line.get_mut(gone).into_iter().flatten() {
                *slot = ' ';
            }
            for (column, _) in &self.names {
                if let Some(slot) = line.get_mut(*column).filter(|slot| **slot == ' ') {
                    *slot = self.glyphs.lane();
                }
            }
        }
    }
}

/// Puts text into a line that grows as needed.
fn put(line: &mut Vec<char>, at: usize, text: &str) {
    for (place, character) in (at..).zip(text.chars()) {
        if line.len() <= place {
            line.resize(place + 1, ' ');
        }
        if let Some(slot) = line.get_mut(place) {
            *slot = character;
        }
    }
}

fn push_line(out: &mut String, line: &[char]) {
    let text: String = line.iter().collect();
    out.push_str(text.trim_end());
    out.push('\n');
}

/// Words in lines of at most `width` characters; what does not fit into the last line shows as dots.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() || lines.is_empty() {
        if lines.len() + 1 == LINES || rest.chars().count() <= width {
            lines.push(shortened(rest, width));
            break;
        }
        let end = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
        let head = rest.get(..end).unwrap_or(rest);
        // A long word without a space is cut where the line ends.
        let cut = if rest.get(end..).is_some_and(|tail| tail.starts_with(' ')) {
            end
        } else {
            head.rfind(' ').filter(|at| *at > width / 3).unwrap_or(end)
        };
        let (line, tail) = rest.split_at_checked(cut).unwrap_or((rest, ""));
        lines.push(line.trim_end().to_owned());
        rest = tail.trim_start();
    }
    lines
}
