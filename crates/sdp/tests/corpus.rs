//! The samples: real forms of descriptions, each cut short at every octet and with every octet changed.
//!
//! Files named `strict-` follow RFC 8866 to the letter; `loose-` ones depart from it in the way that their name says.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::path::PathBuf;

use strowger_sdp::{AudioDescription, Connection, DepartureKind, Limits, MediaLine, Rule, decode};

fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut samples: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sdp"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    samples.sort();
    assert!(samples.len() >= 20, "the samples are missing");
    samples
}

/// What must hold for any text that was accepted: nothing was lost, and every view can read what decoding let pass.
fn check_accepted(bytes: &[u8]) {
    let session = decode(bytes, &Limits::default()).unwrap();
    assert_eq!(session.as_bytes(), bytes);

    let mut rebuilt = Vec::new();
    for line in session.lines() {
        assert_eq!(line.offset, rebuilt.len());
        rebuilt.extend_from_slice(&[line.letter, b'=']);
        rebuilt.extend_from_slice(line.value);
        let end = bytes[rebuilt.len()..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        rebuilt.extend_from_slice(&bytes[rebuilt.len()..rebuilt.len() + end]);
    }
    assert_eq!(rebuilt, bytes);

    let letters = |letter| session.lines().filter(|line| line.letter == letter).count();
    assert_eq!(session.media_count(), letters(b'm'));
    assert_eq!(session.media().count(), letters(b'm'));
    assert_eq!(session.attribute_count(), letters(b'a'));
    let in_media: usize = session.media().map(|media| media.attributes().count()).sum();
    assert_eq!(session.attributes().count() + in_media, letters(b'a'));
    assert_eq!(session.origin().is_some(), letters(b'o') == 1);
    assert_eq!(session.timings().count(), letters(b't'));
    for line in session.lines() {
        match line.letter {
            b'c' => assert!(Connection::parse(line.value).is_some()),
            b'm' => assert!(MediaLine::parse(line.value).is_some_and(|media| media.formats().count() > 0)),
            _ => {}
        }
    }
    for media in session.media() {
        if let Ok(audio) = AudioDescription::from_media(&media) {
            let again = audio.to_bytes();
            let session = decode(&again, &Limits::default()).unwrap();
            let kept = AudioDescription::from_session(&session).unwrap();
            assert_eq!((kept.destination(), kept.direction), (audio.destination(), audio.direction));
            assert_eq!((kept.ptime, kept.maxptime, kept.rtcp), (audio.ptime, audio.maxptime, audio.rtcp));
            if !audio.is_refused() {
                assert_eq!(kept.codecs, audio.codecs);
            }
        }
    }
    for departure in session.departures() {
        assert!(departure.offset <= bytes.len());
    }
}

#[test]
fn every_sample_comes_back_octet_by_octet() {
    for (name, bytes) in samples() {
        assert!(
            decode(&bytes, &Limits::default()).is_ok(),
            "{name}: {:?}",
            decode(&bytes, &Limits::default())
        );
        check_accepted(&bytes);
    }
}

#[test]
fn strict_samples_have_no_departures_and_loose_ones_have_theirs() {
    use DepartureKind::{
        EmptyAttribute, EmptyLines, EmptyName, LineFeed, NoConnection, NoLineEnd, NoOrigin, NoSessionName,
        NoTiming, Order, OriginNumber, Spacing, ZoneWithoutRepeat,
    };
    for (name, bytes) in samples() {
        let session = decode(&bytes, &Limits::default()).unwrap();
        let mut kinds: Vec<_> = session.departures().iter().map(|departure| departure.kind).collect();
        kinds.sort();
        kinds.dedup();
        let expected: &[DepartureKind] = match name.as_str() {
            "loose-empty-attribute" => &[EmptyAttribute],
            "loose-empty-lines-at-end" => &[EmptyLines],
            "loose-line-feeds" => &[LineFeed],
            "loose-megaco-all-choose" => &[],
            "loose-megaco-choose" | "loose-mgcp-short" | "loose-mgcp-version-only" => {
                &[NoOrigin, NoSessionName, NoTiming]
            }
            "loose-no-connection" => &[NoConnection],
            "loose-no-last-end" => &[NoLineEnd],
            "loose-order" => &[Order, ZoneWithoutRepeat],
            "loose-rfc3264-10.1-empty-name" => &[EmptyName],
            "loose-rfc3264-9-capabilities" => &[Order],
            "loose-rfc3435-3.4.1-letters-in-session-id" | "loose-rfc3435-3.4.2-local" => &[OriginNumber],
            "loose-spacing" => &[Spacing],
            _ => &[],
        };
        let expected: Vec<_> = expected.iter().copied().filter(|_| name.starts_with("loose-")).collect();
        if name != "loose-megaco-all-choose" {
            assert_eq!(name.starts_with("loose-"), !expected.is_empty(), "{name} is in the wrong group");
        }
        assert_eq!(kinds, expected, "{name}");
    }
}

#[test]
fn a_sample_cut_at_any_octet_is_read_or_refused_with_a_place_inside_it() {
    for (name, bytes) in samples() {
        for cut in 0..bytes.len() {
            let text = &bytes[..cut];
            match decode(text, &Limits::default()) {
                Ok(_) => check_accepted(text),
                Err(error) => {
                    assert!(error.offset <= cut, "{name} cut at {cut}: {error}");
                    // Only the last line can be broken by a cut.
                    let last = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                    assert!(
                        error.offset >= last || error.rule == Rule::LoneReturn,
                        "{name} cut at {cut}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_sample_with_any_octet_changed_is_read_or_refused_with_a_place_inside_it() {
    const TELLING: &[u8] = b"\0\t\n\r !$*-./019:=@Aacmotvz\x0e\x7f\xff";
    for (name, bytes) in samples() {
        let mut changed = bytes.clone();
        // The long sample repeats its forms: every seventh octet meets each of them.
        for at in (0..bytes.len()).step_by(if bytes.len() < 600 { 1 } else { 7 }) {
            for octet in TELLING {
                changed[at] = *octet;
                match decode(&changed, &Limits::default()) {
                    Ok(_) => check_accepted(&changed),
                    Err(error) => assert!(error.offset <= changed.len(), "{name}: {error}"),
                }
            }
            changed[at] = bytes[at];
        }
    }
}

#[test]
fn a_sample_with_any_octet_removed_or_doubled_is_read_or_refused() {
    for (_, bytes) in samples() {
        for at in 0..bytes.len() {
            let mut shorter = bytes.clone();
            shorter.remove(at);
            let mut longer = bytes.clone();
            longer.insert(at, bytes[at]);
            for text in [shorter, longer] {
                if decode(&text, &Limits::default()).is_ok() {
                    check_accepted(&text);
                }
            }
        }
    }
}
