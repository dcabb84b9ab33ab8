//! Audio streams: what can be used, what is answered, where packets may go.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::net::{IpAddr, SocketAddr};

use strowger_sdp::audio::{AudioFault, AudioRule, common};
use strowger_sdp::{
    AddressPolicy, AudioDescription, Codec, CodecEntry, Direction, EventSet, Hosts, Limits, NoCommonCodec,
    PolicyFault, decode,
};

fn read(text: &str) -> Result<AudioDescription, AudioFault> {
    AudioDescription::from_session(&decode(text.as_bytes(), &Limits::default()).unwrap())
}

fn audio(media: &str) -> AudioDescription {
    read(&format!("v=0\r\nc=IN IP4 192.0.2.7\r\n{media}")).unwrap()
}

fn fault(text: &str) -> (AudioRule, usize) {
    let fault = read(text).unwrap_err();
    assert!(fault.to_string().contains(fault.rule.clause()));
    (fault.rule, fault.offset)
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn names(codecs: &[CodecEntry]) -> Vec<(u8, &str)> {
    codecs.iter().map(|entry| (entry.payload_type, entry.codec.name())).collect()
}

#[test]
fn static_payload_types_need_no_map_and_a_map_overrides_them() {
    let stream = audio(
        "m=audio 4000 RTP/AVP 0 8 9 18 13 3 96 97\r\na=rtpmap:97 Telephone-Event/8000\r\na=rtpmap:3 PCMA/16000/2\r\n",
    );
    assert_eq!(
        names(&stream.codecs),
        [
            (0, "PCMU"),
            (8, "PCMA"),
            (9, "G722"),
            (18, "G729"),
            (13, "CN"),
            (3, "PCMA"),
            (97, "telephone-event")
        ]
    );
    let wide = stream.payload(3).unwrap();
    assert_eq!((wide.clock, wide.channels), (16_000, 2));
    assert_eq!(stream.payload(96), None, "a dynamic type without a map has no meaning");
    assert_eq!(stream.telephone_event(), Some(97));
    assert_eq!(stream.speech(), Some(&CodecEntry::pcmu()));
}

#[test]
fn repeated_maps_and_formats_count_once_and_the_first_one_counts() {
    let stream = audio(
        "m=audio 4000 RTP/AVP 96 96 0\r\na=rtpmap:96 G722/8000\r\na=rtpmap:96 PCMA/8000\r\na=fmtp:96 a=1\r\na=fmtp:96 a=2\r\n",
    );
    assert_eq!(names(&stream.codecs), [(96, "G722"), (0, "PCMU")]);
    assert_eq!(stream.codecs[0].fmtp.as_deref(), Some("a=1"));
}

#[test]
fn the_streams_own_lines_come_before_the_sessions() {
    let text = "v=0\r\no=- 7 9 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=inactive\r\nm=audio 4000 RTP/AVP 0\r\n";
    let stream = read(text).unwrap();
    assert_eq!((stream.destination(), stream.direction), (at("192.0.2.1:4000"), Direction::Inactive));
    assert_eq!((stream.session_id, stream.version), (7, 9));

    let stream = read(&format!("{text}c=IN IP6 2001:db8::5\r\na=sendonly\r\na=recvonly\r\n")).unwrap();
    assert_eq!((stream.destination(), stream.direction), (at("[2001:db8::5]:4000"), Direction::SendOnly));
}

#[test]
fn rtcp_goes_to_the_next_port_unless_the_description_says_otherwise() {
    assert_eq!(audio("m=audio 4000 RTP/AVP 0\r\n").rtcp_destination(), at("192.0.2.7:4001"));
    assert_eq!(audio("m=audio 4000 RTP/AVP 0\r\na=rtcp:53020\r\n").rtcp_destination(), at("192.0.2.7:53020"));
    let elsewhere = audio("m=audio 4000 RTP/AVP 0\r\na=rtcp:53020 IN IP4 126.16.64.4\r\n");
    assert_eq!(elsewhere.rtcp_destination(), at("126.16.64.4:53020"));
}

#[test]
fn packet_times_may_have_a_fraction_and_may_not_be_zero() {
    let times = |text: &str| {
        read(&format!("v=0\r\nc=IN IP4 192.0.2.7\r\nm=audio 4000 RTP/AVP 0\r\na=ptime:{text}\r\n"))
    };
    assert_eq!(times("20").unwrap().ptime, Some(20));
    assert_eq!(times("22.5").unwrap().ptime, Some(22));
    assert_eq!(times("0.5").unwrap().ptime, Some(1));
    for bad in ["0", "0.0", "-20", "20ms", "", "99999", ".5", "1."] {
        assert_eq!(times(bad).unwrap_err().rule, AudioRule::PacketTime, "{bad}");
    }
}

#[test]
fn a_description_without_a_usable_stream_says_why_and_where() {
    let head = "v=0\r\nc=IN IP4 192.0.2.7\r\n";
    let stream = head.len();
    assert_eq!(fault("v=0\r\n"), (AudioRule::NoAudio, 5));
    assert_eq!(fault(&format!("{head}m=video 4 RTP/AVP 31\r\n")), (AudioRule::NoAudio, stream + 22));
    assert_eq!(fault("v=0\r\nm=audio 4000 RTP/AVP 0\r\n"), (AudioRule::NoConnection, 5));
    assert_eq!(fault("v=0\r\nc=LOCAL EPN aaln/1\r\nm=audio 4 RTP/AVP 0\r\n"), (AudioRule::Network, 5));
    assert_eq!(fault("v=0\r\nc=IN IP4 gw.example\r\nm=audio 4 RTP/AVP 0\r\n"), (AudioRule::Name, 5));
    assert_eq!(fault("v=0\r\nc=IN IP4 $\r\nm=audio 4 RTP/AVP 0\r\n"), (AudioRule::Wildcard, 5));
    assert_eq!(fault(&format!("{head}m=audio $ RTP/AVP 0\r\n")), (AudioRule::Wildcard, stream));
    assert_eq!(fault(&format!("{head}m=audio 4 RTP/AVP $\r\n")), (AudioRule::Wildcard, stream));
    assert_eq!(fault(&format!("{head}m=audio 0 LOCAL 0\r\n")), (AudioRule::Transport, stream));
    assert_eq!(fault(&format!("{head}m=audio 4 RTP/SAVP 0\r\n")), (AudioRule::Transport, stream));
    assert_eq!(fault(&format!("{head}m=audio 4 RTP/AVP 128\r\n")), (AudioRule::PayloadType, stream));
    assert_eq!(fault(&format!("{head}m=audio 4 RTP/AVP pcmu\r\n")), (AudioRule::PayloadType, stream));
    assert_eq!(fault(&format!("{head}m=audio 4 RTP/AVP 96\r\n")), (AudioRule::NoFormat, stream));
    let media = format!("{head}m=audio 4 RTP/AVP 0 96\r\n");
    let line = media.len();
    for map in [
        "96",
        "96 PCMA",
        "96 PCMA/",
        "96 PCMA/0",
        "96 PCMA/8000/0",
        "128 PCMA/8000",
        "x PCMA/8000",
        "96 PC MA/8000",
        "",
    ] {
        assert_eq!(fault(&format!("{media}a=rtpmap:{map}\r\n")), (AudioRule::RtpMap, line + 9), "{map}");
    }
    assert_eq!(fault(&format!("{media}a=fmtp:96\r\n")), (AudioRule::Fmtp, line + 7));
    for rtcp in ["0", "x", "65536", "4001 IN IP4", "4001 IN IP4 host.example", ""] {
        assert_eq!(fault(&format!("{media}a=rtcp:{rtcp}\r\n")), (AudioRule::Rtcp, line + 7), "{rtcp}");
    }
}

#[test]
fn a_refused_stream_and_a_stream_on_old_hold_are_read() {
    let refused = audio("m=audio 0 RTP/AVP 96\r\n");
    assert!(refused.is_refused() && refused.codecs.is_empty());
    let text = String::from_utf8(refused.to_bytes()).unwrap();
    assert!(text.contains("m=audio 0 RTP/AVP 0\r\n"), "{text}");
    let held = read("v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n").unwrap();
    assert!(held.is_held_by_address() && !held.is_refused());
}

#[test]
fn what_is_sent_is_conformant_to_the_letter() {
    let mut stream = AudioDescription::new(
        at("192.0.2.20:4002"),
        vec![CodecEntry::pcma(), CodecEntry::pcmu(), CodecEntry::telephone_event(97)],
    );
    stream.ptime = Some(20);
    stream.session_id = 25_678;
    stream.version = 753_849;
    stream.rtcp = Some(at("192.0.2.20:4010"));
    let text = stream.to_bytes();
    assert_eq!(
        String::from_utf8_lossy(&text),
        "v=0\r\no=- 25678 753849 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n\
         m=audio 4002 RTP/AVP 8 0 97\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\na=ptime:20\r\na=rtcp:4010\r\n"
    );
    assert_eq!(decode(&text, &Limits::default()).unwrap().departures(), []);
}

#[test]
fn what_is_put_into_a_field_never_becomes_another_line() {
    let evil = |name: &str, fmtp: Option<&str>| CodecEntry {
        fmtp: fmtp.map(str::to_owned),
        ..CodecEntry::new(96, Codec::Other(name.to_owned()))
    };
    for entry in [
        evil("X\r\nc=IN IP4 203.0.113.9", None),
        evil("X", Some("a=1\r\nm=audio 9 RTP/AVP 0")),
        evil("X", Some("\n")),
        evil("a b", None),
        evil("", None),
        CodecEntry::new(128, Codec::Pcmu),
    ] {
        let stream = AudioDescription::new(at("192.0.2.20:4002"), vec![entry, CodecEntry::pcma()]);
        let text = stream.to_bytes();
        let session = decode(&text, &Limits::default()).unwrap();
        assert_eq!((session.lines().count(), session.media_count()), (7, 1));
        assert_eq!(AudioDescription::from_session(&session).unwrap().codecs, [CodecEntry::pcma()]);
    }
}

#[test]
fn an_answer_keeps_the_offers_order_and_payload_types() {
    // RFC 3264 section 6.1: offered 8, 22, 48 and able to do 8 and 48, the answer is 8, 48.
    let offer =
        audio("m=audio 4000 RTP/AVP 8 22 48\r\na=rtpmap:22 G726-32/8000\r\na=rtpmap:48 PCMU/8000\r\n");
    let local = AudioDescription::new(at("192.0.2.9:5000"), vec![CodecEntry::pcmu(), CodecEntry::pcma()]);
    let answer = offer.answer(&local).unwrap();
    assert_eq!(names(&answer.codecs), [(8, "PCMA"), (48, "PCMU")]);
    assert_eq!(answer.destination(), at("192.0.2.9:5000"));
    assert_eq!(offer.accept(&answer).unwrap().send, answer.codecs);
}

#[test]
fn the_answers_direction_follows_the_offers() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let table = [
        (SendRecv, SendRecv, SendRecv),
        (SendRecv, SendOnly, SendOnly),
        (SendOnly, SendRecv, RecvOnly),
        (SendOnly, SendOnly, Inactive),
        (RecvOnly, SendRecv, SendOnly),
        (RecvOnly, RecvOnly, Inactive),
        (Inactive, SendRecv, Inactive),
    ];
    for (offered, wanted, answered) in table {
        let mut offer = AudioDescription::new(at("192.0.2.7:4000"), vec![CodecEntry::pcmu()]);
        offer.direction = offered;
        let mut local = AudioDescription::new(at("192.0.2.9:5000"), vec![CodecEntry::pcmu()]);
        local.direction = wanted;
        assert_eq!(offer.answer(&local).unwrap().direction, answered, "{offered} offered, {wanted} wanted");
    }
}

#[test]
fn no_common_speech_codec_is_refused_even_when_events_are_common() {
    let offer = AudioDescription::new(
        at("192.0.2.7:4000"),
        vec![CodecEntry::g722(), CodecEntry::telephone_event(101)],
    );
    let local = AudioDescription::new(
        at("192.0.2.9:5000"),
        vec![CodecEntry::pcmu(), CodecEntry::telephone_event(96)],
    );
    assert_eq!(offer.answer(&local), Err(NoCommonCodec));
    let refusal = offer.refusal(&local);
    assert!(refusal.is_refused());
    assert_eq!(refusal.codecs, offer.codecs);
    assert_eq!(offer.accept(&refusal), Err(NoCommonCodec));
    // Port 0 is answered with port 0.
    let mut ended = AudioDescription::new(at("192.0.2.7:0"), vec![CodecEntry::pcmu()]);
    ended.port = 0;
    assert!(ended.answer(&local).unwrap().is_refused());
}

#[test]
fn packet_times_of_an_answer_stay_within_both_sides_maximum() {
    let mut offer = AudioDescription::new(at("192.0.2.7:4000"), vec![CodecEntry::pcmu()]);
    let mut local = AudioDescription::new(at("192.0.2.9:5000"), vec![CodecEntry::pcmu()]);
    (offer.ptime, offer.maxptime) = (Some(40), Some(60));
    assert_eq!(offer.answer(&local).unwrap().ptime, Some(40));
    local.ptime = Some(80);
    assert_eq!(offer.answer(&local).unwrap().ptime, Some(60));
    local.maxptime = Some(30);
    assert_eq!(offer.answer(&local).unwrap().ptime, Some(30));
}

#[test]
fn a_gateways_codec_list_follows_the_agents_order_with_the_remote_sides_numbers() {
    // RFC 3435 section 2.6.
    let approved = [CodecEntry::pcma(), CodecEntry::pcmu(), CodecEntry::telephone_event(96)];
    let remote = audio(
        "m=audio 4000 RTP/AVP 0 100 8 101\r\na=rtpmap:100 G726-32/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-11,16,32-33\r\n",
    );
    let negotiated = common(&approved, &remote.codecs).unwrap();
    assert_eq!(names(&negotiated), [(8, "PCMA"), (0, "PCMU"), (101, "telephone-event")]);
    assert_eq!(negotiated[2].fmtp.as_deref(), Some("0-11"));
    assert_eq!(common(&[CodecEntry::g722()], &remote.codecs), Err(NoCommonCodec));
    assert_eq!(common(&[], &remote.codecs), Err(NoCommonCodec));
}

#[test]
fn the_same_name_with_another_clock_is_another_format() {
    let wide = CodecEntry { clock: 48_000, ..CodecEntry::telephone_event(110) };
    let offer = AudioDescription::new(
        at("192.0.2.7:4000"),
        vec![CodecEntry::pcmu(), wide, CodecEntry::telephone_event(101)],
    );
    let local = AudioDescription::new(
        at("192.0.2.9:5000"),
        vec![CodecEntry::pcmu(), CodecEntry::telephone_event(96)],
    );
    assert_eq!(offer.answer(&local).unwrap().telephone_event(), Some(101));
    assert_eq!(Codec::from_name("pcmu"), Codec::Pcmu);
}

#[test]
fn event_lists_are_sets() {
    let set = EventSet::parse("0-15, 66,70,255").unwrap();
    assert!(
        set.contains(0) && set.contains(15) && set.contains(70) && set.contains(255) && !set.contains(16)
    );
    assert_eq!(set.to_string(), "0-15,66,70,255");
    assert_eq!(EventSet::parse("250-255,3,1,2").unwrap().to_string(), "1-3,250-255");
    assert_eq!(set.and(&EventSet::DTMF), EventSet::DTMF);
    assert!(set.and(&EventSet::parse("16-20").unwrap()).is_empty());
    for bad in ["", "a", "5-3", "256", "1-", "-1", "0-15;x", "events=1"] {
        assert_eq!(EventSet::parse(bad), None, "{bad}");
    }
}

#[test]
fn packets_go_only_where_the_policy_lets_them() {
    let open = AddressPolicy::default();
    let peer = ip("192.0.2.1");
    let check = |to: &str| open.check_address(peer, at(to));
    assert_eq!(check("198.51.100.9:4000"), Ok(()));
    assert_eq!(check("[2001:db8::9]:4000"), Ok(()));
    assert_eq!(check("198.51.100.9:0"), Err(PolicyFault::PortZero));
    assert_eq!(check("0.0.0.0:4000"), Err(PolicyFault::Unspecified));
    assert_eq!(check("0.0.0.7:4000"), Err(PolicyFault::Unspecified));
    assert_eq!(check("[::]:4000"), Err(PolicyFault::Unspecified));
    assert_eq!(check("127.0.0.1:4000"), Err(PolicyFault::Loopback));
    assert_eq!(check("127.8.8.8:4000"), Err(PolicyFault::Loopback));
    assert_eq!(check("[::1]:4000"), Err(PolicyFault::Loopback));
    assert_eq!(check("[::ffff:127.0.0.1]:4000"), Err(PolicyFault::Loopback));
    assert_eq!(check("224.0.1.1:4000"), Err(PolicyFault::Multicast));
    assert_eq!(check("[ff02::1]:4000"), Err(PolicyFault::Multicast));
    assert_eq!(check("[::ffff:224.0.1.1]:4000"), Err(PolicyFault::Multicast));
    assert_eq!(check("255.255.255.255:4000"), Err(PolicyFault::Broadcast));
    // On one host, as in the demo, loopback is where the peer is.
    assert_eq!(open.check_address(ip("127.0.0.9"), at("127.0.0.1:4000")), Ok(()));
}

#[test]
fn a_third_host_is_refused_unless_it_is_listed_and_rtcp_is_judged_too() {
    let peer = ip("192.0.2.1");
    let mut stream = AudioDescription::new(at("192.0.2.1:4000"), vec![CodecEntry::pcmu()]);
    let strict = AddressPolicy { hosts: Hosts::Peer };
    assert_eq!(strict.check(peer, &stream), Ok(()));
    assert_eq!(strict.check(ip("::ffff:192.0.2.1"), &stream), Ok(()));
    stream.rtcp = Some(at("198.51.100.9:4001"));
    assert_eq!(strict.check(peer, &stream), Err(PolicyFault::ThirdHost));
    let listed = AddressPolicy { hosts: Hosts::PeerAnd(vec![ip("198.51.100.9")]) };
    assert_eq!(listed.check(peer, &stream), Ok(()));
    stream.rtcp = Some(at("127.0.0.1:4001"));
    assert_eq!(AddressPolicy::default().check(peer, &stream), Err(PolicyFault::Loopback));
    stream.address = ip("203.0.113.5");
    assert_eq!(listed.check(peer, &stream), Err(PolicyFault::ThirdHost));
}
