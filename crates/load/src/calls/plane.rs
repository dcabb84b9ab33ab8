//! A media plane without media: addresses, hooks, and what each line is given to hear.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use strowger_mgcp::gateway::{
    ConnectionHandle, EndpointIndex, Hook, MediaCapabilities, MediaFault, MediaMode, MediaPlane, MediaSpec,
    SignalTarget,
};
use strowger_mgcp::message::{ConnectionStatistics, SignalBuf};
use strowger_sansio::Time;

/// The first port that is given out; there is no socket behind any.
const FIRST_PORT: u16 = 1024;

/// What a subscriber notices on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    DialTone,
    Ringing,
    /// A tone that says that the call will not succeed.
    Refusal(&'static str),
}

/// Where the packets of a line would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

#[derive(Clone, Debug)]
struct Connection {
    endpoint: EndpointIndex,
    local: SocketAddr,
    remote: Option<SocketAddr>,
    both_ways: bool,
}

/// A line as the plane knows it.
#[derive(Clone, Debug)]
struct Line {
    hook: Hook,
    sound: Option<Sound>,
    connections: Vec<ConnectionHandle>,
}

/// The media of one gateway.
#[derive(Debug)]
pub(super) struct Plane {
    capabilities: MediaCapabilities,
    address: IpAddr,
    next_port: u16,
    lines: Vec<Line>,
    connections: BTreeMap<ConnectionHandle, Connection>,
    touched: VecDeque<EndpointIndex>,
}

impl Plane {
    pub(super) fn new(address: IpAddr, lines: usize) -> Self {
        let line = Line { hook: Hook::On, sound: None, connections: Vec::new() };
        Self {
            capabilities: MediaCapabilities::default(),
            address,
            next_port: FIRST_PORT,
            lines: vec![line; lines],
            connections: BTreeMap::new(),
            touched: VecDeque::new(),
        }
    }

    /// The endpoints on which something has changed, once each time.
    pub(super) fn touched(&mut self) -> impl Iterator<Item = EndpointIndex> + '_ {
        self.touched.drain(..)
    }

    pub(super) fn set_hook(&mut self, endpoint: EndpointIndex, hook: Hook) {
        if let Some(line) = self.line(endpoint) {
            line.hook = hook;
        }
    }

    pub(super) fn is_off_hook(&self, endpoint: EndpointIndex) -> bool {
        self.hook(endpoint) == Hook::Off
    }

    pub(super) fn sound(&self, endpoint: EndpointIndex) -> Option<Sound> {
        self.lines.get(endpoint.0 as usize)?.sound
    }

    pub(super) fn is_open(&self, endpoint: EndpointIndex) -> bool {
        self.lines.get(endpoint.0 as usize).is_some_and(|line| !line.connections.is_empty())
    }

    /// The path of a line that has one connection, which flows both ways.
    pub(super) fn path(&self, endpoint: EndpointIndex) -> Option<Path> {
        let [handle] = self.lines.get(endpoint.0 as usize)?.connections.as_slice() else { return None };
        let connection = self.connections.get(handle).filter(|connection| connection.both_ways)?;
        Some(Path { local: connection.local, remote: connection.remote? })
    }

    fn line(&mut self, endpoint: EndpointIndex) -> Option<&mut Line> {
        self.lines.get_mut(endpoint.0 as usize)
    }
}

/// What a signal is to a subscriber: by its event, whatever its package calls it besides.
fn sound(signal: &SignalBuf) -> Option<Sound> {
    let name = signal.name().to_string();
    let event = name.rsplit('/').next().unwrap_or_default().split('@').next().unwrap_or_default();
    Some(match event.to_ascii_lowercase().as_str() {
        "dl" | "sl" => Sound::DialTone,
        "rg" | "r0" | "r1" | "r2" | "r3" | "r4" | "r5" | "r6" | "r7" => Sound::Ringing,
        "bz" => Sound::Refusal("busy"),
        "ro" | "cg" | "nbz" => Sound::Refusal("congestion"),
        "sit" | "nu" | "it" => Sound::Refusal("unobtainable"),
        "ot" => Sound::Refusal("receiver off the hook"),
        _ => return None,
    })
}

impl MediaPlane for Plane {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.capabilities
    }

    fn open(
        &mut self,
        _now: Time,
        endpoint: EndpointIndex,
        handle: ConnectionHandle,
        spec: &MediaSpec,
    ) -> Result<SocketAddr, MediaFault> {
        let local = SocketAddr::new(self.address, self.next_port);
        self.next_port = self.next_port.checked_add(2).unwrap_or(FIRST_PORT);
        let both_ways = spec.mode == MediaMode::SendRecv;
        let connection = Connection { endpoint, local, remote: spec.remote, both_ways };
        self.connections.insert(handle, connection);
        if let Some(line) = self.line(endpoint) {
            line.connections.push(handle);
        }
        self.touched.push_back(endpoint);
        Ok(local)
    }

    fn modify(&mut self, _now: Time, handle: ConnectionHandle, spec: &MediaSpec) -> Result<(), MediaFault> {
        let connection = self.connections.get_mut(&handle).ok_or(MediaFault::Hardware)?;
        connection.remote = spec.remote;
        connection.both_ways = spec.mode == MediaMode::SendRecv;
        self.touched.push_back(connection.endpoint);
        Ok(())
    }

    fn close(&mut self, _now: Time, handle: ConnectionHandle) -> ConnectionStatistics {
        if let Some(connection) = self.connections.remove(&handle) {
            if let Some(line) = self.line(connection.endpoint) {
                line.connections.retain(|other| *other != handle);
            }
            self.touched.push_back(connection.endpoint);
        }
        ConnectionStatistics::default()
    }

    fn statistics(&self, _now: Time, _handle: ConnectionHandle) -> ConnectionStatistics {
        ConnectionStatistics::default()
    }

    fn start_signal(
        &mut self,
        _now: Time,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<(), MediaFault> {
        if let Some(sound) = sound(signal) {
            if let Some(line) = self.line(target.endpoint()) {
                line.sound = Some(sound);
            }
            self.touched.push_back(target.endpoint());
        }
        Ok(())
    }

    fn stop_signal(&mut self, _now: Time, target: SignalTarget, signal: &SignalBuf) {
        let stopped = sound(signal);
        if let Some(line) = self.line(target.endpoint()).filter(|line| line.sound == stopped) {
            line.sound = None;
        }
    }

    fn hook(&self, endpoint: EndpointIndex) -> Hook {
        self.lines.get(endpoint.0 as usize).map_or(Hook::On, |line| line.hook)
    }
}
