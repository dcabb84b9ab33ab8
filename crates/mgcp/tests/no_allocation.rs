//! Decoding allocates nothing, whatever the bytes; neither do the typed accessors and the check.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a story that goes wrong says how")]

#[path = "codec/samples.rs"]
mod samples;

use allocation_counter::measure;
use samples::samples;
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{LocalOptions, Message};
use strowger_mgcp::package::PackageSet;
use strowger_mgcp::text::{check, datagram};

#[test]
fn decoding_and_reading_every_value_takes_no_memory() {
    for (name, bytes) in samples() {
        let mut good = 0;
        let used = measure(|| {
            for message in datagram(&bytes, &Limits::DEFAULT) {
                let Ok(message) = message else { continue };
                good += 1;
                let p = match &message {
                    Message::Command(command) => &command.parameters,
                    Message::Response(response) => &response.parameters,
                };
                let _ =
                    (p.call_id(), p.connection_ids().count(), p.mode(), p.notified_entity(), p.request_id());
                let _ = p.local_options().and_then(LocalOptions::codecs).map(Iterator::count);
                let _ = p
                    .requested_events()
                    .map(|events| events.iter().filter_map(|e| e.actions.embedded()).count());
                let _ = p
                    .signal_requests()
                    .map(|list| list.iter().map(|s| s.parameters.iter().count()).sum::<usize>());
                let _ = p.connection_parameters().map(|list| list.iter().count());
                let _ = p.iter().count();
                if let Message::Command(command) = &message {
                    let _ = check(command, &Dialect::RFC3435, &PackageSet::ALL);
                }
            }
        });
        assert!(good > 0, "{name}");
        assert_eq!(used.count_total, 0, "{name}");
    }
}

#[test]
fn refusing_takes_no_memory_either() {
    let mut text = "AUEP 5 aaln/1@gw MGCP 1.0\n".to_owned();
    text.push_str(&"X-a: b\n".repeat(5000));
    text.push_str("M: \0\n");
    let mut refused = false;
    let used =
        measure(|| refused = datagram(text.as_bytes(), &Limits::DEFAULT).any(|message| message.is_err()));
    assert!(refused);
    assert_eq!(used.count_total, 0);
}

#[test]
fn the_measure_itself_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8]))).count_total, 1);
}
