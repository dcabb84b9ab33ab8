//! Units out of a stream of octets, in whatever pieces they come (section 3.2: the length comes first).

/// What a stream cannot be read on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a unit cannot have {length} octets")]
pub struct LengthError {
    /// What the header says.
    pub length: u32,
}

/// Collects octets until a unit is whole. It holds at most one unit and what came with its end.
#[derive(Clone, Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// What of it has been handed out.
    taken: usize,
    longest: usize,
}

impl Framer {
    /// For units of at most `longest` octets.
    #[must_use]
    pub const fn new(longest: usize) -> Self {
        Self { buffer: Vec::new(), taken: 0, longest }
    }

    /// Adds what came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole unit.
    ///
    /// # Errors
    /// When the header has a length that no unit has: where the next one begins cannot be told then.
    pub fn pop(&mut self) -> Result<Option<&[u8]>, LengthError> {
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        let Some(head) = rest.get(..4) else { return Ok(None) };
        let length = head.iter().fold(0_u32, |number, octet| number << 8 | u32::from(*octet));
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if size < super::pdu::HEADER || size > self.longest {
            return Err(LengthError { length });
        }
        if rest.len() < size {
            return Ok(None);
        }
        let start = self.taken;
        self.taken += size;
        Ok(self.buffer.get(start..self.taken))
    }

    /// Forgets what was there.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.taken = 0;
    }
}
