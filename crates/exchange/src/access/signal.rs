//! Tones and caller identification as signals of the MGCP packages (RFC 3660 sections 2.1, 2.4 and 2.6).
//!
//! A tone is named by its meaning. For each there is a list of signals, the fitting one first; where a
//! gateway cannot make one, the next is asked for, so that a caller hears something that tells him that he
//! failed, if not exactly why.

use strowger_sansio::{Duration, Time, civil_date};

use super::Settings;
use crate::{CallingParty, GatewayProtocol, Ring, Tone, WallClock};

/// The longest caller's name that is shown. 50: what the multiple data message format of caller
/// identification carries is shorter still, and gateways cut it; the bound only keeps a command short.
const NAME: usize = 50;

/// The signals for a tone, the fitting one first. Empty when the gateway lacks them all: then there is silence.
pub(super) fn tone(tone: Tone, protocol: GatewayProtocol, settings: &Settings) -> Vec<String> {
    if protocol == GatewayProtocol::Megaco {
        return megaco_tone(tone).iter().map(|name| (*name).to_owned()).collect();
    }
    let timers = &settings.timers;
    let sit = format!("L/sit({})", settings.country.vacant_sit());
    let congestion = ["L/ro", "G/cg", "L/bz"].map(|signal| lasting(signal, timers.failure_tone));
    match tone {
        Tone::Dial | Tone::RecallDial | Tone::MessageWaitingDial => prompt(tone, protocol, None, settings),
        // The line package of RFC 3660 has none; that of the cable dialects has.
        Tone::Confirmation => ["G/cf", "L/cf", "L/sl"].map(str::to_owned).to_vec(),
        Tone::Ringback => vec![lasting("G/rt", timers.ringing)],
        Tone::Busy => ["L/bz", "L/ro", "G/cg"].map(|signal| lasting(signal, timers.busy_tone)).to_vec(),
        Tone::Congestion => congestion.to_vec(),
        Tone::SpecialInformation => [vec![sit], congestion.to_vec()].concat(),
        Tone::NumberUnobtainable => [vec!["SST/nu".to_owned()], congestion.to_vec()].concat(),
        Tone::Hold => vec!["L/ht".to_owned(), "SST/ht".to_owned()],
        Tone::Howler => vec!["L/ot".to_owned()],
    }
}

/// The signals that a line can do without where its gateway has not got their package, by the names of RFC 3660. Dial tone and ringing
/// are not among them.
pub(super) const OPTIONAL: [&str; 26] = [
    "L/vmwi", "L/mwi", "L/sl", "L/cf", "L/ci", "L/wt", "L/wt1", "L/rs", "L/ht", "L/ot", "L/sit", "L/bz",
    "L/ro", "L/r0", "L/r1", "L/r2", "L/r3", "L/r4", "L/r5", "L/r6", "L/r7", "G/rt", "G/cg", "G/cf", "SST/nu",
    "SST/ht",
];

/// The events that a line can do without likewise: the end of a tone, flashes and, on a hot line, digits.
pub(super) const OPTIONAL_EVENTS: [&str; 3] = ["L/oc", "L/hf", "D/0"];

/// The on-off signals among the tones: they stay until they are turned off (RFC 3435 section 2.1.7).
pub(super) const ON_OFF: [&str; 2] = ["L/ht", "SST/ht"];

/// The signals that invite to dial, the fitting one first; `patience` is how long without a digit.
pub(super) fn prompt(
    tone: Tone,
    protocol: GatewayProtocol,
    patience: Option<Duration>,
    settings: &Settings,
) -> Vec<String> {
    if protocol == GatewayProtocol::Megaco {
        return megaco_tone(tone).iter().map(|name| (*name).to_owned()).collect();
    }
    let signals: &[&str] = match tone {
        Tone::MessageWaitingDial => &["L/mwi", "L/sl", "L/dl"],
        Tone::RecallDial => &["L/sl", "L/dl"],
        _ => &["L/dl"],
    };
    let patience = patience.unwrap_or(settings.timers.first_digit);
    signals.iter().map(|signal| lasting(signal, patience)).collect()
}

/// The ringing of a called line: the cadence, and the usual one for a gateway that lacks it.
pub(super) fn ringing(ring: Ring, protocol: GatewayProtocol, settings: &Settings) -> Vec<String> {
    if protocol == GatewayProtocol::Megaco {
        return vec![RING_MEGACO.to_owned()];
    }
    let usual = lasting("L/rg", settings.timers.ringing);
    match ring {
        Ring::Normal => vec![usual],
        Ring::Pattern(_) => vec![lasting(&format!("L/{ring}"), settings.timers.ringing), usual],
    }
}

/// The signals that say in a call that another one waits, the fitting one first.
pub(super) const fn call_waiting(protocol: GatewayProtocol) -> &'static [&'static str] {
    match protocol {
        GatewayProtocol::Mgcp => &["L/wt", "L/wt1"],
        GatewayProtocol::Megaco => &["cg/cw"],
    }
}

/// The tones of the packages of H.248.1 Annex E and of Q.1950 (`xcg`, `srvtn`), by meaning, the fitting one first.
pub(super) const fn megaco_tone(tone: Tone) -> &'static [&'static str] {
    match tone {
        Tone::Dial => &["cg/dt"],
        Tone::RecallDial => &["srvtn/rdt", "cg/dt"],
        Tone::MessageWaitingDial => &["srvtn/mwt", "cg/dt"],
        Tone::Confirmation => &["srvtn/conf"],
        Tone::Ringback => &["cg/rt"],
        Tone::Busy => &["cg/bt", "cg/ct"],
        Tone::Congestion => &["cg/ct", "cg/bt"],
        Tone::SpecialInformation => &["cg/sit", "cg/ct", "cg/bt"],
        Tone::NumberUnobtainable => &["xcg/vac", "cg/ct", "cg/bt"],
        Tone::Hold => &["srvtn/ht"],
        Tone::Howler => &["xcg/roh"],
    }
}

/// The ringing of package `al`.
pub(super) const RING_MEGACO: &str = "al/ri";
/// Ringing with the caller's identification, of package `andisp` (H.248.23).
pub(super) const DISPLAY_MEGACO: &str = "andisp/dwa";
/// The caller's identification alone.
pub(super) const DATA_MEGACO: &str = "andisp/data";

/// What stands for the keys that are reported in a talk, as events of package `dd`, and for those that are played, as signals of `dg`.
pub(super) const KEYS_MEGACO: &str = "dd/d0";
pub(super) const PLAYS_MEGACO: &str = "dg/d0";

/// The keys of a telephone with their names in `dd` and `dg` (RFC 3525 Annexes E.5, E.6). A telephone has the first twelve.
pub(super) const KEYS: [(char, &str, &str); 16] = [
    ('0', "dd/d0", "dg/d0"),
    ('1', "dd/d1", "dg/d1"),
    ('2', "dd/d2", "dg/d2"),
    ('3', "dd/d3", "dg/d3"),
    ('4', "dd/d4", "dg/d4"),
    ('5', "dd/d5", "dg/d5"),
    ('6', "dd/d6", "dg/d6"),
    ('7', "dd/d7", "dg/d7"),
    ('8', "dd/d8", "dg/d8"),
    ('9', "dd/d9", "dg/d9"),
    ('*', "dd/ds", "dg/ds"),
    ('#', "dd/do", "dg/do"),
    ('A', "dd/da", "dg/da"),
    ('B', "dd/db", "dg/db"),
    ('C', "dd/dc", "dg/dc"),
    ('D', "dd/dd", "dg/dd"),
];
/// How many of them a telephone has.
pub(super) const ON_A_TELEPHONE: usize = 12;

/// What a line on a Megaco gateway can do without where its gateway has not got the package.
pub(super) const OPTIONAL_MEGACO: [&str; 14] = [
    "cg/bt",
    "cg/ct",
    "cg/cw",
    "cg/rt",
    "cg/sit",
    PLAYS_MEGACO,
    "srvtn/conf",
    "srvtn/ht",
    "srvtn/mwt",
    "srvtn/rdt",
    "xcg/roh",
    "xcg/vac",
    DISPLAY_MEGACO,
    DATA_MEGACO,
];

/// A signal with its time-out, where we want another than the package gives it.
fn lasting(signal: &str, wanted: Duration) -> String {
    let given = match signal {
        "L/dl" | "L/sl" | "L/mwi" => Duration::from_secs(16),
        "L/rg" | "L/r0" | "L/r1" | "L/r2" | "L/r3" | "L/r4" | "L/r5" | "L/r6" | "L/r7" | "G/rt" => {
            Duration::from_secs(180)
        }
        "L/bz" | "L/ro" => Duration::from_secs(30),
        // These do not end by themselves.
        _ => return signal.to_owned(),
    };
    if wanted == given { signal.to_owned() } else { format!("{signal}(to={})", wanted.as_millis()) }
}

/// How long a tone is heard before the next step of clearing.
pub(super) fn duration(tone: Tone, settings: &Settings) -> Duration {
    match tone {
        Tone::Busy => settings.timers.busy_tone,
        // One period of the three tones and the silence behind them: the time-out of L/sit.
        Tone::SpecialInformation => Duration::from_secs(2),
        Tone::Howler => settings.timers.howler,
        _ => settings.timers.failure_tone,
    }
}

/// `L/ci` for a call from `calling` at `now`: local time, number, name. What is not known is an empty string,
/// as section 2.4 recommends; an unknown number is `O`, out of area, and what is withheld is `P`, private.
pub(super) fn caller_id(now: Time, settings: &Settings, calling: &CallingParty) -> String {
    let time = settings.wall.map(|(then, wall)| local_time(now, then, wall));
    let time = time.unwrap_or_else(|| "\"\"".to_owned());
    if calling.withheld {
        return format!("L/ci({time},P,P)");
    }
    let number = calling.number.as_deref().map_or_else(|| "O".to_owned(), quoted);
    let name = quoted(calling.name.as_deref().unwrap_or_default());
    format!("L/ci({time},{number},{name})")
}

/// A quoted string of RFC 3435: quotes inside are doubled; control characters have no business in a display.
fn quoted(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control()).take(NAME).collect::<String>();
    format!("\"{}\"", shown.replace('"', "\"\""))
}

/// The data message that identifies a caller, as gateways send it to a telephone: month, day, hour and minute, number or why it is absent, name
/// (multiple data message format, ETSI EN 300 659-3 and GR-30), with its checksum.
pub(super) fn caller_data(now: Time, settings: &Settings, calling: &CallingParty) -> Vec<u8> {
    const CALL_SETUP: u8 = 0x80;
    let mut data = vec![CALL_SETUP, 0];
    let mut put = |kind: u8, text: &str| {
        let text: Vec<u8> = text.bytes().filter(|byte| (0x20..0x7f).contains(byte)).take(NAME).collect();
        if !text.is_empty() {
            data.extend([kind, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
            data.extend(text);
        }
    };
    if let Some((then, wall)) = settings.wall {
        put(0x01, &local_time(now, then, wall).replace('/', ""));
    }
    match (&calling.number, calling.withheld) {
        (_, true) => put(0x04, "P"),
        (None, false) => put(0x04, "O"),
        (Some(number), false) => put(0x02, number),
    }
    if let Some(name) = calling.name.as_deref().filter(|_| !calling.withheld) {
        put(0x07, name);
    }
    finished(data)
}

/// The data message that lights or puts out the lamp for waiting messages.
pub(super) fn lamp_data(on: bool) -> Vec<u8> {
    const WAITING_MESSAGES: u8 = 0x82;
    const LAMP: u8 = 0x0b;
    finished(vec![WAITING_MESSAGES, 0, LAMP, 1, if on { 0xff } else { 0 }])
}

/// A data message with its length and its checksum.
fn finished(mut data: Vec<u8>) -> Vec<u8> {
    let length = data.len() - 2;
    if let Some(place) = data.get_mut(1) {
        *place = u8::try_from(length).unwrap_or(u8::MAX);
    }
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    data.push(sum.wrapping_neg());
    data
}

/// `MM/DD/HH/MM`.
fn local_time(now: Time, then: Time, wall: WallClock) -> String {
    let unix = wall.unix + now.since(then);
    let local = i64::try_from(unix.as_secs()).unwrap_or(i64::MAX).saturating_add(wall.utc_offset.into());
    let (days, seconds) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (_, month, day) = civil_date(days);
    format!("{month:02}/{day:02}/{:02}/{:02}", seconds / 3600, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::DigitMaps;
    use crate::{CallTimers, Country};

    fn settings() -> Settings {
        Settings {
            timers: CallTimers::default(),
            country: Country::default(),
            digit_maps: DigitMaps::default(),
            mismatches: 4,
            session_description: 4096,
            wall: None,
        }
    }

    fn calling(number: Option<&str>, name: Option<&str>) -> CallingParty {
        let (number, name) = (number.map(str::to_owned), name.map(str::to_owned));
        CallingParty { number, name, ..CallingParty::default() }
    }

    #[test]
    fn caller_identification_quotes_what_a_name_may_hold() {
        let settings = settings();
        let id = |party| caller_id(Time::ZERO, &settings, &party);
        assert_eq!(id(calling(Some("2001"), Some("Alice"))), "L/ci(\"\",\"2001\",\"Alice\")");
        assert_eq!(
            id(calling(Some("2001"), Some("Al \"Ace\"), L/rg\r\n"))),
            "L/ci(\"\",\"2001\",\"Al \"\"Ace\"\"), L/rg\")"
        );
        let withheld = CallingParty { withheld: true, ..CallingParty::default() };
        assert_eq!(id(withheld), "L/ci(\"\",P,P)");
        assert_eq!(id(calling(None, None)), "L/ci(\"\",O,\"\")");
    }

    #[test]
    fn caller_identification_shows_the_local_time() {
        let mut settings = settings();
        // 2024-02-29T23:30:00Z, seen at one hour after the engine's origin.
        let unix = Duration::from_secs(1_709_249_400);
        let then = Time::from_secs(3600);
        let mut id = |offset, now| {
            settings.wall = Some((then, WallClock { unix, utc_offset: offset }));
            caller_id(now, &settings, &calling(Some("2001"), None))
        };
        assert_eq!(id(0, then), "L/ci(02/29/23/30,\"2001\",\"\")");
        assert_eq!(id(3600, then), "L/ci(03/01/00/30,\"2001\",\"\")");
        assert_eq!(id(-5 * 3600, then + Duration::from_secs(60)), "L/ci(02/29/18/31,\"2001\",\"\")");
    }

    #[test]
    fn the_data_message_of_a_caller_has_its_length_and_sums_to_nothing() {
        let mut settings = settings();
        let data = |settings: &Settings, party: &CallingParty| caller_data(Time::ZERO, settings, party);
        let message = data(&settings, &calling(Some("2001"), Some("Al")));
        assert_eq!(message[..message.len() - 1], *b"\x80\x0a\x02\x042001\x07\x02Al");
        assert_eq!(message.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), 0);
        let withheld = CallingParty { withheld: true, ..calling(Some("2001"), Some("Al")) };
        assert_eq!(data(&settings, &withheld)[..5], *b"\x80\x03\x04\x01P");
        assert_eq!(data(&settings, &calling(None, None))[..5], *b"\x80\x03\x04\x01O");
        settings.wall =
            Some((Time::ZERO, WallClock { unix: Duration::from_secs(1_709_249_400), utc_offset: 0 }));
        assert_eq!(data(&settings, &withheld)[..12], *b"\x80\x0d\x01\x0802292330");
    }

    #[test]
    fn a_time_out_is_written_only_where_it_is_not_the_packages() {
        let mut settings = settings();
        let mgcp = GatewayProtocol::Mgcp;
        assert_eq!(tone(Tone::Busy, mgcp, &settings)[0], "L/bz");
        assert_eq!(ringing(Ring::Normal, mgcp, &settings), ["L/rg"]);
        settings.timers.ringing = Duration::from_secs(300);
        assert_eq!(ringing(Ring::Pattern(2), mgcp, &settings), ["L/r2(to=300000)", "L/rg(to=300000)"]);
        assert_eq!(tone(Tone::Ringback, mgcp, &settings), ["G/rt(to=300000)"]);
        assert_eq!(tone(Tone::SpecialInformation, mgcp, &settings)[0], "L/sit(6)");
    }
}
