//! The one image stream of a fax connection: T.38 over UDPTL (ITU-T T.38 Annex D, RFC 3435 section 3.4, RFC 5347).
//!
//! The attributes of T.38 are kept as they came, in their order and letter by letter, and read when somebody asks: a relay
//! hands them on to the other side, whatever version of the recommendation they are of.
//!
//! Limits: UDPTL only; T.38 over TCP or RTP is a fault.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::field::{Connection, Host, Origin, Wild};
use crate::session::{MediaDescription, SessionDescription};

/// Why a description has no image stream that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ImageFault {
    /// There is no `m=image` line.
    NoImage,
    /// Neither the stream nor the session has a `c=` line.
    NoConnection,
    /// The address is not one of the Internet, written as numbers.
    Address,
    /// A wildcard stands where a value is needed.
    Wildcard,
    /// The transport is not UDPTL.
    Transport,
    /// The format is not T.38.
    Format,
}

impl ImageFault {
    /// The fault in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoImage => "there must be an m=image line",
            Self::NoConnection => "the stream or the session needs a c= line",
            Self::Address => "the address must be one of the Internet, as numbers",
            Self::Wildcard => "a value is needed in place of the wildcard",
            Self::Transport => "the transport must be udptl",
            Self::Format => "the format must be t38",
        }
    }
}

impl fmt::Display for ImageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for ImageFault {}

/// How data are managed in a T.38 session (`T38FaxRateManagement`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateManagement {
    /// The gateways check the training themselves; not for UDP.
    LocalTcf,
    /// The training check is passed from end to end.
    TransferredTcf,
}

/// The error correction of UDPTL (`T38FaxUdpEC`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UdpErrorCorrection {
    /// None (`t38UDPNoEC`).
    None,
    /// Forward error correction (`t38UDPFEC`).
    Forward,
    /// Earlier packets again (`t38UDPRedundancy`).
    Redundancy,
}

/// The `a=T38…` lines of a stream, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct T38Parameters(Vec<(String, Option<Vec<u8>>)>);

impl T38Parameters {
    /// What any T.38 device of version 0 understands: training checked from end to end, redundancy against loss.
    #[must_use]
    pub fn usual() -> Self {
        let line = |(name, value): (&str, &str)| (name.to_owned(), Some(value.as_bytes().to_vec()));
        let lines = [
            ("T38FaxVersion", "0"),
            ("T38MaxBitRate", "14400"),
            ("T38FaxRateManagement", "transferredTCF"),
            ("T38FaxUdpEC", "t38UDPRedundancy"),
        ];
        Self(lines.map(line).to_vec())
    }

    fn of(media: &MediaDescription<'_>) -> Self {
        let is_t38 = |name: &str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("T38"));
        let lines = media.attributes().filter(|attribute| is_t38(attribute.name));
        Self(lines.map(|line| (line.name.to_owned(), line.value.map(<[u8]>::to_vec))).collect())
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The version of the recommendation; 0 when nothing is said.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.number("T38FaxVersion").and_then(|version| u8::try_from(version).ok()).unwrap_or(0)
    }

    /// The fastest rate of the fax, in bits per second.
    #[must_use]
    pub fn max_bit_rate(&self) -> Option<u32> {
        self.number("T38MaxBitRate")
    }

    /// How many octets the describing side holds.
    #[must_use]
    pub fn max_buffer(&self) -> Option<u32> {
        self.number("T38FaxMaxBuffer")
    }

    /// The longest datagram that the describing side takes, in octets.
    #[must_use]
    pub fn max_datagram(&self) -> Option<u32> {
        self.number("T38FaxMaxDatagram")
    }

    /// Who checks the training; none when it is not said or not known.
    #[must_use]
    pub fn rate_management(&self) -> Option<RateManagement> {
        let known =
            [("localTCF", RateManagement::LocalTcf), ("transferredTCF", RateManagement::TransferredTcf)];
        self.word("T38FaxRateManagement", &known)
    }

    /// The error correction; none when it is not said or not known.
    #[must_use]
    pub fn error_correction(&self) -> Option<UdpErrorCorrection> {
        let known = [
            ("t38UDPNoEC", UdpErrorCorrection::None),
            ("t38UDPFEC", UdpErrorCorrection::Forward),
            ("t38UDPRedundancy", UdpErrorCorrection::Redundancy),
        ];
        self.word("T38FaxUdpEC", &known)
    }

    /// Whether a capability is stated: `T38FaxFillBitRemoval`, `T38FaxTranscodingMMR`, `T38FaxTranscodingJBIG`. The older form
    /// with a value of 0 denies it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.line(name).is_some_and(|value| value.is_none_or(|value| value.trim_ascii() != b"0"))
    }

    fn line(&self, name: &str) -> Option<Option<&[u8]>> {
        let line = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(line.1.as_deref())
    }

    fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.line(name)??.trim_ascii()).ok()
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.text(name)?.parse().ok()
    }

    fn word<T: Copy>(&self, name: &str, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        known.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
    }
}

/// An image stream: T.38 over UDPTL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDescription {
    /// Where the describing side wants to receive.
    pub address: IpAddr,
    /// The UDP port; 0 when the stream is refused.
    pub port: u16,
    /// What the describing side says of its T.38.
    pub t38: T38Parameters,
    /// The session identifier of the `o=` line; 0 when there is none or it is not a number.
    pub session_id: u64,
    /// The version of the `o=` line; 0 when there is none or it is not a number.
    pub version: u64,
}

impl ImageDescription {
    /// A stream to be received at `at`.
    #[must_use]
    pub fn new(at: SocketAddr, t38: T38Parameters) -> Self {
        Self { address: at.ip(), port: at.port(), t38, session_id: 0, version: 0 }
    }

    /// The first image stream of a description.
    ///
    /// # Errors
    /// [`ImageFault`] when there is none, or it cannot be sent to as it is described.
    pub fn from_session(session: &SessionDescription<'_>) -> Result<Self, ImageFault> {
        let is_image = |media: &MediaDescription<'_>| media.line().media == "image";
        let media = session.media().find(is_image).ok_or(ImageFault::NoImage)?;
        let line = media.line();
        if !line.transport.eq_ignore_ascii_case("udptl") {
            return Err(ImageFault::Transport);
        }
        if !line.formats().any(|format| format.eq_ignore_ascii_case("t38")) {
            return Err(ImageFault::Format);
        }
        let Wild::Value(port) = line.port else { return Err(ImageFault::Wildcard) };
        let connection = media.connection().or_else(|| session.connection());
        let address = address(&connection.ok_or(ImageFault::NoConnection)?)?;
        let origin: Option<Origin<'_>> = session.origin();
        Ok(Self {
            session_id: origin.and_then(|origin| origin.session_number()).unwrap_or(0),
            version: origin.and_then(|origin| origin.version_number()).unwrap_or(0),
            ..Self::new(SocketAddr::new(address, port), T38Parameters::of(&media))
        })
    }

    /// Where UDPTL is to be sent.
    #[must_use]
    pub fn destination(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Whether the stream is refused or ended: port 0 (RFC 3264 sections 6 and 8.2).
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.port == 0
    }

    /// The description as octets, strictly conformant.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (address, port) = (self.address, self.port);
        let kind = if address.is_ipv4() { "IP4" } else { "IP6" };
        let mut octets = format!(
            "v=0\r\no=- {} {} IN {kind} {address}\r\ns=-\r\nc=IN {kind} {address}\r\nt=0 0\r\nm=image {port} udptl t38\r\n",
            self.session_id, self.version
        )
        .into_bytes();
        for (name, value) in &self.t38.0 {
            octets.extend_from_slice(b"a=");
            octets.extend_from_slice(name.as_bytes());
            if let Some(value) = value {
                octets.push(b':');
                octets.extend_from_slice(value);
            }
            octets.extend_from_slice(b"\r\n");
        }
        octets
    }
}

fn address(connection: &Connection<'_>) -> Result<IpAddr, ImageFault> {
    match connection.host {
        Wild::Value(Host::Ip { ip, .. }) => Ok(ip),
        Wild::Value(_) => Err(ImageFault::Address),
        Wild::Choose | Wild::All => Err(ImageFault::Wildcard),
    }
}
