//! Two sessions with a network between them, shared by the stories.
#![allow(dead_code, unreachable_pub, clippy::panic)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use strowger_media::frame::{Frame, SILENCE, sine_peak, to_sample};
use strowger_media::rtp::RtpHeader;
use strowger_media::{DigitChange, Payload, RtpSession, SessionConfig, SessionEvent};
use strowger_sansio::{Rng, Time};

const fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), port)
}

pub const NEAR: SocketAddr = address(1, 40_000);
pub const NEAR_CONTROL: SocketAddr = address(1, 40_001);
pub const FAR: SocketAddr = address(2, 50_000);
pub const FAR_CONTROL: SocketAddr = address(2, 50_001);
pub const STRANGER: SocketAddr = address(66, 6_666);

/// mu-law to and from `remote`.
pub fn config(remote: SocketAddr) -> SessionConfig {
    SessionConfig::new(&[Payload::PCMU]).toward(remote)
}

/// A packet of 20 ms.
pub fn datagram(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    RtpHeader { marker: false, payload_type, sequence, timestamp, ssrc }.encode(&mut bytes);
    bytes.resize(12 + 160, 0x55);
    bytes
}

/// A sine of -10 dBm0, by frame.
pub fn sine(hertz: f64) -> impl FnMut(u64) -> Frame {
    move |tick| {
        let mut frame = SILENCE;
        for (n, sample) in (tick * 80..).zip(&mut frame) {
            let phase = std::f64::consts::TAU * hertz * n as f64 / 8000.0;
            *sample = to_sample(sine_peak(-10.0) * phase.sin());
        }
        frame
    }
}

/// A near and a far session, `NEAR` and `FAR`, with a delay and loss between them.
pub struct Line {
    pub near: RtpSession,
    pub far: RtpSession,
    pub now: Time,
    pub delay: Duration,
    pub loss: f64,
    pub rng: Rng,
    tick: u64,
    flying: Vec<(Time, SocketAddr, SocketAddr, Vec<u8>)>,
    seen: Vec<SessionEvent>,
}

impl Line {
    /// `far` and `near` are the configurations of the ends, each toward the other.
    pub fn new(far: &SessionConfig, near: &SessionConfig, delay_millis: u64) -> Self {
        Self {
            near: RtpSession::new(Time::ZERO, near, Rng::from_number(11)),
            far: RtpSession::new(Time::ZERO, far, Rng::from_number(22)),
            now: Time::ZERO,
            delay: Duration::from_millis(delay_millis),
            loss: 0.0,
            rng: Rng::from_number(33),
            tick: 0,
            flying: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Lets both ends say what they have to say; gives what the near and the far end heard.
    pub fn talk(
        &mut self,
        span: Duration,
        mut near_says: impl FnMut(u64) -> Frame,
        mut far_says: impl FnMut(u64) -> Frame,
    ) -> (Vec<i16>, Vec<i16>) {
        let (mut near_heard, mut far_heard) = (Vec::new(), Vec::new());
        let end = self.now + span;
        while self.now < end {
            self.deliver();
            for (session, from) in [(&mut self.near, NEAR), (&mut self.far, FAR)] {
                session.handle_timeout(self.now);
                let control = SocketAddr::new(from.ip(), from.port() + 1);
                while let Some(sent) = session.poll_transmit() {
                    self.flying.push((self.now + self.delay, control, sent.to, sent.payload));
                }
            }
            let (tick, now, arrival) = (self.tick, self.now, self.now + self.delay);
            if let Some(packet) = self.near.send_frame(now, &near_says(tick))
                && !self.rng.chance(self.loss)
            {
                self.flying.push((arrival, NEAR, FAR, packet));
            }
            if let Some(packet) = self.far.send_frame(now, &far_says(tick))
                && !self.rng.chance(self.loss)
            {
                self.flying.push((arrival, FAR, NEAR, packet));
            }
            near_heard.extend(self.near.play_frame(now));
            far_heard.extend(self.far.play_frame(now));
            while let Some(event) = self.far.poll_event() {
                self.seen.push(event);
            }
            self.tick += 1;
            self.now = Time::from_millis(self.tick * 10);
        }
        (near_heard, far_heard)
    }

    /// What the far end has reported.
    pub fn far_events(&mut self) -> Vec<SessionEvent> {
        while let Some(event) = self.far.poll_event() {
            self.seen.push(event);
        }
        self.seen.clone()
    }

    /// The digits that the far end has reported.
    pub fn far_digits(&mut self) -> Vec<DigitChange> {
        let events = self.far_events();
        events
            .into_iter()
            .filter_map(|e| if let SessionEvent::Digit(change) = e { Some(change) } else { None })
            .collect()
    }

    fn deliver(&mut self) {
        let now = self.now;
        let arrived: Vec<_> = self.flying.extract_if(.., |flight| flight.0 <= now).collect();
        for (at, from, to, bytes) in arrived {
            match to {
                NEAR => drop(self.near.receive(at, from, &bytes)),
                FAR => drop(self.far.receive(at, from, &bytes)),
                NEAR_CONTROL => drop(self.near.receive_control(at, from, &bytes)),
                FAR_CONTROL => drop(self.far.receive_control(at, from, &bytes)),
                other => panic!("sent to {other}"),
            }
        }
    }
}
