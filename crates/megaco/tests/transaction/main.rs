//! Stories of the transaction layer: both sides in virtual time, over a network that loses, repeats and reorders.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod apart;
mod dialect;
mod support;

use proptest::prelude::*;
use strowger_megaco::ErrorCode;
use strowger_megaco::message::{
    ActionReply, CommandReply, ContextId, ErrorDescriptor, ReplyResult, TerminationId, Version,
};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Dialect, Failure, Form, Integrity, Route, Security, Transport};
use strowger_sansio::{Duration, SocketId};
use support::{CONTROLLER, GATEWAY, Habit, Weather, World, notify};

const SECOND: Duration = Duration::from_secs(1);

fn spoken(form: Form, version: Version) -> Dialect {
    Dialect { form, version, ..Dialect::default() }
}

#[test]
fn a_request_is_executed_once_and_its_reply_comes_back() {
    for form in [Form::Text(Layout::Compact), Form::Text(Layout::Pretty), Form::Binary] {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Sctp] {
            let mut world =
                World::new(1, transport, |_, config, _| config.dialect = spoken(form, Version::V1));
            world.request(GATEWAY, "00000001/00000010/00000011", 7);
            world.run(SECOND);
            assert_eq!(world.sides[GATEWAY].replies, [(7, 1)].into(), "{form:?} {transport:?}");
            assert_eq!(world.sides[CONTROLLER].executed.values().collect::<Vec<_>>(), [&1]);
            assert_eq!(world.sides[CONTROLLER].sent.len(), 1);
        }
    }
}

#[test]
fn a_duplicate_request_is_answered_from_memory_until_long_timer_is_over() {
    let mut world = World::plain(Transport::Udp);
    world.request(GATEWAY, "aaln/1", 7);
    world.run(SECOND);
    let (request, reply) = (world.sides[GATEWAY].sent[0].clone(), world.sides[CONTROLLER].sent[0].clone());
    world.run(29 * SECOND);
    world.deliver(CONTROLLER, &request);
    assert_eq!(world.sides[CONTROLLER].sent[1], reply, "the same octets");
    assert_eq!(world.sides[CONTROLLER].executed["aaln/1"], 1);
    world.run(40 * SECOND);
    assert_eq!(world.sides[CONTROLLER].layer.remembered(), 0);
    world.deliver(CONTROLLER, &request);
    assert_eq!(world.sides[CONTROLLER].executed["aaln/1"], 2);
}

#[test]
fn a_reply_goes_to_the_source_of_its_request_and_requests_to_the_agreed_address() {
    let mut world = World::new(1, Transport::Udp, |side, config, _| {
        if side == CONTROLLER {
            config.sources[0].port = None;
        }
    });
    let elsewhere = Route::udp("192.0.2.1:40000".parse().unwrap());
    let own = &mut world.sides[CONTROLLER];
    own.layer.set_route(own.peer, Some(Route::udp("192.0.2.1:5555".parse().unwrap())));
    let bytes = b"!/1 <gw1.town>\nT=9{C=-{N=aaln/1{OE=1{20260101T12000000:al/of}}}}";
    let accepted = own.layer.accept(world.now, elsewhere, bytes).unwrap();
    let events = own.layer.handle_input(world.now, &accepted);
    let [strowger_megaco::transaction::Event::Request { .. }] = &events[..] else { panic!("{events:?}") };
    for event in events {
        if let strowger_megaco::transaction::Event::Request { token, actions, .. } = event {
            own.layer
                .respond(world.now, token, ReplyResult::Actions(support::accept_all(&actions).into()))
                .unwrap();
        }
    }
    assert_eq!(own.layer.poll_transmit(world.now).unwrap().to.port(), 40000);
    own.layer.request(world.now, own.peer, notify("aaln/1"), 1).unwrap();
    assert_eq!(own.layer.poll_transmit(world.now).unwrap().to.port(), 5555);
}

#[test]
fn a_request_without_answer_backs_off_raises_suspicion_and_fails_by_t_max() {
    let mut world = World::plain(Transport::Udp);
    world.weather.loss = 1.0;
    world.request(GATEWAY, "aaln/1", 7);
    let mut times = Vec::new();
    let mut seen = 0;
    for step in 0..3000 {
        world.run(Duration::from_millis(10));
        if world.sides[GATEWAY].sent.len() > seen {
            seen = world.sides[GATEWAY].sent.len();
            times.push(step * 10);
        }
    }
    assert!((9..=12).contains(&times.len()), "{times:?}");
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The first timer is 200 ms; then each is drawn from the upper half of the doubled delay, up to 4 s.
    for (place, gap) in gaps.iter().enumerate().skip(1) {
        let delay = 200 << place;
        assert!(*gap + 20 >= (delay / 2).min(4000) && *gap <= delay.min(4000) + 20, "{gaps:?}");
    }
    let own = &world.sides[GATEWAY];
    assert_eq!(own.log.len(), 2, "{:?}", own.log);
    assert!(own.log[0].starts_with("suspect") && own.log[1] == "lost");
    assert_eq!(own.failures, [(7, Failure::TimedOut)]);
    assert_eq!(own.layer.outstanding(), 0);
}

#[test]
fn a_long_execution_is_announced_and_its_reply_acknowledged_at_once() {
    let mut world = World::plain(Transport::Udp);
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.request(GATEWAY, "aaln/1", 7);
    world.run(6 * SECOND);
    assert!(world.sides[GATEWAY].log.len() >= 3, "pendings repeat: {:?}", world.sides[GATEWAY].log);
    let requests = world.sides[GATEWAY].sent.len();
    assert!(requests <= 2, "a longer timer holds after a Pending: {requests}");
    let token = world.sides[CONTROLLER].kept.pop().unwrap();
    let actions = notify("aaln/1");
    let result = ReplyResult::Actions(support::accept_all(&actions).into());
    let now = world.now;
    world.sides[CONTROLLER].layer.respond(now, token, result).unwrap();
    world.flush(CONTROLLER);
    assert!(world.text(CONTROLLER, world.sides[CONTROLLER].sent.len() - 1).contains("{IA,"));
    world.run(SECOND);
    let last = world.text(GATEWAY, world.sides[GATEWAY].sent.len() - 1);
    assert!(last.contains("K{"), "{last}");
    assert_eq!(world.sides[GATEWAY].replies.len(), 1);
    assert_eq!(world.sides[CONTROLLER].log, ["acknowledged"]);
    // What was acknowledged is dropped when it comes again.
    let request = world.sides[GATEWAY].sent[0].clone();
    let before = world.sides[CONTROLLER].sent.len();
    world.deliver(CONTROLLER, &request);
    assert_eq!(world.sides[CONTROLLER].sent.len(), before);
    assert_eq!(world.sides[CONTROLLER].layer.counters().confirmed_duplicates, 1);
}

#[test]
fn a_pending_over_tcp_makes_the_repetition_timer_longer() {
    let mut world = World::plain(Transport::Tcp);
    world.weather.loss = 1.0;
    let id = world.request(GATEWAY, "aaln/1", 7);
    world.run(SECOND);
    world.deliver(GATEWAY, format!("!/1 <town> PN={id}{{}}").as_bytes());
    // Without it the request would be repeated each 4 s.
    world.run(5 * SECOND);
    assert_eq!((world.sides[GATEWAY].sent.len(), world.sides[GATEWAY].log.len()), (1, 1));
    world.run(5 * SECOND);
    assert_eq!(world.sides[GATEWAY].sent.len(), 2);
}

#[test]
fn a_pending_behind_its_reply_is_ignored() {
    let mut world = World::plain(Transport::Udp);
    let id = world.request(GATEWAY, "aaln/1", 7);
    world.run(SECOND);
    let sent = world.sides[GATEWAY].sent.len();
    world.deliver(GATEWAY, format!("!/1 <town> PN={id}{{}}").as_bytes());
    world.run(40 * SECOND);
    assert_eq!(world.sides[GATEWAY].replies, [(7, 1)].into());
    assert!(world.sides[GATEWAY].log.is_empty() && world.sides[GATEWAY].failures.is_empty());
    assert_eq!(world.sides[GATEWAY].sent.len(), sent);
}

#[test]
fn what_a_gateway_asked_before_it_restarted_is_not_answered_in_its_new_life() {
    let mut world = World::plain(Transport::Udp);
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.request(GATEWAY, "aaln/1", 7);
    world.request(GATEWAY, "aaln/2", 8);
    world.run(Duration::from_millis(50));
    let own = &mut world.sides[CONTROLLER];
    let (mut second, first) = (own.kept.pop().unwrap(), own.kept.pop().unwrap());
    own.layer.begin_life(&mut second);
    let answer = |code| ReplyResult::Error(ErrorDescriptor { code, text: None });
    own.layer.respond(world.now, second, answer(ErrorCode::NOT_READY)).unwrap();
    own.layer.respond(world.now, first, answer(ErrorCode::INTERNAL)).unwrap();
    world.weather.loss = 1.0;
    world.flush(CONTROLLER);
    world.run(8 * SECOND);
    let said: Vec<_> = (0..world.sides[CONTROLLER].sent.len()).map(|n| world.text(CONTROLLER, n)).collect();
    assert!(said.len() == 1 && said[0].contains("502"), "neither a Pending nor a reply: {said:?}");
}

#[test]
fn over_tcp_no_immediate_acknowledgement_is_asked_for() {
    let mut world = World::plain(Transport::Tcp);
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.request(GATEWAY, "aaln/1", 7);
    world.run(SECOND);
    let token = world.sides[CONTROLLER].kept.pop().unwrap();
    let result = ReplyResult::Error(ErrorDescriptor { code: ErrorCode::NOT_READY, text: None });
    let now = world.now;
    world.sides[CONTROLLER].layer.respond(now, token, result).unwrap();
    world.flush(CONTROLLER);
    assert!(!world.text(CONTROLLER, world.sides[CONTROLLER].sent.len() - 1).contains("IA"));
    world.run(SECOND);
    assert_eq!(world.sides[GATEWAY].replies, [(7, 502)].into());
}

#[test]
fn more_pendings_than_the_limit_end_a_request_with_506() {
    let mut world = World::new(1, Transport::Udp, |side, config, _| {
        config.dialect.version = Version::V2;
        if side == CONTROLLER {
            config.pending_limit = Some(2);
        }
    });
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.request(GATEWAY, "aaln/1", 7);
    world.run(10 * SECOND);
    assert_eq!(world.sides[GATEWAY].log, ["pending", "pending"]);
    assert_eq!(world.sides[GATEWAY].replies, [(7, 506)].into());
    assert_eq!(world.sides[CONTROLLER].log[0], "aborted");
    // The token is spent: a late answer of the role goes nowhere.
    let token = world.sides[CONTROLLER].kept.pop().unwrap();
    let (now, before) = (world.now, world.sides[CONTROLLER].sent.len());
    world.sides[CONTROLLER].layer.respond(now, token, ReplyResult::Actions(Vec::new().into())).unwrap();
    world.flush(CONTROLLER);
    assert_eq!(world.sides[CONTROLLER].sent.len(), before);
}

#[test]
fn a_peer_that_pends_beyond_its_allowance_is_not_waited_for() {
    let mut world = World::new(1, Transport::Udp, |side, config, _| {
        if side == GATEWAY {
            config.pending_allowance = Some(2);
        }
    });
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.request(GATEWAY, "aaln/1", 7);
    world.run(10 * SECOND);
    assert_eq!(world.sides[GATEWAY].failures, [(7, Failure::TooManyPending)]);
}

#[test]
fn neighbours_share_a_message_and_acknowledgements_ride_along() {
    let mut world = World::plain(Transport::Udp);
    let own = &mut world.sides[GATEWAY];
    for tag in 0..3 {
        own.layer.request(world.now, own.peer, notify(&format!("aaln/{tag}")), tag).unwrap();
    }
    world.flush(GATEWAY);
    world.run(SECOND);
    assert_eq!(world.sides[GATEWAY].sent.len(), 1);
    assert_eq!(world.sides[GATEWAY].replies.len(), 3);
    world.request(GATEWAY, "aaln/9", 9);
    let text = world.text(GATEWAY, 1);
    let (start, end) =
        text.split_once("K{").and_then(|(_, rest)| rest.split_once('}')).unwrap().0.split_once('-').unwrap();
    assert_eq!(end.parse::<u32>().unwrap() - start.parse::<u32>().unwrap(), 2, "one range: {text}");
    world.run(SECOND);
    let layer = &world.sides[CONTROLLER].layer;
    assert_eq!((layer.remembered(), layer.remembered_ranges()), (1, 1));
}

#[test]
fn a_peer_without_a_configured_name_has_that_of_the_first_message_that_can_be_read() {
    let mut world = World::new(1, Transport::Udp, |side, config, _| {
        if side == CONTROLLER {
            config.mid = None;
        }
    });
    for nobody in ["!/9 <evil>\nT=1{C=-{N=a{OE=1{al/of}}}}", "!/1 <evil>\nwhat is this?", "!/1 <evil>\n"] {
        world.deliver(CONTROLLER, nobody.as_bytes());
    }
    world.request(GATEWAY, "aaln/1", 7);
    world.run(SECOND);
    assert_eq!(world.sides[GATEWAY].replies, [(7, 1)].into());
    // From then on it is this one.
    let before = world.sides[CONTROLLER].executed.clone();
    world.deliver(CONTROLLER, b"!/1 <evil>\nT=1{C=-{N=a{OE=1{al/of}}}}");
    assert_eq!(world.sides[CONTROLLER].executed, before);
    assert_eq!(world.sides[CONTROLLER].layer.counters().wrong_mid, 1);
}

#[test]
fn a_stranger_gets_no_octet_and_neither_does_a_false_name() {
    let mut world = World::plain(Transport::Udp);
    let bytes = b"!/1 <gw1.town>\nT=9{C=-{N=aaln/1{OE=1{20260101T12000000:al/of}}}}";
    for route in [
        Route::udp("192.0.2.9:2944".parse().unwrap()),
        Route::udp("192.0.2.1:2945".parse().unwrap()),
        Route::tcp(SocketId::MAIN, "192.0.2.1:2944".parse().unwrap()),
    ] {
        world.deliver_from(CONTROLLER, route, bytes);
    }
    world.deliver(CONTROLLER, b"!/1 <gw2.town>\nT=9{C=-{N=aaln/1{OE=1{20260101T12000000:al/of}}}}");
    let own = &world.sides[CONTROLLER];
    assert!(own.sent.is_empty() && own.executed.is_empty());
    assert_eq!((own.layer.counters().unlisted, own.layer.counters().wrong_mid), (1, 3));
    world.deliver(CONTROLLER, b"!/1 <GW1.Town>\nT=9{C=-{N=aaln/1{OE=1{20260101T12000000:al/of}}}}");
    assert_eq!(world.sides[CONTROLLER].executed["aaln/1"], 1, "names have no case");
}

#[test]
fn what_cannot_be_read_is_answered_where_it_stands() {
    let answer = |message: &str| {
        let mut world = World::plain(Transport::Udp);
        world.deliver(CONTROLLER, message.as_bytes());
        let sent = &world.sides[CONTROLLER].sent;
        let texts: Vec<_> =
            sent.iter().map(|bytes| String::from_utf8_lossy(bytes).replace("!/1 <town>\n", "")).collect();
        (texts.join(" "), world.sides[CONTROLLER].executed.len())
    };
    let code = |text: &str| text.split("ER=").nth(1).map(|rest| rest[..3].to_owned());
    let observed = "{OE=1{20260101T12000000:al/of}}";
    // A message that is none, and a version that is not spoken.
    assert_eq!(answer("?").0, "ER=400{\"Bad request\"}");
    assert_eq!(answer("!/9 <gw1.town>\nT=1{C=-{N=a{}}}").0, "ER=406{\"Version not supported\"}");
    // A transaction whose number cannot be read.
    let (text, _) = answer("!/1 <gw1.town>\nT=x{C=-{N=a{}}}");
    assert!(text.starts_with("P=0{ER=403"), "{text}");
    // An action, and a command that there is not; what stands before is executed.
    let (text, executed) =
        answer(&format!("!/1 <gw1.town>\nT=1{{C=-{{N=a{observed}}},D=-{{N=b{observed}}}}}"));
    assert_eq!((code(&text).as_deref(), executed), (Some("422"), 1), "{text}");
    assert!(text.starts_with("P=1{C=-{N=a}"), "{text}");
    let (text, executed) =
        answer(&format!("!/1 <gw1.town>\nT=1{{C=-{{N=a{observed},Sing=b,N=c{observed}}}}}"));
    assert_eq!((code(&text).as_deref(), executed), (Some("443"), 1), "{text}");
    // A request that ends too early.
    let (text, executed) = answer(&format!("!/1 <gw1.town>\nT=1{{C=-{{N=a{observed}"));
    assert_eq!(executed, 1, "{text}");
    assert!(code(&text).is_some(), "{text}");
    // Another transaction of the message is not touched.
    let (text, executed) =
        answer(&format!("!/1 <gw1.town>\nT=1{{C=-{{Sing=b}}}}T=2{{C=-{{N=a{observed}}}}}"));
    assert_eq!(executed, 1);
    assert!(text.contains("P=1{") && text.contains("P=2{"), "{text}");
}

#[test]
fn a_fault_within_a_command_takes_the_whole_command() {
    let mut world = World::plain(Transport::Udp);
    world.deliver(CONTROLLER, b"!/1 <gw1.town>\nT=1{C=-{N=a{OE=1{20260101T12000000:al/of,bad}}}}");
    assert!(world.sides[CONTROLLER].executed.is_empty());
    assert!(world.text(CONTROLLER, 0).contains("P=1{C=-{ER=442"), "{}", world.text(CONTROLLER, 0));
}

#[test]
fn of_a_binary_request_all_before_its_fault_is_executed() {
    let mut world =
        World::new(1, Transport::Udp, |_, config, _| config.dialect = spoken(Form::Binary, Version::V1));
    let name = |last: u8| format!("00000001/00000010/{last:08b}");
    let own = &mut world.sides[GATEWAY];
    let mut actions = notify(&name(1));
    actions[0].commands.extend(notify(&name(2)).remove(0).commands);
    actions[0].commands.extend(notify(&name(3)).remove(0).commands);
    own.layer.request(world.now, own.peer, actions, 1).unwrap();
    let mut bytes = own.layer.poll_transmit(world.now).unwrap().payload;
    // The request identifier of the second command's events gets a tag that is none.
    let places: Vec<_> = bytes.windows(3).enumerate().filter(|(_, octets)| *octets == [0x80, 1, 1]).collect();
    let at = places[places.len() - 2].0;
    bytes[at] = 0x9e;
    world.deliver(CONTROLLER, &bytes);
    assert_eq!(world.sides[CONTROLLER].executed, [(name(1), 1)].into());
    world.run(SECOND);
    // The reply of the first command, and the error behind it.
    assert_eq!(world.sides[GATEWAY].replies, [(1, 1)].into());
}

#[test]
fn errors_of_messages_are_not_answered_and_not_sent_without_bound() {
    let mut world = World::plain(Transport::Udp);
    world.deliver(CONTROLLER, b"!/1 <gw1.town>\nER=400{\"Bad request\"}");
    assert!(world.sides[CONTROLLER].sent.is_empty());
    for _ in 0..1000 {
        world.deliver(CONTROLLER, b"?");
    }
    assert_eq!(world.sides[CONTROLLER].sent.len(), 10);
    assert_eq!(world.sides[CONTROLLER].layer.counters().malformed_dropped, 990);
}

fn long_reply(count: usize) -> Vec<ActionReply<'static>> {
    let reply =
        |number| CommandReply::Notify(TerminationId::new(format!("line/{number:04}")).unwrap().into(), None);
    let commands = (0..count).map(reply).collect();
    vec![ActionReply { context: ContextId::NULL, properties: None, commands, error: None }]
}

fn segmented(seed: u64, weather: Weather) -> World {
    let mut world = World::new(seed, Transport::Udp, |_, config, limits| {
        config.dialect.version = Version::V3;
        limits.pdu = 600;
    });
    world.weather = weather;
    world.sides[CONTROLLER].habit = Habit::Keep;
    world.request(GATEWAY, "aaln/1", 7);
    while world.sides[CONTROLLER].kept.is_empty() {
        world.run(Duration::from_millis(50));
    }
    let token = world.sides[CONTROLLER].kept.pop().unwrap();
    let now = world.now;
    let result = ReplyResult::Actions(long_reply(100).into());
    world.sides[CONTROLLER].layer.respond(now, token, result).unwrap();
    world.flush(CONTROLLER);
    world
}

#[test]
fn a_long_reply_travels_in_segments_that_are_acknowledged_one_by_one() {
    let mut world = segmented(1, Weather::default());
    world.run(SECOND);
    assert_eq!(world.sides[GATEWAY].replies, [(7, 100)].into());
    assert!(world.sides[GATEWAY].log.contains(&"assembled 1 actions".to_owned()));
    assert!(world.sides[CONTROLLER].sent.iter().all(|bytes| bytes.len() <= 1400));
    let all: String = (0..world.sides[GATEWAY].sent.len()).map(|at| world.text(GATEWAY, at)).collect();
    assert!(all.contains("/1") && all.contains("/&"), "{all}");
    assert_eq!(world.sides[CONTROLLER].layer.counters().segments_repeated, 0);
    let before = world.sides[CONTROLLER].sent.len();
    world.run(20 * SECOND);
    assert_eq!(world.sides[CONTROLLER].sent.len(), before, "nothing is repeated once all are acknowledged");
}

#[test]
fn lost_segments_are_sent_again() {
    for seed in 1..20 {
        let weather = Weather { loss: 0.3, duplication: 0.3, jitter: Duration::from_millis(80) };
        let mut world = segmented(seed, weather);
        world.run(40 * SECOND);
        assert_eq!(world.sides[GATEWAY].replies, [(7, 100)].into(), "seed {seed}");
    }
}

#[test]
fn segments_that_never_come_end_the_request_with_459() {
    let mut world = World::new(1, Transport::Udp, |_, config, _| config.dialect.version = Version::V3);
    world.sides[CONTROLLER].habit = Habit::Keep;
    let id = world.request(GATEWAY, "aaln/1", 7);
    for part in ["1", "4/&"] {
        world.deliver(GATEWAY, format!("!/3 <town>\nP={id}/{part}{{C=-{{N=a}}}}").as_bytes());
    }
    world.run(10 * SECOND);
    assert_eq!(world.sides[GATEWAY].failures, [(7, Failure::SegmentsMissing)]);
    let errors = &world.sides[CONTROLLER].log;
    let expected = format!("message error 459 Some(\"Segments not received: {id}/2 {id}/3\")");
    assert!(errors.contains(&expected), "{errors:?}");
}

#[test]
fn a_segment_that_comes_over_and_over_does_not_keep_a_request_alive() {
    let mut world = World::new(1, Transport::Udp, |_, config, _| config.dialect.version = Version::V3);
    world.sides[CONTROLLER].habit = Habit::Keep;
    let id = world.request(GATEWAY, "aaln/1", 7);
    for _ in 0..6 {
        world.deliver(GATEWAY, format!("!/3 <town>\nP={id}/1{{C=-{{N=a}}}}").as_bytes());
        world.run(2 * SECOND);
    }
    assert_eq!(world.sides[GATEWAY].failures, [(7, Failure::SegmentsMissing)]);
}

#[test]
fn a_long_reply_to_an_asker_without_segments_is_replaced_by_an_error_of_its_version() {
    for (version, code) in [(Version::V1, 500), (Version::V2, 533)] {
        let mut world = World::new(1, Transport::Udp, |_, config, limits| {
            config.dialect.version = version;
            limits.pdu = 600;
        });
        world.sides[CONTROLLER].habit = Habit::Keep;
        world.request(GATEWAY, "aaln/1", 7);
        world.run(Duration::from_millis(20));
        let token = world.sides[CONTROLLER].kept.pop().unwrap();
        let now = world.now;
        world.sides[CONTROLLER]
            .layer
            .respond(now, token, ReplyResult::Actions(long_reply(100).into()))
            .unwrap();
        world.flush(CONTROLLER);
        world.run(SECOND);
        assert_eq!(world.sides[GATEWAY].replies, [(7, code)].into());
    }
}

#[test]
fn an_authenticated_peer_is_believed_and_a_replay_or_a_forgery_is_not() {
    for form in [Form::Text(Layout::Pretty), Form::Binary] {
        let mut world = World::new(1, Transport::Udp, |side, config, _| {
            config.dialect.form = form;
            let std::net::SocketAddr::V4(local) = support::address(side) else { return };
            let key = (*b"a shared secret!").into();
            let integrity = Integrity::Sha1;
            config.security = Some(Security { index: [0, 0, 0, 9], integrity, key, local, sequence: 0 });
        });
        let name = "00000001/00000010/00000011";
        world.request(GATEWAY, name, 7);
        world.run(SECOND);
        assert_eq!(world.sides[GATEWAY].replies, [(7, 1)].into(), "{form:?}");
        let mut copy = world.sides[GATEWAY].sent[0].clone();
        world.deliver(CONTROLLER, &copy);
        *copy.last_mut().unwrap() ^= 1;
        world.deliver(CONTROLLER, &copy);
        world.deliver(CONTROLLER, b"!/1 <gw1.town>\nT=9{C=-{N=a{OE=1{20260101T12000000:al/of}}}}");
        let own = &world.sides[CONTROLLER];
        assert_eq!((own.layer.counters().unauthentic, own.executed.len(), own.sent.len()), (3, 1, 1));
        // Repetitions carry numbers of their own, so they are no replays.
        world.weather.loss = 1.0;
        world.request(GATEWAY, name, 8);
        world.weather.loss = 0.0;
        world.run(SECOND);
        assert_eq!(world.sides[GATEWAY].replies.len(), 2);
    }
}

#[test]
fn an_error_of_a_whole_message_is_authenticated_as_messages_are() {
    for form in [Form::Text(Layout::Pretty), Form::Text(Layout::Compact), Form::Binary] {
        let mut world = World::new(1, Transport::Udp, |side, config, _| {
            config.dialect.form = form;
            let std::net::SocketAddr::V4(local) = support::address(side) else { return };
            let key = (*b"a shared secret!").into();
            config.security =
                Some(Security { index: [0, 0, 0, 9], integrity: Integrity::Md5, key, local, sequence: 0 });
        });
        world.deliver(CONTROLLER, b"?");
        let error = world.sides[CONTROLLER].sent[0].clone();
        world.deliver(GATEWAY, &error);
        let counters = world.sides[GATEWAY].layer.counters();
        assert_eq!((counters.unauthentic, counters.wrong_mid), (0, 0), "{form:?}");
        let mut forged = error.clone();
        *forged.last_mut().unwrap() ^= 1;
        world.deliver(GATEWAY, &forged);
        assert_eq!(world.sides[GATEWAY].layer.counters().unauthentic, 1, "{form:?}");
    }
}

#[test]
fn a_peer_is_spoken_to_as_it_speaks_and_never_in_a_newer_version() {
    let mut world =
        World::new(1, Transport::Udp, |_, config, _| config.dialect = spoken(Form::Binary, Version::V3));
    let bytes = b"MEGACO/1 <gw1.town>\nTransaction = 9 {\n Context = - { Notify = a { ObservedEvents = 1 { 20260101T12000000:al/of } } } }";
    world.deliver(CONTROLLER, bytes);
    assert!(
        world.text(CONTROLLER, 0).starts_with("MEGACO/1 <town>\nReply = 9 {"),
        "{}",
        world.text(CONTROLLER, 0)
    );
    let own = &mut world.sides[CONTROLLER];
    assert_eq!(own.layer.dialect_of(own.peer), spoken(Form::Text(Layout::Pretty), Version::V1));
    // What version 1 cannot say is refused before it is sent.
    let mut actions = notify("a");
    actions[0].properties = Some(Box::default());
    if let Some(properties) = &mut actions[0].properties {
        properties.ieps = Some(true);
    }
    assert!(own.layer.request(world.now, own.peer, actions, 1).is_err());
    assert_eq!(own.layer.outstanding(), 0);
}

#[test]
fn a_reply_comes_again_as_it_was_when_its_asker_speaks_otherwise_by_now() {
    let mut world = World::plain(Transport::Udp);
    let compact = b"!/1 <gw1.town>\nT=9{C=-{N=a{OE=1{20260101T12000000:al/of}}}}";
    let pretty = b"MEGACO/2 <gw1.town>\nTransaction=10{Context=-{Notify=b{ObservedEvents=1{20260101T12000000:al/of}}}}";
    for message in [&compact[..], pretty, compact] {
        world.deliver(CONTROLLER, message);
    }
    let sent = &world.sides[CONTROLLER].sent;
    assert!(sent[1].starts_with(b"MEGACO/2 <town>\nReply"));
    assert_eq!((sent.len(), &sent[2]), (3, &sent[0]));
}

#[test]
fn a_share_that_is_used_up_refuses_new_requests_and_still_answers_old_ones() {
    let mut world = World::new(1, Transport::Udp, |_, _, limits| {
        limits.memory = 1000;
        limits.pool = 0;
    });
    for id in 1..=50 {
        let message = format!("!/1 <gw1.town>\nT={id}{{C=-{{N=l/{id}{{OE=1{{20260101T12000000:al/of}}}}}}}}");
        world.deliver(CONTROLLER, message.as_bytes());
    }
    let own = &world.sides[CONTROLLER];
    let executed = own.executed.len();
    assert!((8..20).contains(&executed), "{executed}");
    assert_eq!(own.layer.counters().refused, 50 - executed as u64);
    assert!(world.text(CONTROLLER, 49).contains("P=50{ER=510"), "{}", world.text(CONTROLLER, 49));
    world.deliver(CONTROLLER, b"!/1 <gw1.town>\nT=1{C=-{N=l/1{OE=1{20260101T12000000:al/of}}}}");
    assert_eq!(world.sides[CONTROLLER].layer.counters().replayed, 1);
    world.run(60 * SECOND);
    world.deliver(CONTROLLER, b"!/1 <gw1.town>\nT=99{C=-{N=l/99{OE=1{20260101T12000000:al/of}}}}");
    assert_eq!(world.sides[CONTROLLER].executed["l/99"], 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the network does, no request is executed twice, and each has one end.
    #[test]
    fn no_request_is_executed_twice_and_each_ends_once(
        seed in 0_u64..1_000_000,
        loss in 0.0..0.6,
        duplication in 0.0..0.8,
        jitter in 0_u64..2_000,
        count in 1_u32..30,
    ) {
        let mut world = World::new(seed, Transport::Udp, |_, _, _| {});
        world.weather = Weather { loss, duplication, jitter: Duration::from_millis(jitter) };
        for tag in 0..count {
            world.request(GATEWAY, &format!("g/{tag}"), tag);
            world.request(CONTROLLER, &format!("c/{tag}"), tag);
            world.run(Duration::from_millis(37));
        }
        world.run(60 * SECOND);
        for side in [GATEWAY, CONTROLLER] {
            let own = &world.sides[side];
            prop_assert!(own.executed.values().all(|times| *times == 1), "{:?}", own.executed);
            prop_assert_eq!(own.replies.len() + own.failures.len(), count as usize);
            prop_assert_eq!(own.layer.outstanding(), 0);
            prop_assert!(world.sides[1 - side].executed.len() >= own.replies.len());
        }
    }

    /// Octets that are no message change nothing and make nothing panic.
    #[test]
    fn octets_of_any_kind_are_taken(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..80, at in 0_usize..80) {
        let mut world = World::plain(Transport::Udp);
        world.deliver(CONTROLLER, &bytes);
        let mut message = b"!/3 <gw1.town>\nT=1{C=-{N=a{OE=1{20260101T12000000:al/of}}}}P=4/1{C=-{N=a}}SM=3/2 K{1-9}PN=4{}".to_vec();
        message.splice(at.min(message.len())..(at + cut % 7).min(message.len()), bytes.drain(..bytes.len().min(3)));
        world.deliver(CONTROLLER, &message);
        world.run(90 * SECOND);
        prop_assert!(world.sides[CONTROLLER].executed.values().all(|times| *times <= 1));
    }
}
