//! Connections within the gateway that are made half by half, with descriptions of the network LOCAL: RFC 3435 sections 2.1.3.4 and
//! 3.4.2.
//!
//! The description says which connection is meant and which formats; where its packets go and what the formats are is known here.

use strowger_sdp::field::{Host, Wild};
use strowger_sdp::{Limits, MediaDescription, SessionDescription};

use super::Origin;
use crate::gateway::Gateway;
use crate::gateway::connection::{Connection, Network};
use crate::gateway::media::{ConnectionHandle, EndpointIndex};
use crate::gateway::options::Options;
use crate::gateway::refusal::{Refusal, refuse};
use crate::gateway::remote::Remote;
use crate::message::ReturnCode;

impl Gateway {
    /// Reads a remote description, which may name a connection of this gateway.
    ///
    /// `own` is the connection that the command is for, if there is one: no connection is its own other half. `options` are all that the
    /// connection has been given; `images` says whether the endpoint can carry an image stream.
    pub(super) fn remote(
        &self,
        origin: Origin,
        bytes: &[u8],
        options: &Options,
        own: Option<ConnectionHandle>,
        images: bool,
    ) -> Result<Remote, Refusal> {
        let unsupported = |text| refuse(ReturnCode::UNSUPPORTED_REMOTE_DESCRIPTOR, text);
        let session = strowger_sdp::decode(bytes, &Limits::default()).map_err(|_| {
            refuse(ReturnCode::REMOTE_DESCRIPTOR_ERROR, "the remote description is malformed")
        })?;
        let audio = session.media().find(|media| media.line().media == "audio");
        let Some((endpoint, formats)) = audio.as_ref().and_then(local_endpoint) else {
            // What is wrong with it otherwise counts more than that it is not within the gateway.
            let remote = Remote::read(&session, audio.as_ref(), origin.from.ip(), &self.policy, images)?;
            if options.is_local() == Some(true) {
                return Err(unsupported(
                    "the connection is within the gateway, its remote description is not",
                ));
            }
            return Ok(remote);
        };
        if options.is_local() == Some(false) {
            return Err(unsupported("the remote description is of a connection within the gateway"));
        }
        let other = self
            .local_connection(&session, endpoint)
            .filter(|other| own != Some(other.handle))
            .ok_or_else(|| unsupported("the remote description names no other connection of this gateway"))?;
        let mut remote = Remote { bytes: bytes.to_vec(), ..Remote::of(other) };
        let Some(audio) = &mut remote.audio else {
            return Err(unsupported("the other connection does not carry audio"));
        };
        audio.codecs.retain(|entry| formats.contains(&entry.payload_type));
        Ok(remote)
    }

    /// The connection that a LOCAL description names; without a name, the only one of its endpoint.
    fn local_connection(&self, session: &SessionDescription<'_>, endpoint: &[u8]) -> Option<&Connection> {
        let name = std::str::from_utf8(endpoint).ok()?;
        let (local, domain) =
            name.split_once('@').map_or((name, None), |(local, domain)| (local, Some(domain)));
        if domain.is_some_and(|domain| !self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))) {
            return None;
        }
        let connections = &self.endpoint(self.directory.find(local)?)?.connections;
        match session.local_connection_id() {
            Some(id) => {
                connections.iter().find(|known| known.id.as_str().as_bytes().eq_ignore_ascii_case(id))
            }
            None => connections.first().filter(|_| connections.len() == 1),
        }
    }

    /// How a connection of an endpoint is described: as the options say, else like the remote description of the command.
    pub(super) fn network(
        &self,
        options: &Options,
        remote: Option<&Remote>,
        index: EndpointIndex,
    ) -> Option<Network> {
        let local = options.is_local().or(remote.map(|remote| remote.peer.is_some()))?;
        Some(match local {
            true => Network::Local(self.directory.name(index).to_owned()),
            false => Network::Internet,
        })
    }
}

/// The endpoint that an audio stream on the network LOCAL names, and its formats.
fn local_endpoint<'a>(media: &MediaDescription<'a>) -> Option<(&'a [u8], Vec<u8>)> {
    let is = |said: &str, word| said.eq_ignore_ascii_case(word);
    if !is(media.line().transport, "LOCAL") {
        return None;
    }
    let connection = media.connection()?;
    if !is(connection.network, "LOCAL") || !is(connection.address_type, "EPN") {
        return None;
    }
    let formats = media.line().formats().filter_map(|format| format.parse().ok()).collect();
    match connection.host {
        Wild::Value(Host::Other(name)) => Some((name, formats)),
        Wild::Value(Host::Name(name)) => Some((name.as_bytes(), formats)),
        _ => None,
    }
}
