//! What call agents want to know of the streams of connections: the events of the package R (RFC 3660 section 2.10).
//!
//! Each watch is for one connection and tells once, as the package says; only the size of the play-out buffer, the codec and the packetisation
//! period are told of each time that they change. Counts and times begin with the request.

use strowger_media::RtpSession;
use strowger_media::session::SessionStatistics;
use strowger_mgcp::gateway::WantedEvent;
use strowger_sansio::{Duration, Time};

/// A change of the play-out delay that is worth telling of, in milliseconds: a frame.
const STEP: u128 = 10;
/// The least number of packets that a loss is a rate of: of one lost packet in three nobody knows what it means.
const LEAST_PACKETS: u64 = 100;

/// Something to look for on a stream.
#[derive(Clone, Debug)]
pub(super) struct StreamWatch {
    event: &'static str,
    /// What the event says; the plane fills in what it has measured.
    parameters: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// Nothing came for so long; counted from a time, or from the first report.
    Silence { span: Duration, since: Option<Time>, reports: u64 },
    /// More than so many packets of 100,000 were lost, of those that came since.
    Loss { limit: u64, received: u64, lost: i64 },
    /// The first packet comes.
    Start,
    /// The play-out delay changes from this.
    Delay { millis: u128 },
    /// The payload type of the speech changes from this.
    Codec { last: Option<u8> },
    /// The time that a packet covers changes from this, in milliseconds.
    Period { last: Option<u128> },
    /// So many of the packets that went out were refused on their way, of those since the count was this.
    Refused { limit: u64, before: u64 },
    /// One of the thresholds is exceeded, with the counts at the beginning.
    Quality { limits: QualityLimits, received: u64, lost: i64 },
}

/// What the network has said of packets that went out: ICMP destination unreachable (RFC 792).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusals {
    pub(super) count: u64,
    /// The code of the last one.
    pub(super) code: u8,
}

/// What is bad enough for a quality alert (`R/qa`): provisioned, as RFC 3660 section 2.10 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityLimits {
    /// Lost packets of 100,000. The default of 3 % is heard in every sentence, whatever conceals it.
    pub loss: u32,
    /// The one-way delay of network and play-out. The default is the 400 ms that ITU-T G.114 calls unacceptable for planning.
    pub delay: Duration,
    /// The interarrival jitter. The default is more than a play-out buffer makes good in a call that people would go on with.
    pub jitter: Duration,
}

impl Default for QualityLimits {
    fn default() -> Self {
        Self { loss: 3_000, delay: Duration::from_millis(400), jitter: Duration::from_millis(100) }
    }
}

/// The events of the package that a stream can be watched for.
pub(super) fn is_known(event: &str) -> bool {
    // Continuity tones are looked for by the tests of their connections.
    ["rto", "pl", "ma", "ji", "uc", "sr", "qa", "iu", "co1", "co2"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(event))
}

impl StreamWatch {
    /// A watch for an event; none when there is nothing to look for any more.
    pub(super) fn new(
        now: Time,
        wanted: &WantedEvent,
        session: &RtpSession,
        refusals: Refusals,
        limits: QualityLimits,
    ) -> Option<Self> {
        let so_far = session.statistics(now);
        let number = wanted.parameters.split(',').next().and_then(|number| number.parse::<u64>().ok());
        let (event, what) = match wanted.event.to_ascii_lowercase().as_str() {
            "rto" => {
                let waits = wanted.parameters.ends_with("st=ra");
                let since = (!waits).then_some(now);
                let span = Duration::from_secs(number?);
                ("rto", What::Silence { span, since, reports: so_far.reports_received })
            }
            "pl" => {
                let (received, lost) = (so_far.packets_received, so_far.packets_lost);
                ("pl", What::Loss { limit: number?, received, lost })
            }
            "iu" => ("iu", What::Refused { limit: number?, before: refusals.count }),
            "ma" if so_far.packets_received == 0 => ("ma", What::Start),
            "ji" => ("ji", What::Delay { millis: session.playout_delay().as_millis() }),
            "uc" => ("uc", What::Codec { last: session.speech().map(|speech| speech.payload_type) }),
            "sr" => {
                ("sr", What::Period { last: session.speech().map(|speech| speech.packet_time.as_millis()) })
            }
            "qa" => {
                let (received, lost) = (so_far.packets_received, so_far.packets_lost);
                ("qa", What::Quality { limits, received, lost })
            }
            _ => return None,
        };
        let parameters = number.map(|number| number.to_string()).unwrap_or_default();
        Some(Self { event, parameters, what })
    }

    /// When it is to be looked at, whatever comes.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        match self.what {
            What::Silence { span, since, .. } => since.map(|since| since + span),
            _ => None,
        }
    }

    /// Looks at the stream; gives the event and its parameter when it has happened, and says whether the watch goes on.
    pub(super) fn look(
        &mut self,
        now: Time,
        session: &RtpSession,
        refusals: Refusals,
    ) -> (Option<(&'static str, String)>, Goes) {
        let so_far = session.statistics(now);
        let happened = match &mut self.what {
            What::Silence { span, since, reports } => {
                if so_far.reports_received > *reports {
                    *reports = so_far.reports_received;
                    *since = Some(now);
                }
                *since = since.map(|since| session.last_received().map_or(since, |last| last.max(since)));
                since.is_some_and(|since| now.since(since) >= *span)
            }
            What::Loss { limit, received, lost } => exceeds(&so_far, *limit, *received, *lost),
            What::Quality { limits, received, lost } => {
                let delay = so_far.latency.unwrap_or_default() + session.playout_delay();
                let came = so_far.packets_received.saturating_sub(*received);
                let slow = came >= LEAST_PACKETS && (delay > limits.delay || so_far.jitter > limits.jitter);
                slow || exceeds(&so_far, limits.loss.into(), *received, *lost)
            }
            What::Refused { limit, before } => {
                let happened = refusals.count.saturating_sub(*before) >= *limit;
                if happened {
                    self.parameters = format!("{limit},{}", refusals.code);
                }
                happened
            }
            What::Start => so_far.packets_received > 0,
            What::Delay { millis } => {
                let delay = session.playout_delay().as_millis();
                if delay.abs_diff(*millis) < STEP {
                    return (None, Goes::On);
                }
                *millis = delay;
                return (Some((self.event, delay.to_string())), Goes::On);
            }
            What::Codec { last } => {
                let speech = session.speech().map(|speech| speech.payload_type);
                let changed = changed(last, speech);
                return (changed.map(|number| (self.event, format!("{number:X}"))), Goes::On);
            }
            What::Period { last } => {
                let speech = session.speech().map(|speech| speech.packet_time.as_millis());
                let changed = changed(last, speech);
                return (changed.map(|millis| (self.event, millis.to_string())), Goes::On);
            }
        };
        match happened {
            true => (Some((self.event, std::mem::take(&mut self.parameters))), Goes::Not),
            false => (None, Goes::On),
        }
    }
}

/// Whether more than so many of 100,000 packets were lost since the counts were these.
fn exceeds(so_far: &SessionStatistics, limit: u64, received: u64, lost: i64) -> bool {
    let came = so_far.packets_received.saturating_sub(received);
    let missing = u64::try_from(so_far.packets_lost.saturating_sub(lost)).unwrap_or(0);
    let all = came.saturating_add(missing);
    all >= LEAST_PACKETS && missing.saturating_mul(100_000) > limit.saturating_mul(all)
}

/// Keeps what there is now, and gives it if it is another than before. What was never there has not changed.
fn changed<T: Copy + PartialEq>(last: &mut Option<T>, present: Option<T>) -> Option<T> {
    let before = last.replace(present?)?;
    present.filter(|present| *present != before)
}

/// Whether a watch goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    On,
    Not,
}
