//! Analogue lines on MGCP gateways (RFC 3435, RFC 3660 package L).
//!
//! ```text
//!            lifted                digits              answer (the other side)
//!   Idle ------------> Dialling ------------> InCall ---------------------------> InCall
//!    |  ^                                       | the other side releases, a failure
//!    |  | hung up, from anywhere                v
//!    |  +---------------------------- Parting: tone -> howler -> lockout
//!    | a call comes            ready               lifted
//!    +------------> Reserved --------> Ringing ----------> InCall
//!    | it has a call still                         lifted
//!    +---------------------> Recalled -------------------> InCall
//! ```
//!
//! A line may have several legs, each with a connection of its own. The party has one in hand; its hook and its
//! keys act on that one, and the switch says what becomes of the others (RFC 3435 Appendix D says what is heard
//! of their connections).
//!
//! The rooms: `line` (what is known of a line), `watch` (what its endpoint is asked to detect and to play),
//! `party` (what the subscriber does), `leg` (what the switch wants), `service` (restarts, losses, returns), `bulk` (audits of many lines at once), `restore`
//! (calls of an exchange that has died).
//!
//! A line is told what to do by comparing what it wants with what it was asked for last, after everything
//! else has settled: however many things happen at once, one request follows. Glare: lifting the receiver
//! after the ringing request was carried out is an answer; lifting it before is a seizure of one's own, and
//! the caller finds the line busy.

mod bulk;
mod leg;
mod line;
mod party;
mod restore;
mod service;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use strowger_mgcp::agent::GatewayId;
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::message::{ConnectionIdBuf, EndpointNameBuf};
use strowger_sansio::Duration;
use strowger_sdp::AddressPolicy;

use super::census::{self, Abilities};
use super::gateways::Gateways;
use super::{Timer, Turn, signal};
use crate::{
    GatewayProtocol, Inventory, LegEvent, LegId, LineCalls, LineCommand, LineEvent, LineId, LineView,
    MediaStatistics, ServiceState, Snapshot, Subject,
};
use bulk::Counts;
use line::{Leg, Line, Party, Standing};
pub(super) use watch::{Observed, Terms, Watch};

/// How far two keys are apart that are played. 200 ms: a tone and a pause of 100 ms, which is what telephones dial with; a gateway
/// that is asked sooner may drop the second (RFC 3435 section 2.1.7).
const KEY: Duration = Duration::from_millis(200);

/// All lines, and the legs that live on them.
#[derive(Debug)]
pub(super) struct Lines {
    lines: BTreeMap<LineId, Line>,
    by_gateway: BTreeMap<GatewayId, Vec<LineId>>,
    legs: BTreeMap<LegId, Leg>,
    /// Legs of calls that were taken over, whose connections have not been looked at.
    unasked: BTreeSet<LegId>,
    /// Lines to which something has happened: what their endpoints are asked for is looked at when all has
    /// settled.
    touched: BTreeSet<LineId>,
    /// Lines that are audited together.
    counts: Counts,
    /// Gateways that have refused what did not fit a hook: their refusals tell where receivers are.
    checking: BTreeSet<GatewayId>,
}

impl Lines {
    pub(super) fn new(inventory: &Inventory, gateways: &Gateways) -> Self {
        let entry = |id: LineId| inventory.lines.get(usize::try_from(id.0).ok()?);
        let lines = gateways.line_places().filter_map(|(id, place)| Some((id, place, entry(id)?))).map(
            |(id, place, entry)| (id, Line::new(id, entry.number.clone(), entry.features.flash(), place)),
        );
        let lines: BTreeMap<_, _> = lines.collect();
        let mut by_gateway = BTreeMap::<_, Vec<_>>::new();
        for (id, line) in &lines {
            by_gateway.entry(line.place.gateway).or_default().push(*id);
        }
        Self {
            lines,
            by_gateway,
            legs: BTreeMap::new(),
            unasked: BTreeSet::new(),
            touched: BTreeSet::new(),
            counts: Counts::default(),
            checking: BTreeSet::new(),
        }
    }

    /// Asks the endpoints of touched lines for what they should do now; says whether any was asked.
    pub(super) fn flush(&mut self, turn: &mut Turn<'_>) -> bool {
        let mut asked = false;
        for id in std::mem::take(&mut self.touched) {
            let Some(line) = self.lines.get_mut(&id) else { continue };
            if line.standing == Standing::Returning {
                asked = true;
                Self::audit(turn, line);
                continue;
            }
            line.forget_keys();
            let Some(watch) = line.due() else { continue };
            asked = true;
            line.asked.serial += 1;
            let tag = super::Tag::Watch(id, line.asked.serial);
            let place = Arc::clone(&line.place);
            let request_id = if place.protocol == GatewayProtocol::Megaco {
                turn.agent.watch(turn.now, (place.gateway, &place.endpoint), &watch, &line.terms(turn), tag)
            } else {
                let request_id = turn.agent.agent_mut().new_request_id();
                let mut request = watch.request(&line.terms(turn), request_id.clone());
                line.asked.steady.complete(&mut request.signals);
                let at = (place.gateway, &place.endpoint);
                turn.agent.notification_request(turn.now, at, request, tag);
                request_id
            };
            line.asked.pending = true;
            line.asked.plays = watch.plays(&line.terms(turn)).is_some();
            if watch.has_key() {
                // A key is played once, whatever comes of it; the next one leaves it its time.
                line.keys.pop_front();
                line.pauses = true;
                turn.timers.set(Timer::Key(id), turn.now + KEY);
            }
            line.asked.watch = Some(watch.without_key());
            line.asked.request_id = Some(request_id);
        }
        asked
    }

    /// The gateway is elsewhere now.
    pub(super) fn moved(&mut self, gateway: GatewayId, peer: IpAddr, policy: &AddressPolicy) {
        for id in self.by_gateway.get(&gateway).into_iter().flatten() {
            if let Some(line) = self.lines.get_mut(id) {
                line.place = Arc::new(line.place.moved(peer, policy.clone()));
            }
        }
    }

    /// The endpoints of a class have said what they can do.
    pub(super) fn learn(
        &mut self,
        gateway: GatewayId,
        class: &str,
        abilities: &Arc<Abilities>,
        dialect: &Dialect,
    ) {
        for id in self.by_gateway.get(&gateway).into_iter().flatten() {
            let Some(line) = self.lines.get_mut(id) else { continue };
            if census::class(line.place.endpoint.as_name()) == class {
                line.place = Arc::new(line.place.able(abilities.clone()));
                line.unable = abilities.lacks(dialect).map(str::to_owned).collect();
                line.lacks.extend(line.unable.iter().cloned());
            }
        }
    }

    /// A gateway that speaks Megaco has told its packages: tones of others need not be tried.
    pub(super) fn learn_packages(&mut self, gateway: GatewayId, packages: &[String]) {
        let has = |name: &&&str| {
            let package = name.split_once('/').map_or("", |(package, _)| package);
            packages.iter().any(|own| own.eq_ignore_ascii_case(package))
        };
        let lacking: Vec<_> = signal::OPTIONAL_MEGACO.iter().filter(|name| !has(name)).collect();
        for id in self.by_gateway.get(&gateway).into_iter().flatten() {
            let Some(line) = self.lines.get_mut(id) else { continue };
            line.unable = lacking.iter().map(|name| (**name).to_owned()).collect();
            line.lacks.extend(line.unable.iter().cloned());
        }
    }

    /// An endpoint does not do any more what it was asked for last, and is asked again.
    pub(super) fn forgotten(&mut self, id: LineId) {
        let Some(line) = self.lines.get_mut(&id).filter(|line| !line.asked.pending) else { return };
        line.asked.watch = None;
        self.touched.insert(id);
    }

    /// The pause behind a key is over.
    pub(super) fn next_key(&mut self, id: LineId) {
        self.touched.insert(id);
        if let Some(line) = self.lines.get_mut(&id) {
            line.pauses = false;
        }
    }

    /// A word to the line that belongs to no call.
    pub(super) fn line_command(&mut self, id: LineId, command: LineCommand) {
        self.touched.insert(id);
        let Some(line) = self.lines.get_mut(&id) else { return };
        match command {
            LineCommand::MessageWaiting(on) => line.lamp = Some(on),
            // One who is on the telephone cannot be rung, and one who is rung needs no reminder.
            LineCommand::Remind => line.reminds = line.party == Party::Idle,
        }
    }

    fn set_service(turn: &mut Turn<'_>, line: &mut Line, to: ServiceState) {
        let Line { service, number, .. } = line;
        let changed = turn.service(service, to, || Subject::Line(number.clone()));
        if changed && to == ServiceState::InService {
            turn.line(line.id, LineEvent::Serves);
        }
    }

    /// A gateway deleted a connection by itself.
    pub(super) fn connection_deleted(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        endpoint: &EndpointNameBuf,
        connection: &ConnectionIdBuf,
        statistics: Option<MediaStatistics>,
    ) {
        let on = |leg: &Leg| self.lines.get(&leg.line).is_some_and(|line| line.place.gateway == gateway);
        let mut found = self.legs.iter().filter(|(_, leg)| on(leg));
        let is = |leg: &Leg| leg.stream.as_ref().is_some_and(|stream| stream.is(endpoint, connection));
        let Some(id) = found.find(|(_, leg)| is(leg)).map(|(id, _)| *id) else { return };
        if let Some(stream) = self.legs.get_mut(&id).and_then(|leg| leg.stream.as_mut()) {
            stream.lose(turn, statistics);
        }
        self.fail(turn, id, crate::Cause::TEMPORARY_FAILURE);
        self.check_cleared(turn, id);
    }

    /// Gives a leg's last word when there is nothing left of it.
    fn check_cleared(&mut self, turn: &mut Turn<'_>, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let gone = leg.stream.as_ref().is_none_or(super::stream::Stream::is_gone);
        if leg.ended && gone {
            if leg.stream.as_ref().is_some_and(super::stream::Stream::may_be_left)
                && let Some(line) = self.lines.get_mut(&leg.line)
            {
                line.may_have_left = true;
            }
            let statistics = leg.stream.as_ref().and_then(super::stream::Stream::statistics);
            if let Some(line) = self.lines.get_mut(&leg.line) {
                line.reporting.remove(&id);
            }
            self.legs.remove(&id);
            turn.leg(id, LegEvent::Cleared { statistics });
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = LineId> {
        self.lines.keys().copied()
    }

    pub(super) fn views(&self) -> impl Iterator<Item = LineView> {
        self.lines.values().map(|line| LineView {
            number: line.number.clone(),
            service: line.service,
            condition: line.condition(),
            // The switch knows them.
            calls: LineCalls::default(),
            contacts: None,
        })
    }

    pub(super) fn fill(&self, snapshot: &mut Snapshot) {
        let streams = self.legs.values().filter_map(|leg| leg.stream.as_ref());
        snapshot.connections.extend(streams.clone().filter_map(super::stream::Stream::termination));
        snapshot.connections_in_transition += streams.filter(|stream| stream.is_in_transition()).count();
    }
}
