//! Subscribers, gateways and network that do anything at any time, from a seed. Whatever happened, when all
//! is well again and all have hung up, nothing is left anywhere, every call has had its one record, and every
//! line can be called.

use std::collections::BTreeSet;

use strowger_exchange::{CallPhase, ControllerLeaves, Event, Features, LineCalls, ServiceState};
use strowger_mgcp::message::{RestartMethod, Verb};
use strowger_sansio::{Duration, Rng};

use crate::world::{World, relayed_town, town};

const NUMBERS: [&str; 6] = ["2001", "2002", "2003", "2004", "2005", "2006"];
const STEPS: u32 = 200;

/// What a seed makes likely.
struct Options {
    relayed: bool,
    loss: f64,
    refusals: bool,
    outages: bool,
}

/// Lives a seed through; says how often a call was held, retrieved, made one of three, transferred.
fn live(seed: u64) -> [usize; 4] {
    let mut rng = Rng::from_number(seed);
    let options = Options {
        relayed: rng.chance(0.4),
        loss: *rng.pick(&[0.0, 0.0, 0.05, 0.2]).unwrap(),
        refusals: rng.chance(0.4),
        outages: rng.chance(0.4),
    };
    let (mut inventory, relays) = if options.relayed { relayed_town(3) } else { (town(), 0) };
    for line in &mut inventory.lines {
        line.features =
            *rng.pick(&[Features::ALL, Features::ALL, Features::default(), Features::NONE]).unwrap();
    }
    if rng.chance(0.5) {
        inventory.features.controller_leaves = ControllerLeaves::JoinsTheOthers;
    }
    let mut world = World::new(inventory);
    if let Some(relay) = world.gateways.get_mut(2) {
        relay.relays = relays;
    }
    world.pass(5);
    let mut fate = rng.fork();
    let loss = options.loss;
    world.loses = Box::new(move |_| fate.chance(loss));
    for _ in 0..STEPS {
        step(&mut world, &mut rng, &options);
        check(&world, seed);
    }
    for gateway in &mut world.gateways {
        gateway.stop_refusing();
    }
    let mut world = world.end();
    for pair in NUMBERS.chunks(2) {
        world.connect_somehow(pair[0], pair[1]);
        world.hang_up(pair[0]);
        world.hang_up(pair[1]);
    }
    let world = world.end();
    let count = |is: fn(&Event) -> bool| world.events.iter().filter(|event| is(event)).count();
    [
        count(|event| matches!(event, Event::Held { .. })),
        count(|event| matches!(event, Event::Retrieved { .. })),
        count(|event| matches!(event, Event::ThreeWay { .. })),
        count(|event| matches!(event, Event::Transferred { .. })),
    ]
}

/// A subscriber who knows what to do: answers, dials, and uses what there is.
fn use_telephone(world: &mut World, rng: &mut Rng, number: &str) {
    let hears = world.hears(number);
    let invited = ["L/dl", "L/sl"].iter().any(|tone| hears.starts_with(tone));
    if !world.endpoint(number).off_hook {
        if hears.starts_with("L/rg") || rng.chance(0.4) {
            world.hook(number, true);
        }
    } else if invited {
        let (gateway, endpoint) = world.place(number);
        let other = *rng.pick(&NUMBERS).unwrap();
        let keys = if rng.chance(0.15) { *rng.pick(&["*98", "*70"]).unwrap() } else { other };
        let now = world.now;
        world.gateways[gateway].dial(now, &endpoint, keys);
    } else if hears.starts_with("G/rt") && rng.chance(0.7) {
        // Patience.
    } else if rng.chance(0.6) {
        world.press(number);
    } else {
        world.hook(number, false);
    }
}

fn step(world: &mut World, rng: &mut Rng, options: &Options) {
    let number = *rng.pick(&NUMBERS).unwrap();
    let ringing = NUMBERS.into_iter().find(|number| world.hears(number).starts_with("L/rg"));
    if rng.chance(0.7) {
        // A telephone that rings is the next thing that somebody turns to.
        let number = ringing.filter(|_| rng.chance(0.6)).unwrap_or(number);
        use_telephone(world, rng, number);
    } else {
        disturb(world, rng, options, number);
    }
    let pause = match rng.below(10) {
        0..4 => rng.duration(Duration::ZERO, Duration::from_millis(20)),
        4..8 => rng.duration(Duration::from_millis(20), Duration::from_millis(500)),
        8 => rng.duration(Duration::from_secs(1), Duration::from_secs(10)),
        _ => rng.duration(Duration::from_secs(10), Duration::from_secs(100)),
    };
    world.pass_time(pause);
}

/// Anything that anybody may do, sensible or not.
fn disturb(world: &mut World, rng: &mut Rng, options: &Options, number: &str) {
    let (gateway, endpoint) = world.place(number);
    let now = world.now;
    match rng.below(26) {
        20.. if world.endpoint(number).off_hook => world.press(number),
        0..6 => {
            let off = world.endpoint(number).off_hook;
            world.hook(number, !off);
        }
        6..12 => {
            let other = *rng.pick(&NUMBERS).unwrap();
            let keys =
                *rng.pick(&[other, other, other, other, "*98", "*70", "20", "T", "9", "2009"]).unwrap();
            world.gateways[gateway].dial(now, &endpoint, keys);
        }
        12 if !world.endpoint(number).signals.is_empty() => {
            world.gateways[gateway].signal_ends(now, &endpoint);
        }
        13 if !world.endpoint(number).connections.is_empty() && options.refusals => {
            world.gateways[gateway].drop_connection(now, &endpoint);
        }
        14 | 15 if options.refusals => {
            let verb = *rng.pick(&[Verb::Crcx, Verb::Mdcx, Verb::Rqnt, Verb::Dlcx, Verb::Auep]).unwrap();
            let code = *rng.pick(&[400, 401, 402, 403, 405, 407, 409, 500, 501, 510, 513, 522, 534]).unwrap();
            let endpoint = if rng.chance(0.3) { "relay/" } else { endpoint.as_str() };
            // A gateway that will not delete what it has cannot be left clean by anybody.
            if verb != Verb::Dlcx || code == 400 {
                world.gateways[gateway].refuse(verb, endpoint, code, 1);
                if let Some(relay) = world.gateways.get_mut(2) {
                    relay.refuse(verb, "relay/", code, 1);
                }
            }
        }
        16 if options.outages => {
            let gateway = usize::try_from(rng.below(world.gateways.len() as u64)).unwrap();
            world.gateways[gateway].dead ^= true;
        }
        17 if options.outages => {
            let gateway = usize::try_from(rng.below(world.gateways.len() as u64)).unwrap();
            world.gateways[gateway].power_cycle();
            world.gateways[gateway].restart(now, "*", RestartMethod::Restart, None);
        }
        18 if options.outages => {
            world.gateways[gateway].restart(now, "*", RestartMethod::Disconnected, Some(5));
        }
        _ => {}
    }
}

/// What holds at every moment.
fn check(world: &World, seed: u64) {
    let snapshot = world.exchange.snapshot();
    assert!(snapshot.calls.len() <= 2 * NUMBERS.len() + 4, "seed {seed}: {:?}", snapshot.calls);
    let mut connections = snapshot.connections.clone();
    connections.sort();
    connections.dedup();
    assert_eq!(connections.len(), snapshot.connections.len(), "seed {seed}: one connection, one owner");
    let talking = snapshot.calls.iter().filter(|call| call.phase == CallPhase::Talking);
    for call in talking {
        assert!(call.answer.is_some() && call.called.is_some(), "seed {seed}: {call:?}");
    }
    let open: BTreeSet<_> = snapshot.calls.iter().map(|call| call.call).collect();
    for line in &snapshot.lines {
        let LineCalls { active, held, waiting, mixed } = line.calls;
        let own: Vec<_> = [active, held, waiting].into_iter().flatten().collect();
        assert_eq!(own.iter().collect::<BTreeSet<_>>().len(), own.len(), "seed {seed}: {line:?}");
        assert!(own.iter().all(|call| open.contains(call)), "seed {seed}: {line:?} has a call that is over");
        assert!(!mixed || own.len() == 2, "seed {seed}: {line:?}");
    }
    for call in snapshot.calls.iter().filter(|call| call.phase != CallPhase::Clearing) {
        assert!(call.joined.is_none_or(|other| open.contains(&other)), "seed {seed}: {call:?} is left over");
    }
    assert!(snapshot.transactions < 200, "seed {seed}: {} orders wait", snapshot.transactions);
}

impl World {
    /// A call of a line that came through everything.
    fn connect_somehow(&mut self, one: &str, other: &str) {
        for number in [one, other] {
            assert_eq!(self.line(number).service, ServiceState::InService, "{number}");
        }
        self.lift(one);
        self.dial(one, other);
        self.lift(other);
        let (one, other) = (self.endpoint(one), self.endpoint(other));
        let mode = |endpoint: &crate::gateway::Endpoint| {
            endpoint.connections.values().next().map(|c| c.mode.clone())
        };
        assert_eq!(mode(one).as_deref(), Some("sendrecv"));
        assert_eq!(mode(other).as_deref(), Some("sendrecv"));
    }
}

#[test]
fn nothing_is_left_whatever_happens() {
    let mut did = [0; 4];
    for seed in 0..200 {
        let result = std::panic::catch_unwind(|| live(seed));
        let events = result.unwrap_or_else(|_| panic!("seed {seed}"));
        for (did, events) in did.iter_mut().zip(events) {
            *did += events;
        }
    }
    assert!(did.iter().all(|count| *count > 10), "held, retrieved, three-way, transferred: {did:?}");
}
