//! SIPp, of Debian's package `sip-tester`, where its media are, and what tshark says of a capture of SIP.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::process::Running;

/// Whether SIPp can be tried. It says its version with the code 99.
pub(crate) fn has_sipp() -> bool {
    let found = Command::new("sipp").arg("-v").output().is_ok();
    assert!(
        found || std::env::var_os("STROWGER_REQUIRE_PEERS").is_none(),
        "sip-tester is required and not installed"
    );
    if !found {
        println!("skipped: sip-tester is not installed");
    }
    found
}

/// The media of the peer: what comes goes back, as a stream of its own. SIPp's own echo would give a stream back under the
/// source that sent it, which RFC 3550 section 8.2 takes for a loop.
pub(crate) struct Echo {
    pub(crate) port: u16,
    pub(crate) packets: Arc<AtomicUsize>,
}

impl Echo {
    pub(crate) fn at(host: IpAddr) -> Self {
        let socket = UdpSocket::bind((host, 0)).unwrap();
        socket.set_read_timeout(Some(super::PATIENCE)).unwrap();
        let (port, packets) = (socket.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&packets);
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            // It ends with the test, or when nobody has spoken for long.
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                counted.fetch_add(1, Ordering::Relaxed);
                buffer[8..12].copy_from_slice(b"echo");
                let _ = socket.send_to(&buffer[..length], from);
            }
        });
        Self { port, packets }
    }

    pub(crate) fn assert_heard(&self) {
        let packets = self.packets.load(Ordering::Relaxed);
        assert!(packets > 10, "only {packets} packets came");
    }
}

/// One of SIPp's own scenarios, as it comes.
pub(crate) fn own_scenario(name: &str) -> String {
    let own = Command::new("sipp").args(["-sd", name]).output().unwrap();
    String::from_utf8(own.stdout).unwrap()
}

/// SIPp at `at`, with this scenario, for one call from or to `peer`. Its media are where `echo` is; its files go to `folder`.
pub(crate) fn sipp(
    (folder, scenario): (&Path, &str),
    (at, peer): (SocketAddr, SocketAddr),
    echo: &Echo,
    more: &[&str],
) -> Running {
    assert!(scenario.contains("[media_port]"), "{scenario}");
    let file = folder.join(format!("sipp-{}.xml", echo.port));
    std::fs::write(&file, scenario.replace("[media_port]", &echo.port.to_string())).unwrap();
    let (host, port) = (at.ip().to_string(), at.port().to_string());
    let mut sipp = Command::new("sipp");
    sipp.arg("-sf").arg(file).args(["-i", &host, "-p", &port, "-mi", &host]);
    sipp.args(["-m", "1", "-nostdin", "-timeout", "30", "-timeout_error"]).args(more).arg(peer.to_string());
    sipp.current_dir(folder).env("TERM", "dumb");
    Running::start(sipp)
}
