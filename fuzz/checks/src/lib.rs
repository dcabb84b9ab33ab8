//! What must hold for any input: the bodies of the fuzz targets.
//!
//! They are a crate of their own so that the kept corpus is replayed by `cargo test` with the stable compiler, while
//! the coverage-guided runs need another one.
//!
//! - [`megaco`], [`mgcp`], [`sdp`], [`digit_map`], [`rtp`], [`mms()`]: the checks. Each says how much of the input was accepted. `mms` and `reassembly` have files of their own.
//! - [`megaco`], [`mgcp`], [`sdp`], [`digit_map`], [`rtp`], [`sip()`], [`mms()`], [`smpp`], [`pap`]: the checks. Each says how much of the input was accepted. `sip` and `mms`
//!   have files of their own, `push` has the last two.
//! - [`corpus`]: the targets and their samples. [`mutate`]: samples with something wrong, as many as one likes.

#![allow(clippy::panic, reason = "a property that does not hold is to stop the fuzzer")]

mod mms;
mod push;
mod reassembly;
mod sip;

pub mod corpus;
pub mod mutate;

pub use mms::mms;
pub use push::{pap, smpp};
pub use sip::sip;

use std::net::SocketAddr;

use strowger_media::rtp::RtpPacket;
use strowger_media::{Payload, RtpSession, SessionConfig};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::digitmap::{DialSymbol, DigitMap, MatchState};
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::Message;
use strowger_mgcp::package::PackageSet;
use strowger_mgcp::text;
use strowger_sansio::{Rng, Time};

/// A datagram is decoded or refused; what was decoded is the same after it was encoded, and refusals have a code.
///
/// # Panics
/// When that does not hold.
pub fn mgcp(bytes: &[u8]) -> usize {
    let limits = Limits::DEFAULT;
    let mut accepted = 0;
    for message in text::datagram(bytes, &limits) {
        match message {
            Ok(message) => {
                mgcp_round_trip(&message, &limits);
                if let Message::Command(command) = &message {
                    // Whatever it says, it looks at every value.
                    let _ = text::check(command, &Dialect::RFC3435, &PackageSet::ALL);
                }
                accepted += 1;
            }
            Err(error) => {
                let code = error.return_code().get();
                assert!((400..=599).contains(&code), "{error:?} maps to {code}");
                assert!(error.offset <= bytes.len(), "{error:?} lies behind the end");
            }
        }
    }
    accepted
}

fn mgcp_round_trip(message: &Message<'_>, limits: &Limits) {
    let mut first = Vec::with_capacity(512);
    text::encode(message, &mut first);
    if first.len() > limits.datagram_bytes {
        // Lines that came with a line feed alone are longer now.
        return;
    }
    let again = match text::decode(&first, limits) {
        Ok(again) => again,
        Err(error) => panic!("encoded as {:?}, refused: {error:?}", first.escape_ascii().to_string()),
    };
    assert_eq!(*message, again, "changed by encoding");
    let mut second = Vec::with_capacity(first.len());
    text::encode(&again, &mut second);
    assert_eq!(first, second, "not a fixed point");
}

/// A message of Megaco is decoded or refused, as text and as BER; what was decoded is the same after it was written in any
/// form that can say it; broken BER made from it is refused or read.
///
/// # Panics
/// When that does not hold.
pub fn megaco(bytes: &[u8]) -> usize {
    use strowger_megaco::{binary, text};
    let (of_text, of_binary) = (text::Options::DEFAULT, binary::Options::default());
    let (_, faults) = text::decode_recovering(bytes, &of_text);
    let read = text::decode(bytes, &of_text);
    assert_eq!(faults.is_empty(), read.is_ok(), "recovering differs from strict");
    let _ = binary::decode_recovering(bytes, &of_binary);
    let Ok(message) = read else { return 0 };
    for layout in [text::Layout::Pretty, text::Layout::Compact] {
        let mut written = Vec::new();
        if text::encode(&message, layout, &mut written).is_err()
            || written.len() > of_text.limits.message_bytes
        {
            continue;
        }
        match text::decode(&written, &of_text) {
            Ok(again) => assert_eq!(again, message, "changed by encoding"),
            Err(error) => panic!("encoded as {:?}, refused: {error}", written.escape_ascii().to_string()),
        }
    }
    let mut written = Vec::new();
    if binary::encode(&message, &of_binary, &mut written).is_err() {
        return 1;
    }
    if written.len() <= of_binary.limits.message_bytes {
        let again = binary::decode(&written, &of_binary);
        assert!(again.is_ok(), "wrote BER that is refused: {again:?}");
    }
    let at = bytes.iter().fold(0, |sum, byte| sum * 31 % 65_521 + usize::from(*byte)) % written.len().max(1);
    if let Some(octet) = written.get_mut(at) {
        *octet ^= 1 << (at % 8);
    }
    let _ = binary::decode_recovering(&written, &of_binary);
    1
}

/// A description is refused or kept byte for byte; editing one field keeps it a description.
///
/// # Panics
/// When that does not hold.
pub fn sdp(bytes: &[u8]) -> usize {
    let limits = strowger_sdp::Limits::default();
    let Ok(session) = strowger_sdp::decode(bytes, &limits) else { return 0 };
    assert_eq!(session.as_bytes(), bytes);
    let _ = session.departures();
    if let Ok(audio) = strowger_sdp::AudioDescription::from_session(&session) {
        let written = audio.to_bytes();
        let Ok(read) = strowger_sdp::decode(&written, &limits) else {
            panic!("wrote {:?}, which is refused", written.escape_ascii().to_string());
        };
        let mut back = strowger_sdp::AudioDescription::from_session(&read);
        if audio.port == 0 && audio.codecs.is_empty() {
            // A refused stream lists a format all the same, which is ignored (RFC 3264 section 6).
            back = back.map(|back| strowger_sdp::AudioDescription { codecs: Vec::new(), ..back });
        }
        assert_eq!(back.as_ref(), Ok(&audio), "changed by writing");
    }
    if let Ok(image) = strowger_sdp::ImageDescription::from_session(&session) {
        let written = image.to_bytes();
        let Ok(read) = strowger_sdp::decode(&written, &limits) else {
            panic!("wrote {:?}, which is refused", written.escape_ascii().to_string());
        };
        let back = strowger_sdp::ImageDescription::from_session(&read);
        assert_eq!(back.as_ref(), Ok(&image), "changed by writing");
    }
    let mut edit = session.edit(&limits);
    if edit.set_session_name(b"edited").is_ok() {
        assert!(strowger_sdp::decode(edit.as_bytes(), &limits).is_ok(), "an edit broke the description");
    }
    1
}

/// A map compiles or is refused; a dial string is decided once and for all. The first line is the map, the rest is dialled.
///
/// # Panics
/// When that does not hold.
pub fn digit_map(bytes: &[u8]) -> usize {
    let (map, dialled) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => bytes.split_at(end),
        None => (bytes, &[][..]),
    };
    let Ok(text) = std::str::from_utf8(map) else { return 0 };
    let limits = Limits::DEFAULT;
    let Ok(map) = DigitMap::compile(text, &limits) else { return 0 };
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
    1
}

/// A packet is refused or read as it was written; a session survives any train of packets. Two bytes of length precede
/// each packet.
///
/// # Panics
/// When that does not hold.
pub fn rtp(mut bytes: &[u8]) -> usize {
    let mut accepted = 0;
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
            accepted += 1;
        }
        now += strowger_media::FRAME_TIME;
        session.receive(now, remote, packet);
        session.receive_control(now, SocketAddr::new(remote.ip(), remote.port() + 1), packet);
        let _ = session.play_frame(now);
    }
    let sums = session.statistics(now);
    assert!(sums.octets_received < 1 << 32);
    accepted
}
