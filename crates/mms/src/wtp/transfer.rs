//! One message on its way, either side of it: packets, groups, what is acknowledged and what is missing (WTP 7.14, segmentation
//! and re-assembly).

use std::collections::BTreeMap;

use super::pdu::{Class, Packet, Tid, Trailer};

/// The most packets of a message: their numbers have eight bits.
pub(super) const PACKETS: usize = 256;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An invocation.
    Invoke { class: Class, user_ack: bool, new: bool },
    /// A result.
    Result,
}

/// A message that is sent, group by group.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    kind: Kind,
    tid: Tid,
    data: Vec<u8>,
    size: usize,
    group: usize,
    /// The first packet of the group that is under way.
    first: usize,
}

impl Outgoing {
    /// A message in packets of `size` octets, `group` of them at a time; none when it is too long.
    pub(super) fn new(kind: Kind, tid: Tid, data: Vec<u8>, size: usize, group: usize) -> Option<Self> {
        let outgoing = Self { kind, tid, data, size: size.max(1), group: group.max(1), first: 0 };
        (outgoing.count() <= PACKETS).then_some(outgoing)
    }

    fn count(&self) -> usize {
        self.data.len().div_ceil(self.size).max(1)
    }

    /// One packet.
    fn packet(&self, number: usize, again: bool, out: &mut Vec<u8>) {
        let start = number * self.size;
        let end = (start + self.size).min(self.data.len());
        let data = self.data.get(start..end).unwrap_or_default();
        let last = number + 1 == self.count();
        let group = (number + 1).is_multiple_of(self.group);
        let trailer = match (last, number) {
            (true, 0) => Trailer::WHOLE,
            (true, _) => Trailer::LAST,
            (false, _) if group => Trailer::GROUP,
            _ => Trailer::MIDDLE,
        };
        let tid = self.tid;
        let packet = match (number, self.kind) {
            (0, Kind::Invoke { class, user_ack, new }) => {
                Packet::Invoke { trailer, again, tid, new, user_ack, class, data }
            }
            (0, Kind::Result) => Packet::Result { trailer, again, tid, data },
            (_, kind) => Packet::Segment {
                of_result: kind == Kind::Result,
                trailer,
                again,
                tid,
                sequence: number as u8,
                data,
            },
        };
        packet.write(out);
    }

    /// The packets of the group that is under way: all for the first time; then the first, as it may have begun the
    /// transaction, and the last, which asks for an acknowledgement or for what is missing.
    pub(super) fn group(&self, again: bool) -> Vec<Vec<u8>> {
        let end = (self.first / self.group * self.group + self.group).min(self.count());
        if !again || end - self.first < 3 {
            return self.packets(self.first..end, again);
        }
        let mut packets = self.packets(self.first..self.first + 1, true);
        packets.extend(self.packets(end - 1..end, true));
        packets
    }

    /// The packets that the other side is missing, of the group that is under way.
    pub(super) fn missing(&self, numbers: &[u8]) -> Vec<Vec<u8>> {
        let end = (self.first / self.group * self.group + self.group).min(self.count());
        let wanted = numbers
            .iter()
            .map(|number| usize::from(*number))
            .filter(|number| (self.first..end).contains(number));
        // A number may be named once, however often it is written.
        let mut wanted: Vec<usize> = wanted.collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.into_iter().flat_map(|number| self.packets(number..number + 1, true)).collect()
    }

    fn packets(&self, numbers: std::ops::Range<usize>, again: bool) -> Vec<Vec<u8>> {
        numbers
            .map(|number| {
                let mut out = Vec::with_capacity(self.size + 5);
                self.packet(number, again, &mut out);
                out
            })
            .collect()
    }

    /// An acknowledgement of everything up to a packet; whether that was news.
    pub(super) fn acknowledged(&mut self, sequence: Option<u8>) -> Progress {
        let end = (self.first / self.group * self.group + self.group).min(self.count());
        let whole = match sequence {
            None => true,
            Some(sequence) if usize::from(sequence) + 1 == self.count() => true,
            Some(sequence) if usize::from(sequence) + 1 == end => false,
            Some(_) => return Progress::Nothing,
        };
        if whole {
            // Of a message in several groups, the first acknowledgement without number is for something else.
            if sequence.is_none() && end < self.count() {
                return Progress::Nothing;
            }
            return Progress::Whole;
        }
        self.first = end;
        Progress::NextGroup
    }
}

/// What an acknowledgement brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing new.
    Nothing,
    /// The next group is to be sent.
    NextGroup,
    /// The whole message is there.
    Whole,
}

/// A message that is received.
#[derive(Clone, Debug, Default)]
pub(super) struct Incoming {
    packets: BTreeMap<u8, Vec<u8>>,
    last: Option<u8>,
    octets: usize,
}

/// What a packet brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// More will come without being asked for.
    Waits,
    /// A group is whole: it is acknowledged by the number of its last packet.
    Group(u8),
    /// Packets are missing.
    Missing(Vec<u8>),
    /// The message is whole: its octets, and the number of its last packet if there were several.
    Whole(Vec<u8>, Option<u8>),
    /// The message is longer than wanted.
    TooLarge,
}

impl Incoming {
    /// Takes a packet.
    pub(super) fn take(&mut self, sequence: u8, trailer: Trailer, data: &[u8], largest: usize) -> Received {
        if self.last.is_some_and(|last| sequence > last) {
            return Received::Waits;
        }
        if !self.packets.contains_key(&sequence) {
            if self.octets + data.len() > largest {
                return Received::TooLarge;
            }
            self.octets += data.len();
            self.packets.insert(sequence, data.to_vec());
        }
        if trailer.message {
            self.last = Some(sequence);
        }
        if !trailer.ends() {
            return Received::Waits;
        }
        let missing: Vec<u8> = (0..sequence).filter(|number| !self.packets.contains_key(number)).collect();
        if !missing.is_empty() {
            return Received::Missing(missing);
        }
        match self.last {
            Some(last) if usize::from(last) + 1 == self.packets.len() => {
                let octets = std::mem::take(&mut self.packets).into_values().flatten().collect();
                Received::Whole(octets, (last > 0).then_some(last))
            }
            _ => Received::Group(sequence),
        }
    }

    /// Whether what is missing is complete now: a packet that ended nothing may have been the last that was awaited.
    pub(super) fn completed(&mut self) -> Option<Received> {
        let last = self.last?;
        if usize::from(last) + 1 != self.packets.len() {
            return None;
        }
        let octets = std::mem::take(&mut self.packets).into_values().flatten().collect();
        Some(Received::Whole(octets, (last > 0).then_some(last)))
    }

    /// Octets that are kept.
    pub(super) const fn octets(&self) -> usize {
        self.octets
    }
}
