//! The rows of the package tables, one room for each family of documents.
//!
//! - `rfc3660`: RFC 3435 Appendix B and RFC 3660: lines, trunks, tones, announcements.
//! - `cas`: RFC 3064: channel associated signalling. `phone`: RFC 3149: business telephones.
//! - `audio`: RFC 2897: play, collect, record. `fax`: RFC 5347 and RFC 6498: facsimile and voiceband data.

mod audio;
mod cas;
mod fax;
mod phone;
mod rfc3660;

use super::{
    Event, EventState, HookState, Item, Length, Package, Parameters, Place, Reporting, Signal, Timing,
};
use rfc3660::{
    ANNOUNCEMENT, BASE, DTMF, GENERIC, HANDSET, LINE, RESERVATION, RTP, SCRIPT, SIGNAL_LIST, SUPPLEMENTARY,
    TRUNK,
};

/// All packages, the base package first.
pub static PACKAGES: &[Package] = &[
    Package { parameters: &["PR", "NS"], ..package("B", 0, "Base", "RFC 3435 Appendix B", BASE) },
    package("G", 1, "Generic Media", "RFC 3660 section 2.1", GENERIC),
    package("D", 1, "DTMF", "RFC 3660 section 2.2", DTMF),
    package("T", 1, "Trunk", "RFC 3660 section 2.3", TRUNK),
    package("L", 1, "Line", "RFC 3660 section 2.4", LINE),
    package("H", 1, "Handset Emulation", "RFC 3660 section 2.5", HANDSET),
    package("SST", 0, "Supplementary Services Tone", "RFC 3660 section 2.6", SUPPLEMENTARY),
    Package { letters: &['P'], ..package("DM1", 0, "Digit Map Extension", "RFC 3660 section 2.7", &[]) },
    package("SL", 0, "Signal List", "RFC 3660 section 2.8", SIGNAL_LIST),
    Package {
        options: &["fmtp", "o-fmtp"],
        ..package("FM", 0, "Media Format Parameters", "RFC 3660 section 2.9", &[])
    },
    package("R", 1, "RTP", "RFC 3660 section 2.10", RTP),
    Package {
        options: &["r", "r-dir", "r-cnf", "r-sh"],
        ..package("RES", 0, "Resource Reservation", "RFC 3660 section 2.11", RESERVATION)
    },
    package("A", 1, "Announcement Server", "RFC 3660 section 2.12", ANNOUNCEMENT),
    package("Script", 1, "Script", "RFC 3660 section 2.13", SCRIPT),
    package("MS", 0, "MF Signalling Trunk", "RFC 3064 section 2.1", cas::MF),
    package("DT", 0, "DTMF and Dial-Pulse Trunk", "RFC 3064 section 2.2", cas::DTMF),
    package("BL", 0, "Basic PBX", "RFC 3064 section 2.3", cas::BASIC),
    package("DO", 0, "FXO Trunk", "RFC 3064 section 2.4", cas::FXO),
    package("MD", 0, "MF Feature Group D", "RFC 3064 section 2.5", cas::FEATURE_GROUP_D),
    package("MO", 0, "Operator Services", "RFC 3064 section 2.6", cas::OPERATOR),
    package("KY", 0, "Feature Key", "RFC 3149 section 2.1", phone::FEATURE_KEYS),
    package("BP", 0, "Business Phone", "RFC 3149 section 2.2", phone::BUSINESS_PHONE),
    package("XML", 0, "Display XML", "RFC 3149 section 2.3", phone::DISPLAY),
    package("AU", 0, "Advanced Audio", "RFC 2897 section 2", audio::ADVANCED),
    Package {
        options: &["fx"],
        statistics: &["PGS", "PGR"],
        ..package("FXR", 0, "Fax", "RFC 5347 section 2", fax::FAX)
    },
    package("VBD", 0, "Voiceband Data", "RFC 6498 section 4", fax::VOICEBAND),
    Package {
        options: &["gpmd", "o-gpmd"],
        ..package("GPMD", 0, "General-Purpose Media Descriptor", "RFC 6498 section 5", &[])
    },
    Package {
        parameters: &["F", "SE", "NU", "Z", "X", "C", "M", "S", "NE", "EL"],
        ..package("BA", 0, "Bulk Audit", "RFC 3624", &[])
    },
    Package {
        parameters: &["N", "NL", "EL", "MP", "R"],
        ..package("RED", 0, "Redirect and Reset", "RFC 3991", &[])
    },
    Package {
        parameters: &["LST"],
        restart_methods: &["lockstep"],
        ..package("LCK", 0, "Lockstep", "RFC 3992", &[])
    },
];

const fn package(
    name: &'static str,
    version: u16,
    title: &'static str,
    source: &'static str,
    items: &'static [Item],
) -> Package {
    Package {
        name,
        version,
        title,
        source,
        items,
        parameters: &[],
        options: &[],
        letters: &[],
        restart_methods: &[],
        statistics: &[],
    }
}

const fn row(symbol: &'static str, definition: &'static str) -> Item {
    Item { symbol, definition, event: None, signal: None, parameters: Parameters::None }
}

impl Item {
    /// `x` in column R.
    const fn event(self) -> Self {
        self.event_at(Place::Endpoint)
    }

    const fn event_at(mut self, place: Place) -> Self {
        self.event = Some(Event { state: EventState::None, place, reporting: Reporting::OnRequest });
        self
    }

    /// `S` in column R.
    const fn state(mut self, hook: HookState) -> Self {
        self = self.event();
        if let Some(event) = self.event {
            self.event = Some(Event { state: EventState::Hook(hook), ..event });
        }
        self
    }

    /// `S` in column "Event" of RFC 3064: a state of the circuit, which the media below knows.
    const fn circuit_state(mut self) -> Self {
        self = self.event();
        if let Some(event) = self.event {
            self.event = Some(Event { state: EventState::Circuit, ..event });
        }
        self
    }

    /// `P` in column "Event" of RFC 3064.
    const fn persistent(mut self) -> Self {
        if self.event.is_none() {
            self = self.event();
        }
        if let Some(event) = self.event {
            self.event = Some(Event { reporting: Reporting::Persistent, ..event });
        }
        self
    }

    const fn signal(mut self, timing: Timing) -> Self {
        self.signal = Some(Signal { timing, place: Place::Endpoint, hook: None });
        self
    }

    const fn on_off(self) -> Self {
        self.signal(Timing::OnOff)
    }

    const fn brief(self) -> Self {
        self.signal(Timing::Brief)
    }

    const fn time_out(self, millis: u32) -> Self {
        self.signal(Timing::TimeOut(Length::Millis(millis)))
    }

    const fn infinite(self) -> Self {
        self.signal(Timing::TimeOut(Length::Infinite))
    }

    const fn variable(self) -> Self {
        self.signal(Timing::TimeOut(Length::Variable))
    }

    /// `C` in column S.
    const fn on_connections(mut self) -> Self {
        if let Some(signal) = self.signal {
            self.signal = Some(Signal { place: Place::Both, ..signal });
        }
        self
    }

    /// A signal of connections alone.
    const fn only_on_connections(mut self) -> Self {
        if let Some(signal) = self.signal {
            self.signal = Some(Signal { place: Place::Connection, ..signal });
        }
        self
    }

    /// The line must be in this state when the signal is asked for.
    const fn needs(mut self, hook: HookState) -> Self {
        if let Some(signal) = self.signal {
            self.signal = Some(Signal { hook: Some(hook), ..signal });
        }
        self
    }

    const fn with(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }
}

const COMPLETE: Item = row("oc", "operation complete").event_at(Place::Both).with(Parameters::SignalName);
const FAILURE: Item = row("of", "operation failure").event_at(Place::Both).with(Parameters::SignalName);
