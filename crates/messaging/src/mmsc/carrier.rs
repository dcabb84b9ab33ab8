//! Takes the MMSC's pushes to the push gateway, which keeps them until they are sent.

use tokio::sync::mpsc;

use super::directory::Directory;
use super::request::{Order, OrderId, Purpose, Taken};
use super::service::Service;
use crate::pap::Version;
use crate::push::content::MMS;
use crate::push::{self, Content, Gateway, Refused, User};
use crate::queue::{Priority, Refusal};

/// Pushes that are handed over at once.
const BATCH: usize = 256;
/// The name that the push gateway knows the MMSC by; it cannot come over HTTP, as no account has a blank in its name.
const OWNER: &str = "the mmsc";

/// Runs until the MMSC has ended.
pub async fn run(
    mut orders: mpsc::UnboundedReceiver<Order>,
    service: Service,
    gateway: Gateway,
    directory: std::sync::Arc<Directory>,
) {
    let owner = User { name: OWNER.to_owned(), ..User::default() };
    while let Some(first) = orders.recv().await {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(order) = orders.try_recv()
        {
            batch.push(order);
        }
        let (mut ids, mut requests) = (Vec::new(), Vec::new());
        for order in batch {
            let id = order.id;
            match request(&order, &directory, gateway.config().limits.octets) {
                Some(request) => {
                    ids.push(id);
                    requests.push(request);
                }
                None => service.taken(id, Taken::NoWay).await,
            }
        }
        hand_over(&gateway, &owner, &service, ids, requests).await;
    }
}

async fn hand_over(
    gateway: &Gateway,
    owner: &User,
    service: &Service,
    ids: Vec<OrderId>,
    requests: Vec<push::Request>,
) {
    if requests.is_empty() {
        return;
    }
    let verdicts = gateway.push(owner, requests).await;
    for (id, verdict) in ids.into_iter().zip(verdicts) {
        let taken = match verdict {
            // A name that was used before is this push itself, before a crash.
            Ok(_) | Err(Refused::Queue(Refusal::Duplicate)) => Taken::Accepted,
            Err(Refused::Queue(_) | Refused::Rate) => Taken::Busy,
            Err(refused) => {
                tracing::warn!(%refused, "a push was refused");
                Taken::NoWay
            }
        };
        service.taken(id, taken).await;
    }
}

fn request(order: &Order, directory: &Directory, most: usize) -> Option<push::Request> {
    let to = directory.push_address(&order.to)?;
    let content = match Content::new(MMS, None, &order.pdu, most) {
        Ok(content) => content,
        Err(error) => {
            tracing::error!(message = order.message, %error, "a message of ours cannot be pushed");
            return None;
        }
    };
    let purpose = match order.id.purpose {
        Purpose::Notification => "notification",
        Purpose::DeliveryReport => "delivery",
        Purpose::ReadReport => "reading",
    };
    let place = order.id.delivery.place;
    Some(push::Request {
        push_id: format!("{}/{place}/{purpose}/{}", order.message, order.attempt),
        to: vec![to],
        content,
        not_before: None,
        expires: Some(order.expires.as_millis()),
        confirm: false,
        notify: None,
        version: Version::default(),
        priority: Priority::default(),
        replaces: None,
    })
}
