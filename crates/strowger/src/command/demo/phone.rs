//! The SIP telephone of the town: a user agent and a stream, on a thread of its own. It registers, rings when it is called, and does
//! what its subscriber wants.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use strowger_capture::Protocol;
use strowger_media::{FRAME_SAMPLES, FRAME_TIME, Frame, Payload, RtpSession, SILENCE, SessionConfig};
use strowger_node::clock::Clock;
use strowger_sansio::{Rng, SocketId, Time};
use strowger_sdp::{AudioDescription, CodecEntry, Direction};
use strowger_sip::agent::{AgentConfig, Credentials, Event, Local, Peer, SessionId, UserAgent};
use strowger_sip::message::Status;
use strowger_sip::{Route, Transport};

use super::tap::Tap;

/// The largest datagram.
const LARGEST: usize = 65_536;
/// How many ports are tried for a pair.
const TRIES: usize = 100;

/// What the subscriber wants.
enum Order {
    Answer,
    Say(Vec<i16>),
    HangUp,
    End,
}

/// What the telephone tells him.
#[derive(Debug)]
pub(super) enum Sign {
    /// The exchange knows where it is.
    Registered,
    /// It rings; who calls is shown.
    Rings(String),
    /// The call has ended; what was heard in it.
    Over(Vec<i16>),
}

/// A running telephone.
pub(super) struct Telephone {
    address: SocketAddr,
    orders: Sender<Order>,
    signs: Receiver<Sign>,
    thread: JoinHandle<()>,
}

impl Telephone {
    /// Starts a telephone that registers with `exchange` as this user.
    pub(super) fn start(
        exchange: SocketAddr,
        user: Credentials,
        clock: Clock,
        seed: [u8; 32],
        tap: Tap,
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the SIP telephone: {error}");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let (rtp, rtcp) = pair().map_err(failed)?;
        for socket in [&socket, &rtp, &rtcp] {
            socket.set_nonblocking(true).map_err(failed)?;
        }
        let address = socket.local_addr().map_err(failed)?;
        let media = rtp.local_addr().map_err(failed)?;
        let mut peer = Peer::new("exchange", exchange, Transport::Udp);
        (peer.credentials, peer.registers) = (Some(user), true);
        let local = Local { transport: Transport::Udp, socket: SocketId::MAIN, address };
        let mut rng = Rng::from_seed(seed);
        let agent = UserAgent::new(clock.now(), AgentConfig::new(vec![local], vec![peer]), rng.fork());
        let (orders, taken) = mpsc::channel();
        let (signs, seen) = mpsc::channel();
        let set = Set {
            clock,
            socket,
            rtp,
            rtcp,
            media,
            agent,
            rng,
            tap,
            signs,
            session: None,
            remote: None,
            stream: None,
            voice: VecDeque::new(),
            heard: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("telephone".to_owned());
        let thread = thread.spawn(move || set.run(&taken)).map_err(failed)?;
        Ok(Self { address, orders, signs: seen, thread })
    }

    /// Where it is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn answer(&self) {
        let _ = self.orders.send(Order::Answer);
    }

    pub(super) fn say(&self, samples: Vec<i16>) {
        let _ = self.orders.send(Order::Say(samples));
    }

    pub(super) fn hang_up(&self) {
        let _ = self.orders.send(Order::HangUp);
    }

    /// The next sign, if it comes in time.
    pub(super) fn sign(&self, within: Duration) -> Option<Sign> {
        self.signs.recv_timeout(within).ok()
    }

    /// Takes it away.
    pub(super) fn stop(self) -> Result<(), String> {
        let _ = self.orders.send(Order::End);
        self.thread.join().map_err(|_| "the SIP telephone ended by a fault".to_owned())
    }
}

/// Two ports one behind the other, the first even (RFC 3550 section 11).
fn pair() -> std::io::Result<(UdpSocket, UdpSocket)> {
    let mut last = None;
    for _ in 0..TRIES {
        let first = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = first.local_addr()?.port();
        if port % 2 == 0 && port < u16::MAX {
            match UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1)) {
                Ok(second) => return Ok((first, second)),
                Err(error) => last = Some(error),
            }
        }
    }
    Err(last.unwrap_or_else(|| std::io::Error::other("no even port")))
}

/// The telephone itself.
struct Set {
    clock: Clock,
    socket: UdpSocket,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    media: SocketAddr,
    agent: UserAgent,
    rng: Rng,
    tap: Tap,
    signs: Sender<Sign>,
    session: Option<SessionId>,
    /// Where the other side receives.
    remote: Option<SocketAddr>,
    stream: Option<RtpSession>,
    /// What is still to be said.
    voice: VecDeque<i16>,
    heard: Vec<i16>,
}

impl Set {
    /// Ten milliseconds after ten milliseconds, until its subscriber wants it no more.
    fn run(mut self, orders: &Receiver<Order>) {
        let mut next = Instant::now();
        loop {
            let now = self.clock.now();
            self.signal(now);
            self.talk(now);
            next += FRAME_TIME;
            loop {
                match orders.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
                    Ok(order) => self.obey(order),
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        let now = self.clock.now();
        match (order, self.session) {
            (Order::Answer, Some(session)) => {
                let own = self.description();
                if self.agent.answer(now, session, &own, Direction::SendRecv).is_ok() {
                    self.open(now);
                }
            }
            (Order::Say(samples), _) => self.voice.extend(samples),
            (Order::HangUp, Some(session)) => self.agent.end(now, session, 16),
            (Order::Answer | Order::HangUp, None) | (Order::End, _) => {}
        }
    }

    fn description(&self) -> Vec<u8> {
        AudioDescription::new(self.media, vec![CodecEntry::pcmu()]).to_bytes()
    }

    /// Takes what has come for the user agent, and sends what it wants sent.
    fn signal(&mut self, now: Time) {
        let mut buffer = [0; LARGEST];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            self.agent.handle_input(now, Route::udp(from), buffer.get(..length).unwrap_or_default());
        }
        if self.agent.poll_timeout().is_some_and(|due| due <= now) {
            self.agent.handle_timeout(now);
        }
        while let Some(event) = self.agent.poll_event() {
            self.event(now, event);
        }
        while let Some(datagram) = self.agent.poll_transmit() {
            // What is lost is sent again.
            let _ = self.socket.send_to(&datagram.payload, datagram.to);
        }
    }

    fn event(&mut self, now: Time, event: Event) {
        match event {
            Event::Reachable { up: true, .. } => self.tell(Sign::Registered),
            Event::Incoming { session, caller, offer, .. } => {
                self.session = Some(session);
                self.remote = offer.as_deref().and_then(destination);
                // Without a description it cannot fail.
                let _ = self.agent.progress(now, session, Status::RINGING, None);
                let shown = [caller.name, caller.user].into_iter().flatten().collect::<Vec<_>>();
                self.tell(Sign::Rings(shown.join(" ")));
            }
            Event::Offered { session, description } => {
                self.remote = destination(&description);
                let own = self.description();
                let _ = self.agent.answer_offer(now, session, &own, Direction::SendRecv);
                self.open(now);
            }
            Event::Closed { .. } => {
                (self.session, self.stream) = (None, None);
                let heard = std::mem::take(&mut self.heard);
                self.tell(Sign::Over(heard));
            }
            _ => {}
        }
    }

    fn tell(&self, sign: Sign) {
        let _ = self.signs.send(sign);
    }

    /// Lets the stream flow to where the other side is.
    fn open(&mut self, now: Time) {
        let Some(remote) = self.remote else { return };
        let config = SessionConfig::new(&[Payload::PCMU]).toward(remote);
        match &mut self.stream {
            Some(stream) => stream.reconfigure(now, &config),
            None => self.stream = Some(RtpSession::new(now, &config, self.rng.fork())),
        }
    }

    /// Hears and says ten milliseconds.
    fn talk(&mut self, now: Time) {
        let mut buffer = [0; LARGEST];
        let control = SocketAddr::new(self.media.ip(), self.media.port() + 1);
        while let Ok((length, from)) = self.rtp.recv_from(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            self.tap.arrived((from, self.media), Protocol::Rtp, bytes);
            self.stream.as_mut().map(|stream| stream.receive(now, from, bytes));
        }
        while let Ok((length, from)) = self.rtcp.recv_from(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            self.tap.arrived((from, control), Protocol::Rtcp, bytes);
            self.stream.as_mut().map(|stream| stream.receive_control(now, from, bytes));
        }
        let Some(stream) = &mut self.stream else { return };
        self.heard.extend(stream.play_frame(now));
        let mut frame: Frame = SILENCE;
        let said = self.voice.len().min(FRAME_SAMPLES);
        for (into, sample) in frame.iter_mut().zip(self.voice.drain(..said)) {
            *into = sample;
        }
        if let (Some(packet), Some(remote)) = (stream.send_frame(now, &frame), stream.remote()) {
            let _ = self.rtp.send_to(&packet, remote);
        }
        if stream.poll_timeout().is_some_and(|due| due <= now) {
            stream.handle_timeout(now);
        }
        while let Some(report) = stream.poll_transmit() {
            let _ = self.rtcp.send_to(&report.payload, report.to);
        }
        while stream.poll_event().is_some() {}
    }
}

/// Where a description says that its stream is received.
fn destination(description: &[u8]) -> Option<SocketAddr> {
    let session = strowger_sdp::decode(description, &strowger_sdp::Limits::default()).ok()?;
    let audio = session.media().find_map(|media| AudioDescription::from_media(&media).ok())?;
    Some(audio.destination())
}
