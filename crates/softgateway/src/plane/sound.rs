//! 10 ms of a line, and a packet through a relay.

use std::net::SocketAddr;

use strowger_media::frame::mix_into;
use strowger_media::session::{self, Relayed};
use strowger_media::{Frame, LineEvent, SILENCE};
use strowger_mgcp::gateway::{EndpointIndex, MediaEvent, MediaMode, SignalTarget};
use strowger_sansio::{Time, Transmit};

use super::{Plane, Slot};

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

        let mut inputs = Vec::with_capacity(endpoint.streams.len());
        let mut looped = false;
        for (place, slot) in endpoint.streams.iter().enumerate() {
            let Some(connection) = self.slots.get_mut(slot.0).and_then(Option::as_mut) else { continue };
            looped |= connection.mode == MediaMode::Loopback;
            // The play-out buffer runs on even where nobody hears it, so that it does not fill.
            let input = connection.session.play_frame(now);
            inputs.push(if endpoint.mixer.needs(place) { input } else { SILENCE });
        }
        let mix = endpoint.mixer.mix(&inputs, &microphone);
        for (place, slot) in endpoint.streams.iter().enumerate() {
            let Some(connection) = self.slots.get_mut(slot.0).and_then(Option::as_mut) else { continue };
            let signal = line.signal_frame(SignalTarget::Connection(index, connection.handle));
            let packet = match (endpoint.mixer.sends(place), signal) {
                (false, None) => connection.session.skip_frame(now),
                (_, signal) => {
                    let mut frame = mix.output(place);
                    signal.iter().for_each(|signal| mix_into(&mut frame, signal));
                    connection.session.send_frame(now, &frame)
                }
            };
            if let (Some(payload), Some(to)) = (packet, connection.session.remote()) {
                self.transmits.push_back(Transmit { socket: connection.port.rtp_socket, to, payload });
            }
        }

        let mut earpiece: Frame = mix.earpiece();
        if lifted && !inputs.is_empty() {
            let (recognised, event) = line.listen_for_machines(&microphone, &earpiece);
            self.events.extend(event.map(|event| (index, event)));
            if recognised {
                for slot in &endpoint.streams {
                    let connection = self.slots.get_mut(slot.0).and_then(Option::as_mut);
                    connection.into_iter().for_each(|connection| connection.session.carry_data());
                }
            }
        }
        if looped {
            mix_into(&mut earpiece, &microphone);
        }
        if let Some(signal) = line.signal_frame(SignalTarget::Endpoint(index)) {
            mix_into(&mut earpiece, &signal);
        }
        line.telephone.hear(now, &earpiece);
        self.events.extend(line.take_ended(now).into_iter().map(|event| (index, event)));
        self.watch(now, index);
    }

    /// Notices what the subscriber did to the hook, and whether the line still needs its 10 ms.
    pub(super) fn watch(&mut self, now: Time, index: EndpointIndex) {
        let Some(endpoint) = usize::try_from(index.0).ok().and_then(|n| self.endpoints.get_mut(n)) else {
            return;
        };
        let Some(line) = &mut endpoint.line else { return };
        self.touched.insert(index);
        while let Some(event) = line.telephone.poll_line() {
            let event = match event {
                LineEvent::OffHook => MediaEvent::OffHook,
                LineEvent::OnHook => MediaEvent::OnHook,
                LineEvent::Flash => MediaEvent::HookFlash,
            };
            self.events.push_back((index, event));
        }
        match line.telephone.poll_timeout() {
            Some(due) => self.hooks.set(index, due),
            None => {
                self.hooks.cancel(&index);
            }
        }
        let live = line.is_live() || !endpoint.streams.is_empty();
        if live {
            self.live.insert(index);
            self.next_frame.get_or_insert(now + strowger_media::FRAME_TIME);
        } else {
            self.live.remove(&index);
        }
    }

    /// Passes a packet of one connection of a relay on to the other.
    pub(super) fn relay(&mut self, now: Time, slot: Slot, from: SocketAddr, datagram: &[u8]) {
        let Some(index) = self.connection(slot).map(|connection| connection.endpoint) else { return };
        let sink = self.endpoint(index).and_then(|endpoint| {
            let source = endpoint.streams.iter().position(|stream| *stream == slot)?;
            let sink =
                (0..endpoint.streams.len()).find(|sink| endpoint.mixer.sole_source(*sink) == Some(source))?;
            endpoint.streams.get(sink).copied().filter(|sink| *sink != slot)
        });
        let Some(sink) = sink else {
            // Nothing carries it, but its source is checked and it is counted.
            if let Some(connection) = self.connection(slot) {
                connection.session.receive(now, from, datagram);
            }
            return;
        };
        let Ok([Some(incoming), Some(outgoing)]) = self.slots.get_disjoint_mut([slot.0, sink.0]) else {
            return;
        };
        let mut payload = datagram.to_vec();
        let passed = session::relay(now, from, &mut payload, &mut incoming.session, &mut outgoing.session);
        if let Relayed::Forward(to) = passed {
            self.counters.relayed += 1;
            self.transmits.push_back(Transmit { socket: outgoing.port.rtp_socket, to, payload });
        }
    }

    /// Takes what a session has to send, and notes when it next wants its time.
    pub(super) fn settle(&mut self, slot: Slot) {
        let Some(connection) = self.slots.get_mut(slot.0).and_then(Option::as_mut) else { return };
        while let Some(transmit) = connection.session.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        let due = connection.session.poll_timeout();
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
