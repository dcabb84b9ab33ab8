//! An MMSC as a whole: engine, store, interfaces, and its way to the push gateway.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::application::server::ApplicationServer;
use super::application::{Application, Inventory, outbox};
use super::carrier;
use super::config::MmscConfig;
use super::directory::{Directory, Subscriber};
use super::http::{HttpLimits, MmscServer};
use super::mail::{MailSettings, incoming};
use super::service::{self, Outlets, Service, ServiceThread};
use super::store::{MessageStore, StoreError};
use crate::push::Gateway;
use crate::push::address::Network;
use crate::smtp::host::MailServer;

/// Everything that an MMSC is started with.
#[derive(Clone, Debug, Default)]
pub struct MmscSettings {
    /// The engine's. An empty `base` becomes the address that is listened at.
    pub engine: MmscConfig,
    /// Where handsets come (TCP, HTTP).
    pub listen: Option<SocketAddr>,
    /// The folder of the store; without one messages are forgotten at exit.
    pub store: Option<PathBuf>,
    /// The subscribers.
    pub subscribers: Vec<Subscriber>,
    /// Hosts that name subscribers in a header.
    pub proxies: Vec<Network>,
    /// That header.
    pub header: String,
    /// Bounds of the interfaces.
    pub limits: HttpLimits,
    /// Where applications come (TCP, HTTP); they are never served where handsets are.
    pub applications_listen: Option<SocketAddr>,
    /// The applications.
    pub applications: Vec<Application>,
    /// Mail addresses and other MMSCs. An empty `domain` becomes the MMSC's name.
    pub mail: MailSettings,
}

/// Why an MMSC did not start.
#[derive(Debug, thiserror::Error)]
pub enum MmscError {
    /// The address cannot be opened.
    #[error("mmsc {address} cannot be opened: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The store cannot be opened.
    #[error("the message store {path} cannot be opened: {error}")]
    Store {
        /// The folder.
        path: String,
        /// Why.
        error: StoreError,
    },
}

/// A running MMSC.
#[derive(Debug)]
pub struct MmscHost {
    service: Service,
    server: MmscServer,
    applications: Option<ApplicationServer>,
    mail: Option<MailServer>,
    carrier: JoinHandle<()>,
    outbox: JoinHandle<()>,
    thread: ServiceThread,
}

impl MmscHost {
    /// Opens store and address and starts on the current runtime; pushes go by `gateway`.
    ///
    /// # Errors
    /// When something cannot be opened.
    pub async fn start(settings: MmscSettings, gateway: Gateway) -> Result<Self, MmscError> {
        let address = settings.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let failed = |error| MmscError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let mut engine = settings.engine;
        let inventory = Arc::new(Inventory::new(settings.applications));
        let name = engine.name.clone();
        let mut mail = settings.mail;
        if mail.domain.is_empty() {
            mail.domain.clone_from(&name);
        }
        let mail = Arc::new(mail);
        let numbers = settings.subscribers.iter().map(|subscriber| &subscriber.number);
        let routes = numbers.fold(engine.routes, |routes, number| routes.subscriber(number));
        engine.routes = mail.route(inventory.route(routes));
        let routes = engine.routes.clone();
        if engine.base.is_empty() {
            engine.base = format!("http://{local}/");
        }
        let path = settings.store.as_ref().map_or("in memory".to_owned(), |path| path.display().to_string());
        let failed = |error| MmscError::Store { path: path.clone(), error };
        let store = match &settings.store {
            Some(folder) => MessageStore::open(folder),
            None => MessageStore::in_memory(),
        };
        let (orders, incoming) = mpsc::unbounded_channel();
        let (handovers, handed) = mpsc::unbounded_channel();
        let outlets = Outlets { orders, handovers };
        let (service, thread) = service::start(engine, store.map_err(failed)?, outlets).map_err(failed)?;
        let directory = Arc::new(Directory::new(&settings.subscribers, settings.proxies, &settings.header));
        let server = MmscServer::start(
            listener,
            service.clone(),
            Arc::clone(&directory),
            settings.limits,
            Router::new(),
        )
        .map_err(|error| MmscError::Listen { address, error })?;
        let applications = match settings.applications_listen {
            Some(address) if !inventory.is_empty() => {
                let failed = |error| MmscError::Listen { address, error };
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let (service, inventory) = (service.clone(), Arc::clone(&inventory));
                let server = ApplicationServer::start(listener, service, inventory, settings.limits);
                Some(server.map_err(failed)?)
            }
            _ => None,
        };
        let mail_server = match mail.listen {
            Some(address) => {
                let failed = |error| MmscError::Listen { address, error };
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let postmaster =
                    incoming::postmaster(Arc::clone(&mail), routes, service.clone(), settings.limits);
                Some(MailServer::start(listener, postmaster).map_err(failed)?)
            }
            None => None,
        };
        let outbox = tokio::spawn(outbox::run(handed, service.clone(), inventory, mail, name));
        let carrier = tokio::spawn(carrier::run(incoming, service.clone(), gateway, directory));
        Ok(Self { service, server, applications, mail: mail_server, carrier, outbox, thread })
    }

    /// Where handsets come.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.server.local()
    }

    /// Where applications come; none when there are none.
    #[must_use]
    pub fn applications(&self) -> Option<SocketAddr> {
        self.applications.as_ref().map(ApplicationServer::local)
    }

    /// Where mail comes; none when none does.
    #[must_use]
    pub fn mail(&self) -> Option<SocketAddr> {
        self.mail.as_ref().map(MailServer::local)
    }

    /// The way to it.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// Stops in order: what was answered is on disk.
    pub async fn stop(self) {
        let Self { service, server, applications, mail, carrier, outbox, thread } = self;
        drop((server, applications, mail));
        service.stop().await;
        carrier.abort();
        // What is being handed over is offered again at the next start.
        outbox.abort();
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}
