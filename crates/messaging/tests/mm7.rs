//! MM7 as applications write it: each message there and back, the forms that are in use, and what is refused.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use strowger_messaging::mm7::message::Recipient;
use strowger_messaging::mm7::{
    Address, Cancel, Content, Deliver, DeliveryReport, Dialect, Message, MmStatus, Operation, ReadReply,
    Recipients, Replace, Sender, Soap, Status, StatusCode, Submit,
};
use strowger_messaging::xml::XmlLimits;
use strowger_mms::message::When;

fn parse(document: &str) -> Result<Soap, (Status, String)> {
    Soap::parse(document.as_bytes(), &XmlLimits::default()).map_err(|error| (error.status, error.transaction))
}

fn code(document: &str) -> StatusCode {
    parse(document).unwrap_err().0.code
}

fn to(address: Address, display_only: bool) -> Recipient {
    Recipient { address, display_only }
}

fn content() -> Content {
    Content { href: "cid:content".to_owned(), allow_adaptations: Some(true) }
}

fn all() -> Vec<Message> {
    let number = || Address::Number("+15550100".to_owned());
    let sender = || Sender {
        vaspid: Some("provider & co".to_owned()),
        vasid: Some("<news>".to_owned()),
        address: Some(Address::ShortCode("8000".to_owned())),
    };
    let submit = Submit {
        sender: sender(),
        recipients: Recipients {
            to: vec![to(number(), false), to(Address::Mail("a@example.com".to_owned()), true)],
            cc: vec![to(Address::ShortCode("8001".to_owned()), false)],
            bcc: vec![to(number(), false)],
        },
        service_code: Some("gold".to_owned()),
        linked: Some("m1@mmsc.town".to_owned()),
        class: Some("Informational".to_owned()),
        time: Some(When::At(1_700_000_000)),
        reply_charging: true,
        earliest: Some(When::At(1_700_000_100)),
        expiry: Some(When::In(86_400)),
        delivery_report: true,
        read_reply: true,
        priority: Some("High".to_owned()),
        subject: Some("Züge & <Bahn>".to_owned()),
        charged_party: Some("Sender".to_owned()),
        distribution: Some(false),
        applic_id: Some("game".to_owned()),
        reply_applic_id: Some("game".to_owned()),
        aux_applic_info: Some("level 2".to_owned()),
        content: Some(content()),
    };
    let report = DeliveryReport {
        server: "mmsc.town".to_owned(),
        id: "m1".to_owned(),
        recipient: number(),
        sender: Address::ShortCode("8000".to_owned()),
        date: 1_700_000_000,
        status: MmStatus::Retrieved,
        text: Some("all is well".to_owned()),
    };
    let mut messages = vec![
        Message::Submit(Box::new(submit)),
        Message::Cancel(Cancel { sender: sender(), id: "m1".to_owned() }),
        Message::Replace(Box::new(Replace {
            sender: sender(),
            id: "m1".to_owned(),
            earliest: Some(When::In(60)),
            read_reply: Some(false),
            content: Some(content()),
        })),
        Message::Deliver(Box::new(Deliver {
            server: "mmsc.town".to_owned(),
            vaspid: Some("provider".to_owned()),
            vasid: None,
            linked: Some("m2".to_owned()),
            sender: number(),
            recipients: Recipients {
                to: vec![to(Address::ShortCode("8000".to_owned()), false)],
                ..Recipients::default()
            },
            time: Some(1_700_000_000),
            priority: Some("Low".to_owned()),
            subject: None,
            content: Some(content()),
        })),
        Message::Fault(Status::because(StatusCode::VERSION, "version 9 is not spoken")),
    ];
    for (status, _) in MmStatus::TABLE {
        messages.push(Message::DeliveryReport(Box::new(DeliveryReport { status, ..report.clone() })));
        let DeliveryReport { server, id, recipient, sender, date, .. } = report.clone();
        messages.push(Message::ReadReply(Box::new(ReadReply {
            server,
            id,
            recipient,
            sender,
            date,
            status,
        })));
    }
    for (to, ..) in Operation::TABLE {
        for status in [Status::of(StatusCode::SUCCESS), Status::because(StatusCode::PARTIAL, "not +15550101")]
        {
            messages.push(Message::Response { to, status, id: Some("m1".to_owned()) });
        }
    }
    messages
}

#[test]
fn each_message_is_read_as_it_was_written() {
    for message in all() {
        let soap = Soap { transaction: "t-1 & 2".to_owned(), dialect: Dialect::default(), message };
        let document = soap.to_document();
        let read = Soap::parse(&document, &XmlLimits::default());
        assert_eq!(read.as_ref(), Ok(&soap), "{}", String::from_utf8_lossy(&document));
    }
}

#[test]
fn a_document_that_is_cut_anywhere_is_refused_and_never_read_halfway() {
    for message in all() {
        let soap = Soap { transaction: "t1".to_owned(), dialect: Dialect::default(), message };
        let document = soap.to_document();
        let whole = document.trim_ascii_end().len();
        for end in 0..whole {
            let cut = Soap::parse(&document[..end], &XmlLimits::default());
            assert!(cut.is_err(), "{}", String::from_utf8_lossy(&document[..end]));
        }
    }
}

/// What applications send: prefixes of their own, elements in another order, release 5, and some that nobody knows.
const IN_USE: &str = r#"<?xml version="1.0"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:m="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-3">
  <soap:Header><m:TransactionID soap:mustUnderstand="1"> t-7 </m:TransactionID></soap:Header>
  <soap:Body><m:SubmitReq>
    <m:MM7Version>5.6.0</m:MM7Version>
    <m:Extension>whatever</m:Extension>
    <m:Subject>Hi</m:Subject>
    <m:Recipients><m:To><m:Number>+15550100</m:Number><m:RFC2822Address displayOnly="true">a@example.com</m:RFC2822Address></m:To></m:Recipients>
    <m:SenderIdentification><m:VASPID>p</m:VASPID><m:SenderAddress>8000</m:SenderAddress></m:SenderIdentification>
    <m:ExpiryDate>2026-01-31T12:00:00+01:00</m:ExpiryDate>
    <m:DeliveryReport>1</m:DeliveryReport>
    <m:Content href="cid:c1"/>
  </m:SubmitReq></soap:Body>
</soap:Envelope>"#;

#[test]
fn prefixes_order_and_unknown_elements_are_the_applications_own_affair() {
    let soap = parse(IN_USE).unwrap();
    assert_eq!((soap.transaction.as_str(), soap.dialect.version.as_str()), ("t-7", "5.6.0"));
    assert!(soap.dialect.namespace.ends_with("REL-5-MM7-1-3"), "{:?}", soap.dialect);
    let Message::Submit(submit) = soap.message else { panic!("{:?}", soap.message) };
    assert_eq!(submit.sender.address, Some(Address::ShortCode("8000".to_owned())));
    assert_eq!(submit.expiry, Some(When::At(1_769_857_200)), "eleven o'clock in Greenwich");
    assert_eq!(submit.recipients.to.len(), 2);
    assert!(submit.delivery_report && !submit.read_reply);
    assert_eq!(submit.content.unwrap().href, "cid:c1");
}

#[test]
fn what_does_not_fit_the_schema_is_refused_with_its_transaction() {
    for (from, into, code) in [
        ("<m:Number>+15550100</m:Number>", "<m:Number/>", StatusCode::VALIDATION),
        (
            "<m:DeliveryReport>1</m:DeliveryReport>",
            "<m:DeliveryReport>yes</m:DeliveryReport>",
            StatusCode::VALIDATION,
        ),
        ("2026-01-31T12:00:00+01:00", "tomorrow", StatusCode::VALIDATION),
        ("href=\"cid:c1\"", "", StatusCode::VALIDATION),
        ("5.6.0", "9.0", StatusCode::VERSION),
    ] {
        let document = IN_USE.replace(from, into);
        assert_ne!(document, IN_USE, "{from}");
        let (status, transaction) = parse(&document).unwrap_err();
        assert_eq!((status.code, transaction.as_str()), (code, "t-7"), "{into}: {status:?}");
    }
    assert_eq!(code(&IN_USE.replace("SubmitReq", "OtherReq")), StatusCode::OPERATION);
    assert_eq!(code(&IN_USE.replace("TransactionID", "Other")), StatusCode::VALIDATION);
    assert_eq!(code(&IN_USE.replace("Envelope", "Letter")), StatusCode::VALIDATION);
}

#[test]
fn hostile_documents_are_refused_within_bounds() {
    let entities = IN_USE.replacen(
        "<soap:Envelope",
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]><soap:Envelope",
        1,
    );
    let entities = entities.replace("<m:Subject>Hi", "<m:Subject>&b;&c;");
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let wide = IN_USE.replace("<m:Extension>whatever</m:Extension>", &"<m:X/>".repeat(1_000_000));
    let long = IN_USE.replace("<m:Subject>Hi", &format!("<m:Subject>{}", "x".repeat(2000)));
    for document in [entities, deep, wide, long, String::new(), "\u{0}".repeat(1000)] {
        assert_eq!(code(&document), StatusCode::VALIDATION, "{document:.80}");
    }
}

#[test]
fn a_fault_of_a_peer_is_read_with_or_without_the_words_of_mm7() {
    let plain = r#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>
        <faultcode>e:Server</faultcode><faultstring>no room</faultstring></e:Fault></e:Body></e:Envelope>"#;
    let Message::Fault(status) = parse(plain).unwrap().message else { panic!("{plain}") };
    assert_eq!((status.code, status.text.as_str()), (StatusCode(4000), "no room"));
    assert!(status.code.may_pass(), "it is tried again");
}
