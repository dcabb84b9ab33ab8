//! How carefully a message is read.
//!
//! Nearly all messages are as they should be. [`Swift`] reads these: it keeps nothing that only a fault would need, and of a fault it knows
//! no more than that there is one. [`Exact`] reads the others once more, and says what is wrong, where, and what it is about. Both
//! go through one and the same reader, so that they cannot differ in what is legal.

use super::Options;
use super::ber::{Fault, Long, long, swift_long};
use crate::error::{DecodeError, Rule, Scope};
use crate::message::TransactionId;

/// One of the two ways.
pub(super) trait Care: Sized {
    /// What is known of a fault.
    type Fault;
    /// How many octets stand before the contents of an element, if it matters.
    type Header: Copy;
    /// Whether what is read tells where faults are.
    const IS_EXACT: bool;

    fn header(octets: u8) -> Self::Header;

    /// A fault at the beginning of these octets.
    fn fault(octets: &[u8], length: usize, rule: Rule) -> Self::Fault;

    /// A fault of an element: its contents, and the octets before them.
    fn around(contents: &[u8], header: Self::Header, rule: Rule) -> Self::Fault;

    /// An element with a long tag or a long or indefinite length.
    fn long(whole: &[u8], depth: usize) -> Result<Long<'_>, Self::Fault>;

    /// The state that goes with faults.
    fn exact(&mut self) -> Option<&mut Exact>;

    /// Whether reading goes on behind a fault.
    fn recovers(&self) -> bool;

    /// Notes a fault in the modes that go on behind one.
    fn note(
        &mut self,
        fault: Self::Fault,
        bytes: &[u8],
        options: &Options,
        recovers: bool,
    ) -> Result<(), Self::Fault>;
}

/// Nothing is known of a fault but that there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsaid;

/// For messages without a fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Swift;

impl Care for Swift {
    type Fault = Unsaid;
    type Header = ();
    const IS_EXACT: bool = false;

    #[inline(always)]
    fn header(_: u8) {}

    #[inline(always)]
    fn fault(_: &[u8], _: usize, _: Rule) -> Unsaid {
        Unsaid
    }

    #[inline(always)]
    fn around(_: &[u8], (): (), _: Rule) -> Unsaid {
        Unsaid
    }

    #[inline(always)]
    fn long(whole: &[u8], _: usize) -> Result<Long<'_>, Unsaid> {
        swift_long(whole).ok_or(Unsaid)
    }

    #[inline(always)]
    fn exact(&mut self) -> Option<&mut Exact> {
        None
    }

    #[inline(always)]
    fn recovers(&self) -> bool {
        false
    }

    #[inline(always)]
    fn note(&mut self, fault: Unsaid, _: &[u8], _: &Options, _: bool) -> Result<(), Unsaid> {
        Err(fault)
    }
}

/// For messages with faults: where in the message's structure the reader is, and what it has found.
#[derive(Debug, Default)]
pub(super) struct Exact {
    pub(super) scope: Scope,
    pub(super) transaction: Option<TransactionId>,
    pub(super) is_request: bool,
    pub(super) faults: Option<Vec<DecodeError>>,
    /// Whether nothing behind the first fault of a request is read.
    pub(super) stops: bool,
    /// Whether the next list is of transactions, actions or commands: a fault further in takes the whole command.
    pub(super) is_level: bool,
    /// Whether the present transaction has had its fault.
    pub(super) is_broken: bool,
}

impl Exact {
    /// What is said of a fault.
    pub(super) fn error(&self, fault: &Fault, bytes: &[u8]) -> DecodeError {
        let offset = fault.offset(bytes);
        DecodeError {
            offset,
            length: fault.length,
            found: crate::error::Found::at(bytes, offset),
            rule: fault.rule,
            scope: self.scope,
            transaction: self.transaction,
            is_request: self.is_request,
        }
    }
}

impl Care for Exact {
    type Fault = Fault;
    type Header = u8;
    const IS_EXACT: bool = true;

    fn header(octets: u8) -> u8 {
        octets
    }

    fn fault(octets: &[u8], length: usize, rule: Rule) -> Fault {
        Fault::at(octets.as_ptr() as usize, length, rule)
    }

    fn around(contents: &[u8], header: u8, rule: Rule) -> Fault {
        let header = usize::from(header);
        Fault::at((contents.as_ptr() as usize).wrapping_sub(header), contents.len() + header, rule)
    }

    fn long(whole: &[u8], depth: usize) -> Result<Long<'_>, Fault> {
        long(whole, depth)
    }

    fn exact(&mut self) -> Option<&mut Exact> {
        Some(self)
    }

    fn recovers(&self) -> bool {
        self.faults.is_some()
    }

    fn note(&mut self, fault: Fault, bytes: &[u8], options: &Options, recovers: bool) -> Result<(), Fault> {
        let error = self.error(&fault, bytes);
        match &mut self.faults {
            Some(faults) if recovers && faults.len() < options.limits.faults => {
                faults.push(error);
                Ok(())
            }
            _ => Err(fault),
        }
    }
}
