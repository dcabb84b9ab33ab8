//! A handset by hand.

use std::net::{IpAddr, SocketAddr};

use strowger_messaging::handset::client::Client;
use strowger_messaging::handset::{Draft, DraftPart, FetchPolicy, HostRule, Target};
use strowger_messaging::mmsc::Subscriber;
use strowger_messaging::push::address::Network;
use strowger_mms::wsp::Pdu;
use strowger_mms::{Limits, Message, MessageType, Text, wsp};
use tokio::net::UdpSocket;

use super::{PATIENCE, any};

/// A subscriber's handset, by hand: a socket that is pushed to, and requests from its address.
pub(crate) struct Phone {
    socket: UdpSocket,
    pub(crate) client: Client,
    pub(crate) mmsc: SocketAddr,
}

impl Phone {
    pub(crate) async fn start(host: &str) -> Self {
        let host: IpAddr = host.parse().unwrap();
        let socket = UdpSocket::bind(SocketAddr::new(host, 0)).await.unwrap();
        let policy = FetchPolicy {
            hosts: HostRule::parse("127.0.0.1").into_iter().collect(),
            networks: Network::parse("127.0.0.1").into_iter().collect(),
            tls: false,
        };
        let client = Client {
            policy,
            from: Some(host),
            authorities: None,
            largest: 1 << 20,
            patience: PATIENCE,
            tap: None,
        };
        Self { socket, client, mmsc: any() }
    }

    pub(crate) fn subscriber(&self, number: &str) -> Subscriber {
        let push = self.socket.local_addr().unwrap();
        Subscriber { number: number.into(), networks: vec![push.ip().to_string()], push: Some(push) }
    }

    /// The next message of MMS that is pushed.
    pub(crate) async fn pushed(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_535];
        let received = tokio::time::timeout(PATIENCE, self.socket.recv_from(&mut buffer)).await;
        let (length, _) = received.expect("a push in time").unwrap();
        let unit = wsp::decode_connectionless(&buffer[..length], &Limits::default()).unwrap();
        let Pdu::Push(push) = unit.pdu else { panic!("a push") };
        push.data.to_vec()
    }

    /// Transaction and location of the next notification.
    pub(crate) async fn notified(&self) -> (String, String) {
        let pushed = self.pushed().await;
        let pdu = strowger_mms::decode(&pushed, &Limits::default()).unwrap();
        assert_eq!(pdu.kind(), MessageType::NotificationInd);
        let text = |text: Text<'_>| text.to_str().into_owned();
        (text(pdu.transaction_id().unwrap()), text(pdu.content_location().unwrap()))
    }

    pub(crate) async fn fetch(&self, location: &str) -> Result<Vec<u8>, String> {
        let target = self.client.policy.admit(location.as_bytes()).unwrap();
        self.client.get(&target).await.map_err(|failure| failure.why)
    }

    pub(crate) async fn post(&self, message: &Message<'_>) -> Vec<u8> {
        let mut pdu = Vec::new();
        strowger_mms::binary::encode_as_it_is(message, &mut pdu);
        self.post_octets(pdu).await
    }

    pub(crate) async fn post_octets(&self, pdu: Vec<u8>) -> Vec<u8> {
        let to: Target = self.client.policy.admit(format!("http://{}/", self.mmsc).as_bytes()).unwrap();
        self.client.post(&to, pdu).await.unwrap()
    }
}

/// A message of one text to these recipients, with both reports.
pub(crate) fn draft(transaction: &str, to: &[&str], text: &str) -> Draft {
    Draft {
        transaction: transaction.into(),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        delivery_report: true,
        read_report: true,
        parts: vec![DraftPart {
            name: "a.txt".into(),
            media: "text/plain".into(),
            data: text.as_bytes().to_vec(),
        }],
        ..Draft::default()
    }
}

pub(crate) fn holds(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|window| window == text.as_bytes())
}
