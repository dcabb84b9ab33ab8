//! The gateways under test: each a process of its own, ended with its load.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use strowger_benches::{Processor, free_port, program};

/// A gateway under test, ended with the bench.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) domain: &'static str,
    /// The local endpoint name with this number.
    pub(crate) endpoint: fn(usize) -> String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    /// Time on the processor of all its threads until now.
    pub(crate) fn cpu(&self) -> Duration {
        Processor::of(self.child.id()).used()
    }
}

pub(crate) fn ours(client: SocketAddr, connections: usize) -> io::Result<Peer> {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let child = Command::new(program())
        .args(["gateway", "mgcp", "--domain", "mgw", "--lines", "0", "--port-rest", "0"])
        .args([
            "--relays",
            &(connections + 128).clamp(1024, 10_000).to_string(),
            "--connections",
            &connections.to_string(),
        ])
        // Below the ports that the system gives to clients, of which there are too few for ten thousand connections.
        .args(["--rtp-ports", "10000-31999"])
        .args(["--listen", &address.to_string(), "--agent", &client.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let endpoint = |number| format!("relay/{number}");
    Ok(Peer { name: "strowger", child, address, domain: "mgw", endpoint })
}

pub(crate) fn osmo(folder: &Path) -> io::Result<Option<Peer>> {
    if Command::new("osmo-mgw").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let config = folder.join("osmo-mgw.cfg");
    std::fs::write(
        &config,
        format!(
            "log stderr\n logging filter all 1\n logging level set-all fatal\nline vty\n bind 127.0.0.1 {}\nmgcp\n domain mgw\n \
             bind ip 127.0.0.1\n bind port {}\n rtp port-range 20002 59999\n rtp bind-ip 127.0.0.1\n no rtp ip-probing\n \
             no rtp keep-alive\n conn-timeout 0\n number endpoints 1024\n loop 0\n force-realloc 1\n rtcp-omit\n osmux off\n",
            free_port()?,
            address.port()
        ),
    )?;
    let child = Command::new("osmo-mgw")
        .arg("-c")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let endpoint = |number| format!("rtpbridge/{number:x}");
    Ok(Some(Peer { name: "osmo-mgw", child, address, domain: "mgw", endpoint }))
}
