//! The play-out buffer of a session that plays. A relay plays nothing, and so has none.

use std::time::Duration;

use crate::jitter::{JitterBuffer, PlayoutConfig, PlayoutCounters};

/// A buffer, from the first packet of sound on.
#[derive(Clone, Debug)]
pub(super) struct SessionPlayout {
    bounds: PlayoutConfig,
    buffer: Option<Box<JitterBuffer>>,
}

impl SessionPlayout {
    pub(super) const fn new(bounds: PlayoutConfig) -> Self {
        Self { bounds, buffer: None }
    }

    /// The buffer, which is there from now on.
    #[inline]
    pub(super) fn buffer(&mut self) -> &mut JitterBuffer {
        self.buffer.get_or_insert_with(|| Box::new(JitterBuffer::new(self.bounds)))
    }

    /// The buffer, if it was ever needed. Without it nothing but silence is heard.
    pub(super) fn begun(&mut self) -> Option<&mut JitterBuffer> {
        self.buffer.as_deref_mut()
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.buffer.as_ref().is_some_and(|buffer| buffer.is_fixed())
    }

    /// The delay with which a stream starts.
    pub(super) fn target(&self) -> Duration {
        match &self.buffer {
            Some(buffer) => buffer.target(),
            None => JitterBuffer::new(self.bounds).target(),
        }
    }

    pub(super) fn counters(&self) -> PlayoutCounters {
        self.buffer.as_ref().map(|buffer| buffer.counters()).unwrap_or_default()
    }
}
