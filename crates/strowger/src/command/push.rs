//! `strowger push`: one push, sent directly or submitted to a gateway.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use strowger_messaging::http::client::Url;
use strowger_messaging::pap::client::{Entity, send_and_wait};
use strowger_messaging::pap::message::DeliveryMethod;
use strowger_messaging::pap::{Operation, PushMessage, Quality, Version};
use strowger_messaging::push::address::{Address, Network};
use strowger_messaging::push::content::{MMS, Notification};
use strowger_messaging::push::{CentreEntry, Content, PushConfig, Request, SegmentStyle, once};
use strowger_messaging::queue::{Priority, State};
use strowger_messaging::smpp::{BindKind, ClientConfig, ClientTls, IdForm};
use strowger_mms::wbxml::{Load, ServiceIndication, ServiceLoading, Signal};

use crate::output::{Exit, fail, print, print_json};

/// Send a push: an MMS notification, a service indication or loading, or a file
///
/// To an IP address it goes by UDP, to a telephone number through the message centre of --smsc. With --ppg it is submitted to a push
/// proxy gateway instead (PAP). Exit code: 0 when it was sent, delivered or accepted, 1 when not, 2 when the command is wrong.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  strowger push --to 127.0.0.1:2948 mms --location http://127.0.0.1:8080/m1 --from +15550100 --size 30000\n  \
    strowger push --to +15550101 --smsc 127.0.0.1:2775 --system-id town --password secret si --href http://www.example.com/ --text News\n  \
    strowger push --to +15550101 --ppg http://mmsc:secret@127.0.0.1:8089/pap mms --location http://127.0.0.1:8080/m1"
)]
pub(crate) struct Arguments {
    /// The recipient: IP address with or without port (2948), telephone number, or WAPPUSH=…/TYPE=…
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// The URL of a push proxy gateway, with name and password: http://user:password@host:port/pap
    #[arg(long, value_name = "URL", conflicts_with = "smsc")]
    ppg: Option<String>,
    /// The message centre for telephone numbers (SMPP)
    #[arg(long, value_name = "ADDRESS")]
    smsc: Option<SocketAddr>,
    /// Our name at the message centre
    #[arg(long, value_name = "NAME", requires = "smsc", default_value = "")]
    system_id: String,
    /// The password there
    #[arg(
        long,
        value_name = "PASSWORD",
        requires = "smsc",
        default_value = "",
        env = "STROWGER_SMPP_PASSWORD",
        hide_env_values = true
    )]
    password: String,
    /// The number that short messages come from
    #[arg(long, value_name = "NUMBER", requires = "smsc", default_value = "2948")]
    source: String,
    /// Speak TLS with the message centre, whose certificate an authority in this file (PEM) has signed
    #[arg(long, value_name = "FILE", requires = "smsc")]
    tls_ca: Option<PathBuf>,
    /// The name in the centre's certificate, when it is not its address
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    tls_name: Option<String>,
    /// How a push too long for one short message is parted
    #[arg(long, value_enum, default_value = "header", requires = "smsc")]
    segments: Segments,
    /// The identifier of the push; one is made when it is missing
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Ask for confirmation of the delivery, and wait for it
    #[arg(long)]
    confirm: bool,
    /// Seconds to wait for the end
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Print what became of it as JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

/// `--segments`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Segments {
    /// Parts with a user data header
    Header,
    /// One message with the parameter `message_payload`
    Payload,
    /// The same by `data_sm`
    Data,
    /// Parts without header, their places as parameters (`sar_*`)
    Parameters,
}

/// What is pushed.
#[derive(Debug, Subcommand)]
enum What {
    /// The notification of an MMS message
    Mms {
        /// Where the message is fetched
        #[arg(long, value_name = "URL")]
        location: String,
        /// Who sent it
        #[arg(long, value_name = "NUMBER")]
        from: Option<String>,
        /// What it is about
        #[arg(long, value_name = "TEXT")]
        subject: Option<String>,
        /// Its octets
        #[arg(long, value_name = "OCTETS", default_value_t = 0)]
        size: u64,
        /// Seconds for which it can be fetched
        #[arg(long, value_name = "SECONDS", default_value_t = 259_200)]
        expiry: u64,
        /// The transaction; one is made when it is missing
        #[arg(long, value_name = "ID")]
        transaction: Option<String>,
    },
    /// A service indication: a text with a link
    Si {
        /// The link
        #[arg(long, value_name = "URL")]
        href: String,
        /// The text
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// The identifier by which a later one replaces it
        #[arg(long, value_name = "ID")]
        si_id: Option<String>,
        /// How strongly it asks for attention
        #[arg(long, value_enum, default_value = "medium")]
        action: Attention,
    },
    /// A service loading: a link that is followed without being asked
    Sl {
        /// The link
        #[arg(long, value_name = "URL")]
        href: String,
        /// What is done with it
        #[arg(long, value_enum, default_value = "low")]
        action: Loading,
    },
    /// The octets of a file
    File {
        /// The file
        path: PathBuf,
        /// Its media type
        #[arg(long = "type", value_name = "TYPE")]
        media: String,
        /// The application that it is for, as x-wap-application:mms.ua
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
    },
}

/// `--action` of an indication.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Attention {
    /// None
    None,
    /// When there is time
    Low,
    /// As soon as possible without disturbing
    Medium,
    /// At once
    High,
    /// Delete the indication with this identifier
    Delete,
}

/// `--action` of a loading.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Loading {
    /// Load and show without disturbing
    Low,
    /// Load and show at once
    High,
    /// Load into the cache
    Cache,
}

/// A body with its type.
struct Parcel {
    media: String,
    application: Option<String>,
    body: Vec<u8>,
}

/// The outcome.
#[derive(Serialize)]
struct Verdict {
    to: String,
    id: String,
    state: String,
    code: u16,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

pub(crate) fn execute(arguments: &Arguments) -> Exit {
    let address = match Address::parse(&arguments.to) {
        Ok(address) => address,
        Err(error) => return fail(Exit::Usage, &format!("--to {:?}: {error}", arguments.to)),
    };
    let parcel = match pack(&arguments.what) {
        Ok(parcel) => parcel,
        Err(error) => return fail(Exit::Usage, &error),
    };
    let id = arguments.id.clone().unwrap_or_else(strowger_messaging::http::json::fresh_id);
    let outcome = match &arguments.ppg {
        Some(url) => submit(arguments, url, &address, &parcel, &id),
        None => deliver(arguments, &address, &parcel, &id),
    };
    match outcome {
        Err(exit) => exit,
        Ok((good, verdict)) => {
            if arguments.json {
                print_json(&verdict);
            } else {
                let detail =
                    if verdict.detail.is_empty() { String::new() } else { format!(": {}", verdict.detail) };
                print(&format!("{} to {}: {}{detail}\n", verdict.id, verdict.to, verdict.state));
            }
            if good { Exit::Good } else { Exit::Finding }
        }
    }
}

fn pack(what: &What) -> Result<Parcel, String> {
    let document = |media: &str, text: String| Parcel {
        media: media.to_owned(),
        application: None,
        body: text.into_bytes(),
    };
    Ok(match what {
        What::Mms { location, from, subject, size, expiry, transaction } => {
            let borrow = |text: &Option<String>| text.clone().map(Cow::Owned);
            let notification = Notification {
                location: Cow::Borrowed(location),
                transaction: borrow(transaction),
                from: borrow(from),
                subject: borrow(subject),
                size: *size,
                expiry: Some(*expiry),
            };
            let body = notification.to_body().map_err(|error| error.to_string())?;
            let application = Some("x-wap-application:mms.ua".to_owned());
            Parcel { media: MMS.to_owned(), application, body }
        }
        What::Si { href, text, si_id, action } => {
            let action = match action {
                Attention::None => Signal::None,
                Attention::Low => Signal::Low,
                Attention::Medium => Signal::Medium,
                Attention::High => Signal::High,
                Attention::Delete => Signal::Delete,
            };
            let indication = ServiceIndication {
                href: Some(href.clone()),
                id: si_id.clone(),
                action,
                text: text.clone(),
                ..ServiceIndication::default()
            };
            document("text/vnd.wap.si", indication.to_xml())
        }
        What::Sl { href, action } => {
            let action = match action {
                Loading::Low => Load::ExecuteLow,
                Loading::High => Load::ExecuteHigh,
                Loading::Cache => Load::Cache,
            };
            document("text/vnd.wap.sl", ServiceLoading { href: href.clone(), action }.to_xml())
        }
        What::File { path, media, application } => {
            let body =
                std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            Parcel { media: media.clone(), application: application.clone(), body }
        }
    })
}

fn submit(
    arguments: &Arguments,
    url: &str,
    address: &Address,
    parcel: &Parcel,
    id: &str,
) -> Result<(bool, Verdict), Exit> {
    let url = Url::parse(url).map_err(|error| fail(Exit::Usage, &error))?;
    let host = matches!(address, Address::Host(_));
    let delivery = match (arguments.confirm, host) {
        (true, false) => DeliveryMethod::Confirmed,
        _ => DeliveryMethod::Unconfirmed,
    };
    // Gateways that have several bearers want to be told which; over packets the name is a matter of custom.
    let bearer = Some(if host { "CSD" } else { "SMS" }.to_owned());
    let quality = Quality { delivery, bearer, network: Some("GSM".to_owned()), ..Quality::default() };
    let quality = Quality { bearer_required: host, network_required: host, ..quality };
    let to = if arguments.to.to_ascii_uppercase().starts_with("WAPPUSH=") {
        arguments.to.clone()
    } else {
        address.to_pap(&url.host)
    };
    let message = PushMessage {
        push_id: id.to_owned(),
        addresses: vec![to.clone()],
        quality,
        ..PushMessage::default()
    };
    let entity =
        Entity { media: &parcel.media, application: parcel.application.as_deref(), body: &parcel.body };
    let patience = Duration::from_secs(arguments.timeout);
    let sent = send_and_wait(&url, &Operation::Push(message), Some(&entity), patience);
    let (outcome, _) = sent.map_err(|error| fail(Exit::Finding, &error))?;
    let good = outcome.code.is_good();
    let state = if good { "accepted" } else { "refused" }.to_owned();
    Ok((good, Verdict { to, id: id.to_owned(), state, code: outcome.code.0, detail: outcome.detail }))
}

fn deliver(
    arguments: &Arguments,
    address: &Address,
    parcel: &Parcel,
    id: &str,
) -> Result<(bool, Verdict), Exit> {
    let mut config = PushConfig::default();
    let most = config.limits.octets;
    let content = Content::new(&parcel.media, parcel.application.as_deref(), &parcel.body, most);
    let content = content.map_err(|error| fail(Exit::Usage, &error))?;
    match (address, arguments.smsc) {
        (Address::Host(host), _) => {
            let any =
                if host.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            config.udp = Some(SocketAddr::new(any, 0));
            config.networks = ["0.0.0.0/0", "::/0"].into_iter().filter_map(Network::parse).collect();
        }
        (Address::Number(_), Some(smsc)) => config.centres = vec![centre(arguments, smsc)?],
        (Address::Number(_), None) => {
            return Err(fail(Exit::Usage, &"a telephone number needs --smsc or --ppg"));
        }
        (Address::User(_), _) => {
            return Err(fail(
                Exit::Usage,
                &"--to is no address and port and no telephone number: a user's name is known to a gateway alone, so give it with --ppg",
            ));
        }
    }
    let patience = Duration::from_secs(arguments.timeout);
    config.lifetime = patience;
    let request = Request {
        push_id: id.to_owned(),
        to: vec![arguments.to.clone()],
        content,
        not_before: None,
        expires: None,
        confirm: arguments.confirm,
        notify: None,
        version: Version::default(),
        priority: Priority::default(),
        replaces: None,
    };
    let ended = once::deliver(config, request, patience).map_err(|error| fail(Exit::Finding, &error))?;
    // Nobody confirms a datagram.
    let left = matches!(address, Address::Host(_)) && ended.ending.state == State::Delivered;
    let verdict = Verdict {
        to: ended.message.to.clone(),
        id: id.to_owned(),
        state: if left { "sent" } else { ended.ending.state.word() }.to_owned(),
        code: ended.ending.code,
        detail: ended.ending.detail,
    };
    Ok((ended.ending.state == State::Delivered, verdict))
}

fn centre(arguments: &Arguments, address: SocketAddr) -> Result<CentreEntry, Exit> {
    let tls = match &arguments.tls_ca {
        None => None,
        Some(ca) => {
            let name = arguments.tls_name.clone().unwrap_or_else(|| address.ip().to_string());
            Some(ClientTls::new(ca, &name).map_err(|error| fail(Exit::Usage, &error))?)
        }
    };
    let mut client = ClientConfig::default();
    client.bind.system_id.clone_from(&arguments.system_id);
    client.bind.password.clone_from(&arguments.password);
    client.kind = BindKind::Transceiver;
    Ok(CentreEntry {
        id: "smsc".to_owned(),
        address,
        tls,
        links: 1,
        pair: false,
        client,
        prefixes: vec![String::new()],
        source: arguments.source.clone(),
        service_type: String::new(),
        style: match arguments.segments {
            Segments::Header => SegmentStyle::Header,
            Segments::Payload => SegmentStyle::Payload,
            Segments::Data => SegmentStyle::Data,
            Segments::Parameters => SegmentStyle::Parameters,
        },
        wide_reference: false,
        receipts: true,
        ids: IdForm::Auto,
    })
}
