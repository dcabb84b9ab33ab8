//! The durations of a call, each with the reason for its default.
//!
//! Durations that a gateway measures by itself (inter-digit timing, the cadence of a tone) are in RFC 3435
//! and RFC 3660; what stands here is what only the exchange can decide.

use strowger_sansio::Duration;

/// How long each phase of a call may last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTimers {
    /// Dial tone without a digit. 16 s: the time-out of the signal L/dl (RFC 3660 section 2.4), so that the
    /// end of the tone and the end of our patience are one event.
    pub first_digit: Duration,
    /// The whole of dialling, from dial tone to the last digit. The gateway times the gaps between digits
    /// itself (T, 16 s); this only bounds a gateway that never reports. 120 s: a 15-digit number at a
    /// leisurely 8 s a digit.
    pub dialling: Duration,
    /// From the offer of a call to the called side's alerting. 30 s: a gateway that is slower has been
    /// declared lost by the transaction layer (T-MAX, 20 s).
    pub setup: Duration,
    /// Ringing without an answer. 180 s: the time-out of L/rg and of G/rt; RFC 3660 sections 2.1 and 2.4.
    pub ringing: Duration,
    /// Ringing at a telephone that a party was transferred to, before that party returns to who transferred it. 60 s: ten
    /// cycles; who waits there has waited before, and did not choose to.
    pub transfer: Duration,
    /// Waiting of a party whose transfer came to nothing for who transferred it, who is in another call. 120 s: so long as the talk of
    /// a short call, and no longer than somebody stays who hears nothing but the tone on hold.
    pub returning: Duration,
    /// Busy tone before the howler. 30 s: the time-out of L/bz.
    pub busy_tone: Duration,
    /// Congestion, special information or number-unobtainable tone before the howler. 30 s: the time-out of L/ro.
    pub failure_tone: Duration,
    /// Howler before the line is locked out. 60 s: a person beside the telephone hears it well before.
    pub howler: Duration,
    /// How long the record of an ended call waits for the statistics of its connections. 10 s: several
    /// retransmissions of the deletion; past that the gateway is in trouble and billing must not wait for it.
    pub record: Duration,
    /// How long an order that failed for the moment rests before it is tried again. 5 s: longer than any
    /// retransmission, and short enough that a party whose line is not watched for a moment does not notice.
    pub retry: Duration,
    /// How long a line rests whose gateway says that it cannot serve, or does not know it. 60 s: the gateway
    /// announces a change by itself (RSIP); this only repairs a lost announcement or a corrected
    /// provisioning.
    pub probe: Duration,
}

impl Default for CallTimers {
    fn default() -> Self {
        Self {
            first_digit: Duration::from_secs(16),
            dialling: Duration::from_secs(120),
            setup: Duration::from_secs(30),
            ringing: Duration::from_secs(180),
            transfer: Duration::from_secs(60),
            returning: Duration::from_secs(120),
            busy_tone: Duration::from_secs(30),
            failure_tone: Duration::from_secs(30),
            howler: Duration::from_secs(60),
            record: Duration::from_secs(10),
            retry: Duration::from_secs(5),
            probe: Duration::from_secs(60),
        }
    }
}
