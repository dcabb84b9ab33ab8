//! One MMSC and four handsets: 2001 sends, 2002 is on the network and gets datagrams, 2003 is notified by short message.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use strowger_capture::{Ladder, LadderLimits, Protocol};
use strowger_messaging::handset::host::{HandsetHandle, HostConfig, Passed, ShortMessage};
use strowger_messaging::handset::{Draft, DraftPart, Event, FetchPolicy, HandsetConfig, HostRule};
use strowger_messaging::mmsc::{MmscHost, MmscSettings, Subscriber};
use strowger_messaging::push::address::Network;
use strowger_messaging::push::gateway::Running;
use strowger_messaging::push::{CentreEntry, Gateway, PushConfig, SegmentStyle};
use strowger_messaging::smpp::simulator::{Behaviour, Simulator};
use strowger_messaging::smpp::{Bind, CentreConfig, ClientConfig, IdForm};
use strowger_node::clock::Clock;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::super::verdict::Finding;
use super::picture;
use super::scratch::Scratch;

/// Who sends.
const SENDER: &str = "2001";
/// Who gets datagrams.
const ON_NETWORK: &str = "2002";
/// Who gets short messages.
const BY_SMS: &str = "2003";
/// What the message centre lets in.
const ACCOUNT: (&str, &str) = ("mmsc", "secret");
/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The port of WAP Push.
const PUSH: u16 = 2948;

/// A handset, what it tells, and what passed at it.
struct Phone {
    number: &'static str,
    host: IpAddr,
    handle: HandsetHandle,
    events: mpsc::UnboundedReceiver<Event>,
    passed: mpsc::UnboundedReceiver<(Duration, Passed)>,
}

/// A message that is sent in one act.
struct Act {
    name: &'static str,
    to: &'static str,
    subject: &'static str,
    /// In how many short messages the notification is to come; none over UDP.
    short_messages: Option<u8>,
}

const ACTS: [Act; 3] = [
    Act { name: "over UDP", to: ON_NETWORK, subject: "A picture", short_messages: None },
    Act { name: "in one short message", to: BY_SMS, subject: "A picture", short_messages: Some(1) },
    Act {
        name: "in two short messages",
        to: BY_SMS,
        subject: "A picture with a subject so long that its notification does not fit into one short message",
        short_messages: Some(2),
    },
];

struct Town {
    mmsc: MmscHost,
    mmsc_address: SocketAddr,
    gateway: Gateway,
    running: Running,
    centre: Simulator,
    phones: Vec<Phone>,
    ladder: Ladder,
    /// Goes last: what is open in it is closed before.
    scratch: Scratch,
}

/// Plays all acts; what held and what did not, and the ladder of it.
pub(super) async fn play(mut tell: impl FnMut(&str)) -> Result<(Vec<Finding>, Ladder), String> {
    let mut town = Town::start().await?;
    let mut findings = Vec::new();
    for (place, act) in (1..).zip(&ACTS) {
        tell(&format!("{SENDER} sends a picture to {}, who is notified {}", act.to, act.name));
        match town.send(act, place).await {
            Ok(held) => findings.extend(held),
            Err(why) => findings.push(Finding::new(act.name, false, why)),
        }
    }
    let left = town.left().await;
    findings.push(left);
    Ok((findings, town.stop().await))
}

/// A port of this host's: 2948 where it is free.
async fn push_address(host: IpAddr) -> Result<SocketAddr, String> {
    if let Ok(socket) = UdpSocket::bind((host, PUSH)).await {
        drop(socket);
        return Ok(SocketAddr::new(host, PUSH));
    }
    let socket = UdpSocket::bind((host, 0)).await.map_err(|error| format!("{host}: {error}"))?;
    socket.local_addr().map_err(|error| error.to_string())
}

impl Town {
    async fn start() -> Result<Self, String> {
        let clock = Clock::start();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let accounts = vec![(ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned())];
        let centre = CentreConfig { accounts, ..CentreConfig::default() };
        let centre =
            Simulator::start(any, centre, Behaviour::default()).await.map_err(|error| error.to_string())?;
        let loopback = Network::parse("127.0.0.0/8").ok_or("loopback is no network")?;
        let scratch = Scratch::make()?;
        let config = PushConfig {
            store: Some(scratch.path().join("push.redb")),
            udp: Some(any),
            networks: vec![loopback],
            centres: vec![to_centre(centre.local())],
            ..PushConfig::default()
        };
        let (notices, _) = mpsc::unbounded_channel();
        let (gateway, running) = Gateway::start(config, notices).await.map_err(|error| error.to_string())?;

        let hosts = [(SENDER, 11, true), (ON_NETWORK, 12, true), (BY_SMS, 13, false)];
        let mut subscribers = Vec::new();
        let mut listens = Vec::new();
        for (number, last, on_network) in hosts {
            let host = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
            let push = if on_network { Some(push_address(host).await?) } else { None };
            listens.push((number, host, push));
            subscribers.push(Subscriber {
                number: number.to_owned(),
                networks: vec![host.to_string()],
                push,
            });
        }
        let settings =
            MmscSettings { subscribers, store: Some(scratch.path().join("mmsc")), ..MmscSettings::default() };
        let mmsc = MmscHost::start(settings, gateway.clone()).await.map_err(|error| error.to_string())?;
        let mmsc_address = mmsc.local();
        let mut ladder = Ladder::new(LadderLimits::default());
        ladder.name_address(mmsc_address, "mmsc");
        let mut phones = Vec::new();
        for (number, host, listen) in listens {
            ladder.name_host(host, number);
            phones.push(Phone::start(number, host, listen, mmsc_address, clock).await?);
        }
        if let Some(phone) = phones.iter().find(|phone| phone.number == BY_SMS) {
            carry(centre.subscribe(BY_SMS), phone.handle.short_messages().clone());
        }
        Ok(Self { mmsc, mmsc_address, gateway, running, centre, phones, ladder, scratch })
    }

    fn phone(&mut self, number: &str) -> Result<&mut Phone, String> {
        self.phones
            .iter_mut()
            .find(|phone| phone.number == number)
            .ok_or_else(|| format!("{number} is not there"))
    }

    /// One message from end to end.
    async fn send(&mut self, act: &Act, place: u8) -> Result<Vec<Finding>, String> {
        let sent = picture::paint(place);
        let draft = Draft {
            transaction: format!("demo-{place}"),
            to: vec![format!("{}/TYPE=PLMN", act.to)],
            subject: Some(act.subject.to_owned()),
            delivery_report: true,
            parts: vec![
                DraftPart { name: "hello.txt".into(), media: "text/plain".into(), data: b"Hello!".to_vec() },
                DraftPart { name: "picture.png".into(), media: "image/png".into(), data: sent.clone() },
            ],
            ..Draft::default()
        };
        let id = self.phone(SENDER)?.handle.submit(draft.encode()).await?;
        let phone = self.phone(act.to)?;
        let parts = phone.expect("a notification", |event| match event {
            Event::Notified { short_messages, .. } => Some(*short_messages),
            _ => None,
        });
        let parts = parts.await?;
        let received = phone.expect("the message", |event| match event {
            Event::Received(received) => Some(received.clone()),
            _ => None,
        });
        let received = received.await?;
        phone
            .expect("the acknowledgement", |event| matches!(event, Event::Acknowledged { .. }).then_some(()))
            .await?;
        let report = self.phone(SENDER)?.expect("the delivery report", |event| match event {
            Event::Delivered { id, to, status } => Some((id.clone(), to.clone(), status.clone())),
            _ => None,
        });
        let report = report.await?;
        self.note();

        let name = |what: &str| format!("{what} {}", act.name);
        let count =
            |parts: Option<u8>| parts.map_or("one datagram".to_owned(), |parts| format!("{parts} short"));
        let found =
            received.parts.iter().find(|part| part.name == "picture.png").map(|part| part.data.as_slice());
        let same = found == Some(sent.as_slice());
        let compared = format!(
            "{} of {} octets arrived, {}",
            found.map_or(0, <[u8]>::len),
            sent.len(),
            if same { "each the same" } else { "not the same" }
        );
        let from = received.from.as_deref() == Some("2001/TYPE=PLMN");
        let subject = received.subject.as_deref() == Some(act.subject);
        let wanted = (id.clone(), format!("{}/TYPE=PLMN", act.to), "retrieved".to_owned());
        Ok(vec![
            Finding::new(name("the notification"), parts == act.short_messages, count(parts)),
            Finding::new(name("the picture"), same, compared),
            Finding::new(
                name("sender and subject"),
                from && subject,
                format!(
                    "{:?}, {:?}",
                    received.from.unwrap_or_default(),
                    received.subject.unwrap_or_default()
                ),
            ),
            Finding::new(
                name("the delivery report"),
                report == wanted,
                format!("{} to {}", report.2, report.1),
            ),
        ])
    }

    /// Puts what passed at each handset into the ladder, in the order of time.
    fn note(&mut self) {
        let mut all = Vec::new();
        for phone in &mut self.phones {
            while let Ok((at, passed)) = phone.passed.try_recv() {
                all.push((at, phone.host, phone.handle.local(), passed));
            }
        }
        all.sort_by_key(|(at, ..)| *at);
        for (at, host, listen, passed) in all {
            let time = strowger_sansio::Time::ZERO + at;
            let web = SocketAddr::new(host, 0);
            let mmsc = self.mmsc_address;
            match passed {
                Passed::Datagram(_, bytes) => {
                    self.ladder.observe(time, mmsc, listen.unwrap_or(web), Protocol::Push, &bytes);
                }
                Passed::ShortMessage(message) => {
                    self.ladder.observe(time, mmsc, web, Protocol::Sms, &message.user_data);
                }
                Passed::Asked(path) => {
                    self.ladder.remark(time, web, Protocol::Mms, &format!("GET {path}"));
                }
                Passed::Sent(bytes) => self.ladder.observe(time, web, mmsc, Protocol::Mms, &bytes),
                Passed::Came(bytes) => self.ladder.observe(time, mmsc, web, Protocol::Mms, &bytes),
            }
        }
    }

    /// Nothing may be left with the MMSC.
    async fn left(&mut self) -> Finding {
        let counters = self.mmsc.service().counters();
        let waiting = counters.waiting.load(std::sync::atomic::Ordering::Relaxed);
        let octets = counters.octets.load(std::sync::atomic::Ordering::Relaxed);
        let files = std::fs::read_dir(self.scratch.path().join("mmsc/bodies"));
        let files = files.map_or(usize::MAX, Iterator::count);
        let good = waiting == 0 && octets == 0 && files == 0;
        Finding::new(
            "afterwards",
            good,
            format!("{waiting} messages wait, {octets} octets of bodies are kept in {files} files"),
        )
    }

    async fn stop(self) -> Ladder {
        let Self { mmsc, gateway, running, centre, phones, ladder, scratch, .. } = self;
        drop(phones);
        mmsc.stop().await;
        gateway.stop();
        drop(gateway);
        running.ended().await;
        drop((centre, scratch));
        ladder
    }
}

impl Phone {
    async fn start(
        number: &'static str,
        host: IpAddr,
        listen: Option<SocketAddr>,
        mmsc: SocketAddr,
        clock: Clock,
    ) -> Result<Self, String> {
        let url = format!("http://{mmsc}/");
        let policy = FetchPolicy {
            hosts: HostRule::parse(&url).into_iter().collect(),
            networks: Network::parse("127.0.0.1").into_iter().collect(),
            tls: false,
        };
        let (events, told) = mpsc::unbounded_channel();
        let (tap, mut raw) = mpsc::unbounded_channel();
        let (stamped, passed) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(seen) = raw.recv().await {
                let at = clock.now() - strowger_sansio::Time::ZERO;
                if stamped.send((at, seen)).is_err() {
                    return;
                }
            }
        });
        let config = HostConfig {
            handset: HandsetConfig { policy, mmsc: Some(url), ..HandsetConfig::default() },
            listen,
            from: Some(host),
            tap: Some(tap),
            ..HostConfig::default()
        };
        let handle =
            HandsetHandle::start(config, events).await.map_err(|error| format!("{number}: {error}"))?;
        Ok(Self { number, host, handle, events: told, passed })
    }

    /// Waits for an event; others before it are let pass.
    async fn expect<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, String> {
        let waiting = async {
            while let Some(event) = self.events.recv().await {
                if let Some(found) = wanted(&event) {
                    return Ok(found);
                }
                if let Event::Failed { why, .. } | Event::Refused { why, .. } | Event::Malformed { why } =
                    &event
                {
                    return Err(format!("{}: {why}", self.number));
                }
            }
            Err(format!("{} has ended", self.number))
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| Err(format!("{} did not get {what}", self.number)))
    }
}

/// Carries short messages from the centre to a handset.
fn carry(mut from: mpsc::Receiver<strowger_messaging::smpp::ShortMessage>, to: mpsc::Sender<ShortMessage>) {
    tokio::spawn(async move {
        while let Some(message) = from.recv().await {
            let short = ShortMessage {
                link: 0,
                originator: message.source.digits.clone().into_bytes(),
                destination: message.destination.digits.clone().into_bytes(),
                pid: message.protocol_id,
                dcs: message.data_coding,
                user_data: message.user_data().to_vec(),
            };
            if to.send(short).await.is_err() {
                return;
            }
        }
    });
}

fn to_centre(address: SocketAddr) -> CentreEntry {
    let bind = Bind {
        system_id: ACCOUNT.0.to_owned(),
        password: ACCOUNT.1.to_owned(),
        interface_version: 0x34,
        ..Bind::default()
    };
    let client =
        ClientConfig { bind, reconnect_first: Duration::from_millis(100), ..ClientConfig::default() };
    CentreEntry {
        id: "centre".to_owned(),
        address,
        tls: None,
        links: 1,
        pair: false,
        client,
        prefixes: vec![String::new()],
        source: "2948".to_owned(),
        service_type: String::new(),
        style: SegmentStyle::Header,
        wide_reference: false,
        receipts: true,
        ids: IdForm::Auto,
    }
}
