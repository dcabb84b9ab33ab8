//! Properties: what the builders make decodes to what was put in, and what decodes is a fixed point of encoding and
//! decoding, whatever spelling it came in.

use proptest::prelude::*;
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{
    CallId, ConnectionId, ConnectionMode, ConnectionStatistics, EndpointName, LocalOptions, Message,
    NotificationControl, NotifiedEntity, ParameterCode, Quarantine, QuarantineEvents, RequestId,
    RequestedEventBuf, ReturnCode, SignalBuf, TransactionId, TransactionRange, Verb,
};
use strowger_mgcp::text::{CommandBuilder, ResponseBuilder, decode};

use crate::probe::probe;

fn hex() -> impl Strategy<Value = String> {
    "[0-9a-fA-F]{1,32}"
}

fn endpoint() -> impl Strategy<Value = String> {
    let term = prop_oneof!["[a-z0-9#\\[\\],.-]{1,8}", Just("*".to_owned()), Just("$".to_owned())];
    let domain = prop_oneof![
        "[a-zA-Z0-9.-]{1,40}",
        "#[0-9]{1,9}",
        Just("[192.0.2.1]".into()),
        Just("[2001:db8::1]".into())
    ];
    (prop::collection::vec(term, 1..4), domain)
        .prop_map(|(terms, domain)| format!("{}@{domain}", terms.join("/")))
}

fn entity() -> impl Strategy<Value = String> {
    (
        prop::option::of("[a-z0-9]{1,9}@"),
        "[a-z0-9.-]{1,30}|\\[192\\.0\\.2\\.9\\]",
        prop::option::of(":[0-9]{1,4}"),
    )
        .prop_map(|(local, domain, port)| {
            format!("{}{domain}{}", local.unwrap_or_default(), port.unwrap_or_default())
        })
}

fn transaction_id() -> impl Strategy<Value = TransactionId> {
    (1..=999_999_999_u32).prop_map(|number| TransactionId::new(number).unwrap())
}

fn event_name() -> impl Strategy<Value = String> {
    let event = prop_oneof![
        "[a-z][a-z0-9]{0,5}",
        "\\[[0-9*#A-DTx]{1,6}\\]",
        Just("all".to_owned()),
        Just("*".to_owned())
    ];
    let connection = prop_oneof![
        Just(String::new()),
        Just("@$".to_owned()),
        Just("@*".to_owned()),
        hex().prop_map(|id| format!("@{id}"))
    ];
    (prop::option::of("([A-Z]{1,4}|\\*)/"), event, connection).prop_map(|(package, event, connection)| {
        format!("{}{event}{connection}", package.unwrap_or_default())
    })
}

fn parameters() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[!-'*+./0-9:;<>?A-Z\\[\\]_a-z|~-]{1,9}".prop_filter("no quote", |s| !s.contains('"')),
        "\"[ -!#-~]{0,9}\"",
        Just(String::new())
    ];
    let item = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            ("[a-z]{1,4}", inner.clone()).prop_map(|(name, value)| format!("{name}={value}")),
            ("[a-z]{1,4}", prop::collection::vec(inner, 1..3))
                .prop_map(|(name, values)| format!("{name}({})", values.join(","))),
        ]
    });
    prop::collection::vec(item, 1..4).prop_map(|items| items.join(","))
}

fn signal() -> impl Strategy<Value = String> {
    (event_name(), prop::option::of(parameters())).prop_map(|(name, parameters)| match parameters {
        Some(parameters) => format!("{name}({parameters})"),
        None => name,
    })
}

fn requested_event() -> impl Strategy<Value = String> {
    let plain = prop::sample::subsequence(vec!["N", "A", "D", "S", "I", "K", "X/act(1,2)"], 1..4)
        .prop_map(|list| list.join(","));
    let base = (event_name(), prop::option::of((plain.clone(), prop::option::of(parameters())))).prop_map(
        |(name, rest)| match rest {
            None => name,
            Some((actions, None)) => format!("{name}({actions})"),
            Some((actions, Some(parameters))) => format!("{name}({actions})({parameters})"),
        },
    );
    let base = base.boxed();
    (
        base.clone(),
        prop::option::of((
            prop::collection::vec(base, 0..3),
            prop::collection::vec(signal(), 0..3),
            prop::bool::ANY,
        )),
    )
        .prop_map(|(event, embedded)| match embedded {
            Some((events, signals, true)) if !event.contains('(') => {
                format!("{event}(A,E(R({}),S({}),D(x.[#T])))", events.join(","), signals.join(", "))
            }
            Some((_, signals, false)) if !event.contains('(') => {
                format!("{event}(E(S({})))", signals.join(","))
            }
            _ => event,
        })
}

fn options() -> impl Strategy<Value = String> {
    let option = prop_oneof![
        "a:[A-Za-z0-9/-]{1,9}(;[A-Z0-9-]{1,9}){0,2}",
        "[pb]:[0-9]{1,4}",
        "[es]:(on|off)",
        "gc:(auto|-?[0-9]{1,4})",
        "t:[0-9a-f]{2}",
        "r:(g|cl|be)",
        "nt:(IN|ATM|LOCAL)",
        "k:(clear|base64|uri):[A-Za-z0-9+/]{1,9}",
        "x[+-][a-z0-9_]{1,9}(:[a-z0-9]{1,9})?",
        "(o-)?fmtp:\"[a-z]{1,5}(:[1-9])?( [!#-~]{1,9})?\"",
        "[A-Z]{1,4}/[a-z]{1,5}:[a-z0-9]{1,9}(;[a-z]{1,3})?",
    ];
    prop::collection::vec(option, 0..6).prop_map(|list| list.join(", "))
}

/// The other spellings that a message may come in: LF for CR LF, lower case, and white space where it is let through.
/// The session description stays as it is.
fn respell(bytes: &[u8], line_feeds: bool, lower: bool, spaces: bool) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (header, description) = text.split_once("\r\n\r\n").unwrap();
    let mut header = format!("{header}\r\n");
    if spaces {
        header = header.replace("\r\n", " \t\r\n").replace(" MGCP ", "  MGCP \t");
        header = header.split_inclusive('\n').map(|line| line.replacen(": ", " :\t  ", 1)).collect();
    }
    if lower {
        header.make_ascii_lowercase();
    }
    if line_feeds {
        header = header.replace("\r\n", "\n");
    }
    format!("{header}\r\n{description}").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_command_that_was_built_decodes_to_what_was_put_in(
        (id, endpoint, call, connection, request) in (transaction_id(), endpoint(), hex(), hex(), hex()),
        (entity, options) in (entity(), options()),
        events in prop::collection::vec(requested_event(), 0..4),
        signals in prop::collection::vec(signal(), 0..4),
        mode in 0..9_usize,
        (discard, loops) in (prop::bool::ANY, prop::bool::ANY),
        (line_feeds, lower, spaces) in (prop::bool::ANY, prop::bool::ANY, prop::bool::ANY),
    ) {
        let name = EndpointName::parse(&endpoint).unwrap();
        let mode = ConnectionMode::ALL[mode];
        let events: Vec<_> = events.iter().map(|e| RequestedEventBuf::parse(e).unwrap()).collect();
        let signals: Vec<_> = signals.iter().map(|s| SignalBuf::parse(s).unwrap()).collect();
        let quarantine = Quarantine {
            events: if discard { QuarantineEvents::Discard } else { QuarantineEvents::Process },
            notifications: if loops { NotificationControl::Loop } else { NotificationControl::Step },
        };
        let bytes = CommandBuilder::new(Verb::Mdcx, id, name, &Dialect::RFC3435)
            .call_id(CallId::parse(&call).unwrap())
            .connection_id(ConnectionId::parse(&connection).unwrap())
            .request_id(RequestId::parse(&request).unwrap())
            .notified_entity(NotifiedEntity::parse(&entity).unwrap())
            .local_options(LocalOptions::parse(&options).unwrap())
            .mode(mode)
            .requested_event_list(&events)
            .signal_list(&signals)
            .quarantine(quarantine)
            .sdp(b"v=0\r\n")
            .finish();
        let Ok(Message::Command(command)) = decode(&bytes, &Limits::DEFAULT) else {
            panic!("{}: {:?}", bytes.escape_ascii(), decode(&bytes, &Limits::DEFAULT));
        };
        prop_assert_eq!(command.endpoint, name);
        prop_assert_eq!(command.call_id(), CallId::parse(&call));
        prop_assert_eq!(command.connection_id(), ConnectionId::parse(&connection));
        prop_assert_eq!(command.request_id(), RequestId::parse(&request));
        prop_assert_eq!(command.notified_entity(), NotifiedEntity::parse(&entity));
        prop_assert_eq!(command.mode(), Some(mode));
        prop_assert_eq!(command.quarantine(), Some(quarantine));
        prop_assert_eq!(command.local_options().unwrap().as_str(), &options);
        let back: Vec<_> = command.requested_events().unwrap().iter().map(strowger_mgcp::message::RequestedEvent::to_buf).collect();
        prop_assert_eq!(back, events);
        let back: Vec<_> = command.signal_requests().unwrap().iter().map(strowger_mgcp::message::ListedEvent::to_buf).collect();
        prop_assert_eq!(back, signals);
        let spelled = respell(&bytes, line_feeds, lower, spaces);
        prop_assert_eq!(probe(&spelled, &Limits::DEFAULT), 1, "{}", spelled.escape_ascii());
        let Ok(Message::Command(again)) = decode(&spelled, &Limits::DEFAULT) else { panic!("it was good") };
        prop_assert_eq!(again.endpoint, name);
        prop_assert_eq!(again.notified_entity(), NotifiedEntity::parse(&entity));
        prop_assert_eq!((again.call_id(), again.sdp), (command.call_id(), command.sdp));
    }

    #[test]
    fn a_response_that_was_built_decodes_to_what_was_put_in(
        (id, connection, names) in (transaction_id(), hex(), prop::collection::vec(endpoint(), 0..4)),
        code in 0..1000_u16,
        (sent, lost) in (any::<u32>(), any::<u32>()),
        observed in prop::collection::vec(signal(), 0..5),
        two in prop::bool::ANY,
    ) {
        let code = ReturnCode::new(code).unwrap();
        let statistics = ConnectionStatistics { packets_sent: sent, packets_lost: lost, ..ConnectionStatistics::default() };
        let observed: Vec<_> = observed.iter().map(|s| SignalBuf::parse(s).unwrap()).collect();
        let mut builder = ResponseBuilder::new(code, id)
            .connection_id(ConnectionId::parse(&connection).unwrap())
            .connection_parameters(&statistics)
            .observed_events(&observed)
            .response_ack()
            .sdp(b"v=0\r\nc=IN IP4 192.0.2.1\r\n");
        for name in &names {
            builder = builder.specific_endpoint(EndpointName::parse(name).unwrap());
        }
        if two {
            builder = builder.remote_sdp(b"v=0\r\n");
        }
        let bytes = builder.finish();
        let Ok(Message::Response(response)) = decode(&bytes, &Limits::DEFAULT) else {
            panic!("{}: {:?}", bytes.escape_ascii(), decode(&bytes, &Limits::DEFAULT));
        };
        prop_assert_eq!((response.code, response.transaction_id), (code, id));
        prop_assert_eq!(response.commentary, code.name());
        let back: Vec<_> = response.specific_endpoints().map(|name| name.to_string()).collect();
        prop_assert_eq!(back, names);
        let back = response.connection_parameters().unwrap().to_statistics();
        prop_assert_eq!((back.packets_sent, back.packets_lost), (sent.min(999_999_999), lost.min(999_999_999)));
        prop_assert_eq!(response.remote_sdp().is_some(), two);
        prop_assert!(response.parameters.contains(ParameterCode::ResponseAck));
        prop_assert_eq!(probe(&bytes, &Limits::DEFAULT), 1);
    }

    #[test]
    fn any_text_at_all_is_decoded_or_refused(text in "\\PC{0,300}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        probe(text.as_bytes(), &Limits::DEFAULT);
        probe(&bytes, &Limits::DEFAULT);
    }

    #[test]
    fn lines_of_any_known_letters_are_decoded_or_refused(
        lines in prop::collection::vec("([A-Z][A-Z0-9]?|X[+-][a-z]{1,3}|[A-Z]/[a-z]{1,3}) ?: ?[ -~]{0,30}", 0..8),
    ) {
        let text = format!("XABC 1 */$@gw MGCP 1.0\r\n{}\r\n", lines.join("\r\n"));
        probe(text.as_bytes(), &Limits::DEFAULT);
    }

    #[test]
    fn ranges_are_given_back_as_they_were_given(
        ranges in prop::collection::vec((1..999_999_999_u32, 0..50_u32), 1..9),
    ) {
        let id = |number: u32| TransactionId::new(number.min(999_999_999)).unwrap();
        let ranges: Vec<_> = ranges.into_iter().map(|(first, more)| TransactionRange { first: id(first), last: id(first + more) }).collect();
        let endpoint = EndpointName::parse("a@b").unwrap();
        let bytes = CommandBuilder::new(Verb::Auep, id(1), endpoint, &Dialect::RFC3435).response_ack(&ranges).finish();
        let Ok(Message::Command(command)) = decode(&bytes, &Limits::DEFAULT) else { panic!("it is legal") };
        prop_assert_eq!(command.response_ack().unwrap().iter().collect::<Vec<_>>(), ranges);
    }
}
