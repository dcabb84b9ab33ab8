//! MGCP decoding and encoding: the message of the figure in the README, and the short ones of every call.

use std::hint::black_box;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{
    ConnectionMode, EndpointNameBuf, LocalOptions, Message, ReturnCode, TransactionId, Verb,
};
use strowger_mgcp::package::PackageSet;
use strowger_mgcp::text::{CommandBuilder, ResponseBuilder, check, datagram, decode, encode};

/// Shows allocations beside the times: decoding must have none.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// A CRCX of 283 bytes with a notification request and a session description.
const CRCX: &[u8] = include_bytes!("../../crates/mgcp/tests/corpus/crcx-sdp.mgcp");
const AUEP: &[u8] = include_bytes!("../../crates/mgcp/tests/corpus/auep.mgcp");
const NTFY: &[u8] = include_bytes!("../../crates/mgcp/tests/corpus/ntfy-digits.mgcp");
const EMBEDDED: &[u8] = include_bytes!("../../crates/mgcp/tests/corpus/rqnt-embedded.mgcp");
const RESPONSE: &[u8] = include_bytes!("../../crates/mgcp/tests/corpus/response-crcx.mgcp");
const PIGGYBACK: &[u8] = include_bytes!("../../crates/mgcp/tests/corpus/piggyback.mgcp");

fn main() {
    divan::main();
}

/// The samples by name, so that a row of the report is short.
const SAMPLES: [(&str, &[u8]); 5] =
    [("crcx", CRCX), ("auep", AUEP), ("ntfy", NTFY), ("rqnt", EMBEDDED), ("response", RESPONSE)];

#[divan::bench(args = SAMPLES.map(|(name, _)| name))]
fn decoding(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = SAMPLES.iter().find(|(known, _)| *known == name).map_or(CRCX, |(_, bytes)| bytes);
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| decode(black_box(bytes), &Limits::DEFAULT).is_ok());
}

#[divan::bench]
fn decoding_with_every_value_used(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::of_slice(CRCX)).bench(|| {
        let Ok(Message::Command(command)) = decode(black_box(CRCX), &Limits::DEFAULT) else { return 0 };
        let options = command.local_options().and_then(LocalOptions::codecs).map_or(0, Iterator::count);
        let events = command.requested_events().map_or(0, |events| events.iter().count());
        let signals = command.signal_requests().map_or(0, |signals| signals.iter().count());
        let ids = usize::from(command.call_id().is_some()) + usize::from(command.mode().is_some());
        options + events + signals + ids + usize::from(command.notified_entity().is_some())
    });
}

#[divan::bench]
fn piggybacked(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(PIGGYBACK))
        .bench(|| datagram(black_box(PIGGYBACK), &Limits::DEFAULT).count());
}

#[divan::bench]
fn checking(bencher: Bencher<'_, '_>) {
    let Ok(Message::Command(command)) = decode(CRCX, &Limits::DEFAULT) else { return };
    bencher.bench(|| check(black_box(&command), &Dialect::RFC3435, &PackageSet::ALL).is_ok());
}

#[divan::bench]
fn encoding(bencher: Bencher<'_, '_>) {
    let Ok(message) = decode(CRCX, &Limits::DEFAULT) else { return };
    let mut out = Vec::with_capacity(512);
    bencher.bench_local(|| {
        out.clear();
        encode(black_box(&message), &mut out);
        out.len()
    });
}

#[divan::bench]
fn building_a_command(bencher: Bencher<'_, '_>) {
    let (Some(endpoint), Some(id)) =
        (EndpointNameBuf::parse("aaln/1@rgw-2567.example.net"), TransactionId::new(5))
    else {
        return;
    };
    bencher.bench(|| CommandBuilder::new(Verb::Auep, black_box(id), &endpoint, &Dialect::RFC3435).finish());
}

#[divan::bench]
fn building_a_response(bencher: Bencher<'_, '_>) {
    let Some(id) = TransactionId::new(5) else { return };
    bencher.bench(|| {
        ResponseBuilder::new(ReturnCode::OK, black_box(id)).mode(ConnectionMode::SendRecv).finish()
    });
}
