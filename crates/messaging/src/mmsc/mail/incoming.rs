//! Mail that is brought here: for subscribers, and from other MMSCs. It is answered when what it says is on disk.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use strowger_mms::message::ResponseStatus;

use super::mm4::{self, Kind, RequestStatus};
use super::{MailSettings, Peer, SYSTEM, mm3, outgoing};
use crate::http::multipart::{self, Part};
use crate::mmsc::counters::count;
use crate::mmsc::http::HttpLimits;
use crate::mmsc::message::Via;
use crate::mmsc::request::{Answer, NewBody, Relayed, Request, Submission};
use crate::mmsc::routes::Routes;
use crate::mmsc::service::Service;
use crate::smtp::host::Postmaster;
use crate::smtp::{Outcome, Received, SmtpLimits};

/// Whom mail is for, and what becomes of it.
#[derive(Debug)]
struct Desk {
    settings: Arc<MailSettings>,
    routes: Routes,
    service: Service,
}

/// Who takes mail for an MMSC.
#[must_use]
pub fn postmaster(
    settings: Arc<MailSettings>,
    routes: Routes,
    service: Service,
    limits: HttpLimits,
) -> Postmaster {
    let name = settings.domain.clone();
    let desk = Arc::new(Desk { settings, routes, service });
    let (gate, list) = (Arc::clone(&desk), Arc::clone(&desk));
    Postmaster {
        name,
        may_come: Arc::new(move |from| {
            let known = gate.settings.peer_at(from).is_some() || gate.settings.is_source(from);
            if !known {
                count(&gate.service.counters().strangers);
            }
            known
        }),
        admits: Arc::new(move |from, to| list.admits(from, to)),
        handle: Arc::new(move |from, mail| {
            let desk = Arc::clone(&desk);
            Box::pin(async move { desk.take(from, mail).await })
        }),
        // Base64 takes a third more, and its line ends.
        limits: SmtpLimits { octets: limits.request / 2 * 3, ..SmtpLimits::default() },
        connections: limits.connections.min(100),
        patience: limits.patience.max(Duration::from_secs(1)),
    }
}

impl Desk {
    /// Whether somebody here is called so. Nothing is passed on from here to elsewhere.
    fn admits(&self, from: IpAddr, to: &str) -> bool {
        if self.settings.peer_at(from).is_some() && self.is_system(to) {
            return true;
        }
        match self.routes.find(to) {
            Ok((party, Via::Push | Via::Application(_))) => self.routes.is_local(&party),
            _ => false,
        }
    }

    fn is_system(&self, to: &str) -> bool {
        to.rsplit_once('@').is_some_and(|(local, domain)| {
            domain.eq_ignore_ascii_case(&self.settings.domain)
                && [SYSTEM, "system-user"].iter().any(|name| local.eq_ignore_ascii_case(name))
        })
    }

    async fn take(&self, from: IpAddr, mail: Received) -> Outcome {
        let entity = match multipart::entity(&mail.octets, mm3::HEADERS) {
            Ok(entity) => entity,
            Err(error) => return self.refuse(from, &error.to_string()),
        };
        match (self.settings.peer_at(from), entity.header("X-Mms-Message-Type")) {
            (Some(peer), Some(_)) => self.take_mm4(peer, &mail, &entity).await,
            _ if self.settings.is_source(from) => {
                let recipients: Vec<_> = mail.to.iter().filter(|to| !self.is_system(to)).cloned().collect();
                let mail = Received { to: recipients, ..mail };
                match mm3::from_mail(&self.settings, &mail) {
                    Ok((submission, body)) => match self.submit(submission, body).await {
                        (RequestStatus::Ok, _) => Outcome::Accepted,
                        (RequestStatus::Unspecified, why) => Outcome::Later(why),
                        (_, why) => self.refuse(from, &why),
                    },
                    Err(why) => self.refuse(from, &why),
                }
            }
            _ => self.refuse(from, "only messages of MM4 come from there"),
        }
    }

    fn refuse(&self, from: IpAddr, why: &str) -> Outcome {
        count(&self.service.counters().malformed);
        tracing::info!(%from, why, "a mail was refused");
        Outcome::Refused(why.to_owned())
    }

    /// Gives a message to the engine. `Unspecified` stands for what may be better another time.
    async fn submit(&self, mut submission: Submission, body: Vec<u8>) -> (RequestStatus, String) {
        let body = match self.service.take(body).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a body cannot be kept");
                return (RequestStatus::Unspecified, "the store is not available".to_owned());
            }
        };
        let file = matches!(body, NewBody::File(_)).then(|| body.clone());
        submission.body = body;
        let answer = self.service.ask(Request::Submit(Box::new(submission))).await;
        let taken = matches!(&answer, Answer::Submitted(submitted) if submitted.fresh);
        if let (Some(file), false) = (file, taken) {
            self.service.discard(&file);
        }
        let Answer::Submitted(submitted) = answer else {
            return (RequestStatus::Unspecified, "the store is not available".to_owned());
        };
        let status = match submitted.status {
            ResponseStatus::Ok | ResponseStatus::PartialSuccess => RequestStatus::Ok,
            ResponseStatus::PermanentContentNotAccepted => RequestStatus::ContentNotAccepted,
            ResponseStatus::PermanentFormatCorrupt => RequestStatus::FormatCorrupt,
            ResponseStatus::PermanentAddressUnresolved => RequestStatus::AddressUnresolved,
            status if status.is_transient() => RequestStatus::Unspecified,
            _ => RequestStatus::ServiceDenied,
        };
        (status, submitted.text.unwrap_or_default())
    }

    async fn take_mm4(&self, peer: &Peer, mail: &Received, entity: &Part<'_>) -> Outcome {
        let header = |name| entity.header(name).unwrap_or_default();
        let Some(kind) = Kind::of(entity) else {
            return self.refuse(peer.address.ip(), "a message of MM4 that is not known");
        };
        let (status, why) = match kind {
            Kind::ForwardReq => match mm4::from_mail(&self.settings, peer, mail, entity) {
                Ok((submission, body)) => self.submit(submission, body).await,
                Err(refused) => refused,
            },
            Kind::DeliveryReportReq => {
                let state = mm4::state_of(header("X-Mms-MM-Status-Code"));
                self.settle(peer, self.which(entity), state).await
            }
            Kind::ReadReplyReq => self.read(peer, entity).await,
            Kind::ForwardRes => {
                let transaction = super::text::unquoted(header("X-Mms-Transaction-ID")).to_owned();
                let state = mm4::RequestStatus::end_of(header("X-Mms-Request-Status-Code"));
                let which = Some(Relayed::Transaction(transaction));
                self.settle(peer, which, state).await;
                return Outcome::Accepted;
            }
            Kind::DeliveryReportRes | Kind::ReadReplyRes => return Outcome::Accepted,
        };
        // What may be better another time comes again.
        if status == RequestStatus::Unspecified {
            return Outcome::Later(why);
        }
        if super::text::unquoted(header("X-Mms-Ack-Request")).eq_ignore_ascii_case("Yes") {
            let why = (status != RequestStatus::Ok).then_some(why.as_str());
            if let Some(answer) = mm4::answer(&self.settings, peer, entity, kind, status, why) {
                outgoing::answer(&self.settings, peer.address, answer);
            }
            return Outcome::Accepted;
        }
        match status {
            RequestStatus::Ok => Outcome::Accepted,
            _ => self.refuse(peer.address.ip(), &format!("{}: {why}", status.word())),
        }
    }

    /// The message that a report is about, and whose recipient it is.
    fn which(&self, entity: &Part<'_>) -> Option<Relayed> {
        let id = super::text::unquoted(entity.header("X-Mms-Message-ID")?).to_owned();
        Some(Relayed::Recipient { id, to: mm4::number(entity.header("From")?)? })
    }

    async fn settle(
        &self,
        peer: &Peer,
        which: Option<Relayed>,
        state: Option<crate::mmsc::message::State>,
    ) -> (RequestStatus, String) {
        let Some(which) = which else {
            return (RequestStatus::FormatCorrupt, "it says neither which message nor whose".to_owned());
        };
        let request = Request::Relayed { peer: peer.name.clone(), which, state };
        self.settled(request).await
    }

    async fn settled(&self, request: Request) -> (RequestStatus, String) {
        match self.service.ask(request).await {
            Answer::Done => (RequestStatus::Ok, String::new()),
            Answer::Unavailable => (RequestStatus::Unspecified, "the store is not available".to_owned()),
            _ => (RequestStatus::MessageNotFound, "there is no such message".to_owned()),
        }
    }

    async fn read(&self, peer: &Peer, entity: &Part<'_>) -> (RequestStatus, String) {
        let Some(Relayed::Recipient { id, to }) = self.which(entity) else {
            return (RequestStatus::FormatCorrupt, "it says neither which message nor whose".to_owned());
        };
        // An MMSC speaks for its own subscribers alone.
        if self.routes.peer_of(&to) != Some(peer.name.as_str()) {
            return (RequestStatus::ServiceDenied, format!("{to} is no number of {}", peer.name));
        }
        let status = mm4::reading_of(entity.header("X-Mms-Read-Status").unwrap_or_default());
        let date = entity.header("Date").and_then(super::text::read_date);
        self.settled(Request::Read { by: to, id, status, date }).await
    }
}
