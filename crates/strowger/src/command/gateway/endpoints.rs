//! The endpoints of a gateway besides lines and relays: conferences, announcement servers, circuits.

use std::path::{Path, PathBuf};

use strowger_mgcp::gateway::{GatewayConfig, TrunkSignalling};
use strowger_softgateway::{SoftGatewayConfig, TrunkDirection, TrunkOptions, TrunkStart};

/// Samples of the longest sound that is read: ten minutes.
pub(super) const LONGEST_SOUND: usize = strowger_node::gateway::LONGEST_RECORDING;
/// Circuits of one unit: those of a European primary rate, and more than a North American one has.
const MOST_CIRCUITS: u32 = 31;

/// Conferences, announcement servers and circuits.
#[derive(Debug, clap::Args)]
pub(super) struct MoreEndpoints {
    /// How many conference bridges it has
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    conferences: u32,
    /// The folder with the WAV files of its announcement servers: busy.wav is what a URL that ends so plays, and 39.wav is
    /// segment 39
    #[arg(long, value_name = "DIR")]
    pub(super) announcements: Option<PathBuf>,
    /// How many announcement servers it has, when it has announcements
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    announcement_servers: u32,
    /// Circuits ds/UNIT/1 to ds/UNIT/N with the signalling ms, dt, bl, do, md or mo (RFC 3064); with immediate they do not wait
    /// for a wink, with outgoing only the gateway calls on them
    #[arg(long, value_name = "UNIT:N:SIGNALLING[:immediate][:outgoing]", value_parser = trunks)]
    trunks: Vec<Unit>,
    /// Joins the circuits of two units back to back, the first with the first and so on
    #[arg(long, value_name = "UNIT=UNIT", value_parser = cross)]
    cross: Vec<(String, String)>,
}

/// A unit of circuits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    name: String,
    count: u32,
    signalling: TrunkSignalling,
    options: TrunkOptions,
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `ds1-1:24:ms:immediate`.
fn trunks(text: &str) -> Result<Unit, String> {
    let mut parts = text.split(':');
    let mut next = || parts.next().unwrap_or_default();
    let (name, count, signalling) = (next(), next(), next());
    if !is_name(name) {
        return Err("a unit has a name of letters, digits and hyphens".into());
    }
    let count = count.parse().ok().filter(|count| (1..=MOST_CIRCUITS).contains(count));
    let count = count.ok_or_else(|| format!("a unit has 1 to {MOST_CIRCUITS} circuits"))?;
    let known = TrunkSignalling::ALL.into_iter().find(|kind| kind.package().eq_ignore_ascii_case(signalling));
    let signalling = known.ok_or("the signalling is ms, dt, bl, do, md or mo")?;
    let mut options = TrunkOptions::default();
    for word in parts {
        match word {
            "immediate" => options.start = TrunkStart::Immediate,
            "outgoing" => options.direction = TrunkDirection::Outgoing,
            _ => return Err(format!("{word:?} is neither immediate nor outgoing")),
        }
    }
    Ok(Unit { name: name.to_owned(), count, signalling, options })
}

/// `a=b`.
fn cross(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((one, two)) if is_name(one) && is_name(two) && one != two => {
            Ok((one.to_owned(), two.to_owned()))
        }
        _ => Err("two units, as a=b".into()),
    }
}

impl MoreEndpoints {
    /// Adds the endpoints.
    pub(super) fn endpoints(&self, config: GatewayConfig) -> GatewayConfig {
        let servers = if self.announcements.is_some() { self.announcement_servers } else { 0 };
        let config = config.with_conferences(self.conferences).with_announcements(servers);
        self.trunks
            .iter()
            .fold(config, |config, unit| config.with_trunks(&unit.name, unit.count, unit.signalling))
    }

    /// How many connections they will have, more or less.
    pub(super) fn connections(&self) -> u32 {
        let servers = if self.announcements.is_some() { self.announcement_servers } else { 0 };
        let circuits: u32 = self.trunks.iter().map(|unit| unit.count).sum();
        (self.conferences + servers).saturating_mul(8).saturating_add(circuits.saturating_mul(2))
    }

    /// Gives them what they need.
    pub(super) fn furnish(&self, config: &mut SoftGatewayConfig) -> Result<(), String> {
        for unit in &self.trunks {
            let names = (1..=unit.count).map(|number| format!("ds/{}/{number}", unit.name));
            config.trunks.extend(names.map(|name| (name, unit.options)));
        }
        for (one, two) in &self.cross {
            let count = |name: &str| self.trunks.iter().find(|unit| unit.name == name).map(|unit| unit.count);
            let (Some(here), Some(there)) = (count(one), count(two)) else {
                return Err(format!("--cross {one}={two} names a unit that --trunks does not"));
            };
            let pairs = (1..=here.min(there)).map(|n| (format!("ds/{one}/{n}"), format!("ds/{two}/{n}")));
            config.crossed.extend(pairs);
        }
        if let Some(folder) = &self.announcements {
            config.announcements = recordings(folder)?;
        }
        Ok(())
    }
}

/// The names of the WAV files of a folder.
pub(super) fn recordings(folder: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut list = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wav")) {
            continue;
        }
        list.extend(path.file_name().and_then(|name| name.to_str()).map(str::to_owned));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_named_counted_and_signalled() {
        let unit = trunks("ds1-1:24:ms:immediate").unwrap();
        assert_eq!((unit.name.as_str(), unit.count, unit.signalling), ("ds1-1", 24, TrunkSignalling::Ms));
        assert_eq!(unit.options.start, TrunkStart::Immediate);
        for wrong in ["", "a", "a:0:ms", "a:32:ms", "a:4:r2", "a/b:4:ms", "a:4:ms:later"] {
            assert!(trunks(wrong).is_err(), "{wrong}");
        }
        assert!(cross("a=b").is_ok() && cross("a=a").is_err() && cross("a").is_err());
    }
}
