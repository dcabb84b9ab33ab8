//! The call model with legs that are only their words: every way in which a call can go, without a protocol.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use strowger_exchange::{
    CallEnded, CallPhase, CallStable, Cause, Command, ContextCommand, ContextEvent, ContextId, Country,
    Digits, Event, Features, GatewayEntry, Inventory, LegCommand, LegEvent, LegId, LineAccess, LineEntry,
    LineId, MediaPolicy, MediaStatistics, Precedence, Record, RelayEntry, ReleasedBy, RouteEntry, Sdp, Side,
    StreamRole, Switch, Termination, Tone,
};
use strowger_sansio::{Duration, Rng, Time};

const ALICE: LineId = LineId(0);

fn town() -> Inventory {
    let mut town = Inventory::new("town", Country::default());
    let mut gateway = GatewayEntry::mgcp("gw1", "127.0.0.9:2427".parse().unwrap(), "gw1.town");
    gateway.relay = Some(RelayEntry { endpoint: "relay/$".to_owned() });
    town.gateways.push(gateway);
    for (number, name) in [("2001", "Alice"), ("2002", "Bob"), ("2003", "Carol")] {
        town.lines.push(LineEntry {
            number: number.to_owned(),
            access: LineAccess::endpoint("gw1", format!("aaln/{}", &number[3..])),
            name: Some(name.to_owned()),
            features: Features::default(),
        });
    }
    let to = |targets: &[&str]| targets.iter().map(|target| target.parse().unwrap()).collect();
    let route = |prefix: &str, to| RouteEntry {
        prefix: prefix.to_owned(),
        strip: 0,
        add: String::new(),
        length: Some(2..=2),
        to,
    };
    town.routes.push(route("70", to(&["line:2002", "line:2003"])));
    town.routes.push(route("71", to(&["line:2002", "cause:42"])));
    town.routes.push(route("72", to(&["cause:21"])));
    town
}

/// What a caller is told first.
fn dial_tone() -> LegCommand {
    LegCommand::CollectDigits { prompt: Tone::Dial, digits: Digits::Plan, patience: None }
}

/// The switch, and a notebook of what it said.
struct Bench {
    switch: Switch,
    now: Time,
    /// What each leg was told and has not been looked at.
    told: BTreeMap<LegId, Vec<LegCommand>>,
    asked: BTreeMap<ContextId, Vec<ContextCommand>>,
    events: Vec<Event>,
    stable: Vec<CallStable>,
    ended: Vec<CallEnded>,
    over: BTreeSet<LegId>,
    subtracted: BTreeSet<ContextId>,
}

impl Bench {
    fn new(inventory: &Inventory) -> Self {
        Self {
            switch: Switch::new(inventory, Rng::from_number(7)),
            now: Time::from_secs(100),
            told: BTreeMap::new(),
            asked: BTreeMap::new(),
            events: Vec::new(),
            stable: Vec::new(),
            ended: Vec::new(),
            over: BTreeSet::new(),
            subtracted: BTreeSet::new(),
        }
    }

    fn drain(&mut self) {
        while let Some(command) = self.switch.poll_command() {
            match command {
                Command::Leg { leg, command, .. } => {
                    assert!(!self.over.contains(&leg), "{leg:?} is over and hears {command:?}");
                    if matches!(command, LegCommand::Release { .. }) {
                        self.over.insert(leg);
                    }
                    self.told.entry(leg).or_default().push(command);
                }
                Command::Line { line, command } => panic!("{line:?} hears {command:?}"),
                Command::Context { context, command, .. } => {
                    assert!(!self.subtracted.contains(&context), "{context:?} is over and hears {command:?}");
                    if command == ContextCommand::Subtract {
                        self.subtracted.insert(context);
                    }
                    self.asked.entry(context).or_default().push(command);
                }
            }
        }
        self.events.extend(std::iter::from_fn(|| self.switch.poll_event()));
        while let Some(record) = self.switch.poll_record() {
            match record {
                Record::CallStable(stable) => {
                    assert!(
                        !self.ended.iter().any(|ended| ended.call == stable.call),
                        "stable after its end"
                    );
                    self.stable.push(*stable);
                }
                Record::CallChanged(changed) => {
                    assert!(self.stable.iter().any(|stable| stable.call == changed.call), "not stable yet");
                    assert!(!self.ended.iter().any(|ended| ended.call == changed.call), "it is over");
                }
                Record::CallEnded(ended) => self.ended.push(*ended),
                Record::Setting(change) => panic!("nobody sets anything here: {change:?}"),
                Record::Registration(change) => panic!("a switch has no telephones: {change:?}"),
                Record::Subscriptions(change) => panic!("a switch has no telephones: {change:?}"),
                Record::Service(change) => panic!("a switch has no service states: {change:?}"),
            }
        }
        let mut calls = BTreeSet::new();
        assert!(self.ended.iter().all(|ended| calls.insert(ended.call)), "two last records of a call");
        assert!(self.stable.len() <= self.ended.len() + self.switch.calls().count());
    }

    fn seize(&mut self, line: LineId) -> LegId {
        let (_, leg) = self.switch.handle_seizure(self.now, line).unwrap();
        self.drain();
        leg
    }

    fn leg(&mut self, leg: LegId, event: LegEvent) {
        if matches!(event, LegEvent::Released { .. }) {
            self.over.insert(leg);
        }
        self.switch.handle_leg(self.now, leg, event);
        self.drain();
    }

    fn context(&mut self, context: ContextId, event: ContextEvent) {
        if matches!(event, ContextEvent::Failed { .. }) {
            self.subtracted.insert(context);
        }
        self.switch.handle_context(self.now, context, event);
        self.drain();
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.switch.poll_timeout().filter(|at| *at <= until) {
            self.now = at;
            self.switch.handle_timeout(at);
            self.drain();
        }
        self.now = until;
    }

    fn dial(&mut self, leg: LegId, digits: &str) {
        self.leg(leg, LegEvent::Digits { digits: digits.to_owned() });
    }

    fn told(&mut self, leg: LegId) -> Vec<LegCommand> {
        self.told.remove(&leg).unwrap_or_default()
    }

    fn asked(&mut self, context: ContextId) -> Vec<ContextCommand> {
        self.asked.remove(&context).unwrap_or_default()
    }

    fn ready(&mut self, leg: LegId, name: &str) {
        self.leg(leg, LegEvent::MediaReady { termination: termination(name), local: sdp(name) });
    }

    fn clear(&mut self, leg: LegId, packets: u64) {
        let statistics = MediaStatistics { packets_sent: packets, ..MediaStatistics::default() };
        self.leg(leg, LegEvent::Cleared { statistics: Some(statistics) });
    }

    /// The leg that was just asked to seize `line`.
    fn seizing(&self, line: LineId) -> LegId {
        let asked = |(leg, told): (&LegId, &Vec<LegCommand>)| {
            matches!(told.as_slice(), [LegCommand::Seize { line: own, .. }] if *own == line).then_some(*leg)
        };
        self.told.iter().find_map(asked).unwrap_or_else(|| panic!("nobody seizes {line:?}: {:?}", self.told))
    }

    fn phase(&self) -> CallPhase {
        self.switch.calls().next().unwrap().phase
    }

    /// Alice dials Bob up to the ringing.
    fn ring(&mut self) -> (LegId, LegId) {
        let alice = self.seize(ALICE);
        self.dial(alice, "2002");
        let bob = self.seizing(LineId(1));
        self.leg(bob, LegEvent::Seized);
        self.ready(alice, "alice");
        self.ready(bob, "bob");
        self.leg(bob, LegEvent::Alerting);
        (alice, bob)
    }

    fn talk(&mut self) -> (LegId, LegId) {
        let (alice, bob) = self.ring();
        self.leg(bob, LegEvent::Answered);
        self.leg(bob, LegEvent::Connected { local: None });
        self.leg(alice, LegEvent::Connected { local: None });
        self.told.clear();
        (alice, bob)
    }

    fn the_record(&self) -> &CallEnded {
        assert_eq!(self.ended.len(), 1, "{:?}", self.ended);
        assert_eq!(self.switch.open_legs(), 0);
        assert_eq!(self.switch.calls().count(), 0);
        assert_eq!(self.switch.poll_timeout(), None);
        &self.ended[0]
    }
}

fn sdp(name: &str) -> Sdp {
    Sdp::new(name.as_bytes())
}

fn termination(name: &str) -> Termination {
    Termination { gateway: "gw1".to_owned(), endpoint: name.to_owned(), connection: "1".to_owned() }
}

fn release(cause: Cause) -> Vec<LegCommand> {
    vec![LegCommand::Release { cause }]
}

#[test]
fn a_call_is_dialled_rung_answered_talked_and_recorded() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    assert_eq!(bench.told(alice), [dial_tone()]);
    bench.pass(Duration::from_secs(4));
    bench.dial(alice, "2002");
    let bob = bench.seizing(LineId(1));
    assert_eq!(bench.told(alice), [], "the called line comes first");
    bench.leg(bob, LegEvent::Seized);
    assert_eq!(bench.told(alice), [LegCommand::OpenMedia { precedence: Precedence::Ordinary }]);
    bench.told(bob);
    bench.ready(alice, "alice");
    let told = bench.told(bob);
    assert!(
        matches!(&told[..], [LegCommand::Alert { calling, remote }] if *remote == sdp("alice")
            && calling.number.as_deref() == Some("2001") && calling.name.as_deref() == Some("Alice")),
        "{told:?}"
    );
    bench.ready(bob, "bob");
    bench.pass(Duration::from_secs(1));
    bench.leg(bob, LegEvent::Alerting);
    assert_eq!(bench.told(alice), [LegCommand::Play(Tone::Ringback)]);
    assert_eq!(bench.phase(), CallPhase::Ringing);
    bench.pass(Duration::from_secs(5));
    bench.leg(bob, LegEvent::Answered);
    assert_eq!(bench.told(bob), [LegCommand::Connect { remote: None }]);
    assert_eq!(bench.told(alice), [LegCommand::Answer, LegCommand::Connect { remote: Some(sdp("bob")) }]);
    assert_eq!(bench.stable.len(), 1);
    bench.leg(bob, LegEvent::Connected { local: None });
    assert_eq!(bench.phase(), CallPhase::Answered);
    bench.leg(alice, LegEvent::Connected { local: None });
    assert_eq!(bench.phase(), CallPhase::Talking);
    bench.pass(Duration::from_secs(3600));
    bench.leg(alice, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!(bench.told(bob), release(Cause::NORMAL_CLEARING));
    assert!(bench.ended.is_empty(), "the record waits for the statistics");
    bench.clear(bob, 20);
    bench.clear(alice, 10);

    let record = bench.the_record();
    let stable = &bench.stable[0];
    assert_eq!(
        (stable.call, &stable.calling, Some(&stable.called)),
        (record.call, &record.calling, record.called.as_ref())
    );
    assert_eq!(
        stable.streams.iter().map(|s| s.local.clone()).collect::<Vec<_>>(),
        [sdp("alice"), sdp("bob")]
    );
    assert_eq!((record.calling.number.as_str(), record.dialled.as_str()), ("2001", "2002"));
    assert_eq!(record.called.as_ref().unwrap().number, "2002");
    let start = Time::from_secs(100);
    assert_eq!(record.start, start);
    assert_eq!(record.alerting, Some(start + Duration::from_secs(5)));
    assert_eq!(record.answer, Some(start + Duration::from_secs(10)));
    assert_eq!(record.end, start + Duration::from_secs(3610));
    assert_eq!((record.cause, record.released_by), (Cause::NORMAL_CLEARING, ReleasedBy::Calling));
    let media: Vec<_> = record.media.iter().map(|m| (m.role, m.statistics.unwrap().packets_sent)).collect();
    assert_eq!(media, [(StreamRole::Calling, 10), (StreamRole::Called, 20)]);
}

#[test]
fn the_called_party_may_hang_up_first() {
    let mut bench = Bench::new(&town());
    let (alice, bob) = bench.talk();
    bench.leg(bob, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!(bench.told(alice), release(Cause::NORMAL_CLEARING));
    bench.clear(bob, 1);
    bench.clear(alice, 1);
    assert_eq!(bench.the_record().released_by, ReleasedBy::Called);
}

#[test]
fn both_parties_may_hang_up_at_once() {
    let mut bench = Bench::new(&town());
    let (alice, bob) = bench.talk();
    bench.leg(bob, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    bench.leg(alice, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    bench.clear(alice, 1);
    bench.clear(bob, 1);
    assert_eq!(bench.the_record().released_by, ReleasedBy::Called);
}

#[test]
fn a_busy_line_costs_no_stream() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.told(alice);
    bench.dial(alice, "2002");
    let bob = bench.seizing(LineId(1));
    bench.leg(bob, LegEvent::Released { cause: Cause::USER_BUSY });
    assert_eq!(bench.told(alice), release(Cause::USER_BUSY));
    bench.leg(bob, LegEvent::Cleared { statistics: None });
    bench.leg(alice, LegEvent::Cleared { statistics: None });
    let record = bench.the_record();
    assert_eq!((record.cause, record.released_by), (Cause::USER_BUSY, ReleasedBy::Called));
    assert_eq!((record.answer, record.media.len()), (None, 0));
    assert_eq!(record.called.as_ref().unwrap().number, "2002");
}

#[test]
fn numbers_that_lead_nowhere_end_with_their_causes() {
    for (dialled, cause) in [
        ("2009", Cause::UNALLOCATED_NUMBER),
        ("20", Cause::INVALID_NUMBER_FORMAT),
        ("72", Cause::CALL_REJECTED),
        ("9", Cause::UNALLOCATED_NUMBER),
    ] {
        let mut bench = Bench::new(&town());
        let alice = bench.seize(ALICE);
        bench.told(alice);
        bench.dial(alice, dialled);
        assert_eq!(bench.told(alice), release(cause), "{dialled}");
        bench.leg(alice, LegEvent::Cleared { statistics: None });
        let record = bench.the_record();
        assert_eq!((record.cause, record.released_by), (cause, ReleasedBy::Exchange));
        assert_eq!((record.dialled.as_str(), &record.called), (dialled, &None));
    }
}

#[test]
fn a_caller_who_dials_nothing_is_released() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.told(alice);
    bench.leg(alice, LegEvent::NoDigits);
    assert_eq!(bench.told(alice), release(Cause::INVALID_NUMBER_FORMAT));
    bench.leg(alice, LegEvent::Cleared { statistics: None });
    assert_eq!(bench.the_record().dialled, "");
}

#[test]
fn a_caller_of_whom_nothing_is_heard_is_released() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.told(alice);
    bench.pass(Duration::from_secs(119));
    assert_eq!(bench.told(alice), []);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.told(alice), release(Cause::INVALID_NUMBER_FORMAT));
}

#[test]
fn an_abandoned_call_frees_the_called_line_in_every_phase() {
    for step in 0..5 {
        let mut bench = Bench::new(&town());
        let alice = bench.seize(ALICE);
        bench.dial(alice, "2002");
        let bob = bench.seizing(LineId(1));
        bench.told(bob);
        let steps: [&dyn Fn(&mut Bench); 4] = [
            &|bench| bench.leg(bob, LegEvent::Seized),
            &|bench| bench.ready(alice, "alice"),
            &|bench| bench.ready(bob, "bob"),
            &|bench| bench.leg(bob, LegEvent::Alerting),
        ];
        steps.iter().take(step).for_each(|step| step(&mut bench));
        bench.told(bob);
        bench.leg(alice, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
        assert_eq!(bench.told(bob), release(Cause::NORMAL_CLEARING), "after {step} steps");
        // What the called side still says crossed with the release.
        bench.leg(bob, LegEvent::Answered);
        bench.clear(alice, 0);
        bench.clear(bob, 0);
        let record = bench.the_record();
        assert_eq!((record.cause, record.answer), (Cause::NORMAL_CLEARING, None));
        assert_eq!(record.released_by, ReleasedBy::Calling);
    }
}

#[test]
fn a_telephone_that_nobody_answers_stops_ringing() {
    let mut bench = Bench::new(&town());
    let (alice, bob) = bench.ring();
    bench.told.clear();
    bench.pass(Duration::from_secs(179));
    assert_eq!(bench.told(alice), []);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.told(alice), release(Cause::NO_ANSWER));
    assert_eq!(bench.told(bob), release(Cause::NO_ANSWER));
    bench.clear(alice, 0);
    bench.clear(bob, 0);
    assert_eq!(bench.the_record().cause, Cause::NO_ANSWER);
}

#[test]
fn an_access_that_does_not_follow_is_given_up() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "2002");
    let bob = bench.seizing(LineId(1));
    bench.leg(bob, LegEvent::Seized);
    bench.ready(alice, "alice");
    bench.told.clear();
    bench.pass(Duration::from_secs(30));
    assert_eq!(bench.told(alice), release(Cause::NO_USER_RESPONDING));
    assert_eq!(bench.told(bob), release(Cause::NO_USER_RESPONDING));
}

#[test]
fn a_lost_access_in_the_middle_of_a_call_ends_it_on_nobodys_account() {
    let mut bench = Bench::new(&town());
    let (alice, bob) = bench.talk();
    bench.leg(bob, LegEvent::Released { cause: Cause::NETWORK_OUT_OF_ORDER });
    assert_eq!(bench.told(alice), release(Cause::NETWORK_OUT_OF_ORDER));
    bench.clear(alice, 5);
    assert!(bench.ended.is_empty());
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.ended.len(), 1, "the record does not wait for ever");
    bench.leg(bob, LegEvent::Cleared { statistics: None });
    let record = bench.the_record();
    assert_eq!((record.cause, record.released_by), (Cause::NETWORK_OUT_OF_ORDER, ReleasedBy::Exchange));
    let statistics: Vec<_> = record.media.iter().map(|media| media.statistics.is_some()).collect();
    assert_eq!(statistics, [true, false]);
}

#[test]
fn a_route_goes_on_to_its_next_line_when_the_first_is_out_of_order_but_not_when_it_is_busy() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "70");
    let bob = bench.seizing(LineId(1));
    bench.leg(bob, LegEvent::Released { cause: Cause::DESTINATION_OUT_OF_ORDER });
    let carol = bench.seizing(LineId(2));
    bench.leg(bob, LegEvent::Cleared { statistics: None });
    bench.leg(carol, LegEvent::Released { cause: Cause::USER_BUSY });
    bench.leg(carol, LegEvent::Cleared { statistics: None });
    bench.leg(alice, LegEvent::Cleared { statistics: None });
    let record = bench.the_record();
    assert_eq!(record.cause, Cause::USER_BUSY);
    assert_eq!(record.called.as_ref().unwrap().number, "2003");

    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "70");
    let bob = bench.seizing(LineId(1));
    bench.told.clear();
    bench.leg(bob, LegEvent::Released { cause: Cause::USER_BUSY });
    assert_eq!(bench.told(alice), release(Cause::USER_BUSY));
}

#[test]
fn a_line_that_does_not_respond_is_freed_before_the_next_is_tried() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "70");
    let bob = bench.seizing(LineId(1));
    bench.leg(bob, LegEvent::Seized);
    bench.ready(alice, "alice");
    bench.told.clear();
    bench.pass(Duration::from_secs(30));
    assert_eq!(bench.told(bob), release(Cause::NO_USER_RESPONDING));
    let carol = bench.seizing(LineId(2));
    bench.told(carol);
    bench.leg(carol, LegEvent::Seized);
    assert_eq!(bench.told(alice), [], "the caller's stream is there already");
    assert!(matches!(&bench.told(carol)[..], [LegCommand::Alert { remote, .. }] if *remote == sdp("alice")));
}

#[test]
fn a_route_may_end_in_a_cause() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "71");
    let bob = bench.seizing(LineId(1));
    bench.told.clear();
    bench.leg(bob, LegEvent::Released { cause: Cause::DESTINATION_OUT_OF_ORDER });
    assert_eq!(bench.told(alice), release(Cause::SWITCHING_EQUIPMENT_CONGESTION));
}

#[test]
fn a_side_that_describes_its_stream_anew_is_heard_by_the_other() {
    let mut bench = Bench::new(&town());
    let (alice, bob) = bench.ring();
    bench.leg(bob, LegEvent::Answered);
    bench.told.clear();
    bench.leg(alice, LegEvent::Connected { local: Some(sdp("alice-2")) });
    assert_eq!(bench.told(bob), [LegCommand::Connect { remote: Some(sdp("alice-2")) }]);
    bench.leg(bob, LegEvent::Connected { local: None });
    assert_eq!(bench.phase(), CallPhase::Talking);
}

#[test]
fn two_sides_that_never_agree_do_not_keep_the_switch_busy() {
    let mut bench = Bench::new(&town());
    let (alice, bob) = bench.ring();
    bench.leg(bob, LegEvent::Answered);
    bench.told.clear();
    for round in 0..1000 {
        let local = |side: &str| Some(sdp(&format!("{side}-{round}")));
        bench.leg(alice, LegEvent::Connected { local: local("alice") });
        bench.leg(bob, LegEvent::Connected { local: local("bob") });
    }
    assert_eq!(bench.told(alice).len() + bench.told(bob).len(), 8);
}

#[test]
fn too_many_calls_are_refused_at_the_seizure() {
    let mut inventory = town();
    inventory.limits.calls = 1;
    let mut bench = Bench::new(&inventory);
    let alice = bench.seize(ALICE);
    assert_eq!(bench.switch.handle_seizure(bench.now, LineId(1)), Err(Cause::SWITCHING_EQUIPMENT_CONGESTION));
    bench.leg(alice, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    bench.leg(alice, LegEvent::Cleared { statistics: None });
    assert_eq!(bench.switch.handle_seizure(bench.now, LineId(99)), Err(Cause::DESTINATION_OUT_OF_ORDER));
    bench.seize(LineId(1));
}

#[test]
fn words_out_of_turn_change_nothing() {
    let mut bench = Bench::new(&town());
    let alice = bench.seize(ALICE);
    for event in [LegEvent::Seized, LegEvent::Alerting, LegEvent::Answered, LegEvent::Dtmf('5')] {
        bench.leg(alice, event);
    }
    assert_eq!(bench.phase(), CallPhase::Dialling);
    bench.dial(alice, "2002");
    bench.dial(alice, "2003");
    let bob = bench.seizing(LineId(1));
    bench.leg(LegId(999), LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    bench.leg(bob, LegEvent::Alerting);
    assert_eq!(bench.phase(), CallPhase::Routing);
}

fn relayed() -> Inventory {
    let mut town = town();
    town.media = MediaPolicy::Relay { gateway: "gw1".to_owned() };
    town
}

fn added(side: Side, name: &str) -> ContextEvent {
    ContextEvent::Added { side, termination: termination(name), local: sdp(name) }
}

#[test]
fn a_relayed_call_has_two_streams_between_the_parties() {
    let mut bench = Bench::new(&relayed());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "2002");
    let bob = bench.seizing(LineId(1));
    bench.leg(bob, LegEvent::Seized);
    bench.told.clear();
    bench.ready(alice, "alice");
    let context = *bench.asked.keys().next().unwrap();
    assert_eq!(
        bench.asked(context),
        [ContextCommand::Add {
            side: Side::Calling,
            remote: Some(sdp("alice")),
            precedence: Precedence::Ordinary
        }]
    );
    bench.context(context, added(Side::Calling, "relay-a"));
    let precedence = Precedence::Ordinary;
    assert_eq!(bench.asked(context), [ContextCommand::Add { side: Side::Called, remote: None, precedence }]);
    bench.context(context, added(Side::Called, "relay-b"));
    assert!(matches!(&bench.told(bob)[..], [LegCommand::Alert { remote, .. }] if *remote == sdp("relay-b")));
    bench.ready(bob, "bob");
    assert_eq!(bench.asked(context), [ContextCommand::Modify { side: Side::Called, remote: sdp("bob") }]);
    bench.leg(bob, LegEvent::Alerting);
    bench.leg(bob, LegEvent::Answered);
    bench.leg(bob, LegEvent::Connected { local: None });
    let connect = LegCommand::Connect { remote: Some(sdp("relay-a")) };
    assert_eq!(bench.told(alice), [LegCommand::Play(Tone::Ringback), LegCommand::Answer, connect]);
    bench.leg(alice, LegEvent::Connected { local: None });
    assert_eq!(bench.phase(), CallPhase::Answered, "the relay does not flow yet");
    bench.context(context, ContextEvent::Modified { side: Side::Called });
    assert_eq!(bench.phase(), CallPhase::Talking);
    let roles: Vec<_> = bench.stable[0].streams.iter().map(|stream| stream.role).collect();
    use StreamRole::{Called, Calling, RelayCalled, RelayCalling};
    assert_eq!(roles, [Calling, RelayCalling, RelayCalled, Called]);

    bench.leg(bob, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!(bench.asked(context), [ContextCommand::Subtract]);
    bench.clear(alice, 1);
    bench.clear(bob, 4);
    let figures = |packets_sent| MediaStatistics { packets_sent, ..MediaStatistics::default() };
    let statistics = vec![(Side::Calling, figures(2)), (Side::Called, figures(3))];
    bench.context(context, ContextEvent::Cleared { statistics });
    let media: Vec<_> = bench.the_record().media.iter().map(|m| m.statistics.unwrap().packets_sent).collect();
    assert_eq!(media, [1, 2, 3, 4]);
}

#[test]
fn a_relay_without_room_fails_the_call() {
    let mut bench = Bench::new(&relayed());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "2002");
    let bob = bench.seizing(LineId(1));
    bench.leg(bob, LegEvent::Seized);
    bench.ready(alice, "alice");
    bench.told.clear();
    let context = *bench.asked.keys().next().unwrap();
    bench.context(context, ContextEvent::Failed { cause: Cause::NO_CIRCUIT_AVAILABLE });
    assert_eq!(bench.told(alice), release(Cause::NO_CIRCUIT_AVAILABLE));
    assert_eq!(bench.told(bob), release(Cause::NO_CIRCUIT_AVAILABLE));
    bench.context(context, ContextEvent::Cleared { statistics: Vec::new() });
    bench.clear(alice, 0);
    bench.leg(bob, LegEvent::Cleared { statistics: None });
    assert_eq!(bench.the_record().released_by, ReleasedBy::Exchange);
}

#[test]
fn a_call_abandoned_while_the_relay_is_prepared_frees_it() {
    let mut bench = Bench::new(&relayed());
    let alice = bench.seize(ALICE);
    bench.dial(alice, "2002");
    let bob = bench.seizing(LineId(1));
    bench.leg(bob, LegEvent::Seized);
    bench.ready(alice, "alice");
    let context = *bench.asked.keys().next().unwrap();
    bench.asked.clear();
    bench.leg(alice, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    assert_eq!(bench.asked(context), [ContextCommand::Subtract]);
    // The stream that was under way arrives late: nobody goes on from it.
    bench.context(context, added(Side::Calling, "relay-a"));
    assert_eq!(bench.asked(context), []);
    bench.context(context, ContextEvent::Cleared { statistics: Vec::new() });
    bench.clear(alice, 0);
    bench.leg(bob, LegEvent::Cleared { statistics: None });
    bench.the_record();
}

#[test]
fn events_tell_the_story_in_order() {
    let mut bench = Bench::new(&town());
    let (alice, _) = bench.talk();
    bench.leg(alice, LegEvent::Released { cause: Cause::NORMAL_CLEARING });
    let call = bench.stable[0].call;
    let (calling, called) = ("2001".to_owned(), "2002".to_owned());
    let ended = Event::Ended { call, cause: Cause::NORMAL_CLEARING, released_by: ReleasedBy::Calling };
    let story = [
        Event::CallStarted { call, calling },
        Event::Dialled { call, digits: called.clone() },
        Event::Routed { call, called },
        Event::Alerting { call },
        Event::Answered { call },
        Event::Connected { call },
        ended,
    ];
    assert_eq!(bench.events, story);
}
