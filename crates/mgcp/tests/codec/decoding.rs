//! Stories of decoding: the RFC's own examples, and how messages come from real gateways.

use strowger_mgcp::dialect::Dialect;
use strowger_mgcp::limits::Limits;
use strowger_mgcp::message::{
    Action, Command, ConnectionMode, EndpointNameBuf, EventParameters, Message, ParameterCode, RequestId,
    Response, ReturnCode, SignalBuf, TransactionId, Verb,
};
use strowger_mgcp::text::{CommandBuilder, ResponseBuilder, Rule, datagram, decode, encode};

fn command(text: &str) -> Command<'_> {
    match decode(text.as_bytes(), &Limits::DEFAULT) {
        Ok(Message::Command(command)) => command,
        other => panic!("{other:?}"),
    }
}

fn response(text: &str) -> Response<'_> {
    match decode(text.as_bytes(), &Limits::DEFAULT) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

const CRCX: &str = "CRCX 1204 aaln/1@rgw-2567.whatever.net MGCP 1.0\r\n\
C: A3C47F21456789F0\r\nL: p:10, a:PCMU\r\nM: recvonly\r\nN: ca@ca1.whatever.net:5678\r\nX: 0123456789AD\r\n\
R: L/hd\r\nS: L/rg\r\n\r\nv=0\r\no=- 25678 753849 IN IP4 128.96.41.1\r\ns=-\r\nc=IN IP4 128.96.41.1\r\n\
t=0 0\r\nm=audio 3456 RTP/AVP 0\r\n";

#[test]
fn a_create_connection_gives_every_value_as_a_type() {
    let crcx = command(CRCX);
    assert_eq!((crcx.verb, crcx.transaction_id), (Verb::Crcx, TransactionId::new(1204).unwrap()));
    assert_eq!((crcx.endpoint.local(), crcx.endpoint.domain()), ("aaln/1", "rgw-2567.whatever.net"));
    assert_eq!(crcx.call_id().unwrap().as_str(), "A3C47F21456789F0");
    assert_eq!(crcx.mode(), Some(ConnectionMode::RecvOnly));
    let options = crcx.local_options().unwrap();
    assert_eq!(options.codecs().unwrap().collect::<Vec<_>>(), ["PCMU"]);
    assert_eq!(options.packetization().map(|span| (span.low, span.high)), Some((10, 10)));
    assert_eq!(crcx.notified_entity().unwrap().port(), 5678);
    let events: Vec<_> = crcx.requested_events().unwrap().iter().collect();
    assert_eq!(events[0].name.event, "hd");
    assert_eq!(events[0].actions.iter().collect::<Vec<_>>(), [Action::Notify]);
    assert!(crcx.sdp.unwrap().starts_with(b"v=0") && crcx.sdp.unwrap().ends_with(b"RTP/AVP 0\r\n"));
    let mut again = Vec::new();
    encode(&Message::Command(crcx), &mut again);
    assert_eq!(String::from_utf8(again).unwrap(), CRCX);
}

#[test]
fn an_embedded_request_is_read_in_any_order_of_its_groups() {
    for text in [
        "RQNT 1 aaln/1@gw MGCP 1.0\nX: 1\nR: L/hd(E(R(D/[0-9#T](D),L/hu(N)),S(L/dl),D([0-9].[#T])))\n",
        "rqnt 01 AALN/1@gw mgcp 1.0\nx: 1\nr: l/hd( e(S(L/dl), D([0-9].[#T]), R(D/[0-9#T](D), L/hu(N))) )\n",
    ] {
        let rqnt = command(text);
        let hd = rqnt.requested_events().unwrap().iter().next().unwrap();
        let embedded = hd.actions.embedded().unwrap();
        assert_eq!(embedded.requested_events.unwrap().iter().count(), 2);
        assert!(embedded.signal_requests.unwrap().as_str().eq_ignore_ascii_case("L/dl"));
        assert_eq!(embedded.digit_map, Some("[0-9].[#T]"));
    }
}

#[test]
fn piggybacked_messages_are_each_read_and_an_error_in_one_spares_the_others() {
    let bytes = b"200 2005 OK\n.\nDLCX 1244 card23/21@tgw-7.example.net MGCP 1.0\nC: nonsense!\n.\n\
        AUEP 7 aaln/1@gw MGCP 1.0\r\n";
    let all: Vec<_> = datagram(bytes, &Limits::DEFAULT).collect();
    assert!(matches!(all[0], Ok(Message::Response(r)) if r.code == ReturnCode::OK));
    let error = all[1].unwrap_err();
    assert_eq!((error.rule, error.transaction_id), (Rule::CallId, TransactionId::new(1244)));
    assert_eq!(&bytes[error.offset..error.offset + 2], b"no");
    assert!(matches!(all[2], Ok(Message::Command(c)) if c.verb == Verb::Auep));
    assert_eq!(all.len(), 3);
}

#[test]
fn a_response_may_hold_two_session_descriptions() {
    let text = "200 1203 OK\r\nI: FDE234C8, FDE234C9\r\nZ: a/1@gw\r\nZ: a/2@gw\r\n\r\nv=0\r\n\r\nv=0\r\nc=IN IP4 1.2.3.4\r\n";
    let audit = response(text);
    assert_eq!(audit.local_sdp(), Some(&b"v=0\r\n"[..]));
    assert!(audit.remote_sdp().unwrap().ends_with(b"1.2.3.4\r\n"));
    assert_eq!(audit.connection_ids().count(), 2);
    assert_eq!(audit.specific_endpoints().count(), 2);
}

#[test]
fn a_quoted_string_may_hold_line_ends_and_dots() {
    let text =
        "RQNT 1 aaln/1@gw MGCP 1.0\nX: 1\nS: L/adsi(\"a\r\n.\r\n\"\"b\"\"\"), L/rg\nX-Note: 5\" wide\n";
    let rqnt = command(text);
    let signals: Vec<_> = rqnt.signal_requests().unwrap().iter().collect();
    assert_eq!(signals.len(), 2);
    assert_eq!(EventParameters::unquote("a\r\n.\r\n\"\"b\"\""), "a\r\n.\r\n\"b\"");
    let note = rqnt.parameters.get(ParameterCode::Vendor { critical: false, name: "note" });
    assert_eq!(note, Some("5\" wide"));
}

#[test]
fn what_the_builders_write_is_read_back() {
    let endpoint = EndpointNameBuf::parse("aaln/1@gw").unwrap();
    let id = TransactionId::new(5).unwrap();
    let digits: Vec<_> = ["D/2", "D/0"].iter().map(|event| SignalBuf::parse(event).unwrap()).collect();
    let bytes = CommandBuilder::new(Verb::Ntfy, id, &endpoint, &Dialect::RFC3435)
        .request_id(RequestId::ZERO)
        .observed_events(&digits)
        .finish();
    assert_eq!(bytes, b"NTFY 5 aaln/1@gw MGCP 1.0\r\nX: 0\r\nO: D/2, D/0\r\n");
    let bytes =
        ResponseBuilder::new(ReturnCode::OK, id).specific_endpoint(&endpoint).sdp(b"v=0\r\n").finish();
    assert_eq!(bytes, b"200 5 OK\r\nZ: aaln/1@gw\r\n\r\nv=0\r\n");
}

#[test]
fn a_second_connection_is_one_even_where_the_grammar_lets_it_be_a_list() {
    let both = response("200 1 OK\nI: A1\nZ: a/1@gw\nI2: B2 , B3\nZ2: a/2@gw\n");
    assert_eq!(both.second_connection_id().unwrap().as_str(), "B2");
    assert_eq!(both.second_endpoint().unwrap().local(), "a/2");
}
