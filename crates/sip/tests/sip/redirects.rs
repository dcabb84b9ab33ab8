//! Calls that a peer sends elsewhere (RFC 3261 section 8.1.3.4).

use strowger_sansio::Duration;
use strowger_sip::agent::{Event, Redirects};
use strowger_sip::message::Message;

use super::pair::{BOB, config, invitation};
use super::raw::{OFFER, Raw, response};

const MOVED: &str = "302 Moved Temporarily";

fn called(message: &Message<'_>) -> String {
    message.uri().unwrap().to_string()
}

/// A call, and its INVITE.
fn call(raw: &mut Raw) -> Message<'static> {
    raw.agent.invite(raw.now, &invitation()).unwrap();
    raw.heard().remove(0)
}

/// The INVITE that a response is followed by, behind its ACK.
fn followed(heard: Vec<Message<'static>>) -> Option<Message<'static>> {
    heard.into_iter().find(|message| message.method().is_some_and(|method| method.as_str() == "INVITE"))
}

fn refused(raw: &mut Raw, expected: u8) {
    let events = raw.events();
    assert!(
        matches!(events[..], [Event::Ended { cause, .. }, Event::Closed { .. }] if cause == expected),
        "{events:?}"
    );
}

#[test]
fn contacts_at_the_peers_own_hosts_are_called_the_preferred_first() {
    let mut raw = Raw::new();
    let invite = call(&mut raw);
    let contacts =
        "Contact: <sip:2003@192.0.2.1>;q=0.5, <sip:2004@192.0.2.1:5060;user=phone?Subject=x>;q=0.7\r\n";
    let first = followed(raw.say(response(&invite, MOVED, "r", contacts, ""))).unwrap();
    assert_eq!(
        called(&first),
        "sip:2004@192.0.2.1:5060;user=phone",
        "what would be a header of its is left out"
    );
    assert_eq!(first.header.call_id(), invite.header.call_id());
    assert_eq!(first.header.from(), invite.header.from());
    assert_eq!(first.header.to(), invite.header.to());
    assert_eq!(first.header.cseq().unwrap().number, 2);
    assert!(first.session_description().is_some());
    let second = followed(raw.say(response(&first, "486 Busy Here", "r", "", ""))).unwrap();
    assert_eq!((called(&second), second.header.cseq().unwrap().number), ("sip:2003@192.0.2.1".into(), 3));
    raw.say(response(&second, "200 OK", "t", "Contact: <sip:192.0.2.1>\r\n", OFFER));
    assert!(matches!(raw.events()[..], [Event::Answered { .. }]));
}

#[test]
fn contacts_elsewhere_are_not_called() {
    for contact in [
        "<sip:2003@198.51.100.7>",
        "<sip:2003@other.example>",
        "<tel:+15550102>",
        "<sips:2003@192.0.2.1>",
        "<sip:2003@192.0.2.1;transport=tcp>",
        "<sip:2003@192.0.2.1;maddr=198.51.100.7>",
        "<sip:2003@192.0.2.1;method=BYE>",
        "*",
    ] {
        let mut raw = Raw::new();
        let invite = call(&mut raw);
        let heard = raw.say(response(&invite, MOVED, "r", &format!("Contact: {contact}\r\n"), ""));
        assert!(followed(heard).is_none(), "{contact}");
        refused(&mut raw, 23);
    }
}

#[test]
fn a_peer_whose_contacts_are_not_wanted_refuses_the_call() {
    let mut config = config(BOB);
    config.peers[0].redirects = Redirects::Refused;
    let mut raw = Raw::with(config);
    let invite = call(&mut raw);
    let heard = raw.say(response(&invite, MOVED, "r", "Contact: <sip:2003@192.0.2.1>\r\n", ""));
    assert!(followed(heard).is_none());
    refused(&mut raw, 23);
}

#[test]
fn other_redirections_are_not_followed() {
    for status in ["305 Use Proxy", "380 Alternative Service"] {
        let mut raw = Raw::new();
        let invite = call(&mut raw);
        let heard = raw.say(response(&invite, status, "r", "Contact: <sip:2003@192.0.2.1>\r\n", ""));
        assert!(followed(heard).is_none(), "{status}");
        refused(&mut raw, 31);
    }
}

#[test]
fn a_loop_ends_the_call() {
    let mut raw = Raw::new();
    let invite = call(&mut raw);
    let to = |number: &str| format!("Contact: <sip:{number}@192.0.2.1>\r\n");
    let second = followed(raw.say(response(&invite, MOVED, "r", &to("2003"), ""))).unwrap();
    // Where it is, and where it was called first.
    let back = to("2003") + &to("2002");
    assert!(followed(raw.say(response(&second, MOVED, "r", &back, ""))).is_none());
    refused(&mut raw, 23);
}

#[test]
fn a_peer_that_sends_calls_on_without_end_is_followed_a_few_times() {
    let mut raw = Raw::new();
    let mut last = call(&mut raw);
    let mut followed_to = 0;
    while let Some(next) = followed(raw.say(response(
        &last,
        MOVED,
        "r",
        &format!("Contact: <sip:3{followed_to:03}@192.0.2.1>\r\n"),
        "",
    ))) {
        followed_to += 1;
        last = next;
        assert!(followed_to < 100, "without end");
    }
    assert_eq!(followed_to, 8);
    refused(&mut raw, 23);
}

#[test]
fn the_next_contact_is_called_when_nobody_is_at_the_first_and_none_behind_a_global_refusal() {
    let mut raw = Raw::new();
    let invite = call(&mut raw);
    let contacts = "Contact: <sip:2003@192.0.2.1>, <sip:2004@192.0.2.1>, <sip:2005@192.0.2.1>\r\n";
    followed(raw.say(response(&invite, MOVED, "r", contacts, ""))).unwrap();
    let silent = raw.wait(Duration::from_secs(33));
    let second =
        silent.into_iter().rev().find(|one| one.uri().is_some_and(|uri| uri.to_string().contains("2004")));
    let heard = raw.say(response(&second.unwrap(), "603 Decline", "r", "", ""));
    assert!(followed(heard).is_none());
    refused(&mut raw, 21);
}

#[test]
fn a_caller_who_hangs_up_between_two_contacts_is_not_called_for_any_more() {
    let mut raw = Raw::new();
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "180 Ringing", "r", "", ""));
    raw.agent.end(raw.now, session, 16);
    let cancel = raw.heard().remove(0);
    assert_eq!(cancel.method().unwrap().as_str(), "CANCEL");
    let heard = raw.say(response(&invite, MOVED, "r", "Contact: <sip:2003@192.0.2.1>\r\n", ""));
    assert!(followed(heard).is_none());
    assert!(raw.events().iter().any(|event| matches!(event, Event::Closed { .. })));
}
