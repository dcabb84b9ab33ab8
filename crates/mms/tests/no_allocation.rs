//! Decoding borrows, and encoding writes into the caller's buffer: neither allocates, whatever the message.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::hint::black_box;

use allocation_counter::measure;
use strowger_mms::hostile::samples;
use strowger_mms::wsp::{Pdu, decode_connectionless};
use strowger_mms::{Limits, Message, binary, decode, encode};

#[test]
fn decoding_and_encoding_allocate_nothing() {
    for datagram in samples::datagrams() {
        let counted = measure(|| {
            let Ok(read) = decode_connectionless(black_box(&datagram), &Limits::DEFAULT) else { panic!() };
            let Pdu::Push(push) = read.pdu else { panic!() };
            if let Ok(pdu) = decode(push.data, &Limits::DEFAULT) {
                black_box((
                    pdu.transaction_id(),
                    pdu.from(),
                    pdu.content_location(),
                    pdu.expiry(),
                    pdu.to().count(),
                ));
                if let Some(Ok(parts)) = pdu.parts(&Limits::DEFAULT) {
                    black_box(parts.iter().map(|part| part.data.len()).sum::<usize>());
                }
            }
        });
        assert_eq!(counted.count_total, 0, "{counted:?}");
    }
    let mut out = Vec::with_capacity(1 << 16);
    for message in samples::messages() {
        let pdu = decode(&message, &Limits::DEFAULT).unwrap();
        let typed = Message::from(&pdu);
        let counted = measure(|| {
            out.clear();
            encode(black_box(&typed), &mut out).unwrap();
        });
        assert_eq!(out, message);
        assert_eq!(counted.count_total, 0, "{counted:?}");
    }
    let short = samples::notification();
    let pdu = decode(&short, &Limits::DEFAULT).unwrap();
    let fields: Vec<_> = pdu.fields().skip(3).collect();
    let counted = measure(|| {
        out.clear();
        binary::encode_fields(pdu.kind(), pdu.version(), black_box(&fields), &mut out);
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}
