//! The protocol role of a gateway: MGCP or Megaco, above one plane.

use std::net::SocketAddr;

use strowger_megaco::gateway::{self as megaco, GatewayEvent as MegacoEvent};
use strowger_megaco::transaction::{Route, Transport};
use strowger_mgcp::gateway::{
    EndpointIndex, EndpointView, Gateway as Mgcp, GatewayCounters, GatewayEvent, MediaEvent, Shutdown,
};
use strowger_mgcp::message::ReasonCode;
use strowger_sansio::{SocketId, Time, Transmit};

use crate::event::What;
use crate::gateway::Question;
use crate::megaco::{Laying, Layout};
use crate::plane::Plane;
use crate::script::Order;

/// A role.
pub(crate) enum Role {
    Mgcp(Box<Mgcp>),
    Megaco(Box<Megaco>),
}

/// A Megaco gateway and how its contexts lie on the plane.
pub(crate) struct Megaco {
    pub(crate) gateway: megaco::Gateway,
    pub(crate) layout: Layout,
    /// Counters that nobody counts, for those who ask for MGCP's.
    pub(crate) none: GatewayCounters,
}

/// What a role tells.
pub(crate) enum News {
    Happened(What),
    Question(Question),
    /// A connection to a controller is wanted.
    Connect(usize),
    /// The connection to a controller is to be closed.
    Close(usize),
}

impl Role {
    pub(crate) fn handle_input(&mut self, now: Time, route: Route, message: &[u8], plane: &mut Plane) {
        match self {
            Self::Mgcp(role) => role.handle_input(now, route.address, message, plane),
            Self::Megaco(role) => {
                let Megaco { gateway, layout, .. } = &mut **role;
                gateway.handle_input(now, route, message, &mut Laying { plane, layout });
                while let Some(signal) = layout.poll_over() {
                    let over = megaco::MediaEvent::SignalEnded(signal);
                    gateway.handle_media_event(now, over, &mut Laying { plane, layout });
                }
            }
        }
    }

    pub(crate) fn handle_connected(
        &mut self,
        now: Time,
        controller: usize,
        route: Option<Route>,
        plane: &mut Plane,
    ) {
        if let Self::Megaco(role) = self {
            let Megaco { gateway, layout, .. } = &mut **role;
            let media = &mut Laying { plane, layout };
            match route {
                Some(route) => gateway.handle_connected(now, controller, route, media),
                None => gateway.handle_disconnected(now, controller, media),
            }
        }
    }

    pub(crate) fn address_of_controller(&self, controller: usize) -> Option<SocketAddr> {
        match self {
            Self::Mgcp(_) => None,
            Self::Megaco(role) => role.gateway.address_of_controller(controller),
        }
    }

    pub(crate) fn handle_media_event(
        &mut self,
        now: Time,
        endpoint: EndpointIndex,
        event: MediaEvent,
        plane: &mut Plane,
    ) {
        match self {
            Self::Mgcp(role) => role.handle_media_event(now, endpoint, event, plane),
            Self::Megaco(role) => {
                let Megaco { gateway, layout, .. } = &mut **role;
                if let MediaEvent::Fetched(signal) = &event {
                    let failed = plane.announce_fetched(now, endpoint, signal);
                    for event in layout.failed(&failed, signal) {
                        gateway.handle_media_event(now, event, &mut Laying { plane, layout });
                    }
                    return;
                }
                if let Some(event) = layout.event(endpoint, event) {
                    gateway.handle_media_event(now, event, &mut Laying { plane, layout });
                }
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Time, plane: &mut Plane) {
        match self {
            Self::Mgcp(role) => role.handle_timeout(now, plane),
            Self::Megaco(role) => {
                let Megaco { gateway, layout, .. } = &mut **role;
                gateway.handle_timeout(now, &mut Laying { plane, layout });
            }
        }
    }

    pub(crate) fn handle_resolved(&mut self, now: Time, agent: usize, addresses: &[SocketAddr]) {
        if let Self::Mgcp(role) = self {
            role.handle_resolved(now, agent, addresses);
        }
    }

    pub(crate) fn handle_unreachable(&mut self, now: Time, address: SocketAddr) {
        if let Self::Mgcp(role) = self {
            role.handle_unreachable(now, address);
        }
    }

    /// Does what an operator orders; says whether a name means anybody.
    pub(crate) fn operate(&mut self, now: Time, names: &str, order: Order, plane: &mut Plane) -> bool {
        match self {
            Self::Mgcp(role) => {
                let meant = role.endpoints_named(names);
                match order {
                    Order::Forced => role.out_of_service(now, &meant, ReasonCode::OUT_OF_SERVICE, plane),
                    Order::Graceful(after) => role.leave_service(now, &meant, after),
                    Order::InService(after) => {
                        role.stay_in_service(now, &meant);
                        role.into_service(now, &meant, after, plane);
                    }
                }
                !meant.is_empty()
            }
            Self::Megaco(role) => {
                let Megaco { gateway, layout, .. } = &mut **role;
                let order = match order {
                    Order::Forced => megaco::Order::Forced,
                    Order::Graceful(after) => megaco::Order::Graceful(after.unwrap_or_default()),
                    Order::InService(after) => megaco::Order::InService(after),
                };
                gateway.handle_order(now, names, order, &mut Laying { plane, layout }) > 0
            }
        }
    }

    /// Says whether the host has more to do than it can.
    pub(crate) fn set_load(&mut self, load: megaco::Load) {
        if let Self::Megaco(role) = self {
            role.gateway.set_load(load);
        }
    }

    pub(crate) fn shut_down(&mut self, now: Time, plane: &mut Plane) {
        match self {
            Self::Mgcp(role) => role.shut_down(now, Shutdown::Forced, plane),
            Self::Megaco(role) => {
                let Megaco { gateway, layout, .. } = &mut **role;
                gateway.shut_down(now, &mut Laying { plane, layout });
            }
        }
    }

    pub(crate) fn poll_transmit(&mut self, now: Time) -> Option<Transmit> {
        match self {
            Self::Mgcp(role) => role.poll_transmit(),
            Self::Megaco(role) => role.gateway.poll_transmit(now),
        }
    }

    pub(crate) fn poll_news(&mut self) -> Option<News> {
        match self {
            Self::Mgcp(role) => role.poll_event().map(mgcp_news),
            Self::Megaco(role) => loop {
                let event = role.gateway.poll_event()?;
                if let Some(news) = megaco_news(&role.gateway, &event) {
                    return Some(news);
                }
            },
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        match self {
            Self::Mgcp(role) => role.poll_timeout(),
            Self::Megaco(role) => role.gateway.poll_timeout(),
        }
    }

    pub(crate) fn find_endpoint(&self, local: &str) -> Option<EndpointIndex> {
        match self {
            Self::Mgcp(role) => role.find_endpoint(local),
            Self::Megaco(_) => None,
        }
    }

    pub(crate) fn outstanding(&self) -> usize {
        match self {
            Self::Mgcp(role) => role.outstanding(),
            Self::Megaco(role) => role.gateway.outstanding(),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        match self {
            Self::Mgcp(role) => role.connections(),
            Self::Megaco(role) => role.layout.connections(),
        }
    }

    pub(crate) fn endpoints(&self) -> Box<dyn Iterator<Item = EndpointView> + '_> {
        match self {
            Self::Mgcp(role) => Box::new(role.endpoints()),
            Self::Megaco(_) => Box::new(std::iter::empty()),
        }
    }

    pub(crate) fn megaco(&self) -> Option<&megaco::Gateway> {
        match self {
            Self::Mgcp(_) => None,
            Self::Megaco(role) => Some(&role.gateway),
        }
    }

    pub(crate) fn counters(&self) -> &GatewayCounters {
        match self {
            Self::Mgcp(role) => role.counters(),
            Self::Megaco(role) => &role.none,
        }
    }
}

/// Where a message of the main socket came from.
pub(crate) const fn main_route(from: SocketAddr) -> Route {
    Route { transport: Transport::Udp, socket: SocketId::MAIN, address: from }
}

fn mgcp_news(event: GatewayEvent) -> News {
    News::Happened(match event {
        GatewayEvent::Resolve { agent, name } => return News::Question(Question { agent, name }),
        GatewayEvent::Associated { endpoints } => What::Registered { endpoints },
        // The gateway puts the name in its place.
        GatewayEvent::Disconnected { endpoint } => What::Disconnected { endpoint: endpoint.0.to_string() },
        GatewayEvent::RestartRefused { code } => What::RestartRefused { code: code.get() },
        GatewayEvent::Refused { from, verb, code } => {
            What::Refused { from, verb: verb.to_string(), code: code.get() }
        }
        GatewayEvent::Malformed { from, error } => What::Malformed { from, why: error.to_string() },
    })
}

fn megaco_news(gateway: &megaco::Gateway, event: &MegacoEvent) -> Option<News> {
    let address = |controller: usize| gateway.address_of_controller(controller);
    let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
    Some(News::Happened(match event {
        MegacoEvent::Connect { controller } => return Some(News::Connect(*controller)),
        MegacoEvent::Close { controller } => return Some(News::Close(*controller)),
        MegacoEvent::Associated { .. } => What::Registered { endpoints: "ROOT".to_owned() },
        MegacoEvent::Disconnected { .. } => What::Disconnected { endpoint: "ROOT".to_owned() },
        MegacoEvent::RegistrationRefused { code, .. } => What::RestartRefused { code: code.get() },
        MegacoEvent::Refused { code } => {
            let from = gateway.controller().and_then(address).unwrap_or(nobody);
            What::Refused { from, verb: "command".to_owned(), code: code.get() }
        }
        MegacoEvent::Malformed { from, error } => What::Malformed { from: *from, why: error.to_string() },
        MegacoEvent::MessageError { from, code } => What::Malformed { from: *from, why: code.to_string() },
        _ => return None,
    }))
}
