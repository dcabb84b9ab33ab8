//! What holds for any message.

use proptest::prelude::*;
use strowger_sip::message::{Message, Method, Name, SipUri, Status, Uri};
use strowger_sip::text::{check, decode, refuse, to_bytes};
use strowger_sip::{Limits, Route};

use super::pair::address;
use super::raw::Raw;

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        "[A-Za-z][A-Za-z0-9-]{0,12}"
            .prop_filter("it is the body's", |name| Name::new(name) != Name::ContentLength),
        prop::sample::select(Name::KNOWN)
            .prop_filter("it is the body's", |name| *name != Name::ContentLength)
            .prop_map(|name| name.as_str().to_owned()),
    ];
    prop::collection::vec((name, "[ -~\u{e4}\u{20ac}]{0,40}"), 0..12)
}

proptest! {
    #[test]
    fn any_message_is_the_same_behind_encoding_and_decoding(
        fields in fields(),
        user in "[ -~]{1,12}",
        body in prop::collection::vec(any::<u8>(), 0..64),
        status in 100_u16..=699,
    ) {
        let request = Message::request(Method::Invite, Uri::Sip(SipUri::new(Some(&user), "host.example", Some(5070))));
        for mut message in [request, Message::response(Status::new(status).unwrap())] {
            for (name, value) in &fields {
                message.header.push(Name::new(name), value.as_str());
            }
            message.body = body.clone().into();
            let bytes = to_bytes(&message);
            let limits = Limits::default();
            prop_assert_eq!(&decode(&bytes, &limits).unwrap(), &message);
            let _ = check(&message, &limits);
        }
    }

    #[test]
    fn whatever_is_put_into_a_field_becomes_no_other_line(value in any::<String>()) {
        let mut message = Message::response(Status::OK);
        message.header.push(Name::Subject, value);
        let bytes = to_bytes(&message);
        let limits = Limits { field: 65_535, head: 65_535, ..Limits::default() };
        let read = decode(&bytes, &limits);
        prop_assert!(read.is_ok_and(|read| read.header.len() == 1), "{}", bytes.escape_ascii());
    }

    #[test]
    fn any_octets_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits::default();
        if let Err(error) = decode(&bytes, &limits) {
            prop_assert!(error.offset <= bytes.len());
            let _ = refuse(&bytes, &error, address(0));
        }
        let mut raw = Raw::new();
        raw.agent.handle_input(raw.now, Route::udp(address(0)), &bytes);
        prop_assert_eq!(raw.agent.sessions(), 0);
    }
}
