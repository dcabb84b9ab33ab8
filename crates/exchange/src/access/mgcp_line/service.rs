//! Lines coming into service and going out of it: the loss and return of their gateway, and what it announces
//! of its endpoints (RFC 3435 sections 2.3.12 and 4.4.5 to 4.4.7).
//!
//! A line that comes up may have connections from a time of which this exchange knows nothing: it is audited,
//! and what belongs to no call is deleted, before it is asked for anything else. Where its receiver is, the audit tells as well: who is off the
//! hook is not rung, though the gateway may accept it.

use strowger_mgcp::agent::{Failure, GatewayId, Outcome};
use strowger_mgcp::message::{Category, EndpointNameBuf, EventNameBuf, ParameterCode, RestartMethod};
use strowger_sansio::Duration;

use super::Lines;
use super::line::{Line, Party, Standing, Steady};
use crate::access::decision::Fate;
use crate::access::stream::alarm;
use crate::access::{Tag, Timer, Turn};
use crate::{Cause, Event, LegId, LineId, ServiceState};

impl Lines {
    pub(in crate::access) fn gateway_up(&mut self, turn: &mut Turn<'_>, gateway: GatewayId) {
        for id in self.on(gateway, None) {
            self.bring_up(turn, id);
        }
        self.hold(gateway);
    }

    /// The gateway does not answer: its calls are over, and what it holds is looked at when it returns.
    pub(in crate::access) fn gateway_lost(&mut self, turn: &mut Turn<'_>, gateway: GatewayId) {
        for id in self.on(gateway, None) {
            self.take_down(turn, id, Some(ServiceState::Unreachable), Connections::Lost);
        }
    }

    /// The gateway announced what happens to endpoints.
    pub(in crate::access) fn restarted(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        endpoints: &EndpointNameBuf,
        method: RestartMethod<'static>,
        delay: Duration,
    ) {
        for id in self.on(gateway, Some(endpoints)) {
            // A restart ends every signal.
            if method == RestartMethod::Restart
                && let Some(line) = self.lines.get_mut(&id)
            {
                line.asked.steady = Steady::default();
            }
            match method {
                // It serves again at once, without connections and requests. One that had a connection until
                // now, or may have one of which nobody knows any more, is looked at first all the same: a gateway may
                // have announced late that which it did before it was asked for the connection.
                RestartMethod::Restart if delay.is_zero() => {
                    let had_connection =
                        self.has_connection(id) || self.lines.get(&id).is_some_and(|line| line.may_have_left);
                    self.take_down(turn, id, None, Connections::Lost);
                    if had_connection { self.bring_up(turn, id) } else { self.stand_up(id) }
                }
                // It will announce its return; should that be lost, it is asked when the delay is over.
                RestartMethod::Restart => {
                    self.take_down(turn, id, Some(ServiceState::OutOfService), Connections::Lost);
                    turn.timers.set(Timer::Retry(id), turn.now + delay + turn.settings.timers.retry);
                }
                RestartMethod::Forced => {
                    self.take_down(turn, id, Some(ServiceState::OutOfService), Connections::Lost);
                }
                RestartMethod::Graceful => self.withdraw(turn, id),
                RestartMethod::CancelGraceful => self.reinstate(turn, id),
                RestartMethod::Disconnected => self.reconnected(turn, id),
                _ => {}
            }
        }
    }

    fn has_connection(&self, id: LineId) -> bool {
        let mut streams =
            self.legs.values().filter(|leg| leg.line == id).filter_map(|leg| leg.stream.as_ref());
        streams.any(|stream| !stream.is_gone())
    }

    /// The lines of a gateway, or those of its lines that a name means.
    fn on(&self, gateway: GatewayId, endpoints: Option<&EndpointNameBuf>) -> Vec<LineId> {
        let on = self.by_gateway.get(&gateway).into_iter().flatten().filter_map(|id| self.lines.get(id));
        let meant = on.filter(|line| {
            endpoints.is_none_or(|pattern| pattern.as_name().covers(line.place.endpoint.as_name()))
        });
        meant.map(|line| line.id).collect()
    }

    /// A line that is down comes up, if it is clean.
    fn bring_up(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id).filter(|line| line.standing == Standing::Down) else {
            return;
        };
        line.standing = Standing::Returning;
        line.asked.forget();
        turn.timers.cancel(&Timer::Retry(id));
        self.touched.insert(id);
    }

    /// Audits a line that comes up.
    pub(super) fn audit(turn: &mut Turn<'_>, line: &mut Line) {
        line.standing = Standing::Sweeping;
        let (gateway, endpoint) = (line.place.gateway, &line.place.endpoint);
        let tag = Tag::Audit(line.id, line.asked.serial);
        // Of the time before, an on-off signal may be left as well as a connection.
        let mut asked = vec![ParameterCode::ConnectionId, ParameterCode::SignalRequests];
        asked.extend(line.tells_hook.then_some(ParameterCode::EventStates));
        line.found_off_hook = None;
        turn.agent.audit_endpoint(turn.now, (gateway, endpoint), asked, tag);
    }

    /// The audit of a line that comes up.
    pub(in crate::access) fn audit_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        serial: u64,
        result: Result<Outcome, Failure>,
    ) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.asked.serial != serial || line.standing != Standing::Sweeping {
            return;
        }
        if let Ok(Outcome { audit: Some(audit), .. }) = &result {
            line.asked.steady.found(audit.signals.iter().map(|signal| signal.name().to_string()));
            line.found_off_hook = off_hook(&audit.event_states);
        }
        if result.is_ok() {
            line.may_have_left = false;
        }
        let found = match result {
            Ok(outcome) => outcome.audit.map(|audit| audit.connections).unwrap_or_default(),
            // It has no time to look: what it holds may be a call's.
            Err(failure) if is_busy(&failure) => {
                line.standing = Standing::Down;
                turn.timers.set(Timer::Retry(id), turn.now + turn.settings.timers.retry);
                return;
            }
            Err(failure) => match failure.category() {
                Category::ServiceFailure => return self.audit_refused(turn, id, &failure),
                Category::ProvisioningMismatch if !is_about_the_question(&failure) => {
                    return self.audit_refused(turn, id, &failure);
                }
                // It may be the hook that it does not tell.
                _ if is_about_a_parameter(&failure) && std::mem::take(&mut line.tells_hook) => {
                    line.standing = Standing::Returning;
                    line.asked.serial += 1;
                    self.touched.insert(id);
                    return;
                }
                // It cannot say: what may be there is deleted unseen, but for the connection of a call.
                _ => return self.sweep_unseen(turn, id),
            },
        };
        if self.compare(turn, id, found) {
            self.stand_up(id);
            self.learn_hook(turn, id);
        }
    }

    /// Acts on what the audit of a line that has come up said of its receiver. What has changed since then is learnt from the refusal of
    /// what it is asked for.
    fn learn_hook(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        match line.found_off_hook.take() {
            Some(true) if !line.is_off_hook() => self.lifted(turn, id, false),
            Some(false) if line.is_off_hook() => self.hung_up(turn, id),
            _ => {}
        }
    }

    fn sweep_unseen(&mut self, turn: &mut Turn<'_>, id: LineId) {
        if !self.own_connections(id).is_empty() {
            return self.stand_up(id);
        }
        let Some(line) = self.lines.get(&id) else { return };
        let (gateway, endpoint) = (line.place.gateway, line.place.endpoint.clone());
        let tag = Tag::Sweep(id, line.asked.serial);
        turn.agent.delete_connections(turn.now, (gateway, &endpoint), None, tag);
        let (gateway, endpoint) = (line.place.id.to_string(), endpoint.local().to_owned());
        turn.event(Event::StrayConnections { gateway, endpoint });
    }

    fn audit_refused(&mut self, turn: &mut Turn<'_>, id: LineId, failure: &Failure) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.standing = Standing::Down;
        if matches!(failure, Failure::GatewayLost | Failure::Restarted) {
            return;
        }
        alarm(turn, &line.place, "AUEP", failure);
        Self::set_service(turn, line, ServiceState::OutOfService);
        turn.timers.set(Timer::Retry(id), turn.now + turn.settings.timers.probe);
        self.compare_with_nothing(turn, id);
    }

    /// The deletion of what nobody knows. Whatever came of it, the line goes on: a connection that is left
    /// disturbs nobody's call, and a line that is out of service does.
    pub(in crate::access) fn sweep_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        serial: u64,
        result: Result<Outcome, Failure>,
    ) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.asked.serial != serial || line.standing != Standing::Sweeping {
            return;
        }
        match result {
            Err(failure @ (Failure::GatewayLost | Failure::Restarted)) => {
                line.may_have_left = true;
                self.audit_refused(turn, id, &failure);
            }
            Err(_) => {
                line.may_have_left = true;
                self.stand_up(id);
            }
            Ok(_) => {
                line.may_have_left = false;
                self.stand_up(id);
                self.learn_hook(turn, id);
            }
        }
    }

    /// Asks a line that serves where its receiver is, if that is not known: its gateway may have carried out a request that does
    /// not fit it. One that has ever refused such a request is believed not to.
    pub(super) fn ask_hook(&self, turn: &mut Turn<'_>, id: LineId) {
        let is_asked = |line: &&Line| line.asked.hook_unknown && line.tells_hook && line.place.audits;
        let Some(line) = self.lines.get(&id).filter(is_asked) else { return };
        let (gateway, endpoint) = (line.place.gateway, &line.place.endpoint);
        if !self.checking.contains(&gateway) {
            let tag = Tag::Hook(id, line.asked.serial);
            turn.agent.audit_endpoint(turn.now, (gateway, endpoint), vec![ParameterCode::EventStates], tag);
        }
    }

    /// Where the receiver of a line that serves is. What is older than its last request is passed over: the line is asked again when it
    /// has carried out that one.
    pub(in crate::access) fn hook_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        serial: u64,
        result: Result<Outcome, Failure>,
    ) {
        let is_due = |line: &&mut Line| line.asked.serial == serial && line.asked.hook_unknown;
        let Some(line) = self.lines.get_mut(&id).filter(is_due) else { return };
        match result {
            Ok(outcome) => {
                line.found_off_hook = outcome.audit.and_then(|audit| off_hook(&audit.event_states));
                // Once it was asked under a request that fits it, every move of it is an event.
                line.asked.hook_unknown =
                    line.found_off_hook.is_some_and(|found| found != line.is_off_hook());
                self.learn_hook(turn, id);
            }
            Err(failure) if is_about_a_parameter(&failure) => line.tells_hook = false,
            // Its next request is another occasion.
            Err(_) => {}
        }
    }

    /// The line can be commanded: the next flush asks it for what it should do.
    pub(super) fn stand_up(&mut self, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.standing = Standing::Up;
        line.asked.forget();
        // What an audit has said of it may have changed by the time of the request.
        line.asked.hook_unknown = true;
        line.lacks = line.unable.clone();
        line.doubt = Fate::Serves;
        self.touched.insert(id);
    }

    /// The line cannot be commanded any more; a call on it is over.
    pub(super) fn take_down(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        service: Option<ServiceState>,
        connections: Connections,
    ) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        turn.timers.cancel(&Timer::Party(id));
        turn.timers.cancel(&Timer::Retry(id));
        line.standing = Standing::Down;
        line.asked.forget();
        line.waiting = None;
        let cause = match std::mem::replace(&mut line.party, Party::Idle) {
            Party::Reserved(_) | Party::Ringing(..) => Cause::DESTINATION_OUT_OF_ORDER,
            _ => Cause::NETWORK_OUT_OF_ORDER,
        };
        if let Some(service) = service {
            Self::set_service(turn, line, service);
        }
        for leg in self.legs_of(id) {
            if connections == Connections::Lost
                && let Some(stream) = self.legs.get_mut(&leg).and_then(|leg| leg.stream.as_mut())
            {
                stream.lose(turn, None);
            }
            self.leave(turn, leg, cause);
            self.check_cleared(turn, leg);
        }
    }

    /// The legs that a line has, those included that have ended and are not cleared.
    fn legs_of(&self, id: LineId) -> Vec<LegId> {
        self.legs.iter().filter(|(_, leg)| leg.line == id).map(|(id, _)| *id).collect()
    }

    /// `graceful`: no new calls; the present one may end by itself.
    fn withdraw(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.standing == Standing::Up {
            line.standing = Standing::Withdrawn;
            Self::set_service(turn, line, ServiceState::OutOfService);
        }
        self.check_withdrawn(turn, id);
    }

    /// Takes a withdrawn line down when its party is done.
    pub(super) fn check_withdrawn(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let done = |line: &Line| line.standing == Standing::Withdrawn && line.party == Party::Idle;
        let has_a_leg = || self.legs.values().any(|leg| leg.line == id && !leg.ended);
        if self.lines.get(&id).is_some_and(done) && !has_a_leg() {
            self.take_down(turn, id, Some(ServiceState::OutOfService), Connections::Kept);
        }
    }

    /// `cancel-graceful`: as before.
    fn reinstate(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        match line.standing {
            Standing::Withdrawn => {
                line.standing = Standing::Up;
                // The next success brings it into service.
                line.asked.watch = None;
                self.touched.insert(id);
            }
            Standing::Down => self.bring_up(turn, id),
            Standing::Returning | Standing::Counting | Standing::Sweeping | Standing::Up => {}
        }
    }

    /// `disconnected`: the gateway could not reach us for a while. What it noticed meanwhile may be lost, so
    /// it is asked again, and says by a refusal, or when it is asked, if a hook is not where it should be.
    fn reconnected(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.standing == Standing::Down {
            return self.bring_up(turn, id);
        }
        if !line.asked.pending {
            line.asked.watch = None;
        }
        line.asked.hook_unknown = true;
        self.touched.insert(id);
    }

    /// Endpoints wait for their next request, and the exchange believes that they have it, or that none is due (RFC 3992): they are
    /// asked again at once.
    pub(in crate::access) fn in_lockstep(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        endpoints: &EndpointNameBuf,
    ) {
        for id in self.on(gateway, Some(endpoints)) {
            let Some(line) = self.lines.get_mut(&id) else { continue };
            if !matches!(line.standing, Standing::Up | Standing::Withdrawn) {
                continue;
            }
            if !line.asked.pending {
                line.asked.watch = None;
            }
            if std::mem::take(&mut line.asked.resting) {
                turn.timers.cancel(&Timer::Retry(id));
            }
            self.touched.insert(id);
        }
    }

    /// The pause after a refusal is over.
    pub(in crate::access) fn retry(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.standing == Standing::Down {
            return self.bring_up(turn, id);
        }
        line.asked.resting = false;
        line.asked.mismatches = 0;
        self.touched.insert(id);
        if line.doubt == Fate::Serves {
            return;
        }
        let busy = line.party != Party::Idle || self.legs.values().any(|leg| leg.line == id);
        let Some(line) = self.lines.get_mut(&id) else { return };
        if busy {
            turn.timers.set(Timer::Retry(id), turn.now + turn.settings.timers.retry);
        } else if line.standing == Standing::Up {
            line.standing = Standing::Down;
            self.bring_up(turn, id);
        }
    }

    /// An order to a line was refused: by a fault that takes it out of hunting until it is announced anew or found in
    /// service, or by a mismatch of states, after which it is looked at as soon as it is free (RFC 3661 section 2.1).
    pub(super) fn doubt(&mut self, turn: &mut Turn<'_>, id: LineId, fate: Fate) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let broken = fate == Fate::Broken;
        if line.doubt != Fate::Broken {
            line.doubt = fate;
        }
        let timers = &turn.settings.timers;
        turn.timers.set(Timer::Retry(id), turn.now + if broken { timers.probe } else { timers.retry });
        if broken {
            Self::set_service(turn, line, ServiceState::OutOfService);
        }
    }
}

/// What becomes of the connections of a line that goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    /// They are lost, or cannot be reached.
    Lost,
    /// They are being deleted in order.
    Kept,
}

/// Where the receiver is, by the states of an audit (RFC 3660 section 2.4).
fn off_hook(states: &[EventNameBuf]) -> Option<bool> {
    states.iter().rev().find_map(|state| {
        let package = state.package().unwrap_or("L");
        let is = |code: &str| state.event().eq_ignore_ascii_case(code);
        let of_a_line = ["L", "H"].iter().any(|known| known.eq_ignore_ascii_case(package));
        (of_a_line && (is("hd") || is("hu"))).then(|| is("hd"))
    })
}

/// Whether a gateway has refused for overload, or since it restarts.
fn is_busy(failure: &Failure) -> bool {
    use strowger_mgcp::message::ReturnCode;
    matches!(failure, Failure::Refused(refused)
        if refused.category == Category::TemporaryFailure
            && [ReturnCode::RESTARTING, ReturnCode::RESTARTING_ENDPOINT, ReturnCode::OVERLOAD].contains(&refused.code))
}

/// Whether a gateway has refused what it was asked for something in the question that can be left out.
fn is_about_a_parameter(failure: &Failure) -> bool {
    use strowger_mgcp::message::ReturnCode;
    const CODES: [ReturnCode; 3] =
        [ReturnCode::UNSUPPORTED_FUNCTIONALITY, ReturnCode::PROTOCOL_ERROR, ReturnCode::COMMAND_PARAMETER];
    matches!(failure, Failure::Refused(refused) if CODES.contains(&refused.code))
}

/// Whether an audit was refused for what it asked, and not for the endpoint.
fn is_about_the_question(failure: &Failure) -> bool {
    use strowger_mgcp::message::ReturnCode;
    matches!(failure, Failure::Refused(refused)
        if ![ReturnCode::UNKNOWN_ENDPOINT, ReturnCode::VERSION].contains(&refused.code))
}
