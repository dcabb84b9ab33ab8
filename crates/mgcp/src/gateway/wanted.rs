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
use crate::package::{self, Parameters};

/// The packages whose events are looked for on request.
const ON_REQUEST: [&str; 6] = ["T", "R", "FXR", "D", "DO", "H"];

impl Endpoint {
    /// Tells the plane what a request that takes effect wants of it.
    pub(super) fn tell_wanted(&mut self, reach: &mut Reach<'_>) {
        let machine = &self.machine;
        let entries = || machine.requested.iter().chain(&machine.persistent).chain(&machine.always);
        let mut wanted: Vec<_> = entries().flat_map(|entry| self.named(entry)).collect();
        for event in entries().flat_map(|entry| self.covered(entry, reach)) {
            // What is asked for by its name as well is looked for as that says, and once.
            if !wanted.iter().any(|known| (known.package, &known.event) == (event.package, &event.event)) {
                wanted.push(event);
            }
        }
        // Most requests have nothing to do with it.
        if !wanted.is_empty() || self.machine.watched {
            self.machine.watched = !wanted.is_empty();
            reach.plane.watch(reach.now, self.index, wanted);
        }
    }

    /// The packages that an entry means, of those whose events are looked for.
    fn meant<'e>(&self, entry: &'e Requested) -> impl Iterator<Item = &'static str> + use<'e> {
        let packages = self.packages();
        ON_REQUEST.into_iter().filter(move |known| match &entry.pattern.package {
            PackagePattern::Any => packages.contains(known),
            PackagePattern::Is(package) => known.eq_ignore_ascii_case(package),
        })
    }

    /// What an entry wants that names one event.
    fn named(&self, entry: &Requested) -> Vec<WantedEvent> {
        let CodePattern::Is(event) = &entry.pattern.code else { return Vec::new() };
        let is = |symbol: &str| event.eq_ignore_ascii_case(symbol);
        let meant = self.meant(entry).filter(|package| match *package {
            // Digits are always listened for; the length of one can ask that it is not heard (RFC 3660 section 2.2).
            "D" => is("dd"),
            // What signalling tells is told without being looked for.
            "DO" => is("ci"),
            name => package::find(name).is_some_and(|known| known.event(event).is_some()),
        });
        meant.map(|package| wanted(entry, package, event, entry.parameters.clone())).collect()
    }

    /// What an entry wants that names all events, of a package or of all packages (section 2.1.7): those that can be found at its
    /// place, and be asked for without parameters.
    fn covered(&self, entry: &Requested, reach: &Reach<'_>) -> Vec<WantedEvent> {
        if entry.pattern.code != CodePattern::All {
            return Vec::new();
        }
        let fits = |place: package::Place| match entry.pattern.place {
            Place::Endpoint => place != package::Place::Connection,
            Place::AnyConnection | Place::Connection(_) => place != package::Place::Endpoint,
        };
        let mut all = Vec::new();
        // The length of a digit is not wanted by the way.
        for name in self.meant(entry).filter(|name| *name != "D") {
            let items = package::find(name).map_or(&[][..], |package| package.items);
            for item in items.iter().filter(|item| item.event.is_some_and(|event| fits(event.place))) {
                let is_found = reach.plane.detects(self.index, name, item.symbol);
                let parameters = match (name, item.parameters) {
                    (_, Parameters::Number(..)) => None,
                    ("R", _) => rtp_parameters(item.symbol, EventParameters::default()).ok(),
                    _ => Some(String::new()),
                };
                let is_wanted = is_found && (name != "DO" || item.symbol == "ci");
                all.extend(
                    parameters.filter(|_| is_wanted).map(|text| wanted(entry, name, item.symbol, text)),
                );
            }
        }
        all
    }
}

fn wanted(entry: &Requested, package: &'static str, event: &str, parameters: String) -> WantedEvent {
    let connection = match entry.pattern.place {
        Place::Connection(handle) => Some(handle),
        Place::Endpoint | Place::AnyConnection => None,
    };
    WantedEvent { package, event: event.to_owned(), connection, parameters }
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
