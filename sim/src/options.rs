//! What the seed draws before a run begins; printed first, so that a report says what was run.

use std::fmt;

use strowger_sansio::{Duration, Rng};

use crate::network::Link;

/// The options of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The seed that everything else comes from.
    pub seed: u64,
    /// Gateways with lines.
    pub gateways: u32,
    /// Lines on each of them.
    pub lines: u32,
    /// How long the town is awake.
    pub span: Duration,
    /// The paths between exchange and gateways.
    pub signalling: Link,
    /// Whether calls go through a relay gateway.
    pub relay: Relay,
    /// The country whose tones are used.
    pub country: &'static str,
}

/// Whether media goes through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// From gateway to gateway.
    None,
    /// Through two connections of a relay endpoint.
    Always,
}

const COUNTRIES: [&str; 6] = ["us", "gb", "de", "fr", "it", "jp"];

impl Options {
    /// The options of a seed.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::from_number(seed);
        Self {
            seed,
            gateways: 2,
            lines: 2 + u32::try_from(rng.below(2)).unwrap_or(0),
            span: rng.duration(Duration::from_secs(120), Duration::from_secs(300)),
            signalling: if rng.chance(0.2) { Link::CLEAN } else { Link::draw(&mut rng) },
            relay: if rng.chance(0.25) { Relay::Always } else { Relay::None },
            country: rng.pick(&COUNTRIES).copied().unwrap_or("us"),
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = &self.signalling;
        write!(
            f,
            "seed {}: {} gateways with {} lines, awake for {:.0} s, country {}, relay {}, signalling loses {:.1} %, \
             doubles {:.1} %, takes {:.1} to {:.1} ms",
            self.seed,
            self.gateways,
            self.lines,
            self.span.as_secs_f64(),
            self.country,
            match self.relay {
                Relay::None => "none",
                Relay::Always => "always",
            },
            link.loss * 100.0,
            link.duplication * 100.0,
            link.delay.as_secs_f64() * 1000.0,
            (link.delay + link.jitter).as_secs_f64() * 1000.0,
        )
    }
}
