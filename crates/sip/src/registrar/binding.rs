//! What is known of a telephone, and when a REGISTER may change it (RFC 3261 section 10.3, steps 6 and 7).

use std::net::SocketAddr;

use strowger_sansio::Time;

use crate::message::grammar::number;
use crate::message::{Message, Parameters, SipUri, Uri};
use crate::transport::{PORT, Route};

/// How much a contact is preferred: `q`, in thousandths (RFC 3261 section 20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(u16);

impl Quality {
    /// Reads `q`: 0 to 1, with at most three decimals.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let legal = matches!(whole, "0" | "1")
            && decimals.len() <= 3
            && decimals.bytes().all(|digit| digit.is_ascii_digit());
        let thousandths = format!("{whole}{decimals:0<3}").parse().ok().filter(|value| *value <= 1000);
        thousandths.filter(|_| legal).map(Self)
    }

    /// That of this many thousandths, of which there are 1000 at most.
    #[must_use]
    pub const fn of(thousandths: u16) -> Option<Self> {
        if thousandths <= 1000 { Some(Self(thousandths)) } else { None }
    }

    /// Thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }
}

/// 1: what has no `q` is preferred to all that have one.
impl Default for Quality {
    fn default() -> Self {
        Self(1000)
    }
}

/// One contact of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its URI, which requests to it name.
    pub contact: String,
    /// How much it is preferred.
    pub quality: Quality,
    /// The `Call-ID` of the REGISTER that made it.
    pub call_id: String,
    /// The number of that REGISTER.
    pub cseq: u32,
    /// When it ends.
    pub expires: Time,
    /// Where requests to it go.
    pub route: Route,
    /// Which flow of which telephone it is, where that has said so; none: it is known by its URI.
    pub flow: Option<Flow>,
}

/// What tells the flows of a user apart (RFC 5626 section 4.1): each telephone has a name that is its own, and numbers its flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// `+sip.instance`, with its quotes.
    pub instance: String,
    /// `reg-id`.
    pub number: u32,
}

impl Flow {
    /// What a contact says; none unless it says both.
    pub(super) fn of(parameters: Parameters<'_>) -> Option<Self> {
        let instance =
            parameters.get("+sip.instance").filter(|name| name.len() > 4 && name.starts_with("\"<"))?;
        let number = number(parameters.get("reg-id")?).filter(|number| *number > 0)?;
        Some(Self { instance: instance.to_owned(), number })
    }
}

impl Binding {
    /// Whether a REGISTER with this `Call-ID` and number may change it: one that is later, or another telephone's.
    pub(super) fn yields(&self, (call_id, cseq): (&str, u32)) -> bool {
        self.call_id != call_id || cseq > self.cseq
    }

    /// Whether it is that of an equivalent URI (section 19.1.4).
    pub(super) fn is_of(&self, uri: &SipUri<'_>) -> bool {
        let own = Uri::parse(&self.contact);
        own.as_ref().and_then(Uri::as_sip).is_some_and(|own| own.is_equivalent(uri))
    }

    /// Whether the contact of a dialog is at the same telephone: some name another user in it, or none.
    pub(crate) fn leads_to(&self, uri: &SipUri<'_>) -> bool {
        let own = Uri::parse(&self.contact);
        own.as_ref().and_then(Uri::as_sip).is_some_and(|own| {
            let way = |uri: &SipUri<'_>| uri.parameter("transport").map(str::to_ascii_lowercase);
            own.host.eq_ignore_ascii_case(&uri.host) && own.port == uri.port && way(own) == way(uri)
        })
    }

    /// The value of `Contact` in the answer to a REGISTER.
    pub(super) fn to_value(&self, now: Time) -> String {
        let left = self.expires.since(now);
        // Rounded up: a binding that is there has not expired.
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let quality = match self.quality.0 {
            1000 => String::new(),
            thousandths => format!(";q=0.{thousandths:03}"),
        };
        let flow = match &self.flow {
            Some(Flow { instance, number }) => format!(";+sip.instance={instance};reg-id={number}"),
            None => String::new(),
        };
        format!("<{}>{quality};expires={seconds}{flow}", self.contact)
    }
}

/// Where a telephone is reached that has registered `uri` from there: by its connection, or at its host. Its port there is the one
/// that the REGISTER came from where it asked for `rport` (RFC 3581), for then a NAT may be between; else that of its contact.
pub(super) fn reached_at(uri: &SipUri<'_>, from: Route, request: &Message<'_>) -> Route {
    let asks = request.header.via().is_some_and(|via| via.parameters.get("rport").is_some());
    if asks || from.transport.is_reliable() {
        return from;
    }
    from.to(SocketAddr::new(from.address.ip(), uri.port.unwrap_or(PORT)))
}
