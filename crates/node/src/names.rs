//! The name service: gateways that are configured by the names of their hosts.

use std::net::{SocketAddr, ToSocketAddrs};

/// How many addresses of a name are kept: more than the interfaces of a gateway.
const MOST: usize = 8;

/// The addresses that a name with a port stands for now. Blocks until the name service has answered; what it does not know is
/// logged, and nothing.
pub(crate) fn look_up(gateway: &str, host: &str) -> Vec<SocketAddr> {
    match host.to_socket_addrs() {
        Ok(found) => {
            let found: Vec<_> = found.take(MOST).collect();
            tracing::info!(?gateway, host, addresses = ?found, "a gateway's name was looked up");
            found
        }
        Err(error) => {
            tracing::warn!(?gateway, host, %error, "a gateway's name cannot be looked up");
            Vec::new()
        }
    }
}
