//! Stories of bulk audits: RFC 3624.

mod gateway_support;

use std::collections::BTreeSet;

use gateway_support::{Bench, Text, config, remote};
use strowger_mgcp::gateway::{EndpointIndex, EndpointSpec, GatewayConfig};
use strowger_mgcp::message::ReasonCode;

/// Ten lines and a trunk of sorts: relays named as channels.
fn town() -> GatewayConfig {
    let mut town = GatewayConfig { endpoints: Vec::new(), ..config() }.with_lines(10);
    let spans = [1, 2].into_iter().flat_map(|span| (1..=24).map(move |slot| format!("ds/ds1-{span}/{slot}")));
    town.endpoints.extend(spans.map(EndpointSpec::relay));
    town
}

fn up() -> Bench {
    let mut bench = Bench::switched_on(town());
    bench.come_up();
    bench
}

/// The lines of an answer behind the first.
fn lines(answer: &Text) -> Vec<String> {
    answer.0.lines().skip(1).map(str::to_owned).collect()
}

fn refused(bench: &mut Bench, code: u16, body: &str) {
    let answer = bench.refused(code, "AUEP", "aaln/*", body);
    assert_eq!(answer.0.lines().next().and_then(|line| line.split(' ').nth(2)), Some("/BA"), "{}", answer.0);
}

#[test]
fn the_names_of_all_endpoints_come_as_ranges() {
    let mut bench = up();
    let answer = bench.good("AUEP", "*", "BA/F: BA/Z");
    assert_eq!(lines(&answer), ["BA/Z: aaln/[1-10]", "BA/Z: ds/ds1-1/[1-24]", "BA/Z: ds/ds1-2/[1-24]"]);
    let answer = bench.good("AUEP", "aaln/*", "F: X\nBA/F: ba/x, BA/Z");
    assert_eq!(lines(&answer), ["BA/X: aaln/[1-10]", "BA/Z: aaln/[1-10]"], "F is for one endpoint");
    let answer = bench.good("AUEP", "ds/*/*", "BA/F: BA/Z\nBA/SE: ds/ds1-1/23\nBA/NU: 3");
    assert_eq!(lines(&answer), ["BA/Z: ds/ds1-1/[23-24]", "BA/Z: ds/ds1-2/1", "BA/NE: ds/ds1-2/2"]);
}

#[test]
fn connections_are_counted_endpoint_by_endpoint() {
    let mut bench = up();
    for endpoint in ["ds/ds1-1/2", "ds/ds1-1/2", "ds/ds1-1/24", "ds/ds1-2/1"] {
        bench.good("CRCX", endpoint, "C: 1\nM: recvonly");
    }
    let answer = bench.good("AUEP", "ds/*/*", "BA/F: BA/C");
    assert_eq!(
        lines(&answer),
        [
            "BA/EL: ds/ds1-1/[1-24]",
            "BA/C: 020000000000000000000001",
            "BA/EL: ds/ds1-2/[1-24]",
            "BA/C: 100000000000000000000000",
        ]
    );
    let answer = bench.good("AUEP", "ds/ds1-1/*", "BA/F: BA/C\nBA/SE: ds/ds1-1/20\nBA/NU: 12");
    assert_eq!(lines(&answer), ["BA/EL: ds/ds1-1/[20-24]", "BA/C: 00001"], "up to the end of the wildcard");
    let answer = bench.good("AUEP", "ds/ds1-1/[2,5,24]", "BA/F: BA/C");
    assert_eq!(lines(&answer), ["BA/EL: ds/ds1-1/[2,5,24]", "BA/C: 201"]);
    let answer = bench.good("AUEP", "ds/ds1-1/2", "F: X\nBA/F: BA/C");
    assert_eq!(
        lines(&answer),
        ["BA/EL: ds/ds1-1/2", "BA/C: 2", "X: 0"],
        "one endpoint may be asked both ways"
    );
}

#[test]
fn the_modes_of_several_connections_stand_behind_their_number() {
    let mut bench = up();
    let call = |mode: &str| format!("C: 1\nM: {mode}\n{}", remote(4000, "0"));
    bench.good("CRCX", "aaln/1", &call("recvonly"));
    for mode in ["sendrecv", "inactive", "confrnce"] {
        bench.good("CRCX", "aaln/3", &call(mode));
    }
    bench.good("CRCX", "aaln/5", &call("sendonly"));
    let answer = bench.good("AUEP", "aaln/*", "BA/F: BA/M, BA/C");
    assert_eq!(lines(&answer), ["BA/EL: aaln/[1-10]", "BA/M: R03BIC0S00000", "BA/C: 1030100000"]);
}

#[test]
fn a_state_is_true_false_or_out_of_service() {
    let mut bench = up();
    let body = |what: &str| format!("BA/F: {what}\nBA/NU: 6");
    let ask = |bench: &mut Bench, what: &str| {
        bench.good("AUEP", "aaln/*", &body(what)).get("BA/S").expect("an answer")
    };
    bench.good("RQNT", "aaln/2", "X: 1\nR: L/hd(N)");
    bench.off_hook(1);
    let ntfy = bench.notified();
    bench.good("RQNT", "aaln/3", "X: 1\nR: L/hd(N)");
    bench.off_hook(2);
    let answered = bench.notified();
    bench.answer(200, &answered);
    bench.good("RQNT", "aaln/4", "X: 1\nS: L/vmwi");
    let out = BTreeSet::from([EndpointIndex(4)]);
    bench.gateway.out_of_service(bench.now, &out, ReasonCode::OUT_OF_SERVICE, &mut bench.plane);
    assert_eq!(ask(&mut bench, "BA/S(I)"), "TTTTOT");
    assert_eq!(ask(&mut bench, "BA/S(H)"), "FTTFOF");
    assert_eq!(ask(&mut bench, "BA/S(N)"), "FTFFOF");
    assert_eq!(ask(&mut bench, "ba/s(l, s)"), "FFTTOF");
    assert_eq!(ask(&mut bench, "BA/S(D,N)"), "FTFFOF");
    bench.pass_secs(61);
    assert!(ntfy.get("X").is_some());
    assert_eq!(ask(&mut bench, "BA/S(D)"), "FTFFOF", "nobody answered");
    let answer = bench.good("AUEP", "aaln/[4-6]", "BA/F: BA/S(S), BA/C");
    assert_eq!(lines(&answer), ["BA/EL: aaln/[4-6]", "BA/S: TOF", "BA/C: 000"]);
}

#[test]
fn what_does_not_fit_the_answer_is_asked_for_again_from_where_it_ended() {
    let mut town = GatewayConfig { endpoints: Vec::new(), ..config() }.with_lines(2000);
    // Every second name is missing, so that ranges are long.
    let mut odd = 0;
    town.endpoints.retain(|_| {
        odd += 1;
        odd % 2 == 1
    });
    town.limits.response_bytes = 1400;
    let mut bench = Bench::switched_on(town);
    bench.come_up();
    let (mut counted, mut rounds, mut start) = (0, 0, String::new());
    loop {
        let answer = bench.good("AUEP", "aaln/*", &format!("BA/F: BA/C, BA/S(I){start}"));
        assert!(answer.0.len() <= 1400, "{}", answer.0.len());
        assert_eq!(answer.all("BA/C").len(), answer.all("BA/EL").len());
        counted += answer.all("BA/C").iter().map(String::len).sum::<usize>();
        rounds += 1;
        match answer.get("BA/NE") {
            Some(next) => start = format!("\nBA/SE: {next}"),
            None => break,
        }
    }
    assert_eq!(counted, 1000);
    assert!(rounds > 1);
    bench.refused(533, "AUEP", "aaln/*", "");
}

#[test]
fn each_fault_of_a_bulk_audit_has_its_code() {
    let mut bench = up();
    refused(&mut bench, 801, "BA/F: BA/C\nBA/SE: aaln/*");
    refused(&mut bench, 801, "BA/F: BA/C\nBA/SE:");
    refused(&mut bench, 802, "BA/F: BA/Q");
    refused(&mut bench, 802, "BA/F: BA/C, BA/Z");
    refused(&mut bench, 802, "BA/F: BA/C, BA/C");
    refused(&mut bench, 802, "BA/F: BA/C(I)");
    refused(&mut bench, 803, "BA/F: BA/S(I,Q)");
    refused(&mut bench, 803, "BA/F: BA/S");
    refused(&mut bench, 803, "BA/F: BA/S()");
    refused(&mut bench, 805, "BA/F: BA/C\nBA/NU: 0");
    refused(&mut bench, 805, "BA/F: BA/C\nBA/NU: 65536");
    refused(&mut bench, 806, "BA/F: BA/C\nBA/SE: aaln/11");
    bench.refused(539, "AUEP", "aaln/*", "BA/EL: aaln/1");
    bench.refused(539, "RQNT", "aaln/1", "X: 1\nBA/F: BA/C");
    assert!(lines(&bench.good("AUEP", "aaln/*", "BA/F:")).is_empty(), "nothing is asked");
    let before = bench.gateway.snapshot();
    bench.good("AUEP", "*", "BA/F: BA/S(I,D,N,L,S,H), BA/C, BA/M");
    assert_eq!(bench.gateway.snapshot(), before, "an audit changes nothing");
}
