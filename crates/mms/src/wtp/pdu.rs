//! The PDUs of WTP (WAP-224 section 8): octets to values and back.

use crate::error::{DecodeError, Fault, Rule};
use crate::octets::Reader;

/// The class of a transaction (WTP 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 0: a message that nobody acknowledges.
    Unreliable,
    /// 1: a message that is acknowledged.
    Reliable,
    /// 2: a message with a result, both acknowledged.
    WithResult,
}

impl Class {
    /// The two bits.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unreliable => 0,
            Self::Reliable => 1,
            Self::WithResult => 2,
        }
    }
}

/// Where a packet stands among the packets of a group, and a group among those of a message (GTR, TTR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The last packet of its group: an acknowledgement is wanted.
    pub group: bool,
    /// The last packet of the message.
    pub message: bool,
}

impl Trailer {
    /// The only packet of a message.
    pub const WHOLE: Self = Self { group: true, message: true };
    /// A packet in the middle of a group.
    pub const MIDDLE: Self = Self { group: false, message: false };
    /// The last packet of a group that is not the last of the message.
    pub const GROUP: Self = Self { group: true, message: false };
    /// The last packet of the message.
    pub const LAST: Self = Self { group: false, message: true };

    fn of(flags: u8) -> Self {
        Self { group: flags & 4 != 0, message: flags & 2 != 0 }
    }

    fn bits(self) -> u8 {
        (if self.group { 4 } else { 0 }) | (if self.message { 2 } else { 0 })
    }

    /// Whether the packet ends a group or the message, so that it is acknowledged.
    #[must_use]
    pub const fn ends(self) -> bool {
        self.group || self.message
    }
}

/// The number of a transaction: fifteen bits, and the one that tells the direction.
pub type Tid = u16;

/// The bit of a transaction identifier that tells the direction: set by the responder.
pub const DIRECTION: Tid = 0x8000;

/// Why a transaction was aborted (WTP 8.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortReason {
    /// The provider gives up: the code of WTP table.
    Provider(u8),
    /// The user does: a code of the layer above.
    User(u8),
}

impl AbortReason {
    /// Something else is wrong.
    pub const UNKNOWN: Self = Self::Provider(0);
    /// A PDU could not be read.
    pub const PROTOCOL_ERROR: Self = Self::Provider(1);
    /// An acknowledgement to verify a transaction was for one that nobody began.
    pub const INVALID_TID: Self = Self::Provider(2);
    /// Only class 1 and 2 are done here, or not even those.
    pub const NOT_IMPLEMENTED_CLASS: Self = Self::Provider(3);
    /// Segmentation is not done here.
    pub const NOT_IMPLEMENTED_SEGMENTATION: Self = Self::Provider(4);
    /// The version of WTP is another.
    pub const VERSION: Self = Self::Provider(6);
    /// There is no room.
    pub const CAPACITY: Self = Self::Provider(7);
    /// The other side does not answer.
    pub const NO_RESPONSE: Self = Self::Provider(8);
    /// A message is larger than wanted.
    pub const TOO_LARGE: Self = Self::Provider(9);
}

/// A PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// 1: a transaction begins.
    Invoke {
        /// Its place.
        trailer: Trailer,
        /// Whether it was sent before.
        again: bool,
        /// The transaction.
        tid: Tid,
        /// Whether the initiator's numbers start over: what is remembered of them is void.
        new: bool,
        /// Whether the user of the responder must confirm.
        user_ack: bool,
        /// The class.
        class: Class,
        /// The data.
        data: &'a [u8],
    },
    /// 2: the result.
    Result {
        /// Its place.
        trailer: Trailer,
        /// Whether it was sent before.
        again: bool,
        /// The transaction.
        tid: Tid,
        /// The data.
        data: &'a [u8],
    },
    /// 3: an acknowledgement; of a group with the number of its last packet.
    Ack {
        /// Of a responder: is this transaction yours? Of an initiator: it is.
        verify: bool,
        /// Whether it was sent before.
        again: bool,
        /// The transaction.
        tid: Tid,
        /// The last packet of the group.
        sequence: Option<u8>,
    },
    /// 4: a transaction ends before its end.
    Abort {
        /// Why.
        reason: AbortReason,
        /// The transaction.
        tid: Tid,
    },
    /// 5 and 6: a further packet of a message or a result.
    Segment {
        /// Whether of a result.
        of_result: bool,
        /// Its place.
        trailer: Trailer,
        /// Whether it was sent before.
        again: bool,
        /// The transaction.
        tid: Tid,
        /// Its number; the first packet, which has none, counts as 0.
        sequence: u8,
        /// The data.
        data: &'a [u8],
    },
    /// 7: packets of a group are missing.
    Missing {
        /// Whether it was sent before.
        again: bool,
        /// The transaction.
        tid: Tid,
        /// Their numbers.
        sequences: &'a [u8],
    },
}

/// A packet behind others in one datagram, or a packet alone.
const CONTINUES: u8 = 0x80;
/// The number of a last packet, among the variable parts of a header.
const TPI_SEQUENCE: u8 = 3;

impl<'a> Packet<'a> {
    /// Decodes one PDU.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset, an excerpt and the rule broken.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Reader::new(bytes)).map_err(|fault| DecodeError::from_fault(bytes, fault))
    }

    /// The PDUs of a datagram: one, or several behind an octet of zero, each with its length (WTP 8.6).
    ///
    /// # Errors
    /// [`DecodeError`] where lengths are wrong; a PDU among several that cannot be read is the error of its item.
    pub fn datagram(bytes: &'a [u8]) -> impl Iterator<Item = Result<Packet<'a>, DecodeError>> + use<'a> {
        let mut reader = Reader::new(bytes);
        let concatenated = reader.peek() == Some(0);
        if concatenated {
            reader.skip(1);
        }
        let mut ended = false;
        std::iter::from_fn(move || {
            if ended || concatenated && reader.is_empty() {
                return None;
            }
            if !concatenated {
                ended = true;
                return Some(Self::decode(bytes));
            }
            let part = concatenated_part(&mut reader);
            ended = part.is_err();
            Some(part.and_then(Self::read).map_err(|fault| DecodeError::from_fault(bytes, fault)))
        })
    }

    fn read(mut reader: Reader<'a>) -> Result<Self, Fault> {
        let start = reader.offset();
        let first = reader.octet()?;
        let high = reader.octet()?;
        let tid = Tid::from_be_bytes([high, reader.octet()?]);
        let (trailer, again) = (Trailer::of(first), first & 1 != 0);
        let kind = first >> 3 & 0x0f;
        let packet = match kind {
            1 => {
                let flags = reader.octet()?;
                if flags >> 6 != 0 {
                    return Err(Fault::at(start + 3, Rule::WtpVersion));
                }
                let class = match flags & 3 {
                    0 => Class::Unreliable,
                    1 => Class::Reliable,
                    2 => Class::WithResult,
                    _ => return Err(Fault::at(start + 3, Rule::WtpClass)),
                };
                variable(first, &mut reader)?;
                let (new, user_ack) = (flags & 0x20 != 0, flags & 0x10 != 0);
                Self::Invoke { trailer, again, tid, new, user_ack, class, data: reader.take_rest() }
            }
            2 => {
                variable(first, &mut reader)?;
                Self::Result { trailer, again, tid, data: reader.take_rest() }
            }
            3 => {
                let sequence = variable(first, &mut reader)?;
                Self::Ack { verify: first & 4 != 0, again, tid, sequence }
            }
            4 => {
                let code = reader.octet()?;
                let reason = match first & 7 {
                    0 => AbortReason::Provider(code),
                    1 => AbortReason::User(code),
                    _ => return Err(Fault::at(start, Rule::WtpAbort)),
                };
                variable(first, &mut reader)?;
                Self::Abort { reason, tid }
            }
            5 | 6 => {
                let sequence = reader.octet()?;
                variable(first, &mut reader)?;
                Self::Segment {
                    of_result: kind == 6,
                    trailer,
                    again,
                    tid,
                    sequence,
                    data: reader.take_rest(),
                }
            }
            7 => {
                let count = reader.octet()?;
                let sequences = reader.take(usize::from(count), Rule::LengthPastEnd)?;
                Self::Missing { again, tid, sequences }
            }
            _ => return Err(Fault::at(start, Rule::WtpType)),
        };
        reader.finish(Rule::Trailing)?;
        Ok(packet)
    }

    /// The transaction.
    #[must_use]
    pub const fn tid(&self) -> Tid {
        match self {
            Self::Invoke { tid, .. }
            | Self::Result { tid, .. }
            | Self::Ack { tid, .. }
            | Self::Abort { tid, .. }
            | Self::Segment { tid, .. }
            | Self::Missing { tid, .. } => *tid,
        }
    }

    /// Appends the PDU.
    pub fn write(&self, out: &mut Vec<u8>) {
        let head = |kind: u8, rest: u8, tid: Tid, out: &mut Vec<u8>| {
            out.push(kind << 3 | rest);
            out.extend_from_slice(&tid.to_be_bytes());
        };
        match *self {
            Self::Invoke { trailer, again, tid, new, user_ack, class, data } => {
                head(1, trailer.bits() | u8::from(again), tid, out);
                out.push(u8::from(new) << 5 | u8::from(user_ack) << 4 | class.code());
                out.extend_from_slice(data);
            }
            Self::Result { trailer, again, tid, data } => {
                head(2, trailer.bits() | u8::from(again), tid, out);
                out.extend_from_slice(data);
            }
            Self::Ack { verify, again, tid, sequence } => {
                let continues = if sequence.is_some() { CONTINUES } else { 0 };
                out.push(continues | 3 << 3 | u8::from(verify) << 2 | u8::from(again));
                out.extend_from_slice(&tid.to_be_bytes());
                if let Some(sequence) = sequence {
                    // The short form of a variable part: its identity, and one octet.
                    out.extend_from_slice(&[TPI_SEQUENCE << 3 | 1, sequence]);
                }
            }
            Self::Abort { reason, tid } => {
                let (kind, code) = match reason {
                    AbortReason::Provider(code) => (0, code),
                    AbortReason::User(code) => (1, code),
                };
                head(4, kind, tid, out);
                out.push(code);
            }
            Self::Segment { of_result, trailer, again, tid, sequence, data } => {
                head(if of_result { 6 } else { 5 }, trailer.bits() | u8::from(again), tid, out);
                out.push(sequence);
                out.extend_from_slice(data);
            }
            Self::Missing { again, tid, sequences } => {
                let sequences = sequences.get(..255).unwrap_or(sequences);
                head(7, u8::from(again), tid, out);
                out.push(sequences.len() as u8);
                out.extend_from_slice(sequences);
            }
        }
    }
}

/// A length of one octet, or of two when its highest bit is set, and a PDU.
fn concatenated_part<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, Fault> {
    let first = reader.octet()?;
    let length = if first & 0x80 == 0 {
        usize::from(first)
    } else {
        usize::from(first & 0x7f) << 8 | usize::from(reader.octet()?)
    };
    reader.sub(length, Rule::LengthPastEnd)
}

/// The variable parts of a header (WTP 8.4): the number of a packet, if there is one. Others are skipped.
fn variable(first: u8, reader: &mut Reader<'_>) -> Result<Option<u8>, Fault> {
    let mut sequence = None;
    let mut more = first & CONTINUES != 0;
    while more {
        let head = reader.octet()?;
        more = head & CONTINUES != 0;
        // The long form has a length of eight bits, the short one of two.
        let (identity, length) = if head & 4 != 0 {
            (head >> 3 & 0x0f, usize::from(reader.octet()?))
        } else {
            (head >> 3 & 0x0f, usize::from(head & 3))
        };
        let data = reader.take(length, Rule::LengthPastEnd)?;
        if identity == TPI_SEQUENCE {
            sequence = data.first().copied();
        }
    }
    Ok(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_comes_back() {
        for packet in [
            Packet::Invoke {
                trailer: Trailer::WHOLE,
                again: false,
                tid: 0x1234,
                new: true,
                user_ack: true,
                class: Class::WithResult,
                data: b"data",
            },
            Packet::Result { trailer: Trailer::GROUP, again: true, tid: 0x9234, data: b"" },
            Packet::Ack { verify: true, again: false, tid: 1, sequence: None },
            Packet::Ack { verify: false, again: true, tid: 1, sequence: Some(200) },
            Packet::Abort { reason: AbortReason::CAPACITY, tid: 2 },
            Packet::Abort { reason: AbortReason::User(0xe9), tid: 2 },
            Packet::Segment {
                of_result: false,
                trailer: Trailer::MIDDLE,
                again: false,
                tid: 3,
                sequence: 1,
                data: b"x",
            },
            Packet::Segment {
                of_result: true,
                trailer: Trailer::LAST,
                again: true,
                tid: 3,
                sequence: 255,
                data: b"x",
            },
            Packet::Missing { again: false, tid: 4, sequences: &[1, 2, 3] },
        ] {
            let mut bytes = Vec::new();
            packet.write(&mut bytes);
            assert_eq!(Packet::decode(&bytes), Ok(packet));
            for end in 0..bytes.len() {
                let _ = Packet::decode(&bytes[..end]);
            }
        }
    }

    #[test]
    fn what_is_no_packet_is_refused_with_the_rule() {
        for (bytes, rule) in [
            (&[][..], Rule::Ends),
            (&[0x0e, 0], Rule::Ends),
            (&[0x00, 0, 1, 0], Rule::WtpType),
            (&[0x40, 0, 1, 0], Rule::WtpType),
            (&[0x0e, 0, 1, 0x03], Rule::WtpClass),
            (&[0x0e, 0, 1, 0x42], Rule::WtpVersion),
            (&[0x22, 0, 1, 0], Rule::WtpAbort),
            (&[0x20, 0, 1], Rule::Ends),
            (&[0x20, 0, 1, 0, 0], Rule::Trailing),
            (&[0x38, 0, 1, 4, 1, 2, 3], Rule::LengthPastEnd),
            (&[0x98, 0, 1, 0x1b, 1], Rule::LengthPastEnd),
            (&[0x98, 0, 1], Rule::Ends),
        ] {
            assert_eq!(Packet::decode(bytes).unwrap_err().rule, rule, "{bytes:02x?}");
        }
    }

    #[test]
    fn several_packets_in_a_datagram_are_read_one_by_one() {
        let datagram = [0, 3, 0x18, 0, 1, 4, 0x20, 0, 2, 7, 0x80, 3, 0x18, 0, 3];
        let read: Vec<_> =
            Packet::datagram(&datagram).map(|packet| packet.map(|packet| packet.tid())).collect();
        assert_eq!(read, [Ok(1), Ok(2), Ok(3)]);
        let short = [0, 9, 0x18, 0, 1];
        let read: Vec<_> = Packet::datagram(&short).collect();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].unwrap_err().rule, Rule::LengthPastEnd);
        assert_eq!(Packet::datagram(&[0]).count(), 0);
    }
}
