//! Connections of TCP, so many at a time, from those who may come: what every server of this crate listens with.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long it waits after a connection that could not be taken: without descriptors it would spin.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until it is dropped, and they with it. Who may not come gets no byte. When `most` are served, the next
/// waits in the system's queue.
pub(crate) async fn accept<F>(
    listener: TcpListener,
    most: usize,
    may_come: impl Fn(SocketAddr) -> bool,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(most));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let (stream, peer) = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => break accepted,
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        };
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if !may_come(peer) {
            continue;
        }
        let _ = stream.set_nodelay(true);
        let served = serve(stream, peer);
        connections.spawn(async move {
            served.await;
            drop(permit);
        });
    }
}
