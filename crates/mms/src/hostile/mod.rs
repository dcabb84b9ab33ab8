//! Malformed input, by class: what broke handsets and gateways, made by generators. For tests, fuzzers and load; behind the feature
//! `hostile`.
//!
//! Every case must end in a clear error or in a legal message, in bounded time and memory, whether it comes as a UDP datagram,
//! in one short message or in parts: [`Case::over`] wraps it for each.
//!
//! - [`samples`]: legal messages of each kind, from which the cases are made.
//! - `syntax`: classes 1 to 5, lengths and integers. `fields`: 6 to 10, values and headers. `bodies`: 11 to 14, multipart
//!   bodies, short messages, WBXML and what applications read. `flood`: 15.

mod bodies;
mod fields;
mod flood;
pub mod samples;
mod syntax;

pub use bodies::{LOCATIONS, NAMES, PRESENTATIONS};
pub use flood::{Pushes, Unfinished};

use crate::sms::{Ports, Reference, segment};
use crate::wsp::encode_mms_push;

/// The classes of malformed input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 1: cut off at every octet; nothing; one octet.
    Truncated,
    /// 2: integers of variable length, at their limits and beyond.
    Uintvar,
    /// 3: the length of the headers of a push.
    HeadersLength,
    /// 4: value-lengths.
    ValueLength,
    /// 5: long and short integers.
    Integer,
    /// 6: encoded strings.
    EncodedString,
    /// 7: senders.
    Sender,
    /// 8: times.
    Time,
    /// 9: headers repeated, unknown, out of order, missing.
    Headers,
    /// 10: content types.
    ContentType,
    /// 11: multipart bodies.
    Multipart,
    /// 12: short messages.
    ShortMessage,
    /// 13: WBXML.
    Wbxml,
    /// 14: what applications read: locations, presentations, names.
    Application,
    /// 15: floods, replays: [`Pushes`] and [`Unfinished`] make them without end.
    Flood,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 15] = [
        Self::Truncated,
        Self::Uintvar,
        Self::HeadersLength,
        Self::ValueLength,
        Self::Integer,
        Self::EncodedString,
        Self::Sender,
        Self::Time,
        Self::Headers,
        Self::ContentType,
        Self::Multipart,
        Self::ShortMessage,
        Self::Wbxml,
        Self::Application,
        Self::Flood,
    ];

    /// The cases of the class.
    #[must_use]
    pub fn cases(self) -> Vec<Case> {
        match self {
            Self::Truncated => syntax::truncated(),
            Self::Uintvar => syntax::uintvar(),
            Self::HeadersLength => syntax::headers_length(),
            Self::ValueLength => syntax::value_length(),
            Self::Integer => syntax::integer(),
            Self::EncodedString => fields::encoded_string(),
            Self::Sender => fields::sender(),
            Self::Time => fields::time(),
            Self::Headers => fields::headers(),
            Self::ContentType => fields::content_type(),
            Self::Multipart => bodies::multipart(),
            Self::ShortMessage => bodies::short_message(),
            Self::Wbxml => bodies::wbxml(),
            Self::Application => bodies::application(),
            Self::Flood => flood::replays(),
        }
    }
}

/// What must become of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// An error.
    Refused,
    /// It is legal although it looks odd.
    Accepted,
    /// Either, but nothing worse.
    Either,
}

/// One malformed input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is wrong with it.
    pub what: String,
    /// User data of the same sender that come before, for what is wrong with one message after another.
    pub before: Vec<Vec<u8>>,
    /// The octets: a datagram of a push, or the user data of a short message.
    pub octets: Vec<u8>,
    /// Whether the octets are user data of a short message already.
    pub is_user_data: bool,
    /// What must become of it.
    pub expect: Expect,
}

/// How a case comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// As a UDP datagram. User data of a short message come so as they are: to port 2948 anything may be sent.
    Udp,
    /// In one short message, or in as few as it takes.
    ShortMessage,
    /// In parts of at most 40 octets. User data come between the two parts of [`BETWEEN`].
    Parts,
}

impl Bearer {
    /// Every bearer.
    pub const ALL: [Self; 3] = [Self::Udp, Self::ShortMessage, Self::Parts];
}

/// What a message says that comes in two parts, with malformed user data of the same sender between them.
pub const BETWEEN: &[u8] = b"what came between its parts is not part of it";

impl Case {
    /// A push that carries a message of MMS.
    pub(crate) fn message(what: impl Into<String>, expect: Expect, message: &[u8]) -> Self {
        let mut octets = Vec::with_capacity(message.len() + 6);
        encode_mms_push(1, message, &mut octets);
        Self { what: what.into(), octets, is_user_data: false, expect, before: Vec::new() }
    }

    /// A datagram as it is.
    pub(crate) fn datagram(what: impl Into<String>, expect: Expect, octets: &[u8]) -> Self {
        Self { what: what.into(), octets: octets.to_vec(), is_user_data: false, expect, before: Vec::new() }
    }

    /// User data as they are.
    pub(crate) fn user_data(what: impl Into<String>, expect: Expect, octets: &[u8]) -> Self {
        Self { what: what.into(), octets: octets.to_vec(), is_user_data: true, expect, before: Vec::new() }
    }

    /// The datagrams or short messages by which the case comes. Too long ones are cut to what 255 short messages carry.
    #[must_use]
    pub fn over(&self, bearer: Bearer) -> Vec<Vec<u8>> {
        if bearer == Bearer::Udp {
            return vec![self.octets.clone()];
        }
        if self.is_user_data {
            let mut messages = [self.before.clone(), vec![self.octets.clone()]].concat();
            if bearer == Bearer::Parts {
                let (first, second) = BETWEEN.split_at(BETWEEN.len() / 2);
                messages.insert(0, part(0x55, 2, 1, first));
                messages.push(part(0x55, 2, 2, second));
            }
            return messages;
        }
        if bearer == Bearer::ShortMessage {
            let most = crate::sms::segment::NARROW_PART * 255;
            let octets = self.octets.get(..most).unwrap_or(&self.octets);
            return segment(octets, Ports::PUSH, Reference::narrow(1)).unwrap_or_default();
        }
        parts(&self.octets)
    }
}

/// Parts of 40 octets, or of as many as 255 parts need.
fn parts(octets: &[u8]) -> Vec<Vec<u8>> {
    let size = octets.len().div_ceil(255).clamp(40, 128);
    let octets = octets.get(..size * 255).unwrap_or(octets);
    let chunks: Vec<&[u8]> = if octets.is_empty() { vec![&[]] } else { octets.chunks(size).collect() };
    let total = chunks.len() as u8;
    let parts = chunks.into_iter().zip(1_u8..=total).map(|(chunk, part)| self::part(1, total, part, chunk));
    parts.collect()
}

/// User data to port 2948, a part of a message.
pub(crate) fn part(reference: u8, total: u8, part: u8, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0x0b, 0x05, 0x04, 0x0b, 0x84, 0x23, 0xf0, 0x00, 0x03, reference, total, part];
    message.extend_from_slice(payload);
    message
}
