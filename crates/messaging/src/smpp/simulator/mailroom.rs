//! What a centre's connections share: messages and how they stand, subscribers, receivers, and what is answered.

use std::collections::BTreeMap;

use strowger_sansio::Time;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{Behaviour, Counts, Post};
use crate::smpp::pdu::{
    Address, Answer, CancelSm, Destination, MultiResp, Operation, QueryResp, QuerySm, ReplaceSm,
    ShortMessage, SubmitMulti,
};
use crate::smpp::receipt::{MessageState, Receipt};
use crate::smpp::status::Status;
use crate::smpp::tlv::{self, Tlv};

/// Messages that wait at a subscriber; what comes on top is refused.
const MAILBOX: usize = 100_000;
/// Messages whose state can be asked for: the latest.
const REMEMBERED: usize = 100_000;
/// When everything happens, as receipts and answers to questions have it.
const SUBMITTED: &str = "2601010000";
const DONE: &str = "2601010001";
const FINAL: &str = "260101000100000+";

/// What is to be done with what was asked.
pub(super) enum Fate {
    Answer(Answer),
    Silence,
}

/// A message that waits.
struct Held {
    message: ShortMessage,
    /// Who sent it.
    system_id: String,
}

#[derive(Default)]
pub(super) struct Mailroom {
    behaviour: Behaviour,
    counts: Counts,
    last_id: u64,
    submissions: u64,
    subscribers: BTreeMap<String, mpsc::Sender<ShortMessage>>,
    /// Links that receive, by the name that bound them.
    receivers: Vec<(String, mpsc::Sender<(Time, Post)>)>,
    held: BTreeMap<(Time, u64), Held>,
    /// How messages ended, and whose they were.
    ended: BTreeMap<u64, (MessageState, String)>,
}

impl std::fmt::Debug for Mailroom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailroom").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Mailroom {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::default() }
    }

    pub(super) fn behave(&mut self, behaviour: Behaviour) {
        self.behaviour = behaviour;
    }

    pub(super) const fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn subscribe(&mut self, number: &str) -> mpsc::Receiver<ShortMessage> {
        let (sender, receiver) = mpsc::channel(MAILBOX);
        self.subscribers.insert(number.to_owned(), sender);
        receiver
    }

    pub(super) fn bound(&mut self, system_id: &str, receiver: Option<&mpsc::Sender<(Time, Post)>>) {
        self.counts.binds += 1;
        if let Some(sender) = receiver {
            self.receivers.retain(|(_, sender)| !sender.is_closed());
            self.receivers.push((system_id.to_owned(), sender.clone()));
        }
    }

    /// A client has acknowledged what was delivered to it.
    pub(super) fn acknowledged(&mut self) {
        self.counts.receipts += 1;
    }

    /// To the client with this name, or to any. False when there is none.
    pub(super) fn post(&self, system_id: Option<&str>, due: Time, post: Post) -> bool {
        let fits = |name: &str| system_id.is_none_or(|wanted| wanted == name);
        let receiver = self.receivers.iter().find(|(name, sender)| fits(name) && !sender.is_closed());
        receiver.is_some_and(|(_, sender)| sender.try_send((due, post)).is_ok())
    }

    pub(super) fn judge(&mut self, now: Time, operation: Operation, system_id: &str) -> Fate {
        Fate::Answer(match operation {
            Operation::Submit(message) => match self.submitted(now, *message, system_id) {
                Some(answer) => Answer::Submit(answer),
                None => return Fate::Silence,
            },
            Operation::Data(mut message) => {
                // As it would have come by submit_sm.
                message.text = message.user_data().to_vec();
                message.tlvs.retain(|tlv| tlv.tag != tlv::MESSAGE_PAYLOAD);
                match self.submitted(now, *message, system_id) {
                    Some(answer) => Answer::Data(answer),
                    None => return Fate::Silence,
                }
            }
            Operation::Multi(multi) => Answer::Multi(self.multi(now, *multi, system_id)),
            Operation::Query(query) => Answer::Query(self.query(&query, system_id)),
            Operation::Cancel(cancel) => Answer::Cancel(self.cancel(now, &cancel, system_id)),
            Operation::Replace(replace) => Answer::Replace(self.replace(*replace, system_id)),
        })
    }

    /// One message; nothing when it is not to be answered.
    fn submitted(
        &mut self,
        now: Time,
        message: ShortMessage,
        system_id: &str,
    ) -> Option<Result<String, Status>> {
        self.submissions += 1;
        let each = |every: Option<u64>| every.is_some_and(|every| self.submissions.is_multiple_of(every));
        if each(self.behaviour.throttle_every) {
            self.counts.throttled += 1;
            return Some(Err(Status::THROTTLED));
        }
        if each(self.behaviour.drop_every) {
            self.counts.dropped += 1;
            return None;
        }
        Some(self.take(now, message, system_id))
    }

    fn take(&mut self, now: Time, message: ShortMessage, system_id: &str) -> Result<String, Status> {
        if let Some(status) = self.behaviour.refuse.get(&message.destination.digits) {
            self.counts.refused += 1;
            return Err(*status);
        }
        let id = self.last_id + 1;
        if self.behaviour.hold.is_zero() {
            let state = self.deliver(&message).ok_or(Status::QUEUE_FULL)?;
            self.ended(now, id, &message, state, system_id);
        } else {
            let held = Held { message, system_id: system_id.to_owned() };
            self.held.insert((now + self.behaviour.hold, id), held);
        }
        self.last_id = id;
        self.counts.accepted += 1;
        Ok(if self.behaviour.hex_identifiers { format!("{id:X}") } else { id.to_string() })
    }

    /// Hands a message to its subscriber; nothing when the subscriber has too much.
    fn deliver(&self, message: &ShortMessage) -> Option<MessageState> {
        match self.subscribers.get(&message.destination.digits) {
            Some(subscriber) => match subscriber.try_send(message.clone()) {
                Ok(()) => Some(MessageState::Delivered),
                Err(TrySendError::Full(_)) => None,
                Err(TrySendError::Closed(_)) => Some(MessageState::Undeliverable),
            },
            None => Some(MessageState::Undeliverable),
        }
    }

    fn ended(&mut self, now: Time, id: u64, message: &ShortMessage, state: MessageState, system_id: &str) {
        self.ended.insert(id, (state, system_id.to_owned()));
        if self.ended.len() > REMEMBERED {
            self.ended.pop_first();
        }
        let wanted = message.registered_delivery & 0x03;
        if wanted == 1 || (wanted == 2 && state != MessageState::Delivered) {
            self.report(now, message, id, state, system_id);
        }
    }

    /// When the first message that waits is delivered.
    pub(super) fn next_delivery(&self) -> Option<Time> {
        self.held.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn deliver_due(&mut self, now: Time) {
        while self.next_delivery().is_some_and(|due| due <= now) {
            let Some(((_, id), held)) = self.held.pop_first() else { return };
            let state = self.deliver(&held.message).unwrap_or(MessageState::Undeliverable);
            self.ended(now, id, &held.message, state, &held.system_id);
        }
    }

    fn multi(&mut self, now: Time, multi: SubmitMulti, system_id: &str) -> Result<MultiResp, Status> {
        let mut resp = MultiResp::default();
        for destination in multi.destinations {
            let numbers = match destination {
                Destination::Address(address) => vec![address],
                Destination::List(name) => {
                    let list = self.behaviour.lists.get(&name).ok_or(Status::INVALID_LIST)?;
                    list.iter().map(|number| Address::of(number)).collect()
                }
            };
            for number in numbers {
                let message = ShortMessage { destination: number.clone(), ..multi.message.clone() };
                match self.take(now, message, system_id) {
                    Ok(id) => resp.message_id = id,
                    Err(status) => resp.refused.push((number, status)),
                }
            }
        }
        Ok(resp)
    }

    /// The number of a message that a client calls so.
    fn id_of(&self, name: &str) -> Result<u64, Status> {
        let radix = if self.behaviour.hex_identifiers { 16 } else { 10 };
        u64::from_str_radix(name, radix).map_err(|_| Status::INVALID_MESSAGE_ID)
    }

    fn find(&self, id: u64, system_id: &str) -> Option<(Time, u64)> {
        let own = self.held.iter().find(|((_, held), entry)| *held == id && entry.system_id == system_id);
        own.map(|(key, _)| *key)
    }

    fn query(&mut self, query: &QuerySm, system_id: &str) -> Result<QueryResp, Status> {
        self.counts.queries += 1;
        let id = self.id_of(&query.message_id)?;
        let waits = self.find(id, system_id).map(|_| MessageState::EnRoute);
        let ended = || self.ended.get(&id).filter(|(_, owner)| owner == system_id).map(|(state, _)| *state);
        let state = waits.or_else(ended).ok_or(Status::INVALID_MESSAGE_ID)?;
        Ok(QueryResp {
            message_id: query.message_id.clone(),
            final_date: if state.is_final() { FINAL.to_owned() } else { String::new() },
            state,
            error_code: 0,
        })
    }

    fn cancel(&mut self, now: Time, cancel: &CancelSm, system_id: &str) -> Result<(), Status> {
        let keys: Vec<_> = match cancel.message_id.as_str() {
            "" => {
                let same = |held: &Held| {
                    held.system_id == system_id
                        && held.message.source == cancel.source
                        && held.message.destination == cancel.destination
                        && (cancel.service_type.is_empty()
                            || held.message.service_type == cancel.service_type)
                };
                self.held.iter().filter(|(_, held)| same(held)).map(|(key, _)| *key).collect()
            }
            name => self.find(self.id_of(name)?, system_id).into_iter().collect(),
        };
        if keys.is_empty() {
            return Err(Status::CANCEL_FAILED);
        }
        for key in keys {
            if let Some(held) = self.held.remove(&key) {
                self.counts.cancelled += 1;
                self.ended(now, key.1, &held.message, MessageState::Deleted, system_id);
            }
        }
        Ok(())
    }

    fn replace(&mut self, replace: ReplaceSm, system_id: &str) -> Result<(), Status> {
        let key = self.find(self.id_of(&replace.message_id)?, system_id).ok_or(Status::REPLACE_FAILED)?;
        let held = self.held.get_mut(&key).filter(|held| held.message.source == replace.source);
        let message = &mut held.ok_or(Status::REPLACE_FAILED)?.message;
        let payload = tlv::find(&replace.tlvs, tlv::MESSAGE_PAYLOAD).map(<[u8]>::to_vec);
        message.text = payload.unwrap_or(replace.text);
        message.registered_delivery = replace.registered_delivery;
        if !replace.validity.is_empty() {
            message.validity = replace.validity;
        }
        self.counts.replaced += 1;
        Ok(())
    }

    fn report(&self, now: Time, message: &ShortMessage, id: u64, state: MessageState, system_id: &str) {
        let receipt = Receipt { message_id: id.to_string(), state, error: None };
        let mut text = ShortMessage {
            source: message.destination.clone(),
            destination: message.source.clone(),
            esm_class: 0x04,
            text: receipt.to_text(SUBMITTED, DONE).into_bytes(),
            ..ShortMessage::default()
        };
        if self.behaviour.by_data {
            text.tlvs = vec![Tlv { tag: tlv::MESSAGE_PAYLOAD, value: std::mem::take(&mut text.text) }];
        }
        if !self.behaviour.receipts_as_text {
            text.tlvs.extend(receipt.to_tlvs());
        }
        let due = now + self.behaviour.latency + self.behaviour.receipt_after;
        self.post(Some(system_id), due, Post::Message(Box::new(text)));
    }
}
