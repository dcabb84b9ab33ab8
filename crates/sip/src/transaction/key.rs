//! Which transaction a message belongs to (RFC 3261 sections 17.1.3 and 17.2.3).

use crate::message::{Header, Message, Method, Name, StartLine, Via};

/// What tells a client transaction from all others: its branch, and the method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientKey {
    branch: Box<str>,
    method: Box<str>,
}

impl ClientKey {
    pub(super) fn new(branch: &str, method: &Method<'_>) -> Self {
        Self { branch: branch.into(), method: method.as_str().into() }
    }

    /// That of a response.
    pub(super) fn of(header: &Header<'_>) -> Option<Self> {
        Some(Self::new(header.via()?.branch()?, &header.cseq()?.method))
    }
}

/// What tells a server transaction from all others. The method is that of the request, and INVITE for an ACK.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServerKey(Box<str>);

impl ServerKey {
    /// That of a request, as if it had this method.
    pub(super) fn of(request: &Message<'_>, method: &Method<'_>) -> Option<Self> {
        let header = &request.header;
        let via = header.via()?;
        let method = if *method == Method::Ack { &Method::Invite } else { method };
        if let Some(key) = Self::of_branch(&via, method.as_str()) {
            return Some(key);
        }
        // RFC 2543: all that a request and its repetitions share. The tag of To is that of the response for an ACK, so that
        // it is left out, as is the branch, which may be the same for all requests of such a peer.
        let StartLine::Request { uri, .. } = &request.start else { return None };
        let tag = header.from()?.tag().unwrap_or_default().to_owned();
        let (call, number) = (header.call_id()?, header.cseq()?.number);
        let top = header.list(&Name::Via).next()?;
        Some(Self(format!("\n{uri}\n{tag}\n{call}\n{number}\n{top}\n{method}").into()))
    }
}

/// Of messages of RFC 3261.
impl ServerKey {
    fn of_branch(via: &Via<'_>, method: &str) -> Option<Self> {
        let branch = via.rfc3261_branch()?;
        let (host, port) = (via.host.to_ascii_lowercase(), via.port.unwrap_or(0));
        Some(Self(format!("{branch}\n{host}:{port}\n{method}").into()))
    }

    /// That of a response of this side's.
    pub(super) fn of_response(header: &Header<'_>) -> Option<Self> {
        Self::of_branch(&header.via()?, header.cseq()?.method.as_str())
    }
}

/// What two requests share that came by different ways from one (RFC 3261 section 8.2.2.2); none within a dialog.
pub(super) fn merged_key(request: &Message<'_>) -> Option<Box<str>> {
    let header = &request.header;
    if header.to()?.tag().is_some() {
        return None;
    }
    let (from, call, cseq) = (header.from()?.tag()?.to_owned(), header.call_id()?, header.cseq()?);
    Some(format!("{call}\n{from}\n{cseq}").into())
}
