//! What goes over the air: content as it is submitted, as a WSP push (WAP-235 section 8, WAP-230 section 8.2.4.1).

use std::borrow::Cow;
use std::fmt;

use strowger_mms::wbxml::{self, CacheOperation, EmailNotification, Load, ServiceIndication, ServiceLoading};
use strowger_mms::wsp::{ApplicationId, ContentType, ContentTypeBuf, HeadersBuf, Pdu, Push};
use strowger_mms::{Charset, Limits, Text};

use crate::http::multipart;

/// Content that is dangerous to a phone in the wrong hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// OMA client provisioning: it changes where the phone sends its traffic.
    Provisioning,
    /// A service that is loaded without asking.
    Loading,
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provisioning => "client provisioning",
            Self::Loading => "a service that loads without asking (execute-high)",
        })
    }
}

/// Why content cannot be pushed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// No media type.
    #[error("the content has no media type")]
    NoType,
    /// It is not what its media type says.
    #[error("the content is not {media}: {fault}")]
    Malformed {
        /// The media type.
        media: String,
        /// Why.
        fault: String,
    },
    /// Too much.
    #[error("{octets} octets are more than the {most} that a push may have")]
    TooLong {
        /// How much there is.
        octets: usize,
        /// How much may be.
        most: usize,
    },
}

/// A push as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    payload: Vec<u8>,
    danger: Option<Danger>,
}

/// The media type of MMS messages.
pub const MMS: &str = "application/vnd.wap.mms-message";

impl Content {
    /// Content of a media type for an application (`x-wap-application:mms.ua`, its number's name, or none for the type's own). Documents in
    /// XML of service indications, service loadings, cache operations and e-mail notifications become WBXML on the way.
    ///
    /// # Errors
    /// When it has no type, is not what the type says, or is too long.
    pub fn new(
        media: &str,
        application: Option<&str>,
        body: &[u8],
        most: usize,
    ) -> Result<Self, ContentError> {
        let name = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if name.is_empty() || !name.contains('/') {
            return Err(ContentError::NoType);
        }
        if body.len() > most {
            return Err(ContentError::TooLong { octets: body.len(), most });
        }
        let (name, body, danger) = convert(&name, body, most)?;
        let charset = multipart::parameter(media, "charset");
        let charset = charset.and_then(|charset| Charset::from_name(&charset));
        let mut content_type = ContentTypeBuf::new(&name);
        if let Some(charset) = charset.filter(|_| name.starts_with("text/")) {
            content_type = content_type.charset(charset);
        }
        let content_type = content_type.as_content_type();
        let danger =
            danger.or_else(|| wbxml::is_provisioning(&content_type, &body).then_some(Danger::Provisioning));
        let application = application.or((name == MMS).then_some("x-wap-application:mms.ua"));
        let payload = push(content_type, application, &body);
        // The transaction identifier stands before it.
        if payload.len() >= most {
            return Err(ContentError::TooLong { octets: payload.len() + 1, most });
        }
        Ok(Self { payload, danger })
    }

    /// The push without its transaction identifier.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The same, for good.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Whether it needs a trusted sender.
    #[must_use]
    pub const fn danger(&self) -> Option<Danger> {
        self.danger
    }
}

/// The media type that goes over the air, and the octets that go with it.
type Converted<'b> = (String, Cow<'b, [u8]>, Option<Danger>);

fn convert<'b>(name: &str, body: &'b [u8], most: usize) -> Result<Converted<'b>, ContentError> {
    let limits = Limits { bytes: most, ..Limits::default() };
    let malformed = |fault: &dyn fmt::Display| ContentError::Malformed {
        media: name.to_owned(),
        fault: fault.to_string(),
    };
    let text = || std::str::from_utf8(body).map_err(|error| malformed(&error));
    let loading =
        |document: &ServiceLoading| (document.action == Load::ExecuteHigh).then_some(Danger::Loading);
    let mut out = Vec::new();
    let (wire, danger) = match name {
        MMS => {
            strowger_mms::decode(body, &limits).map_err(|error| malformed(&error))?;
            return Ok((name.to_owned(), Cow::Borrowed(body), None));
        }
        "application/vnd.wap.slc" => {
            let document = ServiceLoading::decode(body, &limits).map_err(|error| malformed(&error))?;
            return Ok((name.to_owned(), Cow::Borrowed(body), loading(&document)));
        }
        "application/vnd.wap.sic" => {
            ServiceIndication::decode(body, &limits).map_err(|error| malformed(&error))?;
            return Ok((name.to_owned(), Cow::Borrowed(body), None));
        }
        "text/vnd.wap.si" => {
            let document =
                ServiceIndication::from_xml(text()?, &limits).map_err(|error| malformed(&error))?;
            document.encode(&mut out);
            ("application/vnd.wap.sic", None)
        }
        "text/vnd.wap.sl" => {
            let document = ServiceLoading::from_xml(text()?, &limits).map_err(|error| malformed(&error))?;
            document.encode(&mut out);
            ("application/vnd.wap.slc", loading(&document))
        }
        "text/vnd.wap.co" => {
            let document = CacheOperation::from_xml(text()?, &limits).map_err(|error| malformed(&error))?;
            document.encode(&mut out);
            ("application/vnd.wap.coc", None)
        }
        "application/vnd.wap.emn+xml" => {
            let document =
                EmailNotification::from_xml(text()?, &limits).map_err(|error| malformed(&error))?;
            document.encode(&mut out);
            ("application/vnd.wap.emn+wbxml", None)
        }
        _ => return Ok((name.to_owned(), Cow::Borrowed(body), None)),
    };
    Ok((wire.to_owned(), Cow::Owned(out), danger))
}

fn push(content_type: ContentType<'_>, application: Option<&str>, body: &[u8]) -> Vec<u8> {
    let headers = application.map(|application| {
        let number = strowger_mms::wsp::table::application_number(application);
        let id = match number {
            Some(number) => ApplicationId::Number(u64::from(number)),
            None => ApplicationId::Uri(Text::from(application)),
        };
        HeadersBuf::new().application(id)
    });
    let headers = headers.unwrap_or_default();
    let mut out = Vec::with_capacity(body.len() + 32);
    Pdu::Push(Push { content_type, headers: headers.as_headers(), data: body }).write(&mut out);
    out
}

/// An MMS notification in its parts.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification<'n> {
    /// Where the message is fetched.
    #[serde(borrow)]
    pub location: Cow<'n, str>,
    /// The transaction; one is made when it is missing.
    #[serde(borrow, default)]
    pub transaction: Option<Cow<'n, str>>,
    /// Who sent it, as `+15550100/TYPE=PLMN` or a plain number.
    #[serde(borrow, default)]
    pub from: Option<Cow<'n, str>>,
    /// What it is about.
    #[serde(borrow, default)]
    pub subject: Option<Cow<'n, str>>,
    /// Its octets.
    #[serde(default)]
    pub size: u64,
    /// How many seconds it can be fetched; three days when it is missing.
    #[serde(default)]
    pub expiry: Option<u64>,
}

impl Content {
    /// A notification.
    ///
    /// # Errors
    /// When a part of it is not legal, or it is too long.
    pub fn notification(notification: &Notification<'_>, most: usize) -> Result<Self, ContentError> {
        Self::new(MMS, None, &notification.to_body()?, most)
    }
}

impl Notification<'_> {
    /// It as an MMS message (MMS ENC section 6.2).
    ///
    /// # Errors
    /// When a part of it is not legal.
    pub fn to_body(&self) -> Result<Vec<u8>, ContentError> {
        use strowger_mms::message::{Counted, EncodedString, MessageClass, Sender, When};
        use strowger_mms::{Field, Message, MessageType};
        let made;
        let transaction = match self.transaction.as_deref() {
            Some(given) => given,
            None => {
                made = crate::http::json::fresh_id();
                made.get(..12).unwrap_or(&made)
            }
        };
        let sender = self.from.as_deref().map(|from| {
            let typed = from.contains('/') || from.contains('@');
            if typed { from.to_owned() } else { format!("{from}/TYPE=PLMN") }
        });
        let from = sender.as_deref().map(|sender| Field::From(Sender::Address(EncodedString::new(sender))));
        let subject = self.subject.as_deref().map(|text| Field::Subject(EncodedString::new(text)));
        let message = Message::new(MessageType::NotificationInd)
            .with(Field::TransactionId(Text::from(transaction)))
            .maybe(from)
            .maybe(subject)
            .with(Field::MessageClass(MessageClass::Personal))
            .with(Field::MessageSize(self.size))
            .with(Field::Expiry(When::In(self.expiry.unwrap_or(259_200))))
            .with(Field::ContentLocation(Counted::plain(Text::from(self.location.as_ref()))));
        let mut body = Vec::with_capacity(160);
        strowger_mms::encode(&message, &mut body).map_err(|departure| ContentError::Malformed {
            media: MMS.to_owned(),
            fault: departure.to_string(),
        })?;
        Ok(body)
    }
}
