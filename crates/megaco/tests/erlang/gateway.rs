//! Our gateway under a controller of Erlang's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use strowger_megaco::binary::{self, ValueForm};
use strowger_megaco::gateway::{
    Flow, Gateway, GatewayConfig, GatewayEvent, Hook, LineIndex, MediaCapabilities, MediaEvent, MediaFault,
    MediaPlane, Port, SignalHandle, SignalOrder, StreamHandle, StreamSpec, StreamStatistics,
};
use strowger_megaco::message::{Caseless, Mid, Version};
use strowger_megaco::transaction::{Coding, Dialect, Form, PeerConfig, Route, Transport};
use strowger_sansio::{Rng, SocketId, Time};

use crate::process::{Erlang, Role};
use crate::wire::{Wire, free_port};
use crate::{everywhere, message, plain};

/// Streams without sound, and telephones whose hooks the test moves.
#[derive(Default)]
struct Plane {
    able: MediaCapabilities,
    streams: BTreeMap<StreamHandle, StreamSpec>,
    off_hook: bool,
}

impl MediaPlane for Plane {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.able
    }

    fn open(&mut self, _: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<SocketAddr, MediaFault> {
        self.streams.insert(stream, spec.clone());
        Ok(SocketAddr::from(([192, 0, 2, 9], 4000)))
    }

    fn modify(&mut self, _: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<(), MediaFault> {
        self.streams.insert(stream, spec.clone()).map(drop).ok_or(MediaFault::Insufficient)
    }

    fn close(&mut self, now: Time, stream: StreamHandle) -> StreamStatistics {
        self.streams.remove(&stream);
        self.statistics(now, stream)
    }

    fn statistics(&self, _: Time, _: StreamHandle) -> StreamStatistics {
        StreamStatistics { packets_sent: 50, packets_received: 45, ..StreamStatistics::default() }
    }

    fn connect(&mut self, _: Time, _: u32, _: &[Port], _: &[Flow]) {}

    fn can_signal(&self, _: Port, _: &SignalOrder) -> bool {
        true
    }

    fn start_signal(&mut self, _: Time, _: Port, _: SignalHandle, _: &SignalOrder) -> Result<(), MediaFault> {
        Ok(())
    }

    fn stop_signal(&mut self, _: Time, _: SignalHandle) {}

    fn hook(&self, _: LineIndex) -> Hook {
        if self.off_hook { Hook::Off } else { Hook::On }
    }
}

/// A gateway with one line on a thread of its own. It ends with the sender of what happens at its line.
struct Running {
    happen: Sender<MediaEvent>,
    thread: JoinHandle<Vec<GatewayEvent>>,
}

impl Running {
    fn start(transport: Transport, form: Form, version: Version, to: SocketAddr) -> Self {
        let (happen, happened) = mpsc::channel();
        let thread = std::thread::spawn(move || serve(transport, form, version, to, &happened));
        Self { happen, thread }
    }

    fn stop(self) -> Vec<GatewayEvent> {
        drop(self.happen);
        self.thread.join().unwrap()
    }
}

fn serve(
    transport: Transport,
    form: Form,
    version: Version,
    to: SocketAddr,
    happened: &Receiver<MediaEvent>,
) -> Vec<GatewayEvent> {
    let mut wire = Wire::connect(transport, to);
    let start = Instant::now();
    let now = || Time::ZERO + start.elapsed();
    // Three octets, which Erlang shows as zeros and ones.
    let plan = "8:aaln,rtp/16:number".parse().unwrap();
    let values = ValueForm::Raw;
    let coding = Coding {
        binary: binary::Options { plan, values, ..binary::Options::default() },
        ..Coding::default()
    };
    let dialect = Dialect { form, values, ..Dialect::default() };
    let route = Route { transport, socket: SocketId::MAIN, address: to };
    let controller = PeerConfig { dialect, coding: Arc::new(coding), ..PeerConfig::at(route) };
    let mid = Mid::Domain(Caseless::new("gw1"), None).into();
    let mut config = GatewayConfig::new(mid).with_lines(1).with_controller(controller);
    config.version = version;
    config.waiting_delay = Duration::ZERO;
    let mut gateway = Gateway::new(now(), config, Rng::from_number(5)).unwrap();
    let mut plane = Plane::default();
    loop {
        match happened.try_recv() {
            Ok(event) => {
                plane.off_hook = match event {
                    MediaEvent::OffHook(_) => true,
                    MediaEvent::OnHook(_) => false,
                    _ => plane.off_hook,
                };
                gateway.handle_media_event(now(), event, &mut plane);
            }
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {}
        }
        gateway.handle_timeout(now(), &mut plane);
        while let Some(transmit) = gateway.poll_transmit(now()) {
            wire.send(&transmit);
        }
        if let Some((route, octets)) = wire.receive() {
            gateway.handle_input(now(), route, &octets, &mut plane);
        }
    }
    std::iter::from_fn(|| gateway.poll_event()).collect()
}

/// What a controller has done, and what the gateway answers. `{line}` and `{stream}` are the terminations.
const ORDERS: [(&str, &str); 6] = [
    ("T=1{C=-{MF={line}{E=1{al/of}}}}", "P=1{C=-{MF={line}}}"),
    (
        "T=1{C=${A={line}{E=2{al/on,dd/ce{DM={T:16,L:8,(2xxx|9x.)}}},SG{cg/dt}},A=${M{O{MO=RC},L{\nv=0\nc=IN IP4 $\n\
         m=audio $ RTP/AVP 0\n}}}}}",
        "P=1{C=1{A={line},A={stream}{M{ST=1{L{\nv=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 0\n}}}}}}",
    ),
    (
        "T=1{C=1{MF={stream}{M{O{MO=SR},R{\nv=0\nc=IN IP4 192.0.2.7\nm=audio 5000 RTP/AVP 0\n}}}}}",
        "P=1{C=1{MF={stream}{M{ST=1{R{\nv=0\nc=IN IP4 192.0.2.7\nm=audio 5000 RTP/AVP 0\n}}}}}}",
    ),
    ("T=1{C=1{AV={stream}{AT{PG}}}}", "P=1{C=1{AV={stream}{PG{g-1,cg-1,nt-1,rtp-1,an-1}}}}"),
    ("T=1{C=7{MF={line}{SG}}}", "P=1{C=7{ER=411{\"The transaction refers to an unknown ContextID\"}}}"),
    ("T=1{C=1{S=*{AT{}}}}", "P=1{C=1{S={line},S={stream}}}"),
];

#[test]
fn our_gateway_is_controlled_by_a_controller_of_erlang() {
    if !Erlang::is_installed() {
        return;
    }
    everywhere(|transport, form, version| {
        let address = free_port();
        let mut erlang = Erlang::start(Role::Listen, transport, form, version, address);
        let (line, stream) = match form {
            Form::Binary => ("00000000/00000000/00000001", "00000001/00000000/00000001"),
            Form::Text(_) => ("aaln/1", "rtp/1"),
        };
        let named = |text: &str| text.replace("{line}", line).replace("{stream}", stream);
        let gateway = Running::start(transport, form, version, address);
        let registration = plain(&erlang.hear("heard"));
        let wanted = format!("T=1{{C=-{{SC=ROOT{{SV{{MT=RS,V={version},RE=\"901 Cold Boot\"}}}}}}}}");
        assert_eq!(registration, plain(&message(&wanted)));
        // Version 1 is what both can, until this answer.
        erlang.say_in(Version::V1, "answer", &format!("P=1{{C=-{{SC=ROOT{{SV{{V={version}}}}}}}}}"));
        for (place, (ask, answer)) in ORDERS.iter().enumerate() {
            if form == Form::Binary && answer.contains("an-1") {
                // Erlang's tables have no number of this package.
                continue;
            }
            erlang.say("call", &named(ask));
            assert_eq!(plain(&erlang.hear("result")), plain(&message(&named(answer))), "{ask}");
            let line = LineIndex(0);
            let (event, context, told) = match place {
                0 => (MediaEvent::OffHook(line), "-", "OE=1{al/of{init=off}}"),
                1 => (MediaEvent::OnHook(line), "1", "OE=2{al/on{init=off}}"),
                _ => continue,
            };
            gateway.happen.send(event).unwrap();
            let wanted = named(&format!("T=1{{C={context}{{N={{line}}{{{told}}}}}}}"));
            assert_eq!(plain(&erlang.hear("heard")), plain(&message(&wanted)));
            erlang.say("answer", &named(&format!("P=1{{C={context}{{N={{line}}}}}}")));
        }
        let events = gateway.stop();
        let is_taken = |event: &GatewayEvent| matches!(event, GatewayEvent::Associated { .. });
        assert!(events.iter().any(is_taken), "{events:?}");
    });
}
