//! Sessions that outlive their user agent.

use std::net::SocketAddr;

use strowger_sansio::{Duration, Rng};
use strowger_sdp::Direction;
use strowger_sip::agent::{Event, PeerId, SessionId, UserAgent};
use strowger_sip::message::Status;

use super::pair::{ALICE, BOB, Pair, audio, config};

/// Alice's user agent dies, and another goes on with her session.
fn outlive(pair: &mut Pair, session: SessionId, local: &[u8], remote: &[u8]) -> Option<SessionId> {
    let kept = pair.sides[ALICE].standing(session).unwrap();
    pair.sides[ALICE] = UserAgent::new(pair.now, config(ALICE), Rng::from_number(77));
    pair.sides[ALICE].restore(pair.now, PeerId(0), &kept, (local, remote), Direction::SendRecv)
}

fn description(side: usize, port: u16) -> Vec<u8> {
    audio(side, port)
}

#[test]
fn a_session_goes_on_under_another_user_agent_and_either_side_ends_it() {
    for alice_calls in [true, false] {
        for alice_ends in [true, false] {
            let mut pair = Pair::new();
            let (alice, bob) = if alice_calls {
                pair.talk()
            } else {
                let mut answered = None;
                let bob = {
                    let invitation = super::pair::invitation();
                    pair.sides[BOB].invite(pair.now, &invitation).unwrap()
                };
                pair.run(Duration::from_millis(100));
                for event in pair.take(ALICE) {
                    if let Event::Incoming { session, .. } = event {
                        answered = Some(session);
                    }
                }
                let alice = answered.unwrap();
                let own = description(ALICE, 3000);
                pair.sides[ALICE].answer(pair.now, alice, &own, Direction::SendRecv).unwrap();
                pair.run(Duration::from_millis(100));
                (alice, bob)
            };
            pair.take(ALICE);
            pair.take(BOB);
            let kept = outlive(&mut pair, alice, &description(ALICE, 3000), &description(BOB, 4000)).unwrap();
            pair.run(Duration::from_millis(100));
            // Alice speaks first; her description has a new version.
            let offered = pair.take(BOB).into_iter().any(|event| matches!(event, Event::Offered { .. }));
            assert!(offered);
            pair.sides[BOB]
                .answer_offer(pair.now, bob, &description(BOB, 4000), Direction::SendRecv)
                .unwrap();
            pair.run(Duration::from_millis(100));
            let events = pair.take(ALICE);
            assert!(matches!(events[..], [Event::Agreed { session, .. }] if session == kept), "{events:?}");
            // Sessions are refreshed as ever.
            pair.run(Duration::from_secs(4000));
            if alice_ends {
                pair.sides[ALICE].end(pair.now, kept, 16);
            } else {
                pair.sides[BOB].end(pair.now, bob, 16);
            }
            pair.settle();
            let (who, what) = if alice_ends { (ALICE, "BYE") } else { (BOB, "BYE") };
            assert_eq!(pair.count(who, what), 1, "{alice_calls} {alice_ends}");
        }
    }
}

#[test]
fn a_session_that_the_peer_has_forgotten_ends() {
    let mut pair = Pair::new();
    let (alice, _) = pair.talk();
    pair.sides[BOB] = UserAgent::new(pair.now, config(BOB), Rng::from_number(78));
    outlive(&mut pair, alice, &description(ALICE, 3000), &description(BOB, 4000)).unwrap();
    pair.run(Duration::from_secs(1));
    let events = pair.take(ALICE);
    assert!(events.iter().any(|event| matches!(event, Event::Ended { .. })), "{events:?}");
    pair.settle();
}

#[test]
fn a_peer_that_refuses_the_description_has_the_session_still() {
    let mut pair = Pair::new();
    let (alice, bob) = pair.talk();
    let kept = outlive(&mut pair, alice, &description(ALICE, 3000), &description(BOB, 4000)).unwrap();
    pair.run(Duration::from_millis(100));
    pair.sides[BOB].refuse_offer(pair.now, bob, Status::NOT_ACCEPTABLE_HERE);
    pair.run(Duration::from_millis(100));
    assert!(matches!(pair.take(ALICE)[..], [Event::Refused { session, .. }] if session == kept));
    pair.sides[ALICE].end(pair.now, kept, 16);
    pair.settle();
}

#[test]
fn what_is_kept_must_make_a_dialog_once() {
    let mut pair = Pair::new();
    let (alice, _) = pair.talk();
    let kept = pair.sides[ALICE].standing(alice).unwrap();
    let (local, remote) = (description(ALICE, 3000), description(BOB, 4000));
    let streams = (&local[..], &remote[..]);
    let (now, both) = (pair.now, Direction::SendRecv);
    assert_eq!(pair.sides[ALICE].restore(now, PeerId(0), &kept, streams, both), None, "it is there");
    let mut other = UserAgent::new(now, config(ALICE), Rng::from_number(77));
    assert_eq!(other.restore(now, PeerId(5), &kept, streams, both), None, "nobody");
    let mut odd = kept.clone();
    odd.dialog.target = "tel:+15550102".into();
    assert_eq!(other.restore(now, PeerId(0), &odd, streams, both), None, "nowhere");
    assert_eq!(other.restore(now, PeerId(0), &kept, (b"rubbish", &remote), both), None, "nothing");
    assert!(other.restore(now, PeerId(0), &kept, streams, both).is_some());
    assert_eq!(other.restore(now, PeerId(0), &kept, streams, both), None, "twice");
    let again = other.standing(SessionId(1)).unwrap();
    assert!(
        again.is_as(&kept) && again.dialog.local_seq > kept.dialog.local_seq && again.version > kept.version
    );
    pair.sides[ALICE].end(now, alice, 16);
    pair.settle();
}

#[test]
fn a_peer_whose_name_is_not_looked_up_yet_is_known_by_its_session() {
    let mut pair = Pair::new();
    let (alice, bob) = pair.talk();
    let kept = pair.sides[ALICE].standing(alice).unwrap();
    let mut named = config(ALICE);
    named.peers[0].address = SocketAddr::from(([0, 0, 0, 0], 0));
    pair.sides[ALICE] = UserAgent::new(pair.now, named, Rng::from_number(77));
    let (local, remote) = (description(ALICE, 3000), description(BOB, 4000));
    let streams = (&local[..], &remote[..]);
    let (now, both) = (pair.now, Direction::SendRecv);
    let kept = pair.sides[ALICE].restore(now, PeerId(0), &kept, streams, both).unwrap();
    pair.run(Duration::from_millis(100));
    pair.sides[BOB].answer_offer(pair.now, bob, &remote, both).unwrap();
    pair.run(Duration::from_millis(100));
    assert!(matches!(pair.take(ALICE)[..], [Event::Agreed { session, .. }] if session == kept));
    pair.sides[ALICE].end(pair.now, kept, 16);
    pair.settle();
}
