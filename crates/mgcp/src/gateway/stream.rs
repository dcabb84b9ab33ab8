//! Whether a connection carries audio or `image/t38`: RFC 3435 section 2.6, with the switch of RFC 5347 section 2.1.1.
//!
//! Names in the options decide, in their order, among what the remote description has. Without names the remote description
//! decides, audio first; without either, a connection goes on with what it carries.

use strowger_sdp::{Codec, T38Parameters};

use super::connection::Connection;
use super::media::{EndpointIndex, MediaCapabilities, MediaPlane, MediaSpec};
use super::negotiate::Wanted;
use super::options::Options;
use super::refusal::{Refusal, refuse};
use crate::message::ReturnCode;

/// The encoding name of T.38 in options: its media type (RFC 3435 section 3.2.2.10).
pub(super) const T38: &str = "image/t38";

fn is_t38(name: &str) -> bool {
    name.eq_ignore_ascii_case(T38)
}

/// What is to be said of T.38 when the connection is to carry it, and none when it is to carry audio.
pub(super) fn image(
    wanted: &Wanted<'_>,
    options: &Options,
    able: &MediaCapabilities,
) -> Result<Option<T38Parameters>, Refusal> {
    if !wanted.images || !is_image(wanted, options, able)? {
        return Ok(None);
    }
    if wanted.current.is_none() && wanted.beside.iter().any(|other| other.spec.image.is_none()) {
        return Err(mixed());
    }
    Ok(Some(parameters(wanted)))
}

/// Whether the second half of a connection within the gateway can carry what the first one does.
pub(super) fn check_second(
    spec: &MediaSpec,
    beside: &[Connection],
    plane: &dyn MediaPlane,
    endpoint: EndpointIndex,
) -> Result<(), Refusal> {
    if spec.image.is_some() && !plane.carries_images(endpoint) {
        let text = "the second endpoint cannot carry image/t38";
        return Err(refuse(ReturnCode::CODEC_NEGOTIATION, text));
    }
    match beside.iter().any(|other| other.spec.image.is_some() != spec.image.is_some()) {
        true => Err(mixed()),
        false => Ok(()),
    }
}

fn mixed() -> Refusal {
    refuse(
        ReturnCode::CODEC_NEGOTIATION,
        "a relay passes audio or image/t38, and cannot make one of the other",
    )
}

fn is_image(wanted: &Wanted<'_>, options: &Options, able: &MediaCapabilities) -> Result<bool, Refusal> {
    let is_speech = |name: &str| {
        let codec = Codec::from_name(name);
        able.codecs.iter().any(|entry| entry.is_speech() && entry.codec.matches(&codec))
    };
    let listed = options.codecs();
    let names = listed.as_deref();
    let allows_image = names.is_none_or(|names| names.iter().any(|name| is_t38(name)));
    let allows_audio = names.is_none_or(|names| names.iter().any(|name| is_speech(name)));
    // A name that the gateway does not know prefers nothing.
    let known = names.and_then(|names| names.iter().find(|name| is_t38(name) || is_speech(name)));
    let first_is_image = known.map(|name| is_t38(name));
    let image = match wanted.remote {
        Some(remote) => {
            let image = allows_image && remote.image.is_some();
            let audio = allows_audio && remote.audio.is_some();
            match (image, audio) {
                (true, true) => first_is_image.unwrap_or(false),
                (false, false) => {
                    let text = "no codec in common with the remote description";
                    return Err(refuse(ReturnCode::CODEC_NEGOTIATION, text));
                }
                (image, _) => image,
            }
        }
        None => first_is_image
            .unwrap_or_else(|| wanted.current.is_some_and(|current| current.spec.image.is_some())),
    };
    let beside_image = || wanted.beside.iter().any(|other| other.spec.image.is_some());
    if !image && wanted.current.is_none() && beside_image() {
        return Err(mixed());
    }
    Ok(image)
}

/// A relay does not speak T.38: what it says of it is what the far end of its other connection said, else what the near one
/// said, so that both ends hear of each other.
fn parameters(wanted: &Wanted<'_>) -> T38Parameters {
    fn of(connection: &Connection) -> Option<&T38Parameters> {
        Some(&connection.remote.as_ref()?.image.as_ref()?.t38)
    }
    let handle = wanted.current.map(|current| current.handle);
    let others = wanted.beside.iter().filter(|other| Some(other.handle) != handle);
    let own = wanted.remote.and_then(|remote| remote.image.as_ref()).map(|image| &image.t38);
    let said = others.filter_map(of).next().or(own).or_else(|| wanted.current.and_then(of));
    said.filter(|said| !said.is_empty()).cloned().unwrap_or_else(T38Parameters::usual)
}
