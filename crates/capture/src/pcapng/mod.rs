//! A writer of capture files in the pcapng format (draft-ietf-opsawg-pcapng).
//!
//! It takes payloads with their addresses and writes raw IP packets, so that tcpdump and Wireshark read what the exchange
//! sent and received. Sans-IO: it writes into a `Vec<u8>` or anything else that is [`Write`]; a [`Capture`] into a file that is to be
//! bounded is closed when [`Capture::written`] says so.
//!
//! Blocks: a section header, one interface with nanoseconds, names of addresses (as asked), packets with direction and comment,
//! and counters at the end. All numbers little-endian, each block padded to four octets.

mod frame;

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use strowger_sansio::Time;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const NAMES: u32 = 4;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;

/// Packets that begin with their IP header.
const LINKTYPE_RAW: u16 = 101;

const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const NRB_IPV4: u16 = 1;
const NRB_IPV6: u16 = 2;

/// The most that one option or name record holds.
const LONGEST_TEXT: usize = 1_000;

/// Which way a packet went, as the host that captured it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It was received.
    In,
    /// It was sent.
    Out,
    /// The host only looked on, as the simulator does.
    Unknown,
}

/// A capture file being written.
#[derive(Debug)]
pub struct Capture<W: Write> {
    out: W,
    block: Vec<u8>,
    /// Nanoseconds from 1970 to the origin of [`Time`].
    origin: u64,
    latest: u64,
    identification: u16,
    packets: u64,
    dropped: u64,
    written: u64,
}

impl<W: Write> Capture<W> {
    /// Begins a file. `origin` is the time since 1970 at the origin of the [`Time`]s that follow; a simulated run takes any.
    ///
    /// # Errors
    /// What the output says.
    pub fn new(out: W, interface: &str, origin: std::time::Duration) -> io::Result<Self> {
        let origin = u64::try_from(origin.as_nanos()).unwrap_or(u64::MAX);
        let mut capture = Self {
            out,
            block: Vec::with_capacity(512),
            origin,
            latest: origin,
            identification: 0,
            packets: 0,
            dropped: 0,
            written: 0,
        };
        // Byte order, version 1.0, section of unknown length.
        capture.block.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
        capture.block.extend_from_slice(&[1, 0, 0, 0]);
        capture.block.extend_from_slice(&u64::MAX.to_le_bytes());
        capture.text_option(SHB_USERAPPL, concat!("strowger ", env!("CARGO_PKG_VERSION")));
        capture.end_options();
        capture.finish_block(SECTION_HEADER)?;
        capture.block.extend_from_slice(&LINKTYPE_RAW.to_le_bytes());
        // Reserved; no limit to a packet's length.
        capture.block.extend_from_slice(&[0; 6]);
        capture.text_option(IF_NAME, interface);
        capture.option(IF_TSRESOL, &[9]);
        capture.end_options();
        capture.finish_block(INTERFACE)?;
        Ok(capture)
    }

    /// Names hosts, for tools that show names in place of addresses.
    ///
    /// # Errors
    /// What the output says.
    pub fn names<'n>(&mut self, names: impl IntoIterator<Item = (IpAddr, &'n str)>) -> io::Result<()> {
        for (host, name) in names {
            // A record's strings end with a NUL, so a name cannot hold one.
            let name: Vec<u8> =
                name.bytes().filter(|octet| *octet != 0).take(LONGEST_TEXT).chain([0]).collect();
            match host {
                IpAddr::V4(host) => self.option(NRB_IPV4, &[&host.octets()[..], &name].concat()),
                IpAddr::V6(host) => self.option(NRB_IPV6, &[&host.octets()[..], &name].concat()),
            }
        }
        self.end_options();
        self.finish_block(NAMES)
    }

    /// Writes a datagram with the headers that it would have had. One that is too long to be a datagram is counted as
    /// dropped.
    ///
    /// # Errors
    /// What the output says; the file then ends in a block that is not whole.
    pub fn udp(
        &mut self,
        time: Time,
        from: SocketAddr,
        to: SocketAddr,
        payload: &[u8],
        way: Way,
        comment: Option<&str>,
    ) -> io::Result<()> {
        let mut packet = std::mem::take(&mut self.block);
        packet.resize(20, 0);
        if !frame::udp(&mut packet, self.identification, from, to, payload) {
            packet.clear();
            self.block = packet;
            self.dropped += 1;
            return Ok(());
        }
        self.identification = self.identification.wrapping_add(1);
        self.latest = self.origin.saturating_add(time.as_nanos());
        let length = u32::try_from(packet.len() - 20).unwrap_or(u32::MAX).to_le_bytes();
        let [high, low] = halves(self.latest);
        let head = [[0; 4], high, low, length, length].concat();
        if let Some(slot) = packet.get_mut(..20) {
            slot.copy_from_slice(&head);
        }
        self.block = packet;
        self.pad();
        if let Some(comment) = comment {
            self.text_option(OPT_COMMENT, comment);
        }
        let flags: u32 = match way {
            Way::Unknown => 0,
            Way::In => 1,
            Way::Out => 2,
        };
        self.option(EPB_FLAGS, &flags.to_le_bytes());
        self.end_options();
        self.packets += 1;
        self.finish_block(PACKET)
    }

    /// Octets written so far: what a bounded file is closed by.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Packets written so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Lets the output write what it holds back.
    ///
    /// # Errors
    /// What the output says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the file with its counters and gives the output back. A file that was not ended is whole, too.
    ///
    /// # Errors
    /// What the output says.
    pub fn finish(mut self) -> io::Result<W> {
        let [high, low] = halves(self.latest);
        self.block.extend_from_slice(&[[0; 4], high, low].concat());
        let (received, dropped) = ((self.packets + self.dropped).to_le_bytes(), self.dropped.to_le_bytes());
        self.option(ISB_IFRECV, &received);
        self.option(ISB_IFDROP, &dropped);
        self.end_options();
        self.finish_block(STATISTICS)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn text_option(&mut self, code: u16, text: &str) {
        let mut end = text.len().min(LONGEST_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.option(code, text.get(..end).unwrap_or_default().as_bytes());
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.block.extend_from_slice(&code.to_le_bytes());
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(value);
        self.pad();
    }

    fn end_options(&mut self) {
        self.block.extend_from_slice(&[0; 4]);
    }

    fn pad(&mut self) {
        let padded = self.block.len().next_multiple_of(4);
        self.block.resize(padded, 0);
    }

    /// Writes what was gathered as one block: type, length, body, length.
    fn finish_block(&mut self, kind: u32) -> io::Result<()> {
        let length = self.block.len() + 12;
        let octets = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let whole = [&kind.to_le_bytes()[..], &octets, &self.block, &octets].concat();
        self.block.clear();
        self.out.write_all(&whole)?;
        self.written += length as u64;
        Ok(())
    }
}

/// A time as the format writes it: the upper half first, each little-endian.
fn halves(nanos: u64) -> [[u8; 4]; 2] {
    [((nanos >> 32) as u32).to_le_bytes(), (nanos as u32).to_le_bytes()]
}

#[cfg(test)]
mod tests;
