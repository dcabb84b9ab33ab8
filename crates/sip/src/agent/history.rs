//! Who has sent a call on: `Diversion` (RFC 5806), which peers of today read, and `History-Info` (RFC 7044), which took its place.

use crate::message::{Address, Message, Name, SipUri};

/// The reasons of RFC 5806 and the causes for them (RFC 4458 section 2), which go into `Reason` (RFC 7044 section 5.1).
const CAUSES: [(&str, u16); 3] = [("unconditional", 302), ("user-busy", 486), ("no-answer", 408)];

/// Tells in a request who has sent the call on, the last first, until it went to `called`. A call that nobody has sent on has no
/// history.
pub(super) fn tell(
    request: &mut Message<'static>,
    diversions: &[(String, &'static str)],
    (called, local): (&str, &str),
) {
    for (number, reason) in diversions {
        let uri = SipUri::new(Some(number), local, None);
        request.header.push(Name::Diversion, format!("<{uri}>;reason={reason}"));
    }
    let mut before: Option<String> = None;
    for (number, reason) in diversions.iter().rev() {
        let cause = CAUSES.iter().find(|(own, _)| own == reason).map_or(302, |(_, cause)| *cause);
        let mut uri = SipUri::new(Some(number), local, None);
        // Why it is not there any more (section 5.1): a header of the URI, and so escaped.
        uri.headers = Some(format!("Reason=SIP%3Bcause%3D{cause}").into());
        before = Some(push(request, &uri, before.as_deref()));
    }
    if let Some(before) = before {
        push(request, &SipUri::new(Some(called), local, None), Some(&before));
    }
}

/// Puts an entry behind that with the index `before`, to which another user was mapped (section 10.3); gives its own index.
fn push(request: &mut Message<'static>, uri: &SipUri<'_>, before: Option<&str>) -> String {
    let (index, mapped) = match before {
        Some(before) => (format!("{before}.1"), format!(";mp={before}")),
        None => ("1".to_owned(), String::new()),
    };
    request.header.push(Name::HistoryInfo, format!("<{uri}>;index={index}{mapped}"));
    index
}

/// How often a call was sent on, as a request says: both fields tell of the same.
pub(super) fn count(request: &Message<'_>) -> usize {
    let diversions = request.header.list(&Name::Diversion).count();
    let entries = request.header.list(&Name::HistoryInfo).filter_map(Address::parse);
    let mapped = entries.filter(|entry| {
        // The cause of RFC 4458 is what exchanges of IMS have in the place of `mp`.
        entry.parameters.get("mp").is_some()
            || entry.uri.as_sip().is_some_and(|uri| uri.parameter("cause").is_some())
    });
    diversions.max(mapped.count())
}
