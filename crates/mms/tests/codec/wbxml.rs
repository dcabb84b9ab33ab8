//! WBXML: the documents of push, from published octets and back, and what is wrong with hostile ones.

use strowger_mms::date::Utc;
use strowger_mms::wbxml::{
    CacheOperation, Document, EmailNotification, Invalidate, Load, ServiceIndication, ServiceLoading, Signal,
    Token, is_provisioning,
};
use strowger_mms::wsp::{ContentType, MediaType};
use strowger_mms::{Limits, Rule, Text};

use crate::samples::hex;

/// A service indication as libwbxml writes it.
const SI: &str =
    "02056a0045c60d036578616d706c650085036d0011036131000ac3042024010110c304203606300701034869000101";
const SL: &str = "02066a00850a036578616d706c650085036d000501";
const CO: &str =
    "02076a00458607036578616d706c650085036100018708036578616d706c650087018609036578616d706c6500880378000101";
const EMN: &str = "020d6a008507036a6f65406578616d706c65008505c3072001082712345601";

fn indication() -> ServiceIndication {
    ServiceIndication {
        href: Some("http://www.example.com/m".to_owned()),
        id: Some("a1".to_owned()),
        created: Utc::from_fields(2024, 1, 1, 0, 0, 0),
        expires: Utc::from_fields(2036, 6, 30, 0, 0, 0),
        action: Signal::Medium,
        text: "Hi".to_owned(),
        info: Vec::new(),
    }
}

#[test]
fn a_service_indication_is_read_and_written_octet_by_octet() {
    let bytes = hex(SI);
    assert_eq!(ServiceIndication::decode(&bytes, &Limits::DEFAULT), Ok(indication()));
    let mut out = Vec::new();
    indication().encode(&mut out);
    assert_eq!(out, bytes);
}

#[test]
fn the_other_documents_are_read_and_written_octet_by_octet() {
    let loading = ServiceLoading { href: "http://www.example.com/m".to_owned(), action: Load::ExecuteLow };
    assert_eq!(ServiceLoading::decode(&hex(SL), &Limits::DEFAULT).as_ref(), Ok(&loading));
    let operation = CacheOperation {
        invalidate: vec![
            Invalidate::Object("http://www.example.com/a".to_owned()),
            Invalidate::Service("https://example.net/".to_owned()),
            Invalidate::Object("https://www.example.org/x".to_owned()),
        ],
    };
    assert_eq!(CacheOperation::decode(&hex(CO), &Limits::DEFAULT).as_ref(), Ok(&operation));
    let mail = EmailNotification {
        mailbox: "mailat:joe@example.com".to_owned(),
        timestamp: Utc::from_fields(2001, 8, 27, 12, 34, 56),
    };
    assert_eq!(EmailNotification::decode(&hex(EMN), &Limits::DEFAULT).as_ref(), Ok(&mail));
    let mut written = [Vec::new(), Vec::new(), Vec::new()];
    loading.encode(&mut written[0]);
    operation.encode(&mut written[1]);
    mail.encode(&mut written[2]);
    assert_eq!(written, [hex(SL), hex(CO), hex(EMN)]);
}

#[test]
fn documents_come_back_from_xml() {
    let mut full = indication();
    full.text = "a <b> & \"c\" \u{e9}".to_owned();
    full.info = vec![("class".to_owned(), "more".to_owned()), ("x".to_owned(), String::new())];
    let xml = full.to_xml();
    assert!(xml.contains("<!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\""), "{xml}");
    assert_eq!(ServiceIndication::from_xml(&xml, &Limits::DEFAULT), Ok(full.clone()));
    let mut bytes = Vec::new();
    full.encode(&mut bytes);
    assert_eq!(ServiceIndication::decode(&bytes, &Limits::DEFAULT), Ok(full));
    let plain = "<si>\n  <indication href='http://a'>\n  x\n  y </indication>\n</si>";
    assert_eq!(ServiceIndication::from_xml(plain, &Limits::DEFAULT).unwrap().text, "x y");
    for wrong in [
        "<sl href='a'/>",
        "<si/>",
        "<si><indication action='x'/></si>",
        "<si><indication created='2024-13-01T00:00:00Z'/></si>",
    ] {
        assert!(ServiceIndication::from_xml(wrong, &Limits::DEFAULT).is_err(), "{wrong}");
    }
}

#[test]
fn tables_literals_entities_and_pages_are_read() {
    // Public identifier and a tag from the table, an entity, a reference, an extension, a page, an instruction in front.
    let bytes = hex("03 00 00 6a 08 61620063642f6500 43 04 03 03 7600 01 c4 03 04 00 83 03 0165 01");
    let error = Document::decode(&bytes, &Limits::DEFAULT);
    assert!(error.is_err(), "the attribute's list is not ended");
    let bytes =
        hex("03 00 00 6a 08 61620063642f6500 c4 03 04 00 83 03 01 02 8125 00 05 46 03 7800 01 83 00 01");
    let document = Document::decode(&bytes, &Limits::DEFAULT).unwrap();
    let tokens: Vec<_> = document.tokens().collect();
    assert_eq!(tokens.len(), 10, "{tokens:?}");
    assert_eq!(document.to_str(Text::from("x")), "x");
    assert!(matches!(tokens[0], Token::Element { attributes: true, content: true, .. }));
    assert!(format!("{tokens:?}").contains("Entity('\u{a5}')"), "{tokens:?}");
    assert!(format!("{tokens:?}").contains("page: 5, code: 6"), "{tokens:?}");
}

#[test]
fn hostile_documents_are_refused_with_the_rule() {
    let deep = [&hex("02 05 6a 00")[..], &[0x45; 1000]].concat();
    let pages = [&hex("02 05 6a 00 45")[..], &[0; 100_000]].concat();
    for (bytes, rule) in [
        (hex(""), Rule::Ends),
        (hex("09 05 6a 00 05"), Rule::WbxmlVersion),
        (hex("02 05 6a 00"), Rule::WbxmlRoot),
        (hex("02 05 6a 05 05"), Rule::LengthPastEnd),
        (hex("02 05 6a ffffffff7f 05"), Rule::UintvarLarge),
        (hex("02 00 05 6a 00 05"), Rule::WbxmlTable),
        (hex("02 05 6a 00 44 00 01"), Rule::WbxmlTable),
        (hex("02 05 6a 00 45 83 7f 01"), Rule::WbxmlTable),
        (hex("02 05 6a 02 6161 45 83 00 01"), Rule::WbxmlTable),
        (hex("02 05 6a 00 45 c3 8fffffff7f 01"), Rule::LengthPastEnd),
        (hex("02 05 6a 00 45 03 6161"), Rule::TextUnterminated),
        (hex("02 05 6a 00 45 02 83b000 01"), Rule::WbxmlEntity),
        (hex("02 05 6a 00 45 02 00 01"), Rule::WbxmlEntity),
        (hex("02 05 6a 00 45 02 84808000 01"), Rule::WbxmlEntity),
        (hex("02 05 6a 00 45"), Rule::Ends),
        (hex("02 05 6a 00 05 05"), Rule::WbxmlRoot),
        (hex("02 05 6a 00 85 03 6100 01"), Rule::WbxmlToken),
        (hex("02 05 8768 00 05"), Rule::WbxmlCharset),
        (deep, Rule::WbxmlDepth),
        (pages, Rule::Ends),
    ] {
        let error = Document::decode(&bytes, &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.rule, rule, "{error}");
    }
    for (bytes, rule) in [
        ("02 06 6a 00 45 06 01", Rule::WbxmlDocument),
        ("02 05 6a 00 45 3f 01", Rule::WbxmlDocument),
        ("02 05 6a 00 45 86 0a c3 03 202401 01 01", Rule::WbxmlDate),
        ("02 05 6a 00 45 86 0a c3 04 2024130a 01 01", Rule::WbxmlDate),
        ("02 05 6a 00 05", Rule::WbxmlDocument),
    ] {
        let error = ServiceIndication::decode(&hex(bytes), &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.rule, rule, "{bytes}: {error}");
    }
}

#[test]
fn provisioning_is_recognised_whatever_it_is_called() {
    let document = hex("030b6a0045c6560187070603");
    for name in [
        "application/vnd.wap.connectivity-wbxml",
        "text/vnd.wap.connectivity-xml",
        "application/vnd.wap.wbxml",
        "application/x-wbxml",
    ] {
        assert!(is_provisioning(&ContentType::new(MediaType::named(name)), &document), "{name}");
    }
    assert!(!is_provisioning(&ContentType::new(MediaType::SI), &hex(SI)));
    assert!(!is_provisioning(&ContentType::new(MediaType::named("application/vnd.wap.wbxml")), &hex(SI)));
}
