//! Stories of connections: RFC 3435 sections 2.3.5 to 2.3.9, 2.6 and 3.4.

mod gateway_support;

use std::net::SocketAddr;

use gateway_support::{Bench, Text, config, remote};
use strowger_mgcp::gateway::{
    ConnectionHandle, EndpointIndex, LossReason, MediaEvent, MediaFault, MediaMode, MediaSpec,
};
use strowger_sansio::Duration;
use strowger_sdp::{AudioDescription, Codec, CodecEntry, Limits, decode};

const LINE: &str = "aaln/1";

/// The local description of an answer, read strictly.
fn described(answer: &Text) -> AudioDescription {
    let sdp = answer.sdp();
    assert_eq!(sdp.len(), 1, "{}", answer.0);
    let bytes = format!("{}\r\n", sdp[0]).into_bytes();
    let session = decode(&bytes, &Limits::default()).expect("a description");
    assert!(session.departures().is_empty(), "{:?}", session.departures());
    AudioDescription::from_session(&session).expect("an audio stream")
}

fn codecs(audio: &AudioDescription) -> Vec<(u8, Codec)> {
    audio.codecs.iter().map(|entry| (entry.payload_type, entry.codec.clone())).collect()
}

fn spec(bench: &Bench, index: u32) -> &MediaSpec {
    let handle = bench.view(index).connections[0].handle;
    &bench.plane.open[&handle].1
}

fn create(bench: &mut Bench, endpoint: &str, body: &str) -> (String, Text) {
    let answer = bench.good("CRCX", endpoint, body);
    (answer.get("I").expect("a connection identifier"), answer)
}

#[test]
fn a_new_connection_is_named_described_and_opened() {
    let mut bench = Bench::new();
    let (id, answer) = create(&mut bench, LINE, "C: A3C47F21456789F0\nL: p:10, a:PCMU\nM: recvonly");
    assert_eq!(answer.code(), 200);
    assert_eq!(id.len(), 32, "128 bits cannot be guessed");
    assert_eq!(answer.get("Z"), None);
    let audio = described(&answer);
    assert_eq!(codecs(&audio), [(0, Codec::Pcmu)]);
    assert_eq!((audio.ptime, audio.version), (Some(10), 0));
    let view = bench.view(0);
    assert_eq!(view.connections.len(), 1);
    assert_eq!(audio.destination(), view.connections[0].local);
    assert_eq!(view.connections[0].call, "A3C47F21456789F0");
    assert_eq!(spec(&bench, 0).mode, MediaMode::RecvOnly);
    assert_eq!(spec(&bench, 0).packetization, Duration::from_millis(10));
    assert_eq!(spec(&bench, 0).remote, None);
    let text = answer.sdp()[0];
    for line in ["v=0", "s=-", "t=0 0", "a=rtpmap:0 PCMU/8000"] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in {text}");
    }
}

#[test]
fn without_options_everything_that_the_gateway_has_is_offered() {
    let mut bench = Bench::new();
    let (_, answer) = create(&mut bench, LINE, "C: 1\nM: inactive");
    let audio = described(&answer);
    assert_eq!(codecs(&audio), [(0, Codec::Pcmu), (8, Codec::Pcma), (101, Codec::TelephoneEvent)]);
    assert_eq!(audio.ptime, Some(20));
}

#[test]
fn a_retransmitted_creation_gives_the_same_connection() {
    let mut bench = Bench::new();
    let body = "C: 1\nM: recvonly";
    let first = bench.command_with(77, "CRCX", "relay/$", body);
    bench.good("AUEP", "relay/1", "");
    let again = bench.command_with(77, "CRCX", "relay/$", body);
    assert_eq!(first, again);
    assert_eq!(bench.gateway.counters().connections_opened, 1);
    // Leading zeros do not make another transaction.
    bench.give("CRCX 000000077 relay/$@gw.town MGCP 1.0\nC: 1\nM: recvonly\n");
    assert_eq!(bench.gateway.counters().connections_opened, 1);
}

#[test]
fn any_of_takes_a_free_endpoint_and_says_which() {
    let mut bench = Bench::new();
    let (_, first) = create(&mut bench, "relay/$", "C: 1\nM: recvonly");
    let (_, second) = create(&mut bench, "RELAY/$", "C: 2\nM: recvonly");
    assert_eq!(first.get("Z").unwrap(), "relay/1@gw.town");
    assert_eq!(second.get("Z").unwrap(), "relay/2@gw.town");
    bench.refused(410, "CRCX", "relay/$", "C: 3\nM: recvonly");
    bench.good("DLCX", "relay/1", "");
    let (_, third) = create(&mut bench, "relay/$", "C: 3\nM: recvonly");
    assert_eq!(third.get("Z").unwrap(), "relay/1@gw.town");
    bench.refused(500, "CRCX", "ann/$", "C: 3\nM: recvonly");
    bench.refused(510, "CRCX", "relay/*", "C: 3\nM: recvonly");
}

#[test]
fn a_dialect_can_make_all_of_mean_any_of() {
    let mut town = config();
    town.dialect = strowger_mgcp::dialect::Dialect::OSMO;
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    let (_, answer) = create(&mut bench, "relay/*", "C: 1\nM: recvonly");
    assert_eq!(answer.get("Z").unwrap(), "relay/1@gw.town");
    bench.good("DLCX", "relay/*", "");
}

#[test]
fn a_remote_description_is_answered_with_what_both_have() {
    let mut bench = Bench::new();
    let (_, answer) = create(&mut bench, LINE, &format!("C: 1\nM: sendrecv\n{}", remote(4000, "8 0 96")));
    let audio = described(&answer);
    // Its own order and its own numbers, since the options say nothing.
    assert_eq!(codecs(&audio), [(8, Codec::Pcma), (0, Codec::Pcmu), (96, Codec::TelephoneEvent)]);
    let spec = spec(&bench, 0);
    assert_eq!(spec.remote, Some(SocketAddr::from(([127, 0, 0, 7], 4000))));
    assert_eq!((spec.send.payload_type, spec.telephone_event), (8, Some(96)));
}

#[test]
fn the_preferences_of_the_options_count_more_than_those_of_the_remote_side() {
    let mut bench = Bench::new();
    let body = format!("C: 1\nL: a:PCMU;PCMA\nM: sendrecv\n{}", remote(4000, "8 0 96"));
    let (_, answer) = create(&mut bench, LINE, &body);
    assert_eq!(codecs(&described(&answer)), [(0, Codec::Pcmu), (8, Codec::Pcma)]);
    assert_eq!(spec(&bench, 0).send, CodecEntry::pcmu());
    assert_eq!(spec(&bench, 0).telephone_event, None, "the options do not allow it");
}

#[test]
fn a_negotiation_without_result_is_refused() {
    let mut bench = Bench::new();
    bench.refused(534, "CRCX", LINE, "C: 1\nL: a:G729\nM: recvonly");
    bench.refused(534, "CRCX", LINE, "C: 1\nL: a:telephone-event\nM: recvonly");
    bench.refused(534, "CRCX", LINE, &format!("C: 1\nL: a:PCMU\nM: sendrecv\n{}", remote(4000, "8")));
    bench.refused(534, "CRCX", LINE, &format!("C: 1\nM: sendrecv\n{}", remote(4000, "18")));
    bench.refused(534, "CRCX", LINE, "C: 1\nL: b:32\nM: recvonly");
    // A codec that is named may need more than the bandwidth (section 2.3.5).
    create(&mut bench, LINE, "C: 1\nL: b:32, a:PCMU\nM: recvonly");
}

#[test]
fn a_period_that_cannot_be_had_becomes_the_nearest_one() {
    let mut bench = Bench::new();
    let (_, near) = create(&mut bench, LINE, "C: 1\nL: p:33\nM: recvonly");
    assert_eq!(described(&near).ptime, Some(30));
    let (_, range) = create(&mut bench, LINE, "C: 1\nL: p:5-15\nM: recvonly");
    assert_eq!(described(&range).ptime, Some(10));
    let with_ptime = format!("C: 1\nM: sendrecv\n{}a=ptime:40\n", remote(4000, "0"));
    let (_, theirs) = create(&mut bench, LINE, &with_ptime);
    assert_eq!(described(&theirs).ptime, Some(40));
}

#[test]
fn modes_that_send_need_somewhere_to_send_to() {
    let mut bench = Bench::new();
    for mode in ["sendonly", "sendrecv", "confrnce", "netwloop", "netwtest"] {
        bench.refused(527, "CRCX", LINE, &format!("C: 1\nM: {mode}"));
    }
    for mode in ["recvonly", "inactive", "loopback"] {
        create(&mut bench, LINE, &format!("C: 1\nM: {mode}"));
    }
    bench.good("DLCX", LINE, "");
    create(&mut bench, LINE, "C: 1\nM: conttest");
    let (id, _) = create(&mut bench, LINE, "C: 2\nM: recvonly");
    bench.refused(527, "MDCX", LINE, &format!("C: 2\nI: {id}\nM: sendrecv"));
    for mode in MediaMode::ALL {
        bench.good("MDCX", LINE, &format!("C: 2\nI: {id}\nM: {mode}\n{}", remote(4000, "0")));
    }
}

#[test]
fn modes_that_are_not_supported_or_no_modes_are_refused() {
    let mut bench = Bench::new();
    bench.plane.able.modes.retain(|mode| *mode != MediaMode::Conference);
    bench.refused(517, "CRCX", LINE, &format!("C: 1\nM: confrnce\n{}", remote(4000, "0")));
    bench.refused(517, "CRCX", LINE, "C: 1\nM: whisper");
    bench.refused(518, "CRCX", LINE, "C: 1\nM: foo/whisper");
}

#[test]
fn a_modification_describes_the_connection_again_only_when_it_changed() {
    let mut bench = Bench::new();
    let (id, first) = create(&mut bench, LINE, "C: 1\nL: a:PCMU;PCMA\nM: recvonly");
    let session = described(&first).session_id;
    let answer = bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: inactive"));
    assert!(answer.sdp().is_empty(), "{}", answer.0);
    let answer = bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: sendrecv\n{}", remote(4000, "8")));
    let audio = described(&answer);
    assert_eq!(codecs(&audio), [(8, Codec::Pcma)]);
    assert_eq!((audio.session_id, audio.version), (session, 1));
    let answer = bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: sendrecv\n{}", remote(4002, "8")));
    assert!(answer.sdp().is_empty(), "only the other side has moved");
    assert_eq!(spec(&bench, 0).remote.unwrap().port(), 4002);
    let answer = bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nL: p:40"));
    assert_eq!((described(&answer).ptime, described(&answer).version), (Some(40), 2));
}

#[test]
fn an_answer_with_another_number_for_events_changes_only_what_is_sent() {
    let mut bench = Bench::new();
    let (id, offer) = create(&mut bench, LINE, "C: 1\nM: recvonly");
    assert!(codecs(&described(&offer)).contains(&(101, Codec::TelephoneEvent)));
    let answer = bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: sendrecv\n{}", remote(4000, "0 96")));
    // 101 was told to the other side, so its events come in under that; 96 is what it wants to get.
    assert_eq!(codecs(&described(&answer)), [(0, Codec::Pcmu), (101, Codec::TelephoneEvent)]);
    assert_eq!(spec(&bench, 0).telephone_event, Some(96));
}

#[test]
fn remote_descriptions_that_cannot_be_used_are_told_apart() {
    let mut bench = Bench::new();
    let with = |lines: &str| format!("C: 1\nM: sendrecv\n\n{lines}");
    let good = "v=0\no=- 1 1 IN IP4 127.0.0.7\ns=-\nc=IN IP4 127.0.0.7\nt=0 0\n";
    bench.refused(509, "CRCX", LINE, &with("v=0\nthis is no description\n"));
    bench.refused(509, "CRCX", LINE, &with(&format!("{good}m=audio none RTP/AVP 0\n")));
    bench.refused(505, "CRCX", LINE, &with(&format!("{good}m=image 4000 udptl t38\n")));
    bench.refused(505, "CRCX", LINE, &with(&format!("{good}m=audio 4000 RTP/SAVP 0\n")));
    bench.refused(505, "CRCX", LINE, &with(&format!("{good}m=audio 0 RTP/AVP 0\n")));
    let multicast = good.replace("127.0.0.7", "224.2.1.1/127").replacen("224.2.1.1/127", "127.0.0.7", 1);
    bench.refused(505, "CRCX", LINE, &with(&format!("{multicast}m=audio 4000 RTP/AVP 0\n")));
    // Names in messages are not resolved.
    let named = good.replace("c=IN IP4 127.0.0.7", "c=IN IP4 media.example.net");
    bench.refused(505, "CRCX", LINE, &with(&format!("{named}m=audio 4000 RTP/AVP 0\n")));
    bench.refused(505, "CRCX", LINE, &with("v=0\nc=LOCAL EPN relay/1\nm=audio 0 LOCAL 0\n"));
    // Short descriptions without o, s and t are legal in MGCP.
    bench.good("CRCX", LINE, &with("v=0\nc=IN IP4 127.0.0.7\nm=audio 4000 RTP/AVP 0\n"));
}

#[test]
fn a_description_of_nowhere_stops_sending() {
    let mut bench = Bench::new();
    let (id, _) = create(&mut bench, LINE, &format!("C: 1\nM: sendrecv\n{}", remote(4000, "0")));
    let hold = remote(4000, "0").replace("c=IN IP4 127.0.0.7", "c=IN IP4 0.0.0.0");
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\n{hold}"));
    assert_eq!(spec(&bench, 0).remote, None);
}

#[test]
fn options_that_are_not_understood_each_have_their_code() {
    let mut bench = Bench::new();
    let mut refuse = |code, options: &str| {
        bench.refused(code, "CRCX", LINE, &format!("C: 1\nL: {options}\nM: recvonly"));
    };
    refuse(525, "x+foo:1");
    refuse(541, "zz:1");
    refuse(532, "fmtp:PCMU");
    refuse(524, "o-fmtp:\"PCMU x\"");
    for reservation in ["r-dir:sendonly", "r-cnf:none", "r-sh:$"] {
        // Of the package RES, which this gateway does not list.
        refuse(541, reservation);
    }
    refuse(541, "k:clear:secret");
    refuse(518, "foo/bar:1");
    refuse(524, "a:PCMU, a:PCMA");
    refuse(532, "e:on");
    refuse(532, "s:on");
    refuse(532, "gc:3");
    refuse(532, "t:b8");
    refuse(532, "r:g");
    refuse(532, "nt:ATM");
    refuse(532, "p:0");
    refuse(532, "e:maybe");
    let harmless = "x-foo:1, e:off, s:off, gc:0, t:00, r:be, nt:IN, p:20, b:64-128";
    create(&mut bench, LINE, &format!("C: 1\nL: {harmless}\nM: recvonly"));
}

#[test]
fn options_are_passed_on_and_kept_until_they_are_changed() {
    let mut bench = Bench::new();
    bench.plane.able.echo_cancellation = true;
    bench.plane.able.silence_suppression = true;
    bench.plane.able.gain_control = true;
    bench.plane.able.type_of_service = true;
    let (id, _) = create(&mut bench, LINE, "C: 1\nL: e:off, s:on, gc:-3, t:B8\nM: recvonly");
    let told = spec(&bench, 0).clone();
    assert!(!told.echo_cancellation && told.silence_suppression);
    assert_eq!((told.gain, told.type_of_service), (Some(-3), 0xb8));
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nL: gc:auto"));
    assert_eq!(*spec(&bench, 0), MediaSpec { gain: None, ..told });
    let audit = bench.good("AUCX", LINE, &format!("I: {id}\nF: L"));
    assert_eq!(audit.get("L").unwrap(), "e:off, gc:auto, s:on, t:b8");
    // A second connection takes over what concerns the line, not what concerns packets.
    create(&mut bench, LINE, "C: 2\nM: recvonly");
    let second = bench.view(0).connections[1].handle;
    let second = &bench.plane.open[&second].1;
    assert!(!second.echo_cancellation && !second.silence_suppression);
    assert_eq!((second.gain, second.type_of_service), (None, 0));
}

#[test]
fn an_endpoint_has_a_limit_of_connections() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        create(&mut bench, LINE, "C: 1\nM: recvonly");
    }
    bench.refused(540, "CRCX", LINE, "C: 1\nM: recvonly");
}

#[test]
fn a_plane_without_ports_refuses_and_nothing_stays_open() {
    let mut bench = Bench::new();
    bench.plane.refuse_open = Some(MediaFault::Exhausted);
    bench.refused(403, "CRCX", LINE, "C: 1\nM: recvonly\nX: 1\nR: L/hd(N)\nS: L/rg");
    bench.plane.refuse_open = Some(MediaFault::Insufficient);
    bench.refused(502, "CRCX", LINE, "C: 1\nM: recvonly");
    bench.plane.refuse_open = None;
    let (id, _) = create(&mut bench, LINE, "C: 1\nM: recvonly");
    bench.plane.refuse_modify = Some(MediaFault::Hardware);
    bench.refused(529, "MDCX", LINE, &format!("C: 1\nI: {id}\nM: inactive"));
}

#[test]
fn creation_and_notification_request_are_carried_out_together_or_not_at_all() {
    let mut bench = Bench::new();
    let body = "C: 1\nM: recvonly\nX: 1\nR: L/hd(N)\nS: L/rg";
    create(&mut bench, LINE, body);
    assert_eq!(bench.plane.heard_on(0), ["l/rg"]);
    assert_eq!(bench.view(0).request, "1");
    bench.off_hook(0);
    assert!(bench.plane.heard.is_empty());
    bench.notified();
    bench.refused(401, "CRCX", LINE, "C: 2\nM: recvonly\nX: 2\nR: L/hd(N)\nS: L/rg");
    bench.refused(510, "CRCX", LINE, "C: 2\nM: recvonly\nR: L/hu(N)");
    bench.refused(510, "CRCX", LINE, "C: 2\nM: recvonly\nD: (xx)");
    bench.refused(522, "CRCX", LINE, "C: 2\nM: recvonly\nX: 2\nR: L/nothing(N)");
    bench.plane.refuse_signal = Some((EndpointIndex(0), "l/dl", MediaFault::Signal));
    bench.refused(513, "CRCX", LINE, "C: 2\nM: recvonly\nX: 2\nR: L/hu(N)\nS: L/vmwi, L/dl");
}

#[test]
fn a_modification_and_its_request_are_carried_out_together_or_not_at_all() {
    let mut bench = Bench::new();
    let (id, _) = create(&mut bench, LINE, "C: 1\nM: recvonly");
    bench.off_hook(0);
    bench.plane.refuse_signal = Some((EndpointIndex(0), "l/dl", MediaFault::Signal));
    let body = format!("C: 1\nI: {id}\nM: sendrecv\nX: 2\nS: L/vmwi, L/dl\n{}", remote(4000, "0"));
    bench.refused(513, "MDCX", LINE, &body);
    bench.plane.refuse_signal = None;
    bench.good("MDCX", LINE, &body);
    assert_eq!(bench.plane.heard_on(0), ["l/vmwi", "l/dl"]);
}

#[test]
fn the_current_connection_can_be_named_before_it_has_a_name() {
    let mut bench = Bench::new();
    bench.refused(527, "CRCX", LINE, "C: 1\nM: recvonly\nX: 1\nS: G/rt@$");
    bench.refused(515, "RQNT", LINE, "X: 1\nS: G/rt@$");
    let body = format!("C: 1\nM: recvonly\nX: 1\nR: G/ld@$(N)\nS: G/rt@$\n{}", remote(4000, "0"));
    let (id, _) = create(&mut bench, LINE, &body);
    assert_eq!(bench.plane.heard[0].1, format!("g/rt@{id}"));
    let audit = bench.good("AUEP", LINE, "F: R,S");
    assert_eq!(audit.get("R").unwrap(), format!("G/ld@{id}(N)"));
    assert_eq!(audit.get("S").unwrap(), format!("G/rt@{id}"));
    bench.pass_secs(3600);
    assert_eq!(bench.notified().get("O").unwrap(), format!("G/ld@{id}"));
}

#[test]
fn one_connection_is_deleted_with_its_statistics() {
    let mut bench = Bench::new();
    let (id, _) = create(&mut bench, LINE, "C: 1\nM: recvonly");
    create(&mut bench, LINE, "C: 1\nM: recvonly");
    bench.refused(515, "DLCX", LINE, "C: 1\nI: DEAD");
    bench.refused(516, "DLCX", LINE, &format!("C: 2\nI: {id}"));
    bench.refused(510, "DLCX", LINE, &format!("I: {id}"));
    bench.refused(510, "DLCX", "aaln/*", &format!("C: 1\nI: {id}"));
    bench.refused(539, "DLCX", LINE, &format!("C: 1\nI: {id}\nE: 900"));
    let answer = bench.good("DLCX", LINE, &format!("C: 1\nI: {}", id.to_uppercase()));
    assert_eq!(answer.code(), 250);
    assert_eq!(answer.get("P").unwrap(), "PS=1245, OS=62345, PR=780, OR=45123, PL=10, JI=27, LA=48");
    assert_eq!(bench.view(0).connections.len(), 1);
    assert_eq!(bench.plane.open.len(), 1);
    bench.refused(515, "DLCX", LINE, &format!("C: 1\nI: {id}"));
    bench.refused(515, "MDCX", LINE, &format!("C: 1\nI: {id}\nM: inactive"));
}

#[test]
fn all_connections_of_a_call_or_an_endpoint_or_all_endpoints_are_deleted_at_once() {
    let mut bench = Bench::new();
    for (endpoint, call) in [(LINE, 1), (LINE, 2), ("aaln/2", 1), ("relay/1", 1), ("relay/1", 1)] {
        create(&mut bench, endpoint, &format!("C: {call}\nM: recvonly"));
    }
    let answer = bench.good("DLCX", "aaln/*", "C: 1");
    assert_eq!((answer.code(), answer.get("P")), (250, None));
    assert_eq!((bench.view(0).connections.len(), bench.view(1).connections.len()), (1, 0));
    assert_eq!(bench.good("DLCX", LINE, "C: 99").code(), 250);
    bench.good("DLCX", LINE, "");
    assert_eq!(bench.plane.open.len(), 2);
    bench.refused(539, "DLCX", "aaln/*", "X: 1\nR: L/hd(N)");
    bench.refused(500, "DLCX", "ann/*", "");
    bench.refused(510, "DLCX", "relay/$", "");
    bench.good("DLCX", "*", "");
    assert!(bench.plane.open.is_empty());
    assert_eq!(bench.gateway.counters().connections_closed, 5);
    // All relays are free again.
    create(&mut bench, "relay/$", "C: 1\nM: recvonly");
    create(&mut bench, "relay/$", "C: 1\nM: recvonly");
}

#[test]
fn a_deletion_can_ask_for_the_next_off_hook() {
    let mut bench = Bench::new();
    let (id, _) = create(&mut bench, LINE, "C: 1\nM: recvonly");
    bench.off_hook(0);
    bench.refused(401, "DLCX", LINE, &format!("C: 1\nI: {id}\nX: 2\nR: L/hd(N)"));
    bench.on_hook(0);
    bench.good("DLCX", LINE, &format!("C: 1\nI: {id}\nX: 2\nR: L/hd(N)\nS:"));
    bench.off_hook(0);
    assert_eq!(bench.notified().get("X").unwrap(), "2");
}

#[test]
fn two_endpoints_of_the_gateway_are_joined_in_one_command() {
    let mut bench = Bench::new();
    let answer = bench.good("CRCX", LINE, "C: 1\nM: sendrecv\nZ2: relay/$@gw.town");
    assert_eq!(answer.get("Z2").unwrap(), "relay/1@gw.town");
    assert_eq!(answer.get("Z"), None);
    let (line, relay) = (&bench.view(0).connections[0], &bench.view(2).connections[0]);
    assert_eq!(answer.get("I").unwrap(), line.id);
    assert_eq!(answer.get("I2").unwrap(), relay.id);
    assert_eq!((line.mode, relay.mode), (MediaMode::SendRecv, MediaMode::SendRecv));
    assert_eq!((line.remote, relay.remote), (Some(relay.local), Some(line.local)));
    assert_eq!(bench.plane.open[&line.handle].1.local_peer, Some(relay.handle));
    // Each half has a life of its own.
    bench.good("DLCX", "relay/1", &format!("C: 1\nI: {}", relay.id));
    bench.good("MDCX", LINE, &format!("C: 1\nI: {}\nM: inactive", line.id));
    bench.good("CRCX", LINE, "C: 1\nM: inactive\nZ2: aaln/2@gw.town");
}

#[test]
fn a_connection_within_the_gateway_is_made_half_by_half_and_described_as_local() {
    let mut bench = Bench::new();
    let (line, answer) = create(&mut bench, LINE, "C: 1\nL: nt:LOCAL, a:PCMU\nM: inactive");
    let text = answer.sdp()[0].to_owned();
    for expected in ["c=LOCAL EPN aaln/1", &format!("a=MGCPlocalcx:{line}"), "m=audio 0 LOCAL 0"] {
        assert!(text.lines().any(|found| found == expected), "{expected} is missing in {text}");
    }
    let body = format!("C: 1\nL: nt:LOCAL, a:PCMU\nM: sendrecv\n\n{text}");
    let (relay, answer) = create(&mut bench, "relay/1", &body);
    let other = answer.sdp()[0].to_owned();
    bench.good("MDCX", LINE, &format!("C: 1\nI: {line}\nM: sendrecv\n\n{other}"));
    let (line, there) = (&bench.view(0).connections[0], &bench.view(2).connections[0]);
    assert_eq!(there.id, relay);
    assert_eq!((line.remote, there.remote), (Some(there.local), Some(line.local)));
    assert_eq!(bench.plane.open[&line.handle].1.local_peer, Some(there.handle));
    assert_eq!(bench.plane.open[&there.handle].1.local_peer, Some(line.handle));
}

#[test]
fn the_network_of_a_connection_is_that_of_its_options_or_its_remote_description() {
    let mut bench = Bench::new();
    let (line, answer) = create(&mut bench, LINE, "C: 1\nL: nt:LOCAL\nM: inactive");
    let local = answer.sdp()[0].replace('\r', "");
    assert!(local.contains("m=audio 0 LOCAL 0 8 101\na=rtpmap:101 telephone-event/8000"), "{local}");
    bench.refused(505, "MDCX", LINE, &format!("C: 1\nI: {line}\nM: sendrecv\n{}", remote(4000, "0")));
    bench.refused(509, "MDCX", LINE, &format!("C: 1\nI: {line}\nM: sendrecv\n\nv=0\nnonsense\n"));
    bench.refused(505, "MDCX", LINE, &format!("C: 1\nI: {line}\nM: sendrecv\n\n{local}"));
    bench.refused(505, "CRCX", "relay/1", &format!("C: 1\nL: nt:IN\nM: sendrecv\n\n{local}"));
    bench.refused(
        534,
        "CRCX",
        "relay/1",
        &format!("C: 1\nL: a:PCMA\nM: sendrecv\n\n{}", local.replace("LOCAL 0 8", "LOCAL 0")),
    );
    // Nothing was said of the network: it is that of the other half.
    let (_, answer) = create(&mut bench, "relay/1", &format!("C: 1\nM: sendrecv\n\n{local}"));
    assert!(answer.sdp()[0].contains("c=LOCAL EPN relay/1"), "{}", answer.0);
    // Options can move the connection to the network.
    let answer = bench.good("MDCX", LINE, &format!("C: 1\nI: {line}\nL: nt:IN\n{}", remote(4000, "0")));
    assert_eq!((described(&answer).version, spec(&bench, 0).local_peer), (1, None));
    let audit = bench.good("AUCX", LINE, &format!("I: {line}\nF: L,LC"));
    assert_eq!(audit.get("L").unwrap(), "nt:IN");
    assert!(audit.sdp()[0].contains("c=IN IP4"), "{}", audit.0);
}

#[test]
fn a_half_whose_other_half_is_gone_sends_nowhere() {
    let to = |bench: &Bench, index| (spec(bench, index).remote, spec(bench, index).local_peer);
    let ends: [fn(&mut Bench); 3] = [
        |bench| drop(bench.good("DLCX", "relay/1", "")),
        |bench| {
            let handle = bench.view(2).connections[0].handle;
            bench.media(2, MediaEvent::ConnectionLost(handle, LossReason::LowerLayer));
        },
        |bench| {
            let Bench { gateway, plane, now, .. } = bench;
            let relay = gateway.endpoints_named("relay/1");
            gateway.out_of_service(*now, &relay, strowger_mgcp::message::ReasonCode::OUT_OF_SERVICE, plane);
        },
    ];
    for end in ends {
        let mut bench = Bench::new();
        let (id, _) = create(&mut bench, LINE, "C: 1\nM: sendrecv\nZ2: relay/1@gw.town");
        // A third one also speaks to the relay, which knows nothing of it.
        let local = "v=0\nc=LOCAL EPN relay/1\nm=audio 0 LOCAL 0\n";
        create(&mut bench, "aaln/2", &format!("C: 2\nM: sendonly\n\n{local}"));
        assert_eq!(to(&bench, 1).1, Some(bench.view(2).connections[0].handle));
        end(&mut bench);
        assert_eq!((to(&bench, 0), to(&bench, 1)), ((None, None), (None, None)));
        // What was told of the other half is still audited, and another one can take its place.
        let audit = bench.good("AUCX", LINE, &format!("I: {id}\nF: RC"));
        assert_eq!(audit.sdp().len(), 1, "{}", audit.0);
        bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: recvonly"));
        assert_eq!(to(&bench, 0), (None, None));
        bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: sendrecv\n{}", remote(4000, "0")));
        assert_eq!(to(&bench, 0).0.unwrap().port(), 4000);
    }
}

#[test]
fn a_connection_that_moved_on_is_not_parted_from_its_former_half() {
    let mut bench = Bench::new();
    let (id, _) = create(&mut bench, LINE, "C: 1\nM: sendrecv\nZ2: relay/1@gw.town");
    bench.good("MDCX", LINE, &format!("C: 1\nI: {id}\nM: sendrecv\n{}", remote(4000, "0")));
    bench.good("DLCX", "relay/1", "");
    assert_eq!(spec(&bench, 0).remote.unwrap().port(), 4000);
}

#[test]
fn a_local_description_of_nothing_is_not_supported() {
    let mut bench = Bench::new();
    let local = |name: &str, id: &str| {
        format!("C: 1\nM: recvonly\n\nv=0\nc=LOCAL EPN {name}\na=MGCPlocalcx:{id}\nm=audio 0 LOCAL 0\n")
    };
    create(&mut bench, "aaln/2", "C: 1\nL: nt:LOCAL\nM: inactive");
    bench.refused(505, "CRCX", LINE, &local("aaln/9", "1"));
    bench.refused(505, "CRCX", LINE, &local("aaln/2", "1"));
    bench.refused(
        505,
        "CRCX",
        LINE,
        &local("aaln/2@elsewhere.town", &bench.view(1).connections[0].id.clone()),
    );
    let id = bench.view(1).connections[0].id.clone();
    bench.good("CRCX", LINE, &local("AALN/2", &id.to_lowercase()));
}

#[test]
fn two_endpoints_are_joined_wholly_or_not_at_all() {
    let mut bench = Bench::new();
    let both = format!("C: 1\nM: sendrecv\nZ2: relay/1@gw.town\n{}", remote(4000, "0"));
    bench.refused(510, "CRCX", LINE, &both);
    bench.refused(500, "CRCX", LINE, "C: 1\nM: sendrecv\nZ2: relay/9@gw.town");
    bench.refused(500, "CRCX", LINE, "C: 1\nM: sendrecv\nZ2: relay/1@other.town");
    bench.plane.room = Some(1);
    bench.refused(403, "CRCX", LINE, "C: 1\nM: sendrecv\nZ2: relay/1@gw.town");
    bench.plane.room = Some(2);
    bench.plane.refuse_modify = Some(MediaFault::Insufficient);
    bench.refused(502, "CRCX", LINE, "C: 1\nM: sendrecv\nZ2: relay/1@gw.town");
    bench.plane.refuse_modify = None;
    bench.plane.room = Some(2);
    bench.plane.refuse_signal = Some((EndpointIndex(0), "l/rg", MediaFault::Signal));
    bench.refused(513, "CRCX", LINE, "C: 1\nM: sendrecv\nZ2: relay/1@gw.town\nX: 1\nS: L/rg");
}

#[test]
fn a_connection_that_the_network_drops_is_reported_and_gone() {
    let mut bench = Bench::new();
    let (id, _) = create(&mut bench, "relay/1", "C: AbC\nM: recvonly");
    bench.media(2, MediaEvent::ConnectionLost(ConnectionHandle(0), LossReason::LowerLayer));
    let dlcx = bench.take("DLCX").pop().unwrap();
    assert_eq!(dlcx.endpoint(), "relay/1@gw.town");
    assert_eq!((dlcx.get("C").unwrap(), dlcx.get("I").unwrap()), ("AbC".into(), id.clone()));
    assert!(dlcx.get("E").unwrap().starts_with("902 "), "{}", dlcx.0);
    assert!(dlcx.get("P").unwrap().contains("PS=1245"));
    assert!(bench.plane.open.is_empty());
    bench.refused(515, "AUCX", "relay/1", &format!("I: {id}\nF: M"));
    assert_eq!(bench.gateway.counters().connections_lost, 1);
    assert!(bench.good("AUEP", "relay/1", "F: E").get("E").unwrap().starts_with("902"));
    bench.answer(200, &dlcx);
    assert_eq!(bench.gateway.outstanding(), 0);
}

#[test]
fn swap_audio_changes_the_connection_that_talks() {
    let mut bench = Bench::new();
    let first = create(&mut bench, LINE, &format!("C: 1\nM: sendrecv\n{}", remote(4000, "0"))).0;
    let second = create(&mut bench, LINE, &format!("C: 2\nM: inactive\n{}", remote(4002, "0"))).0;
    bench.off_hook(0);
    bench.good("RQNT", LINE, "X: 1\nQ: loop\nR: L/hf(S,N)");
    bench.media(0, MediaEvent::HookFlash);
    let modes = |bench: &Bench| bench.view(0).connections.iter().map(|c| c.mode).collect::<Vec<_>>();
    assert_eq!(modes(&bench), [MediaMode::Inactive, MediaMode::SendRecv]);
    let ntfy = bench.notified();
    assert_eq!(ntfy.get("O").unwrap(), "L/hf");
    bench.answer(200, &ntfy);
    bench.media(0, MediaEvent::HookFlash);
    assert_eq!(modes(&bench), [MediaMode::SendRecv, MediaMode::Inactive]);
    bench.good("DLCX", LINE, &format!("C: 2\nI: {second}"));
    bench.good("MDCX", LINE, &format!("C: 1\nI: {first}\nM: sendrecv"));
}

#[test]
fn a_list_of_codecs_longer_than_there_are_payload_types_is_refused() {
    let mut bench = Bench::new();
    let with = |count: usize| format!("C: 1\nM: recvonly\nL: a:{}", vec!["PCMU"; count].join(";"));
    bench.refused(532, "CRCX", "relay/1", &with(129));
    bench.good("CRCX", "relay/1", &with(128));
}
