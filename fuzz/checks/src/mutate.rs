//! A mutator that knows the texts: messages of the kept corpora with a few things wrong in them.
//!
//! It needs no coverage instrumentation, so that it runs on the stable compiler and very often: what it lacks in aim it has in
//! number. A message is made from a seed and a place in the run, by whatever thread, so that what fails can be made again.

use std::ops::Range;

use crate::corpus::Corpus;

/// How many messages one step of a run makes: what a thread takes on at a time.
pub const BLOCK: u64 = 4096;

/// The longest message made: a little more than UDP carries.
const LONGEST: usize = 66_000;

/// How many kinds of changes there are.
const KINDS: usize = 20;

/// What parts the words of a message.
const MARKS: &[u8] = b" \t\r\n,;:/()@=\"[]|.$*#-";

/// Numbers at the edges of what fields and types hold.
const NUMBERS: &[&str] = &[
    "0",
    "00",
    "1",
    "7",
    "9",
    "10",
    "99",
    "127",
    "128",
    "255",
    "256",
    "999",
    "9999",
    "10000",
    "32768",
    "65535",
    "65536",
    "99999",
    "999999",
    "1000000",
    "999999999",
    "1000000000",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "+1",
    "1.0",
    "0x10",
    "1e9",
    "0000000000000000000000000000000000000001",
    "340282366920938463463374607431768211456",
];

/// Octets that mean something to some grammar, and some that mean nothing to any.
const OCTETS: &[u8] = b"\0\t\n\x0b\r \"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\x1b\x7f\x80\xbf\xc3\xff";

/// Fast numbers from a seed (the generator called SplitMix64): their quality matters little, their cost much.
#[derive(Clone, Debug)]
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; zero when that is zero.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &'a [Box<T>]) -> Option<&'a T> {
        items.get(self.below(items.len())).map(Box::as_ref)
    }

    fn octet(&mut self) -> u8 {
        OCTETS.get(self.below(OCTETS.len())).copied().unwrap_or(0)
    }
}

/// Makes messages from a corpus.
#[derive(Clone, Debug)]
pub struct Mutator<'c> {
    corpus: &'c Corpus,
    draw: Draw,
    message: Vec<u8>,
    spare: Vec<u8>,
    changes: [u64; KINDS],
}

impl<'c> Mutator<'c> {
    /// The changes, each as likely as the others.
    const CHANGES: [fn(&mut Self); KINDS] = [
        Self::flip_a_bit,
        Self::set_an_octet,
        Self::insert_an_octet,
        Self::remove_an_octet,
        Self::change_a_mark,
        Self::change_case,
        Self::put_a_word,
        Self::put_a_word_from_elsewhere,
        Self::swap_two_words,
        Self::remove_a_word,
        Self::put_a_number,
        Self::insert_a_line_from_elsewhere,
        Self::put_a_line_from_elsewhere,
        Self::repeat_a_line,
        Self::remove_a_line,
        Self::swap_two_lines,
        Self::repeat_something,
        Self::cut_off,
        Self::go_on_as_another,
        Self::nest,
    ];

    /// A mutator that draws from the messages, lines and words of a corpus.
    #[must_use]
    pub fn new(corpus: &'c Corpus) -> Self {
        Self { corpus, draw: Draw(0), message: Vec::new(), spare: Vec::new(), changes: [0; KINDS] }
    }

    /// Goes to the start of a block of a run.
    pub fn begin(&mut self, seed: u64, block: u64) {
        self.draw = Draw(seed);
        let seed = self.draw.next();
        self.draw = Draw(seed ^ block.wrapping_mul(0xd6e8_feb8_6659_fd93));
        self.draw.next();
    }

    /// The next message.
    pub fn make(&mut self) -> &[u8] {
        self.message.clear();
        if let Some(sample) = self.draw.pick(&self.corpus.messages) {
            self.message.extend_from_slice(sample);
        }
        // Half of all messages have one change, a quarter has two, and so on.
        let more = self.draw.next().trailing_zeros().min(12);
        for _ in 0..=more {
            let number = self.draw.below(KINDS);
            if let (Some(change), Some(count)) = (Self::CHANGES.get(number), self.changes.get_mut(number)) {
                *count += 1;
                change(self);
            }
        }
        self.message.truncate(LONGEST);
        &self.message
    }

    /// The message that was made last.
    #[must_use]
    pub fn last(&self) -> &[u8] {
        &self.message
    }

    /// How often each kind of change was made.
    #[must_use]
    pub fn changes(&self) -> &[u64] {
        &self.changes
    }

    /// Puts octets in the place of others.
    fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        let message = &mut self.message;
        let end = range.start + with.len();
        let length = message.len();
        if with.len() > range.len() {
            message.resize(length + with.len() - range.len(), 0);
        }
        message.copy_within(range.end..length, end);
        message.truncate(end + length - range.end);
        message[range.start..end].copy_from_slice(with);
    }

    /// As [`replace`](Self::replace), with what was set aside.
    fn replace_with_spare(&mut self, range: Range<usize>) {
        let spare = std::mem::take(&mut self.spare);
        self.replace(range, &spare);
        self.spare = spare;
    }

    /// Keeps a part of the message aside.
    fn set_aside(&mut self, range: Range<usize>) {
        self.spare.clear();
        self.spare.extend_from_slice(&self.message[range]);
    }

    fn place(&mut self) -> usize {
        self.draw.below(self.message.len() + 1)
    }

    /// A line of the message with its end.
    fn line(&mut self) -> Range<usize> {
        let at = self.draw.below(self.message.len());
        line_at(&self.message, at)
    }

    /// A word of the message, which is empty where two marks meet.
    fn word(&mut self) -> Range<usize> {
        let at = self.draw.below(self.message.len());
        word_at(&self.message, at)
    }

    fn flip_a_bit(&mut self) {
        let (at, bit) = (self.draw.below(self.message.len()), self.draw.below(8));
        if let Some(octet) = self.message.get_mut(at) {
            *octet ^= 1 << bit;
        }
    }

    fn set_an_octet(&mut self) {
        let (at, octet) = (self.draw.below(self.message.len()), self.draw.octet());
        if let Some(old) = self.message.get_mut(at) {
            *old = octet;
        }
    }

    fn insert_an_octet(&mut self) {
        let (at, octet) = (self.place(), self.draw.octet());
        self.replace(at..at, &[octet]);
    }

    fn remove_an_octet(&mut self) {
        let at = self.draw.below(self.message.len());
        if at < self.message.len() {
            self.message.remove(at);
        }
    }

    /// One mark for another: the structure changes, the words stay.
    fn change_a_mark(&mut self) {
        let (from, mark) = (self.draw.below(self.message.len()), self.draw.below(MARKS.len()));
        let found = self.message.iter().skip(from).position(|octet| MARKS.contains(octet));
        if let Some(old) = found.and_then(|ahead| self.message.get_mut(from + ahead)) {
            *old = MARKS[mark];
        }
    }

    fn change_case(&mut self) {
        let word = self.word();
        for octet in &mut self.message[word] {
            if octet.is_ascii_alphabetic() {
                *octet ^= 0x20;
            }
        }
    }

    fn put_a_word(&mut self) {
        let word = self.word();
        if let Some(new) = self.draw.pick(&self.corpus.words) {
            self.replace(word, new);
        }
    }

    fn put_a_word_from_elsewhere(&mut self) {
        let word = self.word();
        let corpus = self.corpus;
        if let Some(other) = self.draw.pick(&corpus.messages) {
            let new = word_at(other, self.draw.below(other.len()));
            self.replace(word, &other[new]);
        }
    }

    fn swap_two_words(&mut self) {
        let (one, other) = (self.word(), self.word());
        self.swap(one, other);
    }

    fn remove_a_word(&mut self) {
        let word = self.word();
        self.message.drain(word);
    }

    /// A number at the edge in the place of digits, or of a word.
    fn put_a_number(&mut self) {
        let from = self.draw.below(self.message.len());
        let digit = self.message.iter().skip(from).position(u8::is_ascii_digit).unwrap_or(0);
        let start = from + digit;
        let length = self.message.iter().skip(start).take_while(|octet| octet.is_ascii_digit()).count();
        let range = if length > 0 { start..start + length } else { self.word() };
        let number = NUMBERS[self.draw.below(NUMBERS.len())];
        self.replace(range, number.as_bytes());
    }

    fn insert_a_line_from_elsewhere(&mut self) {
        let at = self.line().start;
        let corpus = self.corpus;
        if let Some(new) = self.draw.pick(&corpus.lines) {
            self.replace(at..at, new);
        }
    }

    fn put_a_line_from_elsewhere(&mut self) {
        let line = self.line();
        let corpus = self.corpus;
        if let Some(new) = self.draw.pick(&corpus.lines) {
            self.replace(line, new);
        }
    }

    fn repeat_a_line(&mut self) {
        let line = self.line();
        self.set_aside(line.clone());
        let to = if self.draw.one_in(2) { line.end } else { self.line().start };
        self.replace_with_spare(to..to);
    }

    fn remove_a_line(&mut self) {
        let line = self.line();
        self.message.drain(line);
    }

    fn swap_two_lines(&mut self) {
        let (one, other) = (self.line(), self.line());
        self.swap(one, other);
    }

    /// A part of the message many times over: mostly a few times, now and then until the message is as long as a datagram can
    /// be.
    fn repeat_something(&mut self) {
        let part = match self.draw.below(4) {
            0 => self.line(),
            1 => self.word(),
            2 => {
                let word = self.word();
                word.start..(word.end + 1).min(self.message.len())
            }
            _ => {
                let at = self.draw.below(self.message.len());
                at..(at + 1).min(self.message.len())
            }
        };
        let most = match self.draw.below(256) {
            0 => LONGEST,
            1..16 => 600,
            _ => 40,
        };
        let room = most.min(LONGEST.saturating_sub(self.message.len()));
        let times = 1 + self.draw.below(room / part.len().max(1));
        self.spare.clear();
        for _ in 0..times {
            self.spare.extend_from_slice(&self.message[part.clone()]);
        }
        self.replace_with_spare(part.end..part.end);
    }

    fn cut_off(&mut self) {
        let at = self.place();
        self.message.truncate(at);
    }

    /// The start of this message and the end of another, or another as a whole behind this one.
    fn go_on_as_another(&mut self) {
        let corpus = self.corpus;
        let Some(other) = self.draw.pick(&corpus.messages) else { return };
        let from = match self.draw.below(3) {
            0 => 0,
            1 => line_at(other, self.draw.below(other.len())).start,
            _ => self.draw.below(other.len()),
        };
        match self.draw.below(4) {
            0 => self.message.extend_from_slice(b".\r\n"),
            1 => self.message.extend_from_slice(b"\r\n"),
            2 => {
                let at = self.line().start;
                self.message.truncate(at);
            }
            _ => {
                let at = self.place();
                self.message.truncate(at);
            }
        }
        self.message.extend_from_slice(&other[from..]);
    }

    /// Brackets around a part of the message, and perhaps around that again.
    fn nest(&mut self) {
        let (one, other) = (self.word(), self.word());
        let (start, end) = (one.start.min(other.start), one.end.max(other.end));
        let (open, close): (&[u8], &[u8]) = match self.draw.below(4) {
            0 => (b"E(R(", b"))"),
            1 => (b"a(", b")"),
            2 => (b"[", b"]"),
            _ => (b"(", b")"),
        };
        let most = if self.draw.one_in(64) { 200 } else { 4 };
        let times = 1 + self.draw.below(most);
        self.spare.clear();
        self.spare.extend(open.iter().copied().cycle().take(open.len() * times));
        self.spare.extend_from_slice(&self.message[start..end]);
        self.spare.extend(close.iter().copied().cycle().take(close.len() * times));
        self.replace_with_spare(start..end);
    }

    fn swap(&mut self, one: Range<usize>, other: Range<usize>) {
        let (first, second) = if one.start <= other.start { (one, other) } else { (other, one) };
        if first.end > second.start {
            return;
        }
        self.spare.clear();
        self.spare.extend_from_slice(&self.message[second.clone()]);
        self.spare.extend_from_slice(&self.message[first.end..second.start]);
        self.spare.extend_from_slice(&self.message[first.clone()]);
        self.message[first.start..second.end].copy_from_slice(&self.spare);
    }
}

/// The line that holds this place, with its end.
fn line_at(text: &[u8], at: usize) -> Range<usize> {
    let start = text.iter().take(at).rposition(|octet| *octet == b'\n').map_or(0, |before| before + 1);
    let length = text.iter().skip(start).position(|octet| *octet == b'\n');
    start..length.map_or(text.len(), |length| start + length + 1)
}

/// The word that holds this place.
fn word_at(text: &[u8], at: usize) -> Range<usize> {
    let is_mark = |octet: &u8| MARKS.contains(octet);
    let start = text.iter().take(at).rposition(is_mark).map_or(0, |before| before + 1);
    let length = text.iter().skip(start).position(is_mark).unwrap_or(text.len() - start);
    start..start + length
}
