//! Events that media look for only when they are asked to: those of the packages T and R (RFC 3660 sections 2.3 and 2.10) and
//! FXR (RFC 5347), what an emulated handset hears (H, and `DO/ci` of RFC 3064), and the length of digits (`D/dd`), which may be kept from the other side.
//!
//! Who listens for tones on a circuit or counts lost packets has work with it, and some of these events begin with the request: a time-out
//! runs from it, a count starts with it. So the plane is told of each request that names one, and of each that names none any more.

use super::endpoint::Endpoint;
use super::event::{CodePattern, PackagePattern, Place};
use super::media::WantedEvent;
use super::reach::Reach;
use super::refusal::{Refusal, refuse};
use super::request::Requested;
use crate::message::{EventParameter, EventParameters, ReturnCode};

/// The packages whose events are looked for on request.
const ON_REQUEST: [&str; 6] = ["T", "R", "FXR", "D", "DO", "H"];

impl Endpoint {
    /// Tells the plane what a request that takes effect wants of it.
    pub(super) fn tell_wanted(&mut self, reach: &mut Reach<'_>) {
        let machine = &self.machine;
        let wanted: Vec<_> = machine
            .requested
            .iter()
            .chain(&machine.persistent)
            .chain(&machine.always)
            .filter_map(wanted)
            .collect();
        // Most requests have nothing to do with it.
        if !wanted.is_empty() || self.machine.watched {
            self.machine.watched = !wanted.is_empty();
            reach.plane.watch(reach.now, self.index, wanted);
        }
    }
}

fn wanted(entry: &Requested) -> Option<WantedEvent> {
    let PackagePattern::Is(package) = &entry.pattern.package else { return None };
    let package = ON_REQUEST.into_iter().find(|known| known.eq_ignore_ascii_case(package))?;
    let CodePattern::Is(event) = &entry.pattern.code else { return None };
    // Digits are always listened for; the length of one can ask that it is not heard (RFC 3660 section 2.2).
    if package == "D" && !event.eq_ignore_ascii_case("dd") {
        return None;
    }
    // What signalling tells is told without being looked for.
    if package == "DO" && !event.eq_ignore_ascii_case("ci") {
        return None;
    }
    let connection = match entry.pattern.place {
        Place::Connection(handle) => Some(handle),
        Place::Endpoint | Place::AnyConnection => None,
    };
    Some(WantedEvent { package, event: event.clone(), connection, parameters: entry.parameters.clone() })
}

/// Checks the parameters of an event of the package R that is asked for, and gives them in their full form; none when the package leaves
/// them out.
pub(super) fn rtp_parameters(code: &str, parameters: EventParameters<'_>) -> Result<String, Refusal> {
    let bad = |text| Err(refuse(ReturnCode::EVENT_PARAMETER, text));
    let number = |text: &str, most: u32| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| digits && (1..=most).contains(number))
    };
    let (mut value, mut start) = (None, None);
    for parameter in parameters.iter() {
        match parameter {
            EventParameter::Value(text) if value.is_none() => value = Some(text),
            EventParameter::Named { name, .. } if name.eq_ignore_ascii_case("st") && start.is_none() => {
                start = parameters.named(name).map(|named| named.as_str().to_owned());
            }
            _ => return bad("the event has other parameters"),
        }
    }
    let start = start.map(|start| start.to_ascii_lowercase());
    let (usual, most) = match code.to_ascii_lowercase().as_str() {
        "rto" => {
            let Some(seconds) = number(value.unwrap_or("60"), 65_535) else {
                return bad("the time-out is a number from 1 to 65535");
            };
            return match start.as_deref() {
                None | Some("im") => Ok(seconds.to_string()),
                Some("ra") => Ok(format!("{seconds},st=ra")),
                Some(_) => bad("st is im or ra"),
            };
        }
        "pl" => (None, 100_000),
        "iu" => (Some("3"), 255),
        _ if value.is_none() && start.is_none() => return Ok(String::new()),
        _ => return bad("the event takes no parameters when it is requested"),
    };
    match value.or(usual).and_then(|value| number(value, most)) {
        Some(number) if start.is_none() => Ok(number.to_string()),
        _ => bad("a number is missing or out of range"),
    }
}
