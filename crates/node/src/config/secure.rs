//! `[tls]`, and what TLS a trunk wants: certificates, keys, authorities and names.

use std::net::SocketAddr;
use std::path::Path;

use toml::Spanned;

use super::diagnostic::Report;
use super::reader::Table;
use crate::tls::{ClientTls, Identity, ServerTls};

/// `certificate` and `key`, `ca`, `tls_name`: files of PEM, and a name.
#[derive(Default)]
pub(super) struct Files {
    certificate: Option<Spanned<String>>,
    key: Option<Spanned<String>>,
    ca: Option<Spanned<String>>,
    name: Option<Spanned<String>>,
}

impl Files {
    pub(super) fn read(table: &Table<'_>, report: &mut Report) -> Self {
        let files = Self {
            certificate: table.string("certificate", report),
            key: table.string("key", report),
            ca: table.string("ca", report),
            name: None,
        };
        let lone = match (&files.certificate, &files.key) {
            (Some(certificate), None) => Some((certificate, "a certificate without its key", "key")),
            (None, Some(key)) => Some((key, "a key without its certificate", "certificate")),
            _ => None,
        };
        if let Some((file, found, missing)) = lone {
            report.error(file.span(), found, format!("expected {} beside it", table.example(missing)));
        }
        files
    }

    /// The same for a peer of this name.
    pub(super) fn of(self, name: Option<Spanned<String>>) -> Self {
        Self { name, ..self }
    }

    fn own(&self) -> Option<Identity<'_>> {
        let (certificate, key) = self.certificate.as_ref().zip(self.key.as_ref())?;
        Some(Identity { certificate: Path::new(certificate.get_ref()), key: Path::new(key.get_ref()) })
    }

    fn ca(&self) -> Option<&Path> {
        self.ca.as_ref().map(|ca| Path::new(ca.get_ref().as_str()))
    }

    /// Whether those that connect are asked for certificates.
    pub(super) const fn asks(&self) -> bool {
        self.ca.is_some()
    }

    /// The first of them, to say what is wrong with them.
    pub(super) fn any(&self) -> Option<&Spanned<String>> {
        [&self.certificate, &self.key, &self.ca, &self.name].into_iter().find_map(Option::as_ref)
    }

    /// How the exchange proves itself with them.
    pub(super) fn server(&self, report: &mut Report) -> Option<ServerTls> {
        let own = self.own()?;
        let made = ServerTls::new(own, self.ca());
        if let (Err(error), Some(file)) = (&made, &self.certificate) {
            let expected = "expected files of PEM: certificate, key, and the authorities of peers as ca";
            report.error(file.span(), error.to_string(), expected);
        }
        made.ok()
    }

    /// Whom a connection is to end at, called `name` if nothing else is said. The exchange proves itself there with its own files, or those
    /// in `[tls]`.
    pub(super) fn client(&self, tls: Option<&Self>, name: &str, report: &mut Report) -> Option<ClientTls> {
        let ca = self.ca.as_ref()?;
        let own = self.own().or_else(|| tls.and_then(Self::own));
        let name = self.name.as_ref().map_or(name, |name| name.get_ref());
        let made = ClientTls::new(Path::new(ca.get_ref()), name, own);
        if let Err(error) = &made {
            let expected = "expected a file of certificates in PEM, and the name that the peer's own has";
            report.error(ca.span(), error.to_string(), expected);
        }
        made.ok()
    }
}

/// `[tls]` and what listens with it; `is_named`: `sips` is there, legible or not.
pub(super) fn check(
    sips: Option<&Spanned<SocketAddr>>,
    is_named: bool,
    tls: Option<&Files>,
    report: &mut Report,
) -> Option<ServerTls> {
    match (sips, tls) {
        (Some(sips), None) => {
            let expected = "expected certificate = \"town.pem\" and key = \"town.key\" in a table [tls]";
            report.error(sips.span(), "TLS without a certificate", expected);
            None
        }
        (None, Some(tls)) => {
            if let Some(file) = tls.any().filter(|_| !is_named) {
                report.error(
                    file.span(),
                    "nothing listens with it",
                    "expected `sips = \"127.0.0.1:5061\"` in [listen]",
                );
            }
            None
        }
        (Some(sips), Some(tls)) => {
            if tls.own().is_none() {
                report.error(
                    sips.span(),
                    "TLS without a certificate",
                    "expected certificate and key in [tls]",
                );
            }
            tls.server(report)
        }
        (None, None) => None,
    }
}
