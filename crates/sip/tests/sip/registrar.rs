//! Telephones that register: what a registrar answers, where calls to them go, and who is let in.

use std::net::SocketAddr;

use strowger_sansio::{Duration, Rng, Time};
use strowger_sdp::{AddressPolicy, Hosts};
use strowger_sip::agent::{AgentConfig, Credentials, Event, Peer, PeerId, Standing, UserAgent};
use strowger_sip::auth::{Algorithm, Challenge, Known, Secret, Subject};
use strowger_sip::message::{Message, Name, Status};
use strowger_sip::registrar::{Binding, Quality, RegistrarConfig};
use strowger_sip::{Route, Transport};

use super::pair::{BOB, config, invitation, read};
use super::raw::OFFER;

pub(super) const PHONE: PeerId = PeerId(1);

/// A user agent with a trunk, and a telephone of user 2003.
pub(super) struct Town {
    pub(super) now: Time,
    pub(super) agent: UserAgent,
    cseq: u32,
    branch: u32,
}

pub(super) fn place(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, host], port))
}

pub(super) fn town_config() -> AgentConfig {
    let mut config = config(BOB);
    for user in ["2003", "2004"] {
        let mut phone = Peer::phone(user, Credentials { user: user.into(), password: "secret".into() });
        phone.media = AddressPolicy { hosts: Hosts::Any };
        config.peers.push(phone);
    }
    config.registrar = Some(RegistrarConfig::new("town"));
    config
}

/// Who proves to be whom, and how.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) known: Known,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
}

impl Town {
    pub(super) fn new() -> Self {
        Self::with(town_config())
    }

    pub(super) fn with(config: AgentConfig) -> Self {
        let now = Time::from_secs(1);
        Self { now, agent: UserAgent::new(now, config, Rng::from_number(9)), cseq: 0, branch: 0 }
    }

    pub(super) fn request(&mut self, method: &str, user: &str, more: &str, body: &str) -> String {
        self.cseq += 1;
        self.branch += 1;
        let (cseq, branch) = (self.cseq, self.branch);
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let target = if method == "REGISTER" { "sip:192.0.2.2" } else { "sip:2001@192.0.2.2" };
        let to = if method == "REGISTER" { user } else { "2001" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=z9hG4bKr{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@192.0.2.2>;tag=p{branch}\r\nTo: <sip:{to}@192.0.2.2>\r\n\
             Call-ID: reg@10.0.0.5\r\nCSeq: {cseq} {method}\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub(super) fn say(&mut self, from: SocketAddr, bytes: &str) -> Vec<Message<'static>> {
        self.agent.handle_input(self.now, Route::udp(from), bytes.as_bytes());
        std::iter::from_fn(|| self.agent.poll_transmit())
            .map(|datagram| {
                assert_eq!(datagram.to, from, "an answer to somebody else");
                read(&datagram.payload)
            })
            .collect()
    }

    /// Says something by a connection; what comes by it.
    pub(super) fn say_by(&mut self, from: Route, bytes: &str) -> Vec<Message<'static>> {
        let bytes = bytes.replace("SIP/2.0/UDP", "SIP/2.0/TCP");
        self.agent.handle_input(self.now, from, bytes.as_bytes());
        let sent = std::iter::from_fn(|| self.agent.poll_transmit());
        sent.filter(|one| one.to == from.address).map(|one| read(&one.payload)).collect()
    }

    /// Registers 2003 by a connection: what is answered when it has proven who it is.
    pub(super) fn register_by(&mut self, from: Route, more: &str) -> Message<'static> {
        let request = self.request("REGISTER", "2003", more, "");
        let asked = self.say_by(from, &request).remove(0);
        let challenge = Challenge::strongest(&asked.header, &Name::WwwAuthenticate).unwrap();
        let known = Known { challenge, field: Name::Authorization, count: 0 };
        let mut login = Login { known, user: "2003", password: "secret" };
        let request = self.request("REGISTER", "2003", more, "");
        self.say_by(from, &Self::with_login(&mut login, &request)).remove(0)
    }

    /// Asks without credentials, and takes what comes as a login.
    pub(super) fn login(&mut self, from: SocketAddr, user: &'static str, password: &'static str) -> Login {
        let request = self.request("REGISTER", user, "", "");
        let answers = self.say(from, &request);
        let [answer] = answers.as_slice() else { panic!("{answers:?}") };
        assert_eq!(answer.status(), Some(Status::UNAUTHORIZED));
        let challenge = Challenge::strongest(&answer.header, &Name::WwwAuthenticate).unwrap();
        Login { known: Known { challenge, field: Name::Authorization, count: 0 }, user, password }
    }

    pub(super) fn with_login(login: &mut Login, request: &str) -> String {
        let mut first = request.split(' ');
        let (method, uri) = (first.next().unwrap(), first.next().unwrap());
        let secret = Secret { user: login.user, password: login.password };
        let value = login.known.answer(secret, Subject { method, uri }, "c");
        request.replacen("Content-Length", &format!("Authorization: {value}\r\nContent-Length"), 1)
    }

    /// A REGISTER with credentials; its answer.
    pub(super) fn register(&mut self, from: SocketAddr, login: &mut Login, more: &str) -> Message<'static> {
        let request = self.request("REGISTER", login.user, more, "");
        let request = Self::with_login(login, &request);
        let answers = self.say(from, &request);
        let [answer] = answers.as_slice() else { panic!("{answers:?}") };
        answer.clone()
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.agent.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.agent.handle_timeout(self.now);
            while self.agent.poll_transmit().is_some() {}
        }
        self.now = until;
    }

    pub(super) fn contacts(&self) -> Vec<String> {
        self.agent.bindings(self.now, PHONE).iter().map(|binding| binding.contact.clone()).collect()
    }
}

pub(super) fn code(message: &Message<'_>) -> u16 {
    message.status().unwrap().code()
}

fn contacts_of(message: &Message<'_>) -> Vec<String> {
    message.header.list(&Name::Contact).map(str::to_owned).collect()
}

pub(super) const HOME: &str = "Contact: <sip:2003@10.0.0.5:5060>\r\n";

#[test]
fn a_telephone_registers_is_called_where_it_came_from_and_is_forgotten_when_its_time_is_over() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(login.known.challenge.algorithm, Algorithm::Sha256);
    let answer = town.register(from, &mut login, &format!("{HOME}Expires: 600\r\n"));
    assert_eq!(
        (code(&answer), contacts_of(&answer)),
        (200, vec!["<sip:2003@10.0.0.5:5060>;expires=600".into()])
    );
    assert_eq!(town.events(), [Event::Moved { peer: PHONE }]);
    // Behind its NAT it is reached by the way that it came.
    let mut call = invitation();
    (call.peer, call.called) = (PHONE, "2003".into());
    town.agent.invite_contact(town.now, &call, "sip:2003@10.0.0.5:5060").unwrap();
    let datagram = town.agent.poll_transmit().unwrap();
    assert_eq!(datagram.to, from);
    assert!(datagram.payload.starts_with(b"INVITE sip:2003@10.0.0.5:5060 SIP/2.0\r\n"));
    assert!(read(&datagram.payload).header.get(&Name::To).unwrap().contains("sip:2003@192.0.2.2"));
    // A refresh moves nothing.
    town.wait(300);
    town.events();
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
    assert_eq!(town.events(), [Event::Refreshed { peer: PHONE }]);
    town.wait(3599);
    assert_eq!(town.contacts().len(), 1);
    town.wait(2);
    assert_eq!((town.contacts().len(), town.events()), (0, vec![Event::Moved { peer: PHONE }]));
}

#[test]
fn an_md5_challenge_stands_beside_the_stronger_one() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let request = town.request("REGISTER", "2003", HOME, "");
    let answer = town.say(from, &request).remove(0);
    let offered: Vec<Challenge> =
        answer.header.all(&Name::WwwAuthenticate).filter_map(Challenge::parse).collect();
    assert_eq!(
        offered.iter().map(|one| one.algorithm).collect::<Vec<_>>(),
        [Algorithm::Sha256, Algorithm::Md5]
    );
    let known = Known { challenge: offered[1].clone(), field: Name::Authorization, count: 0 };
    let mut login = Login { known, user: "2003", password: "secret" };
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
}

#[test]
fn a_digest_that_was_not_asked_for_proves_nothing() {
    let mut config = town_config();
    let registrar = RegistrarConfig { algorithms: vec![Algorithm::Sha256], ..RegistrarConfig::new("town") };
    config.registrar = Some(registrar);
    let mut town = Town::with(config);
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    login.known.challenge.algorithm = Algorithm::Md5;
    assert_eq!(code(&town.register(from, &mut login, HOME)), 401);
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
}

#[test]
fn the_answer_to_a_registration_names_no_proxies() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    let answer = town.register(from, &mut login, &format!("{HOME}Record-Route: <sip:192.0.2.77;lr>\r\n"));
    assert_eq!((code(&answer), answer.header.get(&Name::RecordRoute)), (200, None));
}

#[test]
fn the_answer_to_a_registration_says_what_time_it_is_when_the_host_has_told() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(town.register(from, &mut login, HOME).header.get(&Name::Date), None, "nobody knows");
    town.agent.set_wall_clock(town.now, Duration::from_secs(951_782_398));
    town.now += Duration::from_secs(2);
    let answer = town.register(from, &mut login, HOME);
    assert_eq!(answer.header.get(&Name::Date), Some("Tue, 29 Feb 2000 00:00:00 GMT"));
    let brief = town.register(from, &mut login, &format!("{HOME}Expires: 1\r\n"));
    assert_eq!((code(&brief), brief.header.get(&Name::Date)), (423, None));
}

#[test]
fn contacts_are_added_preferred_removed_one_by_one_and_all_at_once() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    let two = "Contact: <sip:2003@10.0.0.5>;q=0.5;expires=100, \"Desk\" <sip:2003@10.0.0.6>;q=0.7\r\n";
    let answer = town.register(from, &mut login, &format!("{two}Expires: 200\r\n"));
    let both = ["<sip:2003@10.0.0.5>;q=0.500;expires=100", "<sip:2003@10.0.0.6>;q=0.700;expires=200"];
    assert_eq!(contacts_of(&answer), both);
    assert_eq!(town.contacts(), ["sip:2003@10.0.0.6", "sip:2003@10.0.0.5"]);
    // Without a contact a REGISTER asks.
    assert_eq!(contacts_of(&town.register(from, &mut login, "")), both);
    let answer = town.register(from, &mut login, "Contact: <sip:2003@10.0.0.5>;expires=0\r\n");
    assert_eq!(contacts_of(&answer), ["<sip:2003@10.0.0.6>;q=0.700;expires=200"]);
    // The star needs its Expires, and stands alone.
    for wrong in
        ["Contact: *\r\n", "Contact: *\r\nExpires: 10\r\n", "Contact: *, <sip:a@10.0.0.5>\r\nExpires: 0\r\n"]
    {
        assert_eq!(code(&town.register(from, &mut login, wrong)), 400, "{wrong}");
    }
    assert_eq!(town.contacts().len(), 1);
    let answer = town.register(from, &mut login, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!((code(&answer), contacts_of(&answer).len(), town.contacts().len()), (200, 0, 0));
}

#[test]
fn a_registration_that_is_too_short_too_long_or_malformed_is_put_right() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    let brief = town.register(from, &mut login, &format!("{HOME}Expires: 59\r\n"));
    assert_eq!((code(&brief), brief.header.get(&Name::MinExpires)), (423, Some("60")));
    assert_eq!(town.contacts().len(), 0);
    let long = town.register(from, &mut login, &format!("{HOME}Expires: 999999\r\n"));
    assert_eq!(contacts_of(&long), ["<sip:2003@10.0.0.5:5060>;expires=7200"]);
    let none = town.register(from, &mut login, HOME);
    assert_eq!(contacts_of(&none), ["<sip:2003@10.0.0.5:5060>;expires=3600"]);
    for wrong in ["Contact: <sip:2003@10.0.0.5>;q=2\r\n", "Contact: <mailto:a@b.invalid>\r\n"] {
        assert_eq!(code(&town.register(from, &mut login, wrong)), 400, "{wrong}");
    }
    let many: Vec<String> = (0..10).map(|at| format!("<sip:2003@10.1.0.{at}>")).collect();
    let answer = town.register(from, &mut login, &format!("Contact: {}\r\n", many.join(", ")));
    assert_eq!((code(&answer), town.contacts().len()), (403, 1), "all of it or nothing");
}

#[test]
fn what_has_expired_is_gone_for_a_registration_that_comes_before_anybody_looks() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    town.register(from, &mut login, "Contact: <sip:2003@10.0.0.5>;expires=100, <sip:2003@10.0.0.6>\r\n");
    town.events();
    // Nobody has called `handle_timeout` since.
    town.now += Duration::from_secs(101);
    let answer = town.register(from, &mut login, "");
    assert_eq!(contacts_of(&answer), ["<sip:2003@10.0.0.6>;expires=3499"]);
    assert_eq!(town.events(), [Event::Moved { peer: PHONE }]);
}

#[test]
fn a_telephone_at_the_host_of_a_trunk_is_told_from_it() {
    let mut town = Town::new();
    // The trunk's own host, and another port.
    let from = SocketAddr::from(([192, 0, 2, 1], 5070));
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
    let call = town.request("INVITE", "2003", HOME, OFFER);
    assert_eq!(code(&town.say(from, &call)[0]), 401, "a telephone proves who it is");
    let call = town.request("INVITE", "5550101", HOME, OFFER);
    town.say(SocketAddr::from(([192, 0, 2, 1], 5060)), &call);
    let events = town.events();
    assert!(
        events.iter().any(|event| matches!(event, Event::Incoming { peer: PeerId(0), .. })),
        "{events:?}"
    );
}

#[test]
fn a_registration_that_was_overtaken_changes_nothing() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    town.cseq = 10;
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
    // An older one of the same Call-ID comes behind it: to take the contact away, or all.
    for older in ["Contact: <sip:2003@10.0.0.5:5060>;expires=0\r\n", "Contact: *\r\nExpires: 0\r\n"] {
        town.cseq = 5;
        assert_eq!(code(&town.register(from, &mut login, older)), 500);
        assert_eq!(town.contacts().len(), 1);
    }
    // Another telephone's Call-ID has an order of its own.
    town.cseq = 2;
    let request = town.request("REGISTER", "2003", HOME, "").replace("reg@10.0.0.5", "other@10.0.0.5");
    let request = Town::with_login(&mut login, &request);
    assert_eq!(code(&town.say(from, &request)[0]), 200);
}

#[test]
fn nobody_learns_which_users_there_are() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    // Without credentials, and with wrong ones.
    for user in ["2003", "2999"] {
        let mut login = town.login(from, user, "wrong");
        let answer = town.register(from, &mut login, HOME);
        assert_eq!(code(&answer), 401);
        assert!(!Challenge::strongest(&answer.header, &Name::WwwAuthenticate).unwrap().stale);
    }
    // A user that is there, for others.
    let mut login = town.login(from, "2003", "secret");
    for other in ["2004", "2999"] {
        let request = town.request("REGISTER", other, HOME, "");
        let request = Town::with_login(&mut login, &request);
        assert_eq!(code(&town.say(from, &request)[0]), 403, "{other}");
    }
    assert_eq!(town.events(), []);
}

#[test]
fn a_proof_is_accepted_once_and_from_its_source_alone() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    let request = town.request("REGISTER", "2003", HOME, "");
    let request = Town::with_login(&mut login, &request);
    assert_eq!(code(&town.say(from, &request)[0]), 200);
    // The same datagram again is a repetition, answered from memory.
    assert_eq!(code(&town.say(from, &request)[0]), 200);
    // The same credentials in another request, and from elsewhere.
    let stale = |answer: &Message<'_>| {
        assert_eq!(code(answer), 401);
        Challenge::strongest(&answer.header, &Name::WwwAuthenticate).unwrap().stale
    };
    let replayed =
        request.replace("z9hG4bKr", "z9hG4bKx").replace("CSeq: 2", "CSeq: 3").replace(":5060>", ":9>");
    assert!(stale(&town.say(from, &replayed)[0]));
    let elsewhere = replayed.replace("z9hG4bKx", "z9hG4bKy").replace("CSeq: 3", "CSeq: 4");
    assert!(stale(&town.say(place(8, 40_001), &elsewhere)[0]));
    assert_eq!(town.contacts(), ["sip:2003@10.0.0.5:5060"]);
    // A nonce that is too old.
    town.wait(302);
    let answer = town.register(from, &mut login, HOME);
    assert!(stale(&answer));
}

#[test]
fn a_source_is_asked_as_often_as_its_cap_and_guesses_no_more_than_that() {
    let mut town = Town::new();
    let (from, other) = (place(7, 40_001), place(8, 40_001));
    let mut login = town.login(from, "2003", "wrong");
    let mut answered = 0;
    for _ in 0..500 {
        let request = town.request("REGISTER", "2003", HOME, "");
        let request = Town::with_login(&mut login, &request);
        answered += town.say(from, &request).len();
    }
    assert_eq!(answered, 49, "with the first challenge, as many as its burst");
    // Now not even the right password is heard from there, and others are.
    login.password = "secret";
    let request = town.request("REGISTER", "2003", HOME, "");
    let request = Town::with_login(&mut login, &request);
    assert_eq!(town.say(from, &request).len(), 0);
    town.login(other, "2003", "secret");
    town.wait(10);
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
}

#[test]
fn a_telephone_calls_when_it_has_proven_who_it_is() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let contact = "Contact: <sip:2003@10.0.0.5:5060>\r\n";
    let first = town.request("INVITE", "2003", contact, OFFER);
    let answers = town.say(from, &first);
    assert_eq!((answers.len(), code(&answers[0])), (1, 401));
    assert!(first.len() + 500 > answers[0].header.iter().map(|field| field.value.len()).sum::<usize>());
    // Nothing is kept of it, and nothing follows by itself.
    assert_eq!((town.agent.transactions(), town.agent.poll_timeout()), (0, None));
    let again = town.say(from, &first);
    assert_eq!(again[0].header.to().unwrap().tag(), answers[0].header.to().unwrap().tag());
    let challenge = Challenge::strongest(&answers[0].header, &Name::WwwAuthenticate).unwrap();
    let known = Known { challenge, field: Name::Authorization, count: 0 };
    let mut login = Login { known, user: "2003", password: "secret" };
    let second = town.request("INVITE", "2003", contact, OFFER);
    let second = Town::with_login(&mut login, &second);
    town.say(from, &second);
    let events = town.events();
    let [Event::Incoming { peer: PHONE, called, session, .. }] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(called, "2001");
    // It takes its call back; a stranger cannot.
    let cancel = second.split_once("\r\nContact").unwrap().0.replace("INVITE", "CANCEL");
    let cancel = format!("{cancel}\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(town.say(place(9, 5060), &cancel.replace("z9hG4bKr", "z9hG4bKz")).len(), 0);
    let answers = town.say(from, &cancel);
    assert_eq!(answers.iter().map(code).collect::<Vec<_>>(), [200, 487]);
    assert!(town.events().contains(&Event::Closed { session: *session }));
}

#[test]
fn strangers_who_say_anything_else_hear_nothing() {
    let mut town = Town::new();
    let from = place(66, 5060);
    for noise in
        ["", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "REGISTER sip:x SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"]
    {
        assert_eq!(town.say(from, noise).len(), 0, "{noise:?}");
    }
    for method in ["CANCEL", "ACK"] {
        let request = town.request(method, "2003", "", "");
        assert_eq!(town.say(from, &request).len(), 0, "{method}");
    }
    // A host without telephones does not even ask.
    let mut config = town_config();
    config.registrar = None;
    let mut trunks = Town::with(config);
    let request = trunks.request("REGISTER", "2003", HOME, "");
    assert_eq!(trunks.say(from, &request).len(), 0);
}

#[test]
fn a_telephone_that_has_registered_is_told_what_is_wrong_with_its_message() {
    let mut town = Town::new();
    let from = place(7, 40_001);
    let mut login = town.login(from, "2003", "secret");
    town.register(from, &mut login, HOME);
    town.events();
    // Longer than its datagram (RFC 3261 section 18.3).
    let cut = town.request("OPTIONS", "2003", "", "").replace("Content-Length: 0", "Content-Length: 9");
    assert_eq!(code(&town.say(from, &cut)[0]), 400);
    assert!(matches!(town.events()[..], [Event::Malformed { peer: PHONE, .. }]));
    assert_eq!(town.say(place(8, 40_001), &cut).len(), 0, "and nobody else");
}

#[test]
fn bindings_outlive_a_restart() {
    let mut town = Town::new();
    let route = Route::udp(place(7, 40_001));
    let binding = |contact: &str, expires| Binding {
        contact: contact.into(),
        quality: Quality::default(),
        call_id: "reg@10.0.0.5".into(),
        cseq: 7,
        expires,
        route,
        flow: None,
    };
    town.agent.restore_binding(town.now, PHONE, binding("sip:2003@10.0.0.5", Time::from_secs(100)));
    town.agent.restore_binding(town.now, PHONE, binding("sip:2003@10.0.0.6", Time::from_secs(1)));
    assert_eq!(town.contacts(), ["sip:2003@10.0.0.5"]);
    // Their order goes on, too.
    let mut login = town.login(route.address, "2003", "secret");
    town.cseq = 3;
    let older = "Contact: <sip:2003@10.0.0.5>;expires=0\r\n";
    assert_eq!(code(&town.register(route.address, &mut login, older)), 500);
    town.wait(100);
    assert_eq!(town.events(), [Event::Moved { peer: PHONE }]);
}

#[test]
fn a_telephone_without_rport_is_reached_at_the_port_of_its_contact_and_at_no_other_host() {
    let mut town = Town::new();
    let from = place(7, 5060);
    let mut login = town.login(from, "2003", "secret");
    let contact = "Contact: <sip:2003@203.0.113.99:5082>\r\n";
    let request = town.request("REGISTER", "2003", contact, "").replace(";rport", "");
    let request = Town::with_login(&mut login, &request);
    assert_eq!(code(&town.say(from, &request)[0]), 200);
    let bindings = town.agent.bindings(town.now, PHONE);
    let route = bindings[0].route;
    assert_eq!((route.transport, route.address), (Transport::Udp, place(7, 5082)));
}

#[test]
fn a_challenge_is_at_most_three_times_as_long_as_what_it_answers() {
    let mut town = Town::new();
    let shortest = "INVITE sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\n\
                    i:1\r\nCSeq:1 INVITE\r\nMax-Forwards:1\r\nm:<sip:a>\r\n\r\n";
    for length in [0, 40, 80, 120, 400, 2000] {
        let padded = shortest.replace("i:1", &format!("s:{}\r\ni:1", "x".repeat(length)));
        town.agent.handle_input(town.now, Route::udp(place(66, 5060)), padded.as_bytes());
        let answers: Vec<_> = std::iter::from_fn(|| town.agent.poll_transmit()).collect();
        let sum: usize = answers.iter().map(|answer| answer.payload.len()).sum();
        assert!(sum <= 3 * padded.len(), "{sum} octets for {}", padded.len());
        assert_eq!(answers.is_empty(), length == 0, "{length}");
    }
}

#[test]
fn a_flood_of_strangers_leaves_telephones_alone() {
    let mut town = Town::new();
    let (from, new) = (place(7, 40_001), place(8, 40_001));
    let mut login = town.login(from, "2003", "secret");
    town.register(from, &mut login, HOME);
    let mut answered = 0;
    for stranger in 0..5000_u32 {
        let [.., high, low] = stranger.to_be_bytes();
        let source = SocketAddr::from(([203, 0, high, low], 5060));
        let method = if stranger % 2 == 0 { "REGISTER" } else { "INVITE" };
        let request = town.request(method, "2003", HOME, "");
        answered += town.say(source, &request).len();
    }
    // One was the telephone's own.
    assert_eq!(answered, 999, "as many as all strangers are answered in a second");
    assert_eq!((town.agent.transactions(), town.agent.sessions()), (1, 0), "nothing is kept of them");
    let request = town.request("REGISTER", "2004", HOME, "");
    assert_eq!(town.say(new, &request).len(), 0);
    // The telephone that is known is asked, and heard, as if they were not there.
    let mut login = town.login(from, "2003", "secret");
    assert_eq!(code(&town.register(from, &mut login, HOME)), 200);
    town.wait(1);
    let mut login = town.login(new, "2004", "secret");
    assert_eq!(code(&town.register(new, &mut login, HOME)), 200);
}

#[test]
fn ten_thousand_telephones_are_found_by_their_place_and_forgotten_by_their_time() {
    let mut config = config(BOB);
    for number in 0..10_000 {
        let user = Credentials { user: format!("u{number}"), password: "secret".into() };
        config.peers.push(Peer::phone(&format!("u{number}"), user));
    }
    config.registrar = Some(RegistrarConfig::new("town"));
    let mut town = Town::with(config);
    let at = |number: u32| {
        let [.., high, low] = number.to_be_bytes();
        Route::udp(SocketAddr::from(([198, 18, high, low], 5060)))
    };
    for number in 0..10_000 {
        let binding = Binding {
            contact: format!("sip:u{number}@10.0.0.5"),
            quality: Quality::default(),
            call_id: "kept".into(),
            cseq: 1,
            expires: Time::from_secs(100 + u64::from(number)),
            route: at(number),
            flow: None,
        };
        town.agent.restore_binding(town.now, PeerId(1 + number), binding);
    }
    for number in [0, 1, 5000, 9999] {
        assert_eq!(town.agent.who_is_at(town.now, at(number)), Standing::Registered);
        assert_eq!(town.agent.bindings(town.now, PeerId(1 + number)).len(), 1);
    }
    assert_eq!(town.agent.who_is_at(town.now, at(10_000)), Standing::Stranger);
    assert_eq!(
        town.agent.who_is_at(town.now, Route::udp(SocketAddr::from(([192, 0, 2, 1], 5060)))),
        Standing::Listed
    );
    // Each is forgotten when its own time is over, in their order.
    town.wait(100 - 1 + 2500);
    let moved: Vec<_> = town.events();
    let expected: Vec<_> = (0..=2500).map(|number| Event::Moved { peer: PeerId(1 + number) }).collect();
    assert_eq!(moved, expected);
    assert_eq!(town.agent.who_is_at(town.now, at(2500)), Standing::Stranger);
    assert_eq!(town.agent.who_is_at(town.now, at(2501)), Standing::Registered);
}
