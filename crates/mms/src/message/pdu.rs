//! [`Pdu`], a message that was decoded, and [`Message`], one to be encoded; what both must hold besides their syntax.

use std::fmt;

use super::codes::{
    CancelStatus, ContentClass, MessageType, Priority, ReadStatus, ResponseStatus, RetrieveStatus,
    SenderVisibility, Status, StoreStatus, Version, YesNo,
};
use super::field::{Field, FieldCode};
use super::table;
use super::value::{Counted, EncodedString, MessageClass, PreviousDate, PreviousSender, Sender, When};
use crate::error::DecodeError;
use crate::limits::Limits;
use crate::multipart::Parts;
use crate::octets::Reader;
use crate::text::Text;
use crate::wsp::content_type::ContentType;

/// A message that was decoded: its headers were checked and are read lazily, its body is borrowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pdu<'a> {
    pub(crate) kind: MessageType,
    pub(crate) version: Version,
    pub(crate) headers: &'a [u8],
    pub(crate) body: Option<&'a [u8]>,
    /// Which codes from 80 to BF occur, as bits.
    pub(crate) present: u64,
}

macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident $field:ident $type:ty;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> Option<$type> {
            match self.find(FieldCode::$field)? {
                Field::$field(value) => Some(value),
                _ => None,
            }
        })*
    };
}

impl<'a> Pdu<'a> {
    /// The type.
    #[must_use]
    pub const fn kind(&self) -> MessageType {
        self.kind
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The header fields, in the order of the wire, with type, version and content type.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.fields_at().map(|(_, field)| field)
    }

    /// The same with the range of octets that each has in the message.
    pub fn fields_at(&self) -> impl Iterator<Item = (std::ops::Range<usize>, Field<'a>)> + use<'a> {
        let mut reader = Reader::new(self.headers);
        std::iter::from_fn(move || {
            if reader.is_empty() {
                return None;
            }
            let start = reader.offset();
            let field = Field::read(&mut reader).ok()?;
            Some((start..reader.offset(), field))
        })
    }

    /// The first field with this code: of repeated ones that may occur once, it counts.
    #[must_use]
    pub fn find(&self, code: FieldCode) -> Option<Field<'a>> {
        self.has(code).then(|| self.fields().find(|field| field.code() == Some(code))).flatten()
    }

    /// Whether there is a field with this code.
    #[must_use]
    pub const fn has(&self, code: FieldCode) -> bool {
        let code = code.code();
        code >= 0xc0 || self.present & 1 << (code & 0x3f) != 0
    }

    accessors! {
        /// Transaction-Id.
        transaction_id TransactionId Text<'a>;
        /// Message-ID.
        message_id MessageId Text<'a>;
        /// Date, in seconds since 1970.
        date Date u64;
        /// From.
        from From Sender<'a>;
        /// Subject.
        subject Subject EncodedString<'a>;
        /// Message-Class.
        message_class MessageClass MessageClass<'a>;
        /// Message-Size, in octets.
        message_size MessageSize u64;
        /// Expiry.
        expiry Expiry When;
        /// Delivery-Time.
        delivery_time DeliveryTime When;
        /// Priority.
        priority Priority Priority;
        /// Delivery-Report.
        delivery_report DeliveryReport YesNo;
        /// Read-Report.
        read_report ReadReport YesNo;
        /// Report-Allowed.
        report_allowed ReportAllowed YesNo;
        /// Sender-Visibility.
        sender_visibility SenderVisibility SenderVisibility;
        /// Status.
        status Status Status;
        /// Read-Status.
        read_status ReadStatus ReadStatus;
        /// Response-Text.
        response_text ResponseText EncodedString<'a>;
        /// Retrieve-Status.
        retrieve_status RetrieveStatus RetrieveStatus;
        /// Retrieve-Text.
        retrieve_text RetrieveText EncodedString<'a>;
        /// Store-Status.
        store_status StoreStatus StoreStatus;
        /// Content-Class.
        content_class ContentClass ContentClass;
        /// Reply-Charging-ID.
        reply_charging_id ReplyChargingId Text<'a>;
        /// Replace-ID.
        replace_id ReplaceId Text<'a>;
        /// Cancel-ID.
        cancel_id CancelId Text<'a>;
        /// Cancel-Status.
        cancel_status CancelStatus CancelStatus;
        /// Applic-ID.
        applic_id ApplicId Text<'a>;
        /// Content-Type.
        content_type ContentType ContentType<'a>;
    }

    /// Content-Location, without the space that some put in front.
    #[must_use]
    pub fn content_location(&self) -> Option<Text<'a>> {
        match self.find(FieldCode::ContentLocation)? {
            Field::ContentLocation(Counted { value, .. }) => Some(Text::of(value.as_bytes().trim_ascii())),
            _ => None,
        }
    }

    /// Response-Status.
    #[must_use]
    pub fn response_status(&self) -> Option<ResponseStatus> {
        match self.find(FieldCode::ResponseStatus)? {
            Field::ResponseStatus(Counted { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// The recipients: To.
    pub fn to(&self) -> impl Iterator<Item = EncodedString<'a>> + use<'a> {
        self.fields().filter_map(|field| if let Field::To(address) = field { Some(address) } else { None })
    }

    /// The recipients of copies: Cc.
    pub fn cc(&self) -> impl Iterator<Item = EncodedString<'a>> + use<'a> {
        self.fields().filter_map(|field| if let Field::Cc(address) = field { Some(address) } else { None })
    }

    /// The hidden recipients: Bcc.
    pub fn bcc(&self) -> impl Iterator<Item = EncodedString<'a>> + use<'a> {
        self.fields().filter_map(|field| if let Field::Bcc(address) = field { Some(address) } else { None })
    }

    /// Who sent or forwarded the message before, in the order of the wire.
    pub fn previous_senders(&self) -> impl Iterator<Item = PreviousSender<'a>> + use<'a> {
        self.fields()
            .filter_map(|field| if let Field::PreviouslySentBy(by) = field { Some(by) } else { None })
    }

    /// And when.
    pub fn previous_dates(&self) -> impl Iterator<Item = PreviousDate> + use<'a> {
        self.fields()
            .filter_map(|field| if let Field::PreviouslySentDate(date) = field { Some(date) } else { None })
    }

    /// The body, behind the content type.
    #[must_use]
    pub const fn body(&self) -> Option<&'a [u8]> {
        self.body
    }

    /// Where the body begins.
    #[must_use]
    pub const fn body_offset(&self) -> usize {
        self.headers.len()
    }

    /// The parts of a body that is a multipart; none of one that is not.
    ///
    /// # Errors
    /// [`DecodeError`] where the multipart is malformed, with offsets from the start of the body.
    pub fn parts(&self, limits: &Limits) -> Option<Result<Parts<'a>, DecodeError>> {
        let body = self.body?;
        let multipart = self.content_type()?.media.is_multipart();
        multipart.then(|| Parts::decode(body, limits))
    }

    /// What is not as the standard says, although the message can be read.
    #[must_use]
    pub fn departures(&self) -> Vec<Departure> {
        let mut census = Census::default();
        self.fields().for_each(|field| census.count(&field));
        departures(self.kind, &census, self.body.is_some())
    }
}

impl fmt::Debug for Pdu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        list.entries(self.fields());
        if let Some(body) = self.body {
            list.entry(&format_args!("a body of {} octets", body.len()));
        }
        list.finish()
    }
}

/// Something that is not as the standard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Departure {
    /// A mandatory field is missing.
    Missing(FieldCode),
    /// A field that must not stand in such a message.
    Forbidden(FieldCode),
    /// A field that may occur once came again.
    Repeated(FieldCode),
    /// Nobody is to get the message.
    NoRecipient,
    /// A message of class auto asks for a report.
    ReportOfAuto,
    /// A notification or a message that was fetched asks the relay to insert an address, which it should have.
    InsertAddress,
    /// A body is missing.
    NoBody,
    /// A body where there is none.
    Body,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(code) => write!(f, "{code} is mandatory and missing"),
            Self::Forbidden(code) => write!(f, "{code} does not belong into such a message"),
            Self::Repeated(code) => write!(f, "{code} occurs more than once"),
            Self::NoRecipient => f.write_str("one of To, Cc and Bcc is mandatory"),
            Self::ReportOfAuto => f.write_str("a message of class auto asks for no report"),
            Self::InsertAddress => {
                f.write_str("the relay has inserted the sender's address, or left the field out")
            }
            Self::NoBody => f.write_str("such a message has a body"),
            Self::Body => f.write_str("such a message has no body"),
        }
    }
}

impl std::error::Error for Departure {}

/// Fields that may occur more than once.
const REPEATABLE: u64 = bits(&[
    FieldCode::Bcc,
    FieldCode::Cc,
    FieldCode::ContentLocation,
    FieldCode::ResponseStatus,
    FieldCode::ResponseText,
    FieldCode::To,
    FieldCode::PreviouslySentBy,
    FieldCode::PreviouslySentDate,
    FieldCode::MmState,
    FieldCode::MmFlags,
    FieldCode::Attributes,
    FieldCode::MboxTotals,
    FieldCode::MboxQuotas,
    FieldCode::Content,
    FieldCode::AdditionalHeaders,
    FieldCode::ElementDescriptor,
]);

/// Messages in which locations and statuses occur more than once.
const fn is_list(kind: MessageType) -> bool {
    matches!(
        kind,
        MessageType::MboxViewReq
            | MessageType::MboxViewConf
            | MessageType::MboxDeleteReq
            | MessageType::MboxDeleteConf
            | MessageType::DeleteReq
            | MessageType::DeleteConf
            | MessageType::Unknown(_)
    )
}

#[allow(clippy::indexing_slicing, reason = "computed at build time: out of bounds does not build")]
const fn bits(codes: &[FieldCode]) -> u64 {
    let (mut bits, mut place) = (0, 0);
    while place < codes.len() {
        bits |= 1 << (codes[place].code() & 0x3f);
        place += 1;
    }
    bits
}

const RECIPIENTS: u64 = bits(&[FieldCode::To, FieldCode::Cc, FieldCode::Bcc]);
const LISTED: u64 = bits(&[FieldCode::ContentLocation, FieldCode::ResponseStatus, FieldCode::ResponseText]);

/// Fields that may occur more than once in such a message.
const fn repeatable(kind: MessageType) -> u64 {
    if is_list(kind) { REPEATABLE } else { REPEATABLE & !LISTED }
}

/// What is in a message, as far as the table and the rules beside it go: one pass over its fields.
#[derive(Default)]
struct Census {
    seen: u64,
    again: u64,
    auto: bool,
    reports: bool,
    insert: bool,
}

impl Census {
    #[inline]
    fn count(&mut self, field: &Field<'_>) {
        match field {
            Field::MessageClass(MessageClass::Auto) => self.auto = true,
            Field::DeliveryReport(YesNo::Yes) | Field::ReadReport(YesNo::Yes) => self.reports = true,
            Field::From(Sender::InsertAddress) => self.insert = true,
            Field::Unknown { .. } | Field::Application { .. } => return,
            _ => {}
        }
        let bit = field.code().map_or(0, |code| 1 << (code.code() & 0x3f));
        self.again |= self.seen & bit;
        self.seen |= bit;
    }
}

fn departures(kind: MessageType, census: &Census, body: bool) -> Vec<Departure> {
    let Census { seen, again, auto, reports, insert } = *census;
    let repeated = again & !repeatable(kind);
    let forbidden = seen & !table::allowed(kind);
    let missing = table::mandatory(kind) & !seen;
    // Nearly always there is none of these, and nothing is allocated.
    let mut found = Vec::new();
    for (codes, departure) in [
        (repeated, Departure::Repeated as fn(FieldCode) -> Departure),
        (forbidden, Departure::Forbidden),
        (missing, Departure::Missing),
    ] {
        let mut rest = codes;
        while rest != 0 {
            found.push(departure(FieldCode::from_code(0x80 | rest.trailing_zeros() as u8)));
            rest &= rest - 1;
        }
    }
    if matches!(kind, MessageType::SendReq | MessageType::ForwardReq) && seen & RECIPIENTS == 0 {
        found.push(Departure::NoRecipient);
    }
    if auto && reports && kind == MessageType::SendReq {
        found.push(Departure::ReportOfAuto);
    }
    if insert && matches!(kind, MessageType::NotificationInd | MessageType::RetrieveConf) {
        found.push(Departure::InsertAddress);
    }
    if !body && matches!(kind, MessageType::SendReq | MessageType::RetrieveConf) {
        found.push(Departure::NoBody);
    }
    if body && !table::has_body(kind) {
        found.push(Departure::Body);
    }
    found
}

/// A message to be encoded: its type and version, the fields besides, and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    kind: MessageType,
    version: Version,
    fields: Vec<Field<'a>>,
    body: Option<(ContentType<'a>, &'a [u8])>,
}

impl<'a> Message<'a> {
    /// A message of this type, of version 1.2, without fields. The constructor of each type, such as
    /// [`Message::notification_ind`], asks for what is mandatory.
    #[must_use]
    pub fn new(kind: MessageType) -> Self {
        Self { kind, version: Version::V1_2, fields: Vec::new(), body: None }
    }

    /// In another version.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// With a field more. A type or a version replaces that of the message; a content type sets that of the body.
    #[must_use]
    pub fn with(mut self, field: Field<'a>) -> Self {
        match field {
            Field::MessageType(kind) => self.kind = kind,
            Field::MmsVersion(version) => self.version = version,
            Field::ContentType(content_type) => {
                self.body = Some((content_type, self.body.map_or(&[], |(_, body)| body)));
            }
            field => self.fields.push(field),
        }
        self
    }

    /// With a field more, if there is one.
    #[must_use]
    pub fn maybe(self, field: Option<Field<'a>>) -> Self {
        match field {
            Some(field) => self.with(field),
            None => self,
        }
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, content_type: ContentType<'a>, body: &'a [u8]) -> Self {
        self.body = Some((content_type, body));
        self
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> MessageType {
        self.kind
    }

    /// The fields besides type, version and content type.
    #[must_use]
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    pub(crate) const fn content(&self) -> Option<(ContentType<'a>, &'a [u8])> {
        self.body
    }

    pub(crate) const fn written_version(&self) -> Version {
        self.version
    }

    /// What keeps the message from being encoded; empty when it is as the standard says.
    #[must_use]
    pub fn departures(&self) -> Vec<Departure> {
        let content = if self.body.is_some() { bits(&[FieldCode::ContentType]) } else { 0 };
        let fixed = const { bits(&[FieldCode::MessageType, FieldCode::MmsVersion]) };
        let mut census = Census { seen: fixed | content, ..Census::default() };
        self.fields.iter().for_each(|field| census.count(field));
        departures(self.kind, &census, self.body.is_some())
    }
}

/// A message as it was decoded, to be encoded again: in canonical order, with everything that was in it.
impl<'a> From<&Pdu<'a>> for Message<'a> {
    fn from(pdu: &Pdu<'a>) -> Self {
        let mut message = Self::new(pdu.kind).version(pdu.version);
        for field in pdu.fields() {
            match field {
                // Of repeated ones the first counts.
                Field::MessageType(_) | Field::MmsVersion(_) => {}
                Field::ContentType(content_type) => {
                    message.body = message.body.or(Some((content_type, pdu.body.unwrap_or_default())));
                }
                field => message.fields.push(field),
            }
        }
        message
    }
}
