//! A description's audio stream as values: what the grammar cannot check is checked here.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{AudioDescription, Codec, CodecEntry, Direction, ExtendedReports};
use crate::class;
use crate::error::Found;
use crate::field::{Attribute, Connection, Host, Origin, Wild, cut};
use crate::line::{Line, Lines, field};
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
        let line = media.line();
        let at_media =
            |rule| fault(media.offset(), media.lines().next().map_or(&[], |line| line.value), rule);
        if !matches!(line.transport, "RTP/AVP" | "RTP/AVPF") {
            return Err(at_media(AudioRule::Transport));
        }
        let Wild::Value(port) = line.port else { return Err(at_media(AudioRule::Wildcard)) };
        let session = Part::of(media.session().session_lines());
        let stream = Part::of(media.lines());
        let Some(connection) = stream.connection.or(session.connection) else {
            return Err(fault(media.offset(), b"", AudioRule::NoConnection));
        };
        let address = address(&connection)?;
        let codecs = codecs(media, port)?;
        let origin = session.origin.and_then(|line| Origin::parse(line.value));
        Ok(Self {
            ptime: stream.ptime.map(|attribute| packet_time(&attribute)).transpose()?,
            maxptime: stream.maxptime.map(|attribute| packet_time(&attribute)).transpose()?,
            rtcp: stream.rtcp.map(|attribute| rtcp(&attribute, address)).transpose()?,
            // The stream's own wish overrides that of the session (RFC 3611 section 5.1).
            extended_reports: stream.extended.or(session.extended).unwrap_or_default(),
            direction: stream.direction.or(session.direction).unwrap_or_default(),
            session_id: origin.and_then(|origin| origin.session_number()).unwrap_or(0),
            version: origin.and_then(|origin| origin.version_number()).unwrap_or(0),
            ..Self::new(SocketAddr::new(address, port), codecs)
        })
    }
}

/// What one part of a description, the session's or a stream's, says: the first line or attribute of each kind.
#[derive(Default)]
struct Part<'a> {
    origin: Option<Line<'a>>,
    connection: Option<Line<'a>>,
    ptime: Option<Attribute<'a>>,
    maxptime: Option<Attribute<'a>>,
    rtcp: Option<Attribute<'a>>,
    extended: Option<ExtendedReports>,
    direction: Option<Direction>,
}

impl<'a> Part<'a> {
    fn of(lines: Lines<'a>) -> Self {
        let mut part = Self::default();
        for line in lines {
            match line.letter {
                b'o' => part.origin = part.origin.or(Some(line)),
                b'c' => part.connection = part.connection.or(Some(line)),
                b'a' => part.attribute(Attribute::parse(line.value, line.offset)),
                _ => {}
            }
        }
        part
    }

    fn attribute(&mut self, attribute: Option<Attribute<'a>>) {
        let Some(attribute) = attribute else { return };
        match attribute.name {
            "ptime" => self.ptime = self.ptime.or(Some(attribute)),
            "maxptime" => self.maxptime = self.maxptime.or(Some(attribute)),
            "rtcp" => self.rtcp = self.rtcp.or(Some(attribute)),
            "rtcp-xr" => {
                let value = std::str::from_utf8(attribute.value.unwrap_or_default()).unwrap_or_default();
                self.extended = self.extended.or(Some(ExtendedReports::parse(value)));
            }
            name => self.direction = self.direction.or_else(|| Direction::from_name(name)),
        }
    }
}

fn fault(offset: usize, found: &[u8], rule: AudioRule) -> AudioFault {
    AudioFault { offset, found: Found::new(found), rule }
}

fn attribute_fault(attribute: &Attribute<'_>, rule: AudioRule) -> AudioFault {
    fault(attribute.value_offset(), attribute.value.unwrap_or_default(), rule)
}

fn address(line: &Line<'_>) -> Result<IpAddr, AudioFault> {
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
    // One entry for each payload type at most, whatever is repeated: 128.
    let mut mapped: Vec<CodecEntry> = Vec::new();
    let mut parameters: Vec<(u8, &str)> = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for attribute in media.attributes() {
        match attribute.name {
            "rtpmap" => {
                let entry = rtpmap(&attribute)?;
                if !mapped.iter().any(|known| known.payload_type == entry.payload_type) {
                    mapped.push(entry);
                }
            }
            "fmtp" => {
                let (number, text) = fmtp(&attribute)?;
                if !parameters.iter().any(|known| known.0 == number) {
                    parameters.push((number, text));
                }
            }
            "gpmd" => data.extend(voiceband_data(&attribute).filter(|number| !data.contains(number))),
            _ => {}
        }
    }
    let at_media = |rule| fault(media.offset(), media.lines().next().map_or(&[], |line| line.value), rule);
    let mut codecs: Vec<CodecEntry> = Vec::new();
    for format in media.line().formats() {
        let rule = if matches!(format, "$" | "*") { AudioRule::Wildcard } else { AudioRule::PayloadType };
        let Some(number) = payload_type(format.as_bytes()) else { return Err(at_media(rule)) };
        // A format listed twice is the same format.
        if codecs.iter().any(|entry| entry.payload_type == number) {
            continue;
        }
        let entry = match mapped.iter().position(|entry| entry.payload_type == number) {
            Some(at) => Some(mapped.swap_remove(at)),
            None => CodecEntry::from_static(number),
        };
        if let Some(mut entry) = entry {
            if data.contains(&number) {
                entry = entry.for_data();
            }
            entry.fmtp = parameters.iter().find(|known| known.0 == number).map(|known| known.1.to_owned());
            codecs.push(entry);
        }
    }
    if codecs.is_empty() && port != 0 {
        return Err(at_media(AudioRule::NoFormat));
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
        good.then_some(CodecEntry { clock, channels, ..CodecEntry::new(payload_type, codec) })
    };
    read().ok_or_else(|| attribute_fault(attribute, AudioRule::RtpMap))
}

/// `format parameters`.
fn fmtp<'a>(attribute: &Attribute<'a>) -> Result<(u8, &'a str), AudioFault> {
    let read = || {
        let mut value = attribute.value?;
        let number = payload_type(field(&mut value))?;
        let parameters = str::from_utf8(value).ok()?.trim();
        (!parameters.is_empty()).then_some((number, parameters))
    };
    read().ok_or_else(|| attribute_fault(attribute, AudioRule::Fmtp))
}

/// `format parameter=value;…` of ITU-T V.152, which says `vbd=yes`: the format. Other descriptors mean nothing here.
fn voiceband_data(attribute: &Attribute<'_>) -> Option<u8> {
    let mut value = attribute.value?;
    let number = payload_type(field(&mut value))?;
    let is_data = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        name.trim().eq_ignore_ascii_case("vbd") && value.trim().eq_ignore_ascii_case("yes")
    };
    str::from_utf8(value).ok()?.split(';').any(is_data).then_some(number)
}

fn payload_type(text: &[u8]) -> Option<u8> {
    class::number(text).and_then(|number| u8::try_from(number).ok()).filter(|number| *number < 128)
}

/// `20`, or `22.5`.
fn packet_time(attribute: &Attribute<'_>) -> Result<u16, AudioFault> {
    let read = || {
        let (whole, fraction) = cut(attribute.value?.trim_ascii(), b'.');
        if !fraction.is_none_or(|fraction| class::all(fraction, class::DIGIT)) {
            return None;
        }
        let whole = u16::try_from(class::number(whole)?).ok()?;
        let positive = whole > 0 || fraction.is_some_and(|digits| digits.iter().any(|digit| *digit != b'0'));
        positive.then_some(whole.max(1))
    };
    read().ok_or_else(|| attribute_fault(attribute, AudioRule::PacketTime))
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
