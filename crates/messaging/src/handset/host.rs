//! The sockets, the clock and the folder around a [`Handset`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use strowger_mms::sms;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::client::Client;
use super::engine::{Action, Failure, Handset, HandsetConfig, JobId, sent};
use super::event::{Event, Received};
use super::policy::Barred;
use crate::clock::Clock;
use crate::smpp::Authorities;

/// The largest datagram.
const DATAGRAM: usize = 65_535;
/// Short messages that wait.
const SHORT_MESSAGES: usize = 1024;

/// A short message as its bearer delivered it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortMessage {
    /// By whom it was delivered: a number for each message centre or modem.
    pub link: u32,
    /// Who it comes from.
    pub originator: Vec<u8>,
    /// To whom it goes.
    pub destination: Vec<u8>,
    /// The protocol identifier.
    pub pid: u8,
    /// The data coding.
    pub dcs: u8,
    /// The user data, which begin with a header.
    pub user_data: Vec<u8>,
}

/// What passed at a handset: for ladders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// A datagram came.
    Datagram(SocketAddr, Vec<u8>),
    /// A short message came.
    ShortMessage(ShortMessage),
    /// It asks for a message.
    Asked(String),
    /// It posts a message of MMS.
    Sent(Vec<u8>),
    /// One came in answer.
    Came(Vec<u8>),
}

/// How a handset is hosted.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// How it behaves.
    pub handset: HandsetConfig,
    /// Where it listens for datagrams; 2948 by custom. None for one that has short messages alone.
    pub listen: Option<SocketAddr>,
    /// The address that its requests come from.
    pub from: Option<IpAddr>,
    /// Who signs for MMSCs that are asked in TLS.
    pub authorities: Option<Authorities>,
    /// Where messages are written to.
    pub folder: Option<PathBuf>,
    /// How long a request may take.
    pub patience: Duration,
    /// Where what passes is shown.
    pub tap: Option<mpsc::UnboundedSender<Passed>>,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            handset: HandsetConfig::default(),
            listen: None,
            from: None,
            authorities: None,
            folder: None,
            patience: Duration::from_secs(30),
            tap: None,
        }
    }
}

/// A running handset. It ends when this is dropped.
#[derive(Debug)]
pub struct HandsetHandle {
    local: Option<SocketAddr>,
    client: Client,
    mmsc: Option<String>,
    short_messages: mpsc::Sender<ShortMessage>,
    task: JoinHandle<()>,
}

impl HandsetHandle {
    /// Opens the socket and starts on the current runtime. What happens goes to `events`.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub async fn start(config: HostConfig, events: mpsc::UnboundedSender<Event>) -> io::Result<Self> {
        let socket = match config.listen {
            Some(address) => Some(UdpSocket::bind(address).await?),
            None => None,
        };
        let local = socket.as_ref().map(UdpSocket::local_addr).transpose()?;
        let largest = usize::try_from(config.handset.largest).unwrap_or(usize::MAX);
        let client = Client {
            policy: config.handset.policy.clone(),
            from: config.from,
            authorities: config.authorities,
            largest: largest.saturating_add(16 * 1024),
            patience: config.patience,
            tap: config.tap.clone(),
        };
        let (short_messages, incoming) = mpsc::channel(SHORT_MESSAGES);
        let mmsc = config.handset.mmsc.clone();
        let clock = Clock::start();
        let host = Host {
            handset: Handset::new(config.handset, clock.now()),
            clock,
            client: client.clone(),
            folder: config.folder,
            events,
            tap: config.tap,
            under_way: JoinSet::new(),
        };
        let task = tokio::spawn(host.run(socket, incoming));
        Ok(Self { local, client, mmsc, short_messages, task })
    }

    /// Where it listens for datagrams.
    #[must_use]
    pub const fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Where short messages for it go.
    #[must_use]
    pub const fn short_messages(&self) -> &mpsc::Sender<ShortMessage> {
        &self.short_messages
    }

    /// No short message follows. A handset that does not listen for datagrams ends when it is done with what it has: the channel of its
    /// events closes. Parts that wait for others are told of as malformed before.
    pub fn end_short_messages(&mut self) {
        // Nobody takes what is sent here.
        self.short_messages = mpsc::channel(1).0;
    }

    /// Submits a message to the MMSC of its settings (m-send-req), and gives the identifier that it got.
    ///
    /// # Errors
    /// Why it was not taken, in words.
    pub async fn submit(&self, pdu: Vec<u8>) -> Result<String, String> {
        sent(&self.post(pdu).await?)
    }

    /// Posts any message to the MMSC of its settings, and gives what comes back.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn post(&self, pdu: Vec<u8>) -> Result<Vec<u8>, String> {
        let url = self.mmsc.as_deref().ok_or("there is no MMSC in the settings")?;
        let target = self.client.policy.admit(url.as_bytes()).map_err(|barred: Barred| barred.to_string())?;
        self.client.post(&target, pdu).await.map_err(|failure| failure.why)
    }
}

impl Drop for HandsetHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum Done {
    Fetched(JobId, Result<Vec<u8>, Failure>),
    Posted(JobId, Result<Vec<u8>, Failure>),
}

struct Host {
    handset: Handset,
    clock: Clock,
    client: Client,
    folder: Option<PathBuf>,
    events: mpsc::UnboundedSender<Event>,
    tap: Option<mpsc::UnboundedSender<Passed>>,
    under_way: JoinSet<Done>,
}

impl Host {
    async fn run(mut self, socket: Option<UdpSocket>, mut incoming: mpsc::Receiver<ShortMessage>) {
        let mut datagram = vec![0; DATAGRAM];
        let mut more = true;
        loop {
            let deadline = self.handset.poll_timeout().map(|at| self.clock.instant(at).into());
            let sleep = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let receive = async {
                match &socket {
                    Some(socket) => socket.recv_from(&mut datagram).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                received = receive => if let Ok((length, from)) = received {
                    let bytes = datagram.get(..length).unwrap_or_default();
                    if let Some(tap) = &self.tap {
                        let _ = tap.send(Passed::Datagram(from, bytes.to_vec()));
                    }
                    self.handset.handle_datagram(self.clock.now(), from, bytes);
                },
                message = incoming.recv(), if more => match message {
                    Some(message) => self.take(&message),
                    None => more = false,
                },
                Some(Ok(done)) = self.under_way.join_next() => match done {
                    Done::Fetched(job, result) => self.handset.handle_fetched(self.clock.now(), job, result),
                    Done::Posted(job, result) => self.handset.handle_posted(self.clock.now(), job, result),
                },
                () = sleep => self.handset.handle_timeout(self.clock.now()),
            }
            self.settle().await;
            if !more && socket.is_none() && self.handset.is_done() {
                self.handset.give_up_parts();
                self.settle().await;
                return;
            }
        }
    }

    fn take(&mut self, message: &ShortMessage) {
        if let Some(tap) = &self.tap {
            let _ = tap.send(Passed::ShortMessage(message.clone()));
        }
        let message = sms::ShortMessage {
            link: message.link,
            originator: &message.originator,
            destination: &message.destination,
            pid: message.pid,
            dcs: message.dcs,
            user_data: &message.user_data,
        };
        self.handset.handle_short_message(self.clock.now(), &message);
    }

    async fn settle(&mut self) {
        while let Some(event) = self.handset.poll_event() {
            let event = match (event, &self.folder) {
                (Event::Received(received), Some(folder)) => Event::Received(keep(folder, received).await),
                (event, _) => event,
            };
            let _ = self.events.send(event);
        }
        while let Some(action) = self.handset.poll_action() {
            let client = self.client.clone();
            match action {
                Action::Fetch { job, target } => {
                    self.under_way.spawn(async move { Done::Fetched(job, client.get(&target).await) });
                }
                Action::Post { job, target, pdu } => {
                    self.under_way.spawn(async move { Done::Posted(job, client.post(&target, pdu).await) });
                }
            }
        }
    }
}

/// Writes the parts into a folder of their own, whose name nobody chose.
async fn keep(folder: &Path, mut received: Received) -> Received {
    let place = folder.join(format!("message-{}", crate::mmsc::fresh_name()));
    let files: Vec<(String, Vec<u8>)> =
        received.parts.iter().map(|part| (part.name.clone(), part.data.clone())).collect();
    let target = place.clone();
    let written = tokio::task::spawn_blocking(move || -> io::Result<()> {
        std::fs::create_dir_all(&target)?;
        for (name, data) in files {
            // A name that is there already, as a link for one, is not written through.
            use std::io::Write as _;
            std::fs::File::create_new(target.join(name))?.write_all(&data)?;
        }
        Ok(())
    });
    match written.await {
        Ok(Ok(())) => received.folder = Some(place.display().to_string()),
        Ok(Err(error)) => tracing::error!(%error, "a message cannot be written"),
        Err(error) => tracing::error!(%error, "a message cannot be written"),
    }
    received
}
