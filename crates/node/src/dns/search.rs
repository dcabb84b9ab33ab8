//! The names of trunks, looked for at the start and again when what was found has grown old.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use strowger_exchange::{Inventory, SipTransport, TrunkEntry, TrunkName};
use strowger_sansio::Rng;
use strowger_sip::Transport;
use strowger_sip::locate::Target;
use strowger_sip::message::Secure;
use tokio::sync::mpsc;

use super::Resolver;
use crate::node::{StartError, secret};
use crate::shard::Request;
use crate::tls::ClientTls;

/// The search for one trunk's peer.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    resolver: Resolver,
    trunk: String,
    target: Target,
    transports: Vec<Transport>,
    local: IpAddr,
    rng: Rng,
}

impl Search {
    /// The searches for all trunks that are known by names. TLS comes into question for those whose authorities are named.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub(crate) fn all(
        inventory: &Inventory,
        tls: &BTreeMap<String, ClientTls>,
        servers: &[SocketAddr],
    ) -> Result<Vec<Self>, StartError> {
        let resolver = Resolver::new(servers);
        let named = inventory.trunks.iter().filter_map(|trunk| Some((trunk, trunk.name.as_ref()?)));
        let mut searches = Vec::new();
        for (trunk, name) in named {
            let transports: Vec<_> = inventory
                .sip
                .iter()
                .map(|socket| socket.transport)
                .filter(|transport| *transport != SipTransport::Tls || tls.contains_key(&trunk.id))
                .collect();
            let Some(local) = inventory.sip.first().map(|socket| socket.address.ip()) else { continue };
            let (resolver, trunk, target) = (resolver.clone(), trunk.id.clone(), target_of(trunk, name));
            searches.push(Self { resolver, trunk, target, transports, local, rng: secret()? });
        }
        Ok(searches)
    }

    /// Looks for the peer until the shard has ended. What was found holds when it cannot be found again.
    pub(crate) async fn go_on(mut self, to: mpsc::WeakSender<Request>) {
        loop {
            let Self { resolver, target, transports, local, .. } = self.clone();
            let rng = self.rng.fork();
            let found =
                tokio::task::spawn_blocking(move || resolver.find(target, &transports, local, rng)).await;
            let (Ok(found), Some(to)) = (found, to.upgrade()) else { return };
            let (trunk, name) = (&self.trunk, &self.target.name);
            if found.destinations.is_empty() {
                tracing::warn!(trunk, name, "a trunk's name leads nowhere");
            } else {
                tracing::info!(trunk, name, places = ?found.destinations, "a trunk's name was looked up");
                if to.send(Request::Located(trunk.clone(), found.destinations)).await.is_err() {
                    return;
                }
            }
            drop(to);
            tokio::time::sleep(found.lasts).await;
        }
    }
}

fn target_of(trunk: &TrunkEntry, name: &TrunkName) -> Target {
    Target {
        name: name.name.clone(),
        port: name.port,
        transport: name.transport,
        secure: if trunk.sips { Secure::Sips } else { Secure::Sip },
    }
}
