//! SIP over TLS at a running node: whom it believes, and to whom it proves itself (RFC 3261 section 26.3).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use strowger_node::config::Config;
use strowger_node::node::Node;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

const PATIENCE: Duration = Duration::from_secs(10);
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

const OPTIONS: &str = "OPTIONS sips:town@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.9;branch=z9hG4bKa\r\n\
                       Max-Forwards: 70\r\nFrom: <sips:a@127.0.0.9>;tag=1\r\nTo: <sips:town@127.0.0.1>\r\nCall-ID: a\r\n\
                       CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// An authority, and what it has signed, in files.
struct Authority {
    folder: tempfile::TempDir,
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut own = rcgen::CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        own.distinguished_name.push(rcgen::DnType::CommonName, "authority");
        let certificate = own.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { folder, certificate, key }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Signs a certificate for this name; its files are called so.
    fn sign(&self, name: &str) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        own.distinguished_name.push(rcgen::DnType::CommonName, name);
        let own = own.signed_by(&key, &self.certificate, &self.key).unwrap();
        std::fs::write(self.file(&format!("{name}.pem")), own.pem()).unwrap();
        std::fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn identity(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_file(self.file(&format!("{name}.pem"))).unwrap();
        (vec![certificate], PrivateKeyDer::from_pem_file(self.file(&format!("{name}.key"))).unwrap())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.file("ca.pem")).unwrap()).unwrap();
        roots
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn text(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

/// A node that proves itself as `town.example`, with a trunk to this address.
fn node(authority: &Authority, tls: &str, peer: SocketAddr, trunk: &str) -> Node {
    authority.sign("town.example");
    let [certificate, key, ca] =
        ["town.example.pem", "town.example.key", "ca.pem"].map(|name| text(&authority.file(name)));
    let text = format!(
        "[exchange]\nname = \"town\"\n[listen]\nsip = \"127.0.0.1:0\"\nsips = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = {certificate}\nkey = {key}\n{tls}\n[store]\nkind = \"memory\"\n\
         [[trunk]]\nid = \"carrier\"\nsip = {{ address = \"{peer}\", transport = \"tls\", ca = {ca}, {trunk} }}\n"
    );
    let config = Config::parse("town.toml", &text).unwrap_or_else(|report| panic!("{report}")).0;
    Node::start(config, Vec::new()).unwrap()
}

/// Says something to a node over TLS, as the peer, and what is answered; none: the connection is not had.
fn ask(node: &Node, authority: &Authority, own: Option<&str>) -> Option<String> {
    ask_from(PEER, OPTIONS, node, authority, own.map(|own| authority.identity(own)))
}

type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The same from a host, with what it shows of itself.
fn ask_from(
    host: IpAddr,
    question: &str,
    node: &Node,
    authority: &Authority,
    own: Option<Shown>,
) -> Option<String> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(host, 0).into()).unwrap();
    socket.connect(&node.sips().unwrap().into()).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let builder =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(authority.roots());
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificates, key)) => builder.with_client_auth_cert(certificates, key).unwrap(),
    };
    let name = ServerName::try_from("town.example").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream);
    stream.write_all(question.as_bytes()).ok()?;
    let mut buffer = [0; 2000];
    match stream.read(&mut buffer) {
        Ok(length @ 1..) => Some(String::from_utf8_lossy(&buffer[..length]).into_owned()),
        Ok(0) => None,
        Err(error) => {
            let kind = error.kind();
            assert!(
                !matches!(kind, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
                "neither heard nor closed"
            );
            None
        }
    }
}

#[test]
fn a_peer_asks_over_tls_and_is_answered() {
    let authority = Authority::new();
    let node = node(&authority, "", SocketAddr::new(PEER, 5061), "");
    let answer = ask(&node, &authority, None).unwrap();
    assert!(
        answer.starts_with("SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 127.0.0.9;branch=z9hG4bKa\r\n"),
        "{answer}"
    );
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_peer_that_must_prove_its_name_does_or_hears_nothing() {
    let authority = Authority::new();
    let ca = format!("ca = {}", text(&authority.file("ca.pem")));
    let node = node(&authority, &ca, SocketAddr::new(PEER, 5061), "tls_name = \"carrier.example\"");
    assert_eq!(ask(&node, &authority, None), None);
    for (name, is_heard) in [("other.example", false), ("carrier.example", true)] {
        authority.sign(name);
        assert_eq!(ask(&node, &authority, Some(name)).is_some(), is_heard, "{name}");
    }
    node.stop(Duration::ZERO).unwrap();
}

const REGISTER: &str = "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.41;branch=z9hG4bKr\r\nMax-Forwards: 70\r\n\
                        From: <sip:2003@127.0.0.1>;tag=1\r\nTo: <sip:2003@127.0.0.1>\r\nCall-ID: r\r\nCSeq: 1 REGISTER\r\n\
                        Contact: <sip:2003@127.0.0.41>\r\nContent-Length: 0\r\n\r\n";

#[test]
fn telephones_need_no_certificate_where_trunks_must_have_one() {
    let authority = Authority::new();
    authority.sign("carrier.example");
    let ca = format!("ca = {}", text(&authority.file("ca.pem")));
    let trunk = "tls_name = \"carrier.example\", sources = [\"127.0.0.10\"] }\n[[line]]\nnumber = \"2003\"\n\
                 sip = { user = \"2003\", password = \"secret\"";
    let node = node(&authority, &ca, SocketAddr::new(PEER, 5061), trunk);
    let telephone = IpAddr::from([127, 0, 0, 41]);
    let stranger = Authority::new();
    stranger.sign("telephone.example");
    // Without any, with one of an authority that nobody knows, and with one for a trunk: it is asked for its password.
    let shown =
        [None, Some(stranger.identity("telephone.example")), Some(authority.identity("carrier.example"))];
    for own in shown {
        let answer = ask_from(telephone, REGISTER, &node, &authority, own).unwrap();
        assert!(answer.starts_with("SIP/2.0 401 "), "{answer}");
    }
    // At the hosts of the trunk nothing but its own certificate is good, also for a telephone.
    for host in [PEER, IpAddr::from([127, 0, 0, 10])] {
        for own in [None, Some(stranger.identity("telephone.example"))] {
            assert_eq!(ask_from(host, REGISTER, &node, &authority, own), None, "{host}");
        }
        let own = Some(authority.identity("carrier.example"));
        assert!(ask_from(host, OPTIONS, &node, &authority, own).unwrap().starts_with("SIP/2.0 200 "));
    }
    node.stop(Duration::ZERO).unwrap();
}

#[test]
fn a_trunk_that_need_not_prove_its_name_is_heard_without_a_certificate() {
    let authority = Authority::new();
    let ca = format!("ca = {}", text(&authority.file("ca.pem")));
    let node = node(&authority, &ca, SocketAddr::new(PEER, 5061), "client_certificate = false");
    assert!(ask(&node, &authority, None).unwrap().starts_with("SIP/2.0 200 "));
    node.stop(Duration::ZERO).unwrap();
}

/// The peer that a node connects to: what it says, if it believes the peer's certificate, and the name that it proves to have.
fn answer(listener: &TcpListener, authority: &Authority, own: &str) -> Option<(String, bool)> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (certificates, key) = authority.identity(own);
    let roots = Arc::new(authority.roots());
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(certificates, key)
        .unwrap();
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
    let mut buffer = [0; 2000];
    let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
    let proven = stream.conn.peer_certificates().is_some();
    Some((String::from_utf8_lossy(&buffer[..length]).into_owned(), proven))
}

#[test]
fn a_trunk_over_tls_ends_at_its_name_or_nothing_is_said() {
    let authority = Authority::new();
    let listener = TcpListener::bind((PEER, 0)).unwrap();
    authority.sign("carrier.example");
    authority.sign("other.example");
    let trunk = "domain = \"carrier.example\", probe = 1, sips = true";
    let node = node(&authority, "", listener.local_addr().unwrap(), trunk);
    assert_eq!(answer(&listener, &authority, "other.example"), None, "nobody else is told anything");
    let (question, proven) = answer(&listener, &authority, "carrier.example").unwrap();
    assert!(question.starts_with("OPTIONS sips:carrier.example"), "{question}");
    let secure = node.sips().unwrap();
    assert!(question.contains(&format!("\r\nVia: SIP/2.0/TLS {secure};rport;branch=")), "{question}");
    assert!(question.contains(&format!("\r\nContact: <sips:{secure}>\r\n")), "{question}");
    assert!(proven, "the exchange shows its certificate to who asks");
    node.stop(Duration::ZERO).unwrap();
}

/// Another library than the node's own has the other end.
#[test]
fn openssl_asks_over_tls_and_is_answered() {
    use std::process::{Command, Stdio};
    if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
        return;
    }
    let authority = Authority::new();
    let ca = format!("ca = {}", text(&authority.file("ca.pem")));
    let trunk = "tls_name = \"carrier.example\"";
    let node = node(&authority, &ca, SocketAddr::new(PEER, 5061), trunk);
    authority.sign("carrier.example");
    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "town.example", version])
            .args(["-connect", &node.sips().unwrap().to_string(), "-bind", &format!("{PEER}:0")])
            .arg("-CAfile")
            .arg(authority.file("ca.pem"))
            .arg("-cert")
            .arg(authority.file("carrier.example.pem"))
            .arg("-key")
            .arg(authority.file("carrier.example.key"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = client.stdin.take().unwrap();
        input.write_all(OPTIONS.as_bytes()).unwrap();
        let mut output = client.stdout.take().unwrap();
        let (mut answer, mut octet) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") && output.read(&mut octet).unwrap() == 1 {
            answer.push(octet[0]);
        }
        client.kill().unwrap();
        let said = client.wait_with_output().unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("SIP/2.0 200 OK\r\n"),
            "{answer}{}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
    node.stop(Duration::ZERO).unwrap();
}
