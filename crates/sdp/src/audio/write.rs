//! An audio stream as a description, strictly in the form and order of RFC 8866 section 9.

use std::net::IpAddr;

use strowger_sansio::put_decimal;

use super::{AudioDescription, CodecEntry, Direction};
use crate::class::{self, TOKEN};
use crate::edit::address_type;

impl AudioDescription {
    /// Appends the description, with CRLF at each line's end.
    ///
    /// `o=`, `s=` and `t=` are written although MGCP has little use for them, as RFC 3435 section 3.4 asks; every format gets its
    /// `a=rtpmap`, as RFC 3264 section 5.1 asks; `a=sendrecv` is the default and left out. A format whose name is no token,
    /// or whose parameters hold a line end, is left out as a whole: nothing that is put into a field becomes another line.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"v=0\r\no=- ");
        put_decimal(out, self.session_id);
        out.push(b' ');
        put_decimal(out, self.version);
        out.push(b' ');
        let start = out.len();
        put_network(out, self.address);
        let address = start..out.len();
        out.extend_from_slice(b"\r\ns=-\r\nc=");
        out.extend_from_within(address);
        out.extend_from_slice(b"\r\nt=0 0\r\nm=audio ");
        put_decimal(out, self.port.into());
        out.extend_from_slice(b" RTP/AVP");
        self.put_formats(out);
        if let Some(ptime) = self.ptime {
            put_number(out, b"a=ptime:", ptime);
        }
        if let Some(maxptime) = self.maxptime {
            put_number(out, b"a=maxptime:", maxptime);
        }
        if self.direction != Direction::SendRecv {
            out.extend_from_slice(format!("a={}\r\n", self.direction).as_bytes());
        }
        if !self.extended_reports.is_empty() {
            out.extend_from_slice(format!("a=rtcp-xr:{}\r\n", self.extended_reports).as_bytes());
        }
        if let Some(rtcp) = self.rtcp {
            out.extend_from_slice(b"a=rtcp:");
            put_decimal(out, rtcp.port().into());
            if rtcp.ip() != self.address {
                out.push(b' ');
                put_network(out, rtcp.ip());
            }
            out.extend_from_slice(b"\r\n");
        }
    }

    /// The description as octets of its own.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(256);
        self.write(&mut octets);
        octets
    }

    /// The formats of the `m=` line, and what they are.
    fn put_formats(&self, out: &mut Vec<u8>) {
        let codecs = || self.codecs.iter().filter(|entry| is_writable(entry));
        for entry in codecs() {
            out.push(b' ');
            put_decimal(out, entry.payload_type.into());
        }
        if codecs().next().is_none() {
            // A refused stream lists a format all the same, as the grammar wants one.
            out.extend_from_slice(b" 0");
        }
        out.extend_from_slice(b"\r\n");
        for entry in codecs() {
            out.extend_from_slice(b"a=rtpmap:");
            put_decimal(out, entry.payload_type.into());
            out.push(b' ');
            out.extend_from_slice(entry.codec.name().as_bytes());
            out.push(b'/');
            put_decimal(out, entry.clock.into());
            if entry.channels != 1 {
                out.push(b'/');
                put_decimal(out, entry.channels.into());
            }
            out.extend_from_slice(b"\r\n");
            if let Some(fmtp) = &entry.fmtp {
                out.extend_from_slice(b"a=fmtp:");
                put_decimal(out, entry.payload_type.into());
                out.push(b' ');
                out.extend_from_slice(fmtp.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            if entry.is_for_data() {
                out.extend_from_slice(b"a=gpmd:");
                put_decimal(out, entry.payload_type.into());
                out.extend_from_slice(b" vbd=yes\r\n");
            }
        }
    }
}

/// An attribute that is a number, as a line.
fn put_number(out: &mut Vec<u8>, name: &[u8], number: u16) {
    out.extend_from_slice(name);
    put_decimal(out, number.into());
    out.extend_from_slice(b"\r\n");
}

/// The network, the type of address and the address.
fn put_network(out: &mut Vec<u8>, address: IpAddr) {
    out.extend_from_slice(b"IN ");
    out.extend_from_slice(address_type(address).as_bytes());
    out.push(b' ');
    match address {
        IpAddr::V4(v4) => {
            for (place, octet) in v4.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                put_decimal(out, octet.into());
            }
        }
        IpAddr::V6(v6) => out.extend_from_slice(v6.to_string().as_bytes()),
    }
}

fn is_writable(entry: &CodecEntry) -> bool {
    let parameters = entry.fmtp.as_deref().unwrap_or_default();
    class::all(entry.codec.name().as_bytes(), TOKEN)
        && entry.payload_type < 128
        && !parameters.bytes().any(|octet| matches!(octet, b'\r' | b'\n' | 0))
}
