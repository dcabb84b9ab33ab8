//! What is published of broken readers of session descriptions, as classes: each test carries the identifiers of the records
//! that it stands for.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use strowger_sdp::{AudioDescription, Limits, Rule, decode};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

/// Reads all that there is to read of a description.
fn read(text: &str) -> Result<(), Rule> {
    let session = decode(text.as_bytes(), &Limits::default()).map_err(|error| error.rule)?;
    let _ = session.departures();
    for media in session.media() {
        let _ = AudioDescription::from_media(&media);
        let _ = (media.connection(), media.attributes().count(), media.bandwidths().count(), media.title());
    }
    let _ = (session.origin(), session.timings().count(), session.local_connection_id());
    Ok(())
}

#[test]
fn cve_2015_8717_a_count_of_media_is_positive_and_costs_nothing() {
    for count in ["-1", "0", "-2147483648", "4294967296", "99999999999999999999", "", "x", "1/1"] {
        assert_eq!(
            read(&format!("{HEAD}m=audio 4000/{count} RTP/AVP 0\r\n")),
            Err(Rule::PortCount),
            "{count}"
        );
    }
    assert_eq!(
        read(&format!("{HEAD}m=audio 4000/4294967295 RTP/AVP 0\r\n")),
        Ok(()),
        "a number, and no more than that"
    );
    for port in ["-1", "65536", "4294967296", "1e3", "0x10", "", "-"] {
        assert!(read(&format!("{HEAD}m=audio {port} RTP/AVP 0\r\n")).is_err(), "{port}");
    }
}

#[test]
fn cve_2016_9937_no_description_leads_into_itself() {
    // Formats that speak of one another, themselves, and formats of formats.
    let mut text = format!("{HEAD}m=audio 4000 RTP/AVP 96 97 98\r\n");
    for n in 0..300 {
        let (this, next) = (96 + n % 3, 96 + (n + 1) % 3);
        text.push_str(&format!("a=rtpmap:{this} red/8000\r\na=fmtp:{this} {next}/{this}/{next}\r\na=rtpmap:{this} opus/48000/2\r\n"));
    }
    assert_eq!(read(&text), Ok(()));
    let session = decode(text.as_bytes(), &Limits::default()).unwrap();
    let audio = AudioDescription::from_session(&session).unwrap();
    assert!(audio.codecs.len() <= 3);
}

#[test]
fn cve_2022_31001_and_cve_2022_31003_a_line_that_ends_early_is_read_to_its_end_and_no_further() {
    for letter in ["v", "o", "s", "i", "u", "e", "p", "c", "b", "t", "r", "z", "k", "a", "m"] {
        for rest in [
            "",
            "=",
            "=\r",
            "=\n",
            "=\r\n",
            "= ",
            "=:",
            "=/",
            "=\0",
            "=*",
            "=$",
            "=IN",
            "=IN IP4",
            "=IN IP4 ",
            "=audio",
            "=audio 1",
            "=audio 1 ",
            "=audio 1/",
            "=0 ",
            "=clear",
            "=AS:",
            "=rtpmap:",
            "=fmtp:0",
            "=rtcp:",
        ] {
            for head in ["", "v=0\r\n", HEAD, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0\r\n"] {
                let text = format!("{head}{letter}{rest}");
                for end in 0..=text.len() {
                    let _ = read(&text[..end]);
                }
            }
        }
    }
}

#[test]
fn cve_2023_27599_and_its_neighbours_a_description_of_any_form_is_read_or_refused() {
    // Bodies that were read behind a length that they do not have, streams without what others lean on, lines in any order.
    let lines = [
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 0 RTP/AVP 0",
        "a=rtpmap:0",
        "a=fmtp:",
        "b=AS:1",
        "k=prompt",
    ];
    let mut seen = (0, 0);
    for first in lines {
        for second in lines {
            for third in lines {
                for fourth in lines {
                    match read(&format!("{first}\r\n{second}\r\n{third}\r\n{fourth}\r\n")) {
                        Ok(()) => seen.0 += 1,
                        Err(_) => seen.1 += 1,
                    }
                }
            }
        }
    }
    assert!(seen.0 > 100 && seen.1 > 5000, "{seen:?}");
}
