//! What is handed over as mail: messages to mail addresses and to other MMSCs, and reports to these. Which is due, and when it goes again, is the
//! engine's to say.

use std::time::Duration;

use super::{MailSettings, mm3, mm4};
use crate::mmsc::application::outbox::content;
use crate::mmsc::party::Party;
use crate::mmsc::request::{Handover, Purpose, Taken};
use crate::mmsc::service::Service;
use crate::smtp::host::deliver;
use crate::smtp::{Mail, Outcome};

/// How long a host may take for a mail.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pauses before an answer to another MMSC is sent again; after the last it is given up.
const AGAIN: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];

/// One attempt: hands something over and tells what became of it.
pub async fn hand(service: &Service, settings: &MailSettings, handover: &Handover) -> Taken {
    let envelope = &handover.envelope;
    let Some(delivery) = envelope.deliveries.get(handover.id.delivery.place) else { return Taken::NoWay };
    let content = match content(service, handover, delivery).await {
        Ok(content) => content,
        Err(taken) => return taken,
    };
    let (host, mail) = match &handover.to {
        Party::Mail(_) => {
            let Some(host) = settings.smarthost else { return Taken::NoWay };
            (host, mm3::to_mail(settings, envelope, delivery, &content))
        }
        Party::Peer { peer, .. } => {
            let Some(peer) = settings.peer(peer) else { return Taken::NoWay };
            let mail = match handover.id.purpose {
                Purpose::Notification => mm4::forward(settings, peer, envelope, delivery, &content),
                Purpose::DeliveryReport => mm4::delivery_report(settings, peer, envelope, delivery),
                Purpose::ReadReport => mm4::read_reply(settings, peer, envelope, delivery),
            };
            (peer.address, mail)
        }
        _ => return Taken::NoWay,
    };
    match deliver(host, &settings.domain, mail, PATIENCE).await {
        Outcome::Accepted => Taken::Accepted,
        Outcome::Later(why) => {
            tracing::info!(%host, why, "a mail was not taken; it is sent again");
            Taken::Busy
        }
        Outcome::Refused(why) => {
            tracing::warn!(%host, why, "a mail was refused");
            Taken::Refused
        }
    }
}

/// Answers another MMSC: what it does not hear it asks again, so that an answer is not kept.
pub(super) fn answer(settings: &MailSettings, host: std::net::SocketAddr, mail: Mail) {
    let name = settings.domain.clone();
    tokio::spawn(async move {
        for pause in AGAIN {
            match deliver(host, &name, mail.clone(), PATIENCE).await {
                Outcome::Accepted => return,
                Outcome::Refused(why) => {
                    tracing::warn!(%host, why, "an answer to another MMSC was refused");
                    return;
                }
                Outcome::Later(_) => tokio::time::sleep(pause).await,
            }
        }
        tracing::warn!(%host, "an answer to another MMSC was not taken");
    });
}
