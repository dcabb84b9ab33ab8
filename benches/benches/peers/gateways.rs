//! The gateways under test: each a process of its own, ended with its load.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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
        let tasks = format!("/proc/{}/task", self.child.id());
        let threads = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        let nanos = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }
}

fn free_port() -> io::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Where cargo puts what it builds for the workspace.
fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Builds our gateway as it is released.
pub(crate) fn build() -> io::Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", "strowger"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status()?;
    if built.success() { Ok(()) } else { Err(io::Error::other("the gateway does not build")) }
}

pub(crate) fn ours(client: SocketAddr, connections: usize) -> io::Result<Peer> {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let child = Command::new(target().join("release/strowger"))
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
