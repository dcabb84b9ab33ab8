//! 10 ms of a line, and a packet through a relay.

use std::net::SocketAddr;

use strowger_media::frame::mix_into;
use strowger_media::{Frame, SILENCE};
use strowger_mgcp::gateway::{ConnectionHandle, EndpointIndex, MediaEvent, MediaMode, SignalTarget};
use strowger_sansio::{Time, Transmit};

use super::Plane;

impl Plane {
    /// Works 10 ms of a line: microphone, keys, every connection, signals, earpiece.
    pub(super) fn frame(&mut self, now: Time, index: EndpointIndex) {
        let Some(endpoint) = usize::try_from(index.0).ok().and_then(|n| self.endpoints.get_mut(n)) else {
            return;
        };
        let Some(line) = &mut endpoint.line else { return };
        line.ring(now);
        let lifted = line.telephone.is_off_hook();
        let microphone = line.telephone.speak(now);
        if lifted {
            self.events.extend(line.listen(&microphone).map(|event| (index, event)));
        } else {
            line.deafen();
        }

        let mut inputs = Vec::with_capacity(endpoint.connections.len());
        let mut looped = false;
        for (place, handle) in endpoint.connections.iter().enumerate() {
            let Some(connection) = self.connections.get_mut(handle) else { continue };
            looped |= connection.mode == MediaMode::Loopback;
            // The play-out buffer runs on even where nobody hears it, so that it does not fill.
            let input = connection.session.play_frame(now);
            inputs.push(if endpoint.mixer.needs(place) { input } else { SILENCE });
        }
        for (place, handle) in endpoint.connections.iter().enumerate() {
            let Some(connection) = self.connections.get_mut(handle) else { continue };
            let signal = line.signal_frame(SignalTarget::Connection(index, *handle));
            let packet = match (endpoint.mixer.sends(place), signal) {
                (false, None) => connection.session.skip_frame(now),
                (_, signal) => {
                    let mut frame = endpoint.mixer.output(place, &inputs, &microphone);
                    signal.iter().for_each(|signal| mix_into(&mut frame, signal));
                    connection.session.send_frame(now, &frame)
                }
            };
            if let (Some(payload), Some(to)) = (packet, connection.session.remote()) {
                self.transmits.push_back(Transmit { socket: connection.port.rtp_socket, to, payload });
            }
        }

        let mut earpiece: Frame = endpoint.mixer.earpiece(&inputs);
        if looped {
            mix_into(&mut earpiece, &microphone);
        }
        if let Some(signal) = line.signal_frame(SignalTarget::Endpoint(index)) {
            mix_into(&mut earpiece, &signal);
        }
        line.telephone.hear(now, &earpiece);
        self.events.extend(line.take_ended(now).into_iter().map(|event| (index, event)));
        self.watch_hook(now, index);
    }

    /// Notices what the subscriber did to the hook, and whether the line still needs its 10 ms.
    pub(super) fn watch_hook(&mut self, now: Time, index: EndpointIndex) {
        let Some(endpoint) = usize::try_from(index.0).ok().and_then(|n| self.endpoints.get_mut(n)) else {
            return;
        };
        let Some(line) = &mut endpoint.line else { return };
        while let Some(change) = line.telephone.poll_hook() {
            self.events.push_back((index, hook_event(change)));
        }
        let live = line.is_live() || !endpoint.connections.is_empty();
        if live {
            self.live.insert(index);
            self.next_frame.get_or_insert(now + strowger_media::FRAME_TIME);
        } else {
            self.live.remove(&index);
        }
    }

    /// Passes a packet of one connection of a relay to those that carry it.
    pub(super) fn relay(&mut self, now: Time, handle: ConnectionHandle, from: SocketAddr, datagram: &[u8]) {
        let Some(connection) = self.connections.get_mut(&handle) else { return };
        let Some(packet) = connection.session.admit(now, from, datagram) else { return };
        let index = connection.endpoint;
        let Some(endpoint) = usize::try_from(index.0).ok().and_then(|n| self.endpoints.get(n)) else { return };
        let Some(source) = endpoint.connections.iter().position(|other| *other == handle) else { return };
        for (place, other) in endpoint.connections.iter().enumerate() {
            if !endpoint.mixer.carries(place, source) {
                continue;
            }
            let Some(sink) = self.connections.get_mut(other) else { continue };
            let mut payload = Vec::new();
            if let Some(to) = sink.session.forward(now, &packet, &mut payload) {
                self.counters.relayed += 1;
                self.transmits.push_back(Transmit { socket: sink.port.rtp_socket, to, payload });
            }
        }
    }

    /// Takes what a session has to send, and notes when it next wants its time.
    pub(super) fn settle(&mut self, handle: ConnectionHandle) {
        let Some(connection) = self.connections.get_mut(&handle) else {
            self.timers.cancel(&handle);
            return;
        };
        while let Some(transmit) = connection.session.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        let due = connection.session.poll_timeout();
        if due != self.timers.deadline(&handle) {
            match due {
                Some(due) => self.timers.set(handle, due),
                None => {
                    self.timers.cancel(&handle);
                }
            }
        }
    }
}
