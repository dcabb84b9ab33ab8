//! Kamailio as it comes in its Debian package: a registrar and proxy that asks everybody who he is, on a host of its own.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use super::process::Running;
use super::{loopback, until};

/// A running Kamailio.
pub(crate) struct Kamailio {
    host: IpAddr,
    process: Running,
    _folder: tempfile::TempDir,
}

impl Kamailio {
    /// The domain that it serves, and the realm of its challenges.
    pub(crate) const DOMAIN: &str = "carrier.example";
    /// Its one user.
    pub(crate) const USER: &str = "town";
    /// That user's password.
    pub(crate) const PASSWORD: &str = "secret";

    /// Whether it is installed. It says its version with the code 0.
    pub(crate) fn is_installed() -> bool {
        super::has_peer("kamailio", "kamailio")
    }

    /// Starts it. Whoever is at `network` is its other side: it calls the user, who is told in `To` for whom the call is, and is
    /// called by him. `algorithm` is that of its challenges: `MD5` or `SHA-256`.
    pub(crate) fn start(network: SocketAddr, algorithm: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kamailio.cfg");
        let host = loopback::host();
        std::fs::write(&path, configuration(host, network, algorithm)).unwrap();
        let mut command = Command::new("kamailio");
        // In the foreground, with little memory, and without a look at the user's files.
        command.args(["-DD", "-E", "-m", "16", "-M", "4", "--atexit=no", "-f"]).arg(&path);
        command.arg("-w").arg(folder.path()).arg("-Y").arg(folder.path()).current_dir(folder.path());
        let peer = Self { host, process: Running::start(command), _folder: folder };
        until("kamailio to be ready", || peer.says("ready at").then_some(()));
        peer
    }

    /// Where it takes requests.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, 5060)
    }

    /// Waits until it has noted something.
    pub(crate) fn await_note(&self, what: &str) {
        until(what, || self.says(what).then_some(()));
    }

    /// How often it has noted something.
    pub(crate) fn notes(&self, what: &str) -> usize {
        self.process.complaints().matches(&format!("NOTE {what}")).count()
    }

    fn says(&self, what: &str) -> bool {
        self.notes(what) > 0
    }
}

/// Its processes end with the first of them, if that is asked and not killed.
impl Drop for Kamailio {
    fn drop(&mut self) {
        let command = format!("kill -TERM {}", self.process.id());
        let _ = Command::new("sh").args(["-c", &command]).status();
        let pause = std::time::Duration::from_millis(20);
        for _ in 0..250 {
            if self.process.has_ended() {
                break;
            }
            std::thread::sleep(pause);
        }
    }
}

fn configuration(host: IpAddr, network: SocketAddr, algorithm: &str) -> String {
    let (domain, user, password) = (Kamailio::DOMAIN, Kamailio::USER, Kamailio::PASSWORD);
    let modules =
        ["tm", "sl", "pv", "xlog", "rr", "maxfwd", "textops", "siputils", "usrloc", "registrar", "auth"];
    let modules: String = modules.iter().map(|module| format!("loadmodule \"{module}.so\"\n")).collect();
    format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{host}:5060
alias="{domain}"
{modules}
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", 1)
modparam("auth", "nonce_expire", 60)
modparam("registrar", "max_expires", 3600)
modparam("xlog", "force_color", 0)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{
            xlog("L_ALERT", "NOTE within $rm from $si\n");
            t_relay();
        }} else if (is_method("ACK")) {{
            if (t_check_trans()) t_relay();
        }} else {{
            sl_send_reply("481", "Call/Transaction Does Not Exist");
        }}
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    t_check_trans();
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{domain}", "{password}", "0")) {{
            xlog("L_ALERT", "NOTE challenged REGISTER\n");
            www_challenge("{domain}", "1");
            exit;
        }}
        if ($au != "{user}" || $tU != "{user}") {{
            sl_send_reply("403", "Forbidden");
            exit;
        }}
        consume_credentials();
        if (!save("location")) exit;
        if ($hdr(Expires) == "0") {{
            xlog("L_ALERT", "NOTE removed $tU\n");
        }} else {{
            xlog("L_ALERT", "NOTE registered $tU\n");
        }}
        exit;
    }}
    if (!is_method("INVITE")) {{
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }}
    record_route();
    if ($si == "{network_host}") {{
        $ru = "sip:{user}@{domain}";
        if (!lookup("location")) {{
            sl_send_reply("404", "Not Found");
            exit;
        }}
        xlog("L_ALERT", "NOTE calls $ru\n");
    }} else {{
        if (!pv_proxy_authenticate("{domain}", "{password}", "0")) {{
            xlog("L_ALERT", "NOTE challenged INVITE\n");
            proxy_challenge("{domain}", "1");
            exit;
        }}
        consume_credentials();
        xlog("L_ALERT", "NOTE called by $au\n");
        $du = "sip:{network}";
    }}
    t_relay();
}}

event_route[core:worker-one-init] {{
    xlog("L_ALERT", "NOTE ready at {host}\n");
}}
"#,
        network_host = network.ip(),
    )
}
