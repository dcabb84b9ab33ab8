//! Edits: one field changes, in the place and the form that the text around it has.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use strowger_sdp::{Direction, Edit, EditError, Limits, Rule, Scope, Wild, decode};

const TEXT: &str = "v=0\r\no=- 25678 753849 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\nm=audio 4002/2 RTP/AVP 8 0\r\na=X-Odd:  as it  came \r\na=ptime:20\r\n";

/// One change of an edit.
type Change = &'static dyn Fn(&mut Edit) -> Result<(), EditError>;

fn edit(text: &str) -> Edit {
    let limits = Limits::default();
    decode(text.as_bytes(), &limits).unwrap().edit(&limits)
}

fn changed(text: &str, change: impl FnOnce(&mut Edit) -> Result<(), EditError>) -> String {
    let mut edit = edit(text);
    change(&mut edit).unwrap();
    String::from_utf8(edit.finish()).unwrap()
}

#[test]
fn each_field_is_changed_in_its_place() {
    let cases: &[(&str, &str, Change)] = &[
        ("m=audio 4002/2", "m=audio 6000/2", &|edit| edit.set_port(0, Wild::Value(6000))),
        ("m=audio 4002/2", "m=audio $/2", &|edit| edit.set_port(0, Wild::Choose)),
        ("AVP 8 0", "AVP 0 101", &|edit| edit.set_formats(0, &["0", "101"])),
        ("753849 IN", "753850 IN", &|edit| edit.set_origin_version(753_850)),
        ("753849 IN IP4 192.0.2.20", "753849 IN IP6 2001:db8::1", &|edit| {
            edit.set_origin_address("2001:db8::1".parse().unwrap())
        }),
        ("c=IN IP4 192.0.2.20", "c=IN IP4 192.0.2.21", &|edit| {
            edit.set_connection_address(Scope::Session, "192.0.2.21".parse().unwrap())
        }),
        ("AVP 8 0\r\n", "AVP 8 0\r\nc=IN IP4 192.0.2.21\r\n", &|edit| {
            edit.set_connection_address(Scope::Media(0), "192.0.2.21".parse().unwrap())
        }),
        ("s=-", "s=town", &|edit| edit.set_session_name(b"town")),
        ("a=ptime:20", "a=ptime:30", &|edit| edit.set_attribute(Scope::Media(0), "ptime", Some(b"30"))),
        ("a=ptime:20\r\n", "a=ptime:20\r\na=sendonly\r\n", &|edit| {
            edit.set_direction(Scope::Media(0), Direction::SendOnly)
        }),
        ("t=0 0\r\n", "t=0 0\r\na=tool:x\r\n", &|edit| {
            edit.set_attribute(Scope::Session, "tool", Some(b"x"))
        }),
        ("a=ptime:20\r\n", "", &|edit| edit.remove_attributes(Scope::Media(0), "ptime").map(|_| ())),
    ];
    for (from, to, change) in cases {
        assert_eq!(TEXT.matches(from).count(), 1, "{from} is not one place");
        assert_eq!(changed(TEXT, change), TEXT.replace(from, to));
    }
}

#[test]
fn a_stated_direction_is_replaced_not_joined_by_another() {
    let text = "v=0\nm=audio 1 RTP/AVP 0\na=sendonly\na=ptime:20\n";
    let new = changed(text, |edit| edit.set_direction(Scope::Media(0), Direction::Inactive));
    assert_eq!(new, "v=0\nm=audio 1 RTP/AVP 0\na=inactive\na=ptime:20\n");
}

#[test]
fn an_added_line_ends_as_its_neighbours_do() {
    let address = "192.0.2.1".parse().unwrap();
    assert_eq!(
        changed("v=0", |edit| edit.set_connection_address(Scope::Session, address)),
        "v=0\r\nc=IN IP4 192.0.2.1"
    );
    let text = "v=0\nt=0 0\nm=audio 1 RTP/AVP 0\nm=video 2 RTP/AVP 31";
    let new = changed(text, |edit| {
        edit.set_connection_address(Scope::Session, address)?;
        edit.add_attribute(Scope::Media(0), "ptime", Some(b"20"))?;
        edit.add_attribute(Scope::Media(1), "recvonly", None)
    });
    assert_eq!(
        new,
        "v=0\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 1 RTP/AVP 0\na=ptime:20\nm=video 2 RTP/AVP 31\na=recvonly"
    );
}

#[test]
fn an_edit_that_would_break_the_text_is_refused_and_leaves_it() {
    let mut edit = edit(TEXT);
    assert_eq!(edit.set_port(1, Wild::Value(1)), Err(EditError::NoSuchMedia));
    assert_eq!(edit.set_attribute(Scope::Session, "a b", None).map_err(rule), Err(Some(Rule::AttributeName)));
    assert_eq!(
        edit.set_attribute(Scope::Session, "x", Some(b"1\r\nm=audio 9 RTP/AVP 0")),
        Err(EditError::LineEnd)
    );
    assert_eq!(edit.set_attribute(Scope::Session, "x", Some(b"\0")).map_err(rule), Err(Some(Rule::Nul)));
    assert_eq!(edit.set_formats(0, &[]).map_err(rule), Err(Some(Rule::Format)));
    assert_eq!(edit.set_session_name(&[b'x'; 5000]).map_err(rule), Err(Some(Rule::LineSize)));
    assert_eq!(edit.finish(), TEXT.as_bytes());
    let mut short = version_alone();
    assert_eq!(short.set_origin_version(2), Err(EditError::NoSuchLine('o')));
    assert_eq!(short.set_session_name(b"x"), Err(EditError::NoSuchLine('s')));
    assert_eq!(short.remove_attributes(Scope::Session, "x"), Ok(0));
}

fn version_alone() -> Edit {
    edit("v=0\r\n")
}

fn rule(error: EditError) -> Option<Rule> {
    match error {
        EditError::Illegal(error) => Some(error.rule),
        _ => None,
    }
}
