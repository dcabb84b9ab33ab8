//! TLS for a link: to centres whose certificates one's own authority has signed, and with a certificate of one's own for the other side.
//! Versions 1.2 and 1.3 with authenticated ciphers, as rustls has them; who cannot prove its name is not spoken to.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, RootCertStore};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM of its kind.
    #[error("{path}: {fault}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: String,
    },
    /// The centre's name is neither a host name nor an address.
    #[error("\"{0}\" is neither a host name nor an IP address")]
    Name(String),
    /// Certificate and key do not belong together, or cannot be used.
    #[error(transparent)]
    Refused(#[from] rustls::Error),
}

/// How a client proves a centre, or whom else it speaks to.
#[derive(Clone, Debug)]
pub struct ClientTls {
    pub(crate) config: Arc<rustls::ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// How a centre proves itself.
#[derive(Clone, Debug)]
pub struct ServerTls {
    pub(super) config: Arc<rustls::ServerConfig>,
}

fn failed(path: &Path, fault: &impl ToString) -> TlsError {
    TlsError::File { path: path.to_owned(), fault: fault.to_string() }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| failed(path, &error))?;
    let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| failed(path, &error))?;
    match all.is_empty() {
        true => Err(failed(path, &"no certificate in PEM")),
        false => Ok(all),
    }
}

/// Who may sign the certificates of those that are spoken to.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<rustls::ClientConfig>);

impl Authorities {
    /// Those in a file of PEM.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn read(ca: &Path) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca)? {
            roots.add(certificate)?;
        }
        let config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// For a peer that is called `name`, a host name or an address.
    ///
    /// # Errors
    /// When the name is none.
    pub fn named(&self, name: &str) -> Result<ClientTls, TlsError> {
        let name = match name.parse::<IpAddr>() {
            Ok(address) => ServerName::from(address),
            Err(_) => ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))?,
        };
        Ok(ClientTls { config: Arc::clone(&self.0), name })
    }
}

impl ClientTls {
    /// For a centre that is called `name`, a host name or an address, and whose certificate one of the authorities in `ca` has signed.
    ///
    /// # Errors
    /// When the file cannot be used, or the name is none.
    pub fn new(ca: &Path, name: &str) -> Result<Self, TlsError> {
        Authorities::read(ca)?.named(name)
    }
}

impl ServerTls {
    /// With a chain of certificates and the key of its first.
    ///
    /// # Errors
    /// When a file cannot be used, or they do not belong together.
    pub fn new(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, &error))?;
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificates(chain)?, key)?;
        Ok(Self { config: Arc::new(config) })
    }

    /// What accepts clients.
    #[must_use]
    pub fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        tokio_rustls::TlsAcceptor::from(Arc::clone(&self.config))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
