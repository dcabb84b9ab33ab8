//! A message that a handset wants to send (m-send-req): parts, and a presentation that shows them in their order.

use strowger_mms::message::{EncodedString, Priority, Sender, SenderVisibility, When, YesNo};
use strowger_mms::multipart::PartsBuf;
use strowger_mms::wsp::{ContentTypeBuf, HeadersBuf};
use strowger_mms::{Charset, Field, Message, MessageType, Text, Version};

/// A part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftPart {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media: String,
    /// What it holds.
    pub data: Vec<u8>,
}

/// A message to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The transaction identifier.
    pub transaction: String,
    /// The recipients, as `+15550100/TYPE=PLMN`.
    pub to: Vec<String>,
    /// Those of copies.
    pub cc: Vec<String>,
    /// Those that nobody sees.
    pub bcc: Vec<String>,
    /// The subject.
    pub subject: Option<String>,
    /// Whether delivery is to be reported.
    pub delivery_report: bool,
    /// Whether reading is.
    pub read_report: bool,
    /// Whether the recipients see the sender.
    pub hidden: bool,
    /// The priority.
    pub priority: Option<Priority>,
    /// When it is to be delivered.
    pub delivery_time: Option<When>,
    /// When it expires.
    pub expiry: Option<When>,
    /// The version; 1.2 when there is none.
    pub version: Option<Version>,
    /// What it holds.
    pub parts: Vec<DraftPart>,
}

impl Draft {
    /// The message, encoded. The relay is asked to put the sender in, since it alone knows him.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let body = self.body();
        let content_type = ContentTypeBuf::new("application/vnd.wap.multipart.related")
            .start_type("application/smil")
            .start("<smil>");
        let mut message = Message::new(MessageType::SendReq)
            .version(self.version.unwrap_or(Version::V1_2))
            .with(Field::TransactionId(Text::from(self.transaction.as_str())))
            .with(Field::From(Sender::InsertAddress));
        for to in &self.to {
            message = message.with(Field::To(EncodedString::new(to)));
        }
        for cc in &self.cc {
            message = message.with(Field::Cc(EncodedString::new(cc)));
        }
        for bcc in &self.bcc {
            message = message.with(Field::Bcc(EncodedString::new(bcc)));
        }
        let message = message
            .maybe(self.subject.as_deref().map(|subject| Field::Subject(EncodedString::new(subject))))
            .maybe(self.priority.map(Field::Priority))
            .maybe(self.delivery_time.map(Field::DeliveryTime))
            .maybe(self.expiry.map(Field::Expiry))
            .maybe(self.hidden.then_some(Field::SenderVisibility(SenderVisibility::Hide)))
            .maybe(self.delivery_report.then_some(Field::DeliveryReport(YesNo::Yes)))
            .maybe(self.read_report.then_some(Field::ReadReport(YesNo::Yes)))
            .body(content_type.as_content_type(), &body);
        let mut out = Vec::with_capacity(body.len() + 512);
        strowger_mms::binary::encode_as_it_is(&message, &mut out);
        out
    }

    fn body(&self) -> Vec<u8> {
        let mut parts = PartsBuf::new();
        let smil = ContentTypeBuf::new("application/smil").charset(Charset::UTF8);
        let headers = HeadersBuf::new().content_id("<smil>");
        parts.add(&smil.as_content_type(), &headers.as_headers(), self.presentation().as_bytes());
        for part in &self.parts {
            let mut media = ContentTypeBuf::new(&part.media);
            if part.media.starts_with("text/") {
                media = media.charset(Charset::UTF8);
            }
            let media = media.named(&part.name);
            let headers = HeadersBuf::new().content_location(&part.name);
            parts.add(&media.as_content_type(), &headers.as_headers(), &part.data);
        }
        parts.finish()
    }

    /// All parts on one slide.
    fn presentation(&self) -> String {
        let mut slide = String::new();
        for part in &self.parts {
            let element = match part.media.split('/').next() {
                Some("image") => "img",
                Some("text") => "text",
                Some("audio") => "audio",
                Some("video") => "video",
                _ => "ref",
            };
            slide.push_str(&format!("<{element} src=\"{}\"/>", crate::xml::escape(&part.name)));
        }
        format!("<smil><head><layout/></head><body><par dur=\"5s\">{slide}</par></body></smil>")
    }
}
