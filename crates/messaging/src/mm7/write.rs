//! From values to elements, in the order of the schema of release 6.

use strowger_mms::message::When;

use super::message::{
    Address, Content, Deliver, DeliveryReport, Message, Operation, ReadReply, Recipient, Recipients, Replace,
    Sender, Status, Submit,
};
use super::soap::Dialect;
use crate::time;
use crate::xml::Element;

fn leaf(name: &str, text: impl Into<String>) -> Element {
    Element { text: text.into(), ..Element::new(name) }
}

/// Elements one after the other, those that are absent left out.
struct Sequence(Element);

impl Sequence {
    fn new(operation: Operation, dialect: &Dialect) -> Self {
        Self(Element::new(operation.request()).with("xmlns", &dialect.namespace))
            .leaf("MM7Version", &dialect.version)
    }

    fn child(self, child: Element) -> Self {
        Self(self.0.child(child))
    }

    fn leaf(self, name: &str, text: impl Into<String>) -> Self {
        self.child(leaf(name, text))
    }

    fn maybe(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.leaf(name, text),
            None => self,
        }
    }

    fn flag(self, name: &str, value: Option<bool>) -> Self {
        self.maybe(name, value.map(|value| if value { "true" } else { "false" }))
    }

    fn moment(self, name: &str, when: Option<When>) -> Self {
        let text = when.map(|when| match when {
            When::At(seconds) => date(seconds),
            When::In(seconds) => format!("PT{seconds}S"),
        });
        self.maybe(name, text.as_deref())
    }

    fn content(self, content: Option<&Content>) -> Self {
        let Some(content) = content else { return self };
        let allowed = content.allow_adaptations.map(|value| if value { "true" } else { "false" });
        self.child(Element::new("Content").with("href", &content.href).maybe("allowAdaptations", allowed))
    }
}

fn date(seconds: u64) -> String {
    time::stamp(seconds.saturating_mul(1000))
}

fn address(address: &Address) -> Element {
    let name = match address {
        Address::Number(_) => "Number",
        Address::Mail(_) => "RFC2822Address",
        Address::ShortCode(_) => "ShortCode",
    };
    leaf(name, address.as_str())
}

fn within(name: &str, of: &Address) -> Element {
    Element::new(name).child(address(of))
}

fn recipients(all: &Recipients) -> Element {
    let mut element = Element::new("Recipients");
    for (name, group) in [("To", &all.to), ("Cc", &all.cc), ("Bcc", &all.bcc)] {
        if group.is_empty() {
            continue;
        }
        let one = |element: Element, recipient: &Recipient| {
            let only = recipient.display_only.then_some("true");
            element.child(address(&recipient.address).maybe("displayOnly", only))
        };
        element = element.child(group.iter().fold(Element::new(name), one));
    }
    element
}

fn sender(sender: &Sender) -> Element {
    let mut element = Element::new("SenderIdentification");
    for (name, text) in [("VASPID", &sender.vaspid), ("VASID", &sender.vasid)] {
        if let Some(text) = text {
            element = element.child(leaf(name, text));
        }
    }
    match &sender.address {
        Some(address) => element.child(within("SenderAddress", address)),
        None => element,
    }
}

/// The element of a message.
pub(super) fn message(message: &Message, dialect: &Dialect) -> Element {
    match message {
        Message::Submit(request) => submit(request, dialect),
        Message::Cancel(request) => {
            let sequence = Sequence::new(Operation::Cancel, dialect).child(sender(&request.sender));
            sequence.leaf("MessageID", &request.id).0
        }
        Message::Replace(request) => replace(request, dialect),
        Message::Deliver(request) => deliver(request, dialect),
        Message::DeliveryReport(request) => delivery_report(request, dialect),
        Message::ReadReply(request) => read_reply(request, dialect),
        Message::Response { to, status, id } => {
            let element = Element::new(to.response())
                .with("xmlns", &dialect.namespace)
                .child(leaf("MM7Version", &dialect.version))
                .child(of_status(status));
            match id {
                Some(id) => element.child(leaf("MessageID", id)),
                None => element,
            }
        }
        Message::Fault(status) => fault(status, dialect),
    }
}

fn submit(request: &Submit, dialect: &Dialect) -> Element {
    let sequence = Sequence::new(Operation::Submit, dialect)
        .child(sender(&request.sender))
        .child(recipients(&request.recipients))
        .maybe("ServiceCode", request.service_code.as_deref())
        .maybe("LinkedID", request.linked.as_deref())
        .maybe("MessageClass", request.class.as_deref())
        .moment("TimeStamp", request.time);
    let sequence = match request.reply_charging {
        true => sequence.child(Element::new("ReplyCharging")),
        false => sequence,
    };
    sequence
        .moment("EarliestDeliveryTime", request.earliest)
        .moment("ExpiryDate", request.expiry)
        .flag("DeliveryReport", request.delivery_report.then_some(true))
        .flag("ReadReply", request.read_reply.then_some(true))
        .maybe("Priority", request.priority.as_deref())
        .maybe("Subject", request.subject.as_deref())
        .maybe("ChargedParty", request.charged_party.as_deref())
        .flag("DistributionIndicator", request.distribution)
        .maybe("ApplicID", request.applic_id.as_deref())
        .maybe("ReplyApplicID", request.reply_applic_id.as_deref())
        .maybe("AuxApplicInfo", request.aux_applic_info.as_deref())
        .content(request.content.as_ref())
        .0
}

fn replace(request: &Replace, dialect: &Dialect) -> Element {
    Sequence::new(Operation::Replace, dialect)
        .child(sender(&request.sender))
        .leaf("MessageID", &request.id)
        .flag("ReadReply", request.read_reply)
        .moment("EarliestDeliveryTime", request.earliest)
        .content(request.content.as_ref())
        .0
}

fn deliver(request: &Deliver, dialect: &Dialect) -> Element {
    let sequence = Sequence::new(Operation::Deliver, dialect)
        .leaf("MMSRelayServerID", &request.server)
        .maybe("VASPID", request.vaspid.as_deref())
        .maybe("VASID", request.vasid.as_deref())
        .maybe("LinkedID", request.linked.as_deref())
        .child(within("Sender", &request.sender));
    let sequence = match request.recipients == Recipients::default() {
        true => sequence,
        false => sequence.child(recipients(&request.recipients)),
    };
    sequence
        .moment("TimeStamp", request.time.map(When::At))
        .maybe("Priority", request.priority.as_deref())
        .maybe("Subject", request.subject.as_deref())
        .content(request.content.as_ref())
        .0
}

fn delivery_report(request: &DeliveryReport, dialect: &Dialect) -> Element {
    Sequence::new(Operation::DeliveryReport, dialect)
        .leaf("MMSRelayServerID", &request.server)
        .leaf("MessageID", &request.id)
        .child(within("Recipient", &request.recipient))
        .child(within("Sender", &request.sender))
        .leaf("Date", date(request.date))
        .leaf("MMStatus", request.status.word())
        .maybe("StatusText", request.text.as_deref())
        .0
}

fn read_reply(request: &ReadReply, dialect: &Dialect) -> Element {
    Sequence::new(Operation::ReadReply, dialect)
        .leaf("MMSRelayServerID", &request.server)
        .leaf("MessageID", &request.id)
        .child(within("Recipient", &request.recipient))
        .child(within("Sender", &request.sender))
        .leaf("TimeStamp", date(request.date))
        .leaf("MMStatus", request.status.word())
        .0
}

fn of_status(status: &Status) -> Element {
    let element = Element::new("Status")
        .child(leaf("StatusCode", status.code.0.to_string()))
        .child(leaf("StatusText", &status.text));
    match &status.details {
        Some(details) => element.child(leaf("Details", details)),
        None => element,
    }
}

/// SOAP 1.1 section 4.4: whose fault it is, in SOAP's words, and in those of MM7.
fn fault(status: &Status, dialect: &Dialect) -> Element {
    let whose = if status.code.0 / 1000 == 3 || status.code.may_pass() { "env:Server" } else { "env:Client" };
    let error = Element::new("RSErrorRsp")
        .with("xmlns", &dialect.namespace)
        .child(leaf("MM7Version", &dialect.version))
        .child(of_status(status));
    Element::new("env:Fault")
        .child(leaf("faultcode", whose))
        .child(leaf("faultstring", status.code.text()))
        .child(Element::new("detail").child(error))
}
