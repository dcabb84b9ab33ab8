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

#[test]
#[cfg(target_os = "linux")]
fn packets_that_nobody_takes_are_told_of_where_that_is_wanted() {
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    agent.set_read_timeout(Some(PATIENCE)).unwrap();
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut gateway = GatewayConfig::new("gw1.town", CallAgent::at(agent.local_addr().unwrap()));
    gateway.timers.protocol.mwd = Duration::ZERO;
    let config = HostConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        rtp_ports: None,
        connections: 1,
        busy_poll: Duration::ZERO,
        recordings: None,
        gateway: SoftGatewayConfig::new(gateway.with_lines(1)),
    };
    let host = GatewayHost::start(config, Clock::start(), Rng::from_number(1), Box::new(Nobody)).unwrap();
    // The next message that begins so; what the gateway says is acknowledged.
    let await_one = |start: &str| loop {
        let mut buffer = [0; 4096];
        let (length, from) = agent.recv_from(&mut buffer).expect(start);
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if let Some(id) = text.split(' ').nth(1).filter(|_| text.starts_with(['R', 'N'])) {
            agent.send_to(format!("200 {id} OK\r\n").as_bytes(), from).unwrap();
        }
        if text.starts_with(start) {
            return text;
        }
    };
    let ask = |text: &str| agent.send_to(text.as_bytes(), host.address()).unwrap();
    await_one("RSIP ");
    ask(&format!(
        "CRCX 71 aaln/1@gw1.town MGCP 1.0\r\nC: 1\r\nL: a:PCMU\r\nM: sendrecv\r\n\r\n\
         v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {closed} RTP/AVP 0\r\n"
    ));
    let created = await_one("200 71 ");
    let id = created.lines().find_map(|line| line.strip_prefix("I: ")).unwrap().to_owned();
    ask(&format!("RQNT 72 aaln/1@gw1.town MGCP 1.0\r\nX: 1\r\nR: r/iu@{id}(N)(2)\r\n"));
    await_one("200 72 ");
    let told = await_one("NTFY ");
    // Code 3: the port is closed.
    assert!(told.contains(&format!("O: R/iu@{id}(2,3)\r\n")), "{told}");
}
