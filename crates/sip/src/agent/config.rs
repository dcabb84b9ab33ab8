//! What a user agent is told: its own sockets, and the peers that it serves.

use std::net::{IpAddr, SocketAddr};

use strowger_sansio::{Duration, SocketId};
use strowger_sdp::AddressPolicy;

use crate::limits::Limits;
use crate::locate::Destination;
use crate::message::Secure;
use crate::registrar::RegistrarConfig;
use crate::transaction::Timing;
use crate::transport::Transport;

/// A peer: its place in [`AgentConfig::peers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// One of this side's sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// What it carries.
    pub transport: Transport,
    /// The socket. For TCP and TLS: what stands for all connections; the host finds or makes one by the address.
    pub socket: SocketId,
    /// Where peers reach it: what `Via` and `Contact` say.
    pub address: SocketAddr,
}

/// A peer: another switch, a provider, a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name in the configuration.
    pub name: String,
    /// Where requests go.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// Where it is when it is known by a name, the best first: [`super::UserAgent::handle_located`] says it. Its address is unspecified then.
    pub destinations: Vec<Destination>,
    /// Where it was, as long as calls are there.
    pub(super) former: Vec<IpAddr>,
    /// Whether its URIs are SIPS URIs, so that each hop behind it has TLS, too (RFC 3261 section 26.2.2). Over TLS alone.
    pub secure: Secure,
    /// Addresses besides that one that requests of this peer may come from.
    pub sources: Vec<IpAddr>,
    /// The domain of its users, and of this side's towards it; its address when none is named.
    pub domain: Option<String>,
    /// Who this side is when the peer asks for it.
    pub credentials: Option<Credentials>,
    /// Whether what this peer asserts of a caller is believed, and a caller who wants to be unknown is named to it
    /// (RFC 3325): it is within the same trust domain.
    pub trust: Trust,
    /// How often it is asked whether it is there; none: never.
    pub probe: Option<Duration>,
    /// Whether this side registers there, as the user of its credentials. The peer then calls that user here, and names the number
    /// in `To`.
    pub registers: bool,
    /// Which of the contacts are called that it sends calls on to.
    pub redirects: Redirects,
    /// Whether it may transfer this side's parties.
    pub referrals: Referrals,
    /// Whether it is told of waiting messages without asking for it, when it is a telephone.
    pub notices: Notices,
    /// How the keys that are pressed in a call come and go.
    pub keys: Keys,
    /// Which addresses its descriptions may name.
    pub media: AddressPolicy,
    /// Who it proves to be, when it is a telephone that registers here: its address is not known before then, and what is said
    /// above of addresses, credentials and registering does not go for it.
    pub phone: Option<Credentials>,
}

impl Peer {
    /// A peer at this address.
    #[must_use]
    pub fn new(name: &str, address: SocketAddr, transport: Transport) -> Self {
        Self {
            name: name.to_owned(),
            address,
            transport,
            destinations: Vec::new(),
            former: Vec::new(),
            secure: Secure::Sip,
            sources: Vec::new(),
            domain: None,
            credentials: None,
            trust: Trust::Untrusted,
            probe: None,
            registers: false,
            redirects: Redirects::Own,
            referrals: Referrals::Refused,
            notices: Notices::Subscribed,
            keys: Keys::Stream,
            media: AddressPolicy::default(),
            phone: None,
        }
    }

    /// A telephone that registers as this user.
    #[must_use]
    pub fn phone(name: &str, user: Credentials) -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Self { phone: Some(user), ..Self::new(name, nowhere, Transport::Udp) }
    }
}

/// A user name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// The password is not shown.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Whether a peer belongs to the trust domain of RFC 3325.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It does not.
    Untrusted,
    /// It does.
    Trusted,
}

/// Which of the contacts are called that a peer sends a call on to (RFC 3261 section 8.1.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// None: the call is refused.
    Refused,
    /// Those at its own hosts.
    Own,
}

/// Whether a peer may send this side's party to somebody else (RFC 3515).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrals {
    /// It may not: 603.
    Refused,
    /// It may; whom to is for the user of this crate to judge.
    Accepted,
}

/// Which telephones are told that messages wait (RFC 3842).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Notices {
    /// Those that have subscribed.
    #[default]
    Subscribed,
    /// Others as well, at each place where they are registered.
    Unsolicited,
}

/// How a peer tells of the keys that are pressed in a call, and is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Keys {
    /// In the stream, by RFC 4733 or as tones: this side has nothing to do with them.
    #[default]
    Stream,
    /// By INFO. The formats of RFC 4733 are taken out of the descriptions of both sides then, so that a key does not come twice.
    Info,
}

/// What a user agent goes by.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The sockets.
    pub locals: Vec<Local>,
    /// The peers. Whoever is none of them gets no answer.
    pub peers: Vec<Peer>,
    /// The timers of the transactions.
    pub timing: Timing,
    /// The limits of the codec.
    pub limits: Limits,
    /// What `User-Agent` and `Server` say.
    pub product: String,
    /// The most requests of peers that are open at a time.
    pub transactions: usize,
    /// The most sessions at a time.
    pub sessions: usize,
    /// The shortest session interval that is agreed to (RFC 4028 section 5), in seconds: at least 90.
    pub min_se: u32,
    /// The session interval that this side asks for, in seconds; none: it asks for none.
    pub session_expires: Option<u32>,
    /// What the registrar of the telephones among the peers goes by; none: there is none, and REGISTER is not served.
    pub registrar: Option<RegistrarConfig>,
}

impl AgentConfig {
    /// The defaults, for these sockets and peers.
    #[must_use]
    pub fn new(locals: Vec<Local>, peers: Vec<Peer>) -> Self {
        Self {
            locals,
            peers,
            timing: Timing::default(),
            limits: Limits::default(),
            product: "Strowger".to_owned(),
            transactions: 100_000,
            sessions: 50_000,
            min_se: 90,
            session_expires: Some(1800),
            registrar: None,
        }
    }

    pub(super) fn local(&self, transport: Transport) -> Option<&Local> {
        self.locals.iter().find(|local| local.transport == transport)
    }

    pub(super) fn peer(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(usize::try_from(id.0).ok()?)
    }

    pub(super) fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut(usize::try_from(id.0).ok()?)
    }
}
