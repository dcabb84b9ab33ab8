//! Twice the input takes twice the time, whatever it is made of: each shape of input is read at a size and at twice that size, up
//! to a datagram's.
//!
//! What is compared are the shortest of many readings, which other work on the machine can only lengthen; when the ratio is
//! too large, it is taken again with more readings. Reading that looked again and again at what it had read would take four
//! times as long.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use strowger_media::rtcp::{Compound, RtcpPacket};
use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::digitmap::DigitMap;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{EventList, Message, Parameters};
use strowger_mgcp::package::PackageSet;
use strowger_mgcp::text::{check, datagram};

/// The larger of the two sizes that are compared.
const LARGE: usize = 60_000;

/// The ratio that is taken as linear. The larger size does not fit the nearest cache of every processor, nor do its tables: where reading is
/// little more than looking at each octet, 2.8 was seen for that. What is not linear comes to 4.
const LINEAR: f64 = 3.2;

/// How often a ratio is taken anew.
const TRIES: usize = 12;

/// Limits that end nothing early: it is the reading that is to be linear, not its bounds.
const UNBOUNDED: Limits = Limits {
    messages: usize::MAX,
    parameters: usize::MAX,
    list_items: usize::MAX,
    nesting: 32,
    ..Limits::DEFAULT
};

/// A shape of input: a start, something repeated until a size is reached, an end.
struct Shape {
    name: &'static str,
    start: String,
    again: &'static str,
    end: &'static str,
}

fn shape(name: &'static str, start: &str, again: &'static str, end: &'static str) -> Shape {
    Shape { name, start: start.to_owned(), again, end }
}

impl Shape {
    fn of_size(&self, size: usize) -> Vec<u8> {
        let times = size.saturating_sub(self.start.len() + self.end.len()) / self.again.len();
        format!("{}{}{}", self.start, self.again.repeat(times), self.end).into_bytes()
    }
}

/// The shortest of some readings.
fn shortest(read: fn(&[u8]), input: &[u8], readings: usize) -> Duration {
    let time = || {
        let began = Instant::now();
        read(black_box(input));
        began.elapsed()
    };
    (0..readings).map(|_| time()).min().unwrap()
}

fn assert_linear(read: fn(&[u8]), shapes: &[Shape], large: usize) {
    let mut wrong = Vec::new();
    for shape in shapes {
        let (small, large) = (shape.of_size(large / 2), shape.of_size(large));
        let (mut least, mut most) = (Duration::MAX, Duration::MAX);
        let mut ratio = f64::MAX;
        for _ in 0..TRIES {
            least = least.min(shortest(read, &small, 6));
            most = most.min(shortest(read, &large, 6));
            ratio = most.as_secs_f64() / least.as_secs_f64();
            if ratio <= LINEAR {
                break;
            }
        }
        if ratio > LINEAR {
            wrong.push(format!("{}: {least:?} for half, {most:?} for all: {ratio:.2}", shape.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Decodes, and asks for the values that lists are read from.
fn read_mgcp(bytes: &[u8]) {
    for message in datagram(bytes, &UNBOUNDED) {
        match message {
            Ok(Message::Command(command)) => {
                read_parameters(&command.parameters);
                let _ = check(&command, &Dialect::RFC3435, &PackageSet::ALL);
            }
            Ok(Message::Response(response)) => read_parameters(&response.parameters),
            Err(error) => {
                black_box(error.to_string());
            }
        }
    }
}

fn read_parameters(p: &Parameters<'_>) {
    let requested =
        p.requested_events().map_or(0, |list| list.iter().filter_map(|e| e.actions.embedded()).count());
    let lists = [p.signal_requests(), p.observed_events(), p.detect_events(), p.event_states()];
    let listed: usize = lists
        .into_iter()
        .flatten()
        .flat_map(EventList::iter)
        .map(|event| event.parameters.iter().count())
        .sum();
    let options = p.local_options().map_or(0, |options| options.iter().count() + options.formats().count());
    let acknowledged = p.response_ack().map_or(0, |ranges| ranges.iter().count());
    let named = p.specific_endpoints().count() + p.connection_ids().count() + p.all_capabilities().count();
    black_box((requested, listed, options, acknowledged, named, p.iter().count()));
}

#[test]
fn reading_mgcp_takes_time_in_proportion_to_its_length() {
    let command = |verb: &str, rest: &str| format!("{verb} 5 aaln/1@gw MGCP 1.0\r\n{rest}");
    let rqnt = |rest: &str| command("RQNT", &format!("X: 1\r\n{rest}"));
    let shapes = [
        shape("lines of an extension", &command("AUEP", ""), "X-a: some value\r\n", ""),
        shape("lines of one parameter", &command("AUEP", ""), "K: 1\r\n", ""),
        shape("lines without a value", &command("AUEP", ""), "N:\n", ""),
        shape("a line without end", &command("AUEP", "X-a: "), "a", "\r\n"),
        shape("spaces", &command("AUEP", "X-a:"), " \t", "b\r\n"),
        shape("lines with an open quote", &command("AUEP", ""), "X-a: \"\r\n", ""),
        shape("quotes", &rqnt("S: L/ci(\""), "\"\"", "\")\r\n"),
        shape("a quote that never closes", &rqnt("S: L/ci(\""), "a\r\n", ""),
        shape("digits", &command("NTFY", "X: 1\r\nO: D/1"), ",D/1", "\r\n"),
        shape("events", &rqnt("R: L/hd(N)"), ", L/hu(N,K)(a,b=c)", "\r\n"),
        shape(
            "events with requests embedded",
            &rqnt("R: L/hd"),
            ", L/hd(E(R(L/hu(N), D/x(D)), S(L/dl), D(2xxx)))",
            "\r\n",
        ),
        shape("parameters within parameters", &rqnt("S: L/dl"), ", L/ci(a(b(c(d(e(f(g=h(i))))))))", "\r\n"),
        shape("parameters", &rqnt("S: L/ci(a"), ",b=c", ")\r\n"),
        shape("a chain of equals signs", &rqnt("S: L/ci(a"), "=a", ")\r\n"),
        shape("parentheses that never close", &rqnt("S: L/ci"), "(", "\r\n"),
        shape("a digit map", &rqnt("D: (1"), "|xx.T", ")\r\n"),
        shape("options", &command("CRCX", "C: 1\r\nM: inactive\r\nL: p:10"), ", x-a:b;c", "\r\n"),
        shape("codecs", &command("CRCX", "C: 1\r\nM: inactive\r\nL: a:PCMU"), ";PCMA", "\r\n"),
        shape(
            "formats",
            &command("CRCX", "C: 1\r\nM: inactive\r\nL: fmtp:\"PCMU a=b\""),
            ";\"PCMA c=d\"",
            "\r\n",
        ),
        shape(
            "formats in order",
            &command("CRCX", "C: 1\r\nM: inactive\r\nL: a:PCMU, fmtp:\"PCMU:1 a=b\""),
            ";\"PCMU:1\"",
            "\r\n",
        ),
        shape("ranges", &command("AUEP", "K: 1"), ", 2-3", "\r\n"),
        shape("names of endpoints", "200 5 OK\r\n", "Z: aaln/1@gw\r\n", ""),
        shape("a name without end", "AUEP 5 a", "/a", "@gw MGCP 1.0\r\n"),
        shape("commentary", "200 5 ", "OK \"", "\r\n"),
        shape("connections", "200 5 OK\r\nI: 1", ", 1F", "\r\n"),
        shape("messages", "", "AUEP 5 aaln/1@gw MGCP 1.0\r\n.\r\n", ""),
        shape("broken messages", "", "AUEP 5 aaln/1@gw MGCP 1.0\r\n?\r\n.\r\n", ""),
        shape("messages with descriptions", "", "200 5 OK\r\n\r\nv=0\r\nc=IN IP4 192.0.2.1\r\n.\r\n", ""),
        shape("dots", "", "\n.\n", ""),
        shape("empty lines", &command("AUEP", "\r\n"), "\r\n", ""),
    ];
    assert_linear(read_mgcp, &shapes, LARGE);
}

#[test]
fn octets_that_are_no_text_are_looked_at_once() {
    let read = |bytes: &[u8]| {
        // A description need not be UTF-8, so what follows it is looked at again, once.
        let bad: Vec<u8> = bytes.iter().map(|octet| if *octet == b'?' { 0xff } else { *octet }).collect();
        read_mgcp(&bad);
    };
    let shapes = [
        shape("descriptions", "", "200 5 OK\n\nv=0\ns=??\n.\n", ""),
        shape("headers", "", "AUEP 5 a@b MGCP 1.0\nX-a: ?\n.\n", ""),
        shape("one at the end", "", "200 5 OK\n.\n", "AUEP ?"),
    ];
    assert_linear(read, &shapes, LARGE);
}

#[test]
fn compiling_a_digit_map_takes_time_in_proportion_to_its_length() {
    let read = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).unwrap();
        black_box(DigitMap::compile(text, &Limits::DEFAULT).is_ok());
    };
    // A map is held to the states of its automaton, too: those that have many for their length are refused, see the tests of digit maps.
    let shapes = [
        shape("alternatives", "(1", "|1", ")"),
        shape("one long string", "(", "2", ")"),
        shape("ranges", "(", "[2-9]", ")"),
    ];
    assert_linear(read, &shapes, 2_048);
}

#[test]
fn reading_sdp_takes_time_in_proportion_to_its_length() {
    let read = |bytes: &[u8]| {
        let unbounded = strowger_sdp::Limits {
            bytes: usize::MAX,
            line: usize::MAX,
            media: usize::MAX,
            attributes: usize::MAX,
            formats: usize::MAX,
        };
        let Ok(session) = strowger_sdp::decode(bytes, &unbounded) else { return };
        black_box(session.departures().len());
        black_box(session.media().count());
        black_box(strowger_sdp::AudioDescription::from_session(&session).is_ok());
    };
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
    let with = |rest: &str| format!("{head}{rest}");
    let shapes = [
        shape("attributes", &with("m=audio 4000 RTP/AVP 0\r\n"), "a=x:y\r\n", ""),
        shape("attributes without a value", &with("m=audio 4000 RTP/AVP 0\r\n"), "a=x\n", ""),
        shape(
            "maps of one format",
            &with("m=audio 4000 RTP/AVP 0\r\n"),
            "a=rtpmap:96 telephone-event/8000\r\n",
            "",
        ),
        shape("formats", &with("m=audio 4000 RTP/AVP 0"), " 8", "\r\n"),
        shape("formats that are none", &with("m=audio 4000 RTP/AVP 0"), " a", "\r\n"),
        shape("streams", head, "m=audio 4000 RTP/AVP 0\r\n", ""),
        shape("streams with attributes", head, "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\na=x:y\r\n", ""),
        shape("times", head, "t=0 0\r\n", ""),
        shape("a name without end", "v=0\r\ns=", "a", "\r\n"),
        shape("an origin of spaces", "v=0\r\no=- 1 1 IN IP4", " ", "x\r\n"),
        shape("empty lines", head, "\r\n", ""),
        shape("control characters", "v=0\r\ns=", "\u{1}\t", "\r\n"),
    ];
    assert_linear(read, &shapes, LARGE);
}

#[test]
fn reading_reports_takes_time_in_proportion_to_their_length() {
    let read = |bytes: &[u8]| {
        let Ok(compound) = Compound::decode(bytes) else { panic!("these are whole") };
        let items: usize = compound
            .packets()
            .map(|packet| match packet {
                RtcpPacket::SourceDescription(chunks) => {
                    chunks.iter().map(|chunk| chunk.items().count()).sum()
                }
                RtcpPacket::SenderReport { reports, .. } | RtcpPacket::ReceiverReport { reports, .. } => {
                    reports.iter().count()
                }
                RtcpPacket::Goodbye { sources, .. } => sources.iter().count(),
                RtcpPacket::Other { body, .. } => body.len(),
            })
            .sum();
        black_box(items);
    };
    let empty = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let goodbye = [0x81, 203, 0, 1, 0, 0, 0, 9];
    let other = [0x80, 204, 0, 2, 0, 0, 0, 9, b'n', b'a', b'm', b'e'];
    for again in [&empty[..], &goodbye, &other] {
        let of_size = |size: usize| {
            let mut bytes = empty.to_vec();
            while bytes.len() + again.len() <= size {
                bytes.extend_from_slice(again);
            }
            bytes
        };
        let (small, large) = (of_size(LARGE / 2), of_size(LARGE));
        let ratio = (0..TRIES)
            .map(|_| shortest(read, &large, 20).as_secs_f64() / shortest(read, &small, 20).as_secs_f64())
            .find(|ratio| *ratio <= LINEAR);
        assert!(ratio.is_some(), "packets of type {}", again[1]);
    }
}
