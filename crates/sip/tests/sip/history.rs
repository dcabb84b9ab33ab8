//! Who has sent a call on (RFC 5806, RFC 7044).

use std::sync::Arc;

use strowger_sip::agent::{AgentConfig, Event, History, Trust};
use strowger_sip::message::{Message, Name};

use super::pair::{BOB, config, invitation};
use super::raw::{OFFER, Raw, request};

/// What an INVITE with these lines says.
fn heard(more: &str) -> Option<Arc<History>> {
    let mut raw = Raw::new();
    raw.say(request("INVITE", "1", 1, "", more, OFFER));
    let history = raw.events().into_iter().find_map(|event| match event {
        Event::Incoming { history, .. } => Some(history),
        _ => None,
    });
    history.unwrap_or_else(|| panic!("no call with {more}"))
}

fn trusted() -> AgentConfig {
    let mut config = config(BOB);
    config.peers[0].trust = Trust::Trusted;
    config
}

/// The INVITE that goes on to a peer, from a call with these lines, by who sent it on here.
fn goes_on(config: AgentConfig, more: &str, own: &[(&str, &'static str)]) -> Message<'static> {
    let mut raw = Raw::with(config);
    let mut invitation = invitation();
    invitation.history = heard(more);
    invitation.diversions = own.iter().map(|(number, reason)| ((*number).to_owned(), *reason)).collect();
    raw.agent.invite(raw.now, &invitation).unwrap();
    raw.heard().remove(0)
}

fn list(invite: &Message<'_>, name: &Name<'_>) -> Vec<String> {
    invite.header.list(name).map(str::to_owned).collect()
}

#[test]
fn who_sent_a_call_on_is_told_in_both_fields() {
    let mut raw = Raw::new();
    let mut invitation = invitation();
    // The last first.
    invitation.diversions = vec![("2005".into(), "no-answer"), ("2004".into(), "unconditional")];
    raw.agent.invite(raw.now, &invitation).unwrap();
    let invite = raw.heard().remove(0);
    assert_eq!(
        list(&invite, &Name::Diversion),
        ["<sip:2005@192.0.2.2>;reason=no-answer", "<sip:2004@192.0.2.2>;reason=unconditional"]
    );
    assert_eq!(
        list(&invite, &Name::HistoryInfo),
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
    // One entry is only of whom it was for.
    assert_eq!(heard("History-Info: <sip:2002@192.0.2.2>;index=1\r\n"), None);
}

/// Sent on from 1 to 2, as it was moved, and from 2 to 3, as that was busy.
const HISTORY: &str = "History-Info: <sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1, <sip:2@a.example>;index=1.1;mp=1\r\n\
                       History-Info: <sip:3@a.example;cause=486>;index=1.1.1, <sip:3@10.0.0.1>;index=1.1.1.1;rc=1.1.1\r\n";
const DIVERSION: &str = "Diversion: <sip:1@a.example>;reason=unconditional\r\n";

#[test]
fn it_is_counted_how_often_a_call_was_sent_on_and_read_by_whom() {
    for (more, times, by) in [
        (String::new(), 0, vec![]),
        (DIVERSION.to_owned(), 1, vec![("1", "unconditional")]),
        (HISTORY.to_owned(), 2, vec![("1", "unconditional"), ("2", "user-busy")]),
        // Both tell of the same.
        (format!("{DIVERSION}{HISTORY}"), 2, vec![("1", "unconditional"), ("2", "user-busy")]),
        (
            "Diversion: \"B\" <sip:+15550102@b.example>;reason=no-answer;counter=1, <tel:5550101>;reason=\"do not\"\r\n".into(),
            2,
            vec![("5550101", "unknown"), ("+15550102", "no-answer")],
        ),
        // Who says that it is not to be told is still in the record of the exchange.
        (format!("Privacy: history\r\n{DIVERSION}"), 1, vec![("1", "unconditional")]),
        // What is more than is kept is counted.
        (DIVERSION.repeat(30), 30, vec![]),
        // So is what cannot be read.
        ("History-Info: <sip:1@a.example>, <sip:2@a.example>;index=1.1;mp=1\r\n".into(), 1, vec![]),
        (format!("Diversion: <sip:{}@a.example>;reason=away\r\n", "5".repeat(600)), 1, vec![]),
    ] {
        let history = heard(&more);
        let forwarders = history.as_ref().map(|history| history.forwarders()).unwrap_or_default();
        let told: Vec<_> = forwarders.iter().map(|one| (one.number.as_str(), one.reason.as_str())).collect();
        assert_eq!((history.map_or(0, |history| history.times()), told), (times, by), "{more}");
    }
}

#[test]
fn what_a_peer_says_of_the_way_of_its_call_goes_on_before_what_is_added() {
    // The call was for 2002 here, which sends it on: the last entry of the peer's is 2002's.
    let more = "History-Info: <sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1, <sip:2002@192.0.2.2>;index=1.1;mp=1\r\n";
    let invite = goes_on(config(BOB), more, &[("2002", "no-answer")]);
    assert_eq!(
        list(&invite, &Name::HistoryInfo),
        [
            "<sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1",
            "<sip:2002@192.0.2.2?Reason=SIP%3Bcause%3D408>;index=1.1;mp=1",
            "<sip:2002@192.0.2.2>;index=1.1.1;mp=1.1",
        ]
    );
    // What has no Diversion is told in that, too.
    assert_eq!(
        list(&invite, &Name::Diversion),
        ["<sip:2002@192.0.2.2>;reason=no-answer", "<sip:1@a.example>;reason=unconditional"]
    );
}

#[test]
fn a_way_that_nobody_tells_of_leaves_a_gap_in_the_history() {
    let more = "History-Info: <sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1, <sip:9@a.example>;index=1.1;mp=1\r\n";
    let invite = goes_on(config(BOB), more, &[("2004", "user-busy")]);
    assert_eq!(
        list(&invite, &Name::HistoryInfo)[2..],
        [
            "<sip:2004@192.0.2.2?Reason=SIP%3Bcause%3D486>;index=1.1.0.1",
            "<sip:2002@192.0.2.2>;index=1.1.0.1.1;mp=1.1.0.1",
        ]
    );
}

#[test]
fn a_call_that_only_passes_through_takes_its_history_along() {
    let more = "History-Info: <sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1, <sip:2002@192.0.2.2>;index=1.1;mp=1\r\n\
                Diversion: \"One\" <sip:1@a.example>;reason=unconditional;counter=1\r\n";
    let invite = goes_on(config(BOB), more, &[]);
    assert_eq!(
        list(&invite, &Name::HistoryInfo),
        [
            "<sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1",
            "<sip:2002@192.0.2.2>;index=1.1;mp=1",
            "<sip:2002@192.0.2.2>;index=1.1.1;rc=1.1",
        ]
    );
    assert_eq!(list(&invite, &Name::Diversion), ["\"One\" <sip:1@a.example>;reason=unconditional;counter=1"]);
}

#[test]
fn a_call_with_diversion_alone_has_a_history_too() {
    let more = "Diversion: <sip:2@a.example>;reason=deflection, <sip:1@a.example>;reason=away\r\n";
    let invite = goes_on(config(BOB), more, &[("2002", "user-busy")]);
    assert_eq!(
        list(&invite, &Name::HistoryInfo),
        [
            "<sip:1@a.example?Reason=SIP%3Bcause%3D404>;index=1",
            "<sip:2@a.example?Reason=SIP%3Bcause%3D480>;index=1.1;mp=1",
            "<sip:2002@192.0.2.2?Reason=SIP%3Bcause%3D486>;index=1.1.1;mp=1.1",
            "<sip:2002@192.0.2.2>;index=1.1.1.1;mp=1.1.1",
        ]
    );
}

#[test]
fn nobody_who_is_not_trusted_learns_who_does_not_want_to_be_known() {
    let whole =
        format!("Privacy: history\r\n{HISTORY}Diversion: \"One\" <sip:1@a.example>;reason=unconditional\r\n");
    let invite = goes_on(config(BOB), &whole, &[("2004", "no-answer")]);
    assert_eq!(
        list(&invite, &Name::HistoryInfo),
        [
            "<sip:anonymous@anonymous.invalid?Reason=SIP%3Bcause%3D302>;index=1",
            "<sip:anonymous@anonymous.invalid>;index=1.1;mp=1",
            "<sip:anonymous@anonymous.invalid;cause=486>;index=1.1.1",
            "<sip:anonymous@anonymous.invalid>;index=1.1.1.1;rc=1.1.1",
            "<sip:2004@192.0.2.2?Reason=SIP%3Bcause%3D408>;index=1.1.1.1.0.1",
            "<sip:2002@192.0.2.2>;index=1.1.1.1.0.1.1;mp=1.1.1.1.0.1",
        ]
    );
    assert_eq!(
        list(&invite, &Name::Diversion),
        ["<sip:2004@192.0.2.2>;reason=no-answer", "<sip:anonymous@anonymous.invalid>;reason=unconditional"]
    );
    assert_eq!(invite.header.get(&Name::Privacy), None, "what was asked for is done");
    // Of what a session or its header hides the history is a part (RFC 3323 section 4.2).
    for wish in ["header", "id; session"] {
        let more = format!("Privacy: {wish}\r\n{DIVERSION}");
        let invite = goes_on(config(BOB), &more, &[]);
        assert!(!list(&invite, &Name::Diversion)[0].contains("a.example"), "{wish}");
        assert!(!list(&invite, &Name::HistoryInfo)[0].contains("a.example"), "{wish}");
    }
}

#[test]
fn some_of_those_who_have_sent_a_call_on_may_want_to_be_unknown() {
    let more = "History-Info: <sip:1@a.example?Privacy=history&Reason=SIP%3Bcause%3D302>;index=1, <sip:2@a.example>;index=1.1;mp=1\r\n\
                Diversion: <sip:1@a.example>;reason=unconditional;privacy=full\r\n";
    let invite = goes_on(config(BOB), more, &[]);
    assert_eq!(
        list(&invite, &Name::HistoryInfo)[..2],
        [
            "<sip:anonymous@anonymous.invalid?Reason=SIP%3Bcause%3D302>;index=1",
            "<sip:2@a.example>;index=1.1;mp=1",
        ]
    );
    let told = "<sip:anonymous@anonymous.invalid>;reason=unconditional;privacy=full";
    assert_eq!(list(&invite, &Name::Diversion), [told]);
    // Where only one field has come, the other says the same.
    let one = "Diversion: <sip:1@a.example>;reason=unconditional;privacy=full\r\n";
    let invite = goes_on(config(BOB), one, &[]);
    let told = "<sip:anonymous@anonymous.invalid?Reason=SIP%3Bcause%3D302>;index=1";
    assert_eq!(list(&invite, &Name::HistoryInfo)[0], told);
    let invite = goes_on(trusted(), one, &[]);
    let told = "<sip:1@a.example?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1";
    assert_eq!(list(&invite, &Name::HistoryInfo)[0], told);
}

#[test]
fn a_peer_that_is_trusted_is_told_everything_and_what_it_is_to_keep_to_itself() {
    let more = format!("Privacy: id;history\r\n{HISTORY}");
    let invite = goes_on(trusted(), &more, &[]);
    assert_eq!(list(&invite, &Name::HistoryInfo)[0], "<sip:1@a.example?Reason=SIP%3Bcause%3D302>;index=1");
    assert_eq!(invite.header.get(&Name::Privacy), Some("history"));
    let mut raw = Raw::with(trusted());
    let mut withheld = invitation();
    withheld.caller.withheld = true;
    withheld.history = heard(&more);
    raw.agent.invite(raw.now, &withheld).unwrap();
    assert_eq!(raw.heard()[0].header.get(&Name::Privacy), Some("id;history"));
}
