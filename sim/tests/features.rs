//! What subscribers hear when they use their features: one exchange, two gateways with real RTP, everything in
//! virtual time and without loss. The stories of `crates/exchange` hold the signalling; these hold the sound.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod stage;

use strowger_exchange::{Codec, ControllerLeaves};
use strowger_sansio::Duration;
use strowger_sdp::AudioDescription;

use stage::Stage;

#[test]
fn a_party_on_hold_hears_nobody_and_is_heard_by_nobody() {
    for relayed in [false, true] {
        let mut stage = Stage::new(relayed, ControllerLeaves::EndsAll);
        stage.connect("2001", "2003");
        stage.does("2001", "flash");
        stage.hears("2001", &[]);
        stage.hears("2003", &[]);
        stage.does("2001", "dial 2002");
        stage.expect("2001", "ringback");
        stage.does("2002", "off-hook");
        stage.talk(&["2001", "2002"]);
        stage.hears("2003", &[]);
        stage.end();
    }
}

#[test]
fn who_is_joined_by_a_transfer_talks() {
    for relayed in [false, true] {
        let mut stage = Stage::new(relayed, ControllerLeaves::EndsAll);
        stage.consult();
        stage.does("2001", "on-hook");
        stage.talk(&["2003", "2002"]);
        // And on to a telephone that still rings.
        stage.does("2003", "flash");
        stage.does("2003", "dial 2004");
        stage.expect("2004", "caller 2003");
        stage.does("2003", "on-hook");
        stage.expect("2002", "ringback");
        stage.does("2004", "off-hook");
        stage.talk(&["2002", "2004"]);
        stage.end();
    }
}

#[test]
fn who_is_sent_to_a_number_talks() {
    for relayed in [false, true] {
        let mut stage = Stage::new(relayed, ControllerLeaves::EndsAll);
        stage.connect("2001", "2003");
        stage.does("2001", "flash");
        stage.does("2001", "dial *98");
        stage.does("2001", "dial 2002");
        stage.expect("2002", "ring");
        stage.expect("2003", "ringback");
        stage.does("2002", "off-hook");
        stage.talk(&["2003", "2002"]);
        stage.end();
    }
}

#[test]
fn three_hear_each_other_and_two_when_one_leaves() {
    for relayed in [false, true] {
        let mut stage = Stage::new(relayed, ControllerLeaves::JoinsTheOthers);
        stage.consult();
        stage.does("2001", "flash");
        stage.talk(&["2001", "2002", "2003"]);
        stage.does("2001", "flash");
        stage.talk(&["2001", "2003"]);
        stage.does("2001", "flash");
        stage.does("2002", "on-hook");
        stage.does("2001", "dial 2002");
        stage.does("2002", "off-hook");
        stage.does("2001", "flash");
        stage.talk(&["2001", "2002", "2003"]);
        stage.does("2001", "on-hook");
        stage.talk(&["2002", "2003"]);
        stage.end();
    }
}

#[test]
fn a_call_that_waits_is_not_heard_until_it_is_taken() {
    for relayed in [false, true] {
        let mut stage = Stage::new(relayed, ControllerLeaves::EndsAll);
        stage.connect("2001", "2003");
        stage.does("2002", "off-hook");
        stage.does("2002", "dial 2001");
        stage.expect("2002", "ringback");
        stage.pass(Duration::from_secs(12));
        stage.hears("2002", &[]);
        stage.talk(&["2001", "2003"]);
        stage.does("2001", "flash");
        stage.talk(&["2001", "2002"]);
        stage.does("2001", "flash");
        stage.talk(&["2001", "2003"]);
        stage.does("2001", "on-hook");
        stage.expect("2001", "ring");
        stage.does("2001", "off-hook");
        stage.talk(&["2001", "2002"]);
        stage.end();
    }
}

#[test]
fn who_hung_up_with_a_call_on_hold_is_rung_and_talks_again() {
    let mut stage = Stage::new(false, ControllerLeaves::EndsAll);
    stage.connect("2001", "2003");
    stage.does("2001", "flash");
    stage.does("2001", "on-hook");
    stage.expect("2001", "ring");
    stage.expect("2003", "ringback");
    stage.does("2001", "off-hook");
    stage.talk(&["2001", "2003"]);
    stage.end();
}

/// The codecs of a call's descriptions, as they stood at its end.
fn described(stage: &Stage) -> Vec<Vec<String>> {
    let streams = stage.ended.last().unwrap().media.iter();
    let codecs = streams.map(|stream| {
        let session = strowger_sdp::decode(stream.local.bytes(), &strowger_sdp::Limits::default()).unwrap();
        let audio = AudioDescription::from_session(&session).unwrap();
        let speech = audio.codecs.iter().filter(|entry| entry.codec.is_speech());
        speech.map(|entry| entry.codec.name().to_owned()).collect()
    });
    codecs.collect()
}

#[test]
fn two_lines_speak_the_codec_that_is_wanted_most_and_that_both_have() {
    let codecs = |words: &str| words.split(' ').map(|word| word.parse().unwrap()).collect::<Vec<Codec>>();
    // The exchange's list, that of the second gateway, that of line 2003; what the first codec of both ends is.
    for (exchange, gateway, line, spoken) in [
        ("g722 pcmu", None, None, "G722"),
        ("pcma", None, None, "PCMA"),
        ("g722 pcmu", Some("pcmu"), None, "PCMU"),
        ("g722 pcmu", Some("pcmu"), Some("g722"), "G722"),
    ] {
        for relayed in [false, true] {
            // The relay is that gateway's, and has its list.
            if relayed && gateway.is_some() {
                continue;
            }
            let mut stage = Stage::with(relayed, |inventory| {
                inventory.codecs.exchange = codecs(exchange);
                let gateways = gateway.map(|list| ("gw1".to_owned(), codecs(list)));
                inventory.codecs.gateways.extend(gateways);
                inventory.codecs.lines.extend(line.map(|list| ("2003".to_owned(), codecs(list))));
            });
            stage.connect("2001", "2003");
            stage.talk(&["2001", "2003"]);
            stage.does("2001", "on-hook");
            stage.does("2003", "on-hook");
            stage.pass(Duration::from_secs(1));
            let described = described(&stage);
            let called = described.last().unwrap();
            assert_eq!(called[0], spoken, "{exchange} {gateway:?} {line:?} {relayed}: {described:?}");
            assert!(described.iter().all(|codecs| codecs.contains(&called[0])), "{described:?}");
            let octets = |place: usize| {
                let figures = stage.ended[0].media[place].statistics.unwrap();
                (figures.octets_sent, figures.packets_sent)
            };
            let (sent, packets) = octets(0);
            assert_eq!(sent, packets * 160, "64 kbit/s in packets of 20 ms");
        }
    }
}

#[test]
fn lines_without_a_codec_in_common_have_no_call() {
    let mut stage = Stage::with(false, |inventory| {
        inventory.codecs.gateways.insert("gw0".to_owned(), vec!["g722".parse().unwrap()]);
        inventory.codecs.gateways.insert("gw1".to_owned(), vec!["pcmu".parse().unwrap()]);
    });
    stage.does("2001", "off-hook");
    stage.expect("2001", "dial-tone");
    stage.does("2001", "dial 2003");
    stage.expect("2001", "congestion");
    assert_eq!(stage.ended[0].cause, strowger_exchange::Cause::INCOMPATIBLE_DESTINATION);
    stage.does("2001", "on-hook");
    stage.end();
}
