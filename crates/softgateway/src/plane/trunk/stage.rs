//! What a circuit can be doing, and the steps of a call that it begins: the words of `cas`.

use std::collections::VecDeque;

use strowger_media::dtmf::Digit;
use strowger_media::mf::MfDigit;
use strowger_mgcp::message::{EventParameter, EventParameters};

use super::tones::Pulse;

/// A step of an outgoing call.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Wait for a wink; the first one may be an event of its own (`swk`).
    Wink {
        tells: bool,
    },
    /// Wait for the steady off-hook of operator services.
    OffHook,
    Pause(u32),
    Send(Vec<Pulse>),
    /// Until the digits are out.
    Sent,
}

/// What the circuit is doing.
#[derive(Clone, Debug)]
pub(super) enum State {
    Idle,
    /// The gateway has seized it and works through the stages of `sup`.
    Seizing(VecDeque<Stage>),
    /// It has seized it and sent all: the other end has answered, or not yet.
    Outgoing {
        answered: bool,
        suspended: bool,
    },
    /// The other end has seized it.
    Incoming {
        answered: bool,
    },
    /// The gateway has let go, and the other end not yet.
    Releasing,
    /// The other end has let go, and the call agent not yet.
    Released,
    /// The gateway keeps it from being used.
    Blocked,
    /// The other end does.
    Barred,
}

/// The digits of MF that a signal lists.
pub(super) fn mf(values: EventParameters<'_>) -> Vec<Pulse> {
    let digits = values.iter().filter_map(|value| match value {
        EventParameter::Value(name) => MfDigit::from_name(name).map(Pulse::Mf),
        _ => None,
    });
    digits.collect()
}

/// The digits of DTMF that a signal has for an address.
pub(super) fn dtmf(parameters: EventParameters<'_>) -> Vec<Pulse> {
    let values = parameters.named("addr").unwrap_or_default();
    let digits = values.iter().filter_map(|value| match value {
        EventParameter::Value(name) => {
            name.chars().next().and_then(|key| Digit::from_char(key.to_ascii_uppercase())).map(Pulse::Dtmf)
        }
        _ => None,
    });
    digits.collect()
}
