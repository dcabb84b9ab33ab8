//! The life of one connection on an MGCP gateway, from its creation to its deletion, whatever it belongs to.
//!
//! Its owner asks for it, may have it modified, and at some time does not want it any more. From then on the
//! connection is deleted as soon as that can be done, and it is *gone* when nothing of it is left to be done:
//! deleted, never created, or lost with its gateway. A session description is handed on only after it was
//! read and its addresses were found to be the gateway's.

mod restore;

use std::net::SocketAddr;
use std::sync::Arc;

use strowger_mgcp::agent::{
    ConnectionOptions, CreateConnection, DeleteConnection, Failure, ModifyConnection, Outcome,
};
use strowger_mgcp::message::{
    CallIdBuf, Category, ConnectionIdBuf, ConnectionMode, ConnectionStatistics, EndpointNameBuf, ReturnCode,
};
use strowger_sdp::{AudioDescription, CodecEntry};

use super::decision::decide;
use super::gateways::Place;
use super::{Order, Owner, Settings, Tag, Timer, Turn};
use crate::{
    CallId, Cause, Event, GatewayProtocol, MediaStatistics, PlayoutStatistics, Precedence, ReportedQuality,
    Sdp, Termination,
};
use restore::Resume;

/// Milliseconds of sound in a packet: what every gateway can do, and the default of RFC 3551 for these codecs.
const PACKETIZATION: u16 = 20;

/// One connection.
#[derive(Debug)]
pub(super) struct Stream {
    place: Arc<Place>,
    owner: Owner,
    call: CallIdBuf,
    state: State,
    /// The mode that was asked for last.
    mode: ConnectionMode<'static>,
    /// The owner does not want it any more.
    unwanted: bool,
    /// How often its deletion has failed.
    attempts: u32,
    /// It is gone, and its gateway has not said so.
    may_be_left: bool,
    /// What its last description said.
    essence: Option<Essence>,
    /// It was taken over, and its gateway has not said that it is there.
    resume: Option<Resume>,
}

#[derive(Debug)]
enum State {
    Creating,
    Open(ConnectionIdBuf),
    Deleting(ConnectionIdBuf),
    /// Its deletion failed for now, and will be tried again.
    Resting(ConnectionIdBuf),
    Gone(Option<MediaStatistics>),
}

/// What the other side must know of a stream: two descriptions with the same essence need no new negotiation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Essence {
    rtp: SocketAddr,
    rtcp: SocketAddr,
    codecs: Vec<CodecEntry>,
    ptime: Option<u16>,
}

/// What came of an order.
#[derive(Debug)]
pub(super) enum News {
    /// Nothing that the owner needs to do anything about.
    Nothing,
    /// The connection exists.
    Ready(Termination, Sdp),
    /// It flows as asked; with the new description when that says something else than before.
    Modified(Option<Sdp>),
    /// An audit found it: whether it flows as was asked, and the new description when that says something else than before.
    Found { flows: bool, local: Option<Sdp> },
    /// It could not be created or modified, or an audit did not find it. If anything of it is left, it is being deleted.
    Failed(Cause),
}

impl Stream {
    /// Asks for a connection.
    pub(super) fn create(
        turn: &mut Turn<'_>,
        place: Arc<Place>,
        owner: Owner,
        (call, precedence): (CallId, Precedence),
        mode: ConnectionMode<'static>,
        remote: Option<&Sdp>,
    ) -> Self {
        let call = CallIdBuf::from_u128(call.0);
        let create = CreateConnection {
            call_id: call.clone(),
            mode,
            options: Some(ConnectionOptions {
                codecs: place.abilities.codecs(place.codecs.to_vec()),
                packetization: Some(PACKETIZATION),
                ..ConnectionOptions::default()
            }),
            sdp: remote.map(|sdp| sdp.bytes().to_vec()),
            second_endpoint: None,
            notification: None,
        };
        let tag = Tag::Stream(owner, Order::Create);
        turn.agent.create_connection(turn.now, (place.gateway, &place.endpoint), create, precedence, tag);
        let state = State::Creating;
        let (unwanted, attempts, may_be_left, essence, resume) = (false, 0, false, None, None);
        Self { place, owner, call, state, mode, unwanted, attempts, may_be_left, essence, resume }
    }

    /// Asks that it flows both ways, towards `remote`.
    pub(super) fn connect(&mut self, turn: &mut Turn<'_>, remote: Option<&Sdp>) -> Result<(), Cause> {
        self.modify(turn, ConnectionMode::SendRecv, remote)
    }

    /// Modifies the stream of a leg, which may not have one yet.
    pub(super) fn modify_of(
        leg: Option<&mut Self>,
        turn: &mut Turn<'_>,
        mode: ConnectionMode<'static>,
        remote: Option<&Sdp>,
    ) -> News {
        let modified = leg.ok_or(Cause::TEMPORARY_FAILURE).and_then(|own| own.modify(turn, mode, remote));
        modified.map_or_else(News::Failed, |()| News::Nothing)
    }

    /// Asks for another mode, towards `remote` when it is given. Modifications of a connection go one by one, in
    /// this order (RFC 3435 section 4.4.4).
    pub(super) fn modify(
        &mut self,
        turn: &mut Turn<'_>,
        mode: ConnectionMode<'static>,
        remote: Option<&Sdp>,
    ) -> Result<(), Cause> {
        let State::Open(connection_id) = &self.state else { return Err(Cause::TEMPORARY_FAILURE) };
        let modify = ModifyConnection {
            call_id: self.call.clone(),
            connection_id: connection_id.clone(),
            mode: Some(mode),
            options: None,
            sdp: remote.map(|sdp| sdp.bytes().to_vec()),
            notification: None,
        };
        self.mode = mode;
        let tag = Tag::Stream(self.owner, Order::Modify);
        turn.agent.modify_connection(turn.now, (self.place.gateway, &self.place.endpoint), modify, tag);
        Ok(())
    }

    /// It is not wanted any more.
    pub(super) fn release(&mut self, turn: &mut Turn<'_>) {
        self.unwanted = true;
        if let State::Open(connection) = &self.state {
            self.delete(turn, connection.clone());
        }
    }

    fn delete(&mut self, turn: &mut Turn<'_>, connection_id: ConnectionIdBuf) {
        let call_id = self.call.clone();
        let delete = DeleteConnection { call_id, connection_id: connection_id.clone(), notification: None };
        self.state = State::Deleting(connection_id);
        let tag = Tag::Stream(self.owner, Order::Delete);
        turn.agent.delete_connection(turn.now, (self.place.gateway, &self.place.endpoint), delete, tag);
    }

    /// The pause after a failed deletion is over.
    pub(super) fn retry(&mut self, turn: &mut Turn<'_>) {
        if let State::Resting(connection) = &self.state {
            self.delete(turn, connection.clone());
        }
    }

    /// Its gateway lost it, or was lost with it.
    pub(super) fn lose(&mut self, turn: &mut Turn<'_>, statistics: Option<MediaStatistics>) {
        turn.timers.cancel(&Timer::Stream(self.owner));
        if !self.is_gone() {
            // Its gateway tells of one that it deletes by itself with what it was like, but need not.
            self.may_be_left = statistics.is_none();
            self.state = State::Gone(statistics);
        }
    }

    /// Whether it may stand on its gateway although it is gone here.
    pub(super) const fn may_be_left(&self) -> bool {
        self.may_be_left
    }

    /// Whether it exists and is wanted.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_)) && !self.unwanted
    }

    /// Whether nothing of it is left.
    pub(super) const fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone(_))
    }

    /// What it was like, once it is gone.
    pub(super) const fn statistics(&self) -> Option<MediaStatistics> {
        match self.state {
            State::Gone(statistics) => statistics,
            _ => None,
        }
    }

    /// The endpoint that it is on: after creation the one that a wildcard stood for.
    pub(super) fn endpoint(&self) -> &EndpointNameBuf {
        &self.place.endpoint
    }

    /// Where it is, while it exists.
    pub(super) fn termination(&self) -> Option<Termination> {
        let (State::Open(connection) | State::Deleting(connection) | State::Resting(connection)) =
            &self.state
        else {
            return None;
        };
        Some(self.termination_of(connection))
    }

    fn termination_of(&self, connection: &ConnectionIdBuf) -> Termination {
        Termination {
            gateway: self.place.id.to_string(),
            endpoint: self.place.endpoint.local().to_owned(),
            connection: connection.as_str().to_owned(),
        }
    }

    /// Whether it is being created, in this call.
    pub(super) fn is_creating_for(&self, call: &CallIdBuf) -> bool {
        matches!(self.state, State::Creating) && self.call == *call
    }

    /// Whether an order of it has no answer yet, or is to be given again.
    pub(super) const fn is_in_transition(&self) -> bool {
        matches!(self.state, State::Creating | State::Deleting(_) | State::Resting(_))
    }

    /// Its identifier, while it is open.
    pub(super) const fn open(&self) -> Option<&ConnectionIdBuf> {
        match &self.state {
            State::Open(connection) => Some(connection),
            _ => None,
        }
    }

    /// Whether it is this connection.
    pub(super) fn is(&self, endpoint: &EndpointNameBuf, connection: &ConnectionIdBuf) -> bool {
        let own = match &self.state {
            State::Open(own) | State::Deleting(own) | State::Resting(own) => own,
            State::Creating | State::Gone(_) => return false,
        };
        own == connection && self.place.endpoint == *endpoint
    }

    /// An order has been answered, or not.
    pub(super) fn outcome(
        &mut self,
        turn: &mut Turn<'_>,
        order: Order,
        result: Result<Outcome, Failure>,
    ) -> News {
        match (order, &self.state) {
            (_, State::Gone(_)) => News::Nothing,
            (Order::Create, State::Creating) => self.created(turn, result),
            (Order::Modify, State::Open(_)) => self.modified(turn, result),
            (Order::Audit, State::Open(_)) => self.audited(turn, result),
            (Order::Delete, State::Deleting(connection)) => {
                let connection = connection.clone();
                self.deleted(turn, connection, result);
                News::Nothing
            }
            // The modification of a connection that is being deleted.
            _ => News::Nothing,
        }
    }

    fn created(&mut self, turn: &mut Turn<'_>, result: Result<Outcome, Failure>) -> News {
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(failure) => {
                self.state = State::Gone(None);
                self.may_be_left = !matches!(failure, Failure::Refused(_));
                if !self.unwanted {
                    self.alarm(turn, "CRCX", &failure);
                }
                return News::Failed(cause(&failure));
            }
        };
        if let Some(specific) = outcome.specific_endpoint() {
            self.place = Arc::new(self.place.at(specific.clone()));
        }
        let Some(connection) = outcome.connection_id else {
            self.state = State::Gone(None);
            self.may_be_left = true;
            return News::Failed(Cause::PROTOCOL_ERROR);
        };
        self.state = State::Open(connection.clone());
        if self.unwanted {
            self.delete(turn, connection);
            return News::Nothing;
        }
        match self.read(turn.settings, outcome.sdp.as_deref().unwrap_or_default()) {
            Ok(sdp) => News::Ready(self.termination_of(&connection), sdp),
            Err(reason) => self.refuse(turn, connection, reason),
        }
    }

    fn modified(&mut self, turn: &mut Turn<'_>, result: Result<Outcome, Failure>) -> News {
        let State::Open(connection) = &self.state else { return News::Nothing };
        let connection = connection.clone();
        match result {
            Ok(outcome) => {
                let Some(bytes) = outcome.sdp else { return News::Modified(None) };
                let before = self.essence.clone();
                match self.read(turn.settings, &bytes) {
                    Ok(sdp) => News::Modified((self.essence != before).then_some(sdp)),
                    Err(reason) => self.refuse(turn, connection, reason),
                }
            }
            Err(failure) => {
                self.alarm(turn, "MDCX", &failure);
                let unknown = matches!(&failure, Failure::Refused(refused)
                    if [ReturnCode::CONNECTION_ID, ReturnCode::CALL_ID].contains(&refused.code));
                if unknown {
                    self.state = State::Gone(None);
                } else {
                    self.unwanted = true;
                    self.delete(turn, connection);
                }
                News::Failed(cause(&failure))
            }
        }
    }

    fn deleted(
        &mut self,
        turn: &mut Turn<'_>,
        connection: ConnectionIdBuf,
        result: Result<Outcome, Failure>,
    ) {
        let failure = match result {
            Ok(outcome) => {
                self.state = State::Gone(outcome.statistics.as_ref().map(statistics));
                return;
            }
            Err(failure) => failure,
        };
        let again = match &failure {
            Failure::Refused(refused) => refused.category == Category::TemporaryFailure,
            Failure::Unanswered | Failure::TooMany | Failure::BadAnswer => true,
            // It went with its gateway or endpoint.
            _ => false,
        };
        // It is not there: an earlier order has deleted it, and the answer was lost.
        let is_done = self.attempts > 0
            && matches!(&failure, Failure::Refused(refused) if refused.code == ReturnCode::CONNECTION_ID);
        self.attempts += 1;
        if is_done {
            self.state = State::Gone(None);
        } else if again && self.attempts < turn.settings.mismatches {
            self.state = State::Resting(connection);
            turn.timers.set(Timer::Stream(self.owner), turn.now + turn.settings.timers.retry);
        } else {
            self.alarm(turn, "DLCX", &failure);
            self.state = State::Gone(None);
            self.may_be_left = true;
        }
    }

    /// The gateway's description, if it can be read and names no other host.
    fn read(&mut self, settings: &Settings, bytes: &[u8]) -> Result<Sdp, String> {
        let limits = strowger_sdp::Limits { bytes: settings.session_description, ..Default::default() };
        let session = strowger_sdp::decode(bytes, &limits).map_err(|error| error.to_string())?;
        let audio = AudioDescription::from_session(&session).map_err(|error| error.to_string())?;
        self.place.policy.check(self.place.peer, &audio).map_err(|fault| fault.to_string())?;
        self.essence = Some(Essence {
            rtp: audio.destination(),
            rtcp: audio.rtcp_destination(),
            ptime: audio.ptime,
            codecs: audio.codecs,
        });
        Ok(Sdp::new(bytes))
    }

    fn refuse(&mut self, turn: &mut Turn<'_>, connection: ConnectionIdBuf, reason: String) -> News {
        let (gateway, endpoint) = (self.place.id.to_string(), self.place.endpoint.local().to_owned());
        turn.event(Event::DescriptionRefused { gateway, endpoint, reason });
        self.unwanted = true;
        self.delete(turn, connection);
        News::Failed(Cause::PROTOCOL_ERROR)
    }

    fn alarm(&self, turn: &mut Turn<'_>, order: &'static str, failure: &Failure) {
        alarm(turn, &self.place, order, failure);
    }
}

/// Tells an operator what must be known of a failure.
pub(super) fn alarm(turn: &mut Turn<'_>, place: &Place, order: &'static str, failure: &Failure) {
    if !decide(failure).alarm {
        return;
    }
    let (gateway, endpoint) = (place.id.to_string(), place.endpoint.local().to_owned());
    turn.event(match failure {
        // The code is a translation: what the gateway said stands in the words.
        Failure::Refused(refused) if place.protocol == GatewayProtocol::Megaco => {
            let reason = refused.commentary.clone().unwrap_or_default();
            Event::OrderFailed { gateway, endpoint, order: megaco_order(order), reason }
        }
        Failure::Refused(refused) => {
            Event::OrderRefused { gateway, endpoint, order, code: refused.code.get() }
        }
        failure => Event::OrderFailed { gateway, endpoint, order, reason: failure.to_string() },
    });
}

/// The command of Megaco that stands for one of MGCP.
fn megaco_order(order: &'static str) -> &'static str {
    match order {
        "CRCX" => "Add",
        "DLCX" => "Subtract",
        "MDCX" | "RQNT" => "Modify",
        "AUEP" | "AUCX" => "AuditValue",
        other => other,
    }
}

/// Why a call fails when an order fails so.
pub(super) fn cause(failure: &Failure) -> Cause {
    decide(failure).cause
}

/// A gateway's figures in the words of the records.
pub(super) fn statistics(figures: &ConnectionStatistics) -> MediaStatistics {
    MediaStatistics {
        packets_sent: figures.packets_sent.into(),
        octets_sent: figures.octets_sent.into(),
        packets_received: figures.packets_received.into(),
        octets_received: figures.octets_received.into(),
        packets_lost: figures.packets_lost.into(),
        jitter_ms: figures.jitter_ms,
        latency_ms: figures.latency_ms,
        playout: playout(figures),
        reported: reported(figures),
    }
}

fn extension(figures: &ConnectionStatistics, wanted: &str) -> Option<u32> {
    let mut extensions = figures.extensions.iter();
    extensions.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
}

/// The extensions of our own gateway; a peer that sends only some of them means something else by them.
fn playout(figures: &ConnectionStatistics) -> Option<PlayoutStatistics> {
    Some(PlayoutStatistics {
        discarded: extension(figures, "X-DI")?.into(),
        delay_ms: extension(figures, "X-PO")?,
        loss_runs: extension(figures, "X-LR")?.into(),
    })
}

/// Likewise; what RFC 3611 has no such value for is not believed.
fn reported(figures: &ConnectionStatistics) -> Option<ReportedQuality> {
    let within = |wanted, values: std::ops::RangeInclusive<u8>| {
        let value = u8::try_from(extension(figures, wanted)?).ok()?;
        Some(value).filter(|value| values.contains(value))
    };
    Some(ReportedQuality {
        loss: within("X-RL", 0..=u8::MAX)?,
        delay_ms: extension(figures, "X-RD").filter(|delay| *delay <= 2 * u32::from(u16::MAX))?,
        r_factor: within("X-RF", 0..=100)?,
        mos_tenths: within("X-RM", 10..=50)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_was_told_by_the_far_end_is_taken_whole_and_within_its_bounds() {
        let told = |extensions: &[(&str, u32)]| {
            let extensions = extensions.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            statistics(&ConnectionStatistics { extensions, ..ConnectionStatistics::default() }).reported
        };
        let whole = [("X-RL", 26), ("x-rd", 120), ("X-RF", 71), ("X-RM", 36), ("X-ZZ", 1)];
        let expected = ReportedQuality { loss: 26, delay_ms: 120, r_factor: 71, mos_tenths: 36 };
        assert_eq!(told(&whole), Some(expected));
        assert_eq!(told(&whole[1..]), None, "somebody else's parameters");
        for (place, value) in [(0, 256), (1, 200_000), (2, 127), (3, 9), (3, 127)] {
            let mut wrong = whole;
            wrong[place].1 = value;
            assert_eq!(told(&wrong), None, "{wrong:?}");
        }
    }
}
