//! osmo-mgw as it comes in its Debian package, on a host of its own. Its console is asked for what it holds and counts, and
//! for nothing else.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::ops::RangeInclusive;
use std::process::Command;
use std::time::Duration;

use super::process::Running;
use super::{PATIENCE, loopback, until};

/// Where its console listens; osmo-mgw has no option for the port.
const CONSOLE: u16 = 4243;

/// A running osmo-mgw.
pub(crate) struct OsmoMgw {
    host: IpAddr,
    process: Running,
    _folder: tempfile::TempDir,
}

impl OsmoMgw {
    /// The domain of its endpoints.
    pub(crate) const DOMAIN: &str = "mgw";
    /// The endpoint to create on: any free one.
    pub(crate) const ENDPOINT: &str = "rtpbridge/*";
    /// Its ports for media.
    pub(crate) const MEDIA: RangeInclusive<u16> = 20_002..=20_065;

    /// Whether it is installed.
    pub(crate) fn is_installed() -> bool {
        super::has_peer("osmo-mgw", "osmo-mgw")
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mgw.cfg");
        let host = loopback::host();
        let (first, last) = (Self::MEDIA.start(), Self::MEDIA.end());
        let text = format!(
            "log stderr\n logging filter all 1\n logging level set-all fatal\nline vty\n bind {host}\nctrl\n bind {host}\n\
             mgcp\n domain {domain}\n bind ip {host}\n bind port 2427\n rtp port-range {first} {last}\n rtp bind-ip {host}\n \
             no rtp ip-probing\n no rtp keep-alive\n conn-timeout 0\n number endpoints 16\n loop 0\n force-realloc 1\n \
             rtcp-omit\n osmux off\n",
            domain = Self::DOMAIN
        );
        std::fs::write(&path, text).unwrap();
        let mut command = Command::new("osmo-mgw");
        command.arg("-c").arg(&path).current_dir(folder.path());
        let peer = Self { host, process: Running::start(command), _folder: folder };
        let socket = UdpSocket::bind((host, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        until("answer of osmo-mgw", || {
            // Until it listens, its host refuses; both are no answer yet.
            let audit = format!("AUEP 12 rtpbridge/1@{} MGCP 1.0\r\n", Self::DOMAIN);
            let _ = socket.send_to(audit.as_bytes(), peer.address());
            let mut buffer = [0; 1500];
            let length = socket.recv(&mut buffer).ok()?;
            buffer[..length].starts_with(b"200 12 ").then_some(())
        });
        peer
    }

    /// Where it takes commands.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, 2427)
    }

    /// Its host, for media too.
    pub(crate) fn host(&self) -> IpAddr {
        self.host
    }

    /// How many connections it holds.
    pub(crate) fn connections(&self) -> usize {
        self.ask("show mgcp active").matches(" CONN: ").count()
    }

    /// A number that it counts, as `crcx:success`; of several with this name, their sum.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let text = self.ask("show rate-counters");
        let values = text.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
        let values: Vec<u64> =
            values.map(|rest| rest.split_whitespace().next().unwrap().parse().unwrap()).collect();
        assert!(!values.is_empty(), "osmo-mgw does not count {name}:\n{text}");
        values.iter().sum()
    }

    fn ask(&self, question: &str) -> String {
        let mut stream = TcpStream::connect((self.host, CONSOLE)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        answer(&mut stream, "Welcome");
        write!(stream, "terminal length 0\r").unwrap();
        answer(&mut stream, "terminal length 0");
        write!(stream, "{question}\r").unwrap();
        answer(&mut stream, question)
    }
}

/// What the console says behind an echo, up to its next prompt.
fn answer(stream: &mut TcpStream, echo: &str) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let answer = text.split_once(echo).and_then(|(_, rest)| rest.rsplit_once("OsmoMGW> "));
        if let Some((answer, _)) = answer {
            return answer.to_owned();
        }
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "osmo-mgw's console went away: {text:?}");
        bytes.extend_from_slice(&buffer[..length]);
    }
}
