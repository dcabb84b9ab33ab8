//! Operations on messages over TCP and TLS: a link of ours and the simulated centre.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use strowger_messaging::clock::Clock;
use strowger_messaging::smpp::link::{self, LinkConfig, LinkEvent, LinkHandle, LinkId};
use strowger_messaging::smpp::pdu::{
    Address, AlertNotification, CancelSm, Destination, QuerySm, ReplaceSm, SubmitMulti, version,
};
use strowger_messaging::smpp::simulator::{Behaviour, Simulator};
use strowger_messaging::smpp::{
    CentreConfig, ClientTls, Loss, MessageState, Operation, Outcome, Receipt, ServerTls, ShortMessage,
    Status, Token,
};
use strowger_sansio::Rng;
use support::{PATIENCE, any, centre};
use tokio::sync::mpsc;

/// A bound link, and what it tells.
struct Esme {
    link: LinkHandle,
    events: mpsc::UnboundedReceiver<(LinkId, LinkEvent)>,
    next: u64,
}

impl Esme {
    fn start(smsc: &Simulator, tls: Option<ClientTls>) -> Self {
        let mut client = centre(smsc.local()).client;
        client.bind.interface_version = version::V5_0;
        let config = LinkConfig { address: smsc.local(), client, tls };
        let (tell, events) = mpsc::unbounded_channel();
        let link = link::start(LinkId(0), config, Clock::start(), Rng::from_number(1), tell);
        Self { link, events, next: 0 }
    }

    async fn event(&mut self) -> LinkEvent {
        let (_, event) = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("in time").unwrap();
        event
    }

    async fn bound(smsc: &Simulator) -> Self {
        let mut esme = Self::start(smsc, None);
        let LinkEvent::Up { version, .. } = esme.event().await else { panic!("it binds") };
        assert_eq!(version, Some(version::V5_0));
        esme
    }

    async fn ask(&mut self, operation: Operation) -> Outcome {
        self.next += 1;
        self.link.ask(Token(self.next), operation).unwrap();
        match self.event().await {
            LinkEvent::Answered(token, outcome) if token.0 == self.next => outcome,
            other => panic!("an answer, not {other:?}"),
        }
    }

    async fn submit(&mut self, to: &str) -> String {
        match self.ask(Operation::Submit(message(to))).await {
            Outcome::Accepted(id) => id,
            other => panic!("it is taken: {other:?}"),
        }
    }

    async fn state(&mut self, id: &str) -> MessageState {
        match self.ask(Operation::Query(query(id))).await {
            Outcome::Standing(resp) => {
                assert_eq!(
                    (resp.message_id.as_str(), resp.final_date.is_empty()),
                    (id, !resp.state.is_final())
                );
                resp.state
            }
            other => panic!("how it stands: {other:?}"),
        }
    }

    /// What comes from the centre, acknowledged.
    async fn incoming(&mut self) -> ShortMessage {
        match self.event().await {
            LinkEvent::Incoming(ticket, message) => {
                self.link.acknowledge(ticket, Status::OK);
                *message
            }
            other => panic!("a message, not {other:?}"),
        }
    }
}

fn message(to: &str) -> Box<ShortMessage> {
    Box::new(ShortMessage {
        source: Address::of("2948"),
        destination: Address::of(to),
        registered_delivery: 1,
        text: b"hello".to_vec(),
        ..ShortMessage::default()
    })
}

fn query(id: &str) -> QuerySm {
    QuerySm { message_id: id.into(), source: Address::of("2948") }
}

fn cancel(id: &str) -> Operation {
    let source = Address::of("2948");
    Operation::Cancel(CancelSm { message_id: id.into(), source, ..CancelSm::default() })
}

fn replace(id: &str, source: &str) -> Operation {
    Operation::Replace(Box::new(ReplaceSm {
        message_id: id.into(),
        source: Address::of(source),
        registered_delivery: 1,
        text: b"other".to_vec(),
        ..ReplaceSm::default()
    }))
}

async fn smsc(behaviour: Behaviour) -> Simulator {
    support::simulator(behaviour).await
}

#[tokio::test]
async fn a_message_that_waits_is_asked_for_replaced_and_taken_back() {
    let hold = Duration::from_secs(3_600);
    let smsc = smsc(Behaviour { hold, ..Behaviour::default() }).await;
    let mut subscriber = smsc.subscribe("15550101");
    let mut esme = Esme::bound(&smsc).await;
    let id = esme.submit("+15550101").await;
    assert_eq!(esme.state(&id).await, MessageState::EnRoute);
    let stranger = esme.ask(replace(&id, "2949")).await;
    assert_eq!(stranger, Outcome::Refused(Status::REPLACE_FAILED), "only who sent it may replace it");
    assert_eq!(esme.ask(replace(&id, "2948")).await, Outcome::Accepted(String::new()));
    assert_eq!(esme.ask(cancel(&id)).await, Outcome::Accepted(String::new()));
    let receipt = Receipt::of(&esme.incoming().await).unwrap();
    assert_eq!((receipt.message_id, receipt.state), (id.clone(), MessageState::Deleted));
    assert_eq!(esme.state(&id).await, MessageState::Deleted);
    for (operation, status) in [
        (cancel(&id), Status::CANCEL_FAILED),
        (replace(&id, "2948"), Status::REPLACE_FAILED),
        (cancel("no number"), Status::INVALID_MESSAGE_ID),
        (Operation::Query(query("999")), Status::INVALID_MESSAGE_ID),
    ] {
        assert_eq!(esme.ask(operation).await, Outcome::Refused(status));
    }
    let counts = smsc.counts();
    assert_eq!((counts.cancelled, counts.replaced, counts.queries), (1, 1, 3));
    assert!(subscriber.try_recv().is_err(), "nothing was delivered");
}

#[tokio::test]
async fn a_replaced_message_is_delivered_with_its_other_text() {
    let hold = Duration::from_millis(300);
    let smsc = smsc(Behaviour { hold, ..Behaviour::default() }).await;
    let mut subscriber = smsc.subscribe("15550101");
    let mut esme = Esme::bound(&smsc).await;
    let id = esme.submit("+15550101").await;
    assert_eq!(esme.ask(replace(&id, "2948")).await, Outcome::Accepted(String::new()));
    assert_eq!(subscriber.recv().await.unwrap().text, b"other");
    assert_eq!(Receipt::of(&esme.incoming().await).unwrap().state, MessageState::Delivered);
    assert_eq!(esme.state(&id).await, MessageState::Delivered);
}

#[tokio::test]
async fn all_messages_between_two_addresses_are_taken_back_together() {
    let hold = Duration::from_secs(3_600);
    let smsc = smsc(Behaviour { hold, ..Behaviour::default() }).await;
    let mut esme = Esme::bound(&smsc).await;
    let mut ids = Vec::new();
    for to in ["+15550101", "+15550101", "+15550102"] {
        let quiet = ShortMessage { registered_delivery: 0, ..*message(to) };
        let Outcome::Accepted(id) = esme.ask(Operation::Submit(Box::new(quiet))).await else {
            panic!("taken")
        };
        ids.push(id);
    }
    let all = CancelSm {
        source: Address::of("2948"),
        destination: Address::of("+15550101"),
        ..CancelSm::default()
    };
    assert_eq!(esme.ask(Operation::Cancel(all)).await, Outcome::Accepted(String::new()));
    let mut states = Vec::new();
    for id in &ids {
        states.push(esme.state(id).await);
    }
    assert_eq!(states, [MessageState::Deleted, MessageState::Deleted, MessageState::EnRoute]);
}

#[tokio::test]
async fn one_message_to_many_reaches_each_and_names_those_who_are_refused() {
    let refuse = [("15550199".to_owned(), Status::INVALID_DESTINATION)].into();
    let lists = [("staff".to_owned(), vec!["+15550102".to_owned(), "+15550103".to_owned()])].into();
    let smsc = smsc(Behaviour { refuse, lists, ..Behaviour::default() }).await;
    let mut mailboxes: Vec<_> =
        ["15550101", "15550102", "15550103"].iter().map(|number| smsc.subscribe(number)).collect();
    let mut esme = Esme::bound(&smsc).await;
    let multi = |destinations| {
        let message = ShortMessage { registered_delivery: 0, ..*message("") };
        Operation::Multi(Box::new(SubmitMulti { message, destinations }))
    };
    let outcome = esme
        .ask(multi(vec![
            Destination::Address(Address::of("+15550101")),
            Destination::Address(Address::of("+15550199")),
            Destination::List("staff".into()),
        ]))
        .await;
    let Outcome::Partly(resp) = outcome else { panic!("one is refused: {outcome:?}") };
    assert_eq!(resp.refused, [(Address::of("+15550199"), Status::INVALID_DESTINATION)]);
    for mailbox in &mut mailboxes {
        assert_eq!(mailbox.recv().await.unwrap().text, b"hello");
    }
    let nowhere = esme.ask(multi(vec![Destination::List("nobody".into())])).await;
    assert_eq!(nowhere, Outcome::Refused(Status::INVALID_LIST));
}

#[tokio::test]
async fn a_centre_may_use_data_sm_both_ways_and_tell_who_is_back() {
    let smsc = smsc(Behaviour { by_data: true, ..Behaviour::default() }).await;
    let mut subscriber = smsc.subscribe("15550101");
    let mut esme = Esme::bound(&smsc).await;
    let Outcome::Accepted(id) = esme.ask(Operation::Data(message("+15550101"))).await else {
        panic!("taken")
    };
    assert_eq!(subscriber.recv().await.unwrap().text, b"hello");
    let receipt = esme.incoming().await;
    assert!(receipt.text.is_empty() && receipt.is_receipt());
    assert_eq!(Receipt::of(&receipt).unwrap().message_id, id);
    let alert =
        AlertNotification { source: Address::of("+15550101"), esme: Address::of("2948"), tlvs: Vec::new() };
    assert!(smsc.alert(alert.clone()));
    let LinkEvent::Alert(heard) = esme.event().await else { panic!("an alert") };
    assert_eq!(*heard, alert);
}

async fn secure(behaviour: Behaviour, folder: &tempfile::TempDir) -> (Simulator, PathBuf) {
    let (ca, chain, key) = support::authority(folder);
    let config = CentreConfig { accounts: vec![("town".into(), "secret".into())], ..CentreConfig::default() };
    let tls = ServerTls::new(&chain, &key).unwrap();
    (Simulator::start_with(any(), config, behaviour, Some(tls)).await.unwrap(), ca)
}

#[tokio::test]
async fn a_link_in_tls_does_what_a_plain_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let (smsc, ca) = secure(Behaviour::default(), &folder).await;
    let mut subscriber = smsc.subscribe("15550101");
    for name in ["127.0.0.1", "smsc.town"] {
        let mut esme = Esme::start(&smsc, Some(ClientTls::new(&ca, name).unwrap()));
        assert!(matches!(esme.event().await, LinkEvent::Up { .. }));
        let id = esme.submit("+15550101").await;
        assert_eq!(subscriber.recv().await.unwrap().text, b"hello");
        assert_eq!(Receipt::of(&esme.incoming().await).unwrap().message_id, id);
        // More than one record of TLS holds, in both directions.
        let long = ShortMessage { text: Vec::new(), registered_delivery: 0, ..*message("+15550101") };
        let payload = vec![0x55; 60_000];
        let tlv = strowger_messaging::smpp::Tlv {
            tag: strowger_messaging::smpp::tlv::MESSAGE_PAYLOAD,
            value: payload.clone(),
        };
        let long = ShortMessage { tlvs: vec![tlv], ..long };
        assert!(matches!(esme.ask(Operation::Submit(Box::new(long.clone()))).await, Outcome::Accepted(_)));
        assert_eq!(subscriber.recv().await.unwrap().user_data(), payload);
        assert!(smsc.originate(long));
        assert_eq!(esme.incoming().await.user_data(), payload);
        esme.link.close();
        assert!(matches!(esme.event().await, LinkEvent::Down(Loss::Closed)));
    }
}

#[tokio::test]
async fn a_centre_that_does_not_prove_its_name_is_not_bound_to() {
    let folder = tempfile::tempdir().unwrap();
    let (smsc, ca) = secure(Behaviour::default(), &folder).await;
    let other = tempfile::tempdir().unwrap();
    let (foreign, _, _) = support::authority(&other);
    for (ca, name) in [(&ca, "other.town"), (&foreign, "127.0.0.1")] {
        let mut esme = Esme::start(&smsc, Some(ClientTls::new(ca, name).unwrap()));
        assert!(matches!(esme.event().await, LinkEvent::Down(Loss::Unreachable)), "{name}");
        esme.link.close();
    }
    // Nor does a plain client come through, nor TLS to a plain centre.
    let mut esme = Esme::start(&smsc, None);
    assert!(matches!(esme.event().await, LinkEvent::Down(_)));
    let plain = support::simulator(Behaviour::default()).await;
    let mut esme = Esme::start(&plain, Some(ClientTls::new(&ca, "127.0.0.1").unwrap()));
    assert!(matches!(esme.event().await, LinkEvent::Down(Loss::Unreachable)));
    assert_eq!((smsc.counts().binds, plain.counts().binds), (0, 0));
}
