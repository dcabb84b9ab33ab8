//! The packages of RFC 3435 Appendix B, RFC 3660 and the documents that add to them, as one data table.
//!
//! A package names events and signals, and what else it adds to the protocol. Parser, gateway role, decoder and
//! documentation read the same rows. A row says what the RFC's row says: whether the event can be requested (`R`), and what kind
//! of signal it is (`S`) with its default duration, on the endpoint or also on a connection (`C`).
//!
//! - `table`: the rows, package by package, in the order of RFC 3660, RFC 3064, RFC 3149, RFC 2897, RFC 5347, RFC 6498.
//! - [`audio`]: the parameters of RFC 2897.
//!
//! RFC 3064, RFC 3149 and RFC 2897 give no version, and RFC 3435 section 6.6 says that this is version 0. for those of RFC 2705.
//!
//! Names are case-insensitive. What a row allows is a superset for all endpoints: which packages an endpoint has is its own affair
//! ([`PackageSet`]).

pub mod audio;
mod table;

use std::fmt;

use strowger_sansio::Duration;

pub use table::PACKAGES;

/// A package: a name space of events, signals and other extensions.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name, as in `L/hd`.
    pub name: &'static str,
    /// Its version, as `PL` reports it.
    pub version: u16,
    /// What it is for.
    pub title: &'static str,
    /// Where it is defined.
    pub source: &'static str,
    /// Its events and signals.
    pub items: &'static [Item],
    /// Parameters that it adds to commands, as `PR` in `B/PR`.
    pub parameters: &'static [&'static str],
    /// Local connection options that it adds. RFC 3660's are written without the package name.
    pub options: &'static [&'static str],
    /// Letters that it adds to digit maps.
    pub letters: &'static [char],
    /// Restart methods that it adds, as `lockstep` in `LCK/lockstep`.
    pub restart_methods: &'static [&'static str],
    /// Connection parameters that it adds, as `PGS` in `P: FXR/PGS=3`.
    pub statistics: &'static [&'static str],
}

/// A row: an event, a signal, or both under one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The symbol, in the case of its table.
    pub symbol: &'static str,
    /// What it is.
    pub definition: &'static str,
    /// As an event; none when it cannot be requested.
    pub event: Option<Event>,
    /// As a signal; none when it cannot be applied.
    pub signal: Option<Signal>,
    /// What may stand in its parentheses.
    pub parameters: Parameters,
}

/// An event that can be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whether it also stands for a state that an audit reports (`ES`), and a request is checked against.
    pub state: EventState,
    /// Where it is detected.
    pub place: Place,
    /// Whether it is reported without being asked for.
    pub reporting: Reporting,
}

/// Whether an event must be requested to be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// It must.
    OnRequest,
    /// It is persistent (`P`): reported always (RFC 3435 section 2.1.7).
    Persistent,
}

/// Whether an event is also a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// It only happens.
    None,
    /// The line is then in this state of its hook.
    Hook(HookState),
    /// A circuit is then in the state that the event names (RFC 3064 section 2).
    Circuit,
}

/// The states of a hook switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookState {
    /// The handset rests.
    On,
    /// The handset is lifted.
    Off,
}

/// Where an event is detected or a signal applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The endpoint only.
    Endpoint,
    /// A connection only.
    Connection,
    /// Either.
    Both,
}

/// A signal that can be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// When it ends.
    pub timing: Timing,
    /// Where it is applied.
    pub place: Place,
    /// The state of the hook without which it is refused, with 402 when the line is on-hook and 401 when it is off-hook.
    pub hook: Option<HookState>,
}

/// When a signal ends (RFC 3435 section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// `OO`: when it is turned off.
    OnOff,
    /// `TO`: when it is replaced, when an event stops it, or after this time.
    TimeOut(Length),
    /// `BR`: by itself.
    Brief,
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnOff => "OO",
            Self::TimeOut(_) => "TO",
            Self::Brief => "BR",
        })
    }
}

/// The default length of a time-out signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many milliseconds.
    Millis(u32),
    /// Without end.
    Infinite,
    /// As long as what it plays. The parameter `to`, which all other time-out signals of these packages take, does not
    /// apply to it (RFC 3660 section 2).
    Variable,
}

impl Length {
    /// The time after which the signal ends by itself; none when it has no end or its own.
    #[must_use]
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Millis(millis) => Some(Duration::from_millis(millis as u64)),
            Self::Infinite | Self::Variable => None,
        }
    }
}

/// What may stand in the parentheses behind an event or signal, besides `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// Nothing.
    None,
    /// A number in this range, and it must.
    Number(u16, u16),
    /// Anything that the grammar allows; the owner of the package checks it.
    Free,
    /// Signals, which are given one after the other: RFC 3660 section 2.8.
    Signals,
    /// The tone to be heard and the one to be sent: RFC 3660 section 2.3.
    Transponder,
    /// For events of completion and failure: the name of a signal.
    SignalName,
    /// What a seizing trunk sends: RFC 3064 table 13.
    Setup(&'static [SetupPart]),
    /// MF digits: RFC 3064 table 11.
    MfDigits,
    /// The number of a feature key and a state of RFC 3149 section 2.1.
    KeyState,
    /// The number of a feature key and a text.
    KeyLabel,
    /// What an audio server is to do: RFC 2897 section 5.
    Audio(AudioOperation),
}

/// A row of RFC 3064 table 13: a parameter of `sup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupPart {
    /// `ct`, `ca`, `id` or `addr`.
    pub name: &'static str,
    /// Whether it must stand there (`M`) or may (`O`).
    pub needed: bool,
    /// What it holds.
    pub holds: SetupContent,
}

/// What a parameter of `sup` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupContent {
    /// MF digits (table 11).
    Mf,
    /// DTMF digits.
    Dtmf,
    /// `nda` or `nta`.
    SignalingType,
}

/// The signals of RFC 2897 that have parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioOperation {
    /// `pa`.
    Play,
    /// `pc`.
    Collect,
    /// `pr`.
    Record,
    /// `es`.
    End,
}

impl Package {
    /// The row of a symbol.
    #[must_use]
    pub fn item(&self, symbol: &str) -> Option<&'static Item> {
        self.items.iter().find(|item| item.symbol.eq_ignore_ascii_case(symbol))
    }

    /// The event of a symbol, when it can be requested.
    #[must_use]
    pub fn event(&self, symbol: &str) -> Option<Event> {
        self.item(symbol)?.event
    }

    /// The signal of a symbol, when it can be applied.
    #[must_use]
    pub fn signal(&self, symbol: &str) -> Option<Signal> {
        self.item(symbol)?.signal
    }
}

/// The package of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Package> {
    PACKAGES.iter().find(|package| package.name.eq_ignore_ascii_case(name))
}

/// The packages that an endpoint has; the first is the default one, whose name may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageSet {
    names: &'static [&'static str],
}

impl PackageSet {
    /// Every package of the table, with the line package as default.
    pub const ALL: Self = Self {
        names: &[
            "L", "B", "G", "D", "T", "H", "SST", "DM1", "SL", "FM", "R", "RES", "A", "Script", "MS", "DT",
            "BL", "DO", "MD", "MO", "KY", "BP", "XML", "AU", "FXR", "VBD", "GPMD", "BA", "RED", "LCK",
        ],
    };

    /// These packages, the default one first.
    #[must_use]
    pub const fn new(names: &'static [&'static str]) -> Self {
        Self { names }
    }

    /// The names, the default one first.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        self.names
    }

    /// The default package; none of an empty set.
    #[must_use]
    pub fn default_package(self) -> Option<&'static Package> {
        find(self.names.first()?)
    }

    /// Whether the set has this package.
    #[must_use]
    pub fn contains(self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The package that a name means in this set: the default one for none.
    #[must_use]
    pub fn resolve(self, name: Option<&str>) -> Option<&'static Package> {
        match name {
            None => self.default_package(),
            Some(name) if self.contains(name) => find(name),
            Some(_) => None,
        }
    }
}

/// The value of a `PL` line: `L:1,B:0`, the default package first.
impl fmt::Display for PackageSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for package in self.names.iter().filter_map(|name| find(name)) {
            write!(f, "{separator}{}:{}", package.name, package.version)?;
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_symbols_are_found_in_any_case() {
        let line = find("l").unwrap();
        assert_eq!(line.name, "L");
        assert_eq!(line.event("HD").unwrap().state, EventState::Hook(HookState::Off));
        assert_eq!(find("script").unwrap().version, 1);
        assert!(find("NAS").is_none(), "RFC 3660 does not carry it over from RFC 2705");
    }

    #[test]
    fn a_symbol_stands_once_in_its_package_and_each_row_says_something() {
        for package in PACKAGES {
            for (n, item) in package.items.iter().enumerate() {
                let again =
                    package.items.iter().skip(n + 1).any(|o| o.symbol.eq_ignore_ascii_case(item.symbol));
                assert!(!again, "{}/{} stands twice", package.name, item.symbol);
                assert!(item.event.is_some() || item.signal.is_some(), "{}/{}", package.name, item.symbol);
            }
        }
    }

    #[test]
    fn a_package_with_time_out_signals_reports_their_end() {
        for package in PACKAGES {
            let times_out =
                |item: &Item| matches!(item.signal, Some(Signal { timing: Timing::TimeOut(_), .. }));
            if package.items.iter().any(times_out) {
                assert!(package.event("oc").is_some(), "{}/oc", package.name);
                assert!(package.event("of").is_some(), "{}/of", package.name);
            }
        }
    }

    #[test]
    fn durations_and_kinds_are_those_of_the_tables() {
        let timing = |package: &str, symbol: &str| find(package).unwrap().signal(symbol).unwrap().timing;
        assert_eq!(timing("L", "rg"), Timing::TimeOut(Length::Millis(180_000)));
        assert_eq!(timing("L", "dl"), Timing::TimeOut(Length::Millis(16_000)));
        assert_eq!(timing("L", "osi"), Timing::TimeOut(Length::Millis(900)));
        assert_eq!(timing("L", "ot"), Timing::TimeOut(Length::Infinite));
        assert_eq!(timing("L", "ci"), Timing::Brief);
        assert_eq!(timing("G", "rt"), Timing::TimeOut(Length::Millis(180_000)));
        assert_eq!(timing("A", "ann"), Timing::TimeOut(Length::Variable));
        assert_eq!(timing("L", "aw"), Timing::OnOff);
        assert_eq!(timing("L", "ht"), Timing::OnOff);
        assert_eq!(timing("H", "hd"), Timing::Brief);
        assert!(find("L").unwrap().signal("hd").is_none());
        assert!(find("L").unwrap().event("rg").is_none());
        assert!(find("H").unwrap().event("rg").is_some());
    }

    #[test]
    fn what_rfc_3064_marks_as_persistent_is_and_as_state_too() {
        let marked = |package: &str, wanted: fn(&Event) -> bool| -> Vec<&str> {
            let items = find(package).unwrap().items.iter();
            items.filter(|item| item.event.as_ref().is_some_and(wanted)).map(|item| item.symbol).collect()
        };
        let persistent = |event: &Event| event.reporting == Reporting::Persistent;
        let state = |event: &Event| event.state != EventState::None;
        assert_eq!(marked("MS", persistent), ["ans", "rel", "res", "rlc", "sup", "sus"]);
        assert_eq!(marked("DT", state), ["bl", "rlc", "sup"]);
        assert_eq!(marked("BL", persistent), ["hd", "hf", "hu"]);
        assert_eq!(marked("BL", state), ["hd", "hu"]);
        assert_eq!(marked("DO", state), ["rg", "rlc"]);
        assert_eq!(marked("MD", persistent), ["ans", "awk", "rel", "res", "rlc", "sup", "sus"]);
        assert_eq!(marked("MO", persistent), ["ans", "rbz", "rel", "rlc"]);
        assert!(PACKAGES.iter().all(|p| p.source.contains("3064") || marked(p.name, persistent).is_empty()));
    }

    #[test]
    fn a_feature_key_has_one_of_99_numbers() {
        let keys = find("KY").unwrap();
        assert!(keys.event("fk1").is_some() && keys.event("FK99").is_some());
        assert!(keys.event("fk0").is_none() && keys.event("fk100").is_none());
        assert_eq!(keys.signal("ks").unwrap().timing, Timing::OnOff);
    }

    #[test]
    fn a_set_reports_itself_with_versions_and_resolves_the_default() {
        let set = PackageSet::new(&["L", "D", "B"]);
        assert_eq!(set.to_string(), "L:1,D:1,B:0");
        assert_eq!(set.resolve(None).unwrap().name, "L");
        assert_eq!(set.resolve(Some("d")).unwrap().name, "D");
        assert!(set.resolve(Some("G")).is_none());
    }
}
