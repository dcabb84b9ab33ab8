//! What an endpoint refuses of the packages that it has, asked row by row of their tables. The page docs/conformance/mgcp-packages.md says
//! the same.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;
use std::path::Path;

use strowger_mgcp::gateway::{EndpointKind, TrunkSignalling};
use strowger_mgcp::package::{self, Item, Parameters, Place};
use strowger_softgateway::SoftGatewayConfig;
use support::Bench;

/// Each kind of endpoint, and one of them.
const KINDS: [(EndpointKind, &str); 10] = [
    (EndpointKind::AnalogueLine, "aaln/1"),
    (EndpointKind::PacketRelay, "relay/1"),
    (EndpointKind::ConferenceBridge, "cnf/1"),
    (EndpointKind::AnnouncementServer, "ann/1"),
    (EndpointKind::Trunk(TrunkSignalling::Ms), "ds/ms/1"),
    (EndpointKind::Trunk(TrunkSignalling::Dt), "ds/dt/1"),
    (EndpointKind::Trunk(TrunkSignalling::Bl), "ds/bl/1"),
    (EndpointKind::Trunk(TrunkSignalling::Do), "ds/do/1"),
    (EndpointKind::Trunk(TrunkSignalling::Md), "ds/md/1"),
    (EndpointKind::Trunk(TrunkSignalling::Mo), "ds/mo/1"),
];

fn bench() -> Bench {
    Bench::new(|config| {
        let mut config = config.with_lines(1).with_relays(1).with_conferences(1).with_announcements(1);
        for (kind, name) in KINDS {
            if let EndpointKind::Trunk(signalling) = kind {
                config = config.with_trunks(name.split('/').nth(1).unwrap(), 1, signalling);
            }
        }
        SoftGatewayConfig::new(config)
    })
}

/// Parameters with which a row can be asked for; other faults than these are not what is looked for.
fn sample(item: &Item) -> String {
    match item.parameters {
        Parameters::Number(least, _) => format!("({least})"),
        Parameters::Audio(_) => "(an=39)".to_owned(),
        Parameters::MfDigits => "(k0,5,s0)".to_owned(),
        Parameters::KeyState => "(fk1,en)".to_owned(),
        _ => String::new(),
    }
}

/// The code of a request if it says that the endpoint cannot do this, whatever its state.
fn refusal(bench: &mut Bench, endpoint: &str, line: &str) -> Option<u16> {
    let answer = bench.ask(&format!("RQNT {endpoint}"), &format!("X: 1\n{line}"));
    let code: u16 = answer.get(..3).and_then(|code| code.parse().ok()).unwrap();
    bench.good(&format!("RQNT {endpoint}"), "X: 2");
    // A hook in the other state, and a parameter that is missing, are no refusals of the row.
    (![200, 401, 402, 538, 527].contains(&code)).then_some(code)
}

/// The rows of the page.
fn page() -> String {
    let mut page = String::new();
    for (kind, endpoint) in KINDS {
        let mut bench = bench();
        let party = bench.connect(endpoint, "sendrecv");
        let connection = bench.parties[party].id.clone();
        for name in kind.packages().names() {
            let package = package::find(name).unwrap();
            let mut refused: Vec<(u16, &str, Vec<&str>)> = Vec::new();
            let mut note =
                |code, what, symbol| match refused.iter_mut().find(|(c, w, _)| (*c, *w) == (code, what)) {
                    Some((.., symbols)) => symbols.push(symbol),
                    None => refused.push((code, what, vec![symbol])),
                };
            for item in package.items {
                let (symbol, sample) = (item.symbol, sample(item));
                // A brief number stands for many.
                let written = symbol.replace("##", "1");
                if item.event.is_some() {
                    let parameters = if sample.is_empty() { String::new() } else { format!("(N){sample}") };
                    let line = format!("R: {name}/{written}{parameters}");
                    if let Some(code) = refusal(&mut bench, endpoint, &line) {
                        note(code, "events", symbol);
                    }
                }
                if let Some(signal) = item.signal {
                    let at = match signal.place {
                        Place::Connection => format!("@{connection}"),
                        Place::Endpoint | Place::Both => String::new(),
                    };
                    let line = format!("S: {name}/{written}{at}{sample}");
                    if let Some(code) = refusal(&mut bench, endpoint, &line) {
                        note(code, "signals", symbol);
                    }
                }
            }
            let told: Vec<_> = refused
                .iter()
                .map(|(code, what, symbols)| {
                    let symbols: Vec<_> = symbols.iter().map(|symbol| format!("`{symbol}`")).collect();
                    format!("{code} as {what}: {}", symbols.join(" "))
                })
                .collect();
            if !told.is_empty() {
                writeln!(
                    page,
                    "| `{endpoint}`, {name} ({}) | {}. | `what_is_refused_of_each_package_is_what_the_page_says` |",
                    package.source,
                    told.join("; ")
                )
                .unwrap();
            }
        }
    }
    page
}

#[test]
fn what_is_refused_of_each_package_is_what_the_page_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance/mgcp-packages.md");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let rows: String =
        text.lines().filter(|line| line.starts_with("| `")).fold(String::new(), |mut rows, row| {
            rows.push_str(row);
            rows.push('\n');
            rows
        });
    let page = page();
    assert!(rows == page, "the page must say:\n{page}");
}
