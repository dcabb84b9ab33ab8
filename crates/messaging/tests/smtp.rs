//! SMTP without sockets: both sides against each other and against hosts that do as they like.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use strowger_messaging::smtp::client::Session as Client;
use strowger_messaging::smtp::server::Session as Server;
use strowger_messaging::smtp::{Mail, Outcome, Received, SmtpLimits};

fn admits(to: &str) -> bool {
    to.ends_with("@mms.town")
}

fn mail(octets: &str) -> Mail {
    Mail { from: "a@example.com".into(), to: "2002@mms.town".into(), octets: octets.into() }
}

/// Both sides until one has ended; the server's mail gets `verdict`.
fn talk(mail: Mail, limits: SmtpLimits, verdict: &Outcome) -> (Option<Received>, Outcome) {
    let (mut client, mut server) = (Client::new("relay.example", mail), Server::new("mms.town", limits));
    let mut received = None;
    for _ in 0..100 {
        while let Some(octets) = server.poll_transmit() {
            client.handle_input(&octets);
        }
        while let Some(octets) = client.poll_transmit() {
            server.handle_input(&octets, &admits);
        }
        if let Some(mail) = server.poll_mail() {
            received = Some(mail);
            server.handle_verdict(verdict, &admits);
        }
        if server.is_over() {
            break;
        }
    }
    assert!(server.is_over(), "the client says QUIT");
    (received, client.outcome().unwrap().clone())
}

#[test]
fn a_mail_arrives_as_it_was_with_its_dots() {
    let text = "Subject: x\r\n\r\n.\r\n..\r\n.a\r\nlast";
    let (received, outcome) = talk(mail(text), SmtpLimits::default(), &Outcome::Accepted);
    let received = received.unwrap();
    assert_eq!(outcome, Outcome::Accepted);
    assert_eq!(String::from_utf8(received.octets).unwrap(), format!("{text}\r\n"));
    assert_eq!(
        (received.from.as_str(), received.to.as_slice()),
        ("a@example.com", &["2002@mms.town".into()][..])
    );
}

#[test]
fn a_mail_that_is_not_taken_is_told_apart_from_one_that_is_not_taken_now() {
    let limits = SmtpLimits { octets: 100, ..SmtpLimits::default() };
    let outcome = |mail, limits, verdict: &Outcome| talk(mail, limits, verdict).1;
    let refused = Outcome::Refused("no".into());
    let later = Outcome::Later("later".into());
    assert_eq!(outcome(mail("x"), limits, &refused), Outcome::Refused("554 no".into()));
    assert_eq!(outcome(mail("x"), limits, &later), Outcome::Later("451 later".into()));
    let stranger = Mail { to: "2002@elsewhere.example".into(), ..mail("x") };
    assert!(matches!(outcome(stranger, limits, &refused), Outcome::Refused(why) if why.starts_with("550")));
    let large = mail(&"a".repeat(101));
    assert!(matches!(outcome(large, limits, &refused), Outcome::Refused(why) if why.starts_with("552")));
    // An address that would be another command is not said.
    let evil = Mail { to: "x@mms.town>\r\nRCPT TO:<y@mms.town".into(), ..mail("x") };
    let mut client = Client::new("x", evil);
    client.handle_input(b"220 hi\r\n");
    assert!(matches!(client.outcome(), Some(Outcome::Refused(_))));
    assert_eq!(client.poll_transmit(), None);
}

/// What a server answers to these octets, in pieces of `size`, and the mails that it got.
fn answers(octets: &[u8], size: usize, limits: SmtpLimits) -> (String, Vec<Received>) {
    let mut server = Server::new("mms.town", limits);
    let (mut said, mut mails) = (Vec::new(), Vec::new());
    for piece in octets.chunks(size) {
        server.handle_input(piece, &admits);
        while let Some(mail) = server.poll_mail() {
            mails.push(mail);
            server.handle_verdict(&Outcome::Accepted, &admits);
        }
        said.extend(std::iter::from_fn(|| server.poll_transmit()).flatten());
    }
    (String::from_utf8(said).unwrap(), mails)
}

fn codes(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect()
}

#[test]
fn commands_may_come_in_any_pieces_and_ahead_of_their_answers() {
    let script =
        b"EHLO a\r\nMAIL FROM:<> SIZE=10\r\nRCPT TO:<@x.example:2002@mms.town>\r\nDATA\r\nhi\r\n.\r\n\
        mail from: <b@c>\r\nrcpt to:<2003@mms.town>\r\ndata\r\n..\r\n.\r\nQUIT\r\nNOOP\r\n";
    for size in [1, 7, script.len()] {
        let (said, mails) = answers(script, size, SmtpLimits::default());
        assert_eq!(
            codes(&said),
            ["220", "250", "250", "250", "354", "250", "250", "250", "354", "250", "221"],
            "{size}: {said}"
        );
        let octets: Vec<_> = mails.iter().map(|mail| mail.octets.as_slice()).collect();
        assert_eq!(octets, [b"hi\r\n".as_slice(), b".\r\n"]);
        assert_eq!((mails[0].from.as_str(), mails[0].to[0].as_str()), ("", "2002@mms.town"));
    }
}

#[test]
fn commands_out_of_order_and_nonsense_are_refused_and_end_in_time() {
    for (script, expected) in [
        ("MAIL FROM:<a@b>\r\n", &["220", "503"][..]),
        ("EHLO a\r\nRCPT TO:<2002@mms.town>\r\n", &["220", "250", "503"]),
        ("EHLO a\r\nDATA\r\n", &["220", "250", "503"]),
        ("EHLO a\r\nMAIL FROM:<a@b>\r\nDATA\r\n", &["220", "250", "250", "503"]),
        ("EHLO a\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n", &["220", "250", "250", "503"]),
        ("EHLO a\r\nMAIL FROM:a@b\r\n", &["220", "250", "501"]),
        ("EHLO a\r\nMAIL FROM:<a b@c>\r\n", &["220", "250", "501"]),
        ("EHLO a\r\nMAIL FROM:<a@b> SIZE=99999999\r\n", &["220", "250", "552"]),
        ("EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<>\r\n", &["220", "250", "250", "501"]),
        ("EHLO a\r\nMAIL FROM:<a@b>\r\nRSET\r\nMAIL FROM:<a@b>\r\n", &["220", "250", "250", "250", "250"]),
        ("HELO a\r\nVRFY x\r\nHELP\r\n\u{ff}\r\n", &["220", "250", "252", "502", "500"]),
    ] {
        assert_eq!(codes(&answers(script.as_bytes(), 64, SmtpLimits::default()).0), expected, "{script}");
    }
    let storm = "X\r\n".repeat(100);
    let (said, _) = answers(storm.as_bytes(), 64, SmtpLimits::default());
    assert_eq!((said.lines().count(), said.lines().last().unwrap().get(..3)), (12, Some("421")));
    let endless = vec![b'a'; 100_000];
    assert_eq!(codes(&answers(&endless, 1000, SmtpLimits::default()).0), ["220", "500"]);
    let many = format!("EHLO a\r\nMAIL FROM:<>\r\n{}", "RCPT TO:<2@mms.town>\r\n".repeat(4));
    let limits = SmtpLimits { recipients: 3, ..SmtpLimits::default() };
    assert_eq!(codes(&answers(many.as_bytes(), 64, limits).0)[3..], ["250", "250", "250", "452"]);
}

#[test]
fn a_mail_with_ends_of_lines_that_others_may_see_elsewhere_is_refused_whole() {
    let begin = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<2@mms.town>\r\nDATA\r\n";
    for smuggled in
        ["a\n.\r\nMAIL FROM:<evil@x>\r\n", "a\r.\r\nRSET\r\n", "a\r\n.\nRSET\r\n", "a\n.\nQUIT\r\n"]
    {
        let script = format!("{begin}{smuggled}\r\n.\r\nQUIT\r\n");
        let (said, mails) = answers(script.as_bytes(), 5, SmtpLimits::default());
        assert_eq!(mails, []);
        assert_eq!(codes(&said)[4..], ["354", "554", "221"], "{smuggled:?}: {said}");
    }
}

#[test]
fn a_mail_that_is_too_large_takes_no_room_and_its_end_is_seen() {
    let limits = SmtpLimits { octets: 10_000, ..SmtpLimits::default() };
    let begin = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<2@mms.town>\r\nDATA\r\n".to_vec();
    // One line without an end, many lines, and a line whose rest is a dot.
    for body in
        [vec![b'a'; 100_000], b"line\r\n".repeat(20_000), [vec![b'a'; 20_000], b".\r\nb".to_vec()].concat()]
    {
        let script = [begin.as_slice(), &body, b"\r\n.\r\nQUIT\r\n"].concat();
        let (said, mails) = answers(&script, 1000, limits);
        assert_eq!(mails, []);
        assert_eq!(codes(&said)[4..], ["354", "552", "221"], "{said}");
    }
}

#[test]
fn a_host_that_answers_strangely_is_given_up() {
    let end = |said: &[&str]| {
        let mut client = Client::new("x", mail("hi\r\n"));
        for said in said {
            client.handle_input(said.as_bytes());
            client.poll_transmit();
        }
        client.handle_end();
        client.outcome().unwrap().clone()
    };
    let hung_up = Outcome::Later("the host hung up".into());
    assert_eq!(end(&[]), hung_up);
    assert_eq!(end(&["220-a\r\n220 b\r\n", "250 x\r\n"]), hung_up);
    assert_eq!(end(&["554 no service\r\n"]), Outcome::Later("554 no service".into()));
    assert_eq!(
        end(&["220 x\r\n", "250 x\r\n", "550 not from you\r\n"]),
        Outcome::Refused("550 not from you".into())
    );
    assert_eq!(end(&["220 x\r\n", "nonsense\r\n"]), Outcome::Later("nonsense".into()));
    assert_eq!(
        end(&["220 x\r\n", "500 what?\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n"]),
        Outcome::Later("250 x".into()),
        "HELO does; 250 is no answer to DATA"
    );
    for endless in ["a".repeat(5000), "220-x\r\n".repeat(20_000)] {
        assert!(matches!(end(&[&endless]), Outcome::Later(why) if why.contains("too long")));
    }
}
