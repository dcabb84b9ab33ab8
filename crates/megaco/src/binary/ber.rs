//! BER as far as Annex A needs it: elements with definite and indefinite lengths, sequences, integers, bit strings
//! (X.690 section 8).

use std::marker::PhantomData;

use super::care::{Care, Exact};
use crate::error::Rule;

/// What is wrong, and where. It is behind a pointer because it is rare: a result in which it could be is no larger than what was read.
#[derive(Clone, Debug)]
pub(super) struct Fault(Box<Broken>);

/// What is behind the pointer: the place is that in memory, which the reader makes an offset of, so that elements need not carry theirs.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    place: usize,
    pub(super) length: usize,
    pub(super) rule: Rule,
}

/// What was read with care of some kind.
pub(super) type Parsed<T, C> = Result<T, <C as Care>::Fault>;

impl std::ops::Deref for Fault {
    type Target = Broken;

    fn deref(&self) -> &Broken {
        &self.0
    }
}

impl Fault {
    #[cold]
    pub(super) fn at(place: usize, length: usize, rule: Rule) -> Self {
        Self(Box::new(Broken { place, length, rule }))
    }

    /// Its offset in the message.
    pub(super) fn offset(&self, message: &[u8]) -> usize {
        self.place.wrapping_sub(message.as_ptr() as usize).min(message.len())
    }
}

/// Octets that hold elements.
#[derive(Debug)]
pub(super) struct Octets<'a, C> {
    pub(super) rest: &'a [u8],
    care: PhantomData<C>,
}

impl<C> Clone for Octets<'_, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Octets<'_, C> {}

/// An element: its identifier octet and its contents.
#[derive(Debug)]
pub(super) struct Element<'a, C: Care> {
    pub(super) tag: u8,
    /// Octets before the contents.
    header: C::Header,
    pub(super) contents: Octets<'a, C>,
}

impl<C: Care> Clone for Element<'_, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Care> Copy for Element<'_, C> {}

const CONSTRUCTED: u8 = 0x20;
/// What stands for the number of a tag in the identifier octet when the number is in the octets behind.
const LONG: u8 = 0x1f;
/// How long a list may be for which memory is taken at once: longer ones grow.
const PREPARED: usize = 32;

fn fault<T>(at: &[u8], length: usize, rule: Rule) -> Parsed<T, Exact> {
    Err(Exact::fault(at, length, rule))
}

impl<'a, C: Care> Octets<'a, C> {
    #[inline(always)]
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, care: PhantomData }
    }

    /// The next element.
    #[inline(always)]
    pub(super) fn next(&mut self, depth: usize) -> Parsed<Option<Element<'a, C>>, C> {
        let [tag, _, ..] = self.rest else {
            return if self.rest.is_empty() { Ok(None) } else { Err(lone::<C>(self.rest)) };
        };
        if tag & LONG == LONG { self.next_long(depth) } else { self.next_short(depth) }
    }

    /// The next element, which has a short tag.
    #[inline(always)]
    fn next_short(&mut self, depth: usize) -> Parsed<Option<Element<'a, C>>, C> {
        // Nearly all are so.
        let (tag, header, length, behind) = match self.rest {
            [tag, length @ 0..=0x7f, behind @ ..] => (tag, 2, *length, behind),
            [tag, 0x81, length, behind @ ..] => (tag, 3, *length, behind),
            _ => return self.next_long(depth),
        };
        let Some((contents, rest)) = behind.split_at_checked(usize::from(length)) else {
            return self.next_long(depth);
        };
        self.rest = rest;
        Ok(Some(Element { tag: *tag, header: C::header(header), contents: Octets::new(contents) }))
    }

    #[inline(always)]
    fn next_long(&mut self, depth: usize) -> Parsed<Option<Element<'a, C>>, C> {
        let [tag, ..] = self.rest else { return Ok(None) };
        let Long { header, contents, rest } = C::long(self.rest, depth)?;
        self.rest = rest;
        Ok(Some(Element { tag: *tag, header: C::header(header), contents: Octets::new(contents) }))
    }
}

/// A tag and nothing behind it.
#[cold]
fn lone<C: Care>(whole: &[u8]) -> C::Fault {
    let is_long = whole.first().is_some_and(|tag| tag & LONG == LONG);
    C::fault(whole, 1, if is_long { Rule::Ber } else { Rule::Ends })
}

/// An element with a long tag or a long or indefinite length: how many octets stand before its contents, and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Long<'a> {
    header: u8,
    contents: &'a [u8],
    rest: &'a [u8],
}

/// An element with a short tag and a length that is too large for one octet.
#[inline(never)]
pub(super) fn swift_long(whole: &[u8]) -> Option<Long<'_>> {
    let (length, behind) = match whole {
        [tag, ..] if tag & LONG == LONG => return None,
        [_, 0x82, high, low, behind @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), behind),
        _ => return None,
    };
    let (contents, rest) = behind.split_at_checked(length)?;
    Some(Long { header: 0, contents, rest })
}

/// An element with a long tag or any length, and what is wrong with it.
#[cold]
pub(super) fn long(whole: &[u8], depth: usize) -> Parsed<Long<'_>, Exact> {
    let (tag, rest) = whole.split_first().unwrap_or((&0, &[]));
    // All tags of Annex A are short; a long one can only be an extension, of which the number does not matter.
    let rest = if tag & LONG == LONG { long_tag(rest, whole)? } else { rest };
    let (length, contents) = match rest {
        [length @ 0..=0x7f, contents @ ..] => (usize::from(*length), contents),
        [0x80, contents @ ..] if tag & CONSTRUCTED != 0 => {
            let end = indefinite(contents, whole, depth)?;
            let (inner, rest) = contents.split_at_checked(end).unwrap_or_default();
            let rest = rest.get(2..).unwrap_or_default();
            return Ok(Long { header: octets_before(contents, whole), contents: inner, rest });
        }
        [0x81, length, contents @ ..] => (usize::from(*length), contents),
        [0x82, high, low, contents @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), contents),
        [0x83, high, middle, low, contents @ ..] => {
            (u32::from_be_bytes([0, *high, *middle, *low]) as usize, contents)
        }
        [] => return fault(whole, 1, Rule::Ends),
        _ => return fault(whole, 2, Rule::Ber),
    };
    let header = octets_before(contents, whole);
    match contents.split_at_checked(length) {
        Some((contents, rest)) => Ok(Long { header, contents, rest }),
        None => fault(whole, whole.len(), Rule::Ends),
    }
}

/// At most a tag of five octets and a length of four.
fn octets_before(contents: &[u8], whole: &[u8]) -> u8 {
    u8::try_from(whole.len() - contents.len()).unwrap_or(u8::MAX)
}

impl<C> Octets<'_, C> {
    /// How many elements there are, as far as their lengths say it at once: what a list may be prepared for.
    #[inline]
    pub(super) fn count(self) -> usize {
        match self.rest {
            [] => 0,
            // Most lists are of one.
            [_, length, contents @ ..] if usize::from(*length) == contents.len() => 1,
            _ => self.count_all(),
        }
    }

    #[inline(never)]
    fn count_all(self) -> usize {
        let (mut rest, mut count) = (self.rest, 0);
        while count < PREPARED {
            let (length, contents) = match rest {
                [_, length @ 0..=0x7f, contents @ ..] => (usize::from(*length), contents),
                [_, 0x81, length, contents @ ..] => (usize::from(*length), contents),
                [_, 0x82, high, low, contents @ ..] => {
                    (usize::from(u16::from_be_bytes([*high, *low])), contents)
                }
                _ => break,
            };
            let Some(behind) = contents.get(length..) else { break };
            (rest, count) = (behind, count + 1);
        }
        count
    }
}

#[cold]
fn long_tag<'a>(rest: &'a [u8], whole: &[u8]) -> Parsed<&'a [u8], Exact> {
    let end = rest.iter().take(4).position(|octet| octet & 0x80 == 0);
    match end.and_then(|end| rest.get(end + 1..)) {
        Some(rest) => Ok(rest),
        None => fault(whole, 1, Rule::Ber),
    }
}

/// How many octets stand before the end-of-contents octets of an indefinite length.
#[cold]
fn indefinite(contents: &[u8], whole: &[u8], limit: usize) -> Parsed<usize, Exact> {
    let mut inner = Octets::<Exact>::new(contents);
    let mut open = 0_usize;
    loop {
        match inner.rest {
            [0, 0, rest @ ..] => {
                if open == 0 {
                    return Ok(contents.len() - inner.rest.len());
                }
                open -= 1;
                inner = Octets::new(rest);
            }
            // Elements of indefinite length are gone through without recursion.
            [tag, 0x80, rest @ ..] if tag & CONSTRUCTED != 0 && tag & 0x1f != 0x1f => {
                open += 1;
                if open > limit {
                    return fault(whole, 2, Rule::Depth);
                }
                inner = Octets::new(rest);
            }
            // A long tag within is too rare to be worth more than a fault.
            [tag, ..] if tag & 0x1f == 0x1f => return fault(whole, 2, Rule::Ber),
            [] => return fault(whole, 2, Rule::Ends),
            _ => match inner.next(limit) {
                Ok(_) => {}
                Err(found) => return fault(whole, 2, found.rule),
            },
        }
    }
}

impl<'a, C: Care> Element<'a, C> {
    /// No reference to the element is handed on, that its parts can stay in registers.
    #[inline(always)]
    pub(super) fn fault<T>(&self, rule: Rule) -> Parsed<T, C> {
        Err(C::around(self.contents.rest, self.header, rule))
    }

    /// A member that must be there is not the next. What stands there instead may be no member at all.
    #[cold]
    pub(super) fn lacks<T>(&self, members: Members<'a, C>) -> Parsed<T, C> {
        members.end()?;
        self.fault(Rule::BerMember)
    }

    /// The octets of a primitive value.
    #[inline]
    pub(super) fn primitive(&self) -> Parsed<&'a [u8], C> {
        if self.tag & CONSTRUCTED == 0 { Ok(self.contents.rest) } else { self.fault(Rule::BerType) }
    }

    #[inline(always)]
    pub(super) fn is_constructed(&self) -> bool {
        self.tag & CONSTRUCTED != 0
    }

    #[inline(always)]
    pub(super) fn must_be_a_sequence(&self) -> Parsed<(), C> {
        if self.tag == 0x30 { Ok(()) } else { self.fault(Rule::BerType) }
    }

    /// The elements within.
    #[inline]
    pub(super) fn constructed(&self) -> Parsed<Octets<'a, C>, C> {
        if self.tag & CONSTRUCTED != 0 { Ok(self.contents) } else { self.fault(Rule::BerType) }
    }

    /// The members of a sequence with automatic tags.
    #[inline]
    pub(super) fn members(&self, depth: usize) -> Parsed<Members<'a, C>, C> {
        Ok(Members { octets: self.constructed()?, least: 0, depth })
    }

    /// The one element within an explicit tag.
    #[inline(always)]
    pub(super) fn only(&self, depth: usize) -> Parsed<Element<'a, C>, C> {
        let mut octets = self.constructed()?;
        match octets.next(depth)? {
            Some(only) if octets.rest.is_empty() => Ok(only),
            _ => self.fault(Rule::BerType),
        }
    }

    /// The number of a context-specific tag; more than [`LONG`] for others.
    #[inline]
    pub(super) const fn number(&self) -> u8 {
        self.tag & !CONSTRUCTED ^ 0x80
    }

    #[inline]
    pub(super) fn integer(&self) -> Parsed<i64, C> {
        match integer(self.primitive()?) {
            Some(number) => Ok(number),
            None => self.fault(Rule::BerRange),
        }
    }

    #[inline]
    pub(super) fn unsigned32(&self) -> Parsed<u32, C> {
        match u32::try_from(self.integer()?) {
            Ok(number) => Ok(number),
            Err(_) => self.fault(Rule::BerRange),
        }
    }

    #[inline]
    pub(super) fn unsigned16(&self) -> Parsed<u16, C> {
        match u16::try_from(self.integer()?) {
            Ok(number) => Ok(number),
            Err(_) => self.fault(Rule::BerRange),
        }
    }

    /// A number from 0 to `most`.
    #[inline]
    pub(super) fn small(&self, most: u8) -> Parsed<u8, C> {
        match u8::try_from(self.integer()?) {
            Ok(number) if number <= most => Ok(number),
            _ => self.fault(Rule::BerRange),
        }
    }

    #[inline]
    pub(super) fn boolean(&self) -> Parsed<bool, C> {
        match self.primitive()? {
            [octet] => Ok(*octet != 0),
            _ => self.fault(Rule::BerType),
        }
    }

    #[inline]
    pub(super) fn null(&self) -> Parsed<bool, C> {
        if self.primitive()?.is_empty() { Ok(true) } else { self.fault(Rule::BerType) }
    }

    pub(super) fn text(&self) -> Parsed<&'a str, C> {
        match std::str::from_utf8(self.primitive()?) {
            Ok(text) => Ok(text),
            Err(_) => self.fault(Rule::BerText),
        }
    }

    /// The first sixteen bits of a bit string; trailing zeros may be cut or kept.
    pub(super) fn bits(&self) -> Parsed<u16, C> {
        match self.primitive()? {
            [unused @ 0..=7, bits @ ..] if *unused == 0 || !bits.is_empty() => {
                let first = bits.first().copied().unwrap_or_default();
                let second = bits.get(1).copied().unwrap_or_default();
                let mask = |octet: u8, place: usize| {
                    if place + 1 == bits.len() { octet & (0xff << unused) } else { octet }
                };
                Ok(u16::from_be_bytes([mask(first, 0), mask(second, 1)]))
            }
            _ => self.fault(Rule::BerType),
        }
    }
}

/// A signed number of one to eight octets.
#[inline]
pub(super) fn integer(octets: &[u8]) -> Option<i64> {
    match octets {
        [only] => return Some(i64::from(only.cast_signed())),
        [high, low] => return Some(i64::from(i16::from_be_bytes([*high, *low]))),
        [high, middle, low] => return Some(i64::from(i32::from_be_bytes([*high, *middle, *low, 0]) >> 8)),
        [first, second, third, last] => {
            return Some(i64::from(i32::from_be_bytes([*first, *second, *third, *last])));
        }
        _ => {}
    }
    let (first, _) = octets.split_first()?;
    if octets.len() > 8 {
        return None;
    }
    let start = if first & 0x80 == 0 { 0 } else { -1_i64 };
    Some(octets.iter().fold(start, |number, octet| number << 8 | i64::from(*octet)))
}

/// The members of a sequence: their numbers rise.
pub(super) struct Members<'a, C: Care> {
    octets: Octets<'a, C>,
    /// The lowest number that may come next.
    least: u8,
    depth: usize,
}

impl<'a, C: Care> Members<'a, C> {
    /// The member with a number that holds elements, if it is the next. Members that a reader knows are asked for in their order; what is
    /// none of them stays for [`Members::end`] or [`Members::close`].
    #[inline(always)]
    pub(super) fn get(&mut self, number: u8) -> Parsed<Option<Element<'a, C>>, C> {
        self.take(0x80 | CONSTRUCTED | number)
    }

    /// The member with a number that is a value, if it is the next.
    #[inline(always)]
    pub(super) fn value(&mut self, number: u8) -> Parsed<Option<Element<'a, C>>, C> {
        self.take(0x80 | number)
    }

    #[inline(always)]
    fn take(&mut self, tag: u8) -> Parsed<Option<Element<'a, C>>, C> {
        self.least = (tag & LONG) + 1;
        // Who wants to know what is wrong takes one of the wrong form for this member; for others nobody takes it, which is a fault too.
        let form = if C::IS_EXACT { CONSTRUCTED } else { 0 };
        let found = match self.octets.rest {
            [found, _, ..] if found | form == tag | form => self.octets.next_short(self.depth)?,
            [found] if found | form == tag | form => self.octets.next_long(self.depth)?,
            _ => return Ok(None),
        };
        Ok(found.map(|found| if C::IS_EXACT { found } else { Element { tag, ..found } }))
    }

    /// Whether nothing stands behind the members that were asked for.
    #[inline(always)]
    pub(super) fn is_over(&self) -> bool {
        self.octets.rest.is_empty()
    }

    /// What is read from the member with a number, if it is the next.
    #[inline(always)]
    pub(super) fn read<T>(
        &mut self,
        number: u8,
        read: impl FnOnce(Element<'a, C>) -> Parsed<T, C>,
    ) -> Parsed<Option<T>, C> {
        self.get(number)?.map(read).transpose()
    }

    /// The same of a member that is a value.
    #[inline(always)]
    pub(super) fn read_value<T>(
        &mut self,
        number: u8,
        read: impl FnOnce(Element<'a, C>) -> Parsed<T, C>,
    ) -> Parsed<Option<T>, C> {
        self.value(number)?.map(read).transpose()
    }

    /// Goes past what stands behind the members that are known, where there is an extension mark.
    #[inline(always)]
    pub(super) fn end(self) -> Parsed<(), C> {
        if self.octets.rest.is_empty() { Ok(()) } else { self.extensions() }
    }

    #[cold]
    fn extensions(mut self) -> Parsed<(), C> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// Where there is no extension mark, nothing stands behind the members that are known.
    #[inline(always)]
    pub(super) fn close(self) -> Parsed<(), C> {
        if self.octets.rest.is_empty() { Ok(()) } else { self.surplus() }
    }

    #[cold]
    fn surplus(mut self) -> Parsed<(), C> {
        match self.next()? {
            Some((_, member)) => member.fault(Rule::BerMember),
            None => Ok(()),
        }
    }

    /// The next member, whichever it is.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Parsed<Option<(u8, Element<'a, C>)>, C> {
        let Some(element) = self.octets.next(self.depth)? else { return Ok(None) };
        let number = element.number();
        // Tags from 31 on are long ones of extensions, and have no order here.
        if (number < self.least || number > LONG) && number != LONG {
            return element.fault(Rule::BerMember);
        }
        self.least = number + 1;
        Ok(Some((number, element)))
    }
}

/// Octets that are being written.
pub(super) struct Sink<'o> {
    pub(super) out: &'o mut Vec<u8>,
}

impl Sink<'_> {
    /// Begins a constructed element: what [`Sink::close`] needs.
    #[inline]
    pub(super) fn open(&mut self, tag: u8) -> usize {
        self.out.extend_from_slice(&[tag, 0]);
        self.out.len()
    }

    /// Ends a constructed element by writing its length.
    #[inline]
    pub(super) fn close(&mut self, start: usize) {
        let length = self.out.len() - start;
        if length < 0x80 {
            if let Some(octet) = self.out.get_mut(start - 1) {
                *octet = u8::try_from(length).unwrap_or_default();
            }
        } else {
            self.close_long(start, length);
        }
    }

    fn close_long(&mut self, start: usize, length: usize) {
        let octets = length.to_be_bytes();
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let significant = octets.get(zeros..).unwrap_or_default();
        if let Some(octet) = self.out.get_mut(start - 1) {
            *octet = 0x80 | u8::try_from(significant.len()).unwrap_or_default();
        }
        let end = self.out.len();
        self.out.extend_from_slice(significant);
        self.out.copy_within(start..end, start + significant.len());
        for (place, octet) in significant.iter().enumerate() {
            if let Some(slot) = self.out.get_mut(start + place) {
                *slot = *octet;
            }
        }
    }

    #[inline]
    pub(super) fn primitive(&mut self, tag: u8, octets: &[u8]) {
        match u8::try_from(octets.len()) {
            Ok(length @ 0..=0x7f) => {
                self.out.extend_from_slice(&[tag, length]);
                self.out.extend_from_slice(octets);
            }
            _ => {
                let start = self.open(tag);
                self.out.extend_from_slice(octets);
                self.close(start);
            }
        }
    }

    #[inline]
    pub(super) fn integer(&mut self, tag: u8, number: i64) {
        let octets = number.to_be_bytes();
        // An octet is left out when the next one says the same sign.
        let mut from = 0;
        while let (Some(octet), Some(next)) = (octets.get(from), octets.get(from + 1)) {
            let is_sign = (*octet == 0 && next & 0x80 == 0) || (*octet == 0xff && next & 0x80 != 0);
            if !is_sign {
                break;
            }
            from += 1;
        }
        self.primitive(tag, octets.get(from..).unwrap_or_default());
    }

    pub(super) fn boolean(&mut self, tag: u8, value: bool) {
        self.out.extend_from_slice(&[tag, 1, if value { 0xff } else { 0 }]);
    }

    pub(super) fn null(&mut self, tag: u8) {
        self.out.extend_from_slice(&[tag, 0]);
    }

    /// A bit string with names: trailing zeros are cut.
    pub(super) fn bits(&mut self, tag: u8, bits: u16) {
        let unused = u8::try_from(bits.trailing_zeros() % 8).unwrap_or_default();
        match bits.to_be_bytes() {
            [0, 0] => self.primitive(tag, &[0]),
            [first, 0] => self.primitive(tag, &[unused, first]),
            [first, second] => self.primitive(tag, &[unused, first, second]),
        }
    }
}
