//! Signals of a termination: what was asked for, and what is being given (RFC 3525 section 7.1.11).

use strowger_sansio::Time;

use super::media::{Port, SignalHandle, SignalOrder};
use super::owned::{Argument, Choice, Item, argument, parameters};
use crate::message::{
    Completion, Direction, RequestId, Signal, SignalList, SignalRequest, SignalType, StreamId,
};

/// A signal that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    pub(super) item: Item,
    pub(super) stream: Option<StreamId>,
    pub(super) kind: Option<SignalType>,
    pub(super) duration: Option<u16>,
    pub(super) completion: Option<Completion>,
    pub(super) is_keep_active: bool,
    pub(super) arguments: Vec<Argument>,
    pub(super) direction: Option<Direction>,
    pub(super) request: Option<RequestId>,
    pub(super) delay: Option<u16>,
}

/// Announcements, and the parameters by which they say where they are played (H.248.7).
const ANNOUNCEMENTS: u16 = 0x1d;
const DIRECTIONS: [(u16, u16); 2] = [(1, 4), (2, 7)];

impl Sound {
    /// Whither it is played: out of the context unless something else is said.
    pub(super) fn direction(&self) -> Direction {
        let own = DIRECTIONS.iter().find(|(item, _)| self.item == Item::new(ANNOUNCEMENTS, *item));
        let said = own.and_then(|(_, id)| argument(&self.arguments, *id)).and_then(Choice::number);
        match (self.direction, said) {
            (Some(direction), _) => direction,
            (None, Some(2)) => Direction::Internal,
            (None, Some(3)) => Direction::Both,
            (None, _) => Direction::External,
        }
    }

    pub(super) fn order(&self) -> SignalOrder {
        SignalOrder { item: self.item, arguments: self.arguments.clone() }
    }

    /// Whether it is the same signal on the same stream, whatever its parameters are.
    fn is_same(&self, other: &Self) -> bool {
        self.item == other.item && self.stream.unwrap_or(StreamId(0)) == other.stream.unwrap_or(StreamId(0))
    }

    fn to_message(&self) -> Signal<'_> {
        Signal {
            name: self.item.name(),
            stream: self.stream,
            kind: self.kind,
            duration: self.duration,
            completion: self.completion,
            is_keep_active: self.is_keep_active,
            parameters: parameters(&self.arguments),
            direction: self.direction,
            request: self.request,
            delay: self.delay,
        }
    }
}

/// A signal, or several one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Play {
    One(Sound),
    List(u16, Vec<Sound>),
}

impl Play {
    pub(super) fn sounds(&self) -> &[Sound] {
        match self {
            Self::One(sound) => std::slice::from_ref(sound),
            Self::List(_, sounds) => sounds,
        }
    }

    const fn list(&self) -> Option<u16> {
        match self {
            Self::One(_) => None,
            Self::List(id, _) => Some(*id),
        }
    }

    pub(super) fn to_message(&self) -> SignalRequest<'_> {
        match self {
            Self::One(sound) => SignalRequest::Signal(sound.to_message()),
            Self::List(id, sounds) => SignalRequest::List(SignalList {
                id: *id,
                signals: sounds.iter().map(Sound::to_message).collect(),
            }),
        }
    }
}

/// What a descriptor has the termination play.
#[derive(Clone, Debug)]
pub(super) struct Playing {
    pub(super) play: Play,
    /// Which of a list is on.
    pub(super) place: usize,
    /// The signal that is being given; none in the silence between two of a list.
    pub(super) handle: Option<SignalHandle>,
    /// Where it is given, by handles of the plane; one that nobody hears is given nowhere.
    pub(super) given: Vec<(Port, SignalHandle)>,
    /// When it is over.
    pub(super) until: Option<Time>,
}

impl Playing {
    /// The signal that is on, or comes next.
    pub(super) fn sound(&self) -> Option<&Sound> {
        self.play.sounds().get(self.place)
    }

    pub(super) const fn list(&self) -> Option<u16> {
        self.play.list()
    }
}

/// What becomes of what is on when a new descriptor comes.
pub(super) struct Replacement {
    /// These are stopped.
    pub(super) stop: Vec<Playing>,
    /// These are begun.
    pub(super) start: Vec<Play>,
}

/// Applies a descriptor to what is on: what stays remains in `playing`.
pub(super) fn replace(playing: &mut Vec<Playing>, wanted: Vec<Play>) -> Replacement {
    let (mut keep, mut start) = (Vec::new(), Vec::new());
    for play in wanted {
        let found = match &play {
            // A list with the same number goes on undisturbed.
            Play::List(id, _) => playing.iter().position(|on| on.list() == Some(*id)),
            Play::One(sound) if sound.is_keep_active => {
                playing.iter().position(|on| matches!(&on.play, Play::One(known) if known.is_same(sound)))
            }
            Play::One(_) => None,
        };
        match (found, &play) {
            (Some(place), _) => keep.push(playing.remove(place)),
            // KeepActive begins nothing.
            (None, Play::One(sound)) if sound.is_keep_active => {}
            (None, _) => start.push(play),
        }
    }
    let stop = std::mem::replace(playing, keep);
    Replacement { stop, start }
}
