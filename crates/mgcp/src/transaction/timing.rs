//! The timers of RFC 3435 (sections 3.5.3, 3.5.6 and 4.3). The estimate of a peer's answering time is that of
//! [`strowger_sansio::retransmission`].

use std::fmt;
use std::time::Duration;

use strowger_sansio::RtoBounds;

/// Every timer and counter of the protocol, for both roles. The defaults are those that RFC 3435 names; where it names
/// none, the reason stands with the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolTimers {
    /// T-HIST: how long an answered transaction is remembered (3.5.1).
    pub t_hist: Duration,
    /// T-MAX: no retransmission later than this after the first transmission (4.3).
    pub t_max: Duration,
    /// LONGTRAN-TIMER: the interval of retransmissions once a provisional response has come (3.5.6).
    pub longtran: Duration,
    /// How long a received command may execute before it is answered with 406: T-HIST less T-MAX (3.5.6).
    pub execution: Duration,
    /// How long a received command may execute before its sender is told by a provisional response. 3.5.6 names no time: this is half of the
    /// time after which the sender would repeat it.
    pub provisional: Duration,
    /// The retransmission timer towards a peer whose answering time is not known yet (4.3 gives 200 ms as example).
    pub rto_initial: Duration,
    /// The least retransmission timer. On a fast network the average is far below what a busy gateway needs to be
    /// scheduled, and a timer of microseconds would only add to its load; 3.5.3 advises to bound it.
    pub rto_min: Duration,
    /// RTO-MAX: the greatest retransmission timer (3.5.3).
    pub rto_max: Duration,
    /// N in `AAD + N * ADEV`; 4 as in TCP (RFC 6298).
    pub deviation_factor: u32,
    /// Max1: retransmissions to one address after which a peer is under suspicion (4.3).
    pub max1: u32,
    /// Max2: retransmissions to the last address after which no more are sent (4.3).
    pub max2: u32,
    /// Which of the queries of the name service between the repetitions are made (4.3 demands that each can be disabled).
    pub queries: NameQueries,
    /// A name that was resolved within this time is not asked for again (4.3 gives 5 s as example).
    pub fresh: Duration,
    /// MWD: a gateway's greatest waiting delay before its restart procedure (4.4.6; 600 s for residential gateways).
    pub mwd: Duration,
    /// Tdinit: the first waiting delay of a disconnected gateway is drawn from 1 s up to this (4.4.7).
    pub tdinit: Duration,
    /// Tdmin: local activity may start the disconnected procedure not more often than this (4.4.7).
    pub tdmin: Duration,
    /// Tdmax: the greatest waiting delay of a disconnected gateway (4.4.7).
    pub tdmax: Duration,
}

impl Default for ProtocolTimers {
    fn default() -> Self {
        Self {
            t_hist: Duration::from_secs(30),
            t_max: Duration::from_secs(20),
            longtran: Duration::from_secs(5),
            execution: Duration::from_secs(10),
            provisional: Duration::from_millis(100),
            rto_initial: Duration::from_millis(200),
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_secs(4),
            deviation_factor: 4,
            max1: 5,
            max2: 7,
            queries: NameQueries::Both,
            fresh: Duration::from_secs(5),
            mwd: Duration::from_secs(600),
            tdinit: Duration::from_secs(15),
            tdmin: Duration::from_secs(15),
            tdmax: Duration::from_secs(600),
        }
    }
}

impl ProtocolTimers {
    /// When the wait for a final response ends: twice T-HIST after the first transmission (3.5.6, 4.3).
    #[must_use]
    pub fn give_up(&self) -> Duration {
        self.t_hist.saturating_mul(2)
    }

    /// The bounds of the retransmission timer.
    #[must_use]
    pub fn rto(&self) -> RtoBounds {
        RtoBounds {
            initial: self.rto_initial,
            least: self.rto_min,
            greatest: self.rto_max,
            deviation_factor: self.deviation_factor,
        }
    }

    /// Whether the values fit together.
    ///
    /// # Errors
    /// The first relation between two timers that the RFC demands and that does not hold.
    pub fn check(&self) -> Result<(), TimerConflict> {
        let rules = [
            // By how much depends on the network: it is never nothing.
            (self.t_hist > self.t_max, TimerConflict::HistoryBelowMaximum),
            (self.longtran < self.t_hist, TimerConflict::LongTransactionAboveHistory),
            (self.execution <= self.t_hist, TimerConflict::ExecutionAboveHistory),
            (self.rto_min <= self.rto_initial, TimerConflict::InitialOutOfBounds),
            (self.rto_initial <= self.rto_max, TimerConflict::InitialOutOfBounds),
            (self.rto_max <= self.t_max, TimerConflict::RetransmissionAboveMaximum),
            (!self.rto_min.is_zero(), TimerConflict::ZeroRetransmission),
            (self.max1 < self.max2, TimerConflict::SuspicionAboveDisconnection),
            (self.tdinit <= self.tdmax, TimerConflict::DisconnectedOutOfBounds),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, broken)| Err(broken))
    }
}

/// The queries of the name service that are made while a peer does not answer (RFC 3435 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameQueries {
    /// After Max1 repetitions to the first address, and after Max2 to the last one.
    Both,
    /// The first one only.
    AtMax1,
    /// The second one only.
    AtMax2,
    /// None. A peer without any address is still asked for, as nothing could be sent to it otherwise.
    Neither,
}

impl NameQueries {
    pub(super) const fn at_max1(self) -> bool {
        matches!(self, Self::Both | Self::AtMax1)
    }

    pub(super) const fn at_max2(self) -> bool {
        matches!(self, Self::Both | Self::AtMax2)
    }
}

/// Two timers contradict one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerConflict {
    /// T-HIST must not be less than T-MAX (4.3).
    HistoryBelowMaximum,
    /// LONGTRAN-TIMER must be less than T-HIST (3.5.6).
    LongTransactionAboveHistory,
    /// A command must not execute longer than it is remembered (3.5.1).
    ExecutionAboveHistory,
    /// The initial retransmission timer lies outside its least and greatest value.
    InitialOutOfBounds,
    /// RTO-MAX must not be above T-MAX.
    RetransmissionAboveMaximum,
    /// A retransmission timer of zero would never stop sending.
    ZeroRetransmission,
    /// Max2 must be greater than Max1 (4.3).
    SuspicionAboveDisconnection,
    /// Tdinit must not be above Tdmax (4.4.7).
    DisconnectedOutOfBounds,
}

impl fmt::Display for TimerConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HistoryBelowMaximum => "T-HIST is less than T-MAX",
            Self::LongTransactionAboveHistory => "LONGTRAN-TIMER is not less than T-HIST",
            Self::ExecutionAboveHistory => "the execution limit is above T-HIST",
            Self::InitialOutOfBounds => "the initial retransmission timer is out of its bounds",
            Self::RetransmissionAboveMaximum => "RTO-MAX is above T-MAX",
            Self::ZeroRetransmission => "the least retransmission timer is zero",
            Self::SuspicionAboveDisconnection => "Max1 is not less than Max2",
            Self::DisconnectedOutOfBounds => "Tdinit is above Tdmax",
        })
    }
}

impl std::error::Error for TimerConflict {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_agree_with_one_another_and_with_the_rfc() {
        let timers = ProtocolTimers::default();
        assert_eq!(timers.check(), Ok(()));
        assert_eq!(timers.give_up(), Duration::from_secs(60));
        let swapped = ProtocolTimers { max1: 7, max2: 5, ..ProtocolTimers::default() };
        assert_eq!(swapped.check(), Err(TimerConflict::SuspicionAboveDisconnection));
        let short = ProtocolTimers { t_hist: Duration::from_secs(19), ..ProtocolTimers::default() };
        assert_eq!(short.check(), Err(TimerConflict::HistoryBelowMaximum));
    }
}
