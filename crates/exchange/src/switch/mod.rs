//! The call model: what joins legs to calls, whatever their protocols.
//!
//! ```text
//!  Dialling --digits--> Routing --both sides ready--> Offering --> Ringing --answer--> Answered --> Talking
//!      \___________________\_____________________________\____________\___________________\___________/
//!                                     release, refusal, timer  -->  Clearing  --> the record, and gone
//! ```
//!
//! The switch takes leg and context events and gives leg and context commands, records and events. The called
//! line is reserved before any stream is made, so that a busy line costs nothing and cannot be lost to its
//! own subscriber meanwhile; the caller's stream comes before the offer, because the offer carries its
//! description. With a relay, two streams of one context stand between the parties.
//!
//! A party may have several calls. Each is a call of two sides as any other; which of its legs the party has in
//! hand, on hold or waiting is kept by line (`station`), and what it does in the middle of a call is decided
//! there (`midcall`); what is pressed in a talk and is in no stream goes from side to side (`keys`). A transfer moves a leg from one call to another (`transfer`; `referral` where the peer of a trunk asks for it), and back when
//! nobody takes it (`returning`); where the network of a trunk has both parties, it may be left to that (`leaving`).
//!
//! Rules that hold for every call, whatever happens: each leg and each context hears at most one end
//! (`Release`, `Subtract`) and none after it has ended by itself; a call gives at most one stable record,
//! exactly one last record, and that in this order; it is forgotten when everything that it held is free. A leg
//! belongs to one call at a time, and a line has at most one leg in hand, one on hold and one waiting, each of
//! which lives. A call whose party was transferred ends with the call that it was transferred to, and not before.

mod call;
mod choice;
mod dial;
mod flow;
mod keys;
mod leaving;
mod midcall;
mod phone;
mod reach;
mod referral;
mod restore;
mod returning;
mod station;
mod transfer;
mod trunk;

use std::collections::{BTreeMap, VecDeque};

use strowger_sansio::{Rng, Time, Timers};

use crate::feature::Desk;
use crate::{
    CallId, CallPhase, CallTimers, CallView, Cause, ContextCommand, ContextEvent, ContextId, Event,
    FeaturePlan, Features, Inventory, LegCommand, LegEvent, LegId, LineId, MediaPolicy, Party, Plan, Record,
};
use call::{Call, Progress};
use keys::Keys;
pub use referral::{ReferTo, Replacing};
use restore::Awaited;
pub(crate) use restore::in_order;
pub use restore::{RestoredCall, RestoredLeg};
use station::Station;
use trunk::Trunks;

/// What the switch asks of an access adapter or of a media gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To a leg.
    Leg {
        /// The call that it belongs to.
        call: CallId,
        /// The leg.
        leg: LegId,
        /// What.
        command: LegCommand,
    },
    /// To a context.
    Context {
        /// The call that it belongs to.
        call: CallId,
        /// The context.
        context: ContextId,
        /// What.
        command: ContextCommand,
    },
    /// To a line, whether it is in a call or not.
    Line {
        /// The line.
        line: LineId,
        /// What.
        command: LineCommand,
    },
}

/// What a line is told outside of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineCommand {
    /// Show whether messages wait.
    MessageWaiting(bool),
    /// Remind the subscriber, if he is not on the telephone, that his calls are forwarded.
    Remind,
}

/// All calls of an exchange.
#[derive(Debug)]
pub struct Switch {
    plan: Plan,
    desk: Desk,
    parties: Vec<Party>,
    trunks: Trunks,
    timers: CallTimers,
    most_calls: usize,
    relayed: bool,
    features: Vec<Features>,
    /// How keys come from the parties that speak SIP.
    keys: Keys,
    codes: FeaturePlan,
    rng: Rng,
    calls: BTreeMap<CallId, Call>,
    legs: BTreeMap<LegId, CallId>,
    contexts: BTreeMap<ContextId, CallId>,
    stations: BTreeMap<LineId, Station>,
    /// Calls that are to be given back to who is on a line, when that is not in another: the first that came first.
    returns: BTreeMap<LineId, VecDeque<CallId>>,
    /// Calls that were taken over of which a party waits: whom it is to be given back to, once both are known to be there.
    awaited: BTreeMap<CallId, Awaited>,
    /// Legs that have ended, whose lines must be looked at.
    departed: Vec<(LineId, LegId)>,
    /// Lines whose parties have begun to talk: they may be told now of what waits.
    talking: Vec<LineId>,
    last_leg: u64,
    last_context: u64,
    /// One deadline a call; its phase says what for.
    deadlines: Timers<CallId>,
    commands: VecDeque<Command>,
    events: VecDeque<Event>,
    records: VecDeque<Record>,
}

impl Switch {
    /// A switch without calls.
    #[must_use]
    pub fn new(inventory: &Inventory, rng: Rng) -> Self {
        let parties = inventory.lines.iter().map(|line| Party {
            number: line.number.clone(),
            name: line.name.clone(),
            gateway: line.gateway().to_owned(),
            endpoint: line.endpoint().to_owned(),
        });
        let mut parties: Vec<Party> = parties.collect();
        let trunks = Trunks::new(inventory, &mut parties);
        let desk = Desk::new(inventory);
        let mut switch = Self {
            plan: Plan::new(inventory),
            desk,
            parties,
            trunks,
            timers: inventory.timers.clone(),
            most_calls: inventory.limits.calls,
            relayed: matches!(inventory.media, MediaPolicy::Relay { .. }),
            features: inventory.lines.iter().map(|line| line.features).collect(),
            keys: Keys::new(inventory),
            codes: inventory.features.clone(),
            rng,
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            contexts: BTreeMap::new(),
            stations: BTreeMap::new(),
            returns: BTreeMap::new(),
            awaited: BTreeMap::new(),
            departed: Vec::new(),
            talking: Vec::new(),
            last_leg: 0,
            last_context: 0,
            deadlines: Timers::new(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            records: VecDeque::new(),
        };
        for line in switch.desk.waiting() {
            switch.line_command(line, LineCommand::MessageWaiting(true));
        }
        switch
    }

    /// From now on nobody begins a call; those that there are go on.
    pub const fn refuse_new_calls(&mut self) {
        self.most_calls = 0;
    }

    /// A caller seized this line: a call begins, and its first command follows.
    ///
    /// # Errors
    /// The cause to refuse it with: too many calls, or a line that is not in the inventory.
    pub fn handle_seizure(&mut self, now: Time, line: LineId) -> Result<(CallId, LegId), Cause> {
        let (call, leg) = self.begin(now, line)?;
        self.give_in_hand(line, leg);
        self.with_call(call, |switch, call| switch.invite(now, call, line));
        self.settle(now);
        Ok((call, leg))
    }

    /// A call of which nothing is there but its caller.
    fn begin(&mut self, now: Time, line: LineId) -> Result<(CallId, LegId), Cause> {
        if self.calls.len() >= self.most_calls {
            return Err(Cause::SWITCHING_EQUIPMENT_CONGESTION);
        }
        let party = self.party(line).ok_or(Cause::DESTINATION_OUT_OF_ORDER)?;
        let calling = party.number.clone();
        let (call, leg) = (CallId(self.rng.next_u128()), self.new_leg());
        self.legs.insert(leg, call);
        self.calls.insert(call, Call::new(call, now, leg, line));
        self.deadlines.set(call, now + self.timers.dialling);
        self.events.push_back(Event::CallStarted { call, calling });
        Ok((call, leg))
    }

    /// A leg reports. Reports of legs that are not known, or that have been cleared, are nothing.
    pub fn handle_leg(&mut self, now: Time, leg: LegId, event: LegEvent) {
        let Some(id) = self.legs.get(&leg).copied() else { return };
        if matches!(event, LegEvent::Cleared { .. }) {
            self.legs.remove(&leg);
        }
        if !self.has_chosen(now, leg, &event) {
            self.with_call(id, |switch, call| switch.leg_event(now, call, leg, event));
        }
        self.settle(now);
    }

    /// A context reports. Reports of contexts that are not known are nothing.
    pub fn handle_context(&mut self, now: Time, context: ContextId, event: ContextEvent) {
        let Some(id) = self.contexts.get(&context).copied() else { return };
        if matches!(event, ContextEvent::Cleared { .. }) {
            self.contexts.remove(&context);
        }
        self.with_call(id, |switch, call| {
            if call.spent.contains(&context) {
                call.spent.retain(|spent| *spent != context || switch.contexts.contains_key(spent));
            } else {
                switch.context_event(now, call, event);
            }
        });
        self.settle(now);
    }

    /// To be called when [`Self::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(id) = self.deadlines.pop_due(now) {
            self.with_call(id, |switch, call| switch.deadline(now, call));
            self.settle(now);
        }
    }

    /// What an adapter is asked.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Something that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Something to be kept.
    pub fn poll_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// The dialling plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The calls that have not given their last record, in the order of their identifiers.
    pub fn calls(&self) -> impl Iterator<Item = CallView> {
        let open = self.calls.values().filter(|call| !call.recorded);
        open.map(|call| CallView {
            call: call.id,
            phase: call.phase,
            calling: self.number(Some(call.payer())).unwrap_or_default(),
            called: self.number(call.reached()),
            start: call.start,
            answer: call.answer,
            joined: call.joined.map(|joined| joined.call),
        })
    }

    /// How many legs and contexts have not been cleared.
    #[must_use]
    pub fn open_legs(&self) -> usize {
        self.legs.len() + self.contexts.len()
    }

    fn party(&self, line: LineId) -> Option<&Party> {
        self.parties.get(usize::try_from(line.0).ok()?)
    }

    fn number(&self, line: Option<LineId>) -> Option<String> {
        Some(self.party(line?)?.number.clone())
    }

    /// Takes the call out, so that it and the switch can be changed together, and puts it back unless it is over.
    fn with_call(&mut self, id: CallId, change: impl FnOnce(&mut Self, &mut Call)) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        change(self, &mut call);
        self.put_back(call);
    }

    fn put_back(&mut self, mut call: Call) {
        let id = call.id;
        if call.phase == CallPhase::Clearing && call.is_cleared() {
            self.give_last_record(&mut call);
            self.deadlines.cancel(&id);
        } else {
            self.ask_for_keys(&mut call);
            self.leave_to_network(&mut call);
            self.give_change(&mut call);
            self.calls.insert(id, call);
        }
    }

    /// What is kept of an answered call must be what a successor finds.
    fn give_change(&mut self, call: &mut Call) {
        if std::mem::take(&mut call.changed)
            && call.stands()
            && let Some(record) = call.stable(&self.parties)
        {
            self.records.push_back(Record::CallChanged(Box::new(record)));
        }
    }

    /// Looks at the lines whose legs have ended, and at those whose parties talk.
    fn settle(&mut self, now: Time) {
        loop {
            if let Some((line, leg)) = self.departed.pop() {
                self.depart(line, leg);
                self.give_next_back(now, line);
            } else if let Some(line) = self.talking.pop() {
                self.give_next_back(now, line);
            } else {
                break;
            }
        }
    }

    fn give_last_record(&mut self, call: &mut Call) {
        if !call.recorded
            && let Some(record) = call.ended(&self.parties)
        {
            call.recorded = true;
            self.records.push_back(Record::CallEnded(Box::new(record)));
        }
    }

    fn new_leg(&mut self) -> LegId {
        self.last_leg += 1;
        LegId(self.last_leg)
    }

    fn new_context(&mut self) -> ContextId {
        self.last_context += 1;
        ContextId(self.last_context)
    }

    fn command(&mut self, call: CallId, leg: LegId, command: LegCommand) {
        self.commands.push_back(Command::Leg { call, leg, command });
    }

    fn context_command(&mut self, call: CallId, context: ContextId, command: ContextCommand) {
        self.commands.push_back(Command::Context { call, context, command });
    }

    fn line_command(&mut self, line: LineId, command: LineCommand) {
        self.commands.push_back(Command::Line { line, command });
    }

    /// Tells a leg to end, unless it has.
    fn release(&mut self, call: &mut Call, leg: LegId, cause: Cause) {
        let id = call.id;
        if let Some(leg) = call.leg(leg).filter(|leg| leg.is_live()) {
            leg.progress = Progress::Ended;
            self.departed.push((leg.line, leg.id));
            let leg = leg.id;
            self.command(id, leg, LegCommand::Release { cause });
        }
    }
}
