//! One connection's stream, both ways: source check, reception, play-out, packetiser (RFC 3550 and 3551).

mod config;
mod sender;
mod source;
mod statistics;

use std::net::SocketAddr;

use strowger_sansio::{BoundedQueue, Rng, Time};

use crate::frame::{Frame, SILENCE};
use crate::jitter::JitterBuffer;
use crate::rtp::{RtpError, RtpPacket};

pub use config::{
    EventPlayout, PacketTime, Payload, PayloadFormat, SessionConfig, SilenceSuppression, SourcePolicy,
};
pub use statistics::SessionStatistics;

use config::{PayloadTable, canonical};
use sender::Sender;
use source::{Arrival, Gate, Sources};

/// RTP clock of all formats here, in Hz.
pub(crate) const CLOCK_RATE: u32 = 8_000;

/// Events waiting for the host; more than this are dropped, oldest first to come.
const EVENTS: usize = 64;

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Sound, queued for play-out.
    Audio,
    /// A telephone event.
    TelephoneEvent,
    /// Media in a format that is only relayed.
    Opaque,
    /// Thrown away.
    Discarded(Discard),
}

/// Why a datagram was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// It came from an address that is not the far end's.
    WrongSource,
    /// It is no RTP packet.
    Malformed(RtpError),
    /// Its payload type was not agreed.
    UnknownPayload,
    /// A new source, or a jump in the sequence, that one packet does not prove.
    Unproven,
    /// It carries this end's own identifier: a loop.
    Looped,
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// The first address that sent media is now the far end.
    Latched(SocketAddr),
    /// The far end sends as another source now.
    SourceChanged {
        /// The new identifier.
        ssrc: u32,
    },
    /// The far end chose this end's identifier, or loops its packets; this end took another one.
    Collision {
        /// The new identifier of this end.
        ssrc: u32,
    },
}

/// One connection's stream both ways.
#[derive(Debug)]
pub struct RtpSession {
    receives: PayloadTable,
    gate: Gate,
    sources: Sources,
    playout: JitterBuffer,
    sender: Sender,
    remote: Option<SocketAddr>,
    counters: statistics::Counters,
    events: BoundedQueue<SessionEvent>,
    rng: Rng,
}

impl RtpSession {
    /// A session that starts now. Its identifier, and its first sequence number and timestamp, are drawn from `rng`.
    #[must_use]
    pub fn new(_now: Time, config: &SessionConfig, mut rng: Rng) -> Self {
        Self {
            receives: PayloadTable::new(&config.receives),
            gate: Gate::new(config.source),
            sources: Sources::default(),
            playout: JitterBuffer::new(config.playout),
            sender: Sender::new(config, &mut rng),
            remote: config.remote.map(canonical),
            counters: statistics::Counters::default(),
            events: BoundedQueue::new(EVENTS),
            rng,
        }
    }

    /// Signalling changed something: formats, packet time, addresses. Identifier, sequence and statistics go on.
    pub fn reconfigure(&mut self, _now: Time, config: &SessionConfig) {
        self.receives = PayloadTable::new(&config.receives);
        self.gate.reconfigure(config.source);
        self.sender.reconfigure(config);
        self.remote = config.remote.map(canonical);
    }

    /// Takes a datagram from the RTP socket.
    pub fn receive(&mut self, now: Time, from: SocketAddr, datagram: &[u8]) -> Received {
        let packet = match self.check(now, from, datagram) {
            Ok(packet) => packet,
            Err(why) => {
                self.counters.discarded(why);
                return Received::Discarded(why);
            }
        };
        match self.receives.format(packet.payload_type) {
            Some(PayloadFormat::G711(law)) => {
                self.playout.insert(packet.timestamp, packet.marker, law, packet.payload);
                Received::Audio
            }
            Some(PayloadFormat::TelephoneEvent) => Received::TelephoneEvent,
            Some(PayloadFormat::Opaque(_)) | None => Received::Opaque,
        }
    }

    fn check<'a>(
        &mut self,
        now: Time,
        from: SocketAddr,
        datagram: &'a [u8],
    ) -> Result<RtpPacket<'a>, Discard> {
        let from = canonical(from);
        if !self.gate.may_pass(from) {
            return Err(Discard::WrongSource);
        }
        let packet = RtpPacket::decode(datagram).map_err(Discard::Malformed)?;
        if self.receives.format(packet.payload_type).is_none() {
            return Err(Discard::UnknownPayload);
        }
        if packet.ssrc == self.sender.ssrc() {
            if self.gate.first_conflict(from) {
                self.sender.renew_ssrc(&mut self.rng);
                let _ = self.events.push(SessionEvent::Collision { ssrc: self.sender.ssrc() });
            }
            return Err(Discard::Looped);
        }
        if !self.gate.latch(from, &packet) {
            return Err(Discard::Unproven);
        }
        if let Some(address) = self.gate.newly_latched() {
            let _ = self.events.push(SessionEvent::Latched(address));
        }
        match self.sources.count(now, &packet) {
            Arrival::Counted => {}
            Arrival::NewSource => {
                self.playout.flush();
                let _ = self.events.push(SessionEvent::SourceChanged { ssrc: packet.ssrc });
            }
            Arrival::Unproven => return Err(Discard::Unproven),
        }
        self.counters.received(packet.payload.len());
        Ok(packet)
    }

    /// Gives 10 ms of sound to be sent; a packet comes back when one is full. It goes to [`Self::remote`].
    pub fn send_frame(&mut self, now: Time, frame: &Frame) -> Option<Vec<u8>> {
        self.remote()?;
        self.sender.frame(now, frame)
    }

    /// Lets 10 ms pass without sending: the clock of the stream goes on, and the next packet starts a talkspurt.
    pub fn skip_frame(&mut self, now: Time) -> Option<Vec<u8>> {
        self.sender.skip(now);
        None
    }

    /// The next 10 ms of received sound.
    pub fn play_frame(&mut self, _now: Time) -> Frame {
        let mut frame = SILENCE;
        self.playout.play(&mut frame);
        frame
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop()
    }

    /// Where packets go: the latched source, or the address that signalling gave.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.gate.latched().or(self.remote)
    }

    /// This end's identifier.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.sender.ssrc()
    }

    /// What has been sent, received and lost until now.
    #[must_use]
    pub fn statistics(&self, _now: Time) -> SessionStatistics {
        statistics::SessionStatistics::collect(&self.counters, &self.sender, &self.sources, &self.playout)
    }
}
