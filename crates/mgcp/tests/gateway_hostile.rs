//! Enemies of a gateway: replayed and forged messages, commands with anything wrong in them, datagrams that ask for memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gateway_support;

use allocation_counter::measure;
use gateway_support::{AGENT, Bench, STRANGER, Text, remote};
use strowger_mgcp::gateway::GatewaySnapshot;
use strowger_sansio::Rng;

/// The same address as that of the stranger, in another form.
const STRANGER_MAPPED: &str = "[::ffff:127.0.0.66]:2727";

/// A call as a gateway sees it: each command of the call agent with its answer.
fn conversation(bench: &mut Bench) -> Vec<(String, Text)> {
    let mut said = Vec::new();
    let mut say = |bench: &mut Bench, verb: &str, endpoint: &str, body: &str| {
        let datagram = format!(
            "{verb} {} {endpoint}@gw.town MGCP 1.0\r\n{}\r\n",
            bench.id(),
            body.replace('\n', "\r\n")
        );
        let mut answers = bench.give_bytes(AGENT, datagram.as_bytes());
        assert_eq!(answers.len(), 1, "{datagram}");
        let answer = answers.remove(0);
        assert!(matches!(answer.code(), 200 | 250), "{datagram}{}", answer.0);
        said.push((datagram, answer.clone()));
        answer
    };
    say(bench, "RQNT", "aaln/1", "X: A1\nR: L/hd(N)");
    let created = say(bench, "CRCX", "aaln/1", "C: 1F\nM: recvonly\nL: a:PCMU, p:20");
    let id = created.get("I").unwrap();
    say(bench, "MDCX", "aaln/1", &format!("C: 1F\nI: {id}\nM: sendrecv\n{}", remote(4000, "0")));
    say(bench, "RQNT", "aaln/1", "X: A2\nR: L/hd(N)\nS: L/vmwi(+)");
    say(bench, "MDCX", "aaln/1", &format!("C: 1F\nI: {id}\nM: inactive"));
    say(bench, "DLCX", "aaln/1", &format!("C: 1F\nI: {id}"));
    say(bench, "RQNT", "aaln/1", "X: A3\nR: L/hd(N)\nS: L/vmwi(-)");
    said
}

#[test]
fn a_replayed_conversation_gets_its_answers_from_memory_and_changes_nothing() {
    let mut bench = Bench::new();
    let mut said = conversation(&mut bench);
    let (state, media, counters) = (bench.gateway.snapshot(), bench.plane.state(), *bench.gateway.counters());
    let mut rng = Rng::from_number(1);
    for round in 0..20 {
        // As it was, backwards, and in any order.
        match round {
            0 => {}
            1 => said.reverse(),
            _ => said.sort_by_cached_key(|_| rng.next_u64()),
        }
        for (datagram, answer) in &said {
            assert_eq!(
                bench.give_bytes(AGENT, datagram.as_bytes()),
                std::slice::from_ref(answer),
                "{datagram}"
            );
        }
        bench.pass_secs(1);
    }
    assert_eq!((bench.gateway.snapshot(), bench.plane.state()), (state, media));
    assert_eq!(bench.gateway.counters().executed, counters.executed, "nothing was executed again");
}

#[test]
fn what_a_call_has_left_behind_is_not_found_by_a_replay_after_t_hist() {
    // A command repeated after T-HIST is a new one (RFC 3435 section 3.5.1); the names in it are of no use by then.
    let mut bench = Bench::new();
    let said = conversation(&mut bench);
    bench.pass_secs(31);
    let (state, media) = (bench.gateway.snapshot(), bench.plane.state());
    for (datagram, _) in
        said.iter().filter(|(datagram, _)| datagram.starts_with("MDCX") || datagram.starts_with("DLCX"))
    {
        let answers = bench.give_bytes(AGENT, datagram.as_bytes());
        assert_eq!(answers.iter().map(Text::code).collect::<Vec<_>>(), [515], "{datagram}");
    }
    assert_eq!((bench.gateway.snapshot(), bench.plane.state()), (state, media));
}

#[test]
fn forged_commands_from_elsewhere_change_nothing_and_are_not_answered() {
    let mut bench = Bench::new();
    let said = conversation(&mut bench);
    bench.off_hook(0);
    bench.notified();
    let (state, media) = (bench.gateway.snapshot(), bench.plane.state());
    for from in [STRANGER, STRANGER_MAPPED, "127.0.0.66:1"] {
        for (datagram, answer) in &said {
            let fresh = datagram.replacen(datagram.split(' ').nth(1).unwrap(), "777", 1);
            for forged in [datagram, &fresh, &answer.0] {
                assert_eq!(bench.give_bytes(from, forged.as_bytes()), [], "{forged}");
            }
        }
    }
    assert_eq!((bench.gateway.snapshot(), bench.plane.state()), (state, media));
    assert_eq!(bench.gateway.counters().unlisted_sources, 3 * 3 * said.len() as u64);
}

#[test]
fn forged_answers_do_not_end_a_notification() {
    let mut bench = Bench::new();
    bench.good("RQNT", "aaln/1", "X: A1\nR: L/hd(N)");
    bench.off_hook(0);
    let notification = bench.notified();
    let id: u32 = notification.transaction().parse().unwrap();
    let (state, media) = (bench.gateway.snapshot(), bench.plane.state());
    let mut rng = Rng::from_number(2);
    for guess in 0..20_000 {
        // Near the right number, and anywhere.
        let number =
            if guess < 1000 { id.saturating_sub(500) + guess } else { 1 + rng.next_u32() % 999_999_999 };
        if number != id && number > 0 {
            let code = [200, 250, 400, 510, 521, 100][guess as usize % 6];
            assert_eq!(bench.give_bytes(AGENT, format!("{code} {number} OK\r\n").as_bytes()), []);
        }
        assert_eq!(bench.give_bytes(STRANGER, format!("200 {id} OK\r\n").as_bytes()), []);
    }
    assert_eq!((bench.gateway.snapshot(), bench.plane.state()), (state, media));
    bench.pass_secs(5);
    assert!(!bench.take_all("NTFY").is_empty(), "it is sent again");
    bench.answer(200, &notification);
    bench.pass_secs(3);
    assert_eq!(bench.take_all("NTFY"), []);
}

/// Commands that succeed, with `ID` for a fresh number.
fn templates() -> Vec<String> {
    let with = |verb: &str, endpoint: &str, rest: &str| {
        format!("{verb} ID {endpoint}@gw.town MGCP 1.0\n{rest}\n").replace('\n', "\r\n")
    };
    vec![
        with(
            "RQNT",
            "aaln/1",
            "N: ca@[127.0.0.1]:2727\nX: A1\nR: L/hd(N), L/oc(N,K)\nS: L/vmwi(+)\nD: (2xxx|9x.T)",
        ),
        with("RQNT", "aaln/2", "X: A2\nR: L/hd(E(R(L/hu(N),D/[0-9#T](D)),S(L/dl)))\nQ: loop,discard"),
        with(
            "CRCX",
            "relay/$",
            &format!("C: 1F\nL: a:PCMU, p:20, e:off\nM: sendrecv\n{}", remote(4000, "0 96")),
        ),
        with("DLCX", "*", ""),
        with("AUEP", "aaln/1", "F: A, R, S, D, X, I, O, T, B/NS"),
        with("EPCF", "aaln/2", "B: e:mu"),
    ]
}

/// Gives a changed command, and requires that a refusal or silence has changed nothing. Says whether it was carried out.
fn give_changed(bench: &mut Bench, state: &mut (GatewaySnapshot, String), changed: &[u8]) -> bool {
    let answers = bench.give_bytes(AGENT, changed);
    let shown = || changed.escape_ascii().to_string();
    assert!(answers.len() <= 2, "{}", shown());
    let octets: usize = answers.iter().map(|answer| answer.0.len()).sum();
    assert!(octets <= 1500, "{}", shown());
    let executed = answers.iter().any(|answer| answer.verb().len() == 3 && answer.code() < 300);
    let after = (bench.gateway.snapshot(), bench.plane.state());
    assert!(executed || after == *state, "changed by {}", shown());
    *state = after;
    executed
}

#[test]
fn a_command_with_any_octet_changed_is_carried_out_or_changes_nothing() {
    let mut bench = Bench::new();
    let (mut executed, mut refused) = (0, 0);
    for template in templates() {
        let id = bench.id();
        let whole = bench.give_bytes(AGENT, template.replace("ID", &id.to_string()).as_bytes());
        assert!(
            whole.iter().any(|answer| answer.verb().len() == 3 && answer.code() < 300),
            "{template}{whole:?}"
        );
        let mut state = (bench.gateway.snapshot(), bench.plane.state());
        for place in 0..template.len() {
            for octet in *b"\0\t\n\r \"$()*,-./09:;=@AX[]z{\x80\xc3\xff" {
                let mut text = template.replace("ID", &format!("{:06}", bench.id())).into_bytes();
                let place = place.min(text.len() - 1);
                text[place] = octet;
                if !give_changed(&mut bench, &mut state, &text) {
                    refused += 1;
                    continue;
                }
                executed += 1;
                if !bench.plane.open.is_empty() {
                    // There is room for a few connections only.
                    bench.good("DLCX", "*", "");
                    state = (bench.gateway.snapshot(), bench.plane.state());
                }
            }
        }
        // All is forgotten, and what was sent by itself is looked at.
        bench.pass_secs(40);
        bench.sent.clear();
    }
    assert!(executed > 1000 && refused > 1000, "{executed} {refused}");
    assert_eq!(bench.good("DLCX", "*", "").code(), 250);
    assert!(bench.plane.open.is_empty());
}

#[test]
fn a_command_cut_off_anywhere_is_carried_out_or_changes_nothing() {
    let mut bench = Bench::new();
    let mut state = (bench.gateway.snapshot(), bench.plane.state());
    for template in templates() {
        for end in 0..template.len() {
            let text = template[..end].replace("ID", &bench.id().to_string());
            let executed = give_changed(&mut bench, &mut state, text.as_bytes());
            assert!(!executed || text.ends_with('\n'), "accepted by guess: {text:?}");
        }
    }
}

/// What crashed other call agents, gateways and the firewalls between them was malformed or merely unusual MGCP; what exactly
/// was not published. Each class of it is here, and the next command is answered as ever.
#[test]
fn cve_2010_0601_and_cve_2007_5568_crafted_messages_leave_the_gateway_in_service() {
    let mut bench = Bench::new();
    let (state, media) = (bench.gateway.snapshot(), bench.plane.state());
    let long = |start: &str, again: &str| format!("{start}{}", again.repeat(65_000 / again.len()));
    let crafted = [
        String::new(),
        "\r\n".to_owned(),
        ".\r\n".repeat(20_000),
        long("", "A"),
        long("RQNT 1 ", "aaln/1/"),
        long("RQNT 2 aaln/1@", "gw."),
        long("RQNT 3 aaln/1@gw.town MGCP 1.0\r\nX: ", "F"),
        long("RQNT 4 aaln/1@gw.town MGCP 1.0\r\nX: 1\r\nR: ", "L/hd("),
        long("RQNT 5 aaln/1@gw.town MGCP 1.0\r\nX: 1\r\nS: L/ci(\"", "\"\""),
        long("RQNT 6 aaln/1@gw.town MGCP 1.0\r\nX: 1\r\nD: (", "[0-"),
        long("CRCX 7 aaln/1@gw.town MGCP 1.0\r\nC: 1\r\nM: recvonly\r\nL: ", "a:;"),
        long("CRCX 8 aaln/1@gw.town MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n\r\nv=0\r\n", "m=\r\n"),
        "CRCX 99999999999999999999 aaln/1@gw.town MGCP 1.0\r\n".to_owned(),
        "CRCX 9 aaln/1@gw.town MGCP 4294967296.0\r\nC: 1\r\nM: recvonly\r\n".to_owned(),
        "%n%n%n%n %s%s %x %d\r\n".to_owned(),
        "200 0 OK\r\n".to_owned(),
        "999 5 ?\r\nK: 0-999999999, 5-1\r\n".to_owned(),
    ];
    for text in &crafted {
        for answer in bench.give_bytes(AGENT, text.as_bytes()) {
            assert!(answer.code() >= 400, "{}", answer.0);
            assert!(answer.0.len() < 300, "no input is sent back");
        }
    }
    assert_eq!((bench.gateway.snapshot(), bench.plane.state()), (state, media));
    assert_eq!(bench.good("AUEP", "aaln/1", "").code(), 200);
}

#[test]
fn a_datagram_asks_for_no_more_memory_than_its_length_allows() {
    // The most: 16 octets for each that came, and the bookkeeping of one command.
    let most = |length: usize| 16 * length as u64 + 64 * 1024;
    let fill = |start: &str, again: &str, end: &str| {
        format!("{start}{}{end}", again.repeat((65_000 - start.len() - end.len()) / again.len()))
    };
    let inputs = [
        fill("RQNT 1 aaln/1@gw.town MGCP 1.0\r\nX: 1\r\nR: L/hd(N)", ", L/hd(N)", "\r\n"),
        fill("RQNT 2 aaln/1@gw.town MGCP 1.0\r\nX: 1\r\nS: L/vmwi", ",L/vmwi", "\r\n"),
        fill("RQNT 3 aaln/1@gw.town MGCP 1.0\r\nX: 1\r\nD: (1", "|xx.", ")\r\n"),
        fill("RQNT 4 aaln/1@gw.town MGCP 1.0\r\nX: 1\r\n", "X-a: b\r\n", ""),
        fill("CRCX 5 aaln/1@gw.town MGCP 1.0\r\nC: 1\r\nM: recvonly\r\nL: a:PCMU", ";PCMU", "\r\n"),
        fill(
            "CRCX 6 aaln/1@gw.town MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n\r\nv=0\r\nc=IN IP4 127.0.0.7\r\nm=audio 4000 RTP/AVP 0\r\n",
            "a=x:y\r\n",
            "",
        ),
        fill("AUEP 7 aaln/1@gw.town MGCP 1.0\r\nF: A", ",A", "\r\n"),
        fill("", "AUEP 8 aaln/1@gw.town MGCP 1.0\r\n.\r\n", ""),
        fill("AUEP 9 aaln/1@gw.town MGCP 1.0\r\nK: 1", ", 1-999999999", "\r\n"),
    ];
    for input in inputs {
        let mut bench = Bench::new();
        let used = measure(|| {
            bench.give_bytes(AGENT, input.as_bytes());
        });
        let shown = &input[..60];
        assert!(
            used.bytes_max <= most(input.len()),
            "{shown}: {} octets for {}",
            used.bytes_max,
            input.len()
        );
        // What stays is the answer that is remembered and, of a command that was carried out, its state.
        assert!(
            used.bytes_current <= 2 * input.len() as i64 + 16 * 1024,
            "{shown}: keeps {}",
            used.bytes_current
        );
    }
}
