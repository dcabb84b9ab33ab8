//! Kannel as a peer: its short message client and ours at one message centre, its pushes to our handsets' ports, our pushes to its
//! gateway, and documents of its kind to our gateway.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};

use strowger_messaging::smpp::simulator::{Behaviour, Simulator};
use strowger_messaging::smpp::{CentreConfig, ShortMessage};
use strowger_mms::message::MessageType;
use strowger_mms::sms::{Datagram, Reassembly, ReassemblyLimits, Taken};
use strowger_mms::{Limits, wsp};
use strowger_sansio::Time;
use support::kannel::Kannel;
use support::process::Running;
use support::{PATIENCE, loopback, until};
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;

const LOCATION: &str = "http://127.0.0.1:8080/m1";

/// A message centre where both may bind, on a thread of its own that ends with it.
struct Smsc {
    simulator: Simulator,
    _stop: oneshot::Sender<()>,
}

impl Smsc {
    fn start() -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let accounts = ["kannel", "town"].map(|name| (name.to_owned(), "secret".to_owned())).to_vec();
                let config = CentreConfig { accounts, ..CentreConfig::default() };
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                tell.send(Simulator::start(address, config, Behaviour::default()).await.unwrap()).unwrap();
                let _ = stopped.await;
            });
        });
        Self { simulator: told.recv_timeout(PATIENCE).unwrap(), _stop: stop }
    }

    fn next(&self, subscriber: &mut Receiver<ShortMessage>) -> ShortMessage {
        until("a short message", || subscriber.try_recv().ok())
    }

    /// Short messages until a datagram is whole, and how many it took.
    fn datagram(&self, subscriber: &mut Receiver<ShortMessage>) -> (Datagram, usize) {
        let mut reassembly = Reassembly::new(ReassemblyLimits::default());
        for count in 1..=10 {
            let message = self.next(subscriber);
            assert_eq!(message.data_coding & 0x0f, 0x04);
            let part = strowger_mms::sms::ShortMessage {
                link: 0,
                originator: message.source.digits.as_bytes(),
                destination: message.destination.digits.as_bytes(),
                pid: message.protocol_id,
                dcs: message.data_coding,
                user_data: &message.text,
            };
            if reassembly.handle_input(Time::from_secs(1), &part).unwrap() == Taken::Whole {
                return (reassembly.poll_event().unwrap(), count);
            }
        }
        panic!("no datagram in ten messages");
    }
}

/// The location of a notification in a datagram of the connectionless service.
fn location(datagram: &[u8]) -> String {
    let limits = Limits::default();
    let wsp::Pdu::Push(push) = wsp::decode_connectionless(datagram, &limits).unwrap().pdu else {
        panic!("a push: {datagram:02x?}")
    };
    let message = strowger_mms::decode(push.data, &limits).unwrap();
    assert_eq!(message.kind(), MessageType::NotificationInd);
    message.content_location().unwrap().to_string()
}

/// A phone with an IP address.
fn phone() -> UdpSocket {
    let phone = UdpSocket::bind((loopback::host(), 2948)).unwrap();
    phone.set_read_timeout(Some(PATIENCE)).unwrap();
    phone
}

fn received(phone: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2000];
    let (length, from) = phone.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), from)
}

/// Runs `strowger push`, which must end well.
fn push(arguments: &[&str]) {
    let mut running = Running::strowger(["push"].iter().chain(arguments));
    let status = running.wait();
    running.assert_code(status, 0);
}

const MMS: [&str; 5] = ["mms", "--location", LOCATION, "--from", "+15550100"];

#[test]
fn kannels_gateway_accepts_our_pap_and_its_pushes_reach_our_port_and_our_message_centre() {
    if !Kannel::is_installed() {
        return;
    }
    let smsc = Smsc::start();
    let mut subscriber = smsc.simulator.subscribe("15550101");
    let kannel = Kannel::start(smsc.simulator.local());
    until("Kannel's bind", || (smsc.simulator.counts().binds >= 1).then_some(()));
    // Kannel knows its users by the query.
    let url = format!("http://{}/ppg?username=pi&password=secret", kannel.ppg);
    let phone = phone();
    let to = phone.local_addr().unwrap().ip().to_string();
    push(&[&["--to", &to, "--ppg", &url][..], &MMS].concat());
    let (datagram, from) = received(&phone);
    assert_eq!(location(&datagram), LOCATION);
    assert_eq!(from.port(), 9200);
    push(&[&["--to", "+15550101", "--ppg", &url][..], &MMS].concat());
    let (datagram, count) = smsc.datagram(&mut subscriber);
    assert_eq!(location(&datagram.payload), LOCATION);
    assert_eq!(count, 2, "Kannel writes the media type as text, which takes a second message");
}

#[test]
fn kannels_client_and_ours_share_a_message_centre() {
    if !Kannel::is_installed() {
        return;
    }
    let smsc = Smsc::start();
    let mut subscriber = smsc.simulator.subscribe("15550101");
    let kannel = Kannel::start(smsc.simulator.local());
    until("Kannel's bind", || (smsc.simulator.counts().binds >= 1).then_some(()));
    let address = smsc.simulator.local().to_string();
    let ours =
        ["--to", "+15550101", "--smsc", &address, "--system-id", "town", "--password", "secret", "--confirm"];
    push(&[&ours[..], &MMS].concat());
    let (datagram, count) = smsc.datagram(&mut subscriber);
    assert_eq!((location(&datagram.payload).as_str(), count), (LOCATION, 1), "ours takes one message");
    let query = "username=pi&password=secret&from=2948&to=15550101&coding=1&udh=%06%05%04%0b%84%23%f0&text=%01%06%03%be%af%84";
    let mut stream = TcpStream::connect(kannel.sendsms).unwrap();
    write!(stream, "GET /cgi-bin/sendsms?{query} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 202 "), "{answer}");
    let theirs = smsc.next(&mut subscriber);
    assert_eq!(theirs.esm_class & 0x40, 0x40);
    assert_eq!(theirs.text[..7], [6, 5, 4, 0x0b, 0x84, 0x23, 0xf0]);
    assert_eq!(theirs.text[7..], [1, 6, 3, 0xbe, 0xaf, 0x84]);
}

/// A push as Kannel's own submitters write it: single quotes, a declaration, a document type, headers in the part.
fn kannel_like(to: &str) -> String {
    format!(
        "--asdlfkjiurwghasf\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\r\n\
         <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP//EN\"\r\n             \"http://www.wapforum.org/DTD/pap_1.0.dtd\">\r\n\
         <pap>\r\n        <push-message push-id=\"9fjeo39jf084@pi.com\"\r\n                      \
         deliver-before-timestamp=\"2036-11-01T06:45:00Z\"\r\n                      progress-notes-requested=\"false\">\r\n\
         <address address-value=\"WAPPUSH={to}/TYPE=IPv4@ppg.carrier.com\">\r\n</address>\r\n\
         <quality-of-service\r\n priority=\"low\"\r\n delivery-method=\"unconfirmed\"\r\n network-required=\"true\"\r\n \
         network=\"GSM\"\r\n bearer-required=\"true\"\r\n bearer=\"CSD\">\r\n</quality-of-service>\r\n</push-message>\r\n</pap>\r\n\
         --asdlfkjiurwghasf\r\nContent-Type: text/vnd.wap.si\r\n\r\n<?xml version=\"1.0\"?>\r\n\
         <!DOCTYPE si PUBLIC \"-//WAPFORUM//DTD SI 1.0//EN\" \"http://www.wapforum.org/DTD/si.dtd\">\r\n\
         <si>\r\n<indication href=\"http://www.example.com/m\" si-id=\"1@example.com\" action=\"signal-high\" \
         created=\"2026-06-25T15:23:15Z\" si-expires=\"2036-12-30T00:00:00Z\">Want to test a fetch?</indication>\r\n</si>\r\n\
         --asdlfkjiurwghasf--\r\n\r\n"
    )
}

#[test]
fn our_gateway_runs_as_the_manual_says_and_accepts_what_submitters_of_kannels_kind_send() {
    let smsc = Smsc::start();
    let mut subscriber = smsc.simulator.subscribe("15550101");
    let folder = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/push.toml");
    let text = std::fs::read_to_string(example).unwrap();
    let store = folder.path().join("push.redb").display().to_string();
    // As it stands, but for ports that nobody else uses.
    let text = text
        .replace("127.0.0.1:8088", "127.0.0.1:0")
        .replace("127.0.0.1:8089", "127.0.0.1:0")
        .replace("127.0.0.1:9200", "127.0.0.1:0")
        .replace("127.0.0.1:2775", &smsc.simulator.local().to_string())
        .replace("push.redb", &store);
    let path = folder.path().join("push.toml");
    std::fs::write(&path, text).unwrap();
    let mut running = Running::strowger(["run", "--json", "-c", path.to_str().unwrap()]);
    let ready: serde_json::Value =
        serde_json::from_str(&running.line("ready", |line| line.contains("\"ready\""))).unwrap();
    let address = ready["push"].as_str().unwrap().to_owned();
    let phone = phone();
    let body = kannel_like(&phone.local_addr().unwrap().ip().to_string());
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /pap?username=mmsc&password=secret HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: multipart/related; boundary=asdlfkjiurwghasf; type=\"application/xml\"\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("<response-result code=\"1001\""), "{answer}");
    let (datagram, _) = received(&phone);
    assert_eq!(datagram[1..4], [0x06, 0x01, 0xae], "a service indication in WBXML");
    let url = format!("http://mmsc:secret@{address}/pap");
    push(&[&["--to", "+15550101", "--ppg", &url, "--confirm"][..], &MMS].concat());
    let (datagram, count) = smsc.datagram(&mut subscriber);
    assert_eq!((location(&datagram.payload).as_str(), count), (LOCATION, 1));
    let console = ready["console"].as_str().unwrap();
    let delivered = until("the receipt in the metrics", || {
        let mut stream = TcpStream::connect(console).unwrap();
        write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("strowger_push_delivered_total "));
        line.filter(|count| *count == "2").map(ToOwned::to_owned)
    });
    assert_eq!(delivered, "2");
    let (status, running) = running.terminate();
    running.assert_code(status, 0);
}
