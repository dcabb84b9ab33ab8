//! Which connections send to which other ones of the same gateway: RFC 3435 section 2.1.3.4.
//!
//! Each half has a life of its own, and its ports are given to a new connection some time after its end. The other half then sends
//! nowhere, until its call agent describes another remote end: it must not speak to strangers.

use std::collections::BTreeSet;

use strowger_sansio::Time;

use super::Gateway;
use super::media::{ConnectionHandle, EndpointIndex, MediaPlane, MediaSpec};

/// The halves, by the connection that they send to.
#[derive(Clone, Debug, Default)]
pub(super) struct Joints {
    known: BTreeSet<(ConnectionHandle, EndpointIndex, ConnectionHandle)>,
    /// Connections that have been closed, with the endpoint and what they sent to.
    parted: Vec<(EndpointIndex, ConnectionHandle, Option<ConnectionHandle>)>,
}

impl Joints {
    /// A connection sends to another one than before.
    pub(super) fn moved(
        &mut self,
        index: EndpointIndex,
        half: ConnectionHandle,
        before: Option<ConnectionHandle>,
        after: Option<ConnectionHandle>,
    ) {
        if let Some(other) = before {
            self.known.remove(&(other, index, half));
        }
        if let Some(other) = after {
            self.known.insert((other, index, half));
        }
    }

    /// A connection was closed.
    pub(super) fn closed(
        &mut self,
        index: EndpointIndex,
        half: ConnectionHandle,
        to: Option<ConnectionHandle>,
    ) {
        // Most connections have nothing to do with each other.
        if !self.known.is_empty() {
            self.parted.push((index, half, to));
        }
    }

    /// The halves that lost what they sent to.
    fn lost(&mut self) -> Vec<(EndpointIndex, ConnectionHandle)> {
        let mut halves = Vec::new();
        for (index, gone, to) in std::mem::take(&mut self.parted) {
            self.moved(index, gone, to, None);
            let first = (gone, EndpointIndex(0), ConnectionHandle(0));
            let of_gone = self.known.range(first..).take_while(|(other, ..)| *other == gone);
            let of_gone: Vec<_> = of_gone.copied().collect();
            for joint in of_gone {
                self.known.remove(&joint);
                halves.push((joint.1, joint.2));
            }
        }
        halves
    }
}

impl Gateway {
    /// Lets the halves send nowhere whose other half is gone.
    pub(super) fn part(&mut self, now: Time, plane: &mut dyn MediaPlane) {
        for (index, handle) in self.joints.lost() {
            self.abort_on(now, handle, plane);
            let Some(endpoint) = self.endpoint_mut(index) else { continue };
            let Some(half) = endpoint.connections.iter_mut().find(|half| half.handle == handle) else {
                continue;
            };
            let spec = MediaSpec { remote: None, remote_rtcp: None, local_peer: None, ..half.spec.clone() };
            // A plane that cannot even send less goes on as it was.
            if plane.modify(now, handle, &spec).is_ok() {
                half.spec = spec;
                // The description is audited as it came, but leads nowhere any more.
                if let Some(remote) = &mut half.remote {
                    (remote.audio, remote.image) = (None, None);
                }
            }
        }
    }
}
