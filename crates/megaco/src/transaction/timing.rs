//! The timers of RFC 3525 Annex D. The estimate of a peer's answering time is that of [`strowger_sansio::retransmission`].

use std::fmt;
use std::time::Duration;

use strowger_sansio::RtoBounds;

/// Every timer and counter of the transaction layer, for both roles. Where the standard names no value, the reason of ours stands with
/// the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionTimers {
    /// LONG-TIMER: how long an answered transaction is remembered at least (D.1.1 suggests 30 s).
    pub long_timer: Duration,
    /// T-MAX: no repetition later than this after the first transmission; then the peer has failed (D.1.5). LONG-TIMER less what a
    /// packet may be on its way.
    pub t_max: Duration,
    /// The retransmission timer towards a peer whose answering time is not known (D.1.5 has 200 ms as example).
    pub rto_initial: Duration,
    /// The least retransmission timer: on a fast network the average is far below what a busy peer needs to be scheduled.
    pub rto_min: Duration,
    /// The greatest retransmission timer (D.1.3 suggests 4 s).
    pub rto_max: Duration,
    /// N of D.1.3; 4 as in TCP (RFC 6298).
    pub deviation_factor: u32,
    /// The constant timer over transports that lose nothing (D.2.3: simple mechanisms are enough).
    pub reliable: Duration,
    /// The repetition timer once a Pending has come (D.1.4: a different one).
    pub after_pending: Duration,
    /// Max1: repetitions after which a peer is under suspicion (D.1.5).
    pub max1: u32,
    /// Max2: repetitions after which it is taken as gone, if T-MAX has not passed before (D.1.5: 7 to 11).
    pub max2: u32,
    /// How long a request may execute before its sender is told by a Pending: our own provisional response timer. Half of the time
    /// after which the sender would repeat it.
    pub provisional: Duration,
    /// How long a request may execute at all.
    pub execution: Duration,
    /// How long segments of a reply are waited for behind the latest one (version 3, inferred).
    pub segmentation: Duration,
}

impl Default for TransactionTimers {
    fn default() -> Self {
        Self {
            long_timer: Duration::from_secs(30),
            t_max: Duration::from_secs(25),
            rto_initial: Duration::from_millis(200),
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_secs(4),
            deviation_factor: 4,
            reliable: Duration::from_secs(4),
            after_pending: Duration::from_secs(4),
            max1: 5,
            max2: 11,
            provisional: Duration::from_millis(100),
            execution: Duration::from_secs(30),
            segmentation: Duration::from_secs(8),
        }
    }
}

impl TransactionTimers {
    /// The bounds of the retransmission timer.
    #[must_use]
    pub const fn rto(&self) -> RtoBounds {
        RtoBounds {
            initial: self.rto_initial,
            least: self.rto_min,
            greatest: self.rto_max,
            deviation_factor: self.deviation_factor,
        }
    }

    /// The repetition timer once a Pending has come: over transports that lose nothing it is longer than before (D.2.4).
    #[must_use]
    pub fn after_pending(&self, is_reliable: bool) -> Duration {
        if is_reliable { self.after_pending.max(self.reliable * 2) } else { self.after_pending }
    }

    /// Whether the values fit together.
    ///
    /// # Errors
    /// The first relation between two timers that the standard demands and that does not hold.
    pub fn check(&self) -> Result<(), TimerConflict> {
        let rules = [
            (self.long_timer > self.t_max, TimerConflict::MemoryBelowMaximum),
            (self.rto_min <= self.rto_initial, TimerConflict::InitialOutOfBounds),
            (self.rto_initial <= self.rto_max, TimerConflict::InitialOutOfBounds),
            (self.rto_max <= self.t_max, TimerConflict::RetransmissionAboveMaximum),
            (!self.rto_min.is_zero() && !self.reliable.is_zero(), TimerConflict::ZeroRetransmission),
            (!self.after_pending.is_zero() && !self.provisional.is_zero(), TimerConflict::ZeroRetransmission),
            (self.max1 < self.max2, TimerConflict::SuspicionAboveDisconnection),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, broken)| Err(broken))
    }
}

/// Two timers contradict one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerConflict {
    /// LONG-TIMER is T-MAX and what a packet may be on its way (D.1.5).
    MemoryBelowMaximum,
    /// The initial retransmission timer lies outside its least and greatest value.
    InitialOutOfBounds,
    /// The greatest retransmission timer must not be above T-MAX.
    RetransmissionAboveMaximum,
    /// A timer of zero would never stop sending.
    ZeroRetransmission,
    /// Max2 must be greater than Max1 (D.1.5).
    SuspicionAboveDisconnection,
}

impl fmt::Display for TimerConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MemoryBelowMaximum => "LONG-TIMER is not greater than T-MAX",
            Self::InitialOutOfBounds => "the initial retransmission timer is out of its bounds",
            Self::RetransmissionAboveMaximum => "the greatest retransmission timer is above T-MAX",
            Self::ZeroRetransmission => "a retransmission timer is zero",
            Self::SuspicionAboveDisconnection => "Max1 is not less than Max2",
        })
    }
}

impl std::error::Error for TimerConflict {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_agree_with_one_another_and_contradictions_are_named() {
        let timers = TransactionTimers::default();
        assert_eq!(timers.check(), Ok(()));
        let short = TransactionTimers { long_timer: timers.t_max, ..timers.clone() };
        assert_eq!(short.check(), Err(TimerConflict::MemoryBelowMaximum));
        let swapped = TransactionTimers { max1: 11, ..timers.clone() };
        assert_eq!(swapped.check(), Err(TimerConflict::SuspicionAboveDisconnection));
        let zero = TransactionTimers { after_pending: Duration::ZERO, ..timers };
        assert_eq!(zero.check(), Err(TimerConflict::ZeroRetransmission));
    }
}
