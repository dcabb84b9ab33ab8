//! What parties do in the middle of their calls: hold, consultation, swapping, three-way call, call waiting, recall.
//!
//! | The party … | flashes the hook | hangs up |
//! |---|---|---|
//! | talks | hold, recall dial tone | |
//! | talks, another call waits | takes it, holds the first | is rung for the one that waits |
//! | dials or rings with a call on hold | gives up, returns | transfers once it rings, before that it is rung for the held call |
//! | hears how that ended, with a call on hold | returns | is rung for the held call |
//! | talks, having consulted | three-way call | transfers |
//! | talks, having taken one that waited | swaps | is rung for the held call |
//! | talks with two | drops the second | ends both, or joins them |
//!
//! Where a flash asks for a digit (see `choice`), that says which of these is meant when there is a choice.
//! Each row is a question to one [`Station`]; what follows for the calls is said call by call. Where two things
//! meet, the one that the exchange heard first has happened, and the other finds what it has left.

use strowger_sansio::Time;

use super::Switch;
use super::call::Call;
use super::station::{Pair, Station};
use crate::{
    CallPhase, CallingParty, Cause, ControllerLeaves, Digits, Event, Flow, LegCommand, LegId, LineEvent,
    LineId, ReleasedBy, Ring, Sdp, Tone,
};

impl Switch {
    /// A line reports.
    pub fn handle_line(&mut self, now: Time, line: LineId, event: LineEvent) {
        match event {
            LineEvent::HookFlash => self.flashed(now, line),
            LineEvent::OnHook => self.hung_up(now, line),
            LineEvent::Serves => self.give_restored_back(now, line),
        }
        self.settle(now);
    }

    fn flashed(&mut self, now: Time, line: LineId) {
        if self.asks_what(line) {
            return;
        }
        let features = self.features(line);
        let talks = |leg: LegId| self.is_talking(leg);
        let Station { hand, held, waiting, pair, mixed, .. } = self.station(line);
        match (hand, held, waiting) {
            (Some(hand), Some(held), _) if mixed => {
                self.drop_leg(now, hand);
                self.retrieve(line, held);
            }
            (Some(hand), Some(held), _) if talks(hand) => {
                if pair == Pair::Consultation && features.three_way {
                    self.mix(line, hand, held);
                } else {
                    self.change(line, hand, held);
                }
            }
            (Some(hand), Some(held), _) => {
                self.drop_leg(now, hand);
                self.retrieve(line, held);
            }
            (None, Some(held), _) => self.retrieve(line, held),
            (hand, None, Some(waiting)) if self.is_ringing(waiting) => self.take(now, line, hand, waiting),
            (Some(hand), None, waiting) if features.hold && talks(hand) => {
                if let Some(waiting) = waiting {
                    // The party has not heard of it yet, and is busy now.
                    self.refuse(now, waiting);
                }
                self.consult(now, line, hand);
            }
            _ => {}
        }
    }

    /// The party has hung up. What it had in hand releases by itself behind this.
    fn hung_up(&mut self, now: Time, line: LineId) {
        let features = self.features(line);
        let Station { hand, held, waiting, pair, mixed, .. } = self.station(line);
        self.with_station(line, |station| {
            (station.mixed, station.undisturbed, station.chooses) = (false, false, false);
        });
        let rings = |leg: LegId| self.is_talking(leg) || self.is_ringing(leg);
        if let Some(held) = held {
            let joins = if mixed {
                self.codes.controller_leaves == ControllerLeaves::JoinsTheOthers
            } else {
                pair == Pair::Consultation && hand.is_some_and(rings)
            };
            let joined =
                joins && features.transfer && hand.is_some_and(|hand| self.transfer(now, line, held, hand));
            if joined || self.leaves_what_returns(held) {
            } else if mixed || !self.is_talking(held) {
                self.drop_leg(now, held);
            } else {
                self.recall(now, held);
            }
        } else if let Some(waiting) = waiting {
            self.recall(now, waiting);
        }
    }

    /// Whether a leg's call rings, so that it can be taken.
    pub(super) fn is_ringing(&self, leg: LegId) -> bool {
        let call = self.legs.get(&leg).and_then(|call| self.calls.get(call));
        call.is_some_and(|call| call.phase == CallPhase::Ringing)
    }

    /// Changes from one party to the other.
    pub(super) fn change(&mut self, line: LineId, hand: LegId, held: LegId) {
        self.hold(line, hand);
        self.retrieve(line, held);
        self.with_station(line, |station| station.held = Some(hand));
    }

    /// Changes the call of a leg, if it is there still.
    pub(super) fn with_leg(&mut self, leg: LegId, change: impl FnOnce(&mut Self, &mut Call)) {
        if let Some(call) = self.legs.get(&leg).copied() {
            self.with_call(call, change);
        }
    }

    /// The party gives up a call.
    pub(super) fn drop_leg(&mut self, now: Time, leg: LegId) {
        self.with_leg(leg, |switch, call| {
            let by = call.side(leg).map_or(ReleasedBy::Exchange, ReleasedBy::from);
            switch.end(now, call, Cause::NORMAL_CLEARING, by);
        });
    }

    /// A call that is offered finds the line busy after all.
    pub(super) fn refuse(&mut self, now: Time, leg: LegId) {
        self.with_leg(leg, |switch, call| {
            switch.release(call, leg, Cause::USER_BUSY);
            switch.leg_gone(now, call, leg, Cause::USER_BUSY);
        });
    }

    /// Puts a call on hold: its party turns to something else, and the other one is told to wait.
    fn hold(&mut self, line: LineId, leg: LegId) {
        let by = self.number(Some(line)).unwrap_or_default();
        self.with_leg(leg, |switch, call| {
            switch.set_flow(call, leg, Flow::Rest);
            switch.events.push_back(Event::Held { call: call.id, by });
        });
        self.with_station(line, |station| (station.hand, station.held) = (None, Some(leg)));
    }

    /// Returns to a call that was on hold, or that was one of two.
    pub(super) fn retrieve(&mut self, line: LineId, leg: LegId) {
        let by = self.number(Some(line)).unwrap_or_default();
        self.give_in_hand(line, leg);
        self.with_station(line, |station| station.mixed = false);
        self.with_leg(leg, |switch, call| {
            switch.command(call.id, leg, LegCommand::Retrieve);
            switch.set_flow(call, leg, Flow::Both);
            switch.events.push_back(Event::Retrieved { call: call.id, by });
        });
    }

    /// A party of a call wants its stream otherwise; the other one hears what that means.
    pub(super) fn set_flow(&mut self, call: &mut Call, leg: LegId, flow: Flow) {
        let Some(own) = call.leg(leg) else { return };
        own.paused = false;
        call.changed |= std::mem::replace(&mut own.flow, flow) != flow;
        self.let_flow(call, leg);
    }

    /// The stream of a party is as it is wanted now.
    pub(super) fn let_flow(&mut self, call: &mut Call, leg: LegId) {
        if call.is_answered() {
            self.point(call, leg, None);
        }
        if let Some(peer) = call.peer(leg).map(|peer| peer.id) {
            self.let_hear(call, peer);
        }
    }

    /// Lets a leg's stream be as its party wants it, towards `remote` when it is given.
    pub(super) fn point(&mut self, call: &mut Call, leg: LegId, remote: Option<Sdp>) {
        let id = call.id;
        let Some(own) = call.leg(leg).filter(|leg| leg.is_live()) else { return };
        let command = match own.flows() {
            Flow::Both => LegCommand::Connect { remote },
            Flow::Rest => LegCommand::Hold { remote },
            Flow::Mixed => LegCommand::Mix { remote },
        };
        self.command(id, leg, command);
    }

    /// Lets a party hear how its call is: the other side's ringing, that it is on hold, or the other side itself.
    pub(super) fn let_hear(&mut self, call: &Call, leg: LegId) {
        let rests =
            call.peer(leg).filter(|peer| peer.silent || peer.flows() == Flow::Rest).map(|peer| peer.recalled);
        let tone = match (call.is_answered(), rests) {
            (true, Some(true)) => Some(Tone::Ringback),
            (true, Some(false)) => Some(Tone::Hold),
            (true, None) => None,
            (false, _) => {
                (call.phase == CallPhase::Ringing && call.origin_leg() == Some(leg)).then_some(Tone::Ringback)
            }
        };
        self.command(call.id, leg, tone.map_or(LegCommand::Answer, LegCommand::Play));
    }

    /// Puts the call on hold and gives recall dial tone.
    fn consult(&mut self, now: Time, line: LineId, hand: LegId) {
        let Ok((call, leg)) = self.begin(now, line) else { return };
        self.hold(line, hand);
        self.give_in_hand(line, leg);
        self.with_station(line, |station| station.pair = Pair::Consultation);
        self.command(call, leg, LegCommand::Consult { line });
        self.command(call, leg, recall_dial_tone(Digits::Consultation));
    }

    /// Takes the call that waits.
    pub(super) fn take(&mut self, now: Time, line: LineId, hand: Option<LegId>, waiting: LegId) {
        if let Some(hand) = hand {
            self.hold(line, hand);
        }
        self.give_in_hand(line, waiting);
        self.with_station(line, |station| station.pair = Pair::Waiting);
        self.with_leg(waiting, |switch, call| {
            switch.command(call.id, waiting, LegCommand::Retrieve);
            switch.answered(now, call, waiting);
        });
    }

    /// Joins the two calls of a party in its own telephone (RFC 3435 Appendix D, `confrnce`).
    pub(super) fn mix(&mut self, line: LineId, hand: LegId, held: LegId) {
        let call = |leg: LegId| self.legs.get(&leg).copied();
        let (Some(first), Some(second)) = (call(held), call(hand)) else { return };
        for leg in [hand, held] {
            self.with_leg(leg, |switch, call| switch.set_flow(call, leg, Flow::Mixed));
        }
        self.with_station(line, |station| station.mixed = true);
        let by = self.number(Some(line)).unwrap_or_default();
        self.events.push_back(Event::ThreeWay { call: first, with: second, by });
    }

    /// Rings a party that has hung up for a call that it has still.
    fn recall(&mut self, now: Time, leg: LegId) {
        self.with_leg(leg, |switch, call| switch.ring_back(now, call, leg));
    }

    /// The party that has this leg is rung for it.
    pub(super) fn ring_back(&mut self, now: Time, call: &mut Call, leg: LegId) {
        if let Some(line) = call.leg(leg).map(|leg| leg.line) {
            self.give_in_hand(line, leg);
        }
        let withheld = call.withheld.unwrap_or_default() && leg != call.calling;
        let peer = call.peer(leg).filter(|_| !withheld).map(|peer| self.identity(peer.line));
        let peer = peer.unwrap_or_default();
        let ring = match call.leg(leg).map(|leg| leg.line) {
            _ if call.is_answered() => self.codes.recall_ring,
            Some(line) => self.desk.ring(line, &call.wanted, peer.number.as_deref()),
            None => Ring::Normal,
        };
        let calling = CallingParty { withheld, ring, ..peer };
        self.command(call.id, leg, LegCommand::Recall { calling });
        if call.is_answered() {
            if let Some(leg) = call.leg(leg) {
                leg.recalled = true;
            }
            self.await_recalled(now, call);
            if let Some(peer) = call.peer(leg).map(|peer| peer.id) {
                self.let_hear(call, peer);
            }
        }
    }

    /// Ends an answered call in time, if a party that is rung for it does not come.
    pub(super) fn await_recalled(&mut self, now: Time, call: &Call) {
        if call.recalls() {
            self.deadlines.set(call.id, now + self.timers.ringing);
        } else {
            self.deadlines.cancel(&call.id);
        }
    }

    /// A party that was rung for its own call is there again.
    pub(super) fn returned(&mut self, now: Time, call: &mut Call, leg: LegId) {
        let Some(own) = call.leg(leg) else { return };
        own.recalled = false;
        let by = Some(own.line);
        if call.is_answered() {
            self.talking.extend(by);
            self.await_recalled(now, call);
            self.set_flow(call, leg, Flow::Both);
        } else {
            // It was transferred while it was rung: whom it is to talk to has not answered yet.
            if let Some(own) = call.leg(leg) {
                own.flow = Flow::Both;
            }
            self.let_hear(call, leg);
        }
        let by = self.number(by).unwrap_or_default();
        self.events.push_back(Event::Retrieved { call: call.id, by });
    }

    /// Who is on a line, as others are shown.
    pub(super) fn identity(&self, line: LineId) -> CallingParty {
        self.party(line).map_or_else(CallingParty::default, |party| CallingParty {
            number: Some(party.number.clone()),
            name: party.name.clone(),
            ..CallingParty::default()
        })
    }

    /// A leg has ended: what becomes of the others of its line.
    pub(super) fn depart(&mut self, line: LineId, leg: LegId) {
        let Station { hand, held, mixed, .. } = self.station(line);
        self.with_station(line, |station| {
            // Without one of three there is nothing to choose; of two it may be the other that is wanted.
            station.chooses &= station.hand != Some(leg) && !station.mixed;
            for place in [&mut station.hand, &mut station.held, &mut station.waiting] {
                *place = place.filter(|own| *own != leg);
            }
        });
        if !mixed {
            return;
        }
        match (hand, held) {
            (Some(hand), Some(held)) if hand == leg => self.retrieve(line, held),
            (Some(hand), Some(held)) if held == leg => self.retrieve(line, hand),
            _ => {}
        }
    }

    /// Whether what was dialled is a code of a call in progress; if so, the caller dials on.
    pub(super) fn takes_code(&mut self, now: Time, call: &mut Call, leg: LegId, digits: &str) -> bool {
        let Some(line) = call.leg(leg).map(|leg| leg.line) else { return false };
        let (features, station) = (self.features(line), self.station(line));
        let is = |code: &Option<String>| code.as_deref() == Some(digits);
        if is(&self.codes.cancel_call_waiting) && features.call_waiting {
            self.with_station(line, |station| station.undisturbed = true);
        } else if is(&self.codes.blind_transfer) && features.transfer && station.held.is_some() {
            call.for_held = true;
        } else {
            return false;
        }
        self.deadlines.set(call.id, now + self.timers.dialling);
        self.command(call.id, leg, recall_dial_tone(Digits::Number));
        true
    }
}

const fn recall_dial_tone(digits: Digits) -> LegCommand {
    LegCommand::CollectDigits { prompt: Tone::RecallDial, digits, patience: None }
}
