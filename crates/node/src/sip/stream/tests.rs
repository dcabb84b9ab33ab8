//! One connection in virtual time: how long it may be silent, and how long a message may take.

use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use super::*;
use crate::admission::Limits as Shares;
use crate::clock::Clock;
use crate::metrics::Registry;

const OPTIONS: &[u8] = b"OPTIONS sip:town@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1\r\n\
    From: <sip:a@192.0.2.9>;tag=1\r\nTo: <sip:town@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// A connection, its other end, and what the shard has of it.
struct Held {
    far: DuplexStream,
    writer: mpsc::Sender<Vec<u8>>,
    fate: Arc<Fate>,
    arrivals: mpsc::Receiver<Arrival>,
    began: Instant,
    task: JoinHandle<()>,
}

/// Who has made a connection.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// The peer.
    Peer,
    /// This side, which is registered there.
    Exchange,
}

impl Held {
    fn open(by: By) -> Self {
        let peer = SocketAddr::from(([192, 0, 2, 9], 40_001));
        let door = Arc::new(Door::new(Clock::start(), Shares::default(), &Registry::new()));
        door.list([peer.ip()]);
        let fate = Arc::new(Fate::default());
        let place = (by == By::Peer).then(|| door.place(peer.ip(), &fate).unwrap());
        let (writer, messages) = mpsc::channel(WAITING);
        let (to, arrivals) = mpsc::channel(16);
        let stream = Stream {
            way: (Transport::Tcp, peer),
            number: 3,
            to,
            own: writer.downgrade(),
            messages,
            door,
            is_kept: by == By::Exchange,
            fate: Arc::clone(&fate),
        };
        let (near, far) = tokio::io::duplex(4096);
        let task = tokio::spawn(stream.converse(near, SocketAddr::from(([192, 0, 2, 1], 5060)), place));
        Self { far, writer, fate, arrivals, began: Instant::now(), task }
    }

    /// When it ends, and what it has said until then.
    async fn ends(mut self) -> (Duration, Vec<u8>) {
        let mut said = Vec::new();
        self.far.read_to_end(&mut said).await.unwrap();
        self.task.await.unwrap();
        drop(self.writer);
        (self.began.elapsed(), said)
    }

    async fn says(&mut self, octets: &[u8]) {
        self.far.write_all(octets).await.unwrap();
        // Let it be read.
        sleep(Duration::from_millis(1)).await;
    }

    fn messages(&mut self) -> usize {
        std::iter::from_fn(|| self.arrivals.try_recv().ok())
            .filter(|one| matches!(one, Arrival::Message(..)))
            .count()
    }
}

fn is_about(span: Duration, expected: Duration) -> bool {
    span >= expected && span < expected + Duration::from_secs(2)
}

#[tokio::test(start_paused = true)]
async fn whoever_connects_and_says_nothing_is_let_go_after_20_seconds() {
    let (lasted, said) = Held::open(By::Peer).ends().await;
    assert!(is_about(lasted, MESSAGE) && said.is_empty(), "{lasted:?}");
    // Line ends alone are answered, and are no message.
    let mut held = Held::open(By::Peer);
    for _ in 0..3 {
        sleep(Duration::from_secs(5)).await;
        held.says(b"\r\n\r\n").await;
    }
    let (lasted, said) = held.ends().await;
    assert!(is_about(lasted, MESSAGE), "{lasted:?}");
    assert_eq!(said, b"\r\n\r\n\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_an_octet_a_second_is_given_up_20_seconds_after_its_first() {
    let mut held = Held::open(By::Peer);
    held.says(OPTIONS).await;
    assert_eq!(held.messages(), 1);
    sleep(Duration::from_secs(100)).await;
    for octet in OPTIONS.iter().take(19) {
        held.says(&[*octet]).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert!(!held.task.is_finished());
    let (lasted, _) = held.ends().await;
    assert!(is_about(lasted, Duration::from_secs(100) + MESSAGE), "{lasted:?}");
    // In nineteen seconds it is heard.
    let mut held = Held::open(By::Peer);
    held.says(OPTIONS).await;
    for octets in OPTIONS.chunks(OPTIONS.len() / 18) {
        sleep(Duration::from_secs(1)).await;
        held.says(octets).await;
    }
    assert_eq!(held.messages(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_is_said_ends_after_20_minutes() {
    let mut held = Held::open(By::Peer);
    held.says(OPTIONS).await;
    // What this side says counts, too.
    sleep(Duration::from_secs(1000)).await;
    held.writer.send(b"SIP/2.0 200 OK\r\n\r\n".to_vec()).await.unwrap();
    let (lasted, said) = held.ends().await;
    assert!(is_about(lasted, Duration::from_secs(1000) + IDLE), "{lasted:?}");
    assert_eq!(said, b"SIP/2.0 200 OK\r\n\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_connection_by_which_a_telephone_has_registered_stands_as_long_as_that_may_last() {
    let mut held = Held::open(By::Peer);
    held.says(OPTIONS).await;
    held.fate.registered.store(true, Ordering::Relaxed);
    let (lasted, _) = held.ends().await;
    assert!(is_about(lasted, REGISTERED), "{lasted:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_to_where_the_exchange_is_registered_is_kept_by_line_ends() {
    let mut held = Held::open(By::Exchange);
    let pause = Duration::from_secs(KEPT.0 + 3);
    for asked in 1..100 {
        let mut ends = [0; 4];
        held.far.read_exact(&mut ends).await.unwrap();
        assert_eq!(&ends, b"\r\n\r\n");
        assert!(is_about(held.began.elapsed(), pause * asked), "{:?}", held.began.elapsed());
        // Its answer is no question.
        held.says(b"\r\n").await;
    }
    assert!(!held.task.is_finished(), "after {:?}", held.began.elapsed());
    assert_eq!(held.messages(), 0);
}
