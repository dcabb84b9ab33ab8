//! What a caller dials: numbers, feature codes, and what follows codes.

use strowger_sansio::Time;

use super::Switch;
use super::call::Call;
use crate::feature::{Invitation, Stage, Step};
use crate::{
    CallPhase, Cause, Digits, Event, LegCommand, LegId, LineId, Record, ReleasedBy, Resolution, SetBy,
    Setting, SettingChange, SettingFault, Tone,
};

impl Switch {
    /// Invites a caller who has seized a line, or calls for him.
    pub(super) fn invite(&mut self, now: Time, call: &mut Call, line: LineId) {
        match self.desk.invitation(line) {
            Invitation::Dial { prompt, patience } => {
                let dial = LegCommand::CollectDigits { prompt, digits: Digits::Plan, patience };
                self.command(call.id, call.calling, dial);
            }
            Invitation::Call(number) => self.call_out(now, call, line, &number),
        }
    }

    pub(super) fn dialled(&mut self, now: Time, call: &mut Call, leg: LegId, digits: &str) {
        if call.phase != CallPhase::Dialling || leg != call.calling {
            return;
        }
        let Some(line) = call.calling_leg().map(|leg| leg.line) else { return };
        if !digits.is_empty() {
            self.events.push_back(Event::Dialled { call: call.id, digits: digits.to_owned() });
        }
        if call.stage == Stage::First && self.takes_code(now, call, leg, digits) {
            return;
        }
        call.dialled.push_str(digits);
        match self.desk.read(&self.plan, line, call.stage, digits) {
            Step::Prompt(stage, digits) => {
                call.stage = stage;
                self.deadlines.set(call.id, now + self.timers.dialling);
                let dial = LegCommand::CollectDigits { prompt: Tone::RecallDial, digits, patience: None };
                self.command(call.id, leg, dial);
            }
            Step::Call { number, withheld } => {
                call.withheld = withheld.or(call.withheld);
                self.call_out(now, call, line, &number);
            }
            Step::Set(setting) => match self.set_by(now, line, &setting, SetBy::Subscriber) {
                Ok(()) => self.acknowledge(now, call),
                Err(fault) => self.end(now, call, refusal(&fault), ReleasedBy::Exchange),
            },
            Step::Answer(true) => self.acknowledge(now, call),
            Step::Answer(false) => {
                self.end(now, call, Cause::FACILITY_NOT_SUBSCRIBED, ReleasedBy::Exchange);
            }
            Step::Refuse(cause) => self.end(now, call, cause, ReleasedBy::Exchange),
        }
    }

    /// The subscriber hears that it is done, and hangs up, or is made to.
    fn acknowledge(&mut self, now: Time, call: &mut Call) {
        call.stage = Stage::Done;
        self.deadlines.set(call.id, now + self.timers.first_digit);
        self.command(call.id, call.calling, LegCommand::Play(Tone::Confirmation));
    }

    /// Calls a number for the caller's line, if it may.
    pub(super) fn call_out(&mut self, now: Time, call: &mut Call, line: LineId, number: &str) {
        if let Err(cause) = self.desk.permit(&self.plan, line, number) {
            return self.end(now, call, cause, ReleasedBy::Exchange);
        }
        call.withheld = Some(call.withheld.unwrap_or_else(|| self.desk.withholds(line)));
        call.precedence = self.desk.precedence(Some(line), number);
        self.route(now, call, number, Cause::NO_ROUTE_TO_DESTINATION, Some(line));
    }

    /// Sends the call to where a number leads. `caller`: whose redial it becomes.
    pub(super) fn route(
        &mut self,
        now: Time,
        call: &mut Call,
        number: &str,
        cause: Cause,
        caller: Option<LineId>,
    ) {
        let resolution = self.plan.resolve(number);
        self.follow_route(now, call, (number, resolution), cause, caller);
    }

    /// Sends the call to where a number was found to lead.
    pub(super) fn follow_route(
        &mut self,
        now: Time,
        call: &mut Call,
        (number, resolution): (&str, Resolution),
        cause: Cause,
        caller: Option<LineId>,
    ) {
        match resolution {
            Resolution::Hunt { targets, number: translated } => {
                if let Some(line) = caller {
                    self.desk.has_called(line, number);
                }
                call.hunt = targets.into();
                call.search = None;
                call.wanted = translated;
                if caller.is_some() && call.for_held {
                    self.transfer_blind(now, call, call.calling);
                }
                self.hunt_on(now, call, cause, ReleasedBy::Exchange);
            }
            Resolution::Incomplete => self.end(now, call, Cause::INVALID_NUMBER_FORMAT, ReleasedBy::Exchange),
            Resolution::Unallocated => self.end(now, call, Cause::UNALLOCATED_NUMBER, ReleasedBy::Exchange),
        }
    }

    /// Makes a setting of a line.
    ///
    /// # Errors
    /// Why not.
    pub fn set(&mut self, now: Time, number: &str, setting: &Setting) -> Result<(), SettingFault> {
        let line = self.desk.line_of(number).ok_or_else(|| SettingFault::Line(number.to_owned()))?;
        self.set_by(now, line, setting, SetBy::Operator)
    }

    /// The settings of a line as they are now; none when there is no such line.
    pub fn settings(&self, number: &str) -> Option<impl Iterator<Item = Setting>> {
        Some(self.desk.features(self.desk.line_of(number)?)?.settings())
    }

    fn set_by(&mut self, at: Time, line: LineId, setting: &Setting, by: SetBy) -> Result<(), SettingFault> {
        self.desk.set(&self.plan, line, setting)?;
        if let Setting::MessageWaiting(on) = setting {
            self.line_command(line, super::LineCommand::MessageWaiting(*on));
        }
        let line = self.number(Some(line)).unwrap_or_default();
        self.records.push_back(Record::Setting(SettingChange { at, line, setting: setting.clone(), by }));
        Ok(())
    }
}

/// What a subscriber hears who set what cannot be.
const fn refusal(fault: &SettingFault) -> Cause {
    match fault {
        SettingFault::Unreachable(_) => Cause::UNALLOCATED_NUMBER,
        SettingFault::Barred(_) => Cause::BEARER_NOT_AUTHORIZED,
        _ => Cause::FACILITY_REJECTED,
    }
}
