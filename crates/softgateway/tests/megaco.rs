//! Stories of a software gateway that speaks Megaco: telephones, tones, digits and speech under a controller that sends text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use strowger_media::MediaPort;
use strowger_megaco::gateway::GatewayConfig;
use strowger_megaco::message::{Caseless, Mid};
use strowger_megaco::transaction::{PeerConfig, Route};
use strowger_sansio::{Duration, Rng, SocketId, Time};
use strowger_softgateway::{Event, LineFact, MegacoConfig, Parser, SoftGateway, SoftGatewayConfig, What};

const CONTROLLER: ([u8; 4], u16) = ([192, 0, 2, 1], 2944);

struct Town {
    gateway: SoftGateway,
    now: Time,
    next: u32,
    sockets: BTreeMap<SocketAddr, SocketId>,
    addresses: BTreeMap<SocketId, SocketAddr>,
    sent: Vec<String>,
    /// Transactions of the gateway's that were answered.
    answered: BTreeSet<String>,
    events: Vec<Event>,
}

impl Town {
    fn new() -> Self {
        Self::with_circuits(0)
    }

    /// The first circuit is joined with the second, and so on.
    fn with_circuits(circuits: u32) -> Self {
        let config = GatewayConfig::new(Mid::Domain(Caseless::new("gw1.town"), None).into())
            .with_lines(3)
            .with_circuits(circuits)
            .with_controller(PeerConfig::at(Route::udp(CONTROLLER.into())));
        let mut config = SoftGatewayConfig::megaco(MegacoConfig { gateway: config, since_1970: None });
        config.crossed =
            (1..circuits).step_by(2).map(|one| (format!("ds/{one}"), format!("ds/{}", one + 1))).collect();
        let (mut ports, mut sockets, mut addresses) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for pair in 0..12_u32 {
            let at = |port: u32| SocketAddr::from(([192, 0, 2, 9], u16::try_from(4000 + port).unwrap()));
            let (rtp, rtcp) = (SocketId(1 + pair * 2), SocketId(2 + pair * 2));
            for (socket, address) in [(rtp, at(pair * 2)), (rtcp, at(pair * 2 + 1))] {
                sockets.insert(address, socket);
                addresses.insert(socket, address);
            }
            let (rtp_socket, rtcp_socket) = (rtp, rtcp);
            ports.push(MediaPort { rtp: at(pair * 2), rtcp: at(pair * 2 + 1), rtp_socket, rtcp_socket });
        }
        let now = Time::from_secs(1);
        let gateway = SoftGateway::new(now, config, ports, Rng::from_number(5)).unwrap();
        let (sent, answered, events) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut town = Self { gateway, now, next: 1, sockets, addresses, sent, answered, events };
        town.run(Duration::from_secs(1));
        let request = town.sent.remove(0);
        assert!(request.contains("SC=ROOT{SV{MT=RS"), "{request}");
        town.sent.clear();
        let number = request.split(['=', '{']).nth(1).unwrap().to_owned();
        town.hear(&format!("P={number}{{C=-{{SC=ROOT{{SV{{V=1}}}}}}}}"));
        town
    }

    fn hear(&mut self, text: &str) {
        let text = format!("!/1 <town>\n{text}");
        self.gateway.handle_input(self.now, SocketId::MAIN, CONTROLLER.into(), text.as_bytes());
        self.flush();
    }

    fn command(&mut self, actions: &str) -> String {
        let id = self.next;
        self.next += 1;
        self.sent.clear();
        self.hear(&format!("T={id}{{{actions}}}"));
        let reply = self.sent.iter().find(|text| text.contains(&format!("P={id}{{")));
        reply.unwrap_or_else(|| panic!("no reply to {actions}")).clone()
    }

    /// Answers what the gateway has told, each once, and gives it: until it is answered nothing more is told, and it is told again.
    fn answer(&mut self) -> Vec<String> {
        let mut told = BTreeMap::new();
        for text in self.sent.drain(..).filter(|text| text.starts_with("T=")) {
            let number = text.split(['=', '{']).nth(1).unwrap().to_owned();
            told.entry(number).or_insert(text);
        }
        told.retain(|number, _| self.answered.insert(number.clone()));
        for (number, text) in &told {
            let place = text.split_once("{N=").unwrap();
            let (context, termination) =
                (place.0.split_once("{").unwrap().1, place.1.split('{').next().unwrap());
            self.hear(&format!("P={number}{{{context}{{N={termination}}}}}"));
        }
        told.into_values().collect()
    }

    /// Sends what is to be sent; what goes to one of its own ports arrives there.
    fn flush(&mut self) {
        while let Some(transmit) = self.gateway.poll_transmit() {
            if transmit.socket == SocketId::MAIN {
                let text = String::from_utf8(transmit.payload).unwrap();
                let place = text.find("<gw1.town>").unwrap() + "<gw1.town>".len();
                self.sent.push(text[place..].trim_start().to_owned());
            } else if let Some(socket) = self.sockets.get(&transmit.to).copied() {
                let from = self.addresses[&transmit.socket];
                self.gateway.handle_input(self.now, socket, from, &transmit.payload);
            }
        }
        self.events.extend(std::iter::from_fn(|| self.gateway.poll_event()));
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.gateway.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.gateway.handle_timeout(self.now);
            self.flush();
        }
        self.now = end;
    }

    /// Does a line of a script; an expectation must be met.
    fn step(&mut self, line: &str) {
        let step = Parser::new().line(line).unwrap().unwrap();
        let number = self.gateway.handle_step(self.now, &step).unwrap();
        self.flush();
        let Some(number) = number else { return };
        self.run(Duration::from_secs(6));
        let is_met = self.events.iter().any(|event| {
            matches!(&event.what, What::Line { fact: LineFact::Met { expectation, .. }, .. } if *expectation == number)
        });
        assert!(is_met, "{line}: {:?}", self.events);
    }
}

#[test]
fn a_subscriber_hears_dial_tone_and_what_he_dials_is_told() {
    let mut town = Town::new();
    town.step("aaln/1 off-hook");
    town.command("C=-{MF=aaln/1{E=1{dd/ce{DM={(2xxx)}},al/on},SG{cg/dt}}}");
    town.step("aaln/1 expect dial-tone");
    town.sent.clear();
    town.step("aaln/1 dial 2001");
    town.run(Duration::from_secs(3));
    let told = town.sent.iter().find(|text| text.contains("dd/ce")).unwrap();
    assert!(told.contains("ds=\"2001\",Meth=UM"), "{told}");
    town.step("aaln/1 expect silence");
}

#[test]
fn a_bell_rings_until_the_handset_is_lifted() {
    let mut town = Town::new();
    town.command("C=-{MF=aaln/2{E=1{al/of},SG{al/ri}}}");
    town.step("aaln/2 expect ring");
    town.step("aaln/2 off-hook");
    town.run(Duration::from_secs(1));
    assert!(town.sent.iter().any(|text| text.contains("al/of")), "{:?}", town.sent);
    town.step("aaln/2 expect silence");
}

#[test]
fn a_telephone_rings_and_shows_who_calls() {
    let mut town = Town::new();
    town.command("C=-{MF=aaln/2{E=1{al/of},SG{andisp/dwa{ddb=8006020432303031B1,pattern=1}}}}");
    town.step("aaln/2 expect caller 2001");
    town.step("aaln/2 expect ring");
    town.step("aaln/2 off-hook");
    town.step("aaln/2 expect silence");
    // A call that waits is shown during another.
    town.command("C=-{MF=aaln/2{E=2{al/on},SG{cg/cw,andisp/data{ddb=8006020432303031B1}}}}");
    town.step("aaln/2 expect caller 2001");
    // A lamp is no sound.
    town.command("C=-{MF=aaln/2{E=3{al/on},SG{andisp/data{ddb=82030B01FF70}}}}");
    town.step("aaln/2 expect silence");
}

#[test]
fn a_data_message_that_is_damaged_is_refused() {
    let mut town = Town::new();
    let reply = town.command("C=-{MF=aaln/2{E=1{al/of},SG{andisp/dwa{ddb=8006020432303031B2,pattern=1}}}}");
    assert!(reply.contains("ER=513"), "{reply}");
    let reply = town.command("C=-{MF=aaln/2{E=1{al/of},SG{andisp/dwa{pattern=1}}}}");
    assert!(reply.contains("ER=513"), "{reply}");
    let is_told = |event: &Event| matches!(event.what, What::Line { .. });
    assert!(!town.events.iter().any(is_told), "{:?}", town.events);
}

#[test]
fn two_lines_of_one_context_hear_one_another() {
    let mut town = Town::new();
    town.step("aaln/1 off-hook");
    town.step("aaln/2 off-hook");
    town.command("C=${A=aaln/1{M{O{MO=SR}}},A=aaln/2{M{O{MO=SR}}}}");
    town.step("aaln/1 play tone:1000");
    town.step("aaln/2 expect tone:1000");
    town.step("aaln/1 quiet");
    town.step("aaln/2 play tone:700");
    town.step("aaln/1 expect tone:700");
    town.command("C=1{S=*{AT{}}}");
    assert_eq!((town.gateway.snapshot().streams, town.gateway.snapshot().ports), (0, 0));
}

#[test]
fn two_contexts_joined_by_streams_carry_speech_both_ways() {
    let mut town = Town::new();
    let add = |line: u32| {
        format!(
            "C=${{A=aaln/{line}{{M{{O{{MO=SR}}}}}},A=${{M{{O{{MO=SR}},L{{v=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0\n}}}}}}}}"
        )
    };
    town.step("aaln/1 off-hook");
    town.step("aaln/2 off-hook");
    let mut ports = Vec::new();
    for line in [1, 2] {
        let reply = town.command(&add(line));
        let port = reply.split("m=audio ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        ports.push(port);
    }
    for (context, to) in [(1, &ports[1]), (2, &ports[0])] {
        town.command(&format!(
            "C={context}{{MF=rtp/{context}{{M{{R{{v=0\nc=IN IP4 192.0.2.9\nm=audio {to} RTP/AVP 0\n}}}}}}}}"
        ));
    }
    town.step("aaln/1 play tone:1000");
    town.step("aaln/2 expect tone:1000");
    town.step("aaln/1 quiet");
    town.step("aaln/2 play tone:700");
    town.step("aaln/1 expect tone:700");
    let reply = town.command("C=*{S=*}");
    assert!(reply.contains("rtp/ps="), "{reply}");
    assert_eq!(town.gateway.snapshot().ports, 0);
}

#[test]
fn the_warning_tone_says_that_the_conversation_is_recorded() {
    let mut town = Town::new();
    town.step("aaln/1 off-hook");
    town.command("C=-{MF=aaln/1{SG{cg/wt}}}");
    town.step("aaln/1 expect tone:1400");
    // A burst of half a second each 15 s, where the howler would go on.
    town.run(Duration::from_secs(1));
    town.step("aaln/1 expect silence");
}

#[test]
fn a_gateway_whose_host_is_late_tells_a_controller_that_wants_to_know_with_each_new_call() {
    let mut town = Town::new();
    town.command("C=-{MF=ROOT{E=3{ocp/mg_overload}}}");
    let is_told = |town: &Town| town.sent.iter().any(|text| text.contains("N=ROOT{OE=3{ocp/mg_overload}}"));
    town.step("aaln/1 off-hook");
    town.command("C=${A=aaln/1{M{O{MO=SR}}}}");
    assert!(!is_told(&town), "{:?}", town.sent);
    // The host stood still for half a second while there was sound.
    town.now += Duration::from_millis(500);
    town.gateway.handle_timeout(town.now);
    town.flush();
    town.command("C=${A=aaln/2{M{O{MO=SR}}}}");
    assert!(is_told(&town), "{:?}", town.sent);
    town.run(Duration::from_secs(5));
    town.command("C=${A=aaln/3{M{O{MO=SR}}}}");
    assert!(!is_told(&town), "{:?}", town.sent);
}

#[test]
fn a_flash_is_as_long_as_the_controller_says() {
    let mut town = Town::new();
    town.step("aaln/1 off-hook");
    // A flash of this telephone is half a second.
    for (bounds, is_flash) in [
        ("", true),
        ("{mindur=600}", false),
        ("{mindur=300,maxdur=700}", true),
        ("{maxdur=400}", false),
        ("", true),
    ] {
        town.command(&format!("C=-{{MF=aaln/1{{E=4{{al/fl{bounds},al/on}}}}}}"));
        town.sent.clear();
        town.step("aaln/1 flash");
        town.run(Duration::from_secs(2));
        // What is told is answered, so that the next can be.
        for told in town.sent.clone().iter().filter(|text| text.starts_with("T=")) {
            let number = told.split(['=', '{']).nth(1).unwrap();
            town.hear(&format!("P={number}{{C=-{{N=aaln/1}}}}"));
        }
        let has = |what: &str| town.sent.iter().any(|text| text.contains(what));
        assert_eq!(has("al/fl"), is_flash, "{bounds}: {:?}", town.sent);
        // What lasts longer than a flash is the end of the call.
        assert_eq!(has("al/on"), bounds.starts_with("{maxdur=4"), "{bounds}: {:?}", town.sent);
    }
}

/// Half a second of a tone.
fn recording() -> std::sync::Arc<[i16]> {
    let sample = |n: u32| (f64::from(n) * 1000.0 * std::f64::consts::TAU / 8000.0).sin() * 8000.0;
    (0..4000).map(|n| sample(n) as i16).collect()
}

#[test]
fn an_announcement_is_heard_as_often_as_it_was_asked_for() {
    let mut town = Town::new();
    town.gateway.list_announcement("39.wav");
    town.step("aaln/1 off-hook");
    let reply = town.command("C=-{MF=aaln/1{E=1{g/sc},SG{an/apf{an=39,noc=4,NC={TO}}}}}");
    assert!(!reply.contains("ER"), "{reply}");
    // It is read when it is wanted.
    assert_eq!(town.gateway.poll_announcement().as_deref(), Some("39.wav"));
    town.run(Duration::from_secs(1));
    assert!(town.sent.iter().all(|text| !text.contains("g/sc")), "{:?}", town.sent);
    town.gateway.handle_announcement(town.now, "39.wav", Ok(recording()));
    let began = town.now;
    town.step("aaln/1 expect tone:1000");
    while !town.sent.iter().any(|text| text.contains("g/sc{SigID=\"an/apf\",Meth=TO}")) {
        town.run(Duration::from_millis(50));
        assert!(town.now - began < Duration::from_secs(9), "{:?}", town.sent);
    }
    town.answer();
    // Again, now that it is there.
    town.command("C=-{MF=aaln/1{E=2{g/sc},SG{an/apf{an=39,NC={TO}}}}}");
    town.run(Duration::from_millis(450));
    assert!(town.sent.iter().all(|text| !text.contains("OE=2")), "{:?}", town.sent);
    town.run(Duration::from_millis(200));
    assert!(town.sent.iter().any(|text| text.contains("OE=2{g/sc")), "{:?}", town.sent);
}

#[test]
fn an_announcement_that_is_not_there_is_refused() {
    let mut town = Town::new();
    assert!(town.command("C=-{MF=aaln/1{SG{an/apf{an=40}}}}").contains("ER=514"));
    town.gateway.list_announcement("40.wav");
    // Into the context it is one that is there all the same.
    assert!(!town.command("C=-{MF=aaln/1{SG{an/apf{an=40,di=int}}}}").contains("ER"));
    assert!(town.command("C=-{MF=aaln/1{SG{an/apf{an=39,di=int}}}}").contains("ER=514"));
    town.command("C=-{MF=aaln/1{E=1{g/sc},SG{an/apf{an=40}}}}");
    assert_eq!(town.gateway.poll_announcement().as_deref(), Some("40.wav"));
    town.gateway.handle_announcement(town.now, "40.wav", Err("no such file".to_owned()));
    town.flush();
    let told = town.sent.iter().any(|text| text.contains("g/sc{SigID=\"an/apf\",Meth=NC}"));
    assert!(told, "{:?}", town.sent);
}

#[test]
fn a_circuit_is_tested_and_then_carries_a_call() {
    let mut town = Town::with_circuits(2);
    town.command("C=-{MF=ds/2{SG{ct/rsp}}}");
    town.command("C=-{MF=ds/1{E=7{ct/cmp},SG{ct/ct{DR=200}}}}");
    town.run(Duration::from_secs(1));
    let told = town.sent.iter().find(|text| text.contains("ct/cmp")).expect("it was tested");
    assert!(told.contains("N=ds/1{OE=7{") && told.contains("ct/cmp{res=success}"), "{told}");
    town.answer();
    town.command("C=-{MF=ds/2{SG{}}}");
    // Without an answer it fails.
    town.command("C=-{MF=ds/1{E=8{ct/cmp},SG{ct/ct{DR=100}}}}");
    town.run(Duration::from_secs(2));
    assert!(town.sent.iter().any(|text| text.contains("ct/cmp{res=failure}")), "{:?}", town.sent);
    for context in [1, 2] {
        let reply = town.command(&format!(
            "C=${{A=aaln/{context}{{M{{O{{MO=SR}}}}}},A=ds/{context}{{M{{O{{MO=SR}}}}}}}}"
        ));
        assert!(reply.contains(&format!("C={context}")), "{reply}");
        town.step(&format!("aaln/{context} off-hook"));
    }
    town.step("aaln/1 play tone:1000");
    town.step("aaln/2 expect tone:1000");
    town.step("aaln/1 quiet");
    town.step("aaln/2 play tone:620");
    town.step("aaln/1 expect tone:620");
    let reply = town.command("C=1{W-S=*{AT{}}}");
    assert!(!reply.contains("ER"), "{reply}");
}

#[test]
fn progress_tones_that_come_by_a_circuit_are_found_when_they_are_wanted() {
    let mut town = Town::with_circuits(2);
    for (signal, event) in [("cg/bt", "cd/bt"), ("cg/rt", "cd/rt"), ("cg/ct", "cd/ct"), ("cg/sit", "cd/sit")]
    {
        town.command(&format!("C=-{{MF=ds/2{{E=3{{{event}}}}}}}"));
        town.command(&format!("C=-{{MF=ds/1{{SG{{{signal}{{DR=1000}}}}}}}}"));
        town.run(Duration::from_secs(12));
        let told = town.answer();
        let is_told = |text: &&String| text.contains("N=ds/2") && text.contains(event);
        assert_eq!(told.iter().filter(is_told).count(), 1, "{event}: {told:?}");
        town.command("C=-{MF=ds/1{SG{}}}");
        town.run(Duration::from_secs(3));
    }
    // Of a list, that one has begun; nobody asked for the other.
    town.command("C=-{MF=ds/2{E=4{cd/std{tl=[bt]}}}}");
    for (signal, count) in [("cg/rt", 0), ("cg/bt", 1)] {
        town.command(&format!("C=-{{MF=ds/1{{SG{{{signal}{{DR=1000}}}}}}}}"));
        town.run(Duration::from_secs(12));
        let told = town.answer();
        assert_eq!(told.iter().filter(|text| text.contains("cd/std")).count(), count, "{signal}: {told:?}");
        town.command("C=-{MF=ds/1{SG{}}}");
        town.run(Duration::from_secs(3));
    }
    // Its end is not found, and a telephone has no such detector.
    assert!(town.command("C=-{MF=ds/2{E=5{cd/etd{tl=[bt]}}}}").contains("ER=512"));
    assert!(town.command("C=-{MF=aaln/1{E=6{cd/bt}}}").contains("ER="));
}

#[test]
fn a_list_of_digits_is_heard_one_by_one() {
    let mut town = Town::with_circuits(2);
    town.command("C=${A=ds/2{M{O{MO=SR}},E=3{dd/d1,dd/ds}},A=aaln/3{M{O{MO=SR}}}}");
    let reply = town.command("C=-{MF=ds/1{SG{dg/pt{tl=[d1,ds,d1],ind=60}}}}");
    assert!(!reply.contains("ER"), "{reply}");
    let mut heard = String::new();
    for _ in 0..40 {
        town.run(Duration::from_millis(50));
        for text in town.answer().iter().filter(|text| text.contains("N=ds/2")) {
            heard.push_str(if text.contains("dd/ds") { "*" } else { "1" });
        }
    }
    assert_eq!(heard, "1*1");
    // A list of another package's tones, and one of none, are refused.
    for (list, code) in
        [("dg/pt{tl=[dt]}", 513), ("cg/pt{tl=[d1]}", 513), ("dg/pt", 513), ("cg/pt{ind=5}", 513)]
    {
        let reply = town.command(&format!("C=-{{MF=ds/1{{SG{{{list}}}}}}}"));
        assert!(reply.contains(&format!("ER={code}")), "{list}: {reply}");
    }
}

#[test]
fn a_list_of_progress_tones_is_heard_one_by_one_and_ends() {
    let mut town = Town::with_circuits(2);
    town.command("C=-{MF=ds/2{E=3{cd/*}}}");
    let reply = town.command("C=-{MF=ds/1{E=4{g/sc},SG{cg/pt{tl=[bt,ct],ind=1500,NC={TO}}}}}");
    assert!(!reply.contains("ER"), "{reply}");
    let (mut heard, mut ended) = (Vec::new(), None);
    for step in 0..200 {
        town.run(Duration::from_millis(50));
        for text in town.answer() {
            heard.extend(
                ["bt", "ct", "dt", "rt"].into_iter().filter(|tone| text.contains(&format!("cd/{tone}"))),
            );
            if text.contains("g/sc") {
                ended = Some(step);
            }
        }
    }
    assert_eq!(heard, ["bt", "ct"]);
    // Two tones of two seconds, and a second and a half between them.
    assert!(ended.is_some_and(|step| (105..=115).contains(&step)), "{ended:?}");
}

#[test]
fn packages_whose_texts_are_not_at_hand_are_refused_as_unknown_or_unequipped() {
    let mut town = Town::with_circuits(1);
    for (descriptor, code) in [
        ("E=1{ctyp/dtone}", 440),
        ("M{O{ctyp/calltyp=1}}", 440),
        ("SG{ctyp/ans}", 440),
        ("SG{xcg/roh}", 440),
        ("SG{srvtn/rdt}", 440),
        ("SG{an/apv{an=1,num=3}}", 514),
    ] {
        let reply = town.command(&format!("C=-{{MF=aaln/1{{{descriptor}}}}}"));
        assert!(reply.contains(&format!("MF=aaln/1{{ER={code}")), "{descriptor}: {reply}");
    }
    let told = town.command("C=-{AV=aaln/1{AT{PG}}}");
    assert!(["ctyp", "xcg", "srvtn"].iter().all(|name| !told.contains(name)), "{told}");
}

#[test]
fn an_announcement_into_the_context_is_heard_by_the_others() {
    let mut town = Town::with_circuits(1);
    town.command("C=${A=aaln/1{M{O{MO=SR}}},A=aaln/2{M{O{MO=SR}}}}");
    town.step("aaln/1 off-hook");
    town.step("aaln/2 off-hook");
    town.command("C=1{MF=aaln/1{SG{cg/bt{SPADI=IT}}}}");
    town.step("aaln/2 expect busy");
    town.step("aaln/1 expect silence");
}
