//! Who this side is, to peers that ask more than once and for more than one realm (RFC 3261 sections 22.2 and 22.3).

use strowger_sansio::Duration;
use strowger_sip::agent::{Event, PeerId, SessionId};
use strowger_sip::auth::Proof;
use strowger_sip::message::{Message, Name};

use super::pair::{BOB, config, credentials, invitation};
use super::raw::{OFFER, Raw, response};

/// A challenge of a proxy.
fn proxy(realm: &str, nonce: &str, more: &str) -> String {
    format!("Proxy-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"{more}\r\n")
}

const CONTACT: &str =
    "Contact: <sip:192.0.2.1>\r\nSupported: timer\r\nSession-Expires: 1800;refresher=uac\r\n";
const REQUIRED: &str = "407 Proxy Authentication Required";

fn with_user() -> Raw {
    let mut config = config(BOB);
    config.peers[0].credentials = Some(credentials());
    Raw::with(config)
}

fn call(raw: &mut Raw) -> (SessionId, Message<'static>) {
    let session = raw.agent.invite(raw.now, &invitation()).unwrap();
    (session, raw.heard().remove(0))
}

/// The realms, nonces and counts of a request's credentials.
fn shown(request: &Message<'_>, field: &Name<'_>) -> Vec<(String, String, u32)> {
    let proofs = request.header.all(field).map(|value| Proof::parse(value).unwrap());
    proofs.map(|proof| (proof.realm, proof.nonce, proof.protection.unwrap().0)).collect()
}

fn one(realm: &str, nonce: &str, count: u32) -> Vec<(String, String, u32)> {
    vec![(realm.to_owned(), nonce.to_owned(), count)]
}

/// A call that was challenged by a proxy, and stands.
fn talk(raw: &mut Raw) -> (SessionId, Message<'static>) {
    let (session, invite) = call(raw);
    let again = raw.say(response(&invite, REQUIRED, "p", &proxy("carrier", "n1", ""), "")).remove(1);
    let ack = raw.say(response(&again, "200 OK", "t", CONTACT, OFFER)).remove(0);
    raw.events();
    (session, ack)
}

#[test]
fn two_calls_that_are_challenged_with_one_nonce_both_go_on() {
    let mut raw = with_user();
    let (_, first) = call(&mut raw);
    let (_, second) = call(&mut raw);
    // A proxy that makes its nonces of the time of day has the same for both.
    for (invite, count) in [(first, 1), (second, 1)] {
        let heard = raw.say(response(&invite, REQUIRED, "p", &proxy("carrier", "n1", ""), ""));
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(shown(&heard[1], &Name::ProxyAuthorization)[0].2 >= count);
    }
    assert!(raw.events().is_empty());
}

#[test]
fn credentials_that_are_refused_are_not_sent_again_under_a_new_nonce() {
    let mut raw = with_user();
    let (_, invite) = call(&mut raw);
    let again = raw.say(response(&invite, REQUIRED, "p", &proxy("carrier", "n1", ""), "")).remove(1);
    let heard = raw.say(response(&again, REQUIRED, "p", &proxy("carrier", "n2", ""), ""));
    assert_eq!(heard.len(), 1, "an ACK and nothing else");
    assert!(matches!(raw.events()[..], [Event::Ended { cause: 21, .. }, Event::Closed { .. }]));
}

#[test]
fn a_nonce_that_was_too_old_is_not_a_refusal() {
    let mut raw = with_user();
    let (_, invite) = call(&mut raw);
    let again = raw.say(response(&invite, REQUIRED, "p", &proxy("carrier", "n1", ""), "")).remove(1);
    let stale = proxy("carrier", "n2", ", stale=true");
    let third = raw.say(response(&again, REQUIRED, "p", &stale, "")).remove(1);
    assert_eq!(shown(&third, &Name::ProxyAuthorization), one("carrier", "n2", 1));
}

#[test]
fn a_registrar_a_proxy_and_who_is_behind_it_each_have_their_credentials() {
    let mut config = config(BOB);
    (config.peers[0].credentials, config.peers[0].registers) = (Some(credentials()), true);
    let mut raw = Raw::with(config);
    let first = raw.wait(Duration::from_millis(1)).remove(0);
    let asked = "WWW-Authenticate: Digest realm=\"registrar\", nonce=\"r1\", qop=\"auth\"\r\n";
    let again = raw.say(response(&first, "401 Unauthorized", "s", asked, "")).remove(0);
    raw.say(response(&again, "200 OK", "s", "Expires: 600\r\n", ""));
    let (_, invite) = call(&mut raw);
    let proven = raw.say(response(&invite, REQUIRED, "p", &proxy("proxy", "p1", ""), "")).remove(1);
    assert_eq!(shown(&proven, &Name::ProxyAuthorization), one("proxy", "p1", 1));
    // Whoever is behind the proxy has a realm of its own, which is asked for last.
    let far = "WWW-Authenticate: Digest realm=\"far\", nonce=\"f1\", qop=\"auth\"\r\n";
    let third = raw.say(response(&proven, "401 Unauthorized", "f", far, "")).remove(1);
    assert_eq!(shown(&third, &Name::ProxyAuthorization), one("proxy", "p1", 2));
    assert!(shown(&third, &Name::Authorization).contains(&("far".into(), "f1".into(), 1)));
    // The ACK has what the INVITE had (section 13.2.2.4).
    let ack = raw.say(response(&third, "200 OK", "t", CONTACT, OFFER)).remove(0);
    assert_eq!(ack.method().unwrap().as_str(), "ACK");
    for field in [Name::Authorization, Name::ProxyAuthorization] {
        let values =
            |message: &Message<'_>| message.header.all(&field).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(values(&ack), values(&third));
    }
    // And the registration is refreshed with its own.
    assert!(raw.agent.is_reachable(PeerId(0)));
    let refreshed = raw.wait(Duration::from_secs(481));
    let refreshed = refreshed.iter().find(|one| one.method().is_some_and(|is| is.as_str() == "REGISTER"));
    assert!(shown(refreshed.unwrap(), &Name::Authorization).iter().any(|(realm, ..)| realm == "registrar"));
}

#[test]
fn a_refresh_that_is_challenged_is_sent_again_however_long_the_call_lasts() {
    let mut raw = with_user();
    talk(&mut raw);
    for turn in 2..8 {
        let refresh = raw.wait(Duration::from_secs(900)).remove(0);
        assert_eq!(refresh.method().unwrap().as_str(), "INVITE");
        let stale = proxy("carrier", &format!("n{turn}"), ", stale=true");
        let again = raw.say(response(&refresh, REQUIRED, "t", &stale, "")).remove(1);
        assert_eq!(shown(&again, &Name::ProxyAuthorization), one("carrier", &format!("n{turn}"), 1));
        assert!(again.session_description().is_some());
        raw.say(response(&again, "200 OK", "t", CONTACT, OFFER));
    }
    assert!(!raw.events().iter().any(|event| matches!(event, Event::Ended { .. } | Event::Refused { .. })));
}

#[test]
fn a_refresh_that_meets_an_offer_is_made_again() {
    let mut raw = with_user();
    talk(&mut raw);
    let refresh = raw.wait(Duration::from_secs(900)).remove(0);
    raw.say(response(&refresh, "491 Request Pending", "t", "", ""));
    let again = raw.wait(Duration::from_secs(5));
    assert!(again.iter().any(|one| one.method().is_some_and(|is| is.as_str() == "INVITE")), "{again:?}");
}

#[test]
fn a_bye_that_is_challenged_is_sent_again() {
    let mut raw = with_user();
    let (session, _) = talk(&mut raw);
    raw.agent.end(raw.now, session, 16);
    let bye = raw.heard().remove(0);
    let stale = proxy("carrier", "n9", ", stale=true");
    let again = raw.say(response(&bye, REQUIRED, "t", &stale, "")).remove(0);
    assert_eq!(shown(&again, &Name::ProxyAuthorization), one("carrier", "n9", 1));
    assert!(again.header.cseq().unwrap().number > bye.header.cseq().unwrap().number);
    raw.say(response(&again, "200 OK", "t", "", ""));
    assert!(matches!(raw.events()[..], [Event::Closed { .. }]));
}
