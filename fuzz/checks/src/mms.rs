//! The check of WAP Push and MMS.

use strowger_mms::multipart::Parts;
use strowger_mms::sms::UserData;
use strowger_mms::wbxml::{CacheOperation, Document, EmailNotification, ServiceIndication, ServiceLoading};
use strowger_mms::wsp::{Connectionless, Pdu, decode_connectionless};
use strowger_mms::wtp::Packet;
use strowger_mms::{DecodeError, Limits, Message, MessageType, binary, decode};

use crate::reassembly;

/// A datagram is refused with a place within it, or it is the same after it was written again; and so is what it carries. The same
/// octets are tried as everything else that this crate reads, and as short messages that are put together.
///
/// # Panics
/// When that does not hold.
pub fn mms(bytes: &[u8]) -> usize {
    let limits = Limits::DEFAULT;
    let pushed = match decode_connectionless(bytes, &limits) {
        Ok(datagram) => push(&datagram, &limits),
        Err(error) => {
            within(&error, bytes);
            0
        }
    };
    // Alone, a message stands where in a push there are six octets.
    message(bytes.get(6..).unwrap_or_default(), &limits);
    body(bytes, &limits);
    document(bytes, &limits);
    if let Err(error) = UserData::decode(bytes) {
        within(&error, bytes);
    }
    reassembly::script(bytes);
    reassembly::comes_back(bytes);
    for packet in Packet::datagram(bytes).flatten() {
        let mut out = Vec::new();
        packet.write(&mut out);
        assert_eq!(Packet::decode(&out), Ok(packet), "changed by writing");
    }
    pushed
}

fn within(error: &DecodeError, bytes: &[u8]) {
    assert!(
        error.offset <= bytes.len() && error.offset + error.length <= bytes.len(),
        "{error:?} lies behind the end"
    );
}

fn push(datagram: &Connectionless<'_>, limits: &Limits) -> usize {
    let mut out = Vec::new();
    datagram.write(&mut out);
    match decode_connectionless(&out, limits) {
        Ok(again) => assert_eq!(again, *datagram, "changed by writing"),
        Err(error) => panic!("wrote {out:02x?}, which is refused: {error}"),
    }
    let Pdu::Push(push) = datagram.pdu else { return 1 };
    for header in push.headers.iter() {
        assert!(!header.name.to_string().is_empty() || header.value_text().len() < 1 << 20);
    }
    let whole = message(push.data, limits) | document(push.data, limits);
    usize::from(whole)
}

fn message(bytes: &[u8], limits: &Limits) -> bool {
    let pdu = match decode(bytes, limits) {
        Ok(pdu) => pdu,
        Err(error) => {
            within(&error, bytes);
            return false;
        }
    };
    let mut end = 0;
    for (range, field) in pdu.fields_at() {
        assert_eq!(range.start, end, "no octet is between two fields");
        end = range.end;
        // An octet that is no text shows as a character of three.
        assert!(field.name().len() <= 3 * bytes.len().max(64));
    }
    assert_eq!(end, pdu.body_offset());
    assert!(pdu.departures().len() < 200);
    let mut first = Vec::new();
    binary::encode_as_it_is(&Message::from(&pdu), &mut first);
    let again = match decode(&first, limits) {
        Ok(again) => again,
        Err(error) => panic!("wrote {first:02x?}, which is refused: {error}"),
    };
    let mut second = Vec::new();
    binary::encode_as_it_is(&Message::from(&again), &mut second);
    assert_eq!(first, second, "not a fixed point");
    assert_eq!(
        (again.kind(), again.version(), again.body()),
        (pdu.kind(), pdu.version(), pdu.body().or(again.body()))
    );
    assert!(pdu.kind() != MessageType::NotificationInd || pdu.content_location().is_some());
    if let Some(found) = pdu.body() {
        body(found, limits);
    }
    true
}

fn body(bytes: &[u8], limits: &Limits) {
    let parts = match Parts::decode(bytes, limits) {
        Ok(parts) => parts,
        Err(error) => return within(&error, bytes),
    };
    let mut count = 0;
    for (place, part) in parts.iter().enumerate() {
        let name = part.file_name(place);
        assert!(
            !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0', ':']),
            "{name:?}"
        );
        assert!(part.data.len() < bytes.len());
        count += 1;
    }
    assert_eq!(count, parts.len());
}

fn document(bytes: &[u8], limits: &Limits) -> bool {
    let document = match Document::decode(bytes, limits) {
        Ok(document) => document,
        Err(error) => {
            within(&error, bytes);
            return false;
        }
    };
    assert!(document.tokens().count() <= bytes.len());
    // An octet that is no text was read as a character of three.
    let wide = Limits { text: 3 * limits.text, ..limits.clone() };
    macro_rules! comes_back {
        ($($kind:ident),*) => {
            $(if let Ok(read) = $kind::decode(bytes, limits) {
                let mut out = Vec::new();
                read.encode(&mut out);
                assert_eq!($kind::decode(&out, &wide).as_ref(), Ok(&read), "changed by writing");
            })*
        };
    }
    comes_back!(ServiceIndication, ServiceLoading, CacheOperation, EmailNotification);
    true
}
