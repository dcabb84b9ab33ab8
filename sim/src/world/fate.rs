//! What happens to gateways, to the exchange and to its clock, in the order of time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use strowger_exchange::{Exchange, Forward, Record, Setting, WallClock};
use strowger_sansio::{Epoch, NodeId, Time};
use strowger_softgateway::script::Action;

use super::{EXCUSED, World};
use crate::options::{Habits, Options, Trouble, TroubleKind};
use crate::person::Person;
use crate::town::host;

/// A turn of a gateway's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    CutOff(usize),
    Reconnected(usize),
    Restarted(usize),
    ExchangeRestarted,
    ExchangeStalls,
    ExchangeGoesOn,
    ClockSet(i64),
    OperatorSets,
}

/// The turns of what happens to gateways. When two cuts of a gateway overlap, the first end is the end.
pub(super) fn turns(options: &Options) -> BTreeMap<(Time, usize), Turn> {
    let restart = options.exchange_restart.map(|at| ((Time::ZERO + at, usize::MAX), Turn::ExchangeRestarted));
    let mut turns: BTreeMap<_, _> = restart.into_iter().collect();
    if let Some((at, lasts)) = options.stall {
        let at = Time::ZERO + at;
        turns.insert((at, usize::MAX - 1), Turn::ExchangeStalls);
        turns.insert((at + lasts, usize::MAX - 1), Turn::ExchangeGoesOn);
    }
    if let Some((at, by)) = options.clock_set {
        turns.insert((Time::ZERO + at, usize::MAX - 2), Turn::ClockSet(by));
    }
    if options.habits == Habits::Features {
        // Now and then an operator lights a lamp, or helps somebody out.
        let rounds = options.span.as_secs() / 20;
        turns.extend(
            (1..=rounds).map(|round| ((Time::from_secs(20 * round), usize::MAX - 3), Turn::OperatorSets)),
        );
    }
    for (number, Trouble { gateway, at, kind }) in options.troubles.iter().enumerate() {
        let at = Time::ZERO + *at;
        match kind {
            TroubleKind::Restart => {
                turns.insert((at, number), Turn::Restarted(*gateway));
            }
            TroubleKind::CutOff(lasts) => {
                turns.insert((at, number), Turn::CutOff(*gateway));
                turns.insert((at + *lasts, number), Turn::Reconnected(*gateway));
            }
        }
    }
    turns
}

impl World {
    /// The fate of gateways takes its turns.
    pub(super) fn turn_fate(&mut self) {
        let now = self.now;
        while let Some(((at, _), turn)) = self.troubles.first_key_value().map(|(key, turn)| (*key, *turn))
            && at <= now
        {
            self.troubles.pop_first();
            let place = match turn {
                Turn::CutOff(place) | Turn::Reconnected(place) | Turn::Restarted(place) => place,
                Turn::ExchangeRestarted => {
                    self.restart_exchange();
                    continue;
                }
                Turn::ClockSet(by) => {
                    self.store.set_clock(by);
                    self.tell_wall();
                    continue;
                }
                Turn::OperatorSets => {
                    self.operator_sets();
                    continue;
                }
                Turn::ExchangeStalls => {
                    (self.stalled, self.stalled_at) = (true, Some(now));
                    continue;
                }
                Turn::ExchangeGoesOn => {
                    self.go_on();
                    continue;
                }
            };
            let Some(host) = self.hosts.get_mut(place) else { continue };
            let Some(address) = host.sockets.first().map(SocketAddr::ip) else { continue };
            match turn {
                Turn::CutOff(_) => {
                    // For as long as it lasts; its end sets the time anew.
                    host.excused = Time::MAX;
                    self.network.cut_off(address);
                }
                Turn::Reconnected(_) => {
                    host.excused = now + EXCUSED;
                    self.network.reconnect(address);
                }
                _ => {
                    host.excused = host.excused.max(now + EXCUSED);
                    self.restart(place);
                }
            }
        }
    }

    /// The exchange is told what the wall shows.
    pub(super) fn tell_wall(&mut self) {
        let unix = self.store.origin() + self.now.since(Time::ZERO);
        self.exchange.set_wall_clock(self.now, WallClock { unix, utc_offset: 3_600 });
    }

    /// An operator sets something for somebody.
    fn operator_sets(&mut self) {
        let Some(line) = self.rng.pick(&self.inventory.lines).map(|line| line.number.clone()) else { return };
        let on = self.rng.chance(0.5);
        let settings = [
            Setting::MessageWaiting(on),
            Setting::CallWaiting(on),
            Setting::DoNotDisturb(on && self.rng.chance(0.3)),
            Setting::RejectAnonymous(on),
            Setting::WithholdNumber(on),
            Setting::Forward(Forward::Always, None),
        ];
        if let Some(setting) = self.rng.pick(&settings)
            && let Err(fault) = self.exchange.set(self.now, &line, setting)
        {
            self.invariants.broken(self.now, format!("{line} cannot have {setting:?}: {fault}"));
        }
    }

    /// A gateway begins anew; whose handset is lifted notices nothing but silence.
    fn restart(&mut self, place: usize) {
        let Some(entry) = self.inventory.gateways.get(place) else { return };
        let tongue = self.tongue(place);
        let (agent, now) = (self.agent, self.now);
        let Ok((gateway, _)) = host(&self.options, entry, tongue, agent, now, self.rng.fork()) else {
            return;
        };
        let Some(host) = self.hosts.get_mut(place) else { return };
        host.gateway = gateway;
        self.invariants.forget(entry.address.ip());
        self.streams.forget(now, Some(place));
        self.ears.forget_gateway(place);
        let lifted = |(host, person): &(usize, Person)| *host == place && person.is_off_hook();
        let people: Vec<_> =
            (0..self.people.len()).filter(|person| self.people.get(*person).is_some_and(lifted)).collect();
        for person in people {
            self.act(person, vec![Action::OffHook]);
        }
    }

    /// The exchange begins anew, in the next epoch, from what its store holds: the records of answered calls that have not
    /// ended, and what subscribers have set. What it had begun besides has no record, and what it had made must be found.
    fn restart_exchange(&mut self) {
        let epoch = Epoch(self.options.seed + 1);
        let now = self.now;
        let inventory = self.store.inventory(&self.inventory);
        self.exchange = Exchange::new(now, inventory, NodeId(0), epoch, self.rng.fork());
        self.tell_wall();
        self.invariants.forget(self.agent.ip());
        self.streams.forget(now, None);
        self.unnoticed.clear();
        let standing = self.store.take_standing();
        let refused = self.exchange.restore(now, &standing, now);
        let restored = standing.iter().map(|stable| stable.call).filter(|call| !refused.contains(call));
        let restored: BTreeSet<_> = restored.collect();
        for stable in standing.into_iter().filter(|stable| restored.contains(&stable.call)) {
            self.store.keep(&Record::CallStable(Box::new(stable)));
        }
        self.restored += restored.len();
        self.invariants.forget_calls(&restored);
        for host in &mut self.hosts {
            host.excused = host.excused.max(self.now + EXCUSED);
        }
    }

    /// The exchange's host runs again: what came meanwhile is read, as much of it as the socket kept, and what is due is done.
    pub(super) fn go_on(&mut self) {
        let now = self.now;
        (self.stalled, self.stalled_at) = (false, Some(now));
        for packet in std::mem::take(&mut self.unread) {
            self.hand_in(&packet);
        }
        for notice in std::mem::take(&mut self.unnoticed) {
            self.exchange_notices(notice);
        }
    }
}
