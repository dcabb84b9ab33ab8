//! The local connection options that this gateway understands: RFC 3435 section 3.2.2.10.
//!
//! Options are remembered for the life of a connection: what a later command does not mention stays (section 2.3.6).

use super::fax::FaxOption;
use super::media::{MediaCapabilities, MediaMode, MediaSpec};
use super::refusal::{Refusal, refuse};
use crate::message::{Gain, LocalOptions, Reservation, ReturnCode, Span, Switch, type_of_service};
use crate::package::PackageSet;
use strowger_sdp::{Codec, EventSet, Purpose};

/// The most codecs of one connection: there are no more payload types. The list is kept for as long as the connection is, so
/// that without a bound each connection could cost its call agent a datagram and the gateway half a megabyte.
const MOST_CODECS: usize = 128;

/// General-purpose media descriptors (RFC 6498 section 5.1.1): `vbd=yes` makes its codec one for voiceband data (ITU-T V.152). Another one takes
/// its codec away, since it is not supported; an optional one then changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Descriptors {
    /// The places in the list of codecs that are taken away.
    places: Vec<usize>,
    /// Those of codecs for data.
    data: Vec<usize>,
    /// The telephone events that must be there, and those that may (RFC 3660 section 2.9).
    events: [Option<EventSet>; 2],
    /// As they were supplied, for audits.
    text: Vec<String>,
}

impl Descriptors {
    /// Reads the value of `gpmd` or `fmtp`: quoted strings with semicolons between, each with a format, perhaps its order, and parameters.
    fn add(&mut self, name: &str, value: &str, codecs: &[&str]) -> Result<(), Refusal> {
        let (kind, optional) = match name.to_ascii_lowercase().as_str() {
            "fmtp" => (describes_events as fn(&str, &str) -> Descriptor, false),
            "o-fmtp" => (describes_events as fn(&str, &str) -> Descriptor, true),
            "gpmd/gpmd" => (describes as fn(&str, &str) -> Descriptor, false),
            "gpmd/o-gpmd" => (describes as fn(&str, &str) -> Descriptor, true),
            _ => return Ok(()),
        };
        let bad = || {
            refuse(
                ReturnCode::LOCAL_OPTION_VALUE,
                "a media descriptor is a quoted format with its parameters",
            )
        };
        let mut rest = value.trim_ascii();
        loop {
            let (quoted, behind) =
                rest.strip_prefix('"').and_then(|inner| inner.split_once('"')).ok_or_else(bad)?;
            let (format, parameters) = quoted.split_once(' ').ok_or_else(bad)?;
            if format.is_empty()
                || parameters.trim_ascii().is_empty()
                || self.places.len() + self.data.len() >= MOST_CODECS
            {
                return Err(bad());
            }
            let (format, order) = match format.split_once(':') {
                Some((format, order)) => (format, order.parse::<usize>().map_err(|_| bad())?),
                None => (format, 1),
            };
            let mut same = codecs.iter().enumerate().filter(|(_, codec)| {
                codec.rsplit('/').next().is_some_and(|subtype| subtype.eq_ignore_ascii_case(format))
            });
            let place = order.checked_sub(1).and_then(|before| same.nth(before));
            let Some((place, _)) = place else {
                let text = "a media descriptor for a codec that is not listed";
                return Err(refuse(ReturnCode::LOCAL_OPTIONS_INCONSISTENT, text));
            };
            match kind(format, parameters) {
                Descriptor::Data => self.data.push(place),
                Descriptor::Events(set) => {
                    let able = set.and(&EventSet::DTMF);
                    if !optional && able != set {
                        self.places.push(place);
                    }
                    let [must, may] = &mut self.events;
                    *(if optional { may } else { must }) = Some(able);
                }
                Descriptor::Nothing => {}
                Descriptor::Unknown if optional => {}
                Descriptor::Unknown => self.places.push(place),
            }
            match behind.trim_ascii().strip_prefix(';') {
                Some(next) => rest = next.trim_ascii(),
                None if behind.trim_ascii().is_empty() => break,
                None => return Err(bad()),
            }
        }
        self.text.push(format!("{name}:{value}"));
        Ok(())
    }
}

/// What a descriptor makes of its codec.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Descriptor {
    /// One for voiceband data.
    Data,
    /// One for these telephone events.
    Events(EventSet),
    /// What it is anyway.
    Nothing,
    Unknown,
}

/// `vbd=yes` and `vbd=no`, for codecs that keep the waveform.
fn describes(format: &str, parameters: &str) -> Descriptor {
    let keeps_waveform = matches!(Codec::from_name(format), Codec::Pcmu | Codec::Pcma);
    let mut found = Descriptor::Nothing;
    for pair in parameters.split(';').map(str::trim_ascii).filter(|pair| !pair.is_empty()) {
        found = match pair.split_once('=').map(|(name, value)| (name.trim_ascii(), value.trim_ascii())) {
            Some((name, _)) if !name.eq_ignore_ascii_case("vbd") || !keeps_waveform => {
                return Descriptor::Unknown;
            }
            Some((_, value)) if value.eq_ignore_ascii_case("yes") => Descriptor::Data,
            Some((_, value)) if value.eq_ignore_ascii_case("no") => found,
            _ => return Descriptor::Unknown,
        };
    }
    found
}

/// The format parameters that there are: the events of `telephone-event`.
fn describes_events(format: &str, parameters: &str) -> Descriptor {
    let is_event = format.eq_ignore_ascii_case("telephone-event");
    let set = EventSet::parse(parameters.trim_ascii()).filter(|set| is_event && !set.is_empty());
    set.map_or(Descriptor::Unknown, Descriptor::Events)
}

/// Options that were found good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    codecs: Option<Vec<String>>,
    descriptors: Descriptors,
    pub(super) packetization: Option<Span>,
    pub(super) bandwidth: Option<Span>,
    echo: Option<Switch>,
    gain: Option<Gain>,
    silence: Option<Switch>,
    type_of_service: Option<u8>,
    /// `r:be`, the only reservation there is.
    best_effort: Option<Reservation>,
    /// `nt:IN` or `nt:LOCAL`.
    network: Option<String>,
    /// `FXR/fx`.
    pub(super) fax: Option<FaxOption>,
}

impl Options {
    /// Reads the options of a command, whose names [`text::check`](crate::text::check) has looked at.
    pub(super) fn read(list: LocalOptions<'_>, able: &MediaCapabilities) -> Result<Self, Refusal> {
        let (mut options, mut encryption) = (Self::default(), false);
        // None of these stands twice: that has been looked at too.
        for option in list.iter() {
            let Some(value) = option.value else { continue };
            match option.name.as_bytes() {
                [b'a' | b'A'] => options.codecs = Some(codecs(value)?),
                [b'p' | b'P'] => options.packetization = Span::parse(value),
                [b'b' | b'B'] => options.bandwidth = Span::parse(value),
                [b'e' | b'E'] => options.echo = Switch::parse(value),
                [b's' | b'S'] => options.silence = Switch::parse(value),
                [b't' | b'T'] => options.type_of_service = type_of_service(value),
                [b'r' | b'R'] => options.best_effort = Reservation::parse(value),
                [b'k' | b'K'] => encryption = true,
                [b'g' | b'G', b'c' | b'C'] => options.gain = Gain::parse(value),
                [b'n' | b'N', b't' | b'T'] => options.network = Some(value.to_owned()),
                name if name.eq_ignore_ascii_case(b"FXR/fx") => options.fax = Some(FaxOption::parse(value)?),
                _ => {}
            }
        }
        let listed: Vec<&str> = options.codecs.iter().flatten().map(String::as_str).collect();
        let mut descriptors = Descriptors::default();
        for option in list.iter() {
            descriptors.add(option.name, option.value.unwrap_or_default(), &listed)?;
        }
        options.descriptors = descriptors;
        options.check_values(able)?;
        if encryption {
            return Err(refuse(ReturnCode::LOCAL_OPTION, "encryption is not supported"));
        }
        Ok(options)
    }

    fn check_values(&self, able: &MediaCapabilities) -> Result<(), Refusal> {
        let unsupported = |text| Err(refuse(ReturnCode::LOCAL_OPTION_VALUE, text));
        if self.packetization.is_some_and(|span| span.high == 0) {
            return unsupported("a packet holds at least one millisecond");
        }
        if self.echo == Some(Switch::On) && !able.echo_cancellation {
            return unsupported("echo cancellation is not supported");
        }
        if self.silence == Some(Switch::On) && !able.silence_suppression {
            return unsupported("silence suppression is not supported");
        }
        if self.gain.is_some_and(|gain| gain != Gain::Decibels(0)) && !able.gain_control {
            return unsupported("gain control is not supported");
        }
        if self.type_of_service.is_some_and(|byte| byte != 0) && !able.type_of_service {
            return unsupported("type of service is not supported");
        }
        if self.best_effort.is_some_and(|kind| kind != Reservation::BestEffort) {
            return unsupported("resources cannot be reserved");
        }
        if self
            .network
            .as_ref()
            .is_some_and(|network| !["IN", "LOCAL"].iter().any(|known| known.eq_ignore_ascii_case(network)))
        {
            return unsupported("the network is the Internet, or this gateway");
        }
        Ok(())
    }

    /// The codecs that are asked for and can be, the preferred ones first; those for data are left out.
    pub(super) fn codecs(&self) -> Option<Vec<&str>> {
        let plain = self.listed()?.filter(|(_, purpose)| *purpose == Purpose::Usual);
        Some(plain.map(|(name, _)| name).collect())
    }

    /// The codecs that are asked for and can be, with what each is for.
    pub(super) fn listed(&self) -> Option<impl Iterator<Item = (&str, Purpose)>> {
        let Descriptors { places, data, .. } = &self.descriptors;
        let codecs = self.codecs.as_ref()?.iter().enumerate();
        let able = codecs.filter(|(place, _)| !places.contains(place));
        Some(able.map(|(place, name)| {
            let purpose = if data.contains(&place) { Purpose::VoicebandData } else { Purpose::Usual };
            (name.as_str(), purpose)
        }))
    }

    /// The telephone events that are asked for, as a description lists them; none when nothing is said of them.
    pub(super) fn events(&self) -> Option<String> {
        let known: Vec<_> = self.descriptors.events.iter().flatten().map(EventSet::to_string).collect();
        let text =
            known.iter().filter(|text| !text.is_empty()).map(String::as_str).collect::<Vec<_>>().join(",");
        EventSet::parse(&text).map(|set| set.to_string())
    }

    /// Whether the connection is to be within the gateway; none when nothing is said of it.
    pub(super) fn is_local(&self) -> Option<bool> {
        self.network.as_ref().map(|network| network.eq_ignore_ascii_case("LOCAL"))
    }

    /// Adds newer options, which replace older ones of the same name.
    pub(super) fn update(&mut self, newer: Self) {
        fn replace<T>(old: &mut Option<T>, newer: Option<T>) {
            if newer.is_some() {
                *old = newer;
            }
        }
        if newer.codecs.is_some() {
            self.descriptors = newer.descriptors;
        }
        replace(&mut self.codecs, newer.codecs);
        replace(&mut self.packetization, newer.packetization);
        replace(&mut self.bandwidth, newer.bandwidth);
        replace(&mut self.echo, newer.echo);
        replace(&mut self.gain, newer.gain);
        replace(&mut self.silence, newer.silence);
        replace(&mut self.type_of_service, newer.type_of_service);
        replace(&mut self.best_effort, newer.best_effort);
        replace(&mut self.network, newer.network);
        replace(&mut self.fax, newer.fax);
    }

    /// Whether silence is to be suppressed; none when nothing is said of it.
    pub(super) fn suppresses_silence(&self) -> Option<bool> {
        self.silence.map(|silence| silence == Switch::On)
    }

    /// Puts into a specification what is not a matter of negotiation.
    pub(super) fn apply(&self, spec: &mut MediaSpec) {
        if let Some(echo) = self.echo {
            spec.echo_cancellation = echo == Switch::On;
        }
        if let Some(silence) = self.silence {
            spec.silence_suppression = silence == Switch::On;
        }
        match self.gain {
            Some(Gain::Decibels(gain)) => spec.gain = Some(gain),
            Some(Gain::Auto) => spec.gain = None,
            None => {}
        }
        if let Some(byte) = self.type_of_service {
            spec.type_of_service = byte;
        }
    }

    /// The value of an `L:` line in an audit: what the call agent has supplied (section 2.3.11).
    pub(super) fn audit(&self) -> String {
        let span = |span: Span| match span.low == span.high {
            true => span.low.to_string(),
            false => format!("{}-{}", span.low, span.high),
        };
        let switch = |switch| if switch == Switch::On { "on" } else { "off" };
        let mut list = Vec::new();
        list.extend(self.codecs.as_ref().map(|codecs| format!("a:{}", codecs.join(";"))));
        list.extend(self.descriptors.text.iter().cloned());
        list.extend(self.packetization.map(|period| format!("p:{}", span(period))));
        list.extend(self.bandwidth.map(|rate| format!("b:{}", span(rate))));
        list.extend(self.echo.map(|echo| format!("e:{}", switch(echo))));
        list.extend(self.gain.map(|gain| match gain {
            Gain::Auto => "gc:auto".to_owned(),
            Gain::Decibels(gain) => format!("gc:{gain}"),
        }));
        list.extend(self.silence.map(|silence| format!("s:{}", switch(silence))));
        list.extend(self.type_of_service.map(|byte| format!("t:{byte:02x}")));
        list.extend(self.best_effort.map(|_| "r:be".to_owned()));
        list.extend(self.network.as_ref().map(|network| format!("nt:{network}")));
        list.extend(self.fax.as_ref().map(|fax| format!("FXR/fx:{}", fax.text)));
        list.join(", ")
    }
}

/// The names of an `a:` option.
fn codecs(value: &str) -> Result<Vec<String>, Refusal> {
    let names = value.split(';').map(|name| name.trim_ascii().to_owned());
    let names: Vec<_> = names.take(MOST_CODECS + 1).collect();
    if names.len() > MOST_CODECS {
        return Err(refuse(ReturnCode::LOCAL_OPTION_VALUE, "more codecs than there are payload types"));
    }
    Ok(names)
}

/// The value of the `A:` line for voiceband data, which goes with other options than speech does (RFC 6498 section 5.1.1); none of an endpoint
/// without the package.
pub(super) fn data_capabilities(
    able: &MediaCapabilities,
    modes: &[MediaMode],
    packages: PackageSet,
    others: &[&str],
) -> Option<String> {
    let codecs = able.codecs.iter().filter(|entry| matches!(entry.codec, Codec::Pcmu | Codec::Pcma));
    let codecs: Vec<_> = codecs.cloned().collect();
    if !packages.contains("GPMD") || codecs.is_empty() {
        return None;
    }
    let described: Vec<_> =
        codecs.iter().map(|entry| format!("\"{} vbd=yes\"", entry.codec.name())).collect();
    let able = MediaCapabilities { codecs, silence_suppression: false, ..able.clone() };
    Some(format!(
        "{}, GPMD/gpmd:{}",
        capabilities(&able, false, modes, packages, others),
        described.join(";")
    ))
}

/// The value of an `A:` line: what the endpoint can do (section 3.2.2.3). `others` are packages that only the dialect has.
pub(super) fn capabilities(
    able: &MediaCapabilities,
    images: bool,
    modes: &[MediaMode],
    packages: PackageSet,
    others: &[&str],
) -> String {
    let switch = |can| if can { "on" } else { "off" };
    let image = images.then_some(super::stream::T38);
    let codecs: Vec<_> = able.codecs.iter().map(|entry| entry.codec.name()).chain(image).collect();
    let modes: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
    let periods = able.packetization.iter().map(|period| super::connection::millis(*period));
    let period = match (periods.clone().min(), periods.max()) {
        (Some(low), Some(high)) if low != high => format!("{low}-{high}"),
        (Some(only), _) => only.to_string(),
        _ => "20".to_owned(),
    };
    let events = able.codecs.iter().find(|entry| entry.codec == Codec::TelephoneEvent);
    let events = events.filter(|_| packages.contains("FM")).and_then(|entry| entry.fmtp.as_ref());
    let events = events.map(|events| format!(", fmtp:\"telephone-event {events}\"")).unwrap_or_default();
    format!(
        "a:{}, p:{period}, e:{}, s:{}, gc:{}, t:{}, nt:IN;LOCAL, v:{}, m:{}{events}",
        codecs.join(";"),
        switch(able.echo_cancellation),
        switch(able.silence_suppression),
        if able.gain_control { "auto" } else { "0" },
        u8::from(able.type_of_service),
        [packages.names(), others].concat().join(";"),
        modes.join(";"),
    )
}
