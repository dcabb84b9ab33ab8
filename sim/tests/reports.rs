//! Extended RTCP reports (RFC 3611) from end to end: asked for in descriptions, sent between the gateways, and told in the record of the call. And the
//! number of a caller, as data on the line.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod stage;

use strowger_sansio::Duration;
use strowger_softgateway::CallerDisplay;

use stage::Stage;

/// The packet type of extended reports, and the type of the block of VoIP metrics.
const EXTENDED: u8 = 207;
const VOIP_METRICS: u8 = 7;

/// Whether a compound packet of RTCP holds an extended report with VoIP metrics.
fn has_metrics(mut compound: &[u8]) -> bool {
    while let [_, kind, high, low, rest @ ..] = compound {
        let length = usize::from(u16::from_be_bytes([*high, *low])) * 4;
        let (body, next) = rest.split_at(length);
        let mut blocks = body.get(4..).unwrap_or_default();
        while let [block, _, high, low, rest @ ..] = blocks {
            if *kind != EXTENDED {
                break;
            }
            if *block == VOIP_METRICS {
                return true;
            }
            blocks = rest.get(usize::from(u16::from_be_bytes([*high, *low])) * 4..).unwrap_or_default();
        }
        compound = next;
    }
    false
}

/// A call of half a minute, in which both speak.
fn call(stage: &mut Stage) {
    stage.connect("2001", "2003");
    stage.pass(Duration::from_secs(30));
    stage.talk(&["2001", "2003"]);
    stage.does("2001", "on-hook");
    stage.does("2003", "on-hook");
    stage.pass(Duration::from_secs(2));
}

#[test]
fn extended_reports_are_asked_for_exchanged_and_told_in_the_record_of_the_call() {
    for relayed in [false, true] {
        let mut stage = Stage::of(relayed, |_| {}, |config| config.asks_for_reports = true);
        call(&mut stage);
        let asks = |text: &&String| text.contains("a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n");
        let (commands, answers): (Vec<_>, Vec<_>) = stage
            .passed
            .iter()
            .filter(asks)
            .partition(|text| text.starts_with("CRCX") || text.starts_with("MDCX"));
        assert!(answers.len() >= 2 && !commands.is_empty(), "both ends ask, and are told of the other");
        assert!(stage.reports.iter().filter(|report| has_metrics(report)).count() > 4);
        // The end that hears the stream rates it, and who sends it is told.
        let own = ["calling", "called"];
        let streams = stage.ended[0].media.iter().filter(|stream| own.contains(&stream.role.name()));
        let reported: Vec<_> = streams
            .map(|stream| stream.statistics.unwrap().reported.expect("what the far end has said"))
            .collect();
        assert_eq!(reported.len(), 2);
        for said in reported {
            assert!(said.r_factor > 80 && said.mos_tenths > 40, "{said:?}");
            assert!(said.loss < 3 && (1..150).contains(&said.delay_ms), "{said:?}");
        }
        stage.end();
    }
}

#[test]
fn where_nobody_asks_no_extended_report_is_sent() {
    let mut stage = Stage::of(false, |_| {}, |_| {});
    call(&mut stage);
    assert!(stage.passed.iter().all(|text| !text.contains("rtcp-xr")));
    assert!(!stage.reports.is_empty() && !stage.reports.iter().any(|report| has_metrics(report)));
    assert!(stage.ended[0].media.iter().all(|stream| stream.statistics.unwrap().reported.is_none()));
    stage.end();
}

#[test]
fn a_telephone_shows_who_calls_when_it_has_heard_it_on_its_line() {
    let mut stage = Stage::of(false, |_| {}, |config| config.display = CallerDisplay::Data);
    stage.does("2001", "off-hook");
    stage.does("2001", "dial 2003");
    stage.expect("2003", "ring");
    stage.expect("2003", "caller 2001");
    stage.does("2003", "off-hook");
    stage.talk(&["2001", "2003"]);
    stage.end();
}
