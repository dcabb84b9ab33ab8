//! Registrations with peers beyond the plain one: their end, the way that they name, and peers with too much to do.

use strowger_sansio::Duration;
use strowger_sip::agent::{Event, PeerId, RegistrationState};
use strowger_sip::message::{Message, Name, Status};

use super::pair::{BOB, config, credentials, invitation};
use super::raw::{Raw, response};

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"\r\n";

fn registering() -> Raw {
    let mut config = config(BOB);
    (config.peers[0].credentials, config.peers[0].registers) = (Some(credentials()), true);
    Raw::with(config)
}

/// A registration that was challenged, and is granted with these fields.
fn registered(raw: &mut Raw, more: &str) -> Message<'static> {
    let first = raw.wait(Duration::from_millis(1)).remove(0);
    let again = raw.say(response(&first, "401 Unauthorized", "s", CHALLENGE, "")).remove(0);
    raw.say(response(&again, "200 OK", "s", &format!("Expires: 600\r\n{more}"), ""));
    raw.events();
    again
}

#[test]
fn a_registration_is_given_up_before_the_end() {
    let mut raw = registering();
    let granted = registered(&mut raw, "");
    let state = raw.agent.registration(PeerId(0)).unwrap();
    assert_eq!((state.until, state.status), (Some(raw.now + Duration::from_secs(600)), Some(Status::OK)));
    raw.agent.unregister(raw.now);
    let farewell = raw.heard().remove(0);
    assert_eq!(farewell.header.get(&Name::Expires), Some("0"));
    assert_eq!(farewell.header.get(&Name::Contact), granted.header.get(&Name::Contact));
    assert_eq!(farewell.header.call_id(), granted.header.call_id());
    assert!(farewell.header.cseq().unwrap().number > granted.header.cseq().unwrap().number);
    assert!(raw.agent.is_leaving());
    // Even a farewell may be challenged.
    let stale = CHALLENGE.replace("n1", "n2").replace("\"auth\"", "\"auth\", stale=true");
    let again = raw.say(response(&farewell, "401 Unauthorized", "s", &stale, "")).remove(0);
    assert_eq!(again.header.get(&Name::Expires), Some("0"));
    raw.say(response(&again, "200 OK", "s", "", ""));
    assert!(!raw.agent.is_leaving());
    assert_eq!(raw.agent.registration(PeerId(0)).unwrap().until, None);
    assert!(raw.wait(Duration::from_secs(2000)).is_empty(), "it is not made again");
}

#[test]
fn a_farewell_that_nobody_answers_is_over_in_a_second() {
    let mut raw = registering();
    registered(&mut raw, "");
    raw.agent.unregister(raw.now);
    raw.wait(Duration::from_millis(999));
    assert!(raw.agent.is_leaving() && raw.events().is_empty());
    raw.wait(Duration::from_millis(1));
    assert!(!raw.agent.is_leaving());
    assert_eq!(raw.events(), [Event::FarewellUnheard { peer: PeerId(0) }]);
    raw.wait(Duration::from_secs(33));
    assert!(raw.wait(Duration::from_secs(2000)).is_empty());
    assert!(!raw.events().contains(&Event::FarewellUnheard { peer: PeerId(0) }), "once");
}

#[test]
fn who_never_was_registered_says_no_farewell() {
    let mut raw = registering();
    raw.wait(Duration::from_millis(1));
    raw.agent.unregister(raw.now);
    assert!(raw.heard().is_empty() && !raw.agent.is_leaving());
    assert_eq!(raw.agent.registration(PeerId(0)), Some(RegistrationState::default()));
}

#[test]
fn calls_go_by_the_way_that_the_registrar_names() {
    let mut raw = registering();
    let way = "Service-Route: <sip:192.0.2.1;lr>, <sip:core.carrier.example;lr>\r\n";
    let again = registered(&mut raw, way);
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    let routes: Vec<_> = invite.header.list(&Name::Route).map(str::to_owned).collect();
    assert_eq!(routes, ["<sip:192.0.2.1;lr>", "<sip:core.carrier.example;lr>"]);
    // The registration itself goes straight to its registrar (RFC 3608 section 5).
    assert_eq!(again.header.get(&Name::Route), None);
    let refresh = raw.wait(Duration::from_secs(481));
    let refresh =
        refresh.into_iter().find(|one| one.method().is_some_and(|is| is.as_str() == "REGISTER")).unwrap();
    assert_eq!(refresh.header.get(&Name::Route), None);
    // The next answer names none: there is none any more.
    raw.say(response(&refresh, "200 OK", "s", "Expires: 600\r\n", ""));
    raw.agent.invite(raw.now, &invitation()).unwrap();
    assert_eq!(raw.heard().remove(0).header.get(&Name::Route), None);
}

#[test]
fn a_way_that_routes_strictly_is_none() {
    let mut raw = registering();
    registered(&mut raw, "Service-Route: <sip:192.0.2.1>\r\n");
    raw.agent.invite(raw.now, &invitation()).unwrap();
    assert_eq!(raw.heard().remove(0).header.get(&Name::Route), None);
}

#[test]
fn a_peer_with_too_much_to_do_has_no_calls_for_as_long_as_it_says() {
    for (value, seconds) in [("7", 7), ("120 (in a meeting)", 120), ("99999;duration=9", 300)] {
        let mut raw = Raw::new();
        raw.agent.invite(raw.now, &invitation()).unwrap();
        let invite = raw.heard().remove(0);
        raw.say(response(&invite, "503 Service Unavailable", "s", &format!("Retry-After: {value}\r\n"), ""));
        assert!(!raw.agent.is_reachable(PeerId(0)), "{value}");
        raw.wait(Duration::from_secs(seconds - 1));
        assert!(!raw.agent.is_reachable(PeerId(0)), "{value}");
        raw.wait(Duration::from_secs(1));
        assert!(raw.agent.is_reachable(PeerId(0)), "{value}");
    }
    // Without a time it is one call that was refused (RFC 3261 section 21.5.4).
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "503 Service Unavailable", "s", "", ""));
    assert!(raw.agent.is_reachable(PeerId(0)));
}
