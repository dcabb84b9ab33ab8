//! Who has sent a request (RFC 3261 section 22, RFC 7616, RFC 8760).
//!
//! Nothing is kept for a challenge: a nonce says itself when and for which source it was made. Only a nonce that somebody has used
//! with the right password is remembered, with the highest count that came with it, so that nothing is accepted twice.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use strowger_sansio::{Duration, Rng, Time, TokenBucket};

use super::{RegistrarConfig, User};
use crate::auth::{Algorithm, Challenge, Nonces, Proof};
use crate::message::{Message, Name, Uri};

/// Nonces that are remembered for one user: more than it has telephones.
const NONCES: usize = 32;

/// What is wrong with nobody's password, so that finding out takes as long as with somebody's.
const NOBODYS: &str = "there is no such user";

/// Who has sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This user.
    Proven(User),
    /// It is not known: these are the values of `WWW-Authenticate` that ask for it, the strongest first (RFC 8760 section 2.3).
    Challenged(Vec<String>),
    /// It is not known, and its source was asked too often.
    Ignored,
}

/// Whether somebody has registered from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acquaintance {
    /// Somebody has.
    Registered,
    /// Nobody has.
    Stranger,
}

/// How often a source may be asked, and may be wrong.
#[derive(Debug)]
struct Source {
    challenges: TokenBucket,
    guesses: TokenBucket,
    last: Time,
}

/// The nonces that a user has proven its password with.
#[derive(Clone, Debug, Default)]
struct Used {
    /// By nonce: when it was made, and the highest count.
    nonces: BTreeMap<String, (u64, u32)>,
    /// Nonces made until then that are not remembered are not accepted.
    forgotten: Option<u64>,
}

/// Challenges requests and judges what comes back.
#[derive(Debug)]
pub(crate) struct Guard {
    realm: String,
    algorithms: Vec<Algorithm>,
    lifetime: Duration,
    rate: (u32, u32),
    most: usize,
    nonces: Nonces,
    rng: Rng,
    used: Vec<Used>,
    sources: BTreeMap<IpAddr, Source>,
    /// For all sources beyond those that are counted apart.
    others: Source,
    /// For all together who have not registered.
    strangers: TokenBucket,
}

impl Guard {
    pub(super) fn new(now: Time, config: &RegistrarConfig, users: usize, mut rng: Rng) -> Self {
        let mut secret = [0; 16];
        rng.fill(&mut secret);
        let rate = (config.challenges, config.burst);
        Self {
            realm: config.realm.clone(),
            algorithms: config.algorithms.clone(),
            lifetime: config.nonce_lifetime,
            rate,
            most: config.sources,
            nonces: Nonces::new(secret),
            rng,
            used: vec![Used::default(); users],
            sources: BTreeMap::new(),
            others: Source::new(rate, now),
            strangers: TokenBucket::new(config.strangers, config.strangers, now),
        }
    }

    /// Judges a request. `password` knows the users.
    pub(super) fn judge<'p>(
        &mut self,
        now: Time,
        (source, known): (IpAddr, Acquaintance),
        request: &Message<'_>,
        password: impl Fn(&str) -> Option<(User, &'p str)>,
    ) -> Verdict {
        let realm = &self.realm;
        let proofs = request.header.all(&Name::Authorization).filter_map(Proof::parse);
        let Some(proof) = proofs.into_iter().find(|proof| proof.realm == *realm) else {
            return self.challenge(now, (source, known), Stale::No);
        };
        let (user, password) = match password(&proof.user) {
            Some((user, password)) => (Some(user), password),
            None => (None, NOBODYS),
        };
        let made = self.nonces.made_at(&proof.nonce, source);
        // A source that has used its guesses up is not told whether the next one is right.
        if made.is_some() && !self.source(now, source).guesses.take(now) {
            return Verdict::Ignored;
        }
        let method = request.method().map(ToString::to_string).unwrap_or_default();
        // What was not asked for proves nothing: it may be the weaker for it (RFC 8760 section 2.4).
        let is_asked = self.algorithms.contains(&proof.algorithm);
        let holds = proof.holds(password, &method) && is_asked && is_about(&proof.uri, request);
        let (Some(user), true) = (user, holds) else {
            return self.challenge(now, (source, known), Stale::No);
        };
        let Some(made) = made else { return self.challenge(now, (source, known), Stale::Yes) };
        self.source(now, source).guesses.give_back();
        let age = (now.as_millis() / 1000).saturating_sub(made);
        if age > self.lifetime.as_secs() || !self.is_new(user, made, &proof) {
            return self.challenge(now, (source, known), Stale::Yes);
        }
        Verdict::Proven(user)
    }

    /// Whether a proof did not come before: it counts higher than any with its nonce. One without a count is the only one.
    fn is_new(&mut self, user: User, made: u64, proof: &Proof) -> bool {
        let count = proof.protection.as_ref().map_or(1, |(count, _)| *count);
        let Some(used) = self.used.get_mut(user) else { return false };
        if let Some((_, highest)) = used.nonces.get_mut(&proof.nonce) {
            let is_new = proof.protection.is_some() && count > *highest;
            *highest = count.max(*highest);
            return is_new;
        }
        if count == 0 || used.forgotten.is_some_and(|until| made <= until) {
            return false;
        }
        if used.nonces.len() >= NONCES
            && let Some((nonce, made)) = used
                .nonces
                .iter()
                .min_by_key(|(_, (made, _))| *made)
                .map(|(nonce, (made, _))| (nonce.clone(), *made))
        {
            used.nonces.remove(&nonce);
            used.forgotten = used.forgotten.max(Some(made));
        }
        used.nonces.insert(proof.nonce.clone(), (made, count));
        true
    }

    fn challenge(&mut self, now: Time, (source, known): (IpAddr, Acquaintance), stale: Stale) -> Verdict {
        if !self.source(now, source).challenges.take(now) {
            return Verdict::Ignored;
        }
        // Strangers must not use up what is there for telephones that are known.
        if known == Acquaintance::Stranger && !self.strangers.take(now) {
            return Verdict::Ignored;
        }
        let nonce = self.nonces.make(now.as_millis() / 1000, self.rng.next_u64(), source);
        let ask = |algorithm: &Algorithm| {
            let (realm, nonce) = (self.realm.clone(), nonce.clone());
            let stale = stale == Stale::Yes;
            Challenge { realm, nonce, opaque: None, algorithm: *algorithm, protects: true, stale }.to_value()
        };
        Verdict::Challenged(self.algorithms.iter().map(ask).collect())
    }

    fn source(&mut self, now: Time, source: IpAddr) -> &mut Source {
        let source = network_of(source);
        if !self.sources.contains_key(&source) && self.sources.len() >= self.most {
            // Whoever has been silent for as long as its count takes to fill is as good as new.
            let (rate, burst) = self.rate;
            let full = Duration::from_secs(u64::from(burst / rate.max(1)) + 1);
            self.sources.retain(|_, known| now.since(known.last) < full);
            if self.sources.len() >= self.most {
                return &mut self.others;
            }
        }
        let known = self.sources.entry(source).or_insert_with(|| Source::new(self.rate, now));
        known.last = known.last.max(now);
        known
    }

    /// A tag that is always the same for the same request, and that nobody else can make.
    pub(super) fn tag(&self, request: &Message<'_>) -> String {
        let header = &request.header;
        let via = header.list(&Name::Via).next().unwrap_or_default();
        let (call_id, cseq) =
            (header.call_id().unwrap_or_default(), header.get(&Name::CSeq).unwrap_or_default());
        let from = header.get(&Name::From).unwrap_or_default();
        self.nonces.seal(&format!("{via}\n{call_id}\n{cseq}\n{from}"))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stale {
    No,
    Yes,
}

impl Source {
    fn new((rate, burst): (u32, u32), now: Time) -> Self {
        let bucket = || TokenBucket::new(rate, burst, now);
        Self { challenges: bucket(), guesses: bucket(), last: now }
    }
}

/// Whose source counts together: an address, or what one subscriber is given of IPv6.
fn network_of(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) >> 64 << 64)),
        v4 => v4,
    }
}

/// Whether the URI of a proof is that of its request (RFC 7616 section 3.4.6).
fn is_about(uri: &str, request: &Message<'_>) -> bool {
    let Some(own) = request.uri() else { return false };
    let equivalent = match (own.as_sip(), Uri::parse(uri)) {
        (Some(own), Some(Uri::Sip(theirs))) => own.is_equivalent(&theirs),
        _ => false,
    };
    equivalent || own.to_string() == uri
}
