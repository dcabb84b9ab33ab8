//! How deployed peers differ from RFC 3435, as data.

use crate::message::Version;

/// How a peer speaks MGCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The name in configurations.
    pub name: &'static str,
    /// The version that we send.
    pub version: Version<'static>,
    /// The versions that we accept.
    pub accepts: &'static [Version<'static>],
    /// Whether any profile name behind the version is accepted.
    pub any_profile: bool,
    /// What `*` in an endpoint's name makes the peer do.
    pub all_wildcard: AllWildcard,
    /// Whether the peer accepts `K:` in commands.
    pub response_ack: bool,
    /// Whether the peer reads more than the first message of a datagram.
    pub piggyback: bool,
    /// Whether the peer knows notification requests and sends notifications.
    pub notification: bool,
    /// Whether the peer sends provisional responses and three-way handshakes.
    pub provisional: bool,
    /// Whether the peer answers audits that ask for parameters.
    pub audit: bool,
    /// Whether the peer's gateways send empty notifications from all endpoints (`*`) as a sign of life: those of
    /// `MGCP 0.1` do every 15 seconds, and take an agent for dead that does not answer for 30.
    pub keepalive_notify: bool,
    /// Whether the peer reads `a:` as a list; one that does not takes a list for the name of one codec.
    pub codec_list: bool,
}

/// What `*` in an endpoint's name means to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllWildcard {
    /// All endpoints, as RFC 3435 says.
    All,
    /// Any one free endpoint; `$` is refused.
    AnyOne,
}

impl Dialect {
    /// RFC 3435 as written.
    pub const RFC3435: Self = Self {
        name: "rfc3435",
        version: Version::V1_0,
        accepts: &[Version::V1_0],
        any_profile: true,
        all_wildcard: AllWildcard::All,
        response_ack: true,
        piggyback: true,
        notification: true,
        provisional: true,
        audit: true,
        keepalive_notify: false,
        codec_list: true,
    };

    /// `MGCP 0.1`, as Cisco call managers and their gateways speak it.
    pub const MGCP_0_1: Self = Self {
        name: "mgcp-0.1",
        version: Version::V0_1,
        accepts: &[Version::V0_1, Version::V1_0],
        response_ack: false,
        provisional: false,
        keepalive_notify: true,
        ..Self::RFC3435
    };

    /// The gateway osmo-mgw: a packet relay without events.
    pub const OSMO: Self = Self {
        name: "osmo",
        any_profile: false,
        all_wildcard: AllWildcard::AnyOne,
        response_ack: false,
        piggyback: false,
        notification: false,
        provisional: false,
        audit: false,
        codec_list: false,
        ..Self::RFC3435
    };

    /// All dialects.
    pub const ALL: &'static [Self] = &[Self::RFC3435, Self::MGCP_0_1, Self::OSMO];

    /// Whether commands of this version and profile are accepted; if not, the answer is 528.
    #[must_use]
    pub fn accepts(&self, version: Version<'_>) -> bool {
        let number = |known: &&Version<'_>| (known.major, known.minor) == (version.major, version.minor);
        match self.accepts.iter().find(number) {
            None => false,
            Some(known) => self.any_profile || version.profile.is_none() || *known == version,
        }
    }

    /// The dialect with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|dialect| dialect.name.eq_ignore_ascii_case(name))
    }
}
