//! The MMSC and mail with its sockets: messages to mail addresses and from them (MM3), and between two MMSCs (MM4).

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use strowger_messaging::http::multipart;
use strowger_messaging::mmsc::mail::{MailSettings, Peer};
use strowger_messaging::mmsc::{MmscConfig, MmscHost, MmscSettings};
use strowger_messaging::push::address::Network;
use strowger_messaging::smtp::host::{MailServer, Postmaster, deliver};
use strowger_messaging::smtp::{Mail, Outcome, Received, SmtpLimits};
use strowger_mms::message::{ReadStatus, Sender, Status};
use strowger_mms::{Limits, Message, MessageType};
use support::PATIENCE;
use support::phone::{Phone, draft, holds};
use tokio::sync::mpsc;

fn loopback() -> Vec<Network> {
    vec![Network::parse("127.0.0.1").unwrap()]
}

/// A port that is free now.
fn free() -> SocketAddr {
    std::net::TcpListener::bind(support::any()).unwrap().local_addr().unwrap()
}

/// A host that takes all mail and shows it, and its address.
async fn mailbox(answer: Outcome) -> (MailServer, mpsc::UnboundedReceiver<Received>) {
    let (tell, told) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind(support::any()).await.unwrap();
    let postmaster = Postmaster {
        name: "relay.example".into(),
        may_come: Arc::new(|_| true),
        admits: Arc::new(|_, _| true),
        handle: Arc::new(move |_, mail| {
            let _ = tell.send(mail);
            let answer = answer.clone();
            Box::pin(std::future::ready(answer))
        }),
        limits: SmtpLimits::default(),
        connections: 10,
        patience: PATIENCE,
    };
    (MailServer::start(listener, postmaster).unwrap(), told)
}

async fn next(told: &mut mpsc::UnboundedReceiver<Received>) -> Received {
    tokio::time::timeout(PATIENCE, told.recv()).await.expect("mail in time").unwrap()
}

/// An MMSC with one subscriber.
struct Town {
    _push: support::Town,
    mmsc: MmscHost,
    phone: Phone,
}

impl Town {
    async fn start(name: &str, number: &str, host: &str, mail: MailSettings) -> Self {
        let push = support::Town::start(support::config()).await;
        let mut phone = Phone::start(host).await;
        let settings = MmscSettings {
            engine: MmscConfig { name: name.into(), ..MmscConfig::default() },
            listen: Some(support::any()),
            subscribers: vec![phone.subscriber(number)],
            mail,
            ..MmscSettings::default()
        };
        let mmsc = MmscHost::start(settings, push.gateway.clone()).await.unwrap();
        phone.mmsc = mmsc.local();
        Self { _push: push, mmsc, phone }
    }

    /// Fetches what is announced, and says so; the octets.
    async fn receive(&self) -> Vec<u8> {
        let (transaction, location) = self.phone.notified().await;
        let fetched = self.phone.fetch(&location).await.unwrap();
        self.phone.post(&Message::notifyresp_ind(&transaction, Status::Retrieved)).await;
        fetched
    }
}

#[tokio::test]
async fn a_message_to_a_mail_address_leaves_as_mail_and_the_answer_comes_back_as_a_message() {
    let (relay, mut mails) = mailbox(Outcome::Accepted).await;
    let settings = MailSettings {
        listen: Some(support::any()),
        smarthost: Some(relay.local()),
        sources: loopback(),
        ..MailSettings::default()
    };
    let town = Town::start("mms.town", "+15550100", "127.0.0.31", settings).await;
    let message = draft("m1", &["friend@example.net"], "Look: Gr\u{fc}\u{df}e");
    let message = strowger_messaging::handset::Draft { subject: Some("Gr\u{fc}\u{df}e".into()), ..message };
    town.phone.post_octets(message.encode()).await;
    let mail = next(&mut mails).await;
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("+15550100@mms.town", &["friend@example.net".into()][..])
    );
    let entity = multipart::entity(&mail.octets, 10_000).unwrap();
    assert_eq!(entity.header("From"), Some("+15550100@mms.town"));
    assert_eq!(entity.header("To"), Some("friend@example.net"));
    let subject = strowger_mms::words::decode(entity.header("Subject").unwrap().as_bytes()).into_owned();
    assert_eq!(subject, "Gr\u{fc}\u{df}e");
    assert!(mail.octets.is_ascii(), "no relay spoils it");
    let parts = strowger_messaging::mmsc::mime::Parts::of_entity(&entity).unwrap();
    assert!(parts.parts.iter().any(|part| part.data == "Look: Gr\u{fc}\u{df}e".as_bytes()));
    // Nobody says whether it arrived.
    let pushed = town.phone.pushed().await;
    let report = strowger_mms::decode(&pushed, &Limits::default()).unwrap();
    assert_eq!((report.kind(), report.status()), (MessageType::DeliveryInd, Some(Status::Indeterminate)));

    let answer = "From: \"A Friend\" <friend@example.net>\r\nTo: +15550100@mms.town\r\nSubject: =?iso-8859-1?Q?Sch=F6n?=\r\n\
        Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDanke =F0=9F=98=80\r\n\
        --b\r\nContent-Type: text/html\r\n\r\n<b>Danke</b>\r\n--b--\r\n";
    let mail = |to: &str| Mail { from: "friend@example.net".into(), to: to.into(), octets: answer.into() };
    let at = town.mmsc.mail().unwrap();
    assert_eq!(deliver(at, "example.net", mail("+15550100@mms.town"), PATIENCE).await, Outcome::Accepted);
    let fetched = town.receive().await;
    let pdu = strowger_mms::decode(&fetched, &Limits::default()).unwrap();
    assert_eq!(pdu.from().unwrap().address().unwrap().to_str(), "friend@example.net");
    assert_eq!(pdu.subject().unwrap().to_str(), "Sch\u{f6}n");
    assert!(holds(&fetched, "Danke \u{1f600}") && !holds(&fetched, "<b>"));
    // The same mail again is answered from memory; for anybody who is not here there is none, and nothing is passed on.
    assert_eq!(deliver(at, "example.net", mail("+15550100@mms.town"), PATIENCE).await, Outcome::Accepted);
    for stranger in ["+15550199@mms.town", "somebody@example.net", "postmaster@mms.town"] {
        let refused = deliver(at, "example.net", mail(stranger), PATIENCE).await;
        assert!(
            matches!(&refused, Outcome::Refused(why) if why.starts_with("550")),
            "{stranger}: {refused:?}"
        );
    }
    assert!(mails.try_recv().is_err(), "nothing was passed on");
}

#[tokio::test]
async fn a_mail_that_its_relay_refuses_is_reported_and_one_that_is_not_taken_now_is_kept() {
    let (relay, mut mails) = mailbox(Outcome::Refused("no such user".into())).await;
    let settings = MailSettings { smarthost: Some(relay.local()), ..MailSettings::default() };
    let town = Town::start("mms.town", "2002", "127.0.0.32", settings).await;
    town.phone.post_octets(draft("m1", &["nobody@example.net"], "x").encode()).await;
    next(&mut mails).await;
    let pushed = town.phone.pushed().await;
    let report = strowger_mms::decode(&pushed, &Limits::default()).unwrap();
    assert_eq!(report.status(), Some(Status::Unreachable));
    assert_eq!(report.to().next().unwrap().to_str(), "nobody@example.net");
    // Nobody listens: the message waits, and its sender hears nothing.
    let settings = MailSettings { smarthost: Some(free()), ..MailSettings::default() };
    let town = Town::start("mms.town", "2002", "127.0.0.33", settings).await;
    let answer = town.phone.post_octets(draft("m2", &["a@example.net"], "x").encode()).await;
    assert!(strowger_mms::decode(&answer, &Limits::default()).unwrap().response_status().unwrap().is_ok());
    support::until("an attempt", async || {
        let counters =
            town.mmsc.service().counters().all().find(|(name, ..)| name.ends_with("not_handed_total"));
        counters.unwrap().2 > 0
    })
    .await;
    let waiting = town.mmsc.service().counters().all().find(|(name, ..)| name.ends_with("mmsc_waiting"));
    assert_eq!(waiting.unwrap().2, 1);
}

#[tokio::test]
async fn without_a_smarthost_a_mail_address_is_nobodys() {
    let town = Town::start("mms.town", "2002", "127.0.0.34", MailSettings::default()).await;
    let answer = town.phone.post_octets(draft("m1", &["a@example.net"], "x").encode()).await;
    let pdu = strowger_mms::decode(&answer, &Limits::default()).unwrap();
    let unresolved = strowger_mms::message::ResponseStatus::PermanentAddressUnresolved;
    assert_eq!(pdu.response_status(), Some(unresolved));
}

/// Two MMSCs that know each other, with a subscriber each: +15550100 and +15560100.
async fn towns() -> [Town; 2] {
    let (one, other) = (free(), free());
    let settings = |own: SocketAddr, name: &str, peer: SocketAddr, prefix: &str| MailSettings {
        listen: Some(own),
        peers: vec![Peer {
            name: name.into(),
            domain: name.into(),
            address: peer,
            networks: loopback(),
            prefixes: vec![prefix.into()],
        }],
        ..MailSettings::default()
    };
    [
        Town::start("one.example", "+15550100", "127.0.0.35", settings(one, "two.example", other, "+1556"))
            .await,
        Town::start("two.example", "+15560100", "127.0.0.36", settings(other, "one.example", one, "+1555"))
            .await,
    ]
}

#[tokio::test]
async fn a_message_goes_from_one_mmsc_to_another_and_both_reports_come_back() {
    let [one, two] = towns().await;
    let answer = one.phone.post_octets(draft("m1", &["+15560100/TYPE=PLMN"], "Over there").encode()).await;
    let sent = strowger_mms::decode(&answer, &Limits::default()).unwrap();
    let id = sent.message_id().unwrap().to_str().into_owned();
    let fetched = two.receive().await;
    let pdu = strowger_mms::decode(&fetched, &Limits::default()).unwrap();
    assert_eq!(pdu.from().unwrap().address().unwrap().to_str(), "+15550100/TYPE=PLMN");
    assert!(holds(&fetched, "Over there"));
    let their_id = pdu.message_id().unwrap().to_str().into_owned();
    assert_ne!(their_id, id, "each MMSC names messages itself");
    let pushed = one.phone.pushed().await;
    let report = strowger_mms::decode(&pushed, &Limits::default()).unwrap();
    assert_eq!((report.kind(), report.status()), (MessageType::DeliveryInd, Some(Status::Retrieved)));
    assert_eq!(report.message_id().unwrap().to_str(), id);
    assert_eq!(report.to().next().unwrap().to_str(), "+15560100/TYPE=PLMN");
    two.phone.post(&Message::read_rec_ind(&their_id, Sender::InsertAddress, "x", ReadStatus::Read)).await;
    let pushed = one.phone.pushed().await;
    let report = strowger_mms::decode(&pushed, &Limits::default()).unwrap();
    assert_eq!((report.kind(), report.read_status()), (MessageType::ReadOrigInd, Some(ReadStatus::Read)));
    assert_eq!(report.message_id().unwrap().to_str(), id);
}

#[tokio::test]
async fn a_message_that_the_other_mmsc_refuses_is_reported_to_its_sender() {
    let [one, two] = towns().await;
    // Nobody there has this number: the other MMSC says so before it takes anything.
    one.phone.post_octets(draft("m1", &["+15560199/TYPE=PLMN"], "x").encode()).await;
    let pushed = one.phone.pushed().await;
    assert_eq!(
        strowger_mms::decode(&pushed, &Limits::default()).unwrap().status(),
        Some(Status::Unreachable)
    );
    // The recipient does not want it.
    one.phone.post_octets(draft("m2", &["+15560100/TYPE=PLMN"], "x").encode()).await;
    let (transaction, _) = two.phone.notified().await;
    two.phone.post(&Message::notifyresp_ind(&transaction, Status::Rejected)).await;
    let pushed = one.phone.pushed().await;
    assert_eq!(strowger_mms::decode(&pushed, &Limits::default()).unwrap().status(), Some(Status::Rejected));
}

/// A mail of MM4 as another make writes it.
fn mm4(kind: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "X-Mms-3GPP-MMS-Version: 5.2.0\r\nX-MMS-MESSAGE-TYPE: {kind}\r\nX-Mms-Transaction-Id: t1\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn an_mmsc_of_another_make_is_understood_answered_and_believed_no_more_than_it_should() {
    let (peer, mut mails) = mailbox(Outcome::Accepted).await;
    let settings = MailSettings {
        listen: Some(support::any()),
        peers: vec![Peer {
            name: "other".into(),
            domain: "mmsc.other.example".into(),
            address: peer.local(),
            networks: loopback(),
            prefixes: vec!["+1556".into()],
        }],
        ..MailSettings::default()
    };
    let town = Town::start("mms.town", "+15550100", "127.0.0.37", settings).await;
    let at = town.mmsc.mail().unwrap();
    let bring = async |to: &str, octets: Vec<u8>| {
        let mail = Mail { from: "system-user@mmsc.other.example".into(), to: to.into(), octets };
        deliver(at, "mmsc.other.example", mail, PATIENCE).await
    };
    let to = "+15550100/TYPE=PLMN@mms.town";
    let request = |from: &str| {
        let headers = format!(
            "X-Mms-Message-Id: theirs-1\r\nFrom: {from}\r\nTo: {to}\r\nX-Mms-Ack-Request: Yes\r\n\
             X-Mms-Delivery-Report: yes\r\nX-Mms-Expiry: 86400\r\nX-Mms-Unknown: 1\r\n\
             X-Mms-Originator-System: system-user@mmsc.other.example\r\nContent-Type: text/plain\r\n"
        );
        mm4("MM4_forward.REQ", &headers, "Hello")
    };
    let status = |mail: &Received| {
        let entity = multipart::entity(&mail.octets, 10_000).unwrap();
        let text = |name: &str| entity.header(name).unwrap_or_default().trim_matches('"').to_owned();
        (text("X-Mms-Message-Type"), text("X-Mms-Transaction-ID"), text("X-Mms-Request-Status-Code"))
    };
    let answered = |code: &str| ("MM4_forward.RES".to_owned(), "t1".to_owned(), code.to_owned());
    // It speaks for its own subscribers alone.
    assert_eq!(bring(to, request("+15550177/TYPE=PLMN@mmsc.other.example")).await, Outcome::Accepted);
    let answer = next(&mut mails).await;
    assert_eq!(status(&answer), answered("Error-service-denied"));
    assert_eq!(answer.to, ["system-user@mmsc.other.example"]);
    assert_eq!(bring(to, request("+15560177/TYPE=PLMN@mmsc.other.example")).await, Outcome::Accepted);
    assert_eq!(status(&next(&mut mails).await), answered("Ok"));
    let fetched = town.receive().await;
    assert!(holds(&fetched, "Hello") && holds(&fetched, "+15560177/TYPE=PLMN"));
    let report = next(&mut mails).await;
    let entity = multipart::entity(&report.octets, 10_000).unwrap();
    assert_eq!(entity.header("X-Mms-Message-Type"), Some("MM4_delivery_report.REQ"));
    assert_eq!(entity.header("X-Mms-Message-ID"), Some("\"theirs-1\""));
    assert_eq!(entity.header("X-Mms-MM-Status-Code"), Some("Retrieved"));
    assert_eq!(entity.header("From"), Some("+15550100/TYPE=PLMN@mms.town"));
    // What cannot be a message, or is about none of its own.
    let system = "mm4@mms.town";
    let about = "X-Mms-Message-Id: never\r\nFrom: +15560177\r\nX-Mms-MM-Status-Code: Retrieved\r\n";
    for (to, octets, why) in [
        (to, mm4("MM4_forward.REQ", "From: +15560177\r\n", "x"), "no identifier"),
        (to, mm4("MM4_dance.REQ", "", ""), "not known"),
        (system, mm4("MM4_delivery_report.REQ", about, ""), "no such message"),
        (
            system,
            mm4("MM4_read_reply_report.REQ", "X-Mms-Message-Id: x\r\nFrom: +15550100\r\n", ""),
            "no number of",
        ),
        (to, b"Subject: no MM4\r\n\r\nx".to_vec(), "only messages of MM4"),
        (to, b"no header at all".to_vec(), "headers"),
    ] {
        let outcome = bring(to, octets).await;
        assert!(matches!(&outcome, Outcome::Refused(found) if found.contains(why)), "{why}: {outcome:?}");
    }
    let forward = "X-Mms-Request-Status-Code: Error-service-denied\r\n";
    assert_eq!(bring(system, mm4("MM4_forward.RES", forward, "")).await, Outcome::Accepted, "about nothing");
    assert!(mails.try_recv().is_err(), "nobody was told anything else");
}

/// A mail of MM4 with two parts, one in Base64 and one quoted.
fn sample() -> Vec<u8> {
    let headers = "X-Mms-Message-Id: \"m\"\r\nFrom: \"A\" <+15560177/TYPE=PLMN@mmsc.other.example>\r\nTo: <+15550100/TYPE=PLMN@mms.town>, a@b.example\r\n\
        Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nX-Mms-Expiry: 3600\r\n\
        Content-Type: multipart/related; boundary=\"b\"; start=\"<s>\"\r\n";
    let body = "--b\r\nContent-Type: application/smil\r\nContent-ID: <s>\r\n\r\n<smil/>\r\n--b\r\nContent-Type: image/png; name*=utf-8''%66\r\n\
        Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D=\r\nb\r\n--b--\r\n";
    mm4("MM4_forward.REQ", headers, body)
}

#[test]
fn a_mail_that_is_cut_or_changed_anywhere_is_read_or_refused_and_stops_nothing() {
    use strowger_messaging::mmsc::mail::{mm3, mm4};
    let peer = Peer {
        name: "other".into(),
        domain: "mmsc.other.example".into(),
        address: support::any(),
        networks: loopback(),
        prefixes: vec!["+1556".into()],
    };
    let settings = MailSettings { domain: "mms.town".into(), ..MailSettings::default() };
    let whole = sample();
    // As a message between MMSCs, and as a mail; how many octets of content were read.
    let read = |octets: &[u8]| {
        let mail =
            Received { from: String::new(), to: vec!["+15550100@mms.town".into()], octets: octets.to_vec() };
        let one = multipart::entity(octets, 10_000)
            .ok()
            .and_then(|entity| mm4::from_mail(&settings, &peer, &mail, &entity).ok());
        let other = mm3::from_mail(&settings, &mail).ok();
        for (submission, body) in [&one, &other].into_iter().flatten() {
            assert_eq!(submission.size, body.len() as u64);
            assert!(body.len() <= octets.len() + 1000, "{} octets from {}", body.len(), octets.len());
        }
        (one.is_some(), other.is_some())
    };
    assert_eq!(read(&whole), (true, true));
    let end = whole.windows(5).position(|octets| octets == b"--b--").unwrap();
    for length in 0..end {
        assert_eq!(read(&whole[..length]), (false, false), "a mail that is cut at {length}");
    }
    let mut rng = strowger_sansio::Rng::from_number(11);
    let mut good = 0;
    for _ in 0..20_000 {
        let mut octets = whole.clone();
        for _ in 0..=rng.below(4) {
            let at = rng.below(octets.len() as u64) as usize;
            octets[at] = rng.next_u32() as u8;
        }
        good += usize::from(read(&octets).0);
    }
    assert!((1_000..20_000).contains(&good), "{good} of them were still messages");
    // Bombs: parts within parts, headers without end, a header of one line without end.
    let nested = (0..1000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary={n}\r\n\r\n--{n}\r\n"))
        .collect::<String>();
    for bomb in [nested, "X: y\r\n".repeat(100_000), format!("X: {}", "y".repeat(1_000_000)), "\r\n".into()] {
        assert_eq!(read(format!("From: a@b.example\r\n{bomb}").as_bytes()), (false, false));
    }
}
