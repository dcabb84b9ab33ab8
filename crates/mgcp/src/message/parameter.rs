//! Parameter lines: codes and values (RFC 3435 section 3.2.2).

use std::fmt;

use crate::limits::Limits;
use crate::scan::{Class, cut, is_package_name};
use crate::text::lines::Lines;

macro_rules! codes {
    ($( $(#[$doc:meta])* $name:ident $code:literal; )*) => {
        /// The name of a parameter.
        #[derive(Clone, Copy, Debug)]
        pub enum ParameterCode<'a> {
            $( $(#[$doc])* $name, )*
            /// `X+name` or `X-name`.
            Vendor {
                /// Whether a receiver that does not know it must refuse the command (`X+`).
                critical: bool,
                /// What follows the sign.
                name: &'a str,
            },
            /// `package/name`.
            Package {
                /// The package.
                package: &'a str,
                /// The parameter.
                name: &'a str,
            },
            /// Any other name.
            Unknown(&'a str),
        }

        impl ParameterCode<'_> {
            /// The parameters of RFC 3435, in the order of its tables.
            pub const ALL: [ParameterCode<'static>; KNOWN] = [$( ParameterCode::$name ),*];

            /// The code of a parameter of RFC 3435.
            #[must_use]
            pub const fn code(&self) -> Option<&'static str> {
                match self {
                    $( Self::$name => Some($code), )*
                    _ => None,
                }
            }

            /// The place of a parameter of RFC 3435 in [`ParameterCode::ALL`].
            #[must_use]
            #[inline]
            pub const fn index(&self) -> Option<usize> {
                match self.known() {
                    Some(known) => Some(known as usize),
                    None => None,
                }
            }

            #[inline]
            pub(crate) const fn known(&self) -> Option<Known> {
                match self {
                    $( Self::$name => Some(Known::$name), )*
                    _ => None,
                }
            }
        }

        /// The parameters of RFC 3435 alone: one byte instead of forty on the way through the decoder.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Known {
            $( $name, )*
        }

        impl From<Known> for ParameterCode<'_> {
            fn from(known: Known) -> Self {
                match known {
                    $( Known::$name => Self::$name, )*
                }
            }
        }
    };
}

/// How many parameters RFC 3435 defines, with the two session descriptions, which are codes inside `F:` only.
pub const KNOWN: usize = 28;

codes! {
    /// `B`.
    BearerInformation "B";
    /// `C`.
    CallId "C";
    /// `A`.
    Capabilities "A";
    /// `I`.
    ConnectionId "I";
    /// `M`.
    ConnectionMode "M";
    /// `P`.
    ConnectionParameters "P";
    /// `T`.
    DetectEvents "T";
    /// `D`.
    DigitMap "D";
    /// `ES`.
    EventStates "ES";
    /// `L`.
    LocalConnectionOptions "L";
    /// `MD`.
    MaxMgcpDatagram "MD";
    /// `N`.
    NotifiedEntity "N";
    /// `O`.
    ObservedEvents "O";
    /// `PL`.
    PackageList "PL";
    /// `Q`.
    QuarantineHandling "Q";
    /// `E`.
    ReasonCode "E";
    /// `R`.
    RequestedEvents "R";
    /// `F`.
    RequestedInfo "F";
    /// `X`.
    RequestIdentifier "X";
    /// `K`.
    ResponseAck "K";
    /// `RD`.
    RestartDelay "RD";
    /// `RM`.
    RestartMethod "RM";
    /// `I2`.
    SecondConnectionId "I2";
    /// `Z2`.
    SecondEndpointId "Z2";
    /// `S`.
    SignalRequests "S";
    /// `Z`.
    SpecificEndpointId "Z";
    /// `RC`, in requested information only: on the wire it is a session description.
    RemoteConnectionDescriptor "RC";
    /// `LC`, in requested information only: on the wire it is a session description.
    LocalConnectionDescriptor "LC";
}

impl<'a> ParameterCode<'a> {
    /// Reads a parameter's name; none if it is not one.
    #[must_use]
    #[inline]
    pub fn parse(text: &'a str) -> Option<Self> {
        match Known::of(text.as_bytes()) {
            Some(known) => Some(known.into()),
            None => Self::extension(text),
        }
    }

    pub(crate) fn extension(text: &'a str) -> Option<Self> {
        if let Some((package, name)) = cut(text, b'/') {
            let legal = is_package_name(package) && is_extension_name(name);
            return legal.then_some(Self::Package { package, name });
        }
        let (critical, name) = match text.as_bytes() {
            [b'X' | b'x', b'+', ..] => (true, text.get(2..)?),
            [b'X' | b'x', b'-', ..] => (false, text.get(2..)?),
            _ => return is_extension_name(text).then_some(Self::Unknown(text)),
        };
        let legal = is_extension_name(name);
        legal.then_some(Self::Vendor { critical, name })
    }
}

impl Known {
    /// The parameter with this name, in either case.
    #[inline]
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        match name {
            [letter] => Self::of_one(letter.to_ascii_uppercase()),
            [first, second] => Self::of_two(first.to_ascii_uppercase(), second.to_ascii_uppercase()),
            _ => None,
        }
    }

    #[inline]
    pub(crate) const fn of_one(letter: u8) -> Option<Self> {
        Some(match letter {
            b'A' => Self::Capabilities,
            b'B' => Self::BearerInformation,
            b'C' => Self::CallId,
            b'D' => Self::DigitMap,
            b'E' => Self::ReasonCode,
            b'F' => Self::RequestedInfo,
            b'I' => Self::ConnectionId,
            b'K' => Self::ResponseAck,
            b'L' => Self::LocalConnectionOptions,
            b'M' => Self::ConnectionMode,
            b'N' => Self::NotifiedEntity,
            b'O' => Self::ObservedEvents,
            b'P' => Self::ConnectionParameters,
            b'Q' => Self::QuarantineHandling,
            b'R' => Self::RequestedEvents,
            b'S' => Self::SignalRequests,
            b'T' => Self::DetectEvents,
            b'X' => Self::RequestIdentifier,
            b'Z' => Self::SpecificEndpointId,
            _ => return None,
        })
    }

    const fn of_two(first: u8, second: u8) -> Option<Self> {
        Some(match (first, second) {
            (b'E', b'S') => Self::EventStates,
            (b'I', b'2') => Self::SecondConnectionId,
            (b'L', b'C') => Self::LocalConnectionDescriptor,
            (b'M', b'D') => Self::MaxMgcpDatagram,
            (b'P', b'L') => Self::PackageList,
            (b'R', b'C') => Self::RemoteConnectionDescriptor,
            (b'R', b'D') => Self::RestartDelay,
            (b'R', b'M') => Self::RestartMethod,
            (b'Z', b'2') => Self::SecondEndpointId,
            _ => return None,
        })
    }
}

/// Letters, digits and hyphens by the grammar; underscores occur in deployed vendor parameters.
fn is_extension_name(text: &str) -> bool {
    let legal = |byte| Class::PARAMETER.holds(byte) && !matches!(byte, b'/' | b'+');
    !text.is_empty() && text.bytes().all(legal)
}

impl PartialEq<ParameterCode<'_>> for ParameterCode<'_> {
    fn eq(&self, other: &ParameterCode<'_>) -> bool {
        match (self, other) {
            (Self::Vendor { critical, name }, ParameterCode::Vendor { critical: theirs, name: other }) => {
                critical == theirs && name.eq_ignore_ascii_case(other)
            }
            (Self::Package { package, name }, ParameterCode::Package { package: theirs, name: other }) => {
                package.eq_ignore_ascii_case(theirs) && name.eq_ignore_ascii_case(other)
            }
            (Self::Unknown(name), ParameterCode::Unknown(other)) => name.eq_ignore_ascii_case(other),
            _ => self.index().is_some() && self.index() == other.index(),
        }
    }
}

impl Eq for ParameterCode<'_> {}

impl fmt::Display for ParameterCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vendor { critical, name } => write!(f, "X{}{name}", if *critical { '+' } else { '-' }),
            Self::Package { package, name } => write!(f, "{package}/{name}"),
            Self::Unknown(name) => f.write_str(name),
            known => f.write_str(known.code().unwrap_or_default()),
        }
    }
}

/// One parameter line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The name.
    pub code: ParameterCode<'a>,
    /// The value without white space around it.
    pub value: &'a str,
}

/// Where a value stands in the text. Datagrams are shorter than 64 KiB, so 16 bits do.
#[derive(Clone, Copy, Debug, Default)]
struct Place16 {
    start: u16,
    length: u16,
}

/// The parameter lines of a message, in the order they came.
///
/// The lines stay where they are, in the datagram; an index says where the value of each code of RFC 3435 is,
/// so that looking one up costs nothing and no number of lines makes decoding allocate. Other codes are looked for line by
/// line, in messages that have any.
#[derive(Clone, Copy)]
pub struct Parameters<'a> {
    text: &'a str,
    places: [Place16; KNOWN],
    present: u32,
    repeated: u32,
    /// Whether there are parameters that RFC 3435 does not define.
    extended: bool,
}

impl<'a> Parameters<'a> {
    pub(crate) const fn over(text: &'a str) -> Self {
        let places = [Place16 { start: 0, length: 0 }; KNOWN];
        Self { text, places, present: 0, repeated: 0, extended: false }
    }

    /// Limits the text to the lines that were read.
    pub(crate) fn close(&mut self, length: usize) {
        self.text = self.text.get(..length).unwrap_or(self.text);
    }

    #[inline]
    pub(crate) fn note(&mut self, known: Known, start: usize, length: usize) {
        let index = known as usize;
        let bit = 1_u32 << index;
        if self.present & bit != 0 {
            self.repeated |= bit;
            return;
        }
        debug_assert!(start + length <= Limits::MAX_DATAGRAM, "longer datagrams are not decoded");
        if let Some(place) = self.places.get_mut(index) {
            *place = Place16 { start: start as u16, length: length as u16 };
            self.present |= bit;
        }
    }

    #[inline]
    pub(crate) fn note_extension(&mut self) {
        self.extended = true;
    }

    /// All parameters, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = Parameter<'a>> + Clone + use<'a> {
        let mut lines = Lines::new(self.text);
        std::iter::from_fn(move || lines.checked_parameter())
    }

    /// The value of the first parameter with this code.
    #[must_use]
    #[inline]
    pub fn get(&self, code: ParameterCode<'_>) -> Option<&'a str> {
        let Some(index) = code.index() else { return self.extension(code) };
        if self.present & (1 << index) == 0 {
            return None;
        }
        let place = self.places.get(index)?;
        let start = usize::from(place.start);
        self.text.get(start..start + usize::from(place.length))
    }

    /// Most messages have no parameters but those of RFC 3435, and are asked for several that they have not got.
    fn extension(&self, code: ParameterCode<'_>) -> Option<&'a str> {
        if !self.extended {
            return None;
        }
        self.extensions().find(|parameter| parameter.code == code).map(|one| one.value)
    }

    /// The values of all parameters with this code, in order.
    pub fn all<'c>(&self, code: ParameterCode<'c>) -> impl Iterator<Item = &'a str> + use<'a, 'c> {
        // Few are ever repeated, and the index has what stands once.
        let (several, once) = match code.index() {
            Some(index) if self.repeated & (1 << index) == 0 => (false, self.get(code)),
            Some(_) => (true, None),
            None => (self.extended, None),
        };
        let lines = several.then(|| self.iter()).into_iter().flatten();
        let matching = lines.filter(move |parameter| parameter.code == code).map(|parameter| parameter.value);
        once.into_iter().chain(matching)
    }

    /// The parameters that RFC 3435 does not define, in the order they came.
    pub fn extensions(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let lines = self.extended.then(|| self.iter());
        lines.into_iter().flatten().filter(|parameter| parameter.code.index().is_none())
    }

    /// Whether a parameter with this code is there.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: ParameterCode<'_>) -> bool {
        match code.index() {
            Some(index) => self.present & (1 << index) != 0,
            None => self.get(code).is_some(),
        }
    }

    /// Whether a code of RFC 3435 is there more than once.
    pub(crate) const fn repeats(&self) -> bool {
        self.repeated != 0
    }

    /// The codes of RFC 3435 that are there more than once.
    pub fn repeated(&self) -> impl Iterator<Item = ParameterCode<'static>> {
        let bits = self.repeated;
        (0..).zip(ParameterCode::ALL).filter(move |(index, _)| bits & (1 << index) != 0).map(|(_, code)| code)
    }

    /// The codes of RFC 3435 that are there, as bits at their places in [`ParameterCode::ALL`].
    pub(crate) const fn present_bits(&self) -> u32 {
        self.present
    }

    /// The codes of RFC 3435 that are there, in the order of its tables.
    pub fn present(&self) -> impl Iterator<Item = ParameterCode<'static>> {
        let bits = self.present;
        (0..).zip(ParameterCode::ALL).filter(move |(index, _)| bits & (1 << index) != 0).map(|(_, code)| code)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.present == 0 && !self.extended
    }
}

impl PartialEq for Parameters<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Parameters<'_> {}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|Parameter { code, value }| (code.to_string(), value))).finish()
    }
}
