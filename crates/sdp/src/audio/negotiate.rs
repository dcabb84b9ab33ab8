//! Offer and answer for one audio stream (RFC 3264 sections 5 to 8), and MGCP's codec lists (RFC 3435 section 2.6).

use std::fmt;

use super::{AudioDescription, Codec, CodecEntry, EventSet};

/// The two sides have no speech codec in common: an answer with port 0 (RFC 3264 section 6.1), or MGCP's return code 534.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCommonCodec;

impl fmt::Display for NoCommonCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two sides have no speech codec in common")
    }
}

impl std::error::Error for NoCommonCodec {}

/// The formats that both lists have, in the order of `preferred`, with the payload types of `peer`.
///
/// RFC 3435 section 2.6 asks for exactly this, with the approved list as `preferred` and the remote descriptor's as
/// `peer`: the preferences are those of the LocalConnectionOptions, and packets must carry the numbers that the remote
/// side expects. Telephone events are narrowed to those that both list.
///
/// # Errors
/// [`NoCommonCodec`] when no format for speech is in both.
pub fn common(preferred: &[CodecEntry], peer: &[CodecEntry]) -> Result<Vec<CodecEntry>, NoCommonCodec> {
    let mut both: Vec<CodecEntry> = Vec::new();
    for ours in preferred {
        let matching = peer.iter().filter(|theirs| theirs.matches(ours));
        // A codec listed twice by the peer (at two payload types, or with two parameter sets) stays so once.
        for theirs in matching {
            if !both.iter().any(|entry| entry.payload_type == theirs.payload_type) {
                both.extend(meet(ours, theirs));
            }
        }
    }
    if both.iter().any(CodecEntry::is_speech) { Ok(both) } else { Err(NoCommonCodec) }
}

/// One format of both sides, at the peer's payload type.
fn meet(ours: &CodecEntry, theirs: &CodecEntry) -> Option<CodecEntry> {
    if theirs.codec != Codec::TelephoneEvent {
        return Some(theirs.clone());
    }
    let events = |entry: &CodecEntry| match &entry.fmtp {
        None => Some(EventSet::DTMF),
        Some(text) => EventSet::parse(text),
    };
    let both = match (events(ours), events(theirs)) {
        (Some(ours), Some(theirs)) => ours.and(&theirs),
        // A list in a form that is not understood says nothing about the digits.
        _ => EventSet::DTMF,
    };
    (!both.is_empty()).then(|| CodecEntry { fmtp: Some(both.to_string()), ..theirs.clone() })
}

impl AudioDescription {
    /// The answer to this offer by a side whose address, codecs and wishes `local` describes.
    ///
    /// Formats come in the offer's order and with its payload types; the direction is what the offer leaves and `local`
    /// wants; `a=ptime` is `local`'s, or else the offer's, within both sides' `a=maxptime`. A stream that was offered with port 0 is answered with port 0.
    ///
    /// # Errors
    /// [`NoCommonCodec`]: answer with [`AudioDescription::refusal`] then.
    pub fn answer(&self, local: &Self) -> Result<Self, NoCommonCodec> {
        if self.is_refused() {
            return Ok(self.refusal(local));
        }
        let mut answer = local.clone();
        answer.codecs.clear();
        // In the offer's order, hence the offer as the preferred list; its payload types, too.
        for offered in &self.codecs {
            let ours = local.codecs.iter().find(|ours| ours.matches(offered));
            answer.codecs.extend(ours.and_then(|ours| meet(ours, offered)));
        }
        if answer.speech().is_none() {
            return Err(NoCommonCodec);
        }
        answer.direction = self.direction.reversed().and(local.direction);
        let most = [self.maxptime, local.maxptime].into_iter().flatten().min();
        let wanted = local.ptime.or(self.ptime);
        answer.ptime = wanted.map(|wanted| most.map_or(wanted, |most| wanted.min(most)));
        Ok(answer)
    }

    /// The answer that refuses this offer's stream: port 0, with the offer's formats.
    #[must_use]
    pub fn refusal(&self, local: &Self) -> Self {
        Self {
            port: 0,
            codecs: self.codecs.clone(),
            ptime: None,
            maxptime: None,
            rtcp: None,
            ..local.clone()
        }
    }

    /// What this side, which made this offer, does with an answer: the formats that it may send, in the answer's
    /// order and with the answer's payload types, and the direction as this side sees it. Formats of the answer that
    /// were not offered are left out, as this side may not be able to send them.
    ///
    /// # Errors
    /// [`NoCommonCodec`] when the answer names no speech codec that was offered, or refuses the stream.
    pub fn accept(&self, answer: &Self) -> Result<Agreement, NoCommonCodec> {
        if answer.is_refused() {
            return Err(NoCommonCodec);
        }
        let offered = |entry: &&CodecEntry| self.codecs.iter().any(|ours| ours.matches(entry));
        let send: Vec<_> = answer.codecs.iter().filter(offered).cloned().collect();
        if !send.iter().any(CodecEntry::is_speech) {
            return Err(NoCommonCodec);
        }
        Ok(Agreement { send, direction: self.direction.and(answer.direction.reversed()) })
    }
}

/// The outcome of an exchange, for the side that offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The formats to send with, the preferred one first.
    pub send: Vec<CodecEntry>,
    /// The direction, as this side sees it.
    pub direction: super::Direction,
}
