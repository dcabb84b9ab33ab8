//! Media, modem, mux and packages descriptors (RFC 3525 sections 7.1.2 to 7.1.8, 7.1.16).

use super::ids::{StreamId, Terminations};
use super::sdp::Description;
use super::service::NonStandard;
use super::value::{Name, Property, Statistic};

/// The media of a termination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media<'a> {
    /// What is no matter of one stream.
    pub state: Option<TerminationState<'a>>,
    /// The streams.
    pub streams: Streams<'a>,
}

/// The streams of a media descriptor: stream 1 without saying so, or several with numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Streams<'a> {
    /// Nothing about streams.
    #[default]
    None,
    /// Stream 1.
    One(Box<StreamParameters<'a>>),
    /// Streams with numbers, at least one.
    Many(Vec<Stream<'a>>),
}

/// One stream with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream<'a> {
    /// The number.
    pub id: StreamId,
    /// What is said about it.
    pub parameters: StreamParameters<'a>,
}

/// What is said about a stream. What is absent stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamParameters<'a> {
    /// Mode, reservations, properties.
    pub control: Option<LocalControl<'a>>,
    /// What the gateway receives.
    pub local: Option<Description<'a>>,
    /// What the gateway sends.
    pub remote: Option<Description<'a>>,
    /// Statistics of the stream (version 3).
    pub statistics: Option<Vec<Statistic<'a>>>,
}

/// What is a matter of the gateway alone (RFC 3525 section 7.1.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalControl<'a> {
    /// The mode.
    pub mode: Option<StreamMode>,
    /// Whether resources for all alternatives of a group are reserved.
    pub reserve_value: Option<bool>,
    /// Whether resources for all groups are reserved.
    pub reserve_group: Option<bool>,
    /// Properties of packages.
    pub properties: Vec<Property<'a>>,
}

/// The mode of a stream, as seen from outside the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMode {
    /// Only out of the context.
    SendOnly,
    /// Only into the context.
    ReceiveOnly,
    /// Both ways.
    SendReceive,
    /// No way.
    Inactive,
    /// What comes in goes back.
    Loopback,
}

/// What is a matter of the termination as a whole (RFC 3525 section 7.1.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminationState<'a> {
    /// Whether it serves.
    pub service: Option<ServiceState>,
    /// How events are buffered.
    pub buffer: Option<BufferControl>,
    /// Properties of packages.
    pub properties: Vec<Property<'a>>,
}

/// Whether a termination serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// It is being tested.
    Test,
    /// It cannot be used.
    OutOfService,
    /// It can be used or is in use.
    InService,
}

/// How events are buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferControl {
    /// Each is processed at once.
    Off,
    /// After one, the others wait.
    LockStep,
}

/// An extension's name, `X-` or `X+` and up to six letters or digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a>(super::ids::Caseless<'a>);

impl<'a> Extension<'a> {
    /// A name of the legal form.
    #[must_use]
    pub fn new(name: &'a str) -> Option<Self> {
        let rest = name.get(2..).filter(|rest| (1..=6).contains(&rest.len()))?;
        let marked = matches!(name.as_bytes(), [b'X' | b'x', b'-' | b'+', ..]);
        (marked && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .then_some(Self(super::ids::Caseless::new(name)))
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0.as_str()
    }
}

/// Terminations whose media are multiplexed on this one (RFC 3525 section 7.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mux<'a> {
    /// How.
    pub kind: MuxType<'a>,
    /// Which.
    pub terminations: Terminations<'a>,
    /// Something of a vendor's own (binary form only).
    pub non_standard: Option<NonStandard<'a>>,
}

/// How media are multiplexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MuxType<'a> {
    /// H.221.
    H221,
    /// H.223.
    H223,
    /// H.226.
    H226,
    /// V.76.
    V76,
    /// Several channels of 64 kbit/s (version 2).
    Nx64k,
    /// Something else (text form only).
    Extension(Extension<'a>),
}

/// A modem (RFC 3525 section 7.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modem<'a> {
    /// Its kinds, at least one.
    pub types: Vec<ModemType<'a>>,
    /// Its properties.
    pub properties: Vec<Property<'a>>,
    /// Something of a vendor's own (binary form only).
    pub non_standard: Option<NonStandard<'a>>,
}

/// The kind of a modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModemType<'a> {
    /// V.18.
    V18,
    /// V.22.
    V22,
    /// V.22bis.
    V22bis,
    /// V.32.
    V32,
    /// V.32bis.
    V32bis,
    /// V.34.
    V34,
    /// V.90.
    V90,
    /// V.91.
    V91,
    /// Synchronous ISDN.
    SynchIsdn,
    /// Something else (text form only).
    Extension(Extension<'a>),
}

/// A package and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageVersion<'a> {
    /// The package.
    pub package: Name<'a>,
    /// Its version, 0 to 99.
    pub version: u8,
}
