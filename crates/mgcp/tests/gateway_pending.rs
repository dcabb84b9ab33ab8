//! Commands for which the media need time: provisional responses, aborts, and what overtakes what (RFC 3435 sections 3.5.6 and 4.4.4).

mod gateway_support;

use gateway_support::{Bench, Plane, config, remote};
use strowger_mgcp::gateway::{ConnectionHandle, MediaEvent, MediaFault, Shutdown};
use strowger_sansio::Duration;

const LINE: &str = "aaln/1";
const RELAY: &str = "relay/1";
/// Longer than a command may execute without a word, and shorter than its sender waits.
const SHORTLY: Duration = Duration::from_millis(150);

/// A bench whose connections take their time.
fn slow() -> Bench {
    let mut bench = Bench::new();
    bench.plane.slow = true;
    bench
}

/// The connection that was opened last.
fn newest(bench: &Bench) -> ConnectionHandle {
    *bench.plane.open.keys().last().expect("an open connection")
}

/// A connection that exists already.
fn existing(bench: &mut Bench, endpoint: &str) -> String {
    let slow = std::mem::replace(&mut bench.plane.slow, false);
    let id = bench.good("CRCX", endpoint, "C: 1\nM: recvonly").get("I").expect("an identifier");
    bench.plane.slow = slow;
    id
}

#[test]
fn a_creation_that_takes_long_is_announced_with_what_is_known_and_ends_with_the_same() {
    let mut bench = slow();
    let id = bench.begin("CRCX", LINE, "C: 1\nM: recvonly");
    bench.pass(SHORTLY);
    let provisional = bench.answered(id);
    assert_eq!(provisional.code(), 100);
    assert!(provisional.get("K").is_none());
    assert!(provisional.sdp()[0].contains("m=audio "), "{}", provisional.0);
    bench.settle(newest(&bench));
    let last = bench.answered(id);
    assert_eq!(last.code(), 200);
    assert_eq!(last.get("K").as_deref(), Some(""));
    assert_eq!(last.get("I"), provisional.get("I"));
    assert_eq!(last.sdp(), provisional.sdp());
    // The answer is repeated until it is acknowledged.
    bench.pass_secs(1);
    assert!(bench.answers(id).iter().all(|again| again.0 == last.0));
    bench.give(&format!("000 {id}\n"));
    bench.pass_secs(10);
    assert!(bench.answers(id).is_empty());
    assert_eq!(bench.view(0).connections.len(), 1);
}

#[test]
fn a_creation_that_is_done_soon_is_answered_once() {
    let mut bench = slow();
    let id = bench.begin("CRCX", LINE, "C: 1\nM: recvonly");
    bench.pass(Duration::from_millis(50));
    bench.settle(newest(&bench));
    let last = bench.answered(id);
    assert_eq!((last.code(), last.get("K")), (200, None));
    bench.pass_secs(5);
    assert!(bench.answers(id).is_empty());
}

#[test]
fn a_repetition_of_a_creation_under_way_is_answered_with_the_same_provisional_response() {
    let mut bench = slow();
    let id = bench.begin("CRCX", "relay/$", "C: 1\nM: recvonly");
    let again = format!("CRCX {id} relay/$@gw.town MGCP 1.0\nC: 1\nM: recvonly\n");
    bench.give(&again);
    let first = bench.answered(id);
    assert_eq!(first.code(), 100);
    assert!(first.get("I").is_some() && first.get("Z").is_some(), "{}", first.0);
    bench.pass(SHORTLY);
    assert_eq!(bench.answered(id), first);
    bench.settle(newest(&bench));
    let last = bench.answered(id);
    assert_eq!((last.code(), last.get("I"), last.get("Z")), (200, first.get("I"), first.get("Z")));
    assert_eq!(bench.plane.open.len(), 1);
}

#[test]
fn a_creation_that_the_media_cannot_finish_leaves_nothing() {
    let mut bench = slow();
    let (before, media) = (bench.gateway.endpoints().collect::<Vec<_>>(), bench.plane.state());
    let id = bench.begin("CRCX", "relay/$", "C: 1\nM: recvonly");
    bench.settling_fails(newest(&bench), MediaFault::Exhausted);
    assert_eq!(bench.answered(id).code(), 403);
    assert_eq!(bench.gateway.endpoints().collect::<Vec<_>>(), before);
    assert_eq!(bench.plane.state(), media);
    // What was reserved is free again.
    bench.plane.slow = false;
    bench.good("CRCX", "relay/$", "C: 2\nM: inactive");
    bench.good("CRCX", "relay/$", "C: 3\nM: inactive");
}

#[test]
fn what_a_creation_under_way_has_taken_is_given_to_nobody_else() {
    let mut bench = slow();
    bench.begin("CRCX", "relay/1", "C: 1\nM: inactive");
    bench.plane.slow = false;
    let other = bench.good("CRCX", "relay/$", "C: 2\nM: inactive");
    assert_eq!(other.get("Z").as_deref(), Some("relay/2@gw.town"));
    assert_eq!(bench.command("CRCX", "relay/$", "C: 3\nM: inactive").code(), 410);
    // A relay has two sides.
    bench.good("CRCX", "relay/1", "C: 1\nM: inactive");
    assert_eq!(bench.command("CRCX", "relay/1", "C: 1\nM: inactive").code(), 540);
}

#[test]
fn a_deletion_aborts_the_creation_that_it_overtakes_in_each_of_its_forms() {
    for body in ["C: 1\nI: {id}", "C: 1", ""] {
        let mut bench = slow();
        let creation = bench.begin("CRCX", LINE, "C: 1\nM: recvonly");
        bench.pass(SHORTLY);
        let connection = bench.answered(creation).get("I").unwrap();
        let deletion = bench.command("DLCX", LINE, &body.replace("{id}", &connection));
        assert_eq!(deletion.code(), 250, "{body}: {}", deletion.0);
        let aborted = bench.answered(creation);
        assert_eq!(aborted.code(), 407, "{}", aborted.0);
        assert!(aborted.sdp().is_empty() && aborted.get("I").is_none());
        assert!(bench.plane.open.is_empty());
        assert!(bench.view(0).connections.is_empty());
        // A repetition of the creation gets the same.
        bench.give(&format!("CRCX {creation} aaln/1@gw.town MGCP 1.0\nC: 1\nM: recvonly\n"));
        assert_eq!(bench.answered(creation), aborted);
    }
}

#[test]
fn a_deletion_of_another_call_or_connection_leaves_a_creation_alone() {
    let mut bench = slow();
    let other = existing(&mut bench, LINE);
    let creation = bench.begin("CRCX", LINE, "C: 2\nM: inactive");
    assert_eq!(bench.command("DLCX", LINE, &format!("C: 1\nI: {other}")).code(), 250);
    assert_eq!(bench.command("DLCX", LINE, "C: 3").code(), 250);
    assert_eq!(bench.command("DLCX", "aaln/2", "").code(), 250);
    bench.settle(newest(&bench));
    assert_eq!(bench.answered(creation).code(), 200);
}

#[test]
fn a_deletion_for_all_lines_aborts_what_is_pending_on_each() {
    let mut bench = slow();
    let first = bench.begin("CRCX", LINE, "C: 1\nM: recvonly");
    let second = bench.begin("CRCX", "aaln/2", "C: 2\nM: recvonly");
    let relay = bench.begin("CRCX", RELAY, "C: 3\nM: recvonly");
    assert_eq!(bench.command("DLCX", "aaln/*", "").code(), 250);
    assert_eq!((bench.answered(first).code(), bench.answered(second).code()), (407, 407));
    assert!(bench.answers(relay).is_empty());
    assert_eq!(bench.plane.open.len(), 1);
}

#[test]
fn a_deletion_that_fails_aborts_all_the_same() {
    let mut bench = slow();
    let connection = existing(&mut bench, LINE);
    let before = bench.plane.state();
    let modification =
        bench.begin("MDCX", LINE, &format!("C: 1\nI: {connection}\nM: sendrecv\n{}", remote(4000, "0")));
    let deletion = bench.command("DLCX", LINE, &format!("C: 1\nI: {connection}\nX: 1\nS: Z/zz"));
    assert_eq!(deletion.code(), 518);
    assert_eq!(bench.answered(modification).code(), 407);
    assert_eq!(bench.plane.state(), before, "the connection is not as it was");
    // A creation goes too, though its deletion failed.
    let creation = bench.begin("CRCX", LINE, "C: 2\nM: recvonly");
    bench.pass(SHORTLY);
    let unmade = bench.answered(creation).get("I").unwrap();
    let deletion = bench.command("DLCX", LINE, &format!("C: 2\nI: {unmade}\nX: 1\nS: Z/zz"));
    assert_eq!(deletion.code(), 518);
    assert_eq!(bench.answered(creation).code(), 407);
    assert_eq!((bench.plane.open.len(), bench.view(0).connections.len()), (1, 1));
}

#[test]
fn a_modification_of_a_connection_that_is_being_created_is_refused() {
    let mut bench = slow();
    let creation = bench.begin("CRCX", LINE, "C: 1\nM: recvonly\nX: 1\nR: L/hd(N)");
    bench.pass(SHORTLY);
    let connection = bench.answered(creation).get("I").unwrap();
    bench.refused(400, "MDCX", LINE, &format!("C: 1\nI: {connection}\nM: inactive\nX: 2\nR: L/hd(N)"));
    bench.settle(newest(&bench));
    assert_eq!(bench.answered(creation).code(), 200);
    assert_eq!(bench.view(0).request, "1");
}

#[test]
fn a_second_modification_aborts_the_first_and_starts_from_the_connection_as_it_was() {
    let mut bench = slow();
    let connection = existing(&mut bench, LINE);
    let change = |mode: &str, more: &str| format!("C: 1\nI: {connection}\nM: {mode}{more}");
    let first = bench.begin("MDCX", LINE, &change("sendrecv", &format!("\n{}", remote(4000, "0"))));
    let second = bench.begin("MDCX", LINE, &change("inactive", ""));
    assert_eq!(bench.answered(first).code(), 407);
    bench.settle(newest(&bench));
    assert_eq!(bench.answered(second).code(), 200);
    let view = bench.view(0).connections.remove(0);
    assert_eq!((view.mode.name(), view.remote), ("inactive", None));
    let (_, spec) = &bench.plane.open[&view.handle];
    assert_eq!((spec.mode, spec.remote), (view.mode, None));
}

#[test]
fn a_modification_that_changes_the_description_announces_it() {
    let mut bench = slow();
    let connection = existing(&mut bench, LINE);
    let id = bench.begin("MDCX", LINE, &format!("C: 1\nI: {connection}\nL: a:PCMA"));
    bench.pass(SHORTLY);
    let provisional = bench.answered(id);
    assert!(provisional.sdp()[0].contains("RTP/AVP 8"), "{}", provisional.0);
    bench.settle(newest(&bench));
    assert_eq!(bench.answered(id).sdp(), provisional.sdp());
    // One that does not change it has nothing to tell.
    let id = bench.begin("MDCX", LINE, &format!("C: 1\nI: {connection}\nM: inactive"));
    bench.pass(SHORTLY);
    assert!(bench.answered(id).sdp().is_empty());
}

#[test]
fn a_modification_that_the_media_cannot_finish_leaves_the_connection_as_it_was() {
    let mut bench = slow();
    let connection = existing(&mut bench, LINE);
    let before = bench.plane.state();
    let id = bench.begin("MDCX", LINE, &format!("C: 1\nI: {connection}\nM: sendrecv\n{}", remote(4000, "0")));
    bench.settling_fails(newest(&bench), MediaFault::Hardware);
    assert_eq!(bench.answered(id).code(), 529);
    assert_eq!(bench.plane.state(), before);
    assert_eq!(bench.view(0).connections[0].remote, None);
}

#[test]
fn a_request_with_a_signal_that_is_fetched_takes_effect_when_it_is_there() {
    let mut bench = Bench::new();
    bench.plane.fetched = Some("l/rg");
    let id = bench.begin("RQNT", LINE, "X: 1\nR: L/hd(N)\nS: L/rg");
    bench.pass(SHORTLY);
    assert_eq!(bench.answered(id).code(), 100);
    assert_eq!((bench.view(0).request.as_str(), bench.plane.heard_on(0).len()), ("0", 0));
    let (endpoint, signal) = bench.plane.fetches.remove(0);
    bench.media(endpoint.0, MediaEvent::Fetched(signal));
    assert_eq!(bench.answered(id).code(), 200);
    assert_eq!((bench.view(0).request.as_str(), bench.plane.heard_on(0).len()), ("1", 1));
}

#[test]
fn the_hook_is_looked_at_again_when_a_request_takes_effect() {
    let mut bench = Bench::new();
    bench.plane.fetched = Some("l/rg");
    let id = bench.begin("RQNT", LINE, "X: 1\nR: L/hd(N)\nS: L/rg");
    bench.off_hook(0);
    let (endpoint, signal) = bench.plane.fetches.remove(0);
    bench.media(endpoint.0, MediaEvent::Fetched(signal));
    assert_eq!(bench.answered(id).code(), 401);
    assert!(bench.plane.heard_on(0).is_empty());
}

#[test]
fn a_second_request_aborts_the_first_also_when_either_is_encapsulated() {
    let mut bench = Bench::new();
    bench.plane.fetched = Some("l/rg");
    let first = bench.begin("RQNT", LINE, "X: 1\nS: L/rg");
    let second = bench.begin("CRCX", LINE, "C: 1\nM: inactive\nX: 2\nS: L/rg");
    assert_eq!(bench.answered(first).code(), 407);
    bench.good("RQNT", LINE, "X: 3");
    assert_eq!(bench.answered(second).code(), 407);
    assert!(bench.plane.open.is_empty());
}

#[test]
fn a_request_that_is_refused_has_aborted_the_one_before_all_the_same() {
    let mut bench = Bench::new();
    bench.plane.fetched = Some("l/rg");
    let first = bench.begin("CRCX", LINE, "C: 1\nM: inactive\nX: 2\nS: L/rg");
    assert_eq!(bench.command("RQNT", LINE, "X: 3\nS: Z/zz").code(), 518);
    assert_eq!(bench.answered(first).code(), 407);
    assert!(bench.plane.open.is_empty());
    // Another line is another matter, and so is a command without a request.
    let first = bench.begin("RQNT", LINE, "X: 4\nS: L/rg");
    bench.good("RQNT", "aaln/2", "X: 5");
    bench.good("EPCF", LINE, "B: e:A");
    bench.good("AUEP", LINE, "F: I");
    let (endpoint, signal) = bench.plane.fetches.remove(1);
    bench.media(endpoint.0, MediaEvent::Fetched(signal));
    assert_eq!(bench.answered(first).code(), 200);
}

#[test]
fn two_ends_are_joined_when_both_have_settled() {
    let mut bench = slow();
    let id = bench.begin("CRCX", RELAY, "C: 1\nM: sendrecv\nZ2: relay/2@gw.town");
    let handles: Vec<_> = bench.plane.open.keys().copied().collect();
    bench.settle(handles[0]);
    assert!(bench.answers(id).is_empty());
    bench.settle(handles[1]);
    let answer = bench.answered(id);
    assert!(answer.code() == 200 && answer.get("I2").is_some(), "{}", answer.0);
    // The second end's endpoint is enough for a deletion to abort it.
    let id = bench.begin("CRCX", RELAY, "C: 2\nM: sendrecv\nZ2: relay/2@gw.town");
    assert_eq!(bench.command("DLCX", "relay/2", "C: 2").code(), 250);
    assert_eq!(bench.answered(id).code(), 407);
    assert_eq!(bench.plane.open.len(), 2);
}

#[test]
fn a_command_that_executes_too_long_is_answered_with_406_and_undone() {
    let mut bench = slow();
    let connection = existing(&mut bench, LINE);
    let media = bench.plane.state();
    let creation = bench.begin("CRCX", LINE, "C: 2\nM: inactive");
    let modification = bench.begin("MDCX", LINE, &format!("C: 1\nI: {connection}\nM: inactive"));
    bench.pass_secs(11);
    for id in [creation, modification] {
        let last = bench.answers(id).pop().unwrap();
        assert_eq!(last.code(), 406, "{}", last.0);
    }
    assert_eq!(bench.plane.state(), media);
    assert_eq!(bench.view(0).connections.len(), 1);
}

#[test]
fn an_endpoint_that_leaves_service_aborts_what_is_pending_on_it() {
    let mut bench = slow();
    let connection = existing(&mut bench, LINE);
    let modification = bench.begin("MDCX", LINE, &format!("C: 1\nI: {connection}\nM: inactive"));
    let creation = bench.begin("CRCX", LINE, "C: 2\nM: inactive");
    bench.gateway.shut_down(bench.now, Shutdown::Forced, &mut bench.plane);
    bench.give("AUEP 77 aaln/1@gw.town MGCP 1.0\n");
    for id in [modification, creation] {
        assert_eq!(bench.answered(id).code(), 407);
    }
    assert!(bench.plane.open.is_empty());
}

#[test]
fn a_disconnected_endpoint_announces_itself_before_a_provisional_response() {
    let mut bench = slow();
    bench.good("RQNT", LINE, "X: 1\nR: L/hd(N)");
    bench.off_hook(0);
    bench.pass_secs(70);
    assert!(!bench.view(0).associated);
    bench.sent.clear();
    let id = bench.id();
    bench.give(&format!("CRCX {id} aaln/1@gw.town MGCP 1.0\nC: 1\nM: recvonly\n"));
    bench.pass(SHORTLY);
    let order: Vec<_> = bench.sent.iter().map(|(_, text)| text.verb().to_owned()).collect();
    let place = |verb: &str| order.iter().position(|sent| sent == verb);
    assert!(place("RSIP").unwrap() < place("100").unwrap(), "{order:?}");
}

#[test]
fn a_gateway_of_slow_media_comes_through_a_random_hour_with_each_command_answered() {
    let mut rng = strowger_sansio::Rng::from_number(11);
    let mut bench = Bench::with_plane(config(), Plane { slow: true, ..Plane::default() });
    bench.come_up();
    let mut asked = Vec::new();
    let mut last = std::collections::BTreeMap::new();
    for round in 0..2000_u32 {
        let line = ["aaln/1", "aaln/2", "relay/1", "relay/$"][rng.below(4) as usize];
        let call = rng.below(3);
        let known: Vec<_> = bench.gateway.endpoints().flat_map(|e| e.connections).map(|c| c.id).collect();
        let id = known.get(rng.below(4) as usize).cloned().unwrap_or_else(|| "77".into());
        let (verb, body) = match rng.below(6) {
            0 | 1 => ("CRCX", format!("C: {call}\nM: recvonly")),
            2 => ("MDCX", format!("C: {call}\nI: {id}\nM: inactive")),
            3 => ("DLCX", format!("C: {call}\nI: {id}")),
            4 => ("DLCX", format!("C: {call}")),
            _ => ("RQNT", format!("X: {round}")),
        };
        let transaction = bench.id();
        bench.give(&format!("{verb} {transaction} {line}@gw.town MGCP 1.0\n{body}\n"));
        asked.push(transaction);
        let settling: Vec<_> = bench.plane.settling.iter().copied().collect();
        if let Some(handle) = settling.get(rng.below(3) as usize) {
            if rng.below(5) == 0 {
                bench.settling_fails(*handle, MediaFault::Exhausted);
            } else {
                bench.settle(*handle);
            }
        }
        bench.pass(Duration::from_millis(rng.below(150)));
        for (_, text) in bench.sent.drain(..) {
            last.insert(text.transaction().to_owned(), text.code());
        }
        assert_eq!(bench.gateway.connections(), bench.plane.open.len());
    }
    bench.pass_secs(20);
    for (_, text) in bench.sent.drain(..) {
        last.insert(text.transaction().to_owned(), text.code());
    }
    for id in asked {
        assert!(
            last.get(&id.to_string()).is_some_and(|code| *code >= 200),
            "{id}: {:?}",
            last.get(&id.to_string())
        );
    }
    assert!(bench.gateway.counters().aborted > 5, "{:?}", bench.gateway.counters());
}
