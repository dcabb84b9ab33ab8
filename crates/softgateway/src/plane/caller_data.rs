//! The caller's number on its way to a telephone as data: after the first ring, by frequency shift keying between two rings, as telephones with a
//! display have it on analogue lines (GR-30 section 2.4.1; ETSI EN 300 659-1 section 6.1.1).
//!
//! The telephone shows what it has heard: who lifts the receiver before the end of the data is shown nothing.
//!
//! Limits: without a ring the data follow at once; nothing is sent in a call, where a telephone would have to be alerted and to answer (call
//! waiting): there the number is shown as it is.

use strowger_media::fsk::{FskLine, FskReceiver, FskSender, FskStandard};
use strowger_mgcp::message::SignalBuf;

use crate::display::{self, DataMessage};

/// How a telephone comes to know who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallerDisplay {
    /// It is told with the signal.
    #[default]
    AtOnce,
    /// It hears it on its line.
    Data,
}

/// Frames of silence between a ring and the data: half a second.
const QUIET: u32 = 50;

/// A message on its way.
#[derive(Debug)]
pub(super) struct CallerData {
    standard: FskStandard,
    message: Vec<u8>,
    sender: Option<FskSender>,
    receiver: FskReceiver,
    /// Frames since the last ringing current, and whether there was any.
    quiet: u32,
    rung: bool,
}

/// Where a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is not over.
    UnderWay,
    /// The telephone has heard this, as a signal.
    Heard(SignalBuf),
    /// It is over, and nothing was heard.
    Lost,
}

impl CallerData {
    /// The data of `L/ci` in a country.
    pub(super) fn new(country: &str, caller: &SignalBuf) -> Self {
        let is_north_american = ["us", "ca"].iter().any(|code| code.eq_ignore_ascii_case(country));
        let standard = if is_north_american { FskStandard::Bell202 } else { FskStandard::V23 };
        let message = display::write(caller.parameters());
        Self { standard, message, sender: None, receiver: FskReceiver::new(), quiet: 0, rung: false }
    }

    /// 10 ms of the line, which is rung or not, and on which ringing current flows or not.
    pub(super) fn frame(&mut self, is_rung: bool, current: bool) -> Progress {
        if current {
            // What was begun is broken off, and said again in the next pause.
            (self.quiet, self.sender, self.rung) = (0, None, true);
            return Progress::UnderWay;
        }
        if self.rung && !is_rung {
            // The caller has given up.
            return Progress::Lost;
        }
        self.quiet += 1;
        if self.quiet <= QUIET {
            return Progress::UnderWay;
        }
        let Self { standard, message, .. } = self;
        let sender = self.sender.get_or_insert_with(|| FskSender::new(*standard, FskLine::OnHook, message));
        let frame = sender.frame();
        let is_over = sender.is_idle();
        let heard = self.receiver.listen(&frame).as_deref().and_then(display::read);
        match heard {
            Some(DataMessage::Caller(signal)) => {
                SignalBuf::parse(&signal).map_or(Progress::Lost, Progress::Heard)
            }
            _ if is_over => Progress::Lost,
            _ => Progress::UnderWay,
        }
    }
}
