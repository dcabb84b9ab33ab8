//! The calls of the gateway role.

use std::net::SocketAddr;

use strowger_media::Mixer;
use strowger_mgcp::gateway::{
    ConnectionHandle, EndpointIndex, Hook, MediaCapabilities, MediaFault, MediaPlane, MediaSpec, SignalTarget,
};
use strowger_mgcp::message::{ConnectionStatistics, SignalBuf};
use strowger_sansio::Time;

use super::Plane;
use super::connection::Connection;

impl MediaPlane for Plane {
    fn capabilities(&self) -> &MediaCapabilities {
        &self.config.capabilities
    }

    fn open(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        handle: ConnectionHandle,
        spec: &MediaSpec,
    ) -> Result<SocketAddr, MediaFault> {
        let is_relayed = self.endpoint(endpoint).ok_or(MediaFault::Insufficient)?.line.is_none();
        let port = self.ports.take(now).ok_or(MediaFault::Exhausted)?;
        let rng = self.rng.fork();
        let connection = Connection::open(now, endpoint, port, spec, &self.config.cname, is_relayed, rng);
        self.connections.insert(handle, connection);
        self.sockets.insert(port.rtp_socket, handle);
        self.sockets.insert(port.rtcp_socket, handle);
        if let Some(endpoint) = self.endpoint_mut(endpoint) {
            endpoint.connections.push(handle);
        }
        if let Err(fault) = self.mix(endpoint) {
            self.close(now, handle);
            return Err(fault);
        }
        self.watch_hook(now, endpoint);
        self.settle(handle);
        Ok(port.rtp)
    }

    fn modify(&mut self, now: Time, handle: ConnectionHandle, spec: &MediaSpec) -> Result<(), MediaFault> {
        let connection = self.connections.get_mut(&handle).ok_or(MediaFault::Insufficient)?;
        connection.modify(now, spec, &self.config.cname);
        let endpoint = connection.endpoint;
        // The number of streams is what it was, so the plan cannot fail where it stood before.
        self.mix(endpoint)?;
        self.settle(handle);
        Ok(())
    }

    fn close(&mut self, now: Time, handle: ConnectionHandle) -> ConnectionStatistics {
        let Some(mut connection) = self.connections.remove(&handle) else {
            return ConnectionStatistics::default();
        };
        connection.session.close(now);
        while let Some(transmit) = connection.session.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        self.timers.cancel(&handle);
        self.sockets.remove(&connection.port.rtp_socket);
        self.sockets.remove(&connection.port.rtcp_socket);
        self.ports.give_back(now, connection.port);
        let index = connection.endpoint;
        if let Some(endpoint) = self.endpoint_mut(index) {
            endpoint.connections.retain(|other| *other != handle);
            if let Some(line) = &mut endpoint.line {
                line.forget(SignalTarget::Connection(index, handle));
            }
        }
        // One stream fewer than a plan that stood.
        let _ = self.mix(index);
        self.watch_hook(now, index);
        connection.statistics(now)
    }

    fn statistics(&self, now: Time, handle: ConnectionHandle) -> ConnectionStatistics {
        self.connections.get(&handle).map(|connection| connection.statistics(now)).unwrap_or_default()
    }

    fn start_signal(
        &mut self,
        now: Time,
        target: SignalTarget,
        signal: &SignalBuf,
    ) -> Result<(), MediaFault> {
        let tones = self.config.tones;
        let index = target.endpoint();
        let line = self.endpoint_mut(index).and_then(|endpoint| endpoint.line.as_mut());
        line.ok_or(MediaFault::Signal)?.start(now, tones, target, signal)?;
        self.watch_hook(now, index);
        Ok(())
    }

    fn stop_signal(&mut self, now: Time, target: SignalTarget, signal: &SignalBuf) {
        let index = target.endpoint();
        if let Some(line) = self.endpoint_mut(index).and_then(|endpoint| endpoint.line.as_mut()) {
            line.stop(now, target, signal);
        }
        self.watch_hook(now, index);
    }

    fn hook(&self, endpoint: EndpointIndex) -> Hook {
        match self.telephone(endpoint) {
            Some(telephone) if !telephone.is_off_hook() => Hook::On,
            _ => Hook::Off,
        }
    }
}

impl Plane {
    /// Plans anew who is heard where.
    fn mix(&mut self, index: EndpointIndex) -> Result<(), MediaFault> {
        let Some(endpoint) = self.endpoint(index) else { return Ok(()) };
        let modes: Vec<_> = endpoint
            .connections
            .iter()
            .filter_map(|handle| self.connections.get(handle))
            .map(Connection::stream_mode)
            .collect();
        let mixer = Mixer::plan(endpoint.shape(), &modes).map_err(|_| MediaFault::Insufficient)?;
        if let Some(endpoint) = self.endpoint_mut(index) {
            endpoint.mixer = mixer;
        }
        Ok(())
    }
}
