//! One suite for every kind of store: what one promises, all keep.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use strowger_node::store::{
    Change, Embedded, Expect, Limits, Memory, Outcome, Revision, Store, StoreError, Txn, Watch,
};

/// Short limits, so that the suite reaches them.
fn limits() -> Limits {
    Limits { key_bytes: 40, value_bytes: 1000, operations: 8, history: 20, page: 5 }
}

/// Runs a story against each kind of store.
fn each(story: impl Fn(&dyn Fn() -> Arc<dyn Store>)) {
    story(&|| Arc::new(Memory::new(limits())));
    let directory = tempfile::tempdir().unwrap();
    let files = std::cell::Cell::new(0);
    story(&|| {
        files.set(files.get() + 1);
        let path = directory.path().join(format!("{}.redb", files.get()));
        Arc::new(Embedded::open(&path, limits()).unwrap())
    });
}

fn put(store: &dyn Store, key: &str, value: &str) -> Revision {
    match store.txn(&Txn::new().put(key, value)).unwrap() {
        Outcome::Committed(revision) => revision,
        refused @ Outcome::Refused { .. } => panic!("{refused:?}"),
    }
}

fn value(store: &dyn Store, key: &str) -> Option<String> {
    store.get(key).unwrap().map(|entry| String::from_utf8(entry.value).unwrap())
}

fn at_once(watch: &mut dyn Watch) -> Option<Change> {
    watch.next(Duration::ZERO).unwrap()
}

#[test]
fn what_was_put_is_read_until_it_is_deleted() {
    each(|fresh| {
        let store = fresh();
        assert_eq!(store.get("a").unwrap(), None);
        let first = put(&*store, "a", "1");
        let entry = store.get("a").unwrap().unwrap();
        assert_eq!((entry.key.as_str(), entry.value.as_slice(), entry.revision), ("a", &b"1"[..], first));
        let second = put(&*store, "a", "2");
        assert_eq!(second, first.next());
        assert_eq!(value(&*store, "a").as_deref(), Some("2"));
        store.txn(&Txn::new().delete("a")).unwrap();
        assert_eq!(store.get("a").unwrap(), None);
    });
}

#[test]
fn a_transaction_happens_whole_or_not_at_all() {
    each(|fresh| {
        let store = fresh();
        let first = put(&*store, "owner", "n1");
        let take = |at| {
            let txn = Txn::new().expect("owner", Expect::At(at)).put("owner", "n2").put("taken", "yes");
            store.txn(&txn).unwrap()
        };
        assert_eq!(take(first), Outcome::Committed(first.next()));
        let refused = take(first);
        let Outcome::Refused { key, current } = refused else { panic!("{refused:?}") };
        assert_eq!((key.as_str(), current.unwrap().revision), ("owner", first.next()));

        let refused = store.txn(&Txn::new().expect("owner", Expect::Absent).put("x", "1").delete("taken"));
        assert!(matches!(refused, Ok(Outcome::Refused { .. })));
        assert_eq!((value(&*store, "x"), value(&*store, "taken").as_deref()), (None, Some("yes")));
        let refused = store.txn(&Txn::new().expect("nothing", Expect::Present).put("x", "1")).unwrap();
        assert_eq!(refused, Outcome::Refused { key: "nothing".into(), current: None });
        assert_eq!(store.list("", None, 9).unwrap().1, first.next(), "a refusal makes no revision");
    });
}

#[test]
fn a_transaction_that_changes_nothing_makes_no_revision() {
    each(|fresh| {
        let store = fresh();
        let first = put(&*store, "a", "1");
        assert_eq!(store.txn(&Txn::new().delete("never")).unwrap(), Outcome::Committed(first));
        assert_eq!(store.txn(&Txn::new()).unwrap(), Outcome::Committed(first));
        assert_eq!(put(&*store, "a", "1"), first.next(), "a put of the same value is a change");
    });
}

#[test]
fn a_list_holds_the_prefix_in_order_and_continues_where_it_ended() {
    each(|fresh| {
        let store = fresh();
        for key in ["call/9", "call/1", "call", "call0", "cdr/1", "call/5"] {
            put(&*store, key, key);
        }
        let keys = |prefix: &str, after: Option<&str>, limit| {
            let (entries, _) = store.list(prefix, after, limit).unwrap();
            entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>()
        };
        assert_eq!(keys("call/", None, 9), ["call/1", "call/5", "call/9"]);
        assert_eq!(keys("call/", None, 2), ["call/1", "call/5"]);
        assert_eq!(keys("call/", Some("call/5"), 2), ["call/9"]);
        assert_eq!(keys("call/", Some("a"), 1), ["call/1"], "before the prefix is its beginning");
        assert_eq!(keys("call/", Some("call/9"), 9), [""; 0]);
        assert_eq!(keys("call/", Some("z"), 9), [""; 0]);
        assert_eq!(keys("", None, 99).len(), 5, "a page");
    });
}

#[test]
fn limits_are_those_of_every_kind() {
    each(|fresh| {
        let store = fresh();
        let refused = |txn: Txn| {
            assert!(matches!(store.txn(&txn), Err(StoreError::Invalid(_))), "{txn:?}");
        };
        refused(Txn::new().put("", "x"));
        refused(Txn::new().put("k".repeat(41), "x"));
        refused(Txn::new().put("k", vec![0; 1001]));
        refused(Txn::new().put("k", "1").put("k", "2"));
        refused(Txn::new().put("k", "1").delete("k"));
        refused((0..9).fold(Txn::new(), |txn, n| txn.put(n.to_string(), "x")));
        refused(Txn::new().expect("", Expect::Absent));
        put(&*store, &"k".repeat(40), &"v".repeat(1000));
        assert_eq!(store.list("", None, 9).unwrap().0.len(), 1);
    });
}

#[test]
fn a_watch_sees_each_change_of_its_prefix_once_and_in_order() {
    each(|fresh| {
        let store = fresh();
        put(&*store, "call/1", "a");
        let (_, seen) = store.list("call/", None, 9).unwrap();
        let mut all = store.watch("", Revision::ZERO).unwrap();
        let mut calls = store.watch("call/", seen.next()).unwrap();
        put(&*store, "line/1", "b");
        let txn = Txn::new().put("call/2", "c").put("cdr/1", "d").delete("call/1");
        store.txn(&txn).unwrap();

        let first = at_once(&mut *calls).unwrap();
        assert_eq!((first.key.as_str(), first.value.as_deref()), ("call/2", Some(&b"c"[..])));
        let second = at_once(&mut *calls).unwrap();
        assert_eq!((second.key.as_str(), second.value), ("call/1", None));
        assert_eq!(first.revision, second.revision);
        assert_eq!(at_once(&mut *calls), None);
        put(&*store, "call/3", "e");
        assert_eq!(at_once(&mut *calls).unwrap().key, "call/3");

        let mut keys = Vec::new();
        while let Some(change) = at_once(&mut *all) {
            keys.push(change.key);
        }
        assert_eq!(keys, ["call/1", "line/1", "call/2", "cdr/1", "call/1", "call/3"]);
    });
}

#[test]
fn a_watcher_that_waits_is_woken_by_the_change() {
    each(|fresh| {
        let store = fresh();
        let mut watch = store.watch("a", Revision::ZERO).unwrap();
        let writer = Arc::clone(&store);
        let thread = std::thread::spawn(move || put(&*writer, "a", "1"));
        let change = watch.next(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!((change.key.as_str(), change.revision), ("a", thread.join().unwrap()));
    });
}

#[test]
fn history_is_bounded_and_a_late_reader_is_told_so() {
    each(|fresh| {
        let store = fresh();
        put(&*store, "k", "first");
        let mut slow = store.watch("", Revision::ZERO).unwrap();
        for n in 0..30 {
            put(&*store, "k", &n.to_string());
        }
        let gone = slow.next(Duration::ZERO).unwrap_err();
        assert!(matches!(gone, StoreError::Compacted(Revision(12))), "{gone}");
        assert!(matches!(store.watch("", Revision(11)), Err(StoreError::Compacted(Revision(12)))));
        assert!(matches!(store.watch("", Revision::ZERO), Err(StoreError::Compacted(_))));
        let mut watch = store.watch("", Revision(12)).unwrap();
        let mut count = 0;
        while at_once(&mut *watch).is_some() {
            count += 1;
        }
        assert_eq!(count, 20);
        assert_eq!(value(&*store, "k").as_deref(), Some("29"), "values stay");
    });
}

#[test]
fn of_two_that_compare_and_set_one_wins() {
    each(|fresh| {
        let store = fresh();
        let threads: Vec<_> = (0..4)
            .map(|n: u32| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    let txn = Txn::new().expect("owner", Expect::Absent).put("owner", n.to_string());
                    matches!(store.txn(&txn).unwrap(), Outcome::Committed(_))
                })
            })
            .collect();
        let won = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count();
        assert_eq!(won, 1);
    });
}

#[test]
fn a_file_keeps_values_revisions_and_history_across_opening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("town.redb");
    let open = || Embedded::open(&path, limits()).unwrap();
    let last = {
        let store = open();
        put(&store, "a", "1");
        put(&store, "b", "2")
    };
    let store = open();
    assert_eq!(store.get("b").unwrap().unwrap().revision, last);
    assert_eq!(at_once(&mut *store.watch("b", Revision::ZERO).unwrap()).unwrap().revision, last);
    assert_eq!(put(&store, "c", "3"), last.next());
}

#[test]
fn a_file_that_is_no_store_or_in_use_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("town.redb");
    let first = Embedded::open(&path, limits()).unwrap();
    let refusal = Embedded::open(&path, limits()).err().unwrap();
    assert_eq!(refusal.to_string(), "another process has the store open");
    put(&first, "a", "1");

    let other = directory.path().join("notes.txt");
    std::fs::write(&other, "these are notes\n".repeat(1000)).unwrap();
    let refusal = Embedded::open(&other, limits()).err().unwrap();
    assert!(matches!(&refusal, StoreError::Unusable(_)), "{refusal:?}");
    assert!(std::fs::read_to_string(&other).unwrap().starts_with("these are notes"), "and left alone");
}
