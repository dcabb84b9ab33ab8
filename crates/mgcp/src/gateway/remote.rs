//! A remote description, as far as this gateway can use it: RFC 3435 sections 3.2.2.11 and 3.4.

use std::net::IpAddr;

use strowger_sdp::{
    AddressPolicy, AudioDescription, AudioFault, AudioRule, ImageDescription, MediaDescription, PolicyFault,
    SessionDescription,
};

use super::connection::Connection;
use super::fax::FaxHandling;
use super::media::ConnectionHandle;
use super::refusal::{Refusal, refuse};
use crate::message::ReturnCode;

/// A remote description that can be sent to: it has an audio stream, or an image stream, or both to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) bytes: Vec<u8>,
    pub(super) audio: Option<AudioDescription>,
    /// The image stream, when the endpoint can carry one.
    pub(super) image: Option<ImageDescription>,
    /// Whether the description declares T.38 over UDPTL as a capability (RFC 3407).
    pub(super) knows_t38: bool,
    /// The other half, when the description names a connection of this gateway.
    pub(super) peer: Option<ConnectionHandle>,
}

impl Remote {
    /// Reads a description that the call agent at `agent` sent, whose first audio stream is `audio`; `images` says whether the
    /// endpoint can carry an image stream.
    ///
    /// A malformed one is 509; a good one that this gateway cannot use is 505.
    pub(super) fn read(
        session: &SessionDescription<'_>,
        audio: Option<&MediaDescription<'_>>,
        agent: IpAddr,
        policy: &AddressPolicy,
        images: bool,
    ) -> Result<Self, Refusal> {
        let has_others = session.media_count() > usize::from(audio.is_some());
        let image = if images && has_others { image(session, agent, policy)? } else { None };
        let read = match audio {
            Some(stream) => AudioDescription::from_media(stream),
            None => AudioDescription::from_session(session),
        };
        let audio = match read {
            // A fax call has no audio stream, or one that is ended.
            Err(fault) if fault.rule == AudioRule::NoAudio && image.is_some() => None,
            Ok(audio) if audio.is_refused() && image.is_some() => None,
            Ok(audio) => {
                may_send(policy.check(agent, &audio))?;
                Some(audio)
            }
            Err(fault) => return Err(audio_refusal(&fault)),
        };
        let knows_t38 = declares_t38(session);
        Ok(Self { bytes: session.as_bytes().to_vec(), audio, image, knows_t38, peer: None })
    }

    /// What the other half of a connection within the gateway says of itself.
    pub(super) fn of(other: &Connection) -> Self {
        let image = other.image();
        let audio = image.is_none().then(|| other.audio());
        let knows_t38 = other.spec.fax == FaxHandling::T38;
        Self { bytes: other.description(), audio, image, knows_t38, peer: Some(other.handle) }
    }
}

/// `a=cdsc: 2 image udptl t38`, of the session or of a stream; its words have no case.
fn declares_t38(session: &SessionDescription<'_>) -> bool {
    let streams = session.media().flat_map(|media| media.attributes().collect::<Vec<_>>());
    session.attributes().chain(streams).filter(|line| line.name.eq_ignore_ascii_case("cdsc")).any(|line| {
        let value = line.value.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
        let mut words = value.split_ascii_whitespace().skip(1).map(str::to_ascii_lowercase);
        let stream = [words.next(), words.next()];
        stream.iter().map(Option::as_deref).eq([Some("image"), Some("udptl")])
            && words.any(|format| format == "t38")
    })
}

/// The image stream, if there is one that is not refused.
fn image(
    session: &SessionDescription<'_>,
    agent: IpAddr,
    policy: &AddressPolicy,
) -> Result<Option<ImageDescription>, Refusal> {
    // One that cannot be used is no reason to refuse the audio beside it.
    let Ok(image) = ImageDescription::from_session(session) else { return Ok(None) };
    if image.is_refused() {
        return Ok(None);
    }
    may_send(policy.check_address(agent, image.destination()))?;
    Ok(Some(image))
}

fn may_send(verdict: Result<(), PolicyFault>) -> Result<(), Refusal> {
    match verdict {
        // The old way to put a call on hold: a description of where not to send.
        Ok(()) | Err(PolicyFault::Unspecified) => Ok(()),
        Err(fault) => Err(refuse(ReturnCode::UNSUPPORTED_REMOTE_DESCRIPTOR, fault.text())),
    }
}

fn audio_refusal(fault: &AudioFault) -> Refusal {
    let code = match fault.rule {
        AudioRule::NoAudio
        | AudioRule::Network
        | AudioRule::Name
        | AudioRule::Transport
        | AudioRule::NoFormat => ReturnCode::UNSUPPORTED_REMOTE_DESCRIPTOR,
        _ => ReturnCode::REMOTE_DESCRIPTOR_ERROR,
    };
    refuse(code, fault.rule.text())
}
