//! Properties over generated descriptions: what is written comes back, an edit changes one field, nothing panics.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use strowger_sdp::audio::ExtendedReports;
use strowger_sdp::{
    AddressPolicy, AudioDescription, Codec, CodecEntry, Direction, EditError, ImageDescription, Limits, Line,
    Rule, Scope, SessionDescription, Wild, decode,
};

fn limits() -> Limits {
    Limits::default()
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,12}"
}

fn text() -> impl Strategy<Value = String> {
    "[^\\r\\n\\x00]{1,20}"
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from(bits)))
    ]
}

fn connection() -> impl Strategy<Value = String> {
    prop_oneof![
        address().prop_map(|ip| format!("c=IN {} {ip}", if ip.is_ipv4() { "IP4" } else { "IP6" })),
        Just("c=IN IP4 $".to_owned()),
        Just("c=IN $ *".to_owned()),
        Just("c=LOCAL EPN aaln/1".to_owned()),
        "c=IN IP4 [a-z]{1,8}\\.example",
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![4 => any::<u32>().prop_map(|number| number.to_string()), 1 => Just("$".to_owned()), 1 => Just("*".to_owned())]
}

fn attribute() -> impl Strategy<Value = String> {
    (token(), proptest::option::of(text())).prop_map(|(name, value)| {
        value.map_or_else(|| format!("a={name}"), |value| format!("a={name}:{value}"))
    })
}

fn stream() -> impl Strategy<Value = Vec<String>> {
    let port = prop_oneof![4 => any::<u16>().prop_map(|port| port.to_string()), 1 => Just("$".to_owned()), 1 => Just("2000/2".to_owned())];
    let formats = proptest::collection::vec(token(), 1..5);
    let rest = (
        proptest::option::of(text()),
        proptest::option::of(connection()),
        proptest::collection::vec(attribute(), 0..5),
    );
    (token(), port, prop_oneof![Just("RTP/AVP".to_owned()), token()], formats, rest).prop_map(
        |(media, port, transport, formats, (title, connection, attributes))| {
            let mut lines = vec![format!("m={media} {port} {transport} {}", formats.join(" "))];
            lines.extend(title.map(|title| format!("i={title}")));
            lines.extend(connection);
            lines.extend(attributes);
            lines
        },
    )
}

/// A description that the grammar allows: some lines left out as MGCP does, line ends of either kind.
fn description() -> impl Strategy<Value = Vec<u8>> {
    let head = (
        proptest::option::of((number(), number(), text()).prop_map(|(id, version, name)| {
            vec![format!("o=- {id} {version} IN IP4 host.example"), format!("s={name}")]
        })),
        proptest::option::of(connection()),
        proptest::option::of((number(), number()).prop_map(|(start, stop)| format!("t={start} {stop}"))),
        proptest::collection::vec(attribute(), 0..4),
    );
    (head, proptest::collection::vec(stream(), 0..4), any::<bool>(), any::<bool>()).prop_map(
        |((named, connection, timing, attributes), streams, crlf, ended)| {
            let mut lines = vec!["v=0".to_owned()];
            lines.extend(named.unwrap_or_default());
            lines.extend(connection);
            lines.extend(timing);
            lines.extend(attributes);
            lines.extend(streams.into_iter().flatten());
            let end = if crlf { "\r\n" } else { "\n" };
            let mut text = lines.join(end);
            if ended {
                text.push_str(end);
            }
            text.into_bytes()
        },
    )
}

fn lines<'a>(session: &SessionDescription<'a>) -> Vec<(u8, &'a [u8])> {
    session.lines().map(|line: Line<'a>| (line.letter, line.value)).collect()
}

/// Whether the texts differ in one stretch that lies within the line at `offset` of the old text.
fn differs_only_within(old: &[u8], new: &[u8], line: std::ops::Range<usize>) -> bool {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    old == new || (head >= line.start && old.len() - tail <= line.end)
}

fn audio() -> impl Strategy<Value = AudioDescription> {
    let codec = prop_oneof![
        Just(CodecEntry::pcmu()),
        Just(CodecEntry::pcma()),
        Just(CodecEntry::g722()),
        (96_u8..128).prop_map(CodecEntry::telephone_event),
        (
            96_u8..128,
            "[A-Z][A-Z0-9-]{1,8}",
            1_u32..200_000,
            1_u8..4,
            proptest::option::of("[a-z]{1,5}=[0-9]{1,3}")
        )
            .prop_map(|(payload_type, name, clock, channels, fmtp)| CodecEntry {
                clock,
                channels,
                fmtp,
                ..CodecEntry::new(payload_type, Codec::from_name(&name))
            }),
        (96_u8..128).prop_map(|payload_type| CodecEntry::new(payload_type, Codec::Pcmu).for_data()),
    ];
    let direction = prop_oneof![
        Just(Direction::SendRecv),
        Just(Direction::SendOnly),
        Just(Direction::RecvOnly),
        Just(Direction::Inactive)
    ];
    let times = (proptest::option::of(1_u16..), proptest::option::of(1_u16..));
    let rtcp = proptest::option::of((address(), 1_u16..));
    let extended = any::<(bool, bool)>()
        .prop_map(|(voip_metrics, round_trip)| ExtendedReports { voip_metrics, round_trip });
    let rtcp = (rtcp, extended);
    (address(), 1_u16.., proptest::collection::vec(codec, 1..6), direction, times, rtcp, any::<(u64, u64)>())
        .prop_map(
            |(
                address,
                port,
                mut codecs,
                direction,
                (ptime, maxptime),
                (rtcp, extended_reports),
                (session_id, version),
            )| {
                let mut seen = [false; 128];
                codecs.retain(|entry| !std::mem::replace(&mut seen[usize::from(entry.payload_type)], true));
                let rtcp = rtcp.map(|(ip, port)| (ip, port).into());
                AudioDescription {
                    ptime,
                    maxptime,
                    direction,
                    rtcp,
                    extended_reports,
                    session_id,
                    version,
                    ..AudioDescription::new((address, port).into(), codecs)
                }
            },
        )
}

proptest! {
    #[test]
    fn a_description_comes_back_octet_by_octet(text in description()) {
        let session = decode(&text, &limits()).unwrap();
        prop_assert_eq!(session.as_bytes(), &text[..]);
        let end = if text.contains(&b'\r') { &b"\r\n"[..] } else { b"\n" };
        let mut rebuilt: Vec<u8> =
            lines(&session).iter().map(|(letter, value)| [&[*letter, b'='], *value].concat()).collect::<Vec<_>>().join(end);
        if text.ends_with(b"\n") {
            rebuilt.extend_from_slice(end);
        }
        prop_assert_eq!(rebuilt, text);
    }

    #[test]
    fn an_image_stream_is_written_as_it_was_read(
        port in any::<u16>(), address in address(), rest in proptest::collection::vec((token(), proptest::option::of(text())), 0..6)
    ) {
        let kind = if address.is_ipv4() { "IP4" } else { "IP6" };
        let mut text = format!(
            "v=0\r\no=- 7 8 IN {kind} {address}\r\ns=-\r\nc=IN {kind} {address}\r\nt=0 0\r\nm=image {port} udptl t38\r\n"
        );
        for (name, value) in rest {
            text += &value.map_or_else(|| format!("a=T38{name}\r\n"), |value| format!("a=T38{name}:{value}\r\n"));
        }
        let image = ImageDescription::from_session(&decode(text.as_bytes(), &limits()).unwrap()).unwrap();
        prop_assert_eq!(image.to_bytes(), text.into_bytes());
    }

    #[test]
    fn an_edit_of_a_connection_changes_that_line_alone(text in description(), address in address()) {
        let session = decode(&text, &limits()).unwrap();
        let Some(line) = session.session_lines().find(|line| line.letter == b'c') else { return Ok(()) };
        let mut edit = session.edit(&limits());
        edit.set_connection_address(Scope::Session, address).unwrap();
        let new = edit.finish();
        prop_assert!(differs_only_within(&text, &new, line.value_range()));
        prop_assert_eq!(decode(&new, &limits()).unwrap().connection().unwrap().ip(), Some(address));
    }

    #[test]
    fn an_edit_of_a_port_changes_that_field_alone(text in description(), port in any::<u16>(), index in 0_usize..4) {
        let session = decode(&text, &limits()).unwrap();
        let mut edit = session.edit(&limits());
        let outcome = edit.set_port(index, Wild::Value(port));
        let Some(media) = session.media().nth(index) else {
            prop_assert_eq!(outcome, Err(EditError::NoSuchMedia));
            prop_assert_eq!(edit.as_bytes(), &text[..]);
            return Ok(());
        };
        let range = media.lines().next().unwrap().value_range();
        let new = edit.finish();
        prop_assert!(differs_only_within(&text, &new, range));
        let session = decode(&new, &limits()).unwrap();
        let line = session.media().nth(index).unwrap().line();
        prop_assert_eq!(line.port, Wild::Value(port));
        prop_assert_eq!(
            (line.media, line.port_count, line.transport, line.formats().collect::<Vec<_>>()),
            (media.line().media, media.line().port_count, media.line().transport, media.line().formats().collect())
        );
    }

    #[test]
    fn an_attribute_that_is_set_is_there_and_the_other_lines_are_as_they_were(
        text in description(), name in token(), value in proptest::option::of(text()), index in 0_usize..5
    ) {
        let session = decode(&text, &limits()).unwrap();
        let scope = if index == 0 { Scope::Session } else { Scope::Media(index - 1) };
        let mut edit = session.edit(&limits());
        if edit.set_attribute(scope, &name, value.as_deref().map(str::as_bytes)).is_err() {
            prop_assert!(index > session.media_count());
            return Ok(());
        }
        let new = edit.finish();
        let changed = decode(&new, &limits()).unwrap();
        let found = match scope {
            Scope::Session => changed.attribute(&name),
            Scope::Media(index) => changed.media().nth(index).unwrap().attribute(&name),
        };
        prop_assert_eq!(found.unwrap().value, value.as_deref().map(str::as_bytes));
        // One line came or changed; in their order, all others are those of before.
        let (old, new) = (lines(&session), lines(&changed));
        let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
        prop_assert!(new.len() - head - tail <= 1 && old.len() - head - tail <= 1);
    }

    #[test]
    fn removing_an_added_attribute_gives_the_text_of_before(text in description(), index in 0_usize..5) {
        let session = decode(&text, &limits()).unwrap();
        let scope = if index == 0 { Scope::Session } else { Scope::Media(index - 1) };
        let mut edit = session.edit(&limits());
        if edit.add_attribute(scope, "no-such-name-yet", Some(b"1")).is_err() {
            return Ok(());
        }
        prop_assert_eq!(edit.remove_attributes(scope, "no-such-name-yet"), Ok(1));
        let mut expected = text.clone();
        // What is added after a last line without an end gives that line one.
        if !text.ends_with(b"\n") && edit.as_bytes().ends_with(b"\n") {
            expected.extend_from_slice(if text.contains(&b'\n') && !text.contains(&b'\r') { b"\n" } else { b"\r\n" });
        }
        prop_assert_eq!(edit.finish(), expected);
    }

    #[test]
    fn a_value_with_a_line_end_never_becomes_a_second_line(text in description(), value in "[a-z]{0,3}(\\r\\n|\\n|\\r)[a-z]=[ -~]{0,9}") {
        let session = decode(&text, &limits()).unwrap();
        let mut edit = session.edit(&limits());
        prop_assert_eq!(edit.set_attribute(Scope::Session, "x", Some(value.as_bytes())), Err(EditError::LineEnd));
        prop_assert_eq!(edit.add_attribute(Scope::Session, &value, None), Err(EditError::LineEnd));
        prop_assert!(edit.set_session_name(value.as_bytes()).is_err());
        prop_assert_eq!(edit.finish(), text);
    }

    #[test]
    fn any_octets_are_read_or_refused_with_a_place_inside_them(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let headed = [b"v=0\n", octets.as_slice()].concat();
        for text in [&octets, &headed] {
            match decode(text, &limits()) {
                Ok(session) => prop_assert_eq!(session.as_bytes(), &text[..]),
                Err(error) => prop_assert!(error.offset <= text.len()),
            }
        }
    }

    #[test]
    fn any_lines_are_read_or_refused_with_a_place_inside_them(
        lines in proptest::collection::vec("[vosiuepcbtrzkam]=[ -~]{0,30}|[vosiuepcbtrzkam]=([a-zA-Z0-9$*:./-]{1,8} ?){0,6}", 0..8)
    ) {
        let text = format!("v=0\r\n{}", lines.join("\r\n")).into_bytes();
        match decode(&text, &limits()) {
            Ok(session) => {
                prop_assert_eq!(session.as_bytes(), &text[..]);
                for media in session.media() {
                    let _ = AudioDescription::from_media(&media);
                }
            }
            Err(error) => {
                prop_assert!(error.offset <= text.len());
                prop_assert!(error.rule != Rule::VersionFirst);
            }
        }
    }

    #[test]
    fn an_audio_description_comes_back_from_its_text(audio in audio()) {
        let text = audio.to_bytes();
        let session = decode(&text, &limits()).unwrap();
        prop_assert_eq!(session.departures(), vec![]);
        prop_assert_eq!(AudioDescription::from_session(&session), Ok(audio));
    }

    #[test]
    fn an_answer_names_only_what_was_offered_and_accepting_it_agrees(offer in audio(), local in audio()) {
        let answer = offer.answer(&local);
        let shared = offer.codecs.iter().any(|entry| {
            entry.is_speech() && local.codecs.iter().any(|ours| ours.matches(entry))
        });
        prop_assert_eq!(answer.is_ok(), shared);
        let Ok(answer) = answer else { return Ok(()) };
        let numbers = |audio: &AudioDescription| audio.codecs.iter().map(|entry| entry.payload_type).collect::<Vec<_>>();
        let offered = numbers(&offer);
        let places: Vec<_> =
            numbers(&answer).iter().map(|number| offered.iter().position(|offered| offered == number).unwrap()).collect();
        prop_assert!(places.is_sorted());
        prop_assert_eq!(answer.destination(), local.destination());
        // Nobody sends what the other does not receive.
        prop_assert!(!answer.direction.sends() || offer.direction.receives());
        prop_assert!(!answer.direction.receives() || offer.direction.sends());
        let agreement = offer.accept(&answer).unwrap();
        prop_assert_eq!(agreement.direction, answer.direction.reversed());
        prop_assert_eq!(agreement.send, answer.codecs);
    }

    #[test]
    fn a_policy_never_lets_a_stream_out_to_a_group_or_to_nobody(peer in address(), audio in audio()) {
        let ip = audio.address.to_canonical();
        let harmful = ip.is_multicast() || ip.is_unspecified() || (ip.is_loopback() && !peer.to_canonical().is_loopback());
        if harmful {
            prop_assert!(AddressPolicy::default().check(peer, &audio).is_err());
        }
    }
}
