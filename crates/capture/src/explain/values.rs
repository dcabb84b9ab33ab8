//! The values of MGCP's parameters, taken apart (RFC 3435 section 3.2.2).

use strowger_mgcp::digitmap::DigitMap;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{
    Action, BearerInformation, ConnectionParameters, Embedded, EventConnection, EventList, EventName,
    EventParameters, LocalOption, LocalOptions, NotifiedEntity, PackageList, Parameter, ParameterCode,
    Reason, RequestedEvent, RequestedEvents, RequestedInfo, ResponseAck,
};
use strowger_mgcp::package::{self, Item, PackageSet};

use super::tree::Node;
use super::{names, place};

const EVENT_NAMES: &str = "RFC 3435 section 3.2.2.4";
const ACTIONS: &str = "RFC 3435 section 3.2.2.16";

/// Fills in what a parameter's value means and what it is made of.
pub(super) fn fill(node: &mut Node, parameter: &Parameter<'_>, whole: &[u8]) {
    let reader = Reader { whole, fallback: node.start..node.end, clause: node.clause };
    let value = parameter.value;
    match parameter.code {
        ParameterCode::LocalConnectionOptions => {
            node.adopt(
                LocalOptions::parse(value).map(|list| reader.options(list.iter())).unwrap_or_default(),
            );
        }
        ParameterCode::Capabilities => {
            let list = LocalOptions::parse_capabilities(value);
            node.adopt(list.map(|list| reader.options(list.iter())).unwrap_or_default());
        }
        ParameterCode::BearerInformation => {
            node.adopt(
                BearerInformation::parse(value).map(|list| reader.options(list.iter())).unwrap_or_default(),
            );
        }
        ParameterCode::ConnectionParameters => {
            let list = ConnectionParameters::parse(value);
            node.adopt(list.map(|list| reader.statistics(list)).unwrap_or_default());
        }
        ParameterCode::RequestedEvents => {
            node.adopt(RequestedEvents::parse(value).map(|list| reader.requested(list)).unwrap_or_default());
        }
        ParameterCode::SignalRequests => {
            node.adopt(EventList::parse(value).map(|list| reader.events("signal", list)).unwrap_or_default());
        }
        ParameterCode::ObservedEvents | ParameterCode::DetectEvents | ParameterCode::EventStates => {
            node.adopt(EventList::parse(value).map(|list| reader.events("event", list)).unwrap_or_default());
        }
        ParameterCode::RequestedInfo => {
            let list = RequestedInfo::parse(value);
            node.adopt(
                list.map(|list| list.iter().map(|code| reader.code(&code)).collect::<Vec<_>>())
                    .unwrap_or_default(),
            );
        }
        ParameterCode::PackageList => {
            node.adopt(PackageList::parse(value).map(|list| reader.packages(list)).unwrap_or_default());
        }
        ParameterCode::ResponseAck => {
            node.adopt(ResponseAck::parse(value).map(|list| reader.ranges(list)).unwrap_or_default());
        }
        _ => node.note = meaning(parameter),
    }
}

/// What a value without parts means.
fn meaning(parameter: &Parameter<'_>) -> Option<String> {
    let value = parameter.value;
    match parameter.code {
        ParameterCode::ConnectionMode => names::mode(value).map(str::to_owned),
        ParameterCode::RestartMethod => names::restart_method(value).map(str::to_owned),
        ParameterCode::ReasonCode => Reason::parse(value)?.code.name().map(str::to_owned),
        ParameterCode::RestartDelay => Some("seconds".to_owned()),
        ParameterCode::MaxMgcpDatagram => Some("octets".to_owned()),
        ParameterCode::NotifiedEntity if value.is_empty() => Some("the source of the command".to_owned()),
        ParameterCode::NotifiedEntity => Some(format!("port {}", NotifiedEntity::parse(value)?.port())),
        ParameterCode::RequestIdentifier if value == "0" => {
            Some("persistent events, without a request".to_owned())
        }
        ParameterCode::DigitMap if value.is_empty() => None,
        ParameterCode::DigitMap => Some(match DigitMap::compile(value, &Limits::DEFAULT) {
            Ok(map) => format!("an automaton of {} states", map.states()),
            Err(error) => crate::escape::escape(&error.to_string()).to_string(),
        }),
        ParameterCode::Vendor { critical: true, .. } => Some("refused with 511 unless understood".to_owned()),
        ParameterCode::Vendor { critical: false, .. } => Some("ignored unless understood".to_owned()),
        _ => None,
    }
}

struct Reader<'w> {
    whole: &'w [u8],
    fallback: std::ops::Range<usize>,
    clause: &'static str,
}

impl Reader<'_> {
    /// A node for text that was borrowed from the whole.
    fn node(&self, label: &str, text: &str, clause: &'static str) -> Node {
        let range = place(self.whole, text.as_bytes()).unwrap_or(self.fallback.clone());
        Node::new(label, text, range, clause)
    }

    /// A node for text that stretches from one part to another.
    fn span(&self, label: &str, shown: &str, from: &str, to: &str, clause: &'static str) -> Node {
        let from = place(self.whole, from.as_bytes());
        let to = place(self.whole, to.as_bytes());
        let range = match (from, to) {
            (Some(from), Some(to)) if from.start <= to.end => from.start..to.end,
            (Some(range), _) | (_, Some(range)) => range,
            _ => self.fallback.clone(),
        };
        Node::new(label, shown, range, clause)
    }

    fn options<'a>(&self, options: impl Iterator<Item = LocalOption<'a>>) -> Vec<Node> {
        options
            .map(|option| {
                let value = option.value.unwrap_or_default();
                let last = if value.is_empty() { option.name } else { value };
                self.span(option.name, value, option.name, last, self.clause)
                    .maybe(names::local_option(option.name))
            })
            .collect()
    }

    fn statistics(&self, list: ConnectionParameters<'_>) -> Vec<Node> {
        list.iter()
            .map(|(name, value)| {
                let mut node = self.node(name, name, self.clause).maybe(names::statistic(name));
                node.value = value.to_string();
                // The number is given as a value, not as text: it ends where the item does.
                let rest = self.whole.get(node.end..self.fallback.end).unwrap_or_default();
                node.end += rest.iter().take_while(|octet| !matches!(octet, b',' | b' ' | b'\t')).count();
                node
            })
            .collect()
    }

    fn code(&self, code: &ParameterCode<'_>) -> Node {
        Node::new("code", code.to_string(), self.fallback.clone(), self.clause).note(names::parameter(code).0)
    }

    fn packages(&self, list: PackageList<'_>) -> Vec<Node> {
        list.iter()
            .map(|listed| {
                let title = package::find(listed.name).map(|package| package.title);
                let mut node = self.node("package", listed.name, self.clause).maybe(title);
                node.value = format!("{} version {}", node.value, listed.version);
                node
            })
            .collect()
    }

    fn ranges(&self, list: ResponseAck<'_>) -> Vec<Node> {
        list.iter()
            .map(|range| Node::new("transactions", range.to_string(), self.fallback.clone(), self.clause))
            .collect()
    }

    fn requested(&self, list: RequestedEvents<'_>) -> Vec<Node> {
        list.iter().map(|event| self.requested_event(&event)).collect()
    }

    fn requested_event(&self, event: &RequestedEvent<'_>) -> Node {
        let mut node = self.name("event", event.name);
        if !event.actions.is_explicit() {
            node.adopt([self.node("action", "", ACTIONS).note("notify, as none is given")]);
        }
        for action in event.actions.iter() {
            node.adopt([self.action(action, event)]);
        }
        node.adopt(self.parameters(event.parameters));
        node
    }

    fn action(&self, action: Action<'_>, event: &RequestedEvent<'_>) -> Node {
        let text = event.actions.as_str();
        let simple = |letter: &str, meaning: &str| {
            let mut node = self.node("action", text, ACTIONS).note(meaning);
            letter.clone_into(&mut node.value);
            node
        };
        match action {
            Action::Notify => simple("N", "notify at once"),
            Action::Accumulate => simple("A", "accumulate"),
            Action::DigitMap => simple("D", "accumulate by the digit map"),
            Action::Swap => simple("S", "swap audio"),
            Action::Ignore => simple("I", "ignore"),
            Action::KeepSignals => simple("K", "keep signals active"),
            Action::Embedded(embedded) => {
                let mut node = simple("E", "then request what is embedded");
                node.adopt(self.embedded(&embedded));
                node
            }
            Action::Package { package, action, parameters } => {
                let mut node = self.span("action", &format!("{package}/{action}"), package, action, ACTIONS);
                node.adopt(self.parameters(parameters));
                node
            }
            Action::Other(word) => self.node("action", word, ACTIONS).note("unknown"),
        }
    }

    fn embedded(&self, embedded: &Embedded<'_>) -> Vec<Node> {
        let mut nodes = Vec::new();
        if let Some(list) = embedded.requested_events {
            let mut node = self.node("RequestedEvents (R)", list.as_str(), ACTIONS);
            node.adopt(self.requested(list));
            nodes.push(node);
        }
        if let Some(list) = embedded.signal_requests {
            let mut node = self.node("SignalRequests (S)", list.as_str(), ACTIONS);
            node.adopt(self.events("signal", list));
            nodes.push(node);
        }
        if let Some(map) = embedded.digit_map {
            nodes.push(self.node("DigitMap (D)", map, ACTIONS));
        }
        nodes
    }

    fn events(&self, label: &str, list: EventList<'_>) -> Vec<Node> {
        list.iter()
            .map(|event| {
                let mut node = self.name(label, event.name);
                node.adopt(self.parameters(event.parameters));
                node
            })
            .collect()
    }

    fn name(&self, label: &str, name: EventName<'_>) -> Node {
        let first = name.package.unwrap_or(name.event);
        let last = match name.connection {
            Some(EventConnection::Id(id)) => id.as_str(),
            _ => name.event,
        };
        self.span(label, &name.to_string(), first, last, EVENT_NAMES).maybe(definition(name))
    }

    fn parameters(&self, parameters: EventParameters<'_>) -> Vec<Node> {
        if parameters.is_empty() {
            return Vec::new();
        }
        vec![self.node("parameters", parameters.as_str(), EVENT_NAMES)]
    }
}

/// What the tables of packages say about an event or signal.
fn definition(name: EventName<'_>) -> Option<String> {
    let known = |package: &str, item: &Item| format!("{}, {}", item.definition, package);
    let Some(package) = name.package else {
        let line = PackageSet::ALL.default_package()?;
        let item = line.item(name.event)?;
        return Some(format!("{} if the default package is {}", item.definition, line.name));
    };
    if package == "*" {
        return Some("of every package".to_owned());
    }
    let Some(table) = package::find(package) else {
        return Some("of a package that is not known here".to_owned());
    };
    match table.item(name.event) {
        Some(item) => Some(known(table.title, item)),
        None if matches!(name.event, "all" | "*") => Some(format!("every event, {}", table.title)),
        None if name.event.starts_with('[') => Some(format!("any of these, {}", table.title)),
        None => Some(format!("not in package {}", table.name)),
    }
}
