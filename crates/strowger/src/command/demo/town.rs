//! The smallest town: one exchange, an MGCP gateway and a Megaco gateway with a line each, a SIP telephone, three subscribers who talk.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use strowger_capture::Protocol;
use strowger_exchange::{
    Country, Features, GatewayEntry, Inventory, LineAccess, LineEntry, MegacoEntry, PhoneEntry, SipSocket,
    SipTransport, Snapshot,
};
use strowger_media::speech::SpeechNoise;
use strowger_megaco::gateway as megaco;
use strowger_megaco::message::{Caseless, Mid};
use strowger_megaco::transaction::{PeerConfig, Route};
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_node::admission::Limits;
use strowger_node::clock::Clock;
use strowger_node::config::{Listen, StoreConfig};
use strowger_node::gateway::{Datagram, GatewayHost, HostConfig, Observer};
use strowger_node::{Config, Node};
use strowger_sansio::Rng;
use strowger_sip::agent::Credentials;
use strowger_softgateway::script::{Action, Parser, Step};
use strowger_softgateway::{Event, LineFact, MegacoConfig, Outcome, Runner, SoftGatewayConfig, What};

use super::phone::{Sign, Telephone};
use super::tap::{Seen, Tap};

/// The caller's number.
pub(super) const CALLING: &str = "2001";
/// The called number.
pub(super) const CALLED: &str = "2002";
/// The number of the SIP telephone, and its user's name.
pub(super) const PHONE: &str = "2003";
/// What the gateways speak.
const PROTOCOLS: [Protocol; 2] = [Protocol::Mgcp, Protocol::Megaco];
/// What happens. Lines are named with their gateway.
const SCRIPT: &str = "
gw1:aaln/1 off-hook
gw1:aaln/1 expect dial-tone within 3s
gw1:aaln/1 dial 2002
gw2:aaln/1 expect ring within 5s
gw1:aaln/1 expect ringback within 5s
gw2:aaln/1 off-hook
wait 300ms
gw1:aaln/1 play said-by-2001.wav
gw2:aaln/1 play said-by-2002.wav
gw2:aaln/1 expect said-by-2001.wav within 5s
gw1:aaln/1 expect said-by-2002.wav within 5s
wait 1s
gw1:aaln/1 record heard-by-2001.wav
gw2:aaln/1 record heard-by-2002.wav
gw1:aaln/1 on-hook
gw2:aaln/1 expect congestion within 5s
gw2:aaln/1 on-hook
";
/// The call to the SIP telephone, until that is answered …
const TO_PHONE: &str = "
gw1:aaln/1 off-hook
gw1:aaln/1 expect dial-tone within 3s
gw1:aaln/1 dial 2003
gw1:aaln/1 expect ringback within 5s
";
/// … while both talk, until it hangs up …
const WITH_PHONE: &str = "
wait 300ms
gw1:aaln/1 play said-by-2001.wav
gw1:aaln/1 expect said-by-2003.wav within 5s
wait 2500ms
gw1:aaln/1 record heard-by-2001.wav
";
/// … and behind that.
const WITHOUT_PHONE: &str = "
gw1:aaln/1 expect congestion within 5s
gw1:aaln/1 on-hook
";
/// How long a subscriber talks, in frames of 10 ms.
const TALK: usize = 250;
/// How long the gateways may take to register.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was said and heard, as samples.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) said_by_calling: Vec<i16>,
    pub(super) said_by_called: Vec<i16>,
    pub(super) by_calling: Vec<i16>,
    pub(super) by_called: Vec<i16>,
}

/// One call: 2001 calls.
pub(super) struct Act {
    /// What it is to be called.
    pub(super) what: &'static str,
    /// The number called.
    pub(super) called: &'static str,
    /// Who hangs up.
    pub(super) released_by: &'static str,
    /// Whether all happened that should.
    pub(super) script: Result<(), String>,
    pub(super) heard: Heard,
}

/// What is left of a town.
pub(super) struct Remains {
    pub(super) tap: Seen,
    /// What the exchange still held when the call had ended; none if it could not be asked.
    pub(super) snapshot: Option<Snapshot>,
    /// Whether exchange and gateways stopped in order.
    pub(super) stopped: Result<(), String>,
}

enum News {
    Event(usize, Event),
    Step(Result<Option<u64>, String>),
}

/// Reports one gateway's news.
struct Reporter {
    place: usize,
    news: Sender<News>,
    tap: Tap,
}

impl Observer for Reporter {
    fn event(&mut self, event: Event) {
        let _ = self.news.send(News::Event(self.place, event));
    }

    fn step(&mut self, _step: &Step, result: Result<Option<u64>, String>) {
        let _ = self.news.send(News::Step(result));
    }

    fn datagram(&mut self, datagram: Datagram<'_>) {
        self.tap.media(&datagram);
    }
}

/// The running town.
pub(super) struct Town {
    node: Node,
    hosts: Vec<GatewayHost>,
    phone: Telephone,
    news: Receiver<News>,
    tap: Tap,
    clock: Clock,
    /// What is said and heard in the call that is under way.
    heard: Heard,
    /// What each of them says.
    voices: Vec<Vec<i16>>,
    /// Who is called.
    called: &'static str,
    /// Expectations carry the number that their own gateway gave; the script needs one number for all.
    numbers: BTreeMap<(usize, u64), u64>,
    next_number: u64,
}

impl Town {
    /// Starts the exchange and the gateways.
    pub(super) fn start() -> Result<Self, String> {
        let clock = Clock::start();
        let tap = Tap::new(clock);
        let addresses = [free_address()?, free_address()?];
        let mut inventory = Inventory::new("town", Country::default());
        for (number, address) in (1..).zip(addresses) {
            let id = format!("gw{number}");
            let domain = format!("{id}.town");
            let megaco = MegacoEntry { mid: Some(format!("<{domain}>")), ..MegacoEntry::default() };
            inventory.gateways.push(match PROTOCOLS[number - 1] {
                Protocol::Megaco => GatewayEntry::megaco(&id, address, &domain, megaco),
                _ => GatewayEntry::mgcp(&id, address, &domain),
            });
            inventory.lines.push(LineEntry {
                number: format!("200{number}"),
                access: LineAccess::endpoint(id.clone(), "aaln/1"),
                name: Some(format!("Subscriber {number}")),
                features: Features::default(),
            });
            tap.name(address, &id);
        }
        let password =
            seed().map_err(|error| error.to_string())?.map(|octet| format!("{octet:02x}")).concat();
        inventory.lines.push(LineEntry {
            number: PHONE.to_owned(),
            access: LineAccess::Sip(PhoneEntry::new(PHONE, &password)),
            name: Some("Subscriber 3".to_owned()),
            features: Features::default(),
        });
        let any = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let transport = SipTransport::Udp;
        inventory.sip.push(SipSocket { transport, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) });
        let listen = Listen { mgcp: any, megaco_text: any, sip: any, ..Listen::default() };
        let (store, limits) = (StoreConfig::Memory, Limits::default());
        let config = Config { limits, ..Config::new(inventory, listen, store) };
        let node = Node::start(config, vec![Box::new(tap.clone())]).map_err(|error| error.to_string())?;
        let exchange = (node.mgcp().zip(node.megaco_text())).ok_or("the exchange has no address")?;
        tap.name(exchange.0, "exchange");
        tap.name(exchange.1, "exchange");
        let sip = node.sip().ok_or("the exchange has no address for SIP")?;
        tap.name(sip, "exchange");
        let user = Credentials { user: PHONE.to_owned(), password };
        let secret = seed().map_err(|error| error.to_string())?;
        let phone = Telephone::start(sip, user, clock, secret, tap.clone())?;
        tap.name(phone.address(), "telephone");
        let (sender, news) = mpsc::channel();
        let mut town = Self {
            node,
            hosts: Vec::new(),
            phone,
            news,
            tap,
            clock,
            heard: Heard::default(),
            voices: Vec::new(),
            called: CALLED,
            numbers: BTreeMap::new(),
            next_number: 0,
        };
        for (place, address) in addresses.into_iter().enumerate() {
            let reporter = Reporter { place, news: sender.clone(), tap: town.tap.clone() };
            let host = town
                .host(place, address, exchange, reporter)
                .map_err(|error| format!("{address}: {error}"))?;
            town.hosts.push(host);
        }
        town.give_voices()?;
        town.await_gateways()?;
        Ok(town)
    }

    fn host(
        &self,
        place: usize,
        listen: SocketAddr,
        (agent, controller): (SocketAddr, SocketAddr),
        reporter: Reporter,
    ) -> std::io::Result<GatewayHost> {
        let name = format!("gw{}.town", place + 1);
        let wait = Duration::from_millis(100);
        let gateway = if PROTOCOLS.get(place) == Some(&Protocol::Megaco) {
            let mid = Mid::Domain(Caseless::new(&name), None);
            let mut gateway = megaco::GatewayConfig::new(mid.into()).with_lines(1);
            gateway = gateway.with_controller(PeerConfig::at(Route::udp(controller)));
            gateway.waiting_delay = wait;
            let since_1970 = self.clock.wall().unix(self.clock.now());
            SoftGatewayConfig::megaco(MegacoConfig { gateway, since_1970: Some(since_1970) })
        } else {
            let mut gateway = GatewayConfig::new(name, CallAgent::at(agent)).with_lines(1);
            gateway.timers.protocol.mwd = wait;
            SoftGatewayConfig::new(gateway)
        };
        let config = HostConfig {
            listen,
            rtp_ports: None,
            connections: 4,
            recordings: None,
            busy_poll: Duration::ZERO,
            gateway,
        };
        GatewayHost::start(config, self.clock, Rng::from_seed(seed()?), Box::new(reporter))
    }

    /// Each subscriber has a voice of its own, and says something else in each demo.
    fn give_voices(&mut self) -> Result<(), String> {
        for place in 0..3 {
            let rng = Rng::from_seed(seed().map_err(|error| error.to_string())?);
            let mut voice = SpeechNoise::new(rng, -15.0);
            let said: Vec<i16> = (0..TALK).flat_map(|_| voice.frame()).collect();
            let name = format!("said-by-200{}.wav", place + 1);
            self.hosts.iter().for_each(|host| host.add_sound(&name, said.as_slice().into()));
            self.voices.push(said);
        }
        Ok(())
    }

    fn await_gateways(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let mut registered = [false; 2];
        while registered.contains(&false) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left) {
                Ok(News::Event(place, Event { what: What::Registered { .. }, .. })) => {
                    if let Some(entry) = registered.get_mut(place) {
                        *entry = true;
                    }
                }
                Ok(_) => {}
                Err(_) => return Err("the gateways do not register".to_owned()),
            }
        }
        match self.phone.sign(PATIENCE) {
            Some(Sign::Registered) => Ok(()),
            _ => Err("the SIP telephone does not register".to_owned()),
        }
    }

    /// Plays both calls, and says what happens.
    pub(super) fn play(&mut self, mut tell: impl FnMut(&str)) -> Vec<Act> {
        let script = self.run(SCRIPT, &mut tell).and_then(|()| self.await_records(1));
        let first = self.act(("the call", CALLED, "calling"), 1, script);
        self.called = PHONE;
        let script = self.call_phone(&mut tell).and_then(|()| self.await_records(2));
        vec![first, self.act(("the call to the SIP telephone", PHONE, "called"), 2, script)]
    }

    /// What has been said and heard since the call before. `place`: who was called, among those who have voices.
    fn act(
        &mut self,
        (what, called, released_by): (&'static str, &'static str, &'static str),
        place: usize,
        script: Result<(), String>,
    ) -> Act {
        let mut heard = std::mem::take(&mut self.heard);
        let voice = |place: usize| self.voices.get(place).cloned().unwrap_or_default();
        (heard.said_by_calling, heard.said_by_called) = (voice(0), voice(place));
        Act { what, called, released_by, script, heard }
    }

    /// 2001 calls the SIP telephone, which hangs up when both have talked.
    fn call_phone(&mut self, tell: &mut impl FnMut(&str)) -> Result<(), String> {
        self.run(TO_PHONE, tell)?;
        match self.phone.sign(PATIENCE) {
            Some(Sign::Rings(who)) => {
                self.remark(tell, &format!("{PHONE}'s telephone rings"));
                self.remark(tell, &format!("{PHONE} sees {who}"));
            }
            other => return Err(format!("the SIP telephone does not ring: {}", seen(other.as_ref()))),
        }
        self.remark(tell, &format!("{PHONE} answers"));
        self.phone.answer();
        self.remark(tell, &format!("{PHONE} talks"));
        self.phone.say(self.voices.get(2).cloned().unwrap_or_default());
        self.run(WITH_PHONE, tell)?;
        self.remark(tell, &format!("{PHONE} hangs up"));
        self.phone.hang_up();
        match self.phone.sign(PATIENCE) {
            Some(Sign::Over(heard)) => self.heard.by_called = heard,
            other => return Err(format!("the call does not end: {}", seen(other.as_ref()))),
        }
        self.run(WITHOUT_PHONE, tell)
    }

    /// Something that happens at the SIP telephone.
    fn remark(&self, tell: &mut impl FnMut(&str), what: &str) {
        self.tap.remark(self.phone.address(), Protocol::Sip, what);
        tell(what);
    }

    /// Plays a part of what happens at the gateways.
    fn run(&mut self, script: &str, tell: &mut impl FnMut(&str)) -> Result<(), String> {
        let steps = Parser::script(script).map_err(|error| error.to_string())?;
        let mut runner = Runner::new(steps);
        loop {
            while let Some(step) = runner.poll_step(self.clock.now()) {
                self.give(&step, &mut runner, tell)?;
            }
            match runner.outcome() {
                Some(Outcome::Passed) => return Ok(()),
                Some(Outcome::Failed { why, .. }) => return Err(why.clone()),
                None => {}
            }
            let wait = runner
                .poll_timeout()
                .map_or(PATIENCE, |due| self.clock.instant(due).saturating_duration_since(Instant::now()));
            if let Ok(News::Event(place, event)) = self.news.recv_timeout(wait) {
                self.hear(place, event, &mut runner, tell);
            }
        }
    }

    /// Gives a step to the gateway that the line hangs on, and waits for its word.
    fn give(&mut self, step: &Step, runner: &mut Runner, tell: &mut impl FnMut(&str)) -> Result<(), String> {
        let (place, step) = local(step)?;
        let Some(host) = self.hosts.get(place) else { return Err("no such gateway".to_owned()) };
        let address = host.address();
        if let Step::Act { action, .. } = &step
            && let Some(doing) = doing(action)
        {
            let who = format!("200{} {doing}", place + 1);
            self.tap.remark(address, PROTOCOLS[place], &who);
            tell(&who);
        }
        host.step(step);
        while let Ok(news) = self.news.recv_timeout(PATIENCE) {
            match news {
                News::Step(result) => {
                    let result = result.map(|number| {
                        number.map(|number| {
                            self.next_number += 1;
                            self.numbers.insert((place, number), self.next_number);
                            self.next_number
                        })
                    });
                    runner.handle_result(result);
                    return Ok(());
                }
                News::Event(place, event) => self.hear(place, event, runner, tell),
            }
        }
        Err("a gateway does not take its step".to_owned())
    }

    /// Takes what happened on a gateway.
    fn hear(&mut self, place: usize, event: Event, runner: &mut Runner, tell: &mut impl FnMut(&str)) {
        let Event { at, what: What::Line { line, mut fact } } = event else { return };
        let number = |number: u64| self.numbers.get(&(place, number)).copied().unwrap_or(u64::MAX);
        let who = format!("200{}", place + 1);
        match &mut fact {
            LineFact::Met { expectation, .. } | LineFact::Missed { expectation, .. } => {
                *expectation = number(*expectation);
            }
            LineFact::Ringing => tell(&format!("{who}'s telephone rings")),
            LineFact::Caller(text) => tell(&format!("{who} sees {text}")),
            LineFact::Hears(tone) => tell(&format!("{who} hears {tone}")),
            LineFact::Recording { samples, .. } => {
                let samples = std::mem::take(samples);
                if place == 0 { self.heard.by_calling = samples } else { self.heard.by_called = samples }
            }
            _ => {}
        }
        if let LineFact::Met { sign, .. } = &fact
            && let strowger_softgateway::Sign::Sound(_) = sign
        {
            let other = if place == 0 { self.called } else { CALLING };
            tell(&format!("{who} hears what {other} says"));
        }
        runner.handle_event(&Event { at, what: What::Line { line, fact } });
    }

    fn await_records(&self, count: usize) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while self.tap.records() < count {
            if Instant::now() > deadline {
                return Err("the exchange writes no call detail record".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Looks once more at the exchange, and stops everything in order.
    pub(super) fn take_apart(self) -> Remains {
        let deadline = Instant::now() + PATIENCE;
        let mut snapshot = self.node.look().ok().map(|picture| picture.snapshot);
        while snapshot.as_ref().is_some_and(|snapshot| !snapshot.is_idle()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
            snapshot = self.node.look().ok().map(|picture| picture.snapshot);
        }
        let gateways =
            self.hosts.into_iter().try_for_each(|host| host.stop().map_err(|error| error.to_string()));
        let phone = self.phone.stop();
        let node = self.node.stop(Duration::ZERO).map(|_| ()).map_err(|error| error.to_string());
        Remains { tap: self.tap.seen(), snapshot, stopped: gateways.and(phone).and(node) }
    }
}

/// What the SIP telephone did instead.
fn seen(sign: Option<&Sign>) -> &'static str {
    match sign {
        Some(Sign::Registered) => "it has registered again",
        Some(Sign::Rings(_)) => "it rings",
        Some(Sign::Over(_)) => "the call is over",
        None => "nothing happens",
    }
}

/// `gw2:aaln/1` is the line `aaln/1` of the second gateway.
fn local(step: &Step) -> Result<(usize, Step), String> {
    let split = |name: &str| -> Result<(usize, String), String> {
        let parts = name.split_once(':').and_then(|(gateway, line)| {
            let number: usize = gateway.strip_prefix("gw")?.parse().ok()?;
            Some((number.checked_sub(1)?, line.to_owned()))
        });
        parts.ok_or_else(|| format!("{name} names no gateway"))
    };
    Ok(match step {
        Step::Act { line, action } => {
            let (place, line) = split(line)?;
            (place, Step::Act { line, action: action.clone() })
        }
        Step::Expect { line, sign, within } => {
            let (place, line) = split(line)?;
            (place, Step::Expect { line, sign: sign.clone(), within: *within })
        }
        Step::Operate { endpoints, order } => {
            let (place, endpoints) = split(endpoints)?;
            (place, Step::Operate { endpoints, order: *order })
        }
        Step::Wait(_) => return Err("a pause is for no gateway".to_owned()),
    })
}

/// What a subscriber does, for the one who looks on.
fn doing(action: &Action) -> Option<String> {
    Some(match action {
        Action::OffHook => "lifts the handset".to_owned(),
        Action::OnHook => "hangs up".to_owned(),
        Action::Dial(digits) | Action::Pulse(digits) => format!("dials {digits}"),
        Action::Play(..) => "talks".to_owned(),
        Action::Key(key) => format!("presses feature key {key}"),
        Action::Flash | Action::Quiet | Action::Record(_) | Action::Circuit(_) => return None,
    })
}

/// A loopback address with a UDP port that nobody has at the moment.
fn free_address() -> Result<SocketAddr, String> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    socket.local_addr().map_err(|error| error.to_string())
}

fn seed() -> std::io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(seed)
}
