//! Modems and fax machines, whose sound the connections of a line or circuit then carry as data (ITU-T V.152's voiceband data).

use strowger_media::frame::level_dbm0;
use strowger_media::g711::Law;
use strowger_media::rtp::RtpPacket;
use strowger_media::{DataTone, DataToneDetector, FRAME_SAMPLES, FRAME_TIME, Frame};
use strowger_mgcp::gateway::{MachineSign, MachineTone, MediaEvent, MediaSpec};
use strowger_sansio::{Duration, Time};
use strowger_sdp::audio::Codec;

/// Both sides silent for this long, and the machines are gone: longer than a fax waits for an answer (T2 of ITU-T T.30 is 6 s +-1 s).
const GONE: Duration = Duration::from_secs(8);
/// Below this level in dBm0 a side is silent.
const SILENT: f64 = -45.0;

/// What listens for machines: to what the endpoint says, and to what comes from the network.
#[derive(Debug, Default)]
pub(super) struct Machines {
    here: DataToneDetector,
    there: DataToneDetector,
    /// How long both sides have been silent, while there are machines.
    quiet: Option<u32>,
}

/// What came of 10 ms.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    /// A machine was recognised in either direction.
    pub(super) recognised: bool,
    /// What was recognised at the endpoint.
    pub(super) here: Option<DataTone>,
    /// The machines have gone.
    gone: bool,
}

impl Heard {
    /// The fax or modem tone that it is at the endpoint (RFC 3660 section 2.1).
    pub(super) fn tone(self) -> Option<MediaEvent> {
        let event = match self.here? {
            tone if tone.is_fax() => "ft",
            DataTone::Answer => "mt",
            // It has been reported when it began.
            _ => return None,
        };
        Some(MediaEvent::Detected {
            package: "G".to_owned(),
            event: event.to_owned(),
            connection: None,
            parameters: Vec::new(),
        })
    }

    /// What is to be reported of it.
    pub(super) fn sign(self) -> Option<MediaEvent> {
        let heard = self.here.map(|tone| MachineSign::Heard(named(tone)));
        heard.or(self.gone.then_some(MachineSign::Ended)).map(MediaEvent::Machine)
    }
}

impl Machines {
    /// Listens to 10 ms of both directions.
    pub(super) fn listen(&mut self, said: &Frame, network: &Frame) -> Heard {
        let (here, there) = (self.here.listen(said), self.there.listen(network));
        let recognised = here.is_some() || there.is_some();
        if recognised {
            self.quiet = Some(0);
        }
        let mut gone = false;
        if let Some(quiet) = &mut self.quiet {
            let is_silent = level_dbm0(said) < SILENT && level_dbm0(network) < SILENT;
            *quiet = if is_silent { *quiet + 1 } else { 0 };
            gone = FRAME_TIME * *quiet >= GONE;
        }
        if gone {
            self.quiet = None;
        }
        Heard { recognised, here, gone }
    }

    /// What was heard last time is not continued the next time. Says whether there were machines.
    pub(super) fn forget(&mut self) -> Option<MediaEvent> {
        let there_were = std::mem::take(self).quiet.is_some();
        there_were.then_some(MediaEvent::Machine(MachineSign::Ended))
    }
}

const fn named(tone: DataTone) -> MachineTone {
    match tone {
        DataTone::Calling => MachineTone::Calling,
        DataTone::Answer => MachineTone::Answer,
        DataTone::AnswerReversed => MachineTone::AnswerReversed,
        DataTone::Preamble => MachineTone::Preamble,
    }
}

/// What listens for faxes to the packets of one connection of a relay, or to its datagrams of T.38.
#[derive(Debug, Default)]
pub(super) struct PacketEar {
    detector: DataToneDetector,
    /// What is left of the last packet.
    rest: Vec<i16>,
    /// When the last datagram of T.38 came, while there are any.
    image: Option<Time>,
}

impl PacketEar {
    /// Listens to a packet that was accepted.
    pub(super) fn packet(&mut self, datagram: &[u8], laws: &FormatLaws) -> Option<MediaEvent> {
        let packet = RtpPacket::decode(datagram).ok()?;
        let law = laws.law(packet.payload_type)?;
        self.rest.extend(packet.payload.iter().map(|octet| law.decode(*octet)));
        let mut heard = None;
        let (frames, rest) = self.rest.as_chunks::<FRAME_SAMPLES>();
        for frame in frames {
            heard = heard.or(self.detector.listen(frame));
        }
        self.rest = rest.to_vec();
        heard.map(|tone| MediaEvent::Machine(MachineSign::Heard(named(tone))))
    }

    /// A datagram of T.38 came. The first one says that there is a fax.
    pub(super) fn image(&mut self, now: Time) -> Option<MediaEvent> {
        let first = self.image.replace(now).is_none();
        first.then_some(MediaEvent::Machine(MachineSign::Heard(MachineTone::Image)))
    }

    /// When the fax is over if nothing more comes.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.image.map(|last| last + GONE)
    }

    /// Whether it is over.
    pub(super) fn look(&mut self, now: Time) -> Option<MediaEvent> {
        self.poll_timeout().filter(|due| *due <= now)?;
        self.image = None;
        Some(MediaEvent::Machine(MachineSign::Ended))
    }
}

/// Which payload types of a connection are G.711.
#[derive(Clone, Debug, Default)]
pub(super) struct FormatLaws(Vec<(u8, Law)>);

impl FormatLaws {
    pub(super) fn of(spec: &MediaSpec) -> Self {
        let law = |codec: &Codec| match codec {
            Codec::Pcmu => Some(Law::Mu),
            Codec::Pcma => Some(Law::A),
            _ => None,
        };
        Self(spec.codecs.iter().filter_map(|entry| Some((entry.payload_type, law(&entry.codec)?))).collect())
    }

    fn law(&self, payload_type: u8) -> Option<Law> {
        self.0.iter().find(|(known, _)| *known == payload_type).map(|(_, law)| *law)
    }
}
