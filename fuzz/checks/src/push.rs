//! The checks of SMPP and of the Push Access Protocol.

use strowger_messaging::http::multipart;
use strowger_messaging::pap::{Operation, Outcome, ResultNotification};
use strowger_messaging::push::{Address, Content};
use strowger_messaging::smpp::frame::Framer;
use strowger_messaging::smpp::pdu::{self, BindKind};
use strowger_messaging::smpp::{
    Body, Centre, CentreConfig, Client, ClientConfig, IdForm, Pdu, Receipt, ShortMessage, Status, Token,
    client,
};
use strowger_messaging::time;
use strowger_sansio::{Rng, Time};

/// A unit is refused with a place within it, or is the same after it was written. Both ends of a link survive any octets, in
/// whatever pieces, answer in legal units, and tell one outcome of each submission.
///
/// # Panics
/// When that does not hold.
pub fn smpp(bytes: &[u8]) -> usize {
    let cut = bytes.iter().fold(0, |sum, byte| sum * 31 % 65_521 + usize::from(*byte)) % (bytes.len() + 1);
    client_hears(bytes, cut);
    centre_hears(bytes, cut);
    match pdu::decode(bytes) {
        Ok(unit) => {
            written_again(&unit);
            if let Body::DeliverSm(message) | Body::DataSm(message) = &unit.body
                && let Some(receipt) = Receipt::of(message)
            {
                assert!(!IdForm::Auto.candidates(&receipt.message_id).is_empty());
            }
            1
        }
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error:?} lies behind the end");
            0
        }
    }
}

fn written_again(unit: &Pdu) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    pdu::encode(unit, &mut first);
    match pdu::decode(&first) {
        Ok(again) => pdu::encode(&again, &mut second),
        Err(error) => panic!("encoded as {:?}, refused: {error}", first.escape_ascii().to_string()),
    }
    assert_eq!(first, second, "not a fixed point");
}

/// What a side sends is a row of units.
fn legal(sent: &[u8]) {
    let mut framer = Framer::new(70_000);
    framer.push(sent);
    let mut length = 0;
    while let Ok(Some(unit)) = framer.pop() {
        length += unit.len();
        assert!(pdu::decode(unit).is_ok(), "sent {:?}", unit.escape_ascii().to_string());
    }
    assert_eq!(length, sent.len(), "sent what is no unit");
}

fn client_hears(bytes: &[u8], cut: usize) {
    let now = Time::from_secs(1);
    let mut link = Client::new(ClientConfig::default(), now, Rng::from_number(1));
    link.handle_connected(now);
    let mut bound = Vec::new();
    let kind = BindKind::Transceiver;
    pdu::encode(
        &Pdu::response(1, Status::OK, Body::BindResp(kind, "smsc".to_owned(), Vec::new())),
        &mut bound,
    );
    link.handle_input(now, &bound);
    assert!(link.is_bound());
    let taken = link.submit(now, Token(7), Box::<ShortMessage>::default()).is_ok();
    assert!(taken, "there is room");
    let (first, rest) = bytes.split_at(cut);
    link.handle_input(now, first);
    link.handle_input(now, rest);
    link.handle_disconnected(now);
    legal(&link.poll_transmit().unwrap_or_default());
    let mut outcomes = 0;
    while let Some(event) = link.poll_event() {
        outcomes += usize::from(matches!(event, client::Event::Answered(Token(7), _)));
    }
    assert_eq!(outcomes, 1, "outcomes of one submission");
}

fn centre_hears(bytes: &[u8], cut: usize) {
    let now = Time::from_secs(1);
    let mut centre = Centre::new(CentreConfig::default(), now);
    let (first, rest) = bytes.split_at(cut);
    centre.handle_input(now, first);
    centre.handle_input(now, rest);
    centre.handle_disconnected();
    legal(&centre.poll_transmit().unwrap_or_default());
}

/// A control document is refused, or is the same after it was written; so are results. The same octets are tried as a body of parts, as
/// content, as an address and as a time.
///
/// # Panics
/// When that does not hold.
pub fn pap(bytes: &[u8]) -> usize {
    let mut accepted = 0;
    if let Ok(operation) = Operation::parse(bytes) {
        let first = operation.to_document();
        match Operation::parse(first.as_bytes()) {
            Ok(again) => assert_eq!(again.to_document(), first, "not a fixed point"),
            Err(error) => {
                panic!("{:?} wrote {first:?}, which is refused: {error}", String::from_utf8_lossy(bytes))
            }
        }
        accepted = 1;
    }
    if let Ok(report) = ResultNotification::parse(bytes) {
        let first = report.to_document();
        match ResultNotification::parse(first.as_bytes()) {
            Ok(again) => assert_eq!(again.to_document(), first, "not a fixed point"),
            Err(error) => {
                panic!("{:?} wrote {first:?}, which is refused: {error}", String::from_utf8_lossy(bytes))
            }
        }
    }
    let _ = Outcome::parse(bytes);
    for part in multipart::parse("multipart/related; boundary=x", bytes).unwrap_or_default() {
        let media = part.header("Content-Type").unwrap_or_default();
        let _ = Content::new(media, part.header("X-Wap-Application-Id"), part.body, 32_000);
    }
    let _ = Content::new("text/vnd.wap.si", None, bytes, 32_000);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = time::parse_local(text);
        if let Ok(address) = Address::parse(text) {
            let again = Address::parse(&address.to_string());
            assert_eq!(again.as_ref(), Ok(&address), "{text:?} is another address in its one form");
        }
    }
    accepted
}
