//! A software gateway on real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use strowger_mgcp::gateway::{CallAgent, GatewayConfig};
use strowger_node::clock::Clock;
use strowger_node::gateway::{GatewayHost, HostConfig, Observer};
use strowger_sansio::Rng;
use strowger_softgateway::{Event, SoftGatewayConfig};

struct Nobody;

impl Observer for Nobody {
    fn event(&mut self, _: Event) {}
}

/// Far longer than an ICMP error takes, and far shorter than Max1 repetitions do.
const PATIENCE: Duration = Duration::from_secs(3);

#[test]
#[cfg(target_os = "linux")]
fn a_call_agent_whose_port_is_closed_is_passed_over_at_once() {
    pass_over(Duration::ZERO);
}

#[test]
#[cfg(target_os = "linux")]
fn a_gateway_that_stays_awake_hears_of_a_closed_port_as_well() {
    pass_over(Duration::from_micros(200));
}

#[cfg(target_os = "linux")]
fn pass_over(busy_poll: Duration) {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let alive = UdpSocket::bind("127.0.0.1:0").unwrap();
    alive.set_read_timeout(Some(PATIENCE)).unwrap();
    let others = vec![alive.local_addr().unwrap()];
    let mut gateway = GatewayConfig::new("gw1.town", CallAgent { others, ..CallAgent::at(closed) });
    gateway.timers.protocol.mwd = Duration::ZERO;
    let config = HostConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        rtp_ports: None,
        connections: 1,
        recordings: None,
        busy_poll,
        gateway: SoftGatewayConfig::new(gateway.with_lines(1)),
    };
    let host = GatewayHost::start(config, Clock::start(), Rng::from_number(1), Box::new(Nobody)).unwrap();
    let mut buffer = [0; 4096];
    let (length, from) = alive.recv_from(&mut buffer).expect("the second address is tried");
    assert_eq!(from, host.address());
    assert!(buffer[..length].starts_with(b"RSIP "));
}
