//! One user agent, and a peer whose messages the test writes itself.

use strowger_sansio::{Duration, Rng, Time};
use strowger_sip::agent::{AgentConfig, Event, UserAgent};
use strowger_sip::message::{Message, Name, Status};
use strowger_sip::{Route, text};

use super::pair::{BOB, address, config, read};

pub(crate) struct Raw {
    pub(crate) now: Time,
    pub(crate) agent: UserAgent,
}

impl Raw {
    pub(crate) fn new() -> Self {
        // Its peer is Alice's address.
        Self::with(config(BOB))
    }

    pub(crate) fn with(config: AgentConfig) -> Self {
        let now = Time::from_secs(1);
        Self { now, agent: UserAgent::new(now, config, Rng::from_number(3)) }
    }

    /// Says something to the agent; what it answers at once.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Message<'static>> {
        assert!(self.agent.handle_input(self.now, Route::udp(address(0)), bytes.as_ref()));
        self.heard()
    }

    pub(crate) fn heard(&mut self) -> Vec<Message<'static>> {
        std::iter::from_fn(|| self.agent.poll_transmit()).map(|datagram| read(&datagram.payload)).collect()
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    /// Lets time pass; what the agent sends meanwhile.
    pub(crate) fn wait(&mut self, span: Duration) -> Vec<Message<'static>> {
        let until = self.now + span;
        let mut heard = Vec::new();
        while let Some(due) = self.agent.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.agent.handle_timeout(self.now);
            heard.append(&mut self.heard());
        }
        self.now = until;
        heard
    }

    /// The statuses of what it answers.
    pub(crate) fn statuses(&mut self, bytes: impl AsRef<[u8]>) -> Vec<u16> {
        self.say(bytes).iter().filter_map(|message| message.status().map(Status::code)).collect()
    }
}

/// A request of Alice's, with these lines besides what every request has.
pub(crate) fn request(method: &str, branch: &str, cseq: u32, to_tag: &str, more: &str, body: &str) -> String {
    let to = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:2002@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:2001@192.0.2.1>;tag=a1\r\nTo: <sip:2002@192.0.2.2>{to}\r\n\
         Call-ID: c1@192.0.2.1\r\nCSeq: {cseq} {method}\r\nContact: <sip:192.0.2.1:5060>\r\n{more}{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                                m=audio 3000 RTP/AVP 0 8\r\n";

/// The answer to a request of the agent's.
pub(crate) fn response(request: &Message<'_>, status: &str, tag: &str, more: &str, body: &str) -> String {
    let header = |name: &Name<'_>| request.header.get(name).unwrap_or_default().to_owned();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag={tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{more}{kind}\
         Content-Length: {}\r\n\r\n{body}",
        header(&Name::Via),
        header(&Name::From),
        header(&Name::To),
        header(&Name::CallId),
        header(&Name::CSeq),
        body.len()
    )
}

/// A message is the same behind encoding and decoding.
pub(crate) fn round_trip(bytes: &[u8]) {
    let first = read(bytes);
    assert_eq!(read(&text::to_bytes(&first)), first, "{}", bytes.escape_ascii());
}
