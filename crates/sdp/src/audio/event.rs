//! The events that a `telephone-event` format lists in `a=fmtp` (RFC 4733 section 2.4.1): `0-15,66,70`.

use std::fmt;

/// A set of telephone events, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSet([u128; 2]);

impl EventSet {
    /// The sixteen DTMF digits: what is meant when no list is given.
    pub const DTMF: Self = Self([0xffff, 0]);

    /// Reads a list. Parameters that name themselves (`name=value`) are another form and give `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut set = [0; 2];
        for part in text.split(',') {
            let part = part.trim();
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let (low, high) = (low.trim().parse::<u8>().ok()?, high.trim().parse::<u8>().ok()?);
            if low > high {
                return None;
            }
            for event in low..=high {
                let (half, bit) = place(event);
                *set.get_mut(half)? |= bit;
            }
        }
        Some(Self(set))
    }

    /// Whether the event is in the set.
    #[must_use]
    pub fn contains(&self, event: u8) -> bool {
        let (half, bit) = place(event);
        self.0.get(half).is_some_and(|bits| bits & bit != 0)
    }

    /// The events in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }

    /// Whether no event is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 2]
    }
}

fn place(event: u8) -> (usize, u128) {
    (usize::from(event >> 7), 1 << (event & 0x7f))
}

/// The list with ranges: `0-15,70`.
impl fmt::Display for EventSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        let mut event = 0_u16;
        let has = |event: u16| u8::try_from(event).is_ok_and(|event| self.contains(event));
        while event < 256 {
            if has(event) {
                let low = event;
                while has(event + 1) {
                    event += 1;
                }
                if low == event {
                    write!(f, "{comma}{low}")?;
                } else {
                    write!(f, "{comma}{low}-{event}")?;
                }
                comma = ",";
            }
            event += 1;
        }
        Ok(())
    }
}
