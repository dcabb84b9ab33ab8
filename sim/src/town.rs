//! What a town is built of: its inventory, its people, its gateways with their sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use strowger_exchange::{
    Codes, ControllerLeaves, Country, Features, FlashControl, GatewayEntry, GroupEntry, HotLine, HuntOrder,
    Inventory, LineAccess, LineEntry, MediaPolicy, MegacoEncoding, MegacoEntry, MegacoTransport, NamePlan,
    Pattern, RelayEntry, Ring, Service, ServiceClass, Subscription,
};
use strowger_media::MediaPort;
use strowger_media::tone::TonePlan;
use strowger_megaco::message::{Caseless, Mid};
use strowger_megaco::text::Layout;
use strowger_megaco::transaction::{Coding, Dialect, Form, PeerConfig, Source, Transport};
use strowger_megaco::transport::{BINARY_PORT, Route, TEXT_PORT};
use strowger_megaco::{binary, gateway as media_gateway};
use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_sansio::{Duration, Rng, SocketId, Time};
use strowger_softgateway::{ConfigError, MegacoConfig, SoftGateway, SoftGatewayConfig};

use crate::options::{Habits, Options, Relay};
use crate::person::{Code, Person, Ways};
use crate::tongue::{Megaco, Tongue};

/// The call agent's port.
pub(crate) const AGENT_PORT: u16 = 2727;
/// The gateways' port.
pub(crate) const GATEWAY_PORT: u16 = 2427;
/// Every port that signalling has at one of its ends.
pub(crate) const SIGNALLING: [u16; 4] = [AGENT_PORT, GATEWAY_PORT, TEXT_PORT, BINARY_PORT];
/// The first media port.
const MEDIA_PORT: u16 = 16_384;
/// Pairs of media ports on each gateway.
const PORT_PAIRS: u16 = 24;

/// Voices that can be told apart.
const VOICES: u16 = 16;

/// What a line may do.
fn features(options: &Options, rng: &mut Rng) -> Features {
    match options.habits {
        Habits::Plain => Features::NONE,
        Habits::Features => Features {
            hold: rng.chance(0.9),
            transfer: rng.chance(0.8),
            three_way: rng.chance(0.8),
            call_waiting: rng.chance(0.5),
        },
    }
}

/// Who lives in the town, and where.
pub(crate) fn town(options: &Options, agent: SocketAddr, rng: &mut Rng) -> (Inventory, Vec<(usize, Person)>) {
    let country: Country = options.country.parse().unwrap_or_default();
    let mut inventory = Inventory::new("town", country);
    inventory.agent_address = Some(agent);
    let mut numbers = Vec::new();
    for gateway in 1..=options.gateways {
        inventory.gateways.push(gateway_entry(gateway, tongue_of(options, gateway)));
        for line in 1..=options.lines {
            let number = format!("2{gateway:02}{line}");
            inventory.lines.push(LineEntry {
                number: number.clone(),
                access: LineAccess::endpoint(format!("gw{gateway}"), format!("aaln/{line}")),
                name: None,
                features: features(options, rng),
            });
            numbers.push((gateway, format!("aaln/{line}"), number));
        }
    }
    if options.relay != Relay::None {
        let mut relay = gateway_entry(options.gateways + 1, Tongue::Mgcp);
        relay.relay = Some(RelayEntry { endpoint: "relay/$".to_owned() });
        inventory.media = MediaPolicy::Relay { gateway: relay.id.clone() };
        inventory.gateways.push(relay);
    }
    let codes = if options.habits == Habits::Features { subscribe(&mut inventory, rng) } else { Vec::new() };
    let further = inventory.subscriptions.values().flat_map(|features| &features.numbers);
    let further: Vec<_> = further.map(|(number, _)| number.clone()).collect();
    let mut everybody: Vec<_> = numbers.iter().map(|(_, _, number)| number.clone()).collect();
    everybody.extend(further);
    everybody.extend(inventory.groups.iter().map(|group| group.number.clone()));
    let digits = inventory.features.flash == FlashControl::Digit;
    let ways = Ways { habits: options.habits, codes, digits };
    let people = (0..).zip(numbers).map(|(place, (gateway, line, number))| {
        // Apart from each other and from every call-progress tone, and inside the band of G.711; in a large town some are alike.
        let voice = 1150 + 130 * (place % VOICES);
        let host = usize::try_from(gateway - 1).unwrap_or(0);
        (host, Person::new(number, line, voice, everybody.clone(), ways.clone(), rng.fork()))
    });
    let people = people.collect();
    (inventory, people)
}

/// Draws the rest of what a line can have: further numbers, how calls ring, short numbers, a class of service, a hot line.
fn further(mut subscription: Subscription, number: &str, numbers: &[String], rng: &mut Rng) -> Subscription {
    let ring = |rng: &mut Rng| Ring::Pattern(u8::try_from(rng.below(8)).unwrap_or(0));
    if rng.chance(0.2) {
        subscription.numbers.push((format!("{number}9"), ring(rng)));
    }
    if rng.chance(0.2) {
        subscription.rings.push(("201".to_owned(), ring(rng)));
    }
    let others: Vec<_> = numbers.iter().filter(|other| *other != number).cloned().collect();
    for slot in ["2", "21"] {
        if let Some(other) = rng.pick(&others).filter(|_| rng.chance(0.3)) {
            subscription.speed_dial.insert(slot.to_owned(), other.clone());
        }
    }
    subscription.class = rng.chance(0.15).then(|| "narrow".to_owned());
    if let Some(other) = rng.pick(&others).filter(|_| rng.chance(0.1)) {
        let after = if rng.chance(0.5) { Duration::ZERO } else { Duration::from_secs(3) };
        subscription.hot_line = Some(HotLine { number: other.clone(), after });
    }
    subscription.call_waiting = rng.chance(0.9);
    subscription
}

/// Draws what lines have beyond plain calls, and a hunt group; gives the codes that subscribers know.
fn subscribe(inventory: &mut Inventory, rng: &mut Rng) -> Vec<Code> {
    let numbers: Vec<_> = inventory.lines.iter().map(|line| line.number.clone()).collect();
    let somebody = |chance: f64, rng: &mut Rng| {
        let chosen = rng.pick(&numbers).cloned();
        chosen.filter(|_| rng.chance(chance))
    };
    for number in &numbers {
        let other = |found: Option<String>| found.filter(|found| found != number);
        let subscription = Subscription {
            forward_always: other(somebody(0.05, rng)),
            forward_busy: other(somebody(0.15, rng)),
            forward_no_answer: other(somebody(0.15, rng)),
            no_answer: rng.duration(Duration::from_secs(5), Duration::from_secs(20)),
            do_not_disturb: rng.chance(0.05),
            message_waiting: rng.chance(0.1),
            reject_anonymous: rng.chance(0.05),
            withhold_number: rng.chance(0.1),
            ..Subscription::default()
        };
        let subscription = further(subscription, number, &numbers, rng);
        inventory.subscriptions.insert(number.clone(), subscription);
    }
    let mut class = ServiceClass::new("narrow");
    class.barred = numbers.iter().filter(|_| rng.chance(0.2)).cloned().collect();
    inventory.classes.push(class);
    if rng.chance(0.3) {
        inventory.features.controller_leaves = ControllerLeaves::JoinsTheOthers;
    }
    inventory.timers.transfer = rng.duration(Duration::from_secs(5), Duration::from_secs(60));
    if rng.chance(0.6) {
        let members: Vec<_> = numbers.iter().filter(|_| rng.chance(0.4)).map(String::as_str).collect();
        let mut group = GroupEntry::new("2900", &members);
        group.order = rng.pick(&HuntOrder::ALL).map(|(_, order)| *order).unwrap_or_default();
        group.ring = rng.duration(Duration::from_secs(4), Duration::from_secs(15));
        group.overflow = somebody(0.5, rng);
        if !group.members.is_empty() {
            inventory.groups.push(group);
        }
    }
    inventory.codes = Codes::of(inventory.country);
    let keys = |(service, pattern): (Service, &Pattern)| {
        let written = pattern.to_string();
        let asks = matches!(
            service,
            Service::ForwardOn(_) | Service::SpeedDialSet(_) | Service::WithholdNumber | Service::ShowNumber
        );
        Code {
            number_follows: asks && !written.contains('N'),
            keys: written.replace("SS", "21").replace('S', "2"),
        }
    };
    inventory.codes.iter().map(keys).collect()
}

/// What a gateway speaks, by its number.
fn tongue_of(options: &Options, number: u32) -> Tongue {
    let place = usize::try_from(number).unwrap_or(0).saturating_sub(1);
    options.tongues.get(place).copied().unwrap_or(Tongue::Mgcp)
}

/// The port of a form of Megaco, on either side.
const fn megaco_port(encoding: MegacoEncoding) -> u16 {
    match encoding {
        MegacoEncoding::Binary => BINARY_PORT,
        _ => TEXT_PORT,
    }
}

fn gateway_entry(number: u32, tongue: Tongue) -> GatewayEntry {
    let last = u8::try_from(number).unwrap_or(u8::MAX);
    let (id, domain) = (format!("gw{number}"), format!("gw{number}.town"));
    let at = |port: u16| SocketAddr::from((Ipv4Addr::new(10, 0, 1, last), port));
    match tongue {
        Tongue::Mgcp => GatewayEntry::mgcp(&id, at(GATEWAY_PORT), &domain),
        Tongue::Megaco(Megaco { transport, encoding, .. }) => {
            let mid = Some(format!("<{domain}>"));
            let megaco = MegacoEntry { mid, transport, encoding, ..MegacoEntry::default() };
            GatewayEntry::megaco(&id, at(megaco_port(encoding)), &domain, megaco)
        }
    }
}

/// What both sides know of one another's forms.
pub(crate) fn coding() -> Coding {
    let binary = binary::Options { plan: NamePlan::telephones(), ..binary::Options::default() };
    Coding { binary, ..Coding::default() }
}

/// The protocol side of a gateway that speaks Megaco.
fn megaco(entry: &GatewayEntry, tongue: Megaco, lines: u32, exchange: SocketAddr) -> MegacoConfig {
    let mid = Mid::Domain(Caseless::new(&entry.domain), None).into();
    let controller = SocketAddr::new(exchange.ip(), megaco_port(tongue.encoding));
    let peer = match tongue.transport {
        MegacoTransport::Udp => PeerConfig::at(Route::udp(controller)),
        MegacoTransport::Tcp => {
            let (address, port) = (controller.ip(), Some(controller.port()));
            PeerConfig::from_source(Source { address, port, transport: Some(Transport::Tcp) })
        }
    };
    let form = match tongue.encoding {
        MegacoEncoding::Compact => Form::Text(Layout::Compact),
        MegacoEncoding::Pretty => Form::Text(Layout::Pretty),
        MegacoEncoding::Binary => Form::Binary,
    };
    let dialect = Dialect { form, ..Dialect::default() };
    let peer = PeerConfig { dialect, coding: Arc::new(coding()), ..peer };
    let mut gateway = media_gateway::GatewayConfig::new(mid).with_lines(lines).with_controller(peer);
    gateway.version = tongue.version;
    gateway.waiting_delay = Duration::from_secs(1);
    MegacoConfig { gateway, since_1970: None }
}

/// A gateway as it begins, and its sockets.
pub(crate) fn host(
    options: &Options,
    entry: &GatewayEntry,
    tongue: Tongue,
    agent: SocketAddr,
    now: Time,
    rng: Rng,
) -> Result<(SoftGateway, Vec<SocketAddr>), ConfigError> {
    let mut sockets = vec![entry.address];
    let mut ports = Vec::new();
    for pair in 0..PORT_PAIRS {
        let number = u32::from(pair) * 2;
        let at = |port: u16| SocketAddr::new(entry.address.ip(), port);
        let (rtp, rtcp) = (at(MEDIA_PORT + pair * 2), at(MEDIA_PORT + pair * 2 + 1));
        sockets.extend([rtp, rtcp]);
        ports.push(MediaPort {
            rtp,
            rtcp,
            rtp_socket: SocketId(number + 1),
            rtcp_socket: SocketId(number + 2),
        });
    }
    let mut config = match tongue {
        Tongue::Mgcp => {
            let mut gateway = GatewayConfig::new(entry.domain.clone(), CallAgent::at(agent));
            gateway = match options.relay {
                Relay::Always(count) if entry.relay.is_some() => gateway.with_relays(count),
                _ => gateway.with_lines(options.lines),
            };
            gateway.timers.protocol.mwd = Duration::from_secs(1);
            SoftGatewayConfig::new(gateway)
        }
        Tongue::Megaco(tongue) => SoftGatewayConfig::megaco(megaco(entry, tongue, options.lines, agent)),
    };
    config.tones = TonePlan::of(options.country).unwrap_or_else(TonePlan::north_america);
    Ok((SoftGateway::new(now, config, ports, rng)?, sockets))
}
