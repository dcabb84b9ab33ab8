//! Digits on their way out of a circuit, MF or DTMF.

use strowger_media::Frame;
use strowger_media::dtmf::{Digit, DtmfGenerator, DtmfLevel, DtmfTiming};
use strowger_media::frame::mix_into;
use strowger_media::mf::{MfDigit, MfSender};

/// Both senders; one is at rest.
#[derive(Debug)]
pub(super) struct Tones {
    mf: MfSender,
    dtmf: DtmfGenerator,
}

impl Default for Tones {
    fn default() -> Self {
        Self { mf: MfSender::new(), dtmf: DtmfGenerator::new(DtmfLevel::default()) }
    }
}

/// A digit of either kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pulse {
    Mf(MfDigit),
    Dtmf(Digit),
}

impl Tones {
    pub(super) fn send(&mut self, pulses: &[Pulse]) {
        for pulse in pulses {
            // More digits than the senders hold were refused when the signal was asked for.
            let _ = match pulse {
                Pulse::Mf(digit) => self.mf.dial(*digit),
                Pulse::Dtmf(digit) => self.dtmf.dial(*digit, DtmfTiming::default()),
            };
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.mf.is_idle() && self.dtmf.is_idle()
    }

    pub(super) fn clear(&mut self) {
        self.mf.clear();
        self.dtmf.clear();
    }

    pub(super) fn frame(&mut self) -> Frame {
        let mut frame = self.mf.frame();
        mix_into(&mut frame, &self.dtmf.frame());
        frame
    }
}
