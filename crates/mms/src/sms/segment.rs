//! A datagram in as few short messages as it takes: one of up to 133 octets, or parts of 128 (127 with a wide reference).

use super::header::{Concatenation, LARGEST, Ports, Width, put_header};

/// Octets that one short message carries beside its ports.
pub const SINGLE: usize = LARGEST - 7;
/// Octets of a part with a reference of eight bits.
pub const NARROW_PART: usize = LARGEST - 12;
/// Octets of a part with a reference of sixteen bits.
pub const WIDE_PART: usize = LARGEST - 13;

/// More than 255 parts would be needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The octets that there are.
    pub octets: usize,
    /// The octets that fit.
    pub most: usize,
}

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} octets are more than the {} that fit into 255 short messages", self.octets, self.most)
    }
}

impl std::error::Error for TooLong {}

/// What the parts of a datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The number: no two datagrams that are under way to one receiver may have the same one.
    pub number: u16,
    /// How wide it is written.
    pub width: Width,
}

impl Reference {
    /// A reference of eight bits, as most message centres and receivers know best.
    #[must_use]
    pub const fn narrow(number: u8) -> Self {
        Self { number: number as u16, width: Width::Narrow }
    }

    /// A reference of sixteen bits, which comes back later.
    #[must_use]
    pub const fn wide(number: u16) -> Self {
        Self { number, width: Width::Wide }
    }
}

/// The user data of each short message, header included (TP-UDHI is to be set). The reference is used only when one message
/// is not enough.
///
/// # Errors
/// [`TooLong`] when 255 messages are not enough.
pub fn segment(payload: &[u8], ports: Ports, reference: Reference) -> Result<Vec<Vec<u8>>, TooLong> {
    if payload.len() <= SINGLE {
        let mut message = Vec::with_capacity(payload.len() + 7);
        put_header(ports, None, &mut message);
        message.extend_from_slice(payload);
        return Ok(vec![message]);
    }
    let size = match reference.width {
        Width::Narrow => NARROW_PART,
        Width::Wide => WIDE_PART,
    };
    let count = payload.len().div_ceil(size);
    let total = u8::try_from(count).map_err(|_| TooLong { octets: payload.len(), most: 255 * size })?;
    let parts = payload.chunks(size).zip(1..=total).map(|(chunk, part)| {
        let place = Concatenation { reference: reference.number, width: reference.width, total, part };
        let mut message = Vec::with_capacity(LARGEST);
        put_header(ports, Some(place), &mut message);
        message.extend_from_slice(chunk);
        message
    });
    Ok(parts.collect())
}
