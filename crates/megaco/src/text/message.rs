//! Messages, message identifiers and transactions (RFC 3525 sections 8.2, 8.3).

use std::borrow::Cow;
use std::net::Ipv6Addr;

use super::scan::{Scanned, Scanner, number};
use crate::error::{ErrorCode, Rule, Scope};
use crate::message::{
    Acknowledged, Authentication, Body, Caseless, ErrorDescriptor, List, Message, Mid, MtpAddress, Reply,
    ReplyResult, Request, Segment, Transaction, TransactionId, Version,
};
use crate::token::Token;

impl<'a> Scanner<'a> {
    pub(super) fn message(&mut self) -> Scanned<Message<'a>> {
        let (authentication, version, mid) = self.header()?;
        // What is large is read where it is to stand.
        let mut message = Message { authentication, version, mid, body: Body::Transactions(List::new()) };
        self.body(&mut message.body)?;
        Ok(message)
    }

    /// All before the body.
    pub(super) fn header(&mut self) -> Scanned<(Option<Authentication<'a>>, Version, Mid<'a>)> {
        if self.len() > self.options.limits.message_bytes {
            return self.fault_from(0, Rule::MessageLength);
        }
        self.space();
        let start = self.at();
        let mut word = self.word(Rule::Start)?;
        let mut authentication = None;
        if !word.contains(&b'/') && Token::find(word) == Some(Token::Authentication) {
            authentication = Some(self.authentication()?);
            self.separator()?;
            word = self.word(Rule::Start)?;
        }
        let version =
            match word.iter().position(|byte| *byte == b'/').and_then(|at| word.split_at_checked(at)) {
                Some((token, [_, digits @ ..])) if Token::find(token) == Some(Token::Megaco) => digits,
                _ => return self.fault_from(start, Rule::Start),
            };
        let version = number(version, 2).and_then(|number| Version::new(u8::try_from(number).ok()?));
        let Some(version) = version else { return self.fault_in(word, Rule::Version) };
        self.separator()?;
        let mid = self.mid(Rule::Mid)?;
        // A brace or bracket ends an identifier as well as white space does, but Annex B.2 wants the latter.
        self.separator()?;
        Ok((authentication, version, mid))
    }

    fn authentication(&mut self) -> Scanned<Authentication<'a>> {
        self.equal()?;
        let index = self.hexadecimal()?;
        self.expect(b':', Rule::Authentication)?;
        let sequence = self.hexadecimal()?;
        self.expect(b':', Rule::Authentication)?;
        let data = self.hexadecimal()?;
        let four = |octets: &[u8]| <[u8; 4]>::try_from(octets).ok();
        match (four(&index), four(&sequence), data.len()) {
            (Some(index), Some(sequence), 12..=32) => {
                Ok(Authentication { index, sequence, data: Cow::Owned(data) })
            }
            _ => self.fault_from(self.at(), Rule::Authentication),
        }
    }

    /// `0x` and pairs of digits.
    fn hexadecimal(&mut self) -> Scanned<Vec<u8>> {
        let word = self.word(Rule::Authentication)?;
        match word {
            [b'0', b'x' | b'X', digits @ ..] => match octets(digits) {
                Some(octets) => Ok(octets),
                None => self.fault_in(word, Rule::Authentication),
            },
            _ => self.fault_in(word, Rule::Authentication),
        }
    }

    pub(super) fn mid(&mut self, rule: Rule) -> Scanned<Mid<'a>> {
        let start = self.peek().map(|_| self.at()).unwrap_or_default();
        if self.eat(b'[') {
            if let Some(address) = self.ip4() {
                return Ok(Mid::Ip4(address, self.port(rule)?));
            }
            let inner = self.until(b']', rule)?;
            let port = self.port(rule)?;
            let text = std::str::from_utf8(inner).unwrap_or_default().trim();
            if let Some(address) = ip4(text) {
                return Ok(Mid::Ip4(address, port));
            }
            return match text.parse::<Ipv6Addr>() {
                Ok(address) => Ok(Mid::Ip6(address.octets(), port)),
                Err(_) => self.fault_from(start, rule),
            };
        }
        if self.eat(b'<') {
            let inner = self.until(b'>', rule)?;
            let port = self.port(rule)?;
            let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            let begins = inner.first().is_some_and(u8::is_ascii_alphanumeric);
            return match std::str::from_utf8(inner) {
                Ok(name) if begins && inner.len() <= 64 && inner.iter().all(legal) => {
                    Ok(Mid::Domain(Caseless::new(name), port))
                }
                _ => self.fault_from(start, rule),
            };
        }
        let name = self.text(rule)?;
        if name.eq_ignore_ascii_case("MTP") && self.eat(b'{') {
            let digits = self.until(b'}', rule)?;
            let address = octets(digits.trim_ascii()).and_then(|octets| MtpAddress::new(&octets));
            return match address {
                Some(address) => Ok(Mid::Mtp(address)),
                None => self.fault_from(start, rule),
            };
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_*$.-@".contains(&byte);
        if name.len() <= 64 && name.bytes().all(legal) && !name.starts_with(['$', '-', '.', '@']) {
            Ok(Mid::Device(Caseless::new(name)))
        } else {
            self.fault_from(start, rule)
        }
    }

    /// An address of four numbers without space, and the bracket behind it.
    fn ip4(&mut self) -> Option<[u8; 4]> {
        let mut at = self.at();
        let mut address = [0; 4];
        for (octet, end) in address.iter_mut().zip(*b"...]") {
            let mut value = 0_u32;
            let mut digits = 0;
            while let Some(digit @ b'0'..=b'9') = self.byte(at) {
                value = value * 10 + u32::from(digit - b'0');
                digits += 1;
                at += 1;
                if digits > 3 {
                    return None;
                }
            }
            if digits == 0 || self.byte(at) != Some(end) {
                return None;
            }
            *octet = u8::try_from(value).ok()?;
            at += 1;
        }
        self.go_back(at);
        Some(address)
    }

    fn port(&mut self, rule: Rule) -> Scanned<Option<u16>> {
        if self.peek_here() != Some(b':') {
            return Ok(None);
        }
        self.eat(b':');
        self.number16(rule).map(Some)
    }

    #[inline]
    fn body(&mut self, body: &mut Body<'a>) -> Scanned<()> {
        let start = self.at();
        let Body::Transactions(transactions) = body else { return Ok(()) };
        while self.peek().is_some() {
            self.begin_transaction();
            let token = match self.token(Rule::Transaction) {
                Ok(token) => token,
                Err(fault) => {
                    self.pass_over(fault)?;
                    continue;
                }
            };
            if token == Token::Error && transactions.is_empty() {
                self.scope = Scope::Message;
                let error = self.error_descriptor()?;
                if self.peek().is_some() {
                    return self.fault(Rule::Trailing);
                }
                *body = Body::Error(error);
                return Ok(());
            }
            let before = transactions.len();
            if let Err(fault) = self.transaction(token, transactions) {
                transactions.truncate(before);
                self.pass_over(fault)?;
            }
        }
        if transactions.is_empty() && !self.has_faults() {
            self.go_back(start);
            return self.fault(Rule::Transaction);
        }
        Ok(())
    }

    /// A transaction behind its token. With a fault it may be left behind in part.
    fn transaction(&mut self, token: Token, into: &mut List<Transaction<'a>>) -> Scanned<()> {
        into.push(match token {
            Token::Transaction => {
                self.is_request = true;
                self.equal()?;
                let id = self.transaction_id()?;
                if id == TransactionId::UNREADABLE {
                    return self.fault_from(self.at().saturating_sub(1), Rule::TransactionId);
                }
                self.transaction = Some(id);
                let request = Transaction::Request(Request { id, actions: List::new() });
                let Some(Transaction::Request(request)) = into.push_mut(request) else { return Ok(()) };
                let actions = &mut request.actions;
                return self.braced(|scanner| {
                    let before = actions.len();
                    scanner.action(actions).inspect_err(|_| actions.truncate(before))
                });
            }
            Token::Reply => Transaction::Reply(self.reply()?),
            Token::Pending => {
                self.equal()?;
                let id = self.transaction_id()?;
                self.open()?;
                self.close()?;
                Transaction::Pending(id)
            }
            Token::ResponseAck => {
                let mut ranges = Vec::new();
                self.braced(|scanner| {
                    ranges.push(scanner.acknowledged()?);
                    Ok(())
                })?;
                Transaction::Acknowledgement(ranges)
            }
            Token::Segment => {
                self.equal()?;
                match self.id_and_segment()? {
                    (id, Some(segment)) => Transaction::Segment(id, segment),
                    (_, None) => return self.fault_from(self.at(), Rule::Segment),
                }
            }
            _ => return self.fault_from(self.at(), Rule::Transaction),
        });
        Ok(())
    }

    fn transaction_id(&mut self) -> Scanned<TransactionId> {
        self.number32(Rule::TransactionId).map(TransactionId::new)
    }

    /// `id`, `id/segment` or `id/segment/END`; `&` for `END`.
    fn id_and_segment(&mut self) -> Scanned<(TransactionId, Option<Segment>)> {
        let word = self.word(Rule::TransactionId)?;
        let mut parts = word.split(|byte| *byte == b'/');
        let id = parts.next().and_then(|digits| number(digits, 10));
        let Some(id) = id else { return self.fault_in(word, Rule::TransactionId) };
        let Some(digits) = parts.next() else { return Ok((TransactionId::new(id), None)) };
        let end = parts.next();
        let is_last = end.is_some_and(|end| end.eq_ignore_ascii_case(b"END") || end == b"&");
        let segment =
            number(digits, 5).and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0);
        match (segment, parts.next()) {
            (Some(number), None) if end.is_none() || is_last => {
                Ok((TransactionId::new(id), Some(Segment { number, is_last })))
            }
            _ => self.fault_in(word, Rule::Segment),
        }
    }

    fn acknowledged(&mut self) -> Scanned<Acknowledged> {
        let word = self.word(Rule::Acknowledgement)?;
        let mut parts = word.splitn(2, |byte| *byte == b'-');
        let first = parts.next().and_then(|digits| number(digits, 10));
        let last = parts.next().map(|digits| number(digits, 10));
        match (first, last) {
            (Some(first), None) => Ok(Acknowledged { first: TransactionId::new(first), last: None }),
            (Some(first), Some(Some(last))) if first <= last => {
                Ok(Acknowledged { first: TransactionId::new(first), last: Some(TransactionId::new(last)) })
            }
            _ => self.fault_in(word, Rule::Acknowledgement),
        }
    }

    fn reply(&mut self) -> Scanned<Reply<'a>> {
        self.equal()?;
        let (id, segment) = self.id_and_segment()?;
        self.transaction = Some(id);
        self.open()?;
        let mut is_ack_required = false;
        let mut token = self.token(Rule::Action)?;
        if token == Token::ImmAckRequired {
            is_ack_required = true;
            self.expect(b',', Rule::RightBrace)?;
            token = self.token(Rule::Action)?;
        }
        if token == Token::Error {
            let error = self.error_descriptor()?;
            self.close()?;
            return Ok(Reply { id, is_ack_required, segment, result: ReplyResult::Error(error) });
        }
        let mut first = Some(token);
        let mut actions = List::new();
        self.items(|scanner| {
            let token = match first.take() {
                Some(token) => token,
                None => scanner.token(Rule::Action)?,
            };
            actions.push(scanner.action_reply(token)?);
            Ok(())
        })?;
        Ok(Reply { id, is_ack_required, segment, result: ReplyResult::Actions(actions) })
    }

    /// An error descriptor behind its token.
    pub(super) fn error_descriptor(&mut self) -> Scanned<ErrorDescriptor<'a>> {
        self.equal()?;
        let word = self.word(Rule::Error)?;
        let code = number(word, 4).and_then(|code| u16::try_from(code).ok());
        let Some(code) = code else { return self.fault_in(word, Rule::Error) };
        self.open()?;
        let text = if self.peek() == Some(b'"') { Some(self.quoted(Rule::Error)?) } else { None };
        self.close()?;
        Ok(ErrorDescriptor { code: ErrorCode::new(code), text })
    }
}

/// Octets from pairs of hexadecimal digits.
fn octets(digits: &[u8]) -> Option<Vec<u8>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// An address of four numbers of up to three digits, which may have leading zeros.
fn ip4(text: &str) -> Option<[u8; 4]> {
    let mut address = [0; 4];
    let mut parts = text.as_bytes().split(|byte| *byte == b'.');
    for octet in &mut address {
        *octet = u8::try_from(number(parts.next()?, 3)?).ok()?;
    }
    parts.next().is_none().then_some(address)
}
