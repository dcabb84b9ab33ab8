//! What a gateway does otherwise in other dialects than RFC 3435's.

mod gateway_support;

use gateway_support::{Bench, config};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::gateway::{EndpointIndex, MediaEvent, MessageFault};

fn speaking(dialect: Dialect) -> Bench {
    let mut config = config();
    config.dialect = dialect;
    let mut bench = Bench::switched_on(config);
    bench.come_up();
    bench
}

#[test]
fn a_line_of_a_cable_adapter_reports_its_hook_unasked_and_under_the_names_of_its_package() {
    let mut bench = speaking(Dialect::NCS);
    bench.off_hook(0);
    let notified = bench.notified();
    assert_eq!((notified.get("X").as_deref(), notified.get("O").as_deref()), (Some("0"), Some("L/hd")));
    bench.answer(200, &notified);
    bench.good("RQNT", "aaln/1", "X: 7\nQ: loop\nR: L/[0-9](N)\nS: L/rt");
    assert_eq!(bench.plane.heard_on(0), ["g/rt"]);
    bench.media(0, MediaEvent::HookFlash);
    let notified = bench.notified();
    assert_eq!(notified.get("O").as_deref(), Some("L/hf"));
    bench.answer(200, &notified);
    bench.dial(0, "5");
    let notified = bench.notified();
    assert_eq!(notified.get("O").as_deref(), Some("L/5"));
    bench.answer(200, &notified);
    bench.on_hook(0);
    assert_eq!(bench.notified().get("O").as_deref(), Some("L/hu"));
}

#[test]
fn a_line_of_rfc3435_reports_what_it_is_asked_for() {
    let mut bench = speaking(Dialect::RFC3435);
    bench.off_hook(0);
    bench.silent();
}

#[test]
fn what_a_dialect_has_not_is_neither_understood_nor_sent() {
    for (dialect, configuration, message) in [
        (Dialect::RFC3435, 200, Ok(())),
        (Dialect::RFC2705, 200, Err(MessageFault::NotSupported)),
        (Dialect::NCS, 504, Err(MessageFault::NotSupported)),
        (Dialect::TGCP, 504, Err(MessageFault::NotSupported)),
    ] {
        let mut bench = speaking(dialect);
        assert_eq!(bench.command("EPCF", "aaln/1", "B: e:mu").code(), configuration, "{}", dialect.name);
        let now = bench.now;
        let sent = bench.gateway.send_message(now, EndpointIndex(0), &[("X-Note", "hello")]);
        assert_eq!(sent, message, "{}", dialect.name);
    }
}
