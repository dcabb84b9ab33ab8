//! How deployed peers differ from RFC 3435, as data.

mod names;

use crate::message::{ReturnCode, Version};

pub use names::Names;

/// How a peer speaks MGCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The name in configurations.
    pub name: &'static str,
    /// The version that we send.
    pub version: Version<'static>,
    /// The versions that we accept.
    pub accepts: &'static [Version<'static>],
    /// Profiles that are accepted behind the version, by the first word of their names: whatever their numbers, they are known.
    pub profiles: &'static [&'static str],
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
    /// Events and signals that bear other names than in RFC 3660.
    pub names: Names,
    /// Whether there is the command EPCF, by which endpoints are configured.
    pub configuration: bool,
    /// Whether there is the command MESG, which RFC 3435 has brought.
    pub message: bool,
    /// Whether audits may ask for the list of packages (`F: PL`), which RFC 3435 has brought: the others name them among their capabilities.
    pub package_list: bool,
    /// Events of lines that are reported whether they are asked for or not, beyond those that packages make persistent, in the form of `B/PR`.
    pub persistent_events: Option<&'static str>,
    /// Whether signals may be given a time-out (`to=`), which RFC 3435 has brought.
    pub signal_timeouts: bool,
    /// The code for an endpoint that is restarting.
    pub restarting: ReturnCode,
    /// Whether 502, 520 and 526 may mean what RFC 3435 says by 403, 405 and 404: RFC 3661 section 3.2 lets a call agent treat them so.
    pub permanent_may_pass: bool,
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
        profiles: &["NCS", "TGCP"],
        all_wildcard: AllWildcard::All,
        response_ack: true,
        piggyback: true,
        notification: true,
        provisional: true,
        audit: true,
        keepalive_notify: false,
        codec_list: true,
        names: Names::STANDARD,
        configuration: true,
        message: true,
        package_list: true,
        persistent_events: None,
        signal_timeouts: true,
        restarting: ReturnCode::RESTARTING,
        permanent_may_pass: false,
    };

    /// RFC 2705, as many older devices speak it: `MGCP 1.0` as well, but 520 where RFC 3435 has 405, no time-outs with signals, no
    /// three-way handshakes, no MESG and no lists of packages.
    pub const RFC2705: Self = Self {
        name: "rfc2705",
        provisional: false,
        message: false,
        package_list: false,
        signal_timeouts: false,
        restarting: ReturnCode::RESTARTING_ENDPOINT,
        permanent_may_pass: true,
        ..Self::RFC3435
    };

    /// PacketCable NCS: embedded clients of cable networks. All that a line can do, digits among it, is in one package, and the hook is always
    /// reported. It has eight commands: neither EPCF nor MESG.
    pub const NCS: Self = Self {
        name: "ncs",
        version: Version { major: 1, minor: 0, profile: Some("NCS 1.0") },
        names: Names {
            digits: "L",
            renamed: &[("G/rt", "L/rt"), ("G/cg", "L/cg"), ("G/cf", "L/cf"), ("L/wt", "L/wt1")],
            packages: &[],
        },
        configuration: false,
        message: false,
        package_list: false,
        persistent_events: Some("L/hd,L/hf,L/hu"),
        signal_timeouts: false,
        ..Self::RFC3435
    };

    /// PacketCable TGCP: trunk gateways of cable networks. It has the commands of NCS.
    pub const TGCP: Self = Self {
        name: "tgcp",
        version: Version { major: 1, minor: 0, profile: Some("TGCP 1.0") },
        names: Names {
            digits: "D",
            renamed: &[
                ("G/rt", "IT/rt"),
                ("G/ld", "IT/ld"),
                ("G/ft", "IT/ft"),
                ("G/mt", "IT/mt"),
                ("T/ro", "IT/ro"),
                ("L/ro", "IT/ro"),
            ],
            packages: &["IT"],
        },
        configuration: false,
        message: false,
        package_list: false,
        signal_timeouts: false,
        ..Self::RFC3435
    };

    /// `MGCP 0.1`, as Cisco call managers and their gateways speak it: the draft from which RFC 2705 came, with a sign of life.
    pub const MGCP_0_1: Self = Self {
        name: "mgcp-0.1",
        version: Version::V0_1,
        accepts: &[Version::V0_1, Version::V1_0],
        response_ack: false,
        keepalive_notify: true,
        ..Self::RFC2705
    };

    /// The gateway osmo-mgw: a packet relay without events.
    pub const OSMO: Self = Self {
        name: "osmo",
        profiles: &[],
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
    pub const ALL: &'static [Self] =
        &[Self::RFC3435, Self::RFC2705, Self::MGCP_0_1, Self::NCS, Self::TGCP, Self::OSMO];

    /// Whether commands of this version and profile are accepted; if not, the answer is 528 (RFC 3435 section 3.2.1.4).
    #[must_use]
    pub fn accepts(&self, version: Version<'_>) -> bool {
        let number = |known: &Version<'_>| (known.major, known.minor) == (version.major, version.minor);
        let is_known = |profile| self.profiles.iter().any(|known| known.eq_ignore_ascii_case(word(profile)));
        self.accepts.iter().any(number) && version.profile.is_none_or(is_known)
    }

    /// The dialect of a gateway that writes this version: the profiles by their names, whatever their numbers; none for a version
    /// that no dialect accepts. RFC 2705 and RFC 3435 write the same and cannot be told apart here.
    #[must_use]
    pub fn detect(version: Version<'_>) -> Option<&'static Self> {
        let word = |profile| word(profile).to_ascii_uppercase();
        let profile = version.profile.map(word);
        let has = |dialect: &&Self| {
            let own = dialect.version;
            (own.major, own.minor) == (version.major, version.minor) && own.profile.map(word) == profile
        };
        let bare = |dialect: &&Self| {
            let own = dialect.version;
            (own.major, own.minor) == (version.major, version.minor) && own.profile.is_none()
        };
        let found = Self::ALL.iter().find(has).or_else(|| Self::ALL.iter().find(bare));
        found.filter(|dialect| dialect.accepts(version))
    }

    /// The dialect with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|dialect| dialect.name.eq_ignore_ascii_case(name))
    }
}

/// The name of a profile without its number.
fn word(profile: &str) -> &str {
    profile.split([' ', '\t']).next().unwrap_or_default()
}
