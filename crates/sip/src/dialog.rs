//! Dialogs: what two user agents share between an INVITE and a BYE (RFC 3261 section 12).

use crate::message::{Address, Message, Method, Name, SipUri, StartLine, Uri};

/// One side's state of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    /// The `Call-ID`.
    pub call_id: String,
    /// This side's tag.
    pub local_tag: String,
    /// The peer's tag; empty with a peer of RFC 2543.
    pub remote_tag: String,
    /// This side's name and address, without the tag: what `From` says.
    pub local: String,
    /// The peer's, without the tag: what `To` says.
    pub remote: String,
    /// Where requests are addressed to: the `Contact` of the peer.
    pub target: Uri<'static>,
    /// The proxies on the way, the nearest first.
    pub route_set: Vec<String>,
    /// The number of this side's last request.
    pub local_seq: u32,
    /// The number of the peer's last request.
    pub remote_seq: Option<u32>,
}

/// A request that does not fit its dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfOrder;

impl Dialog {
    /// The dialog that a request begins, for the side that answers it with `local_tag` (section 12.1.1); none when the
    /// request lacks what a dialog needs.
    #[must_use]
    pub fn of_request(request: &Message<'_>, local_tag: &str) -> Option<Self> {
        let header = &request.header;
        let (from, cseq) = (header.from()?, header.cseq()?);
        Some(Self {
            call_id: header.call_id()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: header.from()?.tag().unwrap_or_default().to_owned(),
            local: without_tag(header.get(&Name::To)?),
            remote: without_tag(header.get(&Name::From)?),
            // Before RFC 3261 a caller without a contact was reached by what From says.
            target: match header.get(&Name::Contact) {
                Some(_) => target(request)?,
                None => Some(from.uri).filter(|uri| uri.as_sip().is_some())?.into_owned(),
            },
            route_set: header.list(&Name::RecordRoute).map(str::to_owned).collect(),
            local_seq: 0,
            remote_seq: Some(cseq.number),
        })
    }

    /// The dialog that a response makes, for the side that sent the request (section 12.1.2); none when the response lacks
    /// what a dialog needs: a tag, and a `Contact`.
    #[must_use]
    pub fn of_response(response: &Message<'_>) -> Option<Self> {
        let header = &response.header;
        let (from, to, cseq) = (header.from()?, header.to()?, header.cseq()?);
        let mut route_set: Vec<_> = header.list(&Name::RecordRoute).map(str::to_owned).collect();
        route_set.reverse();
        Some(Self {
            call_id: header.call_id()?.to_owned(),
            local_tag: from.tag()?.to_owned(),
            remote_tag: to.tag()?.to_owned(),
            local: without_tag(header.get(&Name::From)?),
            remote: without_tag(header.get(&Name::To)?),
            target: target(response)?,
            route_set,
            local_seq: cseq.number,
            remote_seq: None,
        })
    }

    /// The next request of this side (section 12.2.1.1).
    #[must_use]
    pub fn request(&mut self, method: Method<'static>) -> Message<'static> {
        self.local_seq += 1;
        self.request_numbered(method, self.local_seq)
    }

    /// A request with the number of another: an ACK.
    #[must_use]
    pub fn request_numbered(&self, method: Method<'static>, number: u32) -> Message<'static> {
        let mut target = self.target.clone();
        if let Uri::Sip(uri) = &mut target {
            as_request_uri(uri);
        }
        let mut routes = self.route_set.clone();
        // A first proxy that routes strictly, as RFC 2543 had it, is the Request-URI, and the target comes last.
        let strict =
            routes.first().and_then(|first| Address::parse(first)).map(|first| first.uri.into_owned());
        if let Some(Uri::Sip(mut first)) = strict
            && first.parameter("lr").is_none()
        {
            routes.remove(0);
            routes.push(format!("<{target}>"));
            as_request_uri(&mut first);
            target = Uri::Sip(first);
        }
        let cseq = format!("{number} {method}");
        let mut request = Message::request(method, target);
        let header = &mut request.header;
        header.push(Name::MaxForwards, "70");
        for route in routes {
            header.push(Name::Route, route);
        }
        header.push(Name::From, tagged(&self.local, &self.local_tag));
        header.push(Name::To, tagged(&self.remote, &self.remote_tag));
        header.push(Name::CallId, self.call_id.clone());
        header.push(Name::CSeq, cseq);
        request
    }

    /// Takes a request of the peer into account (section 12.2.2).
    ///
    /// # Errors
    /// Its number is not greater than that of the request before it.
    pub fn accept(&mut self, request: &Message<'_>) -> Result<(), OutOfOrder> {
        let Some(cseq) = request.header.cseq() else { return Err(OutOfOrder) };
        if self.remote_seq.is_some_and(|last| cseq.number <= last) {
            return Err(OutOfOrder);
        }
        self.remote_seq = Some(cseq.number);
        if let StartLine::Request { method: Method::Invite | Method::Update, .. } = &request.start {
            self.refresh(request);
        }
        Ok(())
    }

    /// The peer's `Contact` may have changed (section 12.2.1.2).
    pub fn refresh(&mut self, message: &Message<'_>) {
        if let Some(target) = target(message) {
            self.target = target;
        }
    }

    /// Whether a request of the peer is of this dialog.
    #[must_use]
    pub fn has(&self, request: &Message<'_>) -> bool {
        let header = &request.header;
        let tag = |address: Option<Address<'_>>| address.and_then(|address| address.tag().map(str::to_owned));
        header.call_id() == Some(&self.call_id)
            && tag(header.to()).as_deref() == Some(&self.local_tag)
            && tag(header.from()).unwrap_or_default() == self.remote_tag
    }
}

/// Takes away what may not stand in a Request-URI: headers, and the parameter `method` (section 19.1.1, table 1).
fn as_request_uri(uri: &mut SipUri<'static>) {
    uri.headers = None;
    let is_method = |parameter: &&str| {
        parameter.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("method"))
    };
    if uri.parameters.split(';').any(|parameter| is_method(&parameter)) {
        let kept: Vec<_> = uri.parameters.split(';').filter(|parameter| !is_method(parameter)).collect();
        uri.parameters = kept.join(";").into();
    }
}

/// The contact of a message that takes part in a dialog: a SIP or SIPS URI (sections 8.1.1.8 and 12.1.1).
fn target(message: &Message<'_>) -> Option<Uri<'static>> {
    let contact = message.header.contact()?;
    contact.uri.as_sip().is_some().then(|| contact.uri.into_owned())
}

fn tagged(address: &str, tag: &str) -> String {
    if tag.is_empty() { address.to_owned() } else { format!("{address};tag={tag}") }
}

/// The value of `From` or `To` without its tag; its other parameters stay.
fn without_tag(value: &str) -> String {
    let Some(address) = Address::parse(value) else { return value.to_owned() };
    let parameters = address.parameters.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("tag"));
    let kept: String = parameters
        .map(|(name, value)| value.map_or_else(|| format!(";{name}"), |value| format!(";{name}={value}")))
        .collect();
    let bare = Address { parameters: crate::message::Parameters::NONE, ..address };
    format!("{bare}{kept}")
}
