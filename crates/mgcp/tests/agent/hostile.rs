//! Bad input from a listed gateway: an answer or silence, never harm.

use proptest::prelude::*;

use crate::stage::{SECOND, Stage, create, off_hook};

/// Legal messages to be damaged.
const SAMPLES: [&str; 6] = [
    "NTFY 50 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd, D/1\r\n",
    "RSIP 51 *@gw1.town MGCP 1.0\r\nRM: restart\r\nRD: 5\r\n",
    "DLCX 52 aaln/1@gw1.town MGCP 1.0\r\nC: A\r\nI: B\r\nE: 900\r\nP: PS=1\r\n",
    "200 53 OK\r\nI: A\r\n\r\nv=0\r\n",
    "100 54\r\n.\r\n200 54 OK\r\nK:\r\n",
    "MESG 55 aaln/1@gw1.town MGCP 1.0\r\nX-A: \"quoted\r\ntext\"\r\n",
];

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let sample =
        (0..SAMPLES.len(), proptest::collection::vec((any::<usize>(), any::<u8>()), 0..6), any::<usize>());
    let broken = sample.prop_map(|(index, changes, cut)| {
        let mut bytes = SAMPLES[index].as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(cut % (2 * bytes.len()) + 1);
        bytes
    });
    prop_oneof![4 => broken, 1 => proptest::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever a gateway sends, each datagram gets at most one datagram for each of its messages, and every operation ends.
    #[test]
    fn damaged_datagrams_do_no_harm(inputs in proptest::collection::vec(damaged(), 1..30)) {
        let mut stage = Stage::up(1);
        stage.rqnt(1, "aaln/1", off_hook(), 1);
        stage.crcx(1, "aaln/2", create(), 2);
        stage.take();
        for input in &inputs {
            stage.arrives(crate::stage::address(1), input);
            prop_assert!(stage.take().len() <= input.len() / 3 + 2);
        }
        stage.run(130 * SECOND);
        let ended = stage.events.iter().filter(|event| {
            use strowger_mgcp::agent::Event::{Completed, Failed};
            matches!(event, Completed { tag: 1 | 2, .. } | Failed { tag: 1 | 2, .. })
        });
        prop_assert_eq!(ended.count(), 2);
    }
}

#[test]
fn a_datagram_as_large_as_they_come_is_survived() {
    let mut stage = Stage::up(1);
    let mut bytes = b"NTFY 50 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: ".to_vec();
    while bytes.len() < 65_000 {
        bytes.extend_from_slice(b"D/1, ");
    }
    stage.arrives(crate::stage::address(1), &bytes);
    let answer = stage.one();
    assert_eq!(answer.id(), 50);
    assert!(answer.text.len() < 100, "no copied input");
    let flood = b"NTFY 1 aaln/1@gw1.town MGCP 1.0\r\nX: 0\r\nO: L/hd\r\n.\r\n".repeat(1000);
    stage.arrives(crate::stage::address(1), &flood);
    let bytes: usize = stage.take().iter().map(|sent| sent.text.len()).sum();
    assert!(bytes <= flood.len());
}

#[test]
fn a_gateway_that_floods_is_refused_when_its_share_of_memory_is_used_up() {
    let mut config = crate::stage::config();
    // Room for a hundred commands with their answers.
    config.limits.transactions.memory = 10_600;
    config.limits.transactions.pool = 0;
    let mut stage = Stage::with(config, 2, strowger_mgcp::dialect::Dialect::RFC3435);
    for id in 1..=500 {
        stage.says(1, &format!("NTFY {id} aaln/{id}@gw1.town MGCP 1.0\r\nX: 5\r\nO: L/hd\r\n"));
    }
    let refused = stage.take().iter().filter(|sent| sent.word() == "409").count();
    assert_eq!(refused, 400);
    stage.restart(2);
    assert_eq!(stage.one().word(), "200", "the other gateway has a share of its own");
}

#[test]
fn what_a_gateway_said_is_not_heard_again_when_it_is_replayed() {
    let mut stage = Stage::up(1);
    let request = stage.watch(1, "aaln/1");
    let said = [
        format!("NTFY 50 aaln/1@gw1.town MGCP 1.0\r\nX: {request}\r\nO: L/hd\r\n"),
        "DLCX 51 aaln/1@gw1.town MGCP 1.0\r\nC: A\r\nI: B\r\nE: 900\r\n".to_owned(),
        "RSIP 52 aaln/2@gw1.town MGCP 1.0\r\nRM: forced\r\n".to_owned(),
    ];
    let mut answers = Vec::new();
    for text in &said {
        stage.says(1, text);
        answers.push(stage.one().text);
    }
    assert_eq!(stage.story().len(), 3);
    for _ in 0..20 {
        for (text, answer) in said.iter().zip(&answers).rev() {
            stage.says(1, text);
            assert_eq!(stage.one().text, *answer);
        }
    }
    assert_eq!(stage.story(), [""; 0]);
    // After T-HIST a repeated number is a new command (RFC 3435 section 3.5.1): a notification still needs the current request.
    stage.watch(1, "aaln/1");
    stage.run(31 * SECOND);
    stage.take();
    stage.events.clear();
    stage.says(1, &said[0]);
    assert_eq!(stage.story(), [""; 0]);
    assert_eq!(stage.agent.counters().stale_notifications, 1);
}

#[test]
fn a_message_of_a_gateway_with_any_octet_changed_ends_no_operation_that_it_does_not_answer() {
    let mut stage = Stage::up(1);
    for sample in SAMPLES {
        stage.crcx(1, "aaln/2", create(), 2);
        let command = stage.take().pop().unwrap();
        for place in 0..sample.len() {
            for octet in *b"\0\t\n\r \"$()*,-./0123456789:;=@AX[]z{\x80\xc3\xff" {
                let mut changed = sample.as_bytes().to_vec();
                changed[place] = octet;
                stage.arrives(crate::stage::address(1), &changed);
                assert!(stage.take().len() <= 2, "{}", changed.escape_ascii());
            }
        }
        let ended = |event: &strowger_mgcp::agent::Event<u32>| {
            use strowger_mgcp::agent::Event::{Completed, Failed};
            matches!(event, Completed { tag: 2, .. } | Failed { tag: 2, .. })
        };
        // A restart of all endpoints voids what is under way, be its sender honest or not.
        let restarted = sample.starts_with("RSIP");
        assert_eq!(stage.events.iter().any(ended), restarted, "{sample}");
        if !restarted {
            stage.answers(1, &command, "200", "I: 1F\r\n");
            assert!(stage.events.iter().any(ended));
        }
        stage.run(40 * SECOND);
        stage.take();
        stage.events.clear();
        stage.restart(1);
        stage.take();
        stage.events.clear();
    }
}
