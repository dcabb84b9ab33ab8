//! What a registrar does not take for a proof, and whose questions count together (RFC 3261 section 10.3, RFC 7616, RFC 8760).

use std::net::SocketAddr;

use strowger_sansio::{Duration, Rng};
use strowger_sip::agent::UserAgent;
use strowger_sip::auth::{Challenge, Secret, Subject};
use strowger_sip::message::{Message, Name};
use strowger_sip::registrar::Quality;

use super::registrar::{HOME, Login, PHONE, Town, code, place, town_config};

const FROM: u8 = 7;

fn from() -> SocketAddr {
    place(FROM, 40_001)
}

/// Whether the answer is a challenge, and says that the nonce was too old.
fn is_stale(answer: &Message<'_>) -> bool {
    assert_eq!(code(answer), 401);
    Challenge::strongest(&answer.header, &Name::WwwAuthenticate).unwrap().stale
}

/// A REGISTER whose proof is about this method and URI.
fn proven(town: &mut Town, login: &mut Login, method: &str, uri: &str) -> String {
    let request = town.request("REGISTER", login.user, HOME, "");
    let secret = Secret { user: login.user, password: login.password };
    let value = login.known.answer(secret, Subject { method, uri }, "c");
    request.replacen("Content-Length", &format!("Authorization: {value}\r\nContent-Length"), 1)
}

/// The same proof in another request.
fn replayed(request: &str, cseq: u32) -> String {
    let own = request.split("CSeq: ").nth(1).unwrap().split(' ').next().unwrap();
    request
        .replace("branch=z9hG4bK", &format!("branch=z9hG4bK{cseq}x"))
        .replace(&format!("CSeq: {own} "), &format!("CSeq: {cseq} "))
}

#[test]
fn a_proof_about_another_request_is_none() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    for (method, uri) in [
        ("REGISTER", "sip:192.0.2.3"),
        ("REGISTER", "tel:2003"),
        ("INVITE", "sip:192.0.2.2"),
        ("REGISTER", ""),
    ] {
        let request = proven(&mut town, &mut login, method, uri);
        assert!(
            !is_stale(&town.say(from(), &request)[0]),
            "{method} {uri}: the nonce is good, the proof is not"
        );
    }
    assert!(town.contacts().is_empty());
    // Another spelling of the same URI is the same (RFC 3261 section 19.1.4).
    let request = proven(&mut town, &mut login, "REGISTER", "SIP:192.0.2.2");
    assert_eq!(code(&town.say(from(), &request)[0]), 200);
}

#[test]
fn the_first_question_is_not_stale_nor_is_that_behind_a_wrong_password() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "wrong");
    assert!(!login.known.challenge.stale);
    assert!(!is_stale(&town.register(from(), &mut login, HOME)));
}

#[test]
fn nonces_are_those_of_one_registrar_and_nobody_else_can_make_them() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    town.agent = UserAgent::new(town.now, town_config(), Rng::from_number(10));
    let answer = town.register(from(), &mut login, HOME);
    assert!(is_stale(&answer), "the right password with a nonce of before the restart");
    let mut second = town.login(from(), "2003", "secret");
    let nonce = second.known.challenge.nonce.clone();
    let last = if nonce.ends_with('0') { "1" } else { "0" };
    second.known.challenge.nonce = format!("{}{last}", &nonce[..nonce.len() - 1]);
    assert!(is_stale(&town.register(from(), &mut second, HOME)));
    assert!(town.contacts().is_empty());
}

#[test]
fn a_count_is_taken_once_and_never_one_below_it() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    login.known.count = 4;
    assert_eq!(code(&town.register(from(), &mut login, HOME)), 200, "count 5");
    for count in [2, 3, 4] {
        login.known.count = count;
        assert!(is_stale(&town.register(from(), &mut login, HOME)), "count {}", count + 1);
    }
    assert_eq!(code(&town.register(from(), &mut login, HOME)), 200, "count 6");
    let mut other = town.login(from(), "2003", "secret");
    // A count of nothing is none (RFC 7616 section 3.4: the first is 1).
    let request = proven(&mut town, &mut other, "REGISTER", "sip:192.0.2.2");
    let zero = request.replace("nc=00000001", "nc=00000000");
    assert_eq!(code(&town.say(from(), &zero)[0]), 401);
}

#[test]
fn a_proof_without_a_count_is_taken_once() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    login.known.challenge.protects = false;
    let request = proven(&mut town, &mut login, "REGISTER", "sip:192.0.2.2");
    assert!(!request.contains("nc="));
    assert_eq!(code(&town.say(from(), &request)[0]), 200);
    assert!(is_stale(&town.say(from(), &replayed(&request, 900))[0]));
    // Nor is the integrity of a body that this side does not check.
    let mut second = town.login(from(), "2003", "secret");
    let request = proven(&mut town, &mut second, "REGISTER", "sip:192.0.2.2");
    assert_eq!(code(&town.say(from(), &request.replace("qop=auth", "qop=auth-int"))[0]), 401);
    assert_eq!(code(&town.say(from(), &request.replace("Digest username", "Basic username"))[0]), 401);
}

#[test]
fn a_proof_is_not_taken_again_when_many_others_have_come_since() {
    let mut town = Town::new();
    let mut first = town.login(from(), "2003", "secret");
    let request = proven(&mut town, &mut first, "REGISTER", "sip:192.0.2.2");
    assert_eq!(code(&town.say(from(), &request)[0]), 200);
    for _ in 0..40 {
        town.wait(2);
        let mut login = town.login(from(), "2003", "secret");
        assert_eq!(code(&town.register(from(), &mut login, HOME)), 200);
    }
    assert!(is_stale(&town.say(from(), &replayed(&request, 900))[0]), "within its lifetime, but forgotten");
}

#[test]
fn a_nonce_serves_for_its_lifetime_to_the_second() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    town.wait(300);
    assert_eq!(code(&town.register(from(), &mut login, HOME)), 200);
    town.wait(1);
    assert!(is_stale(&town.register(from(), &mut login, HOME)));
}

#[test]
fn right_proofs_use_up_no_guesses() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    for _ in 0..120 {
        assert_eq!(code(&town.register(from(), &mut login, HOME)), 200);
    }
}

fn asked(town: &mut Town, source: &str) -> bool {
    let request = town.request("REGISTER", "2003", HOME, "");
    !town.say(source.parse().unwrap(), &request).is_empty()
}

#[test]
fn sources_beyond_the_most_share_one_count_and_a_silent_one_makes_room() {
    let mut config = town_config();
    let own = config.registrar.as_mut().unwrap();
    (own.sources, own.burst, own.challenges) = (2, 3, 1);
    let mut town = Town::with(config);
    let (a, b, c, d) = ("198.51.100.1:5060", "198.51.100.2:5060", "198.51.100.3:5060", "198.51.100.4:5060");
    assert!(asked(&mut town, a) && asked(&mut town, b));
    for source in [c, d, c] {
        assert!(asked(&mut town, source), "{source}");
    }
    assert!(!asked(&mut town, c) && !asked(&mut town, d), "three for both together");
    assert!(asked(&mut town, a) && asked(&mut town, b), "those before them have their own");
    town.wait(3);
    assert!(asked(&mut town, a));
    town.wait(2);
    // B has said nothing for as long as its count takes to fill; A has not.
    for source in [c, c, c] {
        assert!(asked(&mut town, source));
    }
    assert!(!asked(&mut town, c));
    assert!(asked(&mut town, d), "the shared count is D's alone now");
    assert!(asked(&mut town, a));
}

#[test]
fn what_one_subscriber_is_given_of_ipv6_is_one_source() {
    let mut config = town_config();
    let own = config.registrar.as_mut().unwrap();
    (own.burst, own.challenges) = (3, 1);
    let mut town = Town::with(config);
    for host in 1..=3 {
        assert!(asked(&mut town, &format!("[2001:db8:0:1::{host}]:5060")));
    }
    assert!(!asked(&mut town, "[2001:db8:0:1:ffff::4]:5060"), "the same 64 bits");
    assert!(asked(&mut town, "[2001:db8:0:2::1]:5060"));
    assert!(asked(&mut town, "198.51.100.1:5060") && asked(&mut town, "198.51.100.2:5060"));
}

#[test]
fn a_domain_that_is_not_kept_here_is_not_found() {
    let mut config = town_config();
    config.registrar.as_mut().unwrap().domains = vec!["town.example".into()];
    let mut town = Town::with(config);
    let mut login = town.login(from(), "2003", "secret");
    assert_eq!(code(&town.register(from(), &mut login, HOME)), 404);
    let request = town
        .request("REGISTER", "2003", HOME, "")
        .replace("To: <sip:2003@192.0.2.2>", "To: <sip:2003@Town.example>");
    let request = Town::with_login(&mut login, &request);
    assert_eq!(code(&town.say(from(), &request)[0]), 200);
}

#[test]
fn a_registration_of_the_same_number_changes_nothing() {
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    assert_eq!(code(&town.register(from(), &mut login, HOME)), 200);
    let request = town.request("REGISTER", "2003", &HOME.replace('>', ">;expires=0"), "");
    let number = request.split("CSeq: ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let before: u32 = number.parse::<u32>().unwrap() - 1;
    let same = request.replace(&format!("CSeq: {number}"), &format!("CSeq: {before}"));
    let same = Town::with_login(&mut login, &same);
    assert_eq!(code(&town.say(from(), &same)[0]), 500, "section 10.3: it fails, and nothing is done");
    assert_eq!(town.contacts().len(), 1);
}

#[test]
fn a_preference_is_0_to_1_with_three_decimals_at_most() {
    let read = |text| Quality::parse(text).map(Quality::thousandths);
    for (text, thousandths) in
        [("1", 1000), ("0", 0), ("0.", 0), ("0.7", 700), ("0.25", 250), ("0.125", 125), ("1.000", 1000)]
    {
        assert_eq!(read(text), Some(thousandths), "{text}");
    }
    for text in ["", "2", "1.1", "1.001", "0.1234", "0.+1", "0.1x", ".5", "-0", "00", "0.5.1"] {
        assert_eq!(read(text), None, "{text}");
    }
    let mut town = Town::new();
    let mut login = town.login(from(), "2003", "secret");
    let bad = HOME.replace('>', ">;q=1.1");
    assert_eq!(code(&town.register(from(), &mut login, &bad)), 400);
    assert!(town.contacts().is_empty());
}

#[test]
fn a_binding_is_put_back_once_and_within_the_most_of_its_user() {
    let mut config = town_config();
    config.registrar.as_mut().unwrap().contacts = 2;
    let mut town = Town::with(config);
    let mut login = town.login(from(), "2003", "secret");
    assert_eq!(code(&town.register(from(), &mut login, HOME)), 200);
    let kept = town.agent.bindings(town.now, PHONE)[0].clone();
    let mut again = Town::with(town.agent.config().clone());
    for contact in
        ["sip:2003@10.0.0.5:5060", "sip:2003@10.0.0.5:5060", "sip:2003@10.0.0.6", "sip:2003@10.0.0.7"]
    {
        let mut binding = kept.clone();
        binding.contact = contact.into();
        again.agent.restore_binding(again.now, PHONE, binding);
    }
    assert_eq!(again.contacts(), ["sip:2003@10.0.0.5:5060", "sip:2003@10.0.0.6"]);
    again.wait(3601);
    assert!(again.contacts().is_empty());
    let mut late = kept.clone();
    late.expires = again.now;
    again.agent.restore_binding(again.now, PHONE, late);
    assert!(again.agent.bindings(again.now - Duration::from_secs(1), PHONE).is_empty(), "it has expired");
}
