//! The queue: what was accepted survives, lanes keep their order, and nothing holds others up.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use strowger_messaging::queue::{
    self, Bearer, Gone, LaneEvent, Lanes, LanesConfig, Message, Priority, Push, QueueStore, Refusal,
    Replaced, Seq, State, Verdict, WriterConfig,
};
use strowger_sansio::{Duration, Rng, Time};
use tokio::sync::mpsc;

const START: Time = Time::from_secs(1_700_000_000);
const SMS: Bearer = Bearer(1);

fn message(seq: u64, to: &str) -> Message {
    Message {
        seq: Seq(seq),
        owner: "pi".into(),
        push_id: format!("p{seq}"),
        address: to.into(),
        to: to.into(),
        payload: vec![0x06, 0x01, 0x83],
        port: 2948,
        accepted: START.as_millis(),
        not_before: START.as_millis(),
        expires: START.as_millis() + 3_600_000,
        ..Message::default()
    }
}

fn failed() -> Verdict {
    Verdict::Failed { parts: 0, detail: "busy".into() }
}

/// Lanes with messages in them.
struct World {
    now: Time,
    lanes: Lanes,
}

impl World {
    fn with(messages: impl IntoIterator<Item = Message>) -> Self {
        let mut world = Self { now: START, lanes: Lanes::new(LanesConfig::default()) };
        for message in messages {
            world.lanes.handle_accepted(START, Arc::new(message), SMS);
        }
        world
    }

    fn next(&mut self) -> Option<u64> {
        self.lanes.poll_dispatch(SMS).map(|message| message.seq.0)
    }

    fn verdict(&mut self, seq: u64, verdict: Verdict) {
        self.lanes.handle_verdict(self.now, Seq(seq), verdict);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.lanes.handle_timeout(self.now);
    }

    fn ended(&mut self) -> Vec<(u64, State)> {
        let mut ended = Vec::new();
        while let Some(LaneEvent::Ended { message, state, .. }) = self.lanes.poll_event() {
            ended.push((message.seq.0, state));
        }
        ended
    }
}

#[test]
fn a_destination_gets_its_messages_in_order_and_one_at_a_time() {
    let mut world = World::with([message(1, "a"), message(2, "a"), message(3, "b")]);
    assert_eq!((world.next(), world.next(), world.next()), (Some(1), Some(3), None));
    world.verdict(1, Verdict::Delivered);
    assert_eq!((world.next(), world.next()), (Some(2), None));
    assert_eq!(world.ended(), [(1, State::Delivered)]);
}

#[test]
fn a_destination_that_can_be_reached_again_is_tried_at_once() {
    let mut world = World::with([message(1, "a"), message(2, "b")]);
    for seq in [1, 2] {
        assert_eq!(world.next(), Some(seq));
        world.verdict(seq, failed());
    }
    assert_eq!(world.next(), None);
    world.lanes.handle_reachable(world.now, "b");
    assert_eq!(world.next(), Some(2));
    assert_eq!(world.next(), None, "the other one waits for its time");
    world.lanes.handle_reachable(world.now, "b");
    world.lanes.handle_reachable(world.now, "nobody");
    assert_eq!(world.next(), None, "what is under way goes once");
}

/// A message to `a` that takes the place of the first one.
fn replacing(seq: u64, gone: Gone) -> Message {
    Message { replaces: Some(Replaced { seq: Seq(1), gone }), ..message(seq, "a") }
}

#[test]
fn a_message_takes_the_place_of_one_that_waits() {
    for gone in [Gone::Send, Gone::Drop] {
        let mut world = World::with([message(1, "a"), message(2, "a"), replacing(3, gone)]);
        assert_eq!(world.ended(), [(1, State::Cancelled)]);
        assert_eq!(world.next(), Some(2), "the new one stands behind those that were there");
        world.verdict(2, Verdict::Delivered);
        assert_eq!(world.next(), Some(3));
    }
}

#[test]
fn a_message_that_is_to_replace_one_under_way_goes_only_if_that_fails_or_all_are_meant() {
    for (gone, verdict, goes) in [
        (Gone::Drop, Verdict::Delivered, false),
        (Gone::Drop, Verdict::Submitted { parts: 1 }, false),
        (Gone::Drop, failed(), true),
        (Gone::Send, Verdict::Delivered, true),
        (Gone::Send, failed(), true),
    ] {
        let mut world = World::with([message(1, "a")]);
        assert_eq!(world.next(), Some(1));
        world.lanes.handle_accepted(START, Arc::new(replacing(2, gone)), SMS);
        assert_eq!(world.next(), None, "one at a time");
        world.verdict(1, verdict.clone());
        assert_eq!(world.next(), goes.then_some(2), "{gone:?} after {verdict:?}");
        let dropped = world.ended().contains(&(2, State::Cancelled));
        assert_eq!(dropped, !goes, "{gone:?} after {verdict:?}");
    }
    let mut world = World::with([message(1, "a")]);
    assert_eq!(world.next(), Some(1));
    world.verdict(1, Verdict::Delivered);
    world.lanes.handle_accepted(START, Arc::new(replacing(2, Gone::Drop)), SMS);
    assert_eq!(world.ended(), [(1, State::Delivered), (2, State::Cancelled)], "it came too late");
}

#[test]
fn pressing_messages_go_first_and_let_others_through_now_and_then() {
    let pressing = |seq| Message { priority: Priority::High, ..message(seq, &format!("p{seq}")) };
    let others = (1..=3).map(|seq| message(seq, &format!("o{seq}")));
    let mut world = World::with(others.chain((11..=50).map(pressing)));
    let order: Vec<u64> = std::iter::from_fn(|| world.next()).collect();
    assert_eq!(order.len(), 43);
    assert_eq!(&order[..16], (11..27).collect::<Vec<_>>());
    assert_eq!((order[16], order[33]), (1, 2), "every seventeenth is another");
}

#[test]
fn a_failing_message_waits_longer_each_time_and_delays_only_its_own_destination() {
    let mut world = World::with([message(1, "a"), message(2, "a"), message(3, "b")]);
    let mut pauses = Vec::new();
    assert_eq!(world.next(), Some(1));
    for _ in 0..5 {
        world.verdict(1, failed());
        let before = world.now;
        let due = world.lanes.poll_timeout().unwrap();
        world.pass(due - world.now);
        pauses.push((world.now - before).as_secs());
        if let Some(3) = world.next() {
            world.verdict(3, Verdict::Delivered);
            assert_eq!(world.next(), Some(1));
        }
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80]);
    assert_eq!(world.ended(), [(3, State::Delivered)]);
    world.verdict(1, Verdict::Delivered);
    assert_eq!(world.next(), Some(2));
}

#[test]
fn a_poisoned_message_ends_and_the_next_has_its_turn() {
    let mut world = World::with([message(1, "a"), message(2, "a")]);
    world.next();
    world.verdict(1, Verdict::Refused { detail: "never".into() });
    assert_eq!(world.ended(), [(1, State::Undeliverable)]);
    assert_eq!(world.next(), Some(2));
}

#[test]
fn a_message_whose_time_runs_out_leaves_the_lane_to_the_next() {
    let mut late = message(1, "a");
    late.expires = START.as_millis() + 7_000;
    let mut world = World::with([late, message(2, "a")]);
    world.next();
    world.verdict(1, failed());
    world.pass(Duration::from_secs(5));
    assert_eq!(world.next(), Some(1));
    world.verdict(1, failed());
    // The pause would last for ten seconds; the time is over in two.
    world.pass(Duration::from_secs(2));
    assert_eq!(world.ended(), [(1, State::Expired)]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.next(), Some(2));
}

#[test]
fn a_message_under_way_when_its_time_ends_is_judged_by_what_becomes_of_it() {
    for (verdict, state) in [(Verdict::Delivered, State::Delivered), (failed(), State::Expired)] {
        let mut world = World::with([message(1, "a")]);
        world.next();
        world.pass(Duration::from_secs(4_000));
        assert_eq!(world.ended(), []);
        world.verdict(1, verdict);
        assert_eq!(world.ended(), [(1, state)]);
        assert!(world.lanes.is_empty());
    }
}

#[test]
fn a_message_for_later_does_not_hold_up_those_for_now() {
    let mut later = message(1, "a");
    later.not_before = START.as_millis() + 60_000;
    let mut world = World::with([later, message(2, "a")]);
    assert_eq!(world.next(), Some(2));
    world.verdict(2, Verdict::Delivered);
    assert_eq!(world.next(), None);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.next(), Some(1));
}

#[test]
fn what_is_taken_back_does_not_go_and_what_is_under_way_does_not_go_again() {
    let mut world = World::with([message(1, "a"), message(2, "a"), message(3, "a")]);
    assert_eq!(world.next(), Some(1));
    assert!(world.lanes.handle_cancel(world.now, Seq(2)));
    assert!(!world.lanes.handle_cancel(world.now, Seq(1)), "it is leaving");
    world.verdict(1, failed());
    assert_eq!(world.ended(), [(2, State::Cancelled), (1, State::Cancelled)]);
    world.pass(Duration::from_millis(10));
    assert_eq!(world.next(), Some(3));
}

#[test]
fn a_lane_all_of_whose_messages_were_taken_back_works_again() {
    let mut world = World::with([message(1, "a")]);
    assert!(world.lanes.handle_cancel(world.now, Seq(1)));
    assert_eq!(world.next(), None);
    world.lanes.handle_accepted(world.now, Arc::new(message(2, "a")), SMS);
    assert_eq!(world.next(), Some(2));
}

#[test]
fn a_busy_bearer_costs_no_failure() {
    let mut world = World::with([message(1, "a")]);
    for _ in 0..50 {
        assert_eq!(world.next(), Some(1));
        world.verdict(1, Verdict::Crowded { parts: 0 });
        world.pass(Duration::from_millis(200));
    }
    assert_eq!(world.next(), Some(1));
    world.verdict(1, failed());
    assert_eq!(world.lanes.poll_timeout(), Some(world.now + Duration::from_secs(5)), "the first failure");
}

#[test]
fn parts_that_are_gone_are_remembered_over_a_failure() {
    let mut world = World::with([message(1, "a")]);
    world.next();
    world.verdict(1, Verdict::Failed { parts: 2, detail: String::new() });
    assert_eq!(world.lanes.parts(Seq(1)), 2);
}

#[test]
fn a_submitted_message_ends_with_its_last_report_or_with_its_time() {
    let mut world = World::with([message(1, "a"), message(2, "b"), message(3, "c")]);
    for seq in 1..=3 {
        assert_eq!(world.next(), Some(seq));
        world.verdict(seq, Verdict::Submitted { parts: 2 });
    }
    world.lanes.handle_report(Seq(1), State::Delivered, String::new());
    assert_eq!(world.ended(), []);
    world.lanes.handle_report(Seq(1), State::Delivered, String::new());
    world.lanes.handle_report(Seq(2), State::Undeliverable, "absent".into());
    assert_eq!(world.ended(), [(1, State::Delivered), (2, State::Undeliverable)]);
    world.pass(Duration::from_secs(7_200));
    assert_eq!(world.ended(), [(3, State::Timeout)]);
}

#[test]
fn one_destination_gets_so_many_a_second() {
    let config = LanesConfig { rate: 10, ..LanesConfig::default() };
    let mut world = World { now: START, lanes: Lanes::new(config) };
    for seq in 1..=100 {
        world.lanes.handle_accepted(START, Arc::new(message(seq, "a")), SMS);
    }
    let mut sent = 0;
    while world.now < START + Duration::from_secs(3) {
        while let Some(seq) = world.next() {
            world.verdict(seq, Verdict::Delivered);
            sent += 1;
        }
        world.pass(Duration::from_millis(10));
    }
    assert!((29..=32).contains(&sent), "{sent} in three seconds");
}

#[test]
fn rows_are_read_as_they_were_written_and_no_other_bytes_are_a_row() {
    let mut full = message(7, "+15550100");
    full.notify = Some("http://127.0.0.1/r".into());
    full.version = strowger_messaging::pap::Version::V2_1;
    full.confirm = true;
    full.priority = Priority::High;
    full.replaces = Some(Replaced { seq: Seq(3), gone: Gone::Drop });
    let row = full.to_row();
    assert_eq!(Message::of_row(Seq(7), &row), Some(full));
    for end in 0..row.len() {
        assert_eq!(Message::of_row(Seq(7), &row[..end]), None, "cut off at {end}");
    }
}

fn push(id: &str) -> Push {
    Push { messages: vec![Message { push_id: id.into(), ..message(0, "a") }] }
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_full_queue_says_so() {
    let (sender, mut accepted) = mpsc::unbounded_channel();
    let config = WriterConfig { messages: 3, ..WriterConfig::default() };
    let (queue, _, _thread) = queue::start(QueueStore::in_memory().unwrap(), config, sender).unwrap();
    let verdicts = queue.accept(vec![push("a"), push("b"), push("a"), push("c")]).await;
    assert_eq!(verdicts[0], Ok(Seq(1)));
    assert_eq!(verdicts[1], Ok(Seq(2)));
    assert_eq!(verdicts[2], Err(Refusal::Duplicate));
    assert_eq!(verdicts[3], Err(Refusal::Full), "the third place was asked for by the second a");
    assert_eq!(queue.accept(vec![push("c")]).await, [Ok(Seq(3))], "and is free again");
    assert_eq!(queue.accept(vec![push("d")]).await, [Err(Refusal::Full)]);
    let first = accepted.recv().await.unwrap();
    assert_eq!(first.iter().map(|message| message.push_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn what_ended_is_forgotten_after_its_time_and_its_name_may_be_used_again() {
    let (sender, mut accepted) = mpsc::unbounded_channel();
    let config = WriterConfig { remember: Duration::ZERO, ..WriterConfig::default() };
    let (queue, _, _thread) = queue::start(QueueStore::in_memory().unwrap(), config, sender).unwrap();
    queue.accept(vec![push("a")]).await;
    let message = accepted.recv().await.unwrap().remove(0);
    let ending = queue::Ending { state: State::Delivered, code: 1000, detail: String::new(), at: 1 };
    let (done, told) = tokio::sync::oneshot::channel();
    let after = Box::new(move || done.send(()).unwrap_or_default());
    queue.end(Arc::clone(&message), ending, false, false, Some(after));
    told.await.unwrap();
    assert!(queue.store().look("pi", "a").unwrap().is_some());
    assert_eq!(queue.accept(vec![push("a")]).await, [Err(Refusal::Duplicate)]);
    queue.forget();
    assert_eq!(queue.accept(vec![push("b")]).await, [Ok(Seq(2))]);
    assert_eq!(queue.store().look("pi", "a").unwrap(), None);
    assert_eq!(queue.accept(vec![push("a")]).await, [Ok(Seq(3))]);
}

/// Where the child keeps its queue.
const CHILD: &str = "STROWGER_TEST_QUEUE";
const ROUNDS: u64 = 20;

#[test]
#[ignore = "the other process of `what_was_accepted_survives_twenty_kills`"]
fn the_process_that_accepts_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { panic!("{CHILD} is not set") };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (sender, _accepted) = mpsc::unbounded_channel();
        let store = QueueStore::open(path.as_ref()).unwrap();
        let (queue, restored, _thread) = queue::start(store, WriterConfig::default(), sender).unwrap();
        let first = restored.next;
        let writers = (0..16).map(|writer| {
            let queue = queue.clone();
            async move {
                for number in 0.. {
                    let id = format!("{first}-{writer}-{number}");
                    assert!(queue.accept(vec![push(&id)]).await[0].is_ok());
                    println!("\naccepted {id}");
                }
            }
        });
        let mut all = tokio::task::JoinSet::new();
        writers.for_each(|writer| drop(all.spawn(writer)));
        all.join_next().await;
    });
}

#[test]
fn what_was_accepted_survives_twenty_kills() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("push.redb");
    let mut rng = Rng::from_number(20);
    let mut told = BTreeSet::new();
    for _ in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_accepts_until_it_is_killed", "--ignored", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = told.len() + 20 + usize::try_from(rng.below(200)).unwrap();
        let mut read = |told: &mut BTreeSet<String>| {
            let line = lines.next()?.ok()?;
            told.extend(line.strip_prefix("accepted ").map(ToOwned::to_owned));
            Some(())
        };
        while told.len() < enough {
            read(&mut told).expect("the child accepts until it is killed");
        }
        // SIGKILL. What it had said before it died still comes out of the pipe.
        child.kill().unwrap();
        while read(&mut told).is_some() {}
        child.wait().unwrap();
    }
    let restored = QueueStore::open(&path).unwrap().restore().unwrap();
    let kept: BTreeSet<_> = restored.pending.iter().map(|message| message.push_id.clone()).collect();
    let lost: Vec<_> = told.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), told.len());
    assert_eq!(kept.len(), restored.pending.len(), "none is there twice");
    assert!(told.len() >= 400, "{}", told.len());
}
