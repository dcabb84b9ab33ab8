//! Staying awake for a moment behind what came.
//!
//! A thread that waits in the kernel has to be woken for the next datagram, and its processor with it when that has nothing else to do: on many
//! machines that takes longer than all that a transaction asks for. Whoever has a processor to spare may let the thread look
//! again and again for a bounded while instead. Who hears nothing for longer than that sleeps as ever, so an idle host costs nothing.

use strowger_sansio::{Duration, Time};

/// How long a thread looks on before it sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Vigil {
    span: Duration,
    until: Option<Time>,
}

impl Vigil {
    /// It lasts so long behind whatever comes last; no time is none.
    #[must_use]
    pub fn new(span: Duration) -> Self {
        Self { span, until: None }
    }

    /// Something came.
    pub fn came(&mut self, now: Time) {
        if !self.span.is_zero() {
            self.until = Some(now + self.span);
        }
    }

    /// Whether to look again instead of sleeping.
    pub fn lasts(&mut self, now: Time) -> bool {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
        }
        self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vigil_lasts_its_span_behind_what_came_last() {
        let mut vigil = Vigil::new(Duration::from_micros(50));
        let at = |micros: u64| Time::from_secs(1) + Duration::from_micros(micros);
        assert!(!vigil.lasts(at(0)), "nothing has come yet");
        vigil.came(at(0));
        assert!(vigil.lasts(at(49)));
        vigil.came(at(49));
        assert!(vigil.lasts(at(98)));
        assert!(!vigil.lasts(at(99)));
        assert!(!vigil.lasts(at(98)), "it has ended");
    }

    #[test]
    fn without_a_span_there_is_no_vigil() {
        let mut vigil = Vigil::new(Duration::ZERO);
        vigil.came(Time::from_secs(1));
        assert!(!vigil.lasts(Time::from_secs(1)));
    }
}
