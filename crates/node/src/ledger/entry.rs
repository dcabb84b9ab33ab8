//! Records as they are kept: JSON that a person can audit and a program of a later version can read.
//!
//! Unknown fields are ignored and absent ones have a default, so that a store outlives the version that wrote it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strowger_exchange::{
    CallEnded, CallId, CallStable, Cause, Diversion, EarlierDiversion, Flow, Forward, Joined,
    MediaStatistics, Party, Sdp, ServiceChange, SettingChange, Side, Stream, StreamRecord, StreamRole,
    Subject, Termination, Transfer,
};
use strowger_sansio::Duration;

use super::quality::{self, QualityEntry};
use super::session::SessionEntry;
use crate::clock::{Wall, parse_stamp, stamp};

/// A party of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyEntry {
    /// The directory number.
    pub number: String,
    /// The name, when the inventory has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The gateway's id.
    pub gateway: String,
    /// The local endpoint name there.
    pub endpoint: String,
}

impl From<&Party> for PartyEntry {
    fn from(party: &Party) -> Self {
        Self {
            number: party.number.clone(),
            name: party.name.clone(),
            gateway: party.gateway.clone(),
            endpoint: party.endpoint.clone(),
        }
    }
}

impl PartyEntry {
    fn to_party(&self) -> Party {
        Party {
            number: self.number.clone(),
            name: self.name.clone(),
            gateway: self.gateway.clone(),
            endpoint: self.endpoint.clone(),
        }
    }
}

/// A stream of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamEntry {
    /// Whose: `calling`, `relay-calling`, `relay-called` or `called`.
    pub role: String,
    /// The gateway's id.
    pub gateway: String,
    /// The local endpoint name there.
    pub endpoint: String,
    /// The connection's identifier there.
    pub connection: String,
    /// The gateway's description of it, while the call stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdp: Option<String>,
    /// The call that it was made for, while the call stands and if that is another: 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// How its party wants it, while the call stands: `rest` (on hold), `mixed` (a three-way call), or nothing (both ways).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// The session of SIP that it is signalled by, while the call stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionEntry>,
    /// The codec that came in by it, by its RTP encoding name, once the call has ended: the first of its description that the
    /// other end of the stream has too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// What it was like, once the call has ended and if the gateway said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<StatisticsEntry>,
    /// How good it sounded at this end; of the parties' own streams alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityEntry>,
}

impl StreamEntry {
    fn new(role: &str, termination: &Termination) -> Self {
        Self {
            role: role.to_owned(),
            gateway: termination.gateway.clone(),
            endpoint: termination.endpoint.clone(),
            connection: termination.connection.clone(),
            sdp: None,
            call: None,
            flow: None,
            session: None,
            codec: None,
            statistics: None,
            quality: None,
        }
    }
}

impl StreamEntry {
    /// Without what is of no use when its call is over.
    fn interrupted(self) -> Self {
        Self { sdp: None, call: None, flow: None, session: None, ..self }
    }

    fn ended(record: &CallEnded, stream: &StreamRecord) -> Self {
        Self {
            codec: quality::spoken(record, stream).map(|(codec, _)| codec),
            statistics: stream.statistics.map(Into::into),
            quality: quality::rate(record, stream),
            ..Self::new(stream.role.name(), &stream.termination)
        }
    }
}

/// What a stream was like, as its gateway counted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatisticsEntry {
    /// RTP packets sent by the gateway.
    pub packets_sent: u64,
    /// Octets of payload sent.
    pub octets_sent: u64,
    /// RTP packets that came.
    pub packets_received: u64,
    /// Octets of payload that came.
    pub octets_received: u64,
    /// Packets that did not come.
    pub packets_lost: u64,
    /// Mean inter-arrival jitter in milliseconds.
    pub jitter_ms: u32,
    /// Latency in milliseconds; zero when the gateway cannot tell.
    pub latency_ms: u32,
    /// Packets that came too late or too early to be heard, when the gateway tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets_discarded: Option<u64>,
}

impl From<MediaStatistics> for StatisticsEntry {
    fn from(statistics: MediaStatistics) -> Self {
        Self {
            packets_sent: statistics.packets_sent,
            octets_sent: statistics.octets_sent,
            packets_received: statistics.packets_received,
            octets_received: statistics.octets_received,
            packets_lost: statistics.packets_lost,
            jitter_ms: statistics.jitter_ms,
            latency_ms: statistics.latency_ms,
            packets_discarded: statistics.playout.map(|playout| playout.discarded),
        }
    }
}

/// A call that stands: what is needed to account for it, and to end it in order, after the process has died.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StableEntry {
    /// The call: 32 hexadecimal digits.
    pub call: String,
    /// Who calls.
    pub calling: PartyEntry,
    /// Who answered.
    pub called: PartyEntry,
    /// What the caller dialled.
    pub dialled: String,
    /// Who sent the call on before it came to the exchange, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_diversions: Vec<EarlierEntry>,
    /// Who sent the call on, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diversions: Vec<DiversionEntry>,
    /// When the caller's line was seized: RFC 3339, UTC, to the nanosecond, so that a successor tells the time that this exchange has told.
    pub start: String,
    /// When the called party was first rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerting: Option<String>,
    /// When the called party answered.
    pub answer: String,
    /// The streams, in the order calling side to called side.
    #[serde(default)]
    pub streams: Vec<StreamEntry>,
    /// The transfers that it took part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<TransferEntry>,
    /// Where the party who is left has gone by a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<JoinedEntry>,
    /// Who has transferred the party who is left, while nobody has taken that party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<PartyEntry>,
}

/// Where the party who is left of a call has gone by a transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedEntry {
    /// The call that it talks in: 32 hexadecimal digits.
    pub call: String,
    /// The side that it had: `calling` or `called`.
    pub side: String,
    /// The side that it has there.
    pub here: String,
}

const SIDES: [(&str, Side); 2] = [("calling", Side::Calling), ("called", Side::Called)];

impl From<&Joined> for JoinedEntry {
    fn from(joined: &Joined) -> Self {
        let name = |side| SIDES.iter().find(|(_, own)| *own == side).map_or("", |(name, _)| *name).to_owned();
        Self { call: joined.call.to_string(), side: name(joined.side), here: name(joined.here) }
    }
}

impl JoinedEntry {
    fn to_record(&self) -> Option<Joined> {
        let side = |name: &str| SIDES.iter().find(|(own, _)| *own == name).map(|(_, side)| *side);
        Some(Joined { call: call_id(&self.call)?, side: side(&self.side)?, here: side(&self.here)? })
    }
}

fn call_id(text: &str) -> Option<CallId> {
    u128::from_str_radix(text, 16).ok().map(CallId)
}

impl StableEntry {
    /// The record with wall times.
    #[must_use]
    pub fn new(record: &CallStable, wall: &Wall) -> Self {
        let streams = record.streams.iter().map(|stream| StreamEntry {
            sdp: Some(String::from_utf8_lossy(stream.local.bytes()).into_owned()),
            call: (stream.call != record.call).then(|| stream.call.to_string()),
            flow: (stream.flow != Flow::Both).then(|| stream.flow.name().to_owned()),
            session: stream.session.as_deref().map(Into::into),
            ..StreamEntry::new(stream.role.name(), &stream.termination)
        });
        Self {
            call: record.call.to_string(),
            calling: (&record.calling).into(),
            called: (&record.called).into(),
            dialled: record.dialled.clone(),
            earlier_diversions: record.earlier.iter().map(Into::into).collect(),
            diversions: record.diversions.iter().map(Into::into).collect(),
            start: wall.exact_stamp(record.start),
            alerting: record.alerting.map(|at| wall.exact_stamp(at)),
            answer: wall.exact_stamp(record.answer),
            streams: streams.collect(),
            transfers: record.transfers.iter().map(|transfer| TransferEntry::exact(transfer, wall)).collect(),
            joined: record.joined.as_ref().map(Into::into),
            awaited: record.awaited.as_ref().map(Into::into),
        }
    }

    /// The record on the engines' clock; none when it lacks what is needed to go on with the call.
    #[must_use]
    pub fn to_record(&self, wall: &Wall) -> Option<CallStable> {
        let time = |text: &str| Some(wall.time(parse_stamp(text)?));
        let call = call_id(&self.call)?;
        let streams = self.streams.iter().map(|entry| {
            let role = StreamRole::ALL.into_iter().find(|role| role.name() == entry.role)?;
            let flow = |name: &String| Flow::ALL.into_iter().find(|flow| flow.name() == name);
            Some(Stream {
                role,
                call: entry.call.as_deref().map_or(Some(call), call_id)?,
                flow: entry.flow.as_ref().map_or(Some(Flow::Both), flow)?,
                termination: Termination {
                    gateway: entry.gateway.clone(),
                    endpoint: entry.endpoint.clone(),
                    connection: entry.connection.clone(),
                },
                local: Sdp::new(entry.sdp.as_ref()?.as_bytes()),
                session: match &entry.session {
                    Some(session) => Some(Arc::new(session.to_record()?)),
                    None => None,
                },
            })
        });
        Some(CallStable {
            call,
            calling: self.calling.to_party(),
            called: self.called.to_party(),
            dialled: self.dialled.clone(),
            earlier: self.earlier_diversions.iter().map(EarlierEntry::to_record).collect(),
            diversions: self.diversions.iter().map(DiversionEntry::to_record).collect::<Option<_>>()?,
            start: time(&self.start)?,
            alerting: self.alerting.as_deref().and_then(time),
            answer: time(&self.answer)?,
            streams: streams.collect::<Option<_>>()?,
            transfers: self.transfers.iter().map(|entry| entry.to_record(wall)).collect::<Option<_>>()?,
            joined: match &self.joined {
                Some(joined) => Some(joined.to_record()?),
                None => None,
            },
            awaited: self.awaited.as_ref().map(PartyEntry::to_party),
        })
    }

    /// The call detail record of a call that the death of its exchange has ended. It ended when the exchange last
    /// gave a sign of life, so that no one pays for the time in which nobody answered for the call.
    #[must_use]
    pub fn interrupted(self, alive: Duration) -> CallDetail {
        let (start, answer) = (parse_stamp(&self.start), parse_stamp(&self.answer));
        let end = alive.max(answer.unwrap_or_default());
        let cause = Cause::TEMPORARY_FAILURE;
        let told = |text: String| parse_stamp(&text).map_or(text, stamp);
        let transfers = self.transfers.into_iter();
        CallDetail {
            sequence: 0,
            call: self.call,
            calling: self.calling,
            called: Some(self.called),
            dialled: self.dialled,
            earlier_diversions: self.earlier_diversions,
            diversions: self.diversions,
            start: told(self.start),
            alerting: self.alerting.map(told),
            answer: Some(told(self.answer)),
            end: stamp(end),
            duration_ms: millis(end.saturating_sub(start.unwrap_or(end))),
            talk_ms: millis(end.saturating_sub(answer.unwrap_or(end))),
            cause: cause.value(),
            cause_text: cause.name().unwrap_or_default().to_owned(),
            released_by: "exchange".to_owned(),
            interrupted: true,
            media: self.streams.into_iter().map(StreamEntry::interrupted).collect(),
            transfers: transfers.map(|entry| TransferEntry { at: told(entry.at), ..entry }).collect(),
        }
    }
}

/// A call detail record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallDetail {
    /// Its number in the ledger, from 1 without gaps: a reader knows that it has them all, and each once.
    pub sequence: u64,
    /// The call: 32 hexadecimal digits.
    pub call: String,
    /// Who called.
    pub calling: PartyEntry,
    /// The last party that was tried; none when no number led to one.
    #[serde(default)]
    pub called: Option<PartyEntry>,
    /// What the caller dialled.
    pub dialled: String,
    /// Who sent the call on before it came to the exchange, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_diversions: Vec<EarlierEntry>,
    /// Who sent the call on, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diversions: Vec<DiversionEntry>,
    /// When the caller's line was seized: RFC 3339, UTC.
    pub start: String,
    /// When the called party was first rung.
    #[serde(default)]
    pub alerting: Option<String>,
    /// When the called party answered.
    #[serde(default)]
    pub answer: Option<String>,
    /// When the first party released, or the call failed.
    pub end: String,
    /// From start to end in milliseconds, on a clock that nobody sets.
    pub duration_ms: u64,
    /// From answer to end in milliseconds; 0 when it was not answered.
    pub talk_ms: u64,
    /// The cause value of Q.850.
    pub cause: u8,
    /// Its definition there.
    pub cause_text: String,
    /// On whose account: `calling`, `called` or `exchange`.
    pub released_by: String,
    /// Whether the exchange died during the call: `end` is then its last sign of life.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The streams, in the order calling side to called side.
    #[serde(default)]
    pub media: Vec<StreamEntry>,
    /// The transfers that it took part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<TransferEntry>,
}

/// A party of two calls joined the others and left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferEntry {
    /// When: RFC 3339, UTC.
    pub at: String,
    /// The number of the party that left.
    pub by: String,
    /// The other call: 32 hexadecimal digits.
    pub with: String,
}

impl CallDetail {
    /// The record with wall times; its number is given when it is written.
    #[must_use]
    pub fn new(record: &CallEnded, wall: &Wall) -> Self {
        Self {
            sequence: 0,
            call: record.call.to_string(),
            calling: (&record.calling).into(),
            called: record.called.as_ref().map(Into::into),
            dialled: record.dialled.clone(),
            earlier_diversions: record.earlier.iter().map(Into::into).collect(),
            diversions: record.diversions.iter().map(Into::into).collect(),
            start: wall.stamp(record.start),
            alerting: record.alerting.map(|at| wall.stamp(at)),
            answer: record.answer.map(|at| wall.stamp(at)),
            end: wall.stamp(record.end),
            duration_ms: millis(record.end.since(record.start)),
            talk_ms: record.answer.map_or(0, |answer| millis(record.end.since(answer))),
            cause: record.cause.value(),
            cause_text: record.cause.name().unwrap_or_default().to_owned(),
            released_by: record.released_by.name().to_owned(),
            interrupted: false,
            media: record.media.iter().map(|stream| StreamEntry::ended(record, stream)).collect(),
            transfers: record.transfers.iter().map(|transfer| TransferEntry::new(transfer, wall)).collect(),
        }
    }
}

impl TransferEntry {
    fn new(transfer: &Transfer, wall: &Wall) -> Self {
        Self { at: wall.stamp(transfer.at), by: transfer.by.clone(), with: transfer.with.to_string() }
    }

    fn exact(transfer: &Transfer, wall: &Wall) -> Self {
        Self { at: wall.exact_stamp(transfer.at), ..Self::new(transfer, wall) }
    }

    fn to_record(&self, wall: &Wall) -> Option<Transfer> {
        Some(Transfer {
            at: wall.time(parse_stamp(&self.at)?),
            by: self.by.clone(),
            with: call_id(&self.with)?,
        })
    }
}

/// A call was sent on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiversionEntry {
    /// The number of the line or hunt group that did.
    pub by: String,
    /// Why: `always`, `busy` or `no-answer`.
    pub reason: String,
    /// The number that it was sent on to.
    pub to: String,
}

impl From<&Diversion> for DiversionEntry {
    fn from(diversion: &Diversion) -> Self {
        let Diversion { by, reason, to } = diversion;
        Self { by: by.clone(), reason: reason.name().to_owned(), to: to.clone() }
    }
}

impl DiversionEntry {
    fn to_record(&self) -> Option<Diversion> {
        let reason = Forward::ALL.into_iter().find(|reason| reason.name() == self.reason)?;
        Some(Diversion { by: self.by.clone(), reason, to: self.to.clone() })
    }
}

/// A call was sent on before it came to the exchange, as the network says that it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierEntry {
    /// The number of who did; the address of who has none.
    pub by: String,
    /// Why: a word of RFC 5806, as `unconditional`, `user-busy`, `no-answer`, `unknown`.
    pub reason: String,
}

impl From<&EarlierDiversion> for EarlierEntry {
    fn from(EarlierDiversion { by, reason }: &EarlierDiversion) -> Self {
        Self { by: by.clone(), reason: reason.clone() }
    }
}

impl EarlierEntry {
    fn to_record(&self) -> EarlierDiversion {
        EarlierDiversion { by: self.by.clone(), reason: self.reason.clone() }
    }
}

/// Something that was set for a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingEntry {
    /// How the value is to be read.
    pub version: u32,
    /// The value, in words; the name is in the key.
    pub value: String,
    /// Since when: RFC 3339, UTC.
    pub since: String,
    /// Who set it: `subscriber` or `operator`.
    #[serde(default)]
    pub by: String,
}

impl SettingEntry {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;

    /// The record with wall times.
    #[must_use]
    pub fn new(change: &SettingChange, wall: &Wall) -> Self {
        Self {
            version: Self::VERSION,
            value: change.setting.value().to_owned(),
            since: wall.stamp(change.at),
            by: change.by.name().to_owned(),
        }
    }
}

/// The service state of a line or gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEntry {
    /// Since when: RFC 3339, UTC.
    pub since: String,
    /// The state: `in-service`, `out-of-service`, `lockout`, `unreachable` or `unknown`.
    pub state: String,
    /// The state before.
    #[serde(default)]
    pub before: String,
}

impl ServiceEntry {
    /// The record with wall times.
    #[must_use]
    pub fn new(change: &ServiceChange, wall: &Wall) -> Self {
        Self {
            since: wall.stamp(change.at),
            state: change.to.name().to_owned(),
            before: change.from.name().to_owned(),
        }
    }
}

/// The key of a stable call.
#[must_use]
pub fn call_key(call: &str) -> String {
    format!("call/{call}")
}

/// The key of a call detail record; keys sort like their numbers.
#[must_use]
pub fn cdr_key(sequence: u64) -> String {
    format!("cdr/{sequence:020}")
}

/// What the keys of settings begin with.
pub(super) const SETTING: &str = "setting/";

/// The key of a setting of a line.
#[must_use]
pub fn setting_key(line: &str, name: &str) -> String {
    format!("{SETTING}{line}/{name}")
}

/// The key of a service state.
#[must_use]
pub fn service_key(subject: &Subject) -> String {
    match subject {
        Subject::Line(number) => format!("service/line/{number}"),
        Subject::Gateway(id) => format!("service/gateway/{id}"),
        Subject::Trunk(id) => format!("service/trunk/{id}"),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
