//! Connections on which nothing is said for a long time: the system finds out when the other end is gone (half-open connections, RFC 1122
//! section 4.2.3.6).
//!
//! A host that lost its power says no good-bye. Without this, who only listens would wait for it for ever, and what is sent would be given up
//! after a quarter of an hour.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How long nothing comes before the other end is asked whether it is there.
const IDLE: Duration = Duration::from_secs(20);
/// How often it is asked then.
const INTERVAL: Duration = Duration::from_secs(5);
/// How often in vain.
const PROBES: u32 = 4;

/// Has the system end a connection whose other end is gone: 40 s after the last word from there, whether we speak or not.
///
/// # Errors
/// What the system says of the options.
pub(crate) fn watch(stream: &impl AsFd) -> io::Result<()> {
    let stream = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(IDLE).with_interval(INTERVAL).with_retries(PROBES);
    stream.set_tcp_keepalive(&keepalive)?;
    // Octets that nobody acknowledges are given up in the same time.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    stream.set_tcp_user_timeout(Some(IDLE + INTERVAL * PROBES))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_whose_other_end_is_gone_ends_in_less_than_a_minute() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        watch(&stream).unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let probes = socket.tcp_keepalive_retries().unwrap();
        let limit = socket.tcp_keepalive_time().unwrap() + socket.tcp_keepalive_interval().unwrap() * probes;
        assert!(limit < Duration::from_secs(60), "{limit:?}");
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(limit));
    }
}
