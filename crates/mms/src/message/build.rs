//! A constructor for each type of message, which asks for what the message must have (MMS ENC section 6); fields that it may have
//! are added by [`Message::with`].

use super::codes::{CancelStatus, MessageType, ReadStatus, ResponseStatus, Status, StoreStatus};
use super::field::Field;
use super::pdu::Message;
use super::value::{Counted, EncodedString, MessageClass, Sender, When};
use crate::text::Text;
use crate::wsp::content_type::ContentType;

impl<'a> Message<'a> {
    fn transaction(kind: MessageType, transaction: &'a str) -> Self {
        Self::new(kind).with(Field::TransactionId(Text::from(transaction)))
    }

    fn located(self, location: &'a str) -> Self {
        self.with(Field::ContentLocation(Counted::plain(Text::from(location))))
    }

    /// m-send-req: a message is submitted, to one recipient and to those that are added.
    #[must_use]
    pub fn send_req(
        transaction: &'a str,
        from: Sender<'a>,
        to: &'a str,
        content_type: ContentType<'a>,
        body: &'a [u8],
    ) -> Self {
        Self::transaction(MessageType::SendReq, transaction)
            .with(Field::From(from))
            .with(Field::To(EncodedString::new(to)))
            .body(content_type, body)
    }

    /// m-send-conf: what became of it. One that was accepted gets its Message-ID besides.
    #[must_use]
    pub fn send_conf(transaction: &'a str, status: ResponseStatus) -> Self {
        Self::transaction(MessageType::SendConf, transaction)
            .with(Field::ResponseStatus(Counted::plain(status)))
    }

    /// m-notification-ind: a message waits.
    #[must_use]
    pub fn notification_ind(
        transaction: &'a str,
        class: MessageClass<'a>,
        size: u64,
        expiry: When,
        location: &'a str,
    ) -> Self {
        Self::transaction(MessageType::NotificationInd, transaction)
            .with(Field::MessageClass(class))
            .with(Field::MessageSize(size))
            .with(Field::Expiry(expiry))
            .located(location)
    }

    /// m-notifyresp-ind: what the receiver does about it. Retrieved only after the message was fetched.
    #[must_use]
    pub fn notifyresp_ind(transaction: &'a str, status: Status) -> Self {
        Self::transaction(MessageType::NotifyRespInd, transaction).with(Field::Status(status))
    }

    /// m-retrieve-conf: the message that was fetched, sent at this time. A transaction asks for an acknowledgement.
    #[must_use]
    pub fn retrieve_conf(date: u64, content_type: ContentType<'a>, body: &'a [u8]) -> Self {
        Self::new(MessageType::RetrieveConf).with(Field::Date(date)).body(content_type, body)
    }

    /// m-acknowledge-ind: it has arrived.
    #[must_use]
    pub fn acknowledge_ind(transaction: &'a str) -> Self {
        Self::transaction(MessageType::AcknowledgeInd, transaction)
    }

    /// m-delivery-ind: what became of a message for one recipient.
    #[must_use]
    pub fn delivery_ind(message_id: &'a str, to: &'a str, date: u64, status: Status) -> Self {
        Self::new(MessageType::DeliveryInd)
            .with(Field::MessageId(Text::from(message_id)))
            .with(Field::To(EncodedString::new(to)))
            .with(Field::Date(date))
            .with(Field::Status(status))
    }

    /// m-read-rec-ind: the receiver tells the sender, `to`, that it was read.
    #[must_use]
    pub fn read_rec_ind(message_id: &'a str, from: Sender<'a>, to: &'a str, status: ReadStatus) -> Self {
        Self::read(MessageType::ReadRecInd, message_id, from, to, status)
    }

    /// m-read-orig-ind: and the sender hears of it.
    #[must_use]
    pub fn read_orig_ind(
        message_id: &'a str,
        from: Sender<'a>,
        to: &'a str,
        date: u64,
        status: ReadStatus,
    ) -> Self {
        Self::read(MessageType::ReadOrigInd, message_id, from, to, status).with(Field::Date(date))
    }

    fn read(
        kind: MessageType,
        message_id: &'a str,
        from: Sender<'a>,
        to: &'a str,
        status: ReadStatus,
    ) -> Self {
        Self::new(kind)
            .with(Field::MessageId(Text::from(message_id)))
            .with(Field::To(EncodedString::new(to)))
            .with(Field::From(from))
            .with(Field::ReadStatus(status))
    }

    /// m-forward-req: a message that was not fetched goes to somebody else.
    #[must_use]
    pub fn forward_req(transaction: &'a str, from: Sender<'a>, to: &'a str, location: &'a str) -> Self {
        Self::transaction(MessageType::ForwardReq, transaction)
            .with(Field::From(from))
            .with(Field::To(EncodedString::new(to)))
            .located(location)
    }

    /// m-forward-conf: what became of that.
    #[must_use]
    pub fn forward_conf(transaction: &'a str, status: ResponseStatus) -> Self {
        Self::transaction(MessageType::ForwardConf, transaction)
            .with(Field::ResponseStatus(Counted::plain(status)))
    }

    /// m-mbox-store-req: a message is to be kept.
    #[must_use]
    pub fn mbox_store_req(transaction: &'a str, location: &'a str) -> Self {
        Self::transaction(MessageType::MboxStoreReq, transaction).located(location)
    }

    /// m-mbox-store-conf: what became of that.
    #[must_use]
    pub fn mbox_store_conf(transaction: &'a str, status: StoreStatus) -> Self {
        Self::transaction(MessageType::MboxStoreConf, transaction).with(Field::StoreStatus(status))
    }

    /// m-mbox-view-req: what is in the box?
    #[must_use]
    pub fn mbox_view_req(transaction: &'a str) -> Self {
        Self::transaction(MessageType::MboxViewReq, transaction)
    }

    /// m-mbox-view-conf: the answer; the messages are a body of parts.
    #[must_use]
    pub fn mbox_view_conf(transaction: &'a str, status: ResponseStatus) -> Self {
        Self::transaction(MessageType::MboxViewConf, transaction)
            .with(Field::ResponseStatus(Counted::plain(status)))
    }

    /// m-mbox-upload-req: a message is put into the box; it is a body, m-mbox-descr.
    #[must_use]
    pub fn mbox_upload_req(transaction: &'a str, content_type: ContentType<'a>, body: &'a [u8]) -> Self {
        Self::transaction(MessageType::MboxUploadReq, transaction).body(content_type, body)
    }

    /// m-mbox-upload-conf: what became of that.
    #[must_use]
    pub fn mbox_upload_conf(transaction: &'a str, status: StoreStatus) -> Self {
        Self::transaction(MessageType::MboxUploadConf, transaction).with(Field::StoreStatus(status))
    }

    /// m-mbox-delete-req: a message is removed from the box; more are added as fields.
    #[must_use]
    pub fn mbox_delete_req(transaction: &'a str, location: &'a str) -> Self {
        Self::transaction(MessageType::MboxDeleteReq, transaction).located(location)
    }

    /// m-mbox-delete-conf: what became of that.
    #[must_use]
    pub fn mbox_delete_conf(transaction: &'a str, status: ResponseStatus) -> Self {
        Self::transaction(MessageType::MboxDeleteConf, transaction)
            .with(Field::ResponseStatus(Counted::plain(status)))
    }

    /// m-mbox-descr: a message of the box.
    #[must_use]
    pub fn mbox_descr() -> Self {
        Self::new(MessageType::MboxDescr)
    }

    /// m-delete-req: a message that was announced is removed.
    #[must_use]
    pub fn delete_req(transaction: &'a str, location: &'a str) -> Self {
        Self::transaction(MessageType::DeleteReq, transaction).located(location)
    }

    /// m-delete-conf: what became of one message, by its number among those that were asked for.
    #[must_use]
    pub fn delete_conf(transaction: &'a str, number: u64, location: &'a str, status: ResponseStatus) -> Self {
        let count = Some(number);
        Self::transaction(MessageType::DeleteConf, transaction)
            .with(Field::ContentLocation(Counted { count, value: Text::from(location) }))
            .with(Field::ResponseStatus(Counted { count, value: status }))
    }

    /// m-cancel-req: a message that was delivered is taken back.
    #[must_use]
    pub fn cancel_req(transaction: &'a str, cancel_id: &'a str) -> Self {
        Self::transaction(MessageType::CancelReq, transaction).with(Field::CancelId(Text::from(cancel_id)))
    }

    /// m-cancel-conf: what became of that.
    #[must_use]
    pub fn cancel_conf(transaction: &'a str, status: CancelStatus) -> Self {
        Self::transaction(MessageType::CancelConf, transaction).with(Field::CancelStatus(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::wsp::content_type::MediaType;

    #[test]
    fn what_each_constructor_asks_for_is_all_that_a_message_must_have() {
        let content = ContentType::new(MediaType::TEXT_PLAIN);
        let insert = Sender::InsertAddress;
        let (to, at, ok) = ("+15550101/TYPE=PLMN", "http://mmsc.example/1", ResponseStatus::Ok);
        let messages = [
            Message::send_req("1", insert, to, content, b"hi"),
            Message::send_conf("1", ok),
            Message::notification_ind("1", MessageClass::Personal, 100, When::In(60), at),
            Message::notifyresp_ind("1", Status::Deferred),
            Message::retrieve_conf(1, content, b"hi"),
            Message::acknowledge_ind("1"),
            Message::delivery_ind("m", to, 1, Status::Retrieved),
            Message::read_rec_ind("m", insert, to, ReadStatus::Read),
            Message::read_orig_ind("m", Sender::Address(EncodedString::new(to)), to, 1, ReadStatus::Read),
            Message::forward_req("1", insert, to, at),
            Message::forward_conf("1", ok),
            Message::mbox_store_req("1", at),
            Message::mbox_store_conf("1", StoreStatus::Success),
            Message::mbox_view_req("1"),
            Message::mbox_view_conf("1", ok),
            Message::mbox_upload_req("1", content, b"hi"),
            Message::mbox_upload_conf("1", StoreStatus::Success),
            Message::mbox_delete_req("1", at),
            Message::mbox_delete_conf("1", ok),
            Message::mbox_descr(),
            Message::delete_req("1", at),
            Message::delete_conf("1", 1, at, ok),
            Message::cancel_req("1", "r"),
            Message::cancel_conf("1", CancelStatus::Received),
        ];
        let kinds: Vec<_> = messages.iter().map(Message::kind).collect();
        assert_eq!(kinds, MessageType::ALL, "one for each type");
        for message in &messages {
            let mut out = Vec::new();
            crate::encode(message, &mut out)
                .unwrap_or_else(|departure| panic!("{}: {departure}", message.kind()));
            assert_eq!(&Message::from(&crate::decode(&out, &Limits::DEFAULT).unwrap()), message);
        }
    }
}
