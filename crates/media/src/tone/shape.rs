//! What a tone is: sections of steps, each step a sound or silence of some length. And the same for ringing current.

/// A tone: its sections in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// The sections.
    pub sections: &'static [Section],
}

/// Steps that are repeated together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// The steps.
    pub steps: &'static [Step],
    /// How often they are played; without end when zero.
    pub times: u32,
}

/// A sound of some length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// What sounds.
    pub sound: Sound,
    /// For how long; without end when zero.
    pub millis: u32,
}

/// What sounds during a step. Frequencies are in Hz; levels in dBm0, of each frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sound {
    /// Nothing.
    Silence,
    /// Sines together.
    Sines {
        /// The frequencies.
        hertz: &'static [f64],
        /// The level of each.
        level: f64,
    },
    /// A sine whose amplitude another one moves between nothing and all.
    Modulated {
        /// The frequency heard.
        hertz: f64,
        /// The frequency that moves it.
        by: f64,
        /// The level of the whole.
        level: f64,
    },
    /// Sines that die away.
    Decaying {
        /// The frequencies.
        hertz: &'static [f64],
        /// The level of each at the start.
        level: f64,
        /// The time constant in milliseconds.
        constant: f64,
    },
}

impl Sound {
    /// The frequencies that sound; those beside a modulated carrier are left out.
    #[must_use]
    pub const fn frequencies(&self) -> &[f64] {
        match self {
            Self::Silence => &[],
            Self::Sines { hertz, .. } | Self::Decaying { hertz, .. } => hertz,
            Self::Modulated { hertz, .. } => std::slice::from_ref(hertz),
        }
    }
}

impl Tone {
    /// A tone of these sections.
    #[must_use]
    pub const fn new(sections: &'static [Section]) -> Self {
        Self { sections }
    }

    /// Whether it ends by itself.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.sections.iter().all(|s| s.times > 0 && s.steps.iter().all(|step| step.millis > 0))
    }
}

/// Sines for a time.
pub(super) const fn on(hertz: &'static [f64], level: f64, millis: u32) -> Step {
    Step { sound: Sound::Sines { hertz, level }, millis }
}

/// A modulated sine for a time.
pub(super) const fn modulated(hertz: f64, by: f64, level: f64, millis: u32) -> Step {
    Step { sound: Sound::Modulated { hertz, by, level }, millis }
}

/// Silence for a time.
pub(super) const fn off(millis: u32) -> Step {
    Step { sound: Sound::Silence, millis }
}

/// Steps over and over.
pub(super) const fn cycle(steps: &'static [Step]) -> Section {
    Section { steps, times: 0 }
}

/// Steps a number of times.
pub(super) const fn times(times: u32, steps: &'static [Step]) -> Section {
    Section { steps, times }
}

/// The cadence of ringing current: on and off in turn, in milliseconds, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingCadence {
    /// On, off, on, off, ...: an even number of spans.
    pub spans: &'static [u32],
    /// Whether it is rung only once.
    pub once: bool,
}

impl RingCadence {
    /// A cadence that repeats.
    pub(super) const fn new(spans: &'static [u32]) -> Self {
        Self { spans, once: false }
    }

    /// The length of one cycle in milliseconds.
    #[must_use]
    pub fn period(&self) -> u32 {
        self.spans.iter().sum()
    }

    /// Whether current flows this many milliseconds after the start.
    #[must_use]
    pub fn is_on(&self, millis: u64) -> bool {
        let period = u64::from(self.period());
        if period == 0 || self.once && millis >= period {
            return false;
        }
        let mut within = millis % period;
        for (index, span) in self.spans.iter().enumerate() {
            match within.checked_sub(u64::from(*span)) {
                Some(rest) => within = rest,
                None => return index % 2 == 0,
            }
        }
        false
    }

    /// Milliseconds from `millis` after the start to the next change; none when there is no more.
    #[must_use]
    pub fn next_change(&self, millis: u64) -> Option<u64> {
        let period = u64::from(self.period());
        if period == 0 || self.once && millis >= period {
            return None;
        }
        let mut within = millis % period;
        for span in self.spans {
            match within.checked_sub(u64::from(*span)) {
                Some(rest) => within = rest,
                None => return Some(u64::from(*span) - within),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cadence_is_on_and_off_in_turn_and_repeats() {
        let double = RingCadence::new(&[400, 200, 400, 2000]);
        let states = [0, 399, 400, 599, 600, 999, 1000, 2999, 3000].map(|at| double.is_on(at));
        assert_eq!(states, [true, true, false, false, true, true, false, false, true]);
        assert_eq!(
            [0, 399, 400, 1000, 3001].map(|at| double.next_change(at)),
            [Some(400), Some(1), Some(200), Some(2000), Some(399)]
        );
    }

    #[test]
    fn a_splash_rings_once() {
        let splash = RingCadence { spans: &[500, 100], once: true };
        assert!(splash.is_on(499));
        assert_eq!([500, 600, 10_000].map(|at| splash.is_on(at)), [false; 3]);
        assert_eq!(splash.next_change(600), None);
    }
}
