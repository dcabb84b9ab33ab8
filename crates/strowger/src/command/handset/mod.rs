//! `strowger handset`: the other side of push and MMS. It waits for notifications, fetches what they announce, and may send a message.
//!
//! The library does the work; here are its settings, short messages that are typed or piped in, and when it is enough. `outgoing`: the
//! message that it sends.

mod outgoing;

use std::io::BufRead;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use strowger_messaging::handset::host::ShortMessage;
use strowger_messaging::handset::{
    Event, FetchPolicy, Handling, HandsetConfig, HandsetHandle, HostConfig, HostRule,
};
use strowger_messaging::push::address::Network;
use strowger_messaging::smpp::Authorities;
use strowger_node::gateway::Stop;
use tokio::sync::mpsc;

use self::outgoing::Outgoing;
use crate::output::{Exit, complain, fail, print, print_json};

/// The longest line of standard input: a short message has 140 octets of user data.
const LINE: usize = 1024;

/// Be a handset: take pushes on port 2948, fetch multimedia messages, and send one
///
/// It fetches from the MMSCs that it is told of and from nobody else, acknowledges, and refuses provisioning and other pushes that would change
/// it. With --count it ends when so many messages are there; without, at a signal, or with --sms alone when standard input has ended and what came is
/// done with. Exit code: 0 when all went well, 1 when a message could not be sent or fetched, a line or part of standard input made no message, or
/// --timeout came first, 2 when the command is wrong.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  strowger handset --listen 127.0.0.21:2948 --mmsc http://127.0.0.1:8190/ --folder messages\n  \
    strowger handset --from 127.0.0.21 --mmsc http://127.0.0.1:8190/ --send 2002 --text Hello --part picture.png\n  \
    echo 0605040b8423f0… | strowger handset --sms --mmsc http://127.0.0.1:8190/ --count 1 --timeout 30"
)]
pub(crate) struct Arguments {
    /// Where pushes come in over UDP; 127.0.0.1:2948 unless it sends, or takes short messages alone
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Take short messages from standard input, one a line: the user data with its header as hexadecimal digits
    #[arg(long)]
    sms: bool,
    /// The address that requests come from; that of --listen if it is one host's
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
    /// The MMSC of its settings: it sends there, and fetches from there
    #[arg(long, value_name = "URL")]
    mmsc: Option<String>,
    /// Another host that messages may be fetched from; may be repeated
    #[arg(long, value_name = "HOST[:PORT]")]
    allow: Vec<String>,
    /// Who signs the certificates of MMSCs of https, in PEM; without it nothing is asked over TLS
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A network that is not public and that a name of those hosts may lead to; may be repeated
    #[arg(long, value_name = "NETWORK")]
    network: Vec<String>,
    /// Who may send pushes over UDP, anybody if it is not given; may be repeated
    #[arg(long, value_name = "NETWORK")]
    source: Vec<String>,
    /// Write messages below this folder, each into a folder of its own
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Say "deferred", and fetch so many seconds later
    #[arg(long, value_name = "SECONDS", conflicts_with = "reject")]
    defer: Option<u64>,
    /// Say "rejected", and fetch nothing
    #[arg(long)]
    reject: bool,
    /// Do not allow senders to be told of the delivery
    #[arg(long)]
    no_report: bool,
    /// Octets of the largest message that is taken
    #[arg(long, value_name = "OCTETS", default_value_t = 4 * 1024 * 1024)]
    largest: u64,
    /// Seconds that one request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,
    /// End when so many messages, reports and indications have come, fetched and acknowledged or failed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Count pushes that are refused or cannot be read as well
    #[arg(long, requires = "count")]
    count_refused: bool,
    /// End after so many seconds, with exit code 1 if --count was not reached
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    timeout: Option<u64>,
    /// Print what happens as JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    outgoing: Outgoing,
}

/// What it says of itself.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Own<'a> {
    Listening {
        #[serde(skip_serializing_if = "Option::is_none")]
        udp: Option<SocketAddr>,
    },
    Sent {
        id: &'a str,
    },
}

/// What may happen around the handset.
enum News {
    ShortMessage(ShortMessage),
    BadLine(String),
    EndOfInput,
    Signal,
}

/// Does what the command line says.
pub(crate) fn execute(arguments: &Arguments) -> Exit {
    let config = match configure(arguments) {
        Ok(config) => config,
        Err(why) => return fail(Exit::Usage, &why),
    };
    let draft = match arguments.outgoing.draft() {
        Ok(draft) => draft,
        Err(why) => return fail(Exit::Usage, &why),
    };
    if draft.is_some() && config.handset.mmsc.is_none() {
        return fail(Exit::Usage, &"--send needs --mmsc");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(Exit::Finding, &error),
    };
    let (news, incoming) = mpsc::unbounded_channel();
    if let Err(error) = listen_for_stop(news.clone()) {
        return fail(Exit::Finding, &format!("signals cannot be waited for: {error}"));
    }
    if arguments.sms {
        read_short_messages(news);
    }
    runtime.block_on(Session::run(arguments, config, draft, incoming))
}

fn configure(arguments: &Arguments) -> Result<HostConfig, String> {
    let listens = arguments.listen.is_some() || (!arguments.sms && arguments.outgoing.is_empty());
    let custom = SocketAddr::from(([127, 0, 0, 1], 2948));
    let listen = listens.then(|| arguments.listen.unwrap_or(custom));
    let from =
        arguments.from.or(arguments.listen.map(|listen| listen.ip()).filter(|ip| !ip.is_unspecified()));
    let mut policy = FetchPolicy {
        hosts: Vec::new(),
        networks: networks(&arguments.network)?,
        tls: arguments.ca.is_some(),
    };
    for host in arguments.mmsc.iter().chain(&arguments.allow) {
        let rule =
            HostRule::parse(host).ok_or_else(|| format!("\"{}\" names no host", host.escape_debug()))?;
        // An address that is given by hand needs nobody's leave; what a name leads to does.
        policy.networks.extend(Network::parse(&rule.host).filter(|_| rule.host.parse::<IpAddr>().is_ok()));
        policy.hosts.push(rule);
    }
    if policy.hosts.is_empty() && !arguments.reject {
        return Err("nothing can be fetched: expected --mmsc http://HOST:PORT/ or --allow HOST".to_owned());
    }
    if let Some(mmsc) = &arguments.mmsc {
        policy.admit(mmsc.as_bytes()).map_err(|barred| format!("--mmsc: {barred}"))?;
    }
    let handling = match (arguments.defer, arguments.reject) {
        (Some(seconds), _) => Handling::Deferred(strowger_sansio::Duration::from_secs(seconds)),
        (None, true) => Handling::Reject,
        (None, false) => Handling::Immediate,
    };
    let handset = HandsetConfig {
        policy,
        mmsc: arguments.mmsc.clone(),
        sources: networks(&arguments.source)?,
        handling,
        report_allowed: !arguments.no_report,
        largest: arguments.largest,
        ..HandsetConfig::default()
    };
    let read = arguments.ca.as_deref().map(Authorities::read).transpose();
    Ok(HostConfig {
        handset,
        listen,
        from,
        authorities: read.map_err(|error| error.to_string())?,
        folder: arguments.folder.clone(),
        patience: Duration::from_secs(arguments.patience),
        tap: None,
    })
}

fn networks(texts: &[String]) -> Result<Vec<Network>, String> {
    let read = texts.iter().map(|text| {
        Network::parse(text).ok_or_else(|| format!("\"{}\" is not a network", text.escape_debug()))
    });
    read.collect()
}

fn listen_for_stop(news: mpsc::UnboundedSender<News>) -> std::io::Result<()> {
    let stop = Stop::listen()?;
    std::thread::spawn(move || {
        let _signal = stop.wait();
        let _ = news.send(News::Signal);
    });
    Ok(())
}

fn read_short_messages(news: mpsc::UnboundedSender<News>) {
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut line = Vec::new();
        while let Ok(1..) = std::io::Read::take(&mut input, LINE as u64).read_until(b'\n', &mut line) {
            let given = line.trim_ascii();
            if !given.is_empty() {
                let octets = strowger_capture::octets(given);
                // What is not hexadecimal digits comes back as it is.
                let read = if octets.as_ref() == given {
                    let start = String::from_utf8_lossy(given).chars().take(40).collect::<String>();
                    News::BadLine(format!(
                        "expected user data in hexadecimal digits, found \"{}\"",
                        start.escape_debug()
                    ))
                } else {
                    News::ShortMessage(ShortMessage {
                        user_data: octets.into_owned(),
                        ..ShortMessage::default()
                    })
                };
                if news.send(read).is_err() {
                    return;
                }
            }
            line.clear();
        }
        let _ = news.send(News::EndOfInput);
    });
}

/// What has been seen of the handset.
struct Session<'a> {
    arguments: &'a Arguments,
    /// Messages, reports and indications that are done with.
    done: u64,
    /// Whether standard input has ended: what is incomplete then stays so.
    at_end: bool,
    exit: Exit,
}

impl Session<'_> {
    async fn run(
        arguments: &Arguments,
        config: HostConfig,
        draft: Option<Vec<u8>>,
        mut incoming: mpsc::UnboundedReceiver<News>,
    ) -> Exit {
        let (listens, rejects) = (config.listen.is_some(), arguments.reject);
        let (told, mut events) = mpsc::unbounded_channel();
        let mut handset = match HandsetHandle::start(config, told).await {
            Ok(handset) => handset,
            Err(error) => return fail(Exit::Finding, &format!("port cannot be opened: {error}")),
        };
        let mut session = Session { arguments, done: 0, at_end: false, exit: Exit::Good };
        if listens {
            let text = handset.local().map(|local| format!("listening on {local}\n"));
            session.tell(&Own::Listening { udp: handset.local() }, &text.unwrap_or_default());
        }
        if let Some(draft) = draft {
            match handset.submit(draft).await {
                Ok(id) => session.tell(&Own::Sent { id: &id }, &format!("sent {}\n", id.escape_debug())),
                Err(why) => return fail(Exit::Finding, &format!("not sent: {}", why.escape_debug())),
            }
            if !listens && !arguments.sms && arguments.count.is_none() {
                return Exit::Good;
            }
        }
        let end = arguments.timeout.map(|seconds| tokio::time::Instant::now() + Duration::from_secs(seconds));
        let late = async {
            match end {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(late);
        loop {
            tokio::select! {
                event = events.recv() => {
                    // The channel closes when there was no more input, and all of it is done with.
                    let Some(event) = event else { return session.exit };
                    session.happened(&event, rejects);
                    if arguments.count.is_some_and(|count| session.done >= count) {
                        return session.exit;
                    }
                }
                Some(news) = incoming.recv() => match news {
                    News::ShortMessage(message) => {
                        let _ = handset.short_messages().send(message).await;
                    }
                    News::BadLine(why) => {
                        session.exit = Exit::Finding;
                        complain(&format!("{why}\n"));
                    }
                    News::EndOfInput if arguments.count.is_none() => {
                        session.at_end = true;
                        handset.end_short_messages();
                    }
                    News::EndOfInput => {}
                    News::Signal => return session.exit,
                },
                () = &mut late => match arguments.count {
                    Some(count) => {
                        let why = format!("{} of {count} came in time", session.done);
                        return fail(Exit::Finding, &why);
                    }
                    None => return session.exit,
                },
            }
        }
    }

    /// Prints an event, and counts what it ends.
    fn happened(&mut self, event: &Event, rejects: bool) {
        self.tell(event, &format!("{event}\n"));
        match event {
            Event::Acknowledged { .. }
            | Event::Delivered { .. }
            | Event::Read { .. }
            | Event::Cancelled { .. }
            | Event::Indication { .. } => {
                self.done += 1;
            }
            Event::Notified { .. } if rejects => self.done += 1,
            Event::Failed { .. } => {
                self.done += 1;
                self.exit = Exit::Finding;
            }
            Event::Refused { .. } | Event::Malformed { .. } if self.arguments.count_refused => self.done += 1,
            Event::Malformed { .. } if self.at_end => self.exit = Exit::Finding,
            Event::Notified { .. } | Event::Received(_) | Event::Refused { .. } | Event::Malformed { .. } => {
            }
        }
    }

    fn tell(&self, value: &impl Serialize, text: &str) {
        if self.arguments.json {
            print_json(value);
        } else {
            print(text);
        }
    }
}
