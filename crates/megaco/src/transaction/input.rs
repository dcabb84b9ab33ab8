//! Received messages: who sent them, whether they may be read, and what of them is a transaction for whom (RFC 3525 section 8.3).
//!
//! The order is that of trust. A source that nobody has gets nothing of its message read; then the header says who it claims to be; then
//! the authentication header, where there is a key, says whether it is true; only then is the rest read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use strowger_sansio::Time;

use super::dialect::{Coding, Dialect, Form, NEWEST};
use super::event::{Accepted, Event, describe};
use super::responder::Unread;
use super::{PeerId, Route, Transactions};
use crate::error::{DecodeError, ErrorCode, Rule, Scope};
use crate::message::{
    Body, ContextProperties, List, Message, ReplyResult, Request, Transaction, TransactionId, Version,
};

/// How headers are read, before it is known whose they are: nothing in them is a matter of configuration.
static OPENING: LazyLock<Coding> = LazyLock::new(Coding::default);

impl<T: Clone> Transactions<T> {
    /// Whose message it is, if it is anybody's. What is not accepted was dropped, or answered with a message-level error, and is
    /// counted. Pass what was accepted to [`handle_input`](Self::handle_input).
    pub fn accept<'b>(&mut self, now: Time, route: Route, bytes: &'b [u8]) -> Option<Accepted<'b>> {
        self.forget_expired(now);
        if !self.peers.is_listed(route.address.ip()) {
            self.counters.unlisted += 1;
            return None;
        }
        let opening = match OPENING.decode_opening(bytes) {
            Ok(opening) => opening,
            Err(error) => {
                // Without an identifier the sender is known only where there is one peer alone.
                if let Some(peer) = self.peers.only(&route) {
                    self.answer_unreadable(now, peer, route, error);
                } else {
                    self.counters.malformed_dropped += 1;
                }
                return None;
            }
        };
        let Some(peer) = self.peers.find(&route, &opening.mid) else {
            self.counters.wrong_mid += 1;
            return None;
        };
        if let Some(guard) = &mut self.peers.get_mut(peer).guard
            && !guard.verify(opening.authentication.as_ref(), route.address, opening.body)
        {
            self.counters.unauthentic += 1;
            return None;
        }
        let version = opening.version;
        if !(Version::V1..=NEWEST).contains(&version) {
            self.counters.wrong_version += 1;
            let form = self.peers.get(peer).answering(bytes, NEWEST).form;
            self.in_form(peer, form, |own| {
                own.refuse_message(now, peer, route, ErrorCode::VERSION_NOT_SUPPORTED);
            });
            return None;
        }
        let known = self.peers.get(peer);
        let (coding, dialect) = (known.coding.clone(), known.answering(bytes, version));
        Some(Accepted { peer, route, bytes, version, coding, dialect })
    }

    /// Takes a message. The events are to be acted on in their order; more may come by [`poll_event`](Self::poll_event).
    pub fn handle_input<'m>(&mut self, now: Time, accepted: &'m Accepted<'m>) -> Vec<Event<'m, T>> {
        match accepted.coding.decode(accepted.bytes) {
            Ok(message) => {
                // Only now: how a peer speaks is learned from what it has said, and not from what only begins like that.
                self.peers.get_mut(accepted.peer).dialect = accepted.dialect;
                self.take(now, accepted, message, &BTreeMap::new())
            }
            Err(error) => {
                let usual = self.peers.get_mut(accepted.peer).speak_for_now(accepted.dialect);
                let events = self.take_readable(now, accepted, error);
                self.peers.get_mut(accepted.peer).unlearn(usual);
                events
            }
        }
    }

    /// Says something in the form of a message that is refused as a whole, and in the version that is spoken otherwise.
    fn in_form(&mut self, peer: PeerId, form: Form, say: impl FnOnce(&mut Self)) {
        let known = self.peers.get_mut(peer);
        let usual = known.speak_for_now(Dialect { form, ..known.dialect });
        say(self);
        self.peers.get_mut(peer).unlearn(usual);
    }

    fn take<'m>(
        &mut self,
        now: Time,
        accepted: &'m Accepted<'m>,
        message: Message<'m>,
        faults: &BTreeMap<TransactionId, &DecodeError>,
    ) -> Vec<Event<'m, T>> {
        let peer = accepted.peer;
        // Only now: what is of another version, or holds nothing that can be read, names nobody.
        if !matches!(&message.body, Body::Transactions(transactions) if transactions.is_empty()) {
            self.peers.name(peer, message.mid);
        }
        let transactions = match message.body {
            Body::Error(error) => return vec![Event::MessageError { peer, error }],
            Body::Transactions(transactions) => transactions,
        };
        let mut events = Vec::with_capacity(transactions.len());
        for (place, transaction) in transactions.into_iter().enumerate() {
            if place >= self.limits.transactions {
                self.refuse_rest(accepted, &transaction);
                continue;
            }
            let event = match transaction {
                Transaction::Request(request) => {
                    let fault = faults.get(&request.id).map(|error| unread(error));
                    self.take_request(now, accepted, request, fault)
                }
                Transaction::Reply(reply) => self.receive_reply(now, accepted, reply),
                Transaction::Pending(id) => self.receive_pending(now, peer, id),
                Transaction::Acknowledgement(ranges) => {
                    self.receive_acknowledgement(peer, &ranges);
                    None
                }
                Transaction::Segment(id, segment) => {
                    self.receive_segment_acknowledgement(peer, id, segment);
                    None
                }
            };
            events.extend(event);
        }
        events
    }

    /// A request; of an action of which not one command could be read, the context is kept for the answer.
    fn take_request<'m>(
        &mut self,
        now: Time,
        accepted: &'m Accepted<'m>,
        mut request: Request<'m>,
        mut fault: Option<Unread>,
    ) -> Option<Event<'m, T>> {
        if let Some(fault) = &mut fault {
            let last = request.actions.last();
            // An attribute that cannot be read leaves attributes that say nothing.
            let is_bare = |action: &&crate::message::Action<'_>| {
                let says_nothing =
                    |properties: &ContextProperties<'_>| *properties == ContextProperties::default();
                action.commands.is_empty()
                    && action.audit.is_none()
                    && action.properties.as_deref().is_none_or(says_nothing)
            };
            if let Some(last) = last.filter(is_bare) {
                fault.context = Some(last.context);
                request.actions.pop();
            }
        }
        self.receive_request(now, accepted, request, fault)
    }

    /// A message with faults: what can be told apart is answered each for itself (RFC 3525 section 8.2.2).
    fn take_readable<'m>(
        &mut self,
        now: Time,
        accepted: &'m Accepted<'m>,
        error: DecodeError,
    ) -> Vec<Event<'m, T>> {
        let (peer, route) = (accepted.peer, accepted.route);
        let (message, faults) = accepted.coding.decode_executable(accepted.bytes);
        let first = *faults.first().unwrap_or(&error);
        let mut events = vec![Event::Malformed { peer, error: first }];
        let Some(message) = message else {
            self.answer_unreadable(now, peer, route, first);
            return events;
        };
        let mut of_requests = BTreeMap::new();
        for fault in &faults {
            match (fault.transaction, fault.is_request) {
                (Some(id), true) => {
                    of_requests.entry(id).or_insert(fault);
                }
                (Some(id), false) => self.receive_unreadable_reply(peer, id),
                (None, _) => self.answer_unreadable(now, peer, route, *fault),
            }
        }
        // Of a request whose braces hold nothing that can be read there is no more than its number.
        let read = match &message.body {
            Body::Transactions(transactions) => transactions.iter().filter_map(id_of_request).collect(),
            Body::Error(_) => Vec::new(),
        };
        events.extend(self.take(now, accepted, message, &of_requests));
        for (id, fault) in of_requests.into_iter().filter(|(id, _)| !read.contains(id)) {
            let request = Request { id, actions: List::new() };
            events.extend(self.receive_request(now, accepted, request, Some(unread(fault))));
        }
        events
    }

    /// Answers what is no transaction that could be told from another: with 403 where a request stood, else with an error in
    /// place of a message. What only looks like an answer is not answered.
    fn answer_unreadable(&mut self, now: Time, peer: PeerId, route: Route, error: DecodeError) {
        if error.scope == Scope::Message {
            let code = match error.code() {
                ErrorCode::VERSION_NOT_SUPPORTED => ErrorCode::VERSION_NOT_SUPPORTED,
                _ => ErrorCode::BAD_REQUEST,
            };
            self.refuse_message(now, peer, route, code);
        } else if is_request_at_all(&error) {
            if self.errors.take(now) {
                self.counters.malformed_answered += 1;
                let result = ReplyResult::Error(describe(ErrorCode::SYNTAX_TRANSACTION));
                self.send_unremembered(peer, route, TransactionId::UNREADABLE, result);
            } else {
                self.counters.malformed_dropped += 1;
            }
        } else {
            self.counters.malformed_dropped += 1;
        }
    }

    fn refuse_message(&mut self, now: Time, peer: PeerId, route: Route, code: ErrorCode) {
        if self.errors.take(now) {
            self.counters.malformed_answered += 1;
            self.send_message_error(peer, route, describe(code));
        } else {
            self.counters.malformed_dropped += 1;
        }
    }

    /// A transaction beyond the limit of those in one message.
    fn refuse_rest(&mut self, accepted: &Accepted<'_>, transaction: &Transaction<'_>) {
        let Some(id) = id_of_request(transaction) else { return };
        self.counters.refused += 1;
        // 413 came with version 3.
        let is_new = self.peers.get(accepted.peer).dialect.version >= Version::V3;
        let code = if is_new { ErrorCode::TOO_MANY_TRANSACTIONS } else { ErrorCode::BAD_REQUEST };
        let result = ReplyResult::Error(describe(code));
        self.send_unremembered(accepted.peer, accepted.route, id, result);
    }
}

/// Whether it may have been a request that cannot be read: what is known to be an answer or an acknowledgement is not answered.
fn is_request_at_all(error: &DecodeError) -> bool {
    let is_answer = matches!(error.rule, Rule::Acknowledgement | Rule::Segment | Rule::TransactionId);
    error.is_request || (error.transaction.is_none() && !is_answer)
}

fn unread(error: &DecodeError) -> Unread {
    Unread { scope: error.scope, code: error.code(), context: None }
}

fn id_of_request(transaction: &Transaction<'_>) -> Option<TransactionId> {
    match transaction {
        Transaction::Request(request) => Some(request.id),
        _ => None,
    }
}
