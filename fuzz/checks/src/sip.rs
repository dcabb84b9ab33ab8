//! The check of SIP.

use std::net::SocketAddr;

use strowger_sansio::{Duration, Rng, SocketId, Time};
use strowger_sdp::Direction;
use strowger_sip::agent::{
    AgentConfig, Caller, Credentials, Event, Invitation, Local, Peer, PeerId, UserAgent,
};
use strowger_sip::registrar::RegistrarConfig;
use strowger_sip::text::{self, Frame, Framer};
use strowger_sip::{Limits, Route, Transport};

/// A message is refused with a place within it and a status, or is the same after it was written. A stream is cut into the same
/// messages in whatever pieces it comes. What a user agent answers is what it would accept, and it is idle in the end.
///
/// # Panics
/// When that does not hold.
pub fn sip(bytes: &[u8]) -> usize {
    let limits = Limits::default();
    let sum = bytes.iter().fold(0, |sum, byte| sum * 31 % 65_521 + usize::from(*byte));
    in_a_stream(bytes, sum % (bytes.len() + 1));
    // A user agent is much work: it hears some of them.
    if sum % 32 == 0 {
        heard(bytes);
    }
    match text::decode(bytes, &limits) {
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error:?} lies behind the end");
            assert!((400..=599).contains(&error.status().code()), "{error:?}");
            let _ = text::refuse(bytes, &error, peer());
            0
        }
        Ok(message) => {
            let written = text::to_bytes(&message);
            // Writing may add a length: a message that was at a limit is beyond it then.
            if written.len() <= limits.head && message.header.len() < limits.fields {
                let again = text::decode(&written, &limits);
                assert_eq!(
                    again.as_ref(),
                    Ok(&message),
                    "changed by writing {:?}",
                    written.escape_ascii().to_string()
                );
            }
            let _ = text::check(&message, &limits);
            1
        }
    }
}

fn in_a_stream(bytes: &[u8], cut: usize) {
    let cut_into = |pieces: &[&[u8]]| {
        let mut framer = Framer::new(Limits::default());
        let mut frames = Vec::new();
        for piece in pieces {
            framer.push(piece);
            loop {
                match framer.pop() {
                    Ok(Some(Frame::Message(message))) => frames.push(Some(message)),
                    Ok(Some(Frame::Ping | Frame::Pong)) => {}
                    Ok(None) => break,
                    Err(_) => {
                        frames.push(None);
                        return frames;
                    }
                }
            }
        }
        frames
    };
    let (first, second) = bytes.split_at(cut);
    assert_eq!(cut_into(&[bytes]), cut_into(&[first, second]), "cut otherwise at {cut}");
}

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

/// Somebody who may be a telephone.
fn stranger() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1], 5062))
}

const AUDIO: &[u8] =
    b"v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 0 8 18 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A user agent with a call of its own and a telephone hears the message twice, of a peer and of a stranger, answers what it can, and hangs
/// up.
fn heard(bytes: &[u8]) {
    let address = SocketAddr::from(([192, 0, 2, 2], 5060));
    let local = Local { transport: Transport::Udp, socket: SocketId::MAIN, address };
    let user = Credentials { user: "2003".to_owned(), password: "secret".to_owned() };
    let peers = vec![Peer::new("peer", peer(), Transport::Udp), Peer::phone("2003", user)];
    let mut config = AgentConfig::new(vec![local], peers);
    config.registrar = Some(RegistrarConfig::new("town"));
    let mut now = Time::from_secs(1);
    let mut agent = UserAgent::new(now, config, Rng::from_number(1));
    let own = Invitation {
        peer: PeerId(0),
        called: "2002".to_owned(),
        caller: Caller::default(),
        offer: AUDIO.to_vec(),
        history: None,
        diversions: Vec::new(),
        ring: None,
    };
    let own = agent.invite(now, &own);
    let mut open = Vec::new();
    open.extend(own.ok());
    for _ in 0..2 {
        agent.handle_input(now, Route::udp(stranger()), bytes);
        agent.handle_input(now, Route::udp(peer()), bytes);
        while let Some(event) = agent.poll_event() {
            match event {
                Event::Incoming { session, .. } => {
                    open.push(session);
                    let _ = agent.answer(now, session, AUDIO, Direction::SendRecv);
                }
                Event::Offered { session, .. } => {
                    let _ = agent.answer_offer(now, session, AUDIO, Direction::SendRecv);
                }
                _ => {}
            }
        }
        check_answers(&mut agent);
        now += Duration::from_millis(700);
        agent.handle_timeout(now);
    }
    for session in open {
        agent.end(now, session, 16);
    }
    for _ in 0..10_000 {
        let Some(due) = agent.poll_timeout() else { break };
        now = now.max(due);
        agent.handle_timeout(now);
        check_answers(&mut agent);
    }
    assert_eq!((agent.sessions(), agent.transactions()), (0, 0), "not idle in the end");
}

fn check_answers(agent: &mut UserAgent) {
    let limits = Limits::default();
    while let Some(datagram) = agent.poll_transmit() {
        // A refusal repeats what is wrong with a request.
        let refused =
            datagram.payload.starts_with(b"SIP/2.0 4") || datagram.payload.starts_with(b"SIP/2.0 5");
        match text::decode(&datagram.payload, &limits) {
            Ok(message) if !refused => {
                if let Err(error) = text::check(&message, &limits) {
                    panic!("{error}: {:?}", datagram.payload.escape_ascii().to_string());
                }
            }
            Ok(_) => {}
            Err(error) => assert!(refused, "{error}: {:?}", datagram.payload.escape_ascii().to_string()),
        }
    }
}
