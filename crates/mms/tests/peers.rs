//! Programs of others judge what we write of WAP Push and MMS: tshark reads every datagram without a complaint and sees the same
//! values; the tools of libwbxml give our documents back.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use strowger_mms::hostile::samples;
use strowger_mms::message::{FieldCode, MessageType, Sender};
use strowger_mms::sms::{Ports, Reference, segment};
use strowger_mms::wbxml::{
    CacheOperation, EmailNotification, Invalidate, Load, ServiceIndication, ServiceLoading, Signal,
};
use strowger_mms::wsp::{MediaType, Pdu, decode_connectionless};
use strowger_mms::{Field, Limits, decode};

/// Whether a program can be tried. When it cannot, this says so; where peers are required, that is a failure.
fn has_peer(program: &str, package: &str) -> bool {
    let found = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        assert!(
            std::env::var_os("STROWGER_REQUIRE_PEERS").is_none(),
            "{package} is required and not installed"
        );
        println!("skipped: {package} is not installed");
    }
    found
}

/// A capture of datagrams from port 9200 to 2948, made by text2pcap.
fn capture(folder: &Path, datagrams: &[Vec<u8>]) -> std::path::PathBuf {
    let mut text = String::new();
    for datagram in datagrams {
        for (row, octets) in datagram.chunks(16).enumerate() {
            write!(text, "{:06x}", row * 16).unwrap();
            for octet in octets {
                write!(text, " {octet:02x}").unwrap();
            }
            text.push('\n');
        }
        text.push('\n');
    }
    let (hex, pcap) = (folder.join("push.txt"), folder.join("push.pcap"));
    std::fs::write(&hex, text).unwrap();
    let output =
        Command::new("text2pcap").args(["-q", "-u", "9200,2948"]).arg(&hex).arg(&pcap).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    pcap
}

/// Runs tshark over a capture and gives one row of fields a frame.
fn tshark(capture: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(capture).env("HOME", capture.parent().unwrap());
    // Short messages within SMPP are looked into.
    command.args(["-o", "smpp.decode_sms_over_smpp:TRUE", "-o", "gsm_sms_ud.port_number_udh_means_wsp:TRUE"]);
    command.args(["-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    // It prints some octets as they came.
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

const COMPLAINTS: &str =
    "_ws.malformed || _ws.short || _ws.expert.severity >= \"Warning\" || mmse.oversized_uintvar";

#[test]
fn tshark_reads_every_push_that_we_write_without_complaint() {
    if !has_peer("tshark", "tshark") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let datagrams = samples::datagrams();
    let file = capture(folder.path(), &datagrams);
    let read = tshark(&file, "wsp", &["frame.number"]);
    assert_eq!(read.len(), datagrams.len(), "each is WSP");
    let messages: Vec<_> = datagrams
        .iter()
        .filter_map(|datagram| match decode_connectionless(datagram, &Limits::DEFAULT).unwrap().pdu {
            Pdu::Push(push) if push.content_type.media.is(&MediaType::MMS) => Some(push.data),
            _ => None,
        })
        .collect();
    assert_eq!(messages.len(), 48, "each type of message twice");
    let fields = ["frame.number", "_ws.expert.message", "_ws.col.Info"];
    let complaints = tshark(&file, COMPLAINTS, &fields);
    assert!(complaints.is_empty(), "{complaints:#?}");

    // What it reads is what we wrote.
    let fields = [
        "mmse.message_type",
        "mmse.transaction_id",
        "mmse.mms_version",
        "mmse.message_size",
        "mmse.content_location",
    ];
    let rows = tshark(&file, "mmse", &fields);
    assert_eq!(rows.len(), messages.len());
    for (row, message) in rows.iter().zip(&messages) {
        let pdu = decode(message, &Limits::DEFAULT).unwrap();
        assert_eq!(number(&row[0]), u64::from(pdu.kind().code()), "{row:?}");
        assert_eq!(row[1], pdu.transaction_id().map(|id| id.to_string()).unwrap_or_default(), "{row:?}");
        if pdu.kind() == MessageType::NotificationInd {
            assert_eq!(row[3].parse().ok(), pdu.message_size(), "{row:?}");
            assert_eq!(row[4], pdu.content_location().unwrap().to_string(), "{row:?}");
        }
    }
    let senders = tshark(&file, "mmse.from", &["mmse.from"]);
    let ours = messages.iter().filter(|message| {
        let pdu = decode(message, &Limits::DEFAULT).unwrap();
        matches!(pdu.find(FieldCode::From), Some(Field::From(Sender::Address(_))))
    });
    assert_eq!(senders.len(), ours.count());
    assert!(senders.iter().all(|row| row[0] == "+15550100/TYPE=PLMN"), "{senders:?}");

    // It does complain when there is cause.
    let spoilt: Vec<_> = datagrams.iter().map(|datagram| datagram[..datagram.len() - 1].to_vec()).collect();
    let file = capture(folder.path(), &spoilt);
    assert!(!tshark(&file, COMPLAINTS, &["frame.number"]).is_empty());
}

/// `0x82` or `130`.
fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

#[test]
fn tshark_puts_our_short_messages_together() {
    if !has_peer("tshark", "tshark") {
        return;
    }
    // User data are read within a message of SMPP: one submit_sm a part.
    let mut datagram = Vec::new();
    strowger_mms::wsp::encode_mms_push(1, &samples::retrieved(), &mut datagram);
    for reference in [Reference::narrow(7), Reference::wide(0x1234)] {
        let parts = segment(&datagram, Ports::PUSH, reference).unwrap();
        assert!(parts.len() > 1);
        let folder = tempfile::tempdir().unwrap();
        let file = smpp_capture(folder.path(), &parts);
        let fields = [
            "gsm_sms.udh.mm.msg_part",
            "gsm_sms.udh.mm.msg_parts",
            "mmse.message_type",
            "mmse.transaction_id",
        ];
        let rows = tshark(&file, "gsm_sms_ud || gsm_sms || smpp", &fields);
        assert_eq!(rows.len(), parts.len(), "{rows:?}");
        for (row, part) in rows.iter().zip(1..) {
            assert_eq!((number(&row[0]), number(&row[1])), (part, parts.len() as u64), "{row:?}");
        }
        // The last part completes the message, which tshark then reads.
        let last = rows.last().unwrap();
        assert_eq!((number(&last[2]), last[3].as_str()), (0x84, "T1"), "{rows:?}");
        assert!(tshark(&file, "_ws.malformed", &["frame.number"]).is_empty());
    }
}

#[test]
fn tshark_reads_every_message_and_document_in_short_messages_without_complaint() {
    if !has_peer("tshark", "tshark") {
        return;
    }
    let datagrams = samples::datagrams();
    assert_eq!(datagrams.len(), 52, "24 types of message twice, and four documents");
    // Each with a reference of its own, by turns of either width.
    let of = |number: usize| match number % 2 {
        0 => Reference::narrow(number as u8),
        _ => Reference::wide(0x100 + number as u16),
    };
    let in_parts: Vec<_> = datagrams
        .iter()
        .enumerate()
        .map(|(number, datagram)| segment(datagram, Ports::PUSH, of(number)).unwrap())
        .collect();
    assert!(in_parts.iter().any(|parts| parts.len() == 1) && in_parts.iter().any(|parts| parts.len() > 1));
    let folder = tempfile::tempdir().unwrap();
    let file = smpp_capture(folder.path(), &in_parts.concat());
    let complaints = tshark(&file, COMPLAINTS, &["frame.number", "_ws.expert.message", "_ws.col.Info"]);
    assert!(complaints.is_empty(), "{complaints:#?}");
    // The last part of each completes it, and tshark sees the message or the document.
    let rows =
        tshark(&file, "smpp", &["mmse.message_type", "wbxml.public_id.known", "wbxml.public_id.literal"]);
    assert_eq!(rows.len(), in_parts.iter().map(Vec::len).sum::<usize>());
    let lasts = in_parts.iter().scan(0, |end, parts| {
        *end += parts.len();
        Some(*end - 1)
    });
    for (last, datagram) in lasts.zip(&datagrams) {
        let Pdu::Push(push) = decode_connectionless(datagram, &Limits::DEFAULT).unwrap().pdu else {
            panic!()
        };
        let row = &rows[last];
        if push.content_type.media.is(&MediaType::MMS) {
            let kind = decode(push.data, &Limits::DEFAULT).unwrap().kind();
            assert_eq!(number(&row[0]), u64::from(kind.code()), "{kind}: {row:?}");
        } else {
            // The public identifier is known by its number. tshark 4.0 does not know the media type of EMN, and shows octets.
            let known = row[1..].iter().any(|id| !id.is_empty());
            let is_mail = push.content_type.media.is(&MediaType::EMN);
            assert!(known || is_mail, "{}: {row:?}", push.content_type);
        }
    }
}

/// A capture of submit_sm requests over TCP, one a frame.
fn smpp_capture(folder: &Path, parts: &[Vec<u8>]) -> std::path::PathBuf {
    let mut text = String::new();
    for (number, part) in parts.iter().enumerate() {
        let mut body = vec![0, 1, 1];
        body.extend_from_slice(b"9200\0\x01\x01");
        body.extend_from_slice(b"15550100\0");
        body.extend_from_slice(&[0x43, 0, 0, 0, 0, 0, 0, 4, 0, part.len() as u8]);
        body.extend_from_slice(part);
        let mut message = (body.len() as u32 + 16).to_be_bytes().to_vec();
        message.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0]);
        message.extend_from_slice(&(number as u32 + 1).to_be_bytes());
        message.extend_from_slice(&body);
        for (row, octets) in message.chunks(16).enumerate() {
            write!(text, "{:06x}", row * 16).unwrap();
            for octet in octets {
                write!(text, " {octet:02x}").unwrap();
            }
            text.push('\n');
        }
        text.push('\n');
    }
    let (hex, pcap) = (folder.join("smpp.txt"), folder.join("smpp.pcap"));
    std::fs::write(&hex, text).unwrap();
    let output =
        Command::new("text2pcap").args(["-q", "-T", "40000,2775"]).arg(&hex).arg(&pcap).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    pcap
}

/// Runs a tool of libwbxml over a file, and gives what it wrote.
fn wbxml_tool(tool: &str, arguments: &[&str], folder: &Path, input: &[u8]) -> Vec<u8> {
    let (source, target) = (folder.join("in"), folder.join("out"));
    std::fs::write(&source, input).unwrap();
    let _ = std::fs::remove_file(&target);
    let output = Command::new(tool).args(arguments).arg("-o").arg(&target).arg(&source).output().unwrap();
    std::fs::read(&target)
        .unwrap_or_else(|error| panic!("{tool}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn libwbxml_gives_our_documents_back() {
    if !has_peer("wbxml2xml", "libwbxml2-utils") || !has_peer("xml2wbxml", "libwbxml2-utils") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let date = strowger_mms::date::Utc::from_fields(2026, 11, 28, 12, 30, 0);
    let limits = Limits::DEFAULT;
    macro_rules! comes_back {
        ($kind:ident, $document:expr) => {
            let document: $kind = $document;
            let mut octets = Vec::new();
            document.encode(&mut octets);
            let xml = wbxml_tool("wbxml2xml", &[], folder.path(), &octets);
            let read = $kind::from_xml(std::str::from_utf8(&xml).unwrap(), &limits);
            assert_eq!(read.as_ref(), Ok(&document), "our octets, read by libwbxml");
            let theirs =
                wbxml_tool("xml2wbxml", &["-n", "-v", "1.2"], folder.path(), document.to_xml().as_bytes());
            assert_eq!($kind::decode(&theirs, &limits).as_ref(), Ok(&document), "its octets, from our XML");
            assert_eq!(theirs, octets, "octet by octet");
        };
    }
    for action in [Signal::None, Signal::Low, Signal::Medium, Signal::High, Signal::Delete] {
        comes_back!(
            ServiceIndication,
            ServiceIndication {
                href: Some("https://www.example.com/mail/1?a=b&c=d".to_owned()),
                id: Some("id-1".to_owned()),
                created: date,
                expires: date,
                action,
                text: "You have mail".to_owned(),
                info: Vec::new(),
            }
        );
    }
    for action in [Load::ExecuteLow, Load::ExecuteHigh, Load::Cache] {
        comes_back!(ServiceLoading, ServiceLoading { href: "http://www.example.net/x".to_owned(), action });
    }
    comes_back!(
        CacheOperation,
        CacheOperation {
            invalidate: vec![
                Invalidate::Object("http://example.org/a".to_owned()),
                Invalidate::Service("https://www.example.edu/".to_owned()),
            ],
        }
    );
    comes_back!(
        EmailNotification,
        EmailNotification { mailbox: "mailat:joe@example.com".to_owned(), timestamp: date }
    );
}
