//! Local and Remote descriptors: which alternatives the gateway can do, and what it chooses (RFC 3525 sections 7.1.7, 7.1.8).
//!
//! A descriptor holds one or more session descriptions, in falling preference; within one, the formats of its `m=` line are
//! alternatives as well. `$` asks the gateway to choose. What comes back is what is reserved, written as the controller wrote it, with
//! the choices filled in and what was not taken left out.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use strowger_sdp::{Codec, CodecEntry};

use super::media::MediaCapabilities;
use super::report::Fault;
use crate::error::ErrorCode;
use crate::message::{Description, LineValueRef};

/// Session descriptions of one descriptor that are looked at.
const MOST_ALTERNATIVES: usize = 16;
/// Lines of one session description that are looked at.
const MOST_LINES: usize = 128;

/// A session description, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Session {
    lines: Vec<(u8, String)>,
}

/// An alternative: a session description and what of it the plane can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alternative {
    session: Session,
    /// Those of its formats that the plane has, in their order.
    pub(super) codecs: Vec<CodecEntry>,
    host: Option<IpAddr>,
    port: Option<u16>,
    pub(super) packet: Option<Duration>,
}

impl Alternative {
    /// Where the other end receives.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        let (host, port) = (self.host?, self.port?);
        (port != 0 && !host.is_unspecified()).then_some(SocketAddr::new(host, port))
    }

    pub(super) fn speech(&self) -> Option<&CodecEntry> {
        self.codecs.iter().find(|entry| entry.is_speech())
    }

    pub(super) fn telephone_event(&self) -> Option<u8> {
        let found = self.codecs.iter().find(|entry| entry.codec == Codec::TelephoneEvent);
        found.map(|entry| entry.payload_type)
    }

    /// Whether the plane can do it at all.
    pub(super) fn is_supported(&self) -> bool {
        self.speech().is_some()
    }

    /// Whether both have a format of speech in common.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let is_common = |entry: &&CodecEntry| other.codecs.iter().any(|theirs| theirs.matches(entry));
        self.codecs.iter().filter(|entry| entry.is_speech()).any(|entry| is_common(&entry))
    }

    /// With one format of speech alone: the first, or the first that the other side has too.
    pub(super) fn narrowed(mut self, other: Option<&Self>) -> Self {
        let speech: Vec<_> = self.codecs.iter().filter(|entry| entry.is_speech()).cloned().collect();
        let common = other.and_then(|other| {
            speech.iter().find(|entry| other.codecs.iter().any(|theirs| theirs.matches(entry))).cloned()
        });
        if let Some(chosen) = common.or_else(|| speech.first().cloned()) {
            self.codecs.retain(|entry| *entry == chosen || !entry.is_speech());
        }
        self
    }

    /// As it is in force, where the gateway receives at `address` if it is a local one.
    pub(super) fn write(&self, address: Option<SocketAddr>) -> Vec<u8> {
        let mut out = Vec::new();
        let host = address.map(|address| address.ip());
        if !self.session.lines.iter().any(|(letter, _)| *letter == b'v') {
            put(&mut out, b'v', "0");
        }
        let mut has_connection =
            host.is_none() || self.session.lines.iter().any(|(letter, _)| *letter == b'c');
        for (letter, value) in &self.session.lines {
            if !has_connection && matches!(letter, b'b' | b't' | b'r' | b'z' | b'k' | b'a' | b'm') {
                has_connection = true;
                if let Some(host) = host {
                    put(&mut out, b'c', &format!("IN {} {host}", family(host)));
                }
            }
            match letter {
                b'm' => self.write_media(&mut out, value, address),
                b'a' if !self.is_kept(value) => {}
                b'c' | b'o' | b't' => put(&mut out, *letter, &filled(*letter, value, host)),
                _ if value.contains('$') => {}
                _ => put(&mut out, *letter, value),
            }
        }
        out
    }

    fn write_media(&self, out: &mut Vec<u8>, value: &str, address: Option<SocketAddr>) {
        let mut words = value.split_ascii_whitespace();
        let mut next = || words.next().unwrap_or("$");
        let (media, port, protocol) = (next(), next(), next());
        let media = if media == "$" { "audio" } else { media };
        let protocol = if protocol == "$" { "RTP/AVP" } else { protocol };
        let port = match address {
            Some(address) => address.port().to_string(),
            None => port.to_owned(),
        };
        let formats: Vec<_> = self.codecs.iter().map(|entry| entry.payload_type.to_string()).collect();
        put(out, b'm', &format!("{media} {port} {protocol} {}", formats.join(" ")));
        // Formats of dynamic numbers that nobody has named yet.
        for entry in &self.codecs {
            let number = entry.payload_type;
            let is_named = |line: &&(u8, String)| payload_of(&line.1) == Some(number);
            let is_static = CodecEntry::from_static(number).is_some();
            if is_static
                || self.session.lines.iter().filter(|line| line.0 == b'a').any(|line| is_named(&line))
            {
                continue;
            }
            put(out, b'a', &format!("rtpmap:{number} {}/{}", entry.codec, entry.clock));
            if let Some(parameters) = &entry.fmtp {
                put(out, b'a', &format!("fmtp:{number} {parameters}"));
            }
        }
    }

    /// Whether an attribute is about a format that is kept, or about none.
    fn is_kept(&self, attribute: &str) -> bool {
        let is_of_format = attribute.starts_with("rtpmap:") || attribute.starts_with("fmtp:");
        let payload = payload_of(attribute);
        let is_known = |number| self.codecs.iter().any(|entry| Some(entry.payload_type) == number);
        !attribute.contains('$') && (!is_of_format || is_known(payload))
    }
}

fn family(host: IpAddr) -> &'static str {
    if host.is_ipv4() { "IP4" } else { "IP6" }
}

fn put(out: &mut Vec<u8>, letter: u8, value: &str) {
    out.extend_from_slice(&[letter, b'=']);
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A line of `c=`, `o=` or `t=` with the gateway's choices in the place of `$`.
fn filled(letter: u8, value: &str, host: Option<IpAddr>) -> String {
    let choice = |place: usize| match (letter, place, host) {
        (b'c' | b'o', _, None) => "$".to_owned(),
        (b'c', 2, Some(host)) | (b'o', 5, Some(host)) => host.to_string(),
        (b'c', 1, Some(host)) | (b'o', 4, Some(host)) => family(host).to_owned(),
        (b'c', 0, _) | (b'o', 3, _) => "IN".to_owned(),
        (b'o', 0, _) => "-".to_owned(),
        _ => "0".to_owned(),
    };
    let words = value.split_ascii_whitespace().enumerate();
    let words: Vec<_> =
        words.map(|(place, word)| if word == "$" { choice(place) } else { word.to_owned() }).collect();
    words.join(" ")
}

/// The payload type that `rtpmap:0 …` and `fmtp:0 …` begin with.
fn payload_of(attribute: &str) -> Option<u8> {
    attribute.split_once(':')?.1.split_ascii_whitespace().next()?.parse().ok()
}

/// The alternatives of a descriptor.
///
/// # Errors
/// It is no session description: 442, or 445 for a property of Annex C that is not of SDP.
pub(super) fn read(
    description: &Description<'_>,
    able: &MediaCapabilities,
) -> Result<Vec<Alternative>, Fault> {
    let mut sessions: Vec<Session> = Vec::new();
    for line in description.lines() {
        let no_sdp = Fault::new(ErrorCode::SYNTAX_COMMAND, "A line is not of SDP");
        let line = line.map_err(|_| no_sdp)?;
        let Some(letter) = line.tag.letter() else { return Err(ErrorCode::UNKNOWN_PROPERTY.into()) };
        let LineValueRef::Text(text) = line.value else { return Err(ErrorCode::UNKNOWN_PROPERTY.into()) };
        let text = std::str::from_utf8(text).map_err(|_| no_sdp)?;
        if line.is_first || sessions.is_empty() {
            sessions.push(Session::default());
        }
        let too_much = Fault::new(ErrorCode::INSUFFICIENT_RESOURCES, "Too many session descriptions");
        if sessions.len() > MOST_ALTERNATIVES {
            return Err(too_much);
        }
        let Some(session) = sessions.last_mut() else { continue };
        if session.lines.len() >= MOST_LINES {
            return Err(too_much);
        }
        session.lines.push((letter, text.trim_end().to_owned()));
    }
    sessions.into_iter().map(|session| alternative(session, able)).collect()
}

/// What was written before, as an alternative again.
pub(super) fn read_stored(text: &[u8], able: &MediaCapabilities) -> Vec<Alternative> {
    read(&Description::from_sdp(text.into()), able).unwrap_or_default()
}

fn alternative(session: Session, able: &MediaCapabilities) -> Result<Alternative, Fault> {
    let find = |letter: u8| session.lines.iter().rev().find(|line| line.0 == letter).map(|line| &line.1[..]);
    if session.lines.iter().filter(|line| line.0 == b'm').count() > 1 {
        return Err(Fault::new(ErrorCode::SYNTAX_COMMAND, "More than one m= line in a session description"));
    }
    let mut words = find(b'm').unwrap_or("$ $ $ $").split_ascii_whitespace();
    let mut next = || words.next().unwrap_or("$");
    let (media, port, protocol) = (next(), next(), next());
    let formats: Vec<_> = words.collect();
    let is_speech = matches!(media, "$" | "audio") && matches!(protocol, "$" | "RTP/AVP");
    let attributes: Vec<_> =
        session.lines.iter().filter(|line| line.0 == b'a').map(|line| &line.1[..]).collect();
    let codecs = if is_speech { formats_of(&formats, &attributes, able) } else { Vec::new() };
    let port = port.split('/').next().and_then(|port| port.parse().ok());
    let host = find(b'c').and_then(|value| value.split_ascii_whitespace().nth(2));
    let host = host.and_then(|host| host.split('/').next()?.parse().ok());
    let packet = attributes.iter().find_map(|attribute| attribute.strip_prefix("ptime:"));
    let packet = packet.and_then(|millis| millis.trim().parse().ok()).map(Duration::from_millis);
    Ok(Alternative { codecs, host, port, packet, session })
}

/// The formats of a line, as far as the plane has them; all that it has, for `$`.
fn formats_of(formats: &[&str], attributes: &[&str], able: &MediaCapabilities) -> Vec<CodecEntry> {
    let mut list: Vec<CodecEntry> = Vec::new();
    let formats = if formats.is_empty() { &["$"] } else { formats };
    for format in formats {
        if *format == "$" {
            list.extend(able.codecs.iter().filter(|entry| entry.is_speech()).cloned());
            continue;
        }
        let Ok(number) = format.parse::<u8>() else { continue };
        let named = attributes.iter().filter(|attribute| attribute.starts_with("rtpmap:"));
        let named = named.filter(|attribute| payload_of(attribute) == Some(number)).find_map(|attribute| {
            let mut parts = attribute.split_ascii_whitespace().nth(1)?.split('/');
            let codec = Codec::from_name(parts.next()?);
            let clock = parts.next().and_then(|clock| clock.parse().ok()).unwrap_or(8000);
            let channels = parts.next().and_then(|channels| channels.parse().ok()).unwrap_or(1);
            Some(CodecEntry { clock, channels, ..CodecEntry::new(number, codec) })
        });
        let entry = named.or_else(|| CodecEntry::from_static(number));
        let Some(mut entry) = entry else { continue };
        let parameters = attributes.iter().filter(|attribute| attribute.starts_with("fmtp:"));
        entry.fmtp = parameters
            .filter(|attribute| payload_of(attribute) == Some(number))
            .find_map(|attribute| attribute.split_once(' ').map(|(_, text)| text.trim().to_owned()));
        let is_known = able.codecs.iter().any(|known| known.matches(&entry));
        if is_known && !list.iter().any(|other| other.payload_type == number) {
            list.push(entry);
        }
    }
    list
}

/// Whether a local alternative that names an address and port names these.
pub(super) fn is_at(alternative: &Alternative, address: SocketAddr) -> bool {
    alternative.host.is_none_or(|host| host == address.ip())
        && alternative.port.is_none_or(|port| port == address.port())
}
