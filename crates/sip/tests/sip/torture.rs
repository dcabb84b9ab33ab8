//! The messages of RFC 4475, each with the verdict that the RFC states.
//!
//! They are read from the text of the RFC where that lies in a folder beside the repository.

use std::path::Path;

use strowger_sip::agent::Event;
use strowger_sip::message::{Message, Method, Name, Uri};
use strowger_sip::{Limits, text};

use super::pair::{BOB, config};
use super::raw::{Raw, round_trip};

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is well-formed, and has what a message needs.
    Fine,
    /// A request that is refused with this status before anybody reads it further.
    Refused(u16),
    /// A request that is well-formed and is refused with this status by a user agent on a trunk.
    Declined(u16),
    /// A response that is dropped.
    Dropped,
}
use Verdict::{Declined, Dropped, Fine, Refused};

/// By section. A server that registers nobody, as a trunk is, says 405 to REGISTER.
const VERDICTS: [(&str, Verdict); 49] = [
    // 3.1.1 Valid messages
    ("wsinv", Declined(481)),
    ("intmeth", Declined(501)),
    ("esc01", Fine),
    ("escnull", Declined(405)),
    ("esc02", Declined(501)),
    ("lwsdisp", Declined(200)),
    ("longreq", Fine),
    ("dblreq", Declined(405)),
    ("semiuri", Declined(200)),
    ("transports", Declined(200)),
    ("mpart01", Declined(405)),
    ("unreason", Fine),
    ("noreason", Fine),
    // 3.1.2 Invalid messages
    ("badinv01", Refused(400)),
    ("clerr", Refused(400)),
    ("ncl", Refused(400)),
    ("scalar02", Refused(400)),
    ("scalarlg", Dropped),
    ("quotbal", Refused(400)),
    ("ltgtruri", Refused(400)),
    ("lwsruri", Refused(400)),
    ("lwsstart", Refused(400)),
    ("trws", Refused(400)),
    ("escruri", Refused(400)),
    // The date is not important to anybody here.
    ("baddate", Fine),
    ("regbadct", Refused(400)),
    ("badaspec", Refused(400)),
    ("baddn", Refused(400)),
    ("badvers", Refused(505)),
    ("mismatch01", Refused(400)),
    ("mismatch02", Refused(501)),
    ("bigcode", Dropped),
    // 3.2 Transaction layer
    ("badbranch", Refused(400)),
    // 3.3 Application layer
    ("insuf", Refused(400)),
    ("unkscm", Refused(416)),
    ("novelsc", Refused(416)),
    ("unksm2", Declined(405)),
    ("bext01", Declined(420)),
    ("invut", Declined(415)),
    ("regaut01", Declined(405)),
    ("multi01", Refused(400)),
    ("mcl01", Refused(400)),
    // A second Via: dropped by the transactions, and well-formed.
    ("bcast", Fine),
    ("zeromf", Declined(200)),
    ("cparam01", Declined(405)),
    ("cparam02", Declined(405)),
    ("regescrt", Declined(405)),
    ("sdp01", Declined(406)),
    // 3.4 RFC 2543
    ("inv2543", Fine),
];

/// The messages by their names, or none with a word about it.
fn messages() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = root
        .ancestors()
        .find_map(|folder| std::fs::read_to_string(folder.join("shared/rfc/rfc4475.txt")).ok());
    let Some(text) = text else {
        println!("SKIPPED: the text of RFC 4475 is not in a folder beside the repository");
        return Vec::new();
    };
    let lines = without_pages(&text);
    let starts = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, line.trim().strip_prefix("Message Details : ")?)));
    starts.map(|(at, name)| (name.to_owned(), message(lines.get(at + 1..).unwrap()))).collect()
}

/// The lines without what ends and begins pages: three empty lines, a footer, a header and two empty lines.
fn without_pages(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = Vec::new();
    let mut all = text.lines();
    while let Some(line) = all.next() {
        if line.starts_with("Sparks, et al.") {
            let empty = lines.iter().rev().take_while(|line| line.is_empty()).take(3).count();
            lines.truncate(lines.len() - empty);
            all.by_ref().take(4).for_each(drop);
        } else {
            lines.push(line);
        }
    }
    lines
}

/// One message, in the notation of section 2.
fn message(lines: &[&str]) -> Vec<u8> {
    let (mut text, mut one_line, mut empty) = (String::new(), false, 0);
    for line in lines {
        if line.trim().is_empty() {
            empty += usize::from(!text.is_empty());
            continue;
        }
        let Some(line) = line.strip_prefix("      ") else { break };
        text.push_str(&"\r\n".repeat(std::mem::take(&mut empty)));
        match line {
            "<allOneLine>" => one_line = true,
            "</allOneLine>" => {
                one_line = false;
                text.push_str("\r\n");
            }
            line => {
                text.push_str(line);
                text.push_str(if one_line { "" } else { "\r\n" });
            }
        }
    }
    if !text.contains("\r\n\r\n") {
        text.push_str("\r\n");
    }
    marked(&text)
}

/// Text with `<hex>` and `<repeat>` replaced.
fn marked(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("<hex>").into_iter().chain(rest.find("<repeat count=")).min() {
        octets.extend_from_slice(&rest.as_bytes()[..at]);
        let marked = &rest[at..];
        if let Some(inner) = marked.strip_prefix("<hex>") {
            let end = inner.find("</hex>").unwrap();
            let digits: Vec<u8> = inner[..end].bytes().filter(u8::is_ascii_hexdigit).collect();
            let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            octets.extend(digits.chunks(2).map(octet));
            rest = &inner[end + 6..];
        } else {
            let inner = marked.strip_prefix("<repeat count=").unwrap();
            let (count, inner) = inner.split_once('>').unwrap();
            let end = inner.find("</repeat>").unwrap();
            octets.extend(inner[..end].repeat(count.parse().unwrap()).bytes());
            rest = &inner[end + 9..];
        }
    }
    octets.extend_from_slice(rest.as_bytes());
    octets
}

fn judge(bytes: &[u8]) -> Result<(), u16> {
    let limits = Limits::default();
    let message = text::decode(bytes, &limits).map_err(|error| error.status().code())?;
    text::check(&message, &limits).map_err(|error| error.status().code())
}

#[test]
fn each_message_has_the_verdict_that_the_rfc_states() {
    let messages = messages();
    for (name, bytes) in &messages {
        let (_, verdict) = VERDICTS.iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("{name}"));
        let found = judge(bytes);
        let shown = bytes.escape_ascii();
        match verdict {
            Fine | Declined(_) => {
                assert_eq!(found, Ok(()), "{name}: {shown}");
                round_trip(bytes);
            }
            Refused(status) => assert_eq!(found, Err(*status), "{name}: {shown}"),
            Dropped => assert!(found.is_err(), "{name}: {shown}"),
        }
        let mut raw = Raw::with(config(BOB));
        let answers: Vec<u16> = raw.statuses(bytes);
        match verdict {
            Refused(status) | Declined(status) => assert_eq!(answers, [*status], "{name}: {shown}"),
            Fine | Dropped => assert!(answers.is_empty(), "{name} is answered with {answers:?}"),
        }
        let malformed = raw.events().iter().any(|event| matches!(event, Event::Malformed { .. }));
        assert_eq!(malformed, matches!(verdict, Refused(_) | Dropped), "{name}");
    }
    assert!(messages.is_empty() || messages.len() == VERDICTS.len());
}

fn message_named<'m>(messages: &'m [(String, Vec<u8>)], name: &str) -> Option<Message<'m>> {
    let (_, bytes) = messages.iter().find(|(own, _)| own == name)?;
    Some(text::decode(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn what_the_messages_say_is_understood() {
    let messages = messages();
    let Some(short) = message_named(&messages, "wsinv") else { return };
    assert_eq!(short.header.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(short.header.from().unwrap().name.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(short.header.number(&Name::MaxForwards), Some(68));
    assert_eq!(short.header.cseq().unwrap().number, 9);
    assert_eq!(short.header.list(&Name::Via).count(), 3);
    assert_eq!(short.header.get(&Name::Subject), Some(""));
    assert!(short.session_description().is_some());

    let wide = message_named(&messages, "intmeth").unwrap();
    assert_eq!(wide.method().unwrap().as_str(), "!interesting-Method0123456789_*+`.%indeed'~");

    let escaped = message_named(&messages, "esc01").unwrap();
    let Some(Uri::Sip(uri)) = escaped.uri() else { panic!() };
    assert_eq!(uri.user.as_deref(), Some("sips%3Auser%40example.com"));

    let null = message_named(&messages, "escnull").unwrap();
    assert_eq!(null.header.to().unwrap().uri.as_sip().unwrap().user.as_deref(), Some("null-%00-null"));

    let percent = message_named(&messages, "esc02").unwrap();
    assert_eq!(percent.method(), Some(&Method::Other("RE%47IST%45R".into())));

    let semicolons = message_named(&messages, "semiuri").unwrap();
    let Some(Uri::Sip(uri)) = semicolons.uri() else { panic!() };
    assert_eq!((uri.user.as_deref(), &*uri.host), (Some("user;par=u%40example.net"), "example.com"));
    assert_eq!(uri.parameter("par"), None);

    let double = message_named(&messages, "dblreq").unwrap();
    assert!(double.body.is_empty());

    let parameter = message_named(&messages, "cparam01").unwrap();
    let contact = parameter.header.contact().unwrap();
    assert!(
        contact.parameters.get("unknownparam").is_some()
            && contact.uri.as_sip().unwrap().parameters.is_empty()
    );
    let parameter = message_named(&messages, "cparam02").unwrap();
    let contact = parameter.header.contact().unwrap();
    assert!(
        contact.parameters.is_empty() && contact.uri.as_sip().unwrap().parameter("unknownparam").is_some()
    );

    let empty = message_named(&messages, "noreason").unwrap();
    assert_eq!(empty.status().unwrap().code(), 100);
}
