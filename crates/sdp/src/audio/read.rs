//! A description's audio stream as values: what the grammar cannot check is checked here.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{AudioDescription, Codec, CodecEntry, Direction};
use crate::class;
use crate::error::Found;
use crate::field::{Attribute, Connection, Host, Wild, cut};
use crate::line::field;
use crate::session::{MediaDescription, SessionDescription};

/// Why a description has no audio stream that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFault {
    /// Offset of the line or value at fault.
    pub offset: usize,
    /// What stands there.
    pub found: Found,
    /// What is wrong with it.
    pub rule: AudioRule,
}

impl fmt::Display for AudioFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "offset {}: found {}, but {} ({})",
            self.offset,
            self.found,
            self.rule.text(),
            self.rule.clause()
        )
    }
}

impl std::error::Error for AudioFault {}

/// The rules of [`AudioFault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AudioRule {
    /// There is no `m=audio` line.
    NoAudio,
    /// Neither the stream nor the session has a `c=` line.
    NoConnection,
    /// The network is not the Internet: `LOCAL`, `ATM`, ...
    Network,
    /// A domain name: names are not resolved here.
    Name,
    /// A wildcard stands where a value is needed.
    Wildcard,
    /// The transport is not RTP with the audio and video profile.
    Transport,
    /// A payload type is not a number up to 127.
    PayloadType,
    /// No listed format has a known meaning.
    NoFormat,
    /// `a=rtpmap` is malformed.
    RtpMap,
    /// `a=fmtp` is malformed.
    Fmtp,
    /// `a=ptime` or `a=maxptime` is not a positive number.
    PacketTime,
    /// `a=rtcp` is malformed.
    Rtcp,
}

impl AudioRule {
    /// The rule in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoAudio => "there must be an m=audio line",
            Self::NoConnection => "the stream or the session needs a c= line",
            Self::Network => "the stream must be on the Internet (IN IP4 or IN IP6)",
            Self::Name => "the address must be given as numbers",
            Self::Wildcard => "a value is needed in place of the wildcard",
            Self::Transport => "the transport must be RTP/AVP",
            Self::PayloadType => "a payload type is a number up to 127",
            Self::NoFormat => "at least one format must have a known meaning",
            Self::RtpMap => "rtpmap has a payload type, a name, a clock and perhaps channels",
            Self::Fmtp => "fmtp has a format and its parameters",
            Self::PacketTime => "a packet time is a positive number of milliseconds",
            Self::Rtcp => "rtcp has a port and perhaps an address",
        }
    }

    /// Where it is written.
    #[must_use]
    pub const fn clause(self) -> &'static str {
        match self {
            Self::NoAudio | Self::Transport => "RFC 3435 section 3.4.1",
            Self::NoConnection | Self::Network | Self::Name | Self::Wildcard => "RFC 8866 section 5.7",
            Self::PayloadType | Self::NoFormat => "RFC 8866 section 5.14",
            Self::RtpMap => "RFC 8866 section 6.6",
            Self::Fmtp => "RFC 8866 section 6.15",
            Self::PacketTime => "RFC 8866 sections 6.4 and 6.5",
            Self::Rtcp => "RFC 3605 section 2.1",
        }
    }
}

impl AudioDescription {
    /// The first audio stream of a description.
    ///
    /// Attributes that state the direction: the stream's own, before the session's; the first of several. Of several
    /// `a=rtpmap` or `a=fmtp` for one format the first counts, too.
    ///
    /// # Errors
    /// [`AudioFault`] when there is none, or it cannot be sent to as it is described.
    pub fn from_session(session: &SessionDescription<'_>) -> Result<Self, AudioFault> {
        let Some(media) = session.media().find(|media| media.line().media == "audio") else {
            return Err(fault(session.as_bytes().len(), b"", AudioRule::NoAudio));
        };
        Self::from_media(&media)
    }

    /// One stream of a description, which the caller knows to be audio.
    ///
    /// # Errors
    /// As [`AudioDescription::from_session`].
    pub fn from_media(media: &MediaDescription<'_>) -> Result<Self, AudioFault> {
        let session = media.session();
        let line = media.line();
        let at_media =
            |rule| fault(media.offset(), media.lines().next().map_or(&[], |line| line.value), rule);
        if !matches!(line.transport, "RTP/AVP" | "RTP/AVPF") {
            return Err(at_media(AudioRule::Transport));
        }
        let Wild::Value(port) = line.port else { return Err(at_media(AudioRule::Wildcard)) };
        let address = address(media)?;
        let codecs = codecs(media, port)?;
        let origin = session.origin();
        let mut audio = Self {
            session_id: origin.and_then(|origin| origin.session_number()).unwrap_or(0),
            version: origin.and_then(|origin| origin.version_number()).unwrap_or(0),
            ..Self::new(SocketAddr::new(address, port), codecs)
        };
        audio.ptime = packet_time(media, "ptime")?;
        audio.maxptime = packet_time(media, "maxptime")?;
        audio.rtcp = media.attribute("rtcp").map(|attribute| rtcp(&attribute, address)).transpose()?;
        let stated = media.attributes().find_map(|attribute| Direction::from_name(attribute.name));
        let session_wide = || session.attributes().find_map(|attribute| Direction::from_name(attribute.name));
        audio.direction = stated.or_else(session_wide).unwrap_or_default();
        Ok(audio)
    }
}

fn fault(offset: usize, found: &[u8], rule: AudioRule) -> AudioFault {
    AudioFault { offset, found: Found::new(found), rule }
}

fn attribute_fault(attribute: &Attribute<'_>, rule: AudioRule) -> AudioFault {
    fault(attribute.value_offset(), attribute.value.unwrap_or_default(), rule)
}

fn address(media: &MediaDescription<'_>) -> Result<IpAddr, AudioFault> {
    let session = media.session();
    let own = media.lines().find(|line| line.letter == b'c');
    let Some(line) = own.or_else(|| session.session_lines().find(|line| line.letter == b'c')) else {
        return Err(fault(media.offset(), b"", AudioRule::NoConnection));
    };
    let bad = |rule| Err(fault(line.offset, line.value, rule));
    let Some(connection) = Connection::parse(line.value) else { return bad(AudioRule::Network) };
    match connection.host {
        Wild::Value(Host::Ip { ip, .. }) => Ok(ip),
        Wild::Value(Host::Name(_)) => bad(AudioRule::Name),
        Wild::Value(Host::Other(_)) => bad(AudioRule::Network),
        Wild::Choose | Wild::All => bad(AudioRule::Wildcard),
    }
}

fn codecs(media: &MediaDescription<'_>, port: u16) -> Result<Vec<CodecEntry>, AudioFault> {
    let line = media.lines().next();
    let value = line.map_or(&[][..], |line| line.value);
    let mut codecs: Vec<CodecEntry> = Vec::new();
    let mut mapped: [Option<CodecEntry>; 128] = [const { None }; 128];
    for attribute in media.attributes().filter(|attribute| attribute.name == "rtpmap") {
        let entry = rtpmap(&attribute)?;
        if let Some(slot) = mapped.get_mut(usize::from(entry.payload_type)) {
            slot.get_or_insert(entry);
        }
    }
    for format in media.line().formats() {
        let rule = if matches!(format, "$" | "*") { AudioRule::Wildcard } else { AudioRule::PayloadType };
        let number = format.parse::<u8>().ok().filter(|number| *number < 128);
        let Some(number) = number else { return Err(fault(media.offset(), value, rule)) };
        // A format listed twice is the same format.
        if codecs.iter().any(|entry| entry.payload_type == number) {
            continue;
        }
        let mapped = mapped.get_mut(usize::from(number)).and_then(Option::take);
        codecs.extend(mapped.or_else(|| CodecEntry::from_static(number)));
    }
    if codecs.is_empty() && port != 0 {
        return Err(fault(media.offset(), value, AudioRule::NoFormat));
    }
    for attribute in media.attributes().filter(|attribute| attribute.name == "fmtp") {
        let (number, parameters) = fmtp(&attribute)?;
        let entry = codecs.iter_mut().find(|entry| entry.payload_type == number && entry.fmtp.is_none());
        if let Some(entry) = entry {
            entry.fmtp = Some(parameters);
        }
    }
    Ok(codecs)
}

/// `payload-type name/clock[/channels]`.
fn rtpmap(attribute: &Attribute<'_>) -> Result<CodecEntry, AudioFault> {
    let read = || {
        let mut value = attribute.value?;
        let payload_type = payload_type(field(&mut value))?;
        let (name, rest) = cut(field(&mut value), b'/');
        let (clock, channels) = cut(rest?, b'/');
        let clock = u32::try_from(class::number(clock)?).ok().filter(|clock| *clock > 0)?;
        let channels = match channels {
            None => 1,
            Some(text) => u8::try_from(class::number(text)?).ok().filter(|channels| *channels > 0)?,
        };
        let good = class::all(name, class::TOKEN) && field(&mut value).is_empty();
        let codec = Codec::from_name(class::ascii(name));
        good.then_some(CodecEntry { payload_type, codec, clock, channels, fmtp: None })
    };
    read().ok_or_else(|| attribute_fault(attribute, AudioRule::RtpMap))
}

/// `format parameters`.
fn fmtp(attribute: &Attribute<'_>) -> Result<(u8, String), AudioFault> {
    let read = || {
        let mut value = attribute.value?;
        let number = payload_type(field(&mut value))?;
        let parameters = str::from_utf8(value).ok()?.trim();
        (!parameters.is_empty()).then(|| (number, parameters.to_owned()))
    };
    read().ok_or_else(|| attribute_fault(attribute, AudioRule::Fmtp))
}

fn payload_type(text: &[u8]) -> Option<u8> {
    class::number(text).and_then(|number| u8::try_from(number).ok()).filter(|number| *number < 128)
}

/// `20`, or `22.5`.
fn packet_time(media: &MediaDescription<'_>, name: &str) -> Result<Option<u16>, AudioFault> {
    let Some(attribute) = media.attribute(name) else { return Ok(None) };
    let read = || {
        let (whole, fraction) = cut(attribute.value?.trim_ascii(), b'.');
        if !fraction.is_none_or(|fraction| class::all(fraction, class::DIGIT)) {
            return None;
        }
        let whole = u16::try_from(class::number(whole)?).ok()?;
        let positive = whole > 0 || fraction.is_some_and(|digits| digits.iter().any(|digit| *digit != b'0'));
        positive.then_some(whole.max(1))
    };
    read().map(Some).ok_or_else(|| attribute_fault(&attribute, AudioRule::PacketTime))
}

/// `port [network address-type address]` (RFC 3605).
fn rtcp(attribute: &Attribute<'_>, own: IpAddr) -> Result<SocketAddr, AudioFault> {
    let read = || {
        let mut value = attribute.value?;
        let port = u16::try_from(class::number(field(&mut value))?).ok().filter(|port| *port > 0)?;
        let address = match value.trim_ascii() {
            b"" => own,
            text => Connection::parse(text)?.ip()?,
        };
        Some(SocketAddr::new(address, port))
    };
    read().ok_or_else(|| attribute_fault(attribute, AudioRule::Rtcp))
}
