//! RTP through both gateways: processor time per packet that was passed on.
//!
//! Each pair is a relay endpoint with two connections. The client speaks from one socket into the first connection of every pair, and hears at another
//! what the second connections send. It keeps a window of packets on their way, in turn over all pairs; one that does not come
//! back in time is counted as lost and another is sent.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::gateways::{Peer, osmo, ours};
use crate::{Client, FIRST_OPEN, ROUNDS, compare, description};
use strowger_benches::median;

/// Packets of one round.
const PACKETS: usize = 20_000;
/// A packet that takes longer is lost.
const PATIENCE: Duration = Duration::from_millis(200);
/// Losses in all after which something is wrong.
const MOST_LOST: usize = 2_000;

/// What the pairs carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) pairs: usize,
    pub(crate) window: usize,
    /// Connections that are open and carry nothing.
    pub(crate) idle: usize,
}

impl Load {
    pub(crate) fn name(self) -> String {
        let Self { pairs, window, idle } = self;
        format!("RTP, {pairs} pair{}, window {window}, {idle} idle", if pairs == 1 { "" } else { "s" })
    }
}

/// One stream into the gateway.
struct Stream {
    to: SocketAddr,
    sequence: u16,
}

/// The two ends of all pairs.
struct Ends {
    speaks: UdpSocket,
    hears: UdpSocket,
    streams: Vec<Stream>,
    turn: usize,
    lost: usize,
}

impl Ends {
    /// Makes the pairs on a gateway.
    fn open(client: &mut Client, peer: &Peer, pairs: usize) -> io::Result<Self> {
        let (speaks, hears) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
        hears.set_read_timeout(Some(PATIENCE))?;
        let mut streams = Vec::with_capacity(pairs);
        for pair in 0..pairs {
            let mut ports = [0; 2];
            for (end, port) in [&speaks, &hears].into_iter().zip(&mut ports) {
                let body = format!(
                    "C: 1F\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n\r\n{}",
                    description(end.local_addr()?.port())
                );
                let answer = client.ask(peer, pair, "CRCX", &body)?;
                let media = answer.lines().find_map(|line| line.strip_prefix("m=audio "));
                *port = media
                    .and_then(|media| media.split_whitespace().next()?.parse().ok())
                    .ok_or_else(|| io::Error::other(format!("{}: {answer}", peer.name)))?;
            }
            streams.push(Stream { to: SocketAddr::from(([127, 0, 0, 1], ports[0])), sequence: 0 });
        }
        Ok(Self { speaks, hears, streams, turn: 0, lost: 0 })
    }

    /// Sends the next packet of the next pair.
    fn speak(&mut self) -> io::Result<()> {
        let mut packet = [0x55; 172];
        let (turn, pairs) = (self.turn, self.streams.len());
        self.turn = (turn + 1) % pairs;
        let stream = &mut self.streams[turn];
        stream.sequence = stream.sequence.wrapping_add(1);
        packet[..2].copy_from_slice(&[0x80, 0]);
        packet[2..4].copy_from_slice(&stream.sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(stream.sequence) * 160).to_be_bytes());
        packet[8..12].copy_from_slice(&(0x1000 + turn as u32).to_be_bytes());
        self.speaks.send_to(&packet, stream.to).map(|_| ())
    }

    /// Has so many packets passed on, with a window of them on their way.
    fn pass(&mut self, window: usize, count: usize) -> io::Result<()> {
        let mut buffer = [0; 2048];
        let (mut passed, mut flying) = (0, 0);
        while passed < count {
            while flying < window {
                self.speak()?;
                flying += 1;
            }
            match self.hears.recv(&mut buffer) {
                Ok(172) => {
                    passed += 1;
                    flying -= 1;
                }
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    self.lost += flying;
                    flying = 0;
                    if self.lost > MOST_LOST {
                        return Err(io::Error::other("packets are not passed on"));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// One row: a load, measured on fresh processes of both.
pub(crate) fn measure(load: Load) -> io::Result<()> {
    let mut client = Client::new()?;
    let mut peers = vec![ours(client.address()?, crate::CONNECTIONS)?];
    peers.extend(osmo(&std::env::temp_dir())?);
    let mut ends = Vec::new();
    for peer in &peers {
        client.wait_for(peer)?;
        client.open(peer, FIRST_OPEN.max(load.pairs), load.idle)?;
        let mut pairs = Ends::open(&mut client, peer, load.pairs)?;
        // The first packets of a stream prove it.
        pairs.pass(load.window, 4 * load.pairs.max(load.window))?;
        pairs.lost = 0;
        ends.push(pairs);
    }
    let mut figures = vec![Vec::new(); peers.len()];
    for _ in 0..ROUNDS {
        for ((peer, ends), figures) in peers.iter().zip(&mut ends).zip(&mut figures) {
            let before = peer.cpu();
            ends.pass(load.window, PACKETS)?;
            let used = peer.cpu().saturating_sub(before);
            figures.push(used.as_secs_f64() * 1e6 / PACKETS as f64);
        }
    }
    let lost: usize = ends.iter().map(|ends| ends.lost).sum();
    let note = if lost == 0 { String::new() } else { format!("  ({lost} packets lost)") };
    let medians: Vec<f64> = figures.into_iter().map(median).collect();
    compare(&load.name(), &peers, &medians, &note);
    Ok(())
}
