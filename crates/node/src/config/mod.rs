//! The configuration: one TOML file, checked as a whole before anything is opened.
//!
//! A file goes through four rooms: `schema` knows every key; `reader` takes typed values with their places out of
//! the parsed tree; `raw` is the file so read, section by section; `check` compares what must fit together and
//! maps it onto the exchange's [`Inventory`]. All findings go into one [`Report`] ([`diagnostic`]), so that one run
//! shows them all.
//!
//! Paths are relative to the working directory. Host names are accepted of gateways and trunks that cannot be known otherwise: what
//! decides who is answered is better without a name service.

pub mod diagnostic;

mod application;
mod check;
mod circuit;
mod features;
mod listen;
mod mail;
mod mmsc;
mod names;
mod phone;
mod push;
mod raw;
mod reader;
mod schema;
mod secure;
mod subscription;
mod trunk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use strowger_exchange::Inventory;
use strowger_messaging::mmsc::MmscSettings;
use strowger_messaging::push::PushConfig;
use toml::de::DeTable;

use crate::admission::Limits;
use crate::tls::{ClientTls, ServerTls};

pub use diagnostic::{Diagnostic, Place, Report, Row, Severity};

/// The largest file that is read: a hundred thousand lines' inventory has some ten megabytes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the exchange knows.
    pub inventory: Inventory,
    /// What is opened.
    pub listen: Listen,
    /// Where records are kept.
    pub store: StoreConfig,
    /// A file that gets each call detail record as a line of JSON.
    pub cdr: Option<PathBuf>,
    /// Where the exchange's own signalling is kept.
    pub capture: Option<CaptureConfig>,
    /// How much one gateway may send.
    pub limits: Limits,
    /// How the exchange proves itself to SIP peers that connect over TLS.
    pub tls: Option<ServerTls>,
    /// Whom connections over TLS to trunks are to end at, by the trunks' ids.
    pub trunk_tls: BTreeMap<String, ClientTls>,
    /// Who is asked for the places of trunks that are known by names; when there is none: those that the system asks.
    pub name_servers: Vec<SocketAddr>,
    /// The push proxy gateway.
    pub push: Option<PushConfig>,
    /// The multimedia messaging service centre, which notifies by the push proxy gateway.
    pub mmsc: Option<MmscSettings>,
}

/// Addresses that are opened; nothing else is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// The MGCP call agent (UDP; 2727 by custom).
    pub mgcp: Option<SocketAddr>,
    /// Where gateways of Megaco as text are heard, over UDP and TCP.
    pub megaco_text: Option<SocketAddr>,
    /// Where those of Megaco in binary form are.
    pub megaco_binary: Option<SocketAddr>,
    /// SIP (UDP and TCP).
    pub sip: Option<SocketAddr>,
    /// SIP over TLS.
    pub sips: Option<SocketAddr>,
    /// Health, metrics and the interface for programs (TCP, HTTP).
    pub console: Option<SocketAddr>,
    /// How long the exchange looks for more behind what came before it sleeps.
    pub busy_poll: Duration,
}

/// Where records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// Nowhere: they are forgotten at exit.
    Memory,
    /// In a file.
    Embedded {
        /// The file.
        path: PathBuf,
    },
}

/// A bounded capture of the exchange's own signalling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureConfig {
    /// The file that is written; older ones are beside it with a number.
    pub path: PathBuf,
    /// When the next file is begun.
    pub max_bytes: u64,
    /// How many files there are at most.
    pub files: u64,
}

/// Why a file gave no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It could not be read.
    #[error("{file} cannot be read: {error}")]
    Unreadable {
        /// The file as it was named.
        file: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is wrong.
    #[error(transparent)]
    Wrong(#[from] Report),
}

impl Config {
    /// This alone, within the usual limits.
    #[must_use]
    pub fn new(inventory: Inventory, listen: Listen, store: StoreConfig) -> Self {
        Self {
            inventory,
            listen,
            store,
            cdr: None,
            capture: None,
            limits: Limits::default(),
            tls: None,
            trunk_tls: BTreeMap::new(),
            name_servers: Vec::new(),
            push: None,
            mmsc: None,
        }
    }

    /// Reads and checks the file `path`. Beside a good configuration there may be warnings.
    ///
    /// # Errors
    /// When the file cannot be read, or its report has at least one error.
    pub fn load(path: &Path) -> Result<(Self, Report), LoadError> {
        let name = path.display().to_string();
        match read(path) {
            Ok(bytes) => Ok(Self::parse_bytes(&name, &bytes)?),
            Err(error) => Err(LoadError::Unreadable { file: name, error }),
        }
    }

    /// Checks a file's bytes, which need not be legal UTF-8.
    ///
    /// # Errors
    /// The report has at least one error then.
    pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<(Self, Report), Report> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(name, text),
            Err(error) => {
                let text = String::from_utf8_lossy(bytes);
                let at = error.valid_up_to();
                let mut report = Report::new(name, &text);
                report.error(
                    at..at + char::REPLACEMENT_CHARACTER.len_utf8(),
                    "not UTF-8 text",
                    "expected UTF-8",
                );
                Err(report)
            }
        }
    }

    /// Checks the text of a file, which diagnostics call `name`. Beside a good configuration there may be warnings.
    ///
    /// # Errors
    /// The report has at least one error then.
    pub fn parse(name: &str, text: &str) -> Result<(Self, Report), Report> {
        let mut report = Report::new(name, text);
        let (tree, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            let (found, expected) = match error.message().split_once(", expected ") {
                Some((found, expected)) => (found, format!("expected {expected}")),
                None => (error.message(), "expected the syntax of TOML 1.1 (https://toml.io)".to_owned()),
            };
            report.error(span, found, expected);
        }
        if !errors.is_empty() {
            // What was recovered from a broken file would only make errors that are none.
            return Err(report);
        }
        let raw = raw::Raw::read(&tree, &mut report);
        let config = check::check(raw, &mut report);
        if report.errors() > 0 { Err(report) } else { Ok((config, report)) }
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "larger than 64 MiB"));
    }
    Ok(bytes)
}
