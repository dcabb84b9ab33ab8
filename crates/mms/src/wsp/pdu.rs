//! The PDUs of WSP (WAP-230 section 8.2): connectionless ones, which begin with a transaction identifier, and those of
//! sessions, whose identifier is in the header of WTP.

use std::fmt;

use super::content_type::ContentType;
use super::header::Headers;
use crate::error::{DecodeError, Fault, Rule};
use crate::limits::Limits;
use crate::octets::{Reader, put_counted, put_size, put_uintvar};
use crate::text::Text;

/// A PDU. What it holds was checked; it borrows from the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pdu<'a> {
    /// 01: a client begins a session.
    Connect(Connect<'a>),
    /// 02: a server accepts it.
    ConnectReply(ConnectReply<'a>),
    /// 03: a server names other addresses.
    Redirect(Redirect<'a>),
    /// 04: the answer to a method.
    Reply(Reply<'a>),
    /// 05: the end of a session.
    Disconnect {
        /// The session.
        session: u32,
    },
    /// 06: a push that nobody confirms.
    Push(Push<'a>),
    /// 07: a push within a session, which the client confirms.
    ConfirmedPush(Push<'a>),
    /// 08: a session is put aside.
    Suspend {
        /// The session.
        session: u32,
    },
    /// 09: and taken up again.
    Resume(Resume<'a>),
    /// 40 to 44, and 50 to 5f for extended methods: a method without data.
    Get(Get<'a>),
    /// 60 and 61, and 70 to 7f for extended methods: a method with data.
    Post(Post<'a>),
    /// 80: more data of a message too long for one PDU.
    DataFragment {
        /// Headers and data, which belong to the fragments before.
        body: &'a [u8],
    },
}

/// The beginning of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Major version in the upper half, minor in the lower: 10 is 1.0.
    pub version: u8,
    /// The capabilities.
    pub capabilities: Capabilities<'a>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// The acceptance of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectReply<'a> {
    /// The session.
    pub session: u32,
    /// The capabilities.
    pub capabilities: Capabilities<'a>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// Other addresses for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// Bit 7: for good; bit 6: the security session may be used again.
    pub flags: u8,
    /// The addresses, as they are on the wire.
    pub addresses: Addresses<'a>,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The status: see [`http_status`](super::table::http_status).
    pub status: u8,
    /// What the data are.
    pub content_type: ContentType<'a>,
    /// The headers.
    pub headers: Headers<'a>,
    /// The data.
    pub data: &'a [u8],
}

/// A push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    /// What the data are.
    pub content_type: ContentType<'a>,
    /// The headers.
    pub headers: Headers<'a>,
    /// The data.
    pub data: &'a [u8],
}

/// A session taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume<'a> {
    /// The session.
    pub session: u32,
    /// The capabilities.
    pub capabilities: Capabilities<'a>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// A method without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get<'a> {
    /// The type of the PDU: 40 Get, 41 Options, 42 Head, 43 Delete, 44 Trace, 50 to 5f extended.
    pub method: u8,
    /// The resource.
    pub uri: Text<'a>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// A method with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post<'a> {
    /// The type of the PDU: 60 Post, 61 Put, 70 to 7f extended.
    pub method: u8,
    /// The resource.
    pub uri: Text<'a>,
    /// What the data are.
    pub content_type: ContentType<'a>,
    /// The headers.
    pub headers: Headers<'a>,
    /// The data.
    pub data: &'a [u8],
}

/// Types of PDUs by their code.
pub const PDU_TYPES: &[(u8, &str)] = &[
    (0x01, "Connect"),
    (0x02, "ConnectReply"),
    (0x03, "Redirect"),
    (0x04, "Reply"),
    (0x05, "Disconnect"),
    (0x06, "Push"),
    (0x07, "ConfirmedPush"),
    (0x08, "Suspend"),
    (0x09, "Resume"),
    (0x40, "Get"),
    (0x41, "Options"),
    (0x42, "Head"),
    (0x43, "Delete"),
    (0x44, "Trace"),
    (0x60, "Post"),
    (0x61, "Put"),
    (0x80, "DataFragment"),
];

impl<'a> Pdu<'a> {
    /// The code of its type.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Connect(_) => 0x01,
            Self::ConnectReply(_) => 0x02,
            Self::Redirect(_) => 0x03,
            Self::Reply(_) => 0x04,
            Self::Disconnect { .. } => 0x05,
            Self::Push(_) => 0x06,
            Self::ConfirmedPush(_) => 0x07,
            Self::Suspend { .. } => 0x08,
            Self::Resume(_) => 0x09,
            Self::Get(get) => get.method,
            Self::Post(post) => post.method,
            Self::DataFragment { .. } => 0x80,
        }
    }

    /// The name of its type.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let code = self.code();
        PDU_TYPES.iter().find(|(known, _)| *known == code).map_or("extended method", |(_, name)| name)
    }

    fn read(mut reader: Reader<'a>, limits: &Limits) -> Result<Self, Fault> {
        let start = reader.offset();
        match reader.octet()? {
            0x01 => {
                let version = reader.octet()?;
                let (capabilities, headers) = both(&mut reader, limits)?;
                // Data behind the headers do not belong to a session's beginning.
                reader.finish(Rule::Trailing)?;
                Ok(Self::Connect(Connect { version, capabilities, headers }))
            }
            0x02 => {
                let session = reader.uintvar()?;
                let (capabilities, headers) = both(&mut reader, limits)?;
                reader.finish(Rule::Trailing)?;
                Ok(Self::ConnectReply(ConnectReply { session, capabilities, headers }))
            }
            0x03 => {
                let flags = reader.octet()?;
                let addresses = Addresses::read(reader)?;
                Ok(Self::Redirect(Redirect { flags, addresses }))
            }
            0x04 => {
                let status = reader.octet()?;
                let Push { content_type, headers, data } = content(&mut reader, limits)?;
                Ok(Self::Reply(Reply { status, content_type, headers, data }))
            }
            0x05 => session(reader).map(|session| Self::Disconnect { session }),
            0x06 => content(&mut reader, limits).map(Self::Push),
            0x07 => content(&mut reader, limits).map(Self::ConfirmedPush),
            0x08 => session(reader).map(|session| Self::Suspend { session }),
            0x09 => {
                let session = reader.uintvar()?;
                let length = reader.length()?;
                let capabilities = Capabilities::read(reader.sub(length, Rule::LengthPastEnd)?)?;
                let headers = Headers::read(reader, limits.headers)?;
                Ok(Self::Resume(Resume { session, capabilities, headers }))
            }
            method @ (0x40..=0x44 | 0x50..=0x5f) => {
                let length = reader.length()?;
                let uri = Text::of(uri(&mut reader, length)?);
                let headers = Headers::read(reader, limits.headers)?;
                Ok(Self::Get(Get { method, uri, headers }))
            }
            method @ (0x60..=0x61 | 0x70..=0x7f) => {
                let length = reader.length()?;
                let headers_length = reader.length()?;
                let uri = Text::of(uri(&mut reader, length)?);
                let (content_type, headers) = typed(&mut reader, headers_length, limits)?;
                Ok(Self::Post(Post { method, uri, content_type, headers, data: reader.rest() }))
            }
            0x80 => Ok(Self::DataFragment { body: reader.rest() }),
            _ => Err(Fault::at(start, Rule::PduType)),
        }
    }

    /// Appends the PDU.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.code());
        match self {
            Self::Connect(connect) => {
                out.push(connect.version);
                put_both(&connect.capabilities, &connect.headers, out);
            }
            Self::ConnectReply(reply) => {
                put_uintvar(reply.session, out);
                put_both(&reply.capabilities, &reply.headers, out);
            }
            Self::Redirect(redirect) => {
                out.push(redirect.flags);
                out.extend_from_slice(redirect.addresses.bytes);
            }
            Self::Reply(reply) => {
                out.push(reply.status);
                put_content(&reply.content_type, &reply.headers, reply.data, out);
            }
            Self::Disconnect { session } | Self::Suspend { session } => put_uintvar(*session, out),
            Self::Push(push) | Self::ConfirmedPush(push) => {
                put_content(&push.content_type, &push.headers, push.data, out);
            }
            Self::Resume(resume) => {
                put_uintvar(resume.session, out);
                put_size(resume.capabilities.bytes.len(), out);
                out.extend_from_slice(resume.capabilities.bytes);
                out.extend_from_slice(resume.headers.as_bytes());
            }
            Self::Get(get) => {
                put_size(get.uri.as_bytes().len(), out);
                out.extend_from_slice(get.uri.as_bytes());
                out.extend_from_slice(get.headers.as_bytes());
            }
            Self::Post(post) => {
                put_size(post.uri.as_bytes().len(), out);
                let mut block = Vec::new();
                post.content_type.write(&mut block);
                block.extend_from_slice(post.headers.as_bytes());
                put_size(block.len(), out);
                out.extend_from_slice(post.uri.as_bytes());
                out.extend_from_slice(&block);
                out.extend_from_slice(post.data);
            }
            Self::DataFragment { body } => out.extend_from_slice(body),
        }
    }
}

/// A URI, which has a length and no NUL.
fn uri<'a>(reader: &mut Reader<'a>, length: usize) -> Result<&'a [u8], Fault> {
    let start = reader.offset();
    let uri = reader.take(length, Rule::LengthPastEnd)?;
    match memchr::memchr(0, uri) {
        Some(at) => Err(Fault::at(start + at, Rule::TextExpected)),
        None => Ok(uri),
    }
}

fn session(mut reader: Reader<'_>) -> Result<u32, Fault> {
    let session = reader.uintvar()?;
    reader.finish(Rule::Trailing)?;
    Ok(session)
}

fn both<'a>(reader: &mut Reader<'a>, limits: &Limits) -> Result<(Capabilities<'a>, Headers<'a>), Fault> {
    let capabilities = reader.length()?;
    let headers = reader.length()?;
    let capabilities = Capabilities::read(reader.sub(capabilities, Rule::LengthPastEnd)?)?;
    let headers = Headers::read(reader.sub(headers, Rule::LengthPastEnd)?, limits.headers)?;
    Ok((capabilities, headers))
}

fn put_both(capabilities: &Capabilities<'_>, headers: &Headers<'_>, out: &mut Vec<u8>) {
    put_size(capabilities.bytes.len(), out);
    put_size(headers.as_bytes().len(), out);
    out.extend_from_slice(capabilities.bytes);
    out.extend_from_slice(headers.as_bytes());
}

/// The length of headers, the content type and headers that it covers, and the data behind them.
#[inline]
fn content<'a>(reader: &mut Reader<'a>, limits: &Limits) -> Result<Push<'a>, Fault> {
    let length = reader.length()?;
    let (content_type, headers) = typed(reader, length, limits)?;
    Ok(Push { content_type, headers, data: reader.rest() })
}

#[inline]
fn typed<'a>(
    reader: &mut Reader<'a>,
    length: usize,
    limits: &Limits,
) -> Result<(ContentType<'a>, Headers<'a>), Fault> {
    let mut block = reader.sub(length, Rule::LengthPastEnd)?;
    if block.is_empty() {
        return Err(Fault::at(block.offset(), Rule::HeadersLength));
    }
    let content_type = ContentType::read(&mut block)?;
    let headers = Headers::read(block, limits.headers)?;
    Ok((content_type, headers))
}

#[inline]
fn put_content(content_type: &ContentType<'_>, headers: &Headers<'_>, data: &[u8], out: &mut Vec<u8>) {
    put_counted(out, |out| {
        content_type.write(out);
        out.extend_from_slice(headers.as_bytes());
    });
    out.extend_from_slice(data);
}

/// A datagram of the connectionless service: a transaction identifier and a PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connectionless<'a> {
    /// The transaction identifier.
    pub tid: u8,
    /// The PDU.
    pub pdu: Pdu<'a>,
}

impl Connectionless<'_> {
    /// Appends the datagram.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.tid);
        self.pdu.write(out);
    }
}

/// Decodes a PDU within a session.
///
/// # Errors
/// [`DecodeError`] with the offset, an excerpt and the rule broken.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Pdu<'a>, DecodeError> {
    size(bytes, limits)
        .and_then(|()| Pdu::read(Reader::new(bytes).limited(limits.text), limits))
        .map_err(|fault| DecodeError::from_fault(bytes, fault))
}

/// Decodes a datagram of the connectionless service.
///
/// # Errors
/// [`DecodeError`] with the offset, an excerpt and the rule broken.
#[inline]
pub fn decode_connectionless<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Connectionless<'a>, DecodeError> {
    let read = || {
        size(bytes, limits)?;
        let mut reader = Reader::new(bytes).limited(limits.text);
        let tid = reader.octet()?;
        Ok(Connectionless { tid, pdu: Pdu::read(reader, limits)? })
    };
    read().map_err(|fault| DecodeError::from_fault(bytes, fault))
}

fn size(bytes: &[u8], limits: &Limits) -> Result<(), Fault> {
    if bytes.len() > limits.bytes { Err(Fault::at(limits.bytes, Rule::Size)) } else { Ok(()) }
}

/// Appends a connectionless push of an MMS message: `TID 06 03 BE AF 84` and the message.
#[inline]
pub fn encode_mms_push(tid: u8, message: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[tid, 0x06, 0x03, 0xbe, 0xaf, 0x84]);
    out.extend_from_slice(message);
}

/// The names of capabilities (WSP table 37) by their number.
pub const CAPABILITIES: &[(u8, &str)] = &[
    (0x00, "Client-SDU-Size"),
    (0x01, "Server-SDU-Size"),
    (0x02, "Protocol Options"),
    (0x03, "Method-MOR"),
    (0x04, "Push-MOR"),
    (0x05, "Extended Methods"),
    (0x06, "Header Code Pages"),
    (0x07, "Aliases"),
    (0x08, "Client-Message-Size"),
    (0x09, "Server-Message-Size"),
];

/// Capabilities (WSP 8.3), checked and as they are on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Capabilities<'a> {
    bytes: &'a [u8],
}

/// One capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability<'a> {
    /// Its number, see [`CAPABILITIES`]; none when it has a name.
    pub number: Option<u8>,
    /// Its name where it has no number.
    pub name: Option<Text<'a>>,
    /// The parameters, as they are on the wire.
    pub parameters: &'a [u8],
}

impl Capability<'_> {
    /// The value of a capability that is an integer of variable length, such as a size.
    #[must_use]
    pub fn uintvar(&self) -> Option<u32> {
        let mut reader = Reader::new(self.parameters);
        let value = reader.uintvar().ok()?;
        reader.is_empty().then_some(value)
    }
}

impl<'a> Capabilities<'a> {
    /// No capabilities.
    pub const NONE: Capabilities<'static> = Capabilities { bytes: &[] };

    /// The capabilities, in order.
    pub fn iter(&self) -> impl Iterator<Item = Capability<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || if reader.is_empty() { None } else { capability(&mut reader).ok() })
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn read(mut reader: Reader<'a>) -> Result<Self, Fault> {
        let bytes = reader.rest();
        while !reader.is_empty() {
            capability(&mut reader)?;
        }
        Ok(Self { bytes })
    }
}

impl fmt::Debug for Capabilities<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A length, then a number or a name, then parameters.
fn capability<'a>(reader: &mut Reader<'a>) -> Result<Capability<'a>, Fault> {
    let length = reader.length()?;
    let mut inner = reader.sub(length, Rule::LengthPastEnd)?;
    match inner.peek() {
        Some(number @ 0x80..) => {
            inner.skip(1);
            Ok(Capability { number: Some(number & 0x7f), name: None, parameters: inner.rest() })
        }
        Some(_) => {
            let name = Text::of(inner.text()?);
            Ok(Capability { number: None, name: Some(name), parameters: inner.rest() })
        }
        None => Err(Fault::at(inner.offset(), Rule::Ends)),
    }
}

/// Capabilities that are put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilitiesBuf(Vec<u8>);

impl CapabilitiesBuf {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a capability more, by its number.
    #[must_use]
    pub fn with(mut self, number: u8, parameters: &[u8]) -> Self {
        put_size(parameters.len() + 1, &mut self.0);
        self.0.push(number | 0x80);
        self.0.extend_from_slice(parameters);
        self
    }

    /// With a size or a number of outstanding requests.
    #[must_use]
    pub fn uintvar(self, number: u8, value: u32) -> Self {
        let mut parameters = Vec::new();
        put_uintvar(value, &mut parameters);
        self.with(number, &parameters)
    }

    /// The capabilities.
    #[must_use]
    pub fn as_capabilities(&self) -> Capabilities<'_> {
        Capabilities { bytes: &self.0 }
    }
}

/// Addresses (WSP 8.2.2.3), checked and as they are on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Addresses<'a> {
    bytes: &'a [u8],
}

/// One address: bearer, port and address, each if it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BearerAddress<'a> {
    /// The type of the bearer.
    pub bearer: Option<u8>,
    /// The port.
    pub port: Option<u16>,
    /// The address: 4 octets of IPv4, 16 of IPv6, digits of another bearer.
    pub address: &'a [u8],
}

impl<'a> Addresses<'a> {
    /// The addresses, in order.
    pub fn iter(&self) -> impl Iterator<Item = BearerAddress<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || if reader.is_empty() { None } else { address(&mut reader).ok() })
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Addresses from their octets.
    ///
    /// # Errors
    /// [`DecodeError`] where they are malformed.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Reader::new(bytes)).map_err(|fault| DecodeError::from_fault(bytes, fault))
    }

    fn read(mut reader: Reader<'a>) -> Result<Self, Fault> {
        let bytes = reader.rest();
        while !reader.is_empty() {
            address(&mut reader)?;
        }
        Ok(Self { bytes })
    }
}

impl fmt::Debug for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One octet: bit 7 a bearer follows, bit 6 a port follows, the rest is the length of the address.
fn address<'a>(reader: &mut Reader<'a>) -> Result<BearerAddress<'a>, Fault> {
    let flags = reader.octet()?;
    let bearer = if flags & 0x80 != 0 { Some(reader.octet()?) } else { None };
    let port = if flags & 0x40 != 0 {
        let high = reader.octet()?;
        Some(u16::from_be_bytes([high, reader.octet()?]))
    } else {
        None
    };
    let address = reader.take(usize::from(flags & 0x3f), Rule::LengthPastEnd)?;
    Ok(BearerAddress { bearer, port, address })
}
