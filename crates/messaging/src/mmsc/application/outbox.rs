//! Hands applications their messages and reports, at the URL that the operator has given.
//!
//! What is to be handed is in the engine, with its retries, and known from the disk: here is one attempt, and what became of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value, json};
use strowger_mms::Charset;
use tokio::task::JoinSet;

use super::super::mail::{MailSettings, outgoing};
use super::super::message::{Delivery, Envelope, State};
use super::super::mime::{Parts, Transfer};
use super::super::party::Party;
use super::super::request::{Handover, Purpose, Taken};
use super::super::service::Service;
use super::json::reading_word;
use super::submission::{priority_word, sender_of};
use super::{Application, Callback, Interface, Inventory};
use crate::http::base64;
use crate::http::client::{Answer, Call, ClientError, Connection, Url};
use crate::http::multipart::{self, Part};
use crate::mm7::message::Recipient;
use crate::mm7::{
    Address, Content, Deliver, DeliveryReport, Dialect, Message, MmStatus, ReadReply, Recipients, Soap,
    StatusCode, XML,
};
use crate::time;
use crate::xml::XmlLimits;

/// How long an application may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One attempt: hands something over and tells what became of it.
pub async fn hand(service: &Service, inventory: &Inventory, server: &str, handover: &Handover) -> Taken {
    let Party::Application(name) = &handover.to else { return Taken::NoWay };
    let found = inventory.find(name);
    let Some(application) = found else { return Taken::NoWay };
    let Some(callback) = &application.callback else {
        // Who has no URL asks how a message stands; messages wait until the operator has given one.
        let report = handover.id.purpose != Purpose::Notification;
        return if report { Taken::Refused } else { Taken::NoWay };
    };
    let Some(delivery) = handover.envelope.deliveries.get(handover.id.delivery.place) else {
        return Taken::NoWay;
    };
    let content = match content(service, handover, delivery).await {
        Ok(content) => content,
        Err(taken) => return taken,
    };
    let outgoing = Outgoing { application, server, handover, delivery, content };
    let call = match &callback.interface {
        Interface::Mm7(dialect) => outgoing.mm7(dialect),
        Interface::Json => outgoing.json(),
    };
    match send(callback, call).await {
        Ok(answer) => judge(&callback.interface, &answer),
        Err(error) => {
            tracing::info!(application = name, %error, "an application was not reached; it is tried again");
            Taken::Busy
        }
    }
}

/// The content of a message that is handed over; reports have none.
pub(in crate::mmsc) async fn content(
    service: &Service,
    handover: &Handover,
    delivery: &Delivery,
) -> Result<Parts, Taken> {
    if handover.id.purpose != Purpose::Notification {
        return Ok(Parts::default());
    }
    let envelope = &handover.envelope;
    let body = match service.body(envelope.body).await {
        Ok(Some(body)) => body,
        // It has ended meanwhile.
        Ok(None) => return Err(Taken::NoWay),
        Err(error) => {
            tracing::error!(%error, "a body cannot be read");
            return Err(Taken::Busy);
        }
    };
    Parts::of_stored(envelope, delivery, &body).map_err(|error| {
        tracing::warn!(id = envelope.id, %error, "a message that cannot be read is not handed over");
        Taken::Refused
    })
}

async fn send(callback: &Callback, call: Call) -> Result<Answer, ClientError> {
    let Url { authority, .. } = &callback.url;
    let mut last = ClientError::Url(authority.clone());
    for address in callback.url.resolve().await? {
        match Connection::open(address, authority, PATIENCE).await {
            Ok(mut connection) => {
                let user = callback.url.user.clone();
                return connection.send(Call { path: callback.url.path.clone(), user, ..call }).await;
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What an answer means.
fn judge(interface: &Interface, answer: &Answer) -> Taken {
    let status = answer.status;
    match interface {
        Interface::Mm7(_) => {
            match Soap::parse(&answer.body, &XmlLimits::default()).map(|soap| soap.message) {
                Ok(Message::Response { status, .. } | Message::Fault(status)) => by_code(status.code),
                // Some take what they are told and say nothing.
                _ if status.is_success() && answer.body.trim_ascii().is_empty() => Taken::Accepted,
                _ => Taken::Busy,
            }
        }
        Interface::Json if status.is_success() => Taken::Accepted,
        // Neither a wrong password nor a wrong URL is the message's fault.
        Interface::Json if matches!(status.as_u16(), 400 | 406 | 410 | 413 | 415 | 422) => Taken::Refused,
        Interface::Json => Taken::Busy,
    }
}

fn by_code(code: StatusCode) -> Taken {
    match code {
        code if code.is_success() => Taken::Accepted,
        code if code.may_pass() => Taken::Busy,
        code => {
            tracing::warn!(%code, "an application refused a message or report");
            Taken::Refused
        }
    }
}

/// What is handed over, with everything that is known about it.
struct Outgoing<'h> {
    application: &'h Application,
    server: &'h str,
    handover: &'h Handover,
    delivery: &'h Delivery,
    content: Parts,
}

impl Outgoing<'_> {
    fn envelope(&self) -> &Envelope {
        &self.handover.envelope
    }

    /// The same at each attempt, so that an application knows what it has.
    fn transaction(&self) -> String {
        let purpose = match self.handover.id.purpose {
            Purpose::Notification => "message",
            Purpose::DeliveryReport => "delivery",
            Purpose::ReadReport => "reading",
        };
        format!("{}/{}/{purpose}", self.envelope().id, self.handover.id.delivery.place)
    }

    fn mm7(self, dialect: &Dialect) -> Call {
        let message = match self.handover.id.purpose {
            Purpose::Notification => Message::Deliver(Box::new(self.deliver())),
            Purpose::DeliveryReport => Message::DeliveryReport(Box::new(self.delivery_report())),
            Purpose::ReadReport => Message::ReadReply(Box::new(self.read_reply())),
        };
        let soap = Soap { transaction: self.transaction(), dialect: dialect.clone(), message };
        let document = soap.to_document();
        let xml = format!("{XML}; charset=utf-8");
        if self.content.parts.is_empty() {
            return post(xml, document);
        }
        let boundary = super::super::fresh_name();
        let (kind, body) = self.content.to_mime(&format!("{boundary}-content"), Transfer::Binary);
        let part = |kind: String, id: &str, body| {
            let headers = vec![
                ("Content-Type".to_owned(), kind),
                ("Content-ID".to_owned(), format!("<{id}>")),
                ("Content-Transfer-Encoding".to_owned(), "binary".to_owned()),
            ];
            Part { headers, body }
        };
        let outer = format!("{boundary}-mm7");
        let parts = [part(xml, "mm7", document.as_slice()), part(kind, "content", body.as_slice())];
        let kind = format!("multipart/related; type=\"{XML}\"; start=\"<mm7>\"; boundary=\"{outer}\"");
        post(kind, multipart::write(&outer, &parts))
    }

    fn deliver(&self) -> Deliver {
        let envelope = self.envelope();
        let seen = |group: &[String]| -> Vec<Recipient> {
            let one = |text: &String| Recipient { address: address(text), display_only: false };
            group.iter().map(one).collect()
        };
        Deliver {
            server: self.server.to_owned(),
            vaspid: self.application.vaspid.clone(),
            vasid: self.application.vasid.clone(),
            linked: Some(envelope.id.clone()),
            sender: address(&sender_of(envelope)),
            recipients: Recipients {
                to: seen(&envelope.shown_to),
                cc: seen(&envelope.shown_cc),
                bcc: Vec::new(),
            },
            time: Some(envelope.date),
            priority: envelope.priority.and_then(priority_word).map(str::to_owned),
            subject: envelope.subject.clone(),
            content: Some(Content { href: "cid:content".to_owned(), allow_adaptations: None }),
        }
    }

    fn delivery_report(&self) -> DeliveryReport {
        let (status, text) = match self.delivery.state {
            State::Retrieved => (MmStatus::Retrieved, None),
            State::Rejected => (MmStatus::Rejected, None),
            State::Expired => (MmStatus::Expired, None),
            State::Forwarded => (MmStatus::Forwarded, None),
            // The schema has no word for it.
            State::Unreachable => (MmStatus::Indeterminate, Some("there is no way to the recipient")),
            _ => (MmStatus::Indeterminate, None),
        };
        DeliveryReport {
            server: self.server.to_owned(),
            id: self.envelope().id.clone(),
            recipient: address(&self.delivery.to.to_string()),
            sender: address(&sender_of(self.envelope())),
            date: self.delivery.ended.unwrap_or(self.envelope().accepted) / 1000,
            status,
            text: text.map(str::to_owned),
        }
    }

    fn read_reply(&self) -> ReadReply {
        let reading = self.delivery.reading;
        let read = reading.is_some_and(|reading| reading_word(reading.read_status()) == "read");
        ReadReply {
            server: self.server.to_owned(),
            id: self.envelope().id.clone(),
            recipient: address(&self.delivery.to.to_string()),
            sender: address(&sender_of(self.envelope())),
            date: reading.map_or(0, |reading| reading.date),
            status: if read { MmStatus::Read } else { MmStatus::Deleted },
        }
    }

    fn json(self) -> Call {
        let envelope = self.envelope();
        let mut event = match self.handover.id.purpose {
            Purpose::Notification => self.json_message(),
            Purpose::DeliveryReport => json!({
                "event": "delivery",
                "to": self.delivery.to.to_string(),
                "state": self.delivery.state.word(),
                "at": time::stamp(self.delivery.ended.unwrap_or(envelope.accepted)),
            }),
            Purpose::ReadReport => json!({
                "event": "reading",
                "to": self.delivery.to.to_string(),
                "state": self.delivery.reading.map(|reading| reading_word(reading.read_status())),
                "at": self.delivery.reading.map(|reading| time::stamp(reading.date.saturating_mul(1000))),
            }),
        };
        if let Value::Object(event) = &mut event {
            event.insert("transaction".to_owned(), json!(self.transaction()));
            event.insert("id".to_owned(), json!(envelope.id));
            if let Some(reference) = &envelope.reference {
                event.insert("reference".to_owned(), json!(reference));
            }
        }
        post("application/json".to_owned(), event.to_string().into_bytes())
    }

    fn json_message(&self) -> Value {
        let envelope = self.envelope();
        let parts: Vec<_> = self
            .content
            .parts
            .iter()
            .map(|part| {
                json!({
                    "type": part.media,
                    "charset": part.charset.and_then(Charset::name),
                    "name": part.name,
                    "id": part.id,
                    "data": base64::encode(&part.data),
                })
            })
            .collect();
        json!({
            "event": "message",
            "from": sender_of(envelope),
            "to": self.delivery.to.to_string(),
            "subject": envelope.subject,
            "sent": time::stamp(envelope.date.saturating_mul(1000)),
            "parts": parts,
        })
    }
}

fn post(content_type: String, body: Vec<u8>) -> Call {
    Call {
        method: Method::POST,
        content_type: Some(content_type),
        body: Bytes::from(body),
        ..Call::default()
    }
}

/// An address as MM7 has it: digits with `+` are a number, fewer and others a short code.
fn address(text: &str) -> Address {
    let bare = text.split("/TYPE=").next().unwrap_or_default().to_owned();
    if bare.contains('@') {
        Address::Mail(bare)
    } else if bare.starts_with('+') || text.ends_with("/TYPE=PLMN") {
        Address::Number(bare)
    } else {
        Address::ShortCode(bare)
    }
}

/// Takes handovers until the MMSC ends. How many go at one time is the engine's to say.
pub async fn run(
    mut handovers: tokio::sync::mpsc::UnboundedReceiver<Handover>,
    service: Service,
    inventory: Arc<Inventory>,
    mail: Arc<MailSettings>,
    server: String,
) {
    let mut going = JoinSet::new();
    loop {
        let handover = tokio::select! {
            handover = handovers.recv() => match handover {
                Some(handover) => handover,
                None => return,
            },
            Some(_) = going.join_next() => continue,
        };
        let (service, server) = (service.clone(), server.clone());
        let (inventory, mail) = (Arc::clone(&inventory), Arc::clone(&mail));
        going.spawn(async move {
            let taken = match &handover.to {
                Party::Mail(_) | Party::Peer { .. } => outgoing::hand(&service, &mail, &handover).await,
                _ => hand(&service, &inventory, &server, &handover).await,
            };
            service.taken(handover.id, taken).await;
        });
    }
}
