//! tshark, from its Debian package, reads what we write in all three forms: nothing is malformed, and it has no complaint. It sees the
//! transactions and commands that we count ourselves, so that the test cannot pass on nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use strowger_megaco::binary::{self, ValueForm};
use strowger_megaco::message::{Body, Message, Transaction};
use strowger_megaco::text::Layout;

use crate::text::CANONICAL;
use crate::vectors::{read, vectors, write};

const TEXT: u16 = 2944;
const BINARY: u16 = 2945;

/// A capture file with one datagram a message, by its port (libpcap's format, frames without link layer).
fn capture(messages: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    for (index, (port, message)) in messages.iter().enumerate() {
        let udp = u16::try_from(message.len() + 8).unwrap();
        let ip = udp + 20;
        for field in [u32::try_from(index).unwrap(), 0, ip.into(), ip.into()] {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(&[0x45, 0]);
        file.extend_from_slice(&ip.to_be_bytes());
        // No fragment, 64 hops, UDP; checksums of 0 are not looked at.
        file.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        for field in [*port, *port, udp, 0] {
            file.extend_from_slice(&field.to_be_bytes());
        }
        file.extend_from_slice(message);
    }
    file
}

/// What tshark 4.0 says of messages that are as the standard has them: its complaint, and what the message has then.
const FORGIVEN: &[(&str, &str)] = &[
    // That a message says of an error is no complaint about the message.
    ("Errored Command", ""),
    // Its reader of text does not know the descriptors for multiplex, modem and event buffer, nor an item of an audit alone.
    ("No Descriptor detectable", "EB"),
    ("No Descriptor detectable", "EventBuffer"),
    ("No Descriptor detectable", "MX"),
    ("No Descriptor detectable", "Mux"),
    // Nor signals in braces around nothing.
    ("Empty Signal Descriptor", "SG{}"),
    ("Empty Signal Descriptor", "Signals { }"),
    // Nor a property that is to be above a value.
    ("Parse error", "tdmc/gain>5"),
    // Nor attributes of a context behind which there is no command.
    ("Parse error: Missing \"=\"", ",IS}}}"),
    ("Parse error: Missing \"=\"", ",Isolate\n\t\t}\n\t}\n}"),
    // Its BER takes the reply to an audit of version 1 for that of RFC 2885.
    (
        "BER Error: Wrong field in SEQUENCE: expected class:CONTEXT(2) tag:0 but found class:CONTEXT(2) tag:2",
        "",
    ),
    // The peer's own messages: a codec by name in `a=fmtp`, two spaces in `m=`, a number where a Boolean belongs.
    ("Invalid media format", "a=fmtp:PCMU"),
    ("Invalid SDP whitespace", "RTP/AVP  4"),
    ("BER Error: Echo Cancellation: length of item (4) is not valid", "g165"),
];

fn is_forgiven(complaint: &str, message: &[u8]) -> bool {
    let message = String::from_utf8_lossy(message);
    let fits = |(said, has): &(&str, &str)| complaint.starts_with(said) && message.contains(has);
    FORGIVEN.iter().any(fits)
}

fn is_installed() -> bool {
    let found = Command::new("tshark").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("STROWGER_REQUIRE_PEERS").is_none(), "tshark is required and not installed");
        println!("skipped: tshark is not installed");
    }
    found
}

/// The rows of fields that tshark gives for the frames of a filter.
fn tshark(capture: &Path, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(capture).env("HOME", capture.parent().unwrap());
    command.args(["-Y", filter, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("strowger-megaco-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the gateway and the controller say beside calls, with names that can be said in octets.
const BESIDE: &[&str] = &[
    "!/1 <mgc.town>\nT=1{C=-{MF=ROOT{E=9{it/ito{mit=3000},ocp/mg_overload},AT{PG}}}}",
    "!/1 <gw.town>\nT=1{C=-{N=ROOT{OE=9{20260101T12000000:it/ito,20260101T12000001:ocp/mg_overload}}}}",
    "!/1 <mgc.town>\nT=1{C=-{MF=00000001/00000001/00000001{E=4{ct/cmp},SG{ct/ct{SY=TO,DR=50}}},MF=00000001/00000001/00000010{SG{ct/rsp}}}}",
    "!/1 <gw.town>\nT=1{C=-{N=00000001/00000001/00000001{OE=4{20260101T12000000:ct/cmp{res=success}}}}}",
    "!/1 <gw.town>\nT=1{C=5{N=00000010/00000000/00000001{OE=4{20260101T12000000:rtp/qualert{th=20},nt/netfail{cs=\"lost\"}}}}}",
    "!/1 <mgc.town>\nT=1{C=5{MF=00000001/00000001/00000001{E=4{ctyp/dtone},SG{an/apf{an=7,noc=2,di=ext}}}}}",
    "!/1 <mgc.town>\nP=1{C=-{SC=ROOT{SV{V=1,PF=ResGW/1,20260101T12000000}}}}",
    "!/1 <gw.town>\nP=1{C=5{PR=9,EG,TP{00000001/00000001/00000001,00000001/00000001/00000010,IS}}}",
];

fn binary(message: &Message<'_>) -> Option<Vec<u8>> {
    let options = binary::Options { values: ValueForm::Wrapped, ..binary::Options::default() };
    let mut octets = Vec::new();
    // Names that the plan does not have cannot be said in it.
    binary::encode(message, &options, &mut octets).ok()?;
    Some(octets)
}

#[test]
fn tshark_reads_what_is_written_in_every_form_without_complaint() {
    if !is_installed() {
        return;
    }
    let folder = Folder::new();
    let file = folder.0.join("megaco.pcap");
    let samples: Vec<Vec<u8>> = CANONICAL
        .iter()
        .chain(BESIDE)
        .map(|text| text.as_bytes().to_vec())
        .chain(vectors().into_iter().map(|vector| vector.compact))
        .collect();
    let (mut messages, mut requests) = (Vec::new(), 0);
    for sample in &samples {
        let message = read(sample);
        let is_request = |transaction: &Transaction<'_>| matches!(transaction, Transaction::Request(_));
        let written = [Layout::Pretty, Layout::Compact].map(|layout| (TEXT, write(&message, layout)));
        let before = messages.len();
        messages.extend(written);
        messages.extend(binary(&message).map(|octets| (BINARY, octets)));
        if let Body::Transactions(transactions) = &message.body {
            requests += transactions.iter().filter(|one| is_request(one)).count() * (messages.len() - before);
        }
    }
    std::fs::write(&file, capture(&messages)).unwrap();
    let frames = tshark(&file, "megaco || h248", &["frame.number"]);
    assert_eq!(frames.len(), messages.len(), "each is taken for Megaco");
    let seen = |field: &str, what: &str| -> usize {
        tshark(&file, field, &[field]).iter().map(|row| row.matches(what).count()).sum()
    };
    let found = seen("megaco.transaction", "Request") + seen("h248.transactionRequest_element", "1");
    assert_eq!(found, requests, "requests that it saw");
    let complaints = "_ws.malformed || _ws.expert.severity >= 0x400000";
    let found = tshark(&file, complaints, &["frame.number", "_ws.expert.message", "_ws.malformed"]);
    let named: Vec<String> = found
        .iter()
        .filter_map(|row| {
            let number: usize = row.split('|').next().unwrap().parse().unwrap();
            let (port, message) = &messages[number - 1];
            let what = row.split('|').nth(1).unwrap();
            let is_fine = what.split(',').all(|complaint| is_forgiven(complaint, message));
            (!is_fine).then(|| format!("{port} {row}: {}", message.escape_ascii()))
        })
        .collect();
    assert!(named.is_empty(), "{} of {}:\n{}", named.len(), messages.len(), named.join("\n"));
}
