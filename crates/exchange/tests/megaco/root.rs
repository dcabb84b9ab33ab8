//! What a gateway tells of itself: that it has too much to do (H.248.11), and that nothing was said for long (H.248.14).

use strowger_exchange::{Cause, Event, ServiceClass, ServiceState};
use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{
    AmmDescriptor, AmmRequest, CommandBody, ItemName, NotifyRequest, ObservedEvent, ObservedEvents,
    RequestId, Setting, TerminationId, Value,
};
use strowger_sansio::{Duration, Time};

use crate::world::{World, town};

const OVERLOAD: ItemName<'static> = ItemName::of(0x51, 1);
const SILENCE: ItemName<'static> = ItemName::of(0x45, 1);

/// ROOT of a gateway of the stories.
#[derive(Default)]
pub(crate) struct Root {
    request: Option<RequestId>,
    overload: bool,
    silence: Option<Duration>,
    /// It has more to do than it can.
    pub(crate) is_overloaded: bool,
    /// It has no equipment for inactivity, whatever its packages are.
    pub(crate) lacks_silence: bool,
    last: Option<Time>,
    waiting: Vec<ItemName<'static>>,
    /// How often it has told of silence.
    pub(crate) silences: usize,
}

impl Root {
    pub(crate) fn watch(&mut self, request: &AmmRequest<'_>, packages: &[&str]) -> Result<(), ErrorCode> {
        let [AmmDescriptor::Events(events)] = &request.descriptors[..] else { panic!("no events alone") };
        (self.overload, self.silence) = (false, None);
        self.request = events.request;
        for event in &events.events {
            if event.name == OVERLOAD && packages.contains(&"ocp") {
                self.overload = true;
            } else if event.name == SILENCE && packages.contains(&"it") {
                if self.lacks_silence {
                    return Err(ErrorCode::NO_EVENT_EQUIPMENT);
                }
                let [mit] = &event.parameters[..] else { panic!("no time") };
                let Setting::One(Value::Integer(hundredths)) = mit.setting else { panic!("no number") };
                self.silence = Some(Duration::from_millis(u64::try_from(hundredths).unwrap() * 10));
            } else {
                panic!("nobody has named this: {:?}", event.name);
            }
        }
        Ok(())
    }

    /// An Add was executed.
    pub(crate) fn added(&mut self) {
        self.waiting.extend((self.is_overloaded && self.overload).then_some(OVERLOAD));
    }

    pub(crate) fn heard(&mut self, now: Time) {
        self.last = Some(now);
    }

    pub(crate) fn timeout(&self) -> Option<Time> {
        Some(self.last? + self.silence?)
    }

    pub(crate) fn handle_timeout(&mut self, now: Time) {
        if self.timeout().is_some_and(|due| due <= now) {
            // Another word begins another silence.
            self.last = None;
            self.silences += 1;
            self.waiting.push(SILENCE);
        }
    }

    pub(crate) fn notices(&mut self) -> Vec<CommandBody<'static>> {
        let Some(request) = self.request else { return Vec::new() };
        let notice = |name| {
            let events = vec![ObservedEvent { time: None, name, stream: None, parameters: Vec::new() }];
            let observed = ObservedEvents { request, events };
            CommandBody::Notify(NotifyRequest {
                terminations: TerminationId::Root.into(),
                observed,
                error: None,
            })
        };
        self.waiting.drain(..).map(notice).collect()
    }
}

/// A world whose first gateway has these packages besides the usual ones.
fn with_packages(town: strowger_exchange::Inventory, packages: &[&'static str]) -> World {
    let mut world = World::new(town);
    world.gateways[0].packages.extend(packages);
    world.pass(5);
    world.service.clear();
    world
}

/// A call of two lines, told as what the caller hears when all has settled.
fn try_call(world: &mut World, one: &str, other: &str) -> String {
    world.lift(one);
    assert_eq!(world.hears(one), "L/dl", "whom he calls is not known yet");
    world.dial(one, other);
    let heard = world.hears(one);
    world.hang_up(one);
    world.pass_time(Duration::from_millis(50));
    heard
}

#[test]
fn calls_of_an_overloaded_gateway_are_held_back_at_the_rate_that_it_can_bear() {
    let mut world = with_packages(town(), &["ocp"]);
    for _ in 0..8 {
        assert_eq!(try_call(&mut world, "2001", "2004"), "G/rt", "it has not complained");
    }
    world.gateways[0].root.is_overloaded = true;
    let (mut through, mut held_back) = (0, 0);
    let began = world.now;
    while world.now - began < Duration::from_secs(20) {
        match try_call(&mut world, "2001", "2004").as_str() {
            "G/rt" => through += 1,
            "L/ro" => held_back += 1,
            other => panic!("{other}"),
        }
    }
    // It complains of each: so the rate falls to one call a second, behind those that may come at once.
    assert!((15..=30).contains(&through) && held_back > 3, "{through} and {held_back}");
    let refused = world.ended.iter().filter(|call| call.cause == Cause::SWITCHING_EQUIPMENT_CONGESTION);
    assert_eq!(refused.count(), held_back);
    let told = |event: &&Event| matches!(event, Event::GatewayOverloaded { gateway } if gateway == "gw1");
    assert_eq!(world.events.iter().filter(told).count(), 1);
    // When it can do again what it is asked for, it gets all calls.
    world.gateways[0].root.is_overloaded = false;
    world.pass(40);
    for _ in 0..20 {
        assert_eq!(try_call(&mut world, "2001", "2004"), "G/rt");
    }
    world.end();
}

/// Lets the first gateway complain until it gets one call a second.
fn exhaust(world: &mut World) {
    world.gateways[0].root.is_overloaded = true;
    let heard: Vec<_> = (0..40).map(|_| try_call(world, "2001", "2004")).collect();
    assert!(heard.iter().filter(|heard| *heard == "L/ro").count() > 8, "{heard:?}");
}

#[test]
fn calls_to_an_overloaded_gateway_are_held_back_as_those_from_it_and_others_are_not() {
    let mut world = with_packages(town(), &["ocp"]);
    exhaust(&mut world);
    let mut held_back = 0;
    for _ in 0..10 {
        world.lift("2004");
        world.dial("2004", "2002");
        if world.hears("2004") == "L/ro" {
            held_back += 1;
            assert_eq!(world.hears("2002"), "", "it is not rung");
        }
        world.hang_up("2004");
    }
    assert!(held_back >= 2, "{held_back}");
    assert_eq!(try_call(&mut world, "2004", "2005"), "G/rt", "the other gateway has nothing to do with it");
    world.end();
}

#[test]
fn emergency_calls_are_never_held_back_and_those_of_priority_have_room_of_their_own() {
    let mut town = town();
    town.emergency.push("2005".to_owned());
    town.classes.push(ServiceClass { priority: true, ..ServiceClass::new("ward") });
    let ward = strowger_exchange::Subscription { class: Some("ward".to_owned()), ..Default::default() };
    town.subscriptions.insert("2003".to_owned(), ward);
    let mut world = with_packages(town, &["ocp"]);
    exhaust(&mut world);
    for _ in 0..6 {
        assert_eq!(try_call(&mut world, "2003", "2004"), "G/rt");
    }
    assert_eq!(try_call(&mut world, "2001", "2004"), "L/ro");
    for _ in 0..20 {
        assert_eq!(try_call(&mut world, "2002", "2005"), "G/rt");
    }
    assert_eq!(try_call(&mut world, "2003", "2004"), "L/ro", "its room is full too");
    world.end();
}

#[test]
fn what_has_been_answered_goes_on_whatever_the_gateway_says() {
    let mut inventory = crate::world::all();
    inventory.timers.transfer = Duration::from_secs(20);
    let mut world = with_packages(inventory, &["ocp"]);
    world.connect("2002", "2005");
    exhaust(&mut world);
    assert!(world.talk("2002", "2005"));
    // Hold and back.
    world.flash("2002");
    world.flash("2002");
    assert!(world.hear_each_other("2002", "2005"));
    // The other side transfers to who does not answer, and the party is given back to it.
    world.flash("2005");
    world.dial("2005", "2006");
    world.hang_up("2005");
    assert!(world.hears("2006").starts_with("L/rg"));
    world.hook("2006", true);
    world.settle();
    assert!(world.talk("2002", "2006"));
    world.end();
}

#[test]
fn a_gateway_that_tells_of_silence_is_not_audited_while_it_does() {
    let mut world = with_packages(town(), &["it", "ocp"]);
    world.pass(600);
    let asked = |world: &World, gateway: usize| world.gateways[gateway].signs;
    assert!(world.gateways[0].root.silences >= 9, "{}", world.gateways[0].root.silences);
    assert_eq!(asked(&world, 0), 0);
    assert!(asked(&world, 1) >= 9, "who does not tell of it is asked: {}", asked(&world, 1));
    assert!(world.service.is_empty(), "{:?}", world.service);
    // One that is gone is overdue soon after.
    world.gateways[0].dead = true;
    world.pass(60 + 5 + 30);
    assert_eq!(world.states("2001"), [ServiceState::Unreachable]);
    world.gateways[0].dead = false;
    world.pass(120);
    assert_eq!(world.states("2001"), [ServiceState::Unreachable, ServiceState::InService]);
    assert!(world.gateways[0].root.silences >= 9);
    world.end();
}

#[test]
fn a_gateway_that_cannot_tell_of_silence_tells_of_overload_and_is_audited() {
    let mut world = World::new(town());
    world.gateways[0].packages.extend(["it", "ocp"]);
    world.gateways[0].root.lacks_silence = true;
    world.pass(130);
    assert!(world.gateways[0].signs >= 1);
    exhaust(&mut world);
    world.end();
}

#[test]
fn what_a_gateway_watches_itself_for_is_asked_again_when_it_was_asked_too_early() {
    let mut world = World::new(town());
    world.gateways[0].packages.extend(["it", "ocp"]);
    world.gateways[0].early = 6;
    world.pass(100);
    assert_eq!(world.gateways[0].early, 0);
    assert!(world.gateways[0].root.silences >= 1);
    exhaust(&mut world);
    world.end();
}
