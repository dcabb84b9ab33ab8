//! What applications are handed, in virtual time: who is away is asked again ever more slowly, who is slow holds up nobody, a restart
//! loses nothing, and a message is replaced as long as nobody has fetched it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use strowger_messaging::handset::{Draft, DraftPart};
use strowger_messaging::mmsc::message::{Envelope, State};
use strowger_messaging::mmsc::read::{self, Post};
use strowger_messaging::mmsc::request::{
    Answer, Change, Handover, NewBody, Purpose, Replacement, Request, Submission, Taken, Ticket,
};
use strowger_messaging::mmsc::routes::Routes;
use strowger_messaging::mmsc::{Mmsc, MmscConfig, Party};
use strowger_mms::Limits;
use strowger_mms::message::ResponseStatus;
use strowger_sansio::{Duration, Rng, Time};

const START: Time = Time::from_secs(1_700_000_000);

fn config() -> MmscConfig {
    let routes = Routes::new().application("8000", "news").application("8001", "shop");
    MmscConfig { routes, lane_window: 2, ..MmscConfig::default() }
}

fn news() -> Party {
    Party::Application("news".to_owned())
}

/// A message from `by` to a number.
fn submission(by: &Party, transaction: &str, to: &str) -> Submission {
    let draft = Draft {
        transaction: transaction.to_owned(),
        to: vec![format!("{to}/TYPE=PLMN")],
        delivery_report: true,
        parts: vec![DraftPart { name: "a.txt".into(), media: "text/plain".into(), data: b"first".to_vec() }],
        ..Draft::default()
    };
    match read::post(&draft.encode(), by, &Limits::default()) {
        Post::Ask(Request::Submit(submission), _) => *submission,
        other => panic!("{other:?}"),
    }
}

/// An engine with the rows and bodies that a store would have.
struct Stage {
    mmsc: Mmsc,
    now: Time,
    rows: BTreeMap<u64, Envelope>,
    bodies: BTreeMap<u64, Vec<u8>>,
}

impl Stage {
    fn new() -> Self {
        let mmsc = Mmsc::open(config(), Rng::from_number(1), START, 0, Vec::new());
        Self { mmsc, now: START, rows: BTreeMap::new(), bodies: BTreeMap::new() }
    }

    fn restart(&mut self) {
        let next = self.rows.keys().last().map_or(0, |seq| seq + 1);
        let found = self.rows.values().cloned().collect();
        self.mmsc = Mmsc::open(config(), Rng::from_number(2), self.now, next, found);
    }

    fn write(&mut self) {
        while let Some(change) = self.mmsc.poll_change() {
            match change {
                Change::PutBody(key, NewBody::Inline(octets)) => {
                    assert!(self.bodies.insert(key.0, octets).is_none(), "a body's key is given once");
                }
                Change::PutBody(..) => panic!("no file was given"),
                Change::DropBody(key) => assert!(self.bodies.remove(&key.0).is_some(), "dropped once"),
                Change::Put(envelope) => {
                    self.rows.insert(envelope.seq.0, *envelope);
                }
                Change::Forget(seq) => {
                    self.rows.remove(&seq.0);
                }
            }
        }
    }

    fn ask(&mut self, request: Request) -> Answer {
        self.mmsc.handle_request(self.now, Ticket(0), request);
        self.write();
        self.mmsc.poll_answer().unwrap().1
    }

    fn submit(&mut self, by: &Party, transaction: &str, to: &str) -> String {
        match self.ask(Request::Submit(Box::new(submission(by, transaction, to)))) {
            Answer::Submitted(submitted) => submitted.id.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass; what is then to be handed over.
    fn after(&mut self, span: Duration) -> Vec<Handover> {
        self.now += span;
        self.mmsc.handle_timeout(self.now);
        self.write();
        std::iter::from_fn(|| self.mmsc.poll_handover(self.now)).collect()
    }

    fn taken(&mut self, handover: &Handover, taken: Taken) {
        self.mmsc.handle_taken(self.now, handover.id, taken);
        self.write();
    }
}

fn handset() -> Party {
    Party::Number("2001".to_owned())
}

#[test]
fn an_application_that_is_away_is_asked_again_ever_more_slowly_and_has_it_once() {
    let mut stage = Stage::new();
    stage.submit(&handset(), "t1", "8000");
    let mut times = Vec::new();
    for second in 0..200_u64 {
        for handover in stage.after(Duration::from_secs(u64::from(second > 0))) {
            assert_eq!(handover.to, news());
            times.push(second);
            stage.taken(&handover, if times.len() < 6 { Taken::Busy } else { Taken::Accepted });
        }
    }
    assert_eq!(times, [0, 5, 15, 35, 75, 155]);
    assert_eq!(stage.rows[&0].deliveries[0].state, State::Retrieved);
    assert!(stage.bodies.is_empty(), "nobody needs the body any more");
}

#[test]
fn who_is_slow_holds_up_nobody_else() {
    let mut stage = Stage::new();
    for place in 0..5 {
        stage.submit(&handset(), &format!("n{place}"), "8000");
    }
    let slow = stage.after(Duration::ZERO);
    assert_eq!(slow.len(), 2, "as many as go at one time");
    stage.submit(&handset(), "s", "8001");
    let others = stage.after(Duration::ZERO);
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].to, Party::Application("shop".to_owned()));
    stage.taken(&slow[0], Taken::Accepted);
    assert_eq!(stage.after(Duration::ZERO).len(), 1, "one has gone, and the next follows");
}

#[test]
fn what_was_not_taken_outlives_a_restart_and_what_was_taken_does_not_come_again() {
    let mut stage = Stage::new();
    stage.submit(&handset(), "t1", "8000");
    stage.submit(&handset(), "t2", "8000");
    let both = stage.after(Duration::ZERO);
    stage.taken(&both[0], Taken::Accepted);
    stage.restart();
    let again = stage.after(Duration::ZERO);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].id, both[1].id);
    stage.taken(&again[0], Taken::Refused);
    assert_eq!(stage.rows[&1].deliveries[0].state, State::Rejected);
    stage.restart();
    assert_eq!(stage.after(Duration::ZERO), []);
}

#[test]
fn a_report_waits_for_its_application_over_a_restart() {
    let mut stage = Stage::new();
    stage.submit(&news(), "t1", "2002");
    stage.now += Duration::from_secs(30 * 86_400);
    let reports = stage.after(Duration::ZERO);
    let [report] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((report.id.purpose, &report.to), (Purpose::DeliveryReport, &news()));
    assert_eq!(report.envelope.deliveries[0].state, State::Expired);
    stage.taken(report, Taken::Busy);
    stage.restart();
    let again = stage.after(Duration::ZERO);
    assert_eq!(again.len(), 1);
    stage.taken(&again[0], Taken::Accepted);
    stage.restart();
    assert_eq!(stage.after(Duration::ZERO), []);
}

#[test]
fn a_message_is_replaced_by_its_sender_until_it_is_fetched() {
    let mut stage = Stage::new();
    let id = stage.submit(&news(), "t1", "2002");
    let content_type = stage.rows[&0].content_type.clone();
    let replace = |by: Party, octets: &[u8]| {
        let content = Some((content_type.clone(), NewBody::Inline(octets.to_vec()), octets.len() as u64));
        let (delivery_time, read_report) = (None, None);
        Request::Replace(Box::new(Replacement { by, id: id.clone(), content, delivery_time, read_report }))
    };
    assert_eq!(stage.ask(replace(handset(), b"stolen")), Answer::NotFound);
    let Answer::Submitted(replaced) = stage.ask(replace(news(), b"second")) else { panic!("an answer") };
    assert_eq!((replaced.status, replaced.id.as_ref()), (ResponseStatus::Ok, Some(&id)));
    assert_eq!(stage.bodies.values().collect::<Vec<_>>(), [b"second"], "the first is gone");
    // The new body's key is not given to a later message, whatever happens between.
    stage.restart();
    stage.submit(&news(), "t2", "2003");
    assert_eq!(stage.bodies.len(), 2);
    let token = stage.rows[&0].deliveries[0].token.clone();
    let fetched = stage.ask(Request::Retrieve { by: Party::Number("2002".to_owned()), token });
    let Answer::Handed(handed) = fetched else { panic!("{fetched:?}") };
    assert_eq!(stage.bodies[&handed.body.0], b"second");
    assert_eq!(stage.ask(replace(news(), b"third")), Answer::TooLate);
}
