//! A socket, or a connection, that carries Megaco messages for an engine inside a test.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use strowger_megaco::transaction::{Route, Transport};
use strowger_megaco::transport::{Splitter, write_tpkt};
use strowger_sansio::{SocketId, Transmit};

/// The pause after which an engine's timers are looked at.
const TICK: Duration = Duration::from_millis(20);

/// Where messages come from and go to.
pub(crate) enum Wire {
    /// One socket for all.
    Udp(UdpSocket),
    /// One connection, once it is accepted; without a listener it was made from here.
    Tcp(Option<TcpListener>, Option<(TcpStream, SocketAddr)>, Splitter),
}

/// A port of loopback that is free for both transports.
pub(crate) fn free_port() -> SocketAddr {
    let host = SocketAddr::from(([127, 0, 0, 1], 0));
    loop {
        let address = TcpListener::bind(host).unwrap().local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

impl Wire {
    /// Listens at a free port of loopback.
    pub(crate) fn listen(transport: Transport) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        if transport == Transport::Udp {
            let socket = UdpSocket::bind(address).unwrap();
            socket.set_read_timeout(Some(TICK)).unwrap();
            return Self::Udp(socket);
        }
        Self::Tcp(Some(TcpListener::bind(address).unwrap()), None, Splitter::new(65_531))
    }

    /// Speaks to somebody who listens.
    pub(crate) fn connect(transport: Transport, to: SocketAddr) -> Self {
        if transport == Transport::Udp {
            return Self::listen(transport);
        }
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(TICK)).unwrap();
        Self::Tcp(None, Some((stream, to)), Splitter::new(65_531))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Udp(socket) => socket.local_addr().unwrap(),
            Self::Tcp(listener, ..) => listener.as_ref().unwrap().local_addr().unwrap(),
        }
    }

    /// The next message and where it came from, if one comes within a tick.
    pub(crate) fn receive(&mut self) -> Option<(Route, Vec<u8>)> {
        let mut buffer = vec![0; 65_536];
        match self {
            Self::Udp(socket) => {
                let (length, from) = socket.recv_from(&mut buffer).ok()?;
                buffer.truncate(length);
                Some((Route::udp(from), buffer))
            }
            Self::Tcp(listener, connection, splitter) => {
                let (stream, from) = connection.get_or_insert_with(|| {
                    let (stream, from) = listener.as_ref().unwrap().accept().unwrap();
                    stream.set_read_timeout(Some(TICK)).unwrap();
                    (stream, from)
                });
                let route = Route::tcp(SocketId::MAIN, *from);
                if let Some(message) = splitter.poll_message().unwrap() {
                    return Some((route, message.to_vec()));
                }
                match stream.read(&mut buffer) {
                    Ok(0) => panic!("the peer closed its connection"),
                    Ok(length) => splitter.handle_input(&buffer[..length]),
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(error) => panic!("{error}"),
                }
                splitter.poll_message().unwrap().map(|message| (route, message.to_vec()))
            }
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, transmit: &Transmit) {
        match self {
            Self::Udp(socket) => {
                socket.send_to(&transmit.payload, transmit.to).unwrap();
            }
            Self::Tcp(_, connection, _) => {
                let mut octets = Vec::new();
                write_tpkt(&transmit.payload, &mut octets).unwrap();
                connection.as_mut().unwrap().0.write_all(&octets).unwrap();
            }
        }
    }
}
