//! The plane as a Megaco gateway has it: contexts on endpoints, packages on signals and events.
//!
//! The plane mixes at endpoints, each a line or a bridge with connections. A context is laid on one of them, its hub: its first line, or a bridge
//! when it has streams alone. Its streams are connections of the hub, and every further line is joined to the hub by two connections
//! within the gateway. Who hears whom then is a matter of the modes of these connections.
//!
//! Limits: a topology that silences one of several others at the hub, but not all of them, is kept only as far as a mode can say it.

mod orders;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use strowger_megaco::gateway::{
    Argument, FlashTiming, Flow, Given, Hook, Item, LineIndex, MediaCapabilities, MediaEvent, MediaFault,
    MediaPlane, Port, SignalHandle, SignalOrder, StreamHandle, StreamSpec, StreamStatistics,
};
use strowger_mgcp::gateway::{
    self as mgcp, ConnectionHandle, EndpointIndex, MediaMode, MediaPlane as _, MediaSpec, SignalTarget,
};
use strowger_mgcp::message::SignalBuf;
use strowger_sansio::Time;
use strowger_sdp::audio::ExtendedReports;
use strowger_sdp::{Codec, CodecEntry};

use crate::display::DataMessage;
use crate::plane::Plane;
use orders::{
    ANNOUNCEMENT, DATA, DIGITS, DISPLAY_WITH_ALERTING, PROGRESS, keys, message, progress, recording, ringing,
};

/// The signals of the packages and what sounds like them on a line.
const SIGNALS: &[(Item, &str)] = &[
    (Item::new(5, 0x10), "D/0"),
    (Item::new(5, 0x11), "D/1"),
    (Item::new(5, 0x12), "D/2"),
    (Item::new(5, 0x13), "D/3"),
    (Item::new(5, 0x14), "D/4"),
    (Item::new(5, 0x15), "D/5"),
    (Item::new(5, 0x16), "D/6"),
    (Item::new(5, 0x17), "D/7"),
    (Item::new(5, 0x18), "D/8"),
    (Item::new(5, 0x19), "D/9"),
    (Item::new(5, 0x1a), "D/A"),
    (Item::new(5, 0x1b), "D/B"),
    (Item::new(5, 0x1c), "D/C"),
    (Item::new(5, 0x1d), "D/D"),
    (Item::new(5, 0x20), "D/*"),
    (Item::new(5, 0x21), "D/#"),
    (Item::new(7, 0x30), "L/dl"),
    (Item::new(7, 0x31), "G/rt"),
    (Item::new(7, 0x32), "L/bz"),
    (Item::new(7, 0x33), "L/ro"),
    (Item::new(7, 0x34), "L/sit"),
    // The warning of ITU-T E.180 says that the conversation is recorded; the howler is in another package.
    (Item::new(7, 0x35), "L/y"),
    (Item::new(7, 0x36), "SST/pr"),
    (Item::new(7, 0x37), "L/wt"),
    (Item::new(7, 0x38), "SST/cw"),
    (Item::new(9, 2), "L/rg"),
    (DISPLAY_WITH_ALERTING, "L/rg"),
    (DATA, "L/ci"),
    // The answer to a test is a loop: what tests it hears its own tone.
    (CONTINUITY, "T/co1"),
    (RESPONSE, "T/lb"),
];

/// A continuity test, the answer to one, and what is told of it (package `ct`).
const CONTINUITY: Item = Item::new(0xa, 3);
const RESPONSE: Item = Item::new(0xa, 4);
const TESTED: Item = Item::new(0xa, 5);
const RESULT: u16 = 8;
const SUCCESS: u32 = 1;

/// The progress tones that are found on circuits (package `cd`), and the event of the plane that each is; special information is found
/// whatever it is for.
const FOUND: [(u16, &str); 5] = [(0x30, "dl"), (0x31, "rt"), (0x32, "bz"), (0x33, "ro"), (0x34, "sit")];
/// Kinds of special information.
const INFORMATION: std::ops::RangeInclusive<u8> = 1..=7;
/// The event that a tone of a list began.
const STARTED: u16 = 1;

/// How many bridges there are for contexts without a line.
const BRIDGES: u32 = 256;

/// What joins a line to its hub: a connection on either.
#[derive(Clone, Copy, Debug)]
struct Joint {
    hub: EndpointIndex,
    at_hub: ConnectionHandle,
    at_line: ConnectionHandle,
}

/// A context, as it lies on the plane.
#[derive(Debug, Default)]
struct Laid {
    bridge: Option<EndpointIndex>,
    joints: BTreeMap<LineIndex, Joint>,
}

/// What is remembered between two calls.
#[derive(Debug)]
pub(crate) struct Layout {
    able: MediaCapabilities,
    /// Where streams wait that are in no context yet.
    lobby: EndpointIndex,
    free: Vec<EndpointIndex>,
    contexts: BTreeMap<u32, Laid>,
    streams: BTreeMap<StreamHandle, MediaSpec>,
    signals: BTreeMap<SignalHandle, (SignalTarget, SignalBuf)>,
    next_joint: u64,
    /// Signals that were over when they began: a lamp is lit at once.
    over: Vec<SignalHandle>,
}

/// The connection of a stream. Joints have the odd numbers.
const fn connection_of(stream: StreamHandle) -> ConnectionHandle {
    ConnectionHandle(stream.0 * 2)
}

impl Layout {
    /// How many endpoints a gateway needs beside its lines.
    pub(crate) const HIDDEN: u32 = BRIDGES + 1;

    /// For a plane with `lines` lines and the hidden endpoints behind them.
    pub(crate) fn new(lines: u32, able: &mgcp::MediaCapabilities) -> Self {
        let is_known = |entry: &&CodecEntry| entry.is_speech() || entry.codec == Codec::TelephoneEvent;
        let able = MediaCapabilities {
            codecs: able.codecs.iter().filter(is_known).cloned().collect(),
            packetization: able.packetization.clone(),
        };
        Self {
            able,
            lobby: EndpointIndex(lines),
            free: (1..=BRIDGES).rev().map(|number| EndpointIndex(lines + number)).collect(),
            contexts: BTreeMap::new(),
            streams: BTreeMap::new(),
            signals: BTreeMap::new(),
            next_joint: 0,
            over: Vec::new(),
        }
    }

    /// What an event of the plane is to a Megaco gateway.
    pub(crate) fn event(&mut self, endpoint: EndpointIndex, event: mgcp::MediaEvent) -> Option<MediaEvent> {
        let line = LineIndex(endpoint.0);
        let port = Port::Line(line);
        Some(match event {
            mgcp::MediaEvent::OffHook => MediaEvent::OffHook(line),
            mgcp::MediaEvent::OnHook => MediaEvent::OnHook(line),
            mgcp::MediaEvent::HookFlash | mgcp::MediaEvent::HookBreak => MediaEvent::HookFlash(line),
            mgcp::MediaEvent::Digit(key) => MediaEvent::Digit(port, key),
            mgcp::MediaEvent::DigitEnded(key, lasted) => MediaEvent::DigitEnded(port, key, lasted),
            mgcp::MediaEvent::SignalEnded(target, signal) => {
                MediaEvent::SignalEnded(self.signal(target, &signal)?)
            }
            mgcp::MediaEvent::SignalFailed(target, signal) => {
                MediaEvent::SignalFailed(self.signal(target, &signal)?)
            }
            mgcp::MediaEvent::Detected { package, event, .. }
                if package == "T" && ["co1", "co2"].contains(&event.as_str()) =>
            {
                let arguments = vec![Argument::new(RESULT, Given::Enumeration(SUCCESS))];
                MediaEvent::Detected { port, item: TESTED, arguments }
            }
            mgcp::MediaEvent::Detected { package, event, .. } if package == "H" => {
                let (item, _) = FOUND.iter().find(|(_, own)| *own == event)?;
                MediaEvent::Detected { port, item: Item::new(8, *item), arguments: Vec::new() }
            }
            mgcp::MediaEvent::ConnectionLost(handle, _) if handle.0 % 2 == 0 => {
                MediaEvent::NetworkFailed(StreamHandle(handle.0 / 2), "the stream was lost")
            }
            _ => return None,
        })
    }

    /// A signal that was over when it began.
    pub(crate) fn poll_over(&mut self) -> Option<SignalHandle> {
        self.over.pop()
    }

    /// A recording that was waited for cannot be given on these targets.
    pub(crate) fn failed(&self, targets: &[SignalTarget], signal: &SignalBuf) -> Vec<MediaEvent> {
        let handles = targets.iter().filter_map(|target| self.signal(*target, signal));
        handles.map(MediaEvent::SignalFailed).collect()
    }

    /// Connections that are open, those within the gateway included.
    pub(crate) fn connections(&self) -> usize {
        let joints: usize = self.contexts.values().map(|laid| laid.joints.len()).sum();
        self.streams.len() + joints * 2
    }

    fn signal(&self, target: SignalTarget, signal: &SignalBuf) -> Option<SignalHandle> {
        let found = self.signals.iter().find(|(_, (at, what))| *at == target && what == signal);
        found.map(|(handle, _)| *handle)
    }
}

/// The plane, for the time of a call of the role.
pub(crate) struct Laying<'p> {
    pub(crate) plane: &'p mut Plane,
    pub(crate) layout: &'p mut Layout,
}

fn fault(fault: mgcp::MediaFault) -> MediaFault {
    match fault {
        mgcp::MediaFault::Exhausted | mgcp::MediaFault::Insufficient => MediaFault::Insufficient,
        mgcp::MediaFault::Signal | mgcp::MediaFault::Announcement => MediaFault::Signal,
        mgcp::MediaFault::Mode => MediaFault::Mode,
        mgcp::MediaFault::Hardware => MediaFault::Hardware,
    }
}

fn spec_of(spec: &StreamSpec, mode: MediaMode) -> MediaSpec {
    let speech = spec.receive.iter().find(|entry| entry.is_speech());
    let send = spec.send.clone().or_else(|| speech.cloned()).unwrap_or_else(CodecEntry::pcmu);
    let mut codecs = spec.receive.clone();
    if codecs.is_empty() {
        codecs.push(send.clone());
    }
    MediaSpec {
        mode,
        codecs,
        send,
        data: None,
        telephone_event: spec.telephone_event,
        packetization: spec.packetization,
        remote: spec.remote,
        remote_rtcp: spec.remote_rtcp,
        extended_reports: ExtendedReports::default(),
        image: None,
        fax: mgcp::FaxHandling::None,
        muted: false,
        local_peer: None,
        silence_suppression: false,
        echo_cancellation: false,
        gain: Some(0),
        type_of_service: 0,
    }
}

fn mode_of(sends: bool, receives: bool, is_bridged: bool) -> MediaMode {
    match (sends, receives) {
        (true, true) if is_bridged => MediaMode::Conference,
        (true, true) => MediaMode::SendRecv,
        (true, false) => MediaMode::SendOnly,
        (false, true) => MediaMode::RecvOnly,
        (false, false) => MediaMode::Inactive,
    }
}

/// What a port takes out of the context and brings into it.
fn ways(port: Port, flows: &[Flow]) -> (bool, bool) {
    let sends = flows.iter().any(|flow| flow.to == port && flow.from != port);
    let receives = flows.iter().any(|flow| flow.from == port && flow.to != port);
    (sends, receives)
}

impl Laying<'_> {
    fn target(&self, port: Port) -> Option<SignalTarget> {
        match port {
            Port::Line(line) => Some(SignalTarget::Endpoint(EndpointIndex(line.0))),
            Port::Stream(stream) => {
                let handle = connection_of(stream);
                Some(SignalTarget::Connection(self.plane.endpoint_of(handle)?, handle))
            }
        }
    }

    /// The endpoint that a context lies on.
    fn hub(&mut self, context: u32, ports: &[Port]) -> Option<EndpointIndex> {
        let line = ports.iter().find_map(|port| match port {
            Port::Line(line) => Some(EndpointIndex(line.0)),
            Port::Stream(_) => None,
        });
        let laid = self.layout.contexts.entry(context).or_default();
        match line {
            Some(line) => {
                self.layout.free.extend(laid.bridge.take());
                Some(line)
            }
            None => {
                if laid.bridge.is_none() {
                    laid.bridge = self.layout.free.pop();
                }
                laid.bridge
            }
        }
    }

    /// Takes joints away that are not needed any more.
    fn part(&mut self, now: Time, context: u32, is_needed: impl Fn(LineIndex, &Joint) -> bool) {
        let Some(laid) = self.layout.contexts.get_mut(&context) else { return };
        let mut over = Vec::new();
        laid.joints.retain(|line, joint| {
            let stays = is_needed(*line, joint);
            if !stays {
                over.push(*joint);
            }
            stays
        });
        for joint in over {
            self.plane.close(now, joint.at_hub);
            self.plane.close(now, joint.at_line);
        }
    }

    /// Joins a line to the hub, or changes how it is joined.
    fn join(
        &mut self,
        now: Time,
        (context, hub, line): (u32, EndpointIndex, LineIndex),
        (sends, receives): (bool, bool),
        is_bridged: bool,
    ) {
        let spec = |mode: MediaMode, to: Option<SocketAddr>| {
            let stream = StreamSpec {
                receive: vec![CodecEntry::pcmu()],
                send: None,
                telephone_event: None,
                packetization: strowger_media::FRAME_TIME,
                remote: to,
                remote_rtcp: None,
                sends,
                receives,
                jitter: None,
            };
            spec_of(&stream, mode)
        };
        // What the line takes out of the context, the hub sends to it.
        let (at_hub, at_line) = (mode_of(sends, receives, is_bridged), mode_of(receives, sends, false));
        let known = self.layout.contexts.get(&context).and_then(|laid| laid.joints.get(&line)).copied();
        let joint = match known {
            Some(joint) => joint,
            None => {
                let number = self.layout.next_joint;
                self.layout.next_joint += 2;
                let joint = Joint {
                    hub,
                    at_hub: ConnectionHandle(number * 2 + 1),
                    at_line: ConnectionHandle(number * 2 + 3),
                };
                let idle = spec(MediaMode::Inactive, None);
                let Ok(_) = self.plane.open(now, hub, joint.at_hub, &idle) else { return };
                if self.plane.open(now, EndpointIndex(line.0), joint.at_line, &idle).is_err() {
                    self.plane.close(now, joint.at_hub);
                    return;
                }
                if let Some(laid) = self.layout.contexts.get_mut(&context) {
                    laid.joints.insert(line, joint);
                }
                joint
            }
        };
        let (here, there) = (self.plane.address_of(joint.at_hub), self.plane.address_of(joint.at_line));
        // Both are open, and have modes that all endpoints can do.
        let _ = self.plane.modify(now, joint.at_hub, &spec(at_hub, there));
        let _ = self.plane.modify(now, joint.at_line, &spec(at_line, here));
    }
}

impl MediaPlane for Laying<'_> {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.layout.able
    }

    fn open(&mut self, now: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<SocketAddr, MediaFault> {
        let spec = spec_of(spec, MediaMode::Inactive);
        let address = self.plane.open(now, self.layout.lobby, connection_of(stream), &spec).map_err(fault)?;
        self.layout.streams.insert(stream, spec);
        Ok(address)
    }

    fn modify(&mut self, now: Time, stream: StreamHandle, spec: &StreamSpec) -> Result<(), MediaFault> {
        let mode = self.layout.streams.get(&stream).map_or(MediaMode::Inactive, |known| known.mode);
        let spec = spec_of(spec, mode);
        self.plane.modify(now, connection_of(stream), &spec).map_err(fault)?;
        self.layout.streams.insert(stream, spec);
        Ok(())
    }

    fn close(&mut self, now: Time, stream: StreamHandle) -> StreamStatistics {
        self.layout.streams.remove(&stream);
        told(&self.plane.close(now, connection_of(stream)))
    }

    fn statistics(&self, now: Time, stream: StreamHandle) -> StreamStatistics {
        told(&self.plane.statistics(now, connection_of(stream)))
    }

    fn connect(&mut self, now: Time, context: u32, ports: &[Port], flows: &[Flow]) {
        if ports.is_empty() {
            self.part(now, context, |_, _| false);
            if let Some(laid) = self.layout.contexts.remove(&context) {
                self.layout.free.extend(laid.bridge);
            }
            return;
        }
        let Some(hub) = self.hub(context, ports) else { return };
        self.part(now, context, |line, joint| joint.hub == hub && ports.contains(&Port::Line(line)));
        let is_line = |port: &Port| *port == Port::Line(LineIndex(hub.0));
        // At a line, streams hear one another only as members of a conference.
        let is_bridged = |port: Port| {
            flows.iter().any(|flow| {
                flow.from != flow.to
                    && (flow.from == port || flow.to == port)
                    && !is_line(&flow.from)
                    && !is_line(&flow.to)
            })
        };
        for port in ports.iter().filter(|port| !is_line(port)) {
            let (sends, receives) = ways(*port, flows);
            match *port {
                Port::Line(line) => {
                    self.join(now, (context, hub, line), (sends, receives), is_bridged(*port));
                }
                Port::Stream(stream) => {
                    let is_looped = flows.contains(&Flow { from: *port, to: *port });
                    let mode = if is_looped {
                        MediaMode::NetworkLoopback
                    } else {
                        mode_of(sends, receives, is_bridged(*port))
                    };
                    let handle = connection_of(stream);
                    self.plane.relocate(now, handle, hub);
                    if let Some(spec) = self.layout.streams.get_mut(&stream) {
                        spec.mode = mode;
                        // Lines and bridges can do all of these.
                        let _ = self.plane.modify(now, handle, spec);
                    }
                }
            }
        }
    }

    fn can_signal(&self, port: Port, order: &SignalOrder) -> bool {
        let is_on_a_line = matches!(port, Port::Line(_)) || ![9, 0x3c].contains(&order.item.package);
        // A data message that no telephone can read is refused.
        let is_read = order.item.package != 0x3c || message(order).is_some();
        match order.item {
            ANNOUNCEMENT => recording(order).is_some_and(|(name, _)| self.plane.has_announcement(&name)),
            DIGITS => keys(order).is_some(),
            PROGRESS => progress(order).is_some(),
            item => is_on_a_line && is_read && SIGNALS.iter().any(|(known, _)| *known == item),
        }
    }

    fn can_detect(&self, port: Port, item: Item) -> bool {
        match (item.package, port) {
            (1 | 9, _) => true,
            (6 | 0xa, Port::Line(_)) => true,
            (8, Port::Line(_)) => item.item == STARTED || FOUND.iter().any(|(own, _)| *own == item.item),
            (0xb, Port::Stream(_)) => item.item == 5,
            _ => false,
        }
    }

    fn start_signal(
        &mut self,
        now: Time,
        port: Port,
        signal: SignalHandle,
        order: &SignalOrder,
    ) -> Result<(), MediaFault> {
        let target = self.target(port).ok_or(MediaFault::Signal)?;
        let name = match order.item {
            DATA | DISPLAY_WITH_ALERTING => {
                let shown = match message(order).ok_or(MediaFault::Signal)? {
                    DataMessage::Caller(shown) => Some(shown),
                    // Lamps are seen, and not heard: the telephone of a script has none.
                    DataMessage::Lamp => None,
                };
                if order.item == DATA {
                    let Some(shown) = shown else {
                        self.layout.over.push(signal);
                        return Ok(());
                    };
                    shown
                } else {
                    let caller = shown.as_deref().and_then(SignalBuf::parse);
                    if let Some(caller) = caller {
                        self.plane.start_signal(now, target, &caller).map_err(fault)?;
                    }
                    ringing(order).to_owned()
                }
            }
            ANNOUNCEMENT => {
                let (name, times) = recording(order).ok_or(MediaFault::Signal)?;
                format!("A/ann({name},{times})")
            }
            PROGRESS => progress(order).ok_or(MediaFault::Signal)?,
            DIGITS => {
                let (keys, gap) = keys(order).ok_or(MediaFault::Signal)?;
                format!("D/pt(keys={keys},gap={gap})")
            }
            _ => {
                let name = SIGNALS.iter().find(|(item, _)| *item == order.item).map(|(_, name)| *name);
                name.ok_or(MediaFault::Signal)?.to_owned()
            }
        };
        let what = SignalBuf::parse(&name).ok_or(MediaFault::Signal)?;
        self.plane.start_signal(now, target, &what).map_err(fault)?;
        self.layout.signals.insert(signal, (target, what));
        Ok(())
    }

    fn stop_signal(&mut self, now: Time, signal: SignalHandle) {
        if let Some((target, what)) = self.layout.signals.remove(&signal) {
            self.plane.stop_signal(now, target, &what);
        }
    }

    fn want_tones(&mut self, now: Time, line: LineIndex, tones: &[u16]) {
        let named = FOUND.iter().filter(|(item, _)| tones.contains(item)).map(|(_, event)| *event);
        let wanted = |event: &str, parameters: String| mgcp::WantedEvent {
            package: "H",
            event: event.to_owned(),
            connection: None,
            parameters,
        };
        let all = named.flat_map(|event| match event {
            "sit" => INFORMATION.map(|kind| wanted(event, kind.to_string())).collect(),
            _ => vec![wanted(event, String::new())],
        });
        mgcp::MediaPlane::watch(&mut *self.plane, now, EndpointIndex(line.0), all.collect());
    }

    fn set_flash(&mut self, now: Time, line: LineIndex, flash: FlashTiming) {
        self.plane.set_flash(now, EndpointIndex(line.0), (flash.shortest, flash.longest));
    }

    fn hook(&self, line: LineIndex) -> Hook {
        match self.plane.hook(EndpointIndex(line.0)) {
            mgcp::Hook::On => Hook::On,
            mgcp::Hook::Off => Hook::Off,
        }
    }
}

fn told(sums: &strowger_mgcp::message::ConnectionStatistics) -> StreamStatistics {
    StreamStatistics {
        packets_sent: sums.packets_sent.into(),
        packets_received: sums.packets_received.into(),
        octets_sent: sums.octets_sent.into(),
        octets_received: sums.octets_received.into(),
        packets_lost: sums.packets_lost.into(),
        jitter_ms: sums.jitter_ms.into(),
        latency_ms: sums.latency_ms.into(),
    }
}
