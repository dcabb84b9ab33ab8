//! The ledger: no record is lost, none is there twice, and no failure reaches a call.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use strowger_exchange::{
    CallEnded, CallId, CallStable, Cause, EarlierDiversion, Flow, Forward, Joined, Party, Record, ReleasedBy,
    Sdp, ServiceChange, ServiceState, SetBy, Setting, SettingChange, Side, SipTransport, StandingDialog,
    StandingSession, StandingSubscription, Stream, StreamRole, Subject, Subscriptions, Termination, Transfer,
};
use strowger_node::clock::Wall;
use strowger_node::config::StoreConfig;
use strowger_node::ledger::{CallDetail, Ledger, Restored, Settings};
use strowger_node::metrics::Registry;
use strowger_node::store::{
    Embedded, Entry, Limits, Memory, Outcome, Revision, Store, StoreError, Txn, Watch,
};
use strowger_sansio::{Epoch, Time};

/// The wall at engine time 0.
fn wall() -> Wall {
    Wall::new(Time::ZERO, Duration::from_millis(1_700_000_000_000))
}

fn party(number: &str) -> Party {
    Party { number: number.into(), name: None, gateway: "gw1".into(), endpoint: "aaln/1".into() }
}

fn termination() -> Termination {
    Termination { gateway: "gw1".into(), endpoint: "aaln/1".into(), connection: "A7".into() }
}

/// A session of a trunk, with everything that there is to be kept of one.
fn session() -> StandingSession {
    StandingSession {
        dialog: StandingDialog {
            call_id: "c1@192.0.2.1".into(),
            local_tag: "l".into(),
            remote_tag: "r".into(),
            local: "\"A. Subscriber\" <sip:2001@192.0.2.1>".into(),
            remote: "<sip:5550102@carrier.example>".into(),
            target: "sip:5550102@192.0.2.20:5070".into(),
            route_set: vec!["<sip:192.0.2.20;lr>".into(), "<sip:192.0.2.21;lr>".into()],
            local_seq: 3,
            remote_seq: Some(7),
            transport: SipTransport::Udp,
            address: "192.0.2.20:5060".parse().unwrap(),
        },
        calls: true,
        interval: Some(1800),
        refreshes: true,
        description: 4711,
        version: 2,
    }
}

fn stable(call: u128) -> Record {
    let local = Sdp::new(b"v=0\r\n");
    Record::CallStable(Box::new(CallStable {
        call: CallId(call),
        calling: party("2001"),
        called: party("2002"),
        dialled: "2002".into(),
        earlier: vec![EarlierDiversion { by: "5550199".into(), reason: "user-busy".into() }],
        diversions: Vec::new(),
        start: Time::from_secs(1),
        alerting: Some(Time::from_secs(3)),
        answer: Time::from_secs(5),
        streams: vec![Stream {
            role: StreamRole::Calling,
            call: CallId(call),
            termination: termination(),
            local,
            flow: Flow::Both,
            session: Some(Arc::new(session())),
        }],
        transfers: Vec::new(),
        joined: None,
        awaited: None,
    }))
}

fn ended(call: u128) -> Record {
    Record::CallEnded(Box::new(CallEnded {
        call: CallId(call),
        calling: party("2001"),
        called: Some(party("2002")),
        dialled: "2002".into(),
        earlier: vec![EarlierDiversion { by: "5550199".into(), reason: "user-busy".into() }],
        diversions: Vec::new(),
        start: Time::from_secs(1),
        alerting: Some(Time::from_secs(3)),
        answer: Some(Time::from_secs(5)),
        end: Time::from_millis(65_250),
        cause: Cause::NORMAL_CLEARING,
        released_by: ReleasedBy::Calling,
        media: Vec::new(),
        transfers: vec![Transfer { at: Time::from_secs(9), by: "2002".into(), with: CallId(7) }],
    }))
}

fn open(store: &Arc<dyn Store>, settings: &Settings) -> (Ledger, Restored) {
    Ledger::open(Arc::clone(store), settings, &Registry::new()).unwrap()
}

fn settings() -> Settings {
    let millisecond = Duration::from_millis(1);
    Settings { retry: (millisecond, millisecond), ..Settings::default() }
}

fn with_file(path: &Path) -> Settings {
    Settings { cdr: Some(path.to_owned()), ..settings() }
}

fn keys(store: &dyn Store, prefix: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let (page, _) = store.list(prefix, all.last().map(String::as_str), 1000).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page.into_iter().map(|entry| entry.key));
    }
}

fn detail(store: &dyn Store, sequence: u64) -> CallDetail {
    let entry = store.get(&format!("cdr/{sequence:020}")).unwrap().unwrap();
    serde_json::from_slice(&entry.value).unwrap()
}

fn lines(path: &Path) -> Vec<CallDetail> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_call_stands_in_the_store_until_its_detail_record_replaces_it() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut ledger, restored) = open(&store, &settings());
    assert_eq!((restored.epoch(), restored.standing.len()), (Epoch(0), 0));
    ledger.record(stable(0xab), wall());
    assert_eq!(ledger.close(PATIENCE), 0);
    assert_eq!(keys(&*store, "call/"), [format!("call/{:032x}", 0xab)]);

    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut ledger, _) = open(&store, &settings());
    ledger.record(stable(0xab), wall());
    ledger.record(ended(0xab), wall());
    assert_eq!(ledger.close(PATIENCE), 0);
    assert_eq!(keys(&*store, "call/"), [""; 0]);
    let detail = detail(&*store, 1);
    assert_eq!((detail.duration_ms, detail.talk_ms, detail.cause), (64_250, 60_250, 16));
    assert_eq!(detail.start, "2023-11-14T22:13:21.000Z");
    assert_eq!(detail.end, "2023-11-14T22:14:25.250Z");
    assert_eq!(
        (detail.cause_text.as_str(), detail.released_by.as_str()),
        ("normal call clearing", "calling")
    );
}

#[test]
fn a_call_that_stands_is_read_back_and_ends_once_under_the_next_process() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut ledger, _) = open(&store, &settings());
    ledger.record(stable(0xab), wall());
    ledger.close(PATIENCE);
    let (mut ledger, restored) = open(&store, &settings());
    // The clock of another process began elsewhere.
    let later = Wall::new(Time::from_secs(5000), Duration::from_millis(1_700_000_100_000));
    let Record::CallStable(mut expected) = stable(0xab) else { panic!("not a call") };
    expected.start = Time::from_secs(4901);
    expected.alerting = Some(Time::from_secs(4903));
    expected.answer = Time::from_secs(4905);
    assert_eq!(restored.standing[0].to_record(&later).as_ref(), Some(&*expected));
    assert_eq!(keys(&*store, "call/").len(), 1, "it stands until it ends");
    let Record::CallEnded(mut end) = ended(0xab) else { panic!("not an end") };
    (end.start, end.alerting) = (expected.start, expected.alerting);
    (end.answer, end.end) = (Some(expected.answer), Time::from_secs(5010));
    ledger.record(Record::CallEnded(end), later);
    ledger.close(PATIENCE);
    assert_eq!(keys(&*store, "call/"), [""; 0]);
    assert_eq!(keys(&*store, "cdr/").len(), 1);
    let detail = detail(&*store, 1);
    assert_eq!((detail.talk_ms, detail.answer.as_deref()), (105_000, Some("2023-11-14T22:13:25.000Z")));
}

#[test]
fn what_changed_in_a_call_is_read_back_and_the_call_still_ends_once() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut ledger, _) = open(&store, &settings());
    let Record::CallStable(mut changed) = stable(0xab) else { panic!("not a call") };
    ledger.record(stable(0xab), wall());
    changed.streams[0].call = CallId(0xcd);
    changed.streams[0].flow = Flow::Rest;
    changed.transfers.push(Transfer { at: Time::from_secs(9), by: "2002".into(), with: CallId(7) });
    changed.joined = Some(Joined { call: CallId(7), side: Side::Called, here: Side::Calling });
    changed.awaited = Some(party("2002"));
    // To the nanosecond: what a console shows of the call is the same before and after.
    changed.answer = Time::from_nanos(5_000_999_999);
    ledger.record(Record::CallChanged(changed.clone()), wall());
    ledger.close(PATIENCE);
    let (mut ledger, restored) = open(&store, &settings());
    assert_eq!(restored.standing.len(), 1);
    assert_eq!(restored.standing[0].to_record(&wall()).as_ref(), Some(&*changed));
    ledger.interrupted(restored.standing[0].clone(), restored.alive.unwrap());
    ledger.close(PATIENCE);
    let detail = detail(&*store, 1);
    assert_eq!((detail.transfers.len(), detail.media[0].flow.as_deref()), (1, None));
    assert_eq!(detail.answer.as_deref(), Some("2023-11-14T22:13:25.000Z"));
    assert_eq!(detail.transfers[0].at, "2023-11-14T22:13:29.000Z");
    assert_eq!(keys(&*store, "call/"), [""; 0]);
}

#[test]
fn a_call_that_an_earlier_version_kept_is_still_read() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let party = r#"{"number":"2001","gateway":"gw1","endpoint":"aaln/1"}"#;
    let text = format!(
        r#"{{"call":"{:032x}","calling":{party},"called":{party},"dialled":"2001","start":"2023-11-14T22:13:21.000Z",
            "answer":"2023-11-14T22:13:25.000Z"}}"#,
        0xab
    );
    store.txn(&Txn::new().put(format!("call/{:032x}", 0xab), text)).unwrap();
    let (ledger, restored) = open(&store, &settings());
    ledger.close(PATIENCE);
    let record = restored.standing[0].to_record(&wall()).unwrap();
    assert_eq!((record.call, record.alerting, record.answer), (CallId(0xab), None, Time::from_secs(5)));
    assert_eq!(restored.alive, None);
}

#[test]
fn a_call_that_cannot_be_taken_over_is_accounted_for_once() {
    let directory = tempfile::tempdir().unwrap();
    let (path, cdr) = (directory.path().join("town.redb"), directory.path().join("cdr.jsonl"));
    let file = || -> Arc<dyn Store> { Arc::new(Embedded::open(&path, Limits::default()).unwrap()) };
    {
        let store = file();
        let (mut ledger, _) = open(&store, &with_file(&cdr));
        for call in 0..50 {
            ledger.record(stable(call), wall());
        }
        ledger.record(ended(7), wall());
        ledger.close(PATIENCE);
    }
    let store = file();
    let (mut ledger, restored) = open(&store, &with_file(&cdr));
    assert_eq!((restored.epoch(), restored.standing.len()), (Epoch(1), 49));
    for call in &restored.standing {
        ledger.interrupted(call.clone(), restored.alive.unwrap());
    }
    ledger.close(PATIENCE);
    assert_eq!(keys(&*store, "call/"), [""; 0]);
    let first = &detail(&*store, 2);
    assert!(first.interrupted && first.cause == 41 && first.released_by == "exchange");
    assert_eq!(first.end, "2023-11-14T22:13:20.000Z".replace(":20.", ":25."), "not before the answer");
    assert_eq!(first.media[0].sdp, None);
    drop(store);

    let store = file();
    let (ledger, restored) = open(&store, &with_file(&cdr));
    ledger.close(PATIENCE);
    assert_eq!((restored.epoch(), restored.standing.len()), (Epoch(2), 0));
    let sequences: Vec<_> = lines(&cdr).iter().map(|detail| detail.sequence).collect();
    assert_eq!(sequences, (1..=50).collect::<Vec<_>>());
}

#[test]
fn service_states_are_restored() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut ledger, _) = open(&store, &settings());
    for to in [ServiceState::InService, ServiceState::Lockout] {
        let subject = Subject::Line("2001".into());
        let change = ServiceChange { at: Time::ZERO, subject, from: ServiceState::Unknown, to };
        ledger.record(Record::Service(change), wall());
    }
    ledger.close(PATIENCE);
    let (ledger, restored) = open(&store, &settings());
    ledger.close(PATIENCE);
    assert_eq!(restored.service["line/2001"].state, "lockout");
    assert_eq!(restored.service["line/2001"].since, "2023-11-14T22:13:20.000Z");
}

#[test]
fn settings_are_restored_and_those_of_another_version_are_left_alone() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut ledger, _) = open(&store, &settings());
    let made = [
        Setting::Forward(Forward::Busy, Some("2002".into())),
        Setting::DoNotDisturb(true),
        Setting::DoNotDisturb(false),
    ];
    for setting in made.clone() {
        let change = SettingChange { at: Time::ZERO, line: "2001".into(), setting, by: SetBy::Subscriber };
        ledger.record(Record::Setting(change), wall());
    }
    ledger.close(PATIENCE);
    let entry = store.get("setting/2001/forward-busy").unwrap().unwrap();
    let text = String::from_utf8(entry.value).unwrap();
    assert_eq!(text, r#"{"version":1,"value":"2002","since":"2023-11-14T22:13:20.000Z","by":"subscriber"}"#);
    let later = r#"{"version":2,"value":"on","since":""}"#;
    for key in ["setting/2001/withhold-number", "setting/2001/wake-up"] {
        store.txn(&Txn::new().put(key, later)).unwrap();
    }
    let (ledger, restored) = open(&store, &settings());
    ledger.close(PATIENCE);
    let of = |setting: &Setting| ("2001".to_owned(), setting.clone());
    assert_eq!(restored.settings, [of(&made[2]), of(&made[0])]);
    assert_eq!(restored.unknown_settings, ["setting/2001/wake-up", "setting/2001/withhold-number"]);
    assert!(store.get("setting/2001/wake-up").unwrap().is_some());
}

/// A store that fails the next `failures` transactions, and holds each until the gate is open.
struct Faulty {
    inner: Memory,
    failures: AtomicU32,
    gate: Mutex<bool>,
    opened: Condvar,
}

impl Faulty {
    fn new(failures: u32, open: bool) -> Arc<Self> {
        let inner = Memory::default();
        // The start is not what fails here.
        let gate = Mutex::new(open);
        Arc::new(Self { inner, failures: AtomicU32::new(failures), gate, opened: Condvar::new() })
    }

    fn open_gate(&self) {
        *self.gate.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

impl Store for Faulty {
    fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.inner.get(key)
    }

    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Revision), StoreError> {
        self.inner.list(prefix, after, limit)
    }

    fn txn(&self, txn: &Txn) -> Result<Outcome, StoreError> {
        if txn.puts.iter().all(|(key, _)| key == "meta/epoch") {
            return self.inner.txn(txn);
        }
        drop(self.opened.wait_while(self.gate.lock().unwrap(), |open| !*open).unwrap());
        let fail = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fail).is_ok() {
            return Err(StoreError::Unavailable("No space left on device".into()));
        }
        self.inner.txn(txn)
    }

    fn watch(&self, prefix: &str, from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch(prefix, from)
    }
}

#[test]
fn a_full_disk_delays_records_and_loses_none() {
    let faulty = Faulty::new(5, true);
    let store: Arc<dyn Store> = faulty.clone();
    let metrics = Registry::new();
    let (mut ledger, _) = Ledger::open(store, &settings(), &metrics).unwrap();
    let health = ledger.health();
    for call in 0..10 {
        ledger.record(ended(call), wall());
    }
    assert_eq!(ledger.close(PATIENCE), 0);
    assert_eq!(keys(&faulty.inner, "cdr/").len(), 10);
    assert!(health.is_healthy(), "it has recovered");
    let text = metrics.render();
    assert!(text.contains("\nstrowger_store_failures_total 5\n"), "{text}");
    assert!(text.contains("\nstrowger_records_written_total 10\n"), "{text}");
    assert!(text.contains("\nstrowger_records_waiting 0\n"), "{text}");
}

#[test]
fn the_first_record_is_written_at_once_and_those_that_follow_share_a_transaction() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let metrics = Registry::new();
    let paced = Settings { pace: Duration::from_secs(3600), ..settings() };
    let (mut ledger, _) = Ledger::open(Arc::clone(&store), &paced, &metrics).unwrap();
    ledger.record(stable(1), wall());
    while keys(&*store, "call/").is_empty() {
        std::thread::yield_now();
    }
    (2..=20).for_each(|call| ledger.record(stable(call), wall()));
    assert_eq!(keys(&*store, "call/").len(), 1, "the hour is not over");
    assert_eq!(ledger.close(PATIENCE), 0, "one who closes the ledger does not wait for it");
    assert_eq!(keys(&*store, "call/").len(), 20);
    let text = metrics.render();
    assert!(text.contains("strowger_store_commit_seconds_count 2\n"), "{text}");
}

#[test]
fn a_store_that_fails_for_too_long_costs_records_that_are_counted() {
    let faulty = Faulty::new(u32::MAX, false);
    let store: Arc<dyn Store> = faulty.clone();
    let metrics = Registry::new();
    let settings = Settings { queue: 8, ..settings() };
    let (mut ledger, _) = Ledger::open(store, &settings, &metrics).unwrap();
    let health = ledger.health();
    for call in 0..100 {
        // Never waits, although the store stands still.
        ledger.record(ended(call), wall());
    }
    faulty.open_gate();
    assert_eq!(ledger.close(Duration::from_millis(20)), 100);
    assert!(!health.is_healthy());
    assert!(metrics.render().contains("\nstrowger_records_dropped_total 100\n"), "{}", metrics.render());
    assert_eq!(keys(&faulty.inner, "cdr/").len(), 0);
}

#[test]
fn the_owner_before_is_fenced_off_by_the_next_one() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut old, _) = open(&store, &settings());
    let (mut new, restored) = open(&store, &settings());
    assert_eq!(restored.epoch(), Epoch(1));
    old.record(ended(1), wall());
    assert_eq!(old.close(PATIENCE), 1, "it was not its to write");
    new.record(ended(2), wall());
    new.close(PATIENCE);
    assert_eq!(keys(&*store, "cdr/").len(), 1);
    assert!(detail(&*store, 1).call.ends_with('2'));
}

#[test]
fn the_store_keeps_the_latest_detail_records_and_the_file_all() {
    let directory = tempfile::tempdir().unwrap();
    let cdr = directory.path().join("cdr.jsonl");
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let settings = Settings { kept: 10, ..with_file(&cdr) };
    for round in 0..4 {
        let (mut ledger, _) = open(&store, &settings);
        for call in 0..100 {
            ledger.record(ended(round * 100 + call), wall());
        }
        ledger.close(PATIENCE);
    }
    let all = lines(&cdr);
    assert!(all.iter().map(|detail| detail.sequence).eq(1..=400));
    let left = keys(&*store, "cdr/").len();
    assert!((10..400).contains(&left), "{left}");
    assert_eq!(detail(&*store, 400), all[399]);
}

#[test]
fn a_store_in_memory_does_not_grow_with_the_calls_that_were_made() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let settings = Settings { pace: Duration::ZERO, ..Settings::for_store(&StoreConfig::Memory) };
    let (mut ledger, _) = open(&store, &settings);
    for call in 0..11_000 {
        ledger.record(ended(call), wall());
    }
    ledger.close(PATIENCE);
    let left = keys(&*store, "cdr/").len();
    assert!((10_000..10_500).contains(&left), "{left}");
    assert_eq!(detail(&*store, 11_000).sequence, 11_000);
    let embedded = StoreConfig::Embedded { path: "town.redb".into() };
    assert_eq!(Settings::for_store(&embedded), Settings::default());
}

#[test]
fn what_the_file_could_not_take_is_written_when_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let cdr = directory.path().join("cdr.jsonl");
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let metrics = Registry::new();
    let (mut ledger, _) = Ledger::open(Arc::clone(&store), &with_file(&cdr), &metrics).unwrap();
    let health = ledger.health();
    let record = |ledger: &mut Ledger, call: u128, healthy: bool| {
        ledger.record(ended(call), wall());
        while keys(&*store, "cdr/").len() < usize::try_from(call).unwrap() || health.is_healthy() != healthy {
            std::thread::yield_now();
        }
    };
    record(&mut ledger, 1, true);
    // Nothing can be written there any more, as on a disk that has become read-only; calls go on.
    std::fs::rename(&cdr, directory.path().join("before")).unwrap();
    std::fs::create_dir(&cdr).unwrap();
    record(&mut ledger, 2, false);
    record(&mut ledger, 3, false);
    std::fs::remove_dir(&cdr).unwrap();
    record(&mut ledger, 4, true);
    assert_eq!(ledger.close(PATIENCE), 0);
    assert!(lines(&cdr).iter().map(|detail| detail.sequence).eq(2..=4));
    let text = metrics.render();
    assert!(!text.contains("\nstrowger_cdr_file_failures_total 0\n"), "{text}");
    assert!(text.contains("\nstrowger_store_failures_total 0\n"), "{text}");
}

#[test]
fn a_clock_that_was_set_bends_no_duration_of_a_record() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let (mut ledger, _) = open(&store, &settings());
    let hour = Duration::from_secs(3600);
    let at = Time::from_secs(50);
    let set = |back: bool| {
        let unix = wall().unix(at);
        Wall::new(at, if back { unix.saturating_sub(hour) } else { unix + hour })
    };
    ledger.record(ended(1), wall());
    ledger.record(ended(2), set(true));
    ledger.record(ended(3), set(false));
    // It died, and its last sign of life seems to be from before the call.
    ledger.record(stable(4), wall());
    assert_eq!(ledger.close(PATIENCE), 0);
    let (mut ledger, restored) = open(&store, &settings());
    ledger.interrupted(restored.standing[0].clone(), Duration::from_secs(1));
    assert_eq!(ledger.close(PATIENCE), 0);
    let details: Vec<_> = (1..=4).map(|sequence| detail(&*store, sequence)).collect();
    assert!(details[..3].iter().all(|detail| detail.duration_ms == details[0].duration_ms));
    assert!(details[..3].iter().all(|detail| detail.talk_ms == details[0].talk_ms && detail.talk_ms > 0));
    assert_eq!(details[3].talk_ms, 0, "and not some thousand years");
    assert!(details[3].end >= details[3].start);
}

#[test]
fn a_directory_in_place_of_the_file_is_an_error_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let error = Ledger::open(store, &with_file(directory.path()), &Registry::new()).err().unwrap();
    assert!(error.to_string().starts_with("the file of call detail records "), "{error}");
}

#[test]
fn a_store_of_another_program_is_not_overwritten() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    store.txn(&Txn::new().put("meta/cdr", "many")).unwrap();
    let error = Ledger::open(store, &settings(), &Registry::new()).err().unwrap();
    assert_eq!(error.to_string(), "the store: meta/cdr is not legible");
}

#[test]
fn what_a_telephone_has_subscribed_to_is_found_by_the_next_start() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    let one = StandingSubscription {
        dialog: StandingDialog {
            call_id: "mwi@192.0.2.41".into(),
            local_tag: "here".into(),
            remote_tag: "there".into(),
            local: "<sip:2007@192.0.2.1>".into(),
            remote: "<sip:2007@192.0.2.1>".into(),
            target: "sip:2007@192.0.2.41:5060".into(),
            route_set: vec!["<sip:192.0.2.99;lr>".into()],
            local_seq: 7,
            remote_seq: Some(2),
            transport: SipTransport::Udp,
            address: "192.0.2.41:5060".parse().unwrap(),
        },
        event: "message-summary;id=3".into(),
        expires: Time::from_secs(3600),
    };
    let kept = |all: Vec<StandingSubscription>| {
        let (line, user) = ("2007".to_owned(), "desk".to_owned());
        Record::Subscriptions(Subscriptions { at: Time::from_secs(1), line, user, all })
    };
    let (mut ledger, restored) = open(&store, &settings());
    assert_eq!(restored.subscriptions, []);
    ledger.record(kept(vec![one.clone()]), wall());
    assert_eq!(ledger.close(Duration::from_secs(5)), 0);
    let (mut ledger, restored) = open(&store, &settings());
    let [(line, entry)] = restored.subscriptions.as_slice() else { panic!("{restored:?}") };
    let found = entry.to_record(line, &wall());
    assert_eq!((line.as_str(), found.user.as_str(), found.all), ("2007", "desk", vec![one]));
    // Who has none any more is forgotten.
    ledger.record(kept(Vec::new()), wall());
    assert_eq!(ledger.close(Duration::from_secs(5)), 0);
    assert_eq!(open(&store, &settings()).1.subscriptions, []);
}
