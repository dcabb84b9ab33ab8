//! Class 15: pushes without end, each another; messages that are never finished; replays.

use super::{Case, Expect};
use crate::binary::encode_fields;
use crate::message::{Counted, Field, MessageClass, MessageType, Version, When};
use crate::sms::{Ports, Reference, segment};
use crate::text::Text;
use crate::wsp::encode_mms_push;

/// Distinct notifications as datagrams of pushes, without end: the first `u32::MAX` differ in transaction and location.
#[derive(Clone, Debug, Default)]
pub struct Pushes {
    number: u32,
}

impl Iterator for Pushes {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let number = self.number;
        self.number = self.number.wrapping_add(1);
        Some(push(&format!("T{number}"), &format!("http://mmsc.example/{number}"), number as u8))
    }
}

fn push(transaction: &str, location: &str, tid: u8) -> Vec<u8> {
    let fields = [
        Field::TransactionId(Text::from(transaction)),
        Field::MessageClass(MessageClass::Personal),
        Field::MessageSize(10_000),
        Field::Expiry(When::In(259_200)),
        Field::ContentLocation(Counted::plain(Text::from(location))),
    ];
    let mut message = Vec::new();
    encode_fields(MessageType::NotificationInd, Version::V1_2, &fields, &mut message);
    let mut datagram = Vec::new();
    encode_mms_push(tid, &message, &mut datagram);
    datagram
}

/// First parts of messages that are never finished, without end: the sender, and the user data.
#[derive(Clone, Debug)]
pub struct Unfinished {
    senders: u32,
    number: u32,
}

impl Unfinished {
    /// From as many senders.
    #[must_use]
    pub const fn from_senders(senders: u32) -> Self {
        Self { senders, number: 0 }
    }
}

impl Iterator for Unfinished {
    type Item = (String, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.number;
        self.number = self.number.wrapping_add(1);
        let parts = segment(&[number as u8; 200], Ports::PUSH, Reference::wide(number as u16)).ok()?;
        let sender = format!("+1555{:07}", number.checked_rem(self.senders)?);
        Some((sender, parts.into_iter().next()?))
    }
}

/// The same transaction with other content.
pub(super) fn replays() -> Vec<Case> {
    ["http://mmsc.example/1", "http://mmsc.example/2", "http://other.example/1"]
        .iter()
        .map(|location| {
            Case::datagram(
                format!("transaction T1 at {location}"),
                Expect::Accepted,
                &push("T1", location, 1),
            )
        })
        .collect()
}
