//! The timers of RFC 3261 section 17, table 4, and of RFC 6026.

use strowger_sansio::Duration;

/// The estimates from which all timers follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// T1: the round trip. 500 ms.
    pub t1: Duration,
    /// T2: the longest time between repetitions of a request that is no INVITE, and of a response to INVITE. 4 s.
    pub t2: Duration,
    /// T4: how long a message stays in the network. 5 s.
    pub t4: Duration,
    /// When a server answers an INVITE with 100 by itself (section 17.2.1). 200 ms.
    pub trying: Duration,
}

impl Timing {
    /// Timers B, F, H, J, L and M: 64 T1.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D: at least 32 s for a transport that loses.
    #[must_use]
    pub fn d(&self) -> Duration {
        self.timeout().max(Duration::from_secs(32))
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            trying: Duration::from_millis(200),
        }
    }
}

/// What a deadline is for, by its letter. A and E repeat a request, G a final response to INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Letter {
    A,
    B,
    D,
    E,
    F,
    G,
    H,
    I,
    J,
    K,
    L,
    M,
    /// The 100 that a server sends by itself.
    Trying,
}
