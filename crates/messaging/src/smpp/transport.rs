//! What carries a link: TCP, plain or in TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::tls::ClientTls;

/// A connection.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What a connection did.
pub(super) enum Moved {
    /// So many octets came; none is the end.
    In(io::Result<usize>),
    /// So many octets went.
    Out(io::Result<usize>),
}

impl Transport {
    /// Connects, and proves the other side where that is wanted.
    pub(super) async fn connect(address: SocketAddr, tls: Option<ClientTls>) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // Units go out together as it is: what is held back is only late.
        let _ = stream.set_nodelay(true);
        match tls {
            None => Ok(Self::Plain(stream)),
            Some(tls) => {
                let connector = tokio_rustls::TlsConnector::from(tls.config);
                Ok(Self::Tls(Box::new(connector.connect(tls.name, stream).await?)))
            }
        }
    }

    /// Reads or writes as soon as either is possible; writing comes first.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, buffer: &mut [u8], out: &[u8]) -> Poll<Moved> {
        if let Poll::Ready(written) = self.poll_out(context, out) {
            return Poll::Ready(Moved::Out(written));
        }
        let mut buffer = ReadBuf::new(buffer);
        let read = match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, &mut buffer),
        };
        read.map(|read| Moved::In(read.map(|()| buffer.filled().len())))
    }

    /// Writes what can be written now; with nothing to write, what TLS holds back.
    pub(super) fn poll_out(&mut self, context: &mut Context<'_>, out: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(_) if out.is_empty() => Poll::Pending,
            Self::Plain(stream) => Pin::new(stream).poll_write(context, out),
            Self::Tls(stream) if out.is_empty() => {
                // What is flushed is no event, and what is not goes on when the socket can be written.
                match Pin::new(stream.as_mut()).poll_flush(context) {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    _ => Poll::Pending,
                }
            }
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, out),
        }
    }
}
