//! What a gateway has: its physical terminations, for the census, and what of it is in use.
//!
//! A gateway that registers is asked for the terminations of the null context, which are physical, and then for those of all contexts, among which
//! the streams are: of those only the ones that the inventory names are known to be physical. One that cannot say is left alone, as one whose
//! answer does not fit a message.

use strowger_megaco::error::ErrorCode;
use strowger_megaco::message::{Action, AuditItems, ContextId, ReplyResult, TerminationId};
use strowger_mgcp::agent::GatewayId;
use strowger_mgcp::message::EndpointNameBuf;
use strowger_sansio::Time;

use super::{Ask, Megaco, is_overloaded, order};
use crate::MegacoView;
use crate::access::control::News;

impl Megaco {
    /// Asks a gateway for its terminations.
    pub(super) fn ask_idle(&mut self, now: Time, gateway: GatewayId) {
        let body = order::audit(TerminationId::All, AuditItems::NONE);
        self.ask(now, gateway, Action::new(ContextId::NULL, [body]), Ask::Idle(gateway));
    }

    pub(super) fn ask_busy(&mut self, now: Time, gateway: GatewayId) {
        let body = order::audit(TerminationId::All, AuditItems::NONE);
        self.ask(now, gateway, Action::new(ContextId::ALL, [body]), Ask::Busy(gateway));
    }

    /// A gateway has said which terminations are in no context.
    pub(super) fn idle(&mut self, now: Time, gateway: GatewayId, result: &ReplyResult<'_>) {
        let Some(names) = self.names(gateway, result) else { return };
        if let Some(known) = self.associations.get_mut(&gateway) {
            known.idle = names;
            self.ask_busy(now, gateway);
        }
    }

    /// It has said which are in one.
    pub(super) fn busy(&mut self, gateway: GatewayId, result: &ReplyResult<'_>) {
        let Some(busy) = self.names(gateway, result) else { return };
        let Some(known) = self.associations.get_mut(&gateway) else { return };
        let idle = std::mem::take(&mut known.idle);
        self.news.push_back(News::Terminations { gateway, idle, busy });
    }

    /// The names of a reply; none in it where nothing matched.
    fn names(&self, gateway: GatewayId, result: &ReplyResult<'_>) -> Option<Vec<EndpointNameBuf>> {
        let ReplyResult::Actions(replies) = result else { return None };
        match order::error(replies) {
            None => {}
            Some(ErrorCode::NO_MATCH) => return Some(Vec::new()),
            Some(_) => return None,
        }
        let domain = self.domain(gateway)?;
        let names = order::terminations(replies).filter_map(|(_, own, _)| order::name(own));
        Some(names.filter_map(|name| EndpointNameBuf::from_parts(name, domain)).collect())
    }

    /// What of a gateway is in use now.
    pub(in crate::access) fn view(&self, gateway: GatewayId) -> Option<MegacoView> {
        let known = self.associations.get(&gateway)?;
        let own = || self.loops.iter().filter(|own| own.gateway == gateway && own.context.is_some());
        let is_overloaded =
            self.controller.as_ref().is_some_and(|controller| is_overloaded(controller, known.peer));
        let streams = own().map(|own| own.streams.len()).sum();
        Some(MegacoView { contexts: own().count(), streams, is_overloaded })
    }
}
