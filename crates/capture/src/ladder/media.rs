//! Media in the ladder: a stream in one direction is one entry, whatever the number of its packets.
//!
//! The name of a format comes from the session descriptions that passed before: packets to an address carry the payload
//! types that the owner of that address announced.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use strowger_sansio::Time;
use strowger_sdp::{AudioDescription, CodecEntry, DecodeError, Direction, Limits, decode};

use super::entry::{Entry, EntryKind, Fate, Memory, Stream, Verdict};
use super::{Frame, Ladder};
use crate::escape::escape;
use crate::protocol::Protocol;

/// Sender, receiver, protocol.
pub(super) type StreamKey = (SocketAddr, SocketAddr, Protocol);

/// What the payload types to an address mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Formats(BTreeMap<SocketAddr, Vec<(u8, String)>>);

impl Formats {
    /// Addresses that are remembered: about two for each call in progress.
    const MOST: usize = 4_096;

    fn learn(&mut self, described: &Described) {
        let Some(address) = described.address else { return };
        if self.0.len() < Self::MOST || self.0.contains_key(&address) {
            self.0.insert(address, described.formats.clone());
        }
    }

    fn name(&self, to: SocketAddr, payload_type: u8) -> Option<String> {
        let announced =
            self.0.get(&to).and_then(|formats| formats.iter().find(|format| format.0 == payload_type));
        match announced {
            Some((_, name)) => Some(name.clone()),
            None => CodecEntry::from_static(payload_type).map(|entry| entry.codec.name().to_owned()),
        }
    }
}

/// A session description in a few words.
#[derive(Clone, Debug)]
pub(super) struct Described {
    address: Option<SocketAddr>,
    formats: Vec<(u8, String)>,
    text: String,
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where media is wanted and in which formats: `192.0.2.7:4000 PCMU telephone-event`.
pub(super) fn describe(octets: &[u8]) -> Result<Described, DecodeError> {
    let session = decode(octets, &Limits::default())?;
    if session.is_version_only() {
        return Ok(Described { address: None, formats: Vec::new(), text: "none".to_owned() });
    }
    let Ok(audio) = AudioDescription::from_session(&session) else {
        // Legal, but not a stream over RTP with an address: say what it is instead.
        let media = session.media().next().map(|media| media.line());
        let text = media.map_or_else(
            || "without media".to_owned(),
            |line| format!("{} {} {}", escape(line.media), line.port, escape(line.transport)),
        );
        return Ok(Described { address: None, formats: Vec::new(), text });
    };
    let formats: Vec<_> = audio
        .codecs
        .iter()
        .map(|entry| (entry.payload_type, escape(entry.codec.name()).to_string()))
        .collect();
    let mut text = audio.destination().to_string();
    for (_, name) in &formats {
        text.push(' ');
        text.push_str(name);
    }
    if audio.direction != Direction::SendRecv {
        text.push(' ');
        text.push_str(audio.direction.name());
    }
    Ok(Described { address: Some(audio.destination()), formats, text })
}

impl Ladder {
    /// A description was seen: its address belongs to the party that announced it.
    pub(super) fn announced(&mut self, party: usize, described: &Described) {
        self.formats.learn(described);
        if let Some(address) = described.address
            && address.port() != 0
            && !address.ip().is_unspecified()
        {
            self.parties.learn(party, address);
            // RTCP is next to it (RFC 3550 section 11).
            self.parties.learn(party, SocketAddr::new(address.ip(), address.port().saturating_add(1)));
        }
    }

    /// A description was seen that somebody else announced.
    pub(super) fn passed_on(&mut self, described: &Described) {
        self.formats.learn(described);
    }

    /// One RTP packet, by its header (RFC 3550 section 5.1).
    pub(super) fn rtp_packet(&mut self, frame: &Frame<'_>) {
        let [first, second, ..] = frame.octets else { return self.not_media(frame, Protocol::Rtp) };
        if first >> 6 != 2 || frame.octets.len() < 12 {
            return self.not_media(frame, Protocol::Rtp);
        }
        let codec = self.formats.name(frame.to, second & 0x7f);
        self.packet(frame, Protocol::Rtp, codec);
    }

    /// One RTCP packet (RFC 3550 section 6.1): its first report decides.
    pub(super) fn rtcp_packet(&mut self, frame: &Frame<'_>) {
        match frame.octets {
            [first, 192..=223, _, _, _, _, _, _, ..] if first >> 6 == 2 => {
                self.packet(frame, Protocol::Rtcp, None);
            }
            _ => self.not_media(frame, Protocol::Rtcp),
        }
    }

    fn packet(&mut self, frame: &Frame<'_>, protocol: Protocol, codec: Option<String>) {
        if frame.fate == Fate::Delivered {
            self.stream(frame.time, frame.from, frame.to, protocol, codec, 1, frame.octets.len() as u64);
        }
    }

    fn not_media(&mut self, frame: &Frame<'_>, protocol: Protocol) {
        let mut entry = self.blank(frame, protocol, EntryKind::Undecodable);
        entry.verdict = Verdict::Malformed;
        entry.summary = format!("{protocol}: {} octets that are no packet of it", frame.octets.len());
        self.push(entry);
    }

    /// Adds packets to a stream, or begins it.
    #[allow(clippy::too_many_arguments, reason = "the figures of a stream, each of another meaning")]
    pub(super) fn stream(
        &mut self,
        time: Time,
        from: SocketAddr,
        to: SocketAddr,
        protocol: Protocol,
        codec: Option<String>,
        packets: u64,
        octets: u64,
    ) {
        let key = (from, to, protocol);
        if let Some(number) = self.streams.get(&key).copied()
            && let Some(entry) = self.entry_mut(number)
        {
            return grow(entry, time, codec, packets, octets);
        }
        let frame = Frame { time, from, to, octets: &[], fate: Fate::Delivered };
        let mut entry = self.blank(&frame, protocol, EntryKind::Stream);
        entry.stream = Some(Stream { codec: None, packets: 0, last: time });
        entry.memory = Memory::Stream(key);
        grow(&mut entry, time, codec, packets, octets);
        self.streams.insert(key, entry.number);
        self.push(entry);
    }
}

fn grow(entry: &mut Entry, time: Time, codec: Option<String>, packets: u64, octets: u64) {
    let Some(stream) = &mut entry.stream else { return };
    stream.packets = stream.packets.saturating_add(packets);
    stream.last = stream.last.max(time);
    match (&mut stream.codec, codec) {
        (Some(known), Some(new)) => {
            // A stream that changes its format, as telephone events do within speech, names each once.
            if known.split(", ").all(|name| name != new) && known.len() < 80 {
                known.push_str(", ");
                known.push_str(&new);
            }
        }
        (known @ None, new) => *known = new,
        (Some(_), None) => {}
    }
    entry.octets = entry.octets.saturating_add(octets);
    let lasted = stream.last.since(entry.time).as_secs_f64();
    let (codec, gap) = stream.codec.as_deref().map_or(("", ""), |codec| (codec, " "));
    let plural = if stream.packets == 1 { "" } else { "s" };
    entry.summary =
        format!("{} {codec}{gap}{} packet{plural}, {lasted:.2} s", entry.protocol, stream.packets);
}
