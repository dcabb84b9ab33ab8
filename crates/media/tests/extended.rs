//! Extended reports between two sessions (RFC 3611).

mod common;

use std::time::Duration;

use common::{FAR, FAR_CONTROL, Line, NEAR, config, sine};
use strowger_media::rtcp::{Compound, CompoundBuilder, ExtendedBlock, RtcpPacket, VoipMetrics};
use strowger_media::{ExtendedReports, SILENCE, SessionConfig, SourcePolicy};
use strowger_sansio::Time;

fn extended(remote: std::net::SocketAddr) -> SessionConfig {
    let mut config = config(remote);
    config.extended_reports = ExtendedReports { voip_metrics: true, round_trip: true };
    config
}

#[test]
fn each_end_learns_what_the_other_makes_of_its_stream() {
    let mut line = Line::new(&extended(NEAR), &extended(FAR), 30);
    line.loss = 0.04;
    line.talk(Duration::from_secs(60), sine(1000.0), sine(600.0));
    let metrics = line.near.statistics(line.now).remote_metrics.unwrap();
    assert_eq!(metrics.ssrc, line.near.ssrc());
    assert!((5..=18).contains(&metrics.loss_rate), "4 % are 10 in 256: {metrics:?}");
    assert!((58..=62).contains(&metrics.round_trip), "{metrics:?}");
    assert_eq!(metrics.end_system_delay, 20 + metrics.playout[0]);
    assert!((70..=85).contains(&metrics.r_factor) && metrics.gap_threshold == 16, "{metrics:?}");
    assert!(
        metrics.mos_listening >= metrics.mos_conversation && metrics.mos_conversation > 35,
        "{metrics:?}"
    );
    assert!(metrics.gap_duration > 500, "{metrics:?}");
}

#[test]
fn a_clean_stream_has_the_best_rating() {
    let mut line = Line::new(&extended(NEAR), &extended(FAR), 0);
    line.talk(Duration::from_secs(20), sine(1000.0), sine(600.0));
    let VoipMetrics { loss_rate, discard_rate, burst_density, gap_density, mos_listening, r_factor, .. } =
        line.near.statistics(line.now).remote_metrics.unwrap();
    assert_eq!((loss_rate, discard_rate, burst_density, gap_density), (0, 0, 0, 0));
    assert!(mos_listening == 44 && r_factor >= 91, "{mos_listening} {r_factor}");
}

#[test]
fn nobody_is_sent_what_it_has_not_asked_for() {
    let mut line = Line::new(&config(NEAR), &extended(FAR), 10);
    line.talk(Duration::from_secs(20), sine(1000.0), sine(600.0));
    assert!(line.far.statistics(line.now).remote_metrics.is_some());
    assert!(line.near.statistics(line.now).remote_metrics.is_none());
}

#[test]
fn an_end_that_only_listens_learns_the_round_trip_by_its_own_clock() {
    let mut near = extended(FAR);
    near.sends.clear();
    near.source = SourcePolicy::Signalled(FAR);
    let mut line = Line::new(&extended(NEAR), &near, 25);
    line.talk(Duration::from_secs(40), |_| SILENCE, sine(600.0));
    let latency = line.near.statistics(line.now).latency.unwrap();
    assert!((24..=26).contains(&latency.as_millis()), "{latency:?}");
}

#[test]
fn metrics_of_somebody_else_are_not_taken() {
    let mut line = Line::new(&extended(NEAR), &extended(FAR), 0);
    line.talk(Duration::from_secs(1), sine(1000.0), sine(600.0));
    let (own, far) = (line.near.ssrc(), line.far.ssrc());
    let metrics = line.far.voip_metrics().unwrap();
    assert_eq!(metrics.ssrc, own);
    let mut send = |reporter: u32, ssrc: u32| {
        let block = ExtendedBlock::VoipMetrics(VoipMetrics { ssrc, r_factor: 1, ..metrics });
        let bytes = CompoundBuilder::report(far, None, &[]).description("x").build();
        let mut forged = CompoundBuilder::report(reporter, None, &[]).extended(&[block]).build();
        let mut all = bytes;
        all.append(&mut forged);
        let read = Compound::decode(&all).unwrap();
        assert!(read.packets().any(|packet| matches!(packet, RtcpPacket::Other { packet_type: 207, .. })));
        line.near.receive_control(Time::from_secs(2), FAR_CONTROL, &all);
        line.near.statistics(line.now).remote_metrics.map(|metrics| metrics.r_factor)
    };
    assert_ne!(send(77, own), Some(1), "another reporter");
    assert_ne!(send(far, 99), Some(1), "another stream");
    assert_eq!(send(far, own), Some(1));
}
