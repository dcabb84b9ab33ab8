//! What the subscriber does: lifting, dialling, hanging up, or none of these for too long; and what the
//! endpoint says to requests.

use strowger_mgcp::agent::{Failure, Outcome};
use strowger_mgcp::message::{Category, RequestIdBuf, ReturnCode};

use super::Lines;
use super::line::{Parting, Party, Standing};
use super::watch::{Observed, Watch};
use crate::access::decision::Fate;
use crate::access::stream::{alarm, cause};
use crate::access::{Report, Timer, Turn, signal};
use crate::{Cause, GatewayProtocol, LegEvent, LineEvent, LineId, ServiceState, Tone};

impl Lines {
    /// The endpoint observed what it was asked to watch for.
    pub(in crate::access) fn notified(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        request_id: &RequestIdBuf,
        observed: Observed,
    ) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if !matches!(line.standing, Standing::Up | Standing::Withdrawn) {
            // It is asked where its receiver is when it has come up.
            return;
        }
        if observed.on_hook || observed.off_hook {
            line.asked.hook_unknown = false;
        }
        let current = line.asked.request_id.as_ref() == Some(request_id);
        let keys = line.keys_of(&observed);
        if current && !(keys.is_some() && line.place.protocol == GatewayProtocol::Megaco) {
            // Step mode: the endpoint waits for the next request, be it the same. Events of Megaco stay asked for.
            line.asked.watch = None;
        }
        self.touched.insert(id);
        if observed.flash && line.is_off_hook() {
            turn.line(id, LineEvent::HookFlash);
        }
        if let Some(leg) = keys {
            observed.digits.chars().for_each(|key| turn.leg(leg, LegEvent::Dtmf(key)));
        }
        if observed.on_hook {
            self.hung_up(turn, id);
        } else if observed.off_hook {
            self.lifted(turn, id, current);
        } else if !observed.digits.is_empty() || observed.pause {
            self.dialled(turn, id, observed);
        } else if observed.completed {
            self.report_dialling(turn, id, LegEvent::NoDigits);
        }
    }

    /// The receiver is off the hook. `answering`: this was seen under the request that rings, if that is the
    /// current one.
    pub(super) fn lifted(&mut self, turn: &mut Turn<'_>, id: LineId, answering: bool) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.reminds = false;
        match line.party {
            Party::Idle => {}
            Party::Ringing(leg, _) if answering => {
                line.party = Party::InCall(leg, None);
                return turn.leg(leg, LegEvent::Answered);
            }
            // It is the party's call already, and the only one that it can mean.
            Party::Recalled(leg, _) => {
                line.party = Party::InCall(leg, self.legs.get(&leg).and_then(|leg| leg.tone));
                return turn.leg(leg, LegEvent::Answered);
            }
            Party::Reserved(leg) | Party::Ringing(leg, _) => {
                line.party = Party::Idle;
                self.leave(turn, leg, Cause::USER_BUSY);
            }
            _ => return,
        }
        let Some(line) = self.lines.get_mut(&id) else { return };
        if line.standing == Standing::Withdrawn {
            line.party = Party::Parting(Parting::Tone(Tone::Congestion));
            return self.begin_parting(turn, id);
        }
        line.party = Party::Seizing;
        turn.reports.push_back(Report::Seizure(id));
    }

    /// The receiver is on the hook.
    pub(super) fn hung_up(&mut self, turn: &mut Turn<'_>, id: LineId) {
        self.touched.insert(id);
        let Some(line) = self.lines.get_mut(&id) else { return };
        match line.party {
            Party::Dialling(leg, _) | Party::InCall(leg, _) => {
                line.party = Party::Idle;
                turn.line(id, LineEvent::OnHook);
                self.leave(turn, leg, Cause::NORMAL_CLEARING);
            }
            Party::Parting(_) => {
                line.party = Party::Idle;
                turn.line(id, LineEvent::OnHook);
                turn.timers.cancel(&Timer::Party(id));
                if line.service == ServiceState::Lockout {
                    Self::set_service(turn, line, ServiceState::InService);
                }
            }
            // The seizure that the switch is being asked for finds nobody.
            Party::Seizing => line.party = Party::Idle,
            Party::Idle | Party::Reserved(_) | Party::Ringing(..) | Party::Recalled(..) => {}
        }
        self.check_withdrawn(turn, id);
    }

    fn dialled(&mut self, turn: &mut Turn<'_>, id: LineId, observed: Observed) {
        self.report_dialling(turn, id, LegEvent::Digits { digits: observed.digits });
    }

    /// The end of dialling, whatever it was: the line is silent until the switch says what it hears.
    fn report_dialling(&mut self, turn: &mut Turn<'_>, id: LineId, event: LegEvent) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if let Party::Dialling(leg, _) = line.party {
            line.party = Party::InCall(leg, self.legs.get(&leg).and_then(|leg| leg.tone));
            turn.leg(leg, event);
        }
    }

    /// The party must hang up: it hears the tone first.
    pub(super) fn part(&mut self, turn: &mut Turn<'_>, id: LineId, cause: Cause) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.party = Party::Parting(Parting::Tone(turn.settings.country.tone(cause)));
        self.begin_parting(turn, id);
    }

    fn begin_parting(&mut self, turn: &mut Turn<'_>, id: LineId) {
        self.touched.insert(id);
        let Some(line) = self.lines.get_mut(&id) else { return };
        let lasts = match line.party {
            Party::Parting(Parting::Tone(tone)) => signal::duration(tone, turn.settings),
            Party::Parting(Parting::Howler) => signal::duration(Tone::Howler, turn.settings),
            _ => return,
        };
        turn.timers.set(Timer::Party(id), turn.now + lasts);
    }

    /// The party has heard a tone for long enough.
    pub(in crate::access) fn party_timeout(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let Party::Parting(parting) = &mut line.party else { return };
        *parting = match parting {
            Parting::Tone(Tone::SpecialInformation) => Parting::Tone(Tone::Congestion),
            Parting::Tone(_) => Parting::Howler,
            Parting::Howler | Parting::Lockout => Parting::Lockout,
        };
        if *parting == Parting::Lockout {
            Self::set_service(turn, line, ServiceState::Lockout);
        }
        self.begin_parting(turn, id);
    }

    /// The endpoint has answered a request, or has not.
    pub(in crate::access) fn watch_outcome(
        &mut self,
        turn: &mut Turn<'_>,
        id: LineId,
        serial: u64,
        result: Result<Outcome, Failure>,
    ) {
        let Some(line) = self.lines.get_mut(&id).filter(|line| line.asked.serial == serial) else { return };
        line.asked.pending = false;
        self.touched.insert(id);
        let Err(failure) = result else { return self.watching(turn, id) };
        // Taken out of what was asked: it does not hold.
        let Some(watch) = line.asked.watch.take() else {
            // Its notification overtook the answer: it did hold.
            return;
        };
        let code = match &failure {
            Failure::Refused(refused) => Some(refused.code),
            _ => None,
        };
        let telling = matches!(code, Some(ReturnCode::OFF_HOOK | ReturnCode::ON_HOOK | ReturnCode::ABORTED));
        if telling {
            line.asked.mismatches += 1;
        }
        if matches!(code, Some(ReturnCode::OFF_HOOK | ReturnCode::ON_HOOK)) {
            line.asked.hook_unknown = false;
            self.checking.insert(line.place.gateway);
        }
        let believed = line.asked.mismatches <= turn.settings.mismatches;
        match code {
            Some(ReturnCode::OFF_HOOK) if believed => self.lifted(turn, id, false),
            Some(ReturnCode::ON_HOOK) if believed => self.hung_up(turn, id),
            Some(ReturnCode::ABORTED) if believed => {}
            _ => self.watch_failed(turn, id, &watch, &failure),
        }
    }

    /// The endpoint does what it was asked for.
    fn watching(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.asked.mismatches = 0;
        line.asked.steady.done();
        if let Some(Watch::Seizure { reminds, .. }) = &mut line.asked.watch
            && *reminds
        {
            // The short ring was given; to ask for the same once more would give it again.
            (*reminds, line.reminds) = (false, false);
        }
        let serves = line.standing == Standing::Up && line.doubt != Fate::Broken;
        if serves && line.party != Party::Parting(Parting::Lockout) {
            Self::set_service(turn, line, ServiceState::InService);
        }
        match (&line.asked.watch, &line.party) {
            (Some(Watch::Answer(_)), Party::Ringing(leg, _) | Party::Recalled(leg, _)) => {
                turn.leg(*leg, LegEvent::Alerting);
            }
            (Some(Watch::Waiting(..)), _) => self.shown(turn, id),
            _ => {}
        }
        self.resume(turn, id);
        self.ask_hook(turn, id);
    }

    /// The party has heard that a call waits, or cannot be told.
    fn shown(&mut self, turn: &mut Turn<'_>, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let able = Watch::can_wait(line.place.protocol, &line.lacks);
        let Some(waiting) = line.waiting.as_mut().filter(|waiting| !waiting.shown) else { return };
        waiting.shown = true;
        let leg = waiting.leg;
        if able {
            turn.leg(leg, LegEvent::Alerting);
        } else {
            line.waiting = None;
            self.leave(turn, leg, Cause::USER_BUSY);
        }
    }

    fn watch_failed(&mut self, turn: &mut Turn<'_>, id: LineId, watch: &Watch, failure: &Failure) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        if matches!(failure, Failure::GatewayLost | Failure::Restarted) {
            // What follows decides for the whole gateway.
            return;
        }
        alarm(turn, &line.place, "RQNT", failure);
        let mismatch = failure.category() == Category::ProvisioningMismatch;
        let event = matches!(failure, Failure::Refused(refused) if refused.code == ReturnCode::CANNOT_DETECT);
        if mismatch && !event && line.asked.plays {
            line.lacks.insert(Watch::silence(line.place.protocol).to_owned());
            return;
        }
        if mismatch && let Some(lacking) = watch.give_up(&line.terms(turn), event) {
            line.lacks.insert(lacking);
            return;
        }
        let refused = matches!(failure.category(), Category::ServiceFailure | Category::ProvisioningMismatch);
        let pause = if refused { turn.settings.timers.probe } else { turn.settings.timers.retry };
        line.asked.resting = true;
        turn.timers.set(Timer::Retry(id), turn.now + pause);
        let reason = cause(failure);
        match line.party {
            // Nobody can be rung, or dial, on a line that does not do what it is asked.
            Party::Ringing(leg, _) | Party::Recalled(leg, _) | Party::Reserved(leg) => {
                line.party = Party::Idle;
                self.leave(turn, leg, reason);
            }
            Party::Dialling(leg, _) => {
                self.leave(turn, leg, reason);
                self.part(turn, id, reason);
            }
            // Nor can a party be told that a call waits.
            _ => {
                if let Some(waiting) = line.waiting.take() {
                    self.leave(turn, waiting.leg, Cause::USER_BUSY);
                }
            }
        }
        let Some(line) = self.lines.get_mut(&id) else { return };
        if refused {
            Self::set_service(turn, line, ServiceState::OutOfService);
        } else if *failure == Failure::Unanswered {
            Self::set_service(turn, line, ServiceState::Unreachable);
        }
        self.check_withdrawn(turn, id);
    }
}
