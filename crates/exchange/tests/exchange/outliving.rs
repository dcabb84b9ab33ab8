//! Calls by a trunk that outlive their exchange: its successor asks the peer whether the session still stands.

use strowger_exchange::{Cause, Inventory, ReleasedBy, Setting};
use strowger_sdp::Direction;
use strowger_sip::agent::{self, SessionId};
use strowger_sip::message::{Method, Name};

use crate::sip_peer::{SipPeer, audio, with_trunk};
use crate::world::{World, all, town};

fn world(inventory: Inventory) -> World {
    let mut world = World::running(with_trunk(inventory));
    world.peer = Some(SipPeer::new(world.now));
    world
}

impl World {
    fn far(&mut self) -> &mut SipPeer {
        self.peer.as_mut().unwrap()
    }

    /// The peer answers the description that came last.
    fn far_agrees(&mut self) {
        let offered = self.far().events.iter().rev().find_map(|event| match event {
            agent::Event::Offered { session, .. } => Some(*session),
            _ => None,
        });
        let (now, session) = (self.now, offered.unwrap());
        self.far().agent.answer_offer(now, session, &audio(7000), Direction::SendRecv).unwrap();
        self.settle();
    }

    /// 2001 calls the peer, and both talk.
    fn calls_far(&mut self) -> SessionId {
        self.lift("2001");
        self.dial("2001", "95550102");
        let now = self.now;
        self.far().answer(now);
        self.settle();
        self.pass(5);
        self.far().incoming()
    }

    /// The peer calls 2001, and both talk.
    fn is_called_from_far(&mut self) -> SessionId {
        let now = self.now;
        let session = self.far().call(now, "2001");
        self.settle();
        self.lift("2001");
        self.pass(5);
        session
    }

    fn far_ends(&mut self, session: SessionId) {
        let now = self.now;
        self.far().agent.end(now, session, 16);
        self.settle();
    }

    /// The exchange dies, and another goes on two seconds later.
    fn outlives(&mut self) {
        self.far().heard.clear();
        self.crash();
        self.pass(2);
        assert_eq!(self.start_again(), [], "a call is not taken over");
        self.pass(2);
    }

    /// Whether 2001 and the peer hear each other.
    fn are_together(&mut self, port: u16) {
        let stream = self.endpoint("2001").connections.values().next().cloned().unwrap();
        assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(port)));
        let own = format!("m=audio {} ", stream.port);
        assert!(self.far().described().contains(&own), "{}", self.far().described());
    }

    fn rest(mut self) -> Self {
        self.pass(40);
        assert_eq!(self.far().agent.sessions(), 0, "the peer has sessions");
        assert_eq!(self.exchange.snapshot().trunks[0].taken, 0, "channels are taken");
        self.end()
    }
}

#[test]
fn a_call_to_a_trunk_outlives_its_exchange_and_either_side_ends_it() {
    for peer_ends in [false, true] {
        let mut world = world(town());
        let session = world.calls_far();
        world.outlives();
        assert_eq!(world.far().words(), ["INVITE"]);
        world.far_agrees();
        world.are_together(7000);
        assert_eq!(world.exchange.snapshot().trunks[0].taken, 1, "its channel is taken");
        world.pass(60);
        if peer_ends {
            world.far_ends(session);
            assert_eq!(world.hears("2001"), "L/ro");
        }
        world.hang_up("2001");
        let world = world.rest();
        let record = world.record_of("2001", "95550102");
        assert_eq!(record.cause, Cause::NORMAL_CLEARING);
        assert_eq!(record.released_by, if peer_ends { ReleasedBy::Called } else { ReleasedBy::Calling });
        assert_eq!(record.called.as_ref().unwrap().number, "5550102", "the record names who was called");
        assert!(record.end.since(record.answer.unwrap()).as_secs() >= 60, "{record:?}");
    }
}

#[test]
fn a_call_from_a_trunk_outlives_its_exchange_and_either_side_ends_it() {
    for peer_ends in [false, true] {
        let mut world = world(town());
        let session = world.is_called_from_far();
        world.outlives();
        world.far_agrees();
        world.are_together(7000);
        world.pass(60);
        if peer_ends {
            world.far_ends(session);
            assert_eq!(world.hears("2001"), "L/ro");
        }
        world.hang_up("2001");
        let world = world.rest();
        let record = world.record_of("5550102", "2001");
        assert_eq!(record.cause, Cause::NORMAL_CLEARING);
        assert_eq!((record.calling.gateway.as_str(), record.calling.number.as_str()), ("carrier", "5550102"));
    }
}

#[test]
fn the_numbers_of_a_dialog_rise_over_the_death_of_an_exchange() {
    let mut world = world(all());
    world.calls_far();
    // Some requests are sent that no record tells of.
    for _ in 0..3 {
        world.flash("2001");
        world.far_agrees();
        world.flash("2001");
        world.far_agrees();
    }
    let sent = |world: &mut World| {
        let last = world.far().heard.iter().rev().find(|message| message.method().is_some());
        last.unwrap().header.cseq().unwrap().number
    };
    let before = sent(&mut world);
    world.outlives();
    assert!(sent(&mut world) > before);
    world.far_agrees();
    world.are_together(7000);
    let versions = world.far().described();
    assert!(versions.contains("o=- "), "{versions}");
    world.hang_up("2001");
    world.rest();
}

#[test]
fn a_call_that_was_on_hold_is_still_on_hold() {
    let mut world = world(all());
    world.calls_far();
    world.flash("2001");
    world.far_agrees();
    world.outlives();
    world.far_agrees();
    assert!(world.far().described().contains("a=sendonly"), "{}", world.far().described());
    world.flash("2001");
    world.far_agrees();
    assert!(!world.far().described().contains("a=sendonly"), "{}", world.far().described());
    world.are_together(7000);
    world.hang_up("2001");
    // What he had begun to dial died with the exchange, and has no record.
    world.pass(60);
    assert_eq!((world.far().agent.sessions(), world.exchange.snapshot().trunks[0].taken), (0, 0));
    assert!(world.exchange.snapshot().is_idle() && world.endpoint("2001").connections.is_empty());
}

#[test]
fn a_peer_that_had_moved_its_stream_is_where_it_moved_to() {
    let mut world = world(town());
    let session = world.is_called_from_far();
    let now = world.now;
    assert!(world.far().agent.offer(now, session, &audio(7100), Direction::SendRecv));
    world.settle();
    world.are_together(7100);
    world.outlives();
    let (now, both) = (world.now, Direction::SendRecv);
    world.far().agent.answer_offer(now, session, &audio(7100), both).unwrap();
    world.settle();
    world.are_together(7100);
    world.hang_up("2001");
    world.rest();
}

#[test]
fn a_peer_that_has_forgotten_the_call_ends_it_when_its_exchange_last_lived() {
    let mut world = world(town());
    world.calls_far();
    world.far().heard.clear();
    let died = world.now;
    world.crash();
    world.peer = Some(SipPeer::new(world.now));
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(5);
    assert_eq!(world.far().words(), ["INVITE", "ACK", "BYE"], "it is told that nobody is there");
    assert!(world.endpoint("2001").connections.is_empty(), "the gateway keeps its connection");
    world.hang_up("2001");
    let world = world.rest();
    let record = world.record_of("2001", "95550102");
    assert!(record.end <= died, "nobody pays for a time of which nobody knows");
}

#[test]
fn a_peer_that_is_gone_ends_the_call() {
    let mut world = world(town());
    world.calls_far();
    world.crash();
    world.loses = Box::new(|bytes| bytes.windows(7).any(|part| part == b"SIP/2.0"));
    world.pass(2);
    assert_eq!(world.start_again(), []);
    world.pass(80);
    assert!(world.endpoint("2001").connections.is_empty());
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 0);
}

#[test]
fn a_call_whose_trunk_is_not_in_the_inventory_any_more_is_not_taken_over() {
    let mut world = world(town());
    world.calls_far();
    let call = world.stable[0].call;
    world.crash();
    world.inventory.trunks[0].id = "another".to_owned();
    world.inventory.routes.clear();
    world.pass(2);
    assert_eq!(world.start_again(), [call]);
    world.pass(30);
    assert!(world.endpoint("2001").connections.is_empty(), "the gateway keeps its connection");
}

#[test]
fn the_other_side_may_speak_first() {
    let mut world = world(town());
    let session = world.is_called_from_far();
    world.far().heard.clear();
    world.crash();
    world.pass(2);
    assert_eq!(world.start_again(), []);
    // The BYE is there before anything was asked.
    let now = world.now;
    world.far().agent.end(now, session, 16);
    world.pass(5);
    assert!(world.far().words().contains(&"200".to_owned()), "{:?}", world.far().words());
    world.hang_up("2001");
    world.rest();
}

#[test]
fn an_ack_that_died_with_its_exchange_is_sent_by_the_next() {
    let mut world = world(town());
    world.loses = Box::new(|bytes| bytes.starts_with(b"ACK "));
    world.lift("2001");
    world.dial("2001", "95550102");
    let now = world.now;
    world.far().answer(now);
    world.pass(1);
    world.loses = Box::new(|_| false);
    world.crash();
    world.pass(1);
    world.far().heard.clear();
    assert_eq!(world.start_again(), []);
    world.pass(8);
    let acks = world.far().heard.iter().filter(|message| message.method() == Some(&Method::Ack));
    assert!(acks.map(|ack| ack.header.get(&Name::CSeq).unwrap().to_owned()).any(|cseq| cseq == "1 ACK"));
    assert!(world.far().events.iter().any(|event| matches!(event, agent::Event::Confirmed { .. })));
    world.hang_up("2001");
    world.rest();
}

#[test]
fn a_forwarded_call_keeps_both_of_its_trunks_channels() {
    let mut world = world(town());
    let forward = Setting::Forward(strowger_exchange::Forward::Always, Some("95550102".to_owned()));
    world.exchange.set(world.now, "2004", &forward).unwrap();
    let now = world.now;
    let outer = world.far().call(now, "2004");
    world.settle();
    let inner = world.far().incoming();
    assert_ne!(inner, outer);
    world.far().answer(now);
    world.pass(5);
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 2);
    world.outlives();
    assert_eq!(world.exchange.snapshot().trunks[0].taken, 2);
    let offered: Vec<_> = world
        .far()
        .events
        .iter()
        .filter_map(|event| match event {
            agent::Event::Offered { session, .. } => Some(*session),
            _ => None,
        })
        .collect();
    for session in offered {
        let now = world.now;
        // One of them may have been asked twice.
        let _ = world.far().agent.answer_offer(now, session, &audio(7000), Direction::SendRecv);
        world.settle();
    }
    world.pass(5);
    world.far_ends(outer);
    world.rest();
}
