//! Packets passed from one session to another as they are: no play-out, no codec, no copy.
//!
//! A relay endpoint is a legal RTP source of its own: packets leave under the outgoing session's identifier, in its sequence and on its
//! timeline, whatever happens to the incoming stream (RFC 3550 section 7.1 calls this a mixer of one source; contributing
//! sources stay as they came). Losses and reordering are passed on, so that the receiver sees and reports them. When another stream starts to
//! pass, or sound of the endpoint's own was sent between, numbers and timestamps go on without a jump.

use std::net::SocketAddr;

use strowger_sansio::Time;

use super::{Discard, PayloadFormat, RtpSession};
use crate::rtp::RtpHeader;

/// What a packet of a format that is not decoded is taken to last, for the timeline after it: 20 ms.
const OPAQUE_SAMPLES: u32 = 160;

/// What became of a datagram that was to be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relayed {
    /// It was rewritten in place, and is to be sent to the outgoing session's far end.
    Forward(SocketAddr),
    /// The incoming session threw it away.
    Discarded(Discard),
    /// The outgoing session has no number for its format: it would have to be transcoded.
    Unsendable,
    /// The outgoing session's far end is not known yet.
    NoRemote,
    /// It is older than the passage: its number has been used.
    Stale,
}

/// How the numbers of one stream become those of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage {
    /// The incoming session and the state of its source, by number.
    origin: (u32, u32),
    sequence_offset: u16,
    timestamp_offset: u32,
    /// The first packet in outgoing numbers, which starts a talkspurt.
    first: u16,
    /// The next sequence number of the outgoing stream, as long as nothing else was sent on it.
    next: u16,
}

impl Passage {
    /// A passage that starts with `packet`, which is to have this sequence number and timestamp.
    pub(super) const fn new(origin: (u32, u32), packet: &RtpHeader, sequence: u16, timestamp: u32) -> Self {
        Self {
            origin,
            sequence_offset: sequence.wrapping_sub(packet.sequence),
            timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
            first: sequence,
            next: sequence,
        }
    }

    /// Whether packets of `origin` still pass this way.
    #[inline]
    pub(super) fn joins(&self, origin: (u32, u32), next: u16) -> bool {
        self.origin == origin && self.next == next
    }

    /// The passage after a packet.
    #[inline]
    pub(super) const fn at(mut self, next: u16) -> Self {
        // The first packet's number may be met again after a cycle; then it no longer starts anything.
        if next.wrapping_sub(self.first) > 0x4000 {
            self.first = next.wrapping_sub(0x4000);
        }
        self.next = next;
        self
    }

    /// Sequence number and timestamp of a packet, and whether it is the first; none when it is older than the passage.
    #[inline]
    pub(super) const fn place(&self, packet: &RtpHeader) -> Option<(u16, u32, bool)> {
        let sequence = packet.sequence.wrapping_add(self.sequence_offset);
        let since = sequence.wrapping_sub(self.first).cast_signed();
        if since < 0 {
            return None;
        }
        let starts = since == 0 && self.next == self.first;
        Some((sequence, packet.timestamp.wrapping_add(self.timestamp_offset), starts))
    }
}

/// Passes a datagram that came to `incoming` on to `outgoing`, rewriting it in place.
///
/// Both sessions count it; the incoming one checks its source, measures loss and jitter and reports digits, as it would for its own use.
#[inline]
pub fn relay(
    now: Time,
    from: SocketAddr,
    datagram: &mut [u8],
    incoming: &mut RtpSession,
    outgoing: &mut RtpSession,
) -> Relayed {
    let (header, format, octets) = match incoming.admit(now, from, datagram) {
        Ok(admitted) => admitted,
        Err(why) => return Relayed::Discarded(why),
    };
    let Some(to) = outgoing.remote() else { return Relayed::NoRemote };
    let Some(number) = outgoing.sender.number_of(format) else { return Relayed::Unsendable };
    let header = RtpHeader { payload_type: number, ..header };
    let samples = match format {
        PayloadFormat::G711(_) | PayloadFormat::G722 => Some(octets as u32),
        // They lie beside the timeline, or stand for a stretch of it that has no packets.
        PayloadFormat::TelephoneEvent | PayloadFormat::ComfortNoise => None,
        PayloadFormat::Opaque(_) => Some(OPAQUE_SAMPLES),
    };
    let origin = (incoming.ssrc(), incoming.sources.generation());
    match outgoing.sender.pass(now, origin, &header, octets, samples) {
        Some(header) => {
            header.overwrite(datagram);
            Relayed::Forward(to)
        }
        None => Relayed::Stale,
    }
}
