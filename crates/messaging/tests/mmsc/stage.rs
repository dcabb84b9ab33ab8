//! An engine in virtual time, with the rows and bodies that a store would have, and what handsets ask of it.

use std::collections::BTreeMap;

use strowger_messaging::handset::{Draft, DraftPart};
use strowger_messaging::mmsc::message::Envelope;
use strowger_messaging::mmsc::read::{self, Post};
use strowger_messaging::mmsc::request::{
    Answer, Change, Handed, NewBody, Order, Purpose, Request, Submitted, Taken, Ticket,
};
use strowger_messaging::mmsc::{Mmsc, MmscConfig, Party};
use strowger_mms::message::Status;
use strowger_mms::{Limits, MessageType};
use strowger_sansio::{Duration, Rng, Time};

pub(crate) const START: Time = Time::from_secs(1_700_000_000);

pub(crate) fn number(text: &str) -> Party {
    Party::Number(text.to_owned())
}

pub(crate) fn draft(transaction: &str, to: &[&str]) -> Draft {
    Draft {
        transaction: transaction.to_owned(),
        to: to.iter().map(|to| format!("{to}/TYPE=PLMN")).collect(),
        subject: Some("Hi".to_owned()),
        delivery_report: true,
        read_report: true,
        parts: vec![DraftPart {
            name: "a.txt".to_owned(),
            media: "text/plain".to_owned(),
            data: b"hello".to_vec(),
        }],
        ..Draft::default()
    }
}

/// What a post asks of the engine.
pub(crate) fn asked(by: &str, pdu: &[u8]) -> Request {
    match read::post(pdu, &number(by), &Limits::default()) {
        Post::Ask(request, _) => request,
        other => panic!("{other:?}"),
    }
}

/// An engine with the rows that a store would have.
pub(crate) struct Stage {
    pub(crate) mmsc: Mmsc,
    pub(crate) now: Time,
    pub(crate) rows: BTreeMap<u64, Envelope>,
    pub(crate) bodies: BTreeMap<u64, Vec<u8>>,
    tickets: u64,
}

impl Stage {
    pub(crate) fn new(config: MmscConfig) -> Self {
        let mmsc = Mmsc::open(config, Rng::from_number(1), START, 0, Vec::new());
        Self { mmsc, now: START, rows: BTreeMap::new(), bodies: BTreeMap::new(), tickets: 0 }
    }

    /// A new engine on what the old one had written.
    pub(crate) fn restart(&mut self, config: MmscConfig) {
        let next = self.rows.keys().last().map_or(0, |seq| seq + 1);
        let found = self.rows.values().cloned().collect();
        self.mmsc = Mmsc::open(config, Rng::from_number(2), self.now, next, found);
    }

    pub(crate) fn write(&mut self) {
        while let Some(change) = self.mmsc.poll_change() {
            match change {
                Change::PutBody(key, NewBody::Inline(octets)) => {
                    self.bodies.insert(key.0, octets);
                }
                Change::PutBody(..) => panic!("no file was given"),
                Change::DropBody(key) => {
                    assert!(self.bodies.remove(&key.0).is_some(), "a body is dropped once");
                }
                Change::Put(envelope) => {
                    let row = envelope.to_row();
                    assert_eq!(Envelope::of_row(&row).as_ref(), Some(&*envelope));
                    self.rows.insert(envelope.seq.0, *envelope);
                }
                Change::Forget(seq) => {
                    self.rows.remove(&seq.0);
                }
            }
        }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Answer {
        self.tickets += 1;
        self.mmsc.handle_request(self.now, Ticket(self.tickets), request);
        self.write();
        let (ticket, answer) = self.mmsc.poll_answer().unwrap();
        assert_eq!(ticket, Ticket(self.tickets));
        answer
    }

    pub(crate) fn submit(&mut self, by: &str, draft: &Draft) -> Submitted {
        match self.ask(asked(by, &draft.encode())) {
            Answer::Submitted(submitted) => submitted,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        self.now += span;
        self.mmsc.handle_timeout(self.now);
        self.write();
    }

    /// The pushes that are due, all of which the push gateway takes.
    pub(crate) fn pushes(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        while let Some(order) = self.mmsc.poll_order(self.now) {
            self.mmsc.handle_taken(self.now, order.id, Taken::Accepted);
            self.write();
            orders.push(order);
        }
        orders
    }

    /// The one notification that is due: its transaction and the token of its location.
    pub(crate) fn notification(&mut self) -> (String, String) {
        self.wait(Duration::ZERO);
        let orders = self.pushes();
        let [order] = orders.as_slice() else { panic!("{orders:?}") };
        assert_eq!(order.id.purpose, Purpose::Notification);
        told(order)
    }

    pub(crate) fn retrieve(&mut self, by: &str, token: &str) -> Answer {
        self.ask(Request::Retrieve { by: number(by), token: token.to_owned() })
    }

    pub(crate) fn respond(&mut self, by: &str, transaction: &str, status: Status) -> Answer {
        self.ask(Request::Respond {
            by: number(by),
            transaction: transaction.to_owned(),
            status,
            report_allowed: true,
        })
    }
}

pub(crate) fn told(order: &Order) -> (String, String) {
    let pdu = strowger_mms::decode(&order.pdu, &Limits::default()).unwrap();
    assert_eq!(pdu.kind(), MessageType::NotificationInd);
    let location = pdu.content_location().unwrap().to_str().into_owned();
    let token = location.rsplit('/').next().unwrap().to_owned();
    (pdu.transaction_id().unwrap().to_str().into_owned(), token)
}

pub(crate) fn handed(answer: Answer) -> Handed {
    match answer {
        Answer::Handed(handed) => handed,
        other => panic!("{other:?}"),
    }
}

/// Status and recipient of a delivery report.
pub(crate) fn report(order: &Order) -> (Status, String) {
    let pdu = strowger_mms::decode(&order.pdu, &Limits::default()).unwrap();
    assert_eq!(pdu.kind(), MessageType::DeliveryInd);
    (pdu.status().unwrap(), pdu.to().next().unwrap().to_str().into_owned())
}
