//! Two calls and a flash where networks ask what it is for: recall dial tone, and a digit (the register recall of European
//! telephones, R0 to R4).
//!
//! | Digit | a call is on hold | a call waits | a three-way call |
//! |---|---|---|---|
//! | 0 | releases the one on hold | refuses the one that waits | |
//! | 1 | releases the one in hand, returns | releases the one in hand, takes the one that waits | drops who came last |
//! | 2 | changes between the two | takes the one that waits, holds the first | back to one of two |
//! | 3 | three-way call | | |
//! | 4 | transfers | | transfers |
//!
//! Until it is dialled whoever the party talks to is on hold: the keys are not for him. Any other digit, no digit, and another
//! flash change nothing, and he is there again. With one call there is nothing to choose: a flash holds it.

use strowger_sansio::Time;

use super::Switch;
use super::call::Call;
use super::station::Station;
use crate::{Digits, FlashControl, LegCommand, LegEvent, LegId, LineId, Tone};

impl Switch {
    /// Asks a party who has flashed what for, where there is a choice.
    pub(super) fn asks_what(&mut self, line: LineId) -> bool {
        let Station { hand, held, waiting, mixed, chooses, .. } = self.station(line);
        let Some(hand) = hand.filter(|_| self.codes.flash == FlashControl::Digit) else { return false };
        if chooses {
            self.with_station(line, |station| station.chooses = false);
            self.with_leg(hand, |switch, call| switch.command(call.id, hand, LegCommand::Retrieve));
            self.resume(line);
            return true;
        }
        let two = held.is_some() || waiting.is_some_and(|waiting| self.is_ringing(waiting));
        if !two || !(mixed || self.is_talking(hand)) {
            return false;
        }
        self.with_station(line, |station| station.chooses = true);
        self.pause(line);
        let (prompt, digits, patience) = (Tone::RecallDial, Digits::Choice, None);
        self.with_leg(hand, |switch, call| {
            switch.command(call.id, hand, LegCommand::CollectDigits { prompt, digits, patience });
        });
        true
    }

    /// Who talks to a party that chooses is on hold for so long.
    fn pause(&mut self, line: LineId) {
        self.with_talking(line, |switch, call, leg| {
            if let Some(own) = call.leg(leg) {
                own.paused = true;
            }
            switch.let_flow(call, leg);
        });
    }

    /// Whoever is on hold for a choice, and whom that has left where it was, is there again.
    fn resume(&mut self, line: LineId) {
        self.with_talking(line, |switch, call, leg| {
            if let Some(own) = call.leg(leg).filter(|own| own.paused && own.is_live()) {
                own.paused = false;
                switch.let_flow(call, leg);
            }
        });
    }

    /// Changes the calls in which a party talks: the one in hand, and the other of a three-way call.
    fn with_talking(&mut self, line: LineId, change: impl Fn(&mut Self, &mut Call, LegId)) {
        let Station { hand, held, mixed, .. } = self.station(line);
        for leg in [hand, held.filter(|_| mixed)].into_iter().flatten() {
            self.with_leg(leg, |switch, call| change(switch, call, leg));
        }
    }

    /// Whether a leg's report is what its party has chosen; if so, that is done.
    pub(super) fn has_chosen(&mut self, now: Time, leg: LegId, event: &LegEvent) -> bool {
        let digits = match event {
            LegEvent::Digits { digits } => digits.as_str(),
            LegEvent::NoDigits => "",
            _ => return false,
        };
        let call = self.legs.get(&leg).and_then(|call| self.calls.get_mut(call));
        let Some(line) = call.and_then(|call| call.leg(leg)).map(|leg| leg.line) else { return false };
        let station = self.station(line);
        if !station.chooses || station.hand != Some(leg) {
            return false;
        }
        self.with_station(line, |station| station.chooses = false);
        self.choose(now, line, leg, digits);
        self.resume(line);
        true
    }

    fn choose(&mut self, now: Time, line: LineId, hand: LegId, digit: &str) {
        let features = self.features(line);
        let Station { held, waiting, mixed, .. } = self.station(line);
        let waiting = waiting.filter(|waiting| self.is_ringing(*waiting));
        match (digit, held, waiting) {
            ("1", Some(held), _) => {
                self.drop_leg(now, hand);
                self.retrieve(line, held);
            }
            ("2", Some(held), _) => {
                self.with_station(line, |station| station.mixed = false);
                self.change(line, hand, held);
            }
            ("0", Some(held), _) if !mixed => self.drop_leg(now, held),
            ("3", Some(held), _) if !mixed && features.three_way => self.mix(line, hand, held),
            ("4", Some(held), _) if features.transfer => {
                self.transfer(now, line, held, hand);
            }
            ("0", None, Some(waiting)) => self.refuse(now, waiting),
            ("1", None, Some(waiting)) => {
                self.drop_leg(now, hand);
                self.take(now, line, None, waiting);
            }
            ("2", None, Some(waiting)) => self.take(now, line, Some(hand), waiting),
            _ => {}
        }
    }
}
