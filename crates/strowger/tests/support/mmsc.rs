//! An MMSC as a process, and handsets of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::loopback;
use super::process::Running;

/// The size from which contents are files of their own is far below this.
pub(crate) const PICTURE: usize = 200_000;

/// An MMSC with two subscribers, each on a host of its own.
pub(crate) struct Town {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) mmsc: SocketAddr,
    pub(crate) hosts: BTreeMap<&'static str, IpAddr>,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::with("", "")
    }

    /// With more keys of `[mmsc]`, and more sections.
    pub(crate) fn with(keys: &str, sections: &str) -> Self {
        let hosts = ["2001", "2002"].map(|number| (number, loopback::host())).into();
        let town = Self { folder: tempfile::tempdir().unwrap(), mmsc: loopback::at(8190), hosts };
        let subscriber = |(number, host): (&&str, &IpAddr)| {
            format!(
                "[[subscriber]]\nnumber = \"{number}\"\nnetworks = [\"{host}\"]\npush = \"{host}:2948\"\n"
            )
        };
        let subscribers: String = town.hosts.iter().map(subscriber).collect();
        let (mmsc, folder) = (town.mmsc, town.folder.path());
        let text = format!(
            "[listen]\n[mmsc]\nname = \"mmsc.town\"\nlisten = \"{mmsc}\"\nstore = \"{}/mmsc\"\nretry = 1\nrate = 0\nreport_rate = 0\nsubscriber_messages = 5000\n{keys}\n\
             [push]\nudp = \"{}:0\"\nnetworks = [\"127.0.0.0/8\"]\nstore = \"{}/push.redb\"\n{subscribers}{sections}",
            folder.display(),
            mmsc.ip(),
            folder.display(),
        );
        std::fs::write(town.folder.path().join("town.toml"), text).unwrap();
        town
    }

    pub(crate) fn run(&self) -> Running {
        let config = self.folder.path().join("town.toml");
        let mut running = Running::strowger(["run", "--json", "-c", config.to_str().unwrap()]);
        running.line("ready", |line| line.contains("\"ready\":true"));
        running
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.mmsc)
    }

    pub(crate) fn handset(&self, number: &str, more: &[&str]) -> Running {
        let listen = format!("{}:2948", self.hosts[number]);
        let url = self.url();
        let arguments = ["handset", "--json", "--listen", &listen, "--mmsc", &url];
        let mut handset = Running::strowger(arguments.iter().chain(more));
        handset.json(&[("event", "listening")]);
        handset
    }
}

pub(crate) fn picture() -> Vec<u8> {
    (0..PICTURE).map(|place| u8::try_from(place * 7 % 251).unwrap()).collect()
}
