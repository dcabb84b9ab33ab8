//! Bulk audits: RFC 3624.
//!
//! One answer tells about many endpoints with a letter or two for each: names, numbers of connections, their modes, states. What does not
//! fit the answer is named in BA/NE, where the call agent goes on.
//!
//! All endpoints of this gateway are persistent, so that BA/Z and BA/X list the same names.

use super::target::Targets;
use crate::gateway::Gateway;
use crate::gateway::endpoint::{Association, Endpoint};
use crate::gateway::machine::Phase;
use crate::gateway::media::{EndpointIndex, Hook, MediaMode, MediaPlane};
use crate::gateway::refusal::{Refusal, refuse};
use crate::message::range::{self, RangeBuilder};
use crate::message::{Command, EndpointNameBuf, ParameterCode, ReturnCode};
use crate::text::ResponseBuilder;

/// How many endpoints one pair of lines tells about at most: what does not fit is left out by the line.
const SEGMENT: usize = 64;
/// What is kept free in an answer for its first line and BA/NE.
const RESERVE: usize = 320;

pub(super) const fn ba(name: &'static str) -> ParameterCode<'static> {
    ParameterCode::Package { package: "BA", name }
}

fn fault(code: u16, text: &'static str) -> Refusal {
    Refusal::of_package("BA", ReturnCode::of_package(code), text)
}

/// What is asked about each endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// BA/Z or BA/X: its name.
    Name(&'static str),
    /// BA/C: how many connections it has.
    Count,
    /// BA/M: their modes.
    Modes,
    /// BA/S: whether one of these conditions holds.
    States(Vec<StateType>),
}

/// A condition of BA/S.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StateType {
    /// I: it is in service.
    InService,
    /// D: it has lost its call agent.
    Disconnected,
    /// N: it is in the notification state.
    Notification,
    /// L: it is in lockstep.
    Lockstep,
    /// S: an on-off or time-out signal is active on it.
    Signal,
    /// H: its handset is lifted.
    NotIdle,
}

/// Endpoints with one name for all of them.
struct Segment {
    name: String,
    members: Vec<EndpointIndex>,
}

impl Gateway {
    /// Adds to an answer what BA/F asks about the endpoints of a command.
    pub(super) fn bulk_audit<'s>(
        &self,
        mut response: ResponseBuilder<'s>,
        command: &Command<'_>,
        targets: &Targets,
        plane: &dyn MediaPlane,
    ) -> Result<ResponseBuilder<'s>, Refusal> {
        let items = items(command.parameters.get(ba("F")).unwrap_or_default())?;
        let (mut endpoints, mut next) = self.span(command, &targets.endpoints)?;
        if items.is_empty() {
            return Ok(response);
        }
        let named = items.iter().any(|item| matches!(item, Item::Name(_)));
        endpoints.reverse();
        let most = if named { usize::MAX } else { SEGMENT };
        let mut room = self.limits.response_bytes.saturating_sub(RESERVE);
        let mut told = 0;
        while let Some(segment) = self.segment(&mut endpoints, most) {
            let lines = self.lines(&items, &segment, plane);
            let size = lines.iter().map(|(code, text)| code.len() + text.len() + 7).sum::<usize>();
            if size > room {
                next = segment.members.first().copied();
                break;
            }
            room -= size;
            told += segment.members.len();
            for (code, text) in lines {
                response = response.parameter(ba(code), &text).map_err(|_| unfit())?;
            }
        }
        match next.filter(|_| told > 0) {
            Some(next) => response.parameter(ba("NE"), self.directory.name(next)).map_err(|_| unfit()),
            None if next.is_some() => Err(unfit()),
            None => Ok(response),
        }
    }

    /// The endpoints from BA/SE on, BA/NU of them, and the one behind the last.
    fn span(
        &self,
        command: &Command<'_>,
        endpoints: &[EndpointIndex],
    ) -> Result<(Vec<EndpointIndex>, Option<EndpointIndex>), Refusal> {
        let start = match command.parameters.get(ba("SE")) {
            None => None,
            Some(text) => {
                let legal = EndpointNameBuf::from_parts(text, "gateway");
                if legal.is_none_or(|name| name.as_name().is_wildcarded()) {
                    return Err(fault(801, "the start endpoint is no local name"));
                }
                let found = self.directory.find(text);
                Some(found.ok_or_else(|| fault(806, "there is no such start endpoint"))?)
            }
        };
        let most = match command.parameters.get(ba("NU")) {
            None => usize::MAX,
            Some(text) => {
                let number = text.parse::<u16>().ok().filter(|number| *number > 0);
                usize::from(number.ok_or_else(|| fault(805, "BA/NU is a number from 1 to 65535"))?)
            }
        };
        let mut from = endpoints.iter().copied().filter(|index| start.is_none_or(|start| *index >= start));
        let chosen = from.by_ref().take(most).collect();
        Ok((chosen, from.next()))
    }

    /// Takes endpoints from the end of a list that can be named together: by a range for the number in their last term.
    fn segment(&self, endpoints: &mut Vec<EndpointIndex>, most: usize) -> Option<Segment> {
        let first = endpoints.pop()?;
        let name = self.directory.name(first);
        let mut segment = Segment { name: name.to_owned(), members: vec![first] };
        let Some((prefix, number)) = range::numbered(name).filter(|_| !name.contains('[')) else {
            return Some(segment);
        };
        let mut numbers = RangeBuilder::new(number);
        while let Some(next) = endpoints.last().copied().filter(|_| numbers.count() < most) {
            let known = range::numbered(self.directory.name(next));
            let Some((_, number)) = known.filter(|(other, _)| other.eq_ignore_ascii_case(prefix)) else {
                break;
            };
            if numbers.push(number).is_err() {
                break;
            }
            segment.members.push(next);
            endpoints.pop();
        }
        segment.name = format!("{prefix}{}", numbers.term());
        Some(segment)
    }

    /// The lines about some endpoints.
    fn lines(
        &self,
        items: &[Item],
        segment: &Segment,
        plane: &dyn MediaPlane,
    ) -> Vec<(&'static str, String)> {
        let named = items.iter().any(|item| matches!(item, Item::Name(_)));
        let mut lines = Vec::new();
        if !named {
            lines.push(("EL", segment.name.clone()));
        }
        for item in items {
            let members = segment.members.iter().filter_map(|index| self.endpoint(*index));
            lines.push(match item {
                Item::Name(code) => (*code, segment.name.clone()),
                Item::Count => ("C", members.map(|endpoint| count(endpoint.connections.len())).collect()),
                Item::Modes => ("M", members.map(modes).collect()),
                Item::States(states) => {
                    ("S", members.map(|endpoint| state(endpoint, states, plane)).collect())
                }
            });
        }
        lines
    }
}

fn unfit() -> Refusal {
    refuse(ReturnCode::RESPONSE_TOO_LARGE, "the answer does not fit a datagram")
}

/// The value of BA/F.
fn items(text: &str) -> Result<Vec<Item>, Refusal> {
    let mut items: Vec<Item> = Vec::new();
    let mut depth = 0_u32;
    let parts = text.split(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    for part in parts.map(str::trim_ascii).filter(|_| !text.is_empty()) {
        let item = item(part)?;
        let kind = std::mem::discriminant(&item);
        let again = items.iter().any(|other| match (other, &item) {
            (Item::Name(a), Item::Name(b)) => a == b,
            _ => std::mem::discriminant(other) == kind,
        });
        if again {
            return Err(fault(802, "the same is asked for twice"));
        }
        items.push(item);
    }
    let named = items.iter().filter(|item| matches!(item, Item::Name(_))).count();
    if named > 0 && named < items.len() {
        return Err(fault(802, "names and states are asked for apart"));
    }
    Ok(items)
}

fn item(text: &str) -> Result<Item, Refusal> {
    let (name, inner) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_ascii(), rest.strip_suffix(')')),
        None => (text, None),
    };
    match (name.to_ascii_uppercase().as_str(), inner) {
        ("BA/Z", None) if name == text => Ok(Item::Name("Z")),
        ("BA/X", None) if name == text => Ok(Item::Name("X")),
        ("BA/C", None) if name == text => Ok(Item::Count),
        ("BA/M", None) if name == text => Ok(Item::Modes),
        ("BA/S", Some(inner)) => {
            let states: Option<Vec<_>> =
                inner.split(',').map(|text| StateType::parse(text.trim_ascii())).collect();
            states.map(Item::States).ok_or_else(|| fault(803, "this is no type of state"))
        }
        ("BA/S", None) => Err(fault(803, "the types of state are missing")),
        _ => Err(fault(802, "this cannot be asked about many endpoints")),
    }
}

impl StateType {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "I" => Self::InService,
            "D" => Self::Disconnected,
            "N" => Self::Notification,
            "L" => Self::Lockstep,
            "S" => Self::Signal,
            "H" => Self::NotIdle,
            _ => return None,
        })
    }

    /// Whether it holds of an endpoint that is in service.
    fn holds(self, endpoint: &Endpoint, plane: &dyn MediaPlane) -> bool {
        match self {
            Self::InService => true,
            Self::Disconnected => matches!(endpoint.association, Association::Disconnected(_)),
            Self::Notification => endpoint.machine.phase == Phase::Notification,
            Self::Lockstep => endpoint.machine.phase == Phase::Lockstep,
            Self::Signal => endpoint.machine.signals.sounds_on_endpoint(),
            Self::NotIdle => endpoint.packages().contains("L") && plane.hook(endpoint.index) == Hook::Off,
        }
    }
}

/// A hexadecimal digit, or Z for more than fifteen.
fn count(number: usize) -> char {
    u32::try_from(number)
        .ok()
        .and_then(|number| char::from_digit(number, 16))
        .unwrap_or('z')
        .to_ascii_uppercase()
}

/// The mode of one connection; of several, their number first; of more than fifteen, only that.
fn modes(endpoint: &Endpoint) -> String {
    let each = endpoint.connections.iter().map(|connection| mode(connection.spec.mode));
    match endpoint.connections.len() {
        0 => "0".to_owned(),
        1 => each.collect(),
        several @ 2..=15 => std::iter::once(count(several)).chain(each).collect(),
        many => count(many).to_string(),
    }
}

fn mode(mode: MediaMode) -> char {
    match mode.name() {
        "inactive" => 'I',
        "sendonly" => 'S',
        "recvonly" => 'R',
        "sendrecv" => 'B',
        "confrnce" => 'C',
        "loopback" => 'L',
        "conttest" => 'T',
        "netwloop" => 'N',
        _ => 'U',
    }
}

fn state(endpoint: &Endpoint, states: &[StateType], plane: &dyn MediaPlane) -> char {
    match endpoint.service.is_in() {
        false => 'O',
        true if states.iter().any(|state| state.holds(endpoint, plane)) => 'T',
        true => 'F',
    }
}
