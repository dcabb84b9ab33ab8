//! Who hears whom at one endpoint: the mode interactions of RFC 3435 Appendix D, as data.
//!
//! An endpoint has connections to the network, and a line with a handset unless it is a packet relay. The table says for each pair of modes
//! what goes out on either connection and to the earpiece; for three or more connections the answer is the union over
//! all pairs, and a single connection behaves as beside an inactive one. H.248 contexts have the same modes without
//! `Conference` and the network tests.
//!
//! The mixer is pure arithmetic on frames: the caller asks for [`Mixer::plan`] when a mode changes, and for [`Mixer::mix`] every
//! 10 ms. All inputs are added once, in 32 bits, and each output leaves out what it does not carry, so that a conference of N costs N
//! additions and N subtractions instead of N times N. Only the result is brought back to 16 bits, where it clips: the order of
//! the inputs does not matter, and loud talkers distort instead of wrapping round.

use crate::frame::{FRAME_SAMPLES, Frame};
use crate::limits::Limits;

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
pub const MAX_STREAMS: usize = Limits::DEFAULT.streams;

/// Connections as bits, by their place.
type StreamSet = u64;

const _: () = assert!(MAX_STREAMS <= StreamSet::BITS as usize, "each connection has a bit");

/// The places in a set, from the first.
fn places(mut set: StreamSet) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(place)
    })
}

/// For each output of an endpoint, which inputs it carries.
/// The default is the plan of an endpoint without connections.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mixer {
    /// For each connection, the connections whose input it carries.
    out: Vec<StreamSet>,
    /// Which connections carry the microphone.
    microphone: StreamSet,
    /// Which connections the earpiece hears.
    earpiece: StreamSet,
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
        let mut plan = Self { out: modes.iter().map(|_| 0).collect(), microphone: 0, earpiece: 0 };
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
        stream < self.out.len()
            && (self.earpiece >> stream & 1 == 1 || self.out.iter().any(|sources| sources >> stream & 1 == 1))
    }

    /// The connections whose input goes out on this one.
    pub fn sources(&self, stream: usize) -> impl Iterator<Item = usize> + use<> {
        places(self.out.get(stream).copied().unwrap_or(0))
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
        stream < self.out.len() && self.microphone >> stream & 1 == 1
    }

    /// Whether the earpiece hears this connection.
    #[must_use]
    pub fn heard(&self, stream: usize) -> bool {
        stream < self.out.len() && self.earpiece >> stream & 1 == 1
    }

    /// Adds up 10 ms of all inputs, for [`Mix::output`] and [`Mix::earpiece`].
    #[must_use]
    pub fn mix<'a>(&'a self, inputs: &'a [Frame], microphone: &'a Frame) -> Mix<'a> {
        let summed = self.out.iter().fold(self.earpiece, |all, sources| all | sources);
        let mut mix = Mix { plan: self, inputs, microphone, summed, sum: [0; FRAME_SAMPLES] };
        // Two sums of two or fewer cost less than their total does.
        if self.out.len() > 2 {
            add(&mut mix.sum, inputs, summed);
        } else {
            mix.summed = 0;
        }
        mix
    }
}

/// The sum of 10 ms, from which each output is made.
#[derive(Clone, Debug)]
pub struct Mix<'a> {
    plan: &'a Mixer,
    inputs: &'a [Frame],
    microphone: &'a Frame,
    /// What is in `sum`.
    summed: StreamSet,
    sum: [i32; FRAME_SAMPLES],
}

impl Mix<'_> {
    /// What goes out on a connection.
    #[must_use]
    pub fn output(&self, stream: usize) -> Frame {
        let mut sum = self.sum_of(self.plan.out.get(stream).copied().unwrap_or(0));
        if self.plan.carries_microphone(stream) {
            sum.iter_mut().zip(self.microphone).for_each(|(sum, sample)| *sum += i32::from(*sample));
        }
        clipped(&sum)
    }

    /// What the earpiece hears.
    #[must_use]
    pub fn earpiece(&self) -> Frame {
        clipped(&self.sum_of(self.plan.earpiece))
    }

    /// The sum of these inputs: the whole without the others, or they alone when they are few.
    fn sum_of(&self, wanted: StreamSet) -> [i32; FRAME_SAMPLES] {
        let unwanted = self.summed & !wanted;
        if self.summed & wanted == wanted && unwanted.count_ones() < wanted.count_ones() {
            let mut sum = self.sum;
            for input in places(unwanted).filter_map(|place| self.inputs.get(place)) {
                sum.iter_mut().zip(input).for_each(|(sum, sample)| *sum -= i32::from(*sample));
            }
            return sum;
        }
        let mut sum = [0; FRAME_SAMPLES];
        add(&mut sum, self.inputs, wanted);
        sum
    }
}

fn add(sum: &mut [i32; FRAME_SAMPLES], inputs: &[Frame], which: StreamSet) {
    for input in places(which).filter_map(|place| inputs.get(place)) {
        sum.iter_mut().zip(input).for_each(|(sum, sample)| *sum += i32::from(*sample));
    }
}

fn clipped(sum: &[i32; FRAME_SAMPLES]) -> Frame {
    sum.map(|value| value.clamp(i16::MIN.into(), i16::MAX.into()) as i16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{SILENCE, mix_into};
    use StreamMode::{Conference, Inactive, NetworkLoop, NetworkTest, ReceiveOnly, SendOnly, SendReceive};

    const MODES: [StreamMode; 6] = [SendOnly, ReceiveOnly, SendReceive, Conference, Inactive, NetworkLoop];

    /// Appendix D as it is printed, a row a mode of B, a column a mode of A from the diagonal on: `Ao; Bo; Ho`.
    const PRINTED: [&[&str]; 6] = [
        &["Hi; Hi; -", "-; Hi; Ai", "Hi; Hi; Ai", "Hi; Hi; Ai", "-; Hi; -", "Ai; Hi; -"],
        &["-; -; Ai+Bi", "Hi; -; Ai+Bi", "Hi; -; Ai+Bi", "-; -; Bi", "Ai; -; Bi"],
        &["Hi; Hi; Ai+Bi", "Hi; Hi; Ai+Bi", "-; Hi; Bi", "Ai; Hi; Bi"],
        &["Hi+Bi; Hi+Ai; Ai+Bi", "-; Hi; Bi", "Ai; Hi; Bi"],
        &["-; -; -", "Ai; -; -"],
        &["Ai; Bi; -"],
    ];

    /// The streams that go out, as the table names them.
    fn shown(plan: &Mixer) -> String {
        let names = ["Ai", "Bi"];
        let list = |parts: Vec<&str>| if parts.is_empty() { "-".to_owned() } else { parts.join("+") };
        let out = |stream: usize| {
            let microphone = plan.carries_microphone(stream).then_some("Hi");
            list(microphone.into_iter().chain(plan.sources(stream).map(|source| names[source])).collect())
        };
        let ear = list((0..2).filter(|stream| plan.heard(*stream)).map(|stream| names[stream]).collect());
        format!("{}; {}; {ear}", out(0), out(1))
    }

    /// The same cell seen from the other connection.
    fn swapped(cell: &str) -> String {
        let parts: Vec<_> = cell.split("; ").collect();
        let other = |text: &str| text.replace("Ai", "x").replace("Bi", "Ai").replace('x', "Bi");
        let ear = if parts[2] == "Ai+Bi" { parts[2].to_owned() } else { other(parts[2]) };
        format!("{}; {}; {ear}", other(parts[1]), other(parts[0]))
    }

    #[test]
    fn every_pair_of_modes_interacts_as_appendix_d_prints_it() {
        for (row, cells) in PRINTED.iter().enumerate() {
            for (offset, printed) in cells.iter().enumerate() {
                let (a, b) = (MODES[row + offset], MODES[row]);
                let plan = Mixer::plan(EndpointShape::Handset, &[a, b]).unwrap();
                assert_eq!(shown(&plan), *printed, "A {a:?}, B {b:?}");
                let mirrored = Mixer::plan(EndpointShape::Handset, &[b, a]).unwrap();
                assert_eq!(shown(&mirrored), swapped(printed), "A {b:?}, B {a:?}");
            }
        }
    }

    #[test]
    fn three_in_conference_hear_each_other_and_not_themselves() {
        let plan = Mixer::plan(EndpointShape::Handset, &[Conference; 3]).unwrap();
        for stream in 0..3 {
            let others: Vec<_> = (0..3).filter(|other| *other != stream).collect();
            assert_eq!(plan.sources(stream).collect::<Vec<_>>(), others);
            assert!(plan.carries_microphone(stream) && plan.heard(stream));
        }
        let inputs = [[100; 80], [20; 80], [3; 80]];
        let mix = plan.mix(&inputs, &[5000; 80]);
        assert_eq!(mix.output(0), [5023; 80]);
        assert_eq!(mix.earpiece(), [123; 80]);
    }

    #[test]
    fn everybody_in_a_conference_of_64_hears_the_others_exactly() {
        let plan = Mixer::plan(EndpointShape::Relay, &[Conference; 64]).unwrap();
        let inputs: Vec<Frame> =
            (0..64_i16).map(|talker| std::array::from_fn(|n| (talker - 20) * 7 + n as i16)).collect();
        let mix = plan.mix(&inputs, &SILENCE);
        for listener in 0..64 {
            let others = inputs.iter().enumerate().filter(|(talker, _)| *talker != listener);
            let mut wanted = SILENCE;
            others.for_each(|(_, input)| mix_into(&mut wanted, input));
            assert_eq!(mix.output(listener), wanted, "listener {listener}");
        }
        assert_eq!(mix.earpiece(), SILENCE);
    }

    #[test]
    fn loud_talkers_clip_and_do_not_wrap_whatever_their_order() {
        let plan = Mixer::plan(EndpointShape::Relay, &[Conference; 4]).unwrap();
        let loud = [[32_000; 80], [32_000; 80], [-32_000; 80], [100; 80]];
        let mix = plan.mix(&loud, &SILENCE);
        // 32 000 + 32 000 - 32 000: clipping on the way would have given another sum.
        assert_eq!(mix.output(3), [32_000; 80]);
        assert_eq!(mix.output(2), [i16::MAX; 80]);
        let plan = Mixer::plan(EndpointShape::Handset, &[SendReceive; 64]).unwrap();
        assert_eq!(plan.mix(&[[i16::MIN; 80]; 64], &SILENCE).earpiece(), [i16::MIN; 80]);
    }

    #[test]
    fn mixed_modes_at_one_endpoint_are_summed_by_their_rows() {
        let modes = [Conference, Conference, SendReceive, Inactive, ReceiveOnly];
        let plan = Mixer::plan(EndpointShape::Handset, &modes).unwrap();
        let inputs = [[1; 80], [10; 80], [100; 80], [1000; 80], [10_000; 80]];
        let mix = plan.mix(&inputs, &[5; 80]);
        let out: Vec<i16> = (0..6).map(|stream| mix.output(stream)[0]).collect();
        assert_eq!(out, [15, 6, 5, 0, 0, 0]);
        assert_eq!(mix.earpiece()[0], 10_111);
    }

    #[test]
    fn a_held_connection_beside_a_talk_hears_and_says_nothing() {
        let plan = Mixer::plan(EndpointShape::Handset, &[SendReceive, Inactive]).unwrap();
        assert!(plan.sends(0) && plan.needs(0));
        assert!(!plan.sends(1) && !plan.needs(1), "its packets need not be decoded");
    }

    #[test]
    fn a_single_connection_is_one_beside_an_inactive_one() {
        let alone = |mode| {
            let plan = Mixer::plan(EndpointShape::Handset, &[mode]).unwrap();
            (plan.carries_microphone(0), plan.heard(0), plan.sources(0).count())
        };
        assert_eq!(alone(SendReceive), (true, true, 0));
        assert_eq!(alone(SendOnly), (true, false, 0));
        assert_eq!(alone(ReceiveOnly), (false, true, 0));
        assert_eq!(alone(Inactive), (false, false, 0));
        assert_eq!(alone(NetworkLoop), (false, false, 1));
        assert_eq!(alone(NetworkTest), alone(NetworkLoop));
    }

    #[test]
    fn a_relay_carries_what_the_other_side_brings_in_by_the_modes() {
        let relay = |a, b| {
            let plan = Mixer::plan(EndpointShape::Relay, &[a, b]).unwrap();
            assert!(!plan.carries_microphone(0) && !plan.heard(0) && !plan.heard(1));
            [plan.sole_source(0), plan.sole_source(1)]
        };
        assert_eq!(relay(SendReceive, SendReceive), [Some(1), Some(0)]);
        assert_eq!(relay(Conference, SendReceive), [Some(1), Some(0)]);
        assert_eq!(relay(ReceiveOnly, SendOnly), [None, Some(0)]);
        assert_eq!(relay(SendReceive, Inactive), [None, None]);
        assert_eq!(relay(SendOnly, SendOnly), [None, None]);
        assert_eq!(relay(NetworkLoop, SendReceive), [Some(0), None]);
    }

    #[test]
    fn more_connections_than_can_be_mixed_are_refused() {
        assert_eq!(Mixer::plan(EndpointShape::Relay, &[SendReceive; MAX_STREAMS + 1]), Err(TooManyStreams));
        let plan = Mixer::plan(EndpointShape::Relay, &[SendReceive; MAX_STREAMS]).unwrap();
        assert_eq!(plan.sources(0).count(), MAX_STREAMS - 1);
        assert_eq!(plan.sole_source(0), None);
        assert!(!plan.needs(MAX_STREAMS) && !plan.sends(MAX_STREAMS));
    }
}
