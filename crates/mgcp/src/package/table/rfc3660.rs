//! The rows of RFC 3435 Appendix B for the base package, and of RFC 3660 section 2 for the others.
//!
//! Where RFC 3660 lists the sixteen DTMF tones or the eight ringing patterns as one row, here each has its own.

use super::{COMPLETE, FAILURE, row};
use crate::package::{HookState, Item, Parameters, Place, Signal};

pub(super) const BASE: &[Item] = &[
    row("enf", "embedded notification request failure").event().with(Parameters::Number(100, 999)),
    row("oef", "observed events full").event(),
    row("qbo", "quarantine buffer overflow").event(),
];

pub(super) const GENERIC: &[Item] = &[
    row("cf", "confirm tone").brief().needs(HookState::Off),
    row("cg", "congestion tone").infinite(),
    row("ft", "fax tone").event(),
    row("it", "intercept tone").infinite(),
    row("ld", "long duration connection").event_at(Place::Connection),
    row("mt", "modem tone").event(),
    COMPLETE,
    FAILURE,
    row("pat", "pattern detected").event().on_off().with(Parameters::Number(0, 999)),
    row("pt", "preemption tone").infinite(),
    row("rbk", "ringback on a connection").time_out(180_000).on_connections().with(Parameters::Free),
    row("rt", "ringback tone").time_out(180_000).on_connections().needs(HookState::Off),
];

const fn tone(symbol: &'static str, definition: &'static str) -> Item {
    row(symbol, definition).event().brief().needs(HookState::Off)
}

pub(super) const DTMF: &[Item] = &[
    tone("0", "DTMF 0"),
    tone("1", "DTMF 1"),
    tone("2", "DTMF 2"),
    tone("3", "DTMF 3"),
    tone("4", "DTMF 4"),
    tone("5", "DTMF 5"),
    tone("6", "DTMF 6"),
    tone("7", "DTMF 7"),
    tone("8", "DTMF 8"),
    tone("9", "DTMF 9"),
    tone("#", "DTMF #"),
    tone("*", "DTMF *"),
    tone("A", "DTMF A"),
    tone("B", "DTMF B"),
    tone("C", "DTMF C"),
    tone("D", "DTMF D"),
    row("DD", "DTMF tone duration").event().time_out(3_000).needs(HookState::Off).with(Parameters::Free),
    row("DO", "DTMF on-off").on_off().needs(HookState::Off).with(Parameters::Free),
    row("L", "long duration indicator").event(),
    COMPLETE,
    FAILURE,
    row("T", "interdigit timer").event().time_out(16_000),
    row("X", "any digit 0-9").event(),
];

pub(super) const TRUNK: &[Item] = &[
    row("as", "answer supervision").event().brief(),
    row("bl", "blocking").brief(),
    row("bz", "busy tone").time_out(30_000),
    row("co1", "continuity tone, 2010 Hz").event().time_out(3_000),
    row("co2", "continuity test, 1780 Hz").event().time_out(3_000),
    row("ct", "continuity transponder").on_off().with(Parameters::Transponder),
    row("lb", "loopback").on_off(),
    row("nm", "new milliwatt, 1004 Hz").event().time_out(3_000),
    row("mm", "newest milliwatt").event().time_out(3_000),
    COMPLETE,
    FAILURE,
    row("om", "old milliwatt").event().time_out(3_000),
    row("pst", "permanent signal tone").infinite(),
    row("qt", "quiet termination").infinite(),
    row("ro", "reorder tone").event().time_out(30_000),
    row("sit", "special information tone").event().time_out(2_000).with(Parameters::Number(1, 7)),
    row("tl", "test line").event().infinite(),
    row("tp", "test pattern").event().time_out(3_000).with(Parameters::Number(0, 255)),
    row("zz", "no circuit").event().time_out(2_000),
];

const fn ring(symbol: &'static str, definition: &'static str) -> Item {
    row(symbol, definition).time_out(180_000).needs(HookState::On)
}

const fn waiting(symbol: &'static str, definition: &'static str) -> Item {
    row(symbol, definition).time_out(12_000).needs(HookState::Off)
}

pub(super) const LINE: &[Item] = &[
    row("adsi", "ADSI display").brief().with(Parameters::Free),
    row("aw", "answer tone").event().on_off(),
    row("bz", "busy tone").time_out(30_000).needs(HookState::Off),
    row("ci", "caller identification").brief().with(Parameters::Free),
    row("dl", "dial tone").time_out(16_000).needs(HookState::Off),
    row("e", "error tone").event().time_out(2_000),
    row("hd", "off-hook transition").state(HookState::Off),
    row("hf", "hook flash").event(),
    row("ht", "tone on hold").on_off(),
    row("hu", "on-hook transition").state(HookState::On),
    row("lsa", "line side answer supervision").on_off(),
    row("mwi", "message waiting indicator").time_out(16_000).needs(HookState::Off),
    row("nbz", "network busy").event().infinite(),
    COMPLETE,
    FAILURE,
    row("osi", "network disconnect").time_out(900),
    row("ot", "off-hook warning tone").infinite().needs(HookState::Off),
    row("p", "prompt tone").event().brief(),
    ring("rg", "ringing"),
    ring("r0", "distinctive ringing 0"),
    ring("r1", "distinctive ringing 1"),
    ring("r2", "distinctive ringing 2"),
    ring("r3", "distinctive ringing 3"),
    ring("r4", "distinctive ringing 4"),
    ring("r5", "distinctive ringing 5"),
    ring("r6", "distinctive ringing 6"),
    ring("r7", "distinctive ringing 7"),
    row("ro", "reorder tone").time_out(30_000),
    row("rs", "ringsplash").brief(),
    row("s", "distinctive tone pattern").event().brief().with(Parameters::Number(0, 999)),
    row("sit", "special information tone").time_out(2_000).with(Parameters::Number(1, 7)),
    row("sl", "stutter dial tone").time_out(16_000).needs(HookState::Off).with(Parameters::Free),
    row("v", "alerting tone").on_off(),
    row("vmwi", "visual message waiting indicator").on_off(),
    waiting("wt", "call waiting tone"),
    waiting("wt1", "call waiting tone 1"),
    waiting("wt2", "call waiting tone 2"),
    waiting("wt3", "call waiting tone 3"),
    waiting("wt4", "call waiting tone 4"),
    row("y", "recorder warning tone").infinite(),
    row("z", "calling card service tone").brief(),
];

/// The line package seen from the other side of the wires: every row can be detected, the hook can be worked, and the
/// state of the hook is not the endpoint's to refuse.
pub(super) const HANDSET: &[Item] = &{
    let mut rows = [row("", ""); LINE.len()];
    let mut n = 0;
    while n < LINE.len() {
        let mut item = LINE[n];
        item = match item.event {
            Some(_) => item,
            None => item.event(),
        };
        if let Some(signal) = item.signal {
            item.signal = Some(Signal { hook: None, ..signal });
        }
        if matches!(item.symbol.as_bytes(), b"hd" | b"hu" | b"hf") {
            item = item.brief();
        }
        rows[n] = item;
        n += 1;
    }
    rows
};

pub(super) const SUPPLEMENTARY: &[Item] = &[
    row("cd", "conference depart").brief(),
    row("cj", "conference join").brief(),
    row("cm", "comfort tone").infinite(),
    row("cw", "caller waiting tone").time_out(30_000),
    row("ht", "on-hold tone").on_off(),
    row("ni", "negative indication").infinite(),
    row("nu", "number unobtainable").infinite(),
    COMPLETE,
    FAILURE,
    row("pr", "pay phone recognition").brief(),
    row("pt", "pay tone").brief(),
];

pub(super) const SIGNAL_LIST: &[Item] =
    &[COMPLETE, FAILURE, row("s", "signal list").variable().with(Parameters::Signals)];

pub(super) const RTP: &[Item] = &[
    row("co1", "continuity tone").event_at(Place::Connection).time_out(3_000).only_on_connections(),
    row("co2", "continuity test").event_at(Place::Connection).time_out(3_000).only_on_connections(),
    row("iu", "ICMP unreachable received").event_at(Place::Connection).with(Parameters::Free),
    row("ji", "jitter buffer size changed").event_at(Place::Connection).with(Parameters::Free),
    row("ma", "media start").event_at(Place::Connection),
    COMPLETE,
    FAILURE,
    row("pl", "packet loss exceeded").event_at(Place::Connection).with(Parameters::Free),
    row("qa", "quality alert").event_at(Place::Connection),
    row("rto", "RTP/RTCP timeout").event_at(Place::Connection).with(Parameters::Free),
    row("sr", "sampling rate changed").event_at(Place::Connection).with(Parameters::Free),
    row("uc", "used codec changed").event_at(Place::Connection).with(Parameters::Free),
];

pub(super) const RESERVATION: &[Item] = &[
    row("re", "resource error").event_at(Place::Connection),
    row("rl", "resource lost").event_at(Place::Connection),
];

pub(super) const ANNOUNCEMENT: &[Item] = &[
    row("ann", "play an announcement").variable().on_connections().with(Parameters::Free),
    COMPLETE,
    FAILURE,
];

pub(super) const SCRIPT: &[Item] = &[
    row("ir", "intermediate results").event().brief().with(Parameters::Free),
    row("java", "load and run a Java script").variable().with(Parameters::Free),
    COMPLETE,
    FAILURE,
    row("perl", "load and run a Perl script").variable().with(Parameters::Free),
    row("tcl", "load and run a Tcl script").variable().with(Parameters::Free),
    row("vxml", "load and run a VXML document").variable().with(Parameters::Free),
    row("xml", "load and run an XML script").variable().with(Parameters::Free),
];
