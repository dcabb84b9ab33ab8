//! What the seed draws before a run begins; printed first, so that a report says what was run.

use std::fmt;

use strowger_sansio::{Duration, Rng};

use crate::network::Link;
use crate::tongue::{self, Tongue};

/// The options of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The seed that everything else comes from.
    pub seed: u64,
    /// Gateways with lines.
    pub gateways: u32,
    /// Lines on each of them.
    pub lines: u32,
    /// What each of them speaks, and a relay behind them.
    pub tongues: Vec<Tongue>,
    /// How long the town is awake.
    pub span: Duration,
    /// The paths between exchange and gateways.
    pub signalling: Link,
    /// The paths between gateways.
    pub media: Link,
    /// What happens to gateways, in the order of time.
    pub troubles: Vec<Trouble>,
    /// When the exchange loses everything that it knows, and starts at once.
    pub exchange_restart: Option<Duration>,
    /// When the exchange's host stands still, and for how long: its clock jumps, and what came meanwhile waits or is lost.
    pub stall: Option<(Duration, Duration)>,
    /// When the clock of the exchange's host is set, and by how many seconds, back where they are negative.
    pub clock_set: Option<(Duration, i64)>,
    /// Whether subscribers flash, hold, transfer and confer.
    pub habits: Habits,
    /// Whether calls go through a relay gateway.
    pub relay: Relay,
    /// The country whose tones are used.
    pub country: &'static str,
}

/// Something that happens to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The gateway's place in the inventory; a relay is the last.
    pub gateway: usize,
    /// When, since the start.
    pub at: Duration,
    /// What.
    pub kind: TroubleKind,
}

/// What happens to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// Nothing reaches it and nothing leaves it for this long; it works on.
    CutOff(Duration),
    /// It loses everything that it knows, and starts at once. Its handsets stay as they are.
    Restart,
}

/// Whether media goes through a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// From gateway to gateway.
    None,
    /// Through two connections of a relay endpoint, of which there are so many: few are sometimes too few.
    Always(u32),
}

/// What the subscribers of a town are used to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habits {
    /// Plain calls; a flash now and then, for nothing.
    Plain,
    /// Each line has features drawn for it, and their subscribers use them, also where they have none.
    Features,
}

const COUNTRIES: [&str; 6] = ["us", "gb", "de", "fr", "it", "jp"];

impl Options {
    /// The options of a seed, in a town where all gateways speak MGCP.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::from_number(seed);
        let below = |rng: &mut Rng, bound| u32::try_from(rng.below(bound)).unwrap_or(0);
        // Most towns are small, so that there can be many; one in ten has tens of subscribers.
        let large = rng.chance(0.1);
        let (gateways, lines) = if large {
            (3 + below(&mut rng, 3), 4 + below(&mut rng, 4))
        } else {
            (2 + below(&mut rng, 2), 2 + below(&mut rng, 2))
        };
        let longest = if large { 150 } else { 300 };
        let span = rng.duration(Duration::from_secs(120), Duration::from_secs(longest));
        let signalling = if rng.chance(0.2) { Link::CLEAN } else { Link::draw(&mut rng) };
        let relay = if rng.chance(0.25) { Relay::Always(1 + below(&mut rng, 4)) } else { Relay::None };
        let country = rng.pick(&COUNTRIES).copied().unwrap_or("us");
        let media = if rng.chance(0.5) { Link::CLEAN } else { Link::draw_media(&mut rng) };
        let hosts = u64::from(gateways) + u64::from(relay != Relay::None);
        let troubles = if rng.chance(0.35) { draw_troubles(&mut rng, hosts, span) } else { Vec::new() };
        let exchange_restart = rng.chance(0.15).then(|| rng.duration(Duration::from_secs(20), span));
        let stall = rng.chance(0.1).then(|| {
            let at = rng.duration(Duration::from_secs(20), span);
            (at, rng.duration(Duration::from_secs(1), Duration::from_secs(40)))
        });
        let clock_set = rng.chance(0.3).then(|| {
            let at = rng.duration(Duration::ZERO, span);
            let by = i64::try_from(rng.below(14_400)).unwrap_or_default() - 7_200;
            (at, by)
        });
        let habits = if rng.chance(0.7) { Habits::Features } else { Habits::Plain };
        Self {
            seed,
            gateways,
            lines,
            tongues: vec![Tongue::Mgcp; usize::try_from(hosts).unwrap_or(0)],
            span,
            signalling,
            media,
            troubles,
            exchange_restart,
            stall,
            clock_set,
            habits,
            relay,
            country,
        }
    }

    /// The same town with the same fate, where gateways speak MGCP or Megaco: what they speak is drawn apart.
    #[must_use]
    pub fn draw_mixed(seed: u64) -> Self {
        let mut options = Self::draw(seed);
        let lines = usize::try_from(options.gateways).unwrap_or(0);
        // Relays speak MGCP.
        tongue::draw(seed, options.tongues.get_mut(..lines).unwrap_or_default());
        options
    }
}

/// One to three troubles, apart from each other by no rule: a gateway may be cut off while another restarts.
fn draw_troubles(rng: &mut Rng, hosts: u64, span: Duration) -> Vec<Trouble> {
    let count = 1 + rng.below(3);
    let mut troubles: Vec<_> = (0..count)
        .map(|_| Trouble {
            gateway: usize::try_from(rng.below(hosts)).unwrap_or(0),
            at: rng.duration(Duration::from_secs(20), span),
            kind: if rng.chance(0.3) {
                TroubleKind::Restart
            } else {
                TroubleKind::CutOff(rng.duration(Duration::from_secs(10), Duration::from_secs(90)))
            },
        })
        .collect();
    troubles.sort_by_key(|trouble| trouble.at);
    troubles
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} gateways with {} lines, {}, awake for {:.0} s, country {}, {} relays, signalling {}, media {}",
            self.seed,
            self.gateways,
            self.lines,
            match self.habits {
                Habits::Plain => "plain calls",
                Habits::Features => "features",
            },
            self.span.as_secs_f64(),
            self.country,
            match self.relay {
                Relay::None => 0,
                Relay::Always(count) => count,
            },
            self.signalling,
            self.media,
        )?;
        let mut megaco = self.tongues.iter().zip(1..).filter(|(tongue, _)| **tongue != Tongue::Mgcp);
        megaco.try_for_each(|(tongue, gateway)| write!(f, ", gw{gateway} speaks {tongue}"))?;
        self.troubles.iter().try_for_each(|trouble| write!(f, ", {trouble}"))?;
        if let Some((at, lasts)) = self.stall {
            let (at, lasts) = (at.as_secs_f64(), lasts.as_secs_f64());
            write!(f, ", the exchange stands still at {at:.1} s for {lasts:.1} s")?;
        }
        if let Some((at, by)) = self.clock_set {
            write!(f, ", its clock is set by {by} s at {:.1} s", at.as_secs_f64())?;
        }
        let restart = self.exchange_restart.map(|at| at.as_secs_f64());
        restart.map_or(Ok(()), |at| write!(f, ", the exchange restarts at {at:.1} s"))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (gateway, at) = (self.gateway + 1, self.at.as_secs_f64());
        match self.kind {
            TroubleKind::CutOff(lasts) => {
                write!(f, "gw{gateway} cut off at {at:.1} s for {:.1} s", lasts.as_secs_f64())
            }
            TroubleKind::Restart => write!(f, "gw{gateway} restarts at {at:.1} s"),
        }
    }
}
