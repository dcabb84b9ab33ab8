//! Who has sent a call on (RFC 5806, RFC 7044).

use strowger_sip::agent::Event;
use strowger_sip::message::Name;

use super::pair::invitation;
use super::raw::{OFFER, Raw, request};

#[test]
fn who_sent_a_call_on_is_told_in_both_fields() {
    let mut raw = Raw::new();
    let mut invitation = invitation();
    // The last first.
    invitation.diversions = vec![("2005".into(), "no-answer"), ("2004".into(), "unconditional")];
    raw.agent.invite(raw.now, &invitation).unwrap();
    let invite = raw.heard().remove(0);
    let list = |name: &Name<'_>| invite.header.list(name).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        list(&Name::Diversion),
        ["<sip:2005@192.0.2.2>;reason=no-answer", "<sip:2004@192.0.2.2>;reason=unconditional"]
    );
    assert_eq!(
        list(&Name::HistoryInfo),
        [
            "<sip:2004@192.0.2.2?Reason=SIP%3Bcause%3D302>;index=1",
            "<sip:2005@192.0.2.2?Reason=SIP%3Bcause%3D408>;index=1.1;mp=1",
            "<sip:2002@192.0.2.2>;index=1.1.1;mp=1.1",
        ]
    );
}

#[test]
fn a_call_that_nobody_has_sent_on_has_no_history() {
    let mut raw = Raw::new();
    raw.agent.invite(raw.now, &invitation()).unwrap();
    let invite = raw.heard().remove(0);
    assert_eq!((invite.header.get(&Name::Diversion), invite.header.get(&Name::HistoryInfo)), (None, None));
}

#[test]
fn it_is_counted_how_often_a_call_was_sent_on() {
    let history = "History-Info: <sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1, <sip:2@a.example>;index=1.1;mp=1\r\n\
                   History-Info: <sip:3@a.example;cause=486>;index=1.1.1, <sip:3@10.0.0.1>;index=1.1.1.1;rc=1.1.1\r\n";
    let diversion = "Diversion: <sip:1@a.example>;reason=unconditional\r\n";
    for (more, times) in [
        (String::new(), 0),
        (diversion.to_owned(), 1),
        (history.to_owned(), 2),
        // Both tell of the same.
        (format!("{diversion}{history}"), 2),
        (diversion.repeat(3) + history, 3),
    ] {
        let mut raw = Raw::new();
        raw.say(request("INVITE", "1", 1, "", &more, OFFER));
        let counted = raw.events().into_iter().find_map(|event| match event {
            Event::Incoming { diverted, .. } => Some(diverted),
            _ => None,
        });
        assert_eq!(counted, Some(times), "{more}");
    }
}
