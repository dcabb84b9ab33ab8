//! The cursor over text that every reader of this folder uses (RFC 3525 Annex B.2: LWSP, COMMENT, SafeChar, quotedString),
//! and the loop over lists in braces, which is where the recovering mode goes on after a fault.

use std::borrow::Cow;

use super::Options;
use crate::error::{DecodeError, Fault, Found, Rule, Scope};
use crate::message::TransactionId;
use crate::package::{Written, is_safe};
use crate::token::Token;

pub(super) type Scanned<T> = Result<T, Fault>;

/// Reads an item of a list.
type ReadItem<'r, 'a> = dyn FnMut(&mut Scanner<'a>) -> Scanned<()> + 'r;

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    /// The octets up to the first that is not UTF-8: text is cut out of it without a second look at its characters.
    text: &'a str,
    at: usize,
    /// Items that there may still be.
    items: usize,
    depth: usize,
    pub(super) options: &'a Options,
    pub(super) scope: Scope,
    pub(super) transaction: Option<TransactionId>,
    pub(super) is_request: bool,
    /// Faults so far, in the modes that go on after one.
    faults: Option<Vec<DecodeError>>,
    /// Whether nothing behind the first fault of a request is read.
    stops: bool,
    /// Whether the present transaction has had its fault, in that mode.
    is_broken: bool,
}

/// How long headers mostly are; longer ones are cut with a second look at their characters.
const HEADER: usize = 128;
/// The braces of a request that hold actions, and those of an action that hold commands: a fault further in takes the whole command.
const COMMANDS: usize = 2;

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8], options: &'a Options) -> Self {
        Self::with_text(bytes, legal_text(bytes), options)
    }

    /// For the header alone: what stands behind is not looked at.
    pub(super) fn of_header(bytes: &'a [u8], options: &'a Options) -> Self {
        Self::with_text(bytes, legal_text(bytes.get(..HEADER).unwrap_or(bytes)), options)
    }

    fn with_text(bytes: &'a [u8], text: &'a str, options: &'a Options) -> Self {
        Self {
            bytes,
            text,
            at: 0,
            items: options.limits.items,
            depth: 0,
            options,
            scope: Scope::Message,
            transaction: None,
            is_request: false,
            faults: None,
            stops: false,
            is_broken: false,
        }
    }

    /// For what may be executed: all before the first fault of each request.
    pub(super) fn executable(bytes: &'a [u8], options: &'a Options) -> Self {
        Self { stops: true, ..Self::recovering(bytes, options) }
    }

    pub(super) fn recovering(bytes: &'a [u8], options: &'a Options) -> Self {
        Self { faults: Some(Vec::new()), ..Self::new(bytes, options) }
    }

    pub(super) fn take_faults(&mut self) -> Vec<DecodeError> {
        self.faults.take().unwrap_or_default()
    }

    /// Whether a fault was noted.
    pub(super) fn has_faults(&self) -> bool {
        self.faults.as_ref().is_some_and(|faults| !faults.is_empty())
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// All octets from a place on.
    #[inline]
    pub(super) fn rest(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Goes to another place: mostly one that was passed.
    #[inline]
    pub(super) fn go_back(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn error(&self, fault: &Fault) -> DecodeError {
        DecodeError {
            offset: fault.at,
            length: fault.length,
            found: Found::at(self.bytes, fault.at),
            rule: fault.rule,
            scope: self.scope,
            transaction: self.transaction,
            is_request: self.is_request,
        }
    }

    /// A fault at the next word or sign.
    #[cold]
    #[inline(never)]
    pub(super) fn fault<T>(&mut self, rule: Rule) -> Scanned<T> {
        self.space();
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        let word = rest.iter().take_while(|byte| is_safe(**byte)).count();
        let rule = if rest.is_empty() { Rule::Ends } else { rule };
        Err(Fault::new(at, word.max(1).min(rest.len()), rule))
    }

    /// A fault from `start` up to here.
    #[cold]
    #[inline(never)]
    pub(super) fn fault_from<T>(&self, start: usize, rule: Rule) -> Scanned<T> {
        Err(Fault::new(start, self.at.saturating_sub(start), rule))
    }

    /// A fault in a word that was read.
    #[cold]
    #[inline(never)]
    pub(super) fn fault_in<T>(&self, word: &[u8], rule: Rule) -> Scanned<T> {
        Err(Fault::new(self.at.saturating_sub(word.len()), word.len(), rule))
    }

    /// Goes past white space and comments.
    #[inline]
    pub(super) fn space(&mut self) {
        if let Some(0..=b' ' | b';') = self.bytes.get(self.at) {
            self.some_space();
        }
    }

    fn some_space(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b';' => self.comment(),
                _ => break,
            }
        }
    }

    #[cold]
    fn comment(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
    }

    /// The next sign behind white space, which stays.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    /// The next byte, white space or not, which stays.
    #[inline]
    pub(super) fn peek_here(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Whether the next sign is this one; goes past it then.
    #[inline]
    pub(super) fn eat(&mut self, sign: u8) -> bool {
        let is_next = self.peek() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    #[inline(never)]
    pub(super) fn expect(&mut self, sign: u8, rule: Rule) -> Scanned<()> {
        if self.eat(sign) { Ok(()) } else { self.fault(rule) }
    }

    #[inline(never)]
    pub(super) fn equal(&mut self) -> Scanned<()> {
        self.expect(b'=', Rule::Equal)
    }

    #[inline(never)]
    pub(super) fn open(&mut self) -> Scanned<()> {
        if !self.eat(b'{') {
            return self.fault(Rule::LeftBrace);
        }
        self.depth += 1;
        if self.depth > self.options.limits.depth { self.fault(Rule::Depth) } else { Ok(()) }
    }

    #[inline(never)]
    pub(super) fn close(&mut self) -> Scanned<()> {
        if !self.eat(b'}') {
            return self.fault(Rule::RightBrace);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// White space that must be there.
    pub(super) fn separator(&mut self) -> Scanned<()> {
        match self.peek_here() {
            Some(b' ' | b'\t' | b'\r' | b'\n' | b';') => {
                self.space();
                Ok(())
            }
            _ => self.fault(Rule::Separator),
        }
    }

    /// The next word: at least one safe character.
    #[inline(never)]
    pub(super) fn word(&mut self, rule: Rule) -> Scanned<&'a [u8]> {
        self.space();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !is_safe(*byte)).unwrap_or(rest.len());
        match rest.get(..length) {
            Some(word) if length > 0 => {
                self.at += length;
                Ok(word)
            }
            _ => self.fault(rule),
        }
    }

    /// The next word as text.
    #[inline(never)]
    pub(super) fn text(&mut self, rule: Rule) -> Scanned<&'a str> {
        let word = self.word(rule)?;
        let start = self.at.saturating_sub(word.len());
        match self.cut(start, self.at) {
            Some(text) => Ok(text),
            // Safe characters are ASCII.
            None => self.fault_in(word, rule),
        }
    }

    /// Octets as text, if they are.
    #[inline]
    pub(super) fn cut(&self, start: usize, end: usize) -> Option<&'a str> {
        self.text.get(start..end).or_else(|| self.cut_late(start, end))
    }

    /// Text behind octets that are none, which can stand in session descriptions and comments.
    #[cold]
    fn cut_late(&self, start: usize, end: usize) -> Option<&'a str> {
        self.bytes.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The next word, which must be a token.
    #[inline(never)]
    pub(super) fn token(&mut self, rule: Rule) -> Scanned<Token> {
        let word = self.word(rule)?;
        match Token::find(word) {
            Some(token) => Ok(token),
            None => self.fault_in(word, rule),
        }
    }

    /// Up to a sign, which is eaten; without the sign's meaning anything inside.
    pub(super) fn until(&mut self, sign: u8, rule: Rule) -> Scanned<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = memchr::memchr(sign, rest) else { return self.fault(rule) };
        self.at += length + 1;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// Text in quotes.
    pub(super) fn quoted(&mut self, rule: Rule) -> Scanned<&'a str> {
        self.expect(b'"', rule)?;
        let start = self.at;
        let bytes = match self.until(b'"', Rule::Quote) {
            Ok(bytes) => bytes,
            Err(fault) => return Err(Fault::new(start.saturating_sub(1), fault.length, fault.rule)),
        };
        match self.cut(start, start + bytes.len()) {
            // Line ends are no characters of a quotedString.
            Some(text) if memchr::memchr3(b'\r', b'\n', 0, bytes).is_none() => Ok(text),
            _ => self.fault_from(start, Rule::Quote),
        }
    }

    /// A value: a word or text in quotes.
    pub(super) fn written(&mut self) -> Scanned<Written<'a>> {
        if self.peek() == Some(b'"') {
            return Ok(Written { text: self.quoted(Rule::Value)?, is_quoted: true });
        }
        Ok(Written { text: self.text(Rule::Value)?, is_quoted: false })
    }

    pub(super) fn number32(&mut self, rule: Rule) -> Scanned<u32> {
        let word = self.word(rule)?;
        match number(word, 10) {
            Some(number) => Ok(number),
            None => self.fault_in(word, rule),
        }
    }

    pub(super) fn number16(&mut self, rule: Rule) -> Scanned<u16> {
        let word = self.word(rule)?;
        match number(word, 5).and_then(|number| u16::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => self.fault_in(word, rule),
        }
    }

    /// Session descriptions: what stands up to the next brace that is not escaped.
    pub(super) fn octets(&mut self) -> Scanned<Cow<'a, [u8]>> {
        self.expect(b'{', Rule::LeftBrace)?;
        let start = self.at;
        let mut unescaped: Option<Vec<u8>> = None;
        let mut from = start;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(length) = memchr::memchr(b'}', rest) else {
                self.at = self.bytes.len();
                return self.fault(Rule::Description);
            };
            self.at += length + 1;
            let part = self.bytes.get(from..self.at - 1).unwrap_or_default();
            match part.split_last() {
                Some((b'\\', before)) => {
                    let text = unescaped.get_or_insert_default();
                    text.extend_from_slice(before);
                    text.push(b'}');
                    from = self.at;
                }
                _ => {
                    let whole = self.bytes.get(start..self.at).unwrap_or_default();
                    if memchr::memchr(0, whole).is_some() {
                        return self.fault_from(start, Rule::Description);
                    }
                    return Ok(match unescaped {
                        None => Cow::Borrowed(tidy(part)),
                        Some(mut text) => {
                            text.extend_from_slice(part);
                            Cow::Owned(tidy(&text).to_vec())
                        }
                    });
                }
            }
        }
    }

    /// Items of a list: `read` for each, up to the brace, which is eaten; the opening one has been eaten already.
    #[inline]
    pub(super) fn items(&mut self, mut read: impl FnMut(&mut Self) -> Scanned<()>) -> Scanned<()> {
        self.each_item(&mut read)
    }

    /// One loop for all lists.
    #[inline(never)]
    fn each_item(&mut self, read: &mut ReadItem<'_, 'a>) -> Scanned<()> {
        let depth = self.depth;
        let scope = self.scope;
        loop {
            match self.items.checked_sub(1) {
                Some(left) => self.items = left,
                None => return self.fault(Rule::ItemCount),
            }
            if let Err(fault) = read(self) {
                if self.stops {
                    self.stop(fault, depth)?;
                } else {
                    self.recover(fault, depth)?;
                }
            }
            if self.is_broken {
                self.skip(depth);
                return Ok(());
            }
            self.scope = scope;
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(());
                }
                Some(b',') if self.faults.is_none() => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            if self.eat(b',') {
                if self.faults.is_some() && !self.stops && self.peek() == Some(b'}') {
                    let fault = Fault::new(self.at, 1, Rule::Item);
                    self.note(fault)?;
                } else {
                    continue;
                }
            }
            if self.peek() != Some(b'}') {
                let Err(fault) = self.fault::<()>(Rule::RightBrace) else { continue };
                if self.stops {
                    self.stop(fault, depth)?;
                    self.skip(depth);
                    return Ok(());
                }
                self.recover(fault, depth)?;
                if self.eat(b',') {
                    continue;
                }
            }
            return self.close();
        }
    }

    /// Items in braces.
    #[inline]
    pub(super) fn braced(&mut self, mut read: impl FnMut(&mut Self) -> Scanned<()>) -> Scanned<()> {
        self.open()?;
        self.each_item(&mut read)
    }

    /// Where nothing behind a fault is to be executed: notes one of a command or an action, hands a deeper one on.
    fn stop(&mut self, fault: Fault, depth: usize) -> Scanned<()> {
        if !self.is_request || depth > COMMANDS {
            return Err(fault);
        }
        self.is_broken = true;
        self.note(fault)
    }

    /// Goes behind the brace that ends the list at `depth`, or to the end of the text.
    fn skip(&mut self, depth: usize) {
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'{' => self.depth += 1,
                b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth < depth {
                        return;
                    }
                }
                b'"' => {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    self.at += memchr::memchr(b'"', rest).map_or(0, |length| length + 1);
                }
                _ => {}
            }
        }
    }

    /// In the mode for what may be executed: notes what is wrong with a transaction, and goes behind it.
    pub(super) fn pass_over(&mut self, fault: Fault) -> Scanned<()> {
        if !self.stops {
            return Err(fault);
        }
        self.note(fault)?;
        self.skip(1);
        self.depth = 0;
        Ok(())
    }

    pub(super) fn begin_transaction(&mut self) {
        self.scope = Scope::Transaction;
        self.transaction = None;
        self.is_request = false;
        self.is_broken = false;
    }

    fn note(&mut self, fault: Fault) -> Scanned<()> {
        let error = self.error(&fault);
        match &mut self.faults {
            Some(faults) if faults.len() < self.options.limits.faults => {
                faults.push(error);
                Ok(())
            }
            _ => Err(fault),
        }
    }

    /// In the recovering mode: notes the fault and goes on to the next comma or brace of the list.
    fn recover(&mut self, fault: Fault, depth: usize) -> Scanned<()> {
        if matches!(fault.rule, Rule::Ends | Rule::ItemCount | Rule::Depth) {
            return Err(fault);
        }
        self.note(fault.clone())?;
        while let Some(byte) = self.peek() {
            match byte {
                b',' if self.depth <= depth => return Ok(()),
                b'}' if self.depth <= depth => return Ok(()),
                b'{' => self.depth += 1,
                b'}' => self.depth -= 1,
                b'"' => {
                    self.at += 1;
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    // A quote that is not closed is one sign; else all up to the closing one.
                    self.at += memchr::memchr(b'"', rest).unwrap_or(0);
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(fault)
    }
}

/// The octets up to the first that is not UTF-8.
fn legal_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_else(|error| {
        bytes.get(..error.valid_up_to()).and_then(|legal| std::str::from_utf8(legal).ok()).unwrap_or_default()
    })
}

/// Puts an item into a list which will mostly hold up to `N`: memory for so many is taken at once, without the way round by which a
/// list grows.
#[inline]
pub(super) fn put<const N: usize, T>(list: &mut Vec<T>, item: T) {
    if list.capacity() == 0 {
        *list = Vec::with_capacity(N);
    }
    list.push(item);
}

/// A session description without the white space before it and the lines of white space behind it, which are layout.
fn tidy(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_start();
    let end = text.trim_ascii_end().len();
    let rest = text.get(end..).unwrap_or_default();
    let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |line| line + 1);
    text.get(..end + line).unwrap_or(text)
}

/// A number of at most so many digits.
pub(super) fn number(word: &[u8], digits: usize) -> Option<u32> {
    if word.is_empty() || word.len() > digits {
        return None;
    }
    let mut number = 0_u64;
    for byte in word {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    u32::try_from(number).ok()
}
