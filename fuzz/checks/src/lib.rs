//! What must hold for any input: the bodies of the fuzz targets.
//!
//! They are a crate of their own so that the kept corpus is replayed by `cargo test` with the stable compiler, while
//! the coverage-guided runs need another one.

#![allow(clippy::panic, reason = "a property that does not hold is to stop the fuzzer")]

use std::net::SocketAddr;

use strowger_media::rtp::RtpPacket;
use strowger_media::{Payload, RtpSession, SessionConfig};
use strowger_mgcp::digitmap::{DialSymbol, DigitMap, MatchState};
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::Message;
use strowger_mgcp::text;
use strowger_sansio::{Rng, Time};

/// A datagram is decoded or refused; what was decoded is the same after it was encoded, and refusals have a code.
///
/// # Panics
/// When that does not hold.
pub fn mgcp(bytes: &[u8]) {
    let limits = Limits::DEFAULT;
    for message in text::datagram(bytes, &limits) {
        match message {
            Ok(message) => mgcp_round_trip(&message, &limits),
            Err(error) => {
                let code = error.return_code().get();
                assert!((400..=599).contains(&code), "{error:?} maps to {code}");
                assert!(error.offset <= bytes.len(), "{error:?} lies behind the end");
            }
        }
    }
}

fn mgcp_round_trip(message: &Message<'_>, limits: &Limits) {
    let mut first = Vec::new();
    text::encode(message, &mut first);
    let again = match text::decode(&first, limits) {
        Ok(again) => again,
        Err(error) => panic!("encoded as {:?}, refused: {error:?}", first.escape_ascii().to_string()),
    };
    assert_eq!(*message, again, "changed by encoding");
    let mut second = Vec::new();
    text::encode(&again, &mut second);
    assert_eq!(first, second, "not a fixed point");
}

/// A description is refused or kept byte for byte; editing one field keeps it a description.
///
/// # Panics
/// When that does not hold.
pub fn sdp(bytes: &[u8]) {
    let limits = strowger_sdp::Limits::default();
    let Ok(session) = strowger_sdp::decode(bytes, &limits) else { return };
    assert_eq!(session.as_bytes(), bytes);
    let _ = session.departures();
    if let Ok(audio) = strowger_sdp::AudioDescription::from_session(&session) {
        let written = audio.to_bytes();
        let Ok(read) = strowger_sdp::decode(&written, &limits) else {
            panic!("wrote {:?}, which is refused", written.escape_ascii().to_string());
        };
        let back = strowger_sdp::AudioDescription::from_session(&read);
        assert_eq!(back.as_ref(), Ok(&audio), "changed by writing");
    }
    let mut edit = session.edit(&limits);
    if edit.set_session_name(b"edited").is_ok() {
        assert!(strowger_sdp::decode(edit.as_bytes(), &limits).is_ok(), "an edit broke the description");
    }
}

/// A map compiles or is refused; a dial string is decided once and for all. The first line is the map, the rest is dialled.
///
/// # Panics
/// When that does not hold.
pub fn digit_map(bytes: &[u8]) {
    let (map, dialled) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => bytes.split_at(end),
        None => (bytes, &[][..]),
    };
    let Ok(text) = std::str::from_utf8(map) else { return };
    let limits = Limits::DEFAULT;
    let Ok(map) = DigitMap::compile(text, &limits) else { return };
    assert!(map.states() <= limits.digit_map_states);
    let mut at = map.start();
    let mut impossible = false;
    for symbol in dialled.iter().filter_map(|byte| DialSymbol::new(char::from(*byte))) {
        let state = map.feed(&mut at, symbol);
        assert!(
            !impossible || state == MatchState::Impossible,
            "{text:?} came back from an impossible match"
        );
        impossible = state == MatchState::Impossible;
    }
}

/// A packet is refused or read as it was written; a session survives any train of packets. Two bytes of length precede
/// each packet.
///
/// # Panics
/// When that does not hold.
pub fn rtp(mut bytes: &[u8]) {
    let remote = SocketAddr::from(([127, 0, 0, 1], 4000));
    let config =
        SessionConfig::new(&[Payload::PCMU, Payload::PCMA, Payload::telephone_event(101)]).toward(remote);
    let mut session = RtpSession::new(Time::ZERO, &config, Rng::from_number(1));
    let mut now = Time::ZERO;
    while let [high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (packet, rest) = rest.split_at(length);
        bytes = rest;
        if let Ok(decoded) = RtpPacket::decode(packet) {
            assert!(decoded.payload.len() <= packet.len());
        }
        now += strowger_media::FRAME_TIME;
        session.receive(now, remote, packet);
        session.receive_control(now, SocketAddr::new(remote.ip(), remote.port() + 1), packet);
        let _ = session.play_frame(now);
    }
    let sums = session.statistics(now);
    assert!(sums.octets_received < 1 << 32);
}
