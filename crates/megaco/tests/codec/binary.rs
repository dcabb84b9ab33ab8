//! The binary form: conversion to and from text, wildcards, lengths, values, refusals.

use strowger_megaco::binary::{
    self, Level, LevelForm, NamePlan, Options, ValueForm, decode, decode_recovering,
};
use strowger_megaco::message::{Body, CommandBody, Message, TerminationId, Transaction};
use strowger_megaco::text::Layout;
use strowger_megaco::{ErrorCode, Limits, Rule};

use crate::text::CANONICAL;
use crate::vectors::{peer, read, read_ber, vectors, write, write_ber};

/// Names that the messages of the text stories use, as words of one level.
pub(crate) fn town() -> Options {
    let words = ["a", "b", "c", "aaln", "zero"].map(str::to_owned).to_vec();
    let plan = NamePlan::new(vec![Level { bits: 8, form: LevelForm::Words(words) }]).unwrap();
    Options { plan, digit_maps: vec![("plan".to_owned(), 7)], ..Options::default() }
}

/// A story's message without what only text can say.
pub(crate) fn speakable(text: &str) -> String {
    text.replace("x/", "id8001/")
        .replace("x-2", "id8001-2")
        .replace("/a=", "/id0001=")
        .replace("/b=", "/id0002=")
        .replace("/c#", "/id0003#")
        .replace("/d=", "/id0004=")
        .replace("/y", "/id0005")
        .replace("MD[V18,X-fast]", "MD=V18")
        .replace("MT=X-mine", "MT=FO")
}

#[test]
fn text_to_binary_to_text_loses_nothing() {
    for form in [ValueForm::Wrapped, ValueForm::Raw] {
        let options = Options { values: form, ..town() };
        for text in CANONICAL {
            let text = speakable(text);
            // Raw values of foreign packages do not say whether they stood in quotes.
            if form == ValueForm::Raw && text.contains("8001") {
                continue;
            }
            let message = read(text.as_bytes());
            let binary = write_ber(&message, &options);
            let back = read_ber(&binary, &options);
            assert_eq!(back, message, "{text}\n{binary:02x?}");
            assert_eq!(write_ber(&back, &options), binary);
            if !text.contains("L{") {
                let shown = |text: &[u8]| text.escape_ascii().to_string();
                assert_eq!(shown(&write(&back, Layout::Compact)), shown(text.as_bytes()));
            }
        }
    }
}

#[test]
fn nothing_of_a_later_version_goes_to_an_earlier_peer_in_binary() {
    for text in CANONICAL {
        let text = speakable(text);
        let mut message = read(text.as_bytes());
        let written_in = message.version;
        for version in [1, 2, 3] {
            message.version = strowger_megaco::message::Version::new(version).unwrap();
            let result = binary::encode(&message, &town(), &mut Vec::new());
            assert_eq!(
                result.is_ok(),
                message.version >= written_in,
                "{text} in version {version}: {result:?}"
            );
        }
    }
}

/// Elements of definite length rewritten with indefinite ones.
fn indefinite(octets: &[u8], out: &mut Vec<u8>) {
    let mut rest = octets;
    while let [tag, after @ ..] = rest {
        let (length, contents) = match after {
            [0x81, length, contents @ ..] => (usize::from(*length), contents),
            [0x82, high, low, contents @ ..] => (usize::from(*high) << 8 | usize::from(*low), contents),
            [length, contents @ ..] => (usize::from(*length), contents),
            [] => panic!(),
        };
        if tag & 0x20 != 0 {
            out.extend_from_slice(&[*tag, 0x80]);
            indefinite(&contents[..length], out);
            out.extend_from_slice(&[0, 0]);
        } else {
            let header = rest.len() - contents.len();
            out.extend_from_slice(&rest[..header + length]);
        }
        rest = &contents[length..];
    }
}

#[test]
fn indefinite_lengths_are_read() {
    let (peer, town) = (peer(), town());
    for vector in vectors() {
        let mut long = Vec::new();
        indefinite(&vector.ber, &mut long);
        assert_eq!(read_ber(&long, &peer), read_ber(&vector.ber, &peer), "{}", vector.name);
    }
    for text in CANONICAL {
        let text = speakable(text);
        let binary = write_ber(&read(text.as_bytes()), &town);
        let mut long = Vec::new();
        indefinite(&binary, &mut long);
        assert_eq!(read_ber(&long, &town), read_ber(&binary, &town), "{text}");
    }
}

fn termination<'m>(message: &'m Message<'_>) -> &'m TerminationId<'m> {
    let Body::Transactions(transactions) = &message.body else { panic!() };
    let [Transaction::Request(request)] = &transactions[..] else { panic!() };
    &request.actions[0].commands[0].body.terminations().first
}

fn named(name: &str, options: &Options) -> (Vec<u8>, Vec<u8>) {
    let text = format!("!/1 m\nT=1{{C=1{{MF={name}}}}}");
    let binary = write_ber(&read(text.as_bytes()), options);
    assert_eq!(termination(&read_ber(&binary, options)).as_str(), name);
    // ... A0 w 04 01 x ... 81 n id, A1 00 at the end.
    let body = &binary[..binary.len() - 2];
    let at =
        body.windows(2).rposition(|pair| pair[0] == 0x81 && usize::from(pair[1]) + 2 <= body.len()).unwrap();
    let id = body[at + 2..].to_vec();
    let wildcards: Vec<u8> =
        body[..at].rchunks(3).take_while(|chunk| chunk.starts_with(&[4, 1])).map(|chunk| chunk[2]).collect();
    (wildcards.into_iter().rev().collect(), id)
}

#[test]
fn wildcards_are_those_of_annex_a1() {
    let options = Options::default();
    assert_eq!(named("00000001/00011110/*", &options).0, [0x87]);
    assert_eq!(named("$/00011110/$", &options).0, [0x17, 0x07]);
    assert_eq!(named("00000001/$", &options).0, [0x4f]);
    assert_eq!(named("$", &options), (vec![0x57], vec![0, 0, 0]));
    assert_eq!(named("*", &options), (vec![0xd7], vec![0, 0, 0]));
    assert_eq!(named("ROOT", &options), (vec![], vec![0xff; 8]));
    assert_eq!(named("x0102", &options), (vec![], vec![1, 2]));
}

#[test]
fn a_plan_gives_levels_words_and_numbers() {
    let levels = vec![
        Level { bits: 4, form: LevelForm::Words(vec!["aaln".to_owned(), "rtp".to_owned()]) },
        Level { bits: 12, form: LevelForm::Number },
    ];
    let options = Options { plan: NamePlan::new(levels).unwrap(), ..Options::default() };
    assert_eq!(named("rtp/4095", &options).1, [0x1f, 0xff]);
    assert_eq!(named("aaln/*", &options).0, [0x8b]);
    assert_eq!(named("*/7", &options), (vec![0x8f], vec![0, 7]));
    for name in ["rtp/4096", "ds/1", "rtp", "rtp/1/1", "rtp/01"] {
        let text = format!("!/1 m\nT=1{{C=1{{MF={name}}}}}");
        let error = binary::encode(&read(text.as_bytes()), &options, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(NamePlan::new(vec![]), None);
    assert_eq!(NamePlan::new(vec![Level { bits: 33, form: LevelForm::Number }]), None);
}

#[test]
fn values_are_wrapped_twice_as_note_4_demands() {
    let text = "!/1 m\nT=1{C=1{MF=a{M{O{tdmc/ec=on,tdmc/gain=2}}},SC=ROOT{SV{MT=RS,RE=\"901 Cold Boot\"}}}}";
    let binary = write_ber(&read(text.as_bytes()), &town());
    let has = |wanted: &[u8]| binary.windows(wanted.len()).any(|found| found == wanted);
    assert!(has(&[0x04, 3, 0x01, 1, 0xff]), "a boolean: {binary:02x?}");
    assert!(has(&[0x04, 3, 0x02, 1, 2]), "an integer");
    assert!(has(&[&[0x04, 15, 0x16, 13][..], b"901 Cold Boot"].concat()), "a string");
}

#[test]
fn a_name_without_identifier_cannot_be_written() {
    let message = read(b"!/1 m\nT=1{C=1{MF=a{M{O{vendor/thing=1}}}}}");
    let error = binary::encode(&message, &town(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the package \"vendor\" has no identifier");
}

#[track_caller]
fn refused(octets: &[u8], rule: Rule, at: usize) {
    let options = Options::default();
    let error = decode(octets, &options).expect_err("legal");
    assert_eq!((error.rule, error.offset), (rule, at), "{error}");
}

/// `!/1 m` and a body.
fn around(body: &[u8]) -> Vec<u8> {
    let mut inner = vec![0x80, 1, 1, 0xa1, 3, 0x83, 1, b'm', 0xa2, u8::try_from(body.len()).unwrap()];
    inner.extend_from_slice(body);
    let mut out =
        vec![0x30, u8::try_from(inner.len() + 2).unwrap(), 0xa1, u8::try_from(inner.len()).unwrap()];
    out.extend_from_slice(&inner);
    out
}

#[test]
fn each_fault_has_its_rule_and_its_place() {
    refused(b"", Rule::Ends, 0);
    refused(b"!/1 m\nPN=1{}", Rule::BerType, 0);
    refused(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], Rule::Ber, 0);
    refused(&[0x30, 0x83, 0xff, 0xff, 0xff], Rule::Ends, 0);
    refused(&[0x30, 0], Rule::BerMember, 0);
    refused(&[0x30, 0, 0], Rule::Trailing, 2);
    refused(&[0x30, 0x80, 0xa1, 0x80, 0, 0], Rule::Ends, 0);
    refused(&[0x30, 2, 0x81, 0], Rule::BerType, 2);
    refused(&around(&[0xa1, 0]), Rule::Transaction, 14);
    // A pending: its number too big, negative, of nine octets.
    refused(&around(&[0xa1, 8, 0xa1, 6, 0x80, 4, 0x80, 0, 0, 0]), Rule::BerRange, 18);
    // A request with the number 0; actions before the number.
    refused(&around(&[0xa1, 7, 0xa0, 5, 0x80, 1, 0, 0xa1, 0]), Rule::TransactionId, 18);
    refused(&around(&[0xa1, 7, 0xa0, 5, 0xa1, 0, 0x80, 1, 1]), Rule::BerMember, 20);
    // An unknown command.
    let command = [0xa1, 18, 0xa0, 16, 0x80, 1, 1, 0xa1, 11, 0x30, 9, 0x80, 1, 1, 0xa3, 4, 0x30, 2, 0xa0, 0];
    refused(&around(&command), Rule::BerType, 32);
    let mut unknown = command.to_vec();
    unknown.splice(18.., [0xa0, 2, 0xa9, 0]);
    for (at, longer) in [(1, 20), (3, 18), (8, 13), (10, 11), (15, 6), (17, 4)] {
        unknown[at] = longer;
    }
    let options = Options::default();
    let bytes = around(&unknown);
    let error = decode(&bytes, &options).unwrap_err();
    assert_eq!((error.rule, error.code()), (Rule::Command, ErrorCode::UNKNOWN_COMMAND));
    assert_eq!(error.transaction.map(strowger_megaco::message::TransactionId::get), Some(1));
}

#[test]
fn the_recovering_mode_leaves_out_what_has_a_fault() {
    let mut bytes = write_ber(&read(b"!/1 m\nPN=1{}PN=2{}K{3}"), &Options::default());
    // The second pending gets a member that it does not have where its number should be.
    let at = bytes.windows(3).position(|found| found == [0x80, 1, 2]).unwrap();
    bytes[at] = 0x83;
    let options = Options::default();
    let (message, faults) = decode_recovering(&bytes, &options);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].rule, Rule::BerMember);
    assert_eq!(faults[0].offset, at - 2);
    assert_eq!(message, Some(read(b"!/1 m\nPN=1{}K{3}")));
}

#[test]
fn unknown_members_behind_the_extension_mark_are_skipped() {
    let pending = around(&[0xa1, 9, 0xa1, 7, 0x80, 1, 5, 0x9f, 0x81, 0x05, 0]);
    let mut longer = pending.clone();
    assert_eq!(read_ber(&pending, &Options::default()), read(b"!/1 m\nPN=5{}"));
    longer[20] = 6;
    assert_eq!(read_ber(&longer, &Options::default()), read(b"!/1 m\nPN=6{}"));
}

#[test]
fn hostile_octets_are_refused_at_once() {
    let options = Options::default();
    let headers = [0xa1, 0x80].repeat(30_000);
    let mut bytes = vec![0x30, 0x80];
    bytes.extend(headers);
    assert_eq!(decode(&bytes, &options).unwrap_err().rule, Rule::Depth);
    let mut definite = Vec::new();
    for _ in 0..10_000 {
        definite.extend_from_slice(&[0xa1, 0x83, 0, 0xff, 0xff]);
    }
    assert!(decode(&definite, &options).is_err());
    let long = vec![0x30; 70_000];
    assert_eq!(decode(&long, &options).unwrap_err().rule, Rule::MessageLength);
    let name = write_ber(&read(b"!/1 m\nPN=1{}"), &options);
    let mut huge = vec![
        0x30, 0x82, 0xfd, 0xf4, 0xa1, 0x82, 0xfd, 0xf0, 0x80, 1, 1, 0xa1, 0x82, 0xfd, 0xe9, 0x83, 0x82, 0xfd,
        0xe5,
    ];
    huge.resize(65_000 + name.len(), b'x');
    assert!(decode(&huge, &options).is_err());
}

#[test]
fn octets_cut_or_changed_anywhere_never_break_the_reader() {
    let peer = peer();
    let messages = CANONICAL.iter().map(|text| write_ber(&read(speakable(text).as_bytes()), &town()));
    let town = town();
    for bytes in messages.chain(vectors().into_iter().map(|vector| vector.ber)) {
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end], &peer).is_err());
        }
        for at in 0..bytes.len() {
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if let Ok(message) = decode(&changed, &town) {
                    // What was read can be written, but for what no legal message holds.
                    let _ = binary::encode(&message, &town, &mut Vec::new());
                }
                let _ = decode_recovering(&changed, &town);
            }
        }
    }
}

#[test]
fn messages_are_read_with_care_as_they_are_without() {
    let swift = town();
    let mut compared = 0;
    for text in CANONICAL {
        let text = speakable(text);
        let octets = write_ber(&read(text.as_bytes()), &swift);
        // Where there might be more items than the limit has, all is read with care.
        let limits = Limits { items: octets.len() / 2 - 2, ..swift.limits };
        let careful = Options { limits, ..town() };
        for place in 0..octets.len() {
            for change in [0, 1, 2, 0x20, 0x80, 0xff] {
                let mut octets = octets.clone();
                octets[place] ^= change;
                let (quick, slow) = (decode(&octets, &swift), decode(&octets, &careful));
                if slow.as_ref().is_err_and(|error| error.rule == Rule::ItemCount) {
                    continue;
                }
                assert_eq!(quick, slow, "{place} {change} of {text}");
                assert_eq!(decode_recovering(&octets, &swift), decode_recovering(&octets, &careful));
                compared += usize::from(quick.is_ok());
            }
        }
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn a_message_reads_without_copies_of_what_it_says() {
    let text = b"!/1 <gw.town>\nT=1{C=5{N=x0102{OE=9{20260101T12000000:dd/ce{ds=\"12\",Meth=UM}}}}}";
    let message = read(text);
    let Body::Transactions(transactions) = &message.body else { panic!() };
    let [Transaction::Request(request)] = &transactions[..] else { panic!() };
    assert!(matches!(request.actions[0].commands[0].body, CommandBody::Notify(_)));
    let counted = allocation_counter::measure(|| drop(read(text)));
    // Events and parameters have a list each. Transactions, actions and commands are alone, and need no memory.
    assert_eq!(counted.count_total, 2);
}

#[test]
fn a_plan_of_names_is_read_from_its_text() {
    assert_eq!("8:bits/8:bits/8:bits".parse(), Ok(NamePlan::default()));
    assert_eq!("8:aaln,rtp,ds/24:number".parse(), Ok(NamePlan::telephones()));
    let wrong = [
        "",
        "8",
        "8:",
        "0:bits",
        "33:number",
        "8:a,,b",
        "1:a,b,c",
        "8:bits/",
        "32:bits/32:bits/1:bits",
        "8:a b",
    ];
    for text in wrong {
        assert!(text.parse::<NamePlan>().is_err(), "{text:?}");
    }
}

#[test]
fn the_terminations_of_telephones_come_back_from_their_octets() {
    let options = Options { plan: NamePlan::telephones(), ..Options::default() };
    for name in ["aaln/1", "AALN/1", "rtp/16777215", "ROOT", "*", "$", "aaln/*", "rtp/$"] {
        let text = format!("!/1 a\nT=1{{C=1{{MF={name}}}}}");
        let message = read(text.as_bytes());
        let mut octets = Vec::new();
        binary::encode(&message, &options, &mut octets).unwrap();
        assert_eq!(decode(&octets, &options).unwrap(), message, "{name}");
    }
    let other = read(b"!/1 a\nT=1{C=1{MF=cnf/1}}");
    assert!(binary::encode(&other, &options, &mut Vec::new()).is_err(), "a name that the plan does not have");
}
