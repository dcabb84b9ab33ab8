//! Which codecs, period and address a connection gets: RFC 3435 section 2.6.
//!
//! The approved list is what the gateway has and the options allow; the negotiated list is what of it the remote description has too. An
//! empty list is a failure (534), and nothing of the connection has been touched by then.

use std::net::SocketAddr;

use strowger_sansio::Duration;
use strowger_sdp::audio::{ExtendedReports, common};
use strowger_sdp::{AudioDescription, Codec, CodecEntry, NoCommonCodec, Purpose};

use super::connection::{Connection, millis};
use super::fax::{self, FaxHandling};
use super::media::{ConnectionHandle, MediaCapabilities, MediaMode, MediaSpec};
use super::options::Options;
use super::refusal::{Refusal, refuse};
use super::remote::Remote;
use super::stream;
use crate::message::ReturnCode;
use crate::package::PackageSet;

/// What a command asks of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The mode; none keeps it.
    pub(super) mode: Option<MediaMode>,
    /// The options of this command.
    pub(super) options: Option<&'a Options>,
    /// The remote description of this command.
    pub(super) remote: Option<&'a Remote>,
    /// The connection, when it exists already.
    pub(super) current: Option<&'a Connection>,
    /// Another connection of the endpoint, if there is one: options that concern the line side stay as they are there.
    pub(super) line: Option<&'a MediaSpec>,
    /// The modes that the endpoint can have.
    pub(super) modes: &'a [MediaMode],
    /// Whether the other side is within the gateway, and needs no description.
    pub(super) joined: bool,
    /// Whether the endpoint can carry `image/t38`.
    pub(super) images: bool,
    /// The packages of the endpoint.
    pub(super) packages: PackageSet,
    /// The other connections of the endpoint.
    pub(super) beside: &'a [Connection],
}

/// The specification that follows from a command.
pub(super) fn negotiate(wanted: &Wanted<'_>, able: &MediaCapabilities) -> Result<MediaSpec, Refusal> {
    let old = wanted.current.map(|connection| &connection.spec);
    let none = Options::default();
    let options = wanted.options.unwrap_or(&none);
    let mode = wanted.mode.or(old.map(|spec| spec.mode)).unwrap_or(MediaMode::Inactive);
    if !wanted.modes.contains(&mode) {
        return Err(refuse(ReturnCode::MODE, "the endpoint does not support this mode"));
    }
    let has_remote = wanted.joined
        || wanted.remote.is_some()
        || wanted.current.is_some_and(|current| current.remote.is_some());
    if mode.needs_remote() && !has_remote {
        return Err(refuse(ReturnCode::NO_REMOTE_DESCRIPTOR, "this mode needs a remote description"));
    }
    let renegotiate = wanted.remote.is_some()
        || wanted.current.is_none()
        || options.codecs().is_some()
        || options.bandwidth.is_some();
    let packetization = packetization(wanted, options, able);
    let mut spec = match old {
        Some(spec) => spec.clone(),
        None => fresh(mode, packetization, wanted.line, able),
    };
    spec.mode = mode;
    spec.packetization = packetization;
    let was_image = spec.image.is_some();
    spec.image = stream::image(wanted, options, able)?;
    if renegotiate {
        match spec.image {
            // Formats of audio rest meanwhile; there is one at least.
            Some(_) if spec.codecs.is_empty() => spec.codecs.push(spec.send.clone()),
            Some(_) => {}
            None => codecs(wanted, options, able, &mut spec)?,
        }
    }
    if let Some(remote) = wanted.remote {
        towards(remote, able, &mut spec);
        spec.local_peer = remote.peer;
    } else if was_image != spec.image.is_some() && wanted.current.is_some() {
        // What was told of the other stream says nothing of this one: it cannot be sent until the remote side describes it
        // (RFC 5347 section 2.1.1).
        match wanted.current.and_then(|current| current.remote.as_ref()) {
            Some(remote) => towards(remote, able, &mut spec),
            None => spec.remote = None,
        }
    }
    spec.fax = fax::handling(wanted, options, spec.data.as_ref())?;
    spec.muted &= spec.image.is_none() && spec.fax == FaxHandling::T38;
    options.apply(&mut spec);
    Ok(spec)
}

/// Where to send: what the description says of the stream that the connection carries.
fn towards(remote: &Remote, able: &MediaCapabilities, spec: &mut MediaSpec) {
    spec.remote_rtcp = None;
    spec.extended_reports = ExtendedReports::default();
    if spec.image.is_some() {
        let to = remote.image.as_ref().filter(|image| !image.address.is_unspecified());
        spec.remote = to.map(strowger_sdp::ImageDescription::destination);
        return;
    }
    let Some(audio) = &remote.audio else {
        spec.remote = None;
        return;
    };
    spec.remote = (!audio.is_held_by_address()).then(|| audio.destination());
    spec.remote_rtcp = audio.rtcp;
    if able.extended_reports {
        spec.extended_reports = audio.extended_reports;
    }
}

/// What a new connection begins with: the defaults of RFC 3435 section 2.3.5.
fn fresh(
    mode: MediaMode,
    packetization: Duration,
    line: Option<&MediaSpec>,
    able: &MediaCapabilities,
) -> MediaSpec {
    MediaSpec {
        mode,
        codecs: Vec::new(),
        send: CodecEntry::pcmu(),
        data: None,
        telephone_event: None,
        packetization,
        remote: None,
        remote_rtcp: None,
        extended_reports: ExtendedReports {
            voip_metrics: able.asks_for_reports,
            round_trip: able.asks_for_reports,
        },
        image: None,
        fax: FaxHandling::None,
        muted: false,
        local_peer: None,
        silence_suppression: false,
        echo_cancellation: line.map_or(able.echo_cancellation, |line| line.echo_cancellation),
        gain: line.map_or(Some(0), |line| line.gain),
        type_of_service: 0,
    }
}

/// Steps 1 to 5 of section 2.6.
fn codecs(
    wanted: &Wanted<'_>,
    options: &Options,
    able: &MediaCapabilities,
    spec: &mut MediaSpec,
) -> Result<(), Refusal> {
    let mut approved = approved(options, able, spec);
    let known = wanted.remote.or(wanted.current.and_then(|current| current.remote.as_ref()));
    let known = known.and_then(|remote| remote.audio.as_ref());
    if options.codecs().is_none() && wanted.packages.contains("GPMD") {
        // What the other side has for data is taken where nothing is said against it.
        let theirs = known.into_iter().flat_map(|audio| &audio.codecs);
        let able =
            |entry: &&CodecEntry| entry.is_for_data() && matches!(entry.codec, Codec::Pcmu | Codec::Pcma);
        approved.extend(theirs.filter(able).cloned());
    }
    if !approved.iter().any(CodecEntry::is_speech) {
        return Err(refuse(ReturnCode::CODEC_NEGOTIATION, "none of the codecs asked for is supported"));
    }
    let both = known.map(|audio| preferred(options, &approved, &audio.codecs));
    let negotiated = match (wanted.remote, &both) {
        (Some(_), Some(Ok(both))) => both.clone(),
        (Some(_), _) => {
            let text = "no codec in common with the remote description";
            return Err(refuse(ReturnCode::CODEC_NEGOTIATION, text));
        }
        (None, _) => approved,
    };
    // Without a new remote description the old one says how to reach the other side, as far as it still fits.
    let towards = match &both {
        Some(Ok(both)) => both,
        _ => &negotiated,
    };
    spec.send = first_speech(towards);
    let event = towards.iter().find(|entry| entry.codec == Codec::TelephoneEvent);
    spec.telephone_event = event.filter(|_| known.is_some()).map(|entry| entry.payload_type);
    spec.data = towards.iter().find(|entry| entry.is_for_data()).filter(|_| known.is_some()).cloned();
    spec.codecs = keep_numbers(negotiated, &spec.codecs);
    Ok(())
}

/// What both sides have: in the order of the options if they name codecs, else in that of the remote side.
fn preferred(
    options: &Options,
    approved: &[CodecEntry],
    theirs: &[CodecEntry],
) -> Result<Vec<CodecEntry>, NoCommonCodec> {
    let mut both = common(approved, theirs)?;
    if options.codecs().is_none() {
        both.sort_by_key(|entry| theirs.iter().position(|their| their.payload_type == entry.payload_type));
    }
    Ok(both)
}

/// What the gateway has and the options allow, in the options' order.
fn approved(options: &Options, able: &MediaCapabilities, spec: &MediaSpec) -> Vec<CodecEntry> {
    let mut list = match options.listed() {
        Some(names) => {
            let mut list: Vec<CodecEntry> = Vec::new();
            for (name, purpose) in names {
                let codec = Codec::from_name(name);
                if purpose == Purpose::VoicebandData {
                    list.extend(data_entry(codec, &list, able));
                    continue;
                }
                let known = able.codecs.iter().filter(|entry| entry.codec.matches(&codec));
                for entry in known {
                    let mut entry = entry.clone();
                    if entry.codec == Codec::TelephoneEvent {
                        entry.fmtp = options.events().or(entry.fmtp);
                    }
                    if !list.contains(&entry) {
                        list.push(entry);
                    }
                }
            }
            list
        }
        // A codec that is named may take more than the bandwidth; codecs that are not named may not.
        None => able
            .codecs
            .iter()
            .filter(|entry| match options.bandwidth {
                Some(allowed) => {
                    !entry.is_speech() || bandwidth(entry, spec.packetization) <= u32::from(allowed.high)
                }
                None => true,
            })
            .cloned()
            .collect(),
    };
    // Comfort noise goes with the suppression of silence: without it nobody needs it, with it nobody has to ask for it by name.
    let noise = |entry: &CodecEntry| entry.codec == Codec::ComfortNoise;
    if !options.suppresses_silence().unwrap_or(spec.silence_suppression) {
        list.retain(|entry| !noise(entry));
    } else if !list.iter().any(noise) {
        list.extend(able.codecs.iter().find(|entry| noise(entry)).cloned());
    }
    list
}

/// A format for voiceband data, under a payload type that nothing else has.
fn data_entry(codec: Codec, list: &[CodecEntry], able: &MediaCapabilities) -> Option<CodecEntry> {
    let free = |number: &u8| !list.iter().chain(&able.codecs).any(|entry| entry.payload_type == *number);
    let known = able.codecs.iter().any(|entry| entry.codec.matches(&codec));
    (96..=127).find(free).filter(|_| known).map(|number| CodecEntry::new(number, codec).for_data())
}

/// Kilobits per second of a codec with the headers of IP (v4), UDP and RTP: RFC 3435 section 2.3.5 counts from the transport
/// layer upwards and names IP among them.
pub(super) fn bandwidth(entry: &CodecEntry, period: Duration) -> u32 {
    const HEADERS: u32 = (20 + 8 + 12) * 8;
    let payload = match entry.codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => 64_000,
        // What is not known is taken for what fits a telephone channel.
        _ => 64_000,
    };
    let packets = 1000 / u32::from(millis(period).max(1));
    (payload + packets * HEADERS).div_ceil(1000)
}

/// Payload types that were already told to the remote side stay: RFC 3264 section 8.3.2 forbids to give them another meaning, and
/// a format keeps the number under which it is being received.
fn keep_numbers(mut list: Vec<CodecEntry>, told: &[CodecEntry]) -> Vec<CodecEntry> {
    for place in 0..list.len() {
        let Some(entry) = list.get(place) else { continue };
        let Some(old) = told.iter().find(|old| old.matches(entry)).map(|old| old.payload_type) else {
            continue;
        };
        let taken = list.iter().enumerate().any(|(other, e)| other != place && e.payload_type == old);
        if let Some(entry) = list.get_mut(place).filter(|_| !taken) {
            entry.payload_type = old;
        }
    }
    list
}

fn first_speech(list: &[CodecEntry]) -> CodecEntry {
    list.iter().find(|entry| entry.is_speech()).cloned().unwrap_or_else(CodecEntry::pcmu)
}

/// The period: as this command's options say, else as said before, else as the remote side would like it, else the default. A
/// period that the plane has not got becomes the nearest one that it has (section 2.3.5).
fn packetization(wanted: &Wanted<'_>, options: &Options, able: &MediaCapabilities) -> Duration {
    let said = options.packetization.or(wanted.current.and_then(|c| c.options.packetization));
    let remote: Option<&AudioDescription> = wanted.remote.and_then(|remote| remote.audio.as_ref());
    let theirs = remote.and_then(|audio| audio.ptime);
    let most = remote.and_then(|audio| audio.maxptime).unwrap_or(u16::MAX);
    let usual = || wanted.current.map_or(Duration::from_millis(20), |current| current.spec.packetization);
    let fits = |period: &&Duration| millis(**period) <= most;
    let nearest = |to: u16| {
        let distance = |period: &&Duration| millis(**period).abs_diff(to);
        let within = able.packetization.iter().filter(fits).min_by_key(distance);
        within.or_else(|| able.packetization.iter().min_by_key(distance)).copied()
    };
    let target = match (said, theirs) {
        (Some(range), Some(theirs)) => theirs.clamp(range.low, range.high),
        // Of a range, the period that would be taken anyway if it lies within.
        (Some(range), None) => millis(usual()).clamp(range.low, range.high),
        (None, Some(theirs)) => theirs,
        (None, None) => millis(usual()),
    };
    nearest(target).unwrap_or(Duration::from_millis(20))
}

/// Both sides of a connection within the gateway speak the same codec: RFC 3435 section 2.1.3.4.
pub(super) fn join(spec: &MediaSpec, to: SocketAddr, peer: ConnectionHandle, mode: MediaMode) -> MediaSpec {
    MediaSpec { mode, remote: Some(to), remote_rtcp: None, local_peer: Some(peer), ..spec.clone() }
}
