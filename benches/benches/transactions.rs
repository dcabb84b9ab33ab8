//! What the transaction layer and the agent role cost for each command, with a full memory of past transactions.
//!
//! Decoding is not counted: messages are decoded before the clock starts, but for the agent's round trip.

use std::net::SocketAddr;
use std::time::Duration;

use divan::{Bencher, black_box};
use strowger_mgcp::agent::{Agent, AgentConfig, GatewayConfig, GatewayId, NotificationRequest};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Message, TransactionId};
use strowger_mgcp::text::decode;
use strowger_mgcp::transaction::{PeerConfig, ProtocolTimers, Received, TransactionLimits, Transactions};
use strowger_sansio::{Epoch, NodeId, Rng, Time};

fn main() {
    divan::main();
}

const PEER: ([u8; 4], u16) = ([127, 0, 0, 1], 2427);

/// Commands a second, so that the memory holds thirty times as many.
const RATES: [u64; 3] = [100, 1_000, 4_000];

fn layer() -> Transactions<u32> {
    let mut layer = Transactions::new(
        ProtocolTimers::default(),
        TransactionLimits::default(),
        NodeId(0),
        Epoch(0),
        Rng::from_number(1),
    );
    let address = SocketAddr::from(PEER);
    layer.add_peer(PeerConfig::at(address));
    layer
}

/// Receives a new command and answers it.
fn serve(layer: &mut Transactions<u32>, now: Time, template: &Message<'_>, number: u32) {
    let Message::Command(mut command) = *template else { return };
    let Some(id) = TransactionId::new(number % 999_999_999 + 1) else { return };
    command.transaction_id = id;
    let from = SocketAddr::from(PEER);
    if let Received::Execute(token) = layer.receive(now, from, &Message::Command(command)) {
        layer.respond(now, token, b"200 123456789 OK\r\n".to_vec());
    }
    black_box(layer.poll_transmit());
}

#[divan::bench(args = RATES, sample_size = 1000)]
fn command_received_and_answered(bencher: Bencher<'_, '_>, rate: u64) {
    let bytes = b"AUEP 1200 aaln/1@rgw.whatever.net MGCP 1.0\r\n";
    let Ok(template) = decode(bytes, &Limits::DEFAULT) else { return };
    let mut layer = layer();
    let step = Duration::from_nanos(1_000_000_000 / rate);
    let (mut now, mut number) = (Time::from_secs(1), 0_u32);
    let mut next = || {
        // Identifiers as peers draw them: all over the range.
        number = number.wrapping_add(0x9e37_79b9);
        now += step;
        serve(&mut layer, now, &template, number);
    };
    (0..rate * 31).for_each(|_| next());
    bencher.bench_local(next);
}

#[divan::bench(sample_size = 1000)]
fn command_sent_and_answered(bencher: Bencher<'_, '_>) {
    let mut layer = layer();
    let peer = layer.peer_of(SocketAddr::from(PEER));
    let Ok(Message::Response(template)) = decode(b"200 1200 OK\r\n", &Limits::DEFAULT) else { return };
    let mut now = Time::from_secs(1);
    bencher.bench_local(|| {
        let Some(peer) = peer else { return };
        now += Duration::from_micros(250);
        let build = |_| b"AUEP 123456789 aaln/1@rgw.whatever.net MGCP 1.0\r\n".to_vec();
        let id = layer.send(now, peer, build, 1);
        black_box(layer.poll_transmit());
        let mut response = template;
        response.transaction_id = id;
        black_box(layer.receive(now, SocketAddr::from(PEER), &Message::Response(response)));
    });
}

/// An RQNT from the operation to its outcome, codec included.
#[divan::bench(sample_size = 1000)]
fn notification_request_round_trip(bencher: Bencher<'_, '_>) {
    let mut agent = Agent::new(AgentConfig::new(None), NodeId(0), Epoch(0), Rng::from_number(1));
    let gateway = GatewayId(1);
    let config = GatewayConfig::new(gateway, vec![SocketAddr::from(PEER)], "gw1.town", Dialect::RFC3435);
    if agent.add_gateway(Time::ZERO, config).is_err() {
        return;
    }
    let Some(endpoint) = agent.endpoint(gateway, "aaln/1") else { return };
    let mut now = Time::from_secs(1);
    bencher.bench_local(|| {
        now += Duration::from_micros(250);
        agent.notification_request(now, gateway, &endpoint, NotificationRequest::default(), 7_u32);
        let Some(sent) = agent.poll_transmit() else { return };
        let digits: Vec<u8> =
            sent.payload.iter().skip(5).take_while(|byte| **byte != b' ').copied().collect();
        let answer = [b"200 ".as_slice(), &digits, b" OK\r\n"].concat();
        agent.handle_input(now, SocketAddr::from(PEER), &answer);
        black_box(agent.poll_event());
    });
}

/// What a datagram from an address that nobody listed costs.
#[divan::bench(args = [1, 100, 10_000], sample_size = 1000)]
fn stranger_refused(bencher: Bencher<'_, '_>, gateways: u32) {
    let mut agent = Agent::<u32>::new(AgentConfig::new(None), NodeId(0), Epoch(0), Rng::from_number(1));
    for number in 0..gateways {
        let [_, _, high, low] = number.to_be_bytes();
        let address = SocketAddr::from(([10, 0, high, low], 2427));
        let config = GatewayConfig::new(GatewayId(number), vec![address], "gw.town", Dialect::RFC3435);
        if agent.add_gateway(Time::ZERO, config).is_err() {
            return;
        }
    }
    let stranger = SocketAddr::from(([192, 0, 2, 9], 2427));
    bencher.bench_local(|| agent.handle_input(Time::ZERO, black_box(stranger), b"AUEP 1 *@x MGCP 1.0\r\n"));
}
