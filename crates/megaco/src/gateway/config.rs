//! What a gateway is made of.

use std::time::Duration;

use super::digit_map::DigitTimers;
use super::owned::Item;
use super::termination::TerminationKind;
use crate::message::{OwnedMid, Version};
use crate::transaction::{NEWEST, PeerConfig, TransactionLimits, TransactionTimers};

/// A termination that is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalTermination {
    /// Its name, as `aaln/1`.
    pub name: String,
    /// What it is.
    pub kind: TerminationKind,
}

/// Bounds on what controllers can make a gateway hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Contexts at a time (`root/maxNumberOfContexts`): more are refused with 412.
    pub contexts: u32,
    /// Terminations of one context (`root/maxTerminationsPerContext`): more are refused with 434.
    pub terminations: u32,
    /// Ephemeral terminations at a time: more are refused with 432.
    pub ephemerals: u32,
    /// Events of one termination that wait in lock step: what comes then is lost, and 518 is reported.
    pub queued_events: usize,
    /// Notifications of one termination that wait for the one before: more are lost.
    pub queued_notices: usize,
    /// Digit maps of one termination: more are refused with 519.
    pub digit_maps: usize,
    /// Signals of one descriptor: more are refused with 510.
    pub signals: usize,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            contexts: 10_000,
            terminations: 32,
            ephemerals: 20_000,
            queued_events: 64,
            queued_notices: 64,
            digit_maps: 16,
            signals: 32,
        }
    }
}

/// What a gateway is made of.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// What it calls itself.
    pub mid: OwnedMid,
    /// The controllers that it obeys, the primary one first; each with a route, or one that the host gives when a connection stands.
    pub controllers: Vec<PeerConfig>,
    /// Its physical terminations, in the order of [`LineIndex`](super::LineIndex).
    pub terminations: Vec<PhysicalTermination>,
    /// What names of ephemeral terminations begin with: `rtp` for `rtp/1` and so on.
    pub ephemeral: String,
    /// The version that it proposes.
    pub version: Version,
    /// The profile that it proposes, and its version.
    pub profile: Option<(String, Version)>,
    /// The maximum waiting delay (RFC 3525 section 9.2): it registers after a random part of it.
    pub waiting_delay: Duration,
    /// How long it waits after a refusal, before it asks the next controller.
    pub retry_delay: Duration,
    /// The digit timers of maps that do not say theirs.
    pub digits: DigitTimers,
    /// How long signals last that end by a time-out, where a descriptor does not say it.
    pub durations: Vec<(Item, Duration)>,
    /// How long those last that are not in that list.
    pub duration: Duration,
    /// How long a controller that asks for `it/ito` may be silent, where it does not say it (H.248.14).
    pub longest_silence: Duration,
    /// Bounds.
    pub limits: GatewayLimits,
    /// The timers of transactions.
    pub timers: TransactionTimers,
    /// The bounds of transactions.
    pub transactions: TransactionLimits,
}

impl GatewayConfig {
    /// A gateway without terminations and controllers.
    #[must_use]
    pub fn new(mid: OwnedMid) -> Self {
        Self {
            mid,
            controllers: Vec::new(),
            terminations: Vec::new(),
            ephemeral: "rtp".to_owned(),
            version: NEWEST,
            profile: None,
            waiting_delay: Duration::from_secs(1),
            retry_delay: Duration::from_secs(2),
            digits: DigitTimers::default(),
            durations: provisioned(),
            duration: Duration::from_secs(180),
            longest_silence: Duration::from_secs(60),
            limits: GatewayLimits::default(),
            timers: TransactionTimers::default(),
            transactions: TransactionLimits::default(),
        }
    }

    /// With analogue lines `aaln/1` to `aaln/N`.
    #[must_use]
    pub fn with_lines(mut self, count: u32) -> Self {
        let line = |number| PhysicalTermination {
            name: format!("aaln/{number}"),
            kind: TerminationKind::AnalogueLine,
        };
        self.terminations.extend((1..=count).map(line));
        self
    }

    /// With circuits of trunks `ds/1` to `ds/N`.
    #[must_use]
    pub fn with_circuits(mut self, count: u32) -> Self {
        let circuit =
            |number| PhysicalTermination { name: format!("ds/{number}"), kind: TerminationKind::Circuit };
        self.terminations.extend((1..=count).map(circuit));
        self
    }

    /// With one more controller, to be asked after those before it.
    #[must_use]
    pub fn with_controller(mut self, controller: PeerConfig) -> Self {
        self.controllers.push(controller);
        self
    }

    pub(super) fn duration_of(&self, item: Item) -> Duration {
        let found = self.durations.iter().find(|(known, _)| *known == item);
        found.map_or(self.duration, |(_, duration)| *duration)
    }
}

/// What North American practice has: tones that ask for something are given up after a while, those that inform last longer.
fn provisioned() -> Vec<(Item, Duration)> {
    const CG: u16 = 7;
    let seconds = Duration::from_secs;
    vec![
        (Item::new(CG, 0x30), seconds(16)),
        (Item::new(CG, 0x32), seconds(30)),
        (Item::new(CG, 0x33), seconds(30)),
        (Item::new(CG, 0x35), seconds(30)),
        (Item::new(CG, 0x37), seconds(1)),
        (Item::new(0xa, 3), seconds(2)),
    ]
}
