//! The values of fields, and the tables.

use std::net::IpAddr;

use strowger_sip::auth::{Algorithm, Challenge, Known, Nonces, Proof, Secret, Subject};
use strowger_sip::cause::{cause_of_status, status_of_cause};
use strowger_sip::dialog::Dialog;
use strowger_sip::message::{
    Address, CSeq, Method, Name, SessionExpires, Status, Uri, Via, date, q850_cause,
};
use strowger_sip::{Limits, Rule, text};

fn uri(text: &str) -> Uri<'_> {
    Uri::parse(text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn a_moment_is_written_as_the_standard_has_it() {
    for (unix, text) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_289_690_940, "Sat, 13 Nov 2010 23:29:00 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ] {
        assert_eq!(date(strowger_sansio::Duration::from_secs(unix)), text);
    }
}

#[test]
fn a_bare_branch_is_refused_of_the_sender_and_left_to_other_hops() {
    let limits = Limits::default();
    let verdict = |vias: &str| {
        let request = format!(
            "OPTIONS sip:2002@192.0.2.2 SIP/2.0\r\n{vias}From: <sip:a@192.0.2.1>;tag=a\r\nTo: <sip:b@192.0.2.2>\r\n\
             Call-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        let message = text::decode(request.as_bytes(), &limits).unwrap();
        text::check(&message, &limits).map_err(|error| (error.offset, error.rule))
    };
    let [good, bare] = ["SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK"];
    assert_eq!(verdict(&format!("Via: {bare}\r\n")), Err((0, Rule::Branch)));
    assert_eq!(verdict(&format!("Via: {bare}, {good}\r\n")), Err((0, Rule::Branch)));
    // In one field or in two, the second is another's.
    assert_eq!(verdict(&format!("Via: {good}, {bare}\r\n")), Ok(()));
    assert_eq!(verdict(&format!("Via: {good}\r\nVia: {bare}\r\n")), Ok(()));
}

#[test]
fn a_request_uri_has_no_headers_whatever_a_strict_router_is_called() {
    let invite = "INVITE sip:2002@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\n\
        Record-Route: <sip:192.0.2.1;transport=udp;Method=INVITE?x=y>\r\nFrom: <sip:a@192.0.2.1>;tag=a\r\n\
        To: <sip:2002@192.0.2.2>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.3;method=BYE?Subject=z>\r\n\
        Content-Length: 0\r\n\r\n";
    let invite = text::decode(invite.as_bytes(), &Limits::default()).unwrap();
    let mut dialog = Dialog::of_request(&invite, "b").unwrap();
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.uri().unwrap().to_string(), "sip:192.0.2.1;transport=udp");
    assert_eq!(bye.header.list(&Name::Route).collect::<Vec<_>>(), ["<sip:a@192.0.2.3>"]);
}

#[test]
fn uris_are_taken_apart_and_put_together() {
    let text = "sips:alice;x=1:pass@[2001:db8::1]:5061;transport=tcp;lr?Subject=a%20b&Priority=urgent";
    let parsed = uri(text);
    let sip = parsed.as_sip().unwrap();
    assert_eq!(
        (sip.user.as_deref(), &*sip.host, sip.port),
        (Some("alice;x=1:pass"), "[2001:db8::1]", Some(5061))
    );
    assert_eq!(
        (sip.parameter("TRANSPORT"), sip.parameter("lr"), sip.parameter("ttl")),
        (Some("tcp"), Some(""), None)
    );
    assert_eq!(parsed.to_string(), text);
    for wrong in [
        "sip:",
        "sip:@host",
        "sip:a b@host",
        "sip:host:99999",
        "sip:host;",
        "sip:[::1",
        "sip:a@b@",
        "nothing",
        "1a:b",
        "sip:a@host?",
        "sip:a\"b@host",
    ] {
        assert!(Uri::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn uris_are_compared_as_rfc_3261_section_19_1_4_says() {
    let same =
        |one: &str, other: &str| uri(one).as_sip().unwrap().is_equivalent(uri(other).as_sip().unwrap());
    for (one, other) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ] {
        assert!(same(one, other), "{one} {other}");
    }
    for (one, other) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sips:bob@biloxi.com", "sip:bob@biloxi.com"),
    ] {
        assert!(!same(one, other), "{one} {other}");
    }
}

#[test]
fn numbers_are_found_in_uris() {
    for (text, number) in [
        ("sip:2001@town", Some("2001")),
        ("sip:+1-555-0101;phone-context=x@town;user=phone", Some("+15550101")),
        ("tel:+1(555)010.1;ext=5", Some("+15550101")),
        ("sip:*21%232001@town", Some("*21#2001")),
        ("sip:alice:secret@town", Some("alice")),
        ("sip:town", None),
        ("mailto:a@b", None),
    ] {
        assert_eq!(uri(text).number().as_deref(), number, "{text}");
    }
}

#[test]
fn addresses_have_names_uris_and_parameters_of_their_own() {
    let address = Address::parse("\"A \\\"B\\\" <C>\" <sip:a@b;x=1>;tag=t;y=\"q;,\"").unwrap();
    assert_eq!(address.name.as_deref(), Some("A \"B\" <C>"));
    assert_eq!((address.tag(), address.parameters.get("y")), (Some("t"), Some("\"q;,\"")));
    assert_eq!(address.uri.as_sip().unwrap().parameter("x"), Some("1"));
    assert_eq!(Address::parse("sip:a@b;tag=t").unwrap().tag(), Some("t"));
    assert_eq!(Address::parse("A. User <sip:a@b>").unwrap().name.as_deref(), Some("A. User"));
    for wrong in [
        "",
        "<sip:a@b",
        "\"a <sip:a@b>",
        "A, B <sip:a@b>",
        "sip:a@b?x=y",
        "< sip:a@b >",
        "<sip:a@b>x",
        "<sip:a@b>;=1",
    ] {
        assert!(Address::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_via_says_where_its_answers_go() {
    let source = "198.51.100.9:40000".parse().unwrap();
    let via = Via::parse("SIP / 2.0 /UDP 192.0.2.1 : 5062 ;branch=z9hG4bK1").unwrap();
    assert_eq!(via.answer_to(source), "198.51.100.9:5062".parse().unwrap());
    assert_eq!(via.completed(source), "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1;received=198.51.100.9");
    let via = Via::parse("SIP/2.0/UDP host.example;rport;branch=z9hG4bK1;received=203.0.113.1").unwrap();
    assert_eq!(via.answer_to(source), source);
    assert_eq!(
        via.completed(source),
        "SIP/2.0/UDP host.example;rport=40000;branch=z9hG4bK1;received=198.51.100.9"
    );
    for wrong in
        ["SIP/2.0/UDP", "SIP/1.0/UDP a", "SIP/2.0/UDP a b", "SIP/2.0/UDP a:b", "SIP/2.0/UDP a;;x", "UDP a"]
    {
        assert!(Via::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn small_values_are_read() {
    assert_eq!(CSeq::parse("0009\r\n  INVITE").unwrap().to_string(), "9 INVITE");
    assert!(CSeq::parse("36893488147419103232 REGISTER").is_none());
    assert_eq!(SessionExpires::parse("1800 ; refresher=UAS").unwrap().to_string(), "1800;refresher=uas");
    assert_eq!(q850_cause("SIP;cause=200, Q.850 ;cause=17;text=\"User, busy\""), Some(17));
    assert_eq!(
        (q850_cause("Q.850;cause=200"), q850_cause("SIP;cause=17"), q850_cause("x")),
        (None, None, None)
    );
    assert_eq!(Name::new("K"), Name::Supported);
    assert_eq!(Name::new("x-own"), Name::new("X-OWN"));
}

#[test]
fn causes_and_statuses_are_those_of_rfc_3398() {
    for (cause, status) in [
        (1, 404),
        (17, 486),
        (18, 408),
        (19, 480),
        (21, 403),
        (27, 502),
        (28, 484),
        (34, 503),
        (65, 488),
        (102, 504),
        (127, 500),
        (96, 500),
    ] {
        assert_eq!(status_of_cause(cause).code(), status, "{cause}");
    }
    for (status, cause) in [
        (400, 41),
        (404, 1),
        (408, 102),
        (480, 18),
        (486, 17),
        (487, 31),
        (503, 41),
        (600, 17),
        (603, 21),
        (604, 1),
        (699, 31),
        (302, 23),
    ] {
        assert_eq!(cause_of_status(Status::new(status).unwrap()), cause, "{status}");
    }
}

/// RFC 7616 section 3.9.1: the example with both algorithms.
#[test]
fn the_digests_of_rfc_7616_are_computed() {
    let challenge = |algorithm| Challenge {
        realm: "http-auth@example.org".into(),
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".into(),
        opaque: Some("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS".into()),
        algorithm,
        protects: true,
        stale: false,
    };
    let secret = Secret { user: "Mufasa", password: "Circle of Life" };
    let subject = Subject { method: "GET", uri: "/dir/index.html" };
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    for (algorithm, response) in [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let mut known = Known { challenge: challenge(algorithm), field: Name::Authorization, count: 0 };
        let value = known.answer(secret, subject, cnonce);
        assert!(value.contains(&format!("response=\"{response}\"")), "{value}");
        assert!(Proof::parse(&value).unwrap().holds("Circle of Life", "GET"));
        assert_eq!(Challenge::parse(&known.challenge.to_value()).as_ref(), Some(&known.challenge));
    }
}

#[test]
fn challenges_that_cannot_be_answered_are_passed_over() {
    for wrong in [
        "Basic realm=\"x\"",
        "Digest realm=\"x\"",
        "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256",
        "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
    ] {
        assert!(Challenge::parse(wrong).is_none(), "{wrong}");
    }
    assert!(
        Challenge::parse("digest REALM=\"x\",NONCE=\"y\",qop=\"auth-int, auth\", stale=TRUE").unwrap().stale
    );
}

#[test]
fn a_nonce_is_known_by_its_maker_alone_and_tells_its_age() {
    let (own, other) = (Nonces::new([1; 16]), Nonces::new([2; 16]));
    let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
    let nonce = own.make(1234, 7, here);
    assert_eq!((own.made_at(&nonce, here), other.made_at(&nonce, here)), (Some(1234), None));
    assert_eq!(own.made_at(&nonce, there), None);
    assert_ne!(own.make(1234, 8, here), nonce);
    assert_eq!(own.made_at(&nonce.replace("4d2", "4d3"), here), None);
    assert_eq!(own.made_at("short", here), None);
}
