//! 10 ms of an endpoint, and a packet through a relay.

use std::net::SocketAddr;

use strowger_media::frame::mix_into;
use strowger_media::session::{self, Relayed};
use strowger_media::{Frame, LineEvent, SILENCE};
use strowger_mgcp::gateway::{EndpointIndex, MachineSign, MediaEvent, MediaMode, SignalTarget};
use strowger_sansio::{Duration, Time, Transmit};

use super::stream_watch::StreamWatch;
use super::trunk::{Asked, CircuitFrame};
use super::{Body, Plane, Slot};

/// Frames of circuits that wait for a host to carry them elsewhere: a tenth of a second of a hundred circuits.
const MOST_CIRCUIT_FRAMES: usize = 1_000;
/// Recordings that wait for a host to write them.
const MOST_RECORDED: usize = 64;

/// What the times of sessions are rounded up to: thousands of open connections, each of which reports when it likes (RFC 3550 section
/// 6.2), wake a host that has nothing else to do 50 times a second at most, and no report is late by more than a packet time.
const GRID: Duration = Duration::from_millis(20);

/// What came of what an endpoint heard.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// What a circuit sends on.
    circuit: Option<CircuitFrame>,
    /// A modem or a fax machine was recognised: its connections now carry data.
    machine: bool,
}

impl Body {
    /// The next 10 ms of what the endpoint itself says.
    fn say(&mut self, now: Time, index: EndpointIndex, events: &mut Vec<MediaEvent>) -> Option<Frame> {
        match self {
            Self::Line(line) => {
                line.ring(now);
                line.tell_caller(now);
                let lifted = line.telephone.is_off_hook();
                let microphone = line.telephone.speak(now);
                if lifted {
                    events.extend(line.listen(&microphone));
                } else {
                    events.extend(line.deafen());
                }
                Some(if line.hides_digit() { SILENCE } else { microphone })
            }
            Self::Relay => None,
            Self::Bridge(signals) => signals.frame(SignalTarget::Endpoint(index)),
            Self::Server(server) => server.frame(SignalTarget::Endpoint(index)),
            Self::Trunk(trunk) => Some(trunk.listen(events)),
        }
    }

    /// The next 10 ms of the signals on a connection.
    fn signal(&mut self, target: SignalTarget) -> Option<Frame> {
        match self {
            Self::Line(line) => line.signals.frame(target),
            Self::Relay => None,
            Self::Bridge(signals) => signals.frame(target),
            Self::Server(server) => server.frame(target),
            Self::Trunk(trunk) => trunk.signals.frame(target),
        }
    }

    /// Gives the endpoint what it hears, and says what comes of it.
    fn hear(
        &mut self,
        now: Time,
        index: EndpointIndex,
        (heard, said): (&Frame, &Frame),
        asked: Asked,
        events: &mut Vec<MediaEvent>,
    ) -> Heard {
        let mut done = Heard::default();
        let mut heard = *heard;
        match self {
            Self::Line(line) => {
                if asked.connected && line.telephone.is_off_hook() {
                    done.machine = line.listen_for_machines(said, &heard, events);
                }
                if asked.looped {
                    mix_into(&mut heard, said);
                }
                if let Some(signal) = line.signals.frame(SignalTarget::Endpoint(index)) {
                    mix_into(&mut heard, &signal);
                }
                line.telephone.hear(now, &heard);
                events.extend(line.signals.take_ended(now));
            }
            Self::Relay => {}
            Self::Bridge(signals) => events.extend(signals.take_ended(now)),
            Self::Server(server) => {
                server.listen(&heard);
                events.extend(server.take_events());
            }
            Self::Trunk(trunk) => {
                if asked.connected {
                    let machines = trunk.listen_for_machines(&heard);
                    done.machine = machines.recognised;
                    events.extend(machines.tone());
                    events.extend(machines.sign());
                } else {
                    events.extend(trunk.forget_machines());
                }
                done.circuit = Some(trunk.speak(now, index, &heard, asked));
                events.extend(trunk.signals.take_ended(now));
            }
        }
        done
    }
}

impl Plane {
    /// Works 10 ms of an endpoint: what it says, every connection, signals, what it hears.
    pub(super) fn frame(&mut self, now: Time, index: EndpointIndex) {
        let Some(endpoint) = usize::try_from(index.0).ok().and_then(|n| self.endpoints.get_mut(n)) else {
            return;
        };
        let mut events = Vec::new();
        let said = endpoint.body.say(now, index, &mut events);
        let mut inputs = Vec::with_capacity(endpoint.streams.len());
        let mut asked = Asked { connected: !endpoint.streams.is_empty(), ..Asked::default() };
        for (place, slot) in endpoint.streams.iter().enumerate() {
            let Some(connection) = self.slots.get_mut(slot.0).and_then(Option::as_mut) else { continue };
            asked.looped |= connection.mode == MediaMode::Loopback;
            asked.tested |= connection.mode == MediaMode::ContinuityTest;
            // The play-out buffer runs on even where nobody hears it, so that it does not fill.
            let input = connection.input(now, &mut events);
            inputs.push(if endpoint.mixer.needs(place) { input } else { SILENCE });
        }
        let microphone = said.unwrap_or(SILENCE);
        let mix = endpoint.mixer.mix(&inputs, &microphone);
        for (place, slot) in endpoint.streams.iter().enumerate() {
            let Some(connection) = self.slots.get_mut(slot.0).and_then(Option::as_mut) else { continue };
            let test = connection.test_frame();
            let signal = endpoint.body.signal(SignalTarget::Connection(index, connection.handle));
            // What sounds on a bridge is part of what it sends, where it sends.
            let added = match endpoint.body {
                Body::Bridge(_) if connection.stream_mode().sends() => said,
                _ => None,
            };
            let packet = match (endpoint.mixer.sends(place) || added.is_some(), signal, test) {
                // Nothing is mixed with the tone of a test.
                (_, _, Some(go)) => connection.session.send_frame(now, &go),
                (false, None, None) => connection.session.skip_frame(now),
                (_, signal, None) => {
                    let mut frame = mix.output(place);
                    signal.iter().chain(&added).for_each(|signal| mix_into(&mut frame, signal));
                    connection.session.send_frame(now, &frame)
                }
            };
            if let (Some(payload), Some(to)) = (packet, connection.session.remote()) {
                self.transmits.push_back(Transmit { socket: connection.port.rtp_socket, to, payload });
            }
        }
        let heard = mix.earpiece();
        let done = endpoint.body.hear(now, index, (&heard, &microphone), asked, &mut events);
        if done.machine {
            for slot in &endpoint.streams {
                let connection = self.slots.get_mut(slot.0).and_then(Option::as_mut);
                connection.into_iter().for_each(|connection| connection.session.carry_data());
            }
        }
        if events.contains(&MediaEvent::Machine(MachineSign::Ended)) {
            for slot in &endpoint.streams {
                let connection = self.slots.get_mut(slot.0).and_then(Option::as_mut);
                connection.into_iter().for_each(|connection| connection.return_to_speech(now));
            }
        }
        self.events.extend(events.into_iter().map(|event| (index, event)));
        if let Some(frame) = done.circuit {
            self.send_circuit(now, index, frame);
        }
        self.take_recorded(index);
        self.watch(now, index);
    }

    /// Hands 10 ms of a circuit to its other end.
    fn send_circuit(&mut self, now: Time, index: EndpointIndex, frame: CircuitFrame) {
        let other = self.config.crossed.iter().find_map(|(one, two)| match (*one == index, *two == index) {
            (true, _) => Some(*two),
            (_, true) => Some(*one),
            _ => None,
        });
        match other {
            Some(other) => self.handle_circuit(now, other, frame),
            None => {
                // A host that does not take them has no circuits.
                if self.circuits.len() < MOST_CIRCUIT_FRAMES {
                    self.circuits.push_back((index, frame));
                }
            }
        }
    }

    fn take_recorded(&mut self, index: EndpointIndex) {
        let Some(endpoint) = usize::try_from(index.0).ok().and_then(|n| self.endpoints.get_mut(n)) else {
            return;
        };
        let Body::Server(server) = &mut endpoint.body else { return };
        for (number, samples, keep) in server.take_recorded() {
            self.library.keep(number, samples.clone(), keep);
            if self.recorded.len() < MOST_RECORDED {
                self.recorded.push_back((index, number, samples));
            }
            self.touched.insert(index);
        }
    }

    /// Notices what the subscriber did to the hook, and whether the endpoint still needs its 10 ms.
    pub(super) fn watch(&mut self, now: Time, index: EndpointIndex) {
        let Some(endpoint) = usize::try_from(index.0).ok().and_then(|n| self.endpoints.get_mut(n)) else {
            return;
        };
        if endpoint.is_relay() {
            return;
        }
        if let Some(line) = endpoint.line_mut() {
            self.touched.insert(index);
            while let Some(event) = line.telephone.poll_line() {
                let event = match event {
                    LineEvent::OffHook => MediaEvent::OffHook,
                    LineEvent::OnHook => MediaEvent::OnHook,
                    LineEvent::Flash => MediaEvent::HookFlash,
                    LineEvent::Break => MediaEvent::HookBreak,
                    LineEvent::Dialled(digit) => {
                        self.events.push_back((index, MediaEvent::Digit(digit)));
                        // A digit of a dial is over when it is known.
                        MediaEvent::DigitEnded(digit, Duration::ZERO)
                    }
                };
                self.events.push_back((index, event));
            }
            match line.telephone.poll_timeout() {
                Some(due) => self.hooks.set(index, due),
                None => {
                    self.hooks.cancel(&index);
                }
            }
        }
        let live = endpoint.is_live() || !endpoint.streams.is_empty();
        let is_circuit = matches!(endpoint.body, Body::Trunk(_));
        if live {
            self.live.insert(index);
            self.next_frame.get_or_insert(now + strowger_media::FRAME_TIME);
        } else if self.live.remove(&index) && is_circuit {
            // What it has sent last holds at the other end: that must not be a piece of a tone.
            self.send_circuit(now, index, CircuitFrame::IDLE);
        }
    }

    /// The other connection of a relay, if it carries what comes in on this one.
    pub(super) fn sink(&mut self, slot: Slot) -> Option<Slot> {
        let index = self.connection(slot)?.endpoint;
        let endpoint = self.endpoint(index)?;
        let source = endpoint.streams.iter().position(|stream| *stream == slot)?;
        let sink =
            (0..endpoint.streams.len()).find(|sink| endpoint.mixer.sole_source(*sink) == Some(source))?;
        endpoint.streams.get(sink).copied().filter(|sink| *sink != slot)
    }

    /// Listens for a fax among the packets of a relay.
    fn listen_to_packet(&mut self, slot: Slot, from: SocketAddr, datagram: &[u8]) {
        let Some(connection) = self.connection(slot) else { return };
        let Some(ear) = connection.ear.as_mut().filter(|_| connection.session.remote() == Some(from)) else {
            return;
        };
        let heard = ear.packet(datagram, &connection.laws);
        let endpoint = connection.endpoint;
        self.events.extend(heard.map(|event| (endpoint, event)));
    }

    /// Passes a packet of one connection of a relay on to the other.
    pub(super) fn relay(&mut self, now: Time, slot: Slot, from: SocketAddr, datagram: &[u8]) {
        self.listen_to_packet(slot, from, datagram);
        let Some(sink) = self.sink(slot) else {
            // Nothing carries it, but its source is checked and it is counted.
            if let Some(connection) = self.connection(slot) {
                connection.session.receive(now, from, datagram);
            }
            return;
        };
        let Ok([Some(incoming), Some(outgoing)]) = self.slots.get_disjoint_mut([slot.0, sink.0]) else {
            return;
        };
        if outgoing.image.is_some() {
            // One side has changed to T.38 and the other one not yet.
            incoming.session.receive(now, from, datagram);
            return;
        }
        let mut payload = datagram.to_vec();
        let passed = session::relay(now, from, &mut payload, &mut incoming.session, &mut outgoing.session);
        if let Relayed::Forward(to) = passed {
            self.counters.relayed += 1;
            self.transmits.push_back(Transmit { socket: outgoing.port.rtp_socket, to, payload });
        }
    }

    /// Takes what a session has to send, and notes when it next wants its time.
    pub(super) fn settle(&mut self, now: Time, slot: Slot) {
        let Some(connection) = self.slots.get_mut(slot.0).and_then(Option::as_mut) else { return };
        if !connection.watches.is_empty() {
            let endpoint = connection.endpoint;
            self.events.extend(connection.look(now).into_iter().map(|event| (endpoint, event)));
        }
        while let Some(transmit) = connection.session.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        let watches = connection.watches.iter().filter_map(StreamWatch::poll_timeout);
        let fax = connection.ear.as_ref().and_then(|ear| ear.poll_timeout());
        let due = connection.session.poll_timeout().into_iter().chain(watches).chain(fax).min().map(rounded);
        if due != self.timers.deadline(&slot) {
            match due {
                Some(due) => self.timers.set(slot, due),
                None => {
                    self.timers.cancel(&slot);
                }
            }
        }
    }
}

/// The first point of the grid that is not before `due`.
fn rounded(due: Time) -> Time {
    let step = u64::try_from(GRID.as_nanos()).unwrap_or(1);
    due.as_nanos().checked_next_multiple_of(step).map_or(Time::MAX, Time::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_sessions_are_rounded_up_to_a_grid_of_20_ms() {
        for (due, then) in [(0, 0), (1, 20_000), (19_999, 20_000), (20_000, 20_000), (20_001, 40_000)] {
            assert_eq!(rounded(Time::from_micros(due)), Time::from_micros(then), "{due} us");
        }
        assert_eq!(rounded(Time::from_nanos(1)), Time::from_millis(20));
        assert_eq!(rounded(Time::MAX), Time::MAX);
    }
}
