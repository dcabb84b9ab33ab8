//! What is accepted although the standard says otherwise: a list for people and for tests of what we send.
//!
//! Reading is tolerant where meaning is not in doubt; sending is strict (RFC 3435 section 3.4).

use std::fmt;

use crate::class::{self, DIGIT};
use crate::field::Origin;
use crate::session::SessionDescription;

/// One departure from RFC 8866.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Offset of the line, or of where a missing line would stand.
    pub offset: usize,
    /// What it is.
    pub kind: DepartureKind,
}

/// The kinds of departures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DepartureKind {
    /// There is no `o=` line.
    NoOrigin,
    /// There is no `s=` line.
    NoSessionName,
    /// There is no `t=` line.
    NoTiming,
    /// A stream without a `c=` line, in a session without one.
    NoConnection,
    /// A line stands before one that it should follow.
    Order,
    /// The session's name is empty.
    EmptyName,
    /// The session's identifier or version is not a number.
    OriginNumber,
    /// An attribute has a colon and no value.
    EmptyAttribute,
    /// Fields are parted by more than one space, or spaces end the line.
    Spacing,
    /// A `z=` line without an `r=` line before it.
    ZoneWithoutRepeat,
    /// A line ends with a line feed alone.
    LineFeed,
    /// The last line has no end.
    NoLineEnd,
    /// Empty lines follow the last line.
    EmptyLines,
}

impl DepartureKind {
    /// The departure in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoOrigin => "no o= line",
            Self::NoSessionName => "no s= line",
            Self::NoTiming => "no t= line",
            Self::NoConnection => "no c= line for this stream",
            Self::Order => "this line should stand earlier",
            Self::EmptyName => "the session name is empty; a sender writes - or a space",
            Self::OriginNumber => "the session id and version should be numbers",
            Self::EmptyAttribute => "a colon without a value",
            Self::Spacing => "fields are parted by one space, and none ends the line",
            Self::ZoneWithoutRepeat => "z= without an r= line before it",
            Self::LineFeed => "a line feed without a carriage return",
            Self::NoLineEnd => "the last line has no end",
            Self::EmptyLines => "empty lines at the end",
        }
    }

    /// Where the standard says otherwise.
    #[must_use]
    pub const fn clause(self) -> &'static str {
        match self {
            Self::NoOrigin | Self::OriginNumber => "RFC 8866 section 5.2",
            Self::NoSessionName | Self::EmptyName => "RFC 8866 section 5.3",
            Self::NoConnection => "RFC 8866 section 5.7",
            Self::NoTiming => "RFC 8866 section 5.9",
            Self::ZoneWithoutRepeat => "RFC 8866 section 5.11",
            Self::Order | Self::LineFeed => "RFC 8866 section 5",
            Self::EmptyAttribute | Self::Spacing | Self::NoLineEnd | Self::EmptyLines => "RFC 8866 section 9",
        }
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: {} ({})", self.offset, self.kind.text(), self.kind.clause())
    }
}

/// The place of a line in the session's part, in the order of section 9.
pub(crate) const SESSION_ORDER: &[u8] = b"vosiuepcbtka";
/// The place of a line in a stream's part.
pub(crate) const MEDIA_ORDER: &[u8] = b"micbka";

pub(crate) fn find(session: &SessionDescription<'_>) -> Vec<Departure> {
    let mut found = Vec::new();
    session_part(session, &mut found);
    for media in session.media() {
        order(media.lines().map(|line| (line.letter, line.offset)), MEDIA_ORDER, &mut found);
        if media.connection().is_none() {
            found.push(Departure { offset: media.offset(), kind: DepartureKind::NoConnection });
        }
    }
    for line in session.lines() {
        let fields = matches!(line.letter, b'o' | b'c' | b't' | b'r' | b'z' | b'm');
        let loose = line.value.ends_with(b" ")
            || line.value.starts_with(b" ")
            || line.value.windows(2).any(|pair| pair == b"  ");
        if fields && loose {
            found.push(Departure { offset: line.offset, kind: DepartureKind::Spacing });
        }
        if line.letter == b'a'
            && line.value.iter().position(|byte| *byte == b':') == line.value.len().checked_sub(1)
        {
            found.push(Departure { offset: line.offset, kind: DepartureKind::EmptyAttribute });
        }
    }
    line_ends(session, &mut found);
    found.sort_by_key(|departure| (departure.offset, departure.kind));
    found
}

fn session_part(session: &SessionDescription<'_>, found: &mut Vec<Departure>) {
    let end = session.session_lines().last().map_or(0, |line| line.range().end);
    for (letter, kind) in [
        (b'o', DepartureKind::NoOrigin),
        (b's', DepartureKind::NoSessionName),
        (b't', DepartureKind::NoTiming),
    ] {
        if !session.session_lines().any(|line| line.letter == letter) {
            found.push(Departure { offset: end, kind });
        }
    }
    // r= and z= belong to the t= line before them.
    let timed = session.session_lines().map(|line| match line.letter {
        b'r' | b'z' => (b't', line.offset),
        letter => (letter, line.offset),
    });
    order(timed, SESSION_ORDER, found);
    let mut repeated = false;
    for line in session.session_lines() {
        let kind = match line.letter {
            b's' if line.value.is_empty() => DepartureKind::EmptyName,
            b'o' if Origin::parse(line.value)
                .is_some_and(|origin| !is_number(origin.session_id) || !is_number(origin.version)) =>
            {
                DepartureKind::OriginNumber
            }
            b'z' if !repeated => DepartureKind::ZoneWithoutRepeat,
            letter => {
                repeated = letter == b'r';
                continue;
            }
        };
        found.push(Departure { offset: line.offset, kind });
    }
}

/// Digits of any length, or a wildcard.
fn is_number(text: &[u8]) -> bool {
    class::all(text, DIGIT) || matches!(text, b"$" | b"*")
}

fn order(lines: impl Iterator<Item = (u8, usize)>, order: &[u8], found: &mut Vec<Departure>) {
    let mut latest = 0;
    for (letter, offset) in lines {
        let place = order.iter().position(|known| *known == letter).unwrap_or(latest);
        if place < latest {
            found.push(Departure { offset, kind: DepartureKind::Order });
        }
        latest = latest.max(place);
    }
}

fn line_ends(session: &SessionDescription<'_>, found: &mut Vec<Departure>) {
    let bytes = session.as_bytes();
    for line in session.lines() {
        let end = line.range().end;
        match bytes.get(end) {
            Some(b'\n') => found.push(Departure { offset: end, kind: DepartureKind::LineFeed }),
            None => found.push(Departure { offset: end, kind: DepartureKind::NoLineEnd }),
            Some(_) => {}
        }
    }
    let last = session.lines().last().map_or(0, |line| line.range().end);
    let tail = bytes.get(last..).unwrap_or_default();
    if tail.iter().filter(|byte| **byte == b'\n').count() > 1 {
        found.push(Departure { offset: last, kind: DepartureKind::EmptyLines });
    }
}
