//! The reader of the binary form: messages, identifiers, transactions. `command`, `descriptor`, `event`, `audit` and `service` read what stands in
//! them.

mod audit;
mod command;
mod descriptor;
mod event;
mod service;

use std::borrow::Cow;

use super::Options;
use super::ber::{Element, Fault, Members, Octets, Parsed};
use crate::error::{DecodeError, ErrorCode, Found, Rule, Scope};
use crate::message::{
    Acknowledged, Authentication, Body, Caseless, ErrorDescriptor, Message, Mid, MtpAddress, Opening, Reply,
    ReplyResult, Request, Segment, Transaction, TransactionId, Version,
};

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) options: &'a Options,
    /// How deep elements of indefinite length may nest.
    depth: usize,
    /// Items that there may still be.
    items: usize,
    nesting: usize,
    scope: Scope,
    transaction: Option<TransactionId>,
    is_request: bool,
    faults: Option<Vec<DecodeError>>,
    /// Whether nothing behind the first fault of a request is read.
    stops: bool,
    /// Whether the next list is of transactions, actions or commands: a fault further in takes the whole command.
    is_level: bool,
    /// Whether the present transaction has had its fault.
    is_broken: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], options: &'a Options) -> Self {
        Self {
            bytes,
            options,
            depth: options.limits.depth,
            items: options.limits.items,
            nesting: 0,
            scope: Scope::Message,
            transaction: None,
            is_request: false,
            faults: None,
            stops: false,
            is_level: false,
            is_broken: false,
        }
    }

    /// For what may be executed: all before the first fault of each request.
    pub(super) fn executable(bytes: &'a [u8], options: &'a Options) -> Self {
        Self { stops: true, ..Self::recovering(bytes, options) }
    }

    /// The next list is one in which a fault takes an item and no more.
    pub(super) fn level(&mut self) -> &mut Self {
        self.is_level = true;
        self
    }

    pub(super) fn recovering(bytes: &'a [u8], options: &'a Options) -> Self {
        Self { faults: Some(Vec::new()), ..Self::new(bytes, options) }
    }

    pub(super) fn take_faults(&mut self) -> Vec<DecodeError> {
        self.faults.take().unwrap_or_default()
    }

    pub(super) fn error(&self, fault: &Fault) -> DecodeError {
        let offset = fault.offset(self.bytes);
        DecodeError {
            offset,
            length: fault.length,
            found: Found::at(self.bytes, offset),
            rule: fault.rule,
            scope: self.scope,
            transaction: self.transaction,
            is_request: self.is_request,
        }
    }

    /// How deep elements of indefinite length may nest.
    #[inline]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Each element of a list. In the recovering mode one with a fault is noted and left out.
    #[inline]
    pub(super) fn each(
        &mut self,
        list: Element<'a>,
        mut read: impl FnMut(&mut Self, Element<'a>) -> Parsed<()>,
    ) -> Parsed<()> {
        let mut octets = list.constructed()?;
        let scope = self.scope;
        let recovers = std::mem::take(&mut self.is_level) || !self.stops;
        while let Some(element) = octets.next(self.depth())? {
            let Some(left) = self.items.checked_sub(1) else { return element.fault(Rule::ItemCount) };
            self.items = left;
            if let Err(fault) = read(self, element) {
                self.note(fault, recovers)?;
                self.is_broken = self.stops && scope != Scope::Message;
            }
            if self.is_broken && scope != Scope::Message {
                return Ok(());
            }
            self.scope = scope;
        }
        Ok(())
    }

    /// Notes a fault in the modes that go on behind one.
    #[cold]
    fn note(&mut self, fault: Fault, recovers: bool) -> Parsed<()> {
        let error = self.error(&fault);
        match &mut self.faults {
            Some(faults) if recovers && faults.len() < self.options.limits.faults => {
                faults.push(error);
                Ok(())
            }
            _ => Err(fault),
        }
    }

    /// Elements that are sequences, one after another. `read` puts what it has read into the list itself: what is handed back would be
    /// copied from place to place on its way there.
    #[inline]
    pub(super) fn sequences<T>(
        &mut self,
        list: Element<'a>,
        read: impl Fn(&mut Self, Element<'a>, &mut Vec<T>) -> Parsed<()>,
    ) -> Parsed<Vec<T>> {
        // Most lists are short. Taken one by one, the first element would take the memory of four, of which most are never used.
        let mut all = Vec::with_capacity(list.contents.count());
        self.each(list, |reader, element| {
            if element.tag != 0x30 {
                return element.fault(Rule::BerType);
            }
            read(reader, element, &mut all)
        })?;
        Ok(all)
    }

    /// A part of the grammar that can hold itself.
    pub(super) fn nested<T>(
        &mut self,
        element: Element<'a>,
        read: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > self.depth() {
            return element.fault(Rule::Depth);
        }
        let read = read(self);
        self.nesting -= 1;
        read
    }

    /// The message's own element.
    fn whole(&mut self) -> Parsed<(Element<'a>, Members<'a>)> {
        if self.bytes.len() > self.options.limits.message_bytes {
            return Err(Fault::new(self.bytes, self.bytes.len(), Rule::MessageLength));
        }
        if self.bytes.first().is_some_and(|tag| *tag != 0x30) {
            return Err(Fault::new(self.bytes, 1, Rule::BerType));
        }
        let mut octets = Octets { rest: self.bytes };
        let Some(whole) = octets.next(self.depth())? else {
            return Err(Fault::new(self.bytes, 0, Rule::Ends));
        };
        if !octets.rest.is_empty() {
            return Err(Fault::new(octets.rest, octets.rest.len(), Rule::Trailing));
        }
        Ok((whole, whole.members(self.depth())?))
    }

    pub(super) fn message(&mut self) -> Parsed<Message<'a>> {
        let (whole, mut members) = self.whole()?;
        let authentication = members.read(0, |member| self.authentication(member))?;
        let Some(member) = members.get(1)? else {
            members.close()?;
            return whole.fault(Rule::BerMember);
        };
        let message = self.inner(member, authentication)?;
        // Nothing stands behind it: this sequence has no extension mark.
        members.close()?;
        Ok(message)
    }

    /// All but the body.
    pub(super) fn opening(&mut self) -> Parsed<Opening<'a>> {
        let (whole, mut members) = self.whole()?;
        let mut authentication = None;
        while let Some((number, inner)) = members.next()? {
            if number == 0 {
                authentication = Some(self.authentication(inner)?);
                continue;
            }
            let (mut version, mut mid) = (None, None);
            let mut members = inner.members(self.depth())?;
            while let Some((number, member)) = members.next()? {
                match (number, version, mid) {
                    (0, ..) => version = Some(self.version(member)?),
                    (1, ..) => mid = Some(self.mid(member.only(self.depth())?)?),
                    (2, Some(version), Some(mid)) => {
                        let body = member.only(self.depth())?.contents.rest;
                        return Ok(Opening { authentication, version, mid, body });
                    }
                    _ => return member.fault(Rule::BerMember),
                }
            }
        }
        whole.fault(Rule::BerMember)
    }

    fn authentication(&mut self, element: Element<'a>) -> Parsed<Authentication<'a>> {
        let mut members = element.members(self.depth())?;
        let (mut index, mut sequence, mut data) = (None, None, None);
        while let Some((number, member)) = members.next()? {
            let octets = member.primitive()?;
            match number {
                0 => index = octets.try_into().ok(),
                1 => sequence = octets.try_into().ok(),
                2 => data = (12..=32).contains(&octets.len()).then_some(octets),
                _ => return member.fault(Rule::BerMember),
            }
        }
        match (index, sequence, data) {
            (Some(index), Some(sequence), Some(data)) => {
                Ok(Authentication { index, sequence, data: Cow::Borrowed(data) })
            }
            _ => element.fault(Rule::Authentication),
        }
    }

    fn inner(
        &mut self,
        element: Element<'a>,
        authentication: Option<Authentication<'a>>,
    ) -> Parsed<Message<'a>> {
        let mut members = element.members(self.depth())?;
        let Some(version) = members.get(0)? else { return element.lacks(members) };
        let version = self.version(version)?;
        let Some(mid) = members.get(1)? else { return element.lacks(members) };
        let mid = self.mid(mid.only(self.depth())?)?;
        let Some(body) = members.get(2)? else { return element.lacks(members) };
        let body = self.body(body.only(self.depth())?)?;
        members.end()?;
        Ok(Message { authentication, version, mid, body })
    }

    pub(super) fn version(&self, element: Element<'a>) -> Parsed<Version> {
        match element.small(99).ok().and_then(Version::new) {
            Some(version) => Ok(version),
            None => element.fault(Rule::Version),
        }
    }

    /// `MId`; `ServiceChangeAddress` has the same alternatives one further.
    pub(super) fn mid(&mut self, element: Element<'a>) -> Parsed<Mid<'a>> {
        self.mid_from(element, element.number())
    }

    pub(super) fn mid_from(&mut self, element: Element<'a>, number: u8) -> Parsed<Mid<'a>> {
        match number {
            0..=2 => {
                let mut members = element.members(self.depth())?;
                let address = members.get(0)?;
                let port = members.read(1, |member| member.unsigned16())?;
                members.close()?;
                let Some(address) = address else { return element.fault(Rule::Mid) };
                let octets = address.primitive()?;
                let mid = match number {
                    0 => octets.try_into().ok().map(|address| Mid::Ip4(address, port)),
                    1 => octets.try_into().ok().map(|address| Mid::Ip6(address, port)),
                    _ => {
                        let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
                        let begins = octets.first().is_some_and(u8::is_ascii_alphanumeric);
                        let is_legal = begins && octets.len() <= 64 && octets.iter().all(legal);
                        is_legal.then_some(Mid::Domain(Caseless::new(address.text()?), port))
                    }
                };
                match mid {
                    Some(mid) => Ok(mid),
                    None => address.fault(Rule::Mid),
                }
            }
            3 => {
                let name = element.text()?;
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_*$.-@".contains(&byte);
                let begins = !name.starts_with(['$', '-', '.', '@']);
                if (1..=64).contains(&name.len()) && begins && name.bytes().all(legal) {
                    Ok(Mid::Device(Caseless::new(name)))
                } else {
                    element.fault(Rule::Mid)
                }
            }
            4 => match MtpAddress::new(element.primitive()?) {
                Some(address) => Ok(Mid::Mtp(address)),
                None => element.fault(Rule::Mid),
            },
            _ => element.fault(Rule::Mid),
        }
    }

    fn body(&mut self, element: Element<'a>) -> Parsed<Body<'a>> {
        match element.number() {
            0 => self.error_descriptor(element).map(Body::Error),
            1 => {
                let mut transactions = Vec::with_capacity(element.contents.count());
                self.level().each(element, |reader, element| {
                    reader.scope = Scope::Transaction;
                    reader.transaction = None;
                    reader.is_request = false;
                    reader.is_broken = false;
                    reader.transaction(element, &mut transactions)
                })?;
                if transactions.is_empty() && self.faults.is_none() {
                    return element.fault(Rule::Transaction);
                }
                Ok(Body::Transactions(transactions))
            }
            _ => element.fault(Rule::BerType),
        }
    }

    fn transaction(&mut self, element: Element<'a>, into: &mut Vec<Transaction<'a>>) -> Parsed<()> {
        match element.number() {
            0 => {
                self.is_request = true;
                let mut members = element.members(self.depth())?;
                let Some(member) = members.get(0)? else { return element.lacks(members) };
                let id = match member.unsigned32()? {
                    0 => return member.fault(Rule::TransactionId),
                    number => TransactionId::new(number),
                };
                self.transaction = Some(id);
                let Some(member) = members.get(1)? else { return element.lacks(members) };
                let actions = self.level().sequences(member, Self::action)?;
                members.end()?;
                if actions.is_empty() && self.faults.is_none() {
                    return element.fault(Rule::BerMember);
                }
                into.push(Transaction::Request(Request { id, actions }));
                Ok(())
            }
            1 => match element.members(self.depth())?.next()? {
                Some((0, id)) => {
                    into.push(Transaction::Pending(TransactionId::new(id.unsigned32()?)));
                    Ok(())
                }
                _ => element.fault(Rule::BerMember),
            },
            2 => self.reply(element, into),
            3 => {
                let ranges = self.sequences(element, Self::acknowledged)?;
                if ranges.is_empty() {
                    return element.fault(Rule::Acknowledgement);
                }
                into.push(Transaction::Acknowledgement(ranges));
                Ok(())
            }
            4 => self.segment_reply(element, into),
            _ => element.fault(Rule::Transaction),
        }
    }

    fn acknowledged(&mut self, element: Element<'a>, into: &mut Vec<Acknowledged>) -> Parsed<()> {
        let mut members = element.members(self.depth())?;
        let first = members.read(0, |member| member.unsigned32())?.map(TransactionId::new);
        let last = members.read(1, |member| member.unsigned32())?.map(TransactionId::new);
        if let Some((_, member)) = members.next()? {
            // That it is no number is said first.
            member.unsigned32()?;
            return member.fault(Rule::BerMember);
        }
        match (first, last) {
            (Some(first), last) if last.is_none_or(|last| first <= last) => {
                into.push(Acknowledged { first, last });
                Ok(())
            }
            _ => element.fault(Rule::Acknowledgement),
        }
    }

    fn segment_number(&self, element: Element<'a>) -> Parsed<u16> {
        match element.unsigned16()? {
            0 => element.fault(Rule::Segment),
            number => Ok(number),
        }
    }

    fn segment_reply(&mut self, element: Element<'a>, into: &mut Vec<Transaction<'a>>) -> Parsed<()> {
        let mut members = element.members(self.depth())?;
        let id = members.read(0, |member| member.unsigned32())?.map(TransactionId::new);
        let segment = members.read(1, |member| self.segment_number(member))?;
        let is_last = members.read(2, |member| member.null())?.unwrap_or_default();
        members.end()?;
        match (id, segment) {
            (Some(id), Some(number)) => {
                into.push(Transaction::Segment(id, Segment { number, is_last }));
                Ok(())
            }
            _ => element.fault(Rule::Segment),
        }
    }

    fn reply(&mut self, element: Element<'a>, into: &mut Vec<Transaction<'a>>) -> Parsed<()> {
        let mut members = element.members(self.depth())?;
        let id = members.read(0, |member| member.unsigned32())?.map(TransactionId::new);
        self.transaction = id;
        let is_ack_required = members.read(1, |member| member.null())?.unwrap_or_default();
        let result = members.read(2, |member| self.reply_result(member.only(self.depth())?))?;
        let segment = members.read(3, |member| self.segment_number(member))?;
        let is_last = members.read(4, |member| member.null())?.unwrap_or_default();
        members.end()?;
        let segment = segment.map(|number| Segment { number, is_last });
        match (id, result) {
            (Some(id), Some(result)) if segment.is_some() || !is_last => {
                into.push(Transaction::Reply(Reply { id, is_ack_required, segment, result }));
                Ok(())
            }
            _ => element.fault(Rule::BerMember),
        }
    }

    fn reply_result(&mut self, choice: Element<'a>) -> Parsed<ReplyResult<'a>> {
        match choice.number() {
            0 => self.error_descriptor(choice).map(ReplyResult::Error),
            1 => {
                let actions = self.sequences(choice, Self::action_reply)?;
                if actions.is_empty() && self.faults.is_none() {
                    return choice.fault(Rule::Action);
                }
                Ok(ReplyResult::Actions(actions))
            }
            _ => choice.fault(Rule::BerType),
        }
    }

    pub(super) fn error_descriptor(&mut self, element: Element<'a>) -> Parsed<ErrorDescriptor<'a>> {
        let mut members = element.members(self.depth())?;
        let code = members.read(0, |member| member.unsigned16())?.map(ErrorCode::new);
        let text = members.read(1, |member| member.text())?;
        members.close()?;
        match code {
            Some(code) => Ok(ErrorDescriptor { code, text }),
            None => element.fault(Rule::Error),
        }
    }

    pub(super) fn enter(&mut self, scope: Scope) {
        self.scope = scope;
    }
}
