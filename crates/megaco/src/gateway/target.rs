//! Which terminations a name means (RFC 3525 section 6.2.2).

use super::Gateway;
use super::report::Fault;
use super::termination::{Key, Kind};
use crate::error::ErrorCode;
use crate::message::{ContextId, ServiceState, TerminationId, TerminationName};

/// Whether a name has a wildcard that stands for all.
pub(super) fn is_all(id: &TerminationId<'_>) -> bool {
    match id {
        TerminationId::All => true,
        TerminationId::Name(name) => name.as_str().contains('*'),
        TerminationId::Root | TerminationId::Choose => false,
    }
}

/// Whether the gateway is to choose.
pub(super) fn is_choose(id: &TerminationId<'_>) -> bool {
    match id {
        TerminationId::Choose => true,
        TerminationId::Name(name) => name.as_str().contains('$'),
        TerminationId::Root | TerminationId::All => false,
    }
}

/// The identifier for a reply.
pub(super) fn to_owned(id: &TerminationId<'_>) -> TerminationId<'static> {
    match id {
        TerminationId::Root => TerminationId::Root,
        TerminationId::All => TerminationId::All,
        TerminationId::Choose => TerminationId::Choose,
        TerminationId::Name(name) => {
            TerminationName::new(name.as_str().to_owned()).map_or(TerminationId::All, TerminationId::Name)
        }
    }
}

/// Whether a name fits a pattern in which `*` and `$` stand for any characters, those between levels included: a wildcard in a level
/// means that level and all below it.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < name.len() {
        match (pattern.get(at), name.get(place)) {
            (Some(b'*' | b'$'), _) => {
                star = Some((at + 1, place));
                at += 1;
            }
            (Some(want), Some(have)) if want.eq_ignore_ascii_case(have) => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, place) = (after, from + 1);
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| matches!(byte, b'*' | b'$'))
}

impl Gateway {
    /// The termination of a name without wildcards.
    pub(super) fn find(&self, name: &str) -> Option<Key> {
        self.names.get(name.to_ascii_lowercase().as_str()).copied()
    }

    /// The terminations that a name means within a context; `$` is none of the names that this is for.
    pub(super) fn targets(&self, context: ContextId, id: &TerminationId<'_>) -> Result<Vec<Key>, Fault> {
        if is_choose(id) {
            return Err(Fault::new(
                ErrorCode::INCORRECT_IDENTIFIER,
                "CHOOSE where there is nothing to choose",
            ));
        }
        let is_here = |key: &Key| {
            let at = self.terminations.get(key).map_or(0, |termination| termination.context);
            match context {
                ContextId::ALL => at != 0,
                id => at == id.get(),
            }
        };
        match id {
            TerminationId::Root => Err(Fault::new(ErrorCode::INCORRECT_IDENTIFIER, "ROOT is not legal here")),
            TerminationId::Name(name) if !is_all(id) => {
                let key = self.find(name.as_str()).ok_or(ErrorCode::UNKNOWN_TERMINATION)?;
                if is_here(&key) { Ok(vec![key]) } else { Err(ErrorCode::NOT_IN_CONTEXT.into()) }
            }
            _ => {
                let pattern = id.as_str();
                let members: Vec<_> = match self.contexts.get(&context.get()) {
                    Some(context) => context.members.iter().copied().collect(),
                    None => self.terminations.keys().copied().filter(|key| *key != Key::ROOT).collect(),
                };
                let found = members.into_iter().filter(is_here);
                let found: Vec<_> = found.filter(|key| fits(pattern, self.name_of(*key))).collect();
                if found.is_empty() { Err(ErrorCode::NO_MATCH.into()) } else { Ok(found) }
            }
        }
    }

    /// The termination that Add is to have where the gateway chooses: one that is idle, or none, which means a new ephemeral one.
    pub(super) fn choose(&self, id: &TerminationId<'_>) -> Result<Option<Key>, Fault> {
        let pattern = id.as_str();
        let sample = format!("{}/1", self.config.ephemeral);
        if matches!(id, TerminationId::Choose) || fits(pattern, &sample) {
            return Ok(None);
        }
        let idle = self.terminations.iter().find(|(_, termination)| {
            matches!(termination.kind, Kind::Physical(..))
                && termination.context == 0
                && termination.service == ServiceState::InService
                && fits(pattern, &termination.name)
        });
        idle.map(|(key, _)| Some(*key)).ok_or_else(|| ErrorCode::NO_TERMINATION_ID.into())
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_wildcard_means_its_level_and_those_below() {
        for (pattern, name) in
            [("*", "aaln/1"), ("aaln/*", "AALN/1"), ("*/1", "aaln/1"), ("a/*/3", "a/1/2/3"), ("$", "x")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("aaln/*", "rtp/1"), ("aaln/1", "aaln/11"), ("*/2", "aaln/1"), ("", "a")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
