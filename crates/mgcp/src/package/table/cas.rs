//! The rows of RFC 3064 section 2: channel associated signalling, tables 5 to 10 and 13.

use super::{COMPLETE, FAILURE, row};
use crate::package::{HookState, Item, Parameters, SetupContent, SetupPart};

const fn part(name: &'static str, needed: bool, holds: SetupContent) -> SetupPart {
    SetupPart { name, needed, holds }
}

const CALL_TYPE: SetupPart = part("ct", true, SetupContent::SignalingType);
const COUNTRY: SetupPart = part("ca", false, SetupContent::Mf);
const CALLER: SetupPart = part("id", true, SetupContent::Mf);
const MF_ADDRESS: SetupPart = part("addr", true, SetupContent::Mf);
const DTMF_ADDRESS: SetupPart = part("addr", true, SetupContent::Dtmf);

/// `sup`: lasts as long as it sends digits.
const fn setup(parts: &'static [SetupPart]) -> Item {
    row("sup", "call setup").variable().with(Parameters::Setup(parts))
}

const BUSY: Item = row("bz", "busy tone").time_out(30_000);
const REORDER: Item = row("ro", "reorder tone").time_out(30_000);
const RINGBACK: Item = row("rt", "ringback tone").time_out(180_000);
const ANSWER: Item = row("ans", "call answer").persistent().brief();
const BLOCK: Item = row("bl", "block").circuit_state().brief();
const RELEASE: Item = row("rel", "release call").persistent().brief();
const RESUME: Item = row("res", "resume call").persistent().brief();
const RELEASED: Item = row("rlc", "release complete").circuit_state().persistent().brief();
const SUSPEND: Item = row("sus", "suspend call").persistent().brief();

/// `MS`, table 5.
pub(super) const MF: &[Item] = &[
    ANSWER,
    BLOCK,
    BUSY,
    row("inf", "information digits").event().with(Parameters::MfDigits),
    COMPLETE,
    FAILURE,
    RELEASE,
    RESUME,
    RELEASED,
    REORDER,
    RINGBACK,
    setup(&[MF_ADDRESS]).circuit_state().persistent(),
    SUSPEND,
];

/// `DT`, table 6.
pub(super) const DTMF: &[Item] = &[
    ANSWER,
    BLOCK,
    BUSY,
    row("dl", "dial tone").time_out(16_000),
    COMPLETE,
    FAILURE,
    RELEASE,
    RESUME,
    RELEASED,
    REORDER,
    RINGBACK,
    setup(&[DTMF_ADDRESS]).circuit_state().persistent(),
    SUSPEND,
];

/// `BL`, table 7.
pub(super) const BASIC: &[Item] = &[
    BUSY,
    row("dl", "dial tone").time_out(16_000).needs(HookState::Off),
    row("hd", "off-hook").state(HookState::Off).persistent(),
    row("hf", "flash hook").persistent(),
    row("hu", "on-hook").state(HookState::On).persistent(),
    COMPLETE,
    FAILURE,
    row("rel", "release").brief(),
    row("rg", "ringing").time_out(180_000).needs(HookState::On),
    REORDER,
    RINGBACK.on_connections(),
];

/// `DO`, table 8.
pub(super) const FXO: &[Item] = &[
    row("ci", "caller identification").event(),
    row("hd", "off-hook").brief(),
    row("hf", "hook flash").brief(),
    row("hu", "on-hook").brief(),
    COMPLETE,
    FAILURE,
    row("rel", "release call").persistent(),
    row("rg", "ringing").circuit_state().persistent(),
    row("rlc", "release complete").circuit_state().persistent(),
    setup(&[DTMF_ADDRESS]),
];

/// `MD`, table 9.
pub(super) const FEATURE_GROUP_D: &[Item] = &[
    ANSWER,
    row("awk", "acknowledgement wink").persistent().brief(),
    BLOCK,
    BUSY,
    row("cwk", "continue wink").brief(),
    row("inf", "information digits").event().variable().with(Parameters::MfDigits),
    COMPLETE,
    FAILURE,
    RELEASE,
    RESUME,
    RELEASED,
    REORDER,
    RINGBACK,
    setup(&[CALL_TYPE, COUNTRY, CALLER, part("addr", false, SetupContent::Mf)]).circuit_state().persistent(),
    SUSPEND,
    row("swk", "start wink").event(),
];

/// `MO`, table 10.
pub(super) const OPERATOR: &[Item] = &[
    row("ans", "call answer").persistent(),
    COMPLETE,
    FAILURE,
    row("orbk", "operator ringback").event(),
    row("rbz", "reverse make busy").circuit_state().persistent(),
    row("rcl", "operator recall").brief(),
    RELEASE,
    row("res", "resume call").brief(),
    RELEASED,
    setup(&[CALLER, MF_ADDRESS]),
    row("sus", "suspend call").brief(),
    row("swk", "start wink").event(),
];
