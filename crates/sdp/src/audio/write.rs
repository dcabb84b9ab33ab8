//! An audio stream as a description, strictly in the form and order of RFC 8866 section 9.

use std::fmt::Write as _;
use std::net::SocketAddr;

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
        out.extend_from_slice(self.to_text().as_bytes());
    }

    /// The description as octets of its own.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_text().into_bytes()
    }

    fn to_text(&self) -> String {
        let mut text = String::with_capacity(256);
        // Writing to a String cannot fail.
        let _ = self.format(&mut text);
        text
    }

    fn format(&self, text: &mut String) -> std::fmt::Result {
        let kind = address_type(self.address);
        let address = self.address;
        write!(text, "v=0\r\no=- {} {} IN {kind} {address}\r\ns=-\r\n", self.session_id, self.version)?;
        write!(text, "c=IN {kind} {address}\r\nt=0 0\r\nm=audio {} RTP/AVP", self.port)?;
        let codecs = || self.codecs.iter().filter(|entry| is_writable(entry));
        for entry in codecs() {
            write!(text, " {}", entry.payload_type)?;
        }
        if codecs().next().is_none() {
            // A refused stream lists a format all the same, as the grammar wants one.
            text.push_str(" 0");
        }
        text.push_str("\r\n");
        for entry in codecs() {
            write!(text, "a=rtpmap:{} {}/{}", entry.payload_type, entry.codec.name(), entry.clock)?;
            if entry.channels != 1 {
                write!(text, "/{}", entry.channels)?;
            }
            text.push_str("\r\n");
            if let Some(fmtp) = &entry.fmtp {
                write!(text, "a=fmtp:{} {fmtp}\r\n", entry.payload_type)?;
            }
        }
        if let Some(ptime) = self.ptime {
            write!(text, "a=ptime:{ptime}\r\n")?;
        }
        if let Some(maxptime) = self.maxptime {
            write!(text, "a=maxptime:{maxptime}\r\n")?;
        }
        if self.direction != Direction::SendRecv {
            write!(text, "a={}\r\n", self.direction)?;
        }
        if !self.extended_reports.is_empty() {
            write!(text, "a=rtcp-xr:{}\r\n", self.extended_reports)?;
        }
        match self.rtcp {
            Some(rtcp) if rtcp.ip() != self.address => self.rtcp_elsewhere(text, rtcp),
            Some(rtcp) => write!(text, "a=rtcp:{}\r\n", rtcp.port()),
            None => Ok(()),
        }
    }

    fn rtcp_elsewhere(&self, text: &mut String, rtcp: SocketAddr) -> std::fmt::Result {
        write!(text, "a=rtcp:{} IN {} {}\r\n", rtcp.port(), address_type(rtcp.ip()), rtcp.ip())
    }
}

fn is_writable(entry: &CodecEntry) -> bool {
    let parameters = entry.fmtp.as_deref().unwrap_or_default();
    class::all(entry.codec.name().as_bytes(), TOKEN)
        && entry.payload_type < 128
        && !parameters.bytes().any(|octet| matches!(octet, b'\r' | b'\n' | 0))
}
