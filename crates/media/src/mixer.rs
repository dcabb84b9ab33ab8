//! Who hears whom at one endpoint: the mode interactions of RFC 3435 Appendix D, as data.
//!
//! An endpoint has connections to the network, and a line with a handset unless it is a packet relay. The table says for each pair of modes
//! what goes out on either connection and to the earpiece; for three or more connections the answer is the union over
//! all pairs, and a single connection behaves as beside an inactive one. H.248 contexts have the same modes without
//! `Conference` and the network tests.
//!
//! The mixer is pure arithmetic on frames: the caller asks for [`Mixer::plan`] when a mode changes, and mixes only what
//! somebody hears.

use crate::frame::{Frame, SILENCE, mix_into};

/// The direction of a connection, seen from the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamMode {
    /// To the network only.
    SendOnly,
    /// From the network only.
    ReceiveOnly,
    /// Both ways.
    SendReceive,
    /// Both ways, and mixed with the other conference connections.
    Conference,
    /// Neither way.
    Inactive,
    /// What comes from the network goes back to it.
    NetworkLoop,
    /// As the loop, through the continuity transponder: the caller answers the tone.
    NetworkTest,
}

impl StreamMode {
    /// Whether sound of the endpoint goes out.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendOnly | Self::SendReceive | Self::Conference)
    }

    /// Whether sound of the network comes into the endpoint.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::ReceiveOnly | Self::SendReceive | Self::Conference)
    }

    /// Its row or column in the table.
    const fn index(self) -> usize {
        match self {
            Self::SendOnly => 0,
            Self::ReceiveOnly => 1,
            Self::SendReceive => 2,
            Self::Conference => 3,
            Self::Inactive => 4,
            Self::NetworkLoop | Self::NetworkTest => 5,
        }
    }
}

/// What an endpoint has besides its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointShape {
    /// A line with microphone and earpiece: Appendix D as it is printed.
    Handset,
    /// Nothing: a packet relay (RFC 3435 section 2.1.1.6), where each connection that sends carries what every other
    /// that receives brings in.
    Relay,
}

/// A set of sources of one output, as bits.
type Sources = u8;
/// The connection itself.
const OWN: Sources = 1;
/// The other connection of the pair.
const OTHER: Sources = 2;
/// The handset's microphone.
const MICROPHONE: Sources = 4;

/// A cell: what goes out on connection A, and whether its input is heard in the earpiece. B's part is the mirrored cell.
#[derive(Clone, Copy)]
struct Cell {
    out: Sources,
    heard: bool,
}

const fn cell(out: Sources, heard: bool) -> Cell {
    Cell { out, heard }
}

/// Appendix D, in its order of modes; the row is the mode of A, the column that of B.
const APPENDIX_D: [[Cell; 6]; 6] = {
    let quiet = cell(0, false);
    let send = cell(MICROPHONE, false);
    let receive = cell(0, true);
    let both = cell(MICROPHONE, true);
    let bridged = cell(MICROPHONE | OTHER, true);
    let looped = cell(OWN, false);
    [
        // sendonly, recvonly, sendrecv, confrnce, inactive, netw
        [send, send, send, send, send, send],
        [receive, receive, receive, receive, receive, receive],
        [both, both, both, both, both, both],
        [both, both, both, bridged, both, both],
        [quiet, quiet, quiet, quiet, quiet, quiet],
        [looped, looped, looped, looped, looped, looped],
    ]
};

/// The most connections that one endpoint mixes.
pub const MAX_STREAMS: usize = 16;

/// For each output of an endpoint, which inputs it carries.
/// The default is the plan of an endpoint without connections.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mixer {
    streams: usize,
    /// For each connection, a bit for each connection whose input it carries.
    out: [u16; MAX_STREAMS],
    /// Which connections carry the microphone.
    microphone: u16,
    /// Which connections the earpiece hears.
    earpiece: u16,
}

/// More connections than can be mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyStreams;

impl std::fmt::Display for TooManyStreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an endpoint mixes at most {MAX_STREAMS} connections")
    }
}

impl std::error::Error for TooManyStreams {}

impl Mixer {
    /// The plan for connections in these modes, which are then numbered by their place in `modes`.
    ///
    /// # Errors
    /// More than [`MAX_STREAMS`] connections.
    pub fn plan(shape: EndpointShape, modes: &[StreamMode]) -> Result<Self, TooManyStreams> {
        if modes.len() > MAX_STREAMS {
            return Err(TooManyStreams);
        }
        let mut plan = Self { streams: modes.len(), out: [0; MAX_STREAMS], microphone: 0, earpiece: 0 };
        for (a, mode) in modes.iter().enumerate() {
            let alone = modes.len() == 1;
            for (b, beside) in modes.iter().enumerate() {
                match (alone, a == b) {
                    (true, _) => plan.join(shape, a, *mode, None),
                    (false, true) => {}
                    (false, false) => plan.join(shape, a, *mode, Some((b, *beside))),
                }
            }
        }
        Ok(plan)
    }

    fn join(
        &mut self,
        shape: EndpointShape,
        a: usize,
        mode: StreamMode,
        beside: Option<(usize, StreamMode)>,
    ) {
        let other = beside.map_or(StreamMode::Inactive, |(_, mode)| mode);
        let mut cell = APPENDIX_D[mode.index()][other.index()];
        if shape == EndpointShape::Relay {
            cell.heard = false;
            cell.out &= OWN;
            if mode.sends() && other.receives() {
                cell.out |= OTHER;
            }
        }
        let Some(out) = self.out.get_mut(a) else { return };
        if cell.out & OWN != 0 {
            *out |= 1 << a;
        }
        if let Some((b, _)) = beside
            && cell.out & OTHER != 0
        {
            *out |= 1 << b;
        }
        if cell.out & MICROPHONE != 0 {
            self.microphone |= 1 << a;
        }
        if cell.heard {
            self.earpiece |= 1 << a;
        }
    }

    /// Whether anything at all goes out on this connection.
    #[must_use]
    pub fn sends(&self, stream: usize) -> bool {
        self.out.get(stream).is_some_and(|sources| *sources != 0) || self.carries_microphone(stream)
    }

    /// Whether anything needs the input of this connection.
    #[must_use]
    pub fn needs(&self, stream: usize) -> bool {
        stream < self.streams
            && (self.earpiece >> stream & 1 == 1 || self.out.iter().any(|sources| sources >> stream & 1 == 1))
    }

    /// The connections whose input goes out on this one.
    pub fn sources(&self, stream: usize) -> impl Iterator<Item = usize> + use<> {
        let sources = self.out.get(stream).copied().unwrap_or(0);
        (0..MAX_STREAMS).filter(move |source| sources >> source & 1 == 1)
    }

    /// The connection whose packets can be passed to this one as they are: the only source of it.
    #[must_use]
    pub fn sole_source(&self, stream: usize) -> Option<usize> {
        let mut sources = self.sources(stream);
        let only = sources.next()?;
        (sources.next().is_none() && !self.carries_microphone(stream)).then_some(only)
    }

    /// Whether the microphone goes out on this connection.
    #[must_use]
    pub fn carries_microphone(&self, stream: usize) -> bool {
        stream < self.streams && self.microphone >> stream & 1 == 1
    }

    /// Whether the earpiece hears this connection.
    #[must_use]
    pub fn heard(&self, stream: usize) -> bool {
        stream < self.streams && self.earpiece >> stream & 1 == 1
    }

    /// What goes out on a connection, from the inputs of all of them and the microphone.
    #[must_use]
    pub fn output(&self, stream: usize, inputs: &[Frame], microphone: &Frame) -> Frame {
        let mut sum = if self.carries_microphone(stream) { *microphone } else { SILENCE };
        for source in self.sources(stream) {
            if let Some(input) = inputs.get(source) {
                mix_into(&mut sum, input);
            }
        }
        sum
    }

    /// What the earpiece hears.
    #[must_use]
    pub fn earpiece(&self, inputs: &[Frame]) -> Frame {
        let mut sum = SILENCE;
        for (stream, input) in inputs.iter().enumerate() {
            if self.heard(stream) {
                mix_into(&mut sum, input);
            }
        }
        sum
    }
}
