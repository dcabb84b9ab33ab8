//! What each party of a call will have thought of the sound, from the figures of its gateways.
//!
//! The exchange keeps facts; this rates them when the record is written, by the E-model in [`strowger_media::quality`].
//! Of an end whose gateway does not tell what its play-out did, or that has no gateway of ours, the rating that the end itself gave counts, if it has told
//! the gateway that sends to it (RFC 3611 section 4.7). What nobody tells is taken as it usually is: losses at random, a play-out buffer of twice the jitter and one
//! packet at least, no discards.

use serde::{Deserialize, Serialize};
use strowger_exchange::{CallEnded, MediaStatistics, ReportedQuality, StreamRecord, StreamRole};
use strowger_media::quality::{Impairment, Path, burst_ratio};
use strowger_sansio::Duration;
use strowger_sdp::{AudioDescription, CodecEntry};

/// What a gateway's packets are taken to hold when its description does not say: RFC 3551's default.
const PACKET_MS: u16 = 20;

/// How good the sound was at the end that received a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QualityEntry {
    /// The codec, by its RTP encoding name.
    pub codec: String,
    /// The share of packets that were not heard, in per cent.
    pub loss_percent: f64,
    /// From mouth to ear in milliseconds: packet, network, play-out.
    pub delay_ms: u32,
    /// The rating factor of ITU-T G.107, 0 to 93.2.
    pub r: f64,
    /// The estimated mean opinion score, 1 to 4.5.
    pub mos: f64,
}

/// The rating of a stream of a call; none of a relay's streams, which nobody hears, nor without packets or figures for the
/// codec.
pub(super) fn rate(record: &CallEnded, stream: &StreamRecord) -> Option<QualityEntry> {
    if !matches!(stream.role, StreamRole::Calling | StreamRole::Called) {
        return None;
    }
    let figures = stream.statistics.filter(|figures| figures.packets_received > 0);
    let (codec, packet_ms) = spoken(record, stream)?;
    if figures.is_none_or(|figures| figures.playout.is_none())
        && let Some(reported) = sender(record, stream).and_then(|sender| sender.statistics?.reported)
    {
        return Some(as_reported(codec, &reported));
    }
    let figures = figures?;
    let impairment = Impairment::of(&codec)?;
    let delay_ms = u32::from(packet_ms)
        .saturating_add(network_delay(record))
        .saturating_add(playout_delay(&figures, packet_ms));
    let expected = figures.packets_received.saturating_add(figures.packets_lost);
    let discarded = figures.playout.map_or(0, |playout| playout.discarded);
    let loss = (figures.packets_lost.saturating_add(discarded) as f64 / expected as f64).min(1.0);
    let runs = figures.playout.map_or(0, |playout| playout.loss_runs);
    let path = Path {
        loss,
        burst_ratio: burst_ratio(figures.packets_lost, runs, expected),
        delay: Duration::from_millis(delay_ms.into()),
    };
    let rating = path.rate(impairment);
    Some(QualityEntry {
        codec,
        loss_percent: rounded(loss * 100.0, 100.0),
        delay_ms,
        r: rounded(rating.factor(), 10.0),
        mos: rounded(rating.opinion(), 100.0),
    })
}

/// The rating of the end itself.
fn as_reported(codec: String, reported: &ReportedQuality) -> QualityEntry {
    QualityEntry {
        codec,
        loss_percent: rounded(f64::from(reported.loss) / 256.0 * 100.0, 100.0),
        delay_ms: reported.delay_ms,
        r: f64::from(reported.r_factor),
        mos: f64::from(reported.mos_tenths) / 10.0,
    }
}

/// What came in by a stream, and in packets of how many milliseconds: the first codec of its description that the end that
/// sends there has too (RFC 3264 section 6.1: who sends follows the order of who receives).
pub(super) fn spoken(record: &CallEnded, stream: &StreamRecord) -> Option<(String, u16)> {
    let own = described(stream)?;
    let sender = sender(record, stream).and_then(described);
    let has = |entry: &&CodecEntry| {
        sender.as_ref().is_none_or(|sender| sender.codecs.iter().any(|other| other.matches(entry)))
    };
    let speech = || own.codecs.iter().filter(|entry| entry.is_speech());
    let entry = speech().find(has).or_else(|| speech().next())?;
    Some((entry.codec.name().to_owned(), own.ptime.unwrap_or(PACKET_MS)))
}

/// The stream that is sent to this one.
fn sender<'r>(record: &'r CallEnded, stream: &StreamRecord) -> Option<&'r StreamRecord> {
    let senders: &[StreamRole] = match stream.role {
        StreamRole::Calling => &[StreamRole::RelayCalling, StreamRole::Called],
        StreamRole::RelayCalling => &[StreamRole::Calling],
        StreamRole::RelayCalled => &[StreamRole::Called],
        StreamRole::Called => &[StreamRole::RelayCalled, StreamRole::Calling],
        StreamRole::Left => &[],
    };
    senders.iter().find_map(|role| record.media.iter().find(|other| other.role == *role))
}

fn described(stream: &StreamRecord) -> Option<AudioDescription> {
    let session = strowger_sdp::decode(stream.local.bytes(), &strowger_sdp::Limits::default()).ok()?;
    AudioDescription::from_session(&session).ok()
}

/// The one-way delay between the parties: that of both halves when a relay stands between them, else what either end says.
fn network_delay(record: &CallEnded) -> u32 {
    let told = |role| {
        let stream = record.media.iter().find(|stream| stream.role == role);
        stream.and_then(|stream| stream.statistics).map_or(0, |figures| figures.latency_ms)
    };
    let (calling, called) = (told(StreamRole::Calling), told(StreamRole::Called));
    let relayed = record
        .media
        .iter()
        .any(|stream| matches!(stream.role, StreamRole::RelayCalling | StreamRole::RelayCalled));
    if relayed { calling.saturating_add(called) } else { calling.max(called) }
}

fn playout_delay(figures: &MediaStatistics, packet_ms: u16) -> u32 {
    let usual = figures.jitter_ms.saturating_mul(2).max(packet_ms.into());
    figures.playout.map_or(usual, |playout| playout.delay_ms)
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use strowger_exchange::{CallId, Cause, Party, PlayoutStatistics, ReleasedBy, Sdp, Termination};
    use strowger_sansio::Time;

    fn stream(role: StreamRole, codec: &str, statistics: MediaStatistics) -> StreamRecord {
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96 101\r\n\
             a=rtpmap:96 {codec}/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
        );
        let termination =
            Termination { gateway: "gw1".into(), endpoint: "aaln/1".into(), connection: "1".into() };
        StreamRecord { role, termination, local: Sdp::new(sdp.as_bytes()), statistics: Some(statistics) }
    }

    fn call(media: Vec<StreamRecord>) -> CallEnded {
        CallEnded {
            call: CallId(1),
            calling: Party {
                number: "2001".into(),
                name: None,
                gateway: "gw1".into(),
                endpoint: "aaln/1".into(),
            },
            called: None,
            dialled: "2002".into(),
            earlier: Vec::new(),
            diversions: Vec::new(),
            start: Time::ZERO,
            alerting: None,
            answer: None,
            end: Time::from_secs(60),
            cause: Cause::NORMAL_CLEARING,
            released_by: ReleasedBy::Calling,
            media,
            transfers: Vec::new(),
        }
    }

    fn figures(received: u64, lost: u64, jitter_ms: u32, latency_ms: u32) -> MediaStatistics {
        MediaStatistics {
            packets_received: received,
            packets_lost: lost,
            jitter_ms,
            latency_ms,
            ..MediaStatistics::default()
        }
    }

    #[test]
    fn each_party_is_rated_by_what_came_to_it() {
        let good = stream(StreamRole::Calling, "PCMU", figures(1000, 0, 0, 15));
        let bad = stream(StreamRole::Called, "PCMU", figures(950, 50, 30, 10));
        let call = call(vec![good, bad]);
        let [good, bad] = [0, 1].map(|place| rate(&call, &call.media[place]).unwrap());
        // 20 ms of packet, 15 ms of network, 20 ms or 60 ms of play-out.
        assert_eq!((good.delay_ms, bad.delay_ms, bad.loss_percent), (55, 95, 5.0));
        assert_eq!((good.codec.as_str(), good.r, good.mos), ("PCMU", 91.9, 4.38));
        assert_eq!((bad.r, bad.mos), (75.1, 3.83));
    }

    #[test]
    fn what_the_play_out_tells_takes_the_place_of_what_is_usual() {
        let mut told = figures(950, 50, 30, 0);
        told.playout = Some(PlayoutStatistics { discarded: 50, delay_ms: 120, loss_runs: 10 });
        let call = call(vec![stream(StreamRole::Called, "PCMA", told)]);
        let quality = rate(&call, &call.media[0]).unwrap();
        assert_eq!((quality.delay_ms, quality.loss_percent), (140, 10.0));
        let mut random = told;
        random.playout = Some(PlayoutStatistics { loss_runs: 50, ..told.playout.unwrap() });
        let random = stream(StreamRole::Called, "PCMA", random);
        assert!(rate(&call, &random).unwrap().r > quality.r, "runs of five are worse than single losses");
    }

    #[test]
    fn who_rates_the_sound_itself_is_believed_where_nobody_knows_better() {
        let reported = ReportedQuality { loss: 26, delay_ms: 180, r_factor: 71, mos_tenths: 36 };
        let mut told = figures(1000, 0, 0, 15);
        told.playout = Some(PlayoutStatistics { discarded: 0, delay_ms: 40, loss_runs: 0 });
        told.reported = Some(reported);
        let line = stream(StreamRole::Calling, "PCMU", told);
        // The called party is behind a trunk: no gateway counts what it hears.
        let mut trunk = stream(StreamRole::Called, "PCMU", figures(0, 0, 0, 0));
        trunk.statistics = None;
        let mut call = call(vec![line.clone(), trunk]);
        let quality = |call: &CallEnded, place: usize| rate(call, &call.media[place]).unwrap();
        let called = quality(&call, 1);
        assert_eq!((called.r, called.mos, called.delay_ms), (71.0, 3.6, 180));
        assert_eq!(called.loss_percent, 10.16);
        assert!(quality(&call, 0).mos > 4.3, "the caller is rated by what its own gateway played");
        // A relay that sends to the party is told instead.
        call.media[0].statistics = Some(MediaStatistics { reported: None, ..told });
        call.media.push(stream(StreamRole::RelayCalled, "PCMU", told));
        assert_eq!(quality(&call, 1).mos, 3.6);
        // A gateway that tells what its play-out did knows better, and one that does not knows less.
        call.media[1].statistics = Some(figures(1000, 0, 0, 0));
        assert_eq!(quality(&call, 1).mos, 3.6);
        call.media[1].statistics = Some(told);
        assert!(quality(&call, 1).mos > 4.3);
        call.media.pop();
        call.media[1].statistics = None;
        assert_eq!(rate(&call, &call.media[1]), None, "nobody has told");
    }

    #[test]
    fn what_is_spoken_is_what_both_ends_have() {
        let describe = |codecs: &[(u8, &str)]| {
            let types: Vec<_> = codecs.iter().map(|(number, _)| number.to_string()).collect();
            let maps = codecs.iter().map(|(number, name)| format!("a=rtpmap:{number} {name}/8000\r\n"));
            let maps: String = maps.collect();
            let types = types.join(" ");
            let sdp = format!(
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {types}\r\n{maps}"
            );
            Sdp::new(sdp.as_bytes())
        };
        let mut calling = stream(StreamRole::Calling, "PCMU", figures(9, 0, 0, 0));
        calling.local = describe(&[(9, "G722"), (0, "PCMU"), (8, "PCMA")]);
        let mut called = stream(StreamRole::Called, "PCMU", figures(9, 0, 0, 0));
        called.local = describe(&[(8, "PCMA"), (0, "PCMU")]);
        let call = call(vec![calling, called]);
        let codec = |place: usize| spoken(&call, &call.media[place]).unwrap().0;
        assert_eq!((codec(0), codec(1)), ("PCMU".to_owned(), "PCMA".to_owned()), "each by its own order");
    }

    #[test]
    fn both_halves_of_a_relayed_path_are_waited_for() {
        let ends =
            [StreamRole::Calling, StreamRole::Called].map(|role| stream(role, "G729", figures(9, 0, 0, 40)));
        let mut call = call(ends.to_vec());
        assert_eq!(rate(&call, &call.media[0]).unwrap().delay_ms, 80);
        call.media.push(stream(StreamRole::RelayCalling, "G729", figures(9, 0, 0, 40)));
        assert_eq!(rate(&call, &call.media[0]).unwrap().delay_ms, 120);
        assert_eq!(rate(&call, &call.media[2]), None, "nobody listens at a relay");
    }

    #[test]
    fn nothing_is_claimed_of_silence_and_of_codecs_without_figures() {
        let call = call(vec![
            stream(StreamRole::Calling, "PCMU", figures(0, 0, 0, 0)),
            stream(StreamRole::Called, "X-NEW", figures(10, 0, 0, 0)),
        ]);
        assert!(call.media.iter().all(|stream| rate(&call, stream).is_none()));
    }
}
