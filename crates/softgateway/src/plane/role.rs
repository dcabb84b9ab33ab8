//! The calls of the gateway role.

use std::net::SocketAddr;

use strowger_media::Mixer;
use strowger_mgcp::gateway::{
    ConnectionHandle, EndpointIndex, Hook, MediaCapabilities, MediaFault, MediaMode, MediaPlane, MediaSpec,
    Progress, SignalTarget, WantedEvent,
};
use strowger_mgcp::message::{ConnectionStatistics, SignalBuf};
use strowger_sansio::Time;

use super::connection::{Connection, wants_faxes};
use super::line::Line;
use super::server::{Server, recordings, times};
use super::signals::Signals;
use super::stream_watch::{QualityLimits, is_known};
use super::trunk::{HANDSET, finds};
use super::{Body, Plane, Slot};

impl MediaPlane for Plane {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.config.capabilities
    }

    fn modes(&self, endpoint: EndpointIndex) -> Vec<MediaMode> {
        let modes = self.config.capabilities.modes.iter().copied();
        modes.filter(|mode| self.has_mode(endpoint, *mode)).collect()
    }

    fn event_states(&self, endpoint: EndpointIndex) -> Vec<&'static str> {
        match self.endpoint(endpoint).map(|endpoint| &endpoint.body) {
            Some(Body::Trunk(trunk)) => trunk.states(),
            _ => Vec::new(),
        }
    }

    fn detects(&self, endpoint: EndpointIndex, package: &str, event: &str) -> bool {
        let body = self.endpoint(endpoint).map(|endpoint| &endpoint.body);
        let is = |known: &&str| known.eq_ignore_ascii_case(event);
        if ["oc", "of"].iter().any(is) {
            return true;
        }
        match package {
            "T" => finds(event),
            // These need the sound, which passes a relay unheard.
            "R" if ["ji", "co1", "co2"].iter().any(is) => !matches!(body, Some(Body::Relay)),
            "R" => is_known(event),
            // Tones that machines make are listened for; the patterns and other tones of these packages are not.
            "G" if ["ft", "mt"].iter().any(is) => matches!(body, Some(Body::Line(_) | Body::Trunk(_))),
            "G" => event.eq_ignore_ascii_case("ld"),
            "L" => ["hd", "hf", "hu"].iter().any(is),
            // An emulated handset hears the line's ringing and tones, and that it is cut; its own hook it is told of.
            "H" => HANDSET.iter().any(is),
            _ => true,
        }
    }

    fn watch(&mut self, now: Time, index: EndpointIndex, wanted: Vec<WantedEvent>) {
        let tones = self.config.tones;
        let place = usize::try_from(index.0).ok();
        let Some(endpoint) = place.and_then(|place| self.endpoints.get_mut(place)) else { return };
        let (circuit, streams): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|event| matches!(event.package, "T" | "H" | "DO"));
        if let Body::Trunk(trunk) = &mut endpoint.body {
            trunk.watch(tones, circuit);
        }
        if let Body::Line(line) = &mut endpoint.body {
            line.hide(&streams);
        }
        endpoint.wanted = streams;
        let limits = self.config.quality;
        for slot in endpoint.streams.clone() {
            let wanted = self.endpoint(index).map(|endpoint| endpoint.wanted.clone()).unwrap_or_default();
            self.look_for(now, slot, &wanted, limits);
            self.settle(now, slot);
        }
        Plane::watch(self, now, index);
    }

    fn carries_images(&self, endpoint: EndpointIndex) -> bool {
        // What is behind a line or a circuit speaks by tones, and nothing here turns them into T.38.
        self.endpoint(endpoint).is_some_and(super::Endpoint::is_relay)
    }

    fn open(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        handle: ConnectionHandle,
        spec: &MediaSpec,
    ) -> Result<SocketAddr, MediaFault> {
        let is_relayed = self.endpoint(endpoint).ok_or(MediaFault::Insufficient)?.is_relay();
        self.can_do(endpoint, spec.mode)?;
        let port = self.ports.take(now).ok_or(MediaFault::Exhausted)?;
        let slot = usize::try_from(port.rtp_socket.0).ok().and_then(|place| self.sockets.get(place).copied());
        let Some((slot, _)) = slot.flatten() else { return Err(MediaFault::Hardware) };
        let rng = self.rng.fork();
        let name = (handle, endpoint);
        let connection = Connection::open(now, name, port, spec, &self.config, is_relayed, rng);
        if let Some(entry) = self.slots.get_mut(slot.0) {
            *entry = Some(Box::new(connection));
        }
        self.handles.insert(handle, slot);
        if let Some(endpoint) = self.endpoint_mut(endpoint) {
            endpoint.streams.push(slot);
        }
        if let Err(fault) = self.mix(endpoint) {
            self.close(now, handle);
            return Err(fault);
        }
        let wanted = self.endpoint(endpoint).map(|endpoint| endpoint.wanted.clone()).unwrap_or_default();
        let limits = self.config.quality;
        self.look_for(now, slot, &wanted, limits);
        Plane::watch(self, now, endpoint);
        self.settle(now, slot);
        Ok(port.rtp)
    }

    fn modify(&mut self, now: Time, handle: ConnectionHandle, spec: &MediaSpec) -> Result<(), MediaFault> {
        let slot = *self.handles.get(&handle).ok_or(MediaFault::Insufficient)?;
        let endpoint = self.connection(slot).ok_or(MediaFault::Insufficient)?.endpoint;
        self.can_do(endpoint, spec.mode)?;
        if let Some(connection) = self.slots.get_mut(slot.0).and_then(Option::as_mut) {
            connection.modify(now, spec, &self.config);
            let wanted = self.endpoint(endpoint).map(|endpoint| endpoint.wanted.clone()).unwrap_or_default();
            if let Some(connection) = self.connection(slot) {
                connection.listen_for_faxes(wants_faxes(&wanted));
            }
        }
        // The number of streams is what it was, so the plan cannot fail where it stood before.
        self.mix(endpoint)?;
        self.settle(now, slot);
        Ok(())
    }

    fn close(&mut self, now: Time, handle: ConnectionHandle) -> ConnectionStatistics {
        let slot = self.handles.remove(&handle);
        let entry = slot.and_then(|slot| Some((slot, self.slots.get_mut(slot.0)?.take()?)));
        let Some((slot, mut connection)) = entry else { return ConnectionStatistics::default() };
        let statistics = connection.statistics(now);
        connection.session.close(now, "connection deleted");
        while let Some(transmit) = connection.session.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        self.timers.cancel(&slot);
        self.ports.give_back(now, connection.port);
        let index = connection.endpoint;
        if let Some(endpoint) = self.endpoint_mut(index) {
            endpoint.streams.retain(|other| *other != slot);
            let target = SignalTarget::Connection(index, handle);
            match &mut endpoint.body {
                Body::Line(line) => line.signals.forget(target),
                Body::Relay => {}
                Body::Bridge(signals) => signals.forget(target),
                Body::Server(server) => server.forget(target),
                Body::Trunk(trunk) => trunk.forget(target),
            }
        }
        // One stream fewer than a plan that stood.
        let _ = self.mix(index);
        Plane::watch(self, now, index);
        statistics
    }

    fn statistics(&self, now: Time, handle: ConnectionHandle) -> ConnectionStatistics {
        let slot = self.handles.get(&handle).and_then(|slot| self.slots.get(slot.0)?.as_ref());
        slot.map(|connection| connection.statistics(now)).unwrap_or_default()
    }

    fn gives(&self, endpoint: EndpointIndex, signal: &SignalBuf) -> bool {
        let Self { config, library, .. } = self;
        let tones = config.tones;
        match self.endpoint(endpoint).map(|endpoint| &endpoint.body) {
            Some(Body::Line(_)) => Line::gives(tones, signal),
            Some(Body::Bridge(_)) => Signals::gives(tones, signal),
            Some(Body::Trunk(trunk)) => trunk.gives(tones, signal),
            Some(Body::Server(_)) => Server::gives(library, signal),
            Some(Body::Relay) | None => false,
        }
    }

    fn fetch(&mut self, _: Time, endpoint: EndpointIndex, signal: &SignalBuf) -> Progress {
        if !matches!(self.endpoint(endpoint).map(|endpoint| &endpoint.body), Some(Body::Server(_))) {
            return Progress::Done;
        }
        let Self { library, .. } = self;
        let files = recordings(signal, library);
        library.fetch(endpoint, signal, &files)
    }

    fn start_signal(
        &mut self,
        now: Time,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<(), MediaFault> {
        let tones = self.config.tones;
        let index = target.endpoint();
        let place = usize::try_from(index.0).ok();
        let endpoint = place.and_then(|place| self.endpoints.get_mut(place)).ok_or(MediaFault::Signal)?;
        if is_rtp(signal) {
            return self.start_test(target, signal).ok_or(MediaFault::Signal);
        }
        if !matches!(endpoint.body, Body::Server(_)) && !recordings(signal, &self.library).is_empty() {
            return self.announce(now, target, signal);
        }
        match &mut endpoint.body {
            Body::Line(line) => line.start(now, tones, target, signal)?,
            Body::Bridge(signals) => {
                signals.start(now, tones, target, signal)?;
            }
            Body::Server(server) => server.start(&mut self.library, target, signal)?,
            Body::Trunk(trunk) => trunk.start(now, tones, target, signal)?,
            Body::Relay => return Err(MediaFault::Signal),
        }
        Plane::watch(self, now, index);
        Ok(())
    }

    fn stop_signal(&mut self, now: Time, target: SignalTarget, signal: &SignalBuf) {
        let index = target.endpoint();
        if let SignalTarget::Connection(_, handle) = target
            && is_rtp(signal)
        {
            let slot = self.handles.get(&handle).copied();
            slot.and_then(|slot| self.connection(slot)).into_iter().for_each(|known| known.stop_test(signal));
        } else if let Some(endpoint) = self.endpoint_mut(index) {
            match &mut endpoint.body {
                Body::Line(line) => line.stop(now, target, signal),
                Body::Relay => {}
                Body::Bridge(signals) => signals.stop(target, signal),
                Body::Server(server) => server.stop(target, signal),
                Body::Trunk(trunk) => trunk.stop(target, signal),
            }
        }
        Plane::watch(self, now, index);
    }

    fn hook(&self, endpoint: EndpointIndex) -> Hook {
        // What the line has reported, not where the handset is: a request must not be refused with 402 for a break that turns
        // out to be a flash, because no off-hook would follow that the call agent could notice.
        match self.endpoint(endpoint).map(|endpoint| &endpoint.body) {
            Some(Body::Line(line)) if !line.telephone.line_is_off_hook() => Hook::On,
            Some(Body::Trunk(trunk)) => trunk.hook(),
            _ => Hook::Off,
        }
    }
}

/// Whether a signal is one of the package R, whose signals are on connections alone.
fn is_rtp(signal: &SignalBuf) -> bool {
    signal.name().package().is_some_and(|package| package.eq_ignore_ascii_case("R"))
}

impl Plane {
    /// Looks for what is wanted of a connection's stream; where that is errors of the network, the host is asked for them.
    fn look_for(&mut self, now: Time, slot: Slot, wanted: &[WantedEvent], limits: QualityLimits) {
        let Some(connection) = self.connection(slot) else { return };
        connection.watch(now, wanted, limits);
        let port = connection.port;
        if wanted.iter().any(|wanted| wanted.package == "R" && wanted.event.eq_ignore_ascii_case("iu")) {
            for socket in [port.rtp_socket, port.rtcp_socket] {
                if !self.doubtful.contains(&socket) {
                    self.doubtful.push_back(socket);
                }
            }
        }
    }

    /// The endpoint that a connection is at.
    pub(crate) fn endpoint_of(&self, handle: ConnectionHandle) -> Option<EndpointIndex> {
        let slot = self.handles.get(&handle)?;
        Some(self.slots.get(slot.0)?.as_ref()?.endpoint)
    }

    /// Where a connection receives RTP.
    pub(crate) fn address_of(&self, handle: ConnectionHandle) -> Option<SocketAddr> {
        let slot = self.handles.get(&handle)?;
        Some(self.slots.get(slot.0)?.as_ref()?.port.rtp)
    }

    /// Brings a connection to another endpoint, with its ports and all that it is doing. Signals on it end.
    pub(crate) fn relocate(&mut self, now: Time, handle: ConnectionHandle, to: EndpointIndex) {
        let Some(slot) = self.handles.get(&handle).copied() else { return };
        let is_room = self.endpoint(to).is_some();
        let Some(connection) = self.connection(slot).filter(|known| is_room && known.endpoint != to) else {
            return;
        };
        let from = std::mem::replace(&mut connection.endpoint, to);
        connection.is_relayed = false;
        if let Some(endpoint) = self.endpoint_mut(from) {
            endpoint.streams.retain(|other| *other != slot);
            let target = SignalTarget::Connection(from, handle);
            match &mut endpoint.body {
                Body::Line(line) => line.signals.forget(target),
                Body::Bridge(signals) => signals.forget(target),
                Body::Relay | Body::Server(_) | Body::Trunk(_) => {}
            }
        }
        if let Some(endpoint) = self.endpoint_mut(to) {
            endpoint.streams.push(slot);
        }
        for index in [from, to] {
            // A context has fewer members than an endpoint can mix.
            let _ = self.mix(index);
            Plane::watch(self, now, index);
        }
    }

    /// Whether there is a recording of this name.
    pub(crate) fn has_announcement(&self, name: &str) -> bool {
        self.library.has(name)
    }

    /// Gives a recording on an endpoint that is no server.
    fn announce(&mut self, now: Time, target: SignalTarget, signal: &SignalBuf) -> Result<(), MediaFault> {
        let index = target.endpoint();
        let names = recordings(signal, &self.library);
        let Some(name) = names.first().filter(|name| self.library.has(name)) else {
            return Err(MediaFault::Announcement);
        };
        let samples = self.library.find(name);
        if samples.is_none() && self.library.fetch(index, signal, &names) == Progress::Done {
            return Err(MediaFault::Exhausted);
        }
        let signals = self.signals_of(index).ok_or(MediaFault::Signal)?;
        signals.announce(target, signal, samples, times(signal));
        Plane::watch(self, now, index);
        Ok(())
    }

    /// A file was read, or could not be: recordings that have waited for it go on. Those that cannot are what comes back.
    pub(crate) fn announce_fetched(
        &mut self,
        now: Time,
        index: EndpointIndex,
        signal: &SignalBuf,
    ) -> Vec<SignalTarget> {
        let samples = recordings(signal, &self.library).first().and_then(|name| self.library.find(name));
        let failed = self.signals_of(index).map(|signals| signals.fetched(signal, samples.as_ref()));
        Plane::watch(self, now, index);
        failed.unwrap_or_default()
    }

    fn signals_of(&mut self, index: EndpointIndex) -> Option<&mut Signals> {
        match &mut self.endpoint_mut(index)?.body {
            Body::Line(line) => Some(&mut line.signals),
            Body::Bridge(signals) => Some(signals),
            Body::Trunk(trunk) => Some(&mut trunk.signals),
            Body::Relay | Body::Server(_) => None,
        }
    }

    /// Begins a continuity test on a connection whose sound is heard here.
    fn start_test(&mut self, target: SignalTarget, signal: &SignalBuf) -> Option<()> {
        let SignalTarget::Connection(_, handle) = target else { return None };
        let tones = self.config.tones;
        let slot = self.handles.get(&handle).copied()?;
        self.connection(slot).filter(|connection| !connection.is_relayed)?.start_test(tones, signal)
    }

    /// Whether an endpoint can have a mode that the plane has.
    fn has_mode(&self, endpoint: EndpointIndex, mode: MediaMode) -> bool {
        let body = self.endpoint(endpoint).map(|endpoint| &endpoint.body);
        match mode {
            // A relay passes packets from one connection to the other: nothing in it turns them round.
            MediaMode::NetworkLoopback | MediaMode::NetworkContinuityTest => {
                !matches!(body, Some(Body::Relay))
            }
            // These act on the circuit side, which relays, bridges and servers have not got.
            MediaMode::Loopback => matches!(body, Some(Body::Line(_) | Body::Trunk(_))),
            // Who tests the continuity of a circuit is another exchange.
            MediaMode::ContinuityTest => matches!(body, Some(Body::Trunk(_))),
            _ => true,
        }
    }

    fn can_do(&self, endpoint: EndpointIndex, mode: MediaMode) -> Result<(), MediaFault> {
        match self.config.capabilities.modes.contains(&mode) && self.has_mode(endpoint, mode) {
            true => Ok(()),
            false => Err(MediaFault::Mode),
        }
    }

    /// Plans anew who is heard where.
    fn mix(&mut self, index: EndpointIndex) -> Result<(), MediaFault> {
        let Some(endpoint) = self.endpoint(index) else { return Ok(()) };
        let modes: Vec<_> = endpoint
            .streams
            .iter()
            .filter_map(|slot| self.slots.get(slot.0)?.as_ref())
            .map(|connection| connection.stream_mode())
            .collect();
        let mixer = Mixer::plan(endpoint.shape(), &modes).map_err(|_| MediaFault::Insufficient)?;
        if let Some(endpoint) = self.endpoint_mut(index) {
            endpoint.mixer = mixer;
        }
        Ok(())
    }
}
