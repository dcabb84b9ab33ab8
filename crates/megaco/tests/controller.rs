//! Stories of the controller: gateways register, come back, leave, and are sent away.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use strowger_megaco::controller::{Admission, Controller, Event, Precedence, Registration, Service, Verdict};
use strowger_megaco::message::{
    Action, AuditCommand, AuditDescriptor, Caseless, CommandBody, ContextId, Mid, ReplyResult, TerminationId,
    TimeStamp, Version,
};
use strowger_megaco::transaction::{
    PeerConfig, PeerId, Route, Source, TransactionIds, TransactionLimits, TransactionTimers,
};
use strowger_sansio::{Duration, Rng, Time};

struct Town {
    controller: Controller<u32>,
    now: Time,
    log: Vec<String>,
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

impl Town {
    fn new() -> Self {
        let mut rng = Rng::from_number(3);
        let ids = TransactionIds::alone(&mut rng);
        let mid = Mid::Domain(Caseless::new("town"), None).into();
        let (timers, limits) = (TransactionTimers::default(), TransactionLimits::default());
        let controller = Controller::new(mid, timers, limits, ids, rng);
        Self { controller, now: Time::from_secs(1), log: Vec::new() }
    }

    fn gateway(&mut self, name: &str, admission: Admission) -> PeerId {
        let source = Source::host(at(0).ip());
        let mid = Some(Mid::Domain(Caseless::new(name), None).into());
        let config = PeerConfig { mid, ..PeerConfig::from_source(source) };
        self.controller.add_gateway(config, admission, Version::V1)
    }

    /// Gives a message to the controller; what it answers, and where to.
    fn hear(&mut self, port: u16, text: &str) -> Vec<(u16, String)> {
        let time = TimeStamp::new(b"20260101", b"12000000");
        let Some(accepted) = self.controller.accept(self.now, Route::udp(at(port)), text.as_bytes()) else {
            return self.sent();
        };
        for event in self.controller.handle_input(self.now, time, &accepted) {
            match event {
                Event::Registered { how, was, version, .. } => {
                    self.log.push(format!("{how:?} {was:?} {version}"));
                }
                Event::Commands { token, .. } => {
                    self.log.push("commands".to_owned());
                    self.controller
                        .respond(self.now, token, ReplyResult::Actions(Vec::new().into()))
                        .unwrap_err();
                }
                Event::ServiceChanged { terminations, .. } => {
                    self.log.push(format!("changed {}", terminations.first));
                }
                Event::Refused { .. } => self.log.push("refused".to_owned()),
                other => self.log.push(format!("{other:?}")),
            }
        }
        self.sent()
    }

    fn sent(&mut self) -> Vec<(u16, String)> {
        let mut sent = Vec::new();
        while let Some(transmit) = self.controller.poll_transmit(self.now) {
            let text = String::from_utf8(transmit.payload).unwrap();
            sent.push((transmit.to.port(), text.replace("<town>\n", "")));
        }
        sent
    }

    fn register(&mut self, id: u32, parameters: &str) -> String {
        let text = format!("!/1 <gw1.town>\nT={id}{{C=-{{SC=ROOT{{SV{{{parameters}}}}}}}}}");
        let sent = self.hear(2944, &text);
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0].1.clone()
    }
}

fn audit() -> Vec<Action<'static>> {
    let audit = AuditDescriptor::default();
    let body = CommandBody::AuditValue(AuditCommand { terminations: TerminationId::All.into(), audit });
    vec![Action::new(ContextId::NULL, [body])]
}

const BOOT: &str = "MT=RS,RE=\"901 Cold Boot\",V=3";

#[test]
fn a_gateway_registers_and_the_lower_version_holds() {
    for (offered, agreed) in [(1, 1), (2, 2), (3, 3), (9, 3)] {
        let mut town = Town::new();
        let gateway = town.gateway("gw1.town", Admission::Accept);
        assert!(
            town.controller.request(town.now, gateway, audit(), 1).is_err(),
            "not before it has registered"
        );
        let reply = town.register(7, &format!("MT=RS,RE=\"901 Cold Boot\",V={offered}"));
        assert_eq!(reply, format!("!/1 P=7{{C=-{{SC=ROOT{{SV{{V={agreed},20260101T12000000}}}}}}}}"));
        assert_eq!(town.log, [format!("Restart Unregistered {agreed}")]);
        assert_eq!(town.controller.service(gateway), Service::InService);
        town.controller.request(town.now, gateway, audit(), 1).unwrap();
        let (port, request) = town.sent().remove(0);
        assert!(port == 2944 && request.starts_with(&format!("!/{agreed} T=")), "{request}");
    }
}

#[test]
fn an_address_without_a_port_has_that_of_the_form_and_port_0_is_nobodys() {
    for (address, port) in [("[192.0.2.1]", 2944), ("[192.0.2.1]:2950", 2950), ("2951", 2951)] {
        let mut town = Town::new();
        let gateway = town.gateway("gw1.town", Admission::Accept);
        town.register(7, &format!("{BOOT},AD={address}"));
        town.controller.request(town.now, gateway, audit(), 1).unwrap();
        assert_eq!(town.sent().remove(0).0, port, "{address}");
    }
    // What is said in binary form is said to the port of that.
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Accept);
    let text = format!("!/1 <gw1.town>\nT=7{{C=-{{SC=ROOT{{SV{{{BOOT},AD=[192.0.2.1]}}}}}}}}");
    let message =
        strowger_megaco::text::decode(text.as_bytes(), &strowger_megaco::text::Options::DEFAULT).unwrap();
    let mut octets = Vec::new();
    let options = strowger_megaco::binary::Options::default();
    strowger_megaco::binary::encode(&message, &options, &mut octets).unwrap();
    let accepted = town.controller.accept(town.now, Route::udp(at(3000)), &octets).unwrap();
    drop(town.controller.handle_input(town.now, None, &accepted));
    while town.controller.poll_transmit(town.now).is_some() {}
    town.controller.request(town.now, gateway, audit(), 1).unwrap();
    assert_eq!(town.controller.poll_transmit(town.now).unwrap().to, at(2945));
    for nobody in ["0", "[192.0.2.1]:0"] {
        let mut town = Town::new();
        let gateway = town.gateway("gw1.town", Admission::Accept);
        let reply = town.register(7, &format!("{BOOT},AD={nobody}"));
        assert!(reply.contains("ER=410"), "{reply}");
        assert_eq!(town.controller.service(gateway), Service::Unregistered);
    }
}

#[test]
fn a_service_change_among_other_commands_is_told_before_them() {
    let mut town = Town::new();
    town.gateway("gw1.town", Admission::Accept);
    town.register(7, BOOT);
    town.log.clear();
    town.hear(2944, "!/3 <gw1.town>\nT=8{C=-{N=aaln/1{OE=1{al/of}},SC=aaln/2{SV{MT=FO,RE=\"904 Out\"}}}}");
    assert_eq!(town.log, ["changed aaln/2", "commands"]);
}

#[test]
fn a_version_that_is_too_old_is_refused_with_406() {
    let mut town = Town::new();
    let source = Source::host(at(0).ip());
    let mid = Some(Mid::Domain(Caseless::new("gw1.town"), None).into());
    let config = PeerConfig { mid, ..PeerConfig::from_source(source) };
    let gateway = town.controller.add_gateway(config, Admission::Accept, Version::V2);
    let reply = town.register(7, "MT=RS,RE=\"901 Cold Boot\",V=1");
    assert!(reply.contains("ER=406"), "{reply}");
    assert_eq!(town.controller.service(gateway), Service::Unregistered);
}

#[test]
fn who_is_not_wanted_is_refused_or_sent_elsewhere() {
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Refuse);
    assert!(town.register(7, BOOT).contains("ER=402"));
    assert_eq!(town.controller.service(gateway), Service::Unregistered);
    let mut town = Town::new();
    let other = Mid::Domain(Caseless::new("other"), Some(2944)).into();
    let gateway = town.gateway("gw1.town", Admission::Redirect(other));
    let reply = town.register(7, BOOT);
    assert!(reply.contains("MG=<other>:2944"), "{reply}");
    assert_eq!(
        (town.controller.service(gateway), town.log),
        (Service::Unregistered, vec!["refused".to_owned()])
    );
}

#[test]
fn commands_before_the_registration_are_refused() {
    let mut town = Town::new();
    town.gateway("gw1.town", Admission::Accept);
    let notify = |id| format!("!/1 <gw1.town>\nT={id}{{C=-{{N=aaln/1{{OE=1{{20260101T12000000:al/of}}}}}}}}");
    assert!(town.hear(2944, &notify(1))[0].1.contains("P=1{ER=504"));
    assert!(town.log.is_empty());
    town.register(2, BOOT);
    town.hear(2944, &notify(3));
    assert_eq!(town.log[1], "commands");
}

#[test]
fn a_port_of_the_registration_takes_requests_and_another_host_is_refused() {
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Accept);
    let far = town.register(1, "MT=RS,AD=[203.0.113.9]:2944,RE=\"901 Cold Boot\"");
    assert!(far.contains("ER=410"), "{far}");
    for (id, address) in [(2, "5000"), (3, "[192.0.2.1]:5000")] {
        town.register(id, &format!("MT=RS,AD={address},RE=\"901 Cold Boot\""));
        town.controller.request(town.now, gateway, audit(), 1).unwrap();
        assert_eq!(town.sent()[0].0, 5000, "{address}");
    }
}

#[test]
fn a_restart_begins_a_new_life_and_a_disconnected_gateway_goes_on_with_the_old_one() {
    let mut town = Town::new();
    town.gateway("gw1.town", Admission::Accept);
    let first = town.register(1, BOOT);
    assert_eq!(town.register(1, BOOT), first, "a copy is answered from memory");
    assert_eq!(town.log.len(), 1);
    let notify = "!/1 <gw1.town>\nT=5{C=-{N=aaln/1{OE=1{20260101T12000000:al/of}}}}";
    town.hear(2944, notify);
    town.register(2, "MT=DC,RE=\"900 Service Restored\"");
    assert_eq!(town.log.last().unwrap(), "Disconnected InService 1");
    town.hear(2944, notify);
    assert_eq!(town.log.iter().filter(|line| *line == "commands").count(), 1, "its number is known");
    town.register(3, BOOT);
    town.hear(2944, notify);
    assert_eq!(town.log.iter().filter(|line| *line == "commands").count(), 2, "its number is new");
    let lines = town.log.len();
    assert_eq!(town.register(1, BOOT), first, "a late copy of the first registration begins nothing");
    assert_eq!(town.log.len(), lines);
}

#[test]
fn service_changes_of_terminations_and_of_the_whole_are_noted_and_answered() {
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Accept);
    town.register(1, BOOT);
    let change = |id, whom: &str, method: &str| {
        format!("!/1 <gw1.town>\nT={id}{{C=-{{SC={whom}{{SV{{MT={method},RE=\"905 Out\"}}}}}}}}")
    };
    let sent = town.hear(2944, &change(2, "aaln/1", "FO"));
    assert_eq!(sent[0].1, "!/3 P=2{C=-{SC=aaln/1}}");
    assert_eq!(town.controller.service(gateway), Service::InService);
    town.hear(2944, &change(3, "ROOT", "GR"));
    assert_eq!(town.controller.service(gateway), Service::Retiring);
    town.hear(2944, &change(4, "ROOT", "FO"));
    assert_eq!(town.controller.service(gateway), Service::OutOfService);
    assert_eq!(town.log[1..], ["changed aaln/1", "changed ROOT", "changed ROOT"]);
}

#[test]
fn a_gateway_is_handed_to_another_controller() {
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Accept);
    town.register(1, BOOT);
    town.controller.hand_off(town.now, gateway, Mid::Domain(Caseless::new("other"), None)).unwrap();
    let (_, text) = town.sent().remove(0);
    assert!(text.contains("SC=ROOT{SV{MT=HO,MG=<other>,RE=\"903 MGC Directed Change\"}}"), "{text}");
    // It registers there, as sent by a controller.
    let reply = town.register(2, "MT=HO,RE=\"903 MGC Directed Change\"");
    assert!(reply.starts_with("!/3 P=2{C=-{SC=ROOT"), "{reply}");
    assert_eq!(*town.log.last().unwrap(), format!("{:?} InService 1", Registration::HandOff));
}

#[test]
fn a_gateway_that_does_not_answer_is_unreachable_until_it_registers_again() {
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Accept);
    town.register(1, BOOT);
    town.controller.request(town.now, gateway, audit(), 42).unwrap();
    while let Some(due) = town.controller.poll_timeout().filter(|due| *due < Time::from_secs(60)) {
        town.now = due;
        town.controller.handle_timeout(due);
        town.sent();
    }
    assert_eq!(town.controller.service(gateway), Service::Unreachable);
    let events: Vec<_> = std::iter::from_fn(|| town.controller.poll_event()).collect();
    assert!(matches!(&events[..], [Event::Unreachable { .. }, Event::Failed { tag: 42, .. }]), "{events:?}");
    town.register(2, "MT=DC,RE=\"900 Service Restored\"");
    assert_eq!(town.controller.service(gateway), Service::InService);
}

#[test]
fn ten_thousand_gateways_that_register_at_once_are_all_in_service_within_a_kibibyte_each() {
    const GATEWAYS: u16 = 10_000;
    let mut town = Town::new();
    let mut gateways = Vec::new();
    let info = allocation_counter::measure(|| {
        for number in 0..GATEWAYS {
            gateways.push(town.gateway(&format!("gw{number}.town"), Admission::Accept));
        }
        for number in 0..GATEWAYS {
            let text = format!("!/1 <gw{number}.town>\nT=1{{C=-{{SC=ROOT{{SV{{{BOOT}}}}}}}}}");
            // Each is repeated before its reply is there.
            for _ in 0..2 {
                assert_eq!(town.hear(10_000 + number, &text).len(), 1);
            }
        }
        town.log = Vec::new();
        // Idle: what was answered is forgotten.
        town.now += Duration::from_secs(60);
        town.controller.handle_timeout(town.now);
        assert_eq!(town.controller.poll_timeout(), None);
    });
    assert!(gateways.iter().all(|gateway| town.controller.service(*gateway) == Service::InService));
    assert_eq!(town.controller.counters().executed, GATEWAYS.into());
    assert_eq!(town.controller.counters().replayed, GATEWAYS.into());
    let each = info.bytes_current / i64::from(GATEWAYS);
    assert!(each <= 1024, "{each} octets for each idle gateway");
    println!("{each} octets for each idle gateway");
}

#[test]
fn a_silent_gateway_is_asked_whether_it_is_there_and_one_that_is_gone_is_unreachable() {
    let mut town = Town::new();
    town.controller.set_patience(Some(Duration::from_secs(60)));
    let gateway = town.gateway("gw1.town", Admission::Accept);
    town.register(1, BOOT);
    let pass = |town: &mut Town, seconds: u64| {
        let end = town.now + Duration::from_secs(seconds);
        let mut sent = Vec::new();
        while let Some(due) = town.controller.poll_timeout().filter(|due| *due <= end) {
            town.now = due;
            town.controller.handle_timeout(due);
            sent.extend(town.sent());
        }
        town.now = end;
        sent
    };
    assert!(pass(&mut town, 59).is_empty());
    // Whoever says something is there.
    town.hear(
        2944,
        "!/3 <gw1.town>\nT=2{C=-{SC=aaln/1{SV{MT=FO,RE=\"905 Termination taken out of service\"}}}}",
    );
    assert!(pass(&mut town, 59).is_empty());
    let asked = pass(&mut town, 1);
    assert_eq!(asked.len(), 1, "{asked:?}");
    let number = asked[0].1.split(['=', '{']).nth(1).unwrap().to_owned();
    assert_eq!(asked[0].1, format!("!/3 T={number}{{C=-{{AV=ROOT{{AT{{}}}}}}}}"));
    town.hear(2944, &format!("!/3 <gw1.town>\nP={number}{{C=-{{AV=ROOT}}}}"));
    assert_eq!(town.controller.service(gateway), Service::InService);
    assert!(pass(&mut town, 59).is_empty(), "the answer was a word");
    // Now it is gone.
    pass(&mut town, 60);
    assert_eq!(town.controller.service(gateway), Service::Unreachable);
    assert_eq!(town.controller.poll_event(), Some(Event::Unreachable { gateway }));
    assert!(pass(&mut town, 600).is_empty(), "whoever is lost comes back by himself");
}

#[test]
fn profiles_are_confirmed_or_the_preferred_one_is_named() {
    for (spoken, proposed, named) in [
        (vec![], "PF=ResGW/1,", ""),
        (vec![("ResGW", 2), ("TrunkGW", 1)], "PF=resgw/1,", "PF=ResGW/1,"),
        (vec![("ResGW", 2), ("TrunkGW", 1)], "PF=TrunkGW/3,", "PF=TrunkGW/1,"),
        (vec![("ResGW", 2)], "PF=Other/1,", "PF=ResGW/2,"),
        (vec![("ResGW", 2)], "", "PF=ResGW/2,"),
    ] {
        let mut town = Town::new();
        let gateway = town.gateway("gw1.town", Admission::Accept);
        let spoken = spoken.into_iter().map(|(name, version)| (name.into(), Version::new(version).unwrap()));
        town.controller.set_profiles(gateway, spoken.collect());
        let reply = town.register(7, &format!("MT=RS,{proposed}RE=\"901 Cold Boot\",V=1"));
        assert!(
            reply.contains(&format!("SV{{{named}V=1,")) || reply.contains(&format!("SV{{V=1,{named}")),
            "{reply}"
        );
        assert!(!named.is_empty() || !reply.contains("PF="), "{reply}");
    }
}

#[test]
fn calls_of_a_gateway_that_complains_of_overload_are_held_back() {
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Accept);
    let other = town.gateway("gw2.town", Admission::Accept);
    town.register(1, BOOT);
    let admitted = |town: &mut Town, gateway, precedence| {
        let now = town.now;
        (0..50).filter(|_| town.controller.admit(now, gateway, precedence) == Verdict::Admitted).count()
    };
    assert_eq!(admitted(&mut town, gateway, Precedence::Ordinary), 50);
    // Of other events it is not said.
    town.hear(2944, "!/3 <gw1.town>\nT=2{C=-{N=ROOT{OE=1{it/ito}}}}");
    assert!(town.controller.restrictor(gateway).is_none());
    town.hear(2944, "!/3 <gw1.town>\nT=3{C=-{N=ROOT{OE=1{ocp/mg_overload}}}}");
    assert_eq!(town.log[1..], ["commands", "commands"], "the owner answers both");
    assert_eq!(admitted(&mut town, gateway, Precedence::Ordinary), 4);
    assert_eq!(admitted(&mut town, gateway, Precedence::Emergency), 50);
    assert_eq!(
        admitted(&mut town, other, Precedence::Ordinary),
        50,
        "each gateway has a restrictor of its own"
    );
    // A line that says so does not speak for its gateway.
    town.now += Duration::from_secs(40);
    town.controller.admit(town.now, gateway, Precedence::Ordinary);
    assert_eq!(town.controller.restrictor(gateway).unwrap().rate(), None);
    town.hear(2944, "!/3 <gw1.town>\nT=4{C=-{N=aaln/1{OE=1{ocp/mg_overload}}}}");
    assert_eq!(town.controller.restrictor(gateway).unwrap().rate(), None);
}

#[test]
fn a_registration_without_a_version_is_answered_with_one() {
    let mut town = Town::new();
    town.gateway("gw1.town", Admission::Accept);
    let reply = town.register(1, "MT=RS,RE=\"901 Cold Boot\"");
    assert!(reply.contains("SC=ROOT{SV{V="), "{reply}");
}

#[test]
fn a_gateway_that_speaks_up_by_itself_is_asked_only_when_it_is_overdue() {
    let mut town = Town::new();
    town.controller.set_patience(Some(Duration::from_secs(60)));
    let gateway = town.gateway("gw1.town", Admission::Accept);
    town.register(1, BOOT);
    town.controller.set_speaks_up(gateway, Duration::from_secs(65));
    // How often it is asked in so many seconds.
    let asked = |town: &mut Town, seconds: u64| {
        let end = town.now + Duration::from_secs(seconds);
        let mut sent = 0;
        while let Some(due) = town.controller.poll_timeout().filter(|due| *due <= end) {
            town.now = due;
            town.controller.handle_timeout(due);
            sent += town.sent().len();
        }
        town.now = end;
        sent
    };
    assert_eq!(asked(&mut town, 64), 0);
    assert_eq!(asked(&mut town, 1), 1);
    // It registers anew: nothing is agreed any more.
    town.register(2, BOOT);
    assert_eq!(asked(&mut town, 59), 0);
    assert_eq!(asked(&mut town, 1), 1);
}

#[test]
fn a_gateway_whose_name_stands_for_another_address_is_heard_there_and_not_where_it_was() {
    let mut town = Town::new();
    let gateway = town.gateway("gw1.town", Admission::Accept);
    let here = Source::host(at(0).ip());
    let there = Source::host([192, 0, 2, 77].into());
    // It is not registered: only the new place counts.
    town.controller.relocate(gateway, &[there], None);
    let text = format!("!/1 <gw1.town>\nT=1{{C=-{{SC=ROOT{{SV{{{BOOT}}}}}}}}}");
    let before = town.controller.counters().unlisted;
    assert!(town.hear(2944, &text).is_empty());
    assert_eq!(town.controller.counters().unlisted, before + 1);
    town.controller.relocate(gateway, &[here], None);
    town.register(1, BOOT);
    // Registered, it is heard where it is until it is elsewhere.
    town.controller.relocate(gateway, &[there], None);
    let reply = town.register(2, "MT=DC,RE=\"900 Service Restored\"");
    assert!(reply.contains("SC=ROOT"), "{reply}");
}
