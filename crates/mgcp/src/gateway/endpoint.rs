//! An endpoint: its event machine, its connections, its service state and the call agent that it answers to.

use std::collections::VecDeque;
use std::sync::Arc;

use strowger_sansio::{Duration, Time};

use super::config::EndpointKind;
use super::connection::{Change, Connection};
use super::entity::{Alternate, Entity, MessageSupport};
use super::event::Occurrence;
use super::fax::FaxHandling;
use super::machine::Machine;
use super::media::{
    ConnectionHandle, EndpointIndex, LossReason, MediaEvent, MediaFault, MediaMode, MediaSpec, SignalTarget,
};
use super::reach::{Outbound, Purpose, Reach, TimerKey};
use super::request::Requested;
use super::restart::ProcedureId;
use super::signals::{Begun, Report, SignalRequest};
use crate::digitmap::DigitMap;
use crate::message::{BearerEncoding, ConnectionStatistics, ReasonCode, ReturnCode, TransactionId};
use crate::package::PackageSet;

/// The service state of RFC 3435 section 4.4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// In service.
    In,
    /// In service, and about to leave it: when, if that is known.
    Leaving(Option<Time>),
    /// Out of service.
    Out,
    /// Out of service until the restart delay is over.
    Returning(Time),
}

impl Service {
    /// Whether commands are executed.
    pub(super) fn is_in(self) -> bool {
        matches!(self, Self::In | Self::Leaving(_))
    }
}

/// Whether the call agent knows of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Association {
    /// All is well.
    Known,
    /// The restart procedure is not complete (section 4.4.6).
    Restarting(ProcedureId),
    /// The disconnected procedure is not complete (section 4.4.7).
    Disconnected(ProcedureId),
}

impl Association {
    /// The procedure under way.
    pub(super) fn procedure(self) -> Option<ProcedureId> {
        match self {
            Self::Known => None,
            Self::Restarting(procedure) | Self::Disconnected(procedure) => Some(procedure),
        }
    }
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) index: EndpointIndex,
    pub(super) kind: EndpointKind,
    /// Which form of the domain the call agent used last: RFC 3435 section 2.1.2 wants it used in return.
    pub(super) domain: usize,
    pub(super) entity: Entity,
    /// Further notified entities, tried in turn: RED/NL.
    pub(super) alternates: Vec<Alternate>,
    /// What the notified entity has refused of MESG.
    pub(super) messages: MessageSupport,
    /// LCK/LST in seconds: so long in lockstep, and the call agent is told (RFC 3992); zero for never.
    pub(super) lockstep: u16,
    pub(super) bearer: Option<BearerEncoding>,
    pub(super) service: Service,
    /// E of the last RSIP or DLCX, while it explains the endpoint's state.
    pub(super) reason: ReasonCode,
    pub(super) association: Association,
    pub(super) machine: Machine,
    pub(super) connections: Vec<Connection>,
    /// The fax that is heard, and how it is handled.
    pub(super) fax: Option<FaxHandling>,
    /// Machines are heard whose sound is data: RFC 6498.
    pub(super) carries_data: Option<&'static str>,
    /// Commands that wait: for a procedure to complete, or for older ones to be answered.
    pub(super) held: VecDeque<Outbound>,
    /// Commands without an answer.
    pub(super) unanswered: Vec<Unanswered>,
    /// What it has after a restart.
    pub(super) provisioned: Provisioned,
}

/// What an endpoint was provisioned with, and has again after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provisioned {
    pub(super) entity: Entity,
    pub(super) digit_map: Option<Arc<DigitMap>>,
    pub(super) persistent: Vec<Requested>,
}

/// A command of an endpoint that was sent and not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unanswered {
    pub(super) id: TransactionId,
    /// Which notification of the endpoint it is, if it is one.
    pub(super) notification: Option<u64>,
}

impl Endpoint {
    /// Whether a notification is on its way, or waits to be: one that was lost is neither (section 4.4.1).
    pub(super) fn is_pending(&self, serial: u64, reach: &Reach<'_>) -> bool {
        let waits = |outbound: &Outbound| {
            outbound.endpoint == self.index
                && matches!(outbound.purpose, Purpose::Notify { serial: number, .. } if number == serial)
        };
        self.held.iter().chain(reach.outbox.iter()).any(waits)
            || self.unanswered.iter().any(|sent| sent.notification == Some(serial))
    }

    /// What it can detect and generate.
    pub(super) fn packages(&self) -> PackageSet {
        self.kind.packages()
    }

    /// The connections with their identifiers, for reports of signals; none without a signal that could be reported.
    pub(super) fn connection_ids(&self) -> Vec<(ConnectionHandle, String)> {
        if self.machine.signals.is_idle() {
            return Vec::new();
        }
        self.connections.iter().map(|c| (c.handle, c.id.as_str().to_owned())).collect()
    }

    /// The connections that signals can be heard on: those with a remote description.
    pub(super) fn ready_connections(&self) -> Vec<ConnectionHandle> {
        self.connections.iter().filter(|c| c.remote.is_some()).map(|c| c.handle).collect()
    }

    /// The connection with this handle.
    pub(super) fn connection(&self, handle: ConnectionHandle) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.handle == handle)
    }

    /// Starts what is new of a list of signals.
    /// A connection that the same command deletes carries none of them.
    pub(super) fn begin_signals(
        &mut self,
        list: &[SignalRequest],
        leaving: Option<ConnectionHandle>,
        reach: &mut Reach<'_>,
    ) -> Result<Begun, ReturnCode> {
        let mut ready = self.ready_connections();
        ready.retain(|handle| Some(*handle) != leaving);
        let fault = |fault: MediaFault| match fault {
            // "Mode" is the plane's word for a combination it cannot do; of a signal that is 513.
            MediaFault::Mode => ReturnCode::CANNOT_SIGNAL,
            other => other.return_code(),
        };
        self.machine.signals.begin(self.index, list, &ready, reach).map_err(fault)
    }

    /// Something that the media saw, except what becomes of connections.
    pub(super) fn media_event(&mut self, event: MediaEvent, reach: &mut Reach<'_>) {
        match event {
            MediaEvent::OffHook => {
                self.machine.signals.negated("BP", "hu");
                self.occur(Occurrence::new("L", "hd"), reach);
            }
            MediaEvent::OnHook => {
                self.machine.signals.negated("BP", "hd");
                self.occur(Occurrence::new("L", "hu"), reach);
            }
            MediaEvent::HookFlash => self.occur(Occurrence::new("L", "hf"), reach),
            MediaEvent::HookBreak => {
                let flash = Occurrence::new("L", "hf");
                if self.machine.takes(&Occurrence::new("D", "1")) && !self.machine.takes(&flash) {
                    self.digit_begins('1', reach);
                    self.digit_ends('1', Duration::ZERO, reach);
                } else {
                    self.occur(flash, reach);
                }
            }
            MediaEvent::Digit(letter) => self.digit_begins(letter, reach),
            MediaEvent::DigitEnded(letter, lasted) => self.digit_ends(letter, lasted, reach),
            MediaEvent::Detected { package, event, connection, parameters } => {
                let on = match connection {
                    None => None,
                    Some(handle) => match self.connection(handle) {
                        Some(connection) => Some((handle, connection.id.as_str().to_owned())),
                        // It was deleted before the news of it came.
                        None => return,
                    },
                };
                self.occur(
                    Occurrence { connection: on, parameters, ..Occurrence::new(package, event) },
                    reach,
                );
            }
            MediaEvent::Machine(sign) => self.machine_sign(sign, reach),
            MediaEvent::SignalEnded(target, signal) => {
                let ids = self.connection_ids();
                for event in self.machine.signals.ended(self.index, target, &signal, &ids, reach) {
                    self.occur(event, reach);
                }
            }
            MediaEvent::SignalFailed(target, signal) => {
                let ids = self.connection_ids();
                if let Some(event) = self.machine.signals.failed(self.index, target, &signal, &ids, reach) {
                    self.occur(event, reach);
                }
            }
            MediaEvent::SignalReported { target, signal, outcome, parameters } => {
                let ids = self.connection_ids();
                let report = Report { outcome, parameters };
                let signals = &mut self.machine.signals;
                if let Some(event) = signals.reported(self.index, target, &signal, report, &ids, reach) {
                    self.occur(event, reach);
                }
            }
            // These are the gateway's.
            MediaEvent::ConnectionLost(..)
            | MediaEvent::Settled(_)
            | MediaEvent::SettlingFailed(..)
            | MediaEvent::Fetched(_) => {}
        }
    }

    /// The time of a signal is over.
    pub(super) fn signal_expires(&mut self, number: u32, reach: &mut Reach<'_>) {
        let ids = self.connection_ids();
        for event in self.machine.signals.expire(self.index, number, &ids, reach) {
            self.occur(event, reach);
        }
    }

    /// Closes a connection: its signals fail, its statistics are returned.
    pub(super) fn close(
        &mut self,
        handle: ConnectionHandle,
        reach: &mut Reach<'_>,
    ) -> Option<(Connection, ConnectionStatistics)> {
        let ids = self.connection_ids();
        let target = SignalTarget::Connection(self.index, handle);
        let place = self.connections.iter().position(|connection| connection.handle == handle)?;
        let failures = self.machine.signals.connection_gone(target, &ids, reach);
        let connection = self.connections.remove(place);
        reach.timers.cancel(&TimerKey::LongConnection(self.index, handle));
        let statistics = reach.plane.close(reach.now, handle);
        reach.joints.closed(self.index, handle, connection.spec.local_peer);
        reach.counters.connections_closed += 1;
        for event in failures {
            self.occur(event, reach);
        }
        self.fax_connection_gone(reach);
        Some((connection, statistics))
    }

    /// Is as it is after a restart, but for its call agent: without connections, requests and signals. Events of the connections that go
    /// are nobody's any more.
    pub(super) fn clean(&mut self, reach: &mut Reach<'_>) {
        self.reset_machine(reach);
        let handles: Vec<_> = self.connections.iter().map(|connection| connection.handle).collect();
        for handle in handles {
            self.close(handle, reach);
        }
        self.held.clear();
    }

    /// Forgets what call agents have configured: it comes back into service (section 2.1.4, RFC 3991 section 2.2.2).
    pub(super) fn forget_configuration(&mut self) {
        self.set_entity(self.provisioned.entity.clone());
        self.set_alternates(Vec::new());
        self.messages = MessageSupport::Unknown;
        self.lockstep = 0;
        self.bearer = None;
        self.domain = 0;
    }

    /// A connection may have got its remote description: then signals for all connections begin on it.
    pub(super) fn connection_ready(&mut self, handle: ConnectionHandle, reach: &mut Reach<'_>) {
        if self.connection(handle).is_none_or(|connection| connection.remote.is_none()) {
            return;
        }
        let ids = self.connection_ids();
        let target = SignalTarget::Connection(self.index, handle);
        for event in self.machine.signals.connection_ready(target, &ids, reach) {
            self.occur(event, reach);
        }
    }

    /// A connection exists for a long time: G/ld.
    pub(super) fn connection_is_long(&mut self, handle: ConnectionHandle, reach: &mut Reach<'_>) {
        let Some(connection) = self.connection(handle) else { return };
        let mut event = Occurrence::new("G", "ld");
        event.connection = Some((handle, connection.id.as_str().to_owned()));
        self.occur(event, reach);
    }

    /// Swap audio (section 2.3.3): the talking connection rests, and the next one talks. Not while a command changes one of them.
    pub(super) fn swap_audio(&mut self, reach: &mut Reach<'_>) {
        if self.connections.iter().any(|connection| connection.change == Change::UnderWay) {
            return;
        }
        let Some(talking) = self.connections.iter().position(|c| c.spec.mode == MediaMode::SendRecv) else {
            return;
        };
        let count = self.connections.len();
        let resting = (1..count)
            .map(|step| (talking + step) % count)
            .find(|place| self.connections.get(*place).is_some_and(|c| c.spec.mode == MediaMode::Inactive));
        let Some(resting) = resting.filter(|place| self.can_talk(*place)) else { return };
        if self.set_mode(talking, MediaMode::Inactive, reach)
            && !self.set_mode(resting, MediaMode::SendRecv, reach)
        {
            self.set_mode(talking, MediaMode::SendRecv, reach);
        }
    }

    fn can_talk(&self, place: usize) -> bool {
        self.connections.get(place).is_some_and(|connection| connection.spec.remote.is_some())
    }

    fn set_mode(&mut self, place: usize, mode: MediaMode, reach: &mut Reach<'_>) -> bool {
        let Some(connection) = self.connections.get_mut(place) else { return false };
        let spec = MediaSpec { mode, ..connection.spec.clone() };
        let done = reach.plane.modify(reach.now, connection.handle, &spec).is_ok();
        if done {
            connection.spec = spec;
        }
        done
    }
}

/// The reason code that says why.
pub(super) fn reason(loss: LossReason) -> ReasonCode {
    match loss {
        LossReason::Malfunction => ReasonCode::MALFUNCTIONING,
        LossReason::LowerLayer => ReasonCode::LOWER_LAYER,
        LossReason::Reservation => ReasonCode::RESERVATION_LOST,
        LossReason::Facility => ReasonCode::FACILITY,
    }
}
