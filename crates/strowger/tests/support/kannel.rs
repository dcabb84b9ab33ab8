//! Kannel's gateway (bearerbox, wapbox, smsbox) as it comes in its Debian package, on ports of its own.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use super::process::Running;
use super::{loopback, until};

/// A running Kannel.
pub(crate) struct Kannel {
    /// Where it takes pushes (PAP).
    pub(crate) ppg: SocketAddr,
    /// Where it takes short messages (HTTP).
    pub(crate) sendsms: SocketAddr,
    // In the order in which they end.
    _smsbox: Running,
    _wapbox: Running,
    _bearerbox: Running,
    _folder: tempfile::TempDir,
}

impl Kannel {
    /// Whether it is installed.
    pub(crate) fn is_installed() -> bool {
        super::has_peer("bearerbox", "kannel") && super::has_peer("wapbox", "kannel")
    }

    /// Starts it with a link to a message centre.
    pub(crate) fn start(smsc: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = loopback::host();
        let at = || free(host);
        let (admin, smsbox, wapbox, ppg, sendsms) = (at(), at(), at(), at(), at());
        let log = |name: &str| folder.path().join(name).display().to_string();
        let mut text = String::new();
        let mut group = |name: &str, lines: &[String]| {
            writeln!(text, "group = {name}\n{}\n", lines.join("\n")).unwrap();
        };
        let line = |key: &str, value: &dyn std::fmt::Display| format!("{key} = {value}");
        group(
            "core",
            &[
                line("admin-port", &admin.port()),
                line("admin-password", &"secret"),
                line("smsbox-port", &smsbox.port()),
                line("wapbox-port", &wapbox.port()),
                line("wdp-interface-name", &format_args!("\"{host}\"")),
                line("box-deny-ip", &"\"*.*.*.*\""),
                line("box-allow-ip", &"127.0.0.1"),
                line("log-file", &format_args!("\"{}\"", log("bearerbox.log"))),
                line("log-level", &0),
            ],
        );
        group(
            "wapbox",
            &[
                line("bearerbox-host", &"127.0.0.1"),
                line("log-file", &format_args!("\"{}\"", log("wapbox.log"))),
            ],
        );
        group(
            "ppg",
            &[
                line("ppg-url", &"/ppg"),
                line("ppg-port", &ppg.port()),
                line("concurrent-pushes", &100),
                line("trusted-pi", &true),
                line("users", &1024),
                line("ppg-allow-ip", &"127.0.0.1"),
                line("service-name", &"ppg"),
            ],
        );
        group(
            "wap-push-user",
            &[
                line("wap-push-user", &"pi"),
                line("ppg-username", &"pi"),
                line("ppg-password", &"secret"),
                line("allow-ip", &"127.0.0.1"),
            ],
        );
        group(
            "smsc",
            &[
                line("smsc", &"smpp"),
                line("smsc-id", &"town"),
                line("host", &smsc.ip()),
                line("port", &smsc.port()),
                line("transceiver-mode", &true),
                line("smsc-username", &"kannel"),
                line("smsc-password", &"secret"),
                line("system-type", &"\"\""),
                line("max-pending-submits", &50),
            ],
        );
        group("smsbox", &[line("bearerbox-host", &"127.0.0.1"), line("sendsms-port", &sendsms.port())]);
        group(
            "sendsms-user",
            &[
                line("username", &"pi"),
                line("password", &"secret"),
                line("concatenation", &true),
                line("max-messages", &10),
            ],
        );
        group("sms-service", &[line("keyword", &"default"), line("text", &"\"none\"")]);
        let path = folder.path().join("kannel.conf");
        std::fs::write(&path, text).unwrap();
        let run = |program: &str, port: SocketAddr| {
            let mut command = Command::new(program);
            command.args(["-v", "2"]).arg(&path).current_dir(folder.path());
            let running = Running::start(command);
            until(&format!("port of {program}"), || TcpStream::connect(port).ok());
            running
        };
        let everywhere = |port: SocketAddr| SocketAddr::from(([127, 0, 0, 1], port.port()));
        let bearerbox = run("bearerbox", everywhere(wapbox));
        let wapbox = run("wapbox", everywhere(ppg));
        let smsbox = run("smsbox", everywhere(sendsms));
        Self {
            ppg: everywhere(ppg),
            sendsms: everywhere(sendsms),
            _smsbox: smsbox,
            _wapbox: wapbox,
            _bearerbox: bearerbox,
            _folder: folder,
        }
    }
}

/// A TCP port that nobody uses now, on all addresses: Kannel listens on all of them.
fn free(host: IpAddr) -> SocketAddr {
    let port = TcpListener::bind(("0.0.0.0", 0)).unwrap().local_addr().unwrap().port();
    SocketAddr::new(host, port)
}
