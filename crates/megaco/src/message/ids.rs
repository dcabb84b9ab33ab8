//! Numbers and names that identify: versions, transactions, contexts, streams, requests, terminations
//! (RFC 3525 sections 6.1, 6.2, 8.1).

use std::borrow::Cow;
use std::fmt;

/// Text that is compared without regard to case (RFC 3525 Annex B.2: everything but SDP is).
#[derive(Clone, Copy)]
pub struct Caseless<'a>(&'a str);

impl<'a> Caseless<'a> {
    /// Text that differs from another only when more than the case does.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text as it was written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl PartialEq for Caseless<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Caseless<'_> {}

impl fmt::Debug for Caseless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Display for Caseless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The version of the protocol: one or two digits (0 to 99).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

impl Version {
    /// RFC 3525 and H.248.1 version 1.
    pub const V1: Self = Self(1);
    /// H.248.1 version 2.
    pub const V2: Self = Self(2);
    /// H.248.1 version 3.
    pub const V3: Self = Self(3);

    /// A version from 0 to 99.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number <= 99 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A transaction's number, unique per sender (RFC 3525 section 8.1). 0 stands only in a reply to a request whose number could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(u32);

impl TransactionId {
    /// The number of a transaction that could not be read.
    pub const UNREADABLE: Self = Self(0);

    /// A number as it came.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A context (RFC 3525 section 6.1): the null context, one with a number, or a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(u32);

impl ContextId {
    /// The null context, `-`.
    pub const NULL: Self = Self(0);
    /// A context that the gateway is to make, `$`.
    pub const CHOOSE: Self = Self(0xffff_fffe);
    /// All contexts but the null context, `*`.
    pub const ALL: Self = Self(0xffff_ffff);

    /// A context's number, which may be one of the three reserved values.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, which is the binary form.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether it names one context that has a number.
    #[must_use]
    pub const fn is_specific(self) -> bool {
        !matches!(self, Self::NULL | Self::CHOOSE | Self::ALL)
    }
}

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NULL => f.write_str("-"),
            Self::CHOOSE => f.write_str("$"),
            Self::ALL => f.write_str("*"),
            Self(number) => write!(f, "{number}"),
        }
    }
}

/// A stream within a context; 0 is no stream in particular (RFC 3525 section 7.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u16);

/// What joins events with the request for them; `*` in the reply to an audit of capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u32);

impl RequestId {
    /// All requests, `*`.
    pub const ALL: Self = Self(0xffff_ffff);

    /// A number; the highest is [`RequestId::ALL`].
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ALL => f.write_str("*"),
            Self(number) => write!(f, "{number}"),
        }
    }
}

/// The name of a termination, in which levels may be wildcards (RFC 3525 Annexes A.1 and B.1).
#[derive(Clone)]
pub struct TerminationName<'a>(Text<'a>);

/// Where the characters of a name are. Those of the binary form stand in no message: names are put together from octets, and nearly all
/// are short enough to need no memory of their own.
#[derive(Clone)]
enum Text<'a> {
    Borrowed(&'a str),
    Owned(Box<str>),
    Short(ShortName),
}

/// A name of a few characters.
pub(crate) type ShortName = Characters<30>;

/// Room for so many characters. 30 are as many as make no other name larger; the usual plan of three octets needs 26.
#[derive(Clone, Copy)]
pub(crate) struct Characters<const N: usize> {
    length: u8,
    octets: [u8; N],
}

impl<const N: usize> Characters<N> {
    pub(crate) const EMPTY: Self = Self { length: 0, octets: [0; N] };
    pub(crate) const ROOM: usize = N;

    /// The first of some characters.
    #[inline]
    pub(crate) fn of(octets: [u8; N], length: usize) -> Option<Self> {
        let length = u8::try_from(length).ok().filter(|length| usize::from(*length) <= N)?;
        Some(Self { length, octets })
    }

    /// Puts characters behind those that are there, if there is room.
    #[inline]
    pub(crate) fn push(&mut self, characters: &[u8]) -> Option<()> {
        let start = usize::from(self.length);
        let end = start + characters.len();
        self.octets.get_mut(start..end)?.copy_from_slice(characters);
        self.length = u8::try_from(end).ok()?;
        Some(())
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// The characters of names of terminations (RFC 3525 Annex B.2, `pathNAME`).
static LEGAL_IN_NAMES: [bool; 256] = {
    let mut legal = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        legal[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'*' | b'$' | b'.' | b'-' | b'@');
        byte += 1;
    }
    legal
};

impl<'a> TerminationName<'a> {
    /// The longest name.
    pub const LONGEST: usize = 64;

    /// A name of 1 to 64 characters: letters, digits, `/ _ * $ . - @`.
    #[must_use]
    pub fn new(name: impl Into<Cow<'a, str>>) -> Option<Self> {
        let name = name.into();
        name.bytes().all(Self::may_have).then(|| Self::of_legal(name)).flatten()
    }

    /// A name of characters that are known to be legal ones.
    pub(crate) fn of_legal(name: impl Into<Cow<'a, str>>) -> Option<Self> {
        let name = name.into();
        debug_assert!(name.bytes().all(Self::may_have));
        (1..=Self::LONGEST).contains(&name.len()).then_some(())?;
        Some(Self(match name {
            Cow::Borrowed(name) => Text::Borrowed(name),
            Cow::Owned(name) => Text::Owned(name.into_boxed_str()),
        }))
    }

    /// A short name of characters that are known to be legal ones.
    #[inline]
    pub(crate) fn of_short(name: ShortName) -> Option<Self> {
        debug_assert!(name.as_bytes().iter().copied().all(Self::may_have));
        (name.length > 0).then_some(Self(Text::Short(name)))
    }

    /// A name that no message holds.
    pub(crate) fn of_characters<const N: usize>(name: &Characters<N>) -> Option<Self> {
        let name = name.as_bytes();
        ((1..=Self::LONGEST).contains(&name.len()) && name.iter().copied().all(Self::may_have))
            .then_some(())?;
        let mut short = ShortName::EMPTY;
        match short.push(name) {
            Some(()) => Self::of_short(short),
            None => std::str::from_utf8(name).ok().map(|name| Self(Text::Owned(name.into()))),
        }
    }

    /// Whether a character can stand in a name.
    #[inline]
    pub(crate) fn may_have(byte: u8) -> bool {
        LEGAL_IN_NAMES.get(usize::from(byte)).is_some_and(|legal| *legal)
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Borrowed(name) => name,
            Text::Owned(name) => name,
            // Legal characters are ASCII.
            Text::Short(name) => std::str::from_utf8(name.as_bytes()).unwrap_or_default(),
        }
    }

    /// The characters, without another look at whether they are text.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Borrowed(name) => name.as_bytes(),
            Text::Owned(name) => name.as_bytes(),
            Text::Short(name) => name.as_bytes(),
        }
    }
}

impl PartialEq for TerminationName<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl Eq for TerminationName<'_> {}

impl fmt::Debug for TerminationName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A termination, or several by a wildcard (RFC 3525 section 6.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminationId<'a> {
    /// The gateway as a whole.
    Root,
    /// All terminations of the context, `*`.
    All,
    /// One that the gateway is to choose, `$`.
    Choose,
    /// One with a name, which may have wildcards in its levels.
    Name(TerminationName<'a>),
}

impl<'a> TerminationId<'a> {
    /// `ROOT`, `*`, `$` or a name.
    #[must_use]
    pub fn new(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        match text.as_ref() {
            "*" => Some(Self::All),
            "$" => Some(Self::Choose),
            name if name.eq_ignore_ascii_case("root") => Some(Self::Root),
            _ => TerminationName::new(text).map(Self::Name),
        }
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => "ROOT",
            Self::All => "*",
            Self::Choose => "$",
            Self::Name(name) => name.as_str(),
        }
    }

    /// The octets of [`Self::as_str`].
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Name(name) => name.as_bytes(),
            other => other.as_str().as_bytes(),
        }
    }
}

impl fmt::Display for TerminationId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// At least one termination. More than one only in an audit of a context and, from version 3 on, in commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminations<'a> {
    /// The first.
    pub first: TerminationId<'a>,
    /// The others.
    pub others: Vec<TerminationId<'a>>,
}

impl<'a> Terminations<'a> {
    /// All in their order.
    pub fn iter(&self) -> impl Iterator<Item = &TerminationId<'a>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl<'a> From<TerminationId<'a>> for Terminations<'a> {
    fn from(first: TerminationId<'a>) -> Self {
        Self { first, others: Vec::new() }
    }
}

/// A moment as `yyyymmddThhmmssss`: the last eight digits end in hundredths of a second (ISO 8601:1988).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeStamp {
    date: [u8; 8],
    time: [u8; 8],
}

impl TimeStamp {
    /// Eight digits of the date, eight digits of the time.
    #[must_use]
    pub fn new(date: &[u8], time: &[u8]) -> Option<Self> {
        Some(Self { date: eight_digits(date)?, time: eight_digits(time)? })
    }

    /// The moment that is so long after the beginning of 1970; none behind the year 9999.
    #[must_use]
    pub fn of(since_1970: std::time::Duration) -> Option<Self> {
        let seconds = since_1970.as_secs();
        let (year, month, day) = strowger_sansio::civil_date(i64::try_from(seconds / 86_400).ok()?);
        let of_day = seconds % 86_400;
        let hundredths = since_1970.subsec_millis() / 10;
        let date = format!("{year:04}{month:02}{day:02}");
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let time = format!("{hour:02}{minute:02}{second:02}{hundredths:02}");
        Self::new(date.as_bytes(), time.as_bytes())
    }

    /// The date, `yyyymmdd`.
    #[must_use]
    pub const fn date(&self) -> &[u8; 8] {
        &self.date
    }

    /// The time, `hhmmssss`.
    #[must_use]
    pub const fn time(&self) -> &[u8; 8] {
        &self.time
    }
}

#[inline]
fn eight_digits(text: &[u8]) -> Option<[u8; 8]> {
    const NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    let text: [u8; 8] = text.try_into().ok()?;
    let octets = u64::from_ne_bytes(text);
    let zeros = u64::from_ne_bytes(*b"00000000");
    // All begin with 3, and still do when six is added to what is behind that.
    let is_digits =
        octets & NIBBLES == zeros && octets.wrapping_add(0x0606_0606_0606_0606) & NIBBLES == zeros;
    is_digits.then_some(text)
}

impl fmt::Debug for TimeStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TimeStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date.escape_ascii(), self.time.escape_ascii())
    }
}
