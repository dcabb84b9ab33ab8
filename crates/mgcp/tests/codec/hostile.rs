//! Hostile input: every class that names MGCP or text among the known ones. Nothing panics, nothing is accepted by
//! guess, limits hold, and an error says where, what and by which clause.
use crate::probe::probe;
use crate::samples::samples;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{Message, TransactionId};
use strowger_mgcp::text::{DecodeError, Rule, datagram, decode};

fn error(bytes: &[u8]) -> DecodeError {
    match decode(bytes, &Limits::DEFAULT) {
        Err(error) => error,
        Ok(message) => panic!("accepted {} as {message:?}", bytes.escape_ascii()),
    }
}

fn rule(bytes: &[u8]) -> Rule {
    error(bytes).rule
}

#[test]
fn every_sample_is_good_as_a_whole() {
    for (name, bytes) in samples() {
        let all: Vec<_> = datagram(&bytes, &Limits::DEFAULT).collect();
        for message in &all {
            assert!(message.is_ok(), "{name}: {message:?}");
        }
        assert_eq!(probe(&bytes, &Limits::DEFAULT), all.len(), "{name}");
    }
}

#[test]
fn a_message_cut_off_anywhere_is_refused_unless_a_line_ends_there() {
    for (name, bytes) in samples() {
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            probe(cut, &Limits::DEFAULT);
            let last = datagram(cut, &Limits::DEFAULT).last();
            let accepted = matches!(last, Some(Ok(_)));
            assert!(!accepted || cut.ends_with(b"\n"), "{name} cut at {length} was accepted");
        }
    }
}

#[test]
fn no_change_of_a_single_byte_does_harm() {
    // Every byte that means something to some grammar, and one of each kind that does not.
    let bytes_of_interest = b"\0\t\n\r \"$()*,-./0:;=@[]EX\x80\xc3";
    for (_, bytes) in samples() {
        let mut changed = bytes.clone();
        for at in 0..bytes.len() {
            for byte in bytes_of_interest {
                changed[at] = *byte;
                probe(&changed, &Limits::DEFAULT);
            }
            changed[at] = bytes[at];
        }
    }
}

#[test]
fn no_byte_left_out_or_put_in_twice_does_harm() {
    for (_, bytes) in samples() {
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed.remove(at);
            probe(&changed, &Limits::DEFAULT);
            changed.insert(at, bytes[at]);
            changed.insert(at, bytes[at]);
            probe(&changed, &Limits::DEFAULT);
        }
    }
}

#[test]
fn nul_bytes_are_refused_but_in_quoted_strings() {
    assert_eq!(rule(b"AUEP 1 aaln/1@gw MGCP 1.0\0\r\n"), Rule::Version);
    assert_eq!(rule(b"AUEP 1 aaln/\x001@gw MGCP 1.0\r\n"), Rule::EndpointName);
    assert_eq!(rule(b"AUEP 1 aaln/1@gw MGCP 1.0\r\nX-a: b\0c\r\n"), Rule::ControlCharacter);
    assert_eq!(rule(b"200 1 O\0K\r\n"), Rule::ControlCharacter);
    assert_eq!(rule(b"\0"), Rule::FirstLine);
    assert_eq!(rule(b"\0\n"), Rule::FirstLine);
    assert!(decode(b"RQNT 1 a@b MGCP 1.0\nX: 1\nS: L/adsi(\"a\0b\")\n", &Limits::DEFAULT).is_ok());
}

#[test]
fn the_identifier_is_read_even_from_a_bad_first_line_so_that_the_fault_can_be_answered() {
    for (line, rule) in [
        ("AU 77 aaln/1@gw MGCP 1.0", Rule::Verb),
        ("9UEP 77 aaln/1@gw MGCP 1.0", Rule::ResponseLine),
        ("AUEP 77 aaln/1 MGCP 1.0", Rule::EndpointName),
        ("AUEP 77 a//1@gw MGCP 1.0", Rule::EndpointName),
        ("AUEP 77 aaln/1@ MGCP 1.0", Rule::EndpointName),
        ("AUEP 77 aaln/1@g_w MGCP 1.0", Rule::EndpointName),
        ("AUEP 77 aaln/1@[300.1.1.1] MGCP 1.0", Rule::EndpointName),
        ("AUEP 77 aaln/1@gw", Rule::Version),
        ("AUEP 77 aaln/1@gw SIP 2.0", Rule::Version),
        ("AUEP 77 aaln/1@gw MGCP 1", Rule::Version),
        ("AUEP 77 aaln/1@gw MGCP 1.0NCS", Rule::Version),
        ("200 77OK", Rule::ResponseLine),
        ("801 77 /-foo", Rule::ResponseLine),
    ] {
        let error = error(format!("{line}\r\n").as_bytes());
        assert_eq!(error.rule, rule, "{line}");
        let expected = if line.starts_with('9') { None } else { TransactionId::new(77) };
        assert_eq!(error.transaction_id, expected, "{line}");
        assert_eq!(error.is_response, line.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    }
}

#[test]
fn transaction_identifiers_at_the_edges() {
    for id in ["0", "00", "1000000000", "-5", "abc", "4294967297", "99999999999999999999", "", "1x"] {
        let error = error(format!("AUEP {id} aaln/1@gw MGCP 1.0\n").as_bytes());
        assert_eq!((error.rule, error.transaction_id), (Rule::TransactionId, None), "{id:?}");
    }
    for (id, number) in [("1", 1), ("000000007", 7), ("999999999", 999_999_999)] {
        let text = format!("AUEP {id} aaln/1@gw MGCP 1.0\n");
        let message = decode(text.as_bytes(), &Limits::DEFAULT).unwrap();
        assert_eq!(message.transaction_id().get(), number);
    }
}

#[test]
fn a_datagram_of_64_kilobytes_is_read_and_a_longer_one_is_not() {
    let first = "AUEP 5 aaln/1@gw MGCP 1.0\r\n";
    for filler in
        ["X-a: b\r\n", "K: 1\r\n", "\n", " \t", "\"", "(", "L/hd,", "\0", "\u{e9}", "[", "/*", "\n.\n"]
    {
        let mut text = first.to_owned();
        while text.len() + filler.len() <= 65_507 {
            text.push_str(filler);
        }
        probe(text.as_bytes(), &Limits::DEFAULT);
        let long = text + &" ".repeat(70_000);
        let error = error(long.as_bytes());
        assert_eq!((error.rule, error.transaction_id), (Rule::DatagramLength, TransactionId::new(5)));
        assert_eq!(datagram(long.as_bytes(), &Limits::DEFAULT).count(), 1, "nothing of it is read");
    }
}

#[test]
fn a_hundred_thousand_parameters_meet_their_limit() {
    let limits = Limits { datagram_bytes: usize::MAX, ..Limits::DEFAULT };
    let mut text = "AUEP 5 aaln/1@gw MGCP 1.0\n".to_owned();
    text.push_str(&"a:\n".repeat(20_000));
    let error = decode(text.as_bytes(), &limits).unwrap_err();
    assert_eq!(error.rule, Rule::ParameterCount);
    assert_eq!(error.offset, 26 + 3 * limits.parameters);
    text.push_str(&"a:\n".repeat(80_000));
    assert_eq!(decode(text.as_bytes(), &limits).unwrap_err().rule, Rule::DatagramLength);
}

#[test]
fn lists_and_nesting_meet_their_limits() {
    let request = |events: &str| rule(format!("RQNT 5 aaln/1@gw MGCP 1.0\nX: 1\nR: {events}\n").as_bytes());
    assert_eq!(request(&"E(".repeat(30_000)), Rule::EmbeddedRequest);
    assert_eq!(request(&"hd(E(R(".repeat(9_000)), Rule::Nesting);
    assert_eq!(request(&"hd(x/y(".repeat(9_000)), Rule::Nesting);
    assert_eq!(request(&format!("hd(N)({}", "a(".repeat(30_000))), Rule::Nesting);
    assert_eq!(request(&format!("hd{}", ",hd".repeat(20_000))), Rule::ListLength);
}

#[test]
fn a_long_list_of_digits_is_held_to_the_same_rules_as_any_list() {
    let head = "NTFY 5 aaln/1@gw MGCP 1.0\nX: 1\nO: ";
    let observed = |events: &str| {
        let text = format!("{head}{events}\n");
        decode(text.as_bytes(), &Limits::DEFAULT)
            .map(drop)
            .map_err(|error| (error.rule, error.offset - head.len()))
    };
    let most = Limits::DEFAULT.list_items;
    assert_eq!(observed(&format!("D/1{}", ",D/1".repeat(most - 1))), Ok(()));
    assert_eq!(observed(&format!("D/1{}", ",D/1".repeat(most))), Err((Rule::ListLength, 4 * most)));
    for good in
        ["D/1,\tD/2,  L/oc", "D/1 , D/2 ,D/[3-5]", "D/1,hd", "D/*,D/#,L/hd(x)", "D/1,L/hu@$", "D/1,cas/dlg"]
    {
        assert_eq!(observed(good), Ok(()), "{good}");
    }
    for (bad, at) in
        [("D/1,", 4), ("D/1, ", 5), ("D/1,,D/2", 4), ("D/1,D/-,D/2", 6), ("D/1,D/,", 6), ("D/1,D/1-", 6)]
    {
        assert_eq!(observed(bad), Err((Rule::EventName, at)), "{bad}");
    }
    assert_eq!(observed("D/1,D/2 x"), Err((Rule::ObservedEvents, 8)));
    assert_eq!(observed("D/1,D/2@"), Err((Rule::ConnectionId, 8)));
}

#[test]
fn a_long_chain_of_equals_signs_is_walked_in_one_loop() {
    let chain = format!("RQNT 5 aaln/1@gw MGCP 1.0\nX: 1\nR: hd(N)(a{})\n", "=a".repeat(30_000));
    assert_eq!(probe(chain.as_bytes(), &Limits::DEFAULT), 1);
}

#[test]
fn odd_line_ends_and_spaces_are_taken_as_the_grammar_allows() {
    let good = "rqnt\t1  aaln/1@gw \t mgcp  1.0  \nx :\t1 \r\nr:l/hd ( n , k ) ,l/hu\t\n \t\r\n";
    assert_eq!(probe(good.as_bytes(), &Limits::DEFAULT), 1);
    let empty = "CRCX 1 aaln/1@gw MGCP 1.0\nC: 1 \nM: inactive\t\nL: x-a: \t\nL: r-sh: , x-b:  \nD: x \n";
    assert_eq!(probe(empty.as_bytes(), &Limits::DEFAULT), 1);
    assert_eq!(rule(b"AUEP 1 aaln/1@gw MGCP 1.0\rX: 1\r"), Rule::EndOfLine);
    assert_eq!(rule(b"AUEP 1 aaln/1@gw MGCP 1.0\r\nX: 1\rC: 2\r\n"), Rule::RequestIdentifier);
    assert_eq!(rule(b"AUEP 1 aaln/1@gw MGCP 1.0\r\n X: 1\r\n"), Rule::ParameterLine);
    assert_eq!(rule(b"AUEP 1 aaln/1@gw MGCP 1.0\r\nX\x0b: 1\r\n"), Rule::ParameterLine);
    assert_eq!(rule(b"AUEP 1 aaln/1@gw MGCP 1.0\r\nX-a: \xe9\r\n"), Rule::Utf8);
    assert_eq!(rule(b""), Rule::FirstLine);
    assert_eq!(rule(b"\r\n"), Rule::FirstLine);
}

#[test]
fn a_quote_that_never_closes_ends_with_its_line_and_the_next_message_is_read() {
    let bytes = b"RQNT 1 a@b MGCP 1.0\nX: 1\nS: L/adsi(\"never\nR: L/hd\n.\nAUEP 2 a@b MGCP 1.0\n";
    let all: Vec<_> = datagram(bytes, &Limits::DEFAULT).collect();
    assert_eq!(all[0].unwrap_err().rule, Rule::Quote);
    assert!(matches!(all[1], Ok(Message::Command(command)) if command.transaction_id.get() == 2));
    assert_eq!(all.len(), 2);
}

#[test]
fn a_message_does_not_hide_in_a_value_or_a_description() {
    // Within a quoted string a dot on its line separates nothing; in a session description it does.
    let quoted = b"RQNT 1 a@b MGCP 1.0\nX: 1\nS: L/adsi(\"x\n.\nDLCX 9 *@b MGCP 1.0\n\")\n";
    assert_eq!(datagram(quoted, &Limits::DEFAULT).count(), 1);
    let described = b"MDCX 1 a@b MGCP 1.0\nC: 1\nI: 1\n\nv=0\n.\nDLCX 9 *@b MGCP 1.0\n";
    let ids: Vec<_> =
        datagram(described, &Limits::DEFAULT).map(|m| m.unwrap().transaction_id().get()).collect();
    assert_eq!(ids, [1, 9]);
    let commentary = b"200 1 say \"hello\n.\n200 2 OK\n";
    assert_eq!(datagram(commentary, &Limits::DEFAULT).filter(Result::is_ok).count(), 2);
}

#[test]
fn piggybacked_messages_are_bounded_and_each_fault_is_its_own() {
    let text = "AUEP 1 aaln/1@gw MGCP 1.0\n.\n".repeat(200);
    let all: Vec<_> = datagram(text.as_bytes(), &Limits::DEFAULT).collect();
    assert_eq!(all.len(), Limits::DEFAULT.messages + 1);
    assert_eq!(all.last().unwrap().unwrap_err().rule, Rule::MessageCount);
    let broken = "nonsense\n.\nAUEP 1 aaln/1@gw MGCP 1.0\nM:\n.\n\n.\nAUEP 2 aaln/1@gw MGCP 1.0\n.\n";
    let rules: Vec<_> =
        datagram(broken.as_bytes(), &Limits::DEFAULT).map(|m| m.map_err(|e| e.rule)).collect();
    assert_eq!(rules[0].unwrap_err(), Rule::FirstLine);
    assert_eq!(rules[1].unwrap_err(), Rule::EmptyValue);
    assert_eq!(rules[2].unwrap_err(), Rule::FirstLine);
    assert!(rules[3].is_ok());
    assert_eq!(rules.len(), 4);
    assert_eq!(rule(b"200 1 OK\n.\n200 2 OK\n"), Rule::MessageCount);
}

#[test]
fn a_fault_says_where_what_and_by_which_clause_and_cannot_be_injected_with() {
    let bytes = b"CRCX 12 aaln/1@gw MGCP 1.0\r\nC: 1\r\nM: \x1b]0;pwned\x07\r\n";
    let error = error(bytes);
    assert_eq!(error.offset, bytes.iter().position(|byte| *byte == 0x1b).unwrap());
    assert_eq!(
        error.to_string(),
        "at byte 37: expected a connection mode, found \"\\x1b]0;pwned\\x07\\r\\n\" (RFC 3435 section 3.2.2.6)"
    );
    assert_eq!((error.return_code().get(), error.commentary()), (517, "Malformed connection mode"));
    let text = "CRCX 12 aaln/1@gw MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n\r\nv=0\r\nm=audio nine RTP/AVP 0\r\n";
    let error = decode(text.as_bytes(), &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.return_code().get(), 509);
    assert_eq!(&text.as_bytes()[error.offset..error.offset + 4], b"nine");
    let long = format!("AUEP 1 aaln/1@gw MGCP 1.0\r\n{}\r\n", "y".repeat(60_000));
    assert!(decode(long.as_bytes(), &Limits::DEFAULT).unwrap_err().to_string().len() < 300);
}

#[test]
fn a_description_that_is_not_utf_8_hides_no_message_behind_it() {
    let mut bytes =
        b"200 1 OK\n\nv=0\ns=caf\xe9\n.\nAUEP 2 a@b MGCP 1.0\n.\n200 3 OK\n\nv=0\ns=\xff\n".to_vec();
    let ids = |bytes: &[u8]| {
        datagram(bytes, &Limits::DEFAULT)
            .map(|message| message.unwrap().transaction_id().get())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&bytes), [1, 2, 3]);
    bytes.extend_from_slice(b".\n200 4 OK\n");
    assert_eq!(ids(&bytes), [1, 2, 3, 4]);
}
