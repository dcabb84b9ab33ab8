//! Fax and modem calls: which procedure of RFC 5347 a connection has, and what becomes of a machine that is heard.
//!
//! The option `FXR/fx` lists procedures, and one is chosen for each connection by the rules of section 2.1.4. When a machine is
//! heard, the procedures of the endpoint's connections say which event it is: `t38`, or `nopfax` when there is nothing special.
//!
//! The package VBD (RFC 6498) tells of fax machines and modems alike: by `gwvbd` where both sides have a format for voiceband data (ITU-T V.152),
//! which is then the special handling of faxes that `gw` asks for, and by `nopvbd` elsewhere.
//!
//! Limits: nothing here speaks T.38 from tones. So only endpoints that pass it on have that procedure, and `gw` is V.152 or nothing special.

use strowger_sansio::Duration;
use strowger_sdp::CodecEntry;

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::event::Occurrence;
use super::media::MediaSpec;
use super::negotiate::Wanted;
use super::options::Options;
use super::reach::{Reach, TimerKey};
use super::refusal::{Refusal, refuse};
use crate::message::ReturnCode;

/// How long a fax waits for its media to be changed before it gives up: T1 of ITU-T T.30.
const PATIENCE: Duration = Duration::from_secs(35);
/// The most procedures of one option: all that there are, and as many again of vendors'.
const MOST_PROCEDURES: usize = 8;

/// What a connection does when a fax is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaxHandling {
    /// Nothing special.
    #[default]
    None,
    /// T.38 under the control of the call agent, strict or loose.
    T38,
    /// Voiceband data under the control of the gateway: ITU-T V.152.
    Gateway,
}

/// What is heard of modems and fax machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineSign {
    /// A machine gives a tone.
    Heard(MachineTone),
    /// The far end of a connection sends voiceband data, by its payload type.
    Switched,
    /// It sends speech again.
    SwitchedBack,
    /// It is over: the handset was put down, or both sides are silent.
    Ended,
}

/// The tone by which a machine is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineTone {
    /// CNG of ITU-T T.30.
    Calling,
    /// ANS of ITU-T V.25, or CED of T.30.
    Answer,
    /// The same with reversals of its phase.
    AnswerReversed,
    /// The V.21 flags before each message of a fax.
    Preamble,
    /// None: a datagram of T.38.
    Image,
}

impl MachineTone {
    /// The reason code of RFC 6498 section 4.1.1; none of what is no tone. Which answer tones are amplitude-modulated is not looked at.
    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Calling => Some("CNG"),
            Self::Answer => Some("ANS"),
            Self::AnswerReversed => Some("/ANS"),
            Self::Preamble => Some("V21flag"),
            Self::Image => None,
        }
    }

    const fn is_fax(self) -> bool {
        !matches!(self, Self::Answer | Self::AnswerReversed)
    }
}

/// A procedure of `FXR/fx`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Procedure {
    Strict,
    Loose,
    /// By any means, or by those of some media types (RFC 6498 section 8).
    Gateway(Vec<String>),
    Off,
    /// Of a vendor, or of a later document.
    Other,
}

/// The value of `FXR/fx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FaxOption {
    procedures: Vec<Procedure>,
    /// As it was supplied, for audits.
    pub(super) text: String,
}

impl FaxOption {
    pub(super) fn parse(value: &str) -> Result<Self, Refusal> {
        let bad = |text| refuse(ReturnCode::LOCAL_OPTION_VALUE, text);
        let mut procedures = Vec::new();
        for word in value.split(';').map(str::trim_ascii) {
            if word.is_empty() || procedures.len() == MOST_PROCEDURES {
                return Err(bad("fx is a list of a few fax procedures"));
            }
            procedures.push(match word.to_ascii_lowercase().as_str() {
                "t38" => Procedure::Strict,
                "t38-loose" => Procedure::Loose,
                "gw" => Procedure::Gateway(Vec::new()),
                "off" => Procedure::Off,
                word => gateway_of(word).map_or(Procedure::Other, Procedure::Gateway),
            });
        }
        Ok(Self { procedures, text: value.to_owned() })
    }

    /// The procedure that can be used: none when there is none. `images` says whether T.38 can be carried, `told` whether the remote
    /// side has it, when this command says so, and `data` the format for voiceband data that both sides have.
    fn choose(&self, images: bool, told: Option<bool>, data: Option<&CodecEntry>) -> Option<FaxHandling> {
        let able = |procedure: &Procedure| match procedure {
            Procedure::Strict => (images && told != Some(false)).then_some(FaxHandling::T38),
            Procedure::Loose => images.then_some(FaxHandling::T38),
            Procedure::Gateway(types) if types.is_empty() => Some(of_gateway(data)),
            Procedure::Gateway(types) => {
                let media_type = data.map(media_type);
                let is =
                    |known: &String| media_type.as_ref().is_some_and(|ours| ours.eq_ignore_ascii_case(known));
                types.iter().any(is).then_some(FaxHandling::Gateway)
            }
            Procedure::Off => Some(FaxHandling::None),
            Procedure::Other => None,
        };
        let first = self.procedures.iter().position(|procedure| able(procedure).is_some())?;
        let rest = self.procedures.get(first..)?;
        let first = rest.first()?;
        // Where the gateway would do nothing by itself, what comes later is better, unless it is to do nothing.
        let better = rest.iter().find(|one| !matches!(one, Procedure::Gateway(_)) && able(one).is_some());
        match (first, able(first)?, better) {
            (Procedure::Gateway(_), FaxHandling::None, Some(better)) => able(better),
            (_, handling, _) => Some(handling),
        }
    }
}

/// `gw[audio/PCMU|image/t38]`: its media types. Which instance of a codec is meant does not matter here.
fn gateway_of(word: &str) -> Option<Vec<String>> {
    let types = word.strip_prefix("gw[")?.strip_suffix(']')?.split('|').map(|media_type| {
        let name = media_type.split_once(':').map_or(media_type, |(name, _)| name);
        name.trim_ascii().to_owned()
    });
    let types: Vec<_> = types.take(MOST_PROCEDURES + 1).collect();
    let is_type =
        |name: &String| name.split_once('/').is_some_and(|(kind, of)| !kind.is_empty() && !of.is_empty());
    (types.len() <= MOST_PROCEDURES && types.iter().all(is_type)).then_some(types)
}

/// What the gateway does by itself.
const fn of_gateway(data: Option<&CodecEntry>) -> FaxHandling {
    if data.is_some() { FaxHandling::Gateway } else { FaxHandling::None }
}

fn media_type(entry: &CodecEntry) -> String {
    format!("audio/{}", entry.codec.name())
}

/// The procedure that follows from a command: RFC 5347 section 2.1.4.
pub(super) fn handling(
    wanted: &Wanted<'_>,
    options: &Options,
    data: Option<&CodecEntry>,
) -> Result<FaxHandling, Refusal> {
    if !wanted.packages.contains("FXR") {
        return Ok(FaxHandling::None);
    }
    let kept = wanted.current.map(|current| current.spec.fax);
    let told = wanted.remote.map(|remote| remote.image.is_some() || remote.knows_t38);
    let (explicit, old) =
        (options.fax.as_ref(), wanted.current.and_then(|current| current.options.fax.as_ref()));
    match (explicit, kept) {
        (Some(option), _) => option
            .choose(wanted.images, told, data)
            .ok_or_else(|| refuse(ReturnCode::LOCAL_OPTION_VALUE, "none of the fax procedures can be used")),
        (None, Some(kept)) if told.is_none() => Ok(kept),
        // Without an option of its own, the command does not depend on it.
        (None, _) => Ok(match old {
            Some(old) => old.choose(wanted.images, told, data).unwrap_or_default(),
            None => of_gateway(data),
        }),
    }
}

/// The capabilities that a description declares besides what it uses (RFC 3407, RFC 5347 section 2.1.1).
pub(super) fn capabilities(spec: &MediaSpec) -> String {
    let formats: Vec<_> = spec.codecs.iter().map(|entry| entry.payload_type.to_string()).collect();
    format!(
        "a=sqn: 0\r\na=cdsc: 1 audio RTP/AVP {}\r\na=cdsc: {} image udptl t38\r\n",
        formats.join(" "),
        formats.len() + 1
    )
}

impl MediaSpec {
    /// Whether T.38 that is under way still waits for the call agent or the remote side.
    fn waits_for_image(&self) -> bool {
        self.fax == FaxHandling::T38 && (self.image.is_none() || self.remote.is_none())
    }
}

impl Endpoint {
    fn has_fax(&self) -> bool {
        self.packages().contains("FXR")
    }

    /// A machine has been heard, or is heard no more.
    pub(super) fn machine_sign(&mut self, sign: MachineSign, reach: &mut Reach<'_>) {
        match sign {
            MachineSign::Heard(tone) => {
                if tone.is_fax() || self.fax_handling() == FaxHandling::Gateway {
                    self.fax_begins(Some(tone), reach);
                }
                if let Some(reason) = tone.reason() {
                    self.data_goes_on(&[&format!("rc={reason}")], reach);
                }
            }
            MachineSign::Switched => {
                // Of what it is a sign, its payload type does not tell.
                if self.fax_handling() == FaxHandling::Gateway {
                    self.fax_begins(None, reach);
                }
                self.data_goes_on(&["rc=PTSW", "dir=IpToGstn"], reach);
            }
            MachineSign::SwitchedBack => {
                self.fax_ends("stop", reach);
                self.data_ends(Some("rc=PTSW"), reach);
            }
            MachineSign::Ended => {
                self.fax_ends("stop", reach);
                self.data_ends(None, reach);
            }
        }
    }

    fn fax_begins(&mut self, tone: Option<MachineTone>, reach: &mut Reach<'_>) {
        if !self.has_fax() || self.fax.is_some() || self.connections.is_empty() {
            return;
        }
        let handling = self.fax_handling();
        // A calling tone alone would take the fast faxes of T.38 before version 3 down to slow ones (section 2.1.5).
        if handling == FaxHandling::T38 && tone == Some(MachineTone::Calling) {
            return;
        }
        self.fax = Some(handling);
        match handling {
            FaxHandling::None => self.occur(Occurrence::new("FXR", "nopfax").with("start"), reach),
            FaxHandling::Gateway => self.occur(Occurrence::new("FXR", "gwfax").with("start"), reach),
            FaxHandling::T38 => {
                self.mute(true, reach);
                if self.connections.iter().any(|connection| connection.spec.waits_for_image()) {
                    reach.timers.set(TimerKey::Fax(self.index), reach.now + PATIENCE);
                }
                self.occur(Occurrence::new("FXR", "t38").with("start"), reach);
            }
        }
    }

    /// Data begin, or another sign of their machines is there.
    fn data_goes_on(&mut self, signs: &[&str], reach: &mut Reach<'_>) {
        if !self.packages().contains("VBD") || self.connections.is_empty() {
            return;
        }
        let agreed = self.connections.iter().find_map(|connection| connection.spec.data.as_ref());
        let event = if agreed.is_some() { "gwvbd" } else { "nopvbd" };
        let how = if self.carries_data.is_some() { "update" } else { "start" };
        let event = *self.carries_data.get_or_insert(event);
        let mut occurrence = Occurrence::new("VBD", event).with(how);
        for (place, sign) in signs.iter().enumerate() {
            occurrence = occurrence.with(*sign);
            if let (0, "start", "gwvbd", Some(entry)) = (place, how, event, agreed) {
                occurrence = occurrence.with(format!("codec={}", media_type(entry))).with("coord=v152ptsw");
            }
        }
        self.occur(occurrence, reach);
    }

    fn data_ends(&mut self, reason: Option<&str>, reach: &mut Reach<'_>) {
        if let Some(event) = self.carries_data.take() {
            let stop = Occurrence::new("VBD", event).with("stop");
            self.occur(reason.iter().fold(stop, |stop, reason| stop.with(*reason)), reach);
        }
    }

    /// The procedure under way is over, with this parameter of its event.
    fn fax_ends(&mut self, how: &str, reach: &mut Reach<'_>) {
        reach.timers.cancel(&TimerKey::Fax(self.index));
        match self.fax.take() {
            Some(FaxHandling::T38) => {
                self.mute(false, reach);
                self.occur(Occurrence::new("FXR", "t38").with(how), reach);
            }
            Some(FaxHandling::Gateway) => self.occur(Occurrence::new("FXR", "gwfax").with(how), reach),
            Some(FaxHandling::None) | None => {}
        }
    }

    /// Nobody has changed the media in time.
    pub(super) fn fax_gives_up(&mut self, reach: &mut Reach<'_>) {
        self.fax_ends("failure", reach);
    }

    /// A connection has been modified, from what it was.
    pub(super) fn fax_media_changed(&mut self, old: &Connection, reach: &mut Reach<'_>) {
        let has_data = self.connections.iter().any(|connection| connection.spec.data.is_some());
        if self.carries_data == Some("gwvbd") && !has_data {
            self.data_ends(Some("rc=MC"), reach);
        }
        if self.fax == Some(FaxHandling::Gateway) && self.fax_handling() != FaxHandling::Gateway {
            self.fax_ends("stop", reach);
        }
        if self.fax != Some(FaxHandling::T38) {
            return;
        }
        let new = self.connection(old.handle).map(|connection| &connection.spec);
        let is_back = old.spec.image.is_some() && new.is_some_and(|spec| spec.image.is_none());
        if is_back || self.fax_handling() != FaxHandling::T38 {
            self.fax_ends("stop", reach);
        } else if !self.connections.iter().any(|connection| connection.spec.waits_for_image()) {
            reach.timers.cancel(&TimerKey::Fax(self.index));
        }
    }

    /// A connection is gone.
    pub(super) fn fax_connection_gone(&mut self, reach: &mut Reach<'_>) {
        if self.connections.is_empty() {
            self.data_ends(None, reach);
        }
        let Some(known) = self.fax else { return };
        if self.connections.is_empty() || self.fax_handling() != known {
            self.fax_ends("stop", reach);
        }
    }

    /// The procedure of its connections that does most.
    fn fax_handling(&self) -> FaxHandling {
        let handlings = self.connections.iter().map(|connection| connection.spec.fax);
        handlings.fold(FaxHandling::None, |most, one| match (most, one) {
            (FaxHandling::T38, _) | (_, FaxHandling::T38) => FaxHandling::T38,
            (FaxHandling::Gateway, _) | (_, FaxHandling::Gateway) => FaxHandling::Gateway,
            _ => FaxHandling::None,
        })
    }

    /// Keeps sound from passing while T.38 begins, or lets it pass again.
    fn mute(&mut self, muted: bool, reach: &mut Reach<'_>) {
        for connection in &mut self.connections {
            let spec = &connection.spec;
            if spec.fax != FaxHandling::T38 || spec.image.is_some() || spec.muted == muted {
                continue;
            }
            let spec = MediaSpec { muted, ..spec.clone() };
            if reach.plane.modify(reach.now, connection.handle, &spec).is_ok() {
                connection.spec = spec;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_procedure_that_can_be_used_is_chosen() {
        use FaxHandling::{Gateway, None as Nothing, T38};
        let choose = |value: &str, images, told| FaxOption::parse(value).unwrap().choose(images, told, None);
        for (value, images, told, chosen) in [
            ("t38", true, None, Some(T38)),
            ("t38", true, Some(true), Some(T38)),
            ("t38", true, Some(false), None),
            ("t38", false, Some(true), None),
            ("T38-Loose", true, Some(false), Some(T38)),
            ("t38-loose", false, None, None),
            ("t38;gw", true, Some(false), Some(Nothing)),
            // Nothing special of the gateway's own: the next one counts.
            ("gw;t38", true, Some(true), Some(T38)),
            ("gw;t38", true, Some(false), Some(Nothing)),
            ("gw;t38;t38-loose", true, Some(false), Some(T38)),
            ("gw;off;t38-loose", true, None, Some(Nothing)),
            ("off;t38", true, None, Some(Nothing)),
            ("mypar", true, None, None),
            ("x-mine;gw", true, None, Some(Nothing)),
        ] {
            assert_eq!(choose(value, images, told), chosen, "{value} {images} {told:?}");
        }
        let data = CodecEntry::pcmu().for_data();
        let choose = |value: &str, told| FaxOption::parse(value).unwrap().choose(true, told, Some(&data));
        for (value, told, chosen) in [
            ("gw", None, Some(Gateway)),
            ("gw;t38", Some(true), Some(Gateway)),
            ("t38;gw", Some(false), Some(Gateway)),
            ("t38;gw", Some(true), Some(T38)),
            ("off", None, Some(Nothing)),
            ("gw[audio/PCMU]", None, Some(Gateway)),
            ("gw[audio/t38|audio/pcmu:2];off", None, Some(Gateway)),
            ("gw[image/t38];off", None, Some(Nothing)),
            ("gw[image/t38]", None, None),
            ("gw[image/t38];gw", None, Some(Gateway)),
            ("gw[];off", None, Some(Nothing)),
        ] {
            assert_eq!(choose(value, told), chosen, "{value} {told:?}");
        }
        for bad in ["", "t38;", ";gw", "a;b;c;d;e;f;g;h;i"] {
            assert_eq!(FaxOption::parse(bad).unwrap_err().code, ReturnCode::LOCAL_OPTION_VALUE, "{bad}");
        }
    }
}
