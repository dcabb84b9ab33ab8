//! The values of parameters as types.

use strowger_mgcp::message::{
    BearerEncoding, BearerInformation, CallId, CallIdBuf, Category, ConnectionMode, ConnectionParameters,
    ConnectionStatistics, EndpointName, EndpointNameBuf, EventConnection, EventName, EventNameBuf,
    EventParameter, EventParameters, Gain, LocalOptions, NotificationControl, NotifiedEntity, OptionKind,
    PackageList, ParameterCode, Quarantine, QuarantineEvents, RangeWildcard, Reason, ReasonCode,
    RequestedEventBuf, RequestedInfo, Reservation, ReservationDirection, ResourceSharing, ResponseAck,
    RestartMethod, ReturnCode, SignalBuf, Span, Switch, Term, TransactionId, Verb, Version,
};
use strowger_mgcp::package::PACKAGES;

#[test]
fn names_of_endpoints_keep_their_spelling_and_compare_without_case() {
    let name = EndpointName::parse("AALN/1@RGW.Example.net").unwrap();
    assert_eq!(name, EndpointName::parse("aaln/1@rgw.example.NET").unwrap());
    let (one, other) = (name.to_buf(), EndpointNameBuf::parse("aaln/1@rgw.example.net").unwrap());
    assert_eq!((&one, one.as_str()), (&other, "AALN/1@RGW.Example.net"));
    assert_eq!(one.cmp(&other), std::cmp::Ordering::Equal);
    assert!(EndpointNameBuf::parse("aaln/1@gw").unwrap() < EndpointNameBuf::parse("AALN/2@gw").unwrap());
    for wrong in [
        "aaln/1",
        "@gw",
        "a//b@gw",
        "a/@gw",
        "a b@gw",
        "a*@gw",
        "a@g w",
        "a@[1.2.3]",
        "a@#",
        "a@[::1",
        "é@gw",
    ] {
        assert!(EndpointName::parse(wrong).is_none(), "{wrong}");
    }
    let longest = "a".repeat(255);
    assert!(EndpointName::parse(&format!("{longest}@{longest}")).is_some());
    assert!(EndpointName::parse(&format!("{longest}a@gw")).is_none());
    assert!(EndpointName::parse(&format!("a@{longest}a")).is_none());
}

#[test]
fn wildcards_stand_for_whole_terms() {
    let name = EndpointName::parse("ds/ds3-1/*/$@gw").unwrap();
    assert!(name.is_wildcarded() && name.all() && name.any());
    assert_eq!(
        name.terms().collect::<Vec<_>>(),
        [Term::Name("ds"), Term::Name("ds3-1"), Term::All, Term::Any]
    );
    let covers = |pattern: &str, name: &str| {
        EndpointName::parse(pattern).unwrap().covers(EndpointName::parse(name).unwrap())
    };
    assert!(
        covers("*@gw", "ds/ds3-1/6@GW.")
            && covers("ds/*/*@gw", "DS/ds3-1/6@gw")
            && covers("a/1@gw", "A/1@gw")
    );
    assert!(
        !covers("ds/*@gw", "ds/ds3-1/6@gw") && !covers("ds/*/*@gw", "ds/6@gw") && !covers("*@gw", "a/1@gw2")
    );
}

#[test]
fn range_wildcards_are_bounded() {
    let range = |text| EndpointName::parse(text).unwrap().terms().last().unwrap().range();
    let some = range("ds/ds3-1/[1,3,20-24]@gw").unwrap();
    assert_eq!(some.items().collect::<Vec<_>>(), [(1, 1), (3, 3), (20, 24)]);
    assert!(some.contains(22) && !some.contains(25) && !some.contains(2));
    for wrong in ["[]", "[1-]", "[-1]", "[3-1]", "[1,,2]", "[a]", "[1", "1]", "[70000]", "[1-2-3]"] {
        assert_eq!(RangeWildcard::parse(wrong), None, "{wrong}");
    }
    assert_eq!(
        RangeWildcard::parse(&format!("[1{}]", ",1".repeat(100))),
        None,
        "longer than the RFC suggests"
    );
}

#[test]
fn a_notified_entity_has_a_port_even_if_it_names_none() {
    let entity = |text| NotifiedEntity::parse(text);
    let full = entity("ca@ca1.example.net:5678").unwrap();
    assert_eq!((full.local(), full.domain(), full.port()), (Some("ca"), "ca1.example.net", 5678));
    let bare = entity("ca1.example.net").unwrap();
    assert_eq!(
        (bare.local(), bare.domain(), bare.explicit_port(), bare.port()),
        (None, "ca1.example.net", None, 2727)
    );
    let six = entity("a/b@[2001:db8::1]:2427").unwrap();
    assert_eq!((six.domain(), six.port()), ("[2001:db8::1]", 2427));
    assert_eq!(entity("[192.0.2.1]").unwrap().domain(), "[192.0.2.1]");
    assert_eq!(entity("CA@Host"), entity("ca@host:2727"), "the default port is the same port");
    for wrong in ["", "ca@", "@host", "host:", "host:70000", "host:1x", "a b@host", "host:123456", "[::1]:x"]
    {
        assert!(entity(wrong).is_none(), "{wrong}");
    }
    assert_eq!(full.to_buf().as_view(), full);
}

#[test]
fn identifiers_are_strings_of_hexadecimal_digits() {
    assert_eq!(CallId::parse("aB"), CallId::parse("Ab"));
    assert_ne!(CallId::parse("1"), CallId::parse("01"), "compared as strings");
    for wrong in ["", "xyz", &"1".repeat(33)] {
        assert!(CallId::parse(wrong).is_none(), "{wrong}");
    }
    assert_eq!(CallIdBuf::from_u128(0xfeed).as_str(), "0000000000000000000000000000feed");
    assert_eq!(TransactionId::new(0), None);
    assert_eq!(TransactionId::new(1_000_000_000), None);
}

#[test]
fn return_codes_fold_and_have_their_categories() {
    let code = |number| ReturnCode::new(number).unwrap();
    for (unknown, known) in
        [(7, 0), (199, 100), (222, 200), (302, 521), (499, 400), (599, 510), (801, 510), (999, 510)]
    {
        assert_eq!(code(unknown).fold_unknown(), code(known), "{unknown}");
    }
    assert_eq!(ReturnCode::ALL.len(), 57);
    assert!(ReturnCode::ALL.iter().all(|code| code.fold_unknown() == *code && code.name().is_some()));
    for (number, category) in [
        (200, Category::Normal),
        (405, Category::TemporaryFailure),
        (409, Category::TemporaryFailure),
        (407, Category::Specific),
        (521, Category::Specific),
        (501, Category::ServiceFailure),
        (510, Category::ProvisioningMismatch),
        (515, Category::StateMismatch),
        (505, Category::RemoteDescriptor),
        (401, Category::StateMismatch),
        (466, Category::TemporaryFailure),
        (777, Category::ProvisioningMismatch),
    ] {
        assert_eq!(code(number).category(), category, "{number}");
    }
    assert_eq!((code(0).to_string(), ReturnCode::new(1000)), ("000".to_owned(), None));
    assert!(code(850).is_package_specific() && code(101).is_provisional() && code(250).is_success());
    let reason = Reason::parse("801 /foo out of tokens").unwrap();
    assert_eq!(
        (reason.code.get(), reason.package, reason.commentary),
        (801, Some("foo"), Some("out of tokens"))
    );
    assert_eq!(Reason::of(ReasonCode::FACILITY).to_string(), "905 Facility failure");
    assert_eq!(Reason::parse("900 /foo").unwrap().commentary, Some("/foo"), "only 8xx name a package");
}

#[test]
fn local_options_have_types() {
    let options = LocalOptions::parse(
        "a:PCMU;G726-32;image/t38, p:10-20, b:64, e:on, gc:-3, s:off, t:a0, r:cl, k:clear:secret, nt:IN, \
         fmtp:\"PCMU:1 a=\"\"b\"\"\";\"G726-32 c\", o-fmtp:\"t38 d\", r-dir:sendrecv, r-cnf:none, r-sh:$, x+must:\"a,b\"",
    )
    .unwrap();
    assert_eq!(options.codecs().unwrap().collect::<Vec<_>>(), ["PCMU", "G726-32", "image/t38"]);
    assert_eq!(options.packetization(), Some(Span { low: 10, high: 20 }));
    assert_eq!(options.bandwidth(), Some(Span { low: 64, high: 64 }));
    assert_eq!(
        (options.echo_cancellation(), options.silence_suppression()),
        (Some(Switch::On), Some(Switch::Off))
    );
    assert_eq!((options.gain(), options.type_of_service()), (Some(Gain::Decibels(-3)), Some(0xa0)));
    assert_eq!(
        (options.reservation(), options.encryption()),
        (Some(Reservation::ControlledLoad), Some("clear:secret"))
    );
    assert_eq!(options.network_type(), Some("IN"));
    let formats: Vec<_> = options.formats().map(|f| (f.format, f.order, f.parameters, f.optional)).collect();
    let expected =
        [("PCMU", Some(1), "a=\"\"b\"\"", false), ("G726-32", None, "c", false), ("t38", None, "d", true)];
    assert_eq!(formats, expected);
    assert_eq!(options.reservation_direction(), Some(ReservationDirection::SendRecv));
    assert_eq!(options.reservation_confirmation(), Some(ReservationDirection::None));
    assert_eq!(options.resource_sharing(), Some(ResourceSharing::This));
    let last = options.iter().last().unwrap();
    assert_eq!((last.option_kind(), last.value), (OptionKind::VendorCritical, Some("\"a,b\"")));
    for wrong in [
        "p", "p:", "p:20-10", "p:12345", "e:maybe", "t:1", "t:100", "gc:loud", "r:x", "a:", "a:b;", "k:x:y",
        ",",
    ] {
        assert!(LocalOptions::parse(wrong).is_none(), "{wrong}");
    }
    assert!(LocalOptions::parse("p:10,,b:64").is_none());
}

#[test]
fn an_option_that_looks_like_a_capability_hides_none_behind_it() {
    let options = LocalOptions::parse("v:not@a;package, m:!, x+must:1").unwrap();
    assert_eq!(options.iter().map(|option| option.name).collect::<Vec<_>>(), ["v", "m", "x+must"]);
}

#[test]
fn capabilities_list_what_options_have_one_of() {
    let able = LocalOptions::parse_capabilities(
        "a:PCMU;G728, p:10-100, e:on, s:off, t:1, v:L;S, m:sendonly;recvonly;foo/bar, k:clear;base64, gc:0, r:g;be, nt:IN;LOCAL",
    )
    .unwrap();
    assert_eq!(able.packages().unwrap().collect::<Vec<_>>(), ["L", "S"]);
    assert_eq!(able.modes().unwrap().count(), 3);
    assert!(LocalOptions::parse_capabilities("v:-L").is_none());
    let bearer = BearerInformation::parse("e:A, foo/bar:1;2").unwrap();
    assert_eq!((bearer.encoding(), bearer.iter().count()), (Some(BearerEncoding::ALaw), 2));
    assert!(BearerInformation::parse("e:B").is_none() && BearerInformation::parse("x:1").is_none());
}

#[test]
fn modes_and_restart_methods_know_their_words() {
    for mode in ConnectionMode::ALL {
        assert_eq!(ConnectionMode::parse(&mode.keyword().to_ascii_uppercase()), Some(mode));
        assert_eq!(mode.to_static(), Some(mode));
    }
    assert!(matches!(ConnectionMode::parse("confecho"), Some(ConnectionMode::Other("confecho"))));
    assert!(matches!(
        ConnectionMode::parse("L/x"),
        Some(ConnectionMode::Package { package: "L", mode: "x" })
    ));
    for method in RestartMethod::ALL {
        assert_eq!(RestartMethod::parse(&method.to_string()), Some(method));
    }
    assert_eq!(RestartMethod::parse("now"), None);
    for (text, expected) in [
        ("loop", (NotificationControl::Loop, QuarantineEvents::Process)),
        ("discard", (NotificationControl::Step, QuarantineEvents::Discard)),
        ("LOOP, discard", (NotificationControl::Loop, QuarantineEvents::Discard)),
        ("process,step", (NotificationControl::Step, QuarantineEvents::Process)),
    ] {
        let quarantine = Quarantine::parse(text).unwrap();
        assert_eq!((quarantine.notifications, quarantine.events), expected, "{text}");
        assert_eq!(Quarantine::parse(&quarantine.to_string()), Some(quarantine));
    }
    assert!(Quarantine::parse("loop,step").is_none() && Quarantine::parse("").is_none());
}

#[test]
fn statistics_saturate_and_never_wrap() {
    let read =
        ConnectionParameters::parse("PS=1245, OS=62345, pr=0, LA=99999999999999999999, X-CQ=4, foo/bar=1")
            .unwrap();
    let statistics = read.to_statistics();
    assert_eq!((statistics.packets_sent, statistics.latency_ms), (1245, 999_999_999));
    assert_eq!(statistics.extensions, [("X-CQ".to_owned(), 4), ("foo/bar".to_owned(), 1)]);
    let most = ConnectionStatistics { octets_sent: u32::MAX, ..ConnectionStatistics::default() };
    assert_eq!(most.to_string(), "PS=0, OS=999999999, PR=0, OR=0, PL=0, JI=0, LA=0");
    let odd = ConnectionStatistics {
        extensions: vec![("a=1, b".to_owned(), 2)],
        ..ConnectionStatistics::default()
    };
    assert!(odd.to_string().ends_with("LA=0"), "a name that is none is not written");
    // osmo-mgw reports a loss below zero when packets came twice.
    let negative = ConnectionParameters::parse("PS=3, PL=-4").unwrap().to_statistics();
    assert_eq!((negative.packets_sent, negative.packets_lost), (3, 0));
    for wrong in ["PS", "PS=", "PS=-", "PS=--1", "=1", "PS=1x", "PS=1 OS=2"] {
        assert!(ConnectionParameters::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn event_names_have_packages_connections_and_ranges() {
    let name = EventName::parse("G/rt@0A3F58").unwrap();
    assert_eq!((name.package, name.event), (Some("G"), "rt"));
    assert!(matches!(name.connection, Some(EventConnection::Id(id)) if id.as_str() == "0A3F58"));
    assert_eq!(EventName::parse("r/QA@*").unwrap(), EventName::parse("R/qa@*").unwrap());
    assert_eq!(EventNameBuf::parse("L/hd").unwrap(), EventNameBuf::parse("l/HD").unwrap());
    assert_eq!(EventNameBuf::parse("hd").unwrap().qualified("L"), EventNameBuf::parse("L/hd").unwrap());
    for good in
        ["hd", "*/hd", "L/all", "*/all", "D/[0-9*#A-D]", "[0-9#T]", "D/*", "D/#", "8295555T", "a-b/c-d"]
    {
        assert_eq!(EventName::parse(good).unwrap().to_string(), good);
    }
    for wrong in [
        "", "/hd", "L/", "-/hd", "L-/hd", "#/1", "L/-x", "L/x-", "D/[", "D/[]", "hd@", "hd@xyz", "a/b/c",
        "hd(", "[0-9]/x",
    ] {
        assert!(EventName::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_requested_name_asks_for_the_events_that_it_covers() {
    let asks = |request: &str, package: &str, event: &str| {
        EventName::parse(request).unwrap().asks_for(package, event, "L")
    };
    assert!(
        asks("hd", "L", "HD")
            && asks("L/all", "L", "hd")
            && asks("*/hd", "X", "hd")
            && asks("*/all", "G", "ft")
    );
    assert!(
        asks("D/[0-9#T]", "D", "7")
            && asks("D/[0-9#T]", "D", "t")
            && asks("d/X", "D", "4")
            && asks("D/[x]", "D", "4")
    );
    assert!(asks("D/*", "D", "*") && asks("L/*", "L", "hd"));
    assert!(
        !asks("D/*", "D", "4")
            && !asks("D/[0-9]", "D", "#")
            && !asks("hd", "G", "hd")
            && !asks("D/X", "D", "#")
    );
}

#[test]
fn event_parameters_are_values_quoted_text_or_named() {
    let list = EventParameters::parse("10/14/17/26,\"555-0100\", to=6000,x(1, y=2),,+").unwrap();
    let all: Vec<_> = list.iter().collect();
    assert_eq!(all[0], EventParameter::Value("10/14/17/26"));
    assert_eq!(all[1], EventParameter::Quoted("555-0100"));
    assert_eq!(all[4], EventParameter::Value(""));
    assert_eq!(all[5], EventParameter::Value("+"));
    assert_eq!((list.number("TO"), list.number("x"), list.number("y")), (Some(6000), Some(1), None));
    assert_eq!(EventParameters::parse("to(6000)").unwrap().number("to"), Some(6000), "both forms are equal");
    assert_eq!(list.named("x").unwrap().number("y"), Some(2));
    assert!(list.contains("+") && list.contains("to") && !list.contains("-"));
    let chain = EventParameters::parse("a = b=c").unwrap();
    assert_eq!(chain.named("a").unwrap().named("b").unwrap().as_str(), "c");
    assert!(EventParameters::parse("a)").is_none() && EventParameters::parse("\"a").is_none());
    let signal = SignalBuf::parse("L/rg(rep=3)").unwrap();
    assert_eq!((signal.parameters().number("rep"), signal.to_string()), (Some(3), "L/rg(rep=3)".to_owned()));
    let event = RequestedEventBuf::parse("X/foo( N )( epar=2 )").unwrap();
    assert_eq!(event.to_string(), "X/foo(N)(epar=2)");
    assert_eq!(RequestedEventBuf::parse("hd").unwrap().actions().iter().count(), 1);
    assert!(RequestedEventBuf::parse("hd,hu").is_none() && RequestedEventBuf::parse("").is_none());
}

#[test]
fn the_shorter_lists_are_read_item_by_item() {
    let ack = ResponseAck::parse("6234-6255, 6257, 19030-19044").unwrap();
    assert_eq!(
        ack.iter().map(|range| range.to_string()).collect::<Vec<_>>(),
        ["6234-6255", "6257", "19030-19044"]
    );
    assert!(ack.iter().next().unwrap().contains(TransactionId::new(6255).unwrap()));
    for wrong in ["0", "5-4", "1-", "1,,2", "1000000000"] {
        assert!(ResponseAck::parse(wrong).is_none(), "{wrong}");
    }
    let info = RequestedInfo::parse("A,r, B/NS, X-own, LC").unwrap();
    assert!(
        info.contains(ParameterCode::RequestedEvents)
            && info.contains(ParameterCode::LocalConnectionDescriptor)
    );
    assert!(info.contains(ParameterCode::Package { package: "b", name: "ns" }));
    assert!(!info.contains(ParameterCode::CallId));
    let packages = PackageList::parse("L:1,G:1, FOO:2").unwrap();
    assert_eq!(packages.iter().map(|package| (package.name, package.version)).last(), Some(("FOO", 2)));
    assert!(PackageList::parse("L").is_none() && PackageList::parse("-L:1").is_none());
}

#[test]
fn codes_of_parameters_are_one_or_two_letters_or_extensions() {
    for code in ParameterCode::ALL {
        assert_eq!(ParameterCode::parse(&code.to_string().to_ascii_lowercase()), Some(code));
    }
    assert_eq!(ParameterCode::parse("X+foo"), Some(ParameterCode::Vendor { critical: true, name: "FOO" }));
    assert_eq!(
        ParameterCode::parse("X-Osmo-IGN"),
        Some(ParameterCode::Vendor { critical: false, name: "Osmo-IGN" })
    );
    assert_eq!(ParameterCode::parse("YY"), Some(ParameterCode::Unknown("yy")));
    for wrong in ["", "X+", "X-", "/a", "a/", "a/b/c", "+a", "a+b", "é"] {
        assert_eq!(ParameterCode::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn verbs_and_versions() {
    for verb in Verb::ALL {
        assert_eq!(Verb::parse(&verb.to_string().to_ascii_lowercase()), Some(verb));
    }
    assert_eq!(Verb::parse("xper"), Some(Verb::Other(*b"XPER")));
    for wrong in ["", "RQN", "RQNTX", "1QNT", "RQ T", "RQÑ"] {
        assert_eq!(Verb::parse(wrong), None, "{wrong}");
    }
    let ncs = |profile| Version { major: 1, minor: 0, profile: Some(profile) };
    assert_eq!(ncs("NCS 1.0"), ncs("ncs \t1.0"));
    assert_ne!(ncs("NCS 1.0"), Version::V1_0);
    assert_eq!(ncs("NCS 1.0").to_string(), "MGCP 1.0 NCS 1.0");
}

#[test]
fn an_event_that_is_no_digit_is_not_named_like_one() {
    let is_like_a_digit = |symbol: &str| {
        symbol.chars().all(|letter| "0123456789ABCDTX*#".contains(letter.to_ascii_uppercase()))
    };
    let found: Vec<_> = PACKAGES
        .iter()
        .flat_map(|package| package.items.iter().map(move |item| (package.name, item.symbol)))
        .filter(|(package, symbol)| *package != "D" && is_like_a_digit(symbol))
        .collect();
    // These three are so in their RFCs: continuity test and conference depart (RFC 3660), T.38 (RFC 5347).
    assert_eq!(found, [("T", "ct"), ("SST", "cd"), ("FXR", "t38")]);
}
