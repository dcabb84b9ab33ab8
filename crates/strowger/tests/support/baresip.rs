//! baresip, from its Debian package `baresip-core`: a telephone that registers. It says a tone, keeps what it hears in files, and is told
//! what to do over its control port: JSON in netstrings.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::Running;
use super::{PATIENCE, loopback, until};

/// Whether baresip can be tried. It tells its version and options with the code -2.
pub(crate) fn has_baresip() -> bool {
    super::has_program("baresip", &["-h"], "baresip-core")
}

/// One telephone.
pub(crate) struct Baresip {
    folder: PathBuf,
    running: Running,
    control: TcpStream,
    buffer: Vec<u8>,
    seen: Vec<Value>,
}

/// A minute of a tone.
fn tone(hertz: u32) -> Vec<i16> {
    let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
    (0..8000 * 60).map(|at| (8000.0 * (f64::from(at) * step).sin()) as i16).collect()
}

/// Who a telephone is, and what it says.
pub(crate) struct Account<'a> {
    /// Its user.
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// Where the exchange is.
    pub(crate) registrar: SocketAddr,
    /// How it is reached: `udp`, `tcp` or `tls`.
    pub(crate) transport: &'a str,
    /// It subscribes to what says whether messages wait.
    pub(crate) asks_for_messages: bool,
    /// Over TLS: who says that the exchange is itself.
    pub(crate) authority: Option<&'a Path>,
    /// The tone that it says, in hertz.
    pub(crate) says: u32,
}

impl Baresip {
    /// Starts a telephone whose signalling has a host of its own; its files are in `folder`. Its media leave from 127.0.0.1, whatever its
    /// host is, and so its session descriptions name that.
    pub(crate) fn start(folder: &Path, account: &Account<'_>) -> Self {
        let host: IpAddr = loopback::host();
        std::fs::create_dir_all(folder).unwrap();
        let said = folder.join("said.wav");
        std::fs::write(&said, strowger_media::wav::encode(&tone(account.says))).unwrap();
        let modules = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
        let modules = modules.into_iter().find(|path| Path::new(path).is_dir()).unwrap();
        let mut config = format!(
            "poll_method epoll\nsip_listen {host}:5060\naudio_player aubridge,none\naudio_source aufile,{}\n\
             audio_alert aubridge,alert\naudio_channels 1\nrtp_ports 20000-39998\nctrl_tcp_listen {host}:4444\n\
             snd_path {}\nmodule_path {modules}\n",
            said.display(),
            folder.display()
        );
        for module in ["g711", "aufile", "aubridge", "sndfile"] {
            writeln!(config, "module {module}.so").unwrap();
        }
        for module in ["account", "ctrl_tcp", "menu", "mwi"] {
            writeln!(config, "module_app {module}.so").unwrap();
        }
        let Account { user, password, registrar, transport, authority, asks_for_messages, .. } = account;
        if let Some(authority) = authority {
            writeln!(config, "sip_cafile {}", authority.display()).unwrap();
        }
        std::fs::write(folder.join("config"), config).unwrap();
        let line = format!(
            "<sip:{user}@{registrar};transport={transport}>;auth_pass={password};regint=60;answermode=manual;\
             audio_codecs=PCMU;mwi={}\n",
            if *asks_for_messages { "yes" } else { "no" }
        );
        std::fs::write(folder.join("accounts"), line).unwrap();
        let mut command = Command::new("baresip");
        command.args(["-4", "-n", "127.0.0.1", "-f"]).arg(folder).current_dir(folder);
        let running = Running::start(command);
        let control = until("baresip's control port", || TcpStream::connect((host, 4444)).ok());
        Self { folder: folder.to_owned(), running, control, buffer: Vec::new(), seen: Vec::new() }
    }

    /// Waits until it complains of this.
    pub(crate) fn complains(&mut self, of: &str) {
        self.running.line(of, |line| line.contains(of));
    }

    /// Gives a command.
    pub(crate) fn say(&mut self, command: &str, parameters: &str) {
        let message = json!({"command": command, "params": parameters}).to_string();
        self.control.write_all(format!("{}:{message},", message.len()).as_bytes()).unwrap();
    }

    /// Waits for an event of this type; those before it are passed over.
    pub(crate) fn event(&mut self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(message) = self.pop() {
                self.seen.push(message.clone());
                if message["event"] == true && message["type"] == kind {
                    return message;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.control.set_read_timeout(Some(left)).unwrap();
            let mut piece = [0; 4096];
            match self.control.read(&mut piece) {
                Ok(length @ 1..) => self.buffer.extend_from_slice(&piece[..length]),
                end => {
                    panic!("no {kind} of baresip ({end:?}): {:#?}\n{}", self.seen, self.running.complaints())
                }
            }
        }
    }

    /// The next whole message.
    fn pop(&mut self) -> Option<Value> {
        let colon = self.buffer.iter().position(|byte| *byte == b':')?;
        let length: usize = std::str::from_utf8(&self.buffer[..colon]).unwrap().parse().unwrap();
        let end = colon + 1 + length;
        if self.buffer.len() <= end {
            return None;
        }
        let message = serde_json::from_slice(&self.buffer[colon + 1..end]).unwrap();
        self.buffer.drain(..=end);
        Some(message)
    }

    /// Waits until it has heard this many seconds of its last call, whatever they were.
    pub(crate) fn listen(&self, seconds: u64) {
        let size = || std::fs::metadata(self.recordings().last()?).ok().map(|file| file.len());
        let before = until("a call that baresip keeps", size);
        until("baresip's ears", || (size()? >= before + seconds * 16_000).then_some(()));
    }

    /// What it has heard in its calls so far, in their order.
    pub(crate) fn heard(&self) -> Vec<Vec<i16>> {
        let samples = |path: &PathBuf| strowger_media::wav::decode(&std::fs::read(path).unwrap(), 8000 * 60);
        self.recordings().iter().map(|path| samples(path).unwrap()).collect()
    }

    fn recordings(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with("-dec.wav")).collect();
        files.sort();
        files
    }

    /// Ends it in order: it takes its registration back.
    pub(crate) fn quit(mut self) {
        self.say("quit", "");
        self.running.wait();
    }
}
