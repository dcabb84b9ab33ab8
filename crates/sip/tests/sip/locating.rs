//! Where peers are that are known by names, as RFC 3263 finds them: zones, and what follows from them.

use std::collections::BTreeMap;

use strowger_sansio::Rng;
use strowger_sip::Transport;
use strowger_sip::locate::{Answer, Location, Naptr, Question, Srv, Target};
use strowger_sip::message::Secure;

const ALL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

#[derive(Default)]
struct Zone {
    naptr: BTreeMap<String, Vec<Naptr>>,
    srv: BTreeMap<String, Vec<Srv>>,
    hosts: BTreeMap<String, Vec<std::net::IpAddr>>,
    asked: Vec<Question>,
}

impl Zone {
    fn naptr(mut self, name: &str, (order, preference): (u16, u16), service: &str, to: &str) -> Self {
        let (flags, service, replacement) = ("s".into(), service.into(), Some(to.into()));
        let record = Naptr { order, preference, flags, service, replacement };
        self.naptr.entry(name.into()).or_default().push(record);
        self
    }

    fn srv(mut self, name: &str, (priority, weight): (u16, u16), target: &str, port: u16) -> Self {
        let record = Srv { priority, weight, port, target: target.into() };
        self.srv.entry(name.into()).or_default().push(record);
        self
    }

    fn host(mut self, name: &str, last: u8) -> Self {
        self.hosts.entry(name.into()).or_default().push([192, 0, 2, last].into());
        self
    }

    fn find(&mut self, target: Target, transports: &[Transport], seed: u64) -> Vec<String> {
        let mut location = Location::new(target, transports, Rng::from_number(seed));
        self.asked.clear();
        while let Some(question) = location.poll_question() {
            let answer = match &question {
                Question::Naptr(name) => Answer::Naptr(self.naptr.get(name).cloned().unwrap_or_default()),
                Question::Srv(name) => Answer::Srv(self.srv.get(name).cloned().unwrap_or_default()),
                Question::Address(name) => Answer::Address(self.hosts.get(name).cloned().unwrap_or_default()),
            };
            self.asked.push(question);
            location.handle_answer(&answer);
        }
        let found = location.destinations();
        found.iter().map(|one| format!("{} {}", one.transport, one.address)).collect()
    }
}

fn target(name: &str) -> Target {
    Target { name: name.into(), port: None, transport: None, secure: Secure::Sip }
}

/// The zone of RFC 3263 section 4.1, and of its section 4.2.
fn example() -> Zone {
    Zone::default()
        .naptr("example.com", (50, 50), "SIPS+D2T", "_sips._tcp.example.com")
        .naptr("example.com", (90, 50), "SIP+D2T", "_sip._tcp.example.com")
        .naptr("example.com", (100, 50), "SIP+D2U", "_sip._udp.example.com")
        .srv("_sip._tcp.example.com", (0, 1), "server1.example.com", 5060)
        .srv("_sip._tcp.example.com", (1, 2), "server2.example.com", 5070)
        .srv("_sip._udp.example.com", (0, 1), "server1.example.com", 5060)
        .srv("_sips._tcp.example.com", (0, 1), "server1.example.com", 5061)
        .host("server1.example.com", 11)
        .host("server2.example.com", 12)
        .host("server2.example.com", 13)
}

#[test]
fn naptr_says_which_transport_and_srv_which_hosts() {
    let without_tls = [Transport::Udp, Transport::Tcp];
    let found = example().find(target("example.com"), &without_tls, 1);
    assert_eq!(found, ["tcp 192.0.2.11:5060", "tcp 192.0.2.12:5070", "tcp 192.0.2.13:5070"]);
    assert_eq!(example().find(target("example.com"), &ALL, 1), ["tls 192.0.2.11:5061"]);
    assert_eq!(example().find(target("example.com"), &[Transport::Udp], 1), ["udp 192.0.2.11:5060"]);
    let secure = Target { secure: Secure::Sips, ..target("example.com") };
    assert_eq!(example().find(secure.clone(), &ALL, 1), ["tls 192.0.2.11:5061"]);
    assert!(example().find(secure, &without_tls, 1).is_empty(), "nothing goes without TLS that must have it");
}

#[test]
fn a_port_or_a_transport_that_is_given_skips_what_would_say_it() {
    let mut zone = example().host("example.com", 1);
    let with_port = Target { port: Some(5080), ..target("example.com") };
    assert_eq!(zone.find(with_port.clone(), &ALL, 1), ["udp 192.0.2.1:5080"]);
    assert_eq!(zone.asked, [Question::Address("example.com".into())]);
    let tls = Target { transport: Some(Transport::Tls), ..with_port };
    assert_eq!(zone.find(tls, &ALL, 1), ["tls 192.0.2.1:5080"]);
    let tcp = Target { transport: Some(Transport::Tcp), ..target("server2.example.com") };
    let found = zone.find(tcp, &ALL, 1);
    assert_eq!(found, ["tcp 192.0.2.12:5060", "tcp 192.0.2.13:5060"], "without SRV records: its addresses");
    assert_eq!(zone.asked[0], Question::Srv("_sip._tcp.server2.example.com".into()));
}

#[test]
fn without_naptr_each_transport_is_asked_for_and_without_srv_the_name_is_a_host() {
    let mut zone = Zone::default()
        .srv("_sip._tcp.example.net", (0, 0), "a.example.net", 5060)
        .host("a.example.net", 21)
        .host("example.net", 22);
    assert_eq!(zone.find(target("example.net"), &ALL, 1), ["tcp 192.0.2.21:5060"]);
    assert_eq!(zone.find(target("a.example.net"), &ALL, 1), ["udp 192.0.2.21:5060"]);
    let secure = Target { secure: Secure::Sips, ..target("a.example.net") };
    assert_eq!(zone.find(secure, &ALL, 1), ["tls 192.0.2.21:5061"]);
    assert!(zone.find(target("nobody.example.net"), &ALL, 1).is_empty());
}

#[test]
fn a_service_that_is_decidedly_not_available_has_no_destination() {
    let mut zone = Zone::default().srv("_sip._udp.example.org", (0, 0), ".", 0).host("example.org", 31);
    assert!(zone.find(target("example.org"), &ALL, 1).is_empty());
}

#[test]
fn weights_are_chances_among_those_of_one_priority() {
    let mut zone = Zone::default()
        .srv("_sip._udp.example.com", (5, 0), "last", 5060)
        .srv("_sip._udp.example.com", (1, 60), "often", 5060)
        .srv("_sip._udp.example.com", (1, 20), "seldom", 5060)
        .srv("_sip._udp.example.com", (1, 0), "hardly", 5060);
    for (last, name) in (1..).zip(["often", "seldom", "hardly", "last"]) {
        zone = zone.host(name, last);
    }
    let mut first = BTreeMap::<String, u32>::new();
    for seed in 0..4000 {
        let mut found = zone.find(target("example.com"), &[Transport::Udp], seed);
        assert_eq!(
            (found.len(), found[3].as_str()),
            (4, "udp 192.0.2.4:5060"),
            "the higher priority is last"
        );
        *first.entry(found.swap_remove(0)).or_default() += 1;
    }
    let count = |last: u8| first.get(&format!("udp 192.0.2.{last}:5060")).copied().unwrap_or_default();
    // 60, 20 and 1 of 81.
    assert!((2840..3090).contains(&count(1)), "{first:?}");
    assert!((880..1100).contains(&count(2)), "{first:?}");
    assert!((20..90).contains(&count(3)), "{first:?}");
}

#[test]
fn an_order_that_fits_hides_those_behind_it_and_what_cannot_be_followed_is_passed_over() {
    let mut zone = Zone::default()
        .naptr("example.com", (10, 20), "SIP+D2U", "_sip._udp.example.com")
        .naptr("example.com", (10, 10), "SIP+D2T", "_sip._tcp.example.com")
        .naptr("example.com", (10, 5), "SIP+D2S", "_sip._sctp.example.com")
        .naptr("example.com", (5, 5), "E2U+sip", "elsewhere")
        .naptr("example.com", (20, 1), "SIPS+D2T", "_sips._tcp.example.com")
        .srv("_sip._udp.example.com", (0, 0), "a", 5060)
        .srv("_sip._tcp.example.com", (0, 0), "a", 5060)
        .host("a", 1);
    let found = zone.find(target("example.com"), &ALL, 1);
    assert_eq!(found, ["tcp 192.0.2.1:5060", "udp 192.0.2.1:5060"]);
}

#[test]
fn a_zone_without_end_is_left_where_there_is_enough() {
    let mut zone = Zone::default();
    for number in 0..200 {
        zone = zone.srv("_sip._udp.example.com", (number, 0), &format!("h{number}"), 5060);
        zone = zone.host(&format!("h{number}"), u8::try_from(number).unwrap());
    }
    assert_eq!(zone.find(target("example.com"), &ALL, 1).len(), 16);
    assert!(zone.asked.len() < 60);
    zone.hosts.clear();
    assert!(zone.find(target("example.com"), &ALL, 1).is_empty());
    assert!(zone.asked.len() < 60);
}
