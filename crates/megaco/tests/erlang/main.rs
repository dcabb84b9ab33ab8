//! Interoperation with the megaco application of Erlang/OTP, from Debian's package `erlang-megaco`: in both roles, over UDP and TCP,
//! in pretty text, compact text and BER. Erlang's codecs, transports and transaction layer are the peer; it has no terminations, so
//! what it asks and answers is said here. What one side says, the other has to understand as it was said.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and this one has sockets, a clock and a process"
)]

mod gateway;
mod process;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use process::{Erlang, PATIENCE, Role};
use strowger_megaco::binary::ValueForm;
use strowger_megaco::controller::{Admission, Controller, Event, Registration, Service};
use strowger_megaco::message::{
    Body, Caseless, Mid, Reply, ReplyResult, Request, Transaction, TransactionId, Version,
};
use strowger_megaco::text::{self, Layout, NoSignals};
use strowger_megaco::transaction::{
    Coding, Dialect, Form, PeerConfig, PeerId, Source, TransactionIds, TransactionLimits, TransactionTimers,
    Transport,
};
use strowger_sansio::Rng;
use wire::Wire;

const FORMS: [Form; 3] = [Form::Text(Layout::Pretty), Form::Text(Layout::Compact), Form::Binary];

/// What is said between the two, as compact text: the actions of a request, and the reply.
struct Exchange {
    ask: &'static str,
    answer: &'static str,
}

/// What a controller asks.
const ORDERS: [Exchange; 8] = [
    Exchange {
        ask: "T=1{C=${A=00000001/00000001/00000001{E=7{al/on,dd/ce{DM={T:16,L:8,(2xxx|9x.)}}},SG{cg/dt}},\
              A=${M{O{MO=RC,nt/jit=40},L{\nv=0\nc=IN IP4 $\nm=audio $ RTP/AVP 0 8\n}}}}}",
        answer: "P=1{C=5{A=00000001/00000001/00000001,A=00000010/00000001/00000001{M{L{\nv=0\n\
                 c=IN IP4 127.0.0.1\nm=audio 4000 RTP/AVP 0\n}}}}}",
    },
    Exchange {
        ask: "T=1{C=5{MF=00000010/00000001/00000001{M{O{MO=SR},R{\nv=0\nc=IN IP4 127.0.0.1\n\
              m=audio 5000 RTP/AVP 0\n}}},MF=00000001/00000001/00000001{SG{al/ri{cad=[1000,4000],SY=TO,DR=300}}}}}",
        answer: "P=1{C=5{MF=00000010/00000001/00000001,MF=00000001/00000001/00000001}}",
    },
    Exchange {
        ask: "T=1{C=5{TP{00000001/00000001/00000001,00000010/00000001/00000001,OW},AV=*{AT{M,E,SG,SA}}}}",
        answer: "P=1{C=5{AV=00000001/00000001/00000001{M{TS{SI=IV,BF=OFF}},E=7{al/on},SG,\
                 SA{nt/dur=1000}}}}",
    },
    Exchange { ask: "T=1{C=-{AC=*{AT{M}}}}", answer: "P=1{C=-{AC=00000001/00000001/00000001{M{O{MO=SR}}}}}" },
    Exchange {
        ask: "T=1{C=6{O-MV=00000001/00000001/00000001{E=8{al/fl{mindur=100,maxdur=800}}}}}",
        answer: "P=1{C=6{MV=00000001/00000001/00000001{ER=430{\"none such\"}}}}",
    },
    Exchange {
        ask: "T=1{C=5{W-S=*{AT{SA}}}}",
        answer: "P=1{C=5{S=00000010/00000001/00000001{SA{rtp/ps=1234,rtp/pr=1230,nt/os=45678}},\
                 S=00000001/00000001/00000001}}",
    },
    Exchange {
        ask: "T=1{C=5{MF=00000001/00000001/00000001{SG{},E=9{al/on{EM{SG{cg/dt}}}}}}}",
        answer: "P=1{C=5{MF=00000001/00000001/00000001}}",
    },
    Exchange { ask: "T=1{C=5{S=*{AT{}}}}", answer: "P=1{C=5{ER=411{\"unknown context\"}}}" },
];

/// What a gateway tells.
const TIDINGS: [Exchange; 2] = [
    Exchange {
        ask: "T=1{C=-{N=00000001/00000001/00000001{OE=7{20260101T12000000:al/of{init=off}}}}}",
        answer: "P=1{C=-{N=00000001/00000001/00000001}}",
    },
    Exchange {
        ask: "T=1{C=-{N=00000001/00000001/00000001{OE=7{20260101T12000123:dd/ce{ds=\"2001\",Meth=UM}}}}}",
        answer: "P=1{C=-{N=00000001/00000001/00000001}}",
    },
];

/// The one transaction of a message, as compact text in our own writing.
pub(crate) fn plain(message: &[u8]) -> String {
    let coding = Coding::default();
    let message = coding
        .decode(message)
        .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(message)));
    let Body::Transactions(transactions) = &message.body else { panic!("{message:?}") };
    written(&transactions[0])
}

fn written(transaction: &Transaction<'_>) -> String {
    let mut text = Vec::new();
    text::encode_transaction(transaction, Version::V3, Layout::Compact, &mut text).unwrap();
    // Lines of a description end as their writer likes.
    String::from_utf8(text).unwrap().replace('\r', "")
}

pub(crate) fn message(transaction: &str) -> Vec<u8> {
    format!("!/3 <desk>\n{transaction}").into_bytes()
}

fn one() -> TransactionId {
    TransactionId::new(1)
}

/// Our controller with one gateway, on a wire.
struct Town {
    controller: Controller<()>,
    gateway: PeerId,
    wire: Wire,
    start: Instant,
}

/// What came of a message.
enum Seen {
    Registered(Registration, Version),
    /// A request of the gateway, and its answer.
    Commands(String),
    Reply(String),
    Other(String),
}

impl Town {
    fn open(transport: Transport, form: Form) -> Self {
        let wire = Wire::listen(transport);
        let mut rng = Rng::from_number(3);
        let ids = TransactionIds::alone(&mut rng);
        let mid = Mid::Domain(Caseless::new("town"), None).into();
        let (timers, limits) = (TransactionTimers::default(), TransactionLimits::default());
        let mut controller = Controller::new(mid, timers, limits, ids, rng);
        let source = Source { address: wire.address().ip(), port: None, transport: Some(transport) };
        // Erlang reads values that are not wrapped alone, and no signals without braces, and writes them so.
        let (values, no_signals) = (ValueForm::Raw, NoSignals::Token);
        let dialect = Dialect { form, values, no_signals, ..Dialect::default() };
        let mut coding = Coding::default();
        coding.binary.values = ValueForm::Raw;
        let mid = Some(Mid::Domain(Caseless::new("erlang"), None).into());
        let config = PeerConfig { mid, dialect, coding: Arc::new(coding), ..PeerConfig::from_source(source) };
        let gateway = controller.add_gateway(config, Admission::Accept, Version::V1);
        Self { controller, gateway, wire, start: Instant::now() }
    }

    fn now(&self) -> strowger_sansio::Time {
        strowger_sansio::Time::ZERO + self.start.elapsed()
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.controller.poll_transmit(self.now()) {
            self.wire.send(&transmit);
        }
    }

    fn ask(&mut self, request: &str) {
        let octets = message(request);
        let coding = Coding::default();
        let read = coding.decode(&octets).unwrap();
        let Body::Transactions(transactions) = read.body else { panic!("{request}") };
        let Some(Transaction::Request(request)) = transactions.into_iter().next() else {
            panic!("{octets:?}")
        };
        self.controller.request(self.now(), self.gateway, request.actions, ()).unwrap();
        self.flush();
    }

    /// The next thing that happens; a request is answered so.
    fn hear(&mut self, answer: &str) -> Seen {
        let octets = message(answer);
        let coding = Coding::default();
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "nothing in {PATIENCE:?}");
            let received = self.wire.receive();
            let now = self.now();
            let mut seen = None;
            if let Some((route, message)) = received {
                let accepted = self.controller.accept(now, route, &message);
                let accepted =
                    accepted.unwrap_or_else(|| panic!("not taken: {:?}", String::from_utf8_lossy(&message)));
                for event in self.controller.handle_input(now, None, &accepted) {
                    seen = Some(match event {
                        Event::Registered { how, version, .. } => Seen::Registered(how, version),
                        Event::Commands { token, actions, .. } => {
                            let read = coding.decode(&octets).unwrap();
                            let Body::Transactions(transactions) = read.body else { panic!("{answer}") };
                            let Some(Transaction::Reply(reply)) = transactions.into_iter().next() else {
                                panic!("{answer}")
                            };
                            self.controller.respond(now, token, reply.result).unwrap();
                            Seen::Commands(written(&Transaction::Request(Request { id: one(), actions })))
                        }
                        Event::Reply { result, .. } => Seen::Reply(reply(result)),
                        other => Seen::Other(format!("{other:?}")),
                    });
                }
            } else {
                self.controller.handle_timeout(now);
            }
            self.flush();
            if let Some(seen) = seen {
                return seen;
            }
        }
    }
}

fn reply(result: ReplyResult<'_>) -> String {
    written(&Transaction::Reply(Reply { id: one(), is_ack_required: false, result, segment: None }))
}

/// Every form over both transports, in a version.
pub(crate) fn everywhere(story: impl Fn(Transport, Form, Version)) {
    for transport in [Transport::Udp, Transport::Tcp] {
        for form in FORMS {
            for version in [Version::V1, Version::V2, Version::V3] {
                println!("{transport:?}, {form:?}, version {version}");
                story(transport, form, version);
            }
        }
    }
}

#[test]
fn our_controller_controls_a_gateway_of_erlang() {
    if !Erlang::is_installed() {
        return;
    }
    everywhere(|transport, form, version| {
        let mut town = Town::open(transport, form);
        let address = town.wire.address();
        let mut erlang = Erlang::start(Role::Connect, transport, form, version, address);
        erlang.say("call", &format!("T=1{{C=-{{SC=ROOT{{SV{{MT=RS,RE=\"901 Cold Boot\",V={version}}}}}}}}}"));
        let Seen::Registered(Registration::Restart, agreed) = town.hear("") else {
            panic!("no registration")
        };
        assert_eq!(agreed, version);
        let answer = format!("P=1{{C=-{{SC=ROOT{{SV{{V={version}}}}}}}}}");
        assert_eq!(plain(&erlang.hear("result")), plain(&message(&answer)));
        assert_eq!(town.controller.service(town.gateway), Service::InService);
        for Exchange { ask, answer } in ORDERS {
            town.ask(ask);
            assert_eq!(plain(&erlang.hear("heard")), plain(&message(ask)));
            erlang.say("answer", answer);
            let Seen::Reply(heard) = town.hear("") else { panic!("no reply to {ask}") };
            assert_eq!(heard, plain(&message(answer)));
        }
        for Exchange { ask, answer } in TIDINGS {
            erlang.say("call", ask);
            let Seen::Commands(heard) = town.hear(answer) else { panic!("no commands: {ask}") };
            assert_eq!(heard, plain(&message(ask)));
            assert_eq!(plain(&erlang.hear("result")), plain(&message(answer)));
        }
        let other = Mid::Domain(Caseless::new("other"), Some(2944));
        town.controller.hand_off(town.now(), town.gateway, other).unwrap();
        town.flush();
        let ask = "T=1{C=-{SC=ROOT{SV{MT=HO,MG=<other>:2944,RE=\"903 MGC Directed Change\"}}}}";
        assert_eq!(plain(&erlang.hear("heard")), plain(&message(ask)));
        erlang.say("answer", "P=1{C=-{SC=ROOT}}");
        erlang.say("call", "T=1{C=-{SC=ROOT{SV{MT=FO,RE=\"908 MG Impending Failure\"}}}}");
        let Seen::Other(heard) = town.hear("") else { panic!("no service change") };
        assert!(heard.contains("Forced"), "{heard}");
        assert_eq!(town.controller.service(town.gateway), Service::OutOfService);
        erlang.hear("result");
    });
}
