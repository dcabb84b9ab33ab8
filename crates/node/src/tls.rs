//! TLS of SIP: how the exchange proves itself, and whom it believes (RFC 3261 section 26.3, RFC 5922).
//!
//! Versions 1.2 and 1.3 with authenticated ciphers, as rustls has them. A peer that is connected to must have a certificate of one of the
//! trunk's authorities for the trunk's name. Who connects is asked for a certificate where there are authorities for that, and need not
//! have one: telephones prove who they are by their passwords. Whether one must be there is decided behind the handshake, by the host
//! that connects: the host of a trunk needs one for the trunk's name.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};

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
    /// The peer's name is neither a host name nor an address.
    #[error("\"{0}\" is neither a host name nor an IP address")]
    Name(String),
    /// Certificate and key do not belong together, or cannot be used.
    #[error(transparent)]
    Refused(#[from] rustls::Error),
    /// The authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] VerifierBuilderError),
}

/// A certificate with those that lead to its authority, and its key: files of PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'f> {
    /// The certificates.
    pub certificate: &'f Path,
    /// The key.
    pub key: &'f Path,
}

/// How the exchange proves itself to peers that connect, and whether they must.
#[derive(Clone, Debug)]
pub struct ServerTls {
    pub(crate) config: Arc<rustls::ServerConfig>,
    pub(crate) clients: Clients,
}

/// Whether peers that connect must prove who they are.
#[derive(Clone, Debug)]
pub(crate) enum Clients {
    /// Their addresses do.
    Unasked,
    /// By certificates that this holds to be good, too.
    Proven(Arc<dyn ClientCertVerifier>),
}

impl Clients {
    /// Whether certificates that were shown, the peer's own first, are of the authorities and for one of these names (RFC 5922 section 7.2:
    /// those of its subject alternative names).
    pub(crate) fn prove<'n>(
        &self,
        shown: Option<&[CertificateDer<'_>]>,
        names: impl Iterator<Item = &'n ServerName<'static>>,
    ) -> bool {
        let Self::Proven(verifier) = self else { return true };
        let Some((own, others)) = shown.and_then(<[_]>::split_first) else { return false };
        verifier.verify_client_cert(own, others, UnixTime::now()).is_ok() && is_for_one_of(own, names)
    }
}

/// Asks who connects for a certificate, and takes whatever is shown, or nothing: what it is worth is found out behind the handshake, when
/// it is of use. That the key to it is there is proven in the handshake.
#[derive(Debug)]
struct AskedFor(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AskedFor {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Whom a connection to a trunk is to end at.
#[derive(Clone, Debug)]
pub struct ClientTls {
    pub(crate) config: Arc<rustls::ClientConfig>,
    pub(crate) name: ServerName<'static>,
    /// A connection from there must prove the name, too, where the exchange asks for that.
    pub(crate) proves: bool,
}

impl ServerTls {
    /// With an identity, and with the authorities of trunks' peers when they must prove who they are as they connect.
    ///
    /// # Errors
    /// A file cannot be used, or they do not belong together.
    pub fn new(own: Identity<'_>, ca: Option<&Path>) -> Result<Self, TlsError> {
        let builder =
            rustls::ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let (builder, clients) = match ca {
            None => (builder.with_no_client_auth(), Clients::Unasked),
            Some(ca) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(ca)?), provider())
                        .build()?;
                let asked = Arc::new(AskedFor(Arc::clone(&verifier)));
                (builder.with_client_cert_verifier(asked), Clients::Proven(verifier))
            }
        };
        let config = builder.with_single_cert(certificates(own.certificate)?, key(own.key)?)?;
        Ok(Self { config: Arc::new(config), clients })
    }
}

impl ClientTls {
    /// For a peer called `name`, a host name or an address, whose certificate one of the authorities in `ca` has signed; with an identity
    /// for peers that ask for one.
    ///
    /// # Errors
    /// A file cannot be used, or the name is none.
    pub fn new(ca: &Path, name: &str, own: Option<Identity<'_>>) -> Result<Self, TlsError> {
        let name = match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => ServerName::from(address),
            Err(_) => ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))?,
        };
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities(ca)?);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => builder.with_client_auth_cert(certificates(own.certificate)?, key(own.key)?)?,
        };
        Ok(Self { config: Arc::new(config), name, proves: true })
    }

    /// The same for a peer that need not prove its name when it connects.
    #[must_use]
    pub fn unproven(self) -> Self {
        Self { proves: false, ..self }
    }
}

/// Whether a certificate is for one of these names.
fn is_for_one_of<'n>(
    certificate: &CertificateDer<'_>,
    mut names: impl Iterator<Item = &'n ServerName<'static>>,
) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return false };
    names.any(|name| verify_server_name(&parsed, name).is_ok())
}

fn failed(path: &Path, fault: &impl ToString) -> TlsError {
    TlsError::File { path: path.to_owned(), fault: fault.to_string() }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| failed(path, &error))?;
    let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| failed(path, &error))?;
    if all.is_empty() { Err(failed(path, &"no certificate in PEM")) } else { Ok(all) }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| failed(path, &error))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
