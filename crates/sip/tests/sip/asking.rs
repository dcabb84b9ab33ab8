//! Transfers that this side asks for: what a peer may make of a REFER (RFC 3515, RFC 3892, RFC 6665).

use strowger_sansio::Duration;
use strowger_sip::agent::{Event, SessionId};
use strowger_sip::message::{Message, Method, Name, Uri};

use super::pair::{BOB, config, credentials, invitation};
use super::raw::{OFFER, Raw, response};

/// A call that a peer has answered, and the REFER that it is sent.
fn refers() -> (Raw, SessionId, Message<'static>) {
    let mut config = config(BOB);
    config.peers[0].credentials = Some(credentials());
    let mut raw = Raw::with(config);
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    raw.say(response(&invite, "200 OK", "t", "Contact: <sip:192.0.2.1>\r\n", OFFER));
    raw.events();
    assert!(raw.agent.is_settled(session));
    assert!(raw.agent.refer(raw.now, session, &Uri::parse("sip:2005@192.0.2.1").unwrap(), None));
    let refer = raw.heard().remove(0);
    assert_eq!(refer.method(), Some(&Method::Refer));
    (raw, session, refer)
}

/// A NOTIFY of the peer's; what it is answered with.
fn notify(raw: &mut Raw, refer: &Message<'_>, cseq: u32, state: &str, fragment: &str) -> Vec<u16> {
    let value = |name: &Name<'_>| refer.header.get(name).unwrap().to_owned();
    let (from, to, call_id) = (value(&Name::To), value(&Name::From), value(&Name::CallId));
    raw.statuses(format!(
        "NOTIFY sip:192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKn{cseq}\r\nFrom: {from}\r\nTo: {to}\r\n\
         Call-ID: {call_id}\r\nCSeq: {cseq} NOTIFY\r\nMax-Forwards: 70\r\nContact: <sip:192.0.2.1>\r\nEvent: refer\r\n\
         Subscription-State: {state}\r\nContent-Type: message/sipfrag\r\nContent-Length: {}\r\n\r\n{fragment}",
        fragment.len()
    ))
}

fn accepted(raw: &mut Raw, refer: &Message<'_>) {
    let answer = response(refer, "202 Accepted", "t", "Contact: <sip:192.0.2.1>\r\n", "")
        .replace(";tag=t;tag=t", ";tag=t");
    raw.say(answer);
}

fn refused(raw: &mut Raw, refer: &Message<'_>, status: &str, more: &str) -> Vec<Message<'static>> {
    raw.say(response(refer, status, "t", more, "").replace(";tag=t;tag=t", ";tag=t"))
}

/// What was told of the transfer: the status, and whether the peer had accepted it.
fn told(raw: &mut Raw) -> Vec<(u16, bool)> {
    let one = |event: Event| match event {
        Event::Transferring { status, accepted, .. } => Some((status.code(), accepted)),
        _ => None,
    };
    raw.events().into_iter().filter_map(one).collect()
}

#[test]
fn a_refer_says_who_sends_whom_where() {
    let (_, _, refer) = refers();
    assert_eq!(refer.header.get(&Name::ReferTo), Some("<sip:2005@192.0.2.1>"));
    assert!(refer.header.get(&Name::ReferredBy).unwrap().contains("sip:2001@"), "{refer:?}");
    assert!(refer.header.get(&Name::Contact).is_some());
}

#[test]
fn a_peer_tells_how_it_goes_until_its_last_word_and_is_heard_no_more_behind_that() {
    let (mut raw, _, refer) = refers();
    // It may tell before it has accepted.
    assert_eq!(notify(&mut raw, &refer, 1, "active;expires=60", "SIP/2.0 100 Trying\r\n"), [200]);
    accepted(&mut raw, &refer);
    assert_eq!(notify(&mut raw, &refer, 2, "active;expires=60", "SIP/2.0 180 Ringing\r\n"), [200]);
    assert_eq!(
        notify(&mut raw, &refer, 3, "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n"),
        [200]
    );
    assert_eq!(told(&mut raw), [(100, true), (180, true), (486, true)]);
    assert_eq!(notify(&mut raw, &refer, 4, "terminated", "SIP/2.0 200 OK\r\n"), [481]);
    assert_eq!(told(&mut raw), []);
}

#[test]
fn a_peer_that_accepts_and_says_nothing_is_given_up_in_its_time() {
    let (mut raw, session, refer) = refers();
    accepted(&mut raw, &refer);
    raw.wait(Duration::from_secs(31));
    assert_eq!(told(&mut raw), []);
    raw.wait(Duration::from_secs(2));
    assert_eq!(told(&mut raw), [(408, false)], "64 T1");
    assert!(raw.agent.is_settled(session), "the call goes on");
    // One that has begun to tell has the time that it names, and five minutes at most.
    for (expires, span) in [(60, 60), (90_000, 300)] {
        let (mut raw, _, refer) = refers();
        accepted(&mut raw, &refer);
        let state = format!("active;expires={expires}");
        notify(&mut raw, &refer, 1, &state, "SIP/2.0 180 Ringing\r\n");
        raw.wait(Duration::from_secs(span - 1));
        assert_eq!(told(&mut raw), [(180, true)]);
        raw.wait(Duration::from_secs(2));
        assert_eq!(told(&mut raw), [(408, false)], "{expires}");
    }
}

#[test]
fn a_subscription_that_ends_without_a_word_of_how_tells_that() {
    for (state, fragment) in [("terminated;reason=timeout", "SIP/2.0 100 Trying\r\n"), ("Terminated", "")] {
        let (mut raw, _, refer) = refers();
        accepted(&mut raw, &refer);
        assert_eq!(notify(&mut raw, &refer, 1, state, fragment), [200]);
        assert_eq!(told(&mut raw), [(408, false)], "{state}");
    }
}

#[test]
fn a_refer_that_is_challenged_is_sent_again_once_and_one_that_is_refused_is_not() {
    let (mut raw, session, refer) = refers();
    let challenge = "WWW-Authenticate: Digest realm=\"far\", nonce=\"n1\"\r\n";
    let again = refused(&mut raw, &refer, "401 Unauthorized", challenge).remove(0);
    assert!(again.header.get(&Name::Authorization).is_some());
    assert_eq!(again.header.get(&Name::ReferTo), refer.header.get(&Name::ReferTo));
    assert!(refused(&mut raw, &again, "401 Unauthorized", &challenge.replace("n1", "n2")).is_empty());
    assert_eq!(told(&mut raw), [(401, false)]);
    assert!(raw.agent.is_settled(session));
    let (mut raw, session, refer) = refers();
    assert!(refused(&mut raw, &refer, "501 Not Implemented", "").is_empty());
    assert_eq!(told(&mut raw), [(501, false)]);
    assert!(raw.agent.is_settled(session));
    // It may be asked for another.
    assert!(raw.agent.refer(raw.now, session, &Uri::parse("sip:2006@192.0.2.1").unwrap(), None));
}

#[test]
fn a_peer_that_knows_nothing_of_the_dialog_any_more_when_it_is_sent_a_refer_ends_the_call() {
    let (mut raw, _, refer) = refers();
    let said = refused(&mut raw, &refer, "481 Call/Transaction Does Not Exist", "");
    assert_eq!(said[0].method(), Some(&Method::Bye));
    let events = raw.events();
    assert!(matches!(events[..], [Event::Transferring { .. }, Event::Ended { .. }]), "{events:?}");
}

#[test]
fn a_peer_that_tells_behind_the_end_of_the_call_is_heard_until_its_subscription_ends() {
    let (mut raw, session, refer) = refers();
    accepted(&mut raw, &refer);
    assert_eq!(notify(&mut raw, &refer, 1, "active;expires=60", "SIP/2.0 100 Trying\r\n"), [200]);
    raw.agent.end(raw.now, session, 16);
    let bye = raw.heard().remove(0);
    raw.say(response(&bye, "200 OK", "t", "", "").replace(";tag=t;tag=t", ";tag=t"));
    assert_eq!(raw.agent.sessions(), 0);
    raw.events();
    assert_eq!(notify(&mut raw, &refer, 2, "active;expires=60", "SIP/2.0 180 Ringing\r\n"), [200]);
    assert_eq!(notify(&mut raw, &refer, 3, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), [200]);
    assert_eq!(notify(&mut raw, &refer, 4, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), [481]);
    assert_eq!(told(&mut raw), [], "its user has ended it");
    // One that says nothing more is forgotten in its time.
    let (mut raw, session, refer) = refers();
    accepted(&mut raw, &refer);
    raw.agent.end(raw.now, session, 16);
    let bye = raw.heard().remove(0);
    raw.say(response(&bye, "200 OK", "t", "", "").replace(";tag=t;tag=t", ";tag=t"));
    raw.wait(Duration::from_secs(33));
    assert_eq!(notify(&mut raw, &refer, 1, "active;expires=60", "SIP/2.0 180 Ringing\r\n"), [481]);
}

#[test]
fn a_subscription_may_end_behind_the_last_word_of_how_it_went() {
    let (mut raw, session, refer) = refers();
    accepted(&mut raw, &refer);
    assert_eq!(notify(&mut raw, &refer, 1, "active;expires=60", "SIP/2.0 200 OK\r\n"), [200]);
    assert_eq!(told(&mut raw), [(200, true)]);
    assert_eq!(notify(&mut raw, &refer, 2, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), [200]);
    assert_eq!(told(&mut raw), [], "once");
    assert_eq!(notify(&mut raw, &refer, 3, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), [481]);
    // It may be asked for another meanwhile, of which it tells by the number of that.
    let (mut raw, session) = match notify(&mut raw, &refer, 4, "active", "") {
        statuses if statuses == [481] => (raw, session),
        other => panic!("{other:?}"),
    };
    assert!(raw.agent.refer(raw.now, session, &Uri::parse("sip:2006@192.0.2.1").unwrap(), None));
    let second = raw.heard().remove(0);
    let number = second.header.cseq().unwrap().number;
    accepted(&mut raw, &second);
    let of = |cseq: u32, number: u32, raw: &mut Raw| {
        let value = |name: &Name<'_>| second.header.get(name).unwrap().to_owned();
        let (from, to, call_id) = (value(&Name::To), value(&Name::From), value(&Name::CallId));
        raw.statuses(format!(
            "NOTIFY sip:192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKm{cseq}\r\nFrom: {from}\r\nTo: {to}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} NOTIFY\r\nMax-Forwards: 70\r\nContact: <sip:192.0.2.1>\r\nEvent: refer;id={number}\r\n\
             Subscription-State: terminated\r\nContent-Type: message/sipfrag\r\nContent-Length: 16\r\n\r\nSIP/2.0 200 OK\r\n"
        ))
    };
    assert_eq!(of(5, number - 1, &mut raw), [481], "that of the first is over");
    assert_eq!(of(6, number, &mut raw), [200]);
    assert_eq!(told(&mut raw), [(200, true)]);
}
