//! Relays: contexts of two streams and nothing else, which hand on to one what comes by the other.
//!
//! The first stream is added to a context that the gateway chooses, and from then on that context is the endpoint of the relay, by its number:
//! `context/7`. The second is added to it. With the last stream the context ends by itself (RFC 3525 section 6.1.1). An exchange that
//! takes calls over finds the context by that name, and looks what is in it before anything else.

use std::collections::{BTreeMap, VecDeque};

use strowger_megaco::message::ContextId;
use strowger_mgcp::agent::GatewayId;
use strowger_mgcp::message::{ConnectionIdBuf, EndpointNameBuf};
use strowger_sansio::Time;

use super::order::Order;
use super::{Loop, LoopId, Megaco};

/// A context that no line and no relay has, while relays are being created: it may be one of theirs.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) gateway: GatewayId,
    context: ContextId,
    /// The creations that were under way when it was found.
    awaits: Vec<(LoopId, u64)>,
}

const CONTEXT: &str = "context/";

/// The endpoint that a context of a relay is.
pub(super) fn endpoint(context: ContextId, domain: &str) -> Option<EndpointNameBuf> {
    EndpointNameBuf::from_parts(&format!("{CONTEXT}{}", context.get()), domain)
}

impl Megaco {
    /// A place for the orders of an endpoint.
    pub(super) fn new_loop(&mut self, gateway: GatewayId, endpoint: &EndpointNameBuf) -> LoopId {
        let relay = self.associations.get(&gateway).and_then(|known| known.relay.clone());
        let is_any = relay.is_some() && endpoint.as_name().is_wildcarded();
        let number = endpoint.local().strip_prefix(CONTEXT).filter(|_| relay.is_some());
        let context =
            number.and_then(|number| number.parse().ok()).map(ContextId::new).filter(|own| own.is_specific());
        let own = Loop {
            gateway,
            endpoint: endpoint.clone(),
            relay: relay.filter(|_| is_any || context.is_some()),
            is_free: false,
            context,
            is_known: is_any,
            streams: BTreeMap::new(),
            queue: VecDeque::new(),
            running: None,
            serial: 0,
        };
        let id = match self.free.pop() {
            Some(id) => {
                if let Some(place) = self.loops.get_mut(id) {
                    *place = Loop { serial: place.serial + 1, ..own };
                }
                id
            }
            None => {
                self.loops.push(own);
                self.loops.len() - 1
            }
        };
        // Any one is another one each time.
        if !is_any {
            self.by_endpoint.insert((gateway, endpoint.clone()), id);
        }
        id
    }

    /// A context of a relay that holds nothing any more gives its place to another.
    pub(super) fn retire(&mut self, id: LoopId) {
        let Some(own) = self.loops.get_mut(id) else { return };
        let is_over = own.relay.is_some() && own.context.is_none() && own.running.is_none();
        if !is_over || own.is_free || !own.queue.is_empty() {
            return;
        }
        own.is_free = true;
        let key = (own.gateway, own.endpoint.clone());
        if self.by_endpoint.get(&key) == Some(&id) {
            self.by_endpoint.remove(&key);
        }
        self.free.push(id);
    }

    /// The first stream of a relay was added, or was not.
    pub(super) fn begun(&mut self, now: Time, id: LoopId, serial: u64) {
        let Some(own) = self.loops.get(id) else { return };
        let (gateway, context) = (own.gateway, own.context);
        if context.is_some() {
            self.by_endpoint.insert((gateway, own.endpoint.clone()), id);
        }
        let mut strays = Vec::new();
        self.suspects.retain_mut(|suspect| {
            if suspect.gateway != gateway {
                return true;
            }
            suspect.awaits.retain(|creation| *creation != (id, serial));
            if Some(suspect.context) == context {
                return false;
            }
            strays.extend(suspect.awaits.is_empty().then_some(suspect.context));
            !suspect.awaits.is_empty()
        });
        for stray in strays {
            self.ask_found(now, gateway, stray);
        }
    }

    /// A context that nobody has: it is looked at, unless it may be that of a relay whose creation has not been answered.
    pub(super) fn suspect(&mut self, now: Time, gateway: GatewayId, context: ContextId) {
        let begins = |own: &Loop| {
            let is_creating = matches!(own.running, Some((Order::Create { .. }, _)));
            own.gateway == gateway && own.relay.is_some() && own.context.is_none() && is_creating
        };
        let creations = (0..).zip(&self.loops).filter(|(_, own)| begins(own));
        let awaits: Vec<_> = creations.map(|(id, own)| (id, own.serial)).collect();
        if awaits.is_empty() {
            self.ask_found(now, gateway, context);
        } else {
            self.suspects.push(Suspect { gateway, context, awaits });
        }
    }

    /// Whose stream has this name.
    pub(super) fn stream_named(
        &self,
        gateway: GatewayId,
        termination: &str,
    ) -> Option<(LoopId, ConnectionIdBuf)> {
        (0..).zip(&self.loops).filter(|(_, own)| own.gateway == gateway).find_map(|(id, own)| {
            let mut streams = own.streams.iter();
            let found = streams.find(|(_, name)| name.eq_ignore_ascii_case(termination))?;
            Some((id, found.0.clone()))
        })
    }

    /// A stream went out of service by itself: it is nobody's any more, and is taken down.
    pub(super) fn stream_failed(&mut self, now: Time, id: LoopId, connection: ConnectionIdBuf) {
        let Some(own) = self.loops.get_mut(id) else { return };
        own.queue.push_back((Order::Delete(connection.clone()), None));
        let (gateway, endpoint) = (own.gateway, own.endpoint.clone());
        self.streams_gone(gateway, std::iter::once((endpoint, connection)));
        self.start(now, id);
    }
}
