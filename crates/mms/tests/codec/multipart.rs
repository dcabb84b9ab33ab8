//! Multipart bodies: what is right, and each way to be wrong.

use strowger_mms::multipart::{Parts, PartsBuf};
use strowger_mms::wsp::{ContentTypeBuf, HeadersBuf};
use strowger_mms::{Charset, Limits, Rule};

use crate::samples::hex;

#[test]
fn a_body_comes_back_part_by_part() {
    let text = ContentTypeBuf::new("text/plain").charset(Charset::UTF8).named("t.txt");
    let picture = ContentTypeBuf::new("image/jpeg");
    let headers = HeadersBuf::new().content_id("<p1>").content_location("p.jpg");
    let data = vec![0xff; 40_000];
    let body = PartsBuf::new()
        .with(&text.as_content_type(), &HeadersBuf::new().as_headers(), b"hi")
        .with(&picture.as_content_type(), &headers.as_headers(), &data)
        .finish();
    let parts = Parts::decode(&body, &Limits::DEFAULT).unwrap();
    let found: Vec<_> = parts.iter().collect();
    assert_eq!(found[0].content_type, text.as_content_type());
    assert_eq!(found[1].headers, headers.as_headers());
    assert_eq!(found[1].data, data);
    assert_eq!(parts.find("p1").unwrap(), found[1]);
    assert_eq!(parts.find("<p1>").unwrap(), found[1]);
    assert_eq!(found[1].file_name(1), "p.jpg");
}

#[test]
fn a_name_from_the_wire_never_leaves_its_folder() {
    for (parameter, location, expected) in [
        (Some("../../x.jpg"), None, "x.jpg"),
        (Some(".."), None, "part-1.jpg"),
        (None, Some("..\\x.jpg"), "x.jpg"),
        (None, Some("/etc/passwd"), "passwd"),
        (None, None, "part-1.jpg"),
    ] {
        let mut picture = ContentTypeBuf::new("image/jpeg");
        if let Some(name) = parameter {
            picture = picture.named(name);
        }
        let mut headers = HeadersBuf::new();
        if let Some(location) = location {
            headers = headers.content_location(location);
        }
        let body = PartsBuf::new().with(&picture.as_content_type(), &headers.as_headers(), b"x").finish();
        let parts = Parts::decode(&body, &Limits::DEFAULT).unwrap();
        assert_eq!(parts.iter().next().unwrap().file_name(0), expected);
    }
}

#[test]
fn the_count_of_parts_and_their_lengths_are_not_trusted() {
    for (body, rule) in [
        ("", Rule::Ends),
        ("01", Rule::PartsMissing),
        ("02 0102 83 6869", Rule::PartsMissing),
        ("00 0102 83 6869", Rule::PartsTrailing),
        ("01 0102 83 6869 00", Rule::PartsTrailing),
        ("8fffffff7f", Rule::PartCount),
        ("8f ff ff ff ff 7f", Rule::UintvarLong),
        ("01 0002 6869", Rule::HeadersLength),
        ("01 0102", Rule::LengthPastEnd),
        ("01 0103 83 6869", Rule::LengthPastEnd),
        ("01 018fffffff7f 83 6869", Rule::LengthPastEnd),
        ("01 7f02 83 6869", Rule::LengthPastEnd),
        ("01 0202 83 8e 6869", Rule::Ends),
    ] {
        let error = Parts::decode(&hex(body), &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.rule, rule, "{body}: {error}");
    }
    assert!(Parts::decode(&[0], &Limits::DEFAULT).unwrap().is_empty());
}

#[test]
fn a_code_that_means_one_thing_in_a_push_and_another_in_a_part_is_told_apart() {
    let text = ContentTypeBuf::new("text/plain");
    for headers in [
        HeadersBuf::new().text("X-Wap-Loc-Invocation", "base64"),
        HeadersBuf::new().text("content-transfer-encoding", "base64"),
    ] {
        let body = PartsBuf::new().with(&text.as_content_type(), &headers.as_headers(), b"aGk=").finish();
        let parts = Parts::decode(&body, &Limits::DEFAULT).unwrap();
        let part = parts.iter().next().unwrap();
        assert_eq!(part.transfer_encoding().unwrap().to_str(), "base64");
        assert_eq!(part.data, b"aGk=", "the data are given as they came");
    }
}
