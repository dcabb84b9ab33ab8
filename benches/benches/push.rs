//! The push gateway: pushes a second over UDP, submissions a second over SMPP, durable acceptances a second, and Kannel's beside them.
//!
//! Gateway, host, message centre and initiator share this process, each on a thread of its own; the gateway's processor time is that of its
//! two threads, from the system's account, and a rate "a core" is pushes divided by it. Kannel's is that of bearerbox and wapbox. Run it with
//! `cargo bench -p strowger-benches --bench push`; without Kannel its row says so. An argument
//! measures only the loads whose name holds it. Each figure is the median of the rounds. The rate on the wall is what the machine's other work
//! leaves; of durable acceptance it is also the disk's, whose time for one forced write is shown beside it.

#![expect(clippy::print_stdout, reason = "the figures are what the bench is for")]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use strowger_benches::Processor;
use strowger_messaging::http::Server;
use strowger_messaging::http::client::{Call, Connection};
use strowger_messaging::push::address::Network;
use strowger_messaging::push::{CentreEntry, Gateway, PushConfig, SegmentStyle, User};
use strowger_messaging::smpp::simulator::{Behaviour, Simulator};
use strowger_messaging::smpp::{CentreConfig, ClientConfig, IdForm};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const ROUNDS: usize = 5;
/// Pushes of one round.
const PUSHES: usize = 50_000;
/// Pushes of one request.
const BATCH: usize = 1_000;
/// Single durable pushes of one round, over so many connections.
const DURABLE: usize = 10_000;
const CONNECTIONS: usize = 64;
/// Pushes of one round to Kannel.
const KANNEL: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A gateway on a thread of its own.
struct Town {
    gateway: Option<Gateway>,
    server: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Town {
    fn start(config: PushConfig) -> Result<Self, Failure> {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("push".to_owned()).spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let (notices, _unread) = mpsc::unbounded_channel();
                let Ok((gateway, running)) = Gateway::start(config, notices).await else { return };
                let Ok(server) = Server::start(gateway.clone(), loopback(), Default::default()).await else {
                    return;
                };
                let _ = tell.send((gateway.clone(), server.local()));
                let _ = stopped.await;
                gateway.stop();
                drop((server, gateway));
                let _ = tokio::time::timeout(Duration::from_secs(5), running.ended()).await;
            });
        })?;
        let (gateway, server) = told.recv_timeout(PATIENCE)?;
        Ok(Self { gateway: Some(gateway), server, stop: Some(stop), thread: Some(thread) })
    }

    fn count(&self, name: &str) -> u64 {
        let Some(gateway) = &self.gateway else { return 0 };
        gateway.counters().all().find(|(known, ..)| *known == name).map_or(0, |(_, _, count)| count)
    }

    /// Waits until a counter has come to a number.
    fn wait(&self, name: &str, number: u64) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        while self.count(name) < number {
            if Instant::now() > end {
                return Err(format!("{name} stands at {} of {number}", self.count(name)).into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        drop((self.gateway.take(), self.stop.take()));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Processor time of the gateway's threads.
fn used() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        // The program's own threads are called after the bench, which begins with the same word.
        if !matches!(name.trim(), "push" | "push-queue") {
            return None;
        }
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

fn config() -> PushConfig {
    PushConfig {
        udp: Some(loopback()),
        networks: Network::parse("127.0.0.0/8").into_iter().collect(),
        users: vec![User {
            name: "pi".to_owned(),
            networks: Network::parse("127.0.0.0/8").into_iter().collect(),
            ..User::default()
        }],
        ..PushConfig::default()
    }
}

/// A notification of the usual size.
fn push(to: &str, id: usize, round: usize) -> String {
    format!(
        "{{\"id\":\"{round}-{id}\",\"to\":\"{to}\",\"mms\":{{\"location\":\"http://mms.town.example/{id:08}\",\
         \"transaction\":\"T{id:08}\",\"from\":\"+15550100\",\"size\":30000}}}}"
    )
}

fn post(body: String) -> Call {
    Call {
        method: "POST".parse().unwrap_or_default(),
        path: "/v1/push".to_owned(),
        content_type: Some("application/json".to_owned()),
        body: body.into(),
        user: None,
    }
}

/// Sends pushes to addresses that `to` gives, in batches over one connection that stays open.
async fn batches(
    server: SocketAddr,
    round: usize,
    to: &(dyn Fn(usize) -> String + Sync),
) -> Result<(), Failure> {
    let mut connection = Connection::open(server, "town", PATIENCE).await?;
    for batch in 0..PUSHES / BATCH {
        let rows: Vec<String> =
            (0..BATCH).map(|at| batch * BATCH + at).map(|id| push(&to(id), id, round)).collect();
        let answer = connection.send(post(format!("[{}]", rows.join(",")))).await?;
        if answer.status.as_u16() != 202 {
            return Err(String::from_utf8_lossy(&answer.body).into_owned().into());
        }
    }
    Ok(())
}

/// A host that counts what it gets.
struct Host {
    addresses: Vec<SocketAddr>,
    got: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Host {
    /// Many phones, which are one socket: destinations differ by their address.
    fn start() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let port = socket.local_addr()?.port();
        let got = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (count, over) = (Arc::clone(&got), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut buffer = [0; 2000];
            while !over.load(Ordering::Relaxed) {
                if socket.recv(&mut buffer).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let hosts = (0..4096_u16).map(|host| {
            let [high, low] = host.to_be_bytes();
            SocketAddr::from((Ipv4Addr::new(127, 10, high, low.max(1)), port))
        });
        Ok(Self { addresses: hosts.collect(), got, stop })
    }

    fn address(&self, id: usize) -> String {
        self.addresses.get(id % self.addresses.len()).map(ToString::to_string).unwrap_or_default()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// One figure: a second on the wall, and a second of a core.
struct Figure {
    wall: f64,
    core: f64,
}

fn median(mut rates: Vec<Figure>) -> Figure {
    rates.sort_by(|one, other| one.core.total_cmp(&other.core));
    let middle = rates.len() / 2;
    rates.into_iter().nth(middle).unwrap_or(Figure { wall: 0.0, core: 0.0 })
}

fn show(what: &str, figure: &Figure) {
    println!("{what:<58} {:>9.0} /s {:>9.0} /s a core", figure.wall, figure.core);
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Rounds over UDP; the queue is in a file, or in memory.
fn over_udp(store: Option<&Path>) -> Result<Figure, Failure> {
    let mut settings = config();
    settings.store = store.map(Path::to_owned);
    let town = Town::start(settings)?;
    let host = Host::start()?;
    let runtime = runtime()?;
    let mut figures = Vec::new();
    for round in 0..ROUNDS {
        let (cpu, begun) = (used(), Instant::now());
        runtime.block_on(batches(town.server, round, &|id| host.address(id)))?;
        town.wait("strowger_push_delivered_total", (PUSHES * (round + 1)) as u64)?;
        let (wall, cpu) = (begun.elapsed(), used() - cpu);
        figures.push(rate(PUSHES, wall, cpu));
    }
    let got = host.got.load(Ordering::Relaxed);
    println!("  {} of {} datagrams were read by the host", got, PUSHES * ROUNDS);
    Ok(median(figures))
}

fn rate(count: usize, wall: Duration, cpu: Duration) -> Figure {
    Figure { wall: count as f64 / wall.as_secs_f64(), core: count as f64 / cpu.as_secs_f64() }
}

/// Submits one push over a connection that stays open, as plainly as can be: what the submitter costs is no part of the figure.
async fn accepted(stream: &mut tokio::net::TcpStream, push: &str) -> Result<(), Failure> {
    let length = push.len();
    let request = format!("POST /v1/push HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{push}");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(512);
    // The answer ends with the brace of its JSON.
    while !answer.ends_with(b"}") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("hung up".into());
        }
    }
    match answer.starts_with(b"HTTP/1.1 202") {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&answer).into_owned().into()),
    }
}

/// Single pushes, each answered when it is on disk, over many connections.
fn durable(store: &Path) -> Result<Figure, Failure> {
    let town = Town::start(PushConfig { store: Some(store.to_owned()), ..config() })?;
    let host = Host::start()?;
    let mut figures = Vec::new();
    for round in 0..ROUNDS {
        let (cpu, begun) = (used(), Instant::now());
        runtime()?.block_on(async {
            let mut clients = tokio::task::JoinSet::new();
            for client in 0..CONNECTIONS {
                let (server, to) = (town.server, host.address(client));
                clients.spawn(async move {
                    let mut stream = tokio::net::TcpStream::connect(server).await?;
                    stream.set_nodelay(true)?;
                    for id in (client..DURABLE).step_by(CONNECTIONS) {
                        accepted(&mut stream, &push(&to, id, round)).await?;
                    }
                    Ok::<_, Failure>(())
                });
            }
            while let Some(client) = clients.join_next().await {
                client??;
            }
            Ok::<_, Failure>(())
        })?;
        figures.push(rate(DURABLE, begun.elapsed(), used() - cpu));
    }
    println!("  a forced write of 64 KiB takes {:.1} ms", forced(store)?.as_secs_f64() * 1e3);
    Ok(median(figures))
}

/// How long the disk takes for a forced write, the mean of a hundred: what a group waits for at least.
fn forced(beside: &Path) -> Result<Duration, Failure> {
    use std::os::unix::fs::FileExt as _;
    let file = fs::File::create(beside.with_extension("probe"))?;
    let page = vec![7; 64 * 1024];
    let write =
        |at: u64| file.write_all_at(&page, at % 100 * page.len() as u64).and_then(|()| file.sync_data());
    // The file has its length before it is measured.
    (0..100).try_for_each(write)?;
    let begun = Instant::now();
    (0..100).try_for_each(write)?;
    Ok(begun.elapsed() / 100)
}

/// Through one link with a window of 100 to the simulator, each push one short message.
fn over_smpp() -> Result<Figure, Failure> {
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let centre = std::thread::spawn(move || {
        let Ok(runtime) = runtime() else { return };
        runtime.block_on(async {
            let accounts = vec![("town".to_owned(), "secret".to_owned())];
            let config = CentreConfig { accounts, ..CentreConfig::default() };
            let Ok(centre) = Simulator::start(loopback(), config, Behaviour::default()).await else { return };
            let _ = tell.send(centre.local());
            let _ = stopped.await;
        });
    });
    let address = told.recv_timeout(PATIENCE)?;
    let mut client = ClientConfig::default();
    client.bind.system_id = "town".to_owned();
    client.bind.password = "secret".to_owned();
    let entry = CentreEntry {
        id: "smsc".to_owned(),
        address,
        tls: None,
        links: 1,
        pair: false,
        client,
        prefixes: vec![String::new()],
        source: "2948".to_owned(),
        service_type: String::new(),
        style: SegmentStyle::Header,
        wide_reference: false,
        receipts: false,
        ids: IdForm::Auto,
    };
    let town = Town::start(PushConfig { centres: vec![entry], ..config() })?;
    town.wait("strowger_push_links_up", 1)?;
    let mut figures = Vec::new();
    for round in 0..ROUNDS {
        let (cpu, begun) = (used(), Instant::now());
        runtime()?.block_on(batches(town.server, round, &|id| format!("+1555{:07}", id % 4096)))?;
        town.wait("strowger_push_sms_submitted_total", (PUSHES * (round + 1)) as u64)?;
        figures.push(rate(PUSHES, begun.elapsed(), used() - cpu));
    }
    drop(town);
    drop(stop);
    let _ = centre.join();
    Ok(median(figures))
}

/// Kannel's gateway beside ours, one connection a push as it closes each.
fn kannel(what: &str) -> Result<(), Failure> {
    let installed = |name: &str| {
        Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    if !installed("bearerbox") || !installed("wapbox") {
        println!("{what}: Kannel is not installed");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let port = || Ok::<_, io::Error>(TcpListener::bind(loopback())?.local_addr()?.port());
    let (admin, wapbox, ppg) = (port()?, port()?, port()?);
    let path = folder.path().join("kannel.conf");
    fs::write(
        &path,
        format!(
            "group = core\nadmin-port = {admin}\nadmin-password = x\nwapbox-port = {wapbox}\n\
             wdp-interface-name = \"127.79.0.1\"\nbox-deny-ip = \"*.*.*.*\"\nbox-allow-ip = 127.0.0.1\n\n\
             group = wapbox\nbearerbox-host = 127.0.0.1\n\n\
             group = ppg\nppg-url = /ppg\nppg-port = {ppg}\nconcurrent-pushes = 100\ntrusted-pi = true\nusers = 1024\n\
             ppg-allow-ip = 127.0.0.1\nservice-name = ppg\n\n\
             group = wap-push-user\nwap-push-user = pi\nppg-username = pi\nppg-password = secret\nallow-ip = 127.0.0.1\n"
        ),
    )?;
    let start = |name: &str, port: u16| -> Result<Child, Failure> {
        let mut command = Command::new(name);
        let child =
            command.args(["-v", "4"]).arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if Instant::now() > end {
                return Err(format!("{name} does not listen").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(child)
    };
    let mut bearerbox = start("bearerbox", wapbox)?;
    let mut wapbox = start("wapbox", ppg)?;
    let processes = [Processor::of(bearerbox.id()), Processor::of(wapbox.id())];
    let measured = pap_rounds(ppg, &processes);
    let _ = wapbox.kill();
    let _ = wapbox.wait();
    let _ = bearerbox.kill();
    let _ = bearerbox.wait();
    for (whose, figure) in measured? {
        show(&format!("{what}, {whose}"), &figure);
    }
    Ok(())
}

/// The same pushes to both, in turn: single ones over PAP, a connection each, to a phone with an IP address.
fn pap_rounds(ppg: u16, processes: &[Processor]) -> Result<[(&'static str, Figure); 2], Failure> {
    let _phone = UdpSocket::bind("127.79.0.2:2948")?;
    let town = Town::start(config())?;
    let theirs = || processes.iter().map(Processor::used).sum::<Duration>();
    let (mut ours, mut kannels) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (cpu, begun) = (used(), Instant::now());
        pap_round(town.server.port(), "/pap", round)?;
        town.wait("strowger_push_delivered_total", (KANNEL * (round + 1)) as u64)?;
        ours.push(rate(KANNEL, begun.elapsed(), used() - cpu));
        let (cpu, begun) = (theirs(), Instant::now());
        pap_round(ppg, "/ppg?username=pi&password=secret", round)?;
        kannels.push(rate(KANNEL, begun.elapsed(), theirs() - cpu));
    }
    Ok([("ours", median(ours)), ("Kannel", median(kannels))])
}

fn pap_round(port: u16, path: &str, round: usize) -> Result<(), Failure> {
    for id in 0..KANNEL {
        let control = format!(
            "<?xml version=\"1.0\"?><!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" \"http://www.wapforum.org/DTD/pap_1.0.dtd\">\
             <pap><push-message push-id=\"{round}-{id}\"><address address-value=\"WAPPUSH=127.79.0.2/TYPE=IPv4@x\"/>\
             <quality-of-service delivery-method=\"unconfirmed\" network=\"GSM\" network-required=\"true\" bearer=\"CSD\" \
             bearer-required=\"true\"/></push-message></pap>"
        );
        let body = format!(
            "--x\r\nContent-Type: application/xml\r\n\r\n{control}\r\n--x\r\nContent-Type: text/vnd.wap.si\r\n\r\n\
             <?xml version=\"1.0\"?><!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" \"http://www.wapforum.org/DTD/si.dtd\">\
             <si><indication href=\"http://mms.town.example/{id:08}\" action=\"signal-medium\">MMS</indication></si>\r\n--x--\r\n"
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: multipart/related; \
             boundary=x; type=\"application/xml\"\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.contains("1001") {
            return Err(format!("refused: {answer}").into());
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let measure = |what: &str, run: &dyn Fn() -> Result<Figure, Failure>| {
        if what.contains(&wanted) {
            show(what, &run()?);
        }
        Ok::<_, Failure>(())
    };
    println!("{PUSHES} pushes a round, {ROUNDS} rounds, batches of {BATCH} over one connection");
    measure("over UDP, queue in memory", &|| over_udp(None))?;
    measure("over UDP, queue on disk", &|| over_udp(Some(&at("udp.redb"))))?;
    measure("over SMPP, one link, window 100", &over_smpp)?;
    measure("single pushes on disk, 64 connections", &|| durable(&at("durable.redb")))?;
    let what = "over PAP to UDP, one push a connection";
    if what.contains(&wanted) { kannel(what) } else { Ok(()) }
}
