//! Several datagrams of one socket in one system call, where the system has one for it: Linux's `sendmmsg(2)`.
//!
//! A host reads what has come before it sends what follows from it. A receiver that sleeps is then woken once for all of
//! it and not for each datagram, which between processes of one machine costs more than all the rest of a datagram's way.

use std::io;

use rustix::fd::AsFd;
use rustix::net::{SendFlags, sendto};
use strowger_sansio::Transmit;

/// Datagrams that are put together at most, so that the first of them does not wait for long: they are made in some tens of
/// microseconds.
pub(crate) const BURST: usize = 32;

/// How a datagram finds its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By its address.
    Named,
    /// The socket is connected to where it goes.
    Connected,
}

/// Sends the first of these datagrams, as many as the system takes at once; says how many that were, one at least.
///
/// # Errors
/// What the system has against the first one. Nothing has been sent then.
pub(crate) fn send(socket: impl AsFd, way: Way, datagrams: &[Transmit]) -> io::Result<usize> {
    match datagrams {
        [] => Ok(0),
        #[cfg(target_os = "linux")]
        [_, _, ..] => send_several(socket, way, datagrams),
        [first, ..] => {
            let flags = SendFlags::empty();
            match way {
                Way::Named => sendto(socket, &first.payload, flags, &first.to)?,
                Way::Connected => rustix::net::send(socket, &first.payload, flags)?,
            };
            Ok(1)
        }
    }
}

#[cfg(target_os = "linux")]
fn send_several(socket: impl AsFd, way: Way, datagrams: &[Transmit]) -> io::Result<usize> {
    use std::io::IoSlice;

    use rustix::net::{MMsgHdr, SendAncillaryBuffer, SocketAddrAny, sendmmsg};

    let datagrams = datagrams.iter().take(BURST);
    let targets: Vec<SocketAddrAny> = datagrams.clone().map(|datagram| datagram.to.into()).collect();
    let payloads: Vec<[IoSlice<'_>; 1]> =
        datagrams.map(|datagram| [IoSlice::new(&datagram.payload)]).collect();
    let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        targets.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let parts = targets.iter().zip(&payloads).zip(&mut controls);
    let mut messages: Vec<MMsgHdr<'_>> = parts
        .map(|((to, payload), control)| match way {
            Way::Named => MMsgHdr::new_with_addr(to, payload, control),
            Way::Connected => MMsgHdr::new(payload, control),
        })
        .collect();
    Ok(sendmmsg(socket, &mut messages, SendFlags::empty())?.max(1))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::*;

    #[test]
    fn a_burst_arrives_in_its_order_and_what_is_wrong_with_one_is_said_when_its_turn_comes() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let peers = [UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap()];
        let address = |place: usize| peers[place % 2].local_addr().unwrap();
        let mut datagrams: Vec<_> =
            (0..BURST + 8).map(|place| Transmit::new(address(place), vec![place as u8; place + 1])).collect();
        // No socket of IPv4 can reach this one.
        let nowhere: SocketAddr = "[2001:db8::1]:2427".parse().unwrap();
        datagrams.insert(10, Transmit::new(nowhere, b"lost".to_vec()));
        let (mut rest, mut refused) = (datagrams.as_slice(), 0);
        while !rest.is_empty() {
            let done = send(&socket, Way::Named, rest).unwrap_or_else(|_| {
                assert_eq!(rest[0].to, nowhere);
                refused += 1;
                1
            });
            rest = &rest[done..];
        }
        assert_eq!(refused, 1);
        let mut buffer = [0; 64];
        for place in 0..BURST + 8 {
            let (length, from) = peers[place % 2].recv_from(&mut buffer).unwrap();
            assert_eq!((length, buffer[0], from), (place + 1, place as u8, socket.local_addr().unwrap()));
        }
        assert_eq!(send(&socket, Way::Named, &[]).unwrap(), 0);
        socket.connect(address(0)).unwrap();
        for count in [1, 3] {
            let datagrams = vec![Transmit::new(address(0), b"known".to_vec()); count];
            assert_eq!(send(&socket, Way::Connected, &datagrams).unwrap(), count);
            (0..count).for_each(|_| assert_eq!(peers[0].recv(&mut buffer).unwrap(), 5));
        }
    }
}
