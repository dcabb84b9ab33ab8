//! Parties at one trunk that a subscriber transfers to each other: its peer is asked to join them (RFC 3515, RFC 3891, RFC 5589).

use strowger_exchange::{Cause, Event, Inventory, Joins};
use strowger_sdp::Direction;
use strowger_sip::agent::{self, Referral, SessionId};
use strowger_sip::message::Status;

use crate::sip_peer::{SipPeer, with_trunk};
use crate::world::{World, all};

fn refers() -> Inventory {
    let mut town = with_trunk(all());
    town.trunks[0].joins = Joins::Peer;
    town
}

fn world(town: Inventory) -> World {
    let mut world = World::running(town);
    world.peer = Some(SipPeer::new(world.now));
    world
}

impl World {
    fn network(&mut self) -> &mut SipPeer {
        self.peer.as_mut().unwrap()
    }

    /// The peer takes what it is offered in its calls, as long as that goes on.
    fn network_accepts(&mut self) {
        for _ in 0..4 {
            let now = self.now;
            let peer = self.network();
            let audio = peer.audio(7000);
            for event in peer.events.extract_if(.., |event| matches!(event, agent::Event::Offered { .. })) {
                let agent::Event::Offered { session, .. } = event else { continue };
                peer.agent.answer_offer(now, session, &audio, Direction::SendRecv).unwrap();
            }
            self.settle();
        }
    }

    fn network_answers(&mut self) -> SessionId {
        let now = self.now;
        self.network().answer(now);
        self.settle();
        self.network().incoming()
    }

    /// A line calls one party of the peer's, and then another: the two sessions. The second rings, and is answered if that is wanted.
    fn consults(&mut self, answered: bool) -> (SessionId, SessionId) {
        self.lift("2001");
        self.dial("2001", "95550102");
        let first = self.network_answers();
        self.flash("2001");
        self.network_accepts();
        self.dial("2001", "95550103");
        let now = self.now;
        self.network().ring(now);
        self.settle();
        let second = self.network().incoming();
        if answered {
            self.network_answers();
        }
        (first, second)
    }

    /// The REFER that the peer has had, and in which session.
    fn asked(&mut self) -> Option<(SessionId, Referral)> {
        self.network().events.iter().find_map(|event| match event {
            agent::Event::Referred { session, referral } => Some((*session, (**referral).clone())),
            _ => None,
        })
    }

    fn network_says(&mut self, session: SessionId, statuses: &[Status]) {
        let now = self.now;
        self.network().agent.accept_referral(now, session);
        for status in statuses {
            self.network().agent.tell_referral(now, session, *status);
            self.settle();
        }
        self.settle();
    }

    fn network_ends(&mut self, session: SessionId) {
        let now = self.now;
        self.network().agent.end(now, session, 16);
        self.settle();
    }

    /// How many calls go on at the peer.
    fn sessions(&mut self) -> usize {
        self.network().agent.sessions()
    }

    fn all_over(mut self) -> World {
        self.pass(40);
        assert_eq!(self.sessions(), 0, "the peer has sessions");
        assert_eq!(self.exchange.snapshot().trunks[0].taken, 0, "channels are taken");
        self.end()
    }
}

/// A world in which 2001 has transferred one party of the peer's to another.
fn transferred() -> (World, SessionId, SessionId) {
    let mut world = world(refers());
    let (first, second) = world.consults(true);
    assert_eq!(world.asked(), None);
    world.hang_up("2001");
    world.network_accepts();
    (world, first, second)
}

#[test]
fn a_peer_that_joins_its_parties_has_them_alone() {
    let (mut world, first, second) = transferred();
    let (asked, referral) = world.asked().expect("no REFER");
    assert_eq!(asked, first, "who was on hold is sent to the other");
    let replaced = referral.replaces.unwrap();
    assert_eq!(world.network().agent.session_to_replace(&replaced), Some(second));
    assert!(referral.by.unwrap().contains("sip:2001@"));
    world.network_says(first, &[Status::OK]);
    assert_eq!(world.sessions(), 0);
    let world = world.all_over();
    for dialled in ["95550102", "95550103"] {
        let record = world.record_of("2001", dialled);
        assert!(record.answer.is_some() && record.cause == Cause::NORMAL_CLEARING, "{record:?}");
    }
}

#[test]
fn a_peer_that_does_not_join_them_is_bridged() {
    type GoesOn<'s> = &'s dyn Fn(&mut World, SessionId);
    let done: [(&str, GoesOn<'_>); 4] = [
        ("refused", &|world, first| {
            let now = world.now;
            world.network().agent.refuse_referral(now, first, Status::DECLINE);
            world.settle();
        }),
        ("unable", &|world, first| {
            let now = world.now;
            world.network().agent.refuse_referral(now, first, Status::NOT_IMPLEMENTED);
            world.settle();
        }),
        ("failed", &|world, first| world.network_says(first, &[Status::RINGING, Status::BUSY_HERE])),
        ("silent", &|world, first| {
            world.network_says(first, &[]);
            world.pass(320);
            // What it says now nobody has asked for.
            world.network_says(first, &[Status::OK]);
        }),
    ];
    for (how, goes_on) in done {
        let (mut world, first, second) = transferred();
        goes_on(&mut world, first);
        assert_eq!(world.sessions(), 2, "{how}");
        assert_eq!(
            world.exchange.snapshot().calls.len(),
            2,
            "{how}: the one that goes on, and the one behind it"
        );
        // It is asked once.
        world.network().events.clear();
        world.pass(10);
        assert_eq!(world.asked(), None, "{how}");
        world.network_ends(second);
        assert_eq!(world.sessions(), 0, "{how}: the other hears that it is over");
        world.all_over();
    }
}

#[test]
fn a_party_that_hangs_up_while_its_network_is_asked_ends_the_call() {
    for sent in [true, false] {
        let (mut world, first, second) = transferred();
        let now = world.now;
        world.network().agent.accept_referral(now, first);
        // The other may have been taken over already, and says BYE before the last word comes.
        world.network_ends(if sent { first } else { second });
        world.network_says(first, &[Status::OK]);
        world.pass(5);
        assert_eq!(world.sessions(), 0, "{sent}");
        world.all_over();
    }
}

#[test]
fn a_word_and_a_bye_that_cross_end_the_call_once() {
    let (mut world, first, second) = transferred();
    let now = world.now;
    world.network().agent.accept_referral(now, first);
    world.network().agent.tell_referral(now, first, Status::OK);
    world.network().agent.end(now, second, 16);
    world.network().agent.end(now, first, 16);
    world.settle();
    assert_eq!(world.sessions(), 0);
    world.all_over();
}

#[test]
fn who_is_transferred_while_it_rings_is_joined_when_it_is_answered() {
    let mut world = world(refers());
    let (first, second) = world.consults(false);
    world.hang_up("2001");
    world.network_accepts();
    world.pass(5);
    assert_eq!(world.asked(), None, "an early dialog is not replaced");
    world.network_answers();
    world.network_accepts();
    let (asked, referral) = world.asked().expect("no REFER");
    assert_eq!(asked, first);
    assert_eq!(world.network().agent.session_to_replace(&referral.replaces.unwrap()), Some(second));
    world.network_says(first, &[Status::OK]);
    world.all_over();
}

/// 2001 sends the party of the peer's that it talks to to another of its, and hangs up.
fn blind() -> (World, SessionId) {
    let mut world = world(refers());
    world.lift("2001");
    world.dial("2001", "95550102");
    let first = world.network_answers();
    world.flash("2001");
    world.network_accepts();
    let code = world.inventory.features.blind_transfer.clone().unwrap();
    world.dial("2001", &code);
    world.dial("2001", "95550103");
    world.hang_up("2001");
    world.network_accepts();
    (world, first)
}

#[test]
fn a_peer_that_is_told_a_number_calls_it_itself() {
    let (mut world, first) = blind();
    let (asked, referral) = world.asked().expect("no REFER");
    assert_eq!((asked, referral.replaces), (first, None));
    assert_eq!(referral.uri.to_string(), "sip:5550103@127.0.0.30");
    assert_eq!(
        world.network().words().iter().filter(|word| *word == "INVITE").count(),
        3,
        "two of them within the first call"
    );
    world.network_says(first, &[Status::RINGING, Status::OK]);
    assert_eq!(world.sessions(), 0);
    let world = world.all_over();
    assert!(!world.events.iter().any(|event| matches!(event, Event::TransferFailed { .. })));
}

#[test]
fn a_party_that_hangs_up_while_its_network_calls_ends_the_call() {
    let (mut world, first) = blind();
    // It says BYE, and nothing more of the REFER.
    world.network_ends(first);
    world.pass(15);
    assert_eq!((world.sessions(), world.ended.len()), (0, 2), "both calls have their records");
    world.all_over();
}

#[test]
fn a_network_that_calls_for_too_long_is_given_up_and_the_party_returns() {
    let (mut world, first) = blind();
    world.network_says(first, &[Status::RINGING]);
    world.pass(185);
    assert!(world.hears("2001").starts_with("L/r"), "{}", world.hears("2001"));
    world.lift("2001");
    world.network_accepts();
    world.hang_up("2001");
    world.all_over();
}

#[test]
fn a_number_that_a_peer_does_not_call_itself_is_called_by_the_exchange() {
    let (mut world, first) = blind();
    let now = world.now;
    world.network().agent.refuse_referral(now, first, Status::NOT_IMPLEMENTED);
    world.settle();
    assert_eq!(world.sessions(), 2, "{:?}", world.network().words());
    world.network_answers();
    world.network_accepts();
    let asked = world.network().events.iter().filter(|event| matches!(event, agent::Event::Referred { .. }));
    assert_eq!(asked.count(), 1, "it is not asked again");
    world.network_ends(first);
    world.all_over();
}

#[test]
fn a_party_whose_network_finds_the_number_busy_returns() {
    let (mut world, first) = blind();
    world.network_says(first, &[Status::BUSY_HERE]);
    assert!(world.hears("2001").starts_with("L/r"), "{}", world.hears("2001"));
    assert!(world.events.iter().any(|event| matches!(event, Event::TransferFailed { .. })));
    world.lift("2001");
    world.network_accepts();
    assert_eq!(world.sessions(), 1);
    let stream = world.endpoint("2001").connections.values().next().cloned().unwrap();
    assert_eq!((stream.mode.as_str(), stream.remote), ("sendrecv", Some(7000)));
    world.hang_up("2001");
    world.all_over();
}

#[test]
fn parties_elsewhere_and_those_of_trunks_that_bridge_are_joined_by_the_exchange() {
    // By a trunk that bridges.
    let mut bridging = world(with_trunk(all()));
    let (first, _) = bridging.consults(true);
    bridging.hang_up("2001");
    bridging.network_accepts();
    assert_eq!((bridging.asked(), bridging.sessions()), (None, 2));
    bridging.network_ends(first);
    bridging.all_over();
    // To a line.
    let mut world = world(refers());
    world.lift("2001");
    world.dial("2001", "95550102");
    world.network_answers();
    world.flash("2001");
    world.network_accepts();
    world.dial("2001", "2004");
    world.lift("2004");
    world.hang_up("2001");
    world.network_accepts();
    assert_eq!((world.asked(), world.sessions()), (None, 1));
    world.hang_up("2004");
    world.all_over();
}
