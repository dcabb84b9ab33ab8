//! Offer and answer: the two descriptions of a session, and whose turn it is (RFC 3264, RFC 3261 section 13.2.1).
//!
//! What the user of this crate hands over is the description of a stream wherever it comes from: it is written anew, so
//! that its `o=` line is the session's own and counts its versions (RFC 3264 section 8), an answer has as many streams as
//! its offer in the same order and formats of the offer alone (section 6), and directions agree.

use strowger_sdp::{
    AddressPolicy, AudioDescription, Codec, Direction, Limits, PolicyFault, SessionDescription,
};

use std::net::IpAddr;

/// Why a description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferFault {
    /// It is no session description.
    Malformed,
    /// It has no audio stream over RTP that is not refused.
    NoAudio,
    /// The two sides have no speech codec in common.
    NoCommonCodec,
    /// It names an address that is not to be sent to.
    Address(PolicyFault),
    /// It is not this side's, or the peer's, turn.
    Turn,
}

/// Whose answer is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
enum Turn {
    /// Either side may offer.
    #[default]
    Free,
    /// This side has offered.
    Ours,
    /// The peer has offered this.
    Theirs(Vec<u8>),
}

/// The descriptions of one session.
#[derive(Clone, Debug, Default)]
pub struct Negotiation {
    id: u64,
    version: u64,
    local: Option<AudioDescription>,
    /// What was wanted when that was made: an answer may have less.
    wanted: Option<AudioDescription>,
    /// What the description on the wire has behind or before the audio stream.
    sent: Vec<u8>,
    remote: Option<Vec<u8>>,
    turn: Turn,
    /// Keys do not go in the stream: the formats of RFC 4733 are in neither description.
    without_events: bool,
}

impl Negotiation {
    /// Nothing is described yet. `id` is the session's identifier in `o=`.
    #[must_use]
    pub fn new(id: u64) -> Self {
        // Some read it into a signed number.
        Self { id: id >> 1, version: 1, ..Self::default() }
    }

    /// The same, where keys do not go in the stream: the formats of RFC 4733 are taken out of the descriptions of both sides.
    #[must_use]
    pub const fn without_events(mut self, without: bool) -> Self {
        self.without_events = without;
        self
    }

    /// The descriptions of a session that was kept: its identifier with the version of the last, which may not be the last of all,
    /// and what the two sides described.
    ///
    /// # Errors
    /// This side's description is none.
    pub fn restored((id, version): (u64, u64), local: &[u8], remote: &[u8]) -> Result<Self, OfferFault> {
        let mut own = Self { id, version: version.saturating_add(1), ..Self::default() };
        let audio = read(local)?;
        own.send(audio.clone(), |bytes| bytes);
        (own.wanted, own.remote) = (Some(audio), Some(remote.to_vec()));
        Ok(own)
    }

    /// What `o=` has of this side's last description: the session's identifier, and the version.
    #[must_use]
    pub const fn origin(&self) -> (u64, u64) {
        (self.id, self.version)
    }

    /// Whether this side's offer waits for its answer.
    #[must_use]
    pub const fn has_offered(&self) -> bool {
        matches!(self.turn, Turn::Ours)
    }

    /// Whether an offer of the peer waits for its answer.
    #[must_use]
    pub const fn is_offered(&self) -> bool {
        matches!(self.turn, Turn::Theirs(_))
    }

    /// The description that this side sent last; empty before.
    #[must_use]
    pub fn sent(&self) -> &[u8] {
        &self.sent
    }

    /// The description that the peer sent last, as [`usable`] made it.
    #[must_use]
    pub fn remote(&self) -> Option<&[u8]> {
        self.remote.as_deref()
    }

    /// Whether a description asks for nothing that the peer does not know: where to send, and which way.
    #[must_use]
    pub fn is_as_before(&self, wanted: &[u8], direction: Direction) -> bool {
        let (Some(own), Ok(wanted)) = (&self.wanted, self.read(wanted)) else { return false };
        own.destination() == wanted.destination()
            && own.rtcp_destination() == wanted.rtcp_destination()
            && own.direction == wanted.direction.and(direction)
            // The codecs may have become fewer: that was an answer's doing.
            && wanted.codecs.iter().all(|codec| own.codecs.iter().any(|before| before.matches(codec)))
    }

    /// This side offers a stream that goes `direction`.
    ///
    /// # Errors
    /// It is not this side's turn, or the description is none.
    pub fn offer(&mut self, wanted: &[u8], direction: Direction) -> Result<Vec<u8>, OfferFault> {
        if self.turn != Turn::Free {
            return Err(OfferFault::Turn);
        }
        let mut audio = self.read(wanted)?;
        audio.direction = audio.direction.and(direction);
        self.turn = Turn::Ours;
        self.wanted = Some(audio.clone());
        Ok(self.send(audio, |bytes| bytes))
    }

    /// The offer that this side has sent will not be answered.
    pub fn withdraw(&mut self) {
        if self.turn == Turn::Ours {
            self.turn = Turn::Free;
        }
    }

    /// The peer offers. What the user of this crate sees is what comes back: see [`usable`].
    ///
    /// # Errors
    /// It is not the peer's turn ([`OfferFault::Turn`]: 491), or the offer cannot be served.
    pub fn offered(
        &mut self,
        description: &[u8],
        rule: (IpAddr, &AddressPolicy),
    ) -> Result<Vec<u8>, OfferFault> {
        if self.turn != Turn::Free {
            return Err(OfferFault::Turn);
        }
        let seen = self.usable(description, rule)?;
        self.turn = Turn::Theirs(description.to_vec());
        Ok(seen)
    }

    /// The peer's offer is not accepted: what was agreed before stands.
    pub fn refuse(&mut self) {
        if self.is_offered() {
            self.turn = Turn::Free;
        }
    }

    /// This side answers the peer's offer.
    ///
    /// # Errors
    /// There is none, or no codec is common; the offer stands then.
    pub fn answer(&mut self, wanted: &[u8], direction: Direction) -> Result<Vec<u8>, OfferFault> {
        let Turn::Theirs(offer) = &self.turn else { return Err(OfferFault::Turn) };
        let offer = offer.clone();
        let session = decode(&offer)?;
        let (place, offered) = stream(&session)?;
        let mut local = self.read(wanted)?;
        local.direction = local.direction.and(direction);
        let audio = offered.answer(&local).map_err(|_| OfferFault::NoCommonCodec)?;
        self.turn = Turn::Free;
        self.wanted = Some(local);
        self.remote = Some(self.seen(seen(&offer, &session, &offered))?);
        Ok(self.send(audio, |bytes| with_refused(&bytes, &session, place)))
    }

    /// The peer answers this side's offer.
    ///
    /// # Errors
    /// There is no such offer, or the answer cannot be used; this side's turn is over all the same.
    pub fn answered(
        &mut self,
        description: &[u8],
        rule: (IpAddr, &AddressPolicy),
    ) -> Result<Vec<u8>, OfferFault> {
        if self.turn != Turn::Ours {
            return Err(OfferFault::Turn);
        }
        self.turn = Turn::Free;
        let seen = self.usable(description, rule)?;
        self.remote = Some(seen.clone());
        Ok(seen)
    }

    /// The peer describes its stream before it answers the call. A reliable response is the answer; any other lets see what the
    /// answer will be (RFC 3261 section 13.2.1). Gives the description when it is a new one.
    ///
    /// # Errors
    /// The description cannot be used.
    pub fn preview(
        &mut self,
        description: &[u8],
        rule: (IpAddr, &AddressPolicy),
        is_answer: bool,
    ) -> Result<Option<Vec<u8>>, OfferFault> {
        let seen = self.usable(description, rule)?;
        let is_new = self.remote.as_ref() != Some(&seen);
        self.remote = Some(seen.clone());
        if is_answer && self.turn == Turn::Ours {
            self.turn = Turn::Free;
        }
        Ok(is_new.then_some(seen))
    }

    /// The peer has accepted with, or without, a description: the answer is there, or was there before.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn concluded(
        &mut self,
        description: Option<&[u8]>,
        rule: (IpAddr, &AddressPolicy),
    ) -> Result<Vec<u8>, OfferFault> {
        match (description, self.has_offered()) {
            (Some(description), true) => self.answered(description, rule),
            (_, offered) => {
                if offered {
                    self.turn = Turn::Free;
                }
                self.remote.clone().ok_or(OfferFault::NoAudio)
            }
        }
    }

    fn read(&self, description: &[u8]) -> Result<AudioDescription, OfferFault> {
        let mut audio = read(description)?;
        if self.without_events {
            audio.codecs.retain(|entry| entry.codec != Codec::TelephoneEvent);
        }
        Ok(audio)
    }

    fn usable(&self, description: &[u8], rule: (IpAddr, &AddressPolicy)) -> Result<Vec<u8>, OfferFault> {
        self.seen(usable(description, rule)?)
    }

    /// What the user of this crate sees of a description that can be used.
    fn seen(&self, description: Vec<u8>) -> Result<Vec<u8>, OfferFault> {
        let audio = if self.without_events { read(&description)? } else { return Ok(description) };
        if !audio.codecs.iter().any(|entry| entry.codec == Codec::TelephoneEvent) {
            return Ok(description);
        }
        Ok(self.read(&description)?.to_bytes())
    }

    fn send(&mut self, mut audio: AudioDescription, finish: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        (audio.session_id, audio.version) = (self.id, 0);
        let unchanged = self.local.as_ref().is_some_and(|before| *before == audio);
        if self.local.is_some() && !unchanged {
            self.version += 1;
        }
        self.local = Some(audio.clone());
        audio.version = self.version;
        self.sent = finish(audio.to_bytes());
        self.sent.clone()
    }
}

/// What the user of this crate sees of a peer's description: as it came when it has one stream, and its first usable audio
/// stream alone when it has more.
///
/// # Errors
/// Why it cannot be used. An address that names no host, the old form of hold, can.
pub fn usable(description: &[u8], (peer, policy): (IpAddr, &AddressPolicy)) -> Result<Vec<u8>, OfferFault> {
    let session = decode(description)?;
    let (_, audio) = stream(&session)?;
    if !audio.is_held_by_address() {
        policy.check(peer, &audio).map_err(OfferFault::Address)?;
    }
    if audio.speech().is_none() {
        return Err(OfferFault::NoCommonCodec);
    }
    Ok(seen(description, &session, &audio))
}

fn seen(description: &[u8], session: &SessionDescription<'_>, audio: &AudioDescription) -> Vec<u8> {
    if session.media_count() == 1 { description.to_vec() } else { audio.to_bytes() }
}

fn decode(description: &[u8]) -> Result<SessionDescription<'_>, OfferFault> {
    strowger_sdp::decode(description, &Limits::default()).map_err(|_| OfferFault::Malformed)
}

/// The first audio stream that can be used, and its place.
fn stream(session: &SessionDescription<'_>) -> Result<(usize, AudioDescription), OfferFault> {
    let audio = session.media().enumerate().filter(|(_, media)| media.line().media == "audio");
    let mut usable =
        audio.filter_map(|(place, media)| Some((place, AudioDescription::from_media(&media).ok()?)));
    usable.find(|(_, audio)| !audio.is_refused()).ok_or(OfferFault::NoAudio)
}

fn read(description: &[u8]) -> Result<AudioDescription, OfferFault> {
    stream(&decode(description)?).map(|(_, audio)| audio)
}

/// An answer of one stream with the offer's other streams, refused, around it.
fn with_refused(answer: &[u8], offer: &SessionDescription<'_>, place: usize) -> Vec<u8> {
    if offer.media_count() == 1 {
        return answer.to_vec();
    }
    let begins = memchr::memmem::find(answer, b"m=audio ").unwrap_or(answer.len());
    let (session, stream) = answer.split_at(begins);
    let mut whole = session.to_vec();
    for (at, media) in offer.media().enumerate() {
        if at == place {
            whole.extend_from_slice(stream);
            continue;
        }
        let line = media.line();
        whole.extend_from_slice(format!("m={} 0 {}", line.media, line.transport).as_bytes());
        for format in line.formats() {
            whole.push(b' ');
            whole.extend_from_slice(format.as_bytes());
        }
        whole.extend_from_slice(b"\r\n");
    }
    whole
}
