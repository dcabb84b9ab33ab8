//! WSP: pushes, sessions, headers and content types.

use strowger_mms::wsp::pdu::{Addresses, CapabilitiesBuf, Connect, Get, Post, Redirect, Reply, Resume};
use strowger_mms::wsp::sia::SessionInitiation;
use strowger_mms::wsp::{
    self, ApplicationId, Connectionless, ContentTypeBuf, HeaderName, Headers, HeadersBuf, MediaType,
    Parameter, Pdu, Push, Value, decode_connectionless,
};
use strowger_mms::{Charset, Limits, Rule, Text};

use crate::samples::{NOTIFICATION, hex};

fn round_trip(pdu: &Pdu<'_>) {
    let mut bytes = Vec::new();
    pdu.write(&mut bytes);
    assert_eq!(wsp::decode(&bytes, &Limits::DEFAULT).as_ref(), Ok(pdu), "{}", pdu.name());
    let mut datagram = Vec::new();
    Connectionless { tid: 7, pdu: *pdu }.write(&mut datagram);
    let read = decode_connectionless(&datagram, &Limits::DEFAULT).unwrap();
    assert_eq!((read.tid, read.pdu), (7, *pdu));
}

#[test]
fn the_shortest_push_of_a_notification_is_read_and_written() {
    let message = hex(NOTIFICATION);
    let mut datagram = Vec::new();
    wsp::encode_mms_push(1, &message, &mut datagram);
    assert_eq!(datagram[..6], hex("01 06 03 BE AF84"));
    let read = decode_connectionless(&datagram, &Limits::DEFAULT).unwrap();
    let Pdu::Push(push) = read.pdu else { panic!("{read:?}") };
    assert!(push.content_type.media.is(&MediaType::MMS));
    assert!(push.headers.application().is(&ApplicationId::MMS));
    assert_eq!(push.data, message);
    let mut again = Vec::new();
    read.write(&mut again);
    assert_eq!(again, datagram);
}

#[test]
fn a_push_with_its_type_as_text_and_its_application_as_a_uri_is_the_same_push() {
    let headers = HeadersBuf::new().application(ApplicationId::Uri(Text::from("x-wap-application:mms.ua")));
    let media = MediaType::Name(Text::from("application/vnd.wap.mms-message"));
    let push = Push { content_type: wsp::ContentType::new(media), headers: headers.as_headers(), data: b"x" };
    round_trip(&Pdu::Push(push));
    assert!(push.content_type.media.is(&MediaType::MMS));
    assert!(push.headers.application().is(&ApplicationId::MMS));
    assert!(Headers::NONE.application().is(&ApplicationId::WML));
}

#[test]
fn each_pdu_comes_back() {
    let capabilities = CapabilitiesBuf::new().uintvar(0, 1400).uintvar(4, 2);
    let capabilities = capabilities.as_capabilities();
    let headers = HeadersBuf::new().text("User-Agent", "Strowger").content_location("a");
    let headers = headers.as_headers();
    let content_type = ContentTypeBuf::new("text/plain").charset(Charset::UTF8).named("a.txt");
    let content_type = content_type.as_content_type();
    let push = Push { content_type, headers, data: b"hello" };
    let addresses = hex("c6 02 0b84 c0000201 0b84");
    let addresses = Addresses::decode(&addresses).unwrap();
    for pdu in [
        Pdu::Connect(Connect { version: 0x10, capabilities, headers }),
        Pdu::ConnectReply(wsp::pdu::ConnectReply { session: 300, capabilities, headers }),
        Pdu::Redirect(Redirect { flags: 0x80, addresses }),
        Pdu::Reply(Reply { status: 0x20, content_type, headers, data: b"x" }),
        Pdu::Disconnect { session: u32::MAX },
        Pdu::Push(push),
        Pdu::ConfirmedPush(push),
        Pdu::Suspend { session: 0 },
        Pdu::Resume(Resume { session: 5, capabilities, headers }),
        Pdu::Get(Get { method: 0x40, uri: Text::from("http://example.net/"), headers }),
        Pdu::Get(Get { method: 0x44, uri: Text::from(""), headers: Headers::NONE }),
        Pdu::Post(Post {
            method: 0x60,
            uri: Text::from("http://example.net/"),
            content_type,
            headers,
            data: b"",
        }),
        Pdu::Post(Post { method: 0x61, uri: Text::from("u"), content_type, headers, data: &[0; 300] }),
        Pdu::DataFragment { body: b"more" },
    ] {
        round_trip(&pdu);
    }
    let sizes: Vec<_> =
        capabilities.iter().map(|capability| (capability.number, capability.uintvar())).collect();
    assert_eq!(sizes, [(Some(0), Some(1400)), (Some(4), Some(2))]);
    let contact = addresses.iter().next().unwrap();
    assert_eq!((contact.bearer, contact.port, contact.address.len()), (Some(2), Some(2948), 6));
}

#[test]
fn a_length_of_headers_that_does_not_fit_is_refused() {
    for (datagram, rule) in [
        ("", Rule::Ends),
        ("01", Rule::Ends),
        ("01 06", Rule::Ends),
        ("01 06 00 be", Rule::HeadersLength),
        ("01 06 04 be af84", Rule::LengthPastEnd),
        ("01 06 02 be af", Rule::Ends),
        ("01 06 808080808001 be", Rule::UintvarLong),
        ("01 06 9080808000 be", Rule::UintvarLarge),
        ("01 0a", Rule::PduType),
        ("01 05 05 05", Rule::Trailing),
    ] {
        let error = decode_connectionless(&hex(datagram), &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.rule, rule, "{datagram}: {error}");
    }
}

#[test]
fn headers_are_typed_and_shown() {
    let mut bytes = hex(
        "01 06 00 be 8d 82 c3 93 92 04 65920080 b4 85 8b 80 c5 08 81 86 612e74787400 582d4100 6200 c0 223c613e00 \
         aa 03 010203 f0 81",
    );
    bytes[2] = u8::try_from(bytes.len() - 3).unwrap();
    let read = decode_connectionless(&bytes, &Limits::DEFAULT).unwrap();
    let Pdu::Push(push) = read.pdu else { panic!("{read:?}") };
    let shown: Vec<_> =
        push.headers.iter().map(|header| format!("{}: {}", header.name, header.value_text())).collect();
    let expected = [
        "Content-Length: 2",
        "Encoding-Version: 1.3",
        "Date: 1704067200",
        "Push-Flag: 5",
        "Content-Encoding: gzip",
        "Content-Disposition: attachment; filename=a.txt",
        "X-A: b",
        "Content-ID: <a>",
        "Vary: 03 01 02 03",
        "header f0: 81",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_page_of_header_codes_that_is_not_known_is_refused_and_the_default_one_is_not() {
    let read = |text: &str| decode_connectionless(&hex(text), &Limits::DEFAULT).map(|read| read.tid);
    assert!(read("01 06 04 be 01 af84").is_ok());
    assert!(read("01 06 05 be 7f01 af84").is_ok());
    assert_eq!(read("01 06 04 be 02 af84").unwrap_err().rule, Rule::CodePage);
    assert_eq!(read("01 06 05 be 7f10 af84").unwrap_err().rule, Rule::CodePage);
    assert_eq!(read("01 06 02 be 00").unwrap_err().rule, Rule::HeaderName);
}

#[test]
fn content_types_are_read_in_each_form() {
    for (bytes, shown) in [
        ("01 06 01 be", "application/vnd.wap.mms-message"),
        ("01 06 03 02 83 80", ""),
        ("01 06 04 03 83 81 ea", "text/plain; charset=utf-8"),
        ("01 06 04 03 02 03 04", "application/vnd.wap.emn+xml"),
        ("01 06 09 08 03 0a 0381 ea 01 06 00", ""),
        ("01 06 06 612f6200 af84", "a/b"),
        ("01 06 0b 0a 83 6e616d6500 612200", ""),
        ("01 06 0c 0b 83 6e616d6500 22612200 ", ""),
        ("01 06 01 ff", "media type 7f"),
    ] {
        match decode_connectionless(&hex(bytes), &Limits::DEFAULT) {
            Ok(Connectionless { pdu: Pdu::Push(push), .. }) => {
                assert_eq!(push.content_type.to_string(), shown, "{bytes}");
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(shown, "", "{bytes}: {error}"),
        }
    }
}

#[test]
fn parameters_of_both_families_and_of_text_name_a_part() {
    for parameter in [
        Parameter::Coded { code: 0x85, value: Text::from("a.jpg") },
        Parameter::Coded { code: 0x97, value: Text::from("\"a.jpg") },
        Parameter::Coded { code: 0x86, value: Text::from("a.jpg") },
        Parameter::Coded { code: 0x98, value: Text::from("a.jpg") },
        Parameter::Text { name: Text::from("Name"), value: Text::from("\"a.jpg\"") },
    ] {
        let content_type = ContentTypeBuf::new("image/jpeg").with(&parameter);
        assert_eq!(content_type.as_content_type().name(), Some(Text::from("a.jpg")), "{parameter:?}");
    }
}

#[test]
fn a_value_of_another_kind_than_its_header_has_is_kept_as_it_came() {
    let bytes = hex("01 06 05 be 8d 02 6100");
    assert!(decode_connectionless(&bytes, &Limits::DEFAULT).is_ok());
    let bytes = hex("01 06 04 be 8d 6100");
    let Ok(Connectionless { pdu: Pdu::Push(push), .. }) = decode_connectionless(&bytes, &Limits::DEFAULT)
    else {
        panic!()
    };
    let header = push.headers.iter().next().unwrap();
    assert_eq!((header.name, header.value), (HeaderName::Code(0x8d), Value::Raw(b"a\0")));
}

#[test]
fn a_session_initiation_comes_back() {
    let contacts = hex("c4 02 23f1 c6336401");
    let contacts = Addresses::decode(&contacts).unwrap();
    let applications = [ApplicationId::MMS, ApplicationId::Uri(Text::from("x-wap-application:wml.ua"))];
    let mut body = Vec::new();
    SessionInitiation::write(0x10, &applications, &contacts, &mut body);
    let read = SessionInitiation::decode(&body).unwrap();
    assert_eq!(read.version, 0x10);
    assert_eq!(read.applications().collect::<Vec<_>>(), applications);
    let contact = read.contacts().next().unwrap();
    assert_eq!((contact.bearer, contact.port, contact.address), (Some(2), Some(9201), &hex("c6336401")[..]));
    for end in 0..body.len() {
        assert!(SessionInitiation::decode(&body[..end]).is_err(), "{end}");
    }
    body.push(0);
    assert_eq!(SessionInitiation::decode(&body).unwrap_err().rule, Rule::Trailing);
}
