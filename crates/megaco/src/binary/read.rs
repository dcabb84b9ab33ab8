//! The reader of the binary form: messages, identifiers, transactions. `command`, `descriptor`, `event`, `audit` and `service` read what stands in
//! them.

mod audit;
mod command;
mod descriptor;
mod event;
mod service;

use std::borrow::Cow;

use super::Options;
use super::ber::{Element, Fault, Members, Octets, Parsed, integer};
use super::care::{Care, Exact, Swift};
use crate::error::{DecodeError, ErrorCode, Rule, Scope};
use crate::limits::Limits;
use crate::message::{
    Acknowledged, Authentication, Body, Caseless, ErrorDescriptor, List, Message, Mid, MtpAddress, Opening,
    Reply, ReplyResult, Request, Segment, Transaction, TransactionId, Version,
};

/// Reads a message, with as much care as `C` says.
pub(super) struct Reader<'a, C> {
    bytes: &'a [u8],
    pub(super) options: &'a Options,
    /// Items that there may still be.
    items: usize,
    nesting: usize,
    care: C,
}

impl<'a> Reader<'a, Swift> {
    /// A reader for messages that are as they should be, if it can be told before that this one has not too many items: each has
    /// two octets at least.
    pub(super) fn swift(bytes: &'a [u8], options: &'a Options) -> Option<Self> {
        let Limits { items, .. } = options.limits;
        (bytes.len() / 2 <= items).then_some(Self { bytes, options, items, nesting: 0, care: Swift })
    }
}

impl<'a> Reader<'a, Exact> {
    pub(super) fn exact(bytes: &'a [u8], options: &'a Options) -> Self {
        let Limits { items, .. } = options.limits;
        Self { bytes, options, items, nesting: 0, care: Exact::default() }
    }

    pub(super) fn recovering(bytes: &'a [u8], options: &'a Options) -> Self {
        let mut reader = Self::exact(bytes, options);
        reader.care.faults = Some(Vec::new());
        reader
    }

    /// For what may be executed: all before the first fault of each request.
    pub(super) fn executable(bytes: &'a [u8], options: &'a Options) -> Self {
        let mut reader = Self::recovering(bytes, options);
        reader.care.stops = true;
        reader
    }

    /// The message as far as it can be read, and its faults.
    pub(super) fn message_and_faults(mut self) -> (Option<Message<'a>>, Vec<DecodeError>) {
        let mut message = Self::blank();
        let last = self.message(&mut message).err().map(|fault| self.error(&fault));
        let is_read = last.is_none();
        let mut faults = self.care.faults.unwrap_or_default();
        faults.extend(last);
        (is_read.then_some(message), faults)
    }

    pub(super) fn error(&self, fault: &Fault) -> DecodeError {
        self.care.error(fault, self.bytes)
    }
}

impl<'a, C: Care> Reader<'a, C> {
    /// How deep elements of indefinite length may nest.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        if C::IS_EXACT { self.options.limits.depth } else { 0 }
    }

    /// The next list is one in which a fault takes an item and no more.
    #[inline(always)]
    pub(super) fn level(&mut self) -> &mut Self {
        if let Some(exact) = self.care.exact() {
            exact.is_level = true;
        }
        self
    }

    /// What is read from now on is part of this.
    #[inline(always)]
    pub(super) fn enter(&mut self, scope: Scope) {
        if let Some(exact) = self.care.exact() {
            exact.scope = scope;
        }
    }

    /// The number of the transaction is read.
    #[inline(always)]
    fn know(&mut self, id: Option<TransactionId>) {
        if let Some(exact) = self.care.exact() {
            exact.transaction = id;
        }
    }

    /// Each element of a list. In the recovering mode one with a fault is noted and left out.
    #[inline(always)]
    pub(super) fn each(
        &mut self,
        list: Element<'a, C>,
        mut read: impl FnMut(&mut Self, Element<'a, C>) -> Parsed<(), C>,
    ) -> Parsed<(), C> {
        let mut octets = list.constructed()?;
        if C::IS_EXACT {
            return self.each_with_care(octets, read);
        }
        while let Some(element) = octets.next(self.depth())? {
            read(self, element)?;
        }
        Ok(())
    }

    fn each_with_care(
        &mut self,
        mut octets: Octets<'a, C>,
        mut read: impl FnMut(&mut Self, Element<'a, C>) -> Parsed<(), C>,
    ) -> Parsed<(), C> {
        let scope = self.care.exact().map_or(Scope::Message, |exact| exact.scope);
        let recovers =
            self.care.exact().is_some_and(|exact| std::mem::take(&mut exact.is_level) || !exact.stops);
        while let Some(element) = octets.next(self.depth())? {
            let Some(left) = self.items.checked_sub(1) else { return element.fault(Rule::ItemCount) };
            self.items = left;
            let read = read(self, element);
            let is_broken = read.is_err();
            if let Err(fault) = read {
                self.care.note(fault, self.bytes, self.options, recovers)?;
            }
            let Some(exact) = self.care.exact() else { continue };
            if is_broken {
                exact.is_broken = exact.stops && scope != Scope::Message;
            }
            if exact.is_broken && scope != Scope::Message {
                return Ok(());
            }
            exact.scope = scope;
        }
        Ok(())
    }

    /// Elements that are sequences, one after another. `read` puts what it has read into the list itself: what is handed back would be
    /// copied from place to place on its way there.
    #[inline]
    pub(super) fn sequences<T>(
        &mut self,
        list: Element<'a, C>,
        read: impl Fn(&mut Self, Element<'a, C>, &mut Vec<T>) -> Parsed<(), C>,
    ) -> Parsed<Vec<T>, C> {
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

    /// The same for lists that are mostly of one, which are read where they are to stand. `read` may leave an element with a fault behind.
    #[inline(always)]
    pub(super) fn list<T>(
        &mut self,
        list: Element<'a, C>,
        into: &mut List<T>,
        read: impl Fn(&mut Self, Element<'a, C>, &mut List<T>) -> Parsed<(), C>,
    ) -> Parsed<(), C> {
        self.each(list, |reader, element| {
            let before = if C::IS_EXACT { into.len() } else { 0 };
            let read = read(reader, element, into);
            if C::IS_EXACT && read.is_err() {
                into.truncate(before);
            }
            read
        })
    }

    /// A part of the grammar that can hold itself.
    pub(super) fn nested<T>(
        &mut self,
        element: Element<'a, C>,
        read: impl FnOnce(&mut Self) -> Parsed<T, C>,
    ) -> Parsed<T, C> {
        self.nesting += 1;
        if self.nesting > self.depth() {
            return element.fault(Rule::Depth);
        }
        let read = read(self);
        self.nesting -= 1;
        read
    }

    /// The message's own element.
    fn whole(&mut self) -> Parsed<(Element<'a, C>, Members<'a, C>), C> {
        if self.bytes.len() > self.options.limits.message_bytes {
            return Err(C::fault(self.bytes, self.bytes.len(), Rule::MessageLength));
        }
        if self.bytes.first().is_some_and(|tag| *tag != 0x30) {
            return Err(C::fault(self.bytes, 1, Rule::BerType));
        }
        let mut octets = Octets::new(self.bytes);
        let Some(whole) = octets.next(self.depth())? else {
            return Err(C::fault(self.bytes, 0, Rule::Ends));
        };
        if !octets.rest.is_empty() {
            return Err(C::fault(octets.rest, octets.rest.len(), Rule::Trailing));
        }
        Ok((whole, whole.members(self.depth())?))
    }

    /// Reads the message into a [blank](Self::blank) one: it is large, and should not have to be moved often.
    #[inline(always)]
    pub(super) fn message(&mut self, message: &mut Message<'a>) -> Parsed<(), C> {
        let (whole, mut members) = self.whole()?;
        message.authentication = members.read(0, |member| self.authentication(member))?;
        let Some(member) = members.get(1)? else {
            members.close()?;
            return whole.fault(Rule::BerMember);
        };
        self.inner(member, message)?;
        // Nothing stands behind it: this sequence has no extension mark.
        members.close()
    }

    /// A message that is to be read.
    #[inline(always)]
    pub(super) fn blank() -> Message<'a> {
        let (version, mid) = (Version::V1, Mid::Device(Caseless::new("")));
        Message { authentication: None, version, mid, body: Body::Transactions(List::new()) }
    }

    /// All but the body.
    pub(super) fn opening(&mut self) -> Parsed<Opening<'a>, C> {
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

    #[inline(never)]
    fn authentication(&mut self, element: Element<'a, C>) -> Parsed<Authentication<'a>, C> {
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

    #[inline(always)]
    fn inner(&mut self, element: Element<'a, C>, message: &mut Message<'a>) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let Some(version) = members.value(0)? else { return element.lacks(members) };
        message.version = self.version(version)?;
        let Some(mid) = members.get(1)? else { return element.lacks(members) };
        message.mid = self.mid(mid.only(self.depth())?)?;
        let Some(body) = members.get(2)? else { return element.lacks(members) };
        self.body(body.only(self.depth())?, &mut message.body)?;
        members.end()
    }

    pub(super) fn version(&self, element: Element<'a, C>) -> Parsed<Version, C> {
        match element.small(99).ok().and_then(Version::new) {
            Some(version) => Ok(version),
            None => element.fault(Rule::Version),
        }
    }

    /// `MId`; `ServiceChangeAddress` has the same alternatives one further.
    #[inline(always)]
    pub(super) fn mid(&mut self, element: Element<'a, C>) -> Parsed<Mid<'a>, C> {
        // The usual form: an IPv4 address and a port.
        if let (0xa0, [0x80, 4, a, b, c, d, 0x81, length @ 1..=3, port @ ..]) =
            (element.tag, element.contents.rest)
            && usize::from(*length) == port.len()
            && let Some(port) = integer(port).and_then(|port| u16::try_from(port).ok())
        {
            return Ok(Mid::Ip4([*a, *b, *c, *d], Some(port)));
        }
        self.mid_from(element, element.number())
    }

    pub(super) fn mid_from(&mut self, element: Element<'a, C>, number: u8) -> Parsed<Mid<'a>, C> {
        match number {
            0..=2 => {
                let mut members = element.members(self.depth())?;
                let address = members.value(0)?;
                let port = members.read_value(1, |member| member.unsigned16())?;
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

    #[inline(always)]
    fn begin_transaction(&mut self) {
        if let Some(exact) = self.care.exact() {
            exact.scope = Scope::Transaction;
            exact.transaction = None;
            exact.is_request = false;
            exact.is_broken = false;
        }
    }

    #[inline(always)]
    fn body(&mut self, element: Element<'a, C>, body: &mut Body<'a>) -> Parsed<(), C> {
        match (element.number(), body) {
            (0, body) => {
                *body = Body::Error(self.error_descriptor(element)?);
                Ok(())
            }
            (1, Body::Transactions(transactions)) => {
                self.level().list(element, transactions, |reader, element, transactions| {
                    reader.begin_transaction();
                    reader.transaction(element, transactions)
                })?;
                if transactions.is_empty() && !self.care.recovers() {
                    return element.fault(Rule::Transaction);
                }
                Ok(())
            }
            _ => element.fault(Rule::BerType),
        }
    }

    #[inline(always)]
    fn transaction(&mut self, element: Element<'a, C>, into: &mut List<Transaction<'a>>) -> Parsed<(), C> {
        match element.number() {
            0 => {
                if let Some(exact) = self.care.exact() {
                    exact.is_request = true;
                }
                let mut members = element.members(self.depth())?;
                let Some(member) = members.value(0)? else { return element.lacks(members) };
                let id = match member.unsigned32()? {
                    0 => return member.fault(Rule::TransactionId),
                    number => TransactionId::new(number),
                };
                self.know(Some(id));
                let Some(member) = members.get(1)? else { return element.lacks(members) };
                let request = Transaction::Request(Request { id, actions: List::new() });
                let Some(Transaction::Request(request)) = into.push_mut(request) else { return Ok(()) };
                self.level().list(member, &mut request.actions, Self::action)?;
                members.end()?;
                if request.actions.is_empty() && !self.care.recovers() {
                    return element.fault(Rule::BerMember);
                }
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

    #[inline]
    fn acknowledged(&mut self, element: Element<'a, C>, into: &mut Vec<Acknowledged>) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let first = members.read_value(0, |member| member.unsigned32())?.map(TransactionId::new);
        let last = members.read_value(1, |member| member.unsigned32())?.map(TransactionId::new);
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

    fn segment_number(&self, element: Element<'a, C>) -> Parsed<u16, C> {
        match element.unsigned16()? {
            0 => element.fault(Rule::Segment),
            number => Ok(number),
        }
    }

    #[inline(never)]
    fn segment_reply(&mut self, element: Element<'a, C>, into: &mut List<Transaction<'a>>) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let id = members.read_value(0, |member| member.unsigned32())?.map(TransactionId::new);
        let segment = members.read_value(1, |member| self.segment_number(member))?;
        let is_last = members.read_value(2, |member| member.null())?.unwrap_or_default();
        members.end()?;
        match (id, segment) {
            (Some(id), Some(number)) => {
                into.push(Transaction::Segment(id, Segment { number, is_last }));
                Ok(())
            }
            _ => element.fault(Rule::Segment),
        }
    }

    fn reply(&mut self, element: Element<'a, C>, into: &mut List<Transaction<'a>>) -> Parsed<(), C> {
        let mut members = element.members(self.depth())?;
        let id = members.read_value(0, |member| member.unsigned32())?.map(TransactionId::new);
        self.know(id);
        let is_ack_required = members.read_value(1, |member| member.null())?.unwrap_or_default();
        let known = id.unwrap_or(TransactionId::UNREADABLE);
        let result = ReplyResult::Actions(List::new());
        let reply = Transaction::Reply(Reply { id: known, is_ack_required, segment: None, result });
        let Some(Transaction::Reply(reply)) = into.push_mut(reply) else { return Ok(()) };
        let result =
            members.read(2, |member| self.reply_result(member.only(self.depth())?, &mut reply.result))?;
        let segment = members.read_value(3, |member| self.segment_number(member))?;
        let is_last = members.read_value(4, |member| member.null())?.unwrap_or_default();
        members.end()?;
        reply.segment = segment.map(|number| Segment { number, is_last });
        if id.is_some() && result.is_some() && (segment.is_some() || !is_last) {
            Ok(())
        } else {
            element.fault(Rule::BerMember)
        }
    }

    #[inline(always)]
    fn reply_result(&mut self, choice: Element<'a, C>, result: &mut ReplyResult<'a>) -> Parsed<(), C> {
        match (choice.number(), result) {
            (0, result) => {
                *result = ReplyResult::Error(self.error_descriptor(choice)?);
                Ok(())
            }
            (1, ReplyResult::Actions(actions)) => {
                self.list(choice, actions, Self::action_reply)?;
                if actions.is_empty() && !self.care.recovers() {
                    return choice.fault(Rule::Action);
                }
                Ok(())
            }
            _ => choice.fault(Rule::BerType),
        }
    }

    pub(super) fn error_descriptor(&mut self, element: Element<'a, C>) -> Parsed<ErrorDescriptor<'a>, C> {
        let mut members = element.members(self.depth())?;
        let code = members.read_value(0, |member| member.unsigned16())?.map(ErrorCode::new);
        let text = members.read_value(1, |member| member.text())?;
        members.close()?;
        match code {
            Some(code) => Ok(ErrorDescriptor { code, text }),
            None => element.fault(Rule::Error),
        }
    }
}
