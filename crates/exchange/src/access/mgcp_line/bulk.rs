//! Lines of a gateway that returns, audited together where it can be asked so (RFC 3624): most have no connection and give no signal,
//! and are ready; those that have or do are audited one by one.
//!
//! A gateway with many lines that has not restarted is asked for its packages first (see `census`); its lines wait for that. One without the
//! bulk audit package, or whose answer cannot be read, is asked line by line.

use std::collections::BTreeMap;

use strowger_mgcp::agent::{BulkEntry, Failure, GatewayId, Outcome};

use super::Lines;
use super::line::Standing;
use crate::LineId;
use crate::access::census::{self, Abilities};
use crate::access::{Tag, Turn};

/// So many lines are worth the question whether they can be asked together.
const LEAST: usize = 8;

/// How often an audit is gone on with: more than all the endpoints of a gateway take.
const MOST_ROUNDS: u32 = 4096;

/// Audits of many lines that are under way.
#[derive(Debug, Default)]
pub(super) struct Counts {
    serial: u64,
    under_way: BTreeMap<u64, Count>,
}

#[derive(Debug)]
struct Count {
    gateway: GatewayId,
    class: String,
    round: u32,
}

impl Lines {
    /// The lines of a gateway that returns wait for what it says of itself, if they are many.
    pub(super) fn hold(&mut self, gateway: GatewayId) {
        let returning = self.standing(gateway, None, Standing::Returning);
        for id in returning.iter().filter(|_| returning.len() >= LEAST) {
            let line = self.lines.get_mut(id).filter(|line| line.place.has_all && line.place.audits);
            if let Some(line) = line {
                line.standing = Standing::Counting;
            }
        }
    }

    /// They wait no longer: each is audited by itself.
    pub(in crate::access) fn release(&mut self, gateway: GatewayId, class: Option<&str>) {
        for id in self.standing(gateway, class, Standing::Counting) {
            if let Some(line) = self.lines.get_mut(&id) {
                line.standing = Standing::Returning;
                self.touched.insert(id);
            }
        }
    }

    /// The gateway has said what the lines of a class can do.
    pub(in crate::access) fn count(
        &mut self,
        turn: &mut Turn<'_>,
        gateway: GatewayId,
        class: &str,
        abilities: &Abilities,
    ) {
        if !abilities.has_bulk_audit() {
            return self.release(gateway, Some(class));
        }
        self.ask(turn, Count { gateway, class: class.to_owned(), round: 0 }, None);
    }

    fn ask(&mut self, turn: &mut Turn<'_>, count: Count, start: Option<String>) {
        let all = if count.class.is_empty() { "*".to_owned() } else { format!("{}/*", count.class) };
        let wait = !self.standing(count.gateway, Some(&count.class), Standing::Counting).is_empty();
        let Some(all) = turn.agent.endpoint(count.gateway, &all).filter(|_| wait) else {
            return self.release(count.gateway, Some(&count.class));
        };
        self.counts.serial += 1;
        let serial = self.counts.serial;
        turn.agent.audit_many(turn.now, (count.gateway, &all), start, Tag::Count(serial));
        self.counts.under_way.insert(serial, count);
    }

    /// A gateway has answered for many lines, or has not.
    pub(in crate::access) fn counted(
        &mut self,
        turn: &mut Turn<'_>,
        serial: u64,
        result: Result<Outcome, Failure>,
    ) {
        let Some(count) = self.counts.under_way.remove(&serial) else { return };
        let Some(bulk) = result.ok().and_then(|outcome| outcome.bulk) else {
            return self.release(count.gateway, Some(&count.class));
        };
        let named = |entry: BulkEntry| (entry.local.to_ascii_lowercase(), entry);
        let entries: BTreeMap<_, _> = bulk.entries.into_iter().map(named).collect();
        for id in self.standing(count.gateway, Some(&count.class), Standing::Counting) {
            let Some(line) = self.lines.get_mut(&id) else { continue };
            let Some(entry) = entries.get(&line.place.endpoint.local().to_ascii_lowercase()) else {
                continue;
            };
            let is_clean = entry.in_service && entry.connections == 0 && !entry.signals;
            line.standing = Standing::Returning;
            self.touched.insert(id);
            if is_clean {
                line.may_have_left = false;
            }
            if is_clean && self.own_connections(id).is_empty() {
                self.stand_up(id);
            }
        }
        let Count { gateway, class, round } = count;
        if bulk.next.is_some() && round < MOST_ROUNDS {
            self.ask(turn, Count { gateway, class, round: round + 1 }, bulk.next);
        } else {
            self.release(gateway, Some(&class));
        }
    }

    /// The lines of a gateway, and of a class, that stand so.
    fn standing(&self, gateway: GatewayId, class: Option<&str>, standing: Standing) -> Vec<LineId> {
        let on = self.by_gateway.get(&gateway).into_iter().flatten().filter_map(|id| self.lines.get(id));
        let of = |endpoint| class.is_none_or(|class| census::class(endpoint) == class);
        let stand = on.filter(|line| line.standing == standing && of(line.place.endpoint.as_name()));
        stand.map(|line| line.id).collect()
    }
}
