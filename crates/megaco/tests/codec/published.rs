//! What is published of broken decoders of H.248, BER and their neighbours, as classes: each test carries the identifiers of the records
//! that it stands for.

use strowger_megaco::binary;
use strowger_megaco::text::{self, Options};

use crate::binary::{speakable, town};
use crate::text::CANONICAL;
use crate::vectors::{read, write_ber};

/// A message as long as they come, of one thing again and again.
fn long(start: &str, again: &str) -> String {
    let mut text = start.to_owned();
    while text.len() + again.len() <= 65_000 {
        text.push_str(again);
    }
    text
}

/// Reads it both ways. What is refused is refused with a place inside it, and by an error that holds little of it.
fn read_text(message: &str) {
    let found = text::decode(message.as_bytes(), &Options::DEFAULT);
    let (_, faults) = text::decode_recovering(message.as_bytes(), &Options::DEFAULT);
    for error in found.err().iter().chain(&faults) {
        assert!(error.offset <= message.len(), "{error}");
        assert!(error.to_string().len() < 1_000, "{}", error.to_string().len());
    }
}

fn read_ber(octets: &[u8]) {
    let options = town();
    let found = binary::decode(octets, &options);
    let (_, faults) = binary::decode_recovering(octets, &options);
    for error in found.err().iter().chain(&faults) {
        assert!(error.offset <= octets.len(), "{error}");
        assert!(error.to_string().len() < 1_000, "{}", error.to_string().len());
    }
}

/// The canonical messages as octets.
fn binary_messages() -> Vec<Vec<u8>> {
    CANONICAL.iter().map(|text| write_ber(&read(speakable(text).as_bytes()), &town())).collect()
}

#[test]
fn cve_2026_59250_and_cve_2005_1461_no_name_or_value_is_too_long_to_be_refused() {
    // In the place of each word of each message, and behind it, as much as fits into a datagram.
    for message in CANONICAL {
        let is_word = |octet: u8| {
            octet.is_ascii_alphanumeric() || matches!(octet, b'/' | b'*' | b'$' | b'_' | b'.' | b'-')
        };
        let octets = message.as_bytes();
        let mut at = 0;
        while at < octets.len() {
            let end = octets[at..]
                .iter()
                .position(|octet| !is_word(*octet))
                .map_or(octets.len(), |length| at + length);
            if end > at {
                for piece in ["x", "x/", "9", "\"", "0x4", "a-b_"] {
                    let much = piece.repeat(60_000 / piece.len());
                    read_text(&format!("{}{much}{}", &message[..at], &message[end..]));
                    read_text(&format!("{}{much}{}", &message[..end], &message[end..]));
                }
            }
            at = end + 1;
        }
    }
}

#[test]
fn cve_2005_1464_and_cve_2007_6118_nothing_that_is_empty_or_repeated_keeps_the_decoder() {
    // Whatever could be stepped over without a step: ends, separators and braces with nothing between them, behind each start.
    let heads = [
        "",
        "!",
        "!/1 ",
        "!/1 <m>\n",
        "!/1 <m>\nT=1{",
        "!/1 <m>\nT=1{C=1{",
        "!/1 <m>\nT=1{C=1{MF=a{",
        "!/1 <m>\nT=1{C=1{MF=a{E=1{",
        "!/1 <m>\nT=1{C=1{MF=a{SG{",
        "!/1 <m>\nT=1{C=1{MF=a{M{L{",
        "!/1 <m>\nT=1{C=1{MF=a{DM=d{",
        "!/1 <m>\nK{",
        "!/1 <m>\nP=1{C=1{AV=a{",
    ];
    let nothings = [
        "\n", "\r", " ", "\t", ";", ";\n", ";x\n", ",", ", ", "{", "}", "{}", "[", "]", "\"", "\"\"", "=",
        ":", "/", "*", "$", "\\", "\\}", "\0", "T=1{", "C=1{", "MF=a", "MF=a,", "E", "SG,", "M{}", "ST=1{",
        "1,", "1-2,", "(", ")", "|", "x=", "T=1{}",
    ];
    for head in heads {
        for nothing in nothings {
            read_text(&long(head, nothing));
        }
    }
}

#[test]
fn cve_2016_4418_and_cve_2019_9209_and_cve_2010_2284_no_length_reaches_beyond_what_is_there() {
    // Each octet of a message in turn is taken as a length, and says what no length should.
    let lengths: [&[u8]; 9] = [
        &[0x00],
        &[0x7f],
        &[0x80],
        &[0x81, 0xff],
        &[0x82, 0xff, 0xff],
        &[0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xff],
        &[0x84, 0, 0, 0, 1],
    ];
    for message in binary_messages() {
        for at in 0..message.len() {
            for length in lengths {
                read_ber(&[&message[..at], length, &message[at + 1..]].concat());
            }
        }
    }
}

#[test]
fn cve_2010_3445_and_cve_2016_4421_nesting_ends_at_its_limit() {
    for header in [
        &[0x30, 0x80][..],
        &[0xa0, 0x80],
        &[0xa1, 0x80],
        &[0xbf, 0x81, 0x00, 0x80],
        &[0x24, 0x80],
        &[0x30, 0x84, 0, 0, 0xff, 0xff],
    ] {
        for message in binary_messages().iter().take(8) {
            for at in 0..message.len().min(64) {
                let mut octets = message[..at].to_vec();
                while octets.len() + header.len() < 65_000 {
                    octets.extend_from_slice(header);
                }
                assert!(binary::decode(&octets, &town()).is_err());
                read_ber(&octets);
            }
        }
    }
}

#[test]
fn cve_2013_3557_and_cve_2026_76927_and_cve_2026_6527_a_choice_of_nothing_is_refused() {
    // Each tag in turn becomes every other, so that each choice is one that there is not, and each value has the form of another.
    for message in binary_messages() {
        for at in 0..message.len() {
            for tag in (0..=255_u8).step_by(3) {
                let mut octets = message.clone();
                octets[at] = tag;
                read_ber(&octets);
            }
        }
    }
}

#[test]
fn cve_2015_8720_and_cve_2019_13619_times_and_strings_have_the_length_that_they_must_have() {
    let at = |time: &str| format!("!/1 <m>\nT=1{{C=1{{N=x0102{{OE=1{{{time}:al/of}}}}}}}}");
    assert!(text::decode(at("20260101T12000000").as_bytes(), &Options::DEFAULT).is_ok());
    for time in [
        "",
        "T",
        "2026",
        "20260101T",
        "20260101T1200000",
        "20260101T120000000",
        "2026010112000000",
        "20260101t1200000x",
        "-20260101T1200000",
    ] {
        assert!(text::decode(at(time).as_bytes(), &Options::DEFAULT).is_err(), "{time}");
    }
    // In octets: date and time are strings of eight figures, each.
    let octets = write_ber(&read(at("20260101T12000000").as_bytes()), &town());
    let date = octets.windows(8).position(|eight| eight == b"20260101").unwrap();
    assert_eq!(octets[date - 1], 8);
    for length in [0, 1, 7, 9, 127] {
        let mut changed = octets.clone();
        changed[date - 1] = length;
        assert!(binary::decode(&changed, &town()).is_err(), "{length}");
        read_ber(&changed);
    }
    for figure in [b'/', b':', b' ', 0, 0xff] {
        let mut changed = octets.clone();
        changed[date] = figure;
        assert!(binary::decode(&changed, &town()).is_err(), "{figure}");
    }
}
