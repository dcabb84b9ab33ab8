//! Calls that are left to a network that has both of their parties: the peer of a trunk is asked to join them itself (RFC 3515, RFC
//! 3891), and when it has, the exchange is out of it.
//!
//! That goes for parties whom a subscriber has transferred to each other, at one trunk with `transfer = "refer"`. Attended, they are joined here first, and the
//! network is asked when both have answered; blind, it is asked before anybody is called. Where it is not asked, refuses or says nothing, the exchange does what it does
//! without: it bridges, or calls. What the network has heard from whom it called is heard as if the exchange had called.

use strowger_sansio::Time;

use super::Switch;
use super::call::{Call, Leg};
use super::referral::ReferTo;
use crate::{CallPhase, Cause, Flow, LegCommand, LegId, Referred, ReleasedBy, TrunkId};

/// How far a call is with being left to the network of its parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Leaving {
    /// It has not been asked.
    #[default]
    No,
    /// This leg was asked to join the party of the other side.
    Joining(LegId),
    /// This leg was asked to call who would be called by this trunk, for want of whom the call would have ended for this cause.
    Calling(LegId, TrunkId, Cause),
    /// It does not.
    Refused,
    /// It has.
    Done,
}

impl Switch {
    /// Asks the network to join the parties of a call, if it has both and they were transferred to each other.
    pub(super) fn leave_to_network(&mut self, call: &mut Call) {
        if call.phase != CallPhase::Talking || call.leaving != Leaving::No || !self.trunks.refers_any() {
            return;
        }
        // Who was brought here last is asked: it has been waiting.
        let Some(account) = call.accounts.last() else { return };
        let (Some(own), Some(other)) = (call.at(account.here), call.at(account.here.other())) else { return };
        let talks = |id: LegId| {
            let leg = call.legs.iter().find(|leg| leg.id == id)?;
            let is_there = leg.is_live() && leg.connected && !leg.silent && !leg.recalled;
            (is_there && leg.flows() == Flow::Both).then_some(leg.line)
        };
        let (Some(line), Some(line_of_other)) = (talks(own), talks(other)) else { return };
        let trunk = self.trunks.place_of(line);
        if trunk.is_some() && trunk == self.trunks.place_of(line_of_other) && self.trunks.refers(line) {
            call.leaving = Leaving::Joining(own);
            self.command(call.id, own, LegCommand::Refer { to: ReferTo::Leg(other) });
        }
    }

    /// Asks the network to call who is to be called by a trunk, if the caller is a party there that was transferred; says whether it does.
    pub(super) fn calls_itself(&mut self, now: Time, call: &mut Call, trunk: TrunkId, cause: Cause) -> bool {
        let origin = call.origin_leg().and_then(|id| call.legs.iter().find(|leg| leg.id == id));
        let is_party = |leg: &&Leg| leg.is_live() && leg.stream.is_some();
        let Some((own, line)) = origin.filter(is_party).map(|leg| (leg.id, leg.line)) else { return false };
        let place = usize::try_from(trunk.0).ok();
        let fits = self.trunks.refers(line) && self.trunks.place_of(line) == place;
        if !fits || call.leaving != Leaving::No || call.accounts.is_empty() || call.answer.is_some() {
            return false;
        }
        call.leaving = Leaving::Calling(own, trunk, cause);
        call.phase = CallPhase::Routing;
        self.deadlines.set(call.id, now + self.timers.ringing);
        let number = call.wanted.clone();
        self.command(call.id, own, LegCommand::Refer { to: ReferTo::Number(number) });
        true
    }

    /// The network has said something of it.
    pub(super) fn network_says(&mut self, now: Time, call: &mut Call, leg: LegId, word: Referred) {
        match (call.leaving, word) {
            (Leaving::Joining(own) | Leaving::Calling(own, ..), Referred::Done) if own == leg => {
                call.leaving = Leaving::Done;
                self.end(now, call, Cause::NORMAL_CLEARING, ReleasedBy::Exchange);
            }
            (Leaving::Joining(own), Referred::Refused | Referred::Failed(_)) if own == leg => {
                call.leaving = Leaving::Refused;
            }
            (Leaving::Calling(own, trunk, cause), Referred::Refused) if own == leg => {
                call.leaving = Leaving::Refused;
                self.try_trunk(now, call, trunk, cause);
            }
            (Leaving::Calling(own, ..), Referred::Failed(cause)) if own == leg => {
                call.leaving = Leaving::Refused;
                self.network_failed(now, call, cause);
            }
            _ => {}
        }
    }

    /// The deadline of a call has passed: says whether the network was calling somebody for it, for as long as anybody is rung.
    pub(super) fn network_is_late(&mut self, now: Time, call: &mut Call) -> bool {
        let calls = call.phase == CallPhase::Routing && matches!(call.leaving, Leaving::Calling(..));
        if calls {
            call.leaving = Leaving::Refused;
            self.end(now, call, Cause::NO_ANSWER, ReleasedBy::Exchange);
        }
        calls
    }

    fn network_failed(&mut self, now: Time, call: &mut Call, cause: Cause) {
        if super::reach::leads_to_the_next_target(cause) {
            self.hunt_on(now, call, cause, ReleasedBy::Called);
        } else {
            self.end(now, call, cause, ReleasedBy::Called);
        }
    }
}
