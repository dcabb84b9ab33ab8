//! A notification request that was found good for one endpoint: RFC 3435 section 2.3.3, as the event machine uses it.

use std::sync::Arc;

use strowger_sansio::Duration;

use super::event::{Occurrence, Pattern};
use super::media::Hook;
use super::signals::SignalRequest;
use crate::digitmap::DigitMap;
use crate::message::{Quarantine, RequestIdBuf, ReturnCode};

/// What is done with an event apart from signals and embedded requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// N: reported at once, with all that was accumulated.
    Notify,
    /// A: kept for the next report.
    Accumulate,
    /// D: kept, and matched with the digit map.
    DigitMap,
    /// Only K, S or E: acted upon and not reported.
    Unreported,
    /// I: as if it had not occurred, but for the signals.
    Ignore,
}

/// Whether a requested event stops the time-out signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalsOnEvent {
    /// The rule.
    Stop,
    /// K.
    Keep,
}

/// Whether an event changes the connection that the line hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audio {
    /// It stays.
    Stay,
    /// S: the next connection.
    Swap,
}

/// What D/dd asks for: RFC 3660 section 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ToneDuration {
    /// The tones, as a set of letters.
    pub(super) tones: u128,
    /// The duration to be exceeded; none reports the full duration at the tone's end.
    pub(super) exceeds: Option<Duration>,
}

/// One event that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requested {
    pub(super) pattern: Pattern,
    pub(super) handling: Handling,
    pub(super) signals: SignalsOnEvent,
    pub(super) audio: Audio,
    pub(super) embedded: Option<Arc<Embedded>>,
    pub(super) duration: Option<ToneDuration>,
    /// Its parameters, for who looks for it.
    pub(super) parameters: String,
    /// As audits show it.
    pub(super) wire: String,
}

/// An embedded request (E).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Embedded {
    pub(super) requested: Vec<Requested>,
    pub(super) signals: Vec<SignalRequest>,
    pub(super) digit_map: Option<Arc<DigitMap>>,
}

/// One event of the T list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detect {
    pub(super) pattern: Pattern,
    pub(super) wire: String,
}

/// A notification request that was found good for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotificationRequest {
    pub(super) id: RequestIdBuf,
    pub(super) entity: Option<String>,
    pub(super) requested: Vec<Requested>,
    pub(super) signals: Vec<SignalRequest>,
    pub(super) digit_map: Option<Arc<DigitMap>>,
    pub(super) quarantine: Quarantine,
    pub(super) detect: Option<Vec<Detect>>,
}

/// The entry that says what to do with an event: the one that names it most closely.
pub(super) fn find<'a>(list: &'a [Requested], event: &Occurrence) -> Option<&'a Requested> {
    let mut best: Option<&Requested> = None;
    for entry in list.iter().filter(|entry| entry.pattern.matches(event)) {
        if best.is_none_or(|best| entry.pattern.closeness() > best.pattern.closeness()) {
            best = Some(entry);
        }
    }
    best
}

/// The glare check of RFC 3435 section 4.4.2: a transition cannot be asked for when it has happened already.
///
/// Groups such as `L/all` name no transition, and an ignored one is not asked for.
pub(super) fn glare(list: &[Requested], hook: Hook) -> Option<ReturnCode> {
    // The packages whose endpoints are telephones on wires: lines, and basic trunks (RFC 3064 section 2.3).
    let names = |entry: &Requested, codes: &[&str]| {
        codes.iter().any(|code| entry.pattern.names("L", code) || entry.pattern.names("BL", code))
    };
    list.iter().filter(|entry| entry.handling != Handling::Ignore).find_map(|entry| match hook {
        Hook::Off => names(entry, &["hd"]).then_some(ReturnCode::OFF_HOOK),
        Hook::On => names(entry, &["hu", "hf"]).then_some(ReturnCode::ON_HOOK),
    })
}
