//! Modems and fax machines, whose sound the connections of a line or circuit then carry as data (ITU-T V.152's voiceband data).

use strowger_media::{DataTone, DataToneDetector, Frame};

/// What listens for machines: to what the endpoint says, and to what comes from the network.
#[derive(Debug, Default)]
pub(super) struct Machines {
    here: DataToneDetector,
    there: DataToneDetector,
}

impl Machines {
    /// Listens to 10 ms of both directions. Says whether a machine was recognised in either, and what was recognised here.
    pub(super) fn listen(&mut self, said: &Frame, network: &Frame) -> (bool, Option<DataTone>) {
        let (here, there) = (self.here.listen(said), self.there.listen(network));
        (here.is_some() || there.is_some(), here)
    }

    /// What was heard last time is not continued the next time.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
