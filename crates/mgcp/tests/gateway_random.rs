//! Thousands of commands and events drawn from a seed, sensible and not: what must hold after each of them.

mod gateway_support;

use gateway_support::{Bench, config, remote};
use strowger_mgcp::gateway::{EndpointIndex, Hook, MediaEvent, MediaFault};
use strowger_sansio::{Duration, Rng};

const ENDPOINTS: [&str; 9] =
    ["aaln/1", "aaln/2", "relay/1", "relay/2", "aaln/*", "relay/$", "relay/*", "*", "aaln/3"];
const EVENTS: [&str; 12] = [
    "L/hd(N)",
    "L/hu(N)",
    "L/hf(A)",
    "D/[0-9#*](D)",
    "D/5(N)",
    "D/T(N)",
    "D/T(D)",
    "L/oc(N)",
    "G/of(A)",
    "L/hd(E(R(L/hu(N),D/x(A)),S(L/dl)))",
    "L/hu(K,I)",
    "B/oef(N)",
];
const SIGNALS: [&str; 10] =
    ["L/dl", "L/rg", "L/ro", "L/vmwi", "L/vmwi(-)", "L/z", "G/rt@*", "D/1", "D/2", "L/dl(to=500)"];
const MODES: [&str; 7] = ["sendrecv", "recvonly", "inactive", "confrnce", "loopback", "netwloop", "nomode"];
const OPTIONS: [&str; 10] = [
    "a:image/t38",
    "a:G729;image/t38;PCMA",
    "a:PCMU",
    "a:PCMA;PCMU",
    "a:G729",
    "p:10",
    "p:20, b:80",
    "p:30",
    "x+y",
    "e:on",
];

const CONFIGURATIONS: [&str; 7] = [
    "RED/R: reset",
    "RED/EL: aaln/[1-2], relay/1\nRED/MP: TFT\nRED/R: reset",
    "RED/EL: aaln/1\nRED/MP: TT",
    "RED/NL: [127.0.0.1]:2727",
    "RED/N: [192.0.2.66]",
    "LCK/LST: 20",
    "B: e:A",
];

struct Draw(Rng);

impl Draw {
    fn one<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0.pick(from).copied().unwrap_or_default()
    }

    fn some(&mut self, from: &[&str]) -> String {
        let mut some: Vec<&str> = (0..self.0.below(4)).map(|_| self.one(from)).collect();
        // Twice the same is illegal, which is worth a try now and then.
        if self.0.chance(0.9) {
            some.sort_unstable();
            some.dedup_by_key(|entry| entry.split(['(', '@']).next());
        }
        some.join(", ")
    }

    /// The parameters of a notification request, or a part of them.
    fn request(&mut self) -> String {
        let mut body = format!("X: {}\n", self.0.below(1000));
        if self.0.chance(0.8) {
            body += &format!("R: {}\n", self.some(&EVENTS));
        }
        if self.0.chance(0.6) {
            body += &format!("S: {}\n", self.some(&SIGNALS));
        }
        if self.0.chance(0.7) {
            let maps = ["(2xxx|9x.T)", "(2xxx|9x.T)", "x", "xx", "(1x|5)", "(xxZ)"];
            body += &format!("D: {}\n", self.one(&maps));
        }
        if self.0.chance(0.4) {
            body += &format!("Q: {}\n", self.one(&["loop", "step", "discard", "loop,discard"]));
        }
        body
    }

    /// The identifier of a connection that exists, most of the time.
    fn connection(&mut self, bench: &Bench) -> (String, String, String) {
        let all: Vec<_> = bench
            .gateway
            .endpoints()
            .flat_map(|endpoint| {
                let name = endpoint.name.clone();
                endpoint.connections.into_iter().map(move |c| (name.clone(), c.call, c.id))
            })
            .collect();
        let known = self.0.pick(&all).cloned();
        let stray = ("aaln/1".to_owned(), "1".to_owned(), "ABCD".to_owned());
        known.filter(|_| self.0.chance(0.9)).unwrap_or(stray)
    }
}

fn command(bench: &mut Bench, draw: &mut Draw) {
    let endpoint = draw.one(&ENDPOINTS).to_owned();
    let request = if draw.0.chance(0.4) { draw.request() } else { String::new() };
    let mut description =
        if draw.0.chance(0.5) { remote(4000, draw.one(&["0 96", "8", "18", "0"])) } else { String::new() };
    if !description.is_empty() && draw.0.chance(0.3) {
        description += "m=image 4002 udptl t38\na=T38FaxVersion:0\n";
        if draw.0.chance(0.7) {
            description = description.replace("m=audio 4000", "m=audio 0");
        }
    }
    let (owner, call, id) = draw.connection(bench);
    let (verb, endpoint, body) = match draw.0.below(12) {
        0 | 1 => {
            let mode = draw.one(&MODES);
            let options = draw.one(&OPTIONS);
            (
                "CRCX",
                endpoint,
                format!("C: {}\nL: {options}\nM: {mode}\n{request}{description}", draw.0.below(3)),
            )
        }
        2 => {
            let second = draw.one(&["relay/$", "relay/1", "aaln/2", "relay/7"]);
            ("CRCX", endpoint, format!("C: 1\nM: sendrecv\nZ2: {second}@gw.town\n{request}"))
        }
        3 => {
            let options = draw.one(&["", "", "L: a:image/t38\n", "L: a:PCMU\n"]);
            let mode = draw.one(&MODES);
            ("MDCX", owner, format!("C: {call}\nI: {id}\n{options}M: {mode}\n{request}{description}"))
        }
        4 => ("DLCX", owner, format!("C: {call}\nI: {id}\n{request}")),
        5 => ("DLCX", endpoint, String::new()),
        6 => ("AUEP", endpoint, "F: R,S,D,X,I,O,T,B/NS".to_owned()),
        7 => (
            "EPCF",
            draw.one(&["aaln/[1-2]", "mg", "aaln/1", "*", "relay/[2-3]"]).to_owned(),
            draw.one(&CONFIGURATIONS).to_owned(),
        ),
        8 => ("AUEP", endpoint, "BA/F: BA/C, BA/M, BA/S(I,D,N,L,S,H)".to_owned()),
        _ => (
            "RQNT",
            draw.one(&["aaln/1", "aaln/2", "aaln/1", "aaln/2", "aaln/*", "*"]).to_owned(),
            draw.request(),
        ),
    };
    let (before, media) = (bench.gateway.snapshot(), bench.plane.state());
    let answer = bench.command(verb, &endpoint, &body);
    // To an endpoint that its agent does not know about, any command is a reason to tell it.
    let known = bench.gateway.endpoints().all(|endpoint| endpoint.associated);
    if known && (answer.code() >= 300 || verb == "AUEP") {
        assert_eq!(bench.gateway.snapshot(), before, "{verb} {endpoint} {body}{}", answer.0);
        assert_eq!(bench.plane.state(), media, "{verb} {endpoint} {body}{}", answer.0);
    }
}

fn happening(bench: &mut Bench, draw: &mut Draw) {
    let line = u32::try_from(draw.0.below(2)).unwrap_or_default();
    let lifted = bench.plane.hooks.get(&EndpointIndex(line)) == Some(&Hook::Off);
    match draw.0.below(8) {
        0 if lifted => bench.on_hook(line),
        0 => bench.off_hook(line),
        1 | 2 | 6 if lifted => bench.media(
            line,
            MediaEvent::Digit(draw.one(&["1", "2", "5", "9", "#"]).chars().next().unwrap_or('1')),
        ),
        3 if lifted => bench.media(line, MediaEvent::HookFlash),
        4 | 5 => {
            for ntfy in bench.take("NTFY") {
                if draw.0.chance(0.8) {
                    bench.answer(if draw.0.chance(0.9) { 200 } else { 500 }, &ntfy);
                }
            }
            for rsip in bench.take("RSIP") {
                bench.answer(200, &rsip);
            }
        }
        _ => bench.pass(Duration::from_millis(draw.0.below(8000))),
    }
}

/// What the gateway believes and what its media do are the same.
fn check(bench: &Bench) -> usize {
    let (mut known, mut images) = (Vec::new(), 0);
    for endpoint in bench.gateway.endpoints() {
        for connection in &endpoint.connections {
            let (owner, spec) = &bench.plane.open[&connection.handle];
            assert_eq!(*owner, endpoint.index);
            assert_eq!((spec.mode, spec.remote), (connection.mode, connection.remote));
            // T.38 is where it can be, and its formats of audio are there to return to.
            assert!(spec.image.is_none() || bench.plane.images.contains(owner));
            assert!(!spec.codecs.is_empty());
            images += usize::from(spec.image.is_some());
            known.push(connection.handle);
        }
    }
    known.sort_unstable();
    assert_eq!(known, bench.plane.open.keys().copied().collect::<Vec<_>>());
    images
}

#[test]
fn whatever_is_asked_the_media_do_what_the_gateway_believes_and_a_refusal_changes_nothing() {
    let (mut opened, mut refused, mut notified, mut images) = (0, 0, 0, 0);
    for seed in 0..40 {
        let mut draw = Draw(Rng::from_number(seed));
        let mut town = config();
        town.limits.observed_events = 6;
        town.limits.quarantined_events = 6;
        let mut bench = Bench::switched_on(town);
        bench.come_up();
        // The relays.
        bench.plane.images = [EndpointIndex(2), EndpointIndex(3)].into();
        for _ in 0..150 {
            bench.plane.refuse_open = draw.0.chance(0.05).then_some(MediaFault::Exhausted);
            bench.plane.refuse_modify = draw.0.chance(0.05).then_some(MediaFault::Insufficient);
            bench.plane.refuse_signal = draw
                .0
                .chance(0.1)
                .then(|| (EndpointIndex(0), draw.one(&["l/dl", "d/2", "g/rt", "l/z"]), MediaFault::Signal))
                .map(|(at, name, fault)| {
                    (at, Box::leak(name.to_owned().into_boxed_str()) as &'static str, fault)
                });
            if draw.0.chance(0.5) {
                command(&mut bench, &mut draw);
            } else {
                happening(&mut bench, &mut draw);
            }
            images += check(&bench);
        }
        // Whatever went before, the gateway can be put in order again.
        bench.plane.refuse_open = None;
        bench.plane.refuse_modify = None;
        bench.plane.refuse_signal = None;
        for _ in 0..20 {
            bench.pass_secs(30);
            for verb in ["NTFY", "RSIP", "DLCX"] {
                for command in bench.take(verb) {
                    bench.answer(200, &command);
                }
            }
        }
        bench.good("DLCX", "*", "");
        bench.good("RQNT", "aaln/*", "X: 1\nQ: discard\nS: L/vmwi(-)");
        bench.pass_secs(30);
        assert!(
            bench.plane.open.is_empty() && bench.plane.heard.is_empty(),
            "seed {seed}: {}",
            bench.plane.state()
        );
        assert!(bench.view(0).signals.is_empty());
        let counters = bench.gateway.counters();
        opened += counters.connections_opened;
        refused += counters.refused;
        notified += counters.notifications;
    }
    assert!(opened > 150 && refused > 500 && notified > 50, "{opened} {refused} {notified}");
    assert!(images > 100, "{images}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut draw = Draw(Rng::from_number(seed));
        let mut bench = Bench::new();
        for _ in 0..100 {
            if draw.0.chance(0.5) { command(&mut bench, &mut draw) } else { happening(&mut bench, &mut draw) }
        }
        format!("{:?}", bench.gateway.snapshot())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}
