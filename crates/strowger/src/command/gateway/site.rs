//! What gateways of every protocol have around their endpoints: ports, tones, and the wait before they announce themselves.

use std::ops::RangeInclusive;
use std::time::Duration;

use strowger_media::tone::TonePlan;
use strowger_softgateway::CallerDisplay;

#[derive(Debug, clap::Args)]
pub(super) struct Site {
    /// The UDP ports for RTP and RTCP [default: what the system has free]
    #[arg(long, value_name = "FIRST-LAST", value_parser = port_range)]
    pub(super) rtp_ports: Option<RangeInclusive<u16>>,
    /// How many seconds a pair of UDP ports rests between two calls, so that late packets of one are not taken for the other's
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    port_rest: f64,
    /// The country of its tones and ringing
    #[arg(long, value_name = "ISO", default_value = "us")]
    country: String,
    /// Its telephones hear who calls as data between the first two rings, instead of being told at once
    #[arg(long)]
    caller_data: bool,
    /// It asks for extended RTCP reports (RFC 3611) in its descriptions, before the other side does
    #[arg(long)]
    pub(super) rtcp_xr: bool,
    /// How many microseconds it looks for more behind what came before it sleeps: answers faster, for a processor's time
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1000))]
    busy_poll: u64,
    /// MWD: it announces itself after a random part of this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    max_waiting_delay: f64,
}

impl Site {
    pub(super) fn tones(&self) -> Result<&'static TonePlan, String> {
        TonePlan::of(&self.country).ok_or_else(|| {
            let known: Vec<_> = TonePlan::all().map(TonePlan::country).collect();
            format!("no tone plan for {:?}; known: {}", self.country, known.join(", "))
        })
    }

    pub(super) const fn display(&self) -> CallerDisplay {
        if self.caller_data { CallerDisplay::Data } else { CallerDisplay::AtOnce }
    }

    pub(super) fn port_rest(&self) -> Result<Duration, String> {
        seconds("port-rest", self.port_rest)
    }

    pub(super) fn busy_poll(&self) -> Duration {
        Duration::from_micros(self.busy_poll)
    }

    pub(super) fn waiting_delay(&self) -> Result<Duration, String> {
        seconds("max-waiting-delay", self.max_waiting_delay)
    }
}

fn seconds(option: &str, value: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(value).map_err(|_| format!("--{option} wants seconds, as 0.5"))
}

/// `16384-32767`.
fn port_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = text.split_once('-').ok_or("expected FIRST-LAST, as 16384-32767")?;
    let port = |text: &str| text.parse::<u16>().map_err(|_| format!("{text:?} is no port from 0 to 65535"));
    let (first, last) = (port(first)?, port(last)?);
    if first == 0 || first >= last {
        Err("the first port must be below the last".into())
    } else {
        Ok(first..=last)
    }
}
