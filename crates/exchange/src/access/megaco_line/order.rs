//! What is asked of one line: as commands, and what their replies say.
//!
//! The streams of a line are in one context, which the physical termination of the line joins with the first of them and leaves
//! with the last: so the modes of the streams alone say who hears whom, and two that flow are a conference of three.

use std::borrow::Cow;

use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{
    Action, ActionReply, AmmDescriptor, AmmRequest, AuditCommand, AuditDescriptor, AuditItem, AuditItems,
    AuditResult, AuditReturn, CommandBody, CommandReply, ContextId, ContextProperties, Description,
    LocalControl, Media, Name, ReplyResult, Setting, Signal, SignalRequest, Statistic, Stream, StreamId,
    StreamMode, StreamParameters, Streams, SubtractRequest, TerminationId, TerminationName, TerminationReply,
    Terminations, Value,
};
use strowger_mgcp::message::{ConnectionIdBuf, ConnectionMode, ConnectionStatistics};

use super::words::{self, Wish};
use crate::Precedence;

/// The stream of speech.
const SPEECH: StreamId = StreamId(1);

/// One order.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Watch for events, give signals.
    Watch(Box<Wish>),
    /// Give signals alone.
    Sound(Vec<Signal<'static>>),
    /// Test the continuity of a circuit, and tell what came of it under this number.
    Test(u32),
    /// Make a stream; the wish for its local end, and its remote end when that is known.
    Create { precedence: Precedence, mode: StreamMode, local: Vec<u8>, remote: Option<Vec<u8>> },
    /// Change the mode of a stream, and its remote end when there is a new one.
    Modify { connection: ConnectionIdBuf, mode: StreamMode, remote: Option<Vec<u8>> },
    /// Take a stream down.
    Delete(ConnectionIdBuf),
    /// Take the context of the line down.
    DeleteAll,
    /// Find the context that the line is in.
    Find,
    /// Find that context, and take it down: nobody knows it.
    Seek,
    /// List what is in that context.
    List,
    /// Look at a stream; or only whether it is there.
    Look { connection: ConnectionIdBuf, fully: bool },
}

impl Order {
    /// What an operator is told it was.
    pub(super) const fn is_deletion(&self) -> bool {
        matches!(self, Self::Delete(_) | Self::DeleteAll)
    }
}

/// The mode of a stream for a mode of RFC 3435. Who is in a conference is said by what flows.
pub(super) const fn mode_of(mode: ConnectionMode<'_>) -> StreamMode {
    match mode {
        ConnectionMode::SendRecv | ConnectionMode::Conference => StreamMode::SendReceive,
        ConnectionMode::RecvOnly => StreamMode::ReceiveOnly,
        ConnectionMode::SendOnly => StreamMode::SendOnly,
        _ => StreamMode::Inactive,
    }
}

/// Static payload types of RFC 3551; dynamic ones are counted from 96.
const PAYLOADS: [(&str, u8); 7] =
    [("PCMU", 0), ("GSM", 3), ("G723", 4), ("PCMA", 8), ("G722", 9), ("G728", 15), ("G729", 18)];

/// The wish for a local end: any address and port, these codecs.
pub(super) fn local_wish(codecs: &[String], packetization: Option<u16>, is_ip6: bool) -> Vec<u8> {
    let mut types = Vec::new();
    let mut maps = String::new();
    for (codec, dynamic) in codecs.iter().zip(96_u8..=127) {
        let known = PAYLOADS.iter().find(|(name, _)| name.eq_ignore_ascii_case(codec));
        let number = known.map_or(dynamic, |(_, number)| *number);
        let rate = if codec.eq_ignore_ascii_case("opus") { "48000/2" } else { "8000" };
        types.push(number.to_string());
        if known.is_none() {
            maps.push_str(&format!("a=rtpmap:{number} {codec}/{rate}\r\n"));
        }
    }
    let family = if is_ip6 { "IP6" } else { "IP4" };
    let ptime = packetization.map(|ms| format!("a=ptime:{ms}\r\n")).unwrap_or_default();
    format!("v=0\r\nc=IN {family} $\r\nm=audio $ RTP/AVP {}\r\n{maps}{ptime}", types.join(" ")).into_bytes()
}

fn named(name: &str) -> TerminationId<'_> {
    TerminationId::new(name).unwrap_or(TerminationId::Choose)
}

fn subtract<'a>(termination: TerminationId<'a>, audit: Option<AuditDescriptor<'a>>) -> CommandBody<'a> {
    CommandBody::Subtract(SubtractRequest { terminations: termination.into(), audit })
}

fn add<'a>(termination: TerminationId<'a>, parameters: StreamParameters<'a>) -> CommandBody<'a> {
    CommandBody::Add(with_media(termination, parameters))
}

fn with_media<'a>(termination: TerminationId<'a>, parameters: StreamParameters<'a>) -> AmmRequest<'a> {
    let streams = Streams::Many(vec![Stream { id: SPEECH, parameters }]);
    let media = AmmDescriptor::Media(Media { state: None, streams });
    AmmRequest { terminations: termination.into(), descriptors: vec![media], audit: None }
}

/// The priority of a context for a call of a class of service that has it, and of one for help: the highest (RFC 3525 section 6.1.1).
const PRIORITY: u8 = 8;
const HIGHEST: u8 = 15;

/// What the context of a call is told of it; nothing of anybody's call.
fn attributes<'a>(precedence: Precedence) -> Option<ContextProperties<'a>> {
    let (priority, emergency) = match precedence {
        Precedence::Ordinary | Precedence::Standing => return None,
        Precedence::Priority => (PRIORITY, None),
        Precedence::Urgent => (HIGHEST, Some(true)),
    };
    Some(ContextProperties { priority: Some(priority), emergency, ..ContextProperties::default() })
}

/// All codecs of a description are kept: which of them are spoken is for the two ends to say.
fn control<'a>(mode: StreamMode) -> LocalControl<'a> {
    LocalControl { mode: Some(mode), reserve_value: Some(true), ..LocalControl::default() }
}

fn description(text: &[u8]) -> Description<'_> {
    Description::from_sdp(Cow::Borrowed(text))
}

pub(super) fn audit<'a>(termination: TerminationId<'a>, items: AuditItems) -> CommandBody<'a> {
    let audit = AuditDescriptor { items, individual: Vec::new() };
    CommandBody::AuditValue(AuditCommand { terminations: termination.into(), audit })
}

/// What a line's termination is in: where its commands go.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    /// The physical termination.
    pub(super) termination: &'a str,
    /// Its context.
    pub(super) context: Option<ContextId>,
    /// The termination of the stream that the order is about.
    pub(super) stream: Option<&'a str>,
    /// It is the only one.
    pub(super) is_last: bool,
    /// There is no physical termination: streams alone are joined, and the name is that by which they are chosen.
    pub(super) is_relay: bool,
}

impl Order {
    /// The commands; none when there is nothing to be done.
    pub(super) fn actions<'a>(&'a self, at: At<'a>) -> Option<Vec<Action<'a>>> {
        let own = || named(at.termination);
        let here = at.context.unwrap_or(ContextId::NULL);
        Some(vec![match self {
            Self::Watch(wish) => {
                let descriptors =
                    vec![AmmDescriptor::Events(wish.events()), AmmDescriptor::Signals(wish.signals())];
                let request = AmmRequest { terminations: own().into(), descriptors, audit: None };
                Action::new(here, [CommandBody::Modify(request)])
            }
            Self::Sound(signals) => {
                let signals = signals.iter().cloned().map(SignalRequest::Signal).collect();
                let descriptors = vec![AmmDescriptor::Signals(signals)];
                let request = AmmRequest { terminations: own().into(), descriptors, audit: None };
                Action::new(here, [CommandBody::Modify(request)])
            }
            Self::Test(request) => {
                let request = AmmRequest {
                    terminations: own().into(),
                    descriptors: words::test(*request),
                    audit: None,
                };
                Action::new(here, [CommandBody::Modify(request)])
            }
            Self::Create { precedence, mode, local, remote } => {
                let parameters = StreamParameters {
                    control: Some(control(*mode)),
                    local: Some(description(local)),
                    remote: remote.as_deref().map(description),
                    statistics: None,
                };
                let chosen = if at.is_relay { own() } else { TerminationId::Choose };
                let stream = add(chosen, parameters);
                let action = match at.context {
                    Some(context) => Action::new(context, [stream]),
                    None if at.is_relay => Action::new(ContextId::CHOOSE, [stream]),
                    None => {
                        let flows =
                            LocalControl { mode: Some(StreamMode::SendReceive), ..LocalControl::default() };
                        let line = add(
                            own(),
                            StreamParameters { control: Some(flows), ..StreamParameters::default() },
                        );
                        Action::new(ContextId::CHOOSE, [line, stream])
                    }
                };
                Action { properties: attributes(*precedence).map(Box::new), ..action }
            }
            Self::Modify { mode, remote, .. } => {
                let parameters = StreamParameters {
                    control: Some(control(*mode)),
                    remote: remote.as_deref().map(description),
                    ..StreamParameters::default()
                };
                Action::new(at.context?, [CommandBody::Modify(with_media(named(at.stream?), parameters))])
            }
            Self::Delete(_) => {
                let stream = subtract(named(at.stream?), None);
                let line =
                    (at.is_last && !at.is_relay).then(|| subtract(own(), Some(AuditDescriptor::default())));
                Action::new(at.context?, [Some(stream), line].into_iter().flatten())
            }
            Self::DeleteAll => {
                Action::new(at.context?, [subtract(TerminationId::All, Some(AuditDescriptor::default()))])
            }
            Self::Find | Self::Seek => Action::new(ContextId::ALL, [audit(own(), AuditItems::NONE)]),
            Self::List => Action::new(at.context?, [audit(TerminationId::All, AuditItems::NONE)]),
            Self::Look { .. } => {
                let items = AuditItems::NONE.with(AuditItem::Media);
                Action::new(at.context?, [audit(named(at.stream?), items)])
            }
        }])
    }
}

/// Whether a gateway has not yet read the reply to its registration, which the request has overtaken: it does nothing before
/// (RFC 3525 section 9.1, rule 6).
pub(super) fn is_early(result: &ReplyResult<'_>) -> bool {
    let code = match result {
        ReplyResult::Error(error) => Some(error.code),
        ReplyResult::Actions(replies) => error(replies),
    };
    code == Some(ErrorCode::BEFORE_SERVICE_CHANGE)
}

/// The first error of a reply, wherever it stands.
pub(super) fn error(replies: &[ActionReply<'_>]) -> Option<ErrorCode> {
    replies.iter().find_map(|action| {
        let within = action.commands.iter().find_map(|command| match command {
            CommandReply::Add(reply)
            | CommandReply::Move(reply)
            | CommandReply::Modify(reply)
            | CommandReply::Subtract(reply)
            | CommandReply::AuditValue(AuditResult::Termination(reply))
            | CommandReply::AuditCapabilities(AuditResult::Termination(reply)) => error_of(reply),
            CommandReply::AuditValue(AuditResult::ContextError(error)) => Some(error.code),
            _ => None,
        });
        within.or(action.error.map(|error| error.code))
    })
}

fn error_of(reply: &TerminationReply<'_>) -> Option<ErrorCode> {
    reply.audit.iter().find_map(|part| match part {
        AuditReturn::Error(error) => Some(error.code),
        _ => None,
    })
}

/// The terminations of a reply with what stands there of each, of all commands.
pub(super) fn terminations<'r, 'm>(
    replies: &'r [ActionReply<'m>],
) -> impl Iterator<Item = (ContextId, &'r TerminationId<'m>, &'r [AuditReturn<'m>])> {
    replies.iter().flat_map(|action| {
        action.commands.iter().flat_map(move |command| {
            let (terminations, parts): (_, &[AuditReturn<'m>]) = match command {
                CommandReply::Add(reply)
                | CommandReply::Move(reply)
                | CommandReply::Modify(reply)
                | CommandReply::Subtract(reply)
                | CommandReply::AuditValue(AuditResult::Termination(reply)) => {
                    (Some(&reply.terminations), &reply.audit)
                }
                CommandReply::AuditValue(AuditResult::Context(terminations)) => (Some(terminations), &[]),
                _ => (None, &[]),
            };
            let each = terminations.into_iter().flat_map(Terminations::iter);
            each.map(move |termination| (action.context, termination, parts))
        })
    })
}

/// The stream of speech of a media descriptor.
fn speech<'r, 'm>(parts: &'r [AuditReturn<'m>]) -> Option<&'r StreamParameters<'m>> {
    parts.iter().find_map(|part| match part {
        AuditReturn::Descriptor(AmmDescriptor::Media(media)) => match &media.streams {
            Streams::One(parameters) => Some(&**parameters),
            Streams::Many(streams) => {
                let own = streams.iter().find(|stream| stream.id == SPEECH);
                own.map(|stream| &stream.parameters)
            }
            Streams::None => None,
        },
        _ => None,
    })
}

/// The local end that a reply describes.
pub(super) fn local(parts: &[AuditReturn<'_>]) -> Option<Vec<u8>> {
    speech(parts)?.local.as_ref()?.to_whole_sdp()
}

/// The mode that a reply tells.
pub(super) fn mode(parts: &[AuditReturn<'_>]) -> Option<StreamMode> {
    speech(parts)?.control.as_ref()?.mode
}

/// What a stream was like, of the packages `nt` and `rtp` (RFC 3525 Annexes E.11, E.12).
pub(super) fn statistics(parts: &[AuditReturn<'_>]) -> Option<ConnectionStatistics> {
    let figures = parts.iter().find_map(|part| match part {
        AuditReturn::Descriptor(AmmDescriptor::Statistics(figures)) => Some(figures),
        _ => None,
    })?;
    let mut statistics = ConnectionStatistics::default();
    let mut lost_percent = 0;
    for figure in figures {
        let Some((package, item, number)) = number(figure) else { continue };
        let whole = u32::try_from(number).unwrap_or(u32::MAX);
        match (package, item) {
            (0xb | 0xc, 2) => statistics.octets_sent = whole,
            (0xb | 0xc, 3) => statistics.octets_received = whole,
            (0xc, 4) => statistics.packets_sent = whole,
            (0xc, 5) => statistics.packets_received = whole,
            (0xc, 6) => lost_percent = number,
            (0xc, 7) => statistics.jitter_ms = whole,
            (0xc, 8) => statistics.latency_ms = whole,
            _ => {}
        }
    }
    statistics.packets_lost = lost(statistics.packets_received, lost_percent);
    Some(statistics)
}

/// A number of a statistic of the tables; the share of lost packets in 32 bits of fraction.
fn number(figure: &Statistic<'_>) -> Option<(u16, u16, u64)> {
    let (Name::Id(package), Name::Id(item)) = (figure.name.package(), figure.name.item()) else {
        return None;
    };
    let Some(Setting::One(value)) = &figure.value else { return None };
    let number = match value {
        Value::Integer(number) => u64::try_from(*number).ok()?,
        Value::Fraction(number) => *number,
        _ => return None,
    };
    Some((package, item, number))
}

/// How many packets did not come, of the share in percent that is lost and the number that came.
fn lost(received: u32, percent: u64) -> u32 {
    let whole = 100_u128 << 32;
    let percent = u128::from(percent).min(whole - 1);
    let lost = u128::from(received) * percent / (whole - percent);
    u32::try_from(lost).unwrap_or(u32::MAX)
}

/// The identifier of a stream where its connection is named: its context, and a digest of its termination's name. The same
/// whenever it is found again.
pub(crate) fn connection(context: ContextId, termination: &str) -> ConnectionIdBuf {
    // FNV-1a over 128 bits: names within one gateway only have to be told apart.
    let basis = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let step = |hash: u128, byte: u8| {
        (hash ^ u128::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    };
    let digest = termination.bytes().fold(basis, step);
    ConnectionIdBuf::from_u128(u128::from(context.get()) << 96 | digest >> 32)
}

/// The name of a termination, if it is one of a single termination.
pub(super) fn name<'r>(termination: &'r TerminationId<'_>) -> Option<&'r str> {
    match termination {
        TerminationId::Name(name) => Some(TerminationName::as_str(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_end_is_wished_for_with_its_codecs() {
        let codecs = ["PCMA", "PCMU", "iLBC"].map(str::to_owned);
        let wish = String::from_utf8(local_wish(&codecs, Some(20), false)).unwrap();
        assert_eq!(
            wish,
            "v=0\r\nc=IN IP4 $\r\nm=audio $ RTP/AVP 8 0 98\r\na=rtpmap:98 iLBC/8000\r\na=ptime:20\r\n"
        );
    }

    #[test]
    fn a_share_of_lost_packets_is_a_number_of_them() {
        assert_eq!(lost(90, 10 << 32), 10);
        assert_eq!(lost(100, 0), 0);
        assert_eq!(lost(1, u64::MAX), u32::MAX);
    }

    #[test]
    fn a_stream_is_named_by_its_context_and_termination() {
        let own = connection(ContextId::new(5), "RTP/1");
        assert_eq!(own, connection(ContextId::new(5), "rtp/1"));
        assert_ne!(own, connection(ContextId::new(5), "RTP/2"));
        assert_ne!(own, connection(ContextId::new(6), "RTP/1"));
        assert!(own.as_str().starts_with("00000005"));
    }
}
