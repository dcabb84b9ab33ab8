//! Who has sent a call on: `Diversion` (RFC 5806), which peers of today read, and `History-Info` (RFC 7044), which took its place.
//!
//! What a peer says of the way of its call is kept as it came, and goes before what this side adds when the call goes further, as
//! RFC 7044 wants it of who stands in the middle. Who is to be known by nobody who is not trusted is `anonymous.invalid` towards others
//! (section 10.1): the place in the history stays, so that everybody can count.

use crate::message::grammar::{is_token, trim, unquote};
use crate::message::{Address, Message, Name, Parameters, SipUri, Uri, unescape};

use super::config::Trust;

/// The reasons of RFC 5806 and the causes for them (RFC 4458 section 2, RFC 7544), which go into `Reason` (RFC 7044 section 5.1).
const CAUSES: [(&str, u16); 7] = [
    ("unconditional", 302),
    ("user-busy", 486),
    ("no-answer", 408),
    ("deflection", 480),
    ("deflection", 487),
    ("unavailable", 503),
    ("unknown", 404),
];

/// The most entries that are kept of what a peer says: as many as the most that an exchange can be told to send a call on. More are counted.
const MOST: usize = 20;

/// The longest value that is kept, in octets: of what is longer nothing is told to others. A long number with its domain has 100.
const LONGEST: usize = 500;

/// Who has sent a call on before it came, as its INVITE says: nobody here has proven it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct History {
    /// Values of `Diversion`, the last first.
    diversions: Vec<String>,
    /// Values of `History-Info`, the first first.
    entries: Vec<String>,
    /// The last entry is of whom the call was for here.
    is_whole: bool,
    /// Nobody of it is to be known by who is not trusted.
    is_private: bool,
    times: usize,
}

/// Somebody who has sent a call on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarder {
    /// The number; the URI of who has none.
    pub number: String,
    /// Why, in a word of RFC 5806.
    pub reason: String,
}

/// One who has sent it on, as both fields can say it.
#[derive(Clone, Debug)]
struct Step {
    uri: Uri<'static>,
    reason: String,
    is_private: bool,
}

impl History {
    /// What an INVITE says.
    pub(super) fn of(request: &Message<'_>) -> Self {
        let header = &request.header;
        let kept = |name: &Name<'_>, is_good: &dyn Fn(&Address<'_>) -> bool| -> Vec<String> {
            let all: Vec<&str> = header.list(name).collect();
            let is_good = |value: &&str| {
                value.len() <= LONGEST && Address::parse(value).is_some_and(|entry| is_good(&entry))
            };
            let is_kept = all.len() <= MOST && all.iter().all(is_good);
            all.into_iter().filter(|_| is_kept).map(str::to_owned).collect()
        };
        let entries = kept(&Name::HistoryInfo, &|entry| index(entry).is_some());
        let last =
            entries.last().and_then(|entry| Address::parse(entry)).and_then(|entry| entry.uri.number());
        let called = request.uri().and_then(Uri::number);
        Self {
            diversions: kept(&Name::Diversion, &|_| true),
            is_whole: called.is_some() && last == called,
            entries,
            is_private: header.get(&Name::Privacy).is_some_and(hides_history),
            times: count(request),
        }
    }

    /// How often the call was sent on; 0 for a call of which nobody says so.
    #[must_use]
    pub const fn times(&self) -> usize {
        self.times
    }

    /// Who has sent it on, the first first: as many as are known.
    #[must_use]
    pub fn forwarders(&self) -> Vec<Forwarder> {
        let told = self.steps().into_iter().map(|step| {
            let number = step.uri.number().unwrap_or_else(|| step.uri.to_string());
            Forwarder { number, reason: step.reason }
        });
        told.collect()
    }

    /// Both fields tell of the same: who says more is believed.
    fn steps(&self) -> Vec<Step> {
        let (of_diversions, of_entries) = (self.steps_of_diversions(), self.steps_of_entries());
        if of_entries.len() > of_diversions.len() { of_entries } else { of_diversions }
    }

    fn steps_of_diversions(&self) -> Vec<Step> {
        let step = |value: &String| {
            let Address { uri, parameters, .. } = Address::parse(value)?;
            let reason = parameters.text("reason").unwrap_or_default();
            let reason = if is_token(&reason) { reason.to_ascii_lowercase() } else { "unknown".to_owned() };
            let is_private = self.is_private || wants_privacy(parameters);
            Some(Step { uri: uri.into_owned(), reason, is_private })
        };
        self.diversions.iter().rev().filter_map(step).collect()
    }

    fn steps_of_entries(&self) -> Vec<Step> {
        let all: Vec<Address<'_>> = self.entries.iter().filter_map(|entry| Address::parse(entry)).collect();
        let step = |(at, entry): (usize, &Address<'_>)| {
            if !is_mapped(entry) {
                return None;
            }
            let by = entry.parameters.get("mp").and_then(|by| all.iter().find(|one| index(one) == Some(by)));
            let by = by.or_else(|| all.get(at.checked_sub(1)?))?;
            let of_target = || entry.uri.as_sip()?.parameter("cause")?.parse().ok();
            let cause = reason_of(&by.uri).or_else(of_target).unwrap_or(404);
            let reason =
                CAUSES.iter().find(|(_, own)| *own == cause).map_or("unknown", |(reason, _)| *reason);
            let is_private = self.is_private || hides_entry(&by.uri);
            Some(Step { uri: bare(&by.uri), reason: reason.to_owned(), is_private })
        };
        all.iter().enumerate().filter_map(step).collect()
    }

    /// What is told of it in `Diversion`: as it came, or as `History-Info` has it.
    fn diversions(&self, trust: Trust) -> Vec<String> {
        if self.diversions.is_empty() {
            let value = |step: &Step| {
                let privacy = if step.is_private { ";privacy=full" } else { "" };
                let shown = shown(&step.uri, step.is_private, trust);
                format!("<{shown}>;reason={}{privacy}", step.reason)
            };
            return self.steps().iter().rev().map(value).collect();
        }
        let value = |value: &String| match Address::parse(value) {
            Some(own) if trust == Trust::Untrusted && (self.is_private || wants_privacy(own.parameters)) => {
                let uri = nobody(&own.uri);
                Address { name: None, uri, ..own }.to_string()
            }
            _ => value.clone(),
        };
        self.diversions.iter().map(value).collect()
    }

    /// What is told of it in `History-Info`: as it came, or as `Diversion` has it.
    fn entries(&self, trust: Trust) -> Vec<String> {
        if !self.entries.is_empty() {
            let value = |value: &String| match Address::parse(value) {
                Some(own) if trust == Trust::Untrusted && (self.is_private || hides_entry(&own.uri)) => {
                    let uri = nobody(&own.uri);
                    Address { name: None, uri, ..own }.to_string()
                }
                _ => value.clone(),
            };
            return self.entries.iter().map(value).collect();
        }
        let mut made: Vec<String> = Vec::new();
        let mut before: Option<String> = None;
        for step in self.steps() {
            let cause = cause_of(&step.reason).unwrap_or(404);
            let uri = match shown(&step.uri, step.is_private, trust) {
                Uri::Sip(uri) => {
                    let privacy =
                        if step.is_private && trust == Trust::Trusted { "&Privacy=history" } else { "" };
                    let headers = Some(format!("Reason=SIP%3Bcause%3D{cause}{privacy}").into());
                    Uri::Sip(SipUri { headers, ..uri })
                }
                other => other,
            };
            before = Some(push(&mut made, &uri, before.as_deref(), Mapped::ToAnother));
        }
        made
    }
}

/// Tells in a request who has sent the call on, the last first, until it went to `called`: what a peer has said of it, and who has here. A
/// call that nobody has sent on has no history.
pub(super) fn tell(
    request: &mut Message<'static>,
    (history, diversions): (Option<&History>, &[(String, &'static str)]),
    (called, local): (&str, &str),
    trust: Trust,
) {
    for (number, reason) in diversions {
        let uri = SipUri::new(Some(number), local, None);
        request.header.push(Name::Diversion, format!("<{uri}>;reason={reason}"));
    }
    let Some(history) = history.filter(|history| history.times > 0) else {
        return tell_entries(request, (Vec::new(), Gap::None), diversions, (called, local));
    };
    for value in history.diversions(trust) {
        request.header.push(Name::Diversion, value);
    }
    let gap = match (history.entries.is_empty(), history.is_whole) {
        (true, _) => Gap::None,
        (false, true) => Gap::Known,
        (false, false) => Gap::Unknown,
    };
    if history.is_private && trust == Trust::Trusted {
        let before = request.header.get(&Name::Privacy).map(|before| format!("{before};"));
        request.header.set(&Name::Privacy, format!("{}history", before.unwrap_or_default()));
    }
    tell_entries(request, (history.entries(trust), gap), diversions, (called, local));
}

/// What is between the last entry of a peer's and the first of this side's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    /// Nothing: this side's follows.
    None,
    /// The last of the peer's is of whom the call was for here.
    Known,
    /// It went from there to whom it was for here by a way that nobody tells (section 10.3).
    Unknown,
}

/// How the target of an entry was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mapped {
    /// Another user has the call.
    ToAnother,
    /// The same user, elsewhere.
    ToTheSame,
    /// Nobody says.
    Unknown,
}

fn tell_entries(
    request: &mut Message<'static>,
    (mut all, gap): (Vec<String>, Gap),
    diversions: &[(String, &'static str)],
    (called, local): (&str, &str),
) {
    if all.is_empty() && diversions.is_empty() {
        return;
    }
    let mut before = all.last().and_then(|last| index(&Address::parse(last)?).map(str::to_owned));
    let mut mapped = match gap {
        Gap::None => Mapped::ToAnother,
        Gap::Known => Mapped::ToTheSame,
        Gap::Unknown => Mapped::Unknown,
    };
    if gap == Gap::Unknown {
        before = before.map(|before| format!("{before}.0"));
    }
    for (number, reason) in diversions.iter().rev() {
        let cause = cause_of(reason).unwrap_or(302);
        if mapped == Mapped::ToTheSame {
            // That is the peer's last entry: why it is not there any more belongs to it.
            if let Some(last) = all.last_mut() {
                *last = with_reason(last, cause);
            }
        } else {
            let mut uri = SipUri::new(Some(number), local, None);
            // Why it is not there any more (section 5.1): a header of the URI, and so escaped.
            uri.headers = Some(format!("Reason=SIP%3Bcause%3D{cause}").into());
            before = Some(push(&mut all, &Uri::Sip(uri), before.as_deref(), mapped));
        }
        mapped = Mapped::ToAnother;
    }
    push(&mut all, &Uri::Sip(SipUri::new(Some(called), local, None)), before.as_deref(), mapped);
    for value in all {
        request.header.push(Name::HistoryInfo, value);
    }
}

/// Puts an entry behind that with the index `before` (section 10.3); gives its own index.
fn push(all: &mut Vec<String>, uri: &Uri<'_>, before: Option<&str>, mapped: Mapped) -> String {
    let (index, target) = match (before, mapped) {
        (None, _) => ("1".to_owned(), String::new()),
        (Some(before), Mapped::ToAnother) => (format!("{before}.1"), format!(";mp={before}")),
        (Some(before), Mapped::ToTheSame) => (format!("{before}.1"), format!(";rc={before}")),
        (Some(before), Mapped::Unknown) => (format!("{before}.1"), String::new()),
    };
    all.push(format!("<{uri}>;index={index}{target}"));
    index
}

/// How often a call was sent on, as a request says: both fields tell of the same.
fn count(request: &Message<'_>) -> usize {
    let diversions = request.header.list(&Name::Diversion).count();
    let entries = request.header.list(&Name::HistoryInfo).filter_map(Address::parse);
    diversions.max(entries.filter(is_mapped).count())
}

/// Whether an entry is of somebody whom another user has sent the call to. The cause of RFC 4458 is what exchanges of IMS have in the
/// place of `mp`.
fn is_mapped(entry: &Address<'_>) -> bool {
    entry.parameters.get("mp").is_some()
        || entry.uri.as_sip().is_some_and(|uri| uri.parameter("cause").is_some())
}

/// The index of an entry, which it must have (section 5.1).
fn index<'a>(entry: &Address<'a>) -> Option<&'a str> {
    let index = entry.parameters.get("index")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    index.split('.').all(is_number).then_some(index)
}

fn cause_of(reason: &str) -> Option<u16> {
    CAUSES.iter().find(|(own, _)| *own == reason).map(|(_, cause)| *cause)
}

/// A header of a URI, unescaped.
fn header_of(uri: &Uri<'_>, name: &str) -> Option<String> {
    let headers = uri.as_sip()?.headers.as_deref()?;
    let value = headers.split('&').find_map(|header| {
        let (own, value) = header.split_once('=')?;
        own.eq_ignore_ascii_case(name).then_some(value)
    })?;
    unescape(value).map(std::borrow::Cow::into_owned)
}

/// Why a call is not at this URI any more, as its entry says.
fn reason_of(uri: &Uri<'_>) -> Option<u16> {
    let reason = header_of(uri, "Reason")?;
    let cause = reason.split(';').find_map(|part| trim(part).strip_prefix("cause="))?;
    unquote(trim(cause)).parse().ok()
}

/// An entry with the reason why the call is not there any more, unless it has one.
fn with_reason(entry: &str, cause: u16) -> String {
    let Some(mut own) = Address::parse(entry) else { return entry.to_owned() };
    let Uri::Sip(uri) = &mut own.uri else { return entry.to_owned() };
    let headers = uri.headers.take();
    let before = headers.as_deref().filter(|before| !before.is_empty());
    let has_reason = before.is_some_and(|before| {
        before
            .split('&')
            .any(|header| header.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("reason=")))
    });
    if has_reason {
        return entry.to_owned();
    }
    let before = before.map(|before| format!("{before}&")).unwrap_or_default();
    uri.headers = Some(format!("{before}Reason=SIP%3Bcause%3D{cause}").into());
    own.to_string()
}

/// A URI without its headers.
fn bare(uri: &Uri<'_>) -> Uri<'static> {
    match uri.clone().into_owned() {
        Uri::Sip(uri) => Uri::Sip(SipUri { headers: None, ..uri }),
        other => other,
    }
}

/// Somebody, as a peer is shown him.
fn shown(uri: &Uri<'static>, is_private: bool, trust: Trust) -> Uri<'static> {
    if is_private && trust == Trust::Untrusted { nobody(uri) } else { uri.clone() }
}

/// In the place of who is not to be known (section 10.1.2). Why the call went on, and that it did, may be known.
fn nobody(uri: &Uri<'_>) -> Uri<'static> {
    let headers = reason_of(uri).map(|cause| format!("Reason=SIP%3Bcause%3D{cause}").into());
    let nobody = SipUri::new(Some("anonymous"), "anonymous.invalid", None);
    let cause = uri.as_sip().and_then(|uri| uri.parameter("cause")?.parse::<u16>().ok());
    let nobody = match cause {
        Some(cause) => nobody.with_parameter(&format!("cause={cause}")),
        None => nobody,
    };
    Uri::Sip(SipUri { headers, ..nobody })
}

/// Whether `Privacy` is for the history, too: as such, or with all that is in the header (RFC 3323 section 4.2).
fn hides_history(privacy: &str) -> bool {
    let wishes = ["history", "header", "session"];
    privacy.split([';', ',']).any(|wish| wishes.iter().any(|own| trim(wish).eq_ignore_ascii_case(own)))
}

/// Whether an entry is not for those who are not trusted.
fn hides_entry(uri: &Uri<'_>) -> bool {
    header_of(uri, "Privacy").is_some_and(|privacy| hides_history(&privacy))
}

/// Whether `privacy` of a `Diversion` says so (RFC 5806 section 4).
fn wants_privacy(parameters: Parameters<'_>) -> bool {
    parameters.text("privacy").is_some_and(|wish| !wish.eq_ignore_ascii_case("off"))
}
